/* Which key codes there are, by code set (numbered as libvirt's virKeycodeSet). */
#ifndef MV_TEST_KEYCODES_H
#define MV_TEST_KEYCODES_H

#include <stdbool.h>
#include <stdint.h>

const char *mv_keycode_set_name(uint32_t set); /* "linux", ...; NULL: there is no such set */
bool mv_keycode_known(uint32_t set, uint32_t code);

#endif
