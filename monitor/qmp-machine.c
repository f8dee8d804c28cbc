/*
 * QMP: whether the machine runs, what it is, and its keys
 * (qapi/run-state.json, qapi/machine.json).
 */
#include <unistd.h>

#include "io/input.h"
#include "monitor.h"
#include "vm/sched.h"

json_t *qmp_query_status(QmpContext *ctx, Error **errp)
{
    StatusInfo info = {
        .running = runstate_running(ctx->machine),
        .status = (RunStateName)runstate(ctx->machine),
    };
    return qapi_put_StatusInfo(&info);
}

void qmp_stop(QmpContext *ctx, Error **errp)
{
    if (runstate_running(ctx->machine)) {
        runstate_set(ctx->machine, RUN_PAUSED);
    }
}

void qmp_cont(QmpContext *ctx, Error **errp)
{
    RunState s = runstate(ctx->machine);
    if (s == RUN_SHUTDOWN || s == RUN_INTERNAL_ERROR) {
        error_set(errp, s == RUN_SHUTDOWN
                            ? "Resetting the Virtual Machine is required"
                            : "the replay diverged: it cannot go on");
        return;
    }
    if (s == RUN_RUNNING) {
        return;
    }
    if (ctx->replay) {
        replay_diversion_end(ctx->replay);
    }
    sched_skip_breakpoint(ctx->machine);
    runstate_set(ctx->machine, RUN_RUNNING);
}

/* Handlers of mutating commands run twice: once without a machine to check
 * the arguments, once at delivery (dispatch.c). */
void qmp_system_reset(QmpContext *ctx, Error **errp)
{
    if (ctx->machine) {
        runstate_request_reset(ctx->machine, CAUSE_HOST_QMP_SYSTEM_RESET);
        if (runstate(ctx->machine) == RUN_SHUTDOWN) {
            runstate_set(ctx->machine, RUN_PAUSED);
        }
    }
}

static bool take_key(const json_t *o, InputKey *key, Error **errp)
{
    const char *type = json_string_value(json_object_get(o, "type"));
    const char *word = json_string_value(json_object_get(o, "data"));
    if (!type || !g_str_equal(type, "qcode") || !word) {
        error_set(errp, "Parameter 'keys' takes objects like "
                        "{'type': 'qcode', 'data': 'ret'}");
        return false;
    }
    if (!input_key_find(word, key)) {
        error_set(errp, "Parameter 'data' does not accept value '%s'", word);
        return false;
    }
    return true;
}

void qmp_send_key(QmpContext *ctx, json_t *keys, bool has_hold_time,
                  int64_t hold_time, Error **errp)
{
    enum { MOST_KEYS = 16 };
    InputKey key[MOST_KEYS];
    size_t n = json_array_size(keys);
    if (n > MOST_KEYS) {
        error_set(errp, "Parameter 'keys' takes at most %d keys", MOST_KEYS);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (!take_key(json_array_get(keys, i), &key[i], errp)) {
            return;
        }
    }
    for (size_t i = 0; ctx->machine && i < n; i++) {
        input_send_key(ctx->machine, key[i], true);
    }
    for (size_t i = n; ctx->machine && i-- > 0;) {
        input_send_key(ctx->machine, key[i], false);
    }
}

json_t *qmp_query_name(QmpContext *ctx, Error **errp)
{
    NameInfo info = { ctx->machine->name };
    return qapi_put_NameInfo(&info);
}

json_t *qmp_query_uuid(QmpContext *ctx, Error **errp)
{
    const char *uuid = ctx->machine->config.uuid;
    UuidInfo info = { uuid ? uuid : "00000000-0000-0000-0000-000000000000" };
    return qapi_put_UuidInfo(&info);
}

json_t *qmp_query_cpus_fast(QmpContext *ctx, Error **errp)
{
    json_t *list = json_array();
    for (guint i = 0; i < ctx->machine->cpus->len; i++) {
        const Cpu *cpu = g_ptr_array_index(ctx->machine->cpus, i);
        g_autofree char *path = g_strdup_printf("/machine/cpu[%u]", i);
        CpuInfoFast info = { i, path, getpid(), cpu->cls->name };
        json_array_append_new(list, qapi_put_CpuInfoFast(&info));
    }
    return list;
}

json_t *qmp_query_machines(QmpContext *ctx, Error **errp)
{
    json_t *list = json_array();
    const BoardClass *const *b = ctx->machine->parts->boards;
    for (; *b; b++) {
        MachineInfoQmp info = {
            .name = (*b)->name,
            .alias = (*b)->alias,
            .has_is_default = (*b)->is_default,
            .is_default = (*b)->is_default,
            .cpu_max = 1,
            .default_cpu_type = (*b)->default_cpu,
        };
        json_array_append_new(list, qapi_put_MachineInfoQmp(&info));
    }
    return list;
}
