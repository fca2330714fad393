/* Folders of running guests, and sockets in them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "engine/state/store.h"

static const char *const run_files[] = { "control.sock", "pid",           "id", "spec.json", ".pid.new",
					 ".id.new",      ".spec.json.new" };
static const char *const last_files[] = { "status", "log", ".status.new" };

static void remove_files(int folder, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		unlinkat(folder, names[i], 0);
}

int mv_store_run_create(struct mv_store *store, const char *name, struct mv_error **err)
{
	bool fresh = mkdirat(store->run_fd, name, 0700) == 0;
	int fd;

	if (!fresh && errno != EEXIST)
		return mv_error_set_errno(err, errno, "The folder '%s/run/%s' cannot be made", store->path, name);
	fd = openat(store->run_fd, name, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return mv_error_set_errno(err, errno, "The folder '%s/run/%s' cannot be opened", store->path, name);
	if (!fresh) {
		remove_files(fd, run_files, MV_ARRAY_SIZE(run_files));
		remove_files(fd, last_files, MV_ARRAY_SIZE(last_files));
	}
	return fd;
}

int mv_store_run_open(struct mv_store *store, const char *name)
{
	int fd = openat(store->run_fd, name, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

void mv_store_run_remove(struct mv_store *store, const char *name, bool keep_last)
{
	mv_autofd int fd = mv_store_run_open(store, name);

	if (fd < 0)
		return;
	remove_files(fd, run_files, MV_ARRAY_SIZE(run_files));
	if (keep_last)
		return;
	remove_files(fd, last_files, MV_ARRAY_SIZE(last_files));
	unlinkat(store->run_fd, name, AT_REMOVEDIR);
}

long mv_store_run_number(int folder, const char *name)
{
	mv_autofree char *text = NULL;
	char *end;
	long value;

	if (mv_store_file_read(folder, name, 64, &text, NULL) < 0 || !text)
		return -1;
	errno = 0;
	value = strtol(text, &end, 10);
	return errno || end == text || value < 0 ? -1 : value;
}

int mv_store_run_next_id(struct mv_store *store, int *id, struct mv_error **err)
{
	long last = mv_store_run_number(store->run_fd, ".id");
	mv_autofd int fd = openat(store->run_fd, ".id", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char text[16];

	if (last < 0 || last >= INT32_MAX)
		last = 0;
	*id = (int)last + 1;
	/* Always as long, so that it can be overwritten in place: replacing a file at each start would cost more. */
	snprintf(text, sizeof(text), "%-10d\n", *id);
	if (fd < 0 || pwrite(fd, text, 11, 0) != 11)
		return mv_error_set_errno(err, errno, "The file '%s/run/.id' cannot be written", store->path);
	return 0;
}

/* --- sockets --- */

/* sun_path holds 108 bytes; through the folder's descriptor any folder is near. */
static int socket_address(int folder, const char *name, struct sockaddr_un *address)
{
	int n;

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	n = snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s", folder, name);
	return n < 0 || (size_t)n >= sizeof(address->sun_path) ? -ENAMETOOLONG : 0;
}

int mv_store_socket_listen(int folder, const char *name)
{
	mv_autofd int sock = -1;
	struct sockaddr_un address;
	int rc = socket_address(folder, name, &address);

	if (rc < 0)
		return rc;
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return -errno;
	if (unlinkat(folder, name, 0) < 0 && errno != ENOENT)
		return -errno;
	/* The folder lets nobody else in, but the socket itself does not rely on that. */
	if (fchmod(sock, 0600) < 0 || bind(sock, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(sock, 64) < 0)
		return -errno;
	return mv_steal_fd(&sock);
}

int mv_store_socket_connect(int folder, const char *name)
{
	mv_autofd int sock = -1;
	struct sockaddr_un address;
	int rc = socket_address(folder, name, &address);

	if (rc < 0)
		return rc;
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return -errno;
	if (connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return mv_steal_fd(&sock);
}
