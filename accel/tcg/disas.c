/*
 * -d in_asm and out_asm: guest code and host code of each new TB, by capstone.
 */
#include "disas.h"

#include <capstone/capstone.h>

#include "base/log.h"

static void log_insns(csh engine, const uint8_t *code, size_t len,
                      GuestAddr pc)
{
    cs_insn *insn;
    size_t n = cs_disasm(engine, code, len, pc, 0, &insn);
    for (size_t i = 0; i < n; i++) {
        log_printf(LOG_IN_ASM, "0x%08" PRIx64 ":  %s %s\n", insn[i].address,
                   insn[i].mnemonic, insn[i].op_str);
    }
    if (n) {
        cs_free(insn, n);
    }
}

void log_guest_code(TranslateContext *tc, GuestAddr pc)
{
    csh engine;
    uint8_t code[2 * PAGE_SIZE];
    size_t len = MIN(tc->pc - pc, sizeof code);
    if (!log_enabled(LOG_IN_ASM)) {
        return;
    }
    unsigned bits = tc->cpu->cls->code_bits(tc->cpu);
    cs_mode mode = bits == 16 ? CS_MODE_16
                   : bits == 32 ? CS_MODE_32
                                : CS_MODE_64;
    if (cs_open(CS_ARCH_X86, mode, &engine) != CS_ERR_OK) {
        return;
    }
    cs_option(engine, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
    log_printf(LOG_IN_ASM, "----------------\nIN:\n");
    if (cpu_read_debug(tc->cpu, pc, code, len)) {
        log_insns(engine, code, len, pc);
    }
    log_printf(LOG_IN_ASM, "\n");
    cs_close(&engine);
}

void disas_host(const void *code, size_t len, GString *out)
{
    csh engine;
    cs_insn *insn;
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &engine) != CS_ERR_OK) {
        return;
    }
    size_t n = cs_disasm(engine, code, len, (uintptr_t)code, 0, &insn);
    for (size_t i = 0; i < n; i++) {
        g_string_append_printf(out, "0x%08" PRIx64 ":  %-8s %s\n",
                               insn[i].address, insn[i].mnemonic,
                               insn[i].op_str);
    }
    if (n) {
        cs_free(insn, n);
    }
    cs_close(&engine);
}
