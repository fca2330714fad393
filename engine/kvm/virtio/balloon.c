/* virtio-balloon (VIRTIO 1.2, section 5.5): the guest gives memory back when it is asked to, tells how it uses what it
 * has, and reports pages that are free anyway.
 *
 * Statistics come from the guest, who answers when it likes; whoever asks gets the latest answer at once, and asking
 * requests the next one. How old they are is a statistic too (balloon.last-update). */
#include "engine/kvm/virtio/balloon.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "engine/base/bytes.h"
#include "engine/kvm/virtio/devices.h"

#define DEVICE_ID 5

#define F_STATS 1
#define F_DEFLATE_ON_OOM 2
#define F_PAGE_POISON 4
#define F_REPORTING 5

#define CONFIG_SIZE 16
#define CONFIG_TARGET 0 /* pages that the balloon should have */
#define CONFIG_ACTUAL 4 /* pages that it has; the driver writes it */
#define CONFIG_POISON 12

#define STATS_QUEUE 2
#define STAT_SIZE 10 /* tag (2), value (8) */
#define STAT_COUNT 10

/* The device shares the main loop with others; one turn takes this much. */
#define TURN_PAGES 8192
#define TURN_REPORTS 16

/* A driver may change `actual` as often as it likes, but is talked about ten times a second. */
#define EVENT_INTERVAL_NS 100000000

struct balloon {
	struct mv_virtio v; /* first */
	struct mv_timer *event_timer;
	bool event_timer_runs;
	bool event_owed;
	bool closing;                    /* tells nothing more */
	uint32_t target, actual, poison; /* as in the configuration */
	uint64_t inflate_done;           /* bytes of the next chain of the inflate queue that have been worked on */

	bool stats_held; /* the driver's buffer is here: returning it asks for new ones */
	uint16_t stats_head;
	bool stats_read;      /* what is in the buffer that comes next is known: it was given back for a pause */
	uint16_t stats_known; /* a bit for each tag */
	uint64_t stats[STAT_COUNT];
	uint64_t stats_time; /* seconds since 1970; 0: never */
};

/* By tag (5.5.6.4). Sizes come in bytes and are told in KiB. */
static const struct {
	const char *name;
	unsigned shift;
} stat_names[STAT_COUNT] = {
	{ "balloon.swap_in", 10 },       { "balloon.swap_out", 10 },    { "balloon.major_fault", 0 },
	{ "balloon.minor_fault", 0 },    { "balloon.unused", 10 },      { "balloon.available", 10 },
	{ "balloon.usable", 10 },        { "balloon.disk_caches", 10 }, { "balloon.hugetlb_pgalloc", 0 },
	{ "balloon.hugetlb_pgfail", 0 },
};

static uint64_t all_pages(const struct balloon *b)
{
	return b->v.dev.machine->memory->size / MV_BALLOON_PAGE;
}

static uint64_t guest_bytes(const struct balloon *b)
{
	return (all_pages(b) - b->actual) * MV_BALLOON_PAGE;
}

/* ---- what it has: telling the host ---- */

static void tell(struct balloon *b)
{
	b->event_owed = false;
	b->event_timer_runs = true;
	mv_machine_event(b->v.dev.machine, MV_EVENT_BALLOON, guest_bytes(b), NULL);
	mv_timer_set(b->event_timer, EVENT_INTERVAL_NS);
}

static void on_event_timer(void *opaque)
{
	struct balloon *b = opaque;

	b->event_timer_runs = false;
	if (b->event_owed)
		tell(b);
}

static void set_actual(struct balloon *b, uint32_t pages)
{
	if (pages > all_pages(b))
		pages = (uint32_t)all_pages(b);
	if (pages == b->actual)
		return;
	b->actual = pages;
	if (b->closing)
		return;
	if (b->event_timer_runs)
		b->event_owed = true;
	else
		tell(b);
}

/* ---- pages ---- */

