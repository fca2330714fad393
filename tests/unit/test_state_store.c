/* State on disk: what a crash between any two steps leaves, locks, folders, sockets. */
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/state/store.h"
#include "tests/unit/die_at.h"

static char folder[] = "/tmp/mv-store-XXXXXX";
static char root[64];

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(root, sizeof(root), "%s/a/root", folder);
	return 0;
}

static int remove_folder(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static struct mv_store *open_store(void)
{
	struct mv_store *store = NULL;
	mv_auto(mv_error) err = NULL;

	if (mv_store_open(root, &store, &err) < 0)
		fail_msg("%s", err->message);
	return store;
}

static void check_mode(const char *name)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s%s", root, name);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, S_ISDIR(st.st_mode) ? 0700 : 0600);
}

static void folders(void **state)
{
	mv_auto(mv_store) store = open_store();
	mv_auto(mv_error) err = NULL;
	struct mv_store *none = NULL;
	char path[128];
	FILE *f;

	(void)state;
	check_mode("");
	check_mode("/etc");
	check_mode("/run");
	check_mode("/lock");
	snprintf(path, sizeof(path), "%s/file", folder);
	f = fopen(path, "w");
	fclose(f);
	assert_int_equal(mv_store_open(path, &none, &err), -1);
	assert_non_null(strstr(err->message, path));
	mv_error_free(err);
	err = NULL;
	assert_int_equal(chmod(root, 0770), 0);
	assert_int_equal(mv_store_open(root, &none, &err), -1);
	assert_int_equal(err->code, MV_ERR_ACCESS_DENIED);
	assert_non_null(strstr(err->message, "can be written to by others (mode 0770)"));
	assert_int_equal(chmod(root, 0700), 0);
}

static void definitions(void **state)
{
	mv_auto(mv_store) store = open_store();
	mv_autofree char *text = NULL;
	char **names;
	size_t count;
	struct stat st;

	(void)state;
	assert_int_equal(mv_store_definition_read(store, "a", &text, &st, NULL), 0);
	assert_null(text);
	assert_int_equal(st.st_ino, 0);
	assert_false(mv_store_definition_changed(store, "a", &st));
	assert_int_equal(mv_store_definition_write(store, "a", "one", NULL), 0);
	assert_true(mv_store_definition_changed(store, "a", &st));
	assert_int_equal(mv_store_definition_read(store, "a", &text, &st, NULL), 0);
	assert_string_equal(text, "one");
	assert_false(mv_store_definition_changed(store, "a", &st));
	check_mode("/etc/a.json");
	assert_int_equal(mv_store_definition_write(store, "a", "two", NULL), 0);
	assert_true(mv_store_definition_changed(store, "a", &st));
	assert_int_equal(mv_store_definition_write(store, "b c", "", NULL), 0);
	assert_int_equal(mv_store_list(store->etc_fd, ".json", &names, &count, NULL), 0);
	assert_int_equal(count, 2);
	mv_store_names_free(names, count);
	assert_int_equal(mv_store_definition_remove(store, "a", NULL), 0);
	assert_int_equal(mv_store_definition_remove(store, "a", NULL), 0);
	assert_int_equal(mv_store_definition_remove(store, "b c", NULL), 0);
	assert_int_equal(mv_store_list(store->etc_fd, ".json", &names, &count, NULL), 0);
	assert_int_equal(count, 0);
	mv_store_names_free(names, count);
}

/* --- crashes --- */

