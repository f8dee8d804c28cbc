/*
 * QMP: what there is none of (qapi/absent.json).
 */
#include "monitor.h"

json_t *qmp_query_tpm_models(QmpContext *ctx, Error **errp)
{
    return json_array();
}

json_t *qmp_query_tpm_types(QmpContext *ctx, Error **errp)
{
    return json_array();
}

json_t *qmp_query_tpm(QmpContext *ctx, Error **errp)
{
    return json_array();
}

/* Events of a migration: that none comes is right whether they are on or off,
 * and clients turn them on unasked. */
static const char migration_events[] = "events";

json_t *qmp_query_migrate_capabilities(QmpContext *ctx, Error **errp)
{
    MigrationCapabilityStatus events = { migration_events, true };
    json_t *list = json_array();
    json_array_append_new(list,
                          qapi_put_MigrationCapabilityStatus(&events));
    return list;
}

void qmp_migrate_set_capabilities(QmpContext *ctx, json_t *capabilities,
                                  Error **errp)
{
    size_t i;
    const json_t *c;
    json_array_foreach(capabilities, i, c) {
        const char *name = json_string_value(json_object_get(c,
                                                             "capability"));
        if (!json_is_false(json_object_get(c, "state")) &&
            g_strcmp0(name, migration_events) != 0) {
            error_set(errp, "there is no migration");
            return;
        }
    }
}

json_t *qmp_query_migrate(QmpContext *ctx, Error **errp)
{
    MigrationInfo info = { NULL };
    return qapi_put_MigrationInfo(&info);
}

json_t *qmp_query_fdsets(QmpContext *ctx, Error **errp)
{
    return json_array();
}

json_t *qmp_query_block_jobs(QmpContext *ctx, Error **errp)
{
    return json_array();
}
