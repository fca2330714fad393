#define MV_ERROR_DOMAIN MV_FROM_XML
#include "engine/conf/metadata.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/conf/prescan.h"

#define OPTIONS (XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOBLANKS)

static int no_memory(struct mv_error **err)
{
	return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for metadata");
}

static void free_doc(xmlDoc **doc)
{
	xmlFreeDoc(*doc);
}
#define auto_doc __attribute__((cleanup(free_doc))) xmlDoc *

static xmlDoc *parse(const char *xml, struct mv_error **err)
{
	xmlDoc *doc;
	size_t len;

	if (mv_prescan(xml, &len, err) < 0)
		return NULL;
	doc = xmlReadMemory(xml, (int)len, "metadata.xml", NULL, OPTIONS);
	if (!doc || !xmlDocGetRootElement(doc)) {
		const xmlError *why = xmlGetLastError();

		mv_error_set(err, MV_ERR_XML, "the metadata element is not well-formed: %s",
			     why && why->message ? why->message : "it is empty");
		xmlFreeDoc(doc);
		return NULL;
	}
	return doc;
}

static xmlNode *element_of(xmlNode *metadata, const char *uri)
{
	for (xmlNode *node = metadata->children; node; node = node->next) {
		if (node->type == XML_ELEMENT_NODE && node->ns && strcmp((const char *)node->ns->href, uri) == 0)
			return node;
	}
	return NULL;
}

static char *text_of(xmlDoc *doc, xmlNode *node, int level)
{
	xmlBuffer *buffer = xmlBufferCreate();
	char *copy = NULL;

	if (buffer && xmlNodeDump(buffer, doc, node, level, 1) >= 0)
		copy = strdup((const char *)xmlBufferContent(buffer));
	if (buffer)
		xmlBufferFree(buffer);
	return copy;
}

static bool is_of(const xmlNs *ns, const char *uri)
{
	return ns && strcmp((const char *)ns->href, uri) == 0;
}

/* Takes a namespace off an element and all below it. */
static void take_off(xmlNode *node, const char *uri)
{
	if (is_of(node->ns, uri))
		node->ns = NULL;
	for (xmlAttr *attr = node->properties; attr; attr = attr->next) {
		if (is_of(attr->ns, uri))
			attr->ns = NULL;
	}
	for (xmlNode *child = node->children; child; child = child->next) {
		if (child->type == XML_ELEMENT_NODE)
			take_off(child, uri);
	}
}

/* Forgets where the namespace is declared, after nothing has it any more. */
static void undeclare(xmlNode *node, const char *uri)
{
	for (xmlNs **at = &node->nsDef; *at;) {
		xmlNs *ns = *at;

		if (is_of(ns, uri)) {
			*at = ns->next;
			xmlFreeNs(ns);
		} else {
			at = &ns->next;
		}
	}
	for (xmlNode *child = node->children; child; child = child->next) {
		if (child->type == XML_ELEMENT_NODE)
			undeclare(child, uri);
	}
}

int mv_metadata_get(const char *metadata, const char *uri, char **xml, struct mv_error **err)
{
	auto_doc doc = NULL;
	xmlNode *found;

	*xml = NULL;
	if (!metadata)
		return 0;
	doc = parse(metadata, err);
	if (!doc)
		return -1;
	found = element_of(xmlDocGetRootElement(doc), uri);
	if (!found)
		return 0;
	take_off(found, uri);
	undeclare(found, uri);
	*xml = text_of(doc, found, 0);
	return *xml ? 0 : no_memory(err);
}

/* Everything below the element that has no namespace gets its. */
static void inject(xmlNode *node, xmlNs *ns)
{
	if (!node->ns)
		node->ns = ns;
	for (xmlNode *child = node->children; child; child = child->next) {
		if (child->type == XML_ELEMENT_NODE)
			inject(child, ns);
	}
}

static int add(xmlDoc *doc, const char *uri, const char *key, const char *element, struct mv_error **err)
{
	auto_doc other = parse(element, err);
	xmlNode *node;
	xmlNs *ns;

	if (!other)
		return -1;
	if (xmlValidateNCName((const xmlChar *)key, 0) != 0)
		return mv_error_set(err, MV_ERR_INTERNAL, "failed to validate prefix for a new XML namespace");
	node = xmlDocCopyNode(xmlDocGetRootElement(other), doc, 1);
	if (!node)
		return no_memory(err);
	ns = xmlNewNs(node, (const xmlChar *)uri, (const xmlChar *)key);
	if (!ns) {
		xmlFreeNode(node);
		return mv_error_set(err, MV_ERR_XML, "the prefix '%s' is declared in the element already", key);
	}
	inject(node, ns);
	xmlAddChild(xmlDocGetRootElement(doc), node);
	return 0;
}

int mv_metadata_set(char **metadata, const char *uri, const char *key, const char *element, struct mv_error **err)
{
	auto_doc doc = NULL;
	xmlNode *old;
	char *text;

	if (!*metadata && !element)
		return 0;
	doc = parse(*metadata ? *metadata : "<metadata/>", err);
	if (!doc)
		return -1;
	old = element_of(xmlDocGetRootElement(doc), uri);
	if (element && add(doc, uri, key, element, err) < 0)
		return -1;
	if (old) {
		xmlUnlinkNode(old);
		xmlFreeNode(old);
	}
	text = text_of(doc, xmlDocGetRootElement(doc), 1);
	if (!text)
		return no_memory(err);
	free(*metadata);
	*metadata = text;
	return 0;
}
