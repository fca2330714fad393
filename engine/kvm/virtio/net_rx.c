/* Receiving: packets are read from the tap straight into guest buffers.
 *
 * The guest's buffers are taken from the ring ahead of the packet (the window), as many as packets lately needed, and
 * one more segment of our own follows them. So a system call reads one packet whatever its size, nothing is copied in
 * the usual case, and a packet that turns out larger than the window has its end in our segment, from where it is
 * copied into further buffers, as soon as the guest has some. */
#include "engine/kvm/virtio/net.h"

#include <errno.h>
#include <string.h>

#include "engine/base/bytes.h"

#define WANTED_MIN 2048
#define SMALL_LIMIT 32 /* so many small packets in a row make the window smaller */
#define SIGNAL_BYTES (128 * 1024)
#define DISCARD_LIMIT 65536
#define FRAME_HEAD 16 /* addresses, type, VLAN tag */

static bool mergeable(const struct mv_net_pair *p)
{
	return mv_virtio_has(&p->net->v, MV_NET_F_MRG_RXBUF);
}

static struct mv_net_buffer *first_buffer(struct mv_net_window *w)
{
	return &w->buffers[w->first_buffer];
}

/* Makes the free room of both arrays one piece at their ends. */
static void compact(struct mv_net_window *w)
{
	memmove(w->iov, w->iov + w->first_iov, w->iov_count * sizeof(w->iov[0]));
	w->first_iov = 0;
	memmove(w->buffers, w->buffers + w->first_buffer, w->buffer_count * sizeof(w->buffers[0]));
	w->first_buffer = 0;
}

static void add_buffer(struct mv_net_window *w, uint16_t head, unsigned segments, uint32_t bytes)
{
	if (w->first_buffer + w->buffer_count == MV_QUEUE_MAX_SIZE)
		compact(w);
	w->buffers[w->first_buffer + w->buffer_count++] = (struct mv_net_buffer){ .head = head,
										  .segments = (uint16_t)segments,
										  .bytes = bytes };
}

static bool pop(struct mv_net_pair *p, struct mv_chain *chain)
{
	int got = mv_queue_pop(p->rx_queue, chain);

	if (got < 0)
		mv_net_fail(p->net, p->rx_queue->why);
	return got > 0;
}

/* Takes one more buffer into the window; false: none is there, or no room. */
static bool take_buffer(struct mv_net_pair *p)
{
	struct mv_net_window *w = &p->window;
	struct mv_chain chain;
	unsigned segments;
	uint32_t bytes = 0;

	if (w->iov_count == MV_NET_WINDOW || w->buffer_count == MV_QUEUE_MAX_SIZE || !pop(p, &chain))
		return false;
	segments = chain.writable < MV_NET_WINDOW ? chain.writable : MV_NET_WINDOW; /* the rest of it stays unused */
	for (unsigned i = 0; i < segments; i++) {
		struct iovec *v = &chain.iov[chain.readable + i];

		/* More than a packet is never needed; this also keeps the sums small. */
		if (v->iov_len > MV_NET_MAX_PACKET - bytes)
			v->iov_len = MV_NET_MAX_PACKET - bytes;
		bytes += (uint32_t)v->iov_len;
	}
	if (w->buffer_count && (segments > MV_NET_WINDOW - w->iov_count || bytes < MV_NET_HEADER)) {
		mv_queue_unpop(p->rx_queue);
		return false;
	}
	if (bytes < MV_NET_HEADER) {
		/* No use to us. It goes back at once, which it can because no buffer waits before it. */
		mv_queue_push(p->rx_queue, chain.head, 0);
		mv_net_count(&p->rx.errors, 1);
		return true;
	}
	if (w->first_iov + w->iov_count + segments > MV_NET_WINDOW)
		compact(w);
	memcpy(w->iov + w->first_iov + w->iov_count, chain.iov + chain.readable, segments * sizeof(w->iov[0]));
	w->iov_count += segments;
	w->bytes += bytes;
	add_buffer(w, chain.head, segments, bytes);
	return true;
}

/* Has buffers ready for the next packet; false: there is none. */
static bool prepare(struct mv_net_pair *p)
{
	struct mv_net_window *w = &p->window;

	if (!mergeable(p)) {
		while (!w->buffer_count && take_buffer(p)) {
		}
		return w->buffer_count > 0;
	}
	if (w->wanted < WANTED_MIN) /* after reset */
		w->wanted = WANTED_MIN;
	while (w->bytes < w->wanted && take_buffer(p)) {
	}
	return w->buffer_count > 0;
}

