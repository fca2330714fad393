/* Configuration objects as XML: what is read, how it is written, what is refused, and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/domain_def.h"
#include "conf/nwfilter_def.h"
#include "conf/secret_def.h"
#include "conf/storagevol_def.h"
#include "engine/conf/cpuset.h"
#include "engine/conf/schema.h"

#define UUID "c7a5fdbd-edaf-9455-926a-d65c16db1809"
#define DOMAIN(inside)                                                                            \
	"<domain type='test'>\n<name>g</name>\n<uuid>" UUID "</uuid>\n<memory>1048576</memory>\n" \
	"<os><type>hvm</type></os>\n" inside "</domain>"

static struct mv_domain_def *parse(const char *xml, unsigned flags, struct mv_conf_notes *notes)
{
	struct mv_domain_def *def = NULL;
	mv_auto(mv_error) err = NULL;

	if (mv_domain_def_parse(xml, flags, notes, &def, &err) < 0)
		fail_msg("%s\nis refused: %s", xml, err->message);
	return def;
}

static char *format(const struct mv_domain_def *def, unsigned flags)
{
	mv_auto(mv_error) err = NULL;
	char *xml = NULL;

	if (mv_domain_def_format(def, flags, &xml, &err) < 0)
		fail_msg("%s", err->message);
	return xml;
}

static void expect_refusal(const char *xml, unsigned flags, const char *message)
{
	mv_auto(mv_domain_def) def = NULL;
	mv_auto(mv_error) err = NULL;

	if (mv_domain_def_parse(xml, flags, NULL, &def, &err) == 0)
		fail_msg("%s\nis accepted", xml);
	assert_null(def);
	if (!err || !strstr(err->message, message))
		fail_msg("%s\nis refused with '%s' instead of '%s'", xml, err ? err->message : "nothing", message);
	assert_int_equal(err ? err->domain : 0, MV_FROM_CONF);
	assert_true(err && (err->code == MV_ERR_XML || err->code == MV_ERR_CONFIG_UNSUPPORTED));
}

static void secret(void **state)
{
	static const char xml[] = "<secret ephemeral='no' private='yes'>\n"
				  "  <uuid>92b22f28-98a0-4d07-9d09-f4ab4d6d8c8d</uuid>\n"
				  "  <description>a &lt;b&gt; &amp; &quot;c&quot; &apos;d&apos;</description>\n"
				  "  <usage type='ceph'>\n"
				  "    <name>client.admin secret</name>\n"
				  "  </usage>\n"
				  "</secret>\n";
	mv_auto(mv_error) err = NULL;
	mv_auto(mv_secret_def) def = NULL;
	mv_auto(mv_secret_def) copy = NULL;
	mv_autofree char *text = NULL;

	(void)state;
	assert_int_equal(mv_secret_def_parse(xml, 0, NULL, &def, &err), 0);
	assert_true(def->present);
	assert_false(def->ephemeral);
	assert_true(def->private);
	assert_string_equal(def->description, "a <b> & \"c\" 'd'");
	copy = mv_secret_def_copy(def, &err);
	assert_non_null(copy);
	assert_int_equal(mv_secret_def_format(copy, 0, &text, &err), 0);
	assert_string_equal(text, xml);
}

static void refusals(void **state)
{
	static const struct {
		const char *xml, *message;
	} cases[] = {
		{ "", "line 1: the XML is empty" },
		{ "text", "line 1: " },
		{ "<domain type='test'>", "line 1: " },
		{ "<domain type='test'>\n</domein>", "line 2: Opening and ending tag mismatch" },
		{ "<network/>", "line 1: unexpected root element <network>, expecting <domain>" },
		{ "<domain/>", "line 1: <domain> has no attribute 'type'" },
		{ "<domain type='test' type='kvm'/>", "line 1: Attribute type redefined" },
		{ "<domain type='tst'/>", "did you mean 'test'? one of: qemu, kqemu, kvm, " },
		{ "<domain type='test'>\n<name>\xff</name></domain>", "line 2: the byte 0xff is not valid UTF-8" },
		{ "<domain type='test'><name>\xc0\x80</name></domain>", "line 1: the byte 0xc0 is not valid UTF-8" },
		{ "<domain type='test'><name>\xed\xa0\x80</name></domain>",
		  "line 1: the byte 0xed is not valid UTF-8" },
		{ "<domain type='test'><name>\xf4\x90\x80\x80</name></domain>", "the byte 0xf4 is not valid" },
		{ "<domain type='test'><name>a\xe2\x82", "the byte 0xe2 is not valid" },
		{ "<domain type='test'><name>\x01</name></domain>", "line 1: " },
		{ "<domain type='test'><name>&#1;</name></domain>", "line 1: " },
		{ "<?xml version='1.0' encoding='ISO-8859-1'?>\n<domain type='test'/>",
		  "the encoding is 'ISO-8859-1'; it has to be UTF-8" },
		{ "\n<!DOCTYPE domain SYSTEM 'file:///etc/passwd'>\n<domain type='test'/>",
		  "line 2: a document type declaration is not allowed" },
		{ "<domain type='test'><name>&a;</name></domain>", "line 1: Entity 'a' not defined" },
		{ DOMAIN("") "<domain/>", "line 6: Extra content" },
		{ DOMAIN("<vcpu>four</vcpu>"), "line 6: the text 'four' of <vcpu> is not a whole number" },
		{ DOMAIN("<vcpu>99999999999</vcpu>"), "line 6: the text '99999999999' of <vcpu> is out of range" },
		{ DOMAIN("<vcpu>99999999999999999999999</vcpu>"), "is out of range" },
		{ DOMAIN("<vcpu>-1</vcpu>"), "is out of range" },
		{ DOMAIN("<vcpu cpuset='0-x'>1</vcpu>"), "the cpuset '0-x' of <vcpu> is not a set of numbers" },
		{ DOMAIN("<vcpu cpuset='0-99999'>1</vcpu>"), "is not a set of numbers below 16384" },
		{ DOMAIN("<currentMemory unit='zork'>1</currentMemory>"), "has the unit 'zork', which is not known" },
		{ DOMAIN("<currentMemory unit='abcdefghijklmnopqrst'>1</currentMemory>"), "the unit 'abcdef" },
		{ DOMAIN("<currentMemory unit='EiB'>16</currentMemory>"), "is out of range" },
		{ DOMAIN("<devices>\n<disk type='file'>\n<target dev='hda' bus='virtoi'/></disk></devices>"),
		  "line 8: disk bus 'virtoi' is not known; did you mean 'virtio'? one of: ide, fdc, scsi, virtio, " },
		{ DOMAIN("<devices><interface type='user'><mac address='52:54:00'/></interface></devices>"),
		  "is not a MAC address" },
		{ DOMAIN("<devices><disk type='file' snapshot='may be'><target dev='hda'/></disk></devices>"),
		  "'may be' is not known; " },
	};

	(void)state;
	for (size_t i = 0; i < MV_ARRAY_SIZE(cases); i++)
		expect_refusal(cases[i].xml, 0, cases[i].message);
}

static void notes(void **state)
{
	static const char xml[] = DOMAIN(
		"<devicez>\n<x/></devicez>\n<name>h</name>\n<devices>text<disk type='file' devize='x'><source file='/a'/>\n"
		"<target dev='hda' bus='ide'/><foo><bar/></foo></disk></devices>");
	static const struct {
		unsigned line;
		const char *path, *message;
	} wanted[] = {
		{ 6, "/domain",
		  "line 6: element 'devicez' in <domain> is not known and was left out; did you mean 'devices'?" },
		{ 8, "/domain", "line 8: element 'name' in <domain> is there twice; the second was left out" },
		{ 9, "/domain/devices", "line 9: the text in <devices> has no meaning and was left out" },
		{ 9, "/domain/devices/disk",
		  "line 9: attribute 'devize' in <disk> is not known and was left out; did you mean 'device'?" },
		{ 10, "/domain/devices/disk", "line 10: element 'foo' in <disk> is not known and was left out" },
	};
	struct mv_conf_notes found = { 0 };
	mv_auto(mv_domain_def) def = parse(xml, 0, &found);
	mv_auto(mv_domain_def) without = parse(xml, 0, NULL);

	(void)state;
	assert_string_equal(def->name, "g");
	assert_int_equal(found.count, MV_ARRAY_SIZE(wanted));
	for (size_t i = 0; i < found.count; i++) {
		assert_string_equal(found.notes[i].message, wanted[i].message);
		assert_string_equal(found.notes[i].path, wanted[i].path);
		assert_int_equal(found.notes[i].line, wanted[i].line);
	}
	mv_conf_notes_clear(&found);
	expect_refusal(xml, MV_CONF_VALIDATE,
		       "line 6: element 'devicez' in <domain> is not known; did you mean 'devices'?");
}

static void many_notes(void **state)
{
	enum { MANY = 1000 };
	struct mv_conf_notes found = { 0 };
	mv_auto(mv_domain_def) def = NULL;
	char *xml = malloc(MANY * 4 + sizeof(DOMAIN("")));
	char *p = xml;

	(void)state;
	p += sprintf(p, "%.*s", (int)(sizeof(DOMAIN("")) - sizeof("</domain>")), DOMAIN(""));
	for (int i = 0; i < MANY; i++)
		p += sprintf(p, "<x/>");
	strcpy(p, "</domain>");
	def = parse(xml, 0, &found);
	assert_string_equal(def->name, "g");
	assert_int_equal(found.count, MV_CONF_MAX_NOTES);
	assert_int_equal(found.dropped, MANY - MV_CONF_MAX_NOTES);
	mv_conf_notes_clear(&found);
	free(xml);
}

/* What only a running object has, and what is secret. */
static void flags(void **state)
{
	static const char xml[] =
		"<domain type='test' id='7'>\n<name>g</name>\n<uuid>" UUID "</uuid>\n<memory>1024</memory>\n"
		"<os><type>hvm</type></os>\n<devices><graphics type='vnc' port='5900' autoport='no' passwd='hush'/></devices></domain>";
	mv_auto(mv_domain_def) plain = parse(xml, 0, NULL);
	mv_auto(mv_domain_def) live = parse(xml, MV_CONF_LIVE, NULL);
	mv_autofree char *a = format(plain, MV_CONF_LIVE);
	mv_autofree char *b = format(live, MV_CONF_LIVE);
	mv_autofree char *c = format(live, 0);
	mv_autofree char *d = format(live, MV_CONF_SECURE);

	(void)state;
	assert_null(strstr(a, " id='7'"));
	assert_non_null(strstr(b, " id='7'"));
	assert_null(strstr(c, " id='7'"));
	assert_null(strstr(c, "hush"));
	assert_non_null(strstr(d, " passwd='hush'"));
}

