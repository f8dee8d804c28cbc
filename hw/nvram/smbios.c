/*
 * What SMBIOS tells of the machine (DSP0134, "System Management BIOS Reference
 * Specification", chapter 7), by default and as -smbios says.
 */
#include "hw/smbios.h"

#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "hw/fw-cfg.h"
#include "smbios-parts.h"

#define TABLES_FILE "etc/smbios/smbios-tables"
#define ANCHOR_FILE "etc/smbios/smbios-anchor"

#define NO_HANDLE 0xffffu
#define MAKER     SMBIOS_MAKER

/* --- what the user says ------------------------------------------------------ */

static const SmbiosConfig *config_at(const Smbios *s, guint i)
{
    return g_ptr_array_index(s->m->config.tables.smbios, i);
}

static guint config_count(const Smbios *s)
{
    const GPtrArray *all = s->m->config.tables.smbios;
    return all ? all->len : 0;
}

/* The last that was said; NULL: nothing was. */
const char *smbios_field(const Smbios *s, unsigned type, const char *name)
{
    const char *value = NULL;
    for (guint i = 0; i < config_count(s); i++) {
        const SmbiosConfig *c = config_at(s, i);
        for (guint k = 0; c->type == type && c->names && k < c->names->len;
             k++) {
            if (g_str_equal(g_ptr_array_index(c->names, k), name)) {
                value = g_ptr_array_index(c->values, k);
            }
        }
    }
    return value;
}

static bool is_given(const Smbios *s, unsigned type, bool whole)
{
    for (guint i = 0; i < config_count(s); i++) {
        const SmbiosConfig *c = config_at(s, i);
        if (c->type == type && !!c->structure == whole) {
            return true;
        }
    }
    return false;
}

/* A string of the user's, or what it is otherwise. */
void smbios_text(Smbios *s, unsigned type, const char *name,
                 const char *otherwise)
{
    const char *value = smbios_field(s, type, name);
    smbios_string(&s->t, value ? value : otherwise);
}

uint64_t smbios_value(const Smbios *s, unsigned type, const char *name,
                      uint64_t otherwise)
{
    const char *value = smbios_field(s, type, name);
    return value ? g_ascii_strtoull(value, NULL, 0) : otherwise;
}

/* --- the structures, 7.1 to 7.33 ----------------------------------------------- */

static void add_numbers(Smbios *s, const uint8_t *v, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        smbios_number(&s->t, 1, v[i]);
    }
}

#define CHARACTERISTICS_UNKNOWN 0x08u
#define EXTENSION_UEFI 0x08u
#define EXTENSION_VIRTUAL 0x14u    /* and its tables are as they should be */

static void add_bios(Smbios *s)
{
    SmbiosTable *t = &s->t;
    const char *release = smbios_field(s, BIOS, "release");
    const char *uefi = smbios_field(s, BIOS, "uefi");
    char *end = NULL;
    unsigned major = release ? g_ascii_strtoull(release, &end, 10) : 0;
    unsigned minor = release && *end ? g_ascii_strtoull(end + 1, NULL, 10)
                                     : 0;

    if (!is_given(s, BIOS, false)) {
        return;                /* firmware knows better */
    }
    smbios_begin_struct(t, BIOS, HANDLE(BIOS, 0));
    smbios_text(s, BIOS, "vendor", NULL);
    smbios_text(s, BIOS, "version", NULL);
    smbios_number(t, 2, 0xe800);
    smbios_text(s, BIOS, "date", NULL);
    smbios_number(t, 1, 0);
    smbios_number(t, 8, CHARACTERISTICS_UNKNOWN);
    smbios_number(t, 1, 0);
    smbios_number(t, 1, EXTENSION_VIRTUAL |
                            (!g_strcmp0(uefi, "on") ? EXTENSION_UEFI : 0));
    smbios_number(t, 1, major);
    smbios_number(t, 1, minor);
    smbios_number(t, 2, 0xffff);
    smbios_end_struct(t);
}

static void add_uuid(Smbios *s)
{
    const char *given = smbios_field(s, SYSTEM, "uuid");
    uint8_t uuid[16];

    bytes_from_uuid(given ? given : s->m->config.uuid, uuid);
    add_numbers(s, uuid, sizeof uuid);
}

