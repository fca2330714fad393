/* What the two halves of virtio-console share: console.c (the device, its data queues) and console_control.c (the
 * control queues). Source: VIRTIO 1.2, section 5.3. */
#ifndef MV_KVM_VIRTIO_CONSOLE_H
#define MV_KVM_VIRTIO_CONSOLE_H

#include "engine/kvm/dev/chardev.h"
#include "engine/kvm/virtio/virtio.h"

#define MV_CONSOLE_F_MULTIPORT 1
#define MV_CONSOLE_F_EMERG_WRITE 2

#define MV_CONSOLE_INPUT 4096
#define MV_CONSOLE_MAX_NAME 255

struct mv_console;

/* Everything on the main loop, which is the device's thread and the consoles' too. */
struct mv_console_port {
	struct mv_console *console;
	unsigned index;
	char *name; /* owned; NULL: none */
	bool is_console;
	struct mv_chardev *chardev;
	int clients;

	bool ready;       /* the driver has it (always, without MULTIPORT) */
	bool guest_open;  /* a program in the guest has it open; input waits until then */
	bool told_open;   /* what the guest was told last about our end */
	uint8_t pending;  /* control messages that wait for a buffer; a bit each, so that they cannot pile up */
	uint64_t tx_done; /* bytes already taken from the chain that is next in the transmit queue */
	uint8_t input[MV_CONSOLE_INPUT]; /* from clients, waiting for a buffer */
	uint32_t input_len;
};

struct mv_console {
	struct mv_virtio v; /* first */
	struct mv_console_port *ports;
	uint32_t count;
	bool driver_ready; /* DEVICE_READY was said */
};

/* Takes what the driver said. */
void mv_console_control_received(struct mv_console *c);
/* Tells the driver what waits, as far as it gave buffers. */
void mv_console_control_send(struct mv_console *c);
/* A saved state was loaded: leaves only messages that there are. */
void mv_console_control_loaded(struct mv_console_port *p);
/* A client came or went, input was delivered: tells the guest when its port's other end opened or closed. */
void mv_console_port_update(struct mv_console_port *p);
/* The port takes input again, or its guest's end changed. */
void mv_console_port_opened(struct mv_console_port *p);
/* Breaks the device when the queue is broken; for work that no notification started. */
void mv_console_check_queue(struct mv_console *c, unsigned index);

#define MV_CONSOLE_CONTROL_RX 2
#define MV_CONSOLE_CONTROL_TX 3

#endif
