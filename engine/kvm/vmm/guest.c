#include "engine/kvm/vmm/guest.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "engine/kvm/vmm/restore.h"
#include "engine/kvm/vmm/sandbox.h"
#include "engine/kvm/x86/boot.h"
#include "engine/kvm/x86/cpuid.h"
#include "engine/kvm/x86/regs.h"

static struct mv_guest *guest_of(struct mv_machine *m)
{
	return mv_container_of(m, struct mv_guest, machine);
}

static void emit(struct mv_guest *g, enum mv_event_kind kind, uint64_t number, const char *text)
{
	g->on_event(g->on_event_opaque, kind, number, text);
}

static void set_state(struct mv_guest *g, enum mv_run_state state, enum mv_reason reason, const char *detail)
{
	char *copy = detail ? strdup(detail) : NULL; /* detail may be the old one */

	free(g->status.detail);
	g->status.state = state;
	g->status.reason = reason;
	g->status.sequence++;
	g->status.detail = copy;
}

/* ---- what devices and vCPUs tell ---- */

static void handle_request(void *opaque);

static void on_request(struct mv_machine *m, enum mv_request request, enum mv_reason reason, const char *detail)
{
	struct mv_guest *g = guest_of(m);
	bool first;

	pthread_mutex_lock(&g->lock);
	first = !g->requested;
	if (first) {
		g->requested = true;
		g->request = request;
		g->request_reason = reason;
		g->request_detail = detail ? strdup(detail) : NULL;
		/* The guest must not run past the act. A crash kernel is the exception: it goes on by itself. Under the
		 * lock: once the main loop can take the request, it may open the gate again, and must not be undone. */
		if (reason != MV_REASON_PANIC_LOADED && g->vcpus)
			mv_vcpus_close_gate(g->vcpus);
	}
	pthread_mutex_unlock(&g->lock);
	if (first)
		mv_loop_post(m->loop, handle_request, g);
}

struct posted_event {
	struct mv_guest *guest;
	enum mv_event_kind kind;
	uint64_t number;
	char *text;
};

static void deliver(void *opaque)
{
	struct posted_event *e = opaque;

	emit(e->guest, e->kind, e->number, e->text);
	free(e->text);
	free(e);
}

static void on_event(struct mv_machine *m, enum mv_event_kind kind, uint64_t number, const char *text)
{
	struct posted_event *e = calloc(1, sizeof(*e));

	if (!e)
		return;
	*e = (struct posted_event){ .guest = guest_of(m), .kind = kind, .number = number };
	e->text = text ? strdup(text) : NULL;
	if (mv_loop_post(m->loop, deliver, e) < 0) {
		free(e->text);
		free(e);
	}
}

static int notify_add(struct mv_machine *m, enum mv_space space, uint64_t address, unsigned len, int fd)
{
	return mv_vm_notify(&guest_of(m)->vm, space, address, len, fd, true);
}

static void notify_remove(struct mv_machine *m, enum mv_space space, uint64_t address, unsigned len, int fd)
{
	mv_vm_notify(&guest_of(m)->vm, space, address, len, fd, false);
}

static const struct mv_machine_ops machine_ops = {
	.request = on_request,
	.event = on_event,
	.notify_add = notify_add,
	.notify_remove = notify_remove,
};

/* ---- making it ---- */

static void enter_sandbox_thread(enum mv_thread_kind kind)
{
	mv_auto(mv_error) err = NULL;

	/* A thread without its filter would be outside the sandbox: rather none at all. */
	if (mv_sandbox_enter_thread(kind, &err) < 0)
		_exit(EXIT_FAILURE);
}

static void enter_io_thread(void *machine)
{
	if (((struct mv_machine *)machine)->spec->sandbox)
		enter_sandbox_thread(MV_THREAD_IO);
}

static void enter_vcpu_thread(void *guest)
{
	if (((struct mv_guest *)guest)->spec->sandbox)
		enter_sandbox_thread(MV_THREAD_VCPU);
}

