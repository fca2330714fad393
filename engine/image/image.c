#include "engine/image/image.h"

#include <errno.h>

static bool range_valid(const struct mv_image_info *info, const struct mv_image_request *req)
{
	if ((req->offset | req->length) & (info->block_size - 1))
		return false;
	return req->offset <= info->size && req->length <= info->size - req->offset;
}

int mv_image_submit(struct mv_image *img, struct mv_image_request *req)
{
	if (req->op >= MV_IMAGE_OP_LAST)
		return -EINVAL;
	if (req->op != MV_IMAGE_READ && req->op != MV_IMAGE_FLUSH && img->info.read_only)
		return -EROFS;
	if (req->op != MV_IMAGE_FLUSH) {
		if (!range_valid(&img->info, req))
			return -EINVAL;
		if (!req->length)
			return 0;
	}
	req->image = img;
	req->progress = 0;
	return img->ops->submit(img, req);
}

void mv_image_close(struct mv_image *img)
{
	if (img)
		img->ops->close(img);
}
