/*
 * Virtio over PCI, 4.1: the registers of the modern interface, found through
 * capabilities, and those of the legacy interface (4.1.4.10) at the first BAR;
 * a device that has both is transitional.
 */
#include "base/bytes.h"
#include "base/log.h"
#include "hw/virtio-pci.h"

#define VENDOR            0x1af4u
#define DEVICE_MODERN     0x1040u  /* and the type, 4.1.2 */
#define DEVICE_LEGACY_MAX 9u

/* BARs. */
enum { BAR_LEGACY = 0, BAR_MSIX = 1, BAR_MODERN = 4 };

/* The modern BAR: a page for each structure, and a notification register of
 * four bytes for each queue. */
#define PART_BYTES    0x1000u
#define NOTIFY_STRIDE 4u
enum { PART_COMMON, PART_ISR, PART_DEVICE, PART_NOTIFY, PART_COUNT };

/* 4.1.4: the vendor capabilities and their cfg_type. */
enum {
    CAP_ID_VENDOR = 9,
    CAP_COMMON = 0x40,
    CAP_ISR = 0x50,
    CAP_DEVICE = 0x60,
    CAP_NOTIFY = 0x70,     /* 20 bytes */
    CAP_WINDOW = 0x84,     /* 20 bytes */
    CAP_MSIX = 0x98,
    CAP_EXPRESS = 0xa4,    /* 60 bytes */
    CAP_BYTES = 16,
    CAP_LONG_BYTES = 20,
};
enum { CFG_COMMON = 1, CFG_NOTIFY, CFG_ISR, CFG_DEVICE, CFG_WINDOW };

/* Fields of a capability. */
enum { CAP_TYPE = 3, CAP_BAR = 4, CAP_OFFSET = 8, CAP_LENGTH = 12,
       CAP_EXTRA = 16 };

/* 4.1.4.3: the common configuration structure. */
enum {
    COMMON_DEVICE_SELECT = 0x00,
    COMMON_DEVICE_FEATURE = 0x04,
    COMMON_DRIVER_SELECT = 0x08,
    COMMON_DRIVER_FEATURE = 0x0c,
    COMMON_CONFIG_VECTOR = 0x10,
    COMMON_QUEUES = 0x12,
    COMMON_STATUS = 0x14,
    COMMON_GENERATION = 0x15,
    COMMON_QUEUE_SELECT = 0x16,
    COMMON_QUEUE_SIZE = 0x18,
    COMMON_QUEUE_VECTOR = 0x1a,
    COMMON_QUEUE_ENABLE = 0x1c,
    COMMON_QUEUE_NOTIFY_OFF = 0x1e,
    COMMON_QUEUE_DESC = 0x20,
    COMMON_QUEUE_DRIVER = 0x28,
    COMMON_QUEUE_DEVICE = 0x30,
    COMMON_BYTES = 0x38,
};

/* 4.1.4.10: the legacy header; the vectors are there while MSI-X is on. */
enum {
    LEGACY_DEVICE_FEATURES = 0x00,
    LEGACY_DRIVER_FEATURES = 0x04,
    LEGACY_QUEUE_PAGE = 0x08,
    LEGACY_QUEUE_SIZE = 0x0c,
    LEGACY_QUEUE_SELECT = 0x0e,
    LEGACY_QUEUE_NOTIFY = 0x10,
    LEGACY_STATUS = 0x12,
    LEGACY_ISR = 0x13,
    LEGACY_CONFIG_VECTOR = 0x14,
    LEGACY_QUEUE_VECTOR = 0x16,
    LEGACY_BYTES = 0x18,
};
#define LEGACY_PAGE_BITS 12
#define LEGACY_ALIGN     4096u

static VirtioDevice *device_of(const VirtioPci *p)
{
    return p->bus.device;
}

/* The first access after a reset says which kind of driver this is. */
static VirtioState *driven(VirtioPci *p, bool legacy)
{
    VirtioState *s = device_of(p)->s;
    if (!s->status) {
        s->legacy = legacy;
    }
    return s;
}

/* --- interrupts ------------------------------------------------------------------*/

