/*
 * -kernel: which kind of kernel it is. See hw/boot.h.
 */
#include "boot.h"

/* Linux/x86 boot protocol: the real-mode header's magic. */
#define LINUX_MAGIC_AT 0x202
#define LINUX_MAGIC    "HdrS"

static bool linux_is(const uint8_t *data, size_t len)
{
    return len >= LINUX_MAGIC_AT + 4 &&
           !memcmp(data + LINUX_MAGIC_AT, LINUX_MAGIC, 4);
}

bool boot_add_kernel(Machine *m, Device *fw, uint64_t ram_below_4g,
                     Error **errp)
{
    gsize len;
    const uint8_t *data;

    if (!m->config.kernel) {
        return true;
    }
    data = g_bytes_get_data(m->config.kernel, &len);
    if (multiboot_is(data, len)) {
        bool ok = multiboot_add(m, fw, ram_below_4g, errp);
        if (!ok) {
            error_prepend(errp, "-kernel: ");
        }
        return ok;
    }
    if (linux_is(data, len)) {
        error_set(errp, "-kernel: Linux kernels are not supported yet");
    } else {
        error_set(errp, "-kernel: not a multiboot kernel");
    }
    return false;
}
