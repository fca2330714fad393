/* The connection to a machine: made, watched, lost and made again. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/kvm/kvm.h"
#include "engine/kvm/spawn.h"

#define END_WAIT_MS 10000 /* from the end of the connection to that of the process */
#define MESSAGES_AT_ONCE 1000

/* --- the process --- */

static bool process_ended(const struct mv_kvm_domain *d, int timeout_ms)
{
	struct pollfd p = { .fd = d->pidfd, .events = POLLIN };
	uint64_t end = mv_kvm_now_ms() + (uint64_t)timeout_ms;
	int n;

	if (d->pidfd < 0)
		return false;
	do {
		uint64_t now = mv_kvm_now_ms();

		n = poll(&p, 1, now < end ? (int)(end - now) : 0);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

/* A process id may have been given to somebody else since; with the time of its start it cannot. */
static void open_process(struct mv_kvm_domain *d, int folder)
{
	mv_autofree char *text = NULL;
	unsigned long long start;
	char *rest;
	long pid;

	if (mv_store_file_read(folder, "pid", 64, &text, NULL) < 0 || !text)
		return;
	pid = strtol(text, &rest, 10);
	start = strtoull(rest, NULL, 10);
	if (pid <= 0)
		return;
	d->pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	if (d->pidfd < 0)
		return;
	d->pid = (pid_t)pid;
	if (mv_kvm_process_start(d->pid) == start)
		return;
	close(d->pidfd);
	d->pidfd = -1;
}

void mv_kvm_kill(struct mv_kvm_domain *d)
{
	struct mv_store *store = d->kvm->store;

	/* Others who see it end should not take it for a crash. */
	if (mv_store_lock(store, NULL) == 0) {
		mv_autofd int folder = mv_store_run_open(store, d->dom.name);

		if (mv_kvm_same_run(d, folder))
			mv_kvm_write_last_word(d,
					       &(struct mv_control_status){ .state = MV_STATE_SHUTOFF,
									    .reason = MV_REASON_QUIT });
		mv_store_unlock(store);
	}
	if (d->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, d->pidfd, SIGKILL, NULL, 0);
	d->killed = true;
	mv_kvm_lost(d, true);
}

/* --- messages --- */

static void take_start_reply(struct mv_kvm_domain *d, struct mv_message *m)
{
	bool paused = d->dom.live->paused;

	d->pending = MV_KVM_SETTLED;
	if (m->code) {
		mv_error_set_whole(&d->start_error, MV_FROM_KVM, (int)m->code, m->errnum, "%s",
				   m->text ? m->text : "The machine gave no reason");
		return;
	}
	if (paused)
		mv_dom_set_state(&d->dom, MV_DOMAIN_PAUSED, MV_PAUSED_USER, NULL);
	else
		mv_dom_set_state(&d->dom, MV_DOMAIN_RUNNING, d->restored ? MV_RUNNING_RESTORED : MV_RUNNING_BOOTED,
				 NULL);
	mv_kvm_announce(d, d->restored ? "restored" : "booted");
}

static void take_message(struct mv_kvm_domain *d, struct mv_message *m)
{
	if (m->kind == MV_MESSAGE_EVENT) {
		mv_kvm_event(d, m);
	} else if (m->kind == MV_MESSAGE_REPLY && m->serial && m->serial == d->wait_serial) {
		*d->wait_reply = *m;
		mv_message_init(m);
		d->got_reply = true;
		d->wait_serial = 0;
	} else if (m->kind == MV_MESSAGE_REPLY && d->pending && m->serial == d->pending_serial) {
		if (d->pending == MV_KVM_STARTING) {
			take_start_reply(d, m);
		} else {
			d->pending = MV_KVM_SETTLED;
			if (m->code)
				return;
			mv_kvm_set_status(d, &m->status);
			mv_kvm_announce(d, m->status.reason == MV_REASON_RESTORED ? "restored" : "booted");
		}
	}
	/* Anything else is the late reply to a call that nobody waits for any more. */
}

void mv_kvm_receive(struct mv_kvm_domain *d)
{
	int rc = 1;

	/* A machine that talks without end does not keep us for ever. */
	for (int i = 0; i < MESSAGES_AT_ONCE && d->sock >= 0 && (rc > 0 || rc == -EBADMSG); i++) {
		struct mv_message m;

		mv_message_init(&m);
		rc = mv_message_receive(d->sock, &m);
		if (rc > 0)
			take_message(d, &m);
		mv_message_clear(&m);
	}
	if (rc > 0 || rc == -EAGAIN || rc == -EBADMSG || d->sock < 0)
		return;
	/* The watch stays: whoever reads here may be in a call, and the loop finds the end once more. */
	d->eof = true;
}

static void on_socket(void *opaque, uint32_t events)
{
	struct mv_kvm_domain *d = opaque;

	(void)events;
	mv_dom_ref(&d->dom); /* what we find may end it */
	mv_kvm_receive(d);
	if (d->eof)
		mv_kvm_lost(d, false);
	mv_dom_unref(&d->dom);
}

static void on_process_end(void *opaque, uint32_t events)
{
	struct mv_kvm_domain *d = opaque;

	(void)events;
	mv_dom_ref(&d->dom);
	mv_kvm_ended(d);
	mv_dom_unref(&d->dom);
}

int mv_kvm_watch(struct mv_kvm_domain *d, struct mv_error **err)
{
	return mv_watch_add(d->kvm->loop, d->sock, EPOLLIN, on_socket, d, &d->watch, err);
}

static void close_socket(struct mv_kvm_domain *d)
{
	mv_watch_remove(d->watch);
	d->watch = NULL;
	mv_cleanup_fd(&d->sock);
	d->sock = -1;
	d->eof = false;
}

void mv_kvm_disconnect(struct mv_kvm_domain *d)
{
	close_socket(d);
	mv_watch_remove(d->pid_watch);
	d->pid_watch = NULL;
	mv_cleanup_fd(&d->pidfd);
	d->pidfd = -1;
	d->pid = 0;
	d->pending = MV_KVM_SETTLED;
}

/* --- attaching --- */

/* Connects and subscribes; the reply, which tells the state, is waited for by whoever needs it. -errno. */
static int connect_machine(struct mv_kvm_domain *d, int folder)
{
	struct mv_message m;
	int sock = mv_store_socket_connect(folder, "control.sock");

	if (sock < 0)
		return sock;
	d->sock = sock;
	d->eof = false;
	if (mv_kvm_watch(d, NULL) < 0) {
		close_socket(d);
		return -ENOMEM;
	}
	mv_message_init(&m);
	m.code = MV_CALL_SUBSCRIBE;
	if (mv_kvm_send(d, &m, "a subscription", NULL) < 0) {
		close_socket(d);
		return -EIO;
	}
	d->pending = MV_KVM_ATTACHING;
	d->pending_serial = m.serial;
	return 0;
}

static int read_live(struct mv_kvm_domain *d, int folder, struct mv_error **err)
{
	mv_auto(mv_domain_conf) conf = NULL;
	mv_autofree char *text = NULL;

	if (mv_store_file_read(folder, "spec.json", 1 << 20, &text, err) < 0)
		return -1;
	if (!text || mv_domain_conf_parse(text, &conf, err) < 0)
		return mv_error_set(err, MV_ERR_OPERATION_FAILED,
				    "The guest '%s' runs, but '%s/run/%s/spec.json' is missing", d->dom.name,
				    d->kvm->store->path, d->dom.name);
	mv_dom_set_live(&d->dom, mv_steal(conf));
	d->dom.id = (int)mv_store_run_number(folder, "id");
	return 0;
}

/* Lock held. */
static int attach(struct mv_kvm_domain *d, int folder, struct mv_error **err)
{
	int rc;

	if (faccessat(folder, "control.sock", F_OK, 0) < 0)
		return 0;
	open_process(d, folder);
	rc = connect_machine(d, folder);
	if (rc == -ECONNREFUSED || rc == -ENOENT) {
		/* Ended while nobody looked: its files go, its last word stays. */
		mv_kvm_found_dead(d);
		return 0;
	}
	if (rc < 0) {
		mv_kvm_disconnect(d);
		return mv_error_set_errno(err, -rc, "The machine of guest '%s' cannot be reached", d->dom.name);
	}
	if (read_live(d, folder, err) < 0) {
		mv_kvm_disconnect(d);
		return -1;
	}
	d->announced = !d->kvm->opened;
	d->saved = d->killed = false;
	mv_dom_set_state(&d->dom, MV_DOMAIN_RUNNING, MV_RUNNING_UNKNOWN, NULL);
	return 0;
}

int mv_kvm_attach(struct mv_kvm_domain *d, struct mv_error **err)
{
	struct mv_store *store = d->kvm->store;
	int folder, ret = 0;
	char path[300];

	/* Most often nothing runs, and that costs no lock. */
	snprintf(path, sizeof(path), "%s/control.sock", d->dom.name);
	if (faccessat(store->run_fd, path, F_OK, 0) < 0)
		return 0;
	/* Whoever starts it holds the lock until all files are there. */
	if (mv_store_lock(store, err) < 0)
		return -1;
	folder = mv_store_run_open(store, d->dom.name);
	if (folder >= 0) {
		ret = attach(d, folder, err);
		close(folder);
	}
	mv_store_unlock(store);
	return ret;
}

/* --- waiting and losing --- */

/* Waits until the pending reply is there. 0, -ETIMEDOUT, or -EPIPE when the connection has ended. */
static int pump(struct mv_kvm_domain *d, int timeout_ms)
{
	uint64_t end = mv_kvm_now_ms() + (uint64_t)timeout_ms;

	while (d->pending) {
		struct pollfd p = { .fd = d->sock, .events = POLLIN };
		uint64_t now = mv_kvm_now_ms();
		int n;

		if (d->sock < 0 || d->eof)
			return -EPIPE;
		n = poll(&p, 1, now < end ? (int)(end - now) : 0);
		if (n == 0)
			return -ETIMEDOUT;
		mv_kvm_receive(d);
	}
	return 0;
}

static bool reconnect(struct mv_kvm_domain *d)
{
	mv_autofd int folder = -1;
	bool connected;

	if (mv_store_lock(d->kvm->store, NULL) < 0)
		return false;
	folder = mv_store_run_open(d->kvm->store, d->dom.name);
	/* Another run of the guest is not this one's machine. */
	connected = mv_kvm_same_run(d, folder) && connect_machine(d, folder) == 0;
	mv_store_unlock(d->kvm->store);
	return connected;
}

static void await_end(struct mv_kvm_domain *d)
{
	if (d->pidfd >= 0 && !process_ended(d, END_WAIT_MS)) {
		/* It let go of everything and does not end: nothing good can come of it. */
		syscall(SYS_pidfd_send_signal, d->pidfd, SIGKILL, NULL, 0);
		d->killed = true;
		process_ended(d, END_WAIT_MS);
	}
	mv_kvm_ended(d);
}

void mv_kvm_lost(struct mv_kvm_domain *d, bool wait)
{
	/* Told to end, or never up: there is nothing to come back to. */
	bool ending = d->dom.state == MV_DOMAIN_SHUTOFF || d->start_error || d->killed || d->pending == MV_KVM_STARTING;

	for (;;) {
		close_socket(d);
		/* Most likely it has ended, or is about to. */
		if (process_ended(d, ending ? 0 : 50)) {
			mv_kvm_ended(d);
			return;
		}
		/* A machine drops a client that does not read its events; then it lives on. */
		if (ending || !reconnect(d))
			break;
		if (!wait || pump(d, d->kvm->timeout_ms) == 0)
			return;
	}
	if (wait || d->pidfd < 0) {
		await_end(d);
	} else if (!d->pid_watch &&
		   mv_watch_add(d->kvm->loop, d->pidfd, EPOLLIN, on_process_end, d, &d->pid_watch, NULL) < 0) {
		await_end(d);
	}
}

static int start_failed(struct mv_kvm_domain *d, struct mv_error **err)
{
	int ret = mv_error_set_whole(err, d->start_error->domain, d->start_error->code, d->start_error->errnum, "%s",
				     d->start_error->message);

	mv_error_free(d->start_error);
	d->start_error = NULL;
	return ret;
}

int mv_kvm_settle(struct mv_kvm_domain *d, int timeout_ms, struct mv_error **err)
{
	bool starting = d->pending == MV_KVM_STARTING;
	int limit = starting ? d->start_timeout_ms : d->kvm->timeout_ms;
	int rc = 0;

	if (d->pending)
		rc = pump(d, timeout_ms < 0 ? limit : timeout_ms);
	if (rc == -ETIMEDOUT) {
		mv_error_set(err, MV_ERR_OPERATION_TIMEOUT,
			     "Waited %d ms for the %s of guest '%s', and its machine (process %d) has not answered",
			     timeout_ms < 0 ? limit : timeout_ms, starting ? "start" : "state", d->dom.name,
			     (int)d->pid);
		/* Who gave a limit may wait again; a start that takes longer than any may is ended. */
		if (starting && timeout_ms < 0)
			mv_kvm_kill(d);
		return -1;
	}
	if (rc < 0 || (d->start_error && mv_dom_active(&d->dom)))
		mv_kvm_lost(d, true);
	return d->start_error ? start_failed(d, err) : 0;
}
