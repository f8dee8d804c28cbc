/*
 * QMP: vCPUs and their models (qapi/cpu.json).
 */
#include <unistd.h>

#include "qom.h"

/* Where vCPU i is: sockets hold dies, these cores, these threads. */
static CpuTopologyPlace place_of(const Machine *m, unsigned i)
{
    const MachineSmp *smp = &m->config.smp;
    unsigned threads = MAX(smp->threads, 1u), cores = MAX(smp->cores, 1u);
    unsigned dies = MAX(smp->dies, 1u);
    return (CpuTopologyPlace) {
        .has_socket_id = true, .socket_id = i / threads / cores / dies,
        .has_die_id = true, .die_id = i / threads / cores % dies,
        .has_core_id = true, .core_id = i / threads % cores,
        .has_thread_id = true, .thread_id = i % threads,
    };
}

static char *cpu_path(unsigned i)
{
    return g_strdup_printf("/machine/unattached/cpu[%u]", i);
}

json_t *qmp_query_cpus_fast(QmpContext *ctx, Error **errp)
{
    json_t *list = json_array();
    for (guint i = 0; i < ctx->machine->cpus->len; i++) {
        const Cpu *cpu = g_ptr_array_index(ctx->machine->cpus, i);
        CpuTopologyPlace place = place_of(ctx->machine, i);
        g_autofree char *path = cpu_path(i);
        CpuInfoFast info = { i, path, getpid(), &place, cpu->cls->name };
        json_array_append_new(list, qapi_put_CpuInfoFast(&info));
    }
    return list;
}

json_t *qmp_query_hotpluggable_cpus(QmpContext *ctx, Error **errp)
{
    json_t *list = json_array();
    const Machine *m = ctx->machine;
    const char *text = m->config.cpu_model;
    text = text ? text : m->board->default_cpu ? m->board->default_cpu : "";
    g_auto(GStrv) words = g_strsplit(text, ",", 2);
    g_autofree char *type = qom_cpu_type(m->parts->cpu, words[0]);
    for (guint i = 0; i < m->cpus->len; i++) {
        CpuTopologyPlace place = place_of(m, i);
        g_autofree char *path = cpu_path(i);
        HotpluggableCPU info = { type, 1, &place, path };
        json_array_append_new(list, qapi_put_HotpluggableCPU(&info));
    }
    return list;
}

/* --- models ------------------------------------------------------------------- */

typedef struct ModelList {
    const CpuClass *cls;
    json_t *list;
} ModelList;

static void add_model(void *opaque, const char *name)
{
    ModelList *models = opaque;
    g_autofree char *type = qom_cpu_type(models->cls, name);
    CpuDefinitionInfo info = {
        .name = name, .migration_safe = true,
        .q_static = g_str_equal(name, "base"),
        .unavailable_features = json_array(),
        .typename = type,
    };
    json_array_append_new(models->list, qapi_put_CpuDefinitionInfo(&info));
}

json_t *qmp_query_cpu_definitions(QmpContext *ctx, Error **errp)
{
    ModelList models = { ctx->machine->parts->cpu, json_array() };
    models.cls->models(models.cls, add_model, &models);
    return models.list;
}

typedef struct Expansion {
    json_t *props;
    bool full;
} Expansion;

static void add_feature(void *opaque, const char *feature, bool on)
{
    Expansion *e = opaque;
    if (on || e->full) {
        json_object_set_new(e->props, feature, json_boolean(on));
    }
}

/* {"name": N, "props": {"avx": false}} as -cpu takes it; NULL with an error. */
static char *model_text(const json_t *model, Error **errp)
{
    const char *name = json_string_value(json_object_get(model, "name"));
    json_t *props = json_object_get(model, "props"), *value;
    const char *key;
    if (!name || (props && !json_is_object(props))) {
        error_set(errp, "Parameter 'model' takes an object with 'name' and "
                        "perhaps 'props'");
        return NULL;
    }
    g_autoptr(GString) text = g_string_new(name);
    json_object_foreach(props, key, value) {
        if (!json_is_boolean(value)) {
            error_set(errp, "Parameter 'model.props.%s' takes true or false",
                      key);
            return NULL;
        }
        g_string_append_printf(text, ",%s=%s", key,
                               json_is_true(value) ? "on" : "off");
    }
    return g_strdup(text->str);
}

json_t *qmp_query_cpu_model_expansion(QmpContext *ctx,
                                      CpuModelExpansionType type,
                                      json_t *model, Error **errp)
{
    const CpuClass *cls = ctx->machine->parts->cpu;
    g_autofree char *text = model_text(model, errp);
    Expansion e = { json_object(), type == CPU_MODEL_EXPANSION_TYPE_FULL };
    if (!text || !cls->expand(cls, text, add_feature, &e, errp)) {
        json_decref(e.props);
        return NULL;
    }
    const char *name = json_string_value(json_object_get(model, "name"));
    CpuModelInfo info = { e.full ? name : "base", e.props };
    CpuModelExpansionInfo expansion = { &info };
    return qapi_put_CpuModelExpansionInfo(&expansion);
}

json_t *qmp_query_kvm(QmpContext *ctx, Error **errp)
{
    KvmInfo info = { .enabled = false, .present = false };
    return qapi_put_KvmInfo(&info);
}
