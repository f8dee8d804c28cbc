/*
 * QMP: questions about a replay's past, and bookmarks (qapi/replay.json).
 */
#include "monitor.h"

#define MOST_HISTORY 10000

static bool check_len(int64_t len, Error **errp)
{
    if (len < 1 || len > REPLAY_QUERY_BYTES) {
        error_set(errp, "Parameter 'len' must be from 1 to %u, not %"
                  G_GINT64_FORMAT, REPLAY_QUERY_BYTES, len);
        return false;
    }
    return true;
}

static char *hex(const uint8_t *bytes, uint64_t len)
{
    GString *out = g_string_new(NULL);
    for (uint64_t i = 0; i < len; i++) {
        g_string_append_printf(out, "%02x", bytes[i]);
    }
    return g_string_free(out, FALSE);
}

static json_t *put_found(const ReplayQuery *q, const ReplayFound *f)
{
    g_autofree char *old = f->has_old ? hex(f->old, q->len) : NULL;
    g_autofree char *now = f->has_new ? hex(f->now, q->len) : NULL;
    bool insn = f->cpu != REPLAY_NO_CPU;
    ReplayAccess a = {
        .icount = f->icount,
        .has_cpu = insn, .cpu = f->cpu,
        .has_pc = insn, .pc = f->pc,
        .old = old, .new = now,
    };
    return qapi_put_ReplayAccess(&a);
}

/* The last one, or an error. */
static json_t *last(QmpContext *ctx, const ReplayQuery *q, const char *what,
                    Error **errp)
{
    json_t *answer = NULL;
    g_autoptr(GArray) out = g_array_new(FALSE, FALSE, sizeof(ReplayFound));
    if (!replay_query(ctx->replay, q, 1, out, errp)) {
        return NULL;
    }
    if (out->len) {
        answer = put_found(q, &g_array_index(out, ReplayFound, 0));
    } else {
        error_set(errp, "0x%" G_GINT64_MODIFIER "x was not %s before icount %"
                  G_GUINT64_FORMAT, q->addr, what,
                  machine_icount(ctx->machine));
    }
    return answer;
}

json_t *qmp_replay_last_write(QmpContext *ctx, int64_t addr, bool has_len,
                              int64_t len, bool has_phys, bool phys,
                              Error **errp)
{
    ReplayQuery q = { .what = REPLAY_WRITE, .addr = addr,
                      .len = has_len ? len : 1,
                      .physical = has_phys && phys };
    return check_len(q.len, errp) ? last(ctx, &q, "written", errp) : NULL;
}

json_t *qmp_replay_last_exec(QmpContext *ctx, int64_t addr, Error **errp)
{
    ReplayQuery q = { .what = REPLAY_EXEC, .addr = addr, .len = 1 };
    return last(ctx, &q, "executed", errp);
}

json_t *qmp_replay_history(QmpContext *ctx, int64_t addr, int64_t count,
                           bool has_len, int64_t len, bool has_phys, bool phys,
                           Error **errp)
{
    ReplayQuery q = { .what = REPLAY_WRITE, .addr = addr,
                      .len = has_len ? len : 1,
                      .physical = has_phys && phys };
    if (count < 1 || count > MOST_HISTORY) {
        error_set(errp, "Parameter 'count' must be from 1 to %d, not %"
                  G_GINT64_FORMAT, MOST_HISTORY, count);
        return NULL;
    }
    g_autoptr(GArray) out = g_array_new(FALSE, FALSE, sizeof(ReplayFound));
    if (!check_len(q.len, errp) ||
        !replay_query(ctx->replay, &q, count, out, errp)) {
        return NULL;
    }
    json_t *list = json_array();
    for (guint i = 0; i < out->len; i++) {
        json_array_append_new(list, put_found(&q, &g_array_index(
                                                  out, ReplayFound, i)));
    }
    return list;
}

/* --- bookmarks ------------------------------------------------------------------- */

void qmp_replay_bookmark(QmpContext *ctx, const char *name, Error **errp)
{
    replay_bookmark(ctx->replay, name, errp);
}

void qmp_replay_delete_bookmark(QmpContext *ctx, const char *name,
                                Error **errp)
{
    replay_bookmark_delete(ctx->replay, name, errp);
}

json_t *qmp_query_replay_bookmarks(QmpContext *ctx, Error **errp)
{
    json_t *list = json_array();
    const GArray *all = replay_bookmarks(ctx->replay);
    for (guint i = 0; all && i < all->len; i++) {
        const ReplayBookmark *b = &g_array_index(all, ReplayBookmark, i);
        ReplayBookmarkInfo info = { .name = b->name, .icount = b->icount };
        json_array_append_new(list, qapi_put_ReplayBookmarkInfo(&info));
    }
    return list;
}

void qmp_replay_seek_bookmark(QmpContext *ctx, const char *name, Error **errp)
{
    Icount icount;
    if (replay_bookmark_find(ctx->replay, name, &icount)) {
        replay_seek(ctx->replay, icount, errp);
    } else {
        error_set(errp, "there is no bookmark '%s'", name);
    }
}
