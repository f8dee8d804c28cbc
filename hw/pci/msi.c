/*
 * MSI with one message: an interrupt that is a write to memory.
 *
 * The capability lies in configuration space, so there is no other state. PCI
 * Local Bus Specification 3.0, 6.8.1.
 */
#include "base/bytes.h"
#include "base/log.h"
#include "pci-internal.h"

#define CAP_ID_MSI  0x05u
#define CAP_LEN     14u        /* 6.8.1: with a 64-bit address */
#define CAP_CONTROL 2u
#define CAP_ADDR    4u
#define CAP_DATA    12u

#define CONTROL_ENABLE 0x0001u /* 6.8.1.3 */
#define CONTROL_64     0x0080u

bool pci_msi_enabled(const PciFunction *f)
{
    return f->msi && (pci_config_16(f, f->msi + CAP_CONTROL) & CONTROL_ENABLE);
}

/* As with MSI-X, a message may be aimed at a register of the function itself:
 * the message that this would cause is lost. */
void pci_msi_send(PciFunction *f)
{
    if (!pci_msi_enabled(f)) {
        return;
    }
    if (f->msi_sending) {
        guest_error("%s: an MSI message caused another\n", f->dev.path);
        return;
    }
    if (!(pci_config_16(f, PCI_COMMAND) & PCI_COMMAND_MASTER)) {
        guest_error("%s: MSI without bus master enable\n", f->dev.path);
        return;
    }
    PhysAddr addr = bytes_ld_le64(f->s->config + f->msi + CAP_ADDR) & ~3ull;
    f->msi_sending = true;
    address_space_st(f->dev.machine->memory, addr,
                     pci_config_16(f, f->msi + CAP_DATA), 4);
    f->msi_sending = false;
}

void pci_msi_init(PciFunction *f, unsigned capability)
{
    f->msi = capability;
    bytes_st_le16(f->writable + capability + CAP_CONTROL, CONTROL_ENABLE);
    bytes_st_le64(f->writable + capability + CAP_ADDR, ~3ull);
    bytes_st_le16(f->writable + capability + CAP_DATA, 0xffff);
}

void pci_msi_reset(PciFunction *f)
{
    if (f->msi) {
        pci_capability_add(f, CAP_ID_MSI, f->msi, CAP_LEN);
        pci_config_set_16(f, f->msi + CAP_CONTROL, CONTROL_64);
    }
}

void pci_msi_written(PciFunction *f)
{
    if (pci_msi_enabled(f)) {
        pci_set_intx(f, false);
    }
}
