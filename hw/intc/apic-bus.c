/*
 * The bus between local APICs, I/O APICs and functions that signal by message:
 * who is meant by a destination, and the window at FEE00000h in which a
 * processor sees its own APIC and everybody else's stores are messages.
 *
 * One window serves all processors: an access is that of the vCPU whose turn
 * it is. A store that no register answers to is a message ("Message Address
 * Register Format"), as a function's always is.
 */
#include "apic.h"

#include "base/log.h"
#include "vm/turn.h"

typedef struct ApicBus {
    Device dev;
    GPtrArray *apics;      /* Apic *, by the number of the vCPU */
    GPtrArray *ioapics;    /* Device * */
    MemRegion window;
} ApicBus;

static Apic *nth(const ApicBus *b, guint n)
{
    return g_ptr_array_index(b->apics, n);
}

/* --- destinations ("Determining IPI Destination") ---------------------------------- */

#define BROADCAST    0xffu
#define BROADCAST_X2 0xffffffffu

static bool named_logically(const Apic *a, uint32_t dest)
{
    uint32_t ldr = apic_ldr(a);
    if (apic_is_x2(a)) {
        return ldr >> 16 == dest >> 16 && (ldr & dest & 0xffff);
    }
    ldr >>= 24;
    if (a->s.dfr == 0xf) {
        return ldr & dest & 0xff;
    }
    /* Clusters of four. */
    return ((dest & 0xf0) == 0xf0 || (dest & 0xf0) == (ldr & 0xf0)) &&
           (ldr & dest & 0xf);
}

static bool is_named(const Apic *a, const ApicMessage *msg)
{
    bool x2 = apic_is_x2(a);
    if (!apic_is_on(a)) {
        return false;
    }
    if (msg->dest == BROADCAST_X2 || (!x2 && msg->dest == BROADCAST)) {
        return true;
    }
    if (msg->logical) {
        return named_logically(a, msg->dest);
    }
    return msg->dest == (x2 ? a->full_id : a->s.id);
}

/* The one of those named with the least to do. */
static void send_to_lowest(ApicBus *b, const ApicMessage *msg)
{
    Apic *best = NULL;
    for (guint i = 0; i < b->apics->len; i++) {
        Apic *a = nth(b, i);
        if (is_named(a, msg) && (a->s.svr & SVR_ENABLED) &&
            (!best || apic_ppr(a) < apic_ppr(best))) {
            best = a;
        }
    }
    if (best) {
        apic_receive(best, msg);
    }
}

void apic_bus_send(Device *bus, const ApicMessage *msg)
{
    ApicBus *b = (ApicBus *)bus;
    if (msg->mode == APIC_LOWEST) {
        send_to_lowest(b, msg);
        return;
    }
    for (guint i = 0; i < b->apics->len; i++) {
        if (is_named(nth(b, i), msg)) {
            apic_receive(nth(b, i), msg);
        }
    }
}

void apic_bus_eoi(Device *bus, uint8_t vector)
{
    const ApicBus *b = (ApicBus *)bus;
    for (guint i = 0; i < b->ioapics->len; i++) {
        ioapic_eoi(g_ptr_array_index(b->ioapics, i), vector);
    }
}

/* --- the interrupt command register --------------------------------------------------- */

enum { TO_DEST, TO_SELF, TO_ALL, TO_OTHERS };

static void send_to_many(ApicBus *b, Apic *from, const ApicMessage *msg,
                         bool self)
{
    for (guint i = 0; i < b->apics->len; i++) {
        Apic *a = nth(b, i);
        if (apic_is_on(a) && (self || a != from)) {
            apic_receive(a, msg);
        }
    }
}

