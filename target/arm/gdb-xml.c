/*
 * The target description for debuggers (GDB manual, "AArch64 Features"), made
 * of the rows of the layout. Small files, for clients with small buffers.
 */
#include "show.h"

static const struct {
    const char *group, *file, *feature;
} parts[] = {
    { "core", "aarch64-core.xml", "org.gnu.gdb.aarch64.core" },
    { "fpu", "aarch64-fpu.xml", "org.gnu.gdb.aarch64.fpu" },
};

static const char cpsr_type[] =
    "<flags id=\"cpsr_flags\" size=\"4\">"
    "<field name=\"SP\" start=\"0\" end=\"0\"/>"
    "<field name=\"EL\" start=\"2\" end=\"3\"/>"
    "<field name=\"F\" start=\"6\" end=\"6\"/>"
    "<field name=\"I\" start=\"7\" end=\"7\"/>"
    "<field name=\"A\" start=\"8\" end=\"8\"/>"
    "<field name=\"D\" start=\"9\" end=\"9\"/>"
    "<field name=\"IL\" start=\"20\" end=\"20\"/>"
    "<field name=\"SS\" start=\"21\" end=\"21\"/>"
    "<field name=\"PAN\" start=\"22\" end=\"22\"/>"
    "<field name=\"V\" start=\"28\" end=\"28\"/>"
    "<field name=\"C\" start=\"29\" end=\"29\"/>"
    "<field name=\"Z\" start=\"30\" end=\"30\"/>"
    "<field name=\"N\" start=\"31\" end=\"31\"/></flags>\n";

/* A vector as lanes of each kind: gdb's names of them. */
static const struct {
    const char *id, *element;
    unsigned count;
    char member;
} lanes[] = {
    { "v2d", "ieee_double", 2, 'd' }, { "v4f", "ieee_single", 4, 's' },
    { "v2i", "int64", 2, 'l' },       { "v4i", "int32", 4, 'w' },
    { "v8i", "int16", 8, 'h' },       { "v16i", "int8", 16, 'b' },
    { "v1q", "uint128", 1, 'q' },
};

static void put_vector_type(GString *xml)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(lanes); i++) {
        g_string_append_printf(
            xml, "<vector id=\"%s\" type=\"%s\" count=\"%u\"/>", lanes[i].id,
            lanes[i].element, lanes[i].count);
    }
    g_string_append(xml, "<union id=\"aarch64v\">");
    for (unsigned i = 0; i < G_N_ELEMENTS(lanes); i++) {
        g_string_append_printf(xml, "<field name=\"%c\" type=\"%s\"/>",
                               lanes[i].member, lanes[i].id);
    }
    g_string_append(xml, "</union>\n");
}

static char *describe_part(const CpuGdbView *v, unsigned part)
{
    GString *xml = g_string_new("<?xml version=\"1.0\"?>\n"
                                "<!DOCTYPE feature SYSTEM \"gdb-target.dtd\">"
                                "\n");
    g_string_append_printf(xml, "<feature name=\"%s\">\n",
                           parts[part].feature);
    if (part) {
        put_vector_type(xml);
    } else {
        g_string_append(xml, cpsr_type);
    }
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

char *arm_describe(const CpuGdbView *v, const char *file)
{
    if (g_str_equal(file, "target.xml")) {
        return g_strdup_printf(
            "<?xml version=\"1.0\"?>\n"
            "<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
            "<target xmlns:xi=\"http://www.w3.org/2001/XInclude\">\n"
            "<architecture>aarch64</architecture>\n"
            "<xi:include href=\"%s\"/>\n<xi:include href=\"%s\"/>\n"
            "</target>\n", parts[0].file, parts[1].file);
    }
    for (unsigned p = 0; p < G_N_ELEMENTS(parts); p++) {
        if (g_str_equal(file, parts[p].file)) {
            return describe_part(v, p);
        }
    }
    return NULL;
}
