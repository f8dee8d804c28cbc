/*
 * Page walks: how a target's walk() reads and writes entries of page tables. What
 * was read is noted (tlb-words.c), which makes the TLB invisible (tlb.c).
 */
#include "base/bytes.h"
#include "tlb-rooms.h"

uint8_t *tlb_walk_ram(Cpu *cpu, PhysAddr pa, unsigned size, RamAddr *ra)
{
    const MemRange *r = address_space_find(tlb_memory(cpu), pa);
    if (!r || r->region->kind != MEM_RAM || r->end - pa < size - 1) {
        return NULL;
    }
    uint64_t offset = r->offset + (pa - r->start);
    *ra = r->region->ram->base + offset;
    return r->region->ram->host + offset;
}

uint64_t walk_ld(Cpu *cpu, PhysAddr pa, unsigned size)
{
    RamAddr ra;
    const uint8_t *host = tlb_walk_ram(cpu, pa, size, &ra);
    if (!host) {
        return bits_mask(8 * size);
    }
    if (cpu->tlb.trail_len < TLB_TRAIL) {
        cpu->tlb.trail[cpu->tlb.trail_len++] = ra;
    } else {
        tlb_note_upper(cpu, ra, 0, UINT64_MAX);
    }
    return bytes_ld_le(host, size);
}

/* Setting A or D takes nothing from what is cached: everyone but the TLB is
 * told. If the entry lies in translated code, that must be looked up anew. */
void walk_st(Cpu *cpu, PhysAddr pa, uint64_t v, unsigned size)
{
    RamAddr ra;
    Machine *m = cpu->machine;
    const MemRange *r = address_space_find(tlb_memory(cpu), pa);
    uint8_t *host = tlb_walk_ram(cpu, pa, size, &ra);
    if (!host || r->readonly) {
        return;
    }
    /* The TB may have loaded the entry and hold it for unchanged. That is
     * once for each page: hot code must not be cut there for good. */
    cpu_need_last_insn_once(cpu);
    if ((ram_watch_bits(m, ra) & RAM_WATCH_CODE) && tb_code_at(m, ra, size)) {
        cpu_stop_chain(cpu);
    }
    bool armed = ram_watch_bits(m, ra) & RAM_WATCH_WALK;
    ram_watch_disarm(m, RAM_WATCH_WALK, ra);
    ram_will_write(m, ra, size);
    bytes_st_le(host, size, v);
    if (armed) {
        ram_watch_arm(m, RAM_WATCH_WALK, ra);
    }
}
