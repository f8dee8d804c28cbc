/*
 * The local APIC: its registers, and which interrupt its processor takes. SDM
 * vol. 3, chapter "Advanced Programmable Interrupt Controller (APIC)"; section
 * names are that chapter's.
 *
 * Requests, those in service and the task priority are rows; whether INTR is
 * high follows from them and is driven after each change. The interrupt
 * controller of the ISA bus comes in at LINT0. As firmware has left it on every
 * PC, that is open on the boot processor from the start, so that a guest that
 * knows no APIC gets its interrupts.
 */
#include "apic.h"

#include "base/log.h"

/* 14h: an integrated APIC; bits 23..16: the last entry of the vector table. */
#define VERSION (0x14u | (LVT_COUNT - 1) << 16)

static STATE_TABLE(apic_state, "apic", 1, ApicState, APIC_STATE)

/* --- sets of vectors ---------------------------------------------------------- */

static void vector_set(uint32_t *set, unsigned vector, bool on)
{
    uint32_t bit = 1u << vector % 32;
    set[vector / 32] = on ? set[vector / 32] | bit : set[vector / 32] & ~bit;
}

static bool vector_in(const uint32_t *set, unsigned vector)
{
    return set[vector / 32] & (1u << vector % 32);
}

/* -1: the set is empty. */
static int highest(const uint32_t *set)
{
    for (int word = 7; word >= 0; word--) {
        if (set[word]) {
            return word * 32 + 31 - __builtin_clz(set[word]);
        }
    }
    return -1;
}

/* --- priorities ("Task and Processor Priorities") ------------------------------- */

unsigned apic_ppr(const Apic *a)
{
    int serving = MAX(highest(a->s.isr), 0);
    return a->s.tpr >> 4 >= serving >> 4 ? a->s.tpr : serving & 0xf0;
}

static bool works(const Apic *a)
{
    return apic_is_on(a) && (a->s.svr & SVR_ENABLED);
}

/* The vector that the processor would take; -1: none. */
static int deliverable(const Apic *a)
{
    int vector = works(a) ? highest(a->s.irr) : -1;
    return vector >= 0 && vector >> 4 > (int)(apic_ppr(a) >> 4) ? vector : -1;
}

static ApicMode lvt_mode(const Apic *a, unsigned entry)
{
    return (a->s.lvt[entry] >> LVT_MODE_SHIFT) & 7;
}

/* Whether the interrupt controller's INTR reaches the processor. */
static bool controller_asks(const Apic *a)
{
    bool open = !(a->s.lvt[LVT_LINT0] & LVT_MASKED) &&
                lvt_mode(a, LVT_LINT0) == APIC_EXTINT;
    return a->s.lint0 && (!apic_is_on(a) || open);
}

static void update(Apic *a)
{
    bool intr = deliverable(a) >= 0 || controller_asks(a);
    x86_pins(a->cpu)->set_intr(a->cpu, intr);
}

static int acknowledge(void *opaque)
{
    Apic *a = opaque;
    int vector = deliverable(a);
    if (vector >= 0) {
        vector_set(a->s.irr, vector, false);
        vector_set(a->s.isr, vector, true);
    } else if (controller_asks(a) && a->pic_ack) {
        vector = a->pic_ack(a->pic); /* which lowers LINT0, perhaps */
    } else {
        vector = a->s.svr & LVT_VECTOR; /* "Spurious Interrupt" */
    }
    update(a);
    return vector;
}

/* --- errors ---------------------------------------------------------------------- */

void apic_error(Apic *a, uint8_t bits)
{
    bool new_bits = bits & ~a->s.errors;
    a->s.errors |= bits;
    if (new_bits) {
        apic_local(a, LVT_ERROR);
    }
}

/* --- what arrives ------------------------------------------------------------------ */

static void request(Apic *a, uint8_t vector, bool level)
{
    if (vector < 16) {
        apic_error(a, ESR_RECEIVE_VECTOR);
        return;
    }
    vector_set(a->s.irr, vector, true);
    vector_set(a->s.tmr, vector, level);
    update(a);
}

