/*
 * FXSAVE, XSAVE and their kin: state to and from guest memory.
 *
 * SDM vol. 1, 10.5 (FXSAVE) and 13.5 to 13.12; vol. 2 for each instruction.
 *
 * What is saved is laid out in an Area first, by words of 8 bytes; then all
 * pages that it touches are probed, then it is stored: a fault finds nothing
 * half-written. Restoring loads and checks everything before it changes a
 * register. XSAVEOPT and XSAVES leave out what is in its initial configuration
 * and nothing else: what was restored from where (the modified optimisation) is
 * not remembered, which the manual leaves to the processor.
 */
#include "xsave.h"

#include "base/bits.h"
#include "base/bytes.h"
#include "cpuid.h"
#include "sys.h"
#include "x87.h"
#include "xstate.h"

#define AT_MXCSR 24u
#define AT_ST0 32u
#define AT_XMM0 160u
#define AT_XSTATE_BV XSAVE_LEGACY
#define AT_XCOMP_BV (XSAVE_LEGACY + 8)
#define MXCSR_MASK 0xffffu

/* An area in guest memory, and a copy of it. */
typedef struct Area {
    X86Cpu *cpu;
    uint64_t linear;
    unsigned mode;         /* of the MMU */
    bool wide;             /* REX.W: pointers of 64 bits */
    uint8_t bytes[XSAVE_MOST];
    bool known[XSAVE_MOST / 8]; /* words to store, or loaded */
} Area;

static void put(Area *a, unsigned at, uint64_t v)
{
    bytes_st_le64(a->bytes + at, v);
    a->known[at / 8] = true;
}

static uint64_t guest_address(const Area *a, unsigned at)
{
    uint64_t linear = a->linear + at;
    return x86_code64(a->cpu) ? linear : (uint32_t)linear;
}

static uint64_t get(Area *a, unsigned at)
{
    if (!a->known[at / 8]) {
        put(a, at, cpu_ld(&a->cpu->parent, guest_address(a, at), 8, a->mode));
    }
    return bytes_ld_le64(a->bytes + at);
}

static void get_range(Area *a, unsigned at, unsigned bytes)
{
    for (unsigned end = at + bytes; at < end; at += 8) {
        get(a, at);
    }
}

static void store_area(Area *a)
{
    Cpu *c = &a->cpu->parent;
    for (unsigned i = 0; i < G_N_ELEMENTS(a->known); i++) {
        if (a->known[i]) {
            cpu_probe(c, guest_address(a, 8 * i), 8, MMU_STORE, a->mode);
        }
    }
    cpu_need_last_insn(c); /* now; a later restart would see the stores */
    for (unsigned i = 0; i < G_N_ELEMENTS(a->known); i++) {
        if (a->known[i]) {
            cpu_st(c, guest_address(a, 8 * i),
                   bytes_ld_le64(a->bytes + 8 * i), 8, a->mode);
        }
    }
}

/* --- the x87 -----------------------------------------------------------------*/

/* Vol. 1, table 10-2: the pointers with their selectors, or 64 bits of them. */
static void put_x87(Area *a)
{
    const X86State *s = &a->cpu->s;
    x87_sync(a->cpu);
    put(a, 0, s->fcw | (uint64_t)s->fsw << 16 | (uint64_t)s->fvalid << 32 |
                  (uint64_t)s->fop << 48);
    put(a, 8, a->wide ? s->fip : (uint32_t)s->fip | (uint64_t)s->fcs << 32);
    put(a, 16, a->wide ? s->fdp : (uint32_t)s->fdp | (uint64_t)s->fds << 32);
    for (unsigned i = 0; i < 8; i++) {
        Sf80 v = x87_get(s, i);
        put(a, AT_ST0 + 16 * i, v.frac);
        put(a, AT_ST0 + 16 * i + 8, v.sign_exp);
    }
}

static void load_x87(Area *a)
{
    get_range(a, 0, AT_MXCSR);
    get_range(a, AT_ST0, AT_XMM0 - AT_ST0);
}

static void set_pointers(Area *a)
{
    X86State *s = &a->cpu->s;
    uint64_t ip = get(a, 8), dp = get(a, 16);
    bool selectors = !a->wide && !cpuid_has_zero_fcs_fds(a->cpu);
    s->fip = a->wide ? ip : (uint32_t)ip;
    s->fdp = a->wide ? dp : (uint32_t)dp;
    s->fcs = selectors ? ip >> 32 : 0;
    s->fds = selectors ? dp >> 32 : 0;
}

