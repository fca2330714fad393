-- What commands print: tables, trees, records; --where, --sort, --columns, -o; --dry-run and explain.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local control = require "moonvisor.command.control"
local records = require "moonvisor.command.records"
local tables = require "moonvisor.command.table"
local tokens = require "moonvisor.command.tokens"
local where = require "moonvisor.command.where"

-- A control object without a connection, whose output is collected.
local function new(settings)
	local out, err = {}, {}
	local ctl
	settings = settings or {}
	settings.write = function(text) out[#out + 1] = text end
	settings.write_error = function(text) err[#err + 1] = text end
	settings.flush = function() end
	ctl = control.new(settings)
	return ctl, function()
		local texts = { table.concat(out), table.concat(err) }
		out, err = {}, {}
		return table.unpack(texts)
	end
end

t.describe("tables", function()
	t.it("have columns that are wide enough", function()
		local table_ = tables.new({ "Id", "Name", "State" })
		table_:row(1, "test", "running")
		t.equal(table_:text(), " Id   Name   State\n----------------------\n 1    test   running\n")
		t.equal(table_:text(true), " 1   test   running\n")
		t.equal(tables.new({ "Id", "Name", "State" }):text(), " Id   Name   State\n--------------------\n")
		t.equal(tables.new({ "Id" }):text(true), "")
	end)

	t.it("show what cannot be printed as numbers", function()
		t.equal({ tables.cell "a\tb" }, { "a\\x09b", 6 })
	end)

	t.it("become trees", function()
		local below = { a = { "b", "d" }, b = { "c" }, d = { "e" } }
		local text = tables.tree("a", function(name)
			return below[name] or {}
		end)
		t.equal(text, "a\n  |\n  +- b\n  |   |\n  |   +- c\n  |     \n  +- d\n      |\n      +- e\n        \n")
		t.equal(tables.tree("a", function() return {} end), "a\n\n")
	end)
end)

local rows = {
	{ name = "web1", state = "running", memory = 2 << 30, id = 3 },
	{ name = "db", state = "shut off", memory = 512 << 20 },
	{ name = "web2", state = "running", memory = 1 << 30, id = 1 },
}
local columns = { "id", "name", "state", "memory" }

local function names(kept)
	local list = {}
	for i, row in ipairs(kept) do
		list[i] = row.name
	end
	return table.concat(list, " ")
end

t.describe("--where", function()
	local function filter(text)
		local kept, message = where.filter(text, columns, rows)
		return kept and names(kept) or message
	end

	t.it("is a Lua expression", function()
		t.equal(filter 'state == "running"', "web1 web2")
		t.equal(filter 'name:find "^web" and id < 3', "web2")
		t.equal(filter "id == nil", "db")
		t.equal(filter "true", "web1 db web2")
		t.equal(filter "math.max(memory, 0) > 0", "web1 db web2")
	end)

	t.it("compares sizes with numbers", function()
		t.equal(filter 'memory > "1G"', "web1")
		t.equal(filter 'memory >= "1G"', "web1 web2")
		t.equal(filter '"1G" > memory', "db")
		t.equal(filter 'memory == "512M"', "db")
		t.equal(filter '"512MiB" ~= memory', "web1 web2")
		t.equal(filter 'memory * 2 <= "1G"', "db")
		t.equal(filter 'name < "e"', "db")
		t.equal(getmetatable("").__lt, nil, "the metatable of texts was left changed")
	end)

	t.it("that is wrong is explained", function()
		t.matches(filter "memoy > 1", "^there is no column 'memoy'; did you mean 'memory'%? The columns are: id, name, ")
		t.matches(filter "memory >", "unexpected symbol")
		t.matches(filter 'memory > "x"', "^x cannot be compared with %d+$")
		t.matches(filter "name = 1", "expected")
		t.matches(filter "id > 1", "compare")
		t.equal({ where.filter("memory > 1", columns, {}) }, { {} })
		t.matches(select(2, where.filter("memoy > 1", columns, {})), "^there is no column 'memoy'; did you mean 'memory'%?")
		t.equal(filter "memory > 1G", "malformed number near '1G'; a size stands in quotes: \"1G\"")
		t.matches(filter "os.exit()", "there is no column 'os'")
	end)
end)

t.describe("records", function()
	local function show(common, list)
		local ctl, output = new()
		ctl.common = common
		local ok, err = pcall(records.show, ctl, {
			rows = list or rows, columns = columns, name = "name",
			text = function(shown) ctl:print("text: %s\n", names(shown)) end,
		})
		local out, errors = output()
		return ok and out or errors, err
	end

	t.it("are virsh's text without options", function()
		t.equal(show {}, "text: web1 db web2\n")
		t.equal(show { where = "id" }, "text: web1 web2\n")
		t.equal(show { sort = "name" }, "text: db web1 web2\n")
		t.equal(show { sort = "state,-memory" }, "text: web1 web2 db\n")
		t.equal(show { sort = "id" }, "text: db web2 web1\n")
	end)

	t.it("are JSON", function()
		t.equal(show { output = "json" }, '[\n  {"id": 3, "name": "web1", "state": "running", "memory": 2147483648},\n'
			.. '  {"id": null, "name": "db", "state": "shut off", "memory": 536870912},\n'
			.. '  {"id": 1, "name": "web2", "state": "running", "memory": 1073741824}\n]\n')
		t.equal(show({ output = "json" }, {}), "[]\n")
		t.equal(show { output = "json", columns = "name", where = "id == 1" }, '[\n  {"name": "web2"}\n]\n')
	end)

	t.it("are Lua", function()
		local text = show { output = "lua" }
		t.equal(load(text)(), rows)
		t.equal(show({ output = "lua" }, {}), "return {}\n")
		local odd = { { id = 1, name = 'a"b\n', state = { a = { 1, "x" }, ["b c"] = true } } }
		t.equal(load((show({ output = "lua" }, odd)))(), odd)
	end)

	t.it("are names", function()
		t.equal(show { output = "name" }, "web1\ndb\nweb2\n")
	end)

	t.it("are a table of chosen columns", function()
		t.equal(show { columns = "name, id" }, " name   id\n------------\n web1   3\n db     -\n web2   1\n")
		t.equal(show { columns = "nosuch" },
			"error: option --columns: there is no column 'nosuch'. The columns are: id, name, state, memory\n")
		t.equal(show { sort = "-nosuch" },
			"error: option --sort: there is no column '-nosuch'. The columns are: id, name, state, memory\n")
		t.equal(show { sort = "," }, "error: option --sort: no column is named; the columns are: id, name, state, memory\n")
	end)

	t.it("of one object are lines, or an object", function()
		local fields = {
			{ "id", "Id:", 1 }, { "memory", "Max memory:", 1024, "1 KiB" }, { "up", "Up:", true }, { "x", nil, 2 },
		}
		local ctl, output = new()
		records.info(ctl, fields)
		t.equal(output(), "Id:             1\nMax memory:     1 KiB\nUp:             yes\n")
		ctl.common = { output = "json" }
		records.info(ctl, fields)
		t.equal(output(), '{"id": 1, "memory": 1024, "up": true, "x": 2}\n')
	end)
end)

-- Calls of a host with one domain; what was called is in `log`.
local function fake()
	local log, domain = {}, { name = "a", uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f", id = 7 }
	local errors = require "moonvisor.errors"
	local raw = {
		domain_lookup_by_name = function(_, name)
			if name ~= "a" then
				errors.raise("no_domain", "no domain with matching name '%s'", name)
			end
			return domain
		end,
		domain_lookup_by_id = function(_, id)
			if id ~= 7 then
				errors.raise("no_domain", "no domain with matching id %d", id)
			end
			return domain
		end,
		domain_set_memory = function(_, dom, kib)
			log[#log + 1] = ("set_memory %s %d"):format(dom.name, kib)
		end,
		domain_set_memory_flags = function(_, dom, kib, flags)
			log[#log + 1] = ("set_memory_flags %s %d %d"):format(dom.name, kib, flags)
		end,
		connect_get_hostname = function()
			errors.raise("operation_failed", "nobody knows")
		end,
	}
	return raw, log
end

t.describe("a command", function()
	local function run(text, settings)
		local raw, log = fake()
		settings = settings or {}
		settings.real_raw = raw
		local ctl, output = new(settings)
		local ok = ctl:execute(tokens.text(text))
		local out, err = output()
		return { ok = ok, out = out, err = err, log = table.concat(log, ", ") }
	end

	t.it("does what its options say", function()
		t.equal(run "setmem a 1M", { ok = true, out = "\n", err = "", log = "set_memory a 1024" })
		t.equal(run "setmem 7 1", { ok = true, out = "\n", err = "", log = "set_memory a 1" })
		t.equal(run "setmem a 1 --live --config", { ok = true, out = "\n", err = "", log = "set_memory_flags a 1 3" })
		t.equal(run "setmem a 1; setmem a 2", { ok = true, out = "\n\n", err = "", log = "set_memory a 1, set_memory a 2" })
	end)

	t.it("says what is wrong", function()
		t.equal(run "setmem b 1", { ok = false, out = "\n", err = "error: failed to get domain 'b'\n", log = "" })
		t.equal(run "setmem '' 1",
			{ ok = false, out = "\n", err = "error: Failed to get option 'domain': Option argument is empty\n", log = "" })
		t.equal(run("setmem a 1X").err, "error: Scaled numeric value '1X' for <size> option is malformed or out of range\n"
			.. "error: invalid argument: unknown suffix 'X'\n")
		t.equal(run("setmem a 1 --current --live").err, "error: Options --current and --live are mutually exclusive\n")
		t.equal(run("hostname").err, "error: failed to get hostname\nerror: operation failed: nobody knows\n")
		t.equal(run("setmem a 1; nosuch"), { ok = false, out = "", err = "error: unknown command: 'nosuch'\n", log = "" })
		t.equal(run("listt").err, "error: unknown command: 'listt'\ndid you mean 'list'?\n")
		t.equal(run("listt", { plain = true }).err, "error: unknown command: 'listt'\n")
	end)

	t.it("of several does not stop the others", function()
		local result = run "setmem b 1; setmem a 2"
		t.equal({ result.ok, result.log }, { true, "set_memory a 2" })
		result = run "setmem a 2; setmem b 1"
		t.equal({ result.ok, result.log }, { false, "set_memory a 2" })
		t.equal(run("quit; setmem a 1").log, "")
	end)

	t.it("is quiet with -q", function()
		t.equal(run("setmem a 1", { quiet = true }).out, "")
	end)

	t.it("that surprises asks first", function()
		local questions = require "moonvisor.command.questions"
		local registry = require "moonvisor.command.registry"
		for name, question in pairs(questions) do
			local command = registry.find(name)
			t.ok(command, name)
			for option in (type(question) == "string" and question or ""):gmatch "{([%w-]+)}" do
				local there = false
				for _, known in ipairs(command.options) do
					there = there or known.name == option
				end
				t.ok(there, name .. " --" .. option)
			end
		end
		local function answer(text, line, more)
			local settings = { somebody_there = function() return true end, read_line = function() return line end }
			for key, value in pairs(more or {}) do
				settings[key] = value
			end
			return run(text, settings)
		end
		questions.setmem = "Really change '{domain}' to {size}?"
		local result = answer("setmem a 1M", "n")
		t.equal({ result.ok, result.log, result.err },
			{ false, "", "Really change 'a' to 1M? [y/N] error: not confirmed: nothing was done\n" })
		t.equal(answer("setmem a 1M", "yes").log, "set_memory a 1024")
		t.equal(answer("setmem a 1M", nil).log, "")
		t.equal(answer("setmem a 1M --yes", "n").log, "set_memory a 1024")
		t.equal(answer("setmem a 1M --dry-run", "n").ok, true)
		t.equal(answer("setmem a 1M", "n", { plain = true }).log, "set_memory a 1024")
		t.equal(run("setmem a 1M").log, "set_memory a 1024")
		questions.setmem = nil
	end)

	t.it("is only shown with --dry-run", function()
		t.equal(run "setmem a 1M --dry-run", {
			ok = true, err = "", log = "",
			out = 'local domain = conn:domain("a")\ndomain:set_memory("1M")\n',
		})
		local result = run "setmem b 1M --dry-run"
		t.equal({ result.ok, result.out, result.log }, { false, "", "" })
	end)
end)

t.finish()
