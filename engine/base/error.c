#include "engine/base/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* What is left to say when there is no memory for the message itself. */
static struct mv_error out_of_memory = {
	.code = MV_ERR_NO_MEMORY,
	.domain = MV_FROM_NONE,
	.message = (char *)"Out of memory.",
};

/* append: the text of errnum follows the message. */
static int set(struct mv_error **err, int domain, int code, int errnum, bool append, const char *fmt, va_list args)
{
	mv_autofree char *text = NULL;
	struct mv_error *e;

	if (!err || *err)
		return -1;
	if (vasprintf(&text, fmt, args) < 0) {
		text = NULL;
		*err = &out_of_memory;
		return -1;
	}
	e = calloc(1, sizeof(*e));
	if (e && append && errnum) {
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

int mv_error_set_full(struct mv_error **err, int domain, int code, int errnum, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set(err, domain, code, errnum, true, fmt, args);
	va_end(args);
	return -1;
}

int mv_error_set_whole(struct mv_error **err, int domain, int code, int errnum, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set(err, domain, code, errnum, false, fmt, args);
	va_end(args);
	return -1;
}

void mv_error_free(struct mv_error *err)
{
	if (!err || err == &out_of_memory)
		return;
	free(err->message);
	free(err);
}
