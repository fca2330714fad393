/* What the KVM driver does of libvirt's calls. A domain is named by its UUID; the calls find it, bring what is known of
 * it up to date, and hand over to the driver's own functions. */
#include "engine/kvm/calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/api/call.h"
#include "engine/kvm/describe.h"
#include "engine/kvm/kvm.h"
#include "flags.h"

#undef MV_ERROR_DOMAIN
#define MV_ERROR_DOMAIN MV_FROM_KVM

static int out_of_memory(struct mv_error **err)
{
	return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the answer to a call");
}

static int check_flags(unsigned given, unsigned known, const char *what, struct mv_error **err)
{
	if (given & ~known)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "The KVM driver does not have the flags 0x%x of %s",
				    given & ~known, what);
	return 0;
}

/* The guest that a reference names, with a reference of ours, as it is now. */
static int find(struct mv_driver *drv, const struct mv_domain_ref *ref, struct mv_dom **out, struct mv_error **err)
{
	char text[MV_UUID_TEXT];
	mv_auto(mv_dom) dom = NULL;

	if (mv_kvm_lookup(drv, mv_uuid_format(ref->uuid, text), &dom, err) < 0)
		return -1;
	if (mv_kvm_refresh(drv, dom, err) < 0)
		return -1;
	if (dom->gone)
		return mv_error_set(err, MV_ERR_NO_DOMAIN, "There is no domain '%s' (%s) any more", ref->name, text);
	*out = mv_steal(dom);
	return 0;
}

static int name_it(struct mv_domain_ref *ref, const struct mv_dom *dom, struct mv_error **err)
{
	ref->name = strdup(dom->name);
	if (!ref->name)
		return out_of_memory(err);
	memcpy(ref->uuid, dom->uuid, sizeof(ref->uuid));
	ref->id = dom->id;
	return 0;
}

/* --- finding --- */

static int lookup(struct mv_driver *drv, const char *name_or_uuid, struct mv_domain_ref *ref, struct mv_error **err)
{
	mv_auto(mv_dom) dom = NULL;

	if (mv_kvm_lookup(drv, name_or_uuid, &dom, err) < 0 || mv_kvm_refresh(drv, dom, err) < 0)
		return -1;
	return name_it(ref, dom, err);
}

static int lookup_by_name(struct mv_driver *drv, const struct mv_domain_lookup_by_name_args *args,
			  struct mv_domain_lookup_by_name_ret *ret, struct mv_error **err)
{
	return lookup(drv, args->name, &ret->dom, err);
}

static int lookup_by_uuid(struct mv_driver *drv, const struct mv_domain_lookup_by_uuid_args *args,
			  struct mv_domain_lookup_by_uuid_ret *ret, struct mv_error **err)
{
	char text[MV_UUID_TEXT];

	return lookup(drv, mv_uuid_format(args->uuid, text), &ret->dom, err);
}

static void drop_list(struct mv_dom **doms, size_t count)
{
	for (size_t i = 0; i < count; i++)
		mv_dom_unref(doms[i]);
	free(doms);
}

static int lookup_by_id(struct mv_driver *drv, const struct mv_domain_lookup_by_id_args *args,
			struct mv_domain_lookup_by_id_ret *ret, struct mv_error **err)
{
	struct mv_dom **doms = NULL;
	size_t count = 0;
	int found = 0;

