/*
 * The x86 CPU: its state, the modes a TB depends on, and the helpers that
 * translated code calls. Private to target/i386; the rest of the program
 * knows the CPU through vm/cpu.h and pins/x86.h.
 *
 * Section numbers are the Intel SDM's, volume 3 unless another is named.
 */
#ifndef TARGET_I386_CPU_H
#define TARGET_I386_CPU_H

#include "fpu.h"
#include "vm/cpu.h"

/* General registers in encoding order, then the rest of the file; these are
 * the IR's guest registers, ORDER x86-reg (regs in cpu.c). Registers are 64
 * bits wide in every mode; outside long mode the upper halves are zero. */
enum {
    X86_RAX, X86_RCX, X86_RDX, X86_RBX, X86_RSP, X86_RBP, X86_RSI, X86_RDI,
    X86_R8, X86_R9, X86_R10, X86_R11, X86_R12, X86_R13, X86_R14, X86_R15,
    X86_RIP,               /* the offset, not the linear address */
    X86_CC_OP,             /* i32: CcOp, how to get the arithmetic flags */
    X86_CC_DST, X86_CC_SRC, X86_CC_SRC2,
    X86_DF,                /* i64: +1 or -1 */
    X86_ES_BASE, X86_CS_BASE, X86_SS_BASE, X86_DS_BASE, X86_FS_BASE,
    X86_GS_BASE,           /* i64, ORDER x86-seg */
    /* i32: words of the x87, ORDER x86-x87-reg; i64: its pointers */
    X86_FCW, X86_FSW, X86_FVALID, X86_FOP, X86_FCS, X86_FDS,
    X86_FIP, X86_FDP,
    X86_FPR0,              /* f80: R0 to R7 */
    X86_XMM0 = X86_FPR0 + 8, /* v128: 16 of them, then the high halves of YMM */
    X86_YMMH0 = X86_XMM0 + 16,
    X86_REG_COUNT = X86_YMMH0 + 16
};

/* ORDER x86-seg: encoding order. */
enum { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_COUNT };

/* Lazy arithmetic flags. The width is in the op: X + 0, 1, 2, 3 for 8, 16,
 * 32, 64 bits. CC_EFLAGS: CC_SRC holds OF SF ZF AF PF CF as in EFLAGS.
 * ADD/ADC/SUB/SBB: DST result, SRC second operand (SRC2: carry in).
 * LOGIC: DST result. INC/DEC: DST result, SRC the carry as it was (0/1).
 * SHL/SAR: DST result, SRC the value before the last 1-bit shift step.
 * MUL: DST low half, SRC non-zero if CF=OF=1. */
typedef enum CcOp {
    CC_EFLAGS = 0,
    CC_ADD = 4, CC_ADC = 8, CC_SUB = 12, CC_SBB = 16, CC_LOGIC = 20,
    CC_INC = 24, CC_DEC = 28, CC_SHL = 32, CC_SAR = 36, CC_MUL = 40,
    CC_OP_COUNT = 44
} CcOp;

#define FLAG_CF  0x0001u
#define FLAG_PF  0x0004u
#define FLAG_AF  0x0010u
#define FLAG_ZF  0x0040u
#define FLAG_SF  0x0080u
#define FLAG_TF  0x0100u
#define FLAG_IF  0x0200u
#define FLAG_DF  0x0400u
#define FLAG_OF  0x0800u
#define FLAG_IOPL 0x3000u
#define FLAG_IOPL_SHIFT 12
#define FLAG_NT  0x4000u
#define FLAG_RF  0x10000u
#define FLAG_VM  0x20000u
#define FLAG_AC  0x40000u
#define FLAG_VIF 0x80000u
#define FLAG_VIP 0x100000u
#define FLAG_ID  0x200000u
#define FLAG_ALL 0x3f7fd5u       /* those that are not reserved */
#define FLAG_ARITH (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

#define CR0_PE 0x1u
#define CR0_MP 0x2u
#define CR0_EM 0x4u
#define CR0_TS 0x8u
#define CR0_ET 0x10u
#define CR0_NE 0x20u
#define CR0_WP 0x10000u
#define CR0_AM 0x40000u
#define CR0_NW 0x20000000u
#define CR0_CD 0x40000000u
#define CR0_PG 0x80000000u

