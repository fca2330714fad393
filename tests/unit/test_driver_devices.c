/* What a guest is given by the driver: disks and their locks, taps, consoles, statistics; and URIs. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/cleanup.h"
#include "tests/unit/driver_fixture.h"

static const char *with_disk(const char *path, const char *more)
{
	static char text[700];

	snprintf(text, sizeof(text), ", \"disks\": [ { \"path\": \"%s\"%s } ]", path, more);
	return text;
}

static void expect_refusal(struct driver_fixture *f, const char *spec, int code, const char *text)
{
	mv_auto(mv_error) err = NULL;
	struct mv_domain *dom = NULL;

	driver_expect_error(mv_domain_create(f->conn, spec, 0, &dom, &err), &err, code, text);
}

/* --- disks --- */

static void one_writer(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom, *other;
	mv_auto(mv_error) err = NULL;
	char disk[400];

	driver_need_kvm();
	snprintf(disk, sizeof(disk), "%s", driver_path(f, "disk"));
	driver_put_file(disk, 1 << 20);
	dom = driver_create(f, driver_spec("w1", "counter", with_disk(disk, "")));
	expect_refusal(f, driver_spec("w2", "counter", with_disk(disk, "")), MV_ERR_RESOURCE_BUSY,
		       "is in use by the running guest 'w1'; only readonly disks can be shared");
	expect_refusal(f, driver_spec("w2", "counter", with_disk(disk, ", \"readonly\": true")), MV_ERR_RESOURCE_BUSY,
		       "is in use by the running guest 'w1'");
	/* The lock is the machine's, not ours. */
	mv_domain_unref(dom);
	driver_reopen(f);
	expect_refusal(f, driver_spec("w2", "counter", with_disk(disk, "")), MV_ERR_RESOURCE_BUSY, "guest 'w1'");
	driver_ok(mv_domain_lookup(f->conn, "w1", &dom, &err), err);
	driver_ok(mv_domain_destroy(dom, &err), err);
	mv_domain_unref(dom);
	dom = driver_create(f, driver_spec("w2", "counter", with_disk(disk, ", \"readonly\": true")));
	other = driver_create(f, driver_spec("w3", "counter", with_disk(disk, ", \"readonly\": true")));
	expect_refusal(f, driver_spec("w4", "counter", with_disk(disk, "")), MV_ERR_RESOURCE_BUSY,
		       "in use by the running guest");
	mv_domain_unref(dom);
	mv_domain_unref(other);
}

static void locked_by_a_stranger(void **state)
{
	struct driver_fixture *f = *state;
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	const char *disk = driver_path(f, "disk");
	int fd;

	driver_need_kvm();
	driver_put_file(disk, 1 << 20);
	fd = open(disk, O_RDWR | O_CLOEXEC);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	expect_refusal(f, driver_spec("w1", "counter", with_disk(disk, "")), MV_ERR_RESOURCE_BUSY,
		       "is in use by another process, which is no guest of");
	close(fd);
}

static void disks_made(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom;
	mv_autofree char *json = NULL;
	mv_auto(mv_error) err = NULL;
	char disk[400], spec[1200];
	struct stat st;

	driver_need_kvm();
	snprintf(disk, sizeof(disk), "%s", driver_path(f, "new"));
	/* A start that fails leaves no disk that it made. */
	snprintf(spec, sizeof(spec), ", \"disks\": [ { \"path\": \"%s\", \"size\": \"1M\" }, { \"path\": \"%s\" } ]",
		 disk, driver_path(f, "missing"));
	expect_refusal(f, driver_spec("d1", "counter", spec), 0, "disks[2].path: '");
	assert_int_equal(access(disk, F_OK), -1);
	dom = driver_define(f, driver_spec("d1", "counter", with_disk(disk, ", \"size\": \"8G\"")));
	assert_int_equal(access(disk, F_OK), -1);
	driver_ok(mv_domain_start(dom, 0, &err), err);
	assert_int_equal(stat(disk, &st), 0);
	assert_int_equal(st.st_size, 8ull << 30);
	assert_int_equal(st.st_blocks, 0);
	driver_ok(mv_domain_destroy(dom, &err), err);
	driver_ok(mv_domain_start(dom, 0, &err), err); /* it is there now */
	driver_ok(mv_domain_spec(dom, &json, &err), err);
	assert_non_null(strstr(json, "\"target\": \"vda\""));
	driver_ok(mv_domain_destroy(dom, &err), err);
	assert_int_equal(truncate(disk, 4096), 0);
	driver_expect_error(mv_domain_start(dom, 0, &err), &err, MV_ERR_CONFIG_UNSUPPORTED,
			    "has 4096 bytes, and not 8589934592");
	mv_domain_unref(dom);
}

