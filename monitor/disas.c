/*
 * Disassembly for `x/i`, by capstone.
 */
#include <capstone/capstone.h>

#include "monitor.h"

#define INSN_BYTES 15

static bool open_engine(Cpu *cpu, csh *engine)
{
    unsigned bits = cpu->cls->code_bits(cpu);
    cs_mode mode = bits == 16 ? CS_MODE_16
                   : bits == 32 ? CS_MODE_32
                                : CS_MODE_64;
    if (cs_open(CS_ARCH_X86, mode, engine) != CS_ERR_OK) {
        return false;
    }
    cs_option(*engine, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
    return true;
}

/* The bytes at addr, up to where memory ends. */
static size_t fetch(Hmp *h, uint64_t addr, bool physical, uint8_t *buf)
{
    size_t n = 0;
    while (n < INSN_BYTES) {
        bool ok = physical
            ? address_space_read_debug(h->ctx.machine->memory, addr + n,
                                       buf + n, 1)
            : cpu_read_debug(hmp_cpu(h), addr + n, buf + n, 1);
        if (!ok) {
            break;
        }
        n++;
    }
    return n;
}

/* Prints one instruction; its length, 0 if memory cannot be read. */
static size_t print_one(Hmp *h, csh engine, uint64_t addr, bool physical)
{
    uint8_t buf[INSN_BYTES];
    cs_insn *insn;
    size_t n = fetch(h, addr, physical, buf);
    if (!n) {
        hmp_print(h, "Cannot access memory at address 0x%" PRIx64 "\n", addr);
        return 0;
    }
    if (!cs_disasm(engine, buf, n, addr, 1, &insn)) {
        hmp_print(h, "0x%08" PRIx64 ":  %02x                       .byte    "
                  "0x%02x\n", addr, buf[0], buf[0]);
        return 1;
    }
    hmp_print(h, "0x%08" PRIx64 ":  ", addr);
    for (unsigned i = 0; i < insn->size; i++) {
        hmp_print(h, "%02x ", insn->bytes[i]);
    }
    hmp_print(h, "%*s %-8s %s\n", MAX(0, 24 - 3 * insn->size), "",
              insn->mnemonic, insn->op_str);
    n = insn->size;
    cs_free(insn, 1);
    return n;
}

void disas_print(Hmp *h, uint64_t addr, unsigned count, bool physical)
{
    csh engine;
    if (!open_engine(hmp_cpu(h), &engine)) {
        hmp_print(h, "no disassembler for this CPU\n");
        return;
    }
    while (count--) {
        size_t n = print_one(h, engine, addr, physical);
        if (!n) {
            break;
        }
        addr += n;
    }
    cs_close(&engine);
}
