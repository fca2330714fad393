/* Saving and restoring through the driver, with real machines. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/cleanup.h"
#include "tests/harness/vmm.h"
#include "tests/unit/die_at.h"
#include "tests/unit/driver_fixture.h"

static unsigned count_files(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	unsigned n = 0;

	assert_non_null(dir);
	/* cppcheck-suppress readdirCalled ; the stream is this function's own */
	while ((e = readdir(dir)))
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(dir);
	return n;
}

static struct mv_domain *counting(struct driver_fixture *f, const char *name, const char *more)
{
	struct mv_domain *dom = driver_create(f, driver_spec(name, "counter", more));

	driver_attach(f, dom);
	driver_expect(f, "ready");
	driver_send(f, "n");
	driver_expect(f, "00000001");
	return dom;
}

static struct mv_domain *restore(struct driver_fixture *f, const char *path, unsigned flags)
{
	struct mv_domain *dom = NULL;
	mv_auto(mv_error) err = NULL;

	driver_ok(mv_domain_restore(f->conn, path, flags, &dom, &err), err);
	return dom;
}

static void there_and_back(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom, *again;
	mv_auto(mv_error) err = NULL;
	struct mv_domain *twin = NULL;

	driver_need_kvm();
	dom = counting(f, "s1", "");
	assert_int_equal(mkdir(driver_path(f, "images"), 0700), 0);
	driver_ok(mv_domain_save(dom, driver_path(f, "images/s1"), false, &err), err);
	driver_expect_state(dom, "shut off/saved");
	driver_await_event(f, "s1 stopped/saved");
	assert_int_equal(count_files(driver_path(f, "images")), 1);
	assert_int_equal(access(driver_path(f, "root/run/s1"), F_OK), -1);
	again = restore(f, driver_path(f, "images/s1"), 0);
	assert_string_equal(mv_domain_uuid(dom), mv_domain_uuid(again));
	driver_expect_state(again, "running/restored");
	driver_expect_error(mv_domain_restore(f->conn, driver_path(f, "images/s1"), 0, &twin, &err), &err,
			    MV_ERR_OPERATION_INVALID, "'s1' is already running");
	driver_attach(f, again);
	driver_send(f, "n");
	driver_expect(f, "00000002");
	driver_await_event(f, "s1 started/restored");
	/* The file stays, and replaces what is under its name. */
	driver_ok(mv_domain_save(again, driver_path(f, "images/s1"), false, &err), err);
	mv_domain_unref(again);
	again = restore(f, driver_path(f, "images/s1"), MV_RESTORE_PAUSED | MV_RESTORE_VERIFY);
	driver_expect_state(again, "paused/user");
	driver_attach(f, again);
	driver_ok(mv_domain_resume(again, &err), err);
	driver_send(f, "n");
	driver_expect(f, "00000003");
	assert_int_equal(count_files(driver_path(f, "images")), 1);
	mv_domain_unref(again);
	mv_domain_unref(dom);
}

static void checkpoint(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom, *again;
	mv_auto(mv_error) err = NULL;

	driver_need_kvm();
	dom = counting(f, "s2", "");
	driver_ok(mv_domain_save(dom, driver_path(f, "image"), true, &err), err);
	driver_expect_state(dom, "running/booted");
	driver_send(f, "n");
	driver_expect(f, "00000002");
	/* A paused one stays paused. */
	driver_ok(mv_domain_suspend(dom, &err), err);
	driver_ok(mv_domain_save(dom, driver_path(f, "paused"), true, &err), err);
	driver_expect_state(dom, "paused/user");
	driver_ok(mv_domain_destroy(dom, &err), err);
	again = restore(f, driver_path(f, "image"), 0);
	driver_attach(f, again);
	driver_send(f, "n");
	driver_expect(f, "00000002");
	mv_domain_unref(again);
	mv_domain_unref(dom);
}

