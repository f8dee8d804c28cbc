/*
 * An NVMe controller with one namespace, inside. "NVM Express Base
 * Specification, revision 1.4"; section numbers in hw/block/nvme*.c are its.
 *
 * nvme.c has the registers and the controller's life, nvme-queue.c fetches
 * commands and posts completions, nvme-data.c finds a command's memory,
 * nvme-admin.c, -identify.c, -features.c and -log.c have the commands of the
 * admin queue, nvme-io.c those of the others.
 *
 * A command is carried out when its doorbell is rung and posted at a virtual
 * time that depends on its size. The driver is not trusted: what it puts into
 * queues and registers ends in a status code; if the controller cannot reach a
 * queue, it stops (CSTS.CFS). Only RAM is read and written.
 */
#ifndef HW_NVME_H
#define HW_NVME_H

#include "hw/pci.h"
#include "io/blockdev.h"

#define NVME_VERSION     0x00010400u
#define NVME_QUEUES_MAX  65u       /* the admin queue and 64 for I/O */
#define NVME_ENTRIES_MAX 2048u     /* of a queue for I/O */
#define NVME_ADMIN_ENTRIES_MAX 4096u
#define NVME_PENDING_MAX 128u
/* Of those, room that only the admin queue may take. */
#define NVME_PENDING_ADMIN 16u
#define NVME_EVENTS_MAX  4u        /* asynchronous event requests */
#define NVME_ERRORS_MAX  4u        /* entries of the error log */
#define NVME_NSID        1u
#define NVME_NSID_ALL    0xffffffffu
#define NVME_TEMPERATURE 323u      /* kelvin, always */

#define NVME_COMMAND_BYTES    64u
#define NVME_COMPLETION_BYTES 16u
#define NVME_BOUNCE_BYTES     (64 * KIB)
/* What one command may clear: the host's time is bounded. */
#define NVME_CLEAR_MAX_BYTES  (2 * GIB)

/* Status: type << 8 | code, and "do not retry", 4.6.1. */
#define NVME_DNR 0x4000u
enum {
    NVME_OK = 0x000,
    NVME_BAD_OPCODE = 0x001 | NVME_DNR,
    NVME_BAD_FIELD = 0x002 | NVME_DNR,
    NVME_TRANSFER_ERROR = 0x004,
    NVME_ABORTED = 0x007,
    NVME_BAD_NAMESPACE = 0x00b | NVME_DNR,
    NVME_BAD_SEQUENCE = 0x00c | NVME_DNR,
    NVME_BAD_SGL_SEGMENT = 0x00d | NVME_DNR,
    NVME_BAD_SGL_COUNT = 0x00e | NVME_DNR,
    NVME_BAD_SGL_LENGTH = 0x00f | NVME_DNR,
    NVME_BAD_SGL_TYPE = 0x011 | NVME_DNR,
    NVME_BAD_PRP = 0x013 | NVME_DNR,
    NVME_WRITE_PROTECTED = 0x020 | NVME_DNR,
    NVME_BAD_LBA = 0x080 | NVME_DNR,
    NVME_BAD_CQ = 0x100 | NVME_DNR,
    NVME_BAD_QUEUE = 0x101 | NVME_DNR,
    NVME_BAD_QUEUE_SIZE = 0x102 | NVME_DNR,
    NVME_EVENT_LIMIT = 0x105 | NVME_DNR,
    NVME_BAD_VECTOR = 0x108 | NVME_DNR,
    NVME_BAD_LOG_PAGE = 0x109 | NVME_DNR,
    NVME_BAD_DELETION = 0x10c | NVME_DNR,
    NVME_NOT_SAVEABLE = 0x10d | NVME_DNR,
    NVME_NOT_CHANGEABLE = 0x10e | NVME_DNR,
    NVME_WRITE_FAULT = 0x280,
    NVME_READ_ERROR = 0x281,
    NVME_COMPARE_FAILED = 0x285 | NVME_DNR,
    /* No status: the command waits (for an event). */
    NVME_NO_COMPLETION = 0xffff,
};

