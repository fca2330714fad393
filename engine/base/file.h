/* Whole reads and writes: what the system calls do in pieces. */
#ifndef MV_BASE_FILE_H
#define MV_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/error.h"

/* Reads up to len bytes at offset; fewer only at the end of the file. The count, or -errno. */
ssize_t mv_file_read_at(int fd, void *buf, size_t len, uint64_t offset);
/* Writes all of it, or fails with what could not be written; `what` names the file in the message. */
int mv_file_write_at(int fd, const void *buf, size_t len, uint64_t offset, const char *what, struct mv_error **err);

#endif
