/*
 * A logical unit, inside: a disk (SBC-3) or a CD drive (MMC-6).
 *
 * disk.c makes it, unit.c finds a command's function and has what they use to
 * answer, spc.c, mode.c, sbc.c and sbc-clear.c have the functions; a CD drive's
 * own are in mmc.c.
 */
#ifndef HW_SCSI_UNIT_H
#define HW_SCSI_UNIT_H

#include "hw/scsi.h"

/* What has to be told before commands are carried out (SAM-5, 5.14): one
 * initiator, so one row is enough. */
#define SCSI_STATE(_)                                                         \
    _(uint16_t, STATE_U16, attention, CODE_POWER_ON, 1,                       \
      "unit attention that waits: its sense code, 0: none")                   \
    _(bool, STATE_BOOL, stopped, 0, 1, "START STOP UNIT stopped it")          \
    _(bool, STATE_BOOL, write_cache, 1, 1, "caching mode page: WCE")          \
    _(bool, STATE_BOOL, tray_open, 0, 1, "CD: the tray is open")              \
    _(bool, STATE_BOOL, tray_locked, 0, 1, "medium removal prevented")

STATE_STRUCT(ScsiState, SCSI_STATE);

#define SCSI_BOUNCE_BYTES (64 * KIB)

struct ScsiDevice {
    Device dev;
    ScsiState s;
    ScsiBus *bus;
    bool cd;
    BlockDev *block;                    /* properties from here on */
    uint32_t channel, target, lun, boot_index;
    uint32_t block_bytes, physical_bytes, rotation_rate;
    char *serial, *device_id, *vendor, *product, *version;
    uint64_t wwn;
    bool removable, dpofua, write_cache;
    uint64_t blocks;                    /* of a disk */
    uint8_t *bounce;
};

typedef void ScsiCommandFn(ScsiDevice *d, ScsiTask *t);

/* When a command may be carried out. */
enum {
    SCSI_ALWAYS = 1,       /* a unit attention does not keep it */
    SCSI_READY = 2,        /* the unit has to be ready */
    SCSI_WRITES = 4,       /* the medium must not be write-protected */
};

typedef struct ScsiCommand {
    uint8_t code;
    uint8_t flags;
    ScsiCommandFn *fn;
} ScsiCommand;

/* --- unit.c: how a command ends; each function is the last thing done ---- */

void task_good(ScsiTask *t);
void task_sense(ScsiTask *t, uint8_t key, uint16_t code);
/* ILLEGAL REQUEST, INVALID FIELD IN CDB. */
void task_bad_field(ScsiTask *t);
/* With bytes for the initiator, of which it wants at most `allocated`. */
void task_answer(ScsiTask *t, const void *data, uint32_t bytes,
                 uint32_t allocated);
/* Takes bytes of the initiator's parameters, from offset on. False: the task
 * has ended. */
bool task_take(ScsiTask *t, uint64_t offset, void *to, size_t bytes);
/* Whether a buffer has room for that much; otherwise the task has ended. */
bool task_has_in(ScsiTask *t, uint64_t bytes);
bool task_has_out(ScsiTask *t, uint64_t bytes);

void scsi_unit_run(ScsiDevice *d, ScsiTask *t);
/* Whether nobody may write. */
bool scsi_unit_protected(const ScsiDevice *d);
MmcDrive scsi_unit_mmc(ScsiDevice *d);

/* --- commands ---------------------------------------------------------------- */

void spc_inquiry(ScsiDevice *d, ScsiTask *t);
void spc_request_sense(ScsiDevice *d, ScsiTask *t);
void spc_report_luns(ScsiDevice *d, ScsiTask *t);
/* The same for a LUN that a target lacks; or for any: t has its answer. */
void spc_no_unit(ScsiBus *bus, const ScsiAddress *at, ScsiTask *t);
void spc_list_luns(ScsiBus *bus, uint32_t channel, uint32_t target,
                   ScsiTask *t);

void spc_mode_sense(ScsiDevice *d, ScsiTask *t);
void spc_mode_select(ScsiDevice *d, ScsiTask *t);

/* Where a command of SBC begins and how many blocks it is about, by the size
 * of its CDB (SBC-3, 4.9). */
typedef struct BlockRange {
    uint64_t lba;
    uint32_t count;
} BlockRange;
BlockRange sbc_range(const uint8_t *cdb);
/* Whether that is there; otherwise the task has ended. */
bool sbc_in_range(const ScsiDevice *d, BlockRange r, ScsiTask *t);
/* Ends a task after something was written: flushes if it has to be safe. */
void sbc_written(ScsiDevice *d, ScsiTask *t, bool force);

/* A row for each of a disk's commands; ends with fn NULL. */
extern const ScsiCommand sbc_commands[];
void sbc_unmap(ScsiDevice *d, ScsiTask *t);
void sbc_write_same(ScsiDevice *d, ScsiTask *t);

#endif
