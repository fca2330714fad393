/* The KVM driver with real machines and tiny guests: their life, and what others make of it. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/cleanup.h"
#include "tests/unit/driver_fixture.h"

static void transient_guest(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom, *again = NULL;
	mv_auto(mv_error) err = NULL;

	driver_need_kvm();
	dom = driver_create(f, driver_spec("t1", "ends", ""));
	assert_true(mv_domain_id(dom) > 0);
	assert_false(mv_domain_persistent(dom));
	driver_expect_state(dom, "running/booted");
	driver_attach(f, dom);
	driver_expect(f, "how?");
	driver_send(f, "p");
	driver_await_event(f, "t1 stopped/");
	assert_string_equal(f->events, "t1 started/booted\nt1 shutdown/finished\nt1 stopped/shutdown\n");
	driver_expect_state(dom, "shut off/shutdown");
	assert_int_equal(mv_domain_id(dom), -1);
	driver_expect_error(mv_domain_lookup(f->conn, "t1", &again, &err), &err, MV_ERR_NO_DOMAIN,
			    "There is no domain 't1'");
	driver_expect_error(mv_domain_suspend(dom, &err), &err, MV_ERR_NO_DOMAIN, "There is no domain 't1'");
	assert_int_equal(access(driver_path(f, "root/run/t1"), F_OK), -1);
	mv_domain_unref(dom);
}

static void defined_guest(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom, *twin = NULL;
	mv_autofree char *json = NULL;
	mv_auto(mv_error) err = NULL;
	int first;

	driver_need_kvm();
	dom = driver_define(f, driver_spec("d1", "counter", ""));
	assert_true(mv_domain_persistent(dom));
	assert_int_equal(mv_domain_id(dom), -1);
	driver_expect_state(dom, "shut off/unknown");
	driver_expect_error(mv_domain_destroy(dom, &err), &err, MV_ERR_OPERATION_INVALID, "'d1' is not running");
	driver_expect_error(mv_domain_console(dom, NULL, &err), &err, MV_ERR_OPERATION_INVALID, "'d1' is not running");
	driver_ok(mv_domain_start(dom, 0, &err), err);
	first = mv_domain_id(dom);
	driver_expect_error(mv_domain_start(dom, 0, &err), &err, MV_ERR_OPERATION_INVALID, "'d1' is already running");
	driver_expect_error(mv_domain_create(f->conn, driver_spec("d1", "counter", ""), 0, &twin, &err), &err,
			    MV_ERR_OPERATION_INVALID, "'d1' is already running");
	driver_ok(mv_domain_destroy(dom, &err), err);
	driver_expect_state(dom, "shut off/destroyed");
	driver_expect_error(mv_domain_create(f->conn, driver_spec("d1", "counter", ""), 0, &twin, &err), &err,
			    MV_ERR_DOM_EXIST, "'d1' is already defined");
	driver_ok(mv_domain_start(dom, MV_START_PAUSED, &err), err);
	driver_expect_state(dom, "paused/user");
	assert_true(mv_domain_id(dom) > first);
	driver_ok(mv_domain_spec(dom, &json, &err), err);
	assert_non_null(strstr(json, "\"counter.elf\"") ? json : strstr(json, "counter.elf"));
	driver_ok(mv_domain_undefine(dom, &err), err);
	assert_false(mv_domain_persistent(dom));
	driver_expect_error(mv_domain_undefine(dom, &err), &err, MV_ERR_OPERATION_INVALID, "'d1' is transient");
	driver_ok(mv_domain_destroy(dom, &err), err);
	driver_expect_error(mv_domain_start(dom, 0, &err), &err, MV_ERR_NO_DOMAIN, "There is no domain 'd1'");
	driver_await_event(f, "undefined/removed\nd1 stopped/destroyed");
	assert_string_equal(f->events,
			    "d1 defined/added\nd1 started/booted\nd1 stopped/destroyed\nd1 started/booted\n"
			    "d1 undefined/removed\nd1 stopped/destroyed\n");
	mv_domain_unref(dom);
}

static void suspend_and_resume(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom;
	mv_auto(mv_error) err = NULL;

	driver_need_kvm();
	dom = driver_create(f, driver_spec("s1", "counter", ""));
	driver_attach(f, dom);
	driver_expect(f, "ready");
	driver_ok(mv_domain_suspend(dom, &err), err);
	driver_expect_state(dom, "paused/user");
	driver_send(f, "n");
	driver_ok(mv_domain_resume(dom, &err), err);
	driver_expect_state(dom, "running/unpaused");
	driver_expect(f, "00000001");
	driver_ok(mv_domain_reset(dom, &err), err);
	driver_expect(f, "ready");
	driver_send(f, "n");
	driver_expect(f, "00000001");
	driver_await_event(f, "reboot/");
	assert_non_null(strstr(f->events, "s1 started/booted\ns1 suspended/user\ns1 resumed/unpaused\ns1 reboot/"));
	mv_domain_unref(dom);
}

/* Each way to end, told apart. */
static void ways_to_end(void **state)
{
	static const struct {
		const char *letter, *policy, *event, *state;
	} ways[] = {
		{ "p", "", "w stopped/shutdown", "shut off/shutdown" },
		{ "p", ", \"on_poweroff\": \"preserve\"", "w suspended/shutting down", "paused/shutting down" },
		{ "p", ", \"on_poweroff\": \"restart\"", "w reboot/shutdown", "running/booted" },
		{ "r", "", "w reboot/reset", "running/booted" },
		{ "c", "", "w reboot/reset", "running/booted" },
		{ "k", "", "w reboot/reset", "running/booted" },
		{ "r", ", \"on_reboot\": \"destroy\"", "w stopped/shutdown", "shut off/shutdown" },
		{ "t", "", "w reboot/triple fault", "running/booted" },
		{ "x", "", "w stopped/panicked", "shut off/crashed" },
		{ "x", ", \"on_crash\": \"preserve\"", "w crashed/panicked", "crashed/panicked" },
		{ "x", ", \"on_crash\": \"restart\"", "w reboot/panicked", "running/booted" },
		{ "t", ", \"on_reboot\": \"destroy\"", "w stopped/triple fault", "shut off/crashed" },
	};
	struct driver_fixture *f = *state;
	mv_auto(mv_error) err = NULL;

	driver_need_kvm();
	for (size_t i = 0; i < MV_ARRAY_SIZE(ways); i++) {
		struct mv_domain *dom = driver_define(f, driver_spec("w", "ends", ways[i].policy));

		driver_ok(mv_domain_start(dom, 0, &err), err);
		driver_attach(f, dom);
		driver_expect(f, "how?");
		driver_send(f, ways[i].letter);
		driver_await_event(f, ways[i].event);
		driver_await_state(f, dom, ways[i].state);
		if (strstr(ways[i].state, "running"))
			driver_expect(f, "how?");
		mv_domain_destroy(dom, NULL);
		mv_conn_dispatch(f->conn, 0, NULL);
		f->events[0] = 0;
		mv_domain_unref(dom);
	}
}

