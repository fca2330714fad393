#define MV_ERROR_DOMAIN MV_FROM_DOM
#include "engine/domain/entity.h"

#include <stdlib.h>
#include <string.h>

#include "engine/conf/uuid.h"

#define FIRST_BUCKETS 16

void *mv_entity_create(size_t size, const char *name, const uint8_t uuid[16], struct mv_error **err)
{
	struct mv_entity *obj = calloc(1, size);
	char *copy = strdup(name);

	if (!obj || !copy) {
		free(obj);
		free(copy);
		mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for '%s'", name);
		return NULL;
	}
	obj->refs = 1;
	obj->name = copy;
	if (uuid)
		memcpy(obj->uuid, uuid, sizeof(obj->uuid));
	obj->id = -1;
	return obj;
}

void *mv_entity_ref(void *obj)
{
	((struct mv_entity *)obj)->refs++;
	return obj;
}

void mv_entity_unref(void *obj)
{
	struct mv_entity *o = obj;

	if (!o || --o->refs)
		return;
	if (o->release)
		o->release(o);
	free(o->name);
	free(o);
}

/* --- the three indexes --- */

static uint64_t mix(uint64_t h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	return h ^ (h >> 33);
}

static uint64_t hash_name(const char *name)
{
	uint64_t h = 0xcbf29ce484222325ULL; /* FNV-1a */

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3ULL;
	return mix(h);
}

static uint64_t hash_uuid(const uint8_t uuid[16])
{
	uint64_t half[2];

	memcpy(half, uuid, sizeof(half));
	return mix(half[0] ^ mix(half[1]));
}

static bool in_index(const struct mv_entity *obj, enum mv_entity_index index)
{
	return index == MV_ENTITY_BY_NAME || (index == MV_ENTITY_BY_UUID && !mv_uuid_is_zero(obj->uuid)) ||
		(index == MV_ENTITY_BY_ID && obj->id >= 0);
}

static struct mv_entity **bucket(const struct mv_entity_table *table, enum mv_entity_index index, uint64_t hash)
{
	return &table->buckets[index][hash & (table->bucket_count - 1)];
}

static struct mv_entity **bucket_of(const struct mv_entity *obj, enum mv_entity_index index)
{
	uint64_t hash = index == MV_ENTITY_BY_NAME ? hash_name(obj->name) :
		index == MV_ENTITY_BY_UUID         ? hash_uuid(obj->uuid) :
						     mix((uint64_t)obj->id);

	return bucket(obj->table, index, hash);
}

static void index_add(struct mv_entity *obj, enum mv_entity_index index)
{
	if (in_index(obj, index)) {
		struct mv_entity **head = bucket_of(obj, index);

		obj->chain[index] = *head;
		*head = obj;
	}
}

static void index_remove(struct mv_entity *obj, enum mv_entity_index index)
{
	if (!in_index(obj, index))
		return;
	for (struct mv_entity **at = bucket_of(obj, index); *at; at = &(*at)->chain[index]) {
		if (*at == obj) {
			*at = obj->chain[index];
			obj->chain[index] = NULL;
			return;
		}
	}
}

static int grow(struct mv_entity_table *table, struct mv_error **err)
{
	size_t count = table->bucket_count ? table->bucket_count * 2 : FIRST_BUCKETS;
	struct mv_entity **all = calloc(count * MV_ENTITY_INDEXES, sizeof(struct mv_entity *));

	if (!all)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a table of %zu objects", count);
	free(table->buckets[0]); /* one allocation holds all three */
	for (int i = 0; i < MV_ENTITY_INDEXES; i++)
		table->buckets[i] = all + count * (size_t)i;
	table->bucket_count = count;
	for (struct mv_entity *obj = table->first; obj; obj = obj->next) {
		for (int i = 0; i < MV_ENTITY_INDEXES; i++)
			index_add(obj, (enum mv_entity_index)i);
	}
	return 0;
}

/* --- table --- */

int mv_entity_add(struct mv_entity_table *table, struct mv_entity *obj, struct mv_error **err)
{
	if (table->count >= table->bucket_count && grow(table, err) < 0)
		return -1;
	obj->table = table;
	obj->prev = table->last;
	obj->next = NULL;
	*(table->last ? &table->last->next : &table->first) = obj;
	table->last = obj;
	table->count++;
	for (int i = 0; i < MV_ENTITY_INDEXES; i++)
		index_add(obj, (enum mv_entity_index)i);
	mv_entity_ref(obj);
	return 0;
}

