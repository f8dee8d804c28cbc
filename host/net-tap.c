/*
 * -netdev tap: a network interface of the host.
 */
#include "net-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TUN_DEVICE "/dev/net/tun"

typedef struct Tap {
    Netdev *netdev;
    int fd;
    guint tag;
    char name[IFNAMSIZ];
    char *downscript;
} Tap;

#define ROUND_FRAMES 64

static gboolean tap_readable(gint fd, GIOCondition why, gpointer opaque)
{
    Tap *t = opaque;
    g_autofree uint8_t *frame = g_malloc(NETDEV_FRAME_MAX);
    for (unsigned i = 0; i < ROUND_FRAMES; i++) {
        ssize_t n = read(fd, frame, NETDEV_FRAME_MAX);
        if (n <= 0) {
            break;
        }
        net_deliver(t->netdev, frame, n);
    }
    return G_SOURCE_CONTINUE;
}

static void tap_send(Netdev *n, const uint8_t *frame, size_t len)
{
    const Tap *t = n->impl;
    (void)!write(t->fd, frame, len);
}

static bool run_script(const Tap *t, const char *script, Error **errp)
{
    char *argv[] = { (char *)script, (char *)t->name, NULL };
    int status = 0;
    if (!script || !*script || g_str_equal(script, "no")) {
        return true;
    }
    if (!g_spawn_sync(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL,
                      NULL, &status, NULL) || status) {
        error_set(errp, "network script %s failed with status %d", script,
                  status);
        return false;
    }
    return true;
}

static void tap_close(Netdev *n)
{
    Tap *t = n->impl;
    if (t->tag) {
        g_source_remove(t->tag);
        run_script(t, t->downscript, NULL);
    }
    if (t->fd >= 0) {
        close(t->fd);
    }
    g_free(t->downscript);
    g_free(t);
}

static bool tap_attach(Tap *t, const char *name, Error **errp)
{
    struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
    t->fd = open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (t->fd < 0) {
        error_set_errno(errp, errno, "could not open " TUN_DEVICE);
        return false;
    }
    g_strlcpy(request.ifr_name, name ? name : "tap%d", IFNAMSIZ);
    if (ioctl(t->fd, TUNSETIFF, &request) < 0) {
        error_set_errno(errp, errno, "could not configure " TUN_DEVICE
                        " (%s)", request.ifr_name);
        return false;
    }
    g_strlcpy(t->name, request.ifr_name, IFNAMSIZ);
    return true;
}

static bool tap_take_fd(Tap *t, const char *text, Error **errp)
{
    guint64 fd;
    if (!g_ascii_string_to_unsigned(text, 10, 0, INT32_MAX, &fd, NULL) ||
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) {
        error_set(errp, "fd=%s is not open", text);
        return false;
    }
    t->fd = fd;
    g_strlcpy(t->name, "fd", IFNAMSIZ);
    return true;
}

static bool tap_open(Netdev *n, const NetdevSpec *spec, Error **errp)
{
    const char *fd = net_key(spec, "fd");
    const char *script = net_key(spec, "script");
    Tap *t = g_new0(Tap, 1);
    t->netdev = n;
    t->fd = -1;
    n->impl = t;
    if (fd ? !tap_take_fd(t, fd, errp)
           : !tap_attach(t, net_key(spec, "ifname"), errp) ||
                 !run_script(t, script ? script : "/etc/qemu-ifup", errp)) {
        tap_close(n);
        return false;
    }
    const char *down = net_key(spec, "downscript");
    t->downscript = g_strdup(fd ? "no" : down ? down : "/etc/qemu-ifdown");
    t->tag = g_unix_fd_add(t->fd, G_IO_IN, tap_readable, t);
    return true;
}

static void tap_describe(Netdev *n, GString *out)
{
    const Tap *t = n->impl;
    g_string_append_printf(out, ",ifname=%s", t->name);
}

const NetBackend net_tap = {
    .name = "tap",
    .keys = "ifname fd script downscript",
    .help = "an interface of the host: ifname=, script=FILE|no,\n"
            "           downscript=FILE|no; or fd=N",
    .open = tap_open,
    .send = tap_send,
    .close = tap_close,
    .describe = tap_describe,
};
