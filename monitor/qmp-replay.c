/*
 * QMP: record and replay (qapi/replay.json).
 */
#include "monitor.h"

json_t *qmp_query_replay(QmpContext *ctx, Error **errp)
{
    static const ReplayModeName modes[] = {
        [REPLAY_NONE] = REPLAY_MODE_NAME_NONE,
        [REPLAY_RECORD] = REPLAY_MODE_NAME_RECORD,
        [REPLAY_PLAY] = REPLAY_MODE_NAME_PLAY,
    };
    ReplayInfo info = {
        .mode = modes[replay_mode(ctx->replay)],
        .filename = ctx->replay ? replay_file(ctx->replay) : NULL,
        .icount = machine_icount(ctx->machine),
    };
    return qapi_put_ReplayInfo(&info);
}

static bool replaying(QmpContext *ctx, const char *what, Error **errp)
{
    if (replay_mode(ctx->replay) == REPLAY_PLAY) {
        return true;
    }
    error_set(errp, "%s is only possible in replay mode", what);
    return false;
}

void qmp_replay_break(QmpContext *ctx, int64_t icount, Error **errp)
{
    if (!replaying(ctx, "setting the breakpoint", errp)) {
        return;
    }
    if (icount < 0) {
        error_set(errp, "cannot set breakpoint at a negative instruction "
                        "count");
        return;
    }
    replay_break_set(ctx->replay, icount, errp);
}

void qmp_replay_delete_break(QmpContext *ctx, Error **errp)
{
    if (replaying(ctx, "deleting the breakpoint", errp)) {
        replay_break_delete(ctx->replay);
    }
}

void qmp_replay_seek(QmpContext *ctx, int64_t icount, Error **errp)
{
    if (icount < 0) {
        error_set(errp, "cannot seek to a negative instruction count");
        return;
    }
    replay_seek(ctx->replay, icount, errp);
}

void qmp_replay_branch(QmpContext *ctx, const char *filename, Error **errp)
{
    replay_branch(ctx->replay, filename, errp);
}

void qmp_replay_return(QmpContext *ctx, Error **errp)
{
    replay_return_to_present(ctx->replay);
}
