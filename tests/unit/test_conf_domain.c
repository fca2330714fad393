/* The specification of a guest: what is taken, what is refused and with which words, and that what is written is read
 * back as the same. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/conf/domain.h"
#include "engine/conf/path.h"
#include "engine/conf/size.h"
#include "engine/conf/suggest.h"

#define MINIMAL "\"name\": \"g\", \"memory\": \"64M\", \"boot\": { \"kernel\": \"/boot/k\" }"

static struct mv_domain_conf *parse(const char *json)
{
	struct mv_domain_conf *conf = NULL;
	mv_auto(mv_error) err = NULL;

	if (mv_domain_conf_parse(json, &conf, &err) < 0)
		fail_msg("%s\nrefused: %s", json, err->message);
	return conf;
}

static void expect_refusal(const char *json, const char *message)
{
	mv_auto(mv_domain_conf) conf = NULL;
	mv_auto(mv_error) err = NULL;

	if (mv_domain_conf_parse(json, &conf, &err) == 0)
		fail_msg("%s\nis accepted", json);
	if (!strstr(err->message, message))
		fail_msg("%s\nis refused with '%s' instead of '%s'", json, err->message, message);
	assert_int_equal(err->domain, MV_FROM_CONF);
	assert_true(err->code == MV_ERR_XML || err->code == MV_ERR_CONFIG_UNSUPPORTED);
}

static void defaults(void **state)
{
	(void)state;
	mv_auto(mv_domain_conf) c = parse(
		"{ " MINIMAL ", \"disks\": [ { \"path\": \"/a\" }, { \"path\": \"/b\" } ], \"nics\": [ {} ] }");

	assert_string_equal(c->name, "g");
	assert_false(mv_uuid_is_zero(c->uuid));
	assert_int_equal(c->memory, 64 << 20);
	assert_int_equal(c->vcpus, 1);
	assert_int_equal(c->cpu.sockets * c->cpu.cores * c->cpu.threads, 1);
	assert_string_equal(c->disks[0].target, "vda");
	assert_string_equal(c->disks[1].target, "vdb");
	assert_int_equal(c->disks[0].cache, MV_CONF_CACHE_WRITEBACK);
	assert_true(c->disks[0].slot < c->disks[1].slot);
	assert_true(c->nics[0].slot != c->disks[0].slot);
	assert_int_equal(c->nics[0].mac[0], 0x52);
	assert_int_equal(c->nics[0].mac[1], 0x54);
	assert_int_equal(c->nics[0].mac[2], 0x00);
	assert_int_equal(c->serial_count, 1);
	assert_int_equal(c->console_count, 0);
	assert_true(c->rng.present);
	assert_string_equal(c->rng.source, "/dev/urandom");
	assert_true(c->balloon.present && c->balloon.deflate_on_oom);
	assert_false(c->vsock.present);
	assert_true(c->boot.unpack && c->panic && c->sandbox && !c->paused);
	assert_int_equal(c->on_poweroff, MV_CONF_ACTION_DESTROY);
	assert_int_equal(c->on_reboot, MV_CONF_ACTION_RESTART);
	assert_int_equal(c->on_crash, MV_CONF_ACTION_DESTROY);
}

static const char full[] =
	"{ \"name\": \"web1\", \"uuid\": \"d1c37b43-6b32-4f4c-8a3f-0f9e5c2c7a11\", \"title\": \"t\", \"description\": \"two\\nlines\","
	"  \"metadata\": { \"a\": [ 1, { \"b\": null } ] }, \"memory\": 10000000000, \"vcpus\": 8,"
	"  \"cpu\": { \"sockets\": 2, \"threads\": 2, \"features\": { \"avx2\": false, \"x2apic\": true } },"
	"  \"boot\": { \"kernel\": \"/k\", \"initrd\": \"/i\", \"cmdline\": \"console=ttyS0 quiet\", \"unpack\": false },"
	"  \"disks\": [ { \"path\": \"/d0\", \"target\": \"vdb\", \"cache\": \"none\", \"discard\": true, \"serial\": \"S1\", \"queues\": 4, \"size\": \"1G\" },"
	"             { \"path\": \"/d1\", \"readonly\": true, \"slot\": 7 }, { \"path\": \"/d1\", \"readonly\": true } ],"
	"  \"nics\": [ { \"tap\": \"vnet7\", \"mac\": \"52:54:00:AB:cd:01\", \"queues\": 2, \"mtu\": 9000, \"offloads\": false, \"bridge\": \"br0\" },"
	"            { \"vhost\": true } ],"
	"  \"consoles\": [ {}, { \"name\": \"org.qemu.guest_agent.0\", \"log\": \"/l\" } ], \"serials\": [ { \"log\": \"/s0\" }, {} ],"
	"  \"rng\": { \"source\": \"/dev/random\" }, \"balloon\": { \"stats\": false, \"target\": \"1G\" }, \"vsock\": { \"cid\": 42 },"
	"  \"panic\": false, \"hugepages\": true, \"prealloc\": true, \"on_poweroff\": \"preserve\", \"on_reboot\": \"destroy\","
	"  \"on_crash\": \"restart\", \"paused\": true, \"sandbox\": false }";

static void everything(void **state)
{
	(void)state;
	mv_auto(mv_domain_conf) c = parse(full);

	assert_int_equal(c->memory % (2 << 20), 0);
	assert_true(c->memory >= 10000000000u && c->memory < 10000000000u + (2 << 20));
	assert_int_equal(c->cpu.cores, 2);
	assert_false(c->boot.unpack);
	assert_int_equal(c->cpu.feature_count, 2);
	assert_string_equal(c->disks[0].target, "vdb");
	assert_string_equal(c->disks[1].target, "vda");
	assert_string_equal(c->disks[2].target, "vdc");
	assert_int_equal(c->disks[1].slot, 7);
	assert_int_equal(c->disks[0].size, 1 << 30);
	assert_int_equal(c->nics[0].mac[3], 0xab);
	assert_null(c->nics[1].tap);
	assert_int_equal(c->vsock.cid, 42);
	assert_string_equal(c->metadata, "{\"a\":[1,{\"b\":null}]}");
}

/* spec -> configuration -> JSON -> configuration -> the same JSON. */
static void fixed_point(void **state)
{
	static const char *const specs[] = {
		full, "{ " MINIMAL " }",
		"{ " MINIMAL ", \"serials\": [], \"rng\": false, \"balloon\": false, \"vsock\": false }",
		"{ " MINIMAL ", \"serials\": {}, \"cpu\": [], \"disks\": {}, \"metadata\": \"text\", \"vcpus\": 3 }",
		"{ " MINIMAL
		", \"nics\": [ {}, {}, {} ], \"consoles\": [ {} ], \"cpu\": { \"cores\": 2, \"threads\": 2 } }"
	};

	(void)state;
	for (size_t i = 0; i < MV_ARRAY_SIZE(specs); i++) {
		mv_auto(mv_domain_conf) first = parse(specs[i]);
		mv_autofree char *text = NULL;
		mv_autofree char *again = NULL;

		assert_int_equal(mv_domain_conf_format(first, &text, NULL), 0);
		mv_auto(mv_domain_conf) second = parse(text);
		assert_int_equal(mv_domain_conf_format(second, &again, NULL), 0);
		assert_string_equal(text, again);
		assert_memory_equal(first->uuid, second->uuid, 16);
		assert_int_equal(first->serial_count, second->serial_count);
		assert_int_equal(first->rng.present, second->rng.present);
	}
}

