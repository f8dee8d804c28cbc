/*
 * -cpu MODEL[,PROPERTY…]: the models of cpu-models.def, and what the user
 * changes in one. A model is a fixed list of features, the same on every host,
 * so that a recording replays anywhere.
 *
 * The properties are QEMU's: "+FEATURE", "-FEATURE", "FEATURE[=on|off]",
 * family=, model=, stepping=, vendor=, model-id=, level=, xlevel=, phys-bits=,
 * check=, enforce=; and our own unknown-msr=.
 */
#include "cpu-model.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "cpuid.h"

typedef struct Model {
    const char *name, *parent, *vendor;
    unsigned family, model, stepping;
    uint32_t level, xlevel;
    const char *model_id;
    const char *changes;
} Model;

static const Model models[] = {
#define CPU_MODEL(name, parent, vendor, family, model, stepping, level, \
                  xlevel, model_id, changes)                            \
    { name, parent, vendor, family, model, stepping, level, xlevel,     \
      model_id, changes },
#include "cpu-models.def"
};

typedef struct Variant {
    const char *name, *parent, *changes;
} Variant;

static const Variant variants[] = {
#define CPU_VARIANT(name, parent, changes) { name, parent, changes },
#include "cpu-models.def"
};

/* A -cpu option being worked on. */
typedef struct Choice {
    X86Cpu *cpu;
    const char *text;      /* all of the option, for messages */
    bool wide;             /* the program has long mode */
    bool check, enforce;
    uint32_t asked[FEAT_WORDS]; /* features that the user turned on */
} Choice;

static const Model *find_model(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
        if (g_str_equal(models[i].name, name)) {
            return &models[i];
        }
    }
    return NULL;
}

static const Variant *find_variant(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(variants); i++) {
        if (g_str_equal(variants[i].name, name)) {
            return &variants[i];
        }
    }
    return NULL;
}

void cpuid_help(GString *out)
{
    const Feature *f;
    g_string_append(out, "Available CPUs:\n");
    for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
        g_string_append_printf(out, "x86 %-24s  %s\n", models[i].name,
                               models[i].model_id);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(variants); i++) {
        const Variant *v = &variants[i];
        g_string_append_printf(out, "x86 %-24s  %s%s%s\n", v->name, v->parent,
                               *v->changes ? " with " : "", v->changes);
    }
    g_string_append(out, "\nRecognized CPUID flags:\n ");
    for (size_t i = 0; (f = feature_at(i)); i++) {
        if (f->status != LACK) {
            g_string_append_printf(out, " %s", f->name);
        }
    }
    g_string_append(out, "\n\nOther properties:\n"
        "  family=, model=, stepping=, vendor=, model-id=, level=, xlevel=\n"
        "  phys-bits=N            bits of a physical address\n"
        "  check=on|off           warn about what is missing (default on)\n"
        "  enforce=on|off         and refuse to start\n"
        "  unknown-msr=gp|ignore  model-specific registers that the model "
        "does not have\n"
        "                         raise #GP (default), or read as "
        "0 and take any value\n");
}

/* --- models ----------------------------------------------------------------*/

static void set_all(Choice *c)
{
    const Feature *f;
    for (size_t i = 0; (f = feature_at(i)); i++) {
        if (f->status == HAVE) {
            feature_set(c->cpu, f, true);
        }
    }
}

static void apply_changes(Choice *c, const char *changes)
{
    g_auto(GStrv) words = g_strsplit(changes, " ", -1);
    for (char **w = words; *w; w++) {
        const char *name = *w + (**w == '-');
        if (g_str_equal(name, "all")) {
            set_all(c);
        } else if (*name) {
            const Feature *f = feature_find(name);
            g_assert(f);   /* the tables are ours */
            feature_set(c->cpu, f, **w != '-');
        }
    }
}

static void apply_model(Choice *c, const Model *m)
{
    if (m->parent) {
        const Model *parent = find_model(m->parent);
        g_assert(parent);
        apply_model(c, parent);
    }
    apply_changes(c, m->changes);
}

static uint32_t signature_of(unsigned family, unsigned model,
                             unsigned stepping)
{
    unsigned base = MIN(family, 15u);
    return (family - base) << 20 | (model >> 4) << 16 | base << 8 |
           (model & 15) << 4 | stepping;
}

static void set_identity(X86Cpu *cpu, const Model *m)
{
    X86Identity *id = &cpu->id;
    g_strlcpy(id->vendor, m->vendor, sizeof(id->vendor));
    g_strlcpy(id->model_id, m->model_id, sizeof(id->model_id));
    id->family = m->family;
    id->model = m->model;
    id->stepping = m->stepping;
    id->level = m->level;
    id->xlevel = m->xlevel;
}

