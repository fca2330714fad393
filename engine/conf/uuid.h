/* UUIDs and MAC addresses as text and bytes. */
#ifndef MV_CONF_UUID_H
#define MV_CONF_UUID_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

#define MV_UUID_TEXT 37 /* with the NUL */
#define MV_MAC_TEXT 18

/* Text with or without dashes, either case. */
int mv_uuid_parse(const char *text, uint8_t uuid[16]);                      /* 0, or -1 */
const char *mv_uuid_format(const uint8_t uuid[16], char buf[MV_UUID_TEXT]); /* returns buf */
int mv_uuid_generate(uint8_t uuid[16], struct mv_error **err);              /* random (version 4) */
bool mv_uuid_is_zero(const uint8_t uuid[16]);

int mv_mac_parse(const char *text, uint8_t mac[6]); /* one or two digits each; 0, or -1 */
const char *mv_mac_format(const uint8_t mac[6], char buf[MV_MAC_TEXT]);
/* 52:54:00 and three bytes that follow from the guest's UUID and the card's number, so that a definition that is made
 * anew from the same specification keeps its addresses. */
void mv_mac_generate(const uint8_t uuid[16], unsigned index, uint8_t mac[6]);

#endif
