#include "engine/kvm/vmm/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "engine/kvm/dev/chardev.h"
#include "engine/kvm/vmm/save.h"

#define MAX_CLIENTS 64

struct client {
	struct mv_server *server;
	int sock;
	struct mv_watch *watch;
	bool subscribed;
	bool gone;  /* closed at the end of what is being done */
	bool holds; /* saved with MV_SAVE_THEN_HOLD: when it goes, the guest goes on */
	enum mv_run_state held_from;
	struct client *next;
};

struct mv_server {
	struct mv_loop *loop;
	struct mv_guest *guest;
	struct mv_watch *listen_watch;
	int listen_fd;
	struct client *clients;
	unsigned client_count;
};

int mv_server_create(struct mv_loop *loop, struct mv_server **out, struct mv_error **err)
{
	struct mv_server *s = calloc(1, sizeof(*s));

	if (!s)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the control server.");
	s->loop = loop;
	*out = s;
	return 0;
}

static void close_client(struct client *c)
{
	mv_watch_remove(c->watch);
	close(c->sock);
	free(c);
}

void mv_server_free(struct mv_server *s)
{
	if (!s)
		return;
	mv_watch_remove(s->listen_watch);
	while (s->clients) {
		struct client *c = s->clients;

		s->clients = c->next;
		close_client(c);
	}
	free(s);
}

static void reap(struct mv_server *s)
{
	struct client **link = &s->clients;

	while (*link) {
		struct client *c = *link;

		if (!c->gone) {
			link = &c->next;
			continue;
		}
		*link = c->next;
		s->client_count--;
		/* Who saved and was to say what comes next is not there any more: the guest goes on as it was. */
		if (c->holds && c->held_from == MV_STATE_RUNNING && s->guest && !s->guest->ended)
			mv_guest_resume(s->guest, NULL);
		close_client(c);
	}
}

/* A client that does not read is let go rather than waited for: it finds out by the end of its connection. */
static void send_to(struct client *c, struct mv_message *m)
{
	if (!c->gone && mv_message_send(c->sock, m) < 0)
		c->gone = true;
}

void mv_server_event(void *server, enum mv_event_kind kind, uint64_t number, const char *text)
{
	struct mv_server *s = server;
	struct mv_message m;

	mv_message_init(&m);
	m.kind = MV_MESSAGE_EVENT;
	m.code = kind;
	m.number = number;
	m.text = (char *)text; /* borrowed: the message is only encoded */
	if (s->guest)
		m.status = s->guest->status;
	for (struct client *c = s->clients; c; c = c->next)
		if (c->subscribed)
			send_to(c, &m);
}

/* ---- calls ---- */

struct call {
	struct client *client;
	struct mv_guest *guest;
	struct mv_message *in;
	struct mv_message *out;
};

static int no_fd(const struct call *c, struct mv_error **err)
{
	return mv_error_set(err, MV_ERR_INVALID_ARG, "Call %u needs one descriptor beside it.", c->in->code);
}

static int call_query(struct call *c, struct mv_error **err)
{
	(void)err;
	c->out->status = c->guest->status;
	c->out->status.detail = c->guest->status.detail ? strdup(c->guest->status.detail) : NULL;
	return 0;
}

static int call_subscribe(struct call *c, struct mv_error **err)
{
	c->client->subscribed = true;
	return call_query(c, err);
}

static int call_suspend(struct call *c, struct mv_error **err)
{
	return mv_guest_suspend(c->guest, MV_REASON_USER, err);
}

static int call_resume(struct call *c, struct mv_error **err)
{
	c->client->holds = false;
	return mv_guest_resume(c->guest, err);
}

static int call_power_button(struct call *c, struct mv_error **err)
{
	if (c->guest->status.state != MV_STATE_RUNNING)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID,
				    "Guest '%s' is %s: nobody in it would see the power button.", c->guest->spec->name,
				    mv_run_state_name(c->guest->status.state));
	mv_guest_power_button(c->guest, c->in->number == 1);
	return 0;
}

static int call_reset(struct call *c, struct mv_error **err)
{
	return mv_guest_reset(c->guest, MV_REASON_USER, err);
}

