/* Attributes that the reader finds. */
#include <limits.h>
#include <string.h>

#include "engine/conf/reader.h"

#define NOT_FOUND UINT_MAX

static bool has_name(const struct mv_conf_member *m, const char *name)
{
	if (strcmp(m->name, name) == 0)
		return true;
	for (const char *const *also = m->also; also && *also; also++) {
		if (strcmp(*also, name) == 0)
			return true;
	}
	return false;
}

/* The text of an attribute with a NUL behind it, until the next call. */
static const char *attr_text(struct mv_reader *r, const struct mv_sax_attr *a, size_t *len)
{
	*len = (size_t)(a->end - a->value);
	r->text_len = 0;
	return mv_reader_append(r, a->value, *len) ? r->text : NULL;
}

static void set_attr(struct mv_reader *r, const struct mv_frame *f, const struct mv_conf_member *m,
		     const struct mv_sax_attr *a)
{
	size_t len;
	const char *text = attr_text(r, a, &len);

	if (text)
		mv_reader_set_member(r, f, m, f->def, text, len);
}

/* The unit has to be known before the number it belongs to. */
void mv_reader_unit(struct mv_reader *r, struct mv_frame *f, const char *unit_attr, const struct mv_sax_attr *attrs,
		    int count)
{
	f->unit[0] = 0;
	for (int i = 0; unit_attr && i < count; i++) {
		size_t len = (size_t)(attrs[i].end - attrs[i].value);

		if (strcmp(attrs[i].name, unit_attr) != 0 || attrs[i].prefix)
			continue;
		if (len >= MV_READER_UNIT) {
			mv_reader_refuse(r, f->line, "the unit '%.*s' of <%s> is not known", (int)(len < 64 ? len : 64),
					 attrs[i].value, f->name);
			return;
		}
		memcpy(f->unit, attrs[i].value, len);
		f->unit[len] = 0;
	}
}

static void read_attr(struct mv_reader *r, struct mv_frame *f, const struct mv_sax_attr *a)
{
	const struct mv_conf_desc *desc = f->desc;
	unsigned named = NOT_FOUND;

	for (unsigned n = 0, i = f->next_attr; n < desc->n_attrs; n++, i++) {
		const struct mv_conf_member *m;

		if (i >= desc->n_attrs)
			i = 0;
		m = &desc->members[desc->attrs[i]];
		if (a->prefix || !has_name(m, a->name))
			continue;
		named = i;
		/* What decides is looked at when all attributes are read. */
		if (m->only_own ? false : !mv_reader_applies(f, m))
			continue;
		if (m->flags & MV_CONF_IS_LIVE && !(r->flags & MV_CONF_LIVE))
			return;
		f->next_attr = i + 1;
		if (m->only_own)
			return;
		mv_reader_set_seen(f, desc->attrs[i]);
		set_attr(r, f, m, a);
		return;
	}
	if (desc->unit_attr && !a->prefix && strcmp(a->name, desc->unit_attr) == 0)
		return;
	if (named == NOT_FOUND)
		mv_reader_unknown_attr(r, f, a->name);
	else
		mv_reader_note(r, "attribute '%s' of <%s> does not apply here and was left out", a->name, f->name);
}

/* Attributes that depend on another attribute of the same element. */
static void read_dependent_attrs(struct mv_reader *r, struct mv_frame *f, const struct mv_sax_attr *attrs, int count)
{
	for (int i = 0; i < count && !r->failed; i++) {
		bool named = false, used = false;

		for (unsigned n = 0; n < f->desc->n_attrs && !used; n++) {
			const struct mv_conf_member *m = &f->desc->members[f->desc->attrs[n]];

			if (!m->only_own || attrs[i].prefix || !has_name(m, attrs[i].name))
				continue;
			named = true;
			if (!mv_reader_applies(f, m) || (m->flags & MV_CONF_IS_LIVE && !(r->flags & MV_CONF_LIVE)))
				continue;
			used = true;
			mv_reader_set_seen(f, f->desc->attrs[n]);
			set_attr(r, f, m, &attrs[i]);
		}
		if (named && !used)
			mv_reader_note(r, "attribute '%s' of <%s> does not apply here and was left out", attrs[i].name,
				       f->name);
	}
}

void mv_reader_attrs(struct mv_reader *r, struct mv_frame *f, const struct mv_sax_attr *attrs, int count)
{
	if (f->desc->unit_attr)
		mv_reader_unit(r, f, f->desc->unit_attr, attrs, count);
	for (int i = 0; i < count && !r->failed; i++)
		read_attr(r, f, &attrs[i]);
	if (f->desc->dependent)
		read_dependent_attrs(r, f, attrs, count);
}

/* What the element without the attribute means. */
static void set_bare(struct mv_reader *r, struct mv_frame *f, struct mv_frame *parent, unsigned count)
{
	for (const struct mv_conf_member *m = f->leaf; m < f->leaf + count && !r->failed; m++) {
		unsigned number = (unsigned)(m - parent->desc->members);

		if (!m->bare || mv_reader_is_seen(parent, number) || !mv_reader_applies(parent, m))
			continue;
		if (strcmp(m->bare, "error") == 0) {
			mv_reader_refuse(r, f->line, "<%s> has no attribute '%s'", f->name, m->name);
			return;
		}
		mv_reader_set_seen(parent, number);
		mv_reader_set_member(r, f, m, f->def, m->bare, strlen(m->bare));
	}
}

/* The attributes of an element that has nothing else: members leaf[0..count). */
void mv_reader_in(struct mv_reader *r, struct mv_frame *f, struct mv_frame *parent, unsigned count,
		  const struct mv_sax_attr *attrs, int n_attrs)
{
	f->next_child = count;
	for (int i = 0; i < n_attrs && !r->failed; i++) {
		const struct mv_conf_member *found = NULL;
		bool named = false;

		for (const struct mv_conf_member *m = f->leaf; m < f->leaf + count && !found; m++) {
			if (attrs[i].prefix || strcmp(m->name, attrs[i].name) != 0)
				continue;
			named = true;
			if (mv_reader_applies(parent, m))
				found = m;
		}
		if (!named && f->leaf->unit_attr && strcmp(attrs[i].name, f->leaf->unit_attr) == 0)
			continue;
		if (!named) {
			mv_reader_unknown_attr(r, f, attrs[i].name);
		} else if (!found) {
			mv_reader_note(r, "attribute '%s' of <%s> does not apply here and was left out", attrs[i].name,
				       f->name);
		} else if (!(found->flags & MV_CONF_IS_LIVE) || r->flags & MV_CONF_LIVE) {
			mv_reader_set_seen(parent, (unsigned)(found - parent->desc->members));
			if (found->unit_attr)
				mv_reader_unit(r, f, found->unit_attr, attrs, n_attrs);
			if (!r->failed)
				set_attr(r, f, found, &attrs[i]);
		}
	}
	set_bare(r, f, parent, count);
}
