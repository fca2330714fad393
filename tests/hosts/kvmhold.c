/* SPDX-License-Identifier: MIT */
/* Holds virtual machines that never run, so that the kernel of the test host need not patch its code any more.
 *
 * Linux keeps the rare cases of KVM behind static keys: the first user rewrites instructions of the running kernel, the
 * last one rewrites them again. One of these places is in the scheduler, patched whenever the first machine comes or
 * the last one goes. QEMU's emulation loses that race now and then: one processor translates the breakpoint that is
 * there during the change, the other one replaces it before the translation is entered into QEMU's tables, and the
 * stale translation stays for ever. Both processors then run into a breakpoint that is not in memory, and the test host
 * stands still. (Nothing but KVM_CREATE_VM and close in a loop does it within seconds, and QEMU 10 does it like 7.2.)
 *
 * So there is one user of each of these keys from before the first test to the end: preempt_notifier_key (any machine),
 * apic_sw_disabled (a local APIC as it is after reset), apic_hw_disabled (one switched off in its base register),
 * kvm_has_noapic_vcpu (a vCPU without one).
 *
 * Returns when they are held; a process in the background keeps them until it is killed. */

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define APIC_BASE_ENABLE (1ull << 11)

static int failed(const char *what)
{
	fprintf(stderr, "kvmhold: %s: %s\n", what, strerror(errno));
	return 1;
}

/* Descriptors are kept by being left open. */
static int hold_machine(int kvm, bool apic)
{
	struct kvm_sregs sregs;
	int vm, vcpu;

	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0)
		return failed("KVM_CREATE_VM");
	if (apic && ioctl(vm, KVM_CREATE_IRQCHIP, 0) < 0)
		return failed("KVM_CREATE_IRQCHIP");
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0)
		return failed("KVM_CREATE_VCPU");
	if (!apic)
		return 0;
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 1);
	if (vcpu < 0)
		return failed("KVM_CREATE_VCPU of the second vCPU");
	if (ioctl(vcpu, KVM_GET_SREGS, &sregs) < 0)
		return failed("KVM_GET_SREGS");
	sregs.apic_base &= ~APIC_BASE_ENABLE;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs) < 0)
		return failed("KVM_SET_SREGS");
	return 0;
}

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR);
	pid_t pid;

	if (kvm < 0)
		return failed("cannot open /dev/kvm");
	/* A machine belongs to the process that made it, its descriptors do not: the child's are enough to keep it. */
	if (hold_machine(kvm, true) || hold_machine(kvm, false))
		return 1;
	pid = fork();
	if (pid < 0)
		return failed("fork");
	if (pid > 0)
		return 0;
	/* Whoever reads the output of the command that runs next must see its end. */
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	setsid();
	for (;;)
		pause();
}
