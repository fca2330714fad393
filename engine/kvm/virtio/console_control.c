/* The control queues of virtio-console: which ports there are, what they are called, and who has them open. */
#include <string.h>

#include "engine/base/bytes.h"
#include "engine/kvm/virtio/console.h"

#define MESSAGE_SIZE 8 /* port (4), event (2), value (2); a name follows */

/* Events, in the order in which a port's messages are sent. */
enum {
	DEVICE_READY = 0,
	PORT_ADD = 1,
	PORT_READY = 3,
	CONSOLE_PORT = 4,
	PORT_OPEN = 6,
	PORT_NAME = 7,
};

#define PENDING(event) (1U << (event))

static bool multiport(const struct mv_console *c)
{
	return mv_virtio_has(&c->v, MV_CONSOLE_F_MULTIPORT);
}

void mv_console_check_queue(struct mv_console *c, unsigned index)
{
	if (c->v.queues[index].broken)
		mv_virtio_needs_reset(&c->v, c->v.queues[index].why);
}

/* 1: sent; 0: there is no buffer for it; -1: the device is broken now. */
static int send_message(struct mv_console *c, const struct mv_console_port *p, unsigned event)
{
	struct mv_queue *q = &c->v.queues[MV_CONSOLE_CONTROL_RX];
	uint8_t message[MESSAGE_SIZE + MV_CONSOLE_MAX_NAME];
	size_t len = MESSAGE_SIZE;
	struct mv_chain chain;
	int rc = mv_queue_pop(q, &chain);

	if (rc <= 0)
		return rc;
	mv_put_le32(message, p->index);
	mv_put_le16(message + 4, (uint16_t)event);
	mv_put_le16(message + 6, event == PORT_OPEN ? p->told_open : 1);
	if (event == PORT_NAME) {
		memcpy(message + len, p->name, strlen(p->name));
		len += strlen(p->name);
	}
	if (mv_chain_write(&chain, 0, message, len) < len) {
		mv_virtio_needs_reset(&c->v, "a buffer for control messages is too short for one");
		return -1;
	}
	mv_queue_push(q, chain.head, (uint32_t)len);
	return 1;
}

/* Sends what waits for one port; false: there are no buffers left. */
static bool send_pending(struct mv_console *c, struct mv_console_port *p)
{
	static const uint8_t order[] = { PORT_ADD, CONSOLE_PORT, PORT_NAME, PORT_OPEN };

	for (unsigned i = 0; i < sizeof(order); i++) {
		if (!(p->pending & PENDING(order[i])))
			continue;
		if (order[i] == PORT_OPEN)
			p->told_open = !p->told_open;
		if (send_message(c, p, order[i]) <= 0) {
			if (order[i] == PORT_OPEN)
				p->told_open = !p->told_open;
			return false;
		}
		p->pending &= (uint8_t)~PENDING(order[i]);
	}
	return true;
}

void mv_console_control_send(struct mv_console *c)
{
	struct mv_queue *q = &c->v.queues[MV_CONSOLE_CONTROL_RX];
	bool all = true;

	if (!c->v.active || c->v.paused || !multiport(c))
		return;
	for (uint32_t i = 0; i < c->count && all; i++)
		all = send_pending(c, &c->ports[i]);
	mv_virtio_interrupt(&c->v, MV_CONSOLE_CONTROL_RX);
	/* Buffers that came while we looked are for another turn. */
	if (all || q->broken)
		mv_queue_disable_notify(q);
	else if (mv_queue_enable_notify(q))
		mv_virtio_notify_again(&c->v, MV_CONSOLE_CONTROL_RX);
	mv_console_check_queue(c, MV_CONSOLE_CONTROL_RX);
}

void mv_console_control_loaded(struct mv_console_port *p)
{
	p->pending &= PENDING(PORT_ADD) | PENDING(CONSOLE_PORT) | PENDING(PORT_OPEN) |
		(p->name ? PENDING(PORT_NAME) : 0);
}

/* A console is there for the guest whether somebody looks or not, and keeps what it says. Another port is open while it
 * has a client, or its client's last words. */
static bool host_open(const struct mv_console_port *p)
{
	return p->is_console || p->clients || p->input_len;
}

void mv_console_port_update(struct mv_console_port *p)
{
	if (p->ready && host_open(p) != p->told_open)
		p->pending |= PENDING(PORT_OPEN);
	else
		p->pending &= (uint8_t)~PENDING(PORT_OPEN);
	if (p->pending)
		mv_console_control_send(p->console);
}

static void handle(struct mv_console *c, const uint8_t *message)
{
	uint32_t id = mv_get_le32(message);
	uint16_t event = mv_get_le16(message + 4), value = mv_get_le16(message + 6);
	struct mv_console_port *p = id < c->count ? &c->ports[id] : NULL;

	if (event == DEVICE_READY) {
		c->driver_ready = value == 1;
		for (uint32_t i = 0; i < c->count; i++) {
			c->ports[i].ready = false;
			c->ports[i].pending = c->driver_ready ? PENDING(PORT_ADD) : 0;
		}
	} else if (p && event == PORT_READY && c->driver_ready) {
		p->ready = value == 1;
		p->told_open = false;
		p->pending = 0;
		if (p->ready)
			p->pending |= (p->is_console ? PENDING(CONSOLE_PORT) : 0) | (p->name ? PENDING(PORT_NAME) : 0);
		mv_console_port_update(p);
	} else if (p && event == PORT_OPEN) {
		p->guest_open = value == 1;
		mv_console_port_opened(p);
	}
}

void mv_console_control_received(struct mv_console *c)
{
	struct mv_queue *q = &c->v.queues[MV_CONSOLE_CONTROL_TX];
	uint8_t message[MESSAGE_SIZE];
	struct mv_chain chain;

	if (!multiport(c))
		return;
	/* A driver that adds for as long as we take must not hold up the main loop. */
	for (unsigned n = 0; n < q->size && mv_queue_pop(q, &chain) == 1; n++) {
		if (mv_chain_read(&chain, 0, message, sizeof(message)) < sizeof(message)) {
			mv_virtio_needs_reset(&c->v, "a control message is shorter than 8 bytes");
			return;
		}
		mv_queue_push(q, chain.head, 0);
		handle(c, message);
	}
	mv_virtio_interrupt(&c->v, MV_CONSOLE_CONTROL_TX);
	if (mv_queue_enable_notify(q))
		mv_virtio_notify_again(&c->v, MV_CONSOLE_CONTROL_TX);
	mv_console_control_send(c);
}
