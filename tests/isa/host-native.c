/*
 * Runs one instruction on the host's processor.
 *
 * A stub at a fixed address loads all registers and flags, jumps to the
 * instruction and saves everything afterwards. 32-bit code is reached by a far
 * return to the kernel's 32-bit user code segment. Faults arrive as signals on
 * a stack of their own; the handler turns back to the stub's way out.
 */
#include "isa.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

typedef struct Slots {
    uint64_t gpr[16];
    uint64_t flags;
    uint64_t ymm[16][4];
    uint64_t mxcsr, own_mxcsr;
    uint64_t host_rsp;
    uint64_t branch;           /* 1: came out at ISA_TAKEN */
    uint64_t flag_stack[4];
    uint8_t fpu[ISA_FPU_BYTES];
} Slots;

#define USER32_CS 0x23
#define USER64_CS 0x33
#define USER_DS 0x2b
#define ESP_LOAD_BYTES 16      /* room for MOV ESP before the instruction */
#define SLOT(member) ((uint32_t)(ISA_SLOTS + offsetof(Slots, member)))

static Slots *const slots = (Slots *)(uintptr_t)ISA_SLOTS;
static uint8_t *const stub = (uint8_t *)(uintptr_t)ISA_STUB;
static uint8_t *const code = (uint8_t *)(uintptr_t)ISA_CODE;
static uint8_t *const data = (uint8_t *)(uintptr_t)ISA_DATA;

static uint8_t *out;           /* where the next byte of code goes */
static uint32_t enter64, enter32, leave64, leave64_branch;
static volatile int fault;
static volatile uint64_t fault_addr, fault_error;
static bool armed;
static bool vectors;           /* the host has YMM registers */

static void emit(const void *bytes, size_t n)
{
    memcpy(out, bytes, n);
    out += n;
}

static void emit8(uint8_t b)
{
    *out++ = b;
}

static void emit32(uint32_t v)
{
    emit(&v, 4);
}

/* REX.W opcode reg, [abs32] */
static void emit_abs(uint8_t opcode, unsigned reg, uint32_t addr)
{
    emit8(0x48 | (reg >= 8 ? 4 : 0));
    emit8(opcode);
    emit8(0x04 | (reg & 7) << 3);
    emit8(0x25);
    emit32(addr);
}

static void emit_load(unsigned reg, uint32_t addr)
{
    emit_abs(0x8b, reg, addr);
}

static void emit_save(unsigned reg, uint32_t addr)
{
    emit_abs(0x89, reg, addr);
}

static void emit_callee_saved(bool push)
{
    static const uint8_t pushes[] = { 0x53, 0x55, 0x41, 0x54, 0x41, 0x55,
                                      0x41, 0x56, 0x41, 0x57 };
    static const uint8_t pops[] = { 0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d,
                                    0x41, 0x5c, 0x5d, 0x5b };
    emit(push ? pushes : pops, 10);
}

static uint32_t here(void)
{
    return (uint32_t)(uintptr_t)out;
}

static void emit_jump(uint32_t target)
{
    emit8(0xe9);
    emit32(target - (here() + 4));
}

/* 64-bit code runs with null selectors in DS and ES. */
static void emit_data_segments(void)
{
    static const uint8_t load[] = { 0xb8, USER_DS, 0, 0, 0, 0x8e, 0xd8, 0x8e,
                                    0xc0 };
    emit(load, sizeof(load));
}

/* DD /4: FRSTOR; DD /6: FNSAVE. */
static void emit_fpu(unsigned reg)
{
    emit8(0xdd);
    emit8(0x04 | reg << 3);
    emit8(0x25);
    emit32(SLOT(fpu));
}

/* VMOVUPS YMM reg, [abs32] or the other way, LDMXCSR and STMXCSR. */
static void emit_vectors(bool save)
{
    for (unsigned r = 0; r < 16 && vectors; r++) {
        emit8(0xc5);
        emit8(r >= 8 ? 0x7c : 0xfc);
        emit8(save ? 0x11 : 0x10);
        emit8(0x04 | (r & 7) << 3);
        emit8(0x25);
        emit32(SLOT(ymm) + 32 * r);
    }
}

static void emit_mxcsr(bool save, uint32_t addr)
{
    static const uint8_t opcode[] = { 0x0f, 0xae };
    emit(opcode, 2);
    emit8(0x04 | (save ? 3 : 2) << 3);
    emit8(0x25);
    emit32(addr);
}

