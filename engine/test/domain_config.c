/* What of a guest's definition can be changed: memory, title, description, metadata, autostart, life-cycle actions. */
#define MV_ERROR_DOMAIN MV_FROM_TEST
#include <stdlib.h>
#include <string.h>

#include "conf/domain_devices_def.h"
#include "engine/conf/metadata.h"
#include "engine/test/calls.h"
#include "engine/test/driver.h"

enum { IMPACT = MV_AFFECT_LIVE | MV_AFFECT_CONFIG };

/* The definition that a call with these flags changes. NULL with *err. */
static struct mv_domain_def *one_def(struct mv_driver *drv, const struct mv_domain_ref *ref, uint32_t flags,
				     uint32_t known, const char *function, bool *live, struct mv_error **err)
{
	struct mv_test_domain *dom;

	if (mv_test_check_flags(flags, IMPACT | known, function, err) < 0)
		return NULL;
	dom = mv_test_domain(drv, ref, err);
	return dom ? mv_domobj_one_def(&dom->guest, flags, live, err) : NULL;
}

/* --- memory --- */

int mv_test_domain_get_max_memory(struct mv_driver *drv, const struct mv_domain_get_max_memory_args *args,
				  struct mv_domain_get_max_memory_ret *ret, struct mv_error **err)
{
	struct mv_test_domain *dom = mv_test_domain(drv, &args->dom, err);

	if (!dom)
		return -1;
	ret->memory = dom->guest.def->memory.size;
	return 0;
}

static int set_maximum(struct mv_domain_def *def, uint64_t memory, bool live, struct mv_error **err)
{
	if (live)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID,
				    "cannot resize the maximum memory on an active domain");
	if (def->cpu.numa.n_cells)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID,
				    "initial memory size of a domain with NUMA nodes cannot be modified with this API");
	if (def->max_memory.present && def->max_memory.size && def->max_memory.size < memory)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID,
				    "cannot set initial memory size greater than the maximum memory size");
	def->memory.size = memory;
	if (def->current_memory > memory)
		def->current_memory = memory;
	return 0;
}

int mv_test_domain_set_memory_flags(struct mv_driver *drv, const struct mv_domain_set_memory_flags_args *args,
				    void *ret, struct mv_error **err)
{
	enum { MAXIMUM = 4 };
	bool live;
	struct mv_domain_def *def = one_def(drv, &args->dom, args->flags, MAXIMUM, "testDomainSetMemoryFlags", &live,
					    err);

	(void)ret;
	if (!def)
		return -1;
	if (args->flags & MAXIMUM)
		return set_maximum(def, args->memory, live, err);
	if (args->memory > def->memory.size)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "cannot set memory higher than max memory");
	def->current_memory = args->memory;
	def->has_current_memory = true;
	return 0;
}

int mv_test_domain_set_memory_stats_period(struct mv_driver *drv,
					   const struct mv_domain_set_memory_stats_period_args *args, void *ret,
					   struct mv_error **err)
{
	struct mv_domain_def *def = one_def(drv, &args->dom, args->flags, 0, "testDomainSetMemoryStatsPeriod", NULL,
					    err);
	struct mv_memballoon_def *balloon;

	(void)ret;
	if (!def)
		return -1;
	balloon = def->devices.n_memballoons ? def->devices.memballoons[0] : NULL;
	if (!balloon || balloon->model == MV_MEMBALLOON_MODEL_NONE_)
		return mv_error_set(err, MV_ERR_INTERNAL,
				    "No memory balloon device configured, can not set the collection period");
	balloon->stats_period = args->period < 0 ? 0 : (unsigned)args->period;
	return 0;
}

/* --- texts --- */

enum { DESCRIPTION, TITLE, ELEMENT };

int mv_test_domain_get_metadata(struct mv_driver *drv, const struct mv_domain_get_metadata_args *args,
				struct mv_domain_get_metadata_ret *ret, struct mv_error **err)
{
	struct mv_domain_def *def = one_def(drv, &args->dom, args->flags, 0, "testDomainGetMetadata", NULL, err);
	const char *text = NULL;

	if (!def)
		return -1;
	switch (args->type) {
	case DESCRIPTION:
	case TITLE:
		text = args->type == TITLE ? def->title : def->description;
		if (text)
			return mv_test_copy(text, &ret->metadata, err);
		break;
	case ELEMENT:
		if (mv_metadata_get(def->metadata, args->uri ? args->uri : "", &ret->metadata, err) < 0)
			return -1;
		if (ret->metadata)
			return 0;
		break;
	default: return mv_error_set(err, MV_ERR_INVALID_ARG, "unknown metadata type");
	}
	return mv_error_set(err, MV_ERR_NO_DOMAIN_METADATA, "Requested metadata element is not present");
}

