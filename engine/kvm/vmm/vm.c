#include "engine/kvm/vmm/vm.h"

#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "engine/kvm/common/layout.h"
#include "engine/kvm/x86/topology.h"

/* Without these nothing works; all exist since Linux 4.10. */
static const struct {
	int number;
	const char *name;
} required[] = {
	{ KVM_CAP_IRQCHIP, "an in-kernel interrupt controller" },
	{ KVM_CAP_IRQFD, "irqfd" },
	{ KVM_CAP_IOEVENTFD, "ioeventfd" },
	{ KVM_CAP_IMMEDIATE_EXIT, "immediate exit" },
	{ KVM_CAP_IRQ_ROUTING, "interrupt routing" },
	{ KVM_CAP_XSAVE, "XSAVE state" },
	{ KVM_CAP_VCPU_EVENTS, "vCPU events" },
};

static int check_host(struct mv_vm *vm, const struct mv_machine_spec *spec, struct mv_error **err)
{
	int version = ioctl(vm->kvm_fd, KVM_GET_API_VERSION, 0), max, run_size;

	if (version != KVM_API_VERSION)
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "The KVM device does not answer as KVM does (API version %d, not %d).", version,
				    KVM_API_VERSION);
	for (unsigned i = 0; i < MV_ARRAY_SIZE(required); i++)
		if (ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, required[i].number) <= 0)
			return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "This host's KVM has no %s.",
					    required[i].name);
	max = ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	if (spec->vcpus > (unsigned)(max > 0 ? max : 4))
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
				    "Guest '%s' asks for %u vCPUs; this host's KVM allows %d.", spec->name, spec->vcpus,
				    max > 0 ? max : 4);
	run_size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (run_size < (int)sizeof(struct kvm_run))
		return mv_error_set_errno(err, errno, "KVM does not tell the size of a vCPU's shared area");
	vm->run_size = (size_t)run_size;
	return 0;
}

static int set_memory(struct mv_vm *vm, const struct mv_memory *memory, struct mv_error **err)
{
	for (unsigned i = 0; i < memory->region_count; i++) {
		const struct mv_memory_region *r = &memory->regions[i];
		struct kvm_userspace_memory_region slot = {
			.slot = i,
			.guest_phys_addr = r->gpa,
			.memory_size = r->size,
			.userspace_addr = (uintptr_t)r->host,
		};

		if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
			return mv_error_set_errno(err, errno, "KVM refused guest memory of %llu MiB",
						  (unsigned long long)r->size >> 20);
	}
	return 0;
}

static int enable_wide_apic_ids(struct mv_vm *vm, const struct mv_machine_spec *spec, struct mv_error **err)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X2APIC_API,
		.args = { KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK },
	};

	if (mv_topology_max_apic_id(spec) < 255)
		return 0;
	if (ioctl(vm->fd, KVM_ENABLE_CAP, &cap) < 0)
		return mv_error_set_errno(err, errno, "This host's KVM cannot have APIC ids above 254");
	return 0;
}

int mv_vm_create(struct mv_vm *vm, const struct mv_machine_spec *spec, const struct mv_memory *memory,
		 struct mv_error **err)
{
	uint64_t identity_map = MV_KVM_IDENTITY_MAP;
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };

	*vm = (struct mv_vm){ .kvm_fd = spec->kvm_fd, .fd = -1 };
	if (check_host(vm, spec, err) < 0)
		return -1;
	vm->fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		return mv_error_set_errno(err, errno, "KVM cannot create a virtual machine");
	/* Memory before the interrupt controllers: their ranges on KVM's own bus make each later change of memory wait
	 * for a grace period (measured: 5 to 10 ms). */
	if (set_memory(vm, memory, err) < 0)
		return -1;
	/* Only some Intel processors need these two; elsewhere they do nothing. */
	if (ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) < 0 ||
	    ioctl(vm->fd, KVM_SET_TSS_ADDR, MV_KVM_TSS_BASE) < 0)
		return mv_error_set_errno(err, errno, "KVM refused the pages it keeps for itself");
	if (enable_wide_apic_ids(vm, spec, err) < 0)
		return -1;
	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0) < 0)
		return mv_error_set_errno(err, errno, "KVM cannot create the interrupt controllers");
	if (ioctl(vm->fd, KVM_CREATE_PIT2, &pit) < 0)
		return mv_error_set_errno(err, errno, "KVM cannot create the interval timer");
	return 0;
}

void mv_vm_release(struct mv_vm *vm)
{
	if (vm->fd >= 0)
		close(vm->fd);
	vm->fd = -1;
}

int mv_vm_notify(const struct mv_vm *vm, enum mv_space space, uint64_t address, unsigned len, int fd, bool add)
{
	struct kvm_ioeventfd event = {
		.addr = address,
		.len = len,
		.fd = fd,
		.flags = (add ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN) |
			(space == MV_SPACE_PORT ? KVM_IOEVENTFD_FLAG_PIO : 0),
	};

	return ioctl(vm->fd, KVM_IOEVENTFD, &event) < 0 ? -errno : 0;
}
