/* What the checks of several kinds of objects share. For files below engine/conf only. */
#ifndef MV_CONF_CHECK_H
#define MV_CONF_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/conf/schema.h"

/* An address of either family in network order. */
struct mv_conf_addr {
	int family; /* AF_INET, AF_INET6 */
	uint8_t bytes[16];
};

/* 0, or -1 when the text is no address. */
int mv_conf_addr_parse(const char *text, struct mv_conf_addr *addr);
/* 32 or 128. */
unsigned mv_conf_addr_bits(const struct mv_conf_addr *addr);
/* Bits of a netmask that is one, -1 for others. */
int mv_conf_netmask_prefix(const char *text);
/* Are the first `prefix` bits the same? False for different families. */
bool mv_conf_addr_same_network(const struct mv_conf_addr *a, const struct mv_conf_addr *b, unsigned prefix);
/* Are all bits behind the first `prefix` `bit`? */
bool mv_conf_addr_rest_is(const struct mv_conf_addr *addr, unsigned prefix, unsigned bit);
/* b - a; a negative distance is -1, one of more than 32 bits INT64_MAX. Same family. */
int64_t mv_conf_addr_distance(const struct mv_conf_addr *a, const struct mv_conf_addr *b);

/* Brings the text of an address, which may be NULL, to its usual form ("fd00:0::1" is "fd00::1"). Others stay as they
 * are. */
int mv_conf_clean_addr(char **text, struct mv_error **err);

/* strdup() with an error. Frees what *to held. */
int mv_conf_set_text(char **to, const char *text, struct mv_error **err);
/* Removes double slashes and the one at the end, in place. */
void mv_conf_clean_path(char *path);
/* A name that becomes the name of a file: not NULL, not empty, no '/'. `what` is for the message ("pool"). */
int mv_conf_check_name(const char *name, const char *what, const struct mv_conf_at *at, struct mv_error **err);
/* Makes one when it is all zero. */
int mv_conf_complete_uuid(uint8_t uuid[16], struct mv_error **err);

#endif
