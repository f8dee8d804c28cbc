/*
 * Mode pages of a disk: MODE SENSE and MODE SELECT, 6 and 10. SPC-4, 6.11 to
 * 6.14 and 7.5; SBC-3, 6.4. Those of a CD drive are in mmc-info.c.
 *
 * One bit can be changed: whether writes may stay in a cache.
 */
#include "base/bytes.h"
#include "unit.h"

#define PAGE_MAX  32u
#define MODE_MAX  256u     /* header, descriptor and all pages */
#define PAGE_ALL  0x3fu
#define CACHE_WCE 0x04u

/* What a CDB wants to see, 6.11: the current values, which of them can be
 * changed, the defaults. */
enum { CONTROL_CURRENT, CONTROL_CHANGEABLE, CONTROL_DEFAULT, CONTROL_SAVED };

typedef struct ModePage {
    uint8_t code, len;     /* len: after the header of two bytes */
    uint8_t head[PAGE_MAX];
} ModePage;

static const ModePage mode_pages[] = {
    /* Read-write error recovery, SBC-3, 6.4.7: AWRE and ARRE. */
    { 0x01, 0x0a, { 0xc0 } },
    /* Caching, 6.4.5. */
    { 0x08, 0x12, { 0 } },
    /* Control, SPC-4, 7.5.7: any order; busy for as long as it takes. */
    { 0x0a, 0x0a, { 0, 0x10, 0, 0, 0, 0, 0xff, 0xff } },
};

/* The values of a page as `control` wants them, after its header. */
static void page_values(const ScsiDevice *d, const ModePage *p,
                        unsigned control, uint8_t *out)
{
    bool cache = control == CONTROL_DEFAULT ? d->write_cache
                                            : d->s.write_cache;

    memset(out, 0, p->len);
    if (control != CONTROL_CHANGEABLE) {
        memcpy(out, p->head, p->len);
    }
    if (p->code == 0x08 && (cache || control == CONTROL_CHANGEABLE)) {
        out[0] |= CACHE_WCE;
    }
}

/* --- MODE SENSE ---------------------------------------------------------------------*/

/* SBC-3, 6.4.2: how many blocks of which size. */
static unsigned put_descriptor(const ScsiDevice *d, bool is_long,
                               uint8_t *out)
{
    if (is_long) {
        bytes_st_be64(out, d->blocks);
        bytes_st_be32(out + 12, d->block_bytes);
        return 16;
    }
    bytes_st_be32(out, MIN(d->blocks, UINT32_MAX));
    bytes_st_be32(out + 4, d->block_bytes);
    return 8;
}

static unsigned put_pages(const ScsiDevice *d, const uint8_t *cdb,
                          uint8_t *out)
{
    unsigned wanted = cdb[2] & 0x3f, len = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(mode_pages); i++) {
        const ModePage *p = &mode_pages[i];
        if (wanted == p->code || wanted == PAGE_ALL) {
            out[len] = p->code;
            out[len + 1] = p->len;
            page_values(d, p, cdb[2] >> 6, out + len + 2);
            len += 2 + p->len;
        }
    }
    return len;
}

/* Whether it is the variant of ten bytes. */
static bool is_ten(const uint8_t *cdb)
{
    return cdb[0] >= 0x20;
}

static void answer_mode(ScsiDevice *d, ScsiTask *t)
{
    bool ten = is_ten(t->cdb), dbd = t->cdb[1] & 0x08;
    bool is_long = ten && (t->cdb[1] & 0x10);
    unsigned head = ten ? 8 : 4, described = 0;
    uint8_t specific = (scsi_unit_protected(d) ? 0x80 : 0) |
                       (d->dpofua ? 0x10 : 0);
    uint8_t out[MODE_MAX] = { 0 };

    if (!dbd) {
        described = put_descriptor(d, is_long, out + head);
    }
    unsigned pages = put_pages(d, t->cdb, out + head + described);
    unsigned len = head + described + pages;
    if (!pages) {
        task_bad_field(t);
    } else if (ten) {
        bytes_st_be16(out, len - 2);
        out[3] = specific;
        out[4] = is_long && !dbd;
        bytes_st_be16(out + 6, described);
        task_answer(t, out, len, bytes_ld_be16(t->cdb + 7));
    } else {
        out[0] = len - 1;
        out[2] = specific;
        out[3] = described;
        task_answer(t, out, len, t->cdb[4]);
    }
}

