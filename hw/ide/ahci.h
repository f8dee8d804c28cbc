/*
 * The parts of an AHCI controller: what its files share.
 *
 * ahci.c has the controller's registers and its PCI function; ahci-port.c a
 * port's registers and what starts, stops and resets it; ahci-command.c how a
 * command gets from memory to the drive and its answer back; ahci-queue.c the
 * drive's native command queue. "AHCI": Serial ATA AHCI 1.3.1; "SATA": Serial
 * ATA Revision 2.6; "ACS": T13/1699-D, ATA8-ACS.
 */
#ifndef HW_IDE_AHCI_H
#define HW_IDE_AHCI_H

#include "drive.h"
#include "hw/ahci.h"

#define AHCI_SLOTS 32u
#define AHCI_NO_SLOT AHCI_SLOTS

/* PxIS and PxIE, AHCI 3.3.5. */
enum {
    PIS_DHRS = 1u << 0,    /* device to host register FIS */
    PIS_PSS = 1u << 1,     /* PIO setup FIS */
    PIS_SDBS = 1u << 3,    /* set device bits FIS */
    PIS_UFS = 1u << 4,     /* unknown FIS; shows SERR.DIAG.F */
    PIS_DPS = 1u << 5,     /* a descriptor with its I bit is done */
    PIS_PCS = 1u << 6,     /* connect change; shows SERR.DIAG.X */
    PIS_PRCS = 1u << 22,   /* PhyRdy change; shows SERR.DIAG.N */
    PIS_OFS = 1u << 24,    /* descriptors are too few */
    PIS_IFS = 1u << 27,    /* interface, fatal */
    PIS_HBFS = 1u << 29,   /* host bus, fatal */
    PIS_TFES = 1u << 30,   /* task file error */
};
#define PIS_CLEARS 0xfd8000afu  /* written as one; others follow SERR */
#define PIE_MASK   0xfdc000ffu

/* PxCMD, 3.3.7. */
enum {
    PCMD_ST = 1u << 0,
    PCMD_SUD = 1u << 1,    /* no staggered spin-up: always on */
    PCMD_POD = 1u << 2,    /* no cold presence detection: always on */
    PCMD_FRE = 1u << 4,
    PCMD_CCS = 31u << 8,
    PCMD_FR = 1u << 14,
    PCMD_CR = 1u << 15,
    PCMD_ATAPI = 1u << 24,
    PCMD_DLAE = 1u << 25,
};
#define PCMD_WRITABLE (PCMD_ST | PCMD_FRE | PCMD_ATAPI | PCMD_DLAE)
#define PCMD_CCS_SHIFT 8

/* PxSCTL, 3.3.11, and PxSSTS, 3.3.10. */
#define DET_MASK    0x0fu
#define DET_RESET   1u
#define DET_OFFLINE 4u
#define SSTS_READY  0x123u /* active, generation 2, a device is there */

/* PxSERR, 3.3.12. */
#define SERR_PROTOCOL  (1u << 10)
#define SERR_DIAG_N    (1u << 16)
#define SERR_DIAG_F    (1u << 25)
#define SERR_DIAG_X    (1u << 26)
#define SERR_MASK      0x07ff0f03u

#define TFD_NONE 0x7fu     /* no device has spoken */
#define SIG_NONE 0xffffffffu

typedef uint8_t AhciTags[AHCI_SLOTS];
typedef uint64_t AhciLbas[AHCI_SLOTS];
typedef uint32_t AhciCounts[AHCI_SLOTS];
typedef int64_t AhciTimes[AHCI_SLOTS];

