/*
 * -object filter-dump: frames into a file, in libpcap's format. Times are the
 * guest's, so that a recording and its replay give the same file.
 */
#include "net-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PCAP_MAGIC    0xa1b2c3d4u
#define LINK_ETHERNET 1u

struct NetDump {
    const Netdev *netdev;
    int fd;
    uint32_t maxlen;
};

/* The file's header, and what stands before each frame. */
typedef struct PcapHeader {
    uint32_t magic;
    uint16_t major, minor;
    uint32_t zone, accuracy, maxlen, link;
} PcapHeader;

typedef struct PcapFrame {
    uint32_t sec, usec, stored, length;
} PcapFrame;

static bool write_all(int fd, const void *data, size_t len)
{
    const uint8_t *p = data;
    while (len) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        p += n;
        len -= n;
    }
    return true;
}

static void dump(NetDump *d, int64_t now_ns, const void *frame, size_t len)
{
    uint32_t stored = MIN(len, d->maxlen);
    PcapFrame head = { now_ns / NS_PER_SEC,
                       now_ns % NS_PER_SEC / NS_PER_US, stored, len };
    if (d->fd >= 0 && (!write_all(d->fd, &head, sizeof head) ||
                       !write_all(d->fd, frame, stored))) {
        error_report("filter-dump: %s: no more frames are written",
                     g_strerror(errno));
        close(d->fd);
        d->fd = -1;
    }
}

void net_dump_frame(NetdevSet *set, const Netdev *n, const void *frame,
                    size_t len)
{
    for (guint i = 0; i < set->dumps->len; i++) {
        NetDump *d = g_ptr_array_index(set->dumps, i);
        if (d->netdev == n) {
            dump(d, clock_now_ns(set->clock), frame, len);
        }
    }
}

void net_dump_free(NetDump *d)
{
    if (d->fd >= 0) {
        close(d->fd);
    }
    g_free(d);
}

bool netdev_dump(NetdevSet *set, const char *netdev, const char *file,
                 uint32_t maxlen, Error **errp)
{
    Netdev *n = g_hash_table_lookup(set->table, netdev);
    PcapHeader head = { PCAP_MAGIC, 2, 4, 0, 0, maxlen, LINK_ETHERNET };
    if (!n) {
        error_set(errp, "there is no network '%s'", netdev);
        return false;
    }
    int fd = open(file, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
    if (fd < 0 || !write_all(fd, &head, sizeof head)) {
        error_set_errno(errp, errno, "cannot write '%s'", file);
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    NetDump *d = g_new0(NetDump, 1);
    *d = (NetDump){ n, fd, maxlen };
    g_ptr_array_add(set->dumps, d);
    return true;
}
