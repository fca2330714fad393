/* Disk images: opened as their cache mode says, and locked, so that no two guests write to one. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/conf/path.h"
#include "engine/conf/size.h"
#include "engine/kvm/spec.h"
#include "engine/state/store.h"

#define PROBE 4096
#define LOCK_PAUSE_NS 2000000
#define LOCK_TRIES 1000

struct disk {
	struct mv_disk_conf *conf;
	size_t number; /* from 1 */
	const struct mv_kvm_open *how;
};

static int refuse_path(const struct disk *d, int errnum, struct mv_error **err)
{
	mv_autofree char *why = mv_path_explain(d->conf->path, d->conf->read_only ? R_OK : R_OK | W_OK, errnum);

	return mv_error_set_whole(err, MV_FROM_CONF, MV_ERR_SYSTEM, errnum, "disks[%zu].path: %s", d->number,
				  why ? why : strerror(errnum));
}

/* --- whose it is --- */

/* The guest of this root whose running specification has the file; NULL: none. Owned. */
static char *find_holder(const struct disk *d)
{
	char **names;
	size_t count;
	char *found = NULL;

	if (mv_store_list(d->how->run_folder, "", &names, &count, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < count && !found; i++) {
		mv_auto(mv_domain_conf) conf = NULL;
		mv_autofree char *text = NULL;
		mv_autofree char *file = NULL;

		if (asprintf(&file, "%s/spec.json", names[i]) < 0) {
			file = NULL;
			continue;
		}
		if (mv_store_file_read(d->how->run_folder, file, 1 << 20, &text, NULL) < 0 || !text ||
		    mv_domain_conf_parse(text, &conf, NULL) < 0)
			continue;
		for (size_t k = 0; k < conf->disk_count; k++) {
			if (mv_path_same(conf->disks[k].path, d->conf->path))
				found = names[i];
		}
	}
	found = found ? strdup(found) : NULL;
	mv_store_names_free(names, count);
	return found;
}

static int in_use(const struct disk *d, const char *holder, struct mv_error **err)
{
	if (holder)
		return mv_error_set_whole(err, MV_FROM_CONF, MV_ERR_RESOURCE_BUSY, 0,
					  "disks[%zu].path: '%s' is in use by the running guest '%s'%s", d->number,
					  d->conf->path, holder,
					  d->conf->read_only ? "" : "; only readonly disks can be shared");
	return mv_error_set_whole(err, MV_FROM_CONF, MV_ERR_RESOURCE_BUSY, 0,
				  "disks[%zu].path: '%s' is in use by another process, which is no guest of '%s'",
				  d->number, d->conf->path, d->how->root_path);
}

/* An open file description lock on the whole file: the machine that gets the descriptor holds it as long as it lives,
 * and QEMU's image locks know it. Readers share. */
static int lock(const struct disk *d, int fd, struct mv_error **err)
{
	struct flock want = { .l_type = d->conf->read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET };
	mv_autofree char *holder = NULL;

	for (int tries = 0; fcntl(fd, F_OFD_SETLK, &want) < 0; tries++) {
		struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };

		if (errno != EAGAIN && errno != EACCES)
			return mv_error_set_whole(err, MV_FROM_CONF, MV_ERR_SYSTEM, errno,
						  "disks[%zu].path: '%s' cannot be locked: %s", d->number,
						  d->conf->path, strerror(errno));
		/* Only when no guest has it can it be a machine that has just ended: the kernel takes its I/O rings
		 * down, and their files, some time after the process. */
		if (tries == 0 || tries == LOCK_TRIES)
			holder = find_holder(d);
		if (holder || tries == LOCK_TRIES)
			return in_use(d, holder, err);
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* --- what it is --- */

static int check_size(const struct disk *d, int fd, const struct stat *st, struct mv_error **err)
{
	uint64_t size = (uint64_t)st->st_size;

	if (S_ISBLK(st->st_mode) && ioctl(fd, BLKGETSIZE64, &size) < 0)
		return refuse_path(d, errno, err);
	if (size == 0)
		return mv_error_set_whole(err, MV_FROM_CONF, MV_ERR_CONFIG_UNSUPPORTED, 0,
					  "disks[%zu].path: '%s' is empty: a disk has at least one sector of 512 bytes",
					  d->number, d->conf->path);
	if (d->conf->size && d->conf->size != size)
		return mv_error_set_whole(err, MV_FROM_CONF, MV_ERR_CONFIG_UNSUPPORTED, 0,
					  "disks[%zu].size: '%s' has %llu bytes, and not %llu", d->number,
					  d->conf->path, (unsigned long long)size, (unsigned long long)d->conf->size);
	d->conf->size = size;
	return 0;
}

/* A guest that is given a qcow2 file as raw would see, and overwrite, its header. */
static int check_format(const struct disk *d, int fd, struct mv_error **err)
{
	mv_autofree char *head = aligned_alloc(PROBE, PROBE); /* O_DIRECT wants it so */

	if (d->conf->format != MV_CONF_FORMAT_AUTO || !head || pread(fd, head, PROBE, 0) < 4)
		return 0;
	if (memcmp(head, "QFI\xfb", 4) != 0)
		return 0;
	return mv_error_set_whole(
		err, MV_FROM_CONF, MV_ERR_CONFIG_UNSUPPORTED, 0,
		"disks[%zu].path: '%s' is a qcow2 image; raw images and block devices are supported (format = \"raw\" "
		"would show the guest the file's bytes as they are)",
		d->number, d->conf->path);
}

/* --- opening --- */

static int make(const struct disk *d, struct mv_error **err)
{
	mv_autofd int fd = open(d->conf->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int error;

	if (fd < 0)
		return refuse_path(d, errno, err);
	if (ftruncate(fd, (off_t)d->conf->size) == 0)
		return 0;
	error = errno;
	unlink(d->conf->path);
	return mv_error_set_whole(err, MV_FROM_CONF, MV_ERR_SYSTEM, error,
				  "disks[%zu].size: '%s' cannot be made with %llu bytes: %s", d->number, d->conf->path,
				  (unsigned long long)d->conf->size, strerror(error));
}

static int open_as_cached(const struct disk *d, struct mv_error **err)
{
	bool direct = d->conf->cache == MV_CONF_CACHE_NONE || d->conf->cache == MV_CONF_CACHE_DIRECTSYNC;
	/* O_NONBLOCK: should it be a FIFO after all, opening must not wait for its other end. */
	int flags = (d->conf->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd = open(d->conf->path, flags | (direct ? O_DIRECT : 0));

	if (fd >= 0)
		return fd;
	if (direct && errno == EINVAL)
		return mv_error_set_whole(
			err, MV_FROM_CONF, MV_ERR_CONFIG_UNSUPPORTED, EINVAL,
			"disks[%zu].cache: the file system of '%s' cannot go past the page cache; use writeback or "
			"writethrough",
			d->number, d->conf->path);
	return refuse_path(d, errno, err);
}

int mv_kvm_disk_open(struct mv_domain_conf *conf, size_t index, const struct mv_kvm_open *how, bool *made,
		     struct mv_error **err)
{
	const struct disk d = { .conf = &conf->disks[index], .number = index + 1, .how = how };
	mv_autofd int fd = -1;
	struct stat st;

	*made = false;
	if (stat(d.conf->path, &st) < 0) {
		if (errno != ENOENT || !d.conf->size || how->restoring)
			return refuse_path(&d, errno, err);
		if (make(&d, err) < 0)
			return -1;
		*made = true;
	}
	fd = open_as_cached(&d, err);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return refuse_path(&d, errno, err);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return mv_error_set_whole(err, MV_FROM_CONF, MV_ERR_CONFIG_UNSUPPORTED, 0,
					  "disks[%zu].path: '%s' is neither a file nor a block device", d.number,
					  d.conf->path);
	if (check_size(&d, fd, &st, err) < 0 || lock(&d, fd, err) < 0 || check_format(&d, fd, err) < 0)
		return -1;
	return mv_steal_fd(&fd);
}
