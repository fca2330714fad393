/* Values of configuration objects: their text, and what a text means. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/conf/cpuset.h"
#include "engine/conf/schema.h"
#include "engine/conf/size.h"
#include "engine/conf/suggest.h"
#include "engine/conf/uuid.h"

/* --- enums ----------------------------------------------------------------------------------------------------- */

const char *mv_conf_word(const struct mv_conf_enum *of, unsigned value)
{
	return value > 0 && value < of->count ? of->words[value] : NULL;
}

int mv_conf_word_value(const struct mv_conf_enum *of, const char *word)
{
	for (size_t i = 1; i < of->count; i++) {
		if (strcmp(of->words[i], word) == 0)
			return (int)i;
	}
	if (of->words[0] && strcmp(of->words[0], word) == 0)
		return 0;
	for (const struct mv_conf_alias *a = of->aliases; a && a->word; a++) {
		if (strcmp(a->word, word) == 0)
			return (int)a->value;
	}
	return -1;
}

/* "is not known; did you mean 'virtio'? one of: ide, fdc, virtio" */
static int unknown_word(const struct mv_conf_enum *of, const char *word, char **why)
{
	const char *near = mv_suggest(word, of->words + 1, of->count - 1);
	size_t size;
	FILE *out = open_memstream(why, &size);

	if (!out) {
		*why = NULL;
		return -1;
	}
	fputs("is not known; ", out);
	if (near)
		fprintf(out, "did you mean '%s'? ", near);
	fputs("one of: ", out);
	for (size_t i = 1; i < of->count; i++)
		fprintf(out, "%s%s", i > 1 ? ", " : "", of->words[i]);
	if (fclose(out) != 0) {
		free(*why);
		*why = NULL;
	}
	return -1;
}

/* --- reading --------------------------------------------------------------------------------------------------- */

static int wrong(char **why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int wrong(char **why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (vasprintf(why, fmt, args) < 0)
		*why = NULL;
	va_end(args);
	return -1;
}

static int out_of_range(const struct mv_conf_member *m, char **why)
{
	if (m->type == MV_CONF_T_HEX)
		return wrong(why, "is out of range; it can be from 0x%llx to 0x%llx", (unsigned long long)m->min,
			     (unsigned long long)m->max);
	return wrong(why, "is out of range; it can be from %lld to %llu", (long long)m->min,
		     (unsigned long long)m->max);
}

/* The magnitude of a number with its sign apart. */
static int read_number(const struct mv_conf_member *m, const char *text, bool *negative, uint64_t *value, char **why)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	*negative = *text == '-';
	if (*text == '-' || *text == '+')
		text++;
	if (!isxdigit((unsigned char)*text))
		return wrong(why, "is not a whole number");
	errno = 0;
	*value = strtoull(text, &end, m->base);
	if (end == text)
		return wrong(why, "is not a whole number");
	while (isspace((unsigned char)*end))
		end++;
	if (*end)
		return wrong(why, "is not a whole number");
	if (errno)
		return out_of_range(m, why);
	if (*value == 0)
		*negative = false;
	return 0;
}

static int read_signed(const struct mv_conf_member *m, const char *text, void *item, char **why)
{
	bool negative = false;
	uint64_t magnitude = 0;
	int64_t value;

	if (read_number(m, text, &negative, &magnitude, why) < 0)
		return -1;
	if (magnitude > (uint64_t)INT64_MAX + negative)
		return out_of_range(m, why);
	value = negative ? -(int64_t)(magnitude - 1) - 1 : (int64_t)magnitude;
	if (value < m->min || (value > 0 && (uint64_t)value > m->max))
		return out_of_range(m, why);
	if (m->type == MV_CONF_T_INT)
		*(int *)item = (int)value;
	else
		*(int64_t *)item = value;
	return 0;
}

static int read_unsigned(const struct mv_conf_member *m, const char *text, void *item, char **why)
{
	bool negative = false;
	uint64_t value = 0;

	if (read_number(m, text, &negative, &value, why) < 0)
		return -1;
	if (negative || value < (uint64_t)m->min || value > m->max)
		return out_of_range(m, why);
	if (m->type == MV_CONF_T_U64 || m->wide)
		*(uint64_t *)item = value;
	else
		*(unsigned *)item = (unsigned)value;
	return 0;
}

