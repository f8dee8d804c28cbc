/*
 * virtio-scsi as a virtio device: its configuration, task management, several
 * queues, every kind of ring, and drivers that break the rules. Virtio 1.2, 5.6.
 */
#include "scsi-driver.h"

#define SLOT (4 << 3)

static void configuration(void)
{
    Sd f = { 0 };

    sd_setup(&f, false);
    g_assert_cmpuint(vd_config(&f.d, 0, 4), ==, 1);
    g_assert_cmpuint(vd_config(&f.d, 4, 4), ==, 254);
    g_assert_cmpuint(vd_config(&f.d, 8, 4), ==, 65535);
    g_assert_cmpuint(vd_config(&f.d, 16, 4), ==, 16);
    g_assert_cmpuint(vd_config(&f.d, 20, 4), ==, 96);
    g_assert_cmpuint(vd_config(&f.d, 24, 4), ==, 32);
    g_assert_cmpuint(vd_config(&f.d, 30, 2), ==, 255);
    g_assert_cmpuint(vd_config(&f.d, 32, 4), ==, 16383);
    g_assert_cmphex(pci_cfg_read(f.m, SLOT, 0, 4), ==, 0x10041af4);
    g_assert_cmphex(pci_cfg_read(f.m, SLOT, 10, 2), ==, 0x0100);
    sd_teardown(&f);
}

static void set_config(Sd *f, unsigned at, uint32_t v)
{
    ram_st(f->m, VD_MODERN + VD_CONFIG + at, v, 4);
}

/* 5.6.4.1: sizes of CDB and sense data are the driver's, within reason. */
static void sizes(void)
{
    Sd f = { 0 };
    SdResult r;

    sd_setup(&f, false);
    set_config(&f, 20, 253);
    set_config(&f, 24, 256);
    g_assert_cmpuint(vd_config(&f.d, 20, 4), ==, 96);
    g_assert_cmpuint(vd_config(&f.d, 24, 4), ==, 32);
    set_config(&f, 20, 8);
    g_assert_cmpuint(vd_config(&f.d, 20, 4), ==, 8);
    r = sd_disk(&f, SD_CDB(0xc7), 0, 0);
    g_assert_cmphex(r.status, ==, 2);
    g_assert_cmpuint(r.sense_len, ==, 8);
    g_assert_cmpuint(r.len, ==, 20);
    /* What was not sent of a CDB is zero: here, the number of blocks. */
    set_config(&f, 20, 96);
    set_config(&f, 24, 6);
    VdSeg seg[] = { { SD_REQUEST, 25, false }, { SD_RESPONSE, 108, true } };
    ram_st(f.m, SD_REQUEST + 19, 0x28, 1);
    ram_st(f.m, SD_REQUEST + 20, 0, 8);
    vd_add(&f.d, &f.q, 1, seg, 2);
    vd_kick(&f.d, &f.q);
    sd_good(sd_finish(&f), 0);
    sd_teardown(&f);
}

static void management(void)
{
    Sd f = { 0 };

    sd_setup(&f, false);
    for (unsigned subtype = 0; subtype < 9; subtype++) {
        uint8_t expected = subtype == 2 || subtype == 8 ? 11 : 0;
        g_assert_cmphex(sd_manage(&f, subtype, 1, 0, 0x77), ==, expected);
        g_assert_cmphex(sd_manage(&f, subtype, 1, 5, 0x77), ==, 12);
        g_assert_cmphex(sd_manage(&f, subtype, 7, 0, 0x77), ==, 3);
    }
    g_assert_cmphex(sd_manage(&f, 6, 1, 0, 0x77), ==, 0);
    sd_disk(&f, SD_CDB(0x00), 0, 0);
    /* While a command is under way: its tag is known, others are not, and it
     * ends before what aborts it. */
    sd_send(&f, 1, 0, SD_CDB(0x28, [8] = 1), 10, 0, 512);
    g_assert_cmphex(sd_manage(&f, 6, 1, 0, 0x77), ==, 10);
    sd_good(sd_finish(&f), 0);
    sd_send(&f, 1, 0, SD_CDB(0x28, [8] = 1), 10, 0, 512);
    g_assert_cmphex(sd_manage(&f, 6, 1, 0, 0x78), ==, 0);
    sd_good(sd_finish(&f), 0);
    sd_send(&f, 1, 0, SD_CDB(0x28, [8] = 1), 10, 0, 512);
    g_assert_cmphex(sd_manage(&f, 7, 1, 0, 0), ==, 10);
    sd_good(sd_finish(&f), 0);
    sd_send(&f, 1, 0, SD_CDB(0x28, [8] = 1), 10, 0, 512);
    g_assert_cmphex(sd_manage(&f, 0, 1, 0, 0x77), ==, 0);
    sd_good(sd_finish(&f), 0);
    sd_teardown(&f);
}

