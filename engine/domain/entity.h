/* Tables of named objects: guests, networks, pools, interfaces, node devices, ... of one host. An object's own
 * structure begins with struct mv_entity. Lookup by name, UUID and id is hashed; iteration is in the order of addition.
 * References are counted; all belongs to the thread of the connections that use the table. */
#ifndef MV_DOMAIN_ENTITY_H
#define MV_DOMAIN_ENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum mv_entity_index { MV_ENTITY_BY_NAME, MV_ENTITY_BY_UUID, MV_ENTITY_BY_ID, MV_ENTITY_INDEXES };

struct mv_entity {
	unsigned refs;
	void (*release)(
		struct mv_entity *obj); /* frees what the object's structure owns, not the structure; may be NULL */
	char *name;
	uint8_t uuid[16]; /* all zero: the kind has none, and is not found by it */
	int id;           /* -1: none. Changed by mv_entity_set_id() only */
	bool active;
	bool persistent;
	bool autostart;

	/* The table's own. */
	struct mv_entity_table *table; /* NULL: in none (any more) */
	struct mv_entity *prev, *next; /* order of addition */
	struct mv_entity *chain[MV_ENTITY_INDEXES];
};

/* All zero is an empty table. */
struct mv_entity_table {
	struct mv_entity *first, *last;
	size_t count;
	struct mv_entity **buckets[MV_ENTITY_INDEXES];
	size_t bucket_count; /* a power of two, or 0 */
};

/* Allocates `size` bytes (the object's structure), zeroed, with one reference, a copy of name, and id -1. uuid may be
 * NULL. NULL with *err. */
void *mv_entity_create(size_t size, const char *name, const uint8_t uuid[16], struct mv_error **err);
void *mv_entity_ref(void *obj);
void mv_entity_unref(void *obj); /* accepts NULL */

/* Takes a reference. The object is in no table yet; its name and UUID are in none of this table's objects (see
 * mv_entity_check_new()). */
int mv_entity_add(struct mv_entity_table *table, struct mv_entity *obj, struct mv_error **err);
/* Drops the table's reference. Nothing happens to an object that is in no table. */
void mv_entity_remove(struct mv_entity *obj);
void mv_entity_table_clear(struct mv_entity_table *table);
/* `to`, an empty table, gets all that `from` has. */
void mv_entity_table_move(struct mv_entity_table *to, struct mv_entity_table *from);

/* Borrowed, or NULL. */
void *mv_entity_by_name(const struct mv_entity_table *table, const char *name);
void *mv_entity_by_uuid(const struct mv_entity_table *table, const uint8_t uuid[16]);
void *mv_entity_by_id(const struct mv_entity_table *table, int id); /* id >= 0 */

void mv_entity_set_id(struct mv_entity *obj, int id);
int mv_entity_rename(struct mv_entity *obj, const char *name, struct mv_error **err); /* the name is free */

/* for (struct x *x = mv_entity_first(t); x; x = mv_entity_next(x)): the loop may not remove x itself. */
void *mv_entity_first(const struct mv_entity_table *table);
void *mv_entity_next(const void *obj);

/* What libvirt checks before a definition may become a (new or changed) object: the same UUID needs the same name, the
 * same name the same UUID. With `live` (a transient one is created) the object may not be active either. *existing: the
 * object that the definition belongs to (borrowed), or NULL: a new one. `kind` is the word for messages ("domain"),
 * `from` the error domain (MV_FROM_DOM). Errors: MV_ERR_OPERATION_FAILED, MV_ERR_OPERATION_INVALID. */
int mv_entity_check_new(const struct mv_entity_table *table, const char *kind, int from, const char *name,
			const uint8_t uuid[16], bool live, void *existing, struct mv_error **err);

#endif
