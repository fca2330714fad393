/* Snapshots: nothing is copied but the definition and the state. */
#define MV_ERROR_DOMAIN MV_FROM_TEST
#include <stdlib.h>

#include "engine/domain/abi.h"
#include "engine/domain/snapshot.h"
#include "engine/test/calls.h"
#include "engine/test/driver.h"

/* The guest and snapshot of a reference. */
static struct mv_snapshot *find(struct mv_driver *drv, const struct mv_domain_snapshot_ref *ref,
				struct mv_domobj **guest, struct mv_error **err)
{
	struct mv_test_domain *dom = mv_test_domain(drv, &ref->dom, err);

	if (!dom)
		return NULL;
	*guest = &dom->guest;
	return mv_snapshot_find(*guest, ref->name, err);
}

static int fill_ref(const struct mv_domobj *guest, const struct mv_moment *moment, struct mv_domain_snapshot_ref *ref,
		    struct mv_error **err)
{
	if (mv_test_copy(moment->object.name, &ref->name, err) < 0)
		return -1;
	return mv_test_domain_ref(guest, &ref->dom, err);
}

/* --- lists --- */

static int list(const struct mv_domobj *guest, const struct mv_snapshot *from, unsigned flags,
		struct mv_domain_snapshot_ref **refs, size_t *n_refs, int32_t *count, struct mv_error **err)
{
	mv_autofree struct mv_moment **moments = NULL;
	int n = mv_snapshot_list(guest, from, flags, &moments, err);

	if (n < 0)
		return -1;
	*count = n;
	if (!refs)
		return 0;
	*refs = calloc((size_t)n + 1, sizeof(**refs));
	if (!*refs)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a list of snapshots");
	for (int i = 0; i < n; i++) {
		if (fill_ref(guest, moments[i], &(*refs)[(*n_refs)++], err) < 0)
			return -1;
	}
	return 0;
}

int mv_test_domain_list_all_snapshots(struct mv_driver *drv, const struct mv_domain_list_all_snapshots_args *args,
				      struct mv_domain_list_all_snapshots_ret *ret, struct mv_error **err)
{
	struct mv_test_domain *dom;

