/* The network device's control queue, its transmit and its receive path, with what a guest could put there. The input
 * is a list of steps; each makes a chain of any shape available or has a packet arrive. Whatever comes, every command
 * and every packet is given back, and no receive buffer is said to hold more than it can. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/kvm/dev/pci.h"
#include "tests/unit/net_guest.h"

#define MEMORY (UINT64_C(16) << 20)
#define QUEUE_SIZE 32
#define MAX_SEGMENTS 8
#define CTRL 2

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct mv_machine machine;
	struct mv_machine_spec spec;
	struct mv_memory memory;
	struct mv_dev *host;
	struct mv_dev_ops ops;
	struct mv_net *net;
	int wire;
	struct ring rings[3];
	uint32_t room[3][QUEUE_SIZE]; /* to write, in the chain with this head */
};

struct input {
	const uint8_t *data;
	size_t size;
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_net: %s\n", what);
	abort();
}

static void on_request(struct mv_machine *m, enum mv_request request, enum mv_reason reason, const char *detail)
{
	(void)m;
	(void)request;
	(void)reason;
	(void)detail;
}

static void on_event(struct mv_machine *m, enum mv_event_kind kind, uint64_t number, const char *text)
{
	(void)m;
	(void)kind;
	(void)number;
	(void)text;
}

static const struct mv_machine_ops machine_ops = { .request = on_request, .event = on_event };

/* Made once: an input begins and ends with a reset of the device. */
static struct world *the_world(void)
{
	static struct world *w;
	struct mv_device_spec spec = { .kind = MV_DEVICE_NET, .slot = 3 };
	int pair[2];

	if (w)
		return w;
	w = calloc(1, sizeof(*w));
	must(w != NULL, "no memory");
	w->machine = (struct mv_machine){ .ops = &machine_ops, .spec = &w->spec, .memory = &w->memory };
	must(mv_loop_create(&w->machine.loop, NULL) == 0 && mv_bus_create(&w->machine.bus, NULL) == 0 &&
		     mv_irq_create(-1, &w->machine.irq, NULL) == 0 &&
		     mv_memory_create(&w->memory, MEMORY, false, false, NULL) == 0 &&
		     mv_dev_create(&mv_pci_host_ops, &w->machine, "pci", NULL, &w->host, NULL) == 0 &&
		     socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0,
	     "no machine");
	w->wire = pair[1];
	w->ops = socket_net_ops();
	spec.net = (struct mv_net_spec){ .pairs = 1, .tap_fds = pair, .offloads = true, .queue_size = QUEUE_SIZE };
	must(mv_dev_create(&w->ops, &w->machine, "net0", &spec, (struct mv_dev **)&w->net, NULL) == 0, "no device");
	return w;
}

static uint8_t next(struct input *in)
{
	if (!in->size)
		return 0;
	in->size--;
	return *in->data++;
}

static size_t take(struct input *in, uint8_t *to, size_t len)
{
	if (len > in->size)
		len = in->size;
	memcpy(to, in->data, len);
	in->data += len;
	in->size -= len;
	return len;
}

/* A chain whose segments' sizes come from the input: a byte each, some of them meaning much more. The guest's data
 * fills what is to be read. Returns the bytes to write, or UINT32_MAX when there was no room for the chain. */
static uint32_t add_chain(struct world *w, unsigned queue, struct input *in)
{
	struct ring *r = &w->rings[queue];
	struct segment s[MAX_SEGMENTS];
	uint8_t shape = next(in);
	unsigned readable = shape & 7, writable = shape >> 3 & 7, count = 0;
	uint64_t gpa = RING_BUFFERS + queue * UINT64_C(0x200000) + next(in);
	uint32_t written = 0;

	if ((uint16_t)(r->avail - r->seen) >= QUEUE_SIZE / MAX_SEGMENTS)
		return UINT32_MAX;
	for (unsigned i = 0; i < readable + writable && count < MAX_SEGMENTS; i++) {
		uint32_t len = next(in);

		if (len >= 0xf0)
			len = (len & 0xf) << 13;
		s[count] = (struct segment){ gpa, len, i >= readable };
		if (s[count].writable)
			written += len;
		else
			take(in, guest_bytes(&w->memory, gpa), len);
		gpa += len;
		count++;
	}
	if (!count)
		return UINT32_MAX;
	w->room[queue][r->next_desc] = written;
	ring_add(r, s, count);
	return written;
}

