/*
 * Encodings with something that the manual forbids or reserves: prefixes before
 * VEX, VEX.vvvv that names nothing, other lengths, widths and maps; other
 * prefixes than a row's. Most must be refused; what is another instruction
 * must do what that does.
 */
#include <string.h>

#include "spoil.h"

#define IS_AREA_OPCODE(in) ((in)->opcode == 0xae || (in)->opcode == 0xc7)

static bool insert(IsaCase *c, uint8_t prefix)
{
    if (c->len > 14) {
        return false;
    }
    memmove(c->insn + 1, c->insn, c->len++);
    c->insn[0] = prefix;
    return true;
}

/* What must not stand before VEX (vol. 2, 2.3.2 to 2.3.4). */
static bool spoil_prefix(IsaCase *c, const X86Insn *in)
{
    static const uint8_t forbidden[] = { 0x66, 0xf2, 0xf3, 0xf0, 0x40, 0x48 };
    if (in->base == BASE_RIP) {
        return false; /* it is relative to the end */
    }
    unsigned n = random_below(c->code64 ? 6 : 4);
    if (forbidden[n] < 0x50 && c->insn[0] == 0x67) {
        return false; /* REX would not stand just before VEX */
    }
    return insert(c, forbidden[n]);
}

/* In 32-bit mode the upper bit of C5's vvvv must stay, or it is LDS. */
static bool spoil_vvvv(IsaCase *c, uint8_t *vex, uint8_t *last)
{
    unsigned bits = vex[0] == 0xc5 && !c->code64 ? 7 : 15;
    *last ^= (1 + random_below(bits)) << 3;
    return true;
}

static bool spoil_map(uint8_t *vex)
{
    unsigned map = random_below(29);
    vex[1] = (vex[1] & 0xe0) | (map ? map + 3 : 0);
    return vex[0] == 0xc4;
}

static bool spoil_vex(IsaCase *c, const X86Insn *in)
{
    uint8_t *vex = c->insn + (c->insn[0] == 0x67);
    uint8_t *last = vex + (vex[0] == 0xc4 ? 2 : 1);
    switch (random_below(6)) {
    case 0:
        return spoil_prefix(c, in);
    case 1:
        return spoil_vvvv(c, vex, last);
    case 2:
        *last ^= 4;
        return true;
    case 3:
        *last ^= 0x80;
        return vex[0] == 0xc4;
    case 4:
        return spoil_map(vex);
    default:
        *last ^= 1 + random_below(3);
        return true;
    }
}

bool spoil_case(IsaCase *c, const X86Insn *in)
{
    static const uint8_t prefixes[] = { 0x66, 0xf2, 0xf3 };
    if (in->vex) {
        return spoil_vex(c, in);
    }
    /* FS and GS bases and the like are this process's own. */
    return !IS_AREA_OPCODE(in) && in->base != BASE_RIP &&
           insert(c, prefixes[random_below(3)]);
}
