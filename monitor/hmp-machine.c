/*
 * The human monitor's commands that look at the machine through QMP, or print
 * what QMP would tell a program.
 */
#include <inttypes.h>

#include "base/log.h"
#include "hmp.h"
#include "qom.h"

/* --- memory ------------------------------------------------------------------ */

static void save(Hmp *h, const char *command, const char *args)
{
    char *word[3] = { NULL };
    uint64_t addr, size;
    if (hmp_words(h, command, args, 3, 3, word) &&
        hmp_number(h, word[0], &addr) && hmp_number(h, word[1], &size)) {
        json_t *o = json_pack("{s:I,s:I,s:s}", "val", (json_int_t)addr, "size",
                              (json_int_t)size, "filename", word[2]);
        if (g_str_equal(command, "memsave")) {
            json_object_set_new(o, "cpu-index", json_integer(h->cpu));
        }
        hmp_relay(h, command, o);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(word); i++) {
        g_free(word[i]);
    }
}

void cmd_memsave(Hmp *h, const char *args)
{
    save(h, "memsave", args);
}

void cmd_pmemsave(Hmp *h, const char *args)
{
    save(h, "pmemsave", args);
}

void cmd_gva2gpa(Hmp *h, const char *args)
{
    char *word[1] = { NULL };
    uint64_t va;
    PhysAddr pa;
    if (hmp_words(h, "gva2gpa", args, 1, 1, word) &&
        hmp_number(h, word[0], &va)) {
        if (cpu_translate_debug(hmp_cpu(h), va, &pa)) {
            hmp_print(h, "gpa: %#" PRIx64 "\n", pa);
        } else {
            hmp_print(h, "Unmapped\n");
        }
    }
    g_free(word[0]);
}

/* --- the debugger ---------------------------------------------------------------- */

void cmd_gdbserver(Hmp *h, const char *args)
{
    char *word[1] = { NULL };
    Error *err = NULL;
    const MonitorRoof *roof = &monitor_shared(h->ctx.machine)->roof;
    if (hmp_words(h, "gdbserver", args, 0, 1, word)) {
        const char *device = word[0] ? word[0] : "tcp::1234";
        if (!monitor_has_roof(h->ctx.machine, &err) ||
            !roof->gdbserver(roof->opaque, device, &err)) {
            hmp_error(h, err);
        } else if (g_str_equal(device, "none")) {
            hmp_print(h, "Disabled gdbserver\n");
        } else {
            hmp_print(h, "Waiting for gdb connection on device '%s'\n", device);
        }
    }
    hmp_free_words(word, 1);
}

/* --- the log ---------------------------------------------------------------------- */

void cmd_log(Hmp *h, const char *args)
{
    char *word[1] = { NULL };
    Error *err = NULL;
    if (hmp_words(h, "log", args, 1, 1, word)) {
        if (g_str_equal(word[0], "none")) {
            log_disable();
        } else if (!log_enable(word[0], &err)) {
            hmp_error(h, err);
        }
    }
    g_free(word[0]);
}

void cmd_logfile(Hmp *h, const char *args)
{
    char *word[1] = { NULL };
    Error *err = NULL;
    OutFile f;
    if (hmp_words(h, "logfile", args, 1, 1, word) &&
        (!monitor_open_file(&h->ctx, &f, word[0], &err) ||
         !outfile_close(&f, &err) || !log_set_file(word[0], &err))) {
        hmp_error(h, err);
    }
    g_free(word[0]);
}

/* --- objects ------------------------------------------------------------------------ */

void cmd_qom_list(Hmp *h, const char *args)
{
    char *word[1] = { NULL };
    Error *err = NULL;
    if (hmp_words(h, "qom-list", args, 0, 1, word)) {
        const char *path = word[0] && *word[0] ? word[0] : "/";
        json_t *list = qmp_qom_list(&h->ctx, path, &err), *o;
        size_t i;
        json_array_foreach(list, i, o) {
            hmp_print(h, "%s (%s)\n",
                      json_string_value(json_object_get(o, "name")),
                      json_string_value(json_object_get(o, "type")));
        }
        json_decref(list);
    }
    if (err) {
        hmp_error(h, err);
    }
    g_free(word[0]);
}

void cmd_qom_get(Hmp *h, const char *args)
{
    char *word[2] = { NULL };
    Error *err = NULL;
    if (hmp_words(h, "qom-get", args, 2, 2, word)) {
        json_t *v = qmp_qom_get(&h->ctx, word[0], word[1], &err);
        char *text = v ? json_dumps(v, JSON_ENCODE_ANY) : NULL;
        hmp_print(h, "%s%s", text ? text : "", text ? "\n" : "");
        free(text);
        json_decref(v);
    }
    if (err) {
        hmp_error(h, err);
    }
    g_free(word[0]);
    g_free(word[1]);
}

typedef struct TreePrinter {
    Hmp *h;
    unsigned depth;
} TreePrinter;

static void print_node(void *opaque, const char *name, const QomNode *node)
{
    const TreePrinter *t = opaque;
    TreePrinter below = { t->h, t->depth + 1 };
    g_autofree char *type = qom_type(t->h->ctx.machine, node);
    hmp_print(t->h, "%*s/%s (%s)\n", t->depth * 2, "", name, type);
    qom_children(t->h->ctx.machine, node, print_node, &below);
}

void info_qom_tree(Hmp *h, const char *args)
{
    TreePrinter root = { h, 0 };
    print_node(&root, "machine", &(QomNode) { QOM_MACHINE });
}

/* --- what is connected ----------------------------------------------------------------- */

static void print_chardev(void *opaque, const char *name, const QomNode *node)
{
    g_autofree char *what = chardev_describe((Chardev *)node->object);
    hmp_print(opaque, "%s: filename=%s\n", name, what);
}

void info_chardev(Hmp *h, const char *args)
{
    qom_children(h->ctx.machine, &(QomNode) { QOM_CHARDEVS }, print_chardev,
                 h);
}

static json_int_t stat(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(json_object_get(o, "stats"),
                                              name));
}

void info_blockstats(Hmp *h, const char *args)
{
    size_t i;
    json_t *list = qmp_query_blockstats(&h->ctx, false, false, NULL), *o;
    json_array_foreach(list, i, o) {
        hmp_print(h, "%s: rd_bytes=%" JSON_INTEGER_FORMAT " wr_bytes=%"
                  JSON_INTEGER_FORMAT " rd_operations=%" JSON_INTEGER_FORMAT
                  " wr_operations=%" JSON_INTEGER_FORMAT " flush_operations=%"
                  JSON_INTEGER_FORMAT "\n",
                  json_string_value(json_object_get(o, "device")),
                  stat(o, "rd_bytes"), stat(o, "wr_bytes"),
                  stat(o, "rd_operations"), stat(o, "wr_operations"),
                  stat(o, "flush_operations"));
    }
    json_decref(list);
}

void info_memory_size_summary(Hmp *h, const char *args)
{
    hmp_print(h, "base memory: %" PRIu64 "\nplugged memory: 0\n",
              h->ctx.machine->config.ram_bytes);
}

void info_kvm(Hmp *h, const char *args)
{
    hmp_print(h, "kvm support: not compiled\n");
}
