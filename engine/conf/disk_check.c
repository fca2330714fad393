/* What the tables of schema/domain_disks.lua cannot say about one disk. Called when its element has been read. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/domain_disks_def.h"
#include "engine/conf/device.h"

/* --- sources
 * ---------------------------------------------------------------------------------------------------------- */

/* The port that a host has when none is given; 0: none. */
static unsigned default_port(enum mv_disk_protocol protocol)
{
	switch (protocol) {
	case MV_DISK_PROTOCOL_NBD: return 10809;
	case MV_DISK_PROTOCOL_SHEEPDOG: return 7000;
	case MV_DISK_PROTOCOL_GLUSTER: return 24007;
	case MV_DISK_PROTOCOL_ISCSI: return 3260;
	case MV_DISK_PROTOCOL_HTTP: return 80;
	case MV_DISK_PROTOCOL_HTTPS: return 443;
	case MV_DISK_PROTOCOL_FTP: return 21;
	case MV_DISK_PROTOCOL_FTPS: return 990;
	case MV_DISK_PROTOCOL_TFTP: return 69;
	case MV_DISK_PROTOCOL_SSH: return 22;
	case MV_DISK_PROTOCOL_VXHS: return 9999;
	default: return 0;
	}
}

static int check_host(const struct mv_disk_source_def *s, struct mv_disk_host_def *host, struct mv_conf_at *at,
		      struct mv_error **err)
{
	if (host->transport == MV_DISK_TRANSPORT_UNIX) {
		if (!host->socket)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "a host of the transport 'unix' needs the attribute 'socket'.");
		free(host->name);
		host->name = NULL;
		host->has_port = false;
		return 0;
	}
	if (host->socket)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "only a host of the transport 'unix' has the attribute 'socket'.");
	if (!host->name)
		return mv_conf_fail(at, err, MV_ERR_XML, "the attribute 'name' of <host> is missing.");
	if (host->transport == MV_DISK_TRANSPORT_TCP)
		host->transport = MV_DISK_TRANSPORT_NONE;
	if (!host->has_port && default_port(s->protocol)) {
		host->port = default_port(s->protocol);
		host->has_port = true;
	}
	return 0;
}

static int check_network(struct mv_disk_source_def *s, struct mv_conf_at *at, struct mv_error **err)
{
	const char *protocol = mv_conf_word(&mv_disk_protocol_enum, s->protocol);

	if (s->protocol == MV_DISK_PROTOCOL_NONE)
		return mv_conf_fail(at, err, MV_ERR_XML, "the attribute 'protocol' of <source> is missing.");
	if (!s->name && s->protocol != MV_DISK_PROTOCOL_NBD)
		return mv_conf_fail(at, err, MV_ERR_XML, "the attribute 'name' of <source> is missing.");
	/* What is behind the target's name is a number of a unit; the first when nothing is said. */
	if (s->protocol == MV_DISK_PROTOCOL_ISCSI && !strchr(s->name, '/')) {
		char *name;

		if (asprintf(&name, "%s/0", s->name) < 0)
			return mv_device_no_memory(err);
		free(s->name);
		s->name = name;
	}
	if ((s->protocol == MV_DISK_PROTOCOL_RBD || s->protocol == MV_DISK_PROTOCOL_GLUSTER)) {
		const char *slash = strchr(s->name, '/');

		if (!slash || slash == s->name || !slash[1])
			return mv_conf_fail(
				at, err, MV_ERR_XML,
				"the name '%s' of a source of the protocol '%s' must be a pool (or volume) and an image, \"pool/image\".",
				s->name, protocol);
	}
	if (s->protocol != MV_DISK_PROTOCOL_HTTPS && s->protocol != MV_DISK_PROTOCOL_FTPS)
		s->ssl_verify = MV_TRI_NONE;
	if (s->protocol != MV_DISK_PROTOCOL_HTTP && s->protocol != MV_DISK_PROTOCOL_HTTPS) {
		mv_conf_clear(&mv_disk_cookies_desc, &s->cookies);
		free(s->query);
		s->query = NULL;
	}
	if (s->protocol != MV_DISK_PROTOCOL_NBD && s->protocol != MV_DISK_PROTOCOL_VXHS)
		s->tls = MV_TRI_NONE;
	for (size_t i = 0; i < s->n_hosts; i++) {
		if (check_host(s, s->hosts[i], at, err) < 0)
			return -1;
	}
	return 0;
}

static void drop_if_empty(char **text)
{
	if (*text && !**text) {
		free(*text);
		*text = NULL;
	}
}