static void namespaces(void **state)
{
	static const char uri[] = "http://libvirt.org/schemas/domain/qemu/1.0";
	mv_auto(mv_domain_def) def = parse("<domain type='kvm' xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>"
					   "<name>g</name><memory>1024</memory><os><type>hvm</type></os>"
					   "<q:commandline><q:arg value='-foo'/></q:commandline></domain>",
					   MV_CONF_VALIDATE, NULL);
	mv_autofree char *xml = format(def, 0);
	char *start = strstr(xml, "xmlns:qemu='");

	(void)state;
	assert_non_null(start);
	assert_memory_equal(start + 12, uri, strlen(uri));
	assert_non_null(
		strstr(xml, "  <qemu:commandline>\n    <qemu:arg value='-foo'/>\n  </qemu:commandline>\n</domain>\n"));
	/* Without its namespace it is something else. */
	expect_refusal(DOMAIN("<commandline/>"), MV_CONF_VALIDATE, "element 'commandline' in <domain> is not known");
}

/* Different elements in their common order. */
static void choices(void **state)
{
	static const char xml[] = "<filter name='a' chain='root'>\n"
				  "  <uuid>" UUID "</uuid>\n"
				  "  <filterref filter='x'/>\n"
				  "  <rule action='drop' direction='in' priority='500'/>\n"
				  "  <filterref filter='y'/>\n"
				  "</filter>\n";
	mv_auto(mv_nwfilter_def) def = NULL;
	mv_auto(mv_nwfilter_def) copy = NULL;
	mv_auto(mv_error) err = NULL;
	mv_autofree char *text = NULL;

	(void)state;
	assert_int_equal(mv_nwfilter_def_parse(xml, MV_CONF_VALIDATE, NULL, &def, &err), 0);
	assert_int_equal(def->n_entries, 3);
	assert_string_equal(def->entries[2]->filterref->filter, "y");
	copy = mv_nwfilter_def_copy(def, &err);
	assert_non_null(copy);
	assert_int_equal(mv_nwfilter_def_format(copy, 0, &text, &err), 0);
	assert_string_equal(text, xml);
}

