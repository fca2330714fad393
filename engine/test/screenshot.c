/* The screen of a guest, which is black. */
#define MV_ERROR_DOMAIN MV_FROM_TEST
#include <stdlib.h>
#include <string.h>

#include "engine/api/stream.h"
#include "engine/test/calls.h"
#include "engine/test/driver.h"

/* A picture of 8 by 6 black pixels, as PNG (ISO/IEC 15948). */
static const unsigned char picture[] = {
	0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00,
	0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x06, 0x01, 0x00, 0x00, 0x00, 0x00, 0xd6, 0x7e, 0xe2, 0x56, 0x00,
	0x00, 0x00, 0x0b, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x60, 0x40, 0x00, 0x00, 0x00, 0x0c, 0x00,
	0x01, 0xef, 0xe8, 0x33, 0x25, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
};

struct screen {
	struct mv_stream base;
	size_t sent;
};

static ssize_t screen_recv(struct mv_stream *stream, void *data, size_t size, struct mv_error **err)
{
	struct screen *screen = (struct screen *)stream;
	size_t left = sizeof(picture) - screen->sent;

	(void)err;
	if (size > left)
		size = left;
	memcpy(data, picture + screen->sent, size);
	screen->sent += size;
	return (ssize_t)size;
}

static int screen_finish(struct mv_stream *stream, struct mv_error **err)
{
	(void)stream;
	(void)err;
	return 0;
}

static void screen_abort(struct mv_stream *stream)
{
	(void)stream;
}

static void screen_free(struct mv_stream *stream)
{
	free(stream);
}

static const struct mv_stream_ops screen_ops = {
	.recv = screen_recv,
	.finish = screen_finish,
	.abort = screen_abort,
	.free = screen_free,
};

int mv_test_domain_screenshot(struct mv_driver *drv, const struct mv_domain_screenshot_args *args,
			      struct mv_domain_screenshot_ret *ret, struct mv_stream **stream, struct mv_error **err)
{
	struct screen *screen;

	(void)drv;
	if (mv_test_check_flags(args->flags, 0, "testDomainScreenshot", err) < 0 ||
	    mv_test_copy("image/png", &ret->mime, err) < 0)
		return -1;
	screen = calloc(1, sizeof(*screen));
	if (!screen)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a picture");
	screen->base.ops = &screen_ops;
	*stream = &screen->base;
	return 0;
}
