/*
 * cpu_exec(): runs a CPU for an exact number of instructions.
 *
 * Between TBs the machine's icount is exact and the state is that of an
 * instruction boundary: interrupts, breakpoints and watchpoints are looked at
 * there. Inside a TB helpers leave by siglongjmp() to the setjmp in
 * cpu_exec(), after the state was brought to an instruction's start.
 */
#include "base/log.h"
#include "tb.h"
#include "vm/turn.h"
#include "vm/work.h"

/* Values of siglongjmp(). */
enum { LEAVE_EXCEPTION = 1, LEAVE_AGAIN };

/* --- bookkeeping ------------------------------------------------------------- */

/* Outside TBs the machine's stored icount is the truth. */
static void store_icount(Cpu *cpu)
{
    machine_set_icount(cpu->machine, cpu->run_end - cpu->budget);
}

/* More than any budget, and far from what 64 bits hold. */
#define STOP_BIAS ((int64_t)1 << 62)

void tcg_stop_chain(Cpu *cpu)
{
    if (cpu->in_tb && !cpu->stop_chain) {
        cpu->stop_chain = true;
        cpu->budget -= STOP_BIAS;
        cpu->run_end -= STOP_BIAS;
    }
}

static void end_run(Cpu *cpu)
{
    if (cpu->stop_chain) {
        cpu->stop_chain = false;
        cpu->budget += STOP_BIAS;
        cpu->run_end += STOP_BIAS;
    }
    cpu->in_tb = false;
    cpu->tb = NULL;
}

/* Leaves the TB being run with its first `retired` instructions done. */
static void leave_tb(Cpu *cpu, unsigned retired)
{
    cpu->budget += cpu->tb->insn_count - retired;
    end_run(cpu);
    store_icount(cpu);
}

static void to_insn_start(Cpu *cpu)
{
    const uint64_t *words = cpu->tb->words[cpu->fault_insn];
    TcgState *s = tcg_state(cpu);
    if (cpu->tb != once_tb(s)) {
        s->backend->restore_frame(cpu, cpu->tb);
    }
    cpu->watch_hit.valid = false;
    cpu->own_hit_count = 0;
    leave_tb(cpu, cpu->fault_insn);
    cpu->cls->restore(cpu, words);
}

void tcg_raise(Cpu *cpu)
{
    if (cpu->in_tb) {
        to_insn_start(cpu);
    }
    siglongjmp(cpu->jump, LEAVE_EXCEPTION);
}

bool tcg_present_insn(const Cpu *cpu, Icount *icount, GuestAddr *pc)
{
    if (!cpu->in_tb) {
        return false;
    }
    /* The whole TB was paid for when it was entered. */
    *icount = cpu->run_end - cpu->budget - cpu->tb->insn_count +
              cpu->fault_insn;
    *pc = cpu->tb->words[cpu->fault_insn][0];
    return true;
}

static bool is_last_insn(const Cpu *cpu)
{
    return !cpu->in_tb || cpu->fault_insn + 1u == cpu->tb->insn_count;
}

void tcg_need_last_insn(Cpu *cpu)
{
    if (is_last_insn(cpu)) {
        return;
    }
    TcgState *s = tcg_state(cpu);
    Tb *tb = cpu->tb;
    TbKey key;
    to_insn_start(cpu);
    cpu->last_insn_only = true;
    cpu->cls->tb_key(cpu, &key);
    g_assert(key.base == tb->key.base);
    s->aborts = MIN(s->aborts + ABORT_CHARGE, ABORT_MOST);
    cache_end_at(s, tb, key.pc);
    siglongjmp(cpu->jump, LEAVE_AGAIN);
}

void tcg_need_last_insn_once(Cpu *cpu)
{
    if (!is_last_insn(cpu)) {
        to_insn_start(cpu);
        cpu->last_insn_only = true;
        siglongjmp(cpu->jump, LEAVE_AGAIN);
    }
}

void tcg_drop_store(Cpu *cpu)
{
    if (cpu->in_tb) {
        tcg_state(cpu)->plain = PLAIN_TBS;
        if (cpu->tb->forwards) {
            tcg_need_last_insn(cpu);
        }
    }
}

void tcg_exit_retired(Cpu *cpu)
{
    g_assert(cpu->in_tb);
    leave_tb(cpu, cpu->fault_insn + 1);
    siglongjmp(cpu->jump, LEAVE_AGAIN);
}

