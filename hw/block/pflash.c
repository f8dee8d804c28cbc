/*
 * A parallel flash chip with Intel's command set, as firmware is kept in: reads
 * as memory, and what is stored to it are commands. JEDEC JESD68 (Common Flash
 * Interface); Intel StrataFlash data sheet (28F320J3), sections "Bus
 * operations" and "Commands".
 *
 * What it holds is RAM that the guest may only read; in another mode than
 * reading, a region over it answers instead. What is programmed goes to the
 * drive at once, so that the next run finds it.
 */
#include "base/bits.h"
#include "base/log.h"
#include "hw/pflash.h"
#include "vm/machine.h"

#define BLOCK_BYTES  4096u
#define BUFFER_BYTES 64u

enum { CMD_READ_ARRAY = 0xff, CMD_READ_ID = 0x90, CMD_QUERY = 0x98,
       CMD_READ_STATUS = 0x70, CMD_CLEAR_STATUS = 0x50, CMD_ERASE = 0x20,
       CMD_PROGRAM = 0x10, CMD_PROGRAM_ALT = 0x40, CMD_BUFFER = 0xe8,
       CMD_LOCK = 0x60, CMD_CONFIRM = 0xd0 };

#define STATUS_READY   BIT(7)
#define STATUS_ERASE   BIT(5)      /* failed */
#define STATUS_PROGRAM BIT(4)      /* failed */
#define STATUS_ORDER   (STATUS_ERASE | STATUS_PROGRAM)

enum { MANUFACTURER = 0x89, DEVICE_CODE = 0x18 };

typedef uint8_t FlashBuffer[BUFFER_BYTES];

#define FLASH_STATE(_)                                                       \
    _(uint8_t, STATE_U8, command, CMD_READ_ARRAY, 1, "what is under way")    \
    _(uint8_t, STATE_U8, step, 0, 1, "stores that it has had",               \
      STATE_IN(0, 2))                                                        \
    _(uint8_t, STATE_U8, status, 0, 1, "status register")                    \
    _(uint8_t, STATE_U8, count, 0, 1, "bytes of a buffer to come",           \
      STATE_IN(0, BUFFER_BYTES))                                             \
    _(uint32_t, STATE_U32, buffer_at, 0, 1, "where the buffer goes")         \
    _(FlashBuffer, STATE_U8, buffer, 0xff, 1, "bytes to be programmed")

STATE_STRUCT(FlashState, FLASH_STATE);
static STATE_TABLE(flash_state, "cfi.pflash01", 1, FlashState, FLASH_STATE)

typedef struct Flash {
    Device dev;
    FlashState s;
    BlockDev *drive;
    RamBlock *ram;
    MemRegion array;       /* while it reads as memory */
    MemRegion registers;   /* over it, while it does not */
} Flash;

/* --- the query table (JESD68, 2.2 to 2.6) ----------------------------------------- */

static uint8_t query_byte(const Flash *f, PhysAddr at)
{
    unsigned blocks = f->ram->size_bytes / BLOCK_BYTES - 1;
    switch (at) {
    case 0x10: return 'Q';
    case 0x11: return 'R';
    case 0x12: return 'Y';
    case 0x13: return 1;   /* Intel's extended command set */
    case 0x15: return 0x31;
    case 0x1b: return 0x45; /* 4.5 to 5.5 V */
    case 0x1c: return 0x55;
    case 0x1f: return 7;   /* times: 2^n us, 2^n ms */
    case 0x20: return 7;
    case 0x21: return 10;
    case 0x23: return 4;
    case 0x24: return 4;
    case 0x25: return 4;
    case 0x27: return 63 - __builtin_clzll(f->ram->size_bytes);
    case 0x28: return 0;   /* eight bits wide */
    case 0x2a: return 6;   /* the buffer: 2^6 bytes */
    case 0x2c: return 1;   /* one kind of blocks: */
    case 0x2d: return blocks;
    case 0x2e: return blocks >> 8;
    case 0x2f: return BLOCK_BYTES / 256;
    case 0x30: return BLOCK_BYTES / 256 >> 8;
    case 0x31: return 'P';
    case 0x32: return 'R';
    case 0x33: return 'I';
    case 0x34: return '1';
    case 0x35: return '0';
    }
    return 0;
}

