/*
 * Between the floppy controller's registers and phases (fdc.c), what its commands
 * do (fdc-command.c) and how sectors move (fdc-data.c). "82077": Intel 82077AA
 * data sheet, order number 290166.
 */
#ifndef HW_BLOCK_FDC_H
#define HW_BLOCK_FDC_H

#include "hw/floppy.h"
#include "hw/isa.h"

#define FDC_DRIVES 4u          /* that it could select */
#define FDC_FIFO_BYTES 16u

/* Status registers, 82077, 6.1 to 6.4. */
enum {
    ST0_SEEK_END = 0x20,
    ST0_ABNORMAL = 0x40,
    ST0_INVALID = 0x80,
    ST0_POLLED = 0xc0,
    ST0_EQUIPMENT = 0x10,
    ST0_HEAD = 0x04,
    ST1_MISSING_MARK = 0x01,
    ST1_NOT_WRITABLE = 0x02,
    ST1_NO_DATA = 0x04,
    ST1_OVERRUN = 0x10,
    ST1_DATA_ERROR = 0x20,
    ST1_END = 0x80,
    ST2_SCAN_FAILED = 0x04,
    ST2_SCAN_EQUAL = 0x08,
    ST2_WRONG_CYLINDER = 0x10,
    ST2_DATA_ERROR = 0x20,
    ST2_DELETED = 0x40,
    ST3_HEAD = 0x04,
    ST3_TWO_SIDES = 0x08,
    ST3_TRACK_0 = 0x10,
    ST3_READY = 0x20,
    ST3_PROTECTED = 0x40,
};

/* Digital output register. */
enum { DOR_SELECT = 3, DOR_RUN = 0x04, DOR_GATE = 0x08 };

/* CONFIGURE, SPECIFY, the first byte of commands. */
enum { CONFIG_POLL_OFF = 0x10, CONFIG_FIFO_OFF = 0x20, CONFIG_SEEKS = 0x40 };
enum { SPECIFY_NO_DMA = 0x01 };
enum { CMD_MT = 0x80, CMD_MFM = 0x40, CMD_SK = 0x20 };

typedef enum FdcPhase {
    PHASE_COMMAND,
    PHASE_EXECUTE,         /* waits for the timer, or for the host by PIO */
    PHASE_RESULT,
    PHASE_COUNT
} FdcPhase;

typedef enum FdcNext {
    NEXT_NOTHING,
    NEXT_RESET,            /* the interrupt after a reset */
    NEXT_SEEK,             /* the interrupt after a seek */
    NEXT_SECTOR,
    NEXT_RESULT,
    NEXT_COUNT
} FdcNext;

/* What happens to sectors. */
typedef enum FdcWork {
    WORK_READ,
    WORK_WRITE,
    WORK_FORMAT,
    WORK_VERIFY,
    WORK_SCAN,
    WORK_COUNT
} FdcWork;

typedef uint8_t FdcFifo[FDC_FIFO_BYTES];
typedef uint8_t FdcSector[FLOPPY_SECTOR_BYTES];
typedef uint8_t FdcDrives[FDC_DRIVES];

