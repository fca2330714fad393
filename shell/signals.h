/* SPDX-License-Identifier: MIT */
/* Signals become bytes in pipes, so that none is missed between two waits: SIGINT in one that every wait of the program
 * watches, those that concern the terminal in one that the editor watches. SIGINT besides stops running Lua code, by a
 * hook. */
#ifndef SHELL_SIGNALS_H
#define SHELL_SIGNALS_H

#include <lua.h>
#include <stdbool.h>

/* Makes the pipes and takes SIGINT. Returns the reading end for SIGINT, or -1 with errno. Once in a program. */
int mv_signals_open(void);
/* From now on SIGINT raises the error `interrupted` in the Lua code that L runs, at once if there was one that nobody
 * has seen yet; NULL: it only goes into the pipe. */
void mv_signals_arm(lua_State *L);
/* What SIGINT is raised in now, or NULL. */
lua_State *mv_signals_armed(void);
/* While a line is edited, the signals that concern the terminal are taken as well; otherwise they do what they do. */
void mv_signals_editing(bool on);
/* Readable when a signal that concerns the terminal came. */
int mv_signals_terminal_fd(void);
/* The next signal of either pipe, or 0. */
int mv_signals_next(void);

#endif