static void reboot_through_the_button(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom;
	mv_auto(mv_error) err = NULL;

	driver_need_kvm();
	dom = driver_create(f, driver_spec("r1", "ends", ""));
	driver_attach(f, dom);
	driver_expect(f, "how?");
	driver_ok(mv_domain_reboot(dom, &err), err);
	/* Whoever asked for it goes away. */
	mv_domain_unref(dom);
	driver_reopen(f);
	driver_ok(mv_domain_lookup(f->conn, "r1", &dom, &err), err);
	driver_send(f, "p");
	driver_expect(f, "how?");
	driver_expect_state(dom, "running/booted");
	/* Once. */
	driver_ok(mv_domain_shutdown(dom, &err), err);
	driver_send(f, "p");
	driver_await_event(f, "r1 stopped/shutdown");
	mv_domain_unref(dom);
}

/* --- others --- */

static void taken_over(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom;
	mv_auto(mv_error) err = NULL;
	int status, id;
	pid_t pid;

	driver_need_kvm();
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		struct mv_conn *conn;
		struct mv_domain *d;

		_exit(mv_conn_open(f->uri, &conn, NULL) == 0 &&
				      mv_domain_create(conn, driver_spec("o1", "counter", ""), 0, &d, NULL) == 0 ?
			      0 :
			      1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	driver_ok(mv_domain_lookup(f->conn, "o1", &dom, &err), err);
	id = mv_domain_id(dom);
	assert_true(id > 0);
	driver_await_state(f, dom, "running/booted");
	driver_attach(f, dom);
	driver_expect(f, "ready");
	driver_ok(mv_domain_suspend(dom, &err), err);
	mv_domain_unref(dom);
	driver_reopen(f);
	driver_ok(mv_domain_lookup(f->conn, "o1", &dom, &err), err);
	assert_int_equal(mv_domain_id(dom), id);
	driver_await_state(f, dom, "paused/user");
	driver_ok(mv_domain_resume(dom, &err), err);
	driver_ok(mv_domain_destroy(dom, &err), err);
	driver_await_event(f, "o1 stopped/destroyed");
	mv_domain_unref(dom);
}

/* Many processes start one guest: one of them does. */
static void started_once(void **state)
{
	enum { STARTERS = 6 };
	struct driver_fixture *f = *state;
	struct mv_domain *dom;
	pid_t pids[STARTERS];
	int started = 0;

	driver_need_kvm();
	dom = driver_define(f, driver_spec("o2", "counter", ""));
	fflush(NULL);
	for (int i = 0; i < STARTERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct mv_error *err = NULL;
			struct mv_conn *conn;
			struct mv_domain *d;

			if (mv_conn_open(f->uri, &conn, NULL) < 0 || mv_domain_lookup(conn, "o2", &d, NULL) < 0)
				_exit(2);
			if (mv_domain_start(d, 0, &err) == 0)
				_exit(0);
			_exit(err->code == MV_ERR_OPERATION_INVALID && strstr(err->message, "already running") ? 1 : 3);
		}
	}
	for (int i = 0; i < STARTERS; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
		started += WEXITSTATUS(status) == 0;
	}
	assert_int_equal(started, 1);
	driver_await_state(f, dom, "running/booted");
	mv_domain_unref(dom);
}

