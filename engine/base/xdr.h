/* XDR (RFC 4506), one visitor for both directions: the same function encodes and decodes a message, so that the two
 * cannot drift apart. Errors are sticky: after one, every call does nothing and mv_xdr_ok() is false. */
#ifndef MV_BASE_XDR_H
#define MV_BASE_XDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mv_xdr {
	bool decoding;
	bool failed;
	const uint8_t *in; /* decoding: borrowed */
	uint8_t *out;      /* encoding: owned, see mv_xdr_take() */
	size_t size;       /* bytes in `in`, or written to `out` */
	size_t capacity;
	size_t pos; /* decoding: next byte */
};

void mv_xdr_encoder(struct mv_xdr *x);
void mv_xdr_decoder(struct mv_xdr *x, const void *data, size_t size); /* data borrowed */
void mv_xdr_release(struct mv_xdr *x);

bool mv_xdr_ok(const struct mv_xdr *x);
bool mv_xdr_done(const struct mv_xdr *x); /* decoding: no error and nothing left over */
void mv_xdr_fail(struct mv_xdr *x);

void mv_xdr_u32(struct mv_xdr *x, uint32_t *v);
void mv_xdr_i32(struct mv_xdr *x, int32_t *v);
void mv_xdr_u64(struct mv_xdr *x, uint64_t *v);
void mv_xdr_bool(struct mv_xdr *x, bool *v);                     /* anything but 0 and 1 is an error */
void mv_xdr_enum(struct mv_xdr *x, uint32_t *v, uint32_t limit); /* values 0..limit-1 */
void mv_xdr_opaque(struct mv_xdr *x, void *data, size_t len);    /* fixed length, padded to 4 */
/* A string of at most `max` bytes without NUL inside; decoded: *s owned by the caller, freed first. NULL encodes as
 * "absent" (an optional string), which is not the empty string. */
void mv_xdr_string(struct mv_xdr *x, char **s, size_t max);
/* The number of elements of an array, at most max; decoding: allocates *array of zeroed elements. */
void mv_xdr_array(struct mv_xdr *x, void **array, uint32_t *count, size_t element, uint32_t max);

#endif
