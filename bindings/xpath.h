/* core.xpath(xml, expression, wrap) */
#ifndef BINDINGS_XPATH_H
#define BINDINGS_XPATH_H

#include <lua.h>

/* Adds the function to the core table on the top of the stack. */
void mv_lua_xpath_open(lua_State *L);

#endif
