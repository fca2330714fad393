/* The machine specification: all that moonvisor-vmm is told about the guest it runs. The driver validates and encodes
 * it; the machine decodes it (and trusts only its shape). Descriptors are indexes into the list that came with the
 * message until mv_machine_spec_adopt_fds() replaces them; -1 means none. */
#ifndef MV_KVM_COMMON_MACHINE_SPEC_H
#define MV_KVM_COMMON_MACHINE_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

#define MV_MACHINE_MIN_MEMORY (UINT64_C(16) << 20)
#define MV_MACHINE_MAX_VCPUS 1024
#define MV_MACHINE_PCI_SLOTS 31
#define MV_MAX_QUEUES 64 /* queue pairs (net) or queues (blk) of one device */
#define MV_MAX_CONSOLE_PORTS 31

enum mv_machine_action { MV_ACTION_DESTROY, MV_ACTION_RESTART, MV_ACTION_PRESERVE, MV_ACTION_LAST };

/* What is promised when a guest's write or flush completes; meanings as libvirt's driver cache attribute. */
enum mv_cache_mode {
	MV_CACHE_WRITEBACK,    /* page cache; durable at flush */
	MV_CACHE_NONE,         /* O_DIRECT; durable at flush */
	MV_CACHE_WRITETHROUGH, /* page cache; every write durable when it completes */
	MV_CACHE_DIRECTSYNC,   /* O_DIRECT; every write durable when it completes */
	MV_CACHE_UNSAFE,       /* page cache; flush is answered without doing it */
	MV_CACHE_LAST
};

enum mv_device_kind {
	MV_DEVICE_SERIAL,
	MV_DEVICE_PVPANIC,
	MV_DEVICE_BLK,
	MV_DEVICE_NET,
	MV_DEVICE_CONSOLE,
	MV_DEVICE_RNG,
	MV_DEVICE_BALLOON,
	MV_DEVICE_VSOCK,
	MV_DEVICE_LAST
};

struct mv_serial_spec {
	uint32_t index; /* 0..3: COM1..COM4 */
	int32_t log_fd; /* all output is appended here too; may be -1 */
};

struct mv_blk_spec {
	int32_t fd; /* a raw file or a block device; opened with O_DIRECT where the cache mode says so */
	bool read_only;
	bool discard;        /* pass discards on (punch holes); otherwise not offered */
	uint32_t cache;      /* enum mv_cache_mode */
	uint32_t queues;     /* 1..MV_MAX_QUEUES */
	uint32_t queue_size; /* power of two, 2..1024 */
	char *serial;        /* at most 20 bytes; may be NULL */
};

struct mv_net_spec {
	uint8_t mac[6];
	uint16_t mtu;       /* 0: not offered */
	uint32_t pairs;     /* queue pairs; so many tap descriptors */
	int32_t *tap_fds;   /* opened with IFF_NO_PI | IFF_VNET_HDR (| IFF_MULTI_QUEUE) */
	int32_t *vhost_fds; /* NULL: no vhost; else `pairs` descriptors of /dev/vhost-net */
	uint32_t vhost_count;
	bool offloads; /* offer checksum and segmentation offloads */
	uint32_t queue_size;
};

struct mv_console_port_spec {
	char *name;      /* e.g. "org.qemu.guest_agent.0"; NULL for a plain console port */
	bool is_console; /* hvcN in the guest */
	int32_t log_fd;
};

struct mv_console_spec {
	struct mv_console_port_spec *ports; /* console attach names: "<device id>.<index>" */
	uint32_t count;
};

struct mv_rng_spec {
	int32_t fd; /* e.g. /dev/urandom */
};

struct mv_balloon_spec {
	bool deflate_on_oom;
	bool free_page_reporting;
	bool stats;
	uint64_t target; /* bytes the guest should have at start; 0: all of it */
};

struct mv_vsock_spec {
	int32_t vhost_fd; /* /dev/vhost-vsock */
	uint64_t cid;
};

struct mv_device_spec {
	uint32_t kind; /* enum mv_device_kind */
	char *id;      /* unique alias, e.g. "serial0", "disk0", "net0": names the state section too */
	uint32_t slot; /* PCI slot 1..31 on bus 0; 0 for devices that are not PCI */
	union {
		struct mv_serial_spec serial;
		struct mv_blk_spec blk;
		struct mv_net_spec net;
		struct mv_console_spec console;
		struct mv_rng_spec rng;
		struct mv_balloon_spec balloon;
		struct mv_vsock_spec vsock;
	};
};

struct mv_cpu_feature {
	char *name; /* as libvirt names CPU features, e.g. "avx2" */
	bool enable;
};

struct mv_machine_spec {
	char *name;
	uint8_t uuid[16];

	uint64_t memory; /* bytes, a multiple of 4096 */
	bool huge_pages; /* hugetlb pages of 2 MiB, reserved at start */
	bool prealloc;   /* touch all memory before the guest starts */

	uint32_t vcpus;
	uint32_t sockets, cores, threads; /* their product is vcpus */
	struct mv_cpu_feature *features;
	uint32_t feature_count;

	int32_t kernel_fd; /* -1 only when restoring without reboot support */
	int32_t initrd_fd;
	int32_t payload_fd; /* what the bzImage kernel_fd unpacks itself to, an ELF file; -1: it is to unpack itself */
	char *kernel_name;  /* paths, for messages only */
	char *initrd_name;
	char *cmdline;

	int32_t kvm_fd;      /* /dev/kvm */
	int32_t listen_fd;   /* control socket, listening; -1: only the inherited connection */
	int32_t status_fd;   /* the last word about the guest is written here; see control.h; -1: nowhere */
	int32_t restore_fd;  /* a save image; -1: boot */
	bool restore_verify; /* check all memory blocks' checksums before the guest runs */
	char *description;   /* the guest's definition, kept in save images so that restore needs nothing else; opaque
				here */

	uint32_t on_poweroff, on_reboot, on_crash; /* enum mv_machine_action */
	bool start_paused;
	bool sandbox;

	struct mv_device_spec *devices;
	uint32_t device_count;
};

void mv_machine_spec_init(struct mv_machine_spec *spec);  /* zeroes, descriptors -1, sandbox on */
void mv_machine_spec_clear(struct mv_machine_spec *spec); /* frees what it points to; closes no descriptor */

/* Encoding: *data owned by the caller. Decoding replaces all of *spec, which must be initialised or cleared. */
int mv_machine_spec_encode(const struct mv_machine_spec *spec, void **data, size_t *size, struct mv_error **err);
int mv_machine_spec_decode(struct mv_machine_spec *spec, const void *data, size_t size, struct mv_error **err);

/* Calls fn for every descriptor field that is not -1; fn may replace the value. Used to collect descriptors before
 * sending (field becomes index) and to adopt them after receiving (index becomes descriptor). Stops at the first -1. */
int mv_machine_spec_each_fd(struct mv_machine_spec *spec, int (*fn)(int32_t *fd, void *opaque), void *opaque);

#endif
