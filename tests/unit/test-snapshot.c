/*
 * Snapshot streams of the toy machine: there and back, and nothing changes
 * when a stream is damaged in any way.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "svc/snapshot.h"
#include "toy.h"
#include "vm/sched.h"

static Toy *started(bool disk)
{
    Toy *t = toy_new(toy_busy, toy_busy_count, disk);
    machine_power_on(t->m);
    runstate_set(t->m, RUN_RUNNING);
    return t;
}

static void run(Toy *t, Icount until)
{
    while (machine_icount(t->m) < until) {
        sched_run(t->m, until);
    }
}

static bool ram_same(Machine *m, const uint8_t *was)
{
    return !memcmp(ram_host(m, 0), was, TOY_RAM_BYTES);
}

static void test_round_trip(void)
{
    Toy *t = started(false);
    run(t, 5000);
    t->m->sched.at_boundary = true;
    g_autoptr(GBytes) stream = snapshot_save_stream(t->m, 77);
    g_autofree uint8_t *ram = g_memdup2(ram_host(t->m, 0), TOY_RAM_BYTES);
    uint64_t digest = machine_state_digest(t->m);
    uint64_t world = t->pull_answer;
    run(t, 12345);
    t->m->sched.at_boundary = false;
    uint64_t later = machine_state_digest(t->m);
    Icount icount;
    uint64_t position;
    g_assert_true(snapshot_peek(stream, &icount, &position, NULL));
    g_assert_cmpuint(icount, ==, 5000);
    g_assert_cmpuint(position, ==, 77);
    g_assert_cmphex(machine_state_digest(t->m), ==, later);
    position = 0;
    g_assert_true(snapshot_load_stream(t->m, stream, &position, NULL));
    g_assert_cmpuint(position, ==, 77);
    g_assert_cmpuint(machine_icount(t->m), ==, 5000);
    g_assert_cmphex(machine_state_digest(t->m), ==, digest);
    g_assert_true(ram_same(t->m, ram));
    g_assert_true(t->m->sched.at_boundary);
    t->pull_answer = world; /* the world says the same again */
    run(t, 12345);
    g_assert_cmphex(machine_state_digest(t->m), ==, later);
    toy_free(t);
}

/* Only pages whose bytes differ may be written. */
static GArray *written;

static bool note_page(void *opaque, RamAddr ra, uint64_t len)
{
    g_array_append_val(written, ra);
    return true;
}

static void test_touches_little(void)
{
    Toy *t = started(false);
    run(t, 5000);
    g_autoptr(GBytes) stream = snapshot_save_stream(t->m, 0);
    *ram_host(t->m, 0x123456) ^= 1;
    written = g_array_new(FALSE, FALSE, sizeof(RamAddr));
    ram_watch_set(t->m, RAM_WATCH_UNDO, note_page, NULL);
    ram_watch_arm_all(t->m, RAM_WATCH_UNDO);
    uint64_t position;
    g_assert_true(snapshot_load_stream(t->m, stream, &position, NULL));
    g_assert_cmpuint(written->len, ==, 1);
    g_assert_cmphex(g_array_index(written, RamAddr, 0), ==, 0x123000);
    g_array_free(written, TRUE);
    toy_free(t);
}

static void must_fail(Toy *t, const uint8_t *data, size_t len)
{
    g_autoptr(GBytes) bad = g_bytes_new(data, len);
    uint64_t before = machine_state_digest(t->m), position;
    Error *err = NULL;
    g_assert_false(snapshot_load_stream(t->m, bad, &position, &err));
    g_assert_nonnull(err);
    error_free(err);
    g_assert_cmphex(machine_state_digest(t->m), ==, before);
}

static void test_damage(void)
{
    Toy *t = started(false);
    run(t, 300);
    g_autoptr(GBytes) stream = snapshot_save_stream(t->m, 5);
    run(t, 1000);
    g_autofree uint8_t *ram = g_memdup2(ram_host(t->m, 0), TOY_RAM_BYTES);
    size_t len;
    const uint8_t *data = g_bytes_get_data(stream, &len);
    g_autofree uint8_t *copy = g_memdup2(data, len);
    for (size_t i = 0; i < len; i++) {
        copy[i] ^= 1u << (i % 8);
        must_fail(t, copy, len);
        copy[i] = data[i];
    }
    for (size_t cut = 0; cut < len; cut++) {
        must_fail(t, data, cut);
    }
    g_autofree uint8_t *longer = g_malloc0(len + 1);
    memcpy(longer, data, len);
    must_fail(t, longer, len + 1);
    g_assert_true(ram_same(t->m, ram));
    toy_free(t);
}

/* The crcs are right but what they protect is nonsense: as a malicious stream
 * would be. Each byte of each record's data in turn. */
