/* Runs when Moonvisor is built: compiles the lists below into the seccomp filters of moonvisor-vmm and writes them as a
 * C header. What is on no list fails with EPERM.
 *
 * A list grows when a thread of its kind needs a call, and then by that call, with its arguments narrowed as far as
 * they matter. Nothing on them makes a descriptor from a name (open, socket), a process, or executable memory. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/vhost.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "engine/base/cleanup.h"

enum { MAIN = 1, VCPU = 2, IO = 4, ALL = MAIN | VCPU | IO };

/* ---- calls whose arguments do not matter ---- */

struct call {
	unsigned kinds;
	int number;
};

static const struct call calls[] = {
	/* Descriptors that are open. */
	{ ALL, SCMP_SYS(read) },
	{ ALL, SCMP_SYS(write) },
	{ ALL, SCMP_SYS(readv) },
	{ ALL, SCMP_SYS(writev) },
	{ ALL, SCMP_SYS(close) },
	{ ALL, SCMP_SYS(poll) },
	{ ALL, SCMP_SYS(ppoll) },

	/* Memory: the C library's, and guest memory given back (balloon, reset). */
	{ ALL, SCMP_SYS(brk) },
	{ ALL, SCMP_SYS(munmap) },
	{ ALL, SCMP_SYS(mremap) },
	{ ALL, SCMP_SYS(madvise) },
	{ ALL, SCMP_SYS(fallocate) },

	/* Threads: locks, kicks, the end. Malloc asks for the number of processors. */
	{ ALL, SCMP_SYS(futex) },
	{ ALL, SCMP_SYS(sched_yield) },
	{ ALL, SCMP_SYS(sched_getaffinity) },
	{ ALL, SCMP_SYS(getpid) },
	{ ALL, SCMP_SYS(gettid) },
	{ ALL, SCMP_SYS(tgkill) },
	{ ALL, SCMP_SYS(rt_sigprocmask) },
	{ ALL, SCMP_SYS(rt_sigreturn) },
	{ ALL, SCMP_SYS(rt_sigaction) },
	{ ALL, SCMP_SYS(restart_syscall) },
	{ ALL, SCMP_SYS(set_robust_list) },
	{ ALL, SCMP_SYS(rseq) },
	{ ALL, SCMP_SYS(exit) },
	{ ALL, SCMP_SYS(exit_group) },

	/* Time. A vCPU arms the timers of devices by itself. */
	{ ALL, SCMP_SYS(clock_gettime) },
	{ ALL, SCMP_SYS(clock_getres) },
	{ ALL, SCMP_SYS(gettimeofday) },
	{ ALL, SCMP_SYS(time) },
	{ ALL, SCMP_SYS(nanosleep) },
	{ ALL, SCMP_SYS(clock_nanosleep) },
	{ ALL, SCMP_SYS(timerfd_settime) },
	{ ALL, SCMP_SYS(timerfd_gettime) },
	{ ALL, SCMP_SYS(getrandom) },

	/* Event loops. */
	{ MAIN | IO, SCMP_SYS(epoll_create1) },
	{ MAIN | IO, SCMP_SYS(epoll_ctl) },
	{ MAIN | IO, SCMP_SYS(epoll_wait) },
	{ MAIN | IO, SCMP_SYS(epoll_pwait) },
	{ MAIN | IO, SCMP_SYS(epoll_pwait2) },
	{ ALL, SCMP_SYS(eventfd2) }, /* a vCPU makes the route of an MSI-X vector when the guest unmasks it */
	{ MAIN | IO, SCMP_SYS(timerfd_create) },

	/* Images, block devices, save files. A ring is made before the guest runs, never later (no
	 * io_uring_setup), and restricted then to the operations that engine/image/uring.c uses. */
	{ MAIN | IO, SCMP_SYS(pread64) },
	{ MAIN | IO, SCMP_SYS(pwrite64) },
	{ MAIN | IO, SCMP_SYS(preadv) },
	{ MAIN | IO, SCMP_SYS(pwritev) },
	{ MAIN | IO, SCMP_SYS(preadv2) },
	{ MAIN | IO, SCMP_SYS(pwritev2) },
	{ MAIN | IO, SCMP_SYS(fdatasync) },
	{ MAIN | IO, SCMP_SYS(fsync) },
	{ MAIN | IO, SCMP_SYS(lseek) },
	{ MAIN | IO, SCMP_SYS(fstat) },
	{ MAIN | IO, SCMP_SYS(io_uring_register) },
	{ IO, SCMP_SYS(io_uring_enter) },
	{ MAIN, SCMP_SYS(ftruncate) },
	{ MAIN, SCMP_SYS(sync_file_range) },
	{ MAIN, SCMP_SYS(fadvise64) },

	/* The control socket and consoles. Their descriptors come with messages. */
	{ MAIN, SCMP_SYS(accept4) },
	{ MAIN, SCMP_SYS(recvmsg) },
	{ MAIN, SCMP_SYS(sendmsg) },
	{ MAIN, SCMP_SYS(recvfrom) },
	{ MAIN, SCMP_SYS(sendto) },
	{ MAIN, SCMP_SYS(shutdown) },
	{ MAIN, SCMP_SYS(getsockopt) },
	{ MAIN, SCMP_SYS(getrusage) },
#ifdef MV_SANITIZED
	/* What the sanitizers' own run-time library does, at its reports and at the end of the process. */
	{ ALL, SCMP_SYS(open) },
	{ ALL, SCMP_SYS(openat) },
	{ ALL, SCMP_SYS(readlink) },
	{ ALL, SCMP_SYS(readlinkat) },
	{ ALL, SCMP_SYS(getdents) },
	{ ALL, SCMP_SYS(getdents64) },
	{ ALL, SCMP_SYS(stat) },
	{ ALL, SCMP_SYS(lstat) },
	{ ALL, SCMP_SYS(sigaltstack) },
	{ ALL, SCMP_SYS(prctl) },
	{ ALL, SCMP_SYS(arch_prctl) },
	{ ALL, SCMP_SYS(clone) },
	{ ALL, SCMP_SYS(ptrace) },
	{ ALL, SCMP_SYS(wait4) },
	{ ALL, SCMP_SYS(kill) },
	{ ALL, SCMP_SYS(mincore) },
	{ ALL, SCMP_SYS(getrlimit) },
	{ ALL, SCMP_SYS(prlimit64) },
	{ ALL, SCMP_SYS(getppid) },
	{ ALL, SCMP_SYS(sysinfo) },
	{ ALL, SCMP_SYS(uname) },
#endif
};

