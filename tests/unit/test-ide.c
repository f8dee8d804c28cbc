/*
 * IDE: disks and CD drives through the PC's ports and bus masters.
 */
#include <errno.h>

#include "base/bytes.h"
#include "fake-pc.h"

#define PRIMARY   0x1f0
#define SECONDARY 0x170
#define IDE  0x09
#define BMIDE 0xc000

#define ST_ERR  0x01
#define ST_DRQ  0x08
#define ST_DRDY 0x40
#define ST_BSY  0x80
#define ER_ABRT 0x04
#define ER_IDNF 0x10
#define ER_UNC  0x40

#define SECTORS 70000u
#define LATENCY (20 * NS_PER_MS)

typedef struct Fixture {
    Machine *m;
    BlockDev *disk, *cd;
} Fixture;

static void bus_master_init(Machine *m)
{
    pci_cfg_write(m, IDE, 0x20, BMIDE, 4);
    pci_cfg_write(m, IDE, 4, 5, 2);
}

static void pic_init(Machine *m)
{
    static const uint8_t init[][2] = {
        { 0x20, 0x11 }, { 0x21, 0x08 }, { 0x21, 0x04 }, { 0x21, 0x01 },
        { 0xa0, 0x11 }, { 0xa1, 0x70 }, { 0xa1, 0x02 }, { 0xa1, 0x01 },
        { 0x21, 0xfb }, { 0xa1, 0x00 },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(init); i++) {
        out_port(m, init[i][0], init[i][1], 1);
    }
}

static void setup(Fixture *f, gconstpointer data)
{
    f->disk = fake_disk_new((uint64_t)SECTORS * 512);
    f->cd = fake_disk_new(100 * 2048);
    f->m = fake_pc_new(4 * MIB);
    fake_pc_add_drive(f->m, "hd", f->disk, false, 0);
    fake_pc_add_drive(f->m, "cd", f->cd, true, 2);
    fake_pc_start(f->m);
    bus_master_init(f->m);
    pic_init(f->m);
}

static void teardown(Fixture *f, gconstpointer data)
{
    fake_pc_free(f->m);
    fake_disk_free(f->disk);
    fake_disk_free(f->cd);
}

static uint8_t status(Fixture *f, uint16_t base)
{
    return in_port(f->m, base + 7, 1);
}

/* Takes an interrupt: it must be there. */
static void take_irq(Fixture *f, int vector)
{
    g_assert_true(fake_pins.intr);
    g_assert_cmphex(fake_pins.ack(fake_pins.pic), ==, vector);
    out_port(f->m, 0xa0, 0x20, 1);
    out_port(f->m, 0x20, 0x20, 1);
}

static void command(Fixture *f, uint8_t cmd)
{
    out_port(f->m, PRIMARY + 7, cmd, 1);
}

static void set_lba28(Fixture *f, uint32_t lba, uint8_t count)
{
    out_port(f->m, PRIMARY + 2, count, 1);
    out_port(f->m, PRIMARY + 3, lba & 0xff, 1);
    out_port(f->m, PRIMARY + 4, lba >> 8 & 0xff, 1);
    out_port(f->m, PRIMARY + 5, lba >> 16 & 0xff, 1);
    out_port(f->m, PRIMARY + 6, 0xe0 | lba >> 24, 1);
}

static void set_lba48(Fixture *f, uint64_t lba, uint16_t count)
{
    out_port(f->m, PRIMARY + 6, 0x40, 1);
    out_port(f->m, PRIMARY + 2, count >> 8, 1);
    out_port(f->m, PRIMARY + 3, lba >> 24 & 0xff, 1);
    out_port(f->m, PRIMARY + 4, lba >> 32 & 0xff, 1);
    out_port(f->m, PRIMARY + 5, lba >> 40 & 0xff, 1);
    out_port(f->m, PRIMARY + 2, count & 0xff, 1);
    out_port(f->m, PRIMARY + 3, lba & 0xff, 1);
    out_port(f->m, PRIMARY + 4, lba >> 8 & 0xff, 1);
    out_port(f->m, PRIMARY + 5, lba >> 16 & 0xff, 1);
}

/* Waits for a data block or the end, with its interrupt. */
static uint8_t wait_irq(Fixture *f)
{
    g_assert_cmphex(in_port(f->m, PRIMARY + 0x206, 1), ==, ST_BSY);
    g_assert_false(fake_pins.intr);
    fake_pc_run_ns(f->m, LATENCY);
    take_irq(f, 0x76);
    return status(f, PRIMARY);
}

