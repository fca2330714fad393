#include <stdio.h>
#include <string.h>

#include "engine/kvm/vmm/save.h"
#include "engine/kvm/x86/vcpu_state.h"

/* What must be the same on both sides for the other sections to make sense. */
static int machine_state(struct mv_guest *g, void *what, struct mv_state *st, struct mv_error **err)
{
	uint64_t memory = g->spec->memory;
	uint32_t vcpus = g->spec->vcpus, devices = g->device_count;

	(void)what;
	mv_state_u64(st, 1, &memory);
	mv_state_u32(st, 2, &vcpus);
	mv_state_u32(st, 3, &devices);
	if (mv_state_ok(st) && memory != g->spec->memory)
		mv_state_fail(st, "it was saved with %llu MiB of memory and is to be restored with %llu",
			      (unsigned long long)memory >> 20, (unsigned long long)g->spec->memory >> 20);
	if (mv_state_ok(st) && vcpus != g->spec->vcpus)
		mv_state_fail(st, "it was saved with %u vCPUs and is to be restored with %u", vcpus, g->spec->vcpus);
	if (mv_state_ok(st) && devices != g->device_count)
		mv_state_fail(st, "it was saved with %u devices and is to be restored with %u", devices,
			      g->device_count);
	return mv_state_finish(st, err);
}

static int clock_state(struct mv_guest *g, void *env, struct mv_state *st, struct mv_error **err)
{
	(void)g;
	return mv_clock_state(env, st, err);
}

static int irqchip_state(struct mv_guest *g, void *env, struct mv_state *st, struct mv_error **err)
{
	uint32_t lines = mv_irq_levels(g->machine.irq);

	mv_state_u32(st, 1, &lines);
	if (mv_irqchip_state(env, st, err) < 0)
		return -1;
	if (mv_state_loading(st))
		mv_irq_settle(g->machine.irq, lines);
	return 0;
}

struct vcpu_ref {
	struct mv_state_env *env;
	uint32_t index;
};

static int vcpu_state(struct mv_guest *g, void *what, struct mv_state *st, struct mv_error **err)
{
	struct vcpu_ref *ref = what;

	return mv_vcpu_state(ref->env, ref->index, mv_vcpus_fd(g->vcpus, ref->index), st, err);
}

static int device_state(struct mv_guest *g, void *what, struct mv_state *st, struct mv_error **err)
{
	struct mv_dev *d = what;

	(void)g;
	return d->ops->state(d, st, err);
}

int mv_save_each_section(struct mv_guest *g, mv_section_fn section, void *opaque, struct mv_error **err)
{
	mv_auto(mv_state_env) env = NULL;
	char name[32];

	if (section(g, "machine", MV_SAVE_MACHINE_VERSION, machine_state, NULL, opaque, err) < 0 ||
	    mv_state_env_create(g->spec->kvm_fd, g->vm.fd, &env, err) < 0 ||
	    section(g, "clock", MV_CLOCK_STATE_VERSION, clock_state, env, opaque, err) < 0)
		return -1;
	for (uint32_t i = 0; i < g->spec->vcpus; i++) {
		struct vcpu_ref ref = { .env = env, .index = i };

		snprintf(name, sizeof(name), "vcpu%u", i);
		if (section(g, name, MV_VCPU_STATE_VERSION, vcpu_state, &ref, opaque, err) < 0)
			return -1;
	}
	for (unsigned i = 0; i < g->device_count; i++) {
		struct mv_dev *d = g->devices[i];

		if (section(g, d->id, d->ops->version, device_state, d, opaque, err) < 0)
			return -1;
	}
	/* Last: lines that devices raised while they were loaded must end up as they were saved. */
	return section(g, "irqchip", MV_IRQCHIP_STATE_VERSION, irqchip_state, env, opaque, err);
}
