/* What the tables of schema/domain.lua cannot say about single elements of a domain: which attributes need each other,
 * which values go together, what libvirt leaves out. Each function is called when its element has been read, so that
 * messages have its line. What looks at the domain as a whole is in domain_complete_def.c. */
#define MV_ERROR_DOMAIN MV_FROM_CONF
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/domain_def.h"
#include "engine/conf/cpuset_walk.h"
#include "engine/conf/uuid.h"

static void drop(char **text)
{
	free(*text);
	*text = NULL;
}

/* --- features --------------------------------------------------------------------------------------------------------
 */

int mv_hyperv_spinlocks_check(struct mv_hyperv_spinlocks_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	if (def->state != MV_TRI_YES) {
		def->has_retries = false;
		return 0;
	}
	if (!def->has_retries)
		return mv_conf_fail(at, err, MV_ERR_XML, "the attribute 'retries' of <spinlocks> is missing.");
	if (def->retries < 0xfff)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "the retries of Hyper-V spinlocks must be at least 4095, not %u.", def->retries);
	return 0;
}

int mv_hyperv_vendor_id_check(struct mv_hyperv_vendor_id_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	if (def->state != MV_TRI_YES) {
		drop(&def->value);
		return 0;
	}
	if (!def->value)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "the attribute 'value' of the Hyper-V feature <vendor_id> is missing.");
	if (strlen(def->value) > 12)
		return mv_conf_fail(at, err, MV_ERR_XML, "the Hyper-V vendor_id '%s' has more than 12 characters.",
				    def->value);
	if (strchr(def->value, ','))
		return mv_conf_fail(at, err, MV_ERR_XML, "the Hyper-V vendor_id '%s' must not have a comma.",
				    def->value);
	return 0;
}

int mv_hyperv_stimer_check(struct mv_hyperv_stimer_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	(void)at;
	(void)err;
	if (def->state != MV_TRI_YES)
		def->direct = MV_TRI_NONE;
	return 0;
}

int mv_kvm_dirty_ring_check(struct mv_kvm_dirty_ring_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	if (def->state != MV_TRI_YES) {
		def->has_size = false;
		return 0;
	}
	if (!def->has_size)
		return mv_conf_fail(at, err, MV_ERR_XML, "the attribute 'size' of <dirty-ring> is missing.");
	if (def->size < 1024 || def->size > 65536 || def->size & (def->size - 1))
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "the size of the dirty ring is %u; it must be a power of 2 from 1024 to 65536.",
				    def->size);
	return 0;
}

int mv_xen_passthrough_check(struct mv_xen_passthrough_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	(void)at;
	(void)err;
	if (def->state != MV_TRI_YES)
		def->mode = MV_XEN_PASSTHROUGH_MODE_NONE;
	return 0;
}

int mv_feature_smm_check(struct mv_feature_smm_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	(void)at;
	(void)err;
	if (def->state != MV_TRI_YES)
		def->has_tseg = false;
	return 0;
}

/* The policy is written when it is not the usual one or when there are exceptions from it. */
int mv_feature_capabilities_check(struct mv_feature_capabilities_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	bool any = false;

	(void)at;
	(void)err;
	for (unsigned i = 0; i < mv_feature_capabilities_desc.n_members; i++) {
		const struct mv_conf_member *m = &mv_feature_capabilities_desc.members[i];

		any |= m->kind == MV_CONF_IN && mv_conf_is_given(m, def);
	}
	if (any && def->policy == MV_CAPABILITIES_POLICY_NONE)
		def->policy = MV_CAPABILITIES_POLICY_DEFAULT;
	else if (!any && def->policy == MV_CAPABILITIES_POLICY_DEFAULT)
		def->policy = MV_CAPABILITIES_POLICY_NONE;
	return 0;
}

/* --- os --------------------------------------------------------------------------------------------------------------
 */

int mv_domain_os_bootmenu_check(struct mv_domain_os_bootmenu_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	(void)at;
	(void)err;
	if (def->enable != MV_TRI_YES)
		def->has_timeout = false;
	return 0;
}

