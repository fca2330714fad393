/* Guests: definitions and life cycle. */
#define MV_ERROR_DOMAIN MV_FROM_TEST
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/domain_interfaces_def.h"
#include "engine/conf/domain_complete_def.h"
#include "engine/test/calls.h"
#include "engine/test/driver.h"

#define FIRST_SECONDS 627319920 /* what a guest's clock says until it is set; libvirt's value */

void mv_test_lifecycle(struct mv_test_host *host, const struct mv_domobj *guest, enum mv_lifecycle event, int detail)
{
	struct mv_domain_event_callback_lifecycle_msg msg = {
		.msg = {
			.dom = { .name = guest->object.name, .id = guest->object.id },
			.event = (int32_t)event,
			.detail = detail,
		},
	};

	memcpy(msg.msg.dom.uuid, guest->object.uuid, sizeof(msg.msg.dom.uuid));
	mv_test_event(host, MV_CALL_DOMAIN_EVENT_CALLBACK_LIFECYCLE, &msg);
}

/* --- definitions --- */

static bool has_interface(const struct mv_domain_def *def, const char *name)
{
	for (size_t i = 0; i < def->devices.n_interfaces; i++) {
		const char *dev = def->devices.interfaces[i]->target.dev;

		if (dev && strcmp(dev, name) == 0)
			return true;
	}
	return false;
}

/* Interfaces without a name on the host are testnet0, testnet1, ... */
static int name_interfaces(struct mv_domain_def *def, struct mv_error **err)
{
	unsigned number = 0;

	for (size_t i = 0; i < def->devices.n_interfaces; i++) {
		struct mv_interface_target_def *target = &def->devices.interfaces[i]->target;
		char name[24];

		if (target->dev)
			continue;
		do {
			snprintf(name, sizeof(name), "testnet%u", number++);
		} while (has_interface(def, name));
		if (mv_test_copy(name, &target->dev, err) < 0)
			return -1;
		target->present = true;
	}
	return 0;
}

const struct mv_domain_rules mv_test_domain_rules = { .arch = MV_ARCH_I686, .interface_prefix = "testnet" };

struct mv_domain_def *mv_test_domain_parse(const char *xml, bool validate, struct mv_error **err)
{
	struct mv_domain_def *def;

	if (mv_domain_def_parse(xml, validate ? MV_CONF_VALIDATE : 0, NULL, &def, err) < 0)
		return NULL;
	if (mv_domain_def_complete(def, &mv_test_domain_rules, err) < 0 || name_interfaces(def, err) < 0) {
		mv_domain_def_free(def);
		return NULL;
	}
	return def;
}

static void release(struct mv_entity *obj)
{
	free(((struct mv_test_domain *)obj)->iothreads);
	mv_domobj_release(obj);
}

struct mv_test_domain *mv_test_domain_assign(struct mv_test_host *host, struct mv_domain_def *def, bool live,
					     bool *updated, struct mv_error **err)
{
	struct mv_test_domain *dom;

	if (mv_entity_check_new(&host->domains, "domain", MV_FROM_DOM, def->name, def->uuid, live, &dom, err) < 0) {
		mv_domain_def_free(def);
		return NULL;
	}
	if (updated)
		*updated = dom != NULL;
	if (dom) {
		mv_domobj_assign(&dom->guest, def, live);
		return dom;
	}
	dom = mv_domobj_create(sizeof(*dom), def, err);
	if (!dom)
		return NULL;
	dom->guest.object.release = release;
	dom->seconds = FIRST_SECONDS;
	if (mv_entity_add(&host->domains, &dom->guest.object, err) < 0) {
		mv_entity_unref(dom);
		return NULL;
	}
	mv_entity_unref(dom); /* the table has it */
	return dom;
}

int mv_test_domain_start(struct mv_test_host *host, struct mv_domobj *guest, enum mv_running_reason reason,
			 struct mv_error **err)
{
	bool had_next = guest->next != NULL;

