/* The machine: what devices see of the whole. The parts are made in this order and exist as long as any device does. A
 * test may fill in only the parts that its device uses. */
#ifndef MV_KVM_VMM_MACHINE_H
#define MV_KVM_VMM_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/loop.h"
#include "engine/kvm/common/control.h"
#include "engine/kvm/common/machine_spec.h"
#include "engine/kvm/vmm/bus.h"
#include "engine/kvm/vmm/irq.h"
#include "engine/kvm/vmm/memory.h"

struct mv_pci_bus;
struct mv_machine;

/* What a guest's act asks of the machine; handled on the main loop, after the act's vCPU has left it. */
enum mv_request { MV_REQUEST_POWEROFF, MV_REQUEST_RESET, MV_REQUEST_PANIC };

/* How the whole reacts to what devices and vCPUs tell; any thread, never blocks. */
struct mv_machine_ops {
	void (*request)(struct mv_machine *m, enum mv_request request, enum mv_reason reason, const char *detail);
	void (*event)(struct mv_machine *m, enum mv_event_kind kind, uint64_t number, const char *text);
	/* ioeventfd: fd (borrowed) is signalled when the guest writes to the address (len 0: any width); -errno. */
	int (*notify_add)(struct mv_machine *m, enum mv_space space, uint64_t address, unsigned len, int fd);
	void (*notify_remove)(struct mv_machine *m, enum mv_space space, uint64_t address, unsigned len, int fd);
};

struct mv_machine {
	const struct mv_machine_ops *ops;
	const struct mv_machine_spec *spec;
	struct mv_memory *memory;
	struct mv_bus *bus;
	struct mv_irq *irq;
	struct mv_loop *loop; /* the main loop */
	struct mv_pci_bus *pci;
	/* Called first on every thread that a device starts (the sandbox of that thread kind); may be NULL. */
	void (*enter_io_thread)(void *machine);
};

static inline void mv_machine_request(struct mv_machine *m, enum mv_request request, enum mv_reason reason,
				      const char *detail)
{
	m->ops->request(m, request, reason, detail);
}

static inline void mv_machine_event(struct mv_machine *m, enum mv_event_kind kind, uint64_t number, const char *text)
{
	m->ops->event(m, kind, number, text);
}

#endif
