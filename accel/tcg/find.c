/*
 * Finding the TB for a key: in the jump cache, among all TBs, or by making it.
 */
#include "tb.h"
#include "vm/page-trace.h"
#include "vm/work.h"

void find_note_code(const Cpu *cpu, const TbKey *key, unsigned bytes)
{
    PageTrace *t = cpu->machine->debug.trace;
    if (t) {
        page_trace_note_insns(t, key->base, key->pc, key->pc + bytes - 1);
    }
}

/* The one that is known, whose second page may be mapped elsewhere now, or not at
 * all; then NULL. */
static Tb *find_known(Cpu *cpu, const TbKey *key, TbLimit limit, RamAddr ra)
{
    unsigned mode = cpu->cls->mmu_mode(cpu, true);
    Tb *tb = cache_find(tcg_state(cpu), key, ra, limit);
    if (tb && tb->ram[1] != TB_NO_RAM) {
        RamAddr next;
        GuestAddr va = (key->pc & PAGE_MASK) + PAGE_SIZE;
        if (!cpu_fetch_ram(cpu, va, mode, &next) || next != tb->ram[1]) {
            return NULL;
        }
    }
    return tb;
}

static Tb *find_made(Cpu *cpu, const TbKey *key, TbLimit limit, RamAddr ra)
{
    TcgState *s = tcg_state(cpu);
    if (s->backend->is_full(s)) {
        cache_flush(s);
        cache_collect(s);
    }
    Tb *tb = translate_tb(cpu, key, limit);
    machine_work(cpu->machine, WORK_TB + tb->insn_count * WORK_TB_INSN);
    if (tb->ram[0] == TB_NO_RAM) {
        tb->invalid = true;
        g_ptr_array_add(s->garbage, tb);
    } else {
        cache_insert(s, tb, ra);
    }
    return tb;
}

Tb *find_tb(Cpu *cpu, const TbKey *key, TbLimit limit)
{
    TcgState *s = tcg_state(cpu);
    JumpEntry *entry = &cpu->jump_cache[jump_hash(key->pc)];
    if (entry->tb->limit == limit && tb_matches(entry->tb, key)) {
        return entry->tb; /* noted when it came there */
    }
    /* The fetch may fault. */
    find_note_code(cpu, key, 1);
    RamAddr ra = TB_NO_RAM;
    unsigned mode = cpu->cls->mmu_mode(cpu, true);
    bool in_ram = cpu_fetch_ram(cpu, key->pc, mode, &ra);
    Tb *tb = in_ram ? find_known(cpu, key, limit, ra) : NULL;
    bool tail = limit == TB_FULL && cpu->budget < TB_MAX_INSNS;
    if (!tb && once_wanted(s, key, in_ram ? ra : TB_NO_RAM, limit, tail)) {
        return once_tb(s);
    }
    tb = tb ? tb : find_made(cpu, key, limit, ra);
    find_note_code(cpu, key, tb->len_bytes);
    /* A TB with a breakpoint is looked up each time, so that nobody gets there
     * past the run loop. */
    if (!tb->has_break && tb->ram[0] != TB_NO_RAM) {
        jump_cache_enter(cpu, tb);
    }
    return tb;
}

bool find_may_chain(const Tb *from, int slot, const Tb *to)
{
    if (from->mode != to->mode || to->has_break || to->invalid ||
        !to->insn_count) {
        return false;
    }
    return from->guard_at[slot] ||
           (from->ram[0] == to->ram[0] && to->ram[1] == TB_NO_RAM &&
            !((from->key.pc ^ to->key.pc) & PAGE_MASK));
}
