/*
 * Headers and records of a snapshot stream. See stream.h.
 */
#include "stream.h"

#include "base/bytes.h"
#include "base/crc32c.h"

static const char stream_magic[8] = "RPRSSNAP";

static void put_recording(GByteArray *out, const Machine *m)
{
    g_autoptr(GByteArray) id = g_byte_array_new();
    g_byte_array_append(id, m->config.recording, MACHINE_RECORDING_BYTES);
    stream_put_record(out, STREAM_RECORDING, STREAM_RECORDING_NAME, id);
}

void stream_put_header(GByteArray *out, const Machine *m,
                       const StreamHeader *h)
{
    uint8_t b[STREAM_HEADER_BYTES] = { 0 };
    memcpy(b, stream_magic, sizeof stream_magic);
    bytes_st_le32(b + 8, h->flags & STREAM_FLAT ? STREAM_VERSION_FLAT
                                                : STREAM_VERSION);
    bytes_st_le32(b + 12, h->flags);
    bytes_st_le64(b + 16, h->icount);
    bytes_st_le64(b + 24, h->log_position);
    bytes_st_le32(b + 32, crc32c(0, b, 32));
    g_byte_array_append(out, b, sizeof b);
    if (m->config.recording) {
        put_recording(out, m);
    }
}

void stream_end_head(GByteArray *out)
{
    bytes_st_le32(out->data + 36, out->len);
}

void stream_put_record(GByteArray *out, StreamType type, const char *name,
                       const GByteArray *data)
{
    uint8_t b[STREAM_RECORD_BYTES];
    size_t name_len = strlen(name);
    size_t data_len = data ? data->len : 0;
    uint32_t crc = crc32c(0, name, name_len);
    if (data) {
        crc = crc32c(crc, data->data, data->len);
    }
    bytes_st_le32(b, type);
    bytes_st_le32(b + 4, name_len);
    bytes_st_le64(b + 8, data_len);
    bytes_st_le32(b + 16, crc);
    bytes_st_le32(b + 20, crc32c(0, b, 20));
    g_byte_array_append(out, b, sizeof b);
    g_byte_array_append(out, (const uint8_t *)name, name_len);
    if (data) {
        g_byte_array_append(out, data->data, data->len);
    }
}

static bool damaged(Error **errp, size_t offset, const char *what)
{
    error_set(errp, "the snapshot is damaged at byte %zu: %s", offset, what);
    return false;
}

/* What follows the header, if it says of which recording this is. */
static void read_recording(StreamReader *r, StreamHeader *h)
{
    StreamReader at = *r;
    StreamRecord rec;
    h->has_recording = stream_next(&at, &rec, NULL) &&
                       rec.type == STREAM_RECORDING &&
                       rec.data_len == MACHINE_RECORDING_BYTES;
    h->recording_damaged = !h->has_recording &&
                           at.len >= STREAM_HEADER_BYTES + 4 &&
                           bytes_ld_le32(at.data + STREAM_HEADER_BYTES) ==
                               STREAM_RECORDING;
    if (h->has_recording) {
        memcpy(h->recording, rec.data, MACHINE_RECORDING_BYTES);
        *r = at;
    }
}

bool stream_open(StreamReader *r, GBytes *stream, StreamHeader *h,
                 Error **errp)
{
    r->data = g_bytes_get_data(stream, &r->len);
    r->pos = STREAM_HEADER_BYTES;
    const uint8_t *b = r->data;
    if (r->len < STREAM_HEADER_BYTES ||
        memcmp(b, stream_magic, sizeof stream_magic)) {
        error_set(errp, "the VM state is not one of this program");
        return false;
    }
    uint32_t version = bytes_ld_le32(b + 8);
    h->flags = bytes_ld_le32(b + 12);
    h->head_bytes = bytes_ld_le32(b + 36);
    if (crc32c(0, b, 32) != bytes_ld_le32(b + 32)) {
        return damaged(errp, 0, "wrong checksum of the header");
    }
    if (version != STREAM_VERSION && version != STREAM_VERSION_FLAT) {
        error_set(errp, "the snapshot has version %u; this program knows %u",
                  version, STREAM_VERSION_FLAT);
        return false;
    }
    if ((version == STREAM_VERSION_FLAT) != !!(h->flags & STREAM_FLAT) ||
        (version == STREAM_VERSION && h->head_bytes)) {
        return damaged(errp, 0, "the header contradicts itself");
    }
    h->icount = bytes_ld_le64(b + 16);
    h->log_position = bytes_ld_le64(b + 24);
    read_recording(r, h);
    return true;
}

bool stream_next(StreamReader *r, StreamRecord *rec, Error **errp)
{
    const uint8_t *b = r->data + r->pos;
    size_t left = r->len - r->pos;
    rec->offset = r->pos;
    if (left < STREAM_RECORD_BYTES) {
        return damaged(errp, r->pos, "it ends too early");
    }
    if (crc32c(0, b, 20) != bytes_ld_le32(b + 20)) {
        return damaged(errp, r->pos, "wrong checksum of a record's header");
    }
    left -= STREAM_RECORD_BYTES;
    uint64_t name_len = bytes_ld_le32(b + 4);
    uint64_t data_len = bytes_ld_le64(b + 8);
    if (name_len > left || data_len > left - name_len) {
        return damaged(errp, r->pos, "it ends too early");
    }
    rec->type = bytes_ld_le32(b);
    rec->name = (const char *)b + STREAM_RECORD_BYTES;
    rec->name_len = name_len;
    rec->data = b + STREAM_RECORD_BYTES + name_len;
    rec->data_len = data_len;
    if (crc32c(0, rec->name, name_len + data_len) != bytes_ld_le32(b + 16)) {
        return damaged(errp, r->pos, "wrong checksum of a record");
    }
    r->pos += STREAM_RECORD_BYTES + name_len + data_len;
    return true;
}
