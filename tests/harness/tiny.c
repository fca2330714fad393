#include "tests/harness/tiny.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/bytes.h"

#define SECTOR 512
#define SETTLE_TRIES 100
#define SETTLE_MS 20

/* Sanitizers keep what was freed for a while, and shadow of it. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLACK_FACTOR 64
#else
#define SLACK_FACTOR 1
#endif

int mv_tiny_set_up(void **state)
{
	struct mv_tiny *t = calloc(1, sizeof(*t));

	if (!t)
		return -1;
	/* Of what was freed, the machine's process would keep hundreds of MiB, and hide what was not. */
	setenv("ASAN_OPTIONS", "quarantine_size_mb=1", 0);
	mv_machine_spec_init(&t->spec);
	t->plan = *state;
	*state = t;
	return 0;
}

void mv_tiny_kill(struct mv_tiny *t)
{
	if (t->started)
		mv_test_stop(&t->vmm);
	t->started = false;
}

int mv_tiny_tear_down(void **state)
{
	struct mv_tiny *t = *state;

	mv_tiny_kill(t);
	while (t->fd_count)
		close(t->fds[--t->fd_count]);
	mv_machine_spec_clear(&t->spec);
	free(t);
	/* Nothing of it is left: no child, no zombie. */
	return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : -1;
}

int mv_tiny_keep(struct mv_tiny *t, int fd)
{
	assert_true(fd >= 0);
	assert_true(t->fd_count < MV_TINY_MAX_FDS);
	t->fds[t->fd_count++] = fd;
	return fd;
}

void mv_tiny_begin(struct mv_tiny *t, const char *guest, const char *which)
{
	if (!mv_test_have_kvm()) {
		print_message("skip: no /dev/kvm\n");
		skip();
	}
	mv_test_spec(&t->spec, guest);
	mv_tiny_keep(t, t->spec.kernel_fd);
	mv_tiny_keep(t, t->spec.kvm_fd);
	t->spec.cmdline = which ? strdup(which) : NULL;
}

void mv_tiny_vcpus(struct mv_tiny *t, unsigned count)
{
	t->spec.vcpus = t->spec.sockets = count;
	t->spec.cores = t->spec.threads = 1;
}

void mv_tiny_add_rng(struct mv_tiny *t, unsigned slot)
{
	mv_test_add_device(&t->spec, MV_DEVICE_RNG, "rng0", slot)->rng.fd = mv_tiny_keep(t,
											 open("/dev/urandom",
											      O_RDONLY | O_CLOEXEC));
}

int mv_tiny_add_blk(struct mv_tiny *t, unsigned slot, uint64_t size)
{
	int fd = mv_tiny_keep(t, mv_test_file());
	struct mv_device_spec *d = mv_test_add_device(&t->spec, MV_DEVICE_BLK, "disk0", slot);

	for (uint64_t at = 0; at < size; at += SECTOR) {
		uint8_t sector[SECTOR] = { 0 };

		mv_put_le32(sector, (uint32_t)(at / SECTOR));
		assert_int_equal(pwrite(fd, sector, SECTOR, (off_t)at), SECTOR);
	}
	d->blk.fd = fd;
	d->blk.queues = 1;
	d->blk.queue_size = 128;
	d->blk.discard = true;
	return fd;
}

void mv_tiny_add_console(struct mv_tiny *t, unsigned slot)
{
	struct mv_device_spec *d = mv_test_add_device(&t->spec, MV_DEVICE_CONSOLE, "console0", slot);

	d->console.ports = calloc(2, sizeof(*d->console.ports));
	d->console.count = 2;
	d->console.ports[0] = (struct mv_console_port_spec){ .is_console = true, .log_fd = -1 };
	d->console.ports[1] = (struct mv_console_port_spec){ .name = strdup("org.test.0"), .log_fd = -1 };
}

void mv_tiny_add_balloon(struct mv_tiny *t, unsigned slot)
{
	struct mv_device_spec *d = mv_test_add_device(&t->spec, MV_DEVICE_BALLOON, "balloon0", slot);

	d->balloon.deflate_on_oom = d->balloon.stats = d->balloon.free_page_reporting = true;
}

