/* SPDX-License-Identifier: MIT */
/* Signals become bytes in a pipe, which every wait of the program watches: none is missed, and nothing but write() runs
 * in a handler. SIGINT besides stops running Lua code, by a hook. */
#ifndef SHELL_SIGNALS_H
#define SHELL_SIGNALS_H

#include <lua.h>
#include <stdbool.h>

/* Makes the pipe and takes SIGINT. Returns the reading end, or -1 with errno. Once in a program. */
int mv_signals_open(void);
/* From now on SIGINT raises the error `interrupted` in the Lua code that L runs; NULL: it only goes into the pipe. */
void mv_signals_arm(lua_State *L);
/* While a line is edited, the signals that concern the terminal go into the pipe as well. */
void mv_signals_editing(bool on);
/* The next signal of the pipe, or 0. */
int mv_signals_next(void);

#endif