/* Whatever the step at which the writer dies, the reader finds the old definition or the new one, whole. */
static void crash_while_writing(void **state)
{
	static const struct {
		int number;
		const char *left;
	} steps[] = {
		{ SYS_write, "old" },
		{ SYS_fsync, "old" },
		{ SYS_renameat, "old" },
		{ SYS_exit_group, "new definition" },
	};

	(void)state;
	for (size_t i = 0; i < MV_ARRAY_SIZE(steps); i++) {
		mv_auto(mv_store) store = open_store();
		mv_autofree char *text = NULL;
		char **names;
		size_t count;
		int status;
		pid_t pid;

		assert_int_equal(mv_store_definition_write(store, "g", "old", NULL), 0);
		fflush(NULL);
		pid = fork();
		if (pid == 0) {
			if (mv_store_lock(store, NULL) < 0)
				_exit(2);
			die_at(steps[i].number);
			mv_store_definition_write(store, "g", "new definition", NULL);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
		/* Its lock went with it, what it left is not seen, and does not stand in the way. */
		assert_int_equal(mv_store_lock(store, NULL), 0);
		assert_int_equal(mv_store_definition_read(store, "g", &text, NULL, NULL), 0);
		assert_string_equal(text, steps[i].left);
		assert_int_equal(mv_store_list(store->etc_fd, ".json", &names, &count, NULL), 0);
		assert_int_equal(count, 1);
		mv_store_names_free(names, count);
		free(text);
		text = NULL;
		assert_int_equal(mv_store_definition_write(store, "g", "third", NULL), 0);
		assert_int_equal(mv_store_definition_read(store, "g", &text, NULL, NULL), 0);
		assert_string_equal(text, "third");
		mv_store_unlock(store);
	}
}

/* --- locks --- */

static void lock(void **state)
{
	mv_auto(mv_store) one = open_store();
	mv_auto(mv_store) two = open_store();
	mv_auto(mv_error) err = NULL;
	char wanted[128];

	(void)state;
	two->lock_timeout_ms = 50;
	assert_int_equal(mv_store_lock(one, NULL), 0);
	assert_int_equal(mv_store_lock(one, NULL), 0);
	mv_store_unlock(one);
	assert_int_equal(mv_store_lock(two, &err), -1);
	assert_int_equal(err->code, MV_ERR_OPERATION_TIMEOUT);
	snprintf(wanted, sizeof(wanted), "Waited 50 ms for the lock of the root folder '%s', which process %d", root,
		 getpid());
	assert_non_null(strstr(err->message, wanted));
	mv_store_unlock(one);
	assert_int_equal(mv_store_lock(two, NULL), 0);
	mv_store_unlock(two);
}

/* --- running guests --- */

static void run_folders(void **state)
{
	mv_auto(mv_store) store = open_store();
	mv_autofd int fd = -1;
	int id, next;

	(void)state;
	assert_int_equal(mv_store_run_open(store, "g"), -ENOENT);
	assert_int_equal(mv_store_run_next_id(store, &id, NULL), 0);
	assert_int_equal(mv_store_run_next_id(store, &next, NULL), 0);
	assert_int_equal(next, id + 1);
	/* A damaged counter starts anew. */
	assert_int_equal(mv_store_file_replace(store->run_fd, ".id", "nonsense", 8, false, NULL), 0);
	assert_int_equal(mv_store_run_next_id(store, &id, NULL), 0);
	assert_int_equal(id, 1);

	fd = mv_store_run_create(store, "g", NULL);
	assert_true(fd >= 0);
	assert_int_equal(mv_store_file_replace(fd, "id", "7\n", 2, false, NULL), 0);
	assert_int_equal(mv_store_file_replace(fd, "status", "x", 1, false, NULL), 0);
	assert_int_equal(mv_store_file_replace(fd, "log", "x", 1, false, NULL), 0);
	assert_int_equal(mv_store_run_number(fd, "id"), 7);
	assert_int_equal(mv_store_run_number(fd, "pid"), -1);
	mv_store_run_remove(store, "g", true);
	assert_int_equal(mv_store_run_number(fd, "id"), -1);
	assert_int_equal(faccessat(fd, "status", F_OK, 0), 0);
	/* What was left is not taken for the next run's. */
	close(fd);
	fd = mv_store_run_create(store, "g", NULL);
	assert_int_equal(faccessat(fd, "status", F_OK, 0), -1);
	mv_store_run_remove(store, "g", false);
	assert_int_equal(mv_store_run_open(store, "g"), -ENOENT);
	/* A link is not followed out of the root. */
	assert_int_equal(symlinkat("/tmp", store->run_fd, "link"), 0);
	assert_true(mv_store_run_open(store, "link") < 0);
	assert_int_equal(mv_store_run_create(store, "link", NULL), -1);
	unlinkat(store->run_fd, "link", 0);
}

static void sockets(void **state)
{
	mv_auto(mv_store) store = open_store();
	mv_autofd int fd = mv_store_run_create(store, "s", NULL);
	int listener, client;

	(void)state;
	assert_int_equal(mv_store_socket_connect(fd, "control.sock"), -ENOENT);
	listener = mv_store_socket_listen(fd, "control.sock");
	assert_true(listener >= 0);
	check_mode("/run/s");
	client = mv_store_socket_connect(fd, "control.sock");
	assert_true(client >= 0);
	close(client);
	close(listener);
	/* The file outlives who listened. */
	assert_int_equal(mv_store_socket_connect(fd, "control.sock"), -ECONNREFUSED);
	listener = mv_store_socket_listen(fd, "control.sock");
	assert_true(listener >= 0);
	close(listener);
	mv_store_run_remove(store, "s", false);
}

static void files(void **state)
{
	mv_auto(mv_store) store = open_store();
	mv_auto(mv_error) err = NULL;
	mv_autofree char *text = NULL;

	(void)state;
	assert_int_equal(mv_store_file_replace(store->fd, "f", "0123456789", 10, false, NULL), 0);
	assert_int_equal(mv_store_file_read(store->fd, "f", 9, &text, &err), -1);
	assert_non_null(strstr(err->message, "'f' is 10 bytes long; at most 9"));
	assert_int_equal(mv_store_file_read(store->fd, "f", 10, &text, NULL), 0);
	assert_string_equal(text, "0123456789");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders), cmocka_unit_test(definitions), cmocka_unit_test(crash_while_writing),
		cmocka_unit_test(lock),    cmocka_unit_test(run_folders), cmocka_unit_test(sockets),
		cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
