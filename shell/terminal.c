/* SPDX-License-Identifier: MIT */
#include "shell/terminal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "shell/keys.h"
#include "shell/signals.h"

/* isatty(descriptor) */
static int terminal_isatty(lua_State *L)
{
	lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
	return 1;
}

/* width([descriptor]) -> columns of the terminal that it is, 80 where it is none; default: standard output */
static int terminal_width(lua_State *L)
{
	int fd = (int)luaL_optinteger(L, 1, STDOUT_FILENO);
	struct winsize size;

	lua_pushinteger(L, ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80);
	return 1;
}

/* height() -> lines of the terminal, 24 where there is none */
static int terminal_height(lua_State *L)
{
	struct winsize size;

	lua_pushinteger(L, ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24);
	return 1;
}

/* make_folder(path): with those above it, for this user only; nil, or why not */
static int terminal_make_folder(lua_State *L)
{
	size_t size;
	const char *path = luaL_checklstring(L, 1, &size);
	char *copy = lua_newuserdatauv(L, size + 1, 0);

	memcpy(copy, path, size + 1);
	for (char *p = copy + 1; p <= copy + size; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST) {
			lua_pushstring(L, strerror(errno));
			return 1;
		}
		*p = c;
	}
	return 0;
}

/* clock() -> seconds since 1970, microseconds */
static int terminal_clock(lua_State *L)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	lua_pushinteger(L, now.tv_sec);
	lua_pushinteger(L, now.tv_nsec / 1000);
	return 2;
}

/* pid() */
static int terminal_pid(lua_State *L)
{
	lua_pushinteger(L, getpid());
	return 1;
}

/* is_root() */
static int terminal_is_root(lua_State *L)
{
	lua_pushboolean(L, geteuid() == 0);
	return 1;
}

/* read_hidden() -> a line of standard input, without its newline, that a terminal does not show; nil at the end */
static int terminal_read_hidden(lua_State *L)
{
	struct termios before, hidden;
	bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
	luaL_Buffer line;
	char c;
	ssize_t got;

	if (terminal) {
		hidden = before;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	}
	luaL_buffinit(L, &line);
	while ((got = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n')
		luaL_addchar(&line, c);
	if (terminal)
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	luaL_pushresult(&line);
	if (got != 1 && lua_rawlen(L, -1) == 0)
		lua_pushnil(L);
	return 1;
}

/* make_file(folder, prefix, suffix) -> path of a new file that only this user can read; nil and why */
static int terminal_make_file(lua_State *L)
{
	const char *suffix = luaL_checkstring(L, 3);
	const char *path = lua_pushfstring(L, "%s/%sXXXXXX%s", luaL_checkstring(L, 1), luaL_checkstring(L, 2), suffix);
	size_t size = strlen(path) + 1;
	char *copy = lua_newuserdatauv(L, size, 0);
	int fd;

	memcpy(copy, path, size);
	fd = mkostemps(copy, (int)strlen(suffix), O_CLOEXEC);
	if (fd < 0) {
		lua_pushnil(L);
		lua_pushstring(L, strerror(errno));
		return 2;
	}
	close(fd);
	lua_pushstring(L, copy);
	return 1;
}

/* list_folder(path) -> names in it, sorted; nil and why */
static int terminal_list_folder(lua_State *L)
{
	struct dirent **entries;
	int count = scandir(luaL_checkstring(L, 1), &entries, NULL, alphasort);

	if (count < 0) {
		lua_pushnil(L);
		lua_pushstring(L, strerror(errno));
		return 2;
	}
	lua_createtable(L, count, 0);
	for (int i = 0; i < count; i++) {
		lua_pushstring(L, entries[i]->d_name);
		lua_rawseti(L, -2, i + 1);
		free(entries[i]);
	}
	free(entries);
	return 1;
}

/* is_folder(path) */
static int terminal_is_folder(lua_State *L)
{
	struct stat info;

	lua_pushboolean(L, stat(luaL_checkstring(L, 1), &info) == 0 && S_ISDIR(info.st_mode));
	return 1;
}

/* change_folder(path): nil, or why not */
static int terminal_change_folder(lua_State *L)
{
	if (chdir(luaL_checkstring(L, 1)) == 0)
		return 0;
	lua_pushstring(L, strerror(errno));
	return 1;
}

/* current_folder() -> path; nil and why */
static int terminal_current_folder(lua_State *L)
{
	char path[PATH_MAX];

	if (getcwd(path, sizeof(path))) {
		lua_pushstring(L, path);
		return 1;
	}
	lua_pushnil(L);
	lua_pushstring(L, strerror(errno));
	return 2;
}

/* Calls the function at index 1, with SIGINT raised in `armed`, and leaves everything as it was before. Returns what
 * pcall() returns. */
static int call_with(lua_State *L, lua_State *armed)
{
	lua_State *before = mv_signals_armed();
	int status;

	luaL_checktype(L, 1, LUA_TFUNCTION);
	mv_signals_arm(armed);
	status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
	mv_signals_arm(NULL);
	if (before)
		mv_signals_arm(before);
	lua_pushboolean(L, status == LUA_OK);
	lua_insert(L, 1);
	return lua_gettop(L);
}

/* interruptible(function, ...): calls it; Ctrl-C raises `interrupted` in it. Returns what pcall() returns. */
static int terminal_interruptible(lua_State *L)
{
	return call_with(L, L);
}

/* uninterrupted(function, ...): the same inside of an interruptible function, but Ctrl-C raises nothing. */
static int terminal_uninterrupted(lua_State *L)
{
	return call_with(L, NULL);
}

static void write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) /* the reader has gone, which is its right */
			return;
		data += n;
		size -= (size_t)n;
	}
}

