/* libvirt's words for its error codes, and the names of codes and domains in Lua. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/error.h"

static const struct {
	const char *name;   /* as Lua knows it */
	const char *alone;  /* the error without a message */
	const char *around; /* with %s for the message; NULL: alone, a colon, the message */
} codes[MV_ERR_LAST] = {
	[MV_ERR_INTERNAL] = { "internal", "internal error", NULL },
	[MV_ERR_NO_MEMORY] = { "no_memory", "out of memory", NULL },
	[MV_ERR_NO_SUPPORT] = { "no_support", "this function is not supported by the connection driver", NULL },
	[MV_ERR_UNKNOWN_HOST] = { "unknown_host", "unknown host", "unknown host %s" },
	[MV_ERR_NO_CONNECT] = { "no_connect", "no connection driver available",
				"no connection driver available for %s" },
	[MV_ERR_INVALID_CONN] = { "invalid_conn", "invalid connection pointer in", "invalid connection pointer in %s" },
	[MV_ERR_INVALID_DOMAIN] = { "invalid_domain", "invalid domain pointer in", "invalid domain pointer in %s" },
	[MV_ERR_INVALID_ARG] = { "invalid_arg", "invalid argument", NULL },
	[MV_ERR_OPERATION_FAILED] = { "operation_failed", "operation failed", NULL },
	[MV_ERR_GET_FAILED] = { "get_failed", "GET operation failed", NULL },
	[MV_ERR_POST_FAILED] = { "post_failed", "POST operation failed", NULL },
	[MV_ERR_HTTP] = { "http", "got unknown HTTP error code", "got unknown HTTP error code %s" },
	[MV_ERR_SEXPR_SERIAL] = { "sexpr_serial", "failed to serialize S-Expr", NULL },
	[MV_ERR_NO_XEN] = { "no_xen", "could not use Xen hypervisor entry", "could not use Xen hypervisor entry %s" },
	[MV_ERR_XEN_CALL] = { "xen_call", "failed Xen syscall", "failed Xen syscall %s" },
	[MV_ERR_OS_TYPE] = { "os_type", "unknown OS type", "unknown OS type %s" },
	[MV_ERR_NO_KERNEL] = { "no_kernel", "missing kernel information", NULL },
	[MV_ERR_NO_ROOT] = { "no_root", "missing root device information", "missing root device information in %s" },
	[MV_ERR_NO_SOURCE] = { "no_source", "missing source information for device",
			       "missing source information for device %s" },
	[MV_ERR_NO_TARGET] = { "no_target", "missing target information for device",
			       "missing target information for device %s" },
	[MV_ERR_NO_NAME] = { "no_name", "missing name information", "missing name information in %s" },
	[MV_ERR_NO_OS] = { "no_os", "missing operating system information",
			   "missing operating system information for %s" },
	[MV_ERR_NO_DEVICE] = { "no_device", "missing devices information", "missing devices information for %s" },
	[MV_ERR_NO_XENSTORE] = { "no_xenstore", "could not connect to Xen Store", "could not connect to Xen Store %s" },
	[MV_ERR_DRIVER_FULL] = { "driver_full", "too many drivers registered", "too many drivers registered in %s" },
	[MV_ERR_CALL_FAILED] = { "call_failed", "library call failed", NULL },
	[MV_ERR_XML] = { "xml", "XML description is invalid or not well formed", "XML error: %s" },
	[MV_ERR_DOM_EXIST] = { "dom_exist", "this domain exists already", "domain %s exists already" },
	[MV_ERR_OPERATION_DENIED] = { "operation_denied", "operation forbidden for read only access",
				      "operation forbidden: %s" },
	[MV_ERR_OPEN_FAILED] = { "open_failed", "failed to open configuration file",
				 "failed to open configuration file %s" },
	[MV_ERR_READ_FAILED] = { "read_failed", "failed to read configuration file",
				 "failed to read configuration file %s" },
	[MV_ERR_PARSE_FAILED] = { "parse_failed", "failed to parse configuration file",
				  "failed to parse configuration file %s" },
	[MV_ERR_CONF_SYNTAX] = { "conf_syntax", "configuration file syntax error", NULL },
	[MV_ERR_WRITE_FAILED] = { "write_failed", "failed to write configuration file", NULL },
	[MV_ERR_XML_DETAIL] = { "xml_detail", "parser error", "%s" },
	[MV_ERR_INVALID_NETWORK] = { "invalid_network", "invalid network pointer in", "invalid network pointer in %s" },
	[MV_ERR_NETWORK_EXIST] = { "network_exist", "this network exists already", "network %s exists already" },
	[MV_ERR_SYSTEM] = { "system", "system call error", "%s" },
	[MV_ERR_RPC] = { "rpc", "RPC error", "%s" },
	[MV_ERR_GNUTLS] = { "gnutls", "GNUTLS call error", "%s" },
	[MV_WAR_NO_NETWORK] = { "no_network_driver", "Failed to find the network", NULL },
	[MV_ERR_NO_DOMAIN] = { "no_domain", "Domain not found", NULL },
	[MV_ERR_NO_NETWORK] = { "no_network", "Network not found", NULL },
	[MV_ERR_INVALID_MAC] = { "invalid_mac", "invalid MAC address", NULL },
	[MV_ERR_AUTH_FAILED] = { "auth_failed", "authentication failed", NULL },
	[MV_ERR_INVALID_STORAGE_POOL] = { "invalid_storage_pool", "invalid storage pool pointer in",
					  "invalid storage pool pointer in %s" },
	[MV_ERR_INVALID_STORAGE_VOL] = { "invalid_storage_vol", "invalid storage volume pointer in",
					 "invalid storage volume pointer in %s" },
	[MV_WAR_NO_STORAGE] = { "no_storage_driver", "Failed to find a storage driver", NULL },
	[MV_ERR_NO_STORAGE_POOL] = { "no_storage_pool", "Storage pool not found", NULL },
	[MV_ERR_NO_STORAGE_VOL] = { "no_storage_vol", "Storage volume not found", NULL },
	[MV_WAR_NO_NODE] = { "no_node_driver", "Failed to find a node driver", NULL },
	[MV_ERR_INVALID_NODE_DEVICE] = { "invalid_node_device", "invalid node device pointer",
					 "invalid node device pointer in %s" },
	[MV_ERR_NO_NODE_DEVICE] = { "no_node_device", "Node device not found", NULL },
	[MV_ERR_NO_SECURITY_MODEL] = { "no_security_model", "Security model not found", NULL },
	[MV_ERR_OPERATION_INVALID] = { "operation_invalid", "Requested operation is not valid", NULL },
	[MV_WAR_NO_INTERFACE] = { "no_interface_driver", "Failed to find the interface", NULL },
	[MV_ERR_NO_INTERFACE] = { "no_interface", "Interface not found", NULL },
	[MV_ERR_INVALID_INTERFACE] = { "invalid_interface", "invalid interface pointer in",
				       "invalid interface pointer in %s" },
	[MV_ERR_MULTIPLE_INTERFACES] = { "multiple_interfaces", "multiple matching interfaces found", NULL },
	[MV_WAR_NO_NWFILTER] = { "no_nwfilter_driver", "Failed to start the nwfilter driver", NULL },
	[MV_ERR_INVALID_NWFILTER] = { "invalid_nwfilter", "Invalid network filter", NULL },
	[MV_ERR_NO_NWFILTER] = { "no_nwfilter", "Network filter not found", NULL },
	[MV_ERR_BUILD_FIREWALL] = { "build_firewall", "Error while building firewall", NULL },
	[MV_WAR_NO_SECRET] = { "no_secret_driver", "Failed to find a secret storage driver", NULL },
	[MV_ERR_INVALID_SECRET] = { "invalid_secret", "Invalid secret", NULL },
	[MV_ERR_NO_SECRET] = { "no_secret", "Secret not found", NULL },
	[MV_ERR_CONFIG_UNSUPPORTED] = { "config_unsupported", "unsupported configuration", NULL },
	[MV_ERR_OPERATION_TIMEOUT] = { "operation_timeout", "Timed out during operation", NULL },
	[MV_ERR_MIGRATE_PERSIST_FAILED] = { "migrate_persist_failed",
					    "Failed to make domain persistent after migration", NULL },
	[MV_ERR_HOOK_SCRIPT_FAILED] = { "hook_script_failed", "Hook script execution failed", NULL },
	[MV_ERR_INVALID_DOMAIN_SNAPSHOT] = { "invalid_domain_snapshot", "Invalid domain snapshot", NULL },
	[MV_ERR_NO_DOMAIN_SNAPSHOT] = { "no_domain_snapshot", "Domain snapshot not found", NULL },
	[MV_ERR_INVALID_STREAM] = { "invalid_stream", "invalid stream pointer", "invalid stream pointer in %s" },
	[MV_ERR_ARGUMENT_UNSUPPORTED] = { "argument_unsupported", "argument unsupported", NULL },
	[MV_ERR_STORAGE_PROBE_FAILED] = { "storage_probe_failed", "Storage pool probe failed", NULL },
	[MV_ERR_STORAGE_POOL_BUILT] = { "storage_pool_built", "Storage pool already built", NULL },
	[MV_ERR_SNAPSHOT_REVERT_RISKY] = { "snapshot_revert_risky", "revert requires force", NULL },
	[MV_ERR_OPERATION_ABORTED] = { "operation_aborted", "operation aborted", NULL },
	[MV_ERR_AUTH_CANCELLED] = { "auth_cancelled", "authentication cancelled", NULL },
	[MV_ERR_NO_DOMAIN_METADATA] = { "no_domain_metadata", "metadata not found", NULL },
	[MV_ERR_MIGRATE_UNSAFE] = { "migrate_unsafe", "Unsafe migration", NULL },
	[MV_ERR_OVERFLOW] = { "overflow", "numerical overflow", NULL },
	[MV_ERR_BLOCK_COPY_ACTIVE] = { "block_copy_active", "block copy still active", NULL },
	[MV_ERR_OPERATION_UNSUPPORTED] = { "operation_unsupported", "Operation not supported", NULL },
	[MV_ERR_SSH] = { "ssh", "SSH transport error", NULL },
	[MV_ERR_AGENT_UNRESPONSIVE] = { "agent_unresponsive", "Guest agent is not responding", NULL },
	[MV_ERR_RESOURCE_BUSY] = { "resource_busy", "resource busy", NULL },
	[MV_ERR_ACCESS_DENIED] = { "access_denied", "access denied", NULL },
	[MV_ERR_DBUS_SERVICE] = { "dbus_service", "error from service", NULL },
	[MV_ERR_STORAGE_VOL_EXIST] = { "storage_vol_exist", "this storage volume exists already",
				       "storage volume %s exists already" },
	[MV_ERR_CPU_INCOMPATIBLE] = { "cpu_incompatible", "the CPU is incompatible with host CPU", NULL },
	[MV_ERR_XML_INVALID_SCHEMA] = { "xml_invalid_schema", "XML document failed to validate against schema", NULL },
	[MV_ERR_MIGRATE_FINISH_OK] = { "migrate_finish_ok", "migration successfully aborted", NULL },
	[MV_ERR_AUTH_UNAVAILABLE] = { "auth_unavailable", "authentication unavailable", NULL },
	[MV_ERR_NO_SERVER] = { "no_server", "Server not found", NULL },
	[MV_ERR_NO_CLIENT] = { "no_client", "Client not found", NULL },
	[MV_ERR_AGENT_UNSYNCED] = { "agent_unsynced", "guest agent replied with wrong id to guest-sync command", NULL },
	[MV_ERR_LIBSSH] = { "libssh", "libssh transport error", NULL },
	[MV_ERR_DEVICE_MISSING] = { "device_missing", "device not found", NULL },
	[MV_ERR_INVALID_NWFILTER_BINDING] = { "invalid_nwfilter_binding", "Invalid network filter binding", NULL },
	[MV_ERR_NO_NWFILTER_BINDING] = { "no_nwfilter_binding", "Network filter binding not found", NULL },
	[MV_ERR_INVALID_DOMAIN_CHECKPOINT] = { "invalid_domain_checkpoint", "Invalid domain checkpoint", NULL },
	[MV_ERR_NO_DOMAIN_CHECKPOINT] = { "no_domain_checkpoint", "Domain checkpoint not found", NULL },
	[MV_ERR_NO_DOMAIN_BACKUP] = { "no_domain_backup", "Domain backup job id not found", NULL },
	[MV_ERR_INVALID_NETWORK_PORT] = { "invalid_network_port", "Invalid network port pointer", NULL },
	[MV_ERR_NETWORK_PORT_EXIST] = { "network_port_exist", "this network port exists already",
					"network port %s exists already" },
	[MV_ERR_NO_NETWORK_PORT] = { "no_network_port", "network port not found", NULL },
	[MV_ERR_NO_HOSTNAME] = { "no_hostname", "no hostname found", NULL },
	[MV_ERR_CHECKPOINT_INCONSISTENT] = { "checkpoint_inconsistent", "checkpoint inconsistent", NULL },
	[MV_ERR_MULTIPLE_DOMAINS] = { "multiple_domains", "multiple matching domains found", NULL },
};

