#define MV_ERROR_DOMAIN MV_FROM_CONF
#include "engine/conf/uuid.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int mv_uuid_parse(const char *text, uint8_t uuid[16])
{
	uint8_t value[16];
	const char *p = text;

	for (int i = 0; i < 16; i++) {
		int high, low;

		if (*p == '-' && (i == 4 || i == 6 || i == 8 || i == 10))
			p++;
		high = hex_digit(p[0]);
		low = high < 0 ? -1 : hex_digit(p[1]);
		if (low < 0)
			return -1;
		value[i] = (uint8_t)(high << 4 | low);
		p += 2;
	}
	if (*p)
		return -1;
	memcpy(uuid, value, 16);
	return 0;
}

const char *mv_uuid_format(const uint8_t uuid[16], char buf[MV_UUID_TEXT])
{
	char *p = buf;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = "0123456789abcdef"[uuid[i] >> 4];
		*p++ = "0123456789abcdef"[uuid[i] & 15];
	}
	*p = 0;
	return buf;
}

int mv_uuid_generate(uint8_t uuid[16], struct mv_error **err)
{
	if (getrandom(uuid, 16, 0) != 16)
		return mv_error_set_errno(err, errno, "No random bytes for a UUID could be had");
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
	return 0;
}

bool mv_uuid_is_zero(const uint8_t uuid[16])
{
	static const uint8_t zero[16];

	return memcmp(uuid, zero, 16) == 0;
}

int mv_mac_parse(const char *text, uint8_t mac[6])
{
	uint8_t value[6];
	const char *p = text;

	for (int i = 0; i < 6; i++) {
		int high = hex_digit(p[0]);
		int low = high < 0 ? -1 : hex_digit(p[1]);

		if (high < 0)
			return -1;
		value[i] = (uint8_t)(low < 0 ? high : high << 4 | low);
		p += low < 0 ? 1 : 2;
		if (i < 5 && *p++ != ':')
			return -1;
	}
	if (*p)
		return -1;
	memcpy(mac, value, 6);
	return 0;
}

const char *mv_mac_format(const uint8_t mac[6], char buf[MV_MAC_TEXT])
{
	snprintf(buf, MV_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return buf;
}

void mv_mac_generate(const uint8_t uuid[16], unsigned index, uint8_t mac[6])
{
	uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */

	for (int i = 0; i < 17; i++) {
		hash ^= i < 16 ? uuid[i] : index;
		hash *= 0x100000001b3u;
	}
	hash ^= hash >> 32;
	mac[0] = 0x52;
	mac[1] = 0x54;
	mac[2] = 0x00;
	mac[3] = (uint8_t)(hash >> 16);
	mac[4] = (uint8_t)(hash >> 8);
	mac[5] = (uint8_t)hash;
}
