/* What other processes do in the same root: the kernel tells when a definition is replaced or removed, and when an id
 * is taken, which each start does. Without that (few inotify instances are allowed) changes are seen when guests are
 * looked at. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "engine/kvm/kvm.h"

static void definition_changed(struct mv_kvm *kvm, const char *file)
{
	size_t len = strlen(file);
	struct mv_kvm_domain *d;
	char name[256];

	if (file[0] == '.' || len < 6 || len >= sizeof(name) || strcmp(file + len - 5, ".json") != 0)
		return;
	snprintf(name, sizeof(name), "%.*s", (int)len - 5, file);
	mv_kvm_find(kvm, name, &d, NULL);
}

/* Whoever starts a guest holds the lock until its folder is complete. */
static void something_started(struct mv_kvm *kvm)
{
	struct mv_dom **doms;
	size_t count;

	if (mv_store_run_number(kvm->store->run_fd, ".id") <= kvm->last_id)
		return; /* that was us */
	if (mv_store_lock(kvm->store, NULL) < 0)
		return;
	kvm->last_id = mv_store_run_number(kvm->store->run_fd, ".id");
	/* Connects to those that are known and to those that are new. */
	if (mv_kvm_list(&kvm->drv, &doms, &count, NULL) == 0) {
		for (size_t i = 0; i < count; i++)
			mv_dom_unref(doms[i]);
		free(doms);
	}
	mv_store_unlock(kvm->store);
}

static void on_notice(void *opaque, uint32_t events)
{
	struct mv_kvm *kvm = opaque;
	union {
		struct inotify_event event;
		char bytes[16384];
	} buf;
	bool started = false;
	ssize_t n;

	(void)events;
	while ((n = read(kvm->notice_fd, &buf, sizeof(buf))) > 0) {
		for (char *p = buf.bytes; p < buf.bytes + n;) {
			const struct inotify_event *e = (const struct inotify_event *)p;

			if (e->mask & IN_Q_OVERFLOW)
				started = true; /* looks at everything */
			else if (e->wd == kvm->etc_wd && e->len)
				definition_changed(kvm, e->name);
			else if (e->wd == kvm->run_wd && e->len && strcmp(e->name, ".id") == 0)
				started = true;
			p += sizeof(*e) + e->len;
		}
	}
	if (started)
		something_started(kvm);
}

static int watch_folder(int notice_fd, int folder, uint32_t mask)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", folder);
	return inotify_add_watch(notice_fd, path, mask);
}

void mv_kvm_notice_start(struct mv_kvm *kvm)
{
	kvm->notice_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (kvm->notice_fd < 0)
		return;
	kvm->etc_wd = watch_folder(kvm->notice_fd, kvm->store->etc_fd, IN_MOVED_TO | IN_DELETE);
	kvm->run_wd = watch_folder(kvm->notice_fd, kvm->store->run_fd, IN_CLOSE_WRITE);
	if (kvm->etc_wd < 0 || kvm->run_wd < 0 ||
	    mv_watch_add(kvm->loop, kvm->notice_fd, EPOLLIN, on_notice, kvm, &kvm->notice_watch, NULL) < 0)
		mv_kvm_notice_stop(kvm);
}

void mv_kvm_notice_stop(struct mv_kvm *kvm)
{
	mv_watch_remove(kvm->notice_watch);
	kvm->notice_watch = NULL;
	mv_cleanup_fd(&kvm->notice_fd);
	kvm->notice_fd = -1;
}
