/*
 * ELF headers: Tool Interface Standard, "Executable and Linking Format" 1.2,
 * and the 64-bit layout of the System V ABI. Every offset, count and length of
 * the file is checked before it is used.
 */
#include "elf.h"

#include "base/bytes.h"

enum { EI_CLASS = 4, EI_DATA = 5, CLASS_32 = 1, CLASS_64 = 2, DATA_LE = 1 };
enum { E_TYPE = 16, E_MACHINE = 18, TYPE_EXEC = 2, TYPE_DYN = 3 };
enum { PT_LOAD = 1, PT_NOTE = 4 };

/* Where the fields of the two classes are. */
typedef struct ElfLayout {
    unsigned header_bytes, word;
    unsigned e_entry, e_phoff, e_phentsize, e_phnum;
    unsigned ph_bytes, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz;
} ElfLayout;

static const ElfLayout layout_32 = { 52, 4, 24, 28, 42, 44,
                                     32, 4, 8, 12, 16, 20 };
static const ElfLayout layout_64 = { 64, 8, 24, 32, 54, 56,
                                     56, 8, 16, 24, 32, 40 };

bool elf_is(const uint8_t *data, size_t len)
{
    return len >= 20 && !memcmp(data, "\177ELF", 4);
}

static const ElfLayout *layout_of(const uint8_t *data, size_t len,
                                  Error **errp)
{
    const ElfLayout *l = !elf_is(data, len)            ? NULL
                         : data[EI_CLASS] == CLASS_32 ? &layout_32
                         : data[EI_CLASS] == CLASS_64 ? &layout_64
                                                      : NULL;
    if (!l || data[EI_DATA] != DATA_LE) {
        error_set(errp, "not a little-endian ELF file");
        return NULL;
    }
    if (len < l->header_bytes) {
        error_set(errp, "the ELF header is cut short");
        return NULL;
    }
    unsigned type = bytes_ld_le16(data + E_TYPE);
    if (type != TYPE_EXEC && type != TYPE_DYN) {
        error_set(errp, "an ELF file, but not an executable (type %u)", type);
        return NULL;
    }
    return l;
}

static bool wraps(uint64_t start, uint64_t bytes)
{
    return start + bytes < start;
}

static bool segment_parse(const uint8_t *ph, const ElfLayout *l, size_t len,
                          ElfSegment *seg)
{
    *seg = (ElfSegment){
        .file_offset = bytes_ld_le(ph + l->p_offset, l->word),
        .file_bytes = bytes_ld_le(ph + l->p_filesz, l->word),
        .vaddr = bytes_ld_le(ph + l->p_vaddr, l->word),
        .paddr = bytes_ld_le(ph + l->p_paddr, l->word),
        .mem_bytes = bytes_ld_le(ph + l->p_memsz, l->word),
    };
    return seg->file_offset <= len && seg->file_bytes <= len - seg->file_offset &&
           seg->file_bytes <= seg->mem_bytes &&
           !wraps(seg->paddr, seg->mem_bytes) &&
           !wraps(seg->vaddr, seg->mem_bytes);
}

static bool segments_parse(const uint8_t *data, size_t len, const ElfLayout *l,
                           ElfImage *elf, Error **errp)
{
    uint64_t table = bytes_ld_le(data + l->e_phoff, l->word);
    unsigned stride = bytes_ld_le16(data + l->e_phentsize);
    unsigned count = bytes_ld_le16(data + l->e_phnum);

    if (count && (stride < l->ph_bytes || table > len ||
                  (uint64_t)count * stride > len - table)) {
        error_set(errp, "the ELF program headers are not inside the file");
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        const uint8_t *ph = data + table + (size_t)i * stride;
        ElfSegment seg;
        if (bytes_ld_le32(ph) != PT_LOAD) {
            continue;
        }
        if (!segment_parse(ph, l, len, &seg)) {
            error_set(errp, "ELF segment %u is not inside the file", i);
            return false;
        }
        if (seg.mem_bytes) {
            g_array_append_val(elf->segments, seg);
        }
    }
    return true;
}

bool elf_parse(const uint8_t *data, size_t len, ElfImage *elf, Error **errp)
{
    const ElfLayout *l = layout_of(data, len, errp);

    *elf = (ElfImage){ 0 };
    if (!l) {
        return false;
    }
    elf->is_64 = l == &layout_64;
    elf->machine = bytes_ld_le16(data + E_MACHINE);
    elf->entry = bytes_ld_le(data + l->e_entry, l->word);
    elf->segments = g_array_new(FALSE, FALSE, sizeof(ElfSegment));
    if (!segments_parse(data, len, l, elf, errp)) {
        elf_free(elf);
        return false;
    }
    return true;
}

void elf_free(ElfImage *elf)
{
    if (elf->segments) {
        g_array_free(elf->segments, TRUE);
        elf->segments = NULL;
    }
}

uint64_t elf_physical_entry(const ElfImage *elf)
{
    for (guint i = 0; i < elf->segments->len; i++) {
        const ElfSegment *s = &g_array_index(elf->segments, ElfSegment, i);
        if (elf->entry >= s->vaddr && elf->entry - s->vaddr < s->mem_bytes) {
            return elf->entry - s->vaddr + s->paddr;
        }
    }
    return elf->entry;
}

/* --- notes ---------------------------------------------------------------------- */

/* Header, name and content are padded to 4 bytes each. */
enum { NOTE_NAME_BYTES = 0, NOTE_DESC_BYTES = 4, NOTE_TYPE = 8, NOTE_HEAD = 12 };

static uint64_t note_pad(uint32_t bytes)
{
    return ((uint64_t)bytes + 3) & ~UINT64_C(3);
}

static bool note_find(const uint8_t *p, size_t len, const char *name,
                      uint32_t type, const uint8_t **desc, size_t *desc_bytes)
{
    while (len >= NOTE_HEAD) {
        uint32_t name_bytes = bytes_ld_le32(p + NOTE_NAME_BYTES);
        *desc_bytes = bytes_ld_le32(p + NOTE_DESC_BYTES);
        uint64_t at = NOTE_HEAD + note_pad(name_bytes);
        uint64_t end = at + note_pad(*desc_bytes);
        if (at + *desc_bytes > len) {
            return false;
        }
        if (bytes_ld_le32(p + NOTE_TYPE) == type &&
            name_bytes == strlen(name) + 1 &&
            !memcmp(p + NOTE_HEAD, name, name_bytes)) {
            *desc = p + at;
            return true;
        }
        p += MIN(end, len);
        len -= MIN(end, len);
    }
    return false;
}

bool elf_note(const uint8_t *data, size_t len, const char *name,
              uint32_t type, const uint8_t **desc, size_t *desc_bytes)
{
    const ElfLayout *l = layout_of(data, len, NULL);
    uint64_t table = l ? bytes_ld_le(data + l->e_phoff, l->word) : 0;
    unsigned stride = l ? bytes_ld_le16(data + l->e_phentsize) : 0;
    unsigned count = l ? bytes_ld_le16(data + l->e_phnum) : 0;

    if (!l || stride < l->ph_bytes || table > len ||
        (uint64_t)count * stride > len - table) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        const uint8_t *ph = data + table + (size_t)i * stride;
        uint64_t offset = bytes_ld_le(ph + l->p_offset, l->word);
        uint64_t bytes = bytes_ld_le(ph + l->p_filesz, l->word);
        if (bytes_ld_le32(ph) == PT_NOTE && offset <= len &&
            bytes <= len - offset &&
            note_find(data + offset, bytes, name, type, desc, desc_bytes)) {
            return true;
        }
    }
    return false;
}
