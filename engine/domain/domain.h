/* A guest as every driver knows it: who it is, how it is defined, in which state it is. A driver's own structure begins
 * with it. References are counted; all belongs to the connection's thread. */
#ifndef MV_DOMAIN_DOMAIN_H
#define MV_DOMAIN_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/conf/domain.h"
#include "engine/domain/state.h"

struct mv_dom {
	unsigned refs;
	void (*release)(struct mv_dom *dom); /* frees the driver's part (not the structure itself); may be NULL */
	char *name;
	uint8_t uuid[16];
	char uuid_text[MV_UUID_TEXT];

	struct mv_domain_conf *def;  /* the definition; NULL: transient */
	struct mv_domain_conf *live; /* what runs; NULL: nothing does */
	int id;                      /* -1: not running */
	enum mv_domain_state state;
	unsigned reason; /* of the state's own enumeration */
	char *detail;    /* a sentence, or NULL */
	bool gone;       /* neither defined nor running any more: no table has it */
};

/* Allocates `size` bytes (the driver's structure) for a guest that is shut off. Returned with one reference; NULL with
 * *err. */
struct mv_dom *mv_dom_create(size_t size, const char *name, const uint8_t uuid[16], struct mv_error **err);
struct mv_dom *mv_dom_ref(struct mv_dom *dom);
void mv_dom_unref(struct mv_dom *dom); /* accepts NULL */
MV_AUTO_DEFINE(mv_dom, mv_dom_unref)

static inline bool mv_dom_active(const struct mv_dom *dom)
{
	return dom->live != NULL;
}

/* detail (may be NULL) is copied. */
void mv_dom_set_state(struct mv_dom *dom, enum mv_domain_state state, unsigned reason, const char *detail);
/* Takes conf (may be NULL). */
void mv_dom_set_def(struct mv_dom *dom, struct mv_domain_conf *conf);
void mv_dom_set_live(struct mv_dom *dom, struct mv_domain_conf *conf);

/* The guests of a connection. It holds one reference to each. */
struct mv_dom_table {
	struct mv_dom **doms;
	size_t count;
};

int mv_dom_table_add(struct mv_dom_table *table, struct mv_dom *dom, struct mv_error **err); /* takes a reference */
/* Drops the table's reference and marks the guest as gone. */
void mv_dom_table_remove(struct mv_dom_table *table, struct mv_dom *dom);
void mv_dom_table_clear(struct mv_dom_table *table);
struct mv_dom *mv_dom_table_by_name(const struct mv_dom_table *table, const char *name);       /* borrowed, or NULL */
struct mv_dom *mv_dom_table_by_uuid(const struct mv_dom_table *table, const uint8_t uuid[16]); /* borrowed, or NULL */
/* All of them with a reference each, sorted by name; *out owned by the caller. */
int mv_dom_table_list(const struct mv_dom_table *table, struct mv_dom ***out, size_t *count, struct mv_error **err);

#endif
