/* Saving a guest to a file and starting it from one. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/conf/path.h"
#include "engine/conf/size.h"
#include "engine/kvm/common/save_image.h"
#include "engine/kvm/kvm.h"

#define SAVE_SPEED (UINT64_C(8) << 20) /* bytes a second, at the least */

/* --- the file --- */

/* A file that has no name yet, where the file system can do that; else one with a temporary name. Nothing is left of it
 * unless it is put in its place. */
struct target {
	const char *path;
	char *folder_path, *base; /* base is part of path */
	int folder, fd;
	char temporary[NAME_MAX + 1]; /* "": it has no name */
};

static int path_error(const char *path, int want, int errnum, struct mv_error **err)
{
	mv_autofree char *why = mv_path_explain(path, want, errnum);

	return mv_error_set_whole(err, MV_FROM_KVM, MV_ERR_SYSTEM, errnum, "%s", why ? why : strerror(errnum));
}

static void target_release(struct target *t)
{
	if (t->temporary[0])
		unlinkat(t->folder, t->temporary, 0);
	mv_cleanup_fd(&t->fd);
	mv_cleanup_fd(&t->folder);
	free(t->folder_path);
}

static int target_open(struct target *t, const char *path, struct mv_error **err)
{
	const char *slash = strrchr(path, '/');
	struct stat st;

	*t = (struct target){ .path = path, .folder = -1, .fd = -1 };
	t->base = (char *)(slash ? slash + 1 : path);
	if (!*t->base)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "'%s' names no file to save to", path);
	if (strlen(t->base) > NAME_MAX - 16)
		return path_error(path, W_OK, ENAMETOOLONG, err);
	t->folder_path = !slash ? strdup(".") : slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
	if (!t->folder_path)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a save");
	t->folder = open(t->folder_path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (t->folder < 0)
		return path_error(errno == ENOENT ? path : t->folder_path, W_OK, errno, err);
	/* What is there already is replaced, unless it cannot be meant. */
	if (fstatat(t->folder, t->base, &st, 0) == 0 && !S_ISREG(st.st_mode))
		return mv_error_set(err, MV_ERR_INVALID_ARG, "'%s' is there already, and is no file", path);
	t->fd = openat(t->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (t->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL || errno == ENOENT)) {
		snprintf(t->temporary, sizeof(t->temporary), ".%s.%d", t->base, (int)getpid());
		t->fd = openat(t->folder, t->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (t->fd < 0)
			t->temporary[0] = 0;
	}
	if (t->fd < 0)
		return path_error(errno == EACCES ? t->folder_path : path, W_OK, errno, err);
	return 0;
}

/* On disk, and then under its name. */
static int target_place(struct target *t, struct mv_error **err)
{
	char proc[32];

	if (fsync(t->fd) < 0)
		return mv_error_set_errno(err, errno, "The save image '%s' cannot be written", t->path);
	if (!t->temporary[0]) {
		snprintf(proc, sizeof(proc), "/proc/self/fd/%d", t->fd);
		/* A link cannot replace a file, a renaming can. */
		if (linkat(AT_FDCWD, proc, t->folder, t->base, AT_SYMLINK_FOLLOW) == 0) {
			fsync(t->folder);
			return 0;
		}
		if (errno != EEXIST)
			return mv_error_set_errno(err, errno, "The save image '%s' cannot be put in its place",
						  t->path);
		snprintf(t->temporary, sizeof(t->temporary), ".%s.%d", t->base, (int)getpid());
		unlinkat(t->folder, t->temporary, 0);
		if (linkat(AT_FDCWD, proc, t->folder, t->temporary, AT_SYMLINK_FOLLOW) < 0) {
			int error = errno;

			t->temporary[0] = 0;
			return mv_error_set_errno(err, error, "The save image '%s' cannot be put in its place",
						  t->path);
		}
	}
	if (renameat(t->folder, t->temporary, t->folder, t->base) < 0)
		return mv_error_set_errno(err, errno, "The save image '%s' cannot be put in its place", t->path);
	t->temporary[0] = 0;
	fsync(t->folder);
	return 0;
}

/* --- saving --- */

static int write_image(struct mv_kvm_domain *d, struct target *t, enum mv_save_then then, struct mv_error **err)
{
	uint64_t seconds = d->dom.live->memory / SAVE_SPEED;
	struct mv_message m;
	int ret;

	mv_message_init(&m);
	m.code = MV_CALL_SAVE;
	m.number = then;
	m.fds[0] = t->fd;
	m.fd_count = 1;
	ret = mv_kvm_call(d, &m, d->kvm->timeout_ms + (int)(seconds < 1000000 ? seconds * 1000 : 1000000000),
			  "the save", NULL, err);
	m.fd_count = 0; /* ours */
	mv_message_clear(&m);
	return ret;
}

static void quit_saved(struct mv_kvm_domain *d)
{
	struct mv_message m;

	mv_message_init(&m);
	m.code = MV_CALL_QUIT;
	m.number = MV_REASON_SAVE;
	d->saved = true;
	/* The image is in its place: whatever the machine answers, it must not go on. */
	mv_kvm_call(d, &m, -1, "the end", NULL, NULL);
	if (mv_dom_active(&d->dom) && d->dom.state == MV_DOMAIN_SHUTOFF)
		mv_kvm_lost(d, true);
	if (mv_dom_active(&d->dom))
		mv_kvm_kill(d);
}

int mv_kvm_save(struct mv_driver *drv, struct mv_dom *dom, const char *path, bool keep_running, struct mv_error **err)
{
	struct mv_kvm_domain *d = mv_kvm_domain_of(dom);
	bool was_running;
	struct target t;
	int ret = -1;

	(void)drv;
	if (mv_kvm_check_active(d, err) < 0)
		return -1;
	was_running = dom->state == MV_DOMAIN_RUNNING;
	if (target_open(&t, path, err) < 0)
		goto out;
	/* Held: a guest whose image does not get its name goes on. */
	if (write_image(d, &t, keep_running ? MV_SAVE_THEN_RUN : MV_SAVE_THEN_HOLD, err) < 0)
		goto out;
	if (target_place(&t, err) < 0) {
		if (!keep_running && was_running)
			mv_kvm_call_simple(d, MV_CALL_RESUME, 0, "the resumption", NULL);
		goto out;
	}
	if (!keep_running)
		quit_saved(d);
	ret = 0;
out:
	target_release(&t);
	return ret;
}

/* --- restoring --- */

/* What the guest has in memory of a disk is not true any more once somebody else has written to it. */
static int check_disks(const struct mv_domain_conf *conf, const char *path, int fd, struct mv_error **err)
{
	struct stat image, disk;

	if (fstat(fd, &image) < 0)
		return path_error(path, R_OK, errno, err);
	for (size_t i = 0; i < conf->disk_count; i++) {
		const struct mv_disk_conf *c = &conf->disks[i];
		char then[64] = "", now[64] = "";
		struct tm tm;

		if (c->read_only || stat(c->path, &disk) < 0 || !S_ISREG(disk.st_mode))
			continue; /* a missing one is found when it is opened */
		if (disk.st_mtim.tv_sec < image.st_mtim.tv_sec ||
		    (disk.st_mtim.tv_sec == image.st_mtim.tv_sec && disk.st_mtim.tv_nsec <= image.st_mtim.tv_nsec))
			continue;
		if (localtime_r(&image.st_mtim.tv_sec, &tm))
			strftime(then, sizeof(then), "%F %T", &tm);
		if (localtime_r(&disk.st_mtim.tv_sec, &tm))
			strftime(now, sizeof(now), "%F %T", &tm);
		return mv_error_set_whole(
			err, MV_FROM_KVM, MV_ERR_OPERATION_INVALID, 0,
			"disks[%zu].path: '%s' was written to at %s, after guest '%s' was saved to '%s' (%s); the "
			"restored guest would destroy what is on it (a restore by force accepts that)",
			i + 1, c->path, now, conf->name, path, then);
	}
	return 0;
}

int mv_kvm_restore(struct mv_driver *drv, const char *path, unsigned flags, struct mv_dom **out, struct mv_error **err)
{
	mv_autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	mv_auto(mv_domain_conf) conf = NULL;
	mv_auto(mv_error) why = NULL;
	mv_autofree char *description = NULL;
	struct mv_save_header header;
	const struct mv_kvm_start how = {
		.flags = flags & MV_RESTORE_PAUSED ? MV_START_PAUSED : 0,
		.restore_fd = fd,
		.restore_verify = flags & MV_RESTORE_VERIFY,
	};

	if (fd < 0)
		return path_error(path, R_OK, errno, err);
	if (mv_save_image_read_header(fd, path, &header, &description, err) < 0)
		return -1;
	if (mv_domain_conf_parse(description, &conf, &why) < 0)
		return mv_error_set(err, MV_ERR_OPERATION_FAILED,
				    "The guest's definition in the save image '%s' cannot be read: %s", path,
				    why->message);
	if (!(flags & MV_RESTORE_FORCE) && check_disks(conf, path, fd, err) < 0)
		return -1;
	/* It is to go on, whether or not it was made to start paused. */
	conf->paused = false;
	return mv_kvm_run_transient(mv_kvm_of(drv), mv_steal(conf), &how, out, err);
}
