/* The serial port: any sequence of register accesses, input from a client, pauses and saved states. Whatever comes, the
 * interrupt line says the same as the interrupt register. */
#include <sys/socket.h>
#include <unistd.h>

#include "engine/kvm/dev/chardev.h"
#include "engine/kvm/dev/platform.h"
#include "tests/fuzz/machine.h"

#define COM1 0x3f8
#define IRQ 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct fz_machine m;
	struct mv_dev *dev;
};

static struct world *the_world(void)
{
	static struct world w;
	const struct mv_device_spec spec = {
		.kind = MV_DEVICE_SERIAL,
		.id = (char[]){ "serial0" },
		.serial = { .index = 0, .log_fd = -1 },
	};

	if (!w.dev) {
		fz_machine_init(&w.m);
		w.dev = fz_device(&w.m, &mv_serial_dev_ops, &spec);
		w.dev->ops->resume(w.dev);
	}
	return &w;
}

static void check(struct world *w)
{
	bool line = mv_irq_get(w->m.machine.irq, IRQ);
	uint8_t iir;

	mv_bus_read(w->m.machine.bus, MV_SPACE_PORT, COM1 + 2, &iir, 1);
	fz_must(line == !(iir & 1), "line and register disagree about the interrupt");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w = the_world();
	struct fz_input in = { data, size };
	uint8_t buf[32];
	int pair[2];
	size_t n;

	fz_must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "no socket");
	fz_must(mv_chardev_attach(w->dev->ops->chardev(w->dev, ""), pair[0], NULL) == 0, "no client");
	while (in.size) {
		uint8_t op = fz_next(&in);
		unsigned reg = op & 7, len = 1U << (op >> 3 & 1);

		len = reg + len > 8 ? 1 : len;
		switch (op >> 4) {
		case 0:
		case 1:
		case 2:
		case 3:
		case 4:
			n = fz_take(&in, buf, len);
			mv_bus_write(w->m.machine.bus, MV_SPACE_PORT, COM1 + reg, buf, n ? (unsigned)n : 1);
			break;
		case 5:
		case 6:
		case 7:
		case 8: mv_bus_read(w->m.machine.bus, MV_SPACE_PORT, COM1 + reg, buf, len); break;
		case 9:
		case 10:
			n = fz_take(&in, buf, op & 15);
			if (n)
				fz_must(write(pair[1], buf, n) == (ssize_t)n, "the client cannot write");
			fz_turn(&w->m);
			break;
		case 11: w->dev->ops->pause(w->dev); break;
		case 12: w->dev->ops->resume(w->dev); break;
		case 13: fz_save_and_load(w->dev, fz_next(&in), fz_next(&in)); break;
		case 14: check(w); break;
		default:
			while (recv(pair[1], buf, sizeof(buf), MSG_DONTWAIT) > 0) {
			}
			fz_turn(&w->m);
			break;
		}
	}
	check(w);
	close(pair[1]);
	w->dev->ops->reset(w->dev);
	w->dev->ops->resume(w->dev);
	/* Until the client is gone, with what it left unread. */
	for (int i = 0; i < 8; i++) {
		fz_turn(&w->m);
		w->dev->ops->reset(w->dev);
	}
	return 0;
}
