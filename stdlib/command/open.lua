-- Opens the connection of a command, with the default that virsh has.

local M = {}

-- The first of these variables that is set.
local function variable(...)
	for _, name in ipairs { ... } do
		local value = os.getenv(name)
		if value and value ~= "" then
			return value
		end
	end
end

--- The URI that the environment names, or nil.
function M.default_uri()
	return variable("VIRSH_DEFAULT_CONNECT_URI", "LIBVIRT_DEFAULT_URI")
end

-- Without any: this host's daemon, the system's for root and the user's own for others.
local function local_uri()
	return require("moonvisor.terminal").is_root() and "kvm:///system" or "kvm:///session"
end

--- The URI that open() opens.
function M.uri(uri)
	return uri or M.default_uri() or local_uri()
end

---@param uri? string
---@param readonly? boolean
function M.open(uri, readonly)
	-- Not virt.open(): most commands need no more of a connection than its calls.
	local conn = require("moonvisor.core").open(M.uri(uri), readonly or false)
	require("moonvisor.wait").serve(conn)
	return conn
end

return M
