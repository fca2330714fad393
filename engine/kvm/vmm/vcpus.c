#include "engine/kvm/vmm/vcpus.h"

#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "engine/kvm/vmm/exits.h"
#include "engine/kvm/x86/topology.h"

#define KICK_SIGNAL SIGRTMIN

struct vcpu {
	struct mv_vcpus *all;
	unsigned index;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	bool started;
	bool inside; /* guarded by the gate's lock: past the gate */
};

struct mv_vcpus {
	struct mv_machine *machine;
	size_t run_size;
	unsigned count;
	void (*setup)(void *opaque);
	void *setup_opaque;

	/* The gate. `closed` is written under the lock and read without it by a vCPU between two KVM_RUNs. */
	pthread_mutex_t lock;
	pthread_cond_t opened;
	bool closed;
	bool quit;
	unsigned inside; /* how many are past the gate */

	struct vcpu vcpu[];
};

static void on_kick(int signum)
{
	(void)signum; /* interrupting KVM_RUN is all it does */
}

static void prepare_kick_signal(void)
{
	struct sigaction action = { .sa_handler = on_kick };

	sigemptyset(&action.sa_mask);
	sigaction(KICK_SIGNAL, &action, NULL);
}

static int create_vcpu(struct mv_vcpus *all, const struct mv_vm *vm, unsigned index, struct mv_error **err)
{
	struct vcpu *v = &all->vcpu[index];
	void *run;

	v->fd = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)mv_topology_apic_id(all->machine->spec, index));
	if (v->fd < 0)
		return mv_error_set_errno(err, errno, "KVM cannot create vCPU %u of %u", index, all->count);
	run = mmap(NULL, all->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (run == MAP_FAILED)
		return mv_error_set_errno(err, errno, "Cannot map the shared area of vCPU %u", index);
	v->run = run;
	return 0;
}

int mv_vcpus_create(struct mv_machine *m, const struct mv_vm *vm, struct mv_vcpus **out, struct mv_error **err)
{
	unsigned count = m->spec->vcpus;
	struct mv_vcpus *all = calloc(1, sizeof(*all) + count * sizeof(all->vcpu[0]));

	if (!all)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for %u vCPUs.", count);
	all->machine = m;
	all->run_size = vm->run_size;
	all->closed = true;
	pthread_mutex_init(&all->lock, NULL);
	pthread_cond_init(&all->opened, NULL);
	all->count = count;
	for (unsigned i = 0; i < count; i++)
		all->vcpu[i] = (struct vcpu){ .all = all, .index = i, .fd = -1 };
	for (unsigned i = 0; i < count; i++) {
		if (create_vcpu(all, vm, i, err) < 0) {
			mv_vcpus_free(all);
			return -1;
		}
	}
	prepare_kick_signal();
	*out = all;
	return 0;
}

/* Makes a vCPU leave KVM_RUN, or not enter it. */
static void kick(struct vcpu *v)
{
	__atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	if (v->started)
		pthread_kill(v->thread, KICK_SIGNAL);
}

/* Lets KVM finish the access it last exited for (it does so at the next entry), so that registers are whole. */
static void finish_access(struct vcpu *v)
{
	for (;;) {
		/* Atomic, as a kick may set it at the same time. */
		__atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
		if (ioctl(v->fd, KVM_RUN, 0) < 0)
			return; /* EINTR: nothing is left to finish. Any other error shows again when it runs. */
		if (v->run->exit_reason != KVM_EXIT_IO && v->run->exit_reason != KVM_EXIT_MMIO)
			return;
		mv_exit_handle(v->all->machine, v->index, v->fd, v->run);
	}
}

