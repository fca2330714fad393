/* From a guest's configuration to its machine's specification. */
#include "engine/kvm/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/conf/path.h"
#include "engine/kvm/kernels.h"

static int no_memory(const struct mv_domain_conf *conf, struct mv_error **err)
{
	return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the machine specification of '%s'", conf->name);
}

/* NULL stays NULL. -1 when memory is out. */
static int copy_string(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -1 : 0;
}

static int open_file(const char *key, const char *path, int flags, struct mv_error **err)
{
	int want = (flags & O_ACCMODE) == O_RDONLY ? R_OK : (flags & O_ACCMODE) == O_WRONLY ? W_OK : R_OK | W_OK;
	int fd = open(path, flags | O_CLOEXEC | O_NOCTTY, 0600);

	if (fd < 0) {
		int error = errno;
		mv_autofree char *why = mv_path_explain(path, want, error);

		return mv_error_set_whole(err, MV_FROM_CONF, MV_ERR_SYSTEM, error, "%s%s%s", key, key[0] ? ": " : "",
					  why ? why : strerror(error));
	}
	return fd;
}

/* The next device of the specification. */
static struct mv_device_spec *add_device(struct mv_machine_spec *spec, enum mv_device_kind kind, const char *name,
					 size_t index, uint32_t slot)
{
	struct mv_device_spec *d = &spec->devices[spec->device_count];

	d->kind = kind;
	d->slot = slot;
	if (asprintf(&d->id, "%s%zu", name, index) < 0) {
		d->id = NULL;
		return NULL;
	}
	spec->device_count++;
	return d;
}

static int add_serials(const struct mv_domain_conf *conf, struct mv_machine_spec *spec, struct mv_error **err)
{
	char key[48];

	for (size_t i = 0; i < conf->serial_count; i++) {
		struct mv_device_spec *d = add_device(spec, MV_DEVICE_SERIAL, "serial", i, 0);

		if (!d)
			return no_memory(conf, err);
		d->serial = (struct mv_serial_spec){ .index = (uint32_t)i, .log_fd = -1 };
		if (!conf->serials[i].log)
			continue;
		snprintf(key, sizeof(key), "serials[%zu].log", i + 1);
		d->serial.log_fd = open_file(key, conf->serials[i].log, O_WRONLY | O_CREAT | O_APPEND, err);
		if (d->serial.log_fd < 0)
			return -1;
	}
	return 0;
}

static int add_disks(struct mv_domain_conf *conf, const struct mv_kvm_open *how, bool *made,
		     struct mv_machine_spec *spec, struct mv_error **err)
{
	static const uint32_t caches[] = {
		[MV_CONF_CACHE_WRITEBACK] = MV_CACHE_WRITEBACK,
		[MV_CONF_CACHE_NONE] = MV_CACHE_NONE,
		[MV_CONF_CACHE_WRITETHROUGH] = MV_CACHE_WRITETHROUGH,
		[MV_CONF_CACHE_DIRECTSYNC] = MV_CACHE_DIRECTSYNC,
		[MV_CONF_CACHE_UNSAFE] = MV_CACHE_UNSAFE,
	};

	for (size_t i = 0; i < conf->disk_count; i++) {
		const struct mv_disk_conf *disk = &conf->disks[i];
		struct mv_device_spec *d = add_device(spec, MV_DEVICE_BLK, "disk", i, disk->slot);

		if (!d)
			return no_memory(conf, err);
		d->blk = (struct mv_blk_spec){
			.fd = -1,
			.read_only = disk->read_only,
			.discard = disk->discard,
			.cache = caches[disk->cache],
			.queues = disk->queues,
			.queue_size = disk->queue_size,
		};
		if (copy_string(&d->blk.serial, disk->serial) < 0)
			return no_memory(conf, err);
		d->blk.fd = mv_kvm_disk_open(conf, i, how, &made[i], err);
		if (d->blk.fd < 0)
			return -1;
	}
	return 0;
}

static int32_t *no_fds(uint32_t count)
{
	int32_t *fds = calloc(count, sizeof(*fds));

	for (uint32_t i = 0; fds && i < count; i++)
		fds[i] = -1;
	return fds;
}

