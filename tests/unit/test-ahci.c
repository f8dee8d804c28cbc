/*
 * AHCI: commands by PIO, DMA and queue, packets, resets, interrupts, and drivers
 * that break rules.
 */
#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "fake-pc.h"

#define SLOT  (5 << 3)
#define ABAR  0xe0000000u
#define PAIR  0xc100u
#define LIST  0x100000u        /* of port n at 0x1000 * n */
#define FISES 0x108000u
#define TABLE 0x110000u        /* of slot n at 0x1000 * n */
#define DATA  0x200000u
#define RAM_BYTES (8 * MIB)

#define SECTORS 70000u
#define CD_BLOCKS 100u

enum { CAP = 0, GHC = 4, IS = 8, PI = 12, VS = 16 };
enum {
    P_CLB = 0, P_CLBU = 4, P_FB = 8, P_IS = 0x10, P_IE = 0x14, P_CMD = 0x18,
    P_TFD = 0x20, P_SIG = 0x24, P_SSTS = 0x28, P_SCTL = 0x2c, P_SERR = 0x30,
    P_SACT = 0x34, P_CI = 0x38,
};
enum { RUN = 0x11 };           /* ST and FRE */
enum { DHRS = 1, PSS = 2, SDBS = 8, DPS = 32, PCS = 64 };
#define OFS  BIT(24)
#define IFS  BIT(27)
#define HBFS BIT(29)
#define TFES BIT(30)

typedef struct Fixture {
    Machine *m;
    BlockDev *disk, *cd;
} Fixture;

static uint32_t reg(Fixture *f, unsigned at)
{
    return address_space_ld(f->m->memory, ABAR + at, 4);
}

static void set_reg(Fixture *f, unsigned at, uint32_t v)
{
    address_space_st(f->m->memory, ABAR + at, v, 4);
}

static uint32_t port(Fixture *f, unsigned n, unsigned at)
{
    return reg(f, 0x100 + 0x80 * n + at);
}

static void set_port(Fixture *f, unsigned n, unsigned at, uint32_t v)
{
    set_reg(f, 0x100 + 0x80 * n + at, v);
}

static void st(Fixture *f, PhysAddr a, uint64_t v, unsigned size)
{
    address_space_st(f->m->memory, a, v, size);
}

static uint64_t ld(Fixture *f, PhysAddr a, unsigned size)
{
    return address_space_ld(f->m->memory, a, size);
}

static void run(Fixture *f)
{
    fake_pc_run_ns(f->m, 200 * NS_PER_MS);
}

static void start_port(Fixture *f, unsigned n)
{
    set_port(f, n, P_CLB, LIST + 0x1000 * n);
    set_port(f, n, P_FB, FISES + 0x1000 * n);
    set_port(f, n, P_IE, 0xffffffff);
    set_port(f, n, P_CMD, RUN);
}

static void setup(Fixture *f, gconstpointer data)
{
    f->disk = fake_disk_new((uint64_t)SECTORS * 512);
    f->cd = fake_disk_new(CD_BLOCKS * 2048);
    f->m = fake_pc_new(RAM_BYTES);
    fake_pc_add_drive(f->m, "hd", f->disk, false, -2);
    fake_pc_add_drive(f->m, "cd", f->cd, true, -2);
    fake_pc_add_device(f->m, "ich9-ahci", "addr", "5", NULL);
    fake_pc_add_device(f->m, "ide-hd", "drive", "hd", "bus", "ide.2", "wwn",
                       "0x5000c50015ea71ac", NULL);
    fake_pc_add_device(f->m, "ide-cd", "drive", "cd", "bus", "ide.3", NULL);
    fake_pc_start(f->m);
    pci_cfg_write(f->m, SLOT, 0x24, ABAR, 4);
    pci_cfg_write(f->m, SLOT, 0x20, PAIR, 4);
    pci_cfg_write(f->m, SLOT, 4, 7, 2);
    start_port(f, 0);
    start_port(f, 1);
    set_reg(f, GHC, 0x80000002);
}

static void teardown(Fixture *f, gconstpointer data)
{
    fake_pc_free(f->m);
    fake_disk_free(f->disk);
    fake_disk_free(f->cd);
}

/* --- building commands ------------------------------------------------------------*/

typedef struct Command {
    unsigned port, slot;
    uint8_t code, feature, count, device;
    uint64_t lba;
    bool write, packet;
    const char *cdb;           /* 12 bytes */
} Command;

static PhysAddr table_at(const Command *c)
{
    return TABLE + 0x1000 * c->slot;
}

