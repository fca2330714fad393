#include "tests/harness/vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include <linux/kvm.h>

bool mv_test_have_kvm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm;

	if (kvm < 0)
		return false;
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	close(kvm);
	if (vm >= 0)
		close(vm);
	return vm >= 0;
}

const char *mv_test_build_dir(void)
{
	const char *dir = getenv("MV_BUILD");

	return dir ? dir : "build";
}

int mv_test_file(void)
{
	int fd = memfd_create("test-file", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

void mv_test_spec(struct mv_machine_spec *spec, const char *guest)
{
	char path[256];

	mv_machine_spec_init(spec);
	spec->name = strdup(guest);
	spec->memory = MV_MACHINE_MIN_MEMORY;
	spec->vcpus = spec->sockets = spec->cores = spec->threads = 1;
	snprintf(path, sizeof(path), "%s/tests/guest/%s.elf", mv_test_build_dir(), guest);
	spec->kernel_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (spec->kernel_fd < 0)
		fail_msg("cannot open %s", path);
	spec->kernel_name = strdup(path);
	spec->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	assert_true(spec->kvm_fd >= 0);
	spec->on_reboot = MV_ACTION_RESTART;
	mv_test_add_device(spec, MV_DEVICE_SERIAL, "serial0", 0)->serial.log_fd = -1;
}

struct mv_device_spec *mv_test_add_device(struct mv_machine_spec *spec, enum mv_device_kind kind, const char *id,
					  unsigned slot)
{
	struct mv_device_spec *d;

	spec->devices = realloc(spec->devices, (spec->device_count + 1) * sizeof(*d));
	assert_non_null(spec->devices);
	d = &spec->devices[spec->device_count++];
	*d = (struct mv_device_spec){ .kind = kind, .id = strdup(id), .slot = slot };
	return d;
}

struct collection {
	struct mv_message *m;
};

static int collect(int32_t *fd, void *opaque)
{
	struct mv_message *m = ((struct collection *)opaque)->m;

	m->fds[m->fd_count] = *fd;
	*fd = (int32_t)m->fd_count++;
	return 0;
}

static pid_t spawn(int control, int unwanted)
{
	char path[256];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/moonvisor-vmm", mv_test_build_dir());
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		/* Should the test die, the machine goes too. */
		close(unwanted);
		if (control == MV_CONTROL_FD)
			fcntl(control, F_SETFD, 0);
		else
			dup2(control, MV_CONTROL_FD);
		execl(path, path, (char *)NULL);
		_exit(127);
	}
	return pid;
}

static bool wait_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, MV_TEST_TIMEOUT_MS) == 1;
}

/* The next message; events that come while something else is awaited are kept. */
static void receive(struct mv_test_vmm *vmm, struct mv_message *m)
{
	int rc;

	if (!wait_readable(vmm->control))
		fail_msg("the machine does not answer");
	rc = mv_message_receive(vmm->control, m);
	if (rc != 1)
		fail_msg("the machine's connection ended (%d)", rc);
}

static void receive_reply(struct mv_test_vmm *vmm, struct mv_message *m)
{
	for (;;) {
		receive(vmm, m);
		if (m->kind == MV_MESSAGE_REPLY && m->serial == vmm->serial)
			return;
		assert_int_equal(m->kind, MV_MESSAGE_EVENT);
		assert_true(vmm->event_count < 64);
		vmm->events[vmm->event_count++] = *m;
		mv_message_init(m);
	}
}

