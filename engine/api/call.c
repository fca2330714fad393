/* Making calls: what the API checks before a driver sees them. */
#include "engine/api/call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/api/check.h"
#include "engine/api/conn.h"
#include "engine/api/derived.h"
#include "engine/api/stream.h"

enum mv_call_id mv_call_find(const char *name)
{
	for (int i = MV_CALL_NONE + 1; i < MV_CALL_LAST; i++) {
		if (strcmp(mv_call_descs[i].name, name) == 0)
			return (enum mv_call_id)i;
	}
	return MV_CALL_NONE;
}

bool mv_calls_have(const struct mv_calls *calls, enum mv_call_id call)
{
	void (*slot)(void);

	if (!calls || mv_call_descs[call].event)
		return false;
	memcpy(&slot, (const char *)calls + mv_call_descs[call].slot, sizeof(slot));
	return slot;
}

/* libvirt's name, or ours for what has none there. */
static const char *function(const struct mv_call_desc *desc)
{
	return desc->function ? desc->function : desc->name;
}

static int no_support(const struct mv_call_desc *desc, struct mv_error **err)
{
	return mv_error_set_whole(err, desc->error_domain, MV_ERR_NO_SUPPORT, 0,
				  "this function is not supported by the connection driver: %s", function(desc));
}

/* Who may only read gets libvirt's answers. */
static int check_reader(const struct mv_call_desc *desc, const void *args, struct mv_error **err)
{
	uint64_t flags = (uint64_t)mv_argument(desc, args, "flags");

	if (!desc->reads || (flags & desc->write_flags) ||
	    (desc->write_field && mv_argument(desc, args, desc->write_field) == desc->write_value))
		return mv_error_set_whole(err, desc->error_domain, MV_ERR_OPERATION_DENIED, 0,
					  "operation forbidden: read only access prevents %s", function(desc));
	if (flags & desc->secure_flags)
		return mv_error_set_whole(err, desc->error_domain, MV_ERR_OPERATION_DENIED, 0,
					  "operation forbidden: %s with secure flag", function(desc));
	return 0;
}

static void be_slow(unsigned milliseconds)
{
	struct timespec left = { .tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

static int invoke(struct mv_conn *conn, enum mv_call_id call, const void *args, void *ret, struct mv_stream **stream,
		  struct mv_error **err)
{
	const struct mv_call_desc *desc = &mv_call_descs[call];
	const struct mv_calls *calls = conn->drv->ops->calls;

	if (conn->read_only && check_reader(desc, args, err) < 0)
		return -1;
	if (mv_call_check(call, args, err) < 0)
		return -1;
	if (conn->drv->delay_ms)
		be_slow(conn->drv->delay_ms);
	if (mv_calls_have(calls, call))
		return mv_calls_invoke(calls, call, conn->drv, args, ret, stream, err);
	if (stream)
		return no_support(desc, err);
	return mv_derived_call(conn, call, args, ret, err);
}

int mv_call_stream(struct mv_conn *conn, enum mv_call_id call, const void *args, void *ret, struct mv_stream **stream,
		   struct mv_error **err)
{
	mv_auto(mv_error) why = NULL;
	const struct mv_call_desc *desc;

	if (call <= MV_CALL_NONE || call >= MV_CALL_LAST || mv_call_descs[call].event)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "There is no call with the number %d", (int)call);
	desc = &mv_call_descs[call];
	if (!desc->stream != !stream)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "The call '%s' opens %s stream", desc->name,
				    desc->stream ? "a" : "no");
	if (desc->ret)
		memset(ret, 0, desc->ret->size);
	if (stream)
		*stream = NULL;
	if (invoke(conn, call, args, ret, stream, &why) < 0) {
		mv_wire_clear(desc->ret, ret);
		if (stream)
			mv_stream_free(mv_steal(*stream));
		/* What a derived call could not find is missing to the call that was made. */
		if (why && why->code == MV_ERR_NO_SUPPORT && !mv_calls_have(conn->drv->ops->calls, call))
			return no_support(desc, err);
		if (err && !*err)
			*err = mv_steal(why);
		return -1;
	}
	return 0;
}

int mv_call(struct mv_conn *conn, enum mv_call_id call, const void *args, void *ret, struct mv_error **err)
{
	return mv_call_stream(conn, call, args, ret, NULL, err);
}
