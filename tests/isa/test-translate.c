/*
 * Translates random bytes under random modes, system code included: whatever
 * they are, the IR must keep the rules of vm/ir.h (the verifier sees to that)
 * and the back end must take it. Nothing is run.
 *
 * usage: test-translate [--cases=N] [--seed=N]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "emu-machine.h"
#include "tb.h"

static unsigned cases = 100000;
static uint64_t seed = 1;

/* The combinations that x86_update_modes() can make. */
static uint32_t random_flags(void)
{
    static const uint32_t bases[] = {
        0, TB_BIG_REAL, TB_VM | 3 << TB_CPL_SHIFT,
        TB_PE | TB_FLAT | TB_CS4G | TB_CS32 | TB_SS32,
        TB_PE | TB_CS32 | TB_SS32, TB_PE, TB_PE | TB_CS32 | TB_LMA,
        TB_PE | TB_LMA | TB_CS64 | TB_CS32 | TB_SS32 | TB_FLAT,
    };
    static const uint32_t extra[] = { TB_TF, TB_SHADOW, TB_RF, TB_AC,
                                      1 << TB_CPL_SHIFT, 3 << TB_CPL_SHIFT };
    uint32_t f = bases[random_below(G_N_ELEMENTS(bases))];
    for (unsigned i = 0; i < G_N_ELEMENTS(extra); i++) {
        f |= chance(20) ? extra[i] : 0;
    }
    if (!(f & (TB_FLAT | TB_CS64))) {
        f |= chance(60) ? TB_CS64K : chance(50) ? TB_CS4G : 0;
    }
    return f;
}

static void random_code(uint8_t *code, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        code[i] = chance(15) ? 0x0f : random64() >> 40;
    }
}

static TbKey random_key(void)
{
    TbKey key = { .pc = ISA_CODE, .flags = random_flags() };
    if (!(key.flags & (TB_FLAT | TB_CS64)) && chance(80)) {
        key.base = ISA_CODE - random_below(0x10000);
    }
    return key;
}

static unsigned translate_one(Cpu *cpu)
{
    uint8_t code[64];
    TbKey key = random_key();
    random_code(code, sizeof(code));
    address_space_write(cpu->machine->memory, ISA_CODE, code, sizeof(code));
    Tb *tb = translate_tb(cpu, &key, chance(20) ? TB_SINGLE : TB_FULL);
    unsigned count = tb->insn_count;
    tb_free(tcg_state(cpu), tb);
    return count;
}

int main(int argc, char **argv)
{
    uint64_t total = 0;
    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "--cases=", 8)) {
            cases = strtoul(argv[i] + 8, NULL, 0);
        } else if (!strncmp(argv[i], "--seed=", 7)) {
            seed = strtoul(argv[i] + 7, NULL, 0);
        }
    }
    emu_init(case_features);
    random_seed(seed);
    for (unsigned i = 0; i < cases; i++) {
        total += translate_one(&emu_cpu()->parent);
    }
    printf("%u blocks, %" G_GUINT64_FORMAT " instructions\n", cases, total);
    return total < cases;
}
