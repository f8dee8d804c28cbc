/*
 * An ATA or ATAPI drive: its registers, its sector buffer, and the few ways
 * in which a command goes on.
 *
 * A command does its work when it is issued and then calls exactly one of the
 * drive_*() functions below that say what the host sees next; all but the
 * immediate ones happen after a latency in virtual time, with BSY set until
 * then. drive.c has the registers and those ways, ata.c and atapi.c the
 * commands. "ATA-7": T13/1532D; "MMC-3": T10/1363-D.
 */
#ifndef HW_IDE_DRIVE_H
#define HW_IDE_DRIVE_H

#include "hw/ide.h"
#include "io/blockdev.h"

/* Status register, ATA-7, 5.14. */
#define ST_ERR  0x01u
#define ST_DRQ  0x08u
#define ST_DSC  0x10u
#define ST_DF   0x20u
#define ST_DRDY 0x40u
#define ST_BSY  0x80u
#define ST_OK   (ST_DRDY | ST_DSC)

/* Error register. */
#define ER_ABRT 0x04u
#define ER_IDNF 0x10u
#define ER_UNC  0x40u

/* Device register and device control. */
#define DH_HEAD  0x0fu
#define DH_DEV   0x10u
#define DH_LBA   0x40u
#define CTL_NIEN 0x02u
#define CTL_SRST 0x04u
#define CTL_HOB  0x80u

/* Interrupt reason (the sector count register of ATAPI). */
#define IR_COD 0x01u
#define IR_IO  0x02u

/* What happens when the latency is over. */
typedef enum DriveNext {
    NEXT_NOTHING,
    NEXT_DONE,             /* next_status and next_error, interrupt */
    NEXT_DMA_DONE,         /* the same, and the bus master is told */
    NEXT_DATA,             /* DRQ, interrupt */
    NEXT_SIGNATURE,        /* end of a reset: no interrupt */
    NEXT_COUNT
} DriveNext;

/* What the data port and the bus master are used for now. */
typedef enum DrivePhase {
    PHASE_IDLE,
    PHASE_IN,              /* buffer to host */
    PHASE_OUT,             /* host to buffer */
    PHASE_PACKET,          /* host to buffer: a command packet */
    PHASE_DMA_IN,          /* waits for the bus master */
    PHASE_DMA_OUT,
    PHASE_COUNT
} DrivePhase;

#define SECTOR_BYTES 512u
#define DISCARD_AUTO UINT32_MAX
#define PACKET_BYTES 12u
#define BUFFER_BYTES 8192u
#define MULTIPLE_MAX (BUFFER_BYTES / SECTOR_BYTES)

typedef uint8_t DriveBuffer[BUFFER_BYTES];