static bool has_source(enum mv_disk_type type, struct mv_disk_source_def *s)
{
	drop_if_empty(&s->file);
	drop_if_empty(&s->dev);
	drop_if_empty(&s->dir);
	switch (type) {
	case MV_DISK_TYPE_FILE: return s->file;
	case MV_DISK_TYPE_BLOCK: return s->dev;
	case MV_DISK_TYPE_DIR: return s->dir;
	default: return s->present;
	}
}

/* `source` of the type `type`, which is there. */
static int check_source(enum mv_disk_type type, struct mv_disk_source_def *s, struct mv_conf_at *at,
			struct mv_error **err)
{
	const struct mv_disk_reservations_def *pr = &s->reservations;

	if (s->fd_group)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "this driver takes no descriptors for a disk (fdgroup='%s').", s->fd_group);
	switch (type) {
	case MV_DISK_TYPE_NETWORK: return check_network(s, at, err);
	case MV_DISK_TYPE_VOLUME:
		if (!s->pool || !s->volume)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "a source of the type 'volume' needs 'pool' and 'volume'.");
		break;
	case MV_DISK_TYPE_NVME:
		if (s->nvme_type == MV_NVME_SOURCE_TYPE_NONE)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "a source of the type 'nvme' needs the attribute 'type'.");
		if (!s->has_nvme_namespace)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "a source of the type 'nvme' needs the attribute 'namespace'.");
		if (!s->nvme_namespace)
			return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
					    "the namespaces of an NVMe device start with 1.");
		if (!s->address.present)
			return mv_conf_fail(at, err, MV_ERR_XML, "a source of the type 'nvme' needs an <address>.");
		if (s->managed == MV_TRI_NONE)
			s->managed = MV_TRI_YES;
		break;
	case MV_DISK_TYPE_VHOSTUSER:
		if (s->socket_type == MV_SOCKET_TYPE_NONE)
			return mv_conf_fail(at, err, MV_ERR_XML, "a source of the type 'vhostuser' needs type='unix'.");
		if (!s->path)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "a source of the type 'vhostuser' needs the attribute 'path'.");
		break;
	default: break;
	}
	if (pr->present && pr->managed == MV_TRI_NO && !pr->source.present)
		return mv_conf_fail(at, err, MV_ERR_XML, "reservations that are not managed need a <source>.");
	return 0;
}

int mv_disk_backing_check(struct mv_disk_backing_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	/* Without a type it is the end of the chain. */
	if (def->type == MV_DISK_TYPE_NONE) {
		mv_conf_clear(&mv_disk_format_desc, &def->format);
		mv_conf_clear(&mv_disk_source_desc, &def->source);
		if (def->backing_store)
			mv_conf_free(&mv_disk_backing_desc, def->backing_store);
		def->backing_store = NULL;
		return 0;
	}
	if (!def->format.present)
		return mv_conf_fail(at, err, MV_ERR_XML, "the backing store has no <format>.");
	if (!def->source.present)
		return mv_conf_fail(at, err, MV_ERR_XML, "the backing store has no <source>.");
	return check_source(def->type, &def->source, at, err);
}

/* --- the disk
 * --------------------------------------------------------------------------------------------------------- */

int mv_disk_iotune_check(struct mv_disk_iotune_def *t, struct mv_conf_at *at, struct mv_error **err)
{
	const char *what = NULL;

	if (t->total_bytes_sec && (t->read_bytes_sec || t->write_bytes_sec))
		what = "bytes_sec";
	else if (t->total_iops_sec && (t->read_iops_sec || t->write_iops_sec))
		what = "iops_sec";
	else if (t->total_bytes_sec_max && (t->read_bytes_sec_max || t->write_bytes_sec_max))
		what = "bytes_sec_max";
	else if (t->total_iops_sec_max && (t->read_iops_sec_max || t->write_iops_sec_max))
		what = "iops_sec_max";
	if (what)
		return mv_conf_fail(at, err, MV_ERR_XML, "total_%s cannot be given together with read_%s or write_%s.",
				    what, what, what);
	return 0;
}

static int check_printable(const char *text, size_t max, const char *name, struct mv_conf_at *at, struct mv_error **err)
{
	if (!text)
		return 0;
	if (strlen(text) > max)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "the %s '%s' of a disk has more than %zu characters.", name, text, max);
	for (const char *c = text; *c; c++) {
		if (!isprint((unsigned char)*c))
			return mv_conf_fail(at, err, MV_ERR_XML, "the %s of a disk must be of printable characters.",
					    name);
	}
	return 0;
}

