/*
 * Runs single instructions of the host. Their immediates are part of the code,
 * so each row gets a page or more of stubs, one for each immediate: a
 * prologue that loads operands, the line's code, and an epilogue.
 */
#include "vector-host.h"

#include "base/bits.h"

#include <cpuid.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

/* What a line's code may need around it. */
#define READ_EFLAGS "pushfq\n pop %rdx\n"
/* ZF and CF to bits 0 and 1. */
#define TEST_FLAGS                                                          \
    READ_EFLAGS "mov %edx, %eax\n shr $6, %eax\n and $1, %eax\n"            \
                "and $1, %edx\n lea (%rax,%rdx,2), %eax"
#define COMPARE_FLAGS READ_EFLAGS "mov %edx, %eax\n and $0x45, %eax"
#define STRING_LENGTHS "mov %rax, %rdx\n shr $32, %rdx"
/* CF ZF SF OF from bits 0, 6, 7, 11 to 8, 9, 10, 11, beside the index. */
#define STRING_FLAGS                                                        \
    READ_EFLAGS "mov %edx, %eax\n and $1, %eax\n shl $8, %eax\n"            \
                "or %eax, %ecx\n mov %edx, %eax\n and $0xc0, %eax\n"        \
                "shl $3, %eax\n or %eax, %ecx\n mov %edx, %eax\n"           \
                "and $0x800, %eax\n or %ecx, %eax"
#define SHA256_OPERANDS "movdqa %xmm0, %xmm3\n movdqa %xmm2, %xmm0"

#define CODE(name, text)                                                    \
    __asm__(".pushsection .rodata\n host_" name ":\n" text "\n"             \
            "host_" name "_end:\n .popsection");
#define HIDDEN(name) \
    extern const uint8_t name[] __attribute__((visibility("hidden")));
#define HOST(row, tag, needs, operands, bits, more, insn) \
    HOST_WITH(row, tag, needs, operands, bits, more, "", insn, "")

