/* Host interfaces, and transactions over them. */
#define MV_ERROR_DOMAIN MV_FROM_TEST
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/interface_def.h"
#include "engine/test/calls.h"
#include "engine/test/load.h"

struct test_interface {
	struct mv_entity object;
	struct mv_interface_def *def;
};

static void release(struct mv_entity *obj)
{
	mv_interface_def_free(((struct test_interface *)obj)->def);
}

/* Takes def, also on failure. */
static struct test_interface *add(struct mv_entity_table *table, struct mv_interface_def *def, struct mv_error **err)
{
	struct test_interface *iface = mv_entity_create(sizeof(*iface), def->name, NULL, err);

	if (!iface) {
		mv_interface_def_free(def);
		return NULL;
	}
	iface->def = def;
	iface->object.release = release;
	if (mv_entity_add(table, &iface->object, err) < 0) {
		mv_entity_unref(iface);
		return NULL;
	}
	mv_entity_unref(iface); /* the table has it */
	return iface;
}

/* A new interface, or a new definition of one that is there, whose state stays. Takes def. */
static struct test_interface *assign(struct mv_test_host *host, struct mv_interface_def *def, struct mv_error **err)
{
	struct test_interface *iface = mv_entity_by_name(&host->interfaces, def->name);

	if (!iface)
		return add(&host->interfaces, def, err);
	mv_interface_def_free(iface->def);
	iface->def = def;
	return iface;
}

int mv_test_load_interface(struct mv_test_host *host, const struct mv_test_source *source,
			   const struct mv_xml_piece *piece, struct mv_error **err)
{
	mv_autofree char *xml = mv_test_piece(source, piece, err);
	struct test_interface *iface;
	struct mv_interface_def *def;

	if (!xml || mv_interface_def_parse(xml, 0, NULL, &def, err) < 0)
		return -1;
	iface = assign(host, def, err);
	if (!iface)
		return -1;
	iface->object.active = true;
	return 0;
}

static struct test_interface *find(struct mv_driver *drv, const char *name, struct mv_error **err)
{
	struct test_interface *iface = mv_entity_by_name(&mv_test_host(drv)->interfaces, name);

	if (!iface)
		mv_error_set(err, MV_ERR_NO_INTERFACE, "no interface with matching name '%s'", name);
	return iface;
}

static int fill_ref(const struct test_interface *iface, struct mv_interface_ref *ref, struct mv_error **err)
{
	if (mv_test_copy(iface->object.name, &ref->name, err) < 0)
		return -1;
	return mv_test_copy(iface->def->mac ? iface->def->mac : "", &ref->mac, err);
}

int mv_test_connect_list_all_interfaces(struct mv_driver *drv, const struct mv_connect_list_all_interfaces_args *args,
					struct mv_connect_list_all_interfaces_ret *ret, struct mv_error **err)
{
	enum { INACTIVE = 1, ACTIVE = 2 };
	struct mv_entity_table *table = &mv_test_host(drv)->interfaces;
	uint32_t wanted = args->flags ? args->flags : INACTIVE | ACTIVE;

	if (mv_test_check_flags(args->flags, INACTIVE | ACTIVE, "testConnectListAllInterfaces", err) < 0)
		return -1;
	if (args->need_results) {
		ret->ifaces = calloc(table->count + 1, sizeof(*ret->ifaces));
		if (!ret->ifaces)
			return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a list of interfaces");
	}
	for (struct test_interface *iface = mv_entity_first(table); iface; iface = mv_entity_next(iface)) {
		if (!(wanted & (iface->object.active ? ACTIVE : INACTIVE)))
			continue;
		if (args->need_results && fill_ref(iface, &ret->ifaces[ret->n_ifaces++], err) < 0)
			return -1;
		ret->ret++;
	}
	return 0;
}

int mv_test_interface_lookup_by_name(struct mv_driver *drv, const struct mv_interface_lookup_by_name_args *args,
				     struct mv_interface_lookup_by_name_ret *ret, struct mv_error **err)
{
	struct test_interface *iface = find(drv, args->name, err);

	return iface ? fill_ref(iface, &ret->iface, err) : -1;
}

int mv_test_interface_lookup_by_mac_string(struct mv_driver *drv,
					   const struct mv_interface_lookup_by_mac_string_args *args,
					   struct mv_interface_lookup_by_mac_string_ret *ret, struct mv_error **err)
{
	struct test_interface *found = NULL;

	for (struct test_interface *iface = mv_entity_first(&mv_test_host(drv)->interfaces); iface;
	     iface = mv_entity_next(iface)) {
		if (!iface->def->mac || strcasecmp(iface->def->mac, args->mac) != 0)
			continue;
		if (found)
			return mv_error_set(err, MV_ERR_MULTIPLE_INTERFACES, "multiple matching interfaces found");
		found = iface;
	}
	if (!found)
		return mv_error_set(err, MV_ERR_NO_INTERFACE, "no interface with matching mac '%s'", args->mac);
	return fill_ref(found, &ret->iface, err);
}

