/*
 * The register file as debuggers and monitors see it: rows of name, width, type
 * and place in the description (gdb-xml.c), and how each is read and written.
 *
 * There are two layouts, one a program: what a debugger was told once must go on
 * to be true when the guest changes its mode. The order is QEMU's. What a model
 * lacks is at the end and left out: AVX, or SSE and AVX.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "cpuid.h"
#include "show.h"
#include "sys.h"
#include "x87.h"

/* What a row stands for; KEY() is CpuReg.n. */
enum {
    R_GPR, R_RIP, R_EFLAGS, R_SEG, R_BASE, R_LIMIT, R_KERNEL_GS, R_CR, R_EFER,
    R_ST, R_X87, R_XMM, R_YMMH, R_MXCSR
};

/* R_X87: gdb's names of the x87's other registers, in its order. */
enum {
    X87_FCTRL, X87_FSTAT, X87_FTAG, X87_FISEG, X87_FIOFF, X87_FOSEG,
    X87_FOOFF, X87_FOP
};

#define KEY(kind, index) ((kind) << 8 | (index))

/* --- the x87 -------------------------------------------------------------------- */

/* In 64-bit code there are no selectors: fiseg and foseg are the upper halves
 * of the pointers, as FXSAVE64 has them (SDM vol. 1, 10.5.1). */
static uint64_t pointer_part(const X86Cpu *cpu, uint64_t offset, uint16_t sel,
                             bool is_upper)
{
    return !is_upper ? (uint32_t)offset : x86_code64(cpu) ? offset >> 32 : sel;
}

static void set_pointer_part(const X86Cpu *cpu, uint64_t *offset,
                             uint16_t *sel, bool is_upper, uint32_t v)
{
    if (is_upper && !x86_code64(cpu)) {
        *sel = v;
    } else {
        *offset = bits_deposit(*offset, is_upper ? 32 : 0, 32, v);
    }
}

static uint64_t x87_word(const X86Cpu *cpu, unsigned i)
{
    const X86State *s = &cpu->s;
    switch (i) {
    case X87_FCTRL:
        return s->fcw;
    case X87_FSTAT:
        return s->fsw;
    case X87_FTAG:
        return x87_tags(s);
    case X87_FISEG:
    case X87_FIOFF:
        return pointer_part(cpu, s->fip, s->fcs, i == X87_FISEG);
    case X87_FOSEG:
    case X87_FOOFF:
        return pointer_part(cpu, s->fdp, s->fds, i == X87_FOSEG);
    default:
        return s->fop;
    }
}

static void set_x87_word(X86Cpu *cpu, unsigned i, uint32_t v)
{
    X86State *s = &cpu->s;
    switch (i) {
    case X87_FCTRL:
        x87_update_fcw(cpu, v);
        break;
    case X87_FSTAT:
        s->fsw = v;
        x87_update_es(cpu);
        break;
    case X87_FTAG:
        x87_set_tags(s, v);
        break;
    case X87_FISEG:
    case X87_FIOFF:
        set_pointer_part(cpu, &s->fip, &s->fcs, i == X87_FISEG, v);
        break;
    case X87_FOSEG:
    case X87_FOOFF:
        set_pointer_part(cpu, &s->fdp, &s->fds, i == X87_FOSEG, v);
        break;
    default:
        s->fop = v & X87_FOP_MASK;
    }
}

/* --- registers of more than 64 bits ------------------------------------------------ */

static void get_wide(Cpu *parent, unsigned n, CpuRegValue *v)
{
    const X86State *s = &x86_cpu(parent)->s;
    unsigned i = n & 0xff;
    switch (n >> 8) {
    case R_ST:
        bytes_st_le64(v->bytes, s->fpr[x87_phys(s, i)][0]);
        bytes_st_le16(v->bytes + 8, s->fpr[x87_phys(s, i)][1]);
        break;
    case R_XMM:
        bytes_st_le64(v->bytes, s->xmm[i][0]);
        bytes_st_le64(v->bytes + 8, s->xmm[i][1]);
        break;
    case R_YMMH:
        bytes_st_le64(v->bytes, s->ymmh[i][0]);
        bytes_st_le64(v->bytes + 8, s->ymmh[i][1]);
        break;
    }
}

