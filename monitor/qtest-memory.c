/*
 * qtest's accesses to ports and memory. See qtest.c.
 */
#include "qtest-parts.h"

#include <string.h>

/* The most that one request reads, writes or sets. */
#define DATA_MAX_BYTES (32u << 20)

/* An address and a number of bytes from word 1 on. */
static bool range(Qtest *q, uint64_t *addr, uint64_t *len)
{
    if (!qtest_number(q, 1, addr) || !qtest_number(q, 2, len)) {
        return false;
    }
    if (*len > DATA_MAX_BYTES) {
        qtest_say(q, "FAIL %s: more than %u bytes", q->words[0], DATA_MAX_BYTES);
        return false;
    }
    return true;
}

/* --- ports and memory, one access --------------------------------------------------- */

/* The size that the letter of inb, outw, readq, … stands for. */
static unsigned size_of(char letter)
{
    return letter == 'b' ? 1 : letter == 'w' ? 2 : letter == 'l' ? 4 : 8;
}

static char last_letter(const Qtest *q)
{
    return q->words[0][strlen(q->words[0]) - 1];
}

void qtest_cmd_in(Qtest *q)
{
    uint64_t addr;
    if (qtest_number(q, 1, &addr)) {
        unsigned size = size_of(last_letter(q));
        uint64_t v = address_space_ld(q->machine->io, addr & 0xffff, size);
        qtest_say(q, "OK 0x%04x", (unsigned)v);
    }
}

void qtest_cmd_out(Qtest *q)
{
    uint64_t addr, v;
    if (qtest_number(q, 1, &addr) && qtest_number(q, 2, &v)) {
        unsigned size = size_of(last_letter(q));
        address_space_st(q->machine->io, addr & 0xffff, v, size);
        qtest_say(q, "OK");
    }
}

void qtest_cmd_load(Qtest *q)
{
    uint64_t addr;
    if (qtest_number(q, 1, &addr)) {
        unsigned size = size_of(last_letter(q));
        uint64_t v = address_space_ld(q->machine->memory, addr, size);
        qtest_say(q, "OK 0x%016" G_GINT64_MODIFIER "x", v);
    }
}

void qtest_cmd_store(Qtest *q)
{
    uint64_t addr, v;
    if (qtest_number(q, 1, &addr) && qtest_number(q, 2, &v)) {
        unsigned size = size_of(last_letter(q));
        address_space_st(q->machine->memory, addr, v, size);
        qtest_say(q, "OK");
    }
}

/* --- memory, many bytes ------------------------------------------------------------- */

static uint8_t *read_range(Qtest *q, uint64_t *len)
{
    uint64_t addr;
    if (!range(q, &addr, len)) {
        return NULL;
    }
    uint8_t *data = g_malloc(*len + 1);
    address_space_read(q->machine->memory, addr, data, *len);
    return data;
}

void qtest_cmd_read(Qtest *q)
{
    uint64_t len;
    g_autofree uint8_t *data = read_range(q, &len);
    if (!data) {
        return;
    }
    g_autoptr(GString) hex = g_string_sized_new(2 * len + 3);
    g_string_append(hex, "0x");
    for (uint64_t i = 0; i < len; i++) {
        g_string_append_printf(hex, "%02x", data[i]);
    }
    qtest_say(q, "OK %s", hex->str);
}

void qtest_cmd_b64read(Qtest *q)
{
    uint64_t len;
    g_autofree uint8_t *data = read_range(q, &len);
    if (data) {
        g_autofree char *text = g_base64_encode(data, len);
        qtest_say(q, "OK %s", text);
    }
}

/* len bytes of "0x0123…"; NULL: it is something else. */
static uint8_t *from_hex(const char *text, uint64_t len)
{
    if (!g_str_has_prefix(text, "0x") || strlen(text) != 2 + 2 * len) {
        return NULL;
    }
    uint8_t *data = g_malloc(len + 1);
    for (uint64_t i = 0; i < len; i++) {
        int high = g_ascii_xdigit_value(text[2 + 2 * i]);
        int low = g_ascii_xdigit_value(text[3 + 2 * i]);
        if (high < 0 || low < 0) {
            g_free(data);
            return NULL;
        }
        data[i] = high << 4 | low;
    }
    return data;
}

static uint8_t *from_base64(const char *text, uint64_t len)
{
    gsize got;
    uint8_t *data = g_base64_decode(text, &got);
    if (got != len) {
        g_clear_pointer(&data, g_free);
    }
    return data;
}

typedef uint8_t *FromText(const char *text, uint64_t len);

static void write_range(Qtest *q, FromText *from)
{
    uint64_t addr, len;
    if (!range(q, &addr, &len)) {
        return;
    }
    g_autofree uint8_t *data = q->count > 3 ? from(q->words[3], len) : NULL;
    if (!data) {
        qtest_say(q, "FAIL %s: the data is not %" G_GUINT64_FORMAT " bytes",
            q->words[0], len);
        return;
    }
    address_space_write(q->machine->memory, addr, data, len);
    qtest_say(q, "OK");
}

void qtest_cmd_write(Qtest *q)
{
    write_range(q, from_hex);
}

void qtest_cmd_b64write(Qtest *q)
{
    write_range(q, from_base64);
}

void qtest_cmd_memset(Qtest *q)
{
    uint64_t addr, len, v;
    if (range(q, &addr, &len) && qtest_number(q, 3, &v)) {
        g_autofree uint8_t *data = g_malloc(len + 1);
        memset(data, v, len);
        address_space_write(q->machine->memory, addr, data, len);
        qtest_say(q, "OK");
    }
}
