/*
 * The commands of the floppy controller: 82077, chapter 5. Those that move
 * sectors fill in the rows for fdc-data.c.
 */
#include "base/bits.h"
#include "fdc.h"

#define VERSION_82077 0x90
#define LOCKED        0x80
#define RELATIVE_IN   0x40     /* RELATIVE SEEK: to higher tracks */
#define VERIFY_COUNT  0x80     /* VERIFY: the last byte counts sectors */

typedef struct FdcCommand {
    uint8_t code, mask;        /* of the first byte */
    uint8_t bytes;
    void (*fn)(Fdc *f);
} FdcCommand;

static unsigned unit_of(const Fdc *f)
{
    return f->s.fifo[1] & 3;
}

static unsigned head_of(const Fdc *f)
{
    return f->s.fifo[1] >> 2 & 1;
}

/* --- sectors ---------------------------------------------------------------------*/

static void take_drive(Fdc *f)
{
    f->s.unit = unit_of(f);
    f->s.head = head_of(f);
}

static void take_address(Fdc *f, FdcWork work)
{
    FdcState *s = &f->s;

    take_drive(f);
    s->work = work;
    s->cylinder = s->fifo[2];
    s->side = s->fifo[3];
    s->sector = s->fifo[4];
    s->size = s->fifo[5];
    s->last = s->fifo[6];
    s->step = 1;
    s->left = 0;
}

static void cmd_read(Fdc *f)
{
    take_address(f, WORK_READ);
    fdc_data_start(f);
}

static void cmd_write(Fdc *f)
{
    take_address(f, WORK_WRITE);
    fdc_data_start(f);
}

/* From the first sector on, in the order in which they pass. */
static void cmd_read_track(Fdc *f)
{
    take_address(f, WORK_READ);
    f->s.sector = 1;
    f->s.left = f->s.last;
    fdc_data_start(f);
}

static void cmd_verify(Fdc *f)
{
    take_address(f, WORK_VERIFY);
    if (f->s.fifo[1] & VERIFY_COUNT) {
        f->s.left = f->s.fifo[8] ? f->s.fifo[8] : 256;
    }
    fdc_data_start(f);
}

static void cmd_scan(Fdc *f)
{
    take_address(f, WORK_SCAN);
    f->s.step = f->s.fifo[8] == 2 ? 2 : 1;
    fdc_data_start(f);
}

static void cmd_format(Fdc *f)
{
    FdcState *s = &f->s;
    const FloppyDrive *d = fdc_drive(f, unit_of(f));

    take_drive(f);
    s->work = WORK_FORMAT;
    s->cylinder = d ? floppy_track(d) : 0;
    s->side = s->head;
    s->size = s->fifo[2];
    s->left = s->fifo[3];
    s->filler = s->fifo[5];
    s->sector = 1;
    s->last = UINT8_MAX;
    s->step = 1;
    fdc_data_start(f);
}

/* The address of the next sector that passes: the first of the track. */
static void cmd_read_id(Fdc *f)
{
    const FloppyDrive *d = fdc_drive(f, unit_of(f));

    take_drive(f);
    f->s.work = WORK_VERIFY;
    f->s.cylinder = d ? floppy_track(d) : 0;
    f->s.side = f->s.head;
    f->s.sector = 1;
    f->s.size = 2;
    f->s.last = UINT8_MAX;
    f->s.step = 0;
    f->s.left = 1;
    fdc_data_start(f);
}

/* --- the head ------------------------------------------------------------------------*/

static void seek_later(Fdc *f, unsigned unit, uint8_t st0)
{
    f->s.seeking |= BIT(unit);
    f->s.sought &= ~BIT(unit);
    f->s.seek_st0[unit] = st0 | ST0_SEEK_END | unit;
    fdc_result(f, 0);
    fdc_later(f, NEXT_SEEK, FDC_SEEK_NS);
}

void fdc_sought(Fdc *f)
{
    f->s.sought |= f->s.seeking;
    fdc_set_irq(f, true);
}

/* A drive that is not there never signals track 0. */
static void cmd_recalibrate(Fdc *f)
{
    unsigned unit = unit_of(f);
    FloppyDrive *d = fdc_drive(f, unit);

    f->s.pcn[unit] = 0;
    if (d) {
        floppy_seek(d, 0);
    }
    seek_later(f, unit, d ? 0 : ST0_ABNORMAL | ST0_EQUIPMENT);
}

static void seek_to(Fdc *f, unsigned unit, uint8_t cylinder)
{
    FloppyDrive *d = fdc_drive(f, unit);

    f->s.pcn[unit] = cylinder;
    if (d) {
        floppy_seek(d, cylinder);
    }
    seek_later(f, unit, head_of(f) ? ST0_HEAD : 0);
}

static void cmd_seek(Fdc *f)
{
    seek_to(f, unit_of(f), f->s.fifo[2]);
}

static void cmd_relative_seek(Fdc *f)
{
    unsigned unit = unit_of(f), now = f->s.pcn[unit], by = f->s.fifo[2];
    bool in = f->s.fifo[0] & RELATIVE_IN;

    seek_to(f, unit, in ? MIN(now + by, 255u) : now > by ? now - by : 0);
}

/* --- status ------------------------------------------------------------------------------*/

static void one_byte(Fdc *f, uint8_t v)
{
    f->s.fifo[0] = v;
    fdc_result(f, 1);
}

