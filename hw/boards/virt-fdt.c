/*
 * The device tree of the board `virt`: what is where, by libfdt (Devicetree
 * Specification 0.4; the bindings' documents in Linux).
 */
#include <libfdt.h>

#include "hw/virtio-mmio.h"
#include "virt.h"
#include "vm/machine.h"

#define FDT_ROOM (64 * KIB)

/* Numbers by which nodes refer to each other. */
enum { PHANDLE_GIC = 1, PHANDLE_CLOCK };
/* Interrupt specifiers: kind, and how a line tells. */
enum { IRQ_SPI = 0, IRQ_PPI = 1, IRQ_EDGE = 1, IRQ_LEVEL = 4 };

#define CLOCK_HZ 24000000u

/* The calls cannot fail: there is room. */
static void must(int err)
{
    g_assert(err == 0);
}

static void begin(void *fdt, const char *name)
{
    must(fdt_begin_node(fdt, name));
}

static void begin_at(void *fdt, const char *name, uint64_t addr)
{
    g_autofree char *full = g_strdup_printf("%s@%" G_GINT64_MODIFIER "x",
                                            name, addr);
    begin(fdt, full);
}

static void end(void *fdt)
{
    must(fdt_end_node(fdt));
}

static void put_u32(void *fdt, const char *name, uint32_t v)
{
    must(fdt_property_u32(fdt, name, v));
}

static void put_text(void *fdt, const char *name, const char *text)
{
    must(fdt_property_string(fdt, name, text));
}

/* A list of texts is their bytes with the NULs between them. */
static void put_texts(void *fdt, const char *name, const char *first,
                      const char *second)
{
    g_autoptr(GString) all = g_string_new(first);
    g_string_append_c(all, '\0');
    g_string_append(all, second);
    must(fdt_property(fdt, name, all->str, all->len + 1));
}

static void put_cells(void *fdt, const char *name, const uint32_t *cells,
                      unsigned n)
{
    g_autofree fdt32_t *big = g_new(fdt32_t, n);
    for (unsigned i = 0; i < n; i++) {
        big[i] = cpu_to_fdt32(cells[i]);
    }
    must(fdt_property(fdt, name, big, n * sizeof *big));
}
#define PUT_CELLS(fdt, name, ...)                                   \
    put_cells(fdt, name, (const uint32_t[]){ __VA_ARGS__ },         \
              sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)

static void put_reg(void *fdt, uint64_t addr, uint64_t bytes)
{
    PUT_CELLS(fdt, "reg", addr >> 32, addr, bytes >> 32, bytes);
}

/* --- nodes ---------------------------------------------------------------- */

static void put_cpus(void *fdt, const Machine *m)
{
    const Cpu *first = g_ptr_array_index(m->cpus, 0);
    begin(fdt, "cpus");
    put_u32(fdt, "#address-cells", 1);
    put_u32(fdt, "#size-cells", 0);
    for (guint n = 0; n < m->cpus->len; n++) {
        uint64_t affinity = arm_pins(first)->affinity(n);
        begin_at(fdt, "cpu", affinity);
        put_text(fdt, "device_type", "cpu");
        put_text(fdt, "compatible", "arm,armv8");
        put_u32(fdt, "reg", affinity);
        put_text(fdt, "enable-method", "psci");
        end(fdt);
    }
    end(fdt);
    begin(fdt, "psci");
    put_texts(fdt, "compatible", "arm,psci-1.0", "arm,psci-0.2");
    put_text(fdt, "method", "hvc");
    end(fdt);
}

/* Secure, non-secure, virtual and hypervisor's; masks say which vCPUs. */
static void put_timer(void *fdt, const Machine *m)
{
    uint32_t how = IRQ_LEVEL | ((1u << m->cpus->len) - 1) << 8;
    begin(fdt, "timer");
    put_texts(fdt, "compatible", "arm,armv8-timer", "arm,armv7-timer");
    PUT_CELLS(fdt, "interrupts", IRQ_PPI, 13, how, IRQ_PPI,
              VIRT_PPI_PHYS_TIMER - 16, how, IRQ_PPI,
              VIRT_PPI_VIRT_TIMER - 16, how, IRQ_PPI, 10, how);
    must(fdt_property(fdt, "always-on", NULL, 0));
    end(fdt);
}

