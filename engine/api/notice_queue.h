/* The queue of a connection's notices: part of struct mv_driver. All zero is empty. */
#ifndef MV_API_NOTICE_QUEUE_H
#define MV_API_NOTICE_QUEUE_H

struct mv_notice;

struct mv_notice_queue {
	struct mv_notice *first, *last;
	unsigned count;
	unsigned listeners; /* without any, nothing is queued */
};

#endif
