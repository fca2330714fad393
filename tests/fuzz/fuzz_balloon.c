/* virtio-balloon: page lists, reports and statistics of any shape, configuration writes, targets, pauses and saved
 * states. Whatever comes, chains are given back at most once, and the balloon is never larger than the guest. */
#include "engine/kvm/virtio/balloon.h"
#include "engine/kvm/virtio/devices.h"
#include "tests/fuzz/machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct fz_machine m;
	struct mv_dev *dev;
	struct fz_driver d;
};

static struct world *the_world(void)
{
	static struct world w;
	const struct mv_device_spec spec = {
		.kind = MV_DEVICE_BALLOON,
		.id = (char[]){ "balloon0" },
		.slot = 3,
		.balloon = { .deflate_on_oom = true, .free_page_reporting = true, .stats = true },
	};

	if (!w.dev) {
		fz_machine_init(&w.m);
		w.dev = fz_device(&w.m, &mv_balloon_dev_ops, &spec);
	}
	return &w;
}

static void add_stat(void *opaque, const char *name, uint64_t value)
{
	(void)opaque;
	(void)name;
	(void)value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w = the_world();
	struct fz_input in = { data, size };
	uint8_t features = fz_next(&in);

	fz_drive(&w->d, &w->m, w->dev,
		 (uint64_t)(features & 0x36) | (features & 1 ? UINT64_C(1) << MV_VIRTIO_F_EVENT_IDX : 0),
		 features & 0x80 ? 0x1f : 0x0f);
	while (in.size) {
		uint8_t op = fz_next(&in);

		switch (op >> 4) {
		case 0:
		case 1:
		case 2:
		case 3:
		case 4:
		case 5:
		case 6: fz_chain(&w->d, (op & 15) % MV_BALLOON_QUEUES, &in); break;
		case 7: fz_config_write(&w->d, op & 12, fz_next(&in) * 0x01010101U, 4); break;
		case 8: fz_config_write(&w->d, op & 15, fz_next(&in), 1); break;
		case 9: w->dev->ops->balloon(w->dev, (uint64_t)fz_next(&in) << 17, NULL); break;
		case 10: w->dev->ops->stats(w->dev, add_stat, NULL); break;
		case 11: w->dev->ops->pause(w->dev); break;
		case 12: w->dev->ops->resume(w->dev); break;
		case 13: fz_save_and_load(w->dev, (uint16_t)(fz_next(&in) | (op & 15) << 8), fz_next(&in)); break;
		default: break;
		}
		fz_turn(&w->m);
		/* A flipped state may have moved the rings; then there is nothing to compare with. */
		if (op >> 4 == 13)
			return LLVMFuzzerTestOneInput(in.data, in.size);
		fz_must(fz_config_read(&w->d, 4, 4) <= FZ_MEMORY / MV_BALLOON_PAGE, "a balloon larger than the guest");
		fz_collect(&w->d);
	}
	w->dev->ops->resume(w->dev);
	w->dev->ops->reset(w->dev);
	fz_turn(&w->m);
	return 0;
}