static void test_forged(void)
{
    Toy *t = started(false);
    run(t, 300);
    g_autoptr(GBytes) stream = snapshot_save_stream(t->m, 5);
    run(t, 400);
    size_t len;
    const uint8_t *data = g_bytes_get_data(stream, &len);
    g_autofree uint8_t *copy = g_memdup2(data, len);
    size_t record = 40;
    unsigned loaded = 0, refused = 0;
    for (size_t i = record + 24; i < len; i++) {
        size_t size = 24 + bytes_ld_le32(data + record + 4) +
                      bytes_ld_le64(data + record + 8);
        if (i >= record + size) {
            record += size;
            i += 23;
            continue;
        }
        copy[i] ^= 0x11;
        uint32_t crc = crc32c(0, copy + record + 24, size - 24);
        bytes_st_le32(copy + record + 16, crc);
        bytes_st_le32(copy + record + 20, crc32c(0, copy + record, 20));
        g_autoptr(GBytes) forged = g_bytes_new(copy, len);
        uint64_t position;
        if (snapshot_load_stream(t->m, forged, &position, NULL)) {
            loaded++;
        } else {
            refused++;
        }
        memcpy(copy + record, data + record, size);
    }
    /* Other register values are legal; broken structure is not. */
    g_assert_cmpuint(loaded, >, 0);
    g_assert_cmpuint(refused, >, 0);
    toy_free(t);
}

static void test_other_machine(void)
{
    Toy *t = started(false);
    g_autoptr(GBytes) stream = snapshot_save_stream(t->m, 0);
    device_realize(device_new(t->m, t->m->parts->devices[1], NULL), NULL);
    uint64_t position;
    Error *err = NULL;
    g_assert_false(snapshot_load_stream(t->m, stream, &position, &err));
    g_assert_nonnull(strstr(error_message(err), "another machine"));
    error_free(err);
    toy_free(t);
}

static void test_in_disk(void)
{
    Toy *t = started(true);
    Error *err = NULL;
    GString *text = g_string_new(NULL);
    g_assert_true(snapshot_print(t->m, text, NULL));
    g_assert_cmpstr(text->str, ==, "There is no snapshot available.\n");
    run(t, 1000);
    g_assert_true(snapshot_savevm(t->m, "one", 3, NULL));
    uint64_t digest = machine_state_digest(t->m), position;
    run(t, 2000);
    g_assert_true(snapshot_savevm(t->m, "two", 4, NULL));
    g_string_truncate(text, 0);
    g_assert_true(snapshot_print(t->m, text, NULL));
    g_assert_true(g_str_has_prefix(
        text->str, "List of snapshots present on all disks:\n"
        "ID        TAG               VM SIZE                DATE"
        "     VM CLOCK     ICOUNT\n--        one  "));
    g_assert_nonnull(strstr(text->str, "       1000\n"));
    GPtrArray *list = snapshot_list(t->m, NULL);
    g_assert_cmpuint(list->len, ==, 2);
    g_ptr_array_free(list, TRUE);
    g_assert_true(snapshot_loadvm(t->m, "one", &position, NULL));
    g_assert_cmpuint(position, ==, 3);
    g_assert_cmphex(machine_state_digest(t->m), ==, digest);
    g_assert_false(snapshot_loadvm(t->m, "three", &position, &err));
    g_assert_cmpstr(error_message(err), ==,
                    "Snapshot 'three' does not exist in one or more devices");
    error_free(err);
    g_assert_true(snapshot_delvm(t->m, "two", NULL));
    g_assert_false(snapshot_loadvm(t->m, "two", &position, NULL));
    g_assert_cmpint(runstate(t->m), ==, RUN_RUNNING);
    g_string_free(text, TRUE);
    toy_free(t);
}

/* --- flat ones -------------------------------------------------------------------- */

static uint8_t all_pages[TOY_RAM_BYTES / PAGE_SIZE / 8 + 1];

static void save_shared(Toy *t, const char *name, const char *base,
                        Icount base_icount, const uint8_t *changed)
{
    SnapshotShared s = { .name = name, .base = base, .changed = changed,
                         .base_icount = base_icount, .log_position = 9,
                         .periodic = true };
    g_assert_true(snapshot_save_shared(t->m, &s, NULL));
}

