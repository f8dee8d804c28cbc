/*
 * The PCI Express capability. PCI Express Base Specification 2.0, 7.8.
 *
 * Links are always up, one lane wide at 2.5 GT/s, and nothing goes wrong on
 * them; slots have no hot-plug controller.
 */
#include "base/bytes.h"
#include "pci-internal.h"

#define CAP_ID_EXPRESS 0x10u
#define CAP_BYTES      60u

enum {
    EXP_FLAGS = 0x02,      /* 7.8.2 */
    EXP_DEVICE = 0x04,     /* capabilities; control and status follow */
    EXP_DEVICE_CONTROL = 0x08,
    EXP_DEVICE_STATUS = 0x0a,
    EXP_LINK = 0x0c,
    EXP_LINK_CONTROL = 0x10,
    EXP_LINK_STATUS = 0x12,
    EXP_SLOT = 0x14,
    EXP_SLOT_CONTROL = 0x18,
    EXP_SLOT_STATUS = 0x1a,
    EXP_ROOT_CONTROL = 0x1c,
    EXP_ROOT_STATUS = 0x20,
    EXP_DEVICE_CONTROL_2 = 0x28,
    EXP_LINK_2 = 0x2c,
    EXP_LINK_CONTROL_2 = 0x30,
};

#define FLAGS_VERSION     2u
#define FLAGS_SLOT        0x0100u
#define DEVICE_ROLE_BASED 0x8000u  /* error reporting, 7.8.3 */
#define DEVICE_DEFAULT    0x2010u  /* relaxed ordering, reads of 512 bytes */
#define LINK_X1_2_5       0x0011u
#define LINK_ACTIVE_CAP   0x00100000u /* link active reporting */
#define LINK_ACTIVE       0x2000u
#define SLOT_PRESENT      0x0040u  /* 7.8.11 */

/* 7.8.4, 7.8.7, 7.8.10, 7.8.12: what software may write, and what it clears. */
void pci_express_init(PciFunction *f, const PciExpress *express)
{
    uint8_t *w = f->writable + express->capability;
    uint8_t *c = f->clears + express->capability;

    f->express = *express;
    bytes_st_le16(w + EXP_DEVICE_CONTROL, 0x7fff);
    bytes_st_le16(c + EXP_DEVICE_STATUS, 0x000f);
    bytes_st_le16(w + EXP_LINK_CONTROL, 0x01fb & ~0x30u);
    bytes_st_le16(w + EXP_DEVICE_CONTROL_2, 0x001f);
    bytes_st_le16(w + EXP_LINK_CONTROL_2, 0x000f);
    if (express->kind == PCI_EXPRESS_ROOT_PORT) {
        bytes_st_le16(w + EXP_SLOT_CONTROL, 0x1fff);
        bytes_st_le16(c + EXP_SLOT_STATUS, 0x011f);
        bytes_st_le16(w + EXP_ROOT_CONTROL, 0x001f);
        bytes_st_le32(c + EXP_ROOT_STATUS, 0x00010000);
    }
}

static void port_reset(PciFunction *f, unsigned at)
{
    const PciExpress *x = &f->express;
    bool present = f->secondary && f->secondary->present->len;

    pci_config_set_32(f, at + EXP_LINK,
                      LINK_X1_2_5 | LINK_ACTIVE_CAP | x->port << 24);
    pci_config_set_16(f, at + EXP_LINK_STATUS,
                      LINK_X1_2_5 | (present ? LINK_ACTIVE : 0));
    pci_config_set_32(f, at + EXP_SLOT, x->slot << 19);
    pci_config_set_16(f, at + EXP_SLOT_STATUS, present ? SLOT_PRESENT : 0);
}

void pci_express_reset(PciFunction *f)
{
    const PciExpress *x = &f->express;
    unsigned at = x->capability;
    bool port = x->kind == PCI_EXPRESS_ROOT_PORT;

    if (!at) {
        return;
    }
    pci_capability_add(f, CAP_ID_EXPRESS, at, CAP_BYTES);
    pci_config_set_16(f, at + EXP_FLAGS, FLAGS_VERSION | x->kind << 4 |
                                             (port ? FLAGS_SLOT : 0));
    pci_config_set_32(f, at + EXP_DEVICE, DEVICE_ROLE_BASED);
    pci_config_set_16(f, at + EXP_DEVICE_CONTROL, DEVICE_DEFAULT);
    pci_config_set_32(f, at + EXP_LINK, LINK_X1_2_5);
    pci_config_set_16(f, at + EXP_LINK_STATUS, LINK_X1_2_5);
    pci_config_set_32(f, at + EXP_LINK_2, 1u << 1);
    if (port) {
        port_reset(f, at);
    }
}
