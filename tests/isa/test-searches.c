/*
 * What searches find in the past, against the truth: a replay in which the
 * portable back end makes one instruction at a time with the points on.
 *
 * Random programs (search-guest.c) are recorded. Their replays are gone
 * through once with a timeline of short intervals, natively or portably,
 * chained and optimised; then each set of points is searched for from the end
 * to the beginning, and asked for. Everything must be found, and nothing else.
 *
 * REPRISE_CASES says how many programs, REPRISE_SEED the first one's number.
 */
#include <stdlib.h>
#include <unistd.h>

#include "search-guest.h"
#include "pins/x86.h"
#include "svc/timeline.h"
#include "vm/device.h"
#include "vm/sched.h"

#define RUN_INSNS  60000u
#define INTERVAL   4200u   /* not a multiple of anything */
#define SETS       9u
#define MOST       3u      /* points of a set */

/* --- the machine ----------------------------------------------------------------- */

#define TICKER_STATE(_) \
    _(int64_t, STATE_TIME, due, TIME_NEVER, 1, "next interrupt")

STATE_STRUCT(TickerState, TICKER_STATE);
static STATE_TABLE(ticker_state, "ticker", 1, TickerState, TICKER_STATE)

typedef struct Ticker {
    Device dev;
    TickerState s;
    Timer timer;
} Ticker;

static SearchGuest guest;
static Machine *machine;
static Replay *replay;
static char *log_path;

static Cpu *the_cpu(void)
{
    return g_ptr_array_index(machine->cpus, 0);
}

static void tick_again(Ticker *t)
{
    timer_arm(&t->timer, clock_now_ns(t->timer.clock) + 1999);
}

static void tick(void *opaque)
{
    tick_again(opaque);
    x86_pins(the_cpu())->set_intr(the_cpu(), true);
}

static int acknowledge(void *opaque)
{
    x86_pins(the_cpu())->set_intr(the_cpu(), false);
    return 32;
}

static bool ticker_realize(Device *dev, Error **errp)
{
    Ticker *t = (Ticker *)dev;
    timer_init(&t->timer, dev->machine->clock, "ticker", &t->s.due, tick, t);
    return true;
}

static void ticker_reset(Device *dev)
{
    tick_again((Ticker *)dev);
}

static const DeviceClass ticker = {
    .name = "ticker",
    .size = sizeof(Ticker),
    .state_offset = offsetof(Ticker, s),
    .state = ticker_state,
    .realize = ticker_realize,
    .reset = ticker_reset,
};

static bool board_build(Machine *m, Error **errp)
{
    static MemRegion ram, rom;
    machine = m;
    RamBlock *b = ram_block_new(m, "ram", search_guest_ram_bytes());
    memcpy(b->host, guest.ram, search_guest_ram_bytes());
    mem_init_ram(&ram, "ram", b);
    mem_add(&m->memory_root, 0, &ram, 0);
    mem_init_ram(&rom, "rom", rom_block_new(m, "rom", guest.rom,
                                            sizeof guest.rom));
    mem_add(&m->memory_root, UINT32_MAX - sizeof guest.rom + 1, &rom, 0);
    Cpu *cpu = cpu_new(m, "max", errp);
    x86_pins(cpu)->connect_pic(cpu, acknowledge, NULL);
    device_create(m, &ticker);
    return cpu;
}

extern const CpuClass x86_64_cpu_class; /* target/i386/cpu.c */
extern const AccelOps accel_tcg;         /* accel/tcg/accel.c */

static const BoardClass board = { .name = "search", .build = board_build };
static const DeviceClass *const devices[] = { &ticker, NULL };
static const MachineParts parts = { .cpu = &x86_64_cpu_class,
                                    .accel = &accel_tcg, .devices = devices };

typedef struct Way {
    const char *backend;
    bool single;           /* one instruction per TB */
    InterpretWhen interpret;
    ReplayOptions options;
} Way;

static void start(Way way)
{
    static AccelOptions accel;
    Error *err = NULL;
    accel.backend = way.backend;
    accel.one_insn_per_tb = way.single;
    accel.interpret = way.interpret;
    Machine *m = machine_new(&parts, &board);
    m->config.accel = &accel;
    m->icount_mode = ICOUNT_FIXED;
    m->config.has_seed = true;
    bool ok = machine_build(m, NULL);
    g_assert_true(ok);
    way.options.file = log_path;
    way.options.digest_interval = 10000;
    replay = replay_start(m, &way.options, &err);
    if (!replay || !replay_begin(replay, &err)) {
        g_error("%s", error_message(err));
    }
    runstate_set(m, RUN_RUNNING);
}

static void finish(void)
{
    g_assert_cmpstr(replay_divergence(replay), ==, NULL);
    replay_free(replay);
    machine_free(machine);
}

static void record(void)
{
    start((Way){ "interp", false, INTERPRET_NEVER,
                 { .mode = REPLAY_RECORD } });
    while (machine_icount(machine) < RUN_INSNS) {
        replay_run_slice(machine, replay, 1000);
    }
    replay_finish(replay, CAUSE_HOST_QMP_QUIT);
    finish();
}

