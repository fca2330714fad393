#include <stdlib.h>

#include "engine/conf/schema.h"

void mv_conf_notes_clear(struct mv_conf_notes *notes)
{
	for (size_t i = 0; i < notes->count; i++) {
		free(notes->notes[i].path);
		free(notes->notes[i].message);
	}
	free(notes->notes);
	*notes = (struct mv_conf_notes){ 0 };
}
