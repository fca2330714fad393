/* XML that is meant to do harm: refused quickly, with little memory. And what becomes of an allocation that fails: each
 * one, in turn, in reading, writing and copying.
 * limit: 180 */
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <libxml/xmlmemory.h>

#include "conf/domain_def.h"
#include "conf/network_def.h"
#include "conf/nwfilter_def.h"
#include "engine/conf/domain_complete_def.h"
#include "engine/conf/schema.h"
#include "engine/domain/devices.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_ALLOCATOR 0 /* they have theirs */
#else
#define OWN_ALLOCATOR 1
#endif

static long live;           /* allocations not freed */
static size_t bytes, peak;  /* in them, and the most there were */
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

static void *count(void *p)
{
	live += p != NULL;
	bytes += malloc_usable_size(p);
	if (bytes > peak)
		peak = bytes;
	return p;
}

static void uncount(void *p)
{
	live -= p != NULL;
	bytes -= malloc_usable_size(p);
}

void *malloc(size_t size)
{
	return count(fails() ? NULL : __libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
	return count(fails() ? NULL : __libc_calloc(n, size));
}

void *realloc(void *p, size_t size)
{
	void *grown;

	if (fails())
		return NULL;
	uncount(p);
	grown = __libc_realloc(p, size);
	count(grown ? grown : p);
	return grown;
}

void *reallocarray(void *p, size_t n, size_t size)
{
	size_t whole;

	if (__builtin_mul_overflow(n, size, &whole))
		return NULL;
	return realloc(p, whole);
}

void free(void *p)
{
	uncount(p);
	__libc_free(p);
}
#endif

/* --- harm -------------------------------------------------------------------------------------------------------- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A document of `head`, `n` times `body` and `tail`: refused with `message` (NULL: accepted), with at most `limit`
 * bytes. */
static void expect(const char *head, const char *body, size_t n, const char *tail, const char *message, size_t limit)
{
	size_t len = strlen(body);
	char *xml = malloc(strlen(head) + n * len + strlen(tail) + 1), *p = xml;
	struct mv_conf_notes notes = { 0 };
	mv_auto(mv_domain_def) def = NULL;
	mv_auto(mv_error) err = NULL;
	double start = now();
	size_t before;
	int ret;

	p = stpcpy(p, head);
	for (size_t i = 0; i < n; i++, p += len)
		memcpy(p, body, len);
	strcpy(p, tail);
	before = bytes;
	peak = bytes;
	ret = mv_domain_def_parse(xml, 0, &notes, &def, &err);
	if (ret == 0 && message)
		fail_msg("%s... %zu times is accepted", body, n);
	if (ret < 0 && (!message || !strstr(err->message, message)))
		fail_msg("%s... %zu times is refused with '%s' instead of '%s'", body, n, err->message, message);
	if (OWN_ALLOCATOR && peak - before > limit)
		fail_msg("%s... %zu times needs %zu bytes", body, n, peak - before);
	/* Generous, for slow and busy machines: what must not be is minutes. Allocations cost sanitizers far more. */
	if (now() - start > (OWN_ALLOCATOR ? 10 : 50))
		fail_msg("%s... %zu times takes %.1f s", body, n, now() - start);
	mv_conf_notes_clear(&notes);
	free(xml);
}

#define HEAD                                                                                                       \
	"<domain type='test'><name>g</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid><memory>1024</memory>" \
	"<os><type>hvm</type></os>"
#define MIB ((size_t)1 << 20)

static void long_documents(void **state)
{
	(void)state;
	expect(HEAD, "          ", 10 * MIB, "</domain>", "the XML is longer than 16 MiB", 4096);
	expect(HEAD "<description>", "aaaaaaaaaaaaaaaa", MIB / 2, "</description></domain>", NULL, 80 * MIB);
	expect("<domain type='", "aaaaaaaaaaaaaaaa", MIB / 2, "'/>", "is not known", 80 * MIB);
}

static void deep_documents(void **state)
{
	(void)state;
	expect("", "<domain>", 65, "", "", MIB);
	expect(HEAD, "<x>", 5 * MIB, "", "more than 64 deep", 40 * MIB);
	expect(HEAD "<devices>", "<disk><mirror>", MIB, "", "", 40 * MIB);
	expect(HEAD "<metadata>", "<x>", 5 * MIB, "", "more than 64 deep", 40 * MIB);
}

static void entities(void **state)
{
	(void)state;
	expect("<!DOCTYPE domain [<!ENTITY a 'aaaaaaaaaa'>",
	       "<!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>", 1000, "]><domain>&b;</domain>",
	       "a document type declaration is not allowed", 4096);
	expect("<!DOCTYPE domain [<!ENTITY a SYSTEM 'file:///etc/passwd'>", "", 0, "]><domain>&a;</domain>",
	       "a document type declaration is not allowed", 4096);
	expect("<!DOCTYPE domain SYSTEM 'http://127.0.0.1/x'>", "", 0, "<domain/>",
	       "a document type declaration is not allowed", 4096);
	expect(HEAD "<description>", "&#x41;&lt;&amp;", MIB, "</description></domain>", NULL, 80 * MIB);
}

static void many_attributes(void **state)
{
	char *xml = malloc(16 * MIB), *p = xml;
	mv_auto(mv_domain_def) def = NULL;
	mv_auto(mv_error) err = NULL;

	(void)state;
	p = stpcpy(p, "<domain");
	for (unsigned i = 0; i < MIB; i++)
		p += sprintf(p, " a%u='>'", i);
	strcpy(p, "/>");
	peak = bytes;
	assert_int_equal(mv_domain_def_parse(xml, 0, NULL, &def, &err), -1);
	assert_non_null(strstr(err->message, "more than 256 attributes"));
	free(xml);
	expect(HEAD, "<x a='\"' b=\"'\"><!-- ' --><![CDATA[ \" ]]><?p ' ?></x>", 100000, "</domain>", NULL, 40 * MIB);
	expect(HEAD "<x", " xmlns:a='u'", 300, "/></domain>", "more than 256 attributes", 4096);
}

static void long_lists(void **state)
{
	(void)state;
	expect(HEAD "<devices>", "<disk device='cdrom'><target dev='hda'/></disk>", MIB / 4, "</devices></domain>", "",
	       300 * MIB);
	expect(HEAD "<devices>", "<hub type='usb'/>", MIB / 2, "</devices></domain>", "", 300 * MIB);
	expect(HEAD "<vcpu cpuset='", "0-16383,", MIB, "1'>1</vcpu></domain>", "is not a set of numbers", 80 * MIB);
	expect(HEAD, "<zork/>", 2 * MIB, "</domain>", NULL, 40 * MIB);
	expect(HEAD, "<zork a='b'>text</zork>", MIB / 2, "</domain>", NULL, 40 * MIB);
}

/* --- failing allocations ----------------------------------------------------------------------------------------- */

static const char domain[] =
	"<domain type='test' xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><name>g</name><zork/>"
	"<uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid><metadata><a:b xmlns:a='u'>t</a:b></metadata>"
	"<memory>1024</memory><vcpu cpuset='1-3'>2</vcpu><os><type>hvm</type></os>"
	"<devices><emulator>/bin/true</emulator><disk type='file'><source file='/a'/><target dev='hda' bus='ide'/>"
	"<serial>x</serial></disk><disk type='block'><source dev='/b'/><target dev='hdb'/></disk></devices>"
	"<q:commandline><q:arg value='-foo'/></q:commandline></domain>";
/* Devices that make others: controllers, a console, a video card, names, addresses. */
static const char devices[] =
	"<domain type='test'><name>g</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid><memory>1024</memory>"
	"<os><type>hvm</type></os><devices><disk><source file='/a'/><target dev='sdh'/><alias name='ua-a'/></disk>"
	"<disk type='network'><source protocol='iscsi' name='i'><host name='h'/></source><target dev='hda'/></disk>"
	"<disk device='floppy'><target dev='fda'/></disk><filesystem fmode='644'><source dir='/s'/><target dir='t'/></filesystem>"
	"<interface type='network'><mac address='52:54:00:00:00:01'/><source network='d'/>"
	"<virtualport type='openvswitch'/></interface><smartcard mode='host'/>"
	"<serial type='unix'><source path='/x'><seclabel relabel='no'/></source></serial>"
	"<channel type='pty'><target type='virtio'/></channel><input type='tablet'/>"
	"<graphics type='vnc' listen='1.2.3.4'/><graphics type='spice' autoport='yes'><channel name='main' mode='secure'/>"
	"<channel name='main' mode='any'/></graphics><hostdev type='scsi'><source><adapter name='a'/>"
	"<address bus='0' target='0' unit='3'/></source></hostdev><controller type='usb'/>"
	"<redirfilter><usbdev class='8' vendor='1' version='2.1' allow='yes'/></redirfilter>"
	"<rng model='virtio'><backend model='random'/></rng><tpm><backend type='passthrough'/></tpm></devices></domain>";
static const char wrong[] = "<domain type='test'><devices><disk type='file'><target dev='a' bus='virtoi'/></disk>"
			    "</devices></domain>";
static const char filter[] = "<filter name='a'><rule action='drop' direction='in'><tcp srcportstart='1'/></rule>"
			     "<filterref filter='b'><parameter name='x' value='y'/></filterref></filter>";

#if OWN_ALLOCATOR
static void *sure_malloc(size_t size)
{
	return count(__libc_malloc(size));
}

static void *sure_realloc(void *p, size_t size)
{
	uncount(p);
	return count(__libc_realloc(p, size));
}

static char *sure_strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = sure_malloc(size);

	return copy ? memcpy(copy, text, size) : NULL;
}
#endif

