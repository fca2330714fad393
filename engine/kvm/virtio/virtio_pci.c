/* The life of a virtio device: status, features, queues, notifications, interrupts, saving. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "engine/kvm/virtio/virtio_pci.h"

#define STATUS_DRIVER_BITS                                                                                \
	(MV_VIRTIO_S_ACKNOWLEDGE | MV_VIRTIO_S_DRIVER | MV_VIRTIO_S_FEATURES_OK | MV_VIRTIO_S_DRIVER_OK | \
	 MV_VIRTIO_S_FAILED)

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

/* --- notifications -------------------------------------------------------------------------------------------------
 */

static uint64_t notify_address(uint64_t bar, unsigned index)
{
	return bar + MV_VIRTIO_BAR_NOTIFY + index * MV_VIRTIO_NOTIFY_MULTIPLIER;
}

/* Registers the ioeventfds, or moves or removes them, as BAR and device demand; notify_lock held. Without them the
 * guest's writes come through the bus and signal the same eventfds, only slower, so a failure is no error. */
static void sync_notify(struct mv_virtio *v)
{
	struct mv_virtio_transport *t = v->transport;
	struct mv_machine *m = v->dev.machine;
	bool wanted = t->notify_wanted && t->bar_mapped;

	if (!m->ops || !m->ops->notify_add)
		return;
	if (t->notify_registered && (!wanted || t->registered_at != t->bar_address)) {
		for (unsigned i = 0; i < t->kick_count; i++) {
			if (t->kicks[i].in_kernel)
				m->ops->notify_remove(m, MV_SPACE_MEMORY, notify_address(t->registered_at, i), 0,
						      t->kicks[i].fd);
			t->kicks[i].in_kernel = false;
		}
		t->notify_registered = false;
	}
	if (!wanted || t->notify_registered)
		return;
	for (unsigned i = 0; i < t->kick_count; i++)
		t->kicks[i].in_kernel = v->queues[i].enabled &&
			m->ops->notify_add(m, MV_SPACE_MEMORY, notify_address(t->bar_address, i), 0, t->kicks[i].fd) ==
				0;
	t->notify_registered = true;
	t->registered_at = t->bar_address;
}

static void bar_mapped(struct mv_pci_fn *fn, unsigned bar, uint64_t address, bool mapped)
{
	struct mv_virtio *v = mv_container_of(fn, struct mv_virtio, pci);
	struct mv_virtio_transport *t = v->transport;

	(void)bar;
	pthread_mutex_lock(&t->notify_lock);
	t->bar_mapped = mapped;
	t->bar_address = address;
	sync_notify(v);
	pthread_mutex_unlock(&t->notify_lock);
}

static void want_notify(struct mv_virtio *v, bool wanted)
{
	pthread_mutex_lock(&v->transport->notify_lock);
	v->transport->notify_wanted = wanted;
	sync_notify(v);
	pthread_mutex_unlock(&v->transport->notify_lock);
}

static bool may_work(const struct mv_virtio *v)
{
	return v->active && !v->paused && !(v->status & MV_VIRTIO_S_NEEDS_RESET);
}

static void notify(struct mv_virtio *v, unsigned index)
{
	const struct mv_queue *q = &v->queues[index];

	v->ops->notify(v, index);
	if (q->broken)
		mv_virtio_needs_reset(v, q->why);
}

static void on_kick(void *opaque, uint32_t events)
{
	struct mv_virtio_kick *k = opaque;
	eventfd_t value;

	(void)events;
	/* The round that paused or broke the device may have had this event already; it stays in the eventfd. */
	if (may_work(k->v) && eventfd_read(k->fd, &value) == 0)
		notify(k->v, k->index);
}

/* Kicks are looked at while the device may work; what comes at other times stays in the eventfd. */
static void listen_for_kicks(struct mv_virtio *v, bool on)
{
	for (unsigned i = 0; i < v->transport->kick_count; i++)
		if (v->transport->kicks[i].watch)
			mv_watch_set_events(v->transport->kicks[i].watch, on ? EPOLLIN : 0);
}

static int watch_kicks(struct mv_virtio *v, struct mv_error **err)
{
	for (unsigned i = 0; v->ops->notify && i < v->transport->kick_count; i++) {
		struct mv_virtio_kick *k = &v->transport->kicks[i];

		if (v->queues[i].enabled && mv_watch_add(v->loop, k->fd, EPOLLIN, on_kick, k, &k->watch, err) < 0)
			return -1;
	}
	return 0;
}

static void unwatch_kicks(struct mv_virtio *v)
{
	for (unsigned i = 0; i < v->transport->kick_count; i++) {
		mv_watch_remove(v->transport->kicks[i].watch);
		v->transport->kicks[i].watch = NULL;
	}
}

int mv_virtio_kick_fd(struct mv_virtio *v, unsigned queue)
{
	return queue < v->transport->kick_count ? v->transport->kicks[queue].fd : -1;
}

void mv_virtio_notify_again(struct mv_virtio *v, unsigned queue)
{
	eventfd_write(v->transport->kicks[queue].fd, 1);
}

/* --- interrupts ----------------------------------------------------------------------------------------------------
 */

static void raise_isr(struct mv_virtio *v, uint8_t bit, bool line)
{
	struct mv_virtio_transport *t = v->transport;

	pthread_mutex_lock(&t->isr_lock);
	t->isr |= bit;
	if (line)
		mv_pci_intx(&v->pci, true);
	pthread_mutex_unlock(&t->isr_lock);
}

