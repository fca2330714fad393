/* The network device on real tap interfaces, in a network namespace of its own. Needs root and /dev/net/tun. */
#include <errno.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>

#include <cmocka.h>

#include "engine/kvm/dev/pci.h"
#include "tests/unit/fake_machine.h"
#include "tests/unit/net_guest.h"

#define MEMORY (UINT64_C(32) << 20)
#define TAP_NAME "mvtest0"
#define HOST_ADDRESS 0x0a090001 /* 10.9.0.1 */
#define GUEST_ADDRESS 0x0a090002

static const uint8_t mac[6] = { 0x52, 0x54, 0, 1, 2, 3 };
static const char *unavailable; /* why the tests are skipped */

#define NEEDS_TAP()                                               \
	do {                                                      \
		if (unavailable) {                                \
			print_message("skip: %s\n", unavailable); \
			skip();                                   \
		}                                                 \
	} while (0)

static int open_tap(const char *name, unsigned flags)
{
	struct ifreq ifr = { .ifr_flags = (short)flags };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -1;
	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void set_flags(const char *name, bool up)
{
	struct ifreq ifr = { .ifr_flags = up ? IFF_UP | IFF_RUNNING : 0 };
	mv_autofd int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	assert_int_equal(ioctl(sock, SIOCSIFFLAGS, &ifr), 0);
}

static void set_address(const char *name, uint32_t address)
{
	struct ifreq ifr = { 0 };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(address) };
	mv_autofd int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	memcpy(&ifr.ifr_addr, &in, sizeof(in));
	assert_int_equal(ioctl(sock, SIOCSIFADDR, &ifr), 0);
	in.sin_addr.s_addr = htonl(0xffffff00);
	memcpy(&ifr.ifr_netmask, &in, sizeof(in));
	assert_int_equal(ioctl(sock, SIOCSIFNETMASK, &ifr), 0);
}

static void delete_interface(const char *name)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = RTM_DELLINK,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.info = { .ifi_index = (int)if_nametoindex(name) },
	};
	mv_autofd int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	char answer[512];

	assert_int_equal(send(sock, &request, sizeof(request), 0), sizeof(request));
	assert_true(recv(sock, answer, sizeof(answer), 0) > 0);
}

struct fixture {
	struct fake_machine fake;
	struct mv_dev *host;
	struct mv_net *net;
	struct ring rx, tx;
};

static struct mv_device_spec spec_of(int *fds, unsigned pairs)
{
	struct mv_device_spec spec = {
		.kind = MV_DEVICE_NET,
		.id = (char *)(uintptr_t) "net0",
		.slot = 3,
		.net = { .pairs = pairs, .tap_fds = fds, .offloads = true, .queue_size = 256 },
	};

	memcpy(spec.net.mac, mac, sizeof(mac));
	return spec;
}

static struct fixture *new_fixture(int *fds, unsigned pairs)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct mv_device_spec spec = spec_of(fds, pairs);

	assert_non_null(f);
	fake_machine_init(&f->fake, MEMORY);
	f->host = fake_machine_device(&f->fake, &mv_pci_host_ops, NULL);
	f->net = (struct mv_net *)fake_machine_device(&f->fake, &mv_net_dev_ops, &spec);
	return f;
}

static void activate(struct fixture *f, uint64_t features)
{
	net_negotiate(f->net, features | MV_NET_BIT(MV_VIRTIO_F_VERSION_1) | MV_NET_BIT(MV_VIRTIO_F_EVENT_IDX));
	ring_init(&f->rx, &f->fake.memory, &f->net->v.queues[0], 0, 256);
	ring_init(&f->tx, &f->fake.memory, &f->net->v.queues[1], 1, 256);
	net_call(f->net, call_activate, 0);
	assert_true(f->net->v.active);
}

static void free_fixture(struct fixture *f)
{
	mv_dev_free(&f->net->v.dev);
	mv_dev_free(f->host);
	fake_machine_release(&f->fake);
	free(f);
}

static uint8_t *memory_at(struct fixture *f, uint64_t offset)
{
	return guest_bytes(&f->fake.memory, RING_BUFFERS + offset);
}

/* Sends `len` bytes, header included. */
static void transmit(struct fixture *f, const void *packet, uint32_t len)
{
	struct segment s = { RING_BUFFERS, len, false };

	memcpy(memory_at(f, 0), packet, len);
	ring_add(&f->tx, &s, 1);
	net_call(f->net, call_notify, 1);
	assert_int_equal(ring_used_index(&f->tx), f->tx.avail);
}

static void put_be16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put_be32(uint8_t *p, uint32_t v)
{
	put_be16(p, v >> 16);
	put_be16(p + 2, v & 0xffff);
}