static bool is_long_mode(const X86Cpu *cpu)
{
    return feature_is_on(cpu, feature_find("lm"));
}

static const char *why_not(const char *name)
{
    return g_str_equal(name, "x86-64-v4") ? ": no model has AVX-512"
           : g_str_equal(name, "host")
               ? ": models are the same on every host; 'max' has all there is"
               : "";
}

/* Fills in the model's features; lists that name long mode are not for the
 * 32-bit program, except the one that has whatever there is. */
static bool choose_model(Choice *c, const char *name, Error **errp)
{
    const Variant *v = find_variant(name);
    const Model *m = find_model(v ? v->parent : name);
    if (!m) {
        error_set(errp, "unable to find CPU model '%s'%s", name,
                  why_not(name));
        return false;
    }
    set_identity(c->cpu, m);
    apply_model(c, m);
    apply_changes(c, v ? v->changes : "");
    if (!g_str_equal(name, "base")) {
        feature_set(c->cpu, feature_find("hypervisor"), true);
    }
    if (!c->wide && is_long_mode(c->cpu)) {
        if (!g_str_equal(name, "max")) {
            error_set(errp, "unable to find CPU model '%s': it is 64-bit, see "
                      "-cpu help", name);
            return false;
        }
        feature_set(c->cpu, feature_find("lm"), false);
    }
    return true;
}

/* --- properties --------------------------------------------------------------*/

typedef struct NumberProp {
    const char *name;
    size_t offset;         /* of a uint32_t in X86Identity */
    uint32_t low, high;
} NumberProp;

#define ID(member) offsetof(X86Identity, member)

static const NumberProp numbers[] = {
    { "family", ID(family), 0, 0xff + 15 },
    { "model", ID(model), 0, 255 },
    { "stepping", ID(stepping), 0, 15 },
    { "level", ID(level), 0, UINT32_MAX },
    { "xlevel", ID(xlevel), 0, UINT32_MAX },
    { "phys-bits", ID(phys_bits), 32, 52 },
};

/* True if the property is one of numbers; *ok: its value is right. */
static bool apply_number(Choice *c, const char *name, const char *value,
                         bool *ok, Error **errp)
{
    const NumberProp *p = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        p = g_str_equal(numbers[i].name, name) ? &numbers[i] : p;
    }
    if (!p) {
        return false;
    }
    char *end = NULL;
    uint64_t v = g_ascii_strtoull(value, &end, 0);
    *ok = end != value && !*end && *value != '-' && v >= p->low &&
          v <= p->high;
    if (*ok) {
        *(uint32_t *)((char *)&c->cpu->id + p->offset) = v;
    } else {
        error_set(errp, "-cpu %s: '%s' takes a number from %u to %u", c->text,
                  name, p->low, p->high);
    }
    return true;
}

static bool apply_vendor(Choice *c, const char *value, Error **errp)
{
    if (strlen(value) != sizeof(c->cpu->id.vendor) - 1) {
        error_set(errp, "-cpu %s: 'vendor' takes 12 characters", c->text);
        return false;
    }
    g_strlcpy(c->cpu->id.vendor, value, sizeof(c->cpu->id.vendor));
    return true;
}

static bool apply_model_id(Choice *c, const char *value, Error **errp)
{
    if (strlen(value) >= sizeof(c->cpu->id.model_id)) {
        error_set(errp, "-cpu %s: 'model-id' takes up to 47 characters",
                  c->text);
        return false;
    }
    memset(c->cpu->id.model_id, 0, sizeof(c->cpu->id.model_id));
    g_strlcpy(c->cpu->id.model_id, value, sizeof(c->cpu->id.model_id));
    return true;
}

/* "unknown-msr=gp|ignore". */
static bool apply_unknown_msr(Choice *c, const char *value, Error **errp)
{
    c->cpu->ignore_unknown_msr = g_str_equal(value, "ignore");
    if (!c->cpu->ignore_unknown_msr && !g_str_equal(value, "gp")) {
        error_set(errp, "-cpu %s: 'unknown-msr' takes gp or ignore", c->text);
        return false;
    }
    return true;
}

static bool parse_switch(const Choice *c, const char *name, const char *value,
                         bool *on, Error **errp)
{
    *on = g_str_equal(value, "on") || g_str_equal(value, "yes") ||
          g_str_equal(value, "true");
    if (!*on && !g_str_equal(value, "off") && !g_str_equal(value, "no") &&
        !g_str_equal(value, "false")) {
        error_set(errp, "-cpu %s: '%s' takes on or off", c->text, name);
        return false;
    }
    return true;
}

