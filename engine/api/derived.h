/* Calls that follow from others: the older forms, which clients still make, from the newer ones, and what the
 * connection knows by itself. A driver that has the older form too is asked first. */
#ifndef MV_API_DERIVED_H
#define MV_API_DERIVED_H

#include "engine/api/call.h"

/* args, ret as in mv_call(); *ret is all zero. */
typedef int (*mv_derived_fn)(struct mv_conn *conn, const void *args, void *ret, struct mv_error **err);

/* How a call is derived, or NULL. Whether it can be depends on what the driver has: it is MV_ERR_NO_SUPPORT, in the
 * name of the call that was made, when the driver lacks what it needs. */
mv_derived_fn mv_derived_find(enum mv_call_id call);

#endif
