/* What a guest has used, in the names of libvirt's domain statistics. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/kvm/kvm.h"

struct list {
	struct mv_stat *stats;
	size_t count;
	bool failed;
};

static void add(struct list *l, uint64_t value, const char *text, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static void add(struct list *l, uint64_t value, const char *text, const char *fmt, ...)
{
	struct mv_stat stat = { .value = value };
	va_list ap;
	int n;

	/* Grown by doubling: the count is a power of two exactly when the array is full. */
	if (!(l->count & (l->count - 1))) {
		struct mv_stat *grown = reallocarray(l->stats, l->count ? l->count * 2 : 1, sizeof(*grown));

		if (!grown) {
			l->failed = true;
			return;
		}
		l->stats = grown;
	}
	va_start(ap, fmt);
	n = vasprintf(&stat.name, fmt, ap);
	va_end(ap);
	stat.text = text ? strdup(text) : NULL;
	if (n < 0 || (text && !stat.text)) {
		if (n >= 0)
			free(stat.name);
		free(stat.text);
		l->failed = true;
		return;
	}
	l->stats[l->count++] = stat;
}

static bool has(const struct list *l, const char *name)
{
	for (size_t i = 0; i < l->count; i++) {
		if (strcmp(l->stats[i].name, name) == 0)
			return true;
	}
	return false;
}

/* User and system time of the machine process, in clock ticks. */
static bool read_times(pid_t pid, uint64_t *user, uint64_t *system)
{
	char path[32], text[1024];
	mv_autofd int fd = -1;
	const char *p;
	char *end;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	/* Fields 14 and 15; the second, a name in parentheses, may contain anything. */
	p = strrchr(text, ')');
	for (int field = 2; p && field < 14; field++)
		p = strchr(p + 1, ' ');
	if (!p)
		return false;
	*user = strtoull(p, &end, 10);
	*system = strtoull(end, NULL, 10);
	return true;
}

static void add_process(struct list *l, const struct mv_kvm_domain *d)
{
	uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t user, system, pages;
	char path[32], text[128];
	char *end;
	mv_autofd int fd = -1;
	struct timespec t;
	clockid_t clock;
	ssize_t n;

	if (d->pid <= 0)
		return;
	if (!has(l, "cpu.time") && clock_getcpuclockid(d->pid, &clock) == 0 && clock_gettime(clock, &t) == 0)
		add(l, (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec, NULL, "cpu.time");
	if (read_times(d->pid, &user, &system)) {
		add(l, user * (1000000000 / ticks), NULL, "cpu.user");
		add(l, system * (1000000000 / ticks), NULL, "cpu.system");
	}
	snprintf(path, sizeof(path), "/proc/%d/statm", (int)d->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	strtoull(text, &end, 10); /* all that is mapped; what is in memory comes second */
	pages = strtoull(end, NULL, 10);
	if (!has(l, "balloon.rss") && pages)
		add(l, pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024, NULL, "balloon.rss");
}

/* The machine names devices by their ids ("block.disk0.rd.bytes"); the statistics number them ("block.0.rd.bytes"). */
static void add_numbered(struct list *l, const char *name, uint64_t value)
{
	static const struct {
		const char *machine, *ours;
	} groups[] = { { "block.disk", "block." }, { "net.net", "net." } };

	for (size_t i = 0; i < MV_ARRAY_SIZE(groups); i++) {
		size_t len = strlen(groups[i].machine);

		if (strncmp(name, groups[i].machine, len) == 0) {
			add(l, value, NULL, "%s%s", groups[i].ours, name + len);
			return;
		}
	}
	add(l, value, NULL, "%s", name);
}

/* What the machine does not know: names and paths. */
static void add_names(struct list *l, const struct mv_domain_conf *conf)
{
	add(l, conf->disk_count, NULL, "block.count");
	for (size_t i = 0; i < conf->disk_count; i++) {
		add(l, 0, conf->disks[i].target, "block.%zu.name", i);
		add(l, 0, conf->disks[i].path, "block.%zu.path", i);
	}
	add(l, conf->nic_count, NULL, "net.count");
	for (size_t i = 0; i < conf->nic_count; i++) {
		if (conf->nics[i].tap)
			add(l, 0, conf->nics[i].tap, "net.%zu.name", i);
	}
}

int mv_kvm_stats(struct mv_driver *drv, struct mv_dom *dom, struct mv_stat **out, size_t *count, struct mv_error **err)
{
	struct mv_kvm_domain *d = mv_kvm_domain_of(dom);
	struct mv_message call, reply;
	struct list l = { 0 };

	(void)drv;
	mv_message_init(&reply);
	if (mv_dom_active(dom)) {
		mv_message_init(&call);
		call.code = MV_CALL_STATS;
		if (mv_kvm_call(d, &call, -1, "the statistics", &reply, err) < 0) {
			mv_message_clear(&reply);
			return -1;
		}
	}
	add(&l, dom->state, NULL, "state.state");
	add(&l, dom->reason, NULL, "state.reason");
	for (uint32_t i = 0; i < reply.stat_count; i++)
		add_numbered(&l, reply.stats[i].name, reply.stats[i].value);
	mv_message_clear(&reply);
	if (mv_dom_active(dom)) {
		add_process(&l, d);
		if (!has(&l, "balloon.maximum"))
			add(&l, dom->live->memory / 1024, NULL, "balloon.maximum");
		add_names(&l, dom->live);
	}
	if (l.failed) {
		mv_stats_free(l.stats, l.count);
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the statistics of domain '%s'",
				    dom->name);
	}
	*out = l.stats;
	*count = l.count;
	return 0;
}
