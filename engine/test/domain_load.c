/* Guests in a test host's content. Elements of the namespace http://libvirt.org/schemas/domain/test/1.0 say in which
 * state a guest is: <test:runstate>, <test:transient/>, <test:hasmanagedsave/>, <test:domainsnapshot>. */
#define MV_ERROR_DOMAIN MV_FROM_TEST
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/domain/snapshot.h"
#include "engine/test/load.h"

#define NAMESPACE "http://libvirt.org/schemas/domain/test/1.0"

struct status {
	unsigned run_state;
	bool transient, managed_save;
	struct mv_xml_pieces children; /* all of the guest's */
};

/* The prefix of the namespace in a start tag's attributes ("test" for xmlns:test='...'); NULL: not declared. */
static const char *prefix_of(const struct mv_xml_piece *piece, size_t *len)
{
	const char *uri = memmem(piece->attrs, piece->attrs_len, NAMESPACE, strlen(NAMESPACE));
	const char *start, *end;

	if (!uri)
		return NULL;
	for (end = uri; end > piece->attrs && *end != '='; end--)
		;
	while (end > piece->attrs && (end[-1] == ' ' || end[-1] == '\n' || end[-1] == '\t'))
		end--;
	for (start = end; start > piece->attrs && start[-1] != ':' && start[-1] != ' '; start--)
		;
	if (start == piece->attrs || start[-1] != ':')
		return NULL;
	*len = (size_t)(end - start);
	return start;
}

static bool is_ours(const struct mv_xml_piece *child, const char *prefix, size_t len)
{
	return child->prefix && child->prefix_len == len && memcmp(child->prefix, prefix, len) == 0;
}

static bool is_named(const struct mv_xml_piece *child, const char *name)
{
	return child->name_len == strlen(name) && memcmp(child->name, name, child->name_len) == 0;
}

static int check_status(const struct status *status, struct mv_error **err)
{
	if (status->run_state >= MV_DOMAIN_LAST)
		return mv_error_set(err, MV_ERR_XML, "runstate '%u' out of range'", status->run_state);
	if (status->transient && status->run_state == MV_DOMAIN_SHUTOFF)
		return mv_error_set(err, MV_ERR_XML, "transient domain cannot have runstate 'shutoff'");
	if (status->managed_save && status->run_state != MV_DOMAIN_SHUTOFF)
		return mv_error_set(err, MV_ERR_XML, "domain with managedsave data can only have runstate 'shutoff'");
	return 0;
}

/* Takes the elements of the namespace out of the guest's XML (they are blanked) into *status. */
static int read_status(char *xml, struct status *status, struct mv_error **err)
{
	struct mv_xml_piece root;
	const char *prefix;
	size_t len;

	status->run_state = MV_DOMAIN_RUNNING;
	if (!strstr(xml, NAMESPACE))
		return 0;
	if (mv_xml_root(xml, strlen(xml), &root, err) < 0)
		return -1;
	prefix = prefix_of(&root, &len);
	if (!prefix)
		return 0;
	if (mv_xml_children(&root, &status->children, err) < 0)
		return -1;
	for (size_t i = 0; i < status->children.count; i++) {
		const struct mv_xml_piece *child = &status->children.pieces[i];

		if (!is_ours(child, prefix, len))
			continue;
		status->transient |= is_named(child, "transient");
		status->managed_save |= is_named(child, "hasmanagedsave");
		if (is_named(child, "runstate")) {
			mv_autofree char *text = mv_xml_text(child);
			char *end;

			status->run_state = text ? (unsigned)strtoul(text, &end, 10) : 0;
			if (!text || end == text || *end)
				return mv_error_set(err, MV_ERR_XML, "invalid runstate");
		}
	}
	return check_status(status, err);
}

static bool is_snapshot(const struct mv_xml_piece *child)
{
	return child->prefix && is_named(child, "domainsnapshot");
}

/* <test:domainsnapshot> is a <domainsnapshot> but for its name. */
static char *snapshot_xml(const struct mv_test_source *source, const struct mv_xml_piece *child, struct mv_error **err)
{
	mv_autofree char *file = mv_xml_attr(child, "file");
	char *xml;

	if (file)
		return mv_test_piece(source, child, err);
	if (asprintf(&xml, "<domainsnapshot%.*s>%.*s</domainsnapshot>", (int)child->attrs_len, child->attrs,
		     (int)child->inner_len, child->inner) < 0) {
		mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a snapshot");
		return NULL;
	}
	return xml;
}

static int load_snapshots(struct mv_domobj *guest, const struct mv_test_source *source,
			  const struct mv_xml_pieces *snapshots, struct mv_error **err)
{
	for (size_t i = 0; i < snapshots->count; i++) {
		mv_autofree char *xml = NULL;

		if (!is_snapshot(&snapshots->pieces[i]))
			continue;
		xml = snapshot_xml(source, &snapshots->pieces[i], err);
		if (!xml || mv_snapshot_load(guest, &mv_test_domain_rules, xml, err) < 0)
			return -1;
	}
	return 0;
}

/* A copy of the XML in which what read_status() has read is blank. */
static char *without_status(const char *xml, const struct status *status, struct mv_error **err)
{
	char *copy = strdup(xml);
	size_t len;

	if (!copy) {
		mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a domain");
		return NULL;
	}
	for (size_t i = 0; i < status->children.count; i++) {
		const struct mv_xml_piece *child = &status->children.pieces[i];

		if (is_snapshot(child) ||
		    (child->prefix &&
		     (is_named(child, "runstate") || is_named(child, "transient") ||
		      is_named(child, "hasmanagedsave")))) {
			len = child->len;
			memset(copy + (child->text - xml), ' ', len);
		}
	}
	return copy;
}

static int load(struct mv_test_host *host, const struct mv_test_source *source, const char *xml,
		const struct status *status, struct mv_error **err)
{
	mv_autofree char *plain = status->children.count ? without_status(xml, status, err) : NULL;
	struct mv_test_domain *dom;
	struct mv_domain_def *def;
	struct mv_domobj *guest;

	if (status->children.count && !plain)
		return -1;
	def = mv_test_domain_parse(plain ? plain : xml, false, err);
	if (!def)
		return -1;
	dom = mv_test_domain_assign(host, def, false, NULL, err);
	if (!dom)
		return -1;
	guest = &dom->guest;
	if (load_snapshots(guest, source, &status->children, err) < 0)
		return -1;
	guest->object.persistent = !status->transient;
	if (status->run_state != MV_DOMAIN_SHUTOFF && mv_test_domain_start(host, guest, MV_RUNNING_BOOTED, err) < 0)
		return -1;
	guest->managed_save = status->managed_save;
	mv_domobj_set_state(guest, (enum mv_domain_state)status->run_state, 0);
	mv_test_check_taint(dom);
	return 0;
}

int mv_test_load_domain(struct mv_test_host *host, const struct mv_test_source *source,
			const struct mv_xml_piece *piece, struct mv_error **err)
{
	mv_autofree char *xml = mv_test_piece(source, piece, err);
	struct status status = { 0 };
	int ret;

	if (!xml)
		return -1;
	ret = read_status(xml, &status, err);
	if (ret == 0)
		ret = load(host, source, xml, &status, err);
	free(status.children.pieces);
	return ret;
}
