/*
 * The 82574L's NVM as EERD reads it (6 and 10.2.2.3), the PHY behind MDIC (8 and
 * 10.2.2.7), and the clock for time stamps (7.10), which is virtual time.
 */
#include "base/bytes.h"
#include "e1000e.h"

/* EECD, 10.2.2.2. */
#define EECD_REQ     0x040u
#define EECD_GNT     0x080u
#define EECD_PRES    0x100u
#define EECD_AUTO_RD 0x200u    /* it has been read after the reset */

#define EERD_START 0x01u
#define EERD_DONE  0x02u

#define NVM_SUM      0xbabau   /* of the first 64 words, 6.1.1.12 */
#define NVM_SUM_WORD 0x3fu

void e1000e_nvm_fill(E1000e *d)
{
    uint16_t *word = d->s.nvm, sum = 0;

    memset(word, 0, sizeof d->s.nvm);
    for (unsigned i = 0; i < 3; i++) {
        word[i] = bytes_ld_le16(d->nic.mac + 2 * i);
    }
    word[0x05] = 0x10a0;               /* image version */
    word[0x08] = 0xe25c;               /* PBA number */
    word[0x09] = 0x4400;
    word[0x0a] = 0x0420;               /* initialization control 1 */
    word[0x0b] = 0x10d3;               /* subsystem */
    word[0x0c] = 0x8086;
    word[0x0d] = 0x10d3;               /* device */
    word[0x0f] = 0x8000;               /* initialization control 2: no MNG */
    word[0x37] = 0xffff;               /* no other address */
    for (unsigned i = 0; i < NVM_SUM_WORD; i++) {
        sum += word[i];
    }
    word[NVM_SUM_WORD] = NVM_SUM - sum;
}

uint32_t e1000e_eecd_read(E1000e *d)
{
    uint32_t v = *e1000e_reg(d, E_EECD) & EECD_REQ;
    return v | EECD_PRES | EECD_AUTO_RD | (v ? EECD_GNT : 0);
}

void e1000e_eerd_write(E1000e *d, uint32_t v)
{
    uint32_t *reg = e1000e_reg(d, E_EERD);

    *reg = v & 0xfffc;
    if (v & EERD_START) {
        uint16_t word = d->s.nvm[(v >> 2 & 0x3fff) % EEPROM_WORDS];
        *reg |= EERD_DONE | (uint32_t)word << 16;
    }
}

/* --- the PHY, 8.5 ---------------------------------------------------------------- */

enum { PHY_CONTROL, PHY_STATUS, PHY_ID1, PHY_ID2, PHY_ADVERTISE,
       PHY_PARTNER, PHY_EXPANSION, PHY_GB_CONTROL = 9, PHY_GB_STATUS,
       PHY_EXTENDED = 15, PHY_SPECIFIC_CONTROL, PHY_SPECIFIC_STATUS };

#define PHY_CONTROL_RESET   0x8000u
#define PHY_CONTROL_RESTART 0x0200u
#define PHY_STATUS_LINK     0x0004u
#define PHY_SPECIFIC_LINK   0x0400u

#define MDIC_DATA  0x0000ffffu
#define MDIC_WRITE 0x04000000u
#define MDIC_READ  0x08000000u
#define MDIC_READY 0x10000000u
#define MDIC_INT   0x20000000u
#define MDIC_ERROR 0x40000000u
#define PHY_ADDRESS 1u

/* A gigabit link, full duplex, negotiation complete. */
void e1000e_phy_reset(E1000e *d)
{
    static const uint16_t reset[PHY_REGISTERS] = {
        [PHY_CONTROL] = 0x1140,
        [PHY_STATUS] = 0x7969,
        [PHY_ID1] = 0x0141,
        [PHY_ID2] = 0x0cb1,
        [PHY_ADVERTISE] = 0x0de1,
        [PHY_PARTNER] = 0xcde1,
        [PHY_EXPANSION] = 0x000f,
        [PHY_GB_CONTROL] = 0x0e00,
        [PHY_GB_STATUS] = 0x3c00,
        [PHY_EXTENDED] = 0x3000,
        [PHY_SPECIFIC_CONTROL] = 0x0078,
        [PHY_SPECIFIC_STATUS] = 0xa808,
    };
    memcpy(d->s.phy, reset, sizeof d->s.phy);
}

static uint16_t phy_read(E1000e *d, unsigned n)
{
    bool link = *e1000e_reg(d, E_STATUS) & STATUS_LINK_UP;
    uint16_t v = d->s.phy[n];

    return n == PHY_STATUS && link            ? v | PHY_STATUS_LINK
           : n == PHY_SPECIFIC_STATUS && link ? v | PHY_SPECIFIC_LINK
                                              : v;
}

static bool phy_is_writable(unsigned n)
{
    return n == PHY_CONTROL || n == PHY_ADVERTISE || n == PHY_GB_CONTROL ||
           n == PHY_SPECIFIC_CONTROL || n >= 18;
}

static void phy_write(E1000e *d, unsigned n, uint16_t v)
{
    if (n == PHY_CONTROL && (v & PHY_CONTROL_RESET)) {
        e1000e_phy_reset(d);
    } else if (phy_is_writable(n)) {
        d->s.phy[n] = n == PHY_CONTROL ? v & ~PHY_CONTROL_RESTART : v;
        if (n == PHY_CONTROL && (v & PHY_CONTROL_RESTART)) {
            e1000e_cause(d, INT_LSC);
        }
    }
}

void e1000e_mdic_write(E1000e *d, uint32_t v)
{
    unsigned n = v >> 16 & 31;
    uint32_t out = (v & ~(MDIC_ERROR | MDIC_READY)) | MDIC_READY;

    if ((v >> 21 & 31) != PHY_ADDRESS) {
        out |= MDIC_ERROR;
    } else if (v & MDIC_READ) {
        out = (out & ~MDIC_DATA) | phy_read(d, n);
    } else if (v & MDIC_WRITE) {
        phy_write(d, n, v);
    }
    *e1000e_reg(d, E_MDIC) = out;
    if (v & MDIC_INT) {
        e1000e_cause(d, INT_MDAC);
    }
}

/* --- the clock --------------------------------------------------------------------- */

#define TICK_NS 40             /* of 25 MHz */

/* 10.2.8: every so many ticks (0: it stands) it goes on by a number. */
uint64_t e1000e_clock(const E1000e *d)
{
    uint32_t inc = d->s.reg[E_TIMINCA / 4], period = inc >> 24;
    int64_t ns = clock_now_ns(d->pci.dev.machine->clock) - d->s.clock_set;

    if (!period || ns < 0) {
        return d->s.clock_value;
    }
    return d->s.clock_value + (uint64_t)ns / TICK_NS / period *
                                  (inc & 0xffffff);
}

void e1000e_clock_set(E1000e *d, uint64_t value)
{
    d->s.clock_value = value;
    d->s.clock_set = clock_now_ns(d->pci.dev.machine->clock);
}
