#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "engine/base/bytes.h"
#include "engine/kvm/dev/chardev.h"
#include "engine/kvm/virtio/console.h"
#include "engine/kvm/virtio/devices.h"
#include "tests/unit/virtio_guest.h"

#define MEMORY (UINT64_C(16) << 20)
#define SLOT 4
#define SIZE 16
#define MULTIPORT (UINT64_C(1) << MV_CONSOLE_F_MULTIPORT)
#define PORTS 3
#define QUEUES (2 * PORTS + 2)
#define RINGS 0x100000
#define BUFFERS 0x200000 /* a page for each queue's buffers, a MiB for output */
#define OUTPUT 0x400000

/* hvc0, an agent's channel, and a console without a name. */
static struct mv_console_port_spec port_specs[PORTS] = {
	{ .name = NULL, .is_console = true, .log_fd = -1 },
	{ .name = (char[]){ "org.qemu.guest_agent.0" }, .is_console = false, .log_fd = -1 },
	{ .name = (char[]){ "second" }, .is_console = true, .log_fd = -1 },
};
static const struct mv_device_spec spec = {
	.kind = MV_DEVICE_CONSOLE,
	.id = (char[]){ "console0" },
	.slot = SLOT,
	.console = { .ports = port_specs, .count = PORTS },
};

struct guest {
	struct fake_machine f;
	struct mv_dev *host, *dev;
	struct vg_device g;
	struct vg_queue q[QUEUES];
	int peer;
	char output[600000];
	size_t output_len, want;
	unsigned next_buffer;
};

static void make(struct guest *g)
{
	fake_machine_init(&g->f, MEMORY);
	g->host = fake_machine_device(&g->f, &mv_pci_host_ops, NULL);
	g->dev = fake_machine_device(&g->f, &mv_console_dev_ops, &spec);
	g->peer = -1;
}

static int setup(void **state)
{
	struct guest *g = calloc(1, sizeof(*g));

	make(g);
	*state = g;
	return 0;
}

static void unmake(struct guest *g)
{
	mv_dev_free(g->dev);
	mv_dev_free(g->host);
	fake_machine_release(&g->f);
	if (g->peer >= 0)
		close(g->peer);
}

static int teardown(void **state)
{
	unmake(*state);
	free(*state);
	return 0;
}

static void drive(struct guest *g, uint64_t features)
{
	vg_find(&g->g, &g->f, SLOT);
	assert_true(vg_negotiate(&g->g, VG_VERSION_1 | features));
	for (unsigned i = 0; i < QUEUES; i++) {
		vg_queue_init(&g->q[i], &g->g, i, SIZE, RINGS + i * 0x1000);
		if (features & MULTIPORT || i < 2)
			vg_queue_enable(&g->q[i]);
	}
	vg_set_status(&g->g, VG_READY);
	assert_int_equal(vg_status(&g->g), VG_READY);
}

static uint8_t *at(struct guest *g, uint64_t gpa)
{
	return mv_memory_ptr(&g->f.memory, gpa, 1);
}

static int attach(struct guest *g, const char *port)
{
	struct mv_chardev *c = g->dev->ops->chardev(g->dev, port);
	int pair[2];

	assert_non_null(c);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(mv_chardev_attach(c, pair[0], NULL), 0);
	return pair[1];
}

static bool got_output(void *opaque)
{
	struct guest *g = opaque;
	ssize_t n = recv(g->peer, g->output + g->output_len, sizeof(g->output) - g->output_len, MSG_DONTWAIT);

	g->output_len += n > 0 ? (size_t)n : 0;
	return g->output_len >= g->want;
}

static void expect_output(struct guest *g, const char *text)
{
	g->output_len = 0;
	g->want = strlen(text);
	assert_true(fake_machine_until(&g->f, got_output, g));
	assert_int_equal(g->output_len, strlen(text));
	assert_memory_equal(g->output, text, strlen(text));
}

static uint16_t print(struct guest *g, unsigned queue, const char *text)
{
	uint64_t gpa = OUTPUT + (g->next_buffer++ % 64) * 256;

	memcpy(at(g, gpa), text, strlen(text));
	uint16_t head = vg_add(&g->q[queue], &(struct vg_segment){ gpa, (uint32_t)strlen(text), false }, 1);

	vg_kick(&g->q[queue]);
	return head;
}

