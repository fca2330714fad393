/* Structures that the tables describe: made, copied, freed. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include <stdlib.h>
#include <string.h>

#include "engine/conf/schema.h"

static int no_memory(struct mv_error **err)
{
	return mv_error_set(err, MV_ERR_NO_MEMORY, "There is no memory left for the configuration.");
}

static void *at(const void *def, size_t offset)
{
	return (char *)def + offset;
}

static bool is_text(const struct mv_conf_member *m)
{
	return m->type >= MV_CONF_T_STRING && m->type <= MV_CONF_T_IP;
}

/* --- free ------------------------------------------------------------------------------------------------------ */

static void free_item(const struct mv_conf_member *m, void *item)
{
	for (unsigned i = 0; item && i < m->n_alternatives; i++) {
		const struct mv_conf_alternative *a = &m->alternatives[i];

		mv_conf_free(a->desc, *(void **)at(item, a->offset));
	}
	free(item);
}

static void free_list(const struct mv_conf_member *m, void *def)
{
	void **list = at(def, m->offset);
	size_t *count = at(def, m->count_offset);

	for (size_t i = 0; i < *count; i++) {
		if (m->kind == MV_CONF_STRUCT)
			mv_conf_free(m->desc, ((void **)*list)[i]);
		else if (m->kind == MV_CONF_CHOICE)
			free_item(m, ((void **)*list)[i]);
		else if (is_text(m))
			free(((char **)*list)[i]);
	}
	free(*list);
	*list = NULL;
	*count = 0;
}

static void free_members(const struct mv_conf_desc *desc, void *def)
{
	for (unsigned i = 0; i < desc->n_owners; i++) {
		const struct mv_conf_member *m = &desc->members[desc->owners[i]];
		void *member = at(def, m->offset);

		if (m->flags & MV_CONF_LIST)
			free_list(m, def);
		else if (m->kind != MV_CONF_STRUCT)
			free(*(char **)member);
		else if (m->flags & MV_CONF_POINTER)
			mv_conf_free(m->desc, *(void **)member);
		else if (*(bool *)member)
			free_members(m->desc, member);
	}
}

void mv_conf_clear(const struct mv_conf_desc *desc, void *def)
{
	free_members(desc, def);
	memset(def, 0, desc->size);
}

void mv_conf_free(const struct mv_conf_desc *desc, void *def)
{
	if (!def)
		return;
	free_members(desc, def);
	free(def);
}

void mv_conf_clear_member(const struct mv_conf_member *m, void *def)
{
	void *member = at(def, m->offset);

	if (m->flags & MV_CONF_HAS)
		*(bool *)at(def, m->has_offset) = false;
	if (m->flags & MV_CONF_LIST) {
		free_list(m, def);
	} else if (m->kind == MV_CONF_STRUCT && !(m->flags & MV_CONF_POINTER)) {
		mv_conf_clear(m->desc, member);
	} else if (m->kind == MV_CONF_STRUCT) {
		mv_conf_free(m->desc, *(void **)member);
		*(void **)member = NULL;
	} else if (is_text(m)) {
		free(*(char **)member);
		*(char **)member = NULL;
	} else {
		memset(member, 0, mv_conf_value_size(m));
	}
}

/* --- new ------------------------------------------------------------------------------------------------------- */

int mv_conf_init(const struct mv_conf_desc *desc, void *def, struct mv_error **err)
{
	*(bool *)def = true;
	for (unsigned i = 0; i < desc->n_initial; i++) {
		const struct mv_conf_member *m = &desc->members[desc->initial[i]];

		if (m->flags & MV_CONF_DEFAULT && mv_conf_value_default(m, def) < 0)
			return no_memory(err);
		if (!(m->flags & MV_CONF_ALWAYS))
			continue;
		if (m->flags & MV_CONF_POINTER) {
			void **pointer = at(def, m->offset);

			if (!*pointer && !(*pointer = mv_conf_new(m->desc, err)))
				return -1;
		} else if (mv_conf_init(m->desc, at(def, m->offset), err) < 0) {
			return -1;
		}
	}
	return 0;
}

void *mv_conf_new(const struct mv_conf_desc *desc, struct mv_error **err)
{
	void *def = calloc(1, desc->size);

	if (!def) {
		no_memory(err);
		return NULL;
	}
	if (mv_conf_init(desc, def, err) < 0) {
		mv_conf_free(desc, def);
		return NULL;
	}
	return def;
}

/* --- copy ------------------------------------------------------------------------------------------------------ */

static int copy_members(const struct mv_conf_desc *desc, const void *from, void *to);

