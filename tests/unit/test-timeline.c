/*
 * Record, replay and time travel of the toy machine: what is true of each
 * icount must be true whatever way led there.
 */
#include <glib/gstdio.h>
#include <unistd.h>

#include "replay/internal.h"
#include "svc/snapshot.h"
#include "svc/timeline.h"
#include "toy.h"
#include "vm/sched.h"

#define RUN_INSNS 60000u
#define DIGEST_INSNS 4096u

static char *log_path;
static uint64_t spacing;   /* between checkpoints */
static uint64_t budget;    /* memory for them; 0: plenty */
static bool commands = true; /* the world resets the machine now and then */

typedef struct Recorded {
    Icount end;
    uint64_t digest;
    GByteArray *output;
    BlockDev *disk;        /* borrowed from the toy */
} Recorded;

static uint64_t ram_sum(Machine *m)
{
    uint64_t sum = 0;
    const uint8_t *p = ram_host(m, 0);
    for (uint64_t i = 0; i < TOY_RAM_BYTES; i += 8) {
        uint64_t v = *(const uint64_t *)(p + i);
        sum = (sum ^ v) * UINT64_C(0x9e3779b97f4a7c15) + (v != 0);
    }
    return sum;
}

static uint64_t whole_digest(Machine *m)
{
    return machine_state_digest(m) ^ ram_sum(m);
}

static Replay *start(Toy *t, ReplayMode mode, const char *snapshot)
{
    ReplayOptions o = { .mode = mode, .file = log_path, .snapshot = snapshot,
                        .digest_interval = DIGEST_INSNS,
                        .timeline_spacing = spacing,
                        .timeline_bytes = budget };
    Error *err = NULL;
    Replay *r = replay_start(t->m, &o, &err);
    if (!r || !replay_begin(r, &err)) {
        g_error("%s", error_message(err));
    }
    runstate_set(t->m, RUN_RUNNING);
    return r;
}

/* What the roof does when a slice says idle. */
static void idle(Toy *t, GRand *rnd)
{
    int64_t due = sched_idle_due_ns(t->m);
    int64_t now = clock_now_ns(t->m->clock);
    if (g_rand_boolean(rnd)) {
        toy_serial_input(t, "idle", g_rand_int_range(rnd, 1, 4));
        sched_idle_end(t->m, now + (due - now) / 3);
    } else {
        sched_idle_end(t->m, due);
    }
}

static void world(Toy *t, GRand *rnd)
{
    if (g_rand_int_range(rnd, 0, 3) == 0) {
        uint32_t bytes[2] = { g_rand_int(rnd), g_rand_int(rnd) };
        toy_serial_input(t, bytes, g_rand_int_range(rnd, 1, 9));
    }
    if (commands && g_rand_int_range(rnd, 0, 60) == 0) {
        toy_command(t);
    }
    t->rare_answer = g_rand_int_range(rnd, 0, 4) ? 0 : g_rand_int(rnd);
}

/* Records `insns` instructions of toy_busy with a world made of `seed`. */
static void record(Toy *t, Replay *r, uint32_t seed, Icount insns)
{
    GRand *rnd = g_rand_new_with_seed(seed);
    t->m->sched.idle_sleep = seed & 1;
    bool saved = false;
    while (machine_icount(t->m) < insns) {
        world(t, rnd);
        SliceResult res =
            replay_run_slice(t->m, r, g_rand_int_range(rnd, 1, 700));
        g_assert_true(runstate_running(t->m));
        if (res.idle) {
            idle(t, rnd);
        }
        if (!saved && toy_disk(t) && machine_icount(t->m) > insns / 2) {
            bool ok = replay_savevm(t->m, r, "middle", NULL);
            g_assert_true(ok);
            saved = true;
        }
    }
    g_rand_free(rnd);
}

