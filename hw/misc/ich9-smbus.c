/*
 * The ICH9's SMBus host controller, D31:F3, on a bus without devices: who is
 * addressed does not answer. Intel ICH9 Family Datasheet, chapter 19.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "hw/q35.h"

enum { CFG_HOSTC = 0x40 };         /* 19.1.16 */
#define HOSTC_ENABLE 0x01u
#define HOSTC_BITS   0x1fu

/* At the BAR, 19.2. */
enum {
    SMB_STATUS = 0x00,
    SMB_CONTROL = 0x02,
    SMB_COMMAND = 0x03,
    SMB_ADDRESS = 0x04,
    SMB_DATA0 = 0x05,
    SMB_DATA1 = 0x06,
    SMB_BLOCK = 0x07,
    SMB_PEC = 0x08,
    SMB_AUX_STATUS = 0x0c,
    SMB_AUX_CONTROL = 0x0d,
    SMB_PINS = 0x0f,
    SMB_SLAVE_STATUS = 0x10,
    SMB_PORTS = 0x40,
};

#define STATUS_INTR    0x02u
#define STATUS_DEV_ERR 0x04u
#define STATUS_INUSE   0x40u       /* a semaphore: set by reading */
#define STATUS_CLEARS  0xfeu

#define CONTROL_INTREN 0x01u
#define CONTROL_KILL   0x02u
#define CONTROL_START  0x40u
#define CONTROL_BITS   0xbfu       /* that can be read back */

#define AUX_CONTROL_BITS 0x03u
#define AUX_CLEARS       0x03u
#define PINS_IDLE        0x07u     /* clock and data are high */

#define SMBUS_BLOCK_BYTES 32u

typedef uint8_t SmbusRegisters[SMB_SLAVE_STATUS];
typedef uint8_t SmbusBlock[SMBUS_BLOCK_BYTES];

#define SMBUS_STATE(_)                                                        \
    PCI_FUNCTION_STATE(_)                                                     \
    _(SmbusRegisters, STATE_U8, registers, 0, 1, "host registers")            \
    _(SmbusBlock, STATE_U8, block, 0, 1, "buffer of a block")                 \
    _(uint8_t, STATE_U8, block_at, 0, 1, "next byte of it",                   \
      STATE_IN(0, SMBUS_BLOCK_BYTES - 1))

STATE_STRUCT(SmbusState, SMBUS_STATE);
static STATE_TABLE(smbus_state, "ICH9-SMB", 1, SmbusState, SMBUS_STATE)

typedef struct Smbus {
    PciFunction pci;
    SmbusState s;
    MemRegion io;
} Smbus;

static void update(Smbus *b)
{
    uint8_t events = STATUS_INTR | STATUS_DEV_ERR;
    pci_set_intx(&b->pci, (b->s.registers[SMB_CONTROL] & CONTROL_INTREN) &&
                              (b->s.registers[SMB_STATUS] & events));
}

/* 19.2.10: reading the control register goes back to the start of the buffer. */
static uint8_t block_next(Smbus *b)
{
    uint8_t at = b->s.block_at;
    b->s.block_at = (at + 1) % SMBUS_BLOCK_BYTES;
    return at;
}

static uint64_t smbus_read(void *opaque, PhysAddr at, unsigned size)
{
    Smbus *b = opaque;
    uint8_t *reg = b->s.registers, v;

    switch (at) {
    case SMB_STATUS:
        v = reg[SMB_STATUS];
        reg[SMB_STATUS] |= STATUS_INUSE;
        return v;
    case SMB_CONTROL:
        b->s.block_at = 0;
        return reg[SMB_CONTROL];
    case SMB_BLOCK:
        return b->s.block[block_next(b)];
    case SMB_PINS:
        return PINS_IDLE;
    }
    return at < sizeof(SmbusRegisters) ? reg[at] : 0;
}

/* Nobody acknowledges the address. */
static void write_control(Smbus *b, uint8_t v)
{
    uint8_t *reg = b->s.registers;

    reg[SMB_CONTROL] = v & CONTROL_BITS;
    bool enabled = b->s.config[CFG_HOSTC] & HOSTC_ENABLE;
    if (enabled && (v & CONTROL_START) && !(v & CONTROL_KILL)) {
        reg[SMB_STATUS] |= STATUS_DEV_ERR;
    }
}

static void smbus_write(void *opaque, PhysAddr at, uint64_t v, unsigned size)
{
    Smbus *b = opaque;
    uint8_t *reg = b->s.registers;

    switch (at) {
    case SMB_STATUS:
        reg[SMB_STATUS] &= ~(v & STATUS_CLEARS);
        break;
    case SMB_CONTROL:
        write_control(b, v);
        break;
    case SMB_BLOCK:
        b->s.block[block_next(b)] = v;
        break;
    case SMB_AUX_STATUS:
        reg[at] &= ~(v & AUX_CLEARS);
        break;
    case SMB_AUX_CONTROL:
        reg[at] = v & AUX_CONTROL_BITS;
        break;
    case SMB_COMMAND:
    case SMB_ADDRESS:
    case SMB_DATA0:
    case SMB_DATA1:
    case SMB_PEC:
        reg[at] = v;
        break;
    }
    update(b);
}

static const MemOps smbus_ops = { smbus_read, smbus_write, 1, 1 };

/* --- the function -----------------------------------------------------------------*/

static void smbus_config_reset(PciFunction *f)
{
    pci_config_set_16(f, PCI_STATUS, 0x0280);
}

static const PciInfo smbus_info = {
    .vendor = 0x8086,
    .device = 0x2930,
    .class_code = 0x0c05,
    .revision = 2,
    .interrupt_pin = 1,
    .config_reset = smbus_config_reset,
};

static bool smbus_realize(Device *dev, Error **errp)
{
    Smbus *b = (Smbus *)dev;

    if (!pci_function_init(&b->pci, &smbus_info, PCI_DEVFN(31, 3), errp)) {
        return false;
    }
    b->pci.writable[CFG_HOSTC] = HOSTC_BITS;
    mem_init_io(&b->io, "pm-smbus", SMB_PORTS, &smbus_ops, b);
    pci_bar_init(&b->pci, 4, PCI_BAR_IO, &b->io);
    return true;
}

const DeviceClass ich9_smbus_class = {
    .name = "ICH9-SMB",
    .desc = "ICH9 SMBus host controller",
    .bus = "PCI",
    .category = "Controller/Bridge",
    .size = sizeof(Smbus),
    .state_offset = offsetof(Smbus, s),
    .state = smbus_state,
    .realize = smbus_realize,
    .reset = pci_device_reset,
    .rewire = pci_device_rewire,
    .unrealize = pci_device_unrealize,
};
