/*
 * The packets that describe, read and write registers: bytes of any width, in
 * the order of the layout that the target description tells (vm/cpu.h).
 */
#include "commands.h"

/* --- the description ------------------------------------------------------------ */

/* "FILE:OFFSET,LENGTH": a part of it, as long as the debugger can take. */
void handle_features(Gdbstub *g, const char *args, size_t len)
{
    uint64_t offset, want;
    const char *colon = strchr(args, ':');
    if (!colon) {
        stub_send(g, "E22");
        return;
    }
    g_autofree char *file = g_strndup(args, colon - args);
    g_autofree char *text = g->view->describe
        ? g->view->describe(g->view, file) : NULL;
    args = colon + 1;
    if (!text) {
        stub_send(g, "E00"); /* no such file, says the manual */
        return;
    }
    if (!packet_get_number(&args, &offset) || !packet_get_char(&args, ',') ||
        !packet_get_number(&args, &want) || *args || offset > strlen(text)) {
        stub_send(g, "E22");
        return;
    }
    size_t left = strlen(text) - offset;
    size_t n = MIN(MIN(want, PACKET_MAX / 2), left);
    g_string_append_c(g->reply, n < left ? 'm' : 'l');
    g_string_append_len(g->reply, text + offset, n);
    stub_send_reply(g);
}

/* --- values --------------------------------------------------------------------- */

static void put_reg(Gdbstub *g, const CpuReg *reg)
{
    CpuRegValue v;
    cpu_reg_get(stub_cpu(g), reg, &v);
    packet_put_hex(g->reply, v.bytes, cpu_reg_bytes(reg));
}

/* False if the digits are not a value of the register. */
static bool get_value(const CpuReg *reg, const char *hex, CpuRegValue *v)
{
    *v = (CpuRegValue){ 0 };
    return packet_get_hex(hex, v->bytes, cpu_reg_bytes(reg));
}

static GateChange register_change(Gdbstub *g, const CpuReg *reg,
                                  const CpuRegValue *v)
{
    return (GateChange){ .what = GATE_REGISTER, .cpu = stub_cpu(g)->index,
                         .name = reg->name, .value = *v };
}

GateChange register_set_pc(Gdbstub *g, uint64_t pc)
{
    const CpuReg *reg = &g->view->regs[g->view->pc];
    CpuRegValue v = cpu_reg_value(reg, pc);
    return register_change(g, reg, &v);
}

void handle_read_all(Gdbstub *g, const char *args, size_t len)
{
    if (!command_may_look(g)) {
        return;
    }
    for (unsigned i = 0; i < g->view->count; i++) {
        put_reg(g, &g->view->regs[i]);
    }
    stub_send_reply(g);
}

/* The values of all registers, which must be there, or at least those of the
 * first ones. */
static bool get_values(Gdbstub *g, const char *args, size_t len,
                       CpuRegValue *v, unsigned *count)
{
    const char *end = args + len;
    for (*count = 0; *count < g->view->count && args < end; (*count)++) {
        const CpuReg *reg = &g->view->regs[*count];
        if (end - args < 2 * (ptrdiff_t)cpu_reg_bytes(reg) ||
            !get_value(reg, args, &v[*count])) {
            return false;
        }
        args += 2 * cpu_reg_bytes(reg);
    }
    return args == end;
}

void handle_write_all(Gdbstub *g, const char *args, size_t len)
{
    g_autofree CpuRegValue *v = g_new(CpuRegValue, g->view->count);
    unsigned count;
    Error *err = NULL;
    if (!get_values(g, args, len, v, &count)) {
        stub_send(g, "E22");
        return;
    }
    for (unsigned i = 0; i < count && !err; i++) {
        GateChange c = register_change(g, &g->view->regs[i], &v[i]);
        gate_change(g->machine, g->replay, &c, &err);
    }
    if (err) {
        stub_send_error(g, err);
    } else {
        stub_send(g, "OK");
    }
}

void handle_read_reg(Gdbstub *g, const char *args, size_t len)
{
    uint64_t n;
    if (!command_may_look(g)) {
        return;
    }
    if (!packet_get_number(&args, &n) || n >= g->view->count) {
        stub_send(g, "E22");
        return;
    }
    put_reg(g, &g->view->regs[n]);
    stub_send_reply(g);
}

void handle_write_reg(Gdbstub *g, const char *args, size_t len)
{
    uint64_t n;
    CpuRegValue v;
    if (!packet_get_number(&args, &n) || n >= g->view->count ||
        !packet_get_char(&args, '=') ||
        strlen(args) != 2 * cpu_reg_bytes(&g->view->regs[n]) ||
        !get_value(&g->view->regs[n], args, &v)) {
        stub_send(g, "E22");
        return;
    }
    GateChange c = register_change(g, &g->view->regs[n], &v);
    command_change(g, &c);
}
