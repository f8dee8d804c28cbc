/*
 * The log of a recording: there and back through a file, cut off at every
 * byte, and damaged at every bit. Uses the private contract of replay/, which
 * is what these tests are of.
 */
#include <glib/gstdio.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "replay/log/log-format.h"
#include "svc/timeline.h"

static char *path;

/* Thousands of times: without g_file_set_contents()'s fsync; and what was
 * there is not cut off by it. */
static void put_file(const char *data, gsize len)
{
    g_unlink(path);
    g_assert_true(g_file_set_contents_full(path, data, len,
                                           G_FILE_SET_CONTENTS_NONE, 0600,
                                           NULL));
}

static LogEvent make_event(GRand *rnd, Icount icount, uint8_t *buf)
{
    LogEvent e = { .icount = icount, .op = g_rand_int_range(rnd, 0, 4) };
    if (e.op == LOG_WARP || e.op == LOG_RARE) {
        e.aux = g_rand_int(rnd);
    }
    if (e.op != LOG_WARP) {
        e.port = g_rand_int_range(rnd, 0, 300);
        e.len = g_rand_int_range(rnd, 0, 40);
        for (uint32_t i = 0; i < e.len; i++) {
            buf[i] = g_rand_int(rnd);
        }
        e.data = buf;
    }
    return e;
}

static void write_digest(LogWriter *w, Icount icount)
{
    Digest d = { .icount = icount, .total = icount * 3 };
    d.sections = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    for (uint64_t i = 0; i < 3; i++) {
        uint64_t v = icount + i;
        g_array_append_val(d.sections, v);
    }
    d.ram[5] = icount;
    log_write_digest(w, &d);
    digest_clear(&d);
}

/* The same events for the same seed; a digest and a mark in between. */
static void write_log(uint32_t seed, unsigned events, bool end)
{
    GRand *rnd = g_rand_new_with_seed(seed);
    uint8_t buf[64];
    LogWriter *w = log_writer_new(path, "key=value\nother=1\n", NULL);
    Icount icount = 0;
    static const char *const argv[] = { "prog", "-a b", "", NULL };
    g_assert_nonnull(w);
    log_write_command(w, "/a folder", argv);
    log_write_parent(w, &(LogParent){ "the parent.rr", 77, 5 });
    for (unsigned i = 0; i < events; i++) {
        icount += g_rand_int_range(rnd, 0, 1000);
        LogEvent e = make_event(rnd, icount, buf);
        log_write_event(w, &e);
        if (i == events / 2) {
            write_digest(w, icount);
            LogMark mark = { .icount = icount, .name = (char *)"snap",
                             .at_boundary = true, .total = 9 };
            log_write_mark(w, &mark);
        }
    }
    log_writer_flush(w, icount + 10);
    if (end) {
        log_write_end(w, icount + 10, "guest-shutdown");
    }
    g_assert_true(log_writer_ok(w, NULL));
    g_assert_cmpuint(log_writer_position(w), ==, events);
    g_assert_true(log_writer_begin(w, NULL));
    log_writer_free(w);
    g_rand_free(rnd);
}

static void check_event(GRand *rnd, Icount *icount, const LogEvent *e)
{
    uint8_t buf[64];
    *icount += g_rand_int_range(rnd, 0, 1000);
    LogEvent x = make_event(rnd, *icount, buf);
    g_assert_cmpuint(e->icount, ==, x.icount);
    g_assert_cmpint(e->op, ==, x.op);
    g_assert_cmpuint(e->port, ==, x.port);
    g_assert_cmpuint(e->aux, ==, x.aux);
    g_assert_cmpmem(e->data, e->len, x.data, x.len);
}

