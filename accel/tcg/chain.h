/* Chains between TBs, as the cache sees them: chain.c. */
#ifndef ACCEL_TCG_CHAIN_H
#define ACCEL_TCG_CHAIN_H

#include "tb.h"

/* All chains from and to a TB that goes. */
void chain_cut_all(TcgState *s, Tb *tb);

#endif
