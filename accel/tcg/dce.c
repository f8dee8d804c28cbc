/*
 * Dead code: pure values without users, and SETs that nothing can observe.
 *
 * A SET is dead if the register is SET again before anybody can look at it:
 * an exit, a helper that reads state, or an op that may fault (the fault shows
 * the registers to the guest). One backward pass finds what lives, one forward
 * pass closes the gaps.
 */
#include "tb.h"

typedef struct Dce {
    IrBlock *b;
    bool *live;            /* per instruction */
    bool *overwritten;     /* per register: SET before it is seen */
    unsigned regs;
} Dce;

/* From the table: which ops are pure. */
static const char *const flags_of[IR_OP_COUNT] = {
#define IR_OP(name, text, args, result, flags, meaning) [IR_##name] = flags,
#include "vm/ir-ops.def"
#undef IR_OP
};

static IrInst *inst(const Dce *d, guint n)
{
    return &g_array_index(d->b->insts, IrInst, n);
}

static const IrHelper *helper(const Dce *d, const IrInst *i)
{
    return g_ptr_array_index(d->b->helpers, i->imm);
}

static void everything_seen(Dce *d)
{
    memset(d->overwritten, 0, d->regs * sizeof *d->overwritten);
}

/* What an instruction that stays does to the registers' fates. */
static void observe(Dce *d, const IrInst *i)
{
    switch (i->op) {
    case IR_GET:
        d->overwritten[i->imm] = false;
        break;
    case IR_SET:
        d->overwritten[i->imm] = true;
        break;
    case IR_LD:
    case IR_ST:
    case IR_LDENV:
    case IR_STENV:
    case IR_EXIT:
    case IR_EXIT_IF:
        everything_seen(d);
        break;
    case IR_CALL:
        if (helper(d, i)->effects) {
            everything_seen(d);
        }
        break;
    }
}

static bool needed(const Dce *d, guint n)
{
    const IrInst *i = inst(d, n);
    if (d->live[n]) {
        return true;
    }
    switch (i->op) {
    case IR_GET:
    case IR_LDENV:
        return false;
    case IR_SET:
        return !d->overwritten[i->imm];
    case IR_CALL:
        return helper(d, i)->effects;
    default:
        return flags_of[i->op][0] != 'P';
    }
}

static void mark(Dce *d)
{
    for (guint n = d->b->insts->len; n-- > 0;) {
        const IrInst *i = inst(d, n);
        d->live[n] = needed(d, n);
        if (!d->live[n]) {
            continue;
        }
        for (unsigned k = 0; k < i->nargs; k++) {
            d->live[i->arg[k]] = true;
        }
        observe(d, i);
    }
}

static void compact(Dce *d)
{
    IrVal *now = g_new(IrVal, d->b->insts->len);
    guint to = 0;
    for (guint n = 0; n < d->b->insts->len; n++) {
        if (!d->live[n]) {
            continue;
        }
        IrInst i = *inst(d, n);
        for (unsigned k = 0; k < i.nargs; k++) {
            i.arg[k] = now[i.arg[k]];
        }
        now[n] = to;
        *inst(d, to++) = i;
    }
    g_array_set_size(d->b->insts, to);
    g_free(now);
}

void ir_dce(IrBlock *b)
{
    Dce d = {
        .b = b,
        .live = g_new0(bool, b->insts->len),
        .overwritten = g_new0(bool, b->cls->reg_count),
        .regs = b->cls->reg_count,
    };
    mark(&d);
    compact(&d);
    g_free(d.live);
    g_free(d.overwritten);
}
