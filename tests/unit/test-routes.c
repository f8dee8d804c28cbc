/*
 * Many ways lead to one place: a walk through a replay of the toy machine by
 * seeks, reverse steps, searches, questions and snapshots, with much or little
 * memory for checkpoints. Wherever it comes to, the state must be the one that
 * a run straight forward has there, and what a search finds must be what a
 * run straight forward with the same points meets.
 *
 * REPRISE_ROUTES says how many steps a walk has, REPRISE_SEED which.
 */
#include <glib/gstdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/digest.h"
#include "svc/timeline.h"
#include "toy.h"
#include "vm/sched.h"

#define RUN_INSNS    150000u
#define DIGEST_INSNS 5000u
#define PHASES       4u
#define PHASE_ROUNDS 3000u
#define CELLS        0x9000u       /* one for each phase */
#define POINT_SETS   12u

static char *log_path;
static uint32_t seed = 1;
static guint steps = 250;

/* --- two programs -------------------------------------------------------------------- */

typedef struct Program {
    const ToyInsn *code;
    size_t count;
} Program;

static ToyInsn phases_code[(TOY_WRITABLE - TOY_CODE) / TOY_INSN_BYTES];

static uint32_t phase_at(unsigned p)
{
    /* Two in the first page of code, two in the second. */
    return (p < 2 ? TOY_CODE : 0x1000) + p % 2 * 0x200;
}

static uint32_t phase_base(unsigned p)
{
    return 0x10000 + p * 0x40000;
}

/* Works in pages of its own for a long time; then comes the next one. */
static void make_phase(unsigned p)
{
    uint32_t at = phase_at(p);
    const ToyInsn code[] = {
        { TOY_LI, 4, 0, PHASE_ROUNDS },
        { TOY_LI, 2, 0, phase_base(p) },
        { TOY_MIX, 1, 13, 0 },
        { TOY_ST, 1, 2, 0 },
        { TOY_LD, 3, 2, -0x800 },
        { TOY_ADDI, 2, 0, 24 },
        { TOY_ADDI, 4, 0, -1 },
        { TOY_JNZ, 4, 0, at + 2 * TOY_INSN_BYTES },
        { TOY_MIX, 1, 3, 0 },
        { TOY_ST, 1, 0, CELLS + 8 * p },
        { TOY_DISKW, 1, 1, 0 },
        { TOY_DISKR, 5, 3, 0 },
        { TOY_MIX, 1, 5, 0 },
        { TOY_PULL, 7, 0, 0 },
        { TOY_MIX, 1, 7, 0 },
        { TOY_TIME, 8, 0, 0 },
        { TOY_MIX, 1, 8, 0 },
        { TOY_OUT, 1, 0, 0 },
        { TOY_HLT, 0, 0, 0 },
        { TOY_JMP, 0, 0, phase_at((p + 1) % PHASES) },
    };
    memcpy(&phases_code[(at - TOY_CODE) / TOY_INSN_BYTES], code, sizeof code);
}

static Program phases(void)
{
    for (unsigned p = 0; p < PHASES; p++) {
        make_phase(p);
    }
    return (Program){ phases_code, G_N_ELEMENTS(phases_code) };
}

static Program busy(void)
{
    return (Program){ toy_busy, toy_busy_count };
}

/* --- running --------------------------------------------------------------------------- */

/* The toy has no page tables. */
bool cpu_read_debug(Cpu *cpu, GuestAddr va, void *buf, uint64_t len)
{
    if (va > TOY_RAM_BYTES || len > TOY_RAM_BYTES - va) {
        return false;
    }
    memcpy(buf, ram_host(cpu->machine, va), len);
    return true;
}

static Cpu *the_cpu(Toy *t)
{
    return g_ptr_array_index(t->m->cpus, 0);
}

static uint64_t state_of(Machine *m)
{
    uint64_t sum = machine_state_digest(m);
    const uint8_t *p = ram_host(m, 0);
    for (uint64_t i = 0; i < TOY_RAM_BYTES; i += 8) {
        sum = (sum ^ *(const uint64_t *)(p + i)) *
              UINT64_C(0x9e3779b97f4a7c15);
        sum ^= sum >> 32;
    }
    return sum;
}

static Replay *start(Toy *t, ReplayOptions o)
{
    Error *err = NULL;
    o.file = log_path;
    o.snapshot = "init";
    o.digest_interval = DIGEST_INSNS;
    Replay *r = replay_start(t->m, &o, &err);
    if (!r || !replay_begin(r, &err)) {
        g_error("%s", error_message(err));
    }
    runstate_set(t->m, RUN_RUNNING);
    return r;
}