bool mv_test_start(struct mv_test_vmm *vmm, struct mv_machine_spec *spec, char **why)
{
	/* A copy whose descriptors become indexes; the original keeps its own. */
	struct mv_machine_spec copy;
	mv_auto(mv_error) err = NULL;
	struct mv_message m, reply;
	struct collection collection = { .m = &m };
	void *plain = NULL, *data = NULL;
	size_t size;
	int pair[2];

	*vmm = (struct mv_test_vmm){ .console = -1 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	mv_machine_spec_init(&copy);
	assert_int_equal(mv_machine_spec_encode(spec, &plain, &size, &err), 0);
	assert_int_equal(mv_machine_spec_decode(&copy, plain, size, &err), 0);
	free(plain);
	mv_message_init(&m);
	mv_machine_spec_each_fd(&copy, collect, &collection);
	assert_int_equal(mv_machine_spec_encode(&copy, &data, &size, &err), 0);
	m.kind = MV_MESSAGE_CALL;
	m.code = MV_CALL_MACHINE;
	m.serial = ++vmm->serial;
	m.blob = data;
	m.blob_size = (uint32_t)size;
	assert_int_equal(mv_message_send(pair[0], &m), 0);
	m.fd_count = 0; /* borrowed from spec */
	mv_message_clear(&m);
	mv_machine_spec_clear(&copy);
	vmm->pid = spawn(pair[1], pair[0]);
	close(pair[1]);
	vmm->control = pair[0];

	mv_message_init(&reply);
	receive_reply(vmm, &reply);
	bool ok = reply.code == 0;

	if (why) {
		*why = reply.text;
		reply.text = NULL;
	} else if (!ok) {
		print_message("%s\n", reply.text);
	}
	mv_message_clear(&reply);
	return ok;
}

void mv_test_start_ok(struct mv_test_vmm *vmm, struct mv_machine_spec *spec)
{
	bool paused = spec->start_paused;

	/* A guest of a few instructions would have ended before anybody listens. */
	spec->start_paused = true;
	assert_true(mv_test_start(vmm, spec, NULL));
	spec->start_paused = paused;
	mv_test_attach(vmm, "serial0");
	if (!paused)
		mv_test_call_ok(vmm, MV_CALL_RESUME, 0);
}

uint32_t mv_test_call(struct mv_test_vmm *vmm, enum mv_call call, uint64_t number, const char *text, int fd,
		      struct mv_message *reply)
{
	struct mv_message m, own;
	uint32_t code;

	mv_message_init(&m);
	m.kind = MV_MESSAGE_CALL;
	m.code = call;
	m.serial = ++vmm->serial;
	m.number = number;
	m.text = (char *)text;
	if (fd >= 0) {
		m.fds[0] = fd;
		m.fd_count = 1;
	}
	assert_int_equal(mv_message_send(vmm->control, &m), 0);
	if (!reply)
		reply = &own;
	mv_message_init(reply);
	receive_reply(vmm, reply);
	code = reply->code;
	if (reply == &own)
		mv_message_clear(reply);
	return code;
}

void mv_test_call_ok(struct mv_test_vmm *vmm, enum mv_call call, uint64_t number)
{
	struct mv_message reply;

	if (mv_test_call(vmm, call, number, NULL, -1, &reply))
		fail_msg("call %u: %s", call, reply.text);
	mv_message_clear(&reply);
}

void mv_test_attach(struct mv_test_vmm *vmm, const char *port)
{
	struct mv_message reply;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	if (mv_test_call(vmm, MV_CALL_CONSOLE, 0, port, pair[1], &reply))
		fail_msg("console: %s", reply.text);
	mv_message_clear(&reply);
	close(pair[1]);
	if (vmm->console >= 0)
		close(vmm->console);
	vmm->console = pair[0];
}

void mv_test_expect(struct mv_test_vmm *vmm, const char *text)
{
	for (;;) {
		char *found = memmem(vmm->output, vmm->output_len, text, strlen(text));
		ssize_t n;

		if (found) {
			size_t end = (size_t)(found - vmm->output) + strlen(text);

			memmove(vmm->output, vmm->output + end, vmm->output_len - end);
			vmm->output_len -= end;
			return;
		}
		assert_true(vmm->output_len < sizeof(vmm->output));
		if (!wait_readable(vmm->console))
			fail_msg("waited for \"%s\", have: %.*s", text, (int)vmm->output_len, vmm->output);
		n = read(vmm->console, vmm->output + vmm->output_len, sizeof(vmm->output) - vmm->output_len);
		if (n <= 0)
			fail_msg("the console ended before \"%s\", have: %.*s", text, (int)vmm->output_len,
				 vmm->output);
		vmm->output_len += (size_t)n;
	}
}

void mv_test_send(struct mv_test_vmm *vmm, const char *text)
{
	assert_int_equal(write(vmm->console, text, strlen(text)), (int)strlen(text));
}

void mv_test_wait_event(struct mv_test_vmm *vmm, enum mv_event_kind kind, struct mv_message *event)
{
	struct mv_message m;

	for (;;) {
		mv_message_init(&m);
		if (vmm->event_count) {
			m = vmm->events[0];
			memmove(vmm->events, vmm->events + 1, --vmm->event_count * sizeof(m));
		} else {
			receive(vmm, &m);
		}
		if (m.kind == MV_MESSAGE_EVENT && m.code == kind)
			break;
		if (m.kind == MV_MESSAGE_EVENT && m.code == MV_EVENT_STOPPED)
			fail_msg("waited for event %u, but the machine stopped by '%s' (%s)", kind,
				 mv_reason_name(m.status.reason), m.status.detail ? m.status.detail : "no detail");
		mv_message_clear(&m);
	}
	if (event)
		*event = m;
	else
		mv_message_clear(&m);
}

void mv_test_wait_end(struct mv_test_vmm *vmm, int status)
{
	int raw;

	assert_int_equal(waitpid(vmm->pid, &raw, 0), vmm->pid);
	vmm->pid = 0;
	if (!WIFEXITED(raw) || WEXITSTATUS(raw) != status)
		fail_msg("the machine ended with wait status 0x%x, not exit status %d", raw, status);
}

void mv_test_stop(struct mv_test_vmm *vmm)
{
	if (vmm->pid > 0) {
		pid_t gone;

		kill(vmm->pid, SIGKILL);
		/* Its threads are waited for as well, where the test traced them: the process ends after them. */
		do
			gone = waitpid(-1, NULL, __WALL);
		while (gone > 0 && gone != vmm->pid);
	}
	for (unsigned i = 0; i < vmm->event_count; i++)
		mv_message_clear(&vmm->events[i]);
	close(vmm->control);
	if (vmm->console >= 0)
		close(vmm->console);
}
