/*
 * The numbers behind io/input.h's InputKey, from keys.def.
 */
#ifndef KEYS_H
#define KEYS_H

enum InputKeyNumber {
#define KEY(word, name, set2, set3) KEY_##name,
#include "keys.def"
#undef KEY
    KEY_COUNT
};

#endif