static void speak(Toy *t, GRand *rnd)
{
    if (g_rand_int_range(rnd, 0, 3) == 0) {
        uint32_t bytes[2] = { g_rand_int(rnd), g_rand_int(rnd) };
        toy_serial_input(t, bytes, g_rand_int_range(rnd, 1, 9));
    }
    if (g_rand_int_range(rnd, 0, 300) == 0) {
        toy_command(t);
    }
    t->rare_answer = g_rand_int_range(rnd, 0, 4) ? 0 : g_rand_int(rnd);
}

/* Records with snapshots "init" and "middle". */
static Toy *record(Program p, GRand *rnd)
{
    Toy *t = toy_new(p.code, p.count, true);
    Replay *r = start(t, (ReplayOptions){ .mode = REPLAY_RECORD });
    bool saved = false;
    while (machine_icount(t->m) < RUN_INSNS) {
        speak(t, rnd);
        if (replay_run_slice(t->m, r, g_rand_int_range(rnd, 1, 700)).idle) {
            sched_idle_end(t->m, sched_idle_due_ns(t->m));
        }
        if (!saved && machine_icount(t->m) > RUN_INSNS / 2) {
            saved = replay_savevm(t->m, r, "middle", NULL);
            g_assert_true(saved);
        }
    }
    replay_finish(r, CAUSE_HOST_QMP_QUIT);
    replay_free(r);
    return t;
}

/* --- points ----------------------------------------------------------------------------- */

typedef struct Point {
    uint64_t addr, len;    /* len 0: a breakpoint */
    unsigned access;
} Point;

/* What a run straight forward meets. */
typedef struct PointSet {
    Point point[2 * PHASES];
    unsigned count;
    GArray *hits;          /* Icount to stand at, ascending, each once */
} PointSet;

static Point random_break(GRand *rnd, Program p)
{
    uint32_t at = g_rand_boolean(rnd)
        ? phase_at(g_rand_int_range(rnd, 0, PHASES)) : TOY_CODE;
    if (p.code != phases_code) {
        at = TOY_CODE;
    }
    if (!g_rand_int_range(rnd, 0, 4)) {
        return (Point){ TOY_VECTOR, 0, 0 };
    }
    return (Point){ at + g_rand_int_range(rnd, 0, 24) * TOY_INSN_BYTES, 0, 0 };
}

static Point random_watch(GRand *rnd)
{
    static const unsigned accesses[] = {
        BIT(MMU_STORE), BIT(MMU_STORE), BIT(MMU_LOAD),
        BIT(MMU_LOAD) | BIT(MMU_STORE),
    };
    uint64_t addr = phase_base(g_rand_int_range(rnd, 0, PHASES)) +
                    g_rand_int_range(rnd, 0, PHASE_ROUNDS * 24);
    uint64_t len = g_rand_int_range(rnd, 1, 65);
    switch (g_rand_int_range(rnd, 0, 6)) {
    case 0:
        addr = CELLS + g_rand_int_range(rnd, 0, 40);
        break;
    case 1:
        addr = (addr | 0xfff) - 8; /* in two pages */
        break;
    case 2:
        addr = TOY_BUSY_CELL;
        break;
    }
    return (Point){ addr, len, accesses[g_rand_int_range(rnd, 0, 4)] };
}

static void set_points(Toy *t, const PointSet *s)
{
    cpu_debug_clear(the_cpu(t), BREAK_GDB);
    for (unsigned i = 0; s && i < s->count; i++) {
        const Point *p = &s->point[i];
        if (p->len) {
            cpu_watchpoint_insert(the_cpu(t), p->addr, p->len, p->access,
                                  BREAK_GDB);
        } else {
            cpu_breakpoint_insert(the_cpu(t), p->addr, BREAK_GDB);
        }
    }
}

/* --- what was seen on the walk -------------------------------------------------------------- */

typedef struct Seen {
    Icount icount;
    const PointSet *at;    /* stopped by a breakpoint of these; NULL: at the
                            * boundary */
    uint64_t state;
    bool bytes;            /* `what` is at addr; else `state` counts */
    uint64_t addr, len;
    uint8_t what[REPLAY_QUERY_BYTES];
} Seen;