static void pci_interrupt(void *host, uint8_t isr, uint16_t vector)
{
    VirtioPci *p = host;

    if (pci_msix_enabled(&p->pci)) {
        pci_msix_send(&p->pci, vector);
        return;
    }
    device_of(p)->s->isr |= isr;
    pci_set_intx(&p->pci, true);
}

static bool pci_can_dma(void *host)
{
    const VirtioPci *p = host;
    return pci_config_16(&p->pci, PCI_COMMAND) & PCI_COMMAND_MASTER;
}

static void pci_was_reset(void *host)
{
    VirtioPci *p = host;
    pci_set_intx(&p->pci, false);
}

/* 4.1.4.5: reading it is the acknowledgement. */
static uint8_t isr_take(VirtioPci *p)
{
    VirtioState *s = device_of(p)->s;
    uint8_t isr = s->isr;
    s->isr = 0;
    pci_set_intx(&p->pci, false);
    return isr;
}

/* 4.1.5.1.2: a vector that the device does not have reads back as none. */
static uint16_t good_vector(const VirtioPci *p, uint16_t vector)
{
    return vector < p->msix.vectors ? vector : VIRTIO_NO_VECTOR;
}

/* --- the common configuration -------------------------------------------------------*/

static uint32_t features_word(uint64_t features, uint32_t select)
{
    return select < 2 ? features >> (32 * select) : 0;
}

static uint64_t queue_read(const VirtioDevice *v, unsigned at)
{
    const VirtioState *s = v->s;
    int q = virtio_selected(v);

    if (q < 0) {
        return at == COMMON_QUEUE_VECTOR ? VIRTIO_NO_VECTOR : 0;
    }
    switch (at) {
    case COMMON_QUEUE_SIZE:
        return s->queue_size[q];
    case COMMON_QUEUE_VECTOR:
        return s->queue_vector[q];
    case COMMON_QUEUE_ENABLE:
        return s->queue_enabled[q];
    case COMMON_QUEUE_NOTIFY_OFF:
        return q;
    case COMMON_QUEUE_DESC:
        return s->desc_area[q];
    case COMMON_QUEUE_DRIVER:
        return s->driver_area[q];
    case COMMON_QUEUE_DEVICE:
        return s->device_area[q];
    }
    return 0;
}

static uint32_t common_field(const VirtioDevice *v, unsigned at)
{
    const VirtioState *s = v->s;

    switch (at) {
    case COMMON_DEVICE_SELECT:
        return s->device_select;
    case COMMON_DEVICE_FEATURE:
        return features_word(virtio_offered(v), s->device_select);
    case COMMON_DRIVER_SELECT:
        return s->driver_select;
    case COMMON_DRIVER_FEATURE:
        return features_word(s->driver_features, s->driver_select);
    case COMMON_CONFIG_VECTOR:
        return s->config_vector;
    case COMMON_QUEUES:
        return v->queue_count;
    case COMMON_STATUS:
        return s->status;
    case COMMON_GENERATION:
        return s->generation;
    case COMMON_QUEUE_SELECT:
        return s->queue_select;
    }
    if (at >= COMMON_QUEUE_DESC) {
        return queue_read(v, at & ~7u) >> (at & 4 ? 32 : 0);
    }
    return queue_read(v, at);
}

static uint32_t common_read(VirtioPci *p, unsigned at)
{
    driven(p, false);
    return at < COMMON_BYTES ? common_field(device_of(p), at) : 0;
}

static void queue_write(VirtioPci *p, int q, unsigned at, uint32_t value)
{
    VirtioDevice *v = device_of(p);
    VirtioState *s = v->s;
    uint64_t *area[] = { s->desc_area, s->driver_area, s->device_area };

    if (at == COMMON_QUEUE_VECTOR) {
        s->queue_vector[q] = good_vector(p, value);
    } else if (s->queue_enabled[q]) {
        guest_error("%s: queue %d is in use\n", virtio_name(v), q);
    } else if (at == COMMON_QUEUE_SIZE) {
        s->queue_size[q] = MIN(value, v->queue_max[q]);
    } else if (at == COMMON_QUEUE_ENABLE) {
        if (value == 1) {
            virtio_queue_enable(v, q);
        }
    } else if (at >= COMMON_QUEUE_DESC) {
        uint64_t *word = &area[(at - COMMON_QUEUE_DESC) / 8][q];
        *word = bits_deposit(*word, at & 4 ? 32 : 0, 32, value);
    }
}

