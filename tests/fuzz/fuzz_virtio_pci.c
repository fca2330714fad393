/* The PCI bus and the virtio-pci transport: the input is a list of a vCPU's accesses to a machine with a virtio-rng
 * device, and of what the machine does meanwhile.
 *
 * Each act: 1 byte kind, with the width in its upper half; an address where it needs one; as many bytes of value as the
 * width says, for a write. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/bytes.h"
#include "engine/kvm/common/layout.h"
#include "engine/kvm/virtio/devices.h"
#include "engine/kvm/virtio/virtio.h"

#define RAM 0x10000
#define SLOT 2

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size;
};

/* Bytes behind the end are zeros. */
static uint64_t take(struct input *in, unsigned len)
{
	uint8_t raw[8] = { 0 };
	size_t n = len < in->size ? len : in->size;

	memcpy(raw, in->data, n);
	in->data += n;
	in->size -= n;
	return mv_get_le64(raw);
}

struct rig {
	struct mv_machine machine;
	struct mv_memory memory;
	struct mv_dev *host, *rng;
	unsigned notifiers;
};

static void on_request(struct mv_machine *m, enum mv_request request, enum mv_reason reason, const char *detail)
{
	(void)m;
	(void)request;
	(void)reason;
	(void)detail;
}

static void on_event(struct mv_machine *m, enum mv_event_kind kind, uint64_t number, const char *text)
{
	(void)m;
	(void)kind;
	(void)number;
	(void)text;
}

/* No more ioeventfds are registered than there are queues, and none is left at the end. */
static int notify_add(struct mv_machine *m, enum mv_space space, uint64_t address, unsigned len, int fd)
{
	struct rig *r = (struct rig *)m;

	(void)len;
	if (space != MV_SPACE_MEMORY || fd < 0 || address < MV_PCI_MMIO_BASE ||
	    address >= MV_PCI_MMIO_BASE + MV_PCI_MMIO_SIZE || ++r->notifiers > 1)
		__builtin_trap();
	return 0;
}

static void notify_remove(struct mv_machine *m, enum mv_space space, uint64_t address, unsigned len, int fd)
{
	(void)space;
	(void)address;
	(void)len;
	(void)fd;
	((struct rig *)m)->notifiers--;
}

static const struct mv_machine_ops machine_ops = {
	.request = on_request,
	.event = on_event,
	.notify_add = notify_add,
	.notify_remove = notify_remove,
};

static void access_at(struct rig *r, enum mv_space space, uint64_t address, unsigned len, bool write, struct input *in)
{
	uint8_t raw[8];

	if (!write) {
		mv_bus_read(r->machine.bus, space, address, raw, len);
		return;
	}
	mv_put_le64(raw, take(in, len));
	mv_bus_write(r->machine.bus, space, address, raw, len);
}

/* Saves the device and loads that into it again: it must fit. */
static void save_and_load(struct rig *r)
{
	struct mv_state *saver, *loader;
	const void *body;
	size_t size;

	mv_virtio_dev_pause(r->rng);
	if (mv_state_saver("rng", 1, &saver, NULL) == 0) {
		mv_virtio_dev_state(r->rng, saver, NULL);
		body = mv_state_body(saver, &size);
		if (mv_state_loader("rng", 1, body, size, &loader, NULL) == 0) {
			if (mv_virtio_dev_state(r->rng, loader, NULL) < 0 || mv_state_finish(loader, NULL) < 0)
				__builtin_trap();
			mv_state_free(loader);
		}
		mv_state_free(saver);
	}
	mv_virtio_dev_resume(r->rng);
}

static void act(struct rig *r, struct input *in)
{
	uint8_t kind = (uint8_t)take(in, 1);
	unsigned len = (kind >> 4 & 7) + 1;
	bool write = kind & 0x80;
	const struct mv_virtio *v = (struct mv_virtio *)r->rng;
	uint8_t *p;

	switch (kind & 15) {
	case 0: /* the BAR, wherever it is */
		access_at(r, MV_SPACE_MEMORY, v->pci.bars[0].address + take(in, 2), len, write, in);
		break;
	case 1: /* the same, for the fuzzer's ease: the common structure */
		access_at(r, MV_SPACE_MEMORY, v->pci.bars[0].address + take(in, 1) % 64, len, write, in);
		break;
	case 2: access_at(r, MV_SPACE_MEMORY, MV_ECAM_BASE + (SLOT << 15) + take(in, 1), len, write, in); break;
	case 3: access_at(r, MV_SPACE_MEMORY, MV_ECAM_BASE + take(in, 3), len, write, in); break;
	case 4: access_at(r, MV_SPACE_PORT, 0xcf8 + take(in, 1) % 8, len, write, in); break;
	case 5: access_at(r, MV_SPACE_MEMORY, take(in, 4), len, write, in); break;
	case 6: /* the guest's memory */
		p = mv_memory_ptr(&r->memory, take(in, 2), len);
		if (p)
			mv_put_le(p, take(in, len), len);
		break;
	case 7: mv_loop_once(r->machine.loop, 0); break;
	case 8: mv_virtio_dev_pause(r->rng); break;
	case 9: mv_virtio_dev_resume(r->rng); break;
	case 10: save_and_load(r); break;
	case 11:
		mv_virtio_dev_reset(r->rng);
		r->host->ops->reset(r->host);
		break;
	default: break;
	}
}

static int make(struct rig *r)
{
	struct mv_device_spec spec = { .kind = MV_DEVICE_RNG, .slot = SLOT, .id = (char[]){ "rng" } };

	if (mv_loop_create(&r->machine.loop, NULL) < 0 || mv_bus_create(&r->machine.bus, NULL) < 0 ||
	    mv_irq_create(-1, &r->machine.irq, NULL) < 0 ||
	    mv_dev_create(&mv_pci_host_ops, &r->machine, "pci", NULL, &r->host, NULL) < 0)
		return -1;
	/* Zeros do as well as random bytes, and are the same each time. */
	spec.rng.fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	return mv_dev_create(&mv_rng_dev_ops, &r->machine, "rng", &spec, &r->rng, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rig r = {
		.machine = { .ops = &machine_ops },
		.memory = { .regions = { { .size = RAM, .host = calloc(1, RAM) } },
			    .region_count = 1,
			    .size = RAM,
			    .fd = -1 },
	};
	struct input in = { .data = data, .size = size };

	r.machine.memory = &r.memory;
	if (r.memory.regions[0].host && make(&r) == 0)
		while (in.size)
			act(&r, &in);
	mv_dev_free(r.rng);
	mv_dev_free(r.host);
	if (r.notifiers)
		__builtin_trap();
	mv_irq_free(r.machine.irq);
	mv_bus_free(r.machine.bus);
	mv_loop_free(r.machine.loop);
	free(r.memory.regions[0].host);
	return 0;
}
