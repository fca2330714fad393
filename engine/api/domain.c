/* Domains: each call finds the driver's slot, or says that there is none. */
#define MV_ERROR_DOMAIN MV_FROM_DOM
#include <stdlib.h>
#include <string.h>

#include "engine/api/conn.h"

static int no_support(const struct mv_conn *conn, const char *what, struct mv_error **err)
{
	return mv_error_set(err, MV_ERR_NO_SUPPORT, "The %s driver cannot %s", conn->drv->ops->scheme, what);
}

static int check_writer(const struct mv_conn *conn, const char *what, struct mv_error **err)
{
	if (!conn->read_only)
		return 0;
	return mv_error_set(err, MV_ERR_OPERATION_DENIED, "operation forbidden: read only access prevents to %s", what);
}

static int check_flags(unsigned flags, unsigned known, struct mv_error **err)
{
	if (flags & ~known)
		return mv_error_set(err, MV_ERR_INVALID_ARG, "The flags 0x%x are not known", flags & ~known);
	return 0;
}

struct mv_domain *mv_domain_wrap(struct mv_conn *conn, struct mv_dom *dom, struct mv_error **err)
{
	struct mv_domain *d = calloc(1, sizeof(*d));

	if (d)
		d->name = strdup(dom->name);
	if (!d || !d->name) {
		free(d);
		mv_dom_unref(dom);
		mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a domain");
		return NULL;
	}
	d->refs = 1;
	d->conn = mv_conn_ref(conn);
	d->dom = dom;
	memcpy(d->uuid, dom->uuid_text, sizeof(d->uuid));
	return d;
}

struct mv_domain *mv_domain_ref(struct mv_domain *dom)
{
	dom->refs++;
	return dom;
}

void mv_domain_unref(struct mv_domain *dom)
{
	if (!dom || --dom->refs)
		return;
	mv_dom_unref(dom->dom);
	mv_conn_unref(dom->conn);
	free(dom->name);
	free(dom);
}

struct mv_conn *mv_domain_conn(const struct mv_domain *dom)
{
	return dom->conn;
}

const char *mv_domain_name(const struct mv_domain *dom)
{
	return dom->name;
}

const char *mv_domain_uuid(const struct mv_domain *dom)
{
	return dom->uuid;
}

/* --- finding and making --- */

static int give(struct mv_conn *conn, struct mv_dom *found, struct mv_domain **out, struct mv_error **err)
{
	*out = mv_domain_wrap(conn, found, err);
	return *out ? 0 : -1;
}

int mv_domain_define(struct mv_conn *conn, const char *spec, struct mv_domain **out, struct mv_error **err)
{
	struct mv_dom *dom;

	if (!conn->drv->ops->define)
		return no_support(conn, "define domains", err);
	if (check_writer(conn, "define domains", err) < 0 || conn->drv->ops->define(conn->drv, spec, &dom, err) < 0)
		return -1;
	return give(conn, dom, out, err);
}

int mv_domain_create(struct mv_conn *conn, const char *spec, unsigned flags, struct mv_domain **out,
		     struct mv_error **err)
{
	struct mv_dom *dom;

	if (!conn->drv->ops->create)
		return no_support(conn, "create domains", err);
	if (check_writer(conn, "create domains", err) < 0 ||
	    check_flags(flags, MV_START_PAUSED | MV_START_NOWAIT, err) < 0 ||
	    conn->drv->ops->create(conn->drv, spec, flags, &dom, err) < 0)
		return -1;
	return give(conn, dom, out, err);
}

int mv_domain_lookup(struct mv_conn *conn, const char *name_or_uuid, struct mv_domain **out, struct mv_error **err)
{
	struct mv_dom *dom;

	if (!conn->drv->ops->lookup)
		return no_support(conn, "look up domains", err);
	if (conn->drv->ops->lookup(conn->drv, name_or_uuid, &dom, err) < 0)
		return -1;
	return give(conn, dom, out, err);
}

int mv_conn_domains(struct mv_conn *conn, struct mv_domain ***out, size_t *count, struct mv_error **err)
{
	struct mv_dom **doms = NULL;
	struct mv_domain **handles;
	size_t made = 0;
	int ret = -1;

	if (!conn->drv->ops->list)
		return no_support(conn, "list domains", err);
	if (conn->drv->ops->list(conn->drv, &doms, count, err) < 0)
		return -1;
	handles = calloc(*count + 1, sizeof(struct mv_domain *));
	if (!handles) {
		mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for a list of domains");
		goto out;
	}
	for (; made < *count; made++) {
		handles[made] = mv_domain_wrap(conn, mv_dom_ref(doms[made]), err);
		if (!handles[made])
			goto out;
	}
	*out = mv_steal(handles);
	ret = 0;
out:
	for (size_t i = 0; i < *count; i++)
		mv_dom_unref(doms[i]);
	free(doms);
	for (size_t i = 0; handles && i < made; i++)
		mv_domain_unref(handles[i]);
	free(handles);
	return ret;
}

int mv_domain_restore(struct mv_conn *conn, const char *path, unsigned flags, struct mv_domain **out,
		      struct mv_error **err)
{
	struct mv_dom *dom;

	if (!conn->drv->ops->restore)
		return no_support(conn, "restore domains", err);
	if (check_writer(conn, "restore domains", err) < 0 ||
	    check_flags(flags, MV_RESTORE_PAUSED | MV_RESTORE_VERIFY | MV_RESTORE_FORCE, err) < 0 ||
	    conn->drv->ops->restore(conn->drv, path, flags, &dom, err) < 0)
		return -1;
	return give(conn, dom, out, err);
}