/* A definition that is made anew with one more disk keeps the cards' slots and addresses. */
static void stable_assignment(void **state)
{
	const char *before = "{ " MINIMAL ", \"disks\": [ { \"path\": \"/a\" } ], \"nics\": [ {}, {} ] }";
	const char *after =
		"{ " MINIMAL
		", \"disks\": [ { \"path\": \"/a\" }, { \"path\": \"/b\" } ], \"consoles\": [ {} ], \"nics\": [ {}, {} ] }";
	mv_auto(mv_domain_conf) a = parse(before);
	mv_auto(mv_domain_conf) b = NULL;

	(void)state;
	assert_int_equal(mv_domain_conf_parse_as(after, a->uuid, &b, NULL), 0);
	assert_memory_equal(a->uuid, b->uuid, 16);
	assert_memory_equal(a->nics[1].mac, b->nics[1].mac, 6);
	assert_int_equal(a->nics[0].slot, b->nics[0].slot);
	assert_int_equal(a->nics[1].slot, b->nics[1].slot);
	assert_int_equal(a->disks[0].slot, b->disks[0].slot);
	assert_int_equal(a->rng.slot, b->rng.slot);
}

struct refusal {
	const char *json, *message;
};

#define WITH(x) "{ " MINIMAL ", " x " }"
#define DISKS(x) WITH("\"disks\": [ " x " ]")

