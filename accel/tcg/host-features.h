/*
 * Extensions of a host's processor that native code may use, a bit each: what
 * the back end asks for, and what -accel tcg,host-features= takes away. Results
 * never depend on them, only the choice of instructions.
 */
#ifndef ACCEL_TCG_HOST_FEATURES_H
#define ACCEL_TCG_HOST_FEATURES_H

#include "base/error.h"
#include "base/types.h"

/* x86_64. SSE2 is always there. AVX and what builds on it only where the system
 * keeps the registers. */
enum {
#define HOST_FEATURE(id, name, bit, without) HOST_##id = 1u << bit,
#include "host-features.def"
#undef HOST_FEATURE
};

/* Which features the value of host-features= takes away. False with an error if
 * it is not understood. */
bool host_features_parse(const char *value, uint32_t *off, Error **errp);

#endif
