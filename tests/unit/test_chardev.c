#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

#include "engine/kvm/dev/chardev.h"

struct guest {
	struct mv_loop *loop;
	struct mv_chardev *chardev;
	size_t room;
	char input[65536];
	size_t input_len;
	int clients;
	int drained;
	int peer; /* of the client that is being looked at */
	char output[300000];
	size_t output_len;
	size_t want;
};

static size_t room(void *opaque)
{
	return ((struct guest *)opaque)->room;
}

static void receive(void *opaque, const uint8_t *data, size_t len)
{
	struct guest *g = opaque;

	assert_true(len <= g->room);
	assert_true(g->input_len + len <= sizeof(g->input));
	memcpy(g->input + g->input_len, data, len);
	g->input_len += len;
	g->room -= len;
}

static void opened(void *opaque, int clients)
{
	((struct guest *)opaque)->clients = clients;
}

static void drained(void *opaque)
{
	((struct guest *)opaque)->drained++;
}

static const struct mv_chardev_ops ops = { .room = room, .receive = receive, .opened = opened, .drained = drained };

static void setup(struct guest *g, int log_fd)
{
	memset(g, 0, sizeof(*g));
	g->room = sizeof(g->input);
	g->peer = -1;
	assert_int_equal(mv_loop_create(&g->loop, NULL), 0);
	assert_int_equal(mv_chardev_create(g->loop, log_fd, &ops, g, &g->chardev, NULL), 0);
}

static void teardown(struct guest *g)
{
	mv_chardev_free(g->chardev);
	mv_loop_free(g->loop);
	if (g->peer >= 0)
		close(g->peer);
}

static int attach(struct guest *g)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(mv_chardev_attach(g->chardev, pair[0], NULL), 0);
	return pair[1];
}

static void until(struct guest *g, bool (*done)(struct guest *g))
{
	struct timespec now, start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		if (done(g))
			return;
		mv_loop_once(g->loop, 10);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - start.tv_sec < 10);
	fail_msg("it did not happen within ten seconds");
}

static bool got_output(struct guest *g)
{
	ssize_t n = recv(g->peer, g->output + g->output_len, sizeof(g->output) - g->output_len, MSG_DONTWAIT);

	if (n > 0)
		g->output_len += (size_t)n;
	return g->output_len >= g->want;
}

static bool got_input(struct guest *g)
{
	return g->input_len >= g->want;
}

static bool no_clients(struct guest *g)
{
	return g->clients == 0;
}

static bool was_drained(struct guest *g)
{
	got_output(g);
	return g->drained > 0;
}

static void put(struct guest *g, const char *text)
{
	mv_chardev_write(g->chardev, text, strlen(text));
}

static void test_output_reaches_client(void **state)
{
	struct guest g;

	(void)state;
	setup(&g, -1);
	g.peer = attach(&g);
	assert_int_equal(g.clients, 1);
	put(&g, "hello ");
	g.want = 6;
	until(&g, got_output);
	/* In the same burst, where only the timer looks again. */
	put(&g, "world");
	g.want = 11;
	until(&g, got_output);
	assert_memory_equal(g.output, "hello world", 11);
	teardown(&g);
}

static void test_history_first(void **state)
{
	struct guest g;

	(void)state;
	setup(&g, -1);
	put(&g, "before ");
	g.peer = attach(&g);
	put(&g, "after");
	g.want = 12;
	until(&g, got_output);
	assert_memory_equal(g.output, "before after", 12);
	teardown(&g);
}

static void test_history_is_bounded(void **state)
{
	struct guest g;
	char line[16];

	(void)state;
	setup(&g, -1);
	for (int i = 0; i < 20000; i++) {
		snprintf(line, sizeof(line), "%07d\n", i);
		put(&g, line);
	}
	g.peer = attach(&g);
	g.want = MV_CHARDEV_HISTORY;
	until(&g, got_output);
	assert_int_equal(g.output_len, MV_CHARDEV_HISTORY);
	snprintf(line, sizeof(line), "%07d\n", 20000 - MV_CHARDEV_HISTORY / 8);
	assert_memory_equal(g.output, line, 8);
	assert_memory_equal(g.output + MV_CHARDEV_HISTORY - 8, "0019999\n", 8);
	teardown(&g);
}