#define CR4_VME 0x1u
#define CR4_PVI 0x2u
#define CR4_TSD 0x4u
#define CR4_DE  0x8u
#define CR4_PSE 0x10u
#define CR4_PAE 0x20u
#define CR4_MCE 0x40u
#define CR4_PGE 0x80u
#define CR4_PCE 0x100u
#define CR4_OSFXSR 0x200u
#define CR4_OSXMMEXCPT 0x400u
#define CR4_UMIP 0x800u
#define CR4_LA57 0x1000u
#define CR4_FSGSBASE 0x10000u
#define CR4_PCIDE 0x20000u
#define CR4_SMEP 0x100000u
#define CR4_SMAP 0x200000u
#define CR4_PKE 0x400000u

#define EFER_SCE 0x1u
#define EFER_LME 0x100u
#define EFER_LMA 0x400u
#define EFER_NXE 0x800u
#define EFER_FFXSR 0x4000u

#define DEBUGCTL_LBR 0x1u       /* kept; there are no branch records */
#define DEBUGCTL_BTF 0x2u       /* single-step on branches */

enum {
    EXC_DE, EXC_DB, EXC_NMI, EXC_BP, EXC_OF, EXC_BR, EXC_UD, EXC_NM, EXC_DF,
    EXC_TS = 10, EXC_NP, EXC_SS, EXC_GP, EXC_PF, EXC_MF = 16, EXC_AC, EXC_MC,
    EXC_XM,
    EXC_FREEZE = 0x100     /* no vector: the x87 waits for an interrupt */
};

/* The hidden descriptor attributes of a segment register: the upper word of a
 * descriptor's second dword, bits 8..23 in place (type, S, DPL, P, AVL, L, D,
 * G), as SMM and debuggers show them. */
#define DESC_TYPE  0x00000f00u
#define DESC_A     0x00000100u
#define DESC_W     0x00000200u  /* data: writable */
#define DESC_R     0x00000200u  /* code: readable */
#define DESC_E     0x00000400u  /* data: expand down */
#define DESC_C     0x00000400u  /* code: conforming */
#define DESC_CODE  0x00000800u
#define DESC_S     0x00001000u
#define DESC_DPL_SHIFT 13
#define DESC_DPL   0x00006000u
#define DESC_P     0x00008000u
#define DESC_AVL   0x00100000u
#define DESC_L     0x00200000u
#define DESC_B     0x00400000u  /* D/B */
#define DESC_G     0x00800000u

typedef uint64_t X86Gprs[16];
typedef uint64_t X86SegBases[SEG_COUNT];
typedef uint32_t X86SegWords[SEG_COUNT];
typedef uint16_t X86SegSels[SEG_COUNT];
typedef uint64_t X86Cr[5];
typedef uint64_t X86Dr[8];
typedef uint64_t X86Pdptes[4];
typedef uint64_t X86Mtrrs[32];
#define X86_MC_BANKS 10
typedef uint64_t X86McBanks[4 * X86_MC_BANKS];

