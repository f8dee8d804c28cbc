/*
 * Virtio: queues of buffers between a driver and a device, whatever lies
 * between the two.
 *
 * hw/virtio/virtio.c and queue*.c implement it. A device (hw/virtio/blk.c and
 * its like) has a struct that starts with VirtioDevice, a state list that starts
 * with VIRTIO_STATE and one VirtioInfo; it knows no registers. A transport
 * (hw/virtio/pci.c, mmio.c) has the registers, carries the device
 * (DeviceClass.inner) and is its VirtioBus. Section numbers here and there are
 * those of "Virtual I/O Device (VIRTIO) Version 1.2".
 *
 * A driver is not trusted. What breaks the rules of a ring ends in
 * virtio_break(): the device needs a reset, and touches nothing until then.
 * Buffers are RAM and nothing else, and a notification makes a device do a
 * bounded amount of work.
 */
#ifndef HW_VIRTIO_H
#define HW_VIRTIO_H

#include "base/bits.h"
#include "vm/device.h"
#include "vm/machine.h"

#define VIRTIO_QUEUES_MAX    64
#define VIRTIO_QUEUE_ENTRIES 1024   /* the largest ring */
#define VIRTIO_SEGMENTS_MAX  1024   /* of one buffer */
#define VIRTIO_CONFIG_MAX    256
#define VIRTIO_NO_VECTOR     0xffffu

/* Device status, 2.1. */
#define VIRTIO_ACKNOWLEDGE 0x01u
#define VIRTIO_DRIVER      0x02u
#define VIRTIO_DRIVER_OK   0x04u
#define VIRTIO_FEATURES_OK 0x08u
#define VIRTIO_NEEDS_RESET 0x40u
#define VIRTIO_FAILED      0x80u

/* Feature bits that belong to no device type, 6. */
#define VIRTIO_F_ANY_LAYOUT    BIT(27)
#define VIRTIO_F_INDIRECT_DESC BIT(28)
#define VIRTIO_F_EVENT_IDX     BIT(29)
#define VIRTIO_F_VERSION_1     BIT(32)
#define VIRTIO_F_RING_PACKED   BIT(34)

/* ISR status, 4.1.4.5: bits of what there was an interrupt for. */
#define VIRTIO_ISR_QUEUE  1u
#define VIRTIO_ISR_CONFIG 2u

typedef bool VirtioBools[VIRTIO_QUEUES_MAX];
typedef uint16_t VirtioU16s[VIRTIO_QUEUES_MAX];
typedef uint64_t VirtioU64s[VIRTIO_QUEUES_MAX];

/* The first rows of every virtio device. A position in a split ring is a free
 * running index; in a packed ring it is a place and a wrap counter. */
#define VIRTIO_STATE(_)                                                       \
    _(uint8_t, STATE_U8, status, 0, 1, "device status")                       \
    _(uint8_t, STATE_U8, isr, 0, 1, "interrupt status")                       \
    _(uint8_t, STATE_U8, generation, 0, 1, "configuration generation")        \
    _(bool, STATE_BOOL, legacy, 0, 1, "driven by the legacy interface")       \
    _(bool, STATE_BOOL, broken, 0, 1, "waits for a reset")                    \
    _(uint64_t, STATE_U64, driver_features, 0, 1, "features of the driver")   \
    _(uint32_t, STATE_U32, device_select, 0, 1, "which device features")      \
    _(uint32_t, STATE_U32, driver_select, 0, 1, "which driver features")      \
    _(uint16_t, STATE_U16, queue_select, 0, 1, "selected queue")              \
    _(uint16_t, STATE_U16, config_vector, VIRTIO_NO_VECTOR, 1,                \
      "interrupt vector of configuration changes")                            \
    _(VirtioU16s, STATE_U16, queue_vector, VIRTIO_NO_VECTOR, 1,               \
      "interrupt vector of each queue")                                       \
    _(VirtioU16s, STATE_U16, queue_size, 0, 1, "entries of each queue",       \
      STATE_IN(0, VIRTIO_QUEUE_ENTRIES))                                      \
    _(VirtioBools, STATE_BOOL, queue_enabled, 0, 1, "the queue is in use")    \
    _(VirtioU64s, STATE_U64, desc_area, 0, 1, "descriptor area")              \
    _(VirtioU64s, STATE_U64, driver_area, 0, 1, "driver area")                \
    _(VirtioU64s, STATE_U64, device_area, 0, 1, "device area")                \
    _(VirtioU16s, STATE_U16, avail_at, 0, 1, "next available entry")          \
    _(VirtioBools, STATE_BOOL, avail_wrap, 1, 1, "its wrap counter")          \
    _(VirtioU16s, STATE_U16, used_at, 0, 1, "next used entry")                \
    _(VirtioBools, STATE_BOOL, used_wrap, 1, 1, "its wrap counter")           \
    _(VirtioU16s, STATE_U16, untold, 0, 1,                                    \
      "entries used since the driver was last interrupted or looked at")

