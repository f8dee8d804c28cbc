/*
 * A terminal shared by several users (a serial port and the monitor, say).
 *
 * Output of all goes to the terminal; what is typed goes to the one that has
 * the focus. Ctrl-A (-echr: another) is the way out: c moves the focus, x ends the program, h
 * lists them, and Ctrl-A again is a Ctrl-A for whoever has the focus.
 */
#include "chardev-impl.h"

#include <string.h>

/* Typed ahead of a user that has no room: escapes must still get through. */
#define AHEAD_BYTES 1024

typedef struct Mux {
    Chardev *base;
    GPtrArray *fronts;         /* Chardev */
    Chardev *focus;            /* NULL while there is no front */
    bool escaped;              /* the last byte was Ctrl-A */
    GSource *feeder;
} Mux;

typedef struct Front {
    Mux *mux;
    GByteArray *ahead;         /* typed, not taken yet */
} Front;

typedef struct FeederSource {
    GSource source;
    Mux *mux;
} FeederSource;

static Front *front_of(const Chardev *c)
{
    return c->priv;
}

/* --- to the users --------------------------------------------------------- */

static bool front_can_take(Chardev *c)
{
    return front_of(c)->ahead->len && chardev_room(c) > 0;
}

static void front_feed(Chardev *c)
{
    Front *f = front_of(c);
    size_t len = MIN(f->ahead->len, chardev_room(c));
    if (!len) {
        return;
    }
    g_autofree uint8_t *data = g_memdup2(f->ahead->data, len);
    g_byte_array_remove_range(f->ahead, 0, len);
    chardev_receive(c, data, len);
}

static gboolean feeder_prepare(GSource *source, gint *timeout_ms)
{
    Mux *mux = ((FeederSource *)source)->mux;
    *timeout_ms = -1;
    for (unsigned i = 0; i < mux->fronts->len; i++) {
        if (front_can_take(g_ptr_array_index(mux->fronts, i))) {
            return TRUE;
        }
    }
    return FALSE;
}

static gboolean feeder_check(GSource *source)
{
    return FALSE;              /* prepare() has said it */
}

static gboolean feeder_dispatch(GSource *source, GSourceFunc fn, gpointer data)
{
    Mux *mux = ((FeederSource *)source)->mux;
    for (unsigned i = 0; i < mux->fronts->len; i++) {
        front_feed(g_ptr_array_index(mux->fronts, i));
    }
    return G_SOURCE_CONTINUE;
}

static const GSourceFuncs feeder_funcs = {
    .prepare = feeder_prepare,
    .check = feeder_check,
    .dispatch = feeder_dispatch,
};

/* --- from the terminal ------------------------------------------------------- */

static void mux_say(Mux *mux, const char *text)
{
    chardev_write(mux->base, text, strlen(text));
}

static uint8_t escape_of(const Mux *mux)
{
    return mux->base->set->escape;
}

static void mux_help(Mux *mux)
{
    uint8_t escape = escape_of(mux);
    g_autofree char *key = g_ascii_iscntrl(escape)
        ? g_strdup_printf("C-%c", g_ascii_tolower(escape ^ '@'))
        : g_strdup_printf("%c", escape);
    g_autofree char *text = g_strdup_printf(
        "\r\n%s h    print this help\r\n%s x    exit\r\n"
        "%s c    switch between console and monitor\r\n%s %s  send %s\r\n",
        key, key, key, key, key, key);
    mux_say(mux, text);
}

static void mux_switch(Mux *mux)
{
    guint i = 0;
    if (g_ptr_array_find(mux->fronts, mux->focus, &i)) {
        mux->focus = g_ptr_array_index(mux->fronts,
                                       (i + 1) % mux->fronts->len);
        chardev_event(mux->focus, CHARDEV_OPENED);
    }
}

static void mux_quit(Mux *mux)
{
    ChardevSet *set = mux->base->set;
    mux_say(mux, "Reprise: Terminated\r\n");
    if (set->quit) {
        set->quit(set->opaque);
    }
}

/* In replay nothing is for the guest; it must not fill the buffer. */
static bool front_deaf(const Chardev *c)
{
    return c->port && !nondet_wants_input(c->set->machine);
}

static void mux_pass(Mux *mux, uint8_t byte)
{
    if (mux->focus && !front_deaf(mux->focus)) {
        g_byte_array_append(front_of(mux->focus)->ahead, &byte, 1);
    }
}

