/* A machine's life, with tiny guests on the local /dev/kvm. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/kvm/common/save_image.h"
#include "tests/harness/vmm.h"

struct fixture {
	struct mv_machine_spec spec;
	struct mv_test_vmm vmm;
	bool started;
};

static int set_up(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	mv_machine_spec_init(&f.spec);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	if (f->started)
		mv_test_stop(&f->vmm);
	if (f->spec.kernel_fd >= 0)
		close(f->spec.kernel_fd);
	if (f->spec.kvm_fd >= 0)
		close(f->spec.kvm_fd);
	mv_machine_spec_clear(&f->spec);
	return 0;
}

static void begin(struct fixture *f, const char *guest)
{
	if (!mv_test_have_kvm()) {
		print_message("skip: no /dev/kvm\n");
		skip();
	}
	mv_test_spec(&f->spec, guest);
}

static void start(struct fixture *f)
{
	mv_test_start_ok(&f->vmm, &f->spec);
	f->started = true;
}

static void expect_stop(struct fixture *f, enum mv_reason reason)
{
	struct mv_message event;

	mv_test_wait_event(&f->vmm, MV_EVENT_STOPPED, &event);
	assert_int_equal(event.status.state, MV_STATE_SHUTOFF);
	if (event.status.reason != reason)
		fail_msg("it ended by '%s' (%s)", mv_reason_name(event.status.reason),
			 event.status.detail ? event.status.detail : "no detail");
	mv_message_clear(&event);
	mv_test_wait_end(&f->vmm, 0);
}

static void powers_off(void **state)
{
	struct fixture *f = *state;

	begin(f, "hello");
	start(f);
	mv_test_expect(&f->vmm, "hello\n");
	expect_stop(f, MV_REASON_POWEROFF);
}

static void goes_through_all_modes(void **state)
{
	struct fixture *f = *state;

	begin(f, "modes");
	start(f);
	mv_test_expect(&f->vmm, "protected\nreal\nprotected again\nlong\ncompatibility\n");
	expect_stop(f, MV_REASON_POWEROFF);
}

static void is_quiet_while_paused(void **state)
{
	struct fixture *f = *state;
	struct mv_message reply;

	begin(f, "counter");
	f->spec.start_paused = true;
	start(f);
	assert_int_equal(mv_test_call(&f->vmm, MV_CALL_QUERY, 0, NULL, -1, &reply), 0);
	assert_int_equal(reply.status.state, MV_STATE_PAUSED);
	assert_int_equal(reply.status.reason, MV_REASON_BOOTED);
	mv_message_clear(&reply);
	mv_test_call_ok(&f->vmm, MV_CALL_RESUME, 0);
	mv_test_expect(&f->vmm, "ready\n");
	mv_test_call_ok(&f->vmm, MV_CALL_SUSPEND, 0);
	mv_test_send(&f->vmm, "n");
	assert_int_equal(mv_test_call(&f->vmm, MV_CALL_QUERY, 0, NULL, -1, &reply), 0);
	assert_int_equal(reply.status.state, MV_STATE_PAUSED);
	assert_int_equal(reply.status.reason, MV_REASON_USER);
	mv_message_clear(&reply);
	assert_int_equal(recv(f->vmm.console, &(char){ 0 }, 1, MSG_DONTWAIT), -1);
	mv_test_call_ok(&f->vmm, MV_CALL_RESUME, 0);
	mv_test_expect(&f->vmm, "00000001\n");
}

/* Each way to end, what it is called, and what the policies make of it. */
static void tells_reboots_apart(void **state)
{
	static const struct {
		const char *letter;
		const char *reason;
	} ways[] = {
		{ "r", "reset" },
		{ "c", "reset" },
		{ "k", "reset" },
		{ "t", "triple fault" },
	};
	struct fixture *f = *state;
	struct mv_message event;

	begin(f, "ends");
	start(f);
	for (size_t i = 0; i < MV_ARRAY_SIZE(ways); i++) {
		mv_test_expect(&f->vmm, "how?\n");
		mv_test_send(&f->vmm, ways[i].letter);
		mv_test_wait_event(&f->vmm, MV_EVENT_REBOOT, &event);
		assert_string_equal(event.text, ways[i].reason);
		assert_int_equal(event.status.state, MV_STATE_RUNNING);
		mv_message_clear(&event);
	}
	mv_test_expect(&f->vmm, "how?\n");
	mv_test_call_ok(&f->vmm, MV_CALL_RESET, 0);
	mv_test_expect(&f->vmm, "how?\n");
	mv_test_send(&f->vmm, "p");
	expect_stop(f, MV_REASON_POWEROFF);
}