void tcg_kick(Cpu *cpu)
{
    tcg_state(cpu)->kicked = true;
    cpu_stop_chain(machine_cpu(cpu->machine));
}

/* Something was delivered before the present instruction, which may go on for
 * ever: each storm of such events is paid for like an instruction. */
static void note_event(Cpu *cpu)
{
    machine_work(cpu->machine, WORK_EVENT);
    store_icount(cpu);
    if (machine_stalled(cpu->machine)) {
        cpu->budget--;
        store_icount(cpu);
        /* Inputs are taken on arrival at an icount, and who knows behind how
         * many events of one the next slices end. */
        if (nondet_pending(cpu->machine)) {
            cpu_kick(cpu);
        }
    }
    /* The run loop may have an input for this very place. */
    if (cpu->machine->sched.late_icount == machine_icount(cpu->machine)) {
        cpu_kick(cpu);
    }
}

/* --- debugging -------------------------------------------------------------------- */

static bool has_break(Cpu *cpu, const TbKey *key, BreakOwner owner)
{
    for (guint i = 0; i < cpu->breakpoints->len; i++) {
        const Breakpoint *b = &g_array_index(cpu->breakpoints, Breakpoint, i);
        bool here = b->addr == key->pc ||
                    (owner == BREAK_GDB &&
                     b->addr == cpu_code_offset(key->pc, key->base));
        if (b->owner == owner && here) {
            return true;
        }
    }
    return false;
}

/* The instruction that just retired hit watchpoints of the CPU itself. A
 * debugger's watchpoint on the same bytes makes no difference to that. */
static void tell_own_hits(Cpu *cpu)
{
    for (unsigned i = 0; i < cpu->own_hit_count; i++) {
        cpu->cls->debug_hit(cpu, &cpu->own_hits[i]);
    }
    cpu->own_hit_count = 0;
}

/* --- the loop ------------------------------------------------------------------------ */

static void log_entry(Cpu *cpu, const Tb *tb)
{
    log_printf(LOG_EXEC, "Trace %d: %p [%016" G_GINT64_MODIFIER "x/%016"
               G_GINT64_MODIFIER "x/%08x]\n", cpu->index, (void *)tb,
               tb->key.base, tb->key.pc, tb->key.flags);
    if (log_enabled(LOG_CPU)) {
        g_autoptr(GString) text = g_string_new(NULL);
        cpu->cls->sync(cpu);
        cpu->cls->print_registers(cpu, text);
        log_printf(LOG_CPU, "%s", text->str);
    }
}

static TbLimit present_limit(Cpu *cpu)
{
    bool single = cpu->last_insn_only ||
                  tcg_state(cpu)->options->one_insn_per_tb;
    return single ? TB_SINGLE : TB_FULL;
}

/* True if every TB must come back here. */
static bool one_by_one(const TcgState *s)
{
    return s->torture || log_enabled(LOG_NOCHAIN | LOG_EXEC | LOG_CPU);
}

static TbExit run_compiled(Cpu *cpu, TcgState *s, Tb *tb, Tb **last,
                           int *slot)
{
    cpu->in_tb = true;
    if (one_by_one(s) || !machine_work_left(cpu->machine)) {
        cpu_stop_chain(cpu);
    }
    return s->backend->run(cpu, tb, last, slot);
}

/* Runs what find_tb() found for a key. */
static TbExit run_tb(Cpu *cpu, const TbKey *key, Tb *tb, Tb **last, int *slot)
{
    TcgState *s = tcg_state(cpu);
    TbExit why;
    if (tb == once_tb(s)) {
        *slot = -1;
        *last = tb;
        why = once_run(cpu, key);
    } else {
        why = run_compiled(cpu, s, tb, last, slot);
    }
    s->left[why]++;
    end_run(cpu);
    machine_work(cpu->machine, WORK_LEAVE);
    return why;
}

