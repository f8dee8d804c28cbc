/*
 * The 9P server over a folder: sessions, files, and clients that want out of it,
 * send noise, or ask for more than there is.
 */
#include "p9.h"

#include "base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#define ROOM 8192u

typedef struct Fixture {
    char *outside, *folder;    /* folder is in outside */
    P9 *p;
    GByteArray *out;           /* the latest answer */
    uint16_t tag;
} Fixture;

static char *in_folder(Fixture *f, const char *name)
{
    return g_build_filename(f->folder, name, NULL);
}

static void write_file(const char *path, const char *text)
{
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void setup(Fixture *f, ShareModel model, bool readonly)
{
    *f = (Fixture){ 0 };
    f->outside = g_dir_make_tmp("reprise-p9-XXXXXX", NULL);
    f->folder = g_build_filename(f->outside, "folder", NULL);
    g_assert_cmpint(g_mkdir(f->folder, 0755), ==, 0);
    g_autofree char *secret = g_build_filename(f->outside, "secret", NULL);
    write_file(secret, "secret");
    g_autofree char *link = in_folder(f, "link"), *up = in_folder(f, "up");
    g_assert_cmpint(symlink(secret, link), ==, 0);
    g_assert_cmpint(symlink("..", up), ==, 0);
    g_autofree char *file = in_folder(f, "file");
    write_file(file, "0123456789");
    g_autofree char *pipe = in_folder(f, "pipe");
    g_assert_cmpint(mkfifo(pipe, 0600), ==, 0);
    ShareSpec spec = { .id = "s", .model = model, .readonly = readonly,
                       .file_mode = 0600, .folder_mode = 0700 };
    f->p = p9_new(open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), &spec);
}

static void teardown(Fixture *f)
{
    g_autofree char *command = g_strdup_printf("rm -rf '%s'", f->outside);
    p9_free(f->p);
    g_clear_pointer(&f->out, g_byte_array_unref);
    g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
    g_free(f->outside);
    g_free(f->folder);
}

/* Sends a message made by a format: b, w, d, q: a number of 1, 2, 4, 8 bytes; s: a
 * string. 0 or the error's number; f->out is the answer. */
static int ask(Fixture *f, uint8_t type, const char *format, ...)
{
    g_autoptr(GByteArray) m = g_byte_array_new();
    va_list ap;
    p9_put(m, 4, 0);
    p9_put(m, 1, type);
    p9_put(m, 2, ++f->tag);
    va_start(ap, format);
    for (; *format; format++) {
        if (*format == 's') {
            p9_put_string(m, va_arg(ap, const char *));
        } else if (*format == 'q') {
            p9_put(m, 8, va_arg(ap, uint64_t));
        } else {
            p9_put(m, *format == 'b' ? 1 : *format == 'w' ? 2 : 4,
                   va_arg(ap, unsigned));
        }
    }
    va_end(ap);
    bytes_st_le32(m->data, m->len);
    g_clear_pointer(&f->out, g_byte_array_unref);
    f->out = p9_answer(f->p, m->data, m->len, ROOM);
    g_assert_cmpuint(bytes_ld_le32(f->out->data), ==, f->out->len);
    g_assert_cmpuint(bytes_ld_le16(f->out->data + 5), ==, f->tag);
    if (f->out->data[4] == 7) {
        return bytes_ld_le32(f->out->data + 7);
    }
    g_assert_cmpuint(f->out->data[4], ==, type + 1);
    return 0;
}

/* Fid 0 is the folder. */
static void attach(Fixture *f)
{
    g_assert_cmpint(ask(f, 100, "ds", 65536, "9P2000.L"), ==, 0);
    g_assert_cmpuint(bytes_ld_le32(f->out->data + 7), ==, 65536);
    g_assert_cmpint(ask(f, 104, "ddssd", 0, ~0u, "root", "", 0), ==, 0);
    g_assert_cmphex(f->out->data[7], ==, 0x80);
}

