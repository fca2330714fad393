/* What a specification leaves open is filled in here, and what goes beyond single keys is checked. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/conf/domain.h"
#include "engine/conf/path.h"
#include "engine/conf/size.h"

#define PAGE 4096u
#define HUGE_PAGE (2u << 20)

/* Where slots are looked for. Kinds have regions of their own, so that a disk that is added to a specification does not
 * move the network cards, after which guests name them; within a kind the order of slots is the order of the list. */
enum { SLOT_CONSOLE = 1, SLOT_RNG = 2, SLOT_BALLOON = 3, SLOT_VSOCK = 4, SLOT_DISKS = 5, SLOT_NICS = 19 };

static int no_memory(struct mv_error **err)
{
	return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory while a specification was read");
}

/* --- memory and CPUs --- */

static int complete_memory(struct mv_domain_conf *conf, struct mv_error **err)
{
	uint64_t page = conf->hugepages ? HUGE_PAGE : PAGE;
	char is[MV_SIZE_TEXT], limit[MV_SIZE_TEXT];

	conf->memory = (conf->memory + page - 1) / page * page;
	if (conf->balloon.present && conf->balloon.target > conf->memory)
		return mv_conf_error(err, "balloon.target: %s is more than the guest's memory, %s",
				     mv_size_format(conf->balloon.target, is), mv_size_format(conf->memory, limit));
	return 0;
}

static int complete_cpus(struct mv_domain_conf *conf, struct mv_error **err)
{
	struct mv_cpu_conf *cpu = &conf->cpu;
	uint64_t given = (uint64_t)(cpu->sockets ? cpu->sockets : 1) * (cpu->cores ? cpu->cores : 1) *
		(cpu->threads ? cpu->threads : 1);

	if (!conf->vcpus) {
		if (given > 1024)
			return mv_conf_error(
				err, "cpu: sockets, cores and threads make %llu CPUs; at most 1024 are possible",
				(unsigned long long)given);
		conf->vcpus = (uint32_t)given;
	}
	if (conf->vcpus % given)
		return mv_conf_error(err, "cpu: sockets × cores × threads is %llu, and vcpus is %u",
				     (unsigned long long)given, conf->vcpus);
	/* What is left over goes to the first of cores, sockets and threads that is open. */
	if (!cpu->cores)
		cpu->cores = conf->vcpus / (uint32_t)given;
	else if (!cpu->sockets)
		cpu->sockets = conf->vcpus / (uint32_t)given;
	else if (!cpu->threads)
		cpu->threads = conf->vcpus / (uint32_t)given;
	else if (conf->vcpus != given)
		return mv_conf_error(err, "cpu: sockets × cores × threads is %llu, and vcpus is %u",
				     (unsigned long long)given, conf->vcpus);
	cpu->sockets = cpu->sockets ? cpu->sockets : 1;
	cpu->threads = cpu->threads ? cpu->threads : 1;
	return 0;
}

/* --- disks --- */

static void target_name(unsigned index, char buf[8])
{
	if (index < 26)
		snprintf(buf, 8, "vd%c", 'a' + (int)index);
	else
		snprintf(buf, 8, "vd%c%c", 'a' + (int)((index / 26 - 1) % 26), 'a' + (int)(index % 26));
}

static const struct mv_disk_conf *disk_with_target(const struct mv_domain_conf *conf, const char *target)
{
	for (size_t i = 0; i < conf->disk_count; i++) {
		if (conf->disks[i].target && strcmp(conf->disks[i].target, target) == 0)
			return &conf->disks[i];
	}
	return NULL;
}

static int check_two_disks(const struct mv_domain_conf *conf, size_t i, size_t j, struct mv_error **err)
{
	const struct mv_disk_conf *a = &conf->disks[i], *b = &conf->disks[j];

	if (a->target && b->target && strcmp(a->target, b->target) == 0)
		return mv_conf_error(err, "disks[%zu].target: '%s' is already the target of disks[%zu]", j + 1,
				     b->target, i + 1);
	if ((!a->read_only || !b->read_only) && mv_path_same(a->path, b->path))
		return mv_conf_error(
			err,
			"disks[%zu].path: '%s' is the same file as that of disks[%zu], and %s; only readonly disks "
			"can share a file",
			j + 1, b->path, i + 1,
			a->read_only != b->read_only ? "one of them is writable" : "both are writable");
	return 0;
}

static int complete_disks(struct mv_domain_conf *conf, struct mv_error **err)
{
	unsigned next = 0;

	for (size_t j = 0; j < conf->disk_count; j++) {
		struct mv_disk_conf *disk = &conf->disks[j];

		if (disk->queue_size & (disk->queue_size - 1))
			return mv_conf_error(err, "disks[%zu].queue_size: %u is not a power of two", j + 1,
					     disk->queue_size);
		if (disk->size % 512)
			return mv_conf_error(err, "disks[%zu].size: %llu bytes are not whole sectors of 512 bytes",
					     j + 1, (unsigned long long)disk->size);
		if (disk->read_only && disk->discard)
			return mv_conf_error(err, "disks[%zu].discard: a readonly disk cannot free space", j + 1);
		for (size_t i = 0; i < j; i++) {
			if (check_two_disks(conf, i, j, err) < 0)
				return -1;
		}
	}
	for (size_t j = 0; j < conf->disk_count; j++) {
		char name[8];

		if (conf->disks[j].target)
			continue;
		do
			target_name(next++, name);
		while (disk_with_target(conf, name));
		conf->disks[j].target = strdup(name);
		if (!conf->disks[j].target)
			return no_memory(err);
	}
	return 0;
}

/* --- network cards --- */