static int read_size(const struct mv_conf_member *m, const char *text, const char *unit, uint64_t *item, char **why)
{
	bool negative = false;
	uint64_t value = 0, factor = m->read_unit;

	if (read_number(m, text, &negative, &value, why) < 0)
		return -1;
	if (unit && mv_size_unit(unit, &factor) < 0)
		return wrong(
			why,
			"has the unit '%s', which is not known; units are bytes, KB, KiB, MB, MiB, GB, GiB, TB, TiB, PB, PiB, EB, EiB",
			unit);
	/* What is less than a whole unit counts as one. */
	if (negative || __builtin_mul_overflow(value, factor, &value))
		return out_of_range(m, why);
	value = value / m->unit + (value % m->unit != 0);
	if (value < (uint64_t)m->min || value > m->max)
		return out_of_range(m, why);
	*item = value;
	return 0;
}

static int read_double(const char *text, double *item, char **why)
{
	char *end;

	errno = 0;
	*item = strtod(text, &end);
	if (end == text || *end || errno || !isfinite(*item))
		return wrong(why, "is not a number");
	return 0;
}

static int read_flag(const struct mv_conf_member *m, const char *text, bool *value, char **why)
{
	bool onoff = m->type == MV_CONF_T_ONOFF || m->type == MV_CONF_T_TRI_ONOFF;

	*value = strcmp(text, onoff ? "on" : "yes") == 0;
	if (!*value && strcmp(text, onoff ? "off" : "no") != 0)
		return wrong(why, onoff ? "is neither on nor off" : "is neither yes nor no");
	return 0;
}

static int read_text(const struct mv_conf_member *m, const char *text, size_t len, char **item, char **why)
{
	char *copy;

	if (m->flags & MV_CONF_TRIM) {
		while (len > 0 && isspace((unsigned char)*text)) {
			text++;
			len--;
		}
		while (len > 0 && isspace((unsigned char)text[len - 1]))
			len--;
	}
	copy = malloc(len + 1);
	if (!copy) {
		*why = NULL;
		return -1;
	}
	memcpy(copy, text, len);
	copy[len] = 0;
	free(*item);
	*item = copy;
	return 0;
}

static int read_ip(const char *text, char **why)
{
	unsigned char address[16];

	if (inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, address) != 1)
		return wrong(why, "is not an IP address");
	return 0;
}

static int read_enum(const struct mv_conf_member *m, const char *text, unsigned *item, char **why)
{
	int value = mv_conf_word_value(m->of, text);

	if (value < 0)
		return unknown_word(m->of, text, why);
	*item = (unsigned)value;
	return 0;
}

int mv_conf_value_read(const struct mv_conf_member *m, const char *text, size_t len, const char *unit, void *item,
		       char **why)
{
	bool flag = false;

	switch ((enum mv_conf_type)m->type) {
	case MV_CONF_T_IP:
		if (read_ip(text, why) < 0)
			return -1;
		return read_text(m, text, len, item, why);
	case MV_CONF_T_STRING:
	case MV_CONF_T_PATH: return read_text(m, text, len, item, why);
	case MV_CONF_T_CPUSET: return mv_cpuset_read(text, item, why);
	case MV_CONF_T_INT:
	case MV_CONF_T_I64: return read_signed(m, text, item, why);
	case MV_CONF_T_UINT:
	case MV_CONF_T_U64:
	case MV_CONF_T_HEX: return read_unsigned(m, text, item, why);
	case MV_CONF_T_SIZE: return read_size(m, text, unit, item, why);
	case MV_CONF_T_DOUBLE: return read_double(text, item, why);
	case MV_CONF_T_BOOL:
	case MV_CONF_T_ONOFF: return read_flag(m, text, item, why);
	case MV_CONF_T_EMPTY: *(bool *)item = true; return 0;
	case MV_CONF_T_TRI_BOOL:
	case MV_CONF_T_TRI_ONOFF:
		if (read_flag(m, text, &flag, why) < 0)
			return -1;
		*(enum mv_tri *)item = flag ? MV_TRI_YES : MV_TRI_NO;
		return 0;
	case MV_CONF_T_ENUM: return read_enum(m, text, item, why);
	case MV_CONF_T_UUID:
		return mv_uuid_parse(text, item) < 0 ?
			wrong(why, "is not a UUID (32 hexadecimal digits, with dashes or without)") :
			0;
	case MV_CONF_T_MAC:
		return mv_mac_parse(text, item) < 0 ? wrong(why, "is not a MAC address (like 52:54:00:12:34:56)") : 0;
	case MV_CONF_T_NONE: break;
	}
	return wrong(why, "has no value");
}

