/*
 * The register file as gdb sees it: the descriptions that the GDB manual's
 * appendix "Standard Target Features", i386, asks for. gdb takes the core
 * feature with x87 registers only, so they are there and read as zero; the
 * control registers are a feature of our own.
 */
#include "show.h"
#include "sys.h"

/* What a row of the view stands for; the number is in CpuReg.n. */
enum {
    R_GPR, R_RIP, R_EFLAGS, R_SEG, R_X87, R_BASE, R_CR, R_EFER, R_CR8
};

#define KEY(kind, index) ((kind) << 8 | (index))

static uint64_t reg_get(Cpu *parent, unsigned n)
{
    const X86Cpu *cpu = x86_cpu(parent);
    const X86State *s = &cpu->s;
    unsigned i = n & 0xff;
    switch (n >> 8) {
    case R_GPR:
        return s->gpr[i];
    case R_RIP:
        return s->rip;
    case R_EFLAGS:
        return x86_eflags(x86_cpu(parent));
    case R_SEG:
        return s->seg_sel[i];
    case R_BASE:
        return s->seg_base[i];
    case R_CR:
        return s->cr[i];
    case R_CR8:
        return s->cr8;
    case R_EFER:
        return s->efer;
    default:
        return 0;
    }
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

static bool reg_set(Cpu *parent, unsigned n, uint64_t v)
{
    X86Cpu *cpu = x86_cpu(parent);
    X86State *s = &cpu->s;
    unsigned i = n & 0xff;
    switch (n >> 8) {
    case R_GPR:
        s->gpr[i] = v;
        return true;
    case R_RIP:
        s->rip = v;
        return true;
    case R_EFLAGS:
        x86_set_eflags(cpu, (v & ~(uint64_t)FLAG_VM) | 2);
        return true;
    case R_SEG:
        set_segment(cpu, i, v);
        return true;
    case R_BASE:
        s->seg_base[i] = v;
        x86_update_modes(cpu);
        return true;
    default:
        return false;
    }
}

#define REG(name, bits, type, group, key) \
    { name, bits, type, group, reg_get, reg_set, key }
#define CORE(name, bits, type, key) REG(name, bits, type, "core", key)
#define X87(name, bits, type) CORE(name, bits, type, KEY(R_X87, 0))
#define X87_ALL                                                           \
    X87("st0", 80, "i387_ext"), X87("st1", 80, "i387_ext"),               \
    X87("st2", 80, "i387_ext"), X87("st3", 80, "i387_ext"),               \
    X87("st4", 80, "i387_ext"), X87("st5", 80, "i387_ext"),               \
    X87("st6", 80, "i387_ext"), X87("st7", 80, "i387_ext"),               \
    X87("fctrl", 32, "int"), X87("fstat", 32, "int"),                     \
    X87("ftag", 32, "int"), X87("fiseg", 32, "int"),                      \
    X87("fioff", 32, "int"), X87("foseg", 32, "int"),                     \
    X87("fooff", 32, "int"), X87("fop", 32, "int")
#define SEGMENTS                                                          \
    CORE("cs", 32, "int32", KEY(R_SEG, SEG_CS)),                          \
    CORE("ss", 32, "int32", KEY(R_SEG, SEG_SS)),                          \
    CORE("ds", 32, "int32", KEY(R_SEG, SEG_DS)),                          \
    CORE("es", 32, "int32", KEY(R_SEG, SEG_ES)),                          \
    CORE("fs", 32, "int32", KEY(R_SEG, SEG_FS)),                          \
    CORE("gs", 32, "int32", KEY(R_SEG, SEG_GS))
#define SYSTEM(bits)                                                      \
    REG("cr0", bits, "int", "system", KEY(R_CR, 0)),                      \
    REG("cr2", bits, "int", "system", KEY(R_CR, 2)),                      \
    REG("cr3", bits, "int", "system", KEY(R_CR, 3)),                      \
    REG("cr4", bits, "int", "system", KEY(R_CR, 4)),                      \
    REG("cr8", bits, "int", "system", KEY(R_CR8, 0)),                     \
    REG("efer", bits, "int", "system", KEY(R_EFER, 0))

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
    CORE("eflags", 32, "i386_eflags", KEY(R_EFLAGS, 0)),
    SEGMENTS, X87_ALL,
    REG("fs_base", 32, "int", "system", KEY(R_BASE, SEG_FS)),
    REG("gs_base", 32, "int", "system", KEY(R_BASE, SEG_GS)),
    SYSTEM(32),
};

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
    CORE("eflags", 32, "i386_eflags", KEY(R_EFLAGS, 0)),
    SEGMENTS, X87_ALL,
    REG("fs_base", 64, "int", "segments", KEY(R_BASE, SEG_FS)),
    REG("gs_base", 64, "int", "segments", KEY(R_BASE, SEG_GS)),
    SYSTEM(64),
};

