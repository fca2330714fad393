/* Tables of named objects, and trees of moments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/domain/entity.h"
#include "engine/domain/moment.h"

#define MANY 10000

static unsigned released;

static void count_release(struct mv_entity *obj)
{
	(void)obj;
	released++;
}

static struct mv_entity *make(const char *name, unsigned number)
{
	uint8_t uuid[16] = { (uint8_t)number, (uint8_t)(number >> 8), 1 };
	struct mv_entity *obj = mv_entity_create(sizeof(struct mv_entity), name, uuid, NULL);

	assert_non_null(obj);
	obj->release = count_release;
	return obj;
}

static void table(void **state)
{
	struct mv_entity_table t = { 0 };
	uint8_t uuid[16] = { 0x10, 0, 1 };
	char name[16];
	unsigned count = 0;

	(void)state;
	released = 0;
	assert_null(mv_entity_by_name(&t, "x"));
	assert_null(mv_entity_by_uuid(&t, uuid));
	assert_null(mv_entity_by_id(&t, 0));
	assert_null(mv_entity_first(&t));
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "g%u", i);
		struct mv_entity *obj = make(name, i);
		assert_int_equal(mv_entity_add(&t, obj, NULL), 0);
		if (i % 2)
			mv_entity_set_id(obj, (int)i);
		mv_entity_unref(obj);
	}
	assert_int_equal(t.count, MANY);
	for (struct mv_entity *obj = mv_entity_first(&t); obj; obj = mv_entity_next(obj)) {
		snprintf(name, sizeof(name), "g%u", count);
		assert_string_equal(obj->name, name);
		assert_ptr_equal(mv_entity_by_name(&t, name), obj);
		assert_ptr_equal(mv_entity_by_uuid(&t, obj->uuid), obj);
		assert_ptr_equal(mv_entity_by_id(&t, (int)count), count % 2 ? obj : NULL);
		count++;
	}
	assert_int_equal(count, MANY);

	struct mv_entity *kept = mv_entity_ref(mv_entity_by_uuid(&t, uuid));
	assert_string_equal(kept->name, "g16");
	mv_entity_set_id(kept, 3); /* ids may meet while one guest stops and another starts */
	mv_entity_set_id(kept, -1);
	assert_string_equal(((struct mv_entity *)mv_entity_by_id(&t, 3))->name, "g3");
	assert_int_equal(mv_entity_rename(kept, "renamed", NULL), 0);
	assert_null(mv_entity_by_name(&t, "g16"));
	assert_ptr_equal(mv_entity_by_name(&t, "renamed"), kept);
	mv_entity_remove(kept);
	mv_entity_remove(kept);
	assert_null(kept->table);
	assert_null(mv_entity_by_name(&t, "renamed"));
	assert_null(mv_entity_by_uuid(&t, uuid));
	assert_int_equal(t.count, MANY - 1);
	assert_int_equal(released, 0);
	mv_entity_unref(kept);
	assert_int_equal(released, 1);
	mv_entity_remove(mv_entity_first(&t));
	mv_entity_table_clear(&t);
	assert_int_equal(released, MANY);
	assert_int_equal(t.count, 0);
	mv_entity_unref(NULL);
}

static void without_uuid(void **state)
{
	struct mv_entity_table t = { 0 };
	struct mv_entity *a = mv_entity_create(sizeof(*a), "eth0", NULL, NULL);
	struct mv_entity *b = mv_entity_create(sizeof(*b), "eth1", NULL, NULL);

	(void)state;
	assert_int_equal(mv_entity_add(&t, a, NULL), 0);
	assert_int_equal(mv_entity_add(&t, b, NULL), 0);
	assert_null(mv_entity_by_uuid(&t, a->uuid));
	assert_ptr_equal(mv_entity_by_name(&t, "eth1"), b);
	mv_entity_table_clear(&t);
	mv_entity_unref(a);
	mv_entity_unref(b);
}

static void check(struct mv_entity_table *t, const char *name, unsigned number, bool live, const char *message)
{
	uint8_t uuid[16] = { (uint8_t)number, (uint8_t)(number >> 8), 1 };
	struct mv_entity *existing;
	mv_auto(mv_error) err = NULL;
	int ret = mv_entity_check_new(t, "domain", MV_FROM_DOM, name, uuid, live, &existing, &err);

	if (message) {
		assert_int_equal(ret, -1);
		assert_string_equal(err->message, message);
	} else {
		assert_int_equal(ret, 0);
		assert_ptr_equal(existing, mv_entity_by_uuid(t, uuid));
	}
}

static void check_new(void **state)
{
	struct mv_entity_table t = { 0 };
	struct mv_entity *obj = make("one", 1);

	(void)state;
	assert_int_equal(mv_entity_add(&t, obj, NULL), 0);
	check(&t, "two", 2, true, NULL);
	check(&t, "one", 1, true, NULL);
	check(&t, "two", 1, false, "domain 'one' is already defined with uuid 01000100-0000-0000-0000-000000000000");
	check(&t, "one", 2, false, "domain 'one' already exists with uuid 01000100-0000-0000-0000-000000000000");
	obj->active = true;
	check(&t, "one", 1, false, NULL);
	check(&t, "one", 1, true, "domain 'one' is already active");
	mv_entity_table_clear(&t);
	mv_entity_unref(obj);
}

/* --- moments --- */

static struct mv_moment *moment(struct mv_moment_tree *tree, const char *name, const char *parent)
{
	struct mv_moment *m = mv_entity_create(sizeof(*m), name, NULL, NULL);

