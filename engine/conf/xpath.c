/* SPDX-License-Identifier: MIT */
#define MV_ERROR_DOMAIN MV_FROM_XML
#include "engine/conf/xpath.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xpath.h>
#include <stdlib.h>
#include <string.h>

#include "engine/conf/prescan.h"

#define MAX_OPERATIONS 1000000 /* a few steps for each node of a large document */

MV_AUTO_DEFINE(_xmlDoc, xmlFreeDoc)
MV_AUTO_DEFINE(_xmlBuffer, xmlBufferFree)
MV_AUTO_DEFINE(_xmlXPathContext, xmlXPathFreeContext)
MV_AUTO_DEFINE(_xmlXPathObject, xmlXPathFreeObject)

static int no_memory(struct mv_error **err)
{
	return mv_error_set(err, MV_ERR_NO_MEMORY, "There is no memory left for reading XML.");
}

/* libxml2 would write what is wrong to standard error. */
static void ignore_error(void *data, xmlErrorPtr error)
{
	(void)data;
	(void)error;
}

static int dump(xmlBuffer *buffer, xmlDoc *doc, xmlNode *node, struct mv_error **err)
{
	if (xmlNodeDump(buffer, doc, node, 0, 1) < 0 || xmlBufferCat(buffer, BAD_CAST "\n") != 0)
		return no_memory(err);
	return 0;
}

/* Puts a copy of a node into <nodes>; an attribute becomes one of <nodes> itself. */
static int wrap_node(xmlDoc *doc, xmlNode *root, xmlNode *node, struct mv_error **err)
{
	xmlNode *copy = xmlDocCopyNode(node, doc, 1);

	if (!copy)
		return no_memory(err);
	/* Text that follows text is joined to it, and an attribute takes the place of one of its name: then the copy is
	 * freed, which is as it should be. */
	if (!xmlAddChild(root, copy)) {
		xmlFreeNode(copy);
		return no_memory(err);
	}
	return 0;
}

static int write_wrapped(const xmlNodeSet *nodes, xmlBuffer *buffer, struct mv_error **err)
{
	mv_auto(_xmlDoc) doc = xmlNewDoc(BAD_CAST "1.0");
	xmlNode *root = doc ? xmlNewDocNode(doc, NULL, BAD_CAST "nodes", NULL) : NULL;

	if (!root)
		return no_memory(err);
	xmlDocSetRootElement(doc, root);
	for (int i = 0; nodes && i < nodes->nodeNr; i++) {
		if (wrap_node(doc, root, nodes->nodeTab[i], err) < 0)
			return -1;
	}
	return dump(buffer, doc, root, err);
}

static int write_nodes(xmlDoc *doc, const xmlXPathObject *found, bool wrap, xmlBuffer *buffer, struct mv_error **err)
{
	const xmlNodeSet *nodes = found->nodesetval;

	if (wrap)
		return write_wrapped(nodes, buffer, err);
	for (int i = 0; nodes && i < nodes->nodeNr; i++) {
		if (dump(buffer, doc, nodes->nodeTab[i], err) < 0)
			return -1;
	}
	return 0;
}

int mv_xpath(const char *xml, const char *expression, bool wrap, char **out, struct mv_error **err)
{
	mv_auto(_xmlDoc) doc = NULL;
	mv_auto(_xmlXPathContext) context = NULL;
	mv_auto(_xmlXPathObject) found = NULL;
	mv_auto(_xmlBuffer) buffer = NULL;
	size_t len;

	if (mv_prescan(xml, &len, err) < 0)
		return -1;
	doc = xmlReadMemory(xml, (int)len, NULL, NULL,
			    XML_PARSE_NONET | XML_PARSE_NOBLANKS | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (!doc)
		return mv_error_set(err, MV_ERR_XML, "the text is not XML");
	context = xmlXPathNewContext(doc);
	buffer = xmlBufferCreate();
	if (!context || !buffer)
		return no_memory(err);
	context->error = ignore_error;
	context->opLimit = MAX_OPERATIONS;
	found = xmlXPathEvalExpression(BAD_CAST expression, context);
	if (!found || found->type != XPATH_NODESET)
		return mv_error_set(err, MV_ERR_INTERNAL, "Incorrect xpath '%s'", expression);
	if (write_nodes(doc, found, wrap, buffer, err) < 0)
		return -1;
	*out = strdup((const char *)xmlBufferContent(buffer));
	return *out ? 0 : no_memory(err);
}
