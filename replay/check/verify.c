/*
 * Replaying a log for no other purpose than to see whether it agrees with what
 * was recorded; and states as text. See svc/verify.h.
 *
 * While it walks the machine is `travelling`: nobody outside is told what
 * happens, and a shutdown in the middle of a log ends nothing.
 */
#include "svc/verify.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "internal.h"

/* --- walking ------------------------------------------------------------------------- */

/* One advance; false if there is no way on. */
static bool walk_on(Replay *r, Icount icount)
{
    Machine *m = r->m;
    SchedStop stop = replay_advance(r, MIN(icount, replay_end(r)));
    Icount now = machine_icount(m);
    if (now >= icount || r->divergence) {
        return false;
    }
    if (stop == SCHED_WAIT || stop == SCHED_LOG_END) {
        if (now < replay_end(r)) {
            replay_diverged(r, "the guest sleeps for ever at icount %"
                            G_GUINT64_FORMAT "; the recording goes on to %"
                            G_GUINT64_FORMAT, now, replay_end(r));
        }
        return false;
    }
    runstate_handle_requests(m);
    return true;
}

static void set_travelling(Replay *r, bool on)
{
    r->m->debug.travelling = on;
    if (r->mute) {
        r->mute(r->mute_opaque, on);
    }
}

bool replay_walk_to(Replay *r, Icount icount)
{
    Machine *m = r->m;
    bool no_shutdown = m->no_shutdown;
    Icount target = MIN(icount, replay_end(r));
    m->no_shutdown = true;
    set_travelling(r, true);
    while (!r->divergence && machine_icount(m) < target &&
           walk_on(r, target)) {
    }
    set_travelling(r, false);
    m->no_shutdown = no_shutdown;
    return machine_icount(m) == icount && m->sched.at_boundary;
}

Icount replay_agreed(const Replay *r)
{
    return r->agreements ? r->agreed : ICOUNT_NONE;
}

/* --- verifying ----------------------------------------------------------------------- */

static void check_mark(Replay *r, const LogMark *mark, ReplayVerdict *v)
{
    uint64_t total = replay_state_digest(r);
    if (total != mark->total) {
        replay_diverged(r, "the state at icount %" G_GUINT64_FORMAT " is not "
                        "that of snapshot '%s'", mark->icount, mark->name);
        return;
    }
    v->marks++;
    r->agreements++;
    r->agreed = mark->icount;
}

/* Walks to each mark, in order, and to the end. */
static void walk_marks(Replay *r, ReplayVerdict *v)
{
    const GPtrArray *marks = log_reader_marks(r->play.log);
    for (guint i = 0; i < marks->len && !r->divergence; i++) {
        const LogMark *mark = g_ptr_array_index(marks, i);
        if (mark->icount < v->start) {
            continue;
        }
        v->marks_recorded++;
        v->marks_amid += !mark->at_boundary;
        if (mark->at_boundary && replay_walk_to(r, mark->icount) &&
            !r->divergence) {
            check_mark(r, mark, v);
        }
    }
    replay_walk_to(r, v->end);
}

/* What the log offers to be checked from where the replay starts. */
static void count_checks(const Replay *r, ReplayVerdict *v)
{
    const GArray *chunks = log_reader_chunks(r->play.log);
    Icount last = v->start;
    for (guint i = 0; i < chunks->len; i++) {
        const LogChunk *c = &g_array_index(chunks, LogChunk, i);
        if (c->type == LOG_CHUNK_DIGEST && c->first >= v->start) {
            v->digests_recorded++;
            v->longest = MAX(v->longest, c->first - last);
            last = c->first;
        }
    }
    v->longest = MAX(v->longest, v->end - last);
}

static uint64_t position(const Replay *r)
{
    return log_cursor_position(r->play.log, &r->play.at);
}

