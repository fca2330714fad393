/* Elements of applications in <metadata>: one for each namespace. */
#ifndef MV_CONF_METADATA_H
#define MV_CONF_METADATA_H

#include "engine/base/error.h"

/* The element of that namespace in `metadata` (the text that a definition keeps; may be NULL), without the namespace.
 * *xml: owned; NULL: there is none. */
int mv_metadata_get(const char *metadata, const char *uri, char **xml, struct mv_error **err);
/* Puts an element (its namespace becomes `uri`, its prefix `key`) in the place of that of the namespace, in *metadata
 * (owned; NULL: it is made). element NULL: it is taken out. Errors: MV_ERR_XML. */
int mv_metadata_set(char **metadata, const char *uri, const char *key, const char *element, struct mv_error **err);

#endif