static int check_wwn(const char *wwn, struct mv_conf_at *at, struct mv_error **err)
{
	const char *c = wwn;

	if (!strncmp(c, "0x", 2))
		c += 2;
	if (strlen(c) != 16 || c[strspn(c, "0123456789abcdefABCDEF")])
		return mv_conf_fail(at, err, MV_ERR_INTERNAL,
				    "the world-wide name '%s' is not of 16 hexadecimal digits.", wwn);
	return 0;
}

static int check_auth(const struct mv_disk_def *d, struct mv_conf_at *at, struct mv_error **err)
{
	const struct mv_storage_auth_def *auth = d->auth.present ? &d->auth : &d->source.auth;
	enum mv_disk_protocol p = d->source.protocol;
	const char *wanted = p == MV_DISK_PROTOCOL_ISCSI ? "iscsi" : p == MV_DISK_PROTOCOL_RBD ? "ceph" : NULL;

	if (d->auth.present && d->source.auth.present)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "the disk has <auth> twice: its own and its source's.");
	if (d->encryption.present && d->source.encryption.present)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "the disk has <encryption> twice: its own and its source's.");
	if (!auth->present)
		return 0;
	if (!auth->secret.present)
		return mv_conf_fail(at, err, MV_ERR_XML, "<auth> needs a <secret>.");
	if (!auth->secret.type)
		return mv_conf_fail(at, err, MV_ERR_XML, "the attribute 'type' of <secret> is missing.");
	if (d->type != MV_DISK_TYPE_NETWORK)
		return 0;
	if (p == MV_DISK_PROTOCOL_NBD || p == MV_DISK_PROTOCOL_GLUSTER || p == MV_DISK_PROTOCOL_SHEEPDOG)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED, "the protocol '%s' has no authentication.",
				    mv_conf_word(&mv_disk_protocol_enum, p));
	if (wanted && strcmp(auth->secret.type, wanted))
		return mv_conf_fail(at, err, MV_ERR_XML, "the protocol '%s' needs a secret of the type '%s', not '%s'.",
				    mv_conf_word(&mv_disk_protocol_enum, p), wanted, auth->secret.type);
	return 0;
}

static int check_target(const struct mv_disk_def *d, struct mv_conf_at *at, struct mv_error **err)
{
	const char *dev = d->target.dev;
	bool removable = d->device == MV_DISK_DEVICE_CDROM || d->device == MV_DISK_DEVICE_FLOPPY;
	const char *path = mv_disk_source_path(d);

	if (!dev)
		return mv_conf_fail(at, err, MV_ERR_NO_TARGET,
				    "the disk%s%s%s has no target name (<target dev='...'/>).", path ? " '" : "",
				    path ? path : "", path ? "'" : "");
	if (d->device == MV_DISK_DEVICE_FLOPPY && strncmp(dev, "fd", 2))
		return mv_conf_fail(at, err, MV_ERR_INTERNAL,
				    "'%s' is not a name of a floppy drive; it must begin with 'fd'.", dev);
	if ((d->device == MV_DISK_DEVICE_DISK || d->device == MV_DISK_DEVICE_LUN) && !strncmp(dev, "fd", 2))
		return mv_conf_fail(at, err, MV_ERR_INTERNAL, "'%s' is a name of a floppy drive, not of a disk.", dev);
	if (!d->address.present && mv_disk_name_index(dev, NULL) < 0)
		return mv_conf_fail(
			at, err, MV_ERR_XML,
			"disk name '%s' is not known; one of: vdX, sdX, hdX, xvdX, ubdX, fdX, with X from a.", dev);
	if (d->target.tray != MV_DISK_TRAY_CLOSED && !removable)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED, "only a CD or floppy drive has a tray.");
	return 0;
}

static int check_startup_policy(const struct mv_disk_def *d, struct mv_conf_at *at, struct mv_error **err)
{
	const char *policy = mv_conf_word(&mv_startup_policy_enum, d->source.startup_policy);

	if (d->source.startup_policy == MV_STARTUP_POLICY_NONE)
		return 0;
	if (d->type == MV_DISK_TYPE_NETWORK)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "the startupPolicy '%s' is not for a disk of the type 'network'.", policy);
	if (d->source.startup_policy == MV_STARTUP_POLICY_REQUISITE && d->device != MV_DISK_DEVICE_CDROM &&
	    d->device != MV_DISK_DEVICE_FLOPPY)
		return mv_conf_fail(at, err, MV_ERR_XML, "the startupPolicy 'requisite' is for CD and floppy drives.");
	return 0;
}

