/* Devices that come, go and change: in a definition, and in what runs and what is for the next start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/domain_devices_def.h"
#include "engine/conf/domain_complete_def.h"
#include "engine/domain/devices.h"

static const struct mv_domain_rules rules = { .arch = MV_ARCH_I686 };

#define BEGIN                                                                                                          \
	"<domain type='test'><name>guest</name><uuid>11111111-2222-3333-4444-555555555555</uuid><memory>1024</memory>" \
	"<os><type>hvm</type></os><devices>"
#define END "</devices></domain>"
#define DISKS                                                                                                    \
	"<disk><source file='/a'/><target dev='vda'/></disk><disk><source file='/c'/><target dev='vdc'/></disk>" \
	"<disk device='cdrom'><source file='/iso'/><target dev='hdc'/><alias name='ua-cd'/></disk>"
#define NETS                                                                    \
	"<interface type='user'><mac address='52:54:00:00:00:01'/></interface>" \
	"<interface type='user'><mac address='52:54:00:00:00:02'/><target dev='tap2'/></interface>"

static struct mv_domain_def *define(const char *devices)
{
	mv_auto(mv_error) err = NULL;
	mv_autofree char *xml = NULL;
	struct mv_domain_def *def = NULL;

	assert_true(asprintf(&xml, BEGIN "%s" END, devices) > 0);
	if (mv_domain_def_parse(xml, 0, NULL, &def, &err) < 0 || mv_domain_def_complete(def, &rules, &err) < 0)
		fail_msg("%s", err->message);
	return def;
}

/* The devices as XML, between <devices> and </devices>. */
static char *shown(const struct mv_domain_def *def)
{
	char *xml = NULL;

	assert_int_equal(mv_domain_def_format(def, 0, &xml, NULL), 0);
	return xml;
}

static void assert_shows(const struct mv_domain_def *def, const char *text)
{
	mv_autofree char *xml = shown(def);

	if (!strstr(xml, text))
		fail_msg("'%s' is not in\n%s", text, xml);
}

static void assert_hides(const struct mv_domain_def *def, const char *text)
{
	mv_autofree char *xml = shown(def);

	if (strstr(xml, text))
		fail_msg("'%s' is in\n%s", text, xml);
}

typedef int (*change_fn)(struct mv_domain_def *def, const struct mv_device *device, struct mv_error **err);

static int change(struct mv_domain_def *def, change_fn fn, const char *xml, struct mv_error **err)
{
	struct mv_device device;
	int rc;

	if (mv_device_parse(xml, 0, NULL, &device, err) < 0)
		return -1;
	rc = fn(def, &device, err);
	mv_device_clear(&device);
	return rc;
}

static void assert_change(struct mv_domain_def *def, change_fn fn, const char *xml)
{
	mv_auto(mv_error) err = NULL;

	if (change(def, fn, xml, &err) < 0)
		fail_msg("%s: %s", xml, err->message);
}

static void assert_refused(struct mv_domain_def *def, change_fn fn, const char *xml, int code, const char *message)
{
	mv_auto(mv_error) err = NULL;

	assert_int_equal(change(def, fn, xml, &err), -1);
	assert_non_null(err);
	if (err->code != code || !strstr(err->message, message))
		fail_msg("%s: %d '%s'", xml, err->code, err->message);
}

static void parse(void **state)
{
	struct mv_device device;
	mv_auto(mv_error) err = NULL;

	(void)state;
	assert_int_equal(
		mv_device_parse(
			"<?xml version='1.0'?>\n<!-- <disk> -->\n<rng model='virtio'><backend model='random'/></rng>",
			0, NULL, &device, &err),
		0);
	assert_string_equal(device.kind->name, "rng");
	mv_device_clear(&device);
	for (const char *const *bad = (const char *const[]){ "", "text", "<", "<!-- <disk/>", "<nothing/>", "<disk",
							     "<redirfilter/>", "<disk/><disk/>", NULL };
	     *bad; bad++) {
		mv_auto(mv_error) why = NULL;

		if (mv_device_parse(*bad, 0, NULL, &device, &why) == 0)
			fail_msg("'%s' is accepted", *bad);
		assert_non_null(why);
		assert_null(device.def);
	}
}

