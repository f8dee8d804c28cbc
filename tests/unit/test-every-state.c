/*
 * Every state table of a PC: save, scramble, load gives the digest back; a
 * changed element changes the digest; rewire() does not; a stream that is cut
 * or has bytes flipped is refused or loads, and never crashes.
 */
#include "fake-pc.h"
#include "fake-world.h"

typedef struct Saved {
    GPtrArray *streams;    /* GByteArray by section */
    guint next;
    GRand *rnd;
} Saved;

static void save_section(void *opaque, const Section *s)
{
    Saved *saved = opaque;
    GByteArray *bytes = g_byte_array_new();
    state_save(s->table, s->object, bytes);
    g_ptr_array_add(saved->streams, bytes);
}

static void scramble_section(void *opaque, const Section *s)
{
    Saved *saved = opaque;
    for (uint32_t i = 0; i < s->table->field_count; i++) {
        const StateField *f = &s->table->fields[i];
        for (uint32_t n = 0; n < f->count; n++) {
            state_set(f, s->object, n,
                      (uint64_t)g_rand_int(saved->rnd) << 32 |
                          g_rand_int(saved->rnd));
        }
    }
}

static void load_section(void *opaque, const Section *s)
{
    Saved *saved = opaque;
    Error *err = NULL;
    GByteArray *bytes = g_ptr_array_index(saved->streams, saved->next++);
    bool ok = state_load(s->table, s->object, bytes->data, bytes->len, &err);
    if (!ok) {
        g_error("%s: %s", s->name, error_message(err));
    }
}

typedef struct World {
    Share *share;
    Vsock *sockets;
    GHashTable *tables[2];
} World;

static void world_setup(World *w, Machine *m)
{
    w->share = fake_share_new(m, "s");
    w->sockets = fake_vsock_new(m, "v");
    w->tables[0] = m->config.shares;
    w->tables[1] = m->config.vsocks;
}

static void world_free_all(World *w)
{
    fake_share_free(w->share);
    fake_vsock_free(w->sockets);
    g_hash_table_unref(w->tables[0]);
    g_hash_table_unref(w->tables[1]);
}

/* The disks of a PC that is busy. */
enum { DISKS = 5 };

static Machine *busy_pc(World *w, BlockDev **disk)
{
    Machine *m = fake_pc_new(16 * MIB);
    world_setup(w, m);
    fake_pc_add_drive(m, "hd", disk[0], false, 0);
    fake_pc_add_drive(m, "cd", disk[1], true, 2);
    fake_pc_add_device(m, "isa-serial", NULL);
    fake_pc_add_device(m, "isa-debug-exit", NULL);
    fake_pc_add_device(m, "pvpanic", NULL);
    fake_pc_add_device(m, "pvpanic-pci", NULL);
    fake_pc_add_device(m, "ib700", NULL);
    fake_pc_add_device(m, "i6300esb", NULL);
    fake_pc_add_device(m, "edu", NULL);
    fake_pc_add_device(m, "pci-testdev", NULL);
    fake_pc_add_device(m, "pc-testdev", NULL);
    fake_pc_add_device(m, "vmgenid", NULL);
    fake_pc_add_device(m, "vmcoreinfo", NULL);
    fake_pc_add_drive(m, "vd", disk[2], false, -2);
    fake_pc_add_device(m, "virtio-blk-pci", "drive", "vd", NULL);
    fake_pc_add_drive(m, "sd", disk[3], false, -2);
    fake_pc_add_device(m, "virtio-scsi-pci", NULL);
    fake_pc_add_device(m, "scsi-hd", "drive", "sd", NULL);
    fake_pc_add_device(m, "scsi-cd", NULL);
    fake_pc_add_drive(m, "nd", disk[4], false, -2);
    fake_pc_add_device(m, "nvme", "drive", "nd", "serial", "1", NULL);
    fake_pc_add_device(m, "virtio-rng-pci", NULL);
    fake_pc_add_device(m, "virtio-net-pci", NULL);
    fake_pc_add_device(m, "virtio-balloon-pci", NULL);
    fake_pc_add_device(m, "virtio-serial-pci", NULL);
    fake_pc_add_device(m, "virtio-9p-pci", "fsdev", "s", "mount_tag", "t",
                       NULL);
    fake_pc_add_device(m, "virtio-vsock-pci", "guest-cid", "3", "uds-path",
                       "v", NULL);
    fake_pc_add_device(m, "virtconsole", NULL);
    fake_pc_add_device(m, "e1000", NULL);
    fake_pc_add_device(m, "ich9-ahci", NULL);
    fake_pc_add_device(m, "floppy", NULL);
    fake_pc_add_device(m, "e1000e", NULL);
    fake_pc_add_device(m, "rtl8139", NULL);
    fake_pc_add_device(m, "ne2k_pci", NULL);
    fake_pc_start(m);
    out_port(m, 0x43, 0x34, 1);
    out_port(m, 0x40, 0x10, 1);
    out_port(m, 0x40, 0x00, 1);
    out_port(m, 0x1f7, 0xec, 1);
    fake_pc_run_ns(m, 5 * NS_PER_MS);
    return m;
}

