/*
 * Instructions as text, in AT&T's syntax, by capstone.
 */
#include <capstone/capstone.h>

#include "cpu.h"
#include "show.h"

static cs_mode mode_of(const X86Cpu *cpu)
{
    uint32_t f = cpu->tb_flags;
    return f & TB_CS64 ? CS_MODE_64 : f & TB_CS32 ? CS_MODE_32 : CS_MODE_16;
}

size_t x86_disas(Cpu *cpu, GuestAddr pc, const uint8_t *code, size_t len,
                 DisasFn *fn, void *opaque)
{
    csh engine;
    size_t left = len;
    if (cs_open(CS_ARCH_X86, mode_of(x86_cpu(cpu)), &engine) != CS_ERR_OK) {
        return 0;
    }
    cs_option(engine, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
    cs_insn *insn = cs_malloc(engine);
    while (cs_disasm_iter(engine, &code, &left, &pc, insn) &&
           fn(opaque, &(DisasInsn) { .pc = insn->address,
                                     .bytes = insn->size,
                                     .mnemonic = insn->mnemonic,
                                     .operands = insn->op_str })) {
    }
    cs_free(insn, 1);
    cs_close(&engine);
    return len - left;
}
