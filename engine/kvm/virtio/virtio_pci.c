/* The life of a virtio device: status, features, queues, creation and end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "engine/kvm/virtio/virtio_pci.h"

#define REPORTS 8 /* events at once */

#define STATUS_DRIVER_BITS                                                                                \
	(MV_VIRTIO_S_ACKNOWLEDGE | MV_VIRTIO_S_DRIVER | MV_VIRTIO_S_FEATURES_OK | MV_VIRTIO_S_DRIVER_OK | \
	 MV_VIRTIO_S_FAILED)

/* ---- status ---- */

static void store_status(struct mv_virtio *v, uint8_t status)
{
	__atomic_store_n(&v->status, status, __ATOMIC_RELEASE);
}

/* A driver that breaks its device over and over must not drown those who listen: a few events, then one a second. */
static bool may_report(struct mv_virtio_transport *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec != t->report_second) {
		time_t more = now.tv_sec - t->report_second;

		t->reports = more < REPORTS - (time_t)t->reports ? t->reports + (unsigned)more : REPORTS;
		t->report_second = now.tv_sec;
	}
	return t->reports && t->reports--;
}

static void report(struct mv_virtio *v, const char *why)
{
	char text[512];
	size_t len = strlen(why);

	if (!v->dev.machine->ops || !may_report(v->transport))
		return;
	/* `why` may be the message of an error, a sentence with its full stop. */
	len -= len && why[len - 1] == '.';
	snprintf(text, sizeof(text), "Device '%s' does nothing until its driver resets it: %.*s.", v->dev.id, (int)len,
		 why);
	mv_machine_event(v->dev.machine, MV_EVENT_DEVICE, 0, text);
}

void mv_virtio_needs_reset(struct mv_virtio *v, const char *why)
{
	if (v->status & MV_VIRTIO_S_NEEDS_RESET)
		return;
	for (unsigned i = 0; i < v->queue_count; i++)
		if (!v->queues[i].broken) {
			v->queues[i].broken = true;
			v->queues[i].why = "its device needs a reset";
		}
	mv_virtio_listen(v, false);
	store_status(v, v->status | MV_VIRTIO_S_NEEDS_RESET);
	mv_virtio_config_changed(v);
	report(v, why);
}

void mv_virtio_set_queue_features(struct mv_virtio *v)
{
	for (unsigned i = 0; i < v->queue_count; i++) {
		v->queues[i].event_index = mv_virtio_has(v, MV_VIRTIO_F_EVENT_IDX);
		v->queues[i].indirect = mv_virtio_has(v, MV_VIRTIO_F_INDIRECT_DESC);
	}
}

bool mv_virtio_features_valid(const struct mv_virtio *v, uint64_t features)
{
	return !(features & ~v->offered) && features >> MV_VIRTIO_F_VERSION_1 & 1;
}

static bool accept_features(struct mv_virtio *v)
{
	struct mv_virtio_transport *t = v->transport;
	uint64_t features;

	pthread_mutex_lock(&t->lock);
	features = t->driver_features;
	pthread_mutex_unlock(&t->lock);
	if (!mv_virtio_features_valid(v, features))
		return false;
	v->features = features;
	mv_virtio_set_queue_features(v);
	return true;
}

int mv_virtio_activate(struct mv_virtio *v, struct mv_error **err)
{
	v->active = true;
	if (mv_virtio_watch(v, err) < 0 || v->ops->activate(v, err) < 0) {
		mv_virtio_unwatch(v);
		v->active = false;
		return -1;
	}
	mv_virtio_want_notify(v, true);
	return 0;
}

static void clear_queues(struct mv_virtio *v)
{
	for (unsigned i = 0; i < v->queue_count; i++)
		mv_queue_reset(&v->queues[i]);
}

