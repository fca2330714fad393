/* docs/spec.md: the manual of the specification, from the tables. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/conf/domain.h"
#include "engine/conf/size.h"

static const char head[] =
	"# The specification of a guest\n"
	"\n"
	"A guest is described by a Lua table (or JSON of the same shape): `conn:define { name = \"web1\", memory = \"2G\", ... }`.\n"
	"What is left out gets a default; `vm:spec()` shows the whole. An error begins with the key that is wrong, lists counted\n"
	"from 1 as in Lua: `disks[1].cache: 'nonee' is not known; did you mean 'none'? one of: ...`.\n"
	"\n"
	"- A **size** is a number of bytes, or a string with a unit: `\"512M\"`, `\"2G\"`, `\"512MiB\"` (times 1024), `\"10GB\"` (times 1000).\n"
	"- A **path** that is relative is taken from the current folder and kept as an absolute one.\n"
	"- A **device** is `true` (all defaults), `false` (none), or a table.\n"
	"\n"
	"This file is made from the tables in `engine/conf/domain_fields.c`; a test sees to it.\n"
	"\n"
	"```lua\n"
	"conn:define {\n"
	"  name = \"web1\", memory = \"2G\", vcpus = 2,\n"
	"  cpu = { sockets = 1, cores = 2, features = { avx2 = false } },\n"
	"  boot = { kernel = \"/boot/vmlinuz\", initrd = \"/srv/initrd\", cmdline = \"console=ttyS0\" },\n"
	"  disks = { { path = \"/srv/web1.raw\", size = \"20G\", cache = \"none\", discard = true } },\n"
	"  nics = { { tap = \"vnet0\", bridge = \"br0\", queues = 2 } },\n"
	"  consoles = { {}, { name = \"org.qemu.guest_agent.0\" } },\n"
	"  serials = { { log = \"/var/log/web1.log\" } },\n"
	"  on_crash = \"preserve\",\n"
	"}\n"
	"```\n";

static void put_type(FILE *out, const struct mv_field *f)
{
	static const char *const names[] = {
		[MV_FIELD_STRING] = "string", [MV_FIELD_PATH] = "path",       [MV_FIELD_BOOL] = "boolean",
		[MV_FIELD_NUMBER] = "number", [MV_FIELD_SIZE] = "size",       [MV_FIELD_ENUM] = "string",
		[MV_FIELD_UUID] = "UUID",     [MV_FIELD_MAC] = "MAC address", [MV_FIELD_FEATURES] = "table",
		[MV_FIELD_ANY] = "any",       [MV_FIELD_OBJECT] = "table",    [MV_FIELD_DEVICE] = "device",
		[MV_FIELD_LIST] = "list",
	};
	char low[MV_SIZE_TEXT], high[MV_SIZE_TEXT];

	fprintf(out, "%s", names[f->type]);
	if (f->allowed) {
		fprintf(out, "; %s", f->allowed);
	} else if (f->type == MV_FIELD_ENUM) {
		for (size_t i = 0; f->values[i]; i++)
			fprintf(out, "%s`%s`", i ? ", " : ": ", f->values[i]);
	} else if (f->type == MV_FIELD_NUMBER) {
		fprintf(out, ", %" PRIu64 " to %" PRIu64, f->min, f->max);
	} else if (f->type == MV_FIELD_SIZE && f->max) {
		fprintf(out, ", %s to %s", mv_size_format(f->min, low), mv_size_format(f->max, high));
	} else if (f->type == MV_FIELD_LIST) {
		fprintf(out, " of at most %" PRIu64, f->max);
	} else if (f->max) {
		fprintf(out, ", at most %" PRIu64 " bytes", f->max);
	}
}

static void put_default(FILE *out, const struct mv_field *f)
{
	if (f->required)
		fprintf(out, "must be given");
	else if (f->automatic)
		fprintf(out, "%s", f->automatic);
	else if (f->type == MV_FIELD_BOOL || f->type == MV_FIELD_DEVICE)
		fprintf(out, "`%s`", f->preset ? "true" : "false");
	else if (f->type == MV_FIELD_ENUM)
		fprintf(out, "`%s`", f->values[f->preset]);
	else if (f->type == MV_FIELD_NUMBER)
		fprintf(out, "%" PRIu64, f->preset);
	else if (f->type == MV_FIELD_LIST)
		fprintf(out, "%s", f->preset ? "one" : "none");
	else
		fprintf(out, "none");
}

static void put_object(FILE *out, const struct mv_object *object)
{
	fprintf(out, "\n## %s\n\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n", object->name);
	for (const struct mv_field *f = object->fields; f->name; f++) {
		fprintf(out, "| `%s` | ", f->name);
		put_type(out, f);
		fprintf(out, " | ");
		put_default(out, f);
		fprintf(out, " | %s |\n", f->help);
	}
	for (const struct mv_field *f = object->fields; f->name; f++) {
		if (f->object)
			put_object(out, f->object);
	}
}

char *mv_domain_conf_manual(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs(head, out);
	put_object(out, &mv_domain_object);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