static void drain_wire(struct world *w)
{
	static uint8_t packet[MV_NET_MAX_PACKET];

	while (recv(w->wire, packet, sizeof(packet), 0) > 0) {
	}
}

static void take_all(struct world *w, unsigned queue)
{
	uint32_t head, written;

	while (ring_take(&w->rings[queue], &head, &written)) {
		must(head < QUEUE_SIZE, "a head that was never given");
		must(written <= w->room[queue][head], "more written than there was room");
		must(queue != 1 || written == 0, "a transmit buffer was written to");
		must(queue != CTRL || written <= 1, "an answer is one byte");
	}
}

static void run(struct world *w, unsigned queue)
{
	net_call(w->net, call_notify, queue);
	drain_wire(w);
	net_call(w->net, call_notify, queue); /* should the wire have been full */
	take_all(w, 0);
	take_all(w, queue);
	if (queue && !w->net->failed)
		must(w->rings[queue].seen == w->rings[queue].avail, "a chain did not come back");
}

static void packet_arrives(struct world *w, struct input *in)
{
	static uint8_t packet[MV_NET_MAX_PACKET];
	size_t len = (size_t)next(in) << 8 | next(in);

	memset(packet, 0, MV_NET_HEADER);
	take(in, packet + MV_NET_HEADER, 64);
	if (send(w->wire, packet, len, 0) >= 0)
		run(w, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w = the_world();
	struct input in = { data, size };
	uint8_t features = next(&in);
	struct ring *tx = &w->rings[1];

	net_negotiate(w->net,
		      MV_NET_BIT(MV_VIRTIO_F_VERSION_1) | MV_NET_BIT(MV_NET_F_CTRL_VQ) | MV_NET_BIT(MV_NET_F_CTRL_RX) |
			      MV_NET_BIT(MV_NET_F_CTRL_MAC_ADDR) | MV_NET_BIT(MV_NET_F_CTRL_GUEST_OFFLOADS) |
			      MV_NET_BIT(MV_NET_F_GUEST_CSUM) | MV_NET_BIT(MV_NET_F_GUEST_TSO4) |
			      MV_NET_BIT(MV_NET_F_GUEST_ANNOUNCE) |
			      (features & 1 ? MV_NET_BIT(MV_NET_F_MRG_RXBUF) : 0) |
			      (features & 2 ? MV_NET_BIT(MV_VIRTIO_F_EVENT_IDX) : 0) |
			      (features & 4 ? MV_NET_BIT(MV_NET_F_CTRL_VLAN) : 0) |
			      (features & 8 ? MV_NET_BIT(MV_NET_F_CTRL_RX_EXTRA) : 0));
	for (unsigned i = 0; i < 3; i++)
		ring_init(&w->rings[i], &w->memory, &w->net->v.queues[i], i, QUEUE_SIZE);
	net_call(w->net, call_activate, 0);
	must(w->net->v.active, "the device did not start");
	while (in.size) {
		switch (next(&in) & 7) {
		case 0:
		case 1:
			if (add_chain(w, CTRL, &in) != UINT32_MAX)
				run(w, CTRL);
			break;
		case 2:
			if (add_chain(w, 1, &in) != UINT32_MAX)
				run(w, 1);
			break;
		case 3: add_chain(w, 1, &in); break; /* several at once */
		case 4:
		case 5:
			if (add_chain(w, 0, &in) != UINT32_MAX)
				run(w, 0);
			break;
		case 6: packet_arrives(w, &in); break;
		case 7:
			mv_virtio_dev_pause(&w->net->v.dev);
			mv_virtio_dev_resume(&w->net->v.dev);
			break;
		}
	}
	if (tx->avail != tx->seen)
		run(w, 1);
	net_call(w->net, call_reset, 0);
	drain_wire(w);
	return 0;
}
