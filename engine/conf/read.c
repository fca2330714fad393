/* The reader: XML to structures in one pass, as libxml2's parser reports each element; there is no tree of the
 * document. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include <ctype.h>
#include <libxml/SAX2.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/conf/prescan.h"
#include "engine/conf/raw.h"
#include "engine/conf/reader.h"

/* --- elements -------------------------------------------------------------------------------------------------- */

static struct mv_frame *push(struct mv_reader *r, const char *name)
{
	struct mv_frame *f = &r->frames[r->depth++];

	f->name = name;
	f->desc = NULL;
	f->leaf = NULL;
	f->def = f->item = NULL;
	f->line = mv_reader_line(r);
	f->by = 0;
	f->next_attr = f->next_child = 0;
	f->n_namespaces = r->n_namespaces;
	f->reported_text = false;
	memset(f->seen, 0, sizeof(f->seen));
	f->unit[0] = 0;
	r->text_len = 0;
	return f;
}

static void begin_struct(struct mv_reader *r, const struct mv_conf_desc *desc, void *def, unsigned by, const char *name,
			 const struct mv_sax_attr *attrs, int n_attrs)
{
	struct mv_frame *f = push(r, name);

	f->desc = desc;
	f->def = def;
	f->by = by;
	mv_reader_attrs(r, f, attrs, n_attrs);
	r->text_len = 0;
}

/* A new structure for a pointer or a list. */
static void *new_struct(struct mv_reader *r, const struct mv_conf_desc *desc)
{
	void *def;

	if (!mv_reader_take(r, desc->size))
		return NULL;
	def = mv_conf_new(desc, r->err);
	if (!def)
		mv_reader_no_memory(r);
	return def;
}

static bool list_full(struct mv_reader *r, const struct mv_conf_member *m, void *def, const char *name)
{
	if (*(size_t *)mv_reader_at(def, m->count_offset) < m->max_items)
		return false;
	mv_reader_refuse(r, mv_reader_line(r), "there are more than %u elements <%s>", m->max_items, name);
	return true;
}

static void *struct_for(struct mv_reader *r, const struct mv_conf_member *m, void *def)
{
	void *inner = mv_reader_at(def, m->offset);

	if (m->flags & MV_CONF_LIST) {
		if (list_full(r, m, def, m->name))
			return NULL;
		inner = new_struct(r, m->desc);
		if (inner &&
		    mv_conf_append_pointer(mv_reader_at(def, m->offset), mv_reader_at(def, m->count_offset), inner,
					   r->err) < 0) {
			mv_conf_free(m->desc, inner);
			mv_reader_no_memory(r);
			return NULL;
		}
		return inner;
	}
	if (m->flags & MV_CONF_POINTER) {
		void **pointer = inner;

		if (!*pointer)
			*pointer = new_struct(r, m->desc);
		return *pointer;
	}
	if (!*(bool *)inner && mv_conf_init(m->desc, inner, r->err) < 0) {
		mv_reader_no_memory(r);
		return NULL;
	}
	return inner;
}

static void *choice_for(struct mv_reader *r, const struct mv_conf_member *m, unsigned alternative, void *def)
{
	const struct mv_conf_alternative *a = &m->alternatives[alternative];
	void *item, *inner;

	if (list_full(r, m, def, a->name) || !mv_reader_take(r, m->item_size))
		return NULL;
	inner = new_struct(r, a->desc);
	if (!inner)
		return NULL;
	item = calloc(1, m->item_size);
	if (!item ||
	    mv_conf_append_pointer(mv_reader_at(def, m->offset), mv_reader_at(def, m->count_offset), item, r->err) <
		    0) {
		free(item);
		mv_conf_free(a->desc, inner);
		mv_reader_no_memory(r);
		return NULL;
	}
	*(unsigned *)item = alternative;
	*(void **)mv_reader_at(item, a->offset) = inner;
	return inner;
}

static void begin_value(struct mv_reader *r, const struct mv_conf_member *m, void *def, const char *name,
			const struct mv_sax_attr *attrs, int n_attrs)
{
	struct mv_frame *f = push(r, name);

	f->leaf = m;
	f->def = def;
	mv_reader_unit(r, f, m->unit_attr, attrs, n_attrs);
	for (int i = 0; i < n_attrs && !r->failed; i++) {
		if (!m->unit_attr || strcmp(attrs[i].name, m->unit_attr) != 0)
			mv_reader_unknown_attr(r, f, attrs[i].name);
	}
	r->text_len = 0;
}

