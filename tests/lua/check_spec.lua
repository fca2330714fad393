-- Argument checks that come from the description, seen through methods of the API.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local check = require "moonvisor.check"

local method = {
	params = {
		{ name = "path", type = "path" },
		{ name = "size", type = "size", optional = true },
		{ name = "timeout", type = "seconds", default = 60 },
	},
	options = {
		{ name = "paused", type = "boolean", default = false },
		{ name = "state", type = "state" },
	},
}
local arguments = check.arguments("Thing:do", method)

t.describe("arguments", function()
	t.it("get their defaults", function()
		t.equal(table.pack(arguments("/x")), { "/x", nil, 60, { paused = false }, n = 4 })
		t.equal(table.pack(arguments("/x", "1K", 2.5)), { "/x", 1024, 2.5, { paused = false }, n = 4 })
		t.equal(table.pack(arguments("/x", nil, nil, nil)), { "/x", nil, 60, { paused = false }, n = 4 })
	end)

	t.it("may leave out what has a default before the options", function()
		t.equal(table.pack(arguments("/x", { paused = true })), { "/x", nil, 60, { paused = true }, n = 4 })
		t.equal(table.pack(arguments("/x", 1, { state = "running" })),
			{ "/x", 1, 60, { paused = false, state = "running" }, n = 4 })
	end)

	t.it("are refused when there are too many", function()
		t.raises("invalid_arg", "^Thing:do: 4 arguments are given, at most 3 are taken besides a table of options%.$",
			arguments, "/x", 1, 2, 3)
		t.raises("invalid_arg", "at most 0 are taken%.$", check.arguments("X:y", { params = {} }), 1)
	end)

	t.it("are refused when they have the wrong type", function()
		t.raises("invalid_arg", "^Thing:do: the parameter 'path' must be a path, not nil%.$", arguments)
		t.raises("invalid_arg", "must be a path, not the number 5", arguments, 5)
		t.raises("invalid_arg", "must be a path", arguments, "")
		t.raises("invalid_arg", "must be a path", arguments, "a\0b")
		t.raises("invalid_arg", "'size' is wrong: The unit of the size '1Q'", arguments, "/x", "1Q")
		for _, wrong in ipairs { -1, 0 / 0, "1", true } do
			t.raises("invalid_arg", "'timeout' must be seconds", arguments, "/x", 1, wrong)
		end
		t.equal(select(3, arguments("/x", 1, math.huge)), math.huge)
	end)

	t.it("are refused as options that do not exist", function()
		t.raises("invalid_arg", "there is no option 'puased'; did you mean 'paused'%? The options are: paused, state%.$",
			arguments, "/x", { puased = true })
		t.raises("invalid_arg", "there is no option the number 1", arguments, "/x", { "paused" })
		t.raises("invalid_arg", "the option 'paused' must be a boolean, not the number 1", arguments, "/x", { paused = 1 })
		t.raises("invalid_arg", "'state' cannot be the string \"runing\"; did you mean 'running'%? It is one of: running, ",
			arguments, "/x", { state = "runing" })
	end)

	t.it("may leave out a leading one", function()
		local conn = t.connection()
		local registration = conn:on(print)
		t.equal(tostring(registration), "registration for all events")
		registration:cancel()
		conn:on(nil, print):cancel()
		conn:on("lifecycle", print):cancel()
		t.raises("invalid_arg", "'event' cannot be the string \"lifecycel\"; did you mean 'lifecycle'", conn.on, conn,
			"lifecycel", print)
		t.raises("invalid_arg", "'fn' must be a function, not nil", conn.on, conn, "lifecycle", nil)
		t.raises("invalid_arg", "'fn' must be a function", conn.on, conn, "lifecycle")
	end)
end)

t.describe("methods", function()
	t.it("say when they are called without a colon", function()
		local conn = t.connection()
		t.raises("invalid_arg", "called with a colon, as a method of a connection %(obj:define%(%), not obj.define%(%)%)",
			conn.define, { name = "x" })
		t.raises("invalid_arg", "called with a colon", conn.define)
		t.raises("invalid_arg", "called with a colon", conn.define, io.stdout, {})
	end)

	t.it("that do not exist are named, with the nearest one", function()
		local conn = t.connection()
		local function index(object, key)
			return object[key]
		end
		t.raises("invalid_arg", "A connection has no property or method 'defin'; did you mean 'define'%?", index, conn,
			"defin")
		t.raises("invalid_arg", "A connection has no property or method '1'%.", index, conn, 1)
		t.raises("invalid_arg", "'uri' cannot be set", function()
			conn.uri = "x"
		end)
	end)
end)

t.finish()
