/* A machine and those who talk to it: a starter that dies, another that takes over, and clients that misbehave.
 * limit: 120 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/harness/tiny.h"

#define MANY 1000
#define SLACK (64 * 1024)

/* An address that needs no folder: a name made by the kernel. */
struct place {
	struct sockaddr_un address;
	socklen_t len;
};

static int listen_somewhere(struct place *p)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	p->address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	assert_int_equal(bind(fd, (struct sockaddr *)&p->address, sizeof(sa_family_t)), 0);
	p->len = sizeof(p->address);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&p->address, &p->len), 0);
	assert_int_equal(listen(fd, 128), 0);
	return fd;
}

static int try_connect(const struct place *p)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (connect(fd, (const struct sockaddr *)&p->address, p->len) == 0)
		return fd;
	close(fd);
	return -1;
}

/* A client for the harness's calls. */
static void connect_to(const struct place *p, struct mv_test_vmm *vmm)
{
	*vmm = (struct mv_test_vmm){ .control = try_connect(p), .console = -1 };
	assert_true(vmm->control >= 0);
}

static void begin(struct mv_tiny *t, struct place *p)
{
	mv_tiny_begin(t, "counter", NULL);
	t->spec.listen_fd = mv_tiny_keep(t, listen_somewhere(p));
	mv_tiny_start(t);
	mv_test_expect(&t->vmm, "ready\n");
}

/* ---- taking over ---- */

static uint32_t state_of(struct mv_test_vmm *vmm)
{
	struct mv_message reply;
	uint32_t state;

	assert_int_equal(mv_test_call(vmm, MV_CALL_QUERY, 0, NULL, -1, &reply), 0);
	state = reply.status.state;
	mv_message_clear(&reply);
	return state;
}

static void starter_dies(void **state)
{
	struct mv_tiny *t = *state;
	struct mv_control_status last;
	mv_auto(mv_error) err = NULL;
	struct mv_message event;
	struct mv_test_vmm vmm;
	struct place place;
	int status_fd = mv_tiny_keep(t, mv_test_file()), pair[2], raw;
	pid_t starter, machine;

	mv_tiny_begin(t, "counter", NULL);
	t->spec.listen_fd = mv_tiny_keep(t, listen_somewhere(&place));
	t->spec.status_fd = status_fd;
	/* The orphan becomes ours, so that its end can be seen. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	starter = fork();
	assert_true(starter >= 0);
	if (starter == 0) {
		mv_tiny_start(t);
		mv_test_expect(&t->vmm, "ready\n");
		mv_test_send(&t->vmm, "n");
		mv_test_expect(&t->vmm, "00000001\n");
		if (write(pair[1], &t->vmm.pid, sizeof(t->vmm.pid)) != sizeof(t->vmm.pid))
			_exit(1);
		pause();
		_exit(1);
	}
	close(pair[1]);
	assert_int_equal(read(pair[0], &machine, sizeof(machine)), sizeof(machine));
	close(pair[0]);
	kill(starter, SIGKILL);
	assert_int_equal(waitpid(starter, &raw, 0), starter);

	connect_to(&place, &vmm);
	assert_int_equal(state_of(&vmm), MV_STATE_RUNNING);
	/* What was said before is kept; the guest goes on. */
	mv_test_attach(&vmm, "serial0");
	mv_test_expect(&vmm, "ready\n00000001\n");
	mv_test_send(&vmm, "n");
	mv_test_expect(&vmm, "00000002\n");
	assert_int_equal(mv_test_call(&vmm, MV_CALL_SUBSCRIBE, 0, NULL, -1, NULL), 0);
	mv_test_call_ok(&vmm, MV_CALL_SUSPEND, 0);
	mv_test_wait_event(&vmm, MV_EVENT_SUSPENDED, NULL);
	assert_int_equal(state_of(&vmm), MV_STATE_PAUSED);
	mv_test_call_ok(&vmm, MV_CALL_RESUME, 0);
	mv_test_call_ok(&vmm, MV_CALL_QUIT, 0);
	mv_test_wait_event(&vmm, MV_EVENT_STOPPED, &event);
	assert_int_equal(event.status.reason, MV_REASON_QUIT);
	mv_message_clear(&event);
	assert_int_equal(waitpid(machine, &raw, 0), machine);
	assert_true(WIFEXITED(raw) && WEXITSTATUS(raw) == 0);
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	mv_test_stop(&vmm);
	assert_int_equal(mv_status_read(status_fd, &last, &err), 0);
	assert_int_equal(last.state, MV_STATE_SHUTOFF);
	assert_int_equal(last.reason, MV_REASON_QUIT);
	mv_control_status_clear(&last);
}

