/*
 * Virtio over PCI, as a device class: its registers around any virtio device.
 *
 * Implemented by hw/virtio/pci.c; a file of a device (hw/virtio/blk.c) makes
 * its "virtio-NAME-pci" with VIRTIO_PCI_CLASS.
 */
#ifndef HW_VIRTIO_PCI_H
#define HW_VIRTIO_PCI_H

#include "hw/pci.h"
#include "hw/virtio.h"

/* What tells one from another; constant. */
typedef struct VirtioPciInfo {
    uint16_t type;         /* the virtio device's number, 5 */
    uint16_t class_code;   /* PCI's */
    const char *boot_path; /* PciFunction.boot_path */
    /* Vectors if the user does not say: for the device that is carried. */
    unsigned (*vectors)(const VirtioDevice *v);
    /* Where the inner device keeps its property bootindex; 0: it has none. */
    size_t boot_index_offset;
    /* PciInfo.boot_places, of the device that is carried. NULL: none. */
    void (*boot_places)(const VirtioDevice *v, PciBootFn *add, void *opaque);
} VirtioPciInfo;

extern const PropDef virtio_pci_props[];
const StateTable *virtio_pci_state(void);
bool virtio_pci_realize(Device *dev, const VirtioPciInfo *info,
                        Error **errp);
void virtio_pci_reset(Device *dev);
void virtio_pci_rewire(Device *dev);
void virtio_pci_unrealize(Device *dev);

/* The properties of all, with the default of romfile or NULL. */
#define VIRTIO_PCI_PROPS(rom)                                                 \
    PCI_PROPS(VirtioPci),                                                     \
    PCI_ROM_PROP(VirtioPci, rom),                                             \
    PROP(VirtioPci, vectors, "vectors", PROP_U32, "0xffffffff",               \
         "MSI-X vectors; 0: none"),                                           \
    PROP(VirtioPci, disable_legacy, "disable-legacy", PROP_STRING, "auto",    \
         "on: no registers for drivers of before version 1"),                 \
    PROP(VirtioPci, disable_modern, "disable-modern", PROP_BOOL, "off",       \
         "no registers of version 1")

/* Defines the DeviceClass `cls` called label, which carries inner_cls. */
#define VIRTIO_PCI_CLASS(cls, label, kind, inner_cls, pci_info)              \
    VIRTIO_PCI_CLASS_PROPS(cls, label, kind, inner_cls, pci_info,             \
                           virtio_pci_props)
#define VIRTIO_PCI_CLASS_PROPS(cls, label, kind, inner_cls, pci_info, table)  \
    static bool cls##_realize(Device *dev, Error **errp)                      \
    {                                                                         \
        return virtio_pci_realize(dev, &(pci_info), errp);                    \
    }                                                                         \
    const DeviceClass cls = {                                                 \
        .name = label,                                                        \
        .bus = "PCI",                                                         \
        .category = kind,                                                     \
        .user = true,                                                         \
        .size = sizeof(VirtioPci),                                            \
        .state_offset = offsetof(VirtioPci, s),                               \
        .state = virtio_pci_state,                                            \
        .props = table,                                            \
        .inner = &(inner_cls),                                                \
        .realize = cls##_realize,                                             \
        .reset = virtio_pci_reset,                                            \
        .rewire = virtio_pci_rewire,                                          \
        .unrealize = virtio_pci_unrealize,                                    \
    }

/* The device's own rows are its inner device's. */
#define VIRTIO_PCI_STATE(_)                                                   \
    PCI_FUNCTION_STATE(_)                                                     \
    PCI_MSIX_STATE(_)
STATE_STRUCT(VirtioPciState, VIRTIO_PCI_STATE);

typedef struct VirtioPci {
    PciFunction pci;
    VirtioPciState s;
    VirtioBus bus;
    const VirtioPciInfo *info;
    PciInfo pci_info;      /* depends on properties */
    PciMsix msix;
    uint32_t vectors;      /* properties */
    char *disable_legacy;
    bool disable_modern;
    MemRegion legacy, modern;
} VirtioPci;

#endif
