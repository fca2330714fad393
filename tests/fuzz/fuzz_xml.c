/* Configuration objects as XML, each kind by its root element. What is accepted must be written, read back and copied
 * as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/conf/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The kind whose element comes first in the text; domains, when there is none. */
static const struct mv_conf_kind *kind_of(const char *xml)
{
	const char *tag = strchr(xml, '<');

	while (tag && (tag[1] == '?' || tag[1] == '!'))
		tag = strchr(tag + 1, '<');
	for (size_t i = 0; tag && i < mv_conf_n_kinds; i++) {
		size_t len = strlen(mv_conf_kinds[i]->element);

		if (strncmp(tag + 1, mv_conf_kinds[i]->element, len) == 0)
			return mv_conf_kinds[i];
	}
	return mv_conf_kind_find("domain");
}

static char *format(const struct mv_conf_kind *kind, const void *def)
{
	char *xml = NULL;

	if (mv_conf_format_element(kind->desc, kind->element, def, MV_CONF_LIVE | MV_CONF_SECURE, &xml, NULL) < 0)
		abort();
	return xml;
}

static void settle(const struct mv_conf_kind *kind, const void *def)
{
	mv_autofree char *first = format(kind, def);
	mv_autofree char *second = NULL;
	mv_autofree char *copied = NULL;
	void *again = NULL, *copy = mv_conf_copy(kind->desc, def, NULL);

	if (!copy || mv_conf_parse_element(kind->desc, kind->element, first, MV_CONF_LIVE, NULL, &again, NULL) < 0)
		abort();
	copied = format(kind, copy);
	second = format(kind, again);
	if (strcmp(first, copied) != 0 || strcmp(first, second) != 0)
		abort();
	mv_conf_free(kind->desc, copy);
	mv_conf_free(kind->desc, again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mv_autofree char *text = strndup((const char *)data, size);
	const struct mv_conf_kind *kind;
	struct mv_conf_notes notes = { 0 };
	mv_auto(mv_error) err = NULL;
	void *def = NULL;

	if (!text)
		return 0;
	kind = kind_of(text);
	if (mv_conf_parse_element(kind->desc, kind->element, text, MV_CONF_LIVE, &notes, &def, &err) == 0)
		settle(kind, def);
	else if (!err || !err->message[0])
		abort(); /* a refusal has a reason */
	mv_conf_free(kind->desc, def);
	mv_conf_notes_clear(&notes);
	return 0;
}
