/*
 * The machine: construction, reset, its own few words of state, and the walk
 * over every section. See vm/machine.h.
 */
#include "vm/machine.h"

#include "base/digest.h"
#include "softmmu.h"
#include "vm/guest-action.h"
#include "vm/turn.h"
#include "vm/work.h"

/* Events in a row without an instruction. Real guests have a handful: a fault
 * whose handler's page is not there, an NMI on top of it. */
#define STORM_EVENTS 64

#define SYSTEM_STATE(_)                                                     \
    _(uint64_t, STATE_U64, icount, 0, 1, "instructions retired",            \
      STATE_IN(0, STATE_ICOUNT_MAX))                                        \
    _(uint64_t, STATE_U64, random, 0, 1, "state of the random generator")   \
    _(uint64_t, STATE_U64, stall_icount, 0, 2, "where events came last")    \
    _(uint32_t, STATE_U32, stall_events, 0, 2, "how many came there")       \
    _(uint8_t, STATE_U8, watchdog_action, 0, 3,                             \
      "ORDER watchdog-action", STATE_IN(0, WATCHDOG_ACTIONS - 1))

STATE_STRUCT(SystemState, SYSTEM_STATE);
static STATE_TABLE(system_state, "machine", 3, SystemState, SYSTEM_STATE)

static Icount clock_source(void *opaque)
{
    return machine_icount(opaque);
}

static void timer_sooner(void *opaque)
{
    Machine *m = opaque;
    if (m->cpus->len) {
        cpu_kick(machine_cpu(m));
    }
}

Machine *machine_new(const MachineParts *parts, const BoardClass *board)
{
    Machine *m = g_new0(Machine, 1);
    m->parts = parts;
    m->board = board;
    m->system = g_new0(SystemState, 1);
    m->ram = ram_state_new();
    m->mem = mem_state_new();
    m->run = run_control_new();
    m->turn = turn_state_new();
    m->cpus = g_ptr_array_new();
    m->devices = g_ptr_array_new();
    m->clock = clock_new();
    clock_set_icount_source(m->clock, clock_source, m);
    clock_set_sooner(m->clock, timer_sooner, m);
    m->nondet = nondet_new();
    m->seed_port = nondet_port(m, NONDET_SEED, "machine", NULL, NULL);
    m->command_port = nondet_port(m, NONDET_COMMAND, "monitor", NULL, NULL);
    m->debug_port = nondet_port(m, NONDET_DEBUG, "debugger", NULL, NULL);
    m->warp_port = nondet_port(m, NONDET_WARP, "clock", NULL, NULL);
    mem_init_container(&m->memory_root, "system", UINT64_MAX);
    mem_init_container(&m->io_root, "io", 0x10000);
    m->memory = address_space_new(m, "memory", &m->memory_root);
    m->io = address_space_new(m, "I/O", &m->io_root);
    m->sched.work_left = WORK_UNLIMITED;
    m->sched.log_end = ICOUNT_NONE;
    m->sched.step_limit = ICOUNT_NONE;
    m->sched.step_done = ICOUNT_NONE;
    m->sched.arrived = ICOUNT_NONE;
    m->sched.touched = ICOUNT_NONE;
    m->sched.late_icount = ICOUNT_NONE;
    m->config.smp = (MachineSmp){ 1, 1, 1, 1, 1, TURN_QUANTUM };
    m->config.defaults = true;
    m->config.panic_action = PANIC_SHUTDOWN;
    m->config.rtc_base_sec = INT64_MIN;
    return m;
}

static void machine_seed(Machine *m)
{
    uint64_t seed = m->config.seed;
    if (!m->config.has_seed) {
        nondet_pull(m->seed_port, &seed, sizeof seed);
    }
    m->system->random = seed;
}

bool machine_build(Machine *m, Error **errp)
{
    return m->board->build(m, errp);
}

void machine_power_on(Machine *m)
{
    machine_seed(m);
    m->system->watchdog_action = m->config.watchdog_action;
    if (m->board->power_on) {
        m->board->power_on(m);
    }
    machine_reset(m);
}

void machine_free(Machine *m)
{
    /* Never committed: regions go with their devices, in any order. */
    mem_transaction_begin(m);
    for (guint i = m->devices->len; i-- > 0;) {
        Device *dev = g_ptr_array_index(m->devices, i);
        device_free(dev);
    }
    for (guint i = 0; i < m->cpus->len; i++) {
        cpu_free(g_ptr_array_index(m->cpus, i));
    }
    address_space_free(m->memory);
    address_space_free(m->io);
    nondet_free(m->nondet);
    clock_free(m->clock);
    g_ptr_array_free(m->devices, TRUE);
    g_ptr_array_free(m->cpus, TRUE);
    g_clear_pointer(&m->infos, g_ptr_array_unref);
    g_clear_pointer(&m->buses, g_ptr_array_unref);
    ram_state_free(m->ram);
    mem_state_free(m->mem);
    run_control_free(m->run);
    turn_state_free(m->turn);
    g_free(m->system);
    g_free(m);
}

/* --- time --------------------------------------------------------------------- */

BlockDev *machine_disk_next(const Machine *m, guint *at)
{
    const GPtrArray *drives = m->config.drives;
    while (drives && *at < drives->len) {
        const DriveConfig *d = g_ptr_array_index(drives, (*at)++);
        if (d->dev) {
            return d->dev;
        }
    }
    return NULL;
}

Icount machine_icount(Machine *m)
{
    if (m->cpus->len) {
        const Cpu *cpu = machine_cpu(m);
        if (cpu->in_tb) {
            return cpu->run_end - cpu->budget - 1;
        }
    }
    return m->system->icount;
}

void machine_set_icount(Machine *m, Icount icount)
{
    m->system->icount = icount;
}

