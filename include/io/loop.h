/*
 * The main loop: guest slices alternating with the host's events.
 *
 * Implemented by host/loop.c over GLib's main context. What a guest is comes
 * through a vtable that the roof fills in, since host/ knows nothing of
 * machines.
 */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include "base/types.h"

typedef struct LoopGuest {
    void *opaque;
    /* The process should end. */
    bool (*quit)(void *opaque);
    /* The machine is to run (not paused). */
    bool (*running)(void *opaque);
    /* Something waits that ends an idle wait: an input, a request. */
    bool (*wanted)(void *opaque);
    /* Runs at most so many instructions. True: idle. */
    bool (*run)(void *opaque, uint64_t max_insns);
    /* Paused: acts on requests made meanwhile. */
    void (*paused)(void *opaque);
    Icount (*icount)(void *opaque);
    /* Virtual time, and when idling ends by itself (TIME_NEVER: never). */
    int64_t (*now_ns)(void *opaque);
    int64_t (*idle_due_ns)(void *opaque);
    /* Idling ended at virtual time ns. */
    void (*idle_end)(void *opaque, int64_t ns);
    /* shift=auto: the present shift and a request to change it. Both NULL
     * with a fixed shift. */
    unsigned (*shift)(void *opaque);
    void (*set_shift)(void *opaque, unsigned shift);
    /* A signal asks the process to end. */
    void (*signalled)(void *opaque, int signum);
} LoopGuest;

/* Runs until quit() says so. world, if not NULL, keeps virtual time
 * (no -icount): its clock stands while the guest is paused. */
struct World;
void loop_run(const LoopGuest *guest, struct World *world);

/* shift=auto: the shift that brings virtual time, which moved by virtual_ns
 * while the host's moved by host_ns, closer to the host's. */
unsigned loop_next_shift(unsigned shift, int64_t virtual_ns, int64_t host_ns);

#endif
