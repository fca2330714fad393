/* Configuration objects: the tables that engine/conf/gen.lua makes of engine/conf/schema, which describe each structure
 * member by member, and what walks them: the reader (XML to structure), the writer (structure to XML), copy and free.
 * Other walkers (Lua) use the same tables. Everything here may be called from any thread; nothing is shared but
 * constants. */
#ifndef MV_CONF_SCHEMA_H
#define MV_CONF_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

/* Flags of parse and format. */
#define MV_CONF_VALIDATE (1u << 0) /* parse: what is not known is an error, not a note */
#define MV_CONF_LIVE (1u << 1)     /* parse: keep, format: write what only a running object has */
#define MV_CONF_SECURE (1u << 2)   /* format: write passwords and the like */

#define MV_CONF_MAX_DEPTH 64             /* elements inside each other */
#define MV_CONF_MAX_DOCUMENT (16u << 20) /* bytes of XML */
#define MV_CONF_MAX_MEMORY (128u << 20)  /* bytes of structures and texts that one document may become */
#define MV_CONF_MAX_ITEMS 65536          /* elements of a list that says nothing else */
#define MV_CONF_MAX_ATTRS 256            /* attributes of one element */
#define MV_CONF_MAX_NOTES 100            /* more are only counted */
#define MV_CONF_MAX_CPU 16384            /* one more than the highest number in a cpuset */

enum mv_tri { MV_TRI_NONE, MV_TRI_YES, MV_TRI_NO };

/* --- notes ----------------------------------------------------------------------------------------------------- */

struct mv_conf_note {
	unsigned line; /* 0: not known (it was no text) */
	char *path;    /* "/domain/devices/disk" */
	char *message; /* a whole sentence with the line in it */
};

/* What was accepted but not understood. Starts as all zero. */
struct mv_conf_notes {
	struct mv_conf_note *notes;
	size_t count;
	size_t dropped; /* more than MV_CONF_MAX_NOTES */
};

void mv_conf_notes_clear(struct mv_conf_notes *notes);
/* Where the notes of parses in this thread go that are given NULL: to whoever made the call that parses, through all
 * the layers between, which have nothing to do with them. NULL: nowhere. Returns what it was, to be set again. */
struct mv_conf_notes *mv_conf_notes_sink(struct mv_conf_notes *sink);

/* --- tables ---------------------------------------------------------------------------------------------------- */

enum mv_conf_type {
	MV_CONF_T_NONE,
	MV_CONF_T_STRING, /* char * from here to IP; NULL: not given */
	MV_CONF_T_PATH,
	MV_CONF_T_CPUSET,
	MV_CONF_T_IP,
	MV_CONF_T_INT,  /* int */
	MV_CONF_T_UINT, /* unsigned */
	MV_CONF_T_I64,  /* int64_t */
	MV_CONF_T_U64,  /* uint64_t */
	MV_CONF_T_HEX,  /* unsigned, or uint64_t (member.wide) */
	MV_CONF_T_SIZE, /* uint64_t, in member.unit bytes */
	MV_CONF_T_BOOL, /* bool from here to EMPTY */
	MV_CONF_T_ONOFF,
	MV_CONF_T_EMPTY,
	MV_CONF_T_TRI_BOOL, /* enum mv_tri */
	MV_CONF_T_TRI_ONOFF,
	MV_CONF_T_ENUM, /* an enum whose 0 is "not given" */
	MV_CONF_T_UUID, /* uint8_t[16]; all zero: not given */
	MV_CONF_T_MAC,  /* uint8_t[6]; all zero: not given */
	MV_CONF_T_DOUBLE,
};

enum mv_conf_kind_of_member {
	MV_CONF_ATTR,   /* an attribute of the element */
	MV_CONF_IN,     /* an attribute of a child element that has only such attributes */
	MV_CONF_VALUE,  /* a child element that has only a text, or nothing (EMPTY) */
	MV_CONF_TEXT,   /* the element's own text */
	MV_CONF_STRUCT, /* a child element with a structure of its own */
	MV_CONF_CHOICE, /* a list of different child elements in their common order */
	MV_CONF_RAW,    /* a child element that is kept as it is written: char * */
};

/* member.flags */
#define MV_CONF_REQUIRED (1u << 0)
#define MV_CONF_IS_LIVE (1u << 1)
#define MV_CONF_IS_SECURE (1u << 2)
#define MV_CONF_LIST (1u << 3)        /* T *field (structures: T **field), size_t n_field at count_offset */
#define MV_CONF_POINTER (1u << 4)     /* a structure: T *field, NULL when absent */
#define MV_CONF_DEFAULT (1u << 5)     /* has a value when it is not given */
#define MV_CONF_QUIET (1u << 6)       /* not written when it equals its default */
#define MV_CONF_HAS (1u << 7)         /* bool has_field at has_offset says whether it is given */
#define MV_CONF_ALWAYS (1u << 8)      /* a structure: there even when its element is not given */
#define MV_CONF_OPEN (1u << 9)        /* a structure without content is written <x> </x> */
#define MV_CONF_DROP_EMPTY (1u << 10) /* a structure without content is not written */
#define MV_CONF_KEEP_EMPTY (1u << 11) /* an element without text is the text "", not absent */
#define MV_CONF_NO_WRITE (1u << 12)   /* read, never written */
#define MV_CONF_NO_UNIT (1u << 13)    /* a size: the attribute unit='' is not written */
#define MV_CONF_TRIM (1u << 14)       /* a text: without the white space around it */
#define MV_CONF_GAP_BEFORE (1u << 15) /* an empty line before the element */
#define MV_CONF_GAP_AFTER (1u << 16)
#define MV_CONF_PRETTY (1u << 17)     /* a size: written in the largest unit that divides it */
#define MV_CONF_ONCE (1u << 18)       /* an element: a second one is an error, not left out */
#define MV_CONF_NAMESPACED (1u << 19) /* raw: children have a namespace each */

