/*
 * -numa: from what is said to nodes. What is not said follows: memory is shared
 * out evenly, processors by sockets.
 */
#include "program.h"

#include <string.h>

#include "vm/turn.h"

#define DISTANCE_SELF  10u
#define DISTANCE_OTHER 20u
#define NO_NODE        0xffu

G_STATIC_ASSERT(NUMA_CPUS_MAX == TURN_MOST_CPUS);

typedef struct Numa {
    const Options *o;
    NumaConfig *c;
    bool some_memory, some_cpus;
    bool said[NUMA_NODES_MAX][NUMA_NODES_MAX]; /* a distance */
} Numa;

/* --- nodes --------------------------------------------------------------------- */

static bool backend_bytes(const Options *o, const char *id, uint64_t *bytes,
                          Error **errp)
{
    const uint64_t *size = g_hash_table_lookup(o->memory_backends, id);

    if (!size) {
        error_set(errp, "there is no -object memory-backend-ram with id=%s",
                  id);
        return false;
    }
    *bytes = *size;
    return true;
}

static bool node_memory(Numa *n, const KeyVal *kv, unsigned node,
                        Error **errp)
{
    const char *backend = keyval_get(kv, "memdev");

    if (backend && keyval_has(kv, "mem")) {
        error_set(errp, "mem= and memdev= say the same");
        return false;
    }
    n->some_memory |= backend || keyval_has(kv, "mem");
    return backend ? backend_bytes(n->o, backend, &n->c->node_bytes[node],
                                   errp)
                   : keyval_size(kv, "mem", MIB, &n->c->node_bytes[node],
                                 errp);
}

static bool take_cpu(Numa *n, unsigned cpu, unsigned node, Error **errp)
{
    if (cpu >= n->o->smp.cpus) {
        error_set(errp, "there is no vCPU %u", cpu);
        return false;
    }
    if (n->c->node_of_cpu[cpu] != NO_NODE) {
        error_set(errp, "vCPU %u is in a node already", cpu);
        return false;
    }
    n->c->node_of_cpu[cpu] = node;
    n->some_cpus = true;
    return true;
}

/* "3" or "0-3". */
static bool node_cpu_range(Numa *n, const char *text, unsigned node,
                           Error **errp)
{
    unsigned first, last;
    char end;
    int found = sscanf(text, "%4u-%4u%c", &first, &last, &end);

    if (found != 2) {
        found = sscanf(text, "%4u%c", &first, &end) == 1 ? 2 : 0;
        last = first;
    }
    if (found != 2 || last < first) {
        error_set(errp, "Parameter 'cpus' expects FIRST or FIRST-LAST, not "
                  "'%s'", text);
        return false;
    }
    for (unsigned cpu = first; cpu <= last; cpu++) {
        if (!take_cpu(n, cpu, node, errp)) {
            return false;
        }
    }
    return true;
}

static bool node_cpus(Numa *n, const KeyVal *kv, unsigned node, Error **errp)
{
    for (guint i = 0; i < kv->keys->len; i++) {
        if (g_str_equal(g_ptr_array_index(kv->keys, i), "cpus") &&
            !node_cpu_range(n, g_ptr_array_index(kv->values, i), node,
                            errp)) {
            return false;
        }
    }
    return true;
}

static bool add_node(Numa *n, const KeyVal *kv, Error **errp)
{
    uint64_t node = n->c->nodes;

    if (!keyval_number(kv, "nodeid", 0, NUMA_NODES_MAX - 1, &node, errp)) {
        return false;
    }
    if (node != n->c->nodes || node >= NUMA_NODES_MAX) {
        error_set(errp, "nodes are numbered in order, from 0 to %u at most; "
                  "this one is %u", NUMA_NODES_MAX - 1, n->c->nodes);
        return false;
    }
    n->c->nodes++;
    return node_memory(n, kv, node, errp) && node_cpus(n, kv, node, errp);
}

/* --- processors by their place ------------------------------------------------------ */

static bool place_matches(const KeyVal *kv, const char *key, unsigned have,
                          bool *matches, Error **errp)
{
    uint64_t want = have;
    bool ok = keyval_number(kv, key, 0, UINT32_MAX, &want, errp);
    *matches &= want == have;
    return ok;
}

/* Numbers go through threads, cores, dies, sockets. */
static bool cpu_matches(const MachineSmp *smp, const KeyVal *kv, unsigned cpu,
                        bool *matches, Error **errp)
{
    unsigned thread = cpu % smp->threads;
    unsigned core = cpu / smp->threads % smp->cores;
    unsigned die = cpu / smp->threads / smp->cores % smp->dies;
    unsigned socket = cpu / smp->threads / smp->cores / smp->dies;

    *matches = true;
    return place_matches(kv, "socket-id", socket, matches, errp) &&
           place_matches(kv, "die-id", die, matches, errp) &&
           place_matches(kv, "core-id", core, matches, errp) &&
           place_matches(kv, "thread-id", thread, matches, errp);
}

