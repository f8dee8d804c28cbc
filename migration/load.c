/*
 * Reading a snapshot stream back into the machine that it is one of.
 *
 * Everything is checked before anything is changed: state goes into scratch
 * copies of each section's struct first, and compressed RAM is walked once
 * without storing it.
 */
#include "base/bytes.h"
#include "stream.h"
#include "svc/snapshot.h"

typedef struct Load {
    GArray *sections;      /* Section */
    GPtrArray *scratch;    /* a struct for each */
    GArray *ram;           /* StreamRecord for each block */
    const FlatSource *flat; /* NULL: RAM is in the stream */
} Load;

static void add_section(void *opaque, const Section *s)
{
    Load *l = opaque;
    g_array_append_val(l->sections, *s);
    g_ptr_array_add(l->scratch, g_malloc0(MAX(s->table->size_bytes, 1)));
}

static void load_init(Load *l, Machine *m)
{
    l->sections = g_array_new(FALSE, FALSE, sizeof(Section));
    l->scratch = g_ptr_array_new_with_free_func(g_free);
    l->ram = g_array_new(FALSE, FALSE, sizeof(StreamRecord));
    machine_sections(m, add_section, l);
}

static void load_clear(Load *l)
{
    g_array_free(l->sections, TRUE);
    g_ptr_array_free(l->scratch, TRUE);
    g_array_free(l->ram, TRUE);
}

/* The next record must be `type` `name`; what else it is, is in the error. */
static bool expect(StreamReader *r, StreamType type, const char *name,
                   StreamRecord *rec, Error **errp)
{
    if (!stream_next(r, rec, errp)) {
        return false;
    }
    if (rec->type == type && rec->name_len == strlen(name) &&
        !memcmp(rec->name, name, rec->name_len)) {
        return true;
    }
    g_autofree char *raw = g_strndup(rec->name, MIN(rec->name_len, 64));
    g_autofree char *found = g_strescape(raw, NULL);
    error_set(errp, "the snapshot is of another machine: it has '%s' (byte "
              "%zu) where this one has '%s'", found, rec->offset, name);
    return false;
}

static bool check_sections(Load *l, StreamReader *r, Error **errp)
{
    for (guint i = 0; i < l->sections->len; i++) {
        const Section *s = &g_array_index(l->sections, Section, i);
        StreamRecord rec;
        if (!expect(r, STREAM_SECTION, s->name, &rec, errp)) {
            return false;
        }
        if (!state_load(s->table, g_ptr_array_index(l->scratch, i), rec.data,
                        rec.data_len, errp)) {
            if (errp) {
                error_prepend(errp, "%s: ", s->name);
            }
            return false;
        }
    }
    return true;
}

static const Section *section_named(const Load *l, const char *name,
                                    guint *index)
{
    for (*index = 0; *index < l->sections->len; ++*index) {
        const Section *s = &g_array_index(l->sections, Section, *index);
        if (g_str_equal(s->name, name)) {
            return s;
        }
    }
    g_assert_not_reached();
}

/* Rows are in their ranges; some say something together, too. */
static bool check_clock(const Load *l, Icount icount, Error **errp)
{
    guint i;
    const Section *machine = section_named(l, "machine", &i);
    Icount counted = state_get(&machine->table->fields[0],
                               g_ptr_array_index(l->scratch, i), 0);
    if (counted != icount) {
        error_set(errp, "machine: the snapshot is of icount %" G_GUINT64_FORMAT
                  " and says %" G_GUINT64_FORMAT, counted, icount);
        return false;
    }
    section_named(l, "clock", &i);
    return clock_state_check(g_ptr_array_index(l->scratch, i), icount, errp);
}

static void ignore_page(void *opaque, uint64_t page, const uint8_t *bytes)
{
}

static bool check_ram(Load *l, Machine *m, StreamReader *r, Error **errp)
{
    const GPtrArray *blocks = ram_blocks(m);
    uint64_t offset = 0;
    for (guint i = 0; i < blocks->len; i++) {
        const RamBlock *b = g_ptr_array_index(blocks, i);
        StreamRecord rec;
        if (!expect(r, STREAM_RAM, b->name, &rec, errp) ||
            !(l->flat ? flat_check_ram(&rec, b, &offset, errp)
                      : ram_stream_walk(&rec, b, ignore_page, NULL, errp))) {
            return false;
        }
        g_array_append_val(l->ram, rec);
    }
    return !l->flat || flat_check_size(l->flat, offset, errp);
}

static bool check_end(StreamReader *r, Error **errp)
{
    StreamRecord rec;
    if (!expect(r, STREAM_END, "", &rec, errp)) {
        return false;
    }
    if (rec.data_len || r->pos != r->len) {
        error_set(errp, "the snapshot has %zu bytes after its end",
                  rec.data_len + r->len - r->pos);
        return false;
    }
    return true;
}

static bool load_all(Load *l, Machine *m, Error **errp)
{
    if (l->flat && !flat_load_ram(l->flat, m, errp)) {
        return false;
    }
    for (guint i = 0; i < l->sections->len; i++) {
        const Section *s = &g_array_index(l->sections, Section, i);
        memcpy(s->object, g_ptr_array_index(l->scratch, i),
               s->table->size_bytes);
    }
    for (guint i = 0; i < l->ram->len && !l->flat; i++) {
        ram_stream_load(&g_array_index(l->ram, StreamRecord, i),
                        g_ptr_array_index(ram_blocks(m), i));
    }
    return true;
}

/* Is it the form that the caller takes it for? */
static bool check_form(const StreamHeader *h, const LoadJob *job, size_t len,
                       Error **errp)
{
    bool flat = h->flags & STREAM_FLAT;
    if (flat != !!job->flat || (flat && h->head_bytes != len)) {
        error_set(errp, "the snapshot's RAM is not where it should be");
        return false;
    }
    return true;
}

bool load_state(Machine *m, LoadJob *job, Error **errp)
{
    StreamReader r;
    StreamHeader h;
    if (!stream_open(&r, job->stream, &h, errp) ||
        !check_form(&h, job, r.len, errp)) {
        return false;
    }
    Load l = { .flat = job->flat };
    load_init(&l, m);
    bool ok = check_sections(&l, &r, errp) &&
              check_clock(&l, h.icount, errp) && check_ram(&l, m, &r, errp) &&
              check_end(&r, errp);
    if (ok) {
        ok = load_all(&l, m, errp);
        job->spoilt = !ok;
    }
    if (ok) {
        ok = machine_rewire_loaded(m, errp);
        job->spoilt = !ok;
        m->sched.at_boundary = h.flags & STREAM_AT_BOUNDARY;
        m->sched.arrived = m->sched.touched = ICOUNT_NONE;
        job->log_position = h.log_position;
    }
    load_clear(&l);
    return ok;
}

bool snapshot_load_stream(Machine *m, GBytes *stream, uint64_t *log_position,
                          Error **errp)
{
    LoadJob job = { .stream = stream };
    bool ok = load_state(m, &job, errp);
    *log_position = ok ? job.log_position : *log_position;
    return ok;
}

bool snapshot_peek(GBytes *stream, Icount *icount, uint64_t *log_position,
                   Error **errp)
{
    StreamReader r;
    StreamHeader h;
    if (!stream_open(&r, stream, &h, errp)) {
        return false;
    }
    *icount = h.icount;
    *log_position = h.log_position;
    return true;
}