/* What is said about firmware that is chosen by itself, or about a file with it. */
static int check_loader(const struct mv_domain_os_def *os, struct mv_conf_at *at, struct mv_error **err)
{
	const struct mv_domain_os_loader_def *loader = &os->loader;

	if (os->firmware != MV_OS_FIRMWARE_NONE) {
		const char *bad = loader->read_only != MV_TRI_NONE             ? "readonly" :
			loader->type != MV_OS_LOADER_TYPE_NONE || loader->path ? "type" :
			loader->secure == MV_TRI_NO                            ? "secure" :
										 NULL;

		if (bad)
			return mv_conf_fail(
				at, err, MV_ERR_CONFIG_UNSUPPORTED,
				"the loader's attribute '%s' cannot be given together with the choice of firmware (<os firmware='...'>).",
				bad);
		if (os->nvram.present && os->nvram.template)
			return mv_conf_fail(
				at, err, MV_ERR_CONFIG_UNSUPPORTED,
				"the nvram's attribute 'template' cannot be given together with the choice of firmware (<os firmware='...'>).");
		if (os->nvram.present && os->firmware == MV_OS_FIRMWARE_BIOS)
			return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
					    "firmware of the type 'bios' has no nvram.");
	} else {
		if (!loader->path && (loader->present || os->nvram.present))
			return mv_conf_fail(
				at, err, MV_ERR_CONFIG_UNSUPPORTED,
				"the loader has no path, and no firmware is to be chosen (<os firmware='...'>).");
		if (loader->stateless == MV_TRI_NO && loader->type != MV_OS_LOADER_TYPE_PFLASH)
			return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
					    "only a loader of the type 'pflash' can have NVRAM.");
	}
	if (loader->stateless == MV_TRI_YES && os->nvram.present)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED, "a stateless loader cannot have NVRAM.");
	return 0;
}

/* The last word about a feature counts; they are in the order of their names. */
static void sort_firmware_features(struct mv_domain_os_firmware_def *def)
{
	size_t n = 0;

	for (unsigned name = 0; name < mv_os_firmware_feature_enum.count; name++) {
		struct mv_domain_os_firmware_feature_def *last = NULL;

		for (size_t i = n; i < def->n_features; i++) {
			if (def->features[i]->name != (enum mv_os_firmware_feature)name)
				continue;
			mv_conf_free(&mv_domain_os_firmware_feature_desc, last);
			last = mv_conf_remove(def->features, &def->n_features, i--);
		}
		if (!last)
			continue;
		/* There is room: one was just taken out. */
		memmove(def->features + n + 1, def->features + n, (def->n_features - n) * sizeof(void *));
		def->features[n++] = last;
		def->n_features++;
	}
}

static int check_init(const struct mv_domain_os_def *os, struct mv_conf_at *at, struct mv_error **err)
{
	for (size_t i = 0; i < os->n_initenvs; i++) {
		if (!os->initenvs[i]->value)
			return mv_conf_fail(at, err, MV_ERR_XML, "<initenv name='%s'> has no value.",
					    os->initenvs[i]->name);
	}
	return 0;
}

int mv_domain_os_check(struct mv_domain_os_def *os, struct mv_conf_at *at, struct mv_error **err)
{
	if (os->smbios == MV_SMBIOS_MODE_NONE_)
		os->smbios = MV_SMBIOS_MODE_NONE;
	if (os->nvram.present && !os->nvram.path && !os->nvram.template && !os->nvram.source.present)
		mv_conf_clear(&mv_domain_os_nvram_desc, &os->nvram);
	if (os->firmware == MV_OS_FIRMWARE_NONE)
		mv_conf_clear(&mv_domain_os_firmware_desc, &os->firmware_features);
	sort_firmware_features(&os->firmware_features);
	if (check_init(os, at, err) < 0)
		return -1;
	if (os->type.present && os->type.value == MV_OS_TYPE_EXE)
		return 0;
	if (check_loader(os, at, err) < 0)
		return -1;
	if (os->loader.path && os->loader.type == MV_OS_LOADER_TYPE_NONE)
		os->loader.type = MV_OS_LOADER_TYPE_ROM;
	return 0;
}

/* --- clock -----------------------------------------------------------------------------------------------------------
 */

