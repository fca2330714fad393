#include "engine/kvm/dev/dev.h"

#include <stdlib.h>
#include <string.h>

int mv_dev_create(const struct mv_dev_ops *ops, struct mv_machine *m, const char *id, const struct mv_device_spec *spec,
		  struct mv_dev **out, struct mv_error **err)
{
	struct mv_dev *d = calloc(1, ops->size);

	if (!d || !(d->id = strdup(id))) {
		free(d);
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the device '%s'.", id);
	}
	d->ops = ops;
	d->machine = m;
	pthread_mutex_init(&d->lock, NULL);
	if (ops->create(d, spec, err) < 0) {
		mv_dev_free(d);
		return mv_error_set(err, MV_ERR_INTERNAL, "The device '%s' (%s) cannot be created.", id, ops->name);
	}
	*out = d;
	return 0;
}

void mv_dev_free(struct mv_dev *d)
{
	if (!d)
		return;
	d->ops->destroy(d);
	pthread_mutex_destroy(&d->lock);
	free(d->id);
	free(d);
}
