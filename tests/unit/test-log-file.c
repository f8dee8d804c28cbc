/*
 * The file that a log is: whatever kills the recorder, the events are in it;
 * it is nobody else's; it destroys nothing; a full disk loses nothing; and a
 * hostile one costs little.
 */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "replay/log/log-format.h"
#include "svc/timeline.h"
#include "toy.h"

static char *folder, *path, *old_path, *part_path;

static const char identity[] = "key=value\n";

static LogWriter *new_log(void)
{
    Error *err = NULL;
    LogWriter *w = log_writer_new(path, identity, &err);
    if (!w) {
        g_error("%s", error_message(err));
    }
    return w;
}

static LogWriter *begun_log(void)
{
    LogWriter *w = new_log();
    g_assert_true(log_writer_begin(w, NULL));
    return w;
}

static void remove_all(void)
{
    g_unlink(path);
    g_unlink(old_path);
    g_unlink(part_path);
}

/* Event number n: its data begins with its number. */
static void write_event(LogWriter *w, uint32_t n, uint32_t len)
{
    g_autofree uint8_t *data = g_malloc(MAX(len, 4));
    for (uint32_t i = 0; i < len; i++) {
        data[i] = g_random_int();  /* does not deflate */
    }
    bytes_st_le32(data, n);
    LogEvent e = { .icount = n * 10, .op = LOG_POST, .port = 3, .data = data,
                   .len = MAX(len, 4) };
    log_write_event(w, &e);
}

/* Reads a log that must be good, with events 0, 1, … in it; how many. */
static uint32_t count_in(LogReader *r, Icount *end)
{
    LogCursor c = { 0 };
    LogEvent e;
    uint32_t n = 0;
    LogNext next;
    while ((next = log_read_event(r, &c, &e, NULL)) == LOG_NEXT_OK) {
        g_assert_cmpuint(bytes_ld_le32(e.data), ==, n);
        g_assert_cmpuint(e.icount, ==, n * 10);
        n++;
    }
    g_assert_cmpint(next, ==, LOG_NEXT_END);
    g_assert_cmpuint(n, ==, log_reader_events(r));
    if (end) {
        *end = log_reader_end(r);
    }
    log_reader_free(r);
    return n;
}

static uint32_t count_events(const char *file)
{
    Error *err = NULL;
    LogReader *r = log_reader_new(file, &err);
    if (!r) {
        g_error("%s", error_message(err));
    }
    return count_in(r, NULL);
}

typedef struct Bytes {
    char *data;
    gsize len;
} Bytes;

static Bytes contents(const char *file)
{
    Bytes b;
    g_assert_true(g_file_get_contents(file, &b.data, &b.len, NULL));
    return b;
}

/* A log of these bytes, on no disk. */
static LogReader *reader_of(const void *data, gsize len, Error **errp)
{
    int fd = memfd_create("log", MFD_CLOEXEC);
    g_assert_true(fd >= 0 && write(fd, data, len) == (ssize_t)len);
    return log_reader_new_fd(fd, "a copy", errp);
}

static uint32_t count_bytes(const void *data, gsize len, Icount *end)
{
    Error *err = NULL;
    LogReader *r = reader_of(data, len, &err);
    if (!r) {
        g_error("%s", error_message(err));
    }
    return count_in(r, end);
}

/* What a recorder that is killed now leaves behind. */
static uint32_t count_now(Icount *end)
{
    Bytes b = contents(path);
    uint32_t n = count_bytes(b.data, b.len, end);
    g_free(b.data);
    return n;
}

/* --- killed ------------------------------------------------------------------------ */

