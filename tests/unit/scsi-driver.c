/*
 * A driver for virtio-scsi of a made-up PC. See scsi-driver.h.
 */
#include "scsi-driver.h"

#define SLOT (4 << 3)

static void setup(Sd *f, bool readonly, const char *name, const char *value)
{
    f->disk = fake_disk_new((uint64_t)SD_SECTORS * 512);
    f->disk->readonly = readonly;
    f->cd = fake_disk_new((uint64_t)SD_BLOCKS * 2048);
    f->cd->readonly = true;
    f->m = fake_pc_new(4 * MIB);
    fake_pc_add_drive(f->m, "hd", f->disk, false, -2);
    fake_pc_add_drive(f->m, "cd", f->cd, true, -2);
    fake_pc_add_device(f->m, "virtio-scsi-pci", "addr", "4", NULL);
    fake_pc_add_device(f->m, "scsi-hd", "bus", "scsi.0", "drive", "hd",
                       "scsi-id", "1", "lun", "0", "serial", "SER-7", name,
                       value, NULL);
    fake_pc_add_device(f->m, "scsi-cd", "drive", "cd", "scsi-id", "2", "lun",
                       "3", NULL);
    fake_pc_start(f->m);
    vd_attach(&f->d, f->m, SLOT, false);
    sd_start(f);
    sd_sense(sd_disk(f, SD_CDB(0x00), 0, 0), 6, 0x2902);
    sd_sense(sd_cd(f, SD_CDB(0x00), 0), 6, 0x2902);
}

void sd_setup(Sd *f, bool readonly)
{
    setup(f, readonly, NULL, NULL);
}

void sd_setup_with(Sd *f, const char *name, const char *value)
{
    setup(f, false, name, value);
}

void sd_teardown(Sd *f)
{
    fake_pc_free(f->m);
    fake_disk_free(f->disk);
    fake_disk_free(f->cd);
}

void sd_start(Sd *f)
{
    vd_start(&f->d, VD_VERSION | VD_INDIRECT);
    vd_queue(&f->d, &f->control, SD_CONTROL);
    vd_queue(&f->d, &f->q, SD_COMMANDS);
    vd_go(&f->d);
}

static void put_lun(Sd *f, uint64_t at, unsigned target, unsigned lun)
{
    ram_st(f->m, at, 1, 1);
    ram_st(f->m, at + 1, target, 1);
    ram_st(f->m, at + 2, (lun >> 8) | 0x40, 1);
    ram_st(f->m, at + 3, lun, 1);
    ram_st(f->m, at + 4, 0, 4);
}

void sd_send(Sd *f, unsigned target, unsigned lun, const uint8_t *cdb,
             unsigned bytes, uint32_t out, uint32_t in)
{
    VdSeg seg[4] = { { SD_REQUEST, 51, false } };
    unsigned n = 1;

    for (unsigned i = 0; i < 51; i++) {
        unsigned at = i - 19;
        ram_st(f->m, SD_REQUEST + i, i >= 19 && at < bytes ? cdb[at] : 0, 1);
    }
    put_lun(f, SD_REQUEST, target, lun);
    ram_st(f->m, SD_REQUEST + 8, 0x77, 8);
    ram_st(f->m, SD_RESPONSE + 11, 0xee, 1);
    if (out) {
        seg[n++] = (VdSeg){ SD_OUT, out, false };
    }
    seg[n++] = (VdSeg){ SD_RESPONSE, SD_RESPONSE_BYTES, true };
    if (in) {
        seg[n++] = (VdSeg){ SD_DATA, in, true };
    }
    vd_add(&f->d, &f->q, 1, seg, n);
    vd_kick(&f->d, &f->q);
}

SdResult sd_finish(Sd *f)
{
    SdResult r = { 0 };

    fake_pc_run_ns(f->m, SD_20_MS);
    if (vd_take(&f->d, &f->q, &r.len) < 0) {
        return (SdResult){ .response = 0xee };
    }
    r.sense_len = ram_ld(f->m, SD_RESPONSE, 4);
    r.residual = ram_ld(f->m, SD_RESPONSE + 4, 4);
    r.status = ram_ld(f->m, SD_RESPONSE + 10, 1);
    r.response = ram_ld(f->m, SD_RESPONSE + 11, 1);
    r.key = ram_ld(f->m, SD_RESPONSE + 12 + 2, 1);
    r.code = ram_ld(f->m, SD_RESPONSE + 12 + 12, 1) << 8 |
             ram_ld(f->m, SD_RESPONSE + 12 + 13, 1);
    return r;
}

SdResult sd_disk(Sd *f, const uint8_t *cdb, uint32_t out, uint32_t in)
{
    sd_send(f, 1, 0, cdb, 32, out, in);
    return sd_finish(f);
}

SdResult sd_cd(Sd *f, const uint8_t *cdb, uint32_t in)
{
    sd_send(f, 2, 3, cdb, 32, 0, in);
    return sd_finish(f);
}

void sd_good(SdResult r, uint32_t residual)
{
    g_assert_cmphex(r.response, ==, 0);
    g_assert_cmphex(r.status, ==, 0);
    g_assert_cmpuint(r.sense_len, ==, 0);
    g_assert_cmpuint(r.residual, ==, residual);
}

void sd_sense(SdResult r, uint8_t key, uint16_t code)
{
    g_assert_cmphex(r.response, ==, 0);
    g_assert_cmphex(r.status, ==, 2);
    g_assert_cmpuint(r.sense_len, ==, 18);
    g_assert_cmphex(r.key, ==, key);
    g_assert_cmphex(r.code, ==, code);
}

uint8_t sd_manage(Sd *f, uint32_t subtype, unsigned target, unsigned lun,
                  uint64_t tag)
{
    VdSeg seg[] = { { SD_REQUEST + 0x100, 24, false },
                    { SD_RESPONSE + 0x200, 1, true } };
    uint32_t len;

    ram_st(f->m, seg[0].addr, 0, 4);
    ram_st(f->m, seg[0].addr + 4, subtype, 4);
    put_lun(f, seg[0].addr + 8, target, lun);
    ram_st(f->m, seg[0].addr + 16, tag, 8);
    ram_st(f->m, seg[1].addr, 0xee, 1);
    vd_add(&f->d, &f->control, 1, seg, 2);
    vd_kick(&f->d, &f->control);
    fake_pc_run_ns(f->m, SD_20_MS);
    g_assert_cmpint(vd_take(&f->d, &f->control, &len), ==, 1);
    g_assert_cmpuint(len, ==, 1);
    return ram_ld(f->m, seg[1].addr, 1);
}

uint8_t sd_byte(Sd *f, unsigned at)
{
    return ram_ld(f->m, SD_DATA + at, 1);
}

uint32_t sd_be32(Sd *f, unsigned at)
{
    return GUINT32_SWAP_LE_BE((uint32_t)ram_ld(f->m, SD_DATA + at, 4));
}
