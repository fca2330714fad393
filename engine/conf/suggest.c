#include "engine/conf/suggest.h"

#include <ctype.h>
#include <string.h>

#define LONGEST 40

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Letters that have to be changed, added, left out or exchanged with their neighbour, without regard to case, '-', '_'.
 */
static unsigned distance(const char *a, size_t alen, const char *b, size_t blen)
{
	unsigned before[LONGEST + 1], last[LONGEST + 1], now[LONGEST + 1];

	for (size_t j = 0; j <= blen; j++)
		last[j] = (unsigned)j;
	memcpy(before, last, sizeof(before));
	for (size_t i = 1; i <= alen; i++) {
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= blen; j++) {
			now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
		memcpy(before, last, sizeof(before));
		memcpy(last, now, sizeof(last));
	}
	return last[blen];
}

static size_t normalise(const char *in, char out[LONGEST])
{
	size_t len = 0;

	for (; *in && len < LONGEST; in++) {
		if (*in != '-' && *in != '_' && *in != ' ')
			out[len++] = (char)tolower((unsigned char)*in);
	}
	return len;
}

const char *mv_suggest(const char *wrong, const char *const *names, size_t count)
{
	char a[LONGEST], b[LONGEST];
	size_t alen = normalise(wrong, a);
	const char *best = NULL;
	unsigned best_distance = (unsigned)(alen <= 3 ? 1 : alen / 3 + 1) + 1;

	if (alen == 0)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t blen = normalise(names[i], b);
		unsigned d = distance(a, alen, b, blen);

		/* "mem" was meant to be "memory". */
		if (alen >= 3 && blen > alen && memcmp(a, b, alen) == 0)
			d = 1;
		if (d < best_distance) {
			best_distance = d;
			best = names[i];
		}
	}
	return best;
}
