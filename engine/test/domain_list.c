/* Guests: which there are, and what is known of each. */
#define MV_ERROR_DOMAIN MV_FROM_TEST
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/conf/uuid.h"
#include "engine/test/calls.h"
#include "engine/test/driver.h"

struct mv_test_domain *mv_test_domain(struct mv_driver *drv, const struct mv_domain_ref *ref, struct mv_error **err)
{
	struct mv_test_domain *dom = mv_entity_by_uuid(&mv_test_host(drv)->domains, ref->uuid);
	char text[MV_UUID_TEXT];

	if (!dom)
		mv_error_set(err, MV_ERR_NO_DOMAIN, "no domain with matching uuid '%s' (%s)",
			     mv_uuid_format(ref->uuid, text), ref->name ? ref->name : "");
	return dom;
}

int mv_test_domain_ref(const struct mv_domobj *guest, struct mv_domain_ref *ref, struct mv_error **err)
{
	memcpy(ref->uuid, guest->object.uuid, sizeof(ref->uuid));
	ref->id = guest->object.id;
	return mv_test_copy(guest->object.name, &ref->name, err);
}

/* Flags of virConnectListAllDomains: in each pair or group, none or all mean that it does not matter. */
enum {
	LIST_ACTIVE = 1 << 0,
	LIST_INACTIVE = 1 << 1,
	LIST_PERSISTENT = 1 << 2,
	LIST_TRANSIENT = 1 << 3,
	LIST_RUNNING = 1 << 4,
	LIST_PAUSED = 1 << 5,
	LIST_SHUTOFF = 1 << 6,
	LIST_OTHER = 1 << 7,
	LIST_MANAGEDSAVE = 1 << 8,
	LIST_NO_MANAGEDSAVE = 1 << 9,
	LIST_AUTOSTART = 1 << 10,
	LIST_NO_AUTOSTART = 1 << 11,
	LIST_HAS_SNAPSHOT = 1 << 12,
	LIST_NO_SNAPSHOT = 1 << 13,
	LIST_HAS_CHECKPOINT = 1 << 14,
	LIST_NO_CHECKPOINT = 1 << 15,
	LIST_ALL = (1 << 16) - 1,
	LIST_STATES = LIST_RUNNING | LIST_PAUSED | LIST_SHUTOFF | LIST_OTHER,
};

static bool pair(uint32_t flags, uint32_t yes, uint32_t no, bool is)
{
	return !(flags & (yes | no)) || (flags & (is ? yes : no));
}

static uint32_t state_flag(enum mv_domain_state state)
{
	return state == MV_DOMAIN_RUNNING  ? LIST_RUNNING :
		state == MV_DOMAIN_PAUSED  ? LIST_PAUSED :
		state == MV_DOMAIN_SHUTOFF ? LIST_SHUTOFF :
					     LIST_OTHER;
}

bool mv_test_domain_listed(const struct mv_domobj *guest, uint32_t flags)
{
	return pair(flags, LIST_ACTIVE, LIST_INACTIVE, guest->object.active) &&
		pair(flags, LIST_PERSISTENT, LIST_TRANSIENT, guest->object.persistent) &&
		pair(flags, LIST_MANAGEDSAVE, LIST_NO_MANAGEDSAVE, guest->managed_save) &&
		pair(flags, LIST_AUTOSTART, LIST_NO_AUTOSTART, guest->object.autostart) &&
		pair(flags, LIST_HAS_SNAPSHOT, LIST_NO_SNAPSHOT, mv_moment_count(&guest->snapshots)) &&
		pair(flags, LIST_HAS_CHECKPOINT, LIST_NO_CHECKPOINT, mv_moment_count(&guest->checkpoints)) &&
		(!(flags & LIST_STATES) || (flags & state_flag(guest->state)));
}

int mv_test_connect_list_all_domains(struct mv_driver *drv, const struct mv_connect_list_all_domains_args *args,
				     struct mv_connect_list_all_domains_ret *ret, struct mv_error **err)
{
	struct mv_entity_table *domains = &mv_test_host(drv)->domains;

	if (mv_test_check_flags(args->flags, LIST_ALL, "testConnectListAllDomains", err) < 0)
		return -1;
	if (args->need_results) {
		ret->domains = calloc(domains->count + 1, sizeof(*ret->domains));
		if (!ret->domains)
			return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a list of domains");
	}
	for (struct mv_domobj *guest = mv_entity_first(domains); guest; guest = mv_entity_next(guest)) {
		if (!mv_test_domain_listed(guest, args->flags))
			continue;
		if (args->need_results && mv_test_domain_ref(guest, &ret->domains[ret->n_domains++], err) < 0)
			return -1;
		ret->ret++;
	}
	return 0;
}