static void read_words(Fixture *f, uint16_t base, uint8_t *buf, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i += 2) {
        bytes_st_le16(buf + i, in_port(f->m, base, 2));
    }
}

static void write_words(Fixture *f, uint16_t base, const uint8_t *buf,
                        unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i += 2) {
        out_port(f->m, base, bytes_ld_le16(buf + i), 2);
    }
}

/* --- disks -----------------------------------------------------------------------*/

static void test_identify(Fixture *f, gconstpointer data)
{
    uint8_t id[512];

    out_port(f->m, PRIMARY + 6, 0xa0, 1);
    command(f, 0xec);
    g_assert_cmphex(wait_irq(f), ==, 0x58);
    read_words(f, PRIMARY, id, 512);
    g_assert_cmphex(status(f, PRIMARY), ==, 0x50);
    g_assert_cmphex(bytes_ld_le16(id), ==, 0x40);
    g_assert_cmpmem(id + 2 * 27, 14, "EQUMH RADDSI K", 14);
    g_assert_cmpuint(bytes_ld_le32(id + 2 * 60), ==, SECTORS);
    g_assert_cmpuint(bytes_ld_le64(id + 2 * 100), ==, SECTORS);
    g_assert_cmpuint(bytes_ld_le16(id + 2), ==, SECTORS / (16 * 63));
    g_assert_cmphex(bytes_ld_le16(id + 2 * 88), ==, 0x203f);
    /* The slave is not there. */
    out_port(f->m, PRIMARY + 6, 0xb0, 1);
    g_assert_cmphex(status(f, PRIMARY), ==, 0);
    command(f, 0xec);
    fake_pc_run_ns(f->m, LATENCY);
    g_assert_cmphex(status(f, PRIMARY), ==, 0);
}

static void test_pio_read(Fixture *f, gconstpointer data)
{
    uint8_t buf[512];

    set_lba28(f, 1000, 2);
    command(f, 0x20);
    for (unsigned n = 0; n < 2; n++) {
        g_assert_cmphex(wait_irq(f), ==, 0x58);
        read_words(f, PRIMARY, buf, 512);
        g_assert_cmpmem(buf, 512, f->disk->data + (1000 + n) * 512, 512);
    }
    g_assert_cmphex(status(f, PRIMARY), ==, 0x50);
    fake_pc_run_ns(f->m, LATENCY);
    g_assert_false(fake_pins.intr);
}

static void test_pio_write(Fixture *f, gconstpointer data)
{
    uint8_t buf[512], *first = f->disk->data + (SECTORS - 2) * 512;
    uint8_t before = first[1];

    memset(buf, ~before, sizeof buf);
    set_lba28(f, SECTORS - 2, 2);
    command(f, 0x30);
    g_assert_cmphex(status(f, PRIMARY), ==, 0x58);
    g_assert_false(fake_pins.intr);
    write_words(f, PRIMARY, buf, 510);
    g_assert_cmphex(first[1], ==, before);
    write_words(f, PRIMARY, buf, 2);
    g_assert_cmpmem(first, 512, buf, 512);
    g_assert_cmphex(wait_irq(f), ==, 0x58);
    write_words(f, PRIMARY, buf, 512);
    g_assert_cmphex(wait_irq(f), ==, 0x50);
    g_assert_cmpmem(first + 512, 512, buf, 512);
    command(f, 0xe7);
    g_assert_cmphex(wait_irq(f), ==, 0x50);
    g_assert_cmpuint(f->disk->flushes, ==, 1);
}

static void test_multiple(Fixture *f, gconstpointer data)
{
    uint8_t buf[4 * 512];

    out_port(f->m, PRIMARY + 2, 3, 1);
    command(f, 0xc6);
    g_assert_cmphex(wait_irq(f), ==, ST_DRDY | ST_ERR);
    out_port(f->m, PRIMARY + 2, 4, 1);
    command(f, 0xc6);
    g_assert_cmphex(wait_irq(f), ==, 0x50);
    set_lba48(f, 10, 6);
    command(f, 0x29);
    g_assert_cmphex(wait_irq(f), ==, 0x58);
    read_words(f, PRIMARY, buf, 4 * 512);
    g_assert_cmpmem(buf, 4 * 512, f->disk->data + 10 * 512, 4 * 512);
    g_assert_cmphex(wait_irq(f), ==, 0x58);
    read_words(f, PRIMARY, buf, 2 * 512);
    g_assert_cmpmem(buf, 2 * 512, f->disk->data + 14 * 512, 2 * 512);
    g_assert_cmphex(status(f, PRIMARY), ==, 0x50);
}