/* Bridges in a row, with a device at the end of each. */
static Machine *busy_q35(void)
{
    Machine *m = fake_board_new("q35", 16 * MIB);
    fake_pc_add_device(m, "pcie-root-port", NULL);
    fake_pc_add_device(m, "virtio-rng-pci", "bus", "pcie.1", NULL);
    fake_pc_add_device(m, "ioh3420", NULL);
    fake_pc_add_device(m, "pcie-pci-bridge", "bus", "pcie.0", NULL);
    fake_pc_add_device(m, "pci-bridge", "bus", "pci.3", "chassis_nr", "1",
                       NULL);
    fake_pc_add_device(m, "e1000", "bus", "pci.4", NULL);
    fake_pc_start(m);
    fake_pc_run_ns(m, 5 * NS_PER_MS);
    return m;
}

/* Every single element counts. */
static void check_elements(void *opaque, const Section *s)
{
    unsigned *checked = opaque;
    uint64_t before = state_digest(s->table, s->object);
    for (uint32_t i = 0; i < s->table->field_count; i++) {
        const StateField *f = &s->table->fields[i];
        uint32_t step = MAX(f->count / 64, 1);
        for (uint32_t n = 0; n < f->count; n += step) {
            uint64_t v = state_get(f, s->object, n);
            state_set(f, s->object, n, f->tag == STATE_BOOL ? !v : v ^ 1);
            if (state_digest(s->table, s->object) == before) {
                g_error("%s.%s[%u] is not in the digest", s->name, f->name, n);
            }
            state_set(f, s->object, n, v);
            (*checked)++;
        }
    }
    g_assert_cmphex(state_digest(s->table, s->object), ==, before);
}

static void damage_section(void *opaque, const Section *s)
{
    Saved *saved = opaque;
    g_autofree void *obj = g_malloc0(s->table->size_bytes + 1);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    state_save(s->table, s->object, bytes);
    for (guint n = 0; n < 200; n++) {
        guint at = g_rand_int_range(saved->rnd, 0, bytes->len);
        uint8_t old = bytes->data[at];
        bytes->data[at] ^= 1u << g_rand_int_range(saved->rnd, 0, 8);
        state_load(s->table, obj, bytes->data, bytes->len, NULL);
        bytes->data[at] = old;
        g_assert_false(state_load(s->table, obj, bytes->data,
                                  g_rand_int_range(saved->rnd, 0, bytes->len),
                                  NULL));
    }
    g_assert_true(state_load(s->table, obj, bytes->data, bytes->len, NULL));
}

static void check_with(Machine *m, void (*check)(Machine *m, Saved *saved))
{
    Saved saved = {
        .streams = g_ptr_array_new_with_free_func(
            (GDestroyNotify)g_byte_array_unref),
        .rnd = g_rand_new_with_seed(20),
    };
    check(m, &saved);
    g_rand_free(saved.rnd);
    g_ptr_array_free(saved.streams, TRUE);
    fake_pc_free(m);
}

static void with_pc(void (*check)(Machine *m, Saved *saved))
{
    BlockDev *disk[DISKS];
    for (unsigned i = 0; i < DISKS; i++) {
        disk[i] = fake_disk_new(1 * MIB);
    }
    World world;
    check_with(busy_pc(&world, disk), check);
    world_free_all(&world);
    check_with(busy_q35(), check);
    for (unsigned i = 0; i < DISKS; i++) {
        fake_disk_free(disk[i]);
    }
}

static void check_round_trip(Machine *m, Saved *saved)
{
    uint64_t before = machine_state_digest(m);
    machine_sections(m, save_section, saved);
    machine_sections(m, scramble_section, saved);
    g_assert_cmphex(machine_state_digest(m), !=, before);
    machine_sections(m, load_section, saved);
    g_assert_cmphex(machine_state_digest(m), ==, before);
    machine_rewire(m);
    g_assert_cmphex(machine_state_digest(m), ==, before);
}

static void check_every_element(Machine *m, Saved *saved)
{
    unsigned checked = 0;
    machine_sections(m, check_elements, &checked);
    g_assert_cmpuint(checked, >, 500);
}

