/*
 * fw_cfg on x86 ports: a selector (0x510, 16 bits), a data byte (0x511) and a
 * DMA address register (0x514, big-endian). The guest's view is that of
 * QEMU's docs/specs/fw_cfg: an item is selected and read from its start; bytes
 * beyond its end are zero. What can be written is the state of other devices
 * (fw_cfg_add_live()).
 *
 * Items are wiring that the board adds anew in every run; state is only the
 * selection and the half-written DMA address.
 */
#include "hw/fw-cfg.h"

#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/log.h"
#include "vm/machine.h"

#define FEATURE_TRADITIONAL BIT(0)
#define FEATURE_DMA         BIT(1)

/* DMA control word; the upper half is the key for SELECT. */
#define DMA_ERROR  BIT(0)
#define DMA_READ   BIT(1)
#define DMA_SKIP   BIT(2)
#define DMA_SELECT BIT(3)
#define DMA_WRITE  BIT(4)

/* A file's entry in the directory: size, key, reserved, name. */
#define DIR_ENTRY_BYTES 64
#define DIR_NAME_BYTES  56

static const uint8_t dma_signature[8] = "QEMU CFG";
typedef uint8_t FwAddress[8];

#define FW_STATE(_)                                                          \
    _(uint16_t, STATE_U16, key, 0, 1, "selected item")                       \
    _(uint32_t, STATE_U32, offset, 0, 1, "next byte of it")                  \
    _(FwAddress, STATE_U8, dma_address, 0, 1, "DMA address, big-endian")

STATE_STRUCT(FwState, FW_STATE);
static STATE_TABLE(fw_state, "fw_cfg", 1, FwState, FW_STATE)

typedef struct FwCfg {
    Device dev;
    FwState s;
    GHashTable *items;     /* key -> GBytes; looked up only */
    GTree *files;          /* name -> GBytes, in order of name */
    GHashTable *live;      /* GBytes -> FwLive; looked up only */
    MemRegion io, dma_io;
} FwCfg;

/* What stands for an item whose bytes are another device's: its length is right,
 * its bytes are not looked at. */
typedef struct FwLive {
    uint8_t *bytes;
    bool writable;
} FwLive;

/* --- contents ------------------------------------------------------------- */

static void item_set(FwCfg *f, uint16_t key, GBytes *content)
{
    g_hash_table_insert(f->items, GUINT_TO_POINTER(key), content);
}

void fw_cfg_add_bytes(Device *dev, uint16_t key, const void *data, size_t len)
{
    item_set((FwCfg *)dev, key, g_bytes_new(data, len));
}

void fw_cfg_add_i16(Device *dev, uint16_t key, uint16_t value)
{
    value = GUINT16_TO_LE(value);
    fw_cfg_add_bytes(dev, key, &value, sizeof value);
}

void fw_cfg_add_i32(Device *dev, uint16_t key, uint32_t value)
{
    value = GUINT32_TO_LE(value);
    fw_cfg_add_bytes(dev, key, &value, sizeof value);
}

void fw_cfg_add_i64(Device *dev, uint16_t key, uint64_t value)
{
    value = GUINT64_TO_LE(value);
    fw_cfg_add_bytes(dev, key, &value, sizeof value);
}

typedef struct Directory {
    FwCfg *fw;
    GByteArray *bytes;
    uint16_t key;
} Directory;

/* Gives a file its key and its entry. */
static gboolean directory_add(gpointer name, gpointer content,
                              gpointer opaque)
{
    Directory *d = opaque;
    uint8_t entry[DIR_ENTRY_BYTES] = { 0 };
    bytes_st_be32(entry, g_bytes_get_size(content));
    bytes_st_be16(entry + 4, d->key);
    memcpy(entry + 8, name, strlen(name));
    g_byte_array_append(d->bytes, entry, sizeof entry);
    item_set(d->fw, d->key++, g_bytes_ref(content));
    return FALSE;
}

static void directory_build(FwCfg *f)
{
    Directory d = { f, g_byte_array_new(), FW_CFG_FILE_FIRST };
    uint8_t count[4];
    bytes_st_be32(count, g_tree_nnodes(f->files));
    g_byte_array_append(d.bytes, count, sizeof count);
    g_tree_foreach(f->files, directory_add, &d);
    item_set(f, FW_CFG_FILE_DIR, g_byte_array_free_to_bytes(d.bytes));
}