static void test_lba48(Fixture *f, gconstpointer data)
{
    uint8_t buf[512];

    set_lba48(f, 0x10001, 1);
    command(f, 0x24);
    g_assert_cmphex(wait_irq(f), ==, 0x58);
    read_words(f, PRIMARY, buf, 512);
    g_assert_cmpmem(buf, 512, f->disk->data + 0x10001 * 512, 512);
    /* The older value shows with HOB. */
    set_lba48(f, UINT64_C(0x112233445566), 0x7788);
    out_port(f->m, PRIMARY + 0x206, 0x80, 1);
    g_assert_cmphex(in_port(f->m, PRIMARY + 2, 1), ==, 0x77);
    g_assert_cmphex(in_port(f->m, PRIMARY + 5, 1), ==, 0x11);
    out_port(f->m, PRIMARY + 0x206, 0, 1);
    g_assert_cmphex(in_port(f->m, PRIMARY + 5, 1), ==, 0x44);
    /* READ NATIVE MAX ADDRESS EXT. */
    command(f, 0x27);
    g_assert_cmphex(wait_irq(f), ==, 0x50);
    g_assert_cmphex(in_port(f->m, PRIMARY + 3, 1), ==, (SECTORS - 1) & 0xff);
    out_port(f->m, PRIMARY + 0x206, 0x80, 1);
    g_assert_cmphex(in_port(f->m, PRIMARY + 3, 1), ==, (SECTORS - 1) >> 24);
}

static void test_chs(Fixture *f, gconstpointer data)
{
    uint8_t buf[512];

    out_port(f->m, PRIMARY + 2, 63, 1);
    out_port(f->m, PRIMARY + 6, 0xaf, 1);
    command(f, 0x91);
    g_assert_cmphex(wait_irq(f), ==, 0x50);
    out_port(f->m, PRIMARY + 2, 1, 1);
    out_port(f->m, PRIMARY + 3, 5, 1);
    out_port(f->m, PRIMARY + 4, 2, 1);
    out_port(f->m, PRIMARY + 5, 0, 1);
    out_port(f->m, PRIMARY + 6, 0xa3, 1);
    command(f, 0x20);
    g_assert_cmphex(wait_irq(f), ==, 0x58);
    read_words(f, PRIMARY, buf, 512);
    g_assert_cmpmem(buf, 512, f->disk->data + ((2 * 16 + 3) * 63 + 4) * 512,
                    512);
    /* There is no sector 0. */
    out_port(f->m, PRIMARY + 3, 0, 1);
    command(f, 0x20);
    g_assert_cmphex(wait_irq(f), ==, ST_DRDY | ST_ERR);
    g_assert_cmphex(in_port(f->m, PRIMARY + 1, 1), ==, ER_IDNF);
}

static void check_range_error(Fixture *f, uint8_t cmd)
{
    command(f, cmd);
    g_assert_cmphex(wait_irq(f), ==, ST_DRDY | ST_ERR);
    g_assert_cmphex(in_port(f->m, PRIMARY + 1, 1), ==, ER_IDNF);
}

static void test_out_of_range(Fixture *f, gconstpointer data)
{
    static const uint8_t ext[] = { 0x24, 0x25, 0x29, 0x34, 0x35, 0x39, 0x3d,
                                   0x42, 0xce };
    static const uint8_t normal[] = { 0x20, 0x30, 0x40, 0xc4, 0xc5, 0xc8,
                                      0xca };
    for (unsigned i = 0; i < G_N_ELEMENTS(normal); i++) {
        set_lba28(f, SECTORS, 1);
        check_range_error(f, normal[i]);
        set_lba28(f, SECTORS - 1, 2);
        check_range_error(f, normal[i]);
        set_lba28(f, SECTORS - 255, 0);         /* 256 sectors */
        check_range_error(f, normal[i]);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(ext); i++) {
        set_lba48(f, UINT64_C(0xffffffffffff), 1);
        check_range_error(f, ext[i]);
        set_lba48(f, SECTORS - 65535, 0);       /* 65536 sectors */
        check_range_error(f, ext[i]);
    }
    set_lba28(f, SECTORS, 1);
    check_range_error(f, 0x70);
}

