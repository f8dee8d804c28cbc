/*
 * What every block must obey (vm/ir.h), checked.
 */
#include "tb.h"

static const struct {
    uint8_t args;
    char result;
    const char *flags;
} rules[IR_OP_COUNT] = {
#define IR_OP(name, text, args, result, flags, meaning) \
    [IR_##name] = { args, result, flags },
#include "vm/ir-ops.def"
#undef IR_OP
};

typedef struct Verify {
    const IrBlock *b;
    bool wrote;            /* this guest instruction has changed state */
} Verify;

static const IrInst *inst(const Verify *v, guint n)
{
    return &g_array_index(v->b->insts, IrInst, n);
}

static uint8_t effects(const Verify *v, const IrInst *i)
{
    switch (i->op) {
    case IR_SET:
    case IR_STENV:
        return IR_WRITES;
    case IR_LD:
    case IR_ST:
        return IR_FAULTS;
    case IR_CALL: {
        const IrHelper *h = g_ptr_array_index(v->b->helpers, i->imm);
        return h->effects;
    }
    default:
        return 0;
    }
}

static const char *check_operands(const Verify *v, guint n)
{
    const IrInst *i = inst(v, n);
    unsigned want = i->op == IR_CALL ? i->nargs : rules[i->op].args;
    if (i->nargs != want) {
        return "wrong number of operands";
    }
    for (unsigned k = 0; k < i->nargs; k++) {
        if (i->arg[k] >= n) {
            return "operand is not defined before";
        }
        if (inst(v, i->arg[k])->type == IR_NONE) {
            return "operand has no value";
        }
    }
    return NULL;
}

static const char *check_type(const Verify *v, const IrInst *i)
{
    IrType operand = i->nargs ? inst(v, i->arg[0])->type : IR_NONE;
    switch (rules[i->op].result) {
    case '4':
        return i->type == IR_I32 ? NULL : "result is not i32";
    case '8':
        return i->type == IR_I64 ? NULL : "result is not i64";
    case 'v':
        return i->type == operand ? NULL : "result is not its operand's type";
    default:
        return NULL;
    }
}

/* An instruction that faults has changed nothing. A helper may both fault and
 * write: it does so in that order by its own contract. */
static const char *check_order(Verify *v, const IrInst *i)
{
    if (i->op == IR_INSN) {
        v->wrote = false;
        return NULL;
    }
    uint8_t e = effects(v, i);
    if ((e & IR_FAULTS) && v->wrote) {
        return "may fault after the instruction changed state";
    }
    v->wrote |= i->op == IR_SET || i->op == IR_STENV;
    return NULL;
}

char *ir_verify(const IrBlock *b)
{
    Verify v = { .b = b };
    for (guint n = 0; n < b->insts->len; n++) {
        const IrInst *i = inst(&v, n);
        const char *wrong = i->op >= IR_OP_COUNT ? "unknown op"
                                                 : check_operands(&v, n);
        wrong = wrong ? wrong : check_type(&v, i);
        wrong = wrong ? wrong : check_order(&v, i);
        if (wrong) {
            return g_strdup_printf("%%%u: %s", n, wrong);
        }
    }
    if (!b->insts->len || inst(&v, b->insts->len - 1)->op != IR_EXIT) {
        return g_strdup("the block does not end in an exit");
    }
    return NULL;
}
