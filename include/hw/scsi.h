/*
 * SCSI: commands, answers and sense data, whatever carries them.
 *
 * Implemented by hw/scsi/. A host adapter (hw/virtio/scsi.c) has a ScsiBus,
 * fills in a ScsiTask and calls scsi_bus_run(); units (hw/scsi/disk.c) are
 * plugged in with dev->bus pointing at the bus. hw/ide/atapi-cmd.c, which has
 * its own ways of moving data, uses the commands of CD drives (mmc_command())
 * alone. A command is carried out at once; when its end is told is the
 * adapter's business. "SAM-5": T10/2104-D; "SPC-4": 1731-D; "SBC-3": 1799-D;
 * "MMC-6": 1836-D.
 */
#ifndef HW_SCSI_H
#define HW_SCSI_H

#include "hw/pci.h"
#include "io/blockdev.h"
#include "vm/device.h"
#include "vm/machine.h"

#define SCSI_CDB_BYTES   32u
#define SCSI_SENSE_BYTES 18u
/* The most that a command answers with, apart from blocks. */
#define SCSI_ANSWER_BYTES 8192u
/* The most that one command moves or clears: the host's time is bounded. */
#define SCSI_MOVE_MAX_BYTES  (64 * MIB)
#define SCSI_CLEAR_MAX_BYTES (2 * GIB)

/* Status, SAM-5 table 40. */
enum {
    SCSI_GOOD = 0x00,
    SCSI_CHECK_CONDITION = 0x02,
    SCSI_CONFLICT = 0x18,
};

/* Sense keys, SPC-4 table 53. */
enum {
    SENSE_NONE = 0,
    SENSE_NOT_READY = 2,
    SENSE_MEDIUM_ERROR = 3,
    SENSE_ILLEGAL_REQUEST = 5,
    SENSE_UNIT_ATTENTION = 6,
    SENSE_DATA_PROTECT = 7,
    SENSE_MISCOMPARE = 14,
};

/* Sense key, additional sense code << 8 | its qualifier (SPC-4, annex F.2). */
typedef struct ScsiSense {
    uint8_t key;
    uint16_t code;
} ScsiSense;

enum {
    CODE_UNIT_STOPPED = 0x0402,
    CODE_WRITE_ERROR = 0x0c00,
    CODE_READ_ERROR = 0x1100,
    CODE_LIST_LENGTH = 0x1a00,
    CODE_MISCOMPARE = 0x1d00,
    CODE_BAD_COMMAND = 0x2000,
    CODE_BAD_LBA = 0x2100,
    CODE_BAD_FIELD = 0x2400,
    CODE_BAD_LUN = 0x2500,
    CODE_BAD_PARAMETER = 0x2600,
    CODE_WRITE_PROTECTED = 0x2700,
    CODE_POWER_ON = 0x2900,
    CODE_BUS_RESET = 0x2902,
    CODE_DEVICE_RESET = 0x2903,
    CODE_MODE_CHANGED = 0x2a01,
    CODE_SAVING_UNSUPPORTED = 0x3900,
    CODE_NO_MEDIUM = 0x3a00,
    CODE_NO_MEDIUM_CLOSED = 0x3a01,
    CODE_NO_MEDIUM_OPEN = 0x3a02,
    CODE_REMOVAL_PREVENTED = 0x5302,
};

/* --- a command of a host adapter -------------------------------------------- */

typedef struct ScsiTask ScsiTask;

/* How data reaches the initiator: bytes from offset on of its buffer, of which
 * the task says how large it is. False: some of it is no memory. */
typedef struct ScsiMover {
    bool (*to_initiator)(ScsiTask *t, uint64_t offset, const void *from,
                         size_t len);
    bool (*from_initiator)(ScsiTask *t, uint64_t offset, void *to, size_t len);
} ScsiMover;

struct ScsiTask {
    /* From the adapter; bytes of the CDB that were not sent are zero. */
    uint8_t cdb[SCSI_CDB_BYTES];
    uint64_t in_room, out_room;     /* bytes that the buffers have */
    const ScsiMover *mover;
    void *host;
    /* The result. overrun: the buffers are too small for the command, and
     * nothing was moved; lost: a buffer was no memory. */
    uint8_t status;
    bool overrun, lost;
    uint64_t moved_in, moved_out;   /* bytes */
    uint64_t unmoved;               /* bytes cleared, or written beyond those */
    uint8_t sense[SCSI_SENSE_BYTES];
    uint8_t sense_bytes;
};

