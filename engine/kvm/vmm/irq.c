#include "engine/kvm/vmm/irq.h"

#include <errno.h>
#include <linux/kvm.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "engine/kvm/common/layout.h"

#define LINES MV_GSI_MSI_BASE
#define MAX_MSIS 4000 /* KVM has 4096 routes in all */

struct mv_msi {
	struct mv_irq *irq;
	unsigned gsi;
	int fd;
	bool assigned; /* the eventfd injects by itself (irqfd) */
	bool routed;   /* address and data are good and in the routing table */
	uint64_t address;
	uint32_t data;
};

struct mv_irq {
	int vm_fd;
	pthread_mutex_t lock; /* guards all below; innermost, held across ioctls that do not block */
	uint64_t sources[LINES];
	struct mv_msi *msis[MAX_MSIS];
	unsigned msi_limit; /* all MSIs are below this index */
};

static void add_pin(struct kvm_irq_routing *table, unsigned gsi, unsigned chip, unsigned pin)
{
	table->entries[table->nr++] = (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

/* The timer's line is pin 2 of the IOAPIC, as on a PC (the MADT says so); all others are one to one. */
static void add_lines(struct kvm_irq_routing *table)
{
	for (unsigned gsi = 0; gsi < LINES; gsi++)
		if (gsi != 2)
			add_pin(table, gsi, KVM_IRQCHIP_IOAPIC, gsi == 0 ? 2 : gsi);
	for (unsigned gsi = 0; gsi < 16; gsi++)
		if (gsi != 2)
			add_pin(table, gsi, gsi < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE, gsi % 8);
}

/* Guests with APIC ids above 255 put bits 14:8 of the destination into bits 11:5 of the address (CPUID told them so:
 * KVM_FEATURE_MSI_EXT_DEST_ID); KVM takes them in the upper half. The address's own upper half is zero, see
 * mv_msi_set(). */
static uint32_t extended_destination(uint64_t address)
{
	return (uint32_t)(address >> 5 & 0x7f) << 8;
}

/* Hands KVM the whole table, which is the only way to change it. */
static int update_routes(struct mv_irq *irq)
{
	mv_autofree struct kvm_irq_routing *table =
		calloc(1, sizeof(*table) + (LINES + 16 + irq->msi_limit) * sizeof(table->entries[0]));

	if (irq->vm_fd < 0)
		return 0;
	if (!table)
		return -ENOMEM;
	add_lines(table);
	for (unsigned i = 0; i < irq->msi_limit; i++) {
		const struct mv_msi *msi = irq->msis[i];

		if (!msi || !msi->routed)
			continue;
		table->entries[table->nr++] = (struct kvm_irq_routing_entry){
			.gsi = msi->gsi,
			.type = KVM_IRQ_ROUTING_MSI,
			.u.msi = {
				.address_lo = (uint32_t)msi->address,
				.address_hi = extended_destination(msi->address),
				.data = msi->data,
			},
		};
	}
	return ioctl(irq->vm_fd, KVM_SET_GSI_ROUTING, table) < 0 ? -errno : 0;
}

int mv_irq_create(int vm_fd, struct mv_irq **out, struct mv_error **err)
{
	struct mv_irq *irq = calloc(1, sizeof(*irq));
	int rc;

	if (!irq)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the interrupt routes.");
	irq->vm_fd = vm_fd;
	pthread_mutex_init(&irq->lock, NULL);
	rc = update_routes(irq);
	if (rc < 0) {
		mv_irq_free(irq);
		return mv_error_set_errno(err, -rc, "KVM refused the interrupt routing table");
	}
	*out = irq;
	return 0;
}

void mv_irq_free(struct mv_irq *irq)
{
	if (!irq)
		return;
	pthread_mutex_destroy(&irq->lock);
	free(irq);
}

static void set_line(struct mv_irq *irq, unsigned gsi, bool level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	if (irq->vm_fd >= 0)
		ioctl(irq->vm_fd, KVM_IRQ_LINE, &line);
}

void mv_irq_set(struct mv_irq *irq, unsigned gsi, unsigned source, bool level)
{
	uint64_t before, bit = UINT64_C(1) << (source & 63);

	if (gsi >= LINES)
		return;
	pthread_mutex_lock(&irq->lock);
	before = irq->sources[gsi];
	irq->sources[gsi] = level ? before | bit : before & ~bit;
	if (!before != !irq->sources[gsi])
		set_line(irq, gsi, level);
	pthread_mutex_unlock(&irq->lock);
}

bool mv_irq_get(struct mv_irq *irq, unsigned gsi)
{
	bool level;

	if (gsi >= LINES)
		return false;
	pthread_mutex_lock(&irq->lock);
	level = irq->sources[gsi] != 0;
	pthread_mutex_unlock(&irq->lock);
	return level;
}

static uint32_t levels(const struct mv_irq *irq)
{
	uint32_t bits = 0;

	for (unsigned gsi = 0; gsi < LINES; gsi++)
		bits |= (uint32_t)(irq->sources[gsi] != 0) << gsi;
	return bits;
}

uint32_t mv_irq_levels(struct mv_irq *irq)
{
	uint32_t bits;

	pthread_mutex_lock(&irq->lock);
	bits = levels(irq);
	pthread_mutex_unlock(&irq->lock);
	return bits;
}

void mv_irq_settle(struct mv_irq *irq, uint32_t saved)
{
	uint32_t now;

	pthread_mutex_lock(&irq->lock);
	now = levels(irq);
	for (unsigned gsi = 0; gsi < LINES; gsi++)
		if ((now ^ saved) >> gsi & 1)
			set_line(irq, gsi, now >> gsi & 1);
	pthread_mutex_unlock(&irq->lock);
}

void mv_irq_pulse(struct mv_irq *irq, unsigned gsi)
{
	if (gsi >= LINES)
		return;
	pthread_mutex_lock(&irq->lock);
	set_line(irq, gsi, true);
	set_line(irq, gsi, false);
	pthread_mutex_unlock(&irq->lock);
}

int mv_msi_create(struct mv_irq *irq, struct mv_msi **out, struct mv_error **err)
{
	struct mv_msi *msi = calloc(1, sizeof(*msi));
	unsigned i;

	if (!msi)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for an MSI route.");
	msi->irq = irq;
	msi->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (msi->fd < 0) {
		int errnum = errno;

		free(msi);
		return mv_error_set_errno(err, errnum, "Cannot create an eventfd for an interrupt");
	}
	pthread_mutex_lock(&irq->lock);
	for (i = 0; i < MAX_MSIS && irq->msis[i]; i++)
		;
	if (i < MAX_MSIS) {
		irq->msis[i] = msi;
		msi->gsi = MV_GSI_MSI_BASE + i;
		if (i >= irq->msi_limit)
			irq->msi_limit = i + 1;
	}
	pthread_mutex_unlock(&irq->lock);
	if (i == MAX_MSIS) {
		close(msi->fd);
		free(msi);
		return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED, "The devices need more than %d interrupts.",
				    MAX_MSIS);
	}
	*out = msi;
	return 0;
}

static void assign(struct mv_msi *msi, bool on)
{
	struct kvm_irqfd irqfd = {
		.fd = (uint32_t)msi->fd,
		.gsi = msi->gsi,
		.flags = on ? 0 : KVM_IRQFD_FLAG_DEASSIGN,
	};

	if (msi->assigned == on)
		return;
	/* KVM looks at the eventfd when it takes it: what was signalled while masked is injected then. */
	if (msi->irq->vm_fd < 0 || ioctl(msi->irq->vm_fd, KVM_IRQFD, &irqfd) == 0)
		msi->assigned = on;
}

void mv_msi_free(struct mv_msi *msi)
{
	struct mv_irq *irq;

	if (!msi)
		return;
	irq = msi->irq;
	pthread_mutex_lock(&irq->lock);
	assign(msi, false);
	irq->msis[msi->gsi - MV_GSI_MSI_BASE] = NULL;
	while (irq->msi_limit && !irq->msis[irq->msi_limit - 1])
		irq->msi_limit--;
	pthread_mutex_unlock(&irq->lock);
	close(msi->fd);
	free(msi);
}

void mv_msi_set(struct mv_msi *msi, uint64_t address, uint32_t data, bool masked)
{
	/* Elsewhere a write would be a DMA into memory, which a guest gains nothing from; KVM would misread it. */
	bool valid = (address & 0xfffffffffff00000) == MV_LAPIC_BASE;

	pthread_mutex_lock(&msi->irq->lock);
	if (masked || !valid) {
		assign(msi, false);
	} else {
		if (!msi->routed || msi->address != address || msi->data != data) {
			msi->address = address;
			msi->data = data;
			msi->routed = true;
			if (update_routes(msi->irq) < 0)
				msi->routed = false;
		}
		assign(msi, msi->routed);
	}
	pthread_mutex_unlock(&msi->irq->lock);
}

bool mv_msi_pending(struct mv_msi *msi)
{
	struct pollfd p = { .fd = msi->fd, .events = POLLIN };

	/* An assigned eventfd is drained by KVM. */
	return !msi->assigned && poll(&p, 1, 0) == 1;
}

void mv_msi_clear(struct mv_msi *msi)
{
	eventfd_t value;

	eventfd_read(msi->fd, &value);
}

void mv_msi_signal(struct mv_msi *msi)
{
	eventfd_write(msi->fd, 1);
}

int mv_msi_fd(const struct mv_msi *msi)
{
	return msi->fd;
}