static uint32_t emit_enter(bool code64)
{
    uint32_t start = here();
    emit_fpu(4);
    emit_callee_saved(true);
    emit_save(4, SLOT(host_rsp));
    emit8(0xff); /* push [flags] */
    emit8(0x34);
    emit8(0x25);
    emit32(SLOT(flags));
    if (!code64) { /* far return frame, below the flags */
        emit_data_segments();
        emit8(0x6a);
        emit8(USER32_CS);
        emit8(0x68);
        emit32(ISA_CODE - ESP_LOAD_BYTES);
        emit8(0xff); /* push [rsp + 16]: the flags again */
        emit8(0x74);
        emit8(0x24);
        emit8(0x10);
    }
    emit_vectors(false);
    emit_mxcsr(false, SLOT(mxcsr));
    emit8(0x9d); /* popf */
    for (unsigned r = 0; r < 16; r++) {
        if (r != 4) {
            emit_load(r, SLOT(gpr) + 8 * r);
        }
    }
    if (code64) {
        emit_load(4, SLOT(gpr) + 8 * 4);
        emit_jump(ISA_CODE);
    } else {
        emit8(0x48); /* lretq; the 32-bit side then loads ESP */
        emit8(0xcb);
    }
    return start;
}

static void emit_leave(void)
{
    for (unsigned r = 0; r < 16; r++) {
        emit_save(r, SLOT(gpr) + 8 * r);
    }
    /* MOV leaves the flags alone. Without AC nothing from here on minds how
     * memory is aligned. */
    emit8(0x48);
    emit8(0xc7);
    emit8(0xc4);
    emit32(SLOT(flag_stack) + sizeof(slots->flag_stack));
    emit8(0x9c); /* pushf */
    emit8(0x8f); /* pop [flags] */
    emit8(0x04);
    emit8(0x25);
    emit32(SLOT(flags));
    emit8(0x6a); /* push 2; popf */
    emit8(0x02);
    emit8(0x9d);
    emit_fpu(6);
    emit_vectors(true);
    emit_mxcsr(true, SLOT(mxcsr));
    emit_mxcsr(false, SLOT(own_mxcsr));
    emit_load(4, SLOT(host_rsp));
    emit_callee_saved(false);
    emit8(0xc3);
}

static void build_stub(void)
{
    out = stub;
    leave64_branch = here();
    emit8(0x48); /* mov qword [branch], 1 */
    emit8(0xc7);
    emit8(0x04);
    emit8(0x25);
    emit32(SLOT(branch));
    emit32(1);
    leave64 = here();
    emit_leave();
    enter64 = emit_enter(true);
    enter32 = emit_enter(false);
}

/* The state at the fault goes to the slots; execution goes on at the stub's
 * way out as if the registers had been saved. */
static void on_fault(int sig, siginfo_t *info, void *opaque)
{
    ucontext_t *uc = opaque;
    greg_t *g = uc->uc_mcontext.gregs;
    __asm__ volatile("pushf\n andl $~0x40000, (%%rsp)\n popf"
                     : : : "memory", "cc");
    if (!armed) {
        signal(sig, SIG_DFL);
        return;
    }
    fault = g[REG_TRAPNO];
    fault_error = fault == 14 ? g[REG_ERR] : 0;
    fault_addr = fault == 14 ? g[REG_CR2] : 0;
    g[REG_RIP] = leave64;
    g[REG_CSGSFS] = (g[REG_CSGSFS] & ~(greg_t)0xffff) | USER64_CS;
    g[REG_EFL] &= ~(greg_t)(0x100 | ISA_AC);
}

/* 32-bit code leaves by a far jump to the 64-bit stub. */
static void emit_far_exit(uint32_t target)
{
    emit8(0xea);
    emit32(target);
    emit8(USER64_CS);
    emit8(0);
}

static void place_exits(const IsaCase *c)
{
    memset(code, 0xcc, 0x200);
    out = code;
    if (!c->code64) { /* mov esp, [gpr 4] stands before the instruction */
        out = code - ESP_LOAD_BYTES;
        emit8(0x8b);
        emit8(0x25);
        emit32(SLOT(gpr) + 8 * 4);
        while (out < code) {
            emit8(0x90);
        }
    }
    emit(c->insn, c->len);
    if (c->code64) {
        emit_jump(leave64);
        out = code + ISA_TAKEN;
        emit_jump(leave64_branch);
    } else {
        emit_far_exit(leave64);
        out = code + ISA_TAKEN;
        emit_far_exit(leave64_branch);
    }
}

