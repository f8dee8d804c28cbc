/*
 * Chardevs: the moving of bytes between descriptors and users, which is the
 * same for every back end.
 *
 * Each chardev is a GSource. Before every poll it is asked what it wants: to
 * read only if its user has room now, to write only if bytes wait. So nobody
 * has to remember who must be woken when room appears.
 */
#include "chardev-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* Output that a slow reader may lag behind before it loses some. */
#define OUT_MAX_BYTES (16 * MIB)
/* A descriptor that may block (a terminal, a pipe we did not make) is written
 * after poll() in pieces that then fit: POSIX grants PIPE_BUF for pipes. */
#define WRITE_PIECE_BYTES 512
#define READ_PIECE_BYTES 4096
/* A reader that takes nothing for so long is given up at exit. */
#define DRAIN_PATIENCE_MS 2000

void fd_prepare(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* --- input ---------------------------------------------------------------- */

size_t chardev_room(Chardev *c)
{
    if (c->port) {
        Machine *m = c->set->machine;
        /* What was posted and not yet delivered is not in the device's count
         * of room: wait for it. */
        if (!nondet_wants_input(m) || nondet_pending(m)) {
            return 0;
        }
        return c->room(c->room_opaque);
    }
    if (!c->input) {
        return 0;
    }
    return c->room ? c->room(c->room_opaque) : READ_PIECE_BYTES;
}

void chardev_receive(Chardev *c, const uint8_t *data, size_t len)
{
    if (c->port) {
        nondet_post(c->port, data, len);
    } else if (c->input) {
        c->input(c->opaque, data, len);
    }
}

void chardev_event(Chardev *c, ChardevEvent event)
{
    c->announce = false;
    if (!c->notify) {
        return;
    }
    bool aside = c->backend->aside && c->backend->aside(c);
    if (event != CHARDEV_OPENED || !aside) {
        c->notify(c->opaque, event);
    }
}

static void stream_ended(Chardev *c)
{
    if (c->backend->ended) {
        c->backend->ended(c);
    } else {
        chardev_end_input(c);
        chardev_event(c, CHARDEV_CLOSED);
    }
}

static void read_some(Chardev *c)
{
    uint8_t buf[READ_PIECE_BYTES];
    size_t room = MIN(chardev_room(c), sizeof buf);
    if (!room) {
        return;
    }
    ssize_t n = c->backend->read ? c->backend->read(c, buf, room)
                                 : read(c->in_fd, buf, room);
    if (n > 0) {
        chardev_receive(c, buf, n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        stream_ended(c);
    }
}

/* --- output --------------------------------------------------------------- */

static size_t out_waiting(const Chardev *c)
{
    return c->out->len - c->out_sent;
}

static bool writable_now(int fd, int timeout_ms)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };
    return poll(&p, 1, timeout_ms) > 0;
}

/* Sends what the descriptor takes without blocking. False: it is broken. */
static bool write_some(Chardev *c)
{
    while (out_waiting(c) && writable_now(c->out_fd, 0)) {
        ssize_t n = write(c->out_fd, c->out->data + c->out_sent,
                          MIN(out_waiting(c), WRITE_PIECE_BYTES));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno == EAGAIN;
        }
        c->out_sent += n;
    }
    if (!out_waiting(c)) {
        g_byte_array_set_size(c->out, 0);
        c->out_sent = 0;
    }
    return true;
}

static void forget_output(Chardev *c)
{
    g_byte_array_set_size(c->out, 0);
    c->out_sent = 0;
}

static void flush(Chardev *c)
{
    if (c->out_fd >= 0 && out_waiting(c) && !write_some(c)) {
        forget_output(c);
        if (c->backend->ended) {
            c->backend->ended(c);
        }
    }
}

static void write_log(Chardev *c, const uint8_t *data, size_t len)
{
    while (c->log_fd >= 0 && len) {
        ssize_t n = write(c->log_fd, data, len);
        if (n <= 0 && errno != EINTR) {
            return;
        }
        data += MAX(n, 0);
        len -= MAX(n, 0);
    }
}

