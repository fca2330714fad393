/* ROOT/cache/kernels: kernels that were unpacked, so that it is done once and not at each start. */
#ifndef MV_KVM_KERNELS_H
#define MV_KVM_KERNELS_H

#include <stdbool.h>

#define MV_KERNELS_KEPT 4

/* The ELF file in the bzImage kernel_fd (borrowed): from the cache in the folder `root` (borrowed), with `make`
 * unpacked into it when it is not there, which takes about half a second. A descriptor to read, owned, or -1: there is
 * nothing to unpack, or it did not work, and the kernel is to be booted as it is. Several processes may do this at
 * once. Any thread. */
int mv_kernel_unpacked(int root, int kernel_fd, bool make);

#endif