static void test_each_event_is_there(void)
{
    LogWriter *w = begun_log();
    for (uint32_t n = 0; n < 3000; n++) {
        write_event(w, n, n % 97);
        if (n % 53 == 0 || n > 2980) {
            g_assert_cmpuint(count_now(NULL), ==, n + 1);
        }
        if (n == 1000) {
            log_writer_flush(w, n * 10);
        }
        if (n % 500 == 7) {
            Digest d = { .icount = n * 10 };
            d.sections = g_array_new(FALSE, FALSE, sizeof(uint64_t));
            log_write_digest(w, &d);
            digest_clear(&d);
            g_assert_cmpuint(count_now(NULL), ==, n + 1);
        }
    }
    log_writer_free(w);
    g_assert_cmpuint(count_events(path), ==, 3000);
    remove_all();
}

/* Larger than a chunk: it is complete before it is delivered. */
static void test_large_events(void)
{
    LogWriter *w = begun_log();
    const uint32_t sizes[] = { 4, 65535, 65536, 5, NONDET_POST_MAX, 70000, 9 };
    for (uint32_t n = 0; n < G_N_ELEMENTS(sizes); n++) {
        write_event(w, n, sizes[n]);
        g_assert_cmpuint(count_now(NULL), ==, n + 1);
    }
    log_writer_free(w);
    remove_all();
}

/* Time goes on without events, too. */
static void test_progress_is_there(void)
{
    LogWriter *w = begun_log();
    Icount end;
    log_writer_tick(w, 500);
    g_assert_cmpuint(count_now(&end), ==, 0);
    g_assert_cmpuint(end, ==, 500);
    log_writer_free(w);
    remove_all();
    w = begun_log();
    write_event(w, 0, 4);
    write_event(w, 1, 4);
    for (Icount now = 11; now < 5000; now += 700) {
        log_writer_tick(w, now);
        g_assert_cmpuint(count_now(&end), ==, 2);
        g_assert_cmpuint(end, ==, now);
    }
    write_event(w, 2, 4);
    log_writer_free(w);
    remove_all();
}

/* A write is cut short at any byte: of the chunk that takes the tail's place,
 * and of the tail. */
static void test_torn_writes(void)
{
    LogWriter *w = begun_log();
    for (uint32_t n = 0; n < 40; n++) {
        write_event(w, n, 8);
    }
    Bytes before = contents(path);
    gsize header = LOG_HEADER_BYTES + strlen(identity);
    log_writer_flush(w, 390);
    Bytes after = contents(path);
    g_assert_cmpuint(after.len, <, before.len);
    for (gsize cut = header; cut <= after.len; cut++) {
        g_autofree char *torn = g_memdup2(before.data, before.len);
        memcpy(torn, after.data, cut);
        g_assert_cmpuint(count_bytes(torn, before.len, NULL), ==, 40);
    }
    gsize tail = log_tail_offset(header);
    for (gsize cut = header; cut < before.len;
         cut += cut < tail - 4 ? 4001 : 1) {
        uint32_t n = count_bytes(before.data, cut, NULL);
        gsize most = cut > tail ? (cut - tail) / 8 : 0;
        g_assert_cmpuint(n, <=, most);
    }
    g_free(before.data);
    g_free(after.data);
    log_writer_free(w);
    remove_all();
}

/* Bytes that do not deflate, at that icount. */
static void write_noise(LogWriter *w, Icount icount, uint32_t len)
{
    g_autofree uint8_t *data = g_malloc(len);
    for (uint32_t i = 0; i < len; i++) {
        data[i] = g_random_int();
    }
    LogEvent e = { .icount = icount, .op = LOG_POST, .port = 3, .data = data,
                   .len = len };
    log_write_event(w, &e);
}

/* The largest chunk there is ends just before its tail's place, and the recorder
 * is killed before the tail is cut off. */