static void panic_destroys(void **state)
{
	struct fixture *f = *state;

	begin(f, "ends");
	mv_test_add_device(&f->spec, MV_DEVICE_PVPANIC, "pvpanic", 0);
	start(f);
	mv_test_expect(&f->vmm, "how?\n");
	mv_test_send(&f->vmm, "l");
	mv_test_expect(&f->vmm, "on it goes\n");
	mv_test_wait_event(&f->vmm, MV_EVENT_CRASHED, NULL);
	mv_test_send(&f->vmm, "x");
	mv_test_wait_event(&f->vmm, MV_EVENT_CRASHED, NULL);
	expect_stop(f, MV_REASON_PANIC);
}

static void crash_is_preserved_then_reset(void **state)
{
	struct fixture *f = *state;
	struct mv_message reply;

	begin(f, "ends");
	f->spec.on_crash = MV_ACTION_PRESERVE;
	start(f);
	mv_test_expect(&f->vmm, "how?\n");
	mv_test_send(&f->vmm, "u");
	mv_test_wait_event(&f->vmm, MV_EVENT_CRASHED, NULL);
	assert_int_equal(mv_test_call(&f->vmm, MV_CALL_QUERY, 0, NULL, -1, &reply), 0);
	assert_int_equal(reply.status.state, MV_STATE_CRASHED);
	assert_int_equal(reply.status.reason, MV_REASON_EMULATION);
	assert_non_null(strstr(reply.status.detail, "0xd0000000"));
	mv_message_clear(&reply);
	assert_int_not_equal(mv_test_call(&f->vmm, MV_CALL_RESUME, 0, NULL, -1, NULL), 0);
	mv_test_call_ok(&f->vmm, MV_CALL_RESET, 0);
	mv_test_expect(&f->vmm, "how?\n");
}

static void policies_are_obeyed(void **state)
{
	struct fixture *f = *state;

	begin(f, "ends");
	f->spec.on_poweroff = MV_ACTION_RESTART;
	f->spec.on_reboot = MV_ACTION_DESTROY;
	start(f);
	mv_test_expect(&f->vmm, "how?\n");
	mv_test_send(&f->vmm, "p");
	mv_test_expect(&f->vmm, "how?\n");
	mv_test_send(&f->vmm, "c");
	expect_stop(f, MV_REASON_RESET);
}

static void quits_on_request(void **state)
{
	struct fixture *f = *state;

	begin(f, "counter");
	start(f);
	mv_test_expect(&f->vmm, "ready\n");
	mv_test_call_ok(&f->vmm, MV_CALL_QUIT, 0);
	expect_stop(f, MV_REASON_QUIT);
}

static void suspending_twice_does_nothing(void **state)
{
	struct fixture *f = *state;

	begin(f, "counter");
	start(f);
	mv_test_expect(&f->vmm, "ready\n");
	mv_test_call_ok(&f->vmm, MV_CALL_SUSPEND, 0);
	mv_test_call_ok(&f->vmm, MV_CALL_SUSPEND, 0);
	mv_test_call_ok(&f->vmm, MV_CALL_RESUME, 0);
	mv_test_call_ok(&f->vmm, MV_CALL_RESUME, 0);
	mv_test_send(&f->vmm, "n");
	mv_test_expect(&f->vmm, "00000001\n");
}

static void save(struct fixture *f, int fd, enum mv_save_then then)
{
	struct mv_message reply;

	if (mv_test_call(&f->vmm, MV_CALL_SAVE, then, NULL, fd, &reply))
		fail_msg("save: %s", reply.text);
	mv_message_clear(&reply);
}

static void save_and_restore(void **state)
{
	struct fixture *f = *state;
	int fd = mv_test_file();
	struct mv_save_header h;
	mv_auto(mv_error) err = NULL;
	char expected[16];

	begin(f, "counter");
	f->spec.description = strdup("about this guest");
	start(f);
	mv_test_expect(&f->vmm, "ready\n");
	for (unsigned round = 1; round <= 5; round++) {
		mv_autofree char *description = NULL;

		mv_test_send(&f->vmm, "n");
		snprintf(expected, sizeof(expected), "%08x\n", round);
		mv_test_expect(&f->vmm, expected);
		/* A new file each time: the guest's memory is mapped from the one before. */
		if (round > 1)
			close(fd);
		fd = round > 1 ? mv_test_file() : fd;
		save(f, fd, MV_SAVE_THEN_QUIT);
		mv_test_wait_end(&f->vmm, 0);
		mv_test_stop(&f->vmm);
		f->started = false;
		assert_int_equal(mv_save_image_read_header(fd, "image", &h, &description, &err), 0);
		assert_string_equal(description, "about this guest");
		f->spec.restore_fd = fd;
		f->spec.restore_verify = round & 1;
		start(f);
	}
	close(fd);
	f->spec.restore_fd = -1;
}