static void test_host_error(Fixture *f, gconstpointer data)
{
    uint8_t buf[512] = { 0 };

    f->disk->fail = -EIO;
    set_lba28(f, 0x123456 % SECTORS, 1);
    command(f, 0x20);
    g_assert_cmphex(wait_irq(f), ==, ST_DRDY | ST_ERR);
    g_assert_cmphex(in_port(f->m, PRIMARY + 1, 1), ==, ER_UNC);
    set_lba28(f, 5, 1);
    command(f, 0x30);
    write_words(f, PRIMARY, buf, 512);
    g_assert_cmphex(wait_irq(f), ==, ST_DRDY | ST_ERR);
    g_assert_cmphex(in_port(f->m, PRIMARY + 3, 1), ==, 5);
    f->disk->fail = 0;
    command(f, 0x20);
    g_assert_cmphex(wait_irq(f), ==, 0x58);
}

static void test_unknown_command(Fixture *f, gconstpointer data)
{
    out_port(f->m, PRIMARY + 6, 0xa0, 1);
    command(f, 0xfe);
    g_assert_cmphex(wait_irq(f), ==, ST_DRDY | ST_ERR);
    g_assert_cmphex(in_port(f->m, PRIMARY + 1, 1), ==, ER_ABRT);
    command(f, 0xa1);                   /* IDENTIFY PACKET DEVICE */
    g_assert_cmphex(wait_irq(f), ==, ST_DRDY | ST_ERR);
}

static void test_reset(Fixture *f, gconstpointer data)
{
    set_lba28(f, 77, 7);
    command(f, 0x20);
    out_port(f->m, PRIMARY + 0x206, 0x04, 1);
    g_assert_cmphex(in_port(f->m, PRIMARY + 7, 1), ==, ST_BSY);
    fake_pc_run_ns(f->m, LATENCY);
    g_assert_cmphex(in_port(f->m, PRIMARY + 7, 1), ==, ST_BSY);
    out_port(f->m, PRIMARY + 0x206, 0, 1);
    fake_pc_run_ns(f->m, LATENCY);
    g_assert_cmphex(in_port(f->m, PRIMARY + 7, 1), ==, 0x50);
    g_assert_cmphex(in_port(f->m, PRIMARY + 1, 1), ==, 1);
    g_assert_cmphex(in_port(f->m, PRIMARY + 2, 2), ==, 0x0101);
    g_assert_cmphex(in_port(f->m, PRIMARY + 4, 2), ==, 0);
    g_assert_false(fake_pins.intr);
    /* The CD drive says what it is. */
    g_assert_cmphex(in_port(f->m, SECONDARY + 4, 2), ==, 0xeb14);
}

static void test_no_interrupt(Fixture *f, gconstpointer data)
{
    out_port(f->m, PRIMARY + 0x206, 2, 1);
    set_lba28(f, 0, 1);
    command(f, 0x40);
    fake_pc_run_ns(f->m, LATENCY);
    g_assert_false(fake_pins.intr);
    g_assert_cmphex(in_port(f->m, PRIMARY + 0x206, 1), ==, 0x50);
    out_port(f->m, PRIMARY + 0x206, 0, 1);
    g_assert_true(fake_pins.intr);
    take_irq(f, 0x76);
    g_assert_cmphex(status(f, PRIMARY), ==, 0x50);
}

/* --- bus master -----------------------------------------------------------------*/

#define PRD_TABLE 0x10000
#define DMA_BUFFER 0x20000

static void prd(Fixture *f, unsigned n, uint32_t addr, uint32_t count,
                bool last)
{
    address_space_st(f->m->memory, PRD_TABLE + 8 * n, addr, 4);
    address_space_st(f->m->memory, PRD_TABLE + 8 * n + 4,
                     (count & 0xffff) | (last ? 0x80000000u : 0), 4);
}

static void master_start(Fixture *f, unsigned channel, bool to_memory)
{
    uint16_t base = BMIDE + 8 * channel;
    out_port(f->m, base + 4, PRD_TABLE, 4);
    out_port(f->m, base + 2, 0x26, 1);
    out_port(f->m, base, to_memory ? 8 : 0, 1);
    out_port(f->m, base, to_memory ? 9 : 1, 1);
}

static void check_memory(Fixture *f, PhysAddr at, const uint8_t *want,
                         unsigned len)
{
    g_autofree uint8_t *got = g_malloc(len);
    address_space_read(f->m->memory, at, got, len);
    g_assert_cmpmem(got, len, want, len);
}

