/* Guests with XML definitions: which definition counts when, and their snapshots and checkpoints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/domain_disks_def.h"
#include "engine/domain/abi.h"
#include "engine/domain/checkpoint.h"
#include "engine/domain/disks.h"
#include "engine/domain/domobj.h"
#include "engine/domain/snapshot.h"

#define UUID "6695eb01-f6a4-8304-79aa-97f2502e1931"

static const struct mv_domain_rules rules = { .arch = MV_ARCH_I686 };

static struct mv_domain_def *parse(const char *title, unsigned memory)
{
	struct mv_domain_def *def;
	mv_autofree char *xml = NULL;

	assert_true(
		asprintf(
			&xml,
			"<domain type='test'><name>g</name><uuid>" UUID "</uuid><title>%s</title>"
			"<memory>%u</memory><vcpu>2</vcpu><os><type>hvm</type></os><devices>"
			"<disk type='file' device='disk'><source file='/a.img'/><target dev='vda' bus='virtio'/></disk>"
			"<disk type='block' device='disk'><source dev='/dev/b'/><target dev='vdb' bus='virtio'/></disk>"
			"<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk>"
			"</devices></domain>",
			title, memory) > 0);
	assert_int_equal(mv_domain_def_parse(xml, 0, NULL, &def, NULL), 0);
	return def;
}

static struct mv_domobj *create(struct mv_entity_table *table, bool persistent)
{
	struct mv_domobj *guest = mv_domobj_create(sizeof(*guest), parse("one", 1000), NULL);

	assert_non_null(guest);
	guest->object.persistent = persistent;
	assert_int_equal(mv_entity_add(table, &guest->object, NULL), 0);
	mv_entity_unref(guest);
	return guest;
}

static void definitions(void **state)
{
	struct mv_entity_table table = { 0 };
	struct mv_domobj *guest = create(&table, true);
	struct mv_domain_def *live, *config;
	mv_auto(mv_error) err = NULL;
	bool is_live;

	(void)state;
	assert_int_equal(guest->state, MV_DOMAIN_SHUTOFF);
	assert_int_equal(mv_domobj_check_active(guest, &err), -1);
	assert_string_equal(err->message, "domain is not running");
	assert_int_equal(mv_domobj_defs(guest, MV_AFFECT_CURRENT, &live, &config, NULL), 0);
	assert_null(live);
	assert_ptr_equal(config, guest->def);
	assert_int_equal(mv_domobj_defs(guest, MV_AFFECT_LIVE, &live, &config, NULL), -1);

	assert_int_equal(mv_domobj_start(guest, 7, MV_RUNNING_BOOTED, NULL), 0);
	assert_ptr_equal(mv_entity_by_id(&table, 7), guest);
	assert_int_equal(mv_domobj_defs(guest, MV_AFFECT_LIVE | MV_AFFECT_CONFIG, &live, &config, NULL), 0);
	assert_ptr_equal(live, guest->def);
	assert_ptr_equal(config, guest->next);
	assert_ptr_not_equal(live, config);
	assert_ptr_equal(mv_domobj_one_def(guest, 0, &is_live, NULL), live);
	assert_true(is_live);
	assert_ptr_equal(mv_domobj_one_def(guest, MV_AFFECT_CONFIG, &is_live, NULL), config);
	assert_false(is_live);
	assert_null(mv_domobj_one_def(guest, MV_AFFECT_LIVE | MV_AFFECT_CONFIG, NULL, NULL));

	/* A new definition waits for the next start; what was changed of the running guest is forgotten. */
	mv_domobj_assign(guest, parse("two", 1000), false);
	assert_string_equal(guest->def->title, "one");
	guest->def->current_memory = 5;
	mv_domobj_stop(guest, MV_SHUTOFF_DESTROYED);
	assert_string_equal(guest->def->title, "two");
	assert_int_equal(guest->def->current_memory, 1000);
	assert_null(guest->next);
	assert_null(mv_entity_by_id(&table, 7));
	assert_int_equal(guest->object.id, -1);
	mv_domobj_drop_transient(guest);
	assert_int_equal(table.count, 1);

	/* Started with another definition once: its own comes back. */
	mv_domobj_assign(guest, parse("once", 1000), true);
	assert_int_equal(mv_domobj_start(guest, 8, MV_RUNNING_BOOTED, NULL), 0);
	assert_string_equal(guest->def->title, "once");
	assert_string_equal(mv_domobj_config(guest)->title, "two");
	mv_domobj_stop(guest, MV_SHUTOFF_SHUTDOWN);
	assert_string_equal(guest->def->title, "two");
	mv_entity_table_clear(&table);
}