static void set_x87(Area *a)
{
    X86State *s = &a->cpu->s;
    uint64_t words = get(a, 0);
    s->fsw = words >> 16;
    s->fvalid = words >> 32;
    s->fop = words >> 48 & 0x7ff;
    set_pointers(a);
    for (unsigned i = 0; i < 8; i++) {
        unsigned r = x87_phys(s, i);
        s->fpr[r][0] = get(a, AT_ST0 + 16 * i);
        s->fpr[r][1] = get(a, AT_ST0 + 16 * i + 8) & 0xffff;
    }
    x87_update_fcw(a->cpu, words);
}

static void reset_x87(X86Cpu *cpu)
{
    memset(cpu->s.fpr, 0, sizeof(cpu->s.fpr));
    x87_init(cpu);
}

/* --- vectors -------------------------------------------------------------------*/

static void put_mxcsr(Area *a)
{
    put(a, AT_MXCSR, x86_mxcsr(a->cpu) | (uint64_t)MXCSR_MASK << 32);
}

/* Faults if reserved bits are set; nothing may have changed yet. */
static void check_mxcsr(Area *a)
{
    if ((uint32_t)get(a, AT_MXCSR) & ~MXCSR_MASK) {
        x86_raise(a->cpu, EXC_GP, 0);
    }
}

/* XMM registers and the high halves of YMM have the same form. */
static void put_halves(Area *a, unsigned at, uint64_t (*halves)[2])
{
    for (unsigned n = 0; n < 2 * xstate_vectors(a->cpu); n++) {
        put(a, at + 8 * n, halves[n / 2][n & 1]);
    }
}

static void load_halves(Area *a, unsigned at)
{
    get_range(a, at, 16 * xstate_vectors(a->cpu));
}

static void set_halves(Area *a, unsigned at, uint64_t (*halves)[2])
{
    for (unsigned n = 0; n < 2 * xstate_vectors(a->cpu); n++) {
        halves[n / 2][n & 1] = get(a, at + 8 * n);
    }
}

static void reset_halves(const X86Cpu *cpu, uint64_t (*halves)[2])
{
    memset(halves, 0, 16 * xstate_vectors(cpu));
}

/* --- FXSAVE, FXRSTOR -------------------------------------------------------------*/

static Area area_of(X86Cpu *cpu, uint64_t offset, uint64_t how, uint64_t mode)
{
    unsigned seg = XSAVE_SEG(how);
    bool based = !x86_code64(cpu) || seg >= SEG_FS;
    uint64_t linear = offset + (based ? cpu->s.seg_base[seg] : 0);
    Area a = { .cpu = cpu, .mode = mode, .wide = XSAVE_WIDE(how) };
    a.linear = x86_code64(cpu) ? linear : (uint32_t)linear;
    return a;
}

static void check_segment(X86Cpu *cpu, uint64_t offset, uint64_t how,
                          uint32_t bytes)
{
    bool store = XSAVE_OP(how) <= XSAVE_LAST_STORE;
    if (!x86_code64(cpu)) {
        helper_seg_check(&cpu->parent, XSAVE_SEG(how), offset, bytes, store);
    }
}

static void check_aligned(const Area *a, unsigned bytes)
{
    if (a->cpu->tb_flags & TB_AC) { /* that of words comes before #GP */
        helper_align_check(&a->cpu->parent, a->linear, 4);
    }
    if (a->linear & (bytes - 1)) {
        x86_raise(a->cpu, EXC_GP, 0);
    }
}

/* AMD64 vol. 2, 3.1.7: with EFER.FFXSR the kernel's FXSAVE leaves XMM out. */
static bool fx_has_xmm(const X86Cpu *cpu)
{
    return !((cpu->s.efer & EFER_FFXSR) && x86_code64(cpu) && !x86_cpl(cpu));
}

static void fx_save(Area *a)
{
    put_x87(a);
    if (a->cpu->s.cr[4] & CR4_OSFXSR) {
        put_mxcsr(a);
        if (fx_has_xmm(a->cpu)) {
            put_halves(a, AT_XMM0, a->cpu->s.xmm);
        }
    }
    store_area(a);
}

