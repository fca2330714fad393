/* Libvirt's calls from Lua: every structure there and back, wrong arguments, results and streams of a fake driver, and
 * all that when memory runs out. */
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

#include "bindings/conn.h"
#include "bindings/module.h"
#include "bindings/raw_read.h"
#include "bindings/raw_write.h"
#include "engine/api/notice.h"
#include "tests/unit/fake_driver.h"

struct memory {
	bool armed, failed;
	size_t count, fail_at;
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

static struct fake_driver *fake; /* behind the global `conn` of the scripts */

/* --- functions for the scripts --- */

/* fake(field, number): sets what the driver does; fake "last": what it was asked. */
static int set_fake(lua_State *L)
{
	const char *field = luaL_checkstring(L, 1);
	lua_Integer number = luaL_optinteger(L, 2, 0);

	if (strcmp(field, "domains") == 0) {
		fake->domains = (unsigned)number;
	} else if (strcmp(field, "params") == 0) {
		fake->typed_params = (unsigned)number;
	} else if (strcmp(field, "fails") == 0) {
		fake->fails = number;
	} else if (strcmp(field, "streams") == 0) {
		lua_pushinteger(L, fake->streams);
		return 1;
	} else if (strcmp(field, "uploaded") == 0) {
		lua_pushstring(L, fake->uploaded);
		return 1;
	} else {
		lua_pushstring(L, fake->last);
		return 1;
	}
	return 0;
}

/* happen(number of the domain, event) */
static int happen(lua_State *L)
{
	struct mv_domain_event_callback_lifecycle_msg msg = {
		.msg = { .dom = fake_domain((unsigned)luaL_checkinteger(L, 1)), .event = (int)luaL_checkinteger(L, 2) },
	};

	mv_notify(&fake->drv, MV_CALL_DOMAIN_EVENT_CALLBACK_LIFECYCLE, &msg);
	return 0;
}

/* there_and_back(call, "args"|"ret"|"msg", table) -> the table that comes back after a copy */
static int there_and_back(lua_State *L)
{
	const struct mv_call_desc *call = &mv_call_descs[mv_call_find(luaL_checkstring(L, 1))];
	const char *part = luaL_checkstring(L, 2);
	const struct mv_wire_struct *desc = part[0] == 'a' ? call->args : part[0] == 'r' ? call->ret : call->msg;
	union {
		char bytes[MV_CALL_STRUCT_MAX];
		uint64_t aligned;
	} there = { .aligned = 0 }, back;

	lua_settop(L, 3);
	if (!desc)
		return 0;
	lua_pushnil(L);
	memset(&there, 0, sizeof(there));
	mv_lua_read_struct(L, call->name, desc, 3, 4, &there);
	assert_int_equal(mv_wire_copy(desc, &back, &there, NULL), 0);
	mv_lua_push_struct(L, desc, &back);
	mv_wire_clear(desc, &back);
	for (size_t i = 0; i < desc->size; i++)
		assert_int_equal(back.bytes[i], 0);
	return 1;
}

/* describe(call, part) -> { { name =, kind =, optional =, array =, fields = {...} }, ... } */
static void push_description(lua_State *L, const struct mv_wire_struct *desc)
{
	luaL_checkstack(L, 8, NULL);
	lua_newtable(L);
	for (uint32_t i = 0; desc && i < desc->field_count; i++) {
		const struct mv_wire_field *field = &desc->fields[i];

		lua_newtable(L);
		lua_pushstring(L, field->name);
		lua_setfield(L, -2, "name");
		lua_pushinteger(L, field->kind);
		lua_setfield(L, -2, "kind");
		lua_pushboolean(L, field->optional);
		lua_setfield(L, -2, "optional");
		lua_pushboolean(L, field->array);
		lua_setfield(L, -2, "array");
		if (field->type) {
			push_description(L, field->type);
			lua_setfield(L, -2, "fields");
		}
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
}

static int describe(lua_State *L)
{
	const struct mv_call_desc *call = &mv_call_descs[mv_call_find(luaL_checkstring(L, 1))];
	const char *part = luaL_checkstring(L, 2);

	push_description(L, part[0] == 'a' ? call->args : part[0] == 'r' ? call->ret : call->msg);
	return 1;
}

static int open_all(lua_State *L)
{
	luaL_openlibs(L);
	luaL_requiref(L, "moonvisor", luaopen_moonvisor, 1);
	lua_register(L, "fake", set_fake);
	lua_register(L, "happen", happen);
	lua_register(L, "there_and_back", there_and_back);
	lua_register(L, "describe", describe);
	/* See test_bindings.c. */
	if (luaL_loadstring(L, "local _ = ('x'):rep(100000)") != LUA_OK)
		return lua_error(L);
	lua_call(L, 0, 0);
	return 0;
}

/* The global `conn`: a connection to the fake driver. */
static void open_connection(lua_State *L)
{
	struct mv_lua_conn *conn = mv_handle_new(L, &mv_conn_class);

	lua_newtable(L);
	lua_setiuservalue(L, -2, 1);
	conn->conn = fake_open(&fake);
	conn->queue.conn = conn->conn;
	mv_handle_opened(L, &mv_conn_class, &conn->handle);
	lua_setglobal(L, "conn");
}

static void run(const char *script)
{
	struct memory memory = { 0 };
	lua_State *L = lua_newstate(allocate, &memory);

	assert_non_null(L);
	lua_pushcfunction(L, open_all);
	assert_int_equal(lua_pcall(L, 0, 0, 0), LUA_OK);
	open_connection(L);
	if (luaL_dostring(L, script) != LUA_OK)
		fail_msg("%s", luaL_tolstring(L, -1, NULL));
	lua_close(L);
}

/* --- tests --- */

static void every_structure_goes_there_and_back(void **state)
{
	(void)state;
	run("local core = require 'moonvisor.core'\n"
	    "local kinds = { [0] = function(n) return -n end, function(n) return n + (1 << 31) end,\n"
	    "  function(n) return math.mininteger + n end, function(n) return math.maxinteger - n end,\n"
	    "  function(n) return -(n % 128) end, function(n) return n % 256 end, function(n) return 65535 - n % 100 end,\n"
	    "  function(n) return 'text ' .. n end, function(n) return ('%08x-0000-4000-8000-000000000000'):format(n) end,\n"
	    "  function(n) return ('\\0\\xff'):rep(n % 5) end, function(n) return 'label ' .. n end,\n"
	    "  function(n) return 'fixed ' .. n end }\n"
	    "local types = { 'int', 'uint', 'llong', 'ullong', 'double', 'boolean', 'string' }\n"
	    "local values = { -5, 5, math.mininteger, math.maxinteger, 0.5, true, 'words' }\n"
	    "local number = 0\n"
	    "local make\n"
	    "local function one(field)\n"
	    "  number = number + 1\n"
	    "  if field.kind == 12 then return make(field.fields) end\n"
	    "  if field.kind == 13 then local t = number % 7 + 1\n"
	    "    return { field = 'p' .. number, type = types[t], value = values[t] } end\n"
	    "  return kinds[field.kind](number)\n"
	    "end\n"
	    "function make(fields)\n"
	    "  local t = {}\n"
	    "  for _, field in ipairs(fields) do\n"
	    "    if field.array then\n"
	    "      t[field.name] = {}\n"
	    "      for i = 1, number % 4 do t[field.name][i] = one(field) end\n"
	    "    elseif not field.optional or number % 3 > 0 then t[field.name] = one(field)\n"
	    "    else number = number + 1 end\n"
	    "  end\n"
	    "  return t\n"
	    "end\n"
	    "local function same(a, b, path)\n"
	    "  if type(a) ~= 'table' then assert(a == b, path .. ': ' .. tostring(a) .. ' is not ' .. tostring(b)) return end\n"
	    "  for k in pairs(a) do same(a[k], b[k], path .. '.' .. k) end\n"
	    "  for k in pairs(b) do assert(a[k] ~= nil, path .. '.' .. k) end\n"
	    "end\n"
	    "local count = 0\n"
	    "for round = 1, 5 do\n"
	    "  for name in pairs(core.calls()) do\n"
	    "    for _, part in ipairs { 'args', 'ret', 'msg' } do\n"
	    "      local t = make(describe(name, part))\n"
	    "      same(t, there_and_back(name, part, t) or {}, name)\n"
	    "      count = count + 1\n"
	    "    end\n"
	    "  end\n"
	    "end\n"
	    "assert(count == 5 * 3 * 450)\n");
}

static void calls_take_and_give(void **state)
{
	(void)state;
	run("local raw = conn.raw\n"
	    "local d0 = { name = 'd0', uuid = '0000aa00-0000-0000-0000-000000000000' }\n"
	    "assert(raw == conn.raw)\n"
	    "local dom = raw:domain_create_with_flags(d0, 3)\n"
	    "assert(fake 'last' == 'create d0 id -1 flags 3')\n"
	    "assert(dom.name == 'd1' and dom.id == -1 and dom.uuid == '0100aa00-0000-0000-0000-000000000000')\n"
	    "assert(select('#', raw:domain_set_memory_flags(dom, 1 << 40, 0)) == 0)\n"
	    "assert(fake 'last' == 'memory d1 1099511627776 flags 0')\n"
	    "raw:domain_set_memory_flags(d0, 2^63, 1) assert(fake 'last' == 'memory d0 9223372036854775808 flags 1')\n"
	    "fake('domains', 5)\n"
	    "local all = raw:connect_list_all_domains(1, 0)\n"
	    "assert(all.ret == 5 and #all.domains == 5 and all.domains[5].name == 'd4' and all.domains[5].id == 5)\n"
	    "all = raw:connect_list_all_domains(0, 0) assert(all.ret == 5 and #all.domains == 0)\n"
	    "assert(raw:connect_num_of_domains() == 3)\n"
	    "assert(raw:domain_get_xml_desc(d0, 0) == '<domain/>')\n"
	    "fake('params', 2)\n"
	    "local p = raw:domain_get_scheduler_parameters_flags(d0, 5, 0)\n"
	    "assert(#p == 2 and p[1].field == 'shares' and p[1].type == 'ullong' and p[1].value == -1)\n"
	    "assert(p[2].type == 'string' and p[2].value == 'many')\n"
	    "raw:domain_set_scheduler_parameters_flags(d0, { p[2], { field = 'a', type = 'uint', value = 1 } }, 0)\n"
	    "assert(fake 'last' == 'set scheduler of d0: 2, the first shares')\n"
	    "raw:domain_set_scheduler_parameters(d0, {})\n"
	    "assert(fake 'last' == 'set scheduler of d0: 0, the first none')\n"
	    "local info = raw:node_get_info() assert(info.model == ('x'):rep(32) and info.cpus == 4)\n"
	    /* An object whose fields are made when they are asked for. */
	    "local object = setmetatable({}, { __index = function(_, key) return ({ name = 'd' .. 0,\n"
	    "  uuid = '0000AA00000000000000' .. ('0'):rep(12), id = 7 })[key] end })\n"
	    "raw:domain_create(object) assert(fake 'last' == 'create d0 id 7 flags 0')\n"
	    "fake('fails', 1)\n"
	    "local ok, err = pcall(raw.domain_get_xml_desc, raw, d0, 0)\n"
	    "assert(not ok and err.code == 'operation_failed' and err.text == 'operation failed: it was to fail')\n");
}

static void wrong_arguments_are_named(void **state)
{
	(void)state;
	run("local raw = conn.raw\n"
	    "local d0 = { name = 'd0', uuid = '0000aa00-0000-0000-0000-000000000000' }\n"
	    "local function fails(message, call, ...)\n"
	    "  local ok, err = pcall(function(...) return raw[call](raw, ...) end, ...)\n"
	    "  assert(not ok and err.message == message, tostring(not ok and err.message))\n"
	    "  assert(err.code == 'invalid_arg')\n"
	    "end\n"
	    "fails('domain_set_memory_flags: argument 2 (memory): an integer expected, got string',\n"
	    "  'domain_set_memory_flags', d0, '5', 0)\n"
	    "fails('domain_set_memory_flags: argument 2 (memory): an integer expected, got 1.5',\n"
	    "  'domain_set_memory_flags', d0, 1.5, 0)\n"
	    "fails('domain_set_memory_flags: argument 2 (memory): -1 is out of range, which is 0 to 9223372036854775807',\n"
	    "  'domain_set_memory_flags', d0, -1, 0)\n"
	    "fails('domain_set_memory_flags: argument 3 (flags): 4294967296 is out of range, which is 0 to 4294967295',\n"
	    "  'domain_set_memory_flags', d0, 1, 1 << 32)\n"
	    "for _, n in ipairs { 0/0, 1/0, -1/0, 2^64 } do\n"
	    "  assert(not pcall(raw.domain_set_memory_flags, raw, d0, n, 0)) end\n"
	    "fails('domain_set_memory_flags: 3 arguments expected, got 2', 'domain_set_memory_flags', d0, 1)\n"
	    "fails('domain_set_memory_flags: 3 arguments expected, got 4', 'domain_set_memory_flags', d0, 1, 2, nil)\n"
	    "fails('domain_create: 1 argument expected, got 0', 'domain_create')\n"
	    "fails('domain_create: argument 1 (dom): a table expected, got nil', 'domain_create', nil)\n"
	    "fails('domain_create: argument 1 (dom.name): a string expected, got number', 'domain_create', { name = 1 })\n"
	    "fails('domain_create: argument 1 (dom.uuid): \\'zz\\' is no UUID', 'domain_create', { name = 'a', uuid = 'zz' })\n"
	    "fails('domain_create: argument 1 (dom.id): an integer expected, got boolean', 'domain_create',\n"
	    "  { name = 'a', uuid = d0.uuid, id = false })\n"
	    "fails('domain_create: argument 1 (dom.name): the string has a zero byte in it', 'domain_create',\n"
	    "  { name = 'a\\0b', uuid = d0.uuid })\n"
	    "local set = 'domain_set_scheduler_parameters_flags'\n"
	    "fails(set .. ': argument 2 (params): a sequence expected, got string', set, d0, 'x', 0)\n"
	    "fails(set .. ': argument 2 (params[1]): a parameter {field=, type=, value=} expected, got number', set, d0, { 1 }, 0)\n"
	    "fails(set .. ': argument 2 (params[2].type): \\'long\\' is no type of a parameter; known: int, uint, llong, '\n"
	    "  .. 'ullong, double, boolean, string', set, d0, { { field = 'a', type = 'int', value = 1 },\n"
	    "  { field = 'b', type = 'long', value = 1 } }, 0)\n"
	    "fails(set .. ': argument 2 (params[1].value): a boolean expected, got number', set, d0,\n"
	    "  { { field = 'a', type = 'boolean', value = 1 } }, 0)\n"
	    "local many = {} for i = 1, 17 do many[i] = { field = 'a', type = 'int', value = 1 } end\n"
	    "fails(set .. ': argument 2 (params): at most 16 items can be given, not 17', set, d0, many, 0)\n"
	    "fails('There is no call \\'domain_crate\\'; did you mean \\'domain_create\\'?', 'domain_crate', d0)\n"
	    /* What breaks in the middle breaks nothing else. */
	    "local bad = setmetatable({}, { __index = function() error('no') end })\n"
	    "assert(not pcall(raw.domain_create, raw, bad))\n"
	    "local deep = setmetatable({}, { __index = function(t) return t end })\n"
	    "assert(not pcall(raw.domain_create, raw, deep))\n"
	    "local core = require 'moonvisor.core'\n"
	    "assert(not pcall(core.call, conn, 0)) assert(not pcall(core.call, conn, 1 << 40))\n"
	    "assert(not pcall(core.call, 'x', 1)) assert(not pcall(core.call)) assert(not pcall(core.stream, conn, 1))\n"
	    "conn:close()\n"
	    "local ok, err = pcall(raw.domain_create, raw, d0)\n"
	    "assert(not ok and err.code == 'invalid_conn')\n");
}

static void streams_are_objects(void **state)
{
	(void)state;
	run("local raw = conn.raw\n"
	    "local vol = { pool = 'p', name = 'v', key = 'k' }\n"
	    "local up <close> = raw:storage_vol_upload(vol, 0, 0, 0)\n"
	    "up:send('0123456789abcdef') up:finish()\n"
	    "assert(fake 'uploaded' == '0123456789abcdef')\n"
	    "assert(not pcall(up.send, up, 'x')) assert(not pcall(up.recv, up))\n"
	    "local down = raw:storage_vol_download(vol, 0, 0, 0)\n"
	    "local parts = {} while true do local s = down:recv(100) if not s then break end parts[#parts + 1] = s end\n"
	    "assert(table.concat(parts) == 'what the volume holds' and #parts > 3)\n"
	    "assert(not pcall(down.recv, down, 0)) assert(down:fd() == nil)\n"
	    "down:close() down:close()\n"
	    "assert(tostring(down) == 'data stream (closed)')\n"
	    "local ok, err = pcall(down.recv, down) assert(not ok and err.code == 'invalid_stream')\n"
	    "local shot, mime = raw:domain_screenshot({ name = 'd', uuid = ('0'):rep(32) }, 0, 0)\n"
	    "assert(mime == 'image/png' and shot:recv(4) == 'what')\n"
	    "shot:abort() assert(not pcall(shot.recv, shot))\n"
	    "fake('fails', 1) assert(not pcall(raw.storage_vol_upload, raw, vol, 0, 0, 0)) fake('fails', 0)\n"
	    "shot = nil collectgarbage() collectgarbage() assert(fake 'streams' == 1, fake 'streams')\n"
	    /* The connection goes first; what is left of the stream is released later. */
	    "local last = raw:storage_vol_download(vol, 0, 0, 0)\n"
	    "conn:close()\n"
	    "ok, err = pcall(last.recv, last) assert(not ok and err.code == 'invalid_conn')\n"
	    "last:close()\n");
}

static void events_are_tables(void **state)
{
	(void)state;
	run("local seen = {}\n"
	    "local function see(ev) seen[#seen + 1] = ev end\n"
	    "local all = conn.raw:on('lifecycle', see)\n"
	    "local d1 = { name = 'd1', uuid = '0100aa00-0000-0000-0000-000000000000' }\n"
	    "conn.raw:on('domain_event_callback_lifecycle', d1, see)\n"
	    "happen(0, 5) happen(1, 6)\n"
	    "conn:dispatch(0)\n"
	    "assert(#seen == 3)\n"
	    "assert(seen[1].id == 'domain_event_callback_lifecycle' and seen[1].dom.name == 'd0' and seen[1].event == 5)\n"
	    "assert(seen[1].msg == nil and seen[1].callbackID == nil and seen[1].detail == 0)\n"
	    "assert(seen[2].dom.name == 'd1' and seen[3].dom.uuid == d1.uuid)\n"
	    "all:cancel() happen(0, 7) conn:dispatch(0) assert(#seen == 3)\n"
	    "assert(not pcall(conn.raw.on, conn.raw, 'nonsense', see))\n"
	    "assert(not pcall(conn.raw.on, conn.raw, 'lifecycle'))\n"
	    "assert(not pcall(conn.raw.on, conn.raw, 'lifecycle', { name = 5 }, see))\n");
}

static int run_script(lua_State *L)
{
	static const char script[] =
		"local d0 = { name = 'd0', uuid = '0000aa00-0000-0000-0000-000000000000' }\n"
		"local raw = conn.raw\n"
		"assert(raw:domain_create_with_flags(d0, 0).name == 'd1')\n"
		"assert(#raw:connect_list_all_domains(1, 0).domains == 5)\n"
		"raw:domain_set_scheduler_parameters_flags(d0, raw:domain_get_scheduler_parameters_flags(d0, 5, 0) and\n"
		"  { { field = 'a', type = 'string', value = 'b' } }, 0)\n"
		"local s <close> = raw:domain_screenshot(d0, 0, 0) s:recv(3)\n"
		"local seen\n"
		"local on <close> = raw:on('lifecycle', d0, function(ev) seen = ev.dom.name end)\n"
		"happen(0, 1) conn:dispatch(0)\n"
		"assert(not pcall(raw.domain_create, raw, {}))\n"
		"local ok, err = pcall(raw.domain_suspend, raw, d0) assert(not ok and err.text ~= '')\n";

	if (luaL_loadstring(L, script) != LUA_OK)
		return lua_error(L);
	lua_call(L, 0, 0);
	return 0;
}

static void calls_survive_without_memory(void **state)
{
	struct memory memory = { 0 };
	lua_State *L = lua_newstate(allocate, &memory);

	(void)state;
	assert_non_null(L);
	lua_pushcfunction(L, open_all);
	assert_int_equal(lua_pcall(L, 0, 0, 0), LUA_OK);
	open_connection(L);
	fake->domains = 5;
	fake->typed_params = 3;
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
		if (fake->streams)
			fail_msg("a stream stays open when allocation %zu fails", memory.fail_at);
		if (fake->drv.notices.listeners)
			fail_msg("a listener stays when allocation %zu fails", memory.fail_at);
		memory.fail_at++;
	} while (memory.failed);
	print_message("%zu allocations\n", memory.count);
	lua_close(L);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_structure_goes_there_and_back),
		cmocka_unit_test(calls_take_and_give),
		cmocka_unit_test(wrong_arguments_are_named),
		cmocka_unit_test(streams_are_objects),
		cmocka_unit_test(events_are_tables),
		cmocka_unit_test(calls_survive_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