/* Waits until the gate is open; false: the thread should end. */
static bool pass_gate(struct vcpu *v)
{
	struct mv_vcpus *all = v->all;
	bool go_on;

	if (v->inside)
		finish_access(v);
	pthread_mutex_lock(&all->lock);
	if (v->inside) {
		v->inside = false;
		all->inside--;
		/* Not under the lock: mv_vcpus_hold() looks at `inside` under it. */
		pthread_mutex_unlock(&all->lock);
		mv_loop_wake(all->machine->loop);
		pthread_mutex_lock(&all->lock);
	}
	while (all->closed && !all->quit)
		pthread_cond_wait(&all->opened, &all->lock);
	go_on = !all->quit;
	if (go_on) {
		v->inside = true;
		all->inside++;
		__atomic_store_n(&v->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	}
	pthread_mutex_unlock(&all->lock);
	return go_on;
}

static void *vcpu_main(void *opaque)
{
	struct vcpu *v = opaque;
	struct mv_vcpus *all = v->all;
	char name[16];

	snprintf(name, sizeof(name), "vcpu%u", v->index);
	pthread_setname_np(pthread_self(), name);
	if (all->setup)
		all->setup(all->setup_opaque);
	while (pass_gate(v)) {
		while (!__atomic_load_n(&all->closed, __ATOMIC_SEQ_CST)) {
			if (ioctl(v->fd, KVM_RUN, 0) == 0) {
				mv_exit_handle(all->machine, v->index, v->fd, v->run);
			} else if (errno == EINTR) {
				/* Cleared before `closed` is read again: a kick sets them in the other order. */
				__atomic_store_n(&v->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
			} else if (errno != EAGAIN) {
				mv_exit_failed(all->machine, v->index, v->fd, errno);
			}
		}
	}
	return NULL;
}

int mv_vcpus_start(struct mv_vcpus *all, void (*setup)(void *opaque), void *opaque, struct mv_error **err)
{
	pthread_attr_t attr;
	int rc = 0;

	all->setup = setup;
	all->setup_opaque = opaque;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	for (unsigned i = 0; i < all->count && !rc; i++) {
		rc = pthread_create(&all->vcpu[i].thread, &attr, vcpu_main, &all->vcpu[i]);
		all->vcpu[i].started = !rc;
	}
	pthread_attr_destroy(&attr);
	if (rc)
		return mv_error_set_errno(err, rc, "Cannot start the threads of %u vCPUs", all->count);
	return 0;
}

void mv_vcpus_run(struct mv_vcpus *all)
{
	/* A guest that was held must not take the time for a hang; refused where it uses no KVM clock. */
	for (unsigned i = 0; i < all->count; i++)
		ioctl(all->vcpu[i].fd, KVM_KVMCLOCK_CTRL, 0);
	pthread_mutex_lock(&all->lock);
	__atomic_store_n(&all->closed, false, __ATOMIC_SEQ_CST);
	pthread_cond_broadcast(&all->opened);
	pthread_mutex_unlock(&all->lock);
}

void mv_vcpus_close_gate(struct mv_vcpus *all)
{
	pthread_mutex_lock(&all->lock);
	__atomic_store_n(&all->closed, true, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < all->count; i++)
		if (all->vcpu[i].inside)
			kick(&all->vcpu[i]);
	pthread_mutex_unlock(&all->lock);
}

static bool all_held(void *opaque)
{
	struct mv_vcpus *all = opaque;
	bool held;

	pthread_mutex_lock(&all->lock);
	held = all->inside == 0;
	pthread_mutex_unlock(&all->lock);
	return held;
}

void mv_vcpus_hold(struct mv_vcpus *all)
{
	mv_vcpus_close_gate(all);
	mv_loop_wait(all->machine->loop, all_held, all);
}

void mv_vcpus_free(struct mv_vcpus *all)
{
	if (!all)
		return;
	/* Threads still inside would need the main loop to leave (mv_loop_call), so they are brought out first. */
	mv_vcpus_hold(all);
	pthread_mutex_lock(&all->lock);
	all->quit = true;
	pthread_cond_broadcast(&all->opened);
	pthread_mutex_unlock(&all->lock);
	for (unsigned i = 0; i < all->count; i++) {
		struct vcpu *v = &all->vcpu[i];

		if (v->started)
			pthread_join(v->thread, NULL);
		if (v->run)
			munmap(v->run, all->run_size);
		if (v->fd >= 0)
			close(v->fd);
	}
	pthread_cond_destroy(&all->opened);
	pthread_mutex_destroy(&all->lock);
	free(all);
}

unsigned mv_vcpus_count(const struct mv_vcpus *all)
{
	return all->count;
}

int mv_vcpus_fd(const struct mv_vcpus *all, unsigned index)
{
	return all->vcpu[index].fd;
}

uint64_t mv_vcpus_cpu_time(const struct mv_vcpus *all, unsigned index)
{
	struct timespec t;
	clockid_t clock;

	if (!all->vcpu[index].started || pthread_getcpuclockid(all->vcpu[index].thread, &clock) ||
	    clock_gettime(clock, &t) < 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}
