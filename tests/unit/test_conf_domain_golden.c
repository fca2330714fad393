/* Definitions of domains against what libvirt makes of them: tests/golden/conf/domain/NAME.in.xml, completed, is
 * NAME.out.xml byte for byte, and stays so when it is defined again; bad/NAME.xml is refused. tests/golden/update.sh
 * makes them. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/conf/domain_complete_def.h"

#define FOLDER "tests/golden/conf/domain"

static const struct mv_domain_rules rules = { .arch = MV_ARCH_I686, .interface_prefix = "testnet" };

static char *read_text(const char *path)
{
	FILE *in = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;
	ssize_t len;

	if (!in)
		fail_msg("%s cannot be read", path);
	len = getdelim(&text, &size, 0, in);
	fclose(in);
	if (len < 0)
		fail_msg("%s is empty", path);
	return text;
}

/* The completed definition as XML; NULL: refused. */
static char *define(const char *xml, struct mv_error **err)
{
	mv_auto(mv_domain_def) def = NULL;
	char *out = NULL;

	if (mv_domain_def_parse(xml, 0, NULL, &def, err) < 0 || mv_domain_def_complete(def, &rules, err) < 0)
		return NULL;
	assert_int_equal(mv_domain_def_format(def, 0, &out, err), 0);
	return out;
}

static void check_golden(const char *name)
{
	mv_auto(mv_error) err = NULL;
	mv_autofree char *in_path = NULL, *out_path = NULL, *in = NULL, *expected = NULL, *out = NULL, *again = NULL;

	assert_true(asprintf(&in_path, FOLDER "/%s.in.xml", name) > 0);
	assert_true(asprintf(&out_path, FOLDER "/%s.out.xml", name) > 0);
	in = read_text(in_path);
	expected = read_text(out_path);
	out = define(in, &err);
	if (!out) {
		fail_msg("%s: %s", in_path, err->message);
		return;
	}
	if (strcmp(out, expected) != 0)
		fail_msg("%s: expected\n%s\ngot\n%s", in_path, expected, out);
	again = define(out, &err);
	if (!again)
		fail_msg("%s: %s", out_path, err->message);
	assert_string_equal(again, expected);
}

static void goldens(void **state)
{
	struct dirent **entries;
	int n = scandir(FOLDER, &entries, NULL, alphasort), seen = 0;

	(void)state;
	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		char *end = strstr(entries[i]->d_name, ".in.xml");

		if (end) {
			*end = 0;
			check_golden(entries[i]->d_name);
			seen++;
		}
		free(entries[i]);
	}
	free(entries);
	assert_true(seen >= 60);
}

static void refused(void **state)
{
	struct dirent **entries;
	int n = scandir(FOLDER "/bad", &entries, NULL, alphasort), seen = 0;

	(void)state;
	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		if (strstr(entries[i]->d_name, ".xml")) {
			mv_auto(mv_error) err = NULL;
			mv_autofree char *path = NULL, *in = NULL, *out = NULL;

			assert_true(asprintf(&path, FOLDER "/bad/%s", entries[i]->d_name) > 0);
			in = read_text(path);
			out = define(in, &err);
			if (out)
				fail_msg("%s is accepted:\n%s", path, out);
			assert_non_null(err);
			seen++;
		}
		free(entries[i]);
	}
	free(entries);
	assert_true(seen >= 60);
}

static void assert_refused(const char *xml, const char *message)
{
	mv_auto(mv_error) err = NULL;
	mv_autofree char *out = define(xml, &err);

	if (out)
		fail_msg("accepted: %s", xml);
	if (!strstr(err->message, message))
		fail_msg("the message is '%s', without '%s'", err->message, message);
}

#define BEGIN "<domain type='test'>\n<name>guest</name>\n<memory>1024</memory>\n<os>\n<type>hvm</type>\n"
#define END "</domain>\n"

/* A wrong value is an error with its line and what would be right. */
static void messages(void **state)
{
	(void)state;
	assert_refused(
		BEGIN "</os>\n<on_crash>destory</on_crash>\n" END,
		"line 7: lifecycle action 'destory' is not known; did you mean 'destroy'? one of: destroy, restart");
	assert_refused(BEGIN "<boot dev='hdd'/>\n</os>\n" END,
		       "line 6: boot device 'hdd' is not known; did you mean 'hd'?");
	assert_refused(BEGIN "</os>\n<features>\n<hyperv>\n<relaxd state='on'/>\n</hyperv>\n</features>\n" END,
		       "line 9: element 'relaxd' in <hyperv> is not known; did you mean 'relaxed'?");
	assert_refused(BEGIN "</os>\n<clock offset='utc' adjustment='soon'/>\n" END,
		       "line 7: the clock's adjustment 'soon'");
	assert_refused(BEGIN "</os>\n<vcpu current='3'>2</vcpu>\n" END,
		       "<vcpu current='3'> is more than the maximum, 2");
	assert_refused("<domain type='tset'><name>a</name></domain>",
		       "domain type 'tset' is not known; did you mean 'test'?");
	assert_refused("<domain type='test'><name>a/b</name></domain>", "name a/b cannot contain '/'");
}

#define DEVICES "</os>\n<devices>\n"

/* The same for devices, and what clashes. */
static void device_messages(void **state)
{
	(void)state;
	assert_refused(
		BEGIN DEVICES "<disk>\n<source file='/x'/>\n<target dev='vda' bus='virtoi'/>\n</disk>\n</devices>" END,
		"line 10: disk bus 'virtoi' is not known; did you mean 'virtio'? one of: ide, fdc, scsi, virtio");
	assert_refused(BEGIN DEVICES "<controller type='usb' model='piix4'/>\n</devices>" END,
		       "line 8: the model 'piix4' is none of a controller of the type 'usb'; one of: piix3-uhci, ");
	assert_refused(BEGIN DEVICES "<interface type='netwrok'/>\n</devices>" END,
		       "line 8: interface type 'netwrok' is not known; did you mean 'network'?");
	assert_refused(BEGIN DEVICES "<serial type='tcp'>\n<source host='a'/>\n</serial>\n</devices>" END,
		       "line 8: a character device of the type 'tcp' needs <source service='...'>");
	assert_refused(BEGIN DEVICES "<disk><source file='/x'/><target dev='vda'/></disk>\n"
				     "<disk><source file='/y'/><target dev='vda'/></disk>\n</devices>" END,
		       "target 'vda' duplicated for disk sources");
}

/* What is missing is made: a UUID, and a generation id where one is wanted. */
static void generated(void **state)
{
	static const uint8_t none[16];
	mv_auto(mv_error) err = NULL;
	mv_auto(mv_domain_def) def = NULL;

	(void)state;
	assert_int_equal(mv_domain_def_parse(BEGIN "</os>\n<genid/>\n" END, 0, NULL, &def, &err), 0);
	assert_int_equal(mv_domain_def_complete(def, &rules, &err), 0);
	assert_memory_not_equal(def->uuid, none, 16);
	assert_memory_not_equal(def->genid.value, none, 16);
	assert_int_equal(def->os.type.arch, MV_ARCH_I686);
	assert_int_equal(def->current_memory, 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goldens),         cmocka_unit_test(refused),   cmocka_unit_test(messages),
		cmocka_unit_test(device_messages), cmocka_unit_test(generated),
	};

	return cmocka_run_group_tests_name("conf_domain_golden", tests, NULL, NULL);
}
