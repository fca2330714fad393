/* The tables of a guest's specification. docs/spec.md is made of them. */
#include <ctype.h>
#include <string.h>

#include "engine/conf/domain.h"

#define AT(type, member) .name = #member, .offset = offsetof(struct type, member)
#define COUNTED(type, member, counter) AT(type, member), .count_offset = offsetof(struct type, counter)

static const char *const action_names[] = {
	[MV_CONF_ACTION_DESTROY] = "destroy",
	[MV_CONF_ACTION_RESTART] = "restart",
	[MV_CONF_ACTION_PRESERVE] = "preserve",
	NULL,
};

static const char *const cache_names[] = {
	[MV_CONF_CACHE_WRITEBACK] = "writeback",
	[MV_CONF_CACHE_NONE] = "none",
	[MV_CONF_CACHE_WRITETHROUGH] = "writethrough",
	[MV_CONF_CACHE_DIRECTSYNC] = "directsync",
	[MV_CONF_CACHE_UNSAFE] = "unsafe",
	NULL,
};

static const char *const format_names[] = {
	[MV_CONF_FORMAT_AUTO] = "auto",
	[MV_CONF_FORMAT_RAW] = "raw",
	NULL,
};

/* --- rules for strings --- */

bool mv_domain_name_valid(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > 200 || name[0] == '.')
		return false;
	for (; *name; name++) {
		if (*name == '/' || (unsigned char)*name < ' ' || *name == 0x7f)
			return false;
	}
	return true;
}

static bool target_valid(const char *text)
{
	size_t len = strlen(text);

	return (len == 3 || len == 4) && text[0] == 'v' && text[1] == 'd' && islower((unsigned char)text[2]) &&
		(len == 3 || islower((unsigned char)text[3]));
}

static bool interface_valid(const char *text)
{
	if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return false;
	for (; *text; text++) {
		if (*text == '/' || *text == ':' || *text == '%' || *text <= ' ' || *text >= 0x7f)
			return false;
	}
	return true;
}

static bool printable(const char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text >= 0x7f)
			return false;
	}
	return true;
}

static bool not_empty_line(const char *text)
{
	return *text && !strchr(text, '\n');
}

/* --- tables --- */

#define SLOT(owner)                                                                                                             \
	{                                                                                                                       \
		AT(owner, slot),                                                                                                \
			.type = MV_FIELD_NUMBER, .min = 1, .max = MV_CONF_PCI_SLOTS, .automatic = "assigned",                   \
			.help = "PCI slot on bus 0. Assigned ones are kept in the definition, so that they stay what they are." \
	}

static const struct mv_field cpu_fields[] = {
	{ AT(mv_cpu_conf, sockets), .type = MV_FIELD_NUMBER, .min = 1, .max = 1024, .automatic = "1",
	  .help = "CPU sockets. sockets × cores × threads is vcpus; what is left out follows from the others." },
	{ AT(mv_cpu_conf, cores), .type = MV_FIELD_NUMBER, .min = 1, .max = 1024, .automatic = "as vcpus demands",
	  .help = "Cores of a socket." },
	{ AT(mv_cpu_conf, threads), .type = MV_FIELD_NUMBER, .min = 1, .max = 1024, .automatic = "1",
	  .help = "Threads of a core." },
	{ COUNTED(mv_cpu_conf, features, feature_count), .type = MV_FIELD_FEATURES, .automatic = "as the host has them",
	  .help = "CPU features to switch on or off, by the names that libvirt uses: `{ avx2 = false }`." },
	{ 0 },
};

static const struct mv_field boot_fields[] = {
	{ AT(mv_boot_conf, kernel), .type = MV_FIELD_PATH, .required = true,
	  .help = "A Linux kernel (bzImage), or an ELF file that boots by PVH." },
	{ AT(mv_boot_conf, initrd), .type = MV_FIELD_PATH, .help = "Initial RAM disk." },
	{ AT(mv_boot_conf, cmdline), .type = MV_FIELD_STRING, .max = 8192,
	  .help = "Kernel command line. The kernel itself limits its length (usually 2047 bytes)." },
	{ AT(mv_boot_conf, unpack), .type = MV_FIELD_BOOL, .preset = true,
	  .help = "A bzImage is unpacked on the host, once, and kept in the state folder (the last four kernels), so that it "
		  "does not unpack itself at each boot. Its addresses are chosen at random as it would do (unless `nokaslr`); page "
		  "tables have four levels. One that cannot be unpacked boots the ordinary way." },
	{ 0 },
};

