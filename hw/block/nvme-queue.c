/*
 * NVMe queues: commands fetched, completions posted, interrupts. Sections 4.1,
 * 4.6 and 7.5. See nvme.h.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "base/log.h"
#include "nvme.h"
#include "vm/work.h"

/* The latency model: a fixed part, and a rate of about 500 MB/s. */
#define COMMAND_NS   (10 * NS_PER_US)
#define SECTOR_NS    (1 * NS_PER_US)
#define SECTOR_BYTES 512u
/* The most that is moved or cleared when a doorbell is rung (the rest when the
 * first of it is completed): the host's time is bounded. */
#define ROUND_MAX_BYTES (16 * MIB)

/* Doorbells: information of an error event, 5.2.1. */
enum { ERROR_BAD_DOORBELL = 0, ERROR_BAD_VALUE = 1 };

static int64_t now_ns(const Nvme *d)
{
    return clock_now_ns(d->pci.dev.machine->clock);
}

/* --- interrupts ------------------------------------------------------------------*/

static bool wants_intx(const NvmeState *s, unsigned cq)
{
    unsigned vector = MIN(s->cq_vector[cq], 31);
    return s->cq_entries[cq] && s->cq_interrupts[cq] &&
           s->cq_head[cq] != s->cq_tail[cq] && !(s->int_mask & BIT(vector));
}

/* 7.5.1.1: the pin is high while there is something to be looked at. */
void nvme_drive_intx(Nvme *d)
{
    bool level = false;

    for (unsigned cq = 0; cq <= d->io_queues; cq++) {
        level |= wants_intx(&d->s, cq);
    }
    pci_set_intx(&d->pci, level && !pci_msix_enabled(&d->pci));
}

/* --- completions --------------------------------------------------------------------*/

static unsigned next(unsigned at, unsigned entries)
{
    return at + 1 >= entries ? 0 : at + 1;
}

static bool is_full(const NvmeState *s, unsigned cq)
{
    return next(s->cq_tail[cq], s->cq_entries[cq]) == s->cq_head[cq];
}

/* 4.6. */
static void post(Nvme *d, unsigned n)
{
    NvmeState *s = &d->s;
    unsigned sq = s->pending_sq[n], cq = s->sq_cq[sq];
    uint8_t entry[NVME_COMPLETION_BYTES] = { 0 };

    bytes_st_le32(entry, s->pending_result[n]);
    bytes_st_le16(entry + 8, s->sq_head[sq]);
    bytes_st_le16(entry + 10, sq);
    bytes_st_le16(entry + 12, s->pending_id[n]);
    bytes_st_le16(entry + 14, s->pending_status[n] << 1 | s->cq_phase[cq]);
    if (!nvme_store(d, s->cq_base[cq] +
                       (uint64_t)s->cq_tail[cq] * sizeof entry,
                    entry, sizeof entry)) {
        nvme_fail(d, "a completion queue is no memory");
        return;
    }
    s->cq_tail[cq] = next(s->cq_tail[cq], s->cq_entries[cq]);
    s->cq_phase[cq] ^= s->cq_tail[cq] == 0;
}

static void remove_pending(NvmeState *s, unsigned n)
{
    unsigned after = --s->pending - n;

    memmove(s->pending_sq + n, s->pending_sq + n + 1, 2 * after);
    memmove(s->pending_id + n, s->pending_id + n + 1, 2 * after);
    memmove(s->pending_status + n, s->pending_status + n + 1, 2 * after);
    memmove(s->pending_result + n, s->pending_result + n + 1, 4 * after);
    memmove(s->pending_ns + n, s->pending_ns + n + 1, 8 * after);
}

static void interrupt(Nvme *d, const bool *posted)
{
    for (unsigned cq = 0; cq <= d->io_queues; cq++) {
        if (posted[cq] && d->s.cq_interrupts[cq]) {
            pci_msix_send(&d->pci, d->s.cq_vector[cq]);
        }
    }
    nvme_drive_intx(d);
}

