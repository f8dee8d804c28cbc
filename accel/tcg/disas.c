/*
 * -d in_asm and out_asm: guest code of each new TB, by its CPU's class, and host
 * code, by capstone.
 */
#include "disas.h"

#include <capstone/capstone.h>

#include "base/log.h"

static bool log_insn(void *opaque, const DisasInsn *insn)
{
    log_printf(LOG_IN_ASM, "0x%08" PRIx64 ":  %s %s\n", insn->pc,
               insn->mnemonic, insn->operands);
    return true;
}

void log_guest_code(TranslateContext *tc, GuestAddr pc)
{
    const CpuClass *cls = tc->cpu->cls;
    uint8_t code[2 * PAGE_SIZE];
    size_t len = MIN(tc->pc - pc, sizeof code);
    if (!log_enabled(LOG_IN_ASM) || !cls->disas) {
        return;
    }
    log_printf(LOG_IN_ASM, "----------------\nIN:\n");
    if (cpu_read_debug(tc->cpu, pc, code, len)) {
        cls->disas(tc->cpu, pc, code, len, log_insn, NULL);
    }
    log_printf(LOG_IN_ASM, "\n");
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