static bool add_cpu(Numa *n, const KeyVal *kv, Error **errp)
{
    uint64_t node = UINT64_MAX;
    unsigned found = 0;

    if (!keyval_number(kv, "node-id", 0, UINT32_MAX, &node, errp)) {
        return false;
    }
    if (node >= n->c->nodes) {
        error_set(errp, "Parameter 'node-id' must be that of a -numa node");
        return false;
    }
    for (unsigned cpu = 0; cpu < n->o->smp.cpus; cpu++) {
        bool matches;
        if (!cpu_matches(&n->o->smp, kv, cpu, &matches, errp) ||
            (matches && !take_cpu(n, cpu, node, errp))) {
            return false;
        }
        found += matches;
    }
    if (!found) {
        error_set(errp, "no vCPU is there");
    }
    return found;
}

/* --- distances ------------------------------------------------------------------------- */

static bool add_distance(Numa *n, const KeyVal *kv, Error **errp)
{
    uint64_t a = UINT64_MAX, b = UINT64_MAX, v = 0;

    if (!keyval_number(kv, "src", 0, NUMA_NODES_MAX - 1, &a, errp) ||
        !keyval_number(kv, "dst", 0, NUMA_NODES_MAX - 1, &b, errp) ||
        !keyval_number(kv, "val", DISTANCE_SELF, 255, &v, errp)) {
        return false;
    }
    if (a >= n->c->nodes || b >= n->c->nodes) {
        error_set(errp, "src= and dst= must be nodes that there are");
        return false;
    }
    if ((a == b) != (v == DISTANCE_SELF)) {
        error_set(errp, "a node's distance to itself is %u, and others are "
                  "farther (val=)", DISTANCE_SELF);
        return false;
    }
    n->c->has_distances = n->said[a][b] = true;
    n->c->distance[a][b] = v;
    return true;
}

/* What was said in one direction only holds in the other. */
static void complete_distances(Numa *n)
{
    for (unsigned a = 0; a < n->c->nodes; a++) {
        for (unsigned b = 0; b < n->c->nodes; b++) {
            uint8_t *d = &n->c->distance[a][b];
            if (n->said[a][b]) {
                continue;
            }
            *d = n->said[b][a] ? n->c->distance[b][a]
                 : a == b      ? DISTANCE_SELF
                               : DISTANCE_OTHER;
        }
    }
}

/* --- what was not said -------------------------------------------------------------------- */

static bool complete_memory(Numa *n, uint64_t ram_bytes, Error **errp)
{
    NumaConfig *c = n->c;
    uint64_t sum = 0, share = ram_bytes / c->nodes & ~(MIB - 1);

    for (unsigned node = 0; node < c->nodes; node++) {
        if (!n->some_memory) {
            c->node_bytes[node] =
                node + 1 < c->nodes ? share : ram_bytes - sum;
        }
        sum += c->node_bytes[node];
    }
    if (sum != ram_bytes) {
        error_set(errp, "-numa: total memory for NUMA nodes (0x%"
                  G_GINT64_MODIFIER "x) should equal RAM size (0x%"
                  G_GINT64_MODIFIER "x)", sum, ram_bytes);
    }
    return sum == ram_bytes;
}

static void complete_cpus(Numa *n)
{
    const MachineSmp *smp = &n->o->smp;
    unsigned per_socket = smp->dies * smp->cores * smp->threads;

    for (unsigned cpu = 0; cpu < smp->cpus; cpu++) {
        if (n->c->node_of_cpu[cpu] == NO_NODE) {
            n->c->node_of_cpu[cpu] =
                n->some_cpus ? 0 : cpu / per_socket % n->c->nodes;
        }
    }
}

static bool add_said(Numa *n, const char *type,
                     bool (*add)(Numa *n, const KeyVal *kv, Error **errp),
                     Error **errp)
{
    for (guint i = 0; i < n->o->numas->len; i++) {
        const KeyVal *kv = g_ptr_array_index(n->o->numas, i);
        if (g_str_equal(keyval_get(kv, "type"), type) && !add(n, kv, errp)) {
            error_prepend(errp, "-numa %s: ", type);
            return false;
        }
    }
    return true;
}

bool program_make_numa(Program *p, Error **errp)
{
    Numa n = { .o = &p->opts };
    uint64_t ram_bytes = p->m->config.ram_bytes;

    if (!p->opts.numas->len) {
        return true;
    }
    p->m->config.tables.numa = n.c = p->numa = g_new0(NumaConfig, 1);
    memset(n.c->node_of_cpu, NO_NODE, sizeof n.c->node_of_cpu);
    if (!add_said(&n, "node", add_node, errp)) {
        return false;
    }
    if (!n.c->nodes) {
        error_set(errp, "-numa: there is no -numa node");
        return false;
    }
    if (!add_said(&n, "cpu", add_cpu, errp) ||
        !add_said(&n, "dist", add_distance, errp) ||
        !complete_memory(&n, ram_bytes, errp)) {
        return false;
    }
    complete_cpus(&n);
    complete_distances(&n);
    return true;
}
