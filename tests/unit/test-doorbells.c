/*
 * One access of a guest never makes the host work without a bound: a ring full
 * of the largest requests there are is carried out in rounds, and in the end
 * all of it is.
 */
#include "nvme-driver.h"
#include "scsi-driver.h"

/* What one access may read, write and clear: a round, and one request more. */
#define ROUND_BYTES (16 * MIB)
#define DISK_BYTES  (ND_SECTORS * 512u)

/* All of the disk, in one command. */
static NdCommand whole_disk(uint8_t opcode)
{
    return ND(opcode, .nsid = 1, .prp1 = ND_DATA, .dw12 = ND_SECTORS - 1);
}

/* DATASET MANAGEMENT: each of 256 ranges is the whole disk. */
static NdCommand deallocate_all(Nd *f)
{
    for (unsigned i = 0; i < 256; i++) {
        nd_st(f, ND_DATA + 16 * i + 4, ND_SECTORS, 4);
        nd_st(f, ND_DATA + 16 * i + 8, 0, 8);
    }
    return ND(0x09, .nsid = 1, .prp1 = ND_DATA, .dw10 = 255, .dw11 = 4);
}

/* A full queue of one command: `each` bytes of the disk are touched by it. */
static void nvme_full_queue(Nd *f, NdCommand c, uint64_t each)
{
    unsigned done = 0;

    for (unsigned n = 0; n < ND_ENTRIES - 1; n++) {
        nd_put(f, &f->io, c);
    }
    f->disk->touched = 0;
    nd_ring_sq(f, f->io.n, f->io.tail);
    g_assert_cmpuint(f->disk->touched, >=, each);
    g_assert_cmpuint(f->disk->touched, <=, ROUND_BYTES + each);
    for (unsigned n = 0; n < 2 * ND_ENTRIES; n++) {
        fake_pc_run_ns(f->m, ND_20_MS);
        done += nd_take(f, &f->io) == 0;
    }
    g_assert_cmpuint(done, ==, ND_ENTRIES - 1);
    g_assert_cmpuint(f->disk->touched, ==, done * each);
}

static void test_nvme(void)
{
    Nd f;

    nd_setup(&f, false, NULL, NULL);
    nd_start(&f);
    nd_start_io(&f);
    nvme_full_queue(&f, whole_disk(0x0c), DISK_BYTES); /* verify */
    nvme_full_queue(&f, whole_disk(0x08), DISK_BYTES); /* write zeroes */
    nvme_full_queue(&f, deallocate_all(&f), 256 * (uint64_t)DISK_BYTES);
    nd_teardown(&f);
}

/* --- virtio --------------------------------------------------------------------- */

enum { REQUESTS = 60 };

/* Takes what is returned, for so long. */
static unsigned take_all(Vd *d, VdQueue *q)
{
    unsigned done = 0;
    uint32_t len;

    for (unsigned n = 0; n < 2 * REQUESTS; n++) {
        fake_pc_run_ns(d->m, SD_20_MS);
        while (vd_take(d, q, &len) >= 0) {
            done++;
        }
    }
    return done;
}

static void rings_once(Vd *d, VdQueue *q, BlockDev *disk, uint64_t each)
{
    disk->touched = 0;
    vd_kick(d, q);
    g_assert_cmpuint(disk->touched, >=, each);
    g_assert_cmpuint(disk->touched, <=, ROUND_BYTES + each);
    g_assert_cmpuint(take_all(d, q), ==, REQUESTS);
    g_assert_cmpuint(disk->touched, ==, REQUESTS * each);
}

/* Discard and write zeroes of the whole disk. */
static void test_virtio_blk(void)
{
    const VdSeg seg[] = { { SD_REQUEST, 32, false }, { SD_DATA, 1, true } };
    BlockDev *disk = fake_disk_new(DISK_BYTES);
    Machine *m = fake_pc_new(8 * MIB);
    VdQueue q;
    Vd d;

    fake_pc_add_drive(m, "vd", disk, false, -2);
    fake_pc_add_device(m, "virtio-blk-pci", "drive", "vd", "addr", "4", NULL);
    fake_pc_start(m);
    vd_attach(&d, m, 4 << 3, false);
    for (unsigned type = 11; type <= 13; type += 2) {
        vd_start(&d, VD_VERSION | VD_INDIRECT | BIT64(13) | BIT64(14));
        vd_queue(&d, &q, 0);
        vd_go(&d);
        ram_st(m, SD_REQUEST, type, 4);
        ram_st(m, SD_REQUEST + 8, 0, 8);
        ram_st(m, SD_REQUEST + 16, 0, 8);
        ram_st(m, SD_REQUEST + 24, ND_SECTORS, 8);
        for (unsigned n = 0; n < REQUESTS; n++) {
            vd_add(&d, &q, n, seg, 2);
        }
        rings_once(&d, &q, disk, DISK_BYTES);
    }
    fake_pc_free(m);
    fake_disk_free(disk);
}