static PhysAddr header_at(const Command *c)
{
    return LIST + 0x1000 * c->port + 32 * c->slot;
}

/* One descriptor of that length at DATA + 64 KiB * slot, or none. */
static void put(Fixture *f, const Command *c, uint32_t bytes)
{
    PhysAddr t = table_at(c);
    uint8_t fis[20] = { 0x27, 0x80, c->code, c->feature, c->lba, c->lba >> 8,
                        c->lba >> 16, c->device | 0x40, c->lba >> 24,
                        c->lba >> 32, c->lba >> 40, 0, c->count };

    st(f, header_at(c), 5 | (c->packet ? BIT(5) : 0) |
                            (c->write ? BIT(6) : 0) | (bytes ? 1 << 16 : 0),
       4);
    st(f, header_at(c) + 4, 0x5555, 4);
    st(f, header_at(c) + 8, t, 8);
    address_space_write(f->m->memory, t, fis, sizeof fis);
    if (c->cdb) {
        address_space_write(f->m->memory, t + 0x40, c->cdb, 12);
    }
    st(f, t + 0x80, DATA + 0x10000 * c->slot, 8);
    st(f, t + 0x8c, bytes ? bytes - 1 : 0, 4);
}

static void issue(Fixture *f, const Command *c, uint32_t bytes)
{
    put(f, c, bytes);
    set_port(f, c->port, P_CI, BIT(c->slot));
}

/* To the end, which must be a good one with these interrupts. */
static void done(Fixture *f, const Command *c, uint32_t is)
{
    g_assert_cmphex(port(f, c->port, P_CI), ==, BIT(c->slot));
    g_assert_cmphex(port(f, c->port, P_TFD) & 0x80, ==, 0x80);
    run(f);
    g_assert_cmphex(port(f, c->port, P_CI), ==, 0);
    g_assert_cmphex(port(f, c->port, P_TFD) & 0x89, ==, 0);
    g_assert_cmphex(port(f, c->port, P_IS), ==, is);
    g_assert_cmphex(reg(f, IS), ==, BIT(c->port));
    set_port(f, c->port, P_IS, is);
    set_reg(f, IS, BIT(c->port));
    g_assert_cmphex(reg(f, IS), ==, 0);
}

static void check_memory(Fixture *f, PhysAddr at, const uint8_t *want,
                         unsigned bytes)
{
    g_autofree uint8_t *got = g_malloc(bytes);
    address_space_read(f->m->memory, at, got, bytes);
    g_assert_cmpmem(got, bytes, want, bytes);
}

/* --- what a driver sees --------------------------------------------------------------*/

static void test_registers(Fixture *f, gconstpointer data)
{
    g_assert_cmphex(reg(f, CAP), ==, 0xc0249f05);
    g_assert_cmphex(reg(f, GHC), ==, 0x80000002);
    g_assert_cmphex(reg(f, PI), ==, 0x3f);
    g_assert_cmphex(reg(f, VS), ==, 0x10000);
    g_assert_cmphex(port(f, 0, P_SSTS), ==, 0x123);
    g_assert_cmphex(port(f, 0, P_SIG), ==, 0x101);
    g_assert_cmphex(port(f, 1, P_SIG), ==, 0xeb140101);
    g_assert_cmphex(port(f, 2, P_SSTS), ==, 0);
    g_assert_cmphex(port(f, 2, P_TFD), ==, 0x7f);
    g_assert_cmphex(port(f, 0, P_CMD), ==, 0xc017);
    /* The same by the index and data ports. */
    out_port(f->m, PAIR + 0x10, VS, 4);
    g_assert_cmphex(in_port(f->m, PAIR + 0x14, 4), ==, 0x10000);
    /* The first FIS came when FRE was set. */
    g_assert_cmphex(ld(f, FISES + 0x40, 4), ==, 0x01500034);
    /* Addresses are aligned, and 64 bits wide. */
    set_port(f, 3, P_CLB, 0xffffffff);
    set_port(f, 3, P_CLBU, 0x12345678);
    g_assert_cmphex(port(f, 3, P_CLB), ==, 0xfffffc00);
    g_assert_cmphex(port(f, 3, P_CLBU), ==, 0x12345678);
}

