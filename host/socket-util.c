/*
 * Stream sockets. See socket-util.h.
 */
#include "socket-util.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

bool socket_place_unix(SocketPlace *p, const char *path, Error **errp)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&p->addr;
    size_t len = strlen(path);
    memset(p, 0, sizeof *p);
    if (!len || len >= sizeof un->sun_path) {
        error_set(errp, "unix socket path '%s' must have 1 to %zu bytes", path,
                  sizeof un->sun_path - 1);
        return false;
    }
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, len);
    p->len = sizeof *un;
    return true;
}

bool socket_place_tcp(SocketPlace *p, const char *host, const char *port,
                      bool server, Error **errp)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                              .ai_flags = server ? AI_PASSIVE : 0 };
    struct addrinfo *list = NULL;
    if (host && !*host) {
        host = NULL;
    }
    /* Without a host a server listens on all of this machine's IPv4
     * addresses, as it always has. */
    if (!host) {
        hints.ai_family = AF_INET;
    }
    int rc = getaddrinfo(host, port, &hints, &list);
    if (rc) {
        error_set(errp, "cannot resolve '%s:%s': %s", host ? host : "", port,
                  gai_strerror(rc));
        return false;
    }
    memset(p, 0, sizeof *p);
    memcpy(&p->addr, list->ai_addr, list->ai_addrlen);
    p->len = list->ai_addrlen;
    freeaddrinfo(list);
    return true;
}

/* Text of an address, as in messages and `info chardev`. */
static char *address_name(const struct sockaddr *sa, socklen_t len)
{
    if (sa->sa_family == AF_UNIX) {
        return g_strdup(((const struct sockaddr_un *)sa)->sun_path);
    }
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (getnameinfo(sa, len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV)) {
        return g_strdup("?");
    }
    bool v6 = strchr(host, ':') != NULL;
    return g_strdup_printf(v6 ? "[%s]:%s" : "%s:%s", host, port);
}

static int socket_new(const SocketPlace *p, Error **errp)
{
    int fd = socket(p->addr.ss_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        error_set_errno(errp, errno, "cannot make a socket");
    }
    return fd;
}

int socket_listen(const SocketPlace *p, Error **errp)
{
    const struct sockaddr *sa = (const struct sockaddr *)&p->addr;
    int fd = socket_new(p, errp), on = 1;
    if (fd < 0) {
        return -1;
    }
    if (sa->sa_family == AF_UNIX) {
        unlink(((const struct sockaddr_un *)sa)->sun_path);
    } else {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    if (bind(fd, sa, p->len) < 0 || listen(fd, 1) < 0) {
        int errnum = errno;
        g_autofree char *name = address_name(sa, p->len);
        error_set_errno(errp, errnum, "cannot listen on '%s'", name);
        close(fd);
        return -1;
    }
    return fd;
}

int socket_connect(const SocketPlace *p, bool *pending, Error **errp)
{
    const struct sockaddr *sa = (const struct sockaddr *)&p->addr;
    int fd = socket_new(p, errp);
    if (fd < 0) {
        return -1;
    }
    *pending = false;
    if (connect(fd, sa, p->len) < 0) {
        *pending = errno == EINPROGRESS;
        if (!*pending) {
            int errnum = errno;
            g_autofree char *name = address_name(sa, p->len);
            error_set_errno(errp, errnum, "cannot connect to '%s'", name);
            close(fd);
            return -1;
        }
    }
    return fd;
}

int socket_connect_wait(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };
    while (poll(&p, 1, -1) < 0 && errno == EINTR) {
        /* again */
    }
    int errnum = 0;
    socklen_t len = sizeof errnum;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &errnum, &len);
    return errnum;
}

bool socket_is_stream(int fd, bool *listening)
{
    int type = 0, accepting = 0;
    socklen_t len = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0
        || type != SOCK_STREAM) {
        return false;
    }
    len = sizeof accepting;
    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &len);
    *listening = accepting;
    return true;
}

typedef int NameFn(int fd, struct sockaddr *sa, socklen_t *len);

static char *socket_name(int fd, NameFn *get)
{
    struct sockaddr_storage sa = { 0 };
    socklen_t len = sizeof sa;
    if (get(fd, (struct sockaddr *)&sa, &len) < 0) {
        return g_strdup("?");
    }
    return address_name((struct sockaddr *)&sa, len);
}

char *socket_local_name(int fd)
{
    return socket_name(fd, getsockname);
}

char *socket_peer_name(int fd)
{
    return socket_name(fd, getpeername);
}

ssize_t socket_receive(int fd, void *data, size_t len, int *fds,
                       unsigned *count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(SOCKET_FDS_MAX * sizeof(int))];
    } control;
    struct iovec iov = { data, len };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
                          .msg_control = &control,
                          .msg_controllen = sizeof control };
    ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
    if (n < 0) {
        return n;
    }
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&msg); h; h = CMSG_NXTHDR(&msg, h)) {
        if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS) {
            *count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(fds, CMSG_DATA(h), *count * sizeof(int));
        }
    }
    return n;
}
