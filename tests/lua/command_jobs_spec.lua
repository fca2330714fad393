-- What commands about jobs, guests and migration print when the calls succeed, which the test driver has not: the texts
-- are those of virsh 9.0 with the same answers.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local fake = require "fake_calls"
local control = require "moonvisor.command.control"
local errors = require "moonvisor.errors"
local json_text = require "moonvisor.command.json_text"
local migration = require "moonvisor.command.migration"
local tokens = require "moonvisor.command.tokens"

local DOMAIN, shown, run, check = fake.DOMAIN, fake.shown, fake.run, fake.check

-- { field = value, ... } as typed parameters; the type follows from the value.
local function params(text)
	local list = {}
	for field, kind, value in text:gmatch "([%w_%.]+)=(%l)(%S+)" do
		if kind == "u" then
			list[#list + 1] = { field = field, type = "ullong", value = math.tointeger(tonumber(value)) }
		elseif kind == "i" then
			list[#list + 1] = { field = field, type = "int", value = math.tointeger(tonumber(value)) }
		elseif kind == "b" then
			list[#list + 1] = { field = field, type = "boolean", value = value == "1" }
		elseif kind == "d" then
			list[#list + 1] = { field = field, type = "double", value = tonumber(value) + 0.0 }
		else
			list[#list + 1] = { field = field, type = "string", value = value }
		end
	end
	return list
end

local ALL = "operation=i5 time_elapsed=u1234 time_elapsed_net=u1200 time_remaining=u77 data_total=u10485760 "
	.. "data_processed=u5000000 data_remaining=u5485760 memory_total=u1048576 memory_processed=u1024 "
	.. "memory_remaining=u1047552 memory_bps=u2097152 memory_dirty_rate=u12 memory_page_size=u4096 memory_iteration=u3 "
	.. "memory_postcopy_requests=u4 disk_total=u100 disk_processed=u50 disk_remaining=u50 disk_bps=u55 "
	.. "memory_constant=u9 memory_normal=u8 memory_normal_bytes=u32768 downtime=u21 downtime_net=u20 setup_time=u6 "
	.. "compression_cache=u67108864 compression_bytes=u11 compression_pages=u12 compression_cache_misses=u13 "
	.. "compression_overflow=u14 auto_converge_throttle=i20 disk_temp_used=u99 disk_temp_total=u1000 errmsg=sbad"

-- A | shows where a line with spaces at its end ends.
local BOUNDED = ([[
Job type:         Bounded     |
Operation:        Outgoing migration
Time elapsed:     1234         ms
Time elapsed w/o network: 1200         ms
Time remaining:   77           ms
Data processed:   4.768 MiB
Data remaining:   5.232 MiB
Data total:       10.000 MiB
Memory processed: 1.000 KiB
Memory remaining: 1023.000 KiB
Memory total:     1.000 MiB
Memory bandwidth: 2.000 MiB/s
Dirty rate:       12           pages/s
Page size:        4096         bytes
Iteration:        3           |
Postcopy requests: 4           |
File processed:   50.000 B
File remaining:   50.000 B
File total:       100.000 B
File bandwidth:   55.000 B/s
Constant pages:   9           |
Normal pages:     8           |
Normal data:      32.000 KiB
Expected downtime: 21           ms
Downtime w/o network: 20           ms
Setup time:       6            ms
Compression cache: 64.000 MiB
Compressed data:  11.000 B
Compressed pages: 12           |
Compression cache misses: 13           |
Compression overflows: 14           |
Auto converge throttle: 20           |
Temporary disk space use: 99.000 B
Temporary disk space total: 1000.000 B
Error message:    bad

]]):gsub("|", "")

t.describe("domjobinfo", function()
	local function job(kind, text)
		return { domain_get_job_stats = { type = kind, params = params(text or ALL) } }
	end
	t.it("shows a job in full", function()
		check("domjobinfo test", job(1), BOUNDED, "domain_get_job_stats(test, 0)")
		check("domjobinfo test", job(2), (BOUNDED:gsub("Bounded  ", "Unbounded"):gsub("Time remaining:[^\n]*\n", "")),
			"domain_get_job_stats(test, 0)")
	end)

	t.it("shows one that has ended when that is wanted", function()
		local ended = (BOUNDED:gsub("Time remaining:[^\n]*\n", ""))
		check("domjobinfo test --completed", job(3),
			(ended:gsub("Bounded    ", "Completed  "):gsub("Expected downtime: ", "Total downtime:   ")),
			"domain_get_job_stats(test, 1)")
		check("domjobinfo test --completed --keep-completed --anystats", job(4), (ended:gsub("Bounded", "Failed ")),
			"domain_get_job_stats(test, 3)")
		check("domjobinfo test", job(3), "Job type:         Completed   \nOperation:        Outgoing migration\n\n",
			"domain_get_job_stats(test, 0)")
		check("domjobinfo test --completed", job(5),
			"Job type:         Cancelled   \nOperation:        Outgoing migration\n\n", "domain_get_job_stats(test, 1)")
	end)

	t.it("shows what there is", function()
		check("domjobinfo test", job(0), "Job type:         None        \n\n", "domain_get_job_stats(test, 0)")
		check("domjobinfo test", job(1, "x=u1"), "Job type:         Bounded     \nOperation:        Unknown     \n"
			.. "Time elapsed:     0            ms\nTime remaining:   0            ms\n\n", "domain_get_job_stats(test, 0)")
		check("domjobinfo test", job(1, "memory_bps=u5 memory_constant=u1"),
			"Job type:         Bounded     \nOperation:        Unknown     \nTime elapsed:     0            ms\n"
			.. "Time remaining:   0            ms\nConstant pages:   1           \n\n", "domain_get_job_stats(test, 0)")
	end)

	t.it("shows numbers as they are with --rawstats", function()
		check("domjobinfo test --rawstats", job(3, "operation=i5 time_elapsed=u1 success=b0 x=d1.5 z=d100000000 e=sbad"),
			"Job type: 3\n\noperation: 5\ntime_elapsed: 1\nsuccess: 0\nx: 1.5\nz: 1e+08\ne: bad\n\n",
			"domain_get_job_stats(test, 0)")
	end)

	t.it("asks with the older call where there is no other", function()
		local older = {
			domain_get_job_stats = function() errors.raise("no_support", "virDomainGetJobStats") end,
			domain_get_job_info = { type = 1, timeElapsed = 5, timeRemaining = 7, dataTotal = 100, dataProcessed = 60,
				dataRemaining = 40, memTotal = 0, memProcessed = 0, memRemaining = 0, fileTotal = 0, fileProcessed = 0,
				fileRemaining = 0 },
		}
		check("domjobinfo test", older, "Job type:         Bounded     \nOperation:        Unknown     \n"
			.. "Time elapsed:     5            ms\nTime remaining:   7            ms\nData processed:   60.000 B\n"
			.. "Data remaining:   40.000 B\nData total:       100.000 B\n\n",
			"domain_get_job_stats(test, 0); domain_get_job_info(test)")
	end)
end)

t.describe("commands about guests", function()
	t.it("print what the agent says", function()
		check("get-user-sshkeys test root", { domain_authorized_ssh_keys_get = { "ssh-rsa A a", "ssh-rsa B b" } },
			"ssh-rsa A assh-rsa B b\n", "domain_authorized_ssh_keys_get(test, root, 0)")
		check("guestinfo test --os --interface", {
			domain_get_guest_info = params "user.count=u2 os.name=sDebian timezone.offset=i-3600 a=b1 load.1m=d1.5",
		}, "user.count          : 2\nos.name             : Debian\ntimezone.offset     : -3600\na                   : yes\n"
			.. "load.1m             : 1.500000\n\n", "domain_get_guest_info(test, 66, 0)")
		check("qemu-agent-command test a 'b c'", { qemu_domain_agent_command = '{"return":{}}' }, '{"return":{}}\n\n',
			"qemu_domain_agent_command(test, a b c, -1, 0)")
		check("qemu-agent-command test a --pretty --block", { qemu_domain_agent_command = '{"return":[2.50,{}]}' },
			'{\n  "return": [\n    2.50,\n    {\n\n    }\n  ]\n}\n\n\n', "qemu_domain_agent_command(test, a, -2, 0)")
		check("qemu-agent-command test a --pretty --async", { qemu_domain_agent_command = "not json" }, "not json\n\n",
			"qemu_domain_agent_command(test, a, 0, 0)")
	end)

	t.it("hand keys over line by line", function()
		local path = t.folder() .. "/keys"
		t.write_file(path, "k1\nk2\n\nk3\n")
		local keys = "{k1 k2  k3 }"
		for option, flag in pairs { [""] = 1, ["--reset"] = 0, ["--remove"] = 2 } do
			check(("set-user-sshkeys test root %s %s"):format(path, option), {}, "\n",
				("domain_authorized_ssh_keys_set(test, root, %s, %d)"):format(keys, flag))
		end
		check("set-user-sshkeys test root --reset", {}, "\n", "domain_authorized_ssh_keys_set(test, root, {}, 0)")
	end)

	t.it("set time limits", function()
		check("guest-agent-timeout test", {}, "\n", "domain_agent_set_response_timeout(test, -2, 0)")
		check("guest-agent-timeout test --timeout 5", {}, "\n", "domain_agent_set_response_timeout(test, 5, 0)")
	end)

	t.it("abort jobs", function()
		check("domjobabort test", {}, "\n", "domain_abort_job(test)")
		check("domjobabort test --postcopy", {}, "\n", "domain_abort_job_flags(test, 1)")
	end)

	t.it("dump", function()
		check("dump test f --live --bypass-cache --memory-only", {}, "\nDomain 'test' dumped to f\n\n",
			"domain_core_dump(test, f, 22)")
		check("dump test f --memory-only --format win-dmp --verbose", {}, "\nDomain 'test' dumped to f\n\n",
			"domain_core_dump_with_format(test, f, 4, 16)", true, "\rDump: [100 %]")
	end)
end)

t.describe("block jobs", function()
	local info = { found = 1, type = 2, bandwidth = 3145728, cur = 50, ["end"] = 200 }
	local limit = "    Bandwidth limit: 3145728 bytes/s (3.000 MiB/s)\n\n"

	t.it("are shown with their limit in bytes", function()
		for _, option in ipairs { "", "--bytes", "--info" } do
			check("blockjob test vda " .. option, { domain_get_block_job_info = info }, limit,
				"domain_get_block_job_info(test, vda, 1)", true, "\rBlock Copy: [ 25 %]")
		end
		check("blockjob test vda --raw", { domain_get_block_job_info = info },
			" type=Block Copy\n bandwidth=3145728\n cur=50\n end=200\n\n", "domain_get_block_job_info(test, vda, 0)")
	end)

	t.it("are asked for again without bytes", function()
		local older = function(_, _, flags)
			if flags ~= 0 then
				errors.raise("invalid_arg", "unsupported flags (0x1)")
			end
			return { found = 1, type = 2, bandwidth = 3, cur = 50, ["end"] = 200 }
		end
		check("blockjob test vda", { domain_get_block_job_info = older }, limit,
			"domain_get_block_job_info(test, vda, 1); domain_get_block_job_info(test, vda, 0)", true,
			"\rBlock Copy: [ 25 %]")
	end)

	t.it("are waited for with --wait only", function()
		check("blockpull test vda --timeout 1", {}, "Block Pull started\n", "domain_block_pull(test, vda, 0, 0)")
	end)
end)

t.describe("the monitor's command", function()
	local function sent(text)
		local _, log = run("qemu-monitor-command test " .. text, { qemu_domain_monitor_command = "{}" })
		return log:match "^qemu_domain_monitor_command%(test, (.*), %d%)$"
	end
	t.it("is made from words", function()
		t.equal(sent "a", '{"execute":"a"}')
		t.equal(sent [['a"b/\é']], [[{"execute":"a\"b/\\é"}]])
		t.equal(sent [[a '"x":1' '"y":[2]']], '{"execute":"a","arguments":{"x":1,"y":[2]}}')
		t.equal(sent [[a '{"x":1, "y":  2.50}']], '{"execute":"a","arguments":{"x":1,"y":2.50}}')
		t.equal(sent [['{"a":' 1 '}']], '{"a": 1 }')
		t.equal(sent [['{"a"']], [[{"execute":"{\"a\""}]])
		t.equal(sent "--hmp info status", "info status")
		t.equal(sent "a 5", nil)
	end)

	t.it("prints the answer", function()
		local function out(options, answer)
			return (run("qemu-monitor-command test a " .. options, { qemu_domain_monitor_command = answer }))
		end
		t.equal(out("", '{"return": {} }'), '{"return": {} }\n\n')
		t.equal(out("--pretty", '{"return": {} }'), '{\n  "return": {\n\n  }\n}\n')
		t.equal(out("--pretty", "no json"), "no json\n\n")
		t.equal(out("--return-value", '{"return": {"a":[1,2]} }'), '{"a":[1,2]}\n')
		t.equal(out("--return-value --pretty", '{"id":1,"return":{"a":1}}'), '{\n  "a": 1\n}\n')
		t.equal(out("--return-value", '{"error": 1}'), "\n")
		t.equal(select(4, run("qemu-monitor-command test a --return-value", { qemu_domain_monitor_command = "[]" })),
			"error: 'return' member missing\n")
	end)
end)

t.describe("JSON text", function()
	t.it("is printed as libvirt prints it", function()
		t.equal(json_text.reformat [["\u00e9\"\\\/a\u0001\ud83d\ude00"]], [["é\"\\/a\u0001😀"]])
		t.equal(json_text.reformat " [ 1 , -1e5, 0.50 , true,null ] ", "[1,-1e5,0.50,true,null]")
		t.equal(json_text.reformat("5", true), "5\n")
	end)

	t.it("that is none is refused", function()
		for _, text in ipairs { "", "{", "[1,]", "{1:2}", '{"a" 1}', "01", "1.", "+1", "nul", '"a', '"\1"', '"\\x"', "1 2",
			'"\\ud83d"', '"\xff"', ("["):rep(300), "{'a':1}" } do
			local result, why = json_text.reformat(text)
			t.equal(result, nil, text)
			t.matches(why, "^byte %d+: ")
		end
	end)
end)

t.describe("migration", function()
	t.it("has its options as flags and parameters", function()
		local function params_of(options)
			local got
			local to_uri = migration.to_uri
			migration.to_uri = function(_, dom, uri, list, flags)
				got = ("%s %s %x %s"):format(dom.name, uri, flags, shown(list))
			end
			local _, _, ok = run("migrate test x:/// --p2p " .. options)
			migration.to_uri = to_uri
			t.ok(ok, options)
			return got
		end
		t.equal(params_of "", "test x:/// 2 {}")
		t.equal(params_of("--live --tunnelled --persistent --undefinesource --suspend --copy-storage-all "
			.. "--copy-storage-synchronous-writes --change-protection --unsafe --compressed --auto-converge --rdma-pin-all "
			.. "--abort-on-error --postcopy --postcopy-resume --zerocopy --parallel --tls"), "test x:/// 1ffb7f {}")
		t.equal(params_of "--offline --copy-storage-inc", "test x:/// 482 {}")
		t.equal(params_of("a b c d --bandwidth 5 --disks-port 7 --disks-uri u --migrate-disks vda,vdb "
			.. "--comp-methods mt,xbzrle --comp-mt-level 1 --comp-mt-threads 2 --comp-mt-dthreads 3 "
			.. "--comp-xbzrle-cache 4 --auto-converge-initial 5 --auto-converge-increment 6 "
			.. "--postcopy-bandwidth 7 --parallel-connections 8 --tls --tls-destination h"),
			"test x:/// 10002 {migrate_uri=string:a graphics_uri=string:b listen_address=string:c disks_port=int:7 "
			.. "disks_uri=string:u destination_name=string:d migrate_disks=string:vda migrate_disks=string:vdb "
			.. "compression=string:mt compression=string:xbzrle compression.mt.level=int:1 compression.mt.threads=int:2 "
			.. "compression.mt.dthreads=int:3 compression.xbzrle.cache=ullong:4 auto_converge.initial=int:5 "
			.. "auto_converge.increment=int:6 bandwidth.postcopy=ullong:7 parallel.connections=int:8 bandwidth=ullong:5 "
			.. "tls.destination=string:h}")
		t.equal(params_of "--disks-port 0 --comp-mt-level 0", "test x:/// 2 {compression.mt.level=int:0}")
	end)

	-- Two hosts; what they are asked goes to one log.
	local function move(answers, flags, list)
		local log = {}
		answers.connect_supports_feature = answers.connect_supports_feature or 1
		answers.domain_get_state = answers.domain_get_state or { state = 1, reason = 1 }
		local source, destination = fake.calls(answers, log), fake.calls(answers, log)
		local ctl = control.new { real_raw = source, write_error = function() end, flush = function() end }
		local ok, result = pcall(migration.to_host, ctl, DOMAIN, destination, list or {}, flags)
		local calls = {}
		for _, call in ipairs(log) do
			if call:find "3_params" then
				calls[#calls + 1] = call
			end
		end
		return calls, ok, result
	end
	local function good()
		return {
			domain_migrate_begin3_params = { cookie_out = "c1", xml = "<x/>" },
			domain_migrate_prepare3_params = { cookie_out = "c2", uri_out = "tcp:y" },
			domain_migrate_perform3_params = "c3",
			domain_migrate_finish3_params = { dom = DOMAIN, cookie_out = "c4" },
		}
	end

	t.it("hands cookies on from step to step", function()
		local calls, ok, result = move(good(), 1)
		t.ok(ok)
		t.equal(result.name, "test")
		local sent = "{destination_xml=string:<x/> migrate_uri=string:tcp:y}"
		t.equal(calls, {
			"domain_migrate_begin3_params(test, {}, 257)",
			"domain_migrate_prepare3_params({destination_xml=string:<x/>}, c1, 257)",
			"domain_migrate_perform3_params(test, nil, " .. sent .. ", c2, 257)",
			"domain_migrate_finish3_params(" .. sent:gsub("}", " destination_name=string:test}") .. ", c3, 257, 0)",
			"domain_migrate_confirm3_params(test, " .. sent .. ", c4, 257, 0)",
		})
	end)

	t.it("that fails is taken back", function()
		local answers = good()
		answers.domain_migrate_perform3_params = function() errors.raise("operation_failed", "lost") end
		local calls, ok, err = move(answers, 1)
		t.equal({ ok, err.code }, { false, "operation_failed" })
		t.matches(calls[4], "^domain_migrate_finish3_params.*, c2, 257, 1%)$")
		t.matches(calls[5], "^domain_migrate_confirm3_params.*, c4, 257, 1%)$")
		answers = good()
		answers.domain_migrate_prepare3_params = function() errors.raise("operation_failed", "no room") end
		calls, ok, err = move(answers, 1)
		t.equal({ ok, err.message, #calls }, { false, "no room", 3 })
		t.matches(calls[3], "^domain_migrate_confirm3_params.*, 257, 1%)$")
	end)

	t.it("of a definition performs nothing", function()
		local calls, ok = move(good(), 1024)
		t.equal({ ok, #calls }, { true, 4 })
		t.matches(calls[3], "^domain_migrate_finish3_params")
	end)

	t.it("that is not possible is refused before anything is done", function()
		for _, case in ipairs {
			{ 1024, "offline migration is not supported by the source host" },
			{ 256, "cannot enforce change protection" },
			{ 0, "virDomainMigrate3" },
			{ 64 | 128, "Flags 'VIR_MIGRATE_NON_SHARED_DISK' and 'VIR_MIGRATE_NON_SHARED_INC' are mutually exclusive" },
		} do
			local calls, ok, err = move({ connect_supports_feature = 0 }, case[1])
			t.equal({ ok, err.message, #calls }, { false, case[2], 0 })
		end
	end)
end)

t.describe("--dry-run", function()
	t.it("needs no answers", function()
		for _, text in ipairs { "guestinfo test", "get-user-sshkeys test root", "qemu-agent-command test a --pretty",
			"qemu-monitor-command test a --return-value" } do
			local out, log = {}, {}
			local ctl = control.new {
				real_raw = fake.calls({}, log), flush = function() end, write_error = function(part) out[#out + 1] = part end,
				write = function(part) out[#out + 1] = part end,
			}
			t.ok(ctl:execute(tokens.text(text .. " --dry-run")), text)
			t.matches(table.concat(out), "test")
			t.equal(log, {}, text)
		end
	end)
end)

t.describe("migration's commands", function()
	t.it("print what is set", function()
		check("migrate-getmaxdowntime test", { domain_migrate_get_max_downtime = 300 }, "300\n\n",
			"domain_migrate_get_max_downtime(test, 0)")
		check("migrate-setmaxdowntime test 10", {}, "\n", "domain_migrate_set_max_downtime(test, 10, 0)")
		check("migrate-compcache test --size 10", { domain_migrate_get_compression_cache = 67108864 },
			"Compression cache: 64.000 MiB\n",
			"domain_migrate_set_compression_cache(test, 10, 0); domain_migrate_get_compression_cache(test, 0)")
		check("migrate-getspeed test --postcopy", { domain_migrate_get_max_speed = 100 }, "100\n\n",
			"domain_migrate_get_max_speed(test, 1)")
		check("migrate-setspeed test -1", {}, "\n", "domain_migrate_set_max_speed(test, -1, 0)")
		check("migrate-postcopy test", {}, "\n", "domain_migrate_start_post_copy(test, 0)")
	end)
end)

t.finish()