/* A client that does not read loses the oldest, keeps the newest 64 KiB, and holds up nobody. */
static void test_slow_client(void **state)
{
	struct guest g;
	char line[16];
	int other;
	size_t lines = 200000;

	(void)state;
	setup(&g, -1);
	other = attach(&g);
	for (size_t i = 0; i < lines; i++) {
		snprintf(line, sizeof(line), "%07zu\n", i);
		put(&g, line);
		if (i % 1000 == 0)
			mv_loop_once(g.loop, 0);
	}
	assert_int_equal(mv_chardev_backlog(g.chardev), MV_CHARDEV_HISTORY);
	g.peer = other;
	/* What its socket held, then the last 64 KiB. */
	do {
		g.want = g.output_len + 1;
		until(&g, got_output);
		if (g.output_len > sizeof(g.output) / 2) {
			memmove(g.output, g.output + g.output_len - 64, 64);
			g.output_len = 64;
		}
	} while (g.output_len < 8 || memcmp(g.output + g.output_len - 8, "0199999\n", 8));
	assert_int_equal(mv_chardev_backlog(g.chardev), 0);
	teardown(&g);
}

static void test_backlog_drains(void **state)
{
	struct guest g;
	static char chunk[MV_CHARDEV_HISTORY];
	size_t total = 0;

	(void)state;
	setup(&g, -1);
	g.peer = attach(&g);
	memset(chunk, 'x', sizeof(chunk));
	while (!mv_chardev_backlog(g.chardev) || total < 4096) {
		mv_chardev_write(g.chardev, chunk, 4096);
		total += 4096;
		mv_loop_once(g.loop, 1);
		mv_loop_once(g.loop, 1);
	}
	g.drained = 0;
	until(&g, was_drained);
	assert_int_equal(mv_chardev_backlog(g.chardev), 0);
	teardown(&g);
}

static void test_input(void **state)
{
	struct guest g;

	(void)state;
	setup(&g, -1);
	g.peer = attach(&g);
	assert_int_equal(write(g.peer, "ls\n", 3), 3);
	g.want = 3;
	until(&g, got_input);
	assert_memory_equal(g.input, "ls\n", 3);
	teardown(&g);
}

static void test_input_waits_for_room(void **state)
{
	struct guest g;

	(void)state;
	setup(&g, -1);
	g.room = 2;
	g.peer = attach(&g);
	assert_int_equal(write(g.peer, "abcdef", 6), 6);
	g.want = 2;
	until(&g, got_input);
	for (int i = 0; i < 5; i++)
		mv_loop_once(g.loop, 0);
	assert_int_equal(g.input_len, 2);
	g.room = 3;
	mv_chardev_ready(g.chardev);
	g.want = 5;
	until(&g, got_input);
	assert_int_equal(g.input_len, 5);
	g.room = 10;
	mv_chardev_ready(g.chardev);
	g.want = 6;
	until(&g, got_input);
	assert_memory_equal(g.input, "abcdef", 6);
	teardown(&g);
}

/* Its last words count, though it has gone and the guest was busy. */
static void test_client_leaves_while_guest_is_full(void **state)
{
	struct guest g;
	int peer;

	(void)state;
	setup(&g, -1);
	g.room = 0;
	peer = attach(&g);
	assert_int_equal(write(peer, "halt\n", 5), 5);
	close(peer);
	for (int i = 0; i < 5; i++)
		mv_loop_once(g.loop, 0);
	assert_int_equal(g.input_len, 0);
	assert_int_equal(g.clients, 1);
	g.room = 100;
	mv_chardev_ready(g.chardev);
	until(&g, no_clients);
	assert_int_equal(g.input_len, 5);
	teardown(&g);
}

/* `echo x | nc -U` stops sending and still wants the answer. */
static void test_half_closed_client_gets_output(void **state)
{
	struct guest g;

	(void)state;
	setup(&g, -1);
	g.peer = attach(&g);
	assert_int_equal(write(g.peer, "x", 1), 1);
	assert_int_equal(shutdown(g.peer, SHUT_WR), 0);
	g.want = 1;
	until(&g, got_input);
	for (int i = 0; i < 5; i++)
		mv_loop_once(g.loop, 0);
	assert_int_equal(g.clients, 1);
	put(&g, "answer");
	g.want = 6;
	until(&g, got_output);
	close(g.peer);
	g.peer = -1;
	until(&g, no_clients);
	teardown(&g);
}

static void test_too_many_clients(void **state)
{
	struct guest g;
	int peers[MV_CHARDEV_MAX_CLIENTS], pair[2];
	mv_auto(mv_error) err = NULL;

	(void)state;
	setup(&g, -1);
	for (int i = 0; i < MV_CHARDEV_MAX_CLIENTS; i++)
		peers[i] = attach(&g);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(mv_chardev_attach(g.chardev, pair[0], &err), -1);
	assert_int_equal(err->code, MV_ERR_RESOURCE_BUSY);
	close(pair[1]);
	for (int i = 0; i < MV_CHARDEV_MAX_CLIENTS; i++)
		close(peers[i]);
	until(&g, no_clients);
	teardown(&g);
}

