/* Several processes do everything at once in one root: nothing hangs, no machine is lost, none seems to have crashed.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/cleanup.h"
#include "tests/unit/driver_fixture.h"

#define WORKERS 4
#define GUESTS 3
#define ACTS 120

/* Names that no other test's guests have, to tell our machines from theirs. */
static void guest_name(const struct driver_fixture *f, unsigned i, char name[64])
{
	snprintf(name, 64, "race-%s-%u", strrchr(f->root, '-') + 1, i);
}

static int on_domain(struct driver_fixture *f, unsigned act, unsigned *seed, const char *name, struct mv_error **err)
{
	struct mv_domain *dom = NULL;
	const char *state, *reason, *image = driver_path(f, name);
	int ret = mv_domain_lookup(f->conn, name, &dom, err);

	if (ret < 0)
		return -1;
	switch (act) {
	case 0: ret = mv_domain_start(dom, rand_r(seed) % 2 ? MV_START_NOWAIT : 0, err); break;
	case 1: ret = mv_domain_destroy(dom, err); break;
	case 2: ret = mv_domain_undefine(dom, err); break;
	case 3: ret = mv_domain_suspend(dom, err); break;
	case 4: ret = mv_domain_resume(dom, err); break;
	case 5: ret = mv_domain_reset(dom, err); break;
	case 6: ret = mv_domain_save(dom, image, rand_r(seed) % 2, err); break;
	default: ret = mv_domain_state(dom, &state, &reason, NULL, err); break;
	}
	mv_domain_unref(dom);
	return ret;
}

static int act_once(struct driver_fixture *f, unsigned *seed, struct mv_error **err)
{
	unsigned act = (unsigned)rand_r(seed) % 14;
	struct mv_domain *dom = NULL, **all;
	char name[64];
	size_t count;
	int ret;

	guest_name(f, (unsigned)rand_r(seed) % GUESTS, name);
	switch (act) {
	case 8:
	case 9: ret = mv_domain_define(f->conn, driver_spec(name, "halter", ""), &dom, err); break;
	case 10: ret = mv_domain_create(f->conn, driver_spec(name, "halter", ""), 0, &dom, err); break;
	case 11: ret = mv_domain_restore(f->conn, driver_path(f, name), MV_RESTORE_FORCE, &dom, err); break;
	case 12:
		ret = mv_conn_domains(f->conn, &all, &count, err);
		for (size_t i = 0; ret == 0 && i < count; i++)
			mv_domain_unref(all[i]);
		if (ret == 0)
			free(all);
		break;
	case 13: driver_reopen(f); return 0;
	default: return on_domain(f, act, seed, name, err);
	}
	mv_domain_unref(dom);
	return ret;
}

/* Others get in the way all the time; what they may cause is known. */
static bool expected(const struct mv_error *err)
{
	switch (err->code) {
	case MV_ERR_OPERATION_INVALID:
	case MV_ERR_NO_DOMAIN:
	case MV_ERR_DOM_EXIST: return true;
	case MV_ERR_OPERATION_FAILED:
		return strstr(err->message, "has ended (destroyed)") || strstr(err->message, "has ended (saved)") ||
			strstr(err->message, "has ended (unknown)") ||
			strstr(err->message, "was ended before it was up");
	default: return strstr(err->message, "no such file"); /* not saved yet */
	}
}

static int work(struct driver_fixture *f, unsigned seed)
{
	driver_reopen(f);
	for (int i = 0; i < ACTS; i++) {
		mv_auto(mv_error) err = NULL;

		if (act_once(f, &seed, &err) < 0 && !expected(err)) {
			fprintf(stderr, "%s\n", err->message);
			return 1;
		}
		mv_conn_dispatch(f->conn, 0, NULL);
	}
	mv_conn_unref(f->conn);
	return 0;
}

/* Processes whose title is that of a machine of ours. */
static unsigned count_machines(const struct driver_fixture *f)
{
	char wanted[64], path[300], title[128];
	DIR *proc = opendir("/proc");
	struct dirent *e;
	unsigned n = 0;

	assert_non_null(proc);
	snprintf(wanted, sizeof(wanted), "moonvisor-vmm:race-%s-", strrchr(f->root, '-') + 1);
	/* cppcheck-suppress readdirCalled ; the stream is this function's own */
	while ((e = readdir(proc))) {
		mv_autofd int fd = -1;
		ssize_t len;

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		len = fd < 0 ? -1 : read(fd, title, sizeof(title) - 1);
		title[len > 0 ? len : 0] = 0;
		n += strncmp(title, wanted, strlen(wanted)) == 0;
	}
	closedir(proc);
	return n;
}

static void everything_at_once(void **state)
{
	struct driver_fixture *f = *state;
	mv_auto(mv_error) err = NULL;
	struct mv_domain **all;
	size_t count;
	unsigned running = 0;

	driver_need_kvm();
	fflush(NULL);
	for (unsigned i = 0; i < WORKERS; i++) {
		if (fork() == 0)
			_exit(work(f, i * 7919 + 1));
	}
	for (int i = 0; i < WORKERS; i++) {
		int status;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	driver_ok(mv_conn_domains(f->conn, &all, &count, &err), err);
	for (size_t i = 0; i < count; i++) {
		running += mv_domain_id(all[i]) >= 0;
		mv_domain_unref(all[i]);
	}
	free(all);
	assert_int_equal(count_machines(f), running);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(everything_at_once, driver_set_up, driver_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