static const struct refusal refusals[] = {
	{ "{", "not valid JSON: line 1" },
	{ "3", "must be a table, not 3" },
	{ "{ \"name\": \"a\", \"name\": \"b\" }", "duplicate" },
	/* missing and unknown keys */
	{ "{}", "name: it is missing" },
	{ "{ \"name\": \"g\", \"boot\": { \"kernel\": \"/k\" } }", "memory: it is missing" },
	{ "{ \"name\": \"g\", \"memory\": \"1G\" }", "boot: it is missing" },
	{ "{ \"name\": \"g\", \"memory\": \"1G\", \"boot\": {} }", "boot.kernel: it is missing" },
	{ "{ \"name\": \"g\", \"memroy\": \"1G\" }",
	  "memroy: there is no such key; did you mean 'memory'? known here: name," },
	{ "{ \"name\": \"g\", \"ram\": \"1G\" }", "ram: there is no such key; known here: " },
	{ DISKS("{ \"path\": \"/a\", \"cahce\": \"none\" }"),
	  "disks[1].cahce: there is no such key; did you mean 'cache'?" },
	{ DISKS("{ \"path\": \"/a\" }, { \"target\": \"vdb\" }"), "disks[2].path: it is missing" },
	{ WITH("\"vsock\": true"), "vsock.cid: it is missing" },
	/* types */
	{ "{ \"name\": \"g\", \"memory\": [ 1 ] }",
	  "memory: a size is wanted (bytes, or a string like \"512M\"), not a list" },
	{ "{ \"name\": 3 }", "name: a string is wanted, not 3" },
	{ WITH("\"disks\": { \"path\": \"/a\" }"),
	  "disks: a list of tables is wanted, like { { path = ... } }, not a single table" },
	{ WITH("\"disks\": \"/a\""), "disks: a list of tables is wanted, not the string '/a'" },
	{ DISKS("\"/a\""), "disks[1]: a table is wanted, not the string '/a'" },
	{ WITH("\"panic\": \"yes\""), "panic: true or false is wanted, not the string 'yes'" },
	{ WITH("\"vcpus\": \"2\""), "vcpus: a whole number from 1 to 1024 is wanted, not the string '2'" },
	{ WITH("\"vcpus\": 1.5"), "vcpus: a whole number from 1 to 1024 is wanted, not 1.5" },
	{ WITH("\"rng\": 1"), "rng: true, false or a table is wanted, not 1" },
	{ WITH("\"cpu\": { \"features\": [ \"avx2\" ] }"),
	  "cpu.features: a table like { avx2 = false } is wanted, not a list" },
	{ WITH("\"cpu\": { \"features\": { \"avx2\": 0 } }"), "cpu.features.avx2: true or false is wanted, not 0" },
	{ WITH("\"on_crash\": true"), "on_crash: one of the strings destroy, restart, preserve is wanted, not true" },
	{ DISKS("{ \"path\": true }"), "disks[1].path: a path is wanted, not true" },
	/* sizes */
	{ "{ \"name\": \"g\", \"memory\": 0 }", "memory: a size cannot be 0" },
	{ "{ \"name\": \"g\", \"memory\": \"0M\" }", "memory: a size cannot be 0" },
	{ "{ \"name\": \"g\", \"memory\": -5 }", "memory: a size cannot be negative, as -5 is" },
	{ "{ \"name\": \"g\", \"memory\": \"-1G\" }", "memory: '-1G' is not a size: a size cannot be negative" },
	{ "{ \"name\": \"g\", \"memory\": \"lots\" }", "memory: 'lots' is not a size: a size begins with a number" },
	{ "{ \"name\": \"g\", \"memory\": \"2Q\" }",
	  "memory: '2Q' is not a size: its unit is not known; units are K, M" },
	{ "{ \"name\": \"g\", \"memory\": \"1.5G\" }", "memory: '1.5G' is not a size: a size is a whole number" },
	{ "{ \"name\": \"g\", \"memory\": \"99999999999999999999\" }",
	  "memory: '99999999999999999999' is not a size: it is more" },
	{ "{ \"name\": \"g\", \"memory\": \"99999999P\" }",
	  "memory: '99999999P' is not a size: it is more than 64 bits hold" },
	{ "{ \"name\": \"g\", \"memory\": \"15M\" }", "memory: 15 MiB is less than the least possible, 16 MiB" },
	{ "{ \"name\": \"g\", \"memory\": 512 }", "memory: 512 bytes is less than the least possible, 16 MiB" },
	{ "{ \"name\": \"g\", \"memory\": \"100T\" }", "memory: 100 TiB is more than the most possible, 16 TiB" },
	{ DISKS("{ \"path\": \"/a\", \"size\": 1000 }"), "disks[1].size: 1000 bytes are not whole sectors" },
	{ WITH("\"balloon\": { \"target\": \"65M\" }"),
	  "balloon.target: 65 MiB is more than the guest's memory, 64 MiB" },
	/* values */
	{ "{ \"name\": \"a/b\" }", "name: 'a/b' cannot be it; allowed: 1 to 200 bytes" },
	{ "{ \"name\": \".x\" }", "name: '.x' cannot be it" },
	{ "{ \"name\": \"\" }", "name: '' cannot be it" },
	{ WITH("\"uuid\": \"12\""), "uuid: '12' is not a UUID" },
	{ WITH("\"uuid\": \"00000000-0000-0000-0000-000000000000\""), "uuid: a UUID of zeroes" },
	{ DISKS("{ \"path\": \"/a\", \"cache\": \"nonee\" }"),
	  "disks[1].cache: 'nonee' is not known; did you mean 'none'? one of: writeback, none, writethrough, directsync, unsafe" },
	{ DISKS("{ \"path\": \"/a\", \"cache\": \"xyzzy\" }"),
	  "disks[1].cache: 'xyzzy' is not known; one of: writeback" },
	{ DISKS("{ \"path\": \"/a\", \"format\": \"qcow2\" }"),
	  "disks[1].format: 'qcow2' is not known; one of: auto, raw" },
	{ DISKS("{ \"path\": \"\" }"), "disks[1].path: the path is empty" },
	{ DISKS("{ \"path\": \"/a\", \"target\": \"sda\" }"),
	  "disks[1].target: 'sda' cannot be it; allowed: vda to vdz" },
	{ DISKS("{ \"path\": \"/a\", \"serial\": \"123456789012345678901\" }"),
	  "disks[1].serial: '123456789012345678901' cannot" },
	{ DISKS("{ \"path\": \"/a\", \"queues\": 65 }"),
	  "disks[1].queues: a whole number from 1 to 64 is wanted, not 65" },
	{ DISKS("{ \"path\": \"/a\", \"queue_size\": 100 }"), "disks[1].queue_size: 100 is not a power of two" },
	{ DISKS("{ \"path\": \"/a\", \"readonly\": true, \"discard\": true }"), "disks[1].discard: a readonly disk" },
	{ WITH("\"nics\": [ { \"mac\": \"52:54:00:12:34\" } ]"), "nics[1].mac: '52:54:00:12:34' is not a MAC address" },
	{ WITH("\"nics\": [ { \"mac\": \"01:00:5e:00:00:01\" } ]"),
	  "nics[1].mac: '01:00:5e:00:00:01' is a multicast address" },
	{ WITH("\"nics\": [ { \"mac\": \"00:00:00:00:00:00\" } ]"), "nics[1].mac: an address of zeroes" },
	{ WITH("\"nics\": [ { \"tap\": \"a-name-that-is-too-long\" } ]"),
	  "nics[1].tap: 'a-name-that-is-too-long' cannot be it" },
	{ WITH("\"nics\": [ { \"tap\": \"a/b\" } ]"), "nics[1].tap: 'a/b' cannot be it" },
	{ WITH("\"nics\": [ { \"tap\": \"v%d\" } ]"), "nics[1].tap: 'v%d' cannot be it" },
	{ WITH("\"nics\": [ { \"mtu\": 10 } ]"), "nics[1].mtu: a whole number from 68 to 65535 is wanted, not 10" },
	{ WITH("\"vsock\": { \"cid\": 2 }"), "vsock.cid: a whole number from 3 to 4294967294 is wanted, not 2" },
	{ WITH("\"serials\": [ {}, {}, {}, {}, {} ]"), "serials: it has 5 entries; at most 4 are possible" },
	/* things that do not fit together */
	{ DISKS("{ \"path\": \"/a\", \"target\": \"vda\" }, { \"path\": \"/b\", \"target\": \"vda\" }"),
	  "disks[2].target: 'vda' is already the target of disks[1]" },
	{ DISKS("{ \"path\": \"/a\" }, { \"path\": \"/a\" }"),
	  "disks[2].path: '/a' is the same file as that of disks[1]" },
	{ DISKS("{ \"path\": \"/a\" }, { \"path\": \"/a\", \"readonly\": true }"), "and one of them is writable" },
	{ WITH("\"nics\": [ { \"mac\": \"52:54:00:00:00:01\" }, { \"mac\": \"52:54:00:00:00:01\" } ]"),
	  "nics[2].mac: '52:54:00:00:00:01' is already the address of nics[1]" },
	{ WITH("\"nics\": [ { \"tap\": \"t\" }, { \"tap\": \"t\" } ]"),
	  "nics[2].tap: 't' is already the tap of nics[1]" },
	{ WITH("\"consoles\": [ { \"name\": \"p\" }, { \"name\": \"p\" } ]"), "consoles[2].name: 'p' is already" },
	{ WITH("\"vcpus\": 3, \"cpu\": { \"cores\": 2 }"), "cpu: sockets × cores × threads is 2, and vcpus is 3" },
	{ WITH("\"vcpus\": 8, \"cpu\": { \"sockets\": 1, \"cores\": 2, \"threads\": 2 }"),
	  "cpu: sockets × cores × threads is 4, and" },
	{ WITH("\"cpu\": { \"sockets\": 1024, \"cores\": 1024 }"),
	  "cpu: sockets, cores and threads make 1048576 CPUs" },
	{ WITH("\"rng\": { \"slot\": 9 }, \"balloon\": { \"slot\": 9 }"),
	  "balloon.slot: slot 9 is already taken by rng.slot" },
	{ WITH("\"rng\": { \"slot\": 32 }"), "rng.slot: a whole number from 1 to 31 is wanted, not 32" },
};