static Recorded record_run(Toy *t, uint32_t seed, const char *snapshot)
{
    Replay *r = start(t, REPLAY_RECORD, snapshot);
    record(t, r, seed, RUN_INSNS);
    /* To a boundary, so that the end has a digest of its own. */
    Icount end = machine_icount(t->m) + 5;
    while (machine_icount(t->m) < end) {
        if (replay_run_slice(t->m, r, end - machine_icount(t->m)).idle) {
            sched_idle_end(t->m, sched_idle_due_ns(t->m));
        }
    }
    Recorded rec = { .end = end, .digest = whole_digest(t->m),
                     .output = t->output };
    replay_finish(r, CAUSE_HOST_QMP_QUIT);
    replay_free(r);
    return rec;
}

/* A recording whose guest is stopped by a debugger again and again while the
 * world goes on talking: where inputs arrive must not depend on that. */
static Icount record_debugged(Toy *t, uint32_t seed)
{
    Replay *r = start(t, REPLAY_RECORD, NULL);
    GRand *rnd = g_rand_new_with_seed(seed);
    Cpu *cpu = g_ptr_array_index(t->m->cpus, 0);
    cpu_breakpoint_insert(cpu, TOY_VECTOR, BREAK_GDB);
    cpu_watchpoint_insert(cpu, 0x4000, 8, BIT(MMU_STORE), BREAK_GDB);
    while (machine_icount(t->m) < RUN_INSNS / 2) {
        world(t, rnd);
        if (!g_rand_int_range(rnd, 0, 5)) {
            sched_set_step(t->m, cpu);
        }
        if (!g_rand_int_range(rnd, 0, 9)) {
            runstate_request_stop(t->m, RUN_PAUSED);
        }
        sched_skip_breakpoint(t->m);
        if (replay_run_slice(t->m, r, g_rand_int_range(rnd, 1, 300)).idle) {
            idle(t, rnd);
        }
        sched_set_step(t->m, NULL);
        runstate_set(t->m, RUN_RUNNING);
    }
    Icount end = machine_icount(t->m);
    replay_finish(r, CAUSE_HOST_QMP_QUIT);
    replay_free(r);
    g_rand_free(rnd);
    return end;
}

/* The state of the disk is not in digests; start it as recorded. */
static Toy *replayer(void)
{
    return toy_new(toy_busy, toy_busy_count, true);
}

static void run_to_end(Toy *t, Replay *r, GRand *rnd)
{
    while (runstate_running(t->m)) {
        replay_run_slice(t->m, r, g_rand_int_range(rnd, 1, 5000));
    }
    g_assert_cmpstr(replay_divergence(r), ==, NULL);
    g_assert_cmpint(runstate(t->m), ==, RUN_PAUSED);
    g_assert_cmpuint(machine_icount(t->m), ==, replay_end(r));
}

static void test_replay(void)
{
    for (uint32_t seed = 1; seed <= 6; seed++) {
        Toy *a = replayer();
        Recorded rec = record_run(a, seed, NULL);
        for (uint32_t n = 0; n < 3; n++) {
            GRand *rnd = g_rand_new_with_seed(n);
            Toy *b = replayer();
            Replay *r = start(b, REPLAY_PLAY, NULL);
            g_assert_cmpuint(replay_end(r), ==, rec.end);
            run_to_end(b, r, rnd);
            g_assert_cmphex(whole_digest(b->m), ==, rec.digest);
            g_assert_cmpmem(b->output->data, b->output->len,
                            rec.output->data, rec.output->len);
            replay_free(r);
            toy_free(b);
            g_rand_free(rnd);
        }
        toy_free(a);
    }
}

/* Slices may end anywhere, in the recording and, elsewhere, in the replay. */
static void test_work(void)
{
    toy_work = 1;
    test_replay();
    toy_work = 0;
}

static void test_debugged(void)
{
    for (uint32_t seed = 1; seed <= 10; seed++) {
        Toy *a = replayer();
        record_debugged(a, seed);
        Toy *b = replayer();
        GRand *rnd = g_rand_new_with_seed(seed);
        Replay *r = start(b, REPLAY_PLAY, NULL);
        run_to_end(b, r, rnd);
        g_assert_cmpmem(a->output->data, MIN(a->output->len, b->output->len),
                        b->output->data, MIN(a->output->len, b->output->len));
        g_rand_free(rnd);
        replay_free(r);
        toy_free(b);
        toy_free(a);
    }
}

