/* A root folder of its own, a connection to it, and guests in it, for tests of the KVM driver. */
#ifndef MV_TESTS_DRIVER_FIXTURE_H
#define MV_TESTS_DRIVER_FIXTURE_H

#include <stddef.h>

#include "engine/api/moonvisor.h"

#define DRIVER_TIMEOUT_MS 20000

struct driver_fixture {
	char root[300];
	char uri[600];
	struct mv_conn *conn;
	char events[8192]; /* "NAME event/detail\n"..., as they were delivered */
	int console;       /* what driver_attach() opened; -1 */
	char output[65536];
	size_t output_len;
};

/* cmocka's set-up and tear-down: *state is a struct driver_fixture. The tear-down destroys what still runs and checks
 * that no descriptor is left. */
int driver_set_up(void **state);
int driver_tear_down(void **state);

/* Skips the test where there is no /dev/kvm. */
void driver_need_kvm(void);

/* Opens f->conn once more: what another process would see. */
void driver_reopen(struct driver_fixture *f);
/* "{ name, memory = 16M, boot.kernel = the tiny guest, more }"; more begins with a comma, or is "". Static. */
const char *driver_spec(const char *name, const char *guest, const char *more);
struct mv_domain *driver_create(struct driver_fixture *f, const char *spec);
struct mv_domain *driver_define(struct driver_fixture *f, const char *spec);

/* Fails the test unless the call failed with this code (0: any) and a message that contains text; frees *err. */
void driver_expect_error(int ret, struct mv_error **err, int code, const char *text);
#define driver_ok(call, err)                                       \
	do {                                                       \
		if ((call) < 0)                                    \
			fail_msg("%s: %s", #call, (err)->message); \
	} while (0)

void driver_attach(struct driver_fixture *f, struct mv_domain *dom);
/* Waits until the console's output contains text, and drops it up to there. */
void driver_expect(struct driver_fixture *f, const char *text);
void driver_send(struct driver_fixture *f, const char *text);
/* Dispatches until the events contain text. */
void driver_await_event(struct driver_fixture *f, const char *text);
/* Dispatches until "state/reason" is what is wanted. */
void driver_await_state(struct driver_fixture *f, struct mv_domain *dom, const char *wanted);
void driver_expect_state(struct mv_domain *dom, const char *wanted);

/* The path of a file in the fixture's folder (not in ROOT). Static, one of several. */
const char *driver_path(struct driver_fixture *f, const char *name);
void driver_put_file(const char *path, size_t size);
long driver_pid(struct driver_fixture *f, const char *name); /* of the machine */

#endif
