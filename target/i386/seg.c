/*
 * Segments: descriptors, loads of segment registers with every check, limit
 * checks, LAR and its kin. SDM vol. 3, chapters 3 and 5; vol. 2, MOV.
 */
#include "sys.h"

uint32_t desc_limit(const Desc *d)
{
    uint32_t limit = (d->lo & 0xffff) | (d->hi & 0x000f0000);
    return d->hi & DESC_G ? limit << 12 | 0xfff : limit;
}

/* While an event from outside is delivered, error codes that name a selector
 * or a gate have the EXT bit (6.13). */
static bool has_ext(const X86Cpu *cpu, int vector)
{
    return cpu->delivering_ext && vector >= EXC_TS && vector <= EXC_GP;
}

void x86_raise(X86Cpu *cpu, int vector, int error)
{
    cpu->exc_vector = vector;
    cpu->exc_has_error = error >= 0;
    cpu->exc_error = error >= 0 ? error | has_ext(cpu, vector) : 0;
    cpu_raise(&cpu->parent);
}

void x86_raise_sel(X86Cpu *cpu, int vector, uint16_t sel)
{
    x86_raise(cpu, vector, sel & 0xfffc);
}

/* --- descriptors ---------------------------------------------------------------------- */

static bool desc_address(X86Cpu *cpu, uint16_t sel, uint64_t *addr)
{
    const X86State *s = &cpu->s;
    bool local = sel & 4;
    uint64_t base = local ? s->ldt_base : s->gdt_base;
    uint32_t limit = local ? s->ldt_limit : s->gdt_limit;
    uint32_t offset = sel & ~7u;
    *addr = base + offset;
    return offset + 7 <= limit && !(local && !(s->ldt_sel & ~3));
}

static void desc_read(X86Cpu *cpu, Desc *d)
{
    uint64_t v = cpu_ld(&cpu->parent, d->addr, 8, MMU_KERNEL);
    d->lo = v;
    d->hi = v >> 32;
}

bool desc_try(X86Cpu *cpu, uint16_t sel, Desc *d)
{
    if (!(sel & ~3) || !desc_address(cpu, sel, &d->addr)) {
        return false;
    }
    desc_read(cpu, d);
    return true;
}

void desc_fetch(X86Cpu *cpu, uint16_t sel, int vector, Desc *d)
{
    if (!desc_address(cpu, sel, &d->addr)) {
        x86_raise_sel(cpu, vector, sel);
    }
    desc_read(cpu, d);
}

uint64_t desc_base64(X86Cpu *cpu, const Desc *d)
{
    uint64_t high = cpu_ld(&cpu->parent, d->addr + 8, 4, MMU_KERNEL);
    return desc_base(d) | high << 32;
}

void desc_touch(X86Cpu *cpu, Desc *d)
{
    if (!(d->hi & DESC_A)) {
        d->hi |= DESC_A;
        cpu_st(&cpu->parent, d->addr + 4, d->hi, 4, MMU_KERNEL);
    }
}

/* --- segment registers ------------------------------------------------------------------- */

#define ATTR_MASK 0x00f0ff00u

void seg_put(X86Cpu *cpu, unsigned seg, uint16_t sel, const Desc *d)
{
    X86State *s = &cpu->s;
    s->seg_sel[seg] = sel;
    s->seg_base[seg] = desc_base(d);
    s->seg_limit[seg] = desc_limit(d);
    s->seg_attr[seg] = d->hi & ATTR_MASK;
}

void seg_put_real(X86Cpu *cpu, unsigned seg, uint16_t sel)
{
    X86State *s = &cpu->s;
    s->seg_sel[seg] = sel;
    s->seg_base[seg] = (uint64_t)sel << 4;
    if (s->eflags & FLAG_VM) {
        s->seg_limit[seg] = 0xffff;
        s->seg_attr[seg] = 0xf300;
    }
}

void seg_put_null(X86Cpu *cpu, unsigned seg, uint16_t sel)
{
    X86State *s = &cpu->s;
    s->seg_sel[seg] = sel;
    s->seg_base[seg] = 0;
    s->seg_limit[seg] = 0;
    s->seg_attr[seg] = seg == SEG_SS
        ? (uint32_t)(sel & 3) << DESC_DPL_SHIFT | DESC_B : 0;
}

void cpl_set(X86Cpu *cpu, unsigned cpl)
{
    cpu->s.seg_attr[SEG_SS] =
        (cpu->s.seg_attr[SEG_SS] & ~DESC_DPL) | cpl << DESC_DPL_SHIFT;
}

void cs_put(X86Cpu *cpu, uint16_t sel, const Desc *d, unsigned cpl)
{
    seg_put(cpu, SEG_CS, (sel & ~3) | cpl, d);
    cpl_set(cpu, cpl);
}