static void begin_raw(struct mv_reader *r, const struct mv_conf_member *m, void *def)
{
	r->raw = m;
	r->raw_item = mv_reader_at(def, m->offset);
	if (mv_raw_begin(r->ctxt, r->namespaces, r->n_namespaces) < 0)
		mv_reader_no_memory(r);
}

/* The child's entry in the structure's table of names; NULL: not known, or of those known none applies (*named). */
static const struct mv_conf_child *find_child(struct mv_frame *f, const char *name, const char *ns, bool *named)
{
	const struct mv_conf_desc *desc = f->desc;
	size_t len = strlen(name);

	*named = false;
	for (unsigned n = 0, i = f->next_child; n < desc->n_children; n++, i++) {
		const struct mv_conf_child *c;

		if (i >= desc->n_children)
			i = 0;
		c = &desc->children[i];
		if (c->len != len || memcmp(c->name, name, len) != 0 ||
		    (c->ns ? !ns || strcmp(c->ns, ns) != 0 : ns != NULL))
			continue;
		*named = true;
		if (c->count > 1 || mv_reader_applies(f, &desc->members[c->member])) {
			f->next_child = i;
			return c;
		}
	}
	return NULL;
}

/* False: the element is left out. */
static bool begin_child(struct mv_reader *r, struct mv_frame *f, const struct mv_conf_child *c, const char *name,
			const struct mv_sax_attr *attrs, int n_attrs)
{
	const struct mv_conf_member *m = &f->desc->members[c->member];
	unsigned by = f->by;
	void *inner;

	if (m->flags & MV_CONF_IS_LIVE && !(r->flags & MV_CONF_LIVE))
		return false;
	if (!(m->flags & MV_CONF_LIST)) {
		bool again = false;

		for (unsigned i = 0; i < c->count; i++)
			again |= mv_reader_is_seen(f, c->member + i);
		if (again && m->flags & MV_CONF_ONCE) {
			mv_reader_refuse(r, mv_reader_line(r), "element '%s' in <%s> is there twice", name, f->name);
			return false;
		}
		if (again) {
			mv_reader_note(r, "element '%s' in <%s> is there twice; the second was left out", name,
				       f->name);
			return false;
		}
	}
	if (m->kind != MV_CONF_IN)
		mv_reader_set_seen(f, c->member);
	switch ((enum mv_conf_kind_of_member)m->kind) {
	case MV_CONF_STRUCT:
		if (m->by >= 0)
			by = *(unsigned *)mv_reader_at(f->def, (size_t)m->by);
		inner = struct_for(r, m, f->def);
		if (inner)
			begin_struct(r, m->desc, inner, by, name, attrs, n_attrs);
		break;
	case MV_CONF_CHOICE:
		if (m->by >= 0)
			by = *(unsigned *)mv_reader_at(f->def, (size_t)m->by);
		inner = choice_for(r, m, c->alternative, f->def);
		if (inner)
			begin_struct(r, m->alternatives[c->alternative].desc, inner, by, name, attrs, n_attrs);
		break;
	case MV_CONF_IN: {
		struct mv_frame *leaf = push(r, name);

		leaf->leaf = m;
		leaf->def = f->def;
		mv_reader_in(r, leaf, f, c->count, attrs, n_attrs);
		break;
	}
	case MV_CONF_RAW: begin_raw(r, m, f->def); break;
	default: begin_value(r, m, f->def, name, attrs, n_attrs); break;
	}
	return true;
}

static void begin_root(struct mv_reader *r, const char *name, const struct mv_sax_attr *attrs, int n_attrs)
{
	if (strcmp(name, r->element) != 0) {
		mv_reader_refuse(r, mv_reader_line(r), "unexpected root element <%.64s>, expecting <%s>", name,
				 r->element);
		return;
	}
	r->def = new_struct(r, r->desc);
	if (r->def)
		begin_struct(r, r->desc, r->def, 0, r->element, attrs, n_attrs);
}

