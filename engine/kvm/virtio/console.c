/* virtio-console (VIRTIO 1.2, section 5.3): up to 31 named ports, each with a client's socket at the other end. */
#include "engine/kvm/virtio/console.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "engine/base/bytes.h"
#include "engine/kvm/virtio/devices.h"

#define DEVICE_ID 3
#define DATA_QUEUE_SIZE 64
#define CONTROL_QUEUE_SIZE 64
#define CONFIG_SIZE 12
#define CONFIG_MAX_PORTS 4
#define CONFIG_EMERGENCY 8
/* The device shares the main loop with others: one turn of a port takes no more than this from the guest. */
#define TURN_BYTES (256 * 1024)

/* Port 0 has the first two queues, then come the control queues, then the other ports (5.3.2). */
static unsigned rx_queue(const struct mv_console_port *p)
{
	return p->index ? 2 * p->index + 2 : 0;
}

static unsigned tx_queue(const struct mv_console_port *p)
{
	return rx_queue(p) + 1;
}

static bool works(const struct mv_console *c)
{
	return c->v.active && !c->v.paused;
}

static bool takes_input(const struct mv_console_port *p)
{
	return works(p->console) &&
		(p->guest_open || (p->index == 0 && !mv_virtio_has(&p->console->v, MV_CONSOLE_F_MULTIPORT)));
}

/* ---- clients to guest ---- */

/* Moves waiting input into the guest's buffers. */
static void deliver(struct mv_console_port *p)
{
	struct mv_console *c = p->console;
	unsigned index = rx_queue(p);
	struct mv_queue *q = &c->v.queues[index];
	struct mv_chain chain;
	unsigned turns = 0;

	if (!works(c))
		return;
	while (p->input_len && turns++ < q->size && mv_queue_pop(q, &chain) == 1) {
		size_t n = mv_chain_write(&chain, 0, p->input, p->input_len);

		mv_queue_push(q, chain.head, (uint32_t)n);
		p->input_len -= (uint32_t)n;
		memmove(p->input, p->input + n, p->input_len);
	}
	mv_virtio_interrupt(&c->v, index);
	if (!p->input_len)
		mv_queue_disable_notify(q);
	else if (mv_queue_enable_notify(q))
		mv_virtio_notify_again(&c->v, index);
	mv_console_check_queue(c, index);
	mv_console_port_update(p);
	if (p->input_len < sizeof(p->input))
		mv_chardev_ready(p->chardev);
}

static size_t room(void *opaque)
{
	const struct mv_console_port *p = opaque;

	return takes_input(p) ? sizeof(p->input) - p->input_len : 0;
}

static void receive(void *opaque, const uint8_t *data, size_t len)
{
	struct mv_console_port *p = opaque;

	memcpy(p->input + p->input_len, data, len);
	p->input_len += (uint32_t)len;
	deliver(p);
}

static void clients_changed(void *opaque, int clients)
{
	struct mv_console_port *p = opaque;

	p->clients = clients;
	mv_console_port_update(p);
}

void mv_console_port_opened(struct mv_console_port *p)
{
	/* What the last program did not read is not for the next one. */
	if (!p->guest_open)
		p->input_len = 0;
	mv_console_port_update(p);
	if (p->guest_open)
		mv_chardev_ready(p->chardev);
}

/* ---- guest to clients ---- */

/* How much may be written now. A console's viewer that does not read loses the oldest; another port is a channel, where
 * nothing may be lost while somebody is at its other end: the guest waits. */
static size_t room_for_output(const struct mv_console_port *p)
{
	return p->is_console ? TURN_BYTES : MV_CHARDEV_HISTORY - mv_chardev_backlog(p->chardev);
}

/* Takes at most *budget bytes of a chain, from where the last turn ended; true when it is done. */
static bool take_chain(struct mv_console_port *p, const struct mv_chain *chain, size_t *budget)
{
	uint8_t buf[4096];
	size_t space = 0;

	while (p->tx_done < chain->readable_bytes) {
		size_t n;

		/* Asked again when it is used up: who sees a backlog is told when it is gone. */
		if (!space)
			space = room_for_output(p);
		n = space < *budget ? space : *budget;
		n = mv_chain_read(chain, p->tx_done, buf, n < sizeof(buf) ? n : sizeof(buf));
		if (!n)
			return false;
		mv_chardev_write(p->chardev, buf, n);
		p->tx_done += n;
		space -= n;
		*budget -= n;
	}
	return true;
}

