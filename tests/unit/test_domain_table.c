/* Guests of a connection, their states' names, and events that wait. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/domain/domain.h"
#include "engine/domain/events.h"

static unsigned released;

static void count_release(struct mv_dom *dom)
{
	(void)dom;
	released++;
}

static struct mv_dom *make(const char *name, uint8_t number)
{
	uint8_t uuid[16] = { number };
	struct mv_dom *dom = mv_dom_create(sizeof(struct mv_dom), name, uuid, NULL);

	assert_non_null(dom);
	dom->release = count_release;
	return dom;
}

static void table(void **state)
{
	struct mv_dom_table t = { 0 };
	struct mv_dom **list, *kept;
	uint8_t uuid[16] = { 3 };
	char name[16];
	size_t count;

	(void)state;
	released = 0;
	for (int i = 0; i < 100; i++) {
		struct mv_dom *dom;

		snprintf(name, sizeof(name), "g%02d", 99 - i);
		dom = make(name, (uint8_t)i);
		assert_int_equal(mv_dom_table_add(&t, dom, NULL), 0);
		mv_dom_unref(dom);
	}
	assert_string_equal(mv_dom_table_by_uuid(&t, uuid)->name, "g96");
	assert_null(mv_dom_table_by_name(&t, "g100"));
	assert_int_equal(mv_dom_table_list(&t, &list, &count, NULL), 0);
	assert_int_equal(count, 100);
	for (size_t i = 1; i < count; i++)
		assert_true(strcmp(list[i - 1]->name, list[i]->name) < 0);
	for (size_t i = 0; i < count; i++)
		mv_dom_unref(list[i]);
	free(list);
	kept = mv_dom_ref(mv_dom_table_by_name(&t, "g50"));
	mv_dom_table_remove(&t, kept);
	assert_true(kept->gone);
	assert_null(mv_dom_table_by_name(&t, "g50"));
	assert_int_equal(released, 0);
	mv_dom_unref(kept);
	assert_int_equal(released, 1);
	for (int i = 0; i < 60; i++)
		mv_dom_table_remove(&t, t.doms[0]);
	kept = make("again", 200);
	assert_int_equal(mv_dom_table_add(&t, kept, NULL), 0);
	mv_dom_unref(kept);
	mv_dom_table_clear(&t);
	assert_int_equal(released, 101);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(mv_domain_state_name(MV_DOMAIN_SHUTOFF), "shut off");
	assert_string_equal(mv_domain_state_name((enum mv_domain_state)99), "unknown");
	assert_string_equal(mv_domain_reason_name(MV_DOMAIN_SHUTOFF, MV_SHUTOFF_SAVED), "saved");
	assert_string_equal(mv_domain_reason_name(MV_DOMAIN_RUNNING, MV_RUNNING_BOOTED), "booted");
	assert_string_equal(mv_domain_reason_name(MV_DOMAIN_CRASHED, MV_CRASHED_PANICKED), "panicked");
	assert_string_equal(mv_domain_reason_name(MV_DOMAIN_CRASHED, 99), "unknown");
	assert_string_equal(mv_domain_reason_name((enum mv_domain_state)99, 0), "unknown");
	for (int s = 0; s < MV_DOMAIN_LAST; s++)
		assert_non_null(mv_domain_state_name((enum mv_domain_state)s));
}

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

static void queue(void **state)
{
	struct mv_event_queue q;
	struct mv_dom *dom = make("g", 1);

	(void)state;
	released = 0;
	assert_int_equal(mv_event_queue_init(&q, NULL), 0);
	mv_event_lifecycle(&q, dom, "started", "booted", NULL);
	assert_null(mv_event_pop(&q)); /* nobody listens */
	q.listeners = 1;
	assert_false(readable(q.fd));
	mv_event_lifecycle(&q, dom, "started", "booted", "text");
	mv_event_push(&q, dom, "balloon", "changed", NULL, NULL, 7);
	assert_true(readable(q.fd));
	mv_auto(mv_dom_event) one = mv_event_pop(&q);
	assert_string_equal(one->text, "text");
	assert_true(readable(q.fd));
	mv_auto(mv_dom_event) two = mv_event_pop(&q);
	assert_int_equal(two->number, 7);
	assert_false(readable(q.fd));
	/* A flood does not fill memory, and does not drown what matters. */
	for (int i = 0; i < 3 * MV_EVENT_QUEUE_LIMIT; i++)
		mv_event_push(&q, dom, "device", "failed", NULL, "x", 0);
	assert_int_equal(q.count, MV_EVENT_QUEUE_LIMIT);
	mv_event_lifecycle(&q, dom, "stopped", "crashed", NULL);
	assert_int_equal(q.count, MV_EVENT_QUEUE_LIMIT + 1);
	for (int i = 0; i < 3 * MV_EVENT_QUEUE_LIMIT; i++)
		mv_event_lifecycle(&q, dom, "stopped", "crashed", NULL);
	assert_int_equal(q.count, 2 * MV_EVENT_QUEUE_LIMIT);
	mv_event_queue_release(&q);
	mv_dom_unref(dom);
	assert_int_equal(released, 0); /* the two that were taken hold it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(names),
		cmocka_unit_test(queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