typedef struct Walk {
    Program program;
    Toy *t;
    Replay *r;
    GRand *rnd;
    Icount end;
    PointSet sets[POINT_SETS];
    GArray *seen;          /* Seen */
    const PointSet *at;    /* as in Seen */
    unsigned found, interrupted; /* how often */
} Walk;

static void see(Walk *w)
{
    Seen s = { .icount = machine_icount(w->t->m), .at = w->at,
               .state = state_of(w->t->m) };
    g_assert_cmpstr(replay_divergence(w->r), ==, NULL);
    g_array_append_val(w->seen, s);
}

static void begin(Walk *w, ReplayOptions o)
{
    w->t = toy_again(w->t, w->program.code, w->program.count);
    o.mode = REPLAY_PLAY;
    w->r = start(w->t, o);
    w->end = replay_end(w->r);
}

static void finish(Walk *w)
{
    replay_free(w->r);
    w->r = NULL;
}

/* --- straight forward ------------------------------------------------------------------------ */

static int by_icount(const void *a, const void *b)
{
    const Seen *x = a, *y = b;
    return (x->icount > y->icount) - (x->icount < y->icount);
}

static void compare(Walk *w, const Seen *s)
{
    g_assert_cmpuint(machine_icount(w->t->m), ==, s->icount);
    if (s->bytes) {
        g_assert_cmpmem(ram_host(w->t->m, s->addr), s->len, s->what, s->len);
    } else {
        g_assert_cmphex(state_of(w->t->m), ==, s->state);
    }
}

/* Compares the state with all that were seen here. */
static guint compare_here(Walk *w, guint i, const PointSet *at)
{
    Icount now = machine_icount(w->t->m);
    for (; i < w->seen->len; i++) {
        const Seen *s = &g_array_index(w->seen, Seen, i);
        if (s->icount > now) {
            break;
        }
        if (s->at == at && s->icount == now) {
            compare(w, s);
        }
        /* Everybody comes by where anybody has been. */
        g_assert_true(s->at != at || s->icount == now);
    }
    return i;
}

static Icount next_seen(const Walk *w, guint i)
{
    return i < w->seen->len ? g_array_index(w->seen, Seen, i).icount : w->end;
}

static void check_boundaries(Walk *w)
{
    begin(w, (ReplayOptions){ .timeline_off = true });
    guint i = compare_here(w, 0, NULL);
    while (machine_icount(w->t->m) < w->end) {
        Icount to = next_seen(w, i);
        replay_run_slice(w->t->m, w->r, to - machine_icount(w->t->m));
        if (machine_icount(w->t->m) == to) {
            i = compare_here(w, i, NULL);
        }
    }
    g_assert_cmpstr(replay_divergence(w->r), ==, NULL);
    g_assert_cmpuint(i, ==, w->seen->len);
    finish(w);
}

/* Where the machine has stopped: the icount to stand at before that. */
static Icount stopped_at(Walk *w)
{
    Cpu *cpu = the_cpu(w->t);
    Icount at = machine_icount(w->t->m) - cpu->watch_hit.valid;
    cpu->watch_hit.valid = false;
    return at;
}

static void note_hit(GArray *hits, Icount at)
{
    if (!hits->len || g_array_index(hits, Icount, hits->len - 1) != at) {
        g_array_append_val(hits, at);
    }
}

/* Runs to the end with the points on: finds their hits, or, when they are
 * known, compares what was seen at breakpoints. */
static void run_with_points(Walk *w, PointSet *s)
{
    bool know = s->hits;
    guint i = 0;
    s->hits = know ? s->hits : g_array_new(FALSE, FALSE, sizeof(Icount));
    begin(w, (ReplayOptions){ .timeline_off = true });
    set_points(w->t, s);
    while (runstate(w->t->m) == RUN_RUNNING) {
        replay_run_slice(w->t->m, w->r, 20000);
        if (runstate(w->t->m) != RUN_DEBUG) {
            continue;
        }
        bool access = the_cpu(w->t)->watch_hit.valid;
        Icount at = stopped_at(w);
        if (!know) {
            note_hit(s->hits, at);
        } else if (!access) {
            i = compare_here(w, i, s);
        }
        sched_skip_breakpoint(w->t->m);
        runstate_set(w->t->m, RUN_RUNNING);
    }
    g_assert_cmpstr(replay_divergence(w->r), ==, NULL);
    g_assert_cmpuint(machine_icount(w->t->m), ==, w->end);
    finish(w);
}

