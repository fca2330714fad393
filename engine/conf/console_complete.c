/* Consoles and the serial ports behind them. The first console of a machine is its first serial port: libvirt makes the
 * one from the other, and shows the port in the console's place. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include <stdlib.h>
#include <string.h>

#include "conf/domain_chardevs_def.h"
#include "conf/domain_def.h"
#include "engine/conf/device.h"
#include "engine/conf/device_clash.h"

/* The members that the two have in common; 0 or -1. */
static int copy_chardev(const struct mv_conf_desc *from_desc, const void *from, const struct mv_conf_desc *to_desc,
			void *to, struct mv_error **err)
{
	/* They are few and their names say it: what is in both, under the same name and of the same type, is copied. */
	void *copy = mv_conf_copy(from_desc, from, err);

	if (!copy)
		return -1;
	for (unsigned i = 0; i < to_desc->n_members; i++) {
		const struct mv_conf_member *t = &to_desc->members[i];

		for (unsigned n = 0; n < from_desc->n_members; n++) {
			const struct mv_conf_member *f = &from_desc->members[n];
			size_t size;

			if (strcmp(f->field, t->field) || f->kind != t->kind || f->type != t->type ||
			    f->desc != t->desc)
				continue;
			if (t->flags & MV_CONF_LIST) {
				*(size_t *)(void *)((char *)to + t->count_offset) = *(
					size_t *)(void *)((char *)copy + f->count_offset);
				*(size_t *)(void *)((char *)copy + f->count_offset) = 0;
				size = sizeof(void *);
			} else {
				size = t->kind == MV_CONF_STRUCT ? t->desc->size : mv_conf_value_size(t);
			}
			if (t->flags & MV_CONF_HAS)
				*((bool *)to + t->has_offset) = *((bool *)copy + f->has_offset);
			/* Moved, not shared: the copy forgets it. */
			memcpy((char *)to + t->offset, (char *)copy + f->offset, size);
			memset((char *)copy + f->offset, 0, size);
		}
	}
	mv_conf_free(from_desc, copy);
	return 0;
}

static bool is_serial_console(const struct mv_console_def *c)
{
	return c->target.type == MV_CONSOLE_TARGET_TYPE_SERIAL;
}

/* A port that the machine's firmware and boot loader would talk to. */
static bool is_plain(const struct mv_serial_def *s)
{
	return s->target.type == MV_SERIAL_TARGET_TYPE_NONE || s->target.type == MV_SERIAL_TARGET_TYPE_ISA_SERIAL ||
		s->target.type == MV_SERIAL_TARGET_TYPE_SYSTEM_SERIAL;
}

static int add_serial(struct mv_devices_def *d, const struct mv_console_def *console, struct mv_error **err)
{
	struct mv_serial_def *serial = mv_conf_new(&mv_serial_desc, err);

	if (!serial)
		return -1;
	if (copy_chardev(&mv_console_desc, console, &mv_serial_desc, serial, err) < 0 ||
	    mv_conf_init(&mv_serial_target_desc, &serial->target, err) < 0 ||
	    mv_conf_append(&d->serials, &d->n_serials, serial, err) < 0) {
		mv_conf_free(&mv_serial_desc, serial);
		return -1;
	}
	serial->target.port = 0;
	serial->target.has_port = true;
	return 0;
}

static int add_console(struct mv_devices_def *d, struct mv_error **err)
{
	struct mv_console_def *console = mv_conf_new(&mv_console_desc, err);

	if (!console)
		return -1;
	if (mv_conf_init(&mv_console_target_desc, &console->target, err) < 0 ||
	    mv_conf_append(&d->consoles, &d->n_consoles, console, err) < 0) {
		mv_conf_free(&mv_console_desc, console);
		return -1;
	}
	console->target.type = MV_CONSOLE_TARGET_TYPE_SERIAL;
	memmove(d->consoles + 1, d->consoles, (d->n_consoles - 1) * sizeof(void *));
	d->consoles[0] = console;
	return 0;
}

int mv_devices_pair_console(struct mv_domain_def *def, struct mv_error **err)
{
	struct mv_devices_def *d = &def->devices;
	struct mv_console_def *console;
	struct mv_serial_def *serial;

	if (def->os.type.value != MV_OS_TYPE_HVM || !d->n_consoles || !d->n_serials ||
	    !is_serial_console(d->consoles[0]))
		return 0;
	serial = d->serials[0];
	console = mv_conf_new(&mv_console_desc, err);
	if (!console)
		return -1;
	if (copy_chardev(&mv_serial_desc, serial, &mv_console_desc, console, err) < 0 ||
	    (!console->target.present && mv_conf_init(&mv_console_target_desc, &console->target, err) < 0)) {
		mv_conf_free(&mv_console_desc, console);
		return -1;
	}
	console->target.type = MV_CONSOLE_TARGET_TYPE_SERIAL;
	console->target.port = serial->target.port;
	console->target.has_port = true;
	mv_conf_free(&mv_console_desc, d->consoles[0]);
	d->consoles[0] = console;
	return 0;
}

int mv_devices_complete_consoles(struct mv_domain_def *def, struct mv_error **err)
{
	struct mv_devices_def *d = &def->devices;
	bool hvm = def->os.type.value == MV_OS_TYPE_HVM;

	for (size_t i = 0; i < d->n_consoles; i++) {
		struct mv_console_target_def *t = &d->consoles[i]->target;

		if (!t->present && mv_conf_init(&mv_console_target_desc, t, err) < 0)
			return -1;
		if (t->type == MV_CONSOLE_TARGET_TYPE_NONE)
			t->type = MV_CONSOLE_TARGET_TYPE_SERIAL;
		t->port = (int)i;
		t->has_port = true;
		if (i && t->type == MV_CONSOLE_TARGET_TYPE_SERIAL)
			return mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
					    "Only the first console can be a serial port");
	}
	if (!hvm)
		return 0;
	if (d->n_consoles && is_serial_console(d->consoles[0]) && !d->n_serials)
		return add_serial(d, d->consoles[0], err);
	if (d->n_serials && is_plain(d->serials[0]) && (!d->n_consoles || !is_serial_console(d->consoles[0])))
		return add_console(d, err);
	return 0;
}