static void take_inflate(struct balloon *b)
{
	struct mv_queue *q = &b->v.queues[MV_BALLOON_INFLATE];
	unsigned budget = TURN_PAGES, turns = 0;
	struct mv_chain chain;

	while (budget && turns++ < q->size && mv_queue_pop(q, &chain) == 1) {
		if (!mv_balloon_inflate(b->v.dev.machine->memory, &chain, &b->inflate_done, &budget)) {
			/* Given back, so that nothing is held when the machine is paused or saved. */
			mv_queue_unpop(q);
			break;
		}
		b->inflate_done = 0;
		mv_queue_push(q, chain.head, 0);
	}
}

/* The pages come back by being used. */
static void take_deflate(struct balloon *b)
{
	struct mv_queue *q = &b->v.queues[MV_BALLOON_DEFLATE];
	struct mv_chain chain;

	for (unsigned turns = 0; turns < q->size && mv_queue_pop(q, &chain) == 1; turns++)
		mv_queue_push(q, chain.head, 0);
}

/* A guest that poisons its free pages wants them back as they were, or filled with its pattern: zeros will do only
 * where that is the pattern. A page of a restored guest may come back with the image's contents. */
static bool may_discard_reported(const struct balloon *b)
{
	return !mv_virtio_has(&b->v, F_PAGE_POISON) ||
		(!b->poison && b->v.dev.machine->memory->kind != MV_MEMORY_IMAGE);
}

static void take_reports(struct balloon *b, unsigned index)
{
	struct mv_queue *q = &b->v.queues[index];
	struct mv_chain chain;

	for (unsigned turns = 0; turns < TURN_REPORTS && mv_queue_pop(q, &chain) == 1; turns++) {
		if (may_discard_reported(b))
			mv_balloon_report(b->v.dev.machine->memory, &chain);
		mv_queue_push(q, chain.head, 0);
	}
}

/* ---- statistics ---- */

static void read_stats(struct balloon *b, const struct mv_chain *chain)
{
	uint8_t entry[STAT_SIZE];

	b->stats_known = 0;
	for (unsigned i = 0; i < 4 * STAT_COUNT; i++) {
		uint16_t tag;

		if (mv_chain_read(chain, i * STAT_SIZE, entry, STAT_SIZE) < STAT_SIZE)
			break;
		tag = mv_get_le16(entry);
		if (tag >= STAT_COUNT)
			continue; /* of a later version of the specification */
		b->stats[tag] = mv_get_le64(entry + 2);
		b->stats_known |= (uint16_t)(1 << tag);
	}
	b->stats_time = (uint64_t)time(NULL);
}

/* The driver gives one buffer and waits until it is returned. */
static void take_stats(struct balloon *b)
{
	struct mv_queue *q = &b->v.queues[STATS_QUEUE];
	struct mv_chain chain;

	if (b->stats_held || mv_queue_pop(q, &chain) != 1)
		return;
	b->stats_held = true;
	b->stats_head = chain.head;
	if (!b->stats_read)
		read_stats(b, &chain);
	b->stats_read = false;
}

static void ask_for_stats(struct balloon *b)
{
	if (!b->stats_held || b->v.paused)
		return;
	b->stats_held = false;
	mv_queue_push(&b->v.queues[STATS_QUEUE], b->stats_head, 0);
	mv_virtio_interrupt(&b->v, STATS_QUEUE);
	if (mv_queue_waiting(&b->v.queues[STATS_QUEUE]))
		mv_virtio_notify_again(&b->v, STATS_QUEUE);
}

/* ---- the virtio device ---- */

static bool has_stats(const struct balloon *b)
{
	return mv_virtio_has(&b->v, F_STATS);
}

/* The specification gives each queue a number of its own; drivers, Linux's first of all, count only those whose feature
 * was negotiated. The queue that is enabled tells which kind of driver it is. */
