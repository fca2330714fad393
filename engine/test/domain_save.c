/* Saving: a file holds the definition, in the format of libvirt's test driver (its magic, the length as an int, the
 * XML), so that each reads what the other has written. Managed save is only a mark. */
#define MV_ERROR_DOMAIN MV_FROM_TEST
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/test/calls.h"
#include "engine/test/driver.h"

static const char magic[] = "TestGuestMagic"; /* with its NUL in the file */
#define MAX_XML 8192

static int write_file(const char *path, const struct mv_domain_def *def, const char *xml, struct mv_error **err)
{
	mv_autofd int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	int len = (int)strlen(xml);

	if (fd < 0)
		return mv_error_set_errno(err, errno, "saving domain '%s' to '%s': open failed", def->name, path);
	if (mv_file_write_at(fd, magic, sizeof(magic), 0, path, err) < 0 ||
	    mv_file_write_at(fd, &len, sizeof(len), sizeof(magic), path, err) < 0 ||
	    mv_file_write_at(fd, xml, (size_t)len, sizeof(magic) + sizeof(len), path, err) < 0) {
		unlink(path);
		return -1;
	}
	return 0;
}

static int write_image(const char *path, const struct mv_domain_def *def, struct mv_error **err)
{
	mv_autofree char *xml = NULL;

	if (mv_domain_def_format(def, MV_CONF_SECURE, &xml, err) < 0)
		return -1;
	return write_file(path, def, xml, err);
}

/* The definition in a file, NULL with *err. */
static struct mv_domain_def *read_image(const char *path, struct mv_error **err)
{
	mv_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
	char head[sizeof(magic)], xml[MAX_XML + 1];
	int len;

	if (fd < 0)
		mv_error_set_errno(err, errno, "cannot read domain image '%s'", path);
	else if (mv_file_read_at(fd, head, sizeof(head), 0) != sizeof(head))
		mv_error_set(err, MV_ERR_SYSTEM, "incomplete save header in '%s'", path);
	else if (memcmp(head, magic, sizeof(magic)) != 0)
		mv_error_set(err, MV_ERR_INTERNAL, "mismatched header magic");
	else if (mv_file_read_at(fd, &len, sizeof(len), sizeof(magic)) != sizeof(len))
		mv_error_set(err, MV_ERR_SYSTEM, "failed to read metadata length in '%s'", path);
	else if (len < 1 || len > MAX_XML)
		mv_error_set(err, MV_ERR_INTERNAL, "length of metadata out of range");
	else if (mv_file_read_at(fd, xml, (size_t)len, sizeof(magic) + sizeof(len)) != len)
		mv_error_set(err, MV_ERR_SYSTEM, "incomplete metadata in '%s'", path);
	else {
		xml[len] = 0;
		return mv_test_domain_parse(xml, false, err);
	}
	return NULL;
}

static void stopped(struct mv_test_host *host, struct mv_domobj *guest, enum mv_shutoff_reason reason, int detail)
{
	mv_domobj_stop(guest, reason);
	mv_test_lifecycle(host, guest, MV_LIFECYCLE_STOPPED, detail);
	mv_domobj_drop_transient(guest);
}

int mv_test_domain_save_flags(struct mv_driver *drv, const struct mv_domain_save_flags_args *args, void *ret,
			      struct mv_error **err)
{
	struct mv_test_domain *dom;

	(void)ret;
	if (mv_test_check_flags(args->flags, 0, "testDomainSaveFlags", err) < 0)
		return -1;
	if (args->dxml)
		return mv_error_set(err, MV_ERR_ARGUMENT_UNSUPPORTED, "xml modification unsupported");
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom || mv_domobj_check_active(&dom->guest, err) < 0 || write_image(args->to, dom->guest.def, err) < 0)
		return -1;
	stopped(mv_test_host(drv), &dom->guest, MV_SHUTOFF_SAVED, MV_STOPPED_SAVED);
	return 0;
}

int mv_test_domain_restore_flags(struct mv_driver *drv, const struct mv_domain_restore_flags_args *args, void *ret,
				 struct mv_error **err)
{
	struct mv_test_host *host = mv_test_host(drv);
	struct mv_test_domain *dom;
	struct mv_domain_def *def;

	(void)ret;
	if (mv_test_check_flags(args->flags, 0, "testDomainRestoreFlags", err) < 0)
		return -1;
	if (args->dxml)
		return mv_error_set(err, MV_ERR_ARGUMENT_UNSUPPORTED, "xml modification unsupported");
	def = read_image(args->from, err);
	dom = def ? mv_test_domain_assign(host, def, true, NULL, err) : NULL;
	if (!dom)
		return -1;
	if (mv_test_domain_start(host, &dom->guest, MV_RUNNING_RESTORED, err) < 0) {
		mv_domobj_drop_transient(&dom->guest);
		return -1;
	}
	mv_test_lifecycle(host, &dom->guest, MV_LIFECYCLE_STARTED, MV_STARTED_RESTORED);
	return 0;
}

