/* Connection URIs: scheme://authority/path?name=value&... */
#ifndef MV_API_URI_H
#define MV_API_URI_H

#include <stddef.h>

#include "engine/base/error.h"

struct mv_uri_parameter {
	char *name, *value;
};

struct mv_uri {
	char *text;                      /* as it was given */
	char *scheme, *authority, *path; /* decoded; authority and path may be empty */
	struct mv_uri_parameter *parameters;
	size_t parameter_count;
};

int mv_uri_parse(const char *text, struct mv_uri **out, struct mv_error **err); /* *out owned by the caller */
void mv_uri_free(struct mv_uri *uri);
MV_AUTO_DEFINE(mv_uri, mv_uri_free)

/* The value of a parameter, or NULL. */
const char *mv_uri_get(const struct mv_uri *uri, const char *name);

#endif
