/* Checkpoints: there is nothing to be done but to remember them. */
#define MV_ERROR_DOMAIN MV_FROM_TEST
#include <stdlib.h>

#include "engine/domain/checkpoint.h"
#include "engine/test/calls.h"
#include "engine/test/driver.h"

static struct mv_checkpoint *find(struct mv_driver *drv, const struct mv_domain_checkpoint_ref *ref,
				  struct mv_domobj **guest, struct mv_error **err)
{
	struct mv_test_domain *dom = mv_test_domain(drv, &ref->dom, err);

	if (!dom)
		return NULL;
	*guest = &dom->guest;
	return mv_checkpoint_find(*guest, ref->name, err);
}

static int fill_ref(const struct mv_domobj *guest, const struct mv_moment *moment, struct mv_domain_checkpoint_ref *ref,
		    struct mv_error **err)
{
	if (mv_test_copy(moment->object.name, &ref->name, err) < 0)
		return -1;
	return mv_test_domain_ref(guest, &ref->dom, err);
}

int mv_test_domain_checkpoint_create_xml(struct mv_driver *drv, const struct mv_domain_checkpoint_create_xml_args *args,
					 struct mv_domain_checkpoint_create_xml_ret *ret, struct mv_error **err)
{
	struct mv_test_domain *dom;
	struct mv_checkpoint *chk;

	if (mv_test_check_flags(args->flags, MV_CHECKPOINT_CREATE_REDEFINE | MV_CHECKPOINT_CREATE_QUIESCE,
				"testDomainCheckpointCreateXML", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom)
		return -1;
	if (mv_moment_count(&dom->guest.snapshots))
		return mv_error_set(err, MV_ERR_OPERATION_UNSUPPORTED,
				    "cannot create checkpoint while snapshot exists");
	if (!dom->guest.object.active)
		return mv_error_set(err, MV_ERR_OPERATION_UNSUPPORTED, "cannot create checkpoint for inactive domain");
	if (mv_checkpoint_create(&dom->guest, args->xml_desc, args->flags, &chk, err) < 0)
		return -1;
	return fill_ref(&dom->guest, &chk->moment, &ret->checkpoint, err);
}

static int list(const struct mv_domobj *guest, const struct mv_checkpoint *from, unsigned flags,
		struct mv_domain_checkpoint_ref **refs, size_t *n_refs, int32_t *count, struct mv_error **err)
{
	mv_autofree struct mv_moment **moments = NULL;
	int n = mv_checkpoint_list(guest, from, flags, &moments, err);

	if (n < 0)
		return -1;
	*count = n;
	if (!refs)
		return 0;
	*refs = calloc((size_t)n + 1, sizeof(**refs));
	if (!*refs)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a list of checkpoints");
	for (int i = 0; i < n; i++) {
		if (fill_ref(guest, moments[i], &(*refs)[(*n_refs)++], err) < 0)
			return -1;
	}
	return 0;
}

int mv_test_domain_list_all_checkpoints(struct mv_driver *drv, const struct mv_domain_list_all_checkpoints_args *args,
					struct mv_domain_list_all_checkpoints_ret *ret, struct mv_error **err)
{
	struct mv_test_domain *dom;

