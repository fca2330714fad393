#define MV_ERROR_DOMAIN MV_FROM_CONF
#include "engine/conf/prescan.h"

#include <string.h>

#include "engine/conf/schema.h"

static unsigned line_at(const char *xml, const char *p)
{
	unsigned line = 1;

	for (; xml < p; xml++)
		line += *xml == '\n';
	return line;
}

/* Length of the sequence at p, 0: invalid (overlong forms, surrogates and what is beyond U+10FFFF too). */
static unsigned sequence(const unsigned char *p)
{
	unsigned char low = 0x80, high = 0xbf;
	unsigned len;

	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		len = 2;
	} else if (p[0] >= 0xe0 && p[0] <= 0xef) {
		len = 3;
		low = p[0] == 0xe0 ? 0xa0 : 0x80;
		high = p[0] == 0xed ? 0x9f : 0xbf;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		len = 4;
		low = p[0] == 0xf0 ? 0x90 : 0x80;
		high = p[0] == 0xf4 ? 0x8f : 0xbf;
	} else {
		return 0;
	}
	if (p[1] < low || p[1] > high)
		return 0;
	for (unsigned i = 2; i < len; i++) {
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	}
	return len;
}

static const char *find_invalid(const char *xml, size_t len)
{
	const unsigned char *p = (const unsigned char *)xml, *end = p + len;

	while (p < end) {
		unsigned n;
		uint64_t eight;

		if (end - p >= 8) {
			memcpy(&eight, p, 8);
			if (!(eight & UINT64_C(0x8080808080808080))) {
				p += 8;
				continue;
			}
		}
		if (*p < 0x80) {
			p++;
			continue;
		}
		n = sequence(p); /* reads no further than the NUL at the end */
		if (n == 0)
			return (const char *)p;
		p += n;
	}
	return NULL;
}

/* Past the tag that begins at p. NULL: it has too many attributes. */
static const char *skip_tag(const char *p)
{
	unsigned attrs = 0;

	for (;;) {
		p += strcspn(p, ">'\"");
		if (!*p)
			return p;
		if (*p == '>')
			return p + 1;
		if (++attrs > MV_CONF_MAX_ATTRS)
			return NULL;
		p = strchr(p + 1, *p);
		if (!p)
			return "";
		p++;
	}
}

/* Not strstr(): sanitizers make it look at all that follows, each time. */
static const char *skip_past(const char *p, const char *what)
{
	size_t len = strlen(what);

	while ((p = strchr(p, *what))) {
		if (strncmp(p, what, len) == 0)
			return p + len;
		p++;
	}
	return "";
}

int mv_prescan(const char *xml, size_t *len, struct mv_error **err)
{
	const char *p, *next;

	*len = strnlen(xml, MV_CONF_MAX_DOCUMENT + 1);
	if (*len > MV_CONF_MAX_DOCUMENT)
		return mv_error_set(err, MV_ERR_XML, "the XML is longer than %u MiB", MV_CONF_MAX_DOCUMENT >> 20);
	if (*len == 0)
		return mv_error_set(err, MV_ERR_XML, "line 1: the XML is empty");
	p = find_invalid(xml, *len);
	if (p)
		return mv_error_set(err, MV_ERR_XML, "line %u: the byte 0x%02x is not valid UTF-8", line_at(xml, p),
				    (unsigned char)*p);
	for (p = strchr(xml, '<'); p; p = strchr(next, '<')) {
		if (strncmp(p, "<!--", 4) == 0)
			next = skip_past(p + 4, "-->");
		else if (strncmp(p, "<![CDATA[", 9) == 0)
			next = skip_past(p + 9, "]]>");
		else if (p[1] == '?')
			next = skip_past(p + 2, "?>");
		else if (p[1] == '!')
			return mv_error_set(err, MV_ERR_XML, "line %u: a document type declaration is not allowed",
					    line_at(xml, p));
		else
			next = skip_tag(p + 1);
		if (!next)
			return mv_error_set(err, MV_ERR_XML, "line %u: an element has more than %d attributes",
					    line_at(xml, p), MV_CONF_MAX_ATTRS);
	}
	return 0;
}
