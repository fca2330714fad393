/* What the tables of schema/domain_interfaces.lua cannot say about one interface. Called when its element has been
 * read. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "conf/domain_interfaces_def.h"
#include "engine/conf/device.h"
#include "engine/conf/network_check.h"

static bool is_virtio(const char *model)
{
	return model &&
		(!strcmp(model, "virtio") || !strcmp(model, "virtio-transitional") ||
		 !strcmp(model, "virtio-non-transitional"));
}

static int check_source(const struct mv_domain_interface_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	const struct mv_interface_source_def *s = &def->source;
	const char *missing = NULL;

	switch (def->type) {
	case MV_INTERFACE_TYPE_NETWORK: missing = s->network ? NULL : "network"; break;
	case MV_INTERFACE_TYPE_BRIDGE: missing = s->bridge ? NULL : "bridge"; break;
	case MV_INTERFACE_TYPE_DIRECT:
	case MV_INTERFACE_TYPE_VDPA: missing = s->dev ? NULL : "dev"; break;
	case MV_INTERFACE_TYPE_INTERNAL: missing = s->name ? NULL : "name"; break;
	case MV_INTERFACE_TYPE_CLIENT:
	case MV_INTERFACE_TYPE_MCAST:
	case MV_INTERFACE_TYPE_UDP: missing = !s->address ? "address" : !s->has_port ? "port" : NULL; break;
	case MV_INTERFACE_TYPE_SERVER: missing = s->has_port ? NULL : "port"; break;
	case MV_INTERFACE_TYPE_VHOSTUSER:
		missing = s->socket_type == MV_SOCKET_TYPE_NONE ? "type" :
			!s->path                                ? "path" :
			s->socket_mode == MV_SOCKET_MODE_NONE   ? "mode" :
								  NULL;
		break;
	case MV_INTERFACE_TYPE_VDS:
		missing = !s->port_group_id   ? "portgroupid" :
			!s->has_vds_port_id   ? "portid" :
			!s->has_connection_id ? "connectionid" :
						NULL;
		break;
	default: break;
	}
	if (missing)
		return mv_conf_fail(at, err, MV_ERR_XML, "an interface of the type '%s' needs <source %s='...'>.",
				    mv_conf_word(&mv_interface_type_enum, def->type), missing);
	if (def->type == MV_INTERFACE_TYPE_UDP && !s->local_end.present)
		return mv_conf_fail(at, err, MV_ERR_XML, "an interface of the type 'udp' needs <local> in its source.");
	if (def->type == MV_INTERFACE_TYPE_HOSTDEV && !s->host_address.present)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "an interface of the type 'hostdev' needs an <address> in its source.");
	return 0;
}

static int check_model(struct mv_domain_interface_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	if (def->model &&
	    def->model[strspn(def->model, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")])
		return mv_conf_fail(at, err, MV_ERR_INVALID_ARG,
				    "the model '%s' may have letters, digits, '-' and '_' only.", def->model);
	if (def->type == MV_INTERFACE_TYPE_VHOSTUSER && !(def->model && !strncmp(def->model, "virtio", 6)))
		return mv_conf_fail(
			at, err, MV_ERR_INTERNAL,
			"an interface of the type 'vhostuser' needs <model type='virtio'/> (or another virtio model).");
	/* Its options are virtio's. */
	if (!is_virtio(def->model))
		mv_conf_clear(&mv_interface_driver_desc, &def->driver);
	return 0;
}

static int check_limits(const struct mv_domain_interface_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	const struct mv_bandwidth_def *b = &def->bandwidth;
	const char *type = mv_conf_word(&mv_interface_type_enum, def->type);

	if (b->present && b->outbound.present && b->outbound.has_floor)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED, "only <inbound> has the attribute 'floor'.");
	if (b->present && b->inbound.present && b->inbound.has_floor && def->type != MV_INTERFACE_TYPE_NETWORK)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "the attribute 'floor' is for interfaces of the type 'network', not '%s'.", type);
	if (def->virtualport.present && def->type != MV_INTERFACE_TYPE_NETWORK &&
	    def->type != MV_INTERFACE_TYPE_BRIDGE && def->type != MV_INTERFACE_TYPE_DIRECT &&
	    def->type != MV_INTERFACE_TYPE_HOSTDEV)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "an interface of the type '%s' has no <virtualport>.", type);
	return 0;
}

