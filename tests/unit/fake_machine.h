/* A machine without KVM for tests of devices: a bus, interrupt lines that can be read, a main loop that the test turns,
 * and what devices asked for or told is written down. */
#ifndef MV_TESTS_UNIT_FAKE_MACHINE_H
#define MV_TESTS_UNIT_FAKE_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/kvm/dev/dev.h"

struct fake_machine {
	struct mv_machine machine;
	struct mv_machine_spec spec;
	struct mv_memory memory;
	unsigned requests;
	enum mv_request request; /* the last one */
	enum mv_reason reason;
	unsigned events;
	enum mv_event_kind event; /* the last one */
	uint64_t event_number;
};

/* Aborts the test when something cannot be made. memory: bytes, 0 for none. */
void fake_machine_init(struct fake_machine *f, uint64_t memory);
void fake_machine_release(struct fake_machine *f);

struct mv_dev *fake_machine_device(struct fake_machine *f, const struct mv_dev_ops *ops,
				   const struct mv_device_spec *spec);

uint8_t fake_in8(struct fake_machine *f, uint16_t port);
uint16_t fake_in16(struct fake_machine *f, uint16_t port);
uint32_t fake_in32(struct fake_machine *f, uint16_t port);
void fake_out8(struct fake_machine *f, uint16_t port, uint8_t value);
void fake_out16(struct fake_machine *f, uint16_t port, uint16_t value);
bool fake_irq(struct fake_machine *f, unsigned gsi);

/* Turns the main loop until done(opaque), at most ten seconds; false when it was not done by then. */
bool fake_machine_until(struct fake_machine *f, bool (*done)(void *opaque), void *opaque);
/* One round of what is ready now. */
void fake_machine_turn(struct fake_machine *f);

/* Saves `from` and loads it into `to`, a fresh device of the same kind. */
void fake_machine_copy_state(struct mv_dev *from, struct mv_dev *to);
/* Loads a body made from the saved state of d with `edit` applied to its bytes: must be refused, or be harmless.
 * Returns what loading returned. */
int fake_machine_load(struct mv_dev *d, const void *body, size_t size);
void *fake_machine_save(struct mv_dev *d, size_t *size);

#endif
