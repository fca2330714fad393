/* The test driver: a host in memory, with guests that only seem to run. test:///default has canned content;
 * test:///FILE reads a description of a host. */
#ifndef MV_TEST_DRIVER_H
#define MV_TEST_DRIVER_H

#include "engine/api/driver.h"

extern const struct mv_driver_ops mv_test_driver;

#endif
