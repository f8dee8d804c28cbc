/*
 * What the made-up processor's instructions are in IR; see tiny.h.
 */
#include "tiny-parts.h"

#define SCRATCH offsetof(TinyCpu, s.scratch)

TinySeen tiny_seen;

static uint8_t code_byte(void *opaque, unsigned offset)
{
    return translate_byte(opaque, offset);
}

static IrVal k64(IrBlock *b, uint64_t v)
{
    return ir_const(b, IR_I64, v);
}

/* Also used for i32: with operands of that type. */
static IrVal emit_alu(IrBlock *b, unsigned what, IrVal a, IrVal v)
{
    static const uint8_t two[] = {
        IR_ADD, IR_SUB, IR_MUL, IR_MULUH, IR_MULSH, IR_AND, IR_OR, IR_XOR,
        IR_ANDC, IR_SHL, IR_SHR, IR_SAR, IR_ROTL, IR_ROTR,
    };
    static const uint8_t one[] = { IR_NOT, IR_NEG, IR_CLZ, IR_CTZ, IR_POPCNT,
                                   IR_BSWAP };
    if (what < 14) {
        return ir_op2(b, two[what], a, v);
    }
    if (what < 20) {
        return ir_op1(b, one[what - 14], v);
    }
    switch (what) {
    case 20:
        return ir_zext(b, a, 8);
    case 21:
        return ir_sext(b, a, 16);
    case 22:
        return ir_extract(b, v, 5, 20);
    case 23:
        return ir_deposit(b, a, v, 7, 9);
    case 24:
        return ir_zext(b, ir_zext(b, a, 16), 32);
    default:
        return ir_select(b, (what - 25) % 12, a, v, v, a);
    }
}

static IrVal alu(IrBlock *b, const TinyInsn *in, IrVal a, IrVal v)
{
    unsigned what = in->imm & 63;
    if (what >= 48) {
        return ir_op1(b, IR_ZEXT64, ir_setcond(b, (what - 48) % 12, a, v));
    }
    if (in->x & 1) {
        IrVal r = emit_alu(b, what, ir_op1(b, IR_TRUNC, a),
                           ir_op1(b, IR_TRUNC, v));
        return ir_op1(b, in->x & 2 ? IR_SEXT64 : IR_ZEXT64, r);
    }
    return emit_alu(b, what, a, v);
}

static void set_result(IrBlock *b, const TinyInsn *in, IrVal r, IrVal src)
{
    ir_set(b, in->d, r);
    ir_set(b, TINY_REG_DST, r);
    ir_set(b, TINY_REG_SRC, src);
    ir_set(b, TINY_REG_OP, ir_const(b, IR_I32, in->imm & 63));
}

IrVal tiny_address(IrBlock *b, const TinyInsn *in)
{
    IrVal a = ir_op2i(b, IR_ADD, ir_get(b, in->s), in->imm & 0x3fff);
    return ir_op2i(b, IR_AND, a, TINY_ADDR_MASK);
}

static void trans_ld(TranslateContext *tc, const TinyInsn *in)
{
    IrBlock *b = tc->ir;
    bool narrow = in->x < 3 && (in->imm & 0x4000);
    IrMem mem = in->x | (in->imm < 0 ? IR_MEM_SIGN : 0) |
                IR_MEM_MODE(tc->mmu_data);
    IrVal v = ir_ld(b, narrow ? IR_I32 : IR_I64, tiny_address(b, in), mem);
    ir_set(b, in->d, narrow ? ir_op1(b, IR_ZEXT64, v) : v);
}

static void trans_st(TranslateContext *tc, const TinyInsn *in)
{
    IrBlock *b = tc->ir;
    IrVal a = tiny_address(b, in);
    IrVal v = ir_get(b, in->d);
    if (in->imm < 0) {
        v = k64(b, in->imm);
    }
    ir_st(b, a, v, in->x | IR_MEM_MODE(tc->mmu_data));
    ir_set(b, TINY_REG_SRC, a);
}

static uint64_t target_of(const TranslateContext *tc, const TinyInsn *in)
{
    return (tc->pc + (in->imm >> 4)) & TINY_ADDR_MASK;
}