int mv_test_interface_is_active(struct mv_driver *drv, const struct mv_interface_is_active_args *args,
				struct mv_interface_is_active_ret *ret, struct mv_error **err)
{
	struct test_interface *iface = find(drv, args->iface.name, err);

	if (!iface)
		return -1;
	ret->active = iface->object.active;
	return 0;
}

int mv_test_interface_get_xml_desc(struct mv_driver *drv, const struct mv_interface_get_xml_desc_args *args,
				   struct mv_interface_get_xml_desc_ret *ret, struct mv_error **err)
{
	struct test_interface *iface;

	if (mv_test_check_flags(args->flags, 0, "testInterfaceGetXMLDesc", err) < 0)
		return -1;
	iface = find(drv, args->iface.name, err);
	return iface ? mv_interface_def_format(iface->def, 0, &ret->xml, err) : -1;
}

int mv_test_interface_define_xml(struct mv_driver *drv, const struct mv_interface_define_xml_args *args,
				 struct mv_interface_define_xml_ret *ret, struct mv_error **err)
{
	enum { VALIDATE = 1 };
	struct test_interface *iface;
	struct mv_interface_def *def;

	if (mv_test_check_flags(args->flags, VALIDATE, "testInterfaceDefineXML", err) < 0 ||
	    mv_interface_def_parse(args->xml, args->flags & VALIDATE ? MV_CONF_VALIDATE : 0, NULL, &def, err) < 0)
		return -1;
	iface = assign(mv_test_host(drv), def, err);
	return iface ? fill_ref(iface, &ret->iface, err) : -1;
}

int mv_test_interface_undefine(struct mv_driver *drv, const struct mv_interface_undefine_args *args, void *ret,
			       struct mv_error **err)
{
	struct test_interface *iface = find(drv, args->iface.name, err);

	(void)ret;
	if (!iface)
		return -1;
	mv_entity_remove(&iface->object);
	return 0;
}

static int switch_to(struct mv_driver *drv, const char *name, bool active, struct mv_error **err)
{
	struct test_interface *iface = find(drv, name, err);

	if (!iface)
		return -1;
	if (iface->object.active == active)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "Requested operation is not valid");
	iface->object.active = active;
	return 0;
}

int mv_test_interface_create(struct mv_driver *drv, const struct mv_interface_create_args *args, void *ret,
			     struct mv_error **err)
{
	(void)ret;
	if (mv_test_check_flags(args->flags, 0, "testInterfaceCreate", err) < 0)
		return -1;
	return switch_to(drv, args->iface.name, true, err);
}

int mv_test_interface_destroy(struct mv_driver *drv, const struct mv_interface_destroy_args *args, void *ret,
			      struct mv_error **err)
{
	(void)ret;
	if (mv_test_check_flags(args->flags, 0, "testInterfaceDestroy", err) < 0)
		return -1;
	return switch_to(drv, args->iface.name, false, err);
}

/* --- transactions --- */

int mv_test_interface_change_begin(struct mv_driver *drv, const struct mv_interface_change_begin_args *args, void *ret,
				   struct mv_error **err)
{
	struct mv_test_host *host = mv_test_host(drv);
	struct mv_entity_table copy = { 0 };

	(void)ret;
	if (mv_test_check_flags(args->flags, 0, "testInterfaceChangeBegin", err) < 0)
		return -1;
	if (host->changing_interfaces)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "there is another transaction running.");
	for (struct test_interface *iface = mv_entity_first(&host->interfaces); iface; iface = mv_entity_next(iface)) {
		struct mv_interface_def *def = mv_interface_def_copy(iface->def, err);

		/* Whether they are active is not part of what is kept: after a rollback none is. */
		if (!def || !add(&copy, def, err)) {
			mv_entity_table_clear(&copy);
			return -1;
		}
	}
	mv_entity_table_move(&host->saved_interfaces, &copy);
	host->changing_interfaces = true;
	return 0;
}

int mv_test_interface_change_commit(struct mv_driver *drv, const struct mv_interface_change_commit_args *args,
				    void *ret, struct mv_error **err)
{
	struct mv_test_host *host = mv_test_host(drv);

	(void)ret;
	if (mv_test_check_flags(args->flags, 0, "testInterfaceChangeCommit", err) < 0)
		return -1;
	if (!host->changing_interfaces)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "no transaction running, nothing to be committed.");
	mv_entity_table_clear(&host->saved_interfaces);
	host->changing_interfaces = false;
	return 0;
}

int mv_test_interface_change_rollback(struct mv_driver *drv, const struct mv_interface_change_rollback_args *args,
				      void *ret, struct mv_error **err)
{
	struct mv_test_host *host = mv_test_host(drv);

	(void)ret;
	if (mv_test_check_flags(args->flags, 0, "testInterfaceChangeRollback", err) < 0)
		return -1;
	if (!host->changing_interfaces)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "no transaction running, nothing to rollback.");
	mv_entity_table_clear(&host->interfaces);
	mv_entity_table_move(&host->interfaces, &host->saved_interfaces);
	host->changing_interfaces = false;
	return 0;
}
