/*
 * Sectors under the head, one after the other: by DMA or byte by byte, until
 * the terminal count, the end of the track, or an error. 82077, 5.1 and 5.2.
 */
#include "base/log.h"
#include "fdc.h"
#include "hw/pc-chips.h"

/* What an image cannot say: sectors are of 512 bytes, in double density, and
 * none is deleted. */
#define SIZE_512 2u
#define FORMAT_BYTES 4u

enum { CODE_MASK = 0x1f, CODE_READ_DELETED = 0x0c };
enum { SCAN_EQUAL = 0x11, SCAN_LOW = 0x19, SCAN_HIGH = 0x1d };

static uint8_t code(const Fdc *f)
{
    return f->s.fifo[0] & CODE_MASK;
}

bool fdc_data_in(const Fdc *f)
{
    return f->s.work == WORK_READ;
}

static bool by_pio(const Fdc *f)
{
    return f->s.specify2 & SPECIFY_NO_DMA;
}

/* --- the end ----------------------------------------------------------------------*/

/* The result: status, and the address of the sector that would be next. */
void fdc_data_end(Fdc *f, uint8_t st0, uint8_t st1, uint8_t st2)
{
    FdcState *s = &f->s;
    const uint8_t result[] = { s->st0 | st0 | (s->head ? ST0_HEAD : 0) |
                                   s->unit,
                               s->st1 | st1, s->st2 | st2, s->cylinder,
                               s->side, s->sector, s->size };

    memcpy(s->fifo, result, sizeof result);
    s->len = sizeof result;
    s->data_end = 0;
    fdc_later(f, NEXT_RESULT, FDC_SECTOR_NS);
}

static void fail(Fdc *f, uint8_t st1, uint8_t st2)
{
    fdc_data_end(f, ST0_ABNORMAL, st1, st2);
}

/* --- where the sector is --------------------------------------------------------------*/

/* 250 and 300 kbit/s are the same density at two speeds of the motor. */
static bool rate_fits(const Fdc *f, const FloppyFormat *format)
{
    unsigned rate = f->s.dsr & 3;
    return rate == format->rate ||
           (rate == FLOPPY_300K && format->rate == FLOPPY_250K) ||
           (rate == FLOPPY_250K && format->rate == FLOPPY_300K);
}

/* Finds the sector that the rows name, or ends the work. */
static FloppyDrive *find_sector(Fdc *f)
{
    const FdcState *s = &f->s;
    FloppyDrive *d = fdc_drive(f, s->unit);
    const FloppyFormat *format = d ? floppy_format(d) : NULL;

    if (!format || !rate_fits(f, format) || !(s->fifo[0] & CMD_MFM) ||
        s->head >= format->heads || floppy_track(d) >= format->tracks) {
        fail(f, ST1_MISSING_MARK, 0);
    } else if (s->cylinder != floppy_track(d)) {
        fail(f, ST1_NO_DATA, ST2_WRONG_CYLINDER);
    } else if (s->side != s->head || s->size != SIZE_512 || s->sector < 1 ||
               s->sector > format->sectors) {
        fail(f, ST1_NO_DATA, 0);
    } else if ((s->work == WORK_WRITE || s->work == WORK_FORMAT) &&
               floppy_readonly(d)) {
        fail(f, ST1_NOT_WRITABLE, 0);
    } else {
        return d;
    }
    return NULL;
}

/* To the sector behind the present one: false, it was the last. */
static bool advance(FdcState *s)
{
    bool both_sides = s->fifo[0] & CMD_MT && s->work != WORK_FORMAT;

    if (s->sector != s->last && s->sector + s->step <= UINT8_MAX) {
        s->sector += s->step;
        return true;
    }
    s->sector = 1;
    if (!both_sides) {
        s->cylinder++;
        return false;
    }
    s->head ^= 1;
    s->side ^= 1;
    s->cylinder += !s->side;
    return s->side;
}

/* --- what is done with it ----------------------------------------------------------------*/

static bool scan_holds(uint8_t how, uint8_t disk, uint8_t host)
{
    return how == SCAN_LOW ? disk <= host
           : how == SCAN_HIGH ? disk >= host : disk == host;
}

/* A byte of ffh compares with anything (82077, 5.1.8). */
static void scan(Fdc *f, const uint8_t *disk)
{
    FdcState *s = &f->s;
    bool equal = true, holds = true;

    for (unsigned i = 0; i < FLOPPY_SECTOR_BYTES; i++) {
        if (disk[i] != s->data[i] && disk[i] != 0xff && s->data[i] != 0xff) {
            equal = false;
            holds = scan_holds(code(f), disk[i], s->data[i]);
            break;
        }
    }
    s->st2 = equal ? ST2_SCAN_EQUAL : holds ? 0 : ST2_SCAN_FAILED;
    s->terminal |= equal || holds;
}