static int check_lun(const struct mv_disk_def *d, struct mv_conf_at *at, struct mv_error **err)
{
	if (d->device != MV_DISK_DEVICE_LUN) {
		if (d->rawio != MV_TRI_NONE)
			return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
					    "rawio is for disks with device='lun'.");
		if (d->sgio != MV_DISK_SGIO_NONE)
			return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED, "sgio is for disks with device='lun'.");
		if (d->source.reservations.present)
			return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
					    "<reservations> are for disks with device='lun'.");
		return 0;
	}
	if (d->sgio == MV_DISK_SGIO_UNFILTERED)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "the sgio 'unfiltered' is no longer supported.");
	if (d->source.encryption.present || d->encryption.present)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "a disk with device='lun' cannot be encrypted.");
	if (d->type == MV_DISK_TYPE_NETWORK && d->source.protocol != MV_DISK_PROTOCOL_ISCSI)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED, "device='lun' is not for the protocol '%s'.",
				    mv_conf_word(&mv_disk_protocol_enum, d->source.protocol));
	if (d->type != MV_DISK_TYPE_NETWORK && d->type != MV_DISK_TYPE_BLOCK && d->type != MV_DISK_TYPE_VOLUME)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "device='lun' is only for block devices, not for the type '%s'.",
				    mv_conf_word(&mv_disk_type_enum, d->type));
	return 0;
}

static int check_vhostuser(struct mv_disk_def *d, struct mv_conf_at *at, struct mv_error **err)
{
	const struct mv_disk_driver_def *r = &d->driver;
	const char *what = r->cache != MV_DISK_CACHE_NONE      ? "cache" :
		r->error_policy != MV_DISK_ERROR_POLICY_NONE   ? "error_policy" :
		r->rerror_policy != MV_DISK_ERROR_POLICY_NONE  ? "rerror_policy" :
		r->io != MV_DISK_IO_NONE                       ? "io" :
		r->ioeventfd != MV_TRI_NONE                    ? "ioeventfd" :
		r->copy_on_read != MV_TRI_NONE                 ? "copy_on_read" :
		r->discard != MV_DISK_DISCARD_NONE             ? "discard" :
		r->has_iothread                                ? "iothread" :
		r->detect_zeroes != MV_DISK_DETECT_ZEROES_NONE ? "detect_zeroes" :
		d->transient.present                           ? "transient" :
		d->serial                                      ? "serial" :
		d->wwn                                         ? "wwn" :
		d->vendor                                      ? "vendor" :
		d->product                                     ? "product" :
		d->iotune.present                              ? "iotune" :
								 NULL;

	if (what)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED, "a disk of the type 'vhostuser' has no '%s'.",
				    what);
	if (d->snapshot != MV_DISK_SNAPSHOT_NONE && d->snapshot != MV_DISK_SNAPSHOT_NO)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "a disk of the type 'vhostuser' has no snapshots.");
	d->snapshot = MV_DISK_SNAPSHOT_NO;
	return 0;
}

int mv_disk_check(struct mv_disk_def *d, struct mv_conf_at *at, struct mv_error **err)
{
	bool removable = d->device == MV_DISK_DEVICE_CDROM || d->device == MV_DISK_DEVICE_FLOPPY;

	mv_device_drop_alias(&d->alias, at);
	if (!has_source(d->type, &d->source)) {
		if (!removable)
			return mv_conf_fail(at, err, MV_ERR_NO_SOURCE, "the disk '%s' has no source.",
					    d->target.dev ? d->target.dev : "");
		/* An empty drive: nothing is known of what will be in it. */
		mv_conf_clear(&mv_disk_source_desc, &d->source);
		d->type = MV_DISK_TYPE_FILE;
	} else if (check_source(d->type, &d->source, at, err) < 0) {
		return -1;
	}
	if (check_target(d, at, err) < 0 || check_lun(d, at, err) < 0 || check_startup_policy(d, at, err) < 0 ||
	    check_auth(d, at, err) < 0)
		return -1;
	if (d->type == MV_DISK_TYPE_VHOSTUSER && check_vhostuser(d, at, err) < 0)
		return -1;
	if (d->driver.rerror_policy == MV_DISK_ERROR_POLICY_ENOSPACE)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "disk read error policy 'enospace' is not possible; one of: stop, report, ignore.");
	if (check_printable(d->vendor, 8, "vendor", at, err) < 0 ||
	    check_printable(d->product, 16, "product", at, err) < 0 || (d->wwn && check_wwn(d->wwn, at, err) < 0))
		return -1;
	/* Half a geometry is none. */
	if (d->geometry.present && (!d->geometry.cyls || !d->geometry.heads || !d->geometry.secs))
		mv_conf_clear(&mv_disk_geometry_desc, &d->geometry);
	if (d->device == MV_DISK_DEVICE_CDROM)
		d->read_only = true;
	return 0;
}
