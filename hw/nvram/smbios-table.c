/*
 * Structures of SMBIOS (DSP0134 3.0, 6.1) and their entry points (5.2).
 */
#include "smbios-table.h"

#include <string.h>

#include "base/bytes.h"

/* ------------------------------------------------------- structures */

void smbios_begin(SmbiosTable *t)
{
    *t = (SmbiosTable){ .bytes = g_byte_array_new(),
                        .strings = g_byte_array_new() };
}

void smbios_free(SmbiosTable *t)
{
    g_byte_array_free(t->bytes, TRUE);
    g_byte_array_free(t->strings, TRUE);
}

void smbios_number(SmbiosTable *t, unsigned bytes, uint64_t v)
{
    uint8_t b[8];
    bytes_st_le64(b, v);
    g_byte_array_append(t->bytes, b, bytes);
}

void smbios_string(SmbiosTable *t, const char *text)
{
    bool there = text && *text;

    smbios_number(t, 1, there ? ++t->string_count : 0);
    if (there) {
        g_byte_array_append(t->strings, (const guint8 *)text,
                            strlen(text) + 1);
    }
}

void smbios_begin_struct(SmbiosTable *t, uint8_t type, uint16_t handle)
{
    t->at = t->bytes->len;
    t->string_count = 0;
    g_byte_array_set_size(t->strings, 0);
    smbios_number(t, 1, type);
    smbios_number(t, 1, 0);
    smbios_number(t, 2, handle);
}

static void count_struct(SmbiosTable *t)
{
    t->longest = MAX(t->longest, t->bytes->len - t->at);
    t->count++;
}

/* The strings end with one that is empty; without any there are two zeroes. */
void smbios_end_struct(SmbiosTable *t)
{
    t->bytes->data[t->at + 1] = t->bytes->len - t->at;
    g_byte_array_append(t->bytes, t->strings->data, t->strings->len);
    smbios_number(t, t->strings->len ? 1 : 2, 0);
    count_struct(t);
}

void smbios_add_struct(SmbiosTable *t, const void *data, size_t len)
{
    t->at = t->bytes->len;
    g_byte_array_append(t->bytes, data, len);
    count_struct(t);
}

/* ------------------------------------------------------- entry points */

static uint8_t checksum(const uint8_t *p, unsigned len)
{
    uint8_t sum = 0;
    for (unsigned i = 0; i < len; i++) {
        sum += p[i];
    }
    return -sum;
}

enum { S21_CHECKSUM = 4, S21_LENGTH = 5, S21_MAJOR = 6, S21_MINOR = 7,
       S21_LONGEST = 8, S21_ANCHOR = 16, S21_SUM = 21, S21_BYTES = 22,
       S21_COUNT = 28, S21_BCD = 30, S21_ALL = 31 };

/* 5.2.1. Firmware puts the address in and mends the sums. */
static unsigned entry_21(const SmbiosTable *t, uint8_t *e)
{
    memset(e, 0, S21_ALL);
    memcpy(e, "_SM_", 4);
    e[S21_LENGTH] = S21_ALL;
    e[S21_MAJOR] = 2;
    e[S21_MINOR] = 8;
    bytes_st_le16(e + S21_LONGEST, t->longest);
    memcpy(e + S21_ANCHOR, "_DMI_", 5);
    bytes_st_le16(e + S21_BYTES, t->bytes->len);
    bytes_st_le16(e + S21_COUNT, t->count);
    e[S21_BCD] = 0x28;
    e[S21_SUM] = checksum(e + S21_ANCHOR, S21_ALL - S21_ANCHOR);
    e[S21_CHECKSUM] = checksum(e, S21_ALL);
    return S21_ALL;
}

enum { S30_CHECKSUM = 5, S30_LENGTH = 6, S30_MAJOR = 7, S30_REVISION = 10,
       S30_BYTES = 12, S30_ALL = 24 };

/* 5.2.2 */
static unsigned entry_30(const SmbiosTable *t, uint8_t *e)
{
    memset(e, 0, S30_ALL);
    memcpy(e, "_SM3_", 5);
    e[S30_LENGTH] = S30_ALL;
    e[S30_MAJOR] = 3;
    e[S30_REVISION] = 1;
    bytes_st_le32(e + S30_BYTES, t->bytes->len);
    e[S30_CHECKSUM] = checksum(e, S30_ALL);
    return S30_ALL;
}

unsigned smbios_entry_point(const SmbiosTable *t, bool wide, uint8_t *out)
{
    return wide ? entry_30(t, out) : entry_21(t, out);
}