static void disks_refused(void **state)
{
	struct driver_fixture *f = *state;
	const char *path = driver_path(f, "image");
	char text[600];
	int fd;

	driver_need_kvm();
	driver_put_file(path, 0);
	expect_refusal(f, driver_spec("d1", "counter", with_disk(path, "")), MV_ERR_CONFIG_UNSUPPORTED, "is empty");
	driver_put_file(path, 1 << 20);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, "QFI\xfb\0\0\0\3", 8), 8);
	close(fd);
	for (int direct = 0; direct < 2; direct++) {
		snprintf(text, sizeof(text), "%s", direct ? ", \"cache\": \"none\"" : "");
		expect_refusal(f, driver_spec("d1", "counter", with_disk(path, text)), MV_ERR_CONFIG_UNSUPPORTED,
			       "is a qcow2 image");
	}
	mv_domain_unref(driver_create(f, driver_spec("d1", "counter", with_disk(path, ", \"format\": \"raw\""))));
	expect_refusal(f, driver_spec("d2", "counter", with_disk("/dev/null", "")), 0, "'/dev/null' is a special file");
	expect_refusal(f, driver_spec("d2", "counter", with_disk("/no/such", "")), 0,
		       "disks[1].path: '/no/such': no such file");
	expect_refusal(f, "{ \"name\": \"d2\", \"memory\": \"8T\", \"boot\": { \"kernel\": \"/bin/true\" } }",
		       MV_ERR_CONFIG_UNSUPPORTED, "memory: 8 TiB is more than this host has (");
}

/* --- network cards --- */

static bool interface_up(const char *name)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { 0 };
	bool up;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	up = ioctl(sock, SIOCGIFFLAGS, &ifr) == 0 && (ifr.ifr_flags & IFF_UP);
	close(sock);
	return up;
}

static void expect_address(const char *name, const uint8_t address[6])
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { 0 };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	assert_int_equal(ioctl(sock, SIOCGIFHWADDR, &ifr), 0);
	assert_memory_equal(ifr.ifr_hwaddr.sa_data, address, 6);
	close(sock);
}

static void taps(void **state)
{
	static const uint8_t address[6] = { 0xfe, 0x54, 0x00, 0x12, 0x34, 0x56 };
	static const uint8_t address_of_fe[6] = { 0xfa, 0x54, 0x00, 0x12, 0x34, 0x56 };
	struct driver_fixture *f = *state;
	struct mv_domain *dom, *other;
	mv_auto(mv_error) err = NULL;
	mv_autofree char *json = NULL;

	driver_need_kvm();
	if (geteuid() != 0 || access("/dev/net/tun", R_OK | W_OK) < 0 || unshare(CLONE_NEWNET) < 0) {
		print_message("skip: no taps can be made here\n");
		skip();
	}
	dom = driver_create(f,
			    driver_spec("n1", "counter",
					", \"nics\": [ { \"tap\": \"mvt0\", \"mtu\": 1400, \"mac\": "
					"\"52:54:00:12:34:56\" }, {} ]"));
	assert_true(interface_up("mvt0"));
	/* The host's end is another station than the guest. */
	expect_address("mvt0", address);
	assert_true(interface_up("vnet0"));
	driver_ok(mv_domain_spec(dom, &json, &err), err);
	assert_non_null(strstr(json, "\"tap\": \"vnet0\""));
	expect_refusal(f, driver_spec("n2", "counter", ", \"nics\": [ { \"tap\": \"mvt0\" } ]"), MV_ERR_RESOURCE_BUSY,
		       "nics[1].tap: 'mvt0' is in use by another process");
	expect_refusal(f, driver_spec("n2", "counter", ", \"nics\": [ {}, { \"tap\": \"lo\" } ]"),
		       MV_ERR_CONFIG_UNSUPPORTED, "nics[2].tap: 'lo' is a network interface, but not a tap");
	expect_refusal(f, driver_spec("n2", "counter", ", \"nics\": [ { \"bridge\": \"br-none\" } ]"), MV_ERR_SYSTEM,
		       "nics[1].bridge: 'vnet1' cannot join 'br-none': there is no such interface");
	expect_refusal(f, driver_spec("n2", "counter", ", \"nics\": [ { \"bridge\": \"lo\" } ]"), MV_ERR_SYSTEM,
		       "nics[1].bridge: 'vnet1' cannot join 'lo': it is not a bridge");
	assert_int_equal(if_nametoindex("vnet1"), 0); /* what was made for them is gone */
	other = driver_create(f,
			      driver_spec("n2", "counter",
					  ", \"nics\": [ { \"queues\": 4, \"mac\": "
					  "\"fe:54:00:12:34:56\" } ]"));
	assert_true(interface_up("vnet1"));
	expect_address("vnet1", address_of_fe);
	driver_ok(mv_domain_destroy(other, &err), err);
	/* A guest with a chosen tap comes back with whatever is free then. */
	driver_ok(mv_domain_save(dom, driver_path(f, "image"), false, &err), err);
	mv_domain_unref(dom);
	mv_domain_unref(other);
	other = driver_create(f, driver_spec("n3", "counter", ", \"nics\": [ {} ]"));
	driver_ok(mv_domain_restore(f->conn, driver_path(f, "image"), 0, &dom, &err), err);
	assert_true(interface_up("mvt0"));
	expect_address("mvt0", address);
	mv_domain_unref(dom);
	mv_domain_unref(other);
}