void apic_bus_command(Apic *from, uint64_t icr)
{
    ApicBus *b = (ApicBus *)from->bus;
    ApicMessage msg = { .dest = apic_is_x2(from) ? icr >> 32 : icr >> 56,
                        .logical = icr & BIT(11),
                        .mode = icr >> 8 & 7, .vector = icr };
    bool deassert = (icr & BIT(15)) && !(icr & BIT(14));
    if (msg.mode == APIC_INIT && deassert) {
        return; /* sets arbitration ids, which there are none of */
    }
    if (msg.mode <= APIC_LOWEST && msg.vector < 16) {
        apic_error(from, ESR_SEND_VECTOR);
        return;
    }
    switch (icr >> 18 & 3) {
    case TO_DEST:
        apic_bus_send(from->bus, &msg);
        break;
    case TO_SELF:
        apic_receive(from, &msg);
        break;
    case TO_ALL:
    case TO_OTHERS:
        send_to_many(b, from, &msg, (icr >> 18 & 3) == TO_ALL);
    }
}

/* --- the window ------------------------------------------------------------------------- */

static Apic *present_apic(const ApicBus *b)
{
    const Cpu *cpu = b->apics->len ? machine_cpu(b->dev.machine) : NULL;
    Apic *a = cpu ? nth(b, cpu->index) : NULL;
    return a && apic_is_on(a) && !apic_is_x2(a) ? a : NULL;
}

static uint64_t window_read(void *opaque, PhysAddr offset, unsigned size)
{
    Apic *a = present_apic(opaque);
    uint32_t v = UINT32_MAX;
    if (a && offset < PAGE_SIZE && !(offset & 15) &&
        !apic_read(a, offset >> 4, &v)) {
        apic_error(a, ESR_REGISTER);
    }
    return v;
}

/* Figures "Layout of the MSI Message Address Register" and "… Data". */
static void message(ApicBus *b, PhysAddr offset, uint32_t data)
{
    ApicMessage msg = { .dest = offset >> 12 & 0xff,
                        .logical = offset & BIT(2),
                        .level = (data & BIT(15)) && (data & BIT(14)),
                        .mode = data >> 8 & 7, .vector = data };
    apic_bus_send(&b->dev, &msg);
}

static void window_write(void *opaque, PhysAddr offset, uint64_t v,
                         unsigned size)
{
    ApicBus *b = opaque;
    if (offset >= PAGE_SIZE || offset < 16) {
        message(b, offset, v);
        return;
    }
    Apic *a = present_apic(b);
    if (a && !(offset & 15) && !apic_write(a, offset >> 4, v)) {
        apic_error(a, ESR_REGISTER);
    }
}

static const MemOps window_ops = { window_read, window_write, 4, 4 };

/* --- the device ---------------------------------------------------------------------------- */

void apic_bus_add(Device *bus, Apic *a)
{
    ApicBus *b = (ApicBus *)bus;
    g_assert(a->cpu->index == (int)b->apics->len);
    g_ptr_array_add(b->apics, a);
}

void apic_bus_add_ioapic(Device *bus, Device *ioapic)
{
    g_ptr_array_add(((ApicBus *)bus)->ioapics, ioapic);
}

static bool bus_realize(Device *dev, Error **errp)
{
    ApicBus *b = (ApicBus *)dev;
    b->apics = g_ptr_array_new();
    b->ioapics = g_ptr_array_new();
    mem_init_io(&b->window, "apic-msi", APIC_MSI_SIZE, &window_ops, b);
    mem_add(&dev->machine->memory_root, APIC_BASE, &b->window, 1);
    return true;
}

static void bus_unrealize(Device *dev)
{
    ApicBus *b = (ApicBus *)dev;
    g_ptr_array_free(b->apics, TRUE);
    g_ptr_array_free(b->ioapics, TRUE);
}

const DeviceClass apic_bus_class = {
    .name = "apic-bus",
    .desc = "interrupt messages",
    .category = "Misc",
    .size = sizeof(ApicBus),
    .state_offset = offsetof(ApicBus, dev),
    .state = state_none,
    .realize = bus_realize,
    .unrealize = bus_unrealize,
};
