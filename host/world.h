/*
 * What a World is made of; see io/world.h.
 */
#ifndef HOST_WORLD_H
#define HOST_WORLD_H

#include "io/world.h"
#include "vm/nondet.h"

struct World {
    bool local;            /* the RTC starts at local time */
    bool running;
    int64_t since_ns;      /* host time at which it was started */
    int64_t sum_ns;        /* of all earlier running times */
};

/* Host monotonic time. */
int64_t host_now_ns(void);
/* Answers NONDET_SEED. */
void entropy_ask_seed(void *host, void *out, size_t len);

#endif