/* libxml2 2.9 itself does not survive all failures: its allocations are counted, but do not fail here. */
static int spare_libxml(void **state)
{
	(void)state;
#if OWN_ALLOCATOR
	xmlMemSetup(free, sure_malloc, sure_realloc, sure_strdup);
#endif
	return 0;
}

static int domains(struct mv_error **err)
{
	struct mv_conf_notes notes = { 0 };
	mv_auto(mv_domain_def) def = NULL;
	mv_auto(mv_domain_def) copy = NULL;
	mv_autofree char *xml = NULL;
	int ret = mv_domain_def_parse(domain, 0, &notes, &def, err);

	mv_conf_notes_clear(&notes);
	if (ret < 0)
		return -1;
	copy = mv_domain_def_copy(def, err);
	if (!copy)
		return -1;
	return mv_domain_def_format(copy, MV_CONF_SECURE, &xml, err);
}

/* Completes a definition, and adds a device to it and takes one out. */
static int completions(struct mv_error **err)
{
	static const struct mv_domain_rules rules = { .arch = MV_ARCH_I686, .interface_prefix = "net" };
	mv_auto(mv_domain_def) def = NULL;
	struct mv_device device;
	int ret;

	if (mv_domain_def_parse(devices, 0, NULL, &def, err) < 0 || mv_domain_def_complete(def, &rules, err) < 0)
		return -1;
	if (mv_device_parse("<disk><source file='/b'/><target dev='sdz'/></disk>", 0, NULL, &device, err) < 0)
		return -1;
	ret = mv_domain_device_attach(def, &device, err);
	if (ret == 0)
		ret = mv_domain_device_update(def, &device, err);
	if (ret == 0)
		ret = mv_domain_device_detach(def, &device, err);
	mv_device_clear(&device);
	return ret < 0 ? -1 : mv_domain_device_detach_alias(def, "ua-a", err);
}

