/* What the machine process gives up before the guest runs. All it needs is open by then, so it loses the file system,
 * the network, other processes and every privilege; what is left is its memory, its descriptors and a short list of
 * system calls, a list per kind of thread.
 *
 * The order in main: open everything and create guest memory; mv_sandbox_enter_process(); make the threads, each of
 * which calls mv_sandbox_enter_thread() with its own kind first of all; and last mv_sandbox_enter_thread(MAIN), because
 * a thread inherits the filter of its maker and can only be stricter. */
#ifndef MV_KVM_VMM_SANDBOX_H
#define MV_KVM_VMM_SANDBOX_H

#include "engine/base/error.h"

enum mv_thread_kind {
	MV_THREAD_MAIN, /* the main loop: control socket, timers, consoles, save */
	MV_THREAD_VCPU, /* KVM_RUN and the devices' registers */
	MV_THREAD_IO,   /* a device's own loop: io_uring, tap, vhost */
	MV_THREAD_KIND_COUNT
};

/* No new privileges, no capabilities, no core dumps, no file system (Landlock without a single rule, and no TCP; where
 * the kernel has no Landlock, an empty root directory). Once, while the process has one thread: all of it belongs to
 * the thread and is inherited by those made later. On -1 nothing may be relied upon: the process should end, or be
 * one whose specification says sandbox off and that therefore never came here.
 *
 * There is no RLIMIT_NPROC: io_uring's kernel workers count as processes of the user and would be refused too. That no
 * process is made is the seccomp filters' business. */
int mv_sandbox_enter_process(struct mv_error **err);

/* The system calls of this kind of thread and no others, for the calling thread and those it makes. A call that is not
 * on the list fails with EPERM. After mv_sandbox_enter_process() (it needs no_new_privs). */
int mv_sandbox_enter_thread(enum mv_thread_kind kind, struct mv_error **err);

/* The two ways to have no file system; mv_sandbox_enter_process() takes the first that works. Here for their tests. */
int mv_sandbox_landlock(struct mv_error **err);   /* -1 with errnum ENOSYS or EOPNOTSUPP: this kernel has none */
int mv_sandbox_empty_root(struct mv_error **err); /* needs root, or user namespaces for unprivileged users */

#endif