#define WAKE_POWER_SWITCH 6

static void add_system(Smbios *s)
{
    SmbiosTable *t = &s->t;

    smbios_begin_struct(t, SYSTEM, HANDLE(SYSTEM, 0));
    smbios_text(s, SYSTEM, "manufacturer", MAKER);
    smbios_text(s, SYSTEM, "product", s->m->board->desc);
    smbios_text(s, SYSTEM, "version", s->m->board->name);
    smbios_text(s, SYSTEM, "serial", NULL);
    add_uuid(s);
    smbios_number(t, 1, WAKE_POWER_SWITCH);
    smbios_text(s, SYSTEM, "sku", NULL);
    smbios_text(s, SYSTEM, "family", NULL);
    smbios_end_struct(t);
}

#define BOARD_HOSTS       1
#define BOARD_MOTHERBOARD 0x0a

static void add_baseboard(Smbios *s)
{
    SmbiosTable *t = &s->t;

    if (!is_given(s, BASEBOARD, false)) {
        return;
    }
    smbios_begin_struct(t, BASEBOARD, HANDLE(BASEBOARD, 0));
    smbios_text(s, BASEBOARD, "manufacturer", MAKER);
    smbios_text(s, BASEBOARD, "product", s->m->board->desc);
    smbios_text(s, BASEBOARD, "version", s->m->board->name);
    smbios_text(s, BASEBOARD, "serial", NULL);
    smbios_text(s, BASEBOARD, "asset", NULL);
    smbios_number(t, 1, BOARD_HOSTS);
    smbios_text(s, BASEBOARD, "location", NULL);
    smbios_number(t, 2, HANDLE(CHASSIS, 0));
    smbios_number(t, 1, BOARD_MOTHERBOARD);
    smbios_number(t, 1, 0);
    smbios_end_struct(t);
}

static void add_chassis(Smbios *s)
{
    /* Its states are safe, its security is unknown; no size, no parts. */
    static const uint8_t states[] = { 3, 3, 3, 2, 0, 0, 0, 0, 0, 0, 0, 0 };
    SmbiosTable *t = &s->t;

    smbios_begin_struct(t, CHASSIS, HANDLE(CHASSIS, 0));
    smbios_text(s, CHASSIS, "manufacturer", MAKER);
    smbios_number(t, 1, 1);
    smbios_text(s, CHASSIS, "version", s->m->board->name);
    smbios_text(s, CHASSIS, "serial", NULL);
    smbios_text(s, CHASSIS, "asset", NULL);
    add_numbers(s, states, sizeof states);
    smbios_text(s, CHASSIS, "sku", NULL);
    smbios_end_struct(t);
}

#define CPU_KIND    3
#define CPU_OTHER   1
#define CPU_ENABLED 0x41
#define CPU_UNKNOWN 2
#define CPU_MHZ     2000

static void add_processor(Smbios *s, unsigned socket)
{
    SmbiosTable *t = &s->t;
    const MachineSmp *smp = &s->m->config.smp;
    unsigned cores = smp->dies * smp->cores;
    const char *prefix = smbios_field(s, PROCESSOR, "sock_pfx");
    g_autofree char *name =
        g_strdup_printf("%s%2x", prefix ? prefix : "CPU", socket);

    smbios_begin_struct(t, PROCESSOR, HANDLE(PROCESSOR, socket));
    smbios_string(t, name);
    smbios_number(t, 1, CPU_KIND);
    smbios_number(t, 1, CPU_OTHER);
    smbios_text(s, PROCESSOR, "manufacturer", MAKER);
    smbios_number(t, 8, smbios_value(s, PROCESSOR, "processor-id", 0));
    smbios_text(s, PROCESSOR, "version", s->m->board->name);
    smbios_number(t, 1, 0);
    smbios_number(t, 2, 0);
    smbios_number(t, 2, smbios_value(s, PROCESSOR, "max-speed", CPU_MHZ));
    smbios_number(t, 2, smbios_value(s, PROCESSOR, "current-speed", CPU_MHZ));
    smbios_number(t, 1, CPU_ENABLED);
    smbios_number(t, 1, CPU_OTHER);
    smbios_number(t, 2, NO_HANDLE);
    smbios_number(t, 2, NO_HANDLE);
    smbios_number(t, 2, NO_HANDLE);
    smbios_text(s, PROCESSOR, "serial", NULL);
    smbios_text(s, PROCESSOR, "asset", NULL);
    smbios_text(s, PROCESSOR, "part", NULL);
    smbios_number(t, 1, cores);
    smbios_number(t, 1, cores);
    smbios_number(t, 1, cores * smp->threads);
    smbios_number(t, 2, CPU_UNKNOWN);
    smbios_number(t, 2, CPU_OTHER);
    smbios_end_struct(t);
}

