/* Each case runs in a child of its own, since nobody comes out of the sandbox. The child reports by its exit status: 0,
 * or the line that was not as it should be. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/kvm/vmm/sandbox.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* the filters let the sanitizers' own calls through */
#else
#define SANITIZED 0
#endif

struct child {
	enum mv_thread_kind kind;
	int line; /* the first that was wrong */
	int file, pair[2], event, epoll, timer, kvm;
};

#define NEED(condition)                       \
	do {                                  \
		if (!(condition) && !c->line) \
			c->line = __LINE__;   \
	} while (0)
#define REFUSED(call) NEED((call) == -1 && errno == EPERM)

static void in_child(void (*fn)(struct child *c), enum mv_thread_kind kind)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct child c = { .kind = kind };

		fn(&c);
		syscall(SYS_exit_group, c.line ? 1 + c.line % 250 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status))
		fail_msg("line %d modulo 250 of the test was refused, or not refused, in a thread of kind %d",
			 WEXITSTATUS(status) - 1, kind);
}

static void open_all(struct child *c)
{
	c->file = memfd_create("disk", 0);
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, c->pair) == 0);
	c->event = eventfd(0, EFD_NONBLOCK);
	c->epoll = epoll_create1(0);
	c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	c->kvm = open("/dev/kvm", O_RDWR);
	NEED(c->file >= 0 && ftruncate(c->file, 65536) == 0);
}

static void enter(struct child *c)
{
	NEED(mv_sandbox_enter_process(NULL) == 0);
	NEED(mv_sandbox_enter_thread(c->kind, NULL) == 0);
}

/* ---- what no kind of thread may ---- */

static void try_forbidden(struct child *c)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/tmp/x" };
	char *const none[] = { NULL };
	int pair[2];
	void *page;

	open_all(c);
	enter(c);
	if (!SANITIZED) {
		REFUSED(syscall(SYS_open, "/etc/passwd", O_RDONLY));
		REFUSED(syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY));
		REFUSED(syscall(SYS_stat, "/etc/passwd", pair));
		REFUSED(syscall(SYS_readlink, "/proc/self/exe", pair, sizeof(pair)));
		REFUSED(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
		REFUSED(syscall(SYS_ptrace, 0, 0, 0, 0));
		REFUSED(syscall(SYS_kill, getppid(), 0));
		REFUSED(syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0));
	}
	REFUSED(syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", pair, 24));
	REFUSED(syscall(SYS_creat, "/tmp/x", 0600));
	REFUSED(syscall(SYS_unlink, "/tmp/x"));
	REFUSED(syscall(SYS_chdir, "/"));
	REFUSED(syscall(SYS_memfd_create, "x", 0));
	REFUSED(syscall(SYS_execve, "/bin/true", none, none));
	REFUSED(syscall(SYS_execveat, c->file, "", none, none, AT_EMPTY_PATH));
	REFUSED(syscall(SYS_fork));
	REFUSED(syscall(SYS_vfork));
	NEED(syscall(SYS_clone3, pair, sizeof(pair)) == -1 && errno == ENOSYS);
	REFUSED(syscall(SYS_unshare, 0));
	REFUSED(syscall(SYS_setns, c->file, 0));
	REFUSED(syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
	REFUSED(syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0));
	REFUSED(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, pair));
	REFUSED(syscall(SYS_connect, c->pair[0], &address, sizeof(address)));
	REFUSED(syscall(SYS_bind, c->pair[0], &address, sizeof(address)));
	REFUSED(syscall(SYS_listen, c->pair[0], 1));
	REFUSED(syscall(SYS_io_uring_setup, 8, pair));
	REFUSED(syscall(SYS_process_vm_readv, getppid(), 0, 0, 0, 0, 0));
	REFUSED(syscall(SYS_bpf, 0, 0, 0));
	REFUSED(syscall(SYS_perf_event_open, 0, 0, 0, 0, 0));
	REFUSED(syscall(SYS_userfaultfd, 0));
	REFUSED(syscall(SYS_setuid, 0));
	REFUSED(syscall(SYS_mount, "x", "/", "tmpfs", 0, 0));
	REFUSED(syscall(SYS_seccomp, 1, 0, pair));
	/* Executable memory, in one step or in two. */
	REFUSED((intptr_t)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(page != MAP_FAILED);
	REFUSED(mprotect(page, 4096, PROT_READ | PROT_EXEC));
	/* Of the ioctls, none that is not a device's: TIOCSTI would type into the terminal of whoever started us. */
	REFUSED(ioctl(c->file, 0x5412, "x"));
	REFUSED(ioctl(c->kvm, KVM_CREATE_VM, 0));
	/* The upper half of the number must not hide it, nor let it through. */
	REFUSED(syscall(SYS_ioctl, c->file, UINT64_C(0x100005412), "x"));
}

static void test_forbidden(void **state)
{
	(void)state;
	for (int kind = 0; kind < MV_THREAD_KIND_COUNT; kind++)
		in_child(try_forbidden, (enum mv_thread_kind)kind);
}

