/*
 * The 82574L's interrupts, 7.4: one pin, or five MSI-X messages whose vectors IVAR
 * chooses. They are told at once: the moderation timers only remember.
 */
#include "e1000e.h"

/* 10.2.4.9: four bits a cause, the highest says that it is in use. */
#define IVAR_VALID 8u

static const struct {
    uint32_t cause;
    unsigned shift;
} ivar[] = {
    { INT_RXQ0, 0 },      { INT_RXQ0 << 1, 4 }, { INT_TXQ0, 8 },
    { INT_TXQ0 << 1, 12 }, { INT_OTHER, 16 },
};

/* 7.4.4: what a message says, it clears (EIAC) and masks (IAM). */
static void send_message(E1000e *d, unsigned n)
{
    unsigned entry = *e1000e_reg(d, E_IVAR) >> ivar[n].shift & 15;
    uint32_t cause = ivar[n].cause;

    if (!(entry & IVAR_VALID)) {
        return;
    }
    *e1000e_reg(d, E_ICR) &= ~(cause & *e1000e_reg(d, E_EIAC));
    if (*e1000e_reg(d, E_CTRL_EXT) & CTRL_EXT_EIAME) {
        *e1000e_reg(d, E_IMS) &= ~(cause & *e1000e_reg(d, E_IAM));
    }
    pci_msix_send(&d->pci, entry & ~IVAR_VALID);
}

static void send_messages(E1000e *d)
{
    for (unsigned n = 0; n < G_N_ELEMENTS(ivar); n++) {
        uint32_t now = *e1000e_reg(d, E_ICR) & *e1000e_reg(d, E_IMS);
        if (now & ~d->s.told & ivar[n].cause) {
            d->s.told |= ivar[n].cause;
            send_message(d, n);
        }
    }
    d->s.told &= *e1000e_reg(d, E_ICR) & *e1000e_reg(d, E_IMS);
}

void e1000e_irq_update(E1000e *d)
{
    if (pci_msix_enabled(&d->pci)) {
        pci_set_intx(&d->pci, false);
        send_messages(d);
    } else {
        pci_set_intx(&d->pci,
                     *e1000e_reg(d, E_ICR) & *e1000e_reg(d, E_IMS));
    }
}

void e1000e_cause(E1000e *d, uint32_t causes)
{
    const uint32_t queues = INT_TXDW | INT_TXQE | INT_RXDMT0 | INT_RXT0 |
                            3 * INT_RXQ0 | 3 * INT_TXQ0;
    if (causes & ~queues) {
        causes |= INT_OTHER;
    }
    *e1000e_reg(d, E_ICR) |= causes;
    e1000e_irq_update(d);
}

/* 10.2.4.1: reading clears, and masks what IAM says if it is told to. */
uint32_t e1000e_icr_read(E1000e *d)
{
    uint32_t icr = *e1000e_reg(d, E_ICR);

    if (icr & *e1000e_reg(d, E_IMS)) {
        icr |= INT_ASSERTED;
        if (*e1000e_reg(d, E_CTRL_EXT) & CTRL_EXT_IAME) {
            *e1000e_reg(d, E_IMS) &= ~*e1000e_reg(d, E_IAM);
        }
    }
    *e1000e_reg(d, E_ICR) = 0;
    e1000e_irq_update(d);
    return icr;
}
