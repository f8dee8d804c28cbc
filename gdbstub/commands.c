/*
 * The packets of commands.def, carried out and answered.
 *
 * A handler gets the text behind its prefix and the number of bytes left; it
 * fills g->reply. Handlers that resume the machine answer later, when it has
 * stopped (resume.c). Malformed packets get E22, addresses that are not there
 * E14, as errno numbers in the fashion of gdbserver.
 */
#include "stub.h"
#include "svc/gate.h"
#include "svc/monitor.h"

typedef void Handler(Gdbstub *g, const char *args, size_t len);

#define GDB_COMMAND(prefix, rest, handler, what) static Handler handler;
#include "commands.def"
#undef GDB_COMMAND

/* What may follow a packet's name. Without this, one that we do not know would
 * be taken for another whose name it begins with. */
typedef enum Rest {
    NOTHING,
    OPTIONAL,              /* nothing, or what begins with ':' or ';' */
    ANYTHING,              /* the handler looks */
} Rest;

static const struct {
    const char *prefix;
    Rest rest;
    Handler *handler;
} commands[] = {
#define GDB_COMMAND(prefix, rest, handler, what) { prefix, rest, handler },
#include "commands.def"
#undef GDB_COMMAND
};

static bool rest_fits(Rest rest, const char *args, size_t len)
{
    return !len || rest == ANYTHING ||
           (rest == OPTIONAL && (*args == ':' || *args == ';'));
}

void command_run(Gdbstub *g, const char *packet, size_t len)
{
    g_string_truncate(g->reply, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        size_t n = strlen(commands[i].prefix);
        if (len >= n && !memcmp(packet, commands[i].prefix, n) &&
            rest_fits(commands[i].rest, packet + n, len - n)) {
            commands[i].handler(g, packet + n, len - n);
            return;
        }
    }
    stub_send(g, ""); /* unknown, says the manual */
}

static void answer(Gdbstub *g, bool ok, const char *error)
{
    stub_send(g, ok ? "OK" : error);
}

static bool guest_may_be_touched(Gdbstub *g)
{
    if (!runstate_running(g->machine)) {
        return true;
    }
    stub_send(g, "E16");
    return false;
}

/* --- about us ------------------------------------------------------------------- */

static void supported(Gdbstub *g, const char *args, size_t len)
{
    g->swbreak = strstr(args, "swbreak+") != NULL;
    g->hwbreak = strstr(args, "hwbreak+") != NULL;
    g_string_printf(g->reply,
                    "PacketSize=%x;qXfer:features:read+;vContSupported+;"
                    "QStartNoAckMode+;ConditionalBreakpoints+%s%s%s",
                    PACKET_MAX - 16, g->swbreak ? ";swbreak+" : "",
                    g->hwbreak ? ";hwbreak+" : "",
                    replay_can_reverse(g->replay)
                        ? ";ReverseStep+;ReverseContinue+"
                        : "");
    stub_send_reply(g);
}

static void no_ack(Gdbstub *g, const char *args, size_t len)
{
    stub_send(g, "OK");
    g->no_ack = true;
}

/* "ANNEX:OFFSET,LENGTH" of target.xml, which the view holds whole. */
static void features(Gdbstub *g, const char *args, size_t len)
{
    uint64_t offset, want;
    if (!g_str_has_prefix(args, "target.xml:")) {
        stub_send(g, "E00");
        return;
    }
    args += strlen("target.xml:");
    if (!packet_get_number(&args, &offset) || !packet_get_char(&args, ',') ||
        !packet_get_number(&args, &want)) {
        stub_send(g, "E22");
        return;
    }
    size_t total = strlen(g->view->xml);
    if (offset > total) {
        stub_send(g, "E22");
        return;
    }
    size_t n = MIN(MIN(want, PACKET_MAX / 2), total - offset);
    g_string_append_c(g->reply, offset + n < total ? 'm' : 'l');
    g_string_append_len(g->reply, g->view->xml + offset, n);
    stub_send_reply(g);
}

static void first_threads(Gdbstub *g, const char *args, size_t len)
{
    g_string_append_c(g->reply, 'm');
    for (guint i = 0; i < g->machine->cpus->len; i++) {
        g_string_append_printf(g->reply, "%s%02x", i ? "," : "", i + 1);
    }
    stub_send_reply(g);
}

static void more_threads(Gdbstub *g, const char *args, size_t len)
{
    stub_send(g, "l");
}

/* A thread id names a vCPU, from 1; 0 and -1 mean any. */
static bool thread_cpu(Gdbstub *g, const char *args, Cpu **cpu)
{
    uint64_t id;
    if (g_str_equal(args, "-1")) {
        id = 1;
    } else if (!packet_get_number(&args, &id) || *args) {
        return false;
    }
    id = MAX(id, 1);
    if (id > g->machine->cpus->len) {
        return false;
    }
    *cpu = g_ptr_array_index(g->machine->cpus, id - 1);
    return true;
}

