/* The reader: XML to structures in one pass, as libxml2's parser reports each element; there is no tree of the
 * document. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include <ctype.h>
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/conf/prescan.h"
#include "engine/conf/raw.h"
#include "engine/conf/schema.h"
#include "engine/conf/suggest.h"

#define MAX_MEMBERS 256
#define MAX_NAMESPACES 64
#define UNIT_TEXT 16
#define NOT_FOUND UINT_MAX

/* An element that is being read: one with a structure (def), or one that is a value or holds only attributes (leaf). */
struct frame {
	const char *name;
	const struct mv_conf_desc *desc; /* NULL: a leaf */
	void *def;                       /* the structure; of a leaf, the one that it is in */
	const struct mv_conf_member *leaf;
	void *item; /* where a leaf's value goes */
	unsigned line;
	unsigned by;                    /* value of the enum that decides which members apply */
	unsigned next_attr, next_child; /* where the next name is expected */
	unsigned n_namespaces;
	bool reported_text;
	uint64_t seen[MAX_MEMBERS / 64];
	char unit[UNIT_TEXT];
};

struct reader {
	xmlParserCtxt *ctxt;
	const struct mv_conf_desc *desc;
	const char *element;
	void *def;
	unsigned flags;
	struct mv_conf_notes *notes;
	struct mv_error **err;
	bool failed;
	size_t memory; /* that the document has become so far */
	struct frame frames[MV_CONF_MAX_DEPTH];
	unsigned depth;
	unsigned skip; /* depth inside an element that is left out */
	char *text;    /* of the element that is being read */
	size_t text_len, text_room;
	unsigned raw_depth;
	const struct mv_conf_member *raw;
	char **raw_item;
	const xmlChar *namespaces[2 * MAX_NAMESPACES]; /* prefix and URI of those in scope */
	unsigned n_namespaces;
};

/* --- errors and notes ------------------------------------------------------------------------------------------------
 */

static unsigned line_of(const struct reader *r)
{
	return r->ctxt->input ? (unsigned)r->ctxt->input->line : 0;
}

static void stop(struct reader *r)
{
	r->failed = true;
	xmlStopParser(r->ctxt);
}

