/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target without libFuzzer: on every file of its corpus, and on some thousand mutations of them. The
 * mutations are the same in each run, so a failure here can be repeated; `make fuzz` searches for new ones.
 *
 *   build/tests/replay/fuzz_X [FOLDER]       prints TAP; a crash is the report of a failure */

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_LIMIT (64 * 1024)
#define MAX_FILES 4096
#define MUTATIONS 3000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

struct input {
	uint8_t *data;
	size_t size;
};

/* xorshift64: any generator will do, as long as every machine draws the same numbers. */
static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Each input in a block of its own size, so that a sanitizer sees a read behind its end. */
static int run_input(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		return -1;
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	return 0;
}

static int read_input(const char *folder, const char *name, struct input *in)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (!file)
		return -1;
	in->data = malloc(INPUT_LIMIT);
	in->size = in->data ? fread(in->data, 1, INPUT_LIMIT, file) : 0;
	fclose(file);
	return in->data ? 0 : -1;
}

/* Sorted by name: the order of a folder differs between file systems, and the mutations depend on it. */
static int read_corpus(const char *folder, struct input *inputs, size_t *count)
{
	struct dirent **entries = NULL;
	int n = scandir(folder, &entries, NULL, alphasort);
	int ret = 0;

	*count = 0;
	if (n < 0)
		return errno == ENOENT ? 0 : -1;
	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.' && *count < MAX_FILES) {
			if (read_input(folder, entries[i]->d_name, &inputs[*count]) < 0)
				ret = -1;
			else
				++*count;
		}
		free(entries[i]);
	}
	free(entries);
	return ret;
}

static size_t mutate(uint8_t *data, size_t size, uint64_t *state)
{
	static const uint8_t edges[] = { 0x00, 0x01, 0x7f, 0x80, 0xff, 0x10, 0x40, 0xfe };
	unsigned changes = 1 + (unsigned)(random_next(state) % 8);

	while (changes-- > 0) {
		uint64_t r = random_next(state);
		size_t at = size ? (size_t)((r >> 8) % size) : 0;

		switch (r % 5) {
		case 0: /* one bit */
			if (size)
				data[at] ^= (uint8_t)(1u << ((r >> 4) & 7));
			break;
		case 1: /* a value at the edge of something */
			if (size)
				data[at] = edges[(r >> 4) % sizeof(edges)];
			break;
		case 2: /* any value */
			if (size)
				data[at] = (uint8_t)(r >> 48);
			break;
		case 3: /* cut off */ size = at; break;
		default: /* longer, by a repetition of itself */
			if (size && size < INPUT_LIMIT / 2) {
				size_t extra = size - at;

				memcpy(data + size, data + at, extra);
				size += extra;
			}
			break;
		}
	}
	return size;
}

int main(int argc, char **argv)
{
	static struct input inputs[MAX_FILES];
	static uint8_t buffer[INPUT_LIMIT];
	const char *folder = argc > 1 ? argv[1] : "";
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
	size_t count;

	puts("1..2");
	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	if (read_corpus(folder, inputs, &count) < 0) {
		printf("not ok 1 - the corpus '%s' can be read\n", folder);
		return 1;
	}
	for (size_t i = 0; i < count; i++)
		if (run_input(inputs[i].data, inputs[i].size) < 0)
			return 1;
	printf("ok 1 - %zu inputs of the corpus\n", count);
	fflush(stdout);

	for (int i = 0; i < MUTATIONS; i++) {
		size_t size = 64;

		memset(buffer, 0, size);
		if (count > 0) {
			const struct input *in = &inputs[random_next(&state) % count];

			memcpy(buffer, in->data, in->size);
			size = in->size;
		}
		size = mutate(buffer, size, &state);
		if (run_input(buffer, size) < 0)
			return 1;
	}
	printf("ok 2 - %d mutations of them\n", MUTATIONS);
	for (size_t i = 0; i < count; i++)
		free(inputs[i].data);
	return 0;
}
