/* Numbers about guests that run: invented, but they grow where a client expects it. */
#define MV_ERROR_DOMAIN MV_FROM_TEST
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf/domain_disks_def.h"
#include "conf/domain_interfaces_def.h"
#include "conf/network_def.h"
#include "engine/api/typed.h"
#include "engine/domain/disks.h"
#include "engine/test/calls.h"
#include "engine/test/driver.h"

#define TOTAL_CPU_TIME 48772617035 /* ns */

/* Microseconds since 1970. */
static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static struct mv_test_domain *running(struct mv_driver *drv, const struct mv_domain_ref *ref, struct mv_error **err)
{
	struct mv_test_domain *dom = mv_test_domain(drv, ref, err);

	return dom && mv_domobj_check_active(&dom->guest, err) == 0 ? dom : NULL;
}

/* --- processors --- */

/* Of all processors; then of each from start_cpu. nparams or ncpus 0 ask how many there are. */
static int per_cpu(struct mv_test_host *host, const struct mv_domain_get_cpu_stats_args *args,
		   struct mv_domain_get_cpu_stats_ret *ret, struct mv_error **err)
{
	uint64_t each = TOTAL_CPU_TIME / (unsigned)host->cores;
	int64_t end = (int64_t)args->start_cpu + args->ncpus;

	ret->nparams = args->ncpus ? 2 : host->cores;
	if (!args->ncpus || !args->nparams)
		return 0;
	if (args->start_cpu >= host->cores)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "start_cpu %d larger than maximum of %d", args->start_cpu,
				    host->cores - 1);
	if (args->nparams == 1)
		ret->nparams = 1;
	for (int64_t i = args->start_cpu; i < end && i < host->cores; i++) {
		if (mv_typed_add_ullong(MV_TYPED_OUT(ret), "cpu_time", each + (uint64_t)i, err) < 0)
			return -1;
		if (args->nparams > 1 &&
		    mv_typed_add_ullong(MV_TYPED_OUT(ret), "vcpu_time", each + (uint64_t)i - 1234567890, err) < 0)
			return -1;
	}
	return 0;
}

int mv_test_domain_get_cpu_stats(struct mv_driver *drv, const struct mv_domain_get_cpu_stats_args *args,
				 struct mv_domain_get_cpu_stats_ret *ret, struct mv_error **err)
{
	static const struct {
		const char *name;
		uint64_t value;
	} total[] = { { "cpu_time", TOTAL_CPU_TIME }, { "user_time", 5540000000 }, { "system_time", 6460000000 } };
	enum { STRING_OKAY = 4 };

	if (mv_test_check_flags(args->flags, STRING_OKAY, "testDomainGetCPUStats", err) < 0 ||
	    !running(drv, &args->dom, err))
		return -1;
	if (args->start_cpu != -1)
		return per_cpu(mv_test_host(drv), args, ret, err);
	ret->nparams = 3;
	for (uint32_t i = 0; i < MV_ARRAY_SIZE(total) && i < args->nparams; i++) {
		if (mv_typed_add_ullong(MV_TYPED_OUT(ret), total[i].name, total[i].value, err) < 0)
			return -1;
		ret->nparams = (int32_t)i + 1;
	}
	return 0;
}

/* --- memory --- */

int mv_test_domain_memory_stats(struct mv_driver *drv, const struct mv_domain_memory_stats_args *args,
				struct mv_domain_memory_stats_ret *ret, struct mv_error **err)
{
	/* By virDomainMemoryStatTags. */
	enum {
		SWAP_IN,
		SWAP_OUT,
		MAJOR,
		MINOR,
		UNUSED,
		AVAILABLE,
		ACTUAL,
		RSS,
		USABLE,
		UPDATED,
		CACHES,
		HUGE,
		HUGE_FAIL
	};
	struct mv_test_domain *dom;
	const struct mv_domain_def *def;

	if (mv_test_check_flags(args->flags, 0, "testDomainMemoryStats", err) < 0)
		return -1;
	dom = running(drv, &args->dom, err);
	if (!dom)
		return -1;
	def = dom->guest.def;

	const uint64_t current = def->current_memory;
	const struct mv_domain_memory_stat all[] = {
		{ ACTUAL, current },
		{ SWAP_IN, 0 },
		{ SWAP_OUT, 0 },
		{ MAJOR, 0 },
		{ MINOR, 0 },
		{ UNUSED, current / 2 },
		{ AVAILABLE, current },
		{ USABLE, current / 2 },
		{ UPDATED, 627319920 },
		{ CACHES, current / 8 },
		{ HUGE, 0 },
		{ HUGE_FAIL, 0 },
		{ RSS, current / 2 },
	};

