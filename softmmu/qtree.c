/*
 * `info qtree`: the devices with where they are and their properties.
 */
#include <inttypes.h>

#include "io/blockdev.h"
#include "io/chardev.h"
#include "io/netdev.h"
#include "io/share.h"
#include "io/vsock.h"
#include "vm/machine.h"

static void prop_print(const Device *dev, const PropDef *p, GString *out)
{
    const void *at = (const char *)dev + p->offset;
    const void *pointer;
    GBytes *rom;

    g_string_append_printf(out, "    %s = ", p->name);
    switch (p->type) {
    case PROP_STRING:
        pointer = *(char *const *)at;
        g_string_append_printf(out, "\"%s\"\n",
                               pointer ? (const char *)pointer : "");
        break;
    case PROP_BOOL:
        g_string_append_printf(out, "%s\n",
                               *(const bool *)at ? "true" : "false");
        break;
    case PROP_U32:
        g_string_append_printf(out, "%u (0x%x)\n", *(const uint32_t *)at,
                               *(const uint32_t *)at);
        break;
    case PROP_U64:
        g_string_append_printf(out, "%" PRIu64 " (0x%" PRIx64 ")\n",
                               *(const uint64_t *)at, *(const uint64_t *)at);
        break;
    case PROP_CHARDEV:
        pointer = *(Chardev *const *)at;
        g_string_append_printf(out, "\"%s\"\n",
                               pointer ? chardev_id(pointer) : "");
        break;
    case PROP_NETDEV:
        pointer = *(Netdev *const *)at;
        g_string_append_printf(out, "\"%s\"\n",
                               pointer ? netdev_id(pointer) : "");
        break;
    case PROP_SHARE:
        pointer = *(Share *const *)at;
        g_string_append_printf(out, "\"%s\"\n",
                               pointer ? ((ShareHead *)pointer)->id : "");
        break;
    case PROP_VSOCK:
        pointer = *(Vsock *const *)at;
        g_string_append_printf(out, "\"%s\"\n",
                               pointer ? ((VsockHead *)pointer)->path : "");
        break;
    case PROP_ROM:
        rom = *(GBytes *const *)at;
        g_string_append_printf(out, "%zu bytes\n",
                               rom ? g_bytes_get_size(rom) : 0);
        break;
    case PROP_DRIVE:
        pointer = *(BlockDev *const *)at;
        g_string_append_printf(out, "\"%s\"\n",
                               pointer ? blockdev_node(pointer) : "");
        break;
    }
}

void machine_info_qtree(Machine *m, GString *out)
{
    for (guint i = 0; i < m->devices->len; i++) {
        const Device *dev = g_ptr_array_index(m->devices, i);
        g_string_append_printf(out, "dev: %s, id \"%s\"\n", dev->cls->name,
                               dev->id ? dev->id : "");
        if (dev->cls->bus) {
            g_string_append_printf(out, "    bus = %s%s%s\n", dev->cls->bus,
                                   dev->at ? ", addr = " : "",
                                   dev->at ? dev->at : "");
        }
        for (const PropDef *p = dev->cls->props; p && p->name; p++) {
            prop_print(dev, p, out);
        }
    }
}