	/* libvirt makes the definition for the next start from XML, so that disks without a bus find their places in
	 * it. */
	if (mv_domobj_start(guest, host->next_id, reason, err) < 0 ||
	    (!had_next && guest->next && mv_domain_def_complete(guest->next, &mv_test_domain_rules, err) < 0)) {
		mv_domobj_stop(guest, MV_SHUTOFF_FAILED);
		return -1;
	}
	host->next_id++;
	return 0;
}

int mv_test_domain_define_xml_flags(struct mv_driver *drv, const struct mv_domain_define_xml_flags_args *args,
				    struct mv_domain_define_xml_flags_ret *ret, struct mv_error **err)
{
	enum { VALIDATE = 1 };
	struct mv_test_host *host = mv_test_host(drv);
	struct mv_test_domain *dom;
	struct mv_domain_def *def;
	bool updated;

	if (mv_test_check_flags(args->flags, VALIDATE, "testDomainDefineXMLFlags", err) < 0)
		return -1;
	def = mv_test_domain_parse(args->xml, args->flags & VALIDATE, err);
	if (!def)
		return -1;
	if (strchr(def->name, '\n')) {
		mv_error_set(err, MV_ERR_XML, "invalid char in name: %c", '\n');
		mv_domain_def_free(def);
		return -1;
	}
	dom = mv_test_domain_assign(host, def, false, &updated, err);
	if (!dom)
		return -1;
	dom->guest.object.persistent = true;
	mv_test_lifecycle(host, &dom->guest, MV_LIFECYCLE_DEFINED, updated ? MV_DEFINED_UPDATED : MV_DEFINED_ADDED);
	return mv_test_domain_ref(&dom->guest, &ret->dom, err);
}

int mv_test_domain_create_xml(struct mv_driver *drv, const struct mv_domain_create_xml_args *args,
			      struct mv_domain_create_xml_ret *ret, struct mv_error **err)
{
	enum { VALIDATE = 1 << 4 };
	struct mv_test_host *host = mv_test_host(drv);
	struct mv_test_domain *dom;
	struct mv_domain_def *def;

	if (mv_test_check_flags(args->flags, VALIDATE, "testDomainCreateXML", err) < 0)
		return -1;
	def = mv_test_domain_parse(args->xml_desc, args->flags & VALIDATE, err);
	if (!def)
		return -1;
	dom = mv_test_domain_assign(host, def, true, NULL, err);
	if (!dom)
		return -1;
	if (mv_test_domain_start(host, &dom->guest, MV_RUNNING_BOOTED, err) < 0) {
		mv_domobj_drop_transient(&dom->guest);
		return -1;
	}
	mv_test_lifecycle(host, &dom->guest, MV_LIFECYCLE_STARTED, MV_STARTED_BOOTED);
	return mv_test_domain_ref(&dom->guest, &ret->dom, err);
}

/* Descriptors are for guests that run. */
int mv_test_domain_create_xml_with_files(struct mv_driver *drv, const struct mv_domain_create_xml_with_files_args *args,
					 struct mv_domain_create_xml_with_files_ret *ret, struct mv_error **err)
{
	struct mv_domain_create_xml_ret made = { 0 };
	int result = mv_test_domain_create_xml(drv,
					       &(struct mv_domain_create_xml_args){ .xml_desc = args->xml_desc,
										    .flags = args->flags },
					       &made, err);

	ret->dom = made.dom;
	return result;
}

int mv_test_domain_undefine_flags(struct mv_driver *drv, const struct mv_domain_undefine_flags_args *args, void *ret,
				  struct mv_error **err)
{
	enum { MANAGED_SAVE = 1, SNAPSHOTS_METADATA = 2 };
	struct mv_test_domain *dom;
	struct mv_domobj *guest;

	(void)ret;
	if (mv_test_check_flags(args->flags, MANAGED_SAVE | SNAPSHOTS_METADATA, "testDomainUndefineFlags", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom)
		return -1;
	guest = &dom->guest;
	if (guest->managed_save && !(args->flags & MANAGED_SAVE))
		return mv_error_set(err, MV_ERR_OPERATION_INVALID,
				    "Refusing to undefine while domain managed save image exists");
	if (!guest->object.active && mv_moment_count(&guest->snapshots) && !(args->flags & SNAPSHOTS_METADATA))
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "cannot delete inactive domain with %zu snapshots",
				    mv_moment_count(&guest->snapshots));
	mv_test_lifecycle(mv_test_host(drv), guest, MV_LIFECYCLE_UNDEFINED, MV_UNDEFINED_REMOVED);
	guest->managed_save = false;
	guest->object.persistent = false;
	mv_domobj_drop_transient(guest);
	return 0;
}

