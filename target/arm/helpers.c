/*
 * Helpers of translated code that belong to no other part: arithmetic,
 * exclusive stores, waiting, PSTATE, caches; and the table of all.
 */
#include "base/bits.h"
#include "sysreg.h"
#include "vm/turn.h"

/* --- arithmetic: pure ----------------------------------------------------- */

/* By zero is zero (C6.2.413). */
uint64_t helper_udiv(Cpu *cpu, uint64_t a, uint64_t b, uint64_t bytes)
{
    return b ? a / b : 0;
}

uint64_t helper_sdiv(Cpu *cpu, uint64_t a, uint64_t b, uint64_t bytes)
{
    int64_t x = bytes == 8 ? (int64_t)a : (int32_t)a;
    int64_t y = bytes == 8 ? (int64_t)b : (int32_t)b;
    return !y ? 0 : y == -1 ? -(uint64_t)x : (uint64_t)(x / y);
}

static uint64_t crc(uint32_t crc, uint64_t v, unsigned bytes, uint32_t poly)
{
    for (unsigned i = 0; i < bytes; i++) {
        crc ^= v >> 8 * i & 0xff;
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? poly : 0);
        }
    }
    return crc;
}

uint64_t helper_crc32(Cpu *cpu, uint64_t old, uint64_t v, uint64_t bytes)
{
    return crc(old, v, bytes, 0xedb88320);
}

uint64_t helper_crc32c(Cpu *cpu, uint64_t old, uint64_t v, uint64_t bytes)
{
    return crc(old, v, bytes, 0x82f63b78);
}

/* --- exclusive stores (B2.9) ---------------------------------------------- */

/* how: size and MMU mode as an IrMem, and bit 32 for big-endian data. */
static uint64_t in_order(uint64_t v, uint64_t how, unsigned bytes)
{
    return how & BIT(32) && bytes > 1 ? __builtin_bswap64(v) >> (64 - 8 * bytes)
                                      : v;
}

/* The local monitor was set by a load of as many bytes from here. Whether memory
 * still has what that found is asked apart. */
static bool monitor_holds(ArmCpu *cpu, uint64_t va, unsigned bytes)
{
    return cpu->s.exclusive && cpu->s.excl_addr == va &&
           cpu->s.excl_bytes == bytes;
}

static bool word_is_unchanged(ArmCpu *cpu, uint64_t va, uint64_t how,
                              unsigned bytes, unsigned n)
{
    uint64_t now = cpu_ld(&cpu->parent, va, bytes,
                          ir_mem_access(how) | MMU_UPDATE);
    return in_order(now, how, bytes) == cpu->s.excl_value[n];
}

static void store_word(ArmCpu *cpu, uint64_t va, uint64_t v, uint64_t how,
                       unsigned bytes)
{
    cpu_st(&cpu->parent, va, in_order(v, how, bytes), bytes,
           ir_mem_access(how));
}

uint64_t helper_stxr(Cpu *parent, uint64_t va, uint64_t v, uint64_t how)
{
    ArmCpu *cpu = arm_cpu(parent);
    unsigned bytes = ir_mem_size(how);
    bool ok = monitor_holds(cpu, va, bytes) &&
              word_is_unchanged(cpu, va, how, bytes, 0);
    if (ok) {
        store_word(cpu, va, v, how, bytes);
    }
    cpu->s.exclusive = false;
    return !ok;
}

uint64_t helper_stxp(Cpu *parent, uint64_t va, uint64_t low, uint64_t high,
                     uint64_t how)
{
    ArmCpu *cpu = arm_cpu(parent);
    unsigned bytes = ir_mem_size(how);
    bool ok = monitor_holds(cpu, va, 2 * bytes) &&
              word_is_unchanged(cpu, va, how, bytes, 0) &&
              word_is_unchanged(cpu, va + bytes, how, bytes, 1);
    if (ok) {
        store_word(cpu, va, low, how, bytes);
        store_word(cpu, va + bytes, high, how, bytes);
    }
    cpu->s.exclusive = false;
    return !ok;
}

/* --- calls and waiting ---------------------------------------------------- */

