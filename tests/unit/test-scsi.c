/*
 * SCSI disks and CD drives, behind virtio-scsi: what SPC-4, SBC-3, MMC-6 and
 * virtio 1.2 say, and initiators that ask for what cannot be.
 */
#include <errno.h>

#include "scsi-driver.h"

static void with_disk(void (*fn)(Sd *f))
{
    Sd f = { 0 };
    sd_setup(&f, false);
    fn(&f);
    sd_teardown(&f);
}

static void assert_ram(Sd *f, const void *expected, unsigned len)
{
    const uint8_t *p = expected;
    for (unsigned i = 0; i < len; i++) {
        g_assert_cmphex(sd_byte(f, i), ==, p[i]);
    }
}

static void fill_out(Sd *f, uint32_t bytes, uint8_t v)
{
    for (uint32_t i = 0; i < bytes; i++) {
        ram_st(f->m, SD_OUT + i, v + i, 1);
    }
}

static void put_out(Sd *f, const uint8_t *bytes, unsigned len)
{
    for (unsigned i = 0; i < len; i++) {
        ram_st(f->m, SD_OUT + i, bytes[i], 1);
    }
}
#define PUT_OUT(f, ...) put_out(f, (const uint8_t[]){ __VA_ARGS__ },          \
                                sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* --- what a unit says about itself ----------------------------------------------*/

static void inquiry(Sd *f)
{
    sd_good(sd_disk(f, SD_CDB(0x12, 0, 0, 0, 255), 0, 255), 255 - 36);
    assert_ram(f, "\0\0\x06\x02\x1f\0\0\x02QEMU    QEMU HARDDISK   2.5+", 36);
    sd_good(sd_cd(f, SD_CDB(0x12, 0, 0, 0, 36), 36), 0);
    assert_ram(f, "\x05\x80\x06\x02\x1f\0\0\x02QEMU    QEMU CD-ROM     2.5+",
               36);
    /* The allocation length limits; a page without EVPD is an error. */
    sd_good(sd_disk(f, SD_CDB(0x12, 0, 0, 0, 5), 0, 255), 250);
    sd_sense(sd_disk(f, SD_CDB(0x12, 0, 0x80, 0, 255), 0, 255), 5, 0x2400);
    sd_sense(sd_disk(f, SD_CDB(0x12, 2, 0, 0, 255), 0, 255), 5, 0x2400);
}

static void vital_product_data(Sd *f)
{
    sd_good(sd_disk(f, SD_CDB(0x12, 1, 0x00, 0, 64), 0, 64), 64 - 10);
    assert_ram(f, "\0\0\0\x06\0\x80\x83\xb0\xb1\xb2", 10);
    sd_good(sd_disk(f, SD_CDB(0x12, 1, 0x80, 0, 64), 0, 64), 64 - 9);
    assert_ram(f, "\0\x80\0\x05SER-7", 9);
    sd_good(sd_disk(f, SD_CDB(0x12, 1, 0x83, 0, 64), 0, 64), 64 - 21);
    assert_ram(f, "\0\x83\0\x11\x02\x01\0\x0dQEMU    SER-7", 21);
    sd_good(sd_disk(f, SD_CDB(0x12, 1, 0xb0, 0, 64), 0, 64), 0);
    g_assert_cmphex(sd_byte(f, 4), ==, 1);
    g_assert_cmpuint(sd_be32(f, 8), ==, 131072);
    g_assert_cmpuint(sd_be32(f, 20), ==, 4194304);
    g_assert_cmpuint(sd_be32(f, 24), ==, 255);
    sd_good(sd_disk(f, SD_CDB(0x12, 1, 0xb1, 0, 64), 0, 64), 0);
    sd_good(sd_disk(f, SD_CDB(0x12, 1, 0xb2, 0, 64), 0, 64), 56);
    assert_ram(f, "\0\xb2\0\x04\0\xe4\x02\0", 8);
    sd_sense(sd_disk(f, SD_CDB(0x12, 1, 0x84, 0, 64), 0, 64), 5, 0x2400);
    /* A CD drive without a serial number has fewer. */
    sd_good(sd_cd(f, SD_CDB(0x12, 1, 0x00, 0, 64), 64), 64 - 6);
    assert_ram(f, "\x05\0\0\x02\0\x83", 6);
    sd_sense(sd_cd(f, SD_CDB(0x12, 1, 0xb0, 0, 64), 64), 5, 0x2400);
}

