/* The keyboard controller of a PC with nothing plugged in: guests use it to reset themselves, and to find out that
 * there is neither keyboard nor mouse. */
#include "engine/kvm/dev/platform.h"

#define PORT_DATA 0x60
#define PORT_COMMAND 0x64
#define IRQ_KEYBOARD 1
#define IRQ_MOUSE 12

#define STATUS_OUTPUT_FULL 0x01
#define STATUS_SYSTEM 0x04  /* the self test has passed */
#define STATUS_COMMAND 0x08 /* the last write went to the command port */
#define STATUS_UNLOCKED 0x10
#define STATUS_MOUSE 0x20 /* the byte comes from the second port */
#define STATUS_TIMEOUT 0x40

#define CONFIG_KEYBOARD_IRQ 0x01
#define CONFIG_MOUSE_IRQ 0x02
#define CONFIG_SYSTEM 0x04
#define CONFIG_KEYBOARD_OFF 0x10
#define CONFIG_MOUSE_OFF 0x20

#define OUTPUT_NO_RESET 0x01
#define OUTPUT_A20 0x02

#define ANSWER_RESEND 0xfe /* with STATUS_TIMEOUT: nobody at the other end */
#define ANSWER_SELF_TEST 0x55

/* A command whose data byte comes next at the data port. */
enum {
	NO_COMMAND = 0,
	WRITE_CONFIG = 0x60,
	WRITE_OUTPUT_PORT = 0xd1,
	LOOP_KEYBOARD = 0xd2,
	LOOP_MOUSE = 0xd3,
	TO_MOUSE = 0xd4
};

struct i8042 {
	struct mv_dev dev;
	unsigned added; /* how many of the two ports are on the bus */
	/* Guarded by dev.lock. */
	uint8_t config, command, output, flags;
	bool full;         /* `output` waits for the guest, with these status flags */
	bool last_command; /* STATUS_COMMAND */
};

static void update_irqs(struct i8042 *k)
{
	bool mouse = k->flags & STATUS_MOUSE;

	mv_irq_set(k->dev.machine->irq, IRQ_KEYBOARD, 0, k->full && !mouse && k->config & CONFIG_KEYBOARD_IRQ);
	mv_irq_set(k->dev.machine->irq, IRQ_MOUSE, 0, k->full && mouse && k->config & CONFIG_MOUSE_IRQ);
}

static void answer(struct i8042 *k, uint8_t byte, uint8_t flags)
{
	k->output = byte;
	k->flags = flags;
	k->full = true;
}

/* Returns true when the guest resets itself. */
static bool command(struct i8042 *k, uint8_t value)
{
	k->last_command = true;
	k->command = NO_COMMAND;
	switch (value) {
	case 0x20: answer(k, k->config, 0); break;
	case 0xa7: k->config |= CONFIG_MOUSE_OFF; break;
	case 0xa8: k->config &= ~CONFIG_MOUSE_OFF; break;
	case 0xa9: answer(k, 0x00, 0); break; /* the wires are fine, as is the keyboard's */
	case 0xaa:
		k->config |= CONFIG_SYSTEM;
		answer(k, ANSWER_SELF_TEST, 0);
		break;
	case 0xab: answer(k, 0x00, 0); break;
	case 0xad: k->config |= CONFIG_KEYBOARD_OFF; break;
	case 0xae: k->config &= ~CONFIG_KEYBOARD_OFF; break;
	case 0xc0: answer(k, 0x80, 0); break; /* input port: keyboard not locked */
	case 0xd0: answer(k, OUTPUT_NO_RESET | OUTPUT_A20, 0); break;
	case WRITE_CONFIG:
	case WRITE_OUTPUT_PORT:
	case LOOP_KEYBOARD:
	case LOOP_MOUSE:
	case TO_MOUSE: k->command = value; break;
	default:
		/* 0xf0-0xff pulse those of the output port's low lines whose bit is zero; the lowest is the processor's
		 * reset. */
		return value >= 0xf0 && !(value & OUTPUT_NO_RESET);
	}
	return false;
}

static bool data(struct i8042 *k, uint8_t value)
{
	uint8_t waiting = k->command;

	k->last_command = false;
	k->command = NO_COMMAND;
	switch (waiting) {
	case WRITE_CONFIG: k->config = value; break;
	case WRITE_OUTPUT_PORT: return !(value & OUTPUT_NO_RESET);
	case LOOP_KEYBOARD: answer(k, value, 0); break;
	case LOOP_MOUSE: answer(k, value, STATUS_MOUSE); break;
	case TO_MOUSE: answer(k, ANSWER_RESEND, STATUS_MOUSE | STATUS_TIMEOUT); break;
	default: answer(k, ANSWER_RESEND, STATUS_TIMEOUT); break; /* for the keyboard */
	}
	return false;
}