static int walk(Fixture *f, uint32_t fid, const char *name)
{
    return ask(f, 110, "ddws", 0, fid, 1, name);
}

static void test_files(void)
{
    Fixture f;
    setup(&f, SHARE_NONE, false);
    g_assert_cmpint(ask(&f, 100, "ds", 65536, "9P2000"), ==, 0);
    g_assert_true(!memcmp(f.out->data + 13, "unknown", 7));
    attach(&f);
    g_assert_cmpint(walk(&f, 1, "file"), ==, 0);
    g_assert_cmpint(ask(&f, 116, "dqd", 1, UINT64_C(0), 100), ==, EBADF);
    g_assert_cmpint(ask(&f, 12, "dd", 1, 2), ==, 0);
    g_assert_cmpint(ask(&f, 116, "dqd", 1, UINT64_C(4), 100000), ==, 0);
    g_assert_cmpuint(bytes_ld_le32(f.out->data + 7), ==, 6);
    g_assert_true(!memcmp(f.out->data + 11, "456789", 6));
    g_assert_cmpint(ask(&f, 118, "dqdb", 1, UINT64_C(2), 1, 'x'), ==, 0);
    g_assert_cmpint(ask(&f, 24, "dq", 1, UINT64_C(0x7ff)), ==, 0);
    g_assert_cmpuint(bytes_ld_le64(f.out->data + 56), ==, 10);
    g_assert_cmpint(ask(&f, 120, "d", 1), ==, 0);
    g_assert_cmpint(ask(&f, 120, "d", 1), ==, EBADF);
    g_autofree char *path = in_folder(&f, "file"), *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "01x3456789");
    /* An open file follows its folder's new name. */
    g_assert_cmpint(ask(&f, 72, "dsdd", 0, "a", 0755, 0), ==, 0);
    g_assert_cmpint(walk(&f, 2, "a"), ==, 0);
    g_assert_cmpint(ask(&f, 14, "dsddd", 2, "new", 0102, 0600, 0), ==, 0);
    g_assert_cmpint(ask(&f, 74, "dsds", 0, "a", 0, "b"), ==, 0);
    g_assert_cmpint(ask(&f, 26, "ddddd" "qqqqq", 2, 1, 0640, 0, 0,
                        UINT64_C(0), UINT64_C(0), UINT64_C(0), UINT64_C(0),
                        UINT64_C(0)), ==, 0);
    g_autofree char *moved = in_folder(&f, "b/new");
    struct stat st;
    g_assert_cmpint(stat(moved, &st), ==, 0);
    g_assert_cmphex(st.st_mode & 0777, ==, 0640);
    teardown(&f);
}