/* --- travelling ------------------------------------------------------------------- */

/* Digests of every icount in [from, end], by a fresh replay. */
static GArray *truth(Icount from)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    Toy *t = replayer();
    Replay *r = start(t, REPLAY_PLAY, NULL);
    bool ok = replay_seek(r, from, NULL);
    g_assert_true(ok);
    for (Icount i = from; i <= replay_end(r); i++) {
        ok = replay_seek(r, i, NULL);
        g_assert_true(ok);
        g_assert_cmpuint(machine_icount(t->m), ==, i);
        uint64_t d = whole_digest(t->m);
        g_array_append_val(all, d);
    }
    replay_free(r);
    toy_free(t);
    return all;
}

static void test_reverse_step(void)
{
    Toy *a = replayer();
    Recorded rec = record_run(a, 7, NULL);
    const Icount span = 3000;
    GArray *all = truth(rec.end - span);
    toy_free(a);

    GRand *rnd = g_rand_new_with_seed(3);
    Toy *t = replayer();
    Replay *r = start(t, REPLAY_PLAY, NULL);
    replay_start_debugging(r);
    run_to_end(t, r, rnd);
    guint shown = t->output->len;
    for (Icount i = 1; i <= span; i++) {
        ReverseStop stop;
        bool ok = replay_reverse_step(r, NULL, &stop, NULL);
        g_assert_true(ok);
        g_assert_cmpint(stop, ==, REVERSE_STEP);
        g_assert_cmpuint(machine_icount(t->m), ==, rec.end - i);
        g_assert_cmphex(whole_digest(t->m), ==,
                        g_array_index(all, uint64_t, span - i));
    }
    for (int n = 0; n < 200; n++) {
        Icount i = g_rand_int_range(rnd, 0, span + 1);
        bool ok = replay_seek(r, rec.end - span + i, NULL);
        g_assert_true(ok);
        g_assert_cmphex(whole_digest(t->m), ==,
                        g_array_index(all, uint64_t, i));
    }
    g_assert_cmpuint(shown, <=, t->output->len);
    g_rand_free(rnd);
    replay_free(r);
    toy_free(t);
    g_array_free(all, TRUE);
}

/* Icounts of all hits going forward. */
static GArray *forward_hits(Toy *t, Replay *r)
{
    GArray *hits = g_array_new(FALSE, FALSE, sizeof(Icount));
    Cpu *cpu = g_ptr_array_index(t->m->cpus, 0);
    runstate_set(t->m, RUN_RUNNING);
    while (machine_icount(t->m) < replay_end(r)) {
        replay_run_slice(t->m, r, 10000);
        if (runstate(t->m) == RUN_DEBUG) {
            Icount now = machine_icount(t->m) - (cpu->watch_hit.valid ? 1 : 0);
            cpu->watch_hit.valid = false;
            g_array_append_val(hits, now);
            sched_skip_breakpoint(t->m);
            runstate_set(t->m, RUN_RUNNING);
        }
    }
    g_assert_cmpstr(replay_divergence(r), ==, NULL);
    return hits;
}

static void check_backward(Toy *t, Replay *r, const GArray *hits,
                           ReverseStop kind)
{
    ReverseStop stop;
    WatchHit hit;
    Cpu *cpu = g_ptr_array_index(t->m->cpus, 0);
    GArray *digests = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    for (guint i = hits->len; i-- > 0;) {
        bool ok = replay_reverse_continue(r, NULL, NULL, &stop, &hit, NULL);
        g_assert_true(ok);
        g_assert_cmpint(stop, ==, kind);
        g_assert_cmpuint(machine_icount(t->m), ==,
                         g_array_index(hits, Icount, i));
        g_assert_true(hit.valid == (kind == REVERSE_WATCHPOINT));
        uint64_t d = whole_digest(t->m);
        g_array_append_val(digests, d);
    }
    bool ok = replay_reverse_continue(r, NULL, NULL, &stop, &hit, NULL);
    g_assert_true(ok);
    g_assert_cmpint(stop, ==, REVERSE_BEGIN);
    g_assert_cmpuint(machine_icount(t->m), ==, 0);
    /* And forward again: breakpoints stop in the very same states. */
    runstate_set(t->m, RUN_RUNNING);
    for (guint i = 0; kind == REVERSE_BREAKPOINT && i < hits->len;) {
        replay_run_slice(t->m, r, 10000);
        if (runstate(t->m) == RUN_DEBUG) {
            cpu->watch_hit.valid = false;
            g_assert_cmphex(whole_digest(t->m), ==,
                            g_array_index(digests, uint64_t,
                                          hits->len - 1 - i));
            i++;
            sched_skip_breakpoint(t->m);
            runstate_set(t->m, RUN_RUNNING);
        }
    }
    g_array_free(digests, TRUE);
}