	if (mv_kvm_list(drv, &doms, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count && !found; i++)
		if (doms[i]->id == args->id && args->id >= 0)
			found = name_it(&ret->dom, doms[i], err) < 0 ? -1 : 1;
	drop_list(doms, count);
	if (!found)
		mv_error_set(err, MV_ERR_NO_DOMAIN, "There is no domain with the id %d", args->id);
	return found > 0 ? 0 : -1;
}

/* Whether a guest passes a group of flags, of which none or some are set. */
static bool passes(unsigned flags, unsigned yes, unsigned no, bool is)
{
	return !(flags & (yes | no)) || (flags & (is ? yes : no));
}

static bool state_passes(unsigned flags, enum mv_domain_state state)
{
	const unsigned group = VIR_CONNECT_LIST_DOMAINS_RUNNING | VIR_CONNECT_LIST_DOMAINS_PAUSED |
		VIR_CONNECT_LIST_DOMAINS_SHUTOFF | VIR_CONNECT_LIST_DOMAINS_OTHER;

	if (!(flags & group))
		return true;
	switch (state) {
	case MV_DOMAIN_RUNNING: return flags & VIR_CONNECT_LIST_DOMAINS_RUNNING;
	case MV_DOMAIN_PAUSED: return flags & VIR_CONNECT_LIST_DOMAINS_PAUSED;
	case MV_DOMAIN_SHUTOFF: return flags & VIR_CONNECT_LIST_DOMAINS_SHUTOFF;
	default: return flags & VIR_CONNECT_LIST_DOMAINS_OTHER;
	}
}

/* Guests here have neither autostart, managed save, snapshots nor checkpoints. */
static bool selected(const struct mv_dom *dom, unsigned flags)
{
	return passes(flags, VIR_CONNECT_LIST_DOMAINS_ACTIVE, VIR_CONNECT_LIST_DOMAINS_INACTIVE, mv_dom_active(dom)) &&
		passes(flags, VIR_CONNECT_LIST_DOMAINS_PERSISTENT, VIR_CONNECT_LIST_DOMAINS_TRANSIENT, dom->def) &&
		passes(flags, VIR_CONNECT_LIST_DOMAINS_AUTOSTART, VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART, false) &&
		passes(flags, VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE, VIR_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE, false) &&
		passes(flags, VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT, VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT, false) &&
		passes(flags, VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT, VIR_CONNECT_LIST_DOMAINS_NO_CHECKPOINT, false) &&
		state_passes(flags, dom->state);
}

static int list_all(struct mv_driver *drv, const struct mv_connect_list_all_domains_args *args,
		    struct mv_connect_list_all_domains_ret *ret, struct mv_error **err)
{
	struct mv_dom **doms = NULL;
	size_t count = 0;
	int rc = -1;

	if (mv_kvm_list(drv, &doms, &count, err) < 0)
		return -1;
	ret->domains = calloc(count + 1, sizeof(*ret->domains));
	if (!ret->domains) {
		out_of_memory(err);
		goto out;
	}
	for (size_t i = 0; i < count; i++) {
		if (!selected(doms[i], args->flags))
			continue;
		ret->ret++;
		if (args->need_results && name_it(&ret->domains[ret->n_domains++], doms[i], err) < 0)
			goto out;
	}
	rc = 0;
out:
	drop_list(doms, count);
	return rc;
}

/* --- what is known --- */

static int get_state(struct mv_driver *drv, const struct mv_domain_get_state_args *args,
		     struct mv_domain_get_state_ret *ret, struct mv_error **err)
{
	mv_auto(mv_dom) dom = NULL;

	if (find(drv, &args->dom, &dom, err) < 0)
		return -1;
	ret->state = (int32_t)dom->state;
	ret->reason = (int32_t)dom->reason;
	return 0;
}

static const struct mv_domain_conf *conf_of(const struct mv_dom *dom)
{
	return dom->live ? dom->live : dom->def;
}

/* The counts of a guest, by name; 0 where there is none. */
static uint64_t count_of(const struct mv_stat *stats, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(stats[i].name, name))
			return stats[i].value;
	return 0;
}

static int get_info(struct mv_driver *drv, const struct mv_domain_get_info_args *args,
		    struct mv_domain_get_info_ret *ret, struct mv_error **err)
{
	mv_auto(mv_dom) dom = NULL;
	struct mv_stat *stats = NULL;
	size_t count = 0;

	if (find(drv, &args->dom, &dom, err) < 0)
		return -1;
	ret->state = (uint8_t)dom->state;
	ret->maxMem = ret->memory = conf_of(dom)->memory / 1024;
	ret->nrVirtCpu = (uint16_t)conf_of(dom)->vcpus;
	if (!mv_dom_active(dom))
		return 0;
	if (mv_kvm_stats(drv, dom, &stats, &count, err) < 0)
		return -1;
	ret->memory = count_of(stats, count, "balloon.current");
	ret->cpuTime = count_of(stats, count, "cpu.time");
	mv_stats_free(stats, count);
	return 0;
}

