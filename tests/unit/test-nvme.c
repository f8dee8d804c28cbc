/*
 * The NVMe controller: what NVM Express 1.4 says, and drivers that break its
 * rules.
 */
#include <errno.h>

#include "nvme-driver.h"

#define DNR 0x4000u
/* Status codes, without "do not retry". */
enum { OK = 0, BAD_OPCODE = 1, BAD_FIELD = 2, TRANSFER = 4, ABORTED = 7,
       BAD_NAMESPACE = 0xb, SEQUENCE = 0xc, SGL_SEGMENT = 0xd,
       SGL_COUNT = 0xe, SGL_LENGTH = 0xf, SGL_TYPE = 0x11, BAD_PRP = 0x13,
       PROTECTED = 0x20, BAD_LBA = 0x80, BAD_CQ = 0x100, BAD_QUEUE = 0x101,
       BAD_SIZE = 0x102, EVENT_LIMIT = 0x105, BAD_VECTOR = 0x108,
       BAD_LOG = 0x109, BAD_DELETION = 0x10c, NOT_SAVEABLE = 0x10d,
       WRITE_FAULT = 0x280, READ_ERROR = 0x281, COMPARE = 0x285 };

#define assert_status(status, expected)                                       \
    g_assert_cmphex((status) & ~DNR, ==, expected)

static void with(void (*fn)(Nd *f))
{
    Nd f;
    nd_setup(&f, false, NULL, NULL);
    fn(&f);
    nd_teardown(&f);
}

static void assert_ram(Nd *f, uint64_t at, const void *expected, unsigned len)
{
    const uint8_t *p = expected;
    for (unsigned i = 0; i < len; i++) {
        g_assert_cmphex(nd_ld(f, at + i, 1), ==, p[i]);
    }
}

static void fill(Nd *f, uint64_t at, unsigned len, uint8_t v)
{
    for (unsigned i = 0; i < len; i++) {
        nd_st(f, at + i, v + i, 1);
    }
}

static NdCommand io(uint8_t opcode, uint32_t lba, uint32_t blocks)
{
    return ND(opcode, .nsid = 1, .prp1 = ND_DATA, .prp2 = ND_DATA + 0x1000,
              .dw10 = lba, .dw12 = blocks - 1);
}

/* --- registers, 3.1 and 7.6 ----------------------------------------------------------*/

static void registers(Nd *f)
{
    g_assert_cmphex(pci_cfg_read(f->m, f->devfn, 8, 4) >> 8, ==, 0x010802);
    g_assert_cmphex(nd_reg(f, ND_CAP), ==, 0x0f0107ff);
    g_assert_cmphex(nd_reg(f, ND_CAP + 4), ==, 0x00400020);
    g_assert_cmphex(nd_reg(f, ND_VS), ==, 0x10400);
    nd_set_reg(f, ND_INTMS, 5);
    g_assert_cmphex(nd_reg(f, ND_INTMC), ==, 5);
    nd_set_reg(f, ND_INTMC, 4);
    g_assert_cmphex(nd_reg(f, ND_INTMS), ==, 1);
    nd_set_reg(f, ND_CSTS, 0xff);
    g_assert_cmphex(nd_reg(f, ND_CSTS), ==, 1);
    g_assert_cmphex(nd_reg(f, 0xff0), ==, 0);
}

/* A reset forgets the queues, not where the admin queue is. */
static void reset(Nd *f)
{
    nd_set_reg(f, ND_CC, 0);
    g_assert_cmphex(nd_reg(f, ND_CSTS), ==, 0);
    g_assert_cmphex(nd_reg(f, ND_ASQ_REG), ==, ND_ASQ);
    nd_start(f);
    nd_send(f, &f->io, io(2, 0, 1));
    fake_pc_run_ns(f->m, ND_20_MS);
    g_assert_cmphex(nd_take(f, &f->io), ==, 0xffff);
    nd_start_io(f);
    assert_status(nd_io(f, io(2, 0, 1)), OK);
}

/* In the middle of commands. */
static void reset_in_flight(Nd *f)
{
    for (unsigned i = 0; i < 5; i++) {
        nd_send(f, &f->io, io(2, i, 1));
    }
    nd_start(f);
    fake_pc_run_ns(f->m, ND_20_MS);
    g_assert_cmphex(nd_take(f, &f->admin), ==, 0xffff);
    nd_start_io(f);
    assert_status(nd_io(f, io(2, 0, 1)), OK);
}

static void shutdown_flushes(Nd *f)
{
    unsigned flushes = f->disk->flushes;
    nd_set_reg(f, ND_CC, ND_CC_ON | 0x4000);
    g_assert_cmphex(nd_reg(f, ND_CSTS), ==, 9);
    g_assert_cmpuint(f->disk->flushes, ==, flushes + 1);
    nd_start(f);
}

static void bad_start(Nd *f, uint32_t aqa, uint64_t asq, uint32_t cc)
{
    nd_set_reg(f, ND_CC, 0);
    nd_set_reg(f, ND_AQA, aqa);
    nd_st(f, ND_BAR + ND_ASQ_REG, asq, 8);
    nd_set_reg(f, ND_CC, cc);
    g_assert_cmphex(nd_reg(f, ND_CSTS), ==, 2);
    nd_ring_sq(f, 0, 1);
    g_assert_cmphex(nd_reg(f, ND_CSTS), ==, 2);
}

