/* ACPI fixed hardware: power management events and control, the timer, one block of general-purpose events, and the
 * reset register. The machine is always in ACPI mode. The FADT tells the guest where all this is.
 * Source: ACPI 6.4, section 4.8. */
#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>

#include "engine/base/bytes.h"
#include "engine/kvm/common/layout.h"
#include "engine/kvm/dev/platform.h"

#define TIMER_HZ 3579545
#define NS_PER_S UINT64_C(1000000000)

/* Offsets from MV_PORT_PM_BASE. */
#define PM1_STATUS 0
#define PM1_ENABLE 2
#define PM1_CONTROL 4
#define PM_TIMER (MV_PORT_PM_TIMER - MV_PORT_PM_BASE)
#define GPE0_STATUS (MV_PORT_PM_GPE0 - MV_PORT_PM_BASE)
#define GPE0_ENABLE (GPE0_STATUS + 1)
#define RESET (MV_PORT_PM_RESET - MV_PORT_PM_BASE)

#define EVENT_TIMER 0x0001 /* the timer's highest bit changed */
#define EVENT_GLOBAL 0x0020
#define EVENT_POWER_BUTTON 0x0100
#define EVENT_SLEEP_BUTTON 0x0200
#define EVENT_RTC 0x0400
#define EVENT_WAKE 0x8000
#define EVENTS (EVENT_TIMER | EVENT_GLOBAL | EVENT_POWER_BUTTON | EVENT_SLEEP_BUTTON | EVENT_RTC)

#define CONTROL_SCI 0x0001
#define CONTROL_SLEEP_TYPE 0x1c00
#define CONTROL_SLEEP_TYPE_SHIFT 10
#define CONTROL_SLEEP 0x2000
#define CONTROL_KEPT (0x0002 | CONTROL_SLEEP_TYPE) /* the writable bits that read back */