static void test_identify(Fixture *f, gconstpointer data)
{
    const Command c = { .code = 0xec };
    uint8_t id[512];

    issue(f, &c, 512);
    done(f, &c, PSS);
    address_space_read(f->m->memory, DATA, id, sizeof id);
    g_assert_cmphex(bytes_ld_le16(id), ==, 0x40);
    g_assert_cmpuint(bytes_ld_le64(id + 200), ==, SECTORS);
    g_assert_cmphex(bytes_ld_le16(id + 2 * 75), ==, 31);
    g_assert_cmphex(bytes_ld_le16(id + 2 * 76), ==, 0x106);
    g_assert_cmphex(bytes_ld_le16(id + 2 * 169), ==, 1);
    g_assert_cmphex(bytes_ld_le16(id + 2 * 108), ==, 0x5000);
    g_assert_cmphex(bytes_ld_le16(id + 2 * 111), ==, 0x71ac);
    g_assert_cmpuint(ld(f, LIST + 4, 4), ==, 512);
    /* The PIO setup FIS: its end status, and how much. */
    g_assert_cmphex(ld(f, FISES + 0x20, 1), ==, 0x5f);
    g_assert_cmphex(ld(f, FISES + 0x2f, 1), ==, 0x50);
    g_assert_cmpuint(ld(f, FISES + 0x30, 2), ==, 512);
}

static void test_dma_and_descriptors(Fixture *f, gconstpointer data)
{
    const Command c = { .code = 0x25, .lba = 1000, .count = 3, .slot = 7 };
    PhysAddr t = table_at(&c);

    put(f, &c, 1536);
    /* Three pieces of odd places and sizes; the second tells its end. */
    st(f, header_at(&c), 5 | 3 << 16, 4);
    st(f, t + 0x80, DATA + 2, 8);
    st(f, t + 0x8c, 10 - 1, 4);
    st(f, t + 0x90, DATA + 0x100, 8);
    st(f, t + 0x9c, (1000 - 1) | BIT(31), 4);
    st(f, t + 0xa0, DATA + 0x1000, 8);
    st(f, t + 0xac, 0x3fffff, 4);
    set_port(f, 0, P_CI, BIT(7));
    g_assert_cmphex(port(f, 0, P_CMD), ==, 0xc717);
    done(f, &c, DHRS | DPS);
    const uint8_t *want = f->disk->data + 1000 * 512;
    check_memory(f, DATA + 2, want, 10);
    check_memory(f, DATA + 0x100, want + 10, 1000);
    check_memory(f, DATA + 0x1000, want + 1010, 526);
    g_assert_cmpuint(ld(f, header_at(&c) + 4, 4), ==, 1536);
}

static void test_writes(Fixture *f, gconstpointer data)
{
    const Command dma = { .code = 0x35, .lba = 5, .count = 2, .write = true };
    const Command pio = { .code = 0x30, .lba = 9, .count = 2, .write = true,
                          .slot = 1 };
    const Command fua = { .code = 0x3d, .lba = 20, .count = 1, .write = true };
    uint8_t buf[1024];

    memset(buf, 0xa5, sizeof buf);
    address_space_write(f->m->memory, DATA, buf, sizeof buf);
    address_space_write(f->m->memory, DATA + 0x10000, buf, sizeof buf);
    issue(f, &dma, 1024);
    done(f, &dma, DHRS);
    g_assert_cmpmem(f->disk->data + 5 * 512, 1024, buf, 1024);
    issue(f, &pio, 1024);
    done(f, &pio, DHRS);
    g_assert_cmpmem(f->disk->data + 9 * 512, 1024, buf, 1024);
    g_assert_cmpuint(f->disk->flushes, ==, 0);
    issue(f, &fua, 512);
    done(f, &fua, DHRS);
    g_assert_cmpuint(f->disk->flushes, ==, 1);
}

static void test_trim(Fixture *f, gconstpointer data)
{
    const Command c = { .code = 6, .feature = 1, .count = 1, .write = true };
    static const uint8_t zeroes[512];

    memset(f->disk->data + 99 * 512, 0x11, 4 * 512);
    for (unsigned i = 0; i < 512; i += 8) {
        st(f, DATA + i, 0, 8);
    }
    st(f, DATA + 8, UINT64_C(2) << 48 | 100, 8);
    issue(f, &c, 512);
    done(f, &c, DHRS);
    g_assert_cmphex(f->disk->data[99 * 512], ==, 0x11);
    g_assert_cmpmem(f->disk->data + 100 * 512, 512, zeroes, 512);
    g_assert_cmpmem(f->disk->data + 101 * 512, 512, zeroes, 512);
    g_assert_cmphex(f->disk->data[102 * 512], ==, 0x11);
    /* Beyond the end. */
    st(f, DATA, UINT64_C(2) << 48 | (SECTORS - 1), 8);
    issue(f, &c, 512);
    run(f);
    g_assert_cmphex(port(f, 0, P_IS), ==, DHRS | TFES);
}

