#include "engine/kvm/common/machine_spec.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/xdr.h"

#define MAX_NAME 4096
#define MAX_CMDLINE (64 * 1024)
#define MAX_DESCRIPTION (64 * 1024)
#define MAX_DEVICES 64
#define MAX_FEATURES 1024
#define SPEC_MAGIC 0x4d565350 /* "MVSP" */
#define SPEC_VERSION 1

void mv_machine_spec_init(struct mv_machine_spec *spec)
{
	*spec = (struct mv_machine_spec){
		.kernel_fd = -1,
		.initrd_fd = -1,
		.payload_fd = -1,
		.kvm_fd = -1,
		.listen_fd = -1,
		.status_fd = -1,
		.restore_fd = -1,
		.sandbox = true,
	};
}

static void clear_device(struct mv_device_spec *d)
{
	free(d->id);
	switch (d->kind) {
	case MV_DEVICE_BLK: free(d->blk.serial); break;
	case MV_DEVICE_NET:
		free(d->net.tap_fds);
		free(d->net.vhost_fds);
		break;
	case MV_DEVICE_CONSOLE:
		for (uint32_t i = 0; i < d->console.count; i++)
			free(d->console.ports[i].name);
		free(d->console.ports);
		break;
	default: break;
	}
}

void mv_machine_spec_clear(struct mv_machine_spec *spec)
{
	for (uint32_t i = 0; i < spec->device_count; i++)
		clear_device(&spec->devices[i]);
	free(spec->devices);
	for (uint32_t i = 0; i < spec->feature_count; i++)
		free(spec->features[i].name);
	free(spec->features);
	free(spec->name);
	free(spec->kernel_name);
	free(spec->initrd_name);
	free(spec->cmdline);
	free(spec->description);
	mv_machine_spec_init(spec);
}

static void visit_u16(struct mv_xdr *x, uint16_t *v)
{
	uint32_t wide = *v;

	mv_xdr_enum(x, &wide, UINT16_MAX + 1);
	*v = (uint16_t)wide;
}

static void visit_fds(struct mv_xdr *x, int32_t **fds, uint32_t *count)
{
	mv_xdr_array(x, (void **)fds, count, sizeof(**fds), MV_MAX_QUEUES);
	for (uint32_t i = 0; mv_xdr_ok(x) && i < *count; i++)
		mv_xdr_i32(x, &(*fds)[i]);
}

static void visit_serial(struct mv_xdr *x, struct mv_serial_spec *s)
{
	mv_xdr_enum(x, &s->index, 4);
	mv_xdr_i32(x, &s->log_fd);
}

static void visit_blk(struct mv_xdr *x, struct mv_blk_spec *s)
{
	mv_xdr_i32(x, &s->fd);
	mv_xdr_bool(x, &s->read_only);
	mv_xdr_bool(x, &s->discard);
	mv_xdr_enum(x, &s->cache, MV_CACHE_LAST);
	mv_xdr_enum(x, &s->queues, MV_MAX_QUEUES + 1);
	mv_xdr_u32(x, &s->queue_size);
	mv_xdr_string(x, &s->serial, 20);
}

static void visit_net(struct mv_xdr *x, struct mv_net_spec *s)
{
	mv_xdr_opaque(x, s->mac, sizeof(s->mac));
	visit_u16(x, &s->mtu);
	visit_fds(x, &s->tap_fds, &s->pairs);
	visit_fds(x, &s->vhost_fds, &s->vhost_count);
	mv_xdr_bool(x, &s->offloads);
	mv_xdr_u32(x, &s->queue_size);
}

static void visit_console(struct mv_xdr *x, struct mv_console_spec *s)
{
	mv_xdr_array(x, (void **)&s->ports, &s->count, sizeof(*s->ports), MV_MAX_CONSOLE_PORTS);
	for (uint32_t i = 0; mv_xdr_ok(x) && i < s->count; i++) {
		mv_xdr_string(x, &s->ports[i].name, 256);
		mv_xdr_bool(x, &s->ports[i].is_console);
		mv_xdr_i32(x, &s->ports[i].log_fd);
	}
}

