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

static const E1000PhyModel phy_model = {
    .status = 0x7969, .id2 = 0x0cb1, .specific_control = 0x0078,
    .specific_status = 0xa808, .status_link = 0x0004, .specific_link = 0x0400,
};

void e1000e_phy_reset(E1000e *d)
{
    e1000_phy_fill(d->s.phy, &phy_model);
}

void e1000e_mdic_write(E1000e *d, uint32_t v)
{
    bool link = *e1000e_reg(d, E_STATUS) & STATUS_LINK_UP;
    uint32_t causes = 0;

    *e1000e_reg(d, E_MDIC) = e1000_phy_mdic(d->s.phy, &phy_model, link, v,
                                            &causes);
    if (causes & INT_LSC) {
        e1000e_cause(d, INT_LSC);
    }
    if (causes & INT_MDAC) {
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