static void vhost_missing(void **state)
{
	struct driver_fixture *f = *state;

	driver_need_kvm();
	if (access("/dev/vhost-vsock", F_OK) == 0) {
		print_message("skip: this host has /dev/vhost-vsock\n");
		skip();
	}
	expect_refusal(f, driver_spec("v1", "counter", ", \"vsock\": { \"cid\": 7 }"), MV_ERR_SYSTEM,
		       "vsock: '/dev/vhost-vsock': no such file");
}

/* --- consoles, logs, statistics, memory --- */

static void consoles(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom;
	mv_auto(mv_error) err = NULL;
	char more[700], log[64] = "";
	int fd;

	driver_need_kvm();
	snprintf(more, sizeof(more),
		 ", \"serials\": [ { \"log\": \"%s\" }, {} ], \"consoles\": [ {}, { \"name\": \"org.example.0\" } ]",
		 driver_path(f, "serial.log"));
	dom = driver_create(f, driver_spec("c1", "hello", more));
	driver_await_event(f, "c1 stopped/shutdown");
	mv_domain_unref(dom);
	fd = open(driver_path(f, "serial.log"), O_RDONLY | O_CLOEXEC);
	assert_true(read(fd, log, sizeof(log) - 1) == 6);
	close(fd);
	assert_string_equal(log, "hello\n");

	dom = driver_create(f, driver_spec("c2", "counter", more));
	static const char *const good[] = { "serial0", "serial1", "console0.0", "console0.1", "org.example.0", NULL };
	for (size_t i = 0; i < MV_ARRAY_SIZE(good); i++) {
		fd = mv_domain_console(dom, good[i], &err);
		if (fd < 0)
			fail_msg("%s: %s", good[i] ? good[i] : "NULL", err->message);
		close(fd);
	}
	driver_expect_error(mv_domain_console(dom, "serial2", &err), &err, MV_ERR_INVALID_ARG,
			    "Domain 'c2' has no console 'serial2'; it has serial0, serial1, console0.0, console0.1");
	mv_domain_unref(dom);
	dom = driver_create(f, driver_spec("c3", "counter", ", \"serials\": []"));
	driver_expect_error(mv_domain_console(dom, NULL, &err), &err, MV_ERR_OPERATION_INVALID,
			    "no serial port and no console");
	mv_domain_unref(dom);
}

static const struct mv_stat *find_stat(const struct mv_stat *stats, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(stats[i].name, name) == 0)
			return &stats[i];
	}
	fail_msg("there is no statistic '%s'", name);
	return NULL;
}

