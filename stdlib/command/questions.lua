-- What is asked at a terminal before commands that surprise: those whose name is milder than what they do, and those
-- whose loss nothing brings back. {option} stands for what was given. A function (ctl, opt) gives the question or nil.

local options = require "moonvisor.command.options"

local function undefine(_, opt)
	local domain, given = options.given(opt, "domain"), options.given
	local storage = given(opt, "remove-all-storage") and "all its volumes"
		or given(opt, "storage") and ("its volumes %s"):format(given(opt, "storage"))
	if not storage then
		return nil
	end
	return ("This removes the definition of the domain '%s' and deletes %s%s. Go on?"):format(domain, storage,
		given(opt, "wipe-storage") and ", after overwriting them" or "")
end

local function snapshot_delete(_, opt)
	if not options.given(opt, "children") then
		return nil
	end
	return ("This deletes the snapshot of the domain '%s' and all that were made after it. Go on?"):format(
		options.given(opt, "domain"))
end

return {
	destroy = "This switches the domain '{domain}' off at once, as if its power failed. Go on?",
	reset = "This resets the domain '{domain}' at once: its guest is not told. Go on?",
	undefine = undefine,
	["snapshot-delete"] = snapshot_delete,
	["managedsave-remove"] = "This deletes the saved state of the domain '{domain}', which then boots anew. Go on?",
	["net-destroy"] = "This takes the network '{network}' from all guests that use it. Go on?",
	["pool-delete"] = "This deletes what the pool '{pool}' is kept in, with all its volumes. Go on?",
	["vol-delete"] = "This deletes the volume '{vol}'. Go on?",
	["vol-wipe"] = "This overwrites all data of the volume '{vol}'. Go on?",
	["iface-destroy"] = "This takes the host's interface '{interface}' down: connections through it break. Go on?",
}
