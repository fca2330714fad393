/* What the tables of schema/domain_graphics.lua cannot say about one device that is seen, heard or typed on. Called
 * when its element has been read. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/domain_graphics_def.h"
#include "engine/conf/device.h"

static void drop(char **text)
{
	free(*text);
	*text = NULL;
}

/* --- input
 * ------------------------------------------------------------------------------------------------------------ */

int mv_input_check(struct mv_input_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	mv_device_drop_alias(&def->alias, at);
	if (def->type == MV_INPUT_TYPE_EVDEV && def->bus != MV_INPUT_BUS_NONE)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "an input device of the type 'evdev' has no bus.");
	if (def->bus == MV_INPUT_BUS_PS2 && def->type != MV_INPUT_TYPE_MOUSE && def->type != MV_INPUT_TYPE_KEYBOARD)
		return mv_conf_fail(at, err, MV_ERR_INTERNAL, "the bus 'ps2' has no input device of the type '%s'.",
				    mv_conf_word(&mv_input_type_enum, def->type));
	if (def->bus == MV_INPUT_BUS_XEN && def->type != MV_INPUT_TYPE_MOUSE && def->type != MV_INPUT_TYPE_KEYBOARD)
		return mv_conf_fail(at, err, MV_ERR_INTERNAL, "the bus 'xen' has no input device of the type '%s'.",
				    mv_conf_word(&mv_input_type_enum, def->type));
	if (def->model != MV_VIRTIO_MODEL_NONE && def->bus != MV_INPUT_BUS_VIRTIO)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED, "the input model '%s' is for the bus 'virtio'.",
				    mv_conf_word(&mv_virtio_model_enum, def->model));
	if (def->bus == MV_INPUT_BUS_USB && def->address.present && def->address.type != MV_ADDRESS_TYPE_USB)
		return mv_conf_fail(at, err, MV_ERR_XML, "a USB device needs an address of the type 'usb'.");
	return 0;
}

/* --- graphics
 * --------------------------------------------------------------------------------------------------------- */

static int add_listen(struct mv_graphics_def *def, enum mv_graphics_listen_type type, const char *address,
		      struct mv_error **err)
{
	struct mv_graphics_listen_def *listen = mv_conf_new(&mv_graphics_listen_desc, err);

	if (!listen)
		return -1;
	listen->type = type;
	if (type == MV_GRAPHICS_LISTEN_TYPE_SOCKET)
		listen->socket = address ? strdup(address) : NULL;
	else
		listen->address = address ? strdup(address) : NULL;
	if ((address && !listen->socket && !listen->address) ||
	    mv_conf_append(&def->listens, &def->n_listens, listen, err) < 0) {
		mv_conf_free(&mv_graphics_listen_desc, listen);
		return mv_device_no_memory(err);
	}
	return 0;
}

static void drop_listens(struct mv_graphics_def *def)
{
	while (def->n_listens)
		mv_conf_free(&mv_graphics_listen_desc,
			     mv_conf_remove(def->listens, &def->n_listens, def->n_listens - 1));
}

static int check_listen(const struct mv_graphics_def *def, struct mv_graphics_listen_def *l, struct mv_conf_at *at,
			struct mv_error **err)
{
	bool sockets = def->type == MV_GRAPHICS_TYPE_VNC || def->type == MV_GRAPHICS_TYPE_SPICE;

	if (!sockets && (l->type == MV_GRAPHICS_LISTEN_TYPE_SOCKET || l->type == MV_GRAPHICS_LISTEN_TYPE_NONE_))
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "graphics of the type '%s' cannot have <listen type='%s'>.",
				    mv_conf_word(&mv_graphics_type_enum, def->type),
				    mv_conf_word(&mv_graphics_listen_type_enum, l->type));
	if (l->type == MV_GRAPHICS_LISTEN_TYPE_NETWORK && !l->network)
		return mv_conf_fail(at, err, MV_ERR_XML, "<listen type='network'> needs the attribute 'network'.");
	if (l->address && (!*l->address || (l->type == MV_GRAPHICS_LISTEN_TYPE_NETWORK && !(at->flags & MV_CONF_LIVE))))
		drop(&l->address);
	return 0;
}

/* The attributes listen='' and socket='' are what the first <listen> says, and the other way round. */
static int check_listens(struct mv_graphics_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	const struct mv_graphics_listen_def *first;

	if (def->listen && !*def->listen)
		drop(&def->listen);
	if (def->socket && (!def->n_listens || def->listens[0]->type != MV_GRAPHICS_LISTEN_TYPE_SOCKET)) {
		drop_listens(def);
		drop(&def->listen);
		return add_listen(def, MV_GRAPHICS_LISTEN_TYPE_SOCKET, def->socket, err);
	}
	for (size_t i = 0; i < def->n_listens; i++) {
		if (check_listen(def, def->listens[i], at, err) < 0)
			return -1;
	}
	if (!def->n_listens)
		return add_listen(def, MV_GRAPHICS_LISTEN_TYPE_ADDRESS, def->listen, err);
	first = def->listens[0];
	if (def->listen && (!first->address || strcmp(first->address, def->listen)))
		return mv_conf_fail(
			at, err, MV_ERR_CONFIG_UNSUPPORTED,
			"the graphics' attribute listen='%s' must be the address of its first <listen>, which is '%s'.",
			def->listen, first->address ? first->address : "");
	if (def->socket && (!first->socket || strcmp(first->socket, def->socket)))
		return mv_conf_fail(
			at, err, MV_ERR_CONFIG_UNSUPPORTED,
			"the graphics' attribute socket='%s' must be the socket of its first <listen>, which is '%s'.",
			def->socket, first->socket ? first->socket : "");
	return 0;
}

