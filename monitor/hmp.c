/*
 * The human monitor: finding a command, and the commands that act. Those that
 * show something are in hmp-info.c and hmp-memory.c.
 */
#include "hmp.h"

typedef struct HmpCommand {
    const char *name, *alias, *params;
    HmpHandler *handler;
    const char *help;
} HmpCommand;

#define HMP(handler) static HmpHandler cmd_##handler;
HMP(help)
HMP(savevm)
HMP(loadvm)
HMP(delvm)
HMP(stop)
HMP(cont)
HMP(quit)
HMP(system_reset)
HMP(system_powerdown)
HMP(nmi)
HMP(watchdog_action)
HMP(sendkey)
#undef HMP

static const HmpCommand commands[] = {
#define HMP(name, alias, params, handler, help) \
    { name, alias, params, cmd_##handler, help },
#include "hmp.def"
#undef HMP
};

void hmp_print(Hmp *h, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    g_string_append_vprintf(h->out, fmt, ap);
    va_end(ap);
}

void hmp_error(Hmp *h, Error *err)
{
    hmp_print(h, "Error: %s\n", error_message(err));
    error_free(err);
}

static const HmpCommand *find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (g_str_equal(commands[i].name, name) ||
            !g_strcmp0(commands[i].alias, name)) {
            return &commands[i];
        }
    }
    return NULL;
}

static void print_unknown(Hmp *h, const char *name)
{
    const char *reason = refused_hmp(name);
    if (reason) {
        hmp_print(h, "Error: %s is not supported: %s\n", name, reason);
    } else {
        hmp_print(h, "unknown command: '%s'\n", name);
    }
}

void hmp_run(Hmp *h, const char *line)
{
    g_autofree char *name = NULL;
    if (!hmp_word(&line, &name)) {
        return;
    }
    /* "x/4i" and "p/x": the format may follow at once. */
    char *slash = strchr(name, '/');
    if (slash) {
        line -= strlen(slash);
        *slash = 0;
    }
    const HmpCommand *c = find(name);
    if (!c) {
        print_unknown(h, name);
        return;
    }
    c->handler(h, line);
}

const char *hmp_command_name(unsigned n)
{
    return n < G_N_ELEMENTS(commands) ? commands[n].name : NULL;
}

static void print_help(Hmp *h, const HmpCommand *c)
{
    hmp_print(h, "%s%s%s%s%s -- %s\n", c->name, c->alias ? "|" : "",
              c->alias ? c->alias : "", *c->params ? " " : "", c->params,
              c->help);
}

static void cmd_help(Hmp *h, const char *args)
{
    g_autofree char *name = NULL;
    if (!hmp_word(&args, &name)) {
        for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
            print_help(h, &commands[i]);
        }
        return;
    }
    const HmpCommand *c = find(name);
    if (g_str_equal(name, "info")) {
        hmp_info_help(h);
    } else if (c) {
        print_help(h, c);
    } else {
        print_unknown(h, name);
    }
}

/* --- the machine ------------------------------------------------------------------ */

void hmp_relay(Hmp *h, const char *command, json_t *args)
{
    Error *err = NULL;
    if (!dispatch_command(&h->ctx, command, args ? args : json_object(),
                          &err)) {
        hmp_error(h, err);
    }
}

static void cmd_stop(Hmp *h, const char *args)
{
    hmp_relay(h, "stop", NULL);
}

static void cmd_cont(Hmp *h, const char *args)
{
    hmp_relay(h, "cont", NULL);
}

static void cmd_quit(Hmp *h, const char *args)
{
    hmp_relay(h, "quit", NULL);
}

static void cmd_system_reset(Hmp *h, const char *args)
{
    hmp_relay(h, "system_reset", NULL);
}

static void cmd_system_powerdown(Hmp *h, const char *args)
{
    hmp_relay(h, "system_powerdown", NULL);
}

static void cmd_nmi(Hmp *h, const char *args)
{
    hmp_relay(h, "inject-nmi", NULL);
}

static void cmd_watchdog_action(Hmp *h, const char *args)
{
    g_autofree char *action = NULL;
    if (!hmp_word(&args, &action)) {
        hmp_print(h, "watchdog_action: string expected\n");
        return;
    }
    hmp_relay(h, "watchdog-set-action", json_pack("{s:s}", "action", action));
}

/* "ctrl-alt-f1 [hold_ms]": all pressed together. */
static void cmd_sendkey(Hmp *h, const char *args)
{
    g_autofree char *keys = NULL;
    if (!hmp_word(&args, &keys)) {
        hmp_print(h, "sendkey: string expected\n");
        return;
    }
    json_t *list = json_array();
    g_auto(GStrv) words = g_strsplit(keys, "-", -1);
    for (char **w = words; *w; w++) {
        /* As in QEMU, "<" stands for the key "less". */
        const char *word = g_str_equal(*w, "<") ? "less" : *w;
        json_array_append_new(list, json_pack("{s:s,s:s}", "type", "qcode",
                                              "data", word));
    }
    hmp_relay(h, "send-key", json_pack("{s:o}", "keys", list));
}

/* --- snapshots -------------------------------------------------------------------- */

static void cmd_savevm(Hmp *h, const char *args)
{
    Error *err = NULL;
    g_autofree char *name = NULL;
    if (!hmp_word(&args, &name)) {
        g_free(name);
        name = g_strdup_printf("vm-%" G_GUINT64_FORMAT,
                               machine_icount(h->ctx.machine));
    }
    if (!replay_savevm(h->ctx.machine, h->ctx.replay, name, &err)) {
        hmp_error(h, err);
    }
}

static void cmd_loadvm(Hmp *h, const char *args)
{
    Error *err = NULL;
    g_autofree char *name = NULL;
    if (!hmp_word(&args, &name)) {
        hmp_print(h, "loadvm: string expected\n");
        return;
    }
    uint64_t pos;
    bool ok = h->ctx.replay
        ? replay_loadvm(h->ctx.replay, name, &err)
        : snapshot_loadvm(h->ctx.machine, name, &pos, &err);
    if (!ok) {
        hmp_error(h, err);
    }
}

static void cmd_delvm(Hmp *h, const char *args)
{
    Error *err = NULL;
    g_autofree char *name = NULL;
    if (!hmp_word(&args, &name)) {
        hmp_print(h, "delvm: string expected\n");
    } else if (!snapshot_delvm(h->ctx.machine, name, &err)) {
        hmp_error(h, err);
    }
}
