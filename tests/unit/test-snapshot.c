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
    t->m->at_boundary = true;
    g_autoptr(GBytes) stream = snapshot_save_stream(t->m, 77);
    g_autofree uint8_t *ram = g_memdup2(ram_host(t->m, 0), TOY_RAM_BYTES);
    uint64_t digest = machine_state_digest(t->m);
    uint64_t world = t->pull_answer;
    run(t, 12345);
    t->m->at_boundary = false;
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
    g_assert_true(t->m->at_boundary);
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
    device_realize(device_new(t->m, device_classes[1], NULL), NULL);
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
    g_test_add_func("/snapshot/no-disk", test_no_disk);
    return g_test_run();
}
