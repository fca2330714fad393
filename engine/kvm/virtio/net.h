/* The parts of the network device (private to net*.c and its tests). Everything runs on the device's thread: an I/O
 * thread of its own, or the main loop when the kernel (vhost) moves the packets.
 * Source: Virtual I/O Device (VIRTIO) 1.2, section 5.1. */
#ifndef MV_KVM_VIRTIO_NET_H
#define MV_KVM_VIRTIO_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "engine/base/error.h"
#include "engine/base/loop.h"
#include "engine/kvm/virtio/queue.h"
#include "engine/kvm/virtio/vhost.h"
#include "engine/kvm/virtio/virtio.h"

/* Feature bits. */
#define MV_NET_F_CSUM 0
#define MV_NET_F_GUEST_CSUM 1
#define MV_NET_F_CTRL_GUEST_OFFLOADS 2
#define MV_NET_F_MTU 3
#define MV_NET_F_MAC 5
#define MV_NET_F_GUEST_TSO4 7
#define MV_NET_F_GUEST_TSO6 8
#define MV_NET_F_GUEST_ECN 9
#define MV_NET_F_HOST_TSO4 11
#define MV_NET_F_HOST_TSO6 12
#define MV_NET_F_HOST_ECN 13
#define MV_NET_F_MRG_RXBUF 15
#define MV_NET_F_STATUS 16
#define MV_NET_F_CTRL_VQ 17
#define MV_NET_F_CTRL_RX 18
#define MV_NET_F_CTRL_VLAN 19
#define MV_NET_F_CTRL_RX_EXTRA 20
#define MV_NET_F_GUEST_ANNOUNCE 21
#define MV_NET_F_MQ 22
#define MV_NET_F_CTRL_MAC_ADDR 23
#define MV_NET_F_GUEST_USO4 54
#define MV_NET_F_GUEST_USO6 55
#define MV_NET_F_HOST_USO 56

#define MV_NET_BIT(feature) (UINT64_C(1) << (feature))

/* What the guest can take: these are also the bits of the guest offloads command. */
#define MV_NET_GUEST_USO (MV_NET_BIT(MV_NET_F_GUEST_USO4) | MV_NET_BIT(MV_NET_F_GUEST_USO6))
#define MV_NET_GUEST_OFFLOADS                                                                                  \
	(MV_NET_BIT(MV_NET_F_GUEST_CSUM) | MV_NET_BIT(MV_NET_F_GUEST_TSO4) | MV_NET_BIT(MV_NET_F_GUEST_TSO6) | \
	 MV_NET_BIT(MV_NET_F_GUEST_ECN) | MV_NET_GUEST_USO)
/* What the host can take. */
#define MV_NET_HOST_OFFLOADS                                                                           \
	(MV_NET_BIT(MV_NET_F_CSUM) | MV_NET_BIT(MV_NET_F_HOST_TSO4) | MV_NET_BIT(MV_NET_F_HOST_TSO6) | \
	 MV_NET_BIT(MV_NET_F_HOST_ECN) | MV_NET_BIT(MV_NET_F_HOST_USO))

#define MV_NET_HEADER 12              /* struct virtio_net_hdr with num_buffers, which VERSION_1 always has */
#define MV_NET_MAX_PACKET (68 * 1024) /* the largest IP packet with its headers is a little over 64 KiB */
#define MV_NET_CTRL_SIZE 64           /* control queue */
#define MV_NET_WINDOW 512             /* segments of guest buffers that one packet may be read into */
#define MV_NET_FILTER_MACS 64         /* of each kind; with more, all of that kind pass */
#define MV_NET_VLANS 4096

/* The descriptor that packets go through. A table of its own, so that tests can put a socket in its place. */
struct mv_net_backend {
	/* Checks that fd is what it should be, makes it ready; `pairs`: how many descriptors the device has. */
	int (*prepare)(int fd, const char *id, unsigned pair, unsigned pairs, struct mv_error **err);
	/* Which of the GUEST and HOST offload features the backend can do. */
	uint64_t (*features)(int fd);
	/* Which offloads (GUEST feature bits) the guest takes now. 0 or -errno. */
	int (*set_offloads)(int fd, uint64_t offloads);
	/* Whether packets are steered to this descriptor; only called with several pairs. 0 or -errno. */
	int (*set_queue)(int fd, bool on);
};

extern const struct mv_net_backend mv_net_tap;

/* One direction of one pair. Written by the device's thread, read by any. */
struct mv_net_counters {
	uint64_t bytes, packets, drops, errors;
};