	if (!def->devices.n_memballoons || def->devices.memballoons[0]->model == MV_MEMBALLOON_MODEL_NONE_)
		return 0;
	ret->n_stats = args->maxStats < MV_ARRAY_SIZE(all) ? args->maxStats : MV_ARRAY_SIZE(all);
	ret->stats = calloc(ret->n_stats + 1, sizeof(*ret->stats));
	if (!ret->stats) {
		ret->n_stats = 0;
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for an answer");
	}
	memcpy(ret->stats, all, ret->n_stats * sizeof(all[0]));
	return 0;
}

int mv_test_domain_memory_peek(struct mv_driver *drv, const struct mv_domain_memory_peek_args *args,
			       struct mv_domain_memory_peek_ret *ret, struct mv_error **err)
{
	enum { VIRTUAL = 1, PHYSICAL = 2 };
	uint8_t *data;

	if (mv_test_check_flags(args->flags, VIRTUAL | PHYSICAL, "testDomainMemoryPeek", err) < 0)
		return -1;
	if (args->flags != VIRTUAL && args->flags != PHYSICAL)
		return mv_error_set(err, MV_ERR_INVALID_ARG,
				    "flags parameter must be VIR_MEMORY_VIRTUAL or VIR_MEMORY_PHYSICAL");
	if (!running(drv, &args->dom, err))
		return -1;
	data = malloc((size_t)args->size + 1);
	if (!data)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for %u bytes", args->size);
	for (uint32_t i = 0; i < args->size; i++)
		data[i] = (uint8_t)(args->offset + i); /* a byte is its own address */
	ret->buffer = (struct mv_blob){ data, args->size };
	return 0;
}

/* --- disks --- */

int mv_test_domain_block_stats(struct mv_driver *drv, const struct mv_domain_block_stats_args *args,
			       struct mv_domain_block_stats_ret *ret, struct mv_error **err)
{
	struct mv_test_domain *dom;
	int64_t base = (int64_t)now();

	if (!args->path[0])
		return mv_error_set(err, MV_ERR_OPERATION_UNSUPPORTED, "summary statistics are not supported yet");
	dom = running(drv, &args->dom, err);
	if (!dom)
		return -1;
	if (!mv_domain_disk_find(dom->guest.def, args->path))
		return mv_error_set(err, MV_ERR_INVALID_ARG, "invalid path: %s", args->path);
	ret->rd_req = base / 10;
	ret->rd_bytes = base / 20;
	ret->wr_req = base / 30;
	ret->wr_bytes = base / 40;
	ret->errs = base / 2000000;
	return 0;
}

int mv_test_domain_get_block_info(struct mv_driver *drv, const struct mv_domain_get_block_info_args *args,
				  struct mv_domain_get_block_info_ret *ret, struct mv_error **err)
{
	const struct mv_disk_def *disk;
	struct mv_test_domain *dom;

	if (mv_test_check_flags(args->flags, 0, "testDomainGetBlockInfo", err) < 0)
		return -1;
	dom = mv_test_domain(drv, &args->dom, err);
	if (!dom)
		return -1;
	disk = mv_domain_disk_find(dom->guest.def, args->path);
	if (!disk)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "invalid path %s not assigned to domain", args->path);
	if (mv_disk_is_empty(disk))
		return mv_error_set(err, MV_ERR_INVALID_ARG, "disk '%s' does not currently have a source assigned",
				    args->path);
	ret->capacity = 1099506450432;
	ret->allocation = 1099511627776;
	ret->physical = 1099511627776;
	return 0;
}

int mv_test_domain_get_disk_errors(struct mv_driver *drv, const struct mv_domain_get_disk_errors_args *args,
				   struct mv_domain_get_disk_errors_ret *ret, struct mv_error **err)
{
	enum { KINDS = 2 }; /* unspecified, no space: one after the other */
	const struct mv_devices_def *devices;
	struct mv_test_domain *dom;