/* The address that the host gave for the sector, and its content. */
static bool format_sector(Fdc *f, FloppyDrive *d)
{
    FdcState *s = &f->s;
    const FloppyFormat *format = floppy_format(d);
    unsigned sector = s->data[2];

    if (s->data[0] != floppy_track(d) || s->data[1] != s->head ||
        s->data[3] != SIZE_512 || sector < 1 || sector > format->sectors) {
        guest_error("%s: an image has no sector %u/%u/%u of size %u\n",
                    f->dev.path, s->data[0], s->data[1], sector, s->data[3]);
        fail(f, ST1_NO_DATA, 0);
        return false;
    }
    memset(s->data, s->filler, sizeof s->data);
    if (!floppy_write(d, s->head, sector, s->data)) {
        fail(f, ST1_DATA_ERROR, 0);
        return false;
    }
    return true;
}

static bool carry_out(Fdc *f, FloppyDrive *d)
{
    FdcState *s = &f->s;
    FdcSector disk;
    bool ok = true;

    if (s->work == WORK_FORMAT) {
        return format_sector(f, d);
    }
    if (s->work == WORK_WRITE) {
        ok = floppy_write(d, s->head, s->sector, s->data);
    } else if (s->work == WORK_SCAN) {
        ok = floppy_read(d, s->head, s->sector, disk);
        if (ok) {
            scan(f, disk);
        }
    }
    if (!ok) {
        fail(f, ST1_DATA_ERROR, ST2_DATA_ERROR);
    }
    return ok;
}

/* --- from sector to sector ------------------------------------------------------------------*/

static void sector_over(Fdc *f)
{
    FdcState *s = &f->s;
    bool counted = s->left && !--s->left;
    bool more = advance(s);

    if (s->terminal || counted) {
        fdc_data_end(f, 0, 0, 0);
    } else if (more) {
        fdc_later(f, NEXT_SECTOR, FDC_SECTOR_NS);
    } else if (s->work == WORK_VERIFY || s->work == WORK_SCAN) {
        fdc_data_end(f, 0, 0, 0);
    } else {
        fail(f, ST1_END, 0);
    }
}

/* Deleted data was wanted and this is none: its command ends with it, or
 * passes it over. */
static bool not_deleted(Fdc *f)
{
    if (f->s.work != WORK_READ || code(f) != CODE_READ_DELETED) {
        return false;
    }
    f->s.st2 |= ST2_DELETED;
    f->s.terminal = true;
    return f->s.fifo[0] & CMD_SK;
}

static bool move_by_dma(Fdc *f, unsigned bytes)
{
    FdcState *s = &f->s;
    bool terminal;
    size_t n = i8237_transfer(f->dma, f->dma_channel, s->data, bytes,
                              fdc_data_in(f), &terminal);

    s->terminal |= terminal;
    if (n < bytes && !terminal) {
        fail(f, ST1_OVERRUN, 0);
        return false;
    }
    return true;
}

static void offer_by_pio(Fdc *f, unsigned bytes)
{
    f->s.data_pos = 0;
    f->s.data_end = bytes;
    fdc_set_irq(f, true);
}

void fdc_data_moved(Fdc *f)
{
    FloppyDrive *d = find_sector(f);
    if (d && carry_out(f, d)) {
        sector_over(f);
    }
}

void fdc_data_next(Fdc *f)
{
    FdcState *s = &f->s;
    unsigned bytes = s->work == WORK_FORMAT ? FORMAT_BYTES
                                            : FLOPPY_SECTOR_BYTES;
    FloppyDrive *d = find_sector(f);

    if (!d) {
        return;
    }
    memset(s->data, 0, sizeof s->data);
    if (s->work == WORK_READ && !floppy_read(d, s->head, s->sector, s->data)) {
        fail(f, ST1_DATA_ERROR, ST2_DATA_ERROR);
    } else if (not_deleted(f) || s->work == WORK_VERIFY) {
        sector_over(f);
    } else if (by_pio(f)) {
        offer_by_pio(f, bytes);
    } else if (move_by_dma(f, bytes)) {
        fdc_data_moved(f);
    }
}

void fdc_data_start(Fdc *f)
{
    FdcState *s = &f->s;
    FloppyDrive *d = fdc_drive(f, s->unit);

    s->phase = PHASE_EXECUTE;
    s->pos = s->len = 0;
    s->terminal = false;
    s->data_pos = s->data_end = 0;
    s->st0 = s->st1 = s->st2 = 0;
    if (d && (s->config & CONFIG_SEEKS) && s->work != WORK_FORMAT) {
        floppy_seek(d, s->cylinder);
        s->pcn[s->unit] = s->cylinder;
        s->st0 = ST0_SEEK_END;
    }
    fdc_later(f, NEXT_SECTOR, FDC_SECTOR_NS);
}
