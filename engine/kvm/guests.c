/* The guests of a root: read from its folders, defined, undefined, looked up. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/kvm/kvm.h"

static void release(struct mv_dom *dom)
{
	struct mv_kvm_domain *d = mv_kvm_domain_of(dom);

	mv_kvm_disconnect(d);
	mv_control_status_clear(&d->last_word);
	mv_error_free(d->start_error);
	d->start_error = NULL;
}

struct mv_kvm_domain *mv_kvm_add(struct mv_kvm *kvm, const char *name, const uint8_t uuid[16], struct mv_error **err)
{
	mv_auto(mv_dom) dom = mv_dom_create(sizeof(struct mv_kvm_domain), name, uuid, err);
	struct mv_kvm_domain *d = (struct mv_kvm_domain *)dom;

	if (!d)
		return NULL;
	dom->release = release;
	d->kvm = kvm;
	d->sock = d->pidfd = -1;
	return mv_dom_table_add(&kvm->table, dom, err) < 0 ? NULL : d;
}

void mv_kvm_drop_if_gone(struct mv_kvm_domain *d)
{
	if (!d->dom.def && !mv_dom_active(&d->dom) && !d->dom.gone)
		mv_dom_table_remove(&d->kvm->table, &d->dom);
}

/* --- reading --- */

/* The definition, or NULL when there is none. */
static int read_definition(struct mv_kvm *kvm, const char *name, struct mv_domain_conf **out, struct stat *seen,
			   struct mv_error **err)
{
	mv_auto(mv_domain_conf) conf = NULL;
	mv_auto(mv_error) why = NULL;
	mv_autofree char *text = NULL;

	*out = NULL;
	if (mv_store_definition_read(kvm->store, name, &text, seen, err) < 0)
		return -1;
	if (!text)
		return 0;
	if (mv_domain_conf_parse(text, &conf, &why) < 0)
		return mv_error_set(err, MV_ERR_XML, "The definition '%s/etc/%s.json' cannot be read: %s",
				    kvm->store->path, name, why->message);
	if (strcmp(conf->name, name) != 0)
		return mv_error_set(err, MV_ERR_XML, "The definition '%s/etc/%s.json' is that of '%s'",
				    kvm->store->path, name, conf->name);
	*out = mv_steal(conf);
	return 0;
}

/* The UUID of a guest that runs without a definition. */
static int read_running_uuid(struct mv_kvm *kvm, const char *name, uint8_t uuid[16], bool *runs, struct mv_error **err)
{
	mv_autofd int folder = mv_store_run_open(kvm->store, name);
	mv_auto(mv_domain_conf) conf = NULL;
	mv_autofree char *text = NULL;

	*runs = false;
	if (folder < 0)
		return 0;
	if (mv_store_file_read(folder, "spec.json", 1 << 20, &text, err) < 0)
		return -1;
	if (!text)
		return 0;
	if (mv_domain_conf_parse(text, &conf, err) < 0)
		return -1;
	memcpy(uuid, conf->uuid, 16);
	*runs = true;
	return 0;
}

/* A folder in ROOT/run that no guest has any more. */
static void sweep(struct mv_kvm *kvm, const char *name)
{
	int folder;

	/* By the lock first: a folder that was looked up before may have been made anew since. */
	if (mv_store_lock(kvm->store, NULL) < 0)
		return;
	folder = mv_store_run_open(kvm->store, name);
	if (folder >= 0 && faccessat(folder, "control.sock", F_OK, 0) < 0)
		mv_store_run_remove(kvm->store, name, false);
	if (folder >= 0)
		close(folder);
	mv_store_unlock(kvm->store);
}

/* A guest that was just read, with its definition (taken; NULL: none). *out is NULL when it turns out to have ended. */
static int take_in(struct mv_kvm_domain *d, struct mv_domain_conf *def, struct mv_kvm_domain **out,
		   struct mv_error **err)
{
	mv_auto(mv_dom) ref = mv_dom_ref(&d->dom);
	int ret;

	mv_dom_set_def(&d->dom, def);
	if (def && d->kvm->opened)
		mv_event_lifecycle(&d->kvm->drv.events, &d->dom, "defined", "added", NULL);
	mv_kvm_read_last_word(d);
	ret = mv_kvm_attach(d, err);
	if (ret < 0)
		mv_dom_set_def(&d->dom, NULL);
	mv_kvm_drop_if_gone(d);
	*out = d->dom.gone ? NULL : d;
	return ret;
}

