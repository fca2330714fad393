-- Every method and property of every class on objects that cannot be used any more: closed, of a closed connection, or
-- naming what does not exist. A structured error each time, and never a crash.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"
local errors = require "moonvisor.errors"
local objects = require "moonvisor.objects"
local spec = require "moonvisor.spec"

local UUID = "0a0b0c0d-1111-2222-3333-444455556666"
local nobody = { name = "nobody", uuid = UUID, id = -1 }

-- References to what the host does not have, by class.
local references = {
	Domain = nobody,
	Snapshot = { name = "nothing", dom = nobody },
	Checkpoint = { name = "nothing", dom = nobody },
	Network = { name = "nowhere", uuid = UUID },
	NetworkPort = { uuid = UUID, net = { name = "nowhere", uuid = UUID } },
	Pool = { name = "empty", uuid = UUID },
	Volume = { pool = "empty", name = "none", key = "/none" },
	Interface = { name = "eth9", mac = "52:54:00:00:00:01" },
	NodeDevice = { name = "nothing" },
	Secret = { uuid = UUID, usageType = 0, usageID = "" },
	NWFilter = { name = "nothing", uuid = UUID },
	NWFilterBinding = { portdev = "tap9", filtername = "nothing" },
}

-- Arguments that pass the checks, so that what refuses the call is the object.
local samples = { string = "x", path = "/x", size = 1 << 20, seconds = 0, state = "running", table = {},
	event = "lifecycle", any = "x", integer = 1, number = 1, boolean = true, ["function"] = function() end, xml = "<x/>",
	cpuset = "0", condition = "running" }

local function sample(conn, kind)
	if spec.values[kind] then
		return spec.values[kind][1]
	elseif objects.is_class(kind) then
		return objects.new(kind, conn, references[kind])
	end
	return samples[kind] or "<x/>" -- a configuration
end

local function arguments(conn, method)
	local list = {}
	for i, param in ipairs(method.params) do
		list[i] = sample(conn, param.type)
	end
	return table.unpack(list, 1, #method.params)
end

local function each_class(fn)
	for class in pairs(references) do
		fn(spec.class(class))
	end
end

local function expect_all(class, conn, object, code)
	for _, method in ipairs(class.methods) do
		if method.name ~= "close" then
			t.raises(code, nil, objects.metatable(class.name).methods[method.name], object,
				arguments(conn, method))
		end
	end
	for _, property in ipairs(class.properties) do
		t.raises(code, nil, function()
			return object[property.name]
		end)
	end
	t.ok(type(tostring(object)) == "string")
	t.ok(object == object)
end

local closed_codes = { Domain = "invalid_domain", Network = "invalid_network", Pool = "invalid_storage_pool",
	Volume = "invalid_storage_vol", Interface = "invalid_interface", NodeDevice = "invalid_node_device",
	Secret = "invalid_secret", NWFilter = "invalid_nwfilter", NWFilterBinding = "invalid_nwfilter_binding",
	Snapshot = "invalid_domain_snapshot", Checkpoint = "invalid_domain_checkpoint", NetworkPort = "invalid_network_port" }

t.describe("a closed object", function()
	t.it("raises for everything", function()
		local conn <close> = virt.open "test:///default"
		each_class(function(class)
			local object = objects.new(class.name, conn, references[class.name])
			object:close()
			object:close()
			expect_all(class, conn, object, closed_codes[class.name])
			t.matches(tostring(object), "%(closed%)$")
		end)
	end)

	t.it("raises when it is an argument", function()
		local conn <close> = virt.open "test:///default"
		local pool = conn:pool "default-pool"
		local volume = objects.new("Volume", conn, references.Volume)
		volume:close()
		t.raises("invalid_storage_vol", "The storage volume is closed", pool.clone_volume, pool,
			"<volume><name>x</name></volume>", volume)
	end)
end)

t.describe("an object of a closed connection", function()
	t.it("raises for everything", function()
		local conn = virt.open "test:///default"
		local made = {}
		each_class(function(class)
			made[class.name] = objects.new(class.name, conn, references[class.name])
		end)
		conn:close()
		each_class(function(class)
			expect_all(class, conn, made[class.name], "invalid_conn")
		end)
	end)
end)

-- Properties that need not ask anybody, and methods that only prepare something.
local harmless = { name = true, uuid = true, key = true, mac = true, conn = true, domain = true, network = true,
	port = true, filter = true, usage_type = true, usage_id = true, snapshots = true, checkpoints = true,
	children = true, volumes = true, ports = true, on = true, close = true }

-- What libvirt's test driver, and so ours, answers without looking at the object.
local answers_anyway = "Domain.os_type Domain.updated Domain:launch_security Domain:scheduler_type Domain:screenshot"

t.describe("an object that does not exist", function()
	t.it("gives structured errors for everything", function()
		local conn <close> = virt.open "test:///default"
		local unexpected = {}
		each_class(function(class)
			local object = objects.new(class.name, conn, references[class.name])
			for _, method in ipairs(class.methods) do
				if not harmless[method.name] then
					local ok, err = pcall(objects.metatable(class.name).methods[method.name], object, arguments(conn, method))
					unexpected[#unexpected + 1] = ok and class.name .. ":" .. method.name or nil
					t.ok(ok or errors.is(err), ("%s:%s: %s"):format(class.name, method.name, tostring(err)))
				end
			end
			for _, property in ipairs(class.properties) do
				if not harmless[property.name] then
					local ok, err = pcall(function()
						return object[property.name]
					end)
					unexpected[#unexpected + 1] = ok and class.name .. "." .. property.name or nil
					t.ok(ok or errors.is(err), ("%s.%s: %s"):format(class.name, property.name, tostring(err)))
				end
			end
			t.ok(type(tostring(object)) == "string")
		end)
		table.sort(unexpected)
		t.equal(table.concat(unexpected, " "), answers_anyway)
	end)

	t.it("was there a moment ago", function()
		local conn <close> = virt.open "test:///default"
		local vm = conn:define { name = "brief", memory = "64M", boot = { kernel = "/k" } }
		local snapshots = vm.snapshots
		vm:undefine()
		t.raises("no_domain", nil, vm.start, vm)
		t.raises("no_domain", nil, function()
			return vm.state
		end)
		t.raises("no_domain", nil, function()
			return #snapshots
		end)
		t.equal(tostring(vm), 'domain "brief" (gone)')
		vm:close()
	end)
end)

t.finish()