void fw_cfg_add_file(Device *dev, const char *name, GBytes *content)
{
    FwCfg *f = (FwCfg *)dev;
    g_assert(strlen(name) < DIR_NAME_BYTES);
    g_tree_replace(f->files, g_strdup(name), g_bytes_ref(content));
    directory_build(f);
}

void fw_cfg_add_file_copy(Device *dev, const char *name, const void *data,
                          size_t len)
{
    GBytes *content = g_bytes_new(data, len);
    fw_cfg_add_file(dev, name, content);
    g_bytes_unref(content);
}

void fw_cfg_add_live(Device *dev, const char *name, uint8_t *bytes,
                     size_t len, bool writable)
{
    FwCfg *f = (FwCfg *)dev;
    GBytes *content = g_bytes_new_static(bytes, len);
    FwLive live = { bytes, writable };

    g_hash_table_insert(f->live, content, g_memdup2(&live, sizeof live));
    fw_cfg_add_file(dev, name, content);
    g_bytes_unref(content);
}

Device *fw_cfg_of(const Machine *m)
{
    for (guint i = 0; i < m->devices->len; i++) {
        Device *dev = g_ptr_array_index(m->devices, i);
        if (dev->cls == &fw_cfg_class) {
            return dev;
        }
    }
    return NULL;
}

GBytes *fw_cfg_item(Device *dev, uint16_t key)
{
    return g_hash_table_lookup(((FwCfg *)dev)->items, GUINT_TO_POINTER(key));
}

GBytes *fw_cfg_file(Device *dev, const char *name)
{
    return g_tree_lookup(((FwCfg *)dev)->files, name);
}

/* --- selecting and reading ------------------------------------------------ */

static void fw_select(FwCfg *f, uint16_t key)
{
    f->s.key = key;
    f->s.offset = 0;
}

/* Moves the offset on by len and returns how many of these bytes exist; they
 * are at *data. */
static uint32_t fw_advance(FwCfg *f, uint32_t len, const uint8_t **data)
{
    GBytes *content = fw_cfg_item(&f->dev, f->s.key);
    size_t size = 0;
    const uint8_t *bytes = content ? g_bytes_get_data(content, &size) : NULL;
    uint32_t offset = f->s.offset;
    uint32_t there = offset < size ? MIN(size - offset, len) : 0;
    *data = there ? bytes + offset : NULL;
    f->s.offset = offset + MIN(len, UINT32_MAX - offset);
    return there;
}

static uint64_t fw_read(void *opaque, PhysAddr offset, unsigned size)
{
    FwCfg *f = opaque;
    const uint8_t *data;
    /* The selector cannot be read. */
    if (size != 1 || offset != 1) {
        return 0;
    }
    return fw_advance(f, 1, &data) ? *data : 0;
}

static void fw_write(void *opaque, PhysAddr offset, uint64_t v, unsigned size)
{
    if (size == 2 && offset == 0) {
        fw_select(opaque, v);
    }
}

/* --- DMA ------------------------------------------------------------------ */

typedef struct DmaRequest {
    uint32_t control, len;
    PhysAddr address;
} DmaRequest;

/* How many of len bytes from addr on lie in RAM without a gap, up to the end
 * of the range that holds addr. */
static uint32_t ram_run(Machine *m, PhysAddr addr, uint32_t len)
{
    const MemRange *r = address_space_find(m->memory, addr);
    if (!r || r->region->kind != MEM_RAM) {
        return 0;
    }
    return MIN(len - 1, r->end - addr) + 1;
}

/* Behind an item there are zeroes; nobody has a use for more of them, and the
 * host's time is bounded. */
#define DMA_ZEROES_MAX (64 * MIB)

/* Writes data, or zeroes if it is NULL, to guest RAM; false if part of the
 * range is not RAM. */
static bool dma_put(FwCfg *f, PhysAddr addr, const uint8_t *data, uint32_t len)
{
    static const uint8_t zeroes[PAGE_SIZE];
    Machine *m = f->dev.machine;
    while (len) {
        uint32_t n = ram_run(m, addr, len);
        if (!n) {
            return false;
        }
        n = data ? n : MIN(n, sizeof zeroes);
        address_space_write(m->memory, addr, data ? data : zeroes, n);
        addr += n;
        len -= n;
        data = data ? data + n : NULL;
    }
    return true;
}