/* Who saves and holds, and dies, leaves a guest that goes on. */
static void holder_dies(void **state)
{
	struct mv_tiny *t = *state;
	struct mv_test_vmm other;
	struct place place;
	int fd = mv_tiny_keep(t, mv_test_file());

	begin(t, &place);
	connect_to(&place, &other);
	assert_int_equal(mv_test_call(&other, MV_CALL_SAVE, MV_SAVE_THEN_HOLD, NULL, fd, NULL), 0);
	assert_int_equal(state_of(&t->vmm), MV_STATE_PAUSED);
	mv_test_stop(&other);
	mv_test_wait_event(&t->vmm, MV_EVENT_RESUMED, NULL);
	mv_test_send(&t->vmm, "n");
	mv_test_expect(&t->vmm, "00000001\n");
}

/* Two consoles at once: both hear, both are heard. */
static void two_consoles(void **state)
{
	struct mv_tiny *t = *state;
	struct mv_test_vmm other;
	struct place place;

	begin(t, &place);
	connect_to(&place, &other);
	mv_test_attach(&other, "serial0");
	mv_test_expect(&other, "ready\n");
	mv_test_send(&other, "n");
	mv_test_expect(&other, "00000001\n");
	mv_test_expect(&t->vmm, "00000001\n");
	mv_test_send(&t->vmm, "n");
	mv_test_expect(&other, "00000002\n");
	mv_test_expect(&t->vmm, "00000002\n");
	mv_test_stop(&other);
}

/* ---- clients that misbehave ---- */

static void still_works(struct mv_tiny *t, const struct place *place, const struct mv_tiny_usage *before)
{
	struct mv_test_vmm other;

	mv_test_send(&t->vmm, "n");
	mv_test_expect(&t->vmm, "\n");
	connect_to(place, &other);
	assert_int_equal(state_of(&other), MV_STATE_RUNNING);
	mv_test_stop(&other);
	assert_int_equal(state_of(&t->vmm), MV_STATE_RUNNING);
	mv_tiny_usage_same(t->vmm.pid, before, SLACK);
}

static bool ended(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;

	while (poll(&p, 1, MV_TEST_TIMEOUT_MS) == 1) {
		ssize_t n = recv(fd, &byte, 1, 0);

		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return true;
	}
	return false;
}

static void send_garbage(const struct place *place, const void *data, size_t len)
{
	int fd = try_connect(place);

	assert_true(fd >= 0);
	/* A reply that refuses it, or the end of the connection: both are fine. */
	if (send(fd, data, len, MSG_NOSIGNAL) == (ssize_t)len) {
		shutdown(fd, SHUT_WR);
		assert_true(ended(fd));
	}
	close(fd);
}

static void garbage(void **state)
{
	struct mv_tiny *t = *state;
	struct mv_tiny_usage before;
	struct place place;
	uint8_t data[512];
	uint32_t seed = 1;

	begin(t, &place);
	send_garbage(&place, "x", 1);
	mv_tiny_usage(t->vmm.pid, &before);
	for (unsigned round = 0; round < 300; round++) {
		for (size_t i = 0; i < sizeof(data); i++) {
			seed = seed * 1664525 + 1013904223;
			/* Zeros too, as in lengths that are nearly good. */
			data[i] = round & 1 ? (uint8_t)(seed >> 24) : (uint8_t)(i % 4 == 3 ? seed >> 28 : 0);
		}
		send_garbage(&place, data, 1 + round % sizeof(data));
	}
	still_works(t, &place, &before);
}

