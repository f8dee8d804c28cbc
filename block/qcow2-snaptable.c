/*
 * The snapshot table of a qcow2 image: rows of 40 bytes, extra data, id and
 * name, each padded to 8 bytes.
 */
#include <errno.h>
#include <string.h>

#include "qcow2.h"

/* A row, and in its extra data. */
enum {
    ROW_L1_OFFSET = 0,
    ROW_L1_ENTRIES = 8,
    ROW_ID_BYTES = 12,
    ROW_NAME_BYTES = 14,
    ROW_DATE_SEC = 16,
    ROW_DATE_NSEC = 20,
    ROW_VM_CLOCK = 24,
    ROW_VM_STATE = 32,
    ROW_EXTRA_BYTES = 36,
    ROW_BYTES = 40,
    EXTRA_VM_STATE = 0,
    EXTRA_DISK_SIZE = 8,
    EXTRA_ICOUNT = 16,
    EXTRA_BYTES = 24,      /* of what we write at least */
};

void qcow2_snapshot_free(Qcow2Snapshot *s)
{
    if (s) {
        g_free(s->info.id);
        g_free(s->info.name);
        if (s->extra) {
            g_byte_array_unref(s->extra);
        }
        g_free(s);
    }
}

/* --- reading ---------------------------------------------------------- */

static uint64_t extra_u64(const Qcow2Snapshot *s, unsigned at,
                          uint64_t missing)
{
    return s->extra->len >= at + 8 ? bytes_ld_be64(s->extra->data + at)
                                   : missing;
}

bool qcow2_snapshot_incomplete(const Qcow2 *q, const Qcow2Snapshot *s)
{
    return q->version >= 3 && s->extra->len < EXTRA_DISK_SIZE + 8;
}

void qcow2_snapshot_complete(Qcow2Snapshot *s)
{
    static const uint8_t none[EXTRA_BYTES];
    if (s->extra->len < EXTRA_BYTES) {
        g_byte_array_append(s->extra, none, EXTRA_BYTES - s->extra->len);
    }
}

static Qcow2Snapshot *row_parse(const Qcow2 *q, const uint8_t *row)
{
    Qcow2Snapshot *s = g_new0(Qcow2Snapshot, 1);
    uint32_t extra = bytes_ld_be32(row + ROW_EXTRA_BYTES);
    uint16_t id = bytes_ld_be16(row + ROW_ID_BYTES);
    const char *strings = (const char *)row + ROW_BYTES + extra;
    s->extra = g_byte_array_new();
    g_byte_array_append(s->extra, row + ROW_BYTES, extra);
    s->info.id = g_strndup(strings, id);
    s->info.name = g_strndup(strings + id,
                             bytes_ld_be16(row + ROW_NAME_BYTES));
    s->info.date_sec = bytes_ld_be32(row + ROW_DATE_SEC);
    s->info.date_nsec = bytes_ld_be32(row + ROW_DATE_NSEC);
    s->info.vm_clock_ns = bytes_ld_be64(row + ROW_VM_CLOCK);
    s->info.vm_state_bytes = extra_u64(s, EXTRA_VM_STATE,
                                       bytes_ld_be32(row + ROW_VM_STATE));
    s->info.icount = extra_u64(s, EXTRA_ICOUNT, ICOUNT_NONE);
    s->disk_bytes = extra_u64(s, EXTRA_DISK_SIZE, q->map.size_bytes);
    s->l1_offset = bytes_ld_be64(row + ROW_L1_OFFSET);
    s->l1_entries = bytes_ld_be32(row + ROW_L1_ENTRIES);
    return s;
}

/* Bytes of a row, 0 if it does not fit into what is left, or can be no row: it
 * has an id. */
static uint64_t row_bytes(const uint8_t *row, uint64_t left)
{
    if (left < ROW_BYTES) {
        return 0;
    }
    uint64_t extra = bytes_ld_be32(row + ROW_EXTRA_BYTES);
    uint64_t bytes = ROW_BYTES + extra + bytes_ld_be16(row + ROW_ID_BYTES) +
                     bytes_ld_be16(row + ROW_NAME_BYTES);
    return extra > QCOW2_SNAPSHOT_EXTRA_MAX || bytes > left ||
           bytes_ld_be16(row + ROW_ID_BYTES) == 0 ? 0 : bytes;
}

static bool rows_parse(Qcow2 *q, const uint8_t *table, uint64_t bytes,
                       uint32_t count, Error **errp)
{
    uint64_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t len = at < bytes ? row_bytes(table + at, bytes - at) : 0;
        if (len == 0) {
            return qcow2_error(q, errp, q->snapshots_offset + at,
                               "bad snapshot table entry");
        }
        g_ptr_array_add(q->snapshots, row_parse(q, table + at));
        at += (len + 7) & ~UINT64_C(7);
    }
    q->snapshots_bytes = MIN(at, bytes);
    return true;
}

bool qcow2_snapshots_load(Qcow2 *q, uint32_t count, Error **errp)
{
    uint64_t offset = q->snapshots_offset;
    uint64_t file = block_file_size(q->file);
    if (count == 0) {
        q->snapshots_offset = 0;
        return true;
    }
    if (count > QCOW2_SNAPSHOTS_MAX || offset >= file ||
        (offset & (qcow2_cluster(q) - 1)) ||
        count > (file - offset) / ROW_BYTES) {
        return qcow2_error(q, errp, HEADER_SNAPSHOT_COUNT,
                           "snapshot table out of bounds");
    }
    uint64_t row_max = ROW_BYTES + QCOW2_SNAPSHOT_EXTRA_MAX + 2 * 65536;
    uint64_t bytes = MIN(MIN(file - offset, count * row_max),
                         QCOW2_SNAPSHOT_TABLE_BYTES_MAX);
    g_autofree uint8_t *table = g_malloc(bytes);
    int err = block_file_read(q->file, offset, table, bytes);
    if (err < 0) {
        error_set_errno(errp, -err, "Could not read the snapshot table of "
                        "'%s'", q->node.file);
        return false;
    }
    return rows_parse(q, table, bytes, count, errp);
}