/* A defined guest comes back as what it is. */
static void defined_guest(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom, *again;
	mv_auto(mv_error) err = NULL;

	driver_need_kvm();
	dom = driver_define(f, driver_spec("s3", "counter", ""));
	driver_ok(mv_domain_start(dom, 0, &err), err);
	driver_ok(mv_domain_save(dom, driver_path(f, "image"), false, &err), err);
	driver_expect_state(dom, "shut off/saved");
	again = restore(f, driver_path(f, "image"), 0);
	assert_true(mv_domain_persistent(again));
	driver_expect_state(dom, "running/restored");
	driver_ok(mv_domain_destroy(again, &err), err);
	driver_ok(mv_domain_undefine(dom, &err), err);
	mv_domain_unref(again);
	/* Another guest has taken its name. */
	mv_domain_unref(driver_define(f, driver_spec("s3", "counter", "")));
	driver_expect_error(mv_domain_restore(f->conn, driver_path(f, "image"), 0, &again, &err), &err,
			    MV_ERR_DOM_EXIST, "Domain 's3' is already defined");
	mv_domain_unref(dom);
}

/* Only a reboot needs the kernel again. */
static void kernel_gone(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom, *again;
	mv_auto(mv_error) err = NULL;
	char command[1200], spec[700];

	driver_need_kvm();
	snprintf(command, sizeof(command), "cp %s/tests/guest/counter.elf %s", mv_test_build_dir(),
		 driver_path(f, "kernel"));
	assert_int_equal(system(command), 0);
	snprintf(spec, sizeof(spec), "{ \"name\": \"s9\", \"memory\": \"16M\", \"boot\": { \"kernel\": \"%s\" } }",
		 driver_path(f, "kernel"));
	dom = driver_create(f, spec);
	driver_ok(mv_domain_save(dom, driver_path(f, "image"), false, &err), err);
	assert_int_equal(unlink(driver_path(f, "kernel")), 0);
	again = restore(f, driver_path(f, "image"), 0);
	driver_expect_state(again, "running/restored");
	driver_expect_error(mv_domain_reset(again, &err), &err, MV_ERR_OPERATION_INVALID,
			    "it was restored without its kernel");
	mv_domain_unref(again);
	mv_domain_unref(dom);
}

/* Whatever goes wrong with the file, the guest goes on and nothing is left. */
static void no_place(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom;
	mv_auto(mv_error) err = NULL;
	unsigned before;

	driver_need_kvm();
	dom = counting(f, "s4", "");
	before = count_files(f->root);
	driver_expect_error(mv_domain_save(dom, driver_path(f, "no/such/image"), false, &err), &err, MV_ERR_SYSTEM,
			    "no such file: the folder '");
	driver_expect_error(mv_domain_save(dom, driver_path(f, ""), false, &err), &err, MV_ERR_INVALID_ARG,
			    "names no file");
	driver_expect_error(mv_domain_save(dom, f->root, false, &err), &err, MV_ERR_INVALID_ARG, "is no file");
	assert_int_equal(count_files(f->root), before);
	driver_expect_state(dom, "running/booted");
	driver_send(f, "n");
	driver_expect(f, "00000002");
	mv_domain_unref(dom);
}

static void disk_full(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom;
	mv_auto(mv_error) err = NULL;
	const char *small = driver_path(f, "small");

	driver_need_kvm();
	dom = counting(f, "s5", "");
	assert_int_equal(mkdir(small, 0700), 0);
	if (mount("none", small, "tmpfs", 0, "size=16k") < 0) {
		mv_domain_unref(dom);
		print_message("skip: no file system can be mounted: %s\n", strerror(errno));
		skip();
	}
	driver_expect_error(mv_domain_save(dom, driver_path(f, "small/image"), false, &err), &err, 0, "No space left");
	assert_int_equal(count_files(small), 0);
	driver_await_state(f, dom, "running/booted");
	driver_send(f, "n");
	driver_expect(f, "00000002");
	/* By now the machine has let go of the file. */
	assert_int_equal(umount(small), 0);
	mv_domain_unref(dom);
}