#define FDC_STATE(_)                                                         \
    _(uint8_t, STATE_U8, dor, 0, 1, "digital output register")               \
    _(uint8_t, STATE_U8, tdr, 0, 1, "tape drive register")                   \
    _(uint8_t, STATE_U8, dsr, 2, 1, "data rate select register")             \
    _(uint8_t, STATE_U8, phase, 0, 1, "FdcPhase",                            \
      STATE_IN(0, PHASE_COUNT - 1))                                          \
    _(uint8_t, STATE_U8, next, 0, 1, "FdcNext", STATE_IN(0, NEXT_COUNT - 1)) \
    _(int64_t, STATE_TIME, due_ns, TIME_NEVER, 1, "when that happens")       \
    _(FdcFifo, STATE_U8, fifo, 0, 1, "bytes of the command or its result")   \
    _(uint8_t, STATE_U8, pos, 0, 1, "next of them",                          \
      STATE_IN(0, FDC_FIFO_BYTES))                                           \
    _(uint8_t, STATE_U8, len, 0, 1, "how many there are",                    \
      STATE_IN(0, FDC_FIFO_BYTES))                                           \
    _(bool, STATE_BOOL, irq, 0, 1, "interrupt")                              \
    _(uint8_t, STATE_U8, polled, 0, 1, "drives to be told after a reset")    \
    _(uint8_t, STATE_U8, seeking, 0, 1, "drives with a seek that is not sensed")   \
    _(uint8_t, STATE_U8, sought, 0, 1, "those of them whose seek is over")       \
    _(FdcDrives, STATE_U8, seek_st0, 0, 1, "what will be sensed")            \
    _(FdcDrives, STATE_U8, pcn, 0, 1, "present cylinder numbers")            \
    _(uint8_t, STATE_U8, specify1, 0, 1, "SPECIFY: step and unload times")   \
    _(uint8_t, STATE_U8, specify2, 0, 1, "SPECIFY: load time, no DMA")       \
    _(uint8_t, STATE_U8, config, CONFIG_FIFO_OFF, 1, "CONFIGURE")            \
    _(uint8_t, STATE_U8, precompensation, 0, 1, "CONFIGURE: first track")    \
    _(uint8_t, STATE_U8, perpendicular, 0, 1, "PERPENDICULAR MODE")          \
    _(bool, STATE_BOOL, locked, 0, 1, "LOCK")                                \
    _(uint8_t, STATE_U8, work, 0, 1, "FdcWork", STATE_IN(0, WORK_COUNT - 1)) \
    _(uint8_t, STATE_U8, unit, 0, 1, "drive of the command",                 \
      STATE_IN(0, FDC_DRIVES - 1))                                           \
    _(uint8_t, STATE_U8, head, 0, 1, "head of the command", STATE_IN(0, 1))  \
    _(uint8_t, STATE_U8, cylinder, 0, 1, "sector's address: C")              \
    _(uint8_t, STATE_U8, side, 0, 1, "sector's address: H")                  \
    _(uint8_t, STATE_U8, sector, 0, 1, "sector's address: R")                \
    _(uint8_t, STATE_U8, size, 0, 1, "sector's address: N")                  \
    _(uint8_t, STATE_U8, last, 0, 1, "last sector of a track")               \
    _(uint8_t, STATE_U8, step, 1, 1, "from sector to sector")                \
    _(uint8_t, STATE_U8, filler, 0, 1, "FORMAT TRACK: byte")                 \
    _(uint16_t, STATE_U16, left, 0, 1, "sectors still to do, 0: to the end") \
    _(bool, STATE_BOOL, terminal, 0, 1, "terminal count")                    \
    _(uint8_t, STATE_U8, st0, 0, 1, "status 0 of the result")                \
    _(uint8_t, STATE_U8, st1, 0, 1, "status 1")                              \
    _(uint8_t, STATE_U8, st2, 0, 1, "status 2")                              \
    _(FdcSector, STATE_U8, data, 0, 1, "the sector")                         \
    _(uint16_t, STATE_U16, data_pos, 0, 1, "its next byte by PIO",           \
      STATE_IN(0, FLOPPY_SECTOR_BYTES))                                      \
    _(uint16_t, STATE_U16, data_end, 0, 1, "its end; 0: no byte is due",     \
      STATE_IN(0, FLOPPY_SECTOR_BYTES))

STATE_STRUCT(FdcState, FDC_STATE);

typedef struct Fdc {
    Device dev;
    FdcState s;
    uint32_t iobase, irq_number, dma_channel;
    FloppyBus bus;
    Device *dma;
    IrqLine irq;
    Timer timer;
    MemRegion io, io_high;
} Fdc;

/* --- fdc.c -------------------------------------------------------------------- */

void fdc_set_irq(Fdc *f, bool irq);
void fdc_later(Fdc *f, FdcNext next, int64_t ns);
/* The command has so many bytes of result in the FIFO. */
void fdc_result(Fdc *f, unsigned len);
/* The drive, or NULL. */
FloppyDrive *fdc_drive(const Fdc *f, unsigned unit);
/* Terminal states of a reset: by DOR or DSR. */
void fdc_reset(Fdc *f);

/* --- fdc-command.c -------------------------------------------------------------- */

/* How many bytes the command has whose first one that is. */
unsigned fdc_command_bytes(uint8_t first);
/* Carries out the command in the FIFO. */
void fdc_command(Fdc *f);
/* The seek is over. */
void fdc_sought(Fdc *f);
/* The time between two steps. */
#define FDC_SEEK_NS    (50 * NS_PER_US)
#define FDC_SECTOR_NS  (25 * NS_PER_US)

/* --- fdc-data.c ------------------------------------------------------------------ */

/* Starts work on sectors; the rows say which. */
void fdc_data_start(Fdc *f);
/* The timer says that the next sector is due. */
void fdc_data_next(Fdc *f);
/* The host took, or gave, the last byte of a block by PIO. */
void fdc_data_moved(Fdc *f);
/* Is data going to the host? */
bool fdc_data_in(const Fdc *f);
/* Ends the work, with those bits of status more. */
void fdc_data_end(Fdc *f, uint8_t st0, uint8_t st1, uint8_t st2);

#endif
