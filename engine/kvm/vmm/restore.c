#include "engine/kvm/vmm/restore.h"

#include <inttypes.h>

#include "engine/kvm/common/save_image.h"
#include "engine/kvm/vmm/save.h"

#define IMAGE_NAME(g) ((g)->spec->name)

int mv_restore_memory(struct mv_guest *g, struct mv_error **err)
{
	struct mv_save_header h;

	if (mv_save_image_read_header(g->spec->restore_fd, IMAGE_NAME(g), &h, NULL, err) < 0)
		return -1;
	if (h.memory_size != g->spec->memory || h.vcpus != g->spec->vcpus)
		return mv_error_set(err, MV_ERR_OPERATION_FAILED,
				    "The save image of '%s' holds %u vCPUs and %" PRIu64
				    " MiB of memory; the guest to restore has %u and %" PRIu64 ".",
				    g->spec->name, h.vcpus, h.memory_size >> 20, g->spec->vcpus, g->spec->memory >> 20);
	if (g->spec->restore_verify && mv_save_memory_verify(g->spec->restore_fd, IMAGE_NAME(g), &h, err) < 0)
		return -1;
	return mv_memory_map_image(&g->memory, h.memory_size, g->spec->restore_fd, h.memory_offset, err);
}

struct loaded {
	void *data;
	size_t size;
};

static int load_section(struct mv_guest *g, const char *name, uint32_t version, mv_section_body body, void *what,
			void *opaque, struct mv_error **err)
{
	struct loaded *all = opaque;
	struct mv_save_section section;
	mv_auto(mv_state) st = NULL;

	if (mv_save_section_find(all->data, all->size, name, version, &section, err) < 0 ||
	    mv_state_loader(name, section.version, section.body, section.size, &st, err) < 0 ||
	    body(g, what, st, err) < 0)
		return -1;
	return mv_state_finish(st, err);
}

int mv_restore_state(struct mv_guest *g, struct mv_error **err)
{
	struct mv_save_header h;
	struct loaded all;
	int ret;

	if (mv_save_image_read_header(g->spec->restore_fd, IMAGE_NAME(g), &h, NULL, err) < 0 ||
	    mv_save_part_read(g->spec->restore_fd, IMAGE_NAME(g), "device state", h.sections_offset, h.sections_size,
			      h.sections_crc, &all.data, err) < 0)
		return -1;
	all.size = h.sections_size;
	ret = mv_save_each_section(g, load_section, &all, err);
	free(all.data);
	return ret;
}
