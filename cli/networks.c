/*
 * From -netdev and its like to open networks, and what `info` says of them.
 */
#include "program.h"

static bool net_open(Program *p, const NetOption *o, Error **errp)
{
    NetdevSpec spec = { o->backend, o->id, o->keys, o->values };
    Error *err = NULL;
    if (!netdev_open(p->netdevs, &spec, &err)) {
        error_prepend(&err, "-netdev %s,id=%s: ", o->backend, o->id);
        error_propagate(errp, err);
        return false;
    }
    return true;
}

static bool open_dumps(Program *p, Error **errp)
{
    for (unsigned i = 0; i < p->opts.dumps->len; i++) {
        const DumpOption *d = g_ptr_array_index(p->opts.dumps, i);
        Error *err = NULL;
        if (!netdev_dump(p->netdevs, d->netdev, d->file, d->maxlen, &err)) {
            error_prepend(&err, "-object filter-dump: ");
            error_propagate(errp, err);
            return false;
        }
    }
    return true;
}

bool program_open_networks(Program *p, Error **errp)
{
    p->netdevs = netdev_set_new(p->opts.icount.rr == REPLAY_PLAY);
    netdev_set_machine(p->netdevs, p->m, p->m->clock);
    p->m->config.netdevs = netdev_set_table(p->netdevs);
    for (unsigned i = 0; i < p->opts.nets->len; i++) {
        if (!net_open(p, g_ptr_array_index(p->opts.nets, i), errp)) {
            return false;
        }
    }
    return open_dumps(p, errp);
}

static void usernet_info(void *set, GString *out)
{
    netdev_set_usernet(set, out);
}

static void rest_info(void *set, GString *out)
{
    netdev_set_print_rest(set, out);
}

void program_add_network_infos(Program *p)
{
    machine_add_info(p->m, "network", rest_info, p->netdevs);
    machine_add_info(p->m, "usernet", usernet_info, p->netdevs);
}