	assert_non_null(m);
	m->object.release = count_release;
	assert_int_equal(mv_moment_add(tree, m, parent ? mv_moment_by_name(tree, parent) : NULL, NULL), 0);
	mv_entity_unref(m);
	return m;
}

/* a
 * +- b
 * |  +- d
 * |  +- e
 * +- c
 * f */
static void plant(struct mv_moment_tree *tree)
{
	*tree = (struct mv_moment_tree){ 0 };
	moment(tree, "a", NULL);
	moment(tree, "b", "a");
	moment(tree, "c", "a");
	moment(tree, "f", NULL);
	moment(tree, "d", "b");
	tree->current = moment(tree, "e", "b");
}

static void names(const struct mv_moment_tree *tree, const struct mv_moment_filter *filter, const char *expected)
{
	mv_autofree struct mv_moment **list = NULL;
	char text[64] = "";
	int count = mv_moment_list(tree, filter, &list, NULL);

	assert_int_equal(mv_moment_list(tree, filter, NULL, NULL), count);
	for (int i = 0; i < count; i++)
		strcat(text, list[i]->object.name);
	assert_string_equal(text, expected);
}

static bool not_d(const struct mv_moment *m, const void *opaque)
{
	return strcmp(m->object.name, opaque) != 0;
}

static void lists(void **state)
{
	struct mv_moment_tree tree;

	(void)state;
	plant(&tree);
	const struct mv_moment *b = mv_moment_by_name(&tree, "b");
	const struct mv_moment *a = mv_moment_by_name(&tree, "a");
	names(&tree, &(struct mv_moment_filter){ 0 }, "facbed");
	names(&tree, &(struct mv_moment_filter){ .near = true }, "fa");
	names(&tree, &(struct mv_moment_filter){ .leaves = true }, "fced");
	names(&tree, &(struct mv_moment_filter){ .inner = true }, "ab");
	names(&tree, &(struct mv_moment_filter){ .inner = true, .leaves = true }, "");
	names(&tree, &(struct mv_moment_filter){ .from = a }, "cbed");
	names(&tree, &(struct mv_moment_filter){ .from = a, .near = true }, "cb");
	names(&tree, &(struct mv_moment_filter){ .from = b }, "ed");
	names(&tree, &(struct mv_moment_filter){ .from = mv_moment_by_name(&tree, "f") }, "");
	names(&tree, &(struct mv_moment_filter){ .match = not_d, .opaque = "d" }, "facbe");
	assert_int_equal(mv_moment_child_count(a), 2);
	assert_int_equal(mv_moment_descendant_count(a), 4);
	assert_int_equal(mv_moment_descendant_count(b), 2);
	assert_true(mv_moment_descends(b, a));
	assert_true(mv_moment_descends(a, a));
	assert_false(mv_moment_descends(a, b));
	mv_moment_clear(&tree);
	assert_int_equal(mv_moment_count(&tree), 0);
}

static void deletes(void **state)
{
	struct mv_moment_tree tree;

	(void)state;
	plant(&tree);
	mv_moment_delete(&tree, mv_moment_by_name(&tree, "b"), MV_MOMENT_ALONE);
	names(&tree, &(struct mv_moment_filter){ 0 }, "faedc");
	assert_string_equal(tree.current->object.name, "e");
	mv_moment_delete(&tree, tree.current, MV_MOMENT_ALONE);
	assert_string_equal(tree.current->object.name, "a");
	mv_moment_delete(&tree, tree.current, MV_MOMENT_ALONE); /* a root: its children become roots */
	names(&tree, &(struct mv_moment_filter){ .near = true }, "dcf");
	assert_null(tree.current);
	mv_moment_clear(&tree);

	plant(&tree);
	mv_moment_delete(&tree, mv_moment_by_name(&tree, "a"), MV_MOMENT_CHILDREN_ONLY);
	names(&tree, &(struct mv_moment_filter){ 0 }, "fa");
	assert_string_equal(tree.current->object.name, "a");
	mv_moment_clear(&tree);

	plant(&tree);
	mv_moment_delete(&tree, mv_moment_by_name(&tree, "b"), MV_MOMENT_WITH_CHILDREN);
	names(&tree, &(struct mv_moment_filter){ 0 }, "fac");
	assert_string_equal(tree.current->object.name, "a");
	mv_moment_move(&tree, mv_moment_by_name(&tree, "f"), mv_moment_by_name(&tree, "c"));
	mv_moment_move(&tree, mv_moment_by_name(&tree, "f"), mv_moment_by_name(&tree, "c"));
	names(&tree, &(struct mv_moment_filter){ .near = true }, "a");
	mv_moment_clear(&tree);
}

static void deep(void **state)
{
	struct mv_moment_tree tree = { 0 };
	char name[16], parent[16];

	(void)state;
	released = 0;
	moment(&tree, "m0", NULL);
	for (int i = 1; i < MANY; i++) {
		snprintf(parent, sizeof(parent), "m%d", i - 1);
		snprintf(name, sizeof(name), "m%d", i);
		moment(&tree, name, parent);
	}
	assert_int_equal(mv_moment_descendant_count(mv_moment_by_name(&tree, "m0")), MANY - 1);
	mv_moment_delete(&tree, mv_moment_by_name(&tree, "m0"), MV_MOMENT_ALONE);
	assert_int_equal(mv_moment_list(&tree, &(struct mv_moment_filter){ .leaves = true }, NULL, NULL), 1);
	mv_moment_clear(&tree);
	assert_int_equal(released, MANY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table), cmocka_unit_test(without_uuid), cmocka_unit_test(check_new),
		cmocka_unit_test(lists), cmocka_unit_test(deletes),      cmocka_unit_test(deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
