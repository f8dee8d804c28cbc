/*
 * Whose turn it is. See vm/turn.h.
 */
#include "vm/turn.h"

#include "softmmu.h"

typedef uint64_t TurnEnds[TURN_MOST_CPUS];

#define TURN_STATE(_)                                                       \
    _(uint32_t, STATE_U32, cpu, 0, 1, "the vCPU whose turn it is",          \
      STATE_IN(0, TURN_MOST_CPUS - 1))                                      \
    _(uint64_t, STATE_U64, end, 0, 1, "the icount at which it is over",     \
      STATE_IN(0, STATE_ICOUNT_MAX))                                        \
    _(uint64_t, STATE_U64, begin, 0, 1, "the icount at which it began",     \
      STATE_IN(0, STATE_ICOUNT_MAX))                                        \
    _(TurnEnds, STATE_U64, left, 0, 1, "where each vCPU stopped running",   \
      STATE_IN(0, STATE_ICOUNT_MAX))

STATE_STRUCT(TurnState, TURN_STATE);
static STATE_TABLE(turn_state_table, "turn", 1, TurnState, TURN_STATE)

struct TurnState *turn_state_new(void)
{
    return g_new0(TurnState, 1);
}

void turn_state_free(struct TurnState *t)
{
    g_free(t);
}

const StateTable *turn_table(void)
{
    return turn_state_table();
}

void turn_reset(Machine *m)
{
    state_reset(turn_state_table(), m->turn);
}

bool turn_check(Machine *m)
{
    bool valid = m->turn->cpu < MAX(m->cpus->len, 1);
    m->turn->cpu = valid ? m->turn->cpu : 0;
    return valid;
}

static Cpu *nth(const Machine *m, unsigned n)
{
    return g_ptr_array_index(m->cpus, n);
}

static bool has_something_to_do(const Machine *m, unsigned n)
{
    Cpu *cpu = nth(m, n);
    return !cpu->cls->halted(cpu);
}

Cpu *machine_cpu(const Machine *m)
{
    return nth(m, m->turn->cpu);
}

bool cpu_has_turn(const Cpu *cpu)
{
    return cpu->machine->turn->cpu == cpu->index;
}

bool machine_is_idle(const Machine *m)
{
    for (unsigned n = 0; n < m->cpus->len; n++) {
        if (has_something_to_do(m, n)) {
            return false;
        }
    }
    return true;
}

/* The number of the vCPU whose turn is next, or of the present one. */
static unsigned next_in_turn(const Machine *m)
{
    unsigned count = m->cpus->len, n = m->turn->cpu;
    for (unsigned i = 1; i < count; i++) {
        unsigned next = (n + i) % count;
        if (has_something_to_do(m, next)) {
            return next;
        }
    }
    return n;
}

Icount cpu_ran_until(const Cpu *cpu)
{
    const TurnState *t = cpu->machine->turn;
    Icount now = machine_icount(cpu->machine);
    return cpu_has_turn(cpu) && now > t->begin ? now : t->left[cpu->index];
}

Icount turn_end(const Machine *m)
{
    return next_in_turn(m) == m->turn->cpu ? ICOUNT_NONE : m->turn->end;
}

void turn_pass(Machine *m)
{
    TurnState *t = m->turn;
    Icount now = machine_icount(m);
    if (m->cpus->len < 2 ||
        (now < t->end && has_something_to_do(m, t->cpu))) {
        return;
    }
    unsigned next = next_in_turn(m);
    if (next != t->cpu) {
        if (now > t->begin) {
            t->left[t->cpu] = now;
        }
        t->cpu = next;
        t->begin = now;
        t->end = now + m->config.smp.quantum;
    }
}

void turn_yield(Machine *m)
{
    if (next_in_turn(m) != m->turn->cpu) {
        m->turn->end = 0;
        cpu_kick(machine_cpu(m));
    }
}
