/*
 * What the fuzz targets share. See fuzz.h.
 */
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

uint8_t fuzz_u8(FuzzInput *in)
{
    return fuzz_int(in, 1);
}

uint64_t fuzz_int(FuzzInput *in, unsigned bytes)
{
    size_t got;
    const uint8_t *p = fuzz_bytes(in, bytes, &got);
    uint64_t v = 0;
    for (size_t i = 0; i < got; i++) {
        v |= (uint64_t)p[i] << (8 * i);
    }
    return v;
}

const uint8_t *fuzz_bytes(FuzzInput *in, size_t len, size_t *got)
{
    const uint8_t *p = in->data;
    *got = MIN(len, in->len);
    in->data += *got;
    in->len -= *got;
    return p;
}

static void file_put(int fd, const uint8_t *p, size_t len)
{
    while (len) {
        ssize_t n = write(fd, p, len);
        g_assert(n > 0);
        p += n;
        len -= n;
    }
}

const char *fuzz_file(const void *data, size_t len)
{
    static char path[32];
    static int fd = -1;
    if (fd >= 0) {
        close(fd);             /* a fresh one: the old may be mapped */
    }
    fd = memfd_create("fuzz", MFD_CLOEXEC);
    g_assert(fd >= 0);
    file_put(fd, data, len);
    g_snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return path;
}

void fuzz_expect(Error *err)
{
    if (err) {
        g_assert(*error_message(err));
        error_free(err);
    }
}