/* --- points -------------------------------------------------------------------------- */

typedef struct Point {
    uint64_t addr, len;    /* len 0: a breakpoint */
    unsigned access;
} Point;

typedef struct PointSet {
    Point point[MOST];
    unsigned count;
    GArray *hits;          /* Icount to stand at, ascending, each once */
    GArray *written;       /* the same of physical memory, if the first one is
                            * a watchpoint; all is mapped one to one */
} PointSet;

static Point random_point(GRand *rnd)
{
    static const unsigned accesses[] = {
        BIT(MMU_LOAD), BIT(MMU_STORE), BIT(MMU_LOAD) | BIT(MMU_STORE),
    };
    if (g_rand_int_range(rnd, 0, 3)) {
        return (Point){ search_guest_address(&guest),
                        g_rand_int_range(rnd, 1, 17),
                        accesses[g_rand_int_range(rnd, 0, 3)] };
    }
    uint32_t at = search_guest_code(&guest);
    /* By its offset or by its linear address. */
    return (Point){ at + (g_rand_boolean(rnd) ? guest.cs_base : 0), 0, 0 };
}

/* The first two sets are of loads that do without a look of their own, the next
 * two of stores that are not integers. */
static void choose_points(PointSet *s, unsigned n)
{
    s->count = n < 2 * SETS / 3 ? 1 : MOST;
    for (unsigned i = 0; i < s->count; i++) {
        s->point[i] = random_point(guest.rand);
    }
    if (n < 2) {
        s->point[0] = (Point){ search_guest_forwarded(&guest, n), 4,
                               BIT(MMU_LOAD) };
    } else if (n < 4) {
        s->point[0] = (Point){ search_guest_wide(&guest, n), 4,
                               BIT(MMU_STORE) };
    }
}

static void set_points(const PointSet *s)
{
    Cpu *cpu = the_cpu();
    cpu_debug_clear(cpu, BREAK_GDB);
    for (unsigned i = 0; s && i < s->count; i++) {
        const Point *p = &s->point[i];
        if (p->len) {
            cpu_watchpoint_insert(cpu, p->addr, p->len, p->access, BREAK_GDB);
        } else {
            cpu_breakpoint_insert(cpu, p->addr, BREAK_GDB);
        }
    }
}

static void note(GArray *hits, Icount at)
{
    if (!hits->len || g_array_index(hits, Icount, hits->len - 1) != at) {
        g_array_append_val(hits, at);
    }
}

static bool note_written(void *opaque, RamAddr ra, uint64_t len)
{
    const PointSet *s = opaque;
    const Point *p = &s->point[0];
    if (ra < p->addr + p->len && p->addr < ra + len) {
        note(s->written, machine_icount(machine));
    }
    return false;
}

static void watch_ram(PointSet *s)
{
    ram_watch_set(machine, RAM_WATCH_QUERY, note_written, s);
    for (unsigned i = 0; i < 2; i++) {
        ram_watch_arm(machine, RAM_WATCH_QUERY, s->point[0].addr +
                      (i ? s->point[0].len - 1 : 0));
    }
}

/* One instruction after the other. */
static void find_truth(PointSet *s)
{
    start((Way){ "interp", true, INTERPRET_NEVER,
                 { .mode = REPLAY_PLAY,
                                   .timeline_off = true } });
    s->hits = g_array_new(FALSE, FALSE, sizeof(Icount));
    s->written = g_array_new(FALSE, FALSE, sizeof(Icount));
    set_points(s);
    if (s->point[0].len) {
        watch_ram(s);
    }
    while (runstate(machine) == RUN_RUNNING) {
        replay_run_slice(machine, replay, 1);
        if (runstate(machine) == RUN_DEBUG) {
            WatchHit *hit = &the_cpu()->watch_hit;
            note(s->hits, machine_icount(machine) - hit->valid);
            hit->valid = false;
            sched_skip_breakpoint(machine);
            runstate_set(machine, RUN_RUNNING);
        }
    }
    g_assert_cmpuint(machine_icount(machine), ==, replay_end(replay));
    finish();
}

/* --- searching ------------------------------------------------------------------------- */

static void go_to_end(void)
{
    bool ok = replay_seek(replay, replay_end(replay), NULL);
    g_assert_true(ok);
}

static void search_all(const PointSet *s)
{
    set_points(s);
    go_to_end();
    for (guint n = s->hits->len;; n--) {
        ReverseStop stop;
        WatchHit hit;
        bool ok = replay_reverse_continue(replay, NULL, NULL, &stop, &hit,
                                          NULL);
        g_assert_true(ok);
        if (!n) {
            g_assert_cmpint(stop, ==, REVERSE_BEGIN);
            return;
        }
        g_assert_cmpint(stop, !=, REVERSE_BEGIN);
        g_assert_cmpuint(machine_icount(machine), ==,
                         g_array_index(s->hits, Icount, n - 1));
    }
}

