/*
 * The Arm CPU: its state, what is derived from it, and what its parts offer
 * each other. "Arm ARM" is DDI 0487, the Architecture Reference Manual for
 * A-profile.
 *
 * EL0 and EL1 in AArch64 state. EL2, EL3 and AArch32 are not there, and no
 * register says that they are.
 */
#ifndef TARGET_ARM_CPU_H
#define TARGET_ARM_CPU_H

#include "pins/arm.h"
#include "vm/clock.h"
#include "vm/cpu.h"

typedef uint64_t ArmGprs[31];
typedef uint64_t ArmPair[2];
typedef uint64_t ArmVectors[64]; /* 32 of 128 bits: low half, high half */
typedef uint64_t ArmFour[4];
typedef uint64_t ArmSix[6];
typedef int64_t ArmDues[ARM_TIMERS];
typedef uint64_t ArmTimers[ARM_TIMERS];
typedef uint32_t ArmTimerControls[ARM_TIMERS];

/* The state rows of registers that hold what was written to them. */
#define ARM_SYS_STATE(_)                                                       \
    _(uint64_t, STATE_U64, sctlr, 0, 1, "SCTLR_EL1")                           \
    _(uint64_t, STATE_U64, actlr, 0, 1, "ACTLR_EL1")                           \
    _(uint64_t, STATE_U64, cpacr, 0, 1, "CPACR_EL1")                           \
    _(ArmPair, STATE_U64, ttbr, 0, 1, "TTBR0_EL1, TTBR1_EL1")                  \
    _(uint64_t, STATE_U64, tcr, 0, 1, "TCR_EL1")                               \
    _(uint64_t, STATE_U64, mair, 0, 1, "MAIR_EL1")                             \
    _(uint64_t, STATE_U64, amair, 0, 1, "AMAIR_EL1")                           \
    _(uint64_t, STATE_U64, vbar, 0, 1, "VBAR_EL1")                             \
    _(uint64_t, STATE_U64, esr, 0, 1, "ESR_EL1")                               \
    _(uint64_t, STATE_U64, far, 0, 1, "FAR_EL1")                               \
    _(ArmPair, STATE_U64, afsr, 0, 1, "AFSR0_EL1, AFSR1_EL1")                  \
    _(uint64_t, STATE_U64, par, 0, 1, "PAR_EL1")                               \
    _(uint64_t, STATE_U64, elr, 0, 1, "ELR_EL1")                               \
    _(uint64_t, STATE_U64, spsr, 0, 1, "SPSR_EL1")                             \
    _(uint64_t, STATE_U64, contextidr, 0, 1, "CONTEXTIDR_EL1")                 \
    _(uint64_t, STATE_U64, tpidr_el0, 0, 1, "TPIDR_EL0")                       \
    _(uint64_t, STATE_U64, tpidrro_el0, 0, 1, "TPIDRRO_EL0")                   \
    _(uint64_t, STATE_U64, tpidr_el1, 0, 1, "TPIDR_EL1")                       \
    _(uint64_t, STATE_U64, csselr, 0, 1, "CSSELR_EL1")                         \
    _(uint64_t, STATE_U64, cntkctl, 0, 1, "CNTKCTL_EL1")                       \
    _(uint64_t, STATE_U64, cntfrq, ARM_TIMER_HZ, 1, "CNTFRQ_EL0")              \
    _(uint64_t, STATE_U64, mdscr, 0, 1, "MDSCR_EL1")                           \
    _(uint64_t, STATE_U64, osdlr, 0, 1, "OSDLR_EL1")                           \
    _(bool, STATE_BOOL, os_lock, true, 1, "OSLSR_EL1.OSLK")                    \
    _(ArmSix, STATE_U64, dbgbvr, 0, 1, "DBGBVRn_EL1")                          \
    _(ArmSix, STATE_U64, dbgbcr, 0, 1, "DBGBCRn_EL1")                          \
    _(ArmFour, STATE_U64, dbgwvr, 0, 1, "DBGWVRn_EL1")                         \
    _(ArmFour, STATE_U64, dbgwcr, 0, 1, "DBGWCRn_EL1")