static void refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < MV_ARRAY_SIZE(refusals); i++)
		expect_refusal(refusals[i].json, refusals[i].message);
}

static void too_many_devices(void **state)
{
	char json[4096] = "{ " MINIMAL ", \"nics\": [ {}";

	(void)state;
	for (int i = 1; i < 29; i++)
		strcat(json, ", {}");
	strcat(json, " ] }");
	mv_auto(mv_domain_conf) fits = parse(json); /* 29 cards, rng and balloon: 31 */
	uint32_t seen = 0;

	for (size_t i = 0; i < fits->nic_count; i++)
		seen |= 1u << fits->nics[i].slot;
	assert_int_equal(__builtin_popcount(seen), 29);
	json[strlen(json) - 3] = 0;
	strcat(json, ", {} ] }");
	expect_refusal(json, "the guest has 32 PCI devices");
}

/* --- files --- */

static char folder[] = "/tmp/mv-conf-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void put_file(const char *name)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("x", f);
	fclose(f);
}

static void expect_files(const char *disk, const char *more, const char *message)
{
	mv_auto(mv_domain_conf) conf = NULL;
	mv_auto(mv_error) err = NULL;
	char json[1024], wanted[512];
	int ret;

	snprintf(
		json, sizeof(json),
		"{ \"name\": \"g\", \"memory\": \"64M\", \"boot\": { \"kernel\": \"%s/kernel\" }, \"disks\": [ { \"path\": \"%s/%s\"%s } ] }",
		folder, folder, disk, more);
	conf = parse(json);
	ret = mv_domain_conf_check_files(conf, &err);
	if (!message) {
		if (ret < 0)
			fail_msg("refused: %s", err->message);
		return;
	}
	assert_int_equal(ret, -1);
	/* cppcheck-suppress wrongPrintfScanfArgNum ; some messages name the folder once, some twice */
	snprintf(wanted, sizeof(wanted), message, folder, folder);
	if (!strstr(err->message, wanted))
		fail_msg("'%s' instead of '%s'", err->message, wanted);
}

