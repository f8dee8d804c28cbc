/*
 * Integers in byte buffers, with the byte order in the name and no alignment
 * asked for. Header only.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <string.h>

#include "base/types.h"

#define BYTES_ACCESS(bits, le, order)                             \
    static inline uint##bits##_t bytes_ld_##le##bits(const void *p) \
    {                                                             \
        uint##bits##_t v;                                         \
        memcpy(&v, p, sizeof v);                                  \
        return GUINT##bits##_FROM_##order(v);                     \
    }                                                             \
    static inline void bytes_st_##le##bits(void *p, uint##bits##_t v) \
    {                                                             \
        v = GUINT##bits##_TO_##order(v);                          \
        memcpy(p, &v, sizeof v);                                  \
    }

BYTES_ACCESS(16, le, LE)
BYTES_ACCESS(32, le, LE)
BYTES_ACCESS(64, le, LE)
BYTES_ACCESS(16, be, BE)
BYTES_ACCESS(32, be, BE)
BYTES_ACCESS(64, be, BE)

#undef BYTES_ACCESS

/* The `size` (1 to 8) little-endian bytes at p, zero-extended. */
static inline uint64_t bytes_ld_le(const void *p, unsigned size)
{
    const uint8_t *byte = p;
    uint64_t v = 0;
    switch (size) {
    case 1: return *byte;
    case 2: return bytes_ld_le16(p);
    case 4: return bytes_ld_le32(p);
    case 8: return bytes_ld_le64(p);
    }
    for (unsigned i = 0; i < size; i++) {
        v |= (uint64_t)byte[i] << (8 * i);
    }
    return v;
}

/* Stores the low `size` (1 to 8) bytes of v at p, little-endian. */
static inline void bytes_st_le(void *p, unsigned size, uint64_t v)
{
    uint8_t *byte = p;
    switch (size) {
    case 1: *byte = v; return;
    case 2: bytes_st_le16(p, v); return;
    case 4: bytes_st_le32(p, v); return;
    case 8: bytes_st_le64(p, v); return;
    }
    for (unsigned i = 0; i < size; i++) {
        byte[i] = v >> (8 * i);
    }
}

/* A UUID's text as the 16 bytes that firmware tables have: its first three
 * fields are little-endian numbers. False if it is none; zeroes for NULL. */
static inline bool bytes_from_uuid(const char *text, uint8_t *uuid)
{
    static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11,
                                       12, 13, 14, 15 };
    memset(uuid, 0, 16);
    for (unsigned n = 0; text && n < 16; n++) {
        bool dash = n == 4 || n == 6 || n == 8 || n == 10;
        if (dash && *text++ != '-') {
            return false;
        }
        int high = g_ascii_xdigit_value(text[0]);
        int low = high < 0 ? -1 : g_ascii_xdigit_value(text[1]);
        if (low < 0) {
            return false;
        }
        uuid[order[n]] = high << 4 | low;
        text += 2;
    }
    return !text || !*text;
}

#endif
