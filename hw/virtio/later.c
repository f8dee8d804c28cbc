/*
 * Requests that were carried out and wait for the time at which they are
 * returned. See later.h.
 */
#include "later.h"

#include "vm/work.h"

/* The latency model: a fixed part, and a rate of about 500 MB/s. */
#define COMMAND_NS   (10 * NS_PER_US)
#define SECTOR_NS    (1 * NS_PER_US)
#define SECTOR_BYTES 512u

/* The most that is moved or cleared at one notification (the rest when the first
 * of it is returned): the host's time is bounded. */
#define ROUND_MAX_BYTES (16 * MIB)

unsigned later_place(const VirtioLater *l, unsigned n)
{
    return (l->s->head + n) % LATER_MAX;
}

unsigned later_add(VirtioLater *l, const VirtioBuffer *b, uint64_t bytes,
                   uint32_t written)
{
    VirtioLaterState *s = l->s;
    int64_t now_ns = clock_now_ns(l->v->dev.machine->clock);
    int64_t took_ns = bytes / SECTOR_BYTES * SECTOR_NS;
    int64_t when_ns = now_ns + COMMAND_NS + took_ns;

    if (s->count) {
        int64_t last_ns = s->when_ns[later_place(l, s->count - 1)];
        when_ns = MAX(when_ns, last_ns + took_ns);
    }
    unsigned at = later_place(l, s->count++);
    s->queue[at] = b->queue;
    s->id[at] = b->id;
    s->entries[at] = b->entries;
    s->written[at] = written;
    s->when_ns[at] = when_ns;
    timer_arm(&l->timer, s->when_ns[s->head]);
    return at;
}

void later_queue(VirtioLater *l, unsigned q)
{
    uint64_t moved = 0;
    VirtioBuffer b;

    while (l->s->count < LATER_MAX && moved < ROUND_MAX_BYTES) {
        if (!virtio_pop(l->v, q, &b)) {
            return;
        }
        uint64_t bytes = l->start(l->v, &b);
        machine_work(l->v->dev.machine, bytes / WORK_COPY_BYTES);
        moved += bytes;
    }
    l->s->stalled |= BIT(q);
}

static void resume_queues(VirtioLater *l)
{
    uint64_t stalled = l->s->stalled;

    l->s->stalled = 0;
    for (unsigned q = 0; q < l->v->queue_count; q++) {
        if (stalled & BIT(q)) {
            later_queue(l, q);
        }
    }
}

static void return_due(VirtioLater *l, int64_t now_ns, uint64_t *queues)
{
    VirtioLaterState *s = l->s;

    while (s->count && s->when_ns[s->head] <= now_ns) {
        unsigned at = s->head;
        virtio_push(l->v, s->queue[at], s->id[at], s->entries[at],
                    s->written[at]);
        *queues |= BIT(s->queue[at]);
        s->head = later_place(l, 1);
        s->count--;
    }
}

static void timer_fired(void *opaque)
{
    VirtioLater *l = opaque;
    uint64_t queues = 0;

    l->v->busy = true;
    return_due(l, clock_now_ns(l->v->dev.machine->clock), &queues);
    if (l->s->count) {
        timer_arm(&l->timer, l->s->when_ns[l->s->head]);
    }
    resume_queues(l);
    for (unsigned q = 0; q < l->v->queue_count; q++) {
        if (queues & BIT(q)) {
            virtio_interrupt(l->v, q);
        }
    }
    l->v->busy = false;
}

void later_init(VirtioLater *l, VirtioDevice *v, const char *name,
                uint64_t (*start)(VirtioDevice *, const VirtioBuffer *))
{
    l->v = v;
    l->s = device_state(&v->dev);
    l->start = start;
    timer_init(&l->timer, v->dev.machine->clock, name, &l->s->due_ns,
               timer_fired, l);
}

void later_destroy(VirtioLater *l)
{
    if (l->timer.clock) {
        timer_destroy(&l->timer);
        l->timer.clock = NULL;
    }
}

void later_reset(VirtioLater *l)
{
    timer_cancel(&l->timer);
}