static void refuse(struct reader *r, unsigned line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void refuse(struct reader *r, unsigned line, const char *fmt, ...)
{
	mv_autofree char *text = NULL;
	va_list args;

	if (r->failed)
		return;
	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	if (text)
		mv_error_set(r->err, MV_ERR_XML, "line %u: %s", line, text);
	else
		mv_error_set(r->err, MV_ERR_NO_MEMORY, "There is no memory left for reading XML.");
	stop(r);
}

static void no_memory(struct reader *r)
{
	if (!r->failed)
		mv_error_set(r->err, MV_ERR_NO_MEMORY, "There is no memory left for reading XML.");
	stop(r);
}

static bool take_memory(struct reader *r, size_t bytes)
{
	r->memory += bytes + 16;
	if (r->memory <= MV_CONF_MAX_MEMORY)
		return true;
	refuse(r, line_of(r), "the document describes more than fits into %u MiB", MV_CONF_MAX_MEMORY >> 20);
	return false;
}

/* "/domain/devices/disk", owned. */
static char *make_path(const struct reader *r)
{
	char *path = NULL;
	size_t size;
	FILE *out = open_memstream(&path, &size);

	if (!out)
		return NULL;
	for (unsigned i = 0; i < r->depth; i++)
		fprintf(out, "/%s", r->frames[i].name);
	if (fclose(out) == 0)
		return path;
	free(path);
	return NULL;
}

/* Takes `text`, which may be NULL (no memory). */
static int add_note(struct mv_conf_notes *notes, unsigned line, char *path, char *text)
{
	struct mv_conf_note *more;

	if (!path || !text)
		goto fail;
	if (notes->count >= MV_CONF_MAX_NOTES) {
		notes->dropped++;
		free(path);
		free(text);
		return 0;
	}
	more = realloc(notes->notes, (notes->count + 1) * sizeof(*more));
	if (!more)
		goto fail;
	notes->notes = more;
	more[notes->count++] = (struct mv_conf_note){ .line = line, .path = path, .message = text };
	return 0;
fail:
	free(path);
	free(text);
	return -1;
}

static void note(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct reader *r, const char *fmt, ...)
{
	unsigned line = line_of(r);
	mv_autofree char *body = NULL;
	char *text = NULL;
	va_list args;

	if (r->failed || (!r->notes && !(r->flags & MV_CONF_VALIDATE)))
		return;
	if (r->notes && r->notes->count >= MV_CONF_MAX_NOTES && !(r->flags & MV_CONF_VALIDATE)) {
		r->notes->dropped++;
		return;
	}
	va_start(args, fmt);
	if (vasprintf(&body, fmt, args) < 0)
		body = NULL;
	va_end(args);
	if (!body) {
		no_memory(r);
	} else if (r->flags & MV_CONF_VALIDATE) {
		refuse(r, line, "%s", body);
	} else {
		if (asprintf(&text, "line %u: %s", line, body) < 0)
			text = NULL;
		if (add_note(r->notes, line, make_path(r), text) < 0)
			no_memory(r);
	}
}

static void note_unknown(struct reader *r, const char *what, const char *name, const struct frame *f,
			 const char *const *names, size_t count)
{
	const char *near;
	bool refused = r->flags & MV_CONF_VALIDATE || (f->desc && f->desc->closed);

	/* The search for a near name is not for nothing. */
	if (!refused && (!r->notes || r->notes->count >= MV_CONF_MAX_NOTES)) {
		if (r->notes)
			r->notes->dropped++;
		return;
	}
	near = mv_suggest(name, names, count);
	if (refused)
		refuse(r, line_of(r), "%s '%.64s' in <%s> is not known%s%s%s", what, name, f->name,
		       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	else
		note(r, "%s '%.64s' in <%s> is not known and was left out%s%s%s", what, name, f->name,
		     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static void note_unknown_attr(struct reader *r, const struct frame *f, const char *name)
{
	const char *names[MAX_MEMBERS];
	unsigned count = 0;

	if (f->desc) {
		for (; count < f->desc->n_attrs; count++)
			names[count] = f->desc->members[f->desc->attrs[count]].name;
	} else if (f->leaf->kind == MV_CONF_IN) {
		for (const struct mv_conf_member *m = f->leaf; count < f->next_child; m++)
			names[count++] = m->name;
	}
	note_unknown(r, "attribute", name, f, names, count);
}

static void note_unknown_child(struct reader *r, const struct frame *f, const char *name)
{
	const char *names[MAX_MEMBERS];
	unsigned count = 0;

	for (; f->desc && count < f->desc->n_children && count < MAX_MEMBERS; count++)
		names[count] = f->desc->children[count].name;
	note_unknown(r, "element", name, f, names, count);
}

/* --- values ----------------------------------------------------------------------------------------------------------
 */

static void *at(void *def, size_t offset)
{
	return (char *)def + offset;
}

static void bad_value(struct reader *r, const struct frame *f, const struct mv_conf_member *m, const char *text,
		      char *why)
{
	const char *dots = strlen(text) > 64 ? "..." : "";

	if (!why)
		no_memory(r);
	else if (m->of)
		refuse(r, f->line, "%s '%.64s%s' %s", m->of->label, text, dots, why);
	else if (m->kind == MV_CONF_ATTR || m->kind == MV_CONF_IN)
		refuse(r, f->line, "the %s '%.64s%s' of <%s> %s", m->name, text, dots, f->name, why);
	else
		refuse(r, f->line, "the text '%.64s%s' of <%s> %s", text, dots, f->name, why);
	free(why);
}

/* `text` is followed by a NUL. */
static void set_value(struct reader *r, const struct frame *f, const struct mv_conf_member *m, void *def, void *item,
		      const char *text, size_t len)
{
	char *why = NULL;

	if (!take_memory(r, len))
		return;
	if (mv_conf_value_read(m, text, len, f->unit[0] ? f->unit : NULL, item, &why) < 0) {
		bad_value(r, f, m, text, why);
		return;
	}
	if (m->flags & MV_CONF_HAS)
		*(bool *)at(def, m->has_offset) = true;
}

static bool append_text(struct reader *r, const char *text, size_t len)
{
	if (r->text_len + len >= r->text_room) {
		size_t room = r->text_room ? r->text_room * 2 : 256;
		char *more;

		while (room <= r->text_len + len)
			room *= 2;
		more = realloc(r->text, room);
		if (!more) {
			no_memory(r);
			return false;
		}
		r->text = more;
		r->text_room = room;
	}
	memcpy(r->text + r->text_len, text, len);
	r->text_len += len;
	r->text[r->text_len] = 0;
	return true;
}

/* The text of an element, as a value. Numbers and words have no white space around them. */
static void set_from_text(struct reader *r, const struct frame *f, const struct mv_conf_member *m, void *def,
			  void *item)
{
	char *text;
	size_t len = r->text_len;

	if (!append_text(r, "", 0))
		return;
	text = r->text;
	if (m->type > MV_CONF_T_PATH) {
		while (len > 0 && isspace((unsigned char)text[len - 1]))
			len--;
		while (len > 0 && isspace((unsigned char)*text)) {
			text++;
			len--;
		}
		text[len] = 0;
	}
	if (len == 0 && !(m->flags & MV_CONF_KEEP_EMPTY)) {
		if (m->flags & MV_CONF_REQUIRED)
			refuse(r, f->line, "<%s> is empty", f->name);
		return;
	}
	set_value(r, f, m, def, item, text, len);
}

/* Room for one more value at the end of a list of values, zeroed; it counts when it is set. */
static void *list_slot(struct reader *r, const struct mv_conf_member *m, void *def)
{
	size_t count = *(size_t *)at(def, m->count_offset), size = mv_conf_value_size(m), room = 1;
	char *list;

	if (count >= m->max_items) {
		refuse(r, line_of(r), "there are more than %u elements <%s>", m->max_items,
		       m->kind == MV_CONF_IN ? m->in : m->name);
		return NULL;
	}
	if (!take_memory(r, size))
		return NULL;
	while (room <= count)
		room *= 2;
	list = realloc(*(void **)at(def, m->offset), room * size);
	if (!list) {
		no_memory(r);
		return NULL;
	}
	*(void **)at(def, m->offset) = list;
	memset(list + count * size, 0, size);
	return list + count * size;
}

/* A value of a member that may be a list. */
static void set_member(struct reader *r, const struct frame *f, const struct mv_conf_member *m, void *def,
		       const char *text, size_t len)
{
	void *item = m->flags & MV_CONF_LIST ? list_slot(r, m, def) : at(def, m->offset);

	if (!item)
		return;
	set_value(r, f, m, def, item, text, len);
	if (m->flags & MV_CONF_LIST && !r->failed)
		++*(size_t *)at(def, m->count_offset);
}

/* --- attributes ------------------------------------------------------------------------------------------------------
 */

/* What libxml2 gives for each attribute. */
struct sax_attr {
	const char *name, *prefix, *ns, *value, *end;
};

static bool is_seen(const struct frame *f, unsigned member)
{
	return f->seen[member / 64] >> member % 64 & 1;
}

static void set_seen(struct frame *f, unsigned member)
{
	f->seen[member / 64] |= UINT64_C(1) << member % 64;
}

static bool applies(const struct frame *f, const struct mv_conf_member *m)
{
	unsigned by = f->by;

	if (!m->only)
		return true;
	if (m->only_own)
		by = *(unsigned *)at(f->def, (size_t)m->by);
	return by < 64 && m->only >> by & 1;
}

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
static const char *attr_text(struct reader *r, const struct sax_attr *a, size_t *len)
{
	*len = (size_t)(a->end - a->value);
	r->text_len = 0;
	return append_text(r, a->value, *len) ? r->text : NULL;
}

static void set_attr(struct reader *r, const struct frame *f, const struct mv_conf_member *m, const struct sax_attr *a)
{
	size_t len;
	const char *text = attr_text(r, a, &len);

	if (text)
		set_member(r, f, m, f->def, text, len);
}

/* The unit has to be known before the number it belongs to. */
static void read_unit(struct reader *r, struct frame *f, const char *unit_attr, const struct sax_attr *attrs, int count)
{
	f->unit[0] = 0;
	for (int i = 0; unit_attr && i < count; i++) {
		size_t len = (size_t)(attrs[i].end - attrs[i].value);

		if (strcmp(attrs[i].name, unit_attr) != 0 || attrs[i].prefix)
			continue;
		if (len >= UNIT_TEXT) {
			refuse(r, f->line, "the unit '%.*s' of <%s> is not known", (int)(len < 64 ? len : 64),
			       attrs[i].value, f->name);
			return;
		}
		memcpy(f->unit, attrs[i].value, len);
		f->unit[len] = 0;
	}
}

static void read_attr(struct reader *r, struct frame *f, const struct sax_attr *a)
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
		if (m->only_own ? false : !applies(f, m))
			continue;
		if (m->flags & MV_CONF_IS_LIVE && !(r->flags & MV_CONF_LIVE))
			return;
		f->next_attr = i + 1;
		if (m->only_own)
			return;
		set_seen(f, desc->attrs[i]);
		set_attr(r, f, m, a);
		return;
	}
	if (desc->unit_attr && !a->prefix && strcmp(a->name, desc->unit_attr) == 0)
		return;
	if (named == NOT_FOUND)
		note_unknown_attr(r, f, a->name);
	else
		note(r, "attribute '%s' of <%s> does not apply here and was left out", a->name, f->name);
}

/* Attributes that depend on another attribute of the same element. */
static void read_dependent_attrs(struct reader *r, struct frame *f, const struct sax_attr *attrs, int count)
{
	for (int i = 0; i < count && !r->failed; i++) {
		bool named = false, used = false;

		for (unsigned n = 0; n < f->desc->n_attrs && !used; n++) {
			const struct mv_conf_member *m = &f->desc->members[f->desc->attrs[n]];

			if (!m->only_own || attrs[i].prefix || !has_name(m, attrs[i].name))
				continue;
			named = true;
			if (!applies(f, m) || (m->flags & MV_CONF_IS_LIVE && !(r->flags & MV_CONF_LIVE)))
				continue;
			used = true;
			set_seen(f, f->desc->attrs[n]);
			set_attr(r, f, m, &attrs[i]);
		}
		if (named && !used)
			note(r, "attribute '%s' of <%s> does not apply here and was left out", attrs[i].name, f->name);
	}
}

static void read_attrs(struct reader *r, struct frame *f, const struct sax_attr *attrs, int count)
{
	bool dependent = false;

	if (f->desc->unit_attr)
		read_unit(r, f, f->desc->unit_attr, attrs, count);
	for (int i = 0; i < count && !r->failed; i++)
		read_attr(r, f, &attrs[i]);
	for (unsigned i = 0; i < f->desc->n_attrs; i++)
		dependent |= f->desc->members[f->desc->attrs[i]].only_own;
	if (dependent)
		read_dependent_attrs(r, f, attrs, count);
}

/* What the element without the attribute means. */
static void set_bare(struct reader *r, struct frame *f, struct frame *parent, unsigned count)
{
	for (const struct mv_conf_member *m = f->leaf; m < f->leaf + count && !r->failed; m++) {
		unsigned number = (unsigned)(m - parent->desc->members);

		if (!m->bare || is_seen(parent, number) || !applies(parent, m))
			continue;
		if (strcmp(m->bare, "error") == 0) {
			refuse(r, f->line, "<%s> has no attribute '%s'", f->name, m->name);
			return;
		}
		set_seen(parent, number);
		set_member(r, f, m, f->def, m->bare, strlen(m->bare));
	}
}

/* The attributes of an element that has nothing else: members leaf[0..count). */
static void read_in(struct reader *r, struct frame *f, struct frame *parent, unsigned count,
		    const struct sax_attr *attrs, int n_attrs)
{
	f->next_child = count;
	for (int i = 0; i < n_attrs && !r->failed; i++) {
		const struct mv_conf_member *found = NULL;
		bool named = false;

		for (const struct mv_conf_member *m = f->leaf; m < f->leaf + count && !found; m++) {
			if (attrs[i].prefix || strcmp(m->name, attrs[i].name) != 0)
				continue;
			named = true;
			if (applies(parent, m))
				found = m;
		}
		if (!named && f->leaf->unit_attr && strcmp(attrs[i].name, f->leaf->unit_attr) == 0)
			continue;
		if (!named) {
			note_unknown_attr(r, f, attrs[i].name);
		} else if (!found) {
			note(r, "attribute '%s' of <%s> does not apply here and was left out", attrs[i].name, f->name);
		} else if (!(found->flags & MV_CONF_IS_LIVE) || r->flags & MV_CONF_LIVE) {
			set_seen(parent, (unsigned)(found - parent->desc->members));
			if (found->unit_attr)
				read_unit(r, f, found->unit_attr, attrs, n_attrs);
			if (!r->failed)
				set_attr(r, f, found, &attrs[i]);
		}
	}
	set_bare(r, f, parent, count);
}

/* --- elements --------------------------------------------------------------------------------------------------------
 */

static struct frame *push(struct reader *r, const char *name)
{
	struct frame *f = &r->frames[r->depth++];

	f->name = name;
	f->desc = NULL;
	f->leaf = NULL;
	f->def = f->item = NULL;
	f->line = line_of(r);
	f->by = 0;
	f->next_attr = f->next_child = 0;
	f->n_namespaces = r->n_namespaces;
	f->reported_text = false;
	memset(f->seen, 0, sizeof(f->seen));
	f->unit[0] = 0;
	r->text_len = 0;
	return f;
}

static void begin_struct(struct reader *r, const struct mv_conf_desc *desc, void *def, unsigned by, const char *name,
			 const struct sax_attr *attrs, int n_attrs)
{
	struct frame *f = push(r, name);

	f->desc = desc;
	f->def = def;
	f->by = by;
	read_attrs(r, f, attrs, n_attrs);
	r->text_len = 0;
}

/* A new structure for a pointer or a list. */
static void *new_struct(struct reader *r, const struct mv_conf_desc *desc)
{
	void *def;

	if (!take_memory(r, desc->size))
		return NULL;
	def = mv_conf_new(desc, r->err);
	if (!def)
		no_memory(r);
	return def;
}

static bool list_full(struct reader *r, const struct mv_conf_member *m, void *def, const char *name)
{
	if (*(size_t *)at(def, m->count_offset) < m->max_items)
		return false;
	refuse(r, line_of(r), "there are more than %u elements <%s>", m->max_items, name);
	return true;
}

static void *struct_for(struct reader *r, const struct mv_conf_member *m, void *def)
{
	void *inner = at(def, m->offset);

	if (m->flags & MV_CONF_LIST) {
		if (list_full(r, m, def, m->name))
			return NULL;
		inner = new_struct(r, m->desc);
		if (inner && mv_conf_append_pointer(at(def, m->offset), at(def, m->count_offset), inner, r->err) < 0) {
			mv_conf_free(m->desc, inner);
			no_memory(r);
			return NULL;
		}
		return inner;
	}
	if (m->flags & MV_CONF_POINTER) {
		void **pointer = inner;

		if (!*pointer)
			*pointer = new_struct(r, m->desc);
		return *pointer;
	}
	if (!*(bool *)inner && mv_conf_init(m->desc, inner, r->err) < 0) {
		no_memory(r);
		return NULL;
	}
	return inner;
}

static void *choice_for(struct reader *r, const struct mv_conf_member *m, unsigned alternative, void *def)
{
	const struct mv_conf_alternative *a = &m->alternatives[alternative];
	void *item, *inner;

	if (list_full(r, m, def, a->name) || !take_memory(r, m->item_size))
		return NULL;
	inner = new_struct(r, a->desc);
	if (!inner)
		return NULL;
	item = calloc(1, m->item_size);
	if (!item || mv_conf_append_pointer(at(def, m->offset), at(def, m->count_offset), item, r->err) < 0) {
		free(item);
		mv_conf_free(a->desc, inner);
		no_memory(r);
		return NULL;
	}
	*(unsigned *)item = alternative;
	*(void **)at(item, a->offset) = inner;
	return inner;
}

static void begin_value(struct reader *r, const struct mv_conf_member *m, void *def, const char *name,
			const struct sax_attr *attrs, int n_attrs)
{
	struct frame *f = push(r, name);

	f->leaf = m;
	f->def = def;
	read_unit(r, f, m->unit_attr, attrs, n_attrs);
	for (int i = 0; i < n_attrs && !r->failed; i++) {
		if (!m->unit_attr || strcmp(attrs[i].name, m->unit_attr) != 0)
			note_unknown_attr(r, f, attrs[i].name);
	}
	r->text_len = 0;
}

static void begin_raw(struct reader *r, const struct mv_conf_member *m, void *def)
{
	r->raw = m;
	r->raw_item = at(def, m->offset);
	if (mv_raw_begin(r->ctxt, r->namespaces, r->n_namespaces) < 0)
		no_memory(r);
}

/* The child's entry in the structure's table of names; NULL: not known, or of those known none applies (*named). */
static const struct mv_conf_child *find_child(struct frame *f, const char *name, const char *ns, bool *named)
{
	const struct mv_conf_desc *desc = f->desc;
	size_t len = strlen(name);

	*named = false;
	for (unsigned n = 0, i = f->next_child; n < desc->n_children; n++, i++) {
		const struct mv_conf_child *c;

		if (i >= desc->n_children)
			i = 0;
		c = &desc->children[i];
		if (c->len != len || memcmp(c->name, name, len) != 0 ||
		    (c->ns ? !ns || strcmp(c->ns, ns) != 0 : ns != NULL))
			continue;
		*named = true;
		if (c->count > 1 || applies(f, &desc->members[c->member])) {
			f->next_child = i;
			return c;
		}
	}
	return NULL;
}

/* False: the element is left out. */
static bool begin_child(struct reader *r, struct frame *f, const struct mv_conf_child *c, const char *name,
			const struct sax_attr *attrs, int n_attrs)
{
	const struct mv_conf_member *m = &f->desc->members[c->member];
	unsigned by = f->by;
	void *inner;

	if (m->flags & MV_CONF_IS_LIVE && !(r->flags & MV_CONF_LIVE))
		return false;
	if (!(m->flags & MV_CONF_LIST)) {
		bool again = false;

		for (unsigned i = 0; i < c->count; i++)
			again |= is_seen(f, c->member + i);
		if (again) {
			note(r, "element '%s' in <%s> is there twice; the second was left out", name, f->name);
			return false;
		}
	}
	if (m->kind != MV_CONF_IN)
		set_seen(f, c->member);
	switch ((enum mv_conf_kind_of_member)m->kind) {
	case MV_CONF_STRUCT:
		if (m->by >= 0)
			by = *(unsigned *)at(f->def, (size_t)m->by);
		inner = struct_for(r, m, f->def);
		if (inner)
			begin_struct(r, m->desc, inner, by, name, attrs, n_attrs);
		break;
	case MV_CONF_CHOICE:
		if (m->by >= 0)
			by = *(unsigned *)at(f->def, (size_t)m->by);
		inner = choice_for(r, m, c->alternative, f->def);
		if (inner)
			begin_struct(r, m->alternatives[c->alternative].desc, inner, by, name, attrs, n_attrs);
		break;
	case MV_CONF_IN: {
		struct frame *leaf = push(r, name);

		leaf->leaf = m;
		leaf->def = f->def;
		read_in(r, leaf, f, c->count, attrs, n_attrs);
		break;
	}
	case MV_CONF_RAW: begin_raw(r, m, f->def); break;
	default: begin_value(r, m, f->def, name, attrs, n_attrs); break;
	}
	return true;
}

static void begin_root(struct reader *r, const char *name, const struct sax_attr *attrs, int n_attrs)
{
	if (strcmp(name, r->element) != 0) {
		refuse(r, line_of(r), "unexpected root element <%.64s>, expecting <%s>", name, r->element);
		return;
	}
	r->def = new_struct(r, r->desc);
	if (r->def)
		begin_struct(r, r->desc, r->def, 0, r->element, attrs, n_attrs);
}

static void declare(struct reader *r, int count, const xmlChar **namespaces)
{
	for (int i = 0; i < count; i++) {
		if (r->n_namespaces == MAX_NAMESPACES) {
			refuse(r, line_of(r), "more than %d namespaces are declared", MAX_NAMESPACES);
			return;
		}
		r->namespaces[2 * r->n_namespaces] = namespaces[2 * i];
		r->namespaces[2 * r->n_namespaces + 1] = namespaces[2 * i + 1];
		r->n_namespaces++;
	}
}

static void start_element(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *ns, int n_namespaces,
			  const xmlChar **namespaces, int n_attrs, int n_defaulted, const xmlChar **attrs)
{
	struct reader *r = data;
	struct frame *f = r->depth ? &r->frames[r->depth - 1] : NULL;
	const struct mv_conf_child *child = NULL;
	bool named = false;

	if (r->failed)
		return;
	if (r->depth + r->skip + r->raw_depth >= MV_CONF_MAX_DEPTH) {
		refuse(r, line_of(r), "elements are more than %d deep inside each other", MV_CONF_MAX_DEPTH);
		return;
	}
	if (r->raw_depth > 0) {
		r->raw_depth++;
		xmlSAX2StartElementNs(r->ctxt, name, prefix, ns, n_namespaces, namespaces, n_attrs, n_defaulted, attrs);
		return;
	}
	if (r->skip > 0) {
		r->skip++;
		return;
	}
	if (!f) {
		declare(r, n_namespaces, namespaces);
		begin_root(r, (const char *)name, (const struct sax_attr *)attrs, n_attrs);
		return;
	}
	if (f->desc)
		child = find_child(f, (const char *)name, (const char *)ns, &named);
	if (!child) {
		if (named)
			note(r, "element '%s' in <%s> does not apply here and was left out", name, f->name);
		else
			note_unknown_child(r, f, (const char *)name);
		r->skip = 1;
		return;
	}
	if (!begin_child(r, f, child, (const char *)name, (const struct sax_attr *)attrs, n_attrs)) {
		r->skip = 1;
		return;
	}
	if (r->failed)
		return;
	if (f->desc->members[child->member].kind == MV_CONF_RAW) {
		r->raw_depth = 1;
		xmlSAX2StartElementNs(r->ctxt, name, prefix, ns, n_namespaces, namespaces, n_attrs, n_defaulted, attrs);
		return;
	}
	declare(r, n_namespaces, namespaces);
}

/* --- the end of elements ---------------------------------------------------------------------------------------------
 */

static void check_required(struct reader *r, const struct frame *f)
{
	for (unsigned i = 0; i < f->desc->n_members && !r->failed; i++) {
		const struct mv_conf_member *m = &f->desc->members[i];

		if (!(m->flags & MV_CONF_REQUIRED) || is_seen(f, i) || m->kind == MV_CONF_TEXT || !applies(f, m) ||
		    (m->flags & MV_CONF_IS_LIVE && !(r->flags & MV_CONF_LIVE)))
			continue;
		if (m->kind == MV_CONF_ATTR)
			refuse(r, f->line, "<%s> has no attribute '%s'", f->name, m->name);
		else if (m->kind == MV_CONF_IN)
			refuse(r, f->line, "<%s> has no element <%s %s='...'>", f->name, m->in, m->name);
		else if (m->kind == MV_CONF_CHOICE)
			refuse(r, f->line, "<%s> has no element <%s>", f->name, m->alternatives[0].name);
		else
			refuse(r, f->line, "<%s> has no element <%s>", f->name, m->name);
	}
}

static bool is_blank(const xmlChar *text, int len)
{
	for (int i = 0; i < len; i++) {
		if (!isspace(text[i]))
			return false;
	}
	return true;
}

static void end_struct(struct reader *r, const struct frame *f)
{
	if (f->desc->text >= 0) {
		const struct mv_conf_member *m = &f->desc->members[f->desc->text];

		/* What separates child elements is no text. */
		if (applies(f, m) && (f->desc->n_children == 0 || !is_blank((xmlChar *)r->text, (int)r->text_len)))
			set_from_text(r, f, m, f->def, at(f->def, m->offset));
	}
	check_required(r, f);
	if (f->desc->check && !r->failed) {
		struct mv_conf_at where = { .line = f->line, .flags = r->flags, .notes = r->notes, .walker = r };

		if (f->desc->check(f->def, &where, r->err) < 0)
			stop(r);
	}
}

static void end_leaf(struct reader *r, const struct frame *f)
{
	const struct mv_conf_member *m = f->leaf;
	void *item;

	if (m->kind == MV_CONF_IN)
		return;
	if (m->type == MV_CONF_T_EMPTY) {
		*(bool *)at(f->def, m->offset) = true;
		return;
	}
	if (!(m->flags & MV_CONF_LIST)) {
		set_from_text(r, f, m, f->def, at(f->def, m->offset));
		return;
	}
	item = list_slot(r, m, f->def);
	if (!item)
		return;
	set_from_text(r, f, m, f->def, item);
	/* An empty element is no item of a list of texts. */
	if (!r->failed && (r->text_len > 0 || m->flags & MV_CONF_KEEP_EMPTY))
		++*(size_t *)at(f->def, m->count_offset);
}

static void end_raw(struct reader *r)
{
	unsigned dropped = 0;
	char *text = mv_raw_end(r->ctxt, r->raw->flags & MV_CONF_NAMESPACED ? &dropped : NULL);

	if (!text) {
		no_memory(r);
		return;
	}
	if (!take_memory(r, strlen(text))) {
		free(text);
		return;
	}
	free(*r->raw_item);
	*r->raw_item = text;
	if (dropped > 0)
		note(r, "%u element%s of the metadata had no namespace of %s own, and %s left out", dropped,
		     dropped > 1 ? "s" : "", dropped > 1 ? "their" : "its", dropped > 1 ? "were" : "was");
}

static void end_element(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *ns)
{
	struct reader *r = data;
	struct frame *f;

	if (r->failed)
		return;
	if (r->raw_depth > 0) {
		xmlSAX2EndElementNs(r->ctxt, name, prefix, ns);
		if (--r->raw_depth == 0)
			end_raw(r);
		return;
	}
	if (r->skip > 0) {
		r->skip--;
		return;
	}
	f = &r->frames[r->depth - 1];
	if (f->desc)
		end_struct(r, f);
	else
		end_leaf(r, f);
	r->n_namespaces = f->n_namespaces;
	r->text_len = 0;
	r->depth--;
}

static void characters(void *data, const xmlChar *text, int len)
{
	struct reader *r = data;
	struct frame *f = r->depth ? &r->frames[r->depth - 1] : NULL;

	if (r->failed || r->skip > 0)
		return;
	if (r->raw_depth > 0) {
		xmlSAX2Characters(r->ctxt, text, len);
		return;
	}
	if (!f)
		return;
	if (f->desc ? f->desc->text >= 0 : f->leaf->kind == MV_CONF_VALUE && f->leaf->type != MV_CONF_T_EMPTY) {
		append_text(r, (const char *)text, (size_t)len);
	} else if (!f->reported_text && !is_blank(text, len)) {
		f->reported_text = true;
		note(r, "the text in <%s> has no meaning and was left out", f->name);
	}
}

/* Of a raw element, what only separates its elements: it is laid out anew. */
static void ignorable(void *data, const xmlChar *text, int len)
{
	struct reader *r = data;

	if (r->raw_depth == 0)
		characters(data, text, len);
}

static void cdata(void *data, const xmlChar *text, int len)
{
	struct reader *r = data;

	if (r->raw_depth > 0 && !r->failed)
		xmlSAX2CDataBlock(r->ctxt, text, len);
	else
		characters(data, text, len);
}

static void comment(void *data, const xmlChar *text)
{
	struct reader *r = data;

	if (r->raw_depth > 0 && !r->failed)
		xmlSAX2Comment(r->ctxt, text);
}

static void instruction(void *data, const xmlChar *target, const xmlChar *text)
{
	struct reader *r = data;

	if (r->raw_depth > 0 && !r->failed)
		xmlSAX2ProcessingInstruction(r->ctxt, target, text);
}

static void document_type(void *data, const xmlChar *name, const xmlChar *id, const xmlChar *uri)
{
	struct reader *r = data;

	(void)name;
	(void)id;
	(void)uri;
	refuse(r, line_of(r), "a document type declaration is not allowed");
}

static void start_document(void *data)
{
	struct reader *r = data;
	const char *encoding = (const char *)r->ctxt->encoding;

	if (encoding && strcasecmp(encoding, "UTF-8") != 0 && strcasecmp(encoding, "US-ASCII") != 0)
		refuse(r, 1, "the encoding is '%.32s'; it has to be UTF-8", encoding);
}

/* What libxml2 finds wrong. Warnings and what is only a matter of namespaces it also reports here. */
static void parse_error(void *data, xmlErrorPtr error)
{
	struct reader *r = data;
	size_t len;

	if (r->failed || error->level < XML_ERR_ERROR || error->domain == XML_FROM_NAMESPACE)
		return;
	if (error->code == XML_ERR_NO_MEMORY) {
		no_memory(r);
		return;
	}
	len = error->message ? strcspn(error->message, "\n") : 0;
	refuse(r, (unsigned)error->line, "%.*s", (int)len, len ? error->message : "");
}

/* --- documents -------------------------------------------------------------------------------------------------------
 */

static void init_library(void)
{
	xmlInitParser();
}

static xmlParserCtxt *new_context(struct reader *r)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	xmlParserCtxt *ctxt;

	pthread_once(&once, init_library);
	ctxt = xmlNewParserCtxt();
	if (!ctxt)
		return NULL;
	*ctxt->sax = (xmlSAXHandler){
		.initialized = XML_SAX2_MAGIC,
		.startDocument = start_document,
		.internalSubset = document_type,
		.startElementNs = start_element,
		.endElementNs = end_element,
		.characters = characters,
		.ignorableWhitespace = ignorable,
		.cdataBlock = cdata,
		.comment = comment,
		.processingInstruction = instruction,
		.serror = parse_error,
	};
	ctxt->userData = r;
	return ctxt;
}

static int read_document(struct reader *r, const char *xml, size_t len)
{
	xmlDoc *doc;

	r->ctxt = new_context(r);
	if (!r->ctxt)
		return mv_error_set(r->err, MV_ERR_NO_MEMORY, "There is no memory left for reading XML.");
	doc = xmlCtxtReadMemory(r->ctxt, xml, (int)len, NULL, NULL,
				XML_PARSE_NONET | XML_PARSE_NOWARNING | XML_PARSE_IGNORE_ENC);
	if (r->ctxt->myDoc == doc)
		r->ctxt->myDoc = NULL;
	xmlFreeDoc(doc);
	if (!r->failed && !r->ctxt->wellFormed) {
		mv_error_set(r->err, MV_ERR_XML, "the text is not XML");
		r->failed = true;
	}
	if (r->ctxt->myDoc)
		xmlFreeDoc(r->ctxt->myDoc);
	xmlFreeParserCtxt(r->ctxt);
	return r->failed ? -1 : 0;
}

int mv_conf_parse_element(const struct mv_conf_desc *desc, const char *element, const char *xml, unsigned flags,
			  struct mv_conf_notes *notes, void **out, struct mv_error **err)
{
	struct mv_error *local = NULL;
	struct reader r;
	size_t len;
	int ret;

	if (mv_prescan(xml, &len, err) < 0)
		return -1;
	/* The frames are set when they are pushed: all of them would be much to clear for a small document. */
	memset(&r, 0, offsetof(struct reader, frames));
	r.depth = r.skip = r.raw_depth = r.n_namespaces = 0;
	r.text = NULL;
	r.text_len = r.text_room = 0;
	r.desc = desc;
	r.element = element;
	r.flags = flags;
	r.notes = notes;
	r.err = err ? err : &local;
	ret = read_document(&r, xml, len);
	free(r.text);
	if (ret < 0)
		mv_conf_free(desc, r.def);
	else
		*out = r.def;
	mv_error_free(local);
	return ret;
}

/* --- for check functions ---------------------------------------------------------------------------------------------
 */

/* "line 14: " or "devices.disks[1]: ", owned. */
static char *where(const struct mv_conf_at *at)
{
	char *text = NULL;
	int n = at->line ? asprintf(&text, "line %u: ", at->line) :
			   asprintf(&text, "%s%s", at->path ? at->path : "", at->path ? ": " : "");

	return n < 0 ? NULL : text;
}

int mv_conf_fail(const struct mv_conf_at *at, struct mv_error **err, enum mv_error_code code, const char *fmt, ...)
{
	mv_autofree char *text = NULL;
	mv_autofree char *prefix = where(at);
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	if (!text || !prefix)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "There is no memory left for reading XML.");
	return mv_error_set(err, code, "%s%s", prefix, text);
}

