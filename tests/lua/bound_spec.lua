-- Methods that are calls fit the calls; and what libvirt's API offers has a method, or a reason why not.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local core = require "moonvisor.core"
local flags = require "moonvisor.flags"
local forms = require "moonvisor.forms"
local kinds = require "moonvisor.kinds"
local spec = require "moonvisor.spec"

local calls = core.calls()

local function each_call(fn)
	for _, owner in ipairs(spec.classes) do
		for _, list in ipairs { owner.properties, owner.methods } do
			for _, item in ipairs(list) do
				if item.call then
					fn(owner.name .. "." .. item.name, item)
				end
			end
		end
	end
end

t.describe("a method that is a call", function()
	t.it("names a call, and something for each of its arguments", function()
		each_call(function(where, item)
			local name, rest = item.call:match "^(%S+)%s*(.*)$"
			t.ok(calls[name], where .. ": there is no call " .. name)
			local words = 0
			for _ in rest:gmatch "%S+" do
				words = words + 1
			end
			t.equal(words, #(calls[name].args or {}), where .. ": arguments of " .. name)
			t.ok(not item.stream or calls[name].stream, where .. ": the call opens no stream")
		end)
	end)

	t.it("can be made: its sources, forms and flags exist", function()
		each_call(function(where, item)
			t.ok(pcall(require("moonvisor.bound").method, item), where)
			t.ok(forms.result(item.result), where)
			for _, option in ipairs(item.options or {}) do
				t.ok(not option.flag or flags[option.flag], where)
			end
		end)
	end)
end)

-- Calls that no method makes, and why.
local unbound = {
	["the connection is opened and closed by itself"] = "connect_open connect_close auth_.* connect_supports_feature "
		.. "connect_register_close_callback connect_unregister_close_callback connect_get_uri",
	["events: on() registers"] = "connect_domain_event_.* connect_network_event_.* connect_storage_pool_event_.* "
		.. "connect_node_device_event_.* connect_secret_event_.* qemu_connect_domain_monitor_event_.*",
	["an older form of what a newer call does"] = "connect_num_of_.* connect_list_defined_.* connect_list_domains "
		.. "connect_list_networks connect_list_interfaces connect_list_storage_pools connect_list_secrets "
		.. "connect_list_nwfilters domain_create domain_shutdown domain_destroy domain_undefine domain_save domain_restore "
		.. "domain_core_dump domain_define_xml domain_attach_device domain_detach_device domain_set_memory "
		.. "domain_set_max_memory domain_get_max_memory domain_set_vcpus domain_get_max_vcpus domain_pin_vcpu "
		.. "domain_block_stats domain_get_scheduler_parameters domain_set_scheduler_parameters domain_get_security_label "
		.. "domain_get_job_info domain_abort_job domain_snapshot_num domain_snapshot_list_names "
		.. "domain_snapshot_num_children domain_snapshot_list_children_names network_create_xml network_define_xml "
		.. "storage_pool_num_of_volumes storage_pool_list_volumes storage_vol_wipe node_device_dettach "
		.. "node_device_num_of_caps node_num_of_devices node_list_devices nwfilter_define_xml",
	["with typed parameters for what save() and restore() do"] = "domain_save_params domain_restore_params",
	["descriptors cannot be given away from Lua"] = "domain_create_with_files domain_create_xml_with_files "
		.. "domain_fd_associate domain_open_graphics domain_open_graphics_fd qemu_domain_monitor_command_with_files",
	["steps of a migration, which the engine takes"] = "domain_migrate_prepare.* domain_migrate_perform.* "
		.. "domain_migrate_finish.* domain_migrate_begin.* domain_migrate_confirm.*",
	["a process that nobody of ours has started"] = "qemu_domain_attach",
}

t.describe("libvirt's API", function()
	t.it("has a method for each call, or a reason why not", function()
		local used = {}
		each_call(function(_, item)
			used[item.call:match "^%S+"] = true
		end)
		for _, kind in pairs(kinds) do
			for _, field in ipairs { "list", "name", "uuid", "children" } do
				used[kind[field] or ""] = true
			end
		end
		-- What the written methods call.
		for _, name in ipairs { "domain_define_xml_flags", "domain_create_xml", "domain_restore_flags",
			"domain_lookup_by_id", "interface_lookup_by_mac_string", "storage_vol_lookup_by_path",
			"storage_vol_lookup_by_key", "domain_has_current_snapshot", "domain_snapshot_current",
			"domain_open_console", "domain_snapshot_get_parent", "domain_checkpoint_get_parent" } do
			t.ok(calls[name], name)
			used[name] = true
		end
		local patterns = {}
		for _, words in pairs(unbound) do
			for word in words:gmatch "%S+" do
				patterns[#patterns + 1] = "^" .. word .. "$"
			end
		end
		local missing = {}
		for name, call in pairs(calls) do
			local excused = call.event
			for _, pattern in ipairs(patterns) do
				excused = excused or name:find(pattern) ~= nil
			end
			if not used[name] and not excused then
				missing[#missing + 1] = name
			end
			t.ok(not (used[name] and excused) or call.event, name .. " has a method and a reason for having none")
		end
		table.sort(missing)
		t.equal(table.concat(missing, " "), "")
	end)
end)

t.describe("the manual", function()
	t.it("docs/api.md is what the description says", function()
		local out, status, err = t.run "lua5.4 bindings/manual.lua markdown"
		t.equal(status, 0, err)
		t.ok(out == t.read_file "docs/api.md", "docs/api.md is old: lua5.4 bindings/manual.lua markdown > docs/api.md")
	end)

	t.it("can be made as a manual page and as annotations", function()
		local page = t.run "lua5.4 bindings/manual.lua man"
		t.matches(page, "^%.TH MOONVISOR 3lua")
		local annotations = t.run "lua5.4 bindings/manual.lua luals"
		t.ok(load(annotations))
	end)
end)

t.finish()