static void statistics(void **state)
{
	static const char *const names[] = { "state.state", "cpu.time",        "cpu.user",
					     "cpu.system",  "vcpu.current",    "vcpu.0.time",
					     "balloon.rss", "balloon.maximum", "block.0.rd.reqs" };
	struct driver_fixture *f = *state;
	struct mv_domain *dom;
	struct mv_stat *stats;
	mv_auto(mv_error) err = NULL;
	size_t count;
	const char *disk = driver_path(f, "disk");

	driver_need_kvm();
	driver_put_file(disk, 1 << 20);
	dom = driver_define(f, driver_spec("x1", "counter", with_disk(disk, "")));
	driver_ok(mv_domain_stats(dom, &stats, &count, &err), err);
	assert_int_equal(find_stat(stats, count, "state.state")->value, 5);
	mv_stats_free(stats, count);
	driver_ok(mv_domain_start(dom, 0, &err), err);
	driver_ok(mv_domain_stats(dom, &stats, &count, &err), err);
	for (size_t i = 0; i < MV_ARRAY_SIZE(names); i++)
		find_stat(stats, count, names[i]);
	assert_true(find_stat(stats, count, "cpu.time")->value > 0);
	assert_int_equal(find_stat(stats, count, "balloon.maximum")->value, 16384);
	assert_int_equal(find_stat(stats, count, "block.count")->value, 1);
	assert_string_equal(find_stat(stats, count, "block.0.name")->text, "vda");
	assert_string_equal(find_stat(stats, count, "block.0.path")->text, disk);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(stats[i].name, stats[j].name);
	mv_stats_free(stats, count);
	mv_domain_unref(dom);
}

static void memory(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom;
	mv_auto(mv_error) err = NULL;

	driver_need_kvm();
	dom = driver_create(f, driver_spec("y1", "counter", ""));
	driver_ok(mv_domain_set_memory(dom, 8 << 20, &err), err);
	driver_expect_error(mv_domain_set_memory(dom, 17 << 20, &err), &err, MV_ERR_INVALID_ARG,
			    "Domain 'y1' cannot be given 17 MiB: it has 16 MiB at the most");
	mv_domain_unref(dom);
	dom = driver_create(f, driver_spec("y2", "counter", ", \"balloon\": false"));
	driver_expect_error(mv_domain_set_memory(dom, 8 << 20, &err), &err, MV_ERR_OPERATION_INVALID,
			    "has no memory balloon");
	mv_domain_unref(dom);
}

/* --- definitions and URIs: no KVM is needed --- */

static void definitions(void **state)
{
	struct driver_fixture *f = *state;
	struct mv_domain *dom, *again = NULL, **all;
	mv_auto(mv_error) err = NULL;
	char uuid[40], path[600], spec[4096];
	size_t count;
	FILE *file;

	dom = driver_define(f, driver_spec("b", "counter", ""));
	snprintf(uuid, sizeof(uuid), "%s", mv_domain_uuid(dom));
	/* Defined again, it stays what it is. */
	again = driver_define(f, driver_spec("b", "counter", ", \"nics\": [ {} ]"));
	assert_string_equal(mv_domain_uuid(again), uuid);
	mv_domain_unref(again);
	snprintf(spec, sizeof(spec), ", \"uuid\": \"%s\"", uuid);
	driver_expect_error(mv_domain_define(f->conn, driver_spec("a", "counter", spec), &again, &err), &err,
			    MV_ERR_DOM_EXIST, "is that of domain 'b'");
	driver_expect_error(mv_domain_define(f->conn,
					     driver_spec("b", "counter",
							 ", \"uuid\": \"d1c37b43-6b32-4f4c-8a3f-0f9e5c2c7a11\""),
					     &again, &err),
			    &err, MV_ERR_DOM_EXIST, "uuid: domain 'b' exists, with the UUID ");
	driver_expect_error(mv_domain_define(f->conn, "{ \"name\": \"q\", \"memroy\": 1 }", &again, &err), &err,
			    MV_ERR_XML, "memroy: there is no such key; did you mean 'memory'?");
	mv_domain_unref(driver_define(f, driver_spec("a", "counter", "")));
	driver_reopen(f);
	driver_ok(mv_domain_lookup(f->conn, uuid, &again, &err), err);
	assert_string_equal(mv_domain_name(again), "b");
	mv_domain_unref(again);
	/* A definition that cannot be read: said when it is asked for, and no obstacle for the others. */
	snprintf(path, sizeof(path), "%s/root/etc/c.json", f->root);
	file = fopen(path, "w");
	fputs("{ \"name\": ", file);
	fclose(file);
	driver_ok(mv_conn_domains(f->conn, &all, &count, &err), err);
	assert_int_equal(count, 2);
	assert_string_equal(mv_domain_name(all[0]), "a");
	for (size_t i = 0; i < count; i++)
		mv_domain_unref(all[i]);
	free(all);
	driver_expect_error(mv_domain_lookup(f->conn, "c", &again, &err), &err, MV_ERR_XML,
			    "/root/etc/c.json' cannot be read");
	driver_expect_error(mv_domain_lookup(f->conn, "../etc/a", &again, &err), &err, MV_ERR_NO_DOMAIN,
			    "no domain '../etc/a'");
	mv_domain_unref(dom);
}

