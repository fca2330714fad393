#define MV_ERROR_DOMAIN MV_FROM_KVM
#include "engine/kvm/describe.h"

#include <stdlib.h>
#include <string.h>

#include "conf/domain_chardevs_def.h"
#include "conf/domain_def.h"
#include "conf/domain_devices_def.h"
#include "conf/domain_disks_def.h"
#include "conf/domain_interfaces_def.h"
#include "engine/conf/schema.h"

/* The definition that is being made, and whether memory lasted so far. */
struct describing {
	struct mv_domain_def *def;
	bool failed;
};

static void text(struct describing *d, char **to, const char *from)
{
	if (!from)
		return;
	*to = strdup(from);
	d->failed |= !*to;
}

/* A new member of a list of structures; NULL when memory is out. */
static void *add_to(struct describing *d, const struct mv_conf_desc *desc, void ***list, size_t *count)
{
	void *item = mv_conf_new(desc, NULL);

	if (item && mv_conf_append_pointer(list, count, item, NULL) == 0)
		return item;
	mv_conf_free(desc, item);
	d->failed = true;
	return NULL;
}
#define ADD(d, kind, list) add_to(d, &mv_##kind##_desc, (void ***)&(list), &(d)->def->devices.n_##kind##s)

static enum mv_tri tri(bool value)
{
	return value ? MV_TRI_YES : MV_TRI_NO;
}

static enum mv_lifecycle_action action(uint32_t value)
{
	switch (value) {
	case MV_CONF_ACTION_RESTART: return MV_LIFECYCLE_ACTION_RESTART;
	case MV_CONF_ACTION_PRESERVE: return MV_LIFECYCLE_ACTION_PRESERVE;
	default: return MV_LIFECYCLE_ACTION_DESTROY;
	}
}

static void describe_cpu(struct describing *d, const struct mv_domain_conf *conf)
{
	struct mv_cpu_def *cpu = &d->def->cpu;

	cpu->present = true;
	cpu->mode = MV_CPU_MODE_HOST_PASSTHROUGH;
	cpu->check = MV_CPU_CHECK_NONE_;
	cpu->topology = (struct mv_cpu_topology_def){ .present = true,
						      .sockets = conf->cpu.sockets,
						      .dies = 1,
						      .cores = conf->cpu.cores,
						      .threads = conf->cpu.threads };
	for (size_t i = 0; i < conf->cpu.feature_count; i++) {
		struct mv_cpu_feature_def *f = add_to(d, &mv_cpu_feature_desc, (void ***)&cpu->features,
						      &cpu->n_features);

		if (!f)
			return;
		f->policy = conf->cpu.features[i].enable ? MV_CPU_POLICY_REQUIRE : MV_CPU_POLICY_DISABLE;
		text(d, &f->name, conf->cpu.features[i].name);
	}
}

static enum mv_disk_cache cache(uint32_t value)
{
	static const enum mv_disk_cache caches[] = {
		[MV_CONF_CACHE_WRITEBACK] = MV_DISK_CACHE_WRITEBACK,
		[MV_CONF_CACHE_NONE] = MV_DISK_CACHE_NONE_,
		[MV_CONF_CACHE_WRITETHROUGH] = MV_DISK_CACHE_WRITETHROUGH,
		[MV_CONF_CACHE_DIRECTSYNC] = MV_DISK_CACHE_DIRECTSYNC,
		[MV_CONF_CACHE_UNSAFE] = MV_DISK_CACHE_UNSAFE,
	};

	return caches[value];
}

