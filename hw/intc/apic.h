/*
 * The local APIC's parts among themselves: apic.c (registers and priorities),
 * apic-timer.c, apic-bus.c (messages), and ioapic.c on the other end.
 */
#ifndef HW_INTC_APIC_H
#define HW_INTC_APIC_H

#include "base/bits.h"
#include "hw/apic.h"
#include "pins/x86.h"
#include "vm/machine.h"

/* Registers by offset / 16; x2APIC's numbers are 800h + these. */
enum {
    APIC_ID = 0x02, APIC_VERSION = 0x03, APIC_TPR = 0x08, APIC_APR = 0x09,
    APIC_PPR = 0x0a, APIC_EOI = 0x0b, APIC_RRD = 0x0c, APIC_LDR = 0x0d,
    APIC_DFR = 0x0e, APIC_SVR = 0x0f, APIC_ISR = 0x10, APIC_TMR = 0x18,
    APIC_IRR = 0x20, APIC_ESR = 0x28, APIC_ICR = 0x30, APIC_ICR_HIGH = 0x31,
    APIC_LVT = 0x32, APIC_INITIAL = 0x38, APIC_CURRENT = 0x39,
    APIC_DIVIDE = 0x3e, APIC_SELF_IPI = 0x3f
};

/* The local vector table, in the order of its registers. */
enum { LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR,
       LVT_COUNT };

#define LVT_VECTOR      0xffu
#define LVT_MODE_SHIFT  8
#define LVT_POLARITY    BIT(13)
#define LVT_REMOTE_IRR  BIT(14)
#define LVT_LEVEL       BIT(15)
#define LVT_MASKED      BIT(16)
#define LVT_TIMER_SHIFT 17         /* two bits: */
enum { TIMER_ONE_SHOT, TIMER_PERIODIC, TIMER_DEADLINE };

#define SVR_ENABLED     BIT(8)

#define BASE_BSP        BIT(8)
#define BASE_X2APIC     BIT(10)
#define BASE_ENABLED    BIT(11)

/* ESR */
#define ESR_SEND_VECTOR    BIT(5)
#define ESR_RECEIVE_VECTOR BIT(6)
#define ESR_REGISTER       BIT(7)

typedef uint32_t ApicVectors[8];
typedef uint32_t ApicLvt[LVT_COUNT];

#define APIC_STATE(_)                                                         \
    _(uint64_t, STATE_U64, base, 0, 1, "IA32_APIC_BASE")                      \
    _(uint8_t, STATE_U8, id, 0, 1, "id of xAPIC mode")                        \
    _(uint8_t, STATE_U8, tpr, 0, 1, "task priority")                          \
    _(uint8_t, STATE_U8, ldr, 0, 1, "logical destination of xAPIC mode")      \
    _(uint8_t, STATE_U8, dfr, 0xf, 1, "destination format: bits 31..28")      \
    _(uint32_t, STATE_U32, svr, 0xff, 1, "spurious interrupt vector")         \
    _(ApicVectors, STATE_U32, isr, 0, 1, "in service")                        \
    _(ApicVectors, STATE_U32, tmr, 0, 1, "level triggered")                   \
    _(ApicVectors, STATE_U32, irr, 0, 1, "requested")                         \
    _(uint8_t, STATE_U8, esr, 0, 1, "errors, as last read out")               \
    _(uint8_t, STATE_U8, errors, 0, 1, "errors since")                        \
    _(uint64_t, STATE_U64, icr, 0, 1, "interrupt command")                    \
    _(ApicLvt, STATE_U32, lvt, LVT_MASKED, 1, "local vector table")           \
    _(uint32_t, STATE_U32, initial, 0, 1, "timer: initial count")             \
    _(uint8_t, STATE_U8, divide, 0, 1, "timer: divide configuration")         \
    _(int64_t, STATE_TIME, start, 0, 1, "timer: when the count was loaded")   \
    _(int64_t, STATE_TIME, due, TIME_NEVER, 1, "timer: when it ends")         \
    _(uint64_t, STATE_U64, deadline, 0, 1, "timer: IA32_TSC_DEADLINE")        \
    _(bool, STATE_BOOL, lint0, 0, 1, "LINT0: INTR of the controller")

STATE_STRUCT(ApicState, APIC_STATE);

typedef struct Apic {
    Device dev;
    ApicState s;
    Device *bus;
    Cpu *cpu;
    uint32_t full_id;      /* of x2APIC mode; s.id at power-on */
    Timer timer;
    int (*pic_ack)(void *opaque);
    void *pic;
} Apic;

static inline bool apic_is_on(const Apic *a)
{
    return a->s.base & BASE_ENABLED;
}

static inline bool apic_is_x2(const Apic *a)
{
    return apic_is_on(a) && (a->s.base & BASE_X2APIC);
}

/* --- apic.c ------------------------------------------------------------------ */

/* A register by number; false: there is none. */
bool apic_read(Apic *a, unsigned reg, uint32_t *v);
bool apic_write(Apic *a, unsigned reg, uint32_t v);
/* A message that names this APIC has arrived. */
void apic_receive(Apic *a, const ApicMessage *msg);
/* An entry of the local vector table is triggered. */
void apic_local(Apic *a, unsigned entry);
/* Errors are noted, and told if the guest wants. */
void apic_error(Apic *a, uint8_t bits);
/* The processor's priority: interrupts of a higher class are taken. */
unsigned apic_ppr(const Apic *a);
/* The logical destination register, as this mode has it. */
uint32_t apic_ldr(const Apic *a);

/* --- apic-timer.c -------------------------------------------------------------- */

void apic_timer_init(Apic *a);
/* Counts from initial again, or stops if that is 0 or the mode another. */
void apic_timer_load(Apic *a);
/* Mode or divider changed. */
void apic_timer_changed(Apic *a, uint32_t old_lvt);
uint32_t apic_timer_current(const Apic *a);
/* IA32_TSC_DEADLINE is written, or time stamps jumped: armed anew. */
void apic_timer_set_deadline(Apic *a, uint64_t tsc);
void apic_timer_rearm_deadline(Apic *a);

/* --- apic-bus.c ----------------------------------------------------------------- */

void apic_bus_add(Device *bus, Apic *a);
void apic_bus_add_ioapic(Device *bus, Device *ioapic);
/* What a local APIC sends by its interrupt command register. */
void apic_bus_command(Apic *from, uint64_t icr);

/* --- ioapic.c --------------------------------------------------------------------- */

void ioapic_eoi(Device *ioapic, uint8_t vector);

#endif