/* --- target.xml ------------------------------------------------------------------- */

static const char eflags_type[] =
    "<flags id=\"i386_eflags\" size=\"4\">"
    "<field name=\"CF\" start=\"0\" end=\"0\"/>"
    "<field name=\"\" start=\"1\" end=\"1\"/>"
    "<field name=\"PF\" start=\"2\" end=\"2\"/>"
    "<field name=\"AF\" start=\"4\" end=\"4\"/>"
    "<field name=\"ZF\" start=\"6\" end=\"6\"/>"
    "<field name=\"SF\" start=\"7\" end=\"7\"/>"
    "<field name=\"TF\" start=\"8\" end=\"8\"/>"
    "<field name=\"IF\" start=\"9\" end=\"9\"/>"
    "<field name=\"DF\" start=\"10\" end=\"10\"/>"
    "<field name=\"OF\" start=\"11\" end=\"11\"/>"
    "<field name=\"NT\" start=\"14\" end=\"14\"/>"
    "<field name=\"RF\" start=\"16\" end=\"16\"/>"
    "<field name=\"VM\" start=\"17\" end=\"17\"/>"
    "<field name=\"AC\" start=\"18\" end=\"18\"/>"
    "<field name=\"VIF\" start=\"19\" end=\"19\"/>"
    "<field name=\"VIP\" start=\"20\" end=\"20\"/>"
    "<field name=\"ID\" start=\"21\" end=\"21\"/>"
    "</flags>";

/* ORDER gdb-feature: a register's group, and the feature it goes to. */
static const struct {
    const char *group, *feature;
} groups[] = {
    { "core", "org.gnu.gdb.i386.core" },
    { "segments", "org.gnu.gdb.i386.segments" },
    { "system", "org.reprise.i386.system" },
};

static void put_feature(GString *xml, const CpuReg *regs, unsigned count,
                        unsigned g)
{
    g_string_append_printf(xml, "<feature name=\"%s\">", groups[g].feature);
    if (g == 0) {
        g_string_append(xml, eflags_type);
    }
    for (unsigned i = 0; i < count; i++) {
        if (g_str_equal(regs[i].group, groups[g].group)) {
            g_string_append_printf(
                xml, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" "
                "regnum=\"%u\"/>", regs[i].name, regs[i].bits,
                regs[i].gdb_type, i);
        }
    }
    g_string_append(xml, "</feature>");
}

static char *make_xml(const CpuGdbView *v)
{
    GString *xml = g_string_new("<?xml version=\"1.0\"?>"
                                "<!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
                                "<target>");
    g_string_append_printf(xml, "<architecture>%s</architecture>",
                           v->architecture);
    for (unsigned g = 0; g < G_N_ELEMENTS(groups); g++) {
        bool used = false;
        for (unsigned i = 0; i < v->count; i++) {
            used |= g_str_equal(v->regs[i].group, groups[g].group);
        }
        if (used) {
            put_feature(xml, v->regs, v->count, g);
        }
    }
    g_string_append(xml, "</target>");
    return g_string_free(xml, FALSE);
}

/* The layout follows the mode: 64-bit code or not. The texts are made once. */
const CpuGdbView *x86_gdb_view(Cpu *parent)
{
    static CpuGdbView view_i386 = { "i386", regs_i386,
                                    G_N_ELEMENTS(regs_i386), 8, 4, NULL };
    static CpuGdbView view_x86_64 = { "i386:x86-64", regs_x86_64,
                                      G_N_ELEMENTS(regs_x86_64), 16, 7,
                                      NULL };
    CpuGdbView *v = x86_code64(x86_cpu(parent)) ? &view_x86_64 : &view_i386;
    if (!v->xml) {
        v->xml = make_xml(v);
    }
    return v;
}

/* --- info registers -------------------------------------------------------------------- */

static void print_general(const X86State *s, bool wide, GString *out)
{
    static const char *const names[] = {
        "RAX", "RBX", "RCX", "RDX", "RSI", "RDI", "RBP", "RSP",
        "R8 ", "R9 ", "R10", "R11", "R12", "R13", "R14", "R15",
    };
    static const uint8_t order[] = { 0, 3, 1, 2, 6, 7, 5, 4,
                                     8, 9, 10, 11, 12, 13, 14, 15 };
    for (unsigned i = 0; i < (wide ? 16u : 8u); i++) {
        if (wide) {
            g_string_append_printf(out, "%s=%016" G_GINT64_MODIFIER "x%c",
                                   names[i], s->gpr[order[i]],
                                   i % 4 == 3 ? '\n' : ' ');
        } else {
            g_string_append_printf(out, "E%s=%08x%c", names[i] + 1,
                                   (uint32_t)s->gpr[order[i]],
                                   i % 4 == 3 ? '\n' : ' ');
        }
    }
}

