/* Errors: a code and a domain (numbered as libvirt numbers them, so that an error crosses the wire
 * unchanged), a whole sentence, and the errno behind it. */
#ifndef MV_BASE_ERROR_H
#define MV_BASE_ERROR_H

#include "engine/base/cleanup.h"

enum mv_error_code {
	MV_ERR_OK = 0,
	MV_ERR_INTERNAL = 1,
	MV_ERR_NO_MEMORY = 2,
	MV_ERR_NO_SUPPORT = 3,
	MV_ERR_INVALID_CONN = 6,
	MV_ERR_INVALID_DOMAIN = 7,
	MV_ERR_INVALID_ARG = 8,
	MV_ERR_OPERATION_FAILED = 9,
	MV_ERR_DOM_EXIST = 20,
	MV_ERR_XML = 27,
	MV_ERR_SYSTEM = 38,
	MV_ERR_NO_DOMAIN = 42,
	MV_ERR_OPERATION_DENIED = 29,
	MV_ERR_OPERATION_INVALID = 55,
	MV_ERR_CONFIG_UNSUPPORTED = 67,
	MV_ERR_OPERATION_TIMEOUT = 68,
	MV_ERR_OPERATION_ABORTED = 78,
	MV_ERR_RESOURCE_BUSY = 87,
	MV_ERR_ACCESS_DENIED = 88,
};

enum mv_error_domain {
	MV_FROM_NONE = 0,
	MV_FROM_DOM = 6,
	MV_FROM_CONF = 15,
	MV_FROM_KVM = 10, /* libvirt's number for its QEMU driver */
	MV_FROM_RPC = 7,
};

struct mv_error {
	int code;      /* enum mv_error_code */
	int domain;    /* enum mv_error_domain */
	int errnum;    /* errno, or 0 */
	char *message; /* owned; a whole sentence */
};

/* A file may define this before its includes to speak for another domain. */
#ifndef MV_ERROR_DOMAIN
#define MV_ERROR_DOMAIN MV_FROM_KVM
#endif

/* Fill *err (ignored when err is NULL; an earlier error in *err is kept, since it is nearer to the cause).
 * Always return -1, so that a caller can write `return mv_error_set(...)`. Any thread. */
#define mv_error_set(err, code, ...) mv_error_set_full(err, MV_ERROR_DOMAIN, code, 0, __VA_ARGS__)
/* The same with code MV_ERR_SYSTEM; ": " and the text of `errnum` (positive) are appended. */
#define mv_error_set_errno(err, errnum, ...) mv_error_set_full(err, MV_ERROR_DOMAIN, MV_ERR_SYSTEM, errnum, __VA_ARGS__)

int mv_error_set_full(struct mv_error **err, int domain, int code, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* The same for a message that is whole already: one that says what errnum means, or that somebody else has written. */
int mv_error_set_whole(struct mv_error **err, int domain, int code, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
void mv_error_free(struct mv_error *err);
MV_AUTO_DEFINE(mv_error, mv_error_free)

#endif