static int call_quit(struct call *c, struct mv_error **err)
{
	(void)err;
	c->client->holds = false;
	mv_guest_quit(c->guest, c->in->number == MV_REASON_SAVE ? MV_REASON_SAVE : MV_REASON_QUIT, NULL);
	return 0;
}

static int call_save(struct call *c, struct mv_error **err)
{
	struct mv_guest *g = c->guest;
	enum mv_run_state before = g->status.state;

	if (c->in->fd_count != 1)
		return no_fd(c, err);
	if (c->in->number >= MV_SAVE_THEN_LAST)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "What should follow the save is not known.");
	if (before != MV_STATE_RUNNING && before != MV_STATE_PAUSED)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "Guest '%s' is %s and cannot be saved.",
				    g->spec->name, mv_run_state_name(before));
	mv_guest_hold(g);
	if (mv_save_write(g, c->in->fds[0], err) < 0) {
		mv_guest_release_hold(g);
		return -1;
	}
	switch ((enum mv_save_then)c->in->number) {
	case MV_SAVE_THEN_QUIT: mv_guest_quit(g, MV_REASON_SAVE, NULL); break;
	case MV_SAVE_THEN_HOLD:
		c->client->holds = true;
		c->client->held_from = before;
		return mv_guest_suspend(g, MV_REASON_SAVE, err);
	case MV_SAVE_THEN_PAUSE: return mv_guest_suspend(g, MV_REASON_SAVE, err);
	default: mv_guest_release_hold(g); break;
	}
	return 0;
}

/* "serial0", or "console0.1": the device's id and which of its ports. */
static struct mv_chardev *find_chardev(struct mv_guest *g, const char *name)
{
	size_t id_len = strcspn(name, ".");

	for (unsigned i = 0; i < g->device_count; i++) {
		struct mv_dev *d = g->devices[i];

		if (d->ops->chardev && strlen(d->id) == id_len && !strncmp(d->id, name, id_len))
			return d->ops->chardev(d, name[id_len] ? name + id_len + 1 : "");
	}
	return NULL;
}

static int call_console(struct call *c, struct mv_error **err)
{
	struct mv_chardev *chardev;
	int sock;

	if (c->in->fd_count != 1)
		return no_fd(c, err);
	chardev = find_chardev(c->guest, c->in->text ? c->in->text : "");
	if (!chardev)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "Guest '%s' has no serial port or console '%s'.",
				    c->guest->spec->name, c->in->text ? c->in->text : "");
	sock = c->in->fds[0];
	c->in->fds[0] = -1;
	return mv_chardev_attach(chardev, sock, err);
}

static int call_balloon(struct call *c, struct mv_error **err)
{
	for (unsigned i = 0; i < c->guest->device_count; i++) {
		struct mv_dev *d = c->guest->devices[i];

		if (d->ops->balloon)
			return d->ops->balloon(d, c->in->number, err);
	}
	return mv_error_set(err, MV_ERR_OPERATION_INVALID, "Guest '%s' has no memory balloon.", c->guest->spec->name);
}

static void add_stat(void *opaque, const char *name, uint64_t value)
{
	struct mv_message *m = opaque;
	struct mv_control_stat *grown;

	/* Grown by doubling: the count is a power of two exactly when the array is full. */
	if (!(m->stat_count & (m->stat_count - 1))) {
		grown = realloc(m->stats, (m->stat_count ? m->stat_count * 2 : 1) * sizeof(*grown));
		if (!grown)
			return;
		m->stats = grown;
	}
	m->stats[m->stat_count] = (struct mv_control_stat){ .name = strdup(name), .value = value };
	if (m->stats[m->stat_count].name)
		m->stat_count++;
}

