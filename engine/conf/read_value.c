/* Values that the reader finds, set in their structures. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "engine/conf/reader.h"

static void bad_value(struct mv_reader *r, const struct mv_frame *f, const struct mv_conf_member *m, const char *text,
		      char *why)
{
	const char *dots = strlen(text) > 64 ? "..." : "";

	if (!why)
		mv_reader_no_memory(r);
	else if (m->of)
		mv_reader_refuse(r, f->line, "%s '%.64s%s' %s", m->of->label, text, dots, why);
	else if (m->kind == MV_CONF_ATTR || m->kind == MV_CONF_IN)
		mv_reader_refuse(r, f->line, "the %s '%.64s%s' of <%s> %s", m->name, text, dots, f->name, why);
	else
		mv_reader_refuse(r, f->line, "the text '%.64s%s' of <%s> %s", text, dots, f->name, why);
	free(why);
}

/* `text` is followed by a NUL. */
static void set_value(struct mv_reader *r, const struct mv_frame *f, const struct mv_conf_member *m, void *def,
		      void *item, const char *text, size_t len)
{
	char *why = NULL;

	if (!mv_reader_take(r, len))
		return;
	if (mv_conf_value_read(m, text, len, f->unit[0] ? f->unit : NULL, item, &why) < 0) {
		bad_value(r, f, m, text, why);
		return;
	}
	if (m->flags & MV_CONF_HAS)
		*(bool *)mv_reader_at(def, m->has_offset) = true;
}

bool mv_reader_append(struct mv_reader *r, const char *text, size_t len)
{
	if (r->text_len + len >= r->text_room) {
		size_t room = r->text_room ? r->text_room * 2 : 256;
		char *more;

		while (room <= r->text_len + len)
			room *= 2;
		more = realloc(r->text, room);
		if (!more) {
			mv_reader_no_memory(r);
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
void mv_reader_set_text(struct mv_reader *r, const struct mv_frame *f, const struct mv_conf_member *m, void *def,
			void *item)
{
	char *text;
	size_t len = r->text_len;

	if (!mv_reader_append(r, "", 0))
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
			mv_reader_refuse(r, f->line, "<%s> is empty", f->name);
		return;
	}
	set_value(r, f, m, def, item, text, len);
}

/* Room for one more value at the end of a list of values, zeroed; it counts when it is set. */
void *mv_reader_slot(struct mv_reader *r, const struct mv_conf_member *m, void *def)
{
	size_t count = *(size_t *)mv_reader_at(def, m->count_offset), size = mv_conf_value_size(m), room = 1;
	char *list;

	if (count >= m->max_items) {
		mv_reader_refuse(r, mv_reader_line(r), "there are more than %u elements <%s>", m->max_items,
				 m->kind == MV_CONF_IN ? m->in : m->name);
		return NULL;
	}
	if (!mv_reader_take(r, size))
		return NULL;
	while (room <= count)
		room *= 2;
	list = realloc(*(void **)mv_reader_at(def, m->offset), room * size);
	if (!list) {
		mv_reader_no_memory(r);
		return NULL;
	}
	*(void **)mv_reader_at(def, m->offset) = list;
	memset(list + count * size, 0, size);
	return list + count * size;
}

/* A value of a member that may be a list. */
void mv_reader_set_member(struct mv_reader *r, const struct mv_frame *f, const struct mv_conf_member *m, void *def,
			  const char *text, size_t len)
{
	void *item = m->flags & MV_CONF_LIST ? mv_reader_slot(r, m, def) : mv_reader_at(def, m->offset);

	if (!item)
		return;
	set_value(r, f, m, def, item, text, len);
	if (m->flags & MV_CONF_LIST && !r->failed)
		++*(size_t *)mv_reader_at(def, m->count_offset);
}