void ss_check(X86Cpu *cpu, uint16_t sel, unsigned cpl, int vector, Desc *d)
{
    if (!(sel & ~3)) {
        x86_raise(cpu, vector, 0);
    }
    desc_fetch(cpu, sel, vector, d);
    bool writable = (d->hi & (DESC_S | DESC_CODE | DESC_W)) ==
                    (DESC_S | DESC_W);
    if ((sel & 3) != cpl || desc_dpl(d) != cpl || !writable) {
        x86_raise_sel(cpu, vector, sel);
    }
    if (!(d->hi & DESC_P)) {
        x86_raise_sel(cpu, EXC_SS, sel);
    }
}

static void load_null(X86Cpu *cpu, unsigned seg, uint16_t sel)
{
    bool allowed = seg != SEG_SS ||
                   (x86_code64(cpu) && x86_cpl(cpu) < 3 &&
                    (sel & 3) == x86_cpl(cpu));
    if (!allowed) {
        x86_raise(cpu, EXC_GP, 0);
    }
    seg_put_null(cpu, seg, sel);
}

/* Data or readable code, and privileged enough unless conforming. */
void data_check(X86Cpu *cpu, uint16_t sel, int vector, const Desc *d)
{
    bool code = d->hi & DESC_CODE;
    bool readable = !code || (d->hi & DESC_R);
    bool conforming = code && (d->hi & DESC_C);
    unsigned need = MAX(sel & 3u, x86_cpl(cpu));
    if (desc_is_system(d) || !readable ||
        (!conforming && need > desc_dpl(d))) {
        x86_raise_sel(cpu, vector, sel);
    }
    if (!(d->hi & DESC_P)) {
        x86_raise_sel(cpu, EXC_NP, sel);
    }
}

void x86_load_seg(X86Cpu *cpu, unsigned seg, uint16_t sel)
{
    Desc d;
    if (x86_real_or_vm(cpu)) {
        seg_put_real(cpu, seg, sel);
    } else if (!(sel & ~3)) {
        load_null(cpu, seg, sel);
    } else if (seg == SEG_SS) {
        ss_check(cpu, sel, x86_cpl(cpu), EXC_GP, &d);
        desc_touch(cpu, &d);
        seg_put(cpu, seg, sel, &d);
    } else {
        desc_fetch(cpu, sel, EXC_GP, &d);
        data_check(cpu, sel, EXC_GP, &d);
        desc_touch(cpu, &d);
        seg_put(cpu, seg, sel, &d);
    }
    x86_update_modes(cpu);
}

void segs_drop_privileged(X86Cpu *cpu)
{
    static const uint8_t segs[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };
    X86State *s = &cpu->s;
    unsigned cpl = (s->seg_attr[SEG_SS] & DESC_DPL) >> DESC_DPL_SHIFT;
    for (size_t i = 0; i < G_N_ELEMENTS(segs); i++) {
        uint32_t attr = s->seg_attr[segs[i]];
        bool conforming = (attr & (DESC_CODE | DESC_C)) ==
                          (DESC_CODE | DESC_C);
        unsigned dpl = (attr & DESC_DPL) >> DESC_DPL_SHIFT;
        if (!conforming && (attr & DESC_P) && dpl < cpl) {
            s->seg_sel[segs[i]] = 0;
            s->seg_attr[segs[i]] = 0;
            s->seg_limit[segs[i]] = 0;
            s->seg_base[segs[i]] = 0;
        }
    }
}

uint64_t helper_load_seg(Cpu *cpu, uint64_t seg, uint64_t sel)
{
    x86_load_seg(x86_cpu(cpu), seg, sel);
    return 0;
}

/* --- checks of accesses ----------------------------------------------------------------------- */

static bool inside_limit(const X86State *s, unsigned seg, uint64_t offset,
                         unsigned size)
{
    uint32_t attr = s->seg_attr[seg];
    uint64_t last = offset + size - 1;
    bool down = (attr & (DESC_S | DESC_CODE | DESC_E)) == (DESC_S | DESC_E);
    if (!down) {
        return last <= s->seg_limit[seg];
    }
    uint64_t top = attr & DESC_B ? UINT32_MAX : 0xffff;
    return offset > s->seg_limit[seg] && last <= top;
}

static bool type_allows(uint32_t attr, bool store)
{
    if (!(attr & DESC_P)) {
        return false;
    }
    if (attr & DESC_CODE) {
        return !store && (attr & DESC_R);
    }
    return !store || (attr & DESC_W);
}