/* --- the queue -------------------------------------------------------------------------*/

static void put_queued(Fixture *f, unsigned slot, bool write, uint64_t lba,
                       unsigned sectors)
{
    const Command c = { .slot = slot, .code = write ? 0x61 : 0x60,
                        .feature = sectors, .count = slot << 3, .lba = lba,
                        .write = write };
    put(f, &c, sectors * 512);
}

static void test_queue(Fixture *f, gconstpointer data)
{
    uint8_t buf[512];

    memset(buf, 0x5a, sizeof buf);
    address_space_write(f->m->memory, DATA + 0x10000 * 31, buf, sizeof buf);
    put_queued(f, 3, false, 300, 4);
    put_queued(f, 31, true, 310, 1);
    put_queued(f, 4, false, 310, 1);
    set_port(f, 0, P_SACT, BIT(3) | BIT(31) | BIT(4));
    set_port(f, 0, P_CI, BIT(3) | BIT(31) | BIT(4));
    /* The drive has them all; none has ended. */
    g_assert_cmphex(port(f, 0, P_CI), ==, 0);
    g_assert_cmphex(port(f, 0, P_SACT), ==, BIT(3) | BIT(31) | BIT(4));
    g_assert_cmphex(port(f, 0, P_TFD), ==, 0x50);
    fake_pc_run_ns(f->m, 14500);
    g_assert_cmphex(port(f, 0, P_SACT), ==, BIT(31) | BIT(4));
    g_assert_cmphex(ld(f, FISES + 0x58, 4), ==, 0x005040a1);
    g_assert_cmphex(ld(f, FISES + 0x5c, 4), ==, BIT(3));
    run(f);
    g_assert_cmphex(port(f, 0, P_SACT), ==, 0);
    g_assert_cmphex(port(f, 0, P_IS), ==, SDBS);
    check_memory(f, DATA + 0x30000, f->disk->data + 300 * 512, 2048);
    /* In the order of slots: 4 was before 31, which wrote. */
    g_assert_cmphex(ld(f, DATA + 0x40000 + 1, 1), !=, 0x5a);
    g_assert_cmpmem(f->disk->data + 310 * 512, 512, buf, 512);
}

/* An error drops the queue; the log says whose it was, and lets the drive go
 * on. */
static void test_queue_error(Fixture *f, gconstpointer data)
{
    const Command log = { .code = 0x2f, .lba = 0x10, .count = 1 };
    const Command read = { .code = 0x25, .lba = 1, .count = 1 };
    uint8_t page[512], sum = 0;

    put_queued(f, 2, false, SECTORS - 1, 2);
    put_queued(f, 5, false, 0, 1);
    set_port(f, 0, P_SACT, BIT(2) | BIT(5));
    set_port(f, 0, P_CI, BIT(2) | BIT(5));
    run(f);
    g_assert_cmphex(port(f, 0, P_SACT), ==, BIT(2) | BIT(5));
    g_assert_cmphex(port(f, 0, P_TFD), ==, 0x1041);
    g_assert_cmphex(port(f, 0, P_IS), ==, SDBS | TFES);
    /* Until it is started again nothing is taken from the list. */
    issue(f, &read, 512);
    run(f);
    g_assert_cmphex(port(f, 0, P_CI), ==, 1);
    set_port(f, 0, P_CMD, 0x10);
    g_assert_cmphex(port(f, 0, P_SACT), ==, 0);
    g_assert_cmphex(port(f, 0, P_CI), ==, 0);
    set_port(f, 0, P_IS, 0xffffffff);
    set_reg(f, IS, 1);
    set_port(f, 0, P_CMD, RUN);
    issue(f, &log, 512);
    done(f, &log, PSS);
    address_space_read(f->m->memory, DATA, page, sizeof page);
    g_assert_cmphex(page[0], ==, 2);
    g_assert_cmphex(page[2], ==, 0x41);
    g_assert_cmphex(page[3], ==, 0x10);
    g_assert_cmpuint(bytes_ld_le16(page + 4), ==, (SECTORS - 1) & 0xffff);
    for (unsigned i = 0; i < 512; i++) {
        sum += page[i];
    }
    g_assert_cmphex(sum, ==, 0);
    issue(f, &read, 512);
    done(f, &read, DHRS);
}

