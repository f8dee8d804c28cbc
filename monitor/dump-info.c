/*
 * The guest's own note in a dump: VMCOREINFO, with which readers of memory find
 * their way in Linux (its Documentation/admin-guide/kdump/vmcoreinfo). The
 * guest says where it is (-device vmcoreinfo), and is believed only as far as
 * what is there is such a note.
 */
#include <string.h>

#include "base/bytes.h"
#include "dump.h"
#include "vm/knobs.h"

#define NAME       "VMCOREINFO"
#define NOTE_HEAD  12u
#define NOTE_MAX   (64 * KIB)

/* Where the content begins; 0: it is no such note. */
static guint content_of(const uint8_t *note, uint32_t bytes)
{
    uint32_t name = bytes_ld_le32(note), size = bytes_ld_le32(note + 4);
    guint at = NOTE_HEAD + ((sizeof NAME + 3) & ~3u);
    bool ours = name == sizeof NAME && bytes >= at && size <= bytes - at &&
                !memcmp(note + NOTE_HEAD, NAME, sizeof NAME);
    return ours ? at : 0;
}

static uint64_t phys_base_of(const char *text, size_t bytes)
{
    static const char key[] = "NUMBER(phys_base)=";
    const char *at = g_strstr_len(text, bytes, key);
    return at ? (uint64_t)g_ascii_strtoll(at + strlen(key), NULL, 10) : 0;
}

static void add_note(Dump *d, uint8_t *note, uint32_t bytes)
{
    guint at = content_of(note, bytes);
    if (at) {
        static const uint8_t zeroes[4];
        d->info_at = d->notes->len + at;
        d->info_bytes = bytes_ld_le32(note + 4);
        d->phys_base = phys_base_of((char *)note + at, d->info_bytes);
        g_byte_array_append(d->notes, note, at + d->info_bytes);
        g_byte_array_append(d->notes, zeroes, -d->info_bytes & 3);
    }
}

void dump_add_core_info(Dump *d)
{
    PhysAddr addr;
    uint32_t bytes;
    if (!core_note_find(d->m, &addr, &bytes) || bytes < NOTE_HEAD ||
        bytes > NOTE_MAX) {
        return;
    }
    g_autofree uint8_t *note = g_malloc0(bytes + 1); /* ends as text */
    if (address_space_read_debug(d->m->memory, addr, note, bytes)) {
        add_note(d, note, bytes);
    }
}
