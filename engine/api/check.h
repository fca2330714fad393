/* What libvirt's functions check of their arguments before a driver sees them, in its words. */
#ifndef MV_API_CHECK_H
#define MV_API_CHECK_H

#include "engine/api/call.h"

/* The value of an integer argument (of an array: how many items), 0 when the call has none of that name. */
int64_t mv_argument(const struct mv_call_desc *desc, const void *args, const char *name);
/* MV_ERR_INVALID_ARG: "memory in virDomainSetMemory must not be zero". A driver may rely on what this refuses. */
int mv_call_check(enum mv_call_id call, const void *args, struct mv_error **err);

#endif