/* More hits than a search remembers. */
static void make_busy_set(PointSet *s, Program p)
{
    s->count = G_N_ELEMENTS(s->point);
    for (unsigned i = 0; i < s->count; i++) {
        uint32_t at = p.code == phases_code ? phase_at(i / 2) : TOY_CODE;
        unsigned insn = p.code == phases_code ? 2 + i % 2 * 3 : 3 + i;
        s->point[i] = (Point){ at + insn * TOY_INSN_BYTES, 0, 0 };
    }
}

static void make_sets(Walk *w)
{
    PointSet *last = &w->sets[POINT_SETS - 1];
    make_busy_set(last, w->program);
    run_with_points(w, last);
    for (unsigned n = 0; n < POINT_SETS - 1; n++) {
        PointSet *s = &w->sets[n];
        s->count = n < POINT_SETS / 2 ? 1 : g_rand_int_range(w->rnd, 2, 4);
        for (unsigned i = 0; i < s->count; i++) {
            s->point[i] = (n + i) % 2 ? random_break(w->rnd, w->program)
                                      : random_watch(w->rnd);
        }
        run_with_points(w, s);
    }
}

/* How many of the hits come before icount. */
static guint hits_before(const PointSet *s, Icount icount)
{
    guint n = 0;
    while (n < s->hits->len && g_array_index(s->hits, Icount, n) < icount) {
        n++;
    }
    return n;
}

/* --- the steps of a walk ----------------------------------------------------------------------- */

static Icount random_place(Walk *w)
{
    Icount now = machine_icount(w->t->m);
    int64_t near = (int64_t)now + g_rand_int_range(w->rnd, -3000, 3000);
    return g_rand_int_range(w->rnd, 0, 3) ? (Icount)g_rand_int_range(
               w->rnd, 0, w->end + 1) : (Icount)CLAMP(near, 0, (int64_t)w->end);
}

static PointSet *random_set(Walk *w, unsigned most)
{
    return &w->sets[g_rand_int_range(w->rnd, 0, most)];
}

static void do_seek(Walk *w)
{
    Icount to = random_place(w);
    bool ok = replay_seek(w->r, to, NULL);
    g_assert_true(ok);
    g_assert_cmpuint(machine_icount(w->t->m), ==, to);
    w->at = NULL;
}

static void do_run(Walk *w)
{
    Icount now = machine_icount(w->t->m);
    Icount far = now + g_rand_int_range(w->rnd, 1, 9000);
    Icount to = MIN(w->end, far);
    set_points(w->t, NULL);
    while (machine_icount(w->t->m) < to) {
        runstate_set(w->t->m, RUN_RUNNING);
        replay_run_slice(w->t->m, w->r, to - machine_icount(w->t->m));
        w->at = NULL;
    }
    runstate_set(w->t->m, RUN_PAUSED);
}

static void do_reverse_step(Walk *w)
{
    Icount now = machine_icount(w->t->m);
    ReverseStop stop;
    bool ok = replay_reverse_step(w->r, NULL, &stop, NULL);
    g_assert_true(ok);
    g_assert_cmpint(stop, ==, now ? REVERSE_STEP : REVERSE_BEGIN);
    g_assert_cmpuint(machine_icount(w->t->m), ==, now ? now - 1 : 0);
    w->at = now ? NULL : w->at;
}

static bool maybe(void *opaque)
{
    return g_rand_boolean(((Walk *)opaque)->rnd);
}

static void check_found(Walk *w, const PointSet *s, ReverseStop stop, guint n)
{
    Icount at = n ? g_array_index(s->hits, Icount, n - 1) : 0;
    g_assert_cmpuint(machine_icount(w->t->m), ==, at);
    if (n) {
        g_assert_true(stop == REVERSE_BREAKPOINT ||
                      stop == REVERSE_WATCHPOINT);
        w->found++;
    } else {
        g_assert_cmpint(stop, ==, REVERSE_BEGIN);
    }
    w->at = stop == REVERSE_BREAKPOINT ? s : NULL;
}