static void attach(void **state)
{
	mv_auto(mv_domain_def) def = define(DISKS);

	(void)state;
	assert_change(def, mv_domain_device_attach, "<disk><source file='/b'/><target dev='vdb'/></disk>");
	assert_shows(def, "<target dev='vdb' bus='virtio'/>");
	assert_string_equal(def->devices.disks[1]->target.dev, "vdb");
	/* A bus brings its controllers. */
	assert_change(def, mv_domain_device_attach, "<disk><source file='/s'/><target dev='sdi'/></disk>");
	assert_shows(def, "<address type='drive' controller='1' bus='0' target='0' unit='1'/>");
	assert_shows(def, "<controller type='scsi' index='1'/>");
	assert_refused(def, mv_domain_device_attach, "<disk><source file='/x'/><target dev='vda'/></disk>",
		       MV_ERR_OPERATION_INVALID, "target vda already exists");
	assert_refused(def, mv_domain_device_attach, "<controller type='scsi' index='1'/>", MV_ERR_OPERATION_INVALID,
		       "such a <controller> already");
	/* A MAC address is made; a serial port gets its number, and a console. */
	assert_change(def, mv_domain_device_attach, "<interface type='user'/>");
	assert_shows(def, "<mac address='52:54:00:");
	assert_change(def, mv_domain_device_attach, "<serial type='pty'/>");
	assert_shows(def, "<target type='serial' port='0'/>");
	assert_change(def, mv_domain_device_attach, "<graphics type='vnc'/>");
	assert_int_equal(def->devices.n_videos, 1);
	/* The last one: it is in the list when the clash is seen. */
	assert_refused(def, mv_domain_device_attach,
		       "<disk><source file='/y'/><target dev='vdz'/><alias name='ua-cd'/></disk>",
		       MV_ERR_CONFIG_UNSUPPORTED, "non unique alias");
}

static void detach(void **state)
{
	mv_auto(mv_domain_def)
		def = define(DISKS NETS "<serial type='pty'/><controller type='usb' index='3'/><controller type='usb'/>"
					"<rng model='virtio'><backend model='random'/></rng>"
					"<rng model='virtio'><rate bytes='7'/><backend model='builtin'/></rng>");

	(void)state;
	assert_change(def, mv_domain_device_detach, "<disk><source file='/whatever'/><target dev='vda'/></disk>");
	assert_hides(def, "/a");
	assert_refused(def, mv_domain_device_detach, "<disk><source file='/a'/><target dev='vda'/></disk>",
		       MV_ERR_DEVICE_MISSING, "no <disk> of the domain");
	assert_refused(def, mv_domain_device_detach, "<interface type='user'/>", MV_ERR_OPERATION_FAILED,
		       "Several devices");
	assert_change(def, mv_domain_device_detach,
		      "<interface type='user'><mac address='52:54:00:00:00:02'/></interface>");
	assert_hides(def, "tap2");
	assert_change(def, mv_domain_device_detach, "<interface type='user'/>");
	assert_int_equal(def->devices.n_interfaces, 0);
	/* Others are known by all that is said. */
	assert_refused(def, mv_domain_device_detach,
		       "<rng model='virtio'><backend model='random'>/dev/hwrng</backend></rng>", MV_ERR_DEVICE_MISSING,
		       "no <rng>");
	assert_change(def, mv_domain_device_detach, "<rng model='virtio'><backend model='builtin'/></rng>");
	assert_int_equal(def->devices.n_rngs, 1);
	assert_change(def, mv_domain_device_detach, "<controller type='usb' index='3'/>");
	assert_int_equal(def->devices.n_controllers, 2);
	/* The console goes with its serial port. */
	assert_int_equal(def->devices.n_consoles, 1);
	assert_change(def, mv_domain_device_detach, "<serial type='pty'/>");
	assert_int_equal(def->devices.n_serials, 0);
	assert_int_equal(def->devices.n_consoles, 0);
}

