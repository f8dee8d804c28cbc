/*
 * The Arm CPU as an object: its tables, reset, and the modes that translated
 * code depends on.
 */
#include "cpu.h"

#include "show.h"

#define X(n) { "x" #n, offsetof(ArmCpu, s.x) + 8 * (n), IR_I64 }
#define HOT(n) { "x" #n, offsetof(ArmCpu, s.x) + 8 * (n), IR_I64, .hot = true }
#define V(n) { "v" #n, offsetof(ArmCpu, s.v) + 16 * (n), IR_V128 }
#define CACHE(name, member) { name, offsetof(ArmCpu, member), IR_I64 }

/* ORDER arm-reg (cpu.h) */
static const IrReg regs[ARM_REGS] = {
    HOT(0), HOT(1), HOT(2), HOT(3), X(4), X(5), X(6), X(7), X(8), X(9), X(10),
    X(11), X(12), X(13), X(14), X(15), X(16), X(17), X(18), HOT(19), HOT(20),
    X(21), X(22), X(23), X(24), X(25), X(26), X(27), X(28), HOT(29), X(30),
    { "sp", offsetof(ArmCpu, s.sp), IR_I64, .hot = true },
    CACHE("pc", s.pc), CACHE("nf", nf), CACHE("zf", zf), CACHE("cf", cf),
    CACHE("vf", vf),
    V(0), V(1), V(2), V(3), V(4), V(5), V(6), V(7), V(8), V(9), V(10), V(11),
    V(12), V(13), V(14), V(15), V(16), V(17), V(18), V(19), V(20), V(21),
    V(22), V(23), V(24), V(25), V(26), V(27), V(28), V(29), V(30), V(31),
};

static STATE_TABLE(arm_state, "cpu", 1, ArmState, ARM_STATE)

/* --- caches of rows ------------------------------------------------------- */

uint32_t arm_nzcv(const ArmCpu *cpu)
{
    return (cpu->nf >> 63) << 31 | !cpu->zf << 30 | (cpu->cf & 1) << 29 |
           (cpu->vf >> 63) << 28;
}

void arm_set_nzcv(ArmCpu *cpu, uint32_t nzcv)
{
    cpu->nf = nzcv & BIT(31) ? BIT(63) : 0;
    cpu->zf = !(nzcv & BIT(30));
    cpu->cf = nzcv >> 29 & 1;
    cpu->vf = nzcv & BIT(28) ? BIT(63) : 0;
}

static uint32_t step_flags(const ArmState *s)
{
    bool armed = (s->mdscr & MDSCR_SS) && !s->os_lock &&
                 (s->el == 0 || ((s->mdscr & MDSCR_KDE) && !(s->daif & 8)));
    return !armed ? 0 : s->ss ? TB_STEP : TB_STEP_PENDING;
}

static uint32_t memory_flags(const ArmState *s)
{
    bool el1 = s->el == 1;
    uint32_t f = s->sctlr & SCTLR_A || !(s->sctlr & SCTLR_M) ? TB_ALIGN : 0;
    f |= s->sctlr & (el1 ? SCTLR_SA : SCTLR_SA0) ? TB_SP_ALIGN : 0;
    f |= s->sctlr & (el1 ? SCTLR_EE : SCTLR_E0E) ? TB_BIG : 0;
    if (s->sctlr & SCTLR_M) {
        f |= s->tcr & BIT(37) ? TB_TBI0 : 0;
        f |= s->tcr & BIT(38) ? TB_TBI1 : 0;
    }
    return f;
}

void arm_update_modes(ArmCpu *cpu)
{
    const ArmState *s = &cpu->s;
    unsigned fpen = s->cpacr >> 20 & 3;
    uint32_t f = memory_flags(s) | step_flags(s);
    f |= s->el == 1 ? TB_EL1 : 0;
    f |= s->el == 1 && s->pan ? TB_PAN : 0;
    f |= fpen == 3 || (fpen == 1 && s->el == 1) ? TB_FP : 0;
    f |= s->il ? TB_IL : 0;
    cpu->tb_flags = f;
}