static void test_chunk_before_tail(void)
{
    gsize first = LOG_HEADER_BYTES + LOG_CHUNK_BYTES +
                  compressBound(LOG_CHUNK_FULL + LOG_CHUNK_BYTES);
    g_autofree char *text = g_strnfill(-first & (LOG_TAIL_ALIGN - 1), 'x');
    LogWriter *w = log_writer_new(path, text, NULL);
    log_writer_begin(w, NULL);
    for (Icount n = 1; n <= 3; n++) {
        write_noise(w, n << 48, 20000);
    }
    Bytes before = contents(path);
    /* The three take 60027 bytes: one less than a whole chunk. */
    write_noise(w, UINT64_C(1) << 51, LOG_CHUNK_FULL - 1 - 60027);
    Bytes after = contents(path);
    gsize tail = log_tail_offset(LOG_HEADER_BYTES + strlen(text));
    g_assert_cmpuint(after.len, <, tail);
    g_assert_cmpuint(after.len + LOG_CHUNK_BYTES, >, tail);
    memcpy(before.data, after.data, after.len);
    LogReader *r = reader_of(before.data, before.len, NULL);
    g_assert_nonnull(r);
    g_assert_cmpuint(log_reader_events(r), ==, 4);
    log_reader_free(r);
    g_free(before.data);
    g_free(after.data);
    log_writer_free(w);
    remove_all();
}

/* What is left of an older, longer tail is not read as a part of the new. */
static void test_old_tails_are_dead(void)
{
    LogWriter *w = begun_log();
    uint32_t n = 0;
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < 50 - round; i++) {
            write_event(w, n++, 8);
        }
        g_assert_cmpuint(count_now(NULL), ==, n);
        log_writer_flush(w, (n - 1) * 10);
        g_assert_cmpuint(count_now(NULL), ==, n);
    }
    log_writer_free(w);
    remove_all();
}

/* A recorder in a process of its own tells what it delivered, and dies. */
static void killed_recorder(int out)
{
    LogWriter *w = new_log();
    log_writer_begin(w, NULL);
    for (uint32_t n = 0;; n++) {
        write_event(w, n, n % 300);
        log_writer_tick(w, n * 10);
        if (write(out, &n, sizeof n) != sizeof n) {
            _exit(1);
        }
    }
}

static void test_killed(void)
{
    for (unsigned round = 0; round < 40; round++) {
        int ends[2];
        uint32_t seen = 0, n = 0;
        g_assert_cmpint(pipe(ends), ==, 0);
        pid_t pid = fork();
        if (pid == 0) {
            close(ends[0]);
            killed_recorder(ends[1]);
        }
        close(ends[1]);
        uint32_t most = g_random_int_range(1, 2000);
        while (seen < most && read(ends[0], &n, sizeof n) == sizeof n) {
            seen = n + 1;
        }
        kill(pid, SIGKILL);
        while (read(ends[0], &n, sizeof n) == sizeof n) {
            seen = n + 1;
        }
        close(ends[0]);
        waitpid(pid, NULL, 0);
        g_assert_cmpuint(count_events(path), >=, seen);
        remove_all();
    }
}

/* --- a full disk -------------------------------------------------------------------- */

static void limit(rlim_t bytes)
{
    struct rlimit rl;
    getrlimit(RLIMIT_FSIZE, &rl);
    rl.rlim_cur = bytes;
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &rl), ==, 0);
}

static void test_full_disk(void)
{
    signal(SIGXFSZ, SIG_IGN);
    for (rlim_t room = 70000; room < 150000; room += 2977) {
        LogWriter *w = begun_log();
        Error *err = NULL;
        uint32_t n = 0;
        limit(room);
        while (log_writer_good(w)) {
            write_event(w, n++, 50);
        }
        /* Some more come before the machine stands still. */
        write_event(w, n++, 50);
        write_event(w, n++, 50);
        /* What is compressed may have room where it had not. */
        if (!log_writer_ok(w, &err)) {
            g_assert_nonnull(strstr(error_message(err), path));
            error_free(err);
        }
        g_assert_cmpuint(count_now(NULL), >=, n - 3);
        limit(RLIM_INFINITY);
        g_assert_true(log_writer_ok(w, NULL));
        g_assert_cmpuint(count_now(NULL), ==, n);
        write_event(w, n, 50);
        g_assert_cmpuint(count_now(NULL), ==, n + 1);
        log_write_end(w, n * 10, "guest-shutdown");
        g_assert_true(log_writer_ok(w, NULL));
        log_writer_free(w);
        g_assert_cmpuint(count_events(path), ==, n + 1);
        remove_all();
    }
}

