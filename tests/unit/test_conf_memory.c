/* What becomes of an allocation that fails: each one, in turn, in everything that reads, writes and keeps guests. The
 * act succeeds or says why not, and nothing is leaked. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/api/uri.h"
#include "engine/conf/domain.h"
#include "engine/conf/path.h"
#include "engine/domain/domain.h"
#include "engine/domain/events.h"
#include "engine/state/store.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_ALLOCATOR 0 /* they have theirs */
#else
#define OWN_ALLOCATOR 1
#endif

static long live;           /* allocations not freed */
static long countdown = -1; /* until one fails; < 0: none does */
static bool failed;

#if OWN_ALLOCATOR
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);
void __libc_free(void *p);

static bool fails(void)
{
	if (countdown < 0 || countdown-- > 0)
		return false;
	failed = true;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	void *p = fails() ? NULL : __libc_malloc(size);

	live += p != NULL;
	return p;
}

void *calloc(size_t count, size_t size)
{
	void *p = fails() ? NULL : __libc_calloc(count, size);

	live += p != NULL;
	return p;
}

void *realloc(void *p, size_t size)
{
	void *grown = fails() ? NULL : __libc_realloc(p, size);

	live += !p && grown;
	return grown;
}

void *reallocarray(void *p, size_t count, size_t size)
{
	size_t whole;

	if (__builtin_mul_overflow(count, size, &whole))
		return NULL;
	return realloc(p, whole);
}

void free(void *p)
{
	live -= p != NULL;
	__libc_free(p);
}
#endif

static const char spec[] =
	"{ \"name\": \"w\", \"title\": \"t\", \"metadata\": { \"a\": [ 1 ] }, \"memory\": \"1G\", \"vcpus\": 2,"
	"  \"cpu\": { \"features\": { \"avx2\": false, \"x2apic\": true } }, \"boot\": { \"kernel\": \"k\", \"initrd\": \"/i\" },"
	"  \"disks\": [ { \"path\": \"/d0\", \"serial\": \"S1\" }, { \"path\": \"/d1\" } ], \"nics\": [ { \"tap\": \"vnet7\" }, {} ],"
	"  \"consoles\": [ {}, { \"name\": \"p\", \"log\": \"/l\" } ], \"serials\": [ { \"log\": \"/s\" } ], \"vsock\": { \"cid\": 9 } }";
static const char wrong[] =
	"{ \"name\": \"w\", \"memory\": \"1G\", \"boot\": { \"kernel\": \"/k\" }, \"disks\": [ { \"cahce\": 1 } ] }";

/* Each returns 0 or -1 with *err, and leaves nothing behind. */

static int read_and_write(struct mv_error **err)
{
	mv_auto(mv_domain_conf) conf = NULL;
	mv_autofree char *text = NULL;

	if (mv_domain_conf_parse(spec, &conf, err) < 0)
		return -1;
	return mv_domain_conf_format(conf, &text, err);
}

static int read_wrong(struct mv_error **err)
{
	mv_auto(mv_domain_conf) conf = NULL;

	return mv_domain_conf_parse(wrong, &conf, err);
}

static int check_files(struct mv_error **err)
{
	mv_auto(mv_domain_conf) conf = NULL;

	if (mv_domain_conf_parse(spec, &conf, err) < 0)
		return -1;
	return mv_domain_conf_check_files(conf, err);
}

static int read_uri(struct mv_error **err)
{
	mv_auto(mv_uri) uri = NULL;

	return mv_uri_parse("kvm:///embed?root=/a%20b&timeout=3", &uri, err);
}

static int keep_guests(struct mv_error **err)
{
	static const uint8_t uuid[16] = { 1 };
	struct mv_dom_table table = { 0 };
	struct mv_dom **list = NULL;
	size_t count = 0;
	int ret = 0;

	for (int i = 0; i < 5 && ret == 0; i++) {
		mv_auto(mv_dom) dom = mv_dom_create(sizeof(*dom), "g", uuid, err);

		if (!dom)
			ret = -1;
		else
			mv_dom_set_state(dom, MV_DOMAIN_SHUTOFF, 0, "a sentence"); /* may lose it, and nothing else */
		if (ret == 0)
			ret = mv_dom_table_add(&table, dom, err);
	}
	if (ret == 0)
		ret = mv_dom_table_list(&table, &list, &count, err);
	for (size_t i = 0; ret == 0 && i < count; i++)
		mv_dom_unref(list[i]);
	free(list);
	mv_dom_table_clear(&table);
	return ret;
}

static char root[64];

static int keep_files(struct mv_error **err)
{
	mv_auto(mv_store) store = NULL;
	mv_autofree char *text = NULL;
	char **names = NULL;
	size_t count = 0;

	if (mv_store_open(root, &store, err) < 0 || mv_store_definition_write(store, "a", "x", err) < 0 ||
	    mv_store_definition_write(store, "b", "y", err) < 0 ||
	    mv_store_definition_read(store, "a", &text, NULL, err) < 0 ||
	    mv_store_list(store->etc_fd, ".json", &names, &count, err) < 0)
		return -1;
	mv_store_names_free(names, count);
	return count == 2 ? 0 : mv_error_set(err, MV_ERR_INTERNAL, "Files are missing");
}

static int manual(struct mv_error **err)
{
	mv_autofree char *text = mv_domain_conf_manual();

	return text ? 0 : mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory");
}

/* ok: it works when nothing fails. */
static void sweep(int (*act)(struct mv_error **err), bool ok)
{
	long n, before;
	int ret;

	if (!OWN_ALLOCATOR) {
		print_message("skip: the sanitizer has an allocator of its own\n");
		skip();
	}
	mv_error_free(NULL);
	for (n = 0, failed = true; failed; n++) {
		struct mv_error *err = NULL;

		before = live;
		failed = false;
		countdown = n;
		ret = act(&err);
		countdown = -1;
		if (ret < 0 && (!err || !err->message))
			fail_msg("allocation %ld: it fails without a reason", n);
		mv_error_free(err);
		if (live != before)
			fail_msg("allocation %ld: %ld are leaked", n, live - before);
	}
	assert_int_equal(ret == 0, ok);
	assert_true(n > 3);
}

static void reading_and_writing(void **state)
{
	(void)state;
	sweep(read_and_write, true);
}

static void refusing(void **state)
{
	(void)state;
	sweep(read_wrong, false);
}

static void checking_files(void **state)
{
	(void)state;
	sweep(check_files, false);
}

static void uris(void **state)
{
	(void)state;
	sweep(read_uri, true);
}

static void guests(void **state)
{
	(void)state;
	sweep(keep_guests, true);
}

static void files(void **state)
{
	char command[128];

	(void)state;
	snprintf(root, sizeof(root), "/tmp/mv-memory-XXXXXX");
	assert_non_null(mkdtemp(root));
	strcat(root, "/x");
	sweep(keep_files, true);
	*strrchr(root, '/') = 0;
	snprintf(command, sizeof(command), "rm -rf %s", root);
	assert_int_equal(system(command), 0);
}

static void manuals(void **state)
{
	(void)state;
	sweep(manual, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading_and_writing),
		cmocka_unit_test(refusing),
		cmocka_unit_test(checking_files),
		cmocka_unit_test(uris),
		cmocka_unit_test(guests),
		cmocka_unit_test(files),
		cmocka_unit_test(manuals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