static void with_points(void (*set)(Cpu *cpu), ReverseStop kind)
{
    Toy *a = replayer();
    record_run(a, 8, NULL);
    toy_free(a);
    Toy *t = replayer();
    Replay *r = start(t, REPLAY_PLAY, NULL);
    replay_start_debugging(r);
    set(g_ptr_array_index(t->m->cpus, 0));
    GArray *hits = forward_hits(t, r);
    g_assert_cmpuint(hits->len, >, 20);
    check_backward(t, r, hits, kind);
    g_array_free(hits, TRUE);
    replay_free(r);
    toy_free(t);
}

static void set_break(Cpu *cpu)
{
    cpu_breakpoint_insert(cpu, TOY_CODE + 18 * TOY_INSN_BYTES, BREAK_GDB);
}

static void set_break_handler(Cpu *cpu)
{
    cpu_breakpoint_insert(cpu, TOY_VECTOR, BREAK_GDB);
}

static void set_watch(Cpu *cpu)
{
    cpu_watchpoint_insert(cpu, 0x4000, 8, BIT(MMU_STORE), BREAK_GDB);
}

/* With memory for hardly anything steps back replay little all the same: not
 * the way from the start. */
static void test_scarce_memory(void)
{
    const uint64_t few = 4000, steps = 60;
    Toy *t = toy_new(toy_busy, toy_busy_count, true);
    record_run(t, 3, "init");
    t = toy_again(t, toy_busy, toy_busy_count);
    spacing = 2000;
    budget = 64 * KIB;
    Replay *r = start(t, REPLAY_PLAY, "init");
    static const Icount places[] = { 40000, 45000, 20000, 59000, 30000 };
    for (guint n = 0; n < G_N_ELEMENTS(places); n++) {
        bool ok = replay_seek(r, replay_end(r), NULL) &&
                  replay_seek(r, places[n], NULL);
        g_assert_true(ok);
        uint64_t before = t->executed;
        for (guint i = 0; i < steps; i++) {
            ReverseStop stop;
            ok = replay_reverse_step(r, NULL, &stop, NULL);
            g_assert_true(ok && stop == REVERSE_STEP);
        }
        g_assert_cmpuint(machine_icount(t->m), ==, places[n] - steps);
        g_assert_cmpuint((t->executed - before) / steps, <, few);
    }
    spacing = budget = 0;
    replay_free(r);
    toy_free(t);
}

static void test_breakpoints(void)
{
    with_points(set_break, REVERSE_BREAKPOINT);
    with_points(set_break_handler, REVERSE_BREAKPOINT);
}

static void test_watchpoints(void)
{
    with_points(set_watch, REVERSE_WATCHPOINT);
}

/* Many checkpoints, more than are kept. */
static void densely(void (*test)(void))
{
    spacing = 41;
    test();
    spacing = 2500;
    test();
    spacing = 0;
}

static void test_dense_reverse_step(void)
{
    densely(test_reverse_step);
}

static void test_dense_breakpoints(void)
{
    densely(test_breakpoints);
}

static void test_dense_watchpoints(void)
{
    densely(test_watchpoints);
}

/* Where a page is written all the time, what is never written in it is not
 * searched for: its line was never touched. */