static void test_round_trip(void)
{
    const unsigned sizes[] = { 0, 1, 2, 100, 20000 };
    for (unsigned n = 0; n < G_N_ELEMENTS(sizes); n++) {
        write_log(n, sizes[n], true);
        GRand *rnd = g_rand_new_with_seed(n);
        LogReader *r = log_reader_new(path, NULL);
        LogCursor c = { 0 };
        LogEvent e;
        Icount icount = 0;
        for (unsigned i = 0; i < sizes[n]; i++) {
            g_assert_cmpuint(log_cursor_position(r, &c), ==, i);
            g_assert_cmpint(log_read_event(r, &c, &e, NULL), ==, LOG_NEXT_OK);
            check_event(rnd, &icount, &e);
        }
        g_assert_cmpint(log_read_event(r, &c, &e, NULL), ==, LOG_NEXT_END);
        g_assert_cmpuint(log_reader_events(r), ==, sizes[n]);
        g_assert_cmpuint(log_reader_end(r), ==, icount + 10);
        g_assert_cmpstr(log_reader_end_reason(r), ==, "guest-shutdown");
        g_assert_cmpstr(log_reader_identity(r), ==, "key=value\nother=1\n");
        g_assert_cmpstr(log_reader_folder(r), ==, "/a folder");
        g_assert_cmpstr(log_reader_argv(r)[1], ==, "-a b");
        g_assert_cmpstr(log_reader_argv(r)[2], ==, "");
        g_assert_null(log_reader_argv(r)[3]);
        g_assert_cmpstr(log_reader_parent(r)->file, ==, "the parent.rr");
        g_assert_cmpuint(log_reader_parent(r)->icount, ==, 77);
        g_assert_cmpuint(log_reader_parent(r)->position, ==, 5);
        log_reader_free(r);
        g_rand_free(rnd);
    }
}

static void test_seek(void)
{
    const unsigned count = 30000;
    write_log(1, count, true);
    LogReader *r = log_reader_new(path, NULL);
    GArray *icounts = g_array_new(FALSE, FALSE, sizeof(Icount));
    LogCursor c = { 0 };
    LogEvent e;
    while (log_read_event(r, &c, &e, NULL) == LOG_NEXT_OK) {
        g_array_append_val(icounts, e.icount);
    }
    GRand *rnd = g_rand_new_with_seed(2);
    for (unsigned i = 0; i < 300; i++) {
        uint64_t at = g_rand_int_range(rnd, 0, count + 1);
        g_assert_true(log_reader_seek(r, at, &c, NULL));
        g_assert_cmpuint(log_cursor_position(r, &c), ==, at);
        if (at < count) {
            g_assert_cmpint(log_read_event(r, &c, &e, NULL), ==, LOG_NEXT_OK);
            g_assert_cmpuint(e.icount, ==, g_array_index(icounts, Icount, at));
        }
    }
    Error *err = NULL;
    g_assert_false(log_reader_seek(r, count + 1, &c, &err));
    error_free(err);
    g_array_free(icounts, TRUE);
    g_rand_free(rnd);
    log_reader_free(r);
}

static void test_digest_and_mark(void)
{
    write_log(3, 50, true);
    LogReader *r = log_reader_new(path, NULL);
    Icount at = log_reader_next_digest(r, 0);
    Digest d = { 0 };
    g_assert_true(log_reader_digest(r, at, &d, NULL));
    g_assert_cmpuint(d.total, ==, at * 3);
    g_assert_cmpuint(d.ram[5], ==, at);
    g_assert_cmpuint(d.sections->len, ==, 3);
    digest_clear(&d);
    g_assert_true(log_reader_next_digest(r, at + 1) == ICOUNT_NONE);
    g_assert_false(log_reader_digest(r, at + 1, &d, NULL));
    const GPtrArray *marks = log_reader_marks(r);
    g_assert_cmpuint(marks->len, ==, 1);
    const LogMark *mark = g_ptr_array_index(marks, 0);
    g_assert_cmpstr(mark->name, ==, "snap");
    g_assert_cmpuint(mark->icount, ==, at);
    g_assert_cmpuint(mark->position, ==, 26);
    g_assert_true(mark->at_boundary);
    log_reader_free(r);
}