/* Several in a row, as one does. */
static void do_reverse_continue(Walk *w)
{
    const PointSet *s = g_rand_int_range(w->rnd, 0, 4)
        ? random_set(w, POINT_SETS) : &w->sets[POINT_SETS - 1];
    set_points(w->t, s);
    for (int k = g_rand_int_range(w->rnd, 1, 7); k-- > 0;) {
        if (!g_rand_int_range(w->rnd, 0, 4)) {
            do_seek(w);
        }
        Icount now = machine_icount(w->t->m);
        guint n = hits_before(s, now);
        ReverseStop stop;
        WatchHit hit;
        bool ok = replay_reverse_continue(
            w->r, g_rand_int_range(w->rnd, 0, 3) ? NULL : maybe, w, &stop,
            &hit, NULL);
        g_assert_true(ok);
        if (stop == REVERSE_INTERRUPTED) {
            g_assert_cmpuint(machine_icount(w->t->m), ==, now);
            w->interrupted++;
        } else {
            check_found(w, s, stop, n);
        }
        see(w);
    }
}

static void see_bytes(Walk *w, const ReplayQuery *q, Icount icount,
                      const uint8_t *bytes)
{
    Seen s = { .icount = icount, .bytes = true, .addr = q->addr,
               .len = q->len };
    memcpy(s.what, bytes, q->len);
    g_array_append_val(w->seen, s);
}

static void check_answers(Walk *w, const PointSet *s, const ReplayQuery *q,
                          const GArray *out)
{
    guint n = hits_before(s, machine_icount(w->t->m));
    for (guint i = 0; i < out->len; i++) {
        const ReplayFound *f = &g_array_index(out, ReplayFound, i);
        g_assert_cmpuint(f->icount, ==,
                         g_array_index(s->hits, Icount, n - 1 - i));
        g_assert_cmpuint(f->cpu, ==, 0);
        if (q->what == REPLAY_WRITE) {
            g_assert_true(f->has_old && f->has_new);
            see_bytes(w, q, f->icount, f->old);
            see_bytes(w, q, f->icount + 1, f->now);
        } else {
            g_assert_cmpuint(f->pc, ==, q->addr);
        }
    }
    w->found += out->len > 0;
}

/* Asks for what the only point of a set is at. */
static void do_query(Walk *w)
{
    const PointSet *s = random_set(w, POINT_SETS / 2);
    const Point *p = &s->point[0];
    if (p->len && p->access != BIT(MMU_STORE)) {
        return;
    }
    ReplayQuery q = { p->len ? REPLAY_WRITE : REPLAY_EXEC, p->addr,
                      MAX(p->len, 1), false };
    unsigned count = g_rand_int_range(w->rnd, 1, p->len ? 6 : 30000);
    Icount now = machine_icount(w->t->m);
    uint64_t before = state_of(w->t->m);
    set_points(w->t, random_set(w, POINT_SETS));
    GArray *out = g_array_new(FALSE, FALSE, sizeof(ReplayFound));
    bool ok = replay_query(w->r, &q, count, out, NULL);
    g_assert_true(ok);
    g_assert_cmpuint(machine_icount(w->t->m), ==, now);
    g_assert_cmphex(state_of(w->t->m), ==, before);
    g_assert_cmpuint(out->len, ==, MIN(count, hits_before(s, now)));
    check_answers(w, s, &q, out);
    g_array_free(out, TRUE);
}

static void do_bookmark(Walk *w)
{
    char name[] = "a";
    Icount icount;
    name[0] += g_rand_int_range(w->rnd, 0, 5);
    switch (g_rand_int_range(w->rnd, 0, 3)) {
    case 0:
        replay_bookmark_delete(w->r, name, NULL);
        break;
    case 1:
        g_assert_true(replay_bookmark(w->r, name, NULL));
        g_assert_true(replay_bookmark_find(w->r, name, &icount));
        g_assert_cmpuint(icount, ==, machine_icount(w->t->m));
        break;
    default:
        if (replay_bookmark_find(w->r, name, &icount)) {
            bool ok = replay_seek(w->r, icount, NULL);
            g_assert_true(ok);
            w->at = NULL;
        }
    }
}

static void do_loadvm(Walk *w)
{
    bool ok = replay_loadvm(w->r, g_rand_boolean(w->rnd) ? "middle" : "init",
                            NULL);
    g_assert_true(ok);
    w->at = NULL;
}

/* What a debugger scribbles is gone when it goes on. */
static void do_diversion(Walk *w)
{
    replay_diversion_begin(w->r);
    toy_cpu(w->t)->reg[g_rand_int_range(w->rnd, 0, 16)] ^= 5;
    ram_will_write(w->t->m, CELLS, 8);
    *ram_host(w->t->m, CELLS) ^= 1;
    switch (g_rand_int_range(w->rnd, 0, 3)) {
    case 0:
        do_seek(w);
        break;
    case 1:
        do_reverse_step(w);
        break;
    default:
        replay_diversion_end(w->r);
    }
}