static void take_output(struct mv_console_port *p)
{
	struct mv_console *c = p->console;
	unsigned index = tx_queue(p), turns = 0;
	struct mv_queue *q = &c->v.queues[index];
	size_t budget = TURN_BYTES;
	struct mv_chain chain;
	bool stopped = false;

	if (!works(c))
		return;
	while (!stopped && turns++ < q->size && mv_queue_pop(q, &chain) == 1) {
		if (take_chain(p, &chain, &budget)) {
			p->tx_done = 0;
			mv_queue_push(q, chain.head, 0);
		} else {
			/* Given back, so that nothing is held when the machine is paused or saved. */
			mv_queue_unpop(q);
			stopped = true;
		}
	}
	mv_virtio_interrupt(&c->v, index);
	/* Out of budget: another turn. Out of room: drained() goes on. */
	if (stopped && budget)
		mv_queue_disable_notify(q);
	else if (mv_queue_enable_notify(q))
		mv_virtio_notify_again(&c->v, index);
	mv_console_check_queue(c, index);
}

static void drained(void *opaque)
{
	take_output(opaque);
}

static const struct mv_chardev_ops chardev_ops = {
	.room = room,
	.receive = receive,
	.opened = clients_changed,
	.drained = drained,
};

/* ---- the virtio device ---- */

static void console_notify(struct mv_virtio *v, unsigned index)
{
	struct mv_console *c = (struct mv_console *)v;
	struct mv_console_port *p = &c->ports[index < 2 ? 0 : index / 2 - 1];

	if (index == MV_CONSOLE_CONTROL_RX)
		mv_console_control_send(c);
	else if (index == MV_CONSOLE_CONTROL_TX)
		mv_console_control_received(c);
	else if (index % 2 == 0)
		deliver(p);
	else
		take_output(p);
}

static void console_config_read(struct mv_virtio *v, uint32_t offset, void *buf, unsigned len)
{
	uint8_t config[CONFIG_SIZE] = { 0 }; /* its size in characters is not offered: nobody told us */

	mv_put_le32(config + CONFIG_MAX_PORTS, ((struct mv_console *)v)->count);
	memcpy(buf, config + offset, len);
}

/* Emergency write: a character from a kernel that has not set up its queues yet. */
static void console_config_write(struct mv_virtio *v, uint32_t offset, const void *buf, unsigned len)
{
	if (offset == CONFIG_EMERGENCY && len)
		mv_chardev_write(((struct mv_console *)v)->ports[0].chardev, buf, 1);
}

static int console_activate(struct mv_virtio *v, struct mv_error **err)
{
	struct mv_console *c = (struct mv_console *)v;

	(void)err;
	for (uint32_t i = 0; i < c->count; i++)
		mv_chardev_ready(c->ports[i].chardev);
	return 0;
}

static void console_reset(struct mv_virtio *v)
{
	struct mv_console *c = (struct mv_console *)v;

	c->driver_ready = false;
	for (uint32_t i = 0; i < c->count; i++) {
		struct mv_console_port *p = &c->ports[i];

		p->ready = p->guest_open = p->told_open = false;
		p->pending = 0;
		p->tx_done = 0;
		p->input_len = 0;
	}
}

/* The transport notifies all queues afterwards. */
static void console_resume(struct mv_virtio *v)
{
	struct mv_console *c = (struct mv_console *)v;

	for (uint32_t i = 0; i < c->count; i++) {
		/* Clients do not come along when a guest is saved and restored. */
		mv_console_port_update(&c->ports[i]);
		mv_chardev_ready(c->ports[i].chardev);
	}
}

static void port_state(struct mv_console_port *p, struct mv_state *st, uint16_t tag)
{
	mv_state_bool(st, tag, &p->ready);
	mv_state_bool(st, tag + 1, &p->guest_open);
	mv_state_bool(st, tag + 2, &p->told_open);
	mv_state_u8(st, tag + 3, &p->pending);
	mv_state_u64(st, tag + 4, &p->tx_done);
	mv_state_u32(st, tag + 5, &p->input_len);
	mv_state_bytes(st, tag + 6, p->input, sizeof(p->input));
	if (p->input_len > sizeof(p->input)) {
		mv_state_fail(st, "port %u has %u bytes of input where %zu fit", p->index, p->input_len,
			      sizeof(p->input));
		p->input_len = 0;
	}
	if (mv_state_loading(st))
		mv_console_control_loaded(p);
}

static void console_state(struct mv_virtio *v, struct mv_state *st)
{
	struct mv_console *c = (struct mv_console *)v;

	mv_state_bool(st, 1000, &c->driver_ready);
	for (uint32_t i = 0; i < c->count; i++)
		port_state(&c->ports[i], st, (uint16_t)(1010 + i * 10));
}

