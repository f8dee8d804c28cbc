/*
 * Vectors in guest memory, where an access does not hit the TLB's fast entries.
 */
#include "base/bytes.h"
#include "tlb-rooms.h"

/* What is not RAM is accessed in the largest pieces that a device knows. */
static unsigned piece_bytes(unsigned left)
{
    return left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

static void load_wide(Cpu *cpu, const TlbPart *p, uint8_t *out)
{
    if (p->host) {
        memcpy(out, p->host, p->size);
        return;
    }
    for (unsigned at = 0, n; at < p->size; at += n) {
        TlbPart piece = tlb_part_byte(p, at);
        n = piece_bytes(p->size - at);
        bytes_st_le(out + at, n, tlb_load_part(cpu, &piece, n));
    }
}

static void store_wide(Cpu *cpu, const TlbPart *p, const uint8_t *from)
{
    if (p->host && !p->lost) {
        ram_will_write(cpu->machine, p->ram, p->size);
        memcpy(p->host, from, p->size);
        return;
    }
    for (unsigned at = 0, n; at < p->size; at += n) {
        TlbPart piece = tlb_part_byte(p, at);
        n = piece_bytes(p->size - at);
        tlb_store_part(cpu, &piece, bytes_ld_le(from + at, n), n);
    }
}

static void check_alignment(Cpu *cpu, GuestAddr va, IrMem mem)
{
    if ((mem & IR_MEM_ALIGN) && (va & (ir_mem_span(mem) - 1))) {
        cpu->cls->unaligned(cpu, va);
        cpu_raise(cpu);
    }
}

/* The page where a store of two halves ends, if that is another one. */
static void probe_other_half(Cpu *cpu, GuestAddr va, IrMem mem)
{
    GuestAddr end = (va + ir_mem_span(mem) - 1) & PAGE_MASK;
    if ((mem & IR_MEM_PAIR) && end > va) {
        tlb_probe_store(cpu, end, va + ir_mem_span(mem) - end,
                        ir_mem_access(mem));
    }
}

static void load_parts(Cpu *cpu, GuestAddr va, IrMem mem, uint8_t *bytes)
{
    TlbPart part[2];
    unsigned count = tlb_split(cpu, va, ir_mem_size(mem), MMU_LOAD,
                               ir_mem_access(mem), part);
    for (unsigned n = 0; n < count; n++) {
        tlb_prepare_load(cpu, &part[n]);
    }
    if (count == 1) {
        tlb_loads_may_be_fast(cpu, &part[0], ir_mem_mode(mem));
    }
    for (unsigned n = 0; n < count; n++) {
        load_wide(cpu, &part[n], bytes + (n ? part[0].size : 0));
    }
}

void tlb_load_vec(Cpu *cpu, GuestAddr va, V128 *out, IrMem mem)
{
    uint8_t bytes[16] = { 0 };
    cpu->tlb.slow++;
    check_alignment(cpu, va, mem);
    if (!tlb_load_across(cpu, va, bytes, ir_mem_size(mem),
                         ir_mem_access(mem))) {
        load_parts(cpu, va, mem, bytes);
    }
    out->w[0] = bytes_ld_le64(bytes);
    out->w[1] = bytes_ld_le64(bytes + 8);
}

static void store_parts(Cpu *cpu, GuestAddr va, IrMem mem,
                        const uint8_t *bytes)
{
    TlbPart part[2];
    unsigned count = tlb_split(cpu, va, ir_mem_size(mem), MMU_STORE,
                               ir_mem_access(mem), part);
    for (unsigned n = 0; n < count; n++) {
        tlb_prepare_store(cpu, &part[n]);
    }
    for (unsigned n = 0; n < count; n++) {
        store_wide(cpu, &part[n], bytes + (n ? part[0].size : 0));
    }
    if (part[0].host && !part[0].lost) {
        tlb_stores_may_be_fast(cpu, &part[0], ir_mem_mode(mem));
    }
}

void tlb_store_vec(Cpu *cpu, GuestAddr va, const V128 *v, IrMem mem)
{
    uint8_t bytes[16];
    cpu->tlb.slow++;
    bytes_st_le64(bytes, v->w[0]);
    bytes_st_le64(bytes + 8, v->w[1]);
    check_alignment(cpu, va, mem);
    probe_other_half(cpu, va, mem);
    if (!tlb_store_across(cpu, va, bytes, ir_mem_size(mem),
                          ir_mem_access(mem))) {
        store_parts(cpu, va, mem, bytes);
    }
}
