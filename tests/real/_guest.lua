-- Debian guests for the tests in the KVM test host: started from the guest kit, driven through the serial console.

local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/?.lua;" .. here .. "/../lua/?.lua;" .. package.path

local t = require "harness"
local virt = require "moonvisor"

local M = {}
local Guest = {}
Guest.__index = Guest

-- The guest kit is made once for all build folders (make check) and lies beside the plain one.
local kit = here .. "/../../build/hosts/"

M.BOOT_TIME = 90 -- seconds; generous: the host is emulated

--- A specification with the defaults of these tests, changed by `over`.
function M.spec(over)
	local spec = {
		name = "debian", memory = "256M", vcpus = 1,
		boot = { kernel = kit .. "vmlinux", initrd = kit .. "guest.cpio", cmdline = "console=ttyS0 quiet" },
	}
	local cmdline = over and over.cmdline
	for key, value in pairs(over or {}) do
		if key ~= "cmdline" then
			spec[key] = value
		end
	end
	if cmdline then
		spec.boot.cmdline = spec.boot.cmdline .. " " .. cmdline
	end
	return spec
end

--- Takes a running domain's console over.
function M.attach(vm)
	return setmetatable({ vm = vm, console = vm:console() }, Guest)
end

--- Waits for the prompt and makes it one that a script can read.
function Guest:ready()
	self.console:expect("mv# ", M.BOOT_TIME, { plain = true })
	self.console:write "stty -echo; PS1= PS2=; echo re''ady\n"
	self.console:expect("ready\r?\n", 30)
	return self
end

--- Starts a guest and waits until it takes commands. conn: see t.connection().
function M.start(conn, over)
	local vm = conn:create(M.spec(over))
	t.cleanup(function()
		if vm.active then
			vm:destroy()
		end
	end)
	return M.attach(vm):ready()
end

--- Runs a command in the guest; returns its output without the last line end. A status other than 0 fails, unless
--- `any` is true; the status is the second value.
function Guest:run(command, timeout, any)
	self.console:write("{ " .. command .. "\n} 2>&1; echo st''atus:$?\n")
	local status, output = self.console:expect("status:(%d+)\r?\n", timeout or 60)
	output = output:gsub("\r", "")
	if status ~= "0" and not any then
		error(("in the guest, %q ended with status %s: %s"):format(command, status, output), 2)
	end
	return output:gsub("\n$", ""), tonumber(status)
end

function Guest:close()
	self.console:close()
end

--- A network between host and guest: address of the host's end, command line for the guest's.
function M.tap(name)
	return { tap = name }, "mv.ip=10.77.0.2/24", function()
		assert(os.execute(("ip addr add 10.77.0.1/24 dev %s && ip link set %s up"):format(name, name)))
	end
end

--- Output of a command on the host, without its last line end.
function M.host(command)
	local out, status, err = t.run(command)
	if status ~= 0 then
		error(("%q ended with status %s: %s%s"):format(command, status, out, err), 2)
	end
	return (out:gsub("\n$", ""))
end

M.virt, M.t = virt, t
return M
