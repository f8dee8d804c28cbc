/*
 * Get Features and Set Features. Sections 5.13 and 5.21. See nvme.h.
 */
#include "base/bits.h"
#include "nvme.h"

enum {
    FEATURE_ARBITRATION = 0x01,
    FEATURE_POWER = 0x02,
    FEATURE_TEMPERATURE = 0x04,
    FEATURE_ERROR_RECOVERY = 0x05,
    FEATURE_WRITE_CACHE = 0x06,
    FEATURE_QUEUES = 0x07,
    FEATURE_COALESCING = 0x08,
    FEATURE_VECTOR = 0x09,
    FEATURE_ATOMICITY = 0x0a,
    FEATURE_EVENTS = 0x0b,
};

/* SEL, 5.13. */
enum { SELECT_CURRENT, SELECT_DEFAULT, SELECT_SAVED, SELECT_SUPPORTED };

#define SET_SAVE     0x80000000u       /* dword 10 */
#define CHANGEABLE   4u                /* what SELECT_SUPPORTED answers */
#define EVENT_SMART_TEMPERATURE 2u     /* event configuration, 5.21.1.11 */
#define SMART_TEMPERATURE       1u     /* the event's information */
#define DEFAULT_OVER            0x157u

/* --- those with a value each ----------------------------------------------------------*/

/* Dword 11 says which temperature: 0 is the composite one, the only one that
 * there is; bits 21:20 which threshold. */
static uint16_t temperature_row(Nvme *d, uint32_t dw11, uint32_t **row)
{
    unsigned sensor = bits_extract(dw11, 16, 4);
    unsigned kind = bits_extract(dw11, 20, 2);

    if ((sensor && sensor != 15) || kind > 1) {
        return NVME_BAD_FIELD;
    }
    *row = kind ? &d->s.temperature_under : &d->s.temperature_over;
    return NVME_OK;
}

static uint16_t set_temperature(Nvme *d, const NvmeCommand *c)
{
    uint32_t *row;
    uint16_t status = temperature_row(d, c->dw[11], &row);

    if (status) {
        return status;
    }
    *row = c->dw[11] & 0xffff;
    if (nvme_is_hot(d) && (d->s.event_config & EVENT_SMART_TEMPERATURE)) {
        nvme_event(d, NVME_EVENT_SMART, SMART_TEMPERATURE);
    }
    return NVME_OK;
}

/* 5.21.1.7: before queues are made, and not the reserved number. */
static uint16_t set_queues(Nvme *d, NvmeCommand *c)
{
    for (unsigned q = 1; q <= d->io_queues; q++) {
        if (d->s.sq_entries[q] || d->s.cq_entries[q]) {
            return NVME_BAD_SEQUENCE;
        }
    }
    if ((c->dw[11] & 0xffff) == 0xffff || c->dw[11] >> 16 == 0xffff) {
        return NVME_BAD_FIELD;
    }
    c->result = (d->io_queues - 1) | (d->io_queues - 1) << 16;
    return NVME_OK;
}

static uint16_t set_write_cache(Nvme *d, const NvmeCommand *c)
{
    bool on = c->dw[11] & 1;

    if (!d->write_cache) {
        return NVME_BAD_FIELD;          /* there is none: VWC */
    }
    if (!on && d->s.write_cache && blockdev_flush(d->block) < 0) {
        return NVME_WRITE_FAULT;
    }
    d->s.write_cache = on;
    return NVME_OK;
}

static uint16_t set_vector(Nvme *d, const NvmeCommand *c)
{
    unsigned vector = c->dw[11] & 0xffff;

    if (vector >= MIN(d->vectors, NVME_QUEUES_MAX)) {
        return NVME_BAD_FIELD;
    }
    d->s.no_coalescing[vector] = c->dw[11] & 0x10000;
    return NVME_OK;
}

