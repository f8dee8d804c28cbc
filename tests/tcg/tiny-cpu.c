/*
 * The made-up processor for the translator; see tiny.h.
 */
#include "tiny.h"

#include <string.h>

#include "base/bits.h"

const char *const tiny_op_names[] = {
#define TINY_NAME(op, len) #op,
    TINY_OPS(TINY_NAME)
#undef TINY_NAME
};

static const uint8_t op_len[] = {
#define TINY_LEN(op, len) len,
    TINY_OPS(TINY_LEN)
#undef TINY_LEN
};

static STATE_TABLE(tiny_state, "tiny", 1, TinyState, TINY_STATE)

TinyInsn tiny_decode(uint8_t (*byte)(void *, unsigned), void *opaque)
{
    TinyInsn in = { .op = byte(opaque, 0) % TINY_OP_COUNT };
    uint8_t regs = byte(opaque, 1);
    in.len = op_len[in.op];
    in.d = regs & 7;
    in.s = regs >> 3 & 7;
    in.x = regs >> 6;
    if (in.len == 4) {
        in.imm = byte(opaque, 2);  /* first: which byte faults counts */
        in.imm |= byte(opaque, 3) << 8;
    }
    return in;
}

VecOp tiny_vec_op(const TinyInsn *in)
{
    return (in->imm & 0x1ff) % VEC_OP_COUNT;
}

/* Only immediates that mean something. */
unsigned tiny_vec_imm(const TinyInsn *in)
{
    unsigned imm = (in->imm >> 9 & 0x7f) | (in->x & 1) << 7;
    switch (tiny_vec_op(in)) {
    case VEC_FCMP32: case VEC_FCMP64: case VEC_FCMP32S: case VEC_FCMP64S:
        return imm & 31;
    case VEC_FMA32: case VEC_FMA64:
        return imm & 0x3f & ~(imm & 0x30 ? 7 : 0) & ~(imm & 0x20 ? 0x10 : 0);
    case VEC_FMA32S: case VEC_FMA64S:
        return (imm & 7) | (imm >> 5) % 3 << 6;
    default:
        return imm;
    }
}

uint64_t tiny_vec_const(const TinyInsn *in)
{
    static const uint64_t special[] = {
        0, UINT64_MAX, 0x8000000000000000, 0x3ff0000000000000,
        0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000,
        0x7ff0000000000001, 0xfff4000000000123, 0x0000000000000001,
        0x800fffffffffffff, 0x0010000000000000, 0x7fefffffffffffff,
        0x43e0000000000000, 0xc1e0000000200000, 0x3fe0000000000000,
        0x3f8000007f800000, 0xff8000007fc00000, 0x7f80000180000000,
        0xffa000010000fffe, 0x807fffff00800000, 0x7f7fffff4f000000,
        0xcf0000003f000000, 0x33800000b3800001, 0x7bff7c007c017e00,
        0x0001800103ff0400, 0x8080808080808080, 0x7fff80007fff8000,
    };
    unsigned n = (in->imm & 0xff) % G_N_ELEMENTS(special);
    return special[n] + (in->x & 1 ? in->imm >> 8 & 0xf : 0);
}

uint32_t tiny_fp(uint64_t v)
{
    /* Masks are mostly set: bits 8 to 15 decide. */
    uint32_t masks = v >> 8 & 0xe0 ? 0x1f80 : v & 0x1f80;
    return (v >> 16 & 0xe040) | masks | (v >> 3 & TINY_FP_FLAGS & v);
}

IrMem tiny_vec_mem(const TinyInsn *in)
{
    unsigned size = in->x == 3 ? 2 : in->x;
    bool pair = size == 2 && (in->imm & 0x8000);
    return (IR_MEM_32 + size) | (in->imm & 0x4000 ? IR_MEM_ALIGN : 0) |
           (pair ? IR_MEM_PAIR : 0);
}

uint64_t tiny_io(TinyState *s, uint64_t offset, uint64_t v, unsigned size,
                 Icount now, bool write)
{
    s->io_count++;
    s->io_hash = tiny_mix(s->io_hash + offset * 8 + size,
                          tiny_mix(now, write ? v : 0));
    if (write) {
        s->irq = v & 1;
        return 0;
    }
    return s->io_hash & bits_mask(8 * size);
}

