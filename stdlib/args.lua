-- The arguments of scripts: options with a usage text, and what is left.

local M = {}

local function stop(status, stream, ...)
	stream:write(...)
	os.exit(status, true)
end

--- Takes a script's options from the global `arg`. --help prints the usage and ends the script; so does a wrong option,
--- with status 2.
---@param usage string      the whole text; its first line is what follows "usage: "
---@param options table     name -> default: a boolean for an option without a value, a number for one with a number, a
---                         string for one with a text, a table for one that may be repeated, or "?" for one without a
---                         default. An underscore stands for a dash
---@return table values     by name
---@return string[] rest    the other arguments
function M.parse(usage, options)
	local values, rest, i = {}, {}, 1
	for name, default in pairs(options) do
		values[name] = type(default) == "table" and table.move(default, 1, #default, 1, {}) or default ~= "?" and default
			or nil
	end
	local function wrong(format, ...)
		stop(2, io.stderr, arg[0], ": ", format:format(...), "\nusage: ", usage)
	end
	local function take(name, attached)
		local key = name:gsub("%-", "_")
		local default = options[key]
		if default == nil then
			wrong("there is no option --%s", name)
		elseif type(default) == "boolean" then
			if attached then
				wrong("--%s takes no value", name)
			end
			values[key] = true
			return
		end
		local value = attached
		if not value then
			i = i + 1
			value = arg[i] or wrong("--%s needs a value", name)
		end
		if type(default) == "number" then
			values[key] = tonumber(value) or wrong("--%s: '%s' is no number", name, value)
		elseif type(default) == "table" then
			table.insert(values[key], value)
		else
			values[key] = value
		end
	end
	while arg[i] do
		local word = arg[i]
		local name, value = word:match "^%-%-([%w-]+)=(.*)$"
		name = name or word:match "^%-%-([%w-]+)$"
		if word == "--" then
			table.move(arg, i + 1, #arg, #rest + 1, rest)
			break
		elseif word == "-h" or name == "help" then
			stop(0, io.stdout, "usage: ", usage)
		elseif word == "-c" then
			take("connect")
		elseif name then
			take(name, value)
		elseif word:find "^%-." then
			wrong("there is no option %s", word)
		else
			rest[#rest + 1] = word
		end
		i = i + 1
	end
	return values, rest
end

return M
