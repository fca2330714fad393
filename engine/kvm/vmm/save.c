#include "engine/kvm/vmm/save.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/bytes.h"
#include "engine/base/crc32c.h"
#include "engine/base/file.h"
#include "engine/kvm/common/layout.h"
#include "engine/kvm/common/save_image.h"

struct sections {
	void *data;
	size_t size;
};

static int save_section(struct mv_guest *g, const char *name, uint32_t version, mv_section_body body, void *what,
			void *opaque, struct mv_error **err)
{
	struct sections *all = opaque;
	struct mv_save_section section = { .version = version };
	mv_auto(mv_state) st = NULL;

	if (mv_state_saver(name, version, &st, err) < 0 || body(g, what, st, err) < 0 || mv_state_finish(st, err) < 0)
		return -1;
	snprintf(section.name, sizeof(section.name), "%s", name);
	section.body = mv_state_body(st, &section.size);
	return mv_save_section_append(&all->data, &all->size, &section, err);
}

/* Writes the pages of one block that are not zeros, neighbours together. */
static int write_block(int fd, const uint8_t *block, size_t len, uint64_t offset, struct mv_error **err)
{
	size_t start = 0;

	while (start < len) {
		size_t end;

		if (mv_save_all_zeros(block + start, MV_SAVE_PAGE)) {
			start += MV_SAVE_PAGE;
			continue;
		}
		for (end = start + MV_SAVE_PAGE; end < len && !mv_save_all_zeros(block + end, MV_SAVE_PAGE);)
			end += MV_SAVE_PAGE;
		if (mv_file_write_at(fd, block + start, end - start, offset + start, "save image", err) < 0)
			return -1;
		start = end;
	}
	return 0;
}

static int write_memory(struct mv_guest *g, int fd, const struct mv_save_header *h, uint8_t *sums,
			struct mv_error **err)
{
	for (unsigned i = 0; i < g->memory.region_count; i++) {
		const struct mv_memory_region *r = &g->memory.regions[i];
		uint64_t at = 0;

		/* Regions begin and end at multiples of a block in the file, the last one's end apart. */
		while (at < r->size) {
			uint64_t offset = i ? MV_LOW_RAM_LIMIT + at : at;
			uint64_t data = mv_memory_next_data(&g->memory, i, at);
			size_t len;

			if (data >= at + MV_SAVE_BLOCK) {
				at = data / MV_SAVE_BLOCK * MV_SAVE_BLOCK;
				continue;
			}
			len = r->size - at < MV_SAVE_BLOCK ? r->size - at : MV_SAVE_BLOCK;
			mv_put_le32(sums + offset / MV_SAVE_BLOCK * 4, mv_save_block_sum(r->host + at, len));
			if (write_block(fd, r->host + at, len, h->memory_offset + offset, err) < 0)
				return -1;
			at += len;
		}
	}
	return 0;
}

static int write_all(struct mv_guest *g, int fd, struct mv_save_header *h, const struct sections *sections,
		     const char *description, uint8_t *sums, struct mv_error **err)
{
	if (mv_save_header_write(fd, h, false, err) < 0)
		return -1;
	if (ftruncate(fd, (off_t)(h->memory_offset + h->memory_size)) < 0)
		return mv_error_set_errno(err, errno, "Cannot set the size of the save image");
	if (mv_file_write_at(fd, description, h->description_size, h->description_offset, "save image", err) < 0 ||
	    mv_file_write_at(fd, sections->data, sections->size, h->sections_offset, "save image", err) < 0 ||
	    write_memory(g, fd, h, sums, err) < 0 ||
	    mv_file_write_at(fd, sums, h->checksums_size, h->checksums_offset, "save image", err) < 0)
		return -1;
	h->checksums_crc = mv_crc32c(0, sums, h->checksums_size);
	return mv_save_header_write(fd, h, true, err);
}

int mv_save_write(struct mv_guest *g, int fd, struct mv_error **err)
{
	const char *description = g->spec->description ? g->spec->description : "";
	struct sections sections = { 0 };
	struct mv_save_header h = { .vcpus = g->spec->vcpus, .memory_size = g->spec->memory };
	mv_autofree uint8_t *sums = NULL;
	int ret = -1;

	if (mv_save_each_section(g, save_section, &sections, err) < 0)
		goto out;
	h.description_size = strlen(description);
	h.description_crc = mv_crc32c(0, description, h.description_size);
	h.sections_size = sections.size;
	h.sections_crc = mv_crc32c(0, sections.data, sections.size);
	mv_save_header_lay_out(&h);
	sums = calloc(1, h.checksums_size);
	if (!sums) {
		mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the save image's checksums.");
		goto out;
	}
	ret = write_all(g, fd, &h, &sections, description, sums, err);
out:
	free(sections.data);
	return ret;
}