static void transient(void **state)
{
	struct mv_entity_table table = { 0 };
	struct mv_domobj *guest = create(&table, false);
	struct mv_domain_def *live, *config;
	mv_auto(mv_error) err = NULL;

	(void)state;
	assert_int_equal(mv_domobj_start(guest, 1, MV_RUNNING_BOOTED, NULL), 0);
	assert_null(guest->next);
	assert_int_equal(mv_domobj_defs(guest, MV_AFFECT_CONFIG, &live, &config, &err), -1);
	assert_string_equal(err->message, "transient domains do not have any persistent config");
	mv_domobj_drop_transient(guest);
	assert_int_equal(table.count, 1);
	mv_domobj_stop(guest, MV_SHUTOFF_CRASHED);
	mv_domobj_drop_transient(guest);
	assert_int_equal(table.count, 0);
	mv_entity_table_clear(&table);
}

static void disks(void **state)
{
	struct mv_domain_def *def = parse("x", 1000), *other = parse("x", 2000);
	mv_auto(mv_error) err = NULL;

	(void)state;
	assert_string_equal(mv_disk_path(def->devices.disks[0]), "/a.img");
	assert_ptr_equal(mv_domain_disk_find(def, "vdb"), def->devices.disks[1]);
	assert_ptr_equal(mv_domain_disk_find(def, "/dev/b"), def->devices.disks[1]);
	assert_null(mv_domain_disk_find(def, "vdc"));
	assert_true(mv_disk_is_empty(def->devices.disks[2]));
	assert_false(mv_disk_is_empty(def->devices.disks[0]));
	assert_int_equal(mv_domain_check_abi(def, def, NULL), 0);
	assert_int_equal(mv_domain_check_abi(def, other, &err), -1);
	assert_string_equal(err->message, "Target domain max memory 2000 does not match source 1000");
	mv_domain_def_free(def);
	mv_domain_def_free(other);
}

/* Fails with that message, or works when it is NULL. */
static struct mv_snapshot *snapshot(struct mv_domobj *guest, const char *xml, unsigned flags, const char *message)
{
	struct mv_snapshot *snap = NULL;
	mv_auto(mv_error) err = NULL;
	int ret = mv_snapshot_create(guest, &rules, xml, flags, &snap, &err);

	if (message) {
		assert_int_equal(ret, -1);
		assert_string_equal(err->message, message);
		return NULL;
	}
	assert_int_equal(ret, 0);
	return snap;
}

#define SNAPSHOT(name, more) "<domainsnapshot><name>" name "</name>" more "</domainsnapshot>"
#define KEPT(state) "<state>" state "</state><creationTime>5</creationTime>"
#define PARENT(name) "<parent><name>" name "</name></parent>"
#define DOMAIN(uuid) \
	"<domain type='test'><name>g</name><uuid>" uuid "</uuid><memory>1</memory><os><type>hvm</type></os></domain>"