static int call_stats(struct call *c, struct mv_error **err)
{
	struct mv_guest *g = c->guest;
	struct timespec t = { 0 };
	char name[32];

	(void)err;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	add_stat(c->out, "cpu.time", (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec);
	add_stat(c->out, "vcpu.current", mv_vcpus_count(g->vcpus));
	add_stat(c->out, "vcpu.maximum", mv_vcpus_count(g->vcpus));
	for (unsigned i = 0; i < mv_vcpus_count(g->vcpus); i++) {
		snprintf(name, sizeof(name), "vcpu.%u.time", i);
		add_stat(c->out, name, mv_vcpus_cpu_time(g->vcpus, i));
	}
	for (unsigned i = 0; i < g->device_count; i++)
		if (g->devices[i]->ops->stats)
			g->devices[i]->ops->stats(g->devices[i], add_stat, c->out);
	return 0;
}

static int (*const calls[MV_MACHINE_CALL_LAST])(struct call *c, struct mv_error **err) = {
	[MV_CALL_QUERY] = call_query,
	[MV_CALL_SUBSCRIBE] = call_subscribe,
	[MV_CALL_SUSPEND] = call_suspend,
	[MV_CALL_RESUME] = call_resume,
	[MV_CALL_POWER_BUTTON] = call_power_button,
	[MV_CALL_RESET] = call_reset,
	[MV_CALL_QUIT] = call_quit,
	[MV_CALL_SAVE] = call_save,
	[MV_CALL_CONSOLE] = call_console,
	[MV_CALL_BALLOON] = call_balloon,
	[MV_CALL_STATS] = call_stats,
};

static void answer(struct client *client, struct mv_message *in)
{
	mv_auto(mv_error) err = NULL;
	struct mv_message out;
	struct call c = { .client = client, .guest = client->server->guest, .in = in, .out = &out };

	mv_message_init(&out);
	out.kind = MV_MESSAGE_REPLY;
	out.serial = in->serial;
	if (in->kind != MV_MESSAGE_CALL || in->code >= MV_MACHINE_CALL_LAST || !calls[in->code])
		mv_error_set(&err, MV_ERR_NO_SUPPORT, "The machine knows no call %u.", in->code);
	else if (c.guest->ended)
		mv_error_set(&err, MV_ERR_OPERATION_INVALID, "Guest '%s' has just ended.", c.guest->spec->name);
	else
		calls[in->code](&c, &err);
	if (err) {
		mv_message_clear(&out);
		out.kind = MV_MESSAGE_REPLY;
		out.serial = in->serial;
		out.code = (uint32_t)err->code;
		out.errnum = err->errnum;
		out.text = strdup(err->message);
	}
	send_to(client, &out);
	mv_message_clear(&out);
}

static void on_client(void *opaque, uint32_t events)
{
	struct client *c = opaque;
	struct mv_server *s = c->server;
	struct mv_message m;
	int rc;

	(void)events;
	mv_message_init(&m);
	/* One call a round, so that no client keeps the others waiting. */
	rc = mv_message_receive(c->sock, &m);
	if (rc > 0 && s->guest)
		answer(c, &m);
	else if (rc != -EAGAIN)
		c->gone = true;
	mv_message_clear(&m);
	reap(s);
}

int mv_server_add_client(struct mv_server *s, int sock, bool subscribed, struct mv_error **err)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c || s->client_count == MAX_CLIENTS) {
		free(c);
		close(sock);
		return mv_error_set(err, MV_ERR_RESOURCE_BUSY, "The machine serves at most %d clients at once.",
				    MAX_CLIENTS);
	}
	*c = (struct client){ .server = s, .sock = sock, .subscribed = subscribed };
	if (mv_watch_add(s->loop, sock, EPOLLIN, on_client, c, &c->watch, err) < 0) {
		close(sock);
		free(c);
		return -1;
	}
	c->next = s->clients;
	s->clients = c;
	s->client_count++;
	return 0;
}

static void on_connection(void *opaque, uint32_t events)
{
	struct mv_server *s = opaque;
	int sock = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (sock >= 0)
		mv_server_add_client(s, sock, false, NULL);
}

int mv_server_serve(struct mv_server *s, struct mv_guest *g, int listen_fd, struct mv_error **err)
{
	s->guest = g;
	s->listen_fd = listen_fd;
	if (listen_fd < 0)
		return 0;
	return mv_watch_add(s->loop, listen_fd, EPOLLIN, on_connection, s, &s->listen_watch, err);
}
