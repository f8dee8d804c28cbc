/*
 * The x86 CPU as an object: its tables, reset, the modes that translated code
 * depends on, and which interrupt is taken at a boundary.
 */
#include "pins/x86.h"

#include "cpuid.h"
#include "show.h"
#include "sys.h"

#define GPR(name, n) \
    { name, offsetof(X86Cpu, s.gpr) + 8 * (n), IR_I64, .hot = (n) < 8 }
#define XMM(n) \
    { "xmm" #n, offsetof(X86Cpu, s.xmm[n]), IR_V128, .upper = X86_YMMH0 + (n) }
#define YMMH(n) { "ymmh" #n, offsetof(X86Cpu, s.ymmh[n]), IR_V128 }
#define FPR(n) { "fpr" #n, offsetof(X86Cpu, s.fpr[n]), IR_F80 }
#define CACHE(name, member, type) { name, offsetof(X86Cpu, member), type }
#define BASE(name, seg) \
    { name, offsetof(X86Cpu, s.seg_base) + 8 * (seg), IR_I64 }

/* ORDER x86-reg (cpu.h) */
const IrReg x86_ir_regs[X86_REG_COUNT] = {
    GPR("rax", 0), GPR("rcx", 1), GPR("rdx", 2), GPR("rbx", 3),
    GPR("rsp", 4), GPR("rbp", 5), GPR("rsi", 6), GPR("rdi", 7),
    GPR("r8", 8), GPR("r9", 9), GPR("r10", 10), GPR("r11", 11),
    GPR("r12", 12), GPR("r13", 13), GPR("r14", 14), GPR("r15", 15),
    CACHE("rip", s.rip, IR_I64),
    CACHE("cc_op", cc_op, IR_I32),
    CACHE("cc_dst", cc_dst, IR_I64),
    CACHE("cc_src", cc_src, IR_I64),
    CACHE("cc_src2", cc_src2, IR_I64),
    CACHE("df", df, IR_I64),
    BASE("es_base", SEG_ES), BASE("cs_base", SEG_CS), BASE("ss_base", SEG_SS),
    BASE("ds_base", SEG_DS), BASE("fs_base", SEG_FS), BASE("gs_base", SEG_GS),
    CACHE("fcw", s.fcw, IR_I32), CACHE("fsw", s.fsw, IR_I32),
    CACHE("fvalid", s.fvalid, IR_I32), CACHE("fop", s.fop, IR_I32),
    CACHE("fcs", s.fcs, IR_I32), CACHE("fds", s.fds, IR_I32),
    CACHE("fip", s.fip, IR_I64), CACHE("fdp", s.fdp, IR_I64),
    FPR(0), FPR(1), FPR(2), FPR(3), FPR(4), FPR(5), FPR(6), FPR(7),
    XMM(0), XMM(1), XMM(2), XMM(3), XMM(4), XMM(5), XMM(6), XMM(7),
    XMM(8), XMM(9), XMM(10), XMM(11), XMM(12), XMM(13), XMM(14), XMM(15),
    YMMH(0), YMMH(1), YMMH(2), YMMH(3), YMMH(4), YMMH(5), YMMH(6), YMMH(7),
    YMMH(8), YMMH(9), YMMH(10), YMMH(11), YMMH(12), YMMH(13), YMMH(14),
    YMMH(15),
};

static STATE_TABLE(x86_state, "cpu", 4, X86State, X86_STATE)

/* --- modes ----------------------------------------------------------------------- */

/* Base 0, 4 GiB, readable and writable. */
static bool flat_data(const X86State *s, unsigned seg)
{
    uint32_t need = DESC_P | DESC_S | DESC_W;
    return !s->seg_base[seg] && s->seg_limit[seg] == UINT32_MAX &&
           (s->seg_attr[seg] & (need | DESC_CODE | DESC_E)) == need;
}

static bool flat_code(const X86State *s)
{
    uint32_t need = DESC_P | DESC_S | DESC_CODE | DESC_R;
    return !s->seg_base[SEG_CS] && s->seg_limit[SEG_CS] == UINT32_MAX &&
           (s->seg_attr[SEG_CS] & need) == need;
}

static bool is_flat(const X86State *s)
{
    return flat_code(s) && flat_data(s, SEG_ES) && flat_data(s, SEG_SS) &&
           flat_data(s, SEG_DS);
}

/* Real mode in which no data segment's limit can be exceeded. */
static bool is_big_real(const X86State *s)
{
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        if (s->seg_limit[i] != UINT32_MAX) {
            return false;
        }
    }
    return true;
}

static uint32_t code_flags(const X86State *s, bool pe)
{
    uint32_t attr = s->seg_attr[SEG_CS];
    if ((s->efer & EFER_LMA) && (attr & DESC_L)) {
        return TB_CS64 | TB_CS32 | TB_SS32 | TB_FLAT;
    }
    uint32_t f = attr & DESC_B ? TB_CS32 : 0;
    f |= s->seg_attr[SEG_SS] & DESC_B ? TB_SS32 : 0;
    f |= s->seg_limit[SEG_CS] == 0xffff ? TB_CS64K : 0;
    f |= s->seg_limit[SEG_CS] == UINT32_MAX ? TB_CS4G : 0;
    f |= pe && is_flat(s) ? TB_FLAT : 0;
    f |= !pe && is_big_real(s) ? TB_BIG_REAL : 0;
    return f;
}

