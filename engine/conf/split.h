/* Takes an XML document apart into pieces of text, without reading what is in them: for files that hold many objects,
 * each of which its own reader reads. Only what separates the pieces is checked (tags must match); the readers check
 * the rest. Pieces point into the text that was given. */
#ifndef MV_CONF_SPLIT_H
#define MV_CONF_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

struct mv_xml_piece {
	const char *text; /* from '<' of the start tag to '>' of the end tag */
	size_t len;
	const char *prefix; /* of the name; NULL when there is none */
	size_t prefix_len;
	const char *name; /* without the prefix */
	size_t name_len;
	const char *attrs; /* after the name, up to the tag's end */
	size_t attrs_len;
	const char *inner; /* between the tags */
	size_t inner_len;
	unsigned line; /* of the start tag */
};

struct mv_xml_pieces {
	struct mv_xml_piece *pieces;
	size_t count;
};

/* The root element of a document of `len` bytes. Errors: MV_ERR_XML. */
int mv_xml_root(const char *xml, size_t len, struct mv_xml_piece *root, struct mv_error **err);
/* The child elements of a piece; *out is owned: free(out->pieces). Errors: MV_ERR_XML. */
int mv_xml_children(const struct mv_xml_piece *parent, struct mv_xml_pieces *out, struct mv_error **err);

bool mv_xml_is(const struct mv_xml_piece *piece, const char *name);
/* Owned copies, NULL when there is no such attribute, or no memory. The text is not decoded: for plain words. */
char *mv_xml_attr(const struct mv_xml_piece *piece, const char *name);
char *mv_xml_text(const struct mv_xml_piece *piece); /* without the white space around it */

#endif
