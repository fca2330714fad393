/* What Lua's own library does not say about files. */
#include "bindings/file.h"

#include <sys/stat.h>

#include <lauxlib.h>

/* file_type(path) -> "file", "directory", "block", "char", "fifo", "socket"; nil when there is no such file or it
 * cannot be seen. Links are followed; nothing is opened. */
static int file_type(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1), *name = NULL;
	struct stat st;

	if (stat(path, &st) == 0) {
		switch (st.st_mode & S_IFMT) {
		case S_IFREG: name = "file"; break;
		case S_IFDIR: name = "directory"; break;
		case S_IFBLK: name = "block"; break;
		case S_IFCHR: name = "char"; break;
		case S_IFIFO: name = "fifo"; break;
		case S_IFSOCK: name = "socket"; break;
		default: break;
		}
	}
	lua_pushstring(L, name);
	return 1;
}

void mv_lua_file_open(lua_State *L)
{
	lua_pushcfunction(L, file_type);
	lua_setfield(L, -2, "file_type");
}
