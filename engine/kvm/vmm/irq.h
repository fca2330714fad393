/* Interrupts into the guest: lines of the in-kernel PIC/IOAPIC, and MSI routes with an irqfd each. Any thread. */
#ifndef MV_KVM_VMM_IRQ_H
#define MV_KVM_VMM_IRQ_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

struct mv_irq;
struct mv_msi;

/* vm_fd: -1 makes one that only counts, for tests and fuzzing without KVM. */
int mv_irq_create(int vm_fd, struct mv_irq **out, struct mv_error **err);
void mv_irq_free(struct mv_irq *irq);

/* Level of one source on a GSI that may be shared: the line is high while any source holds it high. `source` is any
 * number 0..63 that the sharers of this GSI do not share (a PCI slot). */
void mv_irq_set(struct mv_irq *irq, unsigned gsi, unsigned source, bool level);
/* Is the line high? For tests and diagnosis. */
bool mv_irq_get(struct mv_irq *irq, unsigned gsi);
/* A bit per line that is high. */
uint32_t mv_irq_levels(struct mv_irq *irq);
/* After the interrupt controllers were loaded as they were saved: tells them of the lines whose level is no longer the
 * saved one (a timer ran out meanwhile). The others are left alone: an edge would come twice. */
void mv_irq_settle(struct mv_irq *irq, uint32_t saved);
/* A pulse on an edge-triggered ISA line. */
void mv_irq_pulse(struct mv_irq *irq, unsigned gsi);

/* A message-signalled interrupt: an eventfd whose write injects it. Masked until mv_msi_set(). */
int mv_msi_create(struct mv_irq *irq, struct mv_msi **out, struct mv_error **err);
void mv_msi_free(struct mv_msi *msi);
/* Address and data as the guest wrote them; masked: signals are held back in the eventfd (see mv_msi_pending) and are
 * delivered when it is unmasked. An address that is no MSI address only silences the vector. */
void mv_msi_set(struct mv_msi *msi, uint64_t address, uint32_t data, bool masked);
bool mv_msi_pending(struct mv_msi *msi);
void mv_msi_clear(struct mv_msi *msi); /* forgets a pending signal */
void mv_msi_signal(struct mv_msi *msi);
int mv_msi_fd(const struct mv_msi *msi); /* borrowed; for vhost */

#endif