int mv_kvm_find(struct mv_kvm *kvm, const char *name, struct mv_kvm_domain **out, struct mv_error **err)
{
	struct mv_dom *known = mv_dom_table_by_name(&kvm->table, name);
	mv_auto(mv_domain_conf) conf = NULL;
	struct mv_kvm_domain *d;
	struct stat seen;
	uint8_t uuid[16];
	bool runs = false;

	*out = NULL;
	if (known && mv_kvm_refresh(&kvm->drv, known, err) < 0)
		return -1;
	known = mv_dom_table_by_name(&kvm->table, name);
	if (known) {
		*out = mv_kvm_domain_of(known);
		return 0;
	}
	if (!mv_domain_name_valid(name))
		return 0;
	if (read_definition(kvm, name, &conf, &seen, err) < 0)
		return -1;
	if (conf)
		memcpy(uuid, conf->uuid, 16);
	else if (read_running_uuid(kvm, name, uuid, &runs, err) < 0)
		return -1;
	if (!conf && !runs)
		return 0;
	d = mv_kvm_add(kvm, name, uuid, err);
	if (!d)
		return -1;
	d->def_seen = seen;
	return take_in(d, mv_steal(conf), out, err);
}

static int read_again(struct mv_kvm_domain *d, struct mv_error **err)
{
	mv_auto(mv_domain_conf) conf = NULL;
	struct stat seen;

	if (read_definition(d->kvm, d->dom.name, &conf, &seen, err) < 0)
		return -1;
	d->def_seen = seen;
	/* Another guest of this name: this one is not defined any more. */
	if (conf && memcmp(conf->uuid, d->dom.uuid, 16) != 0) {
		mv_dom_set_def(&d->dom, NULL);
		return 0;
	}
	mv_dom_set_def(&d->dom, mv_steal(conf));
	return 0;
}

/* Another process has changed it. */
static int follow_definition(struct mv_kvm_domain *d, struct mv_error **err)
{
	bool had = d->dom.def;

	if (read_again(d, err) < 0)
		return -1;
	if (d->dom.def)
		mv_event_lifecycle(&d->kvm->drv.events, &d->dom, "defined", had ? "updated" : "added", NULL);
	else if (had)
		mv_event_lifecycle(&d->kvm->drv.events, &d->dom, "undefined", "removed", NULL);
	return 0;
}

int mv_kvm_refresh(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err)
{
	struct mv_kvm_domain *d = mv_kvm_domain_of(dom);
	mv_auto(mv_dom) ref = mv_dom_ref(dom);

	(void)drv;
	if (d->sock >= 0)
		mv_kvm_receive(d);
	/* On its way out: what comes next wants to know how it ended. */
	if (mv_dom_active(dom) && (d->sock < 0 || d->eof || dom->state == MV_DOMAIN_SHUTOFF))
		mv_kvm_lost(d, true);
	if (dom->gone)
		return 0;
	if (mv_store_definition_changed(d->kvm->store, dom->name, &d->def_seen) && follow_definition(d, err) < 0)
		return -1;
	if (!mv_dom_active(dom) && mv_kvm_attach(d, err) < 0)
		return -1;
	mv_kvm_drop_if_gone(d);
	return 0;
}

/* --- everything --- */

static bool folder_changed(int folder, struct timespec *seen)
{
	struct timespec now;
	struct stat st;

	if (fstat(folder, &st) < 0)
		return true;
	clock_gettime(CLOCK_REALTIME, &now);
	/* The time of a folder that is being changed right now may stay the same over several changes. */
	if (now.tv_sec - st.st_mtim.tv_sec > 1 && st.st_mtim.tv_sec == seen->tv_sec &&
	    st.st_mtim.tv_nsec == seen->tv_nsec)
		return false;
	*seen = st.st_mtim;
	return true;
}

