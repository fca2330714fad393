/* Inside of the KVM driver. A guest is connected when it runs and its machine's control socket is open; the connection
 * is made again whenever the machine has dropped it but lives on. */
#ifndef MV_KVM_KVM_H
#define MV_KVM_KVM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "engine/api/driver.h"
#include "engine/base/loop.h"
#include "engine/domain/domain.h"
#include "engine/kvm/common/control.h"
#include "engine/state/store.h"

#define MV_KVM_TIMEOUT_MS 30000

struct mv_kvm {
	struct mv_driver drv; /* first */
	struct mv_store *store;
	struct mv_loop *loop;
	struct mv_watch *queue_watch; /* makes the loop's descriptor readable while events are queued */
	struct mv_dom_table table;
	char *machine_path; /* moonvisor-vmm; found at the first start */
	int timeout_ms;     /* for a call to a machine */
	int notice_fd;      /* inotify; -1: not to be had */
	int etc_wd, run_wd;
	struct mv_watch *notice_watch;
	long last_id;                       /* the last one that we have taken or seen */
	bool opened;                        /* what was there when the root was opened is no news */
	struct timespec etc_seen, run_seen; /* the folders' times when all was read last; 0: read again */
};

enum mv_kvm_pending { MV_KVM_SETTLED, MV_KVM_STARTING, MV_KVM_ATTACHING };

struct mv_kvm_domain {
	struct mv_dom dom; /* first */
	struct mv_kvm *kvm;
	struct stat def_seen; /* of the definition file that was read */

	/* while it runs */
	int sock;  /* control connection, -1: none */
	int pidfd; /* readable when the machine process has ended; -1: not known */
	struct mv_watch *watch;
	struct mv_watch *pid_watch;
	pid_t pid;
	enum mv_kvm_pending pending;
	uint32_t pending_serial;
	int start_timeout_ms;         /* of the start under way */
	struct mv_error *start_error; /* why the start that was under way has failed */
	bool eof;                     /* the control connection has ended */
	bool announced;               /* "started" was told */
	bool restored;                /* the start under way is from a save image */
	bool nowait;                  /* nobody waits for the start: its failure is told as an event */
	bool awaited;                 /* mv_kvm_wait_start() has not been told yet */
	bool saved;                   /* it ends because it was saved */
	bool killed;                  /* it ends because we killed it */

	/* calls */
	bool got_reply;
	uint32_t serial;      /* last used */
	uint32_t wait_serial; /* the reply that is waited for; 0: none */
	struct mv_message *wait_reply;

	struct mv_control_status last_word; /* from its last event; state 0: none came */
};

static inline struct mv_kvm *mv_kvm_of(struct mv_driver *drv)
{
	return (struct mv_kvm *)drv;
}

static inline struct mv_kvm_domain *mv_kvm_domain_of(struct mv_dom *dom)
{
	return (struct mv_kvm_domain *)dom;
}

/* --- guests.c: finding and defining --- */

/* Reads the definition again if it was replaced, and connects to a machine that somebody else has started. */
int mv_kvm_refresh(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err);
/* Reads what is new in the root; with all, connects to all machines that run. */
int mv_kvm_scan(struct mv_kvm *kvm, struct mv_error **err);
/* The guest called name; *out borrowed; NULL when there is none. */
int mv_kvm_find(struct mv_kvm *kvm, const char *name, struct mv_kvm_domain **out, struct mv_error **err);
/* A new guest in the table; borrowed. */
struct mv_kvm_domain *mv_kvm_add(struct mv_kvm *kvm, const char *name, const uint8_t uuid[16], struct mv_error **err);
/* Whoever is neither defined nor running leaves the table. */
void mv_kvm_drop_if_gone(struct mv_kvm_domain *d);
int mv_kvm_define(struct mv_driver *drv, const char *spec, struct mv_dom **out, struct mv_error **err);
int mv_kvm_undefine(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err);
int mv_kvm_lookup(struct mv_driver *drv, const char *name_or_uuid, struct mv_dom **out, struct mv_error **err);
int mv_kvm_list(struct mv_driver *drv, struct mv_dom ***out, size_t *count, struct mv_error **err);

/* --- start.c --- */

struct mv_kvm_start {
	unsigned flags; /* MV_START_* */
	int restore_fd; /* borrowed; -1: boot */
	bool restore_verify;
};

/* Starts conf (taken, also on failure) as the guest d. */
int mv_kvm_launch(struct mv_kvm_domain *d, struct mv_domain_conf *conf, const struct mv_kvm_start *how,
		  struct mv_error **err);
/* Runs conf (taken) without defining it: as a new guest, or as the defined one of its UUID. */
int mv_kvm_run_transient(struct mv_kvm *kvm, struct mv_domain_conf *conf, const struct mv_kvm_start *how,
			 struct mv_dom **out, struct mv_error **err);
int mv_kvm_create(struct mv_driver *drv, const char *spec, unsigned flags, struct mv_dom **out, struct mv_error **err);
int mv_kvm_start(struct mv_driver *drv, struct mv_dom *dom, unsigned flags, struct mv_error **err);
int mv_kvm_wait_start(struct mv_driver *drv, struct mv_dom *dom, int timeout_ms, struct mv_error **err);
/* What goes beyond a specification: the guest fits this host. */
int mv_kvm_check_host(const struct mv_domain_conf *conf, struct mv_error **err);