static void test_dma_read(Fixture *f, gconstpointer data)
{
    /* 300 sectors to two regions, one of them 64 KiB. */
    prd(f, 0, DMA_BUFFER, 0, false);
    prd(f, 1, 0x50000, 0, false);
    prd(f, 2, 0x80000, (300 - 256) * 512, true);
    set_lba48(f, 100, 300);
    command(f, 0x25);
    master_start(f, 0, true);
    g_assert_cmphex(in_port(f->m, BMIDE + 2, 1), ==, 0x21);
    g_assert_cmphex(wait_irq(f), ==, 0x50);
    g_assert_cmphex(in_port(f->m, BMIDE + 2, 1), ==, 0x24);
    check_memory(f, DMA_BUFFER, f->disk->data + 100 * 512, 0x10000);
    check_memory(f, 0x50000, f->disk->data + 228 * 512, 0x10000);
    check_memory(f, 0x80000, f->disk->data + 356 * 512, 44 * 512);
    out_port(f->m, BMIDE, 8, 1);
    out_port(f->m, BMIDE + 2, 4, 1);
    g_assert_cmphex(in_port(f->m, BMIDE + 2, 1), ==, 0);
}

static void test_dma_write(Fixture *f, gconstpointer data)
{
    uint8_t buf[1024];

    for (unsigned i = 0; i < sizeof buf; i++) {
        buf[i] = i * 7;
    }
    address_space_write(f->m->memory, DMA_BUFFER, buf, sizeof buf);
    prd(f, 0, DMA_BUFFER, 2, false);
    prd(f, 1, DMA_BUFFER + 2, 1022, true);
    /* The bus master may also be started first. */
    master_start(f, 0, false);
    set_lba28(f, 200, 2);
    command(f, 0xca);
    g_assert_cmphex(wait_irq(f), ==, 0x50);
    g_assert_cmpmem(f->disk->data + 200 * 512, 1024, buf, 1024);
    g_assert_cmphex(in_port(f->m, BMIDE + 2, 1) & 7, ==, 4);
}

static void test_dma_list_too_long(Fixture *f, gconstpointer data)
{
    prd(f, 0, DMA_BUFFER, 4096, true);
    set_lba28(f, 0, 1);
    command(f, 0xc8);
    master_start(f, 0, true);
    g_assert_cmphex(wait_irq(f), ==, 0x50);
    g_assert_cmphex(in_port(f->m, BMIDE + 2, 1) & 7, ==, 5);
}

static void test_dma_list_too_short(Fixture *f, gconstpointer data)
{
    prd(f, 0, DMA_BUFFER, 512, true);
    set_lba28(f, 0, 2);
    command(f, 0xc8);
    master_start(f, 0, true);
    fake_pc_run_ns(f->m, LATENCY);
    g_assert_false(fake_pins.intr);
    g_assert_cmphex(in_port(f->m, BMIDE + 2, 1) & 7, ==, 0);
    check_memory(f, DMA_BUFFER, f->disk->data, 512);
    /* A reset gets the drive out of it. */
    out_port(f->m, PRIMARY + 0x206, 4, 1);
    out_port(f->m, PRIMARY + 0x206, 0, 1);
    fake_pc_run_ns(f->m, LATENCY);
    g_assert_cmphex(status(f, PRIMARY), ==, 0x50);
}

static void test_dma_without_master(Fixture *f, gconstpointer data)
{
    uint8_t zeroes[512] = { 0 };

    pci_cfg_write(f->m, IDE, 4, 1, 2);
    prd(f, 0, DMA_BUFFER, 512, true);
    set_lba28(f, 1, 1);
    command(f, 0xc8);
    master_start(f, 0, true);
    fake_pc_run_ns(f->m, LATENCY);
    g_assert_false(fake_pins.intr);
    check_memory(f, DMA_BUFFER, zeroes, 512);
}

/* --- CD drives ---------------------------------------------------------------------*/

static void packet(Fixture *f, const uint8_t *bytes, unsigned limit, bool dma)
{
    out_port(f->m, SECONDARY + 6, 0xa0, 1);
    out_port(f->m, SECONDARY + 1, dma, 1);
    out_port(f->m, SECONDARY + 4, limit & 0xff, 1);
    out_port(f->m, SECONDARY + 5, limit >> 8, 1);
    out_port(f->m, SECONDARY + 7, 0xa0, 1);
    g_assert_cmphex(status(f, SECONDARY) & (ST_BSY | ST_DRQ), ==, ST_DRQ);
    g_assert_cmphex(in_port(f->m, SECONDARY + 2, 1), ==, 1);
    write_words(f, SECONDARY, bytes, 12);
}

