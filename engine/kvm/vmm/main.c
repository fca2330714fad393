/* moonvisor-vmm: one running guest. It is started by the KVM driver with one end of a control connection as descriptor
 * 3; the first message on it carries the machine specification and all descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "engine/kvm/common/control.h"
#include "engine/kvm/vmm/guest.h"
#include "engine/kvm/vmm/sandbox.h"
#include "engine/kvm/vmm/server.h"

static int usage(const char *word)
{
	bool help = word && (!strcmp(word, "--help") || !strcmp(word, "-h"));
	bool version = word && (!strcmp(word, "--version") || !strcmp(word, "-V"));

	if (version) {
		printf("moonvisor-vmm %s\n", MV_VERSION);
		return EXIT_SUCCESS;
	}
	fprintf(help ? stdout : stderr,
		"moonvisor-vmm runs one guest and is started by Moonvisor, not by hand: it takes its machine\n"
		"specification from a control connection on descriptor %d. See mvsh(1).\n",
		MV_CONTROL_FD);
	return help ? EXIT_SUCCESS : 2;
}

struct adoption {
	struct mv_message *message;
	bool used[MV_CONTROL_MAX_FDS];
};

/* An index into the message's descriptors becomes the descriptor; each may be used once. */
static int adopt(int32_t *fd, void *opaque)
{
	struct adoption *a = opaque;
	uint32_t index = (uint32_t)*fd;

	if (index >= a->message->fd_count || a->used[index])
		return -1;
	a->used[index] = true;
	*fd = a->message->fds[index];
	return 0;
}

static int receive_spec(struct mv_message *m, struct mv_machine_spec *spec, struct mv_error **err)
{
	struct adoption adoption = { .message = m };
	int rc = mv_message_receive(MV_CONTROL_FD, m);

	if (rc <= 0)
		return mv_error_set_errno(err, rc < 0 ? -rc : EPIPE, "No machine specification came");
	if (m->kind != MV_MESSAGE_CALL || m->code != MV_CALL_MACHINE)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "The first message is not a machine specification.");
	if (mv_machine_spec_decode(spec, m->blob, m->blob_size, err) < 0)
		return -1;
	if (mv_machine_spec_each_fd(spec, adopt, &adoption) < 0)
		return mv_error_set(err, MV_ERR_INVALID_ARG,
				    "The machine specification names a descriptor that did not come with it.");
	for (uint32_t i = 0; i < m->fd_count; i++)
		if (adoption.used[i])
			m->fds[i] = -1;
	if (spec->kvm_fd < 0)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "The machine specification comes without /dev/kvm.");
	return 0;
}

static void reply(uint32_t serial, const struct mv_error *err)
{
	struct mv_message m;

	mv_message_init(&m);
	m.kind = MV_MESSAGE_REPLY;
	m.serial = serial;
	if (err) {
		m.code = (uint32_t)err->code;
		m.errnum = err->errnum;
		m.text = err->message; /* borrowed: the message is only encoded */
		fprintf(stderr, "%s\n", err->message);
	}
	mv_message_send(MV_CONTROL_FD, &m);
}

/* Makes everything; from mv_guest_build() on inside the sandbox. */
static int make(struct mv_guest *g, struct mv_machine_spec *spec, struct mv_loop *loop, struct mv_server *server,
		struct mv_error **err)
{
	if (mv_guest_create(g, spec, loop, mv_server_event, server, err) < 0)
		return -1;
	if (spec->sandbox && mv_sandbox_enter_process(err) < 0)
		return -1;
	if (mv_guest_build(g, err) < 0 || mv_server_serve(server, g, spec->listen_fd, err) < 0)
		return -1;
	/* The connection stays blocking until here: it carried the specification. */
	if (fcntl(MV_CONTROL_FD, F_SETFL, O_NONBLOCK) < 0)
		return mv_error_set_errno(err, errno, "Cannot set up the control connection");
	return mv_server_add_client(server, MV_CONTROL_FD, true, err);
}

int main(int argc, char **argv)
{
	struct mv_machine_spec spec;
	struct mv_message m;
	struct mv_guest guest = { 0 };
	struct mv_loop *loop = NULL;
	struct mv_server *server = NULL;
	struct mv_error *err = NULL;
	int status = EXIT_FAILURE;

	if (argc > 1 || fcntl(MV_CONTROL_FD, F_GETFD) < 0)
		return usage(argc > 1 ? argv[1] : NULL);
	signal(SIGPIPE, SIG_IGN);
	mv_machine_spec_init(&spec);
	mv_message_init(&m);
	/* The threads, held at the gate, and their filters come before ours, which lets no thread be made that is
	 * freer. */
	if (receive_spec(&m, &spec, &err) < 0 || mv_loop_create(&loop, &err) < 0 ||
	    mv_server_create(loop, &server, &err) < 0 || make(&guest, &spec, loop, server, &err) < 0 ||
	    mv_guest_prepare(&guest, &err) < 0 || (spec.sandbox && mv_sandbox_enter_thread(MV_THREAD_MAIN, &err) < 0)) {
		reply(m.serial, err);
		goto out;
	}
	reply(m.serial, NULL);
	mv_message_clear(&m);
	mv_guest_start(&guest);
	mv_loop_run(loop);
	status = guest.status.state == MV_STATE_SHUTOFF ? EXIT_SUCCESS : EXIT_FAILURE;
out:
	if (guest.spec) /* or nobody has begun with it */
		mv_guest_release(&guest);
	mv_server_free(server);
	mv_loop_free(loop);
	mv_machine_spec_clear(&spec);
	mv_message_clear(&m);
	mv_error_free(err);
	return status;
}
