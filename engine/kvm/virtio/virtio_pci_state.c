/* Pause, resume, save and restore of a virtio device. */
#include "engine/kvm/virtio/virtio_pci.h"

/* Tags of the state section; the device's own are from 1000 on. */
enum {
	TAG_STATUS = 1,
	TAG_FEATURES,
	TAG_DRIVER_FEATURES,
	TAG_DEVICE_FEATURE_SELECT,
	TAG_DRIVER_FEATURE_SELECT,
	TAG_QUEUE_SELECT,
	TAG_CONFIG_VECTOR,
	TAG_GENERATION,
	TAG_ISR,
	TAG_QUEUE_COUNT,
	TAG_MSIX = 32,
	TAG_PCI = 48,
	TAG_QUEUES = 10000,
	TAGS_PER_QUEUE = 16,
};

static void pause_work(struct mv_virtio *v)
{
	mv_virtio_listen(v, false);
	if (v->ops->pause)
		v->ops->pause(v);
}

static void pause_call(void *opaque)
{
	struct mv_virtio *v = opaque;

	if (!v->paused && v->active)
		pause_work(v);
	v->paused = true;
}

static void resume_call(void *opaque)
{
	struct mv_virtio *v = opaque;

	if (!v->paused)
		return;
	v->paused = false;
	if (!v->active)
		return;
	mv_virtio_listen(v, mv_virtio_may_work(v));
	if (v->ops->resume)
		v->ops->resume(v);
	/* After a restore no eventfd remembers what the guest notified before it was saved. */
	for (unsigned i = 0; v->ops->notify && i < v->queue_count && mv_virtio_may_work(v); i++)
		if (v->queues[i].enabled)
			mv_virtio_notify(v, i);
}

void mv_virtio_dev_pause(struct mv_dev *d)
{
	mv_loop_call(((struct mv_virtio *)d)->loop, pause_call, d);
}

void mv_virtio_dev_resume(struct mv_dev *d)
{
	mv_loop_call(((struct mv_virtio *)d)->loop, resume_call, d);
}

struct state_call {
	struct mv_virtio *v;
	struct mv_state *st;
};

static void visit_registers(struct mv_virtio *v, struct mv_state *st)
{
	struct mv_virtio_transport *t = v->transport;
	uint32_t count = v->queue_count;

	mv_state_u8(st, TAG_STATUS, &v->status);
	mv_state_u64(st, TAG_FEATURES, &v->features);
	mv_state_u64(st, TAG_DRIVER_FEATURES, &t->driver_features);
	mv_state_u32(st, TAG_DEVICE_FEATURE_SELECT, &t->device_feature_select);
	mv_state_u32(st, TAG_DRIVER_FEATURE_SELECT, &t->driver_feature_select);
	mv_state_u16(st, TAG_QUEUE_SELECT, &t->queue_select);
	mv_state_u16(st, TAG_CONFIG_VECTOR, &t->config_vector);
	mv_state_u8(st, TAG_GENERATION, &t->generation);
	mv_state_u8(st, TAG_ISR, &t->isr);
	mv_state_u32(st, TAG_QUEUE_COUNT, &count);
	if (count != v->queue_count)
		mv_state_fail(st, "The saved device '%s' has %u queues, this one has %u.", v->dev.id, count,
			      v->queue_count);
	if (v->status & MV_VIRTIO_S_FEATURES_OK && !mv_virtio_features_valid(v, v->features))
		mv_state_fail(st, "The saved guest uses features of '%s' that this host does not offer: 0x%llx.",
			      v->dev.id, (unsigned long long)(v->features & ~v->offered));
	if (v->status & MV_VIRTIO_S_DRIVER_OK && !(v->status & MV_VIRTIO_S_FEATURES_OK))
		mv_state_fail(st, "The saved status of '%s' cannot be: 0x%x.", v->dev.id, v->status);
}

/* Brings a loaded device to where it was: active, and paused at once, before its thread could see any work. */
static void reactivate(struct mv_virtio *v, struct mv_state *st)
{
	struct mv_error *err = NULL;

	if (!(v->status & MV_VIRTIO_S_DRIVER_OK) || v->status & MV_VIRTIO_S_NEEDS_RESET)
		return;
	if (mv_virtio_activate(v, &err) < 0)
		mv_state_fail(st, "The device '%s' cannot go on: %s", v->dev.id,
			      err ? err->message : "it does not start.");
	else
		pause_work(v);
	mv_error_free(err);
}

static void state_call(void *opaque)
{
	struct state_call *c = opaque;
	struct mv_virtio *v = c->v;
	bool loading = mv_state_loading(c->st);

	if (loading)
		mv_virtio_reset(v);
	visit_registers(v, c->st);
	mv_msix_state(&v->pci, c->st, TAG_MSIX);
	mv_pci_fn_state(&v->pci, c->st, TAG_PCI);
	if (loading)
		mv_virtio_set_queue_features(v);
	if (v->ops->state)
		v->ops->state(v, c->st);
	for (unsigned i = 0; i < v->queue_count; i++)
		mv_queue_state(&v->queues[i], c->st, (uint16_t)(TAG_QUEUES + i * TAGS_PER_QUEUE));
	if (!loading)
		return;
	v->paused = true;
	if (mv_state_ok(c->st))
		reactivate(v, c->st);
}

int mv_virtio_dev_state(struct mv_dev *d, struct mv_state *st, struct mv_error **err)
{
	struct state_call c = { .v = (struct mv_virtio *)d, .st = st };

	mv_loop_call(c.v->loop, state_call, &c);
	return mv_state_ok(st) ? 0 : mv_state_finish(st, err);
}