static void visit_device(struct mv_xdr *x, struct mv_device_spec *d)
{
	mv_xdr_enum(x, &d->kind, MV_DEVICE_LAST);
	mv_xdr_string(x, &d->id, 60);
	mv_xdr_enum(x, &d->slot, MV_MACHINE_PCI_SLOTS + 1);
	if (!mv_xdr_ok(x) || !d->id) {
		mv_xdr_fail(x);
		return;
	}
	switch ((enum mv_device_kind)d->kind) {
	case MV_DEVICE_SERIAL: visit_serial(x, &d->serial); break;
	case MV_DEVICE_BLK: visit_blk(x, &d->blk); break;
	case MV_DEVICE_NET: visit_net(x, &d->net); break;
	case MV_DEVICE_CONSOLE: visit_console(x, &d->console); break;
	case MV_DEVICE_RNG: mv_xdr_i32(x, &d->rng.fd); break;
	case MV_DEVICE_BALLOON:
		mv_xdr_bool(x, &d->balloon.deflate_on_oom);
		mv_xdr_bool(x, &d->balloon.free_page_reporting);
		mv_xdr_bool(x, &d->balloon.stats);
		mv_xdr_u64(x, &d->balloon.target);
		break;
	case MV_DEVICE_VSOCK:
		mv_xdr_i32(x, &d->vsock.vhost_fd);
		mv_xdr_u64(x, &d->vsock.cid);
		break;
	case MV_DEVICE_PVPANIC:
	case MV_DEVICE_LAST: break;
	}
}

static void visit(struct mv_xdr *x, struct mv_machine_spec *s)
{
	uint32_t magic = SPEC_MAGIC, version = SPEC_VERSION;

	mv_xdr_u32(x, &magic);
	mv_xdr_u32(x, &version);
	if (magic != SPEC_MAGIC || version != SPEC_VERSION)
		mv_xdr_fail(x);
	mv_xdr_string(x, &s->name, MAX_NAME);
	mv_xdr_opaque(x, s->uuid, sizeof(s->uuid));
	mv_xdr_u64(x, &s->memory);
	mv_xdr_bool(x, &s->huge_pages);
	mv_xdr_bool(x, &s->prealloc);
	mv_xdr_u32(x, &s->vcpus);
	mv_xdr_u32(x, &s->sockets);
	mv_xdr_u32(x, &s->cores);
	mv_xdr_u32(x, &s->threads);
	mv_xdr_array(x, (void **)&s->features, &s->feature_count, sizeof(*s->features), MAX_FEATURES);
	for (uint32_t i = 0; mv_xdr_ok(x) && i < s->feature_count; i++) {
		mv_xdr_string(x, &s->features[i].name, 64);
		mv_xdr_bool(x, &s->features[i].enable);
		if (!s->features[i].name)
			mv_xdr_fail(x);
	}
	mv_xdr_i32(x, &s->kernel_fd);
	mv_xdr_i32(x, &s->initrd_fd);
	mv_xdr_i32(x, &s->payload_fd);
	mv_xdr_string(x, &s->kernel_name, MAX_NAME);
	mv_xdr_string(x, &s->initrd_name, MAX_NAME);
	mv_xdr_string(x, &s->cmdline, MAX_CMDLINE);
	mv_xdr_i32(x, &s->kvm_fd);
	mv_xdr_i32(x, &s->listen_fd);
	mv_xdr_i32(x, &s->status_fd);
	mv_xdr_i32(x, &s->restore_fd);
	mv_xdr_bool(x, &s->restore_verify);
	mv_xdr_string(x, &s->description, MAX_DESCRIPTION);
	mv_xdr_enum(x, &s->on_poweroff, MV_ACTION_LAST);
	mv_xdr_enum(x, &s->on_reboot, MV_ACTION_LAST);
	mv_xdr_enum(x, &s->on_crash, MV_ACTION_LAST);
	mv_xdr_bool(x, &s->start_paused);
	mv_xdr_bool(x, &s->sandbox);
	mv_xdr_array(x, (void **)&s->devices, &s->device_count, sizeof(*s->devices), MAX_DEVICES);
	for (uint32_t i = 0; mv_xdr_ok(x) && i < s->device_count; i++)
		visit_device(x, &s->devices[i]);
	if (mv_xdr_ok(x) && !s->name)
		mv_xdr_fail(x);
}