int mv_test_domain_rename(struct mv_driver *drv, const struct mv_domain_rename_args *args,
			  struct mv_domain_rename_ret *ret, struct mv_error **err)
{
	struct mv_test_host *host = mv_test_host(drv);
	struct mv_test_domain *dom;
	struct mv_domobj *guest;
	char *copy;

	(void)ret;
	if (mv_test_check_flags(args->flags, 0, "testDomainRename", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom)
		return -1;
	guest = &dom->guest;
	if (guest->object.active)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "cannot rename active domain");
	if (strcmp(guest->object.name, args->new_name) == 0)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "Can't rename domain to itself");
	if (mv_entity_by_name(&host->domains, args->new_name))
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "domain with name '%s' already exists",
				    args->new_name);
	if (strchr(args->new_name, '/'))
		return mv_error_set(err, MV_ERR_XML, "name %s cannot contain '/'", args->new_name);
	if (mv_test_copy(args->new_name, &copy, err) < 0)
		return -1;
	mv_test_lifecycle(host, guest, MV_LIFECYCLE_UNDEFINED, MV_UNDEFINED_RENAMED);
	if (mv_entity_rename(&guest->object, args->new_name, err) < 0) {
		free(copy);
		return -1;
	}
	free(guest->def->name);
	guest->def->name = copy;
	mv_test_lifecycle(host, guest, MV_LIFECYCLE_DEFINED, MV_DEFINED_RENAMED);
	return 0;
}

/* --- life cycle --- */

static void stopped(struct mv_test_host *host, struct mv_domobj *guest, enum mv_shutoff_reason reason, int detail)
{
	mv_domobj_stop(guest, reason);
	mv_test_lifecycle(host, guest, MV_LIFECYCLE_STOPPED, detail);
	mv_domobj_drop_transient(guest);
}

int mv_test_domain_create_with_flags(struct mv_driver *drv, const struct mv_domain_create_with_flags_args *args,
				     struct mv_domain_create_with_flags_ret *ret, struct mv_error **err)
{
	struct mv_test_host *host = mv_test_host(drv);
	struct mv_test_domain *dom;

	if (mv_test_check_flags(args->flags, 0, "testDomainCreateWithFlags", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom)
		return -1;
	if (dom->guest.state != MV_DOMAIN_SHUTOFF)
		return mv_error_set(err, MV_ERR_INTERNAL, "Domain '%s' is already running", dom->guest.object.name);
	if (mv_test_domain_start(host, &dom->guest, MV_RUNNING_BOOTED, err) < 0)
		return -1;
	mv_test_lifecycle(host, &dom->guest, MV_LIFECYCLE_STARTED, MV_STARTED_BOOTED);
	return mv_test_domain_ref(&dom->guest, &ret->dom, err);
}

int mv_test_domain_create_with_files(struct mv_driver *drv, const struct mv_domain_create_with_files_args *args,
				     struct mv_domain_create_with_files_ret *ret, struct mv_error **err)
{
	struct mv_domain_create_with_flags_ret made = { 0 };
	int result = mv_test_domain_create_with_flags(drv,
						      &(struct mv_domain_create_with_flags_args){
							      .dom = args->dom, .flags = args->flags },
						      &made, err);

	ret->dom = made.dom;
	return result;
}

int mv_test_domain_destroy_flags(struct mv_driver *drv, const struct mv_domain_destroy_flags_args *args, void *ret,
				 struct mv_error **err)
{
	enum { GRACEFUL = 1 };
	struct mv_test_domain *dom;