/* 5.6.6.2.1: queries and subscriptions are answered with no events. */
static void notifications(void)
{
    Sd f = { 0 };
    uint32_t len;

    sd_setup(&f, false);
    for (unsigned type = 1; type <= 2; type++) {
        VdSeg seg[] = { { SD_REQUEST, 16, false }, { SD_RESPONSE, 5, true } };
        ram_st(f.m, SD_REQUEST, type, 4);
        ram_st(f.m, SD_REQUEST + 4, 0x40000101, 8);
        ram_st(f.m, SD_REQUEST + 6, 0x40, 1);
        ram_st(f.m, SD_REQUEST + 7, 0, 1);
        ram_st(f.m, SD_REQUEST + 12, 0xff, 4);
        ram_st(f.m, SD_RESPONSE, ~UINT64_C(0), 5);
        vd_add(&f.d, &f.control, 1, seg, 2);
        vd_kick(&f.d, &f.control);
        fake_pc_run_ns(f.m, SD_20_MS);
        g_assert_cmpint(vd_take(&f.d, &f.control, &len), ==, 1);
        g_assert_cmpuint(len, ==, 5);
        g_assert_cmphex(ram_ld(f.m, SD_RESPONSE, 4), ==, 0);
        g_assert_cmphex(ram_ld(f.m, SD_RESPONSE + 4, 1), ==, 0);
    }
    sd_teardown(&f);
}

/* --- drivers that break rules --------------------------------------------------------*/

/* A buffer in a queue that must break the device, which a reset heals. */
static void breaks(Sd *f, VdQueue *q, const VdSeg *seg, unsigned count)
{
    vd_add(&f->d, q, 1, seg, count);
    vd_kick(&f->d, q);
    g_assert_cmphex(vd_status(&f->d) & 0x40, ==, 0x40);
    sd_start(f);
    sd_sense(sd_disk(f, SD_CDB(0x00), 0, 0), 6, 0x2902);
    sd_good(sd_disk(f, SD_CDB(0x00), 0, 0), 0);
}

#define BREAKS(f, q, ...)                                                     \
    breaks(f, q, (const VdSeg[]){ __VA_ARGS__ },                              \
           sizeof((const VdSeg[]){ __VA_ARGS__ }) / sizeof(VdSeg))

static void broken_requests(void)
{
    Sd f = { 0 };

    sd_setup(&f, false);
    BREAKS(&f, &f.q, { SD_REQUEST, 50, false }, { SD_RESPONSE, 108, true });
    BREAKS(&f, &f.q, { SD_REQUEST, 51, false }, { SD_RESPONSE, 107, true });
    BREAKS(&f, &f.q, { SD_REQUEST, 51, false });
    BREAKS(&f, &f.q, { SD_RESPONSE, 108, true });
    BREAKS(&f, &f.q, { SD_REQUEST, 51, false }, { VD_MODERN, 108, true });
    BREAKS(&f, &f.q, { VD_MODERN, 51, false }, { SD_RESPONSE, 108, true });
    BREAKS(&f, &f.q, { SD_RESPONSE, 108, true }, { SD_REQUEST, 51, false });
    ram_st(f.m, SD_REQUEST, 3, 4);
    BREAKS(&f, &f.control, { SD_REQUEST, 24, false },
           { SD_RESPONSE, 16, true });
    ram_st(f.m, SD_REQUEST, 0, 4);
    BREAKS(&f, &f.control, { SD_REQUEST, 23, false },
           { SD_RESPONSE, 16, true });
    BREAKS(&f, &f.control, { SD_REQUEST, 24, false });
    sd_teardown(&f);
}

