/*
 * QMP: dumps of the guest's memory (qapi/dump.json): what goes into one, and
 * whether it is written now or by a copy of the process.
 */
#include "dump.h"

#include "io/background.h"
#include "monitor.h"
#include "qapi-events.h"
#include "vm/memory-walk.h"

/* How much is written between two words to the process. */
#define TELL_BYTES (4 * MIB)

struct MonitorDump {
    DumpStatus status;
    uint64_t completed, total;
    Background *writer;    /* NULL: none is being written by a copy */
    Dump *dump;            /* which it writes */
    bool (*write)(Dump *d, Error **errp);
};

/* --- what is dumped -------------------------------------------------------------- */

static GArray *all_ranges(Machine *m)
{
    GArray *ranges = g_array_new(FALSE, FALSE, sizeof(DumpRange));
    const MemRange *r = address_space_next(m->memory, 0);
    while (r) {
        PhysAddr end = r->end;
        if (r->region->kind == MEM_RAM) {
            dump_add_range(ranges, r->start, end - r->start + 1);
        }
        r = end == UINT64_MAX ? NULL : address_space_next(m->memory, end + 1);
    }
    return ranges;
}

/* Of all ranges, what is in [begin, begin + length). */
static GArray *part_of(GArray *all, PhysAddr begin, uint64_t length)
{
    GArray *part = g_array_new(FALSE, FALSE, sizeof(DumpRange));
    for (guint i = 0; i < all->len; i++) {
        const DumpRange *r = &g_array_index(all, DumpRange, i);
        PhysAddr from = MAX(begin, r->start);
        PhysAddr to = MIN(begin + length, r->start + r->bytes);
        if (from < to) {
            dump_add_range(part, from, to - from);
        }
    }
    g_array_unref(all);
    return part;
}

/* 64 bits if any processor or any address needs them. */
static CpuDumpKind kind_of(Machine *m, const GArray *ranges)
{
    CpuDumpKind kind = { 0 };
    for (guint i = 0; i < m->cpus->len; i++) {
        Cpu *cpu = g_ptr_array_index(m->cpus, i);
        CpuDumpKind k = cpu->cls->dump->kind(cpu);
        kind = !i || k.bits > kind.bits ? k : kind;
    }
    const DumpRange *last = &g_array_index(ranges, DumpRange, ranges->len - 1);
    if (last->start + last->bytes - 1 > UINT32_MAX) {
        kind.bits = 64;
    }
    return kind;
}

static void dump_free(Dump *d)
{
    g_array_unref(d->ranges);
    g_clear_pointer(&d->mappings, g_array_unref);
    g_byte_array_unref(d->notes);
    g_free(d);
}

/* Takes ranges over. */
static Dump *dump_new(Machine *m, GArray *ranges)
{
    Dump *d = g_new0(Dump, 1);
    d->m = m;
    d->ranges = ranges;
    d->kind = kind_of(m, ranges);
    d->notes = g_byte_array_new();
    for (guint i = 0; i < m->cpus->len; i++) {
        Cpu *cpu = g_ptr_array_index(m->cpus, i);
        cpu->cls->dump->notes(cpu, d->kind.bits, d->notes);
    }
    dump_add_core_info(d);
    for (guint i = 0; i < ranges->len; i++) {
        d->total += dump_range(d, i)->bytes;
    }
    return d;
}

bool dump_read(Dump *d, PhysAddr pa, void *buf, size_t bytes, Error **errp)
{
    bool ok = address_space_read_debug(d->m->memory, pa, buf, bytes);
    if (!ok) {
        error_set(errp, "there is no memory at 0x%" G_GINT64_MODIFIER "x", pa);
    }
    return ok;
}

void dump_advance(Dump *d, uint64_t bytes)
{
    uint64_t before = d->completed / TELL_BYTES;
    d->completed += bytes;
    if (d->tell && d->completed / TELL_BYTES != before) {
        d->tell(d->opaque, d->completed);
    }
}