struct acpi_pm {
	struct mv_dev dev;
	bool added;
	int timer_fd; /* fires when the timer's highest bit changes; armed while the guest wants that event; -1: none */
	struct mv_watch *timer_watch;
	/* Guarded by dev.lock. */
	uint16_t status, enable, control;
	uint8_t gpe_status, gpe_enable;
	uint64_t timer_base; /* ticks at monotonic time zero, so that a restored guest's timer goes on where it was */
	uint64_t seen_half;  /* how often the highest bit had changed when `status` was brought up to date */
	bool irq;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Seconds and the rest apart: the product of nanoseconds and frequency would not fit. */
static uint64_t ticks(const struct acpi_pm *p)
{
	uint64_t ns = now_ns();

	return p->timer_base + ns / NS_PER_S * TIMER_HZ + ns % NS_PER_S * TIMER_HZ / NS_PER_S;
}

static void update_sci(struct acpi_pm *p)
{
	bool level = (p->status & p->enable & EVENTS) || (p->gpe_status & p->gpe_enable);

	if (level == p->irq)
		return;
	p->irq = level;
	mv_irq_set(p->dev.machine->irq, MV_GSI_SCI, 0, level);
}

static void update_timer_event(struct acpi_pm *p)
{
	uint64_t half = ticks(p) >> 31;

	if (half != p->seen_half)
		p->status |= EVENT_TIMER;
	p->seen_half = half;
}

/* Ten minutes from one change of the highest bit to the next. */
static void arm_timer(struct acpi_pm *p)
{
	uint64_t left = (UINT64_C(1) << 31) - (ticks(p) & 0x7fffffff);
	uint64_t ns = left * NS_PER_S / TIMER_HZ + 1000;
	struct itimerspec when = { 0 };

	if (p->enable & EVENT_TIMER) {
		when.it_value.tv_sec = (time_t)(ns / NS_PER_S);
		when.it_value.tv_nsec = (long)(ns % NS_PER_S);
	}
	timerfd_settime(p->timer_fd, 0, &when, NULL);
}

static void on_timer(void *opaque, uint32_t events)
{
	struct acpi_pm *p = opaque;
	uint64_t expirations;

	(void)events;
	pthread_mutex_lock(&p->dev.lock);
	if (read(p->timer_fd, &expirations, sizeof(expirations)) > 0) {
		update_timer_event(p);
		update_sci(p);
		arm_timer(p);
	}
	pthread_mutex_unlock(&p->dev.lock);
}

/* The block as bytes, so that accesses of any width and place are simple. */
static void snapshot(struct acpi_pm *p, uint8_t *block)
{
	update_timer_event(p);
	memset(block, 0xff, MV_PORT_PM_SIZE);
	mv_put_le16(block + PM1_STATUS, p->status);
	mv_put_le16(block + PM1_ENABLE, p->enable);
	mv_put_le16(block + PM1_CONTROL, p->control | CONTROL_SCI);
	mv_put_le32(block + PM_TIMER, (uint32_t)ticks(p));
	block[GPE0_STATUS] = p->gpe_status;
	block[GPE0_ENABLE] = p->gpe_enable;
}

static void bus_read(void *opaque, uint64_t offset, void *buf, unsigned len)
{
	struct acpi_pm *p = opaque;
	uint8_t block[MV_PORT_PM_SIZE];

	pthread_mutex_lock(&p->dev.lock);
	snapshot(p, block);
	update_sci(p);
	pthread_mutex_unlock(&p->dev.lock);
	memcpy(buf, block + offset, len);
}

static uint16_t with_byte(uint16_t old, unsigned index, uint8_t value)
{
	unsigned shift = index * 8;

	return (uint16_t)((old & ~(0xffU << shift)) | (unsigned)value << shift);
}

/* What a write asks of the machine, done when the lock is released. */
struct wish {
	bool off, reset;
};

static void write_byte(struct acpi_pm *p, unsigned offset, uint8_t value, struct wish *wish)
{
	uint16_t control;

	switch (offset) {
	case PM1_STATUS:
	case PM1_STATUS + 1:
		update_timer_event(p);
		p->status &= ~(value << (offset - PM1_STATUS) * 8);
		break;
	case PM1_ENABLE:
	case PM1_ENABLE + 1:
		p->enable = with_byte(p->enable, offset - PM1_ENABLE, value) & EVENTS;
		arm_timer(p);
		break;
	case PM1_CONTROL:
	case PM1_CONTROL + 1:
		control = with_byte(p->control, offset - PM1_CONTROL, value);
		p->control = control & CONTROL_KEPT;
		/* S5 is the only sleep state that the DSDT offers. */
		if (control & CONTROL_SLEEP &&
		    (control & CONTROL_SLEEP_TYPE) >> CONTROL_SLEEP_TYPE_SHIFT == MV_PM_S5_TYPE)
			wish->off = true;
		break;
	case GPE0_STATUS: p->gpe_status &= ~value; break;
	case GPE0_ENABLE: p->gpe_enable = value; break;
	case RESET: wish->reset = value == MV_PM_RESET_VALUE; break;
	default: break;
	}
}

static void bus_write(void *opaque, uint64_t offset, const void *buf, unsigned len)
{
	struct acpi_pm *p = opaque;
	const uint8_t *bytes = buf;
	struct wish wish = { false, false };

	pthread_mutex_lock(&p->dev.lock);
	for (unsigned i = 0; i < len; i++)
		write_byte(p, (unsigned)offset + i, bytes[i], &wish);
	update_sci(p);
	pthread_mutex_unlock(&p->dev.lock);
	if (wish.off)
		mv_machine_request(p->dev.machine, MV_REQUEST_POWEROFF, MV_REASON_POWEROFF, NULL);
	else if (wish.reset)
		mv_machine_request(p->dev.machine, MV_REQUEST_RESET, MV_REASON_RESET, "ACPI reset register");
}

static const struct mv_bus_ops bus_ops = { .read = bus_read, .write = bus_write };

static void power_button(struct mv_dev *d)
{
	struct acpi_pm *p = (struct acpi_pm *)d;

	pthread_mutex_lock(&d->lock);
	p->status |= EVENT_POWER_BUTTON;
	update_sci(p);
	pthread_mutex_unlock(&d->lock);
}

static void reset(struct mv_dev *d)
{
	struct acpi_pm *p = (struct acpi_pm *)d;

	pthread_mutex_lock(&d->lock);
	p->status = p->enable = p->control = 0;
	p->gpe_status = p->gpe_enable = 0;
	p->seen_half = ticks(p) >> 31;
	arm_timer(p);
	update_sci(p);
	pthread_mutex_unlock(&d->lock);
}

static int create(struct mv_dev *d, const struct mv_device_spec *spec, struct mv_error **err)
{
	struct acpi_pm *p = (struct acpi_pm *)d;

	(void)spec;
	p->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (p->timer_fd < 0)
		return mv_error_set_errno(err, errno, "Cannot create a timer for the ACPI timer");
	if (mv_watch_add(d->machine->loop, p->timer_fd, EPOLLIN, on_timer, p, &p->timer_watch, err) < 0)
		return -1;
	if (mv_bus_add(d->machine->bus, MV_SPACE_PORT, MV_PORT_PM_BASE, MV_PORT_PM_SIZE, &bus_ops, p, err) < 0)
		return -1;
	p->added = true;
	p->timer_base = 0 - ticks(p);
	reset(d);
	return 0;
}

static void destroy(struct mv_dev *d)
{
	struct acpi_pm *p = (struct acpi_pm *)d;

	if (p->added)
		mv_bus_remove(d->machine->bus, MV_SPACE_PORT, MV_PORT_PM_BASE, p);
	mv_watch_remove(p->timer_watch);
	if (p->timer_fd >= 0)
		close(p->timer_fd);
}

static int state(struct mv_dev *d, struct mv_state *st, struct mv_error **err)
{
	struct acpi_pm *p = (struct acpi_pm *)d;
	uint64_t timer = ticks(p);
	uint64_t host = timer - p->timer_base;

	(void)err;
	pthread_mutex_lock(&d->lock);
	update_timer_event(p);
	mv_state_u16(st, 1, &p->status);
	mv_state_u16(st, 2, &p->enable);
	mv_state_u16(st, 3, &p->control);
	mv_state_u8(st, 4, &p->gpe_status);
	mv_state_u8(st, 5, &p->gpe_enable);
	mv_state_u64(st, 6, &timer);
	if (mv_state_loading(st)) {
		p->status &= EVENTS | EVENT_WAKE;
		p->enable &= EVENTS;
		p->control &= CONTROL_KEPT;
		p->timer_base = timer - host;
		p->seen_half = ticks(p) >> 31;
		arm_timer(p);
		update_sci(p);
	}
	pthread_mutex_unlock(&d->lock);
	return 0;
}

const struct mv_dev_ops mv_acpi_pm_ops = {
	.name = "acpi-pm",
	.size = sizeof(struct acpi_pm),
	.version = 1,
	.create = create,
	.reset = reset,
	.state = state,
	.destroy = destroy,
	.power_button = power_button,
};