static void files(void **state)
{
	char path[128];

	(void)state;
	expect_files("disk", "", "boot.kernel: '%s/kernel': no such file");
	put_file("kernel");
	expect_files("disk", "", "disks[1].path: '%s/disk': no such file");
	expect_files("no/such/disk", "",
		     "disks[1].path: '%s/no/such/disk': no such file: the folder '%s/no' does not exist");
	expect_files("disk", ", \"size\": \"1M\"", NULL);
	expect_files("no/disk", ", \"size\": \"1M\"",
		     "disks[1].path: '%s/no/disk': no such file: the folder '%s/no' does not exist");
	put_file("disk");
	expect_files("disk", "", NULL);
	expect_files("", "", "disks[1].path: '%s/' is a folder; a raw image file or a block device is wanted");
	snprintf(path, sizeof(path), "%s/dangling", folder);
	assert_int_equal(symlink("/nowhere/at/all", path), 0);
	expect_files("dangling", "",
		     "disks[1].path: '%s/dangling': no such file: it is a symbolic link that leads nowhere");
}

/* As another user, in a process of its own. */
static void permissions(void **state)
{
	char path[128];
	pid_t pid;
	int status;

	(void)state;
	if (geteuid() != 0) {
		print_message("skip: only root can become another user\n");
		skip();
	}
	put_file("kernel");
	snprintf(path, sizeof(path), "%s/private", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	put_file("private/disk");
	put_file("readable");
	snprintf(path, sizeof(path), "%s/readable", folder);
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		mv_autofree char *why = NULL;
		char want[512];
		bool ok;

		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(2);
		snprintf(path, sizeof(path), "%s/private/disk", folder);
		why = mv_path_explain(path, R_OK, EACCES);
		snprintf(want, sizeof(want),
			 "'%s': permission denied: uid 65534 may not search '%s/private' (owner root, mode 0700)", path,
			 folder);
		ok = strcmp(why, want) == 0;
		free(why);
		snprintf(path, sizeof(path), "%s/readable", folder);
		why = mv_path_explain(path, R_OK | W_OK, EACCES);
		snprintf(want, sizeof(want),
			 "'%s': permission denied: uid 65534 may not read and write '%s' (owner root, mode 0444)", path,
			 path);
		ok = ok && strcmp(why, want) == 0;
		_exit(ok ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void same_file_by_another_name(void **state)
{
	char a[128], b[128], json[1024];

	(void)state;
	put_file("image");
	snprintf(a, sizeof(a), "%s/image", folder);
	snprintf(b, sizeof(b), "%s/link", folder);
	assert_int_equal(symlink(a, b), 0);
	snprintf(json, sizeof(json), DISKS("{ \"path\": \"%s\" }, { \"path\": \"%s\" }"), a, b);
	expect_refusal(json, "is the same file as that of disks[1], and both are writable");
}

/* --- the small parts --- */

static void sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "0", 0 },
		{ "4096", 4096 },
		{ "512M", 512 << 20 },
		{ "512MiB", 512 << 20 },
		{ "512m", 512 << 20 },
		{ "1 G", 1 << 30 },
		{ "10GB", 10000000000u },
		{ "3KB", 3000 },
		{ "7B", 7 },
		{ "7 bytes", 7 },
		{ "1T", 1ull << 40 },
		{ "2PiB", 2ull << 50 },
	};
	char buf[MV_SIZE_TEXT];

	(void)state;
	for (size_t i = 0; i < MV_ARRAY_SIZE(good); i++) {
		const char *why;
		uint64_t bytes;

		assert_int_equal(mv_size_parse(good[i].text, &bytes, &why), 0);
		assert_int_equal(bytes, good[i].bytes);
	}
	assert_string_equal(mv_size_format(1023, buf), "1023 bytes");
	assert_string_equal(mv_size_format(1024, buf), "1 KiB");
	assert_string_equal(mv_size_format(1536, buf), "1.5 KiB");
	assert_string_equal(mv_size_format(2ull << 30, buf), "2 GiB");
	assert_string_equal(mv_size_format(16ull << 40, buf), "16 TiB");
	assert_string_equal(mv_size_format(UINT64_MAX, buf), "16384.0 PiB");
}