/* Asynchronous events, 5.2.1: bits of the rows. */
enum { NVME_EVENT_ERROR, NVME_EVENT_SMART, NVME_EVENT_TYPES };

typedef bool NvmeBools[NVME_QUEUES_MAX];
typedef uint16_t NvmeU16s[NVME_QUEUES_MAX];
typedef uint64_t NvmeU64s[NVME_QUEUES_MAX];
typedef uint16_t NvmePend16s[NVME_PENDING_MAX];
typedef uint32_t NvmePend32s[NVME_PENDING_MAX];
typedef int64_t NvmePendTimes[NVME_PENDING_MAX];
typedef uint16_t NvmeEventIds[NVME_EVENTS_MAX];
typedef uint8_t NvmeEventInfos[NVME_EVENT_TYPES];
typedef uint16_t NvmeError16s[NVME_ERRORS_MAX];
typedef uint32_t NvmeError32s[NVME_ERRORS_MAX];
typedef uint64_t NvmeError64s[NVME_ERRORS_MAX];

/* A queue with no entries is not there. */
#define NVME_STATE(_)                                                         \
    PCI_FUNCTION_STATE(_)                                                     \
    PCI_MSIX_STATE(_)                                                         \
    _(uint32_t, STATE_U32, cc, 0, 1, "CC: controller configuration")          \
    _(uint32_t, STATE_U32, csts, 0, 1, "CSTS: controller status")             \
    _(uint32_t, STATE_U32, int_mask, 0, 1, "INTMS: masked interrupts")        \
    _(uint32_t, STATE_U32, aqa, 0, 1, "AQA: admin queue attributes")          \
    _(uint64_t, STATE_U64, asq, 0, 1, "ASQ: admin submission queue")          \
    _(uint64_t, STATE_U64, acq, 0, 1, "ACQ: admin completion queue")          \
    _(NvmeU64s, STATE_U64, sq_base, 0, 1, "submission queues: addresses")     \
    _(NvmeU16s, STATE_U16, sq_entries, 0, 1, "their sizes",                   \
      STATE_IN(0, NVME_ADMIN_ENTRIES_MAX))                                    \
    _(NvmeU16s, STATE_U16, sq_head, 0, 1, "next command to fetch",            \
      STATE_IN(0, NVME_ADMIN_ENTRIES_MAX - 1))                                \
    _(NvmeU16s, STATE_U16, sq_tail, 0, 1, "end of the commands",              \
      STATE_IN(0, NVME_ADMIN_ENTRIES_MAX - 1))                                \
    _(NvmeU16s, STATE_U16, sq_cq, 0, 1, "where they are completed",           \
      STATE_IN(0, NVME_QUEUES_MAX - 1))                                       \
    _(NvmeBools, STATE_BOOL, stalled, 0, 1, "commands were left for later")   \
    _(NvmeU64s, STATE_U64, cq_base, 0, 1, "completion queues: addresses")     \
    _(NvmeU16s, STATE_U16, cq_entries, 0, 1, "their sizes",                   \
      STATE_IN(0, NVME_ADMIN_ENTRIES_MAX))                                    \
    _(NvmeU16s, STATE_U16, cq_head, 0, 1, "what the driver has seen",         \
      STATE_IN(0, NVME_ADMIN_ENTRIES_MAX - 1))                                \
    _(NvmeU16s, STATE_U16, cq_tail, 0, 1, "next completion's place",          \
      STATE_IN(0, NVME_ADMIN_ENTRIES_MAX - 1))                                \
    _(NvmeBools, STATE_BOOL, cq_phase, 0, 1, "its phase tag")                 \
    _(NvmeBools, STATE_BOOL, cq_interrupts, 0, 1, "interrupts are wanted")    \
    _(NvmeU16s, STATE_U16, cq_vector, 0, 1, "their vectors")                  \
    _(uint8_t, STATE_U8, pending, 0, 1, "commands that wait to be completed", \
      STATE_IN(0, NVME_PENDING_MAX))                                          \
    _(NvmePend16s, STATE_U16, pending_sq, 0, 1, "their submission queues",    \
      STATE_IN(0, NVME_QUEUES_MAX - 1))                                       \
    _(NvmePend16s, STATE_U16, pending_id, 0, 1, "their identifiers")          \
    _(NvmePend16s, STATE_U16, pending_status, 0, 1, "their status")           \
    _(NvmePend32s, STATE_U32, pending_result, 0, 1, "their results")          \
    _(NvmePendTimes, STATE_TIME, pending_ns, 0, 1, "when they are completed") \
    _(int64_t, STATE_TIME, due_ns, TIME_NEVER, 1, "the first time to look")   \
    _(uint32_t, STATE_U32, arbitration, 0, 1, "feature 01h")                  \
    _(uint32_t, STATE_U32, temperature_over, 0x157, 1, "feature 04h, over")   \
    _(uint32_t, STATE_U32, temperature_under, 0, 1, "feature 04h, under")     \
    _(uint32_t, STATE_U32, error_recovery, 0, 1, "feature 05h")               \
    _(bool, STATE_BOOL, write_cache, 1, 1, "feature 06h")                     \
    _(uint32_t, STATE_U32, coalescing, 0, 1, "feature 08h")                   \
    _(NvmeBools, STATE_BOOL, no_coalescing, 0, 1, "feature 09h")              \
    _(uint32_t, STATE_U32, atomicity, 0, 1, "feature 0Ah")                    \
    _(uint32_t, STATE_U32, event_config, 0, 1, "feature 0Bh")                 \
    _(uint8_t, STATE_U8, events, 0, 1, "asynchronous event requests",         \
      STATE_IN(0, NVME_EVENTS_MAX))                                           \
    _(NvmeEventIds, STATE_U16, event_id, 0, 1, "their identifiers")           \
    _(NvmeEventInfos, STATE_U8, event_info, 0, 1,                             \
      "events to be told, by type: information + 1, 0: none")                 \
    _(uint8_t, STATE_U8, event_masked, 0, 1, "types told and not looked at")  \
    _(uint64_t, STATE_U64, error_count, 0, 1, "errors since power-on")        \
    _(NvmeError16s, STATE_U16, error_sq, 0, 1, "the latest errors: queue")    \
    _(NvmeError16s, STATE_U16, error_id, 0, 1, "command")                     \
    _(NvmeError16s, STATE_U16, error_status, 0, 1, "status")                  \
    _(NvmeError64s, STATE_U64, error_lba, 0, 1, "block")                      \
    _(NvmeError32s, STATE_U32, error_nsid, 0, 1, "namespace")                 \
    _(uint64_t, STATE_U64, sectors_read, 0, 1, "of 512 bytes")                \
    _(uint64_t, STATE_U64, sectors_written, 0, 1, "of 512 bytes")             \
    _(uint64_t, STATE_U64, reads, 0, 1, "commands that read")                 \
    _(uint64_t, STATE_U64, writes, 0, 1, "commands that write")