static void test_lines(void)
{
    Toy *a = replayer();
    GRand *rnd = g_rand_new_with_seed(4);
    spacing = 5000;
    record_run(a, 8, NULL);
    toy_free(a);
    Toy *t = replayer();
    Replay *r = start(t, REPLAY_PLAY, NULL);
    Cpu *cpu = g_ptr_array_index(t->m->cpus, 0);
    run_to_end(t, r, rnd);
    replay_start_debugging(r);
    unsigned quiet = 0;
    for (uint64_t at = 0x80; at < PAGE_SIZE; at += 0x40) {
        ReverseStop stop;
        WatchHit hit;
        Icount end = replay_end(r);
        bool ok = replay_seek(r, end, NULL);
        g_assert_true(ok);
        uint64_t before = t->executed;
        cpu_watchpoint_insert(cpu, TOY_BUSY_CELL + at + 24, 8, BIT(MMU_STORE),
                              BREAK_GDB);
        ok = replay_reverse_continue(r, NULL, NULL, &stop, &hit, NULL);
        g_assert_true(ok);
        if (stop == REVERSE_BEGIN) {
            quiet++;
            g_assert_cmpuint(t->executed - before, <, end / 4);
        }
        cpu_debug_clear(cpu, BREAK_GDB);
    }
    g_assert_cmpuint(quiet, >, 20);
    g_rand_free(rnd);
    replay_free(r);
    toy_free(t);
    spacing = 0;
}

/* A debugger's offset in a segment wraps at 4 GiB, as the processor's does. */
static void test_wrapped_offset(void)
{
    const GuestAddr base = 0x10000010;
    Toy *t = replayer();
    Cpu *cpu = g_ptr_array_index(t->m->cpus, 0);
    cpu_breakpoint_insert(cpu, 0xfffffff8, BREAK_GDB);
    g_assert_true(cpu_breakpoint_at(cpu, base - 8, base));
    g_assert_false(cpu_breakpoint_at(cpu, base + 8, base));
    PageTrace *trace = g_new0(PageTrace, 1);
    page_trace_note_insns(trace, base, base - 8, base + 7);
    g_assert_true(page_trace_has(trace, PAGE_TRACE_LINE, 0xfffffff8));
    g_assert_true(page_trace_has(trace, PAGE_TRACE_LINE, 0));
    g_assert_true(page_trace_has(trace, MMU_FETCH, 0xfffffff8));
    g_assert_true(page_trace_has(trace, MMU_FETCH, 0));
    g_assert_false(page_trace_has(trace, PAGE_TRACE_LINE, 0x100));
    g_free(trace);
    toy_free(t);
}

static bool stop_now(void *opaque)
{
    return true;
}

static void test_edges(void)
{
    Toy *a = replayer();
    Recorded rec = record_run(a, 9, NULL);
    toy_free(a);
    Toy *t = replayer();
    Replay *r = start(t, REPLAY_PLAY, NULL);
    Error *err = NULL;
    ReverseStop stop;
    WatchHit hit;
    replay_start_debugging(r);
    g_assert_true(replay_reverse_step(r, NULL, &stop, NULL));
    g_assert_cmpint(stop, ==, REVERSE_BEGIN);
    g_assert_false(replay_seek(r, rec.end + 1, &err));
    g_assert_nonnull(strstr(error_message(err), "ends at"));
    error_free(err);
    err = NULL;
    g_assert_true(replay_seek(r, 5000, NULL));
    g_assert_false(replay_break_set(r, 4999, NULL));
    g_assert_true(replay_break_set(r, 7000, NULL));
    runstate_set(t->m, RUN_RUNNING);
    while (runstate_running(t->m)) {
        replay_run_slice(t->m, r, 999);
    }
    g_assert_cmpuint(machine_icount(t->m), ==, 7000);
    g_assert_cmpint(runstate(t->m), ==, RUN_PAUSED);
    g_assert_true(replay_break(r) == ICOUNT_NONE);
    /* An interrupted search leaves no trace. */
    g_assert_true(replay_seek(r, rec.end, NULL));
    uint64_t before = whole_digest(t->m);
    replay_diversion_begin(r);
    toy_cpu(t)->reg[1] = 99;
    bool ok = replay_reverse_continue(r, stop_now, NULL, &stop, &hit, NULL);
    g_assert_true(ok);
    g_assert_cmpuint(machine_icount(t->m), ==,
                     stop == REVERSE_INTERRUPTED ? rec.end : 0);
    g_assert_true(replay_seek(r, rec.end, NULL));
    g_assert_cmphex(whole_digest(t->m), ==, before);
    /* A diversion ends when execution goes on. */
    g_assert_true(replay_seek(r, 6000, NULL));
    replay_diversion_begin(r);
    toy_cpu(t)->pc = 0;
    toy_cpu(t)->reg[2] = 1;
    runstate_set(t->m, RUN_RUNNING);
    GRand *rnd = g_rand_new_with_seed(1);
    run_to_end(t, r, rnd);
    g_assert_cmphex(whole_digest(t->m), ==, before);
    g_rand_free(rnd);
    replay_free(r);
    toy_free(t);
}

