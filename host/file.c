/*
 * Whole files (firmware, kernels) and where firmware is kept. See io/world.h.
 */
#include "io/world.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Far more than any firmware, kernel or initrd; a typing error such as
 * -kernel disk.img is better refused than read. */
#define FILE_MAX (4 * GIB)

static const char *const firmware_dirs[] = {
    "/usr/share/seabios",
    "/usr/share/qemu",
    "/usr/lib/ipxe/qemu",
    "/usr/local/share/qemu",
    NULL,
};

const char *const *world_firmware_dirs(void)
{
    return firmware_dirs;
}

/* Reads until len bytes are there or the file ends; the count, or -1. */
static ssize_t read_all(int fd, uint8_t *buf, size_t len)
{
    size_t have = 0;
    while (have < len) {
        ssize_t n = read(fd, buf + have, len - have);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        if (n == 0) {
            break;
        }
        have += n;
    }
    return have;
}

static GBytes *read_open_file(int fd, const char *path, Error **errp)
{
    struct stat st;
    if (fstat(fd, &st) < 0) {
        error_set_errno(errp, errno, "cannot read '%s'", path);
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        error_set(errp, "cannot read '%s': not a regular file", path);
        return NULL;
    }
    if ((uint64_t)st.st_size > FILE_MAX) {
        error_set(errp, "cannot read '%s': larger than %" PRIu64 " GiB", path,
                  (uint64_t)(FILE_MAX / GIB));
        return NULL;
    }
    uint8_t *buf = g_malloc(st.st_size ? st.st_size : 1);
    ssize_t n = read_all(fd, buf, st.st_size);
    if (n < 0) {
        error_set_errno(errp, errno, "cannot read '%s'", path);
        g_free(buf);
        return NULL;
    }
    return g_bytes_new_take(buf, n);
}

GBytes *world_read_file(const char *path, Error **errp)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        error_set_errno(errp, errno, "cannot open '%s'", path);
        return NULL;
    }
    GBytes *bytes = read_open_file(fd, path, errp);
    close(fd);
    return bytes;
}

bool world_peek_file(const char *path, void *head, size_t len, Error **errp)
{
    memset(head, 0, len);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read_all(fd, head, len);
    if (n < 0) {
        error_set_errno(errp, errno, "cannot open '%s'", path);
    }
    if (fd >= 0) {
        close(fd);
    }
    return n >= 0;
}

bool world_same_file(const char *a, const char *b)
{
    struct stat sa, sb;
    bool there = stat(a, &sa) == 0;
    if (there != (stat(b, &sb) == 0)) {
        return false;
    }
    if (there) {
        return sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
    }
    g_autofree char *whole_a = g_canonicalize_filename(a, NULL);
    g_autofree char *whole_b = g_canonicalize_filename(b, NULL);
    return g_str_equal(whole_a, whole_b);
}

static char *find_in(const char *dir, const char *name)
{
    char *path = g_build_filename(dir, name, NULL);
    if (g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
        return path;
    }
    g_free(path);
    return NULL;
}

char *world_find_firmware(const GPtrArray *dirs, const char *name)
{
    if (g_file_test(name, G_FILE_TEST_EXISTS)) {
        return g_strdup(name);
    }
    char *path = NULL;
    for (unsigned i = 0; dirs && i < dirs->len && !path; i++) {
        path = find_in(g_ptr_array_index(dirs, i), name);
    }
    for (unsigned i = 0; firmware_dirs[i] && !path; i++) {
        path = find_in(firmware_dirs[i], name);
    }
    return path;
}