static void bad_starts(Nd *f)
{
    bad_start(f, 0x000f0000, ND_ASQ, ND_CC_ON);
    bad_start(f, 0x0000000f, ND_ASQ, ND_CC_ON);
    bad_start(f, 0x000f000f, ND_ASQ, ND_CC_ON | 0x280);  /* page too large */
    bad_start(f, 0x000f000f, ND_ASQ, ND_CC_ON | 0x10);   /* command set */
    bad_start(f, 0x000f000f, ND_ASQ, ND_CC_ON | 0x800);  /* arbitration */
    bad_start(f, 0x000f000f, ND_ASQ + 0x1000, ND_CC_ON | 0x80);
    nd_start(f);
}

/* 9.5: queues that are no memory stop the controller, until it is reset. */
static void queues_elsewhere(Nd *f)
{
    nd_set_reg(f, ND_CC, 0);
    nd_st(f, ND_BAR + ND_ASQ_REG, ND_BAR, 8);
    nd_set_reg(f, ND_CC, ND_CC_ON);
    nd_ring_sq(f, 0, 1);
    g_assert_cmphex(nd_reg(f, ND_CSTS), ==, 3);
    nd_start(f);
    nd_set_reg(f, ND_CC, 0);
    nd_st(f, ND_BAR + ND_ACQ_REG, UINT64_C(0xfffffffffffff000), 8);
    nd_set_reg(f, ND_CC, ND_CC_ON);
    nd_ring_sq(f, 0, 1);
    fake_pc_run_ns(f->m, ND_20_MS);
    g_assert_cmphex(nd_reg(f, ND_CSTS), ==, 3);
    nd_start(f);
    pci_cfg_write(f->m, f->devfn, 4, 3, 2);
    nd_ring_sq(f, 0, 1);
    g_assert_cmphex(nd_reg(f, ND_CSTS), ==, 3);
    pci_cfg_write(f->m, f->devfn, 4, 7, 2);
    nd_start(f);
}

/* --- queues, 5.3 to 5.6 ------------------------------------------------------------------*/

static uint16_t create_cq(Nd *f, uint32_t dw10, uint32_t dw11, uint64_t at)
{
    return nd_admin(f, ND(5, .prp1 = at, .dw10 = dw10, .dw11 = dw11));
}

static uint16_t create_sq(Nd *f, uint32_t dw10, uint32_t dw11, uint64_t at)
{
    return nd_admin(f, ND(1, .prp1 = at, .dw10 = dw10, .dw11 = dw11));
}

static void queue_limits(Nd *f)
{
    assert_status(create_cq(f, 0xf0000, 1, ND_DATA), BAD_QUEUE);
    assert_status(create_cq(f, 0xf0001, 1, ND_DATA), BAD_QUEUE);
    assert_status(create_cq(f, 0xf0041, 1, ND_DATA), BAD_QUEUE);
    assert_status(create_cq(f, 0xfffff, 1, ND_DATA), BAD_QUEUE);
    assert_status(create_cq(f, 0x00002, 1, ND_DATA), BAD_SIZE);
    assert_status(create_cq(f, 0x8000002, 1, ND_DATA), BAD_SIZE);
    assert_status(create_cq(f, 0xf0002, 1, ND_DATA + 16), BAD_PRP);
    assert_status(create_cq(f, 0xf0002, 0, ND_DATA), BAD_FIELD);
    assert_status(create_cq(f, 0xf0002, 0x10003, ND_DATA), BAD_VECTOR);
    assert_status(create_cq(f, 0xf0002, 0x410003, ND_DATA), BAD_VECTOR);
    assert_status(create_sq(f, 0xf0001, 0x10001, ND_DATA), BAD_QUEUE);
    assert_status(create_sq(f, 0xf0002, 0x20001, ND_DATA), BAD_CQ);
    assert_status(create_sq(f, 0xf0002, 0x00001, ND_DATA), BAD_QUEUE);
    assert_status(create_sq(f, 0xf0002, 0x500001, ND_DATA), BAD_QUEUE);
    assert_status(create_sq(f, 0x00002, 0x10001, ND_DATA), BAD_SIZE);
    assert_status(create_sq(f, 0xf0002, 0x10001, ND_DATA + 8), BAD_PRP);
    /* Two share a completion queue. */
    assert_status(create_sq(f, 0xf0040, 0x10001, ND_DATA), OK);
}

static void deletion(Nd *f)
{
    assert_status(nd_admin(f, ND(4, .dw10 = 1)), BAD_DELETION);
    assert_status(nd_admin(f, ND(4, .dw10 = 0)), BAD_QUEUE);
    assert_status(nd_admin(f, ND(4, .dw10 = 77)), BAD_QUEUE);
    assert_status(nd_admin(f, ND(0, .dw10 = 2)), BAD_QUEUE);
    assert_status(nd_admin(f, ND(0, .dw10 = 0)), BAD_QUEUE);
    /* What it had begun is completed. */
    nd_send(f, &f->io, io(2, 0, 1));
    nd_send(f, &f->io, io(2, 1, 1));
    assert_status(nd_admin(f, ND(0, .dw10 = 1)), OK);
    assert_status(nd_take(f, &f->io), OK);
    assert_status(nd_take(f, &f->io), OK);
    assert_status(nd_admin(f, ND(4, .dw10 = 1)), OK);
    assert_status(nd_admin(f, ND(4, .dw10 = 1)), BAD_QUEUE);
    nd_start_io(f);
    assert_status(nd_io(f, io(2, 0, 1)), OK);
}