void mv_virtio_reset(struct mv_virtio *v)
{
	struct mv_virtio_transport *t = v->transport;
	eventfd_t value;

	mv_virtio_want_notify(v, false);
	mv_virtio_unwatch(v);
	v->ops->reset(v);
	v->active = false;
	v->features = 0;
	pthread_mutex_lock(&t->lock);
	clear_queues(v);
	t->device_feature_select = t->driver_feature_select = 0;
	t->driver_features = 0;
	t->queue_select = 0;
	__atomic_store_n(&t->config_vector, MV_QUEUE_NO_VECTOR, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&t->lock);
	for (unsigned i = 0; i < t->kick_count; i++)
		eventfd_read(t->kicks[i].fd, &value);
	pthread_mutex_lock(&t->isr_lock);
	t->isr = 0;
	mv_pci_intx(&v->pci, false);
	pthread_mutex_unlock(&t->isr_lock);
	store_status(v, 0);
}

void mv_virtio_set_status(struct mv_virtio *v, uint8_t value)
{
	struct mv_error *err = NULL;
	uint8_t added;

	if (!value) {
		mv_virtio_reset(v);
		return;
	}
	/* Bits can only be added (2.1.1), and a device that waits for its reset goes no further. */
	added = value & STATUS_DRIVER_BITS & (uint8_t)~v->status;
	if (v->status & MV_VIRTIO_S_NEEDS_RESET)
		added &= MV_VIRTIO_S_FAILED;
	if (added & MV_VIRTIO_S_FEATURES_OK && !accept_features(v))
		added &= (uint8_t)~MV_VIRTIO_S_FEATURES_OK;
	if (!((v->status | added) & MV_VIRTIO_S_FEATURES_OK))
		added &= (uint8_t)~MV_VIRTIO_S_DRIVER_OK;
	store_status(v, v->status | added);
	if (added & MV_VIRTIO_S_DRIVER_OK && mv_virtio_activate(v, &err) < 0)
		mv_virtio_needs_reset(v, err ? err->message : "it cannot be started");
	mv_error_free(err);
}

void mv_virtio_enable_queue(struct mv_virtio *v, unsigned index, uint16_t value)
{
	struct mv_virtio_transport *t = v->transport;
	struct mv_queue *q;
	const char *why = NULL;

	if (index >= v->queue_count || value == 0 || v->status & MV_VIRTIO_S_NEEDS_RESET)
		return;
	q = &v->queues[index];
	pthread_mutex_lock(&t->lock);
	if (v->status & MV_VIRTIO_S_DRIVER_OK && !q->enabled)
		why = "its driver enabled a queue too late";
	else if (value != 1)
		why = "its driver wrote nonsense to enable a queue";
	else if (!q->enabled && !mv_queue_enable(q))
		why = q->why;
	pthread_mutex_unlock(&t->lock);
	if (why)
		mv_virtio_needs_reset(v, why);
}

/* ---- creation ---- */

static const struct mv_pci_ops pci_ops = {
	.config_read = mv_virtio_pci_config_read,
	.config_written = mv_virtio_pci_config_written,
	.bar = { .read = mv_virtio_pci_bar_read, .write = mv_virtio_pci_bar_write },
	.bar_mapped = mv_virtio_bar_mapped,
};

