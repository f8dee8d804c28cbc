/*
 * HMP: networks' cables and forwarded ports, and the balloon; QMP: query-balloon.
 */
#include "hmp.h"
#include "io/netdev.h"
#include "vm/knobs.h"

/* --- cables ------------------------------------------------------------------------ */

void cmd_set_link(Hmp *h, const char *args)
{
    g_autofree char *name = NULL, *word = NULL;
    if (!hmp_word(&args, &name) || !hmp_word(&args, &word) ||
        (strcmp(word, "on") && strcmp(word, "off"))) {
        hmp_print(h, "set_link: a name, and on or off, are expected\n");
        return;
    }
    hmp_relay(h, "set_link", json_pack("{s:s,s:b}", "name", name, "up",
                                       !strcmp(word, "on")));
}

/* Who hears of it would be switches, after a move to another host. */
void cmd_announce_self(Hmp *h, const char *args)
{
    hmp_print(h, "Error: announce_self is not supported: a machine does not "
              "move here\n");
}

/* --- forwarded ports ------------------------------------------------------------------- */

/* The network called id; without one, the one that forwards ports. */
static Netdev *forwarder(Hmp *h, const char *id)
{
    GHashTable *table = h->ctx.machine->config.netdevs;
    GHashTableIter iter;
    gpointer n;
    Netdev *found = NULL;

    if (id) {
        found = table ? g_hash_table_lookup(table, id) : NULL;
        if (!found || !netdev_forwards(found)) {
            hmp_print(h, "unrecognized netdev id '%s'\n", id);
            return NULL;
        }
        return found;
    }
    if (table) {
        g_hash_table_iter_init(&iter, table);
        while (g_hash_table_iter_next(&iter, NULL, &n)) {
            if (netdev_forwards(n) &&
                (!found || strcmp(netdev_id(n), netdev_id(found)) < 0)) {
                found = n;
            }
        }
    }
    if (!found) {
        hmp_print(h, "user mode network stack not in use\n");
    }
    return found;
}

static void forward(Hmp *h, const char *command, const char *args, bool add)
{
    g_autofree char *first = NULL, *second = NULL;
    Error *err = NULL;
    if (!hmp_word(&args, &first)) {
        hmp_print(h, "%s: a rule is expected\n", command);
        return;
    }
    bool two = hmp_word(&args, &second);
    Netdev *n = forwarder(h, two ? first : NULL);
    if (!n) {
        return;
    }
    if (!netdev_forward(n, two ? second : first, add, &err)) {
        hmp_error(h, err);
    } else if (!add) {
        hmp_print(h, "host forwarding rule for %s removed\n",
                  two ? second : first);
    }
}

void cmd_hostfwd_add(Hmp *h, const char *args)
{
    forward(h, "hostfwd_add", args, true);
}

void cmd_hostfwd_remove(Hmp *h, const char *args)
{
    forward(h, "hostfwd_remove", args, false);
}

/* --- the balloon ------------------------------------------------------------------------ */

json_t *qmp_query_balloon(QmpContext *ctx, Error **errp)
{
    uint64_t bytes;
    if (!balloon_ram(ctx->machine, &bytes)) {
        error_set(errp, "No balloon device has been activated");
        return NULL;
    }
    BalloonInfo info = { bytes };
    return qapi_put_BalloonInfo(&info);
}

void cmd_balloon(Hmp *h, const char *args)
{
    g_autofree char *word = NULL;
    guint64 mib;
    if (!hmp_word(&args, &word) ||
        !g_ascii_string_to_unsigned(word, 10, 1, INT64_MAX / MIB, &mib,
                                    NULL)) {
        hmp_print(h, "balloon: a size in MiB is expected\n");
        return;
    }
    hmp_relay(h, "balloon", json_pack("{s:I}", "value",
                                      (json_int_t)(mib * MIB)));
}

void info_balloon(Hmp *h, const char *args)
{
    uint64_t bytes;
    if (balloon_ram(h->ctx.machine, &bytes)) {
        hmp_print(h, "balloon: actual=%" G_GUINT64_FORMAT "\n", bytes / MIB);
    } else {
        hmp_print(h, "Error: No balloon device has been activated\n");
    }
}