/* --- the bus ------------------------------------------------------------------ */

typedef struct ScsiDevice ScsiDevice;

typedef struct ScsiBus {
    Machine *machine;
    const Device *owner;            /* whose name the bus bears: "ID.0" */
    unsigned max_channel, max_target, max_lun;
    GPtrArray *units;               /* ScsiDevice *, by address */
} ScsiBus;

typedef struct ScsiAddress {
    uint32_t channel, target, lun;
} ScsiAddress;

/* An adapter's bus; owned by it. */
void scsi_bus_init(ScsiBus *bus, const Device *owner, Machine *m);
void scsi_bus_free(ScsiBus *bus);
/* The unit there, or NULL; whether the target has any. */
ScsiDevice *scsi_bus_unit(const ScsiBus *bus, const ScsiAddress *at);
bool scsi_bus_has_target(const ScsiBus *bus, const ScsiAddress *at);
/* Carries a command out: t has its result. False: there is no such target. */
bool scsi_bus_run(ScsiBus *bus, const ScsiAddress *at, ScsiTask *t);
/* LOGICAL UNIT RESET (SAM-5, 7.7) of a unit, or of all of the target. */
void scsi_unit_reset(ScsiDevice *d, uint16_t code);
void scsi_target_reset(ScsiBus *bus, const ScsiAddress *at);
/* I_T NEXUS RESET (7.6) of a unit. */
void scsi_nexus_reset(ScsiDevice *d);
/* PciInfo.boot_places, of an adapter that is a PCI function. */
void scsi_bus_boot_places(const ScsiBus *bus, PciBootFn *add, void *opaque);

/* --- commands by themselves --------------------------------------------------- */

/* What a command without data from the initiator leads to. */
typedef enum ScsiOutcome {
    SCSI_OUTCOME_DONE,
    SCSI_OUTCOME_SENSE,             /* sense says what is wrong */
    SCSI_OUTCOME_BYTES,             /* the first of data, at most allocated */
    SCSI_OUTCOME_BLOCKS,            /* so many blocks from lba on, which exist */
} ScsiOutcome;

typedef struct ScsiAnswer {
    ScsiOutcome outcome;
    ScsiSense sense;
    uint8_t *data;                  /* room for SCSI_ANSWER_BYTES, zeroed */
    uint32_t bytes, allocated;
    uint32_t lba, count;
    uint16_t block_bytes;           /* 2048, or 2352 for raw sectors */
} ScsiAnswer;

/* The answers; each is the last that a command does. */
void scsi_answer_sense(ScsiAnswer *a, uint8_t key, uint16_t code);
void scsi_answer_bytes(ScsiAnswer *a, uint32_t bytes, uint32_t allocated);

/* Text of that width, padded with spaces. */
void scsi_put_text(uint8_t *out, const char *text, unsigned width);
/* Standard INQUIRY data (SPC-4, 6.6.2) and the fixed format of sense data
 * (4.5.3): 36 and SCSI_SENSE_BYTES bytes. */
typedef struct ScsiIdentity {
    uint8_t type;                   /* 0: disk, 5: CD */
    bool removable, atapi;
    const char *vendor, *product, *version;
} ScsiIdentity;
void scsi_put_inquiry(uint8_t *out, const ScsiIdentity *id);
void scsi_put_sense(uint8_t *out, ScsiSense sense);

#define CD_BLOCK_BYTES 2048u
#define CD_RAW_BYTES   2352u

/* A CD drive as its commands see it: on ATA or SCSI. */
typedef struct MmcDrive {
    BlockDev *block;                /* or NULL */
    bool atapi;
    bool *tray_open, *tray_locked;  /* rows of its state */
} MmcDrive;

/* The number of 2048-byte blocks on the medium; 0 without one. */
uint32_t mmc_blocks(const MmcDrive *d);
/* A block of the medium (2048 bytes, or a raw sector). False: unreadable. */
bool mmc_read_block(const MmcDrive *d, uint32_t lba, uint16_t block_bytes,
                    uint8_t *to);
/* Carries out a command of CD drives. False: it is none of them. */
bool mmc_command(const MmcDrive *d, const uint8_t *cdb, ScsiAnswer *a);

#endif