/* ---- what all may ---- */

static void try_common(struct child *c)
{
	char byte = 'x';
	char *p, *grown;
	struct timespec ts;
	struct itimerspec soon = { .it_value.tv_nsec = 1 };
	uint32_t word = 1;
	void *page;

	open_all(c);
	enter(c);
	NEED(write(c->pair[0], &byte, 1) == 1);
	NEED(read(c->pair[1], &byte, 1) == 1);
	NEED(eventfd_write(c->event, 1) == 0);
	p = malloc(1 << 24);
	NEED(p != NULL);
	grown = realloc(p, 1 << 25);
	NEED(grown != NULL);
	free(grown);
	page = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(page != MAP_FAILED);
	NEED(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
	NEED(madvise(page, 4096, MADV_DONTNEED) == 0);
	NEED(munmap(page, 8192) == 0);
	NEED(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts) == 0);
	NEED(timerfd_settime(c->timer, 0, &soon, NULL) == 0);
	NEED(syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
	NEED(fallocate(c->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == 0);
	NEED(syscall(SYS_getrandom, &word, 4, 0) == 4);
	NEED(syscall(SYS_tgkill, getpid(), gettid(), 0) == 0);
	/* Not EPERM: the filter lets it reach the kernel, which knows that this is no vCPU, VM or device. */
	NEED(ioctl(c->file, KVM_IRQ_LINE, NULL) == -1 && errno == ENOTTY);
	NEED(ioctl(c->file, KVM_IOEVENTFD, NULL) == -1 && errno == ENOTTY);
	NEED(close(c->pair[0]) == 0);
}

static void test_common(void **state)
{
	(void)state;
	for (int kind = 0; kind < MV_THREAD_KIND_COUNT; kind++)
		in_child(try_common, (enum mv_thread_kind)kind);
}

/* ---- what some may ---- */

static void try_io(struct child *c)
{
	char text[16] = "sector";
	struct iovec iov = { text, sizeof(text) };
	struct epoll_event event = { .events = EPOLLIN };
	struct stat st;

	open_all(c);
	enter(c);
	NEED(preadv2(c->file, &iov, 1, 0, 0) == sizeof(text));
	NEED(pwritev2(c->file, &iov, 1, 0, RWF_DSYNC) == sizeof(text));
	NEED(fdatasync(c->file) == 0);
	NEED(fstat(c->file, &st) == 0 && st.st_size == 65536);
	NEED(lseek(c->file, 0, SEEK_DATA) >= 0);
	NEED(epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->event, &event) == 0);
	NEED(epoll_wait(c->epoll, &event, 1, 0) == 0);
	NEED(fcntl(c->file, F_GETFL) >= 0);
	NEED(ioctl(c->file, 0x1277 /* BLKDISCARD */, NULL) == -1 && errno == ENOTTY);
	NEED(eventfd(0, 0) >= 0);
	REFUSED(fcntl(c->file, F_SETOWN, 1));
	REFUSED(ioctl(c->file, KVM_RUN, 0));
}

static void test_io(void **state)
{
	(void)state;
	in_child(try_io, MV_THREAD_IO);
	in_child(try_io, MV_THREAD_MAIN);
}

static void try_main(struct child *c)
{
	struct msghdr msg = { 0 };

	open_all(c);
	enter(c);
	NEED(send(c->pair[0], "a", 1, MSG_NOSIGNAL) == 1);
	NEED(recv(c->pair[1], &(char){ 0 }, 1, 0) == 1);
	NEED(sendmsg(c->pair[0], &msg, 0) == 0);
	NEED(syscall(SYS_accept4, c->pair[0], NULL, NULL, 0) == -1 && errno == EINVAL);
	NEED(ftruncate(c->file, 4096) == 0);
	NEED(ioctl(c->file, KVM_GET_MSRS, NULL) == -1 && errno == ENOTTY);
	NEED(timerfd_create(CLOCK_MONOTONIC, 0) >= 0);
}

static void test_main(void **state)
{
	(void)state;
	in_child(try_main, MV_THREAD_MAIN);
}

static void try_vcpu(struct child *c)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct msghdr msg = { 0 };

	open_all(c);
	enter(c);
	NEED(ioctl(c->file, KVM_RUN, 0) == -1 && errno == ENOTTY);
	REFUSED(ioctl(c->file, KVM_SET_MSRS, NULL));
	REFUSED(ioctl(c->file, KVM_SET_USER_MEMORY_REGION, NULL));
	REFUSED(syscall(SYS_pread64, c->file, &msg, 1, 0));
	REFUSED(recvmsg(c->pair[0], &msg, MSG_DONTWAIT));
	REFUSED(epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->event, &event));
	REFUSED(ftruncate(c->file, 0));
	REFUSED(syscall(SYS_accept4, c->pair[0], NULL, NULL, 0));
}

static void test_vcpu(void **state)
{
	(void)state;
	in_child(try_vcpu, MV_THREAD_VCPU);
}

