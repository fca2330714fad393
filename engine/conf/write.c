/* The writer: structures as XML in the form that libvirt writes: two spaces a level, attributes in single quotes. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include <stdlib.h>
#include <string.h>

#include "engine/conf/raw.h"
#include "engine/conf/schema.h"

#define MAX_NAMESPACES 8

struct writer {
	char *text;
	size_t len, room;
	unsigned flags;
	unsigned level;
	bool failed;   /* no memory: nothing more is written */
	bool tag_open; /* the last start tag has no '>' yet */
	struct mv_conf_declared {
		const char *prefix, *ns;
	} declared[MAX_NAMESPACES];
	unsigned n_declared;
};

/* --- text ------------------------------------------------------------------------------------------------------ */

static bool make_room(struct writer *w, size_t more)
{
	size_t room = w->room ? w->room * 2 : 1024;
	char *text;

	if (w->failed)
		return false;
	if (w->len + more < w->room)
		return true;
	while (room <= w->len + more)
		room *= 2;
	text = realloc(w->text, room);
	if (!text) {
		w->failed = true;
		return false;
	}
	w->text = text;
	w->room = room;
	return true;
}

static void put(struct writer *w, const char *text, size_t len)
{
	if (!make_room(w, len))
		return;
	memcpy(w->text + w->len, text, len);
	w->len += len;
}

static void put_text(struct writer *w, const char *text)
{
	put(w, text, strlen(text));
}

#define put_literal(w, text) put(w, text, sizeof(text) - 1)

/* What cannot stand for itself: markup, and control characters. */
static bool is_special(char c)
{
	return (unsigned char)c < ' ' || c == '&' || c == '<' || c == '>' || c == '\'' || c == '"';
}

static const char *escape(char c, bool attribute)
{
	switch (c) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '\'': return "&apos;";
	case '"': return "&quot;";
	/* A parser would make spaces of these in an attribute, and a newline of the last one everywhere. */
	case '\t': return attribute ? "&#9;" : "\t";
	case '\n': return attribute ? "&#10;" : "\n";
	case '\r': return "&#13;";
	default: return ""; /* other control characters cannot be in XML at all */
	}
}

static void put_escaped(struct writer *w, const char *text, bool attribute)
{
	const char *plain = text;

	for (; *text; text++) {
		if (!is_special(*text))
			continue;
		put(w, plain, (size_t)(text - plain));
		put_text(w, escape(*text, attribute));
		plain = text + 1;
	}
	put(w, plain, (size_t)(text - plain));
}

static void put_indent(struct writer *w)
{
	size_t spaces = (size_t)w->level * 2;

	if (!make_room(w, spaces))
		return;
	memset(w->text + w->len, ' ', spaces);
	w->len += spaces;
}

/* --- elements -------------------------------------------------------------------------------------------------- */

static void put_name(struct writer *w, const char *prefix, const char *name)
{
	if (prefix) {
		put_text(w, prefix);
		put_literal(w, ":");
	}
	put_text(w, name);
}

/* What has been begun gets its content: its start tag ends. */
static void close_tag(struct writer *w)
{
	if (w->tag_open)
		put_literal(w, ">\n");
	w->tag_open = false;
}

static void declare(struct writer *w, const char *prefix, const char *ns)
{
	for (unsigned i = 0; i < w->n_declared; i++) {
		if (strcmp(w->declared[i].prefix, prefix) == 0)
			return;
	}
	if (w->n_declared == MAX_NAMESPACES) {
		w->failed = true;
		return;
	}
	w->declared[w->n_declared++] = (struct mv_conf_declared){ prefix, ns };
	put_literal(w, " xmlns:");
	put_text(w, prefix);
	put_literal(w, "='");
	put_escaped(w, ns, true);
	put_literal(w, "'");
}

static void begin(struct writer *w, const struct mv_conf_member *m, const char *name)
{
	close_tag(w);
	put_indent(w);
	put_literal(w, "<");
	put_name(w, m ? m->prefix : NULL, name);
	if (m && m->prefix)
		declare(w, m->prefix, m->ns);
	w->tag_open = true;
	w->level++;
}

static void end(struct writer *w, const struct mv_conf_member *m, const char *name)
{
	w->level--;
	if (w->tag_open) {
		put_literal(w, "/>\n");
		w->tag_open = false;
		return;
	}
	put_indent(w);
	put_literal(w, "</");
	put_name(w, m ? m->prefix : NULL, name);
	put_literal(w, ">\n");
}

static void put_attribute(struct writer *w, const char *name, const char *value)
{
	put_literal(w, " ");
	put_text(w, name);
	put_literal(w, "='");
	put_escaped(w, value, true);
	put_literal(w, "'");
}

static void put_unit(struct writer *w, const struct mv_conf_member *m, const void *item)
{
	if (m->type == MV_CONF_T_SIZE && !(m->flags & MV_CONF_NO_UNIT))
		put_attribute(w, m->unit_attr, mv_conf_size_unit(m, item));
}

/* --- members --------------------------------------------------------------------------------------------------- */

