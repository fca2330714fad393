/* What the two halves of virtio-balloon share: balloon.c (the device) and balloon_pages.c (giving pages back to the
 * host). Source: VIRTIO 1.2, section 5.5. */
#ifndef MV_KVM_VIRTIO_BALLOON_H
#define MV_KVM_VIRTIO_BALLOON_H

#include "engine/kvm/virtio/virtio.h"

#define MV_BALLOON_PAGE 4096 /* whatever the guest's pages are */

#define MV_BALLOON_INFLATE 0
#define MV_BALLOON_DEFLATE 1
#define MV_BALLOON_QUEUES 5

/* Gives the pages that a chain lists, from byte *done of its readable part on, back to the host; pages that are not RAM
 * are passed over. Looks at no more than *budget page numbers. True when the chain is done. */
bool mv_balloon_inflate(struct mv_memory *mem, const struct mv_chain *chain, uint64_t *done, unsigned *budget);
/* Gives the whole pages inside a chain's writable segments back to the host. */
void mv_balloon_report(struct mv_memory *mem, const struct mv_chain *chain);

#endif
