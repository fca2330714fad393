/* Trees of moments: what snapshots and checkpoints of a guest have in common. A moment has a name and at most one
 * parent; one moment of a tree may be the current one, from which the next one descends. */
#ifndef MV_DOMAIN_MOMENT_H
#define MV_DOMAIN_MOMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/domain/entity.h"

/* A driver's own structure begins with it. object.name is the moment's. */
struct mv_moment {
	struct mv_entity object;
	struct mv_moment *parent; /* NULL: a root */
	struct mv_moment *first_child, *last_child;
	struct mv_moment *prev_sibling, *next_sibling; /* order of addition */
};

/* All zero is an empty tree. */
struct mv_moment_tree {
	struct mv_entity_table table; /* by name */
	struct mv_moment *first_root, *last_root;
	struct mv_moment *current; /* NULL: none */
};

struct mv_moment *mv_moment_by_name(const struct mv_moment_tree *tree, const char *name); /* borrowed, or NULL */
static inline size_t mv_moment_count(const struct mv_moment_tree *tree)
{
	return tree->table.count;
}

/* Takes a reference. The name is new to the tree. parent may be NULL. */
int mv_moment_add(struct mv_moment_tree *tree, struct mv_moment *moment, struct mv_moment *parent,
		  struct mv_error **err);
/* Hangs the moment, with all below it, under another parent (NULL: it becomes a root), which is not below it. */
void mv_moment_move(struct mv_moment_tree *tree, struct mv_moment *moment, struct mv_moment *parent);
/* Whether `ancestor` is the moment itself, its parent, or above. */
bool mv_moment_descends(const struct mv_moment *moment, const struct mv_moment *ancestor);
size_t mv_moment_child_count(const struct mv_moment *moment);
size_t mv_moment_descendant_count(const struct mv_moment *moment);

/* Deletes as libvirt's flags say: the moment alone (its children go to its parent), with all below it, or only what is
 * below it. Where the current one goes, the nearest that stays takes its place. The tree's reference is dropped. */
enum mv_moment_delete { MV_MOMENT_ALONE, MV_MOMENT_WITH_CHILDREN, MV_MOMENT_CHILDREN_ONLY };
void mv_moment_delete(struct mv_moment_tree *tree, struct mv_moment *moment, enum mv_moment_delete what);
void mv_moment_clear(struct mv_moment_tree *tree);

/* Which moments a list has; the numbers of virDomainSnapshotListFlags that both kinds share are translated by the
 * driver. */
struct mv_moment_filter {
	const struct mv_moment *from; /* only what is below it; NULL: the whole tree */
	bool near;                    /* only roots, or children of `from` */
	bool leaves, inner;           /* only those without, with children; both: none, as libvirt */
	bool (*match)(const struct mv_moment *moment, const void *opaque); /* NULL: all */
	const void *opaque;
};
/* Parents come before their children. *out: an array that the caller frees, of borrowed moments; NULL counts only.
 * Returns the number, or -1. */
int mv_moment_list(const struct mv_moment_tree *tree, const struct mv_moment_filter *filter, struct mv_moment ***out,
		   struct mv_error **err);

#endif
