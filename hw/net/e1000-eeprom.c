/*
 * The 82540EM's EEPROM, by its serial interface (5.3) and by EERD (13.4.4), and
 * the PHY behind MDIC (8.4 and 13.4.6).
 */
#include "base/bytes.h"
#include "e1000.h"

/* EECD, 13.4.3. */
#define EECD_SK  0x001u
#define EECD_CS  0x002u
#define EECD_DI  0x004u
#define EECD_DO  0x008u
#define EECD_FWE 0x030u
#define EECD_REQ 0x040u
#define EECD_GNT 0x080u
#define EECD_PRES 0x100u

/* A command: start bit, two bits of opcode, six of address. */
#define COMMAND_BITS 9u
#define OPCODE_READ  6u        /* with the start bit */

#define EERD_START 0x01u
#define EERD_DONE  0x10u

#define EEPROM_SUM 0xbabau     /* of the first 64 words, 5.6.35 */
#define EEPROM_SUM_WORD 0x3fu

void e1000_eeprom_fill(E1000 *d)
{
    uint16_t *word = d->s.eeprom, sum = 0;

    memset(word, 0, sizeof d->s.eeprom);
    for (unsigned i = 0; i < 3; i++) {
        word[i] = bytes_ld_le16(d->nic.mac + 2 * i);
    }
    word[0x03] = 0x0000;               /* compatibility */
    word[0x08] = 0x3000;               /* PBA number */
    word[0x0a] = 0x6408;               /* initialization control 1, 5.6.12 */
    word[0x0b] = 0x1100;               /* subsystem */
    word[0x0c] = 0x1af4;
    word[0x0d] = 0x100e;               /* device */
    word[0x0e] = 0x8086;
    word[0x0f] = 0x3040;               /* initialization control 2 */
    for (unsigned i = 0; i < EEPROM_SUM_WORD; i++) {
        sum += word[i];
    }
    word[EEPROM_SUM_WORD] = EEPROM_SUM - sum;
}

/* 5.3.1: the rising clock takes a bit in; behind a whole read command the word
 * comes out, the highest bit first, after a zero. */
static void clock_in(E1000 *d, bool bit)
{
    E1000State *s = &d->s;

    if (s->ee_reading) {
        s->ee_out <<= 1;
        return;
    }
    if (!s->ee_bits && !bit) {
        return;                        /* before the start bit */
    }
    s->ee_in = s->ee_in << 1 | bit;
    if (++s->ee_bits < COMMAND_BITS) {
        return;
    }
    if (s->ee_in >> 6 == OPCODE_READ) {
        s->ee_reading = true;
        s->ee_out = s->eeprom[s->ee_in % EEPROM_WORDS];
    }
    s->ee_bits = 0;
    s->ee_in = 0;
}

uint32_t e1000_eecd_read(E1000 *d)
{
    uint32_t v = *e1000_reg(d, E_EECD);
    bool out = !d->s.ee_reading || (d->s.ee_out & 0x10000);

    return (v & (EECD_SK | EECD_CS | EECD_DI | EECD_REQ | EECD_FWE)) |
           EECD_PRES | (v & EECD_REQ ? EECD_GNT : 0) | (out ? EECD_DO : 0);
}

void e1000_eecd_write(E1000 *d, uint32_t v)
{
    uint32_t before = *e1000_reg(d, E_EECD);

    *e1000_reg(d, E_EECD) = v;
    if (!(v & EECD_CS)) {
        d->s.ee_bits = 0;
        d->s.ee_in = 0;
        d->s.ee_reading = false;
    } else if (v & ~before & EECD_SK) {
        clock_in(d, v & EECD_DI);
    }
}

void e1000_eerd_write(E1000 *d, uint32_t v)
{
    uint32_t *reg = e1000_reg(d, E_EERD);

    *reg = v & 0xff00;
    if (v & EERD_START) {
        uint16_t word = d->s.eeprom[(v >> 8) % EEPROM_WORDS];
        *reg |= EERD_DONE | (uint32_t)word << 16;
    }
}

/* --- the PHY: an 88E1011, 8.4 -------------------------------------------------*/

/* Without a cable there is no link, and nothing has been negotiated. */
static const E1000PhyModel phy_model = {
    .status = 0x796d, .id2 = 0x0c20, .specific_control = 0x0360,
    .specific_status = 0xac08, .status_link = 0x0024, .specific_link = 0x0c00,
};

void e1000_phy_reset(E1000 *d)
{
    e1000_phy_fill(d->s.phy, &phy_model);
}

void e1000_mdic_write(E1000 *d, uint32_t v)
{
    uint32_t causes = 0;

    *e1000_reg(d, E_MDIC) = e1000_phy_mdic(d->s.phy, &phy_model,
                                           !d->s.link_down, v, &causes);
    if (causes & INT_LSC) {
        e1000_cause(d, INT_LSC);
    }
    if (causes & INT_MDAC) {
        e1000_cause(d, INT_MDAC);
    }
}