static uint32_t access_flags(const X86State *s, unsigned cpl)
{
    bool ac = s->eflags & FLAG_AC;
    bool check = cpl == 3 && (s->cr[0] & CR0_AM) && ac;
    bool nosmap = cpl < 3 && (s->cr[4] & CR4_SMAP) && ac;
    return (check ? TB_AC : 0) | (nosmap ? TB_NOSMAP : 0);
}

void x86_update_modes(X86Cpu *cpu)
{
    const X86State *s = &cpu->s;
    bool pe = s->cr[0] & CR0_PE;
    bool vm = pe && (s->eflags & FLAG_VM);
    unsigned cpl = vm ? 3
                   : pe ? (s->seg_attr[SEG_SS] & DESC_DPL) >> DESC_DPL_SHIFT
                        : 0;
    uint32_t f = code_flags(s, pe && !vm);
    f |= pe && !vm ? TB_PE : 0;
    f |= vm ? TB_VM : 0;
    f |= s->efer & EFER_LMA ? TB_LMA : 0;
    f |= cpl << TB_CPL_SHIFT;
    f |= ((s->eflags & FLAG_IOPL) >> FLAG_IOPL_SHIFT) << TB_IOPL_SHIFT;
    f |= s->eflags & FLAG_TF ? TB_TF : 0;
    f |= s->eflags & FLAG_RF ? TB_RF : 0;
    f |= s->irq_shadow ? TB_SHADOW : 0;
    f |= s->in_smm ? TB_SMM : 0;
    f |= s->cr[4] & CR4_DE ? TB_DE : 0;
    f |= s->cr[4] & CR4_LA57 ? TB_LA57 : 0;
    f |= x86_fpu_modes(s);
    cpu->tb_flags = f | access_flags(s, cpl);
}

static void x86_tb_key(Cpu *parent, TbKey *key)
{
    const X86Cpu *cpu = x86_cpu(parent);
    bool code64 = x86_code64(cpu);
    key->base = code64 ? 0 : cpu->s.seg_base[SEG_CS];
    key->pc = key->base + cpu->s.rip;
    if (!code64) {
        key->pc = (uint32_t)key->pc;
    }
    key->flags = cpu->tb_flags;
}

/* --- reset ------------------------------------------------------------------------ */

/* Power-up state, SDM vol. 3, table 10-1. The rows' reset values did most. */
static void x86_reset(Cpu *parent)
{
    X86Cpu *cpu = x86_cpu(parent);
    X86State *s = &cpu->s;
    s->seg_sel[SEG_CS] = 0xf000;
    s->seg_base[SEG_CS] = 0xffff0000;
    s->seg_attr[SEG_CS] = 0x9b00;
    s->gpr[X86_RDX] = cpuid_signature(cpu);
    s->cr[0] = CR0_CD | CR0_NW | CR0_ET;
    s->dr[6] = 0xffff0ff0;
    s->dr[7] = 0x400;
    s->wait_sipi = parent->index != 0;
    cpu->exc_vector = -1;
    cpu->delivering = -1;
}

static void x86_sync(Cpu *parent)
{
    X86Cpu *cpu = x86_cpu(parent);
    cpu->s.eflags = x86_eflags(cpu);
    x86_fpu_sync(cpu);
    x87_sync(cpu);
}

static void x86_rewire(Cpu *parent)
{
    X86Cpu *cpu = x86_cpu(parent);
    cpu->exc_vector = -1;
    cpu->delivering = -1;
    x86_fpu_rewire(cpu);
    x87_rewire(cpu);
    x86_set_eflags(cpu, cpu->s.eflags);
    debug_rearm(cpu);
    tlb_flush(parent);
}

/* After a task switch the state is the new task's, and stays it (7.3). */
static void x86_restore(Cpu *parent, const uint64_t words[2])
{
    if (!x86_cpu(parent)->task_committed) {
        x86_cpu(parent)->s.rip = words[0];
    }
}

/* --- boundaries -------------------------------------------------------------------- */

static bool intr_may_be_taken(const X86State *s)
{
    return s->intr && (s->eflags & FLAG_IF) && !s->irq_shadow;
}

static bool x86_has_work(Cpu *parent)
{
    const X86State *s = &x86_cpu(parent)->s;
    return s->init_pending || (s->smi_pending && !s->in_smm) ||
           s->pending_debug ||
           (s->nmi_pending && !s->nmi_blocked) ||
           (s->intr && ((s->eflags & FLAG_IF) || s->mwait_any));
}

static bool x86_halted(Cpu *parent)
{
    const X86State *s = &x86_cpu(parent)->s;
    if (s->shutdown || s->wait_sipi) {
        return !s->init_pending;
    }
    return s->halted && !x86_has_work(parent);
}