static int add_nics(struct mv_domain_conf *conf, struct mv_machine_spec *spec, struct mv_error **err)
{
	char key[48];

	for (size_t i = 0; i < conf->nic_count; i++) {
		struct mv_nic_conf *nic = &conf->nics[i];
		struct mv_device_spec *d = add_device(spec, MV_DEVICE_NET, "net", i, nic->slot);

		if (!d)
			return no_memory(conf, err);
		d->net = (struct mv_net_spec){
			.mtu = (uint16_t)nic->mtu,
			.offloads = nic->offloads,
			.queue_size = nic->queue_size,
		};
		memcpy(d->net.mac, nic->mac, 6);
		d->net.tap_fds = no_fds(nic->queues);
		if (!d->net.tap_fds)
			return no_memory(conf, err);
		d->net.pairs = nic->queues;
		if (mv_kvm_tap_open(nic, i, d->net.tap_fds, err) < 0)
			return -1;
		if (!nic->vhost)
			continue;
		d->net.vhost_fds = no_fds(nic->queues);
		if (!d->net.vhost_fds)
			return no_memory(conf, err);
		d->net.vhost_count = nic->queues;
		snprintf(key, sizeof(key), "nics[%zu].vhost", i + 1);
		for (uint32_t q = 0; q < nic->queues; q++) {
			d->net.vhost_fds[q] = open_file(key, "/dev/vhost-net", O_RDWR, err);
			if (d->net.vhost_fds[q] < 0)
				return -1;
		}
	}
	return 0;
}

static int add_console(const struct mv_domain_conf *conf, struct mv_machine_spec *spec, struct mv_error **err)
{
	struct mv_device_spec *d;
	char key[48];

	if (!conf->console_count)
		return 0;
	d = add_device(spec, MV_DEVICE_CONSOLE, "console", 0, conf->console_slot);
	if (!d)
		return no_memory(conf, err);
	d->console.ports = calloc(conf->console_count, sizeof(*d->console.ports));
	if (!d->console.ports)
		return no_memory(conf, err);
	for (size_t i = 0; i < conf->console_count; i++)
		d->console.ports[i].log_fd = -1;
	d->console.count = (uint32_t)conf->console_count;
	for (size_t i = 0; i < conf->console_count; i++) {
		struct mv_console_port_spec *port = &d->console.ports[i];

		port->is_console = !conf->consoles[i].name;
		if (copy_string(&port->name, conf->consoles[i].name) < 0)
			return no_memory(conf, err);
		if (!conf->consoles[i].log)
			continue;
		snprintf(key, sizeof(key), "consoles[%zu].log", i + 1);
		port->log_fd = open_file(key, conf->consoles[i].log, O_WRONLY | O_CREAT | O_APPEND, err);
		if (port->log_fd < 0)
			return -1;
	}
	return 0;
}

static int add_others(const struct mv_domain_conf *conf, struct mv_machine_spec *spec, struct mv_error **err)
{
	struct mv_device_spec *d;

	if (conf->rng.present) {
		d = add_device(spec, MV_DEVICE_RNG, "rng", 0, conf->rng.slot);
		if (!d)
			return no_memory(conf, err);
		d->rng.fd = open_file("rng.source", conf->rng.source, O_RDONLY, err);
		if (d->rng.fd < 0)
			return d->rng.fd = -1;
	}
	if (conf->balloon.present) {
		d = add_device(spec, MV_DEVICE_BALLOON, "balloon", 0, conf->balloon.slot);
		if (!d)
			return no_memory(conf, err);
		d->balloon = (struct mv_balloon_spec){
			.deflate_on_oom = conf->balloon.deflate_on_oom,
			.free_page_reporting = conf->balloon.free_page_reporting,
			.stats = conf->balloon.stats,
			.target = conf->balloon.target,
		};
	}
	if (conf->vsock.present) {
		d = add_device(spec, MV_DEVICE_VSOCK, "vsock", 0, conf->vsock.slot);
		if (!d)
			return no_memory(conf, err);
		d->vsock = (struct mv_vsock_spec){ .vhost_fd = -1, .cid = conf->vsock.cid };
		d->vsock.vhost_fd = open_file("vsock", "/dev/vhost-vsock", O_RDWR, err);
		if (d->vsock.vhost_fd < 0)
			return -1;
	}
	if (conf->panic && !add_device(spec, MV_DEVICE_PVPANIC, "panic", 0, 0))
		return no_memory(conf, err);
	return 0;
}

static uint32_t action(uint32_t conf)
{
	switch ((enum mv_conf_action)conf) {
	case MV_CONF_ACTION_RESTART: return MV_ACTION_RESTART;
	case MV_CONF_ACTION_PRESERVE: return MV_ACTION_PRESERVE;
	default: return MV_ACTION_DESTROY;
	}
}