static void thread_info(Gdbstub *g, const char *args, size_t len)
{
    Cpu *cpu;
    if (!thread_cpu(g, args, &cpu)) {
        stub_send(g, "E22");
        return;
    }
    g_autofree char *text = g_strdup_printf(
        "CPU#%d [%s]", cpu->index,
        cpu->cls->halted(cpu) ? "halted" : "running");
    packet_put_hex(g->reply, text, strlen(text));
    stub_send_reply(g);
}

static void attached(Gdbstub *g, const char *args, size_t len)
{
    stub_send(g, "1");
}

static void symbol(Gdbstub *g, const char *args, size_t len)
{
    stub_send(g, "OK");
}

static void current_thread(Gdbstub *g, const char *args, size_t len)
{
    stub_send(g, "QC01");
}

static void select_thread(Gdbstub *g, const char *args, size_t len)
{
    Cpu *cpu;
    bool op = *args == 'g' || *args == 'c';
    answer(g, op && thread_cpu(g, args + 1, &cpu), "E22");
}

static void thread_alive(Gdbstub *g, const char *args, size_t len)
{
    Cpu *cpu;
    answer(g, thread_cpu(g, args, &cpu), "E22");
}

static void why(Gdbstub *g, const char *args, size_t len)
{
    stub_send(g, g->last_stop);
}

static bool quitting(Gdbstub *g)
{
    int code;
    return runstate_quit_requested(g->machine, &code);
}

static void monitor(Gdbstub *g, const char *args, size_t len)
{
    g_autofree char *line = g_malloc0(len / 2 + 1);
    if (len % 2 || !packet_get_hex(args, line, len / 2)) {
        stub_send(g, "E22");
        return;
    }
    g_autofree char *out = monitor_run_hmp(g->machine, g->replay, line);
    stub_send_text(g, out, strlen(out));
    stub_send(g, "OK"); /* ends it */
    if (quitting(g)) {
        chardev_drain(g->chr);
    }
}

/* --- registers --------------------------------------------------------------------- */

static unsigned reg_bytes(const CpuReg *reg)
{
    return (reg->bits + 7) / 8;
}

static void put_reg(Gdbstub *g, const CpuReg *reg)
{
    packet_put_value(g->reply, reg->get(stub_cpu(g), reg->n), reg_bytes(reg));
}

/* Asks for a change, and answers. */
static void change(Gdbstub *g, const GateChange *c)
{
    Error *err = NULL;
    if (gate_change(g->machine, g->replay, c, &err) == GATE_REFUSED) {
        stub_send_error(g, err);
    } else {
        stub_send(g, "OK");
    }
}

/* False if the digits are not a value of the register. */
static bool get_value(const CpuReg *reg, const char *hex, uint64_t *v)
{
    uint8_t bytes[32] = { 0 };
    unsigned size = reg_bytes(reg);
    g_assert(size <= sizeof bytes);
    *v = 0;
    if (!packet_get_hex(hex, bytes, size)) {
        return false;
    }
    for (unsigned i = 0; i < MIN(size, 8); i++) {
        *v |= (uint64_t)bytes[i] << (8 * i);
    }
    return true;
}

static GateChange register_change(Gdbstub *g, const CpuReg *reg, uint64_t v)
{
    return (GateChange){ .what = GATE_REGISTER, .cpu = stub_cpu(g)->index,
                         .name = reg->name, .value = v };
}

static void read_all(Gdbstub *g, const char *args, size_t len)
{
    if (!guest_may_be_touched(g)) {
        return;
    }
    stub_cpu(g)->cls->sync(stub_cpu(g));
    for (unsigned i = 0; i < g->view->count; i++) {
        put_reg(g, &g->view->regs[i]);
    }
    stub_send_reply(g);
}

/* The values of all registers, which must be there, or at least those of the
 * first ones. */
static bool get_values(Gdbstub *g, const char *args, size_t len, uint64_t *v,
                       unsigned *count)
{
    const char *end = args + len;
    for (*count = 0; *count < g->view->count && args < end; (*count)++) {
        const CpuReg *reg = &g->view->regs[*count];
        if (end - args < 2 * (ptrdiff_t)reg_bytes(reg) ||
            !get_value(reg, args, &v[*count])) {
            return false;
        }
        args += 2 * reg_bytes(reg);
    }
    return args == end;
}