static void tb_key(Cpu *parent, TbKey *key)
{
    const ArmCpu *cpu = arm_cpu(parent);
    *key = (TbKey){ .pc = cpu->s.pc, .flags = cpu->tb_flags };
}

/* --- floating point's environment ----------------------------------------- */

/* FPSR (C5.2.10): IOC, DZC, OFC, UFC, IXC, IDC. */
static const struct {
    uint8_t told, bit;
} fp_flags[] = {
    { SF_INVALID, 0 }, { SF_DIV_ZERO, 1 }, { SF_OVERFLOW, 2 },
    { SF_UNDERFLOW, 3 }, { SF_INEXACT, 4 }, { SF_DENORMAL, 7 },
};

static void sync_fp(ArmCpu *cpu)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(fp_flags); i++) {
        if (cpu->parent.fp.flags & fp_flags[i].told) {
            cpu->s.fpsr |= 1u << fp_flags[i].bit;
        }
    }
    cpu->parent.fp.flags = 0;
}

/* --- the class ------------------------------------------------------------ */

static bool set_model(Cpu *parent, const char *model, Error **errp)
{
    ArmCpu *cpu = arm_cpu(parent);
    cpu->model = arm_model_find(model);
    if (!cpu->model) {
        error_set(errp, "unable to find CPU model '%s'", model);
        return false;
    }
    arm_timers_init(cpu);
    return true;
}

static void reset(Cpu *parent)
{
    ArmCpu *cpu = arm_cpu(parent);
    cpu->s.sctlr = 0x30d00800;  /* RES1 bits (D19.2.118) */
    cpu->s.off = !cpu->starts_on;
    cpu->s.pc = cpu->start.pc;
    cpu->s.x[0] = cpu->start.x0;
    cpu->fault.ec = EC_NONE;
}

static void sync_rows(Cpu *parent)
{
    ArmCpu *cpu = arm_cpu(parent);
    cpu->s.nzcv = arm_nzcv(cpu);
    sync_fp(cpu);
}

static void rewire(Cpu *parent)
{
    ArmCpu *cpu = arm_cpu(parent);
    cpu->fault.ec = EC_NONE;
    arm_set_nzcv(cpu, cpu->s.nzcv);
    parent->fp = sf_env_arm(cpu->s.fpcr, false);
    arm_update_modes(cpu);
    tlb_flush(parent);
}

static void restore(Cpu *parent, const uint64_t words[2])
{
    arm_cpu(parent)->s.pc = words[0];
}

static unsigned mmu_mode(Cpu *parent, bool fetch)
{
    uint32_t f = arm_cpu(parent)->tb_flags;
    return !(f & TB_EL1) ? MMU_EL0 : f & TB_PAN ? MMU_EL1_PAN : MMU_EL1;
}

static unsigned address_bits(Cpu *cpu)
{
    return 64;
}

static void fp_trap(Cpu *cpu, unsigned flags)
{
    g_assert_not_reached(); /* no model has trapped exceptions */
}

const CpuClass aarch64_cpu_class = {
    .name = "aarch64",
    .size = sizeof(ArmCpu),
    .state_offset = offsetof(ArmCpu, s),
    .state = arm_state,
    .regs = regs,
    .reg_count = ARM_REGS,
    .pc_reg = ARM_PC,
    .pins = &arm_pin_table,
    .help = arm_model_help,
    .set_model = set_model,
    .models = arm_models,
    .expand = arm_model_expand,
    .reset = reset,
    .sync = sync_rows,
    .rewire = rewire,
    .tb_key = tb_key,
    .translate_start = a64_translate_start,
    .translate_insn = a64_translate_insn,
    .translate_stop = a64_translate_stop,
    .restore = restore,
    .has_work = arm_has_work,
    .halted = arm_halted,
    .interrupt = arm_interrupt,
    .deliver_exception = arm_deliver_exception,
    .unaligned = arm_unaligned,
    .fp_trap = fp_trap,
    .walk = arm_walk,
    .mmu_mode = mmu_mode,
    .gdb_view = arm_gdb_view,
    .print_registers = arm_print_registers,
    .print_mem = arm_print_mem,
    .print_tlb = arm_print_mem,
    .address_bits = address_bits,
    .disas = a64_disas,
    .dump = &arm_dump_ops,
};