static const struct mv_field disk_fields[] = {
	{ AT(mv_disk_conf, path), .type = MV_FIELD_PATH, .required = true,
	  .help = "A raw image file or a block device." },
	{ AT(mv_disk_conf, target), .type = MV_FIELD_STRING, .min = 1, .max = 4, .valid = target_valid,
	  .allowed = "vda to vdz, vdaa to vdzz", .automatic = "the first free one of vda, vdb, ...",
	  .help = "Name of the disk; the guest sees disks in the order of their slots." },
	{ AT(mv_disk_conf, format), .type = MV_FIELD_ENUM, .values = format_names,
	  .help = "auto takes a file's bytes as they are, but refuses a file that looks like a qcow2 image; raw does not look." },
	{ AT(mv_disk_conf, size), .type = MV_FIELD_SIZE, .min = 512, .max = UINT64_C(1) << 60,
	  .help = "A missing file is made with this size when the guest starts, without taking up space. A file that exists must have it." },
	{ AT(mv_disk_conf, cache), .type = MV_FIELD_ENUM, .values = cache_names,
	  .help = "What is promised when a write completes: writeback (host's page cache, durable at flush), none (past the page cache, durable at flush), "
		  "writethrough (page cache, each write durable), directsync (past the page cache, each write durable), unsafe (flushes are not done)." },
	{ .name = "readonly",
	  .offset = offsetof(struct mv_disk_conf, read_only),
	  .type = MV_FIELD_BOOL,
	  .help = "The guest cannot write; several guests may share the image." },
	{ AT(mv_disk_conf, discard), .type = MV_FIELD_BOOL, .help = "The guest's discards free space in the image." },
	{ AT(mv_disk_conf, serial), .type = MV_FIELD_STRING, .min = 1, .max = 20, .valid = printable,
	  .allowed = "1 to 20 printable ASCII characters", .help = "Serial number that the guest reads." },
	{ AT(mv_disk_conf, queues), .type = MV_FIELD_NUMBER, .min = 1, .max = 64, .preset = 1,
	  .help = "Request queues." },
	{ AT(mv_disk_conf, queue_size), .type = MV_FIELD_NUMBER, .min = 2, .max = 1024, .preset = 256,
	  .help = "Entries of a queue, a power of two." },
	SLOT(mv_disk_conf),
	{ 0 },
};

static const struct mv_field nic_fields[] = {
	{ AT(mv_nic_conf, tap), .type = MV_FIELD_STRING, .min = 1, .max = 15, .valid = interface_valid,
	  .allowed = "a network interface's name, 1 to 15 characters",
	  .automatic = "vnet0, vnet1, ... when the guest starts",
	  .help = "The host's end. A tap of that name is used; a missing one is made (which takes CAP_NET_ADMIN) and vanishes with the guest." },
	{ AT(mv_nic_conf, bridge), .type = MV_FIELD_STRING, .min = 1, .max = 15, .valid = interface_valid,
	  .allowed = "a network interface's name, 1 to 15 characters",
	  .help = "An existing bridge that the tap joins." },
	{ AT(mv_nic_conf, mac), .type = MV_FIELD_MAC, .automatic = "52:54:00 and three bytes that follow from the UUID",
	  .help = "The card's address." },
	{ AT(mv_nic_conf, mtu), .type = MV_FIELD_NUMBER, .min = 68, .max = 65535, .automatic = "not told to the guest",
	  .help = "Largest packet, told to the guest and set on the tap." },
	{ AT(mv_nic_conf, queues), .type = MV_FIELD_NUMBER, .min = 1, .max = 64, .preset = 1,
	  .help = "Pairs of queues." },
	{ AT(mv_nic_conf, queue_size), .type = MV_FIELD_NUMBER, .min = 2, .max = 1024, .preset = 256,
	  .help = "Entries of a queue, a power of two." },
	{ AT(mv_nic_conf, vhost), .type = MV_FIELD_BOOL,
	  .help = "Packets are moved by the host's kernel (/dev/vhost-net) instead of the machine process." },
	{ AT(mv_nic_conf, offloads), .type = MV_FIELD_BOOL, .preset = true,
	  .help = "Checksum and segmentation offloads are offered to the guest." },
	SLOT(mv_nic_conf),
	{ 0 },
};

