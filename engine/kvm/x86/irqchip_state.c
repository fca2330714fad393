#include "engine/kvm/x86/vcpu_state.h"

#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "engine/kvm/x86/vcpu_state_internal.h"

#define TAG_PIC 0x100 /* and 0x20 more for the second */
#define TAG_IOAPIC 0x200
#define TAG_PIT 0x300 /* and 0x20 more for each channel */

static void visit_pic(struct mv_state *st, uint16_t tag, struct kvm_pic_state *p)
{
	uint8_t *const fields[] = {
		&p->last_irr,
		&p->irr,
		&p->imr,
		&p->isr,
		&p->priority_add,
		&p->irq_base,
		&p->read_reg_select,
		&p->poll,
		&p->special_mask,
		&p->init_state,
		&p->auto_eoi,
		&p->rotate_on_auto_eoi,
		&p->special_fully_nested_mode,
		&p->init4,
		&p->elcr,
		&p->elcr_mask,
	};

	for (size_t i = 0; i < MV_ARRAY_SIZE(fields); i++)
		mv_state_u8(st, (uint16_t)(tag + i), fields[i]);
}

static void visit_ioapic(struct mv_state *st, uint16_t tag, struct kvm_ioapic_state *s)
{
	uint64_t base = s->base_address;

	mv_state_u64(st, tag, &base);
	s->base_address = base;
	mv_state_u32(st, tag + 1, &s->ioregsel);
	mv_state_u32(st, tag + 2, &s->id);
	mv_state_u32(st, tag + 3, &s->irr);
	for (uint16_t pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++) {
		uint64_t bits = s->redirtbl[pin].bits;

		mv_state_u64(st, tag + 0x10 + pin, &bits);
		s->redirtbl[pin].bits = bits;
	}
}

/* When a count was loaded is not kept: KVM starts it anew. */
static void visit_pit_channel(struct mv_state *st, uint16_t tag, struct kvm_pit_channel_state *c)
{
	uint8_t *const fields[] = {
		&c->count_latched, &c->status_latched, &c->status, &c->read_state, &c->write_state,
		&c->write_latch,   &c->rw_mode,        &c->mode,   &c->bcd,        &c->gate,
	};

	mv_state_u32(st, tag, &c->count);
	mv_state_u16(st, tag + 1, &c->latched_count);
	for (size_t i = 0; i < MV_ARRAY_SIZE(fields); i++)
		mv_state_u8(st, (uint16_t)(tag + 2 + i), fields[i]);
}

struct chips {
	struct kvm_irqchip pic[2], ioapic;
	struct kvm_pit_state2 pit;
	bool has_pit;
};

static int get(struct mv_state_env *env, struct chips *c, struct mv_error **err)
{
	if (ioctl(env->vm_fd, KVM_GET_IRQCHIP, &c->pic[0]) < 0 || ioctl(env->vm_fd, KVM_GET_IRQCHIP, &c->pic[1]) < 0 ||
	    ioctl(env->vm_fd, KVM_GET_IRQCHIP, &c->ioapic) < 0)
		return mv_error_set_errno(err, errno, "KVM does not tell the state of its interrupt controllers");
	c->has_pit = ioctl(env->vm_fd, KVM_GET_PIT2, &c->pit) == 0;
	if (!c->has_pit && errno != ENXIO)
		return mv_error_set_errno(err, errno, "KVM does not tell the state of its interval timer");
	return 0;
}

static int put(struct mv_state_env *env, struct chips *c, struct mv_error **err)
{
	/* The second PIC first: what it holds until then (lines that devices raised while they were loaded) goes on to
	 * the first one, where it would stay as a spurious interrupt. */
	if (ioctl(env->vm_fd, KVM_SET_IRQCHIP, &c->pic[1]) < 0 || ioctl(env->vm_fd, KVM_SET_IRQCHIP, &c->pic[0]) < 0)
		return mv_error_set_errno(err, errno, "KVM refused the saved state of the PIC");
	if (ioctl(env->vm_fd, KVM_SET_IRQCHIP, &c->ioapic) < 0)
		return mv_error_set_errno(err, errno, "KVM refused the saved state of the IOAPIC");
	if (c->has_pit && ioctl(env->vm_fd, KVM_SET_PIT2, &c->pit) < 0)
		return mv_error_set_errno(err, errno, "KVM refused the saved state of the interval timer");
	return 0;
}

int mv_irqchip_state(struct mv_state_env *env, struct mv_state *st, struct mv_error **err)
{
	struct chips c = {
		.pic = { { .chip_id = KVM_IRQCHIP_PIC_MASTER }, { .chip_id = KVM_IRQCHIP_PIC_SLAVE } },
		.ioapic = { .chip_id = KVM_IRQCHIP_IOAPIC },
	};

	if (!mv_state_loading(st) && get(env, &c, err) < 0)
		return -1;
	visit_pic(st, TAG_PIC, &c.pic[0].chip.pic);
	visit_pic(st, TAG_PIC + 0x20, &c.pic[1].chip.pic);
	visit_ioapic(st, TAG_IOAPIC, &c.ioapic.chip.ioapic);
	mv_state_bool(st, TAG_PIT, &c.has_pit);
	if (c.has_pit) {
		mv_state_u32(st, TAG_PIT + 1, &c.pit.flags);
		for (uint16_t i = 0; i < 3; i++)
			visit_pit_channel(st, TAG_PIT + 0x20 * (i + 1), &c.pit.channels[i]);
	}
	if (mv_state_finish(st, err) < 0)
		return -1;
	return mv_state_loading(st) ? put(env, &c, err) : 0;
}
