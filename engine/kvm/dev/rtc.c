/* An MC146818 real-time clock with its CMOS memory. The clock is the host's UTC plus an offset that the guest sets by
 * setting the time, so it needs no upkeep: what the chip would have done meanwhile is worked out when the guest looks,
 * and a timer runs only for an interrupt that the guest has enabled. */
#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>

#include "engine/base/bytes.h"
#include "engine/kvm/common/layout.h"
#include "engine/kvm/dev/platform.h"

#define PORT_INDEX 0x70
#define PORT_COUNT 2
#define IRQ 8

#define NS_PER_S INT64_C(1000000000)
#define UPDATE_NS 244000 /* the update-in-progress flag precedes the update by this time */
#define S_PER_DAY 86400
#define CRYSTAL_HZ 32768
/* No century but the 20th to 22nd can be set: with the host's time, all fits into 63 bits. */
#define MAX_TIME_NS (7800000000 * NS_PER_S)
#define MAX_OFFSET_NS (6000000000 * NS_PER_S)

/* Registers */
enum {
	SECONDS,
	SECONDS_ALARM,
	MINUTES,
	MINUTES_ALARM,
	HOURS,
	HOURS_ALARM,
	WEEKDAY,
	DAY,
	MONTH,
	YEAR,
	REG_A,
	REG_B,
	REG_C,
	REG_D,
	CENTURY = 0x32,
	SIZE = 128
};

#define A_UPDATE 0x80
#define A_DIVIDER_RESET 0x60 /* both bits: the clock stands still */
#define A_RATE 0x0f
#define A_DEFAULT 0x26

#define B_SET 0x80
#define B_PERIODIC 0x40
#define B_ALARM 0x20
#define B_UPDATE 0x10
#define B_BINARY 0x04
#define B_24_HOURS 0x02

#define C_IRQ 0x80
#define C_EVENTS 0x70 /* at the places of their enable bits in B */

#define D_VALID 0x80
#define ALARM_ANY 0xc0
#define PM 0x80

struct rtc {
	struct mv_dev dev;
	bool added;
	int timer_fd; /* -1: none */
	struct mv_watch *timer_watch;
	/* Guarded by dev.lock. */
	uint8_t index;
	uint8_t cmos[SIZE]; /* the time's registers: only while the clock stands still */
	int64_t offset_ns;  /* guest's time of day minus the host's */
	int64_t seen_ns;    /* guest's time up to which events are in register C */
	bool irq;
};

