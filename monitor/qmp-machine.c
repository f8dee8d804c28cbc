/*
 * QMP: whether the machine runs, and what it is (qapi/run-state.json,
 * qapi/machine.json).
 */
#include <unistd.h>

#include "monitor.h"
#include "svc/gate.h"

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
    gate_run(ctx->machine, ctx->replay, NULL, errp);
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
