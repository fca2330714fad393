/* What the files of the PCI implementation share. Devices see pci.h only. */
#ifndef MV_KVM_DEV_PCI_BUS_H
#define MV_KVM_DEV_PCI_BUS_H

#include <pthread.h>
#include <stdint.h>

#include "engine/kvm/dev/pci.h"

#define MV_PCI_SLOTS (MV_MACHINE_PCI_SLOTS + 1) /* with the host bridge in slot 0 */
#define MV_PCI_EXTENDED_SIZE 4096

/* Offsets in configuration space and their bits (PCI Local Bus 3.0, chapter 6). */
#define MV_PCI_VENDOR 0x00
#define MV_PCI_DEVICE 0x02
#define MV_PCI_COMMAND 0x04
#define MV_PCI_COMMAND_MEMORY 0x0002
#define MV_PCI_COMMAND_MASTER 0x0004
#define MV_PCI_COMMAND_PARITY 0x0040
#define MV_PCI_COMMAND_SERR 0x0100
#define MV_PCI_COMMAND_INTX_DISABLE 0x0400
#define MV_PCI_STATUS 0x06
#define MV_PCI_STATUS_INTERRUPT 0x0008
#define MV_PCI_STATUS_CAPABILITIES 0x0010
#define MV_PCI_STATUS_ERRORS 0xf900 /* written with ones to clear */
#define MV_PCI_REVISION 0x08
#define MV_PCI_CLASS 0x09
#define MV_PCI_CACHE_LINE 0x0c
#define MV_PCI_BAR0 0x10
#define MV_PCI_BARS_END 0x28
#define MV_PCI_SUBSYSTEM_VENDOR 0x2c
#define MV_PCI_SUBSYSTEM 0x2e
#define MV_PCI_CAPABILITIES 0x34
#define MV_PCI_INTERRUPT_LINE 0x3c
#define MV_PCI_INTERRUPT_PIN 0x3d
#define MV_PCI_HEADER_END 0x40

#define MV_PCI_CAP_PCIE 0x10
#define MV_PCI_CAP_MSIX 0x11

struct mv_pci_bus {
	/* Guards the configuration space and BAR mappings of all functions, since moving one BAR may make room for
	 * another's. Order: before a device's own locks (bar_mapped) and the locks of MSI-X, bus and interrupts. */
	pthread_mutex_t lock;
	struct mv_machine *machine;
	struct mv_pci_fn *fns[MV_PCI_SLOTS];
	uint64_t next_bar; /* where the window is free: initial addresses go up from here */
};

void mv_pci_bus_init(struct mv_pci_bus *bus, struct mv_machine *m);
void mv_pci_bus_release(struct mv_pci_bus *bus);
/* As mv_pci_fn_init(), for any slot. */
int mv_pci_bus_plug(struct mv_pci_bus *bus, struct mv_pci_fn *fn, unsigned slot, const struct mv_pci_ids *ids,
		    const struct mv_pci_ops *ops, struct mv_error **err);

/* A configuration access to the function in `slot`, at register 0..4095. vCPU thread, no lock held. Absent: all ones.
 */
void mv_pci_config_read(struct mv_pci_bus *bus, unsigned slot, unsigned function, unsigned reg, void *buf,
			unsigned len);
void mv_pci_config_write(struct mv_pci_bus *bus, unsigned slot, unsigned function, unsigned reg, const void *buf,
			 unsigned len);

/* The function's MSI-X control word may have changed; the bus's lock held. */
void mv_msix_config_changed(struct mv_pci_fn *fn);

#endif