/* Copies from the packet that was just read, wherever its bytes lie. */
static void peek(const struct mv_net_window *w, uint32_t offset, void *buf, size_t len)
{
	uint8_t *out = buf;

	for (unsigned i = 0; i < w->iov_count && len; i++) {
		const struct iovec *v = &w->iov[w->first_iov + i];
		size_t part;

		if (offset >= v->iov_len) {
			offset -= (uint32_t)v->iov_len;
			continue;
		}
		part = v->iov_len - offset < len ? v->iov_len - offset : len;
		memcpy(out, (uint8_t *)v->iov_base + offset, part);
		out += part;
		len -= part;
		offset = 0;
	}
	if (len)
		memcpy(out, w->overflow + offset, len);
}

/* The tap leaves num_buffers to us. It lies in the first buffer, which holds a whole header. */
static void put_buffer_count(struct mv_net_window *w, uint16_t count)
{
	uint8_t bytes[2];
	size_t offset = MV_NET_HEADER - sizeof(bytes);
	unsigned i = w->first_iov, n = 0;

	mv_put_le16(bytes, count);
	while (n < sizeof(bytes)) {
		const struct iovec *v = &w->iov[i];

		if (offset >= v->iov_len) {
			offset -= v->iov_len;
			i++;
			continue;
		}
		((uint8_t *)v->iov_base)[offset++] = bytes[n++];
	}
}

/* Forgets the first `count` buffers, which were given back. */
static void drop_buffers(struct mv_net_window *w, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct mv_net_buffer *b = first_buffer(w);

		w->bytes -= b->bytes;
		w->iov_count -= b->segments;
		w->first_iov += b->segments;
		w->first_buffer++;
		w->buffer_count--;
	}
	if (!w->iov_count)
		w->first_iov = 0;
	if (!w->buffer_count)
		w->first_buffer = 0;
}

static void adapt(struct mv_net_window *w, uint32_t packet)
{
	if (packet > w->wanted) {
		w->wanted = MV_NET_MAX_PACKET;
		w->small = 0;
	} else if (packet >= w->wanted / 4) {
		w->small = 0;
	} else if (++w->small >= SMALL_LIMIT) {
		w->wanted /= 2;
		w->small = 0;
	}
}

/* The packet is in the first `count` buffers of the window; `tail` of its bytes are in the last of them. */
static void deliver(struct mv_net_pair *p, unsigned count, uint32_t packet, uint32_t tail)
{
	struct mv_net_window *w = &p->window;

	put_buffer_count(w, (uint16_t)count);
	for (unsigned i = 0; i < count; i++) {
		const struct mv_net_buffer *b = first_buffer(w) + i;

		mv_queue_fill(p->rx_queue, i, b->head, i + 1 < count ? b->bytes : tail);
	}
	mv_queue_flush(p->rx_queue, count);
	drop_buffers(w, count);
	adapt(w, packet);
	mv_net_count(&p->rx.packets, 1);
	mv_net_count(&p->rx.bytes, packet - MV_NET_HEADER);
}

/* Puts the end of the packet into further buffers. False: more are needed. */
static bool place_overflow(struct mv_net_pair *p)
{
	struct mv_net_window *w = &p->window;
	uint32_t inside = 0, packet;

	for (unsigned i = 0; i < w->iov_count; i++)
		inside += (uint32_t)w->iov[w->first_iov + i].iov_len;
	for (;;) {
		struct mv_chain chain;
		uint32_t part;

		if (w->buffer_count == MV_QUEUE_MAX_SIZE || !pop(p, &chain))
			return false;
		part = (uint32_t)mv_chain_write(&chain, 0, w->overflow + (w->placed - inside), w->packet - w->placed);
		/* No segments: the window's next packet does not go there. */
		add_buffer(w, chain.head, 0, 0);
		first_buffer(w)[w->buffer_count - 1].bytes = part;
		w->bytes += part;
		w->placed += part;
		if (w->placed < w->packet)
			continue;
		packet = w->packet;
		w->packet = 0;
		deliver(p, w->buffer_count, packet, part);
		return true;
	}
}

static void drop_packet(struct mv_net_pair *p)
{
	p->window.packet = 0;
	mv_net_count(&p->rx.drops, 1);
}

