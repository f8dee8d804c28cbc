/*
 * One pure op, one condition at a time: for constants, for frame states, and for
 * code that is run once. What they mean is in vm/ir-ops.def and vm/ir-conds.def.
 */
#include "ir-sem.h"
#include "tb.h"

#define FORM(op, wide) (2 * (op) + (wide))

bool ir_holds(IrCond cond, unsigned bits, uint64_t a, uint64_t b)
{
    switch (FORM(cond, bits == 64)) {
#define IR_COND(name, text, holds)                                         \
    case FORM(IR_##name, 0): return cond_##name##32(a, b);                 \
    case FORM(IR_##name, 1): return cond_##name##64(a, b);
#include "vm/ir-conds.def"
    }
    g_assert_not_reached();
}

static uint64_t eval_integer(const IrInst *i, bool wide, uint64_t a, uint64_t b)
{
    switch (FORM(i->op, wide)) {
#define IR_OP(name, text, args, result, flags, meaning)
#define IR_PURE(name, text, args, result, flags, k, value)                 \
    case FORM(IR_##name, 0): return sem_##name##32(a, b, sem_k_##name(i->imm)); \
    case FORM(IR_##name, 1): return sem_##name##64(a, b, sem_k_##name(i->imm));
#include "vm/ir-ops.def"
    }
    g_assert_not_reached();
}

uint64_t ir_eval(const IrInst *i, unsigned bits, const uint64_t *arg)
{
    switch (i->op) {
    case IR_SETCOND:
        return ir_holds(i->cond, bits, arg[0], arg[1]);
    case IR_SELECT:
        return arg[ir_holds(i->cond, bits, arg[0], arg[1]) ? 2 : 3];
    default:
        return eval_integer(i, bits == 64, arg[0], i->nargs > 1 ? arg[1] : 0);
    }
}

uint64_t ir_prepare(const IrInst *i)
{
    switch (i->op) {
#define IR_OP(name, text, args, result, flags, meaning)
#define IR_PURE(name, text, args, result, flags, k, value)                 \
    case IR_##name: return sem_k_##name(i->imm);
#include "vm/ir-ops.def"
    }
    g_assert_not_reached();
}
