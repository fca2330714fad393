/* Sets of processors: as bits, as calls carry them, and as text ("0-3,5"), as definitions have them. */
#ifndef MV_TEST_CPUMAP_H
#define MV_TEST_CPUMAP_H

#include "engine/api/call_types.h"
#include "engine/base/error.h"

/* Replaces *set (owned) by the text of the bits. */
int mv_cpumap_text(const struct mv_blob *map, char **set, struct mv_error **err);
/* Sets the bits of `set` in len bytes, which are zero; what does not fit is left out. */
void mv_cpumap_fill(const char *set, uint8_t *map, size_t len);
/* Sets the lowest `count` bits. */
void mv_cpumap_fill_all(unsigned count, uint8_t *map, size_t len);

#endif