static uint8_t packet_wait(Fixture *f)
{
    fake_pc_run_ns(f->m, LATENCY);
    take_irq(f, 0x77);
    return status(f, SECONDARY);
}

/* The size of the data block that is offered. */
static unsigned packet_count(Fixture *f)
{
    g_assert_cmphex(in_port(f->m, SECONDARY + 2, 1), ==, 2);
    return in_port(f->m, SECONDARY + 4, 1) |
           in_port(f->m, SECONDARY + 5, 1) << 8;
}

static void packet_end(Fixture *f)
{
    g_assert_cmphex(packet_wait(f), ==, 0x50);
    g_assert_cmphex(in_port(f->m, SECONDARY + 2, 1), ==, 3);
}

static void test_cd_identify(Fixture *f, gconstpointer data)
{
    uint8_t id[512];

    out_port(f->m, SECONDARY + 6, 0xa0, 1);
    out_port(f->m, SECONDARY + 7, 0xec, 1);
    g_assert_cmphex(packet_wait(f), ==, ST_DRDY | ST_ERR);
    g_assert_cmphex(in_port(f->m, SECONDARY + 4, 2), ==, 0xeb14);
    out_port(f->m, SECONDARY + 7, 0xa1, 1);
    g_assert_cmphex(packet_wait(f), ==, 0x58);
    read_words(f, SECONDARY, id, 512);
    g_assert_cmphex(bytes_ld_le16(id), ==, 0x8580);
    g_assert_cmphex(status(f, SECONDARY), ==, 0x50);
    fake_pc_run_ns(f->m, LATENCY);
    g_assert_false(fake_pins.intr);
}

static void test_cd_capacity(Fixture *f, gconstpointer data)
{
    static const uint8_t capacity[12] = { 0x25 };
    uint8_t answer[8];

    packet(f, capacity, 0xfffe, false);
    g_assert_cmphex(packet_wait(f), ==, 0x58);
    g_assert_cmpuint(packet_count(f), ==, 8);
    read_words(f, SECONDARY, answer, 8);
    g_assert_cmpuint(bytes_ld_be32(answer), ==, 99);
    g_assert_cmpuint(bytes_ld_be32(answer + 4), ==, 2048);
    packet_end(f);
}

static void test_cd_read_pio(Fixture *f, gconstpointer data)
{
    static const uint8_t read10[12] = { 0x28, 0, 0, 0, 0, 10, 0, 0, 9 };
    uint8_t buf[9 * 2048];
    unsigned got = 0;

    packet(f, read10, 2048, false);
    for (unsigned n = 0; n < 9; n++) {
        g_assert_cmphex(packet_wait(f), ==, 0x58);
        g_assert_cmpuint(packet_count(f), ==, 2048);
        read_words(f, SECONDARY, buf + got, 2048);
        got += 2048;
    }
    packet_end(f);
    g_assert_cmpmem(buf, got, f->cd->data + 10 * 2048, 9 * 2048);
    /* Larger blocks, as many as the drive likes. */
    packet(f, read10, 0xffff, false);
    for (got = 0; got < sizeof buf;) {
        g_assert_cmphex(packet_wait(f), ==, 0x58);
        unsigned n = packet_count(f);
        g_assert_cmpuint(n, <=, sizeof buf - got);
        read_words(f, SECONDARY, buf + got, n);
        got += n;
    }
    packet_end(f);
    g_assert_cmpmem(buf, got, f->cd->data + 10 * 2048, 9 * 2048);
}

static void test_cd_read_dma(Fixture *f, gconstpointer data)
{
    static const uint8_t read12[12] = { 0xa8, 0, 0, 0, 0, 90, 0, 0, 0, 10 };

    prd(f, 0, DMA_BUFFER, 10 * 2048, true);
    packet(f, read12, 0, true);
    master_start(f, 1, true);
    g_assert_cmphex(packet_wait(f), ==, 0x50);
    g_assert_cmphex(in_port(f->m, BMIDE + 10, 1) & 7, ==, 4);
    check_memory(f, DMA_BUFFER, f->cd->data + 90 * 2048, 10 * 2048);
}

