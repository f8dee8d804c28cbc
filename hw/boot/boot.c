/*
 * -kernel: which kind of kernel it is. See hw/boot.h.
 */
#include "boot.h"

typedef struct BootFormat {
    bool (*is)(const uint8_t *data, size_t len);
    bool (*add)(Machine *m, Device *fw, uint64_t ram_bytes, Error **errp);
} BootFormat;

/* In this order: a Linux kernel's magic has one place only, and a note has a
 * name. */
static const BootFormat formats[] = {
    { linux_is, linux_add },
    { pvh_is, pvh_add },
    { multiboot_is, multiboot_add },
};

void boot_blame_kernel(const Machine *m, Error **errp)
{
    const char *name = m->config.kernel_name;
    error_prepend(errp, "-kernel %s: ", name ? name : "kernel");
}

void boot_blame_initrd(const Machine *m, Error **errp)
{
    const char *name = m->config.initrd_name;
    error_prepend(errp, "-initrd %s: ", name ? name : "initrd");
}

/* An empty initrd would be none, which nobody means who names a file. */
static bool files_check(const Machine *m, Error **errp)
{
    const MachineConfig *c = &m->config;

    if (!g_bytes_get_size(c->kernel)) {
        error_set(errp, "the file is empty");
        boot_blame_kernel(m, errp);
        return false;
    }
    if (c->initrd && !g_bytes_get_size(c->initrd)) {
        error_set(errp, "the file is empty");
        boot_blame_initrd(m, errp);
        return false;
    }
    return true;
}

bool boot_add_kernel(Machine *m, Device *fw, uint64_t ram_below_4g,
                     Error **errp)
{
    gsize len;
    const uint8_t *data;

    if (!m->config.kernel) {
        return true;
    }
    if (!files_check(m, errp)) {
        return false;
    }
    data = g_bytes_get_data(m->config.kernel, &len);
    for (unsigned i = 0; i < G_N_ELEMENTS(formats); i++) {
        if (formats[i].is(data, len)) {
            return formats[i].add(m, fw, ram_below_4g, errp);
        }
    }
    error_set(errp, "neither a Linux kernel (bzImage or PVH) nor a "
              "multiboot kernel");
    boot_blame_kernel(m, errp);
    return false;
}