/* --- how it goes ------------------------------------------------------------------- */

static struct MonitorDump *state_of(Machine *m)
{
    return monitor_shared(m)->dump;
}

static DumpQueryResult result_of(const struct MonitorDump *s)
{
    uint64_t completed = s->writer ? background_completed(s->writer)
                                   : s->completed;
    return (DumpQueryResult){ s->status, completed, s->total };
}

static void tell_end(Machine *m, const char *error)
{
    struct MonitorDump *s = state_of(m);
    s->status = error ? DUMP_STATUS_FAILED : DUMP_STATUS_COMPLETED;
    s->completed = error ? s->completed : s->total;
    DumpQueryResult result = result_of(s);
    events_broadcast(m, qapi_event_dump_completed(&result, error));
}

/* --- by a copy of the process -------------------------------------------------------- */

static void tell_progress(void *opaque, uint64_t completed)
{
    background_tell(opaque, completed);
}

static bool write_in_copy(void *opaque, Background *b, Error **errp)
{
    struct MonitorDump *s = state_of(opaque);
    s->dump->tell = tell_progress;
    s->dump->opaque = b;
    bool whole = s->write(s->dump, errp);
    return outfile_close(&s->dump->out, whole ? errp : NULL) && whole;
}

static void written_by_copy(void *opaque, const char *error)
{
    struct MonitorDump *s = state_of(opaque);
    s->completed = background_completed(s->writer);
    s->writer = NULL;
    g_clear_pointer(&s->dump, dump_free);
    tell_end(opaque, error);
}

static void start_copy(Machine *m, Error **errp)
{
    struct MonitorDump *s = state_of(m);
    BackgroundWork work = { write_in_copy, written_by_copy, m,
                            s->dump->out.fd };
    s->writer = background_start(&work, errp);
    outfile_close(&s->dump->out, NULL);
    s->dump->out.path = NULL;          /* the client's */
    if (!s->writer) {
        g_clear_pointer(&s->dump, dump_free);
        s->status = DUMP_STATUS_FAILED;
    }
}

static void write_now(Machine *m, Error **errp)
{
    struct MonitorDump *s = state_of(m);
    Error *err = NULL;
    bool whole = s->write(s->dump, &err);
    outfile_close(&s->dump->out, whole ? &err : NULL);
    s->completed = s->dump->completed;
    g_clear_pointer(&s->dump, dump_free);
    tell_end(m, err ? error_message(err) : NULL);
    if (err) {
        error_propagate(errp, err);
    }
}

/* --- commands ---------------------------------------------------------------------------- */

typedef struct DumpOrder {
    bool paging, detach;
    bool has_begin, has_length;
    int64_t begin, length;
    DumpGuestMemoryFormat format;
    const char *protocol;
} DumpOrder;

static bool check_filter(const DumpOrder *o, Error **errp)
{
    if (o->has_begin != o->has_length) {
        error_set(errp, "Parameter '%s' is missing",
                  o->has_begin ? "length" : "begin");
        return false;
    }
    if (o->has_begin && (o->begin < 0 || o->length <= 0)) {
        error_set(errp, "Invalid parameter '%s'",
                  o->begin < 0 ? "begin" : "length");
        return false;
    }
    return true;
}

static bool check_format(const DumpOrder *o, Error **errp)
{
    switch (o->format) {
    case DUMP_GUEST_MEMORY_FORMAT_ELF:
        return true;
    case DUMP_GUEST_MEMORY_FORMAT_KDUMP_ZLIB:
        if (o->paging || o->has_begin) {
            error_set(errp, "kdump-compressed format doesn't support paging or "
                            "filter");
            return false;
        }
        return true;
    default:
        error_set(errp, "format '%s' is not written here: elf and kdump-zlib "
                        "are", qapi_DumpGuestMemoryFormat_words[o->format]);
        return false;
    }
}

