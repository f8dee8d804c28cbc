/*
 * -fw_cfg, -smbios and -acpitable: their files are read here, and become part of
 * what a recording is bound to.
 */
#include "program.h"

#include <string.h>

#include "base/bytes.h"
#include "base/digest.h"

static GBytes *read_file(const char *path, Error **errp)
{
    return world_read_file(path, errp);
}

static GBytes *from_text(const char *text)
{
    return g_bytes_new(text, strlen(text));
}

/* --- -fw_cfg --------------------------------------------------------------------- */

static void fw_file_free(gpointer file)
{
    FwFileConfig *f = file;
    g_clear_pointer(&f->content, g_bytes_unref);
    g_free(f);
}

static bool load_fw_file(Program *p, const KeyVal *kv, Error **errp)
{
    const char *file = keyval_get(kv, "file");
    FwFileConfig *f = g_new0(FwFileConfig, 1);

    f->name = keyval_get(kv, "name");
    f->content = file ? read_file(file, errp)
                      : from_text(keyval_get(kv, "string"));
    g_ptr_array_add(p->m->config.tables.fw_files, f);
    return f->content;
}

/* --- -smbios ------------------------------------------------------------------------ */

static void smbios_free(gpointer config)
{
    SmbiosConfig *c = config;
    g_clear_pointer(&c->structure, g_bytes_unref);
    g_clear_pointer(&c->names, g_ptr_array_unref);
    g_clear_pointer(&c->values, g_ptr_array_unref);
    g_free(c);
}

/* Type, length, number; the rest of the fields; strings that end with an empty
 * one (DSP0134, 6.1). */
static bool structure_is_whole(GBytes *structure)
{
    gsize len;
    const uint8_t *p = g_bytes_get_data(structure, &len);

    if (len < 6 || p[1] < 4 || p[1] + 2u > len) {
        return false;
    }
    for (gsize at = p[1]; at + 1 < len; at++) {
        if (!p[at] && !p[at + 1]) {
            return at + 2 == len;
        }
    }
    return false;
}

static bool load_structure(SmbiosConfig *c, const char *file, Error **errp)
{
    c->structure = read_file(file, errp);
    if (!c->structure) {
        return false;
    }
    if (!structure_is_whole(c->structure)) {
        error_set(errp, "'%s' is not one whole SMBIOS structure", file);
        return false;
    }
    c->type = *(const uint8_t *)g_bytes_get_data(c->structure, NULL);
    return true;
}

/* A string of type 11 may be in a file: path=. */
static bool load_field(SmbiosConfig *c, const char *name, const char *value,
                       Error **errp)
{
    char *text = g_strdup(value);

    if (g_str_equal(name, "path")) {
        g_autoptr(GBytes) bytes = read_file(value, errp);
        g_free(text);
        if (!bytes) {
            return false;
        }
        gsize len;
        const char *data = g_bytes_get_data(bytes, &len);
        text = g_strndup(data, len);
    }
    g_ptr_array_add(c->names, g_strdup(name));
    g_ptr_array_add(c->values, text);
    return true;
}

static bool load_fields(SmbiosConfig *c, const KeyVal *kv, Error **errp)
{
    uint64_t type = 0;
    bool ok = keyval_number(kv, "type", 0, 255, &type, errp);

    c->type = type;
    c->names = g_ptr_array_new_with_free_func(g_free);
    c->values = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; ok && i < kv->keys->len; i++) {
        const char *name = g_ptr_array_index(kv->keys, i);
        ok = g_str_equal(name, "type") ||
             load_field(c, name, g_ptr_array_index(kv->values, i), errp);
    }
    return ok;
}

/* A structure stands for all of its type. */
static bool is_contradicted(const GPtrArray *all, const SmbiosConfig *c)
{
    for (guint i = 0; i < all->len; i++) {
        const SmbiosConfig *other = g_ptr_array_index(all, i);
        if (other->type == c->type && !other->structure != !c->structure) {
            return true;
        }
    }
    return false;
}

