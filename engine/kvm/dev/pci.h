/* PCI: one root bus with 31 slots behind a host bridge, configuration space through ECAM and ports 0xcf8/0xcfc, memory
 * BARs that the guest may move, INTx through the IOAPIC, MSI-X. */
#ifndef MV_KVM_DEV_PCI_H
#define MV_KVM_DEV_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/kvm/common/state.h"
#include "engine/kvm/dev/dev.h"
#include "engine/kvm/vmm/bus.h"

#define MV_PCI_CONFIG_SIZE 256
#define MV_PCI_BARS 6

struct mv_pci_bus;
struct mv_pci_fn;
struct mv_msix;

struct mv_pci_ops {
	/* After the guest changed configuration bytes [offset, offset+len); vCPU thread, no lock held. Optional. */
	void (*config_written)(struct mv_pci_fn *fn, unsigned offset, unsigned len);
	/* Before the guest reads configuration bytes; the same. Optional. */
	void (*config_read)(struct mv_pci_fn *fn, unsigned offset, unsigned len);
	/* BAR contents; vCPU thread, no lock held. */
	struct mv_bus_ops bar; /* opaque is the struct mv_pci_bar */
	/* A BAR was mapped at, or unmapped from, an address; the PCI bus's lock held: it must not call back into
	 * functions of this header that change or read configuration. Optional. */
	void (*bar_mapped)(struct mv_pci_fn *fn, unsigned bar, uint64_t address, bool mapped);
};

/* The guest may write any address into a BAR. It is mapped there while memory decoding is on, all of it lies in the PCI
 * window (so never over RAM, ECAM, IOAPIC or local APIC) and nothing else is mapped there; otherwise it is mapped
 * nowhere, until the guest moves it, or what is in its way, to a better place. */
struct mv_pci_bar {
	struct mv_pci_fn *fn;
	unsigned index;
	uint64_t size;    /* a power of two, at least 16; 0: no such BAR. Memory, 32 bits, not prefetchable */
	uint64_t address; /* where it is mapped now */
	bool mapped;
};

struct mv_pci_fn {
	struct mv_machine *machine;
	const struct mv_pci_ops *ops;
	unsigned slot;
	/* The PCI bus's lock guards all below; nobody needs it before the guest runs. */
	uint8_t config[MV_PCI_CONFIG_SIZE];
	uint8_t initial[MV_PCI_CONFIG_SIZE];  /* config as mv_pci_fn_reset() restores it */
	uint8_t writable[MV_PCI_CONFIG_SIZE]; /* a bit per bit */
	uint8_t write1_clear[MV_PCI_CONFIG_SIZE];
	struct mv_pci_bar bars[MV_PCI_BARS];
	unsigned capability_end; /* next free byte for a capability */
	struct mv_msix *msix;    /* NULL: none */
	bool intx_level;         /* what the device wants */
	bool intx_line;          /* what the guest's settings let through */
};

struct mv_pci_ids {
	uint16_t vendor, device;
	uint16_t subsystem_vendor, subsystem;
	uint8_t revision;
	uint32_t class_code; /* 24 bits: class, subclass, interface */
};

/* Created with the machine; owns ECAM, the configuration ports, and the reset control register among them (0xcf9). */
extern const struct mv_dev_ops mv_pci_host_ops;

/* Puts a function into slot 1..31 (0: the next free one). -1 when the slot is taken. It has a PCI Express capability
 * (root complex integrated endpoint) from the start. fn is overwritten. */
int mv_pci_fn_init(struct mv_pci_fn *fn, struct mv_machine *m, unsigned slot, const struct mv_pci_ids *ids,
		   const struct mv_pci_ops *ops, struct mv_error **err);
void mv_pci_fn_release(struct mv_pci_fn *fn);
/* size is rounded up to a power of two. The initial address is chosen from the window; memory decoding is on from the
 * start, so that a guest without PCI enumeration can use it. */
int mv_pci_add_bar(struct mv_pci_fn *fn, unsigned index, uint64_t size, struct mv_error **err);
/* Appends a capability of `size` bytes: two of header and size-2 of body; returns its offset, or 0 when there is no
 * room. Its bytes are read-only: set bits in fn->writable for others. */
unsigned mv_pci_add_capability(struct mv_pci_fn *fn, uint8_t id, const void *body, unsigned size);
void mv_pci_fn_reset(struct mv_pci_fn *fn);
/* Fields of the caller's section with tags from `tag` to tag+15; loading maps the BARs where they were. */
void mv_pci_fn_state(struct mv_pci_fn *fn, struct mv_state *st, uint16_t tag);

/* Copies of configuration bytes, for a device that keeps registers there. Any thread, no lock held. */
void mv_pci_config_get(struct mv_pci_fn *fn, unsigned offset, void *buf, unsigned len);
void mv_pci_config_set(struct mv_pci_fn *fn, unsigned offset, const void *buf, unsigned len);

/* INTx A of the function, honouring the interrupt-disable bit. Any thread. */
void mv_pci_intx(struct mv_pci_fn *fn, bool level);

/* MSI-X: table and pending bits lie in one BAR that the function owns at the given offsets. */
int mv_msix_init(struct mv_pci_fn *fn, unsigned vectors, unsigned bar, uint32_t table_offset, uint32_t pba_offset,
		 struct mv_error **err);
void mv_msix_release(struct mv_pci_fn *fn);
/* Does the offset within the BAR belong to table or PBA? The device's BAR handler asks and passes on. */
bool mv_msix_covers(const struct mv_pci_fn *fn, uint64_t offset);
void mv_msix_read(struct mv_pci_fn *fn, uint64_t offset, void *buf, unsigned len);
void mv_msix_write(struct mv_pci_fn *fn, uint64_t offset, const void *buf, unsigned len);
bool mv_msix_enabled(const struct mv_pci_fn *fn);
void mv_msix_signal(struct mv_pci_fn *fn, unsigned vector); /* any thread; out of range: nothing */
/* The irqfd's eventfd, for vhost; -1: none. It stays the same until mv_msix_release(). Any thread. */
int mv_msix_fd(struct mv_pci_fn *fn, unsigned vector);
void mv_msix_reset(struct mv_pci_fn *fn);
void mv_msix_state(struct mv_pci_fn *fn, struct mv_state *st, uint16_t tag);

#endif