/* A completion queue that is full keeps what does not fit. */
static void full(Nd *f)
{
    unsigned tail = f->io.tail, done = 0;

    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < ND_ENTRIES - 1; i++) {
            nd_send(f, &f->io, io(2, i, 1));
        }
        fake_pc_run_ns(f->m, ND_20_MS);
    }
    g_assert_cmpuint(f->io.tail, ==, (tail + 45) % ND_ENTRIES);
    while (nd_take(f, &f->io) == OK) {
        done++;
        fake_pc_run_ns(f->m, ND_20_MS);
    }
    g_assert_cmpuint(done, ==, 45);
    g_assert_cmphex(nd_reg(f, ND_CSTS), ==, 1);
}

/* Nothing is lost when there is more than may wait at a time. */
static void many(Nd *f)
{
    unsigned done = 0;

    assert_status(create_cq(f, 0x7ff0002, 1, 0x100000), OK);
    assert_status(create_sq(f, 0x7ff0002, 0x20001, 0x140000), OK);
    for (unsigned i = 0; i < 600; i++) {
        nd_st(f, 0x140000 + 64 * i, 2 | i << 16, 4);
        nd_st(f, 0x140000 + 64 * i + 4, 1, 4);
        nd_st(f, 0x140000 + 64 * i + 24, ND_DATA, 8);
    }
    nd_ring_sq(f, 2, 600);
    /* The admin queue is served all the same. */
    assert_status(nd_admin(f, ND(6, .prp1 = ND_DATA, .dw10 = 1)), OK);
    fake_pc_run_ns(f->m, 10 * ND_20_MS);
    for (; done < 2048 && (nd_ld(f, 0x100000 + 16 * done + 14, 2) & 1);
         done++) {
        g_assert_cmpuint(nd_ld(f, 0x100000 + 16 * done + 12, 2), ==, done);
    }
    g_assert_cmpuint(done, ==, 600);
}

static void event_is(Nd *f, uint32_t result)
{
    fake_pc_run_ns(f->m, ND_20_MS);
    assert_status(nd_take(f, &f->admin), OK);
    g_assert_cmphex(f->result, ==, result);
}

/* 5.2.1: doorbells that cannot be are events, and change nothing. */
static void bad_doorbells(Nd *f)
{
    nd_send(f, &f->admin, ND(0x0c));
    nd_ring_sq(f, 7, 1);
    event_is(f, 0x010000);
    /* Masked until the log is read. */
    nd_send(f, &f->admin, ND(0x0c));
    nd_ring_sq(f, 1, ND_ENTRIES);
    fake_pc_run_ns(f->m, ND_20_MS);
    g_assert_cmphex(nd_take(f, &f->admin), ==, 0xffff);
    nd_send(f, &f->admin, ND(2, .nsid = ~0u, .prp1 = ND_DATA,
                             .dw10 = 0xf0001));
    event_is(f, 0x010100);
    assert_status(nd_take(f, &f->admin), OK);
    nd_ring_cq(f, 1, f->io.head + 1);
    nd_ring_cq(f, 1, 0xffffffff);
    nd_ring_cq(f, 500, 0);
    nd_ring_sq(f, 0, 0xffff);
    assert_status(nd_io(f, io(2, 0, 1)), OK);
    g_assert_cmphex(nd_reg(f, ND_CSTS), ==, 1);
}

/* --- interrupts, 7.5 ----------------------------------------------------------------------*/

static bool intx(Nd *f)
{
    return pci_cfg_read(f->m, f->devfn, 6, 2) & 8;
}

static void pin(Nd *f)
{
    g_assert_false(intx(f));
    nd_send(f, &f->io, io(2, 0, 1));
    g_assert_false(intx(f));
    fake_pc_run_ns(f->m, ND_20_MS);
    g_assert_true(intx(f));
    nd_set_reg(f, ND_INTMS, 1);
    g_assert_false(intx(f));
    nd_set_reg(f, ND_INTMC, 1);
    g_assert_true(intx(f));
    assert_status(nd_take(f, &f->io), OK);
    g_assert_false(intx(f));
}

static void msix_on(Nd *f)
{
    for (unsigned v = 0; v < 4; v++) {
        nd_st(f, ND_MSIX + 16 * v, 0x3f0000 + 16 * v, 4);
        nd_st(f, ND_MSIX + 16 * v + 8, 0x1234 + v, 4);
        nd_st(f, ND_MSIX + 16 * v + 12, 0, 4);
    }
    pci_cfg_write(f->m, f->devfn, 0x42, 0x8000, 2);
}

