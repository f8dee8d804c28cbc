/*
 * Diversions: throw-away branches of a replay, for what a debugger writes.
 *
 * A diversion begins with the first write, at a checkpoint, and ends there:
 * when execution goes on, when the machine travels, when nobody debugs any
 * more. So the replay stays what was recorded.
 *
 * If the debugger has set another pc or stack pointer, that is no place of the
 * recording, and to go on means to run the diversion: gdb's `print f(3)` writes arguments and
 * a pc, lets the guest run into a breakpoint at the return address, and writes
 * the registers back. Meanwhile the world is as silent as in the replay: a
 * source is plugged in that has no inputs at all, output is muted, disks are
 * overlays, and what would end or stop the process only ends the run. The
 * diversion ends when the debugger has written all registers back to what they
 * were, and then everything else is what it was, too.
 */
#include "internal.h"
#include "vm/cpu.h"
#include "vm/debug-write.h"

/* The registers of a vCPU, by its view. */
typedef struct TrueRegs {
    const CpuGdbView *view;
    CpuRegValue *regs;     /* where the diversion began */
    CpuRegValue *wanted;   /* now, or what the debugger wrote since it ran */
    bool fresh;            /* wanted is of the present stop */
} TrueRegs;

static CpuRegValue *read_registers(Cpu *cpu, const CpuGdbView *view)
{
    CpuRegValue *regs = g_new(CpuRegValue, view->count);
    for (unsigned i = 0; i < view->count; i++) {
        cpu_reg_get(cpu, &view->regs[i], &regs[i]);
    }
    return regs;
}

static void true_regs_clear(void *opaque)
{
    TrueRegs *t = opaque;
    g_free(t->regs);
    g_free(t->wanted);
}

static TrueRegs *true_regs(const Replay *r, unsigned cpu)
{
    return &g_array_index(r->true_regs, TrueRegs, cpu);
}

void replay_diversion_begin(Replay *r)
{
    if (!replay_can_reverse(r) || r->mode != REPLAY_PLAY || r->diversion ||
        r->m->debug.travelling) {
        return;
    }
    r->diversion = checkpoint_take(r->timeline);
    r->true_regs = g_array_new(FALSE, TRUE, sizeof(TrueRegs));
    g_array_set_clear_func(r->true_regs, true_regs_clear);
    for (guint i = 0; i < r->m->cpus->len; i++) {
        Cpu *cpu = g_ptr_array_index(r->m->cpus, i);
        TrueRegs t = { .view = cpu->cls->gdb_view(cpu) };
        t.regs = read_registers(cpu, t.view);
        g_array_append_val(r->true_regs, t);
    }
}

static bool changed(const TrueRegs *t, Cpu *cpu, unsigned n)
{
    CpuRegValue now;
    cpu_reg_get(cpu, &t->view->regs[n], &now);
    return memcmp(&now, &t->regs[n], sizeof now);
}

/* A call of the function at whose start the machine stands changes the stack
 * pointer only. */
bool replay_diverts(const Replay *r)
{
    if (!r || !r->diversion || r->m->debug.travelling) {
        return false;
    }
    for (guint i = 0; i < r->m->cpus->len; i++) {
        const TrueRegs *t = true_regs(r, i);
        Cpu *cpu = g_ptr_array_index(r->m->cpus, i);
        if (changed(t, cpu, t->view->pc) || changed(t, cpu, t->view->sp)) {
            return true;
        }
    }
    return r->diverted;
}

/* --- running one ---------------------------------------------------------------------- */

static void no_answer(void *opaque, NondetPort *p, void *out, size_t len)
{
    memset(out, 0, len);
}

static const NondetSource silence = {
    .mode = "diverted",
    .wants_input = false,
    .pull = no_answer,
    .pull_rare = no_answer,
};

void diversion_run(Replay *r)
{
    for (guint i = 0; i < r->true_regs->len; i++) {
        true_regs(r, i)->fresh = false;
    }
    if (r->diverted) {
        return;
    }
    r->diverted = true;
    replay_leave(r);
    nondet_set_source(r->m, &silence);
    sched_set_log_end(r->m, ICOUNT_NONE);
    if (r->mute && !r->present) {
        r->mute(r->mute_opaque, true);
    }
}

/* What would end the process or the machine only ends the run. */
static void handle_requests(Machine *m)
{
    if (runstate_drop_shutdown(m)) {
        runstate_set(m, RUN_DEBUG);
    }
    runstate_handle_requests(m);
}

void diversion_slice(Replay *r, uint64_t max_insns)
{
    Machine *m = r->m;
    SchedStop stop = sched_run(m, machine_icount(m) + max_insns);
    m->sched.at_boundary = false;
    switch (stop) {
    case SCHED_BREAKPOINT:
    case SCHED_WATCHPOINT:
    case SCHED_WAIT:
    case SCHED_LOG_END: /* it sleeps, and nothing will wake it */
        runstate_set(m, RUN_DEBUG);
        break;
    case SCHED_LIMIT:
    case SCHED_WORK:
    case SCHED_REQUEST:
        handle_requests(m);
        break;
    }
}

/* --- ending ------------------------------------------------------------------------------- */

static void back_to_the_log(Replay *r)
{
    r->diverted = false;
    sched_set_step(r->m, NULL);
    player_plug(&r->play, r);
    sched_set_log_end(r->m, log_reader_end(r->play.log));
    if (r->mute && !r->present) {
        r->mute(r->mute_opaque, false);
    }
    if (runstate_running(r->m)) {
        runstate_set(r->m, RUN_PAUSED);
    }
}

void replay_diversion_end(Replay *r)
{
    if (!r || !r->diversion || r->m->debug.travelling) {
        return;
    }
    Checkpoint *cp = r->diversion;
    r->diversion = NULL;
    g_clear_pointer(&r->true_regs, g_array_unref);
    if (r->diverted) {
        back_to_the_log(r);
    }
    checkpoint_restore(r->timeline, cp);
    checkpoint_free(r->timeline, cp);
}

static bool all_written_back(const Replay *r)
{
    for (guint i = 0; i < r->true_regs->len; i++) {
        const TrueRegs *t = true_regs(r, i);
        if (!t->fresh || memcmp(t->wanted, t->regs,
                                t->view->count * sizeof *t->regs)) {
            return false;
        }
    }
    return true;
}

void diversion_wrote_register(Replay *r, const DebugWrite *w)
{
    if (!r->diverted) {
        return;
    }
    for (guint i = 0; i < r->true_regs->len; i++) {
        TrueRegs *t = true_regs(r, i);
        if (!t->fresh) {
            g_free(t->wanted);
            t->wanted = read_registers(g_ptr_array_index(r->m->cpus, i),
                                       t->view);
            t->fresh = true;
        }
    }
    TrueRegs *t = true_regs(r, w->cpu);
    const CpuReg *reg = cpu_reg_find(g_ptr_array_index(r->m->cpus, w->cpu),
                                     w->data, w->len);
    if (reg >= t->view->regs && reg < t->view->regs + t->view->count) {
        t->wanted[reg - t->view->regs] = w->value;
    }
    if (all_written_back(r)) {
        replay_diversion_end(r);
    }
}