static int complete_nics(struct mv_domain_conf *conf, struct mv_error **err)
{
	char text[MV_MAC_TEXT];

	for (size_t j = 0; j < conf->nic_count; j++) {
		struct mv_nic_conf *nic = &conf->nics[j];

		if (nic->queue_size & (nic->queue_size - 1))
			return mv_conf_error(err, "nics[%zu].queue_size: %u is not a power of two", j + 1,
					     nic->queue_size);
		if (!(nic->mac[0] | nic->mac[1] | nic->mac[2] | nic->mac[3] | nic->mac[4] | nic->mac[5]))
			mv_mac_generate(conf->uuid, (unsigned)j, nic->mac);
		for (size_t i = 0; i < j; i++) {
			const struct mv_nic_conf *other = &conf->nics[i];

			if (memcmp(other->mac, nic->mac, 6) == 0)
				return mv_conf_error(err, "nics[%zu].mac: '%s' is already the address of nics[%zu]",
						     j + 1, mv_mac_format(nic->mac, text), i + 1);
			if (nic->tap && other->tap && strcmp(other->tap, nic->tap) == 0)
				return mv_conf_error(err, "nics[%zu].tap: '%s' is already the tap of nics[%zu]", j + 1,
						     nic->tap, i + 1);
		}
	}
	return 0;
}

static int check_ports(const struct mv_domain_conf *conf, struct mv_error **err)
{
	for (size_t j = 0; j < conf->console_count; j++) {
		for (size_t i = 0; i < j; i++) {
			if (conf->consoles[i].name && conf->consoles[j].name &&
			    strcmp(conf->consoles[i].name, conf->consoles[j].name) == 0)
				return mv_conf_error(err,
						     "consoles[%zu].name: '%s' is already the name of consoles[%zu]",
						     j + 1, conf->consoles[j].name, i + 1);
		}
	}
	return 0;
}

/* --- PCI slots --- */

struct slot_user {
	uint32_t *slot;
	uint32_t from; /* where to look for a free one */
	char key[40];
};

static size_t list_slots(struct mv_domain_conf *conf, struct slot_user *users)
{
	size_t n = 0;

#define USER(at, first, ...)                                               \
	do {                                                               \
		users[n].slot = (at);                                      \
		users[n].from = (first);                                   \
		snprintf(users[n].key, sizeof(users[n].key), __VA_ARGS__); \
		n++;                                                       \
	} while (0)
	if (conf->console_count)
		USER(&conf->console_slot, SLOT_CONSOLE, "console_slot");
	if (conf->rng.present)
		USER(&conf->rng.slot, SLOT_RNG, "rng.slot");
	if (conf->balloon.present)
		USER(&conf->balloon.slot, SLOT_BALLOON, "balloon.slot");
	if (conf->vsock.present)
		USER(&conf->vsock.slot, SLOT_VSOCK, "vsock.slot");
	for (size_t i = 0; i < conf->disk_count; i++)
		USER(&conf->disks[i].slot, SLOT_DISKS, "disks[%zu].slot", i + 1);
	for (size_t i = 0; i < conf->nic_count; i++)
		USER(&conf->nics[i].slot, SLOT_NICS, "nics[%zu].slot", i + 1);
#undef USER
	return n;
}

static int assign_slots(struct slot_user *users, size_t count, struct mv_error **err)
{
	const struct slot_user *taken[MV_CONF_PCI_SLOTS + 1] = { 0 };

	for (size_t i = 0; i < count; i++) {
		uint32_t slot = *users[i].slot;

		if (!slot)
			continue;
		if (taken[slot])
			return mv_conf_error(err, "%s: slot %u is already taken by %s", users[i].key, slot,
					     taken[slot]->key);
		taken[slot] = &users[i];
	}
	for (size_t i = 0; i < count; i++) {
		uint32_t slot = users[i].from;

		if (*users[i].slot)
			continue;
		/* From its region upwards, then from the start; there is one, since there are no more users than slots.
		 */
		while (taken[slot])
			slot = slot % MV_CONF_PCI_SLOTS + 1;
		*users[i].slot = slot;
		taken[slot] = &users[i];
	}
	return 0;
}

static int complete_slots(struct mv_domain_conf *conf, struct mv_error **err)
{
	size_t devices = conf->disk_count + conf->nic_count + (conf->console_count > 0) + conf->rng.present +
		conf->balloon.present + conf->vsock.present;
	mv_autofree struct slot_user *users = calloc(devices + 1, sizeof(*users));

	if (!users)
		return no_memory(err);
	if (devices > MV_CONF_PCI_SLOTS)
		return mv_conf_error(
			err,
			"disks, nics: the guest has %zu PCI devices (%zu disks, %zu network cards and others), and there "
			"are %d slots",
			devices, conf->disk_count, conf->nic_count, MV_CONF_PCI_SLOTS);
	if (!conf->console_count)
		conf->console_slot = 0;
	return assign_slots(users, list_slots(conf, users), err);
}

int mv_domain_conf_complete(struct mv_domain_conf *conf, struct mv_error **err)
{
	if (mv_uuid_is_zero(conf->uuid) && mv_uuid_generate(conf->uuid, err) < 0)
		return -1;
	if (conf->rng.present && !conf->rng.source) {
		conf->rng.source = strdup("/dev/urandom");
		if (!conf->rng.source)
			return no_memory(err);
	}
	if (complete_memory(conf, err) < 0 || complete_cpus(conf, err) < 0 || complete_disks(conf, err) < 0 ||
	    complete_nics(conf, err) < 0 || check_ports(conf, err) < 0)
		return -1;
	return complete_slots(conf, err);
}