static const char *const domains[MV_FROM_LAST] = {
	[MV_FROM_NONE] = "none",
	[MV_FROM_XEN] = "xen",
	[MV_FROM_XEND] = "xend",
	[MV_FROM_XENSTORE] = "xenstore",
	[MV_FROM_SEXPR] = "sexpr",
	[MV_FROM_XML] = "xml",
	[MV_FROM_DOM] = "domain",
	[MV_FROM_RPC] = "rpc",
	[MV_FROM_PROXY] = "proxy",
	[MV_FROM_CONF] = "conf",
	[MV_FROM_QEMU] = "kvm",
	[MV_FROM_NET] = "net",
	[MV_FROM_TEST] = "test",
	[MV_FROM_REMOTE] = "remote",
	[MV_FROM_OPENVZ] = "openvz",
	[MV_FROM_XENXM] = "xenxm",
	[MV_FROM_STATS_LINUX] = "stats_linux",
	[MV_FROM_LXC] = "lxc",
	[MV_FROM_STORAGE] = "storage",
	[MV_FROM_NETWORK] = "network",
	[MV_FROM_DOMAIN] = "domain_conf",
	[MV_FROM_UML] = "uml",
	[MV_FROM_NODEDEV] = "nodedev",
	[MV_FROM_XEN_INOTIFY] = "xen_inotify",
	[MV_FROM_SECURITY] = "security",
	[MV_FROM_VBOX] = "vbox",
	[MV_FROM_INTERFACE] = "interface",
	[MV_FROM_ONE] = "one",
	[MV_FROM_ESX] = "esx",
	[MV_FROM_PHYP] = "phyp",
	[MV_FROM_SECRET] = "secret",
	[MV_FROM_CPU] = "cpu",
	[MV_FROM_XENAPI] = "xenapi",
	[MV_FROM_NWFILTER] = "nwfilter",
	[MV_FROM_HOOK] = "hook",
	[MV_FROM_DOMAIN_SNAPSHOT] = "domain_snapshot",
	[MV_FROM_AUDIT] = "audit",
	[MV_FROM_SYSINFO] = "sysinfo",
	[MV_FROM_STREAMS] = "streams",
	[MV_FROM_VMWARE] = "vmware",
	[MV_FROM_EVENT] = "event",
	[MV_FROM_LIBXL] = "libxl",
	[MV_FROM_LOCKING] = "locking",
	[MV_FROM_HYPERV] = "hyperv",
	[MV_FROM_CAPABILITIES] = "capabilities",
	[MV_FROM_URI] = "uri",
	[MV_FROM_AUTH] = "auth",
	[MV_FROM_DBUS] = "dbus",
	[MV_FROM_PARALLELS] = "parallels",
	[MV_FROM_DEVICE] = "device",
	[MV_FROM_SSH] = "ssh",
	[MV_FROM_LOCKSPACE] = "lockspace",
	[MV_FROM_INITCTL] = "initctl",
	[MV_FROM_IDENTITY] = "identity",
	[MV_FROM_CGROUP] = "cgroup",
	[MV_FROM_ACCESS] = "access",
	[MV_FROM_SYSTEMD] = "systemd",
	[MV_FROM_BHYVE] = "bhyve",
	[MV_FROM_CRYPTO] = "crypto",
	[MV_FROM_FIREWALL] = "firewall",
	[MV_FROM_POLKIT] = "polkit",
	[MV_FROM_THREAD] = "thread",
	[MV_FROM_ADMIN] = "admin",
	[MV_FROM_LOGGING] = "logging",
	[MV_FROM_XENXL] = "xenxl",
	[MV_FROM_PERF] = "perf",
	[MV_FROM_LIBSSH] = "libssh",
	[MV_FROM_RESCTRL] = "resctrl",
	[MV_FROM_FIREWALLD] = "firewalld",
	[MV_FROM_DOMAIN_CHECKPOINT] = "domain_checkpoint",
	[MV_FROM_TPM] = "tpm",
	[MV_FROM_BPF] = "bpf",
	[MV_FROM_CH] = "ch",
};