/* --- what it holds ------------------------------------------------------------------ */

/* The drive is to have it, too. An error of the host's is the guest's as well:
 * programming failed. */
static void put(Flash *f, uint32_t at, uint32_t bytes, unsigned failed)
{
    bool kept = !f->drive || blockdev_readonly(f->drive) ||
                !blockdev_write(f->drive, at, f->ram->host + at, bytes);
    f->s.status |= STATUS_READY | (kept ? 0 : failed);
}

static bool is_writable(const Flash *f)
{
    return f->drive && !blockdev_readonly(f->drive);
}

/* Bits can only go from 1 to 0. */
static void program(Flash *f, uint32_t at, const uint8_t *data, uint32_t bytes)
{
    if (!is_writable(f) || at >= f->ram->size_bytes) {
        f->s.status |= STATUS_READY | STATUS_PROGRAM;
        return;
    }
    bytes = MIN(bytes, f->ram->size_bytes - at);
    ram_will_write(f->dev.machine, f->ram->base + at, bytes);
    for (uint32_t i = 0; i < bytes; i++) {
        f->ram->host[at + i] &= data[i];
    }
    put(f, at, bytes, STATUS_PROGRAM);
}

static void erase(Flash *f, uint32_t at)
{
    at &= ~(BLOCK_BYTES - 1);
    if (!is_writable(f)) {
        f->s.status |= STATUS_READY | STATUS_ERASE;
        return;
    }
    ram_will_write(f->dev.machine, f->ram->base + at, BLOCK_BYTES);
    memset(f->ram->host + at, 0xff, BLOCK_BYTES);
    put(f, at, BLOCK_BYTES, STATUS_ERASE);
}

/* --- commands -------------------------------------------------------------------------- */

static void show(Flash *f)
{
    mem_set_enabled(&f->registers, f->s.command != CMD_READ_ARRAY);
}

/* Of those that take more than one store, step counts them. */
static void begin(Flash *f, uint8_t command)
{
    f->s.command = command;
    switch (command) {
    case CMD_CLEAR_STATUS:
        f->s.status = 0;
        f->s.command = CMD_READ_STATUS;
        break;
    case CMD_BUFFER:
        f->s.status |= STATUS_READY;
        f->s.step = 1;
        break;
    case CMD_ERASE:
    case CMD_PROGRAM:
    case CMD_PROGRAM_ALT:
    case CMD_LOCK:
        f->s.step = 1;
        break;
    case CMD_READ_ARRAY:
    case CMD_READ_ID:
    case CMD_QUERY:
    case CMD_READ_STATUS:
        break;
    default:
        guest_error("pflash: unknown command 0x%02x", command);
        f->s.command = CMD_READ_ARRAY;
    }
}

/* After its last store a command shows the status. */
static void end(Flash *f)
{
    f->s.command = CMD_READ_STATUS;
    f->s.step = 0;
}

/* The count, the bytes, and a confirmation. */
static void buffer_store(Flash *f, uint32_t at, uint8_t v)
{
    FlashState *s = &f->s;
    if (s->step == 1) {
        s->count = MIN(v + 1u, BUFFER_BYTES);
        s->step = 2;
        memset(s->buffer, 0xff, sizeof s->buffer);
        s->buffer_at = at & ~(BUFFER_BYTES - 1);
    } else if (s->count) {
        if ((at & ~(BUFFER_BYTES - 1)) == s->buffer_at) {
            s->buffer[at % BUFFER_BYTES] = v;
        }
        s->count--;
    } else {
        if (v == CMD_CONFIRM) {
            program(f, s->buffer_at, s->buffer, BUFFER_BYTES);
        } else {
            s->status |= STATUS_READY | STATUS_ORDER;
        }
        end(f);
    }
}