static void write_struct(struct writer *w, const struct mv_conf_desc *desc, const struct mv_conf_member *m,
			 const char *name, const void *def, unsigned by);

static const void *at(const void *def, size_t offset)
{
	return (const char *)def + offset;
}

/* Is the member to be written at all, whatever its value? */
static bool wanted(const struct writer *w, const struct mv_conf_member *m, const void *def, unsigned by)
{
	if (m->flags & MV_CONF_NO_WRITE || (m->flags & MV_CONF_IS_LIVE && !(w->flags & MV_CONF_LIVE)) ||
	    (m->flags & MV_CONF_IS_SECURE && !(w->flags & MV_CONF_SECURE)))
		return false;
	if (!m->only)
		return true;
	if (m->only_own)
		by = *(const unsigned *)at(def, (size_t)m->by);
	return by < 64 && m->only >> by & 1;
}

static void write_attr(struct writer *w, const struct mv_conf_member *m, const void *item)
{
	char buf[MV_CONF_VALUE_TEXT];
	const char *text = mv_conf_value_text(m, item, buf);

	if (!text)
		return;
	put_attribute(w, m->name, text);
	put_unit(w, m, item);
}

static void write_value(struct writer *w, const struct mv_conf_member *m, const void *item)
{
	char buf[MV_CONF_VALUE_TEXT];
	const char *text = mv_conf_value_text(m, item, buf);

	if (!text)
		return;
	begin(w, m, m->name);
	put_unit(w, m, item);
	if (*text || m->flags & MV_CONF_KEEP_EMPTY) { /* a text that is "" is not the same as none */
		w->tag_open = false;
		w->level--;
		put_literal(w, ">");
		put_escaped(w, text, false);
		put_literal(w, "</");
		put_name(w, m->prefix, m->name);
		put_literal(w, ">\n");
	} else {
		end(w, m, m->name);
	}
}

static void write_choice(struct writer *w, const struct mv_conf_member *m, const void *item, unsigned by)
{
	unsigned which = *(const unsigned *)item;
	const void *def;

	if (which >= m->n_alternatives)
		return;
	def = *(void *const *)at(item, m->alternatives[which].offset);
	if (def)
		write_struct(w, m->alternatives[which].desc, NULL, m->alternatives[which].name, def, by);
}

static void write_item(struct writer *w, const struct mv_conf_member *m, const void *item, unsigned by)
{
	switch ((enum mv_conf_kind_of_member)m->kind) {
	case MV_CONF_STRUCT: write_struct(w, m->desc, m, m->name, *(void *const *)item, by); break;
	case MV_CONF_CHOICE: write_choice(w, m, *(void *const *)item, by); break;
	case MV_CONF_VALUE: write_value(w, m, item); break;
	case MV_CONF_IN:
		begin(w, NULL, m->in);
		write_attr(w, m, item);
		end(w, NULL, m->in);
		break;
	default: break;
	}
}

static void write_list(struct writer *w, const struct mv_conf_member *m, const void *def, unsigned by)
{
	const char *list = *(char *const *)at(def, m->offset);
	size_t count = *(const size_t *)at(def, m->count_offset);
	size_t size = m->kind == MV_CONF_STRUCT || m->kind == MV_CONF_CHOICE ? sizeof(void *) : mv_conf_value_size(m);

	for (size_t i = 0; i < count; i++)
		write_item(w, m, list + i * size, by);
}

static void write_raw(struct writer *w, const struct mv_conf_member *m, const void *def)
{
	const char *text = *(char *const *)at(def, m->offset);
	size_t len = text ? strlen(text) : 0;

	if (len == 0)
		return;
	close_tag(w);
	put_indent(w);
	/* It is kept as it is at level 1, where it nearly always is. */
	if (w->level != 1) {
		mv_autofree char *laid_out = mv_raw_lay_out(text, w->level);

		if (!laid_out) {
			w->failed = true;
			return;
		}
		put_text(w, laid_out);
		put_literal(w, "\n");
		return;
	}
	put(w, text, len);
	if (text[len - 1] != '\n')
		put_literal(w, "\n");
}

/* An element of which only attributes are known: members [i, the one returned). */
static unsigned write_in(struct writer *w, const struct mv_conf_desc *desc, unsigned i, const void *def, unsigned by)
{
	const char *in = desc->members[i].in;
	bool begun = false;

	for (; i < desc->n_members; i++) {
		const struct mv_conf_member *m = &desc->members[i];

		if (m->kind != MV_CONF_IN || m->flags & MV_CONF_LIST || strcmp(m->in, in) != 0)
			break;
		if (!wanted(w, m, def, by) || !mv_conf_is_given(m, def))
			continue;
		if (!begun)
			begin(w, NULL, in);
		begun = true;
		write_attr(w, m, at(def, m->offset));
	}
	if (begun)
		end(w, NULL, in);
	return i;
}

