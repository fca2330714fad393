/* What the reader, and the checks after it, find wrong. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/conf/reader.h"
#include "engine/conf/suggest.h"

unsigned mv_reader_line(const struct mv_reader *r)
{
	return r->ctxt->input ? (unsigned)r->ctxt->input->line : 0;
}

void mv_reader_stop(struct mv_reader *r)
{
	r->failed = true;
	xmlStopParser(r->ctxt);
}

void mv_reader_refuse(struct mv_reader *r, unsigned line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void mv_reader_refuse(struct mv_reader *r, unsigned line, const char *fmt, ...)
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
	mv_reader_stop(r);
}

void mv_reader_no_memory(struct mv_reader *r)
{
	if (!r->failed)
		mv_error_set(r->err, MV_ERR_NO_MEMORY, "There is no memory left for reading XML.");
	mv_reader_stop(r);
}

bool mv_reader_take(struct mv_reader *r, size_t bytes)
{
	r->memory += bytes + 16;
	if (r->memory <= MV_CONF_MAX_MEMORY)
		return true;
	mv_reader_refuse(r, mv_reader_line(r), "the document describes more than fits into %u MiB",
			 MV_CONF_MAX_MEMORY >> 20);
	return false;
}

/* "/domain/devices/disk", owned. */
static char *make_path(const struct mv_reader *r)
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

void mv_reader_note(struct mv_reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void mv_reader_note(struct mv_reader *r, const char *fmt, ...)
{
	unsigned line = mv_reader_line(r);
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
		mv_reader_no_memory(r);
	} else if (r->flags & MV_CONF_VALIDATE) {
		mv_reader_refuse(r, line, "%s", body);
	} else {
		if (asprintf(&text, "line %u: %s", line, body) < 0)
			text = NULL;
		if (add_note(r->notes, line, make_path(r), text) < 0)
			mv_reader_no_memory(r);
	}
}

static void note_unknown(struct mv_reader *r, const char *what, const char *name, const struct mv_frame *f,
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
		mv_reader_refuse(r, mv_reader_line(r), "%s '%.64s' in <%s> is not known%s%s%s", what, name, f->name,
				 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	else
		mv_reader_note(r, "%s '%.64s' in <%s> is not known and was left out%s%s%s", what, name, f->name,
			       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

void mv_reader_unknown_attr(struct mv_reader *r, const struct mv_frame *f, const char *name)
{
	const char *names[MV_READER_MEMBERS];
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

void mv_reader_unknown_child(struct mv_reader *r, const struct mv_frame *f, const char *name)
{
	const char *names[MV_READER_MEMBERS];
	unsigned count = 0;

	for (; f->desc && count < f->desc->n_children && count < MV_READER_MEMBERS; count++)
		names[count] = f->desc->children[count].name;
	note_unknown(r, "element", name, f, names, count);
}

/* --- for check functions --------------------------------------------------------------------------------------- */

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
