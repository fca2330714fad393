#include "tests/unit/fake_driver.h"

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/api/notice.h"

#define FAKE(drv) mv_container_of(drv, struct fake_driver, drv)

__attribute__((format(printf, 2, 3))) static void note(struct mv_driver *drv, const char *fmt, ...)
{
	va_list args;

	free(FAKE(drv)->last);
	va_start(args, fmt);
	if (vasprintf(&FAKE(drv)->last, fmt, args) < 0)
		abort();
	va_end(args);
}

static int done(struct mv_driver *drv, struct mv_error **err)
{
	return FAKE(drv)->fails ? mv_error_set(err, MV_ERR_OPERATION_FAILED, "it was to fail") : 0;
}

struct mv_domain_ref fake_domain(unsigned number)
{
	struct mv_domain_ref dom = {
		.uuid = { (uint8_t)number, (uint8_t)(number >> 8), 0xaa },
		.id = number % 2 ? -1 : (int)number + 1,
	};

	if (asprintf(&dom.name, "d%u", number) < 0)
		abort();
	return dom;
}

static int list_domains(struct mv_driver *drv, const struct mv_connect_list_all_domains_args *args,
			struct mv_connect_list_all_domains_ret *ret, struct mv_error **err)
{
	unsigned count = FAKE(drv)->domains;

	if (args->need_results)
		ret->domains = calloc(count + 1, sizeof(*ret->domains));
	for (unsigned i = 0; i < count; i++) {
		unsigned flag = i % 2 ? 2 : 1; /* inactive, active */

		if (args->flags && !(args->flags & flag) && !(args->flags & 4))
			continue;
		if (args->need_results)
			ret->domains[ret->n_domains++] = fake_domain(i);
		ret->ret++;
	}
	return done(drv, err);
}

static int create_with_flags(struct mv_driver *drv, const struct mv_domain_create_with_flags_args *args,
			     struct mv_domain_create_with_flags_ret *ret, struct mv_error **err)
{
	note(drv, "create %s id %d flags %u", args->dom.name, args->dom.id, args->flags);
	ret->dom = fake_domain(1);
	return done(drv, err);
}

static int set_memory_flags(struct mv_driver *drv, const struct mv_domain_set_memory_flags_args *args, void *ret,
			    struct mv_error **err)
{
	(void)ret;
	note(drv, "memory %s %" PRIu64 " flags %u", args->dom.name, args->memory, args->flags);
	return done(drv, err);
}

static int get_xml(struct mv_driver *drv, const struct mv_domain_get_xml_desc_args *args,
		   struct mv_domain_get_xml_desc_ret *ret, struct mv_error **err)
{
	note(drv, "xml %s flags %u", args->dom.name, args->flags);
	ret->xml = strdup("<domain/>");
	return done(drv, err);
}

static int get_scheduler(struct mv_driver *drv, const struct mv_domain_get_scheduler_parameters_flags_args *args,
			 struct mv_domain_get_scheduler_parameters_flags_ret *ret, struct mv_error **err)
{
	unsigned count = FAKE(drv)->typed_params;

	note(drv, "get scheduler %d", args->nparams);
	ret->params = calloc(count + 1, sizeof(*ret->params));
	for (unsigned i = 0; i < count; i++) {
		struct mv_typed_param *p = &ret->params[ret->n_params++];

		p->field = strdup("shares");
		p->type = i % 2 ? MV_TYPED_STRING : MV_TYPED_ULLONG;
		if (i % 2)
			p->value.s = strdup("many");
		else
			p->value.ul = UINT64_MAX;
	}
	return done(drv, err);
}

static int set_scheduler(struct mv_driver *drv, const struct mv_domain_set_scheduler_parameters_flags_args *args,
			 void *ret, struct mv_error **err)
{
	(void)ret;
	note(drv, "set scheduler of %s: %zu, the first %s", args->dom.name, args->n_params,
	     args->n_params ? args->params[0].field : "none");
	return done(drv, err);
}

static int list_secrets(struct mv_driver *drv, const struct mv_connect_list_all_secrets_args *args,
			struct mv_connect_list_all_secrets_ret *ret, struct mv_error **err)
{
	(void)args;
	ret->secrets = calloc(2, sizeof(*ret->secrets));
	if (!ret->secrets)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "no memory");
	ret->ret = 2;
	for (; ret->n_secrets < 2; ret->n_secrets++) {
		ret->secrets[ret->n_secrets].uuid[0] = (uint8_t)ret->n_secrets;
		ret->secrets[ret->n_secrets].usageID = strdup("/a/volume");
	}
	return done(drv, err);
}

static int node_info(struct mv_driver *drv, const void *args, struct mv_node_get_info_ret *ret, struct mv_error **err)
{
	(void)args;
	memset(ret->model, 'x', sizeof(ret->model)); /* no NUL: as long as it can be */
	ret->memory = UINT64_C(1) << 40;
	ret->cpus = 4;
	return done(drv, err);
}

static int current_snapshot(struct mv_driver *drv, const struct mv_domain_snapshot_current_args *args,
			    struct mv_domain_snapshot_current_ret *ret, struct mv_error **err)
{
	(void)drv;
	if (strcmp(args->dom.name, "d0") != 0)
		return mv_error_set(err, MV_ERR_NO_DOMAIN_SNAPSHOT, "it has none");
	ret->snap.name = strdup("now");
	ret->snap.dom = fake_domain(0);
	return 0;
}

