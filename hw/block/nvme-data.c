/*
 * Where the data of an NVMe command is: physical region pages (4.3) or scatter
 * gather lists (4.4), and moving it. See nvme.h.
 */
#include "base/bytes.h"
#include "nvme.h"

/* --- moving -------------------------------------------------------------------------*/

/* The next piece of the map, at most len bytes; 0: it has ended. */
static uint32_t map_next(NvmeMap *m, uint32_t len, PhysAddr *addr)
{
    while (m->at < m->count && m->offset >= m->segment[m->at].len) {
        m->at++;
        m->offset = 0;
    }
    if (m->at >= m->count) {
        return 0;
    }
    const NvmeSegment *s = &m->segment[m->at];
    uint32_t n = MIN(len, s->len - m->offset);
    *addr = s->addr == NVME_DISCARD ? NVME_DISCARD : s->addr + m->offset;
    m->offset += n;
    return n;
}

bool nvme_get(Nvme *d, void *to, uint32_t len)
{
    uint8_t *p = to;
    PhysAddr addr;

    while (len) {
        uint32_t n = map_next(&d->map, len, &addr);
        if (!n || addr == NVME_DISCARD || !nvme_load(d, addr, p, n)) {
            return false;
        }
        p += n;
        len -= n;
    }
    return true;
}

bool nvme_put(Nvme *d, const void *from, uint32_t len)
{
    const uint8_t *p = from;
    PhysAddr addr;

    while (len) {
        uint32_t n = map_next(&d->map, len, &addr);
        if (!n || (addr != NVME_DISCARD && !nvme_store(d, addr, p, n))) {
            return false;
        }
        p += n;
        len -= n;
    }
    return true;
}

static uint16_t add(Nvme *d, PhysAddr addr, uint32_t len)
{
    NvmeMap *m = &d->map;

    if (m->count == NVME_SEGMENTS_MAX) {
        return NVME_BAD_SGL_COUNT;
    }
    m->segment[m->count++] = (NvmeSegment){ addr, len };
    return NVME_OK;
}

/* --- physical region pages, 4.3 -----------------------------------------------------------*/

#define PRP_BYTES 8u

static bool load_entry(Nvme *d, PhysAddr at, uint64_t *entry)
{
    uint8_t bytes[PRP_BYTES];
    bool ok = nvme_load(d, at, bytes, sizeof bytes);

    *entry = bytes_ld_le64(bytes);
    return ok;
}

/* A list: its last entry in a page leads to the next page of it, if more than
 * one entry is still to come. Only the first page may be begun in the middle. */
static uint16_t map_list(Nvme *d, PhysAddr list, uint64_t bytes)
{
    unsigned page = nvme_page_bytes(d);
    uint64_t entry;

    if (list % PRP_BYTES) {
        return NVME_BAD_PRP;
    }
    while (bytes) {
        if (!load_entry(d, list, &entry)) {
            return NVME_TRANSFER_ERROR;
        }
        if (entry % page) {
            return NVME_BAD_PRP;
        }
        if (list % page == page - PRP_BYTES && bytes > page) {
            list = entry;
            continue;
        }
        uint16_t status = add(d, entry, MIN(bytes, page));
        if (status) {
            return status;
        }
        bytes -= MIN(bytes, page);
        list += PRP_BYTES;
    }
    return NVME_OK;
}

static uint16_t map_prp(Nvme *d, const NvmeCommand *c, uint64_t bytes)
{
    unsigned page = nvme_page_bytes(d);
    uint64_t first = MIN(bytes, page - c->data[0] % page);

    if (c->data[0] % 4) {
        return NVME_BAD_PRP;
    }
    add(d, c->data[0], first);
    bytes -= first;
    if (!bytes) {
        return NVME_OK;
    }
    if (bytes > page) {
        return map_list(d, c->data[1], bytes);
    }
    return c->data[1] % page ? NVME_BAD_PRP : add(d, c->data[1], bytes);
}

/* --- scatter gather lists, 4.4 --------------------------------------------------------------*/

#define SGL_BYTES 16u
enum { SGL_DATA = 0, SGL_BIT_BUCKET = 1, SGL_SEGMENT = 2, SGL_LAST = 3 };

typedef struct Sgl {
    uint64_t addr;
    uint32_t len;
    unsigned type, subtype;
} Sgl;