/* --- what is known --- */

/* A handle names a guest by its UUID: when the guest it was made for has gone, another of the same UUID may be there.
 */
static int refresh(struct mv_domain *d, struct mv_error **err)
{
	struct mv_driver *drv = d->conn->drv;
	struct mv_dom *successor;

	if (!d->dom->gone && drv->ops->refresh(drv, d->dom, err) < 0)
		return -1;
	if (!d->dom->gone)
		return 0;
	if (!drv->ops->lookup || drv->ops->lookup(drv, d->uuid, &successor, NULL) < 0)
		return mv_error_set(err, MV_ERR_NO_DOMAIN, "There is no domain '%s' (%s) any more", d->name, d->uuid);
	mv_dom_unref(d->dom);
	d->dom = successor;
	return 0;
}

int mv_domain_id(const struct mv_domain *dom)
{
	/* Looking is not changing, though what is known about the guest may be brought up to date. */
	return refresh((struct mv_domain *)dom, NULL) < 0 ? -1 : dom->dom->id;
}

bool mv_domain_persistent(const struct mv_domain *dom)
{
	return refresh((struct mv_domain *)dom, NULL) == 0 && dom->dom->def;
}

int mv_domain_spec(struct mv_domain *dom, char **json, struct mv_error **err)
{
	if (refresh(dom, err) < 0)
		return -1;
	return mv_domain_conf_format(dom->dom->live ? dom->dom->live : dom->dom->def, json, err);
}

int mv_domain_state(struct mv_domain *dom, const char **state, const char **reason, char **detail,
		    struct mv_error **err)
{
	mv_auto(mv_error) why = NULL;
	struct mv_dom *d;

	/* A guest that was transient and has ended has a last state, and nobody else to ask for it. */
	if (refresh(dom, &why) < 0 && !dom->dom->gone)
		return mv_error_set_whole(err, why->domain, why->code, why->errnum, "%s", why->message);
	d = dom->dom;
	if (detail) {
		*detail = d->detail ? strdup(d->detail) : NULL;
		if (d->detail && !*detail)
			return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the state of domain '%s'",
					    d->name);
	}
	*state = mv_domain_state_name(d->state);
	*reason = mv_domain_reason_name(d->state, d->reason);
	return 0;
}

/* --- acts --- */

#define CALL(d, slot, what, ...)                                            \
	({                                                                  \
		int done_ = -1;                                             \
		if (check_writer((d)->conn, what, err) == 0)                \
			done_ = CALL_TO_READ(d, slot, what, ##__VA_ARGS__); \
		done_;                                                      \
	})

#define CALL_TO_READ(d, slot, what, ...)                                                 \
	({                                                                               \
		const struct mv_driver_ops *ops_ = (d)->conn->drv->ops;                  \
		int ret_ = -1;                                                           \
		if (!ops_->slot)                                                         \
			no_support((d)->conn, what, err);                                \
		else if (refresh(d, err) == 0)                                           \
			ret_ = ops_->slot((d)->conn->drv, (d)->dom, ##__VA_ARGS__, err); \
		ret_;                                                                    \
	})

int mv_domain_undefine(struct mv_domain *dom, struct mv_error **err)
{
	return CALL(dom, undefine, "undefine domains");
}

int mv_domain_start(struct mv_domain *dom, unsigned flags, struct mv_error **err)
{
	if (check_flags(flags, MV_START_PAUSED | MV_START_NOWAIT, err) < 0)
		return -1;
	return CALL(dom, start, "start domains", flags);
}

int mv_domain_wait_start(struct mv_domain *dom, int timeout_ms, struct mv_error **err)
{
	const struct mv_driver_ops *ops = dom->conn->drv->ops;

	if (!ops->wait_start)
		return no_support(dom->conn, "wait for the start of domains", err);
	/* Not refreshed: a transient guest whose start has failed is gone, and its reason is still wanted. */
	return ops->wait_start(dom->conn->drv, dom->dom, timeout_ms, err);
}

int mv_domain_shutdown(struct mv_domain *dom, struct mv_error **err)
{
	return CALL(dom, shutdown, "shut down domains");
}

int mv_domain_reboot(struct mv_domain *dom, struct mv_error **err)
{
	return CALL(dom, reboot, "reboot domains");
}

int mv_domain_reset(struct mv_domain *dom, struct mv_error **err)
{
	return CALL(dom, reset, "reset domains");
}

int mv_domain_destroy(struct mv_domain *dom, struct mv_error **err)
{
	return CALL(dom, destroy, "destroy domains");
}

int mv_domain_suspend(struct mv_domain *dom, struct mv_error **err)
{
	return CALL(dom, suspend, "suspend domains");
}

int mv_domain_resume(struct mv_domain *dom, struct mv_error **err)
{
	return CALL(dom, resume, "resume domains");
}

int mv_domain_save(struct mv_domain *dom, const char *path, bool keep_running, struct mv_error **err)
{
	return CALL(dom, save, "save domains", path, keep_running);
}

int mv_domain_set_memory(struct mv_domain *dom, uint64_t bytes, struct mv_error **err)
{
	return CALL(dom, set_memory, "change the memory of domains", bytes);
}

int mv_domain_stats(struct mv_domain *dom, struct mv_stat **out, size_t *count, struct mv_error **err)
{
	return CALL_TO_READ(dom, stats, "count what domains do", out, count);
}

void mv_stats_free(struct mv_stat *stats, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(stats[i].name);
		free(stats[i].text);
	}
	free(stats);
}

int mv_domain_console(struct mv_domain *dom, const char *port, struct mv_error **err)
{
	return CALL(dom, console, "open consoles", port);
}
