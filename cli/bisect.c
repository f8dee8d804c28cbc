/*
 * -replay-bisect: which instruction is the first whose effect differs.
 *
 * What the recorded run's states were between two digests nobody knows. But
 * two runs can be compared everywhere: this recording's and another's, or this
 * build's with itself in ways that must not matter. Each runs in a process of
 * its own (walk.h); nothing is built here.
 */
#include "program.h"

#include <stdlib.h>
#include <string.h>

#include "svc/verify.h"
#include "walk.h"

typedef struct Pair {
    const Options *o;
    const Way *a, *b;
} Pair;

/* --- two ways ------------------------------------------------------------------------- */

static bool probe(void *opaque, Icount from, Icount to, uint64_t step,
                  Icount *first, Error **errp)
{
    const Pair *p = opaque;
    g_autoptr(Walk) a = walk_start(p->o, p->a, from, to, step, "", errp);
    g_autoptr(Walk) b = a ? walk_start(p->o, p->b, from, to, step, "", errp)
                          : NULL;
    if (!b || !walk_finish(a, errp) || !walk_finish(b, errp)) {
        return false;
    }
    *first = walk_compare(a, b);
    return true;
}

/* As replay_bisect(); but runs may differ from the very start. */
static bool find_first(const Pair *p, Icount same, Icount until, Icount *first,
                       Error **errp)
{
    *first = ICOUNT_NONE;
    if (!same && !probe((void *)p, 0, 0, 1, first, errp)) {
        return false;
    }
    return *first != ICOUNT_NONE ||
           replay_bisect(same, until, probe, (void *)p, first, errp);
}

/* Prints where they part; *differ says whether they do. */
static bool compare_ways(const Pair *p, Icount same, Icount until,
                         bool *differ, Error **errp)
{
    Icount first;
    if (!find_first(p, same, until, &first, errp)) {
        return false;
    }
    *differ = first != ICOUNT_NONE;
    printf("%s and %s: %s\n", p->a->name, p->b->name,
           *differ ? "differ" : "the same states");
    fflush(stdout);
    return !*differ || bisect_print(p->o, p->a, p->b, first, errp);
}

/* A whole walk until an icount; NULL with an error. */
static Walk *walk_until(const Options *o, const Way *way, Icount until,
                        Error **errp)
{
    Walk *w = walk_start(o, way, until, until, 1, "", errp);
    if (w && !walk_finish(w, errp)) {
        walk_free(w);
        return NULL;
    }
    return w;
}

static void print_agreement(const Way *way, const Walk *w)
{
    if (walk_divergence(w)) {
        printf("%s: agrees with its recording until icount %" G_GUINT64_FORMAT
               ", not at icount %" G_GUINT64_FORMAT ": %s\n", way->name,
               walk_agreed(w), walk_stop(w), walk_divergence(w));
    } else {
        printf("%s: agrees with its recording until icount %" G_GUINT64_FORMAT
               "\n", way->name, walk_stop(w));
    }
    fflush(stdout);
}

/* --- this build against itself ---------------------------------------------------------- */

typedef struct Ways {
    const Options *o;
    Way base;
    Icount agreed, until;      /* of base */
    bool diverged;
    unsigned differ;           /* ways that do */
    unsigned failed;           /* ways that could not be tried */
} Ways;

static bool try_way(Ways *s, const Way *way, Error **errp)
{
    Pair p = { s->o, &s->base, way };
    Icount same = s->diverged ? s->agreed : 0, until = s->until;
    bool differ;
    g_autoptr(Walk) w = walk_until(s->o, way, until, errp);
    if (!w) {
        return false;
    }
    print_agreement(way, w);
    if (walk_divergence(w) && walk_stop(w) < until) {
        until = walk_stop(w);
        same = MIN(same, walk_agreed(w));
    }
    if (!compare_ways(&p, same, until, &differ, errp)) {
        return false;
    }
    s->differ += differ;
    return true;
}

/* True if it could be tried. */
static bool try_or_skip(Ways *s, const Way *way)
{
    Error *err = NULL;
    bool ok = try_way(s, way, &err);
    if (!ok) {
        printf("%s: cannot be tried: %s\n", way->name, error_message(err));
        error_free(err);
        s->failed++;
    }
    return ok;
}

static bool other_backend_asked(const Options *o)
{
    for (const char *const *word = o->argv; *word; word++) {
        if (strstr(*word, "backend=interp")) {
            return true;
        }
    }
    return false;
}

/* A snapshot shortly before the interval is the quickest way there, once it
 * has been shown to lead to the same. */