void apic_receive(Apic *a, const ApicMessage *msg)
{
    const X86Pins *pins = x86_pins(a->cpu);
    switch (msg->mode) {
    case APIC_FIXED:
    case APIC_LOWEST:
        if (works(a)) {
            request(a, msg->vector, msg->level);
        }
        break;
    case APIC_SMI:
        pins->set_smi(a->cpu);
        break;
    case APIC_NMI:
        pins->set_nmi(a->cpu, true);
        pins->set_nmi(a->cpu, false);
        break;
    case APIC_INIT:
        pins->init(a->cpu);
        break;
    case APIC_STARTUP:
        pins->startup(a->cpu, msg->vector);
        break;
    case APIC_EXTINT:
    case APIC_RESERVED:
        guest_error("an interrupt message of mode %d is not delivered",
                    msg->mode);
    }
}

void apic_local(Apic *a, unsigned entry)
{
    uint32_t lvt = a->s.lvt[entry];
    if ((lvt & LVT_MASKED) || !apic_is_on(a)) {
        return;
    }
    ApicMessage msg = { .mode = lvt_mode(a, entry),
                        .vector = lvt & LVT_VECTOR };
    bool with_mode = entry == LVT_LINT0 || entry == LVT_LINT1 ||
                     entry == LVT_PERF || entry == LVT_THERMAL;
    msg.mode = with_mode ? msg.mode : APIC_FIXED;
    apic_receive(a, &msg);
}

/* Fixed and NMI entries are triggered by the rise. */
void apic_lint0(void *opaque, int n, bool level)
{
    Apic *a = opaque;
    bool rises = level && !a->s.lint0;
    a->s.lint0 = level;
    if (rises && apic_is_on(a) && lvt_mode(a, LVT_LINT0) != APIC_EXTINT) {
        apic_local(a, LVT_LINT0);
    }
    update(a);
}

void apic_lint1_pulse(Device *dev)
{
    Apic *a = (Apic *)dev;
    ApicMessage nmi = { .mode = APIC_NMI };
    if (apic_is_on(a)) {
        apic_local(a, LVT_LINT1);
    } else {
        apic_receive(a, &nmi);
    }
}

void apic_connect_pic(Device *dev, int (*ack)(void *opaque), void *pic)
{
    Apic *a = (Apic *)dev;
    a->pic_ack = ack;
    a->pic = pic;
}

/* --- registers ------------------------------------------------------------------------ */

static void end_of_interrupt(Apic *a)
{
    int vector = highest(a->s.isr);
    if (vector < 0) {
        return;
    }
    vector_set(a->s.isr, vector, false);
    update(a);
    if (vector_in(a->s.tmr, vector)) {
        apic_bus_eoi(a->bus, vector);
    }
}

uint32_t apic_ldr(const Apic *a)
{
    if (apic_is_x2(a)) { /* "Logical Destination Mode in x2APIC Mode" */
        return (a->full_id >> 4) << 16 | 1u << (a->full_id & 15);
    }
    return (uint32_t)a->s.ldr << 24;
}

static bool read_lvt(const Apic *a, unsigned reg, uint32_t *v)
{
    *v = a->s.lvt[reg - APIC_LVT];
    return true;
}

/* False: none of those that are one row each. */
static bool read_row(const Apic *a, unsigned reg, uint32_t *v)
{
    const ApicState *s = &a->s;
    switch (reg) {
    case APIC_ID:
        *v = apic_is_x2(a) ? a->full_id : (uint32_t)s->id << 24;
        return true;
    case APIC_VERSION:
        *v = VERSION;
        return true;
    case APIC_TPR:
        *v = s->tpr;
        return true;
    case APIC_APR:
        *v = 0; /* no arbitration here */
        return !apic_is_x2(a);
    case APIC_PPR:
        *v = apic_ppr(a);
        return true;
    case APIC_LDR:
        *v = apic_ldr(a);
        return true;
    case APIC_DFR:
        *v = (uint32_t)s->dfr << 28 | 0x0fffffff;
        return !apic_is_x2(a);
    case APIC_SVR:
        *v = s->svr;
        return true;
    case APIC_ESR:
        *v = s->esr;
        return true;
    case APIC_ICR:
        *v = s->icr;
        return true;
    case APIC_ICR_HIGH:
        *v = s->icr >> 32;
        return !apic_is_x2(a);
    case APIC_INITIAL:
        *v = s->initial;
        return true;
    case APIC_CURRENT:
        *v = apic_timer_current(a);
        return true;
    case APIC_DIVIDE:
        *v = s->divide;
        return true;
    }
    return false;
}