uint64_t helper_seg_check(Cpu *parent, uint64_t seg, uint64_t offset,
                          uint64_t size, uint64_t store)
{
    X86Cpu *cpu = x86_cpu(parent);
    bool types = !x86_real_or_vm(cpu);
    if ((types && !type_allows(cpu->s.seg_attr[seg], store)) ||
        !inside_limit(&cpu->s, seg, offset, size)) {
        x86_raise(cpu, seg == SEG_SS ? EXC_SS : EXC_GP, 0);
    }
    return 0;
}

/* The operand was read: what is inside its segment and readable may still not
 * be writable. */
uint64_t helper_arpl_store(Cpu *parent, uint64_t whether, uint64_t seg,
                           uint64_t linear, uint64_t v)
{
    X86Cpu *cpu = x86_cpu(parent);
    if (!whether) {
        return 0;
    }
    if (!type_allows(cpu->s.seg_attr[seg], true)) {
        x86_raise(cpu, seg == SEG_SS ? EXC_SS : EXC_GP, 0);
    }
    cpu_st(parent, linear, v, 2, x86_mmu_mode(cpu));
    return 0;
}

uint64_t helper_near_target(Cpu *parent, uint64_t offset)
{
    X86Cpu *cpu = x86_cpu(parent);
    bool bad = x86_code64(cpu)
        ? !is_canonical(cpu, offset)
        : offset > cpu->s.seg_limit[SEG_CS];
    if (bad) {
        x86_raise(cpu, EXC_GP, 0);
    }
    return 0;
}

/* --- LAR, LSL, VERR, VERW ----------------------------------------------------------------------- */

static void set_zf(X86Cpu *cpu, bool zf)
{
    uint32_t flags = x86_eflags(cpu) & FLAG_ARITH & ~FLAG_ZF;
    cpu->cc_op = CC_EFLAGS;
    cpu->cc_src = flags | (zf ? FLAG_ZF : 0);
}

static bool reachable(X86Cpu *cpu, uint16_t sel, const Desc *d)
{
    bool conforming = desc_is_code(d) && (d->hi & DESC_C);
    return conforming || MAX(sel & 3u, x86_cpl(cpu)) <= desc_dpl(d);
}

/* System types that LAR and LSL accept, as bit masks; fewer in long mode. */
static bool query(X86Cpu *cpu, uint16_t sel, uint32_t types, Desc *d)
{
    if (!desc_try(cpu, sel, d) || !reachable(cpu, sel, d)) {
        return false;
    }
    return !desc_is_system(d) || (types & (1u << desc_type(d)));
}

/* The register `old` with v in its low bytes, as a MOV leaves it. */
static uint64_t merged(uint64_t old, uint64_t v, unsigned bytes)
{
    return bytes < 4 ? bits_deposit(old, 0, bytes * 8, v) : v;
}

uint64_t helper_lar(Cpu *parent, uint64_t sel, uint64_t old, uint64_t bytes)
{
    X86Cpu *cpu = x86_cpu(parent);
    Desc d;
    bool ok = query(cpu, sel, x86_long(cpu) ? 0x1a04 : 0x1a3e, &d);
    set_zf(cpu, ok);
    return ok ? merged(old, d.hi & 0x00f0ff00, bytes) : old;
}

uint64_t helper_lsl(Cpu *parent, uint64_t sel, uint64_t old, uint64_t bytes)
{
    X86Cpu *cpu = x86_cpu(parent);
    Desc d;
    bool ok = query(cpu, sel, x86_long(cpu) ? 0x0a04 : 0x0a0e, &d);
    set_zf(cpu, ok);
    return ok ? merged(old, desc_limit(&d), bytes) : old;
}

static void verify(X86Cpu *cpu, uint16_t sel, bool write)
{
    Desc d;
    bool ok = query(cpu, sel, 0, &d);
    if (ok) {
        bool code = d.hi & DESC_CODE;
        ok = write ? !code && (d.hi & DESC_W) : !code || (d.hi & DESC_R);
    }
    set_zf(cpu, ok);
}

uint64_t helper_verr(Cpu *cpu, uint64_t sel)
{
    verify(x86_cpu(cpu), sel, false);
    return 0;
}

uint64_t helper_verw(Cpu *cpu, uint64_t sel)
{
    verify(x86_cpu(cpu), sel, true);
    return 0;
}

/* --- descriptor table registers --------------------------------------------------------------------- */

static void user_mode_protection(X86Cpu *cpu)
{
    if ((cpu->s.cr[4] & CR4_UMIP) && x86_cpl(cpu) > 0) {
        x86_raise(cpu, EXC_GP, 0);
    }
}

uint64_t helper_sldt(Cpu *parent)
{
    user_mode_protection(x86_cpu(parent));
    return x86_cpu(parent)->s.ldt_sel;
}

