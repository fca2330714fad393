/* The configuration of a guest: what a specification says, with all defaults filled in. It does not change once it is
 * made; who wants another one makes another one. */
#ifndef MV_CONF_DOMAIN_H
#define MV_CONF_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/conf/field.h"
#include "engine/conf/uuid.h"

enum mv_conf_action { MV_CONF_ACTION_DESTROY, MV_CONF_ACTION_RESTART, MV_CONF_ACTION_PRESERVE };
enum mv_conf_cache {
	MV_CONF_CACHE_WRITEBACK,
	MV_CONF_CACHE_NONE,
	MV_CONF_CACHE_WRITETHROUGH,
	MV_CONF_CACHE_DIRECTSYNC,
	MV_CONF_CACHE_UNSAFE
};
enum mv_conf_format { MV_CONF_FORMAT_AUTO, MV_CONF_FORMAT_RAW };

#define MV_CONF_PCI_SLOTS 31

struct mv_cpu_conf {
	uint32_t sockets, cores, threads; /* their product is vcpus */
	struct mv_feature_conf *features;
	size_t feature_count;
};

struct mv_boot_conf {
	char *kernel;
	char *initrd;
	char *cmdline;
	bool unpack;
};

struct mv_disk_conf {
	char *path;
	char *target;    /* "vda" */
	uint32_t format; /* enum mv_conf_format */
	uint64_t size;   /* a missing file is made with this size; 0: it must exist */
	uint32_t cache;  /* enum mv_conf_cache */
	bool read_only;
	bool discard;
	char *serial;
	uint32_t queues;
	uint32_t queue_size;
	uint32_t slot; /* PCI slot, of every device: 1..31 */
};

struct mv_nic_conf {
	char *tap; /* NULL: the kernel chooses a name ("vnet0") at start */
	char *bridge;
	uint8_t mac[6];
	uint32_t mtu; /* 0: not told to the guest */
	uint32_t queues;
	uint32_t queue_size;
	bool vhost;
	bool offloads;
	uint32_t slot;
};

struct mv_port_conf { /* a port of the virtio console */
	char *name;   /* NULL: a plain console */
	char *log;
};

struct mv_serial_conf {
	char *log;
};

struct mv_rng_conf {
	bool present;
	char *source;
	uint32_t slot;
};

struct mv_balloon_conf {
	bool present;
	bool deflate_on_oom;
	bool free_page_reporting;
	bool stats;
	uint64_t target; /* bytes the guest has at start; 0: all */
	uint32_t slot;
};

struct mv_vsock_conf {
	bool present;
	uint32_t cid;
	uint32_t slot;
};

struct mv_domain_conf {
	char *name;
	uint8_t uuid[16];
	char *title;
	char *description;
	char *metadata;  /* JSON text */
	uint64_t memory; /* bytes */
	bool hugepages;
	bool prealloc;
	uint32_t vcpus;
	struct mv_cpu_conf cpu;
	struct mv_boot_conf boot;
	struct mv_disk_conf *disks;
	size_t disk_count;
	struct mv_nic_conf *nics;
	size_t nic_count;
	struct mv_port_conf *consoles;
	size_t console_count;
	uint32_t console_slot;
	struct mv_serial_conf *serials;
	size_t serial_count;
	struct mv_rng_conf rng;
	struct mv_balloon_conf balloon;
	struct mv_vsock_conf vsock;
	bool panic;
	uint32_t on_poweroff, on_reboot, on_crash; /* enum mv_conf_action */
	bool paused;
	bool sandbox;
};

extern const struct mv_object mv_domain_object; /* the table behind it */

/* Reads a specification in JSON (docs/spec.md), checks it and fills in all defaults. *out is owned by the caller. Any
 * thread. Errors: MV_ERR_XML, MV_ERR_CONFIG_UNSUPPORTED; the message begins with the key. */
int mv_domain_conf_parse(const char *json, struct mv_domain_conf **out, struct mv_error **err);
/* `uuid`: what a specification without one gets (NULL: a random one), for a definition that replaces another. */
int mv_domain_conf_parse_as(const char *json, const uint8_t uuid[16], struct mv_domain_conf **out,
			    struct mv_error **err);
void mv_domain_conf_free(struct mv_domain_conf *conf);
MV_AUTO_DEFINE(mv_domain_conf, mv_domain_conf_free)

/* The specification again, with everything in it; reading it gives the same configuration. Owned by the caller. */
int mv_domain_conf_format(const struct mv_domain_conf *conf, char **json, struct mv_error **err);

/* Reads only the name: where a definition would go. Owned. */
int mv_domain_conf_peek_name(const char *json, char **name, struct mv_error **err);

/* The kernel, the initrd and the disks are there, of a kind that can be used, and may be used by this process. */
int mv_domain_conf_check_files(const struct mv_domain_conf *conf, struct mv_error **err);

/* Fills in what the specification left open and checks what goes beyond single keys (domain_complete.c). */
int mv_domain_conf_complete(struct mv_domain_conf *conf, struct mv_error **err);

/* Whether a name can be a domain's: it also names files. */
bool mv_domain_name_valid(const char *name);
#define MV_DOMAIN_NAME_RULE "1 to 200 bytes, not beginning with '.', without '/' and control characters"

/* The manual of the specification, docs/spec.md, from the tables. Owned. */
char *mv_domain_conf_manual(void);

#endif