/* Reset values are those of power-on, 10.1.1; reset() does the rest. */
#define X86_STATE(_)                                                          \
    _(X86Gprs, STATE_U64, gpr, 0, 1, "general registers")                     \
    _(uint64_t, STATE_U64, rip, 0xfff0, 1, "instruction pointer (offset)")    \
    _(uint64_t, STATE_U64, eflags, 0x2, 1, "EFLAGS, arithmetic flags and DF too") \
    _(X86SegBases, STATE_U64, seg_base, 0, 1, "segment bases")                \
    _(X86SegWords, STATE_U32, seg_limit, 0xffff, 1, "segment limits, bytes")  \
    _(X86SegWords, STATE_U32, seg_attr, 0x9300, 1, "segment attributes")      \
    _(X86SegSels, STATE_U16, seg_sel, 0, 1, "segment selectors")              \
    _(uint16_t, STATE_U16, ldt_sel, 0, 1, "LDTR selector")                    \
    _(uint64_t, STATE_U64, ldt_base, 0, 1, "LDTR base")                       \
    _(uint32_t, STATE_U32, ldt_limit, 0xffff, 1, "LDTR limit")                \
    _(uint32_t, STATE_U32, ldt_attr, 0x8200, 1, "LDTR attributes")            \
    _(uint16_t, STATE_U16, tr_sel, 0, 1, "TR selector")                       \
    _(uint64_t, STATE_U64, tr_base, 0, 1, "TR base")                          \
    _(uint32_t, STATE_U32, tr_limit, 0xffff, 1, "TR limit")                   \
    _(uint32_t, STATE_U32, tr_attr, 0x8b00, 1, "TR attributes")               \
    _(uint64_t, STATE_U64, gdt_base, 0, 1, "GDTR base")                       \
    _(uint32_t, STATE_U32, gdt_limit, 0xffff, 1, "GDTR limit")                \
    _(uint64_t, STATE_U64, idt_base, 0, 1, "IDTR base")                       \
    _(uint32_t, STATE_U32, idt_limit, 0xffff, 1, "IDTR limit")                \
    _(X86Cr, STATE_U64, cr, 0, 1, "CR0, -, CR2, CR3, CR4")                    \
    _(uint64_t, STATE_U64, cr8, 0, 1, "task priority",                       \
      STATE_IN(0, 15))                                                       \
    _(X86Dr, STATE_U64, dr, 0, 1, "DR0-3, -, -, DR6, DR7")                    \
    _(X86Pdptes, STATE_U64, pdpte, 0, 1, "PAE: PDPTEs loaded with CR3")       \
    _(uint64_t, STATE_U64, efer, 0, 1, "IA32_EFER")                           \
    _(uint64_t, STATE_U64, star, 0, 1, "IA32_STAR")                           \
    _(uint64_t, STATE_U64, lstar, 0, 1, "IA32_LSTAR")                         \
    _(uint64_t, STATE_U64, cstar, 0, 1, "IA32_CSTAR")                         \
    _(uint64_t, STATE_U64, fmask, 0, 1, "IA32_FMASK")                         \
    _(uint64_t, STATE_U64, kernel_gs_base, 0, 1, "IA32_KERNEL_GS_BASE")       \
    _(uint64_t, STATE_U64, sysenter_cs, 0, 1, "IA32_SYSENTER_CS")             \
    _(uint64_t, STATE_U64, sysenter_esp, 0, 1, "IA32_SYSENTER_ESP")           \
    _(uint64_t, STATE_U64, sysenter_eip, 0, 1, "IA32_SYSENTER_EIP")           \
    _(uint64_t, STATE_U64, pat, 0x0007040600070406, 1, "IA32_PAT")            \
    _(uint64_t, STATE_U64, tsc_adjust, 0, 1, "TSC offset, ticks")             \
    _(uint64_t, STATE_U64, misc_enable, 1, 1, "IA32_MISC_ENABLE")             \
    _(uint64_t, STATE_U64, mtrr_def, 0, 1, "IA32_MTRR_DEF_TYPE")              \
    _(X86Mtrrs, STATE_U64, mtrr, 0, 1, "fixed then variable MTRRs")           \
    _(uint32_t, STATE_U32, smbase, 0x30000, 1, "SMBASE")                      \
    _(bool, STATE_BOOL, in_smm, 0, 1, "in system management mode")            \
    _(bool, STATE_BOOL, halted, 0, 1, "HLT executed, waiting")                \
    _(bool, STATE_BOOL, shutdown, 0, 1, "triple fault, waiting for reset")    \
    _(bool, STATE_BOOL, intr, 0, 1, "INTR pin")                               \
    _(bool, STATE_BOOL, nmi_pending, 0, 1, "NMI latched")                     \
    _(bool, STATE_BOOL, nmi_blocked, 0, 1, "NMI blocked until IRET")          \
    _(bool, STATE_BOOL, smi_pending, 0, 1, "SMI latched")                     \
    _(bool, STATE_BOOL, a20, 1, 1, "A20 gate open")                           \
    _(uint32_t, STATE_U32, pending_debug, 0, 1, "DR6 bits of a #DB trap to come") \
    _(bool, STATE_BOOL, irq_shadow, 0, 1, "STI or MOV SS just retired")       \
    _(bool, STATE_BOOL, reset_done, 0, 1, "keeps INIT and power-on apart")    \
    _(uint64_t, STATE_U64, tsc_aux, 0, 2, "IA32_TSC_AUX")                     \
    _(uint64_t, STATE_U64, hwcr, 0, 2, "AMD: HWCR")                           \
    _(uint64_t, STATE_U64, mcg_status, 0, 2, "IA32_MCG_STATUS")               \
    _(uint64_t, STATE_U64, mcg_ctl, UINT64_MAX, 2, "IA32_MCG_CTL")            \
    _(X86McBanks, STATE_U64, mc_bank, 0, 2, "machine check banks")            \
    _(bool, STATE_BOOL, ss_shadow, 0, 2, "irq_shadow is that of MOV SS")      \
    _(uint64_t, STATE_U64, spec_ctrl, 0, 3, "IA32_SPEC_CTRL")                 \
    _(bool, STATE_BOOL, monitoring, 0, 3, "MONITOR is armed")                 \
    _(bool, STATE_BOOL, mwait_any, 0, 3, "halted by an MWAIT that INTR ends though IF=0") \
    _(bool, STATE_BOOL, wait_sipi, 0, 3, "waiting for a start-up IPI")        \
    _(bool, STATE_BOOL, init_pending, 0, 3, "INIT latched")                   \
    _(bool, STATE_BOOL, in_rep, 0, 4, "between two iterations of a string instruction") \
    _(uint64_t, STATE_U64, debugctl, 0, 4, "IA32_DEBUGCTL")                   \
    X86_FPU_STATE(_)

