#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "engine/kvm/dev/chardev.h"
#include "engine/kvm/dev/platform.h"
#include "tests/unit/fake_machine.h"

#define COM1 0x3f8
#define IER (COM1 + 1)
#define IIR (COM1 + 2)
#define FCR (COM1 + 2)
#define LCR (COM1 + 3)
#define MCR (COM1 + 4)
#define LSR (COM1 + 5)
#define MSR (COM1 + 6)
#define SCRATCH (COM1 + 7)
#define IRQ 4

struct port {
	struct fake_machine f;
	struct mv_dev *dev;
	int peer;
	char output[256];
	size_t output_len, want;
	uint8_t lsr;
};

static const struct mv_device_spec com1 = {
	.kind = MV_DEVICE_SERIAL,
	.id = (char[]){ "serial0" },
	.serial = { .index = 0, .log_fd = -1 },
};

static int setup(void **state)
{
	struct port *p = calloc(1, sizeof(*p));
	int pair[2];

	fake_machine_init(&p->f, 0);
	p->dev = fake_machine_device(&p->f, &mv_serial_dev_ops, &com1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(mv_chardev_attach(p->dev->ops->chardev(p->dev, ""), pair[0], NULL), 0);
	p->peer = pair[1];
	p->dev->ops->resume(p->dev);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct port *p = *state;

	mv_dev_free(p->dev);
	fake_machine_release(&p->f);
	close(p->peer);
	free(p);
	return 0;
}

static bool got_output(void *opaque)
{
	struct port *p = opaque;
	ssize_t n = recv(p->peer, p->output + p->output_len, sizeof(p->output) - p->output_len, MSG_DONTWAIT);

	p->output_len += n > 0 ? (size_t)n : 0;
	return p->output_len >= p->want;
}

static bool data_ready(void *opaque)
{
	struct port *p = opaque;

	p->lsr = fake_in8(&p->f, LSR);
	return p->lsr & 1;
}

static void type(struct port *p, const char *text)
{
	assert_int_equal(write(p->peer, text, strlen(text)), strlen(text));
	assert_true(fake_machine_until(&p->f, data_ready, p));
}

static void test_output(void **state)
{
	struct port *p = *state;

	for (const char *c = "login: "; *c; c++) {
		assert_int_equal(fake_in8(&p->f, LSR) & 0x60, 0x60);
		fake_out8(&p->f, COM1, (uint8_t)*c);
	}
	p->want = 7;
	assert_true(fake_machine_until(&p->f, got_output, p));
	assert_memory_equal(p->output, "login: ", 7);
}

/* What Linux does to find out what chip it is. */
static void test_probe(void **state)
{
	struct port *p = *state;

	fake_out8(&p->f, IER, 0xff);
	assert_int_equal(fake_in8(&p->f, IER), 0x0f);
	fake_out8(&p->f, IER, 0);
	fake_out8(&p->f, SCRATCH, 0x5a);
	assert_int_equal(fake_in8(&p->f, SCRATCH), 0x5a);
	/* Loop, OUT2 and RTS on: DCD and CTS must follow. */
	fake_out8(&p->f, MCR, 0x1a);
	assert_int_equal(fake_in8(&p->f, MSR) & 0xf0, 0x90);
	fake_out8(&p->f, MCR, 0x08);
	assert_int_equal(fake_in8(&p->f, MSR) & 0xf0, 0xb0);
	/* FIFOs that work: a 16550A; none of the extensions of later chips. */
	assert_int_equal(fake_in8(&p->f, IIR) >> 6, 0);
	fake_out8(&p->f, FCR, 1);
	assert_int_equal(fake_in8(&p->f, IIR) >> 6, 3);
	fake_out8(&p->f, LCR, 0x80);
	fake_out8(&p->f, FCR, 0x21);
	assert_int_equal(fake_in8(&p->f, IIR) & 0x20, 0);
	/* The divisor hides data and IER while DLAB is on. */
	fake_out8(&p->f, COM1, 0x34);
	fake_out8(&p->f, IER, 0x12);
	assert_int_equal(fake_in8(&p->f, COM1), 0x34);
	assert_int_equal(fake_in8(&p->f, IER), 0x12);
	fake_out8(&p->f, LCR, 0x03);
	assert_int_equal(fake_in8(&p->f, IER), 0);
}

static void test_transmit_interrupt(void **state)
{
	struct port *p = *state;

	assert_false(fake_irq(&p->f, IRQ));
	fake_out8(&p->f, IER, 0x02);
	assert_true(fake_irq(&p->f, IRQ));
	assert_int_equal(fake_in8(&p->f, IIR), 0x02);
	/* Reading IIR acknowledges. */
	assert_false(fake_irq(&p->f, IRQ));
	assert_int_equal(fake_in8(&p->f, IIR), 0x01);
	/* The next byte has left at once: interrupt again. */
	fake_out8(&p->f, COM1, 'x');
	assert_true(fake_irq(&p->f, IRQ));
	fake_out8(&p->f, IER, 0);
	assert_false(fake_irq(&p->f, IRQ));
	/* Switching it on again tells again, though IIR was read before. */
	assert_int_equal(fake_in8(&p->f, IIR), 0x01);
	fake_out8(&p->f, IER, 0x02);
	assert_int_equal(fake_in8(&p->f, IIR), 0x02);
}

static void test_receive_interrupts(void **state)
{
	struct port *p = *state;

	fake_out8(&p->f, FCR, 0x41); /* FIFOs, trigger at four */
	fake_out8(&p->f, IER, 0x01);
	type(p, "ab");
	assert_true(fake_irq(&p->f, IRQ));
	assert_int_equal(fake_in8(&p->f, IIR), 0xcc); /* fewer than four: timeout */
	type(p, "cd");
	for (int i = 0; i < 3; i++)
		fake_machine_turn(&p->f);
	assert_int_equal(fake_in8(&p->f, IIR), 0xc4);
	for (const char *c = "abcd"; *c; c++) {
		assert_true(fake_irq(&p->f, IRQ));
		assert_int_equal(fake_in8(&p->f, COM1), *c);
	}
	assert_false(fake_irq(&p->f, IRQ));
	assert_int_equal(fake_in8(&p->f, LSR) & 1, 0);
	assert_int_equal(fake_in8(&p->f, COM1), 0);
}

/* More than the FIFO holds waits at the client, and nothing is lost, with and without FIFO. */
static void test_input_flow(void **state)
{
	struct port *p = *state;
	static const char text[] = "The quick brown fox jumps over the lazy dog.";

	for (int fifo = 0; fifo < 2; fifo++) {
		fake_out8(&p->f, FCR, (uint8_t)fifo);
		assert_int_equal(write(p->peer, text, strlen(text)), strlen(text));
		for (const char *c = text; *c; c++) {
			assert_true(fake_machine_until(&p->f, data_ready, p));
			assert_int_equal(p->lsr & 0x02, 0);
			assert_int_equal(fake_in8(&p->f, COM1), *c);
		}
	}
}

static void test_loopback(void **state)
{
	struct port *p = *state;

	fake_out8(&p->f, FCR, 0x01);
	fake_out8(&p->f, MCR, 0x10);
	fake_in8(&p->f, MSR);
	for (int i = 0; i < 16; i++)
		fake_out8(&p->f, COM1, (uint8_t)('a' + i));
	assert_int_equal(fake_in8(&p->f, LSR) & 0x03, 0x01);
	fake_out8(&p->f, IER, 0x04);
	assert_false(fake_irq(&p->f, IRQ));
	fake_out8(&p->f, COM1, 'z'); /* one too many */
	assert_true(fake_irq(&p->f, IRQ));
	assert_int_equal(fake_in8(&p->f, IIR), 0xc6);
	assert_int_equal(fake_in8(&p->f, LSR) & 0x03, 0x03);
	assert_false(fake_irq(&p->f, IRQ));
	for (int i = 0; i < 16; i++)
		assert_int_equal(fake_in8(&p->f, COM1), 'a' + i);
	/* Modem lines tell their changes once. */
	fake_out8(&p->f, IER, 0x08);
	fake_out8(&p->f, MCR, 0x13);
	assert_true(fake_irq(&p->f, IRQ));
	assert_int_equal(fake_in8(&p->f, IIR), 0xc0);
	assert_int_equal(fake_in8(&p->f, MSR), 0x33);
	assert_false(fake_irq(&p->f, IRQ));
	fake_out8(&p->f, MCR, 0x14); /* the ring begins: no delta */
	assert_int_equal(fake_in8(&p->f, MSR), 0x43);
	fake_out8(&p->f, MCR, 0x10);
	assert_int_equal(fake_in8(&p->f, MSR), 0x04);
	/* Nothing of it got out. */
	got_output(p);
	assert_int_equal(p->output_len, 0);
}

static void test_fifo_control(void **state)
{
	struct port *p = *state;

	fake_out8(&p->f, FCR, 0x01);
	fake_out8(&p->f, MCR, 0x10);
	fake_out8(&p->f, COM1, 'a');
	fake_out8(&p->f, FCR, 0x03);
	assert_int_equal(fake_in8(&p->f, LSR) & 1, 0);
	fake_out8(&p->f, COM1, 'a');
	fake_out8(&p->f, FCR, 0x00); /* off empties, too */
	assert_int_equal(fake_in8(&p->f, LSR) & 1, 0);
}

/* Wide accesses reach the registers one after the other. */
static void test_wide_access(void **state)
{
	struct port *p = *state;

	fake_out16(&p->f, LCR, 0x0b80);
	assert_int_equal(fake_in8(&p->f, LCR), 0x80);
	assert_int_equal(fake_in8(&p->f, MCR), 0x0b);
	assert_int_equal(fake_in16(&p->f, LCR), 0x0b80);
	fake_out16(&p->f, COM1, 0x0102);
	assert_int_equal(fake_in16(&p->f, COM1), 0x0102);
}

static void test_pause_takes_no_input(void **state)
{
	struct port *p = *state;

	p->dev->ops->pause(p->dev);
	assert_int_equal(write(p->peer, "x", 1), 1);
	for (int i = 0; i < 5; i++)
		fake_machine_turn(&p->f);
	assert_int_equal(fake_in8(&p->f, LSR) & 1, 0);
	p->dev->ops->resume(p->dev);
	assert_true(fake_machine_until(&p->f, data_ready, p));
}

/* Saved with bytes in the FIFO and an interrupt pending, loaded elsewhere, where all goes on. */
static void test_state(void **state)
{
	struct port *p = *state;
	struct fake_machine other;
	struct mv_dev *dev;

	fake_out8(&p->f, FCR, 0x81);
	fake_out8(&p->f, IER, 0x03);
	fake_out8(&p->f, SCRATCH, 0x77);
	type(p, "mid");
	assert_int_equal(fake_in8(&p->f, COM1), 'm');
	p->dev->ops->pause(p->dev);

	fake_machine_init(&other, 0);
	dev = fake_machine_device(&other, &mv_serial_dev_ops, &com1);
	fake_machine_copy_state(p->dev, dev);
	assert_true(fake_irq(&other, IRQ));
	assert_int_equal(fake_in8(&other, IIR), 0xcc);
	assert_int_equal(fake_in8(&other, COM1), 'i');
	assert_int_equal(fake_in8(&other, COM1), 'd');
	assert_int_equal(fake_in8(&other, IIR), 0xc2);
	assert_int_equal(fake_in8(&other, SCRATCH), 0x77);
	mv_dev_free(dev);
	fake_machine_release(&other);
}

/* No byte of a saved state may lead out of the FIFO. */
static void test_hostile_state(void **state)
{
	struct port *p = *state;
	size_t size;
	mv_autofree uint8_t *body = fake_machine_save(p->dev, &size);

	for (size_t i = 0; i < size; i++) {
		uint8_t before = body[i];

		for (int v = 0; v < 256; v += 5) {
			body[i] = (uint8_t)v;
			fake_machine_load(p->dev, body, size);
			fake_in8(&p->f, COM1);
			fake_out8(&p->f, MCR, 0x10);
			fake_out8(&p->f, COM1, 1);
			assert_int_equal(fake_machine_load(p->dev, body, size - 1), -1);
		}
		body[i] = before;
	}
}

static void test_reset(void **state)
{
	struct port *p = *state;

	fake_out8(&p->f, FCR, 0x01);
	fake_out8(&p->f, IER, 0x02);
	fake_out8(&p->f, LCR, 0x83);
	assert_true(fake_irq(&p->f, IRQ));
	p->dev->ops->reset(p->dev);
	assert_false(fake_irq(&p->f, IRQ));
	assert_int_equal(fake_in8(&p->f, IER), 0);
	assert_int_equal(fake_in8(&p->f, LCR), 0);
	assert_int_equal(fake_in8(&p->f, IIR), 0x01);
}

static void test_bad_index(void **state)
{
	struct port *p = *state;
	struct mv_device_spec spec = com1;
	struct mv_dev *dev;
	mv_auto(mv_error) err = NULL;

	spec.serial.index = 4;
	assert_int_equal(mv_dev_create(&mv_serial_dev_ops, &p->f.machine, "serial4", &spec, &dev, &err), -1);
	assert_int_equal(err->code, MV_ERR_CONFIG_UNSUPPORTED);
	/* The same port twice. */
	assert_int_equal(mv_dev_create(&mv_serial_dev_ops, &p->f.machine, "serial1", &com1, &dev, NULL), -1);
}

/* COM3 shares COM1's line: it stays high while either wants it. */
static void test_shared_line(void **state)
{
	struct port *p = *state;
	struct mv_device_spec spec = com1;
	struct mv_dev *dev;

	spec.serial.index = 2;
	dev = fake_machine_device(&p->f, &mv_serial_dev_ops, &spec);
	fake_out8(&p->f, IER, 0x02);
	fake_out8(&p->f, 0x3e9, 0x02);
	fake_in8(&p->f, IIR);
	assert_true(fake_irq(&p->f, IRQ));
	fake_in8(&p->f, 0x3ea);
	assert_false(fake_irq(&p->f, IRQ));
	mv_dev_free(dev);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_output),
		TEST(test_probe),
		TEST(test_transmit_interrupt),
		TEST(test_receive_interrupts),
		TEST(test_input_flow),
		TEST(test_loopback),
		TEST(test_fifo_control),
		TEST(test_wide_access),
		TEST(test_pause_takes_no_input),
		TEST(test_state),
		TEST(test_hostile_state),
		TEST(test_reset),
		TEST(test_bad_index),
		TEST(test_shared_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