struct mv_conf_desc;

/* A word that is read, never written. */
struct mv_conf_alias {
	const char *word; /* NULL ends a list */
	unsigned value;
};

struct mv_conf_enum {
	const char *label;        /* what messages call it: "disk bus" */
	const char *const *words; /* [0] is NULL, or the word for "not given"; [count - 1] is the last */
	size_t count;
	const struct mv_conf_alias *aliases; /* words that are read too, to the one without a word; may be NULL */
};

/* One of the elements of a choice. The list's items are structures { enum which; T *first; U *second; ... }. */
struct mv_conf_alternative {
	const char *name;
	const char *field;
	const struct mv_conf_desc *desc;
	size_t offset; /* of the pointer in the item */
};

struct mv_conf_member {
	uint8_t kind;  /* enum mv_conf_kind_of_member */
	uint8_t type;  /* enum mv_conf_type */
	uint8_t width; /* hex: digits at least */
	uint8_t base;  /* of numbers when they are read: 0, 10 or 16 */
	bool wide;
	uint32_t flags;
	uint32_t offset, has_offset, count_offset;
	int32_t by;         /* offset of the enum that decides which members apply (below), -1: none */
	uint64_t only;      /* bit n: applies when the deciding enum is n; 0: always */
	bool only_own;      /* the deciding enum is `by` of this member, not the one handed down */
	const char *name;   /* in XML, without a prefix */
	const char *in;     /* IN: the child element */
	const char *field;  /* in C and Lua */
	const char *bare;   /* IN: what the element without the attribute means, "error", or NULL: nothing */
	const char *prefix; /* namespace; NULL: none */
	const char *ns;
	const char *const *also; /* other names that are read; NULL or ends with NULL */
	const struct mv_conf_enum *of;
	const struct mv_conf_desc *desc;                /* STRUCT */
	const struct mv_conf_alternative *alternatives; /* CHOICE */
	unsigned n_alternatives;
	size_t item_size;   /* CHOICE: of the item */
	unsigned max_items; /* lists */
	int64_t min;
	uint64_t max;
	uint64_t unit;      /* size: bytes in what is kept and written */
	uint64_t read_unit; /* size: bytes in what is read without a unit */
	const char *unit_name, *unit_attr;
	struct {
		uint64_t number; /* also of enums, bools */
		const char *text;
	} value; /* DEFAULT */
};

struct mv_conf_at;

struct mv_conf_desc {
	const char *name;    /* "disk" */
	const char *element; /* the usual name of its element; NULL: none */
	size_t size;
	const struct mv_conf_member *members; /* in the order in which they are written */
	unsigned n_members;
	const uint16_t *attrs; /* numbers of the members that are attributes */
	unsigned n_attrs;
	const uint16_t *owners; /* of those that own memory */
	unsigned n_owners;
	const uint16_t *initial; /* of those that are set when nothing is given */
	unsigned n_initial;
	const uint16_t *required;
	unsigned n_required;
	bool dependent; /* an attribute applies or not by another one */
	const struct mv_conf_child {
		const char *name, *ns;
		uint8_t len;
		uint16_t member, count; /* IN: `count` members follow each other */
		uint16_t alternative;
	} * children; /* all names of child elements */
	unsigned n_children;
	int text;              /* number of the member that is the text, -1: none */
	const char *unit_attr; /* an attribute that belongs to a size; NULL: none */
	bool closed;           /* what is not known in it is an error, not a note */
	bool open;             /* a document of it without content is written on two lines */
	/* Checks what the tables cannot say and completes what is not given, after everything in the element is read.
	 */
	int (*check)(void *def, struct mv_conf_at *at, struct mv_error **err);
};

/* A kind of object: what a document as a whole may be. */
struct mv_conf_kind {
	const char *name;    /* "storagepool" */
	const char *element; /* "pool" */
	const char *schema;  /* "storagepool.rng" */
	const struct mv_conf_desc *desc;
};

/* All kinds, sorted by name; made by gen.lua. */
extern const struct mv_conf_kind *const mv_conf_kinds[];
extern const size_t mv_conf_n_kinds;

/* All structures, sorted by name. */
extern const struct mv_conf_desc *const mv_conf_descs[];
extern const size_t mv_conf_n_descs;

