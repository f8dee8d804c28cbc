/*
 * Every call by which a log's bytes get into its file fails once, is cut short
 * and then fails, or is cut short: the recorder says so, what it had delivered
 * before is in the file, and after the next attempt nothing is missing.
 *
 * The calls are this file's: they stand in for the C library's.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "replay/log/log-format.h"

/* --- the calls ---------------------------------------------------------- */

typedef enum Fault { FAIL, CUT_AND_FAIL, CUT, FAULTS } Fault;

/* Counted while `on`; number `at` is the one that fails. */
static struct {
    bool on;
    unsigned calls, at, eighths;
    Fault fault;
    bool hit;
} faults;

static bool fault_now(void)
{
    bool now = faults.on && ++faults.calls == faults.at;
    faults.hit |= now;
    return now;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
    if (!fault_now()) {
        return syscall(SYS_pwrite64, fd, data, len, offset);
    }
    if (faults.fault != FAIL) {
        len = MAX(len * faults.eighths / 8, 1);
        ssize_t n = syscall(SYS_pwrite64, fd, data, len, offset);
        if (faults.fault == CUT) {
            return n;
        }
        /* The next call, for the rest, is the one that is told. */
        faults.at++;
        faults.fault = FAIL;
        return n;
    }
    errno = EIO;
    return -1;
}

int ftruncate(int fd, off_t bytes)
{
    if (fault_now() && faults.fault == FAIL) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_ftruncate, fd, bytes);
}

/* Of the disk: how often it was asked for, and what it says. */
static gint syncs;
static int sync_errno;

int fdatasync(int fd)
{
    g_atomic_int_inc(&syncs);
    errno = sync_errno;
    return sync_errno ? -1 : 0;
}

static gint64 passed_us;   /* beside real time */

gint64 g_get_monotonic_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * G_USEC_PER_SEC + t.tv_nsec / 1000 + passed_us;
}

/* --- a recording --------------------------------------------------------- */

enum { EVENTS = 120, FLUSHED = 17 };

static char *path;

static void write_event(LogWriter *w, uint32_t n)
{
    uint8_t data[300] = { 0 };
    bytes_st_le32(data, n);
    LogEvent e = { .icount = n * 10, .op = LOG_POST, .port = 3, .data = data,
                   .len = 4 + n * 7 % 290 };
    log_write_event(w, &e);
}