#define ARM_STATE(_)                                                           \
    _(ArmGprs, STATE_U64, x, 0, 1, "general registers")                        \
    _(uint64_t, STATE_U64, sp, 0, 1, "the stack pointer in use")               \
    _(ArmPair, STATE_U64, sp_el, 0, 1, "SP_EL0, SP_EL1; not the one in use")   \
    _(uint64_t, STATE_U64, pc, 0, 1, "PC")                                     \
    _(uint32_t, STATE_U32, nzcv, 0, 1, "PSTATE.NZCV, bits 31 to 28")           \
    _(uint8_t, STATE_U8, el, 1, 1, "PSTATE.EL", STATE_IN(0, 1))                \
    _(bool, STATE_BOOL, spsel, true, 1, "PSTATE.SP")                           \
    _(uint8_t, STATE_U8, daif, 15, 1, "PSTATE.DAIF", STATE_IN(0, 15))          \
    _(bool, STATE_BOOL, pan, false, 1, "PSTATE.PAN")                           \
    _(bool, STATE_BOOL, ss, false, 1, "PSTATE.SS")                             \
    _(bool, STATE_BOOL, il, false, 1, "PSTATE.IL")                             \
    _(ArmVectors, STATE_U64, v, 0, 1, "vector registers")                      \
    _(uint32_t, STATE_U32, fpcr, 0, 1, "FPCR")                                 \
    _(uint32_t, STATE_U32, fpsr, 0, 1, "FPSR")                                 \
    ARM_SYS_STATE(_)                                                           \
    _(bool, STATE_BOOL, halted, false, 1, "WFI: until there is work")          \
    _(bool, STATE_BOOL, off, false, 1, "PSCI: not started")                    \
    _(bool, STATE_BOOL, irq, false, 1, "the IRQ line")                         \
    _(bool, STATE_BOOL, fiq, false, 1, "the FIQ line")                         \
    _(bool, STATE_BOOL, exclusive, false, 1, "the local monitor is set")       \
    _(uint64_t, STATE_U64, excl_addr, 0, 1, "by a load from here")             \
    _(uint8_t, STATE_U8, excl_bytes, 0, 1, "of so many bytes")                 \
    _(ArmPair, STATE_U64, excl_value, 0, 1, "which found this")                \
    _(ArmTimers, STATE_U64, cval, 0, 1, "CNTP_CVAL_EL0, CNTV_CVAL_EL0")        \
    _(ArmTimerControls, STATE_U32, cctl, 0, 1, "their CTL: ENABLE, IMASK")     \
    _(ArmDues, STATE_TIME, due, TIME_NEVER, 1, "when their conditions are met")

STATE_STRUCT(ArmState, ARM_STATE);

/* Registers known to the IR. ORDER arm-reg (cpu.c) */
enum {
    ARM_X0 = 0,
    ARM_SP = 31,
    ARM_PC,
    ARM_NF,                /* N is bit 63 */
    ARM_ZF,                /* Z is set iff 0 */
    ARM_CF,                /* 0 or 1 */
    ARM_VF,                /* V is bit 63 */
    ARM_V0,
    ARM_REGS = ARM_V0 + 32,
};

/* What translated code assumes: TbKey.flags. */
enum {
    TB_EL1 = BIT(0),
    TB_PAN = BIT(1),
    TB_ALIGN = BIT(2),     /* an access must be aligned to its size */
    TB_FP = BIT(3),        /* floating point is not trapped */
    TB_TBI0 = BIT(4),      /* bits 63:56 of addresses are ignored, by half */
    TB_TBI1 = BIT(5),
    TB_STEP = BIT(6),      /* software step: active, not pending */
    TB_STEP_PENDING = BIT(7),
    TB_IL = BIT(8),
    TB_BIG = BIT(9),       /* data are big-endian */
    TB_SP_ALIGN = BIT(10), /* sp as a base must be aligned to 16 bytes */
};

/* MMU modes. */
enum { MMU_EL0, MMU_EL1, MMU_EL1_PAN };

/* An exception on its way: noted by who finds it, delivered by exception.c. */
typedef struct ArmFault {
    uint32_t ec;           /* exception class; EC_NONE: none is noted */
    uint32_t iss;
    bool has_far;
    uint64_t far;
    uint64_t elr;          /* preferred return address, if behind it is set */
    bool behind;           /* of the next instruction, not of this one */
} ArmFault;

typedef struct ArmModel ArmModel;

typedef struct ArmCpu {
    Cpu parent;
    ArmState s;

    /* Caches of rows. */
    uint64_t nf, zf, cf, vf;
    uint32_t tb_flags;

    ArmFault fault;

    /* Wiring. */
    const ArmModel *model;
    Timer timers[ARM_TIMERS];
    IrqLine timer_line[ARM_TIMERS];
    const ArmGicOps *gic_ops;
    void *gic;
    bool psci_hvc;
    ArmStart start;
    bool starts_on;
} ArmCpu;

static inline ArmCpu *arm_cpu(Cpu *cpu)
{
    return (ArmCpu *)cpu;
}

/* SCTLR_EL1 */
#define SCTLR_M   BIT(0)
#define SCTLR_A   BIT(1)
#define SCTLR_SA  BIT(3)
#define SCTLR_SA0 BIT(4)
#define SCTLR_UMA BIT(9)
#define SCTLR_DZE BIT(14)
#define SCTLR_UCT BIT(15)
#define SCTLR_NTWI BIT(16)
#define SCTLR_NTWE BIT(18)
#define SCTLR_SPAN BIT(23)
#define SCTLR_E0E BIT(24)
#define SCTLR_EE  BIT(25)
#define SCTLR_UCI BIT(26)

/* MDSCR_EL1 */
#define MDSCR_SS  BIT(0)
#define MDSCR_KDE BIT(13)
#define MDSCR_MDE BIT(15)

/* --- cpu.c ---------------------------------------------------------------- */

