#include "engine/kvm/vmm/exits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

static void port_access(struct mv_machine *m, struct kvm_run *run)
{
	uint8_t *data = (uint8_t *)run + run->io.data_offset;

	/* String instructions come as several accesses to one port. */
	for (uint32_t i = 0; i < run->io.count; i++, data += run->io.size) {
		if (run->io.direction == KVM_EXIT_IO_OUT)
			mv_bus_write(m->bus, MV_SPACE_PORT, run->io.port, data, run->io.size);
		else
			mv_bus_read(m->bus, MV_SPACE_PORT, run->io.port, data, run->io.size);
	}
}

static void memory_access(struct mv_machine *m, struct kvm_run *run)
{
	if (run->mmio.is_write)
		mv_bus_write(m->bus, MV_SPACE_MEMORY, run->mmio.phys_addr, run->mmio.data, run->mmio.len);
	else
		mv_bus_read(m->bus, MV_SPACE_MEMORY, run->mmio.phys_addr, run->mmio.data, run->mmio.len);
}

/* A vCPU that cannot go on: says where it was. */
static void broken(struct mv_machine *m, unsigned vcpu, int vcpu_fd, const char *what)
{
	struct kvm_regs regs;
	char text[256];

	if (ioctl(vcpu_fd, KVM_GET_REGS, &regs) == 0)
		snprintf(text, sizeof(text), "vCPU %u at RIP 0x%llx: %s.", vcpu, regs.rip, what);
	else
		snprintf(text, sizeof(text), "vCPU %u: %s.", vcpu, what);
	mv_machine_request(m, MV_REQUEST_PANIC, MV_REASON_EMULATION, text);
}

static void internal_error(struct mv_machine *m, unsigned vcpu, int vcpu_fd, const struct kvm_run *run)
{
	char text[160];
	int n;

	snprintf(text, sizeof(text), "KVM could not go on (suberror %u)", run->internal.suberror);
	if (run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION) {
		n = snprintf(text, sizeof(text), "KVM cannot emulate an instruction");
		if (run->emulation_failure.ndata >= 3 &&
		    run->emulation_failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES) {
			n += snprintf(text + n, sizeof(text) - (size_t)n, ", bytes");
			for (unsigned i = 0; i < run->emulation_failure.insn_size && i < 15; i++)
				n += snprintf(text + n, sizeof(text) - (size_t)n, " %02x",
					      run->emulation_failure.insn_bytes[i]);
		}
	}
	broken(m, vcpu, vcpu_fd, text);
}

static void system_event(struct mv_machine *m, unsigned vcpu, int vcpu_fd, const struct kvm_run *run)
{
	switch (run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN: mv_machine_request(m, MV_REQUEST_POWEROFF, MV_REASON_POWEROFF, NULL); break;
	case KVM_SYSTEM_EVENT_RESET: mv_machine_request(m, MV_REQUEST_RESET, MV_REASON_RESET, NULL); break;
	case KVM_SYSTEM_EVENT_CRASH:
		mv_machine_request(m, MV_REQUEST_PANIC, MV_REASON_PANIC, "The guest reported a crash to KVM.");
		break;
	default: broken(m, vcpu, vcpu_fd, "KVM reported a system event of an unknown kind"); break;
	}
}

void mv_exit_handle(struct mv_machine *m, unsigned vcpu, int vcpu_fd, struct kvm_run *run)
{
	char text[80];

	switch (run->exit_reason) {
	case KVM_EXIT_IO: port_access(m, run); break;
	case KVM_EXIT_MMIO: memory_access(m, run); break;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN: break;
	case KVM_EXIT_SHUTDOWN: mv_machine_request(m, MV_REQUEST_RESET, MV_REASON_TRIPLE_FAULT, NULL); break;
	case KVM_EXIT_SYSTEM_EVENT: system_event(m, vcpu, vcpu_fd, run); break;
	case KVM_EXIT_INTERNAL_ERROR: internal_error(m, vcpu, vcpu_fd, run); break;
	case KVM_EXIT_FAIL_ENTRY:
		snprintf(text, sizeof(text), "the processor refused to run it (hardware reason 0x%llx)",
			 run->fail_entry.hardware_entry_failure_reason);
		broken(m, vcpu, vcpu_fd, text);
		break;
	default:
		snprintf(text, sizeof(text), "KVM stopped for an unknown reason (%u)", run->exit_reason);
		broken(m, vcpu, vcpu_fd, text);
		break;
	}
}

void mv_exit_failed(struct mv_machine *m, unsigned vcpu, int vcpu_fd, int errnum)
{
	char text[120];

	snprintf(text, sizeof(text), "running it failed: %s", strerror(errnum));
	broken(m, vcpu, vcpu_fd, text);
}