uint64_t helper_str(Cpu *parent)
{
    user_mode_protection(x86_cpu(parent));
    return x86_cpu(parent)->s.tr_sel;
}

uint64_t helper_sgdt_base(Cpu *parent)
{
    user_mode_protection(x86_cpu(parent));
    return x86_cpu(parent)->s.gdt_base;
}

uint64_t helper_sgdt_limit(Cpu *parent)
{
    user_mode_protection(x86_cpu(parent));
    return x86_cpu(parent)->s.gdt_limit;
}

uint64_t helper_sidt_base(Cpu *parent)
{
    user_mode_protection(x86_cpu(parent));
    return x86_cpu(parent)->s.idt_base;
}

uint64_t helper_sidt_limit(Cpu *parent)
{
    user_mode_protection(x86_cpu(parent));
    return x86_cpu(parent)->s.idt_limit;
}

static uint64_t table_base(X86Cpu *cpu, uint64_t base)
{
    if (x86_code64(cpu) && !base_is_canonical(cpu, base)) {
        x86_raise(cpu, EXC_GP, 0);
    }
    return x86_code64(cpu) ? base : (uint32_t)base;
}

uint64_t helper_lgdt(Cpu *parent, uint64_t base, uint64_t limit)
{
    X86Cpu *cpu = x86_cpu(parent);
    cpu->s.gdt_base = table_base(cpu, base);
    cpu->s.gdt_limit = limit & 0xffff;
    return 0;
}

uint64_t helper_lidt(Cpu *parent, uint64_t base, uint64_t limit)
{
    X86Cpu *cpu = x86_cpu(parent);
    cpu->s.idt_base = table_base(cpu, base);
    cpu->s.idt_limit = limit & 0xffff;
    return 0;
}

/* A system descriptor of the GDT for LLDT and LTR. */
static void fetch_system(X86Cpu *cpu, uint16_t sel, uint32_t types, Desc *d)
{
    if (sel & 4) {
        x86_raise_sel(cpu, EXC_GP, sel);
    }
    desc_fetch(cpu, sel, EXC_GP, d);
    if (!desc_is_system(d) || !(types & (1u << desc_type(d)))) {
        x86_raise_sel(cpu, EXC_GP, sel);
    }
    if (!(d->hi & DESC_P)) {
        x86_raise_sel(cpu, EXC_NP, sel);
    }
}

/* In long mode such a descriptor has 16 bytes, and its base must be canonical
 * (vol. 2, LTR). */
static uint64_t system_base(X86Cpu *cpu, uint16_t sel, const Desc *d)
{
    if (!x86_long(cpu)) {
        return desc_base(d);
    }
    if ((sel & ~7u) + 15 > cpu->s.gdt_limit) {
        x86_raise_sel(cpu, EXC_GP, sel);
    }
    uint64_t base = desc_base64(cpu, d);
    uint32_t type = cpu_ld(&cpu->parent, d->addr + 12, 4, MMU_KERNEL);
    if ((type & 0x1f00) || !base_is_canonical(cpu, base)) {
        x86_raise_sel(cpu, EXC_GP, sel);
    }
    return base;
}

uint64_t helper_lldt(Cpu *parent, uint64_t sel)
{
    X86Cpu *cpu = x86_cpu(parent);
    X86State *s = &cpu->s;
    Desc d;
    if (!(sel & ~(uint64_t)3)) {
        s->ldt_sel = sel;
        s->ldt_base = 0;
        s->ldt_limit = 0;
        s->ldt_attr = 0;
        return 0;
    }
    fetch_system(cpu, sel, 1u << SYS_LDT, &d);
    uint64_t base = system_base(cpu, sel, &d);
    s->ldt_sel = sel;
    s->ldt_base = base;
    s->ldt_limit = desc_limit(&d);
    s->ldt_attr = d.hi & 0x00f0ff00;
    return 0;
}

uint64_t helper_ltr(Cpu *parent, uint64_t sel)
{
    X86Cpu *cpu = x86_cpu(parent);
    X86State *s = &cpu->s;
    Desc d;
    if (!(sel & ~(uint64_t)3)) {
        x86_raise(cpu, EXC_GP, 0);
    }
    uint32_t types = x86_long(cpu) ? 1u << SYS_TSS32
                                   : 1u << SYS_TSS16 | 1u << SYS_TSS32;
    fetch_system(cpu, sel, types, &d);
    uint64_t base = system_base(cpu, sel, &d);
    d.hi |= 2u << 8; /* busy */
    cpu_st(parent, d.addr + 4, d.hi, 4, MMU_KERNEL);
    s->tr_sel = sel;
    s->tr_base = base;
    s->tr_limit = desc_limit(&d);
    s->tr_attr = d.hi & 0x00f0ff00;
    return 0;
}
