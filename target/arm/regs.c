/*
 * The register file as debuggers see it: rows of name, width and type, in the
 * order of gdb's aarch64 target (GDB manual, "AArch64 Features").
 */
#include "base/bytes.h"
#include "show.h"

enum { R_X, R_SP, R_PC, R_CPSR, R_V, R_FPSR, R_FPCR };
#define KEY(kind, index) ((kind) << 8 | (index))

static uint64_t *word_of(ArmCpu *cpu, unsigned n)
{
    switch (n >> 8) {
    case R_X:
        return &cpu->s.x[n & 0xff];
    case R_SP:
        return &cpu->s.sp;
    default:
        return &cpu->s.pc;
    }
}

static void get_word(Cpu *cpu, unsigned n, CpuRegValue *v)
{
    bytes_st_le64(v->bytes, *word_of(arm_cpu(cpu), n));
}

static void set_word(Cpu *cpu, unsigned n, const CpuRegValue *v)
{
    *word_of(arm_cpu(cpu), n) = bytes_ld_le64(v->bytes);
}

static void get_status(Cpu *parent, unsigned n, CpuRegValue *v)
{
    ArmCpu *cpu = arm_cpu(parent);
    bytes_st_le32(v->bytes, n >> 8 == R_CPSR   ? arm_pstate(cpu)
                            : n >> 8 == R_FPSR ? cpu->s.fpsr
                                               : cpu->s.fpcr);
}

static void set_status(Cpu *parent, unsigned n, const CpuRegValue *v)
{
    ArmCpu *cpu = arm_cpu(parent);
    uint32_t word = bytes_ld_le32(v->bytes);
    if (n >> 8 == R_CPSR) {
        arm_set_pstate(cpu, word);
        parent->cls->sync(parent);
    } else if (n >> 8 == R_FPSR) {
        cpu->s.fpsr = word & 0x0800009f;
    } else {
        cpu->s.fpcr = word & 0x07c00000;
    }
    parent->cls->rewire(parent);
}

static void get_vector(Cpu *cpu, unsigned n, CpuRegValue *v)
{
    const uint64_t *words = &arm_cpu(cpu)->s.v[2 * (n & 0xff)];
    bytes_st_le64(v->bytes, words[0]);
    bytes_st_le64(v->bytes + 8, words[1]);
}

static void set_vector(Cpu *cpu, unsigned n, const CpuRegValue *v)
{
    uint64_t *words = &arm_cpu(cpu)->s.v[2 * (n & 0xff)];
    words[0] = bytes_ld_le64(v->bytes);
    words[1] = bytes_ld_le64(v->bytes + 8);
}

#define X(n) { "x" #n, 64, "int", "core", get_word, set_word, KEY(R_X, n) }
#define V(n) { "v" #n, 128, "aarch64v", "fpu", get_vector, set_vector, \
               KEY(R_V, n) }

static const CpuReg rows[] = {
    X(0), X(1), X(2), X(3), X(4), X(5), X(6), X(7), X(8), X(9), X(10), X(11),
    X(12), X(13), X(14), X(15), X(16), X(17), X(18), X(19), X(20), X(21),
    X(22), X(23), X(24), X(25), X(26), X(27), X(28), X(29), X(30),
    { "sp", 64, "data_ptr", "core", get_word, set_word, KEY(R_SP, 0) },
    { "pc", 64, "code_ptr", "core", get_word, set_word, KEY(R_PC, 0) },
    { "cpsr", 32, "cpsr_flags", "core", get_status, set_status,
      KEY(R_CPSR, 0) },
    V(0), V(1), V(2), V(3), V(4), V(5), V(6), V(7), V(8), V(9), V(10), V(11),
    V(12), V(13), V(14), V(15), V(16), V(17), V(18), V(19), V(20), V(21),
    V(22), V(23), V(24), V(25), V(26), V(27), V(28), V(29), V(30), V(31),
    { "fpsr", 32, "int", "fpu", get_status, set_status, KEY(R_FPSR, 0) },
    { "fpcr", 32, "int", "fpu", get_status, set_status, KEY(R_FPCR, 0) },
};

static const CpuGdbView view = {
    .regs = rows, .count = G_N_ELEMENTS(rows), .pc = 32, .sp = 31,
    .describe = arm_describe,
};

const CpuGdbView *arm_gdb_view(Cpu *cpu)
{
    return &view;
}