static void fx_restore(Area *a)
{
    bool sse = a->cpu->s.cr[4] & CR4_OSFXSR;
    load_x87(a);
    if (sse && fx_has_xmm(a->cpu)) {
        load_halves(a, AT_XMM0);
    }
    if (sse) {
        check_mxcsr(a);
    }
    set_x87(a);
    if (sse && fx_has_xmm(a->cpu)) {
        set_halves(a, AT_XMM0, a->cpu->s.xmm);
    }
    if (sse) {
        x86_set_mxcsr(a->cpu, get(a, AT_MXCSR));
    }
}

uint64_t helper_fxsave(Cpu *c, uint64_t offset, uint64_t how, uint64_t mode)
{
    X86Cpu *cpu = x86_cpu(c);
    if (cpu->s.cr[0] & (CR0_EM | CR0_TS)) {
        x86_raise(cpu, EXC_NM, -1);
    }
    check_segment(cpu, offset, how, XSAVE_LEGACY);
    Area a = area_of(cpu, offset, how, mode);
    check_aligned(&a, 16);
    if (XSAVE_OP(how) == XSAVE_FX) {
        fx_save(&a);
    } else {
        fx_restore(&a);
    }
    return 0;
}

/* --- XSAVE and its forms ----------------------------------------------------------*/

static void require_xsave(X86Cpu *cpu)
{
    if (!(cpu->s.cr[4] & CR4_OSXSAVE)) {
        x86_raise(cpu, EXC_UD, -1);
    }
}

static uint64_t requested(const X86Cpu *cpu, uint64_t how)
{
    const uint64_t *r = cpu->s.gpr;
    bool supervisor = XSAVE_OP(how) == XSAVE_S || XSAVE_OP(how) == XRSTOR_S;
    uint64_t enabled = cpu->s.xcr0 | (supervisor ? cpu->s.xss : 0);
    return enabled & (r[X86_RDX] << 32 | (uint32_t)r[X86_RAX]);
}

/* Where component `bit` is in an area of the components `have`. */
static uint32_t offset_of(uint64_t bit, uint64_t have, bool compacted)
{
    return xstate_offset(__builtin_ctzll(bit), have, compacted);
}

static void put_components(Area *a, uint64_t which, uint64_t have,
                           bool compacted)
{
    X86State *s = &a->cpu->s;
    if (which & XCR0_X87) {
        put_x87(a);
    }
    if (which & XCR0_SSE) {
        put_halves(a, AT_XMM0, s->xmm);
    }
    if (which & XCR0_AVX) {
        put_halves(a, offset_of(XCR0_AVX, have, compacted), s->ymmh);
    }
    if (which & XCR0_PKRU) {
        put(a, offset_of(XCR0_PKRU, have, compacted), s->pkru);
    }
}

/* XSAVE and XSAVEOPT (13.7, 13.9): bits of XSTATE_BV that were not asked for
 * stay. MXCSR goes with either SSE or AVX, in use or not. */
static void save_standard(Area *a, uint64_t rfbm, bool optimised)
{
    uint64_t in_use = xstate_in_use(a->cpu);
    uint64_t old = get(a, AT_XSTATE_BV);
    put_components(a, optimised ? rfbm & in_use : rfbm, rfbm, false);
    if (rfbm & (XCR0_SSE | XCR0_AVX)) {
        put_mxcsr(a);
    }
    put(a, AT_XSTATE_BV, (old & ~rfbm) | (in_use & rfbm));
    store_area(a);
}

/* XSAVEC and XSAVES (13.10, 13.11): MXCSR is part of SSE here. */
static void save_compacted(Area *a, uint64_t rfbm)
{
    uint64_t saved = rfbm & xstate_in_use(a->cpu);
    if (x86_mxcsr(a->cpu) != MXCSR_DEFAULT) {
        saved |= rfbm & XCR0_SSE;
    }
    put_components(a, saved, rfbm, true);
    if (saved & XCR0_SSE) {
        put_mxcsr(a);
    }
    put(a, AT_XSTATE_BV, saved);
    put(a, AT_XCOMP_BV, rfbm | XSAVE_COMPACTED);
    store_area(a);
}

/* --- XRSTOR, XRSTORS (13.8, 13.12) -------------------------------------------------*/