static void sizes(void **state)
{
	static const struct {
		const char *unit;
		unsigned long long number, kib;
	} cases[] = {
		{ "", 1024, 1024 },           { "unit='b'", 1025, 2 },         { "unit='bytes'", 1024, 1 },
		{ "unit='k'", 7, 7 },         { "unit='KiB'", 7, 7 },          { "unit='KB'", 1, 1 },
		{ "unit='M'", 2, 2048 },      { "unit='MB'", 1, 977 },         { "unit='g'", 1, 1 << 20 },
		{ "unit='TiB'", 1, 1 << 30 }, { "unit='EiB'", 1, 1ull << 50 },
	};

	(void)state;
	for (size_t i = 0; i < MV_ARRAY_SIZE(cases); i++) {
		mv_auto(mv_domain_def) def = NULL;
		mv_autofree char *again = NULL;
		char xml[512], want[96];

		snprintf(
			xml, sizeof(xml),
			"<domain type='test'><name>g</name><memory %s> %llu\n</memory><os><type>hvm</type></os></domain>",
			cases[i].unit, cases[i].number);
		snprintf(want, sizeof(want), "<memory unit='KiB'>%llu</memory>", cases[i].kib);
		def = parse(xml, MV_CONF_VALIDATE, NULL);
		again = format(def, 0);
		if (!strstr(again, want))
			fail_msg("%s\nis written without %s:\n%s", xml, want, again);
	}
}

