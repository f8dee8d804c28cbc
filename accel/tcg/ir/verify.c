/*
 * What every block must obey (vm/ir.h), checked.
 */
#include <string.h>

#include "tb.h"

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
    case IR_CANON:
    case IR_FVECX:
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
    bool own = i->op == IR_CALL || ir_is_vec(i) || i->op == IR_X80;
    unsigned want = own ? i->nargs : ir_op_info[i->op].args;
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

static IrType type_of(const Verify *v, IrVal n)
{
    return inst(v, n)->type;
}

static const char *check_result(const Verify *v, const IrInst *i)
{
    IrType operand = i->nargs ? type_of(v, i->arg[0]) : IR_NONE;
    switch (ir_op_info[i->op].result) {
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

/* What the operands of an op must have in common. */
typedef enum Shape {
    SHAPE_ANY,
    SHAPE_ALIKE,           /* one type, the result's if that is 'v' */
    SHAPE_COMPARE,         /* the first two have one type */
    SHAPE_I32,             /* the first is i32 */
    SHAPE_I64,             /* the first is i64: an address, a pc */
} Shape;

static const uint8_t shapes[IR_OP_COUNT] = {
    [IR_ADD] = SHAPE_ALIKE, [IR_SUB] = SHAPE_ALIKE, [IR_MUL] = SHAPE_ALIKE,
    [IR_MULUH] = SHAPE_ALIKE, [IR_MULSH] = SHAPE_ALIKE,
    [IR_AND] = SHAPE_ALIKE, [IR_OR] = SHAPE_ALIKE, [IR_XOR] = SHAPE_ALIKE,
    [IR_ANDC] = SHAPE_ALIKE, [IR_SHL] = SHAPE_ALIKE, [IR_SHR] = SHAPE_ALIKE,
    [IR_SAR] = SHAPE_ALIKE, [IR_ROTL] = SHAPE_ALIKE, [IR_ROTR] = SHAPE_ALIKE,
    [IR_DEPOSIT] = SHAPE_ALIKE, [IR_SETCOND] = SHAPE_COMPARE,
    [IR_SELECT] = SHAPE_COMPARE, [IR_EXIT_IF] = SHAPE_COMPARE,
    [IR_ZEXT64] = SHAPE_I32, [IR_SEXT64] = SHAPE_I32, [IR_TRUNC] = SHAPE_I64,
    [IR_LD] = SHAPE_I64, [IR_ST] = SHAPE_I64, [IR_EXIT] = SHAPE_I64,
    [IR_CANON] = SHAPE_I64,
};

static const char *check_shape(const Verify *v, const IrInst *i)
{
    switch (shapes[i->op]) {
    case SHAPE_ALIKE:
    case SHAPE_COMPARE:
        return type_of(v, i->arg[0]) == type_of(v, i->arg[1])
                   ? NULL : "operands have different types";
    case SHAPE_I32:
        return type_of(v, i->arg[0]) == IR_I32 ? NULL
                                               : "operand is not i32";
    case SHAPE_I64:
        return type_of(v, i->arg[0]) == IR_I64 ? NULL
                                               : "operand is not i64";
    default:
        return NULL;
    }
}

static const char *check_reg(const Verify *v, const IrInst *i)
{
    const CpuClass *cls = v->b->cls;
    if (i->imm >= cls->reg_count) {
        return "no such register";
    }
    if (i->op == IR_SET && i->imm == cls->pc_reg) {
        return "the pc is written by exits only";
    }
    return cls->regs[i->imm].type == i->type ? NULL
                                             : "not the register's type";
}

static const char *check_call(const Verify *v, const IrInst *i)
{
    if (i->imm >= v->b->helpers->len) {
        return "no such helper";
    }
    const IrHelper *h = g_ptr_array_index(v->b->helpers, i->imm);
    return h->nargs == i->nargs && h->result == i->type
               ? NULL : "not as the helper is declared";
}

static const char *check_field(const IrInst *i, unsigned pos, unsigned len)
{
    unsigned width = i->type == IR_I32 ? 32 : 64;
    return len && pos + len <= width ? NULL
                                     : "the field is not within the value";
}

static IrType sig_type(char c)
{
    return c == 'v' ? IR_V128 : c == '4' ? IR_I32 : IR_I64;
}

/* As its row of base/vec-ops.def says. */
static const char *check_vec(const Verify *v, const IrInst *i)
{
    if (ir_vec_op(i) >= VEC_OP_COUNT) {
        return "no such vector operation";
    }
    const VecInfo *info = &vec_ops[ir_vec_op(i)];
    if (info->env != (i->op != IR_VEC)) {
        return "not the kind of its vector operation";
    }
    if (strlen(info->sig) != i->nargs + 2u ||
        i->type != sig_type(info->sig[0])) {
        return "not as the vector operation's row says";
    }
    for (unsigned k = 0; k < i->nargs; k++) {
        if (type_of(v, i->arg[k]) != sig_type(info->sig[2 + k])) {
            return "not the operands of its vector operation";
        }
    }
    return NULL;
}

static IrType x80_type(char c)
{
    return c == 'x' ? IR_F80 : c == '-' ? IR_NONE : sig_type(c);
}

/* As its row of base/x80-ops.def says. */
static const char *check_x80(const Verify *v, const IrInst *i)
{
    if (ir_x80_op(i) >= X80_OP_COUNT) {
        return "no such operation of 80 bits";
    }
    const char *sig = x80_ops[ir_x80_op(i)].sig;
    if (strlen(sig) != i->nargs + 2u || i->type != x80_type(sig[0])) {
        return "not as the row of 80 bits says";
    }
    for (unsigned k = 0; k < i->nargs; k++) {
        if (type_of(v, i->arg[k]) != x80_type(sig[2 + k])) {
            return "not the operands of its operation of 80 bits";
        }
    }
    return NULL;
}

/* Vectors and numbers of 80 bits are moved by few ops and computed with by VEC
 * and its like and by X80 only. */
static const char *check_type(const Verify *v, const IrInst *i)
{
    bool moves = i->op == IR_GET || i->op == IR_SET || i->op == IR_LD ||
                 i->op == IR_ST;
    bool vector = i->type == IR_V128, number = i->type == IR_F80;
    for (unsigned k = 0; k < i->nargs; k++) {
        vector |= type_of(v, i->arg[k]) == IR_V128;
        number |= type_of(v, i->arg[k]) == IR_F80;
    }
    if (vector && !moves && i->op != IR_CONST && !ir_is_vec(i)) {
        return "does not know vectors";
    }
    return !number || moves || i->op == IR_X80
               ? NULL : "does not know numbers of 80 bits";
}

static const char *check_x80_mem(const IrInst *i)
{
    unsigned size = ir_mem_log2(i->mem);
    bool integer = i->mem & IR_MEM_INT;
    bool truncates = i->mem & IR_MEM_TRUNC;
    bool known = integer ? size >= IR_MEM_16 && size <= IR_MEM_64
                         : size == IR_MEM_32 || size == IR_MEM_64 ||
                               size == IR_MEM_80;
    return known &&
           !(i->mem & (IR_MEM_SIGN | IR_MEM_ALIGN | IR_MEM_PAIR)) &&
           (!truncates || (integer && i->op == IR_ST))
               ? NULL : "no form of a number of 80 bits";
}

static const char *check_mem(const IrInst *i)
{
    unsigned bytes = ir_mem_size(i->mem);
    if (i->type == IR_F80) {
        return check_x80_mem(i);
    }
    if (i->mem & (IR_MEM_INT | IR_MEM_TRUNC) ||
        ir_mem_log2(i->mem) > IR_MEM_128) {
        return "no size but for numbers of 80 bits";
    }
    if ((i->mem & IR_MEM_PAIR) && (i->type != IR_V128 || bytes != 16)) {
        return "no first half of 32 bytes";
    }
    if (i->type == IR_V128) {
        return bytes >= 4 && bytes <= 16 ? NULL : "no size for a vector";
    }
    return bytes <= 8 && !(i->mem & IR_MEM_ALIGN) ? NULL
                                                  : "no size for an integer";
}

/* The part that is not a value, and what it says about the operands. */
static const char *check_extra(const Verify *v, const IrInst *i)
{
    switch (i->op) {
    case IR_GET:
    case IR_SET:
        return check_reg(v, i);
    case IR_CALL:
        return check_call(v, i);
    case IR_CANON:
        return i->imm && i->imm < 64 ? NULL : "not a width";
    case IR_VEC:
    case IR_FVEC:
    case IR_FVECX:
        return check_vec(v, i);
    case IR_X80:
        return check_x80(v, i);
    case IR_LD:
    case IR_ST:
        return check_mem(i);
    case IR_ZEXT:
    case IR_SEXT:
        return check_field(i, 0, MIN(i->imm, 255));
    case IR_EXTRACT:
    case IR_DEPOSIT:
        return check_field(i, i->imm & 255, MIN(i->imm >> 8, 255));
    case IR_SELECT:
        return type_of(v, i->arg[2]) == i->type &&
               type_of(v, i->arg[3]) == i->type
                   ? NULL : "not the type of what is chosen from";
    case IR_EXIT_IF:
        return type_of(v, i->arg[2]) == IR_I64 ? NULL : "the pc is not i64";
    default:
        return NULL;
    }
}

static const char *check_place(const Verify *v, guint n)
{
    const IrInst *i = inst(v, n);
    bool exits = i->op == IR_EXIT || i->op == IR_EXIT_IF;
    if (!n && i->op != IR_INSN) {
        return "does not belong to a guest instruction";
    }
    if (n && inst(v, n - 1)->op == IR_EXIT) {
        return "is behind the exit";
    }
    if (i->op == IR_INSN) {
        return i->imm < v->b->insn_words->len ? NULL : "no such instruction";
    }
    return !exits || i->insn <= v->b->insn_words->len
               ? NULL : "more instructions retire than there are";
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
        wrong = wrong ? wrong : check_place(&v, n);
        wrong = wrong ? wrong : check_result(&v, i);
        wrong = wrong ? wrong : check_type(&v, i);
        wrong = wrong ? wrong : check_shape(&v, i);
        wrong = wrong ? wrong : check_extra(&v, i);
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
