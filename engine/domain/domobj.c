#define MV_ERROR_DOMAIN MV_FROM_DOM
#include "engine/domain/domobj.h"

void *mv_domobj_create(size_t size, struct mv_domain_def *def, struct mv_error **err)
{
	struct mv_domobj *guest = mv_entity_create(size, def->name, def->uuid, err);

	if (!guest) {
		mv_domain_def_free(def);
		return NULL;
	}
	guest->object.release = mv_domobj_release;
	guest->def = def;
	mv_domobj_set_state(guest, MV_DOMAIN_SHUTOFF, MV_SHUTOFF_UNKNOWN);
	return guest;
}

void mv_domobj_release(struct mv_entity *obj)
{
	struct mv_domobj *guest = (struct mv_domobj *)obj;

	mv_domain_def_free(guest->def);
	mv_domain_def_free(guest->next);
	mv_moment_clear(&guest->snapshots);
	mv_moment_clear(&guest->checkpoints);
}

static void replace(struct mv_domain_def **at, struct mv_domain_def *def)
{
	mv_domain_def_free(*at);
	*at = def;
}

void mv_domobj_assign(struct mv_domobj *guest, struct mv_domain_def *def, bool live)
{
	if (guest->object.active) {
		replace(&guest->next, def);
		return;
	}
	if (live && !guest->next) {
		guest->next = guest->def;
		guest->def = NULL;
	}
	replace(&guest->def, def);
}

int mv_domobj_start(struct mv_domobj *guest, int id, enum mv_running_reason reason, struct mv_error **err)
{
	if (guest->object.persistent && !guest->next) {
		guest->next = mv_domain_def_copy(guest->def, err);
		if (!guest->next)
			return -1;
	}
	mv_entity_set_id(&guest->object, id);
	guest->def->id = id;
	guest->def->has_id = true;
	guest->object.active = true;
	guest->managed_save = false;
	mv_domobj_set_state(guest, MV_DOMAIN_RUNNING, reason);
	return 0;
}

void mv_domobj_stop(struct mv_domobj *guest, enum mv_shutoff_reason reason)
{
	if (guest->next) {
		replace(&guest->def, guest->next);
		guest->next = NULL;
	}
	mv_entity_set_id(&guest->object, -1);
	guest->def->has_id = false;
	guest->object.active = false;
	mv_domobj_set_state(guest, MV_DOMAIN_SHUTOFF, reason);
}

void mv_domobj_drop_transient(struct mv_domobj *guest)
{
	if (!guest->object.active && !guest->object.persistent)
		mv_entity_remove(&guest->object);
}

int mv_domobj_check_active(const struct mv_domobj *guest, struct mv_error **err)
{
	if (!guest->object.active)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "domain is not running");
	return 0;
}

struct mv_domain_def *mv_domobj_config(const struct mv_domobj *guest)
{
	return guest->object.active && guest->next ? guest->next : guest->def;
}

unsigned mv_domobj_vcpus(const struct mv_domain_def *def)
{
	return def->vcpu.has_current ? def->vcpu.current : def->vcpu.max;
}

int mv_domobj_defs(struct mv_domobj *guest, unsigned flags, struct mv_domain_def **live, struct mv_domain_def **config,
		   struct mv_error **err)
{
	flags &= MV_AFFECT_LIVE | MV_AFFECT_CONFIG;
	if (!flags)
		flags = guest->object.active ? MV_AFFECT_LIVE : MV_AFFECT_CONFIG;
	if ((flags & MV_AFFECT_LIVE) && mv_domobj_check_active(guest, err) < 0)
		return -1;
	if ((flags & MV_AFFECT_CONFIG) && !guest->object.persistent)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID,
				    "transient domains do not have any persistent config");
	*live = flags & MV_AFFECT_LIVE ? guest->def : NULL;
	*config = flags & MV_AFFECT_CONFIG ? mv_domobj_config(guest) : NULL;
	return 0;
}

struct mv_domain_def *mv_domobj_one_def(struct mv_domobj *guest, unsigned flags, bool *live, struct mv_error **err)
{
	struct mv_domain_def *live_def = NULL, *config = NULL;

	if ((flags & MV_AFFECT_LIVE) && (flags & MV_AFFECT_CONFIG)) {
		mv_error_set(err, MV_ERR_INVALID_ARG,
			     "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive");
		return NULL;
	}
	if (mv_domobj_defs(guest, flags, &live_def, &config, err) < 0)
		return NULL;
	if (live)
		*live = live_def != NULL;
	return live_def ? live_def : config;
}