	(void)ret;
	if (mv_test_check_flags(args->flags, GRACEFUL, "testDomainDestroyFlags", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom || mv_domobj_check_active(&dom->guest, err) < 0)
		return -1;
	stopped(mv_test_host(drv), &dom->guest, MV_SHUTOFF_DESTROYED, MV_STOPPED_DESTROYED);
	return 0;
}

int mv_test_domain_suspend(struct mv_driver *drv, const struct mv_domain_suspend_args *args, void *ret,
			   struct mv_error **err)
{
	struct mv_test_domain *dom = mv_test_domain(drv, &args->dom, err);

	(void)ret;
	if (!dom)
		return -1;
	if (dom->guest.state == MV_DOMAIN_SHUTOFF || dom->guest.state == MV_DOMAIN_PAUSED)
		return mv_error_set(err, MV_ERR_INTERNAL, "domain '%s' not running", dom->guest.object.name);
	mv_domobj_set_state(&dom->guest, MV_DOMAIN_PAUSED, MV_PAUSED_USER);
	mv_test_lifecycle(mv_test_host(drv), &dom->guest, MV_LIFECYCLE_SUSPENDED, MV_SUSPENDED_PAUSED);
	return 0;
}

int mv_test_domain_resume(struct mv_driver *drv, const struct mv_domain_resume_args *args, void *ret,
			  struct mv_error **err)
{
	struct mv_test_domain *dom = mv_test_domain(drv, &args->dom, err);

	(void)ret;
	if (!dom)
		return -1;
	if (dom->guest.state != MV_DOMAIN_PAUSED)
		return mv_error_set(err, MV_ERR_INTERNAL, "domain '%s' not paused", dom->guest.object.name);
	mv_domobj_set_state(&dom->guest, MV_DOMAIN_RUNNING, MV_RUNNING_UNPAUSED);
	mv_test_lifecycle(mv_test_host(drv), &dom->guest, MV_LIFECYCLE_RESUMED, MV_RESUMED_UNPAUSED);
	return 0;
}

/* What a guest that powers off or reboots does next is in its definition. */
static void act(struct mv_test_host *host, struct mv_domobj *guest, bool restart)
{
	if (restart)
		mv_domobj_set_state(guest, MV_DOMAIN_RUNNING, MV_RUNNING_BOOTED);
	else
		stopped(host, guest, MV_SHUTOFF_SHUTDOWN, MV_STOPPED_SHUTDOWN);
}

static bool restarts(enum mv_lifecycle_action action)
{
	return action == MV_LIFECYCLE_ACTION_RESTART || action == MV_LIFECYCLE_ACTION_RENAME_RESTART;
}

int mv_test_domain_shutdown_flags(struct mv_driver *drv, const struct mv_domain_shutdown_flags_args *args, void *ret,
				  struct mv_error **err)
{
	struct mv_test_domain *dom;

	(void)ret;
	if (mv_test_check_flags(args->flags, 0, "testDomainShutdownFlags", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom)
		return -1;
	if (dom->guest.state == MV_DOMAIN_SHUTOFF)
		return mv_error_set(err, MV_ERR_INTERNAL, "domain '%s' not running", dom->guest.object.name);
	act(mv_test_host(drv), &dom->guest, restarts(dom->guest.def->on_poweroff));
	return 0;
}

int mv_test_domain_reboot(struct mv_driver *drv, const struct mv_domain_reboot_args *args, void *ret,
			  struct mv_error **err)
{
	enum { WAYS = (1 << 5) - 1 }; /* power button, agent, initctl, signal, paravirtual */
	struct mv_test_domain *dom;

	(void)ret;
	if (mv_test_check_flags(args->flags, WAYS, "testDomainReboot", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom || mv_domobj_check_active(&dom->guest, err) < 0)
		return -1;
	act(mv_test_host(drv), &dom->guest, restarts(dom->guest.def->on_reboot));
	return 0;
}

int mv_test_domain_reset(struct mv_driver *drv, const struct mv_domain_reset_args *args, void *ret,
			 struct mv_error **err)
{
	struct mv_test_domain *dom;

	(void)ret;
	if (mv_test_check_flags(args->flags, 0, "testDomainReset", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	return dom ? mv_domobj_check_active(&dom->guest, err) : -1;
}
