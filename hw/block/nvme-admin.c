/*
 * NVMe's admin commands: queues made and deleted, commands aborted, events
 * asked for. Section 5. See nvme.h.
 */
#include "base/bits.h"
#include "base/log.h"
#include "nvme.h"

enum {
    ADMIN_DELETE_SQ = 0x00,
    ADMIN_CREATE_SQ = 0x01,
    ADMIN_GET_LOG_PAGE = 0x02,
    ADMIN_DELETE_CQ = 0x04,
    ADMIN_CREATE_CQ = 0x05,
    ADMIN_IDENTIFY = 0x06,
    ADMIN_ABORT = 0x08,
    ADMIN_SET_FEATURES = 0x09,
    ADMIN_GET_FEATURES = 0x0a,
    ADMIN_EVENT = 0x0c,
};

/* Entries are of these sizes (CC, 3.1.5), as powers of two. */
#define SQ_ENTRY_SHIFT 6u
#define CQ_ENTRY_SHIFT 4u

/* Dwords 10 and 11 of both commands that create. */
#define QUEUE_CONTIGUOUS 1u
#define QUEUE_INTERRUPTS 2u

/* --- queues, 5.3 to 5.6 ---------------------------------------------------------------*/

static unsigned queue_id(const NvmeCommand *c)
{
    return c->dw[10] & 0xffff;
}

static unsigned queue_entries(const NvmeCommand *c)
{
    return (c->dw[10] >> 16) + 1;
}

/* What both kinds must be like. CAP says that queues are contiguous. */
static uint16_t check_queue(const Nvme *d, const NvmeCommand *c, bool taken)
{
    if (!queue_id(c) || queue_id(c) > d->io_queues || taken) {
        return NVME_BAD_QUEUE;
    }
    if (queue_entries(c) < 2 || queue_entries(c) > NVME_ENTRIES_MAX) {
        return NVME_BAD_QUEUE_SIZE;
    }
    if (c->data[0] % nvme_page_bytes(d)) {
        return NVME_BAD_PRP;
    }
    return c->dw[11] & QUEUE_CONTIGUOUS ? NVME_OK : NVME_BAD_FIELD;
}

static uint16_t cmd_create_cq(Nvme *d, NvmeCommand *c)
{
    NvmeState *s = &d->s;
    unsigned cq = queue_id(c), vector = c->dw[11] >> 16;
    uint16_t status =
        check_queue(d, c, cq <= d->io_queues && s->cq_entries[cq]);

    if (status) {
        return status;
    }
    if (bits_extract(s->cc, 20, 4) != CQ_ENTRY_SHIFT) {
        return NVME_BAD_FIELD;
    }
    if (vector >= d->vectors || (vector && !pci_msix_enabled(&d->pci))) {
        return NVME_BAD_VECTOR;
    }
    s->cq_base[cq] = c->data[0];
    s->cq_entries[cq] = queue_entries(c);
    s->cq_head[cq] = s->cq_tail[cq] = 0;
    s->cq_phase[cq] = true;
    s->cq_interrupts[cq] = c->dw[11] & QUEUE_INTERRUPTS;
    s->cq_vector[cq] = vector;
    return NVME_OK;
}

static uint16_t cmd_create_sq(Nvme *d, NvmeCommand *c)
{
    NvmeState *s = &d->s;
    unsigned sq = queue_id(c), cq = c->dw[11] >> 16;
    uint16_t status =
        check_queue(d, c, sq <= d->io_queues && s->sq_entries[sq]);

    if (status) {
        return status;
    }
    if (!cq || cq > d->io_queues) {
        return NVME_BAD_QUEUE;
    }
    if (!s->cq_entries[cq]) {
        return NVME_BAD_CQ;
    }
    if (bits_extract(s->cc, 16, 4) != SQ_ENTRY_SHIFT) {
        return NVME_BAD_FIELD;
    }
    s->sq_base[sq] = c->data[0];
    s->sq_entries[sq] = queue_entries(c);
    s->sq_head[sq] = s->sq_tail[sq] = 0;
    s->sq_cq[sq] = cq;
    return NVME_OK;
}

/* What was fetched has been carried out and is completed first. */
static uint16_t cmd_delete_sq(Nvme *d, NvmeCommand *c)
{
    unsigned sq = queue_id(c);

    if (!sq || sq > d->io_queues || !d->s.sq_entries[sq]) {
        return NVME_BAD_QUEUE;
    }
    nvme_drain(d, sq);
    d->s.sq_entries[sq] = 0;
    d->s.stalled[sq] = false;
    return NVME_OK;
}