/* --- what is in a file --- */

int mv_test_domain_save_image_get_xml_desc(struct mv_driver *drv,
					   const struct mv_domain_save_image_get_xml_desc_args *args,
					   struct mv_domain_save_image_get_xml_desc_ret *ret, struct mv_error **err)
{
	enum { SECURE = 1 };
	struct mv_domain_def *def;
	int result;

	(void)drv;
	if (mv_test_check_flags(args->flags, SECURE, "testDomainSaveImageGetXMLDesc", err) < 0)
		return -1;
	def = read_image(args->file, err);
	if (!def)
		return -1;
	result = mv_domain_def_format(def, MV_CONF_SECURE, &ret->xml, err);
	mv_domain_def_free(def);
	return result;
}

int mv_test_domain_save_image_define_xml(struct mv_driver *drv, const struct mv_domain_save_image_define_xml_args *args,
					 void *ret, struct mv_error **err)
{
	enum { RUNNING = 2, PAUSED = 4 };
	struct mv_domain_def *old, *def;
	int result;

	(void)drv;
	(void)ret;
	if (mv_test_check_flags(args->flags, RUNNING | PAUSED, "testDomainSaveImageDefineXML", err) < 0)
		return -1;
	old = read_image(args->file, err);
	if (!old)
		return -1;
	mv_domain_def_free(old);
	def = mv_test_domain_parse(args->dxml, false, err);
	if (!def)
		return -1;
	result = write_image(args->file, def, err);
	mv_domain_def_free(def);
	return result;
}

/* --- managed save --- */

int mv_test_domain_managed_save(struct mv_driver *drv, const struct mv_domain_managed_save_args *args, void *ret,
				struct mv_error **err)
{
	enum { BYPASS_CACHE = 1, RUNNING = 2, PAUSED = 4 };
	struct mv_test_domain *dom;

	(void)ret;
	if (mv_test_check_flags(args->flags, BYPASS_CACHE | RUNNING | PAUSED, "testDomainManagedSave", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom || mv_domobj_check_active(&dom->guest, err) < 0)
		return -1;
	if (!dom->guest.object.persistent)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "cannot do managed save for transient domain");
	stopped(mv_test_host(drv), &dom->guest, MV_SHUTOFF_SAVED, MV_STOPPED_SAVED);
	dom->guest.managed_save = true;
	return 0;
}

int mv_test_domain_has_managed_save_image(struct mv_driver *drv,
					  const struct mv_domain_has_managed_save_image_args *args,
					  struct mv_domain_has_managed_save_image_ret *ret, struct mv_error **err)
{
	struct mv_test_domain *dom;

	if (mv_test_check_flags(args->flags, 0, "testDomainHasManagedSaveImage", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom)
		return -1;
	ret->result = dom->guest.managed_save;
	return 0;
}

int mv_test_domain_managed_save_remove(struct mv_driver *drv, const struct mv_domain_managed_save_remove_args *args,
				       void *ret, struct mv_error **err)
{
	struct mv_test_domain *dom;

	(void)ret;
	if (mv_test_check_flags(args->flags, 0, "testDomainManagedSaveRemove", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom)
		return -1;
	dom->guest.managed_save = false;
	return 0;
}

/* --- dump --- */

int mv_test_domain_core_dump_with_format(struct mv_driver *drv, const struct mv_domain_core_dump_with_format_args *args,
					 void *ret, struct mv_error **err)
{
	enum { CRASH = 1 };
	struct mv_test_domain *dom;
	mv_autofd int fd = -1;

	(void)ret;
	if (mv_test_check_flags(args->flags, CRASH, "testDomainCoreDumpWithFormat", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom || mv_domobj_check_active(&dom->guest, err) < 0)
		return -1;
	fd = open(args->to, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return mv_error_set_errno(err, errno, "domain '%s' coredump: failed to open %s", dom->guest.object.name,
					  args->to);
	if (mv_file_write_at(fd, magic, sizeof(magic), 0, args->to, err) < 0)
		return -1;
	if (args->dumpformat)
		return mv_error_set(err, MV_ERR_OPERATION_UNSUPPORTED, "kdump-compressed format is not supported here");
	if (args->flags & CRASH)
		stopped(mv_test_host(drv), &dom->guest, MV_SHUTOFF_CRASHED, MV_STOPPED_CRASHED);
	return 0;
}
