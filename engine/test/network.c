/* Virtual networks, which are only descriptions. */
#define MV_ERROR_DOMAIN MV_FROM_NETWORK
#include <stdlib.h>
#include <string.h>

#include "conf/network_def.h"
#include "engine/conf/uuid.h"
#include "engine/domain/network_update.h"
#include "engine/test/calls.h"
#include "engine/test/load.h"
#include "flags.h"

struct test_network {
	struct mv_entity object;
	struct mv_network_def *def;
	struct mv_network_def *next; /* what it will be when it has been stopped; NULL: the same */
};

/* --- objects --- */

static void release(struct mv_entity *obj)
{
	struct test_network *net = (struct test_network *)obj;

	mv_network_def_free(net->def);
	mv_network_def_free(net->next);
}

static struct test_network *find(struct mv_driver *drv, const struct mv_network_ref *ref, struct mv_error **err)
{
	struct test_network *net = mv_entity_by_name(&mv_test_host(drv)->networks, ref->name);

	if (!net)
		mv_error_set(err, MV_ERR_NO_NETWORK, "no network with matching name '%s'", ref->name);
	return net;
}

static int fill_ref(const struct test_network *net, struct mv_network_ref *ref, struct mv_error **err)
{
	memcpy(ref->uuid, net->object.uuid, sizeof(ref->uuid));
	return mv_test_copy(net->object.name, &ref->name, err);
}

static void lifecycle(struct mv_test_host *host, const struct test_network *net, int event)
{
	struct mv_network_event_lifecycle_msg msg = { .net.name = net->object.name, .event = event };

	memcpy(msg.net.uuid, net->object.uuid, sizeof(msg.net.uuid));
	mv_test_event(host, MV_CALL_NETWORK_EVENT_LIFECYCLE, &msg);
}

static struct test_network *add(struct mv_test_host *host, const struct mv_network_def *def, struct mv_error **err)
{
	struct test_network *net = mv_entity_create(sizeof(*net), def->name, def->uuid, err);

	if (!net)
		return NULL;
	net->object.release = release;
	if (mv_entity_add(&host->networks, &net->object, err) < 0) {
		mv_entity_unref(net);
		return NULL;
	}
	mv_entity_unref(net); /* the table has it */
	return net;
}

static void replace(struct mv_network_def **to, struct mv_network_def *def)
{
	mv_network_def_free(*to);
	*to = def;
}

/* Makes the definition (taken, also on failure) a network, or a network's next definition. `live`: it is to be active
 * now, and what was defined comes back when it has been stopped. */
static struct test_network *assign(struct mv_test_host *host, struct mv_network_def *def_taken, bool live,
				   struct mv_error **err)
{
	mv_auto(mv_network_def) def = def_taken;
	struct test_network *net;

	if (mv_entity_check_new(&host->networks, "network", MV_FROM_NETWORK, def->name, def->uuid, live, &net, err) < 0)
		return NULL;
	if (!net) {
		net = add(host, def, err);
		if (!net)
			return NULL;
		net->def = mv_steal(def);
	} else if (live && net->object.persistent) {
		replace(&net->next, mv_steal(net->def));
		net->def = mv_steal(def);
	} else if (net->object.active) {
		replace(&net->next, mv_steal(def));
	} else {
		replace(&net->def, mv_steal(def));
	}
	return net;
}

int mv_test_load_network(struct mv_test_host *host, const struct mv_test_source *source,
			 const struct mv_xml_piece *piece, struct mv_error **err)
{
	mv_autofree char *xml = mv_test_piece(source, piece, err);
	struct mv_network_def *def;
	struct test_network *net;

	if (!xml || mv_network_def_parse(xml, 0, NULL, &def, err) < 0)
		return -1;
	net = assign(host, def, false, err);
	if (!net)
		return -1;
	net->object.active = net->object.persistent = true;
	return 0;
}

/* --- finding --- */

#define FLAG(name) VIR_CONNECT_LIST_NETWORKS_##name

static bool in_group(uint32_t flags, uint32_t group, uint32_t is)
{
	return !(flags & group) || (flags & is);
}

static bool is_wanted(const struct mv_entity *o, uint32_t flags)
{
	return in_group(flags, FLAG(ACTIVE) | FLAG(INACTIVE), o->active ? FLAG(ACTIVE) : FLAG(INACTIVE)) &&
		in_group(flags, FLAG(PERSISTENT) | FLAG(TRANSIENT),
			 o->persistent ? FLAG(PERSISTENT) : FLAG(TRANSIENT)) &&
		in_group(flags, FLAG(AUTOSTART) | FLAG(NO_AUTOSTART),
			 o->autostart ? FLAG(AUTOSTART) : FLAG(NO_AUTOSTART));
}

int mv_test_connect_list_all_networks(struct mv_driver *drv, const struct mv_connect_list_all_networks_args *args,
				      struct mv_connect_list_all_networks_ret *ret, struct mv_error **err)
{
	struct mv_entity_table *table = &mv_test_host(drv)->networks;