/* Whether the n-th may be posted: it is time and there is room. */
static bool may_post(const Nvme *d, unsigned n, int64_t until_ns)
{
    const NvmeState *s = &d->s;
    unsigned cq = s->sq_cq[s->pending_sq[n]];
    return s->pending_ns[n] <= until_ns && s->cq_entries[cq] &&
           !is_full(s, cq);
}

/* Posts what is due. What has no room waits until the driver rings. */
static void post_due(Nvme *d)
{
    NvmeState *s = &d->s;
    bool posted[NVME_QUEUES_MAX] = { false };
    int64_t now = now_ns(d), due = TIME_NEVER;

    for (unsigned n = 0; n < s->pending && nvme_is_ready(d);) {
        if (may_post(d, n, now)) {
            posted[s->sq_cq[s->pending_sq[n]]] = true;
            post(d, n);
            remove_pending(s, n);
            continue;
        }
        if (s->pending_ns[n] > now) {
            due = MIN(due, s->pending_ns[n]);
        }
        n++;
    }
    if (due != TIME_NEVER) {
        timer_arm(&d->timer, due);
    }
    interrupt(d, posted);
}

/* has_room() leaves room; but a loaded stream may hold anything. */
static void complete(Nvme *d, const NvmeCommand *c, uint16_t status)
{
    NvmeState *s = &d->s;
    int64_t took_ns = c->bytes / SECTOR_BYTES * SECTOR_NS;
    int64_t when = now_ns(d) + COMMAND_NS + took_ns;

    if (s->pending == NVME_PENDING_MAX) {
        return;
    }
    if (s->pending) {
        when = MAX(when, s->pending_ns[s->pending - 1] + took_ns);
    }
    s->pending_sq[s->pending] = c->sq;
    s->pending_id[s->pending] = c->id;
    s->pending_status[s->pending] = status;
    s->pending_result[s->pending] = c->result;
    s->pending_ns[s->pending++] = when;
    timer_arm(&d->timer, MIN(s->due_ns, when));
}

void nvme_complete_admin(Nvme *d, uint16_t id, uint16_t status,
                         uint32_t result)
{
    NvmeCommand c = { .id = id, .result = result };
    complete(d, &c, status);
}

void nvme_drain(Nvme *d, unsigned sq)
{
    NvmeState *s = &d->s;
    bool posted[NVME_QUEUES_MAX] = { false };

    for (unsigned n = 0; n < s->pending;) {
        if (s->pending_sq[n] != sq) {
            n++;
            continue;
        }
        if (may_post(d, n, TIME_NEVER)) {
            posted[s->sq_cq[sq]] = true;
            post(d, n);
        }
        remove_pending(s, n);
    }
    interrupt(d, posted);
}

/* --- commands ----------------------------------------------------------------------------*/

static bool fetch(Nvme *d, unsigned sq, NvmeCommand *c)
{
    NvmeState *s = &d->s;
    uint8_t bytes[NVME_COMMAND_BYTES];

    if (!nvme_load(d, s->sq_base[sq] +
                      (uint64_t)s->sq_head[sq] * sizeof bytes,
                   bytes, sizeof bytes)) {
        nvme_fail(d, "a submission queue is no memory");
        return false;
    }
    *c = (NvmeCommand){ .opcode = bytes[0],
                        .flags = bytes[1],
                        .id = bytes_ld_le16(bytes + 2),
                        .sq = sq,
                        .nsid = bytes_ld_le32(bytes + 4) };
    c->data[0] = bytes_ld_le64(bytes + 24);
    c->data[1] = bytes_ld_le64(bytes + 32);
    for (unsigned i = 0; i < 16; i++) {
        c->dw[i] = bytes_ld_le32(bytes + 4 * i);
    }
    s->sq_head[sq] = next(s->sq_head[sq], s->sq_entries[sq]);
    return true;
}

