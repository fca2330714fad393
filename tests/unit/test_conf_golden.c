/* Documents of each kind but domains (test_conf_domain_golden.c), read and written again:
 * tests/golden/conf/KIND/NAME.in.xml must become NAME.out.xml, which was made by libvirt where its test driver has that
 * kind of object (tests/golden/update.sh), and which must become itself. Those in bad/ are refused by libvirt and must
 * be refused. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/conf/schema.h"

#define FOLDER "tests/golden/conf"

static char *read_text(const char *path)
{
	char *text = NULL;
	size_t size;
	FILE *f = fopen(path, "re");

	if (!f)
		fail_msg("%s cannot be opened", path);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	size = (size_t)ftell(f);
	rewind(f);
	text = malloc(size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, size, f), size);
	text[size] = '\0';
	fclose(f);
	return text;
}

/* What the kind makes of the document. */
static unsigned failures;
static bool verbose; /* with GOLDEN_VERBOSE in the environment: shows what is said about bad documents */

/* What the kind makes of the document; NULL when it refuses it. */
static char *through(const struct mv_conf_kind *kind, const char *xml, const char *path)
{
	mv_auto(mv_error) err = NULL;
	struct mv_conf_notes notes = { 0 };
	void *def = NULL, *copy;
	char *text = NULL;

	if (mv_conf_parse_element(kind->desc, kind->element, xml, 0, &notes, &def, &err) < 0) {
		print_error("%s: %s\n", path, err->message);
		failures++;
	} else {
		copy = mv_conf_copy(kind->desc, def, &err);
		assert_non_null(copy);
		mv_conf_free(kind->desc, def);
		assert_int_equal(mv_conf_format_element(kind->desc, kind->element, copy, MV_CONF_SECURE, &text, &err),
				 0);
		mv_conf_free(kind->desc, copy);
	}
	mv_conf_notes_clear(&notes);
	return text;
}

static void compare(const char *got, const char *wanted, const char *path)
{
	size_t line = 1, i = 0, start = 0;

	for (; got[i] == wanted[i] && got[i]; i++)
		if (got[i] == '\n')
			line++, start = i + 1;
	if (got[i] == wanted[i])
		return;
	print_error("%s, line %zu:\n  %.*s\nshould be\n  %.*s\n", path, line, (int)strcspn(got + start, "\n"),
		    got + start, (int)strcspn(wanted + start, "\n"), wanted + start);
	failures++;
}

static unsigned check_folder(const struct mv_conf_kind *kind, const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned count = 0;

	/* cppcheck-suppress readdirCalled ; the stream is this function's own */
	while (dir && (entry = readdir(dir))) {
		char in[600], out[600];
		size_t len = strlen(entry->d_name);
		char *source, *wanted, *got, *again;

		if (len < 8 || strcmp(entry->d_name + len - 7, ".in.xml") != 0)
			continue;
		snprintf(in, sizeof(in), "%s/%s", folder, entry->d_name);
		snprintf(out, sizeof(out), "%s/%.*s.out.xml", folder, (int)(len - 7), entry->d_name);
		source = read_text(in);
		wanted = read_text(out);
		got = through(kind, source, in);
		if (got)
			compare(got, wanted, in);
		again = through(kind, wanted, out);
		if (again)
			compare(again, wanted, out);
		free(source);
		free(wanted);
		free(got);
		free(again);
		count++;
	}
	if (dir)
		closedir(dir);
	return count;
}

static void check_bad(const struct mv_conf_kind *kind, const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	/* cppcheck-suppress readdirCalled ; the stream is this function's own */
	while (dir && (entry = readdir(dir))) {
		mv_auto(mv_error) err = NULL;
		mv_autofree char *source = NULL;
		char path[600];
		void *def = NULL;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		source = read_text(path);
		if (mv_conf_parse_element(kind->desc, kind->element, source, 0, NULL, &def, &err) == 0) {
			print_error("%s is accepted\n", path);
			failures++;
			mv_conf_free(kind->desc, def);
		} else if (verbose) {
			print_message("%s: %s\n", path, err->message);
		}
	}
	if (dir)
		closedir(dir);
}

static void test_golden_files(void **state)
{
	unsigned count = 0;

	(void)state;
	verbose = getenv("GOLDEN_VERBOSE");
	for (size_t i = 0; i < mv_conf_n_kinds; i++) {
		char folder[300];

		if (strcmp(mv_conf_kinds[i]->name, "domain") == 0)
			continue;
		snprintf(folder, sizeof(folder), FOLDER "/%s", mv_conf_kinds[i]->name);
		count += check_folder(mv_conf_kinds[i], folder);
		snprintf(folder, sizeof(folder), FOLDER "/%s/bad", mv_conf_kinds[i]->name);
		check_bad(mv_conf_kinds[i], folder);
	}
	assert_true(count > 0);
	assert_int_equal(failures, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_golden_files) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
