/* The network device's data paths, control queue and filters, with a socket in the tap's place. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "engine/kvm/dev/pci.h"
#include "tests/unit/fake_machine.h"
#include "tests/unit/net_guest.h"

#define MEMORY (UINT64_C(32) << 20)
#define QUEUE_SIZE 256
#define MAX_PAIRS 4
#define FRAME 14 /* Ethernet header */

#define CTRL_FEATURES                                                                                       \
	(MV_NET_BIT(MV_NET_F_CTRL_VQ) | MV_NET_BIT(MV_NET_F_CTRL_RX) | MV_NET_BIT(MV_NET_F_CTRL_RX_EXTRA) | \
	 MV_NET_BIT(MV_NET_F_CTRL_MAC_ADDR) | MV_NET_BIT(MV_NET_F_CTRL_GUEST_OFFLOADS))

struct fixture {
	struct fake_machine fake;
	struct mv_dev *host;
	struct mv_dev_ops ops;
	struct mv_net *net;
	unsigned pairs;
	int wire[MAX_PAIRS]; /* the other ends */
	struct ring rings[2 * MAX_PAIRS + 1];
	struct ring *rx, *tx, *ctrl;
};

static const uint8_t mac[6] = { 0x52, 0x54, 0, 1, 2, 3 };

static struct mv_net *create_device(struct fixture *f, unsigned pairs, int *fds, uint32_t slot)
{
	struct mv_device_spec spec = {
		.kind = MV_DEVICE_NET,
		.id = (char[]){ "net0" },
		.slot = slot,
		.net = { .mtu = 1500, .pairs = pairs, .tap_fds = fds, .offloads = true, .queue_size = QUEUE_SIZE },
	};

	memcpy(spec.net.mac, mac, sizeof(mac));
	return (struct mv_net *)fake_machine_device(&f->fake, &f->ops, &spec);
}

static struct fixture *new_fixture(unsigned pairs)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fds[MAX_PAIRS];

	assert_non_null(f);
	fake_machine_init(&f->fake, MEMORY);
	f->host = fake_machine_device(&f->fake, &mv_pci_host_ops, NULL);
	f->ops = socket_net_ops();
	f->pairs = pairs;
	for (unsigned i = 0; i < pairs; i++) {
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
		fds[i] = pair[0];
		f->wire[i] = pair[1];
	}
	f->net = create_device(f, pairs, fds, 3);
	return f;
}

static void free_fixture(struct fixture *f)
{
	mv_dev_free(&f->net->v.dev);
	mv_dev_free(f->host);
	for (unsigned i = 0; i < f->pairs; i++) {
		if (f->wire[i] >= 0)
			close(f->wire[i]);
	}
	fake_machine_release(&f->fake);
	free(f);
}

/* What the guest's driver does up to DRIVER_OK. */
static void activate(struct fixture *f, uint64_t features)
{
	struct mv_virtio *v = &f->net->v;
	unsigned ctrl = features & MV_NET_BIT(MV_NET_F_MQ) ? 2 * f->pairs : 2;

	net_negotiate(f->net, features | MV_NET_BIT(MV_VIRTIO_F_VERSION_1) | MV_NET_BIT(MV_VIRTIO_F_EVENT_IDX));
	for (unsigned i = 0; i <= ctrl; i++)
		ring_init(&f->rings[i], &f->fake.memory, &v->queues[i], i, v->queues[i].max_size);
	f->rx = &f->rings[0];
	f->tx = &f->rings[1];
	f->ctrl = &f->rings[ctrl];
	net_call(f->net, call_activate, 0);
	assert_true(v->active);
}

