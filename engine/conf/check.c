#define MV_ERROR_DOMAIN MV_FROM_XML
#include <arpa/inet.h>
#include <string.h>

#include "engine/conf/check.h"
#include "engine/conf/uuid.h"

int mv_conf_addr_parse(const char *text, struct mv_conf_addr *addr)
{
	memset(addr, 0, sizeof(*addr));
	for (int i = 0; i < 2; i++) {
		addr->family = i ? AF_INET6 : AF_INET;
		if (inet_pton(addr->family, text, addr->bytes) == 1)
			return 0;
	}
	return -1;
}

unsigned mv_conf_addr_bits(const struct mv_conf_addr *addr)
{
	return addr->family == AF_INET ? 32 : 128;
}

static unsigned bit_of(const struct mv_conf_addr *addr, unsigned i)
{
	return addr->bytes[i / 8] >> (7 - i % 8) & 1;
}

int mv_conf_netmask_prefix(const char *text)
{
	struct mv_conf_addr mask;
	unsigned bits = 0;

	if (mv_conf_addr_parse(text, &mask) < 0)
		return -1;
	while (bits < mv_conf_addr_bits(&mask) && bit_of(&mask, bits))
		bits++;
	return mv_conf_addr_rest_is(&mask, bits, 0) ? (int)bits : -1;
}

bool mv_conf_addr_same_network(const struct mv_conf_addr *a, const struct mv_conf_addr *b, unsigned prefix)
{
	if (a->family != b->family)
		return false;
	for (unsigned i = 0; i < prefix && i < mv_conf_addr_bits(a); i++)
		if (bit_of(a, i) != bit_of(b, i))
			return false;
	return true;
}

bool mv_conf_addr_rest_is(const struct mv_conf_addr *addr, unsigned prefix, unsigned bit)
{
	for (unsigned i = prefix; i < mv_conf_addr_bits(addr); i++)
		if (bit_of(addr, i) != bit)
			return false;
	return true;
}

int64_t mv_conf_addr_distance(const struct mv_conf_addr *a, const struct mv_conf_addr *b)
{
	unsigned bytes = mv_conf_addr_bits(a) / 8;
	int64_t distance = 0;

	if (memcmp(a->bytes, b->bytes, bytes) > 0)
		return -1;
	for (unsigned i = 0; i < bytes; i++) {
		distance = distance * 256 + b->bytes[i] - a->bytes[i];
		if (distance > UINT32_MAX)
			return INT64_MAX;
	}
	return distance;
}

int mv_conf_clean_addr(char **text, struct mv_error **err)
{
	char buf[INET6_ADDRSTRLEN];
	struct mv_conf_addr addr;

	if (!*text || mv_conf_addr_parse(*text, &addr) < 0)
		return 0;
	inet_ntop(addr.family, addr.bytes, buf, sizeof(buf));
	return strcmp(buf, *text) == 0 ? 0 : mv_conf_set_text(text, buf, err);
}

int mv_conf_set_text(char **to, const char *text, struct mv_error **err)
{
	char *copy = strdup(text);

	if (!copy)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory while a definition was completed");
	free(*to);
	*to = copy;
	return 0;
}

void mv_conf_clean_path(char *path)
{
	size_t out = 0, i = 0;

	/* Two slashes at the start, and only two, mean something of their own in POSIX. */
	if (path[0] == '/' && path[1] == '/' && path[2] != '/')
		path[out++] = path[i++];
	for (; path[i]; i++) {
		if (path[i] == '/' && path[i + 1] == '/')
			continue;
		if (path[i] == '/' && !path[i + 1] && out > 0)
			break;
		path[out++] = path[i];
	}
	path[out] = '\0';
}

int mv_conf_check_name(const char *name, const char *what, const struct mv_conf_at *at, struct mv_error **err)
{
	if (!name || !*name)
		return mv_conf_fail(at, err, MV_ERR_XML, "the %s has no name", what);
	if (strchr(name, '/'))
		return mv_conf_fail(at, err, MV_ERR_XML, "name %s cannot contain '/'", name);
	return 0;
}

int mv_conf_complete_uuid(uint8_t uuid[16], struct mv_error **err)
{
	return mv_uuid_is_zero(uuid) ? mv_uuid_generate(uuid, err) : 0;
}
