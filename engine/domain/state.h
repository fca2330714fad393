/* The states of a guest and why it is in them, numbered and named as libvirt's (virsh domstate --reason). */
#ifndef MV_DOMAIN_STATE_H
#define MV_DOMAIN_STATE_H

enum mv_domain_state {
	MV_DOMAIN_NOSTATE = 0,
	MV_DOMAIN_RUNNING = 1,
	MV_DOMAIN_BLOCKED = 2,
	MV_DOMAIN_PAUSED = 3,
	MV_DOMAIN_SHUTDOWN = 4,
	MV_DOMAIN_SHUTOFF = 5,
	MV_DOMAIN_CRASHED = 6,
	MV_DOMAIN_PMSUSPENDED = 7,
	MV_DOMAIN_LAST
};

enum mv_running_reason {
	MV_RUNNING_UNKNOWN,
	MV_RUNNING_BOOTED,
	MV_RUNNING_MIGRATED,
	MV_RUNNING_RESTORED,
	MV_RUNNING_FROM_SNAPSHOT,
	MV_RUNNING_UNPAUSED,
	MV_RUNNING_MIGRATION_CANCELED,
	MV_RUNNING_SAVE_CANCELED,
	MV_RUNNING_WAKEUP,
	MV_RUNNING_CRASHED
};

enum mv_paused_reason {
	MV_PAUSED_UNKNOWN,
	MV_PAUSED_USER,
	MV_PAUSED_MIGRATION,
	MV_PAUSED_SAVE,
	MV_PAUSED_DUMP,
	MV_PAUSED_IOERROR,
	MV_PAUSED_WATCHDOG,
	MV_PAUSED_FROM_SNAPSHOT,
	MV_PAUSED_SHUTTING_DOWN,
	MV_PAUSED_SNAPSHOT,
	MV_PAUSED_CRASHED,
	MV_PAUSED_STARTING_UP
};

enum mv_shutoff_reason {
	MV_SHUTOFF_UNKNOWN,
	MV_SHUTOFF_SHUTDOWN,
	MV_SHUTOFF_DESTROYED,
	MV_SHUTOFF_CRASHED,
	MV_SHUTOFF_MIGRATED,
	MV_SHUTOFF_SAVED,
	MV_SHUTOFF_FAILED,
	MV_SHUTOFF_FROM_SNAPSHOT,
	MV_SHUTOFF_DAEMON
};

enum mv_crashed_reason { MV_CRASHED_UNKNOWN, MV_CRASHED_PANICKED };

/* "running", "shut off", ...; static. */
const char *mv_domain_state_name(enum mv_domain_state state);
/* "booted", "destroyed", ...; static. The number means something in its state only. */
const char *mv_domain_reason_name(enum mv_domain_state state, unsigned reason);

#endif