/* --- snapshots in a recording ------------------------------------------------------ */

/* The replay's disk is the one that was recorded with, as a file would be. */
static void test_snapshots(void)
{
    for (uint32_t seed = 20; seed < 24; seed++) {
        Toy *t = replayer();
        Recorded rec = record_run(t, seed, "init");
        t = toy_again(t, toy_busy, toy_busy_count);
        Replay *r = start(t, REPLAY_PLAY, "init");
        GRand *rnd = g_rand_new_with_seed(seed);
        g_assert_cmpuint(machine_icount(t->m), ==, 0);
        bool ok = replay_loadvm(r, "middle", NULL);
        g_assert_true(ok);
        g_assert_cmpuint(machine_icount(t->m), >, RUN_INSNS / 2 - 1);
        run_to_end(t, r, rnd);
        g_assert_cmphex(whole_digest(t->m), ==, rec.digest);
        ok = replay_seek(r, 100, NULL);
        g_assert_true(ok);
        runstate_set(t->m, RUN_RUNNING);
        run_to_end(t, r, rnd);
        g_assert_cmphex(whole_digest(t->m), ==, rec.digest);
        g_rand_free(rnd);
        replay_free(r);
        toy_free(t);
    }
}

/* A seek that skips half of the run uses the snapshot made there, and arrives
 * where running would have arrived. */
static void test_snapshot_shortcut(void)
{
    Toy *t = replayer();
    Recorded rec = record_run(t, 40, "init");
    uint64_t digests[2];
    for (int n = 0; n < 2; n++) {
        spacing = n ? 1000 : 0;
        t = toy_again(t, toy_busy, toy_busy_count);
        Replay *r = start(t, REPLAY_PLAY, "init");
        runstate_set(t->m, RUN_PAUSED);
        unsigned loads = toy_loads;
        bool ok = replay_seek(r, RUN_INSNS * 3 / 4, NULL);
        g_assert_true(ok);
        g_assert_cmpint(toy_loads > loads, ==, n);
        digests[n] = whole_digest(t->m);
        GRand *rnd = g_rand_new_with_seed(n);
        runstate_set(t->m, RUN_RUNNING);
        run_to_end(t, r, rnd);
        g_assert_cmphex(whole_digest(t->m), ==, rec.digest);
        g_rand_free(rnd);
        replay_free(r);
    }
    spacing = 0;
    g_assert_cmphex(digests[0], ==, digests[1]);
    toy_free(t);
}

/* --- divergence ---------------------------------------------------------------------- */

static void diverge(void (*spoil)(Toy *t), const char *expected)
{
    Toy *a = replayer();
    record_run(a, 11, NULL);
    toy_free(a);
    Toy *t = replayer();
    Replay *r = start(t, REPLAY_PLAY, NULL);
    replay_run_slice(t->m, r, 10);
    spoil(t);
    while (runstate_running(t->m)) {
        replay_run_slice(t->m, r, 3000);
    }
    g_assert_cmpint(runstate(t->m), ==, RUN_INTERNAL_ERROR);
    g_assert_nonnull(replay_divergence(r));
    g_test_message("%s", replay_divergence(r));
    g_assert_nonnull(strstr(replay_divergence(r), expected));
    Icount at = machine_icount(t->m);
    runstate_set(t->m, RUN_RUNNING);
    replay_run_slice(t->m, r, 3000);
    g_assert_cmpuint(machine_icount(t->m), ==, at);
    g_assert_cmpint(runstate(t->m), ==, RUN_INTERNAL_ERROR);
    replay_free(r);
    toy_free(t);
}