	if (mv_test_check_flags(args->flags, 0, "testDomainGetDiskErrors", err) < 0)
		return -1;
	dom = running(drv, &args->dom, err);
	if (!dom)
		return -1;
	devices = &dom->guest.def->devices;
	ret->nerrors = (int32_t)devices->n_disks;
	if (!args->maxerrors)
		return 0;
	ret->errors = calloc(devices->n_disks + 1, sizeof(*ret->errors));
	if (!ret->errors)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for an answer");
	for (size_t i = 0; i < devices->n_disks && i < args->maxerrors; i++) {
		struct mv_domain_disk_error *error = &ret->errors[ret->n_errors++];

		error->error = (int32_t)(i % KINDS) + 1;
		if (mv_test_copy(devices->disks[i]->target.dev, &error->disk, err) < 0)
			return -1;
	}
	ret->nerrors = (int32_t)ret->n_errors;
	return 0;
}

/* --- interfaces --- */

/* The interface with that name on the host or that MAC address; NULL with *err. */
static const struct mv_domain_interface_def *find_interface(const struct mv_domain_def *def, const char *name,
							    struct mv_error **err)
{
	uint8_t mac[6];
	bool is_mac = mv_mac_parse(name, mac) == 0;

	for (size_t i = 0; i < def->devices.n_interfaces; i++) {
		const struct mv_domain_interface_def *iface = def->devices.interfaces[i];

		if (is_mac ? memcmp(iface->mac, mac, sizeof(mac)) == 0 :
			     iface->target.dev && strcmp(iface->target.dev, name) == 0)
			return iface;
	}
	mv_error_set(err, MV_ERR_INVALID_ARG, "'%s' is not a known interface", name);
	return NULL;
}

int mv_test_domain_interface_stats(struct mv_driver *drv, const struct mv_domain_interface_stats_args *args,
				   struct mv_domain_interface_stats_ret *ret, struct mv_error **err)
{
	struct mv_test_domain *dom = running(drv, &args->dom, err);
	int64_t base = (int64_t)now();

	if (!dom || !find_interface(dom->guest.def, args->device, err))
		return -1;
	ret->rx_bytes = base / 10;
	ret->rx_packets = base / 100;
	ret->rx_errs = base / 1000000;
	ret->rx_drop = base / 2000000;
	ret->tx_bytes = base / 20;
	ret->tx_packets = base / 110;
	ret->tx_errs = base / 3000000;
	ret->tx_drop = base / 4000000;
	return 0;
}

/* The address of that number in a network: its range, or what follows its own address. */
static int network_address(struct mv_test_host *host, const char *name, unsigned number, struct mv_domain_ip_addr *addr,
			   struct mv_error **err)
{
	const struct mv_test_network *net = mv_entity_by_name(&host->networks, name);
	const struct mv_network_ip_def *ip = net && net->def->n_ips ? net->def->ips[0] : NULL;
	char text[INET6_ADDRSTRLEN];
	struct in6_addr six;
	struct in_addr four, mask;
	const char *first;

	if (!net)
		return mv_error_set(err, MV_ERR_NO_NETWORK, "no network with matching name '%s'", name);
	if (!ip)
		return mv_error_set(err, MV_ERR_INTERNAL, "network '%s' has no addresses", name);
	first = ip->dhcp.n_ranges ? ip->dhcp.ranges[0]->start : ip->address;
	addr->prefix = ip->has_prefix ? ip->prefix : 0;
	if (!ip->has_prefix && ip->netmask && inet_pton(AF_INET, ip->netmask, &mask) == 1)
		addr->prefix = (uint32_t)__builtin_popcount(mask.s_addr);
	if (inet_pton(AF_INET, first, &four) == 1) {
		four.s_addr = htonl(ntohl(four.s_addr) + number);
		inet_ntop(AF_INET, &four, text, sizeof(text));
	} else if (inet_pton(AF_INET6, first, &six) == 1) {
		addr->type = 1;
		six.s6_addr[15] = (uint8_t)(six.s6_addr[15] + number);
		inet_ntop(AF_INET6, &six, text, sizeof(text));
	} else {
		return mv_error_set(err, MV_ERR_INTERNAL, "network '%s' has no address like '%s'", name, first);
	}
	return mv_test_copy(text, &addr->addr, err);
}

/* Guests of a network have addresses from its range, others 192.168.0.x. */
static int fill_address(struct mv_test_host *host, const struct mv_domain_interface_def *iface, int id, size_t number,
			struct mv_domain_ip_addr *addr, struct mv_error **err)
{
	char text[40];

	if (iface->type == MV_INTERFACE_TYPE_NETWORK)
		return network_address(host, iface->source.network, 20 * ((unsigned)id - 1) + (unsigned)number + 1,
				       addr, err);
	addr->type = 0;
	addr->prefix = 24;
	snprintf(text, sizeof(text), "192.168.0.%zu", 1 + number);
	return mv_test_copy(text, &addr->addr, err);
}

