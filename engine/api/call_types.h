/* What the structures of calls are made of, and how they describe themselves: one reader, one writer and one free
 * function for all of them (Lua, the wire) follow these tables. The structures are in build/gen/calls.h, which
 * engine/api/gen.lua makes of engine/api/calls.lua. */
#ifndef MV_API_CALL_TYPES_H
#define MV_API_CALL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No structure of a call is larger than this (arrays are pointers in it), bytes. */
#define MV_CALL_STRUCT_MAX 512

struct mv_blob {
	void *data;
	size_t size; /* bytes */
};

/* Numbered as libvirt's virTypedParameterType. */
enum mv_typed_type {
	MV_TYPED_INT = 1,
	MV_TYPED_UINT = 2,
	MV_TYPED_LLONG = 3,
	MV_TYPED_ULLONG = 4,
	MV_TYPED_DOUBLE = 5,
	MV_TYPED_BOOLEAN = 6,
	MV_TYPED_STRING = 7,
};

struct mv_typed_param {
	char *field;
	enum mv_typed_type type;
	union {
		int32_t i;
		uint32_t ui;
		int64_t l;
		uint64_t ul;
		double d;
		int32_t b; /* 0 or 1 */
		char *s;
	} value;
};

enum mv_wire_kind {
	MV_WIRE_INT,    /* int32_t */
	MV_WIRE_UINT,   /* uint32_t */
	MV_WIRE_HYPER,  /* int64_t */
	MV_WIRE_UHYPER, /* uint64_t */
	MV_WIRE_CHAR,   /* int8_t */
	MV_WIRE_UCHAR,  /* uint8_t */
	MV_WIRE_USHORT, /* uint16_t */
	MV_WIRE_STRING, /* char *; NULL only when optional (tolerated everywhere: an empty string) */
	MV_WIRE_UUID,   /* uint8_t[16] */
	MV_WIRE_BLOB,   /* struct mv_blob; limit: bytes */
	MV_WIRE_CHARS,  /* struct mv_blob: text, perhaps with its NUL; limit: bytes */
	MV_WIRE_TEXT,   /* char[limit]: text with NULs after it */
	MV_WIRE_STRUCT, /* a structure of type `type`; optional: a pointer to it, or NULL */
	MV_WIRE_TYPED,  /* struct mv_typed_param */
};

struct mv_wire_struct;

struct mv_wire_field {
	const char *name;
	enum mv_wire_kind kind;
	bool optional;
	bool array;            /* a pointer to the items; their number, a size_t, is at count_offset */
	uint32_t offset;       /* in the structure, bytes */
	uint32_t count_offset; /* of an array */
	uint32_t limit;        /* items of an array, or bytes, that the wire carries at most */
	const struct mv_wire_struct *type;
};

struct mv_wire_struct {
	const char *name; /* "domain_ref"; of arguments: the call's name */
	uint32_t size;    /* bytes */
	uint32_t field_count;
	const struct mv_wire_field *fields;
	bool plain; /* owns nothing */
};

#endif
