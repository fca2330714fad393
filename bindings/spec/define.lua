-- Words for writing the descriptions of the classes whose methods are calls of the driver (engine/api/calls.lua).
--
-- A method of such a class has
--     call    the call and where its arguments come from, in their order:
--                 self         the object itself
--                 flags        the sum of the flags of the options that are set
--                 NAME         the parameter or option of that name, NAME:KiB in another form (stdlib/forms.lua)
--                 =N           the number N
--                 -            nothing, for an optional argument
--     result  the form of what it returns; without it: as the call returns it
-- An option with `flag` adds that flag of libvirt's (stdlib/flags.lua) where it is true, one with `off` where it isn't.

local M = {}

-- What nearly every call can raise besides what its class says.
local everywhere = { "no_support", "invalid_arg", "operation_failed", "operation_denied", "rpc", "system" }

local function with_default_errors(errors)
	local all, seen = {}, {}
	for _, list in ipairs { errors or {}, everywhere } do
		for _, code in ipairs(list) do
			all[#all + 1] = not seen[code] and code or nil
			seen[code] = true
		end
	end
	return all
end

--- Fills in what a class's properties and methods leave out.
---@param class table   `errors`: what each of its calls can raise
function M.class(class)
	for _, list in ipairs { class.properties, class.methods } do
		for _, item in ipairs(list) do
			if item.call then
				item.errors = item.errors or with_default_errors(class.errors)
			end
		end
	end
	for _, method in ipairs(class.methods) do
		method.params = method.params or {}
		method.returns = method.returns or {}
		method.errors = method.errors or {}
	end
	return class
end

--- A boolean option that sets a flag.
function M.flag(name, flag, summary)
	return { name = name, type = "boolean", default = false, flag = flag, summary = summary }
end

--- Where a change counts; without either the driver decides: the running domain when it runs, else the definition.
M.affect = {
	M.flag("live", "DOMAIN_AFFECT_LIVE", "it counts for the running domain"),
	M.flag("config", "DOMAIN_AFFECT_CONFIG", "it counts from the next start on"),
}

--- Lists joined.
function M.join(...)
	local all = {}
	for _, list in ipairs { ... } do
		table.move(list, 1, #list, #all + 1, all)
	end
	return all
end

M.timeout = { name = "timeout", type = "seconds", default = 60, summary = "how long to wait" }

--- The parameters of what registers a function for events.
M.on_params = {
	{ name = "event", type = "event", optional = true, leading = true, summary = "without it: all of them" },
	{ name = "fn", type = "function", summary = "gets one argument, an Event" },
}

--- `on` of an object.
function M.on(noun)
	return {
		name = "on",
		summary = ("calls a function for each event of this %s, while this program waits"):format(noun),
		params = M.on_params,
		returns = { { type = "Registration", summary = "to cancel it with" } },
		errors = { "invalid_arg" },
		example = "object:on(function(ev) print(ev.id, ev.event, ev.detail) end)",
	}
end

--- `close` of every object.
function M.close(noun)
	return {
		name = "close",
		summary = "closes this handle; the " .. noun .. " is not touched",
		example = "local object <close> = object",
	}
end

return M