static bool load_smbios(Program *p, const KeyVal *kv, Error **errp)
{
    GPtrArray *all = p->m->config.tables.smbios;
    const char *file = keyval_get(kv, "file");
    SmbiosConfig *c = g_new0(SmbiosConfig, 1);
    bool ok = file ? load_structure(c, file, errp)
                   : load_fields(c, kv, errp);

    if (ok && is_contradicted(all, c)) {
        error_set(errp, "type %u is given by a file and by fields", c->type);
        ok = false;
    }
    g_ptr_array_add(all, c);
    return ok;
}

/* --- -acpitable --------------------------------------------------------------------- */

/* The common header, ACPI 6.4, 5.2.6. */
enum { A_SIGNATURE = 0, A_LENGTH = 4, A_REVISION = 8, A_OEM_ID = 10,
       A_OEM_TABLE_ID = 16, A_OEM_REVISION = 24, A_CREATOR = 28,
       A_CREATOR_REVISION = 32, A_HEADER = 36 };
#define ACPI_TABLE_MAX (16 * MIB)

static void set_text(const KeyVal *kv, const char *key, uint8_t *field,
                     size_t bytes)
{
    const char *value = keyval_get(kv, key);
    if (value) {
        memset(field, 0, bytes);
        memcpy(field, value, strlen(value));
    }
}

/* Checked when it was parsed. */
static void set_number(const KeyVal *kv, const char *key, uint8_t *field,
                       size_t bytes)
{
    uint64_t v = bytes_ld_le(field, bytes);
    bool ok = keyval_number(kv, key, 0, UINT32_MAX, &v, NULL);
    g_assert(ok);
    bytes_st_le(field, bytes, v);
}

static void set_header(const KeyVal *kv, uint8_t *h, size_t len)
{
    set_text(kv, "sig", h + A_SIGNATURE, 4);
    set_text(kv, "oem_id", h + A_OEM_ID, 6);
    set_text(kv, "oem_table_id", h + A_OEM_TABLE_ID, 8);
    set_text(kv, "asl_compiler_id", h + A_CREATOR, 4);
    set_number(kv, "rev", h + A_REVISION, 1);
    set_number(kv, "oem_rev", h + A_OEM_REVISION, 4);
    set_number(kv, "asl_compiler_rev", h + A_CREATOR_REVISION, 4);
    bytes_st_le32(h + A_LENGTH, len);
}

/* Files are separated by colons and joined. */
static bool join_files(GByteArray *out, const char *list, Error **errp)
{
    g_auto(GStrv) files = g_strsplit(list, ":", -1);

    for (char **f = files; *f; f++) {
        g_autoptr(GBytes) bytes = read_file(*f, errp);
        if (!bytes) {
            return false;
        }
        gsize len;
        const void *data = g_bytes_get_data(bytes, &len);
        if (len > ACPI_TABLE_MAX - out->len) {
            error_set(errp, "'%s' makes a table of more than 16 MiB", *f);
            return false;
        }
        g_byte_array_append(out, data, len);
    }
    return true;
}

static bool load_acpi(Program *p, const KeyVal *kv, Error **errp)
{
    static const uint8_t header[A_HEADER] =
        "\0\0\0\0" "\0\0\0\0" "\1\0" "REPRIS" "REPRISE " "\1\0\0\0" "RPRS"
        "\1\0\0";
    const char *data = keyval_get(kv, "data");
    g_autoptr(GByteArray) table = g_byte_array_new();

    if (data) {
        g_byte_array_append(table, header, sizeof header);
    }
    if (!join_files(table, data ? data : keyval_get(kv, "file"), errp)) {
        return false;
    }
    if (table->len < A_HEADER) {
        error_set(errp, "a table of %u bytes has no header", table->len);
        return false;
    }
    set_header(kv, table->data, table->len);
    g_ptr_array_add(p->m->config.tables.acpi_tables,
                    g_bytes_new(table->data, table->len));
    return true;
}

/* --- all of them ---------------------------------------------------------------------- */

