/* The specification of a guest, as text. What is accepted must be written and read back as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/conf/domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* What the specification leaves open follows from this, so that the same input gives the same. */
	static const uint8_t uuid[16] = { 0xd1, 0xc3, 0x7b };
	mv_auto(mv_domain_conf) conf = NULL;
	mv_auto(mv_domain_conf) again = NULL;
	mv_auto(mv_error) err = NULL;
	mv_autofree char *text = strndup((const char *)data, size);
	mv_autofree char *first = NULL;
	mv_autofree char *second = NULL;

	if (!text)
		return 0;
	if (mv_domain_conf_parse_as(text, uuid, &conf, &err) < 0) {
		/* A refusal has a reason. */
		if (!err || !err->message[0])
			abort();
		return 0;
	}
	if (mv_domain_conf_format(conf, &first, NULL) < 0 || mv_domain_conf_parse(first, &again, NULL) < 0 ||
	    mv_domain_conf_format(again, &second, NULL) < 0 || strcmp(first, second) != 0)
		abort();
	return 0;
}