#define HOST_WITH(row, tag, needs, operands, bits, more, pre, insn, tail)   \
    CODE(#row "_" #tag, pre "\n" insn "\n host_" #row "_" #tag "_imm:\n"    \
         tail)                                                              \
    HIDDEN(host_##row##_##tag)                                              \
    HIDDEN(host_##row##_##tag##_imm)                                        \
    HIDDEN(host_##row##_##tag##_end)
#include "vector-host.def"
#undef HOST_WITH

/* FMA's immediates of the row (base/vec-ops.def). */
enum {
    NEG_AB = SF_FMA_NEG_PRODUCT,
    NEG_C = SF_FMA_NEG_ADDEND,
    EVEN_SUB = 16,
    ODD_SUB = 32,
    KEEP_B = 1 << 6,
    KEEP_C = 2 << 6,
};

const HostRow host_rows[] = {
#define HOST_WITH(row, tag, needs, operands, bits, more, pre, insn, tail)   \
    { #row "/" #tag, VEC_##row, NEEDS_##needs, OPERANDS_##operands, bits,   \
      more, host_##row##_##tag, host_##row##_##tag##_imm,                   \
      host_##row##_##tag##_end },
#include "vector-host.def"
#undef HOST_WITH
};
const unsigned host_row_count = G_N_ELEMENTS(host_rows);

/* rdi is the HostCall. */
CODE("begin", "movdqu (%rdi), %xmm0\n movdqu 16(%rdi), %xmm1\n"
     "movdqu 32(%rdi), %xmm2\n mov 48(%rdi), %rax\n ldmxcsr 56(%rdi)")
CODE("finish", "stmxcsr 56(%rdi)\n ldmxcsr 60(%rdi)\n movdqu %xmm0, 64(%rdi)\n"
     "mov %rax, 48(%rdi)\n ret")
HIDDEN(host_begin)
HIDDEN(host_begin_end)
HIDDEN(host_finish)
HIDDEN(host_finish_end)
G_STATIC_ASSERT(offsetof(HostCall, mxcsr) == 56);
G_STATIC_ASSERT(offsetof(HostCall, out) == 64);

#define STUB_BYTES 128

struct HostCode {
    uint8_t *stubs; /* one for each immediate */
    size_t finish;  /* where in a stub the epilogue is */
};

static uint8_t *append(uint8_t *at, const uint8_t *from, const uint8_t *end)
{
    memcpy(at, from, end - from);
    return at + (end - from);
}

HostCode *host_code_new(const HostRow *row)
{
    HostCode *code = g_new0(HostCode, 1);
    int protection = PROT_READ | PROT_WRITE | PROT_EXEC;
    code->stubs = mmap(NULL, 256 * STUB_BYTES, protection,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert(code->stubs != MAP_FAILED);
    for (unsigned imm = 0; imm < 256; imm++) {
        uint8_t *start = code->stubs + imm * STUB_BYTES;
        uint8_t *at = append(start, host_begin, host_begin_end);
        at = append(at, row->code, row->code_imm);
        if (row->imm_bits) {
            at[-1] = imm;
        }
        at = append(at, row->code_imm, row->code_end);
        code->finish = at - start;
        at = append(at, host_finish, host_finish_end);
        g_assert(at <= start + STUB_BYTES);
    }
    return code;
}

void host_code_free(HostCode *code)
{
    munmap(code->stubs, 256 * STUB_BYTES);
    g_free(code);
}

/* Where an instruction that trapped goes on; null where none may. */
static volatile uintptr_t trap_finish;

static void on_trap(int number, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    g_assert(trap_finish);
    u->uc_mcontext.gregs[REG_RIP] = (greg_t)trap_finish;
    trap_finish = 0;
}

bool host_code_run(const HostCode *code, uint8_t imm, HostCall *call)
{
    struct sigaction action = { .sa_sigaction = on_trap,
                                .sa_flags = SA_SIGINFO }, before;
    bool may_trap = ~call->mxcsr & 0x1f80;
    uint8_t *stub = code->stubs + imm * STUB_BYTES;
    call->usual = __builtin_ia32_stmxcsr();
    if (!may_trap) {
        ((void (*)(HostCall *))(uintptr_t)stub)(call);
        return true;
    }
    trap_finish = (uintptr_t)stub + code->finish;
    g_assert(!sigaction(SIGFPE, &action, &before));
    ((void (*)(HostCall *))(uintptr_t)stub)(call);
    g_assert(!sigaction(SIGFPE, &before, NULL));
    bool trapped = !trap_finish;
    trap_finish = 0;
    return !trapped;
}

/* CPUID leaf, register, bit of what needs a bit, and whether it needs AVX's
 * registers too (SDM vol. 2, CPUID). ORDER host-needs */
static const struct {
    uint8_t leaf;
    char reg;
    uint8_t bit;
    bool avx;
} needs_table[] = {
    [NEEDS_SSE] = { 1, 'c', 20, false },  [NEEDS_AVX] = { 1, 'c', 28, true },
    [NEEDS_AVX2] = { 7, 'b', 5, true },   [NEEDS_FMA] = { 1, 'c', 12, true },
    [NEEDS_F16C] = { 1, 'c', 29, true },  [NEEDS_AES] = { 1, 'c', 25, false },
    [NEEDS_PCLMUL] = { 1, 'c', 1, false }, [NEEDS_SHA] = { 7, 'b', 29, false },
    [NEEDS_GFNI] = { 7, 'c', 8, false },  [NEEDS_INTEL] = { 1, 'c', 20, false },
};

bool host_has(HostNeeds needs)
{
    unsigned a, b, c, d;
    if (!__get_cpuid_count(needs_table[needs].leaf, 0, &a, &b, &c, &d)) {
        return false;
    }
    bool has = (needs_table[needs].reg == 'b' ? b : c) >>
               needs_table[needs].bit & 1;
    if (needs == NEEDS_INTEL) {
        return has && __builtin_cpu_is("intel");
    }
    return has && (!needs_table[needs].avx || __builtin_cpu_supports("avx"));
}