/* A good message with each of its words changed in turn. */
static void nearly_good(void **state)
{
	static const uint32_t words[] = { 0, 1, 0xffffffff, 0x80000000, 0x20000 };
	struct mv_tiny *t = *state;
	struct mv_tiny_usage before;
	struct mv_message m;
	struct place place;
	uint8_t good[512];
	ssize_t size;
	int pair[2];

	begin(t, &place);
	mv_tiny_usage(t->vmm.pid, &before);
	mv_message_init(&m);
	m.kind = MV_MESSAGE_CALL;
	m.code = MV_CALL_CONSOLE;
	m.text = "serial0";
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(mv_message_send(pair[0], &m), 0);
	size = recv(pair[1], good, sizeof(good), 0);
	assert_true(size > 0);
	close(pair[0]);
	close(pair[1]);
	for (ssize_t at = 0; at + 4 <= size; at += 4)
		for (size_t w = 0; w < MV_ARRAY_SIZE(words); w++) {
			uint8_t bad[512];

			memcpy(bad, good, sizeof(bad));
			memcpy(bad + at, &words[w], 4);
			/* Of the calls, only those that leave the guest as it is. */
			if (at == 12)
				bad[15] = (uint8_t)(w == 0 ? 0 : MV_MACHINE_CALL_LAST + w);
			send_garbage(&place, bad, (size_t)size);
		}
	for (ssize_t len = 1; len < size; len++)
		send_garbage(&place, good, (size_t)len);
	still_works(t, &place, &before);
}

static void huge(void **state)
{
	struct mv_tiny *t = *state;
	struct mv_tiny_usage before;
	struct place place;
	int size = 4 << 20;
	uint8_t *data = calloc(1, 1 << 20);
	int fd;

	assert_non_null(data);
	begin(t, &place);
	send_garbage(&place, data, MV_CONTROL_MAX_MESSAGE);
	mv_tiny_usage(t->vmm.pid, &before);
	for (unsigned round = 0; round < 20; round++) {
		fd = try_connect(&place);
		assert_true(fd >= 0);
		setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
		for (size_t len = MV_CONTROL_MAX_MESSAGE - 1; len <= 1 << 20; len = len * 2 + 1)
			if (send(fd, data, len, MSG_NOSIGNAL) < 0)
				break;
		shutdown(fd, SHUT_WR);
		assert_true(ended(fd));
		close(fd);
	}
	free(data);
	still_works(t, &place, &before);
}

/* Sends up to 200 descriptors beside `len` bytes. */
static void send_fds(int sock, const void *data, size_t len, unsigned count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(200 * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof(int));
	for (unsigned i = 0; i < count; i++)
		memcpy(CMSG_DATA(c) + i * sizeof(int), &(int){ sock }, sizeof(int));
	assert_true(sendmsg(sock, &msg, MSG_NOSIGNAL) >= 0);
}

/* Descriptors beside messages that want none, beside garbage, and beside nothing at all. */
static void unwanted_descriptors(void **state)
{
	struct mv_tiny *t = *state;
	struct mv_tiny_usage before;
	struct mv_message m, reply;
	struct place place;
	struct mv_test_vmm other;

	begin(t, &place);
	mv_tiny_usage(t->vmm.pid, &before);
	for (unsigned round = 0; round < 20; round++) {
		int fd = try_connect(&place);

		assert_true(fd >= 0);
		send_fds(fd, "garbage", round % 8, 200);
		shutdown(fd, SHUT_WR);
		assert_true(ended(fd));
		close(fd);
	}
	still_works(t, &place, &before);
	connect_to(&place, &other);
	for (unsigned round = 0; round < 20; round++) {
		mv_message_init(&m);
		m.kind = MV_MESSAGE_CALL;
		m.code = MV_CALL_QUERY;
		m.serial = 7 + round;
		for (m.fd_count = 0; m.fd_count < 100; m.fd_count++)
			m.fds[m.fd_count] = t->spec.kvm_fd;
		assert_int_equal(mv_message_send(other.control, &m), 0);
		mv_message_init(&reply);
		assert_int_equal(mv_message_receive(other.control, &reply), 1);
		assert_int_equal(reply.serial, 7 + round);
		assert_int_equal(reply.code, 0);
		mv_message_clear(&reply);
	}
	/* What cannot be a console, and consoles that are not there. */
	for (unsigned round = 0; round < 20; round++) {
		assert_int_not_equal(mv_test_call(&other, MV_CALL_CONSOLE, 0, "nobody", other.control, NULL), 0);
		mv_test_call(&other, MV_CALL_CONSOLE, 0, "serial0", t->spec.kvm_fd, NULL);
		mv_test_call(&other, MV_CALL_SAVE, MV_SAVE_THEN_RUN, NULL, t->spec.kvm_fd, NULL);
		mv_test_call(&other, MV_CALL_SAVE, 99, NULL, t->spec.kvm_fd, NULL);
		mv_test_call(&other, MV_CALL_SAVE, MV_SAVE_THEN_RUN, NULL, -1, NULL);
	}
	mv_test_stop(&other);
	still_works(t, &place, &before);
}

