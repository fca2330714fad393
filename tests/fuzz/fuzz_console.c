/* virtio-console: chains of any shape in any queue, control messages, clients that come, go and write, pauses and saved
 * states. Whatever comes, chains are given back at most once and hold no more than they can. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/kvm/dev/chardev.h"
#include "engine/kvm/virtio/console.h"
#include "engine/kvm/virtio/devices.h"
#include "tests/fuzz/machine.h"

#define PORTS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct fz_machine m;
	struct mv_dev *dev;
	struct fz_driver d;
	int client[PORTS];
};

static struct world *the_world(void)
{
	static struct world w;
	struct mv_console_port_spec ports[PORTS] = {
		{ .is_console = true, .log_fd = -1 },
		{ .name = (char[]){ "agent" }, .log_fd = -1 },
		{ .name = (char[]){ "second" }, .is_console = true, .log_fd = -1 },
	};
	const struct mv_device_spec spec = {
		.kind = MV_DEVICE_CONSOLE,
		.id = (char[]){ "console0" },
		.slot = 3,
		.console = { .ports = ports, .count = PORTS },
	};

	if (!w.dev) {
		fz_machine_init(&w.m);
		w.dev = fz_device(&w.m, &mv_console_dev_ops, &spec);
		for (int i = 0; i < PORTS; i++)
			w.client[i] = -1;
	}
	return &w;
}

static void leave(struct world *w, unsigned i)
{
	if (w->client[i] >= 0)
		close(w->client[i]);
	w->client[i] = -1;
}

static void come(struct world *w, unsigned i)
{
	const char name[2] = { (char)('0' + i), 0 };
	int pair[2];

	if (w->client[i] >= 0)
		return;
	fz_must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "no socket");
	/* It may be refused where the guest holds the last words of many. */
	if (mv_chardev_attach(w->dev->ops->chardev(w->dev, name), pair[0], NULL) < 0)
		close(pair[1]);
	else
		w->client[i] = pair[1];
}

static void talk(struct world *w, unsigned i, struct fz_input *in)
{
	uint8_t buf[256];
	size_t n = fz_take(in, buf, fz_next(in));

	if (w->client[i] >= 0 && n)
		send(w->client[i], buf, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void listen_to(struct world *w, unsigned i)
{
	static uint8_t buf[65536];

	while (w->client[i] >= 0 && recv(w->client[i], buf, sizeof(buf), MSG_DONTWAIT) > 0) {
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w = the_world();
	struct fz_input in = { data, size };
	uint8_t features = fz_next(&in);

	fz_drive(&w->d, &w->m, w->dev,
		 (features & 1 ? 0 : UINT64_C(1) << MV_CONSOLE_F_MULTIPORT) |
			 (features & 2 ? UINT64_C(1) << MV_VIRTIO_F_EVENT_IDX : 0),
		 features & 4 ? 0x0f : 0xff);
	while (in.size) {
		uint8_t op = fz_next(&in);
		unsigned i = (op & 15) % PORTS;

		switch (op >> 4) {
		case 0:
		case 1:
		case 2:
		case 3:
		case 4:
		case 5: fz_chain(&w->d, op & 7, &in); break;
		case 6: come(w, i); break;
		case 7: leave(w, i); break;
		case 8:
		case 9: talk(w, i, &in); break;
		case 10: listen_to(w, i); break;
		case 11: w->dev->ops->pause(w->dev); break;
		case 12: w->dev->ops->resume(w->dev); break;
		case 13: fz_save_and_load(w->dev, (uint16_t)(fz_next(&in) | (op & 15) << 8), fz_next(&in)); break;
		case 14: fz_config_write(&w->d, op & 11, fz_next(&in), 1); break;
		default: break;
		}
		fz_turn(&w->m);
		/* A flipped state may have moved the rings; then there is nothing to compare with. */
		if (op >> 4 == 13)
			return LLVMFuzzerTestOneInput(in.data, in.size);
		fz_collect(&w->d);
	}
	w->dev->ops->resume(w->dev);
	for (unsigned i = 0; i < PORTS; i++)
		leave(w, i);
	w->dev->ops->reset(w->dev);
	fz_turn(&w->m);
	return 0;
}