static void sensed(Fdc *f, unsigned unit, uint8_t st0)
{
    f->s.fifo[0] = st0;
    f->s.fifo[1] = f->s.pcn[unit];
    fdc_result(f, 2);
    fdc_set_irq(f, f->s.polled || f->s.sought);
}

static void cmd_sense_interrupt(Fdc *f)
{
    for (unsigned unit = 0; unit < FDC_DRIVES; unit++) {
        if (f->s.polled & BIT(unit)) {
            f->s.polled &= ~BIT(unit);
            sensed(f, unit, ST0_POLLED | unit);
            return;
        }
        if (f->s.sought & BIT(unit)) {
            f->s.sought &= ~BIT(unit);
            f->s.seeking &= ~BIT(unit);
            sensed(f, unit, f->s.seek_st0[unit]);
            return;
        }
    }
    one_byte(f, ST0_INVALID);
}

static void cmd_sense_drive(Fdc *f)
{
    unsigned unit = unit_of(f);
    const FloppyDrive *d = fdc_drive(f, unit);
    uint8_t v = unit | (head_of(f) ? ST3_HEAD : 0) | ST3_READY | ST3_TWO_SIDES;

    if (d) {
        v |= floppy_track(d) == 0 ? ST3_TRACK_0 : 0;
        v |= floppy_readonly(d) ? ST3_PROTECTED : 0;
    }
    one_byte(f, v);
}

static void cmd_version(Fdc *f)
{
    one_byte(f, VERSION_82077);
}

static void cmd_dump_registers(Fdc *f)
{
    FdcState *s = &f->s;

    memcpy(s->fifo, s->pcn, FDC_DRIVES);
    s->fifo[4] = s->specify1;
    s->fifo[5] = s->specify2;
    s->fifo[6] = s->last;
    s->fifo[7] = (s->locked ? LOCKED : 0) | s->perpendicular;
    s->fifo[8] = s->config;
    s->fifo[9] = s->precompensation;
    fdc_result(f, 10);
}

/* --- settings -------------------------------------------------------------------------------*/

static void cmd_specify(Fdc *f)
{
    f->s.specify1 = f->s.fifo[1];
    f->s.specify2 = f->s.fifo[2];
    fdc_result(f, 0);
}

static void cmd_configure(Fdc *f)
{
    f->s.config = f->s.fifo[2] & 0x7f;
    f->s.precompensation = f->s.fifo[3];
    fdc_result(f, 0);
}

static void cmd_perpendicular(Fdc *f)
{
    uint8_t v = f->s.fifo[1];
    bool overwrite = v & 0x80;

    f->s.perpendicular = overwrite ? v & 0x3f
                                   : (f->s.perpendicular & 0x3c) | (v & 3);
    fdc_result(f, 0);
}

static void cmd_lock(Fdc *f)
{
    f->s.locked = f->s.fifo[0] & LOCKED;
    one_byte(f, f->s.locked ? 0x10 : 0);
}

static void cmd_invalid(Fdc *f)
{
    one_byte(f, ST0_INVALID);
}

/* --- dispatch --------------------------------------------------------------------------------*/

static const FdcCommand commands[] = {
    { 0x02, 0xbf, 9, cmd_read_track },
    { 0x03, 0xff, 3, cmd_specify },
    { 0x04, 0xff, 2, cmd_sense_drive },
    { 0x05, 0x3f, 9, cmd_write },
    { 0x06, 0x1f, 9, cmd_read },
    { 0x07, 0xff, 2, cmd_recalibrate },
    { 0x08, 0xff, 1, cmd_sense_interrupt },
    { 0x09, 0x3f, 9, cmd_write },           /* deleted data */
    { 0x0a, 0xbf, 2, cmd_read_id },
    { 0x0c, 0x1f, 9, cmd_read },            /* deleted data */
    { 0x0d, 0xbf, 6, cmd_format },
    { 0x0e, 0xff, 1, cmd_dump_registers },
    { 0x0f, 0xff, 3, cmd_seek },
    { 0x10, 0xff, 1, cmd_version },
    { 0x11, 0x1f, 9, cmd_scan },
    { 0x12, 0xff, 2, cmd_perpendicular },
    { 0x13, 0xff, 4, cmd_configure },
    { 0x14, 0x7f, 1, cmd_lock },
    { 0x16, 0x1f, 9, cmd_verify },
    { 0x19, 0x1f, 9, cmd_scan },
    { 0x1d, 0x1f, 9, cmd_scan },
    { 0x8f, 0xbf, 3, cmd_relative_seek },
};

static const FdcCommand *command_find(uint8_t first)
{
    static const FdcCommand invalid = { 0, 0, 1, cmd_invalid };

    for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++) {
        if ((first & commands[i].mask) == commands[i].code) {
            return &commands[i];
        }
    }
    return &invalid;
}

unsigned fdc_command_bytes(uint8_t first)
{
    return command_find(first)->bytes;
}

/* A seek that goes on is over at once when another command begins. */
void fdc_command(Fdc *f)
{
    if (f->s.next == NEXT_SEEK) {
        timer_cancel(&f->timer);
        f->s.next = NEXT_NOTHING;
        fdc_sought(f);
    }
    command_find(f->s.fifo[0])->fn(f);
}
