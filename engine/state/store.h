/* State on disk: a root folder with definitions and what runs.
 *
 *   ROOT/lock              held (flock) while any of the below is changed
 *   ROOT/etc/NAME.json     definitions, durable
 *   ROOT/run/NAME/         a running guest: control.sock, pid, id, spec.json, status, log
 *   ROOT/run/.id           the id that was given last
 *   ROOT/cache/kernels/    kernels that were unpacked; may be removed at any time (engine/kvm/kernels.h)
 *
 * Folders are mode 0700. Files are replaced, never rewritten: who reads finds the old or the new content. Names that
 * begin with '.' are ours, so no guest's name may. */
#ifndef MV_STATE_STORE_H
#define MV_STATE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "engine/base/error.h"

struct mv_store {
	char *path;
	int fd, etc_fd, run_fd, lock_fd;
	unsigned locked; /* nesting */
	unsigned lock_timeout_ms;
};

/* Opens ROOT, with all folders down to it made when missing. *out owned by the caller. */
int mv_store_open(const char *root, struct mv_store **out, struct mv_error **err);
void mv_store_free(struct mv_store *store);
MV_AUTO_DEFINE(mv_store, mv_store_free)

/* One holder among all processes; nests within one store. Waits lock_timeout_ms (10 s), and then says who holds it. */
int mv_store_lock(struct mv_store *store, struct mv_error **err);
void mv_store_unlock(struct mv_store *store);

/* --- files in a folder --- */

/* Replaces folder/name by the data: temporary file, (durable: fsync,) rename, (durable: fsync of the folder). Mode
 * 0600. */
int mv_store_file_replace(int folder, const char *name, const void *data, size_t size, bool durable,
			  struct mv_error **err);
/* Reads a whole file of at most max bytes; *text is owned by the caller, NUL-terminated; NULL where there is none. */
int mv_store_file_read(int folder, const char *name, size_t max, char **text, struct mv_error **err);

/* Names of the entries of a folder that do not begin with '.' and end in `suffix` ("" for all), without it, in no
 * order. */
int mv_store_list(int folder, const char *suffix, char ***names, size_t *count, struct mv_error **err);
void mv_store_names_free(char **names, size_t count);

/* --- definitions --- */

int mv_store_definition_write(struct mv_store *store, const char *name, const char *text, struct mv_error **err);
/* *text NULL where there is no definition. st (optional): the file's, to tell later whether it was replaced. */
int mv_store_definition_read(struct mv_store *store, const char *name, char **text, struct stat *st,
			     struct mv_error **err);
int mv_store_definition_remove(struct mv_store *store, const char *name, struct mv_error **err);
/* Whether the definition is another file than *st, which was read before (st_ino 0: there was none). */
bool mv_store_definition_changed(struct mv_store *store, const char *name, const struct stat *st);

/* --- running guests --- */

/* Makes ROOT/run/NAME anew, without what an earlier run left. Lock held. Returns the folder's descriptor, owned, or -1.
 */
int mv_store_run_create(struct mv_store *store, const char *name, struct mv_error **err);
/* The folder's descriptor, owned, or -errno. */
int mv_store_run_open(struct mv_store *store, const char *name);
/* Forgets a run: keep_last leaves the last word (status) and the log to be read, without it the folder goes. Lock held.
 */
void mv_store_run_remove(struct mv_store *store, const char *name, bool keep_last);
/* A number that no other guest of this root has had before. Lock held. */
int mv_store_run_next_id(struct mv_store *store, int *id, struct mv_error **err);
/* A number from a file of the folder; -1 when there is none. */
long mv_store_run_number(int folder, const char *name);

/* A SEQPACKET unix socket folder/name that listens, or is connected to the one that does. The length of the folder's
 * path does not matter. Non-blocking, close-on-exec. The descriptor, owned, or -errno (-ECONNREFUSED: nobody listens).
 */
int mv_store_socket_listen(int folder, const char *name);
int mv_store_socket_connect(int folder, const char *name);

#endif