/* Data that is no memory, to and from. */
static void broken_data(void)
{
    const uint8_t codes[] = { 0x28, 0x2a };
    Sd f = { 0 };

    sd_setup(&f, false);
    for (unsigned i = 0; i < 2; i++) {
        VdSeg bad = { VD_MODERN, 512, !i };
        VdSeg seg[3] = { { SD_REQUEST, 51, false } };
        seg[1] = i ? bad : (VdSeg){ SD_RESPONSE, 108, true };
        seg[2] = i ? (VdSeg){ SD_RESPONSE, 108, true } : bad;
        sd_disk(&f, SD_CDB(codes[i]), 0, 0);    /* the request is there */
        ram_st(f.m, SD_REQUEST + 19 + 8, 1, 1);
        breaks(&f, &f.q, seg, 3);
    }
    g_assert_cmphex(f.disk->data[0], ==, 0);
    sd_teardown(&f);
}

/* Addresses of other forms are nobody's (5.6.6.1). */
static void addresses(void)
{
    static const uint8_t bad[][8] = {
        { 0, 1 }, { 2, 1 }, { 0xc1, 1 }, { 1, 1, 0x80 }, { 1, 1, 0xc0 },
        { 1, 1, 0, 0, 1 }, { 1, 1, 0, 0, 0, 0, 0, 1 },
    };
    Sd f = { 0 };

    sd_setup(&f, false);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        VdSeg seg[] = { { SD_REQUEST, 51, false },
                        { SD_RESPONSE, 108, true } };
        for (unsigned at = 0; at < 8; at++) {
            ram_st(f.m, SD_REQUEST + at, bad[i][at], 1);
        }
        vd_add(&f.d, &f.q, 1, seg, 2);
        vd_kick(&f.d, &f.q);
        g_assert_cmphex(sd_finish(&f).response, ==, 3);
    }
    sd_teardown(&f);
}

/* --- queues and rings ----------------------------------------------------------------------*/

static void event_queue_waits(void)
{
    VdSeg seg = { SD_DATA, 16, true };
    uint32_t len;
    VdQueue q;
    Sd f = { 0 };

    sd_setup(&f, false);
    vd_start(&f.d, VD_VERSION | VD_INDIRECT);
    vd_queue(&f.d, &q, SD_EVENT);
    vd_go(&f.d);
    vd_add(&f.d, &q, 1, &seg, 1);
    vd_kick(&f.d, &q);
    fake_pc_run_ns(f.m, SD_20_MS);
    g_assert_cmpint(vd_take(&f.d, &q, &len), ==, -1);
    g_assert_cmphex(vd_status(&f.d), ==, 15);
    sd_teardown(&f);
}

static Machine *with_queues(BlockDev *disk)
{
    Machine *m = fake_pc_new(4 * MIB);

    fake_pc_add_drive(m, "hd", disk, false, -2);
    fake_pc_add_device(m, "virtio-scsi-pci", "addr", "4", "num_queues", "4",
                       "packed", "on", NULL);
    fake_pc_add_device(m, "scsi-hd", "drive", "hd", "scsi-id", "1", NULL);
    fake_pc_start(m);
    return m;
}