/* Registers with a "hob" twin remember the value before the last write. */
#define DRIVE_STATE(_)                                                        \
    _(uint8_t, STATE_U8, feature, 0, 1, "features")                           \
    _(uint8_t, STATE_U8, hob_feature, 0, 1, "features, previous")             \
    _(uint8_t, STATE_U8, nsector, 0, 1, "sector count")                       \
    _(uint8_t, STATE_U8, hob_nsector, 0, 1, "sector count, previous")         \
    _(uint8_t, STATE_U8, lba_low, 0, 1, "LBA low or sector number")           \
    _(uint8_t, STATE_U8, hob_lba_low, 0, 1, "LBA low, previous")              \
    _(uint8_t, STATE_U8, lba_mid, 0, 1, "LBA mid or cylinder low")            \
    _(uint8_t, STATE_U8, hob_lba_mid, 0, 1, "LBA mid, previous")              \
    _(uint8_t, STATE_U8, lba_high, 0, 1, "LBA high or cylinder high")         \
    _(uint8_t, STATE_U8, hob_lba_high, 0, 1, "LBA high, previous")            \
    _(uint8_t, STATE_U8, select, 0, 1, "device register")                     \
    _(uint8_t, STATE_U8, status, 0, 1, "status")                              \
    _(uint8_t, STATE_U8, error, 0, 1, "error")                                \
    _(uint8_t, STATE_U8, control, 0, 1, "device control")                     \
    _(bool, STATE_BOOL, irq, 0, 1, "interrupt pending")                       \
    _(uint8_t, STATE_U8, command, 0, 1, "command being carried out")          \
    _(uint8_t, STATE_U8, phase, 0, 1, "DrivePhase",                          \
      STATE_IN(0, PHASE_COUNT - 1))                                          \
    _(uint8_t, STATE_U8, next, 0, 1, "DriveNext",                            \
      STATE_IN(0, NEXT_COUNT - 1))                                           \
    _(uint8_t, STATE_U8, next_status, 0, 1, "status after the latency")       \
    _(uint8_t, STATE_U8, next_error, 0, 1, "error after the latency")         \
    _(int64_t, STATE_TIME, due_ns, TIME_NEVER, 1, "end of the latency")       \
    _(DriveBuffer, STATE_U8, buffer, 0, 1, "sector buffer")                   \
    _(uint32_t, STATE_U32, pos, 0, 1, "next byte of the buffer",             \
      STATE_IN(0, BUFFER_BYTES))                                             \
    _(uint32_t, STATE_U32, end, 0, 1, "end of the data block in the buffer", \
      STATE_IN(0, BUFFER_BYTES))                                             \
    _(uint32_t, STATE_U32, fill, 0, 1, "end of valid data in the buffer",    \
      STATE_IN(0, BUFFER_BYTES))                                             \
    _(uint64_t, STATE_U64, lba, 0, 1, "next block of the transfer",          \
      STATE_IN(0, INT64_C(1) << 48))                                         \
    _(uint32_t, STATE_U32, left, 0, 1, "blocks of the transfer still to do")  \
    _(uint32_t, STATE_U32, group, 1, 1, "sectors per data block",            \
      STATE_IN(1, MULTIPLE_MAX))                                             \
    _(uint8_t, STATE_U8, multiple, 0, 1, "SET MULTIPLE MODE, 0: off",        \
      STATE_IN(0, MULTIPLE_MAX))                                             \
    _(uint8_t, STATE_U8, heads, 0, 1, "current translation: heads",          \
      STATE_IN(0, 16))                                                       \
    _(uint8_t, STATE_U8, sectors, 0, 1, "current translation: sectors")       \
    _(uint8_t, STATE_U8, pio_mode, 0, 1, "SET FEATURES: PIO mode")            \
    _(uint8_t, STATE_U8, mdma_mode, 0, 1, "modes selected, as in word 63")    \
    _(uint8_t, STATE_U8, udma_mode, 0, 1, "modes selected, as in word 88")    \
    _(bool, STATE_BOOL, write_cache, 1, 1, "write cache enabled")             \
    _(uint16_t, STATE_U16, byte_limit, 0, 1, "ATAPI: most bytes per block")   \
    _(uint16_t, STATE_U16, block_bytes, 0, 1, "ATAPI: 2048 or 2352",         \
      STATE_IN(0, 2352))                                                     \
    _(bool, STATE_BOOL, packet_dma, 0, 1, "ATAPI: packet asked for DMA")      \
    _(uint8_t, STATE_U8, sense_key, 0, 1, "ATAPI: sense key")                 \
    _(uint8_t, STATE_U8, sense_asc, 0, 1, "ATAPI: additional sense code")     \
    _(uint8_t, STATE_U8, sense_ascq, 0, 1, "ATAPI: its qualifier")            \
    _(bool, STATE_BOOL, tray_open, 0, 1, "ATAPI: tray is open")               \
    _(bool, STATE_BOOL, tray_locked, 0, 1, "ATAPI: medium removal prevented")

STATE_STRUCT(DriveState, DRIVE_STATE);

/* What tells a disk from a CD drive. */
typedef struct DriveKind {
    bool packet;
    void (*command)(IdeDrive *d, uint8_t command);
    /* The host took, or filled, the data block in the buffer. */
    void (*data_done)(IdeDrive *d);
    /* The bus master is ready in the direction that the phase wants. */
    void (*dma)(IdeDrive *d);
} DriveKind;

struct IdeDrive {
    Device dev;
    DriveState s;
    BlockDev *block;
    uint32_t unit, boot_index, discard_bytes, rotation_rate;
    uint64_t wwn;
    char *model, *serial, *version;
    bool write_cache;
    const DriveKind *kind;
    IdeBus *bus;
    Timer timer;
    uint64_t total_sectors;
    uint32_t cylinders;    /* default translation: x 16 x 63 */
};