static bool is_isolating(enum mv_interface_type type)
{
	return type == MV_INTERFACE_TYPE_NETWORK || type == MV_INTERFACE_TYPE_BRIDGE;
}

/* Names of this form are made when a domain starts, and are not kept. */
static bool is_generated_name(const char *name)
{
	static const char *const prefixes[] = { "vnet", "macvtap", "macvlan", "vif" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t len = strlen(prefixes[i]);

		if (!strncmp(name, prefixes[i], len))
			return i < 1 || isdigit((unsigned char)name[len]);
	}
	return false;
}

int mv_domain_interface_check(struct mv_domain_interface_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	mv_device_drop_alias(&def->alias, at);
	if (def->mac[0] & 1)
		return mv_conf_fail(
			at, err, MV_ERR_XML,
			"the MAC address %02x:%02x:%02x:%02x:%02x:%02x is one of many stations; an interface needs one of its own (an even first byte).",
			def->mac[0], def->mac[1], def->mac[2], def->mac[3], def->mac[4], def->mac[5]);
	if (check_source(def, at, err) < 0 || check_model(def, at, err) < 0 || check_limits(def, at, err) < 0)
		return -1;
	if (def->vlan.present && !def->vlan.n_tags)
		return mv_conf_fail(at, err, MV_ERR_XML, "<vlan> needs at least one <tag id='...'/>.");
	if (def->vlan.present && def->vlan.n_tags > 1 && def->vlan.trunk == MV_TRI_NO)
		return mv_conf_fail(at, err, MV_ERR_XML, "several tags make a trunk, which trunk='no' forbids.");
	if (def->target.managed == MV_TRI_NO && def->type != MV_INTERFACE_TYPE_ETHERNET)
		return mv_conf_fail(
			at, err, MV_ERR_CONFIG_UNSUPPORTED,
			"a target device that is not managed is for interfaces of the type 'ethernet', not '%s'.",
			mv_conf_word(&mv_interface_type_enum, def->type));
	if (def->port.isolated == MV_TRI_YES) {
		if (!is_isolating(def->type))
			return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
					    "<port isolated='yes'/> is not for the type '%s'.",
					    mv_conf_word(&mv_interface_type_enum, def->type));
		if (def->virtualport.present && def->virtualport.type != MV_VIRTUALPORT_TYPE_NONE)
			return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
					    "<port isolated='yes'/> is not for a virtual port of the type '%s'.",
					    mv_conf_word(&mv_virtualport_type_enum, def->virtualport.type));
	}
	for (size_t i = 0; i < def->n_routes; i++) {
		if (mv_route_check("guest interface", def->routes[i], at, err) < 0)
			return -1;
	}
	if (def->type != MV_INTERFACE_TYPE_ETHERNET && def->type != MV_INTERFACE_TYPE_NETWORK &&
	    def->type != MV_INTERFACE_TYPE_BRIDGE)
		mv_conf_clear(&mv_nwfilter_ref_desc, &def->filterref); /* nobody could apply it */
	/* libvirt 9.0 keeps the host's device of type 'user' for passt only. */
	if (def->type == MV_INTERFACE_TYPE_USER && def->backend.type != MV_INTERFACE_BACKEND_TYPE_PASST)
		mv_conf_clear(&mv_interface_source_desc, &def->source);
	if (def->link_state == MV_INTERFACE_LINK_STATE_NONE && def->coalesce.present && !def->coalesce.rx.present)
		mv_conf_clear(&mv_interface_coalesce_desc, &def->coalesce);
	if (!(at->flags & MV_CONF_LIVE) && def->target.dev && is_generated_name(def->target.dev)) {
		free(def->target.dev);
		def->target.dev = NULL;
	}
	return 0;
}
