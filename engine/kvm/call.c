/* Calls to a machine over its control connection. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "engine/kvm/kvm.h"

uint64_t mv_kvm_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Waits for the socket until `end`. 1: ready; 0: time is up. */
static int wait_socket(int sock, short events, uint64_t end)
{
	struct pollfd p = { .fd = sock, .events = events };

	for (;;) {
		uint64_t now = mv_kvm_now_ms();
		int n;

		if (now > end)
			return 0;
		n = poll(&p, 1, (int)(end - now));
		if (n > 0)
			return 1;
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return 1; /* what is wrong with it shows when it is used */
	}
}

static int timed_out(struct mv_kvm_domain *d, int timeout_ms, const char *what, struct mv_error **err)
{
	return mv_error_set(err, MV_ERR_OPERATION_TIMEOUT,
			    "Waited %d.%d s for %s of guest '%s', and its machine (process %d) has not answered",
			    timeout_ms / 1000, timeout_ms % 1000 / 100, what, d->dom.name, (int)d->pid);
}

int mv_kvm_send(struct mv_kvm_domain *d, struct mv_message *call, const char *what, struct mv_error **err)
{
	uint64_t end = mv_kvm_now_ms() + (uint64_t)d->kvm->timeout_ms;
	int rc;

	call->kind = MV_MESSAGE_CALL;
	call->serial = ++d->serial ? d->serial : ++d->serial;
	while ((rc = mv_message_send(d->sock, call)) == -EAGAIN) {
		if (!wait_socket(d->sock, POLLOUT, end))
			return timed_out(d, d->kvm->timeout_ms, what, err);
	}
	/* A machine that has ended is found out by whoever reads. */
	if (rc == 0 || rc == -EPIPE || rc == -ECONNRESET)
		return 0;
	if (rc == -EMSGSIZE)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "The specification of guest '%s' is too large: encoded, it can have %d bytes",
				    d->dom.name, MV_CONTROL_MAX_MESSAGE);
	return mv_error_set_errno(err, -rc, "The machine of guest '%s' cannot be asked for %s", d->dom.name, what);
}

static int lost(struct mv_kvm_domain *d, const char *what, struct mv_error **err)
{
	mv_autofree char *line = mv_kvm_last_log_line(d);

	mv_kvm_lost(d, true);
	if (mv_dom_active(&d->dom))
		return mv_error_set(
			err, MV_ERR_OPERATION_FAILED,
			"The connection to the machine of guest '%s' was lost while %s was waited for; the guest goes on",
			d->dom.name, what);
	return mv_error_set(err, MV_ERR_OPERATION_FAILED,
			    "The machine of guest '%s' has ended (%s) while %s was waited for%s%s", d->dom.name,
			    mv_domain_reason_name(d->dom.state, d->dom.reason), what, line ? "; its last words: " : "",
			    line ? line : "");
}

static int wait_reply(struct mv_kvm_domain *d, int timeout_ms, const char *what, struct mv_error **err)
{
	uint64_t end = mv_kvm_now_ms() + (uint64_t)timeout_ms;

	while (!d->got_reply) {
		if (d->sock < 0 || d->eof)
			return lost(d, what, err);
		if (!wait_socket(d->sock, POLLIN, end))
			return timed_out(d, timeout_ms, what, err);
		mv_kvm_receive(d);
	}
	return 0;
}

int mv_kvm_call(struct mv_kvm_domain *d, struct mv_message *call, int timeout_ms, const char *what,
		struct mv_message *reply, struct mv_error **err)
{
	struct mv_message own;
	int ret;

	if (!reply)
		reply = &own;
	mv_message_init(reply);
	if (mv_kvm_check_active(d, err) < 0 || mv_kvm_send(d, call, what, err) < 0)
		return -1;
	d->wait_serial = call->serial;
	d->wait_reply = reply;
	d->got_reply = false;
	ret = wait_reply(d, timeout_ms < 0 ? d->kvm->timeout_ms : timeout_ms, what, err);
	d->wait_serial = 0;
	d->wait_reply = NULL;
	if (ret == 0 && reply->code)
		ret = mv_error_set_whole(err, MV_FROM_KVM, (int)reply->code, reply->errnum, "%s",
					 reply->text ? reply->text : "The machine gave no reason");
	if (reply == &own)
		mv_message_clear(&own);
	return ret;
}

int mv_kvm_call_simple(struct mv_kvm_domain *d, enum mv_call call, uint64_t number, const char *what,
		       struct mv_error **err)
{
	struct mv_message m;

	mv_message_init(&m);
	m.code = call;
	m.number = number;
	return mv_kvm_call(d, &m, -1, what, NULL, err);
}

int mv_kvm_check_active(struct mv_kvm_domain *d, struct mv_error **err)
{
	if (mv_kvm_settle(d, -1, err) < 0)
		return -1;
	/* It may have ended in between. */
	if (!mv_dom_active(&d->dom) || d->sock < 0)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "Domain '%s' is not running", d->dom.name);
	return 0;
}
