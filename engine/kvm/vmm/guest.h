/* The guest as a whole: its parts, its life (running, paused, stopped and why), and what its own acts lead to.
 * Everything here happens on the main loop's thread. */
#ifndef MV_KVM_VMM_GUEST_H
#define MV_KVM_VMM_GUEST_H

#include <pthread.h>

#include "engine/base/error.h"
#include "engine/kvm/dev/dev.h"
#include "engine/kvm/vmm/machine.h"
#include "engine/kvm/vmm/vcpus.h"
#include "engine/kvm/vmm/vm.h"

#define MV_GUEST_MAX_DEVICES 96

struct mv_guest;

/* Told of every event, in order; main loop. */
typedef void (*mv_guest_event_fn)(void *opaque, enum mv_event_kind kind, uint64_t number, const char *text);

struct mv_guest {
	struct mv_machine machine; /* first: what devices see */
	struct mv_machine_spec *spec;
	struct mv_memory memory;
	struct mv_vm vm;
	struct mv_vcpus *vcpus;
	struct mv_dev *devices[MV_GUEST_MAX_DEVICES]; /* in order of creation */
	unsigned device_count;

	struct mv_control_status status;
	bool devices_run;
	bool holding;     /* in mv_guest_hold() */
	bool reboot_once; /* the next power-off becomes a reset */
	bool ended;       /* the main loop should end; status says why */
	mv_guest_event_fn on_event;
	void *on_event_opaque;

	/* What devices and vCPUs asked for and nobody has done yet; any thread, under the lock. Order: this lock, then
	 * that of the vCPUs' gate. */
	pthread_mutex_t lock;
	bool requested;
	enum mv_request request;
	enum mv_reason request_reason;
	char *request_detail;
};

/* Makes the machine of `spec` (borrowed; its descriptors become the guest's): memory, VM, devices, and the guest's
 * kernel or saved state in them. Nothing runs. No more than descriptors is needed from here on, except what /proc tells
 * of memory. */
int mv_guest_create(struct mv_guest *g, struct mv_machine_spec *spec, struct mv_loop *loop, mv_guest_event_fn on_event,
		    void *opaque, struct mv_error **err);
/* Guest memory exists after the first step and everything after the second; between them main enters the sandbox. */
int mv_guest_build(struct mv_guest *g, struct mv_error **err);
/* Starts the vCPU threads; none runs the guest yet. */
int mv_guest_prepare(struct mv_guest *g, struct mv_error **err);
/* Lets the guest run, unless the specification says paused. */
void mv_guest_start(struct mv_guest *g);
/* Accepts a half-made one. */
void mv_guest_release(struct mv_guest *g);

/* Suspending a suspended guest and resuming a running one do nothing. A guest that has crashed cannot be resumed. */
int mv_guest_suspend(struct mv_guest *g, enum mv_reason reason, struct mv_error **err);
int mv_guest_resume(struct mv_guest *g, struct mv_error **err);
int mv_guest_reset(struct mv_guest *g, enum mv_reason reason, struct mv_error **err);
void mv_guest_power_button(struct mv_guest *g, bool reboot_once);
/* The end: last word and event. */
void mv_guest_quit(struct mv_guest *g, enum mv_reason reason, const char *detail);

/* Holds vCPUs and devices without a change of state, and lets them go on if the state is running. */
void mv_guest_hold(struct mv_guest *g);
void mv_guest_release_hold(struct mv_guest *g);

#endif
