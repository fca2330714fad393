/* The parts of mv_domain_check() about processors, threads and memory. Each brings its element into the form that
 * libvirt writes, or refuses it. 0 or -1. */
#ifndef MV_CONF_DOMAIN_TUNE_H
#define MV_CONF_DOMAIN_TUNE_H

#include "conf/domain_def.h"

int mv_domain_check_vcpus(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err);
int mv_domain_check_iothreads(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err);
/* After vcpus and iothreads. */
int mv_domain_check_cputune(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err);
int mv_domain_check_resctrl(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err);
int mv_domain_check_numatune(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err);
int mv_domain_check_blkiotune(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err);
int mv_domain_check_memory(struct mv_domain_def *def, struct mv_conf_at *at, struct mv_error **err);

#endif
