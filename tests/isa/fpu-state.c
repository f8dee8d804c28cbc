/*
 * The x87 state of a case, as an image of FNSAVE with 32-bit words: random
 * ones, and those that our CPU takes and gives.
 */
#include "fpu-state.h"

#include <string.h>

#include "base/bytes.h"
#include "case.h"

enum { W_CONTROL, W_STATUS, W_TAGS, W_IP, W_CS, W_DP, W_DS };
#define REGISTERS 28

static uint32_t word(const uint8_t *image, unsigned n)
{
    return bytes_ld_le32(image + 4 * n);
}

static void set_word(uint8_t *image, unsigned n, uint32_t v)
{
    bytes_st_le32(image + 4 * n, v);
}

/* --- random states ---------------------------------------------------------*/

static uint16_t random_exponent(void)
{
    static const uint16_t corners[] = { 0, 1, 0x3fc0, 0x3ffe, 0x3fff, 0x4000,
                                        0x400e, 0x401e, 0x403e, 0x407e,
                                        0x43fe, 0x7ffe, 0x7fff };
    switch (random_below(4)) {
    case 0:
        return corners[random_below(G_N_ELEMENTS(corners))];
    case 1:
        return random64() & 0x7fff;
    default:
        return 0x3fff - 70 + random_below(140);
    }
}

/* Significands of few bits, of many, and those without an integer bit. */
static Sf80 random_number(void)
{
    uint64_t frac = random64();
    switch (random_below(5)) {
    case 0:
        frac &= bits_mask(random_below(12)) << 52;
        break;
    case 1:
        frac = ~(frac & bits_mask(random_below(64)));
        break;
    case 2:
        frac <<= random_below(64);
        break;
    default:
        break;
    }
    unsigned exp = random_exponent();
    if (!chance(5)) {
        frac = exp ? frac | BIT(63) : frac & ~BIT(63);
    }
    if (exp == 0x7fff && chance(40)) {
        frac = BIT(63);
    }
    return (Sf80){ chance(8) ? 0 : frac, exp | (chance(50) ? 0x8000 : 0) };
}

static uint16_t random_control(void)
{
    unsigned masks = chance(60) ? 0x3f : random_below(64);
    return 0x40 | masks | random_below(16) << 8;
}

/* Sticky flags are mostly masked ones, or the instruction would be #MF. */
static uint16_t random_status(uint16_t control)
{
    unsigned flags = chance(50) ? 0 : random_below(128);
    if (!chance(4)) {
        flags &= control | 0x40;
    }
    unsigned pending = flags & ~control & 0x3f ? 0x8080 : 0;
    return flags | pending | (random64() & 0x7f00);
}

void fpu_random(uint8_t *image)
{
    uint16_t control = random_control(), tags = 0;
    unsigned empty = random_below(3);
    memset(image, 0, ISA_FPU_BYTES);
    for (unsigned i = 0; i < 8; i++) {
        Sf80 v = random_number();
        bytes_st_le64(image + REGISTERS + 10 * i, v.frac);
        bytes_st_le16(image + REGISTERS + 10 * i + 8, v.sign_exp);
        tags |= (chance(empty * 25) ? 3u : 0u) << (2 * i);
    }
    set_word(image, W_CONTROL, control);
    set_word(image, W_STATUS, random_status(control));
    set_word(image, W_TAGS, tags);
    set_word(image, W_IP, random64());
    set_word(image, W_CS, (random64() & 0x7ff) << 16);
    set_word(image, W_DP, random64());
}

void fpu_random_mmx(uint8_t *image)
{
    unsigned kind = random_below(4);
    for (unsigned i = 0; i < 8; i++) {
        bytes_st_le64(image + REGISTERS + 10 * i, random_word(kind));
    }
}

void fpu_mask_underflow(uint8_t *image)
{
    uint32_t control = word(image, W_CONTROL) | SF_UNDERFLOW | SF_INEXACT;
    uint32_t status = word(image, W_STATUS);
    bool pending = status & ~control & SF_ALL;
    set_word(image, W_CONTROL, control);
    set_word(image, W_STATUS, pending ? status : status & ~0x8080u);
}

void fpu_mask_all(uint8_t *image)
{
    set_word(image, W_CONTROL, word(image, W_CONTROL) | SF_ALL);
    set_word(image, W_STATUS, word(image, W_STATUS) & ~0x8080u);
}