/* Runs TBs until something must be looked at. */
static void run_tbs(Cpu *cpu, TbKey key)
{
    TcgState *s = tcg_state(cpu);
    /* Where every TB comes back here, all would join, and be ever shorter. */
    s->joins = !one_by_one(s);
    Tb *tb = find_tb(cpu, &key, present_limit(cpu));
    if (tb->insn_count > cpu->budget) {
        tb = find_tb(cpu, &key, TB_SINGLE);
    }
    cpu->last_insn_only = false;
    Tb *last;
    int slot;
    TbExit why;
    do {
        if (log_enabled(LOG_EXEC | LOG_CPU)) {
            log_entry(cpu, tb);
        }
        why = run_tb(cpu, &key, tb, &last, &slot);
        if (why == TB_EXIT_STALE) {
            cache_drop_stale(s, last);
        }
        /* Looking a TB up sets accessed bits and may fault: that belongs to
         * the next instruction, which may not run now. */
        if (why != TB_EXIT_LOOKUP || s->kicked || s->torture || !cpu->budget ||
            !machine_work_left(cpu->machine)) {
            break;
        }
        store_icount(cpu);
        uint64_t flushes = s->flushes;
        cpu->cls->tb_key(cpu, &key);
        /* A breakpoint comes before a fault of the fetch. */
        if (cpu->breakpoints->len &&
            cpu_breakpoint_at(cpu, key.pc, key.base)) {
            break;
        }
        s->joins = last->cut;
        tb = find_tb(cpu, &key, present_limit(cpu));
        if (slot >= 0 && s->flushes == flushes && !one_by_one(s) &&
            find_may_chain(last, slot, tb)) {
            cache_chain(s, last, slot, tb);
        }
    } while (tb->insn_count <= cpu->budget && !tb->has_break);
    store_icount(cpu);
}

/* What is to be looked at between TBs. True if cpu_exec() returns *why. */
static bool boundary(Cpu *cpu, TcgState *s, ExecStop *why)
{
    const CpuClass *cls = cpu->cls;
    store_icount(cpu);
    if (s->garbage->len) {
        cache_collect(s);
    }
    tell_own_hits(cpu);
    if (cpu->watch_hit.valid) {
        *why = EXEC_WATCHPOINT;
        return true;
    }
    if (s->kicked) {
        s->kicked = false;
        *why = EXEC_EVENT;
        return true;
    }
    if (!cpu->budget) {
        *why = EXEC_BUDGET;
        return true;
    }
    if (!machine_work_left(cpu->machine)) {
        *why = EXEC_EVENT;
        return true;
    }
    if (s->torture) {
        torture_boundary(cpu, s);
    }
    if (cls->interrupt(cpu)) {
        note_event(cpu);
        if (s->kicked || !cpu->budget) {
            *why = cpu->budget ? EXEC_EVENT : EXEC_BUDGET;
            s->kicked = false;
            return true;
        }
    }
    if (cls->halted(cpu)) {
        *why = EXEC_HALTED;
        return true;
    }
    return false;
}

/* True if the instruction at the boundary may not run (yet). */
static bool stopped_by_break(Cpu *cpu, const TbKey *key, ExecStop *why)
{
    if (!cpu->breakpoints->len || cpu->machine->debug.quiet) {
        return false;
    }
    Icount now = cpu->run_end - cpu->budget;
    bool skip = now == cpu->skip_break_icount && key->pc == cpu->skip_break_pc;
    if (!skip && has_break(cpu, key, BREAK_GDB) &&
        (!cpu->break_holds || cpu->break_holds(cpu->break_opaque, cpu))) {
        *why = EXEC_BREAKPOINT;
        return true;
    }
    return false;
}

/* True if a debug register's breakpoint raised an exception instead. */
static bool broken_by_own(Cpu *cpu, const TbKey *key)
{
    if (!cpu->breakpoints->len || !has_break(cpu, key, BREAK_CPU)) {
        return false;
    }
    find_note_code(cpu, key, 1);
    return cpu->cls->debug_break(cpu, key->pc);
}

ExecStop cpu_exec(Cpu *cpu, uint64_t budget, uint64_t *retired)
{
    TcgState *s = tcg_state(cpu);
    ExecStop why;
    cpu->run_end = machine_icount(cpu->machine) + budget;
    cpu->budget = budget;
    cpu->watch_hit.valid = false;
    cpu->own_hit_count = 0;
    if (sigsetjmp(cpu->jump, 0) == LEAVE_EXCEPTION) {
        cpu->last_insn_only = false;
        cpu->cls->deliver_exception(cpu);
        note_event(cpu);
    }
    while (!boundary(cpu, s, &why)) {
        TbKey key;
        cpu->cls->tb_key(cpu, &key);
        if (stopped_by_break(cpu, &key, &why)) {
            break;
        }
        if (broken_by_own(cpu, &key)) {
            note_event(cpu);
        } else {
            run_tbs(cpu, key);
        }
    }
    *retired = budget - cpu->budget;
    return why;
}
