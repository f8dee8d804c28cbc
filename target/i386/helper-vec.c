/*
 * Helpers of vector instructions: MXCSR, and loads and stores by a mask, which
 * touch only what the mask names.
 */
#include "x87.h"

uint64_t helper_ldmxcsr(Cpu *c, uint64_t value)
{
    if (value & MXCSR_RESERVED) {
        x86_raise(x86_cpu(c), EXC_GP, 0);
    }
    x86_set_mxcsr(x86_cpu(c), value);
    return 0;
}

uint64_t helper_stmxcsr(Cpu *c)
{
    return x86_mxcsr(x86_cpu(c));
}

uint64_t helper_x87_waits(Cpu *c)
{
    x87_wait(x86_cpu(c));
    return 0;
}

uint64_t helper_mmx_enter(Cpu *c)
{
    X86State *s = &x86_cpu(c)->s;
    s->fsw &= ~(7u << FSW_TOP_SHIFT);
    s->fvalid = 0xff;
    return 0;
}

/* Bits of a register by bytes: the low 16 are the XMM register's. */
typedef struct Wide {
    V128 half[2];
} Wide;

static Wide wide_get(const X86State *s, unsigned reg)
{
    Wide w;
    memcpy(&w.half[0], s->xmm[reg], sizeof(V128));
    memcpy(&w.half[1], s->ymmh[reg], sizeof(V128));
    return w;
}

static uint64_t wide_lane(const Wide *w, unsigned bytes, unsigned n)
{
    unsigned lanes = 16 / bytes;
    return vec_lane(&w->half[n / lanes], bytes * 8, n % lanes);
}

static bool wide_top(const Wide *w, unsigned bytes, unsigned n)
{
    return wide_lane(w, bytes, n) >> (bytes * 8 - 1);
}

/* Stores what the mask names; nothing if one of them faults. */
static void store_masked(Cpu *c, uint64_t linear, uint64_t mode,
                         const Wide *data, const Wide *mask, unsigned bytes,
                         unsigned count)
{
    bool any = false;
    for (unsigned n = 0; n < count; n++) {
        if (wide_top(mask, bytes, n)) {
            cpu_probe(c, linear + n * bytes, bytes, MMU_STORE, mode);
            any = true;
        }
    }
    if (any) {
        cpu_need_last_insn(c); /* now; a later restart would see the stores */
    }
    for (unsigned n = 0; n < count; n++) {
        if (wide_top(mask, bytes, n)) {
            cpu_st(c, linear + n * bytes, wide_lane(data, bytes, n), bytes,
                   mode);
        }
    }
}

uint64_t helper_maskmov(Cpu *c, uint64_t linear, uint64_t data, uint64_t mask,
                        uint64_t mode)
{
    Wide d = wide_get(&x86_cpu(c)->s, data);
    Wide m = wide_get(&x86_cpu(c)->s, mask);
    store_masked(c, linear, mode, &d, &m, 1, 16);
    return 0;
}

uint64_t helper_maskmovq(Cpu *c, uint64_t linear, uint64_t data, uint64_t mask,
                         uint64_t mode)
{
    const X86State *s = &x86_cpu(c)->s;
    Wide d = { 0 }, m = { 0 };
    vec_set_lane(&d.half[0], 64, 0, s->fpr[data][0]);
    vec_set_lane(&m.half[0], 64, 0, s->fpr[mask][0]);
    store_masked(c, linear, mode, &d, &m, 1, 8);
    return 0;
}

/* regs: data register, mask register << 8, bytes of a lane << 16, 1 << 24 for 32
 * bytes. */
uint64_t helper_vmaskmov_store(Cpu *c, uint64_t linear, uint64_t regs,
                               uint64_t mode)
{
    Wide d = wide_get(&x86_cpu(c)->s, regs & 15);
    Wide m = wide_get(&x86_cpu(c)->s, regs >> 8 & 15);
    unsigned bytes = regs >> 16 & 15, size = regs >> 24 & 1 ? 32 : 16;
    store_masked(c, linear, mode, &d, &m, bytes, size / bytes);
    return 0;
}