/* "Who has the host's address?", behind an empty header. */
static void make_arp(uint8_t *p)
{
	uint8_t *arp = p + MV_NET_HEADER + 14;

	memset(p, 0, MV_NET_HEADER + 42);
	memset(p + MV_NET_HEADER, 0xff, 6);
	memcpy(p + MV_NET_HEADER + 6, mac, 6);
	put_be16(p + MV_NET_HEADER + 12, 0x806);
	put_be16(arp, 1);
	put_be16(arp + 2, 0x800);
	arp[4] = 6;
	arp[5] = 4;
	put_be16(arp + 6, 1);
	memcpy(arp + 8, mac, 6);
	put_be32(arp + 14, GUEST_ADDRESS);
	put_be32(arp + 24, HOST_ADDRESS);
}

static void add_buffers(struct fixture *f, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct segment s = { RING_BUFFERS + (i + 1) * UINT64_C(4096), 4096, true };

		ring_add(&f->rx, &s, 1);
	}
}

static uint64_t stat_value;

static void find_stat(void *opaque, const char *name, uint64_t value)
{
	if (!strcmp(opaque, name))
		stat_value = value;
}

static uint64_t stat_of(struct fixture *f, const char *name)
{
	char copy[64] = { 0 };

	strncpy(copy, name, sizeof(copy) - 1);
	mv_net_dev_ops.stats(&f->net->v.dev, find_stat, copy);
	return stat_value;
}

/* The host answers an ARP request, so packets go both ways. */
static void exchange(struct fixture *f)
{
	const struct timespec pause = { .tv_nsec = 200000 };
	uint8_t packet[MV_NET_HEADER + 42];

	make_arp(packet);
	transmit(f, packet, sizeof(packet));
	for (unsigned i = 0; i < 50000; i++) {
		uint32_t head, written;

		if (!ring_take(&f->rx, &head, &written)) {
			nanosleep(&pause, NULL);
			continue;
		}
		/* IPv6 of the interface has its say too; our answer is ARP to our address. */
		const uint8_t *p = memory_at(f, (head + 1) * UINT64_C(4096)) + MV_NET_HEADER;

		if (written < MV_NET_HEADER + 42 || memcmp(p, mac, 6) || p[12] != 8 || p[13] != 6)
			continue;
		assert_int_equal(p[21], 2);
		return;
	}
	fail_msg("the host did not answer the ARP request");
}

