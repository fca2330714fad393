/* A machine for fuzz targets of devices: bus, interrupts and main loop, but no KVM; and the guest's side of a virtio
 * device, whose registers are written as a driver does, and whose rings are made by hand. Made once for all inputs. */
#ifndef MV_TESTS_FUZZ_MACHINE_H
#define MV_TESTS_FUZZ_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/kvm/virtio/virtio.h"

#define FZ_MEMORY (UINT64_C(16) << 20)
#define FZ_RINGS 0x100000   /* a ring each 64 KiB */
#define FZ_BUFFERS 0x800000 /* the guest's data */
#define FZ_RING_SIZE 16
#define FZ_MAX_SEGMENTS 4
#define FZ_MAX_QUEUES 16

struct fz_machine {
	struct mv_machine machine;
	struct mv_machine_spec spec;
	struct mv_memory memory;
	struct mv_dev *pci;
	unsigned events;
};

struct fz_input {
	const uint8_t *data;
	size_t size;
};

/* A driver's view of its device's queues. */
struct fz_driver {
	struct fz_machine *m;
	struct mv_virtio *v;
	unsigned count;
	uint16_t given[FZ_MAX_QUEUES], taken[FZ_MAX_QUEUES], next_desc[FZ_MAX_QUEUES];
	uint32_t room[FZ_MAX_QUEUES][FZ_RING_SIZE]; /* bytes to write, of the chain with this head */
};

/* Ends the process, loudly, when something is not as it must be. */
void fz_must(bool ok, const char *what);

void fz_machine_init(struct fz_machine *m);
struct mv_dev *fz_device(struct fz_machine *m, const struct mv_dev_ops *ops, const struct mv_device_spec *spec);
void fz_turn(struct fz_machine *m); /* the main loop, until nothing is ready (or it had many turns) */

/* 0 and fewer bytes when the input is at its end. */
uint8_t fz_next(struct fz_input *in);
size_t fz_take(struct fz_input *in, void *to, size_t len);

/* Resets the device, accepts `features` and enables the queues whose bits are set. */
void fz_drive(struct fz_driver *d, struct fz_machine *m, struct mv_dev *dev, uint64_t features, uint64_t queues);
/* Makes a chain available whose shape and data come from the input, and notifies. */
void fz_chain(struct fz_driver *d, unsigned queue, struct fz_input *in);
/* Takes back what was used; checks that it was given, and that no more was written than there was room for. */
void fz_collect(struct fz_driver *d);
void fz_config_write(struct fz_driver *d, unsigned offset, uint64_t value, unsigned len);
uint64_t fz_config_read(struct fz_driver *d, unsigned offset, unsigned len);

/* Saves the device and loads it into itself; with a byte of the state changed when `flip` is not 0. */
void fz_save_and_load(struct mv_dev *dev, uint16_t place, uint8_t flip);

#endif
