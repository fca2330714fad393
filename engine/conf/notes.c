#include <stdlib.h>

#include "engine/conf/reader.h"

/* A thread's, so that machines and daemons in one process do not meet in it. */
static _Thread_local struct mv_conf_notes *sink;

struct mv_conf_notes *mv_conf_notes_sink(struct mv_conf_notes *to)
{
	struct mv_conf_notes *before = sink;

	sink = to;
	return before;
}

struct mv_conf_notes *mv_conf_notes_current(void)
{
	return sink;
}

void mv_conf_notes_clear(struct mv_conf_notes *notes)
{
	for (size_t i = 0; i < notes->count; i++) {
		free(notes->notes[i].path);
		free(notes->notes[i].message);
	}
	free(notes->notes);
	*notes = (struct mv_conf_notes){ 0 };
}
