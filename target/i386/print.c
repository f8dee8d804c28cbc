/*
 * `info registers`, in the shape that scripts know from QEMU's monitor. Wide
 * or not follows the mode: that is for people, who look at what the guest sees.
 */
#include "show.h"
#include "sys.h"

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

/* --- segments ------------------------------------------------------------------------ */

/* System descriptors by type, 3.5. In long mode type 2 is an LDT as before, and
 * a TSS or a gate has 64 bits. */
static const char *system_type(unsigned type, bool long_mode)
{
    static const char *const names[] = {
        [SYS_TSS16] = "TSS16-avl", [SYS_LDT] = "LDT",
        [SYS_TSS16_BUSY] = "TSS16-busy", [SYS_CALL16] = "CallGate16",
        [SYS_TASK_GATE] = "TaskGate", [SYS_INT16] = "IntGate16",
        [SYS_TRAP16] = "TrapGate16", [SYS_TSS32] = "TSS32-avl",
        [SYS_TSS32_BUSY] = "TSS32-busy", [SYS_CALL32] = "CallGate32",
        [SYS_INT32] = "IntGate32", [SYS_TRAP32] = "TrapGate32",
    };
    if (long_mode && type == SYS_TSS32) {
        return "TSS64-avl";
    }
    if (long_mode && type == SYS_TSS32_BUSY) {
        return "TSS64-busy";
    }
    return names[type] ? names[type] : "Reserved";
}

static void print_descriptor(const X86Cpu *cpu, uint32_t attr, GString *out)
{
    bool code = attr & DESC_CODE;
    g_string_append_printf(out, " DPL=%u ",
                           (attr & DESC_DPL) >> DESC_DPL_SHIFT);
    if (!(attr & DESC_S)) {
        g_string_append(out, system_type(attr >> 8 & 15, x86_long(cpu)));
        return;
    }
    if (code) {
        g_string_append(out, x86_long(cpu) && (attr & DESC_L) ? "CS64"
                             : attr & DESC_B                  ? "CS32"
                                                              : "CS16");
    } else {
        g_string_append(out, x86_code64(cpu) || (attr & DESC_B) ? "DS  "
                                                                : "DS16");
    }
    g_string_append_printf(out, " [%c%c%c]",
                           !(attr & DESC_E) ? '-' : code ? 'C' : 'E',
                           !(attr & DESC_W) ? '-' : code ? 'R' : 'W',
                           attr & DESC_A ? 'A' : '-');
}

/* An address, of as many digits as the mode's have. */
static void print_address(const X86Cpu *cpu, uint64_t v, GString *out)
{
    g_string_append_printf(out, x86_code64(cpu)
                                    ? "%016" G_GINT64_MODIFIER "x"
                                    : "%08" G_GINT64_MODIFIER "x", v);
}

typedef struct Shown {
    const char *name;
    uint16_t sel;
    uint64_t base;
    uint32_t limit, attr;
} Shown;

/* The attributes in their place in the descriptor, among the limit's bits. */
static uint32_t descriptor_word(const Shown *seg)
{
    uint32_t limit = seg->attr & DESC_G ? seg->limit >> 12 : seg->limit;
    return seg->attr | (limit & 0xf0000);
}

static void print_segment(const X86Cpu *cpu, const Shown *seg, GString *out)
{
    g_string_append_printf(out, "%-3s=%04x ", seg->name, seg->sel);
    print_address(cpu, seg->base, out);
    g_string_append_printf(out, " %08x %08x", seg->limit,
                           descriptor_word(seg));
    if ((cpu->s.cr[0] & CR0_PE) && (seg->attr & DESC_P)) {
        print_descriptor(cpu, seg->attr, out);
    }
    g_string_append_c(out, '\n');
}

static void print_table(const X86Cpu *cpu, const char *name, uint64_t base,
                        uint32_t limit, GString *out)
{
    g_string_append_printf(out, "%s=     ", name);
    print_address(cpu, base, out);
    g_string_append_printf(out, " %08x\n", limit);
}

static void print_segments(const X86Cpu *cpu, GString *out)
{
    static const char *const names[] = { "ES", "CS", "SS", "DS", "FS", "GS" };
    const X86State *s = &cpu->s;
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        Shown seg = { names[i], s->seg_sel[i], s->seg_base[i],
                      s->seg_limit[i], s->seg_attr[i] };
        print_segment(cpu, &seg, out);
    }
    Shown ldt = { "LDT", s->ldt_sel, s->ldt_base, s->ldt_limit, s->ldt_attr };
    Shown tr = { "TR", s->tr_sel, s->tr_base, s->tr_limit, s->tr_attr };
    print_segment(cpu, &ldt, out);
    print_segment(cpu, &tr, out);
    print_table(cpu, "GDT", s->gdt_base, s->gdt_limit, out);
    print_table(cpu, "IDT", s->idt_base, s->idt_limit, out);
}

/* --- system registers ---------------------------------------------------------------- */

static void print_debug(const X86Cpu *cpu, GString *out)
{
    bool wide = cpu->parent.cls == &x86_64_cpu_class;
    for (unsigned i = 0; i < 8; i++) {
        if (i < 4 || i >= 6) {
            g_string_append_printf(out, "DR%u=%0*" G_GINT64_MODIFIER "x%s",
                                   i, wide ? 16 : 8, cpu->s.dr[i],
                                   i == 3 ? " \n" : i == 7 ? "\n" : " ");
        }
    }
}

static void print_control(const X86Cpu *cpu, GString *out)
{
    const X86State *s = &cpu->s;
    int digits = x86_long(cpu) ? 16 : 8;
    g_string_append_printf(out, "CR0=%08x CR2=%0*" G_GINT64_MODIFIER
                           "x CR3=%0*" G_GINT64_MODIFIER "x CR4=%08x\n",
                           (uint32_t)s->cr[0], digits, s->cr[2], digits,
                           s->cr[3], (uint32_t)s->cr[4]);
    print_debug(cpu, out);
    g_string_append_printf(out, "EFER=%016" G_GINT64_MODIFIER "x\n", s->efer);
}

/* --- x87, SSE, AVX ----------------------------------------------------------------------- */

static void print_vectors(const X86Cpu *cpu, bool wide, GString *out)
{
    const X86State *s = &cpu->s;
    for (unsigned i = 0; i < (wide ? 16 : 8); i++) {
        if (cpu->tb_flags & TB_AVX) {
            g_string_append_printf(
                out, "YMM%02u=%016" G_GINT64_MODIFIER "x %016"
                G_GINT64_MODIFIER "x %016" G_GINT64_MODIFIER "x %016"
                G_GINT64_MODIFIER "x\n", i, s->ymmh[i][1], s->ymmh[i][0],
                s->xmm[i][1], s->xmm[i][0]);
        } else {
            g_string_append_printf(
                out, "XMM%02u=%016" G_GINT64_MODIFIER "x %016"
                G_GINT64_MODIFIER "x%c", i, s->xmm[i][1], s->xmm[i][0],
                i & 1 ? '\n' : ' ');
        }
    }
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
    print_vectors(cpu, wide, out);
}

void x86_print_registers(Cpu *parent, GString *out)
{
    const X86Cpu *cpu = x86_cpu(parent);
    bool wide = x86_code64(cpu);
    print_general(&cpu->s, wide, out);
    print_flags(cpu, wide, out);
    print_segments(cpu, out);
    print_control(cpu, out);
    print_fpu(cpu, wide, out);
}