void mv_entity_remove(struct mv_entity *obj)
{
	struct mv_entity_table *table = obj->table;

	if (!table)
		return;
	for (int i = 0; i < MV_ENTITY_INDEXES; i++)
		index_remove(obj, (enum mv_entity_index)i);
	*(obj->prev ? &obj->prev->next : &table->first) = obj->next;
	*(obj->next ? &obj->next->prev : &table->last) = obj->prev;
	table->count--;
	obj->prev = obj->next = NULL;
	obj->table = NULL;
	mv_entity_unref(obj);
}

void mv_entity_table_clear(struct mv_entity_table *table)
{
	while (table->first)
		mv_entity_remove(table->first);
	free(table->buckets[0]);
	*table = (struct mv_entity_table){ 0 };
}

void mv_entity_table_move(struct mv_entity_table *to, struct mv_entity_table *from)
{
	*to = *from;
	*from = (struct mv_entity_table){ 0 };
	for (struct mv_entity *obj = to->first; obj; obj = obj->next)
		obj->table = to;
}

void *mv_entity_by_name(const struct mv_entity_table *table, const char *name)
{
	if (!table->count)
		return NULL;
	for (struct mv_entity *o = *bucket(table, MV_ENTITY_BY_NAME, hash_name(name)); o;
	     o = o->chain[MV_ENTITY_BY_NAME]) {
		if (strcmp(o->name, name) == 0)
			return o;
	}
	return NULL;
}

void *mv_entity_by_uuid(const struct mv_entity_table *table, const uint8_t uuid[16])
{
	if (!table->count || mv_uuid_is_zero(uuid))
		return NULL;
	for (struct mv_entity *o = *bucket(table, MV_ENTITY_BY_UUID, hash_uuid(uuid)); o;
	     o = o->chain[MV_ENTITY_BY_UUID]) {
		if (memcmp(o->uuid, uuid, sizeof(o->uuid)) == 0)
			return o;
	}
	return NULL;
}

void *mv_entity_by_id(const struct mv_entity_table *table, int id)
{
	if (!table->count || id < 0)
		return NULL;
	for (struct mv_entity *o = *bucket(table, MV_ENTITY_BY_ID, mix((uint64_t)id)); o;
	     o = o->chain[MV_ENTITY_BY_ID]) {
		if (o->id == id)
			return o;
	}
	return NULL;
}

void mv_entity_set_id(struct mv_entity *obj, int id)
{
	if (obj->table)
		index_remove(obj, MV_ENTITY_BY_ID);
	obj->id = id;
	if (obj->table)
		index_add(obj, MV_ENTITY_BY_ID);
}

int mv_entity_rename(struct mv_entity *obj, const char *name, struct mv_error **err)
{
	char *copy = strdup(name);

	if (!copy)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for '%s'", name);
	if (obj->table)
		index_remove(obj, MV_ENTITY_BY_NAME);
	free(obj->name);
	obj->name = copy;
	if (obj->table)
		index_add(obj, MV_ENTITY_BY_NAME);
	return 0;
}

void *mv_entity_first(const struct mv_entity_table *table)
{
	return table->first;
}

void *mv_entity_next(const void *obj)
{
	return ((const struct mv_entity *)obj)->next;
}

int mv_entity_check_new(const struct mv_entity_table *table, const char *kind, int from, const char *name,
			const uint8_t uuid[16], bool live, void *existing, struct mv_error **err)
{
	struct mv_entity *same = mv_entity_by_uuid(table, uuid);
	char text[MV_UUID_TEXT];

	*(struct mv_entity **)existing = same;
	if (same) {
		if (strcmp(same->name, name) != 0)
			return mv_error_set_full(err, from, MV_ERR_OPERATION_FAILED, 0,
						 "%s '%s' is already defined with uuid %s", kind, same->name,
						 mv_uuid_format(same->uuid, text));
		if (live && same->active && from == MV_FROM_DOM)
			return mv_error_set_full(err, from, MV_ERR_OPERATION_INVALID, 0, "%s '%s' is already active",
						 kind, same->name);
		if (live && same->active)
			return mv_error_set_full(err, from, MV_ERR_OPERATION_INVALID, 0, "%s is already active as '%s'",
						 kind, same->name);
		return 0;
	}
	same = mv_entity_by_name(table, name);
	if (same)
		return mv_error_set_full(err, from, MV_ERR_OPERATION_FAILED, 0, "%s '%s' already exists with uuid %s",
					 kind, name, mv_uuid_format(same->uuid, text));
	return 0;
}
