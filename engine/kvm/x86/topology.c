#include "engine/kvm/x86/topology.h"

/* How many bits number `count` things. */
static unsigned bits_for(uint32_t count)
{
	return count <= 1 ? 0 : 32 - (unsigned)__builtin_clz(count - 1);
}

unsigned mv_topology_thread_bits(const struct mv_machine_spec *spec)
{
	return bits_for(spec->threads);
}

unsigned mv_topology_package_bits(const struct mv_machine_spec *spec)
{
	return bits_for(spec->threads) + bits_for(spec->cores);
}

uint32_t mv_topology_apic_id(const struct mv_machine_spec *spec, uint32_t vcpu)
{
	/* A specification without topology is one of single-threaded, single-core sockets. */
	uint32_t threads = spec->threads ? spec->threads : 1;
	uint32_t cores = spec->cores ? spec->cores : 1;
	uint32_t thread = vcpu % threads;
	uint32_t core = vcpu / threads % cores;
	uint32_t socket = vcpu / threads / cores;

	return socket << mv_topology_package_bits(spec) | core << mv_topology_thread_bits(spec) | thread;
}

uint32_t mv_topology_max_apic_id(const struct mv_machine_spec *spec)
{
	return mv_topology_apic_id(spec, spec->vcpus ? spec->vcpus - 1 : 0);
}
