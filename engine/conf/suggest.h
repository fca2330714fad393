/* The nearest of the names that would have been right, for messages about a wrong one. */
#ifndef MV_CONF_SUGGEST_H
#define MV_CONF_SUGGEST_H

#include <stddef.h>

/* The one of names[0..count) that `wrong` most likely was meant to be, or NULL when none is near. Borrowed from names.
 */
const char *mv_suggest(const char *wrong, const char *const *names, size_t count);

#endif
