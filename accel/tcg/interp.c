/*
 * The portable back end: compiles IR to threaded code and runs it.
 *
 * An operand is a byte offset from the Cpu: a guest register's, a slot of
 * cpu->frame for a value, or a slot of the constant pool at the frame's upper
 * end. So no operation cares where its operands come from, and constants and
 * most register reads cost nothing. i32 values are kept zero-extended; a
 * vector or a number of 80 bits has two slots side by side.
 *
 * ORDER interp-op: the list makes the enum, the label table and the names.
 */
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "tb.h"

#define CONDS(X, name)                                                     \
    X(name##_EQ) X(name##_NE) X(name##_LTU) X(name##_GEU) X(name##_LEU)    \
    X(name##_GTU) X(name##_LT) X(name##_GE) X(name##_LE) X(name##_GT)      \
    X(name##_TST) X(name##_TSTZ)
#define BOTH(X, name) X(name##32) X(name##64)

#define INTERP_OPS(X)                                                      \
    X(MOV) X(CONST) X(GET32) X(SET32)                                               \
    BOTH(X, ADD) BOTH(X, SUB) BOTH(X, MUL) BOTH(X, MULUH) BOTH(X, MULSH)   \
    X(AND) X(OR) X(XOR) X(ANDC) BOTH(X, NOT) BOTH(X, NEG)                  \
    BOTH(X, SHL) BOTH(X, SHR) BOTH(X, SAR) BOTH(X, ROTL) BOTH(X, ROTR)     \
    BOTH(X, CLZ) BOTH(X, CTZ) X(POPCNT) BOTH(X, BSWAP)                     \
    X(MASK) BOTH(X, SEXT) X(EXTRACT) X(DEPOSIT)                            \
    CONDS(X, SETCOND32) CONDS(X, SETCOND64)                                \
    CONDS(X, SELECT32) CONDS(X, SELECT64)                                  \
    CONDS(X, EXIT_IF32) CONDS(X, EXIT_IF64)                                \
    X(LD8) X(LD16) X(LD32) X(LD64) X(LDS8) X(LDS16) X(LDS32)               \
    X(ST8) X(ST16) X(ST32) X(ST64)                                         \
    X(LDENV8) X(LDENV16) X(LDENV32) X(LDENV64)                             \
    X(STENV8) X(STENV16) X(STENV32) X(STENV64)                             \
    X(VMOV) X(VCONST) X(VLD) X(VST) X(VEC) X(FVEC) X(FVECX)                \
    X(XLD) X(XST) X(X80)                                                   \
    X(CALL0) X(CALL1) X(CALL2) X(CALL3) X(CALL4) X(CALL5) X(CALL6)         \
    X(CANON) X(EXIT)

enum {
#define ENUM(op) OP_##op,
    INTERP_OPS(ENUM)
#undef ENUM
    OP_COUNT
};

static const char *const op_names[] = {
#define NAME(op) #op,
    INTERP_OPS(NAME)
#undef NAME
};

/* What an exit needs beyond its operands. */
typedef struct Code {
    const void *label;
    uint32_t d, a, b, c;   /* operand offsets from the Cpu */
    uint32_t e, f;
    uint16_t op;           /* for dump() */
    uint16_t insn;         /* number of the guest instruction */
    uint16_t retired;      /* exits: instructions done */
    uint8_t how;           /* exits: IrExit */
    uint8_t mode;          /* memory: MMU mode with its flags; exits: 1 if imm
                            * is the pc; vector operations: how many vectors */
    uint64_t imm;
} Code;

/* Most registers that a target has. */
#define CPU_FRAME_REGS 64u

/* A row of a frame state: where the value of a register is. */
typedef struct Frame {
    uint16_t insn;
    bool wide;             /* 8 bytes, not 4 */
    uint32_t reg, where;   /* offsets from the Cpu */
} Frame;

/* --- compiling --------------------------------------------------------------- */

/* The frame: slots for values below, constants above. */
#define FRAME_VALUES 1024u
#define FRAME_CONSTS (CPU_FRAME_WORDS - FRAME_VALUES)

typedef struct Compiler {
    const IrBlock *ir;
    Cpu *cpu;
    GArray *code;          /* Code */
    IrVal *root;           /* the value whose place a value shares */
    uint32_t *where;       /* offset of each root; 0: none yet */
    uint16_t *last_use;    /* of each root: number of an instruction */
    GArray *free_slots;    /* uint32_t */
    GArray *free_pairs;    /* the same, for vectors */
    GArray *frames;        /* Frame */
    guint next_frame;      /* in ir->frames: of the present instruction */
    uint32_t next_slot;
    unsigned insn;
    const void *const *labels;
} Compiler;

static uint32_t slot_offset(unsigned n)
{
    return offsetof(Cpu, frame) + n * sizeof(uint64_t);
}

static const IrInst *inst(const Compiler *c, unsigned n)
{
    return &g_array_index(c->ir->insts, IrInst, n);
}

static Code *emit(Compiler *c, unsigned op)
{
    Code code = { .label = c->labels[op], .op = op, .insn = c->insn };
    g_array_append_val(c->code, code);
    return &g_array_index(c->code, Code, c->code->len - 1);
}

static uint32_t new_slot(Compiler *c)
{
    if (c->free_slots->len) {
        uint32_t slot = g_array_index(c->free_slots, uint32_t,
                                      c->free_slots->len - 1);
        g_array_set_size(c->free_slots, c->free_slots->len - 1);
        return slot;
    }
    g_assert(c->next_slot < FRAME_VALUES);
    return slot_offset(c->next_slot++);
}

/* Two slots, the offset of the first. */
static uint32_t new_pair(Compiler *c)
{
    if (c->free_pairs->len) {
        uint32_t pair = g_array_index(c->free_pairs, uint32_t,
                                      c->free_pairs->len - 1);
        g_array_set_size(c->free_pairs, c->free_pairs->len - 1);
        return pair;
    }
    g_assert(c->next_slot + 2 <= FRAME_VALUES);
    c->next_slot += 2;
    return slot_offset(c->next_slot - 2);
}

static GArray *free_list(const Compiler *c, IrVal v)
{
    return ir_is_big(inst(c, v)->type) ? c->free_pairs : c->free_slots;
}

/* Gives the value of instruction n a slot, and its code that destination. */
static void set_result(Compiler *c, unsigned n, Code *o)
{
    c->where[n] = ir_is_big(inst(c, n)->type) ? new_pair(c) : new_slot(c);
    o->d = c->where[n];
    if (!c->last_use[n]) {
        g_array_append_val(free_list(c, n), c->where[n]);
    }
}

/* Frees the slot of a value whose last use was instruction n. */
static void release(Compiler *c, IrVal v, unsigned n)
{
    v = c->root[v];
    bool owned = c->where[v] >= slot_offset(0) &&
                 c->where[v] < slot_offset(FRAME_VALUES);
    if (c->last_use[v] == n && owned) {
        g_array_append_val(free_list(c, v), c->where[v]);
        c->last_use[v] = 0; /* the same value may be two operands */
    }
}

static void release_args(Compiler *c, unsigned n)
{
    const IrInst *i = inst(c, n);
    for (unsigned k = 0; k < i->nargs; k++) {
        release(c, i->arg[k], n);
    }
}

/* ZEXT64 costs nothing, as i32 values are kept zero-extended: its value is
 * its operand's. */
static void find_lives(Compiler *c)
{
    for (unsigned n = 0; n < c->ir->insts->len; n++) {
        const IrInst *i = inst(c, n);
        c->root[n] = i->op == IR_ZEXT64 ? c->root[i->arg[0]] : n;
        for (unsigned k = 0; k < i->nargs; k++) {
            c->last_use[c->root[i->arg[k]]] = n;
        }
    }
}

/* What a frame state names must be there until the end of its instruction. */
static void extend_lives(Compiler *c)
{
    const GArray *frames = c->ir->frames;
    unsigned end = c->ir->insts->len;
    guint left = frames->len;
    for (unsigned n = c->ir->insts->len; n-- > 0;) {
        if (inst(c, n)->op != IR_INSN) {
            continue;
        }
        for (; left; left--) {
            const IrFrame *f = &g_array_index(frames, IrFrame, left - 1);
            if (f->insn != inst(c, n)->imm) {
                break;
            }
            IrVal v = c->root[f->value];
            c->last_use[v] = MAX(c->last_use[v], end);
        }
        end = n;
    }
}

static bool writes_reg(const Compiler *c, const IrInst *i, unsigned reg)
{
    if (i->op == IR_SET) {
        return i->imm == reg;
    }
    if (i->op == IR_CALL) {
        const IrHelper *h = g_ptr_array_index(c->ir->helpers, i->imm);
        return h->effects & IR_WRITES;
    }
    return i->op == IR_STENV && ir_env_overlaps(c->ir, i, reg);
}

/* True if register reg keeps its value from n until its last use there. */
static bool stable_until_use(const Compiler *c, unsigned n, unsigned reg)
{
    unsigned last = c->last_use[n];
    for (unsigned k = n + 1; k < last; k++) {
        if (writes_reg(c, inst(c, k), reg)) {
            return false;
        }
    }
    return true;
}

/* The offset of a constant in the pool, which all TBs share and which only
 * grows; 0 when it is full. TBs are run by every CPU, so each has the pool in
 * its frame. */
static uint32_t pool_constant(Cpu *cpu, uint64_t v)
{
    TcgState *s = tcg_state(cpu);
    gpointer found = g_hash_table_lookup(s->pool, &v);
    if (found) {
        return GPOINTER_TO_UINT(found);
    }
    if (s->pool_used == FRAME_CONSTS) {
        return 0;
    }
    unsigned n = FRAME_VALUES + s->pool_used++;
    const GPtrArray *cpus = cpu->machine->cpus;
    for (guint i = 0; i < cpus->len; i++) {
        ((Cpu *)g_ptr_array_index(cpus, i))->frame[n] = v;
    }
    g_hash_table_insert(s->pool, &cpu->frame[n],
                        GUINT_TO_POINTER(slot_offset(n)));
    return slot_offset(n);
}

/* Where an operand is; a constant gets its place when it is first used. */
static uint32_t operand(Compiler *c, IrVal v)
{
    v = c->root[v];
    const IrInst *i = inst(c, v);
    bool vector = i->type == IR_V128;
    if (i->op == IR_CONST && !c->where[v] && !vector) {
        c->where[v] = pool_constant(c->cpu, i->imm);
    }
    if (!c->where[v]) {
        g_assert(i->op == IR_CONST);
        Code *o = emit(c, vector ? OP_VCONST : OP_CONST);
        o->imm = i->imm;
        o->d = c->where[v] = vector ? new_pair(c) : new_slot(c);
    }
    return c->where[v];
}

/* Emits op with all operands of an instruction in a, b, c, e, f. */
static Code *emit_args(Compiler *c, unsigned op, const IrInst *i)
{
    uint32_t at[IR_MAX_ARGS] = { 0 };
    for (unsigned k = 0; k < i->nargs; k++) {
        at[k] = operand(c, i->arg[k]);
    }
    Code *o = emit(c, op);
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
static void compile_insn(Compiler *c, unsigned n)
{
    guint end = frame_end(c);
    for (; c->next_frame < end; c->next_frame++) {
        release(c, g_array_index(c->ir->frames, IrFrame,
                                 c->next_frame).value, n);
    }
    c->insn = inst(c, n)->imm;
    end = frame_end(c);
    for (guint k = c->next_frame; k < end; k++) {
        const IrFrame *f = &g_array_index(c->ir->frames, IrFrame, k);
        const IrReg *r = &c->ir->cls->regs[f->reg];
        Frame row = { c->insn, r->type == IR_I64, r->offset,
                      operand(c, f->value) };
        g_array_append_val(c->frames, row);
    }
}

static void compile_get(Compiler *c, unsigned n, const IrInst *i)
{
    const IrReg *r = &c->ir->cls->regs[i->imm];
    if (r->type != IR_I32 && stable_until_use(c, n, i->imm)) {
        c->where[n] = r->offset;
        return;
    }
    Code *o = emit(c, r->type == IR_I64 ? OP_MOV
                      : r->type == IR_I32 ? OP_GET32 : OP_VMOV);
    o->a = r->offset;
    set_result(c, n, o);
}

static void compile_set(Compiler *c, const IrInst *i)
{
    const IrReg *r = &c->ir->cls->regs[i->imm];
    uint32_t from = operand(c, i->arg[0]);
    if (from != r->offset) {
        Code *o = emit(c, r->type == IR_I64 ? OP_MOV
                          : r->type == IR_I32 ? OP_SET32 : OP_VMOV);
        o->a = from;
        o->d = r->offset;
    }
}

/* ORDER ir-op: the 32-bit (or only) form of each simple op; + 1 is the 64-bit
 * form where `wide`. */
static const struct {
    uint16_t op;
    bool wide;
} simple[IR_OP_COUNT] = {
    [IR_ADD] = { OP_ADD32, true },     [IR_SUB] = { OP_SUB32, true },
    [IR_MUL] = { OP_MUL32, true },     [IR_MULUH] = { OP_MULUH32, true },
    [IR_MULSH] = { OP_MULSH32, true }, [IR_AND] = { OP_AND, false },
    [IR_OR] = { OP_OR, false },        [IR_XOR] = { OP_XOR, false },
    [IR_ANDC] = { OP_ANDC, false },    [IR_NOT] = { OP_NOT32, true },
    [IR_NEG] = { OP_NEG32, true },     [IR_SHL] = { OP_SHL32, true },
    [IR_SHR] = { OP_SHR32, true },     [IR_SAR] = { OP_SAR32, true },
    [IR_ROTL] = { OP_ROTL32, true },   [IR_ROTR] = { OP_ROTR32, true },
    [IR_CLZ] = { OP_CLZ32, true },     [IR_CTZ] = { OP_CTZ32, true },
    [IR_POPCNT] = { OP_POPCNT, false }, [IR_BSWAP] = { OP_BSWAP32, true },
    [IR_SEXT] = { OP_SEXT32, true },   [IR_ZEXT] = { OP_MASK, false },
    [IR_TRUNC] = { OP_MASK, false },   [IR_SEXT64] = { OP_SEXT64, false },
    [IR_EXTRACT] = { OP_EXTRACT, false },
    [IR_DEPOSIT] = { OP_DEPOSIT, false },
};

/* The immediate of a simple op: a mask for the narrowing ones, the width for
 * sign extension, position and length for fields. */
static uint64_t simple_imm(const IrInst *i)
{
    switch (i->op) {
    case IR_ZEXT:
        return bits_mask(i->imm);
    case IR_TRUNC:
        return UINT32_MAX;
    case IR_SEXT64:
        return 32;
    default:
        return i->imm;
    }
}

static void compile_simple(Compiler *c, unsigned n, const IrInst *i)
{
    bool wide = simple[i->op].wide && i->type == IR_I64;
    g_assert(simple[i->op].op);
    Code *o = emit_args(c, simple[i->op].op + wide, i);
    o->imm = simple_imm(i);
    release_args(c, n);
    set_result(c, n, o);
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
    release_args(c, n);
    set_result(c, n, o);
}

static void compile_vector_memory(Compiler *c, unsigned n, const IrInst *i)
{
    bool load = i->op == IR_LD, number = i->type == IR_F80;
    Code *o = emit_args(c, load ? (number ? OP_XLD : OP_VLD)
                                : number ? OP_XST : OP_VST, i);
    o->imm = i->mem;
    release_args(c, n);
    if (load) {
        set_result(c, n, o);
    }
}

/* The result is written when all operands have been read. */
static void compile_vec(Compiler *c, unsigned n, const IrInst *i)
{
    Code *o = emit_args(c, i->op == IR_VEC    ? OP_VEC
                           : i->op == IR_FVEC ? OP_FVEC : OP_FVECX, i);
    const char *operands = vec_ops[ir_vec_op(i)].sig + 2;
    unsigned vectors = strspn(operands, "v");
    o->mode = vectors;
    if (operands[vectors]) {           /* the integer is always in f */
        o->f = operand(c, i->arg[vectors]);
    }
    o->imm = i->imm;
    release_args(c, n);
    set_result(c, n, o);
}

static void compile_x80(Compiler *c, unsigned n, const IrInst *i)
{
    Code *o = emit_args(c, OP_X80, i);
    const char *operands = x80_ops[ir_x80_op(i)].sig + 2;
    unsigned numbers = strspn(operands, "x");
    o->mode = numbers;
    if (operands[numbers]) {           /* the integer is always in f */
        o->f = operand(c, i->arg[numbers]);
    }
    o->imm = i->imm;
    release_args(c, n);
    if (i->type != IR_NONE) {
        set_result(c, n, o);
    }
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
    release_args(c, n);
    if (load) {
        set_result(c, n, o);
    }
}

static void compile_env(Compiler *c, unsigned n, const IrInst *i)
{
    bool load = i->op == IR_LDENV;
    Code *o = emit_args(c, (load ? OP_LDENV8 : OP_STENV8) + (ir_mem_log2(i->mem)), i);
    if (load) {
        o->a = i->imm;
        set_result(c, n, o);
    } else {
        o->d = i->imm;
        release_args(c, n);
    }
}

static void compile_call(Compiler *c, unsigned n, const IrInst *i)
{
    const IrHelper *h = g_ptr_array_index(c->ir->helpers, i->imm);
    g_assert(h->nargs <= 5);
    Code *o = emit_args(c, OP_CALL0 + h->nargs, i);
    o->imm = (uintptr_t)h->fn;
    release_args(c, n);
    set_result(c, n, o);
}

static void compile_canon(Compiler *c, unsigned n, const IrInst *i)
{
    emit_args(c, OP_CANON, i)->imm = i->imm;
    release_args(c, n);
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
    release_args(c, n);
}

static void compile_inst(Compiler *c, unsigned n)
{
    const IrInst *i = inst(c, n);
    switch (i->op) {
    case IR_INSN:
        compile_insn(c, n);
        break;
    case IR_CONST:
    case IR_ZEXT64:
        break;
    case IR_GET:
        compile_get(c, n, i);
        break;
    case IR_SET:
        compile_set(c, i);
        release_args(c, n);
        break;
    case IR_SETCOND:
    case IR_SELECT:
        compile_cond(c, n, i);
        break;
    case IR_LD:
    case IR_ST:
        compile_memory(c, n, i);
        break;
    case IR_VEC:
    case IR_FVEC:
    case IR_FVECX:
        compile_vec(c, n, i);
        break;
    case IR_X80:
        compile_x80(c, n, i);
        break;
    case IR_LDENV:
    case IR_STENV:
        compile_env(c, n, i);
        break;
    case IR_CALL:
        compile_call(c, n, i);
        break;
    case IR_CANON:
        compile_canon(c, n, i);
        break;
    case IR_EXIT:
    case IR_EXIT_IF:
        compile_exit(c, n, i);
        break;
    default:
        compile_simple(c, n, i);
        break;
    }
}

static const void *const *interp_labels(void);

static void interp_compile(Cpu *cpu, Tb *tb, const IrBlock *ir)
{
    unsigned n = ir->insts->len;
    Compiler c = {
        .ir = ir,
        .cpu = cpu,
        .code = g_array_sized_new(FALSE, FALSE, sizeof(Code), n),
        .root = g_new0(IrVal, n),
        .where = g_new0(uint32_t, n),
        .last_use = g_new0(uint16_t, n),
        .free_slots = g_array_new(FALSE, FALSE, sizeof(uint32_t)),
        .free_pairs = g_array_new(FALSE, FALSE, sizeof(uint32_t)),
        .frames = g_array_new(FALSE, FALSE, sizeof(Frame)),
        .labels = interp_labels(),
    };
    find_lives(&c);
    extend_lives(&c);
    for (unsigned k = 0; k < n; k++) {
        compile_inst(&c, k);
    }
    tb->code_bytes = c.code->len * sizeof(Code);
    tb->code = g_array_free(c.code, FALSE);
    tb->frame_count = c.frames->len;
    tb->frames = g_array_free(c.frames, FALSE);
    g_free(c.root);
    g_free(c.where);
    g_free(c.last_use);
    g_array_free(c.free_slots, TRUE);
    g_array_free(c.free_pairs, TRUE);
}

static void interp_release(Tb *tb)
{
    g_free(tb->code);
    g_free(tb->frames);
}

#define REG(off)   (*(uint64_t *)((char *)cpu + (off)))
#define REG32(off) (*(uint32_t *)((char *)cpu + (off)))

/* A value may be in the place of a register that is restored as well: all are
 * read before any is written. */
static void interp_restore_frame(Cpu *cpu, const Tb *tb)
{
    unsigned insn = cpu->fault_insn;
    const Frame *rows = tb->frames, *row[CPU_FRAME_REGS];
    uint64_t value[CPU_FRAME_REGS];
    unsigned count = 0;
    for (unsigned n = 0; n < tb->frame_count; n++) {
        if (rows[n].insn == insn) {
            g_assert(count < CPU_FRAME_REGS);
            value[count] = REG(rows[n].where);
            row[count++] = &rows[n];
        }
    }
    for (unsigned n = 0; n < count; n++) {
        if (row[n]->wide) {
            REG(row[n]->reg) = value[n];
        } else {
            REG32(row[n]->reg) = value[n];
        }
    }
}

/* --- running -------------------------------------------------------------------- */

#define A REG(p->a)
#define B REG(p->b)
#define D REG(p->d)
#define A32 ((uint32_t)A)
#define B32 ((uint32_t)B)
#define NEXT goto *(++p)->label

static inline void *tlb_host(Cpu *cpu, uint64_t va, unsigned size,
                             MmuAccess access, unsigned mode)
{
    const TlbEntry *e =
        &cpu->tlb.entry[mode & ~MMU_FLAGS][(va >> PAGE_BITS) & (TLB_SIZE - 1)];
    if (e->tag[access] != ((va + size - 1) & PAGE_MASK)) {
        return NULL;
    }
    return (void *)(uintptr_t)(va + e->addend);
}

/* Operands go out of the CPU struct before the result comes in: they may share
 * a place. */
static void run_vec(Cpu *cpu, const Code *p)
{
    VecOp op = p->imm & 0xffff;
    VecArgs v = { .imm = p->imm >> 16 };
    const uint32_t at[3] = { p->a, p->b, p->c };
    V128 *const operand[3] = { &v.a, &v.b, &v.c };
    for (unsigned k = 0; k < p->mode; k++) {
        memcpy(operand[k], &REG(at[k]), sizeof(V128));
    }
    v.x = REG(p->f);
    if (p->op == OP_FVECX) {
        cpu->fault_insn = p->insn;
        tcg_vec_checked(cpu, op, &v);
    } else {
        vec_ops[op].fn(&v, &cpu->fp);
    }
    if (vec_ops[op].sig[0] == 'v') {
        memcpy(&REG(p->d), &v.out, sizeof(V128));
    } else {
        REG(p->d) = v.r;
    }
}

static inline bool is_unaligned(uint64_t va, IrMem mem)
{
    return (mem & IR_MEM_ALIGN) && (va & (ir_mem_span(mem) - 1));
}

static void load_vec(Cpu *cpu, const Code *p)
{
    uint64_t va = REG(p->a);
    unsigned size = ir_mem_size(p->imm);
    const void *host = tlb_host(cpu, va, size, MMU_LOAD, ir_mem_mode(p->imm));
    V128 v = { { 0, 0 } };
    if (G_LIKELY(host && !is_unaligned(va, p->imm))) {
        uint8_t bytes[16] = { 0 };
        memcpy(bytes, host, size);
        v = (V128){ { bytes_ld_le64(bytes), bytes_ld_le64(bytes + 8) } };
    } else {
        cpu->fault_insn = p->insn;
        tlb_load_vec(cpu, va, &v, p->imm);
    }
    memcpy(&REG(p->d), &v, sizeof v);
}

static void store_vec(Cpu *cpu, const Code *p)
{
    uint64_t va = REG(p->a);
    unsigned size = ir_mem_size(p->imm);
    void *host = tlb_host(cpu, va, ir_mem_span(p->imm), MMU_STORE,
                          ir_mem_mode(p->imm));
    V128 v;
    memcpy(&v, &REG(p->b), sizeof v);
    if (G_LIKELY(host && !is_unaligned(va, p->imm))) {
        uint8_t bytes[16];
        bytes_st_le64(bytes, v.w[0]);
        bytes_st_le64(bytes + 8, v.w[1]);
        cpu_note_line(cpu, va);
        memcpy(host, bytes, size);
    } else {
        cpu->fault_insn = p->insn;
        tlb_store_vec(cpu, va, &v, p->imm);
    }
}

static Sf80 x80_at(const Cpu *cpu, uint32_t at)
{
    const uint64_t *w = (const uint64_t *)((const char *)cpu + at);
    return (Sf80){ w[0], w[1] };
}

static void x80_put(Cpu *cpu, uint32_t at, Sf80 v)
{
    uint64_t *w = (uint64_t *)((char *)cpu + at);
    w[0] = v.frac;
    w[1] = v.sign_exp;
}

static void run_x80(Cpu *cpu, const Code *p)
{
    X80Op op = p->imm & 0xffff;
    X80Args v = { .imm = p->imm >> 16, .x = REG(p->f) };
    v.a = p->mode > 0 ? x80_at(cpu, p->a) : v.a;
    v.b = p->mode > 1 ? x80_at(cpu, p->b) : v.b;
    x80_do(op, &v, &cpu->fp80);
    if (x80_ops[op].sig[0] == 'x') {
        x80_put(cpu, p->d, v.out);
    } else if (x80_ops[op].sig[0] != '-') {
        REG(p->d) = v.r;
    }
}

static void load_x80(Cpu *cpu, const Code *p)
{
    uint64_t va = REG(p->a);
    unsigned size = ir_mem_size(p->imm);
    const void *host = tlb_host(cpu, va, size, MMU_LOAD, ir_mem_mode(p->imm));
    V128 v = { { 0, 0 } };
    if (G_LIKELY(host)) {
        uint8_t bytes[16] = { 0 };
        memcpy(bytes, host, size);
        v = (V128){ { bytes_ld_le64(bytes), bytes_ld_le64(bytes + 8) } };
    } else {
        cpu->fault_insn = p->insn;
        tlb_load_vec(cpu, va, &v, p->imm);
    }
    x80_put(cpu, p->d, x80_load(ir_mem_x80(p->imm), v.w, &cpu->fp80));
}

/* Flags change when nothing can fault any more. */
static void store_x80(Cpu *cpu, const Code *p)
{
    uint64_t va = REG(p->a);
    unsigned size = ir_mem_size(p->imm);
    SfEnv env = cpu->fp80;
    V128 v;
    x80_store(ir_mem_x80(p->imm), x80_at(cpu, p->b), v.w, &env);
    void *host = tlb_host(cpu, va, size, MMU_STORE, ir_mem_mode(p->imm));
    if (G_LIKELY(host)) {
        uint8_t bytes[16];
        bytes_st_le64(bytes, v.w[0]);
        bytes_st_le64(bytes + 8, v.w[1]);
        memcpy(host, bytes, size);
    } else {
        cpu->fault_insn = p->insn;
        tlb_store_vec(cpu, va, &v, p->imm);
    }
    cpu->fp80.flags = env.flags;
}

#define CONDITIONS(X, w, T, S)                                             \
    X(EQ, w, (T)A == (T)B) X(NE, w, (T)A != (T)B)                          \
    X(LTU, w, (T)A < (T)B) X(GEU, w, (T)A >= (T)B)                         \
    X(LEU, w, (T)A <= (T)B) X(GTU, w, (T)A > (T)B)                         \
    X(LT, w, (S)A < (S)B) X(GE, w, (S)A >= (S)B)                           \
    X(LE, w, (S)A <= (S)B) X(GT, w, (S)A > (S)B)                           \
    X(TST, w, ((T)A & (T)B) != 0) X(TSTZ, w, ((T)A & (T)B) == 0)

#define SETCOND(cc, w, test) L_SETCOND##w##_##cc: D = test; NEXT;
#define SELECT(cc, w, test) \
    L_SELECT##w##_##cc: D = test ? REG(p->c) : REG(p->e); NEXT;
#define EXIT_IF(cc, w, test) \
    L_EXIT_IF##w##_##cc: if (test) { goto leave; } NEXT;

#define LOAD(name, size, T, result)                                        \
    L_##name: {                                                            \
        uint64_t va = A;                                                   \
        const T *host = tlb_host(cpu, va, size, MMU_LOAD, p->mode);        \
        T v;                                                               \
        if (G_LIKELY(host)) {                                              \
            memcpy(&v, host, size);                                        \
        } else {                                                           \
            cpu->fault_insn = p->insn;                                     \
            v = tlb_load_slow(cpu, va, size, p->mode);                     \
        }                                                                  \
        D = result & p->imm;                                               \
    } NEXT;
#define STORE(name, size, T)                                               \
    L_##name: {                                                            \
        uint64_t va = A;                                                   \
        T *host = tlb_host(cpu, va, size, MMU_STORE, p->mode);             \
        T v = B;                                                           \
        if (G_LIKELY(host)) {                                              \
            cpu_note_line(cpu, va);                                        \
            memcpy(host, &v, size);                                        \
        } else {                                                           \
            cpu->fault_insn = p->insn;                                     \
            tlb_store_slow(cpu, va, v, size, p->mode);                     \
        }                                                                  \
    } NEXT;

#define FIELD_POS (p->imm & 255)
#define FIELD_LEN (p->imm >> 8)
#define FN(...) ((uint64_t (*)(Cpu * __VA_ARGS__))(uintptr_t)p->imm)
#define U , uint64_t
#define CALL(n, type, ...)                                                 \
    L_CALL##n: cpu->fault_insn = p->insn; D = (type)(cpu __VA_ARGS__); NEXT;

/* With tb NULL: exports the label table through *last. */
static TbExit interp_run(Cpu *cpu, Tb *tb, Tb **last, int *slot)
{
    static const void *const labels[] = {
#define LABEL(op) &&L_##op,
        INTERP_OPS(LABEL)
#undef LABEL
    };
    const Code *p;
    if (!tb) {
        *last = (Tb *)labels;
        return TB_EXIT_LOOP;
    }

enter:
    cpu->tb = tb;
    cpu->budget -= tb->insn_count;
    p = tb->code;
    goto *p->label;

    L_MOV: D = A; NEXT;
    L_CONST: D = p->imm; NEXT;
    L_GET32: D = REG32(p->a); NEXT;
    L_SET32: REG32(p->d) = A; NEXT;
    L_ADD32: D = A32 + B32; NEXT;
    L_ADD64: D = A + B; NEXT;
    L_SUB32: D = A32 - B32; NEXT;
    L_SUB64: D = A - B; NEXT;
    L_MUL32: D = A32 * B32; NEXT;
    L_MUL64: D = A * B; NEXT;
    L_MULUH32: D = (A * B) >> 32; NEXT;
    L_MULUH64: D = ((unsigned __int128)A * B) >> 64; NEXT;
    L_MULSH32:
        D = (uint32_t)(((int64_t)(int32_t)A * (int32_t)B) >> 32);
        NEXT;
    L_MULSH64: D = ((__int128)(int64_t)A * (int64_t)B) >> 64; NEXT;
    L_AND: D = A & B; NEXT;
    L_OR: D = A | B; NEXT;
    L_XOR: D = A ^ B; NEXT;
    L_ANDC: D = A & ~B; NEXT;
    L_NOT32: D = ~A32; NEXT;
    L_NOT64: D = ~A; NEXT;
    L_NEG32: D = -A32; NEXT;
    L_NEG64: D = -A; NEXT;
    L_SHL32: D = A32 << (B & 31); NEXT;
    L_SHL64: D = A << (B & 63); NEXT;
    L_SHR32: D = A32 >> (B & 31); NEXT;
    L_SHR64: D = A >> (B & 63); NEXT;
    L_SAR32: D = (uint32_t)((int32_t)A >> (B & 31)); NEXT;
    L_SAR64: D = (int64_t)A >> (B & 63); NEXT;
    L_ROTL32: D = A32 << (B & 31) | A32 >> (-B32 & 31); NEXT;
    L_ROTL64: D = A << (B & 63) | A >> (-B & 63); NEXT;
    L_ROTR32: D = A32 >> (B & 31) | A32 << (-B32 & 31); NEXT;
    L_ROTR64: D = A >> (B & 63) | A << (-B & 63); NEXT;
    L_CLZ32: D = A32 ? __builtin_clz(A32) : 32; NEXT;
    L_CLZ64: D = A ? __builtin_clzll(A) : 64; NEXT;
    L_CTZ32: D = A32 ? __builtin_ctz(A32) : 32; NEXT;
    L_CTZ64: D = A ? __builtin_ctzll(A) : 64; NEXT;
    L_POPCNT: D = __builtin_popcountll(A); NEXT;
    L_BSWAP32: D = __builtin_bswap32(A32); NEXT;
    L_BSWAP64: D = __builtin_bswap64(A); NEXT;
    L_MASK: D = A & p->imm; NEXT;
    L_SEXT32: D = (uint32_t)bits_sext(A, p->imm); NEXT;
    L_SEXT64: D = bits_sext(A, p->imm); NEXT;
    L_EXTRACT: D = bits_extract(A, FIELD_POS, FIELD_LEN); NEXT;
    L_DEPOSIT: D = bits_deposit(A, FIELD_POS, FIELD_LEN, B); NEXT;

    CONDITIONS(SETCOND, 32, uint32_t, int32_t)
    CONDITIONS(SETCOND, 64, uint64_t, int64_t)
    CONDITIONS(SELECT, 32, uint32_t, int32_t)
    CONDITIONS(SELECT, 64, uint64_t, int64_t)
    CONDITIONS(EXIT_IF, 32, uint32_t, int32_t)
    CONDITIONS(EXIT_IF, 64, uint64_t, int64_t)

    LOAD(LD8, 1, uint8_t, (uint64_t)v)
    LOAD(LD16, 2, uint16_t, (uint64_t)v)
    LOAD(LD32, 4, uint32_t, (uint64_t)v)
    LOAD(LD64, 8, uint64_t, (uint64_t)v)
    LOAD(LDS8, 1, uint8_t, (uint64_t)(int64_t)(int8_t)v)
    LOAD(LDS16, 2, uint16_t, (uint64_t)(int64_t)(int16_t)v)
    LOAD(LDS32, 4, uint32_t, (uint64_t)(int64_t)(int32_t)v)
    STORE(ST8, 1, uint8_t)
    STORE(ST16, 2, uint16_t)
    STORE(ST32, 4, uint32_t)
    STORE(ST64, 8, uint64_t)

    L_LDENV8: D = *(uint8_t *)&REG(p->a); NEXT;
    L_LDENV16: D = *(uint16_t *)&REG(p->a); NEXT;
    L_LDENV32: D = REG32(p->a); NEXT;
    L_LDENV64: D = A; NEXT;
    L_STENV8: *(uint8_t *)&D = A; NEXT;
    L_STENV16: *(uint16_t *)&D = A; NEXT;
    L_STENV32: REG32(p->d) = A; NEXT;
    L_STENV64: D = A; NEXT;

    L_VMOV: memmove(&D, &A, sizeof(V128)); NEXT;
    L_VCONST: D = (&D)[1] = p->imm; NEXT;
    L_VLD: load_vec(cpu, p); NEXT;
    L_VST: store_vec(cpu, p); NEXT;
    L_VEC:
    L_FVEC:
    L_FVECX: run_vec(cpu, p); NEXT;
    L_XLD: load_x80(cpu, p); NEXT;
    L_XST: store_x80(cpu, p); NEXT;
    L_X80: run_x80(cpu, p); NEXT;

    CALL(0, FN())
    CALL(1, FN(U), , A)
    CALL(2, FN(U U), , A, B)
    CALL(3, FN(U U U), , A, B, REG(p->c))
    CALL(4, FN(U U U U), , A, B, REG(p->c), REG(p->e))
    CALL(5, FN(U U U U U), , A, B, REG(p->c), REG(p->e), REG(p->f))
    L_CALL6: g_assert_not_reached();

    L_CANON:
        if (G_UNLIKELY((uint64_t)bits_sext(A, p->imm) != A)) {
            cpu->fault_insn = p->insn;
            cpu_bad_target(cpu, A);
        }
        NEXT;

    L_EXIT:
leave:
    D = p->mode ? p->imm : REG(p->c);
    cpu->budget += tb->insn_count - p->retired;
    if (p->how == IR_EXIT_LOOP) {
        return TB_EXIT_LOOP;
    }
    *last = tb;
    if (p->how == IR_EXIT_STALE) {
        return TB_EXIT_STALE;
    }
    *slot = p->how <= IR_EXIT_CHAIN1 ? p->how : -1;
    if (*slot >= 0 && tb->chain[*slot]) {
        tb = tb->chain[*slot];
        if (tb->insn_count <= cpu->budget) {
            goto enter;
        }
        return TB_EXIT_BUDGET;
    }
    return TB_EXIT_LOOKUP;
}

static const void *const *interp_labels(void)
{
    Tb *labels;
    interp_run(NULL, NULL, &labels, NULL);
    return (const void *const *)labels;
}

static void interp_dump(const Tb *tb, GString *out)
{
    const Code *p = tb->code;
    for (size_t n = 0; n < tb->code_bytes / sizeof *p; n++, p++) {
        g_string_append_printf(out, "%3u  %-14s d=%-6u a=%-6u b=%-6u "
                               "c=%-6u imm=0x%" G_GINT64_MODIFIER "x\n",
                               p->insn, op_names[p->op], p->d, p->a, p->b,
                               p->c, p->imm);
    }
}

static bool interp_init(TcgState *s, Cpu *cpu)
{
    s->pool = g_hash_table_new(g_int64_hash, g_int64_equal);
    return true;
}

static void interp_fini(TcgState *s)
{
    g_hash_table_destroy(s->pool);
}

static bool interp_is_full(const TcgState *s)
{
    return s->bytes > tcg_tb_bytes(s);
}

static void interp_flush(TcgState *s)
{
}

/* run() looks at tb->chain itself. */
static void interp_chain(TcgState *s, Tb *tb, int slot, const Tb *to)
{
}

const Backend backend_interp = {
    .name = "interp",
    .init = interp_init,
    .fini = interp_fini,
    .is_full = interp_is_full,
    .flush = interp_flush,
    .chain = interp_chain,
    .compile = interp_compile,
    .release = interp_release,
    .restore_frame = interp_restore_frame,
    .run = interp_run,
    .dump = interp_dump,
};
