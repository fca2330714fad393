/* Parts of an XML document, as `dumpxml --xpath` shows them. */
#ifndef MV_CONF_XPATH_H
#define MV_CONF_XPATH_H

#include <stdbool.h>

#include "engine/base/error.h"

/* Finds the nodes that an XPath expression names and writes them, one after the other with a newline after each, or,
 * with `wrap`, in one element <nodes>. Blanks between elements are made anew. *out is owned by the caller. Any thread.
 * Errors: MV_ERR_XML, MV_ERR_INTERNAL when the expression is wrong or gives no nodes but a number or a text. */
int mv_xpath(const char *xml, const char *expression, bool wrap, char **out, struct mv_error **err);

#endif
