/*
 * The table of helpers that translated code calls.
 */
#include "cpu.h"

#define X86_HELPER(name, nargs, result, effects, what) \
    { #name, (void (*)(void))helper_##name, nargs, result, effects },

const IrHelper x86_helpers[X86_HELPER_COUNT] = {
#include "helpers-sys.def"
#include "helpers-int.def"
#include "helpers-x87.def"
};