static void test_queue_and_others(Fixture *f, gconstpointer data)
{
    const Command read = { .slot = 1, .code = 0x25, .lba = 1, .count = 1 };

    put_queued(f, 0, false, 0, 1);
    put(f, &read, 512);
    set_port(f, 0, P_SACT, 1);
    set_port(f, 0, P_CI, 3);
    run(f);
    g_assert_cmphex(port(f, 0, P_IS), ==, DHRS | TFES);
    g_assert_cmphex(port(f, 0, P_TFD), ==, 0x441);
    g_assert_cmphex(port(f, 0, P_CI), ==, 2);
    g_assert_cmphex(port(f, 0, P_CMD) & 0x1f00, ==, 0x100);
    g_assert_cmphex(port(f, 0, P_SACT), ==, 1);
}

/* --- packets -----------------------------------------------------------------------------*/

static void test_packet(Fixture *f, gconstpointer data)
{
    Command c = { .port = 1, .code = 0xa0, .feature = 1, .packet = true,
                  .cdb = "\x28\0\0\0\0\x07\0\0\x02\0\0\0" };

    issue(f, &c, 4096);
    done(f, &c, DHRS);
    check_memory(f, DATA, f->cd->data + 7 * 2048, 4096);
    g_assert_cmpuint(ld(f, header_at(&c) + 4, 4), ==, 4096);
    /* By PIO, in blocks of as much as the cylinder registers say. */
    c.feature = 0;
    c.lba = 2048 << 8;
    issue(f, &c, 4096);
    done(f, &c, PSS | DHRS);
    check_memory(f, DATA, f->cd->data + 7 * 2048, 4096);
    /* A command without data, and one that fails. */
    c.cdb = "\0\0\0\0\0\0\0\0\0\0\0\0";
    issue(f, &c, 0);
    done(f, &c, DHRS);
    c.cdb = "\x28\0\xff\0\0\0\0\0\x01\0\0\0";
    issue(f, &c, 2048);
    run(f);
    g_assert_cmphex(port(f, 1, P_TFD), ==, 0x5441);
    g_assert_cmphex(port(f, 1, P_IS), ==, DHRS | TFES);
}

/* --- resets ----------------------------------------------------------------------------------*/

static void test_comreset(Fixture *f, gconstpointer data)
{
    put_queued(f, 0, false, 0, 100);
    set_port(f, 0, P_SACT, 1);
    set_port(f, 0, P_CI, 1);
    set_port(f, 0, P_CMD, 0x10);
    set_port(f, 0, P_SCTL, 0x301);
    g_assert_cmphex(port(f, 0, P_SSTS), ==, 0);
    g_assert_cmphex(port(f, 0, P_TFD), ==, 0x7f);
    set_port(f, 0, P_SCTL, 0x300);
    g_assert_cmphex(port(f, 0, P_SSTS), ==, 0x123);
    g_assert_cmphex(port(f, 0, P_TFD) & 0x80, ==, 0x80);
    g_assert_cmphex(port(f, 0, P_IS) & PCS, ==, PCS);
    run(f);
    g_assert_cmphex(port(f, 0, P_TFD), ==, 0x150);
    g_assert_cmphex(port(f, 0, P_SIG), ==, 0x101);
    set_port(f, 0, P_SERR, 0xffffffff);
    g_assert_cmphex(port(f, 0, P_IS), ==, 0);
    /* A slower link, and none where nothing is plugged in. */
    set_port(f, 0, P_SCTL, 0x311);
    set_port(f, 0, P_SCTL, 0x310);
    g_assert_cmphex(port(f, 0, P_SSTS), ==, 0x113);
    set_port(f, 2, P_SCTL, 0x301);
    set_port(f, 2, P_SCTL, 0x300);
    g_assert_cmphex(port(f, 2, P_SSTS), ==, 0);
}

static void test_soft_reset(Fixture *f, gconstpointer data)
{
    const Command c = { .port = 1 };

    put(f, &c, 0);
    st(f, header_at(&c), 5 | BIT(8) | BIT(10), 4);
    st(f, table_at(&c) + 1, 0, 1);
    st(f, table_at(&c) + 15, 4, 1);
    set_port(f, 1, P_CI, 1);
    g_assert_cmphex(port(f, 1, P_CI), ==, 0);
    st(f, header_at(&c), 5, 4);
    st(f, table_at(&c) + 15, 0, 1);
    set_port(f, 1, P_CI, 1);
    g_assert_cmphex(port(f, 1, P_CI), ==, 1);
    run(f);
    g_assert_cmphex(port(f, 1, P_CI), ==, 0);
    g_assert_cmphex(port(f, 1, P_SIG), ==, 0xeb140101);
    g_assert_cmphex(port(f, 1, P_TFD), ==, 0x100);
}