void mv_tiny_start(struct mv_tiny *t)
{
	t->started = true; /* even a failed start leaves a process */
	mv_test_start_ok(&t->vmm, &t->spec);
}

void mv_tiny_done(struct mv_tiny *t)
{
	struct mv_message event;

	mv_test_expect(&t->vmm, "done\n");
	mv_test_wait_event(&t->vmm, MV_EVENT_STOPPED, &event);
	assert_int_equal(event.status.reason, MV_REASON_POWEROFF);
	mv_message_clear(&event);
	mv_test_wait_end(&t->vmm, 0);
}

/* Reads all that the ended machine has said, so that nothing is missing between it and its successor. */
static char *remaining_output(struct mv_tiny *t, size_t *len)
{
	struct mv_test_vmm *vmm = &t->vmm;
	char *text;
	ssize_t n;

	do {
		assert_true(vmm->output_len < sizeof(vmm->output));
		n = read(vmm->console, vmm->output + vmm->output_len, sizeof(vmm->output) - vmm->output_len);
		if (n > 0)
			vmm->output_len += (size_t)n;
	} while (n > 0);
	*len = vmm->output_len;
	text = malloc(*len + 1);
	assert_non_null(text);
	memcpy(text, vmm->output, *len);
	return text;
}

void mv_tiny_save_restore(struct mv_tiny *t)
{
	struct mv_message reply;
	int fd = mv_tiny_keep(t, mv_test_file());
	size_t len;
	char *text;

	if (mv_test_call(&t->vmm, MV_CALL_SAVE, MV_SAVE_THEN_QUIT, NULL, fd, &reply))
		fail_msg("save: %s", reply.text);
	mv_message_clear(&reply);
	mv_test_wait_end(&t->vmm, 0);
	text = remaining_output(t, &len);
	mv_tiny_kill(t);
	/* The image before has served: the machine that had it mapped is gone. */
	if (t->spec.restore_fd >= 0) {
		close(t->spec.restore_fd);
		t->fd_count--;
		t->fds[t->fd_count - 1] = fd;
	}
	t->spec.restore_fd = fd;
	t->spec.restore_verify = true;
	mv_tiny_start(t);
	memcpy(t->vmm.output, text, len);
	t->vmm.output_len = len;
	free(text);
}

/* ---- what a process holds ---- */

static unsigned count_entries(pid_t pid, const char *folder)
{
	char path[64];
	unsigned count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, folder);
	dir = opendir(path);
	if (!dir) {
		fail_msg("cannot read %s", path);
		return 0;
	}
	/* cppcheck-suppress readdirCalled ; the stream is this function's own */
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2; /* . and .. */
}

void mv_tiny_usage(pid_t pid, struct mv_tiny_usage *usage)
{
	char path[64], line[512];
	bool guest = false;
	FILE *f;

	*usage = (struct mv_tiny_usage){ .fds = count_entries(pid, "fd"), .threads = count_entries(pid, "task") };
	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		char *rest;
		unsigned long long start = strtoull(line, &rest, 16);

		if (*rest == '-')
			guest = strtoull(rest + 1, NULL, 16) - start == MV_MACHINE_MIN_MEMORY;
		else if (!strncmp(line, "Anonymous:", 10) && !guest)
			usage->anonymous += strtoull(line + 10, NULL, 10) << 10;
	}
	fclose(f);
}

void mv_tiny_usage_same(pid_t pid, const struct mv_tiny_usage *before, uint64_t slack)
{
	uint64_t limit = before->anonymous + slack * SLACK_FACTOR;
	struct mv_tiny_usage now;

	/* A process may still be closing what the last call brought when that call's reply has come. */
	for (unsigned tries = 0; tries < SETTLE_TRIES; tries++) {
		mv_tiny_usage(pid, &now);
		if (now.fds <= before->fds && now.threads <= before->threads && now.anonymous <= limit)
			return;
		poll(NULL, 0, SETTLE_MS);
	}
	if (now.fds > before->fds)
		fail_msg("%u descriptors have become %u", before->fds, now.fds);
	if (now.threads > before->threads)
		fail_msg("%u threads have become %u", before->threads, now.threads);
	fail_msg("%llu KiB of memory have become %llu", (unsigned long long)before->anonymous >> 10,
		 (unsigned long long)now.anonymous >> 10);
}