static int create_transport(struct mv_virtio *v, const uint16_t *sizes, struct mv_error **err)
{
	struct mv_virtio_transport *t = calloc(1, sizeof(*t));

	if (!t)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the device '%s'.", v->dev.id);
	pthread_mutex_init(&t->lock, NULL);
	pthread_mutex_init(&t->isr_lock, NULL);
	pthread_mutex_init(&t->notify_lock, NULL);
	t->config_vector = MV_QUEUE_NO_VECTOR;
	t->reports = REPORTS;
	v->transport = t;
	v->queues = calloc(v->queue_count, sizeof(*v->queues));
	t->kicks = calloc(v->queue_count, sizeof(*t->kicks));
	if (!v->queues || !t->kicks)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the queues of '%s'.", v->dev.id);
	for (unsigned i = 0; i < v->queue_count; i++) {
		if (mv_queue_init(&v->queues[i], v->dev.machine->memory, sizes[i], err) < 0)
			return -1;
		t->kicks[i] = (struct mv_virtio_kick){ .v = v,
						       .index = i,
						       .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
		if (t->kicks[i].fd < 0)
			return mv_error_set_errno(err, errno, "Cannot create an eventfd for '%s'", v->dev.id);
		t->kick_count = i + 1;
	}
	return 0;
}

static int start_thread(struct mv_virtio *v, struct mv_error **err)
{
	char name[16];

	if (mv_loop_create(&v->loop, err) < 0)
		return -1;
	v->own_loop = true;
	snprintf(name, sizeof(name), "%s", v->dev.id);
	return mv_loop_start_thread(v->loop, name, v->dev.machine->enter_io_thread, v->dev.machine, err);
}

int mv_virtio_init(struct mv_virtio *v, const struct mv_virtio_ops *ops, unsigned slot, bool own_thread,
		   unsigned queue_count, const uint16_t *sizes, struct mv_error **err)
{
	const struct mv_pci_ids ids = {
		.vendor = 0x1af4,
		.device = (uint16_t)(0x1040 + ops->device_id),
		.subsystem_vendor = 0x1af4,
		.subsystem = (uint16_t)(0x1040 + ops->device_id),
		.revision = 1,
		.class_code = ops->class_code,
	};

	if (queue_count > MV_VIRTIO_MAX_VIRTQUEUES || ops->config_size > MV_VIRTIO_BAR_PART)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "The device '%s' has more than %d queues.",
				    v->dev.id, MV_VIRTIO_MAX_VIRTQUEUES);
	v->ops = ops;
	v->queue_count = queue_count;
	v->offered |= UINT64_C(1) << MV_VIRTIO_F_VERSION_1 | UINT64_C(1) << MV_VIRTIO_F_EVENT_IDX |
		UINT64_C(1) << MV_VIRTIO_F_INDIRECT_DESC;
	v->loop = v->dev.machine->loop;
	if (create_transport(v, sizes, err) < 0 ||
	    mv_pci_fn_init(&v->pci, v->dev.machine, slot, &ids, &pci_ops, err) < 0 ||
	    mv_virtio_pci_add_capabilities(v, err) < 0 ||
	    mv_msix_init(&v->pci, queue_count + 1, MV_VIRTIO_BAR, MV_VIRTIO_BAR_MSIX_TABLE, MV_VIRTIO_BAR_MSIX_PBA,
			 err) < 0 ||
	    mv_pci_add_bar(&v->pci, MV_VIRTIO_BAR, MV_VIRTIO_BAR_SIZE, err) < 0)
		return -1;
	return own_thread ? start_thread(v, err) : 0;
}

static void reset_call(void *opaque)
{
	mv_virtio_reset(opaque);
}

void mv_virtio_release(struct mv_virtio *v)
{
	struct mv_virtio_transport *t = v->transport;

	if (!t)
		return;
	/* A device that no driver touched has nothing to stop, and may be half-created. */
	if (v->status)
		mv_loop_call(v->loop, reset_call, v);
	if (v->own_loop) {
		mv_loop_join(v->loop);
		mv_loop_free(v->loop);
	}
	mv_pci_fn_release(&v->pci);
	for (unsigned i = 0; i < t->kick_count; i++)
		close(t->kicks[i].fd);
	for (unsigned i = 0; v->queues && i < v->queue_count; i++)
		mv_queue_release(&v->queues[i]);
	pthread_mutex_destroy(&t->lock);
	pthread_mutex_destroy(&t->isr_lock);
	pthread_mutex_destroy(&t->notify_lock);
	free(t->kicks);
	free(t);
	free(v->queues);
	v->transport = NULL;
	v->queues = NULL;
}

void mv_virtio_dev_reset(struct mv_dev *d)
{
	struct mv_virtio *v = (struct mv_virtio *)d;

	mv_loop_call(v->loop, reset_call, v);
	mv_pci_fn_reset(&v->pci);
}
