#define MV_ERROR_DOMAIN MV_FROM_DOM
#include "engine/domain/domain.h"

#include <stdlib.h>
#include <string.h>

struct mv_dom *mv_dom_create(size_t size, const char *name, const uint8_t uuid[16], struct mv_error **err)
{
	struct mv_dom *dom = calloc(1, size);
	char *copy = strdup(name);

	if (!dom || !copy) {
		free(dom);
		free(copy);
		mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for domain '%s'", name);
		return NULL;
	}
	dom->refs = 1;
	dom->name = copy;
	memcpy(dom->uuid, uuid, sizeof(dom->uuid));
	mv_uuid_format(uuid, dom->uuid_text);
	dom->id = -1;
	dom->state = MV_DOMAIN_SHUTOFF;
	return dom;
}

struct mv_dom *mv_dom_ref(struct mv_dom *dom)
{
	dom->refs++;
	return dom;
}

void mv_dom_unref(struct mv_dom *dom)
{
	if (!dom || --dom->refs)
		return;
	if (dom->release)
		dom->release(dom);
	mv_domain_conf_free(dom->def);
	mv_domain_conf_free(dom->live);
	free(dom->detail);
	free(dom->name);
	free(dom);
}

void mv_dom_set_state(struct mv_dom *dom, enum mv_domain_state state, unsigned reason, const char *detail)
{
	char *copy = detail ? strdup(detail) : NULL; /* detail may be the old one */

	free(dom->detail);
	dom->detail = copy;
	dom->state = state;
	dom->reason = reason;
}

void mv_dom_set_def(struct mv_dom *dom, struct mv_domain_conf *conf)
{
	mv_domain_conf_free(dom->def);
	dom->def = conf;
}

void mv_dom_set_live(struct mv_dom *dom, struct mv_domain_conf *conf)
{
	mv_domain_conf_free(dom->live);
	dom->live = conf;
}

/* --- table --- */

int mv_dom_table_add(struct mv_dom_table *table, struct mv_dom *dom, struct mv_error **err)
{
	/* Grown by doubling: the count is a power of two exactly when the array is full. */
	if (!(table->count & (table->count - 1))) {
		struct mv_dom **grown = reallocarray(table->doms, table->count ? table->count * 2 : 1,
						     sizeof(struct mv_dom *));

		if (!grown)
			return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for domain '%s'", dom->name);
		table->doms = grown;
	}
	table->doms[table->count++] = mv_dom_ref(dom);
	dom->gone = false;
	return 0;
}

void mv_dom_table_remove(struct mv_dom_table *table, struct mv_dom *dom)
{
	for (size_t i = 0; i < table->count; i++) {
		if (table->doms[i] != dom)
			continue;
		memmove(&table->doms[i], &table->doms[i + 1], (table->count - i - 1) * sizeof(struct mv_dom *));
		table->count--;
		/* The array keeps its size: what the rule above would allocate again is at most the same. */
		dom->gone = true;
		mv_dom_unref(dom);
		return;
	}
}

void mv_dom_table_clear(struct mv_dom_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		table->doms[i]->gone = true;
		mv_dom_unref(table->doms[i]);
	}
	free(table->doms);
	*table = (struct mv_dom_table){ 0 };
}

struct mv_dom *mv_dom_table_by_name(const struct mv_dom_table *table, const char *name)
{
	for (size_t i = 0; i < table->count; i++) {
		if (strcmp(table->doms[i]->name, name) == 0)
			return table->doms[i];
	}
	return NULL;
}

struct mv_dom *mv_dom_table_by_uuid(const struct mv_dom_table *table, const uint8_t uuid[16])
{
	for (size_t i = 0; i < table->count; i++) {
		if (memcmp(table->doms[i]->uuid, uuid, 16) == 0)
			return table->doms[i];
	}
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct mv_dom *const *)a)->name, (*(struct mv_dom *const *)b)->name);
}

int mv_dom_table_list(const struct mv_dom_table *table, struct mv_dom ***out, size_t *count, struct mv_error **err)
{
	*out = calloc(table->count + 1, sizeof(struct mv_dom *));
	if (!*out)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a list of domains");
	for (size_t i = 0; i < table->count; i++)
		(*out)[i] = mv_dom_ref(table->doms[i]);
	*count = table->count;
	if (*count)
		qsort(*out, *count, sizeof(struct mv_dom *), by_name);
	return 0;
}