	if (mv_test_check_flags(args->flags, 0x3f, "testConnectListAllNetworks", err) < 0)
		return -1;
	if (args->need_results) {
		ret->nets = calloc(table->count + 1, sizeof(*ret->nets));
		if (!ret->nets)
			return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a list of networks");
	}
	for (struct test_network *net = mv_entity_first(table); net; net = mv_entity_next(net)) {
		if (!is_wanted(&net->object, args->flags))
			continue;
		if (args->need_results && fill_ref(net, &ret->nets[ret->n_nets++], err) < 0)
			return -1;
		ret->ret++;
	}
	return 0;
}

int mv_test_network_lookup_by_name(struct mv_driver *drv, const struct mv_network_lookup_by_name_args *args,
				   struct mv_network_lookup_by_name_ret *ret, struct mv_error **err)
{
	struct test_network *net = find(drv, &(struct mv_network_ref){ .name = args->name }, err);

	return net ? fill_ref(net, &ret->net, err) : -1;
}

int mv_test_network_lookup_by_uuid(struct mv_driver *drv, const struct mv_network_lookup_by_uuid_args *args,
				   struct mv_network_lookup_by_uuid_ret *ret, struct mv_error **err)
{
	struct test_network *net = mv_entity_by_uuid(&mv_test_host(drv)->networks, args->uuid);
	char text[MV_UUID_TEXT];

	if (!net)
		return mv_error_set(err, MV_ERR_NO_NETWORK, "no network with matching uuid '%s'",
				    mv_uuid_format(args->uuid, text));
	return fill_ref(net, &ret->net, err);
}

/* --- asking --- */

int mv_test_network_is_active(struct mv_driver *drv, const struct mv_network_is_active_args *args,
			      struct mv_network_is_active_ret *ret, struct mv_error **err)
{
	struct test_network *net = find(drv, &args->net, err);

	if (!net)
		return -1;
	ret->active = net->object.active;
	return 0;
}

int mv_test_network_is_persistent(struct mv_driver *drv, const struct mv_network_is_persistent_args *args,
				  struct mv_network_is_persistent_ret *ret, struct mv_error **err)
{
	struct test_network *net = find(drv, &args->net, err);

	if (!net)
		return -1;
	ret->persistent = net->object.persistent;
	return 0;
}

int mv_test_network_get_xml_desc(struct mv_driver *drv, const struct mv_network_get_xml_desc_args *args,
				 struct mv_network_get_xml_desc_ret *ret, struct mv_error **err)
{
	struct test_network *net;

	if (mv_test_check_flags(args->flags, 0, "testNetworkGetXMLDesc", err) < 0)
		return -1;
	net = find(drv, &args->net, err);
	return net ? mv_network_def_format(net->def, 0, &ret->xml, err) : -1;
}

int mv_test_network_get_bridge_name(struct mv_driver *drv, const struct mv_network_get_bridge_name_args *args,
				    struct mv_network_get_bridge_name_ret *ret, struct mv_error **err)
{
	struct test_network *net = find(drv, &args->net, err);

	if (!net)
		return -1;
	if (!net->def->bridge.name)
		return mv_error_set(err, MV_ERR_INTERNAL, "network '%s' does not have a bridge name.",
				    net->object.name);
	return mv_test_copy(net->def->bridge.name, &ret->name, err);
}

int mv_test_network_get_autostart(struct mv_driver *drv, const struct mv_network_get_autostart_args *args,
				  struct mv_network_get_autostart_ret *ret, struct mv_error **err)
{
	struct test_network *net = find(drv, &args->net, err);

	if (!net)
		return -1;
	ret->autostart = net->object.autostart;
	return 0;
}

int mv_test_network_set_autostart(struct mv_driver *drv, const struct mv_network_set_autostart_args *args, void *ret,
				  struct mv_error **err)
{
	struct test_network *net = find(drv, &args->net, err);

	(void)ret;
	if (!net)
		return -1;
	net->object.autostart = args->autostart != 0;
	return 0;
}

/* --- doing --- */

/* From XML: a definition, or a network that runs and is gone when it stops. */
static int make(struct mv_driver *drv, const char *xml, bool validate, bool running, struct mv_network_ref *ref,
		struct mv_error **err)
{
	struct mv_test_host *host = mv_test_host(drv);
	struct mv_network_def *def;
	struct test_network *net;

	if (mv_network_def_parse(xml, validate ? MV_CONF_VALIDATE : 0, NULL, &def, err) < 0)
		return -1;
	net = assign(host, def, running, err);
	if (!net)
		return -1;
	if (running)
		net->object.active = true;
	else
		net->object.persistent = true;
	lifecycle(host, net, running ? VIR_NETWORK_EVENT_STARTED : VIR_NETWORK_EVENT_DEFINED);
	return fill_ref(net, ref, err);
}