/* A full queue of one command with so many bytes of data out. */
static void scsi_full_queue(Sd *f, const uint8_t *cdb, uint32_t out,
                            uint64_t each)
{
    const VdSeg seg[] = { { SD_REQUEST, 51, false }, { SD_OUT, out, false },
                          { SD_RESPONSE, SD_RESPONSE_BYTES, true } };

    sd_start(f);
    sd_disk(f, SD_CDB(0x00), 0, 0);     /* attention */
    memset(f->disk->data, 0, 512);
    ram_st(f->m, SD_REQUEST, 0x00400101, 8);
    address_space_write(f->m->memory, SD_REQUEST + 19, cdb, 32);
    for (unsigned n = 0; n < REQUESTS; n++) {
        vd_add(&f->d, &f->q, n, seg, 3);
    }
    rings_once(&f->d, &f->q, f->disk, each);
}

/* WRITE SAME of a block that is not zero, and UNMAP. */
static void test_virtio_scsi(void)
{
    Sd f = { 0 };

    sd_setup(&f, false);
    ram_st(f.m, SD_OUT, 0x1234, 8);
    scsi_full_queue(&f, SD_CDB(0x41, [7] = SD_SECTORS >> 8), 512, DISK_BYTES);
    ram_st(f.m, SD_OUT, 0x20000000, 8); /* lengths: 32 of descriptors */
    for (unsigned n = 0; n < 2; n++) {
        ram_st(f.m, SD_OUT + 8 + 16 * n, 0, 8);
        ram_st(f.m, SD_OUT + 16 + 16 * n, SD_SECTORS << 8, 8);
    }
    scsi_full_queue(&f, SD_CDB(0x42, [8] = 40), 40, 2 * DISK_BYTES);
    sd_teardown(&f);
}

/* --- firmware configuration -------------------------------------------------------- */

/* A DMA request for so many bytes; what its control field says then. */
static uint32_t fw_cfg_read(Machine *m, uint32_t bytes)
{
    uint8_t request[16] = { [3] = 0x0a };   /* select item 0, read */

    bytes_st_be32(request + 4, bytes);
    bytes_st_be64(request + 8, SD_DATA);
    address_space_write(m->memory, SD_REQUEST, request, sizeof request);
    ram_st(m, SD_DATA + bytes - 1, 0x55, 1);
    out_port(m, 0x518, GUINT32_SWAP_LE_BE(SD_REQUEST), 4);
    return GUINT32_SWAP_LE_BE(ram_ld(m, SD_REQUEST, 4));
}

/* Behind an item there are zeroes, but not gigabytes of them. */
static void test_fw_cfg(void)
{
    Machine *m = fake_pc_new(256 * MIB);

    fake_pc_start(m);
    g_assert_cmphex(fw_cfg_read(m, 1 * MIB), ==, 0);
    g_assert_cmphex(ram_ld(m, SD_DATA, 4), ==, 0x554d4551);
    g_assert_cmphex(ram_ld(m, SD_DATA + 1 * MIB - 1, 1), ==, 0);
    g_assert_cmphex(fw_cfg_read(m, 200 * MIB), ==, 1);
    g_assert_cmphex(ram_ld(m, SD_DATA + 200 * MIB - 1, 1), ==, 0x55);
    fake_pc_free(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/doorbells/nvme", test_nvme);
    g_test_add_func("/doorbells/virtio-blk", test_virtio_blk);
    g_test_add_func("/doorbells/virtio-scsi", test_virtio_scsi);
    g_test_add_func("/doorbells/fw-cfg", test_fw_cfg);
    return g_test_run();
}
