/*
 * FBLD and FBSTP: integers as ten bytes of packed decimal, the lowest digits
 * first and the sign in bit 7 of the last byte (SDM vol. 1, 4.7.2).
 */
#include "base/softfloat.h"

#include <string.h>

#define BCD_LIMIT UINT64_C(1000000000000000000) /* 18 digits */

Sf80 sf80_from_bcd(const uint8_t bcd[10])
{
    SfEnv env = { 0 };
    uint64_t v = 0;
    for (int i = 8; i >= 0; i--) {
        v = v * 100 + (bcd[i] >> 4) * 10 + (bcd[i] & 15);
    }
    Sf80 r = sf80_from_uint64(v, &env);
    r.sign_exp |= (bcd[9] & 0x80) << 8;
    return r;
}

static void bcd_indefinite(uint8_t bcd[10])
{
    memset(bcd, 0, 7);
    bcd[7] = 0xc0;
    bcd[8] = bcd[9] = 0xff;
}

void sf80_to_bcd(Sf80 a, uint8_t bcd[10], SfEnv *env)
{
    SfEnv trial = *env;
    int64_t v = sf80_to_int(a, SF_INT(64) | SF_INT_INDEFINITE, &trial);
    uint64_t magnitude = v < 0 ? -(uint64_t)v : (uint64_t)v;
    if (magnitude >= BCD_LIMIT) { /* the integer indefinite is that, too */
        env->flags |= SF_INVALID;
        bcd_indefinite(bcd);
        return;
    }
    env->flags = trial.flags;
    for (int i = 0; i < 9; i++, magnitude /= 100) {
        bcd[i] = magnitude / 10 % 10 << 4 | magnitude % 10;
    }
    bcd[9] = a.sign_exp >> 8 & 0x80; /* -0 keeps its sign */
}