static void *copy_struct(const struct mv_conf_desc *desc, const void *from)
{
	void *to = malloc(desc->size);

	if (to && copy_members(desc, from, to) < 0) {
		mv_conf_free(desc, to);
		return NULL;
	}
	return to;
}

static void *copy_item(const struct mv_conf_member *m, const void *from)
{
	void *to = calloc(1, m->item_size);

	if (!to)
		return NULL;
	*(unsigned *)to = *(const unsigned *)from;
	for (unsigned i = 0; i < m->n_alternatives; i++) {
		const struct mv_conf_alternative *a = &m->alternatives[i];
		const void *source = *(void **)at(from, a->offset);

		if (!source)
			continue;
		*(void **)at(to, a->offset) = copy_struct(a->desc, source);
		if (!*(void **)at(to, a->offset)) {
			free_item(m, to);
			return NULL;
		}
	}
	return to;
}

static int copy_list(const struct mv_conf_member *m, const void *from, void *to)
{
	size_t count = *(size_t *)at(from, m->count_offset), *done = at(to, m->count_offset);
	bool pointers = m->kind == MV_CONF_STRUCT || m->kind == MV_CONF_CHOICE || is_text(m);
	void *source = *(void **)at(from, m->offset), **target = at(to, m->offset);
	size_t size = pointers ? sizeof(void *) : mv_conf_value_size(m);

	*target = NULL;
	*done = 0;
	if (count == 0)
		return 0;
	*target = calloc(count, size);
	if (!*target)
		return -1;
	if (!pointers) {
		memcpy(*target, source, count * size);
		*done = count;
	}
	for (; *done < count; (*done)++) {
		const void *item = ((void **)source)[*done];
		void *copy = m->kind == MV_CONF_STRUCT ? copy_struct(m->desc, item) :
			m->kind == MV_CONF_CHOICE      ? copy_item(m, item) :
							 strdup(item);

		if (!copy)
			return -1;
		((void **)*target)[*done] = copy;
	}
	return 0;
}

/* A member that owns memory. Whether it works or not, what is in `to` then may be freed. */
static int copy_owner(const struct mv_conf_member *m, const void *from, void *to)
{
	void **target = at(to, m->offset);
	const void *source;

	if (m->flags & MV_CONF_LIST)
		return copy_list(m, from, to);
	if (m->kind == MV_CONF_STRUCT && !(m->flags & MV_CONF_POINTER)) {
		if (*(const bool *)at(from, m->offset))
			return copy_members(m->desc, at(from, m->offset), target);
		memset(target, 0, m->desc->size);
		return 0;
	}
	source = *(void **)at(from, m->offset);
	*target = NULL;
	if (!source)
		return 0;
	*target = m->kind == MV_CONF_STRUCT ? copy_struct(m->desc, source) : strdup(source);
	return *target ? 0 : -1;
}

static void forget_owner(const struct mv_conf_member *m, void *to)
{
	if (m->flags & MV_CONF_LIST)
		*(size_t *)at(to, m->count_offset) = 0;
	if (m->kind == MV_CONF_STRUCT && !(m->flags & (MV_CONF_LIST | MV_CONF_POINTER)))
		memset(at(to, m->offset), 0, m->desc->size);
	else
		*(void **)at(to, m->offset) = NULL;
}

static int copy_members(const struct mv_conf_desc *desc, const void *from, void *to)
{
	memcpy(to, from, desc->size);
	for (unsigned i = 0; i < desc->n_owners; i++) {
		if (copy_owner(&desc->members[desc->owners[i]], from, to) == 0)
			continue;
		/* What follows still belongs to `from`. */
		while (++i < desc->n_owners)
			forget_owner(&desc->members[desc->owners[i]], to);
		return -1;
	}
	return 0;
}

void *mv_conf_copy(const struct mv_conf_desc *desc, const void *def, struct mv_error **err)
{
	void *copy = copy_struct(desc, def);

	if (!copy)
		no_memory(err);
	return copy;
}

/* --- lists ----------------------------------------------------------------------------------------------------- */

int mv_conf_append_pointer(void ***list, size_t *count, void *item, struct mv_error **err)
{
	/* The room is the next power of two, so that it needs no member of its own; realloc() knows whether it is
	 * there. */
	size_t room = 1;
	void **more;

	while (room <= *count)
		room *= 2;
	more = realloc(*list, room * sizeof(**list));
	if (!more)
		return no_memory(err);
	*list = more;
	(*list)[(*count)++] = item;
	return 0;
}

void *mv_conf_remove_pointer(void **list, size_t *count, size_t index)
{
	void *item = list[index];

	(*count)--;
	memmove(&list[index], &list[index + 1], (*count - index) * sizeof(*list));
	return item;
}