uint64_t helper_vmaskmov_load(Cpu *c, uint64_t linear, uint64_t regs,
                              uint64_t mode)
{
    X86State *s = &x86_cpu(c)->s;
    Wide mask = wide_get(s, regs >> 8 & 15), r = { 0 };
    unsigned bytes = regs >> 16 & 15, lanes = 16 / bytes;
    unsigned count = regs >> 24 & 1 ? 2 * lanes : lanes;
    for (unsigned n = 0; n < count; n++) {
        if (wide_top(&mask, bytes, n)) {
            uint64_t v = cpu_ld(c, linear + n * bytes, bytes, mode);
            vec_set_lane(&r.half[n / lanes], bytes * 8, n % lanes, v);
        }
    }
    memcpy(s->xmm[regs & 15], &r.half[0], sizeof(V128));
    memcpy(s->ymmh[regs & 15], &r.half[1], sizeof(V128));
    return 0;
}

/* --- exceptions of 32 bytes (vol. 1, 11.5.3) ----------------------------------------- */

static V128 fp_wide_operand(const X86State *s, uint64_t what, unsigned reg,
                            const Wide *memory, unsigned part)
{
    Wide w = reg == FP_WIDE_MEMORY ? *memory : wide_get(s, reg);
    if (what & FP_WIDE_WIDENS) {
        return part ? (V128){ { w.half[0].w[1] } } : w.half[0];
    }
    return w.half[part];
}

/* The flags of the first `steps` steps of both halves, as they are told. */
static unsigned fp_wide_flags(VecOp op, const VecArgs half[2], SfEnv env,
                              unsigned steps)
{
    env.flags = 0;
    for (unsigned part = 0; part < 2; part++) {
        SfEnv e = env;
        VecArgs v = half[part];
        v.imm |= vec_steps(op) > 1 ? steps << VEC_STEPS_SHIFT : 0;
        e.flags = 0;
        vec_ops[op].fn(&v, &e);
        env.flags |= e.flags;
    }
    return sf_flags_told(&env);
}

/* The rows do the work afterwards, in which no unmasked exception is left. */
uint64_t helper_fp_wide(Cpu *c, uint64_t what, uint64_t m0, uint64_t m1,
                        uint64_t m2, uint64_t m3)
{
    const X86State *s = &x86_cpu(c)->s;
    const Wide memory = { { { { m0, m1 } }, { { m2, m3 } } } };
    VecOp op = what & 0xffff;
    VecArgs half[2] = { 0 };
    for (unsigned part = 0; part < 2; part++) {
        V128 *const operand[3] = { &half[part].a, &half[part].b,
                                   &half[part].c };
        half[part].imm = what >> FP_WIDE_IMM & 0xffff;
        for (unsigned i = 0; i < 3; i++) {
            unsigned reg = what >> (FP_WIDE_REGS + 5 * i) & 31;
            *operand[i] = fp_wide_operand(s, what, reg, &memory, part);
        }
    }
    unsigned flags = 0; /* those of earlier steps have been told */
    for (unsigned steps = 1; steps <= vec_steps(op); steps++) {
        flags |= fp_wide_flags(op, half, c->fp, steps);
        if (flags & c->fp.unmasked) {
            c->fp.flags |= flags;
            x86_fp_trap(c, flags);
            cpu_raise(c);
        }
    }
    return 0;
}

/* --- gathers (vol. 2, VPGATHERDD) ------------------------------------------------- */

typedef struct Gather {
    unsigned to, mask, index;  /* registers */
    unsigned lane, index_bytes;
    unsigned scale, size, seg;
    bool addr64;
} Gather;

static Gather gather_decode(uint64_t how)
{
    return (Gather){ .to = how & 15, .mask = how >> 4 & 15,
                     .index = how >> 8 & 15, .lane = how >> 12 & 15,
                     .index_bytes = how >> 16 & 15, .scale = how >> 20 & 3,
                     .size = how >> 24 & 1 ? 32 : 16, .seg = how >> 25 & 7,
                     .addr64 = how >> 28 & 1 };
}