static void print_flags(const X86Cpu *cpu, bool wide, GString *out)
{
    static const char letters[] = "DOSZAPC";
    static const uint32_t bits[] = { FLAG_DF, FLAG_OF, FLAG_SF, FLAG_ZF,
                                     FLAG_AF, FLAG_PF, FLAG_CF };
    const X86State *s = &cpu->s;
    char shown[8] = { 0 };
    for (unsigned i = 0; i < 7; i++) {
        shown[i] = s->eflags & bits[i] ? letters[i] : '-';
    }
    g_string_append_printf(out, wide ? "RIP=%016" G_GINT64_MODIFIER "x RFL="
                                     : "EIP=%08" G_GINT64_MODIFIER "x EFL=",
                           s->rip);
    g_string_append_printf(out, "%08x [%s] CPL=%u II=%d A20=%d SMM=%d "
                           "HLT=%d\n", (uint32_t)s->eflags, shown,
                           x86_cpl(cpu), s->irq_shadow, s->a20, s->in_smm,
                           s->halted);
}

static void print_segment(const char *name, uint16_t sel, uint64_t base,
                          uint32_t limit, uint32_t attr, GString *out)
{
    g_string_append_printf(out, "%-3s=%04x %016" G_GINT64_MODIFIER
                           "x %08x %08x\n", name, sel, base, limit, attr);
}

/* Registers by number, not by place in the stack; FTW has a bit for each that is
 * not empty. */
static void print_fpu(const X86Cpu *cpu, bool wide, GString *out)
{
    const X86State *s = &cpu->s;
    g_string_append_printf(out, "FCW=%04x FSW=%04x [ST=%u] FTW=%02x "
                           "MXCSR=%08x\n", s->fcw, s->fsw, s->fsw >> 11 & 7,
                           s->fvalid, x86_mxcsr(cpu));
    for (unsigned i = 0; i < 8; i++) {
        g_string_append_printf(out, "FPR%u=%016" G_GINT64_MODIFIER "x %04x%c",
                               i, s->fpr[i][0], (uint16_t)s->fpr[i][1],
                               i & 1 ? '\n' : ' ');
    }
    for (unsigned i = 0; i < (wide ? 16 : 8); i++) {
        g_string_append_printf(out, "XMM%02u=%016" G_GINT64_MODIFIER
                               "x %016" G_GINT64_MODIFIER "x%c", i,
                               s->xmm[i][1], s->xmm[i][0], i & 1 ? '\n' : ' ');
    }
}

void x86_print_registers(Cpu *parent, GString *out)
{
    static const char *const segs[] = { "ES", "CS", "SS", "DS", "FS", "GS" };
    const X86Cpu *cpu = x86_cpu(parent);
    const X86State *s = &cpu->s;
    bool wide = x86_long(cpu);
    print_general(s, wide, out);
    print_flags(cpu, wide, out);
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        print_segment(segs[i], s->seg_sel[i], s->seg_base[i],
                      s->seg_limit[i], s->seg_attr[i], out);
    }
    print_segment("LDT", s->ldt_sel, s->ldt_base, s->ldt_limit, s->ldt_attr,
                  out);
    print_segment("TR", s->tr_sel, s->tr_base, s->tr_limit, s->tr_attr, out);
    g_string_append_printf(out, "GDT=     %016" G_GINT64_MODIFIER
                           "x %08x\nIDT=     %016" G_GINT64_MODIFIER
                           "x %08x\n", s->gdt_base, s->gdt_limit,
                           s->idt_base, s->idt_limit);
    g_string_append_printf(out, "CR0=%08x CR2=%016" G_GINT64_MODIFIER
                           "x CR3=%016" G_GINT64_MODIFIER "x CR4=%08x\n",
                           (uint32_t)s->cr[0], s->cr[2], s->cr[3],
                           (uint32_t)s->cr[4]);
    for (unsigned i = 0; i < 8; i++) {
        if (i < 4 || i >= 6) {
            g_string_append_printf(out, "DR%u=%016" G_GINT64_MODIFIER "x%c",
                                   i, s->dr[i], i == 3 || i == 7 ? '\n' : ' ');
        }
    }
    g_string_append_printf(out, "EFER=%016" G_GINT64_MODIFIER "x\n", s->efer);
    print_fpu(cpu, wide, out);
}
