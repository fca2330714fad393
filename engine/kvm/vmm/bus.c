#include "engine/kvm/vmm/bus.h"

#include <inttypes.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#define MAX_RANGES 256

struct range {
	uint64_t base;
	uint64_t last;
	const struct mv_bus_ops *ops;
	void *opaque;
};

struct table {
	struct range ranges[MAX_RANGES]; /* sorted by base, not overlapping */
	unsigned count;
};

struct mv_bus {
	pthread_rwlock_t lock; /* guards the tables; never held while a handler runs */
	struct table tables[MV_SPACE_COUNT];
};

int mv_bus_create(struct mv_bus **out, struct mv_error **err)
{
	struct mv_bus *bus = calloc(1, sizeof(*bus));

	if (!bus)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the bus.");
	pthread_rwlock_init(&bus->lock, NULL);
	*out = bus;
	return 0;
}

void mv_bus_free(struct mv_bus *bus)
{
	if (!bus)
		return;
	pthread_rwlock_destroy(&bus->lock);
	free(bus);
}

/* The index of the first range that ends at or after the address. */
static unsigned lower_bound(const struct table *t, uint64_t address)
{
	unsigned low = 0, high = t->count;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (t->ranges[middle].last < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int mv_bus_add(struct mv_bus *bus, enum mv_space space, uint64_t base, uint64_t size, const struct mv_bus_ops *ops,
	       void *opaque, struct mv_error **err)
{
	struct table *t = &bus->tables[space];
	uint64_t last = base + size - 1;
	int ret = -1;

	if (!size || last < base)
		return mv_error_set(err, MV_ERR_INTERNAL, "A bus range at 0x%" PRIx64 " wraps or is empty.", base);
	pthread_rwlock_wrlock(&bus->lock);
	unsigned i = lower_bound(t, base);

	if (t->count == MAX_RANGES) {
		mv_error_set(err, MV_ERR_INTERNAL, "The bus has no room for more than %d ranges.", MAX_RANGES);
	} else if (i < t->count && t->ranges[i].base <= last) {
		mv_error_set(err, MV_ERR_INTERNAL, "A bus range at 0x%" PRIx64 " overlaps the one at 0x%" PRIx64 ".",
			     base, t->ranges[i].base);
	} else {
		memmove(&t->ranges[i + 1], &t->ranges[i], (t->count - i) * sizeof(t->ranges[0]));
		t->ranges[i] = (struct range){ .base = base, .last = last, .ops = ops, .opaque = opaque };
		t->count++;
		ret = 0;
	}
	pthread_rwlock_unlock(&bus->lock);
	return ret;
}

void mv_bus_remove(struct mv_bus *bus, enum mv_space space, uint64_t base, void *opaque)
{
	struct table *t = &bus->tables[space];

	pthread_rwlock_wrlock(&bus->lock);
	unsigned i = lower_bound(t, base);

	if (i < t->count && t->ranges[i].base == base && t->ranges[i].opaque == opaque) {
		t->count--;
		memmove(&t->ranges[i], &t->ranges[i + 1], (t->count - i) * sizeof(t->ranges[0]));
	}
	pthread_rwlock_unlock(&bus->lock);
}

/* The range that holds all of [address, address+len). An access that sticks out of a range meets nothing. */
static bool find(struct mv_bus *bus, enum mv_space space, uint64_t address, unsigned len, struct range *out)
{
	const struct table *t = &bus->tables[space];
	bool found = false;

	pthread_rwlock_rdlock(&bus->lock);
	unsigned i = lower_bound(t, address);

	if (i < t->count && t->ranges[i].base <= address && t->ranges[i].last - address >= len - 1) {
		*out = t->ranges[i];
		found = true;
	}
	pthread_rwlock_unlock(&bus->lock);
	return found;
}

void mv_bus_read(struct mv_bus *bus, enum mv_space space, uint64_t address, void *buf, unsigned len)
{
	struct range r;

	memset(buf, 0xff, len);
	if (find(bus, space, address, len, &r) && r.ops->read)
		r.ops->read(r.opaque, address - r.base, buf, len);
}

void mv_bus_write(struct mv_bus *bus, enum mv_space space, uint64_t address, const void *buf, unsigned len)
{
	struct range r;

	if (find(bus, space, address, len, &r) && r.ops->write)
		r.ops->write(r.opaque, address - r.base, buf, len);
}
