/* The sandbox as seen from outside a running machine: what /proc says of every thread, and what happens when each
 * thread is made (by ptrace) to open a file or a socket.
 * limit: 120 */
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
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/harness/tiny.h"

#define MAX_THREADS 64

/* A machine with every kind of thread: main loop, vCPUs, a disk's. */
static void begin(struct mv_tiny *t)
{
	mv_tiny_begin(t, "busy", "hlt_pit 2");
	mv_tiny_vcpus(t, 2);
	mv_tiny_add_rng(t, 1);
	mv_tiny_add_blk(t, 2, 256 * 512);
	mv_tiny_add_console(t, 3);
	mv_tiny_add_balloon(t, 4);
	mv_tiny_start(t);
	mv_test_expect(&t->vmm, "...");
}

/* A page that is there for certain: where the main thread's stack starts (field 28 of /proc/PID/stat). */
static uint64_t stack_pointer(pid_t pid)
{
	char path[64], text[1024];
	const char *p;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = 0;
	p = strrchr(text, ')');
	for (int i = 2; p && i < 28; i++)
		p = strchr(p + 1, ' ');
	assert_non_null(p);
	return p ? strtoull(p, NULL, 10) : 0;
}

static unsigned threads_of(pid_t pid, pid_t *tids)
{
	char path[64];
	unsigned count = 0;
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	assert_non_null(dir);
	/* cppcheck-suppress readdirCalled ; the stream is this function's own */
	while ((e = readdir(dir)))
		if (e->d_name[0] != '.' && count < MAX_THREADS)
			tids[count++] = (pid_t)strtol(e->d_name, NULL, 10);
	closedir(dir);
	return count;
}

static uint64_t field(pid_t pid, pid_t tid, const char *name, int base)
{
	char path[64], line[256];
	uint64_t value = ~UINT64_C(0);
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)pid, (int)tid);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			value = strtoull(line + strlen(name) + 1, NULL, base);
	fclose(f);
	return value;
}

static void every_thread_is_confined(void **state)
{
	static const char *const sets[] = { "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb" };
	struct mv_tiny *t = *state;
	pid_t tids[MAX_THREADS];
	unsigned count;

#ifdef __SANITIZE_THREAD__
	/* The sanitizer has a thread of its own, which nobody can confine. */
	print_message("skip: built with a sanitizer's thread\n");
	skip();
#endif
	begin(t);
	count = threads_of(t->vmm.pid, tids);
	assert_true(count >= 4);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(field(t->vmm.pid, tids[i], "Seccomp", 10), 2);
		assert_int_equal(field(t->vmm.pid, tids[i], "NoNewPrivs", 10), 1);
		for (size_t s = 0; s < MV_ARRAY_SIZE(sets); s++)
			if (field(t->vmm.pid, tids[i], sets[s], 16))
				fail_msg("thread %d has capabilities: %s", (int)tids[i], sets[s]);
	}
	mv_test_send(&t->vmm, "q");
	mv_tiny_done(t);
}

/* And with the sandbox off, which only a specification can do, there is none: the test above looks at the right thing.
 */
static void off_is_off(void **state)
{
	struct mv_tiny *t = *state;

	mv_tiny_begin(t, "busy", "hlt_pit 1");
	t->spec.sandbox = false;
	mv_tiny_start(t);
	mv_test_expect(&t->vmm, "...");
	assert_int_equal(field(t->vmm.pid, t->vmm.pid, "Seccomp", 10), 0);
	mv_test_send(&t->vmm, "q");
	mv_tiny_done(t);
}

/* ---- made to call ---- */

/* Waits for the next stop of the thread; signals on their way (vCPUs are kicked by one) are passed on. */
static void wait_stop(pid_t tid)
{
	int status;

	assert_int_equal(waitpid(tid, &status, __WALL), tid);
	if (!WIFSTOPPED(status))
		fail_msg("thread %d has ended (0x%x)", (int)tid, status);
}

