/*
 * The connection: bytes in, packets to commands.c, frames out.
 *
 * Debuggers come and go, one at a time. One that connects stops the machine;
 * one that hangs up leaves it as it is, without its points.
 *
 * While the machine is on a journey, its own or a monitor's, it is nowhere:
 * packets wait until it has arrived, and so does all that a debugger's coming
 * or going means for the machine. ^C does not wait: it ends the journey.
 */
#include "stub.h"
#include "vm/turn.h"

static void send_frame(Gdbstub *g, const void *data, size_t len)
{
    bool gone = g->serving && g->serving != g->peer;
    if (!g->connected || gone) {
        return;
    }
    g_clear_pointer(&g->sent, g_byte_array_unref);
    g->sent = packet_frame(data, len);
    chardev_write(g->chr, g->sent->data, g->sent->len);
}

void stub_send_reply(Gdbstub *g)
{
    send_frame(g, g->reply->str, g->reply->len);
}

void stub_send(Gdbstub *g, const char *text)
{
    send_frame(g, text, strlen(text));
}

void stub_send_error(Gdbstub *g, Error *err)
{
    g_autofree char *text = g_strdup_printf("E.%s", error_message(err));
    error_free(err);
    stub_send(g, text);
}

void stub_send_text(Gdbstub *g, const char *text, size_t len)
{
    /* In pieces that fit. */
    while (len) {
        size_t n = MIN(len, PACKET_MAX / 2 - 8);
        g_autoptr(GString) packet = g_string_new("O");
        packet_put_hex(packet, text, n);
        stub_send(g, packet->str);
        text += n;
        len -= n;
    }
}

void stub_send_stop(Gdbstub *g, char *stop)
{
    g_free(g->last_stop);
    g->last_stop = stop;
    g->waiting = false;
    g->interrupted = false;
    stub_send(g, stop);
}

static void send_raw(Gdbstub *g, char c)
{
    if (!g->no_ack) {
        chardev_write(g->chr, &c, 1);
    }
}

static void interrupt(Gdbstub *g)
{
    g->interrupted = true;
    replay_interrupt(g->replay);
    if (!g->travelling && runstate_running(g->machine)) {
        runstate_request_stop(g->machine, RUN_PAUSED);
    }
}

/* --- while the machine is on a journey --------------------------------------------- */

static bool on_a_journey(const Gdbstub *g)
{
    return g->travelling || g->machine->debug.travelling;
}

static void hold(Gdbstub *g)
{
    const GByteArray *data = g->reader.data;
    GByteArray *copy = g_byte_array_sized_new(data->len + 1);
    g_byte_array_append(copy, data->data, data->len + 1); /* its NUL too */
    g_queue_push_tail(&g->held, copy);
}

static void drop_held(Gdbstub *g)
{
    g_queue_clear_full(&g->held, (GDestroyNotify)g_byte_array_unref);
}

/* What it answers is for who asked: on a journey another may come. */
static void serve(Gdbstub *g, const uint8_t *packet, size_t len)
{
    g->serving = g->peer;
    command_run(g, (const char *)packet, len);
    g->serving = 0;
}

char *stub_stop_text(Gdbstub *g, int signal, const char *rest)
{
    return g_strdup_printf("T%02xthread:%02x;%s", signal,
                           stub_cpu(g)->index + 1, rest);
}

/* A debugger that hung up, and another one that came. */
static void settle(Gdbstub *g)
{
    if (g->left) {
        g->left = false;
        points_clear(g);
        replay_return_to_present(g->replay);
    }
    if (g->came) {
        g->came = false;
        g->cpu = machine_cpu(g->machine);
        g->resume_cpu = NULL;
        g->view = stub_cpu(g)->cls->gdb_view(stub_cpu(g));
        if (runstate_running(g->machine)) {
            runstate_set(g->machine, RUN_PAUSED);
        }
        replay_start_debugging(g->replay);
    }
}

static gboolean take_held(gpointer opaque)
{
    Gdbstub *g = opaque;
    g->held_source = 0;
    if (!on_a_journey(g)) {
        settle(g);
    }
    while (!on_a_journey(g) && g->connected && !g_queue_is_empty(&g->held)) {
        g_autoptr(GByteArray) packet = g_queue_pop_head(&g->held);
        serve(g, packet->data, packet->len - 1);
    }
    return G_SOURCE_REMOVE;
}

/* Something waits for the end of the journey, which is told. */
static void journey_ended(Gdbstub *g)
{
    bool wanted = g->came || g->left || !g_queue_is_empty(&g->held);
    if (wanted && !g->held_source) {
        g->held_source = g_idle_add(take_held, g);
    }
}

/* --- input ----------------------------------------------------------------------------- */

static void take_packet(Gdbstub *g)
{
    if (on_a_journey(g) || !g_queue_is_empty(&g->held)) {
        hold(g);
        return;
    }
    /* The reader may be another debugger's before this is over. */
    g_autoptr(GByteArray) packet = g_byte_array_new();
    g_byte_array_append(packet, g->reader.data->data, g->reader.data->len + 1);
    settle(g);
    serve(g, packet->data, packet->len - 1);
}