/* What XRSTOR is to do, once the header has been found right. */
typedef struct Restore {
    uint64_t rfbm;         /* requested and enabled */
    uint64_t have;         /* components of the area: XCOMP_BV */
    uint64_t load;         /* from memory; the rest of rfbm is reset */
    bool compacted;
    bool mxcsr;            /* from memory */
} Restore;

static bool rest_of_header_is_zero(Area *a, unsigned from)
{
    uint64_t any = 0;
    for (unsigned at = from; at < XSAVE_HEADER; at += 8) {
        any |= get(a, AT_XSTATE_BV + at);
    }
    return !any;
}

/* The header's rules; `enabled`: XCR0, for XRSTORS with IA32_XSS. */
static bool header_is_valid(Area *a, uint64_t enabled, bool supervisor)
{
    uint64_t bv = get(a, AT_XSTATE_BV), comp = get(a, AT_XCOMP_BV);
    bool knows_compacted = x86_feature_word(a->cpu, FEAT_D_1_EAX) &
                           (CPUID_XSAVEC | CPUID_XSAVES);
    if ((comp & XSAVE_COMPACTED) && knows_compacted) {
        return !(comp & ~XSAVE_COMPACTED & ~enabled) &&
               !(bv & (~comp | XSAVE_COMPACTED)) &&
               rest_of_header_is_zero(a, 16);
    }
    return !supervisor && !comp && !get(a, AT_XCOMP_BV + 8) &&
           !(bv & ~enabled);
}

static Restore plan_restore(Area *a, uint64_t rfbm, bool supervisor)
{
    const X86State *s = &a->cpu->s;
    uint64_t enabled = s->xcr0 | (supervisor ? s->xss : 0);
    get_range(a, AT_XSTATE_BV, XSAVE_HEADER);
    if (!header_is_valid(a, enabled, supervisor)) {
        x86_raise(a->cpu, EXC_GP, 0);
    }
    Restore r = { .rfbm = rfbm, .load = rfbm & get(a, AT_XSTATE_BV) };
    r.compacted = get(a, AT_XCOMP_BV) & XSAVE_COMPACTED;
    r.have = r.compacted ? get(a, AT_XCOMP_BV) & ~XSAVE_COMPACTED : rfbm;
    r.mxcsr = r.compacted ? r.load & XCR0_SSE
                          : rfbm & (XCR0_SSE | XCR0_AVX);
    return r;
}

static void load_components(Area *a, const Restore *r)
{
    if (r->load & XCR0_X87) {
        load_x87(a);
    }
    if (r->load & XCR0_SSE) {
        load_halves(a, AT_XMM0);
    }
    if (r->load & XCR0_AVX) {
        load_halves(a, offset_of(XCR0_AVX, r->have, r->compacted));
    }
    if (r->load & XCR0_PKRU) {
        get(a, offset_of(XCR0_PKRU, r->have, r->compacted));
    }
    if (r->mxcsr) {
        check_mxcsr(a);
    }
}

/* Component `bit`, which is a row of halves. */
static void restore_halves(Area *a, const Restore *r, uint64_t bit,
                           unsigned at, uint64_t (*halves)[2])
{
    if (r->load & bit) {
        set_halves(a, at, halves);
    } else if (r->rfbm & bit) {
        reset_halves(a->cpu, halves);
    }
}

static void set_components(Area *a, const Restore *r)
{
    X86State *s = &a->cpu->s;
    if (r->load & XCR0_X87) {
        set_x87(a);
    } else if (r->rfbm & XCR0_X87) {
        reset_x87(a->cpu);
    }
    restore_halves(a, r, XCR0_SSE, AT_XMM0, s->xmm);
    restore_halves(a, r, XCR0_AVX,
                   offset_of(XCR0_AVX, r->have, r->compacted), s->ymmh);
    if (r->load & XCR0_PKRU) {
        x86_set_pkru(a->cpu, get(a, offset_of(XCR0_PKRU, r->have,
                                              r->compacted)));
    } else if (r->rfbm & XCR0_PKRU) {
        x86_set_pkru(a->cpu, 0);
    }
    if (r->mxcsr) {
        x86_set_mxcsr(a->cpu, get(a, AT_MXCSR));
    } else if (r->compacted && (r->rfbm & XCR0_SSE)) {
        x86_set_mxcsr(a->cpu, MXCSR_DEFAULT);
    }
}

