#include "engine/base/file.h"

#include <errno.h>

ssize_t mv_file_read_at(int fd, void *buf, size_t len, uint64_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (char *)buf + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int mv_file_write_at(int fd, const void *buf, size_t len, uint64_t offset, const char *what, struct mv_error **err)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pwrite(fd, (const char *)buf + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return mv_error_set_errno(err, n < 0 ? errno : ENOSPC, "Cannot write the %s", what);
		done += (size_t)n;
	}
	return 0;
}
