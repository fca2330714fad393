/* The control protocol between a machine and those who drive it: XDR messages, one per datagram of a SOCK_SEQPACKET
 * unix socket, descriptors beside them (SCM_RIGHTS). A client calls and gets one reply with the same serial number;
 * events come to every client that subscribed. Any number of clients, at any time: a machine outlives its starter. */
#ifndef MV_KVM_COMMON_CONTROL_H
#define MV_KVM_COMMON_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

#define MV_CONTROL_VERSION 1
#define MV_CONTROL_MAX_MESSAGE (128 * 1024)
#define MV_CONTROL_MAX_FDS 250 /* SCM_RIGHTS carries 253 */
#define MV_CONTROL_FD 3        /* the connection that moonvisor-vmm inherits; its first message is MV_CALL_MACHINE */

enum mv_call {
	/* spec + descriptors; reply when the guest is ready to run (or runs), or the reason why not. This connection is
	 * subscribed from then on, so that its caller misses no event. */
	MV_CALL_MACHINE = 1,
	MV_CALL_QUERY = 2,     /* -> mv_control_status */
	MV_CALL_SUBSCRIBE = 3, /* events follow on this connection */
	MV_CALL_SUSPEND = 4,   /* returns when no vCPU runs and no device works */
	MV_CALL_RESUME = 5,
	/* number 1: when the guest powers off next, it is reset instead, once (a reboot through the power button). A
	 * press with number 0 takes that back. */
	MV_CALL_POWER_BUTTON = 6,
	MV_CALL_RESET = 7,
	/* power cut; reply comes before the process ends; number: 0, or MV_REASON_SAVE: what the last word says */
	MV_CALL_QUIT = 8,
	/* descriptor: an empty file open for reading and writing; number: enum mv_save_then */
	MV_CALL_SAVE = 9,
	/* text: serial or console port ("serial0", "console0.1"); descriptor: a stream socket, taken */
	MV_CALL_CONSOLE = 10,
	MV_CALL_BALLOON = 11, /* number: bytes the guest should have */
	MV_CALL_STATS = 12,   /* -> name/value pairs */
	MV_MACHINE_CALL_LAST
};

/* HOLD: the guest stays paused until the caller has put the file in its place and says QUIT (or RESUME); should the
 * caller's connection end before that, the guest goes on as it was before the save. RUN: goes on as it was. */
enum mv_save_then { MV_SAVE_THEN_RUN, MV_SAVE_THEN_PAUSE, MV_SAVE_THEN_QUIT, MV_SAVE_THEN_HOLD, MV_SAVE_THEN_LAST };

/* Numbered as libvirt's virDomainState. */
enum mv_run_state {
	MV_STATE_NOSTATE = 0,
	MV_STATE_RUNNING = 1,
	MV_STATE_BLOCKED = 2,
	MV_STATE_PAUSED = 3,
	MV_STATE_SHUTDOWN = 4,
	MV_STATE_SHUTOFF = 5,
	MV_STATE_CRASHED = 6,
	MV_STATE_PMSUSPENDED = 7,
	MV_STATE_LAST
};

/* Why the machine is in its state, or what happened to it. */
enum mv_reason {
	MV_REASON_NONE,
	MV_REASON_BOOTED,
	MV_REASON_RESTORED,
	MV_REASON_USER, /* asked for through the control socket */
	MV_REASON_SAVE,
	MV_REASON_POWEROFF,     /* guest: ACPI S5 */
	MV_REASON_RESET,        /* guest: reset register, port 0xcf9, i8042 */
	MV_REASON_TRIPLE_FAULT, /* guest: KVM's shutdown exit */
	MV_REASON_PANIC,        /* guest: pvpanic */
	MV_REASON_PANIC_LOADED, /* guest: pvpanic, crash kernel loaded: it goes on by itself */
	MV_REASON_EMULATION,    /* KVM could not run it: internal error or failed entry; detail in text */
	MV_REASON_IO_ERROR,
	MV_REASON_QUIT,    /* power cut on request */
	MV_REASON_CRASHED, /* the machine process itself ended without a last word */
	MV_REASON_LAST
};

enum mv_event_kind {
	MV_EVENT_STARTED = 1,
	MV_EVENT_SUSPENDED,
	MV_EVENT_RESUMED,
	MV_EVENT_REBOOT,       /* the guest is reset and goes on */
	MV_EVENT_STOPPED,      /* the last event */
	MV_EVENT_CRASHED,      /* number: enum mv_reason; the status is from before, unless on_crash preserves
				*/
	MV_EVENT_BALLOON,      /* number: bytes the guest has now */
	MV_EVENT_DEVICE,       /* text: what is wrong with which device (e.g. its driver broke a queue) */
	MV_EVENT_POWER_BUTTON, /* pressed */
	MV_EVENT_LAST
};

struct mv_control_status {
	uint32_t state;    /* enum mv_run_state */
	uint32_t reason;   /* enum mv_reason */
	uint64_t sequence; /* counts state changes */
	char *detail;      /* may be NULL */
};

/* One statistic, named like libvirt's domain statistics ("cpu.time", "block.0.rd.bytes"). */
struct mv_control_stat {
	char *name;
	uint64_t value;
};

enum mv_message_kind { MV_MESSAGE_CALL, MV_MESSAGE_REPLY, MV_MESSAGE_EVENT, MV_MESSAGE_LAST };

/* One structure for all messages: unused fields are zero or NULL and cost four bytes. */
struct mv_message {
	uint32_t version;
	uint32_t kind;   /* enum mv_message_kind */
	uint32_t serial; /* of the call; 0 in events */
	uint32_t code;   /* call: enum mv_call; reply: 0 or enum mv_error_code; event: enum mv_event_kind */
	int32_t errnum;  /* reply with an error */
	uint64_t number; /* argument or result */
	char *text;      /* argument, error message, event detail */
	struct mv_control_status status; /* QUERY replies, events */
	struct mv_control_stat *stats;
	uint32_t stat_count;
	void *blob; /* MACHINE: the encoded specification */
	uint32_t blob_size;

	int fds[MV_CONTROL_MAX_FDS]; /* not encoded; received: owned by the message until taken */
	uint32_t fd_count;
};

void mv_message_init(struct mv_message *m);
/* Frees what it points to and closes the descriptors still in it. */
void mv_message_clear(struct mv_message *m);

/* Sends one message with its descriptors (borrowed). Never blocks when the socket is non-blocking; 0, or -errno. */
int mv_message_send(int sock, struct mv_message *m);
/* Receives one message into *m (initialised). 1: got one; 0: end of file; -errno (-EAGAIN: nothing there;
 * -EBADMSG: not a message). */
int mv_message_receive(int sock, struct mv_message *m);

/* The status file: a machine's last word, so that whoever comes later learns why it ended. */
int mv_status_write(int fd, const struct mv_control_status *status, struct mv_error **err);
int mv_status_read(int fd, struct mv_control_status *status, struct mv_error **err);
void mv_control_status_clear(struct mv_control_status *status);

const char *mv_run_state_name(uint32_t state); /* "running", "shut off", ... as virsh prints them */
const char *mv_reason_name(uint32_t reason);   /* "booted", "triple fault", ... */

#endif
