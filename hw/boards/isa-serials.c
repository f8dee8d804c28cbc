/*
 * -serial on a board with an ISA bus.
 */
#include "isa-serials.h"

#include "hw/pc-chips.h"

#define SERIAL_MAX 4

bool isa_plug_serials(Machine *m, IsaBus *isa, Error **errp)
{
    const GPtrArray *serials = m->config.serials;

    for (guint i = 0; serials && i < serials->len; i++) {
        Chardev *chr = g_ptr_array_index(serials, i);
        g_autofree char *index = g_strdup_printf("%u", i);
        if (!chr) {
            continue;
        }
        if (i >= SERIAL_MAX) {
            error_set(errp, "max. %d serial ports are supported", SERIAL_MAX);
            return false;
        }
        Device *dev = device_new(m, &isa_serial_class, NULL);
        dev->bus = isa;
        device_set_chardev(dev, "chardev", chr);
        if (!device_set_prop(dev, "index", index, errp) ||
            !device_realize(dev, errp)) {
            return false;
        }
    }
    return true;
}