uint64_t helper_hvc(Cpu *parent, uint64_t number)
{
    ArmCpu *cpu = arm_cpu(parent);
    if (!cpu->psci_hvc || !cpu->s.el) {
        arm_raise_undefined(cpu);
    }
    arm_psci(cpu);
    return 0;
}

/* WFE, and YIELD, give the turn away; an event wakes nobody who does not run.
 * SCTLR_EL1.nTWI and nTWE say whether EL0 may. */
uint64_t helper_wfi(Cpu *parent, uint64_t is_wfe)
{
    ArmCpu *cpu = arm_cpu(parent);
    uint64_t may = is_wfe ? SCTLR_NTWE : SCTLR_NTWI;
    if (!cpu->s.el && !(cpu->s.sctlr & may)) {
        arm_raise(cpu, EC_WF, 0x1e << 20 | is_wfe);
    }
    if (is_wfe) {
        turn_yield(parent->machine);
    } else {
        cpu->s.halted = !arm_has_work(parent);
    }
    return 0;
}

/* --- PSTATE and system registers ------------------------------------------ */

enum { FIELD_PAN = 0 << 3 | 4, FIELD_SPSEL = 0 << 3 | 5,
       FIELD_DAIF_SET = 3 << 3 | 6, FIELD_DAIF_CLEAR = 3 << 3 | 7 };

bool arm_pstate_field_is_known(unsigned which)
{
    return which == FIELD_PAN || which == FIELD_SPSEL ||
           which == FIELD_DAIF_SET || which == FIELD_DAIF_CLEAR;
}

uint64_t helper_msr_imm(Cpu *parent, uint64_t which, uint64_t v)
{
    ArmCpu *cpu = arm_cpu(parent);
    bool daif = which == FIELD_DAIF_SET || which == FIELD_DAIF_CLEAR;
    if (!cpu->s.el && !(daif && (cpu->s.sctlr & SCTLR_UMA))) {
        arm_raise_undefined(cpu);
    }
    if (which == FIELD_PAN && !arm_has_pan(cpu)) {
        arm_raise_undefined(cpu);
    } else if (which == FIELD_PAN) {
        cpu->s.pan = v & 1;
    } else if (which == FIELD_SPSEL) {
        arm_switch_sp(cpu, cpu->s.el, v & 1);
    } else if (which == FIELD_DAIF_SET) {
        cpu->s.daif |= v;
    } else {
        cpu->s.daif &= ~v;
    }
    arm_update_modes(cpu);
    return 0;
}

uint64_t helper_mrs(Cpu *cpu, uint64_t row, uint64_t key)
{
    return arm_sysreg_at(row)->read(arm_cpu(cpu), key);
}

uint64_t helper_msr(Cpu *cpu, uint64_t row, uint64_t v, uint64_t key)
{
    arm_sysreg_at(row)->write(arm_cpu(cpu), key, v);
    return 0;
}

/* --- caches and translations ---------------------------------------------- */

/* DC ZVA: the block that holds va; its first store faults or none does. */
uint64_t helper_dc_zva(Cpu *parent, uint64_t va, uint64_t how)
{
    ArmCpu *cpu = arm_cpu(parent);
    if (!cpu->s.el && !(cpu->s.sctlr & SCTLR_DZE)) {
        arm_raise_undefined(cpu);
    }
    unsigned bytes = 4u << (cpu->model->dczid & 15);
    uint64_t at = va & ~(uint64_t)(bytes - 1);
    for (unsigned i = 0; i < bytes; i += 8) {
        cpu_st(parent, at + i, 0, 8, ir_mem_access(how));
    }
    return 0;
}

/* AT S1E1R, S1E1W, S1E0R, S1E0W: op2 0 to 3. */
uint64_t helper_at(Cpu *parent, uint64_t op2, uint64_t va)
{
    ArmCpu *cpu = arm_cpu(parent);
    cpu->s.par = arm_translate_par(cpu, va, op2 & 1 ? MMU_STORE : MMU_LOAD,
                                   op2 & 2 ? MMU_EL0 : MMU_EL1);
    return 0;
}

/* --- the table ------------------------------------------------------------ */

#define ARM_HELPER(name, nargs, result, effects, what) \
    { #name, (void (*)(void))helper_##name, nargs, result, effects },

const IrHelper arm_helpers[ARM_HELPER_COUNT] = {
#include "helpers.def"
};
