/*
 * The target description that a debugger reads: target.xml, which includes a
 * file for each part of the register file (GDB manual, appendix "Target
 * Descriptions", "Standard Target Features": i386 features). Made from the rows
 * of the layout, so that it cannot say anything else than packets hold.
 *
 * Small files: some clients have a kilobyte for an answer.
 */
#include "show.h"

/* ORDER gdb-part: a register's group, the file and the feature it goes to. gdb
 * knows all but "system", whose registers it only shows. */
static const struct {
    const char *group, *file, *feature;
} parts[] = {
    { "core", "x86-core.xml", "org.gnu.gdb.i386.core" },
    { "segments", "x86-segments.xml", "org.gnu.gdb.i386.segments" },
    { "system", "x86-system.xml", "org.reprise.i386.system" },
    { "sse", "x86-sse.xml", "org.gnu.gdb.i386.sse" },
    { "avx", "x86-avx.xml", "org.gnu.gdb.i386.avx" },
};

/* Registers of named bits: "NAME:first-last", in the order in which debuggers
 * print them. Zero bytes: as wide as the layout's addresses. */
typedef struct FlagsType {
    const char *group, *id;
    unsigned bytes;
    const char *fields;
} FlagsType;

static const FlagsType flags_types[] = {
    { "core", "x86_eflags", 4,
      "ID:21 VIP:20 VIF:19 AC:18 VM:17 RF:16 NT:14 IOPL:12-13 OF:11 DF:10 "
      "IF:9 TF:8 SF:7 ZF:6 AF:4 PF:2 CF:0" },
    { "system", "x86_cr0", 0,
      "PG:31 CD:30 NW:29 AM:18 WP:16 NE:5 ET:4 TS:3 EM:2 MP:1 PE:0" },
    { "system", "x86_cr3", 0, "PDBR:12-* PCID:0-11" },
    { "system", "x86_cr4", 0,
      "PKE:22 SMAP:21 SMEP:20 OSXSAVE:18 PCIDE:17 FSGSBASE:16 SMXE:14 "
      "VMXE:13 LA57:12 UMIP:11 OSXMMEXCPT:10 OSFXSR:9 PCE:8 PGE:7 MCE:6 "
      "PAE:5 PSE:4 DE:3 TSD:2 PVI:1 VME:0" },
    { "system", "x86_efer", 0,
      "TCE:15 FFXSR:14 LMSLE:13 SVME:12 NXE:11 LMA:10 LME:8 SCE:0" },
    { "sse", "x86_mxcsr", 4,
      "IE:0 DE:1 ZE:2 OE:3 UE:4 PE:5 DAZ:6 IM:7 DM:8 ZM:9 OM:10 UM:11 PM:12 "
      "FZ:15" },
};

/* What a vector may be taken for; gdb's scripts know these names. */
static const struct {
    const char *field, *element;
    unsigned count;
} vec128[] = {
    { "v4_float", "ieee_single", 4 }, { "v2_double", "ieee_double", 2 },
    { "v16_int8", "int8", 16 },       { "v8_int16", "int16", 8 },
    { "v4_int32", "int32", 4 },       { "v2_int64", "int64", 2 },
};

static bool is_wide(const CpuGdbView *v)
{
    return v->regs[0].bits == 64;
}

static void put_field(GString *xml, const char *text, unsigned bytes)
{
    g_auto(GStrv) words = g_strsplit_set(text, ":-", 0);
    const char *last = words[2] ? words[2] : words[1];
    g_autofree char *top = g_strdup_printf("%u", 8 * bytes - 1);
    g_string_append_printf(xml, "<field name=\"%s\" start=\"%s\" end=\"%s\"/>",
                           words[0], words[1],
                           g_str_equal(last, "*") ? top : last);
}

static void put_flags(GString *xml, const CpuGdbView *v, const FlagsType *t)
{
    unsigned bytes = t->bytes ? t->bytes : is_wide(v) ? 8 : 4;
    g_auto(GStrv) fields = g_strsplit(t->fields, " ", 0);
    g_string_append_printf(xml, "<flags id=\"%s\" size=\"%u\">", t->id, bytes);
    for (unsigned i = 0; fields[i]; i++) {
        put_field(xml, fields[i], bytes);
    }
    g_string_append(xml, "</flags>\n");
}

static void put_vec128(GString *xml)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(vec128); i++) {
        g_string_append_printf(
            xml, "<vector id=\"%s_t\" type=\"%s\" count=\"%u\"/>",
            vec128[i].field, vec128[i].element, vec128[i].count);
    }
    g_string_append(xml, "<union id=\"vec128\">");
    for (unsigned i = 0; i < G_N_ELEMENTS(vec128); i++) {
        g_string_append_printf(xml, "<field name=\"%s\" type=\"%s_t\"/>",
                               vec128[i].field, vec128[i].field);
    }
    g_string_append(xml, "<field name=\"uint128\" type=\"uint128\"/></union>\n");
}

static void put_types(GString *xml, const CpuGdbView *v, const char *group)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(flags_types); i++) {
        if (g_str_equal(flags_types[i].group, group)) {
            put_flags(xml, v, &flags_types[i]);
        }
    }
    if (g_str_equal(group, "sse")) {
        put_vec128(xml);
    }
}

static char *describe_part(const CpuGdbView *v, unsigned part)
{
    GString *xml = g_string_new(NULL);
    g_string_printf(xml, "<?xml version=\"1.0\"?>\n"
                    "<!DOCTYPE feature SYSTEM \"gdb-target.dtd\">\n"
                    "<feature name=\"%s\">\n", parts[part].feature);
    put_types(xml, v, parts[part].group);
    for (unsigned i = 0; i < v->count; i++) {
        const CpuReg *reg = &v->regs[i];
        if (g_str_equal(reg->group, parts[part].group)) {
            g_string_append_printf(
                xml, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" "
                "regnum=\"%u\"/>\n", reg->name, reg->bits, reg->gdb_type, i);
        }
    }
    g_string_append(xml, "</feature>\n");
    return g_string_free(xml, FALSE);
}

static bool has_part(const CpuGdbView *v, unsigned part)
{
    for (unsigned i = 0; i < v->count; i++) {
        if (g_str_equal(v->regs[i].group, parts[part].group)) {
            return true;
        }
    }
    return false;
}

static char *describe_target(const CpuGdbView *v)
{
    GString *xml = g_string_new(NULL);
    g_string_printf(xml, "<?xml version=\"1.0\"?>\n"
                    "<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
                    "<target xmlns:xi=\"http://www.w3.org/2001/XInclude\">\n"
                    "<architecture>%s</architecture>\n",
                    is_wide(v) ? "i386:x86-64" : "i386");
    for (unsigned p = 0; p < G_N_ELEMENTS(parts); p++) {
        if (has_part(v, p)) {
            g_string_append_printf(xml, "<xi:include href=\"%s\"/>\n",
                                   parts[p].file);
        }
    }
    g_string_append(xml, "</target>\n");
    return g_string_free(xml, FALSE);
}

char *x86_describe(const CpuGdbView *v, const char *file)
{
    if (g_str_equal(file, "target.xml")) {
        return describe_target(v);
    }
    for (unsigned p = 0; p < G_N_ELEMENTS(parts); p++) {
        if (g_str_equal(file, parts[p].file) && has_part(v, p)) {
            return describe_part(v, p);
        }
    }
    return NULL;
}
