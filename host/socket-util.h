/*
 * Listening, connecting and naming of stream sockets.
 */
#ifndef HOST_SOCKET_UTIL_H
#define HOST_SOCKET_UTIL_H

#include <sys/socket.h>
#include <sys/un.h>

#include "base/error.h"

/* Where a socket is: a unix path, or a resolved TCP address. */
typedef struct SocketPlace {
    struct sockaddr_storage addr;
    socklen_t len;
} SocketPlace;

/* A unix path, which must be short enough for the system. */
bool socket_place_unix(SocketPlace *p, const char *path, Error **errp);
/* host ("" or NULL: any address for a server, this machine for a client) and
 * port, numbers or names. */
bool socket_place_tcp(SocketPlace *p, const char *host, const char *port,
                      bool server, Error **errp);

/* A listening, non-blocking socket; -1 with an error. A stale unix socket is
 * replaced. */
int socket_listen(const SocketPlace *p, Error **errp);
/* A socket whose connection is made or under way (*pending); -1 with an
 * error. It is non-blocking. */
int socket_connect(const SocketPlace *p, bool *pending, Error **errp);
/* Waits for a pending connection. 0 or an errno. */
int socket_connect_wait(int fd);
/* True if fd is a stream socket; *listening says of which sort. */
bool socket_is_stream(int fd, bool *listening);

/* "HOST:PORT" of the local end, "[::1]:80" for IPv6; for a unix socket its
 * path. Freed by the caller. */
char *socket_local_name(int fd);
/* The same of the other end. */
char *socket_peer_name(int fd);

/* Reads from a stream socket as read() does. Descriptors that came with the
 * bytes (of a unix socket) are put into fds, closed on exec; the caller owns
 * them. */
#define SOCKET_FDS_MAX 16
ssize_t socket_receive(int fd, void *data, size_t len, int *fds,
                       unsigned *count);

#endif
