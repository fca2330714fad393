/* A first look at an XML document, before a parser sees it. */
#ifndef MV_CONF_PRESCAN_H
#define MV_CONF_PRESCAN_H

#include <stddef.h>

#include "engine/base/error.h"

/* Refuses in one quick pass what would cost a parser much time or memory: a document that is longer than
 * MV_CONF_MAX_DOCUMENT, invalid UTF-8, a document type declaration, more than MV_CONF_MAX_ATTRS attributes in one
 * element (which libxml2 compares each with each). *len: of the document. 0, or -1 with MV_ERR_XML. */
int mv_prescan(const char *xml, size_t *len, struct mv_error **err);

#endif