/* Reads everything that a log has; false when it stops with an error. */
static bool read_all(void)
{
    Error *err = NULL;
    LogReader *r = log_reader_new(path, &err);
    if (!r) {
        g_assert_nonnull(strstr(error_message(err), path));
        error_free(err);
        return false;
    }
    LogCursor c = { 0 };
    LogEvent e;
    LogNext next;
    uint64_t n = 0;
    while ((next = log_read_event(r, &c, &e, &err)) == LOG_NEXT_OK) {
        n++;
    }
    if (next == LOG_NEXT_ERROR) {
        g_assert_nonnull(strstr(error_message(err), path));
        error_free(err);
    } else {
        g_assert_cmpuint(n, ==, log_reader_events(r));
    }
    Digest d = { 0 };
    Icount at = log_reader_next_digest(r, 0);
    err = NULL;
    if (at != ICOUNT_NONE && !log_reader_digest(r, at, &d, &err)) {
        error_free(err);
    }
    digest_clear(&d);
    log_reader_free(r);
    return next == LOG_NEXT_END;
}

static void test_cut_off(void)
{
    g_autofree char *whole = NULL;
    gsize len;
    write_log(4, 60, true);
    g_file_get_contents(path, &whole, &len, NULL);
    Icount end = 0;
    for (gsize cut = 0; cut < len; cut++) {
        put_file(whole, cut);
        Error *err = NULL;
        LogReader *r = log_reader_new(path, &err);
        if (!r) {
            /* Only a header may be missing altogether. */
            g_assert_cmpuint(cut, <, LOG_HEADER_BYTES + 18);
            error_free(err);
            continue;
        }
        g_assert_false(log_reader_complete(r));
        g_assert_cmpuint(log_reader_end(r), >=, end);
        end = log_reader_end(r);
        log_reader_free(r);
        g_assert_true(read_all());
    }
}

static void test_bit_flips(void)
{
    g_autofree char *whole = NULL;
    gsize len;
    write_log(5, 40, true);
    g_file_get_contents(path, &whole, &len, NULL);
    for (gsize i = 0; i < len * 8; i++) {
        whole[i / 8] ^= 1 << (i % 8);
        put_file(whole, len);
        g_assert_false(read_all());
        whole[i / 8] ^= 1 << (i % 8);
    }
}

/* Damage under correct checksums: as a malicious file would be. */
static void test_forged(void)
{
    g_autofree char *whole = NULL;
    gsize len;
    write_log(6, 40, true);
    g_file_get_contents(path, &whole, &len, NULL);
    g_autofree char *copy = g_memdup2(whole, len);
    gsize chunk = LOG_HEADER_BYTES + 18;
    while (chunk < len) {
        uint8_t *h = (uint8_t *)copy + chunk;
        gsize size = LOG_CHUNK_BYTES + bytes_ld_le32(h + 8);
        for (gsize i = 4; i < size; i++) {
            h[i] ^= 0x41;
            gsize now = MIN(bytes_ld_le32(h + 8),
                            len - chunk - LOG_CHUNK_BYTES);
            bytes_st_le32(h + 20, crc32c(0, h + LOG_CHUNK_BYTES, now));
            bytes_st_le32(h + 60, crc32c(0, h, 60));
            put_file(copy, len);
            read_all(); /* may be fine or not; must not crash */
            memcpy(copy, whole, len);
        }
        chunk += size;
    }
    g_assert_cmpuint(chunk, ==, len);
}

/* One that says nothing, or is somewhere else, or there twice. */
static void check_bad_parent(const LogParent *parents, guint count,
                             bool late, const char *complaint)
{
    Error *err = NULL;
    LogWriter *w = log_writer_new(path, "key=value\n", NULL);
    LogEvent e = { .op = LOG_POST };
    if (late) {
        log_write_event(w, &e);
        log_writer_flush(w, 0);
    }
    for (guint i = 0; i < count; i++) {
        log_write_parent(w, &parents[i]);
    }
    g_assert_true(log_writer_begin(w, NULL));
    log_writer_free(w);
    g_assert_null(log_reader_new(path, &err));
    g_assert_nonnull(strstr(error_message(err), complaint));
    error_free(err);
}