static unsigned reporting_queue(const struct balloon *b)
{
	if (b->v.queues[MV_BALLOON_QUEUES - 1].enabled)
		return MV_BALLOON_QUEUES - 1;
	return has_stats(b) ? STATS_QUEUE + 1 : STATS_QUEUE;
}

static void balloon_notify(struct mv_virtio *v, unsigned index)
{
	struct balloon *b = (struct balloon *)v;
	struct mv_queue *q = &v->queues[index];
	bool look_again = true;

	if (index == MV_BALLOON_INFLATE) {
		take_inflate(b);
	} else if (index == MV_BALLOON_DEFLATE) {
		take_deflate(b);
	} else if (index == STATS_QUEUE && has_stats(b)) {
		take_stats(b);
		look_again = !b->stats_held; /* one is enough; more wait until it is returned */
	} else if (mv_virtio_has(v, F_REPORTING) && index == reporting_queue(b)) {
		take_reports(b, index);
	} else {
		return;
	}
	mv_virtio_interrupt(v, index);
	if (mv_queue_enable_notify(q) && look_again)
		mv_virtio_notify_again(v, index);
}

static void put_config(const struct balloon *b, uint8_t *config)
{
	memset(config, 0, CONFIG_SIZE);
	mv_put_le32(config + CONFIG_TARGET, b->target);
	mv_put_le32(config + CONFIG_ACTUAL, b->actual);
	mv_put_le32(config + CONFIG_POISON, b->poison);
}

static void balloon_config_read(struct mv_virtio *v, uint32_t offset, void *buf, unsigned len)
{
	uint8_t config[CONFIG_SIZE];

	put_config((struct balloon *)v, config);
	memcpy(buf, config + offset, len);
}

static void balloon_config_write(struct mv_virtio *v, uint32_t offset, const void *buf, unsigned len)
{
	struct balloon *b = (struct balloon *)v;
	uint8_t config[CONFIG_SIZE];

	put_config(b, config);
	memcpy(config + offset, buf, len);
	b->poison = mv_get_le32(config + CONFIG_POISON);
	set_actual(b, mv_get_le32(config + CONFIG_ACTUAL));
}

static int balloon_activate(struct mv_virtio *v, struct mv_error **err)
{
	(void)v;
	(void)err;
	return 0;
}

/* The target is the host's wish and stays. What the last driver had in its balloon, the next one uses. */
static void balloon_reset(struct mv_virtio *v)
{
	struct balloon *b = (struct balloon *)v;

	b->inflate_done = 0;
	b->poison = 0;
	b->stats_held = b->stats_read = false;
	b->stats_known = 0;
	b->stats_time = 0;
	set_actual(b, 0);
}

/* The driver's buffer goes back into its queue, so that there is nothing to save of it. */
static void balloon_pause(struct mv_virtio *v)
{
	struct balloon *b = (struct balloon *)v;

	if (!b->stats_held)
		return;
	b->stats_held = false;
	b->stats_read = true;
	mv_queue_unpop(&v->queues[STATS_QUEUE]);
}

static void balloon_state(struct mv_virtio *v, struct mv_state *st)
{
	struct balloon *b = (struct balloon *)v;

	mv_state_u32(st, 1000, &b->target);
	mv_state_u32(st, 1001, &b->actual);
	mv_state_u32(st, 1002, &b->poison);
	mv_state_u64(st, 1003, &b->inflate_done);
	mv_state_bool(st, 1004, &b->stats_read);
	mv_state_u16(st, 1005, &b->stats_known);
	mv_state_u64(st, 1006, &b->stats_time);
	for (uint16_t i = 0; i < STAT_COUNT; i++)
		mv_state_u64(st, (uint16_t)(1010 + i), &b->stats[i]);
	if (b->target > all_pages(b) || b->actual > all_pages(b)) {
		mv_state_fail(st, "a balloon of %u pages, going for %u, does not fit into a guest of %" PRIu64,
			      b->actual, b->target, all_pages(b));
		b->target = b->actual = 0;
	}
}

