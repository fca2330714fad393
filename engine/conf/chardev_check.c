/* What the tables of schema/domain_chardevs.lua cannot say about one character device. Called when its element has been
 * read. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/domain_chardevs_def.h"
#include "engine/conf/device.h"

/* --- sources
 * ---------------------------------------------------------------------------------------------------------- */

static int check_udp(struct mv_chardev_source_def **s, size_t n, struct mv_conf_at *at, struct mv_error **err)
{
	bool connected = false;

	for (size_t i = 0; i < n; i++) {
		if (s[i]->mode == MV_CHARDEV_MODE_NONE)
			s[i]->mode = MV_CHARDEV_MODE_CONNECT;
		connected |= s[i]->mode == MV_CHARDEV_MODE_CONNECT && s[i]->service;
	}
	if (n > 2 || (n == 2 && s[0]->mode == s[1]->mode))
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "a UDP device has at most one <source> to connect and one to bind.");
	if (!connected)
		return mv_conf_fail(at, err, MV_ERR_INTERNAL,
				    "a UDP device needs <source mode='connect' host='...' service='...'/>.");
	/* libvirt writes where it listens first. */
	if (n == 2 && s[0]->mode == MV_CHARDEV_MODE_CONNECT) {
		struct mv_chardev_source_def *first = s[0];

		s[0] = s[1];
		s[1] = first;
	}
	return 0;
}

/* The sources of a device of the type `type`. */
static int check_sources(enum mv_chardev_type type, struct mv_chardev_source_def **sources, size_t n, bool generated,
			 struct mv_conf_at *at, struct mv_error **err)
{
	static const struct mv_chardev_source_def none;
	const struct mv_chardev_source_def *s = n ? sources[0] : &none;
	const char *missing = NULL;

	if (type == MV_CHARDEV_TYPE_UDP)
		return check_udp(sources, n, at, err);
	if (n > 1)
		return mv_conf_fail(at, err, MV_ERR_XML, "a character device of the type '%s' has only one <source>.",
				    mv_conf_word(&mv_chardev_type_enum, type));
	if (n && type == MV_CHARDEV_TYPE_TCP && s->mode == MV_CHARDEV_MODE_NONE)
		sources[0]->mode = MV_CHARDEV_MODE_CONNECT;
	if (n && type == MV_CHARDEV_TYPE_UNIX) {
		if (s->mode == MV_CHARDEV_MODE_NONE)
			sources[0]->mode = MV_CHARDEV_MODE_CONNECT;
		/* The path is chosen later: nothing is known yet. */
		if (!s->path && !s->reconnect.present && !s->n_seclabels)
			sources[0]->mode = generated ? MV_CHARDEV_MODE_NONE : sources[0]->mode;
	}
	switch (type) {
	case MV_CHARDEV_TYPE_DEV:
	case MV_CHARDEV_TYPE_FILE:
	case MV_CHARDEV_TYPE_PIPE: missing = s->path ? NULL : "path"; break;
	case MV_CHARDEV_TYPE_UNIX: missing = s->path || generated ? NULL : "path"; break;
	case MV_CHARDEV_TYPE_TCP: missing = !s->host ? "host" : !s->service ? "service" : NULL; break;
	case MV_CHARDEV_TYPE_SPICEPORT:
	case MV_CHARDEV_TYPE_DBUS: missing = s->channel ? NULL : "channel"; break;
	default: break;
	}
	if (missing)
		return mv_conf_fail(at, err, MV_ERR_INTERNAL,
				    "a character device of the type '%s' needs <source %s='...'>.",
				    mv_conf_word(&mv_chardev_type_enum, type), missing);
	/* It says nothing when it does not say whether. */
	if (s->reconnect.present && s->reconnect.enabled == MV_TRI_NONE)
		mv_conf_clear(&mv_reconnect_desc, &sources[0]->reconnect);
	if (s->reconnect.present && s->mode == MV_CHARDEV_MODE_BIND)
		return mv_conf_fail(at, err, MV_ERR_XML, "a device that listens (mode='bind') cannot reconnect.");
	if (s->reconnect.present && s->reconnect.enabled == MV_TRI_YES && !s->reconnect.has_timeout)
		return mv_conf_fail(at, err, MV_ERR_XML, "<reconnect> needs a timeout.");
	return 0;
}

static int check_no_spice(enum mv_chardev_type type, struct mv_conf_at *at, struct mv_error **err)
{
	if (type == MV_CHARDEV_TYPE_SPICEVMC)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "the type 'spicevmc' is for channels of the target type 'virtio'.");
	return 0;
}

/* --- devices
 * ---------------------------------------------------------------------------------------------------------- */

int mv_serial_check(struct mv_serial_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	mv_device_drop_alias(&def->alias, at);
	return check_no_spice(def->type, at, err) < 0 ?
		-1 :
		check_sources(def->type, def->sources, def->n_sources, false, at, err);
}

int mv_parallel_check(struct mv_parallel_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	mv_device_drop_alias(&def->alias, at);
	free(def->target.type);
	def->target.type = NULL;
	return check_no_spice(def->type, at, err) < 0 ?
		-1 :
		check_sources(def->type, def->sources, def->n_sources, false, at, err);
}

int mv_console_check(struct mv_console_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	mv_device_drop_alias(&def->alias, at);
	return check_no_spice(def->type, at, err) < 0 ?
		-1 :
		check_sources(def->type, def->sources, def->n_sources, false, at, err);
}

