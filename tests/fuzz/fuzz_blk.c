/* The block device's requests, in a guest memory whose every byte (rings, descriptors, requests) is the input's. The
 * image is a pretence that checks what it is asked and completes now, later, or with an error, as the input says.
 * Whatever comes, memory outside the guest's is not touched, and every chain taken is returned once.
 *
 * Input: two bytes of options, then guest memory from address 0. The queue's descriptors are at 0x0, the available ring
 * at 0x400, the used ring at 0x800. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/kvm/virtio/blk_request.h"

#define MEMORY 16384
#define DISK_SIZE 65536
#define QUEUE_SIZE 16
#define MAX_ROUNDS 64
#define MAX_LATER 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct mv_image img; /* first */
	struct mv_memory memory;
	struct mv_queue queue;
	struct mv_blk_disk disk;
	uint8_t options;
	uint8_t sum;
	unsigned submitted;
	struct mv_image_request *later[MAX_LATER];
	unsigned later_count;
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_blk: %s\n", what);
	abort();
}

/* Does with the buffers what the kernel would. */
static void transfer(struct world *w, struct mv_image_request *req)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < req->iov_count; i++) {
		uint8_t *p = req->iov[i].iov_base;

		must(req->iov[i].iov_len > 0, "an empty segment");
		for (size_t k = 0; k < req->iov[i].iov_len; k++) {
			if (req->op == MV_IMAGE_READ)
				p[k] = (uint8_t)(k * 5 + w->options);
			else
				w->sum += p[k];
		}
		total += req->iov[i].iov_len;
	}
	must(total == req->length, "the segments are not as long as the request");
}

static int outcome(struct world *w, struct mv_image_request *req)
{
	if (w->options & 1 && w->submitted % 3 == 0)
		return -EIO;
	if (req->op == MV_IMAGE_READ || req->op == MV_IMAGE_WRITE)
		transfer(w, req);
	return 0;
}

static int image_submit(struct mv_image *img, struct mv_image_request *req)
{
	struct world *w = (struct world *)img;

	must(req->length <= DISK_SIZE && req->offset <= DISK_SIZE - req->length, "a range outside the disk");
	must(!((req->offset | req->length) % img->info.block_size), "a range that is not aligned");
	w->submitted++;
	if (w->options & 2 && (w->submitted & 1) && w->later_count < MAX_LATER) {
		w->later[w->later_count++] = req;
		return -EINPROGRESS;
	}
	return outcome(w, req);
}

static void image_close(struct mv_image *img)
{
	(void)img;
}

static const struct mv_image_ops image_ops = { .format = "fuzz", .submit = image_submit, .close = image_close };

/* Completes one that waits: the oldest, or the newest. */
static void complete_one(struct world *w)
{
	unsigned i = w->options & 4 ? 0 : w->later_count - 1;
	struct mv_image_request *req = w->later[i];

	w->later_count--;
	for (; i < w->later_count; i++)
		w->later[i] = w->later[i + 1];
	req->done(req, outcome(w, req));
}

static void run(struct world *w)
{
	const char *why = NULL;
	bool broken = false;

	/* Reads may write to the ring itself, so that there is always more to take: it has to end some time. */
	for (int round = 0; round < MAX_ROUNDS && !broken; round++) {
		mv_queue_disable_notify(&w->queue);
		broken = mv_blk_take(&w->disk, 0, &why) < 0;
		must(!broken || why, "broken, and no reason");
		if (!broken && !w->disk.starved && !mv_queue_enable_notify(&w->queue) && !w->later_count)
			break;
		if (w->later_count)
			complete_one(w);
		w->disk.retry = 0;
	}
	if (w->options & 8)
		w->disk.dropping = true;
	while (w->later_count)
		complete_one(w);
	(void)mv_queue_wants_interrupt(&w->queue);
}

/* Chains taken and returned are counted by the queue. The one that broke the rules is taken and not returned. */
static void check(struct world *w)
{
	uint16_t taken = w->queue.last_avail, returned = w->queue.used_index;

	if (w->disk.dropping)
		return;
	must((uint16_t)(taken - returned) <= 1, "a chain is lost, or was returned twice");
	must(!w->disk.starved || w->disk.fresh == w->disk.slot_count, "starved with slots left");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w;

	if (size < 2 || size > MEMORY + 2)
		return 0;
	w = calloc(1, sizeof(*w));
	must(w != NULL, "no memory");
	w->options = data[0];
	w->img.ops = &image_ops;
	w->img.info = (struct mv_image_info){
		.size = DISK_SIZE,
		.block_size = data[1] & 1 ? 4096 : 512,
		.physical_block_size = 4096,
		.read_only = data[1] & 2,
		.buffered = data[0] & 16,
	};
	w->memory = (struct mv_memory){
		.regions = { { .size = MEMORY, .host = calloc(1, MEMORY) } },
		.region_count = 1,
		.size = MEMORY,
		.fd = -1,
	};
	must(w->memory.regions[0].host != NULL, "no memory");
	memcpy(w->memory.regions[0].host, data + 2, size - 2);
	must(mv_queue_init(&w->queue, &w->memory, QUEUE_SIZE, NULL) == 0, "no queue");
	w->queue.size = QUEUE_SIZE;
	w->queue.desc = 0;
	w->queue.avail = 0x400;
	w->queue.used = 0x800;
	w->queue.event_index = data[1] & 4;
	w->queue.indirect = data[1] & 8;
	must(mv_queue_enable(&w->queue), "the queue is not enabled");
	must(mv_blk_disk_init(&w->disk, data[1] & 16 ? 2 : QUEUE_SIZE, NULL) == 0, "no slots");
	w->disk.image = &w->img;
	w->disk.queues = &w->queue;
	w->disk.discard = data[1] & 32;
	w->disk.durable = data[1] & 64;
	w->disk.no_flush = data[1] & 128;
	run(w);
	check(w);
	mv_blk_disk_release(&w->disk);
	mv_queue_release(&w->queue);
	free(w->memory.regions[0].host);
	free(w);
	return 0;
}