/* A jump within the page may be chained. */
static void jump(TranslateContext *tc, uint64_t to, IrExit how)
{
    ir_exit(tc->ir, k64(tc->ir, to & TINY_ADDR_MASK), how);
    tc->ended = true;
}

static void trans_branch(TranslateContext *tc, const TinyInsn *in)
{
    IrBlock *b = tc->ir;
    IrCond cond = (in->imm & 15) % 12;
    bool skip = in->op == TINY_SKIP;
    ir_exit_if(b, cond, ir_get(b, in->d), ir_get(b, in->s),
               k64(b, target_of(tc, in)),
               skip ? IR_EXIT_LOOKUP : IR_EXIT_CHAIN0);
    if (!skip) {
        jump(tc, tc->pc + in->len, IR_EXIT_CHAIN1);
    }
}

static void trans_env(TranslateContext *tc, const TinyInsn *in)
{
    IrBlock *b = tc->ir;
    if (in->op == TINY_STENV) {
        ir_stenv(b, SCRATCH, ir_get(b, in->s), in->x);
    } else if (in->x < 3 && in->s < 4) {
        ir_set(b, in->d, ir_op1(b, IR_ZEXT64, ir_ldenv(b, IR_I32, SCRATCH,
                                                       in->x)));
    } else {
        ir_set(b, in->d, ir_ldenv(b, IR_I64, SCRATCH, in->x));
    }
}

static IrVal call(IrBlock *b, const IrHelper *h, IrVal a, IrVal v)
{
    IrVal args[] = { a, v };
    return ir_call(b, h, args);
}

/* Instructions that end their TB. */
static void trans_system(TranslateContext *tc, const TinyInsn *in)
{
    IrBlock *b = tc->ir;
    switch (in->op) {
    case TINY_IO:
        ir_set(b, in->d, call(b, &tiny_h_io, ir_get(b, in->s), 0));
        break;
    case TINY_TABLE:
        call(b, &tiny_h_table, 0, 0);
        break;
    case TINY_ENABLE:
        call(b, &tiny_h_enable, k64(b, in->x), 0);
        break;
    case TINY_FLUSH:
        call(b, &tiny_h_flush, 0, 0);
        break;
    case TINY_FPSET:
        call(b, &tiny_h_fpset, ir_get(b, in->s), 0);
        break;
    case TINY_XSET:
        call(b, &tiny_h_xset, ir_get(b, in->s), 0);
        break;
    }
    jump(tc, tc->pc + in->len, IR_EXIT_LOOP);
}

static void trans_return(TranslateContext *tc)
{
    IrBlock *b = tc->ir;
    call(b, &tiny_h_enable, k64(b, 1), 0);
    IrVal to = ir_ldenv(b, IR_I64, offsetof(TinyCpu, s.epc), IR_MEM_64);
    ir_exit(b, ir_op2i(b, IR_AND, to, TINY_ADDR_MASK), IR_EXIT_LOOP);
    tc->ended = true;
}

static void trans_helper(TranslateContext *tc, const TinyInsn *in)
{
    IrBlock *b = tc->ir;
    IrVal s = ir_get(b, in->s);
    switch (in->op) {
    case TINY_PURE:
        ir_set(b, in->d, call(b, &tiny_h_pure, s, ir_get(b, in->d)));
        break;
    case TINY_FAULTS:
        ir_set(b, in->d, call(b, &tiny_h_faults, s, 0));
        break;
    case TINY_READS:
        ir_set(b, in->d, call(b, &tiny_h_reads, 0, 0));
        break;
    case TINY_FPGET:
        ir_set(b, in->d, call(b, &tiny_h_fpget, 0, 0));
        break;
    case TINY_XGET:
        ir_set(b, in->d, call(b, &tiny_h_xget, 0, 0));
        break;
    case TINY_WRITES:
        call(b, &tiny_h_writes, k64(b, in->s), 0);
        break;
    case TINY_RETIRE:
        s = call(b, &tiny_h_retire, s,
                 k64(b, (tc->pc + in->len) & TINY_ADDR_MASK));
        ir_set(b, in->d, s);
        break;
    }
}