static void declare(struct mv_reader *r, int count, const xmlChar **namespaces)
{
	for (int i = 0; i < count; i++) {
		if (r->n_namespaces == MV_READER_NAMESPACES) {
			mv_reader_refuse(r, mv_reader_line(r), "more than %d namespaces are declared",
					 MV_READER_NAMESPACES);
			return;
		}
		r->namespaces[2 * r->n_namespaces] = namespaces[2 * i];
		r->namespaces[2 * r->n_namespaces + 1] = namespaces[2 * i + 1];
		r->n_namespaces++;
	}
}

static void start_element(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *ns, int n_namespaces,
			  const xmlChar **namespaces, int n_attrs, int n_defaulted, const xmlChar **attrs)
{
	struct mv_reader *r = data;
	struct mv_frame *f = r->depth ? &r->frames[r->depth - 1] : NULL;
	const struct mv_conf_child *child = NULL;
	bool named = false;

	if (r->failed)
		return;
	if (r->depth + r->skip + r->raw_depth >= MV_CONF_MAX_DEPTH) {
		mv_reader_refuse(r, mv_reader_line(r), "elements are more than %d deep inside each other",
				 MV_CONF_MAX_DEPTH);
		return;
	}
	if (r->raw_depth > 0) {
		r->raw_depth++;
		xmlSAX2StartElementNs(r->ctxt, name, prefix, ns, n_namespaces, namespaces, n_attrs, n_defaulted, attrs);
		return;
	}
	if (r->skip > 0) {
		r->skip++;
		return;
	}
	if (!f) {
		declare(r, n_namespaces, namespaces);
		begin_root(r, (const char *)name, (const struct mv_sax_attr *)attrs, n_attrs);
		return;
	}
	if (f->desc)
		child = find_child(f, (const char *)name, (const char *)ns, &named);
	if (!child) {
		if (named)
			mv_reader_note(r, "element '%s' in <%s> does not apply here and was left out", name, f->name);
		else
			mv_reader_unknown_child(r, f, (const char *)name);
		r->skip = 1;
		return;
	}
	if (!begin_child(r, f, child, (const char *)name, (const struct mv_sax_attr *)attrs, n_attrs)) {
		r->skip = 1;
		return;
	}
	if (r->failed)
		return;
	if (f->desc->members[child->member].kind == MV_CONF_RAW) {
		r->raw_depth = 1;
		xmlSAX2StartElementNs(r->ctxt, name, prefix, ns, n_namespaces, namespaces, n_attrs, n_defaulted, attrs);
		return;
	}
	declare(r, n_namespaces, namespaces);
}

/* --- the end of elements --------------------------------------------------------------------------------------- */

static void check_required(struct mv_reader *r, const struct mv_frame *f)
{
	for (unsigned i = 0; i < f->desc->n_required && !r->failed; i++) {
		const struct mv_conf_member *m = &f->desc->members[f->desc->required[i]];

		if (mv_reader_is_seen(f, f->desc->required[i]) || !mv_reader_applies(f, m) ||
		    (m->flags & MV_CONF_IS_LIVE && !(r->flags & MV_CONF_LIVE)))
			continue;
		if (m->kind == MV_CONF_ATTR)
			mv_reader_refuse(r, f->line, "<%s> has no attribute '%s'", f->name, m->name);
		else if (m->kind == MV_CONF_IN)
			mv_reader_refuse(r, f->line, "<%s> has no element <%s %s='...'>", f->name, m->in, m->name);
		else if (m->kind == MV_CONF_CHOICE)
			mv_reader_refuse(r, f->line, "<%s> has no element <%s>", f->name, m->alternatives[0].name);
		else
			mv_reader_refuse(r, f->line, "<%s> has no element <%s>", f->name, m->name);
	}
}

static bool is_blank(const xmlChar *text, int len)
{
	for (int i = 0; i < len; i++) {
		if (!isspace(text[i]))
			return false;
	}
	return true;
}

static void end_struct(struct mv_reader *r, const struct mv_frame *f)
{
	if (f->desc->text >= 0) {
		const struct mv_conf_member *m = &f->desc->members[f->desc->text];

		/* What separates child elements is no text. */
		if (mv_reader_applies(f, m) &&
		    (f->desc->n_children == 0 || !is_blank((xmlChar *)r->text, (int)r->text_len)))
			mv_reader_set_text(r, f, m, f->def, mv_reader_at(f->def, m->offset));
	}
	check_required(r, f);
	if (f->desc->check && !r->failed) {
		struct mv_conf_at where = { .line = f->line, .flags = r->flags, .notes = r->notes, .walker = r };

		if (f->desc->check(f->def, &where, r->err) < 0)
			mv_reader_stop(r);
	}
}