	if (mv_test_check_flags(args->flags, MV_SNAPSHOT_LIST_ALL, "testDomainListAllSnapshots", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	return dom ? list(&dom->guest, NULL, args->flags, args->need_results ? &ret->snapshots : NULL,
			  &ret->n_snapshots, &ret->ret, err) :
		     -1;
}

int mv_test_domain_snapshot_list_all_children(struct mv_driver *drv,
					      const struct mv_domain_snapshot_list_all_children_args *args,
					      struct mv_domain_snapshot_list_all_children_ret *ret,
					      struct mv_error **err)
{
	struct mv_snapshot *snap;
	struct mv_domobj *guest;

	if (mv_test_check_flags(args->flags, MV_SNAPSHOT_LIST_ALL, "testDomainSnapshotListAllChildren", err) < 0)
		return -1;
	snap = find(drv, &args->snapshot, &guest, err);
	return snap ? list(guest, snap, args->flags, args->need_results ? &ret->snapshots : NULL, &ret->n_snapshots,
			   &ret->ret, err) :
		      -1;
}

/* --- one snapshot --- */

int mv_test_domain_snapshot_lookup_by_name(struct mv_driver *drv,
					   const struct mv_domain_snapshot_lookup_by_name_args *args,
					   struct mv_domain_snapshot_lookup_by_name_ret *ret, struct mv_error **err)
{
	struct mv_test_domain *dom;
	struct mv_snapshot *snap;

	if (mv_test_check_flags(args->flags, 0, "testDomainSnapshotLookupByName", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	snap = dom ? mv_snapshot_find(&dom->guest, args->name, err) : NULL;
	return snap ? fill_ref(&dom->guest, &snap->moment, &ret->snap, err) : -1;
}

int mv_test_domain_has_current_snapshot(struct mv_driver *drv, const struct mv_domain_has_current_snapshot_args *args,
					struct mv_domain_has_current_snapshot_ret *ret, struct mv_error **err)
{
	struct mv_test_domain *dom;

	if (mv_test_check_flags(args->flags, 0, "testDomainHasCurrentSnapshot", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom)
		return -1;
	ret->result = dom->guest.snapshots.current != NULL;
	return 0;
}

int mv_test_domain_snapshot_current(struct mv_driver *drv, const struct mv_domain_snapshot_current_args *args,
				    struct mv_domain_snapshot_current_ret *ret, struct mv_error **err)
{
	struct mv_test_domain *dom;

	if (mv_test_check_flags(args->flags, 0, "testDomainSnapshotCurrent", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom)
		return -1;
	if (!dom->guest.snapshots.current)
		return mv_error_set(err, MV_ERR_NO_DOMAIN_SNAPSHOT, "the domain does not have a current snapshot");
	return fill_ref(&dom->guest, dom->guest.snapshots.current, &ret->snap, err);
}

int mv_test_domain_snapshot_get_parent(struct mv_driver *drv, const struct mv_domain_snapshot_get_parent_args *args,
				       struct mv_domain_snapshot_get_parent_ret *ret, struct mv_error **err)
{
	struct mv_snapshot *snap;
	struct mv_domobj *guest;

	if (mv_test_check_flags(args->flags, 0, "testDomainSnapshotGetParent", err) < 0)
		return -1;
	snap = find(drv, &args->snap, &guest, err);
	if (!snap)
		return -1;
	if (!snap->moment.parent)
		return mv_error_set(err, MV_ERR_NO_DOMAIN_SNAPSHOT, "snapshot '%s' does not have a parent",
				    args->snap.name);
	return fill_ref(guest, snap->moment.parent, &ret->snap, err);
}

int mv_test_domain_snapshot_is_current(struct mv_driver *drv, const struct mv_domain_snapshot_is_current_args *args,
				       struct mv_domain_snapshot_is_current_ret *ret, struct mv_error **err)
{
	struct mv_snapshot *snap;
	struct mv_domobj *guest;

	if (mv_test_check_flags(args->flags, 0, "testDomainSnapshotIsCurrent", err) < 0)
		return -1;
	snap = find(drv, &args->snap, &guest, err);
	if (!snap)
		return -1;
	ret->current = guest->snapshots.current == &snap->moment;
	return 0;
}

int mv_test_domain_snapshot_has_metadata(struct mv_driver *drv, const struct mv_domain_snapshot_has_metadata_args *args,
					 struct mv_domain_snapshot_has_metadata_ret *ret, struct mv_error **err)
{
	struct mv_domobj *guest;

	if (mv_test_check_flags(args->flags, 0, "testDomainSnapshotHasMetadata", err) < 0 ||
	    !find(drv, &args->snap, &guest, err))
		return -1;
	ret->metadata = 1;
	return 0;
}

int mv_test_domain_snapshot_get_xml_desc(struct mv_driver *drv, const struct mv_domain_snapshot_get_xml_desc_args *args,
					 struct mv_domain_snapshot_get_xml_desc_ret *ret, struct mv_error **err)
{
	enum { SECURE = 1 };
	struct mv_snapshot *snap;
	struct mv_domobj *guest;

	if (mv_test_check_flags(args->flags, SECURE, "testDomainSnapshotGetXMLDesc", err) < 0)
		return -1;
	snap = find(drv, &args->snap, &guest, err);
	return snap ? mv_snapshot_format(guest, snap, args->flags & SECURE, &ret->xml, err) : -1;
}

/* --- making and deleting --- */

static void stop(struct mv_test_host *host, struct mv_domobj *guest)
{
	mv_domobj_stop(guest, MV_SHUTOFF_FROM_SNAPSHOT);
	mv_test_lifecycle(host, guest, MV_LIFECYCLE_STOPPED, MV_STOPPED_FROM_SNAPSHOT);
}

int mv_test_domain_snapshot_create_xml(struct mv_driver *drv, const struct mv_domain_snapshot_create_xml_args *args,
				       struct mv_domain_snapshot_create_xml_ret *ret, struct mv_error **err)
{
	enum {
		KNOWN = MV_SNAPSHOT_CREATE_REDEFINE | MV_SNAPSHOT_CREATE_CURRENT | MV_SNAPSHOT_CREATE_HALT |
			MV_SNAPSHOT_CREATE_QUIESCE | MV_SNAPSHOT_CREATE_ATOMIC | MV_SNAPSHOT_CREATE_LIVE |
			MV_SNAPSHOT_CREATE_VALIDATE
	};
	struct mv_test_domain *dom;
	struct mv_snapshot *snap;

	if (mv_test_check_flags(args->flags, KNOWN, "testDomainSnapshotCreateXML", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom)
		return -1;
	if (mv_moment_count(&dom->guest.checkpoints))
		return mv_error_set(err, MV_ERR_OPERATION_UNSUPPORTED,
				    "cannot create snapshot while checkpoint exists");
	if (!dom->guest.object.persistent && (args->flags & MV_SNAPSHOT_CREATE_HALT))
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "cannot halt after transient domain snapshot");
	if (mv_snapshot_create(&dom->guest, &mv_test_domain_rules, args->xml_desc, args->flags, &snap, err) < 0)
		return -1;
	if ((args->flags & MV_SNAPSHOT_CREATE_HALT) && dom->guest.object.active)
		stop(mv_test_host(drv), &dom->guest);
	return fill_ref(&dom->guest, &snap->moment, &ret->snap, err);
}

int mv_test_domain_snapshot_delete(struct mv_driver *drv, const struct mv_domain_snapshot_delete_args *args, void *ret,
				   struct mv_error **err)
{
	enum { CHILDREN = 1, CHILDREN_ONLY = 4 };
	struct mv_snapshot *snap;
	struct mv_domobj *guest;

	(void)ret;
	if (mv_test_check_flags(args->flags, CHILDREN | CHILDREN_ONLY, "testDomainSnapshotDelete", err) < 0)
		return -1;
	snap = find(drv, &args->snap, &guest, err);
	if (!snap)
		return -1;
	mv_moment_delete(&guest->snapshots, &snap->moment,
			 args->flags & CHILDREN_ONLY    ? MV_MOMENT_CHILDREN_ONLY :
				 args->flags & CHILDREN ? MV_MOMENT_WITH_CHILDREN :
							  MV_MOMENT_ALONE);
	return 0;
}

/* --- reverting --- */

enum { REVERT_RUNNING = 1, REVERT_PAUSED = 2, REVERT_FORCE = 4 };

/* To a snapshot of a guest that ran. Takes config. */
static int revert_to_active(struct mv_test_host *host, struct mv_domobj *guest, const struct mv_snapshot *snap,
			    struct mv_domain_def *config, unsigned flags, struct mv_error **err)
{
	bool paused = !(flags & REVERT_RUNNING) &&
		(snap->def->state == MV_SNAPSHOT_STATE_PAUSED || (flags & REVERT_PAUSED));
	bool was_active = guest->object.active, was_paused = guest->state == MV_DOMAIN_PAUSED;

	if (was_active) {
		mv_auto(mv_error) why = NULL;

		if (mv_domain_check_abi(guest->def, config, &why) < 0) {
			if (!(flags & REVERT_FORCE)) {
				mv_domain_def_free(config);
				return mv_error_set(err, MV_ERR_SNAPSHOT_REVERT_RISKY, "%s", why->message);
			}
			stop(host, guest);
			was_active = false;
		}
	}
	mv_domobj_assign(guest, config, false);
	if (!was_active) {
		if (mv_test_domain_start(host, guest, MV_RUNNING_FROM_SNAPSHOT, err) < 0)
			return -1;
		mv_test_lifecycle(host, guest, MV_LIFECYCLE_STARTED, MV_STARTED_FROM_SNAPSHOT);
		was_paused = false;
	} else {
		mv_entity_set_id(&guest->object, host->next_id++); /* to libvirt's test driver it is another guest */
	}
	if (paused) {
		mv_domobj_set_state(guest, MV_DOMAIN_PAUSED, MV_PAUSED_FROM_SNAPSHOT);
		if (!was_paused)
			mv_test_lifecycle(host, guest, MV_LIFECYCLE_SUSPENDED, MV_SUSPENDED_FROM_SNAPSHOT);
	} else {
		mv_domobj_set_state(guest, MV_DOMAIN_RUNNING, MV_RUNNING_FROM_SNAPSHOT);
		if (was_paused)
			mv_test_lifecycle(host, guest, MV_LIFECYCLE_RESUMED, MV_RESUMED_FROM_SNAPSHOT);
	}
	return 0;
}

/* To a snapshot of a guest that was shut off. That the guest is to run or pause then, libvirt's test driver only
 * announces; so it is here. Takes config. */
static void revert_to_inactive(struct mv_test_host *host, struct mv_domobj *guest, struct mv_domain_def *config,
			       unsigned flags)
{
	mv_domobj_assign(guest, config, false);
	if (guest->object.active)
		stop(host, guest);
	if (flags & (REVERT_RUNNING | REVERT_PAUSED))
		mv_test_lifecycle(host, guest, MV_LIFECYCLE_STARTED, MV_STARTED_FROM_SNAPSHOT);
	if (flags & REVERT_PAUSED)
		mv_test_lifecycle(host, guest, MV_LIFECYCLE_SUSPENDED, MV_SUSPENDED_FROM_SNAPSHOT);
}

int mv_test_domain_revert_to_snapshot(struct mv_driver *drv, const struct mv_domain_revert_to_snapshot_args *args,
				      void *ret, struct mv_error **err)
{
	struct mv_domain_def *config;
	struct mv_snapshot *snap;
	struct mv_domobj *guest;
	bool to_active;

	(void)ret;
	if (mv_test_check_flags(args->flags, REVERT_RUNNING | REVERT_PAUSED | REVERT_FORCE,
				"testDomainRevertToSnapshot", err) < 0)
		return -1;
	snap = find(drv, &args->snap, &guest, err);
	if (!snap)
		return -1;
	to_active = snap->def->state == MV_SNAPSHOT_STATE_RUNNING || snap->def->state == MV_SNAPSHOT_STATE_PAUSED;
	if (!guest->object.persistent && !to_active && !(args->flags & (REVERT_RUNNING | REVERT_PAUSED)))
		return mv_error_set(err, MV_ERR_OPERATION_INVALID,
				    "transient domain needs to request run or pause to revert to inactive snapshot");
	if (!snap->def->domain)
		return mv_error_set(err, MV_ERR_SNAPSHOT_REVERT_RISKY, "snapshot '%s' lacks domain '%s' rollback info",
				    args->snap.name, guest->object.name);
	config = mv_domain_def_copy(snap->def->domain, err);
	if (!config)
		return -1;
	guest->snapshots.current = NULL;
	if (to_active) {
		if (revert_to_active(mv_test_host(drv), guest, snap, config, args->flags, err) < 0)
			return -1;
	} else {
		revert_to_inactive(mv_test_host(drv), guest, config, args->flags);
	}
	guest->snapshots.current = &snap->moment;
	return 0;
}
