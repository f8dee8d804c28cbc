/*
 * Variable-length integers. See base/varint.h.
 */
#include "base/varint.h"

void varint_append(GByteArray *out, uint64_t v)
{
    uint8_t buf[VARINT_MAX_BYTES];
    guint n = 0;
    while (v >= 0x80) {
        buf[n++] = (v & 0x7f) | 0x80;
        v >>= 7;
    }
    buf[n++] = v;
    g_byte_array_append(out, buf, n);
}

bool varint_read(const uint8_t **p, const uint8_t *end, uint64_t *v)
{
    uint64_t acc = 0;
    for (unsigned shift = 0; shift < 64 && *p < end; shift += 7) {
        uint8_t byte = *(*p)++;
        if (shift == 63 && byte > 1) {
            return false;
        }
        acc |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *v = acc;
            return true;
        }
    }
    return false;
}