static void wide_put(X86State *s, unsigned reg, const Wide *w)
{
    memcpy(s->xmm[reg], &w->half[0], sizeof(V128));
    memcpy(s->ymmh[reg], &w->half[1], sizeof(V128));
}

/* Element n, of 4 or 8 bytes, of a register where it lies. */
static uint64_t *element_word(X86State *s, unsigned reg, unsigned at)
{
    return at < 16 ? &s->xmm[reg][at / 8] : &s->ymmh[reg][at / 8 - 2];
}

static uint64_t element_get(X86State *s, unsigned reg, unsigned bytes,
                            unsigned n)
{
    uint64_t w = *element_word(s, reg, n * bytes);
    return bytes == 8 ? w : (uint32_t)(w >> (n & 1) * 32);
}

static void element_set(X86State *s, unsigned reg, unsigned bytes, unsigned n,
                        uint64_t v)
{
    uint64_t *w = element_word(s, reg, n * bytes);
    *w = bytes == 8 ? v
         : n & 1 ? (uint32_t)*w | v << 32
                 : (*w & ~UINT64_C(0xffffffff)) | (uint32_t)v;
}

static uint64_t gather_linear(X86Cpu *cpu, const Gather *g, uint64_t base,
                              uint64_t index)
{
    bool code64 = cpu->tb_flags & TB_CS64;
    uint64_t offset = bits_sext(index, g->index_bytes * 8);
    uint64_t ea = base + (offset << g->scale);
    ea = g->addr64 ? ea : (uint32_t)ea;
    if (!code64) {
        helper_seg_check(&cpu->parent, g->seg, ea, g->lane, false);
    }
    if (code64 && g->seg < SEG_FS) {
        return ea;
    }
    ea += cpu->s.seg_base[g->seg];
    return code64 ? ea : (uint32_t)ea;
}

/* The mask becomes whole elements of what their top bits say; zeroes above. */
static void gather_expand_mask(X86State *s, const Gather *g)
{
    for (unsigned at = 0; at < g->size; at += 8) {
        uint64_t *w = element_word(s, g->mask, at);
        uint64_t high = -(*w >> 63), low = -(*w >> 31 & 1);
        *w = g->lane == 8 ? high : high << 32 | (uint32_t)low;
    }
    if (g->size == 16) {
        memset(s->ymmh[g->mask], 0, sizeof(V128));
    }
}

/* What is above VEX.L's length goes when the first element comes. */
static void gather_set(X86State *s, const Gather *g, unsigned n, uint64_t v)
{
    element_set(s, g->to, g->lane, n, v);
    element_set(s, g->mask, g->lane, n, 0);
    if (g->size == 16) {
        memset(s->ymmh[g->to], 0, sizeof(V128));
    }
}

/* Elements are loaded in order, and each clears its mask: after a fault the
 * instruction goes on where it was. What the manual leaves open of a fault is as
 * processors do it. */
uint64_t helper_gather(Cpu *c, uint64_t base, uint64_t how, uint64_t mode)
{
    X86Cpu *cpu = x86_cpu(c);
    X86State *s = &cpu->s;
    Gather g = gather_decode(how);
    unsigned count = g.lane == 8 || g.index_bytes == 8 ? g.size / 8
                                                       : g.size / 4;
    unsigned all = g.lane == 8 ? 4 : 8;
    gather_expand_mask(s, &g);
    for (unsigned n = 0; n < count; n++) {
        if (element_get(s, g.mask, g.lane, n)) {
            uint64_t i = element_get(s, g.index, g.index_bytes, n);
            uint64_t at = gather_linear(cpu, &g, base, i);
            gather_set(s, &g, n, cpu_ld(c, at, g.lane, mode));
        }
    }
    for (unsigned n = count; n < all; n++) { /* what is above becomes zero */
        element_set(s, g.to, g.lane, n, 0);
    }
    wide_put(s, g.mask, &(Wide){ 0 });
    return 0;
}