static void end_leaf(struct mv_reader *r, const struct mv_frame *f)
{
	const struct mv_conf_member *m = f->leaf;
	void *item;

	if (m->kind == MV_CONF_IN)
		return;
	if (m->type == MV_CONF_T_EMPTY) {
		*(bool *)mv_reader_at(f->def, m->offset) = true;
		return;
	}
	if (!(m->flags & MV_CONF_LIST)) {
		mv_reader_set_text(r, f, m, f->def, mv_reader_at(f->def, m->offset));
		return;
	}
	item = mv_reader_slot(r, m, f->def);
	if (!item)
		return;
	mv_reader_set_text(r, f, m, f->def, item);
	/* An empty element is no item of a list of texts. */
	if (!r->failed && (r->text_len > 0 || m->flags & MV_CONF_KEEP_EMPTY))
		++*(size_t *)mv_reader_at(f->def, m->count_offset);
}

static void end_raw(struct mv_reader *r)
{
	unsigned dropped = 0;
	char *text = mv_raw_end(r->ctxt, r->raw->flags & MV_CONF_NAMESPACED ? &dropped : NULL);

	if (!text) {
		mv_reader_no_memory(r);
		return;
	}
	if (!mv_reader_take(r, strlen(text))) {
		free(text);
		return;
	}
	free(*r->raw_item);
	*r->raw_item = text;
	if (dropped > 0)
		mv_reader_note(r, "%u element%s of the metadata had no namespace of %s own, and %s left out", dropped,
			       dropped > 1 ? "s" : "", dropped > 1 ? "their" : "its", dropped > 1 ? "were" : "was");
}

static void end_element(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *ns)
{
	struct mv_reader *r = data;
	struct mv_frame *f;

	if (r->failed)
		return;
	if (r->raw_depth > 0) {
		xmlSAX2EndElementNs(r->ctxt, name, prefix, ns);
		if (--r->raw_depth == 0)
			end_raw(r);
		return;
	}
	if (r->skip > 0) {
		r->skip--;
		return;
	}
	f = &r->frames[r->depth - 1];
	if (f->desc)
		end_struct(r, f);
	else
		end_leaf(r, f);
	r->n_namespaces = f->n_namespaces;
	r->text_len = 0;
	r->depth--;
}

static void characters(void *data, const xmlChar *text, int len)
{
	struct mv_reader *r = data;
	struct mv_frame *f = r->depth ? &r->frames[r->depth - 1] : NULL;

	if (r->failed || r->skip > 0)
		return;
	if (r->raw_depth > 0) {
		xmlSAX2Characters(r->ctxt, text, len);
		return;
	}
	if (!f)
		return;
	if (f->desc ? f->desc->text >= 0 : f->leaf->kind == MV_CONF_VALUE && f->leaf->type != MV_CONF_T_EMPTY) {
		mv_reader_append(r, (const char *)text, (size_t)len);
	} else if (!f->reported_text && !is_blank(text, len)) {
		f->reported_text = true;
		mv_reader_note(r, "the text in <%s> has no meaning and was left out", f->name);
	}
}

/* Of a raw element, what only separates its elements: it is laid out anew. */
static void ignorable(void *data, const xmlChar *text, int len)
{
	struct mv_reader *r = data;

	if (r->raw_depth == 0)
		characters(data, text, len);
}

static void cdata(void *data, const xmlChar *text, int len)
{
	struct mv_reader *r = data;

	if (r->raw_depth > 0 && !r->failed)
		xmlSAX2CDataBlock(r->ctxt, text, len);
	else
		characters(data, text, len);
}

static void comment(void *data, const xmlChar *text)
{
	struct mv_reader *r = data;

	if (r->raw_depth > 0 && !r->failed)
		xmlSAX2Comment(r->ctxt, text);
}

static void instruction(void *data, const xmlChar *target, const xmlChar *text)
{
	struct mv_reader *r = data;

	if (r->raw_depth > 0 && !r->failed)
		xmlSAX2ProcessingInstruction(r->ctxt, target, text);
}

