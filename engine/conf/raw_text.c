/* Raw elements that come from elsewhere than a document. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/conf/schema.h"

struct holder {
	bool present;
	char *raw;
};

int mv_conf_raw_read(const char *name, const char *xml, char **out, struct mv_error **err)
{
	const struct mv_conf_member member = {
		.kind = MV_CONF_RAW,
		.type = MV_CONF_T_STRING,
		.flags = MV_CONF_REQUIRED,
		.offset = offsetof(struct holder, raw),
		.by = -1,
		.name = name,
		.field = name,
	};
	const struct mv_conf_child child = { .name = name, .len = (uint8_t)strlen(name), .count = 1 };
	const struct mv_conf_desc desc = {
		.name = "holder",
		.size = sizeof(struct holder),
		.members = &member,
		.n_members = 1,
		.children = &child,
		.n_children = 1,
		.text = -1,
	};
	mv_auto(mv_error) why = NULL;
	mv_autofree char *document = NULL;
	void *holder = NULL;

	/* The reader takes documents; the element becomes one with another around it. A declaration cannot be in it. */
	if (asprintf(&document, "<holder>%s</holder>", xml) < 0) {
		document = NULL;
		return mv_error_set(err, MV_ERR_NO_MEMORY, "There is no memory left for <%s>.", name);
	}
	if (mv_conf_parse_element(&desc, "holder", document, MV_CONF_VALIDATE, NULL, &holder, &why) < 0) {
		int code = why ? why->code : MV_ERR_NO_MEMORY;

		if (code != MV_ERR_XML)
			return mv_error_set(err, MV_ERR_NO_MEMORY, "There is no memory left for <%s>.", name);
		return mv_error_set(err, MV_ERR_XML, "the text is not one element <%s> (%s)", name, why->message);
	}
	*out = ((struct holder *)holder)->raw;
	free(holder);
	return 0;
}