const struct mv_conf_kind *mv_conf_kind_find(const char *name); /* NULL: none */
const struct mv_conf_desc *mv_conf_desc_find(const char *name); /* NULL: none */

/* --- for check functions --------------------------------------------------------------------------------------- */

/* Where a check is: for its messages. */
struct mv_conf_at {
	unsigned line;               /* of the element; 0: it was no text */
	const char *path;            /* of a Lua table, "devices.disks[1]"; may be NULL */
	unsigned flags;              /* MV_CONF_* of the parse */
	struct mv_conf_notes *notes; /* may be NULL */
	const void *walker;          /* private */
};

/* "line 14: " and the message, or "devices.disks[1]: " and the message. Returns -1. */
int mv_conf_fail(const struct mv_conf_at *at, struct mv_error **err, enum mv_error_code code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* A note; with MV_CONF_VALIDATE an error. 0 or -1. */
int mv_conf_warn(const struct mv_conf_at *at, struct mv_error **err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* --- walkers --------------------------------------------------------------------------------------------------- */

/* Reads a document whose root is the element of the kind, or `element` of `desc`. notes may be NULL. *out is returned
 * owned: mv_conf_free(). Errors: MV_ERR_XML (27) for all that is wrong with the text, MV_ERR_CONFIG_UNSUPPORTED from
 * checks, MV_ERR_NO_MEMORY. */
int mv_conf_parse_element(const struct mv_conf_desc *desc, const char *element, const char *xml, unsigned flags,
			  struct mv_conf_notes *notes, void **out, struct mv_error **err);
/* *xml is returned owned and ends with a newline. */
int mv_conf_format_element(const struct mv_conf_desc *desc, const char *element, const void *def, unsigned flags,
			   char **xml, struct mv_error **err);

/* A structure with its defaults; `present` is true. NULL: no memory. */
void *mv_conf_new(const struct mv_conf_desc *desc, struct mv_error **err);
void *mv_conf_copy(const struct mv_conf_desc *desc, const void *def, struct mv_error **err);
void mv_conf_free(const struct mv_conf_desc *desc, void *def); /* accepts NULL */
/* For structures that are members of others: makes an all-zero one present, with its defaults. */
int mv_conf_init(const struct mv_conf_desc *desc, void *def, struct mv_error **err);
/* Frees what is in it and leaves all zero: not present. This is how a part of an object is taken away: what is not
 * present is empty, and neither copied nor freed. */
void mv_conf_clear(const struct mv_conf_desc *desc, void *def);
/* Frees and clears one member. */
void mv_conf_clear_member(const struct mv_conf_member *m, void *def);
/* Appends to a list of pointers: mv_conf_append(&disks->disks, &disks->n_disks, disk, err). `item` is taken when it
 * works. */
int mv_conf_append_pointer(void ***list, size_t *count, void *item, struct mv_error **err);
#define mv_conf_append(list, count, item, err) mv_conf_append_pointer((void ***)(list), count, item, err)
/* Takes item `index` (below *count) out of the list, not freed. */
void *mv_conf_remove_pointer(void **list, size_t *count, size_t index);
#define mv_conf_remove(list, count, index) mv_conf_remove_pointer((void **)(list), count, index)

/* The text of the element <name> in the form in which MV_CONF_RAW members keep it. *out is returned owned. */
int mv_conf_raw_read(const char *name, const char *xml, char **out, struct mv_error **err);

/* --- values ---------------------------------------------------------------------------------------------------- */

/* The word of an enum's value, NULL for "not given" and values that are none. */
const char *mv_conf_word(const struct mv_conf_enum *of, unsigned value);
/* The value of a word, -1 when it is not known. */
int mv_conf_word_value(const struct mv_conf_enum *of, const char *word);

/* Longest text of a number, size, UUID, MAC. */
#define MV_CONF_VALUE_TEXT 40

/* Is the member's value one that is written? `item` points to the value (an element of a list, or def + m->offset). */
bool mv_conf_is_given(const struct mv_conf_member *m, const void *def);
/* The text of a value: a static, the value's own or in buf. NULL: there is none. */
const char *mv_conf_value_text(const struct mv_conf_member *m, const void *item, char buf[MV_CONF_VALUE_TEXT]);
/* The unit of a size, in which mv_conf_value_text() gives it. */
const char *mv_conf_size_unit(const struct mv_conf_member *m, const void *item);
/* Sets a value from its text (`len` bytes, NUL behind them); `unit` is the text of the unit attribute or NULL. On
 * failure *why is a sentence's end about the value ("is not a whole number"), owned by the caller, or NULL when there
 * is no memory. */
int mv_conf_value_read(const struct mv_conf_member *m, const char *text, size_t len, const char *unit, void *item,
		       char **why);
size_t mv_conf_value_size(const struct mv_conf_member *m); /* of its C type */
void mv_conf_value_free(const struct mv_conf_member *m, void *item);
/* Sets a member to its default, where it has one. 0 or -1 (no memory). */
int mv_conf_value_default(const struct mv_conf_member *m, void *def);

#endif