#define AHCI_PORT_STATE(_)                                                    \
    _(uint64_t, STATE_U64, clb, 0, 1, "command list")                         \
    _(uint64_t, STATE_U64, fb, 0, 1, "received FISes")                        \
    _(uint32_t, STATE_U32, is, 0, 1, "interrupt status")                      \
    _(uint32_t, STATE_U32, ie, 0, 1, "interrupt enable")                      \
    _(uint32_t, STATE_U32, cmd, 0, 1, "command and status")                   \
    _(uint32_t, STATE_U32, tfd, TFD_NONE, 1, "task file")                     \
    _(uint32_t, STATE_U32, sig, SIG_NONE, 1, "signature")                     \
    _(uint32_t, STATE_U32, ssts, 0, 1, "link status")                         \
    _(uint32_t, STATE_U32, sctl, 0, 1, "link control")                        \
    _(uint32_t, STATE_U32, serr, 0, 1, "link errors")                         \
    _(uint32_t, STATE_U32, sact, 0, 1, "queued commands without an end")      \
    _(uint32_t, STATE_U32, ci, 0, 1, "commands issued")                       \
    _(bool, STATE_BOOL, halted, 0, 1, "an error stopped the command list")    \
    _(bool, STATE_BOOL, fis_waits, 0, 1, "the first FIS waits for FRE")       \
    _(uint8_t, STATE_U8, slot, AHCI_NO_SLOT, 1, "slot being carried out, 32: none", \
      STATE_IN(0, AHCI_NO_SLOT))                                              \
    _(uint8_t, STATE_U8, last_slot, AHCI_SLOTS - 1, 1, "slot taken last",     \
      STATE_IN(0, AHCI_SLOTS - 1))                                            \
    _(uint8_t, STATE_U8, data_slot, 0, 1, "whose descriptors are used",       \
      STATE_IN(0, AHCI_SLOTS - 1))                                            \
    _(uint32_t, STATE_U32, prd, 0, 1, "next descriptor",                      \
      STATE_IN(0, 65535))                                                     \
    _(uint32_t, STATE_U32, prd_done, 0, 1, "bytes of it that are used",       \
      STATE_IN(0, 4 * MIB - 1))                                               \
    _(uint32_t, STATE_U32, moved, 0, 1, "bytes moved by the command")         \
    _(uint32_t, STATE_U32, held, 0, 1, "tags that the drive holds")           \
    _(uint8_t, STATE_U8, queued, 0, 1, "how many there are",                  \
      STATE_IN(0, AHCI_SLOTS))                                                \
    _(AhciTags, STATE_U8, tag, 0, 1, "tags in order of arrival",              \
      STATE_IN(0, AHCI_SLOTS - 1))                                            \
    _(AhciTags, STATE_U8, queue_command, 0, 1, "by tag: command")             \
    _(AhciTags, STATE_U8, queue_device, 0, 1, "by tag: device register")      \
    _(AhciLbas, STATE_U64, queue_lba, 0, 1, "by tag: first sector")           \
    _(AhciCounts, STATE_U32, queue_sectors, 0, 1, "by tag: sectors",          \
      STATE_IN(0, 65536))                                                     \
    _(AhciTimes, STATE_TIME, queue_ns, 0, 1, "by tag: when it came")          \
    _(int64_t, STATE_TIME, due_ns, TIME_NEVER, 1, "end of the first of them") \
    _(uint8_t, STATE_U8, first_error, 0, 1, "its error register; 0: good")    \
    _(bool, STATE_BOOL, queue_failed, 0, 1, "the log of its error is wanted") \
    _(bool, STATE_BOOL, log_nq, 0, 1, "that was no queued command")           \
    _(uint8_t, STATE_U8, log_tag, 0, 1, "the log: tag",                       \
      STATE_IN(0, AHCI_SLOTS - 1))                                            \
    _(uint8_t, STATE_U8, log_error, 0, 1, "the log: error register")          \
    _(uint64_t, STATE_U64, log_lba, 0, 1, "the log: first sector")            \
    _(uint32_t, STATE_U32, log_sectors, 0, 1, "the log: sectors")

STATE_STRUCT(AhciPortState, AHCI_PORT_STATE);

typedef struct Ahci Ahci;

typedef struct AhciPort {
    Device dev;
    AhciPortState s;
    Ahci *hba;
    unsigned n;
    IdeBus bus;
    char *name;
    Timer timer;           /* of the queue */
} AhciPort;

extern const DeviceClass ahci_port_class;

/* --- ahci.c ------------------------------------------------------------------ */

/* PxIS or PxIE of a port moved. */
void ahci_update_irq(Ahci *hba);
/* DMA of the controller. False, with nothing moved: nobody is there, or it may
 * not master the bus. While it goes on, the controller takes no writes: a
 * descriptor may name its own registers. */
bool ahci_dma(Ahci *hba, PhysAddr addr, void *buf, uint64_t len,
              bool to_memory);

/* --- ahci-port.c --------------------------------------------------------------- */

uint32_t ahci_port_read(const AhciPort *p, unsigned reg);
void ahci_port_write(AhciPort *p, unsigned reg, uint32_t v);
/* GHC.HR, AHCI 10.4.3. */
void ahci_port_hba_reset(AhciPort *p);
bool ahci_port_wants_irq(const AhciPort *p);
void ahci_port_raise(AhciPort *p, uint32_t is);
/* An error that stops the command list until software clears PxCMD.ST. */
void ahci_port_fail(AhciPort *p, uint32_t is);
IdeDrive *ahci_port_drive(const AhciPort *p);

/* --- ahci-command.c -------------------------------------------------------------- */

/* Takes commands from the list, if the port and the drive can. */
void ahci_commands_run(AhciPort *p);
/* The hooks of the port's IdeBus. */
size_t ahci_dma_move(void *port, void *buf, size_t len, bool to_memory);
void ahci_data_block(void *port);
void ahci_registers(void *port);
/* Starts at the first descriptor of a slot. */
void ahci_data_start(AhciPort *p, unsigned slot);
/* Sends the first FIS after a reset, which waited until somebody receives. */
void ahci_send_first_fis(AhciPort *p);
/* Puts a FIS into memory, if FISes are received. */
void ahci_receive(AhciPort *p, unsigned offset, const uint8_t *fis,
                  unsigned len);

/* --- ahci-queue.c ------------------------------------------------------------------ */

/* Is it a command for the queue? */
bool ahci_queue_takes(uint8_t command);
/* The drive gets one by this FIS; the port has cleared the command's bit. */
void ahci_queue_add(AhciPort *p, const uint8_t *fis);
/* A command that is not for the queue while the queue has some, or waits for
 * its error's log to be read: refused, true. */
bool ahci_queue_refuses(AhciPort *p, const uint8_t *fis);
/* The drive forgets it all; with its error, after a reset. */
void ahci_queue_drop(AhciPort *p);
void ahci_queue_forget_error(AhciPort *p);
void ahci_queue_log(void *port, uint8_t *log);
void ahci_queue_timer(void *port);

#endif
