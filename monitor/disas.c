/*
 * Disassembly for `x/i`: the CPU's class knows its instructions.
 */
#include <inttypes.h>

#include "monitor.h"

/* No target has longer ones. */
#define INSN_BYTES 16

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

typedef struct Line {
    Hmp *h;
    const uint8_t *code;
} Line;

static bool print_insn(void *opaque, const DisasInsn *insn)
{
    const Line *line = opaque;
    hmp_print(line->h, "0x%08" PRIx64 ":  ", insn->pc);
    for (unsigned i = 0; i < insn->bytes; i++) {
        hmp_print(line->h, "%02x ", line->code[i]);
    }
    hmp_print(line->h, "%*s %-8s %s\n", MAX(0, 24 - 3 * (int)insn->bytes), "",
              insn->mnemonic, insn->operands);
    return false;
}

/* Prints one instruction; its length, 0 if memory cannot be read. */
static size_t print_one(Hmp *h, uint64_t addr, bool physical)
{
    uint8_t buf[INSN_BYTES];
    Cpu *cpu = hmp_cpu(h);
    size_t n = fetch(h, addr, physical, buf);
    if (!n) {
        hmp_print(h, "Cannot access memory at address 0x%" PRIx64 "\n", addr);
        return 0;
    }
    Line line = { .h = h, .code = buf };
    n = cpu->cls->disas(cpu, addr, buf, n, print_insn, &line);
    if (!n) {
        hmp_print(h, "0x%08" PRIx64 ":  %02x                       .byte    "
                  "0x%02x\n", addr, buf[0], buf[0]);
    }
    return MAX(n, 1);
}

void disas_print(Hmp *h, uint64_t addr, unsigned count, bool physical)
{
    if (!hmp_cpu(h)->cls->disas) {
        hmp_print(h, "no disassembler for this CPU\n");
        return;
    }
    while (count--) {
        size_t n = print_one(h, addr, physical);
        if (!n) {
            break;
        }
        addr += n;
    }
}
