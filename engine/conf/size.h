/* Sizes as people write them: bytes, or a number with a unit. */
#ifndef MV_CONF_SIZE_H
#define MV_CONF_SIZE_H

#include <stddef.h>
#include <stdint.h>

/* "512M", "512MiB" (1024), "10GB" (1000), "4096", "4096B"; units K M G T P E in either case. 0, or -1 with a static
 * text in *why that says what is wrong with it ("its unit 'Q' is not known; ..."). Any thread. */
int mv_size_parse(const char *text, uint64_t *bytes, const char **why);

/* The bytes in a unit: "" and "b" and "bytes" 1, "k", "KiB" 1024, "KB" 1000, and so on. 0, or -1: not known. */
int mv_size_unit(const char *unit, uint64_t *factor);

/* "2 GiB", "1.5 KiB", "100 bytes": for messages. Returns buf. */
#define MV_SIZE_TEXT 32
const char *mv_size_format(uint64_t bytes, char buf[MV_SIZE_TEXT]);

#endif