/* --- connect.c: the connection to a machine --- */

/* Connects to a machine that runs according to ROOT/run/NAME, and reads what runs. 0: also when nothing runs there. */
int mv_kvm_attach(struct mv_kvm_domain *d, struct mv_error **err);
/* Watches d->sock and d->pidfd. */
int mv_kvm_watch(struct mv_kvm_domain *d, struct mv_error **err);
/* Takes all messages that are there; finds out when the machine has ended. */
void mv_kvm_receive(struct mv_kvm_domain *d);
/* The connection has ended: connects again to a machine that lives on. wait: waits until one that ends has ended. */
void mv_kvm_lost(struct mv_kvm_domain *d, bool wait);
/* Waits for the reply to a start or attachment that is under way. 0 also when nothing is; -1: it failed. */
int mv_kvm_settle(struct mv_kvm_domain *d, int timeout_ms, struct mv_error **err);
/* Closes the connection and forgets what runs. */
void mv_kvm_disconnect(struct mv_kvm_domain *d);
/* Ends the process by force and waits for its end. */
void mv_kvm_kill(struct mv_kvm_domain *d);

/* --- call.c --- */

/* Sends a call (without waiting; serial is filled in). Its descriptors stay the message's. */
int mv_kvm_send(struct mv_kvm_domain *d, struct mv_message *call, const char *what, struct mv_error **err);
/* Calls and waits for the reply; events that come before it are queued. reply (initialised by the callee) may be NULL,
 * else it is the caller's to clear, also on failure. what: "the save of the guest", for messages. timeout_ms -1: the
 * default. */
int mv_kvm_call(struct mv_kvm_domain *d, struct mv_message *call, int timeout_ms, const char *what,
		struct mv_message *reply, struct mv_error **err);
int mv_kvm_call_simple(struct mv_kvm_domain *d, enum mv_call call, uint64_t number, const char *what,
		       struct mv_error **err);
/* MV_ERR_OPERATION_INVALID unless the guest runs (or is paused); settles a start that is under way. */
int mv_kvm_check_active(struct mv_kvm_domain *d, struct mv_error **err);
uint64_t mv_kvm_now_ms(void);

/* --- machine_events.c --- */

/* What a machine tells: the state changes, and events are queued. */
void mv_kvm_event(struct mv_kvm_domain *d, const struct mv_message *m);
/* A machine's state in the guest's terms. */
void mv_kvm_set_status(struct mv_kvm_domain *d, const struct mv_control_status *status);
void mv_kvm_announce(struct mv_kvm_domain *d, const char *detail);
/* Copies a status. */
void mv_kvm_keep_status(struct mv_control_status *to, const struct mv_control_status *from);
/* Words for the "stopped" event. */
const char *mv_kvm_stop_detail(const struct mv_control_status *status);

/* --- end.c: a machine that has ended --- */

/* Reads the last word, cleans up, tells of it. The process has ended. */
void mv_kvm_ended(struct mv_kvm_domain *d);
/* The last line of the machine's log, or NULL. Owned. */
char *mv_kvm_last_log_line(struct mv_kvm_domain *d);
/* Whether the folder (ROOT/run/NAME, or -1) is still that of the run that we know. */
bool mv_kvm_same_run(const struct mv_kvm_domain *d, int folder);
/* Leaves a last word in the place of the machine's own. */
void mv_kvm_write_last_word(struct mv_kvm_domain *d, const struct mv_control_status *status);
/* The machine has ended while nobody looked: the same, without telling. Lock held. */
void mv_kvm_found_dead(struct mv_kvm_domain *d);
/* Reads the state that an earlier run of a defined guest has left. */
void mv_kvm_read_last_word(struct mv_kvm_domain *d);

/* --- acts.c --- */

int mv_kvm_shutdown(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err);
int mv_kvm_reboot(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err);
int mv_kvm_reset(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err);
int mv_kvm_destroy(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err);
int mv_kvm_suspend(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err);
int mv_kvm_resume(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err);
int mv_kvm_set_memory(struct mv_driver *drv, struct mv_dom *dom, uint64_t bytes, struct mv_error **err);
int mv_kvm_console(struct mv_driver *drv, struct mv_dom *dom, const char *port, struct mv_error **err);

/* --- notice.c --- */

/* Looks out for what other processes do in the root. */
void mv_kvm_notice_start(struct mv_kvm *kvm);
void mv_kvm_notice_stop(struct mv_kvm *kvm);

/* --- save.c, stats.c --- */

int mv_kvm_save(struct mv_driver *drv, struct mv_dom *dom, const char *path, bool keep_running, struct mv_error **err);
int mv_kvm_restore(struct mv_driver *drv, const char *path, unsigned flags, struct mv_dom **out, struct mv_error **err);
int mv_kvm_stats(struct mv_driver *drv, struct mv_dom *dom, struct mv_stat **out, size_t *count, struct mv_error **err);

#endif