static void control(struct guest *g, uint32_t port, uint16_t event, uint16_t value)
{
	uint64_t gpa = BUFFERS + 0x3000;
	uint16_t head;

	mv_put_le32(at(g, gpa), port);
	mv_put_le16(at(g, gpa + 4), event);
	mv_put_le16(at(g, gpa + 6), value);
	head = vg_add(&g->q[3], &(struct vg_segment){ gpa, 8, false }, 1);
	vg_kick(&g->q[3]);
	vg_expect(&g->q[3], head, 0);
}

/* Waits for a control message and checks it; its buffer is given back. */
static void told(struct guest *g, uint32_t port, uint16_t event, uint16_t value, const char *name)
{
	uint64_t gpa;
	uint32_t head, written, len = 8 + (name ? (uint32_t)strlen(name) : 0);
	struct vg_queue *q = &g->q[2];

	for (int i = 0; !vg_take(q, &head, &written); i++) {
		assert_true(i < 1000);
		mv_loop_once(g->f.machine.loop, 10);
	}
	gpa = BUFFERS + 0x2000 + head * 0x100;
	assert_int_equal(written, len);
	assert_int_equal(mv_get_le32(at(g, gpa)), port);
	assert_int_equal(mv_get_le16(at(g, gpa + 4)), event);
	assert_int_equal(mv_get_le16(at(g, gpa + 6)), value);
	if (name)
		assert_memory_equal(at(g, gpa + 8), name, strlen(name));
}

static void give_control_buffers(struct guest *g, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		vg_add(&g->q[2], &(struct vg_segment){ BUFFERS + 0x2000 + g->q[2].next_desc * 0x100, 0x100, true }, 1);
	vg_kick(&g->q[2]);
}

static void nothing_told(struct guest *g)
{
	uint32_t head, written;

	for (int i = 0; i < 5; i++)
		fake_machine_turn(&g->f);
	assert_false(vg_take(&g->q[2], &head, &written));
}

/* What Linux does from the start until its programs can use the ports. */
static void introduce(struct guest *g)
{
	drive(g, MULTIPORT);
	give_control_buffers(g, SIZE);
	control(g, UINT32_MAX, 0, 1);
	for (uint32_t i = 0; i < PORTS; i++)
		told(g, i, 1, 1, NULL);
	control(g, 0, 3, 1);
	told(g, 0, 4, 1, NULL);
	told(g, 0, 6, 1, NULL);
	control(g, 1, 3, 1);
	told(g, 1, 7, 1, "org.qemu.guest_agent.0");
	control(g, 2, 3, 1);
	told(g, 2, 4, 1, NULL);
	told(g, 2, 7, 1, "second");
	told(g, 2, 6, 1, NULL);
	control(g, 0, 6, 1);
}

static void test_offer(void **state)
{
	struct guest *g = *state;

	vg_find(&g->g, &g->f, SLOT);
	assert_int_equal(vg_offered(&g->g) & 0xff, 0x06);
	assert_int_equal(vg_memory_read(&g->f, g->g.device + 4, 4), PORTS);
	assert_int_equal(vg_memory_read(&g->f, g->g.device, 4), 0);
}

static void test_emergency_write(void **state)
{
	struct guest *g = *state;

	vg_find(&g->g, &g->f, SLOT);
	vg_memory_write(&g->f, g->g.device + 8, '!', 4);
	vg_memory_write(&g->f, g->g.device + 8, '?', 4);
	g->peer = attach(g, "0");
	expect_output(g, "!?");
}

static void test_output(void **state)
{
	struct guest *g = *state;
	uint16_t head;

	introduce(g);
	/* Before anybody looks: kept. */
	head = print(g, 1, "login: ");
	vg_expect(&g->q[1], head, 0);
	g->peer = attach(g, "0");
	expect_output(g, "login: ");
	print(g, 1, "root\r\n");
	expect_output(g, "root\r\n");
	/* Another port's output is not among it. */
	print(g, 5, "agent");
	print(g, 1, "#");
	expect_output(g, "#");
}

