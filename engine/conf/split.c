#define MV_ERROR_DOMAIN MV_FROM_XML
#include "engine/conf/split.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct scanner {
	const char *at, *end;
	unsigned line;
};

static void skip_to(struct scanner *s, const char *to)
{
	for (const char *nl = s->at; (nl = memchr(nl, '\n', (size_t)(to - nl))); nl++)
		s->line++;
	s->at = to;
}

/* After the first `word` at or after s->at; false when there is none. */
static bool skip_past(struct scanner *s, const char *word)
{
	const char *found = memmem(s->at, (size_t)(s->end - s->at), word, strlen(word));

	if (!found)
		return false;
	skip_to(s, found + strlen(word));
	return true;
}

static bool starts(const struct scanner *s, const char *word)
{
	size_t len = strlen(word);

	return (size_t)(s->end - s->at) >= len && memcmp(s->at, word, len) == 0;
}

static int broken(const struct scanner *s, const char *what, struct mv_error **err)
{
	return mv_error_set(err, MV_ERR_XML, "line %u: %s", s->line, what);
}

enum tag { TAG_START, TAG_EMPTY, TAG_END, TAG_NONE };

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.' || c == ':' || (unsigned char)c >= 0x80;
}

/* Moves behind the next tag and fills name, attrs, text (its start) and line of *tag. Returns enum tag, or -1. */
static int next_tag(struct scanner *s, struct mv_xml_piece *tag, struct mv_error **err)
{
	for (;;) {
		const char *open = memchr(s->at, '<', (size_t)(s->end - s->at));
		bool past;

		if (!open) {
			skip_to(s, s->end);
			return TAG_NONE;
		}
		skip_to(s, open);
		if (starts(s, "<!--"))
			past = skip_past(s, "-->");
		else if (starts(s, "<![CDATA["))
			past = skip_past(s, "]]>");
		else if (starts(s, "<?"))
			past = skip_past(s, "?>");
		else if (starts(s, "<!"))
			return broken(s, "a document type definition is not accepted", err);
		else
			break;
		if (!past)
			return broken(s, "a comment, CDATA section or instruction does not end", err);
	}

	bool end_tag = starts(s, "</");
	const char *p = s->at + (end_tag ? 2 : 1);
	char quote = 0;

	*tag = (struct mv_xml_piece){ .text = s->at, .name = p, .line = s->line };
	for (; p < s->end && is_name(*p); p++) {
		if (*p == ':' && !tag->prefix) {
			tag->prefix = tag->name;
			tag->prefix_len = (size_t)(p - tag->name);
			tag->name = p + 1;
		}
	}
	tag->name_len = (size_t)(p - tag->name);
	tag->attrs = p;
	for (; p < s->end && (quote || *p != '>'); p++) {
		if (quote)
			quote = *p == quote ? 0 : quote;
		else if (*p == '"' || *p == '\'')
			quote = *p;
		else if (*p == '<')
			break;
	}
	if (p >= s->end || *p != '>' || !tag->name_len)
		return broken(s, "a tag is malformed", err);

	bool empty = p > tag->attrs && p[-1] == '/';
	tag->attrs_len = (size_t)(p - tag->attrs) - empty;
	skip_to(s, p + 1);
	return end_tag ? TAG_END : empty ? TAG_EMPTY : TAG_START;
}

static bool same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && (!a_len || (a && b && memcmp(a, b, a_len) == 0));
}

static bool same_name(const struct mv_xml_piece *a, const struct mv_xml_piece *b)
{
	return same(a->name, a->name_len, b->name, b->name_len) &&
		same(a->prefix, a->prefix_len, b->prefix, b->prefix_len);
}

/* The next element at this level. 1: *piece is one, 0: there is none, -1: *err. Only the piece's own tags must match;
 * what is in it is counted. */