void spc_mode_sense(ScsiDevice *d, ScsiTask *t)
{
    if (t->cdb[2] >> 6 == CONTROL_SAVED) {
        task_sense(t, SENSE_ILLEGAL_REQUEST, CODE_SAVING_UNSUPPORTED);
    } else if (t->cdb[3] && t->cdb[3] != 0xff) {
        task_bad_field(t);              /* there are no subpages */
    } else {
        answer_mode(d, t);
    }
}

/* --- MODE SELECT ---------------------------------------------------------------------*/

/* 6.9: what cannot be changed has to be sent as it is. False: it is not. */
static bool select_page(ScsiDevice *d, const uint8_t *data, unsigned len,
                        bool *cache)
{
    uint8_t now[PAGE_MAX], mask[PAGE_MAX];

    for (unsigned i = 0; i < G_N_ELEMENTS(mode_pages); i++) {
        const ModePage *p = &mode_pages[i];
        if (p->code != data[0] || p->len != len) {
            continue;
        }
        page_values(d, p, CONTROL_CURRENT, now);
        page_values(d, p, CONTROL_CHANGEABLE, mask);
        for (unsigned n = 0; n < len; n++) {
            if ((data[2 + n] ^ now[n]) & ~mask[n]) {
                return false;
            }
        }
        if (p->code == 0x08) {
            *cache = data[2] & CACHE_WCE;
        }
        return true;
    }
    return false;
}

/* A list of pages; the sense code of what is wrong, 0: nothing. */
static uint16_t select_pages(ScsiDevice *d, const uint8_t *data, unsigned len,
                             bool *cache)
{
    while (len) {
        if (len < 2 || len - 2 < data[1]) {
            return CODE_LIST_LENGTH;
        }
        if (!select_page(d, data, data[1], cache)) {
            return CODE_BAD_PARAMETER;
        }
        len -= 2 + data[1];
        data += 2 + data[1];
    }
    return 0;
}

/* The whole parameter list: header, descriptor, pages. */
static uint16_t select_list(ScsiDevice *d, const ScsiTask *t,
                            const uint8_t *data, unsigned len)
{
    bool ten = is_ten(t->cdb), cache = d->s.write_cache;
    unsigned head = ten ? 8 : 4;
    uint8_t now[16];

    if (len < head) {
        return CODE_LIST_LENGTH;
    }
    bool is_long = ten && (data[4] & 1);
    unsigned described = ten ? bytes_ld_be16(data + 6) : data[3];
    memset(now, 0, sizeof now);
    if (described && described != put_descriptor(d, is_long, now)) {
        return CODE_BAD_PARAMETER;
    }
    if (len - head < described) {
        return CODE_LIST_LENGTH;
    }
    if (memcmp(data + head, now, described)) {
        return CODE_BAD_PARAMETER;
    }
    uint16_t wrong = select_pages(d, data + head + described,
                                  len - head - described, &cache);
    if (!wrong) {
        d->s.write_cache = cache;
    }
    return wrong;
}

/* Only what is in page format can be sent, and nothing is saved. */
void spc_mode_select(ScsiDevice *d, ScsiTask *t)
{
    unsigned len = is_ten(t->cdb) ? bytes_ld_be16(t->cdb + 7) : t->cdb[4];
    bool was_cached = d->s.write_cache;
    uint8_t data[MODE_MAX];

    if (!(t->cdb[1] & 0x10) || (t->cdb[1] & 0x01)) {
        task_bad_field(t);
        return;
    }
    if (len > sizeof data) {
        task_sense(t, SENSE_ILLEGAL_REQUEST, CODE_LIST_LENGTH);
        return;
    }
    if (!task_take(t, 0, data, len)) {
        return;
    }
    uint16_t wrong = len ? select_list(d, t, data, len) : 0;
    if (wrong) {
        task_sense(t, SENSE_ILLEGAL_REQUEST, wrong);
    } else if (was_cached) {
        sbc_written(d, t, true);        /* what was cached must not be lost */
    } else {
        task_good(t);
    }
}
