/*
 * Encoding and decoding of a log's chunk headers, events, digests. See
 * log-format.h.
 */
#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/varint.h"
#include "log-format.h"

#define CHUNK_MAGIC UINT32_C(0x4b4e4843) /* "CHNK" */

/* ORDER nondet-kind (include/vm/nondet.h) */
#define NONDET(number, name, text, shape, payload, doc) \
    G_STATIC_ASSERT(NONDET_##name == number);
#include "nondet.def"
#undef NONDET

#define NONDET(number, name, text, shape, payload, doc) [number] = text,
static const char *const kind_names[NONDET_KIND_COUNT] = {
#include "nondet.def"
};
#undef NONDET

/* ORDER log-op (replay/log/log-format.h) */
static const char *const op_names[] = { "post", "pull", "rare", "warp" };

const char *nondet_kind_name(unsigned kind)
{
    return kind < NONDET_KIND_COUNT ? kind_names[kind] : NULL;
}

/* --- chunk headers --------------------------------------------------------------- */

void log_chunk_encode(const LogChunk *c, uint8_t out[LOG_CHUNK_BYTES])
{
    memset(out, 0, LOG_CHUNK_BYTES);
    bytes_st_le32(out, CHUNK_MAGIC);
    bytes_st_le32(out + 4, c->type);
    bytes_st_le32(out + 8, c->bytes);
    bytes_st_le32(out + 12, c->raw_bytes);
    bytes_st_le32(out + 16, c->events);
    bytes_st_le32(out + 20, c->crc);
    bytes_st_le64(out + 24, c->first);
    bytes_st_le64(out + 32, c->last);
    bytes_st_le64(out + 40, c->position);
    bytes_st_le32(out + 60, crc32c(0, out, 60));
}

bool log_chunk_decode(const uint8_t in[LOG_CHUNK_BYTES], LogChunk *c)
{
    if (bytes_ld_le32(in) != CHUNK_MAGIC ||
        bytes_ld_le32(in + 60) != crc32c(0, in, 60)) {
        return false;
    }
    c->type = bytes_ld_le32(in + 4);
    c->bytes = bytes_ld_le32(in + 8);
    c->raw_bytes = bytes_ld_le32(in + 12);
    c->events = bytes_ld_le32(in + 16);
    c->crc = bytes_ld_le32(in + 20);
    c->first = bytes_ld_le64(in + 24);
    c->last = bytes_ld_le64(in + 32);
    c->position = bytes_ld_le64(in + 40);
    return true;
}

/* What chunks of each type can hold: at least and at most so many inflated
 * bytes. */
static bool raw_bytes_of(const LogChunk *c, uint64_t least, uint64_t most)
{
    return c->raw_bytes >= least && c->raw_bytes <= most;
}

/* Many small events, or one of any size; each takes three bytes or more. */
static bool events_plausible(const LogChunk *c)
{
    return c->events == 1
               ? raw_bytes_of(c, 3, LOG_EVENT_MAX)
               : raw_bytes_of(c, UINT64_C(3) * c->events,
                              c->events ? LOG_CHUNK_FULL + LOG_CHUNK_BYTES : 0);
}

bool log_chunk_plausible(const LogChunk *c)
{
    switch (c->type) {
    case LOG_CHUNK_EVENTS:
        return events_plausible(c);
    case LOG_CHUNK_DIGEST:
        return c->raw_bytes % 8 == 0 &&
               raw_bytes_of(c, 8 * (1 + DIGEST_RANGES), 64 * KIB);
    case LOG_CHUNK_MARK:
        return raw_bytes_of(c, 9, 9 + LOG_NAME_MAX);
    case LOG_CHUNK_END:
        return raw_bytes_of(c, 0, 256);
    case LOG_CHUNK_COMMAND:
        return raw_bytes_of(c, 2, 1 * MIB);
    case LOG_CHUNK_PARENT:
        return raw_bytes_of(c, 16, 64 * KIB);
    case LOG_CHUNK_RECORDING:
        return raw_bytes_of(c, LOG_RECORDING_BYTES, LOG_RECORDING_BYTES);
    }
    return false;
}

/* --- events --------------------------------------------------------------------- */

/* varint icount - previous, varint op | port << 2, WARP and RARE: varint aux,
 * all but WARP: varint length and the bytes. */
void log_event_encode(const LogEvent *e, Icount previous, GByteArray *out)
{
    g_assert(e->icount >= previous);
    varint_append(out, e->icount - previous);
    varint_append(out, e->op | (uint64_t)e->port << 2);
    if (e->op == LOG_WARP || e->op == LOG_RARE) {
        varint_append(out, e->aux);
    }
    if (e->op != LOG_WARP) {
        varint_append(out, e->len);
        g_byte_array_append(out, e->data, e->len);
    }
}

bool log_event_decode(const uint8_t **p, const uint8_t *end, Icount previous,
                      LogEvent *e)
{
    uint64_t delta, word, len;
    *e = (LogEvent){ 0 };
    if (!varint_read(p, end, &delta) || !varint_read(p, end, &word) ||
        delta > UINT64_MAX - 1 - previous || word >> 2 > UINT16_MAX) {
        return false;
    }
    e->icount = previous + delta;
    e->op = word & 3;
    e->port = word >> 2;
    if ((e->op == LOG_WARP || e->op == LOG_RARE) &&
        !varint_read(p, end, &e->aux)) {
        return false;
    }
    if (e->op == LOG_WARP) {
        return true;
    }
    if (!varint_read(p, end, &len) || len > (uint64_t)(end - *p)) {
        return false;
    }
    e->data = *p;
    e->len = len;
    *p += len;
    return true;
}

void log_event_print(const LogEvent *e, GString *out)
{
    const uint32_t most = 32;
    g_string_append_printf(out, "%" G_GUINT64_FORMAT " %s", e->icount,
                           op_names[e->op]);
    if (e->op == LOG_WARP) {
        static const char *const units[WARP_KINDS] = {
            "ns", "timers have fired", "exceptions and interrupts",
        };
        g_string_append_printf(out, " until %" G_GINT64_FORMAT " %s\n",
                               (int64_t)e->aux,
                               e->port < WARP_KINDS ? units[e->port] : "?");
        return;
    }
    g_string_append_printf(out, " port %u", e->port);
    if (e->op == LOG_RARE) {
        g_string_append_printf(out, " call %" G_GUINT64_FORMAT, e->aux);
    }
    g_string_append_printf(out, " %u bytes:", e->len);
    for (uint32_t i = 0; i < MIN(e->len, most); i++) {
        g_string_append_printf(out, " %02x", e->data[i]);
    }
    g_string_append(out, e->len > most ? " ...\n" : "\n");
}

/* --- digests ---------------------------------------------------------------------- */

void digest_clear(Digest *d)
{
    if (d->sections) {
        g_array_free(d->sections, TRUE);
        d->sections = NULL;
    }
}

static void put64(GByteArray *out, uint64_t v)
{
    uint8_t b[8];
    bytes_st_le64(b, v);
    g_byte_array_append(out, b, sizeof b);
}

/* u64 total, u64 for each range of RAM, u64 for each section. */
void digest_encode(const Digest *d, GByteArray *out)
{
    put64(out, d->total);
    for (unsigned i = 0; i < DIGEST_RANGES; i++) {
        put64(out, d->ram[i]);
    }
    for (guint i = 0; i < d->sections->len; i++) {
        put64(out, g_array_index(d->sections, uint64_t, i));
    }
}

bool digest_decode(const uint8_t *data, size_t len, Digest *d)
{
    const size_t fixed = 8 * (1 + DIGEST_RANGES);
    if (len < fixed || len % 8) {
        return false;
    }
    d->total = bytes_ld_le64(data);
    for (unsigned i = 0; i < DIGEST_RANGES; i++) {
        d->ram[i] = bytes_ld_le64(data + 8 * (1 + i));
    }
    d->sections = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    for (size_t at = fixed; at < len; at += 8) {
        uint64_t v = bytes_ld_le64(data + at);
        g_array_append_val(d->sections, v);
    }
    return true;
}

void log_mark_free(LogMark *mark)
{
    g_free(mark->name);
    g_free(mark);
}