static int is_active(struct mv_driver *drv, const struct mv_domain_is_active_args *args,
		     struct mv_domain_is_active_ret *ret, struct mv_error **err)
{
	mv_auto(mv_dom) dom = NULL;

	if (find(drv, &args->dom, &dom, err) < 0)
		return -1;
	ret->active = mv_dom_active(dom);
	return 0;
}

static int is_persistent(struct mv_driver *drv, const struct mv_domain_is_persistent_args *args,
			 struct mv_domain_is_persistent_ret *ret, struct mv_error **err)
{
	mv_auto(mv_dom) dom = NULL;

	if (find(drv, &args->dom, &dom, err) < 0)
		return -1;
	ret->persistent = dom->def != NULL;
	return 0;
}

static int get_os_type(struct mv_driver *drv, const struct mv_domain_get_os_type_args *args,
		       struct mv_domain_get_os_type_ret *ret, struct mv_error **err)
{
	mv_auto(mv_dom) dom = NULL;

	if (find(drv, &args->dom, &dom, err) < 0)
		return -1;
	ret->type = strdup("hvm");
	return ret->type ? 0 : out_of_memory(err);
}

static int get_xml_desc(struct mv_driver *drv, const struct mv_domain_get_xml_desc_args *args,
			struct mv_domain_get_xml_desc_ret *ret, struct mv_error **err)
{
	mv_auto(mv_dom) dom = NULL;
	bool live;

	if (check_flags(args->flags, VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE, "a description", err) < 0 ||
	    find(drv, &args->dom, &dom, err) < 0)
		return -1;
	live = dom->live && !((args->flags & VIR_DOMAIN_XML_INACTIVE) && dom->def);
	return mv_kvm_describe(live ? dom->live : dom->def, live ? dom->id : -1, &ret->xml, err);
}

/* Guests here have neither snapshots, checkpoints, nor a saved state that the next start would find. */
static int list_snapshots(struct mv_driver *drv, const struct mv_domain_list_all_snapshots_args *args,
			  struct mv_domain_list_all_snapshots_ret *ret, struct mv_error **err)
{
	mv_auto(mv_dom) dom = NULL;

	ret->ret = 0;
	return find(drv, &args->dom, &dom, err);
}

static int list_checkpoints(struct mv_driver *drv, const struct mv_domain_list_all_checkpoints_args *args,
			    struct mv_domain_list_all_checkpoints_ret *ret, struct mv_error **err)
{
	mv_auto(mv_dom) dom = NULL;

	ret->ret = 0;
	return find(drv, &args->dom, &dom, err);
}

static int has_managed_save(struct mv_driver *drv, const struct mv_domain_has_managed_save_image_args *args,
			    struct mv_domain_has_managed_save_image_ret *ret, struct mv_error **err)
{
	mv_auto(mv_dom) dom = NULL;

	ret->result = 0;
	return find(drv, &args->dom, &dom, err);
}

/* --- acts without more than the guest --- */

#define ACT(call, function)                                                                          \
	static int act_##call(struct mv_driver *drv, const struct mv_##call##_args *args, void *ret, \
			      struct mv_error **err)                                                 \
	{                                                                                            \
		mv_auto(mv_dom) dom = NULL;                                                          \
                                                                                                     \
		(void)ret;                                                                           \
		return find(drv, &args->dom, &dom, err) < 0 ? -1 : function(drv, dom, err);          \
	}

ACT(domain_suspend, mv_kvm_suspend)
ACT(domain_resume, mv_kvm_resume)

/* The same for calls with flags, of which `known` may be set. */
#define ACT_FLAGS(call, function, known, what)                                                              \
	static int act_##call(struct mv_driver *drv, const struct mv_##call##_args *args, void *ret,        \
			      struct mv_error **err)                                                        \
	{                                                                                                   \
		mv_auto(mv_dom) dom = NULL;                                                                 \
                                                                                                            \
		(void)ret;                                                                                  \
		if (check_flags(args->flags, known, what, err) < 0 || find(drv, &args->dom, &dom, err) < 0) \
			return -1;                                                                          \
		return function(drv, dom, err);                                                             \
	}

