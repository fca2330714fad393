/* CRC32C (Castagnoli), as iSCSI and ext4 use it: reflected polynomial 0x82f63b78, initial value and final XOR all ones.
 */
#ifndef MV_BASE_CRC32C_H
#define MV_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues `crc` (0 at first) over len bytes. Any thread. */
uint32_t mv_crc32c(uint32_t crc, const void *data, size_t len);

#endif
