/*
 * Vectors and numbers of 80 bits: see interp.h.
 */
#include <string.h>

#include "base/bytes.h"
#include "interp.h"

static const V128 *big_at(Cpu *cpu, uint32_t offset)
{
    return (const V128 *)(const void *)&REG(offset);
}

/* Of both kinds of operations the result is there when all operands have been
 * read: they may share a place. */
static void put_result(Cpu *cpu, const Code *p, V128 v, bool big)
{
    if (big) {
        memcpy(&REG(p->d), &v, sizeof v);
    } else {
        REG(p->d) = v.w[0];
    }
}

void big_vec(Cpu *cpu, const Code *p)
{
    const IrInst i = { .op = p->op == OP_FVECX ? IR_FVECX : IR_VEC,
                       .imm = p->imm };
    const V128 *const in[3] = { big_at(cpu, p->a), big_at(cpu, p->b),
                                big_at(cpu, p->c) };
    cpu->fault_insn = p->insn;
    put_result(cpu, p, tcg_vec(cpu, &i, in, REG(p->f)),
               vec_ops[ir_vec_op(&i)].sig[0] == 'v');
}

void big_x80(Cpu *cpu, const Code *p)
{
    const IrInst i = { .op = IR_X80, .imm = p->imm };
    const V128 *const in[2] = { big_at(cpu, p->a), big_at(cpu, p->b) };
    char result = x80_ops[ir_x80_op(&i)].sig[0];
    V128 v = tcg_x80(cpu, &i, in, REG(p->f));
    if (result != '-') {
        put_result(cpu, p, v, result == 'x');
    }
}

static inline bool is_unaligned(uint64_t va, IrMem mem)
{
    return (mem & IR_MEM_ALIGN) && (va & (ir_mem_span(mem) - 1));
}

void big_load_vec(Cpu *cpu, const Code *p)
{
    uint64_t va = REG(p->a);
    unsigned size = ir_mem_size(p->imm);
    const void *host = tlb_host(cpu, va, size, MMU_LOAD, ir_mem_mode(p->imm));
    V128 v = { { 0, 0 } };
    if (G_LIKELY(host && !is_unaligned(va, p->imm))) {
        uint8_t bytes[16] = { 0 };
        memcpy(bytes, host, size);
        v = (V128){ { bytes_ld_le64(bytes), bytes_ld_le64(bytes + 8) } };
    } else {
        cpu->fault_insn = p->insn;
        tlb_load_vec(cpu, va, &v, p->imm);
    }
    memcpy(&REG(p->d), &v, sizeof v);
}

void big_store_vec(Cpu *cpu, const Code *p)
{
    uint64_t va = REG(p->a);
    unsigned size = ir_mem_size(p->imm);
    void *host = tlb_host(cpu, va, ir_mem_span(p->imm), MMU_STORE,
                          ir_mem_mode(p->imm));
    V128 v;
    memcpy(&v, &REG(p->b), sizeof v);
    if (G_LIKELY(host && !is_unaligned(va, p->imm))) {
        uint8_t bytes[16];
        bytes_st_le64(bytes, v.w[0]);
        bytes_st_le64(bytes + 8, v.w[1]);
        cpu_note_line(cpu, va);
        memcpy(host, bytes, size);
    } else {
        cpu->fault_insn = p->insn;
        tlb_store_vec(cpu, va, &v, p->imm);
    }
}

void big_load_x80(Cpu *cpu, const Code *p)
{
    uint64_t va = REG(p->a);
    unsigned size = ir_mem_size(p->imm);
    const void *host = tlb_host(cpu, va, size, MMU_LOAD, ir_mem_mode(p->imm));
    V128 v = { { 0, 0 } };
    if (G_LIKELY(host)) {
        uint8_t bytes[16] = { 0 };
        memcpy(bytes, host, size);
        v = (V128){ { bytes_ld_le64(bytes), bytes_ld_le64(bytes + 8) } };
    } else {
        cpu->fault_insn = p->insn;
        tlb_load_vec(cpu, va, &v, p->imm);
    }
    put_result(cpu, p, tcg_x80_load(cpu, &v, p->imm), true);
}

/* Flags change when nothing can fault any more. */
void big_store_x80(Cpu *cpu, const Code *p)
{
    uint64_t va = REG(p->a);
    unsigned size = ir_mem_size(p->imm);
    SfEnv env = cpu->fp80;
    V128 v = tcg_x80_bytes(big_at(cpu, p->b), p->imm, &env);
    void *host = tlb_host(cpu, va, size, MMU_STORE, ir_mem_mode(p->imm));
    if (G_LIKELY(host)) {
        uint8_t bytes[16];
        bytes_st_le64(bytes, v.w[0]);
        bytes_st_le64(bytes + 8, v.w[1]);
        cpu_note_line(cpu, va);
        memcpy(host, bytes, size);
    } else {
        cpu->fault_insn = p->insn;
        tlb_store_vec(cpu, va, &v, p->imm);
    }
    cpu->fp80.flags = env.flags;
}
