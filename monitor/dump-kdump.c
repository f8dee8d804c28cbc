/*
 * A dump as crash and makedumpfile know it: the compressed format of kdump,
 * version 6, with pages deflated ("makedumpfile" calls it kdump-compressed; it
 * is described in that program's IMPLEMENTATION). It is written in its flat
 * form: pieces, each with its place in the file that they make up, so that
 * nothing has to be gone back to.
 *
 * The file: a block of header, a block of sub header, notes, two bitmaps of
 * page frames (which there are, which are dumped: the same here), a descriptor
 * for each page, and the pages.
 */
#include <zlib.h>

#include "base/bytes.h"
#include "dump.h"

#define BLOCK DUMP_PAGE

#define FLAT_HEADER 4096u
#define DEFLATED    1u         /* header's status, and a page's flags */
#define LEVEL       1u         /* of what is left out: pages of zeroes */
#define DESC_BYTES  24u
/* Descriptors that are written at a time. */
#define DESC_BATCH  512u

typedef struct Kdump {
    Dump *d;
    uint64_t frames;           /* page frames below the highest address */
    uint64_t pages;            /* that are dumped */
    uint64_t bitmap_blocks;    /* of both */
    uint64_t notes_blocks;
    uint64_t data;             /* where the next page goes */
    uint64_t zero_page;        /* where the one of zeroes is; 0: nowhere yet */
    unsigned zero_bytes, zero_flags;
    uint8_t desc[DESC_BATCH * DESC_BYTES];
    unsigned descs;            /* that wait in desc */
    uint64_t desc_at;          /* where the first of them goes */
    uint8_t *deflated;
} Kdump;

/* --- pieces ---------------------------------------------------------------------- */

static void put_be64(uint8_t *at, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++) {
        at[i] = v >> (56 - 8 * i);
    }
}

static void write_piece(Kdump *k, uint64_t offset, const void *data,
                        uint64_t bytes)
{
    uint8_t head[16];
    put_be64(head, offset);
    put_be64(head + 8, bytes);
    outfile_write(&k->d->out, head, sizeof head);
    outfile_write(&k->d->out, data, bytes);
}

static void write_flat_header(Kdump *k)
{
    uint8_t buf[FLAT_HEADER] = "makedumpfile";
    put_be64(buf + 16, 1);                 /* type */
    put_be64(buf + 24, 1);                 /* version */
    outfile_write(&k->d->out, buf, sizeof buf);
}

static void write_flat_end(Kdump *k)
{
    uint8_t end[16];
    memset(end, 0xff, sizeof end);
    outfile_write(&k->d->out, end, sizeof end);
}

/* --- headers ------------------------------------------------------------------------ */

/* struct disk_dump_header; what follows utsname depends on the width, as that
 * of the guest's time does. */
static void write_header(Kdump *k)
{
    static const char names[6][65] = {
        "Linux", "", "", "", "", "",       /* utsname: the last: domain */
    };
    bool wide = k->d->kind.bits == 64;
    uint8_t buf[BLOCK] = "KDUMP   ", *at = buf + (wide ? 424 : 412);
    const uint32_t tail[] = {
        DEFLATED, BLOCK, 1 /* sub header */ + k->notes_blocks,
        k->bitmap_blocks, MIN(k->frames, UINT32_MAX),
        MIN(k->pages, UINT32_MAX), 0, MIN(k->pages, UINT32_MAX), 0,
        k->d->m->cpus->len,
    };
    bytes_st_le32(buf + 8, 6);             /* version */
    memcpy(buf + 12, names, sizeof names);
    g_strlcpy((char *)buf + 12 + 4 * 65, k->d->kind.uname, 65);
    for (unsigned i = 0; i < G_N_ELEMENTS(tail); i++) {
        bytes_st_le32(at + 4 * i, tail[i]);
    }
    write_piece(k, 0, buf, sizeof buf);
}

/* struct kdump_sub_header. */
static void write_sub_header(Kdump *k)
{
    bool wide = k->d->kind.bits == 64;
    unsigned word = wide ? 8 : 4;
    uint8_t buf[BLOCK] = { 0 };
    bytes_st_le(buf, word, k->d->phys_base);
    bytes_st_le32(buf + word, LEVEL);
    /* Behind split and two numbers of frames: where VMCOREINFO is, and then
     * where the notes are. */
    uint8_t *at = buf + word + 8 + 2 * word;
    if (k->d->info_bytes) {
        bytes_st_le64(at, 2 * BLOCK + k->d->info_at);
        bytes_st_le(at + 8, word, k->d->info_bytes);
    }
    at += 8 + word;
    bytes_st_le64(at, 2 * BLOCK);
    bytes_st_le(at + 8, word, k->d->notes->len);
    /* Behind eraseinfo: the same numbers in 64 bits, and the last frame. */
    at += 8 + word + 8 + word + 16;
    bytes_st_le64(at, k->frames);
    write_piece(k, BLOCK, buf, sizeof buf);
    write_piece(k, 2 * BLOCK, k->d->notes->data, k->d->notes->len);
}

