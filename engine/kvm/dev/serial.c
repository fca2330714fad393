/* A 16550A. There is no baud rate: output leaves at once, so the transmitter is always empty, and input is there as
 * soon as a client sent it, so that the receiver's character timeout has always passed. */
#include <string.h>

#include "engine/kvm/dev/chardev.h"
#include "engine/kvm/dev/platform.h"

#define FIFO_SIZE 16

enum { REG_DATA, REG_IER, REG_IIR_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCRATCH, REG_COUNT };

#define IER_RECEIVE 0x01
#define IER_TRANSMIT 0x02
#define IER_LINE 0x04
#define IER_MODEM 0x08

#define IIR_NONE 0x01
#define IIR_MODEM 0x00
#define IIR_TRANSMIT 0x02
#define IIR_RECEIVE 0x04
#define IIR_LINE 0x06
#define IIR_TIMEOUT 0x0c
#define IIR_FIFOS 0xc0

#define FCR_ENABLE 0x01
#define FCR_CLEAR_RECEIVE 0x02
#define FCR_CLEAR_TRANSMIT 0x04
#define FCR_TRIGGER_SHIFT 6

#define LCR_DLAB 0x80

#define MCR_DTR 0x01
#define MCR_RTS 0x02
#define MCR_OUT1 0x04
#define MCR_OUT2 0x08
#define MCR_LOOP 0x10
#define MCR_MASK 0x1f

#define LSR_DATA 0x01
#define LSR_OVERRUN 0x02
#define LSR_EMPTY 0x60 /* holding register and shift register */

#define MSR_CTS 0x10
#define MSR_DSR 0x20
#define MSR_RI 0x40
#define MSR_DCD 0x80
#define MSR_DELTAS 0x0f
#define MSR_DELTA_RI 0x04

struct serial {
	struct mv_dev dev;
	struct mv_chardev *chardev;
	uint16_t port;
	unsigned gsi, source;
	/* All below guarded by dev.lock. */
	bool paused; /* takes no input: the machine does not run */
	bool irq;    /* the line's level */
	uint8_t ier, lcr, mcr, scratch, fcr;
	uint8_t deltas; /* MSR 0-3 */
	bool overrun;
	bool thr_interrupt; /* the holding register became empty and IIR has not said so yet */
	uint16_t divisor;
	uint8_t fifo[FIFO_SIZE];
	uint8_t head, count;
};

static unsigned capacity(const struct serial *s)
{
	return s->fcr & FCR_ENABLE ? FIFO_SIZE : 1;
}