static int replace(char **at, const char *text, struct mv_error **err)
{
	char *copy = NULL;

	if (text && text[0] && mv_test_copy(text, &copy, err) < 0)
		return -1;
	free(*at);
	*at = copy;
	return 0;
}

static int set_metadata(struct mv_domain_def *def, const struct mv_domain_set_metadata_args *args,
			struct mv_error **err)
{
	if (!def)
		return 0;
	switch (args->type) {
	case DESCRIPTION: return replace(&def->description, args->metadata, err);
	case TITLE: return replace(&def->title, args->metadata, err);
	case ELEMENT:
		return mv_metadata_set(&def->metadata, args->uri ? args->uri : "", args->key ? args->key : "",
				       args->metadata, err);
	default: return mv_error_set(err, MV_ERR_INVALID_ARG, "unknown metadata type");
	}
}

int mv_test_domain_set_metadata(struct mv_driver *drv, const struct mv_domain_set_metadata_args *args, void *ret,
				struct mv_error **err)
{
	struct mv_domain_event_callback_metadata_change_msg msg = { .type = args->type };
	struct mv_domain_def *live, *config;
	struct mv_test_domain *dom;

	(void)ret;
	if (mv_test_check_flags(args->flags, IMPACT, "testDomainSetMetadata", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom || mv_domobj_defs(&dom->guest, args->flags, &live, &config, err) < 0 ||
	    set_metadata(live, args, err) < 0 || set_metadata(config, args, err) < 0)
		return -1;
	msg.dom = (struct mv_domain_ref){ .name = dom->guest.object.name, .id = dom->guest.object.id };
	memcpy(msg.dom.uuid, dom->guest.object.uuid, sizeof(msg.dom.uuid));
	msg.nsuri = args->uri;
	mv_test_event(mv_test_host(drv), MV_CALL_DOMAIN_EVENT_CALLBACK_METADATA_CHANGE, &msg);
	return 0;
}

/* --- the rest --- */

int mv_test_domain_get_autostart(struct mv_driver *drv, const struct mv_domain_get_autostart_args *args,
				 struct mv_domain_get_autostart_ret *ret, struct mv_error **err)
{
	struct mv_test_domain *dom = mv_test_domain(drv, &args->dom, err);

	if (!dom)
		return -1;
	ret->autostart = dom->guest.object.autostart;
	return 0;
}

int mv_test_domain_set_autostart(struct mv_driver *drv, const struct mv_domain_set_autostart_args *args, void *ret,
				 struct mv_error **err)
{
	struct mv_test_domain *dom = mv_test_domain(drv, &args->dom, err);

	(void)ret;
	if (!dom)
		return -1;
	dom->guest.object.autostart = args->autostart != 0;
	return 0;
}

/* Numbered as virDomainLifecycle; the actions are the schema's, from 0. */
enum { POWEROFF, REBOOT, CRASH };

static void set_action(struct mv_domain_def *def, uint32_t type, enum mv_lifecycle_action action)
{
	if (def)
		*(type == POWEROFF ? &def->on_poweroff : type == REBOOT ? &def->on_reboot : &def->on_crash) = action;
}

int mv_test_domain_set_lifecycle_action(struct mv_driver *drv, const struct mv_domain_set_lifecycle_action_args *args,
					void *ret, struct mv_error **err)
{
	static const char *const names[] = { "poweroff", "reboot", "crash" };
	enum mv_lifecycle_action action = (enum mv_lifecycle_action)(args->action + 1);
	struct mv_domain_def *live, *config;
	struct mv_test_domain *dom;

	(void)ret;
	if (mv_test_check_flags(args->flags, IMPACT, "testDomainSetLifecycleAction", err) < 0)
		return -1;
	if (args->type > CRASH || args->action > 5)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "there is no life-cycle event %u, or no action %u",
				    args->type, args->action);
	if (args->type != CRASH &&
	    (action == MV_LIFECYCLE_ACTION_COREDUMP_DESTROY || action == MV_LIFECYCLE_ACTION_COREDUMP_RESTART))
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "Lifecycle event '%s' doesn't support '%s' action",
				    names[args->type], mv_conf_word(&mv_lifecycle_action_enum, action));
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom || mv_domobj_defs(&dom->guest, args->flags, &live, &config, err) < 0)
		return -1;
	set_action(live, args->type, action);
	set_action(config, args->type, action);
	return 0;
}
