/*
 * QMP: whether the machine runs, and what it is (qapi/run-state.json,
 * qapi/machine.json).
 */
#include "qom.h"
#include "svc/gate.h"
#include "vm/turn.h"

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

json_t *qmp_query_machines(QmpContext *ctx, Error **errp)
{
    json_t *list = json_array();
    const MachineParts *parts = ctx->machine->parts;
    for (const BoardClass *const *b = parts->boards; *b; b++) {
        const char *model = (*b)->default_cpu;
        g_autofree char *type = model ? qom_cpu_type(parts->cpu, model) : NULL;
        MachineInfoQmp info = {
            .name = (*b)->name,
            .alias = (*b)->alias,
            .has_is_default = (*b)->is_default,
            .is_default = (*b)->is_default,
            .cpu_max = TURN_MOST_CPUS,
            .default_cpu_type = type,
            .acpi = model != NULL,
        };
        json_array_append_new(list, qapi_put_MachineInfoQmp(&info));
    }
    return list;
}

json_t *qmp_query_current_machine(QmpContext *ctx, Error **errp)
{
    CurrentMachineParams info = { .wakeup_suspend_support = false };
    return qapi_put_CurrentMachineParams(&info);
}

json_t *qmp_query_memory_size_summary(QmpContext *ctx, Error **errp)
{
    MemoryInfo info = { .base_memory = ctx->machine->config.ram_bytes,
                        .has_plugged_memory = true };
    return qapi_put_MemoryInfo(&info);
}

json_t *qmp_query_vm_generation_id(QmpContext *ctx, Error **errp)
{
    g_autoptr(GString) text = g_string_new(NULL);
    if (!machine_info(ctx->machine, "vm-generation-id", text)) {
        error_set(errp, "VM Generation ID device not found");
        return NULL;
    }
    GuidInfo info = { g_strchomp(text->str) };
    return qapi_put_GuidInfo(&info);
}

json_t *qmp_query_memory_devices(QmpContext *ctx, Error **errp)
{
    return json_array();
}

json_t *qmp_query_iothreads(QmpContext *ctx, Error **errp)
{
    return json_array();
}

/* --- the command line (also for qmp-qom.c) ------------------------------------------------------------ */

json_t *option_parameters(const ProgramOption *o)
{
    json_t *list = json_array();
    g_auto(GStrv) words = g_strsplit(o->keys ? o->keys : "", " ", -1);
    for (char **w = words; *w; w++) {
        OptionParameter parameter = { g_strdelimit(*w, "*", 0), "string" };
        if (**w && !g_str_equal(*w, "...")) {
            json_array_append_new(list, qapi_put_OptionParameter(&parameter));
        }
    }
    return list;
}

json_t *qmp_query_command_line_options(QmpContext *ctx, const char *option,
                                       Error **errp)
{
    json_t *list = json_array();
    const ProgramOption *o = ctx->machine->parts->options;
    for (; o && o->name; o++) {
        if (option ? g_str_equal(option, o->name) : o->keys != NULL) {
            CommandLineOptionInfo info = { o->name, option_parameters(o) };
            json_array_append_new(list,
                                  qapi_put_CommandLineOptionInfo(&info));
        }
    }
    if (option && !json_array_size(list)) {
        error_set(errp, "invalid option name: %s", option);
        g_clear_pointer(&list, json_decref);
    }
    return list;
}