static void write_all(Gdbstub *g, const char *args, size_t len)
{
    g_autofree uint64_t *v = g_new(uint64_t, g->view->count);
    unsigned count;
    Error *err = NULL;
    if (!get_values(g, args, len, v, &count)) {
        stub_send(g, "E22");
        return;
    }
    for (unsigned i = 0; i < count && !err; i++) {
        GateChange c = register_change(g, &g->view->regs[i], v[i]);
        gate_change(g->machine, g->replay, &c, &err);
    }
    if (err) {
        stub_send_error(g, err);
    } else {
        stub_send(g, "OK");
    }
}

static void read_reg(Gdbstub *g, const char *args, size_t len)
{
    uint64_t n;
    if (!guest_may_be_touched(g)) {
        return;
    }
    if (!packet_get_number(&args, &n) || n >= g->view->count) {
        stub_send(g, "E22");
        return;
    }
    stub_cpu(g)->cls->sync(stub_cpu(g));
    put_reg(g, &g->view->regs[n]);
    stub_send_reply(g);
}

static void write_reg(Gdbstub *g, const char *args, size_t len)
{
    uint64_t n, v;
    if (!packet_get_number(&args, &n) || n >= g->view->count ||
        !packet_get_char(&args, '=') ||
        strlen(args) != 2 * reg_bytes(&g->view->regs[n]) ||
        !get_value(&g->view->regs[n], args, &v)) {
        stub_send(g, "E22");
        return;
    }
    GateChange c = register_change(g, &g->view->regs[n], v);
    change(g, &c);
}

/* --- memory ------------------------------------------------------------------------- */

static bool get_range(const char **args, uint64_t *addr, uint64_t *len)
{
    return packet_get_number(args, addr) && packet_get_char(args, ',') &&
           packet_get_number(args, len) && *len < PACKET_MAX;
}

static void read_mem(Gdbstub *g, const char *args, size_t len)
{
    uint64_t addr, n;
    if (!get_range(&args, &addr, &n) || n > PACKET_MAX / 2) {
        stub_send(g, "E22");
        return;
    }
    g_autofree uint8_t *buf = g_malloc(n + 1);
    if (!cpu_read_debug(stub_cpu(g), addr, buf, n)) {
        stub_send(g, "E14");
        return;
    }
    packet_put_hex(g->reply, buf, n);
    stub_send_reply(g);
}

static void store(Gdbstub *g, uint64_t addr, const uint8_t *data, uint64_t n)
{
    g_autofree uint8_t *old = g_malloc(n + 1);
    if (!cpu_read_debug(stub_cpu(g), addr, old, n)) {
        stub_send(g, "E14");
        return;
    }
    GateChange c = { .what = GATE_MEMORY, .cpu = stub_cpu(g)->index,
                     .addr = addr, .data = data, .len = n };
    change(g, &c);
}

#define CRC_POLYNOMIAL 0x04c11db7u
/* More would keep everybody else waiting. */
#define CRC_MAX_BYTES (64 * MIB)

static uint32_t crc_more(uint32_t crc, const uint8_t *p, size_t n)
{
    while (n--) {
        crc ^= (uint32_t)*p++ << 24;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc << 1 ^ (crc >> 31 ? CRC_POLYNOMIAL : 0);
        }
    }
    return crc;
}

/* "ADDR,LENGTH": the CRC of the manual's qCRC packet, high bit first. */
static void memory_crc(Gdbstub *g, const char *args, size_t len)
{
    uint64_t addr, n;
    uint32_t crc = 0xffffffff;
    if (!guest_may_be_touched(g)) {
        return;
    }
    if (!packet_get_number(&args, &addr) || !packet_get_char(&args, ',') ||
        !packet_get_number(&args, &n) || *args || n > CRC_MAX_BYTES) {
        stub_send(g, "E22");
        return;
    }
    for (uint8_t page[PAGE_SIZE]; n;) {
        size_t part = MIN(n, sizeof page);
        if (!cpu_read_debug(stub_cpu(g), addr, page, part)) {
            stub_send(g, "E14");
            return;
        }
        crc = crc_more(crc, page, part);
        addr += part;
        n -= part;
    }
    g_string_printf(g->reply, "C%08x", crc);
    stub_send_reply(g);
}

static void write_mem(Gdbstub *g, const char *args, size_t len)
{
    uint64_t addr, n;
    if (!get_range(&args, &addr, &n) || !packet_get_char(&args, ':') ||
        strlen(args) != 2 * n) {
        stub_send(g, "E22");
        return;
    }
    g_autofree uint8_t *buf = g_malloc(n + 1);
    if (!packet_get_hex(args, buf, n)) {
        stub_send(g, "E22");
        return;
    }
    store(g, addr, buf, n);
}

static void write_mem_binary(Gdbstub *g, const char *args, size_t len)
{
    uint64_t addr, n;
    const char *end = args + len;
    if (!get_range(&args, &addr, &n) || !packet_get_char(&args, ':') ||
        (uint64_t)(end - args) != n) {
        stub_send(g, "E22");
        return;
    }
    store(g, addr, (const uint8_t *)args, n);
}

