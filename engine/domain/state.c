#include "engine/domain/state.h"

#include <stddef.h>

#include "engine/base/cleanup.h"

static const char *const state_names[MV_DOMAIN_LAST] = {
	[MV_DOMAIN_NOSTATE] = "no state", [MV_DOMAIN_RUNNING] = "running",         [MV_DOMAIN_BLOCKED] = "idle",
	[MV_DOMAIN_PAUSED] = "paused",    [MV_DOMAIN_SHUTDOWN] = "in shutdown",    [MV_DOMAIN_SHUTOFF] = "shut off",
	[MV_DOMAIN_CRASHED] = "crashed",  [MV_DOMAIN_PMSUSPENDED] = "pmsuspended",
};

static const char *const running_names[] = {
	[MV_RUNNING_UNKNOWN] = "unknown",
	[MV_RUNNING_BOOTED] = "booted",
	[MV_RUNNING_MIGRATED] = "migrated",
	[MV_RUNNING_RESTORED] = "restored",
	[MV_RUNNING_FROM_SNAPSHOT] = "from snapshot",
	[MV_RUNNING_UNPAUSED] = "unpaused",
	[MV_RUNNING_MIGRATION_CANCELED] = "migration canceled",
	[MV_RUNNING_SAVE_CANCELED] = "save canceled",
	[MV_RUNNING_WAKEUP] = "event wakeup",
	[MV_RUNNING_CRASHED] = "crashed",
};

static const char *const paused_names[] = {
	[MV_PAUSED_UNKNOWN] = "unknown",
	[MV_PAUSED_USER] = "user",
	[MV_PAUSED_MIGRATION] = "migrating",
	[MV_PAUSED_SAVE] = "saving",
	[MV_PAUSED_DUMP] = "dumping",
	[MV_PAUSED_IOERROR] = "I/O error",
	[MV_PAUSED_WATCHDOG] = "watchdog",
	[MV_PAUSED_FROM_SNAPSHOT] = "from snapshot",
	[MV_PAUSED_SHUTTING_DOWN] = "shutting down",
	[MV_PAUSED_SNAPSHOT] = "creating snapshot",
	[MV_PAUSED_CRASHED] = "crashed",
	[MV_PAUSED_STARTING_UP] = "starting up",
};

static const char *const shutoff_names[] = {
	[MV_SHUTOFF_UNKNOWN] = "unknown",     [MV_SHUTOFF_SHUTDOWN] = "shutdown",
	[MV_SHUTOFF_DESTROYED] = "destroyed", [MV_SHUTOFF_CRASHED] = "crashed",
	[MV_SHUTOFF_MIGRATED] = "migrated",   [MV_SHUTOFF_SAVED] = "saved",
	[MV_SHUTOFF_FAILED] = "failed",       [MV_SHUTOFF_FROM_SNAPSHOT] = "from snapshot",
	[MV_SHUTOFF_DAEMON] = "daemon",
};

static const char *const crashed_names[] = {
	[MV_CRASHED_UNKNOWN] = "unknown",
	[MV_CRASHED_PANICKED] = "panicked",
};

static const struct {
	const char *const *names;
	size_t count;
} reasons[MV_DOMAIN_LAST] = {
	[MV_DOMAIN_RUNNING] = { running_names, MV_ARRAY_SIZE(running_names) },
	[MV_DOMAIN_PAUSED] = { paused_names, MV_ARRAY_SIZE(paused_names) },
	[MV_DOMAIN_SHUTOFF] = { shutoff_names, MV_ARRAY_SIZE(shutoff_names) },
	[MV_DOMAIN_CRASHED] = { crashed_names, MV_ARRAY_SIZE(crashed_names) },
};

const char *mv_domain_state_name(enum mv_domain_state state)
{
	return (unsigned)state < MV_DOMAIN_LAST ? state_names[state] : "unknown";
}

const char *mv_domain_reason_name(enum mv_domain_state state, unsigned reason)
{
	if ((unsigned)state >= MV_DOMAIN_LAST || reason >= reasons[state].count)
		return "unknown";
	return reasons[state].names[reason];
}