static void document_type(void *data, const xmlChar *name, const xmlChar *id, const xmlChar *uri)
{
	struct mv_reader *r = data;

	(void)name;
	(void)id;
	(void)uri;
	mv_reader_refuse(r, mv_reader_line(r), "a document type declaration is not allowed");
}

static void start_document(void *data)
{
	struct mv_reader *r = data;
	const char *encoding = (const char *)(r->ctxt->encoding ? r->ctxt->encoding : r->ctxt->input->encoding);

	if (encoding && strcasecmp(encoding, "UTF-8") != 0 && strcasecmp(encoding, "US-ASCII") != 0)
		mv_reader_refuse(r, 1, "the encoding is '%.32s'; it has to be UTF-8", encoding);
}

/* What libxml2 finds wrong. Warnings and what is only a matter of namespaces it also reports here. */
static void parse_error(void *data, xmlErrorPtr error)
{
	struct mv_reader *r = data;
	size_t len;

	if (r->failed || error->level < XML_ERR_ERROR || error->domain == XML_FROM_NAMESPACE)
		return;
	if (error->code == XML_ERR_NO_MEMORY) {
		mv_reader_no_memory(r);
		return;
	}
	len = error->message ? strcspn(error->message, "\n") : 0;
	mv_reader_refuse(r, (unsigned)error->line, "%.*s", (int)len, len ? error->message : "");
}

/* --- documents ------------------------------------------------------------------------------------------------- */

static void init_library(void)
{
	xmlInitParser();
}

static xmlParserCtxt *new_context(struct mv_reader *r)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	xmlParserCtxt *ctxt;

	pthread_once(&once, init_library);
	ctxt = xmlNewParserCtxt();
	if (!ctxt)
		return NULL;
	*ctxt->sax = (xmlSAXHandler){
		.initialized = XML_SAX2_MAGIC,
		.startDocument = start_document,
		.internalSubset = document_type,
		.startElementNs = start_element,
		.endElementNs = end_element,
		.characters = characters,
		.ignorableWhitespace = ignorable,
		.cdataBlock = cdata,
		.comment = comment,
		.processingInstruction = instruction,
		.serror = parse_error,
	};
	ctxt->userData = r;
	return ctxt;
}

static int read_document(struct mv_reader *r, const char *xml, size_t len)
{
	xmlDoc *doc;

	r->ctxt = new_context(r);
	if (!r->ctxt)
		return mv_error_set(r->err, MV_ERR_NO_MEMORY, "There is no memory left for reading XML.");
	/* NOENT: without it libxml2 hands over "&" in attributes as "&#38;". There are no entities but XML's own: a
	 * document type is refused before. */
	doc = xmlCtxtReadMemory(r->ctxt, xml, (int)len, NULL, NULL,
				XML_PARSE_NONET | XML_PARSE_NOWARNING | XML_PARSE_NOENT);
	if (r->ctxt->myDoc == doc)
		r->ctxt->myDoc = NULL;
	xmlFreeDoc(doc);
	if (!r->failed && !r->ctxt->wellFormed) {
		mv_error_set(r->err, MV_ERR_XML, "the text is not XML");
		r->failed = true;
	}
	if (r->ctxt->myDoc)
		xmlFreeDoc(r->ctxt->myDoc);
	xmlFreeParserCtxt(r->ctxt);
	return r->failed ? -1 : 0;
}

int mv_conf_parse_element(const struct mv_conf_desc *desc, const char *element, const char *xml, unsigned flags,
			  struct mv_conf_notes *notes, void **out, struct mv_error **err)
{
	struct mv_error *local = NULL;
	struct mv_reader r;
	size_t len;
	int ret;

	if (mv_prescan(xml, &len, err) < 0)
		return -1;
	/* The frames are set when they are pushed: all of them would be much to clear for a small document. */
	memset(&r, 0, offsetof(struct mv_reader, frames));
	r.depth = r.skip = r.raw_depth = r.n_namespaces = 0;
	r.text = NULL;
	r.text_len = r.text_room = 0;
	r.desc = desc;
	r.element = element;
	r.flags = flags;
	r.notes = notes ? notes : mv_conf_notes_current();
	r.err = err ? err : &local;
	ret = read_document(&r, xml, len);
	free(r.text);
	if (ret < 0)
		mv_conf_free(desc, r.def);
	else
		*out = r.def;
	mv_error_free(local);
	return ret;
}
