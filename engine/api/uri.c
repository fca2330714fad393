#include "engine/api/uri.h"

#include <stdlib.h>
#include <string.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

/* Decodes %XX. NULL for a bad one (also %00), and when memory is out. */
static char *decode(const char *text, size_t len)
{
	char *out = malloc(len + 1);
	size_t n = 0;

	for (size_t i = 0; out && i < len; i++) {
		if (text[i] == '%') {
			int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
			int low = high < 0 ? -1 : hex_digit(text[i + 2]);

			if (low < 0 || (high == 0 && low == 0)) {
				free(out);
				return NULL;
			}
			out[n++] = (char)(high << 4 | low);
			i += 2;
		} else {
			out[n++] = text[i];
		}
	}
	if (out)
		out[n] = 0;
	return out;
}

static int parse_parameters(struct mv_uri *uri, const char *query)
{
	size_t count = 1;

	for (const char *p = query; *p; p++)
		count += *p == '&';
	uri->parameters = calloc(count, sizeof(*uri->parameters));
	if (!uri->parameters)
		return -1;
	while (*query) {
		size_t len = strcspn(query, "&");
		const char *equals = memchr(query, '=', len);
		size_t name_len = equals ? (size_t)(equals - query) : len;
		struct mv_uri_parameter *p = &uri->parameters[uri->parameter_count];

		if (len) {
			uri->parameter_count++;
			p->name = decode(query, name_len);
			p->value = equals ? decode(equals + 1, len - name_len - 1) : strdup("");
			if (!p->name || !p->value)
				return -1;
		}
		query += len + (query[len] == '&');
	}
	return 0;
}

int mv_uri_parse(const char *text, struct mv_uri **out, struct mv_error **err)
{
	mv_auto(mv_uri) uri = calloc(1, sizeof(*uri));
	const char *colon = strstr(text, "://");
	const char *authority, *path;
	size_t authority_len, path_len;

	if (!colon || colon == text)
		return mv_error_set(err, MV_ERR_INVALID_ARG,
				    "'%.100s' is not a connection URI, which looks like kvm:///embed?root=/srv/guests",
				    text);
	authority = colon + 3;
	authority_len = strcspn(authority, "/?");
	path = authority + authority_len;
	path_len = strcspn(path, "?");
	if (!uri)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a connection");
	uri->text = strdup(text);
	uri->scheme = strndup(text, (size_t)(colon - text));
	uri->authority = decode(authority, authority_len);
	uri->path = decode(path, path_len);
	if (!uri->text || !uri->scheme || !uri->authority || !uri->path ||
	    parse_parameters(uri, path[path_len] ? path + path_len + 1 : "") < 0)
		return mv_error_set(
			err, MV_ERR_INVALID_ARG,
			"The connection URI '%.100s' cannot be decoded: '%%' must be followed by two hexadecimal digits",
			text);
	*out = mv_steal(uri);
	return 0;
}

void mv_uri_free(struct mv_uri *uri)
{
	if (!uri)
		return;
	for (size_t i = 0; i < uri->parameter_count; i++) {
		free(uri->parameters[i].name);
		free(uri->parameters[i].value);
	}
	free(uri->parameters);
	free(uri->text);
	free(uri->scheme);
	free(uri->authority);
	free(uri->path);
	free(uri);
}

const char *mv_uri_get(const struct mv_uri *uri, const char *name)
{
	for (size_t i = 0; i < uri->parameter_count; i++) {
		if (strcmp(uri->parameters[i].name, name) == 0)
			return uri->parameters[i].value;
	}
	return NULL;
}