/* ---- threads: made first, each with its own kind, and they outlive the main thread's filter ---- */

struct worker {
	struct child *c;
	int go, answer; /* eventfds */
};

static void *vcpu_thread(void *opaque)
{
	struct worker *w = opaque;
	struct child *c = w->c;
	eventfd_t value;

	NEED(mv_sandbox_enter_thread(MV_THREAD_VCPU, NULL) == 0);
	NEED(eventfd_read(w->go, &value) == 0);
	NEED(ioctl(c->file, KVM_RUN, 0) == -1 && errno == ENOTTY);
	REFUSED(syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0));
	return NULL;
}

static void try_threads(struct child *c)
{
	struct worker w = { .c = c, .go = eventfd(0, 0), .answer = eventfd(0, 0) };
	pthread_t thread;

	open_all(c);
	NEED(mv_sandbox_enter_process(NULL) == 0);
	NEED(pthread_create(&thread, NULL, vcpu_thread, &w) == 0);
	NEED(mv_sandbox_enter_thread(MV_THREAD_MAIN, NULL) == 0);
	if (!SANITIZED) {
		pthread_t other;

		NEED(pthread_create(&other, NULL, vcpu_thread, &w) != 0);
	}
	NEED(eventfd_write(w.go, 1) == 0);
	NEED(pthread_join(thread, NULL) == 0);
}

static void test_threads(void **state)
{
	(void)state;
	in_child(try_threads, MV_THREAD_MAIN);
}

/* ---- the process, without any filter ---- */

static bool is_fs_refusal(int errnum)
{
	return errnum == EACCES || errnum == ENOENT || errnum == EPERM;
}

static void try_process(struct child *c)
{
	struct rlimit core;
	int parent = getppid();

	NEED(mv_sandbox_enter_process(NULL) == 0);
	NEED(open("/etc/passwd", O_RDONLY) == -1 && is_fs_refusal(errno));
	NEED(open("/", O_RDONLY | O_DIRECTORY) == -1 && is_fs_refusal(errno));
	NEED(open("/dev/null", O_RDWR) == -1 && is_fs_refusal(errno));
	NEED(open("/tmp/moonvisor-sandbox-test", O_CREAT | O_WRONLY, 0600) == -1 && is_fs_refusal(errno));
	NEED(mkdir("/tmp/moonvisor-sandbox-test", 0700) == -1 && is_fs_refusal(errno));
	NEED(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	NEED(prctl(PR_CAPBSET_READ, 0, 0, 0, 0) == 0 || getuid() != 0);
	NEED(setuid(12345) == -1 || getuid() == 12345);
	NEED(chroot("/") == -1);
	NEED(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
	NEED(kill(parent, 0) == 0 || errno == EPERM);
}

static void test_process(void **state)
{
	(void)state;
	in_child(try_process, MV_THREAD_MAIN);
}

static void try_capabilities(struct child *c)
{
	char text[4096];
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n;
	const char *names[] = { "CapInh:", "CapPrm:", "CapEff:", "CapAmb:" };

	NEED(fd >= 0);
	NEED(mv_sandbox_enter_process(NULL) == 0);
	/* What was opened before can still be read, and tells of now. */
	n = read(fd, text, sizeof(text) - 1);
	NEED(n > 0);
	text[n > 0 ? n : 0] = 0;
	for (size_t i = 0; i < 4; i++) {
		const char *line = strstr(text, names[i]);

		NEED(line && strtoull(line + 7, NULL, 16) == 0);
	}
}

static void test_capabilities(void **state)
{
	(void)state;
	in_child(try_capabilities, MV_THREAD_MAIN);
}

/* Hosts without Landlock. */
static void try_empty_root(struct child *c)
{
	mv_auto(mv_error) err = NULL;

	if (mv_sandbox_empty_root(&err) < 0) {
		NEED(err->errnum == EPERM || err->errnum == ENOSYS || err->errnum == ENOSPC || err->errnum == EUSERS);
		fprintf(stderr, "skip: %s\n", err->message);
		syscall(SYS_exit_group, c->line ? 1 : 255);
	}
	NEED(open("/etc/passwd", O_RDONLY) == -1 && errno == ENOENT);
	NEED(open("/proc/self/root/etc/passwd", O_RDONLY) == -1 && errno == ENOENT);
	NEED(open("../../etc/passwd", O_RDONLY) == -1 && errno == ENOENT);
	NEED(open("/x", O_CREAT | O_WRONLY, 0600) == -1 && errno == EROFS);
}

static void test_empty_root(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		struct child c = { 0 };

		try_empty_root(&c);
		syscall(SYS_exit_group, c.line ? 1 + c.line % 250 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 255) {
		print_message("skip: neither root nor user namespaces here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forbidden),  cmocka_unit_test(test_common),
		cmocka_unit_test(test_io),         cmocka_unit_test(test_main),
		cmocka_unit_test(test_vcpu),       cmocka_unit_test(test_threads),
		cmocka_unit_test(test_process),    cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_empty_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
