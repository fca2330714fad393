/* The driver against machines that misbehave: this program is also its own moonvisor-vmm, and what it does then follows
 * from the name of the guest. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/cleanup.h"
#include "engine/kvm/common/control.h"
#include "engine/kvm/common/machine_spec.h"
#include "tests/unit/driver_fixture.h"

/* --- the machine --- */

static void send_message(int sock, uint32_t kind, uint32_t serial, uint32_t code, const char *text)
{
	struct mv_message m;

	mv_message_init(&m);
	m.kind = kind;
	m.serial = serial;
	m.code = code;
	m.text = (char *)text;
	m.status = (struct mv_control_status){ .state = MV_STATE_RUNNING, .reason = MV_REASON_BOOTED };
	while (mv_message_send(sock, &m) == -EAGAIN) {
		struct pollfd p = { .fd = sock, .events = POLLOUT };

		poll(&p, 1, -1);
	}
}

static void send_garbage(int sock)
{
	char junk[200];

	memset(junk, 0xa5, sizeof(junk));
	send(sock, junk, sizeof(junk), MSG_NOSIGNAL);
	send(sock, junk, 1, MSG_NOSIGNAL);
	send_message(sock, MV_MESSAGE_REPLY, 4711, 0, "to nobody's question");
	send_message(sock, MV_MESSAGE_CALL, 1, MV_CALL_QUIT, NULL);
	send_message(sock, MV_MESSAGE_EVENT, 0, 99, NULL);
}

static void answer(const char *how, int sock, const struct mv_message *call)
{
	if (strcmp(how, "mute") == 0 && call->code != MV_CALL_SUBSCRIBE)
		return;
	if (strcmp(how, "dies") == 0 && call->code == MV_CALL_SUSPEND) {
		fprintf(stderr, "first line\nfatal: these are my last words\n");
		_exit(7);
	}
	if (strcmp(how, "garbage") == 0)
		send_garbage(sock);
	if (strcmp(how, "floods") == 0) {
		for (int i = 0; i < 15000; i++)
			send_message(sock, MV_MESSAGE_EVENT, 0, MV_EVENT_DEVICE, "again and again");
	}
	send_message(sock, MV_MESSAGE_REPLY, call->serial, 0, NULL);
	if (call->code == MV_CALL_QUIT)
		_exit(0);
}

/* Serves one connection after the other; the guest "drops" ends each after its first call. */
static void serve(const char *how, int sock, int listener)
{
	for (;;) {
		struct mv_message m;

		mv_message_init(&m);
		while (sock >= 0 && mv_message_receive(sock, &m) > 0) {
			answer(how, sock, &m);
			mv_message_clear(&m);
			if (strcmp(how, "drops") == 0)
				break;
		}
		mv_message_clear(&m);
		if (sock >= 0)
			close(sock);
		do {
			struct pollfd p = { .fd = listener, .events = POLLIN };

			poll(&p, 1, -1);
			/* cppcheck-suppress nullPointer ; the address is not asked for */
			sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		} while (sock < 0 && (errno == EAGAIN || errno == EINTR));
	}
}

static int act_as_machine(const char *how)
{
	struct mv_machine_spec spec;
	struct mv_message m;
	int listener;

	mv_machine_spec_init(&spec);
	mv_message_init(&m);
	if (mv_message_receive(MV_CONTROL_FD, &m) <= 0 || mv_machine_spec_decode(&spec, m.blob, m.blob_size, NULL) < 0)
		return 3;
	listener = m.fds[spec.listen_fd];
	if (strcmp(how, "silent") == 0)
		pause();
	if (strcmp(how, "refuses") == 0) {
		send_message(MV_CONTROL_FD, MV_MESSAGE_REPLY, m.serial, MV_ERR_CONFIG_UNSUPPORTED, "I will not.");
		return 1;
	}
	if (strcmp(how, "quits") == 0) {
		fprintf(stderr, "something is wrong here\n");
		return 5;
	}
	if (strcmp(how, "garbage") == 0)
		send_garbage(MV_CONTROL_FD);
	send_message(MV_CONTROL_FD, MV_MESSAGE_REPLY, m.serial, 0, NULL);
	if (strcmp(how, "leaves") == 0)
		return 0;
	serve(how, strcmp(how, "drops") == 0 ? -1 : MV_CONTROL_FD, listener);
	return 0;
}

/* --- the tests --- */

static int set_up(void **state)
{
	static char self[4096];
	ssize_t n;

	if (driver_set_up(state) < 0)
		return -1;
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = 0;
	setenv("MOONVISOR_VMM", self, 1);
	return 0;
}

