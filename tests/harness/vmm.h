/* Starts real machines (build/moonvisor-vmm) for tests and talks to them. Every failure fails the running cmocka test.
 */
#ifndef MV_TESTS_HARNESS_VMM_H
#define MV_TESTS_HARNESS_VMM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/kvm/common/control.h"
#include "engine/kvm/common/machine_spec.h"

#define MV_TEST_TIMEOUT_MS 20000

struct mv_test_vmm {
	pid_t pid;
	int control; /* the connection that carried the specification: subscribed */
	uint32_t serial;
	int console;                  /* attached to serial0; -1: not attached */
	struct mv_message events[64]; /* that came while a reply was awaited */
	unsigned event_count;
	char output[65536]; /* what came from the console and was not matched yet */
	size_t output_len;
};

/* Is there a /dev/kvm that can create a machine? Tests skip when there is none. */
bool mv_test_have_kvm(void);
/* The folder of the programs under test ("build", or $MV_BUILD). */
const char *mv_test_build_dir(void);

/* A specification for a tiny guest of this folder ("hello"): 16 MiB, one vCPU, COM1, sandbox on. Cleared by the caller.
 */
void mv_test_spec(struct mv_machine_spec *spec, const char *guest);
/* Appends a device; the returned entry is zeroed but for kind, id and slot. */
struct mv_device_spec *mv_test_add_device(struct mv_machine_spec *spec, enum mv_device_kind kind, const char *id,
					  unsigned slot);

/* Starts the process and sends the specification (its descriptors stay the caller's). On failure returns false and,
 * when `why` is not NULL, the machine's message (owned by the caller). */
bool mv_test_start(struct mv_test_vmm *vmm, struct mv_machine_spec *spec, char **why);
/* Attaches to serial0 and expects the start to succeed. */
void mv_test_start_ok(struct mv_test_vmm *vmm, struct mv_machine_spec *spec);
/* One call; returns the reply's code. *reply (may be NULL) is initialised here and cleared by the caller. fd: -1, or
 * one to send along. */
uint32_t mv_test_call(struct mv_test_vmm *vmm, enum mv_call call, uint64_t number, const char *text, int fd,
		      struct mv_message *reply);
void mv_test_call_ok(struct mv_test_vmm *vmm, enum mv_call call, uint64_t number);
void mv_test_attach(struct mv_test_vmm *vmm, const char *port);
/* Waits until the console's output contains `text`, and drops it up to the end of that. */
void mv_test_expect(struct mv_test_vmm *vmm, const char *text);
void mv_test_send(struct mv_test_vmm *vmm, const char *text);
/* Waits for an event of this kind; others before it are dropped. *event may be NULL. */
void mv_test_wait_event(struct mv_test_vmm *vmm, enum mv_event_kind kind, struct mv_message *event);
/* Waits for the process to end, which must be with this exit status. */
void mv_test_wait_end(struct mv_test_vmm *vmm, int status);
/* Ends it by a power cut and frees what it holds; also after it has ended by itself. */
void mv_test_stop(struct mv_test_vmm *vmm);

/* An open, empty file without a name. */
int mv_test_file(void);

#endif
