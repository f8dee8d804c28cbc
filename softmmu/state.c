/*
 * Walks state tables: reset, save, load, digest, compare, show.
 *
 * A saved section is: u16 version, u16 field count, then for each row u8 name
 * length, name, u8 tag, u32 count, and the elements; all little-endian. Rows
 * carry their names so that an older or newer reader can match them.
 */
#include "vm/state.h"

#include "base/bits.h"
#include "base/bytes.h"
#include "base/digest.h"

/* ORDER state-tag (include/vm/state.h) */
static const char *const tag_names[] = {
    "bool", "u8", "u16", "u32", "u64", "i64", "time",
};

const StateTable *state_none(void)
{
    static const StateTable none = { "none", 1, 0, 0, NULL };
    return &none;
}

static const uint8_t *element(const StateField *f, const void *obj,
                              uint32_t index)
{
    return (const uint8_t *)obj + f->offset +
           (size_t)index * STATE_TAG_SIZE(f->tag);
}

uint64_t state_get(const StateField *f, const void *obj, uint32_t index)
{
    const uint8_t *p = element(f, obj, index);
    switch (STATE_TAG_SIZE(f->tag)) {
    case 1:
        return *p;
    case 2:
        return *(const uint16_t *)p;
    case 4:
        return *(const uint32_t *)p;
    default:
        return *(const uint64_t *)p;
    }
}

void state_set(const StateField *f, void *obj, uint32_t index, uint64_t v)
{
    uint8_t *p = (uint8_t *)element(f, obj, index);
    switch (STATE_TAG_SIZE(f->tag)) {
    case 1:
        *p = f->tag == STATE_BOOL ? v != 0 : v;
        break;
    case 2:
        *(uint16_t *)p = v;
        break;
    case 4:
        *(uint32_t *)p = v;
        break;
    default:
        *(uint64_t *)p = v;
    }
}

void state_reset(const StateTable *t, void *obj)
{
    for (uint32_t i = 0; i < t->field_count; i++) {
        for (uint32_t n = 0; n < t->fields[i].count; n++) {
            state_set(&t->fields[i], obj, n, t->fields[i].reset);
        }
    }
}

static void put(GByteArray *out, uint64_t v, unsigned size)
{
    uint8_t buf[8];
    bytes_st_le(buf, size, v);
    g_byte_array_append(out, buf, size);
}

static void save_elements(const StateField *f, const void *obj,
                          GByteArray *out)
{
    unsigned size = STATE_TAG_SIZE(f->tag);
    if (size == 1) {
        g_byte_array_append(out, element(f, obj, 0), f->count);
        return;
    }
    for (uint32_t n = 0; n < f->count; n++) {
        put(out, state_get(f, obj, n), size);
    }
}

void state_save(const StateTable *t, const void *obj, GByteArray *out)
{
    put(out, t->version, 2);
    put(out, t->field_count, 2);
    for (uint32_t i = 0; i < t->field_count; i++) {
        const StateField *f = &t->fields[i];
        put(out, strlen(f->name), 1);
        g_byte_array_append(out, (const uint8_t *)f->name, strlen(f->name));
        put(out, f->tag, 1);
        put(out, f->count, 4);
        save_elements(f, obj, out);
    }
}

/* --- loading ------------------------------------------------------------- */

typedef struct Reader {
    const StateTable *t;
    const uint8_t *p;
    size_t left;
} Reader;

static bool take(Reader *r, unsigned size, uint64_t *v, Error **errp)
{
    if (r->left < size) {
        error_set(errp, "section '%s' is cut short", r->t->name);
        return false;
    }
    *v = bytes_ld_le(r->p, size);
    r->p += size;
    r->left -= size;
    return true;
}

static const StateField *find_field(const StateTable *t, const char *name)
{
    for (uint32_t i = 0; i < t->field_count; i++) {
        if (g_str_equal(t->fields[i].name, name)) {
            return &t->fields[i];
        }
    }
    return NULL;
}

bool state_in_range(const StateField *f, uint64_t v)
{
    int64_t value = v;
    bool is_signed = f->tag == STATE_I64 || f->tag == STATE_TIME;
    if (f->tag == STATE_BOOL) {
        return v <= 1;
    }
    if (f->tag == STATE_TIME && !f->ranged) {
        return value == INT64_MAX || (value >= 0 && value <= STATE_TIME_MAX);
    }
    if (!f->ranged || (f->or_never && value == INT64_MAX)) {
        return true;
    }
    return (is_signed || value >= 0) && value >= f->min && value <= f->max;
}

