/* What a path of a specification leads to, and why it cannot be used. */
#ifndef MV_CONF_PATH_H
#define MV_CONF_PATH_H

#include <stdbool.h>

#include "engine/base/error.h"

/* An absolute form of `path`: relative ones are taken from the current folder. Owned; NULL with errno. */
char *mv_path_absolute(const char *path);

/* One sentence without a full stop on why using `path` failed with errnum, that names the component that is missing or
 * refuses, its owner and mode, and the user id that asked: "'/srv/vm/a.raw': permission denied: uid 1000 may not search
 * '/srv/vm' (owner root, mode 0700)". want: R_OK, W_OK or both. Owned; never NULL unless memory is out. */
char *mv_path_explain(const char *path, int want, int errnum);

/* Whether two paths are the same file or block device. False when either does not exist, unless the texts are equal. */
bool mv_path_same(const char *a, const char *b);

#endif