static bool load_each(Program *p, const char *option, const GPtrArray *list,
                      bool (*load)(Program *p, const KeyVal *kv,
                                   Error **errp), Error **errp)
{
    for (guint i = 0; i < list->len; i++) {
        Error *err = NULL;
        if (!load(p, g_ptr_array_index(list, i), &err)) {
            error_prepend(&err, "%s: ", option);
            error_propagate(errp, err);
            return false;
        }
    }
    return true;
}

bool program_load_tables(Program *p, Error **errp)
{
    const Options *o = &p->opts;
    BoardConfig *c = &p->m->config.tables;

    c->fw_files = g_ptr_array_new_with_free_func(fw_file_free);
    c->smbios = g_ptr_array_new_with_free_func(smbios_free);
    c->acpi_tables =
        g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    return load_each(p, "-fw_cfg", o->fw_cfgs, load_fw_file, errp) &&
           load_each(p, "-smbios", o->smbioses, load_smbios, errp) &&
           load_each(p, "-acpitable", o->acpitables, load_acpi, errp) &&
           program_make_numa(p, errp);
}

void program_free_tables(Program *p)
{
    BoardConfig *c = &p->m->config.tables;
    g_clear_pointer(&c->fw_files, g_ptr_array_unref);
    g_clear_pointer(&c->smbios, g_ptr_array_unref);
    g_clear_pointer(&c->acpi_tables, g_ptr_array_unref);
    g_clear_pointer(&p->numa, g_free);
}

/* --- what a recording is bound to -------------------------------------------------------- */

static void add_digest(GString *out, const char *key, GBytes *bytes)
{
    gsize len;
    const void *data = g_bytes_get_data(bytes, &len);
    g_string_append_printf(out, "%s=%016" G_GINT64_MODIFIER "x\n", key,
                           digest_bytes(data, len));
}

static void identify_smbios(GString *out, const SmbiosConfig *c)
{
    if (c->structure) {
        add_digest(out, "smbios-file", c->structure);
        return;
    }
    g_string_append_printf(out, "smbios=%u", c->type);
    for (guint i = 0; i < c->names->len; i++) {
        g_string_append_printf(
            out, ",%s=%s", (const char *)g_ptr_array_index(c->names, i),
            (const char *)g_ptr_array_index(c->values, i));
    }
    g_string_append_c(out, '\n');
}

static void identify_numa(GString *out, const NumaConfig *c)
{
    g_string_append(out, "numa=");
    for (unsigned n = 0; n < c->nodes; n++) {
        g_string_append_printf(out, "%s%" G_GUINT64_FORMAT "M", n ? "+" : "",
                               c->node_bytes[n] / MIB);
    }
    g_string_append_printf(
        out, " %016" G_GINT64_MODIFIER "x\n",
        digest_bytes(c, sizeof *c));
}

void program_identify_tables(const Program *p, GString *out)
{
    const BoardConfig *c = &p->m->config.tables;

    for (guint i = 0; i < c->fw_files->len; i++) {
        const FwFileConfig *f = g_ptr_array_index(c->fw_files, i);
        g_autofree char *key = g_strdup_printf("fw_cfg %s", f->name);
        add_digest(out, key, f->content);
    }
    for (guint i = 0; i < c->smbios->len; i++) {
        identify_smbios(out, g_ptr_array_index(c->smbios, i));
    }
    for (guint i = 0; i < c->acpi_tables->len; i++) {
        add_digest(out, "acpitable", g_ptr_array_index(c->acpi_tables, i));
    }
    if (c->numa) {
        identify_numa(out, c->numa);
    }
    if (p->opts.board->virtio_mmio) {
        g_string_append_printf(
            out, "microvm=%s%s%s%s\n", c->microvm.no_pit ? "" : "pit ",
            c->microvm.no_pic ? "" : "pic ", c->microvm.no_rtc ? "" : "rtc ",
            c->microvm.no_serial ? "" : "serial");
    }
    if (c->smbios_64) {
        g_string_append(out, "smbios-entry-point-type=64\n");
    }
}