ACT_FLAGS(domain_shutdown_flags, mv_kvm_shutdown, VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN, "a shutdown")
ACT_FLAGS(domain_reboot, mv_kvm_reboot, VIR_DOMAIN_REBOOT_ACPI_POWER_BTN, "a reboot")
ACT_FLAGS(domain_reset, mv_kvm_reset, 0, "a reset")
ACT_FLAGS(domain_destroy_flags, mv_kvm_destroy, 0, "destroy")
/* What these flags remove, guests here do not have. */
ACT_FLAGS(domain_undefine_flags, mv_kvm_undefine,
	  VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
		  VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | VIR_DOMAIN_UNDEFINE_NVRAM,
	  "undefine")

/* --- acts with more --- */

static int create_with_flags(struct mv_driver *drv, const struct mv_domain_create_with_flags_args *args,
			     struct mv_domain_create_with_flags_ret *ret, struct mv_error **err)
{
	mv_auto(mv_dom) dom = NULL;

	if (check_flags(args->flags, VIR_DOMAIN_START_PAUSED | VIR_DOMAIN_START_FORCE_BOOT, "a start", err) < 0 ||
	    find(drv, &args->dom, &dom, err) < 0)
		return -1;
	if (mv_kvm_start(drv, dom, args->flags & VIR_DOMAIN_START_PAUSED ? MV_START_PAUSED : 0, err) < 0)
		return -1;
	return name_it(&ret->dom, dom, err);
}

static int save_flags(struct mv_driver *drv, const struct mv_domain_save_flags_args *args, void *ret,
		      struct mv_error **err)
{
	mv_auto(mv_dom) dom = NULL;

	(void)ret;
	if (args->dxml)
		return mv_error_set(err, MV_ERR_NO_SUPPORT, "The KVM driver cannot save another description yet");
	if (check_flags(args->flags, 0, "a save", err) < 0 || find(drv, &args->dom, &dom, err) < 0)
		return -1;
	return mv_kvm_save(drv, dom, args->to, false, err);
}

static int restore_flags(struct mv_driver *drv, const struct mv_domain_restore_flags_args *args, void *ret,
			 struct mv_error **err)
{
	mv_auto(mv_dom) dom = NULL;

	(void)ret;
	if (args->dxml)
		return mv_error_set(err, MV_ERR_NO_SUPPORT,
				    "The KVM driver cannot restore with another description yet");
	if (check_flags(args->flags, VIR_DOMAIN_SAVE_PAUSED | VIR_DOMAIN_SAVE_RUNNING, "a restore", err) < 0)
		return -1;
	return mv_kvm_restore(drv, args->from, args->flags & VIR_DOMAIN_SAVE_PAUSED ? MV_RESTORE_PAUSED : 0, &dom, err);
}

static int set_memory_flags(struct mv_driver *drv, const struct mv_domain_set_memory_flags_args *args, void *ret,
			    struct mv_error **err)
{
	mv_auto(mv_dom) dom = NULL;

	(void)ret;
	if (check_flags(args->flags, VIR_DOMAIN_AFFECT_LIVE, "a change of memory", err) < 0 ||
	    find(drv, &args->dom, &dom, err) < 0)
		return -1;
	if (args->memory > UINT64_MAX / 1024)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "%llu KiB are too much memory",
				    (unsigned long long)args->memory);
	return mv_kvm_set_memory(drv, dom, args->memory * 1024, err);
}

/* --- statistics --- */

static int add_record(struct mv_driver *drv, struct mv_dom *dom, struct mv_connect_get_all_domain_stats_ret *ret,
		      struct mv_error **err)
{
	struct mv_domain_stats_record *record = &ret->retStats[ret->n_retStats++];
	struct mv_stat *stats = NULL;
	size_t count = 0;
	int rc = -1;