/* --- streams --- */

struct fake_stream {
	struct mv_stream stream;
	struct fake_driver *fake;
	size_t position;
};

static ssize_t fake_send(struct mv_stream *stream, const void *data, size_t size, struct mv_error **err)
{
	struct fake_stream *s = mv_container_of(stream, struct fake_stream, stream);
	size_t n = size < 5 ? size : 5; /* never all at once */

	if (s->fake->stream_breaks || s->position + n >= sizeof(s->fake->uploaded))
		return mv_error_set(err, MV_ERR_SYSTEM, "the stream is full");
	memcpy(s->fake->uploaded + s->position, data, n);
	s->position += n;
	return (ssize_t)n;
}

static ssize_t fake_recv(struct mv_stream *stream, void *data, size_t size, struct mv_error **err)
{
	static const char text[] = "what the volume holds";
	struct fake_stream *s = mv_container_of(stream, struct fake_stream, stream);
	size_t left = sizeof(text) - 1 - s->position;
	size_t n = size < left ? size : left;

	(void)err;
	n = n < 4 ? n : 4;
	memcpy(data, text + s->position, n);
	s->position += n;
	return (ssize_t)n;
}

static int fake_finish(struct mv_stream *stream, struct mv_error **err)
{
	(void)stream, (void)err;
	return 0;
}

static void fake_abort(struct mv_stream *stream)
{
	mv_container_of(stream, struct fake_stream, stream)->fake->aborted++;
}

static void fake_free(struct mv_stream *stream)
{
	struct fake_stream *s = mv_container_of(stream, struct fake_stream, stream);

	s->fake->streams--;
	free(s);
}

static const struct mv_stream_ops upload_ops = {
	.send = fake_send,
	.finish = fake_finish,
	.abort = fake_abort,
	.free = fake_free,
};

static const struct mv_stream_ops download_ops = {
	.recv = fake_recv,
	.finish = fake_finish,
	.abort = fake_abort,
	.free = fake_free,
};

static int open_stream(struct mv_driver *drv, const struct mv_stream_ops *ops, struct mv_stream **stream,
		       struct mv_error **err)
{
	struct fake_stream *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->stream.ops = ops;
	s->fake = FAKE(drv);
	s->fake->streams++;
	*stream = &s->stream;
	return done(drv, err);
}

static int upload(struct mv_driver *drv, const struct mv_storage_vol_upload_args *args, void *ret,
		  struct mv_stream **stream, struct mv_error **err)
{
	(void)ret;
	note(drv, "upload %s/%s at %" PRIu64, args->vol.pool, args->vol.name, args->offset);
	return open_stream(drv, &upload_ops, stream, err);
}

static int download(struct mv_driver *drv, const struct mv_storage_vol_download_args *args, void *ret,
		    struct mv_stream **stream, struct mv_error **err)
{
	(void)args, (void)ret;
	return open_stream(drv, &download_ops, stream, err);
}

static int screenshot(struct mv_driver *drv, const struct mv_domain_screenshot_args *args,
		      struct mv_domain_screenshot_ret *ret, struct mv_stream **stream, struct mv_error **err)
{
	(void)args;
	ret->mime = strdup("image/png");
	return open_stream(drv, &download_ops, stream, err);
}

static const struct mv_calls calls = {
	.connect_list_all_domains = list_domains,
	.domain_create_with_flags = create_with_flags,
	.domain_set_memory_flags = set_memory_flags,
	.domain_get_xml_desc = get_xml,
	.domain_get_scheduler_parameters_flags = get_scheduler,
	.domain_set_scheduler_parameters_flags = set_scheduler,
	.domain_snapshot_current = current_snapshot,
	.connect_list_all_secrets = list_secrets,
	.node_get_info = node_info,
	.storage_vol_upload = upload,
	.storage_vol_download = download,
	.domain_screenshot = screenshot,
};

/* --- driver --- */

static void fake_close(struct mv_driver *drv)
{
	mv_event_queue_release(&drv->events);
	free(FAKE(drv)->last);
	free(FAKE(drv));
}

static int fake_fd(const struct mv_driver *drv)
{
	return drv->events.fd;
}

static int fake_wait(struct mv_driver *drv, int timeout_ms, struct mv_error **err)
{
	struct pollfd p = { .fd = drv->events.fd, .events = POLLIN };

	(void)err;
	poll(&p, 1, timeout_ms);
	return 0;
}

static const struct mv_driver_ops ops = {
	.scheme = "fake",
	.close = fake_close,
	.fd = fake_fd,
	.wait = fake_wait,
	.calls = &calls,
};

struct mv_conn *fake_open(struct fake_driver **fake)
{
	struct mv_conn *conn = calloc(1, sizeof(*conn));
	struct fake_driver *f = calloc(1, sizeof(*f));

	if (!conn || !f || mv_event_queue_init(&f->drv.events, NULL) < 0)
		abort();
	f->drv.ops = &ops;
	conn->refs = 1;
	conn->uri = strdup("fake:///");
	conn->drv = &f->drv;
	*fake = f;
	return conn;
}
