/*
 * The gate. See svc/gate.h.
 *
 *              no record/replay   recording         replay, or a recording's past
 *   command    posted             posted            refused
 *   debugger   posted             posted            diverted; refused without a
 *                                                   timeline
 *
 * and refused whenever the machine is on a journey, or runs and a debugger
 * wants to write.
 */
#include "svc/gate.h"

#include "internal.h"
#include "vm/debug-write.h"

/* With room for what a post says besides. */
#define CHANGE_BYTES_MAX (NONDET_POST_MAX - 256)

void gate_init(Machine *m)
{
    m->debug_port->sink = debug_write_sink;
    m->debug_port->device = m;
}

/* What changes a machine that stands still happens at once. */
static void post_now(Machine *m, NondetPort *port, const void *data, size_t len)
{
    m->sched.revisited =
        machine_icount(m) == m->sched.arrived || machine_has_begun(m);
    nondet_post_now(port, data, len);
    m->sched.at_boundary = false;
}

/* --- commands ------------------------------------------------------------------------- */

static GateAnswer post_command(Machine *m, const GateChange *c, Error **errp)
{
    if (!nondet_wants_input(m)) {
        error_set(errp, "%s would change the guest: not possible in replay",
                  c->name);
        return GATE_REFUSED;
    }
    if (!runstate_running(m) && g_str_equal(c->name, "system_reset")) {
        post_now(m, m->command_port, c->data, c->len);
        runstate_handle_requests(m);
    } else {
        nondet_post(m->command_port, c->data, c->len);
    }
    return GATE_POSTED;
}

/* --- a debugger's writes ----------------------------------------------------------------- */

static DebugWrite as_write(const GateChange *c)
{
    bool memory = c->what == GATE_MEMORY;
    return (DebugWrite){
        .what = memory ? DEBUG_MEMORY : DEBUG_REGISTER,
        .cpu = c->cpu,
        .addr = c->addr,
        .physical = c->physical,
        .value = c->value,
        .data = memory ? c->data : c->name,
        .len = memory ? c->len : strlen(c->name),
    };
}

static CpuRegValue present_value(Machine *m, const DebugWrite *w)
{
    Cpu *cpu = g_ptr_array_index(m->cpus, w->cpu);
    CpuRegValue v = { 0 };
    if (w->what == DEBUG_REGISTER) {
        cpu_reg_get(cpu, cpu_reg_find(cpu, w->data, w->len), &v);
    }
    return v;
}

static bool same_value(const CpuRegValue *a, const CpuRegValue *b)
{
    return !memcmp(a, b, sizeof *a);
}

/* A register that has the value already is no change: gdb writes all of them
 * to change one. */
static bool changes(Machine *m, const DebugWrite *w)
{
    CpuRegValue old = present_value(m, w);
    return w->what == DEBUG_MEMORY ? w->len : !same_value(&old, &w->value);
}

static void post_write(Machine *m, const DebugWrite *w)
{
    g_autoptr(GByteArray) payload = debug_write_encode(w);
    post_now(m, m->debug_port, payload->data, payload->len);
}

static GateAnswer divert(Replay *r, const DebugWrite *w, Error **errp)
{
    if (!replay_can_reverse(r)) {
        error_set(errp, "a replay can be written to only with a timeline "
                  "(-replay-timeline), which leads back to what was recorded");
        return GATE_REFUSED;
    }
    if (changes(r->m, w)) {
        replay_diversion_begin(r);
        debug_write_apply(r->m, w);
    }
    if (w->what == DEBUG_REGISTER) {
        diversion_wrote_register(r, w);
    }
    return GATE_DIVERTED;
}

static GateAnswer post_or_divert(Machine *m, Replay *r, const DebugWrite *w,
                                 Error **errp)
{
    if (replay_mode(r) == REPLAY_PLAY) {
        return divert(r, w, errp);
    }
    if (changes(m, w)) {
        post_write(m, w);
    }
    return GATE_POSTED;
}

/* The processor's rules hold for debuggers, too: who wrote a value that it does
 * not take must hear that, or would go on to see it. */
static bool took(Machine *m, const DebugWrite *w, const CpuRegValue *old,
                 Error **errp)
{
    CpuRegValue now = present_value(m, w);
    if (!same_value(&now, old) || same_value(&now, &w->value)) {
        return true;
    }
    error_set(errp, "register '%.*s' cannot have this value now: it keeps "
              "what it has", (int)w->len, (const char *)w->data);
    return false;
}

static GateAnswer debugger(Machine *m, Replay *r, const DebugWrite *w,
                           Error **errp)
{
    if (runstate_running(m)) {
        error_set(errp, "the machine is running: stop it first");
        return GATE_REFUSED;
    }
    if (!debug_write_possible(m, w, errp)) {
        return GATE_REFUSED;
    }
    CpuRegValue old = present_value(m, w);
    bool was_diverted = r && r->diverted;
    GateAnswer answer = post_or_divert(m, r, w, errp);
    bool ended = was_diverted && !r->diverted;
    return answer == GATE_REFUSED || ended || took(m, w, &old, errp)
               ? answer : GATE_REFUSED;
}

GateAnswer gate_change(Machine *m, Replay *r, const GateChange *c,
                       Error **errp)
{
    if (m->debug.travelling) {
        error_set(errp, "the machine is on its way to another icount");
        return GATE_REFUSED;
    }
    if (c->len > CHANGE_BYTES_MAX) {
        error_set(errp, "%s has more than %zu bytes",
                  c->name ? c->name : "a write to memory",
                  CHANGE_BYTES_MAX);
        return GATE_REFUSED;
    }
    if (c->what == GATE_COMMAND) {
        return post_command(m, c, errp);
    }
    DebugWrite w = as_write(c);
    return debugger(m, r, &w, errp);
}

/* --- going on -------------------------------------------------------------------------------- */

static bool may_go_on(Machine *m, Error **errp)
{
    RunState s = runstate(m);
    const char *why =
        m->debug.travelling ? "the machine is on its way to another icount"
        : s == RUN_SHUTDOWN ? "Resetting the Virtual Machine is required"
        : s == RUN_INTERNAL_ERROR ? "the replay diverged: it cannot go on"
                                  : NULL;
    if (why) {
        error_set(errp, "%s", why);
    }
    return !why;
}

bool gate_run(Machine *m, Replay *r, const Cpu *step, Error **errp)
{
    if (!may_go_on(m, errp)) {
        return false;
    }
    if (runstate_running(m)) {
        return true;
    }
    if (!replay_may_continue(r, errp)) {
        return false;
    }
    if (replay_diverts(r)) {
        diversion_run(r);
    } else {
        replay_diversion_end(r);
    }
    sched_set_step(m, step);
    sched_skip_breakpoint(m);
    runstate_set(m, RUN_RUNNING);
    return true;
}
