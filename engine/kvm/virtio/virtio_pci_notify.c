/* Notifications in both directions: the guest's kicks, and interrupts for the guest. */
#include <sys/eventfd.h>

#include "engine/kvm/virtio/virtio_pci.h"

/* ---- notifications ---- */

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

void mv_virtio_bar_mapped(struct mv_pci_fn *fn, unsigned bar, uint64_t address, bool mapped)
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

void mv_virtio_want_notify(struct mv_virtio *v, bool wanted)
{
	pthread_mutex_lock(&v->transport->notify_lock);
	v->transport->notify_wanted = wanted;
	sync_notify(v);
	pthread_mutex_unlock(&v->transport->notify_lock);
}

bool mv_virtio_may_work(const struct mv_virtio *v)
{
	return v->active && !v->paused && !(v->status & MV_VIRTIO_S_NEEDS_RESET);
}

void mv_virtio_notify(struct mv_virtio *v, unsigned index)
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
	if (mv_virtio_may_work(k->v) && eventfd_read(k->fd, &value) == 0)
		mv_virtio_notify(k->v, k->index);
}

/* Kicks are looked at while the device may work; what comes at other times stays in the eventfd. */
void mv_virtio_listen(struct mv_virtio *v, bool on)
{
	for (unsigned i = 0; i < v->transport->kick_count; i++)
		if (v->transport->kicks[i].watch)
			mv_watch_set_events(v->transport->kicks[i].watch, on ? EPOLLIN : 0);
}

int mv_virtio_watch(struct mv_virtio *v, struct mv_error **err)
{
	for (unsigned i = 0; v->ops->notify && i < v->transport->kick_count; i++) {
		struct mv_virtio_kick *k = &v->transport->kicks[i];

		if (v->queues[i].enabled && mv_watch_add(v->loop, k->fd, EPOLLIN, on_kick, k, &k->watch, err) < 0)
			return -1;
	}
	return 0;
}

void mv_virtio_unwatch(struct mv_virtio *v)
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

/* ---- interrupts ---- */

static void raise_isr(struct mv_virtio *v, uint8_t bit, bool line)
{
	struct mv_virtio_transport *t = v->transport;

	pthread_mutex_lock(&t->isr_lock);
	t->isr |= bit;
	if (line)
		mv_pci_intx(&v->pci, true);
	pthread_mutex_unlock(&t->isr_lock);
}

static void interrupt(struct mv_virtio *v, const struct mv_queue *q)
{
	if (mv_msix_enabled(&v->pci))
		mv_msix_signal(&v->pci, __atomic_load_n(&q->vector, __ATOMIC_RELAXED));
	else
		raise_isr(v, MV_VIRTIO_ISR_QUEUE, true);
}

void mv_virtio_interrupt(struct mv_virtio *v, unsigned queue)
{
	if (mv_queue_wants_interrupt(&v->queues[queue]))
		interrupt(v, &v->queues[queue]);
}

int mv_virtio_interrupt_fd(struct mv_virtio *v, unsigned queue)
{
	int fd;

	if (!mv_queue_wants_interrupt(&v->queues[queue]))
		return -1;
	fd = mv_virtio_call_fd(v, queue);
	if (fd < 0)
		interrupt(v, &v->queues[queue]);
	return fd;
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
