/*
 * VirtualBox's disk images (VDI), read only: a header, a table with a 32-bit
 * number for each block of the disk, and the blocks. As described in
 * VirtualBox' forum, "All about VDIs": version 1.1, types dynamic and static;
 * differencing images need another image and are refused.
 */
#include <errno.h>
#include <string.h>

#include "foreign.h"

enum {
    HEADER_BYTES = 512,
    HEADER_SIGNATURE = 0x40,
    HEADER_VERSION = 0x44,
    HEADER_TYPE = 0x4c,
    HEADER_MAP_OFFSET = 0x154,
    HEADER_DATA_OFFSET = 0x158,
    HEADER_DISK_BYTES = 0x170,
    HEADER_BLOCK_BYTES = 0x178,
    HEADER_BLOCK_EXTRA = 0x17c,
    HEADER_BLOCKS = 0x180,
    TYPE_DYNAMIC = 1,
    TYPE_STATIC = 2,
};

#define SIGNATURE 0xbeda107fu
#define VERSION 0x00010001u
/* The two numbers that are no block: discarded, and never written. */
#define ENTRY_NONE 0xfffffffeu

typedef struct Vdi {
    Foreign foreign;
    uint32_t *map;         /* in the file's byte order */
    uint32_t blocks;
    uint64_t data_offset;
} Vdi;

static int vdi_find(Foreign *f, uint64_t index, ForeignKind *kind,
                    uint64_t *offset)
{
    Vdi *v = container_of(f, Vdi, foreign);
    uint32_t entry = index < v->blocks ? bytes_ld_le32(&v->map[index])
                                       : ENTRY_NONE;
    *kind = entry >= ENTRY_NONE ? FOREIGN_NONE : FOREIGN_DATA;
    *offset = v->data_offset + entry * f->unit;
    return *kind == FOREIGN_DATA && entry >= v->blocks ? -EIO : 0;
}

static void vdi_free(Foreign *f)
{
    g_free(container_of(f, Vdi, foreign)->map);
}

static const char *header_wrong(const uint8_t *h)
{
    uint32_t block = bytes_ld_le32(h + HEADER_BLOCK_BYTES);
    uint32_t type = bytes_ld_le32(h + HEADER_TYPE);
    uint64_t disk = bytes_ld_le64(h + HEADER_DISK_BYTES);
    return bytes_ld_le32(h + HEADER_SIGNATURE) != SIGNATURE ?
               "not in VDI format" :
           bytes_ld_le32(h + HEADER_VERSION) != VERSION ?
               "not a version of VDI that is supported (1.1 is)" :
           type != TYPE_DYNAMIC && type != TYPE_STATIC ?
               "differencing VDI images are not supported" :
           block < 512 || block > FOREIGN_UNIT_MAX || (block & (block - 1)) ||
           bytes_ld_le32(h + HEADER_BLOCK_EXTRA) != 0 ?
               "bad block size" :
           disk > NODE_BYTES_MAX ||
           bytes_ld_le32(h + HEADER_BLOCKS) > FOREIGN_TABLE_MAX / 4 ||
           (disk + block - 1) / block > bytes_ld_le32(h + HEADER_BLOCKS) ?
               "bad disk size" : NULL;
}

static bool load(Vdi *v, Error **errp)
{
    uint8_t h[HEADER_BYTES];
    Foreign *f = &v->foreign;
    if (!foreign_read(f, 0, h, sizeof h, errp)) {
        return false;
    }
    const char *wrong = header_wrong(h);
    if (wrong) {
        return foreign_error(f, errp, HEADER_SIGNATURE, wrong);
    }
    f->unit = bytes_ld_le32(h + HEADER_BLOCK_BYTES);
    f->node.size_bytes = (bytes_ld_le64(h + HEADER_DISK_BYTES) + 511) &
                         ~UINT64_C(511);
    f->subformat = g_strdup(bytes_ld_le32(h + HEADER_TYPE) == TYPE_STATIC ?
                            "static" : "dynamic");
    v->blocks = bytes_ld_le32(h + HEADER_BLOCKS);
    v->data_offset = bytes_ld_le32(h + HEADER_DATA_OFFSET);
    v->map = g_malloc0(MAX(v->blocks, 1) * UINT64_C(4));
    return foreign_read(f, bytes_ld_le32(h + HEADER_MAP_OFFSET), v->map,
                        v->blocks * UINT64_C(4), errp);
}

BlockNode *vdi_open(BlockFile *file, const NodeOpen *how, Error **errp)
{
    Vdi *v = g_new0(Vdi, 1);
    foreign_init(&v->foreign, "vdi", file, how);
    v->foreign.find = vdi_find;
    v->foreign.free = vdi_free;
    if (!foreign_may_open(how, "vdi", errp) || !load(v, errp)) {
        node_unref(&v->foreign.node);
        return NULL;
    }
    return &v->foreign.node;
}