static const struct mv_field port_fields[] = {
	{ AT(mv_port_conf, name), .type = MV_FIELD_STRING, .min = 1, .max = 128, .valid = printable,
	  .allowed = "1 to 128 printable ASCII characters",
	  .automatic = "a plain console, hvc0, hvc1, ... in the guest",
	  .help = "Makes it a named port, /dev/virtio-ports/NAME in the guest." },
	{ AT(mv_port_conf, log), .type = MV_FIELD_PATH, .help = "A file that all output is appended to." },
	{ 0 },
};

static const struct mv_field serial_fields[] = {
	{ AT(mv_serial_conf, log), .type = MV_FIELD_PATH, .help = "A file that all output is appended to." },
	{ 0 },
};

static const struct mv_field rng_fields[] = {
	{ AT(mv_rng_conf, source), .type = MV_FIELD_PATH, .automatic = "/dev/urandom",
	  .help = "Where the random bytes come from." },
	SLOT(mv_rng_conf),
	{ 0 },
};

static const struct mv_field balloon_fields[] = {
	{ AT(mv_balloon_conf, deflate_on_oom), .type = MV_FIELD_BOOL, .preset = true,
	  .help = "A guest that runs out of memory may take pages back." },
	{ AT(mv_balloon_conf, free_page_reporting), .type = MV_FIELD_BOOL, .preset = true,
	  .help = "The guest tells which pages are free, and the host takes them back." },
	{ AT(mv_balloon_conf, stats), .type = MV_FIELD_BOOL, .preset = true,
	  .help = "The guest reports memory statistics." },
	{ AT(mv_balloon_conf, target), .type = MV_FIELD_SIZE, .min = 1, .automatic = "all of memory",
	  .help = "Memory that the guest has at start." },
	SLOT(mv_balloon_conf),
	{ 0 },
};

static const struct mv_field vsock_fields[] = {
	{ AT(mv_vsock_conf, cid), .type = MV_FIELD_NUMBER, .min = 3, .max = UINT32_MAX - 1, .required = true,
	  .help = "The guest's address; no two guests of a host may have the same." },
	SLOT(mv_vsock_conf),
	{ 0 },
};

static const struct mv_object cpu_object = { "cpu", sizeof(struct mv_cpu_conf), cpu_fields };
static const struct mv_object boot_object = { "boot", sizeof(struct mv_boot_conf), boot_fields };
static const struct mv_object disk_object = { "disks[]", sizeof(struct mv_disk_conf), disk_fields };
static const struct mv_object nic_object = { "nics[]", sizeof(struct mv_nic_conf), nic_fields };
static const struct mv_object port_object = { "consoles[]", sizeof(struct mv_port_conf), port_fields };
static const struct mv_object serial_object = { "serials[]", sizeof(struct mv_serial_conf), serial_fields };
static const struct mv_object rng_object = { "rng", sizeof(struct mv_rng_conf), rng_fields };
static const struct mv_object balloon_object = { "balloon", sizeof(struct mv_balloon_conf), balloon_fields };
static const struct mv_object vsock_object = { "vsock", sizeof(struct mv_vsock_conf), vsock_fields };

