/*
 * The CPU models: what their identification registers say. A field of an ID
 * register is what this program has, and at most what the processor has.
 */
#include <string.h>

#include "base/bits.h"
#include "cpu.h"

/* EL0 and EL1 in AArch64 state only, without floating point and AdvSIMD. */
#define PFR0_EL01_AARCH64 UINT64_C(0x0000000000ff0011)
#define DFR0_DEBUG8       UINT64_C(0x10305006)

/* 40 bits of addresses, ASIDs of 16 bits, 4 and 64 KiB pages. */
#define MMFR0_V8_0        UINT64_C(0x00001122)

/* CRC-32. */
#define ISAR0_V8_0        UINT64_C(0x00010000)

static const ArmModel models[] = {
    {
        .name = "cortex-a53", .midr = 0x410fd034, .ctr = 0x84448004,
        .clidr = 0x0a200023, .dczid = 4,
        .pfr0 = PFR0_EL01_AARCH64, .dfr0 = DFR0_DEBUG8, .isar0 = ISAR0_V8_0,
        .mmfr0 = MMFR0_V8_0,
        .ccsidr = { 0x700fe01a, 0x201fe00a, 0x707fe07a },
    },
    {
        .name = "cortex-a57", .midr = 0x411fd070, .ctr = 0x8444c004,
        .clidr = 0x0a200023, .dczid = 4,
        .pfr0 = PFR0_EL01_AARCH64, .dfr0 = DFR0_DEBUG8, .isar0 = ISAR0_V8_0,
        .mmfr0 = MMFR0_V8_0 + 2, /* 44 bits */
        .ccsidr = { 0x701fe00a, 0x201fe012, 0x70ffe07a },
    },
    {
        .name = "max", .midr = 0x000f0510, .ctr = 0x80038003,
        .clidr = 0x0a200023, .dczid = 4,
        .pfr0 = PFR0_EL01_AARCH64, .dfr0 = DFR0_DEBUG8,
        /* LSE, FlagM */
        .isar0 = ISAR0_V8_0 | UINT64_C(2) << 20 | UINT64_C(1) << 52,
        .isar1 = UINT64_C(2) << 20, /* LRCPC2 */
        .mmfr0 = 0x00101125,        /* 48 bits, 16 KiB pages */
        .mmfr1 = UINT64_C(1) << 20, /* PAN */
        .ccsidr = { 0x701fe00a, 0x201fe012, 0x70ffe07a },
    },
};

const ArmModel *arm_model_find(const char *name)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(models); i++) {
        if (g_str_equal(models[i].name, name)) {
            return &models[i];
        }
    }
    return NULL;
}

void arm_model_help(GString *out)
{
    g_string_append(out, "Available CPUs:\n");
    for (unsigned i = 0; i < G_N_ELEMENTS(models); i++) {
        g_string_append_printf(out, "  %s\n", models[i].name);
    }
}

void arm_models(const CpuClass *cls, CpuModelFn *fn, void *opaque)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(models); i++) {
        fn(opaque, models[i].name);
    }
}

/* Models have no features that can be chosen. */
bool arm_model_expand(const CpuClass *cls, const char *model,
                      CpuFeatureFn *fn, void *opaque, Error **errp)
{
    if (!arm_model_find(model)) {
        error_set(errp, "The CPU type '%s' is not a recognized ARM CPU type",
                  model);
        return false;
    }
    return true;
}

/* ID_AA64MMFR0_EL1.PARange */
unsigned arm_phys_bits(const ArmCpu *cpu)
{
    static const uint8_t bits[] = { 32, 36, 40, 42, 44, 48 };
    return bits[MIN(cpu->model->mmfr0 & 15, G_N_ELEMENTS(bits) - 1)];
}

bool arm_has_pan(const ArmCpu *cpu)
{
    return bits_extract(cpu->model->mmfr1, 20, 4);
}