/* Whether ST(i) is empty is the tag word's business. */
static void set_wide(Cpu *parent, unsigned n, const CpuRegValue *v)
{
    X86State *s = &x86_cpu(parent)->s;
    unsigned i = n & 0xff;
    uint64_t low = bytes_ld_le64(v->bytes);
    uint64_t high = bytes_ld_le64(v->bytes + 8);
    switch (n >> 8) {
    case R_ST:
        s->fpr[x87_phys(s, i)][0] = low;
        s->fpr[x87_phys(s, i)][1] = high & 0xffff;
        break;
    case R_XMM:
        s->xmm[i][0] = low;
        s->xmm[i][1] = high;
        break;
    case R_YMMH:
        s->ymmh[i][0] = low;
        s->ymmh[i][1] = high;
        break;
    }
    parent->cls->rewire(parent);
}

/* --- and the others ------------------------------------------------------------------ */

static uint64_t word(X86Cpu *cpu, unsigned kind, unsigned i)
{
    const X86State *s = &cpu->s;
    switch (kind) {
    case R_GPR:
        return s->gpr[i];
    case R_RIP:
        return s->rip;
    case R_EFLAGS:
        return x86_eflags(cpu);
    case R_SEG:
        return s->seg_sel[i];
    case R_BASE:
        return s->seg_base[i];
    case R_LIMIT:
        return s->seg_limit[i];
    case R_KERNEL_GS:
        return s->kernel_gs_base;
    case R_CR:
        return cr_get(cpu, i);
    case R_EFER:
        return s->efer;
    case R_X87:
        return x87_word(cpu, i);
    case R_MXCSR:
        return x86_mxcsr(cpu);
    default:
        g_assert_not_reached();
    }
}

static void get(Cpu *parent, unsigned n, CpuRegValue *v)
{
    bytes_st_le64(v->bytes, word(x86_cpu(parent), n >> 8, n & 0xff));
}

/* A debugger's selector takes effect like a real-mode load, or through the
 * descriptor tables without privilege checks where there is one. */
static void set_segment(X86Cpu *cpu, unsigned seg, uint16_t sel)
{
    Desc d;
    PhysAddr pa;
    if (x86_real_or_vm(cpu)) {
        seg_put_real(cpu, seg, sel);
    } else if (!(sel & ~3)) {
        seg_put_null(cpu, seg, sel);
    } else if (cpu_translate_debug(&cpu->parent,
                                   cpu->s.gdt_base + (sel & ~7u), &pa) &&
               cpu_read_debug(&cpu->parent, cpu->s.gdt_base + (sel & ~7u),
                              &d, 8) && !(sel & 4)) {
        seg_put(cpu, seg, sel, &d);
    }
    x86_update_modes(cpu);
}

/* Control registers and EFER take what the instruction would. */
static void set(Cpu *parent, unsigned n, const CpuRegValue *value)
{
    X86Cpu *cpu = x86_cpu(parent);
    X86State *s = &cpu->s;
    unsigned i = n & 0xff;
    uint64_t v = bytes_ld_le64(value->bytes);
    switch (n >> 8) {
    case R_GPR:
        s->gpr[i] = v;
        s->in_rep &= i != X86_RCX;
        return;
    case R_RIP:
        s->rip = v;
        s->in_rep = false;
        return;
    case R_EFLAGS:
        x86_set_eflags(cpu, v & FLAG_ALL & ~FLAG_VM);
        break;
    case R_SEG:
        set_segment(cpu, i, v);
        break;
    case R_BASE:
        s->seg_base[i] = v;
        break;
    case R_KERNEL_GS:
        s->kernel_gs_base = v;
        break;
    case R_CR:
        cr_put(cpu, i, v);
        break;
    case R_EFER:
        efer_put(cpu, v);
        break;
    case R_X87:
        set_x87_word(cpu, i, v);
        break;
    case R_MXCSR:
        s->mxcsr = v & ~(uint64_t)MXCSR_RESERVED;
        break;
    }
    parent->cls->rewire(parent);
}

/* --- the rows ------------------------------------------------------------------------ */

#define REG(name, bits, type, group, key) \
    { name, bits, type, group, get, set, key }
#define CORE(name, bits, type, key) REG(name, bits, type, "core", key)
#define WIDE(name, bits, type, group, key) \
    { name, bits, type, group, get_wide, set_wide, key }

#define ST(i) WIDE("st" #i, 80, "i387_ext", "core", KEY(R_ST, i))
#define FPU(name, index) CORE(name, 32, "int", KEY(R_X87, index))
#define X87_ALL                                                             \
    ST(0), ST(1), ST(2), ST(3), ST(4), ST(5), ST(6), ST(7),                 \
    FPU("fctrl", X87_FCTRL), FPU("fstat", X87_FSTAT),                       \
    FPU("ftag", X87_FTAG), FPU("fiseg", X87_FISEG),                         \
    FPU("fioff", X87_FIOFF), FPU("foseg", X87_FOSEG),                       \
    FPU("fooff", X87_FOOFF), FPU("fop", X87_FOP)
