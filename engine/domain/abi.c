#define MV_ERROR_DOMAIN MV_FROM_DOM
#include "engine/domain/abi.h"

#include <inttypes.h>
#include <string.h>

#include "engine/conf/uuid.h"

#define differs(...) mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, __VA_ARGS__)

static int check_counts(const struct mv_devices_def *source, const struct mv_devices_def *target, struct mv_error **err)
{
	const struct {
		const char *what;
		size_t source, target;
	} counts[] = {
		{ "disk", source->n_disks, target->n_disks },
		{ "controller", source->n_controllers, target->n_controllers },
		{ "filesystem", source->n_filesystems, target->n_filesystems },
		{ "net card", source->n_interfaces, target->n_interfaces },
		{ "input device", source->n_inputs, target->n_inputs },
		{ "sound card", source->n_sounds, target->n_sounds },
		{ "video card", source->n_videos, target->n_videos },
		{ "host device", source->n_hostdevs, target->n_hostdevs },
		{ "smartcard", source->n_smartcards, target->n_smartcards },
		{ "serial port", source->n_serials, target->n_serials },
		{ "parallel port", source->n_parallels, target->n_parallels },
		{ "channel", source->n_channels, target->n_channels },
		{ "console", source->n_consoles, target->n_consoles },
		{ "hub device", source->n_hubs, target->n_hubs },
		{ "redirected devices", source->n_redirdevs, target->n_redirdevs },
		{ "RNG device", source->n_rngs, target->n_rngs },
	};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		if (counts[i].source != counts[i].target)
			return differs("Target domain %s count %zu does not match source %zu", counts[i].what,
				       counts[i].target, counts[i].source);
	}
	return 0;
}

static int check_devices(const struct mv_devices_def *source, const struct mv_devices_def *target,
			 struct mv_error **err)
{
	if (check_counts(source, target, err) < 0)
		return -1;
	for (size_t i = 0; i < source->n_disks; i++) {
		const struct mv_disk_def *a = source->disks[i], *b = target->disks[i];

		if (a->device != b->device)
			return differs("Target disk device %s does not match source %s",
				       mv_conf_word(&mv_disk_device_enum, b->device),
				       mv_conf_word(&mv_disk_device_enum, a->device));
		if (a->target.bus != b->target.bus)
			return differs("Target disk bus %s does not match source %s",
				       mv_conf_word(&mv_disk_bus_enum, b->target.bus),
				       mv_conf_word(&mv_disk_bus_enum, a->target.bus));
		if (a->target.dev && b->target.dev && strcmp(a->target.dev, b->target.dev) != 0)
			return differs("Target disk %s does not match source %s", b->target.dev, a->target.dev);
	}
	for (size_t i = 0; i < source->n_interfaces; i++) {
		const uint8_t *a = source->interfaces[i]->mac, *b = target->interfaces[i]->mac;
		char ours[MV_MAC_TEXT], theirs[MV_MAC_TEXT];

		if (memcmp(a, b, 6) != 0)
			return differs("Target network card mac %s does not match source %s", mv_mac_format(b, theirs),
				       mv_mac_format(a, ours));
	}
	return 0;
}

int mv_domain_check_abi(const struct mv_domain_def *source, const struct mv_domain_def *target, struct mv_error **err)
{
	char ours[MV_UUID_TEXT], theirs[MV_UUID_TEXT];

	if (source->type != target->type)
		return differs("Target domain virt type %s does not match source %s",
			       mv_conf_word(&mv_domain_type_enum, target->type),
			       mv_conf_word(&mv_domain_type_enum, source->type));
	if (memcmp(source->uuid, target->uuid, sizeof(source->uuid)) != 0)
		return differs("Target domain uuid %s does not match source %s", mv_uuid_format(target->uuid, theirs),
			       mv_uuid_format(source->uuid, ours));
	if (source->memory.size != target->memory.size)
		return differs("Target domain max memory %" PRIu64 " does not match source %" PRIu64,
			       target->memory.size, source->memory.size);
	if (source->vcpu.max != target->vcpu.max)
		return differs("Target domain vCPU max %u does not match source %u", target->vcpu.max,
			       source->vcpu.max);
	return check_devices(&source->devices, &target->devices, err);
}