static void test_flat(void)
{
    Toy *t = started(true);
    uint64_t position, digest[2];
    g_autofree uint8_t *ram[2] = { NULL };
    run(t, 1000);
    t->m->sched.at_boundary = true;
    save_shared(t, "one", NULL, 0, NULL);
    digest[0] = machine_state_digest(t->m);
    ram[0] = g_memdup2(ram_host(t->m, 0), TOY_RAM_BYTES);
    run(t, 4000);
    memset(all_pages, 0xff, sizeof all_pages);
    save_shared(t, "two", "one", 1000, all_pages);
    digest[1] = machine_state_digest(t->m);
    ram[1] = g_memdup2(ram_host(t->m, 0), TOY_RAM_BYTES);
    for (int i = 0; i < 4; i++) {
        Icount icount;
        const char *name = i % 2 ? "two" : "one";
        run(t, 5000 + i);
        *ram_host(t->m, 0x1ff000) ^= 1;
        t->m->sched.at_boundary = false;
        g_assert_true(snapshot_peek_vm(t->m, name, &icount, &position, NULL));
        g_assert_cmpuint(icount, ==, i % 2 ? 4000 : 1000);
        position = 0;
        g_assert_true(snapshot_loadvm(t->m, name, &position, NULL));
        g_assert_cmpuint(position, ==, 9);
        g_assert_cmpuint(machine_icount(t->m), ==, icount);
        g_assert_cmphex(machine_state_digest(t->m), ==, digest[i % 2]);
        g_assert_true(ram_same(t->m, ram[i % 2]));
        g_assert_true(t->m->sched.at_boundary);
    }
    g_free(g_steal_pointer(&ram[1]));
    g_free(g_steal_pointer(&ram[0]));
    toy_free(t);
}

/* Pages that are not said to have changed are the base's; a base that is gone,
 * or is another one of that name, is no base. */
static void test_flat_base(void)
{
    static const uint8_t none[sizeof all_pages];
    static const struct {
        const char *base;
        Icount icount;
        bool shared;
    } cases[] = {
        { "one", 1000, true },
        { "one", 1001, false },
        { "gone", 1000, false },
        { "stream", 1000, false },
    };
    Toy *t = started(true);
    run(t, 1000);
    save_shared(t, "one", NULL, 0, NULL);
    g_assert_true(snapshot_savevm(t->m, "stream", 3, NULL));
    uint8_t *byte = ram_host(t->m, 0x123456);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint64_t position;
        *byte = 7;
        save_shared(t, "two", cases[i].base, cases[i].icount, none);
        *byte = 8;
        g_assert_true(snapshot_loadvm(t->m, "two", &position, NULL));
        g_assert_cmpuint(*byte, ==, cases[i].shared ? 0 : 7);
    }
    toy_free(t);
}

static void test_delete_periodic(void)
{
    static const char *const names[] = { "a", "a-", "a-1", "a-12", "a-1b",
                                         "ab-1" };
    Toy *t = started(true);
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        save_shared(t, names[i], NULL, 0, NULL);
    }
    g_assert_true(snapshot_savevm(t->m, "a-7", 3, NULL)); /* the user's */
    g_assert_true(snapshot_delete_periodic(t->m, "a-", NULL));
    GString *left = g_string_new(NULL);
    GPtrArray *list = snapshot_list(t->m, NULL);
    for (guint i = 0; i < list->len; i++) {
        const BlockSnapshot *s = g_ptr_array_index(list, i);
        g_string_append_printf(left, "%s ", s->name);
    }
    g_assert_cmpstr(left->str, ==, "a a- a-1b ab-1 a-7 ");
    g_ptr_array_free(list, TRUE);
    g_string_free(left, TRUE);
    toy_free(t);
}

/* The VM state of the disk's only snapshot, to be spoilt. */
static GBytes *vm_state_of(Toy *t, const char *name)
{
    GBytes *state = blockdev_snapshot_vm_state(toy_disk(t), name, NULL);
    g_assert_nonnull(state);
    return state;
}

static void put_vm_state(Toy *t, const char *name, const uint8_t *data,
                         size_t len)
{
    g_autoptr(GBytes) state = g_bytes_new(data, len);
    BlockSnapshot info = { .name = (char *)name, .vm_state_bytes = len };
    g_assert_true(blockdev_snapshot_create(toy_disk(t), &info, state, NULL));
}

static void must_not_load(Toy *t, const uint8_t *ram, uint64_t digest)
{
    uint64_t position;
    Error *err = NULL;
    g_assert_false(snapshot_loadvm(t->m, "bad", &position, &err));
    g_test_message("%s", error_message(err));
    g_assert_nonnull(strstr(error_message(err), "'bad'"));
    g_assert_nonnull(strstr(error_message(err), "'toy.disk'"));
    error_free(err);
    g_assert_cmphex(machine_state_digest(t->m), ==, digest);
    g_assert_true(ram_same(t->m, ram));
}