static void test_no_room_at_all(void)
{
    signal(SIGXFSZ, SIG_IGN);
    Error *err = NULL;
    limit(10);
    LogWriter *w = log_writer_new(path, identity, &err);
    limit(RLIM_INFINITY);
    g_assert_null(w);
    g_assert_nonnull(strstr(error_message(err), path));
    error_free(err);
    g_assert_false(g_file_test(part_path, G_FILE_TEST_EXISTS));
}

/* --- nothing is destroyed -------------------------------------------------------------- */

/* An error that says so; what is there stays as it is. */
static void check_refused(const char *complaint)
{
    Error *err = NULL;
    g_assert_null(log_writer_new(path, identity, &err));
    if (!strstr(error_message(err), complaint)) {
        g_error("%s", error_message(err));
    }
    error_free(err);
}

static void test_locks(void)
{
    Error *err = NULL;
    LogWriter *w = new_log();
    check_refused("in use by another recording");
    g_assert_true(log_writer_begin(w, NULL));
    write_event(w, 0, 4);
    check_refused("in use by another recording");
    g_assert_null(log_reader_new(path, &err));
    g_assert_nonnull(strstr(error_message(err), "is being written"));
    error_free(err);
    log_writer_flush(w, 0);
    LogReader *own = log_writer_read(w, NULL);
    g_assert_cmpuint(log_reader_events(own), ==, 1);
    log_reader_free(own);
    check_refused("in use by another recording");
    log_writer_free(w);
    LogReader *a = log_reader_new(path, NULL), *b = log_reader_new(path, NULL);
    g_assert_true(a && b);
    log_reader_free(a);
    check_refused("in use by another recording or replay");
    log_reader_free(b);
    log_writer_free(begun_log());
    remove_all();
}

static void test_old_is_kept(void)
{
    LogWriter *w = begun_log();
    write_event(w, 0, 4);
    log_writer_free(w);
    /* One that never begins leaves everything as it was. */
    log_writer_free(new_log());
    g_assert_cmpuint(count_events(path), ==, 1);
    g_assert_false(g_file_test(part_path, G_FILE_TEST_EXISTS));
    w = new_log();
    g_assert_false(g_file_test(old_path, G_FILE_TEST_EXISTS));
    g_assert_true(log_writer_begin(w, NULL));
    log_writer_free(w);
    g_assert_cmpuint(count_events(path), ==, 0);
    g_assert_cmpuint(count_events(old_path), ==, 1);
    struct stat st;
    g_assert_cmpint(stat(path, &st), ==, 0);
    g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
    remove_all();
}

static void test_other_files_are_refused(void)
{
    Error *err = NULL;
    static const char text[] = "QFI\xfb an image, or a letter";
    g_file_set_contents(path, text, sizeof text, NULL);
    check_refused("is not a recording and is not overwritten");
    Bytes b = contents(path);
    g_assert_cmpmem(b.data, b.len, text, sizeof text);
    g_free(b.data);
    g_unlink(path);
    g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
    check_refused("Is a directory");
    g_rmdir(path);
    g_assert_null(log_writer_new("/dev/null", identity, &err));
    error_free(err);
    g_file_set_contents(old_path, text, sizeof text, NULL);
    LogWriter *w = begun_log();
    log_writer_free(w);
    w = new_log();
    err = NULL;
    g_assert_false(log_writer_begin(w, &err));
    g_assert_nonnull(strstr(error_message(err), old_path));
    error_free(err);
    log_writer_free(w);
    g_assert_cmpuint(count_events(path), ==, 0);
    remove_all();
}

