/* A guest's configuration from a specification and back. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include "engine/conf/domain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/conf/json.h"
#include "engine/conf/path.h"

static const struct mv_key root_key;

int mv_domain_conf_parse_as(const char *json, const uint8_t uuid[16], struct mv_domain_conf **out,
			    struct mv_error **err)
{
	mv_autojson json_t *value = mv_json_parse(json, err);
	mv_auto(mv_domain_conf) conf = NULL;

	if (!value)
		return -1;
	conf = calloc(1, sizeof(*conf));
	if (!conf)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory while a specification was read");
	if (mv_object_preset(&mv_domain_object, conf, err) < 0 ||
	    mv_json_read(&mv_domain_object, conf, value, &root_key, err) < 0)
		return -1;
	if (uuid && mv_uuid_is_zero(conf->uuid))
		memcpy(conf->uuid, uuid, sizeof(conf->uuid));
	if (mv_domain_conf_complete(conf, err) < 0)
		return -1;
	*out = mv_steal(conf);
	return 0;
}

int mv_domain_conf_parse(const char *json, struct mv_domain_conf **out, struct mv_error **err)
{
	return mv_domain_conf_parse_as(json, NULL, out, err);
}

void mv_domain_conf_free(struct mv_domain_conf *conf)
{
	if (!conf)
		return;
	mv_object_clear(&mv_domain_object, conf);
	free(conf);
}

int mv_domain_conf_format(const struct mv_domain_conf *conf, char **json, struct mv_error **err)
{
	mv_autojson json_t *value = mv_json_write(&mv_domain_object, conf);

	*json = value ? json_dumps(value, JSON_INDENT(2)) : NULL;
	if (!*json)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory while the definition of '%s' was written",
				    conf->name);
	return 0;
}

int mv_domain_conf_peek_name(const char *json, char **name, struct mv_error **err)
{
	mv_autojson json_t *value = mv_json_parse(json, err);
	const char *text;

	if (!value)
		return -1;
	*name = NULL;
	text = json_string_value(json_object_get(value, "name"));
	if (!text || !mv_domain_name_valid(text))
		return 0; /* reading the whole will say what is wrong */
	*name = strdup(text);
	return *name ? 0 : mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory while a specification was read");
}

/* --- files --- */

static int refuse_path(const struct mv_key *key, const char *path, int want, int errnum, struct mv_error **err)
{
	mv_autofree char *why = mv_path_explain(path, want, errnum);

	return mv_key_error(err, key, MV_ERR_XML, "%s", why ? why : strerror(errnum));
}

static int check_file(const struct mv_key *key, const char *path, int want, bool block_allowed, struct mv_error **err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return refuse_path(key, path, want, errno, err);
	if (!S_ISREG(st.st_mode) && !(block_allowed && S_ISBLK(st.st_mode)))
		return mv_key_error(err, key, MV_ERR_XML, "'%s' is a %s; %s is wanted", path,
				    S_ISDIR(st.st_mode) ? "folder" : "special file",
				    block_allowed ? "a raw image file or a block device" : "a file");
	if (faccessat(AT_FDCWD, path, want, AT_EACCESS) < 0)
		return refuse_path(key, path, want, errno, err);
	return 0;
}

static int check_disk_file(const struct mv_disk_conf *disk, const struct mv_key *key, struct mv_error **err)
{
	mv_autofree char *folder = NULL;
	char *slash;

	if (!disk->size || access(disk->path, F_OK) == 0 || errno != ENOENT)
		return check_file(key, disk->path, disk->read_only ? R_OK : R_OK | W_OK, true, err);
	/* It will be made: its folder must take it. */
	folder = strdup(disk->path);
	if (!folder)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory while a specification was checked");
	slash = strrchr(folder, '/');
	slash[slash == folder] = 0;
	if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) < 0)
		return refuse_path(key, errno == EACCES ? folder : disk->path, W_OK, errno, err);
	return 0;
}

int mv_domain_conf_check_files(const struct mv_domain_conf *conf, struct mv_error **err)
{
	const struct mv_key boot = { .parent = &root_key, .name = "boot" };
	const struct mv_key disks = { .parent = &root_key, .name = "disks" };
	const struct mv_key kernel = { .parent = &boot, .name = "kernel" };
	const struct mv_key initrd = { .parent = &boot, .name = "initrd" };

	if (check_file(&kernel, conf->boot.kernel, R_OK, false, err) < 0)
		return -1;
	if (conf->boot.initrd && check_file(&initrd, conf->boot.initrd, R_OK, false, err) < 0)
		return -1;
	for (size_t i = 0; i < conf->disk_count; i++) {
		const struct mv_key disk = { .parent = &disks, .index = i + 1 };
		const struct mv_key path = { .parent = &disk, .name = "path" };

		if (check_disk_file(&conf->disks[i], &path, err) < 0)
			return -1;
	}
	return 0;
}
