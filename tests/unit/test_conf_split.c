/* Documents taken apart, and elements of applications in metadata. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/conf/metadata.h"
#include "engine/conf/split.h"

static void pieces(void **state)
{
	static const char xml[] = "<?xml version='1.0'?>\n<!-- <no> -->\n<node a='1' b = \"x>y\" >\n"
				  " <one/>text<p:two c='3'> in <one>side</one> </p:two>\n"
				  " <![CDATA[<three/>]]><four  \n/>\n</node>\n<!-- end -->\n";
	struct mv_xml_pieces children;
	struct mv_xml_piece root;

	(void)state;
	assert_int_equal(mv_xml_root(xml, strlen(xml), &root, NULL), 0);
	assert_true(mv_xml_is(&root, "node"));
	assert_int_equal(root.line, 3);
	mv_autofree char *a = mv_xml_attr(&root, "a"), *b = mv_xml_attr(&root, "b");
	assert_string_equal(a, "1");
	assert_string_equal(b, "x>y");
	assert_null(mv_xml_attr(&root, "c"));
	assert_int_equal(mv_xml_children(&root, &children, NULL), 0);
	assert_int_equal(children.count, 3);
	assert_true(mv_xml_is(&children.pieces[0], "one"));
	assert_int_equal(children.pieces[0].len, strlen("<one/>"));
	assert_false(mv_xml_is(&children.pieces[1], "two")); /* it has a prefix */
	assert_memory_equal(children.pieces[1].prefix, "p", 1);
	mv_autofree char *text = mv_xml_text(&children.pieces[1]), *c = mv_xml_attr(&children.pieces[1], "c");
	assert_string_equal(text, "in <one>side</one>");
	assert_string_equal(c, "3");
	assert_true(mv_xml_is(&children.pieces[2], "four"));
	assert_int_equal(children.pieces[2].line, 5);
	free(children.pieces);
}

static void broken(void **state)
{
	static const struct {
		const char *xml, *message;
	} cases[] = {
		{ "", "line 1: the document is empty" },
		{ "text", "line 1: the document is empty" },
		{ "<a>", "line 1: element 'a' does not end" },
		{ "<a><b></a>", "line 1: element 'a' does not end" },
		{ "<a></b>", "line 1: element 'a' ends as 'b' in line 1" },
		{ "</a>", "line 1: an element ends that has not begun" },
		{ "<a", "line 1: a tag is malformed" },
		{ "<a b='1>", "line 1: a tag is malformed" },
		{ "<>", "line 1: a tag is malformed" },
		{ "<a/>\n<b/>", "line 2: there is more than one root element" },
		{ "\n<!-- ", "line 2: a comment, CDATA section or instruction does not end" },
		{ "<!DOCTYPE a><a/>", "line 1: a document type definition is not accepted" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		mv_auto(mv_error) err = NULL;
		struct mv_xml_piece root;

		assert_int_equal(mv_xml_root(cases[i].xml, strlen(cases[i].xml), &root, &err), -1);
		assert_int_equal(err->code, MV_ERR_XML);
		assert_string_equal(err->message, cases[i].message);
	}
}

/* Whatever a document is cut to, it is an error, and nothing beyond its end is looked at. */
static void cut(void **state)
{
	static const char xml[] = "<?a?><!-- b --><c d='e'><![CDATA[f]]><g/></c>";

	(void)state;
	for (size_t len = 0; len < strlen(xml); len++) {
		mv_autofree char *copy = malloc(len + 1);
		struct mv_xml_piece root;

		memcpy(copy, xml, len);
		assert_int_equal(mv_xml_root(copy, len, &root, NULL), -1);
	}
}

static void metadata(void **state)
{
	char *raw = NULL, *xml = NULL;
	mv_auto(mv_error) err = NULL;

	(void)state;
	assert_int_equal(mv_metadata_get(NULL, "http://x", &xml, NULL), 0);
	assert_null(xml);
	assert_int_equal(mv_metadata_set(&raw, "http://x", "k", NULL, NULL), 0);
	assert_null(raw);
	assert_int_equal(mv_metadata_set(&raw, "http://x", "k", "<a><b c='1'/>t</a>", NULL), 0);
	assert_non_null(strstr(raw, "<k:a xmlns:k=\"http://x\"><k:b c=\"1\"/>t</k:a>"));
	assert_int_equal(mv_metadata_set(&raw, "http://y", "l", "<z xmlns:w='http://w'><w:q/></z>", NULL), 0);
	assert_int_equal(mv_metadata_get(raw, "http://x", &xml, NULL), 0);
	assert_string_equal(xml, "<a><b c=\"1\"/>t</a>");
	free(xml);
	assert_int_equal(mv_metadata_get(raw, "http://y", &xml, NULL), 0);
	assert_string_equal(xml, "<z xmlns:w=\"http://w\">\n  <w:q/>\n</z>");
	free(xml);
	assert_int_equal(mv_metadata_set(&raw, "http://x", "j", "<n/>", NULL), 0); /* in its place */
	assert_null(strstr(raw, "k:a"));
	assert_non_null(strstr(raw, "<j:n xmlns:j=\"http://x\"/>"));
	xml = NULL;
	assert_int_equal(mv_metadata_set(&raw, "http://z", "k", "<a xmlns:q='http://z'><b q:c='1'><d/></b></a>", NULL),
			 0);
	assert_int_equal(mv_metadata_get(raw, "http://z", &xml, NULL), 0);
	assert_null(strstr(xml, "http://z"));
	free(xml);
	assert_int_equal(mv_metadata_set(&raw, "http://z", NULL, NULL, NULL), 0);
	assert_int_equal(mv_metadata_set(&raw, "http://x", "k", "<a", &err), -1);
	assert_int_equal(mv_metadata_set(&raw, "http://x", "a b", "<a/>", NULL), -1);
	assert_int_equal(mv_metadata_set(&raw, "http://x", "k", "<!DOCTYPE a><a/>", NULL), -1);
	assert_non_null(strstr(raw, "<j:n"));
	assert_int_equal(mv_metadata_set(&raw, "http://x", NULL, NULL, NULL), 0);
	assert_int_equal(mv_metadata_set(&raw, "http://y", NULL, NULL, NULL), 0);
	assert_string_equal(raw, "<metadata/>");
	free(raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces),
		cmocka_unit_test(broken),
		cmocka_unit_test(cut),
		cmocka_unit_test(metadata),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
