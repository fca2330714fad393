/* What is measured with tiny guests on the local /dev/kvm: start, memory, many at once, save and restore. Each row on
 * standard output: measure, ours, peer, unit, bar (the largest ours/peer allowed, or "<=N" for ours alone). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/api/moonvisor.h"

#define ROUNDS 20
#define SWARM 200

static const char *build;
static const char *work;

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void die(const char *what, const struct mv_error *err)
{
	fprintf(stderr, "bench: %s: %s\n", what, err ? err->message : strerror(errno));
	exit(1);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

__attribute__((format(printf, 5, 6))) static void row(const char *measure, double ours, double peer, const char *unit,
						      const char *bar, ...)
{
	va_list args;

	printf("%s\t%.2f\t", measure, ours);
	if (peer > 0)
		printf("%.2f", peer);
	else
		printf("-");
	printf("\t%s\t", unit);
	va_start(args, bar);
	vprintf(bar, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

/* PSS of a process and its threads, in MiB. */
static double pss(pid_t pid)
{
	char path[64], line[256];
	double kib = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(path, "re");
	if (!f)
		die(path, NULL);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "Pss:", 4))
			kib = strtod(line + 4, NULL);
	fclose(f);
	return kib / 1024;
}

static void first_byte(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;

	if (poll(&p, 1, 60000) != 1 || read(fd, &byte, 1) != 1)
		die("no output came", NULL);
}

/* The machine's process: what the driver wrote down. */
static pid_t machine_pid(const char *name)
{
	char path[512], line[32];
	FILE *f;

	snprintf(path, sizeof(path), "%s/root/run/%s/pid", work, name);
	f = fopen(path, "re");
	if (!f || !fgets(line, sizeof(line), f))
		die(path, NULL);
	fclose(f);
	return (pid_t)strtol(line, NULL, 10);
}

static struct mv_domain *create(struct mv_conn *conn, const char *name, const char *guest, const char *memory,
				unsigned flags)
{
	struct mv_error *err = NULL;
	struct mv_domain *dom;
	char spec[1024];

	snprintf(spec, sizeof(spec),
		 "{\"name\":\"%s\",\"memory\":\"%s\",\"rng\":false,\"boot\":{\"kernel\":\"%s/tests/guest/%s.elf\"}}",
		 name, memory, build, guest);
	if (mv_domain_create(conn, spec, flags, &dom, &err) < 0)
		die(name, err);
	return dom;
}

static int console(struct mv_domain *dom)
{
	struct mv_error *err = NULL;
	int fd = mv_domain_console(dom, NULL, &err);

	if (fd < 0)
		die("console", err);
	return fd;
}

static void destroy(struct mv_domain *dom)
{
	struct mv_error *err = NULL;

	if (mv_domain_destroy(dom, &err) < 0)
		die("destroy", err);
	mv_domain_unref(dom);
}

static double peer_start(double *memory)
{
	char kernel[512];
	int out[2];
	double start = now_ms(), time;
	pid_t pid;

	snprintf(kernel, sizeof(kernel), "%s/tests/guest/halter.elf", build);
	if (pipe2(out, O_CLOEXEC) < 0)
		die("pipe", NULL);
	pid = fork();
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		dup2(open("/dev/null", O_RDWR | O_CLOEXEC), STDIN_FILENO);
		dup2(STDIN_FILENO, STDERR_FILENO);
		execlp("qemu-system-x86_64", "qemu-system-x86_64", "-M", "microvm", "-accel", "kvm", "-m", "16",
		       "-nodefaults", "-no-user-config", "-nographic", "-no-reboot", "-serial", "stdio", "-kernel",
		       kernel, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	first_byte(out[0]);
	time = now_ms() - start;
	*memory = pss(pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(out[0]);
	return time;
}

static void measure_start(struct mv_conn *conn)
{
	double ours[ROUNDS], peer[ROUNDS], our_memory[ROUNDS], peer_memory[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		double start = now_ms();
		struct mv_domain *dom = create(conn, "bench", "halter", "16M", 0);
		int fd = console(dom);

		first_byte(fd);
		ours[i] = now_ms() - start;
		our_memory[i] = pss(machine_pid("bench"));
		close(fd);
		destroy(dom);
		peer[i] = peer_start(&peer_memory[i]);
	}
	row("start to first output (median of 20)", median(ours, ROUNDS), median(peer, ROUNDS), "ms", "0.067");
	row("memory of the process then (PSS)", median(our_memory, ROUNDS), median(peer_memory, ROUNDS), "MiB", "<=3");
}

static void measure_swarm(struct mv_conn *conn)
{
	static struct mv_domain *doms[SWARM];
	static int fds[SWARM];
	struct mv_error *err = NULL;
	double start = now_ms(), most = 0;
	char name[32];

	for (int i = 0; i < SWARM; i++) {
		snprintf(name, sizeof(name), "swarm%d", i);
		doms[i] = create(conn, name, "halter", "16M", MV_START_NOWAIT);
	}
	for (int i = 0; i < SWARM; i++) {
		if (mv_domain_wait_start(doms[i], -1, &err) < 0)
			die("swarm", err);
		fds[i] = console(doms[i]);
		first_byte(fds[i]);
	}
	row("200 guests at once, all have printed", (now_ms() - start) / 1e3, -1, "s", "<=2");
	for (int i = 0; i < SWARM; i++) {
		double one;

		snprintf(name, sizeof(name), "swarm%d", i);
		one = pss(machine_pid(name));
		if (one > most)
			most = one;
	}
	row("memory of the largest of the 200 (PSS)", most, -1, "MiB", "<=3");
	for (int i = 0; i < SWARM; i++) {
		close(fds[i]);
		destroy(doms[i]);
	}
}

static void measure_restore(struct mv_conn *conn, const char *memory)
{
	struct mv_error *err = NULL;
	struct mv_domain *dom = create(conn, "saved", "ticker", memory, 0);
	double times[ROUNDS];
	char path[512], measure[80];
	int fd = console(dom);

	snprintf(path, sizeof(path), "%s/image", work);
	first_byte(fd);
	close(fd);
	if (mv_domain_save(dom, path, false, &err) < 0)
		die("save", err);
	mv_domain_unref(dom);
	for (int i = 0; i < ROUNDS; i++) {
		double start = now_ms();

		if (mv_domain_restore(conn, path, 0, &dom, &err) < 0)
			die("restore", err);
		fd = console(dom);
		first_byte(fd);
		times[i] = now_ms() - start;
		close(fd);
		destroy(dom);
	}
	unlink(path);
	snprintf(measure, sizeof(measure), "restore of %s to first output (median of 20)", memory);
	row(measure, median(times, ROUNDS), -1, "ms", "<=10");
}

int main(int argc, char **argv)
{
	struct mv_error *err = NULL;
	struct mv_conn *conn;
	char uri[512];

	if (argc != 3) {
		fprintf(stderr, "usage: local BUILD-FOLDER WORK-FOLDER\n");
		return 2;
	}
	build = argv[1];
	work = argv[2];
	snprintf(uri, sizeof(uri), "kvm:///embed?root=%s/root", work);
	if (mv_conn_open(uri, &conn, &err) < 0)
		die(uri, err);
	measure_start(conn);
	measure_swarm(conn);
	measure_restore(conn, "256M");
	measure_restore(conn, "4G");
	mv_conn_unref(conn);
	return 0;
}