int mv_test_domain_interface_addresses(struct mv_driver *drv, const struct mv_domain_interface_addresses_args *args,
				       struct mv_domain_interface_addresses_ret *ret, struct mv_error **err)
{
	enum { SOURCES = 3 };
	const struct mv_devices_def *devices;
	struct mv_test_domain *dom;

	if (mv_test_check_flags(args->flags, 0, "testDomainInterfaceAddresses", err) < 0)
		return -1;
	if (args->source >= SOURCES)
		return mv_error_set(err, MV_ERR_ARGUMENT_UNSUPPORTED, "Unknown IP address data source %u",
				    args->source);
	dom = running(drv, &args->dom, err);
	if (!dom)
		return -1;
	devices = &dom->guest.def->devices;
	ret->ifaces = calloc(devices->n_interfaces + 1, sizeof(*ret->ifaces));
	if (!ret->ifaces)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for an answer");
	for (size_t i = 0; i < devices->n_interfaces; i++) {
		const struct mv_domain_interface_def *iface = devices->interfaces[i];
		struct mv_domain_interface *out = &ret->ifaces[ret->n_ifaces++];
		char mac[MV_MAC_TEXT];

		out->addrs = calloc(1, sizeof(*out->addrs));
		if (!out->addrs)
			return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for an answer");
		out->n_addrs = 1;
		if (mv_test_copy(iface->target.dev, &out->name, err) < 0 ||
		    mv_test_copy(mv_mac_format(iface->mac, mac), &out->hwaddr, err) < 0 ||
		    fill_address(mv_test_host(drv), iface, dom->guest.object.id, i, &out->addrs[0], err) < 0)
			return -1;
	}
	return 0;
}

/* --- all at once --- */

enum { STATS_STATE = 1 << 0, STATS_IOTHREAD = 1 << 9 };

static int fill_stats(const struct mv_test_domain *dom, uint32_t stats, struct mv_domain_stats_record *record,
		      struct mv_error **err)
{
	struct mv_typed_out out = MV_TYPED_OUT(record);

	if (mv_test_domain_ref(&dom->guest, &record->dom, err) < 0)
		return -1;
	if ((stats & STATS_STATE) &&
	    (mv_typed_add_int(out, "state.state", (int)dom->guest.state, err) < 0 ||
	     mv_typed_add_int(out, "state.reason", (int)dom->guest.reason, err) < 0))
		return -1;
	return stats & STATS_IOTHREAD ? mv_test_iothread_stats(dom, out, err) : 0;
}

int mv_test_connect_get_all_domain_stats(struct mv_driver *drv, const struct mv_connect_get_all_domain_stats_args *args,
					 struct mv_connect_get_all_domain_stats_ret *ret, struct mv_error **err)
{
	/* The filters are those of lists of domains. */
	enum { FILTERS = 0xff, NOWAIT = 1 << 29, BACKING = 1 << 30 };
	const uint32_t enforce = 1u << 31, known = STATS_STATE | STATS_IOTHREAD;
	uint32_t stats = args->stats ? args->stats : known;
	size_t count = args->n_doms ? args->n_doms : mv_test_host(drv)->domains.count;
	struct mv_test_domain *dom = mv_entity_first(&mv_test_host(drv)->domains);

	if (mv_test_check_flags(args->flags, FILTERS | NOWAIT | BACKING | enforce, "testConnectGetAllDomainStats",
				err) < 0)
		return -1;
	if ((args->flags & enforce) && (stats & ~known))
		return mv_error_set(err, MV_ERR_ARGUMENT_UNSUPPORTED,
				    "Stats types bits 0x%x are not supported by this daemon", stats & ~known);
	ret->retStats = calloc(count + 1, sizeof(*ret->retStats));
	if (!ret->retStats)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for statistics of %zu domains", count);
	for (size_t i = 0; i < count; i++) {
		if (args->n_doms)
			dom = mv_entity_by_uuid(&mv_test_host(drv)->domains, args->doms[i].uuid);
		if (dom && (args->n_doms || mv_test_domain_listed(&dom->guest, args->flags & FILTERS)) &&
		    fill_stats(dom, stats, &ret->retStats[ret->n_retStats++], err) < 0)
			return -1;
		if (!args->n_doms)
			dom = mv_entity_next(dom);
	}
	return 0;
}