/* Whatever a name or a link says, nothing outside is reached. */
static void test_no_way_out(void)
{
    static const char *const names[] = { "../secret", "a/b", "", ".",
                                         "/etc/passwd" };
    Fixture f;
    setup(&f, SHARE_NONE, false);
    attach(&f);
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_assert_cmpint(walk(&f, 1, names[i]), !=, 0);
        g_assert_cmpint(ask(&f, 72, "dsdd", 0, names[i], 0755, 0), !=, 0);
        g_assert_cmpint(ask(&f, 76, "dsd", 0, names[i], 0), !=, 0);
        g_assert_cmpint(ask(&f, 74, "dsds", 0, "file", 0, names[i]), !=, 0);
        g_assert_cmpint(ask(&f, 70, "dds", 0, 0, names[i]), !=, 0);
    }
    g_assert_cmpint(ask(&f, 76, "dsd", 0, "..", 0x200), !=, 0);
    /* Up from the folder is the folder. */
    g_assert_cmpint(ask(&f, 24, "dq", 0, UINT64_C(0x7ff)), ==, 0);
    g_autoptr(GBytes) root = g_bytes_new(f.out->data + 15, 13);
    g_assert_cmpint(walk(&f, 1, ".."), ==, 0);
    g_assert_true(!memcmp(f.out->data + 9, g_bytes_get_data(root, NULL), 13));
    /* A link is what it is, and no way. */
    g_assert_cmpint(walk(&f, 2, "link"), ==, 0);
    g_assert_cmphex(f.out->data[9], ==, 2);
    g_assert_cmpint(ask(&f, 12, "dd", 2, 0), ==, ELOOP);
    g_assert_cmpint(ask(&f, 110, "ddwss", 0, 3, 2, "up", "secret"), ==, 0);
    g_assert_cmpuint(bytes_ld_le16(f.out->data + 7), ==, 1);
    g_assert_null(p9_fid_find(f.p, 3));
    g_assert_cmpint(walk(&f, 4, "up"), ==, 0);
    g_assert_cmpint(ask(&f, 14, "dsddd", 4, "secret", 1, 0600, 0), ==,
                    ENOTDIR);
    g_assert_cmpint(ask(&f, 26, "ddddd" "qqqqq", 2, 8, 0, 0, 0, UINT64_C(0),
                        UINT64_C(0), UINT64_C(0), UINT64_C(0), UINT64_C(0)),
                    ==, EINVAL);
    /* Nor does a pipe hold anybody up. */
    g_assert_cmpint(walk(&f, 5, "pipe"), ==, 0);
    g_assert_cmpint(ask(&f, 12, "dd", 5, 0), ==, ENXIO);
    g_autofree char *secret = g_build_filename(f.outside, "secret", NULL);
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(secret, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "secret");
    teardown(&f);
}

static void test_readonly(void)
{
    Fixture f;
    setup(&f, SHARE_NONE, true);
    attach(&f);
    g_assert_cmpint(walk(&f, 1, "file"), ==, 0);
    g_assert_cmpint(ask(&f, 12, "dd", 1, 1), ==, EROFS);
    g_assert_cmpint(ask(&f, 12, "dd", 1, 01000), ==, EROFS);
    g_assert_cmpint(ask(&f, 14, "dsddd", 0, "n", 1, 0600, 0), ==, EROFS);
    g_assert_cmpint(ask(&f, 72, "dsdd", 0, "n", 0755, 0), ==, EROFS);
    g_assert_cmpint(ask(&f, 76, "dsd", 0, "file", 0), ==, EROFS);
    g_assert_cmpint(ask(&f, 122, "d", 1), ==, EROFS);
    g_assert_cmpint(walk(&f, 1, "file"), ==, 0);
    g_assert_cmpint(ask(&f, 12, "dd", 1, 0), ==, 0);
    teardown(&f);
}

/* Names, links and devices where owners are mapped; where the file system has no
 * such attributes, an error and no file. */
static void test_mapped(void)
{
    Fixture f;
    struct stat st;
    setup(&f, SHARE_MAPPED, false);
    attach(&f);
    int err = ask(&f, 18, "dsdddd", 0, "disk", 060644, 8, 1, 7);
    g_autofree char *path = in_folder(&f, "disk");
    if (err == EOPNOTSUPP) {
        g_assert_cmpint(lstat(path, &st), <, 0);
        g_test_skip("no extended attributes here");
        teardown(&f);
        return;
    }
    g_assert_cmpint(err, ==, 0);
    g_assert_cmpint(lstat(path, &st), ==, 0);
    g_assert_true(S_ISREG(st.st_mode));
    g_assert_cmphex(st.st_mode & 0777, ==, 0600);
    g_assert_cmpint(walk(&f, 1, "disk"), ==, 0);
    g_assert_cmpint(ask(&f, 24, "dq", 1, UINT64_C(0x7ff)), ==, 0);
    g_assert_cmphex(bytes_ld_le32(f.out->data + 28), ==, 060644);
    g_assert_cmpuint(bytes_ld_le32(f.out->data + 36), ==, 7);
    g_assert_cmphex(bytes_ld_le64(f.out->data + 48), ==, 0x801);
    g_assert_cmpint(ask(&f, 16, "dssd", 0, "soft", "/etc/passwd", 0), ==, 0);
    g_assert_cmpint(walk(&f, 2, "soft"), ==, 0);
    g_assert_cmphex(f.out->data[9], ==, 2);
    g_assert_cmpint(ask(&f, 22, "d", 2), ==, 0);
    g_assert_true(!memcmp(f.out->data + 9, "/etc/passwd", 11));
    /* The share's own attributes are not the guest's. */
    g_assert_cmpint(ask(&f, 32, "dsqd", 2, "user.virtfs.uid", UINT64_C(4), 0),
                    ==, EOPNOTSUPP);
    g_assert_cmpint(ask(&f, 30, "dds", 2, 9, "user.virtfs.uid"), ==, ENODATA);
    teardown(&f);
}