void replay_verify(Replay *r, ReplayVerdict *v)
{
    g_assert(r->mode == REPLAY_PLAY);
    const LogReader *log = r->play.log;
    uint64_t first = position(r);
    int64_t began_us = g_get_monotonic_time();
    *v = (ReplayVerdict){
        .start = machine_icount(r->m),
        .end = log_reader_end(log),
        .complete = log_reader_complete(log),
        .end_reason = log_reader_end_reason(log),
        .events_recorded = log_reader_events(log) - first,
    };
    count_checks(r, v);
    walk_marks(r, v);
    v->seconds = (g_get_monotonic_time() - began_us) / 1e6;
    v->stop = machine_icount(r->m);
    v->events = position(r) - first;
    v->digests = r->agreements - v->marks;
    v->agreed = replay_agreed(r);
    v->divergence = r->divergence;
}

/* --- states as text ------------------------------------------------------------------- */

uint64_t replay_state_digest(Replay *r)
{
    Digest d = { 0 };
    digest_take(r->ram_digest, &d);
    uint64_t total = d.total;
    digest_clear(&d);
    return total;
}

static void print_field(const Section *s, const StateField *f, GString *out)
{
    for (uint32_t i = 0; i < f->count; i++) {
        uint64_t v = state_get(f, s->object, i);
        if (f->count > 1 && !v) {
            continue;
        }
        g_string_append_printf(out, "%s.%s", s->name, f->name);
        if (f->count > 1) {
            g_string_append_printf(out, "[%u]", i);
        }
        g_string_append_printf(out, f->tag == STATE_TIME || f->tag == STATE_I64
                                        ? " = %" G_GINT64_FORMAT "\n"
                                        : " = 0x%" G_GINT64_MODIFIER "x\n", v);
    }
}

static void print_section(void *opaque, const Section *s)
{
    for (uint32_t i = 0; i < s->table->field_count; i++) {
        print_field(s, &s->table->fields[i], opaque);
    }
}

static bool page_is_zero(const uint8_t *p)
{
    return !p[0] && !memcmp(p, p + 1, PAGE_SIZE - 1);
}

static void print_block(const RamBlock *b, GString *out)
{
    for (uint64_t at = 0; at < b->size_bytes; at += PAGE_SIZE) {
        if (!page_is_zero(b->host + at)) {
            g_string_append_printf(
                out, "ram %s+0x%" G_GINT64_MODIFIER "x = %016"
                G_GINT64_MODIFIER "x\n", b->name, at,
                digest_bytes(b->host + at, PAGE_SIZE));
        }
    }
}

void replay_print_state(Replay *r, GString *out)
{
    const GPtrArray *blocks = ram_blocks(r->m);
    machine_sections(r->m, print_section, out);
    for (guint i = 0; i < blocks->len; i++) {
        print_block(g_ptr_array_index(blocks, i), out);
    }
}

static const RamBlock *block_of(Replay *r, const char *place, uint64_t *at)
{
    const GPtrArray *blocks = ram_blocks(r->m);
    const char *plus = strrchr(place, '+');
    for (guint i = 0; plus && i < blocks->len; i++) {
        const RamBlock *b = g_ptr_array_index(blocks, i);
        char *end;
        *at = g_ascii_strtoull(plus + 1, &end, 16) & PAGE_MASK;
        if (strlen(b->name) == plus - place && end > plus + 1 && !*end &&
            !strncmp(b->name, place, plus - place) && *at < b->size_bytes) {
            return b;
        }
    }
    return NULL;
}

bool replay_print_page(Replay *r, const char *place, GString *out,
                       Error **errp)
{
    uint64_t at;
    const RamBlock *b = block_of(r, place, &at);
    if (!b) {
        error_set(errp, "there is no RAM at '%s'", place);
        return false;
    }
    for (uint64_t end = at + PAGE_SIZE; at < end; at += 8) {
        g_string_append_printf(out, "bytes %s+0x%" G_GINT64_MODIFIER "x =",
                               b->name, at);
        for (unsigned i = 0; i < 8; i++) {
            g_string_append_printf(out, " %02x", b->host[at + i]);
        }
        g_string_append_c(out, '\n');
    }
    return true;
}
