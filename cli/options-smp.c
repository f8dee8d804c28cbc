/*
 * -smp: how many vCPUs there are, how they are arranged, and how long each
 * one's turn is.
 *
 * What is not said follows from what is: cores first, then sockets and threads,
 * as QEMU does it for boards since its version 6.2.
 */
#include "options.h"
#include "vm/turn.h"

/* Numbers of the option; 0: not said. */
typedef struct SmpNumbers {
    uint64_t cpus, maxcpus, sockets, dies, cores, threads;
} SmpNumbers;

static uint64_t or_one(uint64_t n)
{
    return n ? n : 1;
}

static uint64_t places(const SmpNumbers *n)
{
    return or_one(n->sockets) * or_one(n->dies) * or_one(n->cores) *
           or_one(n->threads);
}

/* The first level that was left open takes what the others do not say. */
static void complete(SmpNumbers *n)
{
    uint64_t wanted = n->maxcpus ? n->maxcpus : n->cpus;
    uint64_t *open[] = { &n->cores, &n->sockets, &n->threads };
    for (unsigned i = 0; wanted && i < G_N_ELEMENTS(open); i++) {
        if (!*open[i]) {
            *open[i] = MAX(wanted / places(n), 1);
        }
    }
    n->sockets = or_one(n->sockets);
    n->dies = or_one(n->dies);
    n->cores = or_one(n->cores);
    n->threads = or_one(n->threads);
    n->maxcpus = wanted ? wanted : places(n);
    n->cpus = n->cpus ? n->cpus : n->maxcpus;
}

static bool check(const SmpNumbers *n, Error **errp)
{
    if (places(n) != n->maxcpus) {
        error_set(errp, "Invalid CPU topology: product of the hierarchy must "
                  "match maxcpus: sockets (%" G_GUINT64_FORMAT ") * dies (%"
                  G_GUINT64_FORMAT ") * cores (%" G_GUINT64_FORMAT
                  ") * threads (%" G_GUINT64_FORMAT ") != maxcpus (%"
                  G_GUINT64_FORMAT ")", n->sockets, n->dies, n->cores,
                  n->threads, n->maxcpus);
        return false;
    }
    if (n->maxcpus != n->cpus) {
        error_set(errp, "Invalid CPU topology: maxcpus (%" G_GUINT64_FORMAT
                  ") must equal cpus (%" G_GUINT64_FORMAT "): vCPUs cannot be "
                  "plugged in later", n->maxcpus, n->cpus);
        return false;
    }
    if (n->cpus > TURN_MOST_CPUS) {
        error_set(errp, "Invalid SMP CPUs %" G_GUINT64_FORMAT ". The max CPUs "
                  "supported is %u", n->cpus, TURN_MOST_CPUS);
        return false;
    }
    return true;
}

bool opt_smp(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    SmpNumbers n = { 0 };
    uint64_t quantum = TURN_QUANTUM;
    struct {
        const char *key;
        uint64_t *out;
    } keys[] = { { "cpus", &n.cpus }, { "maxcpus", &n.maxcpus },
                 { "sockets", &n.sockets }, { "dies", &n.dies },
                 { "cores", &n.cores }, { "threads", &n.threads } };
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (!keyval_number(kv, keys[i].key, 1, 1024, keys[i].out, errp)) {
            return false;
        }
    }
    if (!keyval_number(kv, "quantum", 1, TURN_QUANTUM_MOST, &quantum, errp)) {
        return false;
    }
    complete(&n);
    if (!check(&n, errp)) {
        return false;
    }
    o->smp = (MachineSmp){ n.cpus, n.sockets, n.dies, n.cores, n.threads,
                           quantum };
    return true;
}