/* Untakes all buffers of the window. */
static void rewind_window(struct mv_net_pair *p)
{
	struct mv_net_window *w = &p->window;

	for (unsigned i = 0; i < w->buffer_count; i++)
		mv_queue_unpop(p->rx_queue);
	w->first_buffer = w->buffer_count = 0;
	w->first_iov = w->iov_count = 0;
	w->bytes = 0;
}

/* A packet of n bytes is in the window, its end perhaps in the overflow segment. False: it waits for buffers. */
static bool accept(struct mv_net_pair *p, uint32_t n)
{
	struct mv_net_window *w = &p->window;
	uint32_t sum = 0;
	unsigned count = 0;

	if (n < MV_NET_HEADER) {
		mv_net_count(&p->rx.errors, 1);
		return true;
	}
	if (!mv_net_filter_open(p->net)) {
		uint8_t frame[FRAME_HEAD] = { 0 };
		size_t len = n - MV_NET_HEADER < sizeof(frame) ? n - MV_NET_HEADER : sizeof(frame);

		peek(w, MV_NET_HEADER, frame, len);
		if (!mv_net_filter_passes(p->net, frame))
			return true; /* the next packet overwrites it */
	}
	if (n > w->bytes) {
		if (!mergeable(p)) {
			drop_packet(p);
			return true;
		}
		w->packet = n;
		w->placed = w->bytes;
		return place_overflow(p);
	}
	while (sum < n)
		sum += first_buffer(w)[count++].bytes;
	deliver(p, count, n, n - (sum - first_buffer(w)[count - 1].bytes));
	return true;
}

/* Reads one packet. Its length; 0: the tap is empty or failed. */
static uint32_t read_packet(struct mv_net_pair *p)
{
	struct mv_net_window *w = &p->window;
	struct iovec *iov = w->iov + w->first_iov;
	ssize_t n;

	iov[w->iov_count] = (struct iovec){ .iov_base = w->overflow, .iov_len = MV_NET_MAX_PACKET };
	do {
		n = readv(p->fd, iov, (int)w->iov_count + 1);
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		return (uint32_t)n;
	p->readable = false;
	if (n < 0 && errno == EAGAIN)
		return 0;
	mv_net_count(&p->rx.errors, 1);
	mv_net_lost(p, n < 0 ? errno : EPIPE);
	return 0;
}

/* No buffer is there. True: some came at the last moment; false: the guest's notification will call us. */
static bool wait_for_buffers(struct mv_net_pair *p)
{
	struct mv_queue *q = p->rx_queue;

	/* All that the guest can ever give is there, and it is not enough for this packet. */
	if (p->window.packet && p->window.buffer_count >= q->size) {
		drop_packet(p);
		rewind_window(p);
		return true;
	}
	if (!mv_queue_enable_notify(q))
		return false;
	mv_queue_disable_notify(q);
	return true;
}

bool mv_net_rx_run(struct mv_net_pair *p, unsigned budget)
{
	uint64_t signalled = p->rx.bytes;
	bool more = true;

	if (!p->steered || !p->readable || !p->rx_queue->enabled)
		return false;
	mv_queue_disable_notify(p->rx_queue);
	for (; budget && p->net->running; budget--) {
		uint32_t n;

		if (p->window.packet ? !place_overflow(p) : !prepare(p)) {
			if (p->net->failed || !wait_for_buffers(p)) {
				more = false;
				break;
			}
			continue;
		}
		n = read_packet(p);
		if (!n) {
			more = false;
			break;
		}
		accept(p, n);
		/* Let the guest begin with what it has while more is read. */
		if (p->rx.bytes - signalled >= SIGNAL_BYTES) {
			signalled = p->rx.bytes;
			mv_virtio_interrupt(&p->net->v, 2 * p->index);
		}
	}
	mv_virtio_interrupt(&p->net->v, 2 * p->index);
	return more && p->net->running;
}

void mv_net_rx_stop(struct mv_net_pair *p)
{
	if (p->window.packet)
		drop_packet(p);
	rewind_window(p);
}

void mv_net_rx_discard(struct mv_net_pair *p)
{
	for (unsigned i = 0; i < DISCARD_LIMIT; i++) {
		ssize_t n = read(p->fd, p->window.overflow, MV_NET_MAX_PACKET);

		if (n <= 0 && errno != EINTR)
			return;
	}
}
