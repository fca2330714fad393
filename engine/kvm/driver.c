/* The KVM driver's table, and its connections. */
#include "engine/kvm/driver.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "engine/conf/path.h"
#include "engine/kvm/calls.h"
#include "engine/kvm/kvm.h"

/* kvm:///embed?root=DIR[&timeout=SECONDS] */
static int read_uri(const struct mv_uri *uri, const char **root, int *timeout_ms, struct mv_error **err)
{
	const char *timeout = mv_uri_get(uri, "timeout");
	char *end;
	long seconds;

	if (uri->authority[0])
		return mv_error_set(err, MV_ERR_NO_SUPPORT, "The KVM driver runs guests of this host only, not of '%s'",
				    uri->authority);
	if (strcmp(uri->path, "/embed") != 0)
		return mv_error_set(err, MV_ERR_NO_SUPPORT,
				    "'%s' needs a daemon; kvm:///embed?root=DIR runs guests from this process",
				    uri->text);
	for (size_t i = 0; i < uri->parameter_count; i++) {
		if (strcmp(uri->parameters[i].name, "root") != 0 && strcmp(uri->parameters[i].name, "timeout") != 0)
			return mv_error_set(err, MV_ERR_INVALID_ARG,
					    "'%s': there is no parameter '%s'; known: root, timeout", uri->text,
					    uri->parameters[i].name);
	}
	*root = mv_uri_get(uri, "root");
	if (!*root || !**root)
		return mv_error_set(err, MV_ERR_INVALID_ARG,
				    "'%s' does not say where state is kept: kvm:///embed?root=DIR", uri->text);
	*timeout_ms = MV_KVM_TIMEOUT_MS;
	if (!timeout)
		return 0;
	errno = 0;
	seconds = strtol(timeout, &end, 10);
	if (errno || *end || end == timeout || seconds < 1 || seconds > 86400)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "'%s': timeout is a number of seconds, from 1 to 86400",
				    uri->text);
	*timeout_ms = (int)seconds * 1000;
	return 0;
}

static void nothing(void *opaque, uint32_t events)
{
	(void)opaque;
	(void)events;
}

static void kvm_close(struct mv_driver *drv)
{
	struct mv_kvm *kvm = mv_kvm_of(drv);

	mv_kvm_notice_stop(kvm);
	mv_watch_remove(kvm->queue_watch);
	mv_event_queue_release(&drv->events);
	mv_dom_table_clear(&kvm->table);
	mv_loop_free(kvm->loop);
	mv_store_free(kvm->store);
	free(kvm->machine_path);
	free(kvm);
}

static int kvm_open(const struct mv_uri *uri, struct mv_driver **out, struct mv_error **err)
{
	struct mv_kvm *kvm = calloc(1, sizeof(*kvm));
	mv_autofree char *path = NULL;
	const char *root = NULL;

	if (!kvm)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a connection");
	kvm->drv.ops = &mv_kvm_driver;
	kvm->drv.events.fd = -1;
	kvm->notice_fd = -1;
	if (read_uri(uri, &root, &kvm->timeout_ms, err) < 0)
		goto fail;
	path = mv_path_absolute(root);
	if (!path) {
		mv_error_set_errno(err, errno, "The root folder '%s' cannot be found", root);
		goto fail;
	}
	if (mv_store_open(path, &kvm->store, err) < 0 || mv_loop_create(&kvm->loop, err) < 0 ||
	    mv_event_queue_init(&kvm->drv.events, err) < 0 ||
	    mv_watch_add(kvm->loop, kvm->drv.events.fd, EPOLLIN, nothing, kvm, &kvm->queue_watch, err) < 0)
		goto fail;
	/* First the look-out, then the look: nothing falls between them. */
	mv_kvm_notice_start(kvm);
	kvm->last_id = mv_store_run_number(kvm->store->run_fd, ".id");
	if (mv_kvm_scan(kvm, err) < 0)
		goto fail;
	kvm->opened = true;
	*out = &kvm->drv;
	return 0;
fail:
	kvm_close(&kvm->drv);
	return -1;
}

static int kvm_fd(const struct mv_driver *drv)
{
	return mv_loop_fd(((const struct mv_kvm *)drv)->loop);
}

static int kvm_wait(struct mv_driver *drv, int timeout_ms, struct mv_error **err)
{
	struct mv_kvm *kvm = mv_kvm_of(drv);
	struct pollfd more = { .fd = mv_loop_fd(kvm->loop), .events = POLLIN };

	(void)err;
	mv_loop_once(kvm->loop, timeout_ms);
	/* A round handles a limited number of guests; queued events keep the descriptor readable. */
	for (int rounds = 0; rounds < 1000 && !drv->events.count && poll(&more, 1, 0) > 0; rounds++)
		mv_loop_once(kvm->loop, 0);
	return 0;
}

const struct mv_driver_ops mv_kvm_driver = {
	.scheme = "kvm",
	.open = kvm_open,
	.close = kvm_close,
	.fd = kvm_fd,
	.wait = kvm_wait,
	.calls = &mv_kvm_calls,
	.define = mv_kvm_define,
	.create = mv_kvm_create,
	.lookup = mv_kvm_lookup,
	.list = mv_kvm_list,
	.restore = mv_kvm_restore,
	.refresh = mv_kvm_refresh,
	.undefine = mv_kvm_undefine,
	.start = mv_kvm_start,
	.wait_start = mv_kvm_wait_start,
	.shutdown = mv_kvm_shutdown,
	.reboot = mv_kvm_reboot,
	.reset = mv_kvm_reset,
	.destroy = mv_kvm_destroy,
	.suspend = mv_kvm_suspend,
	.resume = mv_kvm_resume,
	.save = mv_kvm_save,
	.set_memory = mv_kvm_set_memory,
	.stats = mv_kvm_stats,
	.console = mv_kvm_console,
};
