/* The guest's way to say that its kernel has crashed: one port, a bit per kind of crash. ACPI names it QEMU0001. */
#include "engine/kvm/common/layout.h"
#include "engine/kvm/dev/platform.h"

#define PANICKED 0x01
#define CRASH_LOADED 0x02 /* panicked, and a crash kernel will take over */

struct pvpanic {
	struct mv_dev dev;
	bool added;
};

static void bus_read(void *opaque, uint64_t offset, void *buf, unsigned len)
{
	(void)opaque;
	(void)offset;
	(void)len; /* 1: the range has no more */
	*(uint8_t *)buf = PANICKED | CRASH_LOADED;
}

static void bus_write(void *opaque, uint64_t offset, const void *buf, unsigned len)
{
	struct pvpanic *p = opaque;
	uint8_t value = *(const uint8_t *)buf;

	(void)offset;
	(void)len;
	if (value & PANICKED)
		mv_machine_request(p->dev.machine, MV_REQUEST_PANIC, MV_REASON_PANIC, "The guest's kernel panicked.");
	else if (value & CRASH_LOADED)
		mv_machine_request(p->dev.machine, MV_REQUEST_PANIC, MV_REASON_PANIC_LOADED,
				   "The guest's kernel panicked and runs its crash kernel.");
}

static const struct mv_bus_ops bus_ops = { .read = bus_read, .write = bus_write };

static int create(struct mv_dev *d, const struct mv_device_spec *spec, struct mv_error **err)
{
	struct pvpanic *p = (struct pvpanic *)d;

	(void)spec;
	if (mv_bus_add(d->machine->bus, MV_SPACE_PORT, MV_PORT_PVPANIC, 1, &bus_ops, p, err) < 0)
		return -1;
	p->added = true;
	return 0;
}

static void reset(struct mv_dev *d)
{
	(void)d; /* remembers nothing */
}

static int state(struct mv_dev *d, struct mv_state *st, struct mv_error **err)
{
	(void)d;
	(void)st;
	(void)err;
	return 0;
}

static void destroy(struct mv_dev *d)
{
	if (((struct pvpanic *)d)->added)
		mv_bus_remove(d->machine->bus, MV_SPACE_PORT, MV_PORT_PVPANIC, d);
}

const struct mv_dev_ops mv_pvpanic_dev_ops = {
	.name = "panic notifier",
	.size = sizeof(struct pvpanic),
	.version = 1,
	.create = create,
	.reset = reset,
	.state = state,
	.destroy = destroy,
};