/* Two connections of one root see the same, and hear of each other's acts. */
static void two_connections(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *mine, *theirs;
	struct mv_conn *other;
	mv_auto(mv_error) err = NULL;

	driver_need_kvm();
	driver_ok(mv_conn_open(f->uri, &other, &err), err);
	mine = driver_define(f, driver_spec("o3", "counter", ""));
	driver_ok(mv_domain_lookup(other, "o3", &theirs, &err), err);
	assert_string_equal(mv_domain_uuid(mine), mv_domain_uuid(theirs));
	driver_ok(mv_domain_start(theirs, 0, &err), err);
	driver_await_state(f, mine, "running/booted");
	driver_ok(mv_domain_suspend(theirs, &err), err);
	driver_await_event(f, "o3 suspended/user");
	driver_ok(mv_domain_undefine(theirs, &err), err);
	assert_false(mv_domain_persistent(mine));
	driver_ok(mv_domain_destroy(theirs, &err), err);
	driver_await_event(f, "o3 stopped/destroyed");
	driver_expect_error(mv_domain_start(mine, 0, &err), &err, MV_ERR_NO_DOMAIN, "There is no domain 'o3'");
	mv_domain_unref(mine);
	mv_domain_unref(theirs);
	mv_conn_unref(other);
}

/* Who only listens hears what others do. */
static void heard_from_afar(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom = NULL;
	struct mv_conn *other;
	mv_auto(mv_error) err = NULL;

	driver_need_kvm();
	driver_ok(mv_conn_open(f->uri, &other, &err), err);
	driver_ok(mv_domain_define(other, driver_spec("o4", "counter", ""), &dom, &err), err);
	driver_await_event(f, "o4 defined/added\n");
	mv_domain_unref(dom);
	driver_ok(mv_domain_define(other, driver_spec("o4", "counter", ", \"panic\": false"), &dom, &err), err);
	driver_await_event(f, "o4 defined/updated\n");
	driver_ok(mv_domain_start(dom, 0, &err), err);
	driver_await_event(f, "o4 started/booted\n");
	driver_ok(mv_domain_suspend(dom, &err), err);
	driver_await_event(f, "o4 suspended/user\n");
	driver_ok(mv_domain_destroy(dom, &err), err);
	driver_await_event(f, "o4 stopped/destroyed\n");
	driver_ok(mv_domain_start(dom, 0, &err), err);
	driver_await_event(f, "o4 stopped/destroyed\no4 started/booted\n");
	driver_ok(mv_domain_destroy(dom, &err), err);
	driver_ok(mv_domain_undefine(dom, &err), err);
	driver_await_event(f, "o4 undefined/removed\n");
	mv_domain_unref(dom);
	driver_ok(mv_domain_create(other, driver_spec("o5", "counter", ""), 0, &dom, &err), err);
	driver_await_event(f, "o5 started/booted\n");
	driver_ok(mv_domain_destroy(dom, &err), err);
	driver_await_event(f, "o5 stopped/destroyed\n");
	mv_domain_unref(dom);
	mv_conn_unref(other);
}

/* --- machines that die or hang --- */