static const struct mv_field domain_fields[] = {
	{ AT(mv_domain_conf, name), .type = MV_FIELD_STRING, .required = true, .min = 1, .max = 200,
	  .valid = mv_domain_name_valid, .allowed = MV_DOMAIN_NAME_RULE, .help = "Unique on the host." },
	{ AT(mv_domain_conf, uuid), .type = MV_FIELD_UUID,
	  .automatic = "that of the definition of this name, or a random one", .help = "Identifies the guest." },
	{ AT(mv_domain_conf, title), .type = MV_FIELD_STRING, .max = 1024, .valid = not_empty_line,
	  .allowed = "one line of text", .help = "A short description." },
	{ AT(mv_domain_conf, description), .type = MV_FIELD_STRING, .max = 16384, .help = "A long one." },
	{ AT(mv_domain_conf, metadata), .type = MV_FIELD_ANY, .max = 16384, .help = "Any value; kept as it is." },
	{ AT(mv_domain_conf, memory), .type = MV_FIELD_SIZE, .required = true, .min = UINT64_C(16) << 20,
	  .max = UINT64_C(1) << 44, .help = "The guest's memory. Rounded up to whole pages (2 MiB with hugepages)." },
	{ AT(mv_domain_conf, hugepages), .type = MV_FIELD_BOOL,
	  .help = "Memory is made of the host's reserved huge pages of 2 MiB." },
	{ AT(mv_domain_conf, prealloc), .type = MV_FIELD_BOOL, .help = "All memory is taken before the guest starts." },
	{ AT(mv_domain_conf, vcpus), .type = MV_FIELD_NUMBER, .min = 1, .max = 1024,
	  .automatic = "1, or the product of the topology in cpu", .help = "Virtual CPUs." },
	{ AT(mv_domain_conf, cpu), .type = MV_FIELD_OBJECT, .object = &cpu_object, .help = "Topology and features." },
	{ AT(mv_domain_conf, boot), .type = MV_FIELD_OBJECT, .required = true, .object = &boot_object,
	  .help = "What is started." },
	{ COUNTED(mv_domain_conf, disks, disk_count), .type = MV_FIELD_LIST, .max = MV_CONF_PCI_SLOTS,
	  .object = &disk_object, .help = "virtio disks." },
	{ COUNTED(mv_domain_conf, nics, nic_count), .type = MV_FIELD_LIST, .max = MV_CONF_PCI_SLOTS,
	  .object = &nic_object, .help = "virtio network cards." },
	{ COUNTED(mv_domain_conf, consoles, console_count), .type = MV_FIELD_LIST, .max = 31, .object = &port_object,
	  .help = "Ports of a virtio console; attached to as console0.0, console0.1, ..." },
	{ AT(mv_domain_conf, console_slot), .type = MV_FIELD_NUMBER, .min = 1, .max = MV_CONF_PCI_SLOTS,
	  .automatic = "assigned when there are consoles", .help = "PCI slot of the virtio console." },
	{ COUNTED(mv_domain_conf, serials, serial_count), .type = MV_FIELD_LIST, .max = 4, .preset = 1,
	  .object = &serial_object, .help = "16550A serial ports, COM1 to COM4; attached to as serial0, serial1, ..." },
	{ AT(mv_domain_conf, rng), .type = MV_FIELD_DEVICE, .preset = true, .object = &rng_object,
	  .help = "virtio random number generator." },
	{ AT(mv_domain_conf, balloon), .type = MV_FIELD_DEVICE, .preset = true, .object = &balloon_object,
	  .help = "virtio memory balloon." },
	{ AT(mv_domain_conf, vsock), .type = MV_FIELD_DEVICE, .object = &vsock_object,
	  .help = "virtio sockets between host and guest (needs the host's /dev/vhost-vsock)." },
	{ AT(mv_domain_conf, panic), .type = MV_FIELD_BOOL, .preset = true,
	  .help = "pvpanic device, by which a guest's kernel tells that it has panicked." },
	{ AT(mv_domain_conf, on_poweroff), .type = MV_FIELD_ENUM, .values = action_names,
	  .preset = MV_CONF_ACTION_DESTROY,
	  .help = "When the guest powers off: destroy (it ends), restart, preserve (it stays, paused, to be looked at)." },
	{ AT(mv_domain_conf, on_reboot), .type = MV_FIELD_ENUM, .values = action_names,
	  .preset = MV_CONF_ACTION_RESTART, .help = "When the guest resets itself, also by a triple fault." },
	{ AT(mv_domain_conf, on_crash), .type = MV_FIELD_ENUM, .values = action_names, .preset = MV_CONF_ACTION_DESTROY,
	  .help = "When the guest panics." },
	{ AT(mv_domain_conf, paused), .type = MV_FIELD_BOOL, .help = "Starts paused." },
	{ AT(mv_domain_conf, sandbox), .type = MV_FIELD_BOOL, .preset = true,
	  .help = "The machine process gives up all it does not need. Only for finding faults in it is there a reason to switch it off." },
	{ 0 },
};

const struct mv_object mv_domain_object = { "domain", sizeof(struct mv_domain_conf), domain_fields };
