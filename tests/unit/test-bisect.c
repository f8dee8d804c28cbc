/*
 * The search for the first instruction whose effect differs: made-up runs, and
 * replays of the toy machine by a CPU that errs once; and verifying those.
 */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "svc/verify.h"
#include "toy.h"

#define RUN_INSNS    40000u
#define DIGEST_INSNS 8192u

static char *log_path;

/* --- made-up runs ---------------------------------------------------------------- */

typedef struct Made {
    Icount from, back;     /* they differ in [from, back) */
    unsigned probes;
    bool moody;            /* only the first time */
} Made;

static bool made_probe(void *opaque, Icount from, Icount to, uint64_t step,
                       Icount *first, Error **errp)
{
    Made *made = opaque;
    bool last = false;
    *first = ICOUNT_NONE;
    if (made->moody && made->probes++) {
        return true;
    }
    for (Icount at = from; !last && *first == ICOUNT_NONE;
         at = MIN(at + step, to)) {
        last = at == to;
        if (at >= made->from && at < made->back) {
            *first = at;
        }
    }
    return true;
}

static void test_exact(void)
{
    const Icount untils[] = { 1, 2, 1023, 1024, 1025, 5000, 1048576, 99999999 };
    for (size_t i = 0; i < G_N_ELEMENTS(untils); i++) {
        for (unsigned n = 0; n < 200; n++) {
            Icount same = g_test_rand_int_range(0, 1000);
            Icount until = same + untils[i];
            Made made = { .back = ICOUNT_NONE };
            made.from = same + 1 +
                        g_test_rand_int_range(0, G_MAXINT32) % untils[i];
            Icount first;
            g_assert_true(replay_bisect(same, until, made_probe, &made,
                                        &first, NULL));
            g_assert_cmpuint(first, ==, made.from);
        }
    }
}

static void test_none(void)
{
    Made made = { .from = 501, .back = ICOUNT_NONE };
    Icount first = 0;
    g_assert_true(replay_bisect(100, 500, made_probe, &made, &first, NULL));
    g_assert_cmpuint(first, ==, ICOUNT_NONE);
    g_assert_true(replay_bisect(500, 500, made_probe, &made, &first, NULL));
    g_assert_cmpuint(first, ==, ICOUNT_NONE);
}

static void test_moody(void)
{
    Made made = { .from = 7000, .back = ICOUNT_NONE, .moody = true };
    g_autoptr(Error) err = NULL;
    Icount first;
    g_assert_false(replay_bisect(0, 1000000, made_probe, &made, &first, &err));
    g_assert_nonnull(strstr(error_message(err), "the next time"));
}

/* --- the toy --------------------------------------------------------------------- */

static Replay *start(Toy *t, ReplayMode mode)
{
    ReplayOptions o = { .mode = mode, .file = log_path,
                        .digest_interval = DIGEST_INSNS,
                        .timeline_off = true };
    Replay *r = replay_start(t->m, &o, NULL);
    g_assert_true(r && replay_begin(r, NULL));
    runstate_set(t->m, RUN_RUNNING);
    return r;
}

static void record(void)
{
    Toy *t = toy_new(toy_busy, toy_busy_count, false);
    t->m->sched.idle_sleep = false;
    Replay *r = start(t, REPLAY_RECORD);
    while (machine_icount(t->m) < RUN_INSNS) {
        uint32_t word = g_test_rand_int();
        toy_serial_input(t, &word, 3);
        replay_run_slice(t->m, r, g_test_rand_int_range(100, 900));
    }
    replay_finish(r, CAUSE_HOST_QMP_QUIT);
    replay_free(r);
    toy_free(t);
}

/* A CPU whose wrong-th instruction flips a bit too many. ICOUNT_NONE: none. */
typedef struct Run {
    Toy *t;
    Replay *r;
    Icount wrong;
} Run;

static Run run_new(Icount wrong)
{
    Run run = { .t = toy_new(toy_busy, toy_busy_count, false),
                .wrong = wrong };
    run.r = start(run.t, REPLAY_PLAY);
    return run;
}

static bool run_to(Run *run, Icount icount)
{
    if (machine_icount(run->t->m) < run->wrong && run->wrong <= icount) {
        replay_walk_to(run->r, run->wrong);
        toy_cpu(run->t)->reg[11] ^= 1;
    }
    return replay_walk_to(run->r, icount);
}

static void run_free(Run *run)
{
    replay_free(run->r);
    toy_free(run->t);
}

static void run_points(Icount wrong, GArray *out, Icount from, Icount to,
                       uint64_t step)
{
    Run run = run_new(wrong);
    bool last = false;
    for (Icount at = from; !last; at = MIN(at + step, to)) {
        bool there = run_to(&run, at);
        uint64_t digest = there ? replay_state_digest(run.r) : 0;
        last = at == to;
        g_array_append_val(out, digest);
    }
    run_free(&run);
}

static bool toy_probe(void *opaque, Icount from, Icount to, uint64_t step,
                      Icount *first, Error **errp)
{
    g_autoptr(GArray) a = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    g_autoptr(GArray) b = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    run_points(ICOUNT_NONE, a, from, to, step);
    run_points(*(const Icount *)opaque, b, from, to, step);
    g_assert_cmpuint(a->len, ==, b->len);
    *first = ICOUNT_NONE;
    for (guint i = a->len; i-- > 0;) {
        if (g_array_index(a, uint64_t, i) != g_array_index(b, uint64_t, i)) {
            *first = MIN(from + i * step, to);
        }
    }
    return true;
}

/* The verdict names the interval, the bisection the instruction. */
static void test_wrong_cpu(void)
{
    record();
    for (unsigned i = 0; i < 6; i++) {
        Icount wrong = g_test_rand_int_range(1, RUN_INSNS - DIGEST_INSNS);
        Icount same = wrong / DIGEST_INSNS * DIGEST_INSNS, first;
        Icount until = same + DIGEST_INSNS;
        if (wrong == same) {
            continue;
        }
        Run run = run_new(wrong);
        ReplayVerdict v;
        run_to(&run, wrong);
        replay_verify(run.r, &v);
        g_assert_nonnull(v.divergence);
        g_assert_cmpuint(v.agreed, ==, same);
        g_assert_cmpuint(v.stop, ==, until);
        run_free(&run);
        g_assert_true(replay_bisect(same, until, toy_probe, &wrong, &first,
                                    NULL));
        g_assert_cmpuint(first, ==, wrong);
    }
}

static void test_verify(void)
{
    record();
    Run run = run_new(ICOUNT_NONE);
    ReplayVerdict v;
    replay_verify(run.r, &v);
    g_assert_null(v.divergence);
    g_assert_true(v.complete);
    g_assert_cmpuint(v.stop, ==, v.end);
    g_assert_cmpuint(v.digests, ==, v.digests_recorded);
    g_assert_cmpuint(v.digests, >=, RUN_INSNS / DIGEST_INSNS);
    g_assert_cmpuint(v.longest, ==, DIGEST_INSNS);
    run_free(&run);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    int fd = g_file_open_tmp("reprise-bisect-XXXXXX", &log_path, NULL);
    g_assert_cmpint(fd, >=, 0);
    close(fd);
    g_test_add_func("/bisect/exact", test_exact);
    g_test_add_func("/bisect/none", test_none);
    g_test_add_func("/bisect/moody", test_moody);
    g_test_add_func("/bisect/verify", test_verify);
    g_test_add_func("/bisect/wrong-cpu", test_wrong_cpu);
    int result = g_test_run();
    g_unlink(log_path);
    g_free(log_path);
    return result;
}
