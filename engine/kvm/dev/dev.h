/* What a device implements. A device's own structure begins with struct mv_dev (or with something that does, such as
 * struct mv_virtio); ops->size bytes of zeros are allocated for it. */
#ifndef MV_KVM_DEV_DEV_H
#define MV_KVM_DEV_DEV_H

#include <pthread.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/kvm/common/machine_spec.h"
#include "engine/kvm/common/state.h"
#include "engine/kvm/vmm/machine.h"

struct mv_dev;
struct mv_chardev;
struct mv_control_stat;

/* Receives one statistic; the name is copied. */
typedef void (*mv_stat_fn)(void *opaque, const char *name, uint64_t value);

/* All slots mandatory unless noted. Main loop's thread, vCPUs not running, no lock held, unless noted. */
struct mv_dev_ops {
	const char *name; /* kind of device, for messages */
	size_t size;      /* of the device's structure */
	uint32_t version; /* of its state section */
	/* spec is NULL for devices that every machine has; borrowed during the call; descriptors in it are taken on
	 * success. A failed create is followed by destroy. */
	int (*create)(struct mv_dev *d, const struct mv_device_spec *spec, struct mv_error **err);
	void (*reset)(struct mv_dev *d);                                            /* back to the state after create */
	int (*state)(struct mv_dev *d, struct mv_state *st, struct mv_error **err); /* saves and loads; paused */
	void (*destroy)(struct mv_dev *d); /* accepts a half-created device; threads are joined */
	void (*pause)(struct mv_dev *d);   /* optional: returns when the device does nothing by itself any more */
	void (*resume)(struct mv_dev *d);  /* optional: also after the first start and after state() has loaded */
	void (*stats)(struct mv_dev *d, mv_stat_fn fn, void *opaque); /* optional; main loop, vCPUs may run */
	/* optional: the console called `port` ("" for a device with one), or NULL; main loop */
	struct mv_chardev *(*chardev)(struct mv_dev *d, const char *port);
	int (*balloon)(struct mv_dev *d, uint64_t bytes,
		       struct mv_error **err);  /* optional; main loop, vCPUs may run */
	void (*power_button)(struct mv_dev *d); /* optional; main loop, vCPUs may run */
};

struct mv_dev {
	const struct mv_dev_ops *ops;
	struct mv_machine *machine; /* borrowed */
	char *id;                   /* owned; alias, and name of the state section */
	pthread_mutex_t lock;       /* for platform devices: guards their registers; taken by their own bus handlers */
};

/* Allocates, sets id (copied; "rtc", ... for fixed devices), creates. */
int mv_dev_create(const struct mv_dev_ops *ops, struct mv_machine *m, const char *id, const struct mv_device_spec *spec,
		  struct mv_dev **out, struct mv_error **err);
void mv_dev_free(struct mv_dev *d); /* NULL is accepted */

/* table.c: the devices every machine has, in order of creation (ends with NULL), and those that a specification asks
 * for. */
extern const struct mv_dev_ops *const mv_dev_platform[];
const struct mv_dev_ops *mv_dev_ops_of(enum mv_device_kind kind); /* NULL: unknown kind */

#endif
