/* What a raw file or block device is like: size, blocks, and what O_DIRECT demands. Private to engine/image. */
#ifndef MV_IMAGE_RAW_PROBE_H
#define MV_IMAGE_RAW_PROBE_H

#include "engine/image/image.h"

struct mv_raw_geometry {
	uint64_t bytes; /* exact size */
	bool block_device;
	bool direct;
	uint32_t memory_align; /* direct: of buffers' addresses */
	uint32_t length_align; /* direct: of buffers' lengths, offsets */
	uint32_t physical_block_size;
	uint32_t optimal_size; /* 0: unknown */
};

/* Borrows fd. Any thread. */
int mv_raw_probe(int fd, struct mv_raw_geometry *g, struct mv_error **err);

#endif