void chardev_buffer(Chardev *c, const uint8_t *data, size_t len)
{
    if (c->out_fd < 0 || !c->connected) {
        return;
    }
    if (out_waiting(c) + len > OUT_MAX_BYTES) {
        flush(c);
    }
    if (out_waiting(c) + len > OUT_MAX_BYTES) {
        return;
    }
    /* Keeps the array from growing while a reader is always a bit behind. */
    if (c->out_sent > OUT_MAX_BYTES) {
        g_byte_array_remove_range(c->out, 0, c->out_sent);
        c->out_sent = 0;
    }
    g_byte_array_append(c->out, data, len);
}

static void stream_write(Chardev *c, const void *data, size_t len)
{
    if (c->port && c->set->muted) {
        return;
    }
    write_log(c, data, len);
    if (c->backend->write) {
        c->backend->write(c, data, len);
    } else {
        chardev_buffer(c, data, len);
    }
}

void chardev_drain(Chardev *c)
{
    while (c->out_fd >= 0 && out_waiting(c)
           && writable_now(c->out_fd, DRAIN_PATIENCE_MS)) {
        size_t before = out_waiting(c);
        if (!write_some(c) || out_waiting(c) == before) {
            return;
        }
    }
}

/* --- the event source ------------------------------------------------------ */

typedef struct ChardevSource {
    GSource source;
    Chardev *c;
} ChardevSource;

/* Polls fd exactly if wanted: a descriptor that is polled for nothing would
 * still report a hang-up, again and again. */
static void poll_want(Chardev *c, int fd, void **tag, unsigned events)
{
    if (events && fd >= 0 && !*tag) {
        *tag = g_source_add_unix_fd(c->source, fd, events);
    } else if ((!events || fd < 0) && *tag) {
        g_source_remove_unix_fd(c->source, *tag);
        *tag = NULL;
    }
}

/* Nobody will ever want the input: it is not read. */
static bool deaf(const Chardev *c)
{
    return c->port ? !nondet_wants_input(c->set->machine) : !c->input;
}

/* Unread input of a peer that hung up is kept for a user without room; if
 * there is none, the hang-up itself is all we wait for. */
static unsigned input_events(Chardev *c)
{
    return deaf(c) ? POLLRDHUP : chardev_room(c) ? G_IO_IN : 0;
}

/* The back end has read more than the user had room for, and there is room. */
static bool has_input(Chardev *c)
{
    return c->backend->has_input && c->backend->has_input(c) && !deaf(c) &&
           chardev_room(c);
}

static gboolean source_prepare(GSource *source, gint *timeout_ms)
{
    Chardev *c = ((ChardevSource *)source)->c;
    *timeout_ms = -1;
    unsigned events = c->in_fd < 0 ? 0 : input_events(c);
    if (events != c->in_events) {
        /* Every change wakes the main context: none without a reason. */
        poll_want(c, -1, &c->in_tag, 0);
        c->in_events = events;
    }
    poll_want(c, c->in_fd, &c->in_tag, events);
    poll_want(c, c->out_fd, &c->out_tag, out_waiting(c) ? G_IO_OUT : 0);
    return c->announce || has_input(c);
}

static bool tag_ready(const Chardev *c, void *tag)
{
    return tag && g_source_query_unix_fd(c->source, tag);
}

static gboolean source_check(GSource *source)
{
    Chardev *c = ((ChardevSource *)source)->c;
    return c->announce || has_input(c) || tag_ready(c, c->in_tag) ||
           tag_ready(c, c->out_tag);
}

static gboolean source_dispatch(GSource *source, GSourceFunc fn, gpointer data)
{
    Chardev *c = ((ChardevSource *)source)->c;
    if (c->announce) {
        chardev_event(c, CHARDEV_OPENED);
    }
    if (tag_ready(c, c->out_tag)) {
        flush(c);
    }
    /* A failed write may have detached it. */
    if (has_input(c)) {
        read_some(c);
    } else if (tag_ready(c, c->in_tag)) {
        if (deaf(c)) {
            stream_ended(c);
        } else {
            read_some(c);
        }
    }
    return G_SOURCE_CONTINUE;
}