static int64_t host_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static int64_t guest_ns(const struct rtc *r)
{
	return host_ns() + r->offset_ns;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static bool running(const struct rtc *r)
{
	return !(r->cmos[REG_B] & B_SET) && (r->cmos[REG_A] & A_DIVIDER_RESET) != A_DIVIDER_RESET;
}

/* ---- the time as registers ---- */

static uint8_t encode(const struct rtc *r, unsigned value)
{
	return (uint8_t)(r->cmos[REG_B] & B_BINARY ? value : value / 10 << 4 | value % 10);
}

/* May be nonsense that the guest wrote: the result is any small number. */
static unsigned decode(const struct rtc *r, uint8_t value)
{
	return r->cmos[REG_B] & B_BINARY ? value : (value >> 4) * 10U + (value & 15);
}

static uint8_t encode_hour(const struct rtc *r, unsigned hour)
{
	if (r->cmos[REG_B] & B_24_HOURS)
		return encode(r, hour);
	return encode(r, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? PM : 0);
}

static unsigned decode_hour(const struct rtc *r, uint8_t value)
{
	if (r->cmos[REG_B] & B_24_HOURS)
		return decode(r, value);
	return decode(r, value & ~PM) % 12 + (value & PM ? 12 : 0);
}

static void registers_of(const struct rtc *r, int64_t ns, uint8_t *regs)
{
	time_t seconds = (time_t)floor_div(ns, NS_PER_S);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		return; /* a year beyond int: the registers stay */
	regs[SECONDS] = encode(r, (unsigned)tm.tm_sec);
	regs[MINUTES] = encode(r, (unsigned)tm.tm_min);
	regs[HOURS] = encode_hour(r, (unsigned)tm.tm_hour);
	regs[WEEKDAY] = encode(r, (unsigned)tm.tm_wday + 1);
	regs[DAY] = encode(r, (unsigned)tm.tm_mday);
	regs[MONTH] = encode(r, (unsigned)tm.tm_mon + 1);
	regs[YEAR] = encode(r, (unsigned)(tm.tm_year % 100 + 100) % 100);
	/* By convention BCD whatever the format is; so says ACPI's FADT, which points here, and so do firmwares. */
	unsigned century = (unsigned)(tm.tm_year + 1900) / 100 % 100;

	regs[CENTURY] = (uint8_t)(century / 10 << 4 | century % 10);
}

static int64_t seconds_of(const struct rtc *r, const uint8_t *regs)
{
	struct tm tm = {
		.tm_sec = (int)decode(r, regs[SECONDS]),
		.tm_min = (int)decode(r, regs[MINUTES]),
		.tm_hour = (int)decode_hour(r, regs[HOURS]),
		.tm_mday = (int)decode(r, regs[DAY]),
		.tm_mon = (int)decode(r, regs[MONTH]) - 1,
	};
	int century = (regs[CENTURY] >> 4) * 10 + (regs[CENTURY] & 15);

	/* Also a limit: later times would not fit into nanoseconds. */
	if (century < 19 || century > 21)
		century = 20;
	tm.tm_year = century * 100 + (int)decode(r, regs[YEAR]) % 100 - 1900;
	return timegm(&tm);
}

/* ---- events ---- */

/* The period in ns times CRYSTAL_HZ (so that it is whole), or 0. */
static int64_t period(const struct rtc *r)
{
	unsigned rate = r->cmos[REG_A] & A_RATE;

	/* The two fastest would be faster than the divider's first stage: they are aliases. */
	if (rate == 1 || rate == 2)
		rate += 7;
	return rate ? NS_PER_S << (rate - 1) : 0;
}

/* The start of the first period after ns. Periods are counted from midnight, so that the product fits. */
static int64_t next_tick(const struct rtc *r, int64_t ns)
{
	int64_t midnight = floor_div(ns, S_PER_DAY * NS_PER_S) * S_PER_DAY * NS_PER_S;
	/* Fits: 86400 s in ns is below 2^47, times 2^15. */
	int64_t count = (ns - midnight) * CRYSTAL_HZ / period(r) + 1;
	int64_t p = period(r);

	/* Rounded up, so that a timer set to it does not come too early. */
	return midnight + count * (p / CRYSTAL_HZ) + (count * (p % CRYSTAL_HZ) + CRYSTAL_HZ - 1) / CRYSTAL_HZ;
}

static bool alarm_matches(uint8_t reg, uint8_t now)
{
	return (reg & ALARM_ANY) == ALARM_ANY || reg == now;
}

/* The first second after `from` at which the alarm goes off, or -1 when its registers hold no time. */
static int64_t next_alarm(const struct rtc *r, int64_t from)
{
	int64_t t = from + 1, limit = from + S_PER_DAY;

	while (t <= limit) {
		int64_t second = t - floor_div(t, S_PER_DAY) * S_PER_DAY;

		if (!alarm_matches(r->cmos[HOURS_ALARM], encode_hour(r, (unsigned)(second / 3600))))
			t += 3600 - second % 3600;
		else if (!alarm_matches(r->cmos[MINUTES_ALARM], encode(r, (unsigned)(second / 60 % 60))))
			t += 60 - second % 60;
		else if (!alarm_matches(r->cmos[SECONDS_ALARM], encode(r, (unsigned)(second % 60))))
			t++;
		else
			return t;
	}
	return -1;
}

static void update_irq(struct rtc *r)
{
	bool level = r->cmos[REG_B] & r->cmos[REG_C] & C_EVENTS;

	r->cmos[REG_C] = (r->cmos[REG_C] & C_EVENTS) | (level ? C_IRQ : 0);
	if (level == r->irq)
		return;
	r->irq = level;
	mv_irq_set(r->dev.machine->irq, IRQ, 0, level);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return b < a ? b : a;
}

/* Sets the timer to the next event that would interrupt. Not while the line is high: the guest has to read C first, and
 * all that comes until then is one interrupt, so that a guest that sleeps costs the host nothing. */
static void arm(struct rtc *r)
{
	int64_t next = INT64_MAX, second = floor_div(r->seen_ns, NS_PER_S), alarm;
	struct itimerspec when = { 0 };

	if (running(r) && !r->irq) {
		if (r->cmos[REG_B] & B_UPDATE)
			next = earlier(next, (second + 1) * NS_PER_S);
		if (r->cmos[REG_B] & B_ALARM && (alarm = next_alarm(r, second)) >= 0)
			next = earlier(next, alarm * NS_PER_S);
		if (r->cmos[REG_B] & B_PERIODIC && period(r))
			next = earlier(next, next_tick(r, r->seen_ns));
	}
	if (next != INT64_MAX) {
		int64_t host = next - r->offset_ns;

		/* Before 1970 there are no timers; then it is due anyway. */
		host = host > 0 ? host : 1;
		when.it_value.tv_sec = host / NS_PER_S;
		when.it_value.tv_nsec = host % NS_PER_S;
	}
	/* Cancelled when somebody sets the host's clock, which is the guest's too. */
	timerfd_settime(r->timer_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL);
}

/* Brings register C up to now. */
static void catch_up(struct rtc *r)
{
	int64_t now = guest_ns(r), second = floor_div(now, NS_PER_S), seen = floor_div(r->seen_ns, NS_PER_S), alarm;

	if (running(r) && now > r->seen_ns) {
		if (second > seen)
			r->cmos[REG_C] |= B_UPDATE;
		alarm = second > seen ? next_alarm(r, seen) : -1;
		if (alarm >= 0 && alarm <= second)
			r->cmos[REG_C] |= B_ALARM;
		if (period(r) && next_tick(r, r->seen_ns) <= now)
			r->cmos[REG_C] |= B_PERIODIC;
	}
	r->seen_ns = now;
	update_irq(r);
}

static void on_timer(void *opaque, uint32_t events)
{
	struct rtc *r = opaque;
	uint64_t expirations;

	(void)events;
	pthread_mutex_lock(&r->dev.lock);
	/* Fails with ECANCELED when the host's clock was set. */
	if (read(r->timer_fd, &expirations, sizeof(expirations)) > 0 || errno == ECANCELED) {
		catch_up(r);
		arm(r);
	}
	pthread_mutex_unlock(&r->dev.lock);
}

/* ---- registers ---- */

static bool is_time(unsigned index)
{
	return index == SECONDS || index == MINUTES || index == HOURS || (index >= WEEKDAY && index <= YEAR) ||
		index == CENTURY;
}

/* The registers' time becomes the guest's, `fraction` into its second. */
static void set_time(struct rtc *r, int64_t fraction)
{
	r->offset_ns = seconds_of(r, r->cmos) * NS_PER_S + fraction - host_ns();
	r->seen_ns = guest_ns(r);
}

static uint8_t read_register(struct rtc *r, unsigned index)
{
	uint8_t regs[SIZE], value;
	int64_t now;

	if (is_time(index) && running(r)) {
		memcpy(regs, r->cmos, SIZE);
		registers_of(r, guest_ns(r), regs);
		return regs[index];
	}
	switch (index) {
	case REG_A:
		now = guest_ns(r);
		value = r->cmos[REG_A];
		if (running(r) && now - floor_div(now, NS_PER_S) * NS_PER_S >= NS_PER_S - UPDATE_NS)
			value |= A_UPDATE;
		return value;
	case REG_C:
		catch_up(r);
		value = r->cmos[REG_C];
		r->cmos[REG_C] = 0;
		update_irq(r);
		arm(r);
		return value;
	case REG_D: return D_VALID;
	default: return r->cmos[index];
	}
}

/* A or B: they may stop the clock or let it go on. */
static void write_control(struct rtc *r, unsigned index, uint8_t value)
{
	bool before = running(r), divider = (r->cmos[REG_A] & A_DIVIDER_RESET) == A_DIVIDER_RESET;
	int64_t now = guest_ns(r);

	catch_up(r);
	if (before)
		registers_of(r, now, r->cmos); /* in the format of before, should that change */
	if (index == REG_A)
		r->cmos[REG_A] = value & ~A_UPDATE;
	else
		/* SET takes the update interrupt with it. */
		r->cmos[REG_B] = value & B_SET ? value & ~B_UPDATE : value;
	if (!before && running(r))
		/* A divider that is let go makes its first update after half a second; else the seconds go on as they
		 * were. */
		set_time(r, divider ? NS_PER_S / 2 : now - floor_div(now, NS_PER_S) * NS_PER_S);
	update_irq(r);
	arm(r);
}

static void write_register(struct rtc *r, unsigned index, uint8_t value)
{
	int64_t now = guest_ns(r);

	switch (index) {
	case REG_A:
	case REG_B: write_control(r, index, value); return;
	case REG_C:
	case REG_D: return;
	default: break;
	}
	if (!is_time(index)) {
		catch_up(r); /* with the alarm of before */
		r->cmos[index] = value;
		arm(r);
	} else if (running(r)) {
		catch_up(r);
		registers_of(r, now, r->cmos);
		r->cmos[index] = value;
		set_time(r, now - floor_div(now, NS_PER_S) * NS_PER_S);
		arm(r);
	} else {
		r->cmos[index] = value;
	}
}

static void bus_read(void *opaque, uint64_t offset, void *buf, unsigned len)
{
	struct rtc *r = opaque;
	uint8_t *bytes = buf;

	pthread_mutex_lock(&r->dev.lock);
	for (unsigned i = 0; i < len; i++) /* the index cannot be read */
		bytes[i] = offset + i == 0 ? 0xff : read_register(r, r->index);
	pthread_mutex_unlock(&r->dev.lock);
}

static void bus_write(void *opaque, uint64_t offset, const void *buf, unsigned len)
{
	struct rtc *r = opaque;
	const uint8_t *bytes = buf;

	pthread_mutex_lock(&r->dev.lock);
	for (unsigned i = 0; i < len; i++) {
		if (offset + i == 0)
			r->index = bytes[i] % SIZE; /* the highest bit masks the NMI, of which there is none */
		else
			write_register(r, r->index, bytes[i]);
	}
	pthread_mutex_unlock(&r->dev.lock);
}

static const struct mv_bus_ops bus_ops = { .read = bus_read, .write = bus_write };

/* ---- CMOS memory: what firmware finds there on a PC ---- */

static void put_memory_sizes(uint8_t *cmos, uint64_t memory)
{
	uint64_t low = memory < MV_LOW_RAM_LIMIT ? memory : MV_LOW_RAM_LIMIT, high = memory - low;
	uint64_t extended_kib = low > 1 << 20 ? (low - (1 << 20)) >> 10 : 0;
	uint64_t above_16m = low > 16 << 20 ? (low - (16 << 20)) >> 16 : 0;

	mv_put_le16(cmos + 0x15, 640);
	if (extended_kib > 65535)
		extended_kib = 65535;
	mv_put_le16(cmos + 0x17, (uint16_t)extended_kib);
	mv_put_le16(cmos + 0x30, (uint16_t)extended_kib);
	mv_put_le16(cmos + 0x34, (uint16_t)above_16m); /* in 64 KiB */
	mv_put_le16(cmos + 0x5b, (uint16_t)(high >> 16));
	cmos[0x5d] = (uint8_t)(high >> 32);
}

static void reset(struct mv_dev *d)
{
	struct rtc *r = (struct rtc *)d;

	pthread_mutex_lock(&d->lock);
	/* As the chip's reset line does: interrupts off; time and memory stay, as they have a battery. */
	r->index = 0;
	r->cmos[REG_B] &= ~(B_PERIODIC | B_ALARM | B_UPDATE);
	r->cmos[REG_C] = 0;
	r->seen_ns = guest_ns(r);
	update_irq(r);
	arm(r);
	pthread_mutex_unlock(&d->lock);
}

static int create(struct mv_dev *d, const struct mv_device_spec *spec, struct mv_error **err)
{
	struct rtc *r = (struct rtc *)d;
	uint32_t vcpus = d->machine->spec->vcpus;

	(void)spec;
	r->timer_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (r->timer_fd < 0)
		return mv_error_set_errno(err, errno, "Cannot create a timer for the clock");
	if (mv_watch_add(d->machine->loop, r->timer_fd, EPOLLIN, on_timer, r, &r->timer_watch, err) < 0)
		return -1;
	if (mv_bus_add(d->machine->bus, MV_SPACE_PORT, PORT_INDEX, PORT_COUNT, &bus_ops, r, err) < 0)
		return -1;
	r->added = true;
	r->cmos[REG_A] = A_DEFAULT;
	r->cmos[REG_B] = B_24_HOURS;
	r->cmos[0x14] = 0x02; /* equipment: a coprocessor */
	r->cmos[0x5f] = (uint8_t)(vcpus && vcpus <= 256 ? vcpus - 1 : 255);
	put_memory_sizes(r->cmos, d->machine->spec->memory);
	reset(d);
	return 0;
}

static void destroy(struct mv_dev *d)
{
	struct rtc *r = (struct rtc *)d;

	if (r->added)
		mv_bus_remove(d->machine->bus, MV_SPACE_PORT, PORT_INDEX, r);
	mv_watch_remove(r->timer_watch);
	if (r->timer_fd >= 0)
		close(r->timer_fd);
}

/* A guest that slept in a file finds the time of day when it wakes, as after a suspend. */
static int state(struct mv_dev *d, struct mv_state *st, struct mv_error **err)
{
	struct rtc *r = (struct rtc *)d;
	uint64_t offset, seen;

	(void)err;
	pthread_mutex_lock(&d->lock);
	catch_up(r);
	offset = (uint64_t)r->offset_ns;
	seen = (uint64_t)r->seen_ns;
	mv_state_u8(st, 1, &r->index);
	mv_state_bytes(st, 2, r->cmos, SIZE);
	mv_state_u64(st, 3, &offset);
	mv_state_u64(st, 4, &seen);
	if (mv_state_loading(st)) {
		r->index %= SIZE;
		r->cmos[REG_A] &= ~A_UPDATE;
		r->offset_ns = offset == UINT64_C(1) << 63 ? INT64_MAX : (int64_t)offset; /* llabs() knows no other */
		r->seen_ns = seen == UINT64_C(1) << 63 ? INT64_MAX : (int64_t)seen;
		if (llabs(r->offset_ns) > MAX_OFFSET_NS || llabs(r->seen_ns) > MAX_TIME_NS) {
			mv_state_fail(st, "its time cannot be");
			r->offset_ns = r->seen_ns = 0;
		}
		/* An alarm that was due meanwhile goes off now. */
		catch_up(r);
		arm(r);
	}
	pthread_mutex_unlock(&d->lock);
	return 0;
}

const struct mv_dev_ops mv_rtc_ops = {
	.name = "rtc",
	.size = sizeof(struct rtc),
	.version = 1,
	.create = create,
	.reset = reset,
	.state = state,
	.destroy = destroy,
};