static void messages(Nd *f)
{
    msix_on(f);
    assert_status(create_cq(f, 0xf0002, 0x30003, 0x100000), OK);
    g_assert_cmphex(nd_ld(f, 0x3f0000, 4), ==, 0x1234);
    assert_status(create_sq(f, 0xf0002, 0x20001, 0x101000), OK);
    nd_st(f, 0x101000, 0, 8);
    nd_st(f, 0x101004, 1, 4);
    nd_ring_sq(f, 2, 1);
    g_assert_cmphex(nd_ld(f, 0x3f0030, 4), ==, 0);
    fake_pc_run_ns(f->m, ND_20_MS);
    g_assert_cmphex(nd_ld(f, 0x3f0030, 4), ==, 0x1237);
    g_assert_false(intx(f));
}

/* A message aimed at the controller's own doorbell goes in no circle. */
static void message_to_doorbell(Nd *f)
{
    msix_on(f);
    nd_st(f, ND_MSIX, ND_BAR + 0x1008, 4);
    nd_st(f, ND_MSIX + 8, 5, 4);
    nd_send(f, &f->io, io(2, 0, 1));
    fake_pc_run_ns(f->m, ND_20_MS);
    assert_status(nd_take(f, &f->io), OK);
    g_assert_cmphex(nd_reg(f, ND_CSTS), ==, 1);
}

/* --- admin commands --------------------------------------------------------------------------*/

static uint16_t identify(Nd *f, uint32_t cns, uint32_t nsid)
{
    return nd_admin(f, ND(6, .nsid = nsid, .prp1 = ND_DATA, .dw10 = cns));
}

static void identifies(Nd *f)
{
    assert_status(identify(f, 1, 0), OK);
    assert_ram(f, ND_DATA, "\x36\x1b\xf4\x1aSER-9               QEMU NVMe Ctrl",
               38);
    g_assert_cmphex(nd_ld(f, ND_DATA + 77, 1), ==, 7);
    g_assert_cmphex(nd_ld(f, ND_DATA + 80, 4), ==, 0x10400);
    g_assert_cmphex(nd_ld(f, ND_DATA + 512, 2), ==, 0x4466);
    assert_status(identify(f, 0, 1), OK);
    g_assert_cmphex(nd_ld(f, ND_DATA, 8), ==, ND_SECTORS);
    g_assert_cmphex(nd_ld(f, ND_DATA + 128, 4), ==, 9 << 16);
    assert_status(identify(f, 2, 0), OK);
    g_assert_cmphex(nd_ld(f, ND_DATA, 8), ==, 1);
    assert_status(identify(f, 2, 1), OK);
    g_assert_cmphex(nd_ld(f, ND_DATA, 8), ==, 0);
    assert_status(identify(f, 3, 1), OK);
    assert_ram(f, ND_DATA, "\x01\x08\0\0\x52\x54\0", 7);
    assert_status(identify(f, 0, 0), BAD_NAMESPACE);
    assert_status(identify(f, 0, 2), BAD_NAMESPACE);
    assert_status(identify(f, 0, ~0u), BAD_NAMESPACE);
    assert_status(identify(f, 2, ~0u), BAD_NAMESPACE);
    assert_status(identify(f, 0x55, 1), BAD_FIELD);
}

static uint16_t feature(Nd *f, bool set, uint32_t dw10, uint32_t dw11)
{
    return nd_admin(f, ND(set ? 9 : 10, .dw10 = dw10, .dw11 = dw11));
}

static void features(Nd *f)
{
    const uint8_t plain[] = { 1, 5, 8, 10, 11 };

    for (unsigned i = 0; i < sizeof plain; i++) {
        assert_status(feature(f, true, plain[i], 1), OK);
        assert_status(feature(f, false, plain[i], 0), OK);
        g_assert_cmphex(f->result, ==, 1);
        assert_status(feature(f, false, plain[i] | 0x100, 0), OK);
        g_assert_cmphex(f->result, ==, 0);
        assert_status(feature(f, false, plain[i] | 0x300, 0), OK);
        g_assert_cmphex(f->result, ==, 4);
    }
    assert_status(feature(f, true, 0x80000001, 1), NOT_SAVEABLE);
    assert_status(feature(f, true, 7, 0x30003), SEQUENCE);
    assert_status(feature(f, false, 7, 0), OK);
    g_assert_cmphex(f->result, ==, 0x3f003f);
    nd_start(f);
    assert_status(feature(f, true, 7, 0xffff0000), BAD_FIELD);
    assert_status(feature(f, true, 7, 0x0003), OK);
    g_assert_cmphex(f->result, ==, 0x3f003f);
    assert_status(feature(f, true, 2, 1), BAD_FIELD);
    assert_status(feature(f, true, 9, 0x10002), OK);
    assert_status(feature(f, false, 9, 2), OK);
    g_assert_cmphex(f->result, ==, 0x10002);
    assert_status(feature(f, true, 9, 99), BAD_FIELD);
    assert_status(feature(f, false, 9, 0xffff), BAD_FIELD);
    assert_status(feature(f, true, 4, 0x5 << 16), BAD_FIELD);
    assert_status(feature(f, true, 4, 0x3 << 20), BAD_FIELD);
    assert_status(feature(f, false, 0xee, 0), BAD_FIELD);
    assert_status(feature(f, true, 0, 0), BAD_FIELD);
    assert_status(feature(f, false, 0x401, 0), BAD_FIELD);
}

