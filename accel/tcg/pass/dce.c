/*
 * Dead code: pure values without users, and SETs that nothing can observe.
 *
 * A SET is dead if the register is SET again before anybody can look at it:
 * an exit, or a helper that reads state. A fault between the two shows the
 * register to the guest; for that case the value is kept in the frame state
 * of the instructions that may fault (IrFrame); where nothing else wants the
 * value, it is not even computed before that (IrInst.lazy). So registers and above all
 * flags are not written back for the sake of faults that do not happen.
 *
 * One backward pass finds what lives, one forward pass makes the frame states,
 * and another closes the gaps.
 */
#include "tb.h"

typedef struct Dce {
    IrBlock *b;
    bool *live;            /* per instruction */
    bool *overwritten;     /* per register: SET before it is seen */
    IrVal *deferred;       /* per register: value of a SET taken out */
    unsigned regs;
    DceRules rules;
    bool *lazy;            /* per instruction */
} Dce;

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

static void env_seen(Dce *d, const IrInst *i)
{
    for (unsigned r = 0; r < d->regs; r++) {
        if (ir_env_overlaps(d->b, i, r)) {
            d->overwritten[r] = false;
        }
    }
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
    case IR_LDENV:
    case IR_STENV:
        env_seen(d, i);
        break;
    case IR_EXIT:
    case IR_EXIT_IF:
        everything_seen(d);
        break;
    case IR_CALL:
        if (helper(d, i)->effects & (IR_READS | IR_WRITES)) {
            everything_seen(d);
        }
        break;
    }
}

static bool may_fault(const Dce *d, const IrInst *i)
{
    return i->op == IR_LD || i->op == IR_ST || i->op == IR_CANON ||
           i->op == IR_FVECX ||
           (i->op == IR_CALL && (helper(d, i)->effects & IR_FAULTS));
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
        /* Numbers of 80 bits are in no frame state: back ends make those SETs
         * when somebody looks. */
        return !d->overwritten[i->imm] || i->type == IR_F80 ||
               (i->type == IR_V128 && !d->rules.vectors) ||
               (d->rules.keep_hot && d->b->cls->regs[i->imm].hot);
    case IR_CALL:
        return helper(d, i)->effects;
    default:
        return !ir_is_pure(i);
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

static void add_frames(Dce *d, unsigned insn)
{
    for (unsigned r = 0; r < d->regs; r++) {
        if (d->deferred[r] != IR_NO_VAL) {
            IrFrame f = { insn, r, d->deferred[r] };
            g_array_append_val(d->b->frames, f);
        }
    }
}

/* Vectors are not: who evaluates what is lazy knows integers only. */
static bool may_be_lazy(const Dce *d, const IrInst *i)
{
    return d->rules.lazy && !ir_is_vec(i) && !ir_is_big(i->type) &&
           (ir_is_pure(i) || (i->op == IR_CALL && !helper(d, i)->effects));
}

/* A value that a frame state needs is needed, and so is what it is made of: in
 * time, if it is computed in time itself. */
static void keep(Dce *d, IrVal v, bool in_time)
{
    const IrInst *i = inst(d, v);
    in_time |= !may_be_lazy(d, i);
    bool *kept = in_time ? &d->live[v] : &d->lazy[v];
    if (d->live[v] || *kept) {
        return;
    }
    *kept = true;
    for (unsigned k = 0; k < i->nargs; k++) {
        keep(d, i->arg[k], in_time);
    }
}

static void make_frames(Dce *d)
{
    unsigned insn = 0;
    bool made = false;     /* this instruction has its frame state */
    memset(d->deferred, 0xff, d->regs * sizeof *d->deferred);
    for (guint n = 0; n < d->b->insts->len; n++) {
        const IrInst *i = inst(d, n);
        if (i->op == IR_INSN) {
            insn = i->imm;
            made = false;
        } else if (i->op == IR_SET) {
            d->deferred[i->imm] = d->live[n] ? IR_NO_VAL : i->arg[0];
        } else if (may_fault(d, i) && !made) {
            add_frames(d, insn);
            made = true;
        }
    }
    for (guint n = 0; n < d->b->frames->len; n++) {
        keep(d, g_array_index(d->b->frames, IrFrame, n).value,
             false);
    }
}

static void compact(Dce *d)
{
    IrVal *now = g_new(IrVal, d->b->insts->len);
    guint to = 0;
    for (guint n = 0; n < d->b->insts->len; n++) {
        if (!d->live[n] && !d->lazy[n]) {
            continue;
        }
        IrInst i = *inst(d, n);
        i.lazy = !d->live[n];
        for (unsigned k = 0; k < i.nargs; k++) {
            i.arg[k] = now[i.arg[k]];
        }
        now[n] = to;
        *inst(d, to++) = i;
    }
    for (guint n = 0; n < d->b->frames->len; n++) {
        IrFrame *f = &g_array_index(d->b->frames, IrFrame, n);
        f->value = now[f->value];
    }
    g_array_set_size(d->b->insts, to);
    g_free(now);
}

void ir_dce(IrBlock *b, DceRules rules)
{
    Dce d = {
        .b = b,
        .live = g_new0(bool, b->insts->len),
        .overwritten = g_new0(bool, b->cls->reg_count),
        .deferred = g_new(IrVal, b->cls->reg_count),
        .regs = b->cls->reg_count,
        .rules = rules,
        .lazy = g_new0(bool, b->insts->len),
    };
    g_array_set_size(b->frames, 0);
    mark(&d);
    make_frames(&d);
    compact(&d);
    g_free(d.live);
    g_free(d.lazy);
    g_free(d.overwritten);
    g_free(d.deferred);
}