static void restore(Area *a, uint64_t offset, uint64_t how, uint64_t rfbm)
{
    Restore r = plan_restore(a, rfbm, XSAVE_OP(how) == XRSTOR_S);
    check_segment(a->cpu, offset, how, xstate_bytes(r.have, r.compacted));
    load_components(a, &r);
    set_components(a, &r);
}

uint64_t helper_xsave(Cpu *c, uint64_t offset, uint64_t how, uint64_t mode)
{
    X86Cpu *cpu = x86_cpu(c);
    unsigned op = XSAVE_OP(how);
    require_xsave(cpu);
    if ((op == XSAVE_S || op == XRSTOR_S) && x86_cpl(cpu)) {
        x86_raise(cpu, EXC_GP, 0);
    }
    if (cpu->s.cr[0] & CR0_TS) {
        x86_raise(cpu, EXC_NM, -1);
    }
    uint64_t rfbm = requested(cpu, how);
    bool compacted = op == XSAVE_C || op == XSAVE_S;
    bool saves = op <= XSAVE_LAST_STORE;
    check_segment(cpu, offset, how, xstate_bytes(saves ? rfbm : 0, compacted));
    Area a = area_of(cpu, offset, how, mode);
    check_aligned(&a, 64);
    if (!saves) {
        restore(&a, offset, how, rfbm);
    } else if (compacted) {
        save_compacted(&a, rfbm);
    } else {
        save_standard(&a, rfbm, op == XSAVE_OPT);
    }
    return 0;
}

/* --- PKRU (vol. 3, 4.6.2) ----------------------------------------------------------*/

/* What the TLB holds was allowed by the old value. */
void x86_set_pkru(X86Cpu *cpu, uint32_t pkru)
{
    if (cpu->s.pkru != pkru) {
        cpu->s.pkru = pkru;
        tlb_flush(&cpu->parent);
    }
}

static void require_pke(X86Cpu *cpu, bool zero)
{
    if (!(cpu->s.cr[4] & CR4_PKE)) {
        x86_raise(cpu, EXC_UD, -1);
    }
    if (!zero) {
        x86_raise(cpu, EXC_GP, 0);
    }
}

uint64_t helper_rdpkru(Cpu *c)
{
    X86Cpu *cpu = x86_cpu(c);
    uint64_t *r = cpu->s.gpr;
    require_pke(cpu, !(uint32_t)r[X86_RCX]);
    r[X86_RAX] = cpu->s.pkru;
    r[X86_RDX] = 0;
    return 0;
}

uint64_t helper_wrpkru(Cpu *c)
{
    X86Cpu *cpu = x86_cpu(c);
    const uint64_t *r = cpu->s.gpr;
    require_pke(cpu, !(uint32_t)r[X86_RCX] && !(uint32_t)r[X86_RDX]);
    x86_set_pkru(cpu, r[X86_RAX]);
    return 0;
}

/* --- XGETBV, XSETBV -----------------------------------------------------------------*/

uint64_t helper_xgetbv(Cpu *c)
{
    X86Cpu *cpu = x86_cpu(c);
    uint64_t *r = cpu->s.gpr, v = cpu->s.xcr0;
    bool knows_in_use = x86_feature_word(cpu, FEAT_D_1_EAX) & CPUID_XGETBV1;
    uint32_t n = r[X86_RCX];
    require_xsave(cpu);
    if (n > knows_in_use) {
        x86_raise(cpu, EXC_GP, 0);
    }
    v &= n ? xstate_in_use(cpu) : UINT64_MAX;
    r[X86_RAX] = (uint32_t)v;
    r[X86_RDX] = v >> 32;
    return 0;
}

uint64_t helper_xsetbv(Cpu *c)
{
    X86Cpu *cpu = x86_cpu(c);
    const uint64_t *r = cpu->s.gpr;
    uint64_t v = r[X86_RDX] << 32 | (uint32_t)r[X86_RAX];
    require_xsave(cpu);
    if (x86_cpl(cpu) || (uint32_t)r[X86_RCX] || !xstate_xcr0_valid(cpu, v)) {
        x86_raise(cpu, EXC_GP, 0);
    }
    cpu->s.xcr0 = v;
    x86_update_modes(cpu);
    return 0;
}
