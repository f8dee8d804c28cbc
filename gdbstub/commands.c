/*
 * The packets of commands.def, carried out and answered.
 *
 * Those about registers and memory are in files of their own. Malformed packets get E22, addresses that are not there
 * E14, as errno numbers in the fashion of gdbserver.
 */
#include "commands.h"
#include "svc/monitor.h"

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
    CommandHandler *handler;
} commands[] = {
#define GDB_COMMAND(prefix, rest, handler, what) \
    { prefix, rest, handle_##handler },
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

void command_answer(Gdbstub *g, bool ok, const char *error)
{
    stub_send(g, ok ? "OK" : error);
}

bool command_may_look(Gdbstub *g)
{
    if (!runstate_running(g->machine)) {
        return true;
    }
    stub_send(g, "E16");
    return false;
}

void command_change(Gdbstub *g, const GateChange *c)
{
    Error *err = NULL;
    if (gate_change(g->machine, g->replay, c, &err) == GATE_REFUSED) {
        stub_send_error(g, err);
    } else {
        stub_send(g, "OK");
    }
}

/* --- about us ------------------------------------------------------------------- */

void handle_supported(Gdbstub *g, const char *args, size_t len)
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

void handle_no_ack(Gdbstub *g, const char *args, size_t len)
{
    stub_send(g, "OK");
    g->no_ack = true;
}

void handle_first_threads(Gdbstub *g, const char *args, size_t len)
{
    g_string_append_c(g->reply, 'm');
    for (guint i = 0; i < g->machine->cpus->len; i++) {
        g_string_append_printf(g->reply, "%s%02x", i ? "," : "", i + 1);
    }
    stub_send_reply(g);
}

void handle_more_threads(Gdbstub *g, const char *args, size_t len)
{
    stub_send(g, "l");
}

/* A thread id names a vCPU, from 1; 0 and -1 mean any: the present one. */
static bool thread_cpu(Gdbstub *g, const char *args, Cpu **cpu)
{
    uint64_t id;
    if (g_str_equal(args, "-1")) {
        id = 0;
    } else if (!packet_get_number(&args, &id) || *args) {
        return false;
    }
    *cpu = id ? stub_nth_cpu(g, id - 1) : g->cpu;
    return *cpu != NULL;
}

void handle_thread_info(Gdbstub *g, const char *args, size_t len)
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

void handle_attached(Gdbstub *g, const char *args, size_t len)
{
    stub_send(g, "1");
}

void handle_symbol(Gdbstub *g, const char *args, size_t len)
{
    stub_send(g, "OK");
}

void handle_current_thread(Gdbstub *g, const char *args, size_t len)
{
    g_string_append_printf(g->reply, "QC%02x", g->cpu->index + 1);
    stub_send_reply(g);
}

void handle_select_thread(Gdbstub *g, const char *args, size_t len)
{
    Cpu *cpu;
    bool any = g_str_equal(args + 1, "0") || g_str_equal(args + 1, "-1");
    bool known = (*args == 'g' || *args == 'c') &&
                 thread_cpu(g, args + 1, &cpu);
    if (known && *args == 'g') {
        g->cpu = cpu;
    } else if (known) {
        g->resume_cpu = any ? NULL : cpu;
    }
    command_answer(g, known, "E22");
}

void handle_thread_alive(Gdbstub *g, const char *args, size_t len)
{
    Cpu *cpu;
    command_answer(g, thread_cpu(g, args, &cpu), "E22");
}

void handle_why(Gdbstub *g, const char *args, size_t len)
{
    stub_send(g, g->last_stop);
}

static bool quitting(Gdbstub *g)
{
    int code;
    return runstate_quit_requested(g->machine, &code);
}

void handle_monitor(Gdbstub *g, const char *args, size_t len)
{
    g_autofree char *line = g_malloc0(len / 2 + 1);
    if (len % 2 || !packet_get_hex(args, line, len / 2)) {
        stub_send(g, "E22");
        return;
    }
    unsigned cpu = g->cpu->index;
    g_autofree char *out = monitor_run_hmp(g->machine, g->replay, &cpu, line);
    stub_send_text(g, out, strlen(out));
    stub_send(g, "OK"); /* ends it */
    if (quitting(g)) {
        chardev_drain(g->chr);
    }
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
    GateChange c = register_set_pc(g, pc);
    if (gate_change(g->machine, g->replay, &c, &err) == GATE_REFUSED) {
        stub_send_error(g, err);
        return false;
    }
    return true;
}

void handle_cont(Gdbstub *g, const char *args, size_t len)
{
    if (set_pc(g, args)) {
        resume_continue(g);
    }
}

void handle_step(Gdbstub *g, const char *args, size_t len)
{
    if (set_pc(g, args)) {
        resume_step(g, g->resume_cpu ? g->resume_cpu : g->cpu);
    }
}

/* "SIG[;ADDR]": a machine takes no signals. */
static const char *skip_signal(const char *args)
{
    const char *semicolon = strchr(args, ';');
    return semicolon ? semicolon + 1 : "";
}

void handle_cont_signal(Gdbstub *g, const char *args, size_t len)
{
    handle_cont(g, skip_signal(args), 0);
}

void handle_step_signal(Gdbstub *g, const char *args, size_t len)
{
    handle_step(g, skip_signal(args), 0);
}

void handle_vcont_query(Gdbstub *g, const char *args, size_t len)
{
    stub_send(g, "vCont;c;C;s;S");
}

/* "c", "s", "C05", "S05", each perhaps with ":THREAD". False: it is none of
 * these. A step: *step is whose. */
static bool vcont_action(Gdbstub *g, const char *action, Cpu **step)
{
    char op = *action;
    bool known = op && strchr("cCsS", op);
    action += !known ? 0 : op == 'C' || op == 'S' ? strcspn(action, ":") : 1;
    Cpu *cpu = g->cpu;
    if (!known || (*action && (*action != ':' ||
                               !thread_cpu(g, action + 1, &cpu)))) {
        return false;
    }
    if (op == 's' || op == 'S') {
        *step = cpu;
    }
    return true;
}

/* Threads share one machine, whose schedule is not the debugger's to change: if
 * one is to be stepped, the others go on until it has. */
void handle_vcont(Gdbstub *g, const char *args, size_t len)
{
    Cpu *step = NULL;
    g_auto(GStrv) actions = g_strsplit(args, ";", -1);
    bool known = *actions != NULL;
    for (char **a = actions; known && *a && !step; a++) {
        known = vcont_action(g, *a, &step);
    }
    if (!known) {
        stub_send(g, "E22");
    } else if (step) {
        resume_step(g, step);
    } else {
        resume_continue(g);
    }
}

void handle_reverse_step(Gdbstub *g, const char *args, size_t len)
{
    resume_reverse(g, true);
}

void handle_reverse_continue(Gdbstub *g, const char *args, size_t len)
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
    return memory_get_range(&args, &p->addr, &p->len) && get_conditions(args, p);
}

void handle_insert_point(Gdbstub *g, const char *args, size_t len)
{
    Point p = { 0 };
    bool ok = get_point(args, &p) && point_insert(g, &p);
    if (!ok) {
        g_clear_pointer(&p.conditions, g_ptr_array_unref);
    }
    command_answer(g, ok, "E22");
}

void handle_remove_point(Gdbstub *g, const char *args, size_t len)
{
    Point p = { 0 };
    bool ok = get_point(args, &p);
    if (ok) {
        g_clear_pointer(&p.conditions, g_ptr_array_unref);
    }
    command_answer(g, ok && point_remove(g, &p), "E22");
}

/* --- leaving ------------------------------------------------------------------------------- */

void handle_detach(Gdbstub *g, const char *args, size_t len)
{
    resume_detached(g);
}

void handle_kill_machine(Gdbstub *g, const char *args, size_t len)
{
    runstate_quit(g->machine, CAUSE_HOST_UI, 0);
}

void handle_vkill(Gdbstub *g, const char *args, size_t len)
{
    stub_send(g, "OK");
    handle_kill_machine(g, "", 0);
}