static void driver_features_write(VirtioDevice *v, uint32_t value)
{
    VirtioState *s = v->s;

    if (s->driver_select < 2) {
        virtio_set_driver_features(
            v, bits_deposit(s->driver_features, 32 * s->driver_select, 32,
                            value));
    } else if (value) {
        guest_error("%s: features beyond 64\n", virtio_name(v));
    }
}

static void common_write(VirtioPci *p, unsigned at, uint32_t value)
{
    VirtioDevice *v = device_of(p);
    VirtioState *s = driven(p, false);

    switch (at) {
    case COMMON_DEVICE_SELECT:
        s->device_select = value;
        return;
    case COMMON_DRIVER_SELECT:
        s->driver_select = value;
        return;
    case COMMON_DRIVER_FEATURE:
        driver_features_write(v, value);
        return;
    case COMMON_CONFIG_VECTOR:
        s->config_vector = good_vector(p, value);
        return;
    case COMMON_STATUS:
        virtio_set_status(v, value);
        return;
    case COMMON_QUEUE_SELECT:
        s->queue_select = value;
        return;
    }
    int q = virtio_selected(v);
    if (q >= 0 && at >= COMMON_QUEUE_SIZE && at < COMMON_BYTES) {
        queue_write(p, q, at, value);
    }
}

/* --- the modern BAR --------------------------------------------------------------------*/

static uint64_t modern_read(void *opaque, PhysAddr offset, unsigned size)
{
    VirtioPci *p = opaque;
    unsigned at = offset % PART_BYTES;

    switch (offset / PART_BYTES) {
    case PART_COMMON:
        return common_read(p, at);
    case PART_ISR:
        return at ? 0 : isr_take(p);
    case PART_DEVICE:
        return virtio_config_read(device_of(p), at, size);
    }
    return 0;
}

/* 4.1.5.2: the lower half word is the queue's number. */
static void modern_write(void *opaque, PhysAddr offset, uint64_t value,
                         unsigned size)
{
    VirtioPci *p = opaque;
    unsigned at = offset % PART_BYTES;

    switch (offset / PART_BYTES) {
    case PART_COMMON:
        common_write(p, at, value);
        break;
    case PART_DEVICE:
        virtio_config_write(device_of(p), at, value, size);
        break;
    case PART_NOTIFY:
        virtio_queue_notify(device_of(p), at / NOTIFY_STRIDE);
        break;
    }
}

static const MemOps modern_ops = { modern_read, modern_write, 1, 4 };

/* --- the legacy BAR ------------------------------------------------------------------------*/

/* 2.7.2: the three parts of a legacy ring, from its first page on. */
static void legacy_ring(VirtioDevice *v, int q, uint32_t page)
{
    VirtioState *s = v->s;
    uint64_t base = (uint64_t)page << LEGACY_PAGE_BITS;
    uint64_t avail = base + 16 * (uint64_t)v->queue_max[q];

    s->queue_enabled[q] = false;
    s->queue_size[q] = v->queue_max[q];
    s->avail_at[q] = s->used_at[q] = s->untold[q] = 0;
    s->desc_area[q] = base;
    s->driver_area[q] = avail;
    s->device_area[q] =
        bits_align_up(avail + 6 + 2 * (uint64_t)v->queue_max[q], LEGACY_ALIGN);
    if (page) {
        virtio_queue_enable(v, q);
    }
}

/* Where the device's configuration begins. */
static unsigned legacy_header(const VirtioPci *p)
{
    return pci_msix_enabled(&p->pci) ? LEGACY_BYTES : LEGACY_CONFIG_VECTOR;
}

