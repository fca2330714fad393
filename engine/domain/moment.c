#define MV_ERROR_DOMAIN MV_FROM_DOM
#include "engine/domain/moment.h"

#include <stdlib.h>

struct mv_moment *mv_moment_by_name(const struct mv_moment_tree *tree, const char *name)
{
	return mv_entity_by_name(&tree->table, name);
}

static struct mv_moment **first_of(struct mv_moment_tree *tree, struct mv_moment *parent)
{
	return parent ? &parent->first_child : &tree->first_root;
}

static struct mv_moment **last_of(struct mv_moment_tree *tree, struct mv_moment *parent)
{
	return parent ? &parent->last_child : &tree->last_root;
}

static void link_to(struct mv_moment_tree *tree, struct mv_moment *moment, struct mv_moment *parent)
{
	struct mv_moment **last = last_of(tree, parent);

	moment->parent = parent;
	moment->prev_sibling = *last;
	moment->next_sibling = NULL;
	*(*last ? &(*last)->next_sibling : first_of(tree, parent)) = moment;
	*last = moment;
}

static void unlink_from(struct mv_moment_tree *tree, struct mv_moment *moment)
{
	*(moment->prev_sibling ? &moment->prev_sibling->next_sibling :
				 first_of(tree, moment->parent)) = moment->next_sibling;
	*(moment->next_sibling ? &moment->next_sibling->prev_sibling :
				 last_of(tree, moment->parent)) = moment->prev_sibling;
	moment->parent = moment->prev_sibling = moment->next_sibling = NULL;
}

int mv_moment_add(struct mv_moment_tree *tree, struct mv_moment *moment, struct mv_moment *parent,
		  struct mv_error **err)
{
	if (mv_entity_add(&tree->table, &moment->object, err) < 0)
		return -1;
	link_to(tree, moment, parent);
	return 0;
}

void mv_moment_move(struct mv_moment_tree *tree, struct mv_moment *moment, struct mv_moment *parent)
{
	if (moment->parent == parent)
		return;
	unlink_from(tree, moment);
	link_to(tree, moment, parent);
}

bool mv_moment_descends(const struct mv_moment *moment, const struct mv_moment *ancestor)
{
	while (moment && moment != ancestor)
		moment = moment->parent;
	return moment != NULL;
}

/* The next moment of a walk in which parents come before their children, and younger siblings before older ones, as in
 * libvirt's lists; it stays below `top` (NULL: the whole tree). Without recursion, so that a chain of any length needs
 * no stack. */
static struct mv_moment *walk(const struct mv_moment *at, const struct mv_moment *top, bool descend)
{
	if (descend && at->last_child)
		return at->last_child;
	while (at && at != top && !at->prev_sibling)
		at = at->parent;
	return at && at != top ? at->prev_sibling : NULL;
}

size_t mv_moment_child_count(const struct mv_moment *moment)
{
	size_t count = 0;

	for (const struct mv_moment *m = moment->first_child; m; m = m->next_sibling)
		count++;
	return count;
}

size_t mv_moment_descendant_count(const struct mv_moment *moment)
{
	size_t count = 0;

	for (const struct mv_moment *m = moment->last_child; m; m = walk(m, moment, true))
		count++;
	return count;
}

static void drop(struct mv_moment_tree *tree, struct mv_moment *moment)
{
	unlink_from(tree, moment);
	mv_entity_remove(&moment->object);
}

static void delete_below(struct mv_moment_tree *tree, struct mv_moment *moment)
{
	if (tree->current && tree->current != moment && mv_moment_descends(tree->current, moment))
		tree->current = moment;
	while (moment->first_child) {
		struct mv_moment *leaf = moment->first_child;

		while (leaf->first_child)
			leaf = leaf->first_child;
		drop(tree, leaf);
	}
}

void mv_moment_delete(struct mv_moment_tree *tree, struct mv_moment *moment, enum mv_moment_delete what)
{
	if (what != MV_MOMENT_ALONE)
		delete_below(tree, moment);
	if (what == MV_MOMENT_CHILDREN_ONLY)
		return;
	while (moment->first_child)
		mv_moment_move(tree, moment->first_child, moment->parent);
	if (tree->current == moment)
		tree->current = moment->parent;
	drop(tree, moment);
}

void mv_moment_clear(struct mv_moment_tree *tree)
{
	tree->current = NULL;
	while (tree->first_root)
		mv_moment_delete(tree, tree->first_root, MV_MOMENT_WITH_CHILDREN);
	mv_entity_table_clear(&tree->table);
}

static bool wanted(const struct mv_moment *moment, const struct mv_moment_filter *filter)
{
	if ((filter->leaves && moment->first_child) || (filter->inner && !moment->first_child))
		return false;
	return !filter->match || filter->match(moment, filter->opaque);
}

int mv_moment_list(const struct mv_moment_tree *tree, const struct mv_moment_filter *filter, struct mv_moment ***out,
		   struct mv_error **err)
{
	struct mv_moment *m = filter->from ? filter->from->last_child : tree->last_root;
	int count = 0;

	if (out) {
		*out = calloc(tree->table.count + 1, sizeof(struct mv_moment *));
		if (!*out)
			return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a list of %zu moments",
					    tree->table.count);
	}
	for (; m; m = walk(m, filter->from, !filter->near)) {
		if (!wanted(m, filter))
			continue;
		if (out)
			(*out)[count] = m;
		count++;
	}
	return count;
}