static void test_exchange(void **state)
{
	int fd;
	struct fixture *f;

	(void)state;
	NEEDS_TAP();
	fd = open_tap(TAP_NAME, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	assert_true(fd >= 0);
	f = new_fixture(&fd, 1);
	set_address(TAP_NAME, HOST_ADDRESS);
	set_flags(TAP_NAME, true);
	assert_true(f->net->v.offered & MV_NET_BIT(MV_NET_F_GUEST_TSO4));
	assert_true(f->net->v.offered & MV_NET_BIT(MV_NET_F_HOST_TSO6));
	activate(f,
		 f->net->v.offered & (MV_NET_GUEST_OFFLOADS | MV_NET_HOST_OFFLOADS | MV_NET_BIT(MV_NET_F_MRG_RXBUF)));
	add_buffers(f, 64);
	exchange(f);
	/* Again after a reset, with nothing negotiated. */
	net_call(f->net, call_reset, 0);
	activate(f, 0);
	add_buffers(f, 64);
	exchange(f);
	free_fixture(f);
}

/* The tap refuses what makes no sense; the guest gets its buffer back and can go on. */
static void test_nonsense_headers(void **state)
{
	static const uint8_t headers[][10] = {
		{ 0, 0x7f },                              /* a kind of segmentation that does not exist */
		{ 1, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0 },   /* checksum beyond the packet */
		{ 1, 1, 0, 0, 0, 0, 0xff, 0xff, 16, 0 },  /* TCP segments, no size */
		{ 1, 1, 0xff, 0xff, 0, 0, 34, 0, 16, 0 }, /* TCP segments of a packet that is ARP */
	};
	struct fixture *f;
	uint8_t packet[MV_NET_HEADER + 42];
	int fd;

	(void)state;
	NEEDS_TAP();
	fd = open_tap(TAP_NAME, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	assert_true(fd >= 0);
	f = new_fixture(&fd, 1);
	set_address(TAP_NAME, HOST_ADDRESS);
	set_flags(TAP_NAME, true);
	activate(f,
		 f->net->v.offered & (MV_NET_GUEST_OFFLOADS | MV_NET_HOST_OFFLOADS | MV_NET_BIT(MV_NET_F_MRG_RXBUF)));
	make_arp(packet);
	for (unsigned i = 0; i < MV_ARRAY_SIZE(headers); i++) {
		memcpy(packet, headers[i], sizeof(headers[i]));
		transmit(f, packet, sizeof(packet));
	}
	assert_true(stat_of(f, "net.net0.tx.errs") >= 3);
	add_buffers(f, 64);
	exchange(f);
	/* An interface that is down takes nothing. */
	set_flags(TAP_NAME, false);
	make_arp(packet);
	transmit(f, packet, sizeof(packet));
	assert_int_equal(stat_of(f, "net.net0.tx.drop"), 1);
	set_flags(TAP_NAME, true);
	exchange(f);
	free_fixture(f);
}

static void test_deleted(void **state)
{
	struct fixture *f;
	uint8_t packet[MV_NET_HEADER + 42];
	int fd;

	(void)state;
	NEEDS_TAP();
	fd = open_tap(TAP_NAME, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	assert_true(fd >= 0);
	f = new_fixture(&fd, 1);
	set_address(TAP_NAME, HOST_ADDRESS);
	set_flags(TAP_NAME, true);
	activate(f, 0);
	add_buffers(f, 16);
	net_call(f->net, call_notify, 0);
	delete_interface(TAP_NAME);
	while (net_link_up(f->net))
		net_call(f->net, call_notify, 0);
	make_arp(packet);
	transmit(f, packet, sizeof(packet));
	assert_int_equal(stat_of(f, "net.net0.tx.errs"), 1);
	assert_int_equal(f->fake.event, MV_EVENT_DEVICE);
	free_fixture(f);
}

struct pairs_call {
	struct mv_net *net;
	unsigned pairs;
	int rc;
};

static void call_set_pairs(void *opaque)
{
	struct pairs_call *c = opaque;

	c->rc = mv_net_set_pairs(c->net, c->pairs);
}

static void set_pairs(struct fixture *f, unsigned pairs)
{
	struct pairs_call c = { .net = f->net, .pairs = pairs, .rc = -1 };

	mv_loop_call(f->net->v.loop, call_set_pairs, &c);
	assert_int_equal(c.rc, 0);
}

static void test_multiqueue(void **state)
{
	int fds[3];
	struct fixture *f;

	(void)state;
	NEEDS_TAP();
	for (unsigned i = 0; i < MV_ARRAY_SIZE(fds); i++) {
		fds[i] = open_tap(TAP_NAME, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE);
		assert_true(fds[i] >= 0);
	}
	f = new_fixture(fds, MV_ARRAY_SIZE(fds));
	set_address(TAP_NAME, HOST_ADDRESS);
	set_flags(TAP_NAME, true);
	/* One pair at first, whatever there is. */
	activate(f, MV_NET_BIT(MV_NET_F_MRG_RXBUF));
	add_buffers(f, 64);
	exchange(f);
	for (unsigned pairs = 1; pairs <= 3; pairs++) {
		set_pairs(f, pairs);
		set_pairs(f, 4 - pairs);
	}
	assert_int_equal(f->net->active_pairs, 1);
	exchange(f);
	free_fixture(f);
}

static void test_refused(void **state)
{
	struct fake_machine fake;
	struct mv_dev *host;
	int fds[3];

	(void)state;
	NEEDS_TAP();
	fake_machine_init(&fake, MEMORY);
	host = fake_machine_device(&fake, &mv_pci_host_ops, NULL);
	fds[0] = eventfd(0, EFD_CLOEXEC);
	fds[1] = open_tap("mvtest1", IFF_TAP | IFF_NO_PI);
	fds[2] = open_tap("mvtest2", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	for (unsigned i = 0; i < MV_ARRAY_SIZE(fds); i++) {
		static const char *const reasons[] = { "no tap interface", "IFF_VNET_HDR", "IFF_MULTI_QUEUE" };
		int twice[2] = { fds[i], fds[i] };
		struct mv_device_spec spec = spec_of(twice, 2);
		mv_auto(mv_error) err = NULL;
		struct mv_dev *d = NULL;

		assert_int_equal(mv_dev_create(&mv_net_dev_ops, &fake.machine, "net0", &spec, &d, &err), -1);
		assert_non_null(strstr(err->message, reasons[i]));
		assert_int_equal(close(fds[i]), 0);
	}
	mv_dev_free(host);
	fake_machine_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchange), cmocka_unit_test(test_nonsense_headers),
		cmocka_unit_test(test_deleted),  cmocka_unit_test(test_multiqueue),
		cmocka_unit_test(test_refused),
	};

	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		unavailable = "/dev/net/tun cannot be opened";
	else if (unshare(CLONE_NEWNET) < 0)
		unavailable = "a network namespace needs root";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
