/*
 * Which frames an adapter of Intel's takes: addresses, multicast hash, VLANs.
 * Sections are those of the 8254x manual; the 82574's registers are the same.
 */
#include "base/bytes.h"
#include "e1000.h"

#define ADDRESSES 16u
#define RAH_VALID 0x80000000u

/* 3.2.1 */
static bool address_matches(const uint32_t *reg, const uint8_t *to)
{
    for (unsigned i = 0; i < ADDRESSES; i++) {
        uint32_t low = reg[E_RA / 4 + 2 * i];
        uint32_t high = reg[E_RA / 4 + 2 * i + 1];
        if ((high & RAH_VALID) && bytes_ld_le32(to) == low &&
            bytes_ld_le16(to + 4) == (high & 0xffff)) {
            return true;
        }
    }
    return false;
}

/* 13.5.1: twelve bits of the address, which ones RCTL.MO says. */
static bool hash_matches(const uint32_t *reg, const uint8_t *to)
{
    static const unsigned shift[4] = { 4, 3, 2, 0 };
    unsigned which = reg[E_RCTL / 4] >> 12 & 3;
    unsigned hash = (bytes_ld_le16(to + 4) >> shift[which]) & 0xfff;

    return reg[E_MTA / 4 + hash / 32] >> (hash % 32) & 1;
}

bool e1000_filter_tagged(const uint32_t *reg, const uint8_t *frame, size_t len)
{
    return len >= ETH_HEADER + 4 &&
           bytes_ld_be16(frame + 12) == (reg[E_VET / 4] & 0xffff);
}

bool e1000_filter_passes(const uint32_t *reg, const uint8_t *frame, size_t len)
{
    uint32_t rctl = reg[E_RCTL / 4];

    if ((rctl & RCTL_VFE) && e1000_filter_tagged(reg, frame, len)) {
        unsigned vlan = bytes_ld_be16(frame + 14) & 0xfff;
        if (!(reg[E_VFTA / 4 + vlan / 32] >> (vlan % 32) & 1)) {
            return false;
        }
    }
    if (mac_is_broadcast(frame) && (rctl & RCTL_BAM)) {
        return true;
    }
    if (rctl & (mac_is_multicast(frame) ? RCTL_MPE : RCTL_UPE)) {
        return true;
    }
    return address_matches(reg, frame) ||
           (mac_is_multicast(frame) && hash_matches(reg, frame));
}