bool machine_stalled(Machine *m)
{
    SystemState *s = m->system;
    Icount now = machine_icount(m);
    m->sched.touched = now;
    if (s->stall_icount != now) {
        s->stall_icount = now;
        s->stall_events = 0;
    }
    s->stall_events = (s->stall_events + 1) % STORM_EVENTS;
    return !s->stall_events;
}

unsigned machine_events_here(Machine *m)
{
    const SystemState *s = m->system;
    return s->stall_icount == machine_icount(m) ? s->stall_events : 0;
}

bool machine_has_begun(Machine *m)
{
    return machine_events_here(m);
}

void machine_work_done(Machine *m)
{
    if (m->cpus->len) {
        cpu_stop_chain(machine_cpu(m));
    }
}

unsigned machine_watchdog_action(const Machine *m)
{
    return m->system->watchdog_action;
}

void guest_set_watchdog_action(Machine *m, WatchdogActionKind action)
{
    m->system->watchdog_action = action;
}

/* SplitMix64 (Steele, Lea, Flood 2014): one word of state, good enough for a
 * guest's entropy and easy to check. */
uint64_t machine_random(Machine *m)
{
    uint64_t z = m->system->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void machine_reset(Machine *m)
{
    turn_reset(m);
    mem_transaction_begin(m);
    for (guint i = 0; i < m->devices->len; i++) {
        device_reset(g_ptr_array_index(m->devices, i));
    }
    for (guint i = 0; i < m->cpus->len; i++) {
        Cpu *cpu = g_ptr_array_index(m->cpus, i);
        state_reset(cpu->cls->state(), cpu_state(cpu));
        cpu->cls->reset(cpu);
    }
    mem_transaction_commit(m);
    machine_rewire(m);
}

/* --- sections -------------------------------------------------------------------- */

static void section(SectionFn *fn, void *opaque, const char *name,
                    const StateTable *table, void *object)
{
    Section s = { .table = table, .object = object };
    g_assert(strlen(name) < sizeof s.name);
    g_strlcpy(s.name, name, sizeof s.name);
    fn(opaque, &s);
}

/* What a CPU keeps elsewhere while it runs is put into its state first. */
static void sync_cpus(Machine *m)
{
    for (guint i = 0; i < m->cpus->len; i++) {
        Cpu *cpu = g_ptr_array_index(m->cpus, i);
        cpu->cls->sync(cpu);
    }
}

static void walk_sections(Machine *m, SectionFn *fn, void *opaque)
{
    section(fn, opaque, "machine", system_state(), m->system);
    section(fn, opaque, "turn", turn_table(), m->turn);
    section(fn, opaque, "clock", clock_state(), clock_state_object(m->clock));
    section(fn, opaque, "nondet", nondet_state(), nondet_state_object(m));
    for (guint i = 0; i < m->cpus->len; i++) {
        Cpu *cpu = g_ptr_array_index(m->cpus, i);
        char name[16];
        g_snprintf(name, sizeof name, "cpu.%u", i);
        section(fn, opaque, name, cpu->cls->state(), cpu_state(cpu));
    }
    for (guint i = 0; i < m->devices->len; i++) {
        Device *dev = g_ptr_array_index(m->devices, i);
        section(fn, opaque, dev->path, dev->cls->state(), device_state(dev));
    }
}

void machine_sections(Machine *m, SectionFn *fn, void *opaque)
{
    sync_cpus(m);
    walk_sections(m, fn, opaque);
}

static void rewire_all(Machine *m)
{
    clock_rewire(m->clock);
    mem_transaction_begin(m);
    for (guint i = 0; i < m->devices->len; i++) {
        Device *dev = g_ptr_array_index(m->devices, i);
        if (dev->cls->rewire) {
            dev->cls->rewire(dev);
        }
    }
    mem_transaction_commit(m);
    for (guint i = 0; i < m->cpus->len; i++) {
        Cpu *cpu = g_ptr_array_index(m->cpus, i);
        cpu->cls->rewire(cpu);
        tlb_flush(cpu);
    }
}

typedef struct Walk {
    GByteArray *copy;      /* of every state struct, one behind another */
    guint at;
    const char *changed;   /* the path of the first that is not its copy */
} Walk;

static void copy_section(void *opaque, const Section *s)
{
    Walk *w = opaque;
    g_byte_array_append(w->copy, s->object, s->table->size_bytes);
}

static void compare_section(void *opaque, const Section *s)
{
    Walk *w = opaque;
    if (!w->changed && memcmp(w->copy->data + w->at, s->object,
                              s->table->size_bytes)) {
        w->changed = s->table->name;
    }
    w->at += s->table->size_bytes;
}

bool machine_rewire_loaded(Machine *m, Error **errp)
{
    Walk w = { .copy = g_byte_array_new() };
    /* The CPUs' state is what was loaded, not what they kept before. */
    walk_sections(m, copy_section, &w);
    w.changed = turn_check(m) ? NULL : "turn";
    rewire_all(m);
    machine_sections(m, compare_section, &w);
    g_byte_array_free(w.copy, TRUE);
    if (w.changed) {
        error_set(errp, "section '%s' contradicts itself", w.changed);
    }
    return !w.changed;
}

void machine_rewire(Machine *m)
{
    Error *err = NULL;
    if (!machine_rewire_loaded(m, &err)) {
        g_error("rewire() changed the state: %s", error_message(err));
    }
}

static void digest_section(void *opaque, const Section *s)
{
    uint64_t *acc = opaque;
    *acc = digest_mix(*acc, state_digest(s->table, s->object));
}

uint64_t machine_state_digest(Machine *m)
{
    uint64_t acc = 0;
    machine_sections(m, digest_section, &acc);
    return acc;
}