STATE_STRUCT(X86State, X86_STATE);

/* Bits of TbKey.flags: what translated code assumes. TB_CPL: 2 bits. */
enum {
    TB_PE = 1 << 0,        /* protected mode (and not virtual-8086) */
    TB_VM = 1 << 1,
    TB_LMA = 1 << 2,       /* long mode active */
    TB_CS64 = 1 << 3,      /* 64-bit code segment */
    TB_CS32 = 1 << 4,      /* default operand and address size 32 */
    TB_SS32 = 1 << 5,      /* stack pointer is ESP, not SP */
    TB_CPL_SHIFT = 6,      /* 0..3 */
    TB_FLAT = 1 << 8,      /* ES SS DS: base 0, limit 4 GiB, read/write, usable;
                            * CS: base 0, limit 4 GiB: no base add, no checks */
    TB_TF = 1 << 9,        /* single step: one instruction, then #DB */
    TB_SHADOW = 1 << 10,   /* irq_shadow set: one instruction, then clear it */
    TB_IOPL_SHIFT = 11,    /* 2 bits */
    TB_SMM = 1 << 13,
    TB_AC = 1 << 14,       /* alignment checks on (CPL 3, AM, AC) */
    TB_DE = 1 << 15,       /* CR4.DE */
    TB_RF = 1 << 16,       /* EFLAGS.RF set: clear it after the instruction */
    TB_BIG_REAL = 1 << 17, /* real mode or not flat, but every data segment's
                            * limit is 4 GiB and it may be written: checks off */
    TB_CS64K = 1 << 18,    /* outside 64-bit mode: CS limit is 0xffff */
    TB_NOSMAP = 1 << 20,   /* CPL < 3, CR4.SMAP and EFLAGS.AC: user pages ok */
    TB_CS4G = 1 << 19,     /* outside 64-bit mode: CS limit is 0xffffffff */
    TB_MP = 1 << 21,       /* CR0.MP, for WAIT */
    TB_EM = 1 << 22,       /* CR0.EM: no x87, MMX or SSE */
    TB_TS = 1 << 23,       /* CR0.TS: #NM */
    TB_SSE = 1 << 24,      /* CR4.OSFXSR */
    TB_AVX = 1 << 25,      /* CR4.OSXSAVE, and XCR0 has SSE and AVX */
    TB_XM = 1 << 26,       /* a SIMD exception is unmasked in MXCSR */
    TB_LA57 = 1 << 27,     /* CR4.LA57: linear addresses have 57 bits */
};

