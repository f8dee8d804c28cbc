/*
 * The files that monitor commands write. A name may be wrong: what belongs to
 * this machine - its disks, its recording - is never emptied for a dump.
 */
#include "io/blockdev.h"
#include "io/world.h"
#include "monitor.h"

static const char *owner_of(QmpContext *ctx, const char *path)
{
    guint at = 0;
    BlockDev *b;
    while ((b = machine_disk_next(ctx->machine, &at))) {
        const char *file = blockdev_file(b);
        if (file && world_same_file(file, path)) {
            return blockdev_node(b);
        }
    }
    if (replay_mode(ctx->replay) != REPLAY_NONE &&
        world_same_file(replay_file(ctx->replay), path)) {
        return "the recording";
    }
    return NULL;
}

bool monitor_open_file(QmpContext *ctx, OutFile *f, const char *path,
                       Error **errp)
{
    const char *owner = owner_of(ctx, path);
    if (owner) {
        error_set(errp, "'%s' is the file of %s", path, owner);
        return false;
    }
    return outfile_open(f, path, errp);
}
