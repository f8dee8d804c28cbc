/*
 * A command for a logical unit: may it be carried out, who does it, how does it
 * end. See unit.h.
 */
#include "base/log.h"
#include "unit.h"

/* --- how a task ends ---------------------------------------------------------------*/

void task_good(ScsiTask *t)
{
    t->status = SCSI_GOOD;
}

void task_sense(ScsiTask *t, uint8_t key, uint16_t code)
{
    t->status = SCSI_CHECK_CONDITION;
    scsi_put_sense(t->sense, (ScsiSense){ key, code });
    t->sense_bytes = SCSI_SENSE_BYTES;
}

void task_bad_field(ScsiTask *t)
{
    task_sense(t, SENSE_ILLEGAL_REQUEST, CODE_BAD_FIELD);
}

bool task_has_in(ScsiTask *t, uint64_t bytes)
{
    t->overrun = bytes > t->in_room;
    return !t->overrun;
}

bool task_has_out(ScsiTask *t, uint64_t bytes)
{
    t->overrun = bytes > t->out_room;
    return !t->overrun;
}

void task_answer(ScsiTask *t, const void *data, uint32_t bytes,
                 uint32_t allocated)
{
    uint32_t n = MIN(bytes, allocated);

    task_good(t);
    if (!n || !task_has_in(t, n)) {
        return;
    }
    t->lost = !t->mover->to_initiator(t, 0, data, n);
    t->moved_in = n;
}

bool task_take(ScsiTask *t, uint64_t offset, void *to, size_t bytes)
{
    if (!task_has_out(t, offset + bytes)) {
        return false;
    }
    t->lost = bytes && !t->mover->from_initiator(t, offset, to, bytes);
    t->moved_out = offset + bytes;
    return !t->lost;
}

/* --- the commands of every unit ------------------------------------------------------*/

static void cmd_nothing(ScsiDevice *d, ScsiTask *t)
{
    task_good(t);
}

/* Self-tests succeed at once (SPC-4, 6.42); there are no others. */
static void cmd_send_diagnostic(ScsiDevice *d, ScsiTask *t)
{
    if (t->cdb[1] & 0x04) {
        task_good(t);
    } else {
        task_bad_field(t);
    }
}

static const ScsiCommand spc_commands[] = {
    { 0x03, SCSI_ALWAYS, spc_request_sense },
    { 0x12, SCSI_ALWAYS, spc_inquiry },
    { 0x16, 0, cmd_nothing },           /* RESERVE(6): one initiator */
    { 0x17, 0, cmd_nothing },           /* RELEASE(6) */
    { 0x1d, 0, cmd_send_diagnostic },
    { 0x56, 0, cmd_nothing },           /* RESERVE(10) */
    { 0x57, 0, cmd_nothing },           /* RELEASE(10) */
    { 0xa0, SCSI_ALWAYS, spc_report_luns },
    { 0, 0, NULL },
};

/* --- CD drives --------------------------------------------------------------------------*/

MmcDrive scsi_unit_mmc(ScsiDevice *d)
{
    return (MmcDrive){ .block = d->block,
                       .tray_open = &d->s.tray_open,
                       .tray_locked = &d->s.tray_locked };
}

static void send_blocks(ScsiDevice *d, ScsiTask *t, const ScsiAnswer *a)
{
    const MmcDrive mmc = scsi_unit_mmc(d);
    uint64_t bytes = (uint64_t)a->count * a->block_bytes;

    if (bytes > SCSI_MOVE_MAX_BYTES) {
        task_bad_field(t);
        return;
    }
    if (!task_has_in(t, bytes)) {
        return;
    }
    for (uint32_t i = 0; i < a->count && !t->lost; i++) {
        if (!mmc_read_block(&mmc, a->lba + i, a->block_bytes, d->bounce)) {
            task_sense(t, SENSE_MEDIUM_ERROR, CODE_READ_ERROR);
            return;
        }
        t->lost = !t->mover->to_initiator(t, t->moved_in, d->bounce,
                                          a->block_bytes);
        t->moved_in += a->block_bytes;
    }
    task_good(t);
}

static void run_mmc(ScsiDevice *d, ScsiTask *t)
{
    const MmcDrive mmc = scsi_unit_mmc(d);
    ScsiAnswer a = { .data = memset(d->bounce, 0, SCSI_ANSWER_BYTES) };

    if (!mmc_command(&mmc, t->cdb, &a)) {
        guest_unimp("%s: command 0x%02x\n", d->dev.path, t->cdb[0]);
        task_sense(t, SENSE_ILLEGAL_REQUEST, CODE_BAD_COMMAND);
    } else if (a.outcome == SCSI_OUTCOME_SENSE) {
        task_sense(t, a.sense.key, a.sense.code);
    } else if (a.outcome == SCSI_OUTCOME_BYTES) {
        task_answer(t, a.data, a.bytes, a.allocated);
    } else if (a.outcome == SCSI_OUTCOME_BLOCKS) {
        send_blocks(d, t, &a);
    } else {
        task_good(t);
    }
}

/* --- dispatch ---------------------------------------------------------------------------*/

static const ScsiCommand *find(const ScsiCommand *c, uint8_t code)
{
    while (c->fn && c->code != code) {
        c++;
    }
    return c->fn ? c : NULL;
}

/* The control byte is the last of a CDB (SAM-5, 5.2), whose size is in the
 * first. NACA asks for what INQUIRY does not promise. */
static bool wants_aca(const uint8_t *cdb)
{
    static const uint8_t control[8] = { 5, 9, 9, 0, 15, 11, 0, 0 };
    unsigned at = control[cdb[0] >> 5];
    return at && (cdb[at] & 0x04);
}

bool scsi_unit_protected(const ScsiDevice *d)
{
    return d->block && blockdev_readonly(d->block);
}

/* True if the command may be carried out; otherwise the task has ended. */
static bool may_run(ScsiDevice *d, ScsiTask *t, unsigned flags)
{
    if (!(flags & SCSI_ALWAYS) && d->s.attention) {
        task_sense(t, SENSE_UNIT_ATTENTION, d->s.attention);
        d->s.attention = 0;
    } else if (wants_aca(t->cdb)) {
        task_bad_field(t);
    } else if ((flags & SCSI_READY) && d->s.stopped) {
        task_sense(t, SENSE_NOT_READY, CODE_UNIT_STOPPED);
    } else if ((flags & SCSI_WRITES) && scsi_unit_protected(d)) {
        task_sense(t, SENSE_DATA_PROTECT, CODE_WRITE_PROTECTED);
    } else {
        return true;
    }
    return false;
}

void scsi_unit_run(ScsiDevice *d, ScsiTask *t)
{
    const ScsiCommand *c = find(spc_commands, t->cdb[0]);

    if (!c && !d->cd) {
        c = find(sbc_commands, t->cdb[0]);
    }
    if (!may_run(d, t, c ? c->flags : 0)) {
        return;
    }
    if (c) {
        c->fn(d, t);
    } else if (d->cd) {
        run_mmc(d, t);
    } else {
        guest_unimp("%s: command 0x%02x\n", d->dev.path, t->cdb[0]);
        task_sense(t, SENSE_ILLEGAL_REQUEST, CODE_BAD_COMMAND);
    }
}
