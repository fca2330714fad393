-- Command lines: words, options, numbers, what is wrong with them.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local number = require "moonvisor.command.number"
local options = require "moonvisor.command.options"
local parser = require "moonvisor.command.parser"
local registry = require "moonvisor.command.registry"
local session = require "moonvisor.command.session"
local tokens = require "moonvisor.command.tokens"

-- The words of a text, ";" between commands; the message where it is wrong.
local function words(text)
	local source, list = tokens.text(text), {}
	while true do
		local kind, word = source:next()
		if kind == "end" then
			return list
		elseif kind == "ends" then
			return word
		end
		list[#list + 1] = kind == "word" and word or ";"
	end
end

t.describe("words", function()
	t.it("are separated by blanks", function()
		t.equal(words "a  b\tc", { "a", "b", "c" })
		t.equal(words "  ", {})
		t.equal(words "", {})
	end)

	t.it("are quoted", function()
		t.equal(words [['a b' "c d" e\ f]], { "a b", "c d", "e f" })
		t.equal(words [["a\"b" 'a\b' "a\\b" a'b'c"d"]], { 'a"b', [[a\b]], [[a\b]], "abcd" })
		t.equal(words [['' ""]], { "", "" })
		t.equal(words [["it's" 'say "x"']], { "it's", 'say "x"' })
	end)

	t.it("may go on in the next line", function()
		t.equal(words "a\\\nb c \\\n d", { "ab", "c", "d" })
	end)

	t.it("are not complete without their end", function()
		t.equal(words '"a', 'missing "')
		t.equal(words "a\\", "dangling \\")
		t.equal(words "'a", { "a" }) -- as with virsh
	end)

	t.it("belong to commands that ; and newlines end", function()
		t.equal(words "a;b\nc ; d", { "a", ";", "b", ";", "c", ";", "d" })
		t.equal(words "'a;b' \"c\nd\"", { "a;b", "c\nd" })
	end)

	t.it("end with a comment", function()
		t.equal(words "a # b ; c\nd", { "a", ";", "d" })
		t.equal(words "a#b '#c'", { "a#b", "#c" })
	end)
end)

local function parse(text, common)
	local parsed, messages = parser.parse(tokens.text(text), { common = common })
	if not parsed then
		return table.concat(messages, "; ")
	end
	local list = {}
	for i, one in ipairs(parsed) do
		list[i] = { one.command.name, one.given }
	end
	return list
end

t.describe("options", function()
	t.it("have names or places", function()
		t.equal(parse "setmem a 1", { { "setmem", { domain = "a", size = "1" } } })
		t.equal(parse "setmem --size 1 a", { { "setmem", { domain = "a", size = "1" } } })
		t.equal(parse "setmem --size=1 --domain=a --live", { { "setmem", { domain = "a", size = "1", live = true } } })
		t.equal(parse "dominfo -- --live", { { "dominfo", { domain = "--live" } } })
		t.equal(parse "domstats --state a b", { { "domstats", { state = true, domain = { "a", "b" } } } })
		t.equal(parse "dominfo --domain=", { { "dominfo", { domain = "" } } })
	end)

	t.it("have other names", function()
		t.equal(parse "setmem a --kilobytes 3", { { "setmem", { domain = "a", size = "3" } } })
		t.equal(parse "echo --hi", { { "echo", { string = { "hello" } } } })
		t.equal(parse "nodedev-dettach x", { { "nodedev-detach", { device = "x" } } })
	end)

	t.it("that are wrong are named", function()
		t.equal(parse "nosuch", "unknown command: 'nosuch'")
		t.equal(parse "list; nosuch", "unknown command: 'nosuch'")
		t.equal(parse "list --nosuch", "command 'list' doesn't support option --nosuch")
		t.equal(parse "list x", "unexpected data 'x'")
		t.equal(parse "list --all=1", "invalid '=' after option --all")
		t.equal(parse "echo --hi=1", "invalid '=' after option --hi")
		t.equal(parse "list --all --all", "option --all already seen")
		t.equal(parse "dominfo --domain", "expected syntax: --domain <string>")
		t.equal(parse "setvcpus a --count", "expected syntax: --count <number>")
		t.equal(parse "setmem", "command 'setmem' requires <domain> option; command 'setmem' requires --size option")
	end)

	t.it("give help", function()
		t.equal(parse "setmem --help", { { "help", { command = "setmem" } } })
		t.equal(parse "help --nosuch a", { { "help", { command = "a" } } })
	end)

	t.it("that all commands have are ours alone", function()
		local given = parser.parse(tokens.text "list -o json --where 'a > 1' --dry-run", { common = options.take_common })
		t.equal(given[1].common, { output = "json", where = "a > 1", dry_run = true })
		t.equal(parse "list -o json", "unexpected data '-o'")
		t.equal(parse("list -o xml", options.take_common),
			"option -o: there is no format 'xml'; the formats are table, json, lua and name")
		t.equal(parse("setmem a 1 -o json", options.take_common), "command 'setmem' doesn't support option -o")
	end)
end)

t.describe("numbers", function()
	t.it("have a range", function()
		t.equal({ number.int "2147483647", number.int "-2147483648", number.int " 7" }, { 2147483647, -2147483648, 7 })
		for _, text in ipairs { "2147483648", "-2147483649", "", "x", "1x", "1 ", "0x1", "1.5" } do
			t.equal(number.int(text), nil, text)
		end
		t.equal({ number.uint "4294967295", number.uint "0" }, { 4294967295, 0 })
		t.equal({ number.uint "-1" == nil, number.uint "4294967296" == nil }, { true, true })
		t.equal(number.ull "18446744073709551615", -1)
		t.equal(number.ull "18446744073709551616", nil)
		t.equal(number.ll "-9223372036854775808", math.mininteger)
		t.equal(number.ll "9223372036854775808", nil)
		t.equal({ number.timeout "2", number.timeout "0" == nil }, { 2000, true })
	end)

	t.it("have units", function()
		local kib = { unit = 1024 }
		t.equal(number.scaled("1", kib), 1024)
		t.equal(number.scaled("1b", kib), 1)
		t.equal(number.scaled("1bytes", kib), 1)
		t.equal(number.scaled("2k", kib), 2048)
		t.equal(number.scaled("2KiB", kib), 2048)
		t.equal(number.scaled("2KB", kib), 2000)
		t.equal(number.scaled("3G", kib), 3 << 30)
		t.equal(number.scaled("1EB", kib), 1000000000000000000)
		t.equal(number.scaled("15E", kib), 15 << 60)
		t.equal({ number.scaled("16E", kib) }, { nil, "numerical overflow: value too large: 16E" })
		t.equal({ number.scaled("1 G", kib) }, { nil, "invalid argument: unknown suffix ' G'" })
		t.equal({ number.scaled("1X", kib) }, { nil, "invalid argument: unknown suffix 'X'" })
		t.equal(number.scaled("-1", kib), nil)
		t.equal({ number.limit "-1", number.limit "1", number.limit "1M" }, { 9007199254740991, 1, 1024 })
	end)
end)

t.describe("the list of commands", function()
	t.it("is what the modules have", function()
		local seen = {}
		for _, group in ipairs(registry.groups(true)) do
			for _, name in ipairs(group.names) do
				local command = registry.find(name, true)
				t.ok(command, name .. " is listed but not there")
				t.equal(command.group.keyword, group.keyword, name)
				seen[command] = true
			end
		end
		for name, module in pairs(package.loaded) do
			for _, command in ipairs(name:find "^moonvisor%.commands%." and name ~= "moonvisor.commands.mvsh"
				and module.commands or {}) do
				t.ok(seen[command] or command.hidden, command.name .. " is not listed")
			end
		end
	end)

	t.it("has options that can be parsed", function()
		for _, name in ipairs(registry.names()) do
			local command, names, optional = registry.find(name), {}, nil
			for _, option in ipairs(command.options) do
				t.ok(not names[option.name], name .. " --" .. option.name .. " is there twice")
				names[option.name] = true
				t.ok(option.alias_of or option.help, name .. " --" .. option.name .. " has no help")
				t.ok(not option.number or number[option.number], name .. " --" .. option.name)
				if not option.alias_of and option.kind ~= "bool" and not option.named then
					t.ok(not (option.required and optional and option.kind ~= "argv"),
						("%s: --%s is required, but --%s before it is not"):format(name, option.name, tostring(optional)))
					optional = optional or not option.required and option.name or nil
				end
			end
			for _, option in ipairs(command.options) do
				t.ok(not option.alias_of or names[option.alias_of], name .. " --" .. option.name)
			end
		end
	end)
end)

t.describe("a line at the prompt", function()
	t.it("is a command, or Lua", function()
		for _, line in ipairs { "list", " list --all", "list;uri", "echo 'a'", "net-list", "dominfo x # y" } do
			t.ok(session.is_command(line), line)
		end
		for _, line in ipairs { "list = 3", "list=3", "list(1)", "list.x", "list:x()", "list[1]", "list, b = 1, 2", "x",
			"nosuch x", "", "1 + 1", "list- x", "conn.domains", "-- list" } do
			t.ok(not session.is_command(line), line)
		end
	end)

	t.it("may need more lines", function()
		t.ok(session.unfinished(nil, 'echo "a'))
		t.ok(session.unfinished(nil, "echo a\\"))
		t.ok(not session.unfinished(nil, "echo a"))
		t.ok(not session.unfinished(nil, "nosuch"))
	end)
end)

t.finish()
