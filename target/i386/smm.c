/*
 * System management mode: SDM vol. 3, chapter 31; the 64-bit save area is that
 * of AMD64 Architecture Programmer's Manual vol. 2, 10.2.3, which firmware
 * expects of a processor with long mode (revision 0x20064).
 */
#include "base/log.h"
#include "cpuid.h"
#include "show.h"
#include "sys.h"

#define REVISION_32 0x00020000u
#define REVISION_64 0x00020064u
#define STATE_AREA  0x8000u     /* offsets below are from SMBASE + 0x8000 */

static void put(X86Cpu *cpu, uint32_t at, unsigned size, uint64_t v)
{
    address_space_st(cpu->parent.cls->memory(&cpu->parent),
                     (uint64_t)cpu->s.smbase + STATE_AREA + at, v, size);
}

static uint64_t get(X86Cpu *cpu, uint32_t at, unsigned size)
{
    return address_space_ld(cpu->parent.cls->memory(&cpu->parent),
                            (uint64_t)cpu->s.smbase + STATE_AREA + at, size);
}

/* A register and its place in a save area. */
typedef struct Slot {
    uint16_t at;
    uint8_t size;
    uint16_t offset;       /* in X86State */
} Slot;

#define S(at, size, member) { at, size, offsetof(X86State, member) }

static const Slot slots_64[] = {
    S(0x7ed0, 8, efer), S(0x7f48, 8, cr[4]), S(0x7f50, 8, cr[3]),
    S(0x7f58, 8, cr[0]), S(0x7f60, 8, dr[7]), S(0x7f68, 8, dr[6]),
    S(0x7f78, 8, rip), S(0x7f80, 8, gpr[15]), S(0x7f88, 8, gpr[14]),
    S(0x7f90, 8, gpr[13]), S(0x7f98, 8, gpr[12]), S(0x7fa0, 8, gpr[11]),
    S(0x7fa8, 8, gpr[10]), S(0x7fb0, 8, gpr[9]), S(0x7fb8, 8, gpr[8]),
    S(0x7fc0, 8, gpr[7]), S(0x7fc8, 8, gpr[6]), S(0x7fd0, 8, gpr[5]),
    S(0x7fd8, 8, gpr[4]), S(0x7fe0, 8, gpr[3]), S(0x7fe8, 8, gpr[2]),
    S(0x7ff0, 8, gpr[1]), S(0x7ff8, 8, gpr[0]),
    S(0x7e64, 4, gdt_limit), S(0x7e68, 8, gdt_base),
    S(0x7e84, 4, idt_limit), S(0x7e88, 8, idt_base),
    S(0x7e70, 2, ldt_sel), S(0x7e74, 4, ldt_limit), S(0x7e78, 8, ldt_base),
    S(0x7e90, 2, tr_sel), S(0x7e94, 4, tr_limit), S(0x7e98, 8, tr_base),
};

/* Documented places above 0x7fa0; the hidden parts of segments in an area
 * that the manual leaves to the model. */
static const Slot slots_32[] = {
    S(0x7ffc, 4, cr[0]), S(0x7ff8, 4, cr[3]), S(0x7ff0, 4, rip),
    S(0x7fec, 4, gpr[7]), S(0x7fe8, 4, gpr[6]), S(0x7fe4, 4, gpr[5]),
    S(0x7fe0, 4, gpr[4]), S(0x7fdc, 4, gpr[3]), S(0x7fd8, 4, gpr[2]),
    S(0x7fd4, 4, gpr[1]), S(0x7fd0, 4, gpr[0]), S(0x7fcc, 4, dr[6]),
    S(0x7fc8, 4, dr[7]), S(0x7fc4, 2, tr_sel), S(0x7fc0, 2, ldt_sel),
    S(0x7f98, 4, gdt_base), S(0x7f94, 4, gdt_limit), S(0x7f90, 4, idt_base),
    S(0x7f8c, 4, idt_limit), S(0x7f88, 4, tr_base), S(0x7f84, 4, tr_limit),
    S(0x7f80, 4, ldt_base), S(0x7f7c, 4, ldt_limit), S(0x7f78, 4, cr[4]),
};