static void put_gic(void *fdt)
{
    begin_at(fdt, "intc", VIRT_GIC_DIST);
    put_text(fdt, "compatible", "arm,cortex-a15-gic");
    put_u32(fdt, "#interrupt-cells", 3);
    put_u32(fdt, "#address-cells", 2);
    put_u32(fdt, "#size-cells", 2);
    must(fdt_property(fdt, "interrupt-controller", NULL, 0));
    must(fdt_property(fdt, "ranges", NULL, 0));
    PUT_CELLS(fdt, "reg", 0, VIRT_GIC_DIST, 0, 0x10000, 0, VIRT_GIC_CPU, 0,
              0x10000);
    put_u32(fdt, "phandle", PHANDLE_GIC);
    end(fdt);
}

static void put_clock(void *fdt)
{
    begin(fdt, "apb-pclk");
    put_text(fdt, "compatible", "fixed-clock");
    put_u32(fdt, "#clock-cells", 0);
    put_u32(fdt, "clock-frequency", CLOCK_HZ);
    put_text(fdt, "clock-output-names", "clk24mhz");
    put_u32(fdt, "phandle", PHANDLE_CLOCK);
    end(fdt);
}

static void put_primecells(void *fdt)
{
    begin_at(fdt, "pl011", VIRT_UART);
    put_texts(fdt, "compatible", "arm,pl011", "arm,primecell");
    put_reg(fdt, VIRT_UART, 0x1000);
    PUT_CELLS(fdt, "interrupts", IRQ_SPI, VIRT_SPI_UART, IRQ_LEVEL);
    PUT_CELLS(fdt, "clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
    put_texts(fdt, "clock-names", "uartclk", "apb_pclk");
    end(fdt);
    begin_at(fdt, "pl031", VIRT_RTC);
    put_texts(fdt, "compatible", "arm,pl031", "arm,primecell");
    put_reg(fdt, VIRT_RTC, 0x1000);
    PUT_CELLS(fdt, "interrupts", IRQ_SPI, VIRT_SPI_RTC, IRQ_LEVEL);
    put_u32(fdt, "clocks", PHANDLE_CLOCK);
    put_text(fdt, "clock-names", "apb_pclk");
    end(fdt);
}

static void put_places(void *fdt)
{
    for (unsigned n = 0; n < VIRT_MMIO_PLACES; n++) {
        uint64_t at = VIRT_MMIO + n * VIRTIO_MMIO_BYTES;
        begin_at(fdt, "virtio_mmio", at);
        put_text(fdt, "compatible", "virtio,mmio");
        put_reg(fdt, at, VIRTIO_MMIO_BYTES);
        PUT_CELLS(fdt, "interrupts", IRQ_SPI, VIRT_SPI_MMIO + n, IRQ_EDGE);
        must(fdt_property(fdt, "dma-coherent", NULL, 0));
        end(fdt);
    }
}

static void put_memory(void *fdt, const Machine *m)
{
    begin_at(fdt, "memory", VIRT_RAM);
    put_text(fdt, "device_type", "memory");
    put_reg(fdt, VIRT_RAM, m->config.ram_bytes);
    end(fdt);
}

static void put_chosen(void *fdt, const Machine *m, const VirtInitrd *initrd)
{
    g_autofree char *uart = g_strdup_printf("/pl011@%" G_GINT64_MODIFIER "x",
                                            VIRT_UART);
    begin(fdt, "chosen");
    put_text(fdt, "stdout-path", uart);
    if (m->config.cmdline) {
        put_text(fdt, "bootargs", m->config.cmdline);
    }
    if (initrd->bytes) {
        must(fdt_property_u64(fdt, "linux,initrd-start", initrd->addr));
        must(fdt_property_u64(fdt, "linux,initrd-end",
                               initrd->addr + initrd->bytes));
    }
    end(fdt);
}

GBytes *virt_make_fdt(const Virt *v, const VirtInitrd *initrd)
{
    const Machine *m = v->dev.machine;
    void *fdt = g_malloc0(FDT_ROOM);
    must(fdt_create(fdt, FDT_ROOM));
    must(fdt_finish_reservemap(fdt));
    begin(fdt, "");
    put_u32(fdt, "#address-cells", 2);
    put_u32(fdt, "#size-cells", 2);
    put_text(fdt, "compatible", "linux,dummy-virt");
    put_text(fdt, "model", "linux,dummy-virt");
    put_u32(fdt, "interrupt-parent", PHANDLE_GIC);
    put_chosen(fdt, m, initrd);
    put_memory(fdt, m);
    put_cpus(fdt, m);
    put_timer(fdt, m);
    put_gic(fdt);
    put_clock(fdt);
    put_primecells(fdt);
    put_places(fdt);
    end(fdt);
    must(fdt_finish(fdt));
    return g_bytes_new_take(fdt, FDT_ROOM);
}