static void snapshots(void **state)
{
	struct mv_entity_table table = { 0 };
	struct mv_domobj *guest = create(&table, true);
	struct mv_snapshot *a, *b;
	mv_autofree char *xml = NULL;

	(void)state;
	a = snapshot(guest, SNAPSHOT("a", ""), 0, NULL);
	assert_int_equal(a->def->state, MV_SNAPSHOT_STATE_SHUTOFF);
	assert_int_equal(a->def->memory.snapshot, MV_SNAPSHOT_LOCATION_NO);
	assert_int_equal(a->def->disks.n_disks, 3);
	assert_int_equal(a->def->disks.disks[0]->snapshot, MV_SNAPSHOT_LOCATION_INTERNAL);
	assert_int_equal(a->def->disks.disks[2]->snapshot, MV_SNAPSHOT_LOCATION_NO); /* an empty drive */
	assert_int_equal(mv_domobj_start(guest, 1, MV_RUNNING_BOOTED, NULL), 0);
	b = snapshot(guest, SNAPSHOT("b", "<disks><disk name='/dev/b'/></disks>"), 0, NULL);
	assert_ptr_equal(b->moment.parent, a);
	assert_ptr_equal(guest->snapshots.current, b);
	assert_int_equal(b->def->state, MV_SNAPSHOT_STATE_RUNNING);
	assert_int_equal(b->def->memory.snapshot, MV_SNAPSHOT_LOCATION_INTERNAL);
	assert_string_equal(b->def->disks.disks[1]->name, "vdb"); /* by its target, in the guest's order */
	assert_int_equal(mv_snapshot_format(guest, b, false, &xml, NULL), 0);
	assert_non_null(strstr(xml, "<parent>\n    <name>a</name>\n  </parent>"));
	assert_non_null(strstr(xml, "<title>one</title>"));
	assert_int_equal(mv_snapshot_list(guest, NULL, 0, NULL, NULL), 2);
	assert_int_equal(mv_snapshot_list(guest, NULL, MV_SNAPSHOT_LIST_INACTIVE, NULL, NULL), 1);
	assert_int_equal(mv_snapshot_list(guest, NULL, MV_SNAPSHOT_LIST_ROOTS, NULL, NULL), 1);
	assert_int_equal(mv_snapshot_list(guest, a, 0, NULL, NULL), 1);
	assert_int_equal(mv_snapshot_list(guest, NULL, MV_SNAPSHOT_LIST_EXTERNAL, NULL, NULL), 0);
	assert_int_equal(mv_snapshot_list(guest, NULL, MV_SNAPSHOT_LIST_NO_METADATA, NULL, NULL), 0);

	snapshot(guest, SNAPSHOT("b", ""), 0, "domain moment b already exists");
	snapshot(guest, SNAPSHOT("c", "<disks><disk name='vdx'/></disks>"), 0, "no disk named 'vdx'");
	snapshot(guest, SNAPSHOT("c", "<disks><disk name='vda'/><disk name='/a.img'/></disks>"), 0,
		 "disk 'vda' specified twice");
	snapshot(guest, SNAPSHOT("c", "<disks><disk name='vda' snapshot='external'/></disks>"), 0,
		 "disk 'vda' must use snapshot mode 'internal'");
	snapshot(guest,
		 SNAPSHOT("c", "<disks><disk name='a'/><disk name='b'/><disk name='c'/><disk name='d'/></disks>"), 0,
		 "too many disk snapshot requests for domain");
	snapshot(guest, SNAPSHOT("c", "<disks><disk name='vda' snapshot='external'/></disks>"),
		 MV_SNAPSHOT_CREATE_DISK_ONLY,
		 "source for disk 'vda' is not a regular file; refusing to generate external snapshot name");
	assert_int_equal(mv_moment_count(&guest->snapshots), 2);
	assert_null(mv_snapshot_find(guest, "c", NULL));
	mv_entity_table_clear(&table);
}

static void redefined_snapshots(void **state)
{
	const unsigned again = MV_SNAPSHOT_CREATE_REDEFINE;
	struct mv_entity_table table = { 0 };
	struct mv_domobj *guest = create(&table, true);
	struct mv_snapshot *a, *b;

	(void)state;
	snapshot(guest, "<domainsnapshot/>", again, "a redefined snapshot must have a name");
	snapshot(guest, SNAPSHOT("a", "<state>shutoff</state>"), again, "missing creationTime from existing snapshot");
	snapshot(guest, SNAPSHOT("a", "<creationTime>5</creationTime>"), again, "missing state from existing snapshot");
	snapshot(guest, SNAPSHOT("a", KEPT("shutoff")), again, "missing domain in snapshot");
	snapshot(guest, SNAPSHOT("a", KEPT("shutoff") PARENT("a") DOMAIN(UUID)), again,
		 "cannot set moment a as its own parent");
	snapshot(guest, SNAPSHOT("a", KEPT("shutoff") PARENT("x") DOMAIN(UUID)), again,
		 "parent x for moment a not found");
	snapshot(guest, SNAPSHOT("a", KEPT("shutoff") DOMAIN("6695eb01-f6a4-8304-79aa-97f2502e1999")), again,
		 "definition for snapshot a must use uuid " UUID);
	a = snapshot(guest, SNAPSHOT("a", KEPT("shutoff") DOMAIN(UUID)), again, NULL);
	assert_null(guest->snapshots.current);
	b = snapshot(guest, SNAPSHOT("b", KEPT("running") PARENT("a") DOMAIN(UUID)), again | MV_SNAPSHOT_CREATE_CURRENT,
		     NULL);
	assert_ptr_equal(guest->snapshots.current, b);
	assert_ptr_equal(b->moment.parent, a);
	snapshot(guest, SNAPSHOT("a", KEPT("shutoff") PARENT("b")), again, "parent b would create cycle to a");
	snapshot(guest, SNAPSHOT("a", KEPT("running")), again,
		 "cannot change between online and offline snapshot state in snapshot a");
	/* Without a domain it keeps that which it had; without a parent it becomes a root. */
	assert_ptr_equal(snapshot(guest, SNAPSHOT("b", KEPT("paused")), again, NULL), b);
	assert_non_null(b->def->domain);
	assert_null(b->moment.parent);
	assert_int_equal(b->def->state, MV_SNAPSHOT_STATE_PAUSED);
	mv_entity_table_clear(&table);
}