static Sgl sgl_parse(const uint8_t *p)
{
    return (Sgl){ bytes_ld_le64(p), bytes_ld_le32(p + 8), p[15] >> 4,
                  p[15] & 0x0f };
}

/* A descriptor of data; *left counts the bytes that are still to be found. */
static uint16_t map_piece(Nvme *d, const NvmeCommand *c, const Sgl *g,
                          uint64_t *left)
{
    bool is_read = c->opcode & 2;       /* controller to host, 4.2 */
    uint64_t n = g->len;

    if (g->subtype || g->type > SGL_BIT_BUCKET) {
        return NVME_BAD_SGL_TYPE;
    }
    if (g->type == SGL_BIT_BUCKET && !is_read) {
        return NVME_OK;                 /* 4.4: nothing is taken from it */
    }
    if (n > *left) {
        return NVME_BAD_SGL_LENGTH;
    }
    *left -= n;
    return n ? add(d, g->type == SGL_BIT_BUCKET ? NVME_DISCARD : g->addr, n)
             : NVME_OK;
}

/* The descriptors of a segment; the last of one that is not the last segment
 * says where the next is, which goes to *g. */
static uint16_t map_segment(Nvme *d, const NvmeCommand *c, Sgl *g,
                            uint64_t *left)
{
    const Sgl segment = *g;
    uint8_t bytes[SGL_BYTES];

    for (uint32_t at = 0; at < segment.len; at += SGL_BYTES) {
        if (!nvme_load(d, segment.addr + at, bytes, sizeof bytes)) {
            return NVME_TRANSFER_ERROR;
        }
        *g = sgl_parse(bytes);
        bool leads_on = segment.type == SGL_SEGMENT &&
                        at + SGL_BYTES == segment.len;
        if (leads_on) {
            break;
        }
        uint16_t status = g->type == SGL_SEGMENT || g->type == SGL_LAST
                              ? NVME_BAD_SGL_SEGMENT
                              : map_piece(d, c, g, left);
        if (status) {
            return status;
        }
    }
    return NVME_OK;
}

/* Follows segments: no more of them than there may be descriptors. */
static uint16_t map_segments(Nvme *d, const NvmeCommand *c, Sgl g,
                             uint64_t *left)
{
    uint64_t seen = 0;

    for (;;) {
        bool is_last = g.type == SGL_LAST;
        if (g.type != SGL_SEGMENT && g.type != SGL_LAST) {
            return NVME_BAD_SGL_SEGMENT;
        }
        if (g.subtype || !g.len || g.len % SGL_BYTES) {
            return NVME_BAD_SGL_SEGMENT;
        }
        seen += g.len / SGL_BYTES;
        if (seen > NVME_SEGMENTS_MAX) {
            return NVME_BAD_SGL_COUNT;
        }
        uint16_t status = map_segment(d, c, &g, left);
        if (status || is_last) {
            return status;
        }
    }
}

static uint16_t map_sgl(Nvme *d, const NvmeCommand *c, uint64_t bytes)
{
    uint8_t inline_bytes[SGL_BYTES];
    uint16_t status;

    bytes_st_le64(inline_bytes, c->data[0]);
    bytes_st_le64(inline_bytes + 8, c->data[1]);
    Sgl g = sgl_parse(inline_bytes);
    if (g.type == SGL_SEGMENT || g.type == SGL_LAST) {
        status = map_segments(d, c, g, &bytes);
    } else {
        status = map_piece(d, c, &g, &bytes);
    }
    return status ? status : bytes ? NVME_BAD_SGL_LENGTH : NVME_OK;
}

/* PSDT, 4.2: the admin queue has no SGLs on PCIe. */
uint16_t nvme_map(Nvme *d, const NvmeCommand *c, uint64_t bytes)
{
    unsigned kind = c->flags >> 6;

    d->map.count = d->map.at = d->map.offset = 0;
    if (bytes > nvme_transfer_max(d) || kind == 3 || (kind && !c->sq)) {
        return NVME_BAD_FIELD;
    }
    return kind ? map_sgl(d, c, bytes) : map_prp(d, c, bytes);
}

uint16_t nvme_answer(Nvme *d, NvmeCommand *c, const void *data,
                     uint32_t bytes)
{
    uint16_t status = nvme_map(d, c, bytes);

    if (status) {
        return status;
    }
    c->bytes = bytes;
    return nvme_put(d, data, bytes) ? NVME_OK : NVME_TRANSFER_ERROR;
}