static bool out_of_range(const StateTable *t, const StateField *f, uint64_t v,
                         Error **errp)
{
    if (f->tag == STATE_BOOL) {
        error_set(errp, "section '%s', field '%s': %u is not a boolean",
                  t->name, f->name, (unsigned)v);
        return false;
    }
    bool time = f->tag == STATE_TIME && !f->ranged;
    error_set(errp, "section '%s', field '%s': %" G_GINT64_FORMAT " is not "
              "from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, t->name,
              f->name, (int64_t)v, time ? 0 : f->min,
              time ? STATE_TIME_MAX : f->max);
    return false;
}

static bool load_elements(Reader *r, const StateField *f, void *obj,
                          Error **errp)
{
    unsigned size = STATE_TAG_SIZE(f->tag);
    for (uint32_t n = 0; n < f->count; n++) {
        uint64_t v;
        if (!take(r, size, &v, errp)) {
            return false;
        }
        if (!state_in_range(f, v)) {
            return out_of_range(r->t, f, v, errp);
        }
        state_set(f, obj, n, v);
    }
    return true;
}

static bool load_name(Reader *r, char name[256], Error **errp)
{
    uint64_t len;
    if (!take(r, 1, &len, errp)) {
        return false;
    }
    if (r->left < len) {
        error_set(errp, "section '%s' is cut short", r->t->name);
        return false;
    }
    memcpy(name, r->p, len);
    name[len] = 0;
    r->p += len;
    r->left -= len;
    return true;
}

static bool load_field(Reader *r, void *obj, const StateField **out,
                       Error **errp)
{
    char name[256];
    uint64_t tag, count;
    if (!load_name(r, name, errp) || !take(r, 1, &tag, errp) ||
        !take(r, 4, &count, errp)) {
        return false;
    }
    const StateField *f = find_field(r->t, name);
    if (!f) {
        g_autofree char *safe = g_strescape(name, NULL);
        error_set(errp, "section '%s' has an unknown field '%s'", r->t->name,
                  safe);
        return false;
    }
    if (tag != f->tag || count != f->count) {
        error_set(errp, "section '%s', field '%s' is %s[%u], not %s[%u]",
                  r->t->name, name,
                  tag < G_N_ELEMENTS(tag_names) ? tag_names[tag] : "?",
                  (unsigned)count, tag_names[f->tag], f->count);
        return false;
    }
    *out = f;
    return load_elements(r, f, obj, errp);
}

/* Every row that a stream of `version` should have must have come once. */
static bool check_complete(const StateTable *t, const uint8_t *seen,
                           uint64_t version, Error **errp)
{
    for (uint32_t i = 0; i < t->field_count; i++) {
        bool expected = t->fields[i].since <= version;
        if (seen[i] > 1 || (expected && !seen[i])) {
            error_set(errp, "section '%s', field '%s' is %s", t->name,
                      t->fields[i].name, seen[i] ? "there twice" : "missing");
            return false;
        }
    }
    return true;
}

bool state_load(const StateTable *t, void *obj, const uint8_t *data,
                size_t len, Error **errp)
{
    Reader r = { t, data, len };
    uint64_t version, count;
    if (!take(&r, 2, &version, errp) || !take(&r, 2, &count, errp)) {
        return false;
    }
    if (version > t->version) {
        error_set(errp, "section '%s' has version %u; this program knows %u",
                  t->name, (unsigned)version, t->version);
        return false;
    }
    g_autofree uint8_t *seen = g_malloc0(t->field_count + 1);
    state_reset(t, obj);
    for (uint64_t i = 0; i < count; i++) {
        const StateField *f;
        if (!load_field(&r, obj, &f, errp)) {
            return false;
        }
        seen[f - t->fields] += seen[f - t->fields] < 2;
    }
    if (r.left) {
        error_set(errp, "section '%s' has %zu bytes too many", t->name, r.left);
        return false;
    }
    return check_complete(t, seen, version, errp);
}

/* --- digests and reports --------------------------------------------------- */

uint64_t state_digest(const StateTable *t, const void *obj)
{
    g_autoptr(GByteArray) bytes = g_byte_array_sized_new(t->size_bytes);
    for (uint32_t i = 0; i < t->field_count; i++) {
        save_elements(&t->fields[i], obj, bytes);
    }
    return digest_bytes(bytes->data, bytes->len);
}

