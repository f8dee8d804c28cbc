/*
 * The jump cache: where TBs were found last, by pc, a group of entries a page. It
 * never knows more than the TLB, which tells it what to forget.
 */
#include "chain.h"

static unsigned jump_group(GuestAddr va)
{
    return jump_hash(va & PAGE_MASK) >> JUMP_GROUP_BITS;
}

static bool group_in_use(const Cpu *cpu, unsigned group)
{
    return cpu->jump_groups[group / 64] & BIT(group % 64);
}

static void drop_jump_group(Cpu *cpu, unsigned group)
{
    JumpEntry *e = &cpu->jump_cache[group << JUMP_GROUP_BITS];
    Tb *none = &tcg_state(cpu)->no_tb;
    if (!group_in_use(cpu, group)) {
        return;
    }
    for (unsigned i = 0; i < 1u << JUMP_GROUP_BITS; i++) {
        e[i].tb = none;
    }
    cpu->jump_groups[group / 64] &= ~BIT(group % 64);
}

/* Those of the page of va: all, or those that end in the next page. */
static void drop_jump_page(Cpu *cpu, GuestAddr va, bool crossing)
{
    unsigned group = jump_group(va);
    JumpEntry *e = &cpu->jump_cache[group << JUMP_GROUP_BITS];
    Tb *none = &tcg_state(cpu)->no_tb;
    if (!group_in_use(cpu, group)) {
        return;
    }
    for (unsigned i = 0; i < 1u << JUMP_GROUP_BITS; i++) {
        if (!((e[i].pc ^ va) & PAGE_MASK) &&
            (!crossing || e[i].tb->ram[1] != TB_NO_RAM)) {
            e[i].tb = none;
        }
    }
}

void jump_cache_enter(Cpu *cpu, Tb *tb)
{
    cpu->jump_cache[jump_hash(tb->key.pc)] = (JumpEntry){ tb->key.pc, tb };
    unsigned group = jump_group(tb->key.pc);
    cpu->jump_groups[group / 64] |= BIT(group % 64);
}

void jump_cache_init(Cpu *cpu)
{
    memset(cpu->jump_groups, 0xff, sizeof cpu->jump_groups);
    tcg_jump_cache_flush(cpu);
}

void tcg_jump_cache_flush(Cpu *cpu)
{
    for (unsigned group = 0; group < JUMP_GROUPS; group++) {
        drop_jump_group(cpu, group);
    }
}

void tcg_jump_cache_flush_page(Cpu *cpu, GuestAddr va)
{
    drop_jump_page(cpu, va, false);
    drop_jump_page(cpu, va - PAGE_SIZE, true);
}

void jump_cache_drop(TcgState *s, const Tb *tb)
{
    for (guint i = 0; i < s->machine->cpus->len; i++) {
        Cpu *cpu = g_ptr_array_index(s->machine->cpus, i);
        JumpEntry *e = &cpu->jump_cache[jump_hash(tb->key.pc)];
        if (e->tb == tb) {
            e->tb = &s->no_tb;
        }
    }
}