static inline void mv_net_count(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

/* A receive buffer that was taken from the queue and not yet given back. */
struct mv_net_buffer {
	uint16_t head;
	uint16_t segments;
	uint32_t bytes;
};

/* Receive buffers ahead of the next packet: what it is read into, without a copy. Buffers are taken and used in the
 * order of the ring, so those that are left can be given back untaken when the device stops. */
struct mv_net_window {
	struct mv_net_buffer buffers[MV_QUEUE_MAX_SIZE];
	unsigned first_buffer, buffer_count;
	struct iovec iov[MV_NET_WINDOW + 1]; /* the last one: room for the overflow segment */
	unsigned first_iov, iov_count;
	uint32_t bytes;    /* that iov covers */
	uint32_t wanted;   /* bytes to have ready: follows the size of the packets seen */
	unsigned small;    /* packets in a row that needed far less than that */
	uint8_t *overflow; /* MV_NET_MAX_PACKET bytes: what did not fit */
	uint32_t packet;   /* length of a packet that waits for more buffers to put its overflow in; 0: none */
	uint32_t placed;   /* bytes of it that are in buffers */
};

struct mv_net;

struct mv_net_pair {
	struct mv_net *net;
	unsigned index;
	int fd;                 /* owned; -1: not yet */
	bool steered;           /* packets come to this pair */
	struct mv_watch *watch; /* of fd, edge triggered; while steered and active */
	bool readable;          /* fd may have packets: not seen empty since it was reported */
	bool blocked;           /* fd takes no packet now: wait for it */
	struct mv_queue *rx_queue, *tx_queue;
	struct mv_net_window window;
	struct mv_net_counters rx, tx;
	struct mv_vhost vhost;
};

/* What the guest wants to receive. The device starts with everything; a guest that never says otherwise gets all. */
struct mv_net_filter {
	bool promiscuous, all_multicast, all_unicast, no_multicast, no_unicast, no_broadcast;
	uint16_t unicast_count, multicast_count;
	bool unicast_overflow, multicast_overflow;
	uint8_t unicast[MV_NET_FILTER_MACS][6];
	uint8_t multicast[MV_NET_FILTER_MACS][6];
	uint8_t vlans[MV_NET_VLANS / 8]; /* a bit per id that passes */
};

struct mv_net {
	struct mv_virtio v;                   /* first */
	const struct mv_net_backend *backend; /* NULL until create: mv_net_tap */
	struct mv_net_pair *pairs;
	unsigned pair_count;
	bool vhost;
	uint8_t configured_mac[6], mac[6];
	uint16_t mtu;

	unsigned ctrl;               /* index of the control queue with the negotiated features; 0: none */
	struct mv_watch *ctrl_watch; /* with vhost: the transport does not watch for us */
	uint16_t active_pairs;
	uint64_t offloads;
	bool offloads_set; /* by the guest's command, rather than by the features */
	bool announce;     /* asked of the guest, not yet acknowledged */
	bool loaded;       /* from a save image: on activation the guest is asked to announce itself */
	bool link_down;    /* the tap is gone */
	bool running;      /* active, not paused, not failed */
	bool failed;       /* the guest broke the rules; until reset */
	struct mv_net_filter filter;
};

/* net.c */
/* The device takes nothing more until reset. */
void mv_net_fail(struct mv_net *n, const char *why);
/* Steers packets to the first `pairs` pairs (1..pair_count). 0 or -errno, then nothing changed. */
int mv_net_set_pairs(struct mv_net *n, unsigned pairs);
/* The backend of a pair is gone: the link is down from now on. */
void mv_net_lost(struct mv_net_pair *p, int errnum);

/* net_rx.c, net_tx.c: move at most `budget` packets. True: there is more to do, call again. */
bool mv_net_rx_run(struct mv_net_pair *p, unsigned budget);
bool mv_net_tx_run(struct mv_net_pair *p, unsigned budget);
/* Asks the guest to notify when it has packets to send. True: it has some already. */
bool mv_net_tx_wait(struct mv_net_pair *p);
/* Gives buffers that wait for packets back to the guest's ring; a packet that waits for buffers is dropped. */
void mv_net_rx_stop(struct mv_net_pair *p);
/* Throws away what was queued for a guest that was not there. */
void mv_net_rx_discard(struct mv_net_pair *p);

/* net_ctrl.c: answers at most `budget` commands. True: there are more. */
bool mv_net_ctrl_run(struct mv_net *n, unsigned budget);

/* net_filter.c */
void mv_net_filter_reset(struct mv_net_filter *f);
/* True when nothing needs to be looked at. */
bool mv_net_filter_open(const struct mv_net *n);
/* `frame`: the first 16 bytes of an Ethernet frame, VLAN tag included. */
bool mv_net_filter_passes(const struct mv_net *n, const uint8_t *frame);
void mv_net_filter_state(struct mv_net_filter *f, struct mv_state *st, uint16_t tag); /* tag..tag+12 */

/* net_vhost.c: the kernel moves the packets. */
int mv_net_vhost_start(struct mv_net *n, struct mv_error **err);
void mv_net_vhost_stop(struct mv_net *n);

extern const struct mv_virtio_ops mv_net_ops, mv_net_vhost_ops;

#endif
