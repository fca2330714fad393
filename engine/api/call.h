/* Calls: what libvirt's API can do, as data. Each has a number (enum mv_call_id), a structure of arguments, one of
 * results, and descriptions of both, from engine/api/calls.lua; drivers implement them (struct mv_calls), and Lua and
 * the wire make them, without a function for each. */
#ifndef MV_API_CALL_H
#define MV_API_CALL_H

#include "calls.h"
#include "engine/base/error.h"

struct mv_conn;

struct mv_call_desc {
	const char *name;     /* "domain_set_memory_flags" */
	const char *function; /* libvirt's name: "virDomainSetMemoryFlags"; NULL: it has none */
	uint16_t number;      /* of the procedure on the wire, in its program */
	uint8_t program;      /* 0: remote, 1: qemu */
	bool priority;        /* to be served even when all ordinary workers are busy */
	bool event;           /* sent by the server; has msg only */
	char stream;          /* 'r': gives a stream to read from, 'w': one to write to; 0: none */
	/* Whom the API lets do it: a reader, when `reads`, unless an argument asks for more. */
	bool reads;
	uint32_t write_flags, secure_flags; /* values of the argument `flags` that a reader may not give */
	uint32_t write_value;
	const char *write_field; /* an argument that a reader may not give as write_value; or NULL */
	const char *permission;  /* "domain:read,domain:read_secure:VIR_DOMAIN_XML_SECURE" */
	int error_domain;        /* enum mv_error_domain */
	int event_id;            /* of an event that can be listened to: virDomainEventID, ...; else -1 */
	const struct mv_wire_struct *args, *ret, *msg; /* NULL: there are none */
	size_t slot;                                   /* offset in struct mv_calls */
};

/* By enum mv_call_id; entry MV_CALL_NONE is empty. */
extern const struct mv_call_desc mv_call_descs[MV_CALL_LAST];

/* The call of that name ("domain_set_memory_flags"), or MV_CALL_NONE. */
enum mv_call_id mv_call_find(const char *name);

/* Makes a call. args and ret point to the call's structures (NULL where it has none); *ret is overwritten, and is the
 * caller's to free with mv_call_ret_free() after success; after a failure it is empty. A call that opens a stream fails
 * here (MV_ERR_INVALID_ARG): see mv_call_stream(). Connection's thread.
 * Errors: MV_ERR_NO_SUPPORT, MV_ERR_OPERATION_DENIED on a read-only connection, and the driver's. */
int mv_call(struct mv_conn *conn, enum mv_call_id call, const void *args, void *ret, struct mv_error **err);
/* The same for a call that opens a stream: *stream is owned by the caller (engine/api/stream.h). */
int mv_call_stream(struct mv_conn *conn, enum mv_call_id call, const void *args, void *ret, struct mv_stream **stream,
		   struct mv_error **err);

/* Frees what the structures own and clears them (not the structures themselves). Accept NULL. */
void mv_wire_clear(const struct mv_wire_struct *desc, void *data);
void mv_call_args_free(enum mv_call_id call, void *args);
void mv_call_ret_free(enum mv_call_id call, void *ret);
/* Fills *to, as raw memory, with an independent copy of *from; after a failure *to is empty. */
int mv_wire_copy(const struct mv_wire_struct *desc, void *to, const void *from, struct mv_error **err);

/* Bytes of one item of a field (of an array: of one of its items). */
size_t mv_wire_item_size(const struct mv_wire_field *field);

/* Whether the driver's table has the slot of a call. */
bool mv_calls_have(const struct mv_calls *calls, enum mv_call_id call);
/* Calls a slot, which must be there. */
int mv_calls_invoke(const struct mv_calls *calls, enum mv_call_id call, struct mv_driver *drv, const void *args,
		    void *ret, struct mv_stream **stream, struct mv_error **err);

#endif
