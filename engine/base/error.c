#include "engine/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What is left to say when there is no memory for the message itself. */
static struct mv_error out_of_memory = {
	.code = MV_ERR_NO_MEMORY,
	.domain = MV_FROM_NONE,
	.message = (char *)"Out of memory.",
};

int mv_error_set_full(struct mv_error **err, int domain, int code, int errnum, const char *fmt, ...)
{
	mv_autofree char *text = NULL;
	struct mv_error *e;
	va_list args;
	int n;

	if (!err || *err)
		return -1;
	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0) {
		text = NULL;
		*err = &out_of_memory;
		return -1;
	}
	e = calloc(1, sizeof(*e));
	if (e && errnum) {
		char *whole;

		e->message = asprintf(&whole, "%s: %s", text, strerror(errnum)) < 0 ? NULL : whole;
	} else if (e) {
		e->message = mv_steal(text);
	}
	if (!e || !e->message) {
		free(e);
		*err = &out_of_memory;
		return -1;
	}
	e->code = code;
	e->domain = domain;
	e->errnum = errnum;
	*err = e;
	return -1;
}

void mv_error_free(struct mv_error *err)
{
	if (!err || err == &out_of_memory)
		return;
	free(err->message);
	free(err);
}