#define X86_FEATURES 16        /* room: FEAT_WORDS are used */

/* Who the processor says it is: the model's, or as -cpu changed it. */
typedef struct X86Identity {
    char vendor[13], model_id[48];
    uint32_t family, model, stepping;
    uint32_t signature;    /* CPUID.1:EAX, made of them */
    uint32_t level, xlevel; /* the highest leaves */
    uint32_t phys_bits;    /* 0: as the features have it */
} X86Identity;

typedef struct X86Cpu {
    Cpu parent;
    X86State s;

    /* Lazy flags and DF: caches of s.eflags, ORDER x86-reg. sync() folds them
     * into s.eflags; rewire() sets them from it. While the CPU runs, the
     * arithmetic bits and DF in s.eflags are meaningless. */
    uint32_t cc_op;
    uint64_t cc_dst, cc_src, cc_src2;
    uint64_t df;
    uint32_t tb_flags;     /* cache of what tb_key() reports; x86_update_modes() */

    /* The exception being raised; meaningful between raise and delivery. */
    int exc_vector;        /* -1: none */
    uint32_t exc_error;
    bool exc_has_error;
    bool exc_is_software;  /* INT n, INT3, INTO: rip already behind it */
    int delivering;        /* exception whose delivery is under way; -1: none,
                            * or an event that makes no double fault */
    bool delivering_ext;   /* an event from outside the program is: EXT */
    bool task_committed;   /* a fault belongs to the new task already */
    bool task_switched;    /* by the instruction under way: it is not stepped */

    /* Fixed by the model, not state. */
    X86Identity id;
    uint32_t features[X86_FEATURES]; /* CPUID words, ORDER x86-feat */
    bool ignore_unknown_msr;

    /* Wiring (pins/x86.h). */
    int (*pic_ack)(void *opaque);
    void *pic;
    AddressSpace *smm_memory;
    void (*ferr)(void *opaque, bool level);
    void *ferr_opaque;
    const struct X86ApicOps *apic_ops; /* and apic, or neither */
    void *apic;
} X86Cpu;

static inline X86Cpu *x86_cpu(Cpu *cpu)
{
    return (X86Cpu *)cpu;
}

/* --- helper-cc.c: flags ----------------------------------------------------*/

/* The arithmetic flags (FLAG_ARITH bits) that a lazy state stands for. */
uint32_t cc_compute(uint32_t op, uint64_t dst, uint64_t src, uint64_t src2);
/* The whole EFLAGS as the guest sees them now. */
uint32_t x86_eflags(X86Cpu *cpu);
/* Sets all of EFLAGS, lazy caches and tb_flags included. */
void x86_set_eflags(X86Cpu *cpu, uint32_t eflags);

/* --- seg.c, trap.c, mmu.c --------------------------------------------------*/

/* Recomputes tb_flags after any change of CR0, CR4, EFER, segments, EFLAGS. */
void x86_update_modes(X86Cpu *cpu);
static inline unsigned x86_cpl(const X86Cpu *cpu)
{
    return (cpu->tb_flags >> TB_CPL_SHIFT) & 3;
}
/* MMU modes of this target. ORDER x86-mmu */
enum { MMU_KERNEL, MMU_USER, MMU_KERNEL_NOSMAP };
unsigned x86_mmu_mode(X86Cpu *cpu);

/* --- fpu.c -----------------------------------------------------------------*/

/* The bits of tb_flags that the units bring in. */
uint32_t x86_fpu_modes(const X86State *s);
/* MXCSR as the guest sees it: the row, and the flags since. */
uint32_t x86_mxcsr(const X86Cpu *cpu);
/* Writes all of MXCSR; modes change. Reserved bits are the caller's business. */
void x86_set_mxcsr(X86Cpu *cpu, uint32_t mxcsr);
/* Writes PKRU (xsave.c). */
void x86_set_pkru(X86Cpu *cpu, uint32_t pkru);
/* For sync() and rewire(): Cpu.fp into the row, and the row into Cpu.fp. */
void x86_fpu_sync(X86Cpu *cpu);
void x86_fpu_rewire(X86Cpu *cpu);
/* CpuClass.fp_trap and .unaligned: #XM (or #UD, CR4.OSXMMEXCPT), #GP. */
void x86_fp_trap(Cpu *parent, unsigned flags);
void x86_unaligned(Cpu *parent, GuestAddr va);

