/*
 * Framing of the gdb remote serial protocol. See packet.h.
 */
#include "packet.h"

void packet_reader_init(PacketReader *r)
{
    *r = (PacketReader){ .data = g_byte_array_new() };
}

void packet_reader_free(PacketReader *r)
{
    g_byte_array_free(r->data, TRUE);
}

static PacketEvent feed_idle(PacketReader *r, uint8_t byte)
{
    switch (byte) {
    case '$':
        g_byte_array_set_size(r->data, 0);
        r->sum = 0;
        r->too_long = false;
        r->state = READ_DATA;
        return PACKET_NONE;
    case '+':
        return PACKET_ACK;
    case '-':
        return PACKET_NAK;
    case 3:
        return PACKET_INTERRUPT;
    default:
        return PACKET_NONE; /* noise on the line */
    }
}

static void append(PacketReader *r, uint8_t byte)
{
    if (r->data->len >= PACKET_MAX) {
        r->too_long = true;
        return;
    }
    g_byte_array_append(r->data, &byte, 1);
}

static PacketEvent finish(PacketReader *r)
{
    uint8_t nul = 0;
    r->state = READ_IDLE;
    g_byte_array_append(r->data, &nul, 1);
    g_byte_array_set_size(r->data, r->data->len - 1);
    return r->sum == r->want && !r->too_long ? PACKET_READY : PACKET_BAD;
}

static PacketEvent feed_sum(PacketReader *r, uint8_t byte)
{
    int digit = g_ascii_xdigit_value(byte);
    if (digit < 0) {
        r->state = READ_IDLE;
        return PACKET_BAD;
    }
    if (r->state == READ_SUM1) {
        r->want = digit << 4;
        r->state = READ_SUM2;
        return PACKET_NONE;
    }
    r->want |= digit;
    return finish(r);
}

PacketEvent packet_reader_feed(PacketReader *r, uint8_t byte)
{
    switch (r->state) {
    case READ_IDLE:
        return feed_idle(r, byte);
    case READ_SUM1:
    case READ_SUM2:
        return feed_sum(r, byte);
    case READ_ESCAPE:
        r->sum += byte;
        append(r, byte ^ 0x20);
        r->state = READ_DATA;
        return PACKET_NONE;
    case READ_DATA:
        break;
    }
    if (byte == '#') {
        r->state = READ_SUM1;
        return PACKET_NONE;
    }
    r->sum += byte;
    if (byte == '}') {
        r->state = READ_ESCAPE;
    } else {
        append(r, byte);
    }
    return PACKET_NONE;
}

GByteArray *packet_frame(const void *data, size_t len)
{
    const uint8_t *p = data;
    GByteArray *out = g_byte_array_sized_new(len + 4);
    uint8_t sum = 0;
    g_byte_array_append(out, (const uint8_t *)"$", 1);
    for (size_t i = 0; i < len; i++) {
        bool special = p[i] == '$' || p[i] == '#' || p[i] == '}' ||
                       p[i] == '*';
        uint8_t pair[2] = { '}', p[i] ^ 0x20 };
        const uint8_t *bytes = special ? pair : &p[i];
        g_byte_array_append(out, bytes, special ? 2 : 1);
        sum += special ? pair[0] + pair[1] : p[i];
    }
    char tail[4];
    g_snprintf(tail, sizeof tail, "#%02x", sum);
    g_byte_array_append(out, (const uint8_t *)tail, 3);
    return out;
}

void packet_put_hex(GString *out, const void *data, size_t len)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++) {
        g_string_append_printf(out, "%02x", p[i]);
    }
}

bool packet_get_hex(const char *text, void *out, size_t len)
{
    uint8_t *p = out;
    for (size_t i = 0; i < len; i++) {
        int hi = g_ascii_xdigit_value(text[2 * i]);
        int lo = hi < 0 ? -1 : g_ascii_xdigit_value(text[2 * i + 1]);
        if (lo < 0) {
            return false;
        }
        p[i] = hi << 4 | lo;
    }
    return true;
}

bool packet_get_number(const char **p, uint64_t *v)
{
    const char *start = *p;
    *v = 0;
    while (g_ascii_isxdigit(**p)) {
        if (*v >> 60) {
            return false;
        }
        *v = *v << 4 | (unsigned)g_ascii_xdigit_value(**p);
        (*p)++;
    }
    return *p != start;
}

bool packet_get_char(const char **p, char c)
{
    if (**p != c) {
        return false;
    }
    (*p)++;
    return true;
}