/* --- running --------------------------------------------------------------------------- */

/* "[ADDR]": where to go on. False after an answer. */
static bool set_pc(Gdbstub *g, const char *args)
{
    uint64_t pc;
    Error *err = NULL;
    if (!*args) {
        return true;
    }
    if (!packet_get_number(&args, &pc) || *args) {
        stub_send(g, "E22");
        return false;
    }
    GateChange c = register_change(g, &g->view->regs[g->view->pc], pc);
    if (gate_change(g->machine, g->replay, &c, &err) == GATE_REFUSED) {
        stub_send_error(g, err);
        return false;
    }
    return true;
}

static void cont(Gdbstub *g, const char *args, size_t len)
{
    if (set_pc(g, args)) {
        resume_continue(g);
    }
}

static void step(Gdbstub *g, const char *args, size_t len)
{
    if (set_pc(g, args)) {
        resume_step(g);
    }
}

/* "SIG[;ADDR]": a machine takes no signals. */
static const char *skip_signal(const char *args)
{
    const char *semicolon = strchr(args, ';');
    return semicolon ? semicolon + 1 : "";
}

static void cont_signal(Gdbstub *g, const char *args, size_t len)
{
    cont(g, skip_signal(args), 0);
}

static void step_signal(Gdbstub *g, const char *args, size_t len)
{
    step(g, skip_signal(args), 0);
}

static void vcont_query(Gdbstub *g, const char *args, size_t len)
{
    stub_send(g, "vCont;c;C;s;S");
}

/* The first action decides: there is one vCPU. */
static void vcont(Gdbstub *g, const char *args, size_t len)
{
    switch (*args) {
    case 'c':
    case 'C':
        resume_continue(g);
        break;
    case 's':
    case 'S':
        resume_step(g);
        break;
    default:
        stub_send(g, "E22");
    }
}

static void reverse_step(Gdbstub *g, const char *args, size_t len)
{
    resume_reverse(g, true);
}

static void reverse_continue(Gdbstub *g, const char *args, size_t len)
{
    resume_reverse(g, false);
}

/* --- points ------------------------------------------------------------------------------ */

/* "X LEN,BYTES" */
static GBytes *get_condition(const char **args)
{
    uint64_t n;
    if (!packet_get_char(args, 'X') || !packet_get_number(args, &n) ||
        !packet_get_char(args, ',') || n > PACKET_MAX) {
        return NULL;
    }
    g_autofree uint8_t *code = g_malloc(n + 1);
    if (!packet_get_hex(*args, code, n)) {
        return NULL;
    }
    *args += 2 * n;
    return g_bytes_new(code, n);
}

/* What may follow a breakpoint: ";" and conditions. Commands to be run at the
 * target are not supported, and we do not say that they are. */
static bool get_conditions(const char *args, Point *p)
{
    while (*args) {
        packet_get_char(&args, ';');
        GBytes *code = get_condition(&args);
        if (!code) {
            g_clear_pointer(&p->conditions, g_ptr_array_unref);
            return false;
        }
        if (!p->conditions) {
            p->conditions = g_ptr_array_new_with_free_func(
                (GDestroyNotify)g_bytes_unref);
        }
        g_ptr_array_add(p->conditions, code);
    }
    return true;
}

/* "TYPE,ADDR,KIND[;…]" */
static bool get_point(const char *args, Point *p)
{
    uint64_t type;
    if (!packet_get_number(&args, &type) || type >= POINT_TYPE_COUNT ||
        !packet_get_char(&args, ',')) {
        return false;
    }
    p->type = type;
    p->conditions = NULL;
    return get_range(&args, &p->addr, &p->len) && get_conditions(args, p);
}

static void insert_point(Gdbstub *g, const char *args, size_t len)
{
    Point p = { 0 };
    bool ok = get_point(args, &p) && point_insert(g, &p);
    if (!ok) {
        g_clear_pointer(&p.conditions, g_ptr_array_unref);
    }
    answer(g, ok, "E22");
}

static void remove_point(Gdbstub *g, const char *args, size_t len)
{
    Point p = { 0 };
    bool ok = get_point(args, &p);
    if (ok) {
        g_clear_pointer(&p.conditions, g_ptr_array_unref);
    }
    answer(g, ok && point_remove(g, &p), "E22");
}

/* --- leaving ------------------------------------------------------------------------------- */

static void detach(Gdbstub *g, const char *args, size_t len)
{
    resume_detached(g);
}

static void kill_machine(Gdbstub *g, const char *args, size_t len)
{
    runstate_quit(g->machine, CAUSE_HOST_UI, 0);
}

static void vkill(Gdbstub *g, const char *args, size_t len)
{
    stub_send(g, "OK");
    kill_machine(g, "", 0);
}