STATE_STRUCT(VirtioState, VIRTIO_STATE);

typedef struct VirtioDevice VirtioDevice;

/* A transport, as its device sees it. */
typedef struct VirtioBus {
    void *host;
    Device *owner;         /* whose id and path the user knows */
    VirtioDevice *device;  /* what is plugged in */
    /* An interrupt: isr says what for, vector is the driver's choice. */
    void (*interrupt)(void *host, uint8_t isr, uint16_t vector);
    /* Whether the device may reach memory. */
    bool (*can_dma)(void *host);
    /* The device was reset: interrupt lines fall. */
    void (*was_reset)(void *host);
} VirtioBus;

/* What a device type is; constant. */
typedef struct VirtioInfo {
    uint16_t type;         /* 5: the device's number */
    uint16_t config_bytes; /* of its configuration */
    /* Appends its features; those of section 6 are added by the core. */
    uint64_t (*features)(VirtioDevice *v);
    /* Fills in config[0, v->config_bytes), which is zeroed. */
    void (*get_config)(VirtioDevice *v, uint8_t *config);
    /* The driver wrote bytes [offset, offset + len) of it, which are in config
     * among what get_config() gave. NULL: it must not. */
    void (*set_config)(VirtioDevice *v, const uint8_t *config,
                       unsigned offset, unsigned len);
    /* There may be something in queue n. */
    void (*queue)(VirtioDevice *v, unsigned n);
    /* Beyond rows: timers. Also from the machine's reset. NULL: nothing. */
    void (*reset)(VirtioDevice *v);
    /* The driver is there (DRIVER_OK). NULL: who cares. */
    void (*started)(VirtioDevice *v);
} VirtioInfo;

/* Every virtio device struct starts with this. All of it is wiring. */
struct VirtioDevice {
    Device dev;
    const VirtioInfo *info;
    VirtioState *s;        /* the start of the device's state struct */
    VirtioBus *bus;
    unsigned queue_count;
    uint16_t queue_max[VIRTIO_QUEUES_MAX]; /* entries */
    unsigned config_bytes;
    uint64_t features;     /* offered by a device of version 1 */
    bool indirect_desc, event_idx, packed; /* properties */
    bool busy;             /* it is at work: a notification is its own doing */
};

/* Properties that every virtio device has. */
#define VIRTIO_PROPS(Type)                                                    \
    PROP(Type, v.indirect_desc, "indirect_desc", PROP_BOOL, "on",             \
         "offer indirect descriptors"),                                       \
    PROP(Type, v.event_idx, "event_idx", PROP_BOOL, "on",                     \
         "offer the event index"),                                            \
    PROP(Type, v.packed, "packed", PROP_BOOL, "off", "offer packed rings")

/* --- for devices ------------------------------------------------------------ */

/* From realize(): joins dev->bus, with so many queues of so many entries. */
bool virtio_realize(VirtioDevice *v, const VirtioInfo *info, unsigned queues,
                    unsigned entries, Error **errp);
/* The same for queues that differ: queue_count and queue_max are set. */
bool virtio_init(VirtioDevice *v, const VirtioInfo *info, Error **errp);
/* Whether a property that is the size of rings has a value that they can have,
 * and at least `least`. */
