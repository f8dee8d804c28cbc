/*
 * 9P messages: little-endian numbers, and strings after their lengths in two
 * bytes.
 */
#include "p9.h"

#include "base/bytes.h"

uint64_t p9_get(P9In *in, unsigned bytes)
{
    if ((size_t)(in->end - in->at) < bytes) {
        in->bad = true;
        in->at = in->end;
        return 0;
    }
    uint64_t v = bytes_ld_le(in->at, bytes);
    in->at += bytes;
    return v;
}

char *p9_get_string(P9In *in)
{
    size_t len = p9_get(in, 2);
    if ((size_t)(in->end - in->at) < len || memchr(in->at, 0, len)) {
        in->bad = true;
        in->at = in->end;
        len = 0;
    }
    char *s = g_strndup((const char *)in->at, len);
    in->at += len;
    return s;
}

void p9_put(GByteArray *out, unsigned bytes, uint64_t v)
{
    uint8_t buf[8];
    bytes_st_le(buf, bytes, v);
    g_byte_array_append(out, buf, bytes);
}

void p9_put_string(GByteArray *out, const char *s)
{
    size_t len = MIN(strlen(s), UINT16_MAX);
    p9_put(out, 2, len);
    g_byte_array_append(out, (const uint8_t *)s, len);
}