static struct mv_checkpoint *checkpoint(struct mv_domobj *guest, const char *xml, unsigned flags, const char *message)
{
	struct mv_checkpoint *chk = NULL;
	mv_auto(mv_error) err = NULL;
	int ret = mv_checkpoint_create(guest, xml, flags, &chk, &err);

	if (message) {
		assert_int_equal(ret, -1);
		assert_string_equal(err->message, message);
		return NULL;
	}
	assert_int_equal(ret, 0);
	return chk;
}

#define CHECKPOINT(name, more) "<domaincheckpoint><name>" name "</name>" more "</domaincheckpoint>"

static void checkpoints(void **state)
{
	struct mv_entity_table table = { 0 };
	struct mv_domobj *guest = create(&table, true);
	struct mv_checkpoint *a, *b;
	mv_autofree char *with = NULL, *without = NULL;

	(void)state;
	a = checkpoint(guest, CHECKPOINT("a", ""), 0, NULL);
	assert_int_equal(a->def->disks.n_disks, 3);
	assert_string_equal(a->def->disks.disks[0]->bitmap, "a");
	assert_int_equal(a->def->disks.disks[2]->checkpoint, MV_CHECKPOINT_TYPE_NO);
	b = checkpoint(guest, CHECKPOINT("b", "<disks><disk name='vdb' bitmap='m'/></disks>"), 0, NULL);
	assert_ptr_equal(b->moment.parent, a);
	assert_string_equal(b->def->disks.disks[1]->bitmap, "m");
	assert_int_equal(b->def->disks.disks[0]->checkpoint, MV_CHECKPOINT_TYPE_NO); /* others were asked for */
	checkpoint(guest, CHECKPOINT("c", "<disks><disk name='hdc'/></disks>"), 0, "disk 'hdc' is empty or readonly");
	checkpoint(guest, CHECKPOINT("c", "<disks><disk name='vdx'/></disks>"), 0, "no disk named 'vdx'");
	checkpoint(guest, CHECKPOINT("a", ""), 0, "domain moment a already exists");
	checkpoint(guest, "<domaincheckpoint/>", MV_CHECKPOINT_CREATE_REDEFINE,
		   "a redefined checkpoint must have a name");
	checkpoint(guest, CHECKPOINT("a", "<creationTime>5</creationTime>" PARENT("b")), MV_CHECKPOINT_CREATE_REDEFINE,
		   "parent b would create cycle to a");
	assert_int_equal(mv_checkpoint_format(b, false, true, &with, NULL), 0);
	assert_int_equal(mv_checkpoint_format(b, false, false, &without, NULL), 0);
	assert_non_null(strstr(with, "<domain type='test'>"));
	assert_null(strstr(without, "<domain type='test'>"));
	assert_int_equal(mv_checkpoint_list(guest, NULL, 0, NULL, NULL), 2);
	assert_int_equal(mv_checkpoint_list(guest, NULL, MV_CHECKPOINT_LIST_LEAVES, NULL, NULL), 1);
	mv_entity_table_clear(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(definitions), cmocka_unit_test(transient),           cmocka_unit_test(disks),
		cmocka_unit_test(snapshots),   cmocka_unit_test(redefined_snapshots), cmocka_unit_test(checkpoints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