/* Members of X86State are 2, 4 or 8 bytes; a slot may be narrower. */
static unsigned member_size(const Slot *slot)
{
    return slot->size == 2 ? 2 : slot->offset == offsetof(X86State, gdt_limit) ||
           slot->offset == offsetof(X86State, idt_limit) ||
           slot->offset == offsetof(X86State, ldt_limit) ||
           slot->offset == offsetof(X86State, tr_limit) ? 4 : 8;
}

static void move_slots(X86Cpu *cpu, const Slot *slots, size_t count, bool save)
{
    for (size_t i = 0; i < count; i++) {
        char *member = (char *)&cpu->s + slots[i].offset;
        uint64_t v = 0;
        if (save) {
            memcpy(&v, member, member_size(&slots[i]));
            put(cpu, slots[i].at, slots[i].size, v);
        } else {
            v = get(cpu, slots[i].at, slots[i].size);
            memcpy(member, &v, member_size(&slots[i]));
        }
    }
}

static bool format_64(const X86Cpu *cpu)
{
    return cpuid_has_long_mode(cpu);
}

/* Attributes are kept in the AMD form: bits 8..15 and 20..23, together. */
static uint16_t pack_attr(uint32_t attr)
{
    return ((attr >> 8) & 0xff) | ((attr >> 12) & 0xf00);
}

static uint32_t unpack_attr(uint16_t packed)
{
    return (packed & 0xffu) << 8 | (packed & 0xf00u) << 12;
}

static void save_segments(X86Cpu *cpu)
{
    X86State *s = &cpu->s;
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        if (format_64(cpu)) {
            uint32_t at = 0x7e00 + 16 * i;
            put(cpu, at, 2, s->seg_sel[i]);
            put(cpu, at + 2, 2, pack_attr(s->seg_attr[i]));
            put(cpu, at + 4, 4, s->seg_limit[i]);
            put(cpu, at + 8, 8, s->seg_base[i]);
        } else {
            uint32_t at = 0x7f04 + 12 * i;
            put(cpu, 0x7fa8 + 4 * i, 4, s->seg_sel[i]);
            put(cpu, at, 4, s->seg_base[i]);
            put(cpu, at + 4, 4, s->seg_limit[i]);
            put(cpu, at + 8, 4, s->seg_attr[i]);
        }
    }
}

static void load_segments(X86Cpu *cpu)
{
    X86State *s = &cpu->s;
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        if (format_64(cpu)) {
            uint32_t at = 0x7e00 + 16 * i;
            s->seg_sel[i] = get(cpu, at, 2);
            s->seg_attr[i] = unpack_attr(get(cpu, at + 2, 2));
            s->seg_limit[i] = get(cpu, at + 4, 4);
            s->seg_base[i] = get(cpu, at + 8, 8);
        } else {
            uint32_t at = 0x7f04 + 12 * i;
            s->seg_sel[i] = get(cpu, 0x7fa8 + 4 * i, 4);
            s->seg_base[i] = get(cpu, at, 4);
            s->seg_limit[i] = get(cpu, at + 4, 4);
            s->seg_attr[i] = get(cpu, at + 8, 4) & 0x00f0ff00;
        }
    }
}

/* As in an interrupt's frame (17.3.1.1). */
static uint32_t saved_flags(X86Cpu *cpu)
{
    return x86_eflags(cpu) | (cpu->s.in_rep ? FLAG_RF : 0);
}

static void save_state(X86Cpu *cpu)
{
    X86State *s = &cpu->s;
    bool halted = s->halted && !s->mwait_any; /* MWAIT is over */
    save_segments(cpu);
    if (format_64(cpu)) {
        move_slots(cpu, slots_64, G_N_ELEMENTS(slots_64), true);
        put(cpu, 0x7e72, 2, pack_attr(s->ldt_attr));
        put(cpu, 0x7e92, 2, pack_attr(s->tr_attr));
        put(cpu, 0x7f70, 8, saved_flags(cpu));
        put(cpu, 0x7ec9, 1, halted);
        put(cpu, 0x7eca, 1, s->nmi_blocked);
        put(cpu, 0x7f00, 4, s->smbase);
        put(cpu, 0x7efc, 4, REVISION_64);
    } else {
        move_slots(cpu, slots_32, G_N_ELEMENTS(slots_32), true);
        put(cpu, 0x7f74, 2, pack_attr(s->ldt_attr));
        put(cpu, 0x7f76, 2, pack_attr(s->tr_attr));
        put(cpu, 0x7ff4, 4, saved_flags(cpu));
        put(cpu, 0x7f02, 2, halted);
        put(cpu, 0x7f70, 1, s->nmi_blocked);
        put(cpu, 0x7ef8, 4, s->smbase);
        put(cpu, 0x7efc, 4, REVISION_32);
    }
}