static void suggestions(void **state)
{
	static const char *const names[] = { "memory", "on_poweroff", "disks", "cpu", "none" };

	(void)state;
	assert_string_equal(mv_suggest("memmory", names, 5), "memory");
	assert_string_equal(mv_suggest("mem", names, 5), "memory");
	assert_string_equal(mv_suggest("onPoweroff", names, 5), "on_poweroff");
	assert_string_equal(mv_suggest("disk", names, 5), "disks");
	assert_string_equal(mv_suggest("cup", names, 5), "cpu");
	assert_null(mv_suggest("banana", names, 5));
	assert_null(mv_suggest("", names, 5));
}

/* docs/spec.md is what the tables say. MV_UPDATE=1 writes it anew. */
static void manual(void **state)
{
	mv_autofree char *text = mv_domain_conf_manual();
	mv_autofree char *there = calloc(1, 1 << 20);
	FILE *f;

	(void)state;
	assert_non_null(text);
	if (getenv("MV_UPDATE")) {
		f = fopen("docs/spec.md", "w");
		assert_non_null(f);
		fputs(text, f);
		fclose(f);
	}
	f = fopen("docs/spec.md", "r");
	assert_non_null(f);
	assert_true(fread(there, 1, (1 << 20) - 1, f) > 0);
	fclose(f);
	if (strcmp(there, text) != 0)
		fail_msg(
			"docs/spec.md is not what engine/conf/domain_fields.c says; MV_UPDATE=1 build/tests/unit/test_conf_domain writes it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(everything),
		cmocka_unit_test(fixed_point),
		cmocka_unit_test(stable_assignment),
		cmocka_unit_test(refused),
		cmocka_unit_test(too_many_devices),
		cmocka_unit_test(files),
		cmocka_unit_test(permissions),
		cmocka_unit_test(same_file_by_another_name),
		cmocka_unit_test(sizes),
		cmocka_unit_test(suggestions),
		cmocka_unit_test(manual),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
