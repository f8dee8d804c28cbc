/*
 * Scan code sets 1, 2 and 3 (IBM PS/2 Technical Reference, "Keyboard (101- and
 * 102-key)"). Keys are given in set 2; set 1 is its translation.
 */
#include "scancodes.h"

#include "keys.h"

#define T8(a, b, c, d, e, f, g, h) 0x##a, 0x##b, 0x##c, 0x##d, \
                                   0x##e, 0x##f, 0x##g, 0x##h
#define IDENTITY8(base) (base), (base) + 1, (base) + 2, (base) + 3, \
                        (base) + 4, (base) + 5, (base) + 6, (base) + 7
#define IDENTITY16(base) IDENTITY8(base), IDENTITY8((base) + 8)

const uint8_t scancode_translation[256] = {
    T8(ff, 43, 41, 3f, 3d, 3b, 3c, 58), T8(64, 44, 42, 40, 3e, 0f, 29, 59),
    T8(65, 38, 2a, 70, 1d, 10, 02, 5a), T8(66, 71, 2c, 1f, 1e, 11, 03, 5b),
    T8(67, 2e, 2d, 20, 12, 05, 04, 5c), T8(68, 39, 2f, 21, 14, 13, 06, 5d),
    T8(69, 31, 30, 23, 22, 15, 07, 5e), T8(6a, 72, 32, 24, 16, 08, 09, 5f),
    T8(6b, 33, 25, 17, 18, 0b, 0a, 60), T8(6c, 34, 35, 26, 27, 19, 0c, 61),
    T8(6d, 73, 28, 74, 1a, 0d, 62, 6e), T8(3a, 36, 1c, 1b, 75, 2b, 63, 76),
    T8(55, 56, 77, 78, 79, 7a, 0e, 7b), T8(7c, 4f, 7d, 4b, 47, 7e, 7f, 6f),
    T8(52, 53, 50, 4c, 4d, 48, 01, 45), T8(57, 4e, 51, 4a, 37, 49, 46, 54),
    T8(80, 81, 82, 41, 54, 85, 86, 87), IDENTITY8(0x88),
    IDENTITY16(0x90), IDENTITY16(0xa0), IDENTITY16(0xb0), IDENTITY16(0xc0),
    IDENTITY16(0xd0), IDENTITY16(0xe0), IDENTITY16(0xf0),
};

typedef struct KeyCodes {
    uint16_t set2;
    uint8_t set3;
} KeyCodes;

/* ORDER input-key */
static const KeyCodes key_codes[KEY_COUNT] = {
#define KEY(word, name, set2, set3) { set2, set3 },
#include "keys.def"
#undef KEY
};

/* Bytes of set 2 into the set that is asked for: only 1 differs, and there
 * f0 xx becomes the translation of xx with bit 7 set. */
static unsigned to_set(uint8_t *out, unsigned set, const uint8_t *in,
                       unsigned n)
{
    unsigned len = 0;
    uint8_t release = 0;
    for (unsigned i = 0; i < n; i++) {
        if (set != 1) {
            out[len++] = in[i];
        } else if (in[i] == 0xf0) {
            release = 0x80;
        } else {
            out[len++] = scancode_translation[in[i]] | release;
            release = 0;
        }
    }
    return len;
}

static unsigned make_plain(uint8_t *out, unsigned set, uint16_t code,
                           bool down)
{
    uint8_t bytes[3];
    unsigned n = 0;
    if (code > 0xff) {
        bytes[n++] = code >> 8;
    }
    if (!down) {
        bytes[n++] = 0xf0;
    }
    bytes[n++] = code;
    return code ? to_set(out, set, bytes, n) : 0;
}

/* Pause has no release; with Ctrl it is Break. */
static unsigned make_pause(uint8_t *out, unsigned set, bool down,
                           unsigned modifiers)
{
    static const uint8_t pause[] = { 0xe1, 0x14, 0x77, 0xe1,
                                     0xf0, 0x14, 0xf0, 0x77 };
    static const uint8_t brk[] = { 0xe0, 0x7e, 0xe0, 0xf0, 0x7e };
    if (!down) {
        return 0;
    }
    return modifiers & SCANCODE_CTRL ? to_set(out, set, brk, sizeof brk)
                                     : to_set(out, set, pause, sizeof pause);
}

/* Print comes with a shift around it; not if one is held already, and with
 * Alt it is SysRq. */
static unsigned make_print(uint8_t *out, unsigned set, bool down,
                           unsigned modifiers)
{
    static const uint8_t make[] = { 0xe0, 0x12, 0xe0, 0x7c };
    static const uint8_t release[] = { 0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12 };
    if (modifiers & SCANCODE_ALT) {
        return make_plain(out, set, key_codes[KEY_SYSRQ].set2, down);
    }
    if (modifiers) {
        return make_plain(out, set, key_codes[KEY_PRINT].set2, down);
    }
    return down ? to_set(out, set, make, sizeof make)
                : to_set(out, set, release, sizeof release);
}

unsigned scancode_make(uint8_t *out, unsigned set, InputKey key, bool down,
                       unsigned modifiers)
{
    if (key >= KEY_COUNT) {
        return 0;
    }
    if (set == 3) {
        return make_plain(out, set, key_codes[key].set3, down);
    }
    if (key == KEY_PAUSE) {
        return make_pause(out, set, down, modifiers);
    }
    if (key == KEY_PRINT) {
        return make_print(out, set, down, modifiers);
    }
    return make_plain(out, set, key_codes[key].set2, down);
}

bool input_key_by_number(unsigned number, InputKey *key)
{
    for (InputKey k = 1; k < KEY_COUNT; k++) {
        uint8_t code[SCANCODE_MAX_BYTES];
        unsigned n = scancode_make(code, 1, k, true, 0);
        bool plain = n == 1 && code[0] == number;
        bool extended = n == 2 && code[0] == 0xe0 &&
                        (code[1] | 0x80u) == number;
        if (plain || extended) {
            *key = k;
            return true;
        }
    }
    return false;
}
