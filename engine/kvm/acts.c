/* What is done to a running guest. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/conf/size.h"
#include "engine/kvm/kvm.h"

#define QUIT_MS 5000 /* a machine that has not answered by then is ended by force */

static int simple(struct mv_dom *dom, enum mv_call call, uint64_t number, const char *what, struct mv_error **err)
{
	return mv_kvm_call_simple(mv_kvm_domain_of(dom), call, number, what, err);
}

int mv_kvm_shutdown(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err)
{
	(void)drv;
	return simple(dom, MV_CALL_POWER_BUTTON, 0, "the power button", err);
}

int mv_kvm_reboot(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err)
{
	(void)drv;
	return simple(dom, MV_CALL_POWER_BUTTON, 1, "the power button", err);
}

int mv_kvm_reset(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err)
{
	(void)drv;
	return simple(dom, MV_CALL_RESET, 0, "the reset", err);
}

int mv_kvm_suspend(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err)
{
	(void)drv;
	return simple(dom, MV_CALL_SUSPEND, 0, "the suspension", err);
}

int mv_kvm_resume(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err)
{
	(void)drv;
	return simple(dom, MV_CALL_RESUME, 0, "the resumption", err);
}

/* Works on any machine, also one that is stuck: it always ends. */
int mv_kvm_destroy(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err)
{
	struct mv_kvm_domain *d = mv_kvm_domain_of(dom);
	int limit = d->kvm->timeout_ms < QUIT_MS ? d->kvm->timeout_ms : QUIT_MS;
	struct mv_message m;

	(void)drv;
	if (!mv_dom_active(dom))
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "Domain '%s' is not running", dom->name);
	mv_message_init(&m);
	m.code = MV_CALL_QUIT;
	/* A start of ours is ended at once; a machine that we have just found may be asked. */
	if (d->pending == MV_KVM_ATTACHING)
		mv_kvm_settle(d, limit, NULL);
	if (mv_dom_active(dom) && !d->pending && d->sock >= 0 &&
	    mv_kvm_call(d, &m, limit, "the power cut", NULL, NULL) == 0) {
		d->killed = true; /* should it say nothing more, this is why */
		mv_kvm_lost(d, true);
	}
	if (mv_dom_active(dom))
		mv_kvm_kill(d);
	mv_error_free(d->start_error);
	d->start_error = NULL;
	if (mv_dom_active(dom))
		return mv_error_set(err, MV_ERR_OPERATION_FAILED, "The machine of guest '%s' (process %d) does not end",
				    dom->name, (int)d->pid);
	return 0;
}

int mv_kvm_set_memory(struct mv_driver *drv, struct mv_dom *dom, uint64_t bytes, struct mv_error **err)
{
	char wanted[MV_SIZE_TEXT], has[MV_SIZE_TEXT];

	(void)drv;
	if (mv_kvm_check_active(mv_kvm_domain_of(dom), err) < 0)
		return -1;
	if (!dom->live->balloon.present)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "Domain '%s' has no memory balloon", dom->name);
	if (bytes == 0 || bytes > dom->live->memory)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "Domain '%s' cannot be given %s: it has %s at the most",
				    dom->name, mv_size_format(bytes, wanted), mv_size_format(dom->live->memory, has));
	return simple(dom, MV_CALL_BALLOON, bytes, "the balloon", err);
}

/* --- consoles --- */

static int no_port(const struct mv_dom *dom, const char *port, struct mv_error **err)
{
	const struct mv_domain_conf *conf = dom->live;
	char known[1024] = "";
	size_t len = 0;

	for (size_t i = 0; i < conf->serial_count && len < sizeof(known); i++)
		len += (size_t)snprintf(known + len, sizeof(known) - len, "%sserial%zu", len ? ", " : "", i);
	for (size_t i = 0; i < conf->console_count && len < sizeof(known); i++)
		len += (size_t)snprintf(known + len, sizeof(known) - len, "%sconsole0.%zu", len ? ", " : "", i);
	if (!port || !known[0])
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "Domain '%s' has no serial port and no console",
				    dom->name);
	return mv_error_set(err, MV_ERR_INVALID_ARG, "Domain '%s' has no console '%s'; it has %s", dom->name, port,
			    known);
}

/* The name that the machine knows the port by; also a named port's own name. */
static const char *find_port(const struct mv_domain_conf *conf, const char *port, char buf[32])
{
	for (size_t i = 0; i < conf->serial_count; i++) {
		snprintf(buf, 32, "serial%zu", i);
		if (!port || strcmp(port, buf) == 0)
			return buf;
	}
	for (size_t i = 0; i < conf->console_count; i++) {
		const char *name = conf->consoles[i].name;

		snprintf(buf, 32, "console0.%zu", i);
		if (!port || strcmp(port, buf) == 0 || (name && strcmp(port, name) == 0))
			return buf;
	}
	return NULL;
}

int mv_kvm_console(struct mv_driver *drv, struct mv_dom *dom, const char *port, struct mv_error **err)
{
	struct mv_kvm_domain *d = mv_kvm_domain_of(dom);
	struct mv_message m;
	const char *name;
	char buf[32];
	int pair[2];
	int ret;

	(void)drv;
	if (mv_kvm_check_active(d, err) < 0)
		return -1;
	name = find_port(dom->live, port, buf);
	if (!name)
		return no_port(dom, port, err);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return mv_error_set_errno(err, errno, "No connection to the console of '%s' can be made", dom->name);
	mv_message_init(&m);
	m.code = MV_CALL_CONSOLE;
	m.text = strdup(name);
	m.fds[0] = pair[1];
	m.fd_count = 1;
	ret = mv_kvm_call(d, &m, -1, "the console", NULL, err);
	mv_message_clear(&m); /* closes the machine's end */
	if (ret == 0)
		return pair[0];
	close(pair[0]);
	return -1;
}