/* Calls all the time and never reads: is let go, and nobody else waits for it. */
static void never_reads(void **state)
{
	struct mv_tiny *t = *state;
	struct mv_tiny_usage before;
	struct mv_message m;
	struct place place;
	int fd;

	begin(t, &place);
	mv_tiny_usage(t->vmm.pid, &before);
	fd = try_connect(&place);
	assert_true(fd >= 0);
	mv_message_init(&m);
	m.kind = MV_MESSAGE_CALL;
	m.code = MV_CALL_STATS;
	for (unsigned i = 0; i < 100000; i++) {
		m.serial = i;
		if (mv_message_send(fd, &m) < 0)
			break;
	}
	assert_true(ended(fd));
	close(fd);
	still_works(t, &place, &before);
}

/* A console that nobody reads does not hold up the guest. */
static void console_never_reads(void **state)
{
	struct mv_tiny *t = *state;
	struct mv_tiny_usage before;
	struct mv_test_vmm other;
	struct place place;

	mv_tiny_begin(t, "busy", "rep_out 1");
	t->spec.listen_fd = mv_tiny_keep(t, listen_somewhere(&place));
	mv_tiny_start(t);
	mv_tiny_usage(t->vmm.pid, &before);
	connect_to(&place, &other);
	mv_test_attach(&other, "serial0");
	/* Thousands of lines of 64 bytes: more than its socket and its share of memory. */
	for (unsigned line = 0x200; line <= 0x1800; line += 0x200) {
		char text[16];

		snprintf(text, sizeof(text), "%08x-", line);
		mv_test_expect(&t->vmm, text);
	}
	mv_test_stop(&other);
	t->vmm.output_len = 0;
	mv_test_expect(&t->vmm, "-\n");
}

static void many_in_a_row(void **state)
{
	struct mv_tiny *t = *state;
	struct mv_tiny_usage before;
	struct place place;

	begin(t, &place);
	mv_tiny_usage(t->vmm.pid, &before);
	for (unsigned i = 0; i < MANY; i++) {
		int fd = try_connect(&place);

		assert_true(fd >= 0);
		close(fd);
	}
	still_works(t, &place, &before);
}

/* More at once than are served: the rest is told so by the end of the connection. */
static void many_at_once(void **state)
{
	struct mv_tiny *t = *state;
	struct mv_tiny_usage before;
	struct place place;
	static int fds[MANY];
	unsigned served = 0;

	begin(t, &place);
	mv_tiny_usage(t->vmm.pid, &before);
	for (unsigned i = 0; i < MANY; i++)
		fds[i] = try_connect(&place);
	for (unsigned i = 0; i < MANY; i++) {
		struct mv_message m;

		if (fds[i] < 0)
			continue;
		mv_message_init(&m);
		m.kind = MV_MESSAGE_CALL;
		m.code = MV_CALL_QUERY;
		if (mv_message_send(fds[i], &m) == 0 && mv_message_receive(fds[i], &m) == 1)
			served++;
		mv_message_clear(&m);
	}
	assert_true(served >= 32);
	/* The starter is served all the while. */
	assert_int_equal(state_of(&t->vmm), MV_STATE_RUNNING);
	for (unsigned i = 0; i < MANY; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	still_works(t, &place, &before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MV_TINY(starter_dies),         MV_TINY(holder_dies),
		MV_TINY(two_consoles),         MV_TINY(garbage),
		MV_TINY(nearly_good),          MV_TINY(huge),
		MV_TINY(unwanted_descriptors), MV_TINY(never_reads),
		MV_TINY(console_never_reads),  MV_TINY(many_in_a_row),
		MV_TINY(many_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