bool apic_read(Apic *a, unsigned reg, uint32_t *v)
{
    *v = 0;
    if (reg >= APIC_ISR && reg < APIC_ESR) {
        const uint32_t *sets[] = { a->s.isr, a->s.tmr, a->s.irr };
        *v = sets[(reg - APIC_ISR) / 8][reg % 8];
        return true;
    }
    if (reg >= APIC_LVT && reg < APIC_LVT + LVT_COUNT) {
        return read_lvt(a, reg, v);
    }
    return read_row(a, reg, v);
}

/* "Local APIC State After It Has Been Software Disabled": all are masked. */
static void write_svr(Apic *a, uint32_t v)
{
    a->s.svr = v & 0x1ff;
    for (unsigned i = 0; i < LVT_COUNT && !(v & SVR_ENABLED); i++) {
        a->s.lvt[i] |= LVT_MASKED;
    }
}

static void write_lvt(Apic *a, unsigned entry, uint32_t v)
{
    static const uint32_t writable[LVT_COUNT] = {
        [LVT_TIMER] = 0x700ff, [LVT_THERMAL] = 0x107ff, [LVT_PERF] = 0x107ff,
        [LVT_LINT0] = 0x1a7ff, [LVT_LINT1] = 0x1a7ff, [LVT_ERROR] = 0x100ff,
    };
    uint32_t old = a->s.lvt[entry];
    v &= writable[entry];
    if (!(a->s.svr & SVR_ENABLED)) {
        v |= LVT_MASKED;
    }
    a->s.lvt[entry] = v;
    if (entry == LVT_TIMER) {
        apic_timer_changed(a, old);
    }
}

static bool write_mode_register(Apic *a, unsigned reg, uint32_t v)
{
    if (apic_is_x2(a)) {
        return false;
    }
    switch (reg) {
    case APIC_ID:
        a->s.id = v >> 24;
        return true;
    case APIC_LDR:
        a->s.ldr = v >> 24;
        return true;
    case APIC_DFR:
        a->s.dfr = v >> 28;
        return true;
    case APIC_ICR_HIGH:
        a->s.icr = (uint32_t)a->s.icr | (uint64_t)v << 32;
        return true;
    }
    return false;
}

static bool write_row(Apic *a, unsigned reg, uint32_t v)
{
    ApicState *s = &a->s;
    switch (reg) {
    case APIC_TPR:
        s->tpr = v;
        return true;
    case APIC_EOI:
        end_of_interrupt(a);
        return true;
    case APIC_SVR:
        write_svr(a, v);
        return true;
    case APIC_ESR:
        s->esr = s->errors;
        s->errors = 0;
        return true;
    case APIC_ICR:
        s->icr = (s->icr & ~(uint64_t)UINT32_MAX) | (v & 0xccfff);
        apic_bus_command(a, s->icr);
        return true;
    case APIC_INITIAL:
        s->initial = v;
        apic_timer_load(a);
        return true;
    case APIC_DIVIDE:
        s->divide = v & 0xb;
        apic_timer_load(a);
        return true;
    }
    return write_mode_register(a, reg, v);
}

bool apic_write(Apic *a, unsigned reg, uint32_t v)
{
    bool known = true;
    if (reg >= APIC_LVT && reg < APIC_LVT + LVT_COUNT) {
        write_lvt(a, reg - APIC_LVT, v);
    } else {
        known = write_row(a, reg, v);
    }
    update(a);
    return known;
}

