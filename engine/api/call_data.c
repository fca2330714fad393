/* The structures of calls as data: freeing and copying by description. */
#include <stdlib.h>
#include <string.h>

#include "engine/api/call.h"

/* --- clearing --- */

size_t mv_wire_item_size(const struct mv_wire_field *field)
{
	switch (field->kind) {
	case MV_WIRE_INT:
	case MV_WIRE_UINT: return sizeof(int32_t);
	case MV_WIRE_HYPER:
	case MV_WIRE_UHYPER: return sizeof(int64_t);
	case MV_WIRE_CHAR:
	case MV_WIRE_UCHAR: return sizeof(int8_t);
	case MV_WIRE_USHORT: return sizeof(int16_t);
	case MV_WIRE_STRING: return sizeof(char *);
	case MV_WIRE_UUID: return 16;
	case MV_WIRE_BLOB:
	case MV_WIRE_CHARS: return sizeof(struct mv_blob);
	case MV_WIRE_TEXT: return field->limit;
	case MV_WIRE_STRUCT: return field->optional ? sizeof(void *) : field->type->size;
	case MV_WIRE_TYPED: return sizeof(struct mv_typed_param);
	}
	return 0;
}

static void clear_item(const struct mv_wire_field *field, void *at)
{
	struct mv_typed_param *param = at;
	struct mv_blob *blob = at;
	void **pointer = at;

	switch (field->kind) {
	case MV_WIRE_STRING: free(*pointer); break;
	case MV_WIRE_BLOB:
	case MV_WIRE_CHARS: free(blob->data); break;
	case MV_WIRE_STRUCT:
		if (!field->optional) {
			mv_wire_clear(field->type, at);
		} else if (*pointer) {
			mv_wire_clear(field->type, *pointer);
			free(*pointer);
		}
		break;
	case MV_WIRE_TYPED:
		free(param->field);
		if (param->type == MV_TYPED_STRING)
			free(param->value.s);
		break;
	default: break;
	}
}

static bool items_own_nothing(const struct mv_wire_field *field)
{
	switch (field->kind) {
	case MV_WIRE_STRING:
	case MV_WIRE_BLOB:
	case MV_WIRE_CHARS:
	case MV_WIRE_TYPED: return false;
	case MV_WIRE_STRUCT: return !field->optional && field->type->plain;
	default: return true;
	}
}

static size_t *count_of(const struct mv_wire_field *field, void *data)
{
	return (size_t *)((char *)data + field->count_offset);
}

void mv_wire_clear(const struct mv_wire_struct *desc, void *data)
{
	if (!desc || !data)
		return;
	for (uint32_t i = 0; i < desc->field_count && !desc->plain; i++) {
		const struct mv_wire_field *field = &desc->fields[i];
		void *at = (char *)data + field->offset;

		if (!field->array) {
			clear_item(field, at);
			continue;
		}
		if (!items_own_nothing(field)) {
			size_t size = mv_wire_item_size(field);
			char *items = *(char **)at;

			for (size_t k = 0; k < *count_of(field, data); k++)
				clear_item(field, items + k * size);
		}
		free(*(void **)at);
	}
	memset(data, 0, desc->size);
}

void mv_call_args_free(enum mv_call_id call, void *args)
{
	mv_wire_clear(mv_call_descs[call].args, args);
}

void mv_call_ret_free(enum mv_call_id call, void *ret)
{
	mv_wire_clear(mv_call_descs[call].ret, ret);
}

/* --- copying --- */

static bool copy_string(char **to, char *const *from)
{
	*to = *from ? strdup(*from) : NULL;
	return *to || !*from;
}

static bool copy_blob(struct mv_blob *to, const struct mv_blob *from)
{
	if (!from->data)
		return true;
	to->data = malloc(from->size + 1);
	if (!to->data)
		return false;
	memcpy(to->data, from->data, from->size);
	to->size = from->size;
	return true;
}

static bool copy_typed(struct mv_typed_param *to, const struct mv_typed_param *from)
{
	if (!copy_string(&to->field, &from->field))
		return false;
	if (from->type == MV_TYPED_STRING && !copy_string(&to->value.s, &from->value.s))
		return false;
	if (from->type != MV_TYPED_STRING)
		to->value = from->value;
	to->type = from->type;
	return true;
}

static bool copy_struct(const struct mv_wire_struct *desc, void *to, const void *from);

/* *to is all zero. */
static bool copy_item(const struct mv_wire_field *field, void *to, const void *from)
{
	switch (field->kind) {
	case MV_WIRE_STRING: return copy_string(to, from);
	case MV_WIRE_BLOB:
	case MV_WIRE_CHARS: return copy_blob(to, from);
	case MV_WIRE_TYPED: return copy_typed(to, from);
	case MV_WIRE_STRUCT:
		if (!field->optional)
			return copy_struct(field->type, to, from);
		if (!*(void *const *)from)
			return true;
		*(void **)to = calloc(1, field->type->size);
		return *(void **)to && copy_struct(field->type, *(void **)to, *(void *const *)from);
	default: memcpy(to, from, mv_wire_item_size(field)); return true;
	}
}

static bool copy_array(const struct mv_wire_field *field, void *to, const void *from)
{
	const char *items = *(char *const *)((const char *)from + field->offset);
	size_t count = *(const size_t *)((const char *)from + field->count_offset);
	size_t size = mv_wire_item_size(field);
	char *copies;

	if (!count)
		return true;
	copies = calloc(count, size);
	if (!copies)
		return false;
	*(char **)((char *)to + field->offset) = copies;
	*count_of(field, to) = count;
	for (size_t i = 0; i < count; i++) {
		if (!copy_item(field, copies + i * size, items + i * size))
			return false;
	}
	return true;
}

/* After a failure there is half a copy, which can be cleared. */
static bool copy_struct(const struct mv_wire_struct *desc, void *to, const void *from)
{
	for (uint32_t i = 0; i < desc->field_count; i++) {
		const struct mv_wire_field *field = &desc->fields[i];

		if (field->array ? !copy_array(field, to, from) :
				   !copy_item(field, (char *)to + field->offset, (const char *)from + field->offset))
			return false;
	}
	return true;
}

int mv_wire_copy(const struct mv_wire_struct *desc, void *to, const void *from, struct mv_error **err)
{
	memset(to, 0, desc->size);
	if (copy_struct(desc, to, from))
		return 0;
	mv_wire_clear(desc, to);
	return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a copy of '%s'", desc->name);
}