/* Every value= of every -smbios type=11. */
static void add_oem_strings(Smbios *s)
{
    SmbiosTable *t = &s->t;

    if (!is_given(s, OEM_STRINGS, false)) {
        return;
    }
    smbios_begin_struct(t, OEM_STRINGS, HANDLE(OEM_STRINGS, 0));
    smbios_number(t, 1, 0);
    guint count_at = t->bytes->len - 1;
    for (guint i = 0; i < config_count(s); i++) {
        const SmbiosConfig *c = config_at(s, i);
        for (guint k = 0; c->type == OEM_STRINGS && c->values &&
                          k < c->values->len; k++) {
            smbios_string(t, g_ptr_array_index(c->values, k));
            g_byte_array_set_size(t->bytes, t->bytes->len - 1);
        }
    }
    t->bytes->data[count_at] = t->string_count;
    smbios_end_struct(t);
}

/* --- all of it ---------------------------------------------------------------------- */

static void add_boot(Smbios *s)
{
    smbios_begin_struct(&s->t, BOOT, HANDLE(BOOT, 0));
    smbios_number(&s->t, 6, 0);
    smbios_number(&s->t, 1, 0);        /* no errors */
    smbios_end_struct(&s->t);
}

static void add_processors(Smbios *s)
{
    for (unsigned n = 0; n < s->m->config.smp.sockets; n++) {
        add_processor(s, n);
    }
}

static void add_given(Smbios *s)
{
    for (guint i = 0; i < config_count(s); i++) {
        const SmbiosConfig *c = config_at(s, i);
        if (c->structure) {
            gsize len;
            const void *data = g_bytes_get_data(c->structure, &len);
            smbios_add_struct(&s->t, data, len);
        }
    }
}

/* A structure that the user brings stands for all of its type. */
static void add_all(Smbios *s)
{
    static const struct {
        unsigned type;
        void (*add)(Smbios *s);
    } parts[] = {
        { BIOS, add_bios },           { SYSTEM, add_system },
        { BASEBOARD, add_baseboard }, { CHASSIS, add_chassis },
        { PROCESSOR, add_processors }, { OEM_STRINGS, add_oem_strings },
        { MEMORY_DEVICE, smbios_add_memory }, { BOOT, add_boot },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (!is_given(s, parts[i].type, true)) {
            parts[i].add(s);
        }
    }
    add_given(s);
    smbios_begin_struct(&s->t, END, HANDLE(END, 0));
    smbios_end_struct(&s->t);
}

void smbios_describe(const Machine *m, Device *fw_cfg, uint64_t below_4g,
                     uint64_t above_4g)
{
    Smbios s = { .m = m, .below_4g = below_4g, .above_4g = above_4g };
    uint8_t entry[SMBIOS_ENTRY_MAX];

    smbios_begin(&s.t);
    add_all(&s);
    unsigned len = smbios_entry_point(&s.t, m->config.tables.smbios_64, entry);
    fw_cfg_add_file_copy(fw_cfg, TABLES_FILE, s.t.bytes->data,
                         s.t.bytes->len);
    fw_cfg_add_file_copy(fw_cfg, ANCHOR_FILE, entry, len);
    smbios_free(&s.t);
}

void fw_files_describe(const Machine *m, Device *fw_cfg)
{
    const GPtrArray *files = m->config.tables.fw_files;
    for (guint i = 0; files && i < files->len; i++) {
        const FwFileConfig *f = g_ptr_array_index(files, i);
        fw_cfg_add_file(fw_cfg, f->name, f->content);
    }
}
