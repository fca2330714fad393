/* core.file_type(path): what kind of file is there. */
#ifndef MV_BINDINGS_FILE_H
#define MV_BINDINGS_FILE_H

#include <lua.h>

/* Adds it to the core table on top of the stack. */
void mv_lua_file_open(lua_State *L);

#endif