/* Makes a stopped thread do one system call and returns its result; its registers are then what they were. */
static long inject(pid_t tid, const struct user_regs_struct *saved, long number, uint64_t a, uint64_t b, uint64_t c,
		   uint64_t d)
{
	struct user_regs_struct regs = *saved;
	uint64_t code;

	/* It sleeps in a system call: the instruction before is the one that we need. */
	errno = 0;
	code = (uint64_t)ptrace(PTRACE_PEEKTEXT, tid, saved->rip - 2, NULL);
	assert_int_equal(errno, 0);
	assert_int_equal(code & 0xffff, 0x050f);
	regs.rip = saved->rip - 2;
	regs.rax = (uint64_t)number;
	regs.orig_rax = ~UINT64_C(0);
	regs.rdi = a;
	regs.rsi = b;
	regs.rdx = c;
	regs.r10 = d;
	assert_int_equal(ptrace(PTRACE_SETREGS, tid, NULL, &regs), 0);
	do {
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, tid, NULL, NULL), 0);
		wait_stop(tid);
		assert_int_equal(ptrace(PTRACE_GETREGS, tid, NULL, &regs), 0);
	} while (regs.rip == saved->rip - 2);
	return (long)regs.rax;
}

static void put_text(pid_t tid, uint64_t at, const char *text)
{
	struct iovec local = { .iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text) + 1 };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)at, .iov_len = local.iov_len };

	assert_int_equal(process_vm_writev(tid, &local, 1, &remote, 1, 0), (ssize_t)local.iov_len);
}

static void expect_refused(pid_t tid, const char *what, long result)
{
	/* By seccomp, or (with sanitizers, whose own needs are allowed there) by Landlock. */
	if (result != -EPERM && result != -EACCES)
		fail_msg("thread %d: %s gave %ld", (int)tid, what, result);
}

static void try_calls(pid_t tid)
{
	struct user_regs_struct saved;
	uint64_t room;

	assert_int_equal(ptrace(PTRACE_GETREGS, tid, NULL, &saved), 0);
	room = (saved.rsp - 512) & ~UINT64_C(15);
	put_text(tid, room, "/etc/passwd");
	expect_refused(tid, "openat for reading", inject(tid, &saved, SYS_openat, AT_FDCWD, room, O_RDONLY, 0));
	expect_refused(tid, "openat of a new file",
		       inject(tid, &saved, SYS_openat, AT_FDCWD, room, O_RDWR | O_CREAT, 0600));
	put_text(tid, room, "/dev/kvm");
	expect_refused(tid, "openat of a device", inject(tid, &saved, SYS_openat, AT_FDCWD, room, O_RDWR, 0));
	expect_refused(tid, "socket of unix", inject(tid, &saved, SYS_socket, AF_UNIX, SOCK_STREAM, 0, 0));
	expect_refused(tid, "socket of inet", inject(tid, &saved, SYS_socket, AF_INET, SOCK_STREAM, 0, 0));
	expect_refused(tid, "socket of netlink", inject(tid, &saved, SYS_socket, AF_NETLINK, SOCK_RAW, 0, 0));
	put_text(tid, room, "/bin/true");
	expect_refused(tid, "execve", inject(tid, &saved, SYS_execve, room, 0, 0, 0));
	expect_refused(tid, "mkdirat", inject(tid, &saved, SYS_mkdirat, AT_FDCWD, room, 0700, 0));
	expect_refused(tid, "unlinkat", inject(tid, &saved, SYS_unlinkat, AT_FDCWD, room, 0, 0));
	/* Executable memory. */
	expect_refused(tid, "executable memory", inject(tid, &saved, SYS_mprotect, room & ~UINT64_C(4095), 4096, 7, 0));
	/* It answers what is allowed, so all this was no artefact. */
	assert_true(inject(tid, &saved, SYS_gettid, 0, 0, 0, 0) == tid ||
		    inject(tid, &saved, SYS_clock_gettime, 0, room, 0, 0) == 0);
	assert_int_equal(ptrace(PTRACE_SETREGS, tid, NULL, &saved), 0);
}

/* KVM has helpers of its own among a process's threads. They never run user code: their program counter is zero. */
static bool runs_in_the_kernel(pid_t pid, pid_t tid)
{
	char path[64], line[256] = "";
	const char *last;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", (int)pid, (int)tid);
	f = fopen(path, "re");
	assert_non_null(f);
	if (!fgets(line, sizeof(line), f))
		line[0] = 0;
	fclose(f);
	last = strrchr(line, ' ');
	return last && strtoull(last + 1, NULL, 16) == 0;
}

