/*
 * x87 arithmetic and comparisons (SDM vol. 1, 8.3.5 and 8.3.6), with operands
 * in registers and memory. softfloat computes; here are the stack, the
 * exceptions and the condition codes.
 */
#include "x87.h"

static Sf80 compute(unsigned op, Sf80 a, Sf80 b, SfEnv *env)
{
    switch (op) {
    case X87_ADD:
        return sf80_add(a, b, env);
    case X87_MUL:
        return sf80_mul(a, b, env);
    case X87_SUB:
        return sf80_sub(a, b, env);
    case X87_SUBR:
        return sf80_sub(b, a, env);
    case X87_DIV:
        return sf80_div(a, b, env);
    default:
        return sf80_div(b, a, env);
    }
}

static bool is_compare(unsigned op)
{
    return op == X87_COM || op == X87_COMP || op == X87_UCOM;
}

static unsigned relation_bits(SfRelation r)
{
    return r == SF_UNORDERED ? FSW_C3 | FSW_C2 | FSW_C0
           : r == SF_LESS    ? FSW_C0
           : r == SF_EQUAL   ? FSW_C3 : 0;
}

static void set_relation(X86Cpu *cpu, SfRelation r)
{
    X86State *s = &cpu->s;
    s->fsw = (s->fsw & ~(FSW_C3 | FSW_C2 | FSW_C0)) | relation_bits(r);
}

/* A denormal in 32 or 64 bits is a normal number in 80. Whether the operation
 * looks at it, it then says of a denormal of 80 bits. */
static void add_denormal(unsigned op, Sf80 a, Sf80 b, SfEnv *env)
{
    SfEnv probe = *env;
    Sf80 denormal = { 1, b.sign_exp & 0x8000 };
    probe.flags = 0;
    if (is_compare(op)) {
        sf80_compare(a, denormal, op != X87_UCOM, &probe);
    } else {
        compute(op, a, denormal, &probe);
    }
    env->flags |= probe.flags & SF_DENORMAL;
}

typedef struct Operand {
    Sf80 v;
    bool empty;
    bool denormal;         /* as it was in memory */
} Operand;

static void compare(X86Cpu *cpu, uint64_t insn, const Operand *b)
{
    X86State *s = &cpu->s;
    SfEnv env = sf_env_x87(s->fcw);
    SfRelation r = SF_UNORDERED;
    unsigned flags = X87_UNDERFLOW;
    if (!x87_is_empty(s, 0) && !b->empty) {
        bool signalling = x87_op(insn) != X87_UCOM;
        r = sf80_compare(x87_get(s, 0), b->v, signalling, &env);
        if (b->denormal) {
            add_denormal(x87_op(insn), x87_get(s, 0), b->v, &env);
        }
        flags = x87_told(&env) & ~SF_ROUNDED_UP;
    }
    /* The condition codes tell of unmasked exceptions, too. */
    set_relation(cpu, r);
    if (x87_flags(cpu, flags, X87_BEFORE)) {
        x87_pop(s, x87_pops(insn));
    }
}

static void arith(X86Cpu *cpu, uint64_t insn, const Operand *b)
{
    X86State *s = &cpu->s;
    unsigned op = x87_op(insn);
    if (is_compare(op)) {
        compare(cpu, insn, b);
        return;
    }
    SfEnv env = sf_env_x87(s->fcw);
    Sf80 r = X87_INDEFINITE;
    unsigned flags = X87_UNDERFLOW;
    if (!x87_is_empty(s, 0) && !b->empty) {
        Sf80 a = x87_get(s, 0);
        r = compute(op, a, b->v, &env);
        if (G_UNLIKELY(b->denormal)) {
            add_denormal(op, a, b->v, &env);
        }
        flags = x87_told(&env);
    }
    if (x87_flags(cpu, flags, X87_BEFORE)) {
        x87_put(s, x87_to_sti(insn) ? x87_sti(insn) : 0, r);
        x87_pop(s, x87_pops(insn));
    }
}

uint64_t helper_x87_arith(Cpu *c, uint64_t insn, uint64_t ip)
{
    X86Cpu *cpu = x86_cpu(c);
    unsigned i = x87_sti(insn);
    x87_wait(cpu);
    Operand b = { x87_get(&cpu->s, i), x87_is_empty(&cpu->s, i), false };
    arith(cpu, insn, &b);
    x87_note_code(cpu, insn, ip);
    return 0;
}

static Operand from_memory(unsigned kind, uint64_t lo)
{
    SfEnv env = sf_env_x87(FCW_INIT);
    Operand r = { .empty = false };
    switch (kind) {
    case X80_I16:
        r.v = sf80_from_int64((int16_t)lo, &env);
        break;
    case X80_I32:
        r.v = sf80_from_int64((int32_t)lo, &env);
        break;
    default:
        r.v = x80_widen(kind, lo, &r.denormal);
        break;
    }
    return r;
}

uint64_t helper_x87_arith_mem(Cpu *c, uint64_t insn, uint64_t ip,
                              uint64_t offset, uint64_t v)
{
    X86Cpu *cpu = x86_cpu(c);
    x87_wait(cpu);
    Operand b = from_memory(x87_mem_kind(insn), v);
    arith(cpu, insn, &b);
    x87_note_code(cpu, insn, ip);
    x87_note_data(cpu, x87_mem_seg(insn), offset);
    return 0;
}

/* FCOMI and its kin: the relation in EFLAGS. */
uint64_t helper_x87_comi(Cpu *c, uint64_t insn, uint64_t ip)
{
    X86Cpu *cpu = x86_cpu(c);
    X86State *s = &cpu->s;
    x87_wait(cpu);
    unsigned i = x87_sti(insn), flags = X87_UNDERFLOW;
    SfEnv env = sf_env_x87(s->fcw);
    SfRelation r = SF_UNORDERED;
    if (!x87_is_empty(s, 0) && !x87_is_empty(s, i)) {
        r = sf80_compare(x87_get(s, 0), x87_get(s, i),
                         x87_op(insn) != X87_UCOM, &env);
        flags = x87_told(&env) & ~SF_ROUNDED_UP;
    }
    /* C1 stays, but for stack faults. */
    flags |= flags & FSW_SF ? 0 : s->fsw & FSW_C1;
    cpu->cc_op = CC_EFLAGS;
    cpu->cc_src = r == SF_UNORDERED ? FLAG_ZF | FLAG_PF | FLAG_CF
                  : r == SF_LESS    ? FLAG_CF
                  : r == SF_EQUAL   ? FLAG_ZF : 0;
    if (x87_flags(cpu, flags, X87_BEFORE)) {
        x87_pop(s, x87_pops(insn));
    }
    x87_note_code(cpu, insn, ip);
    return 0;
}

uint64_t helper_x87_cmov(Cpu *c, uint64_t insn, uint64_t ip, uint64_t holds)
{
    X86Cpu *cpu = x86_cpu(c);
    X86State *s = &cpu->s;
    unsigned i = x87_sti(insn);
    x87_wait(cpu);
    bool empty = x87_is_empty(s, 0) || x87_is_empty(s, i);
    unsigned flags = empty ? X87_UNDERFLOW : cpu->s.fsw & FSW_C1;
    if (x87_flags(cpu, flags, X87_BEFORE)) {
        if (empty) {
            x87_put(s, 0, X87_INDEFINITE);
        } else if (holds) {
            x87_put(s, 0, x87_get(s, i));
        }
    }
    x87_note_code(cpu, insn, ip);
    return 0;
}