/* --- hostile ---------------------------------------------------------------------------- */

static void append_chunk(GByteArray *file, LogChunk c, size_t raw_bytes)
{
    g_autofree uint8_t *raw = g_malloc0(raw_bytes);
    uLongf len = compressBound(raw_bytes);
    g_autofree uint8_t *packed = g_malloc(len);
    uint8_t head[LOG_CHUNK_BYTES];
    compress2(packed, &len, raw, raw_bytes, 9);
    c.bytes = len;
    c.raw_bytes = raw_bytes;
    c.crc = crc32c(0, packed, len);
    log_chunk_encode(&c, head);
    g_byte_array_append(file, head, sizeof head);
    g_byte_array_append(file, packed, len);
}

/* As many zeroes as a chunk's type could have meant, of every type. */
static void test_bombs(void)
{
    log_writer_free(begun_log());
    Bytes b = contents(path);
    remove_all();
    for (unsigned type = 0; type < 10; type++) {
        for (unsigned events = 0; events < 3; events++) {
            GByteArray *file = g_byte_array_new();
            g_byte_array_append(file, (uint8_t *)b.data, b.len);
            append_chunk(file, (LogChunk){ .type = type, .events = events },
                         2 * MIB);
            Error *err = NULL;
            g_assert_null(reader_of(file->data, file->len, &err));
            g_autofree char *where = g_strdup_printf("at byte %zu:", b.len);
            g_assert_nonnull(strstr(error_message(err), where));
            error_free(err);
            g_byte_array_free(file, TRUE);
        }
    }
    g_free(b.data);
    remove_all();
}

/* A hundred thousand times the same line: compared in no time. */
static void test_long_identity(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    while (text->len + 4 <= LOG_IDENTITY_MAX) {
        g_string_append(text, "a=b\n");
    }
    LogWriter *w = log_writer_new(path, text->str, NULL);
    g_assert_true(log_writer_begin(w, NULL));
    log_writer_free(w);
    Toy *t = toy_new(toy_busy, toy_busy_count, false);
    ReplayOptions o = { .mode = REPLAY_PLAY, .file = path };
    Error *err = NULL;
    g_assert_null(replay_start(t->m, &o, &err));
    g_assert_nonnull(strstr(error_message(err), "recorded with a=b"));
    error_free(err);
    toy_free(t);
    g_string_append(text, "a=b\n");
    err = NULL;
    g_assert_null(log_writer_new(path, text->str, &err));
    error_free(err);
    remove_all();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("test-log-file-XXXXXX", NULL);
    path = g_build_filename(folder, "run.rr", NULL);
    old_path = g_strconcat(path, ".old", NULL);
    part_path = g_strconcat(path, ".part", NULL);
    g_test_add_func("/log-file/each-event-is-there", test_each_event_is_there);
    g_test_add_func("/log-file/large-events", test_large_events);
    g_test_add_func("/log-file/progress-is-there", test_progress_is_there);
    g_test_add_func("/log-file/torn-writes", test_torn_writes);
    g_test_add_func("/log-file/chunk-before-tail", test_chunk_before_tail);
    g_test_add_func("/log-file/old-tails-are-dead", test_old_tails_are_dead);
    g_test_add_func("/log-file/killed", test_killed);
    g_test_add_func("/log-file/full-disk", test_full_disk);
    g_test_add_func("/log-file/no-room-at-all", test_no_room_at_all);
    g_test_add_func("/log-file/locks", test_locks);
    g_test_add_func("/log-file/old-is-kept", test_old_is_kept);
    g_test_add_func("/log-file/other-files-are-refused",
                    test_other_files_are_refused);
    g_test_add_func("/log-file/bombs", test_bombs);
    g_test_add_func("/log-file/long-identity", test_long_identity);
    int ret = g_test_run();
    g_rmdir(folder);
    return ret;
}