static void test_hba_reset(Fixture *f, gconstpointer data)
{
    set_reg(f, GHC, 0x80000001);
    g_assert_cmphex(reg(f, GHC), ==, 0x80000000);
    g_assert_cmphex(port(f, 0, P_CMD), ==, 6);
    g_assert_cmphex(port(f, 0, P_IE), ==, 0);
    g_assert_cmphex(port(f, 0, P_CLB), ==, LIST);
    run(f);
    g_assert_cmphex(port(f, 0, P_TFD), ==, 0x150);
}

/* A command that the driver gave up ends for nobody. */
static void test_stop_in_a_command(Fixture *f, gconstpointer data)
{
    const Command c = { .code = 0x25, .lba = 0, .count = 4 };

    issue(f, &c, 2048);
    set_port(f, 0, P_CMD, 0x10);
    g_assert_cmphex(port(f, 0, P_CMD) & 0x8000, ==, 0);
    set_port(f, 0, P_CMD, RUN);
    issue(f, &c, 2048);
    g_assert_cmphex(port(f, 0, P_CI), ==, 1);
    run(f);
    g_assert_cmphex(port(f, 0, P_CI), ==, 0);
    g_assert_cmphex(port(f, 0, P_TFD), ==, 0x50);
}

/* --- interrupts ---------------------------------------------------------------------------------*/

static void test_msi(Fixture *f, gconstpointer data)
{
    const Command c = { .code = 0xe7 };

    /* The message goes to memory, where it can be seen. */
    pci_cfg_write(f->m, SLOT, 0x84, DATA, 4);
    pci_cfg_write(f->m, SLOT, 0x8c, 0x4321, 2);
    pci_cfg_write(f->m, SLOT, 0x82, 1, 2);
    st(f, DATA, 0, 4);
    issue(f, &c, 0);
    run(f);
    g_assert_cmphex(ld(f, DATA, 4), ==, 0x4321);
    g_assert_cmphex(pci_cfg_read(f->m, SLOT, 6, 2) & 8, ==, 0);
    /* Clearing the port's bit only leaves none; clearing the controller's too
     * early asks for another. */
    st(f, DATA, 0, 4);
    set_reg(f, IS, 1);
    g_assert_cmphex(ld(f, DATA, 4), ==, 0x4321);
    st(f, DATA, 0, 4);
    set_port(f, 0, P_IS, DHRS);
    set_reg(f, IS, 1);
    g_assert_cmphex(ld(f, DATA, 4), ==, 0);
    /* Aimed at the controller itself. */
    pci_cfg_write(f->m, SLOT, 0x84, ABAR + GHC, 4);
    issue(f, &c, 0);
    run(f);
    g_assert_cmphex(reg(f, GHC), ==, 0x80000002);
}

static void test_pin(Fixture *f, gconstpointer data)
{
    const Command c = { .code = 0xe7 };

    issue(f, &c, 0);
    run(f);
    g_assert_cmphex(pci_cfg_read(f->m, SLOT, 6, 2) & 8, ==, 8);
    set_port(f, 0, P_IS, DHRS);
    g_assert_cmphex(pci_cfg_read(f->m, SLOT, 6, 2) & 8, ==, 8);
    set_reg(f, IS, 1);
    g_assert_cmphex(pci_cfg_read(f->m, SLOT, 6, 2) & 8, ==, 0);
    /* FLUSH CACHE with nIEN ends without an interrupt. */
    put(f, &c, 0);
    st(f, table_at(&c) + 15, 2, 1);
    set_port(f, 0, P_CI, 1);
    run(f);
    g_assert_cmphex(port(f, 0, P_IS), ==, 0);
    g_assert_cmphex(port(f, 0, P_CI), ==, 0);
}

/* --- hostile drivers ---------------------------------------------------------------------------*/

/* The port stops with this, and a COMRESET brings it back. */
static void fails_with(Fixture *f, uint32_t is)
{
    const Command c = { .code = 0xe7, .slot = 9 };

    run(f);
    g_assert_cmphex(port(f, 0, P_IS) & is, ==, is);
    set_port(f, 0, P_CMD, 0x10);
    set_port(f, 0, P_SCTL, 0x301);
    set_port(f, 0, P_SCTL, 0x300);
    run(f);
    set_port(f, 0, P_CLB, LIST);
    set_port(f, 0, P_CLBU, 0);
    set_port(f, 0, P_FB, FISES);
    set_port(f, 0, P_SERR, 0xffffffff);
    set_port(f, 0, P_IS, 0xffffffff);
    set_port(f, 1, P_IS, 0xffffffff);
    set_reg(f, IS, 0x3f);
    set_port(f, 0, P_CMD, RUN);
    issue(f, &c, 0);
    done(f, &c, DHRS);
}

