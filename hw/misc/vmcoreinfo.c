/*
 * vmcoreinfo: the guest's kernel says where it keeps the notes that a tool needs
 * that reads its memory. It writes that to a file of fw_cfg; the guest's view
 * is that of QEMU's docs/specs/vmcoreinfo.
 */
#include "base/bytes.h"
#include "hw/fw-cfg.h"
#include "vm/knobs.h"
#include "vm/machine.h"

#define FILE_NAME "etc/vmcoreinfo"

/* Fields of the file, little-endian. */
enum { HOST_FORMAT = 0, GUEST_FORMAT = 2, NOTE_SIZE = 4, NOTE_ADDRESS = 8,
       FILE_BYTES = 16 };
#define FORMAT_ELF 1u

typedef uint8_t CoreInfo[FILE_BYTES];

#define VMCOREINFO_STATE(_) \
    _(CoreInfo, STATE_U8, file, 0, 1, "what the guest wrote")
STATE_STRUCT(VmcoreinfoState, VMCOREINFO_STATE);
static STATE_TABLE(vmcoreinfo_state, "vmcoreinfo", 1, VmcoreinfoState,
                   VMCOREINFO_STATE)

typedef struct Vmcoreinfo {
    Device dev;
    VmcoreinfoState s;
} Vmcoreinfo;

extern const DeviceClass vmcoreinfo_class;

static bool is_first(const Device *dev)
{
    const GPtrArray *all = dev->machine->devices;
    for (guint i = 0; i < all->len; i++) {
        const Device *other = g_ptr_array_index(all, i);
        if (other != dev && other->cls == dev->cls) {
            return false;
        }
    }
    return true;
}

static bool vmcoreinfo_realize(Device *dev, Error **errp)
{
    Vmcoreinfo *d = (Vmcoreinfo *)dev;
    Device *fw = fw_cfg_of(dev->machine);

    if (!fw || !is_first(dev)) {
        error_set(errp, "vmcoreinfo: %s", fw ? "there can only be one"
                                             : "this machine has no fw_cfg");
        return false;
    }
    fw_cfg_add_live(fw, FILE_NAME, d->s.file, FILE_BYTES, true);
    return true;
}

static void vmcoreinfo_reset(Device *dev)
{
    Vmcoreinfo *d = (Vmcoreinfo *)dev;
    bytes_st_le16(d->s.file + HOST_FORMAT, FORMAT_ELF);
}

static void vmcoreinfo_print(Device *dev, GString *out)
{
    const uint8_t *file = ((Vmcoreinfo *)dev)->s.file;
    g_string_append_printf(out, "format %u, %u bytes at 0x%" G_GINT64_MODIFIER
                           "x\n", bytes_ld_le16(file + GUEST_FORMAT),
                           bytes_ld_le32(file + NOTE_SIZE),
                           bytes_ld_le64(file + NOTE_ADDRESS));
}

static bool vmcoreinfo_note(const Device *dev, PhysAddr *addr,
                            uint32_t *bytes)
{
    const uint8_t *file = ((const Vmcoreinfo *)dev)->s.file;
    *addr = bytes_ld_le64(file + NOTE_ADDRESS);
    *bytes = bytes_ld_le32(file + NOTE_SIZE);
    return bytes_ld_le16(file + GUEST_FORMAT) == FORMAT_ELF;
}

static const DeviceKnobs vmcoreinfo_knobs = { .core_note = vmcoreinfo_note };

const DeviceClass vmcoreinfo_class = {
    .name = "vmcoreinfo",
    .desc = "where the guest keeps its notes for dumps",
    .category = "Misc",
    .user = true,
    .size = sizeof(Vmcoreinfo),
    .state_offset = offsetof(Vmcoreinfo, s),
    .state = vmcoreinfo_state,
    .realize = vmcoreinfo_realize,
    .reset = vmcoreinfo_reset,
    .knobs = &vmcoreinfo_knobs,
    .info_word = "vmcoreinfo",
    .info = vmcoreinfo_print,
};
