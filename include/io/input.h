/*
 * Keys and pointers on their way to a guest's input devices.
 *
 * Implemented by hw/input/input.c; a keyboard or mouse device registers, and
 * a delivered `mutates` command (send-key) or a display calls input_send_*().
 * By then the event has passed the boundary, so all of this is machine side.
 */
#ifndef IO_INPUT_H
#define IO_INPUT_H

#include "base/error.h"
#include "base/types.h"

/* ORDER input-key (hw/input/input.c): QMP's QKeyCode words. */
typedef uint16_t InputKey;

/* A key went down or up. */
typedef void InputKeyFn(void *opaque, InputKey key, bool down);
/* The pointer moved, its wheel was turned, or buttons went up or down. */
typedef struct InputPointer {
    int dx, dy;            /* right, down */
    int dz;                /* notches towards the user */
    unsigned buttons;      /* bit 0 left, 1 right, 2 middle, 3 side, 4 extra */
    unsigned mask;         /* which buttons that speaks of */
} InputPointer;
#define INPUT_BUTTONS 5u
typedef void InputPointerFn(void *opaque, const InputPointer *p);

void input_register_keyboard(Machine *m, InputKeyFn *fn, void *opaque);
void input_register_pointer(Machine *m, InputPointerFn *fn, void *opaque);

/* The key of a QMP word ("ret", "ctrl", "a"); false if there is none. */
bool input_key_find(const char *word, InputKey *key);
/* The key of a number as QMP has it: its code in set 1, with 0x80 where e0 comes
 * before it. */
bool input_key_by_number(unsigned number, InputKey *key);
const char *input_key_word(InputKey key);
unsigned input_key_count(void);

/* To the keyboard / pointer registered last; nothing if there is none. */
void input_send_key(Machine *m, InputKey key, bool down);
void input_send_pointer(Machine *m, const InputPointer *p);
/* Whether there is a keyboard, a pointer. */
bool input_has_keyboard(const Machine *m);
bool input_has_pointer(const Machine *m);

#endif
