/*
 * A dump as an ELF core file (System V ABI, chapters 4 and 5): its header, a
 * segment of notes, a segment for each range or mapping, and the memory itself,
 * once. Of a mapping only the place in the file is said.
 */
#include <elf.h>

#include "base/bytes.h"
#include "dump.h"

/* Sizes of the headers of either width. */
typedef struct Layout {
    bool wide;
    unsigned header, segment, section;
} Layout;

static Layout layout_of(const Dump *d)
{
    return d->kind.bits == 64
        ? (Layout){ true, sizeof(Elf64_Ehdr), sizeof(Elf64_Phdr),
                    sizeof(Elf64_Shdr) }
        : (Layout){ false, sizeof(Elf32_Ehdr), sizeof(Elf32_Phdr),
                    sizeof(Elf32_Shdr) };
}

/* A field that is as wide as the file's addresses. */
static uint8_t *put_word(const Layout *l, uint8_t *at, uint64_t v)
{
    unsigned size = l->wide ? 8 : 4;
    bytes_st_le(at, size, v);
    return at + size;
}

static uint8_t *put32(uint8_t *at, uint32_t v)
{
    bytes_st_le32(at, v);
    return at + 4;
}

static uint8_t *put16(uint8_t *at, uint16_t v)
{
    bytes_st_le16(at, v);
    return at + 2;
}

static guint segment_count(const Dump *d)
{
    return 1 + (d->mappings ? d->mappings->len : d->ranges->len);
}

/* More segments than the header can say are counted in section 0 (e_phnum
 * PN_XNUM). */
static bool needs_section(const Dump *d)
{
    return segment_count(d) >= PN_XNUM;
}

static uint64_t notes_offset(const Dump *d, const Layout *l)
{
    return l->header + (needs_section(d) ? l->section : 0) +
           (uint64_t)segment_count(d) * l->segment;
}

static void write_header(Dump *d, const Layout *l)
{
    static const uint8_t ident[EI_NIDENT] = { ELFMAG0, ELFMAG1, ELFMAG2,
                                              ELFMAG3 };
    bool section = needs_section(d);
    uint8_t buf[sizeof(Elf64_Ehdr)], *at = buf + EI_NIDENT;
    memcpy(buf, ident, sizeof ident);
    buf[EI_CLASS] = l->wide ? ELFCLASS64 : ELFCLASS32;
    buf[EI_DATA] = ELFDATA2LSB;
    buf[EI_VERSION] = EV_CURRENT;
    at = put16(at, ET_CORE);
    at = put16(at, d->kind.machine);
    at = put32(at, EV_CURRENT);
    at = put_word(l, at, 0);                                  /* e_entry */
    at = put_word(l, at, l->header + (section ? l->section : 0));
    at = put_word(l, at, section ? l->header : 0);            /* e_shoff */
    at = put32(at, 0);                                        /* e_flags */
    at = put16(at, l->header);
    at = put16(at, l->segment);
    at = put16(at, section ? PN_XNUM : segment_count(d));
    at = put16(at, l->section);
    at = put16(at, section);                                  /* e_shnum */
    at = put16(at, SHN_UNDEF);
    outfile_write(&d->out, buf, at - buf);
}

/* Section 0: sh_info is how many segments there are. */
static void write_section(Dump *d, const Layout *l)
{
    uint8_t buf[sizeof(Elf64_Shdr)] = { 0 };
    put32(buf + (l->wide ? offsetof(Elf64_Shdr, sh_info)
                         : offsetof(Elf32_Shdr, sh_info)),
          segment_count(d));
    outfile_write(&d->out, buf, l->section);
}

typedef struct Segment {
    uint32_t type;
    uint64_t offset, va, pa, bytes;
} Segment;

static void write_segment(Dump *d, const Layout *l, const Segment *s)
{
    uint8_t buf[sizeof(Elf64_Phdr)], *at = put32(buf, s->type);
    if (l->wide) {
        at = put32(at, 0);                                    /* p_flags */
    }
    at = put_word(l, at, s->offset);
    at = put_word(l, at, s->va);
    at = put_word(l, at, s->pa);
    at = put_word(l, at, s->bytes);
    at = put_word(l, at, s->type == PT_LOAD ? s->bytes : 0);  /* p_memsz */
    if (!l->wide) {
        at = put32(at, 0);
    }
    at = put_word(l, at, 0);                                  /* p_align */
    outfile_write(&d->out, buf, at - buf);
}

/* Where in the file the memory at pa is, which is in one of the ranges. */
static uint64_t offset_of(const Dump *d, uint64_t offset, PhysAddr pa)
{
    for (guint i = 0; i < d->ranges->len; i++) {
        const DumpRange *r = dump_range(d, i);
        if (pa - r->start < r->bytes) {
            return offset + (pa - r->start);
        }
        offset += r->bytes;
    }
    g_assert_not_reached();
}

static void write_segments(Dump *d, const Layout *l)
{
    uint64_t offset = notes_offset(d, l);
    write_segment(d, l, &(Segment) { PT_NOTE, offset, 0, 0, d->notes->len });
    offset += d->notes->len;
    for (guint i = 0; d->mappings && i < d->mappings->len; i++) {
        const DumpMapping *m = &g_array_index(d->mappings, DumpMapping, i);
        write_segment(d, l, &(Segment) { PT_LOAD, offset_of(d, offset, m->pa),
                                         m->va, m->pa, m->bytes });
    }
    for (guint i = 0; !d->mappings && i < d->ranges->len; i++) {
        const DumpRange *r = dump_range(d, i);
        write_segment(d, l, &(Segment) { PT_LOAD,
                                         offset_of(d, offset, r->start), 0,
                                         r->start, r->bytes });
    }
}

static bool write_memory(Dump *d, const DumpRange *r, Error **errp)
{
    uint8_t page[DUMP_PAGE];
    for (uint64_t done = 0; done < r->bytes && !d->out.error;) {
        size_t n = MIN(sizeof page, r->bytes - done);
        if (!dump_read(d, r->start + done, page, n, errp)) {
            return false;
        }
        outfile_write(&d->out, page, n);
        dump_advance(d, n);
        done += n;
    }
    return true;
}

bool dump_write_elf(Dump *d, Error **errp)
{
    Layout l = layout_of(d);
    write_header(d, &l);
    if (needs_section(d)) {
        write_section(d, &l);
    }
    write_segments(d, &l);
    outfile_write(&d->out, d->notes->data, d->notes->len);
    for (guint i = 0; i < d->ranges->len; i++) {
        if (!write_memory(d, dump_range(d, i), errp)) {
            return false;
        }
    }
    return true;
}