static void test_listing(void)
{
    Fixture f;
    unsigned seen = 0;
    uint64_t offset = 0;
    setup(&f, SHARE_NONE, false);
    for (unsigned i = 0; i < 200; i++) {
        g_autofree char *name = g_strdup_printf("many-%03u", i);
        g_autofree char *path = in_folder(&f, name);
        write_file(path, "");
    }
    attach(&f);
    g_assert_cmpint(ask(&f, 110, "ddw", 0, 1, 0), ==, 0);
    g_assert_cmpint(ask(&f, 12, "dd", 1, 0), ==, 0);
    while (ask(&f, 40, "dqd", 1, offset, 1000) == 0) {
        uint32_t bytes = bytes_ld_le32(f.out->data + 7);
        g_assert_cmpuint(bytes, <=, 1000);
        if (!bytes) {
            break;
        }
        for (const uint8_t *at = f.out->data + 11;
             at < f.out->data + 11 + bytes;
             at += 24 + bytes_ld_le16(at + 22)) {
            offset = bytes_ld_le64(at + 13);
            seen++;
        }
    }
    g_assert_cmpuint(seen, ==, 200 + 4 + 2);
    g_assert_cmpint(ask(&f, 40, "dqd", 1, UINT64_C(0), 10), ==, EINVAL);
    teardown(&f);
}

/* Messages of noise: an answer to each, and the server lives. */
static void test_noise(void)
{
    static const uint8_t types[] = { 8, 12, 14, 16, 18, 20, 22, 24, 26, 30,
                                     32, 40, 50, 52, 54, 70, 72, 74, 76, 100,
                                     104, 108, 110, 116, 118, 120, 122 };
    GRand *r = g_rand_new_with_seed(11);
    Fixture f;
    setup(&f, SHARE_NONE, false);
    attach(&f);
    for (unsigned n = 0; n < 20000; n++) {
        uint8_t m[80];
        unsigned len = g_rand_int_range(r, 0, sizeof m);
        for (unsigned i = 0; i < sizeof m; i++) {
            m[i] = g_rand_int_range(r, 0, 3) ? g_rand_int_range(r, 0, 4)
                                             : g_rand_int(r);
        }
        m[4] = n % 10 ? types[g_rand_int_range(r, 0, sizeof types)]
                      : g_rand_int(r);
        unsigned room = g_rand_int_range(r, 11, 300);
        g_byte_array_unref(p9_answer(f.p, m, len, room));
        GByteArray *out = p9_answer(f.p, m, len, room);
        g_assert_cmpuint(out->len, <=, room);
        g_byte_array_unref(out);
        if (n % 100 == 0) {
            attach(&f);
        }
    }
    g_autofree char *secret = g_build_filename(f.outside, "secret", NULL);
    g_assert_true(g_file_test(secret, G_FILE_TEST_IS_REGULAR));
    teardown(&f);
    g_rand_free(r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/p9/files", test_files);
    g_test_add_func("/p9/no-way-out", test_no_way_out);
    g_test_add_func("/p9/readonly", test_readonly);
    g_test_add_func("/p9/mapped", test_mapped);
    g_test_add_func("/p9/listing", test_listing);
    g_test_add_func("/p9/noise", test_noise);
    return g_test_run();
}
