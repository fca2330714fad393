/* SPDX-License-Identifier: MIT */
/* Says what this machine's /dev/kvm is: "hardware", "emulated" or "missing" (one word on standard output).
 *
 * Flags do not tell: there are software flavours of KVM without vmx or svm in /proc/cpuinfo, which emulate ordinary
 * guests instruction by instruction. So a guest counts down a register; 100,000 instructions take hardware well under
 * a millisecond (a few under an emulated hypervisor), an emulator 50 and more. */

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define GUEST_BASE 0x1000
#define GUEST_SIZE 0x1000
#define LIMIT_MS 10.0

/* Real mode: mov $50000, %ecx; 1: dec %ecx; jnz 1b; hlt. Two instructions a turn. */
static const unsigned char guest_code[] = { 0x66, 0xb9, 0x50, 0xc3, 0x00, 0x00, 0x66, 0x49, 0x75, 0xfc, 0xf4 };

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int missing(const char *what)
{
	fprintf(stderr, "kvmspeed: %s: %s\n", what, strerror(errno));
	puts("missing");
	return 0;
}

static int vcpu_start_at(int vcpu, unsigned long long address)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs = { .rip = address, .rflags = 2 };

	if (ioctl(vcpu, KVM_GET_SREGS, &sregs) < 0)
		return -1;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs) < 0)
		return -1;
	return ioctl(vcpu, KVM_SET_REGS, &regs);
}

int main(int argc, char **argv)
{
	int kvm, vm, vcpu, run_size;
	unsigned char *memory;
	struct kvm_run *run;
	double best = 1e9;

	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		return missing("cannot open /dev/kvm");
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0)
		return missing("KVM_CREATE_VM failed");
	memory = mmap(NULL, GUEST_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return missing("mmap failed");
	memcpy(memory, guest_code, sizeof(guest_code));
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = GUEST_BASE,
		.memory_size = GUEST_SIZE,
		.userspace_addr = (unsigned long)memory,
	};
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return missing("KVM_SET_USER_MEMORY_REGION failed");
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0)
		return missing("KVM_CREATE_VCPU failed");
	run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (run_size < (int)sizeof(*run))
		return missing("KVM_GET_VCPU_MMAP_SIZE failed");
	run = mmap(NULL, (size_t)run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		return missing("mmap of the vCPU failed");

	/* The best of three: the first one also pays for page faults, and a busy machine must not count as an emulator.
	 */
	for (int i = 0; i < 3; i++) {
		double start;

		if (vcpu_start_at(vcpu, GUEST_BASE) < 0)
			return missing("setting the registers failed");
		start = now_ms();
		if (ioctl(vcpu, KVM_RUN, 0) < 0)
			return missing("KVM_RUN failed");
		if (run->exit_reason != KVM_EXIT_HLT) {
			fprintf(stderr, "kvmspeed: the guest ended with exit reason %u\n", run->exit_reason);
			puts("missing");
			return 0;
		}
		if (now_ms() - start < best)
			best = now_ms() - start;
	}
	if (argc > 1 && !strcmp(argv[1], "-v"))
		fprintf(stderr, "kvmspeed: 100,000 guest instructions in %.3f ms\n", best);
	puts(best < LIMIT_MS ? "hardware" : "emulated");
	return 0;
}