static void machine_killed(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom;
	mv_autofree char *detail = NULL;
	mv_auto(mv_error) err = NULL;
	const char *word, *reason;

	driver_need_kvm();
	dom = driver_define(f, driver_spec("k1", "counter", ""));
	driver_ok(mv_domain_start(dom, 0, &err), err);
	assert_int_equal(kill((pid_t)driver_pid(f, "k1"), SIGKILL), 0);
	driver_await_event(f, "k1 stopped/crashed");
	driver_ok(mv_domain_state(dom, &word, &reason, &detail, &err), err);
	assert_string_equal(word, "shut off");
	assert_string_equal(reason, "crashed");
	assert_non_null(strstr(detail, "ended by signal 9"));
	assert_int_equal(access(driver_path(f, "root/run/k1/control.sock"), F_OK), -1);
	driver_ok(mv_domain_start(dom, 0, &err), err);
	driver_expect_state(dom, "running/booted");
	mv_domain_unref(dom);
}

static void killed_while_nobody_looked(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom, *gone = NULL;
	mv_auto(mv_error) err = NULL;
	struct mv_domain **all;
	size_t count;
	long pid, pid2;
	int status;

	driver_need_kvm();
	dom = driver_define(f, driver_spec("k2", "counter", ""));
	driver_ok(mv_domain_start(dom, 0, &err), err);
	mv_domain_unref(driver_create(f, driver_spec("k3", "counter", "")));
	pid = driver_pid(f, "k2");
	pid2 = driver_pid(f, "k3");
	mv_domain_unref(dom);
	mv_conn_unref(f->conn);
	kill((pid_t)pid, SIGKILL);
	kill((pid_t)pid2, SIGKILL);
	waitpid((pid_t)pid, &status, 0);
	waitpid((pid_t)pid2, &status, 0);
	driver_ok(mv_conn_open(f->uri, &f->conn, &err), err);
	driver_ok(mv_domain_lookup(f->conn, "k2", &dom, &err), err);
	driver_expect_state(dom, "shut off/crashed");
	driver_expect_error(mv_domain_lookup(f->conn, "k3", &gone, &err), &err, MV_ERR_NO_DOMAIN,
			    "There is no domain 'k3'");
	assert_int_equal(access(driver_path(f, "root/run/k3"), F_OK), -1);
	driver_ok(mv_conn_domains(f->conn, &all, &count, &err), err);
	assert_int_equal(count, 1);
	mv_domain_unref(all[0]);
	free(all);
	/* It is remembered. */
	mv_domain_unref(dom);
	driver_reopen(f);
	driver_ok(mv_domain_lookup(f->conn, "k2", &dom, &err), err);
	driver_expect_state(dom, "shut off/crashed");
	mv_domain_unref(dom);
}

static void machine_that_hangs(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom;
	mv_auto(mv_error) err = NULL;
	char uri[600];

	driver_need_kvm();
	snprintf(uri, sizeof(uri), "kvm:///embed?root=%s/root&timeout=3", f->root);
	strcpy(f->uri, uri);
	driver_reopen(f);
	dom = driver_create(f, driver_spec("h1", "counter", ""));
	assert_int_equal(kill((pid_t)driver_pid(f, "h1"), SIGSTOP), 0);
	driver_expect_error(mv_domain_suspend(dom, &err), &err, MV_ERR_OPERATION_TIMEOUT,
			    "Waited 3.0 s for the suspension of guest 'h1', and its machine (process ");
	/* Opening the root does not wait for it, and it can be ended all the same. */
	driver_ok(mv_domain_destroy(dom, &err), err);
	driver_await_event(f, "h1 stopped/destroyed");
	mv_domain_unref(dom);
}

static void died_in_a_call(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom;
	mv_auto(mv_error) err = NULL;
	long pid;

	driver_need_kvm();
	dom = driver_define(f, driver_spec("k4", "counter", ""));
	driver_ok(mv_domain_start(dom, 0, &err), err);
	pid = driver_pid(f, "k4");
	assert_int_equal(kill((pid_t)pid, SIGSTOP), 0);
	fflush(NULL);
	if (fork() == 0) {
		struct timespec t = { .tv_nsec = 100000000 };

		/* Not a test's wait for something: the call below must be under way, and there is nothing to see of it.
		 */
		nanosleep(&t, NULL);
		kill((pid_t)pid, SIGKILL);
		_exit(0);
	}
	driver_expect_error(mv_domain_suspend(dom, &err), &err, MV_ERR_OPERATION_FAILED,
			    "The machine of guest 'k4' has ended (crashed) while the suspension was waited for");
	wait(NULL);
	mv_domain_unref(dom);
}

/* --- starts --- */

