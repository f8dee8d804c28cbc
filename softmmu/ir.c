/*
 * The IR builder: appends instructions to a block. See vm/ir.h.
 */
#include "vm/ir.h"

#include "vm/cpu.h"

const IrOpInfo ir_op_info[IR_OP_COUNT] = {
#define IR_OP(name, text, args, result, flags, meaning) \
    [IR_##name] = { text, args, result, flags },
#include "vm/ir-ops.def"
};

IrBlock *ir_block_new(const CpuClass *cls)
{
    IrBlock *b = g_new0(IrBlock, 1);
    b->cls = cls;
    b->insts = g_array_new(FALSE, FALSE, sizeof(IrInst));
    b->frames = g_array_new(FALSE, FALSE, sizeof(IrFrame));
    b->insn_words = g_array_new(FALSE, FALSE, 2 * sizeof(uint64_t));
    b->helpers = g_ptr_array_new();
    return b;
}

void ir_block_clear(IrBlock *b)
{
    g_array_set_size(b->insts, 0);
    g_array_set_size(b->frames, 0);
    g_array_set_size(b->insn_words, 0);
    g_ptr_array_set_size(b->helpers, 0);
}

void ir_block_free(IrBlock *b)
{
    g_array_free(b->insts, TRUE);
    g_array_free(b->frames, TRUE);
    g_array_free(b->insn_words, TRUE);
    g_ptr_array_free(b->helpers, TRUE);
    g_free(b);
}

static IrInst *at(const IrBlock *b, IrVal v)
{
    g_assert(v < b->insts->len);
    return &g_array_index(b->insts, IrInst, v);
}

/* A chunk at a time: this is most of what a translation does. */
static void make_room(IrBlock *b)
{
    guint len = b->insts->len;
    g_assert(len < IR_NO_VAL);
    b->room = MIN(2 * len + 256, IR_NO_VAL);
    g_array_set_size(b->insts, b->room);
    b->insts->len = len;
}

static inline IrVal append(IrBlock *b, IrInst i)
{
    GArray *insts = b->insts;
    if (G_UNLIKELY(insts->len >= b->room)) {
        make_room(b);
    }
    g_array_index(insts, IrInst, insts->len) = i;
    return insts->len++;
}

IrType ir_type(const IrBlock *b, IrVal v)
{
    return at(b, v)->type;
}

bool ir_is_const(const IrBlock *b, IrVal v, uint64_t *out)
{
    const IrInst *i = at(b, v);
    if (i->op == IR_CONST && out) {
        *out = i->imm;
    }
    return i->op == IR_CONST;
}

IrVal ir_const(IrBlock *b, IrType type, uint64_t v)
{
    if (type == IR_I32) {
        v = (uint32_t)v;
    }
    return append(b, (IrInst){ .op = IR_CONST, .type = type, .imm = v });
}

IrVal ir_get(IrBlock *b, unsigned reg)
{
    g_assert(reg < b->cls->reg_count);
    return append(b, (IrInst){ .op = IR_GET, .type = b->cls->regs[reg].type,
                               .imm = reg });
}

void ir_set(IrBlock *b, unsigned reg, IrVal v)
{
    g_assert(reg < b->cls->reg_count);
    g_assert(ir_type(b, v) == b->cls->regs[reg].type);
    append(b, (IrInst){ .op = IR_SET, .type = ir_type(b, v), .nargs = 1,
                        .arg = { v }, .imm = reg });
}

static IrType result_type(IrOp op, IrType operand)
{
    switch (op) {
    case IR_ZEXT64:
    case IR_SEXT64:
        return IR_I64;
    case IR_TRUNC:
    case IR_SETCOND:
        return IR_I32;
    default:
        return operand;
    }
}

IrVal ir_op1(IrBlock *b, IrOp op, IrVal a)
{
    IrType t = ir_type(b, a);
    g_assert((op != IR_ZEXT64 && op != IR_SEXT64) || t == IR_I32);
    return append(b, (IrInst){ .op = op, .type = result_type(op, t),
                               .nargs = 1, .arg = { a } });
}

IrVal ir_op2(IrBlock *b, IrOp op, IrVal a, IrVal v)
{
    g_assert(ir_type(b, a) == ir_type(b, v));
    return append(b, (IrInst){ .op = op, .type = ir_type(b, a), .nargs = 2,
                               .arg = { a, v } });
}

IrVal ir_op2i(IrBlock *b, IrOp op, IrVal a, uint64_t imm)
{
    return ir_op2(b, op, a, ir_const(b, ir_type(b, a), imm));
}

static IrVal op1_imm(IrBlock *b, IrOp op, IrVal a, uint64_t imm)
{
    return append(b, (IrInst){ .op = op, .type = ir_type(b, a), .nargs = 1,
                               .arg = { a }, .imm = imm });
}

IrVal ir_zext(IrBlock *b, IrVal a, unsigned bits)
{
    return op1_imm(b, IR_ZEXT, a, bits);
}

IrVal ir_sext(IrBlock *b, IrVal a, unsigned bits)
{
    return op1_imm(b, IR_SEXT, a, bits);
}

IrVal ir_extract(IrBlock *b, IrVal a, unsigned pos, unsigned len)
{
    return op1_imm(b, IR_EXTRACT, a, pos | len << 8);
}

IrVal ir_deposit(IrBlock *b, IrVal a, IrVal field, unsigned pos, unsigned len)
{
    g_assert(ir_type(b, a) == ir_type(b, field));
    return append(b, (IrInst){ .op = IR_DEPOSIT, .type = ir_type(b, a),
                               .nargs = 2, .arg = { a, field },
                               .imm = pos | len << 8 });
}

IrVal ir_setcond(IrBlock *b, IrCond cond, IrVal x, IrVal y)
{
    g_assert(ir_type(b, x) == ir_type(b, y));
    return append(b, (IrInst){ .op = IR_SETCOND, .type = IR_I32, .cond = cond,
                               .nargs = 2, .arg = { x, y } });
}

IrVal ir_select(IrBlock *b, IrCond cond, IrVal x, IrVal y, IrVal yes,
                IrVal no)
{
    g_assert(ir_type(b, x) == ir_type(b, y));
    g_assert(ir_type(b, yes) == ir_type(b, no));
    return append(b, (IrInst){ .op = IR_SELECT, .type = ir_type(b, yes),
                               .cond = cond, .nargs = 4,
                               .arg = { x, y, yes, no } });
}

IrVal ir_ld(IrBlock *b, IrType type, IrVal addr, IrMem mem)
{
    g_assert(ir_type(b, addr) == IR_I64);
    return append(b, (IrInst){ .op = IR_LD, .type = type, .nargs = 1,
                               .mem = mem, .arg = { addr } });
}

void ir_st(IrBlock *b, IrVal addr, IrVal v, IrMem mem)
{
    g_assert(ir_type(b, addr) == IR_I64);
    append(b, (IrInst){ .op = IR_ST, .type = ir_type(b, v), .nargs = 2,
                        .mem = mem, .arg = { addr, v } });
}

void ir_canon(IrBlock *b, IrVal a, unsigned bits)
{
    g_assert(ir_type(b, a) == IR_I64);
    append(b, (IrInst){ .op = IR_CANON, .nargs = 1, .imm = bits,
                        .arg = { a } });
}

IrVal ir_ldenv(IrBlock *b, IrType type, uint32_t offset, IrMem size)
{
    return append(b, (IrInst){ .op = IR_LDENV, .type = type, .mem = size,
                               .imm = offset });
}

void ir_stenv(IrBlock *b, uint32_t offset, IrVal v, IrMem size)
{
    append(b, (IrInst){ .op = IR_STENV, .type = ir_type(b, v), .nargs = 1,
                        .mem = size, .arg = { v }, .imm = offset });
}

IrVal ir_call(IrBlock *b, const IrHelper *h, const IrVal *args)
{
    g_assert(h->nargs <= IR_MAX_ARGS);
    IrInst i = { .op = IR_CALL, .type = h->result, .nargs = h->nargs,
                 .imm = b->helpers->len };
    for (unsigned n = 0; n < h->nargs; n++) {
        i.arg[n] = args[n];
    }
    g_ptr_array_add(b->helpers, (void *)h);
    IrVal v = append(b, i);
    return h->result == IR_NONE ? IR_NO_VAL : v;
}

static IrType sig_type(char c)
{
    return c == 'v' ? IR_V128 : c == '4' ? IR_I32 : IR_I64;
}

IrVal ir_vec(IrBlock *b, VecOp op, unsigned imm, const IrVal *args)
{
    const VecInfo *info = &vec_ops[op];
    const char *operands = info->sig + 2;
    IrInst i = { .op = !info->env ? IR_VEC : b->fp_traps ? IR_FVECX : IR_FVEC,
                 .type = sig_type(info->sig[0]),
                 .imm = op | (uint64_t)imm << 16 };
    for (; operands[i.nargs]; i.nargs++) {
        g_assert(ir_type(b, args[i.nargs]) == sig_type(operands[i.nargs]));
        i.arg[i.nargs] = args[i.nargs];
    }
    return append(b, i);
}

static IrType x80_type(char c)
{
    return c == 'x' ? IR_F80 : c == '-' ? IR_NONE : sig_type(c);
}

IrVal ir_x80(IrBlock *b, X80Op op, unsigned imm, const IrVal *args)
{
    const char *sig = x80_ops[op].sig, *operands = sig + 2;
    IrInst i = { .op = IR_X80, .type = x80_type(sig[0]),
                 .imm = op | (uint64_t)imm << 16 };
    for (; operands[i.nargs]; i.nargs++) {
        g_assert(ir_type(b, args[i.nargs]) == x80_type(operands[i.nargs]));
        i.arg[i.nargs] = args[i.nargs];
    }
    return append(b, i);
}

X80Kind ir_mem_x80(IrMem m)
{
    unsigned log2 = ir_mem_log2(m);
    X80Kind first = m & IR_MEM_TRUNC ? X80_T16
                    : m & IR_MEM_INT ? X80_I16 : X80_F32;
    unsigned smallest = first == X80_F32 ? IR_MEM_32 : IR_MEM_16;
    return log2 == IR_MEM_80 ? X80_F80 : first + (log2 - smallest);
}

IrVal ir_vec1(IrBlock *b, VecOp op, unsigned imm, IrVal a)
{
    g_assert(!vec_ops[op].sig[3]);
    return ir_vec(b, op, imm, &a);
}

IrVal ir_vec2(IrBlock *b, VecOp op, unsigned imm, IrVal a, IrVal v)
{
    g_assert(!vec_ops[op].sig[4]);
    return ir_vec(b, op, imm, (IrVal[]){ a, v });
}

IrVal ir_vec_const(IrBlock *b, uint64_t v)
{
    return append(b, (IrInst){ .op = IR_CONST, .type = IR_V128, .imm = v });
}

void ir_insn_start(IrBlock *b, uint64_t word0, uint64_t word1)
{
    uint64_t words[2] = { word0, word1 };
    append(b, (IrInst){ .op = IR_INSN, .imm = b->insn_words->len });
    g_array_append_val(b->insn_words, words);
}

void ir_exit_if(IrBlock *b, IrCond cond, IrVal x, IrVal y, IrVal pc,
                IrExit how)
{
    g_assert(ir_type(b, x) == ir_type(b, y));
    append(b, (IrInst){ .op = IR_EXIT_IF, .cond = cond, .nargs = 3,
                        .mem = how, .insn = b->insn_words->len,
                        .arg = { x, y, pc } });
}

void ir_exit_stale_if(IrBlock *b, IrCond cond, IrVal x, IrVal y, IrVal pc)
{
    ir_exit_if(b, cond, x, y, pc, IR_EXIT_STALE);
    at(b, b->insts->len - 1)->insn--;
}

void ir_exit(IrBlock *b, IrVal pc, IrExit how)
{
    append(b, (IrInst){ .op = IR_EXIT, .cond = how, .nargs = 1,
                        .insn = b->insn_words->len, .arg = { pc } });
}