/* page(command, text): gives the text to a program that the system's shell starts; Ctrl-C is that program's meanwhile.
 * Returns whether it was shown: not when the program could not be started. */
static int terminal_page(lua_State *L)
{
	const char *command = luaL_checkstring(L, 1);
	size_t size;
	const char *text = luaL_checklstring(L, 2, &size);
	struct sigaction ignore = { .sa_handler = SIG_IGN }, interrupt, broken_pipe;
	int fds[2];
	int status = 127 << 8;
	pid_t pid;

	fflush(stdout);
	if (pipe2(fds, O_CLOEXEC) < 0) {
		lua_pushboolean(L, false);
		return 1;
	}
	sigaction(SIGINT, &ignore, &interrupt);
	sigaction(SIGPIPE, &ignore, &broken_pipe);
	pid = fork();
	if (pid == 0) {
		signal(SIGINT, SIG_DFL);
		signal(SIGPIPE, SIG_DFL);
		dup2(fds[0], STDIN_FILENO);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(fds[0]);
	if (pid > 0)
		write_all(fds[1], text, size);
	close(fds[1]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	sigaction(SIGINT, &interrupt, NULL);
	sigaction(SIGPIPE, &broken_pipe, NULL);
	lua_pushboolean(L, !WIFEXITED(status) || WEXITSTATUS(status) < 126);
	return 1;
}

static const luaL_Reg functions[] = {
	{ "isatty", terminal_isatty },
	{ "width", terminal_width },
	{ "height", terminal_height },
	{ "page", terminal_page },
	{ "make_folder", terminal_make_folder },
	{ "clock", terminal_clock },
	{ "pid", terminal_pid },
	{ "is_root", terminal_is_root },
	{ "read_hidden", terminal_read_hidden },
	{ "make_file", terminal_make_file },
	{ "list_folder", terminal_list_folder },
	{ "is_folder", terminal_is_folder },
	{ "change_folder", terminal_change_folder },
	{ "current_folder", terminal_current_folder },
	{ "interruptible", terminal_interruptible },
	{ "uninterrupted", terminal_uninterrupted },
	{ "raw", mv_keys_raw },
	{ "wait_keys", mv_keys_wait },
	{ "read_keys", mv_keys_read },
	{ NULL, NULL },
};

int mv_terminal_open(lua_State *L)
{
	luaL_newlib(L, functions);
	return 1;
}
