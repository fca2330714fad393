-- bindings/spec.lua describes what is there: all of it, and nothing else.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local core = require "moonvisor.core"
local spec = require "moonvisor.spec"
local class = require "moonvisor.class"
local objects = require "moonvisor.objects"

-- Functions of moonvisor.core that are not a method or property of the same name, and what they are for.
local internal = {
	Connection = { next_event = true, lookup = "domain", is_open = true, check = true, embedded = true },
	Stream = { recv = "read", send = "write", pair = true, connect = true, failure = true, is_open = true, check = true },
	Registration = { is_open = true, check = true },
}

local function by_name(list)
	local found = {}
	for _, item in ipairs(list) do
		t.ok(not found[item.name], item.name .. " is described twice")
		found[item.name] = item
	end
	return found
end

local lua_types = { string = true, boolean = true, integer = true, number = true, ["function"] = true, table = true,
	any = true }

local function known_type(name)
	if lua_types[name] or spec.types[name] then
		return true
	end
	for _, list in ipairs { spec.classes, spec.records } do
		if by_name(list)[name] then
			return true
		end
	end
end

local function check_value(where, item)
	t.ok(type(item.summary) == "string" and #item.summary > 0, where .. " has no summary")
	t.ok(known_type(item.type), ("%s has the unknown type '%s'"):format(where, item.type))
	if item.type == "integer" or item.type == "number" then
		t.ok(item.unit, where .. " is a number without a unit")
	end
end

local function check_errors(where, codes)
	t.ok(type(codes) == "table", where .. " does not say what it raises")
	for _, code in ipairs(codes) do
		t.ok(spec.errors[code], ("%s raises the unknown code '%s'"):format(where, code))
	end
end

t.describe("the description", function()
	t.it("is complete: types, units, errors, summaries, examples", function()
		for _, owner in ipairs(spec.classes) do
			t.ok(owner.module or owner.noun, owner.name .. " has no noun")
			by_name(owner.properties)
			by_name(owner.methods)
			for _, property in ipairs(owner.properties) do
				local where = owner.name .. "." .. property.name
				check_value(where, property)
				check_errors(where, property.errors)
			end
			for _, method in ipairs(owner.methods) do
				local where = owner.name .. ":" .. method.name
				t.ok(type(method.summary) == "string", where .. " has no summary")
				-- What is a call of libvirt's needs none: help() shows how it is called.
				t.ok(type(method.example) == "string" or method.call or method.find or owner.call_class,
					where .. " has no example")
				t.ok(not method.example or load(method.example) or load("return " .. method.example),
					where .. ": its example is no Lua")
				check_errors(where, method.errors)
				for _, list in ipairs { method.params, method.options or {} } do
					by_name(list)
					for _, item in ipairs(list) do
						check_value(where .. ", " .. item.name, item)
					end
				end
				for _, result in ipairs(method.returns) do
					check_value(where .. ", its result", result)
				end
			end
		end
		for _, record in ipairs(spec.records) do
			for _, property in ipairs(record.properties) do
				check_value(record.name .. "." .. property.name, property)
			end
		end
	end)

	t.it("has the engine's error codes, no more and no fewer", function()
		for code in pairs(core.codes) do
			t.ok(spec.errors[code], "the code " .. code .. " is not described")
		end
		for code in pairs(spec.errors) do
			t.ok(core.codes[code], "the code " .. code .. " does not exist")
		end
	end)

	t.it("names every function of the C bindings", function()
		for _, owner in ipairs(spec.classes) do
			local functions = core[owner.name]
			for name, fn in pairs(functions or {}) do
				local known = by_name(owner.properties)[name] or by_name(owner.methods)[name]
				if type(fn) == "function" and not known then
					local purpose = internal[owner.name][name]
					t.ok(purpose, ("core.%s.%s is not described"):format(owner.name, name))
					t.ok(purpose == true or by_name(owner.methods)[purpose], "the table `internal` is wrong about " .. name)
				end
			end
			for name in pairs(internal[owner.name] or {}) do
				t.ok(functions[name], ("core.%s.%s does not exist any more"):format(owner.name, name))
			end
		end
	end)

	t.it("is what the objects have", function()
		for _, owner in ipairs(spec.classes) do
			local metatable = core[owner.name] and core[owner.name].metatable
				or objects.is_class(owner.name) and objects.metatable(owner.name)
			if metatable then
				for name in pairs(by_name(owner.methods)) do
					t.ok(metatable.methods[name], owner.name .. ":" .. name .. " does not exist")
				end
				for name in pairs(by_name(owner.properties)) do
					t.ok(metatable.getters[name], owner.name .. "." .. name .. " does not exist")
				end
			end
		end
		for name in pairs(virt) do
			local owner = class.description "virt"
			t.ok(by_name(owner.methods)[name] or by_name(owner.properties)[name], "virt." .. name .. " is not described")
		end
	end)
end)

t.describe("help", function()
	local help = require "moonvisor.help"

	t.it("knows every class, method, property, type and code", function()
		for _, list in ipairs { spec.classes, spec.records } do
			for _, owner in ipairs(list) do
				t.matches(help.text(owner.name), "^" .. owner.name)
				for _, method in ipairs(owner.methods or {}) do
					t.matches(help.text(owner.name .. "." .. method.name), method.name .. "%(")
					t.matches(help.text(method.name), method.name .. "%(")
				end
				for _, property in ipairs(owner.properties) do
					t.matches(help.text(owner.name .. "." .. property.name), property.name)
				end
			end
		end
		for word in pairs(spec.types) do
			t.ok(#help.text(word) > 0)
		end
		for word in pairs(spec.errors) do
			t.ok(#help.text(word) > 0)
		end
		t.ok(#help.text "types" > 0 and #help.text "errors" > 0)
	end)

	t.it("knows functions and objects", function()
		t.matches(help.text(virt.open), "^virt%.open%(uri, %[options%]%)")
		t.matches(help.text(virt), "^virt: the module")
		local conn = t.connection()
		t.matches(help.text(conn), "^Connection: ")
		t.matches(help.text(conn.domains), "^Collection: ")
		t.matches(help.text(conn.define), "^Connection:define%(description, %[options%]%)")
		t.matches(help.text(select(2, pcall(conn.domain, conn, "x"))), "^Error: ")
	end)

	t.it("fits into 80 columns", function()
		for _, owner in ipairs(spec.classes) do
			for line in (help.text(owner.name) .. "\n"):gmatch "(.-)\n" do
				t.ok(utf8.len(line) <= 80, line)
			end
		end
	end)

	t.it("suggests", function()
		t.raises("invalid_arg", "did you mean 'Domain'%?", help.text, "Domian")
		t.raises("invalid_arg", "There is no help about 'xyzzyx'", help.text, "xyzzyx")
		t.raises("invalid_arg", "value of type number", help.text, 5)
	end)
end)

t.finish()