static void uris(void **state)
{
	static const struct {
		const char *uri, *message;
	} bad[] = {
		{ "nothing", "'nothing' is not a connection URI" },
		{ "xyz:///a", "There is no driver for 'xyz:///a'" },
		{ "kvm:///system", "'kvm:///system' needs a daemon" },
		{ "kvm://host/embed?root=/tmp/x", "of this host only, not of 'host'" },
		{ "kvm:///embed", "does not say where state is kept" },
		{ "kvm:///embed?root=", "does not say where state is kept" },
		{ "kvm:///embed?rot=/tmp/x", "there is no parameter 'rot'; known: root, timeout" },
		{ "kvm:///embed?root=/tmp/x&timeout=soon", "timeout is a number of seconds" },
		{ "kvm:///embed?root=/proc/nowhere", "The root folder '/proc/nowhere' cannot be made" },
		{ "kvm:///embed?root=%zz", "cannot be decoded" },
		{ "kvm:///embed?root=a%00b", "cannot be decoded" },
	};
	struct driver_fixture *f = *state;
	struct mv_conn *conn = NULL;
	mv_auto(mv_error) err = NULL;
	char uri[700];
	struct stat st;

	for (size_t i = 0; i < MV_ARRAY_SIZE(bad); i++)
		driver_expect_error(mv_conn_open(bad[i].uri, &conn, &err), &err, 0, bad[i].message);
	snprintf(uri, sizeof(uri), "kvm:///embed?root=%s/with%%20a%%26space", f->root);
	driver_ok(mv_conn_open(uri, &conn, &err), err);
	assert_string_equal(mv_conn_uri(conn), uri);
	assert_int_equal(stat(driver_path(f, "with a&space/etc"), &st), 0);
	mv_conn_unref(conn);
}

/* --- event handlers --- */

struct handler {
	struct driver_fixture *f;
	int number, calls;
	bool freed;
};

static void once(const struct mv_event *e, void *opaque)
{
	struct handler *h = opaque;

	(void)e;
	h->calls++;
	assert_int_equal(mv_conn_off(h->f->conn, h->number, NULL), 0);
	assert_false(h->freed); /* not while it runs */
}

static void mark_freed(void *opaque)
{
	((struct handler *)opaque)->freed = true;
}

static void handlers(void **state)
{
	struct driver_fixture *f = *state;
	struct handler h = { .f = f }, other = { .f = f };
	mv_auto(mv_error) err = NULL;

	h.number = mv_conn_on(f->conn, "lifecycle", once, &h, mark_freed, &err);
	assert_true(h.number > 0);
	other.number = mv_conn_on(f->conn, "balloon", once, &other, mark_freed, &err);
	driver_expect_error(mv_conn_on(f->conn, "no such", once, &h, NULL, &err), &err, MV_ERR_INVALID_ARG,
			    "no events called 'no such'; known: lifecycle,");
	mv_domain_unref(driver_define(f, driver_spec("e", "counter", "")));
	mv_domain_unref(driver_define(f, driver_spec("e", "counter", "")));
	assert_int_equal(h.calls, 0); /* nowhere but in dispatch */
	assert_int_equal(mv_conn_dispatch(f->conn, 0, &err), 2);
	assert_int_equal(h.calls, 1);
	assert_true(h.freed);
	assert_int_equal(other.calls, 0);
	driver_expect_error(mv_conn_off(f->conn, h.number, &err), &err, MV_ERR_INVALID_ARG,
			    "no event handler with the number");
	assert_int_equal(mv_conn_dispatch(f->conn, 0, &err), 0);
	mv_conn_ref(f->conn);
	mv_conn_unref(f->conn);
	assert_int_equal(mv_conn_off(f->conn, other.number, NULL), 0);
	assert_true(other.freed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, driver_set_up, driver_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_writer),    TEST(locked_by_a_stranger),
		TEST(disks_made),    TEST(disks_refused),
		TEST(vhost_missing), TEST(consoles),
		TEST(statistics),    TEST(memory),
		TEST(definitions),   TEST(uris),
		TEST(handlers),      TEST(taps), /* last: it leaves the network namespace */
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