static int copy_first_listen(struct mv_graphics_def *def, struct mv_error **err)
{
	const struct mv_graphics_listen_def *first = def->listens[0];

	drop(&def->listen);
	drop(&def->socket);
	if (first->address) {
		def->listen = strdup(first->address);
		if (!def->listen)
			return mv_device_no_memory(err);
	}
	if (first->socket && def->type == MV_GRAPHICS_TYPE_VNC) {
		def->socket = strdup(first->socket);
		if (!def->socket)
			return mv_device_no_memory(err);
	}
	return 0;
}

static bool is_remote(const struct mv_graphics_def *def)
{
	return def->listens[0]->type == MV_GRAPHICS_LISTEN_TYPE_ADDRESS ||
		def->listens[0]->type == MV_GRAPHICS_LISTEN_TYPE_NETWORK;
}

/* Ports: -1 is "choose one", which is said by autoport as well; 0 is "none". */
static void complete_vnc_ports(struct mv_graphics_def *def, bool live)
{
	bool automatic = def->autoport == MV_TRI_YES || (def->autoport == MV_TRI_NONE && !def->has_port) ||
		(def->has_port && def->port == -1 && def->autoport != MV_TRI_NO);

	if (!is_remote(def)) {
		def->has_port = false;
		def->autoport = MV_TRI_NONE;
		return;
	}
	def->autoport = automatic ? MV_TRI_YES : MV_TRI_NO;
	if (automatic && (!live || !def->has_port || !def->port)) {
		def->port = -1;
		def->has_port = true;
	}
	if (!automatic && def->has_port && (!def->port || def->port == -1))
		def->has_port = false;
}

static int complete_spice_ports(struct mv_graphics_def *def, bool live, struct mv_error **err)
{
	bool automatic = def->autoport == MV_TRI_YES ||
		(def->has_port && def->port == -1 && def->has_tls_port && def->tls_port == -1);

	if (automatic && !live)
		def->has_port = def->has_tls_port = false;
	if (def->has_port && !def->port)
		def->has_port = false;
	if (def->has_tls_port && !def->tls_port)
		def->has_tls_port = false;
	/* Without any port it listens nowhere. */
	if (!automatic && !def->has_port && !def->has_tls_port && def->n_listens &&
	    def->listens[0]->type == MV_GRAPHICS_LISTEN_TYPE_ADDRESS) {
		drop_listens(def);
		drop(&def->listen);
		if (add_listen(def, MV_GRAPHICS_LISTEN_TYPE_NONE_, NULL, err) < 0)
			return -1;
	}
	if (!is_remote(def)) {
		def->has_port = def->has_tls_port = false;
		def->autoport = MV_TRI_NONE;
	} else {
		def->autoport = automatic ? MV_TRI_YES : MV_TRI_NO;
	}
	return 0;
}

static void complete_rdp_ports(struct mv_graphics_def *def, bool live)
{
	bool automatic = def->autoport == MV_TRI_YES || (def->autoport == MV_TRI_NONE && !def->has_port) ||
		(def->has_port && def->port == -1);

	def->autoport = automatic ? MV_TRI_YES : MV_TRI_NONE;
	if (automatic && (!live || !def->has_port || def->port < 0)) {
		def->port = 0;
		def->has_port = true;
	} else if (!automatic && def->has_port && !def->port) {
		def->has_port = false;
	}
}

/* Each channel once, in the order of their names; "any" is the same as nothing. */
static void sort_channels(struct mv_graphics_def *def)
{
	struct mv_spice_channel_def *by_name[MV_SPICE_CHANNEL_NAME_USBREDIR + 1] = { NULL };
	size_t n = 0;

	for (size_t i = 0; i < def->n_channels; i++) {
		struct mv_spice_channel_def **c = &by_name[def->channels[i]->name];

		mv_conf_free(&mv_spice_channel_desc, *c);
		*c = def->channels[i];
	}
	for (size_t i = 0; i < sizeof(by_name) / sizeof(by_name[0]); i++) {
		if (by_name[i] && by_name[i]->mode == MV_SPICE_MODE_ANY)
			mv_conf_free(&mv_spice_channel_desc, by_name[i]);
		else if (by_name[i])
			def->channels[n++] = by_name[i];
	}
	def->n_channels = n;
}

