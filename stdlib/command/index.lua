-- Which module has which command: a start reads the module of the command at hand and no other. The order of
-- groups, and of commands in a group, is the order in which `help` shows them. A test compares this with the modules.
--
-- Each group: its name, its keyword, and its commands as a text of words "module: command command ...".

return {
	{
		group = "Domain Management", keyword = "domain",
		commands = [[
			domain_devices: attach-device attach-disk attach-interface domain_life: autostart
			domain_tuning: blkdeviotune blkiotune domain_devices: blockcommit blockcopy blockjob
			blockpull blockresize change-media domain_life: console domain_tuning: cpu-stats
			domain_life: create define desc destroy domain_devices: detach-device detach-device-alias
			detach-disk detach-interface domain_life: domdisplay domain_jobs: domfsfreeze domfsthaw
			domfsinfo domfstrim domhostname domain_life: domid domain_devices: domif-setlink
			domain_tuning: domiftune domain_jobs: domjobabort domjobinfo
			domain_tuning: domlaunchsecinfo domsetlaunchsecstate domain_life: domname domrename
			dompmsuspend dompmwakeup domuuid domxml-from-native domxml-to-native domain_jobs: dump
			domain_life: dumpxml edit domain_jobs: get-user-sshkeys inject-nmi
			domain_tuning: iothreadinfo iothreadpin iothreadadd iothreadset iothreaddel
			domain_jobs: send-key send-process-signal lxc-enter-namespace domain_life: managedsave
			managedsave-remove managedsave-edit managedsave-dumpxml managedsave-define
			domain_tuning: memtune perf domain_life: metadata domain_jobs: migrate
			migrate-setmaxdowntime migrate-getmaxdowntime migrate-compcache migrate-setspeed
			migrate-getspeed migrate-postcopy domain_tuning: numatune domain_jobs: qemu-attach
			qemu-monitor-command qemu-monitor-event qemu-agent-command guest-agent-timeout
			domain_life: reboot reset restore resume save save-image-define save-image-dumpxml
			save-image-edit domain_tuning: schedinfo domain_jobs: screenshot
			domain_life: set-lifecycle-action domain_jobs: set-user-sshkeys set-user-password
			domain_tuning: setmaxmem setmem setvcpus domain_life: shutdown start suspend ttyconsole
			undefine domain_devices: update-device update-memory-device domain_tuning: vcpucount
			vcpuinfo vcpupin emulatorpin domain_life: vncdisplay domain_tuning: guestvcpus setvcpu
			domblkthreshold domain_jobs: guestinfo domain_tuning: domdirtyrate-calc
			domain_devices: dom-fd-associate
		]],
	},
	{
		group = "Domain Monitoring", keyword = "monitor",
		commands = [[
			monitor: domblkerror domblkinfo domblklist domblkstat domcontrol domif-getlink domifaddr
			domiflist domifstat dominfo dommemstat domstate domstats domtime list
		]],
	},
	{
		group = "Domain Events", keyword = "events",
		commands = [[
			events: event
		]],
	},
	{
		group = "Host and Hypervisor", keyword = "host",
		commands = [[
			host: allocpages capabilities cpu-baseline cpu-compare cpu-models domcapabilities freecell
			freepages hostname hypervisor-cpu-baseline hypervisor-cpu-compare maxvcpus
			node-memory-tune nodecpumap nodecpustats nodeinfo nodememstats nodesevinfo nodesuspend
			sysinfo uri version
		]],
	},
	{
		group = "Checkpoint", keyword = "checkpoint",
		commands = [[
			checkpoint: checkpoint-create checkpoint-create-as checkpoint-delete checkpoint-dumpxml
			checkpoint-edit checkpoint-info checkpoint-list checkpoint-parent
		]],
	},
	{
		group = "Interface", keyword = "interface",
		commands = [[
			interface: iface-begin iface-bridge iface-commit iface-define iface-destroy iface-dumpxml
			iface-edit iface-list iface-mac iface-name iface-rollback iface-start iface-unbridge
			iface-undefine
		]],
	},
	{
		group = "Network Filter", keyword = "filter",
		commands = [[
			nwfilter: nwfilter-define nwfilter-dumpxml nwfilter-edit nwfilter-list nwfilter-undefine
			nwfilter-binding-create nwfilter-binding-delete nwfilter-binding-dumpxml
			nwfilter-binding-list
		]],
	},
	{
		group = "Networking", keyword = "network",
		commands = [[
			network: net-autostart net-create net-define net-destroy net-dhcp-leases net-dumpxml
			net-edit net-event net-info net-list net-name net-start net-undefine net-update net-uuid
			net-port-list net-port-create net-port-dumpxml net-port-delete
		]],
	},
	{
		group = "Node Device", keyword = "nodedev",
		commands = [[
			nodedev: nodedev-create nodedev-destroy nodedev-detach nodedev-dettach=nodedev-detach
			nodedev-dumpxml nodedev-list nodedev-reattach nodedev-reset nodedev-event nodedev-define
			nodedev-undefine nodedev-start nodedev-autostart nodedev-info
		]],
	},
	{
		group = "Secret", keyword = "secret",
		commands = [[
			secret: secret-define secret-dumpxml secret-event secret-get-value secret-list
			secret-set-value secret-undefine
		]],
	},
	{
		group = "Snapshot", keyword = "snapshot",
		commands = [[
			snapshot: snapshot-create snapshot-create-as snapshot-current snapshot-delete
			snapshot-dumpxml snapshot-edit snapshot-info snapshot-list snapshot-parent snapshot-revert
		]],
	},
	{
		group = "Backup", keyword = "backup",
		commands = [[
			backup: backup-begin backup-dumpxml
		]],
	},
	{
		group = "Storage Pool", keyword = "pool",
		commands = [[
			pool: find-storage-pool-sources-as find-storage-pool-sources pool-autostart pool-build
			pool-create-as pool-create pool-define-as pool-define pool-delete pool-destroy
			pool-dumpxml pool-edit pool-info pool-list pool-name pool-refresh pool-start pool-undefine
			pool-uuid pool-event pool-capabilities
		]],
	},
	{
		group = "Storage Volume", keyword = "volume",
		commands = [[
			volume: vol-clone vol-create-as vol-create vol-create-from vol-delete vol-download
			vol-dumpxml vol-info vol-key vol-list vol-name vol-path vol-pool vol-resize vol-upload
			vol-wipe
		]],
	},
	{
		group = "Virsh itself", keyword = "virsh",
		commands = [[
			virsh: cd echo exit help pwd quit (self-test) (complete) connect
		]],
	},
}