int mv_guest_create(struct mv_guest *g, struct mv_machine_spec *spec, struct mv_loop *loop, mv_guest_event_fn fn,
		    void *opaque, struct mv_error **err)
{
	*g = (struct mv_guest){
		.machine = { .ops = &machine_ops, .spec = spec, .loop = loop, .enter_io_thread = enter_io_thread },
		.spec = spec,
		.memory = { .fd = -1 },
		.vm = { .fd = -1 },
		.on_event = fn,
		.on_event_opaque = opaque,
		.status = { .state = MV_STATE_NOSTATE },
	};
	pthread_mutex_init(&g->lock, NULL);
	g->machine.memory = &g->memory;
	if (spec->memory < MV_MACHINE_MIN_MEMORY)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "Guest '%s' asks for %" PRIu64 " bytes of memory; the least is 16 MiB.", spec->name,
				    spec->memory);
	if (!spec->vcpus || (uint64_t)spec->sockets * spec->cores * spec->threads != spec->vcpus)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "Guest '%s': %u sockets x %u cores x %u threads are not its %u vCPUs.", spec->name,
				    spec->sockets, spec->cores, spec->threads, spec->vcpus);
	if (spec->restore_fd >= 0)
		return mv_restore_memory(g, err);
	if (spec->kernel_fd < 0)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "Guest '%s' has no kernel to boot.", spec->name);
	return mv_memory_create(&g->memory, spec->memory, spec->huge_pages, spec->prealloc, err);
}

static int add_device(struct mv_guest *g, const struct mv_dev_ops *ops, const char *id,
		      const struct mv_device_spec *spec, struct mv_error **err)
{
	if (g->device_count == MV_GUEST_MAX_DEVICES)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "A guest can have at most %d devices.",
				    MV_GUEST_MAX_DEVICES);
	if (mv_dev_create(ops, &g->machine, id, spec, &g->devices[g->device_count], err) < 0)
		return -1;
	g->device_count++;
	return 0;
}

static int add_devices(struct mv_guest *g, struct mv_error **err)
{
	for (unsigned i = 0; mv_dev_platform[i]; i++)
		if (add_device(g, mv_dev_platform[i], mv_dev_platform[i]->name, NULL, err) < 0)
			return -1;
	for (uint32_t i = 0; i < g->spec->device_count; i++) {
		const struct mv_device_spec *d = &g->spec->devices[i];
		const struct mv_dev_ops *ops = mv_dev_ops_of((enum mv_device_kind)d->kind);

		if (!ops)
			return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
					    "Device '%s' is of a kind that is not known.", d->id);
		if (add_device(g, ops, d->id, d, err) < 0)
			return -1;
	}
	return 0;
}

/* Kernel into memory, vCPUs to where it starts. Memory is all zeros, vCPUs are new or reset. */
static int boot(struct mv_guest *g, struct mv_error **err)
{
	struct mv_boot_entry entry;

	if (mv_boot_load(g->spec, &g->memory, &entry, err) < 0)
		return -1;
	for (uint32_t i = 0; i < g->spec->vcpus; i++)
		if (mv_regs_start(i, mv_vcpus_fd(g->vcpus, i), i ? NULL : &entry, err) < 0)
			return -1;
	return 0;
}

static int give_cpuid(struct mv_guest *g, struct mv_cpuid_query *query, struct mv_error **err)
{
	mv_auto(mv_cpuid) cpuid = NULL;

	if (mv_cpuid_create(g->spec, query, &cpuid, err) < 0)
		return -1;
	for (uint32_t i = 0; i < g->spec->vcpus; i++)
		if (mv_cpuid_apply(cpuid, i, mv_vcpus_fd(g->vcpus, i), err) < 0)
			return -1;
	return 0;
}

int mv_guest_build(struct mv_guest *g, struct mv_error **err)
{
	mv_auto(mv_cpuid_query) query = NULL;

	mv_cpuid_prepare(g->spec->kvm_fd); /* before the first vCPU */
	if (g->spec->restore_fd < 0 && mv_cpuid_ask(g->spec->kvm_fd, &query, err) < 0)
		return -1;
	if (mv_vm_create(&g->vm, g->spec, &g->memory, err) < 0 || mv_bus_create(&g->machine.bus, err) < 0 ||
	    mv_irq_create(g->vm.fd, &g->machine.irq, err) < 0 ||
	    mv_vcpus_create(&g->machine, &g->vm, &g->vcpus, err) < 0 || add_devices(g, err) < 0)
		return -1;
	if (g->spec->restore_fd >= 0)
		return mv_restore_state(g, err);
	if (give_cpuid(g, query, err) < 0)
		return -1;
	return boot(g, err);
}

