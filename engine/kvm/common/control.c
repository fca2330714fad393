#include "engine/kvm/common/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "engine/base/xdr.h"

#define MAX_TEXT (16 * 1024)
#define MAX_STATS 4096

void mv_message_init(struct mv_message *m)
{
	*m = (struct mv_message){ .version = MV_CONTROL_VERSION };
}

void mv_control_status_clear(struct mv_control_status *status)
{
	free(status->detail);
	*status = (struct mv_control_status){ 0 };
}

void mv_message_clear(struct mv_message *m)
{
	free(m->text);
	free(m->blob);
	mv_control_status_clear(&m->status);
	for (uint32_t i = 0; i < m->stat_count; i++)
		free(m->stats[i].name);
	free(m->stats);
	for (uint32_t i = 0; i < m->fd_count; i++)
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	mv_message_init(m);
}

static void visit_status(struct mv_xdr *x, struct mv_control_status *s)
{
	mv_xdr_enum(x, &s->state, MV_STATE_LAST);
	mv_xdr_enum(x, &s->reason, MV_REASON_LAST);
	mv_xdr_u64(x, &s->sequence);
	mv_xdr_string(x, &s->detail, MAX_TEXT);
}

static void visit_stats(struct mv_xdr *x, struct mv_message *m)
{
	mv_xdr_array(x, (void **)&m->stats, &m->stat_count, sizeof(*m->stats), MAX_STATS);
	for (uint32_t i = 0; mv_xdr_ok(x) && i < m->stat_count; i++) {
		mv_xdr_string(x, &m->stats[i].name, 256);
		mv_xdr_u64(x, &m->stats[i].value);
		if (!m->stats[i].name)
			mv_xdr_fail(x);
	}
}

static void visit_blob(struct mv_xdr *x, struct mv_message *m)
{
	/* An array of bytes on the wire costs four bytes an element as XDR arrays go, so a counted opaque is written by
	 * hand. */
	uint32_t size = m->blob_size;

	mv_xdr_u32(x, &size);
	if (x->decoding) {
		m->blob_size = 0;
		if (!mv_xdr_ok(x) || size > x->size - x->pos) {
			mv_xdr_fail(x);
			return;
		}
		m->blob = size ? malloc(size) : NULL;
		if (size && !m->blob) {
			mv_xdr_fail(x);
			return;
		}
		m->blob_size = size;
	}
	mv_xdr_opaque(x, m->blob, size);
}

static void visit(struct mv_xdr *x, struct mv_message *m)
{
	mv_xdr_u32(x, &m->version);
	if (m->version != MV_CONTROL_VERSION)
		mv_xdr_fail(x);
	mv_xdr_enum(x, &m->kind, MV_MESSAGE_LAST);
	mv_xdr_u32(x, &m->serial);
	mv_xdr_u32(x, &m->code);
	mv_xdr_i32(x, &m->errnum);
	mv_xdr_u64(x, &m->number);
	mv_xdr_string(x, &m->text, MAX_TEXT);
	visit_status(x, &m->status);
	visit_stats(x, m);
	visit_blob(x, m);
}

int mv_message_send(int sock, struct mv_message *m)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(m->fds))];
	} control;
	struct mv_xdr x;
	ssize_t n;

	mv_xdr_encoder(&x);
	visit(&x, m);
	if (!mv_xdr_ok(&x) || x.size > MV_CONTROL_MAX_MESSAGE) {
		mv_xdr_release(&x);
		return -EMSGSIZE;
	}
	struct iovec iov = { .iov_base = x.out, .iov_len = x.size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (m->fd_count) {
		size_t len = m->fd_count * sizeof(int);
		struct cmsghdr *c;

		memset(&control, 0, CMSG_SPACE(len));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(len);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(len);
		memcpy(CMSG_DATA(c), m->fds, len);
	}
	do {
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	mv_xdr_release(&x);
	return n < 0 ? -errno : 0;
}

static void collect_fds(struct mv_message *m, struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (m->fd_count < MV_CONTROL_MAX_FDS)
				m->fds[m->fd_count++] = fd;
			else
				close(fd);
		}
	}
}