/* gdb sends a NAK, too, when an answer takes longer than its patience, even when
 * both sides have agreed on none: it would take an older answer for this one. */
static void repeat(Gdbstub *g)
{
    if (g->sent && !g->no_ack) {
        chardev_write(g->chr, g->sent->data, g->sent->len);
    }
}

static void handle(Gdbstub *g, PacketEvent ev)
{
    switch (ev) {
    case PACKET_READY:
        g_clear_pointer(&g->sent, g_byte_array_unref); /* it has arrived */
        send_raw(g, '+');
        take_packet(g);
        break;
    case PACKET_BAD:
        send_raw(g, '-');
        break;
    case PACKET_NAK:
        repeat(g);
        break;
    case PACKET_INTERRUPT:
        interrupt(g);
        break;
    case PACKET_ACK:
    case PACKET_NONE:
        break;
    }
}

static void stub_input(void *opaque, const uint8_t *data, size_t len)
{
    Gdbstub *g = opaque;
    unsigned peer = g->peer;
    for (size_t i = 0; i < len && g->connected && g->peer == peer; i++) {
        handle(g, packet_reader_feed(&g->reader, data[i]));
    }
}

static void stub_connect(Gdbstub *g)
{
    g->connected = true;
    g->peer++;
    g->no_ack = false;
    g->waiting = false;
    g->swbreak = g->hwbreak = false;
    g->physical = false;
    g->reader.state = READ_IDLE;
    g->came = true;
    g_free(g->last_stop);
    g->cpu = machine_cpu(g->machine);
    g->last_stop = stub_stop_text(g, GDB_SIGTRAP, "");
    if (!on_a_journey(g)) {
        settle(g);
    }
}

static void stub_disconnect(Gdbstub *g)
{
    g->connected = false;
    g->interrupted = true;
    g->left = true;
    g->came = false;
    drop_held(g);
    /* It was its journey. */
    if (g->travelling) {
        replay_interrupt(g->replay);
    }
    if (!on_a_journey(g)) {
        settle(g);
    }
}

static void stub_notify(void *opaque, ChardevEvent event)
{
    Gdbstub *g = opaque;
    if (event == CHARDEV_OPENED) {
        stub_connect(g);
    } else {
        stub_disconnect(g);
    }
}

/* Shown by gdb while it waits for the end of a long way back. */
static void tell_progress(Gdbstub *g, const RunEvent *ev)
{
    g_autofree char *line = g_strdup_printf(
        "%s: at icount %" G_GUINT64_FORMAT ", from %" G_GUINT64_FORMAT "\n",
        ev->travel, ev->at, ev->begin);
    stub_send_text(g, line, strlen(line));
}

static void stub_run_event(void *opaque, const RunEvent *ev)
{
    Gdbstub *g = opaque;
    if (g->connected && g->travelling && ev->type == RUN_EVENT_TRAVEL &&
        ev->travel) {
        tell_progress(g, ev);
    }
    if (ev->type == RUN_EVENT_TRAVEL && !ev->travel) {
        journey_ended(g);
    }
    if (!g->connected || g->travelling) {
        return;
    }
    if (ev->type == RUN_EVENT_STATE && ev->old_state == RUN_RUNNING &&
        g->waiting) {
        resume_stopped(g, ev->new_state);
    } else if (ev->type == RUN_EVENT_SHUTDOWN && g->waiting &&
               !g->machine->no_shutdown) {
        /* An answer to what set the machine going; to other packets it is
         * none. */
        stub_send(g, "W00");
        chardev_drain(g->chr);
    }
}

Gdbstub *gdbstub_new(Machine *m, Replay *r, Chardev *chr)
{
    Gdbstub *g = g_new0(Gdbstub, 1);
    g->machine = m;
    g->replay = r;
    g->chr = chr;
    packet_reader_init(&g->reader);
    g->reply = g_string_new(NULL);
    g->points = g_array_new(FALSE, FALSE, sizeof(Point));
    g->active = g_array_new(FALSE, FALSE, sizeof(Point));
    g->cpu = machine_cpu(m);
    g->last_stop = stub_stop_text(g, GDB_SIGTRAP, "");
    g->view = stub_cpu(g)->cls->gdb_view(stub_cpu(g));
    g_queue_init(&g->held);
    points_ask(g, true);
    runstate_listen(m, stub_run_event, g);
    chardev_set_handlers(chr, stub_input, stub_notify, g);
    return g;
}

void gdbstub_free(Gdbstub *g)
{
    if (!g) {
        return;
    }
    chardev_set_handlers(g->chr, NULL, NULL, NULL);
    runstate_unlisten(g->machine, stub_run_event, g);
    if (g->held_source) {
        g_source_remove(g->held_source);
    }
    drop_held(g);
    points_clear(g);
    points_ask(g, false);
    packet_reader_free(&g->reader);
    g_clear_pointer(&g->sent, g_byte_array_unref);
    g_string_free(g->reply, TRUE);
    g_array_free(g->points, TRUE);
    g_array_free(g->active, TRUE);
    g_free(g->last_stop);
    g_free(g);
}
