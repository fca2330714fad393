-- The module: require "moonvisor".

local class = require "moonvisor.class"
local core = require "moonvisor.core"
local wait = require "moonvisor.wait"

local connection = require "moonvisor.connection"
local size = require "moonvisor.size"
require "moonvisor.stream"

local virt = class.functions {
	open = connection.open,
	size = size.bytes,
	sleep = wait.sleep,
	spawn = function(fn)
		return require("moonvisor.task").spawn(fn)
	end,
	map = function(list, fn, options)
		return require("moonvisor.task").map(list, fn, options)
	end,
	on_callback_error = wait.on_callback_error,
	repl = function()
		if not package.preload["moonvisor.editor"] then
			require("moonvisor.errors").raise("no_support", "virt.repl: the prompt is a part of mvsh; run the program with it.")
		end
		require("moonvisor.repl").inside()
	end,
	help = function(topic)
		return require("moonvisor.help").text(topic)
	end,
}

virt.version = core.version

return virt
