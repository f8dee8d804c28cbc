/*
 * The bytes of files that go into a pack. See replay-pack.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "replay-pack.h"

PackFile *pack_file_new(const char *source, char *path, const char *role)
{
    PackFile *f = g_new0(PackFile, 1);
    f->source = g_strdup(source);
    f->path = path;
    f->role = role;
    f->arguments = g_array_new(FALSE, FALSE, sizeof(unsigned));
    f->extents = g_array_new(FALSE, FALSE, sizeof(PackExtent));
    return f;
}

void pack_file_free(PackFile *f)
{
    g_free(f->source);
    g_free(f->path);
    g_array_free(f->arguments, TRUE);
    g_array_free(f->extents, TRUE);
    g_clear_pointer(&f->head, g_bytes_unref);
    g_free(f);
}

static int open_source(const PackFile *f, struct stat *st, Error **errp)
{
    int fd = open(f->source, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, st) < 0) {
        error_set_errno(errp, errno, "Could not open '%s'", f->source);
    } else if (!S_ISREG(st->st_mode)) {
        error_set(errp, "'%s' cannot be packed: it is not a regular file",
                  f->source);
    } else {
        return fd;
    }
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

/* Where there is data; a file system that cannot tell says: everywhere. */
static void find_extents(PackFile *f, int fd)
{
    g_array_set_size(f->extents, 0);
    for (off_t at = 0; at < (off_t)f->bytes;) {
        off_t data = lseek(fd, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO) {
            return;
        }
        off_t hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
        data = data < 0 ? at : data;
        hole = hole <= data ? (off_t)f->bytes : hole;
        PackExtent e = { data, hole - data };
        g_array_append_val(f->extents, e);
        at = hole;
    }
}

static bool add_to_digest(void *opaque, const uint8_t *data, size_t len,
                          Error **errp)
{
    XXH3_64bits_update(opaque, data, len);
    return true;
}

bool pack_file_scan(PackFile *f, Error **errp)
{
    struct stat st;
    int fd = open_source(f, &st, errp);
    if (fd < 0) {
        return false;
    }
    f->bytes = st.st_size;
    f->mtime_sec = st.st_mtime;
    find_extents(f, fd);
    close(fd);
    XXH3_state_t *state = XXH3_createState();
    XXH3_64bits_reset(state);
    bool ok = pack_file_read(f, add_to_digest, state, errp);
    f->digest = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return ok;
}

/* Fills buf from the file; what `head` covers comes from there. */
static bool read_piece(const PackFile *f, int fd, uint64_t at, uint8_t *buf,
                       size_t len, Error **errp)
{
    for (size_t have = 0; have < len;) {
        ssize_t n = pread(fd, buf + have, len - have, at + have);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            error_set(errp, "Could not read '%s' at byte %" G_GUINT64_FORMAT
                      ": %s", f->source, at + have,
                      n < 0 ? g_strerror(errno) : "it became shorter");
            return false;
        }
        have += n;
    }
    size_t head_bytes = 0;
    const uint8_t *head = f->head ? g_bytes_get_data(f->head, &head_bytes)
                                  : NULL;
    if (at < head_bytes) {
        memcpy(buf, head + at, MIN(len, head_bytes - at));
    }
    return true;
}

bool pack_file_read(const PackFile *f, PackBytes *fn, void *opaque,
                    Error **errp)
{
    struct stat st;
    int fd = open_source(f, &st, errp);
    if (fd < 0) {
        return false;
    }
    g_autofree uint8_t *buf = g_malloc(PACK_PIECE);
    bool ok = true;
    for (uint64_t at = 0; ok && at < f->bytes;) {
        size_t len = MIN(PACK_PIECE, f->bytes - at);
        ok = read_piece(f, fd, at, buf, len, errp) &&
             fn(opaque, buf, len, errp);
        at += len;
    }
    close(fd);
    return ok;
}
