/* SPDX-License-Identifier: MIT */
#include "shell/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "bindings/module.h"
#include "engine/base/cleanup.h"

/* So many times Ctrl-C is pressed without effect (code that never returns to Lua) until it ends the program. */
#define PATIENCE 3

/* Handlers have no argument for it, so this is the one thing that is global. */
static struct {
	int interrupt[2], terminal[2]; /* pipes */
	lua_State *volatile armed;
	volatile sig_atomic_t pending; /* Ctrl-C that no hook has seen yet */
} signals = { .interrupt = { -1, -1 }, .terminal = { -1, -1 } };

static const int editing_signals[] = { SIGTSTP, SIGTERM, SIGHUP, SIGWINCH };

static int take(int fd)
{
	unsigned char byte;

	return read(fd, &byte, 1) == 1 ? byte : 0;
}

static void hook(lua_State *L, lua_Debug *ar)
{
	(void)ar;
	lua_sethook(L, NULL, 0, 0);
	signals.pending = 0;
	while (take(signals.interrupt[0]) > 0)
		;
	mv_lua_push_interrupted(L);
	lua_error(L);
}

/* Documented as safe in a signal handler. */
static void set_hook(lua_State *L)
{
	lua_sethook(L, hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

static void set_handler(int signo, void (*fn)(int signo))
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = fn;
	sigemptyset(&action.sa_mask);
	sigaction(signo, &action, NULL);
}

static void on_signal(int signo)
{
	int saved = errno;
	unsigned char byte = (unsigned char)signo;

	/* A full pipe is no loss: it is readable, and that is what counts. */
	if (write(signo == SIGINT ? signals.interrupt[1] : signals.terminal[1], &byte, 1) < 0)
		errno = saved;
	if (signo == SIGINT && signals.armed) {
		if (++signals.pending >= PATIENCE)
			set_handler(SIGINT, SIG_DFL);
		set_hook(signals.armed);
	}
	errno = saved;
}

int mv_signals_open(void)
{
	if (pipe2(signals.interrupt, O_CLOEXEC | O_NONBLOCK) < 0 || pipe2(signals.terminal, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	set_handler(SIGINT, on_signal);
	return signals.interrupt[0];
}

void mv_signals_arm(lua_State *L)
{
	if (!L && signals.armed) {
		lua_sethook(signals.armed, NULL, 0, 0);
		/* What no hook has seen ended a wait in a coroutine, or came too late to end anything. */
		while (signals.pending && take(signals.interrupt[0]) > 0)
			;
	}
	signals.pending = 0;
	signals.armed = L;
	set_handler(SIGINT, on_signal);
	if (L && take(signals.interrupt[0]) > 0)
		set_hook(L);
}

lua_State *mv_signals_armed(void)
{
	return signals.armed;
}

void mv_signals_editing(bool on)
{
	for (size_t i = 0; i < MV_ARRAY_SIZE(editing_signals); i++)
		set_handler(editing_signals[i], on ? on_signal : SIG_DFL);
}

int mv_signals_terminal_fd(void)
{
	return signals.terminal[0];
}

int mv_signals_next(void)
{
	int signo = take(signals.interrupt[0]);

	return signo ? signo : take(signals.terminal[0]);
}