/* ---- calls of which some arguments are allowed ---- */

struct narrow {
	unsigned kinds;
	int number;
	unsigned argument; /* 0 is the first */
	uint64_t mask;     /* allowed when (argument & mask) == value */
	uint64_t value;
};

#define LOW32 UINT64_C(0xffffffff) /* the kernel looks at no more of an ioctl's or fcntl's command */
#define IOCTL(kinds, request)                                         \
	{                                                             \
		kinds, SCMP_SYS(ioctl), 1, LOW32, (uint32_t)(request) \
	}
#define FCNTL(kinds, command)                             \
	{                                                 \
		kinds, SCMP_SYS(fcntl), 1, LOW32, command \
	}

static const struct narrow narrows[] = {
	/* Never executable memory. */
	{ ALL, SCMP_SYS(mmap), 2, PROT_EXEC, 0 },
	{ ALL, SCMP_SYS(mprotect), 2, PROT_EXEC, 0 },

	/* Descriptors only: an empty path. (A path beside the flag would find its size and times, not its contents.) */
	{ MAIN | IO, SCMP_SYS(newfstatat), 3, AT_EMPTY_PATH, AT_EMPTY_PATH },
	{ MAIN | IO, SCMP_SYS(statx), 2, AT_EMPTY_PATH, AT_EMPTY_PATH },

	FCNTL(MAIN | IO, F_GETFL),
	FCNTL(MAIN | IO, F_SETFL),
	FCNTL(MAIN, F_GETFD),
	FCNTL(MAIN, F_SETFD),
	FCNTL(MAIN, F_DUPFD_CLOEXEC),

	/* What vCPUs do to KVM: run, and the interrupts and notifications of the devices whose registers they write. */
	IOCTL(VCPU, KVM_RUN),
	IOCTL(ALL, KVM_IRQ_LINE),
	IOCTL(ALL, KVM_SET_GSI_ROUTING),
	IOCTL(ALL, KVM_IRQFD),
	IOCTL(ALL, KVM_IOEVENTFD),
	/* Why a vCPU failed. */
	IOCTL(MAIN | VCPU, KVM_GET_REGS),
	IOCTL(MAIN | VCPU, KVM_GET_SREGS),

	/* Save and reset: the whole state of the processors and of what KVM emulates. */
	IOCTL(MAIN, KVM_SET_REGS),
	IOCTL(MAIN, KVM_SET_SREGS),
	IOCTL(MAIN, KVM_GET_SREGS2),
	IOCTL(MAIN, KVM_SET_SREGS2),
	IOCTL(MAIN, KVM_GET_FPU),
	IOCTL(MAIN, KVM_SET_FPU),
	IOCTL(MAIN, KVM_GET_XSAVE),
	IOCTL(MAIN, KVM_GET_XSAVE2),
	IOCTL(MAIN, KVM_SET_XSAVE),
	IOCTL(MAIN, KVM_GET_XCRS),
	IOCTL(MAIN, KVM_SET_XCRS),
	IOCTL(MAIN, KVM_GET_DEBUGREGS),
	IOCTL(MAIN, KVM_SET_DEBUGREGS),
	IOCTL(MAIN, KVM_GET_LAPIC),
	IOCTL(MAIN, KVM_SET_LAPIC),
	IOCTL(MAIN, KVM_GET_MSRS),
	IOCTL(MAIN, KVM_SET_MSRS),
	IOCTL(MAIN, KVM_GET_MSR_INDEX_LIST),
	IOCTL(MAIN, KVM_GET_VCPU_EVENTS),
	IOCTL(MAIN, KVM_SET_VCPU_EVENTS),
	IOCTL(MAIN, KVM_GET_MP_STATE),
	IOCTL(MAIN, KVM_SET_MP_STATE),
	IOCTL(MAIN, KVM_GET_NESTED_STATE),
	IOCTL(MAIN, KVM_SET_NESTED_STATE),
	IOCTL(MAIN, KVM_GET_CPUID2),
	IOCTL(MAIN, KVM_SET_CPUID2),
	IOCTL(MAIN, KVM_GET_TSC_KHZ),
	IOCTL(MAIN, KVM_SET_TSC_KHZ),
	IOCTL(MAIN, KVM_KVMCLOCK_CTRL),
	IOCTL(MAIN, KVM_GET_CLOCK),
	IOCTL(MAIN, KVM_SET_CLOCK),
	IOCTL(MAIN, KVM_GET_IRQCHIP),
	IOCTL(MAIN, KVM_SET_IRQCHIP),
	IOCTL(MAIN, KVM_GET_PIT2),
	IOCTL(MAIN, KVM_SET_PIT2),
	IOCTL(MAIN, KVM_GET_DIRTY_LOG),
	IOCTL(MAIN, KVM_CHECK_EXTENSION),
	IOCTL(MAIN, KVM_SET_USER_MEMORY_REGION),
	IOCTL(MAIN, KVM_GET_DEVICE_ATTR),
	IOCTL(MAIN, KVM_SET_DEVICE_ATTR),
	IOCTL(MAIN, KVM_HAS_DEVICE_ATTR),

	/* Block devices. */
	IOCTL(MAIN | IO, BLKDISCARD),
	IOCTL(MAIN | IO, BLKZEROOUT),
	IOCTL(MAIN | IO, BLKGETSIZE64),
	IOCTL(MAIN | IO, BLKSSZGET),
	IOCTL(MAIN | IO, BLKPBSZGET),
	IOCTL(MAIN | IO, BLKIOOPT),

	/* Taps: not TUNSETIFF, which would make one. */
	IOCTL(MAIN | IO, TUNGETIFF),
	IOCTL(MAIN | IO, TUNSETOFFLOAD),
	IOCTL(MAIN | IO, TUNSETVNETHDRSZ),
	IOCTL(MAIN | IO, TUNSETQUEUE),

	/* vhost: all that sets up a ring. */
	IOCTL(MAIN | IO, VHOST_GET_FEATURES),
	IOCTL(MAIN | IO, VHOST_SET_FEATURES),
	IOCTL(MAIN | IO, VHOST_GET_BACKEND_FEATURES),
	IOCTL(MAIN | IO, VHOST_SET_BACKEND_FEATURES),
	IOCTL(MAIN | IO, VHOST_SET_OWNER),
	IOCTL(MAIN | IO, VHOST_RESET_OWNER),
	IOCTL(MAIN | IO, VHOST_SET_MEM_TABLE),
	IOCTL(MAIN | IO, VHOST_SET_LOG_BASE),
	IOCTL(MAIN | IO, VHOST_SET_LOG_FD),
	IOCTL(MAIN | IO, VHOST_SET_VRING_NUM),
	IOCTL(MAIN | IO, VHOST_SET_VRING_ADDR),
	IOCTL(MAIN | IO, VHOST_SET_VRING_BASE),
	IOCTL(MAIN | IO, VHOST_GET_VRING_BASE),
	IOCTL(MAIN | IO, VHOST_SET_VRING_KICK),
	IOCTL(MAIN | IO, VHOST_SET_VRING_CALL),
	IOCTL(MAIN | IO, VHOST_SET_VRING_ERR),
	IOCTL(MAIN | IO, VHOST_NET_SET_BACKEND),
	IOCTL(MAIN | IO, VHOST_VSOCK_SET_GUEST_CID),
	IOCTL(MAIN | IO, VHOST_VSOCK_SET_RUNNING),
};