static bool known_code(int code)
{
	return code > 0 && code < MV_ERR_LAST && codes[code].name;
}

const char *mv_error_prefix(int code)
{
	return known_code(code) ? codes[code].alone : NULL;
}

/* libvirt writes some complaints about arguments without its words for the code: "memory in virDomainSetMemory must not
 * be zero", and about flags. */
static bool is_complete(int code, const char *message)
{
	static const char *const beginnings[] = { "Flags '", "Flag '", "unsupported flags (" };

	for (size_t i = 0; i < MV_ARRAY_SIZE(beginnings); i++) {
		if (code == MV_ERR_INVALID_ARG && strncmp(message, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	}
	return code == MV_ERR_INVALID_ARG && strstr(message, " in vir") && strstr(message, " must ");
}

char *mv_error_text(int code, const char *message)
{
	const char *alone = mv_error_prefix(code);
	const char *around;
	size_t length;
	char *text;
	int made;

	if (!alone || !message || !*message)
		return strdup(message && *message ? message : alone ? alone : "an error without a message");
	if (is_complete(code, message))
		return strdup(message);
	around = codes[code].around;
	/* The words that come before the message, up to its place. */
	length = around ? strcspn(around, "%") : strlen(alone);
	if (length && strncmp(message, around ? around : alone, length) == 0)
		return strdup(message);
	if (!around) {
		made = asprintf(&text, "%s: %s", alone, message);
	} else {
		made = asprintf(&text, "%.*s%s%s", (int)length, around, message, around + length + strlen("%s"));
	}
	return made < 0 ? NULL : text;
}

const char *mv_error_code_name(int code)
{
	return known_code(code) ? codes[code].name : NULL;
}

const char *mv_error_domain_name(int domain)
{
	return domain >= 0 && domain < MV_FROM_LAST ? domains[domain] : NULL;
}

int mv_error_code_find(const char *name)
{
	for (int i = 1; i < MV_ERR_LAST; i++) {
		if (codes[i].name && strcmp(codes[i].name, name) == 0)
			return i;
	}
	return -1;
}