static uint8_t modem_lines(const struct serial *s)
{
	uint8_t lines = 0;

	/* A terminal that is always there: a guest must not hang up on it because nobody looks. */
	if (!(s->mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	if (s->mcr & MCR_RTS)
		lines |= MSR_CTS;
	if (s->mcr & MCR_DTR)
		lines |= MSR_DSR;
	if (s->mcr & MCR_OUT1)
		lines |= MSR_RI;
	if (s->mcr & MCR_OUT2)
		lines |= MSR_DCD;
	return lines;
}

/* The interrupt of the highest priority that is enabled and pending. */
static uint8_t interrupt(const struct serial *s)
{
	static const uint8_t triggers[] = { 1, 4, 8, 14 };

	if (s->ier & IER_LINE && s->overrun)
		return IIR_LINE;
	if (s->ier & IER_RECEIVE && s->count) {
		bool fifos = s->fcr & FCR_ENABLE;

		return fifos && s->count < triggers[s->fcr >> FCR_TRIGGER_SHIFT] ? IIR_TIMEOUT : IIR_RECEIVE;
	}
	if (s->ier & IER_TRANSMIT && s->thr_interrupt)
		return IIR_TRANSMIT;
	if (s->ier & IER_MODEM && s->deltas)
		return IIR_MODEM;
	return IIR_NONE;
}

static void update_irq(struct serial *s)
{
	bool level = interrupt(s) != IIR_NONE;

	if (level == s->irq)
		return;
	s->irq = level;
	mv_irq_set(s->dev.machine->irq, s->gsi, s->source, level);
}

static void receive_byte(struct serial *s, uint8_t byte)
{
	if (s->count == capacity(s)) {
		s->overrun = true;
		return;
	}
	s->fifo[(s->head + s->count) % FIFO_SIZE] = byte;
	s->count++;
}

static uint8_t read_data(struct serial *s)
{
	uint8_t byte = s->fifo[s->head];

	if (!s->count)
		return 0;
	s->head = (s->head + 1) % FIFO_SIZE;
	if (--s->count == 0)
		mv_chardev_ready(s->chardev);
	return byte;
}

static uint8_t read_register(struct serial *s, unsigned reg)
{
	uint8_t value = 0;

	switch (reg) {
	case REG_DATA: return s->lcr & LCR_DLAB ? (uint8_t)s->divisor : read_data(s);
	case REG_IER: return s->lcr & LCR_DLAB ? (uint8_t)(s->divisor >> 8) : s->ier;
	case REG_IIR_FCR:
		value = interrupt(s);
		/* Reading it acknowledges this one, and only this one. */
		if (value == IIR_TRANSMIT)
			s->thr_interrupt = false;
		return value | (s->fcr & FCR_ENABLE ? IIR_FIFOS : 0);
	case REG_LCR: return s->lcr;
	case REG_MCR: return s->mcr;
	case REG_LSR:
		value = LSR_EMPTY | (s->count ? LSR_DATA : 0) | (s->overrun ? LSR_OVERRUN : 0);
		s->overrun = false;
		return value;
	case REG_MSR:
		value = modem_lines(s) | s->deltas;
		s->deltas = 0;
		return value;
	default: return s->scratch;
	}
}

static void write_fifo_control(struct serial *s, uint8_t value)
{
	bool toggled = (value ^ s->fcr) & FCR_ENABLE;

	if (toggled || (value & FCR_ENABLE && value & FCR_CLEAR_RECEIVE)) {
		s->count = 0;
		s->head = 0;
		mv_chardev_ready(s->chardev);
	}
	if (toggled || (value & FCR_ENABLE && value & FCR_CLEAR_TRANSMIT))
		s->thr_interrupt = true;
	s->fcr = value & FCR_ENABLE ? value & ~(FCR_CLEAR_RECEIVE | FCR_CLEAR_TRANSMIT) : 0;
}

static void write_modem_control(struct serial *s, uint8_t value)
{
	uint8_t before = modem_lines(s), changed;

	s->mcr = value & MCR_MASK;
	changed = before ^ modem_lines(s);
	/* Deltas are in the order of the lines; the ring indicator's tells its end only. */
	s->deltas |= changed >> 4 & ~MSR_DELTA_RI;
	if (changed & before & MSR_RI)
		s->deltas |= MSR_DELTA_RI;
	if (!(s->mcr & MCR_LOOP))
		mv_chardev_ready(s->chardev);
}

static void write_register(struct serial *s, unsigned reg, uint8_t value)
{
	switch (reg) {
	case REG_DATA:
		if (s->lcr & LCR_DLAB) {
			s->divisor = (s->divisor & 0xff00) | value;
			break;
		}
		if (s->mcr & MCR_LOOP)
			receive_byte(s, value);
		else
			mv_chardev_write(s->chardev, &value, 1);
		s->thr_interrupt = true;
		break;
	case REG_IER:
		if (s->lcr & LCR_DLAB) {
			s->divisor = (s->divisor & 0x00ff) | (uint16_t)(value << 8);
			break;
		}
		/* Enabling it interrupts at once, since the holding register is empty. */
		if (value & ~s->ier & IER_TRANSMIT)
			s->thr_interrupt = true;
		s->ier = value & 0x0f;
		break;
	case REG_IIR_FCR: write_fifo_control(s, value); break;
	case REG_LCR: s->lcr = value; break;
	case REG_MCR: write_modem_control(s, value); break;
	case REG_SCRATCH: s->scratch = value; break;
	default: break; /* LSR and MSR are the chip's own */
	}
}

static void bus_read(void *opaque, uint64_t offset, void *buf, unsigned len)
{
	struct serial *s = opaque;
	uint8_t *bytes = buf;

	pthread_mutex_lock(&s->dev.lock);
	for (unsigned i = 0; i < len; i++)
		bytes[i] = read_register(s, (unsigned)offset + i);
	update_irq(s);
	pthread_mutex_unlock(&s->dev.lock);
}

static void bus_write(void *opaque, uint64_t offset, const void *buf, unsigned len)
{
	struct serial *s = opaque;
	const uint8_t *bytes = buf;

	pthread_mutex_lock(&s->dev.lock);
	for (unsigned i = 0; i < len; i++)
		write_register(s, (unsigned)offset + i, bytes[i]);
	update_irq(s);
	pthread_mutex_unlock(&s->dev.lock);
}

static const struct mv_bus_ops bus_ops = { .read = bus_read, .write = bus_write };

static size_t room(void *opaque)
{
	struct serial *s = opaque;
	size_t n = 0;

	pthread_mutex_lock(&s->dev.lock);
	if (!s->paused && !(s->mcr & MCR_LOOP))
		n = s->count < capacity(s) ? capacity(s) - s->count : 0;
	pthread_mutex_unlock(&s->dev.lock);
	return n;
}

static void receive(void *opaque, const uint8_t *data, size_t len)
{
	struct serial *s = opaque;

	pthread_mutex_lock(&s->dev.lock);
	for (size_t i = 0; i < len; i++)
		receive_byte(s, data[i]);
	update_irq(s);
	pthread_mutex_unlock(&s->dev.lock);
}

static const struct mv_chardev_ops chardev_ops = { .room = room, .receive = receive };

static void reset(struct mv_dev *d)
{
	struct serial *s = (struct serial *)d;

	pthread_mutex_lock(&d->lock);
	s->ier = s->lcr = s->scratch = s->fcr = s->deltas = 0;
	s->mcr = MCR_OUT2;
	s->overrun = s->thr_interrupt = false;
	s->divisor = 12; /* 9600 baud */
	s->head = s->count = 0;
	update_irq(s);
	pthread_mutex_unlock(&d->lock);
	mv_chardev_ready(s->chardev);
}

static int create(struct mv_dev *d, const struct mv_device_spec *spec, struct mv_error **err)
{
	static const struct {
		uint16_t port;
		uint8_t gsi;
	} places[] = { { 0x3f8, 4 }, { 0x2f8, 3 }, { 0x3e8, 4 }, { 0x2e8, 3 } };
	struct serial *s = (struct serial *)d;
	uint32_t index = spec->serial.index;

	if (index >= MV_ARRAY_SIZE(places))
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "Serial port '%s' has index %u; a PC has the four ports 0 to 3.", d->id, index);
	s->port = places[index].port;
	s->gsi = places[index].gsi;
	s->source = index;
	s->paused = true;
	if (mv_bus_add(d->machine->bus, MV_SPACE_PORT, s->port, REG_COUNT, &bus_ops, s, err) < 0) {
		s->port = 0;
		return -1;
	}
	if (mv_chardev_create(d->machine->loop, spec->serial.log_fd, &chardev_ops, s, &s->chardev, err) < 0)
		return -1;
	reset(d);
	return 0;
}

static void destroy(struct mv_dev *d)
{
	struct serial *s = (struct serial *)d;

	if (s->port)
		mv_bus_remove(d->machine->bus, MV_SPACE_PORT, s->port, s);
	mv_chardev_free(s->chardev);
}

static void set_paused(struct serial *s, bool paused)
{
	pthread_mutex_lock(&s->dev.lock);
	s->paused = paused;
	pthread_mutex_unlock(&s->dev.lock);
	if (!paused)
		mv_chardev_ready(s->chardev);
}

static void pause_input(struct mv_dev *d)
{
	set_paused((struct serial *)d, true);
}

static void resume_input(struct mv_dev *d)
{
	set_paused((struct serial *)d, false);
}

static int state(struct mv_dev *d, struct mv_state *st, struct mv_error **err)
{
	struct serial *s = (struct serial *)d;

	(void)err;
	pthread_mutex_lock(&d->lock);
	mv_state_u8(st, 1, &s->ier);
	mv_state_u8(st, 2, &s->lcr);
	mv_state_u8(st, 3, &s->mcr);
	mv_state_u8(st, 4, &s->scratch);
	mv_state_u8(st, 5, &s->fcr);
	mv_state_u8(st, 6, &s->deltas);
	mv_state_bool(st, 7, &s->overrun);
	mv_state_bool(st, 8, &s->thr_interrupt);
	mv_state_u16(st, 9, &s->divisor);
	mv_state_bytes(st, 10, s->fifo, sizeof(s->fifo));
	mv_state_u8(st, 11, &s->head);
	mv_state_u8(st, 12, &s->count);
	if (mv_state_loading(st)) {
		if (s->head >= FIFO_SIZE || s->count > capacity(s)) {
			mv_state_fail(st, "a receive buffer with %u bytes at %u cannot be", s->count, s->head);
			s->head = s->count = 0;
		}
		s->ier &= 0x0f;
		s->mcr &= MCR_MASK;
		s->deltas &= MSR_DELTAS;
		update_irq(s);
	}
	pthread_mutex_unlock(&d->lock);
	return 0;
}

static struct mv_chardev *chardev(struct mv_dev *d, const char *port)
{
	return *port ? NULL : ((struct serial *)d)->chardev;
}

const struct mv_dev_ops mv_serial_dev_ops = {
	.name = "serial port",
	.size = sizeof(struct serial),
	.version = 1,
	.create = create,
	.reset = reset,
	.state = state,
	.destroy = destroy,
	.pause = pause_input,
	.resume = resume_input,
	.chardev = chardev,
};
