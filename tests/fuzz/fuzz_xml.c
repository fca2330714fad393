/* Documents of all kinds of configuration objects, and what becomes of a domain when it is defined. What is accepted
 * must be written and read back as the same; what is refused has a reason. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/domain_def.h"
#include "engine/conf/domain_complete_def.h"
#include "engine/conf/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct mv_domain_rules rules = { .arch = MV_ARCH_I686, .qemu_namespace = true, .lxc_namespace = true };

static int complete(const struct mv_conf_kind *kind, void *def, struct mv_error **err)
{
	return kind->desc == &mv_domain_desc ? mv_domain_def_complete(def, &rules, err) : 0;
}

/* The document as the engine writes it; NULL: refused. */
static char *rewrite(const struct mv_conf_kind *kind, const char *xml, unsigned flags)
{
	mv_auto(mv_error) err = NULL;
	struct mv_conf_notes notes = { 0 };
	void *def = NULL, *copy;
	char *text = NULL;

	if (mv_conf_parse_element(kind->desc, kind->element, xml, flags, &notes, &def, &err) < 0 ||
	    complete(kind, def, &err) < 0) {
		if (!err || !err->message[0])
			abort();
		goto out;
	}
	copy = mv_conf_copy(kind->desc, def, &err);
	if (!copy || mv_conf_format_element(kind->desc, kind->element, copy, flags | MV_CONF_SECURE, &text, &err) < 0)
		abort();
	mv_conf_free(kind->desc, copy);
out:
	mv_conf_notes_clear(&notes);
	mv_conf_free(kind->desc, def);
	return text;
}

static void check(const struct mv_conf_kind *kind, const char *xml, unsigned flags)
{
	mv_autofree char *first = rewrite(kind, xml, flags), *second = NULL, *third = NULL;

	if (!first)
		return;
	/* What is made for a definition may have consequences the next time, once. */
	second = rewrite(kind, first, flags);
	third = second ? rewrite(kind, second, flags) : NULL;
	if (!third || strcmp(second, third) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mv_autofree char *xml = strndup((const char *)data, size);

	for (size_t i = 0; xml && i < mv_conf_n_kinds; i++) {
		char element[64] = "<";

		/* Only the kinds that it could be: the others refuse it at its first element. */
		strncat(element, mv_conf_kinds[i]->element, sizeof(element) - 2);
		if (!strstr(xml, element))
			continue;
		check(mv_conf_kinds[i], xml, 0);
		check(mv_conf_kinds[i], xml, MV_CONF_LIVE);
	}
	return 0;
}
