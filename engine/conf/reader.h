/* The reader's insides: read.c takes the parser's reports apart, read_attr.c and read_value.c set members, read_note.c
 * says what is wrong. */
#ifndef MV_CONF_READER_H
#define MV_CONF_READER_H

#include <libxml/parser.h>

#include "engine/conf/schema.h"

#define MV_READER_MEMBERS 256
#define MV_READER_NAMESPACES 64
#define MV_READER_UNIT 16

/* An element that is being read: one with a structure (def), or one that is a value or holds only attributes (leaf). */
struct mv_frame {
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
	uint64_t seen[MV_READER_MEMBERS / 64];
	char unit[MV_READER_UNIT];
};

struct mv_reader {
	xmlParserCtxt *ctxt;
	const struct mv_conf_desc *desc;
	const char *element;
	void *def;
	unsigned flags;
	struct mv_conf_notes *notes;
	struct mv_error **err;
	bool failed;
	size_t memory; /* that the document has become so far */
	struct mv_frame frames[MV_CONF_MAX_DEPTH];
	unsigned depth;
	unsigned skip; /* depth inside an element that is left out */
	char *text;    /* of the element that is being read */
	size_t text_len, text_room;
	unsigned raw_depth;
	const struct mv_conf_member *raw;
	char **raw_item;
	const xmlChar *namespaces[2 * MV_READER_NAMESPACES]; /* prefix and URI of those in scope */
	unsigned n_namespaces;
};

/* What libxml2 gives for each attribute. */
struct mv_sax_attr {
	const char *name, *prefix, *ns, *value, *end;
};

static inline void *mv_reader_at(void *def, size_t offset)
{
	return (char *)def + offset;
}

static inline bool mv_reader_is_seen(const struct mv_frame *f, unsigned member)
{
	return f->seen[member / 64] >> member % 64 & 1;
}

static inline void mv_reader_set_seen(struct mv_frame *f, unsigned member)
{
	f->seen[member / 64] |= UINT64_C(1) << member % 64;
}

static inline bool mv_reader_applies(const struct mv_frame *f, const struct mv_conf_member *m)
{
	unsigned by = f->by;

	if (!m->only)
		return true;
	if (m->only_own)
		by = *(unsigned *)mv_reader_at(f->def, (size_t)m->by);
	return by < 64 && m->only >> by & 1;
}

/* The thread's sink of notes, or NULL. */
struct mv_conf_notes *mv_conf_notes_current(void);

unsigned mv_reader_line(const struct mv_reader *r);
/* Ends reading; an error is set. */
void mv_reader_stop(struct mv_reader *r);
/* An error of the document, with its line; the first one counts. */
void mv_reader_refuse(struct mv_reader *r, unsigned line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void mv_reader_no_memory(struct mv_reader *r);
/* Counts memory that the document makes us need; false: too much of it, which is refused. */
bool mv_reader_take(struct mv_reader *r, size_t bytes);
/* A note, with MV_CONF_VALIDATE an error. */
void mv_reader_note(struct mv_reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void mv_reader_unknown_attr(struct mv_reader *r, const struct mv_frame *f, const char *name);
void mv_reader_unknown_child(struct mv_reader *r, const struct mv_frame *f, const char *name);

/* Adds to the text of the element that is being read. */
bool mv_reader_append(struct mv_reader *r, const char *text, size_t len);
/* The text of an element, as a value. Numbers and words have no white space around them. */
void mv_reader_set_text(struct mv_reader *r, const struct mv_frame *f, const struct mv_conf_member *m, void *def,
			void *item);
/* Room for one more value at the end of a list of values, zeroed; it counts when it is set. */
void *mv_reader_slot(struct mv_reader *r, const struct mv_conf_member *m, void *def);
/* A value of a member that may be a list. */
void mv_reader_set_member(struct mv_reader *r, const struct mv_frame *f, const struct mv_conf_member *m, void *def,
			  const char *text, size_t len);

/* The unit has to be known before the number it belongs to. */
void mv_reader_unit(struct mv_reader *r, struct mv_frame *f, const char *unit_attr, const struct mv_sax_attr *attrs,
		    int count);
/* The attributes of an element that has a structure. */
void mv_reader_attrs(struct mv_reader *r, struct mv_frame *f, const struct mv_sax_attr *attrs, int count);
/* The attributes of an element that has nothing else: members leaf[0..count). */
void mv_reader_in(struct mv_reader *r, struct mv_frame *f, struct mv_frame *parent, unsigned count,
		  const struct mv_sax_attr *attrs, int n_attrs);

#endif
