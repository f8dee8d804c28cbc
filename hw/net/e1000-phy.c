/*
 * The gigabit PHYs behind MDIC, of the 82540EM (e1000.h: 8.4 and 13.4.6) and of the
 * 82574L (e1000e.h: 8.5 and 10.2.2.7): they differ in a few registers' values.
 */
#include <string.h>

#include "e1000.h"

enum { PHY_CONTROL, PHY_STATUS, PHY_ID1, PHY_ID2, PHY_ADVERTISE,
       PHY_PARTNER, PHY_EXPANSION, PHY_GB_CONTROL = 9, PHY_GB_STATUS,
       PHY_EXTENDED = 15, PHY_SPECIFIC_CONTROL, PHY_SPECIFIC_STATUS };

#define PHY_CONTROL_RESET   0x8000u
#define PHY_CONTROL_RESTART 0x0200u

#define MDIC_DATA  0x0000ffffu
#define MDIC_WRITE 0x04000000u
#define MDIC_READ  0x08000000u
#define MDIC_READY 0x10000000u
#define MDIC_INT   0x20000000u
#define MDIC_ERROR 0x40000000u
#define PHY_ADDRESS 1u

/* A gigabit link, full duplex, negotiation complete: a peer is always there. */
void e1000_phy_fill(uint16_t *phy, const E1000PhyModel *model)
{
    const E1000Phy reset = {
        [PHY_CONTROL] = 0x1140,
        [PHY_STATUS] = model->status,
        [PHY_ID1] = 0x0141,
        [PHY_ID2] = model->id2,
        [PHY_ADVERTISE] = 0x0de1,
        [PHY_PARTNER] = 0xcde1,
        [PHY_EXPANSION] = 0x000f,
        [PHY_GB_CONTROL] = 0x0e00,
        [PHY_GB_STATUS] = 0x3c00,
        [PHY_EXTENDED] = 0x3000,
        [PHY_SPECIFIC_CONTROL] = model->specific_control,
        [PHY_SPECIFIC_STATUS] = model->specific_status,
    };
    memcpy(phy, reset, sizeof reset);
}

static uint16_t phy_read(const uint16_t *phy, const E1000PhyModel *model,
                         bool link, unsigned n)
{
    uint16_t of_link = n == PHY_STATUS            ? model->status_link
                       : n == PHY_SPECIFIC_STATUS ? model->specific_link : 0;
    return link ? phy[n] | of_link : phy[n] & ~of_link;
}

static bool phy_is_writable(unsigned n)
{
    return n == PHY_CONTROL || n == PHY_ADVERTISE || n == PHY_GB_CONTROL ||
           n == PHY_SPECIFIC_CONTROL || n >= 18;
}

static void phy_write(uint16_t *phy, const E1000PhyModel *model, unsigned n,
                      uint16_t v, uint32_t *causes)
{
    if (n == PHY_CONTROL && (v & PHY_CONTROL_RESET)) {
        e1000_phy_fill(phy, model);
    } else if (phy_is_writable(n)) {
        bool control = n == PHY_CONTROL;
        phy[n] = control ? v & ~PHY_CONTROL_RESTART : v;
        *causes |= control && (v & PHY_CONTROL_RESTART) ? INT_LSC : 0;
    }
}

uint32_t e1000_phy_mdic(uint16_t *phy, const E1000PhyModel *model, bool link,
                        uint32_t v, uint32_t *causes)
{
    unsigned n = v >> 16 & 31;
    uint32_t out = (v & ~(MDIC_ERROR | MDIC_READY)) | MDIC_READY;

    if ((v >> 21 & 31) != PHY_ADDRESS) {
        out |= MDIC_ERROR;
    } else if (v & MDIC_READ) {
        out = (out & ~MDIC_DATA) | phy_read(phy, model, link, n);
    } else if (v & MDIC_WRITE) {
        phy_write(phy, model, n, v, causes);
    }
    *causes |= v & MDIC_INT ? INT_MDAC : 0;
    return out;
}