static void ask(const ReplayQuery *q, const GArray *hits, unsigned most)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(ReplayFound));
    bool ok = replay_query(replay, q, most, out, NULL);
    g_assert_true(ok);
    g_assert_cmpuint(out->len, ==, MIN(most, hits->len));
    for (guint i = 0; i < out->len; i++) {
        g_assert_cmpuint(g_array_index(out, ReplayFound, i).icount, ==,
                         g_array_index(hits, Icount, hits->len - 1 - i));
    }
    g_array_unref(out);
}

static void ask_for(const PointSet *s)
{
    const Point *p = &s->point[0];
    ReplayQuery q = { p->len ? REPLAY_WRITE : REPLAY_EXEC, p->addr,
                      MAX(p->len, 1), false };
    go_to_end();
    if (s->count == 1 && (!p->len || p->access == BIT(MMU_STORE))) {
        ask(&q, s->hits, 1);
        ask(&q, s->hits, p->len ? 30 : RUN_INSNS);
    }
    if (p->len) {
        q.physical = true;
        ask(&q, s->written, 30);
    }
}

/* Runs on until a stop, the end, or icount. */
static void run_to(Icount icount)
{
    Icount now;
    runstate_set(machine, RUN_RUNNING);
    while (runstate(machine) == RUN_RUNNING &&
           (now = machine_icount(machine)) < icount) {
        replay_run_slice(machine, replay, icount - now);
    }
}

/* The machine leaves, and comes back. */
static void ask_for_nothing(void)
{
    const ReplayQuery nothing = { REPLAY_EXEC, 0x12345678, 1, false };
    GArray *none = g_array_new(FALSE, FALSE, sizeof(Icount));
    ask(&nothing, none, 1);
    g_array_unref(none);
}

/* The first time through: at each fault behind which there is none for long,
 * a question, behind which the machine is brought back to the middle of what
 * happens there; and another before the next one. */
static void walk_faults(const PointSet *s)
{
    const PointSet faults = { { { search_guest_fault_handler(), 0, 0 } }, 1 };
    for (guint n = 0; n + 1 < s->hits->len; n++) {
        Icount at = g_array_index(s->hits, Icount, n);
        if (g_array_index(s->hits, Icount, n + 1) - at < INTERVAL) {
            continue;
        }
        run_to(at);
        set_points(&faults);
        run_to(ICOUNT_NONE);
        g_assert_cmpuint(machine_icount(machine), ==, at);
        ask_for_nothing();
        set_points(NULL);
        run_to(at + INTERVAL - 1);
        ask_for_nothing();
    }
}

static void check_program(uint32_t seed, PointSet *sets)
{
    static const char *const backends[] = { "x86_64", "interp" };
    search_guest_make(&guest, seed);
    record();
    for (unsigned n = 0; n < SETS; n++) {
        choose_points(&sets[n], n);
        find_truth(&sets[n]);
    }
    for (unsigned b = 0; b < G_N_ELEMENTS(backends); b++) {
        /* Room for all checkpoints, or for hardly any. */
        InterpretWhen when = (seed + b) % (INTERPRET_ALWAYS + 1);
        start((Way){ backends[b], false, when,
                     { .mode = REPLAY_PLAY, .timeline_spacing = INTERVAL,
                       .timeline_bytes = seed % 2 ? MIB / 2 : 0 } });
        /* The first time nobody looks for anything. */
        go_to_end();
        for (unsigned n = 0; n < SETS; n++) {
            g_test_message("program %u, set %u on %s: %u hits", seed, n,
                           backends[b], sets[n].hits->len);
            search_all(&sets[n]);
            ask_for(&sets[n]);
        }
        finish();
    }
}

static unsigned number(const char *name, unsigned otherwise)
{
    const char *value = g_getenv(name);
    return value ? strtoul(value, NULL, 0) : otherwise;
}

/* What faults is there as well, just before its handler. */
static void test_in_the_middle(void)
{
    search_guest_make(&guest, number("REPRISE_SEED", 2));
    record();
    for (guint n = 0; n < guest.nowhere->len; n++) {
        uint32_t at = g_array_index(guest.nowhere, uint32_t, n);
        PointSet s = { { { at, 0, 0 } }, 1 };
        find_truth(&s);
        start((Way){ "x86_64", false, INTERPRET_ONCE,
                     { .mode = REPLAY_PLAY } });
        walk_faults(&s);
        go_to_end();
        search_all(&s);
        finish();
        g_array_unref(s.hits);
        g_array_unref(s.written);
    }
    search_guest_clear(&guest);
}

static void test_random(void)
{
    uint32_t seed = number("REPRISE_SEED", 1);
    for (unsigned i = number("REPRISE_CASES", 3); i; i--, seed++) {
        PointSet sets[SETS] = { 0 };
        check_program(seed, sets);
        for (unsigned n = 0; n < SETS; n++) {
            g_array_unref(sets[n].hits);
            g_array_unref(sets[n].written);
        }
        search_guest_clear(&guest);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    log_path = g_strdup("/tmp/test-searches-XXXXXX");
    close(g_mkstemp(log_path));
    g_test_add_func("/searches/random-programs", test_random);
    g_test_add_func("/searches/in-the-middle", test_in_the_middle);
    int status = g_test_run();
    unlink(log_path);
    g_free(log_path);
    return status;
}
