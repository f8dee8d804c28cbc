/*
 * A driver for the NVMe controller of a made-up PC. See nvme-driver.h.
 */
#include "nvme-driver.h"

#define SLOT (4 << 3)

uint64_t nd_ld(Nd *f, uint64_t at, unsigned size)
{
    return address_space_ld(f->m->memory, at, size);
}

void nd_st(Nd *f, uint64_t at, uint64_t v, unsigned size)
{
    address_space_st(f->m->memory, at, v, size);
}

uint32_t nd_reg(Nd *f, unsigned at)
{
    return nd_ld(f, ND_BAR + at, 4);
}

void nd_set_reg(Nd *f, unsigned at, uint32_t v)
{
    nd_st(f, ND_BAR + at, v, 4);
}

void nd_setup(Nd *f, bool readonly, const char *name, const char *value)
{
    *f = (Nd){ .devfn = SLOT };
    f->disk = fake_disk_new((uint64_t)ND_SECTORS * 512);
    f->disk->readonly = readonly;
    f->m = fake_pc_new(4 * MIB);
    fake_pc_add_drive(f->m, "hd", f->disk, false, -2);
    fake_pc_add_device(f->m, "nvme", "addr", "4", "drive", "hd", "serial",
                       "SER-9", name, value, NULL);
    fake_pc_start(f->m);
    pci_cfg_write(f->m, SLOT, 0x10, ND_BAR, 4);
    pci_cfg_write(f->m, SLOT, 0x14, 0, 4);
    pci_cfg_write(f->m, SLOT, 0x20, ND_MSIX, 4);
    pci_cfg_write(f->m, SLOT, 4, 7, 2);
    nd_start(f);
    nd_start_io(f);
}

void nd_teardown(Nd *f)
{
    fake_pc_free(f->m);
    fake_disk_free(f->disk);
}

static void clear_queue(Nd *f, NdQueue *q, unsigned n)
{
    *q = (NdQueue){ .n = n, .sq = ND_ASQ + 0x2000 * n,
                    .cq = ND_ACQ + 0x2000 * n, .phase = true };
    for (unsigned i = 0; i < 0x2000; i += 8) {
        nd_st(f, q->sq + i, 0, 8);
    }
}

void nd_start(Nd *f)
{
    nd_set_reg(f, ND_CC, 0);
    g_assert_cmphex(nd_reg(f, ND_CSTS), ==, 0);
    clear_queue(f, &f->admin, 0);
    nd_set_reg(f, ND_AQA, (ND_ENTRIES - 1) << 16 | (ND_ENTRIES - 1));
    nd_st(f, ND_BAR + ND_ASQ_REG, ND_ASQ, 8);
    nd_st(f, ND_BAR + ND_ACQ_REG, ND_ACQ, 8);
    nd_set_reg(f, ND_CC, ND_CC_ON);
    g_assert_cmphex(nd_reg(f, ND_CSTS), ==, 1);
}

void nd_start_io(Nd *f)
{
    clear_queue(f, &f->io, 1);
    g_assert_cmphex(nd_admin(f, ND(5, .prp1 = f->io.cq, .dw11 = 3,
                                   .dw10 = (ND_ENTRIES - 1) << 16 | 1)),
                    ==, 0);
    g_assert_cmphex(nd_admin(f, ND(1, .prp1 = f->io.sq, .dw11 = 0x10001,
                                   .dw10 = (ND_ENTRIES - 1) << 16 | 1)),
                    ==, 0);
}

void nd_ring_sq(Nd *f, unsigned n, uint32_t v)
{
    nd_set_reg(f, 0x1000 + 8 * n, v);
}

void nd_ring_cq(Nd *f, unsigned n, uint32_t v)
{
    nd_set_reg(f, 0x1000 + 8 * n + 4, v);
}

void nd_put(Nd *f, NdQueue *q, NdCommand c)
{
    uint64_t at = q->sq + 64 * q->tail;

    nd_st(f, at, c.opcode | c.flags << 8 | (uint32_t)++f->id << 16, 4);
    nd_st(f, at + 4, c.nsid, 4);
    nd_st(f, at + 24, c.prp1, 8);
    nd_st(f, at + 32, c.prp2, 8);
    nd_st(f, at + 40, c.dw10, 4);
    nd_st(f, at + 44, c.dw11, 4);
    nd_st(f, at + 48, c.dw12, 4);
    nd_st(f, at + 52, c.dw13, 4);
    q->tail = (q->tail + 1) % ND_ENTRIES;
}

void nd_send(Nd *f, NdQueue *q, NdCommand c)
{
    nd_put(f, q, c);
    nd_ring_sq(f, q->n, q->tail);
}

uint16_t nd_take(Nd *f, NdQueue *q)
{
    uint64_t at = q->cq + 16 * q->head;
    uint16_t status = nd_ld(f, at + 14, 2);

    if ((status & 1) != q->phase) {
        return 0xffff;
    }
    f->result = nd_ld(f, at, 4);
    f->sq_head = nd_ld(f, at + 8, 2);
    f->done_id = nd_ld(f, at + 12, 2);
    q->head = (q->head + 1) % ND_ENTRIES;
    q->phase ^= q->head == 0;
    nd_ring_cq(f, q->n, q->head);
    return status >> 1;
}

static uint16_t whole(Nd *f, NdQueue *q, NdCommand c)
{
    nd_send(f, q, c);
    g_assert_cmphex(nd_take(f, q), ==, 0xffff);
    fake_pc_run_ns(f->m, ND_20_MS);
    uint16_t status = nd_take(f, q);
    g_assert_cmphex(f->done_id, ==, f->id);
    return status;
}

uint16_t nd_admin(Nd *f, NdCommand c)
{
    return whole(f, &f->admin, c);
}

uint16_t nd_io(Nd *f, NdCommand c)
{
    return whole(f, &f->io, c);
}