static int check_password(struct mv_graphics_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	const char *form = "dddd-dd-ddTdd:dd:dd", *c = def->passwd_valid_to;

	/* Without a password there is nothing that ends. */
	if (!def->passwd) {
		drop(&def->passwd_valid_to);
		def->connected = MV_GRAPHICS_CONNECTED_NONE;
		return 0;
	}
	if (def->type == MV_GRAPHICS_TYPE_VNC && def->connected != MV_GRAPHICS_CONNECTED_NONE &&
	    def->connected != MV_GRAPHICS_CONNECTED_KEEP)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "graphics of the type 'vnc' know only connected='keep'.");
	if (!c)
		return 0;
	for (; *form; form++, c++) {
		if (*form == 'd' ? !isdigit((unsigned char)*c) : *c != *form)
			break;
	}
	if (*form || *c)
		return mv_conf_fail(at, err, MV_ERR_INTERNAL,
				    "the end of the password '%s' is not of the form YYYY-MM-DDTHH:MM:SS.",
				    def->passwd_valid_to);
	return 0;
}

int mv_graphics_check(struct mv_graphics_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	bool live = at->flags & MV_CONF_LIVE;

	if (def->type == MV_GRAPHICS_TYPE_DBUS && def->address && def->p2p)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "graphics of the type 'dbus' have an address or p2p='yes', not both.");
	if (def->gl.present && def->gl.enable == MV_TRI_NONE && def->type != MV_GRAPHICS_TYPE_EGL_HEADLESS)
		return mv_conf_fail(at, err, MV_ERR_XML, "the attribute 'enable' of <gl> is missing.");
	if (def->type != MV_GRAPHICS_TYPE_VNC && def->type != MV_GRAPHICS_TYPE_SPICE &&
	    def->type != MV_GRAPHICS_TYPE_RDP)
		return 0;
	if (check_password(def, at, err) < 0 || check_listens(def, at, err) < 0)
		return -1;
	sort_channels(def);
	if (def->type == MV_GRAPHICS_TYPE_VNC) {
		complete_vnc_ports(def, live);
		if (def->has_websocket && !def->websocket)
			def->has_websocket = false;
	} else if (def->type == MV_GRAPHICS_TYPE_RDP) {
		complete_rdp_ports(def, live);
	} else if (complete_spice_ports(def, live, err) < 0) {
		return -1;
	}
	return copy_first_listen(def, err);
}

/* --- video
 * ------------------------------------------------------------------------------------------------------------ */

static unsigned power_of_two(unsigned n)
{
	unsigned p = 1;

	while (n && p < n && p < 1u << 31)
		p <<= 1;
	return n ? p : 0;
}

int mv_video_check(struct mv_video_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_video_card_def *card = &def->model;
	const struct mv_video_driver_def *r = &def->driver;
	const char *only_qxl = card->ram ? "ram" : card->vram64 ? "vram64" : card->vgamem ? "vgamem" : NULL;

	mv_device_drop_alias(&def->alias, at);
	if (only_qxl && card->type != MV_VIDEO_MODEL_QXL)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "the attribute '%s' is for a video card of the type 'qxl'.", only_qxl);
	if (card->acceleration.present && card->acceleration.rendernode && r->name != MV_VIDEO_DRIVER_NAME_VHOSTUSER)
		return mv_conf_fail(
			at, err, MV_ERR_CONFIG_UNSUPPORTED,
			"the attribute 'rendernode' of <acceleration> is for the video driver 'vhostuser'.");
	if (card->resolution.present && (!card->resolution.x || !card->resolution.y))
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "the resolution of a video card must be greater than 0.");
	if (card->type != MV_VIDEO_MODEL_VIRTIO &&
	    (r->iommu != MV_TRI_NONE || r->ats != MV_TRI_NONE || r->packed != MV_TRI_NONE ||
	     r->page_per_vq != MV_TRI_NONE))
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "the driver options iommu, ats, packed and page_per_vq are for virtio devices.");
	card->ram = power_of_two(card->ram);
	card->vram = power_of_two(card->vram);
	return 0;
}

/* --- sound
 * ------------------------------------------------------------------------------------------------------------ */

int mv_sound_check(struct mv_sound_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	(void)err;
	mv_device_drop_alias(&def->alias, at);
	/* Others have no codecs to choose. */
	if (def->model != MV_SOUND_MODEL_ICH6 && def->model != MV_SOUND_MODEL_ICH9) {
		while (def->n_codecs)
			mv_conf_free(&mv_sound_codec_desc,
				     mv_conf_remove(def->codecs, &def->n_codecs, def->n_codecs - 1));
	}
	return 0;
}

static int check_stream(const struct mv_audio_stream_def *s, struct mv_conf_at *at, struct mv_error **err)
{
	const struct mv_audio_settings_def *set = &s->settings;
	bool given = s->present && set->present;

	if (given && s->fixed_settings != MV_TRI_YES)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED, "audio <settings> need fixedSettings='yes'.");
	if (s->present && s->fixed_settings == MV_TRI_YES && s->mixing_engine != MV_TRI_YES)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "fixed audio settings need mixingEngine='yes'.");
	return 0;
}

int mv_audio_check(struct mv_audio_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	return check_stream(&def->input, at, err) < 0 ? -1 : check_stream(&def->output, at, err);
}
