#include "engine/conf/raw.h"

#include <libxml/SAX2.h>
#include <libxml/tree.h>
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

static char *dump(xmlDoc *doc, xmlNode *node)
{
	xmlBuffer *buffer = xmlBufferCreate();
	const char *text;
	char *copy = NULL;

	if (!buffer)
		return NULL;
	if (xmlNodeDump(buffer, doc, node, 1, 1) >= 0) {
		text = (const char *)xmlBufferContent(buffer);
		while (*text == '\n')
			text++;
		copy = strdup(text);
	}
	xmlBufferFree(buffer);
	return copy;
}

char *mv_raw_end(xmlParserCtxt *ctxt)
{
	xmlNode *holder = ctxt->node, *copy;
	char *text = NULL;

	if (!holder || !holder->children)
		return NULL;
	xmlSAX2EndElementNs(ctxt, HOLDER, NULL, NULL);
	/* A copy declares the namespaces that it uses and that were declared outside of it. */
	copy = xmlDocCopyNode(holder->children, ctxt->myDoc, 1);
	if (copy)
		text = dump(ctxt->myDoc, copy);
	xmlFreeNode(copy);
	xmlUnlinkNode(holder);
	xmlFreeNode(holder);
	return text;
}