static int found(const struct mv_domobj *guest, struct mv_domain_ref *ref, struct mv_error **err)
{
	if (!guest)
		return mv_error_set(err, MV_ERR_NO_DOMAIN, "Domain not found");
	return mv_test_domain_ref(guest, ref, err);
}

int mv_test_domain_lookup_by_id(struct mv_driver *drv, const struct mv_domain_lookup_by_id_args *args,
				struct mv_domain_lookup_by_id_ret *ret, struct mv_error **err)
{
	return found(mv_entity_by_id(&mv_test_host(drv)->domains, args->id), &ret->dom, err);
}

int mv_test_domain_lookup_by_name(struct mv_driver *drv, const struct mv_domain_lookup_by_name_args *args,
				  struct mv_domain_lookup_by_name_ret *ret, struct mv_error **err)
{
	return found(mv_entity_by_name(&mv_test_host(drv)->domains, args->name), &ret->dom, err);
}

int mv_test_domain_lookup_by_uuid(struct mv_driver *drv, const struct mv_domain_lookup_by_uuid_args *args,
				  struct mv_domain_lookup_by_uuid_ret *ret, struct mv_error **err)
{
	return found(mv_entity_by_uuid(&mv_test_host(drv)->domains, args->uuid), &ret->dom, err);
}

int mv_test_domain_get_info(struct mv_driver *drv, const struct mv_domain_get_info_args *args,
			    struct mv_domain_get_info_ret *ret, struct mv_error **err)
{
	struct mv_test_domain *dom = mv_test_domain(drv, &args->dom, err);
	struct timespec now;

	if (!dom)
		return -1;
	clock_gettime(CLOCK_REALTIME, &now);
	ret->state = (uint8_t)dom->guest.state;
	ret->maxMem = dom->guest.def->memory.size;
	ret->memory = dom->guest.def->current_memory;
	ret->nrVirtCpu = (uint16_t)mv_domobj_vcpus(dom->guest.def);
	ret->cpuTime = ((uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000) * 1000; /* grows, that is all */
	return 0;
}

int mv_test_domain_get_state(struct mv_driver *drv, const struct mv_domain_get_state_args *args,
			     struct mv_domain_get_state_ret *ret, struct mv_error **err)
{
	struct mv_test_domain *dom;

	if (mv_test_check_flags(args->flags, 0, "testDomainGetState", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom)
		return -1;
	ret->state = (int32_t)dom->guest.state;
	ret->reason = (int32_t)dom->guest.reason;
	return 0;
}

int mv_test_domain_get_os_type(struct mv_driver *drv, const struct mv_domain_get_os_type_args *args,
			       struct mv_domain_get_os_type_ret *ret, struct mv_error **err)
{
	(void)drv;
	(void)args;
	return mv_test_copy("linux", &ret->type, err);
}

int mv_test_domain_is_active(struct mv_driver *drv, const struct mv_domain_is_active_args *args,
			     struct mv_domain_is_active_ret *ret, struct mv_error **err)
{
	struct mv_test_domain *dom = mv_test_domain(drv, &args->dom, err);

	if (!dom)
		return -1;
	ret->active = dom->guest.object.active;
	return 0;
}

int mv_test_domain_is_persistent(struct mv_driver *drv, const struct mv_domain_is_persistent_args *args,
				 struct mv_domain_is_persistent_ret *ret, struct mv_error **err)
{
	struct mv_test_domain *dom = mv_test_domain(drv, &args->dom, err);

	if (!dom)
		return -1;
	ret->persistent = dom->guest.object.persistent;
	return 0;
}

int mv_test_domain_is_updated(struct mv_driver *drv, const struct mv_domain_is_updated_args *args,
			      struct mv_domain_is_updated_ret *ret, struct mv_error **err)
{
	(void)drv;
	(void)args;
	(void)err;
	ret->updated = 0;
	return 0;
}

enum { XML_SECURE = 1, XML_INACTIVE = 2, XML_MIGRATABLE = 8 };

int mv_test_domain_get_xml_desc(struct mv_driver *drv, const struct mv_domain_get_xml_desc_args *args,
				struct mv_domain_get_xml_desc_ret *ret, struct mv_error **err)
{
	struct mv_test_domain *dom;
	struct mv_domain_def *def;
	unsigned flags = 0;

	if (mv_test_check_flags(args->flags, XML_SECURE | XML_INACTIVE | XML_MIGRATABLE, "testDomainGetXMLDesc", err) <
	    0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom)
		return -1;
	def = args->flags & XML_INACTIVE ? mv_domobj_config(&dom->guest) : dom->guest.def;
	if (args->flags & XML_SECURE)
		flags |= MV_CONF_SECURE;
	if (!(args->flags & XML_INACTIVE) && dom->guest.object.active)
		flags |= MV_CONF_LIVE;
	return mv_domain_def_format(def, flags, &ret->xml, err);
}
