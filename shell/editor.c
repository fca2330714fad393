/* SPDX-License-Identifier: MIT */
#include "shell/editor.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "shell/signals.h"

#define HISTORY_LINES 10000

/* readline is global by nature, and its callbacks have no argument for this. */
static struct {
	lua_State *L;           /* while a function of the editor runs */
	int completer, breaker; /* in the registry */
	char *line;
	bool done, active;
	char breaks[32];
} editor = { .completer = LUA_NOREF, .breaker = LUA_NOREF };

static void on_line(char *line)
{
	editor.line = line;
	editor.done = true;
	editor.active = false;
	rl_callback_handler_remove();
	mv_signals_editing(false);
}

/* start(prompt): shows the prompt and begins to edit a line. */
static int editor_start(lua_State *L)
{
	const char *prompt = luaL_checkstring(L, 1);

	editor.done = false;
	editor.active = true;
	mv_signals_editing(true);
	rl_callback_handler_install(prompt, on_line);
	return 0;
}

/* feed(): takes input that is there. Returns true and the line when it is finished (nil: end of input), else false. */
static int editor_feed(lua_State *L)
{
	editor.L = L;
	rl_callback_read_char();
	editor.L = NULL;
	lua_pushboolean(L, editor.done);
	if (!editor.done)
		return 1;
	lua_pushstring(L, editor.line);
	free(editor.line);
	editor.line = NULL;
	return 2;
}

static void stop_editing(void)
{
	rl_free_line_state();
	rl_callback_handler_remove();
	mv_signals_editing(false);
	editor.active = false;
}

static void cancel(void)
{
	rl_callback_sigcleanup(); /* leaves a search that may be going on, which shows what it found as the line */
	rl_point = rl_end;
	rl_redisplay();
	fputs("^C\n", stdout); /* first: giving the terminal back moves the cursor to the left */
	fflush(stdout);
	stop_editing();
}

/* Gives the terminal back in its own state, lets the signal do what it does by default, and takes the terminal again.
 */
static void pass_on(int signo)
{
	sigset_t only, before;

	rl_deprep_terminal();
	mv_signals_editing(false);
	sigemptyset(&only);
	sigaddset(&only, signo);
	sigprocmask(SIG_UNBLOCK, &only, &before);
	raise(signo);
	sigprocmask(SIG_SETMASK, &before, NULL);
	mv_signals_editing(true);
	rl_prep_terminal(1);
	rl_forced_update_display();
}

/* signals(): handles the signals that came while the line was edited. True: Ctrl-C, and the line is given up. */
static int editor_signals(lua_State *L)
{
	int signo;
	bool cancelled = false;

	while ((signo = mv_signals_next()) > 0) {
		if (signo == SIGINT && editor.active) {
			cancel();
			cancelled = true;
		} else if (signo == SIGWINCH && editor.active) {
			rl_resize_terminal();
		} else if (signo != SIGINT && editor.active) {
			pass_on(signo);
		}
	}
	lua_pushboolean(L, cancelled);
	return 1;
}

/* signal_fd(): readable when signals() has something to do */
static int editor_signal_fd(lua_State *L)
{
	lua_pushinteger(L, mv_signals_terminal_fd());
	return 1;
}

/* hide(), show(): around output that comes while a line is edited */
static int editor_hide(lua_State *L)
{
	(void)L;
	rl_clear_visible_line();
	fflush(stdout);
	return 0;
}

static int editor_show(lua_State *L)
{
	(void)L;
	fflush(stdout);
	rl_on_new_line();
	rl_redisplay();
	return 0;
}

/* --- completion
 * ------------------------------------------------------------------------------------------------------- */

/* The next of the list on the top of the Lua stack. */
static char *next_match(const char *text, int state)
{
	static int index;
	char *copy = NULL;

	(void)text;
	index = state ? index + 1 : 1;
	if (lua_rawgeti(editor.L, -1, index) == LUA_TSTRING)
		copy = strdup(lua_tostring(editor.L, -1));
	lua_pop(editor.L, 1);
	return copy;
}

/* An error in the completer completes nothing: at the prompt it would only be in the way. */
static char **complete(const char *text, int start, int end)
{
	lua_State *L = editor.L;
	char **matches = NULL;

	(void)end;
	rl_attempted_completion_over = 1;
	rl_completion_append_character = '\0';
	rl_completion_suppress_append = 1;
	if (!L || editor.completer == LUA_NOREF)
		return NULL;
	lua_rawgeti(L, LUA_REGISTRYINDEX, editor.completer);
	lua_pushlstring(L, rl_line_buffer, (size_t)start);
	lua_pushstring(L, text);
	if (lua_pcall(L, 2, 1, 0) == LUA_OK && lua_istable(L, -1))
		matches = rl_completion_matches(text, next_match);
	lua_pop(L, 1);
	return matches;
}