static const struct mv_virtio_ops console_ops = {
	.device_id = DEVICE_ID,
	.class_code = 0x078000, /* communication controller, other */
	.config_size = CONFIG_SIZE,
	.config_read = console_config_read,
	.config_write = console_config_write,
	.activate = console_activate,
	.reset = console_reset,
	.notify = console_notify,
	.resume = console_resume,
	.state = console_state,
};

/* ---- mv_dev_ops ---- */

static int create_port(struct mv_console *c, uint32_t index, const struct mv_console_port_spec *spec,
		       struct mv_error **err)
{
	struct mv_console_port *p = &c->ports[index];
	int log_fd = -1;

	if (spec->name && strlen(spec->name) > MV_CONSOLE_MAX_NAME)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "The name of port %u of '%s' has %zu characters; at most %d are possible.", index,
				    c->v.dev.id, strlen(spec->name), MV_CONSOLE_MAX_NAME);
	p->console = c;
	p->index = index;
	p->is_console = spec->is_console;
	if (spec->name && !(p->name = strdup(spec->name)))
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the console '%s'.", c->v.dev.id);
	/* A copy, because a later port may fail, and then the caller keeps his. */
	if (spec->log_fd >= 0) {
		log_fd = fcntl(spec->log_fd, F_DUPFD_CLOEXEC, 0);
		if (log_fd < 0)
			return mv_error_set_errno(err, errno, "Cannot use the log of port %u of '%s'", index,
						  c->v.dev.id);
	}
	if (mv_chardev_create(c->v.dev.machine->loop, log_fd, &chardev_ops, p, &p->chardev, err) < 0) {
		if (log_fd >= 0)
			close(log_fd);
		return -1;
	}
	return 0;
}

static int console_create(struct mv_dev *d, const struct mv_device_spec *spec, struct mv_error **err)
{
	struct mv_console *c = (struct mv_console *)d;
	const struct mv_console_spec *wanted = &spec->console;
	uint16_t sizes[2 * MV_MAX_CONSOLE_PORTS + 2];

	if (!wanted->count || wanted->count > MV_MAX_CONSOLE_PORTS)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "The console '%s' has %u ports; it can have 1 to %d.", d->id, wanted->count,
				    MV_MAX_CONSOLE_PORTS);
	c->ports = calloc(wanted->count, sizeof(*c->ports));
	if (!c->ports)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the console '%s'.", d->id);
	for (; c->count < wanted->count; c->count++)
		if (create_port(c, c->count, &wanted->ports[c->count], err) < 0) {
			c->count++; /* its half-made port is for destroy */
			return -1;
		}
	for (unsigned i = 0; i < MV_ARRAY_SIZE(sizes); i++)
		sizes[i] = i == MV_CONSOLE_CONTROL_RX || i == MV_CONSOLE_CONTROL_TX ? CONTROL_QUEUE_SIZE :
										      DATA_QUEUE_SIZE;
	c->v.offered = UINT64_C(1) << MV_CONSOLE_F_MULTIPORT | UINT64_C(1) << MV_CONSOLE_F_EMERG_WRITE;
	if (mv_virtio_init(&c->v, &console_ops, spec->slot, false, 2 * c->count + 2, sizes, err) < 0)
		return -1;
	for (uint32_t i = 0; i < wanted->count; i++)
		if (wanted->ports[i].log_fd >= 0)
			close(wanted->ports[i].log_fd);
	return 0;
}

static void console_destroy(struct mv_dev *d)
{
	struct mv_console *c = (struct mv_console *)d;

	mv_virtio_release(&c->v);
	for (uint32_t i = 0; i < c->count; i++) {
		mv_chardev_free(c->ports[i].chardev);
		free(c->ports[i].name);
	}
	free(c->ports);
}

/* "0", "1", ...; "" is the only port of a console that has one. */
static struct mv_chardev *console_chardev(struct mv_dev *d, const char *port)
{
	struct mv_console *c = (struct mv_console *)d;
	char *end;
	unsigned long index;

	if (!*port)
		return c->count == 1 ? c->ports[0].chardev : NULL;
	if (*port < '0' || *port > '9')
		return NULL;
	errno = 0;
	index = strtoul(port, &end, 10);
	return errno || *end || index >= c->count ? NULL : c->ports[index].chardev;
}

const struct mv_dev_ops mv_console_dev_ops = {
	.name = "virtio-console",
	.size = sizeof(struct mv_console),
	.version = 1,
	.create = console_create,
	.reset = mv_virtio_dev_reset,
	.state = mv_virtio_dev_state,
	.destroy = console_destroy,
	.pause = mv_virtio_dev_pause,
	.resume = mv_virtio_dev_resume,
	.chardev = console_chardev,
};
