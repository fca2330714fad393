-- The commands of the group Domain Management: jobs that copy, commit and pull the data of disks, and their size.

local errors = require "moonvisor.errors"
local flags_of = require "moonvisor.flags"
local numbers = require "moonvisor.command.number"
local wait = require "moonvisor.wait"
local xml_tree = require "moonvisor.command.xml_tree"

local commands = {
	{
		name = "blockcommit",
		summary = "Start a block commit operation.",
		description = "Commit changes from a snapshot down to its backing image.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "path", kind = "data", required = true, complete = "disk",
				help = "fully-qualified path of disk" },
			{ name = "bandwidth", kind = "int", number = "ul", help = "bandwidth limit in MiB/s" },
			{ name = "base", kind = "string", complete = "disk_source",
				help = "path of base file to commit into (default bottom of chain)" },
			{ name = "shallow", kind = "bool", help = "use backing file of top as base" },
			{ name = "top", kind = "string", complete = "disk_source",
				help = "path of top file to commit from (default top of chain)" },
			{ name = "active", kind = "bool", help = "trigger two-stage active commit of top file" },
			{ name = "delete", kind = "bool", help = "delete files that were successfully committed" },
			{ name = "wait", kind = "bool",
				help = "wait for job to complete (with --active, wait for job to sync)" },
			{ name = "verbose", kind = "bool", help = "with --wait, display the progress" },
			{ name = "timeout", kind = "int", number = "timeout",
				help = "implies --wait, abort if copy exceeds timeout (in seconds)" },
			{ name = "pivot", kind = "bool",
				help = "implies --active --wait, pivot when commit is synced" },
			{ name = "keep-overlay", kind = "bool",
				help = "implies --active --wait, quit when commit is synced" },
			{ name = "async", kind = "bool", help = "with --wait, don't wait for cancel to finish" },
			{ name = "keep-relative", kind = "bool",
				help = "keep the backing chain relatively referenced" },
			{ name = "bytes", kind = "bool",
				help = "the bandwidth limit is in bytes/s rather than MiB/s" },
		},
	},
	{
		name = "blockcopy",
		summary = "Start a block copy operation.",
		description = "Copy a disk backing image chain to dest.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "path", kind = "data", required = true, complete = "disk",
				help = "fully-qualified path of source disk" },
			{ name = "dest", kind = "string", help = "path of the copy to create" },
			{ name = "bandwidth", kind = "int", number = "ul", help = "bandwidth limit in MiB/s" },
			{ name = "shallow", kind = "bool", help = "make the copy share a backing chain" },
			{ name = "reuse-external", kind = "bool", help = "reuse existing destination" },
			{ name = "raw", alias_of = "format", value = "raw" },
			{ name = "blockdev", kind = "bool",
				help = "copy destination is block device instead of regular file" },
			{ name = "wait", kind = "bool", help = "wait for job to reach mirroring phase" },
			{ name = "verbose", kind = "bool", help = "with --wait, display the progress" },
			{ name = "timeout", kind = "int", number = "timeout",
				help = "implies --wait, abort if copy exceeds timeout (in seconds)" },
			{ name = "pivot", kind = "bool", help = "implies --wait, pivot when mirroring starts" },
			{ name = "finish", kind = "bool", help = "implies --wait, quit when mirroring starts" },
			{ name = "async", kind = "bool", help = "with --wait, don't wait for cancel to finish" },
			{ name = "xml", kind = "string", complete = "file",
				help = "filename containing XML description of the copy destination" },
			{ name = "format", kind = "string", complete = "image_format",
				help = "format of the destination file" },
			{ name = "granularity", kind = "int", number = "uint",
				help = "power-of-two granularity to use during the copy" },
			{ name = "buf-size", kind = "int", number = "ull",
				help = "maximum amount of in-flight data during the copy" },
			{ name = "bytes", kind = "bool",
				help = "the bandwidth limit is in bytes/s rather than MiB/s" },
			{ name = "transient-job", kind = "bool",
				help = "the copy job is not persisted if VM is turned off" },
			{ name = "synchronous-writes", kind = "bool",
				help = "the copy job forces guest writes to be synchronously written to the "
					.. "destination" },
			{ name = "print-xml", kind = "bool",
				help = "print the XML used to start the copy job instead of starting the job" },
		},
	},
	{
		name = "blockjob",
		summary = "Manage active block operations",
		description = "Query, adjust speed, or cancel active block operations.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "path", kind = "data", required = true, complete = "disk",
				help = "fully-qualified path of disk" },
			{ name = "abort", kind = "bool", help = "abort the active job on the specified disk" },
			{ name = "async", kind = "bool",
				help = "implies --abort; request but don't wait for job end" },
			{ name = "pivot", kind = "bool",
				help = "implies --abort; conclude and pivot a copy or commit job" },
			{ name = "info", kind = "bool", help = "get active job information for the specified disk" },
			{ name = "bytes", kind = "bool", help = "get/set bandwidth in bytes rather than MiB/s" },
			{ name = "raw", kind = "bool",
				help = "implies --info; output details rather than human summary" },
			{ name = "bandwidth", kind = "int", number = "ul", help = "set the bandwidth limit in MiB/s" },
		},
	},
	{
		name = "blockpull",
		summary = "Populate a disk from its backing image.",
		description = "Populate a disk from its backing image.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "path", kind = "data", required = true, complete = "disk",
				help = "fully-qualified path of disk" },
			{ name = "bandwidth", kind = "int", number = "ul", help = "bandwidth limit in MiB/s" },
			{ name = "base", kind = "string", complete = "disk_source",
				help = "path of backing file in chain for a partial pull" },
			{ name = "wait", kind = "bool", help = "wait for job to finish" },
			{ name = "verbose", kind = "bool", help = "with --wait, display the progress" },
			{ name = "timeout", kind = "int", number = "timeout",
				help = "with --wait, abort if pull exceeds timeout (in seconds)" },
			{ name = "async", kind = "bool", help = "with --wait, don't wait for cancel to finish" },
			{ name = "keep-relative", kind = "bool",
				help = "keep the backing chain relatively referenced" },
			{ name = "bytes", kind = "bool",
				help = "the bandwidth limit is in bytes/s rather than MiB/s" },
		},
	},
	{
		name = "blockresize",
		summary = "Resize block device of domain.",
		description = "Resize block device of domain.",
		options = {
			{ name = "domain", kind = "data", required = true, complete = "domain", among = "active",
				help = "domain name, id or uuid" },
			{ name = "path", kind = "data", required = true, complete = "disk",
				help = "Fully-qualified path of block device" },
			{ name = "size", kind = "int", required = true, number = "scaled", unit = 1024,
				help = "New size of the block device, as scaled integer (default KiB)" },
		},
	},
}

