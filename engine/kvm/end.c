/* A machine that has ended: why, and what is left of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/kvm/kvm.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

#define LOG_TAIL 4096

/* --- why --- */

char *mv_kvm_last_log_line(struct mv_kvm_domain *d)
{
	mv_autofd int folder = mv_store_run_open(d->kvm->store, d->dom.name);
	mv_autofd int fd = folder < 0 ? -1 : openat(folder, "log", O_RDONLY | O_CLOEXEC);
	char tail[LOG_TAIL + 1];
	char *start, *end;
	off_t size;
	ssize_t n;

	if (fd < 0)
		return NULL;
	size = lseek(fd, 0, SEEK_END);
	n = pread(fd, tail, LOG_TAIL, size > LOG_TAIL ? size - LOG_TAIL : 0);
	if (n <= 0)
		return NULL;
	end = tail + n;
	while (end > tail && (end[-1] == '\n' || end[-1] == 0))
		end--;
	*end = 0;
	start = memrchr(tail, '\n', (size_t)(end - tail));
	start = start ? start + 1 : tail;
	return *start ? strdup(start) : NULL;
}

/* How the process ended, where it was ours. Collects it. Owned, or NULL. */
static char *collect(struct mv_kvm_domain *d)
{
	siginfo_t info = { 0 };
	char *text = NULL;
	int n = -1;

	/* Also for a machine that an earlier connection of this process has started. */
	if (d->pidfd < 0 || waitid((idtype_t)P_PIDFD, (id_t)d->pidfd, &info, WEXITED | WNOHANG) < 0 || !info.si_pid)
		return NULL;
	if (info.si_code == CLD_EXITED)
		n = asprintf(&text, "The machine process ended with status %d", info.si_status);
	else
		n = asprintf(&text, "The machine process was ended by signal %d (%s)", info.si_status,
			     strsignal(info.si_status));
	return n < 0 ? NULL : text;
}

static bool read_status(struct mv_kvm_domain *d, struct mv_control_status *status)
{
	mv_autofd int folder = mv_store_run_open(d->kvm->store, d->dom.name);
	mv_autofd int fd = folder < 0 ? -1 : openat(folder, "status", O_RDONLY | O_CLOEXEC);

	*status = (struct mv_control_status){ 0 };
	return fd >= 0 && mv_status_read(fd, status, NULL) == 0 &&
		(status->state == MV_STATE_SHUTOFF || status->state == MV_STATE_CRASHED);
}

bool mv_kvm_same_run(const struct mv_kvm_domain *d, int folder)
{
	return folder >= 0 && mv_store_run_number(folder, "id") == d->dom.id;
}

/* By another process, that is; a guest whose run we have not read yet has none. */
static bool cleaned_up(const struct mv_kvm_domain *d)
{
	mv_autofd int folder = mv_store_run_open(d->kvm->store, d->dom.name);

	return d->dom.id > 0 && !mv_kvm_same_run(d, folder);
}

/* Without a last word of its own the machine has crashed, unless we ended it. */
static void find_reason(struct mv_kvm_domain *d, struct mv_control_status *status)
{
	mv_autofree char *how = collect(d);
	mv_autofree char *line = NULL;

	*status = (struct mv_control_status){ 0 };
	/* What it told us itself counts; another process may have seen its end first, and have cleaned up. */
	if (d->last_word.state) {
		mv_kvm_keep_status(status, &d->last_word);
		return;
	}
	if (read_status(d, status))
		return;
	status->state = MV_STATE_SHUTOFF;
	if (!d->killed && cleaned_up(d)) {
		status->reason = MV_REASON_NONE;
		status->detail = strdup("Another process has seen it end, and left no word");
		return;
	}
	status->reason = d->killed ? MV_REASON_QUIT : MV_REASON_CRASHED;
	if (d->killed)
		return;
	line = mv_kvm_last_log_line(d);
	if (asprintf(&status->detail, "%s%s%s", how ? how : "The machine process ended without a last word",
		     line ? "; the last line of its log: " : "", line ? line : "") < 0)
		status->detail = NULL;
}

/* --- what is left --- */

void mv_kvm_write_last_word(struct mv_kvm_domain *d, const struct mv_control_status *status)
{
	mv_autofd int folder = mv_store_run_open(d->kvm->store, d->dom.name);
	mv_autofd int fd = folder < 0 ? -1 : openat(folder, "status", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd >= 0)
		mv_status_write(fd, status, NULL);
}

/* Several processes may find out; one cleans up, and none what has been started since. Lock held. */
static void clean_up(struct mv_kvm_domain *d, const struct mv_control_status *status)
{
	struct mv_store *store = d->kvm->store;
	mv_autofd int folder = mv_store_run_open(store, d->dom.name);

	if (!mv_kvm_same_run(d, folder))
		return;
	if (d->dom.def)
		mv_kvm_write_last_word(d, status);
	mv_store_run_remove(store, d->dom.name, d->dom.def != NULL);
}

static void tell(struct mv_kvm_domain *d, const struct mv_control_status *status)
{
	struct mv_event_queue *events = &d->kvm->drv.events;

	if (d->announced)
		mv_event_lifecycle(events, &d->dom, "stopped", mv_kvm_stop_detail(status), status->detail);
	else if (d->nowait)
		mv_event_lifecycle(events, &d->dom, "stopped", "failed",
				   d->start_error ? d->start_error->message : NULL);
}

void mv_kvm_ended(struct mv_kvm_domain *d)
{
	bool never_up = d->pending == MV_KVM_STARTING || d->start_error;
	struct mv_store *store = d->kvm->store;
	struct mv_control_status status;
	bool locked;

	/* What is read is not being written or removed by somebody else who saw it end. */
	locked = mv_store_lock(store, NULL) == 0;
	find_reason(d, &status);
	if (d->saved)
		status.reason = MV_REASON_SAVE;
	if (never_up && !d->start_error)
		mv_error_set(&d->start_error, MV_ERR_OPERATION_FAILED, "The guest '%s' could not be started: %s",
			     d->dom.name, status.detail ? status.detail : "its machine was ended before it was up");
	mv_kvm_disconnect(d);
	if (locked) {
		clean_up(d, &status);
		mv_store_unlock(store);
	}
	mv_dom_set_live(&d->dom, NULL);
	d->dom.id = -1;
	mv_kvm_set_status(d, &status);
	if (never_up)
		mv_dom_set_state(&d->dom, MV_DOMAIN_SHUTOFF, MV_SHUTOFF_FAILED, d->start_error->message);
	tell(d, &status);
	d->announced = d->saved = d->killed = d->nowait = false;
	mv_control_status_clear(&d->last_word);
	mv_control_status_clear(&status);
	mv_kvm_drop_if_gone(d);
}

void mv_kvm_read_last_word(struct mv_kvm_domain *d)
{
	struct mv_control_status status;

	if (read_status(d, &status))
		mv_kvm_set_status(d, &status);
	else
		mv_dom_set_state(&d->dom, MV_DOMAIN_SHUTOFF, MV_SHUTOFF_UNKNOWN, NULL);
	mv_control_status_clear(&status);
}

void mv_kvm_found_dead(struct mv_kvm_domain *d)
{
	struct mv_control_status status;

	find_reason(d, &status);
	mv_kvm_disconnect(d);
	if (d->dom.def)
		mv_kvm_write_last_word(d, &status);
	mv_store_run_remove(d->kvm->store, d->dom.name, d->dom.def != NULL);
	mv_kvm_set_status(d, &status);
	mv_control_status_clear(&status);
}