static void go_on(Flash *f, uint32_t at, uint8_t v)
{
    switch (f->s.command) {
    case CMD_PROGRAM:
    case CMD_PROGRAM_ALT:
        program(f, at, &v, 1);
        end(f);
        break;
    case CMD_ERASE:
        if (v == CMD_CONFIRM) {
            erase(f, at);
        } else {
            f->s.status |= STATUS_READY | STATUS_ORDER;
        }
        end(f);
        break;
    case CMD_LOCK: /* blocks are never locked */
        f->s.status |= STATUS_READY;
        end(f);
        break;
    case CMD_BUFFER:
        buffer_store(f, at, v);
        break;
    }
}

static void flash_write(void *opaque, PhysAddr offset, uint64_t v,
                        unsigned size)
{
    Flash *f = opaque;
    uint8_t old = f->s.command;
    if (f->s.step) {
        go_on(f, offset, v);
    } else {
        begin(f, v);
    }
    if (old != f->s.command) {
        show(f);
    }
}

static uint64_t flash_read(void *opaque, PhysAddr offset, unsigned size)
{
    const Flash *f = opaque;
    switch (f->s.command) {
    case CMD_READ_ID:
        return offset & 1 ? DEVICE_CODE : MANUFACTURER;
    case CMD_QUERY:
        return query_byte(f, offset);
    }
    return f->s.status;
}

static const MemOps flash_ops = { flash_read, flash_write, 1, 1 };

/* --- the device --------------------------------------------------------------------------- */

MemRegion *pflash_array(Device *dev)
{
    return &((Flash *)dev)->array;
}

uint64_t pflash_bytes(Device *dev)
{
    return ((Flash *)dev)->ram->size_bytes;
}

Device *pflash_new(Machine *m, const char *name, BlockDev *drive,
                   PhysAddr end, Error **errp)
{
    uint64_t bytes = blockdev_size_bytes(drive);
    if (!bytes || bytes % BLOCK_BYTES || bytes > PFLASH_MOST_BYTES) {
        error_set(errp, "%s: %" G_GUINT64_FORMAT " bytes is not a multiple of "
                  "4 KiB up to 16 MiB", name, bytes);
        return NULL;
    }
    Device *dev = device_create(m, &pflash_class);
    Flash *f = (Flash *)dev;
    f->drive = drive;
    f->ram = ram_block_new(m, name, bytes);
    /* Before it is bound: nothing is asked of the boundary while the machine is
     * built. Later errors of the host come through it. */
    int err = blockdev_read(drive, 0, f->ram->host, bytes);
    if (err) {
        error_set(errp, "%s: cannot be read: %s", name, g_strerror(-err));
        return NULL;
    }
    blockdev_bind(drive, m);
    mem_init_flash(&f->array, name, f->ram, &flash_ops, f);
    mem_add(&m->memory_root, end - bytes, &f->array, 1);
    mem_init_io(&f->registers, name, bytes, &flash_ops, f);
    mem_add(&m->memory_root, end - bytes, &f->registers, 2);
    mem_set_enabled(&f->registers, false);
    return dev;
}

static bool flash_realize(Device *dev, Error **errp)
{
    return true;
}

static void flash_reset(Device *dev)
{
    Flash *f = (Flash *)dev;
    if (f->ram) {
        show(f);
    }
}

const DeviceClass pflash_class = {
    .name = "cfi.pflash01",
    .desc = "flash memory",
    .category = "Storage",
    .size = sizeof(Flash),
    .state_offset = offsetof(Flash, s),
    .state = flash_state,
    .realize = flash_realize,
    .reset = flash_reset,
    .rewire = flash_reset,
};
