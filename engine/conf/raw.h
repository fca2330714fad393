/* Elements that are kept as they are (metadata): libxml2 builds a tree of them, which is written in the form in which
 * libvirt writes it. Only for files that have libxml2. */
#ifndef MV_CONF_RAW_H
#define MV_CONF_RAW_H

#include <libxml/parser.h>

/* From here on, what is passed to xmlSAX2* becomes a tree. `namespaces` are the pairs of prefix and URI in scope. 0, or
 * -1: no memory. */
int mv_raw_begin(xmlParserCtxt *ctxt, const xmlChar **namespaces, unsigned count);
/* After the element's end: its text, owned, laid out for one level of indentation, without a newline at its end. NULL:
 * no memory. */
char *mv_raw_end(xmlParserCtxt *ctxt, unsigned *dropped);

/* Text that mv_raw_end() made, laid out for another level, owned. NULL: no memory (or it is no such text). */
char *mv_raw_lay_out(const char *text, unsigned level);

#endif