static void write_struct_member(struct writer *w, const struct mv_conf_member *m, const void *def, unsigned by)
{
	const void *inner = m->flags & MV_CONF_POINTER ? *(void *const *)at(def, m->offset) : at(def, m->offset);

	if (!inner || !*(const bool *)inner)
		return;
	if (m->by >= 0)
		by = *(const unsigned *)at(def, (size_t)m->by);
	write_struct(w, m->desc, m, m->name, inner, by);
}

static void write_children(struct writer *w, const struct mv_conf_desc *desc, const void *def, unsigned by)
{
	for (unsigned i = 0; i < desc->n_members; i++) {
		const struct mv_conf_member *m = &desc->members[i];

		if (m->kind == MV_CONF_ATTR || m->kind == MV_CONF_TEXT)
			continue;
		if (m->kind == MV_CONF_IN && !(m->flags & MV_CONF_LIST)) {
			i = write_in(w, desc, i, def, by) - 1;
			continue;
		}
		if (!wanted(w, m, def, by))
			continue;
		if (m->flags & MV_CONF_LIST)
			write_list(w, m, def, m->by >= 0 ? *(const unsigned *)at(def, (size_t)m->by) : by);
		else if (m->kind == MV_CONF_STRUCT)
			write_struct_member(w, m, def, by);
		else if (m->kind == MV_CONF_RAW)
			write_raw(w, m, def);
		else if (mv_conf_is_given(m, def))
			write_value(w, m, at(def, m->offset));
	}
}

/* The text between the tags, on one line with them. False: there is none. */
static bool write_text(struct writer *w, const struct mv_conf_desc *desc, const struct mv_conf_member *m,
		       const char *name, const void *def, unsigned by)
{
	const struct mv_conf_member *t = &desc->members[desc->text];
	char buf[MV_CONF_VALUE_TEXT];
	const char *text;

	if (!wanted(w, t, def, by) || !mv_conf_is_given(t, def))
		return false;
	put_unit(w, t, at(def, t->offset));
	text = mv_conf_value_text(t, at(def, t->offset), buf);
	if (!text || (!*text && !(t->flags & MV_CONF_KEEP_EMPTY)))
		return false;
	w->tag_open = false;
	w->level--;
	put_literal(w, ">");
	put_escaped(w, text, false);
	put_literal(w, "</");
	put_name(w, m ? m->prefix : NULL, name);
	put_literal(w, ">\n");
	return true;
}

/* The namespaces of the elements below the root are declared in the root's tag, as libvirt does. */
static void declare_children(struct writer *w, const struct mv_conf_desc *desc, const void *def)
{
	for (unsigned i = 0; i < desc->n_members; i++) {
		const struct mv_conf_member *m = &desc->members[i];
		const void *item = at(def, m->offset);

		if (!m->ns || !wanted(w, m, def, 0))
			continue;
		if (m->flags & MV_CONF_LIST            ? *(const size_t *)at(def, m->count_offset) > 0 :
			    m->kind != MV_CONF_STRUCT  ? mv_conf_is_given(m, def) :
			    m->flags & MV_CONF_POINTER ? *(void *const *)item != NULL :
							 *(const bool *)item)
			declare(w, m->prefix, m->ns);
	}
}

static void write_struct(struct writer *w, const struct mv_conf_desc *desc, const struct mv_conf_member *m,
			 const char *name, const void *def, unsigned by)
{
	unsigned declared = w->n_declared;
	size_t before, after_name;
	bool parent_open = w->tag_open;
	unsigned flags = m ? m->flags : desc->open ? MV_CONF_OPEN : 0;

	if (w->failed)
		return;
	before = w->len;
	if (flags & MV_CONF_GAP_BEFORE) {
		close_tag(w);
		put_literal(w, "\n");
	}
	begin(w, m, name);
	after_name = w->len;
	for (unsigned i = 0; i < desc->n_attrs; i++) {
		const struct mv_conf_member *a = &desc->members[desc->attrs[i]];

		if (wanted(w, a, def, by) && mv_conf_is_given(a, def))
			write_attr(w, a, at(def, a->offset));
	}
	if (w->level == 1)
		declare_children(w, desc, def);
	if (desc->text >= 0 && write_text(w, desc, m, name, def, by))
		goto out;
	write_children(w, desc, def, by);
	if (flags & MV_CONF_DROP_EMPTY && w->tag_open && w->len == after_name) {
		w->len = before;
		w->level--;
		w->tag_open = parent_open;
		goto out;
	}
	if (flags & MV_CONF_OPEN)
		close_tag(w);
	end(w, m, name);
	if (flags & MV_CONF_GAP_AFTER)
		put_literal(w, "\n");
out:
	w->n_declared = declared;
}

int mv_conf_format_element(const struct mv_conf_desc *desc, const char *element, const void *def, unsigned flags,
			   char **xml, struct mv_error **err)
{
	struct writer w = { .flags = flags };

	write_struct(&w, desc, NULL, element, def, 0);
	put(&w, "", 1);
	if (w.failed) {
		free(w.text);
		return mv_error_set(err, MV_ERR_NO_MEMORY, "There is no memory left for the XML of <%s>.", element);
	}
	*xml = w.text;
	return 0;
}