/* The bytes that were read, written or cleared for it. */
static uint64_t carry_out(Nvme *d, NvmeCommand *c)
{
    uint16_t status = c->flags & 0x3c      ? NVME_BAD_FIELD
                      : c->flags & 3       ? NVME_BAD_FIELD /* fused */
                      : c->sq ? nvme_io(d, c) : nvme_admin(d, c);

    uint64_t bytes = c->bytes + c->unmoved;
    machine_work(d->pci.dev.machine, 1 + bytes / WORK_COPY_BYTES);
    if (status == NVME_NO_COMPLETION) {
        return bytes;
    }
    if (status != NVME_OK) {
        nvme_log_error(d, c, status);
    }
    complete(d, c, status);
    return bytes;
}

static bool has_room(const NvmeState *s, unsigned sq)
{
    /* Telling an event, and aborting what waits for one, takes a second. */
    return s->pending + (sq ? NVME_PENDING_ADMIN : NVME_EVENTS_MAX + 1) <=
           NVME_PENDING_MAX;
}

/* Carries out what is in a queue, as much as may be now. */
static void run_queue(Nvme *d, unsigned sq)
{
    NvmeState *s = &d->s;
    uint64_t moved = 0;
    NvmeCommand c;

    s->stalled[sq] = false;
    while (nvme_is_ready(d) && s->sq_entries[sq] &&
           s->sq_head[sq] != s->sq_tail[sq]) {
        if (!has_room(s, sq) || moved >= ROUND_MAX_BYTES) {
            s->stalled[sq] = true;
            return;
        }
        if (!fetch(d, sq, &c)) {
            return;
        }
        moved += carry_out(d, &c);
    }
}

static void run_stalled(Nvme *d)
{
    for (unsigned sq = 0; sq <= d->io_queues; sq++) {
        if (d->s.stalled[sq]) {
            run_queue(d, sq);
        }
    }
}

/* --- doorbells and time -------------------------------------------------------------------*/

static void bad_doorbell(Nvme *d, const char *kind, unsigned n, uint32_t v,
                         bool is_value)
{
    guest_error("%s: %s doorbell %u: 0x%x\n", nvme_name(d), kind, n, v);
    nvme_event(d, NVME_EVENT_ERROR,
               is_value ? ERROR_BAD_VALUE : ERROR_BAD_DOORBELL);
}

void nvme_ring_sq(Nvme *d, unsigned sq, uint32_t tail)
{
    bool exists = sq <= d->io_queues && d->s.sq_entries[sq];

    if (!exists || tail >= d->s.sq_entries[sq]) {
        bad_doorbell(d, "submission", sq, tail, exists);
        return;
    }
    d->s.sq_tail[sq] = tail;
    d->busy = true;
    run_queue(d, sq);
    d->busy = false;
}

/* A head must lie between the old one and the tail. */
static bool head_good(const NvmeState *s, unsigned cq, uint32_t head)
{
    unsigned entries = s->cq_entries[cq];
    unsigned used = (s->cq_tail[cq] + entries - s->cq_head[cq]) % entries;
    return head < entries &&
           (head + entries - s->cq_head[cq]) % entries <= used;
}

void nvme_ring_cq(Nvme *d, unsigned cq, uint32_t head)
{
    NvmeState *s = &d->s;
    bool exists = cq <= d->io_queues && s->cq_entries[cq];

    if (!exists || !head_good(s, cq, head)) {
        bad_doorbell(d, "completion", cq, head, exists);
        return;
    }
    bool was_full = is_full(s, cq);
    s->cq_head[cq] = head;
    d->busy = true;
    if (was_full) {
        post_due(d);
        run_stalled(d);
    } else {
        nvme_drive_intx(d);
    }
    d->busy = false;
}

void nvme_timer_fired(void *opaque)
{
    Nvme *d = opaque;

    d->busy = true;
    post_due(d);
    run_stalled(d);
    d->busy = false;
}
