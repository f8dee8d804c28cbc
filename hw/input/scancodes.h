/*
 * Scan codes: what the keyboard sends for a key, and how the controller
 * translates it. Implemented by scancodes.c; used by ps2-keyboard.c and
 * i8042.c.
 */
#ifndef SCANCODES_H
#define SCANCODES_H

#include "io/input.h"

#define SCANCODE_MAX_BYTES 8

/* Modifiers that change what the print and pause keys send. */
enum { SCANCODE_CTRL = 1, SCANCODE_SHIFT = 2, SCANCODE_ALT = 4 };

/* Writes the bytes of a key in scan code set 1, 2 or 3 and returns how many
 * they are; 0 if the set has none. */
unsigned scancode_make(uint8_t *out, unsigned set, InputKey key, bool down,
                       unsigned modifiers);

/* Set 2 to set 1, a byte: the controller's table. */
extern const uint8_t scancode_translation[256];

#endif
