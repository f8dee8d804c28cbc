/*
 * A snapshot's stream with anything in it, loaded into the toy machine.
 *
 * The first byte chooses: 0, the rest is the stream as it is; otherwise a good
 * stream of that machine is changed, and its checksums set right, since no
 * mutation would get past those. A change is two bytes of place, and a byte
 * each of how many bytes to remove and to put there, and those bytes.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "fuzz.h"
#include "migration/stream.h"
#include "svc/snapshot.h"
#include "unit/toy.h"
#include "vm/sched.h"

static GBytes *good_stream(Toy *t)
{
    machine_power_on(t->m);
    runstate_set(t->m, RUN_RUNNING);
    while (machine_icount(t->m) < 300) {
        sched_run(t->m, 300);
    }
    return snapshot_save_stream(t->m, 5);
}

static void change(GByteArray *s, FuzzInput *in)
{
    unsigned at = fuzz_int(in, 2) % (s->len + 1);
    unsigned gone = MIN(fuzz_u8(in), s->len - at);
    size_t len;
    const uint8_t *bytes = fuzz_bytes(in, fuzz_u8(in), &len);
    g_byte_array_remove_range(s, at, gone);
    unsigned rest = s->len - at;
    g_byte_array_set_size(s, s->len + len);
    memmove(s->data + at + len, s->data + at, rest);
    memcpy(s->data + at, bytes, len);
}

/* As far as records can be told apart. */
static void set_checksums(GByteArray *s)
{
    if (s->len < STREAM_HEADER_BYTES) {
        return;
    }
    bytes_st_le32(s->data + 32, crc32c(0, s->data, 32));
    size_t at = STREAM_HEADER_BYTES;
    while (s->len - at >= STREAM_RECORD_BYTES) {
        uint8_t *b = s->data + at;
        size_t left = s->len - at - STREAM_RECORD_BYTES;
        uint64_t name_len = bytes_ld_le32(b + 4);
        uint64_t data_len = bytes_ld_le64(b + 8);
        if (name_len > left || data_len > left - name_len) {
            return;
        }
        size_t len = name_len + data_len;
        bytes_st_le32(b + 16, crc32c(0, b + STREAM_RECORD_BYTES, len));
        bytes_st_le32(b + 20, crc32c(0, b, 20));
        at += STREAM_RECORD_BYTES + len;
    }
}

static GBytes *make_stream(FuzzInput *in, Toy *t)
{
    g_autoptr(GBytes) good = good_stream(t);
    if (!fuzz_u8(in)) {
        return g_bytes_new(in->data, in->len);
    }
    GByteArray *s = g_byte_array_new();
    g_byte_array_append(s, g_bytes_get_data(good, NULL),
                        g_bytes_get_size(good));
    while (in->len) {
        change(s, in);
    }
    set_checksums(s);
    return g_byte_array_free_to_bytes(s);
}

/* A machine with a disk reads shared snapshots only, so there is none. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = { data, size };
    Toy *t = toy_new(toy_busy, toy_busy_count, false);
    g_autoptr(GBytes) stream = make_stream(&in, t);
    uint64_t before = machine_state_digest(t->m), position;
    Icount icount;
    Error *err = NULL;
    snapshot_peek(stream, &icount, &position, &err);
    fuzz_expect(err);
    err = NULL;
    if (snapshot_load_stream(t->m, stream, &position, &err)) {
        g_autoptr(GBytes) again = snapshot_save_stream(t->m, position);
        g_assert(again);
    } else {
        g_assert_cmphex(machine_state_digest(t->m), ==, before);
    }
    fuzz_expect(err);
    toy_free(t);
    return 0;
}
