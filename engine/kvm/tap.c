/* Taps: the host's end of a guest's network card. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "engine/conf/path.h"
#include "engine/kvm/spec.h"

static int fail(struct mv_error **err, size_t index, const char *name, int errnum, const char *what)
{
	return mv_error_set_whole(err, MV_FROM_CONF, MV_ERR_SYSTEM, errnum, "nics[%zu].tap: '%s' %s: %s", index + 1,
				  name, what, strerror(errnum));
}

static int explain_attach(struct mv_error **err, size_t index, const struct mv_nic_conf *nic, bool existed, int errnum)
{
	const char *name = nic->tap ? nic->tap : "vnet%d";

	switch (errnum) {
	case EPERM:
		return mv_error_set_whole(
			err, MV_FROM_CONF, MV_ERR_SYSTEM, errnum,
			existed ? "nics[%zu].tap: '%s' belongs to another user than uid %u" :
				  "nics[%zu].tap: '%s' cannot be made by uid %u, which lacks CAP_NET_ADMIN; an "
				  "existing tap can be used (ip tuntap add dev NAME mode tap user UID)",
			index + 1, name, (unsigned)geteuid());
	case EBUSY:
		return mv_error_set_whole(err, MV_FROM_CONF, MV_ERR_RESOURCE_BUSY, errnum,
					  "nics[%zu].tap: '%s' is in use by another process", index + 1, name);
	case EINVAL:
		return mv_error_set_whole(
			err, MV_FROM_CONF, MV_ERR_CONFIG_UNSUPPORTED, errnum,
			nic->queues > 1 ?
				"nics[%zu].tap: '%s' is not a tap with several queues (ip tuntap add ... multi_queue)" :
				"nics[%zu].tap: '%s' is a network interface, but not a tap with a single queue",
			index + 1, name);
	default: return fail(err, index, name, errnum, existed ? "cannot be used" : "cannot be made");
	}
}

static int attach(struct mv_nic_conf *nic, size_t index, bool existed, int32_t *fds, struct mv_error **err)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };

	if (nic->queues > 1)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	for (uint32_t q = 0; q < nic->queues; q++) {
		fds[q] = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
		if (fds[q] < 0) {
			int error = errno;
			mv_autofree char *why = mv_path_explain("/dev/net/tun", R_OK | W_OK, error);

			return mv_error_set_whole(err, MV_FROM_CONF, MV_ERR_SYSTEM, error, "nics[%zu].tap: %s",
						  index + 1, why ? why : strerror(error));
		}
		/* The kernel replaces the pattern by the first free name. */
		snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", nic->tap ? nic->tap : "vnet%d");
		if (ioctl(fds[q], TUNSETIFF, &ifr) < 0)
			return explain_attach(err, index, nic, existed || q > 0, errno);
		if (!nic->tap) {
			nic->tap = strndup(ifr.ifr_name, IFNAMSIZ);
			if (!nic->tap)
				return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a tap");
		}
	}
	return 0;
}

static int join_bridge(int sock, const struct mv_nic_conf *nic, size_t index, struct mv_error **err)
{
	struct ifreq ifr = { 0 };
	char master[64], link[256];
	const char *base;
	ssize_t n;

	snprintf(master, sizeof(master), "/sys/class/net/%s/master", nic->tap);
	n = readlink(master, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = 0;
	base = strrchr(link, '/');
	if (base && strcmp(base + 1, nic->bridge) == 0)
		return 0;
	ifr.ifr_ifindex = (int)if_nametoindex(nic->tap);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", nic->bridge);
	if (ioctl(sock, SIOCBRADDIF, &ifr) == 0)
		return 0;
	return mv_error_set_whole(err, MV_FROM_CONF, MV_ERR_SYSTEM, errno,
				  "nics[%zu].bridge: '%s' cannot join '%s': %s", index + 1, nic->tap, nic->bridge,
				  errno == ENODEV             ? "there is no such interface" :
					  errno == EOPNOTSUPP ? "it is not a bridge" :
								strerror(errno));
}

/* Needs privileges only where something is to be changed: a tap that was made ready for a user is left alone. */
static int configure(struct mv_nic_conf *nic, size_t index, bool existed, struct mv_error **err)
{
	mv_autofd int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { 0 };

	if (sock < 0)
		return fail(err, index, nic->tap, errno, "cannot be set up");
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", nic->tap);
	if (nic->mtu && (ioctl(sock, SIOCGIFMTU, &ifr) < 0 || ifr.ifr_mtu != (int)nic->mtu)) {
		ifr.ifr_mtu = (int)nic->mtu;
		if (ioctl(sock, SIOCSIFMTU, &ifr) < 0)
			return fail(err, index, nic->tap, errno, "cannot be given the mtu");
	}
	if (!existed) {
		/* The same one after a restore: a guest that talks to the host keeps the host's address in its ARP
		 * cache. And a high one: a bridge takes the lowest address of its ports. */
		ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
		memcpy(ifr.ifr_hwaddr.sa_data, nic->mac, 6);
		ifr.ifr_hwaddr.sa_data[0] = (char)(nic->mac[0] == 0xfe ? 0xfa : 0xfe);
		if (ioctl(sock, SIOCSIFHWADDR, &ifr) < 0)
			return fail(err, index, nic->tap, errno, "cannot be given an address");
	}
	if (nic->bridge && join_bridge(sock, nic, index, err) < 0)
		return -1;
	if (ioctl(sock, SIOCGIFFLAGS, &ifr) < 0)
		return fail(err, index, nic->tap, errno, "cannot be looked at");
	if (ifr.ifr_flags & IFF_UP)
		return 0;
	ifr.ifr_flags |= IFF_UP;
	if (ioctl(sock, SIOCSIFFLAGS, &ifr) < 0)
		return fail(err, index, nic->tap, errno, "cannot be brought up");
	return 0;
}

int mv_kvm_tap_open(struct mv_nic_conf *nic, size_t index, int32_t *fds, struct mv_error **err)
{
	bool existed = nic->tap && if_nametoindex(nic->tap) != 0;

	if (attach(nic, index, existed, fds, err) < 0)
		return -1;
	return configure(nic, index, existed, err);
}