void tiny_debug_hit(TinyState *s, uint64_t addr, Icount now)
{
    s->debug = tiny_mix(s->debug + addr, now);
}

/* Traps once at an icount. */
bool tiny_debug_break(TinyState *s, Icount now)
{
    if (s->last_debug == now) {
        return false;
    }
    s->last_debug = now;
    s->debug = tiny_mix(s->debug, now);
    s->epc = s->pc;
    s->pc = TINY_TRAP;
    return true;
}

/* --- registers ---------------------------------------------------------------- */

#define R(label, member, t) { label, offsetof(TinyCpu, s.member), t }
#define HOT(label, member) \
    { label, offsetof(TinyCpu, s.member), IR_I64, .hot = true }

#define V(n) { "v" #n, offsetof(TinyCpu, s.v[n]), IR_V128 }

enum { REG_DST = 8, REG_SRC, REG_OP, REG_PC, REG_V0 };

static const IrReg regs[] = {
    HOT("r0", r[0]), HOT("r1", r[1]), HOT("r2", r[2]),
    HOT("r3", r[3]), HOT("r4", r[4]), HOT("r5", r[5]),
    R("r6", r[6], IR_I64), R("r7", r[7], IR_I64), R("dst", dst, IR_I64),
    R("src", src, IR_I64), R("op", op, IR_I32), R("pc", pc, IR_I64),
    V(0), V(1), V(2), V(3), V(4), V(5), V(6), V(7),
};

/* --- helpers ------------------------------------------------------------------- */

static uint64_t help_pure(Cpu *c, uint64_t a, uint64_t b)
{
    return tiny_mix(a, b);
}

static void tiny_raise(Cpu *c, uint64_t cause)
{
    tiny_cpu(c)->cause = cause;
    cpu_raise(c);
}

static uint64_t help_faults(Cpu *c, uint64_t a)
{
    if (!(a & 3)) {
        tiny_raise(c, CAUSE_HELPER);
    }
    return a * 3;
}

static uint64_t help_undef(Cpu *c)
{
    tiny_raise(c, CAUSE_UNDEF);
    return 0;
}

static uint64_t help_reads(Cpu *c)
{
    const TinyState *s = &tiny_cpu(c)->s;
    return tiny_mix(s->dst + s->op, s->src + s->r[3]);
}

static uint64_t help_writes(Cpu *c, uint64_t n)
{
    TinyState *s = &tiny_cpu(c)->s;
    uint64_t v = s->dst;
    s->dst = s->r[n];
    s->r[n] = v;
    return 0;
}

static uint64_t help_io(Cpu *c, uint64_t v)
{
    TinyState *s = &tiny_cpu(c)->s;
    return tiny_io(s, 0, v, 8, machine_icount(c->machine), false);
}

static uint64_t help_table(Cpu *c)
{
    tiny_cpu(c)->s.table ^= 1;
    return 0;
}

static uint64_t help_enable(Cpu *c, uint64_t on)
{
    tiny_cpu(c)->s.enabled = on & 1;
    return 0;
}

static void fp_from_state(Cpu *c)
{
    c->fp = sf_env_sse(tiny_cpu(c)->s.fp);
    c->fp.flags = tiny_cpu(c)->s.fp & TINY_FP_FLAGS;
}

static void fp_to_state(Cpu *c)
{
    TinyState *s = &tiny_cpu(c)->s;
    s->fp = (s->fp & ~TINY_FP_FLAGS) | (c->fp.flags & TINY_FP_FLAGS);
}

/* The flags are taken away, so that others are seen to come. */
static uint64_t help_fpget(Cpu *c)
{
    fp_to_state(c);
    c->fp.flags = 0;
    return tiny_cpu(c)->s.fp;
}

static uint64_t help_fpset(Cpu *c, uint64_t v)
{
    tiny_cpu(c)->s.fp = tiny_fp(v);
    fp_from_state(c);
    return 0;
}

static uint64_t help_flush(Cpu *c)
{
    tlb_flush(c);
    return 0;
}

