/*
 * THE boundary: all that the outside world tells the guest passes here.
 *
 * Two shapes only. Pull: the guest asks and must have the answer now. Post:
 * the world has something; it is delivered between two instructions. What is
 * behind a port is one plugged-in object, the NondetSource: live (hand
 * through), record (write to the log and hand through) or replay (read from
 * the log; the world is not asked). softmmu/nondet.c implements ports and the
 * live source, replay/ the other two; devices, block/ and host/ use ports;
 * accel/sched.c delivers.
 */
#ifndef VM_NONDET_H
#define VM_NONDET_H

#include "base/error.h"
#include "base/types.h"

/* The closed list of kinds: see replay/log/nondet.def for payloads and meaning.
 * ORDER nondet-kind; numbers are in log files and never change. */
typedef enum NondetKind {
    NONDET_WARP = 1,       /* post: i64 virtual ns reached while idle */
    NONDET_RTC_BASE = 2,   /* pull: i64 seconds since 1970, once at start */
    NONDET_SEED = 3,       /* pull: u64 seed of the machine's randomness */
    NONDET_SERIAL = 4,     /* post: bytes received */
    NONDET_COMMAND = 5,    /* post: JSON text of a mutating monitor command */
    NONDET_BLOCK_ERROR = 6, /* rare pull: u32 errno, 0 for success */
    NONDET_HOST_CLOCK = 7, /* pull: i64 ns; only without -icount */
    NONDET_SHIFT = 8,      /* post: u8 new icount shift (shift=auto) */
    NONDET_NET = 9,        /* post: a received frame */
    NONDET_INPUT = 10,     /* post: keyboard or pointer events */
    NONDET_DEBUG = 11,     /* post: a debugger's write (vm/debug-write.h) */
    NONDET_SHARE = 12,     /* post: u64 request, and the answer to it */
    NONDET_VSOCK = 13,     /* post: a packet from the host */
    NONDET_KIND_COUNT
} NondetKind;

/* The most that one post can hold: whoever posts more says so to its user. */
#define NONDET_POST_MAX ((size_t)1 << 20)

/* Receives a delivered post on the machine thread, between instructions. */
typedef void NondetSink(void *device, const void *data, size_t len);
/* Answers a pull from the host: fills out[len]. Live and record only. */
typedef void NondetAsk(void *host, void *out, size_t len);

struct NondetPort {
    Nondet *nondet;
    NondetKind kind;
    uint16_t index;        /* order of creation; the port's number in a log */
    char *name;            /* stable: "serial0", "drive0" */
    NondetSink *sink;
    void *device;
    NondetAsk *ask;
    void *host;
};

/* Creates a port of (kind, name); sink is NULL for pulls. Ports are created
 * while the machine is built, in an order that depends on the command line
 * only. Owned by the machine. */
NondetPort *nondet_port(Machine *m, NondetKind kind, const char *name,
                        NondetSink *sink, void *device);

/* Says who answers pulls of a kind in live and record mode; connected by the
 * roof (host/clock.c, host/entropy.c). */
void nondet_set_ask(Machine *m, NondetKind kind, NondetAsk *ask, void *host);

/* Asks; machine thread, at the present instruction. */
void nondet_pull(NondetPort *p, void *out, size_t len);
/* As nondet_pull() for an answer that is nearly always all zeroes: `io` holds
 * the world's answer on entry (ignored in replay) and the guest's on return.
 * Only non-zero answers are logged, with the count of calls on this port. */
void nondet_pull_rare(NondetPort *p, void *io, size_t len);
/* Hands over something from the world; it is queued and delivered at the next
 * instruction boundary at which sched looks. Ignored in replay. */
void nondet_post(NondetPort *p, const void *data, size_t len);
/* Delivers what is due at icount now. Called by accel/sched.c only. */
void nondet_deliver(Machine *m, Icount now);

/* As nondet_post(), for a machine that stands still: delivered at once, before
 * anything that is queued. Machine.sched.revisited must say whether sched has
 * been at this icount. */
void nondet_post_now(NondetPort *p, const void *data, size_t len);
/* Replay: delivers what was recorded behind what has happened at icount now
 * (Machine.sched.late_icount). Called by accel/sched.c only. */
void nondet_deliver_late(Machine *m, Icount now);

/* True when the world's inputs are wanted (not in replay): host back ends ask
 * this before they read a terminal or a socket for the guest. */
bool nondet_wants_input(Machine *m);
/* True while posts wait for delivery. */
bool nondet_pending(Machine *m);

/* --- the plug --------------------------------------------------------- */

typedef struct NondetSource {
    const char *mode;      /* "none", "record", "play" */
    bool wants_input;
    void *opaque;
    void (*pull)(void *opaque, NondetPort *p, void *out, size_t len);
    void (*pull_rare)(void *opaque, NondetPort *p, void *io, size_t len);
    /* Called in deliver for each queued post, before its sink (record). */
    void (*delivered)(void *opaque, NondetPort *p, const void *data,
                      size_t len);
    /* Replay: calls the sinks of what the log holds for `now`. */
    void (*deliver)(void *opaque, Icount now);
    /* Replay: the same for what comes behind exceptions or interrupts that
     * were delivered there. */
    void (*deliver_late)(void *opaque, Icount now);
    /* Replay: the icount of the next logged post, ICOUNT_NONE if none. */
    Icount (*next_icount)(void *opaque);
    /* Replay: the virtual time at which the log's next post, one at the
     * present icount, was made while idle; TIME_NEVER if there is none. */
    int64_t (*next_warp_ns)(void *opaque);
} NondetSource;

/* Plugs in a source (copied); NULL restores the live one. */
void nondet_set_source(Machine *m, const NondetSource *s);
/* Calls a port's sink; for replay sources. */
void nondet_sink(NondetPort *p, const void *data, size_t len);
/* Asks the host for the answer to a pull; for record sources. */
void nondet_ask(NondetPort *p, void *out, size_t len);
/* All ports by index, for the log's identity. */
const GPtrArray *nondet_ports(Machine *m);
/* Icount of the next logged post, warp time: see NondetSource; the live and
 * record sources answer ICOUNT_NONE and TIME_NEVER. */
Icount nondet_next_icount(Machine *m);
int64_t nondet_next_warp_ns(Machine *m);
/* Number of nondet_pull_rare calls per port are state: section "nondet". */
const struct StateTable *nondet_state(void);
void *nondet_state_object(Machine *m);

Nondet *nondet_new(void);
void nondet_free(Nondet *n);

#endif
