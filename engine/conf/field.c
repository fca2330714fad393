#define MV_ERROR_DOMAIN MV_FROM_CONF
#include "engine/conf/field.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t format_key(const struct mv_key *key, char *buf, size_t size)
{
	size_t len = 0;
	int n;

	if (!key || (!key->name && !key->index))
		return 0;
	if (key->parent)
		len = format_key(key->parent, buf, size);
	if (len >= size)
		return len;
	if (key->index)
		n = snprintf(buf + len, size - len, "[%zu]", key->index);
	else
		n = snprintf(buf + len, size - len, "%s%s", len ? "." : "", key->name);
	return n < 0 ? len : len + (size_t)n;
}

int mv_key_error(struct mv_error **err, const struct mv_key *key, int code, const char *fmt, ...)
{
	mv_autofree char *text = NULL;
	char path[256] = "";
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory while a specification was read");
	}
	format_key(key, path, sizeof(path));
	return mv_error_set(err, code, "%s%s%s", path, path[0] ? ": " : "", text);
}

int mv_object_preset(const struct mv_object *object, void *data, struct mv_error **err)
{
	memset(data, 0, object->size);
	for (const struct mv_field *f = object->fields; f->name; f++) {
		void *at = mv_field_at(f, data);

		switch (f->type) {
		case MV_FIELD_BOOL: *(bool *)at = f->preset; break;
		case MV_FIELD_NUMBER:
		case MV_FIELD_ENUM: *(uint32_t *)at = (uint32_t)f->preset; break;
		case MV_FIELD_SIZE: *(uint64_t *)at = f->preset; break;
		case MV_FIELD_OBJECT:
		case MV_FIELD_DEVICE:
			if (mv_object_preset(f->object, at, err) < 0)
				return -1;
			if (f->type == MV_FIELD_DEVICE)
				*(bool *)at = f->preset;
			break;
		case MV_FIELD_LIST:
			for (uint64_t i = 0; i < f->preset; i++) {
				if (!mv_list_append(f, data, err))
					return -1;
			}
			break;
		default: break;
		}
	}
	return 0;
}

static void clear_list(const struct mv_field *f, void *data)
{
	char *items = *(char **)mv_field_at(f, data);
	size_t count = *mv_field_count(f, data);

	for (size_t i = 0; i < count; i++)
		mv_object_clear(f->object, items + i * f->object->size);
	free(items);
}

static void clear_features(const struct mv_field *f, void *data)
{
	struct mv_feature_conf *features = *(struct mv_feature_conf **)mv_field_at(f, data);
	size_t count = *mv_field_count(f, data);

	for (size_t i = 0; i < count; i++)
		free(features[i].name);
	free(features);
}

void mv_object_clear(const struct mv_object *object, void *data)
{
	for (const struct mv_field *f = object->fields; f->name; f++) {
		void *at = mv_field_at(f, data);

		switch (f->type) {
		case MV_FIELD_STRING:
		case MV_FIELD_PATH:
		case MV_FIELD_ANY: free(*(char **)at); break;
		case MV_FIELD_OBJECT:
		case MV_FIELD_DEVICE: mv_object_clear(f->object, at); break;
		case MV_FIELD_LIST: clear_list(f, data); break;
		case MV_FIELD_FEATURES: clear_features(f, data); break;
		default: break;
		}
	}
	memset(data, 0, object->size);
}

void *mv_list_append(const struct mv_field *list, void *data, struct mv_error **err)
{
	size_t *count = mv_field_count(list, data);
	void **items = mv_field_at(list, data);
	void *grown = reallocarray(*items, *count + 1, list->object->size);
	void *element;

	if (!grown) {
		mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory while a specification was read");
		return NULL;
	}
	*items = grown;
	element = (char *)grown + *count * list->object->size;
	if (mv_object_preset(list->object, element, err) < 0) {
		mv_object_clear(list->object, element);
		return NULL;
	}
	(*count)++;
	return element;
}
