/* Calls that follow from others: the older forms, which clients still make, from the newer ones, and what the
 * connection knows by itself. A driver that has the older form too is asked first. */
#ifndef MV_API_DERIVED_H
#define MV_API_DERIVED_H

#include "engine/api/call.h"

/* args, ret as in mv_call(); *ret is all zero, and what is in it after a failure is the caller's to free.
 * MV_ERR_NO_SUPPORT when it follows from nothing, or the driver lacks what it follows from. */
int mv_derived_call(struct mv_conn *conn, enum mv_call_id call, const void *args, void *ret, struct mv_error **err);

#endif
