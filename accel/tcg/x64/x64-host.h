/*
 * What the host's processor can do, as far as the x86_64 back end uses it.
 */
#ifndef X64_HOST_H
#define X64_HOST_H

#include "host-features.h"

/* HOST_* that the processor has; asks it. */
uint32_t x64_host(void);

#endif