static void trans_jumpr(TranslateContext *tc, const TinyInsn *in)
{
    IrBlock *b = tc->ir;
    IrVal to = ir_get(b, in->s);
    if (tiny_jump_bits(in)) {
        ir_canon(b, to, tiny_jump_bits(in));
    }
    ir_exit(b, ir_op2i(b, IR_AND, to, TINY_ADDR_MASK),
            in->x & 2 ? IR_EXIT_JUMP : IR_EXIT_LOOKUP);
    tc->ended = true;
}

/* A TB may rest on what those bits are now. */
static void trans_assume(TranslateContext *tc, const TinyInsn *in)
{
    IrBlock *b = tc->ir;
    uint64_t now = tiny_cpu(tc->cpu)->s.scratch & TINY_ASSUMED;
    IrVal bits = ir_op2i(b, IR_AND, ir_ldenv(b, IR_I64, SCRATCH, IR_MEM_64),
                         TINY_ASSUMED);
    if (tc->may_assume) {
        ir_exit_stale_if(b, IR_NE, bits, k64(b, now), k64(b, tc->pc));
        bits = k64(b, now);
    }
    ir_set(b, in->d, ir_op2(b, IR_ADD, ir_get(b, in->s), bits));
}

static void translate_row(TranslateContext *tc, const TinyInsn *in)
{
    IrBlock *b = tc->ir;
    switch (in->op) {
    case TINY_ALU:
    case TINY_ALUI: {
        IrVal a = ir_get(b, in->d);
        IrVal v = in->op == TINY_ALU ? ir_get(b, in->s)
                                     : k64(b, in->imm >> 6);
        set_result(b, in, alu(b, in, a, v), v);
        break;
    }
    case TINY_LI:
        ir_set(b, in->d, k64(b, (uint64_t)(int64_t)in->imm << (4 * in->x)));
        break;
    case TINY_LD:
        trans_ld(tc, in);
        break;
    case TINY_ST:
        trans_st(tc, in);
        break;
    case TINY_SKIP:
    case TINY_BRANCH:
        trans_branch(tc, in);
        break;
    case TINY_JUMP:
        jump(tc, target_of(tc, in), IR_EXIT_CHAIN0);
        break;
    case TINY_JUMPR:
        trans_jumpr(tc, in);
        break;
    case TINY_ASSUME:
        trans_assume(tc, in);
        break;
    case TINY_LDENV:
    case TINY_STENV:
        trans_env(tc, in);
        break;
    case TINY_RETURN:
        trans_return(tc);
        break;
    case TINY_UNDEF:
        call(b, &tiny_h_undef, 0, 0);
        jump(tc, tc->pc, IR_EXIT_LOOP);
        break;
    case TINY_IO:
    case TINY_TABLE:
    case TINY_ENABLE:
    case TINY_FLUSH:
    case TINY_FPSET:
    case TINY_XSET:
        trans_system(tc, in);
        break;
    case TINY_VEC:
    case TINY_VMOV:
    case TINY_VSET:
    case TINY_VLD:
    case TINY_VST:
        tiny_trans_vector(tc, in);
        break;
    case TINY_XOP:
    case TINY_XMOV:
    case TINY_XLD:
    case TINY_XST:
    case TINY_XSPECIAL:
        tiny_trans_x80(tc, in);
        break;
    default:
        trans_helper(tc, in);
        break;
    }
}

static void note_ops(const IrBlock *b, guint from)
{
    for (; from < b->insts->len; from++) {
        const IrInst *i = &g_array_index(b->insts, IrInst, from);
        tiny_seen.op[i->op] = true;
        tiny_seen.x80[i->op == IR_X80 ? ir_x80_op(i) : X80_OP_COUNT] = true;
    }
}

void tiny_translate_insn(TranslateContext *tc)
{
    guint from = tc->ir->insts->len;
    TinyInsn in = tiny_decode(code_byte, tc);
    ir_insn_start(tc->ir, tc->pc, 0);
    translate_row(tc, &in);
    note_ops(tc->ir, from);
    tc->pc += in.len;
}

void tiny_translate_stop(TranslateContext *tc)
{
    jump(tc, tc->pc, IR_EXIT_CHAIN0);
}