int host_run(const IsaCase *c, IsaState *after)
{
    memcpy(slots->gpr, c->before.gpr, sizeof(slots->gpr));
    slots->flags = c->before.flags | 0x202;
    memcpy(slots->ymm, c->before.ymm, sizeof(slots->ymm));
    slots->mxcsr = c->before.mxcsr ? c->before.mxcsr : 0x1f80;
    slots->own_mxcsr = 0x1f80;
    slots->branch = 0;
    memcpy(data, c->before.data, ISA_DATA_BYTES);
    memcpy(slots->fpu, c->before.fpu, ISA_FPU_BYTES);
    place_exits(c);
    fault = ISA_NEXT;
    fault_addr = fault_error = 0;
    armed = true;
    ((void (*)(void))(uintptr_t)(c->code64 ? enter64 : enter32))();
    armed = false;
    memcpy(after->gpr, slots->gpr, sizeof(after->gpr));
    memcpy(after->ymm, slots->ymm, sizeof(after->ymm));
    after->mxcsr = slots->mxcsr;
    after->flags = slots->flags & (ISA_FLAGS | ISA_DF);
    memcpy(after->data, data, ISA_DATA_BYTES);
    memcpy(after->fpu, slots->fpu, ISA_FPU_BYTES);
    after->fault_addr = fault_addr;
    after->fault_error = fault_error;
    if (fault != ISA_NEXT) {
        return fault;
    }
    return slots->branch ? ISA_BRANCH : ISA_NEXT;
}

static bool map_at(uint32_t addr, size_t bytes)
{
    return mmap((void *)(uintptr_t)addr, bytes,
                PROT_READ | PROT_WRITE | PROT_EXEC,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) !=
           MAP_FAILED;
}

void host_set_guard(IsaGuard guard)
{
    mprotect((void *)(uintptr_t)ISA_GUARD, PAGE_SIZE,
             guard == ISA_ABSENT ? PROT_NONE : PROT_READ);
    if (guard == ISA_READ_ONLY) { /* the kernel shall map it now */
        (void)*(volatile uint8_t *)(uintptr_t)ISA_GUARD;
    }
}

static void catch_faults(void)
{
    static uint8_t signal_stack[65536];
    stack_t ss = { .ss_sp = signal_stack, .ss_size = sizeof(signal_stack) };
    struct sigaction sa = { .sa_sigaction = on_fault,
                            .sa_flags = SA_SIGINFO | SA_ONSTACK };
    static const int signals[] = { SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGTRAP };
    sigaltstack(&ss, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(signals); i++) {
        sigaction(signals[i], &sa, NULL);
    }
}

/* Whether a NOP in 32-bit code comes back. */
static bool probe_32(void)
{
    IsaCase c = { .code64 = false, .insn = { 0x90 }, .len = 1 };
    g_autofree IsaState *after = g_new0(IsaState, 1);
    c.before.gpr[4] = ISA_DATA + 0x1000;
    return host_run(&c, after) == ISA_NEXT;
}

static void cpuid_sub(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
    __asm__("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
                    : "a"(leaf), "c"(sub));
}

static void cpuid(uint32_t leaf, uint32_t r[4])
{
    cpuid_sub(leaf, 0, r);
}

void host_features(uint32_t *features)
{
    uint32_t one[4], seven[4], extended[4], xsave[4];
    cpuid(1, one);
    cpuid(7, seven);
    cpuid_sub(0xd, 1, xsave);
    cpuid(0x80000001, extended);
    features[0] &= one[3]; /* ORDER x86-feat */
    features[1] &= one[2];
    features[2] &= seven[1];
    features[3] &= extended[3];
    features[4] &= extended[2];
    features[5] &= seven[2];
    features[6] &= xsave[0];
}

const char *host_model(void)
{
    static const char *const more[] = { "", ",+fdp-excptn-only",
                                        ",+zero-fcs-fds",
                                        ",+fdp-excptn-only,+zero-fcs-fds" };
    uint32_t seven[4];
    cpuid(7, seven);
    return more[(seven[1] >> 6 & 1) | (seven[1] >> 13 & 1) << 1];
}

bool host_has_vectors(void)
{
    return vectors;
}

bool host_init(bool *has_32)
{
    vectors = __builtin_cpu_supports("avx");
    if (!map_at(ISA_CODE - PAGE_SIZE, 0x8000)) {
        return false;
    }
    catch_faults();
    build_stub();
    *has_32 = probe_32();
    return true;
}