/* Half of the time the instruction ends here. */
static uint64_t help_retire(Cpu *c, uint64_t v, uint64_t next)
{
    TinyState *s = &tiny_cpu(c)->s;
    s->scratch++;
    if (v & 1) {
        s->pc = next;
        cpu_exit_retired(c);
    }
    return v + 1;
}

#define HELPER(name, nargs, result, effects) \
    { #name, (void (*)(void))help_##name, nargs, result, effects }

static const IrHelper h_pure = HELPER(pure, 2, IR_I64, 0);
static const IrHelper h_faults = HELPER(faults, 1, IR_I64, IR_FAULTS);
static const IrHelper h_undef = HELPER(undef, 0, IR_NONE, IR_FAULTS);
static const IrHelper h_reads = HELPER(reads, 0, IR_I64, IR_READS);
static const IrHelper h_writes = HELPER(writes, 1, IR_NONE,
                                        IR_READS | IR_WRITES);
static const IrHelper h_io = HELPER(io, 1, IR_I64, IR_READS | IR_WRITES);
static const IrHelper h_table = HELPER(table, 0, IR_NONE,
                                       IR_READS | IR_WRITES);
static const IrHelper h_enable = HELPER(enable, 1, IR_NONE,
                                        IR_READS | IR_WRITES);
static const IrHelper h_fpget = HELPER(fpget, 0, IR_I64,
                                       IR_READS | IR_WRITES);
static const IrHelper h_fpset = HELPER(fpset, 1, IR_NONE,
                                       IR_READS | IR_WRITES);
static const IrHelper h_flush = HELPER(flush, 0, IR_NONE, IR_WRITES);
static const IrHelper h_retire = HELPER(retire, 2, IR_I64,
                                        IR_READS | IR_WRITES | IR_FAULTS);

/* --- translation ------------------------------------------------------------------ */

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
    ir_set(b, REG_DST, r);
    ir_set(b, REG_SRC, src);
    ir_set(b, REG_OP, ir_const(b, IR_I32, in->imm & 63));
}

static IrVal address(IrBlock *b, const TinyInsn *in)
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
    IrVal v = ir_ld(b, narrow ? IR_I32 : IR_I64, address(b, in), mem);
    ir_set(b, in->d, narrow ? ir_op1(b, IR_ZEXT64, v) : v);
}

static void trans_st(TranslateContext *tc, const TinyInsn *in)
{
    IrBlock *b = tc->ir;
    IrVal a = address(b, in);
    IrVal v = ir_get(b, in->d);
    if (in->imm < 0) {
        v = k64(b, in->imm);
    }
    ir_st(b, a, v, in->x | IR_MEM_MODE(tc->mmu_data));
    ir_set(b, REG_SRC, a);
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
    uint32_t at = offsetof(TinyCpu, s.scratch);
    if (in->op == TINY_STENV) {
        ir_stenv(b, at, ir_get(b, in->s), in->x);
    } else if (in->x < 3 && in->s < 4) {
        ir_set(b, in->d, ir_op1(b, IR_ZEXT64, ir_ldenv(b, IR_I32, at,
                                                       in->x)));
    } else {
        ir_set(b, in->d, ir_ldenv(b, IR_I64, at, in->x));
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
        ir_set(b, in->d, call(b, &h_io, ir_get(b, in->s), 0));
        break;
    case TINY_TABLE:
        call(b, &h_table, 0, 0);
        break;
    case TINY_ENABLE:
        call(b, &h_enable, k64(b, in->x), 0);
        break;
    case TINY_FLUSH:
        call(b, &h_flush, 0, 0);
        break;
    case TINY_FPSET:
        call(b, &h_fpset, ir_get(b, in->s), 0);
        break;
    }
    jump(tc, tc->pc + in->len, IR_EXIT_LOOP);
}

static void trans_return(TranslateContext *tc)
{
    IrBlock *b = tc->ir;
    call(b, &h_enable, k64(b, 1), 0);
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
        ir_set(b, in->d, call(b, &h_pure, s, ir_get(b, in->d)));
        break;
    case TINY_FAULTS:
        ir_set(b, in->d, call(b, &h_faults, s, 0));
        break;
    case TINY_READS:
        ir_set(b, in->d, call(b, &h_reads, 0, 0));
        break;
    case TINY_FPGET:
        ir_set(b, in->d, call(b, &h_fpget, 0, 0));
        break;
    case TINY_WRITES:
        call(b, &h_writes, k64(b, in->s), 0);
        break;
    case TINY_RETIRE:
        s = call(b, &h_retire, s,
                 k64(b, (tc->pc + in->len) & TINY_ADDR_MASK));
        ir_set(b, in->d, s);
        break;
    }
}

