/*
 * -kernel on Arm boards: a Linux Image (Documentation/arch/arm64/booting.rst),
 * or anything else, which is taken for the first bytes that run.
 */
#include <string.h>

#include "base/bytes.h"
#include "virt.h"
#include "vm/machine.h"

#define IMAGE_MAGIC    0x644d5241u /* "ARM\x64" */
#define IMAGE_HEADER   64u
#define FDT_ALIGN      (2 * MIB)

/* A kernel and where it goes; mem_bytes: what it wants for itself. */
typedef struct Kernel {
    GBytes *bytes;
    uint64_t addr, mem_bytes;
} Kernel;

static void blame(const Machine *m, Error **errp, const char *what)
{
    error_set(errp, "-kernel %s: %s",
              m->config.kernel_name ? m->config.kernel_name : "kernel", what);
}

/* An Image says how far behind a multiple of 2 MiB it wants to lie, and how
 * much memory it takes. One that is older than these fields lies at 512 KiB. */
static Kernel kernel_of(const Machine *m)
{
    gsize len;
    const uint8_t *data = g_bytes_get_data(m->config.kernel, &len);
    Kernel k = { m->config.kernel, VIRT_RAM, len };
    if (len >= IMAGE_HEADER && bytes_ld_le32(data + 56) == IMAGE_MAGIC) {
        uint64_t size = bytes_ld_le64(data + 16);
        k.addr += size ? bytes_ld_le64(data + 8) : 512 * KIB;
        k.mem_bytes = MAX(size, len);
    }
    return k;
}

static uint64_t align_up(uint64_t v, uint64_t to)
{
    return (v + to - 1) & ~(to - 1);
}

/* Behind the kernel: the initrd, then the device tree. False: they do not
 * fit. */
static bool place_all(Virt *v, const Kernel *k, Error **errp)
{
    Machine *m = v->dev.machine;
    uint64_t end = VIRT_RAM + m->config.ram_bytes;
    GBytes *initrd = m->config.initrd;
    VirtInitrd at = { align_up(k->addr + k->mem_bytes, FDT_ALIGN),
                      initrd ? g_bytes_get_size(initrd) : 0 };
    uint64_t fdt_at = align_up(at.addr + at.bytes, FDT_ALIGN);
    if (k->mem_bytes > m->config.ram_bytes || k->addr > end ||
        fdt_at > end || end - fdt_at < FDT_ALIGN) {
        blame(m, errp, "kernel, initrd and device tree do not fit into RAM");
        return false;
    }
    virt_add_image(v, k->addr, g_bytes_ref(k->bytes));
    if (initrd) {
        virt_add_image(v, at.addr, g_bytes_ref(initrd));
    }
    virt_add_image(v, fdt_at, virt_make_fdt(v, &at));
    ArmStart start = { k->addr, fdt_at };
    for (guint n = 0; n < m->cpus->len; n++) {
        Cpu *cpu = g_ptr_array_index(m->cpus, n);
        arm_pins(cpu)->set_start(cpu, &start, n == 0);
    }
    return true;
}

/* Without a kernel vCPU 0 begins at address 0, and finds the device tree at the
 * start of RAM. */
static bool start_at_zero(Virt *v)
{
    Machine *m = v->dev.machine;
    ArmStart start = { 0, 0 };
    virt_add_image(v, VIRT_RAM, virt_make_fdt(v, &(VirtInitrd){ 0, 0 }));
    for (guint n = 0; n < m->cpus->len; n++) {
        Cpu *cpu = g_ptr_array_index(m->cpus, n);
        arm_pins(cpu)->set_start(cpu, &start, n == 0);
    }
    return true;
}

bool virt_boot(Virt *v, Error **errp)
{
    Machine *m = v->dev.machine;
    if (!m->config.kernel) {
        return start_at_zero(v);
    }
    if (!g_bytes_get_size(m->config.kernel)) {
        blame(m, errp, "the file is empty");
        return false;
    }
    Kernel k = kernel_of(m);
    return place_all(v, &k, errp);
}