static void describe_disk(struct describing *d, const struct mv_disk_conf *conf)
{
	struct mv_disk_def *disk = ADD(d, disk, d->def->devices.disks);
	bool block = !strncmp(conf->path, "/dev/", 5);

	if (!disk)
		return;
	disk->type = block ? MV_DISK_TYPE_BLOCK : MV_DISK_TYPE_FILE;
	disk->device = MV_DISK_DEVICE_DISK;
	disk->driver.present = true;
	disk->driver.type = MV_STORAGE_FORMAT_RAW;
	disk->driver.cache = cache(conf->cache);
	disk->driver.discard = conf->discard ? MV_DISK_DISCARD_UNMAP : MV_DISK_DISCARD_IGNORE;
	disk->driver.has_queues = disk->driver.has_queue_size = true;
	disk->driver.queues = conf->queues;
	disk->driver.queue_size = conf->queue_size;
	disk->source.present = true;
	text(d, block ? &disk->source.dev : &disk->source.file, conf->path);
	disk->target.present = true;
	disk->target.bus = MV_DISK_BUS_VIRTIO;
	disk->target.tray = MV_DISK_TRAY_CLOSED;
	text(d, &disk->target.dev, conf->target);
	disk->read_only = conf->read_only;
	text(d, &disk->serial, conf->serial);
}

static void describe_nic(struct describing *d, const struct mv_nic_conf *conf)
{
	struct mv_domain_interface_def *nic = add_to(d, &mv_domain_interface_desc,
						     (void ***)&d->def->devices.interfaces,
						     &d->def->devices.n_interfaces);

	if (!nic)
		return;
	nic->type = conf->bridge ? MV_INTERFACE_TYPE_BRIDGE : MV_INTERFACE_TYPE_ETHERNET;
	memcpy(nic->mac, conf->mac, sizeof(nic->mac));
	if (conf->bridge) {
		nic->source.present = true;
		text(d, &nic->source.bridge, conf->bridge);
	}
	if (conf->tap) {
		nic->target.present = true;
		text(d, &nic->target.dev, conf->tap);
	}
	text(d, &nic->model, "virtio");
	nic->mtu_size = conf->mtu;
	nic->driver.present = true;
	nic->driver.name = conf->vhost ? MV_INTERFACE_DRIVER_NAME_VHOST : MV_INTERFACE_DRIVER_NAME_QEMU;
	nic->driver.queues = conf->queues;
	nic->driver.rx_queue_size = conf->queue_size;
	if (!conf->offloads)
		nic->driver.host = (struct mv_interface_offloads_def){
			.present = true, .csum = MV_TRI_NO, .tso4 = MV_TRI_NO, .tso6 = MV_TRI_NO
		};
}

static void log_file(struct describing *d, struct mv_chardev_log_def *log, const char *path)
{
	log->present = path != NULL;
	if (path)
		log->append = MV_TRI_YES;
	text(d, &log->file, path);
}

/* They are sockets of the machine that only this driver reaches, which libvirt has no word for; like a pty they have no
 * path that anybody gives. */
static void describe_ports(struct describing *d, const struct mv_domain_conf *conf)
{
	for (size_t i = 0; i < conf->serial_count; i++) {
		struct mv_serial_def *serial = ADD(d, serial, d->def->devices.serials);

		if (!serial)
			return;
		serial->type = MV_CHARDEV_TYPE_PTY;
		serial->target.present = serial->target.has_port = true;
		serial->target.port = (int)i;
		log_file(d, &serial->log, conf->serials[i].log);
	}
	for (size_t i = 0; i < conf->console_count; i++) {
		const struct mv_port_conf *port = &conf->consoles[i];

		if (port->name) {
			struct mv_channel_def *channel = ADD(d, channel, d->def->devices.channels);

			if (!channel)
				return;
			channel->type = MV_CHARDEV_TYPE_PTY;
			channel->target.present = true;
			channel->target.type = MV_CHANNEL_TARGET_TYPE_VIRTIO;
			text(d, &channel->target.name, port->name);
			log_file(d, &channel->log, port->log);
		} else {
			struct mv_console_def *console = ADD(d, console, d->def->devices.consoles);

			if (!console)
				return;
			console->type = MV_CHARDEV_TYPE_PTY;
			console->target.present = true;
			console->target.type = MV_CONSOLE_TARGET_TYPE_VIRTIO;
			log_file(d, &console->log, port->log);
		}
	}
}

