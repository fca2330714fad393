-- Commands of mvsh on guests of the KVM driver in this process: definitions only, so that no /dev/kvm is needed.
package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local t = require "harness"

local function shell(uri, command)
	return t.run(("%s -c %s %s"):format(t.quote(t.mvsh), t.quote(uri), t.quote(command)))
end

t.describe("commands on kvm:///embed", function()
	t.it("show, describe and remove guests from specifications", function()
		local conn = t.connection()
		local uri, folder = conn.uri, t.folder()
		local kernel = t.write_file(folder .. "/kernel", "")
		conn:define { name = "web", memory = "64M", vcpus = 2, boot = { kernel = kernel, cmdline = "a=b" },
			disks = { { path = folder .. "/a.img", size = "1M", cache = "none" } }, nics = { { bridge = "br7" } },
			consoles = { {}, { name = "port.0" } }, vsock = { cid = 7 } }
		local out, status, err = shell(uri, "list --all")
		t.equal(status, 0, err)
		t.matches(out, "\n %-    web    shut off\n")
		out = shell(uri, "dumpxml web")
		t.matches(out, "^<domain type='kvm'>\n  <name>web</name>")
		t.matches(out, "<vcpu placement='static'>2</vcpu>")
		t.matches(out, "<cid address='7'/>")
		local xml = t.write_file(folder .. "/web.xml", out)
		local _, valid, why = t.run("xmllint --noout --relaxng /usr/share/libvirt/schemas/domain.rng " .. t.quote(xml))
		t.equal(valid, 0, why)
		t.matches(shell(uri, "domblklist web"), " vda      " .. folder .. "/a.img\n")
		t.matches(shell(uri, "domiflist web"), "bridge   br7")
		t.matches(shell(uri, "dominfo web"), "Max memory:     65536 KiB")
		_, status, err = shell(uri, "undefine web")
		t.equal(status, 0, err)
		t.equal(#conn.domains, 0)
	end)

	t.it("say what the driver cannot do yet", function()
		local conn = t.connection()
		local _, status, err = shell(conn.uri, "net-list")
		t.equal(status, 1)
		t.matches(err, "not supported by the connection driver: virConnectListAllNetworks")
	end)
end)

t.finish()