static const struct mv_virtio_ops balloon_ops = {
	.device_id = DEVICE_ID,
	.class_code = 0x050000, /* memory controller, RAM */
	.config_size = CONFIG_SIZE,
	.config_read = balloon_config_read,
	.config_write = balloon_config_write,
	.activate = balloon_activate,
	.reset = balloon_reset,
	.notify = balloon_notify,
	.pause = balloon_pause,
	.state = balloon_state,
};

/* ---- mv_dev_ops ---- */

static int set_target(struct balloon *b, uint64_t bytes, struct mv_error **err)
{
	uint64_t memory = b->v.dev.machine->memory->size;

	if (!bytes || bytes > memory)
		return mv_error_set(err, MV_ERR_INVALID_ARG,
				    "The guest's memory cannot become %" PRIu64
				    " KiB: it can be anything up to %" PRIu64 " KiB, but not nothing.",
				    bytes / 1024, memory / 1024);
	b->target = (uint32_t)((memory - bytes) / MV_BALLOON_PAGE);
	return 0;
}

static int balloon_create(struct mv_dev *d, const struct mv_device_spec *spec, struct mv_error **err)
{
	static const uint16_t sizes[MV_BALLOON_QUEUES] = { 128, 128, 64, 64, 64 };
	struct balloon *b = (struct balloon *)d;

	if (d->machine->memory->size / MV_BALLOON_PAGE > UINT32_MAX)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "A guest with a balloon can have at most 16 TiB.");
	if (spec->balloon.target && set_target(b, spec->balloon.target, err) < 0)
		return -1;
	if (spec->balloon.deflate_on_oom)
		b->v.offered |= UINT64_C(1) << F_DEFLATE_ON_OOM;
	if (spec->balloon.stats)
		b->v.offered |= UINT64_C(1) << F_STATS;
	if (spec->balloon.free_page_reporting)
		b->v.offered |= UINT64_C(1) << F_REPORTING | UINT64_C(1) << F_PAGE_POISON;
	if (mv_timer_add(d->machine->loop, on_event_timer, b, &b->event_timer, err) < 0)
		return -1;
	return mv_virtio_init(&b->v, &balloon_ops, spec->slot, false, MV_BALLOON_QUEUES, sizes, err);
}

static void balloon_destroy(struct mv_dev *d)
{
	struct balloon *b = (struct balloon *)d;

	b->closing = true;
	mv_virtio_release(&b->v);
	mv_timer_free(b->event_timer);
}

static int balloon_set(struct mv_dev *d, uint64_t bytes, struct mv_error **err)
{
	struct balloon *b = (struct balloon *)d;

	if (set_target(b, bytes, err) < 0)
		return -1;
	mv_virtio_config_changed(&b->v);
	return 0;
}

static void balloon_stats(struct mv_dev *d, mv_stat_fn fn, void *opaque)
{
	struct balloon *b = (struct balloon *)d;

	fn(opaque, "balloon.current", guest_bytes(b) / 1024);
	fn(opaque, "balloon.maximum", d->machine->memory->size / 1024);
	for (unsigned i = 0; i < STAT_COUNT; i++)
		if (b->stats_known >> i & 1)
			fn(opaque, stat_names[i].name, b->stats[i] >> stat_names[i].shift);
	if (b->stats_time)
		fn(opaque, "balloon.last-update", b->stats_time);
	ask_for_stats(b);
}

const struct mv_dev_ops mv_balloon_dev_ops = {
	.name = "virtio-balloon",
	.size = sizeof(struct balloon),
	.version = 1,
	.create = balloon_create,
	.reset = mv_virtio_dev_reset,
	.state = mv_virtio_dev_state,
	.destroy = balloon_destroy,
	.pause = mv_virtio_dev_pause,
	.resume = mv_virtio_dev_resume,
	.stats = balloon_stats,
	.balloon = balloon_set,
};