/* --- for the processor (pins/x86.h) ---------------------------------------------------- */

static unsigned get_cr8(void *opaque)
{
    return ((Apic *)opaque)->s.tpr >> 4;
}

static void set_cr8(void *opaque, unsigned priority)
{
    Apic *a = opaque;
    a->s.tpr = priority << 4;
    update(a);
}

enum { MSR_BASE = 0x1b, MSR_DEADLINE = 0x6e0, MSR_X2APIC = 0x800 };

static bool read_x2(Apic *a, unsigned reg, uint64_t *v)
{
    uint32_t word;
    if (!apic_is_x2(a) || reg == APIC_EOI || reg == APIC_SELF_IPI ||
        !apic_read(a, reg, &word)) {
        return false;
    }
    *v = reg == APIC_ICR ? a->s.icr : word;
    return true;
}

static bool rdmsr(void *opaque, uint32_t number, uint64_t *v)
{
    Apic *a = opaque;
    switch (number) {
    case MSR_BASE:
        *v = a->s.base;
        return true;
    case MSR_DEADLINE:
        *v = a->s.deadline;
        return true;
    }
    return read_x2(a, number - MSR_X2APIC, v);
}

/* "x2APIC State Transitions": on, off, x2APIC mode; the base stays. */
static bool write_base(Apic *a, uint64_t v)
{
    uint64_t modes = BASE_ENABLED | BASE_X2APIC;
    uint64_t now = a->s.base & modes, next = v & modes;
    bool leaves_x2 = (now & BASE_X2APIC) && next == BASE_ENABLED;
    bool from_off = !now && next == modes;
    if (next == BASE_X2APIC || leaves_x2 || from_off ||
        (v & ~(modes | BASE_BSP)) != APIC_BASE) {
        return false;
    }
    a->s.base = next | APIC_BASE | (a->s.base & BASE_BSP);
    update(a);
    return true;
}

static bool write_x2(Apic *a, unsigned reg, uint64_t v)
{
    if (!apic_is_x2(a) || (reg != APIC_ICR && v >> 32)) {
        return false;
    }
    switch (reg) {
    case APIC_ICR:
        a->s.icr = v & UINT64_C(0xffffffff000ccfff);
        apic_bus_command(a, a->s.icr);
        return true;
    case APIC_SELF_IPI:
        request(a, v, false);
        return true;
    case APIC_EOI:
    case APIC_ESR:
        return !v && apic_write(a, reg, v);
    }
    return apic_write(a, reg, v);
}

static bool wrmsr(void *opaque, uint32_t number, uint64_t v)
{
    Apic *a = opaque;
    switch (number) {
    case MSR_BASE:
        return write_base(a, v);
    case MSR_DEADLINE:
        apic_timer_set_deadline(a, v);
        return true;
    }
    return write_x2(a, number - MSR_X2APIC, v);
}

static void tsc_moved(void *opaque)
{
    apic_timer_rearm_deadline(opaque);
}

static bool enabled(void *opaque)
{
    return apic_is_on(opaque);
}

static uint32_t full_id(void *opaque)
{
    return ((Apic *)opaque)->full_id;
}

/* --- the device ----------------------------------------------------------------------------- */

static void power_on(Apic *a)
{
    bool boots = a->cpu->index == 0;
    a->s.base = APIC_BASE | BASE_ENABLED | (boots ? BASE_BSP : 0);
    a->s.id = a->full_id;
    if (boots) {
        a->s.lvt[LVT_LINT0] = APIC_EXTINT << LVT_MODE_SHIFT;
    }
}

static void apic_reset(Device *dev)
{
    Apic *a = (Apic *)dev;
    power_on(a);
    x86_pins(a->cpu)->set_intr(a->cpu, false);
}

/* "Local APIC State After an INIT Reset": the id, the mode and what is wired
 * stay. */
