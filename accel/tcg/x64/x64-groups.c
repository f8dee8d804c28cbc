/*
 * Lowering: accesses that share a probe of the TLB, because they are off one
 * base and so mostly in one page. Groups overlap; each has a lane, in which its
 * page waits while another group's is in the register.
 */
#include "x64-lower.h"

#define GROUP_GAP   80     /* most instructions from one access to the next */

#define ALIKE_SLOTS 64

static IrVal alike(const Gen *g, const IrInst *i, unsigned k)
{
    return k < i->nargs ? g->val[i->arg[k]].alike : 0;
}

static bool are_alike(const Gen *g, IrVal m, IrVal n)
{
    const IrInst *a = inst(g, m), *b = inst(g, n);
    return a->op == b->op && a->type == b->type && a->imm == b->imm &&
           g->val[m].narrow == g->val[n].narrow &&
           alike(g, a, 0) == alike(g, b, 0) && alike(g, a, 1) == alike(g, b, 1);
}

/* Compilers compute an address anew where registers are short. Of sums, scaled
 * indices and constants the first that is the same is found; a few that are not
 * found do not matter. */
void x64_number_values(Gen *g)
{
    IrVal seen[ALIKE_SLOTS];
    memset(seen, 0xff, sizeof seen);
    for (unsigned n = 0; n < g->count; n++) {
        const IrInst *i = inst(g, n);
        g->val[n].alike = x64_root(g, n);
        if (i->lazy || (i->op != IR_ADD && i->op != IR_SHL &&
                        i->op != IR_CONST)) {
            continue;
        }
        unsigned h = (i->op + alike(g, i, 0) * 7 + alike(g, i, 1) * 31 +
                      (unsigned)i->imm) % ALIKE_SLOTS;
        if (seen[h] != IR_NO_VAL && are_alike(g, seen[h], n)) {
            g->val[n].alike = seen[h];
        } else {
            seen[h] = n;
        }
    }
}

Place x64_place_of(const Gen *g, const IrInst *access)
{
    Place p = { access->arg[0], g->val[access->arg[0]].narrow, 0 };
    for (;;) {
        const IrInst *i = inst(g, p.base);
        uint64_t k;
        if ((i->op != IR_ADD && i->op != IR_SUB) ||
            g->val[p.base].narrow != p.narrow ||
            !x64_const(g, i->arg[1], &k)) {
            p.base = g->val[p.base].alike;
            return p;
        }
        p.offset += i->op == IR_ADD ? k : -k;
        p.offset = p.narrow ? (int32_t)p.offset : p.offset;
        p.base = i->arg[0];
    }
}

/* An access that may be in a group. */
typedef struct GroupAccess {
    uint16_t n, calls;     /* calls with effects before it */
    Place place;
} GroupAccess;

/* Those of a block; more are too rare to matter. */
#define MOST_ACCESSES 160
typedef struct Accesses {
    GroupAccess at[MOST_ACCESSES];
    unsigned count;
} Accesses;

static void find_accesses(const Gen *g, Accesses *all)
{
    unsigned calls = 0;
    uint64_t unused;
    all->count = 0;
    for (unsigned n = 0; n < g->count && all->count < MOST_ACCESSES; n++) {
        const IrInst *i = inst(g, n);
        if (g->val[n].form != FORM_OP) {
            continue;
        }
        calls += i->op == IR_CALL && helper(g, i)->effects;
        if ((i->op == IR_LD || i->op == IR_ST) &&
            !x64_const(g, i->arg[0], &unused)) {
            all->at[all->count++] = (GroupAccess){ n, calls, x64_place_of(g, i) };
        }
    }
}

/* A page that may be stored to may be loaded from, so a group that has a store
 * probes for one; but a load must notice watchpoints of its own. */
static bool may_follow(const Gen *g, const IrInst *first, const IrInst *next)
{
    return ir_mem_mode(first->mem) == ir_mem_mode(next->mem) &&
           (first->op == next->op || !g->cpu->watchpoints->len);
}

/* True if access b is near enough to a's group, whose range it widens. */
static bool joins(const Gen *g, const GroupAccess *a, const GroupAccess *b)
{
    Value *first = &g->val[a->n];
    const IrInst *i = inst(g, b->n);
    if (b->place.base != a->place.base || b->place.narrow != a->place.narrow ||
        g->val[b->n].role != GROUP_NONE ||
        !may_follow(g, inst(g, a->n), i)) {
        return false;
    }
    int64_t at = b->place.offset - a->place.offset;
    int64_t low = MIN(first->range_from, at);
    int64_t high = MAX(first->range_to, at + ir_mem_span(i->mem));
    if (high - low > GROUP_BYTES) {
        return false;
    }
    first->range_from = low;
    first->range_to = high;
    first->stores |= i->op == IR_ST;
    return true;
}

/* Makes access k the first of a group if others follow. */
static void make_group(Gen *g, const Accesses *all, unsigned k, unsigned lane)
{
    const GroupAccess *a = &all->at[k];
    Value *first = &g->val[a->n];
    first->range_to = ir_mem_span(inst(g, a->n)->mem);
    first->group_end = a->n;
    for (unsigned m = k + 1; m < all->count; m++) {
        const GroupAccess *b = &all->at[m];
        if (b->calls != a->calls || b->n - first->group_end >= GROUP_GAP) {
            break;
        }
        if (joins(g, a, b)) {
            g->val[b->n].role = GROUP_NEXT;
            g->val[b->n].lane = lane;
            first->role = GROUP_FIRST;
            first->lane = lane;
            first->group_end = b->n;
        }
    }
}

void x64_find_groups(Gen *g)
{
    Accesses all;
    unsigned busy[LANES] = { 0 }; /* up to here a lane has a group */
    find_accesses(g, &all);
    for (unsigned k = 0; k < all.count; k++) {
        unsigned n = all.at[k].n, lane = 0;
        while (lane < LANES && busy[lane] >= n) {
            lane++;
        }
        if (lane < LANES && g->val[n].role == GROUP_NONE) {
            make_group(g, &all, k, lane);
            busy[lane] = g->val[n].group_end;
        }
    }
}