/* The latency of a command that moves bytes. */
int64_t drive_latency_ns(uint64_t bytes);

/* --- how a command goes on ------------------------------------------------- */

/* Ends after ns with this status and error, and an interrupt. */
void drive_done(IdeDrive *d, uint8_t status, uint8_t error, int64_t ns);
void drive_ok(IdeDrive *d);
void drive_abort(IdeDrive *d);
/* buffer[pos, end) goes to the host after ns. */
void drive_data_in(IdeDrive *d, int64_t ns);
/* buffer[0, end) is wanted from the host: at once, without an interrupt, for
 * the first data block of a command (ATA-7, PIO data-out protocol). */
void drive_data_out_first(IdeDrive *d, DrivePhase phase, uint32_t bytes);
void drive_data_out(IdeDrive *d, uint32_t bytes, int64_t ns);
/* From disk to scatter list, or the other way; what is left when it stops. */
typedef struct DriveMove {
    uint64_t lba;
    uint32_t sectors;
    bool in;               /* to the host */
    bool through;          /* what is written must not stay in a cache */
    uint64_t moved_bytes;
} DriveMove;

typedef enum DriveMoveEnd {
    MOVE_DONE,
    MOVE_FAILED,           /* the disk cannot, or there is no such sector */
    MOVE_STARVED,          /* the scatter list has ended: it may go on later */
} DriveMoveEnd;

/* Waits for the bus master. */
void drive_dma_wait(IdeDrive *d, DrivePhase phase);
/* The transfer by bus master is over. */
void drive_dma_done(IdeDrive *d, uint8_t status, uint8_t error, int64_t ns);
/* Sets the registers that tell the kind of drive (ATA-7, 5.15). */
void drive_signature(IdeDrive *d);
/* SRST, DEVICE RESET and power-on: everything stops. */
void drive_stop(IdeDrive *d);
/* A reset: the signature follows, after a while. */
void drive_reset_end(IdeDrive *d);
/* What a reset by hardware does to the settings. */
void drive_defaults(IdeDrive *d);

/* --- common to both kinds ---------------------------------------------------- */

/* SET FEATURES; IDENTIFY's words that depend on what it selected. */
void drive_set_features(IdeDrive *d);
void identify_text(uint8_t *words, unsigned word, unsigned count,
                   const char *text);
void identify_word(uint8_t *words, unsigned word, uint16_t v);
void identify_modes(const IdeDrive *d, uint8_t *words);
void ata_identify(const IdeDrive *d, uint8_t *words);
void atapi_identify(const IdeDrive *d, uint8_t *words);

extern const DriveKind ata_kind, atapi_kind;

/* --- ata-move.c ------------------------------------------------------------------ */

bool ata_in_range(const IdeDrive *d, uint64_t lba, uint32_t n);
DriveMoveEnd ata_move(IdeDrive *d, DriveMove *m);
/* After a write: true if it may stay in the cache, or has left it. */
bool ata_written(IdeDrive *d, bool through);
/* A block of ranges from the scatter list is discarded. */
DriveMoveEnd ata_trim(IdeDrive *d);

/* --- sata.c ---------------------------------------------------------------------- */

/* The registers, all at once; drive_command() follows. */
void drive_load_fis(IdeDrive *d, const uint8_t *fis);
/* The link was reset. */
void drive_hard_reset(IdeDrive *d);
void drive_read_log(IdeDrive *d);

/* atapi.c to atapi-cmd.c: carries out the packet in the buffer. */
void atapi_packet(IdeDrive *d);

/* --- drive.c to bus.c --------------------------------------------------------- */

uint32_t drive_data_read(IdeDrive *d, unsigned size);
void drive_data_write(IdeDrive *d, uint32_t v, unsigned size);
uint8_t drive_read(IdeDrive *d, unsigned reg);
void drive_write(IdeDrive *d, unsigned reg, uint8_t v);
void drive_write_control(IdeDrive *d, uint8_t v);
void drive_command(IdeDrive *d, uint8_t command);
void drive_dma_start(IdeDrive *d);
/* bus.c to drive.c */
void ide_bus_irq_changed(IdeBus *bus);

#endif
