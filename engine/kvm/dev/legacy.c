/* System control port A of a PC/AT (0x92): fast reset, and the A20 gate, which is always open. Port 0x61 (speaker and
 * timer 2) is answered inside KVM, together with its PIT. */
#include "engine/kvm/dev/platform.h"

#define PORT_A 0x92
#define FAST_RESET 0x01
#define A20_OPEN 0x02

struct legacy {
	struct mv_dev dev;
	bool added;
	uint8_t port_a; /* guarded by dev.lock */
};

static void bus_read(void *opaque, uint64_t offset, void *buf, unsigned len)
{
	struct legacy *l = opaque;

	(void)offset;
	(void)len; /* 1: the range has no more */
	pthread_mutex_lock(&l->dev.lock);
	*(uint8_t *)buf = l->port_a | A20_OPEN;
	pthread_mutex_unlock(&l->dev.lock);
}

static void bus_write(void *opaque, uint64_t offset, const void *buf, unsigned len)
{
	struct legacy *l = opaque;
	uint8_t value = *(const uint8_t *)buf;
	bool fires;

	(void)offset;
	(void)len;
	pthread_mutex_lock(&l->dev.lock);
	fires = value & ~l->port_a & FAST_RESET;
	l->port_a = value;
	pthread_mutex_unlock(&l->dev.lock);
	if (fires)
		mv_machine_request(l->dev.machine, MV_REQUEST_RESET, MV_REASON_RESET, "port 0x92");
}

static const struct mv_bus_ops bus_ops = { .read = bus_read, .write = bus_write };

static int create(struct mv_dev *d, const struct mv_device_spec *spec, struct mv_error **err)
{
	struct legacy *l = (struct legacy *)d;

	(void)spec;
	if (mv_bus_add(d->machine->bus, MV_SPACE_PORT, PORT_A, 1, &bus_ops, l, err) < 0)
		return -1;
	l->added = true;
	return 0;
}

static void reset(struct mv_dev *d)
{
	struct legacy *l = (struct legacy *)d;

	pthread_mutex_lock(&d->lock);
	l->port_a = 0;
	pthread_mutex_unlock(&d->lock);
}

static int state(struct mv_dev *d, struct mv_state *st, struct mv_error **err)
{
	struct legacy *l = (struct legacy *)d;

	(void)err;
	pthread_mutex_lock(&d->lock);
	mv_state_u8(st, 1, &l->port_a);
	pthread_mutex_unlock(&d->lock);
	return 0;
}

static void destroy(struct mv_dev *d)
{
	if (((struct legacy *)d)->added)
		mv_bus_remove(d->machine->bus, MV_SPACE_PORT, PORT_A, d);
}

const struct mv_dev_ops mv_legacy_ops = {
	.name = "legacy",
	.size = sizeof(struct legacy),
	.version = 1,
	.create = create,
	.reset = reset,
	.state = state,
	.destroy = destroy,
};