void mv_guest_release(struct mv_guest *g)
{
	mv_vcpus_free(g->vcpus);
	g->vcpus = NULL;
	while (g->device_count)
		mv_dev_free(g->devices[--g->device_count]);
	mv_irq_free(g->machine.irq);
	mv_bus_free(g->machine.bus);
	mv_vm_release(&g->vm);
	mv_memory_release(&g->memory);
	mv_control_status_clear(&g->status);
	free(g->request_detail);
	pthread_mutex_destroy(&g->lock);
}

/* ---- life ---- */

static void run(struct mv_guest *g)
{
	if (!g->devices_run) {
		for (unsigned i = 0; i < g->device_count; i++)
			if (g->devices[i]->ops->resume)
				g->devices[i]->ops->resume(g->devices[i]);
		g->devices_run = true;
	}
	mv_vcpus_run(g->vcpus);
}

static bool take_request(struct mv_guest *g, enum mv_request *request, enum mv_reason *reason, char **detail)
{
	bool there;

	pthread_mutex_lock(&g->lock);
	there = g->requested;
	*request = g->request;
	*reason = g->request_reason;
	*detail = mv_steal(g->request_detail);
	g->requested = false;
	pthread_mutex_unlock(&g->lock);
	return there;
}

static void drop_request(struct mv_guest *g)
{
	enum mv_request request;
	enum mv_reason reason;
	char *detail;

	take_request(g, &request, &reason, &detail);
	free(detail);
}

void mv_guest_hold(struct mv_guest *g)
{
	/* Waiting serves calls, a request that was posted among them: it must not act in the middle of what holds. */
	g->holding = true;
	mv_vcpus_hold(g->vcpus);
	g->holding = false;
	mv_loop_post(g->machine.loop, handle_request, g);
	if (!g->devices_run)
		return;
	for (unsigned i = 0; i < g->device_count; i++)
		if (g->devices[i]->ops->pause)
			g->devices[i]->ops->pause(g->devices[i]);
	g->devices_run = false;
}

void mv_guest_release_hold(struct mv_guest *g)
{
	if (g->status.state == MV_STATE_RUNNING)
		run(g);
}

int mv_guest_prepare(struct mv_guest *g, struct mv_error **err)
{
	return mv_vcpus_start(g->vcpus, enter_vcpu_thread, g, err);
}

void mv_guest_start(struct mv_guest *g)
{
	enum mv_reason reason = g->spec->restore_fd >= 0 ? MV_REASON_RESTORED : MV_REASON_BOOTED;

	set_state(g, g->spec->start_paused ? MV_STATE_PAUSED : MV_STATE_RUNNING, reason, NULL);
	mv_guest_release_hold(g);
	emit(g, MV_EVENT_STARTED, 0, NULL);
}

int mv_guest_suspend(struct mv_guest *g, enum mv_reason reason, struct mv_error **err)
{
	if (g->status.state == MV_STATE_PAUSED)
		return 0;
	if (g->status.state != MV_STATE_RUNNING)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "Guest '%s' is %s and cannot be suspended.",
				    g->spec->name, mv_run_state_name(g->status.state));
	mv_guest_hold(g);
	set_state(g, MV_STATE_PAUSED, reason, NULL);
	emit(g, MV_EVENT_SUSPENDED, 0, NULL);
	return 0;
}

int mv_guest_resume(struct mv_guest *g, struct mv_error **err)
{
	if (g->status.state == MV_STATE_RUNNING)
		return 0;
	if (g->status.state != MV_STATE_PAUSED)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID,
				    "Guest '%s' is %s and cannot be resumed; reset or destroy it.", g->spec->name,
				    mv_run_state_name(g->status.state));
	set_state(g, MV_STATE_RUNNING, MV_REASON_USER, NULL);
	emit(g, MV_EVENT_RESUMED, 0, NULL);
	run(g);
	return 0;
}