static void capacity(Sd *f)
{
    sd_good(sd_disk(f, SD_CDB(0x25), 0, 8), 0);
    assert_ram(f, "\0\0\x0f\xff\0\0\x02\0", 8);
    sd_sense(sd_disk(f, SD_CDB(0x25, 0, 0, 0, 0, 1), 0, 8), 5, 0x2400);
    sd_good(sd_disk(f, SD_CDB(0x9e, 0x10, [13] = 32), 0, 32), 0);
    assert_ram(f, "\0\0\0\0\0\0\x0f\xff\0\0\x02\0\0\0\xc0\0", 16);
    sd_sense(sd_disk(f, SD_CDB(0x9e, 0x12, [13] = 32), 0, 32), 5, 0x2400);
    sd_good(sd_cd(f, SD_CDB(0x25), 8), 0);
    assert_ram(f, "\0\0\0\x07\0\0\x08\0", 8);
}

/* SAM-5, 4.7 and SPC-4, 6.34. */
static void report_luns(Sd *f)
{
    sd_good(sd_disk(f, SD_CDB(0xa0, [9] = 64), 0, 64), 48);
    assert_ram(f, "\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    /* LUN 0 is always listed. */
    sd_good(sd_cd(f, SD_CDB(0xa0, [9] = 64), 64), 40);
    assert_ram(f, "\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\x03", 18);
    sd_good(sd_cd(f, SD_CDB(0xa0, 0, 1, [9] = 64), 64), 56);
    assert_ram(f, "\0\0\0\0", 4);
    sd_sense(sd_disk(f, SD_CDB(0xa0, [9] = 15), 0, 64), 5, 0x2400);
    sd_sense(sd_disk(f, SD_CDB(0xa0, 0, 3, [9] = 64), 0, 64), 5, 0x2400);
}

static void missing_units(Sd *f)
{
    SdResult r;

    sd_send(f, 9, 0, SD_CDB(0x12, 0, 0, 0, 36), 6, 0, 36);
    r = sd_finish(f);
    g_assert_cmphex(r.response, ==, 3);
    /* A target without that LUN. */
    sd_send(f, 2, 0, SD_CDB(0x12, 0, 0, 0, 36), 6, 0, 36);
    sd_good(sd_finish(f), 0);
    g_assert_cmphex(sd_byte(f, 0), ==, 0x7f);
    sd_send(f, 2, 0, SD_CDB(0xa0, [9] = 64), 12, 0, 64);
    sd_good(sd_finish(f), 40);
    sd_send(f, 2, 0, SD_CDB(0x00), 6, 0, 0);
    sd_sense(sd_finish(f), 5, 0x2500);
    sd_send(f, 2, 0, SD_CDB(0x03, 0, 0, 0, 18), 6, 0, 18);
    sd_good(sd_finish(f), 0);
    g_assert_cmphex(sd_byte(f, 12), ==, 0x25);
}

/* --- readiness and attention ------------------------------------------------------*/

static void attention(Sd *f)
{
    g_assert_cmphex(sd_manage(f, 5, 1, 0, 0), ==, 0);
    /* INQUIRY, REPORT LUNS do not take it; REQUEST SENSE does. */
    sd_good(sd_disk(f, SD_CDB(0x12, 0, 0, 0, 36), 0, 36), 0);
    sd_good(sd_disk(f, SD_CDB(0xa0, [9] = 16), 0, 16), 0);
    sd_good(sd_disk(f, SD_CDB(0x03, 0, 0, 0, 18), 0, 18), 0);
    g_assert_cmphex(sd_byte(f, 2), ==, 6);
    g_assert_cmphex(sd_byte(f, 12), ==, 0x29);
    g_assert_cmphex(sd_byte(f, 13), ==, 0x03);
    sd_good(sd_disk(f, SD_CDB(0x03, 0, 0, 0, 18), 0, 18), 0);
    g_assert_cmphex(sd_byte(f, 2), ==, 0);
    sd_good(sd_disk(f, SD_CDB(0x00), 0, 0), 0);
    g_assert_cmphex(sd_manage(f, 4, 1, 0, 0), ==, 0);
    sd_sense(sd_disk(f, SD_CDB(0x00), 0, 0), 6, 0x2907);
}

static void stopped(Sd *f)
{
    unsigned flushes = f->disk->flushes;

    sd_good(sd_disk(f, SD_CDB(0x1b, 0, 0, 0, 0), 0, 0), 0);
    g_assert_cmpuint(f->disk->flushes, ==, flushes + 1);
    sd_sense(sd_disk(f, SD_CDB(0x00), 0, 0), 2, 0x0402);
    sd_sense(sd_disk(f, SD_CDB(0x28, [8] = 1), 0, 512), 2, 0x0402);
    sd_good(sd_disk(f, SD_CDB(0x1b, 0, 0, 0, 1), 0, 0), 0);
    sd_good(sd_disk(f, SD_CDB(0x00), 0, 0), 0);
}

static void unknown(Sd *f)
{
    for (unsigned code = 0; code < 256; code++) {
        SdResult r = sd_disk(f, SD_CDB(code), 0, 0);
        g_assert_cmphex(r.response, <=, 1);
        r = sd_cd(f, SD_CDB(code), 0);
        g_assert_cmphex(r.response, <=, 1);
    }
    sd_sense(sd_disk(f, SD_CDB(0xc7), 0, 0), 5, 0x2000);
    sd_sense(sd_cd(f, SD_CDB(0x2a), 0), 5, 0x2000);
    /* NACA, in the control byte of each size. */
    sd_sense(sd_disk(f, SD_CDB(0x00, 0, 0, 0, 0, 4), 0, 0), 5, 0x2400);
    sd_sense(sd_disk(f, SD_CDB(0x28, [8] = 1, [9] = 4), 0, 512), 5, 0x2400);
    sd_sense(sd_disk(f, SD_CDB(0x88, [13] = 1, [15] = 4), 0, 512), 5,
             0x2400);
}

/* --- blocks ------------------------------------------------------------------------*/

static void read_all_ways(Sd *f)
{
    const uint8_t *disk = f->disk->data;

    sd_good(sd_disk(f, SD_CDB(0x08, 0, 0, 7, 2), 0, 1024), 0);
    assert_ram(f, disk + 7 * 512, 1024);
    sd_good(sd_disk(f, SD_CDB(0x28, [5] = 9, [8] = 2), 0, 1024), 0);
    assert_ram(f, disk + 9 * 512, 1024);
    sd_good(sd_disk(f, SD_CDB(0xa8, [5] = 11, [9] = 2), 0, 1024), 0);
    assert_ram(f, disk + 11 * 512, 1024);
    sd_good(sd_disk(f, SD_CDB(0x88, [9] = 13, [13] = 2), 0, 1024), 0);
    assert_ram(f, disk + 13 * 512, 1024);
    /* Six bytes: no blocks are 256. Otherwise none are none. */
    sd_good(sd_disk(f, SD_CDB(0x08, 0, 1, 0, 0), 0, 131072), 0);
    assert_ram(f, disk + 256 * 512, 4096);
    sd_good(sd_disk(f, SD_CDB(0x28, [5] = 9), 0, 0), 0);
}

static void write_all_ways(Sd *f)
{
    const uint8_t *disk = f->disk->data;

    fill_out(f, 1024, 3);
    sd_good(sd_disk(f, SD_CDB(0x0a, 0, 0, 7, 2), 1024, 0), 0);
    sd_good(sd_disk(f, SD_CDB(0x2a, [5] = 20, [8] = 2), 1024, 0), 0);
    sd_good(sd_disk(f, SD_CDB(0xaa, [5] = 30, [9] = 2), 1024, 0), 0);
    sd_good(sd_disk(f, SD_CDB(0x8a, [9] = 40, [13] = 2), 1024, 0), 0);
    for (unsigned i = 0; i < 1024; i++) {
        g_assert_cmphex(disk[7 * 512 + i], ==, (uint8_t)(3 + i));
        g_assert_cmphex(disk[20 * 512 + i], ==, (uint8_t)(3 + i));
        g_assert_cmphex(disk[30 * 512 + i], ==, (uint8_t)(3 + i));
        g_assert_cmphex(disk[40 * 512 + i], ==, (uint8_t)(3 + i));
    }
    /* What is written with FUA, or after a flush, is safe. */
    unsigned flushes = f->disk->flushes;
    sd_good(sd_disk(f, SD_CDB(0x2a, 8, [5] = 20, [8] = 2), 1024, 0), 0);
    sd_good(sd_disk(f, SD_CDB(0x35), 0, 0), 0);
    sd_good(sd_disk(f, SD_CDB(0x91), 0, 0), 0);
    g_assert_cmpuint(f->disk->flushes, ==, flushes + 3);
}

static void ends_of_the_disk(Sd *f)
{
    const uint8_t codes[] = { 0x28, 0x2a, 0x2f, 0x35 };

    sd_good(sd_disk(f, SD_CDB(0x28, [4] = 0x0f, [5] = 0xff, [8] = 1), 0, 512),
            0);
    for (unsigned i = 0; i < sizeof codes; i++) {
        sd_sense(sd_disk(f, SD_CDB(codes[i], [4] = 0x10, [8] = 1),
                         codes[i] == 0x2a ? 512 : 0,
                         codes[i] == 0x28 ? 512 : 0), 5, 0x2100);
    }
    sd_sense(sd_disk(f, SD_CDB(0x28, [4] = 0x0f, [5] = 0xff, [8] = 2), 0,
                     1024), 5, 0x2100);
    sd_sense(sd_disk(f, SD_CDB(0x88, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                               0xff, 0xff, 0, 0, 0, 1), 0, 512), 5, 0x2100);
    sd_sense(sd_disk(f, SD_CDB(0x88, [10] = 0xff, 0xff, 0xff, 0xff), 0, 512),
             5, 0x2100);
    sd_sense(sd_disk(f, SD_CDB(0x2b, [4] = 0x10), 0, 0), 5, 0x2100);
    /* Protection information is not there. */
    sd_sense(sd_disk(f, SD_CDB(0x28, 0x20, [8] = 1), 0, 512), 5, 0x2400);
}

/* Virtio 1.2, 5.6.6.1: buffers that are smaller than the command. */
static void overrun(Sd *f)
{
    SdResult r = sd_disk(f, SD_CDB(0x28, [8] = 2), 0, 1023);
    g_assert_cmphex(r.response, ==, 1);
    g_assert_cmpuint(r.residual, ==, 1023);
    r = sd_disk(f, SD_CDB(0x2a, [8] = 2), 1023, 0);
    g_assert_cmphex(r.response, ==, 1);
    g_assert_cmphex(f->disk->data[512], ==, 1);
    r = sd_disk(f, SD_CDB(0x12, 0, 0, 0, 36), 0, 8);
    g_assert_cmphex(r.response, ==, 1);
    r = sd_disk(f, SD_CDB(0x42, [8] = 24), 8, 0);
    g_assert_cmphex(r.response, ==, 1);
    r = sd_disk(f, SD_CDB(0x41, [8] = 1), 511, 0);
    g_assert_cmphex(r.response, ==, 1);
    r = sd_cd(f, SD_CDB(0x28, [8] = 1), 2047);
    g_assert_cmphex(r.response, ==, 1);
    /* Data both ways was not agreed on. */
    r = sd_disk(f, SD_CDB(0x28, [8] = 1), 512, 512);
    g_assert_cmphex(r.response, ==, 9);
}

static void verify(Sd *f)
{
    sd_good(sd_disk(f, SD_CDB(0x2f, [8] = 2), 0, 0), 0);
    put_out(f, f->disk->data, 1024);
    sd_good(sd_disk(f, SD_CDB(0x2f, 2, [8] = 2), 1024, 0), 0);
    ram_st(f->m, SD_OUT + 700, 0xff, 1);
    sd_sense(sd_disk(f, SD_CDB(0x2f, 2, [8] = 2), 1024, 0), 14, 0x1d00);
    sd_sense(sd_disk(f, SD_CDB(0x2f, 4, [8] = 2), 1024, 0), 5, 0x2400);
    sd_good(sd_disk(f, SD_CDB(0x2e, [5] = 4, [8] = 2), 1024, 0), 0);
    g_assert_cmphex(f->disk->data[4 * 512 + 700], ==, 0xff);
    sd_sense(sd_disk(f, SD_CDB(0x2e, 2, [8] = 2), 1024, 0), 5, 0x2400);
}

static void host_errors(Sd *f)
{
    f->disk->fail = -EIO;
    sd_sense(sd_disk(f, SD_CDB(0x28, [8] = 1), 0, 512), 3, 0x1100);
    sd_sense(sd_disk(f, SD_CDB(0x2a, [8] = 1), 512, 0), 3, 0x0c00);
    sd_sense(sd_disk(f, SD_CDB(0x35), 0, 0), 3, 0x0c00);
    sd_sense(sd_disk(f, SD_CDB(0x41, [8] = 1), 512, 0), 3, 0x0c00);
    f->disk->fail = 0;
    sd_good(sd_disk(f, SD_CDB(0x28, [8] = 1), 0, 512), 0);
}

static void read_only(void)
{
    const uint8_t codes[] = { 0x04, 0x0a, 0x2a, 0x2e, 0x41, 0x42, 0x8a, 0x93,
                              0xaa };
    Sd f = { 0 };

    sd_setup(&f, true);
    for (unsigned i = 0; i < sizeof codes; i++) {
        sd_sense(sd_disk(&f, SD_CDB(codes[i]), 512, 0), 7, 0x2700);
    }
    sd_good(sd_disk(&f, SD_CDB(0x1a, 0, 0x08, 0, 64), 0, 64), 64 - 32);
    g_assert_cmphex(sd_byte(&f, 2), ==, 0x80);
    sd_good(sd_disk(&f, SD_CDB(0x28, [8] = 1), 0, 512), 0);
    sd_teardown(&f);
}

/* --- clearing blocks ---------------------------------------------------------------*/

static bool is_clear(Sd *f, unsigned sector)
{
    for (unsigned i = 0; i < 512; i++) {
        if (f->disk->data[sector * 512 + i]) {
            return false;
        }
    }
    return true;
}

static void unmap(Sd *f)
{
    PUT_OUT(f, 0, 38, 0, 32, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0);
    sd_good(sd_disk(f, SD_CDB(0x42, [8] = 40), 40, 0), 0);
    g_assert_true(is_clear(f, 5) && is_clear(f, 6) && is_clear(f, 9));
    g_assert_false(is_clear(f, 4) || is_clear(f, 7) || is_clear(f, 8));
    sd_good(sd_disk(f, SD_CDB(0x42), 0, 0), 0);
    sd_sense(sd_disk(f, SD_CDB(0x42, [8] = 7), 40, 0), 5, 0x1a00);
    sd_sense(sd_disk(f, SD_CDB(0x42, 1, [8] = 40), 40, 0), 5, 0x2400);
    /* Beyond the end: and then nothing is done. */
    PUT_OUT(f, 0, 38, 0, 32, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 2, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 1, 0, 0, 0, 0);
    sd_sense(sd_disk(f, SD_CDB(0x42, [8] = 40), 40, 0), 5, 0x2100);
    g_assert_false(is_clear(f, 20));
}

static void write_same(Sd *f)
{
    fill_out(f, 512, 1);
    sd_good(sd_disk(f, SD_CDB(0x41, [5] = 100, [7] = 1, [8] = 44), 512, 0), 0);
    g_assert_cmphex(f->disk->data[100 * 512], ==, 1);
    g_assert_cmphex(f->disk->data[399 * 512 + 5], ==, 6);
    g_assert_cmphex(f->disk->data[400 * 512], ==, 400 % 256);
    /* Sixteen bytes, without a block, unmapping. */
    sd_good(sd_disk(f, SD_CDB(0x93, 0x09, [9] = 200, [13] = 3), 0, 0), 0);
    g_assert_true(is_clear(f, 200) && is_clear(f, 202));
    g_assert_false(is_clear(f, 203));
    sd_sense(sd_disk(f, SD_CDB(0x41, 1, [8] = 1), 512, 0), 5, 0x2400);
    sd_sense(sd_disk(f, SD_CDB(0x41, 0x10, [8] = 1), 512, 0), 5, 0x2400);
    sd_sense(sd_disk(f, SD_CDB(0x41), 512, 0), 5, 0x2400);
    sd_sense(sd_disk(f, SD_CDB(0x93, [10] = 1), 512, 0), 5, 0x2400);
    sd_sense(sd_disk(f, SD_CDB(0x41, [4] = 0x10, [8] = 1), 512, 0), 5,
             0x2100);
}

/* --- mode pages -----------------------------------------------------------------------*/

static void mode_sense(Sd *f)
{
    sd_good(sd_disk(f, SD_CDB(0x1a, 0, 0x08, 0, 64), 0, 64), 64 - 32);
    assert_ram(f, "\x1f\0\0\x08\0\0\x10\0\0\0\x02\0\x08\x12\x04", 15);
    sd_good(sd_disk(f, SD_CDB(0x1a, 8, 0x48, 0, 64), 0, 64), 64 - 24);
    assert_ram(f, "\x17\0\0\0\x08\x12\x04\0", 8);
    sd_good(sd_disk(f, SD_CDB(0x5a, 0x18, 0x3f, [8] = 128), 0, 128), 128 - 52);
    sd_good(sd_disk(f, SD_CDB(0x5a, 0x10, 0x0a, [8] = 128), 0, 128), 128 - 36);
    assert_ram(f, "\0\x22\0\0\x01\0\0\x10\0\0\0\0\0\0\x10\0", 16);
    sd_sense(sd_disk(f, SD_CDB(0x1a, 0, 0xc8, 0, 64), 0, 64), 5, 0x3900);
    sd_sense(sd_disk(f, SD_CDB(0x1a, 0, 0x2f, 0, 64), 0, 64), 5, 0x2400);
    sd_sense(sd_disk(f, SD_CDB(0x1a, 0, 0x08, 1, 64), 0, 64), 5, 0x2400);
}

/* A list with the caching page, and what it must end in. */
static SdResult select_cache(Sd *f, uint8_t first, uint8_t second,
                             unsigned len)
{
    PUT_OUT(f, 0, 0, 0, 0, 0x08, 0x12, first, second, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0);
    return sd_disk(f, SD_CDB(0x15, 0x10, 0, 0, len), len, 0);
}

static void mode_select(Sd *f)
{
    sd_good(select_cache(f, 0, 0, 24), 0);
    unsigned flushes = f->disk->flushes;
    sd_good(sd_disk(f, SD_CDB(0x2a, [5] = 20, [8] = 1), 512, 0), 0);
    g_assert_cmpuint(f->disk->flushes, ==, flushes + 1);
    sd_good(sd_disk(f, SD_CDB(0x1a, 8, 0x08, 0, 64), 0, 64), 64 - 24);
    g_assert_cmphex(sd_byte(f, 6), ==, 0);
    /* The default is another thing. */
    sd_good(sd_disk(f, SD_CDB(0x1a, 8, 0x88, 0, 64), 0, 64), 64 - 24);
    g_assert_cmphex(sd_byte(f, 6), ==, 4);
    sd_sense(select_cache(f, 4 | 1, 0, 24), 5, 0x2600);
    sd_sense(select_cache(f, 4, 1, 24), 5, 0x2600);
    sd_sense(select_cache(f, 4, 0, 23), 5, 0x1a00);
    sd_sense(select_cache(f, 4, 0, 3), 5, 0x1a00);
    sd_good(sd_disk(f, SD_CDB(0x1a, 8, 0x08, 0, 64), 0, 64), 64 - 24);
    g_assert_cmphex(sd_byte(f, 6), ==, 0);
    sd_good(select_cache(f, 4, 0, 24), 0);
    sd_good(sd_disk(f, SD_CDB(0x15, 0x10), 0, 0), 0);
    sd_sense(sd_disk(f, SD_CDB(0x15, 0x11, 0, 0, 24), 24, 0), 5, 0x2400);
    sd_sense(sd_disk(f, SD_CDB(0x15, 0, 0, 0, 24), 24, 0), 5, 0x2400);
    sd_sense(sd_disk(f, SD_CDB(0x55, 0x10, [7] = 4), 1024, 0), 5, 0x1a00);
}

/* Descriptors must be what they are; a list of noise crashes nobody. */
static void mode_select_noise(Sd *f)
{
    GRand *rand = g_rand_new_with_seed(4);

    PUT_OUT(f, 0, 0, 0, 8, 0, 0, 0x10, 0, 0, 0, 2, 0);
    sd_good(sd_disk(f, SD_CDB(0x15, 0x10, 0, 0, 12), 12, 0), 0);
    PUT_OUT(f, 0, 0, 0, 8, 0, 0, 0x11, 0, 0, 0, 2, 0);
    sd_sense(sd_disk(f, SD_CDB(0x15, 0x10, 0, 0, 12), 12, 0), 5, 0x2600);
    for (unsigned i = 0; i < 300; i++) {
        for (unsigned at = 0; at < 64; at++) {
            ram_st(f->m, SD_OUT + at, g_rand_int_range(rand, 0, 3) ? 0
                                      : g_rand_int_range(rand, 0, 256), 1);
        }
        unsigned len = g_rand_int_range(rand, 1, 64);
        SdResult r = sd_disk(f, SD_CDB(i & 1 ? 0x15 : 0x55, 0x10,
                                       [4] = i & 1 ? len : 0, [8] = len),
                             64, 0);
        g_assert_cmphex(r.response, ==, 0);
    }
    g_rand_free(rand);
}

/* --- CD drives --------------------------------------------------------------------------*/

static void cd(Sd *f)
{
    sd_good(sd_cd(f, SD_CDB(0x28, [5] = 2, [8] = 2), 4096), 0);
    assert_ram(f, f->cd->data + 4096, 4096);
    sd_good(sd_cd(f, SD_CDB(0xbe, [5] = 2, [8] = 1, [9] = 0xf8), 2352), 0);
    g_assert_cmphex(sd_byte(f, 1), ==, 0xff);
    sd_sense(sd_cd(f, SD_CDB(0x28, [5] = 7, [8] = 2), 4096), 5, 0x2100);
    sd_good(sd_cd(f, SD_CDB(0x43, [8] = 64), 64), 44);
    assert_ram(f, "\0\x12\x01\x01\0\x14\x01\0\0\0\0\0\0\x16\xaa\0\0\0\0\x08",
               20);
    sd_good(sd_cd(f, SD_CDB(0x46, [8] = 64), 64), 64 - 40);
    assert_ram(f, "\0\0\0\x24\0\0\0\x08", 8);
    g_assert_cmphex(sd_byte(f, 27), ==, 1);     /* by SCSI, not ATAPI */
    sd_good(sd_cd(f, SD_CDB(0x4a, 1, [4] = 0x10, [8] = 8), 8), 0);
    sd_sense(sd_cd(f, SD_CDB(0x4a, 0, [4] = 0x10, [8] = 8), 8), 5, 0x2400);
    sd_good(sd_cd(f, SD_CDB(0x5a, 0, 0x2a, [8] = 128), 128), 128 - 28);
}

static void cd_tray(Sd *f)
{
    sd_good(sd_cd(f, SD_CDB(0x1e, 0, 0, 0, 1), 0), 0);
    sd_sense(sd_cd(f, SD_CDB(0x1b, 0, 0, 0, 2), 0), 5, 0x5302);
    sd_good(sd_cd(f, SD_CDB(0x1e, 0, 0, 0, 0), 0), 0);
    sd_good(sd_cd(f, SD_CDB(0x1b, 0, 0, 0, 2), 0), 0);
    sd_sense(sd_cd(f, SD_CDB(0x00), 0), 2, 0x3a02);
    sd_sense(sd_cd(f, SD_CDB(0x28, [8] = 1), 2048), 2, 0x3a02);
    /* A reset moves no tray. */
    g_assert_cmphex(sd_manage(f, 5, 2, 3, 0), ==, 0);
    sd_sense(sd_cd(f, SD_CDB(0x00), 0), 6, 0x2903);
    sd_sense(sd_cd(f, SD_CDB(0x00), 0), 2, 0x3a02);
    sd_good(sd_cd(f, SD_CDB(0x1b, 0, 0, 0, 3), 0), 0);
    sd_good(sd_cd(f, SD_CDB(0x00), 0), 0);
}

/* --- block sizes ------------------------------------------------------------------------*/

static void large_blocks(void)
{
    Sd f = { 0 };

    sd_setup_with(&f, "physical_block_size", "4096");
    sd_good(sd_disk(&f, SD_CDB(0x9e, 0x10, [13] = 32), 0, 32), 0);
    g_assert_cmphex(sd_byte(&f, 13), ==, 3);
    sd_teardown(&f);
}

#define TEST(name)                                                            \
    static void test_##name(void)                                             \
    {                                                                         \
        with_disk(name);                                                      \
    }
TEST(inquiry)
TEST(vital_product_data)
TEST(capacity)
TEST(report_luns)
TEST(missing_units)
TEST(attention)
TEST(stopped)
TEST(unknown)
TEST(read_all_ways)
TEST(write_all_ways)
TEST(ends_of_the_disk)
TEST(overrun)
TEST(verify)
TEST(host_errors)
TEST(unmap)
TEST(write_same)
TEST(mode_sense)
TEST(mode_select)
TEST(mode_select_noise)
TEST(cd)
TEST(cd_tray)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/scsi/" #name, test_##name)
    ADD(inquiry);
    ADD(vital_product_data);
    ADD(capacity);
    ADD(report_luns);
    ADD(missing_units);
    ADD(attention);
    ADD(stopped);
    ADD(unknown);
    ADD(read_all_ways);
    ADD(write_all_ways);
    ADD(ends_of_the_disk);
    ADD(overrun);
    ADD(verify);
    ADD(host_errors);
    ADD(unmap);
    ADD(write_same);
    ADD(mode_sense);
    ADD(mode_select);
    ADD(mode_select_noise);
    ADD(cd);
    ADD(cd_tray);
    g_test_add_func("/scsi/read_only", read_only);
    g_test_add_func("/scsi/large_blocks", large_blocks);
    return g_test_run();
}
