/*
 * What debuggers have to do with a CPU's memory: watchpoints, and looking at it
 * without side effects.
 */
#include "tlb-rooms.h"

/* --- watchpoints --------------------------------------------------------- */

/* A debugger's may be switched off. */
static bool is_on(const Cpu *cpu, const Watchpoint *w)
{
    return w->owner == BREAK_CPU || !cpu->machine->debug.quiet;
}

/* True if a watchpoint for this kind of access touches the page. */
bool tlb_page_has_watchpoint(Cpu *cpu, GuestAddr page, MmuAccess access)
{
    for (guint i = 0; i < cpu->watchpoints->len; i++) {
        const Watchpoint *w = &g_array_index(cpu->watchpoints, Watchpoint, i);
        if ((w->access & (1 << access)) && is_on(cpu, w) &&
            w->addr < page + PAGE_SIZE && page < w->addr + w->len) {
            return true;
        }
    }
    return false;
}

bool tlb_is_watched(const Cpu *cpu, GuestAddr va, unsigned size,
                    MmuAccess access)
{
    for (guint i = 0; i < cpu->watchpoints->len; i++) {
        const Watchpoint *w = &g_array_index(cpu->watchpoints, Watchpoint, i);
        if ((w->access & (1 << access)) && va < w->addr + w->len &&
            w->addr < va + size) {
            return true;
        }
    }
    return false;
}

/* One watchpoint that an access hits. The CPU's own ones are kept apart: the
 * guest must not notice that a debugger watches the same bytes. */
static void note_watch(Cpu *cpu, const WatchHit *now)
{
    WatchHit *hit = &cpu->watch_hit;
    if (now->watch.owner == BREAK_CPU) {
        if (cpu->own_hit_count == CPU_OWN_HITS) {
            return;
        }
        hit = &cpu->own_hits[cpu->own_hit_count++];
    } else if (hit->valid) {
        return;
    }
    *hit = *now;
    cpu_kick(cpu);
}

/* Only instructions hit watchpoints, not the delivery of exceptions. */
void tlb_check_watch(Cpu *cpu, GuestAddr va, unsigned size, MmuAccess access)
{
    for (guint i = 0; cpu->in_tb && i < cpu->watchpoints->len; i++) {
        const Watchpoint *w = &g_array_index(cpu->watchpoints, Watchpoint, i);
        if (!(w->access & (1 << access)) || !is_on(cpu, w) ||
            va >= w->addr + w->len || w->addr >= va + size) {
            continue;
        }
        cpu_need_last_insn(cpu);
        WatchHit now = {
            .valid = true,
            .access = access,
            .watch = *w,
            .addr = MAX(va, w->addr),
            .len = MIN(va + size, w->addr + w->len) - MAX(va, w->addr),
            .cpu = cpu->index,
        };
        Icount icount;
        cpu_present_insn(cpu, &icount, &now.pc);
        note_watch(cpu, &now);
    }
}

/* --- looking ------------------------------------------------------------- */

bool cpu_translate_debug(Cpu *cpu, GuestAddr va, PhysAddr *pa)
{
    MmuResult res;
    if (!cpu->cls->walk(cpu, va, MMU_LOAD, cpu->cls->mmu_mode(cpu, true), true,
                        &res)) {
        return false;
    }
    *pa = res.phys;
    return true;
}

static bool debug_access(Cpu *cpu, GuestAddr va, uint8_t *buf, uint64_t len,
                         bool write)
{
    while (len) {
        uint64_t n = MIN(len, PAGE_SIZE - (va & ~PAGE_MASK));
        PhysAddr pa;
        AddressSpace *as = tlb_memory(cpu);
        if (!cpu_translate_debug(cpu, va, &pa) ||
            !(write ? address_space_write_debug(as, pa, buf, n)
                    : address_space_read_debug(as, pa, buf, n))) {
            return false;
        }
        va += n;
        buf += n;
        len -= n;
    }
    return true;
}

bool cpu_read_debug(Cpu *cpu, GuestAddr va, void *buf, uint64_t len)
{
    return debug_access(cpu, va, buf, len, false);
}

bool cpu_write_debug(Cpu *cpu, GuestAddr va, const void *buf, uint64_t len)
{
    return debug_access(cpu, va, (uint8_t *)buf, len, true);
}