static int next_element(struct scanner *s, struct mv_xml_piece *piece, struct mv_error **err)
{
	struct mv_xml_piece tag = { 0 };
	size_t depth = 1;
	int kind = next_tag(s, piece, err);

	if (kind < 0)
		return -1;
	if (kind == TAG_NONE)
		return 0;
	if (kind == TAG_END)
		return broken(s, "an element ends that has not begun", err);
	piece->inner = s->at;
	if (kind == TAG_EMPTY) {
		piece->len = (size_t)(s->at - piece->text);
		return 1;
	}
	while (depth) {
		kind = next_tag(s, &tag, err);
		if (kind < 0)
			return -1;
		if (kind == TAG_NONE)
			return mv_error_set(err, MV_ERR_XML, "line %u: element '%.*s' does not end", piece->line,
					    (int)piece->name_len, piece->name);
		if (kind == TAG_START)
			depth++;
		else if (kind == TAG_END)
			depth--;
	}
	if (!same_name(piece, &tag))
		return mv_error_set(err, MV_ERR_XML, "line %u: element '%.*s' ends as '%.*s' in line %u", piece->line,
				    (int)piece->name_len, piece->name, (int)tag.name_len, tag.name, tag.line);
	piece->inner_len = (size_t)(tag.text - piece->inner);
	piece->len = (size_t)(s->at - piece->text);
	return 1;
}

int mv_xml_root(const char *xml, size_t len, struct mv_xml_piece *root, struct mv_error **err)
{
	struct scanner s = { .at = xml, .end = xml + len, .line = 1 };
	struct mv_xml_piece more = { 0 };
	int found = next_element(&s, root, err);

	if (found <= 0)
		return found < 0 ? -1 : broken(&s, "the document is empty", err);
	found = next_element(&s, &more, err);
	return found > 0 ? broken(&s, "there is more than one root element", err) : found;
}

int mv_xml_children(const struct mv_xml_piece *parent, struct mv_xml_pieces *out, struct mv_error **err)
{
	struct scanner s = { .at = parent->text, .end = parent->inner + parent->inner_len, .line = parent->line };
	struct mv_xml_pieces all = { 0 };
	int found;

	skip_to(&s, parent->inner);
	for (;;) {
		struct mv_xml_piece piece = { 0 };

		found = next_element(&s, &piece, err);
		if (found <= 0)
			break;
		if (!(all.count & (all.count - 1))) {
			void *grown = reallocarray(all.pieces, all.count ? all.count * 2 : 1, sizeof(piece));

			if (!grown) {
				found = mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for %zu elements",
						     all.count);
				break;
			}
			all.pieces = grown;
		}
		all.pieces[all.count++] = piece;
	}
	if (found < 0) {
		free(all.pieces);
		return -1;
	}
	*out = all;
	return 0;
}

bool mv_xml_is(const struct mv_xml_piece *piece, const char *name)
{
	return !piece->prefix && piece->name_len == strlen(name) && memcmp(piece->name, name, piece->name_len) == 0;
}

char *mv_xml_attr(const struct mv_xml_piece *piece, const char *name)
{
	const char *p = piece->attrs, *end = piece->attrs + piece->attrs_len;

	while (p < end) {
		const char *word, *word_end, *value;
		char quote;

		for (; p < end && !is_name(*p); p++)
			;
		for (word = p; p < end && is_name(*p); p++)
			;
		word_end = p;
		for (; p < end && *p != '"' && *p != '\''; p++)
			;
		if (p >= end)
			return NULL;
		quote = *p++;
		for (value = p; p < end && *p != quote; p++)
			;
		if ((size_t)(word_end - word) == strlen(name) && memcmp(word, name, strlen(name)) == 0)
			return strndup(value, (size_t)(p - value));
		p++;
	}
	return NULL;
}

char *mv_xml_text(const struct mv_xml_piece *piece)
{
	const char *p = piece->inner, *end = p + piece->inner_len;

	while (p < end && isspace((unsigned char)*p))
		p++;
	while (end > p && isspace((unsigned char)end[-1]))
		end--;
	return strndup(p, (size_t)(end - p));
}