	if (mv_test_check_flags(args->flags, MV_CHECKPOINT_LIST_ALL, "testDomainListAllCheckpoints", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	return dom ? list(&dom->guest, NULL, args->flags, args->need_results ? &ret->checkpoints : NULL,
			  &ret->n_checkpoints, &ret->ret, err) :
		     -1;
}

int mv_test_domain_checkpoint_list_all_children(struct mv_driver *drv,
						const struct mv_domain_checkpoint_list_all_children_args *args,
						struct mv_domain_checkpoint_list_all_children_ret *ret,
						struct mv_error **err)
{
	struct mv_checkpoint *chk;
	struct mv_domobj *guest;

	if (mv_test_check_flags(args->flags, MV_CHECKPOINT_LIST_ALL, "testDomainCheckpointListAllChildren", err) < 0)
		return -1;
	chk = find(drv, &args->checkpoint, &guest, err);
	return chk ? list(guest, chk, args->flags, args->need_results ? &ret->checkpoints : NULL, &ret->n_checkpoints,
			  &ret->ret, err) :
		     -1;
}

int mv_test_domain_checkpoint_lookup_by_name(struct mv_driver *drv,
					     const struct mv_domain_checkpoint_lookup_by_name_args *args,
					     struct mv_domain_checkpoint_lookup_by_name_ret *ret, struct mv_error **err)
{
	struct mv_test_domain *dom;
	struct mv_checkpoint *chk;

	if (mv_test_check_flags(args->flags, 0, "testDomainCheckpointLookupByName", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	chk = dom ? mv_checkpoint_find(&dom->guest, args->name, err) : NULL;
	return chk ? fill_ref(&dom->guest, &chk->moment, &ret->checkpoint, err) : -1;
}

int mv_test_domain_checkpoint_get_parent(struct mv_driver *drv, const struct mv_domain_checkpoint_get_parent_args *args,
					 struct mv_domain_checkpoint_get_parent_ret *ret, struct mv_error **err)
{
	struct mv_checkpoint *chk;
	struct mv_domobj *guest;

	if (mv_test_check_flags(args->flags, 0, "testDomainCheckpointGetParent", err) < 0)
		return -1;
	chk = find(drv, &args->checkpoint, &guest, err);
	if (!chk)
		return -1;
	if (!chk->moment.parent)
		return mv_error_set(err, MV_ERR_NO_DOMAIN_CHECKPOINT, "checkpoint '%s' does not have a parent",
				    args->checkpoint.name);
	return fill_ref(guest, chk->moment.parent, &ret->parent, err);
}

int mv_test_domain_checkpoint_get_xml_desc(struct mv_driver *drv,
					   const struct mv_domain_checkpoint_get_xml_desc_args *args,
					   struct mv_domain_checkpoint_get_xml_desc_ret *ret, struct mv_error **err)
{
	enum { SECURE = 1, NO_DOMAIN = 2, SIZE = 4 };
	struct mv_checkpoint *chk;
	struct mv_domobj *guest;

	if (mv_test_check_flags(args->flags, SECURE | NO_DOMAIN | SIZE, "testDomainCheckpointGetXMLDesc", err) < 0)
		return -1;
	chk = find(drv, &args->checkpoint, &guest, err);
	/* Sizes need a guest that runs; nothing is ever written here, so there are none to tell. */
	if (!chk || ((args->flags & SIZE) && mv_domobj_check_active(guest, err) < 0))
		return -1;
	return mv_checkpoint_format(chk, args->flags & SECURE, !(args->flags & NO_DOMAIN), &ret->xml, err);
}

int mv_test_domain_checkpoint_delete(struct mv_driver *drv, const struct mv_domain_checkpoint_delete_args *args,
				     void *ret, struct mv_error **err)
{
	enum { CHILDREN = 1, METADATA_ONLY = 2, CHILDREN_ONLY = 4 };
	struct mv_checkpoint *chk;
	struct mv_domobj *guest;

	(void)ret;
	if (mv_test_check_flags(args->flags, CHILDREN | METADATA_ONLY | CHILDREN_ONLY, "testDomainCheckpointDelete",
				err) < 0)
		return -1;
	chk = find(drv, &args->checkpoint, &guest, err);
	if (!chk)
		return -1;
	mv_moment_delete(&guest->checkpoints, &chk->moment,
			 args->flags & CHILDREN_ONLY    ? MV_MOMENT_CHILDREN_ONLY :
				 args->flags & CHILDREN ? MV_MOMENT_WITH_CHILDREN :
							  MV_MOMENT_ALONE);
	return 0;
}
