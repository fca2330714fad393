/* Sizes as people write them: bytes, or a number with a unit. */
#ifndef MV_CONF_SIZE_H
#define MV_CONF_SIZE_H

#include <stddef.h>
#include <stdint.h>

/* "512M", "512MiB" (1024), "10GB" (1000), "4096", "4096B"; units K M G T P in either case. 0, or -1 with a static text
 * in *why that says what is wrong with it ("its unit 'Q' is not known; ..."). Any thread. */
int mv_size_parse(const char *text, uint64_t *bytes, const char **why);

/* "2 GiB", "1.5 KiB", "100 bytes": for messages. Returns buf. */
#define MV_SIZE_TEXT 32
const char *mv_size_format(uint64_t bytes, char buf[MV_SIZE_TEXT]);

#endif