static void test_bad_parent(void)
{
    const LogParent one = { "p", 1, 1 }, nameless = { "", 1, 1 };
    const LogParent two[] = { one, one };
    check_bad_parent(&one, 1, true, "makes no sense");
    check_bad_parent(two, 2, false, "the parent is not in front");
    check_bad_parent(&nameless, 1, false, "the parent makes no sense");
}

/* A recording that did not branch has none. */
static void test_no_parent(void)
{
    LogWriter *w = log_writer_new(path, "key=value\n", NULL);
    log_write_end(w, 0, "guest-shutdown");
    g_assert_true(log_writer_begin(w, NULL));
    log_writer_free(w);
    LogReader *r = log_reader_new(path, NULL);
    g_assert_null(log_reader_parent(r));
    log_reader_free(r);
}

/* The first version had no command and no parent in front; it reads as if it
 * said nothing. */
static void test_first_version(void)
{
    g_autofree char *whole = NULL;
    gsize len;
    write_log(8, 20, true);
    g_file_get_contents(path, &whole, &len, NULL);
    gsize at = LOG_HEADER_BYTES + 18;
    for (unsigned i = 0; i < 2; i++) {
        gsize chunk = LOG_CHUNK_BYTES +
                      bytes_ld_le32((uint8_t *)whole + at + 8);
        len -= chunk;
        memmove(whole + at, whole + at + chunk, len - at);
    }
    bytes_st_le32(whole + 8, 1);
    bytes_st_le32(whole + 28, crc32c(0, whole, 28));
    put_file(whole, len);
    LogReader *r = log_reader_new(path, NULL);
    g_assert_nonnull(r);
    g_assert_cmpuint(log_reader_version(r), ==, 1);
    g_assert_null(log_reader_argv(r));
    g_assert_null(log_reader_folder(r));
    g_assert_null(log_reader_parent(r));
    log_reader_free(r);
    g_assert_true(read_all());
}

static void test_dump(void)
{
    write_log(7, 10, true);
    g_autofree char *text = NULL;
    gsize len;
    FILE *out = tmpfile();
    g_assert_true(replay_log_dump(path, out, NULL));
    len = ftell(out);
    rewind(out);
    text = g_malloc0(len + 1);
    g_assert_cmpuint(fread(text, 1, len, out), ==, len);
    fclose(out);
    g_assert_true(g_str_has_prefix(text, "key=value\nother=1\ncommand at "));
    g_assert_nonnull(strstr(text, "  in /a folder: 'prog' '-a b' ''\n"));
    g_assert_nonnull(strstr(text, "  'the parent.rr' until icount 77\n"));
    g_assert_nonnull(strstr(text, "snapshot 'snap'\n"));
    g_assert_nonnull(strstr(text, "  guest-shutdown\n"));
}

static void test_unwritable(void)
{
    Error *err = NULL;
    g_assert_null(log_writer_new("/nonexistent/log", "", &err));
    g_assert_nonnull(strstr(error_message(err), "/nonexistent/log"));
    error_free(err);
    err = NULL;
    g_assert_null(log_reader_new("/nonexistent/log", &err));
    error_free(err);
    if (g_access("/dev/full", W_OK) == 0) {
        err = NULL;
        g_assert_null(log_writer_new("/dev/full", "x=1\n", &err));
        error_free(err);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    int fd = g_file_open_tmp("test-log-XXXXXX", &path, NULL);
    close(fd);
    g_test_add_func("/log/round-trip", test_round_trip);
    g_test_add_func("/log/seek", test_seek);
    g_test_add_func("/log/digest-and-mark", test_digest_and_mark);
    g_test_add_func("/log/cut-off", test_cut_off);
    g_test_add_func("/log/bit-flips", test_bit_flips);
    g_test_add_func("/log/forged", test_forged);
    g_test_add_func("/log/bad-parent", test_bad_parent);
    g_test_add_func("/log/no-parent", test_no_parent);
    g_test_add_func("/log/first-version", test_first_version);
    g_test_add_func("/log/dump", test_dump);
    g_test_add_func("/log/unwritable", test_unwritable);
    int ret = g_test_run();
    g_unlink(path);
    g_free(path);
    return ret;
}