/* The events of the log as it is now; it is a good one. */
static uint32_t count_now(void)
{
    g_autofree char *bytes = NULL;
    gsize len;
    g_assert_true(g_file_get_contents(path, &bytes, &len, NULL));
    int fd = memfd_create("log", MFD_CLOEXEC);
    g_assert_true(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    Error *err = NULL;
    LogReader *r = log_reader_new_fd(fd, "a copy", &err);
    if (!r) {
        g_error("%s", error_message(err));
    }
    LogCursor c = { 0 };
    LogEvent e;
    uint32_t n = 0;
    LogNext next;
    while ((next = log_read_event(r, &c, &e, NULL)) == LOG_NEXT_OK) {
        g_assert_cmpuint(bytes_ld_le32(e.data), ==, n);
        n++;
    }
    g_assert_cmpint(next, ==, LOG_NEXT_END);
    log_reader_free(r);
    return n;
}

/* What must be so when a call has failed: it is told, and what was there
 * before still is. The machine stops, and goes on. */
static void look_and_go_on(LogWriter *w, uint32_t delivered, bool told)
{
    Error *err = NULL;
    g_assert_true(log_writer_good(w) == !told);
    g_assert_cmpuint(count_now(), >=, delivered);
    if (!log_writer_ok(w, &err)) {
        g_error("%s", error_message(err));
    }
}

/* A whole recording with one fault; false: it has not so many calls. */
static bool record(unsigned at, Fault fault, unsigned eighths)
{
    Error *err = NULL;
    LogWriter *w = log_writer_new(path, "key=value\n", &err);
    g_assert_nonnull(w);
    g_assert_true(log_writer_begin(w, NULL));
    faults.on = true;
    faults.calls = 0;
    faults.at = at;
    faults.eighths = eighths;
    faults.fault = fault;
    faults.hit = false;
    for (uint32_t n = 0; n < EVENTS; n++) {
        write_event(w, n);
        if (n % FLUSHED == FLUSHED - 1) {
            log_writer_flush(w, n * 10);
        }
        if (!log_writer_good(w)) {
            look_and_go_on(w, n, fault != CUT);
        }
        if (n % 20 == 0) {
            g_assert_cmpuint(count_now(), ==, n + 1);
        }
    }
    log_write_end(w, EVENTS * 10, "guest-shutdown");
    if (!log_writer_good(w)) {
        look_and_go_on(w, EVENTS, fault != CUT);
    }
    faults.on = false;
    g_assert_true(log_writer_ok(w, NULL));
    log_writer_free(w);
    g_assert_cmpuint(count_now(), ==, EVENTS);
    g_unlink(path);
    return faults.hit;
}

static void test_each_call(gconstpointer fault)
{
    unsigned at = 1;
    while (record(at, GPOINTER_TO_INT(fault), at % 8)) {
        at++;
    }
    g_assert_cmpuint(at, >, EVENTS);
}

/* No log begins whose first bytes are not in its file. */
static void test_beginning(void)
{
    for (unsigned at = 1;; at++) {
        Error *err = NULL;
        faults.on = true;
        faults.calls = 0;
        faults.at = at;
        faults.fault = FAIL;
        faults.hit = false;
        LogWriter *w = log_writer_new(path, "key=value\n", &err);
        faults.on = false;
        g_assert_true(!w == !!err);
        bool ok = w && log_writer_begin(w, NULL);
        g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS) == ok);
        if (ok) {
            g_assert_cmpuint(count_now(), ==, 0);
        }
        log_writer_free(w);
        error_free(err);
        g_unlink(path);
        if (!faults.hit) {
            g_assert_cmpuint(at, >, 1);
            break;
        }
    }
}

/* Ticks until another sync began. */
static void tick_to_sync(LogWriter *w, Icount *icount)
{
    gint before = g_atomic_int_get(&syncs);
    while (g_atomic_int_get(&syncs) == before) {
        log_writer_tick(w, ++*icount);
        g_assert_true(log_writer_good(w));
    }
}

/* Chunks get to the disk itself, not for each of them; if it cannot write, the
 * recorder says so once. */
static void test_power_failure(void)
{
    Error *err = NULL;
    LogWriter *w = log_writer_new(path, "identity", &err);
    g_assert_true(w && log_writer_begin(w, &err));
    Icount icount = 0;
    g_atomic_int_set(&syncs, 0);
    tick_to_sync(w, &icount);
    for (unsigned n = 0; n < 50; n++) {
        log_writer_flush(w, ++icount);
        log_writer_tick(w, ++icount);
    }
    g_assert_cmpint(g_atomic_int_get(&syncs), <=, 2);
    sync_errno = EIO;
    passed_us += 10 * G_USEC_PER_SEC;
    tick_to_sync(w, &icount);
    while (log_writer_good(w)) {
        log_writer_flush(w, ++icount);
        log_writer_tick(w, ++icount);
    }
    sync_errno = 0;
    g_assert_true(log_writer_ok(w, NULL));
    passed_us += 10 * G_USEC_PER_SEC;
    tick_to_sync(w, &icount);
    log_writer_free(w);
}

int main(int argc, char **argv)
{
    static const char *const names[FAULTS] = { "failing", "cut-and-failing",
                                               "cut" };
    g_test_init(&argc, &argv, NULL);
    g_autofree char *folder = g_dir_make_tmp("test-log-XXXXXX", NULL);
    path = g_build_filename(folder, "log.rr", NULL);
    for (int i = 0; i < FAULTS; i++) {
        g_autofree char *name = g_strconcat("/log-faults/", names[i], NULL);
        g_test_add_data_func(name, GINT_TO_POINTER(i), test_each_call);
    }
    g_test_add_func("/log-faults/beginning", test_beginning);
    g_test_add_func("/log-faults/power-failure", test_power_failure);
    int status = g_test_run();
    g_rmdir(folder);
    g_free(path);
    return status;
}
