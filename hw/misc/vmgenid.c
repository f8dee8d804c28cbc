/*
 * vmgenid ("Virtual Machine Generation ID", Microsoft 2012; the guest's view is
 * that of QEMU's docs/specs/vmgenid): 16 bytes that firmware puts into memory,
 * and that ACPI tells the guest's address of.
 *
 * They are what the command line says, or (auto) drawn from the machine's own
 * randomness when it is switched on; a snapshot has its machine's.
 */
#include "hw/vmgenid.h"

#include <string.h>

#include "base/bytes.h"
#include "hw/fw-cfg.h"
#include "vm/machine.h"

typedef uint8_t Guid[16];
typedef uint8_t GuidAddress[VMGENID_ADDRESS_BYTES];

#define VMGENID_STATE(_)                                                     \
    _(Guid, STATE_U8, guid, 0, 1, "the identifier, as the guest sees it")    \
    _(bool, STATE_BOOL, drawn, 0, 1, "it was drawn already")                 \
    _(GuidAddress, STATE_U8, address, 0, 1, "where firmware has put it")
STATE_STRUCT(VmgenidState, VMGENID_STATE);
static STATE_TABLE(vmgenid_state, "vmgenid", 1, VmgenidState, VMGENID_STATE)

typedef struct Vmgenid {
    Device dev;
    VmgenidState s;
    char *guid;            /* property */
    Guid given;            /* the same as bytes, unless it is "auto" */
    uint8_t file[VMGENID_FILE_BYTES]; /* follows from s.guid */
} Vmgenid;

static void guid_draw(Vmgenid *d)
{
    bytes_st_le64(d->s.guid, machine_random(d->dev.machine));
    bytes_st_le64(d->s.guid + 8, machine_random(d->dev.machine));
    /* A random one, RFC 4122, 4.4. */
    d->s.guid[7] = (d->s.guid[7] & 0x0f) | 0x40;
    d->s.guid[8] = (d->s.guid[8] & 0x3f) | 0x80;
    d->s.drawn = true;
}

static void vmgenid_rewire(Device *dev)
{
    Vmgenid *d = (Vmgenid *)dev;
    memcpy(d->file + VMGENID_GUID_OFFSET, d->s.guid, sizeof d->s.guid);
}

/* A reset forgets what firmware has told, and not which machine it is. */
static void vmgenid_reset(Device *dev)
{
    Vmgenid *d = (Vmgenid *)dev;

    memset(d->s.address, 0, sizeof d->s.address);
    if (!g_str_equal(d->guid, "auto")) {
        memcpy(d->s.guid, d->given, sizeof d->given);
    } else if (!d->s.drawn) {
        guid_draw(d);
    }
    vmgenid_rewire(dev);
}

static bool vmgenid_realize(Device *dev, Error **errp)
{
    Vmgenid *d = (Vmgenid *)dev;
    Device *fw = fw_cfg_of(dev->machine);

    if (!fw || fw_cfg_file(fw, VMGENID_GUID_FILE)) {
        error_set(errp, "vmgenid: %s", fw ? "there can only be one"
                                          : "this machine has no fw_cfg");
        return false;
    }
    if (!g_str_equal(d->guid, "auto") && !bytes_from_uuid(d->guid, d->given)) {
        error_set(errp, "vmgenid: guid=%s is neither auto nor an identifier "
                  "such as 324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87", d->guid);
        return false;
    }
    fw_cfg_add_live(fw, VMGENID_GUID_FILE, d->file, sizeof d->file, false);
    fw_cfg_add_live(fw, VMGENID_ADDRESS_FILE, d->s.address,
                    sizeof d->s.address, true);
    return true;
}

static void vmgenid_print(Device *dev, GString *out)
{
    const uint8_t *g = ((Vmgenid *)dev)->s.guid;
    g_string_append_printf(
        out, "%08x-%04x-%04x-%02x%02x-", bytes_ld_le32(g),
        bytes_ld_le16(g + 4), bytes_ld_le16(g + 6), g[8], g[9]);
    for (unsigned n = 10; n < 16; n++) {
        g_string_append_printf(out, "%02x", g[n]);
    }
    g_string_append_c(out, '\n');
}

static const PropDef vmgenid_props[] = {
    PROP(Vmgenid, guid, "guid", PROP_STRING, "auto",
         "the identifier; auto: drawn at random"),
    PROP_END
};

const DeviceClass vmgenid_class = {
    .name = "vmgenid",
    .desc = "virtual machine generation identifier",
    .category = "Misc",
    .user = true,
    .size = sizeof(Vmgenid),
    .state_offset = offsetof(Vmgenid, s),
    .state = vmgenid_state,
    .props = vmgenid_props,
    .realize = vmgenid_realize,
    .reset = vmgenid_reset,
    .rewire = vmgenid_rewire,
    .battery = true,
    .info_word = "vm-generation-id",
    .info = vmgenid_print,
};