static uint16_t set_value(Nvme *d, NvmeCommand *c)
{
    uint32_t v = c->dw[11];

    switch (c->dw[10] & 0xff) {
    case FEATURE_ARBITRATION:
        d->s.arbitration = v;
        return NVME_OK;
    case FEATURE_POWER:
        return v & 0x1f ? NVME_BAD_FIELD : NVME_OK; /* one state: 0 */
    case FEATURE_TEMPERATURE:
        return set_temperature(d, c);
    case FEATURE_ERROR_RECOVERY:
        d->s.error_recovery = v & 0x1ffff;
        return NVME_OK;
    case FEATURE_WRITE_CACHE:
        return set_write_cache(d, c);
    case FEATURE_QUEUES:
        return set_queues(d, c);
    case FEATURE_COALESCING:
        d->s.coalescing = v & 0xffff;
        return NVME_OK;
    case FEATURE_VECTOR:
        return set_vector(d, c);
    case FEATURE_ATOMICITY:
        d->s.atomicity = v & 1;
        return NVME_OK;
    case FEATURE_EVENTS:
        d->s.event_config = v & 0xff;
        return NVME_OK;
    }
    return NVME_BAD_FIELD;
}

/* --- what they are -----------------------------------------------------------------------*/

static uint16_t get_current(Nvme *d, NvmeCommand *c)
{
    unsigned vector = c->dw[11] & 0xffff;
    const NvmeState *s = &d->s;
    uint32_t *row;

    switch (c->dw[10] & 0xff) {
    case FEATURE_ARBITRATION:
        c->result = s->arbitration;
        return NVME_OK;
    case FEATURE_POWER:
        c->result = 0;
        return NVME_OK;
    case FEATURE_TEMPERATURE:
        if (temperature_row(d, c->dw[11], &row)) {
            return NVME_BAD_FIELD;
        }
        c->result = *row;
        return NVME_OK;
    case FEATURE_ERROR_RECOVERY:
        c->result = s->error_recovery;
        return NVME_OK;
    case FEATURE_WRITE_CACHE:
        c->result = s->write_cache;
        return d->write_cache ? NVME_OK : NVME_BAD_FIELD;
    case FEATURE_QUEUES:
        c->result = (d->io_queues - 1) | (d->io_queues - 1) << 16;
        return NVME_OK;
    case FEATURE_COALESCING:
        c->result = s->coalescing;
        return NVME_OK;
    case FEATURE_VECTOR:
        if (vector >= MIN(d->vectors, NVME_QUEUES_MAX)) {
            return NVME_BAD_FIELD;
        }
        c->result = vector | s->no_coalescing[vector] << 16;
        return NVME_OK;
    case FEATURE_ATOMICITY:
        c->result = s->atomicity;
        return NVME_OK;
    case FEATURE_EVENTS:
        c->result = s->event_config;
        return NVME_OK;
    }
    return NVME_BAD_FIELD;
}

/* The same for what it is after a reset. The defaults are zeroes but for these. */
static uint16_t get_default(Nvme *d, NvmeCommand *c)
{
    uint16_t status = get_current(d, c);
    bool under = bits_extract(c->dw[11], 20, 2);

    switch (c->dw[10] & 0xff) {
    case FEATURE_TEMPERATURE:
        c->result = under ? 0 : DEFAULT_OVER;
        break;
    case FEATURE_WRITE_CACHE:
        c->result = 1;
        break;
    case FEATURE_QUEUES:
        break;
    case FEATURE_VECTOR:
        c->result &= 0xffff;
        break;
    default:
        c->result = 0;
    }
    return status;
}

uint16_t nvme_get_features(Nvme *d, NvmeCommand *c)
{
    uint16_t status;

    switch (bits_extract(c->dw[10], 8, 3)) {
    case SELECT_CURRENT:
        return get_current(d, c);
    case SELECT_DEFAULT:
    case SELECT_SAVED:                  /* nothing is saved: the default */
        return get_default(d, c);
    case SELECT_SUPPORTED:
        status = get_current(d, c);
        c->result = status ? 0 : CHANGEABLE;
        return status;
    }
    return NVME_BAD_FIELD;
}

uint16_t nvme_set_features(Nvme *d, NvmeCommand *c)
{
    return c->dw[10] & SET_SAVE ? NVME_NOT_SAVEABLE : set_value(d, c);
}