static void receive_init(void *opaque)
{
    Apic *a = opaque;
    ApicState old = a->s;
    timer_cancel(&a->timer);
    state_reset(apic_state(), &a->s);
    power_on(a);
    a->s.id = old.id;
    a->s.base = old.base;
    a->s.lint0 = old.lint0;
    update(a);
}

static const X86ApicOps apic_ops = {
    .acknowledge = acknowledge,
    .cr8 = get_cr8,
    .set_cr8 = set_cr8,
    .rdmsr = rdmsr,
    .wrmsr = wrmsr,
    .init = receive_init,
    .tsc_moved = tsc_moved,
    .enabled = enabled,
    .id = full_id,
};

Device *apic_new(Device *bus, Cpu *cpu)
{
    Device *dev = device_new(bus->machine, &apic_class, NULL);
    Apic *a = (Apic *)dev;
    a->bus = bus;
    a->cpu = cpu;
    a->full_id = x86_apic_id(&bus->machine->config.smp, cpu->index);
    apic_timer_init(a);
    bool ok = device_realize(dev, NULL);
    g_assert(ok);
    apic_bus_add(bus, a);
    x86_pins(cpu)->connect_apic(cpu, &apic_ops, a);
    return dev;
}

static bool apic_realize(Device *dev, Error **errp)
{
    return true;
}

/* --- info lapic ------------------------------------------------------------------------------ */

static void print_vectors(GString *out, const char *name, const uint32_t *set)
{
    g_string_append_printf(out, "%s\t", name);
    unsigned count = 0;
    for (unsigned v = 0; v < 256; v++) {
        if (vector_in(set, v)) {
            g_string_append_printf(out, " %u", v);
            count++;
        }
    }
    g_string_append(out, count ? "\n" : " (none)\n");
}

static void print_lvt(GString *out, const Apic *a, unsigned entry)
{
    static const char *const names[LVT_COUNT] = {
        "LVTT", "LVTTHMR", "LVTPC", "LVT0", "LVT1", "LVTERR"
    };
    static const char *const modes[] = {
        "Fixed", "LowestPrio", "SMI", "...", "NMI", "INIT", "SIPI", "ExtINT"
    };
    uint32_t v = a->s.lvt[entry];
    g_string_append_printf(out, "%s\t 0x%08x active-%s %s %s%s (vec %u)\n",
                           names[entry], v, v & LVT_POLARITY ? "lo" : "hi",
                           v & LVT_LEVEL ? "level" : "edge",
                           v & LVT_MASKED ? "masked " : "",
                           modes[lvt_mode(a, entry)], v & LVT_VECTOR);
}

void apic_print(Device *dev, GString *out)
{
    const Apic *a = (Apic *)dev;
    const ApicState *s = &a->s;
    g_string_append_printf(out, "dumping local APIC state for CPU %d\n\n",
                           a->cpu->index);
    for (unsigned i = LVT_COUNT; i-- > 0;) {
        print_lvt(out, a, i);
    }
    g_string_append_printf(
        out, "Timer\t DCR=0x%x initial_count = %u current_count = %u\n"
        "SPIV\t 0x%08x APIC %s, spurious vec %u\nICR\t 0x%08x\n"
        "ESR\t 0x%08x\n", s->divide, s->initial, apic_timer_current(a),
        s->svr, works(a) ? "enabled" : "disabled", s->svr & LVT_VECTOR,
        (uint32_t)s->icr, s->esr);
    print_vectors(out, "ISR", s->isr);
    print_vectors(out, "IRR", s->irr);
    g_string_append_printf(out, "\nAPR 0x00 TPR 0x%02x DFR 0x%02x LDR 0x%02x "
                           "PPR 0x%02x\n", s->tpr, s->dfr, s->ldr,
                           apic_ppr(a));
}

const DeviceClass apic_class = {
    .name = "apic",
    .desc = "local APIC of a vCPU",
    .category = "Misc",
    .size = sizeof(Apic),
    .state_offset = offsetof(Apic, s),
    .state = apic_state,
    .realize = apic_realize,
    .reset = apic_reset,
    .info_word = "lapic",
    .info = apic_print,
};