int mv_channel_check(struct mv_channel_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	const struct mv_channel_target_def *t = &def->target;

	mv_device_drop_alias(&def->alias, at);
	if (!t->present)
		return mv_conf_fail(at, err, MV_ERR_XML, "the channel has no <target type='...'>.");
	if (t->type == MV_CHANNEL_TARGET_TYPE_GUESTFWD && (!t->address || !t->has_port))
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "a channel of the target type 'guestfwd' needs an address and a port.");
	if (t->type == MV_CHANNEL_TARGET_TYPE_GUESTFWD && strchr(t->address, ':'))
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "the address '%s' of a 'guestfwd' channel must be one of IPv4.", t->address);
	if (def->type == MV_CHARDEV_TYPE_SPICEVMC && t->type != MV_CHANNEL_TARGET_TYPE_VIRTIO)
		return check_no_spice(def->type, at, err);
	return check_sources(def->type, def->sources, def->n_sources, true, at, err);
}

int mv_smartcard_check(struct mv_smartcard_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	mv_device_drop_alias(&def->alias, at);
	if (def->mode == MV_SMARTCARD_MODE_HOST_CERTIFICATES && def->n_certificates != 3)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "a smartcard of the mode 'host-certificates' needs 3 certificates, not %zu.",
				    def->n_certificates);
	if (def->database && *def->database != '/')
		return mv_conf_fail(at, err, MV_ERR_XML, "the path '%s' of the smartcard's database must be absolute.",
				    def->database);
	if (def->mode != MV_SMARTCARD_MODE_PASSTHROUGH)
		return 0;
	if (def->type == MV_CHARDEV_TYPE_NONE)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "a smartcard of the mode 'passthrough' needs the attribute 'type'.");
	return check_sources(def->type, def->sources, def->n_sources, false, at, err);
}

int mv_redirdev_check(struct mv_redirdev_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	mv_device_drop_alias(&def->alias, at);
	return check_sources(def->type, def->sources, def->n_sources, false, at, err);
}

/* A number of a USB filter as libvirt writes it; "-1" is any, as is nothing. */
static int normal_number(char **text, unsigned digits, const char *name, struct mv_conf_at *at, struct mv_error **err)
{
	unsigned long value;
	char *end, *normal;

	if (!*text)
		return 0;
	if (!strcmp(*text, "-1")) {
		free(*text);
		*text = NULL;
		return 0;
	}
	value = strtoul(*text, &end, 0);
	if (end == *text || *end || **text == '-' || value >= 1ul << 4 * digits)
		return mv_conf_fail(at, err, MV_ERR_INTERNAL,
				    "the USB %s '%s' is not a number from 0 to 0x%lX, or -1 for any.", name, *text,
				    (1ul << 4 * digits) - 1);
	if (asprintf(&normal, "0x%0*lX", (int)digits, value) < 0)
		return mv_device_no_memory(err);
	free(*text);
	*text = normal;
	return 0;
}

/* One or two digits; NULL: there are none, or more. */
static const char *two_digits(const char *text, unsigned *value, unsigned *digits)
{
	*value = *digits = 0;
	for (; isdigit((unsigned char)*text); text++) {
		*value = *value * 10 + (unsigned)(*text - '0');
		if (++*digits > 2)
			return NULL;
	}
	return *digits ? text : NULL;
}

/* "2.1" is 2.10, "2.56" is itself. */
static int normal_version(char **text, struct mv_conf_at *at, struct mv_error **err)
{
	unsigned major, minor = 0, digits;
	const char *rest;
	char *normal;

	if (!*text)
		return 0;
	if (!strcmp(*text, "-1")) {
		free(*text);
		*text = NULL;
		return 0;
	}
	rest = two_digits(*text, &major, &digits);
	if (rest && *rest == '.')
		rest = two_digits(rest + 1, &minor, &digits);
	else
		rest = NULL;
	if (!rest || *rest)
		return mv_conf_fail(at, err, MV_ERR_INTERNAL,
				    "the USB version '%s' is not of the form \"2.10\", or -1 for any.", *text);
	if (asprintf(&normal, "%u.%02u", major, digits == 1 ? minor * 10 : minor) < 0)
		return mv_device_no_memory(err);
	free(*text);
	*text = normal;
	return 0;
}

int mv_redirfilter_usbdev_check(struct mv_redirfilter_usbdev_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	if (normal_number(&def->class, 2, "class", at, err) < 0 ||
	    normal_number(&def->vendor, 4, "vendor", at, err) < 0 ||
	    normal_number(&def->product, 4, "product", at, err) < 0)
		return -1;
	return normal_version(&def->version, at, err);
}

int mv_rng_check(struct mv_rng_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_rng_source_def *b = &def->backend;

	mv_device_drop_alias(&def->alias, at);
	if (!b->present)
		return mv_conf_fail(at, err, MV_ERR_XML, "the random number generator needs a <backend>.");
	if (!def->rate_bytes)
		def->rate_period = 0;
	if (b->model == MV_RNG_BACKEND_RANDOM && !(b->device && *b->device)) {
		free(b->device);
		b->device = strdup("/dev/random");
		if (!b->device)
			return mv_device_no_memory(err);
	}
	if (b->model != MV_RNG_BACKEND_EGD)
		return 0;
	if (b->type == MV_CHARDEV_TYPE_NONE)
		return mv_conf_fail(at, err, MV_ERR_XML, "a backend of the model 'egd' needs the attribute 'type'.");
	return check_sources(b->type, b->sources, b->n_sources, false, at, err);
}
