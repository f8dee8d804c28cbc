/*
 * The human monitor: record and replay.
 */
#include "hmp.h"

#include <inttypes.h>
#include <string.h>

/* --- positions --------------------------------------------------------------------- */

static void relay_icount(Hmp *h, const char *hmp_name, const char *command,
                         const char *args)
{
    Error *err = NULL;
    uint64_t icount;
    if (!expr_eval(hmp_cpu(h), &args, &icount, &err)) {
        hmp_print(h, "%s: %s\n", hmp_name, error_message(err));
        error_free(err);
        return;
    }
    if (hmp_end(h, hmp_name, args)) {
        hmp_relay(h, command,
                  json_pack("{s:I}", "icount", (json_int_t)icount));
    }
}

static void relay_name(Hmp *h, const char *hmp_name, const char *command,
                       const char *args)
{
    g_autofree char *name = NULL;
    if (!hmp_word(&args, &name)) {
        hmp_print(h, "%s: a name expected\n", hmp_name);
    } else if (hmp_end(h, hmp_name, args)) {
        hmp_relay(h, command, json_pack("{s:s}", "name", name));
    }
}

void cmd_replay_break(Hmp *h, const char *args)
{
    relay_icount(h, "replay_break", "replay-break", args);
}

void cmd_replay_delete_break(Hmp *h, const char *args)
{
    hmp_relay(h, "replay-delete-break", NULL);
}

void cmd_replay_seek(Hmp *h, const char *args)
{
    args += strspn(args, " \t");
    if (g_ascii_isalpha(*args) || *args == '_') {
        relay_name(h, "replay_seek", "replay-seek-bookmark", args);
    } else {
        relay_icount(h, "replay_seek", "replay-seek", args);
    }
}

void cmd_replay_branch(Hmp *h, const char *args)
{
    g_autofree char *file = NULL;
    if (!hmp_word(&args, &file)) {
        hmp_print(h, "replay_branch: a file name expected\n");
    } else if (hmp_end(h, "replay_branch", args)) {
        hmp_relay(h, "replay-branch", json_pack("{s:s}", "filename", file));
    }
}

void cmd_replay_return(Hmp *h, const char *args)
{
    if (hmp_end(h, "replay_return", args)) {
        hmp_relay(h, "replay-return", NULL);
    }
}

void cmd_replay_bookmark(Hmp *h, const char *args)
{
    relay_name(h, "replay_bookmark", "replay-bookmark", args);
}

void cmd_replay_delete_bookmark(Hmp *h, const char *args)
{
    relay_name(h, "replay_delete_bookmark", "replay-delete-bookmark", args);
}

void info_replay_bookmarks(Hmp *h, const char *args)
{
    const GArray *all = replay_bookmarks(h->ctx.replay);
    if (!all || !all->len) {
        hmp_print(h, "There are no bookmarks\n");
    }
    for (guint i = 0; all && i < all->len; i++) {
        const ReplayBookmark *b = &g_array_index(all, ReplayBookmark, i);
        hmp_print(h, "%-16s icount = %" PRIu64 "\n", b->name, b->icount);
    }
}

/* --- questions ----------------------------------------------------------------------- */

/* "addr[,len][,phys]" */
static bool parse_place(Hmp *h, const char **args, ReplayQuery *q)
{
    Error *err = NULL;
    q->len = 1;
    bool ok = expr_eval(hmp_cpu(h), args, &q->addr, &err);
    while (ok && **args == ',') {
        (*args)++;
        if (g_str_has_prefix(*args, "phys")) {
            *args += strlen("phys");
            q->physical = true;
        } else {
            ok = expr_eval(hmp_cpu(h), args, &q->len, &err);
        }
    }
    if (ok && (q->len < 1 || q->len > REPLAY_QUERY_BYTES)) {
        error_set(&err, "len must be from 1 to %u", REPLAY_QUERY_BYTES);
        ok = false;
    }
    if (!ok) {
        hmp_error(h, err);
    }
    return ok;
}

/* As a number where it is one, else as bytes. */
static void print_bytes(Hmp *h, const uint8_t *bytes, uint64_t len)
{
    if (len == 1 || len == 2 || len == 4 || len == 8) {
        hmp_print(h, "0x");
        for (uint64_t i = len; i-- > 0;) {
            hmp_print(h, "%02x", bytes[i]);
        }
        return;
    }
    for (uint64_t i = 0; i < len; i++) {
        hmp_print(h, "%s%02x", i ? " " : "", bytes[i]);
    }
}

static void print_value(Hmp *h, bool has, const uint8_t *bytes, uint64_t len)
{
    if (has) {
        print_bytes(h, bytes, len);
    } else {
        hmp_print(h, "?");
    }
}

static void print_found(Hmp *h, const ReplayQuery *q, const ReplayFound *f)
{
    hmp_print(h, "icount %" PRIu64 ": ", f->icount);
    if (f->cpu == REPLAY_NO_CPU) {
        hmp_print(h, "a device");
    } else {
        hmp_print(h, "CPU#%u pc 0x%" PRIx64, f->cpu, f->pc);
    }
    if (q->what == REPLAY_WRITE) {
        hmp_print(h, ": ");
        print_value(h, f->has_old, f->old, q->len);
        hmp_print(h, " -> ");
        print_value(h, f->has_new, f->now, q->len);
    }
    hmp_print(h, "\n");
}

static void ask(Hmp *h, const ReplayQuery *q, unsigned count)
{
    Error *err = NULL;
    g_autoptr(GArray) out = g_array_new(FALSE, FALSE, sizeof(ReplayFound));
    if (!replay_query(h->ctx.replay, q, count, out, &err)) {
        hmp_error(h, err);
        return;
    }
    for (guint i = 0; i < out->len; i++) {
        print_found(h, q, &g_array_index(out, ReplayFound, i));
    }
    if (out->len < count) {
        hmp_print(h, "no %s%s before\n", out->len ? "other " : "",
                  q->what == REPLAY_WRITE ? "write" : "execution");
    }
}

void cmd_replay_last_write(Hmp *h, const char *args)
{
    ReplayQuery q = { .what = REPLAY_WRITE };
    if (parse_place(h, &args, &q) && hmp_end(h, "replay_last_write", args)) {
        ask(h, &q, 1);
    }
}

void cmd_replay_last_exec(Hmp *h, const char *args)
{
    ReplayQuery q = { .what = REPLAY_EXEC, .len = 1 };
    Error *err = NULL;
    if (!expr_eval(hmp_cpu(h), &args, &q.addr, &err)) {
        hmp_error(h, err);
    } else if (hmp_end(h, "replay_last_exec", args)) {
        ask(h, &q, 1);
    }
}

void cmd_replay_history(Hmp *h, const char *args)
{
    ReplayQuery q = { .what = REPLAY_WRITE };
    Error *err = NULL;
    uint64_t count;
    if (!parse_place(h, &args, &q)) {
        return;
    }
    if (!expr_eval(hmp_cpu(h), &args, &count, &err)) {
        hmp_error(h, err);
    } else if (count < 1 || count > 10000) {
        hmp_print(h, "replay_history: from 1 to 10000 writes\n");
    } else if (hmp_end(h, "replay_history", args)) {
        ask(h, &q, count);
    }
}