/* --- writing --------------------------------------------------------------------------------------------------- */

/* The largest unit that divides a size: the size in it. */
static uint64_t pretty(uint64_t bytes, const char **unit)
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned i = 0;

	for (; bytes > 0 && bytes % 1024 == 0; i++)
		bytes /= 1024;
	*unit = names[i];
	return bytes;
}

const char *mv_conf_size_unit(const struct mv_conf_member *m, const void *item)
{
	const char *unit = m->unit_name;

	if (m->flags & MV_CONF_PRETTY)
		pretty(*(const uint64_t *)item, &unit);
	return unit;
}

static uint64_t size_written(const struct mv_conf_member *m, const void *item)
{
	const char *unit;

	return m->flags & MV_CONF_PRETTY ? pretty(*(const uint64_t *)item, &unit) : *(const uint64_t *)item;
}

const char *mv_conf_value_text(const struct mv_conf_member *m, const void *item, char buf[MV_CONF_VALUE_TEXT])
{
	switch ((enum mv_conf_type)m->type) {
	case MV_CONF_T_STRING:
	case MV_CONF_T_PATH:
	case MV_CONF_T_IP:
	case MV_CONF_T_CPUSET: return *(const char *const *)item;
	case MV_CONF_T_INT: snprintf(buf, MV_CONF_VALUE_TEXT, "%d", *(const int *)item); return buf;
	case MV_CONF_T_UINT: snprintf(buf, MV_CONF_VALUE_TEXT, "%u", *(const unsigned *)item); return buf;
	case MV_CONF_T_I64: snprintf(buf, MV_CONF_VALUE_TEXT, "%lld", (long long)*(const int64_t *)item); return buf;
	case MV_CONF_T_U64:
	case MV_CONF_T_SIZE:
		snprintf(buf, MV_CONF_VALUE_TEXT, "%llu", (unsigned long long)size_written(m, item));
		return buf;
	case MV_CONF_T_HEX:
		snprintf(buf, MV_CONF_VALUE_TEXT, "0x%0*llx", m->width,
			 m->wide ? (unsigned long long)*(const uint64_t *)item : *(const unsigned *)item);
		return buf;
	case MV_CONF_T_DOUBLE: snprintf(buf, MV_CONF_VALUE_TEXT, "%.15g", *(const double *)item); return buf;
	case MV_CONF_T_BOOL: return *(const bool *)item ? "yes" : "no";
	case MV_CONF_T_ONOFF: return *(const bool *)item ? "on" : "off";
	case MV_CONF_T_EMPTY: return "";
	case MV_CONF_T_TRI_BOOL: return *(const enum mv_tri *)item == MV_TRI_YES ? "yes" : "no";
	case MV_CONF_T_TRI_ONOFF: return *(const enum mv_tri *)item == MV_TRI_YES ? "on" : "off";
	case MV_CONF_T_ENUM: return mv_conf_word(m->of, *(const unsigned *)item);
	case MV_CONF_T_UUID: return mv_uuid_format(item, buf);
	case MV_CONF_T_MAC: return mv_mac_format(item, buf);
	case MV_CONF_T_NONE: break;
	}
	return NULL;
}

static uint64_t number_of(const struct mv_conf_member *m, const void *item)
{
	switch ((enum mv_conf_type)m->type) {
	case MV_CONF_T_INT: return (uint64_t) * (const int *)item;
	case MV_CONF_T_I64: return (uint64_t) * (const int64_t *)item;
	case MV_CONF_T_U64:
	case MV_CONF_T_SIZE: return *(const uint64_t *)item;
	case MV_CONF_T_HEX: return m->wide ? *(const uint64_t *)item : *(const unsigned *)item;
	case MV_CONF_T_BOOL:
	case MV_CONF_T_ONOFF:
	case MV_CONF_T_EMPTY: return *(const bool *)item;
	case MV_CONF_T_UINT:
	case MV_CONF_T_TRI_BOOL:
	case MV_CONF_T_TRI_ONOFF:
	case MV_CONF_T_ENUM: return *(const unsigned *)item;
	default: return 0;
	}
}

