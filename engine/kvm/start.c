/* Starting a guest: its files are opened, its folder in ROOT/run is made, its machine is spawned and told what to be.
 * The machine's answer is waited for separately, so that many can be under way at once. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "engine/conf/size.h"
#include "engine/kvm/kvm.h"
#include "engine/kvm/spawn.h"
#include "engine/kvm/spec.h"

#define MEMORY_SPEED (UINT64_C(256) << 20) /* bytes a second that are touched or read at start, at the least */

int mv_kvm_check_host(const struct mv_domain_conf *conf, struct mv_error **err)
{
	char wanted[MV_SIZE_TEXT], ram[MV_SIZE_TEXT], swap[MV_SIZE_TEXT];
	struct sysinfo info;

	if (sysinfo(&info) == 0 && conf->memory > ((uint64_t)info.totalram + info.totalswap) * info.mem_unit)
		return mv_error_set_whole(err, MV_FROM_CONF, MV_ERR_CONFIG_UNSUPPORTED, 0,
					  "memory: %s is more than this host has (%s of RAM, %s of swap)",
					  mv_size_format(conf->memory, wanted),
					  mv_size_format((uint64_t)info.totalram * info.mem_unit, ram),
					  mv_size_format((uint64_t)info.totalswap * info.mem_unit, swap));
	return 0;
}

static int check_vcpus(const struct mv_domain_conf *conf, int kvm_fd, struct mv_error **err)
{
	int max = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);

	if (max > 0 && conf->vcpus > (uint32_t)max)
		return mv_error_set_whole(err, MV_FROM_CONF, MV_ERR_CONFIG_UNSUPPORTED, 0,
					  "vcpus: %u are more than this host's KVM allows, %d", conf->vcpus, max);
	return 0;
}

/* --- texts --- */

/* The definition that save images carry: with the sizes that the disks have now, but without names of taps that the
 * kernel chose, which may be somebody else's by then. */
static int format_description(struct mv_domain_conf *conf, const bool *chosen, char **out, struct mv_error **err)
{
	mv_autofree char **names = calloc(conf->nic_count + 1, sizeof(char *));
	int ret;

	if (!names)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for the description of '%s'", conf->name);
	for (size_t i = 0; i < conf->nic_count; i++) {
		names[i] = conf->nics[i].tap;
		if (chosen[i])
			conf->nics[i].tap = NULL;
	}
	ret = mv_domain_conf_format(conf, out, err);
	for (size_t i = 0; i < conf->nic_count; i++)
		conf->nics[i].tap = names[i];
	return ret;
}

/* --- the folder and the process --- */

struct launch {
	struct mv_kvm_domain *d;
	struct mv_machine_spec spec;
	int folder, control; /* ROOT/run/NAME; our end of the connection */
};

