/*
 * QMP: disks and their images (qapi/block.json).
 */
#include "io/image.h"
#include "monitor.h"

static json_t *put_snapshots(const GPtrArray *snapshots)
{
    enum { NS = 1000000000 };
    json_t *list = json_array();
    for (guint i = 0; i < snapshots->len; i++) {
        const BlockSnapshot *s = g_ptr_array_index(snapshots, i);
        SnapshotInfoQmp info = {
            .id = s->id, .name = s->name, .vm_state_size = s->vm_state_bytes,
            .date_sec = s->date_sec, .date_nsec = s->date_nsec,
            .vm_clock_sec = s->vm_clock_ns / NS,
            .vm_clock_nsec = s->vm_clock_ns % NS,
            .has_icount = s->icount != ICOUNT_NONE, .icount = s->icount,
        };
        json_array_append_new(list, qapi_put_SnapshotInfoQmp(&info));
    }
    return list;
}

/* What the file itself says, so far as it can be read: a drive may be there
 * whose file is gone. */
static void describe_image(ImageInfoQmp *out, const ImageInfo *info)
{
    out->has_actual_size = true;
    out->actual_size = info->allocated_bytes;
    out->has_cluster_size = info->cluster_bytes != 0;
    out->cluster_size = info->cluster_bytes;
    out->has_dirty_flag = info->cluster_bytes != 0;
    out->dirty_flag = info->dirty;
    out->backing_filename = info->backing_file;
    out->full_backing_filename = info->backing_path;
    out->backing_filename_format = info->backing_format;
    out->snapshots = info->snapshots->len ? put_snapshots(info->snapshots)
                                          : NULL;
}

/* How many images are below this one. */
static unsigned backing_depth(const ImageInfo *info)
{
    enum { DEEPEST = 100 };
    unsigned depth = 0;
    g_autofree char *path = g_strdup(info ? info->backing_path : NULL);
    g_autofree char *format = g_strdup(info ? info->backing_format : NULL);
    while (path && depth < DEEPEST) {
        Error *err = NULL;
        ImageInfo *below = image_info(path, format, true, &err);
        error_free(err);
        depth++;
        g_free(path);
        g_free(format);
        path = g_strdup(below ? below->backing_path : NULL);
        format = g_strdup(below ? below->backing_format : NULL);
        image_info_free(below);
    }
    return depth;
}

static json_t *put_medium(BlockDev *b)
{
    Error *err = NULL;
    ImageInfo *info = image_info(blockdev_file(b), blockdev_format(b), true,
                                 &err);
    error_free(err);
    ImageInfoQmp image = {
        .filename = blockdev_file(b), .format = blockdev_format(b),
        .virtual_size = blockdev_size_bytes(b),
    };
    if (info) {
        describe_image(&image, info);
    }
    BlockModes modes = blockdev_modes(b);
    BlockCacheInfo cache = { .writeback = !modes.write_through,
                             .no_flush = modes.no_flush };
    BlockDeviceInfo medium = {
        .file = blockdev_file(b), .node_name = blockdev_node(b),
        .ro = blockdev_readonly(b), .drv = blockdev_format(b),
        .backing_file = image.backing_filename,
        .backing_file_depth = backing_depth(info),
        .detect_zeroes = modes.detect_zeroes ? "on" : "off",
        .image = &image, .cache = &cache,
    };
    json_t *o = qapi_put_BlockDeviceInfo(&medium);
    image_info_free(info);
    return o;
}

/* The device that has the disk; NULL: none. */
static const Device *device_of(const Machine *m, const BlockDev *b)
{
    for (guint i = 0; i < m->devices->len; i++) {
        const Device *dev = g_ptr_array_index(m->devices, i);
        const PropDef *p = dev->cls->props;
        for (; p && p->name; p++) {
            const void *at = (const char *)dev + p->offset;
            if (p->type == PROP_DRIVE && *(BlockDev *const *)at == b) {
                return dev;
            }
        }
    }
    return NULL;
}

static json_t *put_drive(const Machine *m, const DriveConfig *d)
{
    const Device *dev = device_of(m, d->dev);
    g_autofree char *path = dev ? qom_device_path(m, dev) : NULL;
    bool empty = blockdev_is_empty(d->dev);
    BlockInfo info = { .device = d->id, .qdev = path, .type = "unknown",
                       .removable = d->cdrom, .io_status = "ok" };
    json_t *o = qapi_put_BlockInfo(&info);
    if (!empty) {
        json_object_set_new(o, "inserted", put_medium(d->dev));
    }
    return o;
}

static json_t *put_stats(const Machine *m, const DriveConfig *d, bool nodes)
{
    BlockStats read = blockdev_stats(d->dev, BLOCK_READ);
    BlockStats written = blockdev_stats(d->dev, BLOCK_WRITE);
    BlockStats zeroed = blockdev_stats(d->dev, BLOCK_ZERO);
    BlockStats flushed = blockdev_stats(d->dev, BLOCK_FLUSH);
    BlockDeviceStats stats = {
        .rd_bytes = read.bytes, .rd_operations = read.requests,
        .failed_rd_operations = read.failed,
        .wr_bytes = written.bytes + zeroed.bytes,
        .wr_operations = written.requests + zeroed.requests,
        .failed_wr_operations = written.failed + zeroed.failed,
        .flush_operations = flushed.requests,
        .failed_flush_operations = flushed.failed,
        .timed_stats = json_array(),
    };
    const Device *dev = device_of(m, d->dev);
    g_autofree char *path = dev ? qom_device_path(m, dev) : NULL;
    BlockStatsInfo info = {
        .device = nodes ? NULL : d->id, .qdev = nodes ? NULL : path,
        .node_name = blockdev_is_empty(d->dev) ? NULL : blockdev_node(d->dev),
        .stats = &stats,
    };
    return qapi_put_BlockStatsInfo(&info);
}

json_t *qmp_query_blockstats(QmpContext *ctx, bool has_query_nodes,
                             bool query_nodes, Error **errp)
{
    json_t *list = json_array();
    const GPtrArray *drives = ctx->machine->config.drives;
    for (guint i = 0; drives && i < drives->len; i++) {
        const DriveConfig *d = g_ptr_array_index(drives, i);
        if (!query_nodes || !blockdev_is_empty(d->dev)) {
            json_array_append_new(list,
                                  put_stats(ctx->machine, d, query_nodes));
        }
    }
    return list;
}

json_t *qmp_query_block(QmpContext *ctx, Error **errp)
{
    json_t *list = json_array();
    const GPtrArray *drives = ctx->machine->config.drives;
    for (guint i = 0; drives && i < drives->len; i++) {
        json_array_append_new(list, put_drive(ctx->machine,
                                              g_ptr_array_index(drives, i)));
    }
    return list;
}

json_t *qmp_query_named_block_nodes(QmpContext *ctx, bool has_flat, bool flat,
                                    Error **errp)
{
    json_t *list = json_array();
    guint at = 0;
    BlockDev *b;
    while ((b = machine_disk_next(ctx->machine, &at))) {
        if (!blockdev_is_empty(b)) {
            json_array_append_new(list, put_medium(b));
        }
    }
    return list;
}
