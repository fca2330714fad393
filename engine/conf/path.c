#include "engine/conf/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *mv_path_absolute(const char *path)
{
	char cwd[PATH_MAX];
	char *out;

	if (path[0] == '/')
		return strdup(path);
	if (!getcwd(cwd, sizeof(cwd)))
		return NULL;
	while (path[0] == '.' && path[1] == '/')
		path += 2;
	if (asprintf(&out, "%s/%s", strcmp(cwd, "/") == 0 ? "" : cwd, path) < 0)
		return NULL;
	return out;
}

static char *describe_owner(const struct stat *st)
{
	struct passwd entry, *found = NULL;
	char buf[1024];
	char *out;
	int n;

	if (getpwuid_r(st->st_uid, &entry, buf, sizeof(buf), &found) == 0 && found)
		n = asprintf(&out, "owner %s, mode %04o", found->pw_name, st->st_mode & 07777);
	else
		n = asprintf(&out, "owner uid %u, mode %04o", (unsigned)st->st_uid, st->st_mode & 07777);
	return n < 0 ? NULL : out;
}

static char *refused(const char *path, const char *act, const char *what)
{
	mv_autofree char *owner = NULL;
	struct stat st;
	char *out;

	if (stat(what, &st) == 0)
		owner = describe_owner(&st);
	if (asprintf(&out, "'%s': permission denied: uid %u may not %s '%s'%s%s%s", path, (unsigned)geteuid(), act,
		     what, owner ? " (" : "", owner ? owner : "", owner ? ")" : "") < 0)
		return NULL;
	return out;
}

/* Walks down from the root; the first folder that cannot be searched is what refuses. */
static char *explain_access(const char *path, int want)
{
	mv_autofree char *part = strdup(path);
	const char *act = (want & W_OK) && (want & R_OK) ? "read and write" : want & W_OK ? "write" : "read";

	if (!part)
		return NULL;
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (faccessat(AT_FDCWD, part, X_OK, AT_EACCESS) < 0 && errno == EACCES)
			return refused(path, "search", part);
		*slash = '/';
	}
	return refused(path, act, path);
}

static char *explain_missing(const char *path)
{
	mv_autofree char *part = strdup(path);
	struct stat st;
	char *out;
	int n = -1;

	if (!part)
		return NULL;
	for (char *slash = strchr(part + 1, '/'); slash && n < 0; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (stat(part, &st) < 0 && errno == ENOENT)
			n = asprintf(&out, "'%s': no such file: the folder '%s' does not exist", path, part);
		*slash = '/';
	}
	if (n < 0 && lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		n = asprintf(&out, "'%s': no such file: it is a symbolic link that leads nowhere", path);
	if (n < 0)
		n = asprintf(&out, "'%s': no such file", path);
	return n < 0 ? NULL : out;
}

char *mv_path_explain(const char *path, int want, int errnum)
{
	char *out;

	if (errnum == EACCES)
		return explain_access(path, want);
	if (errnum == ENOENT)
		return explain_missing(path);
	return asprintf(&out, "'%s': %s", path, strerror(errnum)) < 0 ? NULL : out;
}

bool mv_path_same(const char *a, const char *b)
{
	struct stat sa, sb;

	if (strcmp(a, b) == 0)
		return true;
	if (stat(a, &sa) < 0 || stat(b, &sb) < 0)
		return false;
	if (S_ISBLK(sa.st_mode) && S_ISBLK(sb.st_mode))
		return sa.st_rdev == sb.st_rdev;
	return sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}
