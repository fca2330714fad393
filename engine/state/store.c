#include "engine/state/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#define LOCK_TIMEOUT_MS 10000

/* mkdir -p */
static int make_folders(const char *path)
{
	mv_autofree char *part = strdup(path);

	if (!part)
		return -ENOMEM;
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(part, 0700) < 0 && errno != EEXIST && access(part, F_OK) < 0)
			return -errno;
		*slash = '/';
	}
	if (mkdir(part, 0700) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

static int open_folder(int at, const char *name)
{
	if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
		return -1;
	return openat(at, name, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
}

/* Who could change the root could make us run anything: its guests are started as whoever opens it. */
static int check_owner(const struct mv_store *s, struct mv_error **err)
{
	struct stat st;

	if (fstat(s->fd, &st) < 0)
		return mv_error_set_errno(err, errno, "The root folder '%s' cannot be looked at", s->path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return mv_error_set(err, MV_ERR_ACCESS_DENIED,
				    "The root folder '%s' belongs to uid %u, and this is uid %u", s->path,
				    (unsigned)st.st_uid, (unsigned)geteuid());
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return mv_error_set(
			err, MV_ERR_ACCESS_DENIED,
			"The root folder '%s' can be written to by others (mode %04o); chmod 700 keeps it to its owner",
			s->path, st.st_mode & 07777);
	return 0;
}

int mv_store_open(const char *root, struct mv_store **out, struct mv_error **err)
{
	mv_auto(mv_store) s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the root folder '%s'", root);
	s->fd = s->etc_fd = s->run_fd = s->lock_fd = -1;
	s->lock_timeout_ms = LOCK_TIMEOUT_MS;
	s->path = strdup(root);
	if (!s->path)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the root folder '%s'", root);
	rc = make_folders(root);
	if (rc < 0)
		return mv_error_set_errno(err, -rc, "The root folder '%s' cannot be made", root);
	s->fd = open(root, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (s->fd < 0)
		return mv_error_set_errno(err, errno, "The root folder '%s' cannot be opened", root);
	if (check_owner(s, err) < 0)
		return -1;
	s->etc_fd = open_folder(s->fd, "etc");
	s->run_fd = s->etc_fd < 0 ? -1 : open_folder(s->fd, "run");
	s->lock_fd = s->run_fd < 0 ? -1 : openat(s->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0)
		return mv_error_set_errno(err, errno, "The root folder '%s' cannot be used", root);
	*out = mv_steal(s);
	return 0;
}

void mv_store_free(struct mv_store *store)
{
	if (!store)
		return;
	mv_cleanup_fd(&store->lock_fd);
	mv_cleanup_fd(&store->run_fd);
	mv_cleanup_fd(&store->etc_fd);
	mv_cleanup_fd(&store->fd);
	free(store->path);
	free(store);
}

/* --- lock --- */

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int lock_error(struct mv_store *store, struct mv_error **err)
{
	char pid[16] = "";
	ssize_t n = pread(store->lock_fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? n : 0] = 0;
	return mv_error_set(err, MV_ERR_OPERATION_TIMEOUT,
			    "Waited %u ms for the lock of the root folder '%s', which process %s holds",
			    store->lock_timeout_ms, store->path, pid[0] ? pid : "(unknown)");
}

int mv_store_lock(struct mv_store *store, struct mv_error **err)
{
	uint64_t end = 0;
	char pid[16];

	if (store->locked) {
		store->locked++;
		return 0;
	}
	/* flock cannot wait with a limit; the lock is held for a millisecond or so, so looking again soon is good
	 * enough. */
	while (flock(store->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		struct timespec pause = { .tv_nsec = 500000 };

		if (errno != EWOULDBLOCK && errno != EINTR)
			return mv_error_set_errno(err, errno, "The root folder '%s' cannot be locked", store->path);
		if (!end)
			end = now_ms() + store->lock_timeout_ms;
		if (now_ms() >= end)
			return lock_error(store, err);
		nanosleep(&pause, NULL);
	}
	store->locked = 1;
	/* Only for the message above: what it costs is a write to the page cache. */
	snprintf(pid, sizeof(pid), "%-10d", getpid());
	if (pwrite(store->lock_fd, pid, 10, 0) < 0)
		return 0;
	return 0;
}

void mv_store_unlock(struct mv_store *store)
{
	if (--store->locked == 0)
		flock(store->lock_fd, LOCK_UN);
}

/* --- definitions --- */

static int definition_name(const char *name, char buf[NAME_MAX + 1], struct mv_error **err)
{
	if (snprintf(buf, NAME_MAX + 1, "%s.json", name) > NAME_MAX - 5)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "The name '%.64s...' is too long for a file's", name);
	return 0;
}

int mv_store_definition_write(struct mv_store *store, const char *name, const char *text, struct mv_error **err)
{
	char file[NAME_MAX + 1];

	if (definition_name(name, file, err) < 0)
		return -1;
	return mv_store_file_replace(store->etc_fd, file, text, strlen(text), true, err);
}

int mv_store_definition_read(struct mv_store *store, const char *name, char **text, struct stat *st,
			     struct mv_error **err)
{
	char file[NAME_MAX + 1];

	if (definition_name(name, file, err) < 0)
		return -1;
	/* The file's identity first: should it be replaced in between, it will be found changed and read again. */
	if (st && fstatat(store->etc_fd, file, st, 0) < 0)
		*st = (struct stat){ 0 };
	return mv_store_file_read(store->etc_fd, file, 1 << 20, text, err);
}

bool mv_store_definition_changed(struct mv_store *store, const char *name, const struct stat *st)
{
	char file[NAME_MAX + 1];
	struct stat now;

	if (definition_name(name, file, NULL) < 0)
		return false;
	if (fstatat(store->etc_fd, file, &now, 0) < 0)
		return st->st_ino != 0;
	return now.st_ino != st->st_ino || now.st_mtim.tv_sec != st->st_mtim.tv_sec ||
		now.st_mtim.tv_nsec != st->st_mtim.tv_nsec || now.st_size != st->st_size;
}

int mv_store_definition_remove(struct mv_store *store, const char *name, struct mv_error **err)
{
	char file[NAME_MAX + 1];

	if (definition_name(name, file, err) < 0)
		return -1;
	if (unlinkat(store->etc_fd, file, 0) < 0 && errno != ENOENT)
		return mv_error_set_errno(err, errno, "The definition '%s/etc/%s' cannot be removed", store->path,
					  file);
	fsync(store->etc_fd);
	return 0;
}
