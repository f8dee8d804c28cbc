/*
 * The chips of a PC's legacy bus, as the board that wires them sees them.
 *
 * Implemented by hw/{intc,timer,rtc,input,char,misc,dma}; called by
 * hw/boards. A board makes each chip with device_create(), which also claims
 * its I/O ports, then connects its lines with irq_connect() on the IrqLine the
 * chip hands out and calls the setters below. All of that is wiring and is
 * done once, before the machine is reset.
 *
 * Chips on the ISA bus (isa-serial, isa-debugcon, isa-debug-exit) need
 * dev->bus to point to an IsaBus before device_realize(); the others need
 * none.
 */
#ifndef HW_PC_CHIPS_H
#define HW_PC_CHIPS_H

#include "vm/device.h"
#include "vm/irq.h"

/* --- i8259: the cascaded pair of interrupt controllers ------------------ */

extern const DeviceClass i8259_class;      /* ports 20, 21, a0, a1, 4d0, 4d1 */

/* An IrqFn (opaque: the Device): level of ISA IRQ 0..15, IRQ 2 excepted. Has
 * the type IsaBus.irq_fn wants. */
void i8259_irq(void *pic, int irq, bool level);
/* The line to the CPU's INTR. */
IrqLine *i8259_intr(Device *pic);
/* The INTA cycle (opaque: the Device): the vector to take, 0..255; that of
 * IRQ 7 or 15 if the request has gone away. As X86Pins.connect_pic wants. */
int pic_acknowledge(void *pic);
/* `info pic`, a line for each chip. */
void pic_print(Device *pic, GString *out);

/* --- i8254: interval timer, with the system control port 0x61 ----------- */

extern const DeviceClass i8254_class;      /* ports 40..43, 61 */

/* OUT of counter 0: to ISA IRQ 0. */
IrqLine *i8254_irq(Device *pit);

/* --- mc146818: real-time clock and CMOS ---------------------------------- */

extern const DeviceClass mc146818_class;   /* ports 70, 71 */

/* To ISA IRQ 8. */
IrqLine *mc146818_irq(Device *rtc);
/* What the clock shows at virtual time 0: seconds since 1970 (UTC, or local
 * time if that is what the guest is to see). */
void mc146818_set_base(Device *rtc, int64_t sec);
/* A CMOS byte beyond the clock's own registers, 0x0e..0x7f. The battery keeps
 * CMOS over resets: call it while building, not at reset. */
void mc146818_set_cmos(Device *rtc, unsigned index, uint8_t value);
uint8_t mc146818_get_cmos(Device *rtc, unsigned index);
/* The memory size in 15/16, 17/18, 30/31, 34/35 and 5b..5d, from the bytes of
 * RAM below 4 GiB (from address 0) and above. */
void mc146818_set_ram(Device *rtc, uint64_t below_4g, uint64_t above_4g);
/* The boot devices for 38 and 3d from a -boot order word ("cad", "c", "dn");
 * NULL: "cad". */
void mc146818_set_boot_order(Device *rtc, const char *order);

/* --- the A20 gate --------------------------------------------------------- */

/* One gate, driven by the keyboard controller and by port 0x92; the last one
 * to say something wins and both read the gate back. Open after reset. */
extern const DeviceClass pc_a20_class;     /* no ports */

/* The line to the CPU: high means open (address line 20 works). */
IrqLine *pc_a20_line(Device *gate);
/* For the two sources. */
void pc_a20_set(Device *gate, bool open);
bool pc_a20_is_open(Device *gate);

/* --- the coprocessor error logic ------------------------------------------ */

extern const DeviceClass fpu_error_class;  /* ports f0, f1 */

/* FERR# of the CPU, as X86Pins.connect_ferr wants it (opaque: the Device). */
void fpu_error_set(void *dev, bool ferr);
IrqLine *fpu_error_irq(Device *dev);       /* to ISA IRQ 13 */
IrqLine *fpu_error_ignne(Device *dev);     /* to the CPU's IGNNE# */

/* --- i8042 and what hangs on it ------------------------------------------ */

extern const DeviceClass i8042_class;      /* ports 60, 64 */
extern const DeviceClass ps2_keyboard_class;
extern const DeviceClass ps2_mouse_class;

IrqLine *i8042_irq_keyboard(Device *kbc);  /* to ISA IRQ 1 */
IrqLine *i8042_irq_mouse(Device *kbc);     /* to ISA IRQ 12 */
/* Plugs the two devices in (made with device_create()); either may be NULL. */
void i8042_plug(Device *kbc, Device *keyboard, Device *mouse);
void i8042_set_a20(Device *kbc, Device *gate);

/* --- port 0x92: fast A20 and reset ---------------------------------------- */

extern const DeviceClass port92_class;     /* port 92 */

void port92_set_a20(Device *port92, Device *gate);

/* --- i8237: the two DMA controllers --------------------------------------- */

extern const DeviceClass i8237_class; /* ports 0..f, 80..8f, c0..df, 480..48f */

/* A device's DREQ with `len` bytes to move on `channel` (0..3, 5..7): moves
 * as many as the channel is programmed and unmasked for, and returns how many
 * that was. to_memory: the channel must be programmed for "write" (or verify,
 * which moves nothing but counts). *terminal: the count ran out. */
size_t i8237_transfer(Device *dma, unsigned channel, void *buf, size_t len,
                      bool to_memory, bool *terminal);

/* --- on the ISA bus ------------------------------------------------------- */

/* Properties: chardev, index (0..3: the standard ports and IRQs), iobase,
 * irq. Its input port is named after the device's id, or its path. */
extern const DeviceClass isa_serial_class;
/* Properties: chardev, iobase (0xe9), readback (0xe9). The BIOS looks for it
 * at 0x402. */
extern const DeviceClass isa_debugcon_class;
/* Properties: iobase (0x501), iosize (2). */
extern const DeviceClass isa_debug_exit_class;
/* Properties: ioport (0x505), events. What ACPI tables tell of it. */
extern const DeviceClass pvpanic_isa_class;
uint16_t pvpanic_port(const Device *dev);

#endif