/* ---- compiling ---- */

static int add_rules(scmp_filter_ctx ctx, unsigned kind)
{
	int rc = 0;

	for (size_t i = 0; i < MV_ARRAY_SIZE(calls) && !rc; i++)
		if (calls[i].kinds & kind)
			rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i].number, 0);
	for (size_t i = 0; i < MV_ARRAY_SIZE(narrows) && !rc; i++) {
		const struct narrow *n = &narrows[i];

		if (n->kinds & kind)
			rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, n->number, 1,
					      SCMP_CMP64(n->argument, SCMP_CMP_MASKED_EQ, n->mask, n->value));
	}
	/* The C library then tries clone, which is on no list; so that pthread_create() fails instead of
	 * misunderstanding. */
	if (!rc)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return rc;
}

static int print_program(const char *name, int fd)
{
	struct sock_filter f;
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_size % (off_t)sizeof(f) || lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	printf("\nstatic const struct sock_filter mv_seccomp_%s[] = {\n", name);
	while (read(fd, &f, sizeof(f)) == (ssize_t)sizeof(f))
		printf("\t{ 0x%02x, %u, %u, 0x%08x },\n", f.code, f.jt, f.jf, f.k);
	printf("};\n");
	return 0;
}

static int compile(const char *name, unsigned kind)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	mv_autofd int fd = memfd_create(name, MFD_CLOEXEC);
	int rc = ctx && fd >= 0 ? 0 : -ENOMEM;

	/* Calls of another architecture, which no list is about. */
	if (!rc)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* A binary tree over the numbers, so that KVM_RUN is found in a few steps. */
	if (!rc)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!rc)
		rc = add_rules(ctx, kind);
	if (!rc)
		rc = seccomp_export_bpf(ctx, fd);
	if (!rc)
		rc = print_program(name, fd);
	seccomp_release(ctx);
	if (rc)
		fprintf(stderr, "seccomp-gen: the filter '%s' cannot be compiled: error %d\n", name, -rc);
	return rc;
}

int main(void)
{
	printf("/* Made by engine/kvm/seccomp/gen.c. */\n#include <linux/filter.h>\n");
	if (compile("main", MAIN) || compile("vcpu", VCPU) || compile("io", IO))
		return EXIT_FAILURE;
	return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
