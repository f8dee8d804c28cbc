/*
 * IR to threaded code: see interp.h.
 */
#include "interp.h"

Code *compile_emit(Compiler *c, unsigned op)
{
    Code code = { .label = c->labels[op], .op = op, .insn = c->insn };
    g_array_append_val(c->code, code);
    return &g_array_index(c->code, Code, c->code->len - 1);
}

/* Emits op with all operands of an instruction in a, b, c, e, f. */
static Code *emit_args(Compiler *c, unsigned op, const IrInst *i)
{
    uint32_t at[IR_MAX_ARGS] = { 0 };
    for (unsigned k = 0; k < i->nargs; k++) {
        at[k] = place_operand(c, i->arg[k]);
    }
    Code *o = compile_emit(c, op);
    o->a = at[0];
    o->b = at[1];
    o->c = at[2];
    o->e = at[3];
    o->f = at[4];
    return o;
}

/* The row of the IR's frame states at which the present instruction's begin,
 * and behind which they end. */
static guint frame_end(const Compiler *c)
{
    guint n = c->next_frame;
    while (n < c->ir->frames->len &&
           g_array_index(c->ir->frames, IrFrame, n).insn == c->insn) {
        n++;
    }
    return n;
}

/* A guest instruction begins with instruction n: what only the frame state of
 * the one before needed is free, and where its own is is noted. */
static void compile_insn(Compiler *c, unsigned n, const IrInst *i)
{
    guint end = frame_end(c);
    for (; c->next_frame < end; c->next_frame++) {
        place_release(c, g_array_index(c->ir->frames, IrFrame,
                                       c->next_frame).value, n);
    }
    c->insn = i->imm;
    end = frame_end(c);
    for (guint k = c->next_frame; k < end; k++) {
        const IrFrame *f = &g_array_index(c->ir->frames, IrFrame, k);
        const IrReg *r = &c->ir->cls->regs[f->reg];
        Frame row = { c->insn, r->type == IR_I64, r->offset,
                      place_operand(c, f->value) };
        g_array_append_val(c->frames, row);
    }
}

static void compile_get(Compiler *c, unsigned n, const IrInst *i)
{
    const IrReg *r = &c->ir->cls->regs[i->imm];
    if (place_in_reg(c, n, i->imm)) {
        return;
    }
    Code *o = compile_emit(c, r->type == IR_I64 ? OP_MOV
                              : r->type == IR_I32 ? OP_GET32 : OP_VMOV);
    o->a = r->offset;
    place_result(c, n, o);
}

static void compile_set(Compiler *c, unsigned n, const IrInst *i)
{
    const IrReg *r = &c->ir->cls->regs[i->imm];
    uint32_t from = place_operand(c, i->arg[0]);
    if (from != r->offset) {
        Code *o = compile_emit(c, r->type == IR_I64 ? OP_MOV
                                  : r->type == IR_I32 ? OP_SET32 : OP_VMOV);
        o->a = from;
        o->d = r->offset;
    }
    place_release_args(c, n);
}