/* Tab: at the beginning of a line it is a tab, so that indented code can be pasted into any terminal. */
static int tab_or_complete(int count, int key)
{
	if (strspn(rl_line_buffer, " \t") >= (size_t)rl_point)
		return rl_insert(count, key);
	return rl_complete(count, key);
}

/* What ends a word of this line; NULL: what always does. */
static char *word_breaks(void)
{
	lua_State *L = editor.L;
	const char *breaks = NULL;

	if (!L || editor.breaker == LUA_NOREF)
		return NULL;
	lua_rawgeti(L, LUA_REGISTRYINDEX, editor.breaker);
	lua_pushlstring(L, rl_line_buffer, (size_t)rl_point);
	if (lua_pcall(L, 1, 1, 0) == LUA_OK && lua_type(L, -1) == LUA_TSTRING)
		breaks = lua_tostring(L, -1);
	snprintf(editor.breaks, sizeof(editor.breaks), "%s", breaks ? breaks : "");
	lua_pop(L, 1);
	return editor.breaks[0] ? editor.breaks : NULL;
}

/* set_completer(function(before, word) -> list of words [, function(line) -> characters that end a word, or nil]) */
static int editor_set_completer(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TFUNCTION);
	lua_settop(L, 2);
	luaL_unref(L, LUA_REGISTRYINDEX, editor.completer);
	luaL_unref(L, LUA_REGISTRYINDEX, editor.breaker);
	editor.breaker = LUA_NOREF;
	if (lua_isfunction(L, 2))
		editor.breaker = luaL_ref(L, LUA_REGISTRYINDEX);
	lua_settop(L, 1);
	editor.completer = luaL_ref(L, LUA_REGISTRYINDEX);
	return 0;
}

/* --- history
 * ---------------------------------------------------------------------------------------------------------- */

/* Several shells share a file: whoever writes holds a lock beside it, because cutting the file replaces it. Returns the
 * lock to be closed, or -1, where it has to go without. */
static int lock_history(const char *path)
{
	char name[PATH_MAX];
	int fd;

	if (snprintf(name, sizeof(name), "%s.lock", path) >= (int)sizeof(name))
		return -1;
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	while (fd >= 0 && flock(fd, LOCK_EX) < 0) {
		if (errno == EINTR)
			continue;
		close(fd);
		fd = -1;
	}
	return fd;
}

static void unlock_history(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* load_history(path): a missing file is an empty one. Returns why it cannot be read, or nothing. */
static int editor_load_history(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	int errnum;
	int lock;

	lock = lock_history(path);
	stifle_history(HISTORY_LINES);
	errnum = read_history(path);
	/* What grew as long as what is kept is cut to half of it, so that this is seldom done. */
	if (errnum == 0 && history_length >= HISTORY_LINES)
		history_truncate_file(path, HISTORY_LINES / 2);
	unlock_history(lock);
	if (errnum == 0 || errnum == ENOENT)
		return 0;
	lua_pushstring(L, strerror(errnum));
	return 1;
}

/* add_history(text, path or nil): also appends it to the file, at once, so that several shells share it */
static int editor_add_history(lua_State *L)
{
	const char *text = luaL_checkstring(L, 1);
	const char *path = luaL_optstring(L, 2, NULL);
	HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;

	if (last && strcmp(last->line, text) == 0)
		return 0;
	add_history(text);
	if (path) {
		int lock = lock_history(path);
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* append_history() wants an existing file */

		if (fd >= 0) {
			close(fd);
			append_history(1, path);
		}
		unlock_history(lock);
	}
	return 0;
}

/* limit_history(lines): how many are kept */
static int editor_limit_history(lua_State *L)
{
	stifle_history((int)luaL_checkinteger(L, 1));
	return 0;
}

static const luaL_Reg functions[] = {
	{ "start", editor_start },
	{ "feed", editor_feed },
	{ "signals", editor_signals },
	{ "signal_fd", editor_signal_fd },
	{ "hide", editor_hide },
	{ "show", editor_show },
	{ "set_completer", editor_set_completer },
	{ "load_history", editor_load_history },
	{ "limit_history", editor_limit_history },
	{ "add_history", editor_add_history },
	{ NULL, NULL },
};

int mv_editor_open(lua_State *L)
{
	rl_readline_name = "mvsh";
	rl_catch_signals = 0; /* they come through signals.c, so that none is missed between two keys */
	rl_catch_sigwinch = 0;
	rl_attempted_completion_function = complete;
	rl_completer_word_break_characters = " \t\n\"'`~!@#$%^&*()-+={}[]|\\;:<>,.?/";
	rl_completion_word_break_hook = word_breaks;
	rl_variable_bind("show-all-if-ambiguous", "on"); /* the user's inputrc, read later, may say otherwise */
	rl_bind_key('\t', tab_or_complete);
	rl_completer_quote_characters = NULL;
	rl_basic_quote_characters = "";
	/* With time stamps in the file, statements of several lines stay one entry. */
	history_comment_char = '#';
	history_write_timestamps = 1;
	using_history();
	luaL_newlib(L, functions);
	return 1;
}
