/*
 * The connection: bytes in, packets to commands.c, frames out.
 *
 * Debuggers come and go, one at a time. One that connects stops the machine;
 * one that hangs up leaves it as it is, without its points.
 */
#include "stub.h"

static void send_frame(Gdbstub *g, const void *data, size_t len)
{
    if (!g->connected) {
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

static void handle(Gdbstub *g, PacketEvent ev)
{
    switch (ev) {
    case PACKET_READY:
        send_raw(g, '+');
        if (g->travelling) {
            break; /* gdb waits for our answer first: a stray packet */
        }
        command_run(g);
        break;
    case PACKET_BAD:
        send_raw(g, '-');
        break;
    case PACKET_NAK:
        if (g->sent) {
            chardev_write(g->chr, g->sent->data, g->sent->len);
        }
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
    for (size_t i = 0; i < len && g->connected; i++) {
        handle(g, packet_reader_feed(&g->reader, data[i]));
    }
}

static void stub_connect(Gdbstub *g)
{
    g->connected = true;
    g->no_ack = false;
    g->waiting = false;
    g->swbreak = g->hwbreak = false;
    g->reader.state = READ_IDLE;
    g->view = stub_cpu(g)->cls->gdb_view(stub_cpu(g));
    g_free(g->last_stop);
    g->last_stop = g_strdup("T05thread:01;");
    if (runstate_running(g->machine)) {
        runstate_set(g->machine, RUN_PAUSED);
    }
    if (g->replay) {
        replay_start_debugging(g->replay);
    }
}

static void stub_notify(void *opaque, ChardevEvent event)
{
    Gdbstub *g = opaque;
    if (event == CHARDEV_OPENED) {
        stub_connect(g);
    } else {
        g->connected = false;
        g->interrupted = true;
        points_clear(g);
        replay_return_to_present(g->replay);
    }
}

/* Shown by gdb while it waits for the end of a long way back. */
static void tell_progress(Gdbstub *g, const RunEvent *ev)
{
    g_autofree char *line = g_strdup_printf(
        "%s: at icount %" G_GUINT64_FORMAT ", from %" G_GUINT64_FORMAT "\n",
        ev->travel, ev->at, ev->begin);
    g_autoptr(GString) packet = g_string_new("O");
    packet_put_hex(packet, (const uint8_t *)line, strlen(line));
    stub_send(g, packet->str);
}

static void stub_run_event(void *opaque, const RunEvent *ev)
{
    Gdbstub *g = opaque;
    if (g->connected && g->travelling && ev->type == RUN_EVENT_TRAVEL &&
        ev->travel) {
        tell_progress(g, ev);
    }
    if (!g->connected || g->travelling) {
        return;
    }
    if (ev->type == RUN_EVENT_STATE && ev->old_state == RUN_RUNNING &&
        g->waiting) {
        resume_stopped(g, ev->new_state);
    } else if (ev->type == RUN_EVENT_SHUTDOWN && !g->machine->no_shutdown) {
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
    g->last_stop = g_strdup("T05thread:01;");
    stub_cpu(g)->break_holds = points_hold;
    stub_cpu(g)->break_opaque = g;
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
    points_clear(g);
    stub_cpu(g)->break_holds = NULL;
    packet_reader_free(&g->reader);
    g_clear_pointer(&g->sent, g_byte_array_unref);
    g_string_free(g->reply, TRUE);
    g_array_free(g->points, TRUE);
    g_array_free(g->active, TRUE);
    g_free(g->last_stop);
    g_free(g);
}
