/* An entry's name says all that it depends on: the kernel file's device, inode, size and times, and the boot of this
 * host. An entry is put in place by rename when it is complete, so what has the right length is whole, unless the
 * host went down before it was on disk: hence the boot. That is cheaper than waiting for the disk. */
#include "engine/kvm/kernels.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/cleanup.h"
#include "engine/base/file.h"
#include "engine/kvm/unpack.h"

#define NAME_SIZE 256
#define TEMPORARY ".new-"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_LENGTH 36

static int open_folder(int at, const char *name)
{
	if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
		return -1;
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

struct key {
	char file[40]; /* "DEVICE-INODE." */
	char boot[BOOT_ID_LENGTH + 1];
	char name[NAME_SIZE]; /* begins with file and ends with boot */
};

static void make_key(const struct stat *st, struct key *k)
{
	mv_autofd int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : mv_file_read_at(fd, k->boot, BOOT_ID_LENGTH, 0);

	k->boot[n > 0 ? n : 0] = '\0';
	snprintf(k->file, sizeof(k->file), "%llx-%llx.", (unsigned long long)st->st_dev,
		 (unsigned long long)st->st_ino);
	snprintf(k->name, sizeof(k->name), "%s%llx-%llx.%09ld-%llx.%09ld.%s", k->file, (unsigned long long)st->st_size,
		 (unsigned long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec, (unsigned long long)st->st_ctim.tv_sec,
		 st->st_ctim.tv_nsec, k->boot);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
		a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
		a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* The entry; one that is not what we would have made goes. */
static int look_up(int folder, const char *name, uint64_t size)
{
	mv_autofd int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022) ||
	    (uint64_t)st.st_size != size) {
		unlinkat(folder, name, 0);
		return -1;
	}
	futimens(fd, NULL); /* its last use: the oldest go first */
	return mv_steal_fd(&fd);
}

/* --- what nobody needs any more --- */

static bool older(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* A process that ended while it unpacked has left its file, but not its lock. */
static void remove_abandoned(int folder, const char *name)
{
	mv_autofd int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlinkat(folder, name, 0);
}

/* Of the same kernel file as it was earlier, or of an earlier boot of this host. */
static bool outdated(const char *name, const struct key *k)
{
	size_t length = strlen(name), boot = strlen(k->boot);

	return strncmp(name, k->file, strlen(k->file)) == 0 || length < boot ||
		strcmp(name + length - boot, k->boot) != 0;
}

/* Looks through the folder once; whether there were too many entries, of which the oldest is gone now. */
static bool sweep_once(int folder, DIR *dir, const struct key *k)
{
	struct timespec oldest_use = { 0 };
	char oldest[NAME_SIZE] = "";
	unsigned others = 0;

	rewinddir(dir);
	/* cppcheck-suppress readdirCalled ; the stream is this function's own */
	for (const struct dirent *d = readdir(dir); d; d = readdir(dir)) {
		struct stat st;

		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, "..") || !strcmp(d->d_name, k->name))
			continue;
		if (!strncmp(d->d_name, TEMPORARY, strlen(TEMPORARY))) {
			remove_abandoned(folder, d->d_name);
		} else if (outdated(d->d_name, k)) {
			unlinkat(folder, d->d_name, 0);
		} else if (fstatat(folder, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
			if (others++ == 0 || older(&st.st_mtim, &oldest_use)) {
				oldest_use = st.st_mtim;
				snprintf(oldest, sizeof(oldest), "%s", d->d_name);
			}
		}
	}
	return others >= MV_KERNELS_KEPT && unlinkat(folder, oldest, 0) == 0;
}

/* Leaves the entry that was just made and the MV_KERNELS_KEPT - 1 others that were used last. */
static void sweep(int folder, const struct key *k)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);

	if (!dir) {
		mv_cleanup_fd(&copy);
		return;
	}
	while (sweep_once(folder, dir, k))
		;
	closedir(dir);
}

/* --- making an entry --- */

static int open_temporary(int folder, char name[NAME_SIZE])
{
	uint64_t number;
	int fd;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return -1;
	snprintf(name, NAME_SIZE, TEMPORARY "%016llx", (unsigned long long)number);
	fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	if (fd >= 0)
		flock(fd, LOCK_EX | LOCK_NB); /* see remove_abandoned() */
	return fd;
}

static int make_entry(int folder, const struct key *k, int kernel_fd, const struct stat *st,
		      const struct mv_payload *payload)
{
	char temporary[NAME_SIZE];
	mv_autofd int fd = open_temporary(folder, temporary);
	struct stat now;

	if (fd < 0)
		return -1;
	/* A file that was written to meanwhile may have given a mixture. */
	if (mv_payload_unpack(kernel_fd, payload, fd) < 0 || fstat(kernel_fd, &now) < 0 || !same_file(st, &now)) {
		unlinkat(folder, temporary, 0);
		return -1;
	}
	/* Just before it was locked, somebody who has unpacked the same may have taken it for abandoned. */
	if (renameat(folder, temporary, folder, k->name) < 0) {
		unlinkat(folder, temporary, 0);
		return look_up(folder, k->name, payload->size);
	}
	sweep(folder, k);
	/* Opened anew, because a machine has no business writing to it. */
	return look_up(folder, k->name, payload->size);
}

int mv_kernel_unpacked(int root, int kernel_fd, bool make)
{
	mv_autofd int cache = -1, folder = -1;
	struct mv_payload payload;
	struct key key;
	struct stat st;
	int fd;

	if (fstat(kernel_fd, &st) < 0 || mv_payload_find(kernel_fd, &payload) < 0)
		return -1;
	cache = open_folder(root, "cache");
	folder = cache < 0 ? -1 : open_folder(cache, "kernels");
	if (folder < 0)
		return -1;
	make_key(&st, &key);
	fd = look_up(folder, key.name, payload.size);
	return fd >= 0 || !make ? fd : make_entry(folder, &key, kernel_fd, &st, &payload);
}
