/*
 * Chains: exits of TBs that lead straight to the next one. A chain within a page
 * asks nobody; one to another page looks into the jump cache (a guard).
 */
#include "chain.h"

static Tb *pair_tb(Tb *pair)
{
    return (Tb *)((uintptr_t)pair & ~(uintptr_t)1);
}

static int pair_slot(Tb *pair)
{
    return (uintptr_t)pair & 1;
}

static void forget_unguarded(Tb *tb)
{
    if (tb->unguarded_at) {
        *tb->unguarded_at = tb->unguarded_next;
        if (tb->unguarded_next) {
            tb->unguarded_next->unguarded_at = tb->unguarded_at;
        }
        tb->unguarded_next = NULL;
        tb->unguarded_at = NULL;
    }
}

static void unguarded_link(TcgState *s, Tb *tb)
{
    if (!tb->unguarded_at) {
        tb->unguarded_next = s->unguarded;
        tb->unguarded_at = &s->unguarded;
        s->unguarded = tb;
        if (tb->unguarded_next) {
            tb->unguarded_next->unguarded_at = &tb->unguarded_next;
        }
    }
}

/* Takes a chain out of its target's list. */
static void cut(Tb *tb, int slot)
{
    Tb *to = tb->chain[slot];
    if (!to) {
        return;
    }
    Tb **at = &to->incoming;
    while (pair_tb(*at) != tb || pair_slot(*at) != slot) {
        at = &pair_tb(*at)->incoming_next[pair_slot(*at)];
    }
    *at = tb->incoming_next[slot];
    tb->chain[slot] = NULL;
}

void cache_chain(TcgState *s, Tb *from, int slot, Tb *to)
{
    if (from->chain[slot] == to || from->invalid || to->invalid) {
        return;
    }
    cut(from, slot);
    from->chain[slot] = to;
    s->chained++;
    if (!from->guard_at[slot]) {
        unguarded_link(s, from);
    }
    s->backend->chain(s, from, slot, to);
    from->incoming_next[slot] = to->incoming;
    /* The list holds (TB, exit) pairs: the exit is in the pointer's low bit,
     * which alignment keeps clear. */
    to->incoming = (Tb *)((uintptr_t)from | slot);
}

static void cut_incoming(TcgState *s, Tb *tb)
{
    Tb *pair = tb->incoming;
    while (pair) {
        Tb *from = pair_tb(pair);
        int slot = pair_slot(pair);
        pair = from->incoming_next[slot];
        from->chain[slot] = NULL;
        s->unchained++;
        s->backend->chain(s, from, slot, NULL);
        from->incoming_next[slot] = NULL;
    }
    tb->incoming = NULL;
}

static void unchain_unguarded(TcgState *s, Tb *tb)
{
    for (int slot = 0; slot < 2; slot++) {
        if (tb->chain[slot] && !tb->guard_at[slot]) {
            cut(tb, slot);
            s->backend->chain(s, tb, slot, NULL);
            tb->incoming_next[slot] = NULL;
            s->unchained++;
        }
    }
    forget_unguarded(tb);
}

void chain_cut_all(TcgState *s, Tb *tb)
{
    cut_incoming(s, tb);
    cut(tb, 0);
    cut(tb, 1);
    forget_unguarded(tb);
}

/* A chain with a guard asks the jump cache. */
void tcg_unchain_all(Machine *m)
{
    TcgState *s = cache_of(m);
    while (s && s->unguarded) {
        unchain_unguarded(s, s->unguarded);
    }
}