static uint32_t legacy_field(VirtioPci *p, unsigned at)
{
    VirtioDevice *v = device_of(p);
    VirtioState *s = v->s;
    int q = virtio_selected(v);

    switch (at) {
    case LEGACY_DEVICE_FEATURES:
        return virtio_offered(v);
    case LEGACY_DRIVER_FEATURES:
        return s->driver_features;
    case LEGACY_QUEUE_PAGE:
        return q >= 0 ? s->desc_area[q] >> LEGACY_PAGE_BITS : 0;
    case LEGACY_QUEUE_SIZE:
        return q >= 0 ? v->queue_max[q] : 0;
    case LEGACY_QUEUE_SELECT:
        return s->queue_select;
    case LEGACY_STATUS:
        return s->status;
    case LEGACY_ISR:
        return isr_take(p);
    case LEGACY_CONFIG_VECTOR:
        return s->config_vector;
    case LEGACY_QUEUE_VECTOR:
        return q >= 0 ? s->queue_vector[q] : VIRTIO_NO_VECTOR;
    }
    return 0;
}

static uint64_t legacy_read(void *opaque, PhysAddr offset, unsigned size)
{
    VirtioPci *p = opaque;

    driven(p, true);
    if (offset >= legacy_header(p)) {
        return virtio_config_read(device_of(p), offset - legacy_header(p),
                                  size);
    }
    return legacy_field(p, offset);
}

static void legacy_field_write(VirtioPci *p, unsigned at, uint32_t value)
{
    VirtioDevice *v = device_of(p);
    VirtioState *s = v->s;
    int q = virtio_selected(v);

    switch (at) {
    case LEGACY_DRIVER_FEATURES:
        virtio_set_driver_features(v, value);
        break;
    case LEGACY_QUEUE_PAGE:
        if (q >= 0) {
            legacy_ring(v, q, value);
        }
        break;
    case LEGACY_QUEUE_SELECT:
        s->queue_select = value;
        break;
    case LEGACY_QUEUE_NOTIFY:
        virtio_queue_notify(v, value);
        break;
    case LEGACY_STATUS:
        virtio_set_status(v, value);
        break;
    case LEGACY_CONFIG_VECTOR:
        s->config_vector = good_vector(p, value);
        break;
    case LEGACY_QUEUE_VECTOR:
        if (q >= 0) {
            s->queue_vector[q] = good_vector(p, value);
        }
        break;
    }
}

static void legacy_write(void *opaque, PhysAddr offset, uint64_t value,
                         unsigned size)
{
    VirtioPci *p = opaque;

    driven(p, true);
    if (offset >= legacy_header(p)) {
        virtio_config_write(device_of(p), offset - legacy_header(p), value,
                            size);
    } else {
        legacy_field_write(p, offset, value);
    }
}

static const MemOps legacy_ops = { legacy_read, legacy_write, 1, 4 };

/* --- capabilities, 4.1.4 ----------------------------------------------------------------------*/

static void capability(PciFunction *f, unsigned at, unsigned type,
                       unsigned part)
{
    bool is_long = type == CFG_NOTIFY || type == CFG_WINDOW;

    pci_capability_add(f, CAP_ID_VENDOR, at,
                       is_long ? CAP_LONG_BYTES : CAP_BYTES);
    f->s->config[at + 2] = is_long ? CAP_LONG_BYTES : CAP_BYTES;
    f->s->config[at + CAP_TYPE] = type;
    if (type != CFG_WINDOW) {
        f->s->config[at + CAP_BAR] = BAR_MODERN;
        pci_config_set_32(f, at + CAP_OFFSET, part * PART_BYTES);
        pci_config_set_32(f, at + CAP_LENGTH, PART_BYTES);
    }
    if (type == CFG_NOTIFY) {
        pci_config_set_32(f, at + CAP_EXTRA, NOTIFY_STRIDE);
    }
}

static void config_reset(PciFunction *f)
{
    const VirtioPci *p = container_of(f, VirtioPci, pci);

    if (p->disable_modern) {
        return;
    }
    capability(f, CAP_COMMON, CFG_COMMON, PART_COMMON);
    capability(f, CAP_ISR, CFG_ISR, PART_ISR);
    capability(f, CAP_DEVICE, CFG_DEVICE, PART_DEVICE);
    capability(f, CAP_NOTIFY, CFG_NOTIFY, PART_NOTIFY);
    capability(f, CAP_WINDOW, CFG_WINDOW, 0);
}

