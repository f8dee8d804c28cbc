/*
 * From a request to a row of the generated command table.
 *
 * A command that changes the guest is an input: it is posted through the
 * boundary as its own JSON text and carried out at delivery, when recording
 * as when replaying. In replay a user cannot give one.
 */
#include "monitor.h"
#include "svc/gate.h"

static const QmpCommand *find_command(const char *name)
{
    for (const QmpCommand *c = qmp_commands; c->name; c++) {
        if (g_str_equal(c->name, name)) {
            return c;
        }
    }
    return NULL;
}

/* --- commands that change the guest --------------------------------------------- */

static void command_sink(void *opaque, const void *data, size_t len)
{
    const MonitorShared *shared = opaque;
    QmpContext ctx = { .machine = shared->machine };
    json_t *o = json_loadb(data, len, 0, NULL);
    const char *name = json_string_value(json_object_get(o, "execute"));
    const QmpCommand *c = name ? find_command(name) : NULL;
    if (c && c->mutates) {
        Error *err = NULL;
        json_decref(c->run(&ctx, json_object_get(o, "arguments"), &err));
        error_free(err);
    }
    json_decref(o);
}

void monitor_init(Machine *m)
{
    MonitorShared *shared = g_new0(MonitorShared, 1);
    shared->machine = m;
    shared->sessions = g_ptr_array_new();
    shared->dump = monitor_dump_new();
    m->command_port->sink = command_sink;
    m->command_port->device = shared;
}

void monitor_set_roof(Machine *m, const MonitorRoof *roof)
{
    monitor_shared(m)->roof = *roof;
}

bool monitor_has_roof(const Machine *m, Error **errp)
{
    bool has = monitor_shared(m)->roof.opaque != NULL;
    if (!has) {
        error_set(errp, "this program cannot do that");
    }
    return has;
}

void monitor_done(Machine *m)
{
    MonitorShared *shared = monitor_shared(m);
    m->command_port->sink = NULL;
    m->command_port->device = NULL;
    monitor_dump_free(shared->dump);
    g_ptr_array_unref(shared->sessions);
    g_free(shared);
}

static json_t *post_command(QmpContext *ctx, const QmpCommand *c,
                            const json_t *args, Error **errp)
{
    json_t *o = json_pack("{s:s,s:O}", "execute", c->name, "arguments", args);
    char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
    GateChange change = { .what = GATE_COMMAND, .data = text,
                          .len = strlen(text), .name = c->name };
    GateAnswer answer = gate_change(ctx->machine, ctx->replay, &change, errp);
    free(text);
    json_decref(o);
    return answer == GATE_REFUSED ? NULL : json_object();
}

/* Arguments of a mutating command are checked before it is posted, so that
 * the user hears of a mistake and the log never holds one. */
static json_t *run_mutating(QmpContext *ctx, const QmpCommand *c,
                            const json_t *args, Error **errp)
{
    QmpContext dry = { .before = ctx->machine };
    Error *err = NULL;
    json_t *checked = c->run(&dry, args, &err);
    json_decref(checked);
    if (err) {
        error_propagate(errp, err);
        return NULL;
    }
    return post_command(ctx, c, args, errp);
}

/* --- all commands ------------------------------------------------------------------- */

static json_t *run(QmpContext *ctx, const QmpCommand *c, const json_t *args,
                   Error **errp)
{
    json_t *empty = args ? NULL : json_object();
    const json_t *given = args ? args : empty;
    json_t *ret = c->mutates ? run_mutating(ctx, c, given, errp)
                             : c->run(ctx, given, errp);
    json_decref(empty);
    return ret;
}

static const QmpCommand *allowed(Monitor *mon, const char *name, Error **errp)
{
    const QmpCommand *c = find_command(name);
    if (mon && !mon->negotiated && !(c && c->negotiation)) {
        error_set_class(errp, ERROR_COMMAND_NOT_FOUND,
                        "Expecting capabilities negotiation with "
                        "'qmp_capabilities'");
        return NULL;
    }
    const char *reason = c ? NULL : refused_qmp(name);
    if (reason) {
        error_set(errp, "%s is not supported: %s", name, reason);
        return NULL;
    }
    if (!c) {
        error_set_class(errp, ERROR_COMMAND_NOT_FOUND,
                        "The command %s has not been found", name);
        return NULL;
    }
    if (mon && mon->negotiated && c->negotiation) {
        error_set_class(errp, ERROR_COMMAND_NOT_FOUND,
                        "Capabilities negotiation is already complete, "
                        "command ignored");
        return NULL;
    }
    return c;
}

static bool check_request(const json_t *request, Error **errp)
{
    static const char *const known[] = { "execute", "arguments", "id", NULL };
    const char *key;
    json_t *value;
    if (!json_is_object(request)) {
        error_set(errp, "QMP input must be a JSON object");
        return false;
    }
    json_object_foreach((json_t *)request, key, value) {
        if (!g_strv_contains(known, key)) {
            error_set(errp, "QMP input member '%s' is unexpected", key);
            return false;
        }
    }
    if (!json_is_string(json_object_get(request, "execute"))) {
        error_set(errp, json_object_get(request, "execute")
                            ? "QMP input member 'execute' must be a string"
                            : "QMP input lacks member 'execute'");
        return false;
    }
    value = json_object_get(request, "arguments");
    if (value && !json_is_object(value)) {
        error_set(errp, "QMP input member 'arguments' must be an object");
        return false;
    }
    return true;
}

static json_t *try_request(Monitor *mon, QmpContext *ctx,
                           const json_t *request, Error **errp)
{
    if (!check_request(request, errp)) {
        return NULL;
    }
    const char *name = json_string_value(json_object_get(request, "execute"));
    const QmpCommand *c = allowed(mon, name, errp);
    return c ? run(ctx, c, json_object_get(request, "arguments"), errp) : NULL;
}

json_t *dispatch_request(Monitor *mon, QmpContext *ctx, const json_t *request)
{
    Error *err = NULL;
    json_t *ret = try_request(mon, ctx, request, &err);
    json_t *response;
    if (err) {
        response = json_pack("{s:{s:s,s:s}}", "error", "class",
                             error_class_name(error_class(err)), "desc",
                             error_message(err));
        error_free(err);
    } else {
        response = json_pack("{s:o}", "return", ret);
    }
    json_t *id = json_object_get(request, "id");
    if (id) {
        json_object_set(response, "id", id);
    }
    return response;
}

bool dispatch_command(QmpContext *ctx, const char *name, json_t *args,
                      Error **errp)
{
    const QmpCommand *c = find_command(name);
    g_assert(c);
    Error *err = NULL;
    json_decref(run(ctx, c, args, &err));
    json_decref(args);
    if (err) {
        error_propagate(errp, err);
        return false;
    }
    return true;
}