/* Who saves is killed before the image has its name: the guest goes on, and nothing is left. */
static void saver_killed(void **state)
{
	static const int steps[] = { SYS_fsync, SYS_linkat };
	struct driver_fixture *f = *state;
	struct mv_domain *dom;
	char answer[16];

	driver_need_kvm();
	assert_int_equal(mkdir(driver_path(f, "saver"), 0700), 0);
	dom = counting(f, "s6", "");
	for (unsigned i = 0; i < MV_ARRAY_SIZE(steps); i++) {
		int status;
		pid_t pid;

		fflush(NULL);
		pid = fork();
		if (pid == 0) {
			struct mv_conn *conn;
			struct mv_domain *d;

			if (mv_conn_open(f->uri, &conn, NULL) < 0 || mv_domain_lookup(conn, "s6", &d, NULL) < 0)
				_exit(2);
			die_at(steps[i]);
			_exit(mv_domain_save(d, driver_path(f, "saver/image"), false, NULL) == 0 ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
		assert_int_equal(count_files(driver_path(f, "saver")), 0);
		driver_await_state(f, dom, "running/unpaused");
		driver_send(f, "n");
		snprintf(answer, sizeof(answer), "%08x", i + 2);
		driver_expect(f, answer);
	}
	mv_domain_unref(dom);
}

static void images_that_are_none(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom = NULL;
	mv_auto(mv_error) err = NULL;
	struct mv_domain *guest;
	const char *path = driver_path(f, "image");

	driver_need_kvm();
	driver_expect_error(mv_domain_restore(f->conn, path, 0, &dom, &err), &err, MV_ERR_SYSTEM,
			    "image': no such file");
	driver_put_file(path, 100000);
	driver_expect_error(mv_domain_restore(f->conn, path, 0, &dom, &err), &err, MV_ERR_OPERATION_FAILED, path);
	guest = counting(f, "s7", "");
	driver_ok(mv_domain_save(guest, path, false, &err), err);
	assert_int_equal(truncate(path, 8192), 0);
	driver_expect_error(mv_domain_restore(f->conn, path, 0, &dom, &err), &err, MV_ERR_OPERATION_FAILED, path);
	mv_domain_unref(guest);
}

/* --- disks --- */

static void disks_of_a_saved_guest(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom, *again = NULL;
	mv_auto(mv_error) err = NULL;
	char disk[400], more[600], moved[400];
	int fd;

	driver_need_kvm();
	snprintf(disk, sizeof(disk), "%s", driver_path(f, "disk"));
	snprintf(moved, sizeof(moved), "%s", driver_path(f, "moved"));
	driver_put_file(disk, 1 << 20);
	snprintf(more, sizeof(more), ", \"disks\": [ { \"path\": \"%s\" } ]", disk);
	dom = counting(f, "s8", more);
	driver_ok(mv_domain_save(dom, driver_path(f, "image"), false, &err), err);
	mv_domain_unref(dom);

	assert_int_equal(rename(disk, moved), 0);
	driver_expect_error(mv_domain_restore(f->conn, driver_path(f, "image"), 0, &again, &err), &err, 0,
			    "disks[1].path: '");
	assert_int_equal(access(disk, F_OK), -1); /* it was not made anew, empty */
	assert_int_equal(rename(moved, disk), 0);
	again = restore(f, driver_path(f, "image"), 0);
	driver_ok(mv_domain_destroy(again, &err), err);
	mv_domain_unref(again);

	fd = open(disk, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "x", 1, 0), 1);
	close(fd);
	driver_expect_error(mv_domain_restore(f->conn, driver_path(f, "image"), 0, &again, &err), &err,
			    MV_ERR_OPERATION_INVALID, "disks[1].path: '");
	again = restore(f, driver_path(f, "image"), MV_RESTORE_FORCE);
	driver_ok(mv_domain_destroy(again, &err), err);
	mv_domain_unref(again);

	assert_int_equal(truncate(disk, 2 << 20), 0);
	driver_expect_error(mv_domain_restore(f->conn, driver_path(f, "image"), MV_RESTORE_FORCE, &again, &err), &err,
			    MV_ERR_CONFIG_UNSUPPORTED, "has 2097152 bytes, and not 1048576");
	driver_expect_error(mv_domain_lookup(f->conn, "s8", &again, &err), &err, MV_ERR_NO_DOMAIN, "no domain 's8'");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, driver_set_up, driver_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(there_and_back),
		TEST(checkpoint),
		TEST(defined_guest),
		TEST(kernel_gone),
		TEST(no_place),
		TEST(disk_full),
		TEST(saver_killed),
		TEST(images_that_are_none),
		TEST(disks_of_a_saved_guest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
