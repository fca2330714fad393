-- What may differ between virsh and us on test:///default, and why.

return {
	-- Differences that are meant: a line of a file, or a Lua pattern of such lines, with the reason.
	meant = {
		{ pattern = "^iface%-destroy eth1$", reason = "virsh ends with 1 although it has done it" },
		{ pattern = "^nodedev%-list *$", reason = "virsh asks its test driver in a way that the driver refuses" },
		{ pattern = "^nodedev%-list %-%-tree$", reason = "virsh asks its test driver in a way that the driver refuses" },
		{ pattern = "^nodedev%-list %-%-all$", reason = "virsh asks its test driver in a way that the driver refuses" },
		{ pattern = "^nodedev%-list %-%-inactive$", reason = "virsh asks its test driver in a way that the driver refuses" },
		{ pattern = "^nodedev%-list [a-z-]*%s?s[cy][a-z_,]+$",
			reason = "virsh asks its test driver in a way that the driver refuses" },
		{ pattern = "^schedinfo test %-%-current$", reason = "libvirt's library adds a flag that its test driver refuses" },
		{ pattern = "^domlaunchsecinfo test$", reason = "libvirt's library adds a flag that its test driver refuses" },
		{ line = "dumpxml test --xpath //[", reason = "an XPath that is wrong is a failure" },
		{ line = "pool-dumpxml default-pool --xpath '//['", reason = "an XPath that is wrong is a failure" },
		{ pattern = "^vol%-create default%-pool vol%.xml %-%-validate$",
			reason = "volumes can be validated: virsh's library hands the flag to a part of itself that refuses it" },
		{ pattern = "vol%-clone .*'a&b", reason = "a clone's name may have a & in it" },
		{ pattern = "^net%-define net%.xml; net%-start neta; net%-define net%-changed%.xml",
			reason = "a network that is defined anew while it runs has the new definition when it has been stopped" },
		{ pattern = "^net%-define net%.xml; net%-create net%-changed%.xml",
			reason = "a defined network that ran with another description has its own again when it has been stopped" },
		{ pattern = "^net%-event .*%-%-network nope", reason = "there is nothing to wait for when the network is not there" },
		{ pattern = "^net%-port%-d%l+ ", reason = "a port that is not there is a failure" },
		{ pattern = "^net%-define net%-pf%.xml; net%-update pfn add forward%-interface",
			reason = "a network has either interfaces or a physical function, as its definition demands" },
		{ pattern = "^{%-V}", reason = "the long version is that of this program" },
		{ pattern = "^{%-%-version=long}", reason = "the long version is that of this program" },
	},

	-- Texts that are different each time, and what they become before they are compared.
	rules = {
		{ "(CPU time: +)[%d.]+s", "%1TIME" },
		{ "%(Time: [%d.]+ ms%)", "(Time: MS)" },
		{ "%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d [+-]%d%d%d%d", "DATE" },
		{ "<creationTime>%d+</creationTime>", "<creationTime>TIME</creationTime>" },
		{ "(cpu%.time=)%d+", "%1TIME" },
		{ "%f[%d]%d%d%d%d%d%d%d%d%d+", "COUNTER", command = "^domblkstat" },
		{ "%f[%d]1[78]%d%d%d%d%d%d%d%d%f[%D]", "NAMEOFTIME", command = "%l+%-create[%s-]" },
		{ "(Screenshot saved to %S+)%d%d%d%d%-%d%d%-%d%d%-%d%d:%d%d:%d%d", "%1TIME" },
		{ "52:54:00:%x%x:%x%x:%x%x", "52:54:00:MAC" },
	},

	-- UUIDs of what the test driver has from the start; all others are made at random.
	fixed_uuids = {
		"6695eb01-f6a4-8304-79aa-97f2502e193f", "dd8fe884-6c02-601e-7551-cca97df1c5df",
		"dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566",
	},
}