static void trans_vec(TranslateContext *tc, const TinyInsn *in)
{
    IrBlock *b = tc->ir;
    VecOp op = tiny_vec_op(in);
    const char *sig = vec_ops[op].sig;
    const unsigned regs[] = { in->d, in->s, (in->s + 1) & 7 };
    IrVal args[4];
    unsigned n = 0;
    for (; sig[2 + n] == 'v'; n++) {
        args[n] = ir_get(b, REG_V0 + regs[n]);
    }
    if (sig[2 + n] == '8') {
        args[n] = ir_get(b, in->s);
    } else if (sig[2 + n]) {
        args[n] = ir_op1(b, IR_TRUNC, ir_get(b, in->s));
    }
    IrVal r = ir_vec(b, op, tiny_vec_imm(in), args);
    if (sig[0] == 'v') {
        ir_set(b, REG_V0 + in->d, r);
    } else {
        ir_set(b, in->d, sig[0] == '8' ? r : ir_op1(b, IR_ZEXT64, r));
    }
}

static void trans_vector(TranslateContext *tc, const TinyInsn *in)
{
    IrBlock *b = tc->ir;
    IrMem mem = tiny_vec_mem(in) | IR_MEM_MODE(tc->mmu_data);
    unsigned d = REG_V0 + in->d;
    switch (in->op) {
    case TINY_VMOV:
        ir_set(b, d, ir_get(b, REG_V0 + in->s));
        break;
    case TINY_VSET:
        ir_set(b, d, ir_vec_const(b, tiny_vec_const(in)));
        break;
    case TINY_VLD:
        ir_set(b, d, ir_ld(b, IR_V128, address(b, in), mem));
        break;
    case TINY_VST:
        ir_st(b, address(b, in), ir_get(b, d), mem);
        break;
    default:
        trans_vec(tc, in);
        break;
    }
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
        ir_exit(b, ir_op2i(b, IR_AND, ir_get(b, in->s), TINY_ADDR_MASK),
                IR_EXIT_LOOKUP);
        tc->ended = true;
        break;
    case TINY_LDENV:
    case TINY_STENV:
        trans_env(tc, in);
        break;
    case TINY_RETURN:
        trans_return(tc);
        break;
    case TINY_UNDEF:
        call(b, &h_undef, 0, 0);
        jump(tc, tc->pc, IR_EXIT_LOOP);
        break;
    case TINY_IO:
    case TINY_TABLE:
    case TINY_ENABLE:
    case TINY_FLUSH:
    case TINY_FPSET:
        trans_system(tc, in);
        break;
    case TINY_VEC:
    case TINY_VMOV:
    case TINY_VSET:
    case TINY_VLD:
    case TINY_VST:
        trans_vector(tc, in);
        break;
    default:
        trans_helper(tc, in);
        break;
    }
}

static void translate_insn(TranslateContext *tc)
{
    TinyInsn in = tiny_decode(code_byte, tc);
    ir_insn_start(tc->ir, tc->pc, 0);
    translate_row(tc, &in);
    tc->pc += in.len;
}

static void translate_stop(TranslateContext *tc)
{
    jump(tc, tc->pc, IR_EXIT_CHAIN0);
}

enum { KEY_TABLE = 1, KEY_FP_TRAPS = 2 };

static void translate_start(TranslateContext *tc)
{
    tc->ir->fp_traps = tc->flags & KEY_FP_TRAPS;
}

static void tb_key(Cpu *c, TbKey *key)
{
    const TinyState *s = &tiny_cpu(c)->s;
    bool traps = (s->fp & 0x1f80) != 0x1f80;
    *key = (TbKey){ .pc = s->pc,
                    .flags = s->table | (traps ? KEY_FP_TRAPS : 0) };
}

static void restore(Cpu *c, const uint64_t words[2])
{
    tiny_cpu(c)->s.pc = words[0];
}