/* Opens what `protocol` names. */
static bool open_file(QmpContext *ctx, const char *protocol, OutFile *f,
                      Error **errp)
{
    if (g_str_has_prefix(protocol, "file:")) {
        return monitor_open_file(ctx, f, protocol + strlen("file:"), errp);
    }
    if (g_str_has_prefix(protocol, "fd:")) {
        f->path = protocol;
        f->fd = monitor_take_fd(ctx, protocol + strlen("fd:"), errp);
        f->error = 0;
        return f->fd >= 0;
    }
    error_set(errp, "Invalid parameter 'protocol'");
    return false;
}

static Dump *plan(QmpContext *ctx, const DumpOrder *o, Error **errp)
{
    GArray *ranges = all_ranges(ctx->machine);
    if (o->has_begin) {
        ranges = part_of(ranges, o->begin, o->length);
    }
    if (!ranges->len) {
        g_array_unref(ranges);
        error_set(errp, "dump: no guest memory to dump");
        return NULL;
    }
    Dump *d = dump_new(ctx->machine, ranges);
    if (o->paging) {
        d->mappings = dump_mappings(ctx->machine, ranges, errp);
    }
    if ((o->paging && !d->mappings) ||
        !open_file(ctx, o->protocol, &d->out, errp)) {
        dump_free(d);
        return NULL;
    }
    return d;
}

static bool check_target(const Machine *m, Error **errp)
{
    bool known = true;
    for (guint i = 0; i < m->cpus->len; i++) {
        const Cpu *cpu = g_ptr_array_index(m->cpus, i);
        known &= cpu->cls->dump != NULL;
    }
    if (!known) {
        error_set(errp, "no dumps of this target's memory are known");
    }
    return known;
}

static void dump_start(QmpContext *ctx, const DumpOrder *o, Error **errp)
{
    struct MonitorDump *s = state_of(ctx->machine);
    if (s->writer) {
        error_set(errp, "There is a dump in process, please wait.");
        return;
    }
    Dump *d = check_target(ctx->machine, errp) && check_filter(o, errp) &&
              check_format(o, errp)
        ? plan(ctx, o, errp) : NULL;
    if (!d) {
        return;
    }
    *s = (struct MonitorDump){
        .status = DUMP_STATUS_ACTIVE, .total = d->total, .dump = d,
        .write = o->format == DUMP_GUEST_MEMORY_FORMAT_ELF ? dump_write_elf
                                                           : dump_write_kdump,
    };
    if (o->detach) {
        start_copy(ctx->machine, errp);
    } else {
        write_now(ctx->machine, errp);
    }
}

void qmp_dump_guest_memory(QmpContext *ctx, bool paging, const char *protocol,
                           bool has_detach, bool detach, bool has_begin,
                           int64_t begin, bool has_length, int64_t length,
                           bool has_format, DumpGuestMemoryFormat format,
                           Error **errp)
{
    DumpOrder order = { paging, detach, has_begin, has_length, begin, length,
                        has_format ? format : DUMP_GUEST_MEMORY_FORMAT_ELF,
                        protocol };
    dump_start(ctx, &order, errp);
}

json_t *qmp_query_dump(QmpContext *ctx, Error **errp)
{
    DumpQueryResult result = result_of(state_of(ctx->machine));
    return qapi_put_DumpQueryResult(&result);
}

json_t *qmp_query_dump_guest_memory_capability(QmpContext *ctx, Error **errp)
{
    return json_pack("{s:[s,s]}", "formats", "elf", "kdump-zlib");
}

struct MonitorDump *monitor_dump_new(void)
{
    return g_new0(struct MonitorDump, 1);
}

void monitor_dump_free(struct MonitorDump *s)
{
    g_clear_pointer(&s->writer, background_cancel);
    g_clear_pointer(&s->dump, dump_free);
    g_free(s);
}