#define SEGMENTS                                                            \
    CORE("cs", 32, "int32", KEY(R_SEG, SEG_CS)),                            \
    CORE("ss", 32, "int32", KEY(R_SEG, SEG_SS)),                            \
    CORE("ds", 32, "int32", KEY(R_SEG, SEG_DS)),                            \
    CORE("es", 32, "int32", KEY(R_SEG, SEG_ES)),                            \
    CORE("fs", 32, "int32", KEY(R_SEG, SEG_FS)),                            \
    CORE("gs", 32, "int32", KEY(R_SEG, SEG_GS))
/* bases: their group. gdb knows "segments" in the 64-bit layout only. */
#define SYSTEM(bits, bases)                                                 \
    REG("fs_base", bits, "int" #bits, bases, KEY(R_BASE, SEG_FS)),          \
    REG("gs_base", bits, "int" #bits, bases, KEY(R_BASE, SEG_GS)),          \
    REG("k_gs_base", bits, "int" #bits, bases, KEY(R_KERNEL_GS, 0)),        \
    REG("cr0", bits, "x86_cr0", "system", KEY(R_CR, 0)),                    \
    REG("cr2", bits, "int" #bits, "system", KEY(R_CR, 2)),                  \
    REG("cr3", bits, "x86_cr3", "system", KEY(R_CR, 3)),                    \
    REG("cr4", bits, "x86_cr4", "system", KEY(R_CR, 4)),                    \
    REG("cr8", bits, "int" #bits, "system", KEY(R_CR, 8)),                  \
    REG("efer", bits, "x86_efer", "system", KEY(R_EFER, 0))
#define XMM(i) WIDE("xmm" #i, 128, "vec128", "sse", KEY(R_XMM, i))
#define XMM_LOW XMM(0), XMM(1), XMM(2), XMM(3), XMM(4), XMM(5), XMM(6), XMM(7)
#define XMM_HIGH                                                            \
    XMM(8), XMM(9), XMM(10), XMM(11), XMM(12), XMM(13), XMM(14), XMM(15)
#define MXCSR REG("mxcsr", 32, "x86_mxcsr", "sse", KEY(R_MXCSR, 0))
#define YMMH(i) WIDE("ymm" #i "h", 128, "uint128", "avx", KEY(R_YMMH, i))
#define YMMH_LOW                                                            \
    YMMH(0), YMMH(1), YMMH(2), YMMH(3), YMMH(4), YMMH(5), YMMH(6), YMMH(7)
#define YMMH_HIGH                                                           \
    YMMH(8), YMMH(9), YMMH(10), YMMH(11), YMMH(12), YMMH(13), YMMH(14),     \
    YMMH(15)

static const CpuReg regs_i386[] = {
    CORE("eax", 32, "int32", KEY(R_GPR, X86_RAX)),
    CORE("ecx", 32, "int32", KEY(R_GPR, X86_RCX)),
    CORE("edx", 32, "int32", KEY(R_GPR, X86_RDX)),
    CORE("ebx", 32, "int32", KEY(R_GPR, X86_RBX)),
    CORE("esp", 32, "data_ptr", KEY(R_GPR, X86_RSP)),
    CORE("ebp", 32, "data_ptr", KEY(R_GPR, X86_RBP)),
    CORE("esi", 32, "int32", KEY(R_GPR, X86_RSI)),
    CORE("edi", 32, "int32", KEY(R_GPR, X86_RDI)),
    CORE("eip", 32, "code_ptr", KEY(R_RIP, 0)),
    CORE("eflags", 32, "x86_eflags", KEY(R_EFLAGS, 0)),
    SEGMENTS, SYSTEM(32, "system"), X87_ALL,
    XMM_LOW, MXCSR, YMMH_LOW,
};
/* ORDER gdb-i386: how many of them without what. */
enum { I386_X87 = 41, I386_SSE = I386_X87 + 9, I386_AVX = I386_SSE + 8 };
G_STATIC_ASSERT(G_N_ELEMENTS(regs_i386) == I386_AVX);

static const CpuReg regs_x86_64[] = {
    CORE("rax", 64, "int64", KEY(R_GPR, X86_RAX)),
    CORE("rbx", 64, "int64", KEY(R_GPR, X86_RBX)),
    CORE("rcx", 64, "int64", KEY(R_GPR, X86_RCX)),
    CORE("rdx", 64, "int64", KEY(R_GPR, X86_RDX)),
    CORE("rsi", 64, "int64", KEY(R_GPR, X86_RSI)),
    CORE("rdi", 64, "int64", KEY(R_GPR, X86_RDI)),
    CORE("rbp", 64, "data_ptr", KEY(R_GPR, X86_RBP)),
    CORE("rsp", 64, "data_ptr", KEY(R_GPR, X86_RSP)),
    CORE("r8", 64, "int64", KEY(R_GPR, 8)),
    CORE("r9", 64, "int64", KEY(R_GPR, 9)),
    CORE("r10", 64, "int64", KEY(R_GPR, 10)),
    CORE("r11", 64, "int64", KEY(R_GPR, 11)),
    CORE("r12", 64, "int64", KEY(R_GPR, 12)),
    CORE("r13", 64, "int64", KEY(R_GPR, 13)),
    CORE("r14", 64, "int64", KEY(R_GPR, 14)),
    CORE("r15", 64, "int64", KEY(R_GPR, 15)),
    CORE("rip", 64, "code_ptr", KEY(R_RIP, 0)),
    CORE("eflags", 32, "x86_eflags", KEY(R_EFLAGS, 0)),
    SEGMENTS, SYSTEM(64, "segments"), X87_ALL,
    XMM_LOW, XMM_HIGH, MXCSR, YMMH_LOW, YMMH_HIGH,
};
/* ORDER gdb-x86-64 */
enum { X64_X87 = 49, X64_SSE = X64_X87 + 17, X64_AVX = X64_SSE + 16 };
G_STATIC_ASSERT(G_N_ELEMENTS(regs_x86_64) == X64_AVX);

/* Monitors' names of segments, and the 32-bit layout's of what the 64-bit one
 * has otherwise. */
#define HIDDEN_SEG(name, seg)                                               \
    CORE(name ".base", 64, NULL, KEY(R_BASE, seg)),                         \
    CORE(name ".limit", 32, NULL, KEY(R_LIMIT, seg))
static const CpuReg regs_hidden[] = {
    HIDDEN_SEG("cs", SEG_CS), HIDDEN_SEG("ss", SEG_SS),
    HIDDEN_SEG("ds", SEG_DS), HIDDEN_SEG("es", SEG_ES),
    HIDDEN_SEG("fs", SEG_FS), HIDDEN_SEG("gs", SEG_GS),
    CORE("eax", 32, NULL, KEY(R_GPR, X86_RAX)),
    CORE("ecx", 32, NULL, KEY(R_GPR, X86_RCX)),
    CORE("edx", 32, NULL, KEY(R_GPR, X86_RDX)),
    CORE("ebx", 32, NULL, KEY(R_GPR, X86_RBX)),
    CORE("esp", 32, NULL, KEY(R_GPR, X86_RSP)),
    CORE("ebp", 32, NULL, KEY(R_GPR, X86_RBP)),
    CORE("esi", 32, NULL, KEY(R_GPR, X86_RSI)),
    CORE("edi", 32, NULL, KEY(R_GPR, X86_RDI)),
    CORE("eip", 32, NULL, KEY(R_RIP, 0)),
};

/* --- the layouts ----------------------------------------------------------------------- */

enum { WITH_X87, WITH_SSE, WITH_AVX };

#define VIEW(table, n, pc_index, sp_index)                                  \
    { .regs = table, .count = n, .pc = pc_index, .sp = sp_index,            \
      .others = regs_hidden, .other_count = G_N_ELEMENTS(regs_hidden),      \
      .describe = x86_describe }

static const CpuGdbView views_i386[] = {
    [WITH_X87] = VIEW(regs_i386, I386_X87, 8, 4),
    [WITH_SSE] = VIEW(regs_i386, I386_SSE, 8, 4),
    [WITH_AVX] = VIEW(regs_i386, I386_AVX, 8, 4),
};
static const CpuGdbView views_x86_64[] = {
    [WITH_X87] = VIEW(regs_x86_64, X64_X87, 16, 7),
    [WITH_SSE] = VIEW(regs_x86_64, X64_SSE, 16, 7),
    [WITH_AVX] = VIEW(regs_x86_64, X64_AVX, 16, 7),
};

const CpuGdbView *x86_gdb_view(Cpu *parent)
{
    const X86Cpu *cpu = x86_cpu(parent);
    unsigned units = cpuid_has_avx(cpu)   ? WITH_AVX
                     : cpuid_has_sse(cpu) ? WITH_SSE
                                          : WITH_X87;
    return parent->cls == &x86_64_cpu_class ? &views_x86_64[units]
                                            : &views_i386[units];
}
