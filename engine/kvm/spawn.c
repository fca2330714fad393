#include "engine/kvm/spawn.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/kvm/common/control.h"

#define PROGRAM "moonvisor-vmm"

extern char **environ;

/* --- finding it --- */

static char *beside(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *out;

	if (!slash || asprintf(&out, "%.*s/" PROGRAM, (int)(slash - path), path) < 0)
		return NULL;
	if (access(out, X_OK) == 0)
		return out;
	free(out);
	return NULL;
}

char *mv_kvm_find_machine(struct mv_error **err)
{
	const char *named = secure_getenv("MOONVISOR_VMM");
	char exe[PATH_MAX];
	Dl_info info;
	char *found = NULL;
	ssize_t n;

	if (named && *named) {
		if (access(named, X_OK) == 0)
			found = strdup(named);
		else
			mv_error_set_errno(err, errno, "MOONVISOR_VMM names '%s', which cannot be run", named);
		return found;
	}
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = 0;
	found = beside(exe);
	if (!found && dladdr((void *)(uintptr_t)mv_kvm_find_machine, &info) && info.dli_fname)
		found = beside(info.dli_fname);
	if (!found && access(MV_LIBEXECDIR "/" PROGRAM, X_OK) == 0)
		found = strdup(MV_LIBEXECDIR "/" PROGRAM);
	if (!found)
		mv_error_set(err, MV_ERR_OPERATION_FAILED,
			     "The program " PROGRAM " is not found: neither beside '%s', nor in " MV_LIBEXECDIR
			     ", and MOONVISOR_VMM is not set",
			     exe);
	return found;
}

/* --- starting it --- */

/* Of the environment the machine gets only what sanitizers read. */
static void select_environment(char **out, size_t max)
{
	size_t n = 0;

	for (char **e = environ; *e && n < max; e++) {
		const char *options = strstr(*e, "SAN_OPTIONS=");

		if (options && options - *e <= 2)
			out[n++] = *e;
	}
	out[n] = NULL;
}

/* Out of the way of descriptors 0 to 3, which are about to be replaced. */
static int move_up(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 10);
}

static int prepare(posix_spawn_file_actions_t *files, posix_spawnattr_t *attributes, int null_fd, int log_fd,
		   int control_fd)
{
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	rc = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	rc = rc ? rc : posix_spawnattr_setsigmask(attributes, &none);
	rc = rc ? rc : posix_spawnattr_setsigdefault(attributes, &all);
	rc = rc ? rc : posix_spawn_file_actions_adddup2(files, null_fd, 0);
	rc = rc ? rc : posix_spawn_file_actions_adddup2(files, log_fd, 1);
	rc = rc ? rc : posix_spawn_file_actions_adddup2(files, log_fd, 2);
	rc = rc ? rc : posix_spawn_file_actions_adddup2(files, control_fd, MV_CONTROL_FD);
	rc = rc ? rc : posix_spawn_file_actions_addclosefrom_np(files, MV_CONTROL_FD + 1);
	return rc ? rc : posix_spawn_file_actions_addchdir_np(files, "/");
}

pid_t mv_kvm_spawn(const char *program, const char *guest, int control_fd, int log_fd, struct mv_error **err)
{
	mv_autofd int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	mv_autofd int null_up = null_fd < 0 ? -1 : move_up(null_fd);
	mv_autofd int log_up = move_up(log_fd);
	mv_autofd int control_up = move_up(control_fd);
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	char title[256];
	char *argv[] = { title, NULL };
	char *environment[17];
	pid_t pid = -1;
	int rc;

	if (null_up < 0 || log_up < 0 || control_up < 0)
		return mv_error_set_errno(err, errno, "No descriptors are left to start the machine of '%s'", guest);
	/* Who lists processes sees which guest it is. */
	snprintf(title, sizeof(title), PROGRAM ":%s", guest);
	select_environment(environment, 16);
	rc = posix_spawn_file_actions_init(&files);
	if (rc == 0) {
		rc = posix_spawnattr_init(&attributes);
		if (rc == 0) {
			rc = prepare(&files, &attributes, null_up, log_up, control_up);
			rc = rc ? rc : posix_spawn(&pid, program, &files, &attributes, argv, environment);
			posix_spawnattr_destroy(&attributes);
		}
		posix_spawn_file_actions_destroy(&files);
	}
	if (rc)
		return mv_error_set_errno(err, rc, "The program '%s' cannot be started", program);
	return pid;
}

unsigned long long mv_kvm_process_start(pid_t pid)
{
	char path[32], text[1024];
	mv_autofd int fd = -1;
	unsigned long long start = 0;
	const char *p;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	/* Field 22; the second, a name in parentheses, may contain anything. */
	p = strrchr(text, ')');
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (p)
		start = strtoull(p + 1, NULL, 10);
	return start;
}