static void many_at_once(void **state)
{
	enum { GUESTS = 20 };
	struct driver_fixture *f = *state;
	struct mv_domain *doms[GUESTS], *bad = NULL;
	mv_auto(mv_error) err = NULL;
	char name[16];

	driver_need_kvm();
	driver_put_file(driver_path(f, "nothing"), 4096);
	for (int i = 0; i < GUESTS; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		driver_ok(mv_domain_create(f->conn, driver_spec(name, "counter", ""), MV_START_NOWAIT, &doms[i], &err),
			  err);
	}
	snprintf(name, sizeof(name), "bad");
	char spec[600];
	snprintf(spec, sizeof(spec), "{ \"name\": \"bad\", \"memory\": \"16M\", \"boot\": { \"kernel\": \"%s\" } }",
		 driver_path(f, "nothing"));
	driver_ok(mv_domain_create(f->conn, spec, MV_START_NOWAIT, &bad, &err), err);
	driver_expect_error(mv_domain_wait_start(bad, -1, &err), &err, 0, driver_path(f, "nothing"));
	for (int i = 0; i < GUESTS; i++) {
		driver_ok(mv_domain_wait_start(doms[i], -1, &err), err);
		driver_expect_state(doms[i], "running/booted");
	}
	driver_await_event(f, "bad stopped/failed");
	for (int i = 0; i < GUESTS; i++) {
		driver_ok(mv_domain_destroy(doms[i], &err), err);
		mv_domain_unref(doms[i]);
	}
	mv_domain_unref(bad);
	assert_int_equal(access(driver_path(f, "root/run/bad"), F_OK), -1);
}

static void start_that_fails(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom = NULL;
	mv_auto(mv_error) err = NULL;
	char spec[600];

	driver_need_kvm();
	driver_put_file(driver_path(f, "nothing"), 4096);
	snprintf(spec, sizeof(spec), "{ \"name\": \"b1\", \"memory\": \"16M\", \"boot\": { \"kernel\": \"%s\" } }",
		 driver_path(f, "nothing"));
	driver_expect_error(mv_domain_create(f->conn, spec, 0, &dom, &err), &err, 0, driver_path(f, "nothing"));
	driver_expect_error(mv_domain_lookup(f->conn, "b1", &dom, &err), &err, MV_ERR_NO_DOMAIN, "no domain 'b1'");
	assert_int_equal(access(driver_path(f, "root/run/b1"), F_OK), -1);
	dom = driver_define(f, spec);
	driver_expect_error(mv_domain_start(dom, 0, &err), &err, 0, driver_path(f, "nothing"));
	driver_expect_state(dom, "shut off/failed");
	/* Put right, it starts. */
	mv_domain_unref(dom);
	dom = driver_define(f, driver_spec("b1", "counter", ""));
	driver_ok(mv_domain_start(dom, 0, &err), err);
	mv_domain_unref(dom);
}

static void machine_program_missing(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom = NULL;
	mv_auto(mv_error) err = NULL;

	driver_need_kvm();
	setenv("MOONVISOR_VMM", "/nowhere/moonvisor-vmm", 1);
	driver_expect_error(
		mv_domain_create(f->conn, driver_spec("x", "counter", ""), 0, &dom, &err), &err, 0,
		"MOONVISOR_VMM names '/nowhere/moonvisor-vmm', which cannot be run: No such file or directory");
	/* A program that is no machine. */
	setenv("MOONVISOR_VMM", "/bin/false", 1);
	driver_expect_error(mv_domain_create(f->conn, driver_spec("x", "counter", ""), 0, &dom, &err), &err, 0,
			    "The guest 'x' could not be started: The machine process ended with status 1");
}

static void long_root(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom;
	mv_auto(mv_error) err = NULL;
	struct stat st;

	driver_need_kvm();
	snprintf(
		f->uri, sizeof(f->uri),
		"kvm:///embed?root=%s/a-folder-whose-name-is-long/and-another-one-in-it-that-is-longer-by-far/so-that-no-socket-address-could-hold-it",
		f->root);
	driver_reopen(f);
	assert_int_equal(stat(strchr(f->uri, '=') + 1, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	dom = driver_create(f, driver_spec("l1", "counter", ""));
	mv_domain_unref(dom);
	driver_reopen(f);
	driver_ok(mv_domain_lookup(f->conn, "l1", &dom, &err), err);
	driver_await_state(f, dom, "running/booted");
	mv_domain_unref(dom);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, driver_set_up, driver_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(transient_guest),
		TEST(defined_guest),
		TEST(suspend_and_resume),
		TEST(ways_to_end),
		TEST(reboot_through_the_button),
		TEST(taken_over),
		TEST(started_once),
		TEST(two_connections),
		TEST(heard_from_afar),
		TEST(machine_killed),
		TEST(killed_while_nobody_looked),
		TEST(machine_that_hangs),
		TEST(died_in_a_call),
		TEST(many_at_once),
		TEST(start_that_fails),
		TEST(machine_program_missing),
		TEST(long_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