static const GSourceFuncs source_funcs = {
    .prepare = source_prepare,
    .check = source_check,
    .dispatch = source_dispatch,
};

static void source_start(Chardev *c)
{
    c->source = g_source_new((GSourceFuncs *)&source_funcs,
                             sizeof(ChardevSource));
    ((ChardevSource *)c->source)->c = c;
    g_source_set_name(c->source, c->head.id);
    /* A command that takes long listens for the one that ends it. */
    g_source_set_can_recurse(c->source, TRUE);
    g_source_attach(c->source, NULL);
}

/* --- attaching -------------------------------------------------------------- */

void chardev_attach(Chardev *c, int in_fd, int out_fd)
{
    g_assert(c->in_fd < 0 && c->out_fd < 0);
    c->in_fd = in_fd;
    c->out_fd = out_fd;
    c->connected = true;
    c->announce = c->notify != NULL;
}

void chardev_end_input(Chardev *c)
{
    if (c->in_fd < 0) {
        return;
    }
    poll_want(c, -1, &c->in_tag, 0);
    if (c->in_fd != c->out_fd && c->in_fd > STDERR_FILENO) {
        close(c->in_fd);
    }
    c->in_fd = -1;
}

void chardev_detach(Chardev *c)
{
    int out_fd = c->out_fd;
    poll_want(c, -1, &c->out_tag, 0);
    chardev_end_input(c);
    c->out_fd = -1;
    if (out_fd > STDERR_FILENO) {
        close(out_fd);
    }
    forget_output(c);
    bool was = c->connected;
    c->connected = false;
    if (was) {
        chardev_event(c, CHARDEV_CLOSED);
    }
}

/* --- what users call ---------------------------------------------------------- */

bool chardev_connected(const Chardev *c)
{
    return c->connected;
}

char *chardev_describe(const Chardev *c)
{
    return c->backend->describe ? c->backend->describe(c)
                                : g_strdup(c->backend->name);
}

static void stream_bind_port(Chardev *c, NondetPort *port, ChardevRoom *room,
                             void *opaque)
{
    g_assert(c->set->machine);
    c->port = port;
    c->room = room;
    c->room_opaque = opaque;
    if (c->backend->bound) {
        c->backend->bound(c);
    }
}

static void stream_kick(Chardev *c)
{
    /* Nothing to remember: room is asked for before every poll. */
}

void chardev_set_handlers(Chardev *c, ChardevInput *input,
                          ChardevNotify *notify, void *opaque)
{
    c->input = input;
    c->notify = notify;
    c->opaque = opaque;
    c->announce = notify && c->connected;
}

int chardev_take_fd(Chardev *c)
{
    return c->backend->take_fd ? c->backend->take_fd(c) : -1;
}

void chardev_disconnect(Chardev *c)
{
    if (c->backend->ended && c->connected) {
        chardev_drain(c);
        c->backend->ended(c);
    }
}

/* --- making and freeing ------------------------------------------------------- */

static const ChardevOps stream_ops = {
    .write = stream_write,
    .bind_port = stream_bind_port,
    .kick = stream_kick,
};

Chardev *chardev_new(ChardevSet *set, const char *id,
                     const ChardevBackend *backend)
{
    Chardev *c = g_new0(Chardev, 1);
    c->head.ops = &stream_ops;
    c->backend = backend;
    c->set = set;
    c->head.id = g_strdup(id);
    c->in_fd = c->out_fd = c->log_fd = -1;
    c->out = g_byte_array_new();
    source_start(c);
    return c;
}

void chardev_free(Chardev *c)
{
    c->notify = NULL;
    chardev_drain(c);
    if (c->backend->close) {
        c->backend->close(c);
    }
    chardev_detach(c);
    if (chardev_is_mux(c)) {
        chardev_mux_fini(c);
    }
    g_source_destroy(c->source);
    g_source_unref(c->source);
    if (c->log_fd >= 0) {
        close(c->log_fd);
    }
    g_byte_array_free(c->out, TRUE);
    g_free(c->head.id);
    g_free(c);
}