/* Not by replacing: nobody looks at the folder of a guest that is being started without the lock. */
static int write_number(int folder, const char *name, struct mv_error **err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static int write_number(int folder, const char *name, struct mv_error **err, const char *fmt, ...)
{
	mv_autofd int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char text[64];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (fd < 0 || write(fd, text, (size_t)len) != len)
		return mv_error_set_errno(err, errno, "The file '%s' of a running guest cannot be written", name);
	return 0;
}

/* Somebody else may have started it since we looked. Lock held. */
static int check_not_running(struct mv_kvm_domain *d, struct mv_error **err)
{
	mv_autofd int folder = mv_store_run_open(d->kvm->store, d->dom.name);
	int sock = folder < 0 ? -ENOENT : mv_store_socket_connect(folder, "control.sock");

	if (sock == -ENOENT || sock == -ECONNREFUSED)
		return 0;
	if (sock < 0)
		return mv_error_set_errno(err, -sock, "Whether domain '%s' runs already cannot be found out",
					  d->dom.name);
	close(sock);
	return mv_error_set(err, MV_ERR_OPERATION_INVALID,
			    "Domain '%s' is already running: another process has started it", d->dom.name);
}

static int make_folder(struct launch *l, struct mv_error **err)
{
	struct mv_kvm_domain *d = l->d;
	struct mv_store *store = d->kvm->store;

	if (check_not_running(d, err) < 0 || mv_store_run_next_id(store, &d->dom.id, err) < 0)
		return -1;
	d->kvm->last_id = d->dom.id;
	l->folder = mv_store_run_create(store, d->dom.name, err);
	return l->folder < 0 ? -1 : 0;
}

static int fill_folder(struct launch *l, const char *live, struct mv_error **err)
{
	struct mv_kvm_domain *d = l->d;

	if (write_number(l->folder, "id", err, "%d\n", d->dom.id) < 0 ||
	    write_number(l->folder, "pid", err, "%d %llu\n", (int)d->pid, mv_kvm_process_start(d->pid)) < 0 ||
	    mv_store_file_replace(l->folder, "spec.json", live, strlen(live), false, err) < 0)
		return -1;
	l->spec.status_fd = openat(l->folder, "status", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (l->spec.status_fd < 0)
		return mv_error_set_errno(err, errno, "The status file of guest '%s' cannot be made", d->dom.name);
	l->spec.listen_fd = mv_store_socket_listen(l->folder, "control.sock");
	if (l->spec.listen_fd < 0)
		return mv_error_set_errno(err, -l->spec.listen_fd, "The control socket of guest '%s' cannot be made",
					  d->dom.name);
	return 0;
}

static int spawn_machine(struct launch *l, struct mv_error **err)
{
	struct mv_kvm_domain *d = l->d;
	mv_autofd int log = openat(l->folder, "log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int pair[2];

	if (log < 0)
		return mv_error_set_errno(err, errno, "The log of guest '%s' cannot be made", d->dom.name);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return mv_error_set_errno(err, errno, "No connection for the machine of guest '%s' can be made",
					  d->dom.name);
	l->control = pair[0];
	/* Our end alone: the machine reads its specification blocking. */
	if (fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0)
		d->pid = mv_kvm_spawn(d->kvm->machine_path, d->dom.name, pair[1], log, err);
	else
		d->pid = mv_error_set_errno(err, errno, "No connection for the machine of guest '%s' can be made",
					    d->dom.name);
	close(pair[1]);
	if (d->pid < 0) {
		d->pid = 0;
		return -1;
	}
	d->pidfd = (int)syscall(SYS_pidfd_open, d->pid, 0);
	if (d->pidfd < 0)
		return mv_error_set_errno(err, errno, "The machine of guest '%s' cannot be watched", d->dom.name);
	return 0;
}

static int set_up(struct launch *l, const char *live, struct mv_error **err)
{
	struct mv_store *store = l->d->kvm->store;
	int ret;

	if (mv_store_lock(store, err) < 0)
		return -1;
	ret = make_folder(l, err);
	/* The machine's process comes up while we do the rest. */
	if (ret == 0)
		ret = spawn_machine(l, err);
	if (ret == 0)
		ret = fill_folder(l, live, err);
	if (ret < 0 && l->folder >= 0)
		mv_store_run_remove(store, l->d->dom.name, false);
	mv_store_unlock(store);
	return ret;
}

/* --- the specification's message --- */

static int collect_fd(int32_t *fd, void *opaque)
{
	struct mv_message *m = opaque;

	if (m->fd_count == MV_CONTROL_MAX_FDS)
		return -1;
	m->fds[m->fd_count] = *fd;
	*fd = (int32_t)m->fd_count++;
	return 0;
}

/* The descriptors go from the specification to the message, which closes them. */
static int send_machine(struct launch *l, uint32_t *serial, struct mv_error **err)
{
	struct mv_message m;
	size_t size = 0;
	int ret = -1;

	mv_message_init(&m);
	m.code = MV_CALL_MACHINE;
	if (mv_machine_spec_each_fd(&l->spec, collect_fd, &m) < 0) {
		mv_error_set(err, MV_ERR_CONFIG_UNSUPPORTED,
			     "Guest '%s' has more disks, queues and log files than can be handed over: %d",
			     l->spec.name, MV_CONTROL_MAX_FDS);
	} else if (mv_machine_spec_encode(&l->spec, &m.blob, &size, err) == 0) {
		m.blob_size = (uint32_t)size;
		ret = mv_kvm_send(l->d, &m, "the machine", err);
		*serial = m.serial;
	}
	mv_message_clear(&m);
	mv_machine_spec_clear(&l->spec); /* its descriptors are indexes now, and the message has closed them */
	return ret;
}

/* --- all of it --- */

static int start_timeout(const struct mv_kvm *kvm, const struct mv_domain_conf *conf, const struct mv_kvm_start *how)
{
	uint64_t extra = 0;

	if (conf->prealloc || conf->hugepages || how->restore_verify)
		extra = conf->memory / MEMORY_SPEED * 1000;
	return kvm->timeout_ms + (int)(extra < 3600000 ? extra : 3600000);
}

static int launch(struct launch *l, const struct mv_kvm_start *how, const char *live, struct mv_error **err)
{
	struct mv_kvm_domain *d = l->d;

	if (set_up(l, live, err) < 0)
		return -1;
	d->sock = l->control;
	l->control = -1;
	d->eof = false;
	if (mv_kvm_watch(d, err) < 0)
		return -1;
	if (send_machine(l, &d->pending_serial, err) < 0)
		return -1;
	d->pending = MV_KVM_STARTING;
	d->nowait = d->awaited = how->flags & MV_START_NOWAIT;
	return 0;
}

static int prepare(struct launch *l, struct mv_domain_conf *conf, const struct mv_kvm_start *how, char **live,
		   struct mv_error **err)
{
	struct mv_kvm *kvm = l->d->kvm;
	const struct mv_kvm_open open = {
		.root_path = kvm->store->path,
		.root_folder = kvm->store->fd,
		.run_folder = kvm->store->run_fd,
		.restoring = how->restore_fd >= 0,
	};
	mv_autofree bool *chosen = calloc(conf->nic_count + 1, sizeof(*chosen));

	if (!chosen)
		return mv_error_set(err, MV_ERR_NO_MEMORY, "Out of memory for guest '%s'", conf->name);
	if (!kvm->machine_path)
		kvm->machine_path = mv_kvm_find_machine(err);
	if (!kvm->machine_path || mv_kvm_check_host(conf, err) < 0)
		return -1;
	for (size_t i = 0; i < conf->nic_count; i++)
		chosen[i] = !conf->nics[i].tap;
	if (mv_kvm_spec_build(conf, &open, &l->spec, err) < 0 || check_vcpus(conf, l->spec.kvm_fd, err) < 0 ||
	    format_description(conf, chosen, &l->spec.description, err) < 0 ||
	    mv_domain_conf_format(conf, live, err) < 0)
		return -1;
	l->spec.restore_verify = how->restore_verify;
	if (how->flags & MV_START_PAUSED)
		l->spec.start_paused = conf->paused = true;
	if (how->restore_fd >= 0) {
		l->spec.restore_fd = fcntl(how->restore_fd, F_DUPFD_CLOEXEC, 0);
		if (l->spec.restore_fd < 0)
			return mv_error_set_errno(err, errno, "The save image cannot be handed over");
	}
	return 0;
}

int mv_kvm_launch(struct mv_kvm_domain *d, struct mv_domain_conf *conf, const struct mv_kvm_start *how,
		  struct mv_error **err)
{
	mv_auto(mv_domain_conf) owned = conf;
	struct launch l = { .d = d, .folder = -1, .control = -1 };
	mv_autofree char *live = NULL;
	int ret;

	mv_machine_spec_init(&l.spec);
	mv_error_free(d->start_error);
	d->start_error = NULL;
	d->announced = d->saved = d->killed = d->nowait = false;
	d->restored = how->restore_fd >= 0;
	d->start_timeout_ms = start_timeout(d->kvm, conf, how);
	ret = prepare(&l, conf, how, &live, err);
	if (ret == 0)
		ret = launch(&l, how, live, err);
	mv_kvm_spec_close(&l.spec);
	mv_cleanup_fd(&l.folder);
	mv_cleanup_fd(&l.control);
	if (ret < 0) {
		/* What was started has nothing to do; its end cleans up. */
		if (d->pidfd >= 0)
			mv_kvm_kill(d);
		mv_error_free(d->start_error);
		d->start_error = NULL;
		d->dom.id = -1;
		return -1;
	}
	mv_dom_set_live(&d->dom, mv_steal(owned));
	mv_dom_set_state(&d->dom, MV_DOMAIN_PAUSED, MV_PAUSED_STARTING_UP, NULL);
	return how->flags & MV_START_NOWAIT ? 0 : mv_kvm_settle(d, -1, err);
}

int mv_kvm_wait_start(struct mv_driver *drv, struct mv_dom *dom, int timeout_ms, struct mv_error **err)
{
	struct mv_kvm_domain *d = mv_kvm_domain_of(dom);

	(void)drv;
	if (mv_kvm_settle(d, timeout_ms, err) < 0)
		return -1;
	if (!mv_dom_active(dom) && !d->awaited)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "Domain '%s' was not started", dom->name);
	d->awaited = false;
	return 0;
}

/* A copy of the definition: the running guest's is filled in further. */
static int copy_conf(const struct mv_domain_conf *conf, struct mv_domain_conf **out, struct mv_error **err)
{
	mv_autofree char *text = NULL;

	if (mv_domain_conf_format(conf, &text, err) < 0)
		return -1;
	return mv_domain_conf_parse(text, out, err);
}

static int already_running(const struct mv_dom *dom, struct mv_error **err)
{
	return mv_error_set(err, MV_ERR_OPERATION_INVALID, "Domain '%s' is already running", dom->name);
}

int mv_kvm_start(struct mv_driver *drv, struct mv_dom *dom, unsigned flags, struct mv_error **err)
{
	const struct mv_kvm_start how = { .flags = flags, .restore_fd = -1 };
	struct mv_domain_conf *conf = NULL;

	(void)drv;
	if (mv_dom_active(dom))
		return already_running(dom, err);
	if (copy_conf(dom->def, &conf, err) < 0)
		return -1;
	return mv_kvm_launch(mv_kvm_domain_of(dom), conf, &how, err);
}

/* The guest that a transient specification, or a save image, is to run as: a new one, or the defined one of its UUID.
 */
static struct mv_kvm_domain *place(struct mv_kvm *kvm, const struct mv_domain_conf *conf, struct mv_error **err)
{
	const struct mv_dom *other;
	struct mv_kvm_domain *d;

	if (mv_kvm_find(kvm, conf->name, &d, err) < 0)
		return NULL;
	if (d && mv_dom_active(&d->dom)) {
		already_running(&d->dom, err);
		return NULL;
	}
	if (d && memcmp(d->dom.uuid, conf->uuid, 16) != 0) {
		mv_error_set(err, MV_ERR_DOM_EXIST,
			     "Domain '%s' is already defined, with the UUID %s; start it, or undefine it", conf->name,
			     d->dom.uuid_text);
		return NULL;
	}
	if (d)
		return d;
	other = mv_dom_table_by_uuid(&kvm->table, conf->uuid);
	if (other) {
		mv_error_set(err, MV_ERR_DOM_EXIST, "uuid: %s is that of domain '%s'", other->uuid_text, other->name);
		return NULL;
	}
	return mv_kvm_add(kvm, conf->name, conf->uuid, err);
}

int mv_kvm_run_transient(struct mv_kvm *kvm, struct mv_domain_conf *conf, const struct mv_kvm_start *how,
			 struct mv_dom **out, struct mv_error **err)
{
	mv_auto(mv_domain_conf) owned = conf;
	struct mv_kvm_domain *d = place(kvm, conf, err);
	mv_auto(mv_dom) ref = NULL;

	if (!d)
		return -1;
	ref = mv_dom_ref(&d->dom);
	if (mv_kvm_launch(d, mv_steal(owned), how, err) < 0) {
		mv_kvm_drop_if_gone(d);
		return -1;
	}
	*out = mv_steal(ref);
	return 0;
}

int mv_kvm_create(struct mv_driver *drv, const char *spec, unsigned flags, struct mv_dom **out, struct mv_error **err)
{
	const struct mv_kvm_start how = { .flags = flags, .restore_fd = -1 };
	struct mv_kvm *kvm = mv_kvm_of(drv);
	struct mv_domain_conf *conf = NULL;

	if (mv_domain_conf_parse(spec, &conf, err) < 0)
		return -1;
	if (mv_domain_conf_check_files(conf, err) < 0) {
		mv_domain_conf_free(conf);
		return -1;
	}
	return mv_kvm_run_transient(kvm, conf, &how, out, err);
}
