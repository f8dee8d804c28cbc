/*
 * -replay-verify: a whole replay, and a report of what was checked.
 */
#include "program.h"

#include <jansson.h>
#include <stdlib.h>

#include "svc/verify.h"

/* ORDER exit-status (docs/user/record-replay.md, tools/replay-tool.h) */
enum { STATUS_GOOD, STATUS_BAD, STATUS_CUT_OFF };

static int status_of(const ReplayVerdict *v)
{
    return v->divergence ? STATUS_BAD
           : v->complete ? STATUS_GOOD
                         : STATUS_CUT_OFF;
}

static double rate(const ReplayVerdict *v)
{
    return v->seconds > 0 ? (v->stop - v->start) / v->seconds : 0;
}

/* --- for people -------------------------------------------------------------------- */

static void print_checks(const ReplayVerdict *v)
{
    printf("digests    %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " agree; "
           "at most %" G_GUINT64_FORMAT " instructions between two\n",
           v->digests, v->digests_recorded, v->longest);
    printf("snapshots  %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " agree",
           v->marks, v->marks_recorded);
    if (v->marks_amid) {
        printf("; %" G_GUINT64_FORMAT " made between an input and the next "
               "instruction cannot be compared", v->marks_amid);
    }
    printf("\nevents     %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
           " delivered\n", v->events, v->events_recorded);
}

static void print_divergence(const ReplayVerdict *v)
{
    if (v->agreed == ICOUNT_NONE) {
        printf("result     DIVERGED before icount %" G_GUINT64_FORMAT, v->stop);
    } else {
        printf("result     DIVERGED between icount %" G_GUINT64_FORMAT ", where "
               "the state was the recorded one, and icount %" G_GUINT64_FORMAT,
               v->agreed, v->stop);
    }
    printf(": %s\n", v->divergence);
}

static void print_result(const ReplayVerdict *v)
{
    if (v->divergence) {
        print_divergence(v);
        return;
    }
    if (v->complete) {
        printf("result     good");
    } else {
        printf("result     good until icount %" G_GUINT64_FORMAT
               ", where the log is cut off", v->end);
    }
    if (v->agreed == ICOUNT_NONE) {
        printf("; but nothing could be checked");
    } else if (v->agreed < v->end) {
        printf("; the last check was at icount %" G_GUINT64_FORMAT, v->agreed);
    }
    printf("\n");
}

static void print_report(const char *file, const ReplayVerdict *v)
{
    printf("log        %s, ends at icount %" G_GUINT64_FORMAT " (%s)\n", file,
           v->end, v->complete ? v->end_reason : "cut off");
    printf("ran        icount %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
           " in %.3f s, %.1f million instructions a second\n", v->start,
           v->stop, v->seconds, rate(v) / 1e6);
    print_checks(v);
    print_result(v);
}

/* --- for programs ------------------------------------------------------------------ */

/* A string that may be anything. */
static json_t *json_text(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    return json_string(valid);
}

static json_t *icount_or_null(Icount icount)
{
    return icount == ICOUNT_NONE ? json_null() : json_integer(icount);
}

static json_t *checks_json(uint64_t agree, uint64_t recorded)
{
    return json_pack("{s:I, s:I}", "agree", (json_int_t)agree, "recorded",
                     (json_int_t)recorded);
}

static json_t *log_json(const char *file, const ReplayVerdict *v)
{
    return json_pack("{s:o, s:I, s:b, s:o?}", "file", json_text(file), "end",
                     (json_int_t)v->end, "complete", v->complete, "reason",
                     v->end_reason ? json_text(v->end_reason) : NULL);
}

static json_t *report_json(const char *file, const ReplayVerdict *v)
{
    static const char *const words[] = { "good", "diverged", "cut-off" };
    json_t *o = json_pack(
        "{s:s, s:o, s:I, s:I, s:f, s:f}", "verdict", words[status_of(v)],
        "log", log_json(file, v), "start", (json_int_t)v->start, "stop",
        (json_int_t)v->stop, "seconds", v->seconds, "instructions-per-second",
        rate(v));
    json_t *digests = checks_json(v->digests, v->digests_recorded);
    json_t *marks = checks_json(v->marks, v->marks_recorded);
    json_object_set_new(digests, "longest-interval", json_integer(v->longest));
    json_object_set_new(marks, "not-comparable", json_integer(v->marks_amid));
    json_object_set_new(o, "digests", digests);
    json_object_set_new(o, "snapshots", marks);
    json_object_set_new(o, "events",
                        json_pack("{s:I, s:I}", "delivered",
                                  (json_int_t)v->events, "recorded",
                                  (json_int_t)v->events_recorded));
    json_object_set_new(o, "last-agreement", icount_or_null(v->agreed));
    if (v->divergence) {
        json_object_set_new(
            o, "divergence",
            json_pack("{s:o, s:I, s:o}", "after", icount_or_null(v->agreed),
                      "at", (json_int_t)v->stop, "what",
                      json_text(v->divergence)));
    }
    return o;
}

/* Takes o. False after a report on standard error. */
static bool write_report(const char *path, json_t *o)
{
    bool ok = !path || !json_dump_file(o, path, JSON_INDENT(4));
    json_decref(o);
    if (!ok) {
        error_report("-replay-report %s: could not be written", path);
    }
    return ok;
}

/* --- running ------------------------------------------------------------------------- */

static int not_started(const Program *p, Error *failure)
{
    const char *path = p->opts.verify.report;
    error_report("%s", error_message(failure));
    if (path && p->opts.verify.mode == VERIFY_LOG) {
        write_report(path, json_pack("{s:s, s:o}", "verdict", "failed",
                                     "error",
                                     json_text(error_message(failure))));
    }
    error_free(failure);
    return STATUS_BAD;
}

int program_verify(Program *p, Error *failure)
{
    if (failure) {
        return not_started(p, failure);
    }
    if (p->opts.verify.mode == VERIFY_STATE) {
        return program_print_states(p);
    }
    ReplayVerdict v;
    const char *file = replay_file(p->replay);
    replay_verify(p->replay, &v);
    print_report(file, &v);
    bool written = write_report(p->opts.verify.report, report_json(file, &v));
    return fflush(stdout) || !written ? STATUS_BAD : status_of(&v);
}