/* 4.1.4.9: where the window in configuration space leads; false: nowhere. */
static bool window(const VirtioPci *p, unsigned *at, unsigned *len)
{
    const PciFunction *f = &p->pci;

    *at = pci_config_32(f, CAP_WINDOW + CAP_OFFSET);
    *len = pci_config_32(f, CAP_WINDOW + CAP_LENGTH);
    return f->s->config[CAP_WINDOW + CAP_BAR] == BAR_MODERN &&
           (*len == 1 || *len == 2 || *len == 4) && *at % *len == 0 &&
           *at < PART_COUNT * PART_BYTES;
}

static bool is_window_data(const VirtioPci *p, unsigned offset, unsigned len)
{
    unsigned data = CAP_WINDOW + CAP_EXTRA;
    return !p->disable_modern && offset < data + 4 && data < offset + len;
}

static void config_reading(PciFunction *f, unsigned offset, unsigned len)
{
    VirtioPci *p = container_of(f, VirtioPci, pci);
    unsigned at, bytes;

    if (is_window_data(p, offset, len) && window(p, &at, &bytes)) {
        bytes_st_le(f->s->config + CAP_WINDOW + CAP_EXTRA, bytes,
                    modern_read(p, at, bytes));
    }
}

/* Without bus mastering a device is as if it had no buffers; with it, what
 * waits is looked at when the driver notifies. */
static void config_written(PciFunction *f, unsigned offset, unsigned len)
{
    VirtioPci *p = container_of(f, VirtioPci, pci);
    unsigned at, bytes;

    if (is_window_data(p, offset, len) && window(p, &at, &bytes)) {
        modern_write(p, at,
                     bytes_ld_le(f->s->config + CAP_WINDOW + CAP_EXTRA, bytes),
                     bytes);
    }
}

/* --- life -----------------------------------------------------------------------------------------*/

STATE_TABLE(virtio_pci_state, "virtio-pci", 1, VirtioPciState,
            VIRTIO_PCI_STATE)

#define VECTORS_AUTO UINT32_MAX

const PropDef virtio_pci_props[] = { VIRTIO_PCI_PROPS(NULL), PROP_END };

/* 4.1.2.3: types that were there before version 1 have transitional numbers. */
static uint16_t transitional_id(uint16_t type)
{
    static const uint16_t id[DEVICE_LEGACY_MAX + 1] = {
        [1] = 0x1000, [2] = 0x1001, [3] = 0x1003, [4] = 0x1005,
        [5] = 0x1002, [8] = 0x1004, [9] = 0x1009,
    };
    return type <= DEVICE_LEGACY_MAX ? id[type] : 0;
}

/* Behind a port of PCI Express there are no ports of legacy devices, unless the
 * user asks for them, and the device says that it has a link. */
static bool has_link(const VirtioPci *p)
{
    return p->pci.dev.bus && pci_bus_is_link(p->pci.dev.bus);
}

static bool parse_legacy(const VirtioPci *p, bool *legacy, Error **errp)
{
    const char *word = p->disable_legacy;
    bool on = !strcmp(word, "on") || !strcmp(word, "true");
    bool off = !strcmp(word, "off") || !strcmp(word, "false");
    bool can = transitional_id(p->info->type);

    if (!on && !off && strcmp(word, "auto")) {
        error_set(errp, "Property '%s.disable-legacy' doesn't take value '%s'",
                  p->pci.dev.cls->name, word);
        return false;
    }
    *legacy = !on && can && (off || !has_link(p));
    if (!*legacy && p->disable_modern) {
        error_set(errp, "device cannot work as neither modern nor legacy mode "
                  "is enabled");
        return false;
    }
    if (off && !can) {
        error_set(errp, "there is no legacy device of this type");
        return false;
    }
    return true;
}