void mv_virtio_interrupt(struct mv_virtio *v, unsigned queue)
{
	struct mv_queue *q = &v->queues[queue];

	if (!mv_queue_wants_interrupt(q))
		return;
	if (mv_msix_enabled(&v->pci))
		mv_msix_signal(&v->pci, __atomic_load_n(&q->vector, __ATOMIC_RELAXED));
	else
		raise_isr(v, MV_VIRTIO_ISR_QUEUE, true);
}

void mv_virtio_config_changed(struct mv_virtio *v)
{
	struct mv_virtio_transport *t = v->transport;
	bool msix = mv_msix_enabled(&v->pci);

	__atomic_add_fetch(&t->generation, 1, __ATOMIC_RELEASE);
	if (!(v->status & MV_VIRTIO_S_DRIVER_OK))
		return;
	raise_isr(v, MV_VIRTIO_ISR_CONFIG, !msix);
	if (msix)
		mv_msix_signal(&v->pci, __atomic_load_n(&t->config_vector, __ATOMIC_RELAXED));
}

int mv_virtio_call_fd(struct mv_virtio *v, unsigned queue)
{
	uint16_t vector = __atomic_load_n(&v->queues[queue].vector, __ATOMIC_RELAXED);

	return mv_msix_enabled(&v->pci) ? mv_msix_fd(&v->pci, vector) : -1;
}

/* --- status --------------------------------------------------------------------------------------------------------
 */

static void store_status(struct mv_virtio *v, uint8_t status)
{
	__atomic_store_n(&v->status, status, __ATOMIC_RELEASE);
}

void mv_virtio_needs_reset(struct mv_virtio *v, const char *why)
{
	char text[512];
	size_t len = strlen(why);

	if (v->status & MV_VIRTIO_S_NEEDS_RESET)
		return;
	/* `why` may be the message of an error, a sentence with its full stop. */
	len -= len && why[len - 1] == '.';
	snprintf(text, sizeof(text), "Device '%s' does nothing until its driver resets it: %.*s.", v->dev.id, (int)len,
		 why);
	for (unsigned i = 0; i < v->queue_count; i++)
		if (!v->queues[i].broken) {
			v->queues[i].broken = true;
			v->queues[i].why = "its device needs a reset";
		}
	listen_for_kicks(v, false);
	store_status(v, v->status | MV_VIRTIO_S_NEEDS_RESET);
	mv_virtio_config_changed(v);
	if (v->dev.machine->ops)
		mv_machine_event(v->dev.machine, MV_EVENT_DEVICE, 0, text);
}

static void set_queue_features(struct mv_virtio *v)
{
	for (unsigned i = 0; i < v->queue_count; i++) {
		v->queues[i].event_index = mv_virtio_has(v, MV_VIRTIO_F_EVENT_IDX);
		v->queues[i].indirect = mv_virtio_has(v, MV_VIRTIO_F_INDIRECT_DESC);
	}
}

/* A driver may take what was offered, and must take VERSION_1: there is no legacy interface (6.1). */
static bool features_valid(const struct mv_virtio *v, uint64_t features)
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
	if (!features_valid(v, features))
		return false;
	v->features = features;
	set_queue_features(v);
	return true;
}

static int activate(struct mv_virtio *v, struct mv_error **err)
{
	v->active = true;
	if (watch_kicks(v, err) < 0 || v->ops->activate(v, err) < 0) {
		unwatch_kicks(v);
		v->active = false;
		return -1;
	}
	want_notify(v, true);
	return 0;
}

static void clear_queues(struct mv_virtio *v)
{
	for (unsigned i = 0; i < v->queue_count; i++)
		mv_queue_reset(&v->queues[i]);
}

/* Device's thread. Afterwards nothing is left of what the driver did. */
static void reset(struct mv_virtio *v)
{
	struct mv_virtio_transport *t = v->transport;
	eventfd_t value;

	want_notify(v, false);
	unwatch_kicks(v);
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
		reset(v);
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
	if (added & MV_VIRTIO_S_DRIVER_OK && activate(v, &err) < 0)
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

/* --- creation ------------------------------------------------------------------------------------------------------
 */

static const struct mv_pci_ops pci_ops = {
	.config_read = mv_virtio_pci_config_read,
	.config_written = mv_virtio_pci_config_written,
	.bar = { .read = mv_virtio_pci_bar_read, .write = mv_virtio_pci_bar_write },
	.bar_mapped = bar_mapped,
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
	reset(opaque);
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

/* --- mv_dev_ops ----------------------------------------------------------------------------------------------------
 */

void mv_virtio_dev_reset(struct mv_dev *d)
{
	struct mv_virtio *v = (struct mv_virtio *)d;

	mv_loop_call(v->loop, reset_call, v);
	mv_pci_fn_reset(&v->pci);
}

static void pause_work(struct mv_virtio *v)
{
	listen_for_kicks(v, false);
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
	listen_for_kicks(v, may_work(v));
	if (v->ops->resume)
		v->ops->resume(v);
	/* After a restore no eventfd remembers what the guest notified before it was saved. */
	for (unsigned i = 0; v->ops->notify && i < v->queue_count && may_work(v); i++)
		if (v->queues[i].enabled)
			notify(v, i);
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
	if (v->status & MV_VIRTIO_S_FEATURES_OK && !features_valid(v, v->features))
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
	if (activate(v, &err) < 0)
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
		reset(v);
	visit_registers(v, c->st);
	mv_msix_state(&v->pci, c->st, TAG_MSIX);
	mv_pci_fn_state(&v->pci, c->st, TAG_PCI);
	if (loading)
		set_queue_features(v);
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