static void detach_alias(void **state)
{
	mv_auto(mv_domain_def) def = define(DISKS NETS);
	mv_auto(mv_error) err = NULL;

	(void)state;
	assert_int_equal(mv_domain_device_detach_alias(def, "ua-cd", &err), 0);
	assert_hides(def, "/iso");
	assert_int_equal(mv_domain_device_detach_alias(def, "ua-cd", &err), -1);
	assert_int_equal(err->code, MV_ERR_DEVICE_MISSING);
}

static void update(void **state)
{
	mv_auto(mv_domain_def) def = define(DISKS NETS "<hub type='usb'/><controller type='usb'/>");

	(void)state;
	assert_change(def, mv_domain_device_update,
		      "<disk device='cdrom' type='block'><source dev='/dev/sr0'/><target dev='hdc'/></disk>");
	assert_hides(def, "/iso");
	assert_shows(def, "<source dev='/dev/sr0'/>");
	assert_shows(def,
		     "<alias name='ua-cd'/>\n      <address type='drive' controller='0' bus='1' target='0' unit='0'/>");
	assert_change(def, mv_domain_device_update,
		      "<interface type='user'><mac address='52:54:00:00:00:02'/><link state='down'/></interface>");
	assert_shows(def, "<target dev='tap2'/>\n      <link state='down'/>");
	assert_refused(def, mv_domain_device_update, "<hub type='usb'/>", MV_ERR_OPERATION_UNSUPPORTED, "device 'hub'");
	assert_refused(def, mv_domain_device_update, "<disk><source file='/x'/><target dev='vdq'/></disk>",
		       MV_ERR_DEVICE_MISSING, "no <disk>");
}

/* Live and config; both or none. */
static void live_and_config(void **state)
{
	mv_auto(mv_error) err = NULL;
	struct mv_domobj guest = { .def = define(DISKS) }, *g = &guest;
	static const char disk[] = "<disk><source file='/new'/><target dev='vdn'/></disk>";

	(void)state;
	g->object.persistent = true;
	assert_int_equal(mv_domobj_attach_device(g, disk, MV_AFFECT_LIVE, &err), -1);
	assert_int_equal(err->code, MV_ERR_OPERATION_INVALID);
	mv_error_free(err);
	err = NULL;
	g->object.active = true;
	g->next = define(DISKS);
	assert_int_equal(mv_domobj_attach_device(g, disk, MV_AFFECT_LIVE, &err), 0);
	assert_shows(g->def, "/new");
	assert_hides(g->next, "/new");
	/* There already in what runs: the definition stays as it is as well. */
	assert_int_equal(mv_domobj_attach_device(g, disk, MV_AFFECT_LIVE | MV_AFFECT_CONFIG, &err), -1);
	mv_error_free(err);
	err = NULL;
	assert_hides(g->next, "/new");
	assert_int_equal(mv_domobj_attach_device(g, disk, MV_AFFECT_CONFIG, &err), 0);
	assert_shows(g->next, "/new");
	assert_int_equal(mv_domobj_update_device(g, "<disk><source file='/newer'/><target dev='vdn'/></disk>",
						 MV_AFFECT_LIVE | MV_AFFECT_CONFIG, &err),
			 0);
	assert_shows(g->def, "/newer");
	assert_shows(g->next, "/newer");
	assert_int_equal(mv_domobj_detach_device(g, disk, MV_AFFECT_CURRENT, &err), 0);
	assert_hides(g->def, "vdn");
	assert_shows(g->next, "vdn");
	assert_int_equal(mv_domobj_detach_device_alias(g, "ua-cd", MV_AFFECT_CONFIG, &err), 0);
	assert_shows(g->def, "ua-cd");
	assert_hides(g->next, "ua-cd");
	mv_domain_def_free(g->def);
	mv_domain_def_free(g->next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse),        cmocka_unit_test(attach), cmocka_unit_test(detach),
		cmocka_unit_test(detach_alias), cmocka_unit_test(update), cmocka_unit_test(live_and_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