static void write_cache(Nd *f)
{
    unsigned flushes = f->disk->flushes;

    assert_status(nd_io(f, io(1, 0, 1)), OK);
    g_assert_cmpuint(f->disk->flushes, ==, flushes);
    assert_status(nd_io(f, ND(1, .nsid = 1, .prp1 = ND_DATA,
                              .dw12 = 0x40000000)), OK);
    g_assert_cmpuint(f->disk->flushes, ==, flushes + 1);
    assert_status(nd_io(f, ND(0, .nsid = ~0u)), OK);
    g_assert_cmpuint(f->disk->flushes, ==, flushes + 2);
    assert_status(feature(f, true, 6, 0), OK);
    assert_status(nd_io(f, io(1, 0, 1)), OK);
    g_assert_cmpuint(f->disk->flushes, ==, flushes + 4);
}

static uint16_t log_page(Nd *f, uint8_t page, uint32_t dwords, uint32_t from)
{
    return nd_admin(f, ND(2, .nsid = ~0u, .prp1 = ND_DATA,
                          .prp2 = ND_DATA + 0x1000,
                          .dw10 = page | (dwords - 1) << 16, .dw12 = from));
}

static void log_pages(Nd *f)
{
    assert_status(nd_io(f, io(2, 0, 8)), OK);
    assert_status(nd_io(f, io(1, 0, 8)), OK);
    assert_status(nd_io(f, io(2, ND_SECTORS, 1)), BAD_LBA);
    assert_status(log_page(f, 2, 128, 0), OK);
    g_assert_cmpuint(nd_ld(f, ND_DATA + 1, 2), ==, 323);
    g_assert_cmpuint(nd_ld(f, ND_DATA + 32, 8), ==, 1);
    g_assert_cmpuint(nd_ld(f, ND_DATA + 64, 8), ==, 2);
    g_assert_cmpuint(nd_ld(f, ND_DATA + 176, 8), ==, 1);
    assert_status(log_page(f, 1, 32, 0), OK);
    g_assert_cmpuint(nd_ld(f, ND_DATA, 8), ==, 1);
    g_assert_cmpuint(nd_ld(f, ND_DATA + 8, 2), ==, 1);
    g_assert_cmphex(nd_ld(f, ND_DATA + 12, 2), ==, (0x80 | DNR) << 1);
    g_assert_cmpuint(nd_ld(f, ND_DATA + 16, 8), ==, ND_SECTORS);
    assert_status(log_page(f, 3, 128, 0), OK);
    assert_status(log_page(f, 5, 1024, 0), OK);
    g_assert_cmphex(nd_ld(f, ND_DATA + 4 * 6, 4), ==, 1);
    assert_status(log_page(f, 2, 8, 508), OK);
    assert_status(log_page(f, 2, 8, 516), BAD_FIELD);
    assert_status(log_page(f, 2, 8, 2), BAD_FIELD);
    nd_st(f, ND_DATA + 0x1000, 0x10, 8);
    assert_status(log_page(f, 2, 0x10000, 0), BAD_PRP);
    assert_status(log_page(f, 0x77, 8, 0), BAD_LOG);
    assert_status(nd_admin(f, ND(2, .nsid = 1, .prp1 = ND_DATA, .dw10 = 2)),
                  BAD_FIELD);
    assert_status(nd_admin(f, ND(2, .prp1 = ND_DATA, .dw10 = 0xffff0002,
                                 .dw11 = 0xffff)), BAD_FIELD);
}

static void events(Nd *f)
{
    for (unsigned i = 0; i < 4; i++) {
        nd_send(f, &f->admin, ND(0x0c));
    }
    assert_status(nd_admin(f, ND(0x0c)), EVENT_LIMIT);
    /* The oldest but one is aborted; others cannot be. */
    uint16_t id = f->id - 3;
    nd_send(f, &f->admin, ND(8, .dw10 = (uint32_t)id << 16));
    fake_pc_run_ns(f->m, ND_20_MS);
    assert_status(nd_take(f, &f->admin), ABORTED);
    g_assert_cmphex(f->done_id, ==, id);
    assert_status(nd_take(f, &f->admin), OK);
    g_assert_cmphex(f->result, ==, 0);
    assert_status(nd_admin(f, ND(8, .dw10 = (uint32_t)id << 16)), OK);
    g_assert_cmphex(f->result, ==, 1);
    assert_status(nd_admin(f, ND(8, .dw10 = 0x10001)), OK);
    g_assert_cmphex(f->result, ==, 1);
    /* The temperature, for which nobody asked at first. */
    assert_status(feature(f, true, 4, 300), OK);
    assert_status(feature(f, true, 11, 2), OK);
    nd_send(f, &f->admin, ND(9, .dw10 = 4, .dw11 = 301));
    event_is(f, 0x020101);
    g_assert_cmphex(f->done_id, ==, id - 1);
    assert_status(nd_take(f, &f->admin), OK);
}

