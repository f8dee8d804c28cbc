/*
 * The packets that QEMU documents as its own (its manual, "GDB usage"), for people
 * who type `maintenance packet` and for scripts that do.
 */
#include "commands.h"

/* The one bit there is: a step is one instruction. Steps that keep interrupts or
 * timers back would be no part of any recording. */
#define STEP_ENABLE 1u

void handle_qemu_supported(Gdbstub *g, const char *args, size_t len)
{
    stub_send(g, "sstepbits;sstep;PhyMemMode");
}

void handle_qemu_step_bits(Gdbstub *g, const char *args, size_t len)
{
    g_string_append_printf(g->reply, "ENABLE=%x", STEP_ENABLE);
    stub_send_reply(g);
}

void handle_qemu_step(Gdbstub *g, const char *args, size_t len)
{
    g_string_append_printf(g->reply, "0x%x", STEP_ENABLE);
    stub_send_reply(g);
}

void handle_qemu_set_step(Gdbstub *g, const char *args, size_t len)
{
    uint64_t bits;
    if (g_str_has_prefix(args, "0x")) {
        args += 2;
    }
    command_answer(g, packet_get_number(&args, &bits) && !*args &&
                          bits == STEP_ENABLE, "E22");
}

void handle_qemu_physical(Gdbstub *g, const char *args, size_t len)
{
    stub_send(g, g->physical ? "1" : "0");
}

void handle_qemu_set_physical(Gdbstub *g, const char *args, size_t len)
{
    bool ok = g_str_equal(args, "0") || g_str_equal(args, "1");
    if (ok) {
        g->physical = *args == '1';
    }
    command_answer(g, ok, "E22");
}
