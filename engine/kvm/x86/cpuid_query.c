/* What KVM can give to guests on this host. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/kvm/x86/cpuid_internal.h"

#define BIT(n) (1u << (n))
#define STACK_SIZE (64 * 1024)

#define LEAF1_ECX_TSC_DEADLINE BIT(24)
#define LEAF1_ECX_HYPERVISOR BIT(31)
#define LEAF7_EBX_SGX BIT(2)
#define LEAF7_ECX_SGX_LAUNCH BIT(30)
#define AMD_TOPOEXT BIT(22)
#define LEAF_KVM_FEATURES 0x40000001
#define KVM_EXT_DEST_ID BIT(15)

#define XCR0_AMX_TILES 18
#define ARCH_REQ_XCOMP_GUEST_PERM 0x1025

struct kvm_cpuid2 *mv_cpuid_room(void)
{
	struct mv_cpuid_room *room = calloc(1, sizeof(*room));

	return room ? &room->head : NULL;
}

/* Tile registers make the XSAVE area so large that Linux hands them out only on request, once for the process. */
void mv_cpuid_prepare(int kvm_fd)
{
	uint64_t offered = 0;
	struct kvm_device_attr attr = { .attr = KVM_X86_XCOMP_GUEST_SUPP, .addr = (uint64_t)(uintptr_t)&offered };

	if (ioctl(kvm_fd, KVM_GET_DEVICE_ATTR, &attr) == 0 && (offered & BIT(XCR0_AMX_TILES)))
		syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_GUEST_PERM, XCR0_AMX_TILES);
}

struct mv_cpuid_query {
	int kvm_fd;
	bool threaded; /* there is a thread to join */
	pthread_t thread;
	int errnum;
	struct kvm_cpuid2 *answer;
};

static void *ask(void *opaque)
{
	struct mv_cpuid_query *q = opaque;

	/* Nothing is allocated here: a thread's first allocation costs pages of its own. */
	q->answer->nent = MV_CPUID_MAX_ENTRIES - MV_CPUID_TOPOLOGY_ENTRIES;
	q->errnum = ioctl(q->kvm_fd, KVM_GET_SUPPORTED_CPUID, q->answer) < 0 ? errno : 0;
	return NULL;
}

int mv_cpuid_ask(int kvm_fd, struct mv_cpuid_query **out, struct mv_error **err)
{
	mv_auto(mv_cpuid_query) q = calloc(1, sizeof(*q));
	pthread_attr_t attr;

	if (q)
		q->answer = mv_cpuid_room();
	if (!q || !q->answer)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for CPUID.");
	q->kvm_fd = kvm_fd;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	q->threaded = pthread_create(&q->thread, &attr, ask, q) == 0;
	pthread_attr_destroy(&attr);
	if (!q->threaded)
		ask(q);
	*out = mv_steal(q);
	return 0;
}

static void wait_for(struct mv_cpuid_query *q)
{
	if (q->threaded)
		pthread_join(q->thread, NULL);
	q->threaded = false;
}

void mv_cpuid_query_free(struct mv_cpuid_query *q)
{
	if (!q)
		return;
	wait_for(q);
	free(q->answer);
	free(q);
}

/* Adds what KVM does not count as a feature of the host's processor, and takes away what we cannot give. */
static void complete(struct kvm_cpuid2 *c, int kvm_fd)
{
	struct kvm_cpuid_entry2 *e = mv_cpuid_find(c, 1, 0);

	if (e) {
		e->ecx |= LEAF1_ECX_HYPERVISOR;
		if (ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0)
			e->ecx |= LEAF1_ECX_TSC_DEADLINE;
	}
	/* Interrupt messages with destinations above 255: that is for us to do (irq.c). */
	e = mv_cpuid_find(c, LEAF_KVM_FEATURES, 0);
	if (e && ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_X2APIC_API) > 0)
		e->eax |= KVM_EXT_DEST_ID;
	/* This only says that AMD's leaf of the topology is there, which we write. */
	e = mv_cpuid_find(c, 0x80000001, 0);
	if (e && mv_cpuid_is_amd(c))
		e->ecx |= AMD_TOPOEXT;
	/* There is no enclave memory to give. */
	e = mv_cpuid_find(c, 7, 0);
	if (e) {
		e->ebx &= ~LEAF7_EBX_SGX;
		e->ecx &= ~LEAF7_ECX_SGX_LAUNCH;
	}
}

struct kvm_cpuid2 *mv_cpuid_take_answer(struct mv_cpuid_query *q, struct mv_error **err)
{
	wait_for(q);
	if (q->errnum || !q->answer) {
		mv_error_set_errno(err, q->errnum ? q->errnum : EINVAL,
				   "KVM does not tell which CPU features it supports");
		return NULL;
	}
	complete(q->answer, q->kvm_fd);
	return mv_steal(q->answer);
}

struct kvm_cpuid2 *mv_cpuid_supported(int kvm_fd, struct mv_error **err)
{
	struct mv_cpuid_query q = { .kvm_fd = kvm_fd, .answer = mv_cpuid_room() };
	struct kvm_cpuid2 *c;

	if (!q.answer) {
		mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for CPUID.");
		return NULL;
	}
	ask(&q);
	c = mv_cpuid_take_answer(&q, err);
	free(q.answer);
	return c;
}