static void write_bitmaps(Kdump *k)
{
    uint64_t half = k->bitmap_blocks / 2 * BLOCK;
    g_autofree uint8_t *bits = g_malloc0(half);
    for (guint i = 0; i < k->d->ranges->len; i++) {
        const DumpRange *r = dump_range(k->d, i);
        uint64_t end = (r->start + r->bytes + BLOCK - 1) / BLOCK;
        for (uint64_t n = r->start / BLOCK; n < end; n++) {
            bits[n / 8] |= 1u << n % 8;
        }
    }
    uint64_t at = (2 + k->notes_blocks) * BLOCK;
    write_piece(k, at, bits, half);
    write_piece(k, at + half, bits, half);
}

/* --- pages ---------------------------------------------------------------------------- */

static void flush_descs(Kdump *k)
{
    if (k->descs) {
        write_piece(k, k->desc_at, k->desc, k->descs * DESC_BYTES);
        k->desc_at += k->descs * DESC_BYTES;
        k->descs = 0;
    }
}

/* struct page_desc: where, how many bytes, how they are packed. */
static void add_desc(Kdump *k, uint64_t offset, unsigned bytes, unsigned flags)
{
    uint8_t *at = k->desc + k->descs++ * DESC_BYTES;
    bytes_st_le64(at, offset);
    bytes_st_le32(at + 8, bytes);
    bytes_st_le32(at + 12, flags);
    bytes_st_le64(at + 16, 0);
    if (k->descs == DESC_BATCH) {
        flush_descs(k);
    }
}

static bool is_zero(const uint8_t *page)
{
    return !page[0] && !memcmp(page, page + 1, DUMP_PAGE - 1);
}

static void write_page(Kdump *k, const uint8_t *page)
{
    bool zero = is_zero(page);
    if (zero && k->zero_page) {
        add_desc(k, k->zero_page, k->zero_bytes, k->zero_flags);
        return;
    }
    uLongf bytes = compressBound(DUMP_PAGE);
    unsigned flags = DEFLATED;
    const uint8_t *data = k->deflated;
    if (compress2(k->deflated, &bytes, page, DUMP_PAGE, Z_BEST_SPEED) ||
        bytes >= DUMP_PAGE) {
        data = page;
        bytes = DUMP_PAGE;
        flags = 0;
    }
    add_desc(k, k->data, bytes, flags);
    write_piece(k, k->data, data, bytes);
    if (zero) {
        k->zero_page = k->data;
        k->zero_bytes = bytes;
        k->zero_flags = flags;
    }
    k->data += bytes;
}

static bool write_range(Kdump *k, const DumpRange *r, Error **errp)
{
    PhysAddr end = r->start + r->bytes;
    for (PhysAddr at = r->start; at < end && !k->d->out.error;) {
        uint8_t page[DUMP_PAGE] = { 0 };
        size_t skip = at % DUMP_PAGE, n = MIN(DUMP_PAGE - skip, end - at);
        if (!dump_read(k->d, at, page + skip, n, errp)) {
            return false;
        }
        write_page(k, page);
        dump_advance(k->d, n);
        at += n;
    }
    return true;
}

/* How many frames there are, and how many of them are dumped. */
static void count(Kdump *k)
{
    for (guint i = 0; i < k->d->ranges->len; i++) {
        const DumpRange *r = dump_range(k->d, i);
        k->frames = (r->start + r->bytes + BLOCK - 1) / BLOCK;
        k->pages += k->frames - r->start / BLOCK;
    }
    uint64_t map_bytes = (k->frames + 7) / 8;
    k->bitmap_blocks = 2 * ((map_bytes + BLOCK - 1) / BLOCK);
    k->notes_blocks = (k->d->notes->len + BLOCK - 1) / BLOCK;
    k->desc_at = (2 + k->notes_blocks + k->bitmap_blocks) * BLOCK;
    k->data = k->desc_at + k->pages * DESC_BYTES;
}

bool dump_write_kdump(Dump *d, Error **errp)
{
    g_autofree uint8_t *deflated = g_malloc(compressBound(DUMP_PAGE));
    g_autofree Kdump *k = g_new0(Kdump, 1);
    k->d = d;
    k->deflated = deflated;
    count(k);
    write_flat_header(k);
    write_header(k);
    write_sub_header(k);
    write_bitmaps(k);
    for (guint i = 0; i < d->ranges->len; i++) {
        if (!write_range(k, dump_range(d, i), errp)) {
            return false;
        }
    }
    flush_descs(k);
    write_flat_end(k);
    return true;
}