/* Derives tb_flags from the rows: after every change of PSTATE or of a register
 * that they depend on. */
void arm_update_modes(ArmCpu *cpu);
/* PSTATE as SPSR has it, and back (Arm ARM, C5.2.19). */
uint64_t arm_pstate(ArmCpu *cpu);
void arm_set_pstate(ArmCpu *cpu, uint64_t spsr);
uint32_t arm_nzcv(const ArmCpu *cpu);
void arm_set_nzcv(ArmCpu *cpu, uint32_t nzcv);
/* The stack pointer in use becomes that of el and spsel. */
void arm_switch_sp(ArmCpu *cpu, unsigned el, bool spsel);

/* --- exception.c ---------------------------------------------------------- */

/* Exception classes, ESR_ELx.EC (Arm ARM, D19.2.37). */
enum {
    EC_UNKNOWN = 0x00, EC_WF = 0x01, EC_FP = 0x07, EC_ILLEGAL = 0x0e,
    EC_SVC = 0x15, EC_HVC = 0x16, EC_SMC = 0x17, EC_SYSREG = 0x18,
    EC_FETCH_LOWER = 0x20, EC_FETCH = 0x21, EC_PC_ALIGN = 0x22,
    EC_DATA_LOWER = 0x24, EC_DATA = 0x25, EC_SP_ALIGN = 0x26, EC_FP_TRAP = 0x2c,
    EC_STEP_LOWER = 0x32, EC_STEP = 0x33, EC_BRK = 0x3c,
    EC_NONE = 0xff,
};

/* Notes and raises; does not return. */
void arm_raise(ArmCpu *cpu, uint32_t ec, uint32_t iss) G_GNUC_NORETURN;
void arm_raise_undefined(ArmCpu *cpu) G_GNUC_NORETURN;
void arm_deliver_exception(Cpu *cpu);
bool arm_interrupt(Cpu *cpu);
bool arm_has_work(Cpu *cpu);
bool arm_halted(Cpu *cpu);

/* --- mmu.c ---------------------------------------------------------------- */

bool arm_walk(Cpu *cpu, GuestAddr va, MmuAccess access, unsigned mode,
              bool probe, MmuResult *res);
void arm_unaligned(Cpu *cpu, GuestAddr va);
/* TTBRn_EL1 was `before`: what is cached of the other half stays. */
void arm_ttbr_changed(ArmCpu *cpu, unsigned n, uint64_t before);
/* AT: PAR_EL1 for an access. */
uint64_t arm_translate_par(ArmCpu *cpu, GuestAddr va, MmuAccess access,
                           unsigned mode);

/* --- timer.c -------------------------------------------------------------- */

void arm_timers_init(ArmCpu *cpu);
uint64_t arm_counter(ArmCpu *cpu);
/* After a change of CVAL or CTL. */
void arm_timer_changed(ArmCpu *cpu, unsigned n);
uint32_t arm_timer_ctl(ArmCpu *cpu, unsigned n);

/* --- psci.c --------------------------------------------------------------- */

/* A call by HVC or SMC: X0 is the function, and becomes the answer. */
void arm_psci(ArmCpu *cpu);
void arm_start(ArmCpu *cpu, const ArmStart *start);

/* --- pins.c, model.c ------------------------------------------------------ */

extern const ArmPins arm_pin_table;

struct ArmModel {
    const char *name;
    uint64_t midr, ctr, clidr, dczid, revidr;
    uint64_t pfr0, pfr1, dfr0, isar0, isar1, isar2, mmfr0, mmfr1, mmfr2;
    uint32_t ccsidr[3];    /* L1 data, L1 instructions, L2 */
};

const ArmModel *arm_model_find(const char *name);
void arm_model_help(GString *out);
void arm_models(const CpuClass *cls, CpuModelFn *fn, void *opaque);
bool arm_model_expand(const CpuClass *cls, const char *model,
                      CpuFeatureFn *fn, void *opaque, Error **errp);
/* Physical address bits of the model. */
unsigned arm_phys_bits(const ArmCpu *cpu);
bool arm_has_pan(const ArmCpu *cpu);

/* --- helpers -------------------------------------------------------------- */

typedef enum ArmHelperId {
#define ARM_HELPER(name, nargs, result, effects, what) ARM_HELPER_##name,
#include "helpers.def"
#undef ARM_HELPER
    ARM_HELPER_COUNT
} ArmHelperId;

#define ARM_ARGS_0 Cpu *cpu
#define ARM_ARGS_1 ARM_ARGS_0, uint64_t a
#define ARM_ARGS_2 ARM_ARGS_1, uint64_t b
#define ARM_ARGS_3 ARM_ARGS_2, uint64_t c
#define ARM_ARGS_4 ARM_ARGS_3, uint64_t d
#define ARM_HELPER(name, nargs, result, effects, what) \
    uint64_t helper_##name(ARM_ARGS_##nargs);
#include "helpers.def"
#undef ARM_HELPER

extern const IrHelper arm_helpers[ARM_HELPER_COUNT];

#endif