static int add_cpu(const struct mv_domain_conf *conf, struct mv_machine_spec *spec, struct mv_error **err)
{
	const struct mv_cpu_conf *cpu = &conf->cpu;

	spec->vcpus = conf->vcpus;
	spec->sockets = cpu->sockets;
	spec->cores = cpu->cores;
	spec->threads = cpu->threads;
	if (!cpu->feature_count)
		return 0;
	spec->features = calloc(cpu->feature_count, sizeof(*spec->features));
	if (!spec->features)
		return no_memory(conf, err);
	for (size_t i = 0; i < cpu->feature_count; i++) {
		if (copy_string(&spec->features[i].name, cpu->features[i].name) < 0)
			return no_memory(conf, err);
		spec->features[i].enable = cpu->features[i].enable;
		spec->feature_count++;
	}
	return 0;
}

static int open_boot(const struct mv_domain_conf *conf, const struct mv_kvm_open *how, struct mv_machine_spec *spec,
		     struct mv_error **err)
{
	spec->kernel_fd = open_file("boot.kernel", conf->boot.kernel, O_RDONLY | O_NONBLOCK, err);
	if (spec->kernel_fd < 0)
		return -1;
	/* A restored guest has its kernel in memory: only a reset looks here: no reason to make it wait. */
	if (conf->boot.unpack)
		spec->payload_fd = mv_kernel_unpacked(how->root_folder, spec->kernel_fd, !how->restoring);
	if (!conf->boot.initrd)
		return 0;
	spec->initrd_fd = open_file("boot.initrd", conf->boot.initrd, O_RDONLY | O_NONBLOCK, err);
	return spec->initrd_fd < 0 ? -1 : 0;
}

static int add_boot(const struct mv_domain_conf *conf, const struct mv_kvm_open *how, struct mv_machine_spec *spec,
		    struct mv_error **err)
{
	mv_auto(mv_error) why = NULL;

	if (copy_string(&spec->kernel_name, conf->boot.kernel) < 0 ||
	    copy_string(&spec->initrd_name, conf->boot.initrd) < 0 ||
	    copy_string(&spec->cmdline, conf->boot.cmdline) < 0)
		return no_memory(conf, err);
	if (open_boot(conf, how, spec, &why) == 0)
		return 0;
	if (!how->restoring)
		return mv_error_set_whole(err, why->domain, why->code, why->errnum, "%s", why->message);
	/* The kernel has been upgraded away, say: a restored guest has its own in memory, and only a reboot needs the
	 * file. */
	mv_cleanup_fd(&spec->kernel_fd);
	mv_cleanup_fd(&spec->payload_fd);
	spec->kernel_fd = spec->payload_fd = -1;
	return 0;
}

static int build(struct mv_domain_conf *conf, const struct mv_kvm_open *how, bool *made, struct mv_machine_spec *spec,
		 struct mv_error **err)
{
	size_t devices = conf->serial_count + conf->disk_count + conf->nic_count + 5;

	spec->memory = conf->memory;
	spec->huge_pages = conf->hugepages;
	spec->prealloc = conf->prealloc;
	spec->on_poweroff = action(conf->on_poweroff);
	spec->on_reboot = action(conf->on_reboot);
	spec->on_crash = action(conf->on_crash);
	spec->start_paused = conf->paused;
	spec->sandbox = conf->sandbox;
	memcpy(spec->uuid, conf->uuid, sizeof(spec->uuid));
	spec->devices = calloc(devices, sizeof(*spec->devices));
	if (!spec->devices || copy_string(&spec->name, conf->name) < 0)
		return no_memory(conf, err);
	spec->kvm_fd = open_file("", "/dev/kvm", O_RDWR, err);
	if (spec->kvm_fd < 0)
		return -1;
	if (add_cpu(conf, spec, err) < 0 || add_boot(conf, how, spec, err) < 0 || add_serials(conf, spec, err) < 0 ||
	    add_disks(conf, how, made, spec, err) < 0 || add_nics(conf, spec, err) < 0 ||
	    add_console(conf, spec, err) < 0)
		return -1;
	return add_others(conf, spec, err);
}

int mv_kvm_spec_build(struct mv_domain_conf *conf, const struct mv_kvm_open *how, struct mv_machine_spec *spec,
		      struct mv_error **err)
{
	mv_autofree bool *made = calloc(conf->disk_count + 1, sizeof(*made));

	if (!made)
		return no_memory(conf, err);
	if (build(conf, how, made, spec, err) == 0)
		return 0;
	mv_kvm_spec_close(spec);
	for (size_t i = 0; i < conf->disk_count; i++) {
		if (made[i])
			unlink(conf->disks[i].path);
	}
	return -1;
}

static int close_one(int32_t *fd, void *opaque)
{
	(void)opaque;
	close(*fd);
	*fd = -1;
	return 0;
}

void mv_kvm_spec_close(struct mv_machine_spec *spec)
{
	mv_machine_spec_each_fd(spec, close_one, NULL);
	mv_machine_spec_clear(spec);
}