static void check_sense(Fixture *f, uint8_t key, uint8_t asc)
{
    static const uint8_t request_sense[12] = { 0x03, 0, 0, 0, 18 };
    uint8_t sense[18];

    g_assert_cmphex(packet_wait(f), ==, ST_DRDY | ST_ERR);
    g_assert_cmphex(in_port(f->m, SECONDARY + 1, 1) >> 4, ==, key);
    packet(f, request_sense, 18, false);
    g_assert_cmphex(packet_wait(f), ==, 0x58);
    read_words(f, SECONDARY, sense, 18);
    packet_end(f);
    g_assert_cmphex(sense[2], ==, key);
    g_assert_cmphex(sense[12], ==, asc);
}

static void test_cd_errors(Fixture *f, gconstpointer data)
{
    static const uint8_t beyond[12] = { 0x28, 0, 0, 0, 0, 99, 0, 0, 2 };
    static const uint8_t far_away[12] = { 0xa8, 0, 0xff, 0xff, 0xff, 0xff, 0,
                                          0, 0, 1 };
    static const uint8_t unknown[12] = { 0xff };
    static const uint8_t ready[12] = { 0x00 };
    static const uint8_t eject[12] = { 0x1b, 0, 0, 0, 2 };
    static const uint8_t lock[12] = { 0x1e, 0, 0, 0, 1 };
    static const uint8_t unlock[12] = { 0x1e };
    static const uint8_t read10[12] = { 0x28, 0, 0, 0, 0, 0, 0, 0, 1 };

    packet(f, beyond, 2048, false);
    check_sense(f, 5, 0x21);
    packet(f, far_away, 2048, false);
    check_sense(f, 5, 0x21);
    packet(f, unknown, 2048, false);
    check_sense(f, 5, 0x20);
    packet(f, ready, 2048, false);
    packet_end(f);
    packet(f, lock, 2048, false);
    packet_end(f);
    packet(f, eject, 2048, false);
    check_sense(f, 5, 0x53);
    packet(f, unlock, 2048, false);
    packet_end(f);
    packet(f, eject, 2048, false);
    packet_end(f);
    packet(f, ready, 2048, false);
    check_sense(f, 2, 0x3a);
    machine_reset(f->m);
    pic_init(f->m);
    f->cd->fail = -EIO;
    packet(f, read10, 2048, false);
    check_sense(f, 3, 0x11);
}

static void test_cd_toc(Fixture *f, gconstpointer data)
{
    static const uint8_t toc[12] = { 0x43, 0, 0, 0, 0, 0, 0, 0, 64 };
    uint8_t answer[64];

    packet(f, toc, 64, false);
    g_assert_cmphex(packet_wait(f), ==, 0x58);
    unsigned n = packet_count(f);
    g_assert_cmpuint(n, ==, 20);
    read_words(f, SECONDARY, answer, n);
    packet_end(f);
    g_assert_cmpuint(bytes_ld_be16(answer), ==, 18);
    g_assert_cmphex(answer[14], ==, 0xaa);
    g_assert_cmpuint(bytes_ld_be32(answer + 16), ==, 100);
}

/* Every packet command code with hostile parameters: none may hang the drive
 * or overrun anything. */
static void test_cd_any_packet(Fixture *f, gconstpointer data)
{
    for (unsigned n = 0; n < 256 * 3; n++) {
        uint8_t bytes[12];
        memset(bytes, n / 256 * 0x7f, sizeof bytes);
        bytes[0] = n;
        packet(f, bytes, n % 2 ? 0xffff : 2, false);
        for (unsigned i = 0; i < 40000; i++) {
            fake_pc_run_ns(f->m, LATENCY);
            if (!(status(f, SECONDARY) & ST_DRQ)) {
                break;
            }
            in_port(f->m, SECONDARY, 4);
        }
        g_assert_cmphex(status(f, SECONDARY) & (ST_BSY | ST_DRQ), ==, 0);
        machine_reset(f->m);
    }
}

/* --- state --------------------------------------------------------------------------*/

static void test_save_in_transfer(Fixture *f, gconstpointer data)
{
    uint8_t buf[512];

    set_lba28(f, 3000, 2);
    command(f, 0x20);
    wait_irq(f);
    read_words(f, PRIMARY, buf, 100);
    uint64_t digest = machine_state_digest(f->m);
    machine_rewire(f->m);
    g_assert_cmpuint(machine_state_digest(f->m), ==, digest);
    read_words(f, PRIMARY, buf + 100, 412);
    g_assert_cmpmem(buf, 512, f->disk->data + 3000 * 512, 512);
    g_assert_cmphex(wait_irq(f), ==, 0x58);
}