static void bad_admin(Nd *f)
{
    assert_status(nd_admin(f, ND(0x7f)), BAD_OPCODE);
    assert_status(nd_admin(f, ND(6, .flags = 1, .dw10 = 1)), BAD_FIELD);
    assert_status(nd_admin(f, ND(6, .flags = 0x40, .dw10 = 1)), BAD_FIELD);
    assert_status(nd_admin(f, ND(6, .prp1 = ND_BAR, .dw10 = 1)), TRANSFER);
    assert_status(nd_admin(f, ND(6, .prp1 = UINT64_C(1) << 60, .dw10 = 1)),
                  TRANSFER);
    assert_status(nd_admin(f, ND(6, .prp1 = ND_DATA + 2, .dw10 = 1)),
                  BAD_PRP);
}

/* --- I/O ---------------------------------------------------------------------------------------*/

static void read_write(Nd *f)
{
    assert_status(nd_io(f, io(2, 5, 1)), OK);
    assert_ram(f, ND_DATA, f->disk->data + 5 * 512, 512);
    fill(f, ND_DATA, 8192, 7);
    assert_status(nd_io(f, io(1, 16, 16)), OK);
    for (unsigned i = 0; i < 8192; i++) {
        g_assert_cmphex(f->disk->data[16 * 512 + i], ==, (uint8_t)(7 + i));
    }
    assert_status(nd_io(f, io(5, 16, 16)), OK);
    f->disk->data[16 * 512 + 8000]++;
    assert_status(nd_io(f, io(5, 16, 16)), COMPARE);
    assert_status(nd_io(f, io(12, 0, ND_SECTORS)), OK);
    assert_status(nd_io(f, io(12, 1, ND_SECTORS)), BAD_LBA);
    assert_status(nd_io(f, io(2, ND_SECTORS - 1, 1)), OK);
    assert_status(nd_io(f, io(2, ND_SECTORS - 1, 2)), BAD_LBA);
    assert_status(nd_io(f, ND(2, .nsid = 1, .prp1 = ND_DATA, .dw10 = ~0u,
                              .dw11 = ~0u)), BAD_LBA);
    assert_status(nd_io(f, io(2, 0, 1025)), BAD_FIELD);
    assert_status(nd_io(f, ND(2, .nsid = 2, .prp1 = ND_DATA)),
                  BAD_NAMESPACE);
    assert_status(nd_io(f, ND(2, .nsid = ~0u, .prp1 = ND_DATA)),
                  BAD_NAMESPACE);
    assert_status(nd_io(f, ND(0x99, .nsid = 1)), BAD_OPCODE);
}

static void host_errors(Nd *f)
{
    f->disk->fail = -EIO;
    assert_status(nd_io(f, io(2, 0, 1)), READ_ERROR);
    assert_status(nd_io(f, io(1, 0, 1)), WRITE_FAULT);
    assert_status(nd_io(f, ND(0, .nsid = 1)), WRITE_FAULT);
    assert_status(nd_io(f, io(8, 0, 1)), WRITE_FAULT);
    assert_status(nd_io(f, io(12, 0, 1)), READ_ERROR);
    assert_status(nd_io(f, io(5, 0, 1)), READ_ERROR);
    f->disk->fail = 0;
}

static void clears(Nd *f)
{
    assert_status(nd_io(f, io(8, 10, 3)), OK);
    g_assert_cmphex(f->disk->data[10 * 512] | f->disk->data[12 * 512 + 511],
                    ==, 0);
    g_assert_cmphex(f->disk->data[13 * 512], ==, 13);
    assert_status(nd_io(f, io(8, ND_SECTORS - 1, 2)), BAD_LBA);
    for (unsigned i = 0; i < 2; i++) {
        nd_st(f, ND_DATA + 16 * i, 0, 4);
        nd_st(f, ND_DATA + 16 * i + 4, 2, 4);
        nd_st(f, ND_DATA + 16 * i + 8, 20 + 10 * i, 8);
    }
    /* Advice other than to deallocate is taken and changes nothing. */
    NdCommand c = ND(9, .nsid = 1, .prp1 = ND_DATA, .dw10 = 1, .dw11 = 3);
    assert_status(nd_io(f, c), OK);
    g_assert_cmphex(f->disk->data[20 * 512], ==, 20);
    c.dw11 = 4;
    assert_status(nd_io(f, c), OK);
    g_assert_cmphex(f->disk->data[20 * 512] | f->disk->data[31 * 512], ==, 0);
    g_assert_cmphex(f->disk->data[32 * 512], ==, 32);
    nd_st(f, ND_DATA + 24, ND_SECTORS - 1, 8);
    nd_st(f, ND_DATA + 8, 40, 8);
    assert_status(nd_io(f, c), BAD_LBA);
    g_assert_cmphex(f->disk->data[40 * 512], ==, 40);
}

static void read_only(void)
{
    const uint8_t opcodes[] = { 1, 8, 9 };
    Nd f;

    nd_setup(&f, true, NULL, NULL);
    for (unsigned i = 0; i < sizeof opcodes; i++) {
        assert_status(nd_io(&f, io(opcodes[i], 0, 1)), PROTECTED);
    }
    assert_status(nd_io(&f, io(2, 0, 1)), OK);
    assert_status(identify(&f, 0, 1), OK);
    g_assert_cmphex(nd_ld(&f, ND_DATA + 99, 1), ==, 1);
    nd_teardown(&f);
}