local run = {}

-- --- waiting for a job ----------------------------------------------------------------------------------------------

local COMPLETED, FAILED_JOB, CANCELED, READY = 0, 1, 2, 3

-- Does what --wait wants: waits until the job is over or, for one that ends in two stages, in step. Prints its
-- progress with --verbose; ends it when the time is over or with Ctrl-C. Returns what became of it, "completed",
-- "ready", "canceled" or "failed".
---@param job {title: string, two_stages: boolean, verbose: boolean, timeout: integer?, async: boolean}
local function wait_for_job(ctl, dom, path, job)
	local raw, status = ctl.raw, nil
	local deadline = wait.deadline(job.timeout and job.timeout / 1000 or math.huge)
	local ok, registration = pcall(raw.on, raw, "domain_event_block_job_2", dom, function(event)
		if event.dst == path then
			status = event.status
		end
	end)
	local shown
	local bar = ctl:progress { title = job.title, unit = "percent", always = job.verbose }

	local function show(current, all)
		local percent = all == 0 and 100 or current >= all and 100 or math.min(current * 100 // all, 99)
		if not ctl.plain then
			bar:update(current, all)
		elseif job.verbose and percent ~= shown then
			ctl.write_error(("\r%s: [%3d %%]"):format(job.title, percent))
			shown = percent
		end
	end

	local function stop(because)
		raw:domain_block_job_abort(dom, path, job.async and flags_of.DOMAIN_BLOCK_JOB_ABORT_ASYNC or 0)
		return because
	end

	local function look()
		if status == COMPLETED then
			return "completed"
		elseif status == FAILED_JOB then
			return "failed"
		elseif status == CANCELED then
			return "canceled"
		elseif status == READY and job.two_stages then
			return "ready"
		end
		local info = raw:domain_get_block_job_info(dom, path, 0)
		if info.found == 0 then
			return "completed"
		elseif not ok and job.two_stages and info["end"] > 0 and info.cur == info["end"] then
			return "ready"
		end
		show(info.cur, info["end"])
		if wait.expired(deadline) then
			return stop "canceled"
		end
	end

	local function loop()
		local result
		repeat
			wait.deliver(ctl.conn)
			result = look()
			if not result then
				wait.step({ ctl.conn }, wait.deadline(0.5))
			end
		until result
		return result
	end

	local fine, result = pcall(loop)
	if ok then
		registration:cancel()
	end
	if not fine then
		-- Ctrl-C ends the job, not only the wait.
		if rawequal(result, require("moonvisor.core").interrupted) then
			pcall(stop)
			result = "canceled"
		else
			error(result, 0)
		end
	end
	if not ctl.plain then
		bar[(result == "completed" or result == "ready") and "finish" or "stop"](bar)
	elseif job.verbose then
		if result == "completed" or result == "ready" then
			show(1, 1)
		end
		ctl.write_error "\n"
	end
	return result
end

-- The options of waiting: which of them ask for it, and the ones that mean nothing without.
local function waits(ctl, opt, ...)
	local names, blocking = { ... }, opt.wait or opt.timeout ~= nil
	for _, name in ipairs(names) do
		blocking = blocking or opt[name]
	end
	local list = { "--timeout", "--wait" }
	for i, name in ipairs(names) do
		list[#list + 1] = (i == #names and "or --" or "--") .. (name:gsub("_", "-"))
	end
	for _, name in ipairs { "async", "verbose" } do
		if not blocking and opt[name] then
			ctl:fail("--%s requires at least one of %s", name, table.concat(list, ", "))
		end
	end
	return blocking
end

-- --bandwidth: MiB/s, or with --bytes a size.
local function bandwidth_of(ctl, opt)
	local text = ctl:given(opt, "bandwidth")
	if not text then
		return 0
	elseif opt.bytes then
		return numbers.scaled(text, { unit = 1 })
			or ctl:fail("Scaled numeric value '%s' for <--bandwidth> option is malformed or out of range", text)
	end
	return numbers.ul(text)
		or ctl:fail("Scaled numeric value '%s' for <--bandwidth> option is malformed or out of range", text)
end

local function bits(opt, list)
	local flags = 0
	for name, bit in pairs(list) do
		flags = flags | (opt[name] and bit or 0)
	end
	return flags
end

local function pivot(ctl, dom, path)
	ctl.raw:domain_block_job_abort(dom, path, flags_of.DOMAIN_BLOCK_JOB_ABORT_PIVOT)
	ctl:extra "\nSuccessfully pivoted"
end

-- Says what became of a job. Returns whether it is in step, or over.
local function report(ctl, result, name, done)
	if result == "canceled" then
		ctl:extra("\n%s aborted", name)
	elseif result == "failed" then
		ctl:error("\n%s failed", name)
	else
		if done then
			ctl:extra("\n%s", done)
		end
		return true
	end
	return false
end

-- --- commands -------------------------------------------------------------------------------------------------------

run.blockcommit = function(ctl, opt)
	ctl:exclusive(opt, "pivot", "keep-overlay")
	local blocking = waits(ctl, opt, "pivot", "keep_overlay")
	local dom, path = ctl:domain(opt.domain), opt.path
	local active = opt.active or opt.pivot or opt.keep_overlay
	local flags = bits(opt, { shallow = flags_of.DOMAIN_BLOCK_COMMIT_SHALLOW, delete = flags_of.DOMAIN_BLOCK_COMMIT_DELETE,
		keep_relative = flags_of.DOMAIN_BLOCK_COMMIT_RELATIVE, bytes = flags_of.DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES })
	if active then
		flags = flags | flags_of.DOMAIN_BLOCK_COMMIT_ACTIVE
	end
	local bandwidth = bandwidth_of(ctl, opt)
	ctl.raw:domain_block_commit(dom, path, opt.base, opt.top, bandwidth, flags)
	if not blocking then
		ctl:extra(active and "Active Block Commit started" or "Block Commit started")
		return
	end
	local result = wait_for_job(ctl, dom, path, { title = "Block commit", two_stages = active, verbose = opt.verbose,
		timeout = opt.timeout, async = opt.async })
	if not report(ctl, result, "Commit", not active and "Commit complete" or nil) then
		return result == "canceled" and not opt.timeout
	elseif opt.pivot then
		pivot(ctl, dom, path)
	elseif opt.keep_overlay then
		ctl.raw:domain_block_job_abort(dom, path, 0)
		ctl:extra "\nCommit complete, overlay image kept"
	elseif active then
		ctl:extra "\nNow in synchronized phase"
	end
end

local function copy_xml(opt)
	local kind, attr = "file", "file"
	if opt.blockdev then
		kind, attr = "block", "dev"
	end
	local xml = ("<disk type='%s'>\n  <source %s='%s'/>\n"):format(kind, attr, xml_tree.escape(opt.dest))
	if opt.format then
		xml = xml .. ("  <driver type='%s'/>\n"):format(xml_tree.escape(opt.format))
	end
	return xml .. "</disk>\n"
end

-- What only the newer of the two calls can say. It also wants bytes, not MiB.
local function start_copy(ctl, opt, dom, path, xml, bandwidth)
	local flags = bits(opt, { shallow = flags_of.DOMAIN_BLOCK_COPY_SHALLOW,
		reuse_external = flags_of.DOMAIN_BLOCK_COPY_REUSE_EXT, transient_job = flags_of.DOMAIN_BLOCK_COPY_TRANSIENT_JOB,
		synchronous_writes = flags_of.DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES })
	local params = {}
	if bandwidth ~= 0 then
		params[#params + 1] = { field = flags_of.DOMAIN_BLOCK_COPY_BANDWIDTH, type = "ullong",
			value = opt.bytes and bandwidth or bandwidth << 20 }
	end
	if opt.granularity then
		params[#params + 1] = { field = flags_of.DOMAIN_BLOCK_COPY_GRANULARITY, type = "uint", value = opt.granularity }
	end
	if opt.buf_size then
		params[#params + 1] = { field = flags_of.DOMAIN_BLOCK_COPY_BUF_SIZE, type = "ullong", value = opt.buf_size }
	end
	ctl.raw:domain_block_copy(dom, path, xml, params, flags)
end

local function start_rebase(ctl, opt, dom, path, bandwidth)
	local flags = flags_of.DOMAIN_BLOCK_REBASE_COPY | bits(opt, { shallow = flags_of.DOMAIN_BLOCK_REBASE_SHALLOW,
		reuse_external = flags_of.DOMAIN_BLOCK_REBASE_REUSE_EXT, blockdev = flags_of.DOMAIN_BLOCK_REBASE_COPY_DEV,
		bytes = flags_of.DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES })
	if opt.format == "raw" then
		flags = flags | flags_of.DOMAIN_BLOCK_REBASE_COPY_RAW
	end
	ctl.raw:domain_block_rebase(dom, path, opt.dest, bandwidth, flags)
end

run.blockcopy = function(ctl, opt)
	ctl:exclusive(opt, "dest", "xml")
	ctl:exclusive(opt, "format", "xml")
	ctl:exclusive(opt, "blockdev", "xml")
	ctl:exclusive(opt, "pivot", "finish")
	local blocking = waits(ctl, opt, "pivot", "finish")
	local dom, path = ctl:domain(opt.domain), opt.path
	local bandwidth = bandwidth_of(ctl, opt)
	local granularity, room = opt.granularity, opt.buf_size
	if not opt.dest and not opt.xml then
		ctl:fail "need either --dest or --xml"
	end
	local xml = opt.xml and ctl:read_file(opt.xml)
	local newer = xml or granularity or room or opt.transient_job or opt.synchronous_writes or opt.print_xml
		or opt.format and opt.format ~= "raw"
	if newer then
		xml = xml or copy_xml(opt)
		if opt.print_xml then
			ctl:print("%s", xml)
			return
		end
		start_copy(ctl, opt, dom, path, xml, bandwidth)
	else
		start_rebase(ctl, opt, dom, path, bandwidth)
	end
	if not blocking then
		ctl:extra "Block Copy started"
		return
	end
	local result = wait_for_job(ctl, dom, path, { title = "Block Copy", two_stages = true, verbose = opt.verbose,
		timeout = opt.timeout, async = opt.async })
	if not report(ctl, result, "Copy") then
		return false
	elseif opt.pivot then
		pivot(ctl, dom, path)
	elseif opt.finish then
		ctl.raw:domain_block_job_abort(dom, path, 0)
		ctl:extra "\nSuccessfully copied"
	else
		ctl:extra "\nNow in mirroring phase"
	end
end

local job_types = { [0] = "Unknown job", "Block Pull", "Block Copy", "Block Commit", "Active Block Commit", "Backup" }

-- The job and its limit in bytes a second. Drivers that do not know bytes are asked again.
local function job_info(ctl, opt, dom, path)
	local raw, bytes = ctl.raw, flags_of.DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES
	if opt.bytes or not opt.raw then
		local ok, info = pcall(raw.domain_get_block_job_info, raw, dom, path, bytes)
		if ok then
			return info, info.bandwidth
		elseif opt.bytes or not errors.is(info, "invalid_arg") then
			error(info, 0)
		end
	end
	local info = raw:domain_get_block_job_info(dom, path, 0)
	return info, info.bandwidth << 20
end

local function show_job(ctl, opt, dom, path)
	local info, speed = job_info(ctl, opt, dom, path)
	local current, all = info.cur, info["end"]
	local title = job_types[info.type] or job_types[0]
	if info.found == 0 then
		if not opt.raw then
			ctl:extra("No current block job for %s", path)
		end
	elseif opt.raw then
		ctl:print(" type=%s\n bandwidth=%s\n cur=%s\n end=%s\n", title, numbers.unsigned(info.bandwidth),
			numbers.unsigned(current), numbers.unsigned(all))
	else
		local percent = all == 0 and 100 or current >= all and 100 or math.min(current * 100 // all, 99)
		ctl.flush()
		ctl.write_error(("\r%s: [%3d %%]"):format(title, percent))
		if speed ~= 0 then
			ctl:print("    Bandwidth limit: %s bytes/s (%.3f %s/s)", numbers.unsigned(speed), ctl:pretty_size(speed))
		end
		ctl:print "\n"
	end
end

run.blockjob = function(ctl, opt)
	ctl:exclusive(opt, "info", "abort")
	ctl:exclusive(opt, "info", "bandwidth")
	for _, name in ipairs { "raw", "bytes" } do
		for _, other in ipairs { "abort", "async", "pivot" } do
			ctl:exclusive(opt, name, other)
		end
	end
	ctl:exclusive(opt, "raw", "bandwidth")
	local dom, path = ctl:domain(opt.domain), opt.path
	if ctl:given(opt, "bandwidth") then
		local bandwidth = bandwidth_of(ctl, opt)
		ctl.raw:domain_block_job_set_speed(dom, path, bandwidth,
			opt.bytes and flags_of.DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES or 0)
	elseif opt.abort or opt.async or opt.pivot then
		ctl.raw:domain_block_job_abort(dom, path, bits(opt, { async = flags_of.DOMAIN_BLOCK_JOB_ABORT_ASYNC,
			pivot = flags_of.DOMAIN_BLOCK_JOB_ABORT_PIVOT }))
	else
		show_job(ctl, opt, dom, path)
	end
end

run.blockpull = function(ctl, opt)
	ctl:requires(opt, "verbose", "wait")
	ctl:requires(opt, "async", "wait")
	local blocking, timeout = opt.wait, opt.timeout
	local dom, path = ctl:domain(opt.domain), opt.path
	local bandwidth = bandwidth_of(ctl, opt)
	if opt.base or opt.keep_relative then
		ctl.raw:domain_block_rebase(dom, path, opt.base, bandwidth, bits(opt, {
			bytes = flags_of.DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES, keep_relative = flags_of.DOMAIN_BLOCK_REBASE_RELATIVE }))
	else
		ctl.raw:domain_block_pull(dom, path, bandwidth, opt.bytes and flags_of.DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES or 0)
	end
	if not blocking then
		ctl:extra "Block Pull started"
		return
	end
	local result = wait_for_job(ctl, dom, path, { title = "Block Pull", verbose = opt.verbose, timeout = timeout,
		async = opt.async })
	if not report(ctl, result, "Pull", "Pull complete") then
		return false
	end
end

run.blockresize = function(ctl, opt)
	local dom, path, size = ctl:domain(opt.domain), opt.path, opt.size
	local flags = 0
	-- Whole KiB are said in KiB, as drivers without bytes want them.
	if size % 1024 == 0 then
		size = size >> 10
	else
		flags = flags_of.DOMAIN_BLOCK_RESIZE_BYTES
	end
	ctl:attempt("Failed to resize block device '%s'", path):domain_block_resize(dom, path, size, flags)
	ctl:extra("Block device '%s' is resized", path)
end

return { group = "Domain Management", keyword = "domain", commands = commands, run = run }