int mv_message_receive(int sock, struct mv_message *m)
{
	mv_autofree uint8_t *buffer = NULL;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(m->fds))];
	} control;
	ssize_t n;

	/* The size of the next datagram first, so that small messages need small buffers. */
	do {
		n = recv(sock, NULL, 0, MSG_PEEK | MSG_TRUNC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n > MV_CONTROL_MAX_MESSAGE) {
		/* Taken off the queue, or it would be found again for ever. */
		if (recv(sock, NULL, 0, MSG_DONTWAIT) < 0)
			return -errno;
		return -EBADMSG;
	}
	buffer = malloc(n ? (size_t)n : 1);
	if (!buffer)
		return -ENOMEM;
	struct iovec iov = { .iov_base = buffer, .iov_len = n ? (size_t)n : 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};

	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	mv_message_clear(m);
	collect_fds(m, &msg);
	if (n == 0) {
		/* The end, or an empty message, which can bring descriptors too. */
		mv_message_clear(m);
		return 0;
	}
	struct mv_xdr x;

	mv_xdr_decoder(&x, buffer, (size_t)n);
	visit(&x, m);
	if (!mv_xdr_done(&x) || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		mv_message_clear(m);
		return -EBADMSG;
	}
	return 1;
}

int mv_status_write(int fd, const struct mv_control_status *status, struct mv_error **err)
{
	struct mv_xdr x;
	int ret = 0;

	mv_xdr_encoder(&x);
	visit_status(&x, (struct mv_control_status *)status);
	/* One write at offset 0; an older, longer status leaves bytes behind it, so the file is cut first. */
	if (!mv_xdr_ok(&x) || ftruncate(fd, 0) < 0 || pwrite(fd, x.out, x.size, 0) != (ssize_t)x.size)
		ret = mv_error_set_errno(err, errno, "Cannot write the machine's status file");
	mv_xdr_release(&x);
	return ret;
}

int mv_status_read(int fd, struct mv_control_status *status, struct mv_error **err)
{
	mv_autofree uint8_t *buffer = malloc(MAX_TEXT + 64);
	ssize_t n = buffer ? pread(fd, buffer, MAX_TEXT + 64, 0) : -1;
	struct mv_xdr x;

	*status = (struct mv_control_status){ 0 };
	if (n < 0)
		return mv_error_set_errno(err, errno, "Cannot read the machine's status file");
	mv_xdr_decoder(&x, buffer, (size_t)n);
	visit_status(&x, status);
	if (!mv_xdr_done(&x)) {
		mv_control_status_clear(status);
		return mv_error_set(err, MV_ERR_OPERATION_FAILED, "The machine's status file is empty or damaged.");
	}
	return 0;
}

const char *mv_run_state_name(uint32_t state)
{
	static const char *const names[] = {
		[MV_STATE_NOSTATE] = "no state",     [MV_STATE_RUNNING] = "running",
		[MV_STATE_BLOCKED] = "idle",         [MV_STATE_PAUSED] = "paused",
		[MV_STATE_SHUTDOWN] = "in shutdown", [MV_STATE_SHUTOFF] = "shut off",
		[MV_STATE_CRASHED] = "crashed",      [MV_STATE_PMSUSPENDED] = "pmsuspended",
	};

	return state < MV_ARRAY_SIZE(names) ? names[state] : "unknown";
}

const char *mv_reason_name(uint32_t reason)
{
	static const char *const names[] = {
		[MV_REASON_NONE] = "unknown",
		[MV_REASON_BOOTED] = "booted",
		[MV_REASON_RESTORED] = "restored",
		[MV_REASON_USER] = "user",
		[MV_REASON_SAVE] = "saved",
		[MV_REASON_POWEROFF] = "shutdown",
		[MV_REASON_RESET] = "reset",
		[MV_REASON_TRIPLE_FAULT] = "triple fault",
		[MV_REASON_PANIC] = "panicked",
		[MV_REASON_PANIC_LOADED] = "panicked, crash kernel loaded",
		[MV_REASON_EMULATION] = "emulation failure",
		[MV_REASON_IO_ERROR] = "I/O error",
		[MV_REASON_QUIT] = "destroyed",
		[MV_REASON_CRASHED] = "failed",
	};

	return reason < MV_ARRAY_SIZE(names) ? names[reason] : "unknown";
}