static bool input_used(void *opaque)
{
	struct guest *g = opaque;

	return vg_used_index(&g->q[0]) != g->q[0].next_used;
}

static void test_input(void **state)
{
	struct guest *g = *state;
	uint16_t head;

	introduce(g);
	g->peer = attach(g, "0");
	/* No buffer yet: it waits. */
	assert_int_equal(write(g->peer, "hello", 5), 5);
	for (int i = 0; i < 5; i++)
		fake_machine_turn(&g->f);
	assert_false(input_used(g));
	head = vg_add(&g->q[0], &(struct vg_segment){ BUFFERS, 3, true }, 1);
	vg_kick(&g->q[0]);
	vg_expect(&g->q[0], head, 3);
	assert_memory_equal(at(g, BUFFERS), "hel", 3);
	head = vg_add(&g->q[0], (struct vg_segment[]){ { BUFFERS + 16, 1, true }, { BUFFERS + 32, 100, true } }, 2);
	vg_kick(&g->q[0]);
	vg_expect(&g->q[0], head, 2);
	assert_int_equal(*at(g, BUFFERS + 16), 'l');
	assert_int_equal(*at(g, BUFFERS + 32), 'o');
}

/* A client may write as much as it likes: what the guest does not take stays in its socket. */
static void test_input_flow_control(void **state)
{
	struct guest *g = *state;
	static char chunk[100000];
	size_t sent = 0, received = 0;
	uint8_t expected = 0;

	introduce(g);
	g->peer = attach(g, "0");
	for (size_t i = 0; i < sizeof(chunk); i++)
		chunk[i] = (char)(i % 251);
	while (received < sizeof(chunk)) {
		uint32_t head, written;
		ssize_t n = send(g->peer, chunk + sent, sizeof(chunk) - sent, MSG_DONTWAIT);

		sent += n > 0 ? (size_t)n : 0;
		vg_add(&g->q[0], &(struct vg_segment){ BUFFERS, 1000, true }, 1);
		vg_kick(&g->q[0]);
		assert_true(fake_machine_until(&g->f, input_used, g));
		assert_true(vg_take(&g->q[0], &head, &written));
		for (uint32_t i = 0; i < written; i++, received++) {
			assert_int_equal(*at(g, BUFFERS + i), expected);
			expected = (uint8_t)((expected + 1) % 251);
		}
	}
	assert_int_equal(received, sent);
}

static void test_without_multiport(void **state)
{
	struct guest *g = *state;
	uint16_t head;

	drive(g, 0);
	g->peer = attach(g, "0");
	print(g, 1, "old");
	expect_output(g, "old");
	head = vg_add(&g->q[0], &(struct vg_segment){ BUFFERS, 16, true }, 1);
	vg_kick(&g->q[0]);
	assert_int_equal(write(g->peer, "x", 1), 1);
	vg_expect(&g->q[0], head, 1);
}

/* The agent's channel is open while somebody is connected, and takes input while a program in the guest listens. */
static void test_open_and_close(void **state)
{
	struct guest *g = *state;
	uint16_t head;

	introduce(g);
	nothing_told(g);
	g->peer = attach(g, "1");
	told(g, 1, 6, 1, NULL);
	head = vg_add(&g->q[4], &(struct vg_segment){ BUFFERS, 64, true }, 1);
	vg_kick(&g->q[4]);
	assert_int_equal(write(g->peer, "ping", 4), 4);
	for (int i = 0; i < 5; i++)
		fake_machine_turn(&g->f);
	assert_int_equal(vg_used_index(&g->q[4]), 0);
	control(g, 1, 6, 1);
	vg_expect(&g->q[4], head, 4);
	assert_memory_equal(at(g, BUFFERS), "ping", 4);
	print(g, 5, "pong");
	expect_output(g, "pong");
	close(g->peer);
	g->peer = -1;
	told(g, 1, 6, 0, NULL);
	/* It stays a console, whoever looks. */
	close(attach(g, "2"));
	nothing_told(g);
}