/* Any bit of the head, and any wrong length: nothing changes. */
static void test_flat_damage(void)
{
    Toy *t = started(true);
    run(t, 300);
    save_shared(t, "good", NULL, 0, NULL);
    run(t, 1000);
    g_autoptr(GBytes) good = vm_state_of(t, "good");
    size_t len;
    const uint8_t *data = g_bytes_get_data(good, &len);
    uint32_t head = bytes_ld_le32(data + 36);
    g_assert_cmpuint(head, <, 64 * KIB);
    g_autofree uint8_t *copy = g_memdup2(data, len);
    g_autofree uint8_t *ram = g_memdup2(ram_host(t->m, 0), TOY_RAM_BYTES);
    uint64_t digest = machine_state_digest(t->m);
    for (size_t i = 0; i < head; i++) {
        copy[i] ^= 1u << (i % 8);
        put_vm_state(t, "bad", copy, len);
        must_not_load(t, ram, digest);
        copy[i] = data[i];
    }
    put_vm_state(t, "bad", data, len - VM_STATE_PIECE_MAX);
    must_not_load(t, ram, digest);
    put_vm_state(t, "bad", data, 20);
    must_not_load(t, ram, digest);
    /* Another size of RAM, or another place, in a record that is intact. */
    uint8_t *record = copy + head - 2 * 24 - 16 - strlen("toy.rom");
    size_t name_len = bytes_ld_le32(record + 4);
    g_assert_cmpuint(bytes_ld_le32(record), ==, 2);
    for (int field = 0; field < 2; field++) {
        uint8_t *at = record + 24 + name_len + 8 * field;
        *at ^= 0x40;
        bytes_st_le32(record + 16, crc32c(0, record + 24, name_len + 16));
        bytes_st_le32(record + 20, crc32c(0, record, 20));
        put_vm_state(t, "bad", copy, len);
        must_not_load(t, ram, digest);
        *at ^= 0x40;
    }
    toy_free(t);
}

static unsigned count_snapshots(BlockDev *b)
{
    GPtrArray *list = blockdev_snapshot_list(b, NULL);
    unsigned count = list->len;
    g_ptr_array_free(list, TRUE);
    return count;
}

/* Where one of several disks cannot take it, there is no new snapshot at all,
 * and the one of that name is what it was. */
static void test_all_or_nothing(void)
{
    Toy *t = started(true);
    BlockDev *second = toy_add_disk(t);
    Error *err = NULL;
    run(t, 1000);
    g_assert_true(snapshot_savevm(t->m, "one", 3, NULL));
    uint64_t digest = machine_state_digest(t->m), position;
    run(t, 1000);
    toy_failing_disk = second;
    const char *const names[] = { "one", "two" };
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_assert_false(snapshot_savevm(t->m, names[i], 4, &err));
        g_assert_nonnull(strstr(error_message(err), "no room"));
        g_clear_pointer(&err, error_free);
        g_assert_cmpuint(count_snapshots(toy_disk(t)), ==, 1);
        g_assert_cmpuint(count_snapshots(second), ==, 1);
    }
    toy_failing_disk = NULL;
    g_assert_true(snapshot_loadvm(t->m, "one", &position, NULL));
    g_assert_cmpuint(position, ==, 3);
    g_assert_cmphex(machine_state_digest(t->m), ==, digest);
    g_assert_true(snapshot_savevm(t->m, "one", 5, NULL));
    g_assert_cmpuint(count_snapshots(toy_disk(t)), ==, 1);
    g_assert_cmpuint(count_snapshots(second), ==, 1);
    g_assert_true(snapshot_loadvm(t->m, "one", &position, NULL));
    g_assert_cmpuint(position, ==, 5);
    toy_free(t);
}

static void test_no_disk(void)
{
    Toy *t = toy_new(toy_busy, toy_busy_count, false);
    Error *err = NULL;
    machine_power_on(t->m);
    g_assert_false(snapshot_savevm(t->m, "x", 0, &err));
    g_assert_cmpstr(error_message(err), ==,
                    "No block device can accept snapshots");
    error_free(err);
    toy_free(t);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/snapshot/round-trip", test_round_trip);
    g_test_add_func("/snapshot/touches-little", test_touches_little);
    g_test_add_func("/snapshot/damage", test_damage);
    g_test_add_func("/snapshot/forged", test_forged);
    g_test_add_func("/snapshot/other-machine", test_other_machine);
    g_test_add_func("/snapshot/in-disk", test_in_disk);
    g_test_add_func("/snapshot/flat", test_flat);
    g_test_add_func("/snapshot/flat-base", test_flat_base);
    g_test_add_func("/snapshot/flat-damage", test_flat_damage);
    g_test_add_func("/snapshot/delete-periodic", test_delete_periodic);
    g_test_add_func("/snapshot/all-or-nothing", test_all_or_nothing);
    g_test_add_func("/snapshot/no-disk", test_no_disk);
    return g_test_run();
}
