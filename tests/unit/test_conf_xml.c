/* Configuration objects as XML: what is read, how it is written, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/secret_def.h"
#include "conf/storagepool_def.h"
#include "engine/conf/schema.h"

static void secret(void **state)
{
	static const char xml[] = "<secret ephemeral='no' private='yes'>\n"
				  "  <uuid>92b22f28-98a0-4d07-9d09-f4ab4d6d8c8d</uuid>\n"
				  "  <description>a &lt;b&gt; &amp; &quot;c&quot;</description>\n"
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
	assert_true(def->private);
	assert_string_equal(def->description, "a <b> & \"c\"");
	copy = mv_secret_def_copy(def, &err);
	assert_non_null(copy);
	assert_int_equal(mv_secret_def_format(copy, 0, &text, &err), 0);
	assert_string_equal(text, xml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secret),
	};

	return cmocka_run_group_tests_name("conf_xml", tests, NULL, NULL);
}
