/*
 * The tail of a log that is being written: events that are in no chunk yet, one
 * record each, appended as they happen. See log-format.h.
 *
 * A record's checksum goes on from the one before, and the first one's from
 * the header's: what is left of an older tail behind the newest record never
 * passes for a part of it.
 */
#include <zlib.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/varint.h"
#include "log-format.h"

#define TAIL_MAGIC UINT32_C(0x4c494154) /* "TAIL" */
#define CRC_BYTES  4u

uint64_t log_tail_offset(uint64_t chunks_end)
{
    /* More than a chunk of several events ever takes: what replaces the tail
     * is whole before the tail is touched. */
    uint64_t chunk = LOG_CHUNK_BYTES + compressBound(LOG_CHUNK_FULL +
                                                     LOG_CHUNK_BYTES);
    return bits_align_up(chunks_end + chunk, LOG_TAIL_ALIGN);
}

bool log_tail_begins(const uint8_t *data)
{
    return bytes_ld_le32(data) == TAIL_MAGIC;
}

void log_tail_encode_until(Icount until, uint8_t out[LOG_TAIL_UNTIL_BYTES])
{
    bytes_st_le64(out, until);
    bytes_st_le32(out + 8, crc32c(0, out, 8));
}

void log_tail_encode(LogTail *t, uint8_t out[LOG_TAIL_BYTES])
{
    memset(out, 0, LOG_TAIL_BYTES);
    bytes_st_le32(out, TAIL_MAGIC);
    bytes_st_le64(out + 8, t->position);
    bytes_st_le64(out + 16, t->first);
    t->crc = crc32c(0, out + 8, 16);
    bytes_st_le32(out + 4, t->crc);
    log_tail_encode_until(t->until, out + LOG_TAIL_UNTIL);
}

void log_tail_add(LogTail *t, const uint8_t *event, uint32_t len,
                  GByteArray *out)
{
    uint8_t crc[CRC_BYTES];
    t->crc = crc32c(t->crc, event, len);
    bytes_st_le32(crc, t->crc);
    varint_append(out, len);
    g_byte_array_append(out, event, len);
    g_byte_array_append(out, crc, sizeof crc);
}

static bool decode_record(const uint8_t **p, const uint8_t *end, LogTail *t,
                          GByteArray *events)
{
    uint64_t len;
    LogEvent e;
    if (!varint_read(p, end, &len) || len > (uint64_t)(end - *p) ||
        (uint64_t)(end - *p) - len < CRC_BYTES) {
        return false;
    }
    const uint8_t *event = *p, *stop = event + len;
    uint32_t crc = crc32c(t->crc, event, len);
    if (crc != bytes_ld_le32(stop) ||
        !log_event_decode(p, stop, t->last, &e) || *p != stop) {
        return false;
    }
    *p += CRC_BYTES;
    t->crc = crc;
    t->last = e.icount;
    t->events++;
    g_byte_array_append(events, event, len);
    return true;
}

bool log_tail_decode(const uint8_t *data, uint64_t len, uint64_t position,
                     LogTail *t, GByteArray *events)
{
    const uint8_t *p = data + LOG_TAIL_BYTES, *end = data + len;
    const uint8_t *until = data + LOG_TAIL_UNTIL;
    if (len < LOG_TAIL_BYTES || bytes_ld_le32(data) != TAIL_MAGIC ||
        bytes_ld_le32(data + 4) != crc32c(0, data + 8, 16) ||
        bytes_ld_le64(data + 8) != position) {
        return false;
    }
    *t = (LogTail){ .position = position, .first = bytes_ld_le64(data + 16),
                    .crc = bytes_ld_le32(data + 4) };
    t->last = t->first;
    t->bytes = LOG_TAIL_BYTES;
    while (p < end && events->len < 2 * LOG_CHUNK_FULL &&
           decode_record(&p, end, t, events)) {
        t->bytes = p - data;
    }
    t->until = t->last;
    if (bytes_ld_le32(until + 8) == crc32c(0, until, 8)) {
        t->until = MAX(t->until, bytes_ld_le64(until));
    }
    return t->until != ICOUNT_NONE;
}
