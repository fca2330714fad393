/* Cleanup attributes: a resource is released when its variable goes out of scope. */
#ifndef MV_BASE_CLEANUP_H
#define MV_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

static inline void mv_cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void mv_cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define mv_autofree __attribute__((cleanup(mv_cleanup_free)))
#define mv_autofd __attribute__((cleanup(mv_cleanup_fd)))

/* mv_auto(mv_thing) x: a `struct mv_thing *` freed by the function that MV_AUTO_DEFINE named. */
#define mv_auto(type) __attribute__((cleanup(mv_cleanup_##type))) struct type *
#define MV_AUTO_DEFINE(type, free_fn)                         \
	static inline void mv_cleanup_##type(struct type **p) \
	{                                                     \
		free_fn(*p);                                  \
	}

/* Takes the value out of a cleanup variable, which then holds nothing. */
#define mv_steal(p)                             \
	({                                      \
		__typeof__(p) *steal_ = &(p);   \
		__typeof__(p) value_ = *steal_; \
		*steal_ = NULL;                 \
		value_;                         \
	})

static inline int mv_steal_fd(int *fd)
{
	int value = *fd;

	*fd = -1;
	return value;
}

#define MV_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define mv_container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#endif