	if (name_it(&record->dom, dom, err) < 0 || mv_kvm_stats(drv, dom, &stats, &count, err) < 0)
		return -1;
	record->params = calloc(count + 1, sizeof(*record->params));
	if (!record->params)
		goto out;
	for (size_t i = 0; i < count; i++) {
		struct mv_typed_param *param = &record->params[record->n_params++];

		/* The names and words change hands. */
		param->field = mv_steal(stats[i].name);
		param->type = stats[i].text ? MV_TYPED_STRING : MV_TYPED_ULLONG;
		if (stats[i].text)
			param->value.s = mv_steal(stats[i].text);
		else
			param->value.ul = stats[i].value;
	}
	rc = 0;
out:
	mv_stats_free(stats, count);
	return rc < 0 ? out_of_memory(err) : 0;
}

static int get_all_stats(struct mv_driver *drv, const struct mv_connect_get_all_domain_stats_args *args,
			 struct mv_connect_get_all_domain_stats_ret *ret, struct mv_error **err)
{
	struct mv_dom **doms = NULL;
	size_t count = args->n_doms;
	int rc = -1;

	if (check_flags(args->flags,
			VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE |
				VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT,
			"statistics", err) < 0)
		return -1;
	if (!count && mv_kvm_list(drv, &doms, &count, err) < 0)
		return -1;
	ret->retStats = calloc(count + 1, sizeof(*ret->retStats));
	if (!ret->retStats) {
		out_of_memory(err);
		goto out;
	}
	for (size_t i = 0; i < count; i++) {
		mv_auto(mv_dom) dom = NULL;

		if (doms)
			dom = mv_dom_ref(doms[i]);
		else if (find(drv, &args->doms[i], &dom, err) < 0)
			goto out;
		if (passes(args->flags, VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE,
			   VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE, mv_dom_active(dom)) &&
		    add_record(drv, dom, ret, err) < 0)
			goto out;
	}
	rc = 0;
out:
	if (doms)
		drop_list(doms, count);
	return rc;
}

/* --- the host --- */

static int get_type(struct mv_driver *drv, const void *args, struct mv_connect_get_type_ret *ret, struct mv_error **err)
{
	(void)drv;
	(void)args;
	ret->type = strdup("KVM");
	return ret->type ? 0 : out_of_memory(err);
}

static int get_hostname(struct mv_driver *drv, const void *args, struct mv_connect_get_hostname_ret *ret,
			struct mv_error **err)
{
	char name[256] = "";

	(void)drv;
	(void)args;
	if (gethostname(name, sizeof(name) - 1) < 0)
		return mv_error_set_errno(err, errno, "The host's name cannot be read");
	ret->hostname = strdup(name);
	return ret->hostname ? 0 : out_of_memory(err);
}

const struct mv_calls mv_kvm_calls = {
	.connect_get_type = get_type,
	.connect_get_hostname = get_hostname,
	.connect_list_all_domains = list_all,
	.connect_get_all_domain_stats = get_all_stats,
	.domain_lookup_by_name = lookup_by_name,
	.domain_lookup_by_uuid = lookup_by_uuid,
	.domain_lookup_by_id = lookup_by_id,
	.domain_get_state = get_state,
	.domain_get_info = get_info,
	.domain_get_os_type = get_os_type,
	.domain_get_xml_desc = get_xml_desc,
	.domain_list_all_snapshots = list_snapshots,
	.domain_list_all_checkpoints = list_checkpoints,
	.domain_has_managed_save_image = has_managed_save,
	.domain_is_active = is_active,
	.domain_is_persistent = is_persistent,
	.domain_create_with_flags = create_with_flags,
	.domain_shutdown_flags = act_domain_shutdown_flags,
	.domain_reboot = act_domain_reboot,
	.domain_reset = act_domain_reset,
	.domain_destroy_flags = act_domain_destroy_flags,
	.domain_suspend = act_domain_suspend,
	.domain_resume = act_domain_resume,
	.domain_undefine_flags = act_domain_undefine_flags,
	.domain_save_flags = save_flags,
	.domain_restore_flags = restore_flags,
	.domain_set_memory_flags = set_memory_flags,
};