static void check_damage(Machine *m, Saved *saved)
{
    machine_sections(m, damage_section, saved);
}

/* --- ranges ---------------------------------------------------------------- */

/* A stream with one element replaced is refused, and the row is named. */
static void check_refused(const Section *s, const StateField *f, uint64_t v)
{
    g_autofree uint8_t *obj = g_memdup2(s->object, s->table->size_bytes);
    g_autofree uint8_t *fresh = g_malloc0(s->table->size_bytes);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    Error *err = NULL;
    state_set(f, obj, f->count - 1, v);
    if (state_get(f, obj, f->count - 1) != v) {
        return;            /* it does not fit into the row at all */
    }
    state_save(s->table, obj, bytes);
    if (state_load(s->table, fresh, bytes->data, bytes->len, &err)) {
        g_error("%s.%s takes %" G_GINT64_FORMAT, s->name, f->name, (int64_t)v);
    }
    g_assert_nonnull(strstr(error_message(err), f->name));
    g_assert_nonnull(strstr(error_message(err), s->table->name));
    error_free(err);
}

static void check_ranges(void *opaque, const Section *s)
{
    unsigned *checked = opaque;
    for (uint32_t i = 0; i < s->table->field_count; i++) {
        const StateField *f = &s->table->fields[i];
        bool is_signed = f->tag == STATE_I64 || f->tag == STATE_TIME;
        if (!f->ranged && f->tag != STATE_TIME) {
            continue;
        }
        check_refused(s, f, f->ranged ? f->max + 1 : STATE_TIME_MAX + 1);
        check_refused(s, f, (uint64_t)INT64_MAX - 1);
        check_refused(s, f, UINT64_C(1) << 63);
        if (is_signed || f->min > 0) {
            check_refused(s, f, f->min - 1);
        }
        g_assert_true(state_in_range(f, f->reset) || !is_signed);
        (*checked)++;
    }
}

/* Any value that its row may have; small ones more often. */
static void garbage_section(void *opaque, const Section *s)
{
    Saved *saved = opaque;
    for (uint32_t i = 0; i < s->table->field_count; i++) {
        const StateField *f = &s->table->fields[i];
        uint64_t span = f->ranged ? (uint64_t)(f->max - f->min) : UINT64_MAX;
        for (uint32_t n = 0; n < f->count; n++) {
            uint64_t v = (uint64_t)g_rand_int(saved->rnd) << 32 |
                         g_rand_int(saved->rnd);
            v >>= g_rand_int_range(saved->rnd, 0, 64);
            v = f->ranged ? f->min + (span ? v % span : 0) : v;
            if (f->tag == STATE_TIME || f->tag == STATE_I64) {
                v %= UINT64_C(1) << 40; /* not aeons of timers to catch up */
            }
            state_set(f, s->object, n, v);
        }
    }
}

static void poke_ports(Machine *m, GRand *rnd)
{
    for (unsigned n = 0; n < 3000; n++) {
        uint16_t port = g_rand_int_range(rnd, 0, 0x400);
        if (port == 0x64 || port == 0x92) {
            continue;      /* resets */
        }
        if (n % 2) {
            out_port(m, port, g_rand_int(rnd) & 0xff, 1);
        } else {
            in_port(m, port, 1);
        }
    }
}

/* What passes the ranges hurts nobody: the devices run on with it. */
static void check_garbage(Machine *m, Saved *saved)
{
    for (unsigned round = 0; round < 20; round++) {
        g_ptr_array_set_size(saved->streams, 0);
        saved->next = 0;
        machine_sections(m, save_section, saved);
        machine_sections(m, garbage_section, saved);
        machine_rewire_loaded(m, NULL);
        poke_ports(m, saved->rnd);
        machine_sections(m, load_section, saved);
        machine_rewire(m);
    }
}

static void check_every_range(Machine *m, Saved *saved)
{
    unsigned checked = 0;
    machine_sections(m, check_ranges, &checked);
    g_assert_cmpuint(checked, >, 50);
}

static void test_ranges(void)
{
    with_pc(check_every_range);
}

static void test_garbage(void)
{
    with_pc(check_garbage);
}

static void test_round_trip(void)
{
    with_pc(check_round_trip);
}

static void test_every_element(void)
{
    with_pc(check_every_element);
}

static void test_damage(void)
{
    with_pc(check_damage);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/state/round-trip", test_round_trip);
    g_test_add_func("/state/every-element", test_every_element);
    g_test_add_func("/state/damage", test_damage);
    g_test_add_func("/state/ranges", test_ranges);
    g_test_add_func("/state/garbage", test_garbage);
    return g_test_run();
}
