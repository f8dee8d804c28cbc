/*
 * Machines with every device that a user can add to them. See busy-pc.h.
 */
#include "busy-pc.h"

#include "fake-world.h"

/* What the machines' devices are connected to. */
enum { DISKS = 5, NETS = 5, DISK_BYTES = 1 * MIB };

typedef struct World {
    BlockDev *disk[DISKS];
    Netdev *net[NETS];
    char *net_id[NETS];
    Share *share;
    Vsock *sockets;
    GHashTable *shares, *vsocks;
} World;

static void world_setup(World *w, Machine *m)
{
    for (unsigned i = 0; i < DISKS; i++) {
        w->disk[i] = fake_disk_new(DISK_BYTES);
    }
    for (unsigned i = 0; i < NETS; i++) {
        w->net[i] = fake_netdev_new();
        w->net_id[i] = g_strdup_printf("n%u", i);
        fake_pc_add_netdev(m, w->net_id[i], w->net[i]);
    }
    w->share = fake_share_new(m, "s");
    w->sockets = fake_vsock_new(m, "v");
    w->shares = m->config.shares;
    w->vsocks = m->config.vsocks;
}

static void world_free_all(World *w)
{
    for (unsigned i = 0; i < DISKS; i++) {
        fake_disk_free(w->disk[i]);
    }
    for (unsigned i = 0; i < NETS; i++) {
        fake_netdev_free(w->net[i]);
        g_free(w->net_id[i]);
    }
    fake_share_free(w->share);
    fake_vsock_free(w->sockets);
    g_hash_table_unref(w->shares);
    g_hash_table_unref(w->vsocks);
}

/* --- the machines ----------------------------------------------------------- */

static void add_disk(Machine *m, World *w, unsigned n, const char *id)
{
    fake_pc_add_drive(m, id, w->disk[n], false, -2);
}

static void add_small_devices(Machine *m)
{
    static const char *const drivers[] = {
        "isa-serial", "isa-debug-exit", "pvpanic", "pvpanic-pci", "ib700",
        "i6300esb", "edu", "pci-testdev", "pc-testdev", "vmgenid",
        "vmcoreinfo", "virtio-rng-pci", "virtio-balloon-pci",
        "virtio-serial-pci", "virtconsole", "ich9-ahci", "floppy",
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(drivers); i++) {
        fake_pc_add_device(m, drivers[i], NULL);
    }
}

static void add_adapters(Machine *m)
{
    fake_pc_add_device(m, "virtio-net-pci", "netdev", "n0", NULL);
    fake_pc_add_device(m, "e1000", "netdev", "n1", NULL);
    fake_pc_add_device(m, "e1000e", "netdev", "n2", NULL);
    fake_pc_add_device(m, "rtl8139", "netdev", "n3", NULL);
    fake_pc_add_device(m, "ne2k_pci", "netdev", "n4", NULL);
}

static Machine *busy_pc(World *w)
{
    Machine *m = fake_pc_new(16 * MIB);
    world_setup(w, m);
    fake_pc_add_drive(m, "hd", w->disk[0], false, 0);
    fake_pc_add_drive(m, "cd", w->disk[1], true, 2);
    add_small_devices(m);
    add_adapters(m);
    add_disk(m, w, 2, "vd");
    fake_pc_add_device(m, "virtio-blk-pci", "drive", "vd", NULL);
    add_disk(m, w, 3, "sd");
    fake_pc_add_device(m, "virtio-scsi-pci", NULL);
    fake_pc_add_device(m, "scsi-hd", "drive", "sd", NULL);
    fake_pc_add_device(m, "scsi-cd", NULL);
    add_disk(m, w, 4, "nd");
    fake_pc_add_device(m, "nvme", "drive", "nd", "serial", "1", NULL);
    fake_pc_add_device(m, "virtio-9p-pci", "fsdev", "s", "mount_tag", "t",
                       NULL);
    fake_pc_add_device(m, "virtio-vsock-pci", "guest-cid", "3", "uds-path",
                       "v", NULL);
    fake_pc_start(m);
    out_port(m, 0x43, 0x34, 1);
    out_port(m, 0x40, 0x10, 1);
    out_port(m, 0x40, 0x00, 1);
    out_port(m, 0x1f7, 0xec, 1);
    return m;
}

/* Bridges in a row, with a device at the end of each, and a disk on the board's
 * own controller. */
static Machine *busy_q35(World *w)
{
    Machine *m = fake_board_new("q35", 16 * MIB);
    world_setup(w, m);
    fake_pc_add_device(m, "pcie-root-port", NULL);
    fake_pc_add_device(m, "virtio-rng-pci", "bus", "pcie.1", NULL);
    fake_pc_add_device(m, "ioh3420", NULL);
    fake_pc_add_device(m, "pcie-pci-bridge", "bus", "pcie.0", NULL);
    fake_pc_add_device(m, "pci-bridge", "bus", "pci.3", "chassis_nr", "1",
                       NULL);
    fake_pc_add_device(m, "e1000", "bus", "pci.4", NULL);
    fake_pc_add_drive(m, "hd", w->disk[0], false, 0);
    fake_pc_start(m);
    return m;
}

/* Virtio in memory. */
static Machine *busy_microvm(World *w)
{
    Machine *m = fake_board_new("microvm", 16 * MIB);
    world_setup(w, m);
    add_disk(m, w, 0, "vd");
    fake_pc_add_device(m, "virtio-blk-device", "drive", "vd", NULL);
    add_disk(m, w, 1, "sd");
    fake_pc_add_device(m, "virtio-scsi-device", NULL);
    fake_pc_add_device(m, "scsi-hd", "drive", "sd", NULL);
    fake_pc_add_device(m, "virtio-net-device", "netdev", "n0", NULL);
    fake_pc_add_device(m, "virtio-rng-device", NULL);
    fake_pc_add_device(m, "virtio-serial-device", NULL);
    fake_pc_start(m);
    return m;
}

void busy_machines(void (*fn)(Machine *m, void *opaque), void *opaque)
{
    static Machine *(*const make[])(World *w) = { busy_pc, busy_q35,
                                                  busy_microvm };
    for (unsigned i = 0; i < G_N_ELEMENTS(make); i++) {
        World w;
        Machine *m = make[i](&w);
        fake_pc_run_ns(m, 5 * NS_PER_MS);
        fn(m, opaque);
        fake_pc_free(m);
        world_free_all(&w);
    }
}