int mv_test_network_define_xml(struct mv_driver *drv, const struct mv_network_define_xml_args *args,
			       struct mv_network_define_xml_ret *ret, struct mv_error **err)
{
	return make(drv, args->xml, false, false, &ret->net, err);
}

int mv_test_network_define_xml_flags(struct mv_driver *drv, const struct mv_network_define_xml_flags_args *args,
				     struct mv_network_define_xml_flags_ret *ret, struct mv_error **err)
{
	if (mv_test_check_flags(args->flags, VIR_NETWORK_DEFINE_VALIDATE, "testNetworkDefineXMLFlags", err) < 0)
		return -1;
	return make(drv, args->xml, args->flags & VIR_NETWORK_DEFINE_VALIDATE, false, &ret->net, err);
}

int mv_test_network_create_xml(struct mv_driver *drv, const struct mv_network_create_xml_args *args,
			       struct mv_network_create_xml_ret *ret, struct mv_error **err)
{
	return make(drv, args->xml, false, true, &ret->net, err);
}

int mv_test_network_create_xml_flags(struct mv_driver *drv, const struct mv_network_create_xml_flags_args *args,
				     struct mv_network_create_xml_flags_ret *ret, struct mv_error **err)
{
	if (mv_test_check_flags(args->flags, VIR_NETWORK_CREATE_VALIDATE, "testNetworkCreateXMLFlags", err) < 0)
		return -1;
	return make(drv, args->xml, args->flags & VIR_NETWORK_CREATE_VALIDATE, true, &ret->net, err);
}

int mv_test_network_create(struct mv_driver *drv, const struct mv_network_create_args *args, void *ret,
			   struct mv_error **err)
{
	struct test_network *net = find(drv, &args->net, err);

	(void)ret;
	if (!net)
		return -1;
	if (net->object.active)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "Network '%s' is already running", net->object.name);
	net->object.active = true;
	lifecycle(mv_test_host(drv), net, VIR_NETWORK_EVENT_STARTED);
	return 0;
}

/* Stopping one that does not run is no error to libvirt's test driver either. */
int mv_test_network_destroy(struct mv_driver *drv, const struct mv_network_destroy_args *args, void *ret,
			    struct mv_error **err)
{
	struct test_network *net = find(drv, &args->net, err);

	(void)ret;
	if (!net)
		return -1;
	net->object.active = false;
	if (net->next)
		replace(&net->def, mv_steal(net->next));
	lifecycle(mv_test_host(drv), net, VIR_NETWORK_EVENT_STOPPED);
	if (!net->object.persistent)
		mv_entity_remove(&net->object);
	return 0;
}

int mv_test_network_undefine(struct mv_driver *drv, const struct mv_network_undefine_args *args, void *ret,
			     struct mv_error **err)
{
	struct test_network *net = find(drv, &args->net, err);

	(void)ret;
	if (!net)
		return -1;
	if (net->object.active)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "Network '%s' is still running", net->object.name);
	lifecycle(mv_test_host(drv), net, VIR_NETWORK_EVENT_UNDEFINED);
	mv_entity_remove(&net->object);
	return 0;
}

int mv_test_network_update(struct mv_driver *drv, const struct mv_network_update_args *args, void *ret,
			   struct mv_error **err)
{
	enum { LIVE = VIR_NETWORK_UPDATE_AFFECT_LIVE, CONFIG = VIR_NETWORK_UPDATE_AFFECT_CONFIG };
	struct mv_network_change change = {
		.command = args->command,
		.section = args->section,
		.parent = args->parentIndex,
		.xml = args->xml,
	};
	mv_auto(mv_network_def) live = NULL;
	mv_auto(mv_network_def) config = NULL;
	uint32_t flags = args->flags;
	struct test_network *net;
	bool active;

	(void)ret;
	if (mv_test_check_flags(flags, LIVE | CONFIG, "testNetworkUpdate", err) < 0)
		return -1;
	net = find(drv, &args->net, err);
	if (!net)
		return -1;
	active = net->object.active;
	if (!flags)
		flags = active ? LIVE : CONFIG;
	if (flags & LIVE && !active)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "network is not running");
	if (flags & CONFIG && !net->object.persistent)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID,
				    "cannot change persistent config of a transient network");
	/* Both or none. */
	if (flags & LIVE && mv_network_update(net->def, &change, &live, err) < 0)
		return -1;
	if (flags & CONFIG && mv_network_update(net->next ? net->next : net->def, &change, &config, err) < 0)
		return -1;
	/* What only the running network gets is lost when it stops. */
	if (live && !config && net->object.persistent && !net->next) {
		net->next = net->def;
		net->def = mv_steal(live);
	} else if (live) {
		replace(&net->def, mv_steal(live));
	}
	if (config)
		replace(active ? &net->next : &net->def, mv_steal(config));
	return 0;
}
