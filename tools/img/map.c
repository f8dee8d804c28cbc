/*
 * reprise-img map: where the data of a disk are.
 */
#include <stdlib.h>
#include <string.h>

#include "img.h"

/* Neighbours that say the same, gathered. */
typedef struct Entry {
    uint64_t start, length;
    BlockPlace place;
} Entry;

static bool joins(const Entry *e, const BlockPlace *p)
{
    const BlockPlace *q = &e->place;
    return e->length && q->allocated == p->allocated && q->data == p->data &&
           q->zero == p->zero && q->depth == p->depth &&
           q->compressed == p->compressed && !q->file == !p->file &&
           (!p->file || (strcmp(q->file, p->file) == 0 &&
                         q->offset + e->length == p->offset));
}

/* False after a report: what human eyes cannot be told. */
static bool print_human(const Entry *e)
{
    if (!e->place.data || e->place.zero) {
        return true;
    }
    if (!e->place.file) {
        error_report("File contains external, encrypted or compressed "
                     "clusters.");
        return false;
    }
    g_autofree char *start = g_strdup_printf("%#" G_GINT64_MODIFIER "x",
                                             e->start);
    g_autofree char *length = g_strdup_printf("%#" G_GINT64_MODIFIER "x",
                                              e->length);
    printf("%-16s%-16s%#-16" G_GINT64_MODIFIER "x%s\n", start, length,
           e->place.offset, e->place.file);
    return true;
}

static void print_json(const Entry *e, bool first)
{
    const BlockPlace *p = &e->place;
    printf("%s{ \"start\": %" G_GUINT64_FORMAT ", \"length\": %"
           G_GUINT64_FORMAT ", \"depth\": %u, \"present\": %s, \"zero\": %s, "
           "\"data\": %s", first ? "[" : ",\n", e->start, e->length, p->depth,
           p->allocated ? "true" : "false", p->zero ? "true" : "false",
           p->data ? "true" : "false");
    if (p->file) {
        printf(", \"offset\": %" G_GUINT64_FORMAT, p->offset);
    }
    printf("}");
}

typedef struct Map {
    const ImgArgs *args;
    Entry entry;
    bool first;
} Map;

static bool flush(Map *m)
{
    bool ok = true;
    if (m->entry.length) {
        if (m->args->json) {
            print_json(&m->entry, m->first);
        } else {
            ok = print_human(&m->entry);
        }
        m->first = false;
    }
    m->entry.length = 0;
    return ok;
}

static bool map_all(Map *m, Image *image, uint64_t at, uint64_t end)
{
    for (uint64_t run; at < end; at += run) {
        BlockPlace p;
        run = image_place(image, at, end - at, &p);
        if (joins(&m->entry, &p)) {
            m->entry.length += run;
            continue;
        }
        if (!flush(m)) {
            return false;
        }
        m->entry = (Entry) { at, run, p };
    }
    return flush(m);
}

int img_map(const ImgArgs *a)
{
    uint64_t start = 0, length = INT64_MAX;
    if (!img_one_name(a) ||
        !img_number("start offset", a->start, INT64_MAX, &start) ||
        !img_number("max length", a->length, INT64_MAX, &length)) {
        return EXIT_FAILURE;
    }
    ImageOpen how = img_open_how(a, a->names[0], true);
    Image *image = img_open(&how);
    if (!image) {
        return EXIT_FAILURE;
    }
    Map m = { .args = a, .first = true };
    uint64_t size = image_size_bytes(image);
    uint64_t end = start < size ? start + MIN(length, size - start) : start;
    if (!a->json) {
        printf("%-16s%-16s%-16s%s\n", "Offset", "Length", "Mapped to",
               "File");
    }
    bool ok = map_all(&m, image, start, end);
    if (a->json) {
        printf("%s]\n", m.first ? "[" : "");
    }
    image_close(image);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