/* An adjustment of UTC or local time by seconds is what libvirt calls variable. */
static int check_adjustment(struct mv_domain_clock_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	bool reset = def->adjustment && strcmp(def->adjustment, "reset") == 0;
	long long seconds = 0;
	char *end = NULL;

	if (def->adjustment && !reset) {
		seconds = strtoll(def->adjustment, &end, 10);
		if (end == def->adjustment || *end)
			end = NULL;
	}
	if (def->offset == MV_CLOCK_OFFSET_VARIABLE) {
		if (def->basis == MV_CLOCK_BASIS_NONE)
			def->basis = MV_CLOCK_BASIS_UTC;
		if (!end)
			seconds = 0;
	} else {
		def->basis = MV_CLOCK_BASIS_NONE;
		if (!def->adjustment || reset)
			return 0;
		if (!end)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "the clock's adjustment '%s' is neither a number of seconds nor 'reset'.",
					    def->adjustment);
		def->basis = def->offset == MV_CLOCK_OFFSET_LOCALTIME ? MV_CLOCK_BASIS_LOCALTIME : MV_CLOCK_BASIS_UTC;
		def->offset = MV_CLOCK_OFFSET_VARIABLE;
	}
	drop(&def->adjustment);
	if (asprintf(&def->adjustment, "%lld", seconds) < 0) {
		def->adjustment = NULL;
		return mv_error_set(err, MV_ERR_NO_MEMORY, "There is no memory left for a clock.");
	}
	return 0;
}

int mv_domain_clock_check(struct mv_domain_clock_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	if (def->offset == MV_CLOCK_OFFSET_TIMEZONE || def->offset == MV_CLOCK_OFFSET_ABSOLUTE) {
		drop(&def->adjustment);
		def->basis = MV_CLOCK_BASIS_NONE;
	} else if (check_adjustment(def, at, err) < 0) {
		return -1;
	}
	if (def->offset != MV_CLOCK_OFFSET_TIMEZONE)
		drop(&def->timezone);
	else if (!def->timezone)
		return mv_conf_fail(at, err, MV_ERR_INTERNAL,
				    "a clock with offset='timezone' needs the attribute 'timezone'.");
	if (def->offset != MV_CLOCK_OFFSET_ABSOLUTE)
		def->has_start = false;
	else if (!def->has_start)
		return mv_conf_fail(at, err, MV_ERR_INTERNAL,
				    "a clock with offset='absolute' needs the attribute 'start'.");
	return 0;
}

int mv_clock_timer_check(struct mv_clock_timer_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	const char *name = mv_conf_word(&mv_timer_name_enum, def->name);

	if (def->name == MV_TIMER_NAME_KVMCLOCK || def->name == MV_TIMER_NAME_HYPERVCLOCK) {
		if (def->tickpolicy != MV_TIMER_TICKPOLICY_NONE)
			return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED, "the timer %s has no tick policy.",
					    name);
	}
	if (def->track != MV_TIMER_TRACK_NONE && def->name != MV_TIMER_NAME_RTC && def->name != MV_TIMER_NAME_PLATFORM)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "the timer %s cannot track; only rtc and platform can.", name);
	if (def->name != MV_TIMER_NAME_TSC) {
		if (def->frequency)
			return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
					    "the timer %s has no frequency; only tsc has.", name);
		if (def->mode != MV_TIMER_MODE_NONE)
			return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
					    "the timer %s has no mode; only tsc has.", name);
	}
	if (def->catchup.present && def->tickpolicy != MV_TIMER_TICKPOLICY_CATCHUP &&
	    (def->catchup.threshold || def->catchup.slew || def->catchup.limit))
		return mv_conf_fail(at, err, MV_ERR_XML, "<catchup> is only possible with tickpolicy='catchup'.");
	return 0;
}

/* --- sysinfo ---------------------------------------------------------------------------------------------------------
 */

/* Keeps the entries that libvirt knows, in its order, the first of each name. */
static int sort_entries(struct mv_sysinfo_block_def *block, const char *const *names, const char *what,
			struct mv_conf_at *at, struct mv_error **err)
{
	size_t kept = 0;

	for (; *names; names++) {
		for (size_t i = kept; i < block->n_entries; i++) {
			struct mv_sysinfo_entry_def *entry = block->entries[i];

			if (strcmp(entry->name, *names) != 0 || !entry->value || !*entry->value)
				continue;
			memmove(block->entries + kept + 1, block->entries + kept, (i - kept) * sizeof(void *));
			block->entries[kept++] = entry;
			break;
		}
	}
	while (block->n_entries > kept) {
		struct mv_sysinfo_entry_def *entry = block->entries[block->n_entries - 1];
		int ret = 0;

		if (entry->value && *entry->value)
			ret = mv_conf_warn(
				at, err,
				"the entry '%s' in <%s> of <sysinfo> is not known or there twice, and was left out.",
				entry->name, what);
		if (ret < 0)
			return -1;
		mv_conf_free(&mv_sysinfo_entry_desc,
			     mv_conf_remove(block->entries, &block->n_entries, block->n_entries - 1));
	}
	return 0;
}

