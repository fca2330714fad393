/* The Lua bindings when Lua has no memory: every allocation fails once, in every call; nothing crashes, no handle and
 * no descriptor stays behind. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <lauxlib.h>
#include <lualib.h>

#include "bindings/module.h"
#include "engine/base/cleanup.h"

struct memory {
	bool armed;
	bool failed;
	size_t count;   /* allocations since it was armed */
	size_t fail_at; /* from this one on they fail, as they do when memory has run out */
};

static void *allocate(void *opaque, void *block, size_t old_size, size_t new_size)
{
	struct memory *memory = opaque;

	if (new_size == 0) {
		free(block);
		return NULL;
	}
	/* Lua relies on it that shrinking never fails. */
	if (memory->armed && (!block || new_size > old_size) && memory->count++ >= memory->fail_at) {
		memory->failed = true;
		return NULL;
	}
	return realloc(block, new_size);
}

static int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(dir);
	/* cppcheck-suppress readdirCalled ; the stream is this function's own */
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static int open_all(lua_State *L)
{
	luaL_openlibs(L);
	luaL_requiref(L, "moonvisor", luaopen_moonvisor, 0);
	/* Lua 5.4 makes the metatable of its own large buffers at their first use, and when memory runs out in the
	 * middle of that, it never has one that works. That is not what is tested here. */
	if (luaL_loadstring(L, "local _ = ('x'):rep(100000)") != LUA_OK)
		return lua_error(L);
	lua_call(L, 0, 0);
	return 0;
}

/* All handles and every way to get one, to use it and to fail. ROOT is the root folder. */
static const char script[] =
	"local virt, root = require 'moonvisor', ROOT\n"
	"local core = require 'moonvisor.core'\n"
	"local conn <close> = virt.open('kvm:///embed?root=' .. root)\n"
	"local seen = 0\n"
	"local all <close> = conn:on(function(ev) seen = seen + #ev.domain.name end)\n"
	"conn:on('lifecycle', function() virt.size 'x' end)\n"
	"local vm <close> = conn:define { name = 'web', memory = '64M', boot = { kernel = '/proc/self/exe' } }\n"
	"for domain in conn.domains:each { active = false } do seen = seen + #tostring(domain) end\n"
	"for name, domain in pairs(conn.domains) do assert(domain == vm and domain.uuid == vm.uuid) end\n"
	"assert(vm.spec.memory == 64 << 20 and vm.state == 'shut off' and conn.domains.nobody == nil)\n"
	"for _, call in ipairs { 'destroy', 'stats', 'console', 'suspend' } do\n"
	"  local ok, err = pcall(vm[call], vm)\n"
	"  assert(ok or tostring(err) ~= '')\n"
	"end\n"
	"virt.on_callback_error(function() seen = seen + 1 end)\n"
	"conn:dispatch(5)\n"
	"local a, b = core.Stream.pair()\n"
	"a:write 'hello\\n' assert(b:read('l', 1) == 'hello') a:close() b:close()\n"
	"assert(not pcall(conn.define, conn, { nam = 1 }))\n"
	"assert(not pcall(virt.open, 'none:///'))\n";

static int run_script(lua_State *L)
{
	if (luaL_loadstring(L, script) != LUA_OK)
		return lua_error(L);
	lua_call(L, 0, 0);
	return 0;
}

static bool handles_are_open(lua_State *L)
{
	bool open = false;

	luaL_requiref(L, "moonvisor", luaopen_moonvisor, 0);
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	lua_getfield(L, -1, "moonvisor.core");
	lua_getfield(L, -1, "open_handles");
	lua_call(L, 0, 1);
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		open = open || lua_tointeger(L, -1) > 0;
		lua_pop(L, 1);
	}
	lua_settop(L, 0);
	return open;
}

static lua_State *new_state(struct memory *memory)
{
	lua_State *L = lua_newstate(allocate, memory);

	assert_non_null(L);
	return L;
}

static void calls_survive(void **state)
{
	struct memory memory = { 0 };
	lua_State *L = new_state(&memory);
	char root[] = "/tmp/mv-test-bindings-XXXXXX";
	char *command = NULL;
	int before;

	(void)state;
	assert_non_null(mkdtemp(root));
	lua_pushcfunction(L, open_all);
	assert_int_equal(lua_pcall(L, 0, 0, 0), LUA_OK);
	lua_pushstring(L, root);
	lua_setglobal(L, "ROOT");
	before = descriptors();
	do {
		memory.armed = true;
		memory.failed = false;
		memory.count = 0;
		lua_pushcfunction(L, run_script);
		if (lua_pcall(L, 0, 0, 0) != LUA_OK && !memory.failed)
			fail_msg("the script failed by itself: %s", luaL_tolstring(L, -1, NULL));
		memory.armed = false;
		lua_settop(L, 0);
		lua_gc(L, LUA_GCCOLLECT);
		lua_gc(L, LUA_GCCOLLECT);
		if (handles_are_open(L))
			fail_msg("handles stay open when allocation %zu fails", memory.fail_at);
		if (descriptors() != before)
			fail_msg("descriptors stay open when allocation %zu fails", memory.fail_at);
		/* Small steps where handles are made, larger ones later, so that this takes a second and not a minute.
		 */
		memory.fail_at += 1 + memory.fail_at / 400;
	} while (memory.failed);
	print_message("%zu allocations\n", memory.count);
	lua_close(L);
	assert_true(asprintf(&command, "rm -rf %s", root) > 0);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
	free(command);
}

static void loading_survives(void **state)
{
	struct memory memory = { 0 };
	bool failed;

	(void)state;
	do {
		lua_State *L;

		memory.armed = false;
		L = new_state(&memory);
		memory.armed = true;
		memory.failed = false;
		memory.count = 0;
		lua_pushcfunction(L, open_all);
		failed = lua_pcall(L, 0, 0, 0) != LUA_OK;
		assert_int_equal(failed, memory.failed);
		memory.armed = false;
		lua_close(L);
		memory.fail_at += 37;
	} while (failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_survive),
		cmocka_unit_test(loading_survives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