static void calls_are_refused(void **state)
{
	struct mv_tiny *t = *state;
	pid_t tids[MAX_THREADS];
	unsigned count, tried = 0;

	begin(t);
	mv_test_call_ok(&t->vmm, MV_CALL_SUSPEND, 0); /* every thread sleeps in a system call */
	count = threads_of(t->vmm.pid, tids);
	for (unsigned i = 0; i < count; i++) {
#ifdef __SANITIZE_THREAD__
		if (!field(t->vmm.pid, tids[i], "Seccomp", 10))
			continue;
#endif
		if (runs_in_the_kernel(t->vmm.pid, tids[i]))
			continue;
		assert_int_equal(ptrace(PTRACE_SEIZE, tids[i], NULL, NULL), 0);
		assert_int_equal(ptrace(PTRACE_INTERRUPT, tids[i], NULL, NULL), 0);
		wait_stop(tids[i]);
		try_calls(tids[i]);
		assert_int_equal(ptrace(PTRACE_DETACH, tids[i], NULL, NULL), 0);
		tried++;
	}
	assert_true(tried >= 4); /* main, two vCPUs, the disk */
	/* It was not hurt. */
	mv_test_call_ok(&t->vmm, MV_CALL_RESUME, 0);
	t->vmm.output_len = 0;
	mv_test_expect(&t->vmm, "...");
	mv_test_send(&t->vmm, "q");
	mv_tiny_done(t);
}

/* What the process has open is what it was given, and nothing of the file system besides. */
static void has_only_what_it_was_given(void **state)
{
	struct mv_tiny *t = *state;
	char path[64], target[256], ours[256];
	struct dirent *e;
	DIR *dir;

	begin(t);
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)t->vmm.pid);
	dir = opendir(path);
	assert_non_null(dir);
	/* cppcheck-suppress readdirCalled ; the stream is this function's own */
	while ((e = readdir(dir))) {
		ssize_t n;

		if (e->d_name[0] == '.')
			continue;
		n = readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = 0;
		/* What the test inherited from who runs it (standard streams, say), it passes on. */
		snprintf(path, sizeof(path), "/proc/self/fd/%.16s", e->d_name);
		ours[0] = 0;
		if (readlink(path, ours, sizeof(ours)) == n && !memcmp(ours, target, (size_t)n))
			continue;
		if (target[0] == '/' && strcmp(target, "/dev/kvm") && strcmp(target, "/dev/urandom") &&
		    !strstr(target, "/pagemap") && !strstr(target, "/tests/guest/") && strncmp(target, "/memfd:", 7))
			fail_msg("descriptor %s is %s", e->d_name, target);
	}
	closedir(dir);
	mv_test_send(&t->vmm, "q");
	mv_tiny_done(t);
}

/* A machine that root starts can tell which of its pages exist, but not where they lie in the host's memory. */
static void sees_no_physical_addresses(void **state)
{
	struct mv_tiny *t = *state;
	char path[64], target[256];
	uint64_t entry = 0;
	long page = sysconf(_SC_PAGESIZE);
	uint64_t stack;
	int pidfd, pagemap = -1;

	if (geteuid() != 0) {
		print_message("skip: only root could see them\n");
		skip();
	}
	begin(t);
	pidfd = (int)syscall(SYS_pidfd_open, t->vmm.pid, 0);
	assert_true(pidfd >= 0);
	for (int fd = 0; fd < 256 && pagemap < 0; fd++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)t->vmm.pid, fd);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = 0;
		if (strstr(target, "/pagemap"))
			pagemap = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	}
	assert_true(pagemap >= 0);
	stack = stack_pointer(t->vmm.pid);
	assert_int_equal(pread(pagemap, &entry, sizeof(entry), (off_t)(stack / (uint64_t)page * sizeof(entry))),
			 sizeof(entry));
	assert_true(entry >> 63);                               /* the page is there */
	assert_int_equal(entry & ((UINT64_C(1) << 55) - 1), 0); /* and where is not told */
	close(pagemap);
	close(pidfd);
	mv_test_send(&t->vmm, "q");
	mv_tiny_done(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MV_TINY(every_thread_is_confined),   MV_TINY(off_is_off),
		MV_TINY(calls_are_refused),          MV_TINY(has_only_what_it_was_given),
		MV_TINY(sees_no_physical_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
