/* The two address spaces in which a guest's accesses leave KVM: ports and memory. One sorted table each; an access to
 * nothing reads all ones and writes nothing, as on absent hardware. Any thread. */
#ifndef MV_KVM_VMM_BUS_H
#define MV_KVM_VMM_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

enum mv_space { MV_SPACE_PORT, MV_SPACE_MEMORY, MV_SPACE_COUNT };

/* Called on a vCPU thread, without any lock of the bus held: a handler may add and remove ranges. `len` is 1..8 and
 * lies within the range; offset is relative to the range's base. */
struct mv_bus_ops {
	void (*read)(void *opaque, uint64_t offset, void *buf, unsigned len);
	void (*write)(void *opaque, uint64_t offset, const void *buf, unsigned len);
};

struct mv_bus;

int mv_bus_create(struct mv_bus **out, struct mv_error **err);
void mv_bus_free(struct mv_bus *bus);
/* ops and opaque are borrowed and must outlive the bus's users. -1 when the range overlaps another or wraps. */
int mv_bus_add(struct mv_bus *bus, enum mv_space space, uint64_t base, uint64_t size, const struct mv_bus_ops *ops,
	       void *opaque, struct mv_error **err);
/* Removes the range that was added at base with this opaque; nothing happens when there is none. */
void mv_bus_remove(struct mv_bus *bus, enum mv_space space, uint64_t base, void *opaque);

/* len is 1..8. */
void mv_bus_read(struct mv_bus *bus, enum mv_space space, uint64_t address, void *buf, unsigned len);
void mv_bus_write(struct mv_bus *bus, enum mv_space space, uint64_t address, const void *buf, unsigned len);

#endif