static void large_blocks(void)
{
    Nd f;

    nd_setup(&f, false, "logical_block_size", "4096");
    assert_status(identify(&f, 0, 1), OK);
    g_assert_cmphex(nd_ld(&f, ND_DATA, 8), ==, ND_SECTORS / 8);
    assert_status(nd_io(&f, io(2, 3, 2)), OK);
    assert_ram(&f, ND_DATA, f.disk->data + 3 * 4096, 8192);
    assert_status(nd_io(&f, io(2, ND_SECTORS / 8, 1)), BAD_LBA);
    nd_teardown(&f);
}

/* --- physical region pages, 4.3 --------------------------------------------------------------*/

/* A list at `list` of pages from `page` on, every second one. */
static void put_list(Nd *f, uint64_t list, uint64_t page, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        nd_st(f, list + 8 * i, page + 0x2000 * i, 8);
    }
}

static NdCommand prp(uint64_t prp1, uint64_t prp2, uint32_t blocks)
{
    return ND(2, .nsid = 1, .prp1 = prp1, .prp2 = prp2, .dw12 = blocks - 1);
}

static void prp_lists(Nd *f)
{
    const uint8_t *disk = f->disk->data;

    put_list(f, 0x100000, ND_DATA + 0x2000, 8);
    assert_status(nd_io(f, prp(ND_DATA + 0x800, 0x100000, 36)), OK);
    assert_ram(f, ND_DATA + 0x800, disk, 0x800);
    assert_ram(f, ND_DATA + 0x2000, disk + 0x800, 0x1000);
    assert_ram(f, ND_DATA + 0x8000, disk + 0x3800, 0x1000);
    /* A list that begins in the middle of a page and goes on in another. */
    put_list(f, 0x100ff0, ND_DATA + 0x2000, 1);
    nd_st(f, 0x100ff8, 0x102000, 8);
    put_list(f, 0x102000, ND_DATA + 0x4000, 3);
    assert_status(nd_io(f, prp(ND_DATA, 0x100ff0, 40)), OK);
    assert_ram(f, ND_DATA + 0x2000, disk + 0x1000, 0x1000);
    assert_ram(f, ND_DATA + 0x8000, disk + 0x4000, 0x1000);
    /* The last entry of a page is an address if it is the last of all. */
    nd_st(f, 0x100ff8, ND_DATA + 0xa000, 8);
    assert_status(nd_io(f, prp(ND_DATA, 0x100ff0, 24)), OK);
    assert_ram(f, ND_DATA + 0xa000, disk + 0x2000, 0x1000);
}

static void bad_prps(Nd *f)
{
    assert_status(nd_io(f, prp(ND_DATA + 1, 0, 1)), BAD_PRP);
    assert_status(nd_io(f, prp(ND_DATA, ND_DATA + 0x1004, 16)), BAD_PRP);
    assert_status(nd_io(f, prp(ND_DATA, 0x100004, 24)), BAD_PRP);
    put_list(f, 0x100000, ND_DATA + 0x10, 8);
    assert_status(nd_io(f, prp(ND_DATA, 0x100000, 24)), BAD_PRP);
    assert_status(nd_io(f, prp(ND_BAR, 0, 1)), TRANSFER);
    assert_status(nd_io(f, prp(ND_DATA, ND_BAR, 16)), TRANSFER);
    assert_status(nd_io(f, prp(ND_DATA, ND_BAR, 24)), TRANSFER);
    assert_status(nd_io(f, prp(UINT64_C(0xfffffffffffff000), 0, 8)),
                  TRANSFER);
    /* A list whose pages lead back to themselves ends with the data. */
    put_list(f, 0x100000, ND_DATA, 512);
    nd_st(f, 0x100ff8, 0x100ff8 & ~0xfffull, 8);
    assert_status(nd_io(f, prp(ND_DATA, 0x100ff8, 1024)), OK);
}

/* --- scatter gather lists, 4.4 ------------------------------------------------------------------*/

static void put_sgl(Nd *f, uint64_t at, uint64_t addr, uint32_t len,
                    uint8_t type)
{
    nd_st(f, at, addr, 8);
    nd_st(f, at + 8, len, 4);
    nd_st(f, at + 12, (uint32_t)type << 24, 4);
}

static uint16_t sgl(Nd *f, uint8_t opcode, uint64_t addr, uint32_t len,
                    uint8_t type)
{
    return nd_io(f, ND(opcode, .flags = 0x40, .nsid = 1, .prp1 = addr,
                       .prp2 = len | (uint64_t)type << 56, .dw12 = 7));
}