/* The form for 32 bits of each pure op; the one for 64 is behind it. */
static const uint16_t pure_ops[IR_OP_COUNT] = {
#define IR_OP(name, text, args, result, flags, meaning)
#define IR_PURE(name, text, args, result, flags, k, value)                 \
    [IR_##name] = OP_##name##32,
#include "vm/ir-ops.def"
};

static void compile_pure(Compiler *c, unsigned n, const IrInst *i)
{
    bool wide = inst(c, i->arg[0])->type == IR_I64;
    Code *o = emit_args(c, pure_ops[i->op] + wide, i);
    o->imm = ir_prepare(i);
    place_release_args(c, n);
    place_result(c, n, o);
}

/* The form of an op with a condition, for the type of what is compared. */
static unsigned cond_op(const Compiler *c, const IrInst *i, unsigned op32,
                        unsigned op64)
{
    IrType t = inst(c, i->arg[0])->type;
    return (t == IR_I64 ? op64 : op32) + i->cond;
}

static void compile_cond(Compiler *c, unsigned n, const IrInst *i)
{
    unsigned op = i->op == IR_SELECT
        ? cond_op(c, i, OP_SELECT32_EQ, OP_SELECT64_EQ)
        : cond_op(c, i, OP_SETCOND32_EQ, OP_SETCOND64_EQ);
    Code *o = emit_args(c, op, i);
    place_release_args(c, n);
    place_result(c, n, o);
}

static void compile_vector_memory(Compiler *c, unsigned n, const IrInst *i)
{
    bool load = i->op == IR_LD, number = i->type == IR_F80;
    Code *o = emit_args(c, load ? (number ? OP_XLD : OP_VLD)
                                : number ? OP_XST : OP_VST, i);
    o->imm = i->mem;
    place_release_args(c, n);
    if (load) {
        place_result(c, n, o);
    }
}

/* operands: of the row's signature, first those of the kind `big`. The result is
 * written when all operands have been read. */
static void compile_big(Compiler *c, unsigned n, unsigned op,
                        const char *operands, char big)
{
    const IrInst *i = inst(c, n);
    Code *o = emit_args(c, op, i);
    unsigned k = 0;
    while (operands[k] == big) {
        k++;
    }
    if (operands[k]) {                 /* the integer is always in f */
        o->f = place_operand(c, i->arg[k]);
    }
    o->imm = i->imm;
    place_release_args(c, n);
    if (i->type != IR_NONE) {
        place_result(c, n, o);
    }
}

static void compile_vec(Compiler *c, unsigned n, const IrInst *i)
{
    compile_big(c, n, i->op == IR_FVECX ? OP_FVECX : OP_VEC,
                vec_ops[ir_vec_op(i)].sig + 2, 'v');
}

static void compile_x80(Compiler *c, unsigned n, const IrInst *i)
{
    compile_big(c, n, OP_X80, x80_ops[ir_x80_op(i)].sig + 2, 'x');
}

static void compile_memory(Compiler *c, unsigned n, const IrInst *i)
{
    if (ir_is_big(i->type)) {
        compile_vector_memory(c, n, i);
        return;
    }
    unsigned size = ir_mem_log2(i->mem);
    bool load = i->op == IR_LD;
    bool sign = load && (i->mem & IR_MEM_SIGN) && size < 3;
    unsigned op = !load ? OP_ST8 : sign ? OP_LDS8 : OP_LD8;
    Code *o = emit_args(c, op + size, i);
    o->mode = ir_mem_access(i->mem);
    o->imm = load ? bits_mask(i->type == IR_I32 ? 32 : 64) : 0;
    place_release_args(c, n);
    if (load) {
        place_result(c, n, o);
    }
}

static void compile_env(Compiler *c, unsigned n, const IrInst *i)
{
    bool load = i->op == IR_LDENV;
    unsigned op = (load ? OP_LDENV8 : OP_STENV8) + ir_mem_log2(i->mem);
    Code *o = emit_args(c, op, i);
    if (load) {
        o->a = i->imm;
        place_result(c, n, o);
    } else {
        o->d = i->imm;
        place_release_args(c, n);
    }
}

static void compile_call(Compiler *c, unsigned n, const IrInst *i)
{
    const IrHelper *h = g_ptr_array_index(c->ir->helpers, i->imm);
    g_assert(h->nargs <= 5);
    Code *o = emit_args(c, OP_CALL0 + h->nargs, i);
    o->imm = (uintptr_t)h->fn;
    place_release_args(c, n);
    place_result(c, n, o);
}

static void compile_canon(Compiler *c, unsigned n, const IrInst *i)
{
    emit_args(c, OP_CANON, i)->imm = i->imm;
    place_release_args(c, n);
}

static void compile_exit(Compiler *c, unsigned n, const IrInst *i)
{
    bool conditional = i->op == IR_EXIT_IF;
    const IrInst *pc = inst(c, i->arg[i->nargs - 1]);
    IrInst without_pc = *i;
    without_pc.nargs -= pc->op == IR_CONST;
    unsigned op = conditional ? cond_op(c, i, OP_EXIT_IF32_EQ,
                                        OP_EXIT_IF64_EQ)
                              : OP_EXIT;
    Code *o = emit_args(c, op, &without_pc);
    o->c = conditional ? o->c : o->a;
    o->how = conditional ? i->mem : i->cond;
    o->retired = i->insn;
    o->mode = pc->op == IR_CONST;
    o->imm = pc->imm;
    o->d = c->ir->cls->regs[c->ir->cls->pc_reg].offset;
    place_release_args(c, n);
}

static void compile_nothing(Compiler *c, unsigned n, const IrInst *i)
{
}

typedef void CompileOp(Compiler *c, unsigned n, const IrInst *i);

/* All others are pure. */
static CompileOp *const compile_op[IR_OP_COUNT] = {
    [IR_INSN] = compile_insn,
    [IR_CONST] = compile_nothing,  /* where it is used */
    [IR_ZEXT64] = compile_nothing, /* shares its operand's place */
    [IR_GET] = compile_get,        [IR_SET] = compile_set,
    [IR_SETCOND] = compile_cond,   [IR_SELECT] = compile_cond,
    [IR_LD] = compile_memory,      [IR_ST] = compile_memory,
    [IR_LDENV] = compile_env,      [IR_STENV] = compile_env,
    [IR_VEC] = compile_vec,        [IR_FVEC] = compile_vec,
    [IR_FVECX] = compile_vec,      [IR_X80] = compile_x80,
    [IR_CALL] = compile_call,      [IR_CANON] = compile_canon,
    [IR_EXIT] = compile_exit,      [IR_EXIT_IF] = compile_exit,
};

void interp_compile(Cpu *cpu, Tb *tb, const IrBlock *ir)
{
    unsigned n = ir->insts->len;
    Compiler c = {
        .ir = ir,
        .cpu = cpu,
        .code = g_array_sized_new(FALSE, FALSE, sizeof(Code), n),
        .frames = g_array_new(FALSE, FALSE, sizeof(Frame)),
        .labels = interp_labels(),
    };
    place_init(&c);
    for (unsigned k = 0; k < n; k++) {
        const IrInst *i = inst(&c, k);
        (compile_op[i->op] ? compile_op[i->op] : compile_pure)(&c, k, i);
    }
    place_fini(&c);
    tb->code_bytes = c.code->len * sizeof(Code);
    tb->code = g_array_free(c.code, FALSE);
    tb->frame_count = c.frames->len;
    tb->frames = g_array_free(c.frames, FALSE);
}