static void data_read(void *opaque, uint64_t offset, void *buf, unsigned len)
{
	struct i8042 *k = opaque;

	(void)offset;
	(void)len; /* 1: the ranges have no more */
	pthread_mutex_lock(&k->dev.lock);
	*(uint8_t *)buf = k->output;
	k->full = false;
	k->flags = 0;
	update_irqs(k);
	pthread_mutex_unlock(&k->dev.lock);
}

static void status_read(void *opaque, uint64_t offset, void *buf, unsigned len)
{
	struct i8042 *k = opaque;

	(void)offset;
	(void)len;
	pthread_mutex_lock(&k->dev.lock);
	*(uint8_t *)buf = STATUS_UNLOCKED | (k->config & CONFIG_SYSTEM ? STATUS_SYSTEM : 0) |
		(k->last_command ? STATUS_COMMAND : 0) | (k->full ? STATUS_OUTPUT_FULL | k->flags : 0);
	pthread_mutex_unlock(&k->dev.lock);
}

static void take(struct i8042 *k, const void *buf, bool (*fn)(struct i8042 *k, uint8_t value))
{
	bool resets;

	pthread_mutex_lock(&k->dev.lock);
	resets = fn(k, *(const uint8_t *)buf);
	update_irqs(k);
	pthread_mutex_unlock(&k->dev.lock);
	if (resets)
		mv_machine_request(k->dev.machine, MV_REQUEST_RESET, MV_REASON_RESET, "keyboard controller");
}

static void data_write(void *opaque, uint64_t offset, const void *buf, unsigned len)
{
	(void)offset;
	(void)len;
	take(opaque, buf, data);
}

static void command_write(void *opaque, uint64_t offset, const void *buf, unsigned len)
{
	(void)offset;
	(void)len;
	take(opaque, buf, command);
}

static const struct {
	uint16_t port;
	struct mv_bus_ops ops;
} ports[] = {
	{ PORT_DATA, { .read = data_read, .write = data_write } },
	{ PORT_COMMAND, { .read = status_read, .write = command_write } },
};

static void reset(struct mv_dev *d)
{
	struct i8042 *k = (struct i8042 *)d;

	pthread_mutex_lock(&d->lock);
	k->config = CONFIG_KEYBOARD_OFF | CONFIG_MOUSE_OFF;
	k->command = k->output = k->flags = 0;
	k->full = k->last_command = false;
	update_irqs(k);
	pthread_mutex_unlock(&d->lock);
}

static int create(struct mv_dev *d, const struct mv_device_spec *spec, struct mv_error **err)
{
	struct i8042 *k = (struct i8042 *)d;

	(void)spec;
	for (; k->added < MV_ARRAY_SIZE(ports); k->added++)
		if (mv_bus_add(d->machine->bus, MV_SPACE_PORT, ports[k->added].port, 1, &ports[k->added].ops, k, err) <
		    0)
			return -1;
	reset(d);
	return 0;
}

static void destroy(struct mv_dev *d)
{
	struct i8042 *k = (struct i8042 *)d;

	while (k->added)
		mv_bus_remove(d->machine->bus, MV_SPACE_PORT, ports[--k->added].port, k);
}

static int state(struct mv_dev *d, struct mv_state *st, struct mv_error **err)
{
	struct i8042 *k = (struct i8042 *)d;

	(void)err;
	pthread_mutex_lock(&d->lock);
	mv_state_u8(st, 1, &k->config);
	mv_state_u8(st, 2, &k->command);
	mv_state_u8(st, 3, &k->output);
	mv_state_u8(st, 4, &k->flags);
	mv_state_bool(st, 5, &k->full);
	mv_state_bool(st, 6, &k->last_command);
	if (mv_state_loading(st)) {
		k->flags &= STATUS_MOUSE | STATUS_TIMEOUT;
		update_irqs(k);
	}
	pthread_mutex_unlock(&d->lock);
	return 0;
}

const struct mv_dev_ops mv_i8042_ops = {
	.name = "i8042",
	.size = sizeof(struct i8042),
	.version = 1,
	.create = create,
	.reset = reset,
	.state = state,
	.destroy = destroy,
};
