-- What to do about an error, for people at a terminal: one line after its message.

local errors = require "moonvisor.errors"

local M = {}

local by_code = {
	no_domain = "`list --all` shows the domains that there are",
	no_network = "`net-list --all` shows the networks that there are",
	no_storage_pool = "`pool-list --all` shows the pools that there are",
	no_storage_vol = "`vol-list POOL` shows the volumes of a pool",
	no_interface = "`iface-list --all` shows the interfaces that there are",
	no_node_device = "`nodedev-list` shows the devices that there are",
	no_secret = "`secret-list` shows the secrets that there are",
	no_nwfilter = "`nwfilter-list` shows the filters that there are",
	no_domain_snapshot = "`snapshot-list DOMAIN` shows the snapshots of a domain",
	no_domain_checkpoint = "`checkpoint-list DOMAIN` shows the checkpoints of a domain",
	invalid_conn = "`connect URI` opens a connection, as does conn = virt.open(URI)",
	no_connect = "`connect URI` opens a connection, as does conn = virt.open(URI)",
}

-- Messages of Lua itself.
local by_text = {
	{ "attempt to index a nil value %(global 'conn'%)",
		"there is no connection yet: `connect URI` opens one, as does conn = virt.open(URI)" },
	{ "attempt to call a [snbt]%a+ value %(method '([^']+)'%)",
		"'%s' is a property, read without a colon and parentheses" },
	{ "attempt to index a nil value %(field '[^']+'%)",
		"there is nothing of that name; a collection's member that does not exist is nil" },
}

--- A sentence, or nil.
function M.of(err)
	if errors.is(err) then
		return err.code == "operation_denied" and err.message:find "read only" and "the connection was opened with --readonly"
			or by_code[err.code]
	end
	for _, item in ipairs(type(err) == "string" and by_text or {}) do
		if err:find(item[1]) then
			return (item[2]:format(err:match(item[1])))
		end
	end
end

-- What was looked for in vain: the beginning of the call's name, what completes such names, the code of the error.
local sought = {
	{ "domain_lookup", "domain", "no_domain" }, { "network_lookup", "network", "no_network" },
	{ "storage_pool_lookup", "pool", "no_storage_pool" }, { "storage_vol_lookup", "volume", "no_storage_vol" },
	{ "nwfilter_lookup", "nwfilter", "no_nwfilter" }, { "interface_lookup", "interface", "no_interface" },
	{ "node_device_lookup", "nodedev", "no_node_device" }, { "secret_lookup", "secret", "no_secret" },
}

--- A sentence about the error of a command, or nil.
---@param err any   what it raised
function M.of_command(ctl, err)
	local missed = ctl.missed
	for _, item in ipairs(missed and sought or {}) do
		if missed.call:sub(1, #item[1]) == item[1] then
			require("moonvisor.look").start()
			local given = { pool = missed.owner and missed.owner.name }
			local names = require("moonvisor.command.values").of(ctl, item[2], nil, given)
			local near = require("moonvisor.suggest").nearest(missed.text, names)
			return near and ("did you mean '%s'?"):format(near) or by_code[item[3] ]
		end
	end
	return M.of(err)
end

local keywords = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat return then true "
	.. "until while"):gmatch "%a+" do
	keywords[word] = true
end

--- What to say of a line that could be Lua, but is a word that is no variable, alone or with options, as a mistyped
--- command has them ("lst --all" is a Lua comment after a nil); nil when it is all right.
---@param variables table   where Lua's names are
function M.unknown_word(text, variables)
	local word, rest = text:match "^%s*([%a][%w_-]*)%s*(.-)%s*$"
	if not word or keywords[word] or variables[word] ~= nil or rest ~= "" and not rest:find "^%-%-%a" then
		return nil
	end
	local near = require("moonvisor.suggest").nearest(word, require("moonvisor.command.registry").names())
	if near then
		return ("there is no command or variable '%s'; did you mean '%s'?"):format(word, near)
	end
	return rest ~= "" and ("there is no command '%s'"):format(word) or nil
end

--- The message of a line that is neither a command nor Lua: when its first word looks like a command, that is what it
--- was meant to be.
function M.syntax(text, message)
	local word, rest = text:match "^%s*([%a][%w_-]*)(.*)$"
	if not word or keywords[word] or rest:find "^%s*[=(.:%[,{\"']" or not rest:find "^%s" and rest ~= "" then
		return message
	end
	local registry = require "moonvisor.command.registry"
	local near = require("moonvisor.suggest").nearest(word, registry.names())
	if rest:find "^%s*[%w/-]" or near and not load("return " .. word, "=x", "t") then
		local hint = near and ("; did you mean '%s'?"):format(near) or ", and it is no Lua"
		return ("there is no command '%s'%s"):format(word, hint)
	end
	return message
end

return M