int mv_conf_warn(const struct mv_conf_at *at, struct mv_error **err, const char *fmt, ...)
{
	mv_autofree char *text = NULL;
	mv_autofree char *prefix = where(at);
	char *whole = NULL, *path;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	if (!text || !prefix)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "There is no memory left for reading XML.");
	if (at->flags & MV_CONF_VALIDATE)
		return mv_error_set(err, MV_ERR_XML, "%s%s", prefix, text);
	if (!at->notes)
		return 0;
	if (asprintf(&whole, "%s%s", prefix, text) < 0)
		whole = NULL;
	path = at->walker ? make_path(at->walker) : strdup(at->path ? at->path : "");
	if (add_note(at->notes, at->line, path, whole) < 0)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "There is no memory left for reading XML.");
	return 0;
}

const struct mv_conf_desc *mv_conf_desc_find(const char *name)
{
	size_t low = 0, high = mv_conf_n_descs;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(name, mv_conf_descs[middle]->name);

		if (order == 0)
			return mv_conf_descs[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct mv_conf_kind *mv_conf_kind_find(const char *name)
{
	for (size_t i = 0; i < mv_conf_n_kinds; i++) {
		if (strcmp(mv_conf_kinds[i]->name, name) == 0)
			return mv_conf_kinds[i];
	}
	return NULL;
}