static void sgls(Nd *f)
{
    const uint8_t *disk = f->disk->data;

    assert_status(sgl(f, 2, ND_DATA + 3, 4096, 0x00), OK);
    assert_ram(f, ND_DATA + 3, disk, 4096);
    put_sgl(f, 0x100000, ND_DATA, 1000, 0x00);
    put_sgl(f, 0x100010, 0, 96, 0x10);
    put_sgl(f, 0x100020, 0x101000, 32, 0x30);
    put_sgl(f, 0x101000, ND_DATA + 0x4000, 2000, 0x00);
    put_sgl(f, 0x101010, ND_DATA + 0x8000, 1000, 0x00);
    assert_status(sgl(f, 2, 0x100000, 48, 0x20), OK);
    assert_ram(f, ND_DATA, disk, 1000);
    assert_ram(f, ND_DATA + 0x4000, disk + 1096, 2000);
    assert_ram(f, ND_DATA + 0x8000, disk + 3096, 1000);
    /* What is written does not come out of a bit bucket. */
    assert_status(sgl(f, 1, 0x100000, 48, 0x20), SGL_LENGTH);
    put_sgl(f, 0x101010, ND_DATA + 0x8000, 1096, 0x00);
    assert_status(sgl(f, 1, 0x100000, 48, 0x20), OK);
}

static void bad_sgls(Nd *f)
{
    assert_status(sgl(f, 2, ND_DATA, 4095, 0x00), SGL_LENGTH);
    assert_status(sgl(f, 2, ND_DATA, 4097, 0x00), SGL_LENGTH);
    assert_status(sgl(f, 2, ND_DATA, 4096, 0x01), SGL_TYPE);
    assert_status(sgl(f, 2, ND_DATA, 4096, 0x40), SGL_TYPE);
    assert_status(sgl(f, 2, ND_DATA, 4096, 0xf0), SGL_TYPE);
    assert_status(sgl(f, 2, ND_BAR, 4096, 0x00), TRANSFER);
    assert_status(sgl(f, 2, 0x100000, 0, 0x30), SGL_SEGMENT);
    assert_status(sgl(f, 2, 0x100000, 17, 0x30), SGL_SEGMENT);
    assert_status(sgl(f, 2, ND_BAR, 32, 0x30), TRANSFER);
    assert_status(sgl(f, 2, 0x100000, 0xfffffff0, 0x30), SGL_COUNT);
    /* A last segment leads nowhere; another has to, in its last place. */
    put_sgl(f, 0x100000, 0x100000, 16, 0x30);
    assert_status(sgl(f, 2, 0x100000, 16, 0x30), SGL_SEGMENT);
    put_sgl(f, 0x100000, ND_DATA, 4096, 0x00);
    assert_status(sgl(f, 2, 0x100000, 16, 0x20), SGL_SEGMENT);
    /* A circle of segments. */
    put_sgl(f, 0x100000, 0x100000, 16, 0x20);
    assert_status(sgl(f, 2, 0x100000, 16, 0x20), SGL_COUNT);
    assert_status(nd_io(f, ND(2, .flags = 0xc0, .nsid = 1)), BAD_FIELD);
    assert_status(nd_io(f, ND(2, .flags = 1, .nsid = 1)), BAD_FIELD);
    assert_status(nd_io(f, ND(2, .flags = 0x10, .nsid = 1)), BAD_FIELD);
}

/* --- noise ------------------------------------------------------------------------------------*/

/* Queues and registers of noise: nobody crashes, and a reset heals. */
static void noise(Nd *f)
{
    GRand *rand = g_rand_new_with_seed(11);

    for (unsigned round = 0; round < 150; round++) {
        NdQueue *q = round & 1 ? &f->admin : &f->io;
        for (unsigned i = 0; i < ND_ENTRIES * 64; i += 4) {
            uint32_t v = g_rand_int(rand);
            nd_st(f, q->sq + i, i % 64 ? v : (v & 0xf3cf), 4);
            if (i % 64 == 4) {
                nd_st(f, q->sq + i, 1, 4);
            }
            if (i % 64 >= 24 && i % 64 < 40 && (v & 3)) {
                nd_st(f, q->sq + i, i % 8 ? 0 : ND_DATA + (v & 0xfff0), 4);
            }
        }
        nd_ring_sq(f, q->n, g_rand_int_range(rand, 0, ND_ENTRIES));
        nd_set_reg(f, 0x1000 + 4 * g_rand_int_range(rand, 0, 8),
                   g_rand_int_range(rand, 0, ND_ENTRIES + 2));
        fake_pc_run_ns(f->m, ND_20_MS);
        nd_start(f);
        nd_start_io(f);
    }
    assert_status(nd_io(f, io(2, 0, 1)), OK);
    g_rand_free(rand);
}

#define TEST(name)                                                            \
    static void test_##name(void)                                             \
    {                                                                         \
        with(name);                                                           \
    }
#define WITH_DISK(_)                                                          \
    _(registers) _(reset) _(reset_in_flight) _(shutdown_flushes)              \
    _(bad_starts) _(queues_elsewhere) _(queue_limits) _(deletion) _(full)     \
    _(many) _(bad_doorbells) _(pin) _(messages) _(message_to_doorbell)        \
    _(identifies) _(features) _(write_cache) _(log_pages) _(events)           \
    _(bad_admin) _(read_write) _(host_errors) _(clears) _(prp_lists)          \
    _(bad_prps) _(sgls) _(bad_sgls) _(noise)
WITH_DISK(TEST)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/nvme/" #name, test_##name);
    WITH_DISK(ADD)
    g_test_add_func("/nvme/read_only", read_only);
    g_test_add_func("/nvme/large_blocks", large_blocks);
    return g_test_run();
}