/* While the CPU runs, the x87's flags and C1 are in Cpu.fp80, where translated
 * code leaves them, and those of the row are old. Into the row; and Cpu.fp80 from
 * the rows, after control or status word have changed. */
void x87_sync(X86Cpu *cpu);
void x87_rewire(X86Cpu *cpu);
/* The x87 as FNINIT leaves it, and for power-on. */
void x87_init(X86Cpu *cpu);
/* A pending x87 exception with CR0.NE = 0 (vol. 1, 8.7.2): FERR# is driven, and
 * the CPU stops before the instruction until an interrupt comes. */
void x87_freeze(X86Cpu *cpu);
/* FERR#, after a change of ES or CR0.NE: it only ever falls here. */
void x87_update_es(X86Cpu *cpu);

/* Raise in a helper: restores the state to the present instruction, then
 * delivers. error < 0: no error code. */
void x86_raise(X86Cpu *cpu, int vector, int error) G_GNUC_NORETURN;

/* Loads a segment register with all checks (vol. 2, MOV); faults by
 * x86_raise. */
void x86_load_seg(X86Cpu *cpu, unsigned seg, uint16_t sel);

/* --- pins.c ----------------------------------------------------------------*/

extern const struct X86Pins x86_pin_table;
/* The processor receives an INIT. Between instructions. */
void x86_init(X86Cpu *cpu);

/* --- cpuid.c: what the model offers ----------------------------------------*/

/* The CPUID words that decide which instructions exist. ORDER x86-feat */
enum {
    FEAT_1_EDX, FEAT_1_ECX, FEAT_7_EBX, FEAT_80000001_EDX, FEAT_80000001_ECX,
    FEAT_7_ECX, FEAT_D_1_EAX, FEAT_7_EDX, FEAT_6_EAX, FEAT_80000007_EDX,
    FEAT_80000008_EBX, FEAT_WORDS
};
G_STATIC_ASSERT(FEAT_WORDS <= X86_FEATURES);
uint32_t x86_feature_word(const X86Cpu *cpu, unsigned word);

extern const IrReg x86_ir_regs[X86_REG_COUNT];

/* Helpers known to translated code: X86_HELPER_name indexes x86_helpers[]. */
typedef enum X86HelperId {
#define X86_HELPER(name, nargs, result, effects, what) X86_HELPER_##name,
#include "helpers-sys.def"
#include "helpers-int.def"
#include "helpers-x87.def"
#undef X86_HELPER
    X86_HELPER_COUNT
} X86HelperId;
extern const IrHelper x86_helpers[X86_HELPER_COUNT];

#define X86_ARGS_0
#define X86_ARGS_1 , uint64_t
#define X86_ARGS_2 , uint64_t, uint64_t
#define X86_ARGS_3 , uint64_t, uint64_t, uint64_t
#define X86_ARGS_4 , uint64_t, uint64_t, uint64_t, uint64_t
#define X86_ARGS_5 , uint64_t, uint64_t, uint64_t, uint64_t, uint64_t
#define X86_HELPER(name, nargs, result, effects, what) \
    uint64_t helper_##name(Cpu *cpu X86_ARGS_##nargs);
#include "helpers-sys.def"
#include "helpers-int.def"
#include "helpers-x87.def"
#undef X86_HELPER

/* Added to the vector for helper_soft_int(): the instruction is INT n. */
#define SOFT_INT_N 0x100u

/* What a translator passes helpers that end or fault an instruction: next_eip
 * is the offset behind the instruction. */

/* --- translate.c: the three CpuClass hooks ---------------------------------*/

void x86_translate_start(struct TranslateContext *tc);
void x86_translate_insn(struct TranslateContext *tc);
void x86_translate_stop(struct TranslateContext *tc);

#endif