static void describe_rest(struct describing *d, const struct mv_domain_conf *conf)
{
	struct mv_memballoon_def *balloon = ADD(d, memballoon, d->def->devices.memballoons);

	if (balloon) {
		balloon->model = conf->balloon.present ? MV_MEMBALLOON_MODEL_VIRTIO : MV_MEMBALLOON_MODEL_NONE_;
		if (conf->balloon.present) {
			balloon->autodeflate = tri(conf->balloon.deflate_on_oom);
			balloon->free_page_reporting = tri(conf->balloon.free_page_reporting);
		}
	}
	if (conf->rng.present) {
		struct mv_rng_def *rng = ADD(d, rng, d->def->devices.rngs);

		if (rng) {
			rng->model = MV_RNG_MODEL_VIRTIO;
			rng->backend.present = true;
			rng->backend.model = MV_RNG_BACKEND_RANDOM;
			text(d, &rng->backend.device, conf->rng.source ? conf->rng.source : "/dev/urandom");
		}
	}
	if (conf->vsock.present) {
		struct mv_vsock_def *vsock = ADD(d, vsock, d->def->devices.vsocks);

		if (vsock) {
			vsock->model = MV_VSOCK_MODEL_VIRTIO;
			vsock->has_cid_address = true;
			vsock->cid_address = conf->vsock.cid;
		}
	}
	if (conf->panic) {
		struct mv_panic_def *panic = ADD(d, panic, d->def->devices.panics);

		if (panic)
			panic->model = MV_PANIC_MODEL_ISA;
	}
}

static void describe(struct describing *d, const struct mv_domain_conf *conf, int id)
{
	struct mv_domain_def *def = d->def;

	def->type = MV_DOMAIN_TYPE_KVM;
	def->has_id = id >= 0;
	def->id = id;
	text(d, &def->name, conf->name);
	memcpy(def->uuid, conf->uuid, sizeof(def->uuid));
	text(d, &def->title, conf->title);
	text(d, &def->description, conf->description);
	def->memory.present = true;
	def->memory.size = conf->memory / 1024;
	def->has_current_memory = true;
	def->current_memory = (conf->balloon.present && conf->balloon.target ? conf->balloon.target : conf->memory) /
		1024;
	def->memory_backing.present = conf->hugepages;
	def->memory_backing.hugepages.present = conf->hugepages;
	def->vcpu = (struct mv_domain_vcpu_def){ .present = true,
						 .placement = MV_CPU_PLACEMENT_STATIC,
						 .max = conf->vcpus };
	def->os.present = def->os.type.present = true;
	def->os.type.arch = MV_ARCH_X86_64;
	def->os.type.value = MV_OS_TYPE_HVM;
	text(d, &def->os.kernel, conf->boot.kernel);
	text(d, &def->os.initrd, conf->boot.initrd);
	text(d, &def->os.cmdline, conf->boot.cmdline);
	def->features.present = true;
	def->features.acpi = true;
	describe_cpu(d, conf);
	def->clock.present = true;
	def->on_poweroff = action(conf->on_poweroff);
	def->on_reboot = action(conf->on_reboot);
	def->on_crash = action(conf->on_crash);
	for (size_t i = 0; i < conf->disk_count; i++)
		describe_disk(d, &conf->disks[i]);
	for (size_t i = 0; i < conf->nic_count; i++)
		describe_nic(d, &conf->nics[i]);
	describe_ports(d, conf);
	describe_rest(d, conf);
}

int mv_kvm_describe(const struct mv_domain_conf *conf, int id, char **xml, struct mv_error **err)
{
	struct describing d = { .def = mv_conf_new(&mv_domain_desc, err) };
	int ret = -1;

	if (!d.def)
		return -1;
	describe(&d, conf, id);
	if (d.failed)
		mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the description of the domain '%s'", conf->name);
	else
		ret = mv_domain_def_format(d.def, id >= 0 ? MV_CONF_LIVE : 0, xml, err);
	mv_domain_def_free(d.def);
	return ret;
}
