-- Devices of the host.

local define = require "moonvisor.spec.define"

return define.class {
	name = "NodeDevice",
	noun = "node device",
	summary = "a device of the host",
	errors = { "no_node_device", "operation_invalid" },
	properties = {
		{ name = "name", type = "string", summary = "unique on its host", errors = {} },
		{ name = "parent", type = "string", optional = true, call = "node_device_get_parent self.name",
			summary = "the name of the device it belongs to" },
		{ name = "capabilities", type = "table", call = "node_device_list_caps self.name =65536",
			summary = 'what it is, as a list: "pci", "net", ...' },
		{ name = "active", type = "boolean", call = "node_device_is_active self.name", result = "bool",
			summary = "it exists now" },
		{ name = "persistent", type = "boolean", call = "node_device_is_persistent self.name", result = "bool",
			summary = "it is defined also while it does not exist" },
		{ name = "autostart", type = "boolean", call = "node_device_get_autostart self.name", result = "bool",
			summary = "it is made with its parent" },
		{ name = "xml", type = "xml", call = "node_device_get_xml_desc self.name =0", summary = "its description" },
		{ name = "conf", type = "table", summary = "the same as a table", errors = { "no_node_device", "xml" } },
		{ name = "conn", type = "Connection", summary = "the connection it is from", errors = {} },
	},
	methods = {
		{ name = "detach", call = "node_device_detach_flags self.name driver =0",
			params = { { name = "driver", type = "string", optional = true,
				summary = "who takes it; nil: the driver decides" } },
			summary = "takes it from the host, so that a guest can have it" },
		{ name = "reattach", call = "node_device_re_attach self.name", summary = "gives it back to the host" },
		{ name = "reset", call = "node_device_reset self.name", summary = "resets it" },
		{ name = "start", call = "node_device_create self.name =0", summary = "makes a defined one exist" },
		{ name = "destroy", call = "node_device_destroy self.name", summary = "removes a virtual one" },
		{ name = "undefine", call = "node_device_undefine self.name =0", summary = "removes its definition" },
		{ name = "set_autostart", call = "node_device_set_autostart self.name on:number",
			params = { { name = "on", type = "boolean", default = true, summary = "whether it is made with its parent" } },
			summary = "says whether it is made with its parent" },
		define.on "device",
		define.close "device",
	},
}