int mv_machine_spec_encode(const struct mv_machine_spec *spec, void **data, size_t *size, struct mv_error **err)
{
	struct mv_xdr x;

	mv_xdr_encoder(&x);
	/* The encoder only reads; the visitor's type serves both directions. */
	visit(&x, (struct mv_machine_spec *)spec);
	if (!mv_xdr_ok(&x)) {
		mv_xdr_release(&x);
		return mv_error_set(err, MV_ERR_INTERNAL,
				    "The machine specification of '%s' has a part that is too long or missing.",
				    spec->name ? spec->name : "");
	}
	*data = x.out;
	*size = x.size;
	return 0;
}

int mv_machine_spec_decode(struct mv_machine_spec *spec, const void *data, size_t size, struct mv_error **err)
{
	struct mv_xdr x;

	mv_machine_spec_clear(spec);
	mv_xdr_decoder(&x, data, size);
	visit(&x, spec);
	if (!mv_xdr_done(&x)) {
		mv_machine_spec_clear(spec);
		return mv_error_set(err, MV_ERR_INTERNAL,
				    "The machine specification is damaged or of another version.");
	}
	return 0;
}

struct fd_visit {
	int (*fn)(int32_t *fd, void *opaque);
	void *opaque;
	int result;
};

static void each(struct fd_visit *v, int32_t *fd)
{
	if (!v->result && *fd != -1)
		v->result = v->fn(fd, v->opaque);
}

static void each_of_device(struct fd_visit *v, struct mv_device_spec *d)
{
	switch ((enum mv_device_kind)d->kind) {
	case MV_DEVICE_SERIAL: each(v, &d->serial.log_fd); break;
	case MV_DEVICE_BLK: each(v, &d->blk.fd); break;
	case MV_DEVICE_NET:
		for (uint32_t i = 0; i < d->net.pairs; i++)
			each(v, &d->net.tap_fds[i]);
		for (uint32_t i = 0; i < d->net.vhost_count; i++)
			each(v, &d->net.vhost_fds[i]);
		break;
	case MV_DEVICE_CONSOLE:
		for (uint32_t i = 0; i < d->console.count; i++)
			each(v, &d->console.ports[i].log_fd);
		break;
	case MV_DEVICE_RNG: each(v, &d->rng.fd); break;
	case MV_DEVICE_VSOCK: each(v, &d->vsock.vhost_fd); break;
	case MV_DEVICE_PVPANIC:
	case MV_DEVICE_BALLOON:
	case MV_DEVICE_LAST: break;
	}
}

int mv_machine_spec_each_fd(struct mv_machine_spec *spec, int (*fn)(int32_t *fd, void *opaque), void *opaque)
{
	struct fd_visit v = { .fn = fn, .opaque = opaque };

	each(&v, &spec->kernel_fd);
	each(&v, &spec->initrd_fd);
	each(&v, &spec->payload_fd);
	each(&v, &spec->kvm_fd);
	each(&v, &spec->listen_fd);
	each(&v, &spec->status_fd);
	each(&v, &spec->restore_fd);
	for (uint32_t i = 0; i < spec->device_count; i++)
		each_of_device(&v, &spec->devices[i]);
	return v.result;
}