static uint16_t cmd_delete_cq(Nvme *d, NvmeCommand *c)
{
    NvmeState *s = &d->s;
    unsigned cq = queue_id(c);

    if (!cq || cq > d->io_queues || !s->cq_entries[cq]) {
        return NVME_BAD_QUEUE;
    }
    for (unsigned sq = 1; sq <= d->io_queues; sq++) {
        if (s->sq_entries[sq] && s->sq_cq[sq] == cq) {
            return NVME_BAD_DELETION;
        }
    }
    s->cq_entries[cq] = 0;
    nvme_drive_intx(d);
    return NVME_OK;
}

/* --- events, 5.2 ------------------------------------------------------------------------*/

/* Log pages that tell more, 5.14.1. ORDER nvme-event (nvme.h) */
static const uint8_t event_page[NVME_EVENT_TYPES] = { 0x01, 0x02 };

/* The oldest request, which is taken away. */
static uint16_t take_request(NvmeState *s)
{
    uint16_t id = s->event_id[0];

    s->events--;
    memmove(s->event_id, s->event_id + 1, s->events * sizeof s->event_id[0]);
    return id;
}

void nvme_tell_events(Nvme *d)
{
    NvmeState *s = &d->s;

    for (unsigned type = 0; type < NVME_EVENT_TYPES && s->events; type++) {
        if (!s->event_info[type] || (s->event_masked & BIT(type))) {
            continue;
        }
        uint32_t result = type | (s->event_info[type] - 1) << 8 |
                          event_page[type] << 16;
        s->event_info[type] = 0;
        s->event_masked |= BIT(type);
        nvme_complete_admin(d, take_request(s), NVME_OK, result);
    }
}

void nvme_event(Nvme *d, unsigned type, uint8_t info)
{
    d->s.event_info[type] = info + 1;
    nvme_tell_events(d);
}

static uint16_t cmd_event(Nvme *d, NvmeCommand *c)
{
    NvmeState *s = &d->s;

    if (s->events > d->aerl) {
        return NVME_EVENT_LIMIT;
    }
    s->event_id[s->events++] = c->id;
    nvme_tell_events(d);
    return NVME_NO_COMPLETION;
}

/* 5.1: commands have been carried out when anybody could want to abort them,
 * except those that wait for an event. */
static uint16_t cmd_abort(Nvme *d, NvmeCommand *c)
{
    NvmeState *s = &d->s;
    unsigned sq = c->dw[10] & 0xffff, id = c->dw[10] >> 16;

    c->result = 1;                      /* it was not aborted */
    for (unsigned i = 0; i < s->events && sq == 0; i++) {
        if (s->event_id[i] != id) {
            continue;
        }
        s->events--;
        memmove(s->event_id + i, s->event_id + i + 1,
                (s->events - i) * sizeof s->event_id[0]);
        nvme_complete_admin(d, id, NVME_ABORTED, 0);
        c->result = 0;
        break;
    }
    return NVME_OK;
}

/* --- dispatch ----------------------------------------------------------------------------*/

typedef struct AdminCommand {
    uint8_t opcode;
    uint16_t (*fn)(Nvme *d, NvmeCommand *c);
} AdminCommand;

static const AdminCommand admin_commands[] = {
    { ADMIN_DELETE_SQ, cmd_delete_sq },
    { ADMIN_CREATE_SQ, cmd_create_sq },
    { ADMIN_GET_LOG_PAGE, nvme_get_log_page },
    { ADMIN_DELETE_CQ, cmd_delete_cq },
    { ADMIN_CREATE_CQ, cmd_create_cq },
    { ADMIN_IDENTIFY, nvme_identify },
    { ADMIN_ABORT, cmd_abort },
    { ADMIN_SET_FEATURES, nvme_set_features },
    { ADMIN_GET_FEATURES, nvme_get_features },
    { ADMIN_EVENT, cmd_event },
};

uint16_t nvme_admin(Nvme *d, NvmeCommand *c)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(admin_commands); i++) {
        if (admin_commands[i].opcode == c->opcode) {
            return c->flags >> 6 ? NVME_BAD_FIELD
                                 : admin_commands[i].fn(d, c);
        }
    }
    guest_error("%s: admin opcode 0x%02x\n", nvme_name(d), c->opcode);
    return NVME_BAD_OPCODE;
}