static int filters(struct mv_error **err)
{
	mv_auto(mv_nwfilter_def) def = NULL;
	mv_auto(mv_nwfilter_def) copy = NULL;
	mv_autofree char *xml = NULL;

	if (mv_nwfilter_def_parse(filter, 0, NULL, &def, err) < 0)
		return -1;
	copy = mv_nwfilter_def_copy(def, err);
	if (!copy)
		return -1;
	return mv_nwfilter_def_format(copy, 0, &xml, err);
}

static int wrongs(struct mv_error **err)
{
	mv_auto(mv_domain_def) def = NULL;

	return mv_domain_def_parse(wrong, 0, NULL, &def, err);
}

static int defaults(struct mv_error **err)
{
	mv_auto(mv_network_def) def = mv_network_def_new(err);

	return def ? 0 : -1;
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
	/* What is made once for the process is made now. */
	for (n = -1, failed = true; failed || n == 0; n++) {
		struct mv_error *err = NULL;

		before = live;
		failed = false;
		countdown = n;
		ret = act(&err);
		countdown = -1;
		if (ret < 0 && (!err || !err->message))
			fail_msg("allocation %ld: it fails without a reason", n);
		if (ret < 0 && ok && err && err->code != MV_ERR_NO_MEMORY)
			fail_msg("allocation %ld: it fails with '%s'", n, err->message);
		mv_error_free(err);
		if (n >= 0 && live != before)
			fail_msg("allocation %ld: %ld are leaked", n, live - before);
	}
	assert_int_equal(ret == 0, ok);
	assert_true(n > 3 || act == defaults);
}

static void failing_domains(void **state)
{
	(void)state;
	sweep(domains, true);
}

static void failing_completions(void **state)
{
	(void)state;
	sweep(completions, true);
}

static void failing_filters(void **state)
{
	(void)state;
	sweep(filters, true);
}

static void failing_refusals(void **state)
{
	(void)state;
	sweep(wrongs, false);
}

static void failing_defaults(void **state)
{
	(void)state;
	sweep(defaults, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_documents),
		cmocka_unit_test(deep_documents),
		cmocka_unit_test(entities),
		cmocka_unit_test(many_attributes),
		cmocka_unit_test(long_lists),
		cmocka_unit_test(failing_domains),
		cmocka_unit_test(failing_completions),
		cmocka_unit_test(failing_filters),
		cmocka_unit_test(failing_refusals),
		cmocka_unit_test(failing_defaults),
	};

	return cmocka_run_group_tests_name("conf_xml_memory", tests, spare_libxml, NULL);
}
