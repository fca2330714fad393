/* The content of a test host: <node> with <domain>, <network>, <interface>, <pool>, <device> elements, each the XML of
 * its kind, <cpu>, <memory> and <auth>. libvirt's documentation of its test driver describes the format (drvtest.html).
 */
#define MV_ERROR_DOMAIN MV_FROM_TEST
#include "engine/test/load.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/file.h"

#define MAX_FILE (256u << 20) /* bytes */

/* --- files --- */

static int read_whole(const char *path, char **text, size_t *len, struct mv_error **err)
{
	mv_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t got;

	if (fd < 0 || fstat(fd, &st) < 0)
		return mv_error_set(err, MV_ERR_XML, "failed to parse xml document '%s': %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size > MAX_FILE)
		return mv_error_set(err, MV_ERR_XML, "'%s' is no file of at most %u bytes", path, MAX_FILE);
	*text = malloc((size_t)st.st_size + 1);
	if (!*text)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for '%s'", path);
	got = mv_file_read_at(fd, *text, (size_t)st.st_size, 0);
	if (got < 0) {
		free(*text);
		*text = NULL;
		return mv_error_set_errno(err, (int)-got, "Cannot read '%s'", path);
	}
	(*text)[got] = 0;
	*len = (size_t)got;
	return 0;
}

static char *sibling(const char *path, const char *file)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	char *out;

	if (file[0] == '/' || !slash)
		return strdup(file);
	return asprintf(&out, "%.*s/%s", (int)(slash - path), path, file) < 0 ? NULL : out;
}

/* --- pieces --- */

/* Namespaces that the root declares are in force in its children. */
static size_t root_namespaces(const struct mv_test_source *source, const struct mv_xml_piece *piece)
{
	static const char word[] = "xmlns:";

	return memmem(source->root.attrs, source->root.attrs_len, word, strlen(word)) &&
			!memmem(piece->attrs, piece->attrs_len, word, strlen(word)) ?
		source->root.attrs_len :
		0;
}

char *mv_test_piece(const struct mv_test_source *source, const struct mv_xml_piece *piece, struct mv_error **err)
{
	mv_autofree char *file = mv_xml_attr(piece, "file");
	char *text = NULL;
	size_t len = 0;

	if (file) {
		mv_autofree char *path = sibling(source->path, file);

		if (!path) {
			mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for '%s'", file);
			return NULL;
		}
		read_whole(path, &text, &len, err);
		return text;
	}

	size_t extra = root_namespaces(source, piece);
	size_t head = (size_t)(piece->attrs - piece->text);

	text = malloc(piece->len + extra + 1);
	if (!text) {
		mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for %zu bytes of XML", piece->len);
		return NULL;
	}
	memcpy(text, piece->text, head);
	memcpy(text + head, source->root.attrs, extra);
	memcpy(text + head + extra, piece->text + head, piece->len - head);
	text[piece->len + extra] = 0;
	return text;
}

/* --- what is not an object --- */

static int number(const struct mv_xml_piece *piece, const char *what, long *value, struct mv_error **err)
{
	mv_autofree char *text = mv_xml_text(piece);
	char *end;

	if (!text)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a number");
	errno = 0;
	*value = strtol(text, &end, 10);
	if (end == text || *end || errno || *value < 0 || *value > INT32_MAX)
		return mv_error_set(err, MV_ERR_XML, "line %u: invalid node %s value", piece->line, what);
	return 0;
}