static int scan_folder(struct mv_kvm *kvm, int folder, const char *suffix, struct mv_error **err)
{
	char **names;
	size_t count;

	if (mv_store_list(folder, suffix, &names, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct mv_kvm_domain *d;

		/* One definition that cannot be read does not hide the others; looking it up says what is wrong. */
		if (mv_dom_table_by_name(&kvm->table, names[i]))
			continue;
		if (mv_kvm_find(kvm, names[i], &d, NULL) == 0 && !d && folder == kvm->store->run_fd)
			sweep(kvm, names[i]);
	}
	mv_store_names_free(names, count);
	return 0;
}

int mv_kvm_scan(struct mv_kvm *kvm, struct mv_error **err)
{
	bool etc = folder_changed(kvm->store->etc_fd, &kvm->etc_seen);
	bool run = folder_changed(kvm->store->run_fd, &kvm->run_seen);

	if (etc && scan_folder(kvm, kvm->store->etc_fd, ".json", err) < 0)
		return -1;
	if (run && scan_folder(kvm, kvm->store->run_fd, "", err) < 0)
		return -1;
	return 0;
}

int mv_kvm_list(struct mv_driver *drv, struct mv_dom ***out, size_t *count, struct mv_error **err)
{
	struct mv_kvm *kvm = mv_kvm_of(drv);
	struct mv_dom **doms;
	size_t n, kept = 0;

	if (mv_kvm_scan(kvm, err) < 0 || mv_dom_table_list(&kvm->table, &doms, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		/* What cannot be read anew just now is shown as it was. */
		mv_kvm_refresh(drv, doms[i], NULL);
		if (doms[i]->gone)
			mv_dom_unref(doms[i]);
		else
			doms[kept++] = doms[i];
	}
	*out = doms;
	*count = kept;
	return 0;
}

int mv_kvm_lookup(struct mv_driver *drv, const char *name_or_uuid, struct mv_dom **out, struct mv_error **err)
{
	struct mv_kvm *kvm = mv_kvm_of(drv);
	struct mv_kvm_domain *d;
	struct mv_dom *dom = NULL;
	uint8_t uuid[16];

	if (mv_kvm_find(kvm, name_or_uuid, &d, err) < 0)
		return -1;
	if (d) {
		*out = mv_dom_ref(&d->dom);
		return 0;
	}
	if (mv_uuid_parse(name_or_uuid, uuid) == 0) {
		if (!mv_dom_table_by_uuid(&kvm->table, uuid) && mv_kvm_scan(kvm, err) < 0)
			return -1;
		dom = mv_dom_table_by_uuid(&kvm->table, uuid);
		if (dom && mv_kvm_refresh(drv, dom, err) < 0)
			return -1;
		dom = mv_dom_table_by_uuid(&kvm->table, uuid);
	}
	if (!dom)
		return mv_error_set_whole(err, MV_FROM_DOM, MV_ERR_NO_DOMAIN, 0, "There is no domain '%s' in '%s'",
					  name_or_uuid, kvm->store->path);
	*out = mv_dom_ref(dom);
	return 0;
}

/* --- defining --- */

/* Lock held. */
static int define(struct mv_kvm *kvm, const char *spec, struct mv_dom **out, struct mv_error **err)
{
	mv_auto(mv_domain_conf) conf = NULL;
	mv_autofree char *name = NULL;
	mv_autofree char *text = NULL;
	struct mv_kvm_domain *d = NULL;
	const struct mv_dom *other;
	bool known;

	if (mv_domain_conf_peek_name(spec, &name, err) < 0 || (name && mv_kvm_find(kvm, name, &d, err) < 0))
		return -1;
	if (mv_domain_conf_parse_as(spec, d ? d->dom.uuid : NULL, &conf, err) < 0 ||
	    mv_domain_conf_check_files(conf, err) < 0 || mv_kvm_check_host(conf, err) < 0)
		return -1;
	if (d && memcmp(d->dom.uuid, conf->uuid, 16) != 0)
		return mv_error_set(err, MV_ERR_DOM_EXIST, "uuid: domain '%s' exists, with the UUID %s", conf->name,
				    d->dom.uuid_text);
	if (!d && mv_kvm_scan(kvm, err) < 0)
		return -1;
	other = mv_dom_table_by_uuid(&kvm->table, conf->uuid);
	if (!d && other)
		return mv_error_set(err, MV_ERR_DOM_EXIST, "uuid: %s is that of domain '%s'", other->uuid_text,
				    other->name);
	if (mv_domain_conf_format(conf, &text, err) < 0 ||
	    mv_store_definition_write(kvm->store, conf->name, text, err) < 0)
		return -1;
	if (!d)
		d = mv_kvm_add(kvm, conf->name, conf->uuid, err);
	if (!d)
		return -1;
	known = d->dom.def;
	mv_dom_set_def(&d->dom, NULL);
	if (read_again(d, err) < 0)
		return -1;
	mv_event_lifecycle(&kvm->drv.events, &d->dom, "defined", known ? "updated" : "added", NULL);
	*out = mv_dom_ref(&d->dom);
	return 0;
}

int mv_kvm_define(struct mv_driver *drv, const char *spec, struct mv_dom **out, struct mv_error **err)
{
	struct mv_kvm *kvm = mv_kvm_of(drv);
	int ret;

	if (mv_store_lock(kvm->store, err) < 0)
		return -1;
	ret = define(kvm, spec, out, err);
	mv_store_unlock(kvm->store);
	return ret;
}

/* Lock held. */
static int undefine(struct mv_kvm_domain *d, struct mv_error **err)
{
	struct mv_kvm *kvm = d->kvm;
	struct mv_dom *dom = &d->dom;

	/* Another process may have started it since we looked; its folder must stay. */
	if (mv_kvm_refresh(&kvm->drv, dom, err) < 0)
		return -1;
	if (!dom->def)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "Domain '%s' is transient: it has no definition",
				    dom->name);
	if (mv_store_definition_remove(kvm->store, dom->name, err) < 0)
		return -1;
	mv_dom_set_def(dom, NULL);
	d->def_seen = (struct stat){ 0 };
	if (!mv_dom_active(dom))
		mv_store_run_remove(kvm->store, dom->name, false);
	mv_event_lifecycle(&kvm->drv.events, dom, "undefined", "removed", NULL);
	mv_kvm_drop_if_gone(d);
	return 0;
}

int mv_kvm_undefine(struct mv_driver *drv, struct mv_dom *dom, struct mv_error **err)
{
	struct mv_kvm *kvm = mv_kvm_of(drv);
	int ret;

	if (mv_store_lock(kvm->store, err) < 0)
		return -1;
	ret = undefine(mv_kvm_domain_of(dom), err);
	mv_store_unlock(kvm->store);
	return ret;
}