/* Last words are delivered before the port is said to be closed. */
static void test_last_words(void **state)
{
	struct guest *g = *state;
	uint16_t head;

	introduce(g);
	control(g, 1, 6, 1);
	g->peer = attach(g, "1");
	told(g, 1, 6, 1, NULL);
	assert_int_equal(write(g->peer, "bye", 3), 3);
	close(g->peer);
	g->peer = -1;
	nothing_told(g);
	head = vg_add(&g->q[4], &(struct vg_segment){ BUFFERS, 64, true }, 1);
	vg_kick(&g->q[4]);
	vg_expect(&g->q[4], head, 3);
	told(g, 1, 6, 0, NULL);
}

/* Control messages wait for buffers, one at a time if need be, and those that cancel each other are not sent. */
static void test_control_waits_for_buffers(void **state)
{
	struct guest *g = *state;

	drive(g, MULTIPORT);
	control(g, UINT32_MAX, 0, 1);
	for (uint32_t i = 0; i < PORTS; i++) {
		nothing_told(g);
		give_control_buffers(g, 1);
		told(g, i, 1, 1, NULL);
	}
	control(g, 1, 3, 1);
	close(attach(g, "1"));
	for (int i = 0; i < 5; i++)
		fake_machine_turn(&g->f);
	give_control_buffers(g, 4);
	told(g, 1, 7, 1, "org.qemu.guest_agent.0");
	nothing_told(g);
}

/* More than the client's socket and the history hold: a channel loses nothing, because the guest waits. */
static void test_channel_is_lossless(void **state)
{
	struct guest *g = *state;
	uint32_t size = 400000, head;
	uint32_t h, w;

	introduce(g);
	control(g, 1, 6, 1);
	g->peer = attach(g, "1");
	for (uint32_t i = 0; i < size; i++)
		*at(g, OUTPUT + i) = (uint8_t)(i % 251);
	head = vg_add(&g->q[5],
		      (struct vg_segment[]){ { OUTPUT, 250000, false }, { OUTPUT + 250000, size - 250000, false } }, 2);
	vg_kick(&g->q[5]);
	for (int i = 0; i < 100; i++)
		mv_loop_once(g->f.machine.loop, 1);
	/* The socket holds some 200 KiB, the history 64: the chain is not done. */
	assert_false(vg_take(&g->q[5], &h, &w));
	g->want = size;
	assert_true(fake_machine_until(&g->f, got_output, g));
	assert_int_equal(g->output_len, size);
	for (uint32_t i = 0; i < size; i++)
		assert_int_equal((uint8_t)g->output[i], i % 251);
	vg_expect(&g->q[5], head, 0);
}

/* A viewer that does not read holds up no console. */
static void test_console_never_waits(void **state)
{
	struct guest *g = *state;
	uint16_t head;

	introduce(g);
	g->peer = attach(g, "0");
	for (int i = 0; i < 8; i++) {
		head = vg_add(&g->q[1], &(struct vg_segment){ OUTPUT, 1 << 20, false }, 1);
		vg_kick(&g->q[1]);
		vg_expect(&g->q[1], head, 0);
	}
}

static void test_log(void **state)
{
	struct guest *g = *state;
	int fd = memfd_create("log", 0);
	char text[8];

	mv_dev_free(g->dev);
	port_specs[0].log_fd = dup(fd);
	g->dev = fake_machine_device(&g->f, &mv_console_dev_ops, &spec);
	port_specs[0].log_fd = -1;
	introduce(g);
	vg_expect(&g->q[1], print(g, 1, "logged"), 0);
	mv_dev_free(g->dev);
	g->dev = NULL;
	assert_int_equal(pread(fd, text, sizeof(text), 0), 6);
	assert_memory_equal(text, "logged", 6);
	close(fd);
}

static void needs_reset(struct guest *g)
{
	unsigned events = g->f.events;

	for (int i = 0; i < 5 && g->f.events == events; i++)
		fake_machine_turn(&g->f);
	assert_true(vg_status(&g->g) & VG_NEEDS_RESET);
	assert_int_equal(g->f.event, MV_EVENT_DEVICE);
}

