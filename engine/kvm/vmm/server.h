/* The control server: answers those who drive the machine. Main loop's thread. */
#ifndef MV_KVM_VMM_SERVER_H
#define MV_KVM_VMM_SERVER_H

#include "engine/kvm/vmm/guest.h"

struct mv_server;

int mv_server_create(struct mv_loop *loop, struct mv_server **out, struct mv_error **err);
void mv_server_free(struct mv_server *s);

/* Takes a connection over (the descriptor is owned from then on, also on failure). */
int mv_server_add_client(struct mv_server *s, int sock, bool subscribed, struct mv_error **err);
/* Accepts connections on a listening socket (borrowed) and serves calls to this guest. */
int mv_server_serve(struct mv_server *s, struct mv_guest *g, int listen_fd, struct mv_error **err);
/* Sends an event to those who subscribed; a mv_guest_event_fn. */
void mv_server_event(void *server, enum mv_event_kind kind, uint64_t number, const char *text);

#endif
