/* What a machine tells, in the words of guests. */
#include <string.h>

#include "engine/kvm/kvm.h"

static unsigned running_reason(uint32_t reason)
{
	switch ((enum mv_reason)reason) {
	case MV_REASON_BOOTED:
	case MV_REASON_RESET:
	case MV_REASON_POWEROFF:
	case MV_REASON_PANIC:
	case MV_REASON_TRIPLE_FAULT: return MV_RUNNING_BOOTED; /* the later ones: it was started again */
	case MV_REASON_RESTORED: return MV_RUNNING_RESTORED;
	case MV_REASON_USER: return MV_RUNNING_UNPAUSED;
	default: return MV_RUNNING_UNKNOWN;
	}
}

static unsigned paused_reason(uint32_t reason)
{
	switch ((enum mv_reason)reason) {
	case MV_REASON_USER:
	case MV_REASON_BOOTED:
	case MV_REASON_RESTORED: return MV_PAUSED_USER;
	case MV_REASON_SAVE: return MV_PAUSED_SAVE;
	case MV_REASON_IO_ERROR: return MV_PAUSED_IOERROR;
	case MV_REASON_POWEROFF:
	case MV_REASON_RESET: return MV_PAUSED_SHUTTING_DOWN;
	case MV_REASON_PANIC:
	case MV_REASON_PANIC_LOADED:
	case MV_REASON_TRIPLE_FAULT:
	case MV_REASON_EMULATION: return MV_PAUSED_CRASHED;
	default: return MV_PAUSED_UNKNOWN;
	}
}

static unsigned shutoff_reason(uint32_t reason)
{
	switch ((enum mv_reason)reason) {
	case MV_REASON_POWEROFF:
	case MV_REASON_RESET: return MV_SHUTOFF_SHUTDOWN;
	case MV_REASON_USER:
	case MV_REASON_QUIT: return MV_SHUTOFF_DESTROYED;
	case MV_REASON_SAVE: return MV_SHUTOFF_SAVED;
	case MV_REASON_PANIC:
	case MV_REASON_PANIC_LOADED:
	case MV_REASON_TRIPLE_FAULT:
	case MV_REASON_EMULATION:
	case MV_REASON_CRASHED: return MV_SHUTOFF_CRASHED;
	case MV_REASON_IO_ERROR: return MV_SHUTOFF_FAILED;
	default: return MV_SHUTOFF_UNKNOWN;
	}
}

void mv_kvm_set_status(struct mv_kvm_domain *d, const struct mv_control_status *status)
{
	unsigned reason = 0;

	switch ((enum mv_run_state)status->state) {
	case MV_STATE_RUNNING: reason = running_reason(status->reason); break;
	case MV_STATE_PAUSED: reason = paused_reason(status->reason); break;
	case MV_STATE_SHUTOFF: reason = shutoff_reason(status->reason); break;
	case MV_STATE_CRASHED:
		reason = status->reason == MV_REASON_PANIC ? MV_CRASHED_PANICKED : MV_CRASHED_UNKNOWN;
		break;
	case MV_STATE_BLOCKED:
	case MV_STATE_SHUTDOWN:
	case MV_STATE_PMSUSPENDED: break;
	default: return; /* not up yet */
	}
	/* Both are numbered as libvirt's. */
	mv_dom_set_state(&d->dom, (enum mv_domain_state)status->state, reason, status->detail);
}

void mv_kvm_keep_status(struct mv_control_status *to, const struct mv_control_status *from)
{
	mv_control_status_clear(to);
	*to = *from;
	to->detail = from->detail ? strdup(from->detail) : NULL;
}

const char *mv_kvm_stop_detail(const struct mv_control_status *status)
{
	switch ((enum mv_reason)status->reason) {
	case MV_REASON_POWEROFF:
	case MV_REASON_RESET: return "shutdown";
	case MV_REASON_USER:
	case MV_REASON_QUIT: return "destroyed";
	case MV_REASON_SAVE: return "saved";
	case MV_REASON_CRASHED: return "crashed";
	default: return mv_reason_name(status->reason);
	}
}

void mv_kvm_announce(struct mv_kvm_domain *d, const char *detail)
{
	if (d->announced)
		return;
	d->announced = true;
	mv_event_lifecycle(&d->kvm->drv.events, &d->dom, "started", detail, NULL);
}

/* The state before is what an event is about: a machine tells a client that has just come what others know already. */
static void changed(struct mv_kvm_domain *d, const struct mv_message *m, const char *event)
{
	mv_kvm_set_status(d, &m->status);
	mv_event_lifecycle(&d->kvm->drv.events, &d->dom, event, mv_domain_reason_name(d->dom.state, d->dom.reason),
			   m->text);
}

void mv_kvm_event(struct mv_kvm_domain *d, const struct mv_message *m)
{
	struct mv_event_queue *events = &d->kvm->drv.events;

	switch ((enum mv_event_kind)m->code) {
	case MV_EVENT_STARTED: mv_kvm_set_status(d, &m->status); break;
	case MV_EVENT_SUSPENDED: changed(d, m, "suspended"); break;
	case MV_EVENT_RESUMED: changed(d, m, "resumed"); break;
	case MV_EVENT_REBOOT:
		mv_kvm_set_status(d, &m->status);
		if (d->dom.state == MV_DOMAIN_RUNNING)
			mv_dom_set_state(&d->dom, MV_DOMAIN_RUNNING, MV_RUNNING_BOOTED, m->status.detail);
		mv_event_push(events, &d->dom, "reboot", "reboot", mv_reason_name(m->status.reason), m->text, 0);
		break;
	case MV_EVENT_STOPPED:
		/* It is told of when the process has ended and can be started again. */
		mv_kvm_set_status(d, &m->status);
		mv_kvm_keep_status(&d->last_word, &m->status);
		if (m->status.reason == MV_REASON_POWEROFF)
			mv_event_lifecycle(events, &d->dom, "shutdown", "finished", m->text);
		break;
	case MV_EVENT_CRASHED:
		mv_kvm_set_status(d, &m->status);
		mv_event_lifecycle(events, &d->dom, "crashed",
				   m->number && m->number < MV_REASON_LAST ? mv_reason_name((uint32_t)m->number) :
									     "panicked",
				   m->text);
		break;
	case MV_EVENT_BALLOON: mv_event_push(events, &d->dom, "balloon", "changed", NULL, NULL, m->number); break;
	case MV_EVENT_DEVICE: mv_event_push(events, &d->dom, "device", "failed", NULL, m->text, 0); break;
	default: break;
	}
}
