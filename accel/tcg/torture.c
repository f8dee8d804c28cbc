/*
 * -accel tcg,flush-at-random=SEED: every cache may vanish at any boundary, and a
 * slice may end there; nobody may notice.
 *
 * A boundary in a loop is like the same boundary the next time round. So one that
 * was often passed is disturbed in proportion to how often it was, which comes to
 * the logarithm of that: firmware that polls a device a million times costs
 * little, and what runs once is as likely to be hit as ever. Overwritten code is
 * not the same place any more.
 */
#include "tb.h"
#include "vm/work.h"

enum {
    FLUSH_ALL = 61, FLUSH_TLB = 17, END_SLICE = 509, /* once in so many */
    OFTEN = 64             /* passes from which on it gets rarer */
};

#define VISITS_BITS 14

struct Torture {
    uint64_t random;
    uint64_t epoch;        /* of the code */
    uint32_t visits[1u << VISITS_BITS]; /* of boundaries, by their pc */
};

void torture_set(TcgState *s, uint64_t seed)
{
    g_clear_pointer(&s->torture, g_free);
    if (seed) {
        s->torture = g_new0(Torture, 1);
        s->torture->random = seed;
    }
}

static uint64_t next_random(Torture *t)
{
    t->random ^= t->random << 13;
    t->random ^= t->random >> 7;
    t->random ^= t->random << 17;
    return t->random;
}

void torture_new_code(Torture *t)
{
    t->epoch++;
}

/* True if a boundary is left alone because it was passed so often. */
static bool is_worn(Torture *t, GuestAddr pc)
{
    uint64_t hash = (pc ^ t->epoch << 40) * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t *visits = &t->visits[hash >> (64 - VISITS_BITS)];
    uint32_t rarity = *visits / OFTEN + 1;
    *visits += *visits < UINT32_MAX;
    return next_random(t) % rarity != 0;
}

void torture_boundary(Cpu *cpu, TcgState *s)
{
    TbKey key;
    cpu->cls->tb_key(cpu, &key);
    if (is_worn(s->torture, key.pc)) {
        return;
    }
    uint64_t r = next_random(s->torture);
    if (r % FLUSH_ALL == 0) {
        cache_flush(s);
        tlb_flush(cpu);
    } else if (r % FLUSH_TLB == 0) {
        tlb_flush(cpu);
    } else if (r % END_SLICE == 0) {
        machine_work(cpu->machine, WORK_SLICE);
    }
}