/* Numbers of 32, 64, 80 bits and decimals where random integers are. */
void fpu_random_memory(uint8_t *data, unsigned bytes)
{
    unsigned kind = random_below(4);
    for (unsigned i = 0; i + 10 <= bytes && kind; i += kind == 1 ? 4 : 8) {
        SfEnv env = sf_env_x87(0x37f);
        Sf80 v = random_number();
        if (kind == 1) {
            uint32_t f = sf80_to_sf32(v, &env);
            bytes_st_le32(data + i, f ^ (chance(10) ? 0x400000 : 0));
        } else if (kind == 2) {
            uint64_t f = sf80_to_sf64(v, &env);
            bytes_st_le64(data + i, f ^ (chance(10) ? BIT(51) : 0));
        } else {
            bytes_st_le64(data + i, random64() & UINT64_C(0x7777777777777777));
        }
    }
}

unsigned fpu_top_exponent(const uint8_t *image)
{
    return bytes_ld_le16(image + REGISTERS + 8) & 0x7fff;
}

/* --- our CPU ---------------------------------------------------------------*/

void fpu_load(X86State *s, const uint8_t *image)
{
    s->fcw = word(image, W_CONTROL);
    s->fsw = word(image, W_STATUS);
    s->fip = word(image, W_IP);
    s->fcs = word(image, W_CS);
    s->fop = word(image, W_CS) >> 16 & 0x7ff;
    s->fdp = word(image, W_DP);
    s->fds = word(image, W_DS);
    s->fvalid = 0;
    for (unsigned i = 0; i < 8; i++) {
        unsigned r = x87_phys(s, i);
        s->fpr[r][0] = bytes_ld_le64(image + REGISTERS + 10 * i);
        s->fpr[r][1] = bytes_ld_le16(image + REGISTERS + 10 * i + 8);
        s->fvalid |= ((word(image, W_TAGS) >> (2 * i) & 3) != 3) << i;
    }
}

void fpu_save(const X86State *s, uint8_t *image)
{
    memset(image, 0, ISA_FPU_BYTES);
    set_word(image, W_CONTROL, s->fcw | 0xffff0000);
    set_word(image, W_STATUS, s->fsw | 0xffff0000);
    set_word(image, W_TAGS, x87_tags(s) | 0xffff0000);
    set_word(image, W_IP, s->fip);
    set_word(image, W_CS, s->fcs | s->fop << 16);
    set_word(image, W_DP, s->fdp);
    set_word(image, W_DS, s->fds | 0xffff0000);
    for (unsigned i = 0; i < 8; i++) {
        Sf80 v = x87_get(s, i);
        bytes_st_le64(image + REGISTERS + 10 * i, v.frac);
        bytes_st_le16(image + REGISTERS + 10 * i + 8, v.sign_exp);
    }
}

/* --- comparing -------------------------------------------------------------*/

/* The functions, which on processors are up to a unit off, each its own. */
bool fpu_is_function(const char *mnemonic)
{
    return is_one_of(mnemonic, "fsin fcos fsincos fptan fpatan f2xm1 fyl2x "
                               "fyl2xp1");
}

static bool same_number(const uint8_t *a, const uint8_t *b, bool near)
{
    int64_t apart = bytes_ld_le64(a) - bytes_ld_le64(b);
    int exps = bytes_ld_le16(a + 8) - bytes_ld_le16(b + 8);
    if (!near || ABS(exps) > 1) {
        return !exps && !apart;
    }
    /* The neighbour of a power of two is half as far away. */
    return exps ? (uint64_t)ABS(apart) >= INT64_MAX : apart >= -1 && apart <= 1;
}

bool fpu_same(const uint8_t *a, const uint8_t *b, bool near, bool no_ip)
{
    for (unsigned n = 0; n < 7; n++) {
        uint32_t x = word(a, n) ^ word(b, n);
        if (n == W_STATUS && near) {
            x &= ~0x230u; /* C1, underflow and inexact follow the last bit */
        }
        if (n == W_TAGS && near) {
            x = 0;
        }
        if (x && !(n == W_IP && no_ip)) {
            return false;
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        unsigned at = REGISTERS + 10 * i;
        if (!same_number(a + at, b + at, near)) {
            return false;
        }
    }
    return true;
}

void fpu_print(const char *what, const uint8_t *image)
{
    printf("  %s control %04x status %04x tags %04x ip %08x cs %08x dp %08x "
           "ds %08x\n   ", what, word(image, 0) & 0xffff,
           word(image, 1) & 0xffff, word(image, 2) & 0xffff, word(image, 3),
           word(image, 4), word(image, 5), word(image, 6));
    for (unsigned i = 0; i < 8; i++) {
        unsigned at = REGISTERS + 10 * i;
        printf(" %04x:%016llx", bytes_ld_le16(image + at + 8),
               (unsigned long long)bytes_ld_le64(image + at));
    }
    printf("\n");
}
