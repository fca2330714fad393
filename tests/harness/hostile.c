#include "tests/harness/hostile.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define DISK_SIZE (256 * 512)
#define SLACK (64 * 1024)
#define TIMEOUT_MS 60000

static void drop_event(struct mv_test_vmm *vmm)
{
	struct mv_message m;

	mv_message_init(&m);
	if (mv_message_receive(vmm->control, &m) != 1)
		fail_msg("the machine's process has ended");
	if (m.kind == MV_MESSAGE_EVENT && m.code == MV_EVENT_STOPPED)
		fail_msg("the machine stopped by '%s' (%s), having said: %.*s", mv_reason_name(m.status.reason),
			 m.status.detail ? m.status.detail : "no detail", (int)vmm->output_len, vmm->output);
	if (m.kind == MV_MESSAGE_EVENT && m.code != MV_EVENT_DEVICE && m.code != MV_EVENT_BALLOON)
		fail_msg("an event came, %u: %s", m.code, m.text ? m.text : "without a text");
	mv_message_clear(&m);
}

/* Waits for the guest's word, and takes the events that its doings cause. */
static void wait_for(struct mv_test_vmm *vmm, const char *text)
{
	struct pollfd p[] = {
		{ .fd = vmm->console, .events = POLLIN },
		{ .fd = vmm->control, .events = POLLIN },
	};

	while (!memmem(vmm->output, vmm->output_len, text, strlen(text))) {
		ssize_t n;

		if (poll(p, 2, TIMEOUT_MS) < 1)
			fail_msg("waited for \"%s\", have: %.*s", text, (int)vmm->output_len, vmm->output);
		if (p[0].revents) {
			assert_true(vmm->output_len < sizeof(vmm->output));
			n = read(vmm->console, vmm->output + vmm->output_len, sizeof(vmm->output) - vmm->output_len);
			if (n <= 0)
				fail_msg("the console ended, having said: %.*s", (int)vmm->output_len, vmm->output);
			vmm->output_len += (size_t)n;
		} else if (p[1].revents) {
			drop_event(vmm);
		}
	}
	vmm->output_len = 0;
}

void mv_hostile_run(void **state)
{
	struct mv_tiny *t = *state;
	const struct mv_hostile_plan *plan = t->plan;
	struct mv_tiny_usage before;
	char cmdline[64];

	snprintf(cmdline, sizeof(cmdline), "%s %u", plan->which, plan->victim);
	mv_tiny_begin(t, plan->guest, cmdline);
	mv_tiny_vcpus(t, 2);
	mv_tiny_add_rng(t, 1);
	mv_tiny_add_blk(t, 2, DISK_SIZE);
	mv_tiny_add_console(t, 3);
	mv_tiny_add_balloon(t, 4);
	mv_tiny_start(t);
	wait_for(&t->vmm, "ready\n");
	mv_tiny_usage(t->vmm.pid, &before);
	mv_test_send(&t->vmm, "k");
	wait_for(&t->vmm, "checked\n");
	mv_tiny_usage_same(t->vmm.pid, &before, SLACK);
	mv_test_send(&t->vmm, "k");
	mv_tiny_done(t);
}
