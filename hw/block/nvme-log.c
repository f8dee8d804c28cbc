/*
 * Log pages, and what is written into them. Section 5.14. See nvme.h.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "nvme.h"

#define LOG_MAX          4096u
#define ERROR_BYTES      64u
#define RETAIN_EVENT     0x8000u       /* dword 10 */
#define WARN_TEMPERATURE 0x02u
#define NS_PER_HOUR      (INT64_C(3600) * NS_PER_SEC)

/* --- errors, 5.14.1.1 --------------------------------------------------------------*/

void nvme_log_error(Nvme *d, const NvmeCommand *c, uint16_t status)
{
    NvmeState *s = &d->s;
    unsigned at = s->error_count++ % NVME_ERRORS_MAX;

    s->error_sq[at] = c->sq;
    s->error_id[at] = c->id;
    s->error_status[at] = status;
    s->error_nsid[at] = c->nsid;
    s->error_lba[at] =
        c->sq ? c->dw[10] | (uint64_t)c->dw[11] << 32 : 0;
}

/* The latest first. */
static unsigned log_errors(const Nvme *d, uint8_t *out)
{
    const NvmeState *s = &d->s;

    for (unsigned i = 0; i < NVME_ERRORS_MAX && i < s->error_count; i++) {
        uint64_t number = s->error_count - i;
        unsigned at = (number - 1) % NVME_ERRORS_MAX;
        uint8_t *entry = out + i * ERROR_BYTES;
        bytes_st_le64(entry, number);
        bytes_st_le16(entry + 8, s->error_sq[at]);
        bytes_st_le16(entry + 10, s->error_id[at]);
        bytes_st_le16(entry + 12, s->error_status[at] << 1);
        bytes_st_le16(entry + 14, 0xffff);      /* of no field */
        bytes_st_le64(entry + 16, s->error_lba[at]);
        bytes_st_le32(entry + 24, s->error_nsid[at]);
    }
    return NVME_ERRORS_MAX * ERROR_BYTES;
}

/* --- health, 5.14.1.2 ----------------------------------------------------------------*/

bool nvme_is_hot(const Nvme *d)
{
    return NVME_TEMPERATURE >= d->s.temperature_over ||
           NVME_TEMPERATURE <= d->s.temperature_under;
}

/* Data units are of 1000 sectors, rounded up. */
static uint64_t data_units(uint64_t sectors)
{
    return sectors / 1000 + (sectors % 1000 != 0);
}

static unsigned log_health(const Nvme *d, uint8_t *out)
{
    const NvmeState *s = &d->s;
    int64_t now_ns = clock_now_ns(d->pci.dev.machine->clock);

    out[0] = nvme_is_hot(d) ? WARN_TEMPERATURE : 0;
    bytes_st_le16(out + 1, NVME_TEMPERATURE);
    out[3] = 100;                       /* spare, in percent */
    out[4] = 10;                        /* its threshold */
    bytes_st_le64(out + 32, data_units(s->sectors_read));
    bytes_st_le64(out + 48, data_units(s->sectors_written));
    bytes_st_le64(out + 64, s->reads);
    bytes_st_le64(out + 80, s->writes);
    bytes_st_le64(out + 112, 1);        /* power cycles */
    bytes_st_le64(out + 128, now_ns / NS_PER_HOUR);
    bytes_st_le64(out + 176, s->error_count);
    return 512;
}

/* --- firmware and effects, 5.14.1.3 and 5.14.1.5 ----------------------------------------*/

static unsigned log_firmware(const Nvme *d, uint8_t *out)
{
    out[0] = 1;                         /* slot 1 is active */
    memcpy(out + 8, "1.0     ", 8);
    return 512;
}

/* Supported; it changes the content. */
#define EFFECT_SUPPORTED 1u
#define EFFECT_CONTENT   2u

static unsigned log_effects(const Nvme *d, uint8_t *out)
{
    static const uint8_t admin[] = { 0x00, 0x01, 0x02, 0x04, 0x05, 0x06,
                                     0x08, 0x09, 0x0a, 0x0c };
    static const uint8_t plain[] = { 0x00, 0x02, 0x05, 0x0c };
    static const uint8_t content[] = { 0x01, 0x08, 0x09 };

    for (unsigned i = 0; i < sizeof admin; i++) {
        bytes_st_le32(out + 4 * admin[i], EFFECT_SUPPORTED);
    }
    for (unsigned i = 0; i < sizeof plain; i++) {
        bytes_st_le32(out + 1024 + 4 * plain[i], EFFECT_SUPPORTED);
    }
    for (unsigned i = 0; i < sizeof content; i++) {
        bytes_st_le32(out + 1024 + 4 * content[i],
                      EFFECT_SUPPORTED | EFFECT_CONTENT);
    }
    return 4096;
}

/* --- the command ------------------------------------------------------------------------*/

typedef struct LogPage {
    uint8_t id;
    int event;             /* that is told again once this was read, or -1 */
    unsigned (*fill)(const Nvme *d, uint8_t *out);
} LogPage;

static const LogPage log_pages[] = {
    { 0x01, NVME_EVENT_ERROR, log_errors },
    { 0x02, NVME_EVENT_SMART, log_health },
    { 0x03, -1, log_firmware },
    { 0x05, -1, log_effects },
};

/* `bytes` of a page from `from` on; zeroes beyond its end. */
static uint16_t answer_page(Nvme *d, NvmeCommand *c, const LogPage *page,
                            uint64_t from)
{
    uint64_t bytes =
        ((c->dw[10] >> 16 | (uint64_t)(c->dw[11] & 0xffff) << 16) + 1) * 4;
    uint8_t log[LOG_MAX] = { 0 };
    unsigned len = page->fill(d, log);

    if (from > len || from % 4 || bytes > nvme_transfer_max(d)) {
        return NVME_BAD_FIELD;
    }
    g_autofree uint8_t *out = g_malloc0(bytes);
    memcpy(out, log + from, MIN(bytes, len - from));
    return nvme_answer(d, c, out, bytes);
}

/* The page of health is the controller's, not a namespace's (LPA). */
uint16_t nvme_get_log_page(Nvme *d, NvmeCommand *c)
{
    uint64_t from = c->dw[12] | (uint64_t)c->dw[13] << 32;

    for (unsigned i = 0; i < G_N_ELEMENTS(log_pages); i++) {
        const LogPage *page = &log_pages[i];
        if (page->id != (c->dw[10] & 0xff)) {
            continue;
        }
        if (c->nsid && c->nsid != NVME_NSID_ALL) {
            return NVME_BAD_FIELD;
        }
        uint16_t status = answer_page(d, c, page, from);
        if (!status && page->event >= 0 && !(c->dw[10] & RETAIN_EVENT)) {
            d->s.event_masked &= ~BIT(page->event);
            nvme_tell_events(d);
        }
        return status;
    }
    return NVME_BAD_LOG_PAGE;
}
