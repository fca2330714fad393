/* A driver that implements a few of libvirt's calls and remembers what it was asked, for tests of the calls. */
#ifndef MV_TESTS_FAKE_DRIVER_H
#define MV_TESTS_FAKE_DRIVER_H

#include "engine/api/call.h"
#include "engine/api/conn.h"
#include "engine/api/driver.h"
#include "engine/api/stream.h"

struct fake_driver {
	struct mv_driver drv;
	unsigned domains;      /* what connect_list_all_domains finds: "d0", "d1", ...; even ones run */
	char *last;            /* what was called last, with its arguments as text */
	bool fails;            /* every call fails, after it has filled half of its answer */
	char uploaded[64];     /* through storage_vol_upload */
	unsigned streams;      /* that are open */
	unsigned aborted;      /* streams that were given up */
	bool stream_breaks;    /* sending fails */
	unsigned typed_params; /* how many parameters domain_get_scheduler_parameters_flags returns */
};

/* A connection to one; the fake is freed with it. */
struct mv_conn *fake_open(struct fake_driver **fake);
struct mv_domain_ref fake_domain(unsigned number); /* owns its name */

#endif