static void test_short_control_message(void **state)
{
	struct guest *g = *state;

	introduce(g);
	vg_add(&g->q[3], &(struct vg_segment){ BUFFERS, 7, false }, 1);
	vg_kick(&g->q[3]);
	needs_reset(g);
	/* And works again after it. */
	introduce(g);
}

static void test_short_control_buffer(void **state)
{
	struct guest *g = *state;

	introduce(g);
	for (int i = 0; i < SIZE; i++)
		vg_add(&g->q[2], &(struct vg_segment){ BUFFERS + 0x2000, 4, true }, 1);
	/* Those that are still there are long enough for this one. */
	for (int i = 0; i < 2 * SIZE && !(vg_status(&g->g) & VG_NEEDS_RESET); i++) {
		mv_put_le32(at(g, BUFFERS + 0x3000), 1);
		mv_put_le16(at(g, BUFFERS + 0x3004), 3);
		mv_put_le16(at(g, BUFFERS + 0x3006), 1);
		vg_add(&g->q[3], &(struct vg_segment){ BUFFERS + 0x3000, 8, false }, 1);
		vg_kick(&g->q[3]);
		fake_machine_turn(&g->f);
	}
	needs_reset(g);
}

static void test_bad_chains(void **state)
{
	struct guest *g = *state;

	for (unsigned i = 0; i < QUEUES; i++) {
		introduce(g);
		if (i == 0)
			g->peer = attach(g, "0");
		if (i == 0)
			assert_int_equal(write(g->peer, "x", 1), 1);
		if (i == 2)
			continue;
		vg_add(&g->q[i], &(struct vg_segment){ MEMORY - 4, 8, i % 2 == 0 }, 1);
		vg_kick(&g->q[i]);
		if (i % 2)
			needs_reset(g);
	}
}

/* Nonsense in control messages changes nothing. */
static void test_control_nonsense(void **state)
{
	struct guest *g = *state;

	introduce(g);
	control(g, PORTS, 3, 1);
	control(g, UINT32_MAX, 3, 1);
	control(g, UINT32_MAX, 6, 1);
	control(g, 0, 99, 1);
	control(g, 1, 5, 1);
	control(g, 1, 6, 77);
	nothing_told(g);
	assert_int_equal(vg_status(&g->g), VG_READY);
}

static void test_names_of_ports(void **state)
{
	struct guest *g = *state;
	struct mv_chardev *(*chardev)(struct mv_dev *, const char *) = g->dev->ops->chardev;

	assert_non_null(chardev(g->dev, "0"));
	assert_non_null(chardev(g->dev, "2"));
	assert_ptr_not_equal(chardev(g->dev, "0"), chardev(g->dev, "1"));
	assert_null(chardev(g->dev, ""));
	assert_null(chardev(g->dev, "3"));
	assert_null(chardev(g->dev, "-1"));
	assert_null(chardev(g->dev, " 1"));
	assert_null(chardev(g->dev, "1x"));
	assert_null(chardev(g->dev, "99999999999999999999999"));
}

static void test_refused_specifications(void **state)
{
	struct guest *g = *state;
	struct mv_console_port_spec bad[2] = { { .log_fd = -1 }, { .log_fd = -1 } };
	struct mv_device_spec s = { .kind = MV_DEVICE_CONSOLE, .slot = 5, .id = (char[]){ "c" } };
	struct mv_dev *d;
	char name[300];
	unsigned before;
	mv_auto(mv_error) err = NULL;

	assert_int_equal(mv_dev_create(&mv_console_dev_ops, &g->f.machine, "c", &s, &d, &err), -1);
	assert_int_equal(err->code, MV_ERR_CONFIG_UNSUPPORTED);
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = 0;
	bad[0].log_fd = memfd_create("log", 0);
	bad[1].name = name;
	s.console = (struct mv_console_spec){ .ports = bad, .count = 2 };
	before = vg_open_descriptors();
	assert_int_equal(mv_dev_create(&mv_console_dev_ops, &g->f.machine, "c", &s, &d, NULL), -1);
	/* The caller keeps the descriptor, and nothing else is left open. */
	assert_int_equal(vg_open_descriptors(), before);
	assert_int_equal(close(bad[0].log_fd), 0);
}

