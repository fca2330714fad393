/* The state visitor: what a device or vCPU must keep over save and restore, field by field. One function of the device
 * both saves and loads. A field is a tag (unique within its section, in ascending order of visit), a length and
 * little-endian bytes; a section has a name, a version and a CRC32C (see image.h). Errors are sticky. */
#ifndef MV_KVM_COMMON_STATE_H
#define MV_KVM_COMMON_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

struct mv_state;

/* A saver collects a section's body; a loader reads one. `name` and data are borrowed. */
int mv_state_saver(const char *section, uint32_t version, struct mv_state **out, struct mv_error **err);
int mv_state_loader(const char *section, uint32_t version, const void *body, size_t size, struct mv_state **out,
		    struct mv_error **err);
void mv_state_free(struct mv_state *st);
MV_AUTO_DEFINE(mv_state, mv_state_free)

bool mv_state_loading(const struct mv_state *st);
/* The version that is written, or that was read. */
uint32_t mv_state_version(const struct mv_state *st);
const void *mv_state_body(const struct mv_state *st, size_t *size); /* saver; borrowed */
/* 0, or -1 with the first failure; loading, also when fields are left over. */
int mv_state_finish(struct mv_state *st, struct mv_error **err);
/* Loading: the device found a value that cannot be. Saving: the device cannot be saved. */
void mv_state_fail(struct mv_state *st, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool mv_state_ok(const struct mv_state *st);

void mv_state_u8(struct mv_state *st, uint16_t tag, uint8_t *v);
void mv_state_u16(struct mv_state *st, uint16_t tag, uint16_t *v);
void mv_state_u32(struct mv_state *st, uint16_t tag, uint32_t *v);
void mv_state_u64(struct mv_state *st, uint16_t tag, uint64_t *v);
void mv_state_bool(struct mv_state *st, uint16_t tag, bool *v);
/* Exactly len bytes. */
void mv_state_bytes(struct mv_state *st, uint16_t tag, void *data, size_t len);
/* 0..max bytes; loading: *data is freed and becomes an allocation of *len bytes (NULL when 0). */
void mv_state_blob(struct mv_state *st, uint16_t tag, void **data, size_t *len, size_t max);

#endif