static void spoil_ram(Toy *t)
{
    ram_will_write(t->m, 0x1c0000, 1);
    *ram_host(t->m, 0x1c0000) ^= 1;
}

static void spoil_device(Toy *t)
{
    Device *dev = g_ptr_array_index(t->m->devices, 1);
    uint8_t *count = device_state(dev);
    count[60] ^= 0x40;
}

static void test_divergence(void)
{
    commands = false; /* a reset would heal what was spoiled */
    diverge(spoil_ram, "toy.ram+0x1");
    diverge(spoil_device, "toy-serial.0");
    commands = true;
}

static const ToyInsn sleeper[] = {
    { TOY_HLT, 0, 0, 0 },
    { TOY_JMP, 0, 0, TOY_CODE },
};

/* A guest that sleeps, and a log that says of its sleep what nobody knows. */
static void test_unknown_warp(void)
{
    Toy *a = toy_new(sleeper, G_N_ELEMENTS(sleeper), false);
    Replay *r = start(a, REPLAY_RECORD, NULL);
    a->m->sched.idle_sleep = true;
    bool idle = replay_run_slice(a->m, r, 10).idle;
    g_assert_true(idle);
    LogEvent warp = { .icount = machine_icount(a->m), .op = LOG_WARP,
                      .port = 9, .aux = 12345 };
    log_write_event(r->rec.log, &warp);
    replay_finish(r, CAUSE_HOST_QMP_QUIT);
    replay_free(r);
    toy_free(a);
    Toy *t = toy_new(sleeper, G_N_ELEMENTS(sleeper), false);
    r = start(t, REPLAY_PLAY, NULL);
    sched_set_log_end(t->m, ICOUNT_NONE); /* it has not ended for the guest */
    for (int i = 0; i < 10 && runstate_running(t->m); i++) {
        replay_advance(r, 1000);
        runstate_handle_requests(t->m);
    }
    g_assert_nonnull(replay_divergence(r));
    g_assert_nonnull(strstr(replay_divergence(r), "unknown kind, 9"));
    replay_free(r);
    toy_free(t);
}

static const ToyInsn off_code[] = {
    { TOY_LI, 1, 0, 100 },
    { TOY_ADDI, 1, 0, -1 },
    { TOY_JNZ, 1, 0, TOY_CODE + 8 },
    { TOY_LD, 2, 0, 0x9000 },
    { TOY_JNZ, 2, 0, TOY_CODE + 8 * 9 },
    { TOY_LI, 2, 0, 1 },
    { TOY_ST, 2, 0, 0x9000 },
    { TOY_RESET, 0, 0, 0 },
    { TOY_NOP, 0, 0, 0 },
    { TOY_OFF, 0, 0, 0 },
    { TOY_JMP, 0, 0, TOY_CODE },
};

static Toy *off_toy(void)
{
    return toy_new(off_code, G_N_ELEMENTS(off_code), false);
}

static unsigned resets_seen;

static void count_reset(void *opaque, const RunEvent *ev)
{
    resets_seen += ev->type == RUN_EVENT_RESET;
}