STATE_STRUCT(NvmeState, NVME_STATE);

/* A command as it is carried out. */
typedef struct NvmeCommand {
    uint8_t opcode, flags;
    uint16_t id, sq;
    uint32_t nsid;
    uint64_t data[2];      /* DPTR */
    uint32_t dw[16];
    uint32_t result;       /* dword 0 of the completion */
    uint64_t bytes;        /* that were moved */
    uint64_t unmoved;      /* that were only looked at or cleared */
} NvmeCommand;

/* Where a command's data is: pieces of memory; DISCARD: what is read for it
 * goes nowhere. */
#define NVME_SEGMENTS_MAX 1024u
#define NVME_DISCARD      UINT64_MAX
typedef struct NvmeSegment {
    PhysAddr addr;
    uint32_t len;
} NvmeSegment;
typedef struct NvmeMap {
    unsigned count, at;    /* at, offset: what has been moved */
    uint32_t offset;
    NvmeSegment segment[NVME_SEGMENTS_MAX];
} NvmeMap;

typedef struct Nvme {
    PciFunction pci;
    NvmeState s;
    BlockDev *block;       /* properties */
    char *serial;
    uint32_t boot_index, block_bytes, io_queues, vectors, mdts, aerl;
    bool write_cache, intel_id;
    PciInfo pci_info;      /* depends on properties */
    PciMsix msix;
    MemRegion registers;
    Timer timer;
    uint64_t blocks;
    bool busy;             /* at work: a doorbell is its own message */
    NvmeMap map;           /* of the command that is carried out */
    uint8_t *bounce;
} Nvme;

