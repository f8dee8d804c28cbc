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

uint64_t helper_mmx_check(Cpu *c)
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

/* Elements are loaded in order, and each clears its mask: after a fault the
 * instruction goes on where it was. */
uint64_t helper_gather(Cpu *c, uint64_t base, uint64_t how, uint64_t mode)
{
    X86Cpu *cpu = x86_cpu(c);
    X86State *s = &cpu->s;
    Gather g = gather_decode(how);
    unsigned count = g.lane == 8 || g.index_bytes == 8 ? g.size / 8
                                                       : g.size / 4;
    unsigned all = g.lane == 8 ? 4 : 8;
    for (unsigned n = 0; n < count; n++) {
        if (element_get(s, g.mask, g.lane, n) >> (g.lane * 8 - 1)) {
            uint64_t i = element_get(s, g.index, g.index_bytes, n);
            uint64_t at = gather_linear(cpu, &g, base, i);
            element_set(s, g.to, g.lane, n, cpu_ld(c, at, g.lane, mode));
            element_set(s, g.mask, g.lane, n, 0);
        }
    }
    for (unsigned n = count; n < all; n++) { /* what is above becomes zero */
        element_set(s, g.to, g.lane, n, 0);
    }
    wide_put(s, g.mask, &(Wide){ 0 });
    return 0;
}
