/*
 * All chardevs of the program: opening them by name of the back end, finding
 * them by id, and giving each to one user. See io/chardev-open.h.
 */
#include "chardev-impl.h"

#include <errno.h>
#include <fcntl.h>

/* ORDER chardev-backend (chardev-impl.h) */
static const ChardevBackend *const backends[] = {
    &chardev_null, &chardev_stdio, &chardev_file,
    &chardev_pipe, &chardev_pty, &chardev_socket, &chardev_udp,
    &chardev_ringbuf,
};

ChardevSet *chardev_set_new(void (*quit)(void *opaque), void *opaque)
{
    ChardevSet *set = g_new0(ChardevSet, 1);
    set->table = g_hash_table_new(g_str_hash, g_str_equal);
    set->order = g_ptr_array_new();
    set->quit = quit;
    set->escape = 0x01;        /* Ctrl-A */
    set->opaque = opaque;
    return set;
}

void chardev_set_machine(ChardevSet *set, Machine *m)
{
    set->machine = m;
}

void chardev_set_escape(ChardevSet *set, uint8_t escape)
{
    set->escape = escape;
}

void chardev_set_mute(ChardevSet *set, bool muted)
{
    set->muted = muted;
}

void chardev_set_free(ChardevSet *set)
{
    /* Front ends were made after what they stand on. */
    for (unsigned i = set->order->len; i-- > 0;) {
        chardev_free(g_ptr_array_index(set->order, i));
    }
    g_ptr_array_free(set->order, TRUE);
    g_hash_table_destroy(set->table);
    g_free(set);
}

GHashTable *chardev_set_table(ChardevSet *set)
{
    return set->table;
}

Chardev *chardev_add(ChardevSet *set, const char *id,
                     const ChardevBackend *backend)
{
    Chardev *c = chardev_new(set, id, backend);
    g_hash_table_insert(set->table, c->head.id, c);
    g_ptr_array_add(set->order, c);
    return c;
}

static void chardev_remove(Chardev *c)
{
    g_hash_table_remove(c->set->table, c->head.id);
    g_ptr_array_remove(c->set->order, c);
    chardev_free(c);
}

static const ChardevBackend *backend_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(backends); i++) {
        if (g_str_equal(backends[i]->name, name)) {
            return backends[i];
        }
    }
    return NULL;
}

const char *chardev_backend_at(unsigned n)
{
    return n < G_N_ELEMENTS(backends) ? backends[n]->name : NULL;
}

static bool open_log(Chardev *c, const ChardevSpec *spec, Error **errp)
{
    if (!spec->logfile) {
        return true;
    }
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC
                | (spec->logappend ? O_APPEND : O_TRUNC);
    c->log_fd = open(spec->logfile, flags, 0666);
    if (c->log_fd < 0) {
        error_set_errno(errp, errno, "cannot open logfile '%s'",
                        spec->logfile);
        return false;
    }
    return true;
}

void chardev_spec_init(ChardevSpec *spec)
{
    *spec = (ChardevSpec){ .fd = -1, .wait = true, .signal = true };
}

void chardev_spec_clear(ChardevSpec *spec)
{
    g_free(spec->path);
    g_free(spec->input_path);
    g_free(spec->host);
    g_free(spec->port);
    g_free(spec->local_host);
    g_free(spec->local_port);
    g_free(spec->logfile);
    chardev_spec_init(spec);
}

Chardev *chardev_open(ChardevSet *set, const char *id,
                      const ChardevSpec *spec, Error **errp)
{
    const ChardevBackend *backend = backend_find(spec->backend);
    if (!backend) {
        error_set(errp, "chardev '%s': '%s' is not a valid backend name", id,
                  spec->backend);
        return NULL;
    }
    if (g_hash_table_contains(set->table, id)) {
        error_set(errp, "chardev '%s': there is another of that id", id);
        return NULL;
    }
    Chardev *c = chardev_add(set, id, backend);
    Error *err = NULL;
    if (!open_log(c, spec, &err) || !backend->open(c, spec, &err)) {
        error_prepend(&err, "chardev '%s': ", id);
        error_propagate(errp, err);
        chardev_remove(c);
        return NULL;
    }
    if (spec->mux) {
        chardev_mux_init(c);
    }
    return c;
}

void chardev_release(Chardev *c)
{
    c->claimed = false;
}

bool chardev_close(ChardevSet *set, const char *id, Error **errp)
{
    Chardev *c = g_hash_table_lookup(set->table, id);
    if (!c) {
        error_set(errp, "Chardev '%s' not found", id);
        return false;
    }
    if (c->claimed || chardev_is_mux(c) || c->port) {
        error_set(errp, "Chardev '%s' is busy", id);
        return false;
    }
    chardev_remove(c);
    return true;
}

Chardev *chardev_claim(ChardevSet *set, const char *id, Error **errp)
{
    Chardev *c = g_hash_table_lookup(set->table, id);
    if (!c) {
        error_set(errp, "chardev '%s' not found", id);
        return NULL;
    }
    if (chardev_is_mux(c)) {
        return chardev_mux_front_new(c);
    }
    if (c->claimed) {
        error_set(errp, "chardev '%s' is already in use; give it mux=on to "
                  "share it", id);
        return NULL;
    }
    c->claimed = true;
    return c;
}
