/*
 * Options about networks: -netdev, -nic, -net, and -object's filters.
 */
#include "options.h"

#include <stdio.h>
#include <string.h>

#include "io/netdev-open.h"

#define HUB_OF_NET "0"         /* -net: all are on one hub */

/* --- networks ------------------------------------------------------------------ */

static bool backend_good(const char *backend, Error **errp)
{
    if (!backend) {
        error_set(errp, "Parameter 'type' is missing");
        return false;
    }
    if (!netdev_backend_keys(backend)) {
        error_set(errp, "Invalid parameter '%s': it is no network back end "
                  "(-netdev help lists them)", backend);
        return false;
    }
    return true;
}

static NetOption *net_new(Options *o, const char *backend, const char *id)
{
    NetOption *n = g_new0(NetOption, 1);
    n->backend = g_strdup(backend);
    n->id = g_strdup(id);
    n->keys = g_ptr_array_new_with_free_func(g_free);
    n->values = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(o->nets, n);
    return n;
}

void net_option_free(NetOption *n)
{
    g_free(n->backend);
    g_free(n->id);
    g_ptr_array_free(n->keys, TRUE);
    g_ptr_array_free(n->values, TRUE);
    g_free(n);
}

static void net_set(NetOption *n, const char *key, const char *value)
{
    g_ptr_array_add(n->keys, g_strdup(key));
    g_ptr_array_add(n->values, g_strdup(value));
}

static bool has_word(const char *words, const char *word)
{
    g_auto(GStrv) list = g_strsplit(words, " ", -1);
    return g_strv_contains((const char *const *)list, word);
}

/* The back end's own keys; those of `others` are the caller's. */
static bool net_take_keys(NetOption *n, const KeyVal *kv, const char *others,
                          Error **errp)
{
    const char *known = netdev_backend_keys(n->backend);
    for (guint i = 0; i < kv->keys->len; i++) {
        const char *key = g_ptr_array_index(kv->keys, i);
        if (has_word(others, key)) {
            continue;
        }
        if (!has_word(known, key)) {
            error_set(errp, "Invalid parameter '%s' of '%s'", key,
                      n->backend);
            return false;
        }
        net_set(n, key, g_ptr_array_index(kv->values, i));
    }
    return true;
}

static bool print_help(Options *o)
{
    g_autoptr(GString) out = g_string_new(NULL);
    netdev_backend_help(out);
    fputs(out->str, stdout);
    o->done = true;
    return true;
}

bool opt_netdev(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    const char *backend = keyval_get(kv, "type"), *id = keyval_get(kv, "id");
    if (kv->help) {
        return print_help(o);
    }
    if (!backend_good(backend, errp)) {
        return false;
    }
    if (!id) {
        error_set(errp, "Parameter 'id' is missing");
        return false;
    }
    return net_take_keys(net_new(o, backend, id), kv, "type id", errp);
}

/* --- adapters -------------------------------------------------------------------- */

/* QEMU's short names. */
static const char *model_driver(const char *model)
{
    return !model || g_str_equal(model, "e1000") ? "e1000"
           : g_str_equal(model, "virtio")        ? "virtio-net-pci"
                                                 : model;
}

static bool adapter_add(Options *o, const KeyVal *kv, const char *netdev,
                        Error **errp)
{
    /* -nic's key, the device's property */
    static const char *const props[][2] = {
        { "mac", "mac" }, { "macaddr", "mac" }, { "addr", "addr" },
        { "vectors", "vectors" },
    };
    const char *driver = model_driver(keyval_get(kv, "model"));
    const DeviceClass *cls = device_class_find(&program_parts, driver);
    if (!cls || g_strcmp0(cls->category, "Network")) {
        error_set(errp, "'%s' is not a network adapter; -device help lists "
                  "them", driver);
        return false;
    }
    const char *model = keyval_get(kv, "model");
    DeviceConfig *d = g_new0(DeviceConfig, 1);
    if (!model || g_str_equal(model, "virtio")) {
        g_ptr_array_add(o->virtio_nics, d);
    }
    d->driver = g_strdup(driver);
    d->id = g_strdup(keyval_get(kv, "name"));
    d->props = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(d->props, g_strdup("netdev"));
    g_ptr_array_add(d->props, g_strdup(netdev));
    for (size_t i = 0; i < G_N_ELEMENTS(props); i++) {
        const char *value = keyval_get(kv, props[i][0]);
        if (value) {
            g_ptr_array_add(d->props, g_strdup(props[i][1]));
            g_ptr_array_add(d->props, g_strdup(value));
        }
    }
    g_ptr_array_add(o->devices, d);
    return true;
}

/* An id that the user can hardly have given. */
static char *made_up_id(const Options *o)
{
    return g_strdup_printf("#net%u", o->nets->len);
}

bool opt_nic(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    const char *backend = keyval_get(kv, "type");
    g_autofree char *id = keyval_has(kv, "id")
                              ? g_strdup(keyval_get(kv, "id"))
                              : made_up_id(o);
    if (kv->help) {
        return print_help(o);
    }
    if (!g_strcmp0(backend, "none")) {
        return true;
    }
    return backend_good(backend, errp) &&
           net_take_keys(net_new(o, backend, id), kv,
                         "type id model mac addr", errp) &&
           adapter_add(o, kv, id, errp);
}

/* A port of the one hub; behind: what it leads to, or NULL. */
static const char *hub_port(Options *o, const char *behind)
{
    g_autofree char *id = made_up_id(o);
    NetOption *n = net_new(o, "hubport", id);
    net_set(n, "hubid", HUB_OF_NET);
    if (behind) {
        net_set(n, "netdev", behind);
    }
    return n->id;
}

/* -net nic: on the hub, or on netdev=. */
static bool net_nic(Options *o, const KeyVal *kv, Error **errp)
{
    if (!keyval_check(kv, "type* netdev macaddr model name addr vectors",
                      errp)) {
        return false;
    }
    const char *netdev = keyval_get(kv, "netdev");
    return adapter_add(o, kv, netdev ? netdev : hub_port(o, NULL), errp);
}

bool opt_net(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    const char *backend = keyval_get(kv, "type");
    if (kv->help) {
        return print_help(o);
    }
    if (!g_strcmp0(backend, "none")) {
        return true;
    }
    if (!g_strcmp0(backend, "nic")) {
        return net_nic(o, kv, errp);
    }
    g_autofree char *id = keyval_has(kv, "id")
                              ? g_strdup(keyval_get(kv, "id"))
                              : made_up_id(o);
    if (!backend_good(backend, errp) ||
        !net_take_keys(net_new(o, backend, id), kv, "type id name", errp)) {
        return false;
    }
    hub_port(o, id);
    return true;
}

/* --- filters (objects.c) ------------------------------------------------------------- */

bool object_filter_dump(Options *o, const KeyVal *kv, Error **errp)
{
    uint64_t maxlen = 65536;
    DumpOption *d = g_new0(DumpOption, 1);
    g_ptr_array_add(o->dumps, d);
    d->netdev = keyval_get(kv, "netdev");
    d->file = keyval_get(kv, "file");
    if (!keyval_size(kv, "maxlen", 1, &maxlen, errp)) {
        return false;
    }
    if (!d->netdev || !d->file) {
        error_set(errp, "filter-dump needs netdev=ID and file=FILE");
        return false;
    }
    d->maxlen = MIN(maxlen, UINT32_MAX);
    return true;
}