static void goes_on_after_save(void **state)
{
	struct fixture *f = *state;
	int fd = mv_test_file();

	begin(f, "counter");
	start(f);
	mv_test_expect(&f->vmm, "ready\n");
	save(f, fd, MV_SAVE_THEN_RUN);
	mv_test_send(&f->vmm, "n");
	mv_test_expect(&f->vmm, "00000001\n");
	/* A second save, onto a file that has no room, fails; the guest goes on. */
	close(fd);
	fd = open("/dev/full", O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_not_equal(mv_test_call(&f->vmm, MV_CALL_SAVE, MV_SAVE_THEN_QUIT, NULL, fd, NULL), 0);
	close(fd);
	mv_test_send(&f->vmm, "n");
	mv_test_expect(&f->vmm, "00000002\n");
}

static void refused(struct fixture *f, const char *word)
{
	char *why = NULL;
	struct mv_test_vmm vmm;

	assert_false(mv_test_start(&vmm, &f->spec, &why));
	if (!strstr(why, word))
		fail_msg("expected \"%s\" in: %s", word, why);
	free(why);
	mv_test_wait_end(&vmm, 1);
	mv_test_stop(&vmm);
}

static void refuses_damaged_images(void **state)
{
	struct fixture *f = *state;
	struct mv_save_header h;
	mv_auto(mv_error) err = NULL;
	int fd = mv_test_file();
	uint8_t byte;

	begin(f, "counter");
	start(f);
	mv_test_expect(&f->vmm, "ready\n");
	save(f, fd, MV_SAVE_THEN_QUIT);
	mv_test_wait_end(&f->vmm, 0);
	assert_int_equal(mv_save_image_read_header(fd, "image", &h, NULL, &err), 0);
	f->spec.restore_fd = fd;

	/* Every byte of the header's fields, and a byte of each other part. */
	struct {
		uint64_t offset;
		const char *word;
	} flips[] = {
		{ 0, "not a save image" },
		{ 9, "version" },
		{ 24, "damaged" },
		{ 70, "damaged" },
		{ h.sections_offset, "damaged" },
		{ h.sections_offset + h.sections_size - 1, "damaged" },
		{ h.sections_offset + h.sections_size / 2, "damaged" },
		{ h.checksums_offset + 1, "damaged" },
		{ h.memory_offset + 0x300000, "damaged" },
		{ h.memory_offset + 0x500000, "damaged" },
	};

	f->spec.restore_verify = true;
	for (size_t i = 0; i < MV_ARRAY_SIZE(flips); i++) {
		assert_int_equal(pread(fd, &byte, 1, (off_t)flips[i].offset), 1);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, (off_t)flips[i].offset), 1);
		refused(f, flips[i].word);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, (off_t)flips[i].offset), 1);
	}
	f->spec.memory *= 2;
	refused(f, "memory");
	f->spec.memory /= 2;
	assert_int_equal(ftruncate(fd, (off_t)(h.memory_offset + h.memory_size - 1)), 0);
	refused(f, "truncated");
	assert_int_equal(ftruncate(fd, 50), 0);
	refused(f, "truncated");
	assert_int_equal(ftruncate(fd, 0), 0);
	refused(f, "not a save image");
	assert_int_equal(mv_save_header_write(fd, &h, false, &err), 0);
	refused(f, "partial");
	close(fd);
	f->spec.restore_fd = -1;
}

static void refuses_bad_specifications(void **state)
{
	struct fixture *f = *state;
	int kernel;

	begin(f, "hello");
	f->spec.memory = 8 << 20;
	refused(f, "16 MiB");
	f->spec.memory = (64 << 20) + 1;
	refused(f, "multiple");
	f->spec.memory = 64 << 20;
	f->spec.cores = 2;
	refused(f, "vCPUs");
	f->spec.cores = 1;
	kernel = f->spec.kernel_fd;
	f->spec.kernel_fd = -1;
	refused(f, "kernel");
	f->spec.kernel_fd = kernel;
	f->spec.memory = UINT64_C(1) << 45;
	f->spec.prealloc = true;
	refused(f, "are available");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(powers_off),
		TEST(goes_through_all_modes),
		TEST(is_quiet_while_paused),
		TEST(tells_reboots_apart),
		TEST(panic_destroys),
		TEST(crash_is_preserved_then_reset),
		TEST(policies_are_obeyed),
		TEST(quits_on_request),
		TEST(suspending_twice_does_nothing),
		TEST(save_and_restore),
		TEST(goes_on_after_save),
		TEST(refuses_damaged_images),
		TEST(refuses_bad_specifications),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