static void test_wrong_places(Fixture *f, gconstpointer data)
{
    const Command c = { .code = 0x25, .count = 4 };
    PhysAddr t = table_at(&c);

    set_port(f, 0, P_CLBU, 0x80000);
    set_port(f, 0, P_CI, 1);
    fails_with(f, HBFS);
    put(f, &c, 2048);
    st(f, header_at(&c) + 8, UINT64_MAX, 8);
    set_port(f, 0, P_CI, 1);
    fails_with(f, HBFS);
    put(f, &c, 2048);
    st(f, t + 0x80, UINT64_C(0xfffffffffffffffe), 8);
    set_port(f, 0, P_CI, 1);
    fails_with(f, HBFS);
    /* Without bus mastering. */
    put(f, &c, 2048);
    pci_cfg_write(f->m, SLOT, 4, 3, 2);
    set_port(f, 0, P_CI, 1);
    run(f);
    g_assert_cmphex(port(f, 0, P_IS) & HBFS, ==, HBFS);
    pci_cfg_write(f->m, SLOT, 4, 7, 2);
    fails_with(f, 0);
    set_port(f, 0, P_FB, 0xfffff000);
    issue(f, &c, 2048);
    fails_with(f, 0);
}

static void test_wrong_commands(Fixture *f, gconstpointer data)
{
    const Command c = { .code = 0x25, .count = 4 };
    static const uint32_t flags[] = { 0, 1, 4, 17, 31 };

    for (unsigned i = 0; i < G_N_ELEMENTS(flags); i++) {
        put(f, &c, 2048);
        st(f, header_at(&c), flags[i] | 1 << 16, 4);
        set_port(f, 0, P_CI, 1);
        g_assert_cmphex(port(f, 0, P_SERR) & BIT(10), ==, BIT(10));
        fails_with(f, IFS);
    }
    put(f, &c, 2048);
    st(f, table_at(&c), 0x34, 1);
    set_port(f, 0, P_CI, 1);
    fails_with(f, IFS);
}

static void test_few_descriptors(Fixture *f, gconstpointer data)
{
    Command c = { .code = 0x25, .count = 4 };

    /* What does not fit is dropped. */
    st(f, DATA + 1000, 0x77, 1);
    issue(f, &c, 1000);
    done(f, &c, DHRS | OFS);
    check_memory(f, DATA, f->disk->data, 1000);
    g_assert_cmphex(ld(f, DATA + 1000, 1), ==, 0x77);
    g_assert_cmpuint(ld(f, LIST + 4, 4), ==, 1000);
    /* What is missing never comes. */
    c.code = 0x35;
    issue(f, &c, 1000);
    run(f);
    g_assert_cmphex(port(f, 0, P_CI), ==, 1);
    fails_with(f, OFS);
    c.code = 0x30;
    issue(f, &c, 512);
    fails_with(f, OFS);
    put_queued(f, 6, true, 0, 4);
    st(f, TABLE + 0x6000 + 0x8c, 1000 - 1, 4);
    set_port(f, 0, P_SACT, BIT(6));
    set_port(f, 0, P_CI, BIT(6));
    fails_with(f, OFS);
}

/* Descriptors that name the controller's registers do nothing to it. */
static void test_itself(Fixture *f, gconstpointer data)
{
    const Command c = { .code = 0x25, .count = 8 };

    for (unsigned i = 0; i < 4096; i += 4) {
        bytes_st_le32(f->disk->data + i, 0xffffffff);
    }
    put(f, &c, 4096);
    st(f, table_at(&c) + 0x80, ABAR, 8);
    set_port(f, 0, P_CI, 1);
    done(f, &c, DHRS);
    g_assert_cmphex(reg(f, GHC), ==, 0x80000002);
    set_port(f, 0, P_CLB, 0xe0000000u);
    set_port(f, 0, P_FB, 0xe0000100u);
    set_port(f, 0, P_CI, 0xffffffff);
    set_port(f, 0, P_SACT, 0xffffffff);
    fails_with(f, 0);
}