int mv_guest_reset(struct mv_guest *g, enum mv_reason reason, struct mv_error **err)
{
	if (g->spec->kernel_fd < 0)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID,
				    "Guest '%s' cannot be reset: it was restored without its kernel.", g->spec->name);
	mv_guest_hold(g);
	drop_request(g); /* what the guest asked for just now, it asked for before the reset */
	for (unsigned i = 0; i < g->device_count; i++)
		g->devices[i]->ops->reset(g->devices[i]);
	for (uint32_t i = 0; i < g->spec->vcpus; i++)
		if (mv_regs_reset(i, mv_vcpus_fd(g->vcpus, i), err) < 0)
			return -1;
	if (mv_irqchip_reset(g->vm.fd, err) < 0 || mv_memory_clear(&g->memory, err) < 0 || boot(g, err) < 0)
		return -1;
	set_state(g, g->status.state == MV_STATE_PAUSED ? MV_STATE_PAUSED : MV_STATE_RUNNING, reason, NULL);
	emit(g, MV_EVENT_REBOOT, 0, mv_reason_name(reason));
	mv_guest_release_hold(g);
	return 0;
}

void mv_guest_power_button(struct mv_guest *g, bool reboot_once)
{
	g->reboot_once = reboot_once;
	for (unsigned i = 0; i < g->device_count; i++)
		if (g->devices[i]->ops->power_button)
			g->devices[i]->ops->power_button(g->devices[i]);
	emit(g, MV_EVENT_POWER_BUTTON, 0, NULL);
}

void mv_guest_quit(struct mv_guest *g, enum mv_reason reason, const char *detail)
{
	mv_auto(mv_error) err = NULL;

	mv_guest_hold(g);
	set_state(g, MV_STATE_SHUTOFF, reason, detail);
	/* Nobody is left to tell of a failure; whoever looks finds no last word. */
	if (g->spec->status_fd >= 0)
		(void)mv_status_write(g->spec->status_fd, &g->status, &err);
	emit(g, MV_EVENT_STOPPED, 0, detail);
	g->ended = true;
	mv_loop_stop(g->machine.loop);
}

/* ---- what the guest's own acts lead to ---- */

static void keep(struct mv_guest *g, enum mv_run_state state, enum mv_reason reason, const char *detail)
{
	mv_guest_hold(g);
	set_state(g, state, reason, detail);
	if (state == MV_STATE_PAUSED)
		emit(g, MV_EVENT_SUSPENDED, 0, detail);
}

static void restart(struct mv_guest *g, enum mv_reason reason, const char *detail)
{
	mv_auto(mv_error) err = NULL;

	/* It starts again, whether it was running, crashed, or held by the act itself. */
	if (g->status.state == MV_STATE_CRASHED)
		set_state(g, MV_STATE_RUNNING, reason, detail);
	if (mv_guest_reset(g, reason, &err) < 0)
		mv_guest_quit(g, reason, err->message);
}

static void act(struct mv_guest *g, uint32_t action, enum mv_run_state kept, enum mv_reason reason, const char *detail)
{
	switch (action) {
	case MV_ACTION_RESTART: restart(g, reason, detail); break;
	case MV_ACTION_PRESERVE: keep(g, kept, reason, detail); break;
	default: mv_guest_quit(g, reason, detail); break;
	}
}

static void handle_request(void *opaque)
{
	struct mv_guest *g = opaque;
	mv_autofree char *detail = NULL;
	enum mv_request request;
	enum mv_reason reason;
	bool preserve;

	if (g->holding || g->ended || !take_request(g, &request, &reason, &detail))
		return;

	switch (request) {
	case MV_REQUEST_POWEROFF:
		if (g->reboot_once) {
			g->reboot_once = false;
			restart(g, MV_REASON_USER, detail);
			break;
		}
		act(g, g->spec->on_poweroff, MV_STATE_PAUSED, reason, detail);
		break;
	case MV_REQUEST_RESET: act(g, g->spec->on_reboot, MV_STATE_PAUSED, reason, detail); break;
	case MV_REQUEST_PANIC:
		preserve = reason != MV_REASON_PANIC_LOADED && g->spec->on_crash == MV_ACTION_PRESERVE;
		/* What is preserved is in its last state already when others hear of it. */
		if (preserve)
			keep(g, MV_STATE_CRASHED, reason, detail);
		emit(g, MV_EVENT_CRASHED, reason, detail ? detail : mv_reason_name(reason));
		if (reason != MV_REASON_PANIC_LOADED && !preserve)
			act(g, g->spec->on_crash, MV_STATE_CRASHED, reason, detail);
		break;
	}
}