static bool take_debug_trap(X86Cpu *cpu)
{
    cpu->s.dr[6] |= cpu->s.pending_debug;
    cpu->s.pending_debug = 0;
    x86_deliver(cpu, EXC_DB, EVENT_TRAP, -1);
    return true;
}

static bool take_nmi(X86Cpu *cpu)
{
    cpu->s.nmi_pending = false;
    cpu->s.nmi_blocked = true;
    x86_deliver(cpu, EXC_NMI, EVENT_EXTERNAL, -1);
    return true;
}

static bool take_intr(X86Cpu *cpu)
{
    int vector = cpu->apic ? cpu->apic_ops->acknowledge(cpu->apic)
                 : cpu->pic_ack ? cpu->pic_ack(cpu->pic) : -1;
    if (vector < 0) {
        return false;
    }
    x86_deliver(cpu, vector, EVENT_EXTERNAL, -1);
    return true;
}

/* Priorities: SDM vol. 3, table 6-2. */
static bool x86_interrupt(Cpu *parent)
{
    X86Cpu *cpu = x86_cpu(parent);
    X86State *s = &cpu->s;
    if (s->init_pending) {
        x86_init(cpu);
        return true;
    }
    if (s->shutdown || s->wait_sipi) {
        return false;
    }
    bool taken = false;
    if (s->smi_pending && !s->in_smm) {
        s->smi_pending = false;
        smm_enter(cpu);
        taken = true;
    } else if (s->pending_debug && !s->ss_shadow) {
        taken = take_debug_trap(cpu);
    } else if (s->nmi_pending && !s->nmi_blocked && !s->irq_shadow) {
        taken = take_nmi(cpu);
    } else if (intr_may_be_taken(s)) {
        taken = take_intr(cpu);
    }
    if (taken) {
        x86_update_modes(cpu);
    } else if (s->intr && s->mwait_any) {
        s->halted = s->mwait_any = false; /* MWAIT is over, IF or not */
    }
    return taken;
}

unsigned x86_mmu_mode(X86Cpu *cpu)
{
    if (x86_cpl(cpu) == 3) {
        return MMU_USER;
    }
    return cpu->tb_flags & TB_NOSMAP ? MMU_KERNEL_NOSMAP : MMU_KERNEL;
}

static unsigned x86_class_mmu_mode(Cpu *cpu, bool fetch)
{
    return x86_mmu_mode(x86_cpu(cpu));
}

static AddressSpace *x86_memory(Cpu *parent)
{
    const X86Cpu *cpu = x86_cpu(parent);
    return cpu->s.in_smm && cpu->smm_memory ? cpu->smm_memory
                                            : parent->machine->memory;
}

static unsigned x86_address_bits(Cpu *cpu)
{
    uint32_t f = x86_cpu(cpu)->tb_flags;
    return f & TB_CS64 ? 64 : f & TB_CS32 ? 32 : 16;
}

/* --- the class ------------------------------------------------------------------------ */

#define X86_CLASS(symbol, label)                    \
    const CpuClass symbol = {                       \
        .name = label,                              \
        .size = sizeof(X86Cpu),                     \
        .pins = &x86_pin_table,                            \
        .state_offset = offsetof(X86Cpu, s),        \
        .state = x86_state,                         \
        .regs = x86_ir_regs,                        \
        .reg_count = X86_REG_COUNT,                 \
        .pc_reg = X86_RIP,                          \
        .help = cpuid_help,                         \
        .set_model = cpuid_set_model,               \
        .models = cpuid_models,                     \
        .expand = cpuid_expand,                     \
        .identify = cpuid_identify,                 \
        .reset = x86_reset,                         \
        .sync = x86_sync,                           \
        .rewire = x86_rewire,                       \
        .tb_key = x86_tb_key,                       \
        .translate_start = x86_translate_start,     \
        .translate_insn = x86_translate_insn,       \
        .translate_stop = x86_translate_stop,       \
        .restore = x86_restore,                     \
        .has_work = x86_has_work,                   \
        .halted = x86_halted,                       \
        .interrupt = x86_interrupt,                 \
        .deliver_exception = x86_deliver_exception, \
        .unaligned = x86_unaligned,                 \
        .fp_trap = x86_fp_trap,                     \
        .walk = x86_walk,                           \
        .mmu_mode = x86_class_mmu_mode,             \
        .addressable = x86_addressable,             \
        .bad_target = x86_bad_target,               \
        .memory = x86_memory,                       \
        .debug_hit = x86_debug_hit,                 \
        .debug_break = x86_debug_break,             \
        .gdb_view = x86_gdb_view,                   \
        .print_registers = x86_print_registers,     \
        .print_mem = x86_print_mem,                 \
        .print_tlb = x86_print_tlb,                 \
        .address_bits = x86_address_bits,           \
        .disas = x86_disas,                         \
        .dump = &x86_dump_ops,                      \
    }

X86_CLASS(x86_64_cpu_class, "x86_64");
X86_CLASS(i386_cpu_class, "i386");
