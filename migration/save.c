/*
 * Writing the whole machine as one stream. See svc/snapshot.h, stream.h.
 */
#include "svc/snapshot.h"

#include "stream.h"

static void save_section(void *opaque, const Section *s)
{
    g_autoptr(GByteArray) data = g_byte_array_new();
    state_save(s->table, s->object, data);
    stream_put_record(opaque, STREAM_SECTION, s->name, data);
}

void stream_put_sections(GByteArray *out, Machine *m)
{
    machine_sections(m, save_section, out);
}

GBytes *snapshot_save_stream(Machine *m, uint64_t log_position)
{
    StreamHeader h = { .flags = m->sched.at_boundary ? STREAM_AT_BOUNDARY : 0,
                       .icount = machine_icount(m),
                       .log_position = log_position };
    GByteArray *out = g_byte_array_new();
    stream_put_header(out, m, &h);
    stream_put_sections(out, m);
    const GPtrArray *blocks = ram_blocks(m);
    for (guint i = 0; i < blocks->len; i++) {
        const RamBlock *b = g_ptr_array_index(blocks, i);
        g_autoptr(GByteArray) data = ram_stream_save(b);
        stream_put_record(out, STREAM_RAM, b->name, data);
    }
    stream_put_record(out, STREAM_END, "", NULL);
    return g_byte_array_free_to_bytes(out);
}