/* What is written must fit into the item and come from RAM. */
static bool dma_take(FwCfg *f, const DmaRequest *r)
{
    GBytes *content = fw_cfg_item(&f->dev, f->s.key);
    const FwLive *live = content ? g_hash_table_lookup(f->live, content)
                                 : NULL;
    uint32_t offset = f->s.offset;
    const uint8_t *data;
    uint32_t there = fw_advance(f, r->len, &data);

    if (!r->len) {
        return true;
    }
    if (!live || !live->writable || there < r->len ||
        ram_run(f->dev.machine, r->address, r->len) < r->len) {
        guest_error("fw_cfg: %u bytes at offset %u of item 0x%x cannot be "
                    "written\n", r->len, offset, f->s.key);
        return false;
    }
    address_space_read(f->dev.machine->memory, r->address,
                       live->bytes + offset, r->len);
    return true;
}

static bool dma_run(FwCfg *f, const DmaRequest *r)
{
    const uint8_t *data;
    if (r->control & DMA_SELECT) {
        fw_select(f, r->control >> 16);
    }
    if (r->control & DMA_READ) {
        uint32_t there = fw_advance(f, r->len, &data);
        return r->len - there <= DMA_ZEROES_MAX
               && dma_put(f, r->address, data, there)
               && dma_put(f, r->address + there, NULL, r->len - there);
    }
    if (r->control & DMA_WRITE) {
        return dma_take(f, r);
    }
    if (r->control & DMA_SKIP) {
        fw_advance(f, r->len, &data);
    }
    return true;
}

/* The request's structure: control, length (be32), address (be64). Control is
 * written back as 0, or with the error bit. */
static void dma_start(FwCfg *f)
{
    Machine *m = f->dev.machine;
    PhysAddr at = bytes_ld_be64(f->s.dma_address);
    uint8_t raw[16], result[4];
    memset(f->s.dma_address, 0, sizeof f->s.dma_address);
    address_space_read(m->memory, at, raw, sizeof raw);
    DmaRequest r = {
        .control = bytes_ld_be32(raw),
        .len = bytes_ld_be32(raw + 4),
        .address = bytes_ld_be64(raw + 8),
    };
    bytes_st_be32(result, dma_run(f, &r) ? 0 : DMA_ERROR);
    address_space_write(m->memory, at, result, sizeof result);
}

static uint64_t dma_read(void *opaque, PhysAddr offset, unsigned size)
{
    return bytes_ld_le(dma_signature + offset, size);
}

static void dma_write(void *opaque, PhysAddr offset, uint64_t v,
                      unsigned size)
{
    FwCfg *f = opaque;
    bytes_st_le(f->s.dma_address + offset, size, v);
    if (offset + size == sizeof f->s.dma_address) {
        dma_start(f);
    }
}

static const MemOps fw_ops = { fw_read, fw_write, .max_size = 2 };
static const MemOps dma_ops = { dma_read, dma_write, .max_size = 8 };

static int name_order(gconstpointer a, gconstpointer b, gpointer opaque)
{
    return strcmp(a, b);
}

static bool fw_realize(Device *dev, Error **errp)
{
    FwCfg *f = (FwCfg *)dev;
    Machine *m = dev->machine;
    f->items = g_hash_table_new_full(NULL, NULL, NULL,
                                     (GDestroyNotify)g_bytes_unref);
    f->files = g_tree_new_full(name_order, NULL, g_free,
                               (GDestroyNotify)g_bytes_unref);
    f->live = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    fw_cfg_add_bytes(dev, FW_CFG_SIGNATURE, "QEMU", 4);
    fw_cfg_add_i32(dev, FW_CFG_ID, FEATURE_TRADITIONAL | FEATURE_DMA);
    directory_build(f);
    mem_init_io(&f->io, "fwcfg", 2, &fw_ops, f);
    mem_add(&m->io_root, 0x510, &f->io, 0);
    mem_init_io(&f->dma_io, "fwcfg.dma", 8, &dma_ops, f);
    mem_add(&m->io_root, 0x514, &f->dma_io, 0);
    return true;
}

static void fw_unrealize(Device *dev)
{
    FwCfg *f = (FwCfg *)dev;
    g_clear_pointer(&f->items, g_hash_table_unref);
    g_clear_pointer(&f->files, g_tree_unref);
    g_clear_pointer(&f->live, g_hash_table_unref);
}

const DeviceClass fw_cfg_class = {
    .name = "fw_cfg_io",
    .desc = "firmware configuration",
    .category = "Misc",
    .size = sizeof(FwCfg),
    .state_offset = offsetof(FwCfg, s),
    .state = fw_state,
    .realize = fw_realize,
    .unrealize = fw_unrealize,
};
