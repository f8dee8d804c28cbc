/*
 * QMP: the connection and the program (qapi/control.json).
 */
#include "monitor.h"

/* The QEMU whose monitor and command line we follow. */
enum { FOLLOWED_MAJOR = 7, FOLLOWED_MINOR = 2, FOLLOWED_MICRO = 0 };

void qmp_qmp_capabilities(QmpContext *ctx, json_t *enable, Error **errp)
{
    Monitor *mon = ctx->session;
    if (json_array_size(enable)) {
        const char *word = json_string_value(json_array_get(enable, 0));
        error_set(errp, "Capability '%s' not available", word ? word : "?");
        return;
    }
    if (mon) {
        mon->negotiated = true;
    }
}

json_t *qmp_query_version(QmpContext *ctx, Error **errp)
{
    VersionTriple qemu = { FOLLOWED_MAJOR, FOLLOWED_MINOR, FOLLOWED_MICRO };
    VersionInfo info = { &qemu, "Reprise " REPRISE_VERSION };
    return qapi_put_VersionInfo(&info);
}

json_t *qmp_query_target(QmpContext *ctx, Error **errp)
{
    TargetInfo info = { ctx->machine->parts->cpu->name };
    return qapi_put_TargetInfo(&info);
}

json_t *qmp_query_commands(QmpContext *ctx, Error **errp)
{
    json_t *list = json_array();
    for (const QmpCommand *c = qmp_commands; c->name; c++) {
        CommandInfo info = { c->name };
        json_array_append_new(list, qapi_put_CommandInfo(&info));
    }
    return list;
}

json_t *qmp_query_qmp_schema(QmpContext *ctx, Error **errp)
{
    json_t *schema = json_loads(qapi_schema_json, 0, NULL);
    g_assert(schema);
    return schema;
}

void qmp_quit(QmpContext *ctx, Error **errp)
{
    runstate_quit(ctx->machine, CAUSE_HOST_QMP_QUIT, 0);
}

char *qmp_human_monitor_command(QmpContext *ctx, const char *command_line,
                                bool has_cpu_index, int64_t cpu_index,
                                Error **errp)
{
    if (has_cpu_index &&
        (cpu_index < 0 || cpu_index >= ctx->machine->cpus->len)) {
        error_set(errp, "Parameter 'cpu-index' expects a CPU number");
        return NULL;
    }
    unsigned cpu = has_cpu_index ? cpu_index : 0;
    return monitor_run_hmp(ctx->machine, ctx->replay, &cpu, command_line);
}

/* ORDER panic-action */
void qmp_set_action(QmpContext *ctx, bool has_reboot, RebootAction reboot,
                    bool has_shutdown, ShutdownAction shutdown, bool has_panic,
                    PanicActionName panic, bool has_watchdog,
                    WatchdogAction watchdog, Error **errp)
{
    Machine *m = ctx->machine;
    if ((has_reboot || has_shutdown || has_panic) &&
        replay_mode(ctx->replay) != REPLAY_NONE) {
        error_set(errp, "what becomes of a machine in record or replay is said "
                        "on its command line (-action)");
        return;
    }
    if (has_watchdog &&
        !dispatch_command(ctx, "watchdog-set-action",
                          json_pack("{s:s}", "action",
                                    qapi_WatchdogAction_words[watchdog]),
                          errp)) {
        return;
    }
    m->no_reboot = has_reboot ? reboot == REBOOT_ACTION_SHUTDOWN : m->no_reboot;
    m->no_shutdown = has_shutdown ? shutdown == SHUTDOWN_ACTION_PAUSE
                                  : m->no_shutdown;
    m->config.panic_action = has_panic ? (PanicAction)panic
                                       : m->config.panic_action;
}
