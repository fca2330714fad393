/* Files that are replaced as a whole, and folders read. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "engine/state/store.h"

static int write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

int mv_store_file_replace(int folder, const char *name, const void *data, size_t size, bool durable,
			  struct mv_error **err)
{
	char temporary[NAME_MAX + 1];
	mv_autofd int fd = -1;

	if (snprintf(temporary, sizeof(temporary), ".%s.new", name) > NAME_MAX)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "The file name '%.64s...' is too long", name);
	/* What a crash left of an earlier one is cut to nothing here. */
	fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return mv_error_set_errno(err, errno, "The file '%s' cannot be made", temporary);
	if (write_all(fd, data, size) < 0 || (durable && fsync(fd) < 0) ||
	    renameat(folder, temporary, folder, name) < 0) {
		int error = errno;

		unlinkat(folder, temporary, 0);
		return mv_error_set_errno(err, error, "The file '%s' cannot be written", name);
	}
	if (durable)
		fsync(folder);
	return 0;
}

int mv_store_file_read(int folder, const char *name, size_t max, char **text, struct mv_error **err)
{
	mv_autofd int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	mv_autofree char *data = NULL;
	struct stat st;
	size_t len = 0;

	*text = NULL;
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return mv_error_set_errno(err, errno, "The file '%s' cannot be read", name);
	if ((uint64_t)st.st_size > max)
		return mv_error_set(err, MV_ERR_OPERATION_FAILED,
				    "The file '%s' is %lld bytes long; at most %zu are expected", name,
				    (long long)st.st_size, max);
	data = malloc((size_t)st.st_size + 1);
	if (!data)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the file '%s'", name);
	while (len < (size_t)st.st_size) {
		ssize_t n = read(fd, data + len, (size_t)st.st_size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mv_error_set_errno(err, errno, "The file '%s' cannot be read", name);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	data[len] = 0;
	*text = mv_steal(data);
	return 0;
}

static int append_name(char ***names, size_t *count, const char *name, size_t len)
{
	/* Grown by doubling: the count is a power of two exactly when the array is full. */
	if (!(*count & (*count - 1))) {
		char **grown = reallocarray(*names, *count ? *count * 2 : 1, sizeof(**names));

		if (!grown)
			return -1;
		*names = grown;
	}
	(*names)[*count] = strndup(name, len);
	if (!(*names)[*count])
		return -1;
	(*count)++;
	return 0;
}

int mv_store_list(int folder, const char *suffix, char ***names, size_t *count, struct mv_error **err)
{
	int fd = openat(folder, ".", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t tail = strlen(suffix);
	struct dirent *entry;
	int ret = 0;

	*names = NULL;
	*count = 0;
	if (!dir) {
		mv_error_set_errno(err, errno, "A folder of the root cannot be read");
		mv_cleanup_fd(&fd);
		return -1;
	}
	/* cppcheck-suppress readdirCalled ; the stream is this function's own */
	while (ret == 0 && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);

		if (entry->d_name[0] == '.' || len <= tail || strcmp(entry->d_name + len - tail, suffix) != 0)
			continue;
		if (append_name(names, count, entry->d_name, len - tail) < 0)
			ret = mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory while a folder was read");
	}
	closedir(dir);
	if (ret < 0) {
		mv_store_names_free(*names, *count);
		*names = NULL;
		*count = 0;
	}
	return ret;
}

void mv_store_names_free(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}
