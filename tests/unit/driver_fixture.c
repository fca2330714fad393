#include "tests/unit/driver_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/harness/vmm.h"

static unsigned open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	if (!dir)
		return 0;
	/* cppcheck-suppress readdirCalled ; the stream is this function's own */
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void record(const struct mv_event *e, void *opaque)
{
	struct driver_fixture *f = opaque;
	size_t len = strlen(f->events);

	snprintf(f->events + len, sizeof(f->events) - len, "%s %s/%s\n", mv_domain_name(e->domain), e->event,
		 e->detail ? e->detail : "");
}

static void connect_root(struct driver_fixture *f)
{
	mv_auto(mv_error) err = NULL;

	driver_ok(mv_conn_open(f->uri, &f->conn, &err), err);
	driver_ok(mv_conn_on(f->conn, NULL, record, f, NULL, &err), err);
}

static unsigned descriptors_before;

int driver_set_up(void **state)
{
	struct driver_fixture *f = calloc(1, sizeof(*f));
	char machine[512], cwd[400];

	if (!f || !getcwd(cwd, sizeof(cwd)))
		return -1;
	snprintf(machine, sizeof(machine), "%s%s%s/moonvisor-vmm", mv_test_build_dir()[0] == '/' ? "" : cwd,
		 mv_test_build_dir()[0] == '/' ? "" : "/", mv_test_build_dir());
	setenv("MOONVISOR_VMM", machine, 1);
	descriptors_before = open_descriptors();
	strcpy(f->root, "/tmp/mv-driver-XXXXXX");
	if (!mkdtemp(f->root))
		return -1;
	f->console = -1;
	snprintf(f->uri, sizeof(f->uri), "kvm:///embed?root=%s/root&timeout=20", f->root);
	connect_root(f);
	*state = f;
	return 0;
}

static void destroy_all(struct driver_fixture *f)
{
	struct mv_domain **doms;
	size_t count;

	if (mv_conn_domains(f->conn, &doms, &count, NULL) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		mv_domain_destroy(doms[i], NULL);
		mv_domain_unref(doms[i]);
	}
	free(doms);
}

int driver_tear_down(void **state)
{
	struct driver_fixture *f = *state;
	unsigned after;
	char command[400];

	if (f->console >= 0)
		close(f->console);
	destroy_all(f);
	mv_conn_unref(f->conn);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->root);
	if (system(command) != 0)
		print_error("%s is left\n", f->root);
	free(f);
	after = open_descriptors();
	if (after != descriptors_before) {
		print_error("%u descriptors were open before the test, %u are after it\n", descriptors_before, after);
		return -1;
	}
	return 0;
}

void driver_need_kvm(void)
{
	if (mv_test_have_kvm())
		return;
	print_message("skip: there is no /dev/kvm\n");
	skip();
}

void driver_reopen(struct driver_fixture *f)
{
	mv_conn_unref(f->conn);
	connect_root(f);
}

const char *driver_spec(const char *name, const char *guest, const char *more)
{
	static char spec[4096];
	char cwd[400] = "";

	if (mv_test_build_dir()[0] != '/')
		assert_non_null(getcwd(cwd, sizeof(cwd)));
	snprintf(spec, sizeof(spec),
		 "{ \"name\": \"%s\", \"memory\": \"16M\", \"boot\": { \"kernel\": \"%s/%s/tests/guest/%s.elf\" }%s }",
		 name, cwd, mv_test_build_dir(), guest, more);
	return spec;
}

struct mv_domain *driver_create(struct driver_fixture *f, const char *spec)
{
	mv_auto(mv_error) err = NULL;
	struct mv_domain *dom = NULL;

	driver_ok(mv_domain_create(f->conn, spec, 0, &dom, &err), err);
	return dom;
}

struct mv_domain *driver_define(struct driver_fixture *f, const char *spec)
{
	mv_auto(mv_error) err = NULL;
	struct mv_domain *dom = NULL;