static int read_cpu(struct mv_test_host *host, const struct mv_xml_piece *cpu, struct mv_error **err)
{
	const struct {
		const char *name, *what;
		int *to;
	} numbers[] = {
		{ "nodes", "cpu nodes", &host->nodes }, { "sockets", "cpu sockets", &host->sockets },
		{ "cores", "cpu cores", &host->cores }, { "threads", "cpu threads", &host->threads },
		{ "mhz", "cpu mhz", &host->mhz },       { "active", "cpu active", NULL },
	};
	struct mv_xml_pieces children;
	long active = -1, value = 0;
	int ret = -1;

	if (mv_xml_children(cpu, &children, err) < 0)
		return -1;
	for (size_t i = 0; i < children.count; i++) {
		const struct mv_xml_piece *child = &children.pieces[i];

		for (size_t k = 0; k < MV_ARRAY_SIZE(numbers); k++) {
			if (!mv_xml_is(child, numbers[k].name))
				continue;
			if (number(child, numbers[k].what, &value, err) < 0)
				goto out;
			*(numbers[k].to ? numbers[k].to : &(int){ 0 }) = (int)value;
			if (!numbers[k].to)
				active = value;
		}
		if (mv_xml_is(child, "model")) {
			mv_autofree char *model = mv_xml_text(child);

			if (!model || strlen(model) >= sizeof(host->model)) {
				mv_error_set(err, MV_ERR_INTERNAL, "Model %s too big for destination", model);
				goto out;
			}
			strcpy(host->model, model);
		}
	}
	host->cpus = host->cores * host->threads * host->sockets * host->nodes;
	if (active >= 0 && active < host->cpus)
		host->cpus = (int)active;
	ret = 0;
out:
	free(children.pieces);
	return ret;
}

static int read_auth(struct mv_test_host *host, const struct mv_xml_piece *auth, struct mv_error **err)
{
	struct mv_xml_pieces children;
	int ret = -1;

	if (mv_xml_children(auth, &children, err) < 0)
		return -1;
	host->users = calloc(children.count + 1, sizeof(*host->users));
	if (!host->users) {
		mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for %zu users", children.count);
		goto out;
	}
	for (size_t i = 0; i < children.count; i++) {
		struct mv_test_user *user = &host->users[host->user_count];

		if (!mv_xml_is(&children.pieces[i], "user"))
			continue;
		host->user_count++;
		user->password = mv_xml_attr(&children.pieces[i], "password");
		user->name = mv_xml_text(&children.pieces[i]);
		if (!user->name || !user->name[0]) {
			mv_error_set(err, MV_ERR_XML, "missing username in /node/auth/user field");
			goto out;
		}
	}
	ret = 0;
out:
	free(children.pieces);
	return ret;
}

/* --- all of it --- */

static int read_node(struct mv_test_host *host, const struct mv_test_source *source,
		     const struct mv_xml_pieces *children, struct mv_error **err)
{
	for (size_t i = 0; i < children->count; i++) {
		const struct mv_xml_piece *child = &children->pieces[i];
		long value = 0;
		int ret = 0;

		if (mv_xml_is(child, "cpu"))
			ret = read_cpu(host, child, err);
		else if (mv_xml_is(child, "auth"))
			ret = read_auth(host, child, err);
		else if (mv_xml_is(child, "memory") && (ret = number(child, "memory", &value, err)) == 0)
			host->memory = (uint64_t)value;
		if (ret < 0)
			return -1;
	}
	/* Kind by kind: guests' interfaces may name networks, and a reader of errors expects an order. */
	for (const struct mv_test_loader *loader = mv_test_loaders; loader->element; loader++) {
		for (size_t i = 0; i < children->count; i++) {
			if (mv_xml_is(&children->pieces[i], loader->element) &&
			    loader->load(host, source, &children->pieces[i], err) < 0)
				return -1;
		}
	}
	return 0;
}

int mv_test_load(struct mv_test_host *host, const char *xml, size_t len, const char *path, struct mv_error **err)
{
	struct mv_test_source source = { .path = path };
	struct mv_xml_pieces children;
	int ret;

	if (mv_xml_root(xml, len, &source.root, err) < 0)
		return -1;
	if (!mv_xml_is(&source.root, "node"))
		return mv_error_set(err, MV_ERR_XML, "expecting root element of 'node', not '%.*s'",
				    (int)source.root.name_len, source.root.name);
	if (mv_xml_children(&source.root, &children, err) < 0)
		return -1;
	ret = read_node(host, &source, &children, err);
	free(children.pieces);
	return ret;
}

int mv_test_load_file(struct mv_test_host *host, const char *path, struct mv_error **err)
{
	mv_autofree char *text = NULL;
	size_t len = 0;

	if (read_whole(path, &text, &len, err) < 0)
		return -1;
	return mv_test_load(host, text, len, path, err);
}