typedef struct Scramble {
    GRand *rand;
} Scramble;

/* Any stream that state_load() accepts: every value, booleans 0 or 1. */
static void scramble(void *opaque, const Section *section)
{
    GRand *r = ((Scramble *)opaque)->rand;
    if (!g_str_has_prefix(section->name, "ide-") &&
        !g_str_has_prefix(section->name, "piix3-ide") &&
        !g_str_has_prefix(section->name, "PIIX") &&
        !g_str_has_prefix(section->name, "i440FX")) {
        return;
    }
    for (unsigned i = 0; i < section->table->field_count; i++) {
        const StateField *f = &section->table->fields[i];
        for (uint32_t n = 0; n < f->count && f->count < 1000; n++) {
            uint64_t v = (uint64_t)g_rand_int(r) << 32 | g_rand_int(r);
            v >>= g_rand_int_range(r, 0, 64);
            state_set(f, section->object, n, f->tag == STATE_BOOL ? v & 1 : v);
        }
    }
}

static uint16_t wild_port(GRand *r)
{
    static const uint16_t bases[] = { PRIMARY, SECONDARY, 0xcf8, 0xcfc, BMIDE,
                                      0x3f6, 0x376, 0xb2, 0xafe0, 0x600,
                                      PRIMARY, SECONDARY };
    return bases[g_rand_int_range(r, 0, G_N_ELEMENTS(bases))] +
           g_rand_int_range(r, 0, 8);
}

static void wild_pokes(Fixture *f, GRand *r)
{
    for (unsigned i = 0; i < 300; i++) {
        unsigned size = 1 << g_rand_int_range(r, 0, 3);
        uint16_t port = wild_port(r);
        if (g_rand_boolean(r)) {
            in_port(f->m, port, size);
        } else if (port != 0xcf9) {
            out_port(f->m, port, g_rand_int(r), size);
        }
        if (i % 16 == 0) {
            fake_pc_run_ns(f->m, LATENCY);
        }
    }
}

/* Whatever a stream and a guest do together, requests stay inside the disk
 * (the fake disk asserts it) and inside the buffers (the sanitizers see it). */
static void test_wild(Fixture *f, gconstpointer data)
{
    Scramble s = { g_rand_new_with_seed(1) };

    for (unsigned n = 0; n < 200; n++) {
        machine_reset(f->m);
        bus_master_init(f->m);
        if (n % 2) {
            machine_sections(f->m, scramble, &s);
            machine_rewire_loaded(f->m, NULL);
        }
        wild_pokes(f, s.rand);
        GString *out = g_string_new(NULL);
        machine_info(f->m, "pci", out);
        g_string_free(out, TRUE);
    }
    g_rand_free(s.rand);
}

static void add(const char *path, void (*fn)(Fixture *, gconstpointer))
{
    g_test_add(path, Fixture, NULL, setup, fn, teardown);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/ata/identify", test_identify);
    add("/ata/pio-read", test_pio_read);
    add("/ata/pio-write", test_pio_write);
    add("/ata/multiple", test_multiple);
    add("/ata/lba48", test_lba48);
    add("/ata/chs", test_chs);
    add("/ata/out-of-range", test_out_of_range);
    add("/ata/host-error", test_host_error);
    add("/ata/unknown-command", test_unknown_command);
    add("/ata/reset", test_reset);
    add("/ata/no-interrupt", test_no_interrupt);
    add("/ata/save-in-transfer", test_save_in_transfer);
    add("/ata/wild", test_wild);
    add("/bmdma/read", test_dma_read);
    add("/bmdma/write", test_dma_write);
    add("/bmdma/list-too-long", test_dma_list_too_long);
    add("/bmdma/list-too-short", test_dma_list_too_short);
    add("/bmdma/without-master", test_dma_without_master);
    add("/atapi/identify", test_cd_identify);
    add("/atapi/capacity", test_cd_capacity);
    add("/atapi/read-pio", test_cd_read_pio);
    add("/atapi/read-dma", test_cd_read_dma);
    add("/atapi/errors", test_cd_errors);
    add("/atapi/toc", test_cd_toc);
    add("/atapi/any-packet", test_cd_any_packet);
    return g_test_run();
}