static void try_snapshot(Ways *s)
{
    const char *log = s->o->icount.rrfile;
    char *name = replay_log_snapshot(log, s->diverged ? s->agreed : s->until);
    if (!name) {
        return;
    }
    g_autofree char *title = g_strdup_printf("from snapshot '%s'", name);
    Way way = { .name = title, .snapshot = name };
    unsigned differ = s->differ;
    if (s->diverged && try_or_skip(s, &way) && s->differ == differ) {
        s->base.snapshot = g_steal_pointer(&name);
    } else if (!s->diverged) {
        try_or_skip(s, &way);
    }
    g_free(name);
}

static void try_ways(Ways *s)
{
    const char *backend = other_backend_asked(s->o) ? "backend=x86_64"
                                                    : "backend=interp";
    const char *const accels[] = { backend, "one-insn-per-tb=on",
                                   "flush-at-random=1" };
    try_snapshot(s);
    Way back = { .name = (char *)"back to a checkpoint",
                 .snapshot = s->base.snapshot, .checkpoint = true };
    try_or_skip(s, &back);
    for (size_t i = 0; i < G_N_ELEMENTS(accels); i++) {
        Way way = { .name = (char *)accels[i], .accel = accels[i],
                    .snapshot = s->base.snapshot };
        try_or_skip(s, &way);
    }
}

static void conclude(const Ways *s)
{
    if (s->differ) {
        printf("result: %u ways of running differ from this one; it is the "
               "emulator that errs\n", s->differ);
    } else if (s->diverged) {
        printf("result: all ways of running that were tried agree with each "
               "other and not with the recording: between icount %"
               G_GUINT64_FORMAT " and icount %" G_GUINT64_FORMAT " the "
               "recording had another input than it says, or was made by "
               "another build\n", s->agreed, s->until);
    } else {
        printf("result: nothing differs\n");
    }
}

static bool bisect_ways(const Options *o, bool *good, Error **errp)
{
    Ways s = { .o = o, .base = { .name = (char *)"as asked" } };
    g_autoptr(Walk) w = walk_until(o, &s.base, INT64_MAX, errp);
    if (!w) {
        return false;
    }
    s.agreed = walk_agreed(w);
    s.until = walk_stop(w);
    s.diverged = walk_divergence(w);
    print_agreement(&s.base, w);
    try_ways(&s);
    conclude(&s);
    g_free((char *)s.base.snapshot);
    *good = !s.differ && !s.diverged && !s.failed;
    return true;
}

/* --- two recordings ---------------------------------------------------------------------- */

static void print_parting(const Pair *p, const LogParting *at)
{
    if (at->identity) {
        printf("the machines differ (- %s, + %s):\n%s", p->a->name, p->b->name,
               at->identity);
    }
    if (at->event) {
        printf("the first input that differs, at icount %" G_GUINT64_FORMAT
               ":\n  %s: %s\n  %s: %s\n", at->event_icount, p->a->name,
               at->event, p->b->name, at->other_event);
    } else {
        printf("the inputs are the same\n");
    }
    if (at->differs != ICOUNT_NONE) {
        printf("the first digest that differs is at icount %" G_GUINT64_FORMAT
               "\n", at->differs);
    }
    fflush(stdout);
}

/* Both on this build. */
static bool run_both(const Pair *p, const LogParting *at, bool *differ,
                     Error **errp)
{
    Icount until = at->differs != ICOUNT_NONE ? at->differs : at->end;
    Icount same = at->same != ICOUNT_NONE ? at->same : 0;
    const Way *ways[] = { p->a, p->b };
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(Walk) w = walk_until(p->o, ways[i], until, errp);
        if (!w) {
            error_prepend(errp, "%s: ", ways[i]->name);
            return false;
        }
        print_agreement(ways[i], w);
        same = walk_divergence(w) ? MIN(same, walk_agreed(w)) : same;
    }
    return compare_ways(p, same, until, differ, errp);
}

static bool bisect_logs(const Options *o, bool *good, Error **errp)
{
    LogParting at;
    Way a = { .name = (char *)o->icount.rrfile };
    Way b = { .name = (char *)o->verify.with, .log = o->verify.with };
    Pair p = { o, &a, &b };
    bool differ = false;
    bool ok = replay_logs_compare(a.name, b.name, &at, errp);
    if (ok) {
        print_parting(&p, &at);
        ok = run_both(&p, &at, &differ, errp);
    }
    if (ok && !differ && at.differs != ICOUNT_NONE) {
        printf("result: here both come to the same states: one of them was "
               "recorded by a build that does otherwise, or has another "
               "input than it says\n");
    }
    *good = ok && !differ && !at.event && at.differs == ICOUNT_NONE;
    log_parting_clear(&at);
    return ok;
}

int program_bisect(const Options *o)
{
    Error *err = NULL;
    bool good = false;
    bool ok = o->verify.with ? bisect_logs(o, &good, &err)
                             : bisect_ways(o, &good, &err);
    if (!ok) {
        error_report("%s", error_message(err));
        error_free(err);
    }
    return good && !fflush(stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
}