/* --- nvme.c --- */

/* The name by which users know it. */
const char *nvme_name(const Nvme *d);
unsigned nvme_page_bytes(const Nvme *d);
uint64_t nvme_transfer_max(const Nvme *d);
bool nvme_is_ready(const Nvme *d);
/* A queue cannot be reached: the controller stops. */
void nvme_fail(Nvme *d, const char *why);
/* Guest memory that is RAM, for which the function may be bus master. False:
 * some of it is not. */
bool nvme_load(Nvme *d, PhysAddr addr, void *to, uint64_t len);
bool nvme_store(Nvme *d, PhysAddr addr, const void *from, uint64_t len);

/* --- nvme-queue.c --- */

/* The doorbells, 3.1.24 and 3.1.25. */
void nvme_ring_sq(Nvme *d, unsigned sq, uint32_t tail);
void nvme_ring_cq(Nvme *d, unsigned cq, uint32_t head);
void nvme_timer_fired(void *opaque);
/* Completes a command of the admin queue after all that wait. */
void nvme_complete_admin(Nvme *d, uint16_t id, uint16_t status,
                         uint32_t result);
/* Completes all that waits of a submission queue that goes away. */
void nvme_drain(Nvme *d, unsigned sq);
/* The interrupt pin is what queues and mask say. */
void nvme_drive_intx(Nvme *d);

/* --- nvme-data.c --- */

/* Finds the memory of a command's data: d->map. A status. */
uint16_t nvme_map(Nvme *d, const NvmeCommand *c, uint64_t bytes);
/* The next bytes of it. False: some of that is no memory. */
bool nvme_get(Nvme *d, void *to, uint32_t len);
bool nvme_put(Nvme *d, const void *from, uint32_t len);
/* Maps and answers: the whole data of a command. A status. */
uint16_t nvme_answer(Nvme *d, NvmeCommand *c, const void *data,
                     uint32_t bytes);

/* --- commands: a status --- */

uint16_t nvme_admin(Nvme *d, NvmeCommand *c);
uint16_t nvme_io(Nvme *d, NvmeCommand *c);
uint16_t nvme_identify(Nvme *d, NvmeCommand *c);
uint16_t nvme_get_features(Nvme *d, NvmeCommand *c);
uint16_t nvme_set_features(Nvme *d, NvmeCommand *c);
uint16_t nvme_get_log_page(Nvme *d, NvmeCommand *c);

/* Something happened that the driver may have asked to be told, 5.2. */
void nvme_event(Nvme *d, unsigned type, uint8_t info);
/* Tells what can be told. */
void nvme_tell_events(Nvme *d);
/* For the error log, 5.14.1.1. */
void nvme_log_error(Nvme *d, const NvmeCommand *c, uint16_t status);
/* Whether the temperature is beyond a threshold, 5.14.1.2. */
bool nvme_is_hot(const Nvme *d);

#endif