/* 31.5.1: the state in which the handler starts. */
static void initial_state(X86Cpu *cpu)
{
    X86State *s = &cpu->s;
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        s->seg_sel[i] = 0;
        s->seg_base[i] = 0;
        s->seg_limit[i] = UINT32_MAX;
        s->seg_attr[i] = DESC_G | DESC_P | DESC_S | DESC_W | DESC_A;
    }
    s->seg_sel[SEG_CS] = s->smbase >> 4;
    s->seg_base[SEG_CS] = s->smbase;
    s->rip = 0x8000;
    s->cr[0] &= ~(uint64_t)(CR0_PE | CR0_EM | CR0_TS | CR0_PG);
    s->cr[4] = 0;
    if (format_64(cpu)) { /* which has room for it */
        s->efer = 0;
    }
    s->dr[7] = 0x400;
    x86_set_eflags(cpu, 2);
}

void smm_enter(X86Cpu *cpu)
{
    log_printf(LOG_INT, "SMM: enter\n");
    cpu->s.in_smm = true;
    save_state(cpu);
    initial_state(cpu);
    cpu->s.nmi_blocked = true;
    cpu->s.halted = cpu->s.mwait_any = cpu->s.in_rep = false;
    debug_rearm(cpu);
    tlb_flush(&cpu->parent);
    x86_update_modes(cpu);
}

/* RSM refuses (shuts the CPU down) what could not have been saved. */
static bool state_valid(X86Cpu *cpu)
{
    uint64_t cr0 = get(cpu, format_64(cpu) ? 0x7f58 : 0x7ffc, 4);
    return !((cr0 & CR0_PG) && !(cr0 & CR0_PE)) &&
           !((cr0 & CR0_NW) && !(cr0 & CR0_CD));
}

uint64_t helper_rsm(Cpu *parent)
{
    X86Cpu *cpu = x86_cpu(parent);
    X86State *s = &cpu->s;
    if (!s->in_smm) {
        x86_raise(cpu, EXC_UD, -1);
    }
    if (!state_valid(cpu)) {
        s->shutdown = true;
        runstate_request_reset(parent->machine, CAUSE_GUEST_RESET);
        return 0;
    }
    bool wide = format_64(cpu);
    load_segments(cpu);
    uint32_t eflags = get(cpu, wide ? 0x7f70 : 0x7ff4, 4);
    s->halted = wide ? get(cpu, 0x7ec9, 1) & 1 : get(cpu, 0x7f02, 2) & 1;
    s->ldt_attr = unpack_attr(get(cpu, wide ? 0x7e72 : 0x7f74, 2));
    s->tr_attr = unpack_attr(get(cpu, wide ? 0x7e92 : 0x7f76, 2));
    uint32_t smbase = get(cpu, wide ? 0x7f00 : 0x7ef8, 4);
    if (wide) {
        move_slots(cpu, slots_64, G_N_ELEMENTS(slots_64), false);
    } else {
        move_slots(cpu, slots_32, G_N_ELEMENTS(slots_32), false);
    }
    s->smbase = smbase;
    s->in_smm = false;
    s->nmi_blocked = get(cpu, wide ? 0x7eca : 0x7f70, 1) & 1;
    tlb_flush(parent);
    mmu_load_pdptes(cpu);
    x86_set_eflags(cpu, (eflags & 0x3f7fd7) | 2);
    debug_rearm(cpu);
    x86_update_modes(cpu);
    log_printf(LOG_INT, "SMM: leave\n");
    return 0;
}
