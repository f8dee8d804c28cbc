/*
 * A SCSI bus: who is at which address. See hw/scsi.h.
 */
#include "base/bytes.h"
#include "unit.h"

void scsi_bus_init(ScsiBus *bus, const Device *owner, Machine *m)
{
    bus->machine = m;
    bus->owner = owner;
    bus->units = g_ptr_array_new();
}

void scsi_bus_free(ScsiBus *bus)
{
    g_clear_pointer(&bus->units, g_ptr_array_unref);
}

static bool same_target(const ScsiDevice *d, const ScsiAddress *at)
{
    return d->channel == at->channel && d->target == at->target;
}

ScsiDevice *scsi_bus_unit(const ScsiBus *bus, const ScsiAddress *at)
{
    for (guint i = 0; i < bus->units->len; i++) {
        ScsiDevice *d = g_ptr_array_index(bus->units, i);
        if (same_target(d, at) && d->lun == at->lun) {
            return d;
        }
    }
    return NULL;
}

bool scsi_bus_has_target(const ScsiBus *bus, const ScsiAddress *at)
{
    for (guint i = 0; i < bus->units->len; i++) {
        if (same_target(g_ptr_array_index(bus->units, i), at)) {
            return true;
        }
    }
    return false;
}

bool scsi_bus_run(ScsiBus *bus, const ScsiAddress *at, ScsiTask *t)
{
    ScsiDevice *d = scsi_bus_unit(bus, at);

    if (d) {
        scsi_unit_run(d, t);
        return true;
    }
    if (!scsi_bus_has_target(bus, at)) {
        return false;
    }
    spc_no_unit(bus, at, t);
    return true;
}

/* --- resets ---------------------------------------------------------------------*/

void scsi_unit_reset(ScsiDevice *d, uint16_t code)
{
    bool open = d->s.tray_open;

    state_reset(d->dev.cls->state(), &d->s);
    d->s.write_cache = d->write_cache;
    d->s.tray_open = open;              /* nobody moved it */
    d->s.attention = code;
}

void scsi_nexus_reset(ScsiDevice *d)
{
    d->s.tray_locked = false;
    d->s.attention = 0x2907;            /* I_T nexus loss occurred */
}

void scsi_target_reset(ScsiBus *bus, const ScsiAddress *at)
{
    for (guint i = 0; i < bus->units->len; i++) {
        ScsiDevice *d = g_ptr_array_index(bus->units, i);
        if (same_target(d, at)) {
            scsi_unit_reset(d, CODE_DEVICE_RESET);
        }
    }
}

/* --- REPORT LUNS, SPC-4, 6.34 -----------------------------------------------------*/

/* SAM-5, 4.7: small numbers by peripheral device addressing, others flat. */
static void put_lun(uint8_t *out, uint32_t lun)
{
    bytes_st_be16(out, lun < 256 ? lun : 0x4000 | lun);
}

/* Fills in the units of a target; LUN 0 answers even if there is none. The
 * number of them. */
static unsigned list_units(const ScsiBus *bus, const ScsiAddress *target,
                           uint8_t *out, unsigned max)
{
    bool has_zero = scsi_bus_unit(bus, target) != NULL;
    unsigned n = has_zero ? 0 : 1;

    for (guint i = 0; i < bus->units->len && n < max; i++) {
        const ScsiDevice *d = g_ptr_array_index(bus->units, i);
        if (same_target(d, target)) {
            put_lun(out + 8 * n++, d->lun);
        }
    }
    return n;
}

void spc_list_luns(ScsiBus *bus, uint32_t channel, uint32_t target,
                   ScsiTask *t)
{
    const ScsiAddress at = { channel, target, 0 };
    uint32_t allocated = bytes_ld_be32(t->cdb + 6);
    uint8_t select = t->cdb[2];

    if (select > 2 || allocated < 16) {
        task_bad_field(t);
        return;
    }
    uint8_t *out = g_malloc0(SCSI_ANSWER_BYTES);
    unsigned max = (SCSI_ANSWER_BYTES - 8) / 8;
    /* 1 asks for well known logical units, of which there are none. */
    unsigned n = select == 1 ? 0 : list_units(bus, &at, out + 8, max);
    bytes_st_be32(out, 8 * n);
    task_answer(t, out, 8 + 8 * n, allocated);
    g_free(out);
}

/* --- for firmware --------------------------------------------------------------------*/

void scsi_bus_boot_places(const ScsiBus *bus, PciBootFn *add, void *opaque)
{
    for (guint i = 0; i < bus->units->len; i++) {
        const ScsiDevice *d = g_ptr_array_index(bus->units, i);
        g_autofree char *path =
            g_strdup_printf("scsi@%%s/channel@%x/disk@%x,%x", d->channel,
                            d->target, d->lun);
        add(opaque, d->boot_index, path);
    }
}