/* A read of sector n by queue n, all at a time, in the ring of that kind. */
static void read_by_all(Sd *f, uint64_t features, bool legacy)
{
    VdQueue q[4];
    uint32_t len;

    vd_attach(&f->d, f->m, SLOT, legacy);
    vd_start(&f->d, features);
    for (unsigned n = 0; n < 4; n++) {
        vd_queue(&f->d, &q[n], SD_COMMANDS + n);
    }
    vd_go(&f->d);
    for (unsigned n = 0; n < 4; n++) {
        uint64_t at = SD_REQUEST + 0x1000 * n;
        VdSeg seg[] = { { at, 51, false }, { at + 0x100, 108, true },
                        { at + 0x400, 512, true } };
        for (unsigned i = 0; i < 51; i++) {
            ram_st(f->m, at + i, 0, 1);
        }
        ram_st(f->m, at, 0x0101, 2);
        ram_st(f->m, at + 19, 0x08, 1);
        ram_st(f->m, at + 22, 5 + n, 1);
        ram_st(f->m, at + 23, 1, 1);
        /* The first takes the unit attention. */
        vd_add(&f->d, &q[n], 1, seg, 3);
        vd_kick(&f->d, &q[n]);
    }
    fake_pc_run_ns(f->m, SD_20_MS);
    for (unsigned n = 0; n < 4; n++) {
        uint64_t at = SD_REQUEST + 0x1000 * n;
        g_assert_cmpint(vd_take(&f->d, &q[n], &len), ==, 1);
        g_assert_cmpuint(len, ==, n ? 108 + 512 : 108);
        g_assert_cmphex(ram_ld(f->m, at + 0x100 + 10, 1), ==, n ? 0 : 2);
        if (n) {
            g_assert_cmphex(ram_ld(f->m, at + 0x400, 1), ==, 5 + n);
        }
    }
}

static void several_queues(void)
{
    Sd f = { .disk = fake_disk_new(SD_SECTORS * 512) };

    f.m = with_queues(f.disk);
    read_by_all(&f, VD_VERSION, false);
    g_assert_cmpuint(vd_config(&f.d, 0, 4), ==, 4);
    read_by_all(&f, VD_VERSION | VD_INDIRECT | VD_EVENT, false);
    read_by_all(&f, VD_VERSION | VD_PACKED, false);
    read_by_all(&f, VD_VERSION | VD_PACKED | VD_INDIRECT, false);
    read_by_all(&f, 0, true);
    fake_pc_free(f.m);
    fake_disk_free(f.disk);
}

/* A reset of the device in the middle: nothing comes back. */
static void reset_in_flight(void)
{
    Sd f = { 0 };

    sd_setup(&f, false);
    sd_send(&f, 1, 0, SD_CDB(0x28, [8] = 1), 10, 0, 512);
    sd_start(&f);
    g_assert_cmphex(sd_finish(&f).response, ==, 0xee);
    sd_sense(sd_disk(&f, SD_CDB(0x00), 0, 0), 6, 0x2902);
    sd_teardown(&f);
}

static void noise(void)
{
    GRand *rand = g_rand_new_with_seed(5);
    Sd f = { 0 };

    sd_setup(&f, false);
    for (unsigned i = 0; i < 1500; i++) {
        uint8_t cdb[32];
        for (unsigned at = 0; at < sizeof cdb; at++) {
            cdb[at] = g_rand_boolean(rand) ? 0 : g_rand_int(rand);
        }
        bool out = g_rand_boolean(rand);
        uint32_t room = g_rand_int_range(rand, 0, 3000);
        sd_send(&f, 1 + i % 2, i % 2 ? 3 : 0, cdb, 32, out ? room : 0,
                out ? 0 : room);
        g_assert_cmphex(sd_finish(&f).response, <=, 3);
    }
    g_rand_free(rand);
    sd_teardown(&f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/virtio-scsi/" #name, name)
    ADD(configuration);
    ADD(sizes);
    ADD(management);
    ADD(notifications);
    ADD(broken_requests);
    ADD(broken_data);
    ADD(addresses);
    ADD(event_queue_waits);
    ADD(several_queues);
    ADD(reset_in_flight);
    ADD(noise);
    return g_test_run();
}