static void escaping(void **state)
{
	static const char xml[] = DOMAIN(
		"<description>1\n2\t3&#13;4 ä €</description>\n<title>t&#9;&lt;</title>"
		"<devices><disk type='file'><source file='/a&#10;b&#9;c&apos;&quot;&gt;é'/><target dev='hda'/>"
		"</disk></devices>");
	mv_auto(mv_domain_def) def = parse(xml, MV_CONF_VALIDATE, NULL);
	mv_auto(mv_domain_def) again = NULL;
	mv_autofree char *first = format(def, 0);
	mv_autofree char *second = NULL;

	(void)state;
	assert_non_null(strstr(first, "<source file='/a&#10;b&#9;c&apos;&quot;&gt;é'/>"));
	assert_non_null(strstr(first, "<description>1\n2\t3&#13;4 ä €</description>"));
	again = parse(first, MV_CONF_VALIDATE, NULL);
	second = format(again, 0);
	assert_string_equal(first, second);
	assert_string_equal(again->description, "1\n2\t3\r4 ä €");
	/* Control characters, which XML cannot have, may come from elsewhere. */
	free(again->description);
	again->description = strdup("a\001b");
	free(second);
	second = format(again, 0);
	assert_non_null(strstr(second, "<description>ab</description>"));
}

static void cpusets(void **state)
{
	static const struct {
		const char *text, *canonical;
	} cases[] = {
		{ "0", "0" },
		{ "0-3,^2,8", "0-1,3,8" },
		{ "5,4,3", "3-5" },
		{ "16383", "16383" },
		{ " 1 , 2 - 4 ", "1-4" },
		{ "63-65", "63-65" },
		{ "1,^1", NULL },
		{ "", NULL },
		{ "1,", NULL },
		{ "16384", NULL },
		{ "3-1", NULL },
		{ "a", NULL },
		{ "1-", NULL },
		{ "^", NULL },
		{ "1 2", NULL },
		{ "99999999999999999999", NULL },
	};

	(void)state;
	for (size_t i = 0; i < MV_ARRAY_SIZE(cases); i++) {
		mv_autofree char *out = NULL;
		mv_autofree char *why = NULL;
		int ret = mv_cpuset_read(cases[i].text, &out, &why);

		if ((ret == 0) != (cases[i].canonical != NULL))
			fail_msg("'%s' is %s", cases[i].text, ret == 0 ? "accepted" : "refused");
		if (ret == 0)
			assert_string_equal(out, cases[i].canonical);
		else
			assert_non_null(why);
	}
}