static bool apply_feature(Choice *c, const char *name, bool on, Error **errp)
{
    const Feature *f = feature_find(name);
    if (!f) {
        error_set(errp, "-cpu %s: unknown or unsupported feature '%s'",
                  c->text, name);
        return false;
    }
    if (on && !c->wide && g_str_equal(f->name, "lm")) {
        error_set(errp, "-cpu %s: this program has no long mode; use "
                  "reprise-system-x86_64", c->text);
        return false;
    }
    feature_set(c->cpu, f, on);
    uint32_t bit = 1u << f->bit;
    c->asked[f->word] = on ? c->asked[f->word] | bit
                           : c->asked[f->word] & ~bit;
    return true;
}

/* NAME=VALUE. */
static bool apply_property(Choice *c, const char *name, const char *value,
                           Error **errp)
{
    bool ok = false, on;
    if (apply_number(c, name, value, &ok, errp)) {
        return ok;
    }
    if (g_str_equal(name, "vendor")) {
        return apply_vendor(c, value, errp);
    }
    if (g_str_equal(name, "model-id")) {
        return apply_model_id(c, value, errp);
    }
    if (g_str_equal(name, "unknown-msr")) {
        return apply_unknown_msr(c, value, errp);
    }
    if (!parse_switch(c, name, value, &on, errp)) {
        return false;
    }
    if (g_str_equal(name, "check")) {
        c->check = on;
        return true;
    }
    if (g_str_equal(name, "enforce")) {
        c->enforce = on;
        return true;
    }
    return apply_feature(c, name, on, errp);
}

/* "+name", "-name", "name", "name=value". */
static bool apply_word(Choice *c, const char *word, Error **errp)
{
    if (*word == '+' || *word == '-') {
        return apply_feature(c, word + 1, *word == '+', errp);
    }
    const char *eq = strchr(word, '=');
    if (!eq) {
        return apply_property(c, word, "on", errp);
    }
    g_autofree char *name = g_strndup(word, eq - word);
    return apply_property(c, name, eq + 1, errp);
}

/* --- what becomes of it ---------------------------------------------------------*/

/* The first CPU tells for all. */
static void complain(const Choice *c, const Feature *f, const char *what)
{
    g_autofree char *text = feature_text(f);
    if (c->check && c->cpu->parent.index == 0) {
        error_warn("%s: %s", what, text);
    }
}

/* Takes away what is not implemented. */
static bool drop_lacking(Choice *c, Error **errp)
{
    const Feature *f;
    bool any = false;
    for (size_t i = 0; (f = feature_at(i)); i++) {
        if (f->status == LACK && feature_is_on(c->cpu, f)) {
            complain(c, f, "TCG doesn't support requested feature");
            feature_set(c->cpu, f, false);
            any = true;
        }
    }
    if (any && c->enforce) {
        error_set(errp, "-cpu %s: TCG doesn't support requested features",
                  c->text);
        return false;
    }
    return true;
}

static bool is_missing_something(const X86Cpu *cpu, const Feature *f)
{
    const Feature *other;
    for (size_t n = 0; (other = feature_need(f, n)); n++) {
        if (!feature_is_on(cpu, other)) {
            return true;
        }
    }
    return false;
}

/* One round; true if something went. */
static bool drop_dependent(Choice *c)
{
    const Feature *f;
    bool any = false;
    for (size_t i = 0; (f = feature_at(i)); i++) {
        if (!feature_is_on(c->cpu, f) || !is_missing_something(c->cpu, f)) {
            continue;
        }
        if (c->asked[f->word] >> f->bit & 1) {
            complain(c, f, "This feature depends on other features that were "
                     "not requested");
        }
        feature_set(c->cpu, f, false);
        any = true;
    }
    return any;
}

void cpuid_identify(const Cpu *parent, GString *out)
{
    const X86Cpu *cpu = (const X86Cpu *)parent;
    g_string_append_printf(out, "%s %x %x %x %u", cpu->id.vendor,
                           cpu->id.signature, cpu->id.level, cpu->id.xlevel,
                           cpuid_phys_bits(cpu));
    for (unsigned i = 0; i < FEAT_WORDS; i++) {
        g_string_append_printf(out, " %x", cpu->features[i]);
    }
}

bool cpuid_set_model(Cpu *parent, const char *text, Error **errp)
{
    X86Cpu *cpu = x86_cpu(parent);
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    Choice c = { .cpu = cpu, .text = text, .check = true };
    c.wide = g_str_equal(parent->cls->name, "x86_64");
    if (!choose_model(&c, words[0] ? words[0] : "", errp)) {
        return false;
    }
    for (char **w = words[0] ? words + 1 : words; *w; w++) {
        if (!apply_word(&c, *w, errp)) {
            return false;
        }
    }
    if (!drop_lacking(&c, errp)) {
        return false;
    }
    while (drop_dependent(&c)) {
    }
    cpu->id.signature = signature_of(cpu->id.family, cpu->id.model,
                                     cpu->id.stepping);
    return true;
}