static bool wait_used(struct ring *r, uint16_t index)
{
	const struct timespec pause = { .tv_nsec = 200000 };

	for (unsigned i = 0; i < 50000; i++) {
		if (ring_used_index(r) == index)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static uint8_t *buffer(struct fixture *f, unsigned number)
{
	return guest_bytes(&f->fake.memory, RING_BUFFERS + (uint64_t)number * 0x20000);
}

static uint64_t buffer_gpa(unsigned number)
{
	return RING_BUFFERS + (uint64_t)number * 0x20000;
}

static void fill_frame(uint8_t *p, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 7 + i / 256 + seed);
	memcpy(p, mac, len < 6 ? len : 6);
	if (len > 13) {
		p[6] = 2;
		p[12] = 8;
		p[13] = 0;
	}
}

/* A packet from the host: an empty header and a frame. */
static void send_frame(struct fixture *f, const uint8_t *frame, size_t len)
{
	mv_autofree uint8_t *packet = calloc(1, MV_NET_HEADER + len);

	memcpy(packet + MV_NET_HEADER, frame, len);
	assert_int_equal(send(f->wire[0], packet, MV_NET_HEADER + len, 0), MV_NET_HEADER + len);
}

static void add_rx(struct fixture *f, unsigned number, uint32_t len)
{
	struct segment s = { buffer_gpa(number), len, true };

	memset(buffer(f, number), 0xaa, len);
	ring_add(f->rx, &s, 1);
}

struct stat_sum {
	const char *name;
	uint64_t value;
};

static void find_stat(void *opaque, const char *name, uint64_t value)
{
	struct stat_sum *s = opaque;

	if (!strcmp(s->name, name))
		s->value = value;
}

static uint64_t stat_of(struct fixture *f, const char *name)
{
	struct stat_sum s = { .name = name, .value = UINT64_MAX };

	f->ops.stats(&f->net->v.dev, find_stat, &s);
	return s.value;
}

static void test_transmit(void **state)
{
	struct fixture *f = new_fixture(1);
	struct segment s[3] = { { buffer_gpa(0), 5, false },
				{ buffer_gpa(1), 7 + FRAME, false },
				{ buffer_gpa(2), 100, false } };
	uint8_t got[256], sent[FRAME + 100];
	uint32_t head, written;

	(void)state;
	activate(f, 0);
	memset(buffer(f, 0), 0, 5);
	memset(buffer(f, 1), 0, 7);
	fill_frame(sent, sizeof(sent), 1);
	memcpy(buffer(f, 1) + 7, sent, FRAME);
	memcpy(buffer(f, 2), sent + FRAME, 100);
	ring_add(f->tx, s, 3);
	net_call(f->net, call_notify, 1);
	assert_true(ring_take(f->tx, &head, &written));
	assert_int_equal(head, 0);
	assert_int_equal(written, 0);
	assert_int_equal(recv(f->wire[0], got, sizeof(got), MSG_DONTWAIT), MV_NET_HEADER + sizeof(sent));
	assert_memory_equal(got + MV_NET_HEADER, sent, sizeof(sent));
	assert_int_equal(stat_of(f, "net.net0.tx.pkts"), 1);
	assert_int_equal(stat_of(f, "net.net0.tx.bytes"), sizeof(sent));
	free_fixture(f);
}

/* What cannot be a packet is given back, and does not stop what follows. */
static void test_transmit_nonsense(void **state)
{
	struct fixture *f = new_fixture(1);
	struct segment many[QUEUE_SIZE];
	const struct segment nonsense[] = {
		{ buffer_gpa(0), 4, false },       /* no header */
		{ buffer_gpa(0), 12, false },      /* no frame */
		{ buffer_gpa(0), 25, false },      /* no whole Ethernet header */
		{ buffer_gpa(0), 0x80000, false }, /* larger than any packet */
		{ buffer_gpa(0), 64, true },       /* nothing to read */
	};
	uint8_t got[QUEUE_SIZE];

	(void)state;
	activate(f, 0);
	memset(buffer(f, 0), 0, 1024);
	for (unsigned i = 0; i < MV_ARRAY_SIZE(nonsense); i++)
		ring_add(f->tx, &nonsense[i], 1);
	net_call(f->net, call_notify, 1);
	assert_int_equal(ring_used_index(f->tx), MV_ARRAY_SIZE(nonsense));
	assert_int_equal(stat_of(f, "net.net0.tx.errs"), MV_ARRAY_SIZE(nonsense));
	assert_int_equal(stat_of(f, "net.net0.tx.pkts"), 0);
	/* As many segments as the queue has. */
	for (unsigned i = 0; i < QUEUE_SIZE; i++)
		many[i] = (struct segment){ buffer_gpa(0) + i, 1, false };
	ring_add(f->tx, many, QUEUE_SIZE);
	net_call(f->net, call_notify, 1);
	assert_int_equal(ring_used_index(f->tx), MV_ARRAY_SIZE(nonsense) + 1);
	assert_int_equal(recv(f->wire[0], got, sizeof(got), MSG_DONTWAIT), QUEUE_SIZE);
	free_fixture(f);
}

/* A tap that takes nothing for a while holds the packets up, and loses none. */
static void test_transmit_blocked(void **state)
{
	struct fixture *f = new_fixture(1);
	struct segment s = { buffer_gpa(0), 4096, false };
	unsigned received = 0;
	uint8_t got[4096];

	(void)state;
	activate(f, 0);
	memset(buffer(f, 0), 0, 4096);
	for (unsigned i = 0; i < QUEUE_SIZE; i++)
		ring_add(f->tx, &s, 1);
	net_call(f->net, call_notify, 1);
	assert_true(ring_used_index(f->tx) < QUEUE_SIZE);
	while (received < QUEUE_SIZE) {
		if (recv(f->wire[0], got, sizeof(got), 0) != sizeof(got))
			fail_msg("the wire broke after %u packets", received);
		received++;
	}
	assert_true(wait_used(f->tx, QUEUE_SIZE));
	assert_int_equal(stat_of(f, "net.net0.tx.pkts"), QUEUE_SIZE);
	free_fixture(f);
}

static void test_receive(void **state)
{
	struct fixture *f = new_fixture(1);
	uint8_t frame[300];
	uint32_t head, written;

	(void)state;
	activate(f, 0);
	add_rx(f, 0, 2048);
	add_rx(f, 1, 2048);
	net_call(f->net, call_notify, 0);
	fill_frame(frame, sizeof(frame), 2);
	send_frame(f, frame, sizeof(frame));
	assert_true(wait_used(f->rx, 1));
	assert_true(ring_take(f->rx, &head, &written));
	assert_int_equal(head, 0);
	assert_int_equal(written, MV_NET_HEADER + sizeof(frame));
	assert_int_equal(mv_get_le16(buffer(f, 0) + 10), 1);
	assert_memory_equal(buffer(f, 0) + MV_NET_HEADER, frame, sizeof(frame));
	assert_int_equal(stat_of(f, "net.net0.rx.pkts"), 1);
	assert_int_equal(stat_of(f, "net.net0.rx.bytes"), sizeof(frame));
	free_fixture(f);
}

/* Without mergeable buffers a packet that does not fit is dropped, and its buffer serves the next one. */
static void test_receive_too_large(void **state)
{
	struct fixture *f = new_fixture(1);
	uint8_t frame[3000];
	uint32_t head, written;

	(void)state;
	activate(f, 0);
	add_rx(f, 0, 1526);
	add_rx(f, 1, 1526);
	net_call(f->net, call_notify, 0);
	fill_frame(frame, sizeof(frame), 3);
	send_frame(f, frame, sizeof(frame));
	send_frame(f, frame, 1000);
	assert_true(wait_used(f->rx, 1));
	assert_true(ring_take(f->rx, &head, &written));
	assert_int_equal(head, 0);
	assert_int_equal(written, MV_NET_HEADER + 1000);
	assert_int_equal(stat_of(f, "net.net0.rx.drop"), 1);
	assert_int_equal(stat_of(f, "net.net0.rx.pkts"), 1);
	free_fixture(f);
}

/* Takes one packet out of mergeable buffers of `size` bytes each, numbered in the order they were added. */
static size_t take_merged(struct fixture *f, uint8_t *packet, unsigned *number)
{
	unsigned count = 1;
	size_t len = 0;

	for (unsigned i = 0; i < count; i++, (*number)++) {
		uint32_t head, written;

		assert_true(ring_take(f->rx, &head, &written));
		assert_int_equal(head, *number & (QUEUE_SIZE - 1));
		if (i == 0) {
			assert_true(written >= MV_NET_HEADER);
			count = mv_get_le16(buffer(f, *number % 32) + 10);
			assert_true(count > 0);
		}
		memcpy(packet + len, buffer(f, *number % 32), written);
		len += written;
	}
	return len;
}

/* Packets of all sizes, into buffers of several: whatever the window was, they arrive whole and in order. */
static void test_receive_merged(void **state)
{
	static const size_t sizes[] = { 60,   1500, 65000, 64,    1514, 9000, 65535, 700, 2036, 2037,
					4084, 4085, 60,    65000, 61,   62,   63,    64,  65,   30000 };
	mv_autofree uint8_t *frame = malloc(MV_NET_MAX_PACKET), *packet = malloc(2 * MV_NET_MAX_PACKET);
	struct fixture *f = new_fixture(1);
	unsigned added = 0, taken = 0;

	(void)state;
	activate(f, MV_NET_BIT(MV_NET_F_MRG_RXBUF));
	for (unsigned round = 0; round < 6; round++) {
		const uint32_t buffer_size = 1024u << round; /* 1 KiB to 32 KiB: a page of each size may need many */

		for (unsigned i = 0; i < MV_ARRAY_SIZE(sizes); i++) {
			/* Buffers come one by one, so that a packet also waits in the middle for more. */
			fill_frame(frame, sizes[i], i);
			send_frame(f, frame, sizes[i]);
			while (ring_used_index(f->rx) == f->rx->seen) {
				if (added - taken >= 32) {
					assert_true(sizes[i] + MV_NET_HEADER > 32 * (size_t)buffer_size);
					goto next_round;
				}
				add_rx(f, added % 32, buffer_size);
				added++;
				net_call(f->net, call_notify, 0);
			}
			assert_int_equal(take_merged(f, packet, &taken), MV_NET_HEADER + sizes[i]);
			assert_memory_equal(packet + MV_NET_HEADER, frame, sizes[i]);
		}
		continue;
next_round:
		/* Too few buffers for this one: it arrives with those of the next round. */
		while (ring_used_index(f->rx) == f->rx->seen) {
			struct segment s = { buffer_gpa(40), 65536, true };

			ring_add(f->rx, &s, 1);
			added++;
			net_call(f->net, call_notify, 0);
		}
		while (ring_used_index(f->rx) != f->rx->seen) {
			uint32_t head, written;

			assert_true(ring_take(f->rx, &head, &written));
			taken++;
		}
	}
	assert_int_equal(stat_of(f, "net.net0.rx.drop"), 0);
	free_fixture(f);
}

/* Buffers that cannot even hold the header, and a packet larger than all that the guest can give. */
static void test_receive_hopeless(void **state)
{
	mv_autofree uint8_t *frame = malloc(MV_NET_MAX_PACKET);
	struct fixture *f = new_fixture(1);
	uint32_t head, written;

	(void)state;
	activate(f, MV_NET_BIT(MV_NET_F_MRG_RXBUF));
	fill_frame(frame, 65000, 9);
	add_rx(f, 0, 11);
	net_call(f->net, call_notify, 0);
	assert_true(ring_take(f->rx, &head, &written));
	assert_int_equal(written, 0);
	assert_int_equal(stat_of(f, "net.net0.rx.errs"), 1);
	/* The whole ring is 25 KiB. */
	for (unsigned i = 0; i < QUEUE_SIZE; i++)
		add_rx(f, 0, 100);
	send_frame(f, frame, 65000);
	send_frame(f, frame, 80);
	net_call(f->net, call_notify, 0);
	assert_true(wait_used(f->rx, 2));
	assert_true(ring_take(f->rx, &head, &written));
	assert_int_equal(written, MV_NET_HEADER + 80);
	assert_int_equal(stat_of(f, "net.net0.rx.drop"), 1);
	free_fixture(f);
}

/* Buffers that wait for packets are the guest's again while the device is paused. */
static void test_pause(void **state)
{
	struct fixture *f = new_fixture(1);
	uint8_t frame[200];

	(void)state;
	activate(f, MV_NET_BIT(MV_NET_F_MRG_RXBUF));
	for (unsigned i = 0; i < 8; i++)
		add_rx(f, i, 1024);
	fill_frame(frame, sizeof(frame), 4);
	send_frame(f, frame, sizeof(frame));
	net_call(f->net, call_notify, 0);
	assert_true(wait_used(f->rx, 1));
	mv_virtio_dev_pause(&f->net->v.dev);
	assert_int_equal(f->rx->q->last_avail, 1);
	assert_int_equal(f->rx->q->used_index, 1);
	send_frame(f, frame, sizeof(frame));
	net_sync(f->net);
	assert_int_equal(ring_used_index(f->rx), 1);
	mv_virtio_dev_resume(&f->net->v.dev);
	assert_true(wait_used(f->rx, 2));
	assert_int_equal(stat_of(f, "net.net0.rx.drop"), 0);
	free_fixture(f);
}

/* What came before the guest was there is not for it. */
static void test_stale_packets(void **state)
{
	struct fixture *f = new_fixture(1);
	uint8_t frame[200];
	uint32_t head, written;

	(void)state;
	fill_frame(frame, sizeof(frame), 5);
	send_frame(f, frame, sizeof(frame));
	activate(f, 0);
	add_rx(f, 0, 2048);
	send_frame(f, frame, 100);
	net_call(f->net, call_notify, 0);
	assert_true(wait_used(f->rx, 1));
	assert_true(ring_take(f->rx, &head, &written));
	assert_int_equal(written, MV_NET_HEADER + 100);
	free_fixture(f);
}

static void test_lost_tap(void **state)
{
	struct fixture *f = new_fixture(1);
	struct segment s = { buffer_gpa(1), 100, false };

	(void)state;
	activate(f, 0);
	assert_true(net_link_up(f->net));
	add_rx(f, 0, 2048);
	close(f->wire[0]);
	f->wire[0] = -1;
	net_call(f->net, call_notify, 0);
	while (net_link_up(f->net))
		;
	assert_int_equal(f->fake.events, 1);
	assert_int_equal(f->fake.event, MV_EVENT_DEVICE);
	/* Packets are still taken. */
	ring_add(f->tx, &s, 1);
	net_call(f->net, call_notify, 1);
	assert_int_equal(ring_used_index(f->tx), 1);
	assert_int_equal(stat_of(f, "net.net0.tx.errs"), 1);
	free_fixture(f);
}

/* Sends a command of `len` bytes, two of them its header; returns the answer. */
static uint8_t command(struct fixture *f, const void *bytes, uint32_t len)
{
	struct segment s[3] = { { buffer_gpa(20), len < 2 ? len : 2, false },
				{ buffer_gpa(20) + 2, len < 2 ? 0 : len - 2, false },
				{ buffer_gpa(21), 1, true } };
	uint32_t head, written;

	memcpy(buffer(f, 20), bytes, len);
	*buffer(f, 21) = 0xee;
	ring_add(f->ctrl, s, 3);
	net_call(f->net, call_notify, (unsigned)(f->ctrl - f->rings));
	assert_true(ring_take(f->ctrl, &head, &written));
	assert_int_equal(written, 1);
	return *buffer(f, 21);
}

struct command_case {
	const char *name;
	uint8_t bytes[32];
	uint32_t len;
	uint8_t answer;
};

static const struct command_case commands[] = {
	{ "empty", { 0 }, 0, 1 },
	{ "class only", { 0 }, 1, 1 },
	{ "promiscuous on", { 0, 0, 1 }, 3, 0 },
	{ "promiscuous without argument", { 0, 0 }, 2, 1 },
	{ "promiscuous with two arguments", { 0, 0, 1, 1 }, 4, 1 },
	{ "all multicast on", { 0, 1, 1 }, 3, 0 },
	{ "all unicast", { 0, 2, 0 }, 3, 0 },
	{ "no multicast", { 0, 3, 0 }, 3, 0 },
	{ "no unicast", { 0, 4, 0 }, 3, 0 },
	{ "no broadcast", { 0, 5, 0 }, 3, 0 },
	{ "unknown receive mode", { 0, 6, 1 }, 3, 1 },
	{ "empty MAC tables", { 1, 0 }, 10, 0 },
	{ "one MAC table", { 1, 0 }, 6, 1 },
	{ "one unicast address", { 1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 9 }, 16, 0 },
	{ "table longer than the command", { 1, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0, 9 }, 16, 1 },
	{ "table count that overflows", { 1, 0, 0xff, 0xff, 0xff, 0xff }, 16, 1 },
	{ "bytes after the tables", { 1, 0 }, 11, 1 },
	{ "set the address", { 1, 1, 0x52, 0x54, 0, 9, 9, 9 }, 8, 0 },
	{ "set a multicast address", { 1, 1, 0x53, 0x54, 0, 9, 9, 9 }, 8, 1 },
	{ "short address", { 1, 1, 0x52, 0x54 }, 4, 1 },
	{ "unknown MAC command", { 1, 2 }, 2, 1 },
	{ "VLAN, not negotiated", { 2, 0, 5, 0 }, 4, 1 },
	{ "announce acknowledged, not negotiated", { 3, 0 }, 2, 1 },
	{ "pairs, not negotiated", { 4, 0, 1, 0 }, 4, 1 },
	{ "offloads none", { 5, 0 }, 10, 0 },
	{ "offloads not negotiated", { 5, 0, 0x80 }, 10, 1 },
	{ "offloads short", { 5, 0 }, 9, 1 },
	{ "unknown class", { 6, 0 }, 2, 1 },
	{ "last class", { 255, 255 }, 2, 1 },
};

static void test_commands(void **state)
{
	struct fixture *f = new_fixture(1);
	struct segment no_answer = { buffer_gpa(20), 3, false };
	uint8_t address[6];

	(void)state;
	activate(f, CTRL_FEATURES);
	for (unsigned i = 0; i < MV_ARRAY_SIZE(commands); i++) {
		const struct command_case *c = &commands[i];
		uint8_t answer = command(f, c->bytes, c->len);

		if (answer != c->answer)
			fail_msg("%s: answer %u, expected %u", c->name, answer, c->answer);
	}
	f->net->v.ops->config_read(&f->net->v, 0, address, sizeof(address));
	assert_memory_equal(address, ((uint8_t[]){ 0x52, 0x54, 0, 9, 9, 9 }), 6);
	/* No room for the answer: the chain comes back all the same. */
	ring_add(f->ctrl, &no_answer, 1);
	net_call(f->net, call_notify, 2);
	assert_int_equal(ring_used_index(f->ctrl), MV_ARRAY_SIZE(commands) + 1);
	/* Reset forgets all of it. */
	net_call(f->net, call_reset, 0);
	f->net->v.ops->config_read(&f->net->v, 0, address, sizeof(address));
	assert_memory_equal(address, mac, 6);
	assert_true(f->net->filter.promiscuous);
	free_fixture(f);
}

static void test_filter(void **state)
{
	static const struct {
		const char *name;
		uint8_t to[6];
		uint16_t type, vlan;
		bool passes;
	} cases[] = {
		{ "own address", { 0x52, 0x54, 0, 1, 2, 3 }, 0x800, 0, true },
		{ "another's address", { 0x52, 0x54, 0, 1, 2, 4 }, 0x800, 0, false },
		{ "second address", { 2, 0, 0, 0, 0, 9 }, 0x800, 0, true },
		{ "broadcast", { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 0x806, 0, true },
		{ "wanted multicast", { 1, 0, 0x5e, 0, 0, 1 }, 0x800, 0, true },
		{ "other multicast", { 1, 0, 0x5e, 0, 0, 2 }, 0x800, 0, false },
		{ "wanted VLAN", { 0x52, 0x54, 0, 1, 2, 3 }, 0x8100, 100, true },
		{ "wanted VLAN with priority", { 0x52, 0x54, 0, 1, 2, 3 }, 0x8100, 0xe000 | 100, true },
		{ "other VLAN", { 0x52, 0x54, 0, 1, 2, 3 }, 0x8100, 101, false },
	};
	static const uint8_t tables[] = { 1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 9, 1, 0, 0, 0, 1, 0, 0x5e, 0, 0, 1 };
	struct fixture *f = new_fixture(1);
	uint16_t expected = 0;

	(void)state;
	activate(f, CTRL_FEATURES | MV_NET_BIT(MV_NET_F_CTRL_VLAN));
	assert_int_equal(command(f, ((uint8_t[]){ 0, 0, 0 }), 3), 0);
	assert_int_equal(command(f, tables, sizeof(tables)), 0);
	assert_int_equal(command(f, ((uint8_t[]){ 2, 0, 100, 0 }), 4), 0);
	assert_int_equal(command(f, ((uint8_t[]){ 2, 0, 101, 0 }), 4), 0);
	assert_int_equal(command(f, ((uint8_t[]){ 2, 1, 101, 0 }), 4), 0);
	assert_int_equal(command(f, ((uint8_t[]){ 2, 0, 0, 16 }), 4), 1);
	for (unsigned i = 0; i < 32; i++)
		add_rx(f, i, 2048);
	for (unsigned i = 0; i < MV_ARRAY_SIZE(cases); i++) {
		uint8_t frame[64] = { 0 };

		memcpy(frame, cases[i].to, 6);
		frame[12] = (uint8_t)(cases[i].type >> 8);
		frame[13] = (uint8_t)cases[i].type;
		frame[14] = (uint8_t)(cases[i].vlan >> 8);
		frame[15] = (uint8_t)cases[i].vlan;
		send_frame(f, frame, sizeof(frame));
		/* A frame that surely passes follows, so that one that does not is not waited for. */
		memcpy(frame, mac, 6);
		frame[12] = 8;
		send_frame(f, frame, sizeof(frame) - 1);
		expected = (uint16_t)(expected + 1 + (cases[i].passes ? 1 : 0));
		net_call(f->net, call_notify, 0);
		if (!wait_used(f->rx, expected))
			fail_msg("%s: %u frames passed, expected %u", cases[i].name, ring_used_index(f->rx), expected);
	}
	free_fixture(f);
}

static void test_pairs(void **state)
{
	struct fixture *f = new_fixture(3);
	struct segment s = { buffer_gpa(0), 100, false };
	uint8_t got[128], config[4];

	(void)state;
	activate(f, CTRL_FEATURES | MV_NET_BIT(MV_NET_F_MQ));
	f->net->v.ops->config_read(&f->net->v, 8, config, 4);
	assert_int_equal(mv_get_le16(config), 3);
	assert_int_equal(mv_get_le16(config + 2), 1500);
	assert_int_equal(command(f, ((uint8_t[]){ 4, 0, 0, 0 }), 4), 1);
	assert_int_equal(command(f, ((uint8_t[]){ 4, 0, 4, 0 }), 4), 1);
	assert_int_equal(command(f, ((uint8_t[]){ 4, 0, 0, 0x80 }), 4), 1);
	assert_int_equal(f->net->active_pairs, 1);
	assert_false(f->net->pairs[2].steered);
	assert_int_equal(command(f, ((uint8_t[]){ 4, 0, 3, 0 }), 4), 0);
	assert_true(f->net->pairs[2].steered);
	memset(buffer(f, 0), 0, 100);
	ring_add(&f->rings[5], &s, 1);
	net_call(f->net, call_notify, 5);
	assert_int_equal(recv(f->wire[2], got, sizeof(got), MSG_DONTWAIT), 100);
	/* Packets for a pair arrive in its queue. */
	s.writable = true;
	ring_add(&f->rings[4], &s, 1);
	net_call(f->net, call_notify, 4);
	assert_int_equal(send(f->wire[2], got, 80, 0), 80);
	assert_true(wait_used(&f->rings[4], 1));
	assert_int_equal(command(f, ((uint8_t[]){ 4, 0, 1, 0 }), 4), 0);
	assert_false(f->net->pairs[1].steered);
	free_fixture(f);
}

/* Several pairs offered, but a driver without MQ: the control queue is number 2 then. */
static void test_pairs_unused(void **state)
{
	struct fixture *f = new_fixture(3);

	(void)state;
	activate(f, CTRL_FEATURES);
	assert_int_equal(command(f, ((uint8_t[]){ 0, 1, 1 }), 3), 0);
	assert_true(f->net->filter.all_multicast);
	free_fixture(f);
}

/* A broken queue stops the device, and only the device, until reset. */
static void test_broken_queue(void **state)
{
	struct fixture *f = new_fixture(1);
	struct segment outside = { UINT64_C(1) << 40, 100, false }, s = { buffer_gpa(0), 100, false };

	(void)state;
	activate(f, 0);
	ring_add(f->tx, &outside, 1);
	net_call(f->net, call_notify, 1);
	assert_true(f->net->failed);
	ring_add(f->tx, &s, 1);
	net_call(f->net, call_notify, 1);
	assert_int_equal(ring_used_index(f->tx), 0);
	net_call(f->net, call_reset, 0);
	activate(f, 0);
	memset(buffer(f, 0), 0, 100);
	ring_add(f->tx, &s, 1);
	net_call(f->net, call_notify, 1);
	assert_int_equal(ring_used_index(f->tx), 1);
	free_fixture(f);
}

/* A saved device goes on elsewhere with the same rings, and the guest is asked to tell the network where it is. */
static void test_restore(void **state)
{
	struct fixture *f = new_fixture(2);
	struct mv_net *old = f->net;
	uint8_t frame[100], bytes[8];
	int fds[2], wires[2];

	(void)state;
	activate(f,
		 CTRL_FEATURES | MV_NET_BIT(MV_NET_F_MQ) | MV_NET_BIT(MV_NET_F_GUEST_ANNOUNCE) |
			 MV_NET_BIT(MV_NET_F_STATUS) | MV_NET_BIT(MV_NET_F_MRG_RXBUF) |
			 MV_NET_BIT(MV_NET_F_GUEST_CSUM) | MV_NET_BIT(MV_NET_F_GUEST_TSO4));
	assert_int_equal(command(f, ((uint8_t[]){ 4, 0, 2, 0 }), 4), 0);
	assert_int_equal(command(f, ((uint8_t[]){ 1, 1, 0x52, 0x54, 0, 7, 7, 7 }), 8), 0);
	assert_int_equal(command(f, ((uint8_t[]){ 0, 0, 0 }), 3), 0);
	assert_int_equal(command(f, ((uint8_t[]){ 5, 0, 2, 0, 0, 0, 0, 0, 0, 0 }), 10), 0);
	for (unsigned i = 0; i < 8; i++)
		add_rx(f, i, 512);
	fill_frame(frame, sizeof(frame), 1);
	memcpy(frame, ((uint8_t[]){ 0x52, 0x54, 0, 7, 7, 7 }), 6);
	net_call(f->net, call_notify, 0);
	send_frame(f, frame, sizeof(frame));
	assert_true(wait_used(f->rx, 1));
	mv_virtio_dev_pause(&old->v.dev);
	for (unsigned i = 0; i < 2; i++) {
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
		fds[i] = pair[0];
		wires[i] = pair[1];
	}
	f->net = create_device(f, 2, fds, 4);
	fake_machine_copy_state(&old->v.dev, &f->net->v.dev);
	mv_dev_free(&old->v.dev);
	for (unsigned i = 0; i < 2; i++) {
		close(f->wire[i]);
		f->wire[i] = wires[i];
	}
	for (unsigned i = 0; i < 5; i++)
		f->rings[i].q = &f->net->v.queues[i];
	send_frame(f, frame, sizeof(frame));
	net_sync(f->net);
	assert_int_equal(ring_used_index(f->rx), 1); /* not before it is resumed */
	mv_virtio_dev_resume(&f->net->v.dev);
	assert_true(wait_used(f->rx, 2));
	assert_int_equal(f->net->active_pairs, 2);
	assert_true(f->net->pairs[1].steered);
	assert_int_equal(f->net->offloads, 2);
	assert_false(f->net->filter.promiscuous);
	f->net->v.ops->config_read(&f->net->v, 0, bytes, sizeof(bytes));
	assert_memory_equal(bytes, frame, 6);
	assert_int_equal(mv_get_le16(bytes + 6), 3); /* link up, announce */
	assert_int_equal(command(f, ((uint8_t[]){ 3, 0 }), 2), 0);
	f->net->v.ops->config_read(&f->net->v, 6, bytes, 2);
	assert_int_equal(mv_get_le16(bytes), 1);
	/* A pause that is no restore asks for nothing. */
	mv_virtio_dev_pause(&f->net->v.dev);
	mv_virtio_dev_resume(&f->net->v.dev);
	f->net->v.ops->config_read(&f->net->v, 6, bytes, 2);
	assert_int_equal(mv_get_le16(bytes), 1);
	free_fixture(f);
}

static void test_refused_specs(void **state)
{
	struct fixture *f = new_fixture(1);
	int fd = dup(f->wire[0]);
	const struct {
		uint32_t pairs, queue_size, vhost_count;
		uint16_t mtu;
		uint8_t mac;
	} bad[] = {
		{ .pairs = 0, .queue_size = 256 },
		{ .pairs = MV_MAX_QUEUES + 1, .queue_size = 256 },
		{ .pairs = 1, .queue_size = 0 },
		{ .pairs = 1, .queue_size = 255 },
		{ .pairs = 1, .queue_size = 2048 },
		{ .pairs = 1, .queue_size = 256, .mtu = 67 },
		{ .pairs = 1, .queue_size = 256, .mac = 1 },
		{ .pairs = 1, .queue_size = 256, .vhost_count = 2 },
		{ .pairs = 1, .queue_size = 256, .vhost_count = 1 }, /* no vhost device */
	};

	(void)state;
	for (unsigned i = 0; i < MV_ARRAY_SIZE(bad); i++) {
		struct mv_device_spec spec = { .kind = MV_DEVICE_NET, .id = (char[]){ "net1" }, .slot = 4 };
		mv_auto(mv_error) err = NULL;
		struct mv_dev *d = NULL;

		spec.net = (struct mv_net_spec){
			.pairs = bad[i].pairs,
			.queue_size = bad[i].queue_size,
			.mtu = bad[i].mtu,
			.mac = { bad[i].mac },
			.tap_fds = &fd,
			.vhost_fds = bad[i].vhost_count ? &fd : NULL,
			.vhost_count = bad[i].vhost_count,
		};
		assert_int_equal(mv_dev_create(&f->ops, &f->fake.machine, "net1", &spec, &d, &err), -1);
		assert_non_null(strstr(err->message, i + 1 == MV_ARRAY_SIZE(bad) ? "/dev/vhost-net" : "'net1'"));
		/* The descriptor stays the caller's. */
		assert_true(fcntl(fd, F_GETFD) >= 0);
	}
	close(fd);
	free_fixture(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transmit),
		cmocka_unit_test(test_transmit_nonsense),
		cmocka_unit_test(test_transmit_blocked),
		cmocka_unit_test(test_receive),
		cmocka_unit_test(test_receive_too_large),
		cmocka_unit_test(test_receive_merged),
		cmocka_unit_test(test_receive_hopeless),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_stale_packets),
		cmocka_unit_test(test_lost_tap),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_pairs_unused),
		cmocka_unit_test(test_broken_queue),
		cmocka_unit_test(test_restore),
		cmocka_unit_test(test_refused_specs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