static const char *entry_value(const struct mv_sysinfo_block_def *block, const char *name)
{
	for (size_t i = 0; i < block->n_entries; i++) {
		if (strcmp(block->entries[i]->name, name) == 0)
			return block->entries[i]->value;
	}
	return NULL;
}

/* A number of at most `most` digits; *text moves behind it. */
static bool read_digits(const char **text, unsigned most, unsigned *number)
{
	unsigned n = 0;

	for (*number = 0; n < most && isdigit((unsigned char)**text); n++)
		*number = *number * 10 + (unsigned)(*(*text)++ - '0');
	return n > 0;
}

/* month/day/year, the year with two or four digits. */
static bool is_bios_date(const char *date)
{
	unsigned month, day, year;

	return read_digits(&date, 2, &month) && *date++ == '/' && read_digits(&date, 2, &day) && *date++ == '/' &&
		read_digits(&date, 4, &year) && !*date && month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
		(year < 100 || (year >= 1900 && year < 2100));
}

static int check_smbios(struct mv_sysinfo_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	static const char *const bios[] = { "vendor", "version", "date", "release", NULL };
	static const char *const system[] = { "manufacturer", "product", "version", "serial",
					      "uuid",         "sku",     "family",  NULL };
	static const char *const board[] = {
		"manufacturer", "product", "version", "serial", "asset", "location", NULL
	};
	static const char *const chassis[] = { "manufacturer", "version", "serial", "asset", "sku", NULL };
	const char *date, *uuid;
	uint8_t parsed[16];

	if (sort_entries(&def->bios, bios, "bios", at, err) < 0 ||
	    sort_entries(&def->system, system, "system", at, err) < 0 ||
	    sort_entries(&def->chassis, chassis, "chassis", at, err) < 0)
		return -1;
	for (size_t i = 0; i < def->n_base_boards;) {
		if (sort_entries(def->base_boards[i], board, "baseBoard", at, err) < 0)
			return -1;
		if (def->base_boards[i]->n_entries > 0)
			i++;
		else
			mv_conf_free(&mv_sysinfo_block_desc, mv_conf_remove(def->base_boards, &def->n_base_boards, i));
	}
	date = entry_value(&def->bios, "date");
	if (date && !is_bios_date(date))
		return mv_conf_fail(at, err, MV_ERR_XML, "the BIOS date '%s' in <sysinfo> is not month/day/year.",
				    date);
	uuid = entry_value(&def->system, "uuid");
	if (uuid && mv_uuid_parse(uuid, parsed) < 0)
		return mv_conf_fail(at, err, MV_ERR_XML, "the UUID '%s' in <sysinfo> is not one.", uuid);
	return 0;
}

int mv_sysinfo_check(struct mv_sysinfo_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	if (def->type == MV_SYSINFO_TYPE_SMBIOS) {
		while (def->n_entries > 0)
			mv_conf_free(&mv_sysinfo_fwcfg_desc,
				     mv_conf_remove(def->entries, &def->n_entries, def->n_entries - 1));
		return check_smbios(def, at, err);
	}
	mv_conf_clear(&mv_sysinfo_block_desc, &def->bios);
	mv_conf_clear(&mv_sysinfo_block_desc, &def->system);
	mv_conf_clear(&mv_sysinfo_block_desc, &def->chassis);
	mv_conf_clear(&mv_sysinfo_oem_strings_desc, &def->oem_strings);
	while (def->n_base_boards > 0)
		mv_conf_free(&mv_sysinfo_block_desc,
			     mv_conf_remove(def->base_boards, &def->n_base_boards, def->n_base_boards - 1));
	for (size_t i = 0; i < def->n_entries; i++) {
		struct mv_sysinfo_fwcfg_def *entry = def->entries[i];

		if (entry->file)
			drop(&entry->value);
		else if (!entry->value || !*entry->value)
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "the firmware entry '%s' needs a value or the attribute 'file'.",
					    entry->name);
	}
	return 0;
}

/* --- the rest --------------------------------------------------------------------------------------------------------
 */

int mv_domain_idmap_check(struct mv_domain_idmap_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	struct mv_domain_idmap_entry_def **lists[] = { def->uids, def->gids };
	size_t counts[] = { def->n_uids, def->n_gids };

	if (!def->n_uids != !def->n_gids)
		return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
				    "users and groups must both be mapped, or none of them.");
	for (size_t l = 0; l < 2; l++) {
		struct mv_domain_idmap_entry_def **list = lists[l];

		for (size_t i = 1; i < counts[l]; i++) { /* insertion: the lists are short */
			struct mv_domain_idmap_entry_def *entry = list[i];
			size_t k = i;

			for (; k > 0 && list[k - 1]->start > entry->start; k--)
				list[k] = list[k - 1];
			list[k] = entry;
		}
		if (counts[l] > 0 && list[0]->start != 0)
			return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
					    "the container's root user (0) must be mapped.");
	}
	return 0;
}