bool virtio_ring_size_good(const char *prop, uint32_t entries, uint32_t least,
                           Error **errp);
/* As hooks of the DeviceClass. */
void virtio_device_reset(Device *dev);
/* The name by which users know the device: id, or path of who carries it. */
const char *virtio_name(const VirtioDevice *v);
/* Whether the driver took a feature. */
bool virtio_has(const VirtioDevice *v, uint64_t feature);
/* Whether the driver has finished its set-up and may be given buffers. */
bool virtio_is_live(const VirtioDevice *v);
/* The driver broke a rule: the device needs a reset. */
void virtio_break(VirtioDevice *v, const char *fmt, ...)
    G_GNUC_PRINTF(2, 3);
/* The configuration has changed. */
void virtio_config_changed(VirtioDevice *v);

typedef struct VirtioSegment {
    PhysAddr addr;
    uint32_t len;
} VirtioSegment;

/* A buffer that the driver made available: segments to be read, then segments
 * to be written. */
typedef struct VirtioBuffer {
    uint16_t queue;
    uint16_t id;           /* by which it is returned */
    uint16_t entries;      /* of the ring that it takes */
    uint16_t out_count, in_count;
    uint64_t out_bytes, in_bytes;
    VirtioSegment segment[VIRTIO_SEGMENTS_MAX];
} VirtioBuffer;

/* Takes the next buffer; false: there is none, or the device is broken. */
bool virtio_pop(VirtioDevice *v, unsigned queue, VirtioBuffer *b);
/* Gives the latest buffers back to the queue, as if they had not been taken:
 * so many, with so many ring entries in all. */
void virtio_unpop(VirtioDevice *v, unsigned queue, unsigned buffers,
                  unsigned entries);
/* Returns a buffer, into which `written` bytes were put. */
void virtio_push(VirtioDevice *v, unsigned queue, uint16_t id,
                 uint16_t entries, uint32_t written);
/* Interrupts for what was pushed, if the driver wants that. */
void virtio_interrupt(VirtioDevice *v, unsigned queue);
/* Whether there is a buffer to take. */
bool virtio_has_buffer(VirtioDevice *v, unsigned queue);
/* How many buffers there may be to take (split), or whether there is one
 * (packed). Looks and changes nothing, whatever the driver has put there: who
 * asks need not be the guest. */
unsigned virtio_peek(VirtioDevice *v, unsigned queue);

/* Bytes of a buffer's readable or writable part, from offset on; what is
 * beyond its end is left out. The number of bytes moved. */
size_t virtio_read(VirtioDevice *v, const VirtioBuffer *b, uint64_t offset,
                   void *to, size_t len);
size_t virtio_write(VirtioDevice *v, const VirtioBuffer *b, uint64_t offset,
                    const void *from, size_t len);
/* Guest memory: RAM. False (and broken) if some of it is not. */
bool virtio_load(VirtioDevice *v, PhysAddr addr, void *to, uint64_t len);
bool virtio_store(VirtioDevice *v, PhysAddr addr, const void *from,
                  uint64_t len);

/* --- for transports --------------------------------------------------------- */

/* The features that the device offers to such a driver. */
uint64_t virtio_offered(const VirtioDevice *v);
void virtio_set_driver_features(VirtioDevice *v, uint64_t features);
/* What the driver writes to device status; 0 is a reset. */
void virtio_set_status(VirtioDevice *v, uint8_t status);
void virtio_reset(VirtioDevice *v);
/* The selected queue, or -1. */
int virtio_selected(const VirtioDevice *v);
/* Puts a queue to use; a size or address that cannot be breaks the device. */
void virtio_queue_enable(VirtioDevice *v, unsigned queue);
void virtio_queue_notify(VirtioDevice *v, unsigned queue);
/* Accesses of 1, 2, 4 (8) bytes to the device's configuration. */
uint64_t virtio_config_read(VirtioDevice *v, unsigned offset, unsigned size);
void virtio_config_write(VirtioDevice *v, unsigned offset, uint64_t value,
                         unsigned size);

#endif