static void random_memory(Fixture *f, GRand *rnd)
{
    for (PhysAddr a = LIST; a < LIST + 0x400; a += 4) {
        st(f, a, g_rand_int(rnd), 4);
    }
    for (unsigned slot = 0; slot < 32; slot++) {
        const Command c = { .slot = slot, .code = g_rand_int(rnd),
                            .feature = g_rand_int(rnd),
                            .count = g_rand_int(rnd),
                            .lba = g_rand_int_range(rnd, 0, SECTORS + 9),
                            .packet = g_rand_boolean(rnd) };
        if (g_rand_int_range(rnd, 0, 8)) {
            put(f, &c, g_rand_int_range(rnd, 0, 0x20000));
            st(f, TABLE + 0x1000 * slot + 0x80,
               g_rand_int_range(rnd, 0x180000, RAM_BYTES), 8);
            st(f, LIST + 32 * slot, 5 | g_rand_int(rnd) << 16, 4);
        }
    }
}

/* Whatever a driver does, a reset makes it well. */
static void test_random(Fixture *f, gconstpointer data)
{
    GRand *rnd = g_rand_new_with_seed(11);

    for (unsigned n = 0; n < 3000; n++) {
        unsigned p = g_rand_int_range(rnd, 0, 3);
        unsigned at = g_rand_int_range(rnd, 4, 16) * 4;
        uint32_t v = g_rand_int(rnd);
        if (n % 50 == 0) {
            random_memory(f, rnd);
        }
        if (at == P_CMD) {
            v = (v & ~RUN) | (g_rand_int_range(rnd, 0, 4) ? RUN : 0);
        }
        set_port(f, p, at, v);
        if (g_rand_int_range(rnd, 0, 4) == 0) {
            fake_pc_run_ns(f->m, 30 * NS_PER_US);
        }
    }
    g_rand_free(rnd);
    set_reg(f, GHC, 0x80000001);
    run(f);
    start_port(f, 0);
    set_reg(f, GHC, 0x80000002);
    fails_with(f, 0);
}

/* --- the state ------------------------------------------------------------------------------------*/

static void save_section(void *opaque, const Section *s)
{
    GByteArray *bytes = g_byte_array_new();
    state_save(s->table, s->object, bytes);
    g_ptr_array_add(opaque, bytes);
}

static void load_section(void *opaque, const Section *s)
{
    GPtrArray *streams = opaque;
    GByteArray *bytes = g_ptr_array_steal_index(streams, 0);
    g_assert_true(state_load(s->table, s->object, bytes->data, bytes->len,
                             NULL));
    g_byte_array_unref(bytes);
}

/* A queue that was half done when it was saved is done after a load. */
static void test_load_in_a_queue(Fixture *f, gconstpointer data)
{
    g_autoptr(GPtrArray) streams = g_ptr_array_new();

    put_queued(f, 1, false, 50, 4);
    put_queued(f, 2, false, 60, 4);
    set_port(f, 0, P_SACT, 6);
    set_port(f, 0, P_CI, 6);
    fake_pc_run_ns(f->m, 14500);
    g_assert_cmphex(port(f, 0, P_SACT), ==, 4);
    machine_sections(f->m, save_section, streams);
    run(f);
    g_assert_cmphex(port(f, 0, P_SACT), ==, 0);
    machine_sections(f->m, load_section, streams);
    machine_rewire(f->m);
    g_assert_cmphex(port(f, 0, P_SACT), ==, 4);
    set_port(f, 0, P_IS, SDBS);
    fake_pc_run_ns(f->m, 4 * NS_PER_US);
    g_assert_cmphex(port(f, 0, P_SACT), ==, 0);
    g_assert_cmphex(port(f, 0, P_IS), ==, SDBS);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*fn)(Fixture *f, gconstpointer data);
    } tests[] = {
        { "/ahci/registers", test_registers },
        { "/ahci/identify", test_identify },
        { "/ahci/descriptors", test_dma_and_descriptors },
        { "/ahci/writes", test_writes },
        { "/ahci/trim", test_trim },
        { "/ahci/queue", test_queue },
        { "/ahci/queue-error", test_queue_error },
        { "/ahci/queue-and-others", test_queue_and_others },
        { "/ahci/packet", test_packet },
        { "/ahci/comreset", test_comreset },
        { "/ahci/soft-reset", test_soft_reset },
        { "/ahci/hba-reset", test_hba_reset },
        { "/ahci/stop", test_stop_in_a_command },
        { "/ahci/msi", test_msi },
        { "/ahci/pin", test_pin },
        { "/ahci/wrong-places", test_wrong_places },
        { "/ahci/wrong-commands", test_wrong_commands },
        { "/ahci/few-descriptors", test_few_descriptors },
        { "/ahci/itself", test_itself },
        { "/ahci/random", test_random },
        { "/ahci/load", test_load_in_a_queue },
    };

    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_test_add(tests[i].name, Fixture, NULL, setup, tests[i].fn, teardown);
    }
    return g_test_run();
}