/* --- traps, interrupts, paging ---------------------------------------------------------- */

/* The second trap without an instruction in between is the last. */
static void deliver(Cpu *c)
{
    TinyCpu *cpu = tiny_cpu(c);
    Icount now = machine_icount(c->machine);
    cpu->s.traps++;
    cpu->s.cause = cpu->cause;
    if (cpu->s.last_trap == now) {
        cpu->s.halted = true;
        return;
    }
    cpu->s.last_trap = now;
    cpu->s.enabled = false;
    cpu->s.epc = cpu->s.pc;
    cpu_st(c, TINY_STACK, cpu->s.pc, 8, cpu->s.table);
    cpu->s.pc = TINY_TRAP;
}

static bool interrupt(Cpu *c)
{
    TinyState *s = &tiny_cpu(c)->s;
    if (!s->irq || !s->enabled) {
        return false;
    }
    s->enabled = false;
    s->epc = s->pc;
    s->pc = TINY_IRQ;
    return true;
}

static bool halted(Cpu *c)
{
    return tiny_cpu(c)->s.halted;
}

static bool has_work(Cpu *c)
{
    return false;
}

static bool walk(Cpu *c, GuestAddr va, MmuAccess access, unsigned mode,
                 bool probe, MmuResult *res)
{
    va &= TINY_ADDR_MASK;
    PhysAddr at = TINY_TABLE(mode) + (va >> PAGE_BITS) * 8;
    uint64_t entry = walk_ld(c, at, 8);
    bool store = access == MMU_STORE;
    if (!(entry & TINY_P) || (store && !(entry & TINY_W))) {
        tiny_cpu(c)->cause = CAUSE_PAGE | va << 8;
        return false;
    }
    uint64_t marked = entry | TINY_A | (store ? TINY_D : 0);
    if (marked != entry) {
        walk_st(c, at, marked, 8);
    }
    res->phys = (entry & 0xff000) | (va & ~PAGE_MASK);
    res->prot = 1 << MMU_LOAD | 1 << MMU_FETCH |
                ((marked & TINY_W) && (marked & TINY_D) ? 1 << MMU_STORE : 0);
    return true;
}

static unsigned mmu_mode(Cpu *c, bool fetch)
{
    return tiny_cpu(c)->s.table;
}

static void debug_hit(Cpu *c, const WatchHit *hit)
{
    tiny_debug_hit(&tiny_cpu(c)->s, hit->addr, machine_icount(c->machine));
}

static bool debug_break(Cpu *c, GuestAddr pc)
{
    return tiny_debug_break(&tiny_cpu(c)->s, machine_icount(c->machine));
}

static void unaligned(Cpu *c, GuestAddr va)
{
    tiny_cpu(c)->cause = CAUSE_ALIGN | va << 8;
}

static void fp_trap(Cpu *c, unsigned flags)
{
    tiny_cpu(c)->cause = CAUSE_FP | flags << 8;
}

static bool set_model(Cpu *c, const char *model, Error **errp)
{
    return true;
}

static void nothing(Cpu *c)
{
}

static unsigned address_bits(Cpu *c)
{
    return 64;
}

extern const AccelOps accel_tcg; /* accel/tcg/accel.c */

static const CpuClass tiny_class = {
    .name = "tiny", .size = sizeof(TinyCpu),
    .state_offset = offsetof(TinyCpu, s), .state = tiny_state,
    .regs = regs, .reg_count = G_N_ELEMENTS(regs), .pc_reg = REG_PC,
    .set_model = set_model, .reset = nothing, .sync = fp_to_state,
    .rewire = fp_from_state, .unaligned = unaligned, .fp_trap = fp_trap,
    .tb_key = tb_key, .translate_start = translate_start,
    .translate_insn = translate_insn, .translate_stop = translate_stop,
    .restore = restore, .has_work = has_work, .halted = halted,
    .interrupt = interrupt, .deliver_exception = deliver, .walk = walk,
    .debug_hit = debug_hit, .debug_break = debug_break,
    .mmu_mode = mmu_mode, .address_bits = address_bits,
};

const MachineParts tiny_parts = { .cpu = &tiny_class, .accel = &accel_tcg };
