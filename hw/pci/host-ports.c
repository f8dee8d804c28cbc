/*
 * Configuration mechanism #1: an address at port cf8, data at cfc (PCI Local Bus
 * Specification 3.0, 3.2.2.3.2). See host-bridge.h.
 */
#include "host-bridge.h"

#define CONFIG_ENABLE 0x80000000u
#define CONFIG_BITS   0x80fffffcu

static uint32_t config_offset(const HostPorts *p, PhysAddr offset)
{
    return (*p->address & 0xfc) | (offset & 3);
}

static unsigned config_bdf(const HostPorts *p)
{
    return *p->address >> 8 & 0xffff;
}

static bool is_reset_port(const HostPorts *p, PhysAddr offset, unsigned size)
{
    return offset == 1 && size == 1 && p->reset_ops;
}

/* Only a dword access reaches the address. */
static uint64_t ports_read(void *opaque, PhysAddr offset, unsigned size)
{
    HostPorts *p = opaque;
    if (offset >= 4) {
        return *p->address & CONFIG_ENABLE
                   ? pci_config_read(p->bus, config_bdf(p),
                                     config_offset(p, offset), size)
                   : UINT32_MAX;
    }
    if (offset == 0 && size == 4) {
        return *p->address;
    }
    return is_reset_port(p, offset, size)
               ? p->reset_ops->read(p->reset_opaque, 0, 1)
               : UINT32_MAX;
}

static void ports_write(void *opaque, PhysAddr offset, uint64_t v,
                        unsigned size)
{
    HostPorts *p = opaque;
    if (offset >= 4) {
        if (*p->address & CONFIG_ENABLE) {
            pci_config_write(p->bus, config_bdf(p), config_offset(p, offset),
                             v, size);
        }
    } else if (offset == 0 && size == 4) {
        *p->address = v & CONFIG_BITS;
    } else if (is_reset_port(p, offset, size)) {
        p->reset_ops->write(p->reset_opaque, 0, v, 1);
    }
}

static const MemOps ports_ops = { ports_read, ports_write, 1, 4 };

void host_ports_init(HostPorts *p, Machine *m, PciBus *bus, uint32_t *address)
{
    p->bus = bus;
    p->address = address;
    mem_init_io(&p->region, "pci-config", 8, &ports_ops, p);
    mem_add(&m->io_root, 0xcf8, &p->region, 0);
}