/* A guest that resets itself once and then switches off. */
static void test_reset_and_off(void)
{
    int code = -1;
    Toy *a = off_toy();
    Replay *r = start(a, REPLAY_RECORD, NULL);
    while (!runstate_quit_requested(a->m, &code)) {
        replay_run_slice(a->m, r, 50);
    }
    Icount end = machine_icount(a->m);
    g_assert_true(a->m->sched.at_boundary); /* so the end has a digest */
    replay_finish(r, runstate_shutdown_cause(a->m));
    replay_free(r);
    toy_free(a);

    Toy *b = off_toy();
    r = start(b, REPLAY_PLAY, NULL);
    g_assert_cmpuint(replay_end(r), ==, end);
    while (!runstate_quit_requested(b->m, &code)) {
        replay_run_slice(b->m, r, 1000);
    }
    g_assert_cmpint(runstate_shutdown_cause(b->m), ==, CAUSE_GUEST_SHUTDOWN);
    replay_free(r);
    toy_free(b);

    /* With a debugger it stops there instead, and can go back. */
    Toy *c = off_toy();
    r = start(c, REPLAY_PLAY, NULL);
    replay_start_debugging(r);
    while (runstate_running(c->m)) {
        replay_run_slice(c->m, r, 1000);
    }
    g_assert_false(runstate_quit_requested(c->m, &code));
    g_assert_cmpuint(machine_icount(c->m), ==, end);
    resets_seen = 0;
    runstate_listen(c->m, count_reset, NULL);
    for (Icount i = end; i-- > 0;) {
        ReverseStop stop;
        bool ok = replay_reverse_step(r, NULL, &stop, NULL);
        g_assert_true(ok);
        g_assert_cmpuint(machine_icount(c->m), ==, i);
    }
    runstate_set(c->m, RUN_RUNNING);
    while (runstate_running(c->m)) {
        replay_run_slice(c->m, r, 1000);
    }
    g_assert_cmpstr(replay_divergence(r), ==, NULL);
    g_assert_cmpuint(machine_icount(c->m), ==, end);
    replay_free(r);
    toy_free(c);
}

/* The recorder dies at any moment: what is in the file is good. */
static void test_killed(void)
{
    Toy *a = replayer();
    Replay *r = start(a, REPLAY_RECORD, NULL);
    record(a, r, 31, 20000);
    /* No replay_finish(). */
    replay_free(r);
    toy_free(a);
    g_autofree char *bytes = NULL;
    gsize len;
    g_file_get_contents(log_path, &bytes, &len, NULL);
    GRand *rnd = g_rand_new_with_seed(5);
    unsigned good = 0;
    for (int n = 0; n < 30; n++) {
        gsize cut = n ? (gsize)g_rand_int_range(rnd, 1, len) : len;
        g_file_set_contents(log_path, bytes, cut, NULL);
        Toy *t = replayer();
        ReplayOptions o = { .mode = REPLAY_PLAY, .file = log_path };
        r = replay_start(t->m, &o, NULL);
        if (r) {
            runstate_set(t->m, RUN_RUNNING);
            run_to_end(t, r, rnd);
            good++;
        }
        replay_free(r);
        toy_free(t);
    }
    g_assert_cmpuint(good, >, 10);
    g_rand_free(rnd);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    int fd = g_file_open_tmp("test-timeline-XXXXXX", &log_path, NULL);
    close(fd);
    g_test_add_func("/timeline/replay", test_replay);
    g_test_add_func("/timeline/work", test_work);
    g_test_add_func("/timeline/debugged", test_debugged);
    g_test_add_func("/timeline/reverse-step", test_reverse_step);
    g_test_add_func("/timeline/scarce-memory", test_scarce_memory);
    g_test_add_func("/timeline/breakpoints", test_breakpoints);
    g_test_add_func("/timeline/watchpoints", test_watchpoints);
    g_test_add_func("/timeline/lines", test_lines);
    g_test_add_func("/timeline/wrapped-offset", test_wrapped_offset);
    g_test_add_func("/timeline/dense-reverse-step", test_dense_reverse_step);
    g_test_add_func("/timeline/dense-breakpoints", test_dense_breakpoints);
    g_test_add_func("/timeline/dense-watchpoints", test_dense_watchpoints);
    g_test_add_func("/timeline/edges", test_edges);
    g_test_add_func("/timeline/snapshots", test_snapshots);
    g_test_add_func("/timeline/snapshot-shortcut", test_snapshot_shortcut);
    g_test_add_func("/timeline/divergence", test_divergence);
    g_test_add_func("/timeline/unknown-warp", test_unknown_warp);
    g_test_add_func("/timeline/reset-and-off", test_reset_and_off);
    g_test_add_func("/timeline/killed", test_killed);
    int ret = g_test_run();
    g_unlink(log_path);
    g_free(log_path);
    return ret;
}