static void do_step(Walk *w)
{
    static void (*const ways[])(Walk *w) = {
        do_seek, do_seek, do_seek, do_run, do_run, do_reverse_step,
        do_reverse_step, do_reverse_continue, do_reverse_continue, do_query,
        do_query, do_bookmark, do_loadvm, do_diversion,
    };
    ways[g_rand_int_range(w->rnd, 0, G_N_ELEMENTS(ways))](w);
    see(w);
}

/* --- walks --------------------------------------------------------------------------------------- */

static void walk(Walk *w, ReplayOptions o)
{
    begin(w, o);
    w->at = NULL;
    if (g_rand_boolean(w->rnd)) {
        replay_start_debugging(w->r);
    }
    runstate_set(w->t->m, RUN_PAUSED);
    if (g_rand_boolean(w->rnd)) {
        bool ok = replay_seek(w->r, w->end, NULL);
        g_assert_true(ok);
    }
    for (guint i = 0; i < steps; i++) {
        do_step(w);
    }
    finish(w);
}

static void check_all(Walk *w)
{
    g_array_sort(w->seen, by_icount);
    check_boundaries(w);
    for (unsigned n = 0; n < POINT_SETS; n++) {
        run_with_points(w, &w->sets[n]);
    }
}

static void walks(Program p)
{
    static const ReplayOptions how[] = {
        { .timeline_bytes = 0 },
        { .timeline_spacing = 10007 },
        { .timeline_spacing = 211, .timeline_bytes = MIB },
        { .timeline_spacing = 4999, .timeline_bytes = 3 * MIB },
    };
    Walk w = { .program = p, .rnd = g_rand_new_with_seed(seed) };
    w.seen = g_array_new(FALSE, FALSE, sizeof(Seen));
    w.t = record(p, w.rnd);
    make_sets(&w);
    for (guint n = 0; n < G_N_ELEMENTS(how); n++) {
        walk(&w, how[n]);
    }
    check_all(&w);
    g_test_message("%u places, %u found, %u interrupted", w.seen->len,
                   w.found, w.interrupted);
    g_assert_cmpuint(w.found, >, steps / 4);
    for (unsigned n = 0; n < POINT_SETS; n++) {
        g_array_free(w.sets[n].hits, TRUE);
    }
    g_array_free(w.seen, TRUE);
    g_rand_free(w.rnd);
    toy_free(w.t);
}

static void test_busy(void)
{
    walks(busy());
}

static void test_phases(void)
{
    walks(phases());
}

/* A search that meets more than it remembers must not take what it forgot for
 * what was not there. */
static void test_many_hits(void)
{
    Walk w = { .program = phases(), .rnd = g_rand_new_with_seed(seed) };
    PointSet *s = &w.sets[0];
    w.seen = g_array_new(FALSE, FALSE, sizeof(Seen));
    w.t = record(w.program, w.rnd);
    make_busy_set(s, w.program);
    run_with_points(&w, s);
    begin(&w, (ReplayOptions){ .timeline_bytes = 0 });
    set_points(w.t, s);
    for (Icount at = w.end; at > 2000; at -= 1789) {
        ReverseStop stop;
        WatchHit hit;
        g_assert_true(replay_seek(w.r, at, NULL));
        g_assert_true(replay_reverse_continue(w.r, NULL, NULL, &stop, &hit,
                                              NULL));
        check_found(&w, s, stop, hits_before(s, at));
    }
    finish(&w);
    g_array_free(s->hits, TRUE);
    g_array_free(w.seen, TRUE);
    g_rand_free(w.rnd);
    toy_free(w.t);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (getenv("REPRISE_SEED")) {
        seed = atoi(getenv("REPRISE_SEED"));
    }
    if (getenv("REPRISE_ROUTES")) {
        steps = atoi(getenv("REPRISE_ROUTES"));
    }
    close(g_file_open_tmp("test-routes-XXXXXX", &log_path, NULL));
    g_test_add_func("/routes/busy", test_busy);
    g_test_add_func("/routes/phases", test_phases);
    g_test_add_func("/routes/many-hits", test_many_hits);
    int ret = g_test_run();
    g_unlink(log_path);
    g_free(log_path);
    return ret;
}