int mv_domain_perf_check(struct mv_domain_perf_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	for (size_t i = 1; i < def->n_events; i++) {
		struct mv_domain_perf_event_def *event = def->events[i];
		size_t k = i;

		for (; k > 0 && def->events[k - 1]->name > event->name; k--)
			def->events[k] = def->events[k - 1];
		def->events[k] = event;
		if (k > 0 && def->events[k - 1]->name == event->name)
			return mv_conf_fail(at, err, MV_ERR_XML, "the perf event '%s' is there twice.",
					    mv_conf_word(&mv_perf_event_enum, event->name));
	}
	return 0;
}

int mv_domain_keywrap_check(struct mv_domain_keywrap_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	for (size_t i = 1; i < def->n_ciphers; i++) {
		struct mv_keywrap_cipher_def *cipher = def->ciphers[i];
		size_t k = i;

		for (; k > 0 && def->ciphers[k - 1]->name > cipher->name; k--)
			def->ciphers[k] = def->ciphers[k - 1];
		def->ciphers[k] = cipher;
		if (k > 0 && def->ciphers[k - 1]->name == cipher->name)
			return mv_conf_fail(at, err, MV_ERR_INTERNAL, "the cipher '%s' is there twice in <keywrap>.",
					    mv_conf_word(&mv_keywrap_cipher_name_enum, cipher->name));
	}
	return 0;
}

int mv_domain_launch_security_check(struct mv_domain_launch_security_def *def, struct mv_conf_at *at,
				    struct mv_error **err)
{
	if (def->type == MV_LAUNCH_SECURITY_TYPE_SEV) {
		if (!def->has_policy)
			return mv_conf_fail(at, err, MV_ERR_XML, "<launchSecurity type='sev'> needs a <policy>.");
		return 0;
	}
	def->has_policy = def->has_cbitpos = def->has_reduced_phys_bits = false;
	def->kernel_hashes = MV_TRI_NONE;
	drop(&def->dh_cert);
	drop(&def->session);
	return 0;
}

/* Labels for a running guest only are dynamic; a static one is given, none has no label. */
int mv_domain_seclabel_check(struct mv_domain_seclabel_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	bool live = at->flags & MV_CONF_LIVE;

	switch (def->type) {
	case MV_SECLABEL_TYPE_DYNAMIC:
		if (def->relabel == MV_TRI_NO)
			return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED, "a dynamic label needs relabelling.");
		def->relabel = MV_TRI_YES;
		if (!live)
			drop(&def->label);
		break;
	case MV_SECLABEL_TYPE_STATIC:
		if (!def->label)
			return mv_conf_fail(at, err, MV_ERR_XML, "the <label> of a static security label is missing.");
		if (def->relabel == MV_TRI_NONE)
			def->relabel = MV_TRI_NO;
		drop(&def->baselabel);
		break;
	case MV_SECLABEL_TYPE_NONE_:
		if (def->relabel == MV_TRI_YES)
			return mv_conf_fail(at, err, MV_ERR_CONFIG_UNSUPPORTED,
					    "the label type 'none' excludes relabelling.");
		def->relabel = MV_TRI_NONE;
		drop(&def->label);
		drop(&def->imagelabel);
		drop(&def->baselabel);
		break;
	case MV_SECLABEL_TYPE_NONE: break;
	}
	return 0;
}

int mv_domain_resource_check(struct mv_domain_resource_def *def, struct mv_conf_at *at, struct mv_error **err)
{
	if (!def->partition && !def->fibrechannel_appid)
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "<resource> has neither a <partition> nor a <fibrechannel appid='...'>.");
	if (def->fibrechannel_appid && (!*def->fibrechannel_appid || strlen(def->fibrechannel_appid) > 128))
		return mv_conf_fail(at, err, MV_ERR_XML,
				    "the appid of <fibrechannel> has %zu characters; 1 to 128 are possible.",
				    strlen(def->fibrechannel_appid));
	for (const char *c = def->fibrechannel_appid; c && *c; c++) {
		if (!isprint((unsigned char)*c))
			return mv_conf_fail(at, err, MV_ERR_XML,
					    "the appid of <fibrechannel> has a character that cannot be printed.");
	}
	return 0;
}
