#include "engine/kvm/vmm/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "seccomp_filters.h"

/* Sanitizers read /proc for their reports; only such builds may. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* ---- file system ---- */

/* As of the newest version that we know; an older kernel takes the part it knows. */
struct ruleset {
	uint64_t files;
	uint64_t network;
	uint64_t scopes;
};

#define FILES_1 ((UINT64_C(1) << 13) - 1) /* all rights of version 1 */
#define FILE_REFER (UINT64_C(1) << 13)    /* 2 */
#define FILE_TRUNCATE (UINT64_C(1) << 14) /* 3 */
#define FILE_IOCTL (UINT64_C(1) << 15)    /* 5: of devices opened from now on */
#define NETWORK_TCP 3                     /* 4: bind and connect */
#define SCOPES 3                          /* 6: abstract unix sockets and signals of others */

static int allow_proc(int ruleset)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
		.parent_fd = open("/proc", O_PATH | O_CLOEXEC),
	};
	int rc;

	if (rule.parent_fd < 0)
		return 0;
	rc = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
	return rc;
}

int mv_sandbox_landlock(struct mv_error **err)
{
	struct ruleset rules = { .files = FILES_1 };
	size_t size = sizeof(rules.files);
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	mv_autofd int fd = -1;

	if (version < 0)
		return mv_error_set_errno(err, errno, "This kernel has no Landlock");
	if (version >= 2)
		rules.files |= FILE_REFER;
	if (version >= 3)
		rules.files |= FILE_TRUNCATE;
	if (version >= 4) {
		rules.network = NETWORK_TCP;
		size = offsetof(struct ruleset, scopes);
	}
	if (version >= 5)
		rules.files |= FILE_IOCTL;
	if (version >= 6) {
		rules.scopes = SCOPES;
		size = sizeof(rules);
	}
	fd = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
	if (fd < 0)
		return mv_error_set_errno(err, errno, "Cannot make a Landlock ruleset");
	if (SANITIZED && allow_proc(fd) < 0)
		return mv_error_set_errno(err, errno, "Cannot let Landlock allow /proc");
	if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return mv_error_set_errno(err, errno, "Cannot enter the Landlock sandbox");
	return 0;
}

int mv_sandbox_empty_root(struct mv_error **err)
{
	mv_autofd int context = -1, root = -1;

	/* As root in one's own mount namespace, or as root of a user namespace that nobody else is in. */
	if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return mv_error_set_errno(err, errno,
					  "The file system cannot be given up: there is no Landlock, and no namespace "
					  "without it");
	context = fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return mv_error_set_errno(err, errno, "Cannot make an empty file system");
	/* Attached nowhere: only this process can see it. */
	root = fsmount(context, FSMOUNT_CLOEXEC,
		       MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (root < 0 || fchdir(root) < 0 || chroot(".") < 0)
		return mv_error_set_errno(err, errno, "Cannot make an empty file system the root");
	return 0;
}

static int give_up_files(struct mv_error **err)
{
	mv_auto(mv_error) why = NULL;

	if (mv_sandbox_landlock(&why) == 0)
		return 0;
	if (why->errnum != ENOSYS && why->errnum != EOPNOTSUPP) {
		if (err && !*err)
			*err = mv_steal(why);
		return -1;
	}
	return mv_sandbox_empty_root(err);
}

/* ---- privileges ---- */

static int drop_capabilities(struct mv_error **err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	/* Who may not drop them from the bounding set has none to drop; no_new_privs keeps it that way. */
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, none) < 0)
		return mv_error_set_errno(err, errno, "Cannot drop the process's capabilities");
	return 0;
}

int mv_sandbox_enter_process(struct mv_error **err)
{
	/* A core file would hold the guest's memory. Setting the hard limit, so that it stays. */
	const struct rlimit no_core = { 0, 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return mv_error_set_errno(err, errno, "Cannot refuse new privileges");
	if (setrlimit(RLIMIT_CORE, &no_core) < 0)
		return mv_error_set_errno(err, errno, "Cannot forbid core dumps");
	/* Before capabilities: an empty root takes some. */
	if (give_up_files(err) < 0)
		return -1;
	return drop_capabilities(err);
}

/* ---- system calls ---- */

#define PROGRAM(rules)                                                               \
	{                                                                            \
		.len = MV_ARRAY_SIZE(rules), .filter = (struct sock_filter *)(rules) \
	}

int mv_sandbox_enter_thread(enum mv_thread_kind kind, struct mv_error **err)
{
	/* The kernel only reads them; its structure does not say so. */
	static const struct sock_fprog programs[MV_THREAD_KIND_COUNT] = {
		[MV_THREAD_MAIN] = PROGRAM(mv_seccomp_main),
		[MV_THREAD_VCPU] = PROGRAM(mv_seccomp_vcpu),
		[MV_THREAD_IO] = PROGRAM(mv_seccomp_io),
	};

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &programs[kind]) < 0)
		return mv_error_set_errno(err, errno, "Cannot restrict a thread's system calls");
	return 0;
}
