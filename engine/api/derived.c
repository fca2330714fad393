#include "engine/api/derived.h"

mv_derived_fn mv_derived_find(enum mv_call_id call)
{
	(void)call;
	return NULL;
}
