/*
 * The table of helpers that translated code calls.
 */
#include "cpu.h"

#define X86_HELPER(name, nargs, result, effects, what) \
    { #name, (void (*)(void))helper_##name, nargs, result, effects },
#define X86_HELPER_IDIOM(name, nargs, result, idiom, what) \
    { #name, (void (*)(void))helper_##name, nargs, result, 0, \
      IR_IDIOM_##idiom },

const IrHelper x86_helpers[X86_HELPER_COUNT] = {
#include "helpers-sys.def"
#include "helpers-int.def"
#include "helpers-x87.def"
};