/* Words that the guest never reads take no place from a client that is there. */
static void test_gone_clients_give_way(void **state)
{
	struct guest g;
	int peer;

	(void)state;
	setup(&g, -1);
	g.room = 0;
	for (int i = 0; i < 2 * MV_CHARDEV_MAX_CLIENTS; i++) {
		peer = attach(&g);
		assert_int_equal(write(peer, "x", 1), 1);
		close(peer);
		mv_loop_once(g.loop, 0);
		mv_loop_once(g.loop, 0);
	}
	assert_int_equal(g.clients, MV_CHARDEV_MAX_CLIENTS);
	g.peer = attach(&g);
	put(&g, "here");
	g.want = 4;
	until(&g, got_output);
	teardown(&g);
}

/* One that left nothing to read is noticed though the guest takes nothing. */
static void test_client_leaves_silently(void **state)
{
	struct guest g;

	(void)state;
	setup(&g, -1);
	g.room = 0;
	close(attach(&g));
	until(&g, no_clients);
	teardown(&g);
}

static void read_log(struct guest *g, int fd)
{
	ssize_t n = pread(fd, g->output, sizeof(g->output), 0);

	assert_true(n >= 0);
	g->output_len = (size_t)n;
}

/* The log file has everything, also more than the ring holds between two looks of the loop. */
static void test_log_file_is_complete(void **state)
{
	struct guest g;
	int fd = memfd_create("log", 0);
	char line[16];

	(void)state;
	assert_true(fd >= 0);
	setup(&g, dup(fd));
	for (int i = 0; i < 30000; i++) {
		snprintf(line, sizeof(line), "%07d\n", i);
		put(&g, line);
	}
	mv_chardev_free(g.chardev);
	g.chardev = NULL;
	read_log(&g, fd);
	assert_int_equal(g.output_len, 30000 * 8);
	for (int i = 0; i < 30000; i++) {
		snprintf(line, sizeof(line), "%07d\n", i);
		assert_memory_equal(g.output + i * 8, line, 8);
	}
	teardown(&g);
	close(fd);
}

static bool logged(struct guest *g)
{
	ssize_t n = read(g->peer, g->output, sizeof(g->output));

	g->output_len += n > 0 ? (size_t)n : 0;
	return g->output_len >= g->want;
}

/* A pipe whose reader sleeps must not hold up the guest; when the reader wakes it gets what is kept. */
static void test_log_pipe(void **state)
{
	struct guest g;
	int ends[2];
	static char chunk[200000];

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	setup(&g, ends[1]);
	memset(chunk, 'y', sizeof(chunk));
	mv_chardev_write(g.chardev, chunk, sizeof(chunk));
	mv_loop_once(g.loop, 0);
	g.peer = ends[0];
	g.want = 100000;
	until(&g, logged);
	close(g.peer);
	g.peer = -1;
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 3; i++) {
		mv_chardev_write(g.chardev, chunk, 1000);
		mv_loop_once(g.loop, 5);
	}
	teardown(&g);
}

static void *writer(void *opaque)
{
	struct guest *g = opaque;

	for (int i = 0; i < 20000; i++)
		mv_chardev_write(g->chardev, "z", 1);
	return NULL;
}

/* vCPUs write while the loop serves clients. */
static void test_threads(void **state)
{
	struct guest g;
	pthread_t threads[2];
	int fd = memfd_create("log", 0);

	(void)state;
	setup(&g, dup(fd));
	g.peer = attach(&g);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, writer, &g), 0);
	g.want = 40000;
	until(&g, got_output);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	mv_chardev_free(g.chardev);
	g.chardev = NULL;
	read_log(&g, fd);
	assert_int_equal(g.output_len, 40000);
	teardown(&g);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output_reaches_client),
		cmocka_unit_test(test_history_first),
		cmocka_unit_test(test_history_is_bounded),
		cmocka_unit_test(test_slow_client),
		cmocka_unit_test(test_backlog_drains),
		cmocka_unit_test(test_input),
		cmocka_unit_test(test_input_waits_for_room),
		cmocka_unit_test(test_client_leaves_while_guest_is_full),
		cmocka_unit_test(test_half_closed_client_gets_output),
		cmocka_unit_test(test_too_many_clients),
		cmocka_unit_test(test_gone_clients_give_way),
		cmocka_unit_test(test_client_leaves_silently),
		cmocka_unit_test(test_log_file_is_complete),
		cmocka_unit_test(test_log_pipe),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