	driver_ok(mv_domain_define(f->conn, spec, &dom, &err), err);
	return dom;
}

void driver_expect_error(int ret, struct mv_error **err, int code, const char *text)
{
	if (ret >= 0)
		fail_msg("it worked, instead of failing with '%s'", text);
	assert_non_null(*err);
	if (!strstr((*err)->message, text))
		fail_msg("'%s' instead of '%s'", (*err)->message, text);
	if (code)
		assert_int_equal((*err)->code, code);
	mv_error_free(*err);
	*err = NULL;
}

/* --- console --- */

void driver_attach(struct driver_fixture *f, struct mv_domain *dom)
{
	mv_auto(mv_error) err = NULL;

	if (f->console >= 0)
		close(f->console);
	f->output_len = 0;
	f->console = mv_domain_console(dom, NULL, &err);
	if (f->console < 0)
		fail_msg("%s", err->message);
}

void driver_expect(struct driver_fixture *f, const char *text)
{
	uint64_t end = now_ms() + DRIVER_TIMEOUT_MS;

	for (;;) {
		struct pollfd p = { .fd = f->console, .events = POLLIN };
		char *found;
		ssize_t n;

		f->output[f->output_len] = 0;
		found = strstr(f->output, text);
		if (found) {
			size_t used = (size_t)(found - f->output) + strlen(text);

			memmove(f->output, f->output + used, f->output_len - used);
			f->output_len -= used;
			return;
		}
		if (now_ms() > end || poll(&p, 1, (int)(end - now_ms())) <= 0)
			fail_msg("'%s' did not come from the console; there is '%s'", text, f->output);
		n = read(f->console, f->output + f->output_len, sizeof(f->output) - 1 - f->output_len);
		if (n <= 0)
			fail_msg("the console has ended before '%s' came; there is '%s'", text, f->output);
		f->output_len += (size_t)n;
	}
}

void driver_send(struct driver_fixture *f, const char *text)
{
	/* A guest that has just ended took what it was told with it. */
	assert_true(send(f->console, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

/* --- events and states --- */

void driver_await_event(struct driver_fixture *f, const char *text)
{
	uint64_t end = now_ms() + DRIVER_TIMEOUT_MS;
	mv_auto(mv_error) err = NULL;

	while (!strstr(f->events, text)) {
		if (now_ms() > end)
			fail_msg("no event '%s'; there were:\n%s", text, f->events);
		driver_ok(mv_conn_dispatch(f->conn, 1000, &err), err);
	}
}

static void state_text(struct mv_domain *dom, char buf[128])
{
	const char *state, *reason;
	mv_auto(mv_error) err = NULL;

	driver_ok(mv_domain_state(dom, &state, &reason, NULL, &err), err);
	snprintf(buf, 128, "%s/%s", state, reason);
}

void driver_await_state(struct driver_fixture *f, struct mv_domain *dom, const char *wanted)
{
	uint64_t end = now_ms() + DRIVER_TIMEOUT_MS;
	char is[128];

	for (;;) {
		state_text(dom, is);
		if (strcmp(is, wanted) == 0)
			return;
		if (now_ms() > end)
			fail_msg("its state is %s instead of %s", is, wanted);
		mv_conn_dispatch(f->conn, 100, NULL);
	}
}

void driver_expect_state(struct mv_domain *dom, const char *wanted)
{
	char is[128];

	state_text(dom, is);
	assert_string_equal(is, wanted);
}

/* --- files --- */

const char *driver_path(struct driver_fixture *f, const char *name)
{
	static char paths[8][400];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, 400, "%s/%s", f->root, name);
	return path;
}

void driver_put_file(const char *path, size_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	close(fd);
}

long driver_pid(struct driver_fixture *f, const char *name)
{
	char path[600], text[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/root/run/%s/pid", f->root, name);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	return strtol(text, NULL, 10);
}