/* For machines that never answer. */
static void short_patience(struct driver_fixture *f)
{
	snprintf(f->uri, sizeof(f->uri), "kvm:///embed?root=%s/root&timeout=1", f->root);
	driver_reopen(f);
}

static struct mv_domain *start(struct driver_fixture *f, const char *how)
{
	driver_need_kvm();
	return driver_create(f, driver_spec(how, "halter", ""));
}

static void expect_no_start(struct driver_fixture *f, const char *how, const char *text)
{
	mv_auto(mv_error) err = NULL;
	struct mv_domain *dom = NULL;
	char path[64];

	driver_need_kvm();
	driver_expect_error(mv_domain_create(f->conn, driver_spec(how, "halter", ""), 0, &dom, &err), &err, 0, text);
	snprintf(path, sizeof(path), "root/run/%s", how);
	assert_int_equal(access(driver_path(f, path), F_OK), -1);
}

static void starts_that_fail(void **state)
{
	struct driver_fixture *f = *state;

	expect_no_start(f, "refuses", "I will not.");
	expect_no_start(
		f, "quits",
		"The guest 'quits' could not be started: The machine process ended with status 5; the last line of its "
		"log: something is wrong here");
	short_patience(f);
	expect_no_start(f, "silent", "Waited 1000 ms for the start of guest 'silent', and its machine (process ");
}

static void leaves_without_a_word(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom = start(f, "leaves");

	driver_await_event(f, "leaves started/booted\nleaves stopped/crashed\n");
	driver_expect_state(dom, "shut off/crashed");
	mv_domain_unref(dom);
}

static void dies_in_a_call(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom = start(f, "dies");
	mv_auto(mv_error) err = NULL;

	driver_expect_error(
		mv_domain_suspend(dom, &err), &err, MV_ERR_OPERATION_FAILED,
		"The machine of guest 'dies' has ended (crashed) while the suspension was waited for; its last "
		"words: fatal: these are my last words");
	mv_domain_unref(dom);
}

static void does_not_answer(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom;
	mv_auto(mv_error) err = NULL;
	struct mv_stat *stats;
	size_t count;

	short_patience(f);
	dom = start(f, "mute");
	driver_expect_error(mv_domain_reset(dom, &err), &err, MV_ERR_OPERATION_TIMEOUT,
			    "Waited 1.0 s for the reset of guest 'mute', and its machine (process ");
	driver_expect_error(mv_domain_stats(dom, &stats, &count, &err), &err, MV_ERR_OPERATION_TIMEOUT,
			    "the statistics");
	driver_ok(mv_domain_destroy(dom, &err), err);
	driver_await_event(f, "mute stopped/destroyed");
	mv_domain_unref(dom);
}

static void talks_nonsense(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom = start(f, "garbage");
	mv_auto(mv_error) err = NULL;

	for (int i = 0; i < 10; i++)
		driver_ok(mv_domain_resume(dom, &err), err);
	driver_expect_state(dom, "running/booted");
	driver_ok(mv_domain_destroy(dom, &err), err);
	mv_domain_unref(dom);
}

/* More events than are kept; the call's reply comes through all the same. */
static void floods(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom = start(f, "floods");
	mv_auto(mv_error) err = NULL;
	int delivered;

	driver_ok(mv_domain_resume(dom, &err), err);
	driver_ok(mv_domain_reset(dom, &err), err);
	delivered = mv_conn_dispatch(f->conn, 0, &err);
	assert_in_range(delivered, 1, 10001);
	mv_domain_unref(dom);
}

/* A connection that the machine ends is made again, without a word to anybody. */
static void drops_connections(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom = start(f, "drops");
	mv_auto(mv_error) err = NULL;

	/* Its own connection was closed after the start; each call may find the next one closed. */
	for (int i = 0; i < 5; i++) {
		mv_conn_dispatch(f->conn, 20, NULL);
		driver_expect_state(dom, "running/booted");
	}
	driver_ok(mv_domain_destroy(dom, &err), err);
	driver_await_event(f, "drops stopped/destroyed");
	assert_string_equal(f->events, "drops started/booted\ndrops stopped/destroyed\n");
	mv_domain_unref(dom);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, driver_tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(starts_that_fail),  TEST(leaves_without_a_word), TEST(dies_in_a_call),
		TEST(does_not_answer),   TEST(talks_nonsense),        TEST(floods),
		TEST(drops_connections),
	};

	if (argc > 0 && strncmp(argv[0], "moonvisor-vmm:", 14) == 0)
		_exit(act_as_machine(argv[0] + 14)); /* without a leak check: a machine is not tidy */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