bool qcow2_snapshots_reload(Qcow2 *q, Error **errp)
{
    uint8_t header[12];
    if (!block_file_measure(q->file, errp)) {
        return false;
    }
    int err = block_file_read(q->file, HEADER_SNAPSHOT_COUNT, header,
                              sizeof header);
    if (err < 0) {
        error_set_errno(errp, -err, "Could not read '%s'", q->node.file);
        return false;
    }
    g_ptr_array_set_size(q->snapshots, 0);
    q->snapshots_offset = bytes_ld_be64(header + 4);
    q->snapshots_bytes = 0;
    return qcow2_snapshots_load(q, bytes_ld_be32(header), errp);
}

/* --- writing ---------------------------------------------------------- */

static void row_append(GByteArray *out, const Qcow2Snapshot *s)
{
    static const uint8_t zeroes[8];
    uint8_t row[ROW_BYTES];
    uint64_t size = s->info.vm_state_bytes;
    bytes_st_be64(row + ROW_L1_OFFSET, s->l1_offset);
    bytes_st_be32(row + ROW_L1_ENTRIES, s->l1_entries);
    bytes_st_be16(row + ROW_ID_BYTES, strlen(s->info.id));
    bytes_st_be16(row + ROW_NAME_BYTES, strlen(s->info.name));
    bytes_st_be32(row + ROW_DATE_SEC, s->info.date_sec);
    bytes_st_be32(row + ROW_DATE_NSEC, s->info.date_nsec);
    bytes_st_be64(row + ROW_VM_CLOCK, s->info.vm_clock_ns);
    bytes_st_be32(row + ROW_VM_STATE, size > UINT32_MAX ? 0 : size);
    bytes_st_be32(row + ROW_EXTRA_BYTES, MAX(s->extra->len, EXTRA_BYTES));

    uint8_t extra[EXTRA_BYTES];
    bytes_st_be64(extra + EXTRA_VM_STATE, size);
    bytes_st_be64(extra + EXTRA_DISK_SIZE, s->disk_bytes);
    bytes_st_be64(extra + EXTRA_ICOUNT, s->info.icount);
    g_byte_array_append(out, row, sizeof row);
    g_byte_array_append(out, extra, sizeof extra);
    if (s->extra->len > EXTRA_BYTES) {
        g_byte_array_append(out, s->extra->data + EXTRA_BYTES,
                            s->extra->len - EXTRA_BYTES);
    }
    g_byte_array_append(out, (const uint8_t *)s->info.id, strlen(s->info.id));
    g_byte_array_append(out, (const uint8_t *)s->info.name,
                        strlen(s->info.name));
    g_byte_array_append(out, zeroes, -out->len & 7);
}

static int table_store(Qcow2 *q, const GByteArray *table, uint64_t *offset)
{
    uint64_t clusters = qcow2_clusters(q, table->len);
    *offset = 0;
    if (clusters == 0) {
        return 0;
    }
    int err = qcow2_alloc(q, clusters, offset);
    if (err < 0) {
        return err;
    }
    err = block_file_write(q->file, *offset, table->data, table->len);
    if (err < 0) {
        qcow2_free(q, *offset, clusters);
    }
    return err;
}

int qcow2_snapshots_store(Qcow2 *q, const GPtrArray *rows, uint64_t *offset,
                          uint64_t *bytes)
{
    g_autoptr(GByteArray) table = g_byte_array_new();
    for (guint i = 0; i < rows->len; i++) {
        row_append(table, g_ptr_array_index(rows, i));
    }
    *bytes = table->len;
    return rows->len > QCOW2_SNAPSHOTS_MAX ||
           table->len > QCOW2_SNAPSHOT_TABLE_BYTES_MAX ? -EFBIG :
           table_store(q, table, offset);
}

int qcow2_snapshot_index(const Qcow2 *q, const char *name)
{
    for (guint i = 0; i < q->snapshots->len; i++) {
        const Qcow2Snapshot *s = g_ptr_array_index(q->snapshots, i);
        if (strcmp(s->info.name, name) == 0) {
            return i;
        }
    }
    for (guint i = 0; i < q->snapshots->len; i++) {
        const Qcow2Snapshot *s = g_ptr_array_index(q->snapshots, i);
        if (strcmp(s->info.id, name) == 0) {
            return i;
        }
    }
    return -1;
}

GPtrArray *qcow2_snapshot_list(BlockNode *n)
{
    const Qcow2 *q = QCOW2(n);
    GPtrArray *list = g_ptr_array_new_with_free_func(
        (GDestroyNotify)block_snapshot_free);
    for (guint i = 0; i < q->snapshots->len; i++) {
        const Qcow2Snapshot *s = g_ptr_array_index(q->snapshots, i);
        BlockSnapshot *copy = g_memdup2(&s->info, sizeof s->info);
        copy->id = g_strdup(s->info.id);
        copy->name = g_strdup(s->info.name);
        g_ptr_array_add(list, copy);
    }
    return list;
}