/* Saved in the middle of everything: input that waits, a chain half taken, a message that has no buffer, a client. */
static void test_state(void **state)
{
	struct guest *g = *state, *h = calloc(1, sizeof(*h));
	uint32_t size = 400000, head, first;

	introduce(g);
	control(g, 1, 6, 1);
	g->peer = attach(g, "1");
	told(g, 1, 6, 1, NULL);
	for (uint32_t i = 0; i < size; i++)
		*at(g, OUTPUT + i) = (uint8_t)(i % 251);
	head = vg_add(&g->q[5], &(struct vg_segment){ OUTPUT, size, false }, 1);
	vg_kick(&g->q[5]);
	assert_int_equal(write(g->peer, "waiting", 7), 7);
	for (int i = 0; i < 50; i++)
		mv_loop_once(g->f.machine.loop, 1);
	g->dev->ops->pause(g->dev);
	/* Nothing moves while it is paused. */
	vg_add(&g->q[4], &(struct vg_segment){ BUFFERS, 64, true }, 1);
	vg_kick(&g->q[4]);
	for (int i = 0; i < 5; i++)
		fake_machine_turn(&g->f);
	assert_int_equal(vg_used_index(&g->q[4]), 0);

	make(h);
	memcpy(mv_memory_ptr(&h->f.memory, 0, MEMORY), mv_memory_ptr(&g->f.memory, 0, MEMORY), MEMORY);
	fake_machine_copy_state(g->dev, h->dev);
	memcpy(h->q, g->q, sizeof(h->q));
	vg_find(&h->g, &h->f, SLOT);
	for (unsigned i = 0; i < QUEUES; i++)
		h->q[i].g = &h->g;
	/* What the first machine's client got is not sent again; the second's client gets the rest. */
	g->want = sizeof(g->output);
	for (int i = 0; i < 50; i++) {
		got_output(g);
		mv_loop_once(g->f.machine.loop, 1);
	}
	first = (uint32_t)g->output_len;
	assert_true(first > 0 && first < size);
	h->dev->ops->resume(h->dev);
	vg_expect(&h->q[4], g->q[4].next_desc - 1, 7);
	assert_memory_equal(at(h, BUFFERS), "waiting", 7);
	told(h, 1, 6, 0, NULL); /* its client did not come along */
	vg_expect(&h->q[5], head, 0);
	h->peer = attach(h, "1");
	told(h, 1, 6, 1, NULL);
	h->want = size - first < MV_CHARDEV_HISTORY ? size - first : MV_CHARDEV_HISTORY;
	assert_true(fake_machine_until(&h->f, got_output, h));
	assert_int_equal(h->output_len, h->want);
	for (uint32_t i = 0; i < h->want; i++)
		assert_int_equal((uint8_t)h->output[i], (size - h->want + i) % 251);
	unmake(h);
	free(h);
}

static void test_hostile_state(void **state)
{
	struct guest *g = *state;
	size_t size;
	mv_autofree uint8_t *body = NULL;

	introduce(g);
	g->dev->ops->pause(g->dev);
	body = fake_machine_save(g->dev, &size);
	for (size_t i = 0; i < size; i += i < 1000 ? 1 : 37) {
		uint8_t before = body[i];

		body[i] ^= 0xff;
		fake_machine_load(g->dev, body, size);
		g->dev->ops->resume(g->dev);
		for (int n = 0; n < 3; n++)
			fake_machine_turn(&g->f);
		body[i] = before;
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_offer),
		TEST(test_emergency_write),
		TEST(test_output),
		TEST(test_input),
		TEST(test_input_flow_control),
		TEST(test_without_multiport),
		TEST(test_open_and_close),
		TEST(test_last_words),
		TEST(test_control_waits_for_buffers),
		TEST(test_channel_is_lossless),
		TEST(test_console_never_waits),
		TEST(test_log),
		TEST(test_short_control_message),
		TEST(test_short_control_buffer),
		TEST(test_bad_chains),
		TEST(test_control_nonsense),
		TEST(test_names_of_ports),
		TEST(test_refused_specifications),
		TEST(test_state),
		TEST(test_hostile_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