static void mux_command(Mux *mux, uint8_t byte)
{
    switch (byte) {
    case 'c':
        mux_switch(mux);
        break;
    case 'x':
        mux_quit(mux);
        break;
    case 'h':
    case '?':
        mux_help(mux);
        break;
    }
}

static void mux_input(void *opaque, const uint8_t *data, size_t len)
{
    Mux *mux = opaque;
    for (size_t i = 0; i < len; i++) {
        if (mux->escaped) {
            mux->escaped = false;
            if (data[i] == escape_of(mux)) {
                mux_pass(mux, data[i]);
            } else {
                mux_command(mux, data[i]);
            }
        } else if (data[i] == escape_of(mux)) {
            mux->escaped = true;
        } else {
            mux_pass(mux, data[i]);
        }
    }
    if (mux->focus) {
        front_feed(mux->focus);
    }
}

static size_t mux_room(void *opaque)
{
    Mux *mux = opaque;
    size_t used = mux->focus ? front_of(mux->focus)->ahead->len : 0;
    return used < AHEAD_BYTES ? AHEAD_BYTES - used : 0;
}

static void mux_notify(void *opaque, ChardevEvent event)
{
    Mux *mux = opaque;
    for (unsigned i = 0; i < mux->fronts->len; i++) {
        Chardev *c = g_ptr_array_index(mux->fronts, i);
        c->connected = mux->base->connected;
        chardev_event(c, event);
    }
}

void chardev_mux_init(Chardev *base)
{
    Mux *mux = g_new0(Mux, 1);
    mux->base = base;
    mux->fronts = g_ptr_array_new();
    mux->feeder = g_source_new((GSourceFuncs *)&feeder_funcs,
                             sizeof(FeederSource));
    ((FeederSource *)mux->feeder)->mux = mux;
    g_source_set_can_recurse(mux->feeder, TRUE);
    g_source_attach(mux->feeder, NULL);
    base->room = mux_room;
    base->room_opaque = mux;
    chardev_set_handlers(base, mux_input, mux_notify, mux);
}

bool chardev_is_mux(const Chardev *c)
{
    return c->input == mux_input;
}

void chardev_mux_fini(Chardev *base)
{
    Mux *mux = base->opaque;
    g_assert(!mux->fronts->len);
    g_ptr_array_free(mux->fronts, TRUE);
    g_source_destroy(mux->feeder);
    g_source_unref(mux->feeder);
    g_free(mux);
    base->input = NULL;
}

/* --- front ends ----------------------------------------------------------------- */

Chardev *chardev_mux_front_new(Chardev *base)
{
    Mux *mux = base->opaque;
    g_autofree char *id = g_strdup_printf("%s-mux%u", base->head.id,
                                          mux->fronts->len);
    Chardev *c = chardev_add(base->set, id, &chardev_mux_front);
    Front *f = g_new0(Front, 1);
    f->mux = mux;
    f->ahead = g_byte_array_new();
    c->priv = f;
    c->connected = base->connected;
    c->claimed = true;
    g_ptr_array_add(mux->fronts, c);
    if (!mux->focus) {
        mux->focus = c;
    }
    return c;
}

/* Whoever is connected to the guest has the focus first. */
static void front_bound(Chardev *c)
{
    Mux *mux = front_of(c)->mux;
    if (!mux->focus->port) {
        mux->focus = c;
    }
}

/* A monitor shows its prompt when it gets the focus, not over the guest's
 * output before. */
static bool front_aside(const Chardev *c)
{
    return front_of(c)->mux->focus != c;
}

static void front_write(Chardev *c, const uint8_t *data, size_t len)
{
    chardev_write(front_of(c)->mux->base, data, len);
}

static char *front_describe(const Chardev *c)
{
    return g_strdup("mux");
}

static void front_close(Chardev *c)
{
    Front *f = front_of(c);
    Mux *mux = f->mux;
    g_ptr_array_remove(mux->fronts, c);
    mux->focus = mux->fronts->len ? g_ptr_array_index(mux->fronts, 0) : NULL;
    g_byte_array_free(f->ahead, TRUE);
    g_free(f);
}

const ChardevBackend chardev_mux_front = {
    .name = "mux",
    .close = front_close,
    .describe = front_describe,
    .write = front_write,
    .bound = front_bound,
    .aside = front_aside,
};
