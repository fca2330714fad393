#include "engine/conf/raw.h"

#include <libxml/SAX2.h>
#include <libxml/tree.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HOLDER (const xmlChar *)"holder"

int mv_raw_begin(xmlParserCtxt *ctxt, const xmlChar **namespaces, unsigned count)
{
	if (!ctxt->myDoc)
		xmlSAX2StartDocument(ctxt);
	if (!ctxt->myDoc)
		return -1;
	if (!ctxt->myDoc->dict) {
		ctxt->myDoc->dict = ctxt->dict;
		xmlDictReference(ctxt->dict);
	}
	/* An element above it has the namespaces that were declared further out. */
	xmlSAX2StartElementNs(ctxt, xmlDictLookup(ctxt->dict, HOLDER, -1), NULL, NULL, (int)count, namespaces, 0, 0,
			      NULL);
	return ctxt->node ? 0 : -1;
}

static void drop(xmlNode *node)
{
	xmlUnlinkNode(node);
	xmlFreeNode(node);
}

static bool same_space(const xmlNode *a, const xmlNode *b)
{
	return a->ns && b->ns && xmlStrEqual(a->ns->href, b->ns->href);
}

/* Each child is an application's, told apart by its namespace: like libvirt, only the first of each namespace stays,
 * and nothing without one. The number of elements that went. */
static unsigned sanitise(xmlNode *node)
{
	unsigned dropped = 0;

	for (xmlNode *child = node->children, *next; child; child = next) {
		next = child->next;
		if (!child->ns || !child->ns->href) {
			dropped += child->type == XML_ELEMENT_NODE;
			drop(child);
			continue;
		}
		for (xmlNode *other = node->children; other != child; other = other->next) {
			if (same_space(other, child)) {
				dropped++;
				drop(child);
				break;
			}
		}
	}
	return dropped;
}

static char *dump(xmlDoc *doc, xmlNode *node, unsigned level)
{
	xmlBuffer *buffer = xmlBufferCreate();
	const char *text;
	char *copy = NULL;

	if (!buffer)
		return NULL;
	if (xmlNodeDump(buffer, doc, node, (int)level, 1) >= 0) {
		text = (const char *)xmlBufferContent(buffer);
		while (*text == '\n')
			text++;
		copy = strdup(text);
	}
	xmlBufferFree(buffer);
	return copy;
}

char *mv_raw_end(xmlParserCtxt *ctxt, unsigned *dropped)
{
	xmlNode *holder = ctxt->node, *copy;
	char *text = NULL;

	if (!holder || !holder->children)
		return NULL;
	xmlSAX2EndElementNs(ctxt, HOLDER, NULL, NULL);
	/* A copy declares the namespaces that it uses and that were declared outside of it. */
	copy = xmlDocCopyNode(holder->children, ctxt->myDoc, 1);
	if (copy) {
		if (dropped)
			*dropped = sanitise(copy);
		text = dump(ctxt->myDoc, copy, 1);
	}
	xmlFreeNode(copy);
	xmlUnlinkNode(holder);
	xmlFreeNode(holder);
	return text;
}

char *mv_raw_lay_out(const char *text, unsigned level)
{
	int options = XML_PARSE_NONET | XML_PARSE_NOBLANKS | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
	xmlDoc *doc = xmlReadMemory(text, (int)strlen(text), NULL, NULL, options);
	char *copy = NULL;

	if (doc && xmlDocGetRootElement(doc))
		copy = dump(doc, xmlDocGetRootElement(doc), level);
	xmlFreeDoc(doc);
	return copy;
}
