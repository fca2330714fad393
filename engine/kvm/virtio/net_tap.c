/* The tap as a backend: what the kernel must know about what the guest takes, and which queues are in use. The
 * descriptors arrive opened and attached to their interface (TUNSETIFF), so nothing here needs privileges. */
#include "engine/kvm/virtio/net.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

/* Kernel headers before 6.2 don't name them; the kernel is asked. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

static int check_flags(int fd, const char *id, unsigned pair, unsigned pairs, struct mv_error **err)
{
	struct ifreq ifr = { 0 };
	unsigned flags;

	if (ioctl(fd, TUNGETIFF, &ifr) < 0)
		return mv_error_set_errno(
			err, errno, "The descriptor for queue pair %u of the network device '%s' is no tap interface",
			pair, id);
	flags = (unsigned short)ifr.ifr_flags;
	if (!(flags & IFF_TAP) || !(flags & IFF_NO_PI) || !(flags & IFF_VNET_HDR))
		return mv_error_set(err, MV_ERR_INVALID_ARG,
				    "The tap interface '%.*s' of the network device '%s' was opened with flags 0x%x; "
				    "it needs IFF_TAP, IFF_NO_PI and IFF_VNET_HDR.",
				    IFNAMSIZ, ifr.ifr_name, id, flags);
	if (pairs > 1 && !(flags & IFF_MULTI_QUEUE))
		return mv_error_set(err, MV_ERR_INVALID_ARG,
				    "The tap interface '%.*s' of the network device '%s' was opened without "
				    "IFF_MULTI_QUEUE, which %u queue pairs need.",
				    IFNAMSIZ, ifr.ifr_name, id, pairs);
	return 0;
}

static int tap_prepare(int fd, const char *id, unsigned pair, unsigned pairs, struct mv_error **err)
{
	int header = MV_NET_HEADER, flags;

	if (check_flags(fd, id, pair, pairs, err) < 0)
		return -1;
	if (ioctl(fd, TUNSETVNETHDRSZ, &header) < 0)
		return mv_error_set_errno(err, errno, "Cannot set the packet header's size on the tap of '%s'", id);
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return mv_error_set_errno(err, errno, "Cannot make the tap of '%s' non-blocking", id);
	return 0;
}

static unsigned tap_offloads(uint64_t offloads)
{
	unsigned flags = 0;

	if (!(offloads & MV_NET_BIT(MV_NET_F_GUEST_CSUM)))
		return 0; /* segments have checksums to be filled in */
	flags |= TUN_F_CSUM;
	if (offloads & MV_NET_BIT(MV_NET_F_GUEST_TSO4))
		flags |= TUN_F_TSO4;
	if (offloads & MV_NET_BIT(MV_NET_F_GUEST_TSO6))
		flags |= TUN_F_TSO6;
	if (flags & (TUN_F_TSO4 | TUN_F_TSO6) && offloads & MV_NET_BIT(MV_NET_F_GUEST_ECN))
		flags |= TUN_F_TSO_ECN;
	/* The kernel makes no difference between the two. */
	if ((offloads & MV_NET_GUEST_USO) == MV_NET_GUEST_USO)
		flags |= TUN_F_USO4 | TUN_F_USO6;
	return flags;
}

static int tap_set_offloads(int fd, uint64_t offloads)
{
	return ioctl(fd, TUNSETOFFLOAD, (unsigned long)tap_offloads(offloads)) < 0 ? -errno : 0;
}

static uint64_t tap_features(int fd)
{
	uint64_t uso = MV_NET_GUEST_USO | MV_NET_BIT(MV_NET_F_HOST_USO);
	uint64_t all = MV_NET_GUEST_OFFLOADS | MV_NET_HOST_OFFLOADS;

	if (tap_set_offloads(fd, all) < 0)
		all &= ~uso;
	if (tap_set_offloads(fd, all) < 0)
		all = 0;
	tap_set_offloads(fd, 0);
	return all;
}

static int tap_set_queue(int fd, bool on)
{
	struct ifreq ifr = { .ifr_flags = on ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE };

	if (ioctl(fd, TUNSETQUEUE, &ifr) == 0)
		return 0;
	return errno == EINVAL ? 0 : -errno; /* it is so already */
}

const struct mv_net_backend mv_net_tap = {
	.prepare = tap_prepare,
	.features = tap_features,
	.set_offloads = tap_set_offloads,
	.set_queue = tap_set_queue,
};