static bool is_default(const struct mv_conf_member *m, const void *item)
{
	if (m->type >= MV_CONF_T_STRING && m->type <= MV_CONF_T_IP) {
		const char *text = *(const char *const *)item;

		return text && strcmp(text, m->value.text) == 0;
	}
	return number_of(m, item) == m->value.number;
}

bool mv_conf_is_given(const struct mv_conf_member *m, const void *def)
{
	static const uint8_t zero[16];
	const void *item = (const char *)def + m->offset;

	if (m->flags & MV_CONF_HAS && !*(const bool *)((const char *)def + m->has_offset))
		return false;
	if (m->flags & MV_CONF_QUIET && is_default(m, item))
		return false;
	switch ((enum mv_conf_type)m->type) {
	case MV_CONF_T_STRING:
	case MV_CONF_T_PATH:
	case MV_CONF_T_IP:
	case MV_CONF_T_CPUSET: return *(const char *const *)item != NULL;
	case MV_CONF_T_EMPTY: return *(const bool *)item;
	case MV_CONF_T_BOOL:
	case MV_CONF_T_ONOFF: return *(const bool *)item || m->flags & (MV_CONF_DEFAULT | MV_CONF_REQUIRED);
	case MV_CONF_T_TRI_BOOL:
	case MV_CONF_T_TRI_ONOFF: return *(const enum mv_tri *)item != MV_TRI_NONE;
	case MV_CONF_T_ENUM: return mv_conf_word(m->of, *(const unsigned *)item) != NULL;
	case MV_CONF_T_UUID: return memcmp(item, zero, 16) != 0;
	case MV_CONF_T_MAC: return memcmp(item, zero, 6) != 0;
	case MV_CONF_T_NONE: return false;
	default: return true;
	}
}

size_t mv_conf_value_size(const struct mv_conf_member *m)
{
	switch ((enum mv_conf_type)m->type) {
	case MV_CONF_T_INT: return sizeof(int);
	case MV_CONF_T_I64: return sizeof(int64_t);
	case MV_CONF_T_U64:
	case MV_CONF_T_SIZE: return sizeof(uint64_t);
	case MV_CONF_T_HEX: return m->wide ? sizeof(uint64_t) : sizeof(unsigned);
	case MV_CONF_T_DOUBLE: return sizeof(double);
	case MV_CONF_T_BOOL:
	case MV_CONF_T_ONOFF:
	case MV_CONF_T_EMPTY: return sizeof(bool);
	case MV_CONF_T_UINT:
	case MV_CONF_T_TRI_BOOL:
	case MV_CONF_T_TRI_ONOFF:
	case MV_CONF_T_ENUM: return sizeof(unsigned);
	case MV_CONF_T_UUID: return 16;
	case MV_CONF_T_MAC: return 6;
	default: return sizeof(char *);
	}
}

void mv_conf_value_free(const struct mv_conf_member *m, void *item)
{
	if (m->type >= MV_CONF_T_STRING && m->type <= MV_CONF_T_IP) {
		free(*(char **)item);
		*(char **)item = NULL;
	}
}

int mv_conf_value_default(const struct mv_conf_member *m, void *def)
{
	void *item = (char *)def + m->offset;

	switch ((enum mv_conf_type)m->type) {
	case MV_CONF_T_STRING:
	case MV_CONF_T_PATH:
	case MV_CONF_T_IP:
	case MV_CONF_T_CPUSET: {
		char *text = strdup(m->value.text);

		if (!text)
			return -1;
		free(*(char **)item);
		*(char **)item = text;
		break;
	}
	case MV_CONF_T_INT: *(int *)item = (int)m->value.number; break;
	case MV_CONF_T_I64: *(int64_t *)item = (int64_t)m->value.number; break;
	case MV_CONF_T_U64:
	case MV_CONF_T_SIZE: *(uint64_t *)item = m->value.number; break;
	case MV_CONF_T_HEX:
		if (m->wide)
			*(uint64_t *)item = m->value.number;
		else
			*(unsigned *)item = (unsigned)m->value.number;
		break;
	case MV_CONF_T_BOOL:
	case MV_CONF_T_ONOFF: *(bool *)item = m->value.number != 0; break;
	case MV_CONF_T_UINT:
	case MV_CONF_T_TRI_BOOL:
	case MV_CONF_T_TRI_ONOFF:
	case MV_CONF_T_ENUM: *(unsigned *)item = (unsigned)m->value.number; break;
	default: break;
	}
	return 0;
}