/* An element by itself: a device that is attached. */
static void elements(void **state)
{
	static const char xml[] = "<disk type='block' device='disk'>\n"
				  "  <source dev='/dev/sda'/>\n"
				  "  <target dev='vda' bus='virtio'/>\n"
				  "</disk>\n";
	const struct mv_conf_desc *desc = mv_conf_desc_find("disk");
	mv_auto(mv_domain_def) def = parse(DOMAIN(""), 0, NULL);
	mv_auto(mv_error) err = NULL;
	mv_autofree char *text = NULL;
	void *disk = NULL, *copy;

	(void)state;
	assert_ptr_equal(desc, &mv_disk_desc);
	assert_string_equal(desc->element, "disk");
	assert_null(mv_conf_desc_find("disc"));
	assert_int_equal(mv_conf_parse_element(desc, "disk", xml, MV_CONF_VALIDATE, NULL, &disk, &err), 0);
	assert_int_equal(mv_conf_format_element(desc, "disk", disk, 0, &text, &err), 0);
	assert_string_equal(text, xml);
	for (int i = 0; i < 5; i++) {
		copy = mv_conf_copy(desc, disk, &err);
		assert_non_null(copy);
		assert_int_equal(mv_conf_append(&def->devices.disks, &def->devices.n_disks, copy, &err), 0);
	}
	mv_conf_free(desc, mv_conf_remove(def->devices.disks, &def->devices.n_disks, 1));
	assert_int_equal(def->devices.n_disks, 4);
	/* A copy's lists grow as well. */
	mv_domain_def_free(mv_steal(def));
	mv_conf_free(desc, disk);
}

static void growing_copies(void **state)
{
	mv_auto(mv_domain_def)
		def = parse(DOMAIN("<devices><disk type='file' device='cdrom'><target dev='hda'/></disk>"
				   "<disk type='file' device='cdrom'><target dev='hdb'/></disk>"
				   "<disk type='file' device='cdrom'><target dev='hdc'/></disk></devices>"),
			    0, NULL);
	mv_auto(mv_error) err = NULL;
	mv_auto(mv_domain_def) copy = mv_domain_def_copy(def, &err);

	(void)state;
	assert_non_null(copy);
	for (int i = 0; i < 10; i++) {
		struct mv_disk_def *disk = mv_conf_copy(&mv_disk_desc, copy->devices.disks[0], &err);

		assert_non_null(disk);
		assert_int_equal(mv_conf_append(&copy->devices.disks, &copy->devices.n_disks, disk, &err), 0);
	}
	assert_int_equal(copy->devices.n_disks, 13);
}

static void metadata(void **state)
{
	mv_auto(mv_error) err = NULL;
	mv_autofree char *text = NULL;
	char *none = NULL;

	(void)state;
	assert_int_equal(mv_conf_raw_read("metadata", "<metadata><a:b xmlns:a='u'/></metadata>", &text, &err), 0);
	assert_string_equal(text, "<metadata>\n    <a:b xmlns:a=\"u\"/>\n  </metadata>");
	assert_int_equal(mv_conf_raw_read("metadata", "<other/>", &none, &err), -1);
	assert_int_equal(err->code, MV_ERR_XML);
	mv_error_free(mv_steal(err));
	assert_int_equal(mv_conf_raw_read("metadata", "</holder><holder>", &none, &err), -1);
	assert_int_equal(err->code, MV_ERR_XML);
	assert_null(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secret),     cmocka_unit_test(refusals), cmocka_unit_test(notes),
		cmocka_unit_test(many_notes), cmocka_unit_test(flags),    cmocka_unit_test(namespaces),
		cmocka_unit_test(choices),    cmocka_unit_test(sizes),    cmocka_unit_test(escaping),
		cmocka_unit_test(cpusets),    cmocka_unit_test(elements), cmocka_unit_test(growing_copies),
		cmocka_unit_test(metadata),
	};

	return cmocka_run_group_tests_name("conf_xml", tests, NULL, NULL);
}