static void boot_places(const PciFunction *f, PciBootFn *add, void *opaque)
{
    const VirtioPci *p = container_of(f, VirtioPci, pci);
    p->info->boot_places(device_of(p), add, opaque);
}

static void describe(VirtioPci *p, bool legacy)
{
    uint16_t type = p->info->type;

    p->pci_info = (PciInfo){
        .vendor = VENDOR,
        .device = legacy ? transitional_id(type) : DEVICE_MODERN + type,
        .subsystem_vendor = VENDOR,
        .subsystem_device = legacy ? type : 0x1100,
        .class_code = p->info->class_code,
        .revision = legacy ? 0 : 1,
        .interrupt_pin = 1,
        .config_reset = config_reset,
        .config_reading = config_reading,
        .config_written = config_written,
    };
}

static void add_modern(VirtioPci *p)
{
    PciFunction *f = &p->pci;
    unsigned window = CAP_WINDOW;

    mem_init_io(&p->modern, "virtio-pci", PART_COUNT * PART_BYTES,
                &modern_ops, p);
    pci_bar_init(f, BAR_MODERN, PCI_BAR_MEM64 | PCI_BAR_PREFETCH, &p->modern);
    f->writable[window + CAP_BAR] = 0xff;
    memset(f->writable + window + CAP_OFFSET, 0xff, 12);
}

static void add_legacy(VirtioPci *p)
{
    unsigned bytes = LEGACY_BYTES + device_of(p)->config_bytes, size = 32;

    while (size < bytes) {
        size *= 2;
    }
    mem_init_io(&p->legacy, "virtio-pci-legacy", size, &legacy_ops, p);
    pci_bar_init(&p->pci, BAR_LEGACY, PCI_BAR_IO, &p->legacy);
}

static bool add_msix(VirtioPci *p, Error **errp)
{
    unsigned vectors = p->vectors == VECTORS_AUTO
                           ? p->info->vectors(device_of(p)) : p->vectors;

    if (vectors > PCI_MSIX_MAX) {
        error_set(errp, "at most %u vectors", PCI_MSIX_MAX);
        return false;
    }
    p->vectors = vectors;
    PciMsixSetup setup = { .vectors = vectors,
                           .bar = BAR_MSIX,
                           .capability = CAP_MSIX,
                           .table = p->s.msix_table,
                           .pending = p->s.msix_pending };
    pci_msix_init(&p->pci, &p->msix, &setup);
    return true;
}

static void add_boot_place(VirtioPci *p)
{
    p->pci_info.boot_places = p->info->boot_places ? boot_places : NULL;
    if (p->info->boot_index_offset) {
        p->pci.boot_path = p->info->boot_path;
        p->pci.boot_index = (const uint32_t *)((const char *)p->pci.dev.inner +
                                               p->info->boot_index_offset);
    }
}

bool virtio_pci_realize(Device *dev, const VirtioPciInfo *info, Error **errp)
{
    VirtioPci *p = (VirtioPci *)dev;
    bool legacy;

    p->info = info;
    p->bus = (VirtioBus){ .host = p,
                          .owner = dev,
                          .interrupt = pci_interrupt,
                          .can_dma = pci_can_dma,
                          .was_reset = pci_was_reset };
    dev->inner->bus = &p->bus;
    if (!parse_legacy(p, &legacy, errp) ||
        !device_realize(dev->inner, errp)) {
        return false;
    }
    describe(p, legacy);
    add_boot_place(p);
    if (!pci_function_init(&p->pci, &p->pci_info, PCI_ADDR_AUTO, errp) ||
        !add_msix(p, errp)) {
        return false;
    }
    if (has_link(p)) {
        pci_express_init(&p->pci, &(PciExpress){ .capability = CAP_EXPRESS });
    }
    if (legacy) {
        add_legacy(p);
    }
    if (!p->disable_modern) {
        add_modern(p);
    }
    return true;
}

void virtio_pci_reset(Device *dev)
{
    pci_device_reset(dev);
}

void virtio_pci_rewire(Device *dev)
{
    pci_device_rewire(dev);
}

void virtio_pci_unrealize(Device *dev)
{
    pci_device_unrealize(dev);
}
