/*
 * CPU models and CPUID. A model is a fixed list of features, the same on
 * every host, so that a recording replays anywhere. SDM vol. 2, CPUID.
 */
#include "cpuid.h"

#include <string.h>

typedef struct Feature {
    const char *name;
    uint8_t word, bit;
} Feature;

static const Feature features[] = {
#define FEATURE(word, bit, name) { #name, FEAT_##word, bit },
#include "cpuid.def"
#undef FEATURE
};

#define F_486 "fpu"
#define F_586 F_486 " de pse tsc msr mce cx8 mmx"
#define F_686 F_586 " vme mca pae sep mtrr pge cmov pat pse36 clflush"
#define F_64  F_686 " cx16 syscall nx lm lahf_lm"
#define F_MAX F_64 " fxsr fxsr_opt xsave xsaveopt xsavec xgetbv1 xsaves popcnt movbe rdrand rdseed fsgsbase smep smap erms " \
                   "pdpe1gb abm rdtscp bmi1 bmi2 adx"

/* Signatures are of processors of the kind; the name in CPUID leaves
 * 80000002 to 80000004 is the description. */
static const X86Model models[] = {
    { "486", "Intel 486", "GenuineIntel", 0x480, 1, 0, F_486, false },
    { "pentium", "Intel Pentium", "GenuineIntel", 0x543, 1, 0, F_586, false },
    { "pentium2", "Intel Pentium II", "GenuineIntel", 0x652, 2, 0, F_686,
      false },
    { "qemu32", "QEMU Virtual CPU version 2.5+", "GenuineIntel", 0x663, 4,
      0x80000004, F_686, false },
    { "qemu64", "QEMU Virtual CPU version 2.5+", "AuthenticAMD", 0x60fb1, 0xd,
      0x8000000a, F_64, true },
    { "base", "base CPU model type with no features enabled", "GenuineIntel",
      0x663, 4, 0x80000004, "", false },
    { "max", "Enables all features that are implemented", "AuthenticAMD",
      0x60fb1, 0xd, 0x8000000a, F_MAX, true },
};

static const X86Model *model_of(const X86Cpu *cpu)
{
    return cpu->model;
}

static const X86Model *find_model(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
        if (g_str_equal(models[i].name, name)) {
            return &models[i];
        }
    }
    return NULL;
}

static const Feature *find_feature(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(features); i++) {
        if (g_str_equal(features[i].name, name)) {
            return &features[i];
        }
    }
    return NULL;
}

static void set_feature(X86Cpu *cpu, const Feature *f, bool on)
{
    uint32_t bit = 1u << f->bit;
    cpu->features[f->word] = on ? cpu->features[f->word] | bit
                                : cpu->features[f->word] & ~bit;
}

void cpuid_help(GString *out)
{
    g_string_append(out, "Available CPUs:\n");
    for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
        g_string_append_printf(out, "x86 %-20s  %s\n", models[i].name,
                               models[i].desc);
    }
    g_string_append(out, "\nRecognized CPUID flags:\n ");
    for (size_t i = 0; i < G_N_ELEMENTS(features); i++) {
        g_string_append_printf(out, " %s", features[i].name);
    }
    g_string_append(out, "\n\nOther properties:\n  unknown-msr=gp|ignore  "
                    "model-specific registers that the model does not have\n"
                    "                         raise #GP (default), or read as "
                    "0 and take any value\n");
}

/* "unknown-msr=gp|ignore". */
static bool apply_unknown_msr(X86Cpu *cpu, const char *model,
                              const char *value, Error **errp)
{
    cpu->ignore_unknown_msr = g_str_equal(value, "ignore");
    if (!cpu->ignore_unknown_msr && !g_str_equal(value, "gp")) {
        error_set(errp, "-cpu %s: 'unknown-msr' takes gp or ignore", model);
        return false;
    }
    return true;
}

/* "+name", "-name", "name", "name=on|off". */
static bool apply_word(X86Cpu *cpu, const char *model, const char *word,
                       Error **errp)
{
    if (g_str_has_prefix(word, "unknown-msr=")) {
        return apply_unknown_msr(cpu, model, strchr(word, '=') + 1, errp);
    }
    bool on = *word != '-';
    g_autofree char *name = g_strdup(word + (*word == '+' || *word == '-'));
    char *eq = strchr(name, '=');
    if (eq) {
        *eq = 0;
        on = g_str_equal(eq + 1, "on");
        if (!on && !g_str_equal(eq + 1, "off")) {
            error_set(errp, "-cpu %s: '%s' takes on or off", model, name);
            return false;
        }
    }
    g_strdelimit(name, "-", '_');
    const Feature *f = find_feature(name);
    if (!f) {
        error_set(errp, "-cpu %s: unknown or unsupported feature '%s'", model,
                  name);
        return false;
    }
    if (on && !cpu->long_mode_capable && g_str_equal(f->name, "lm")) {
        error_set(errp, "-cpu %s: this program has no long mode; use "
                  "reprise-system-x86_64", model);
        return false;
    }
    set_feature(cpu, f, on);
    return true;
}

bool cpuid_set_model(Cpu *parent, const char *text, Error **errp)
{
    X86Cpu *cpu = x86_cpu(parent);
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    cpu->model = words[0] ? find_model(words[0]) : NULL;
    if (!cpu->model) {
        error_set(errp, "unable to find CPU model '%s'",
                  words[0] ? words[0] : "");
        return false;
    }
    bool wide = g_str_equal(parent->cls->name, "x86_64");
    if (cpu->model->long_mode && !wide && !g_str_equal(words[0], "max")) {
        error_set(errp, "unable to find CPU model '%s': it is 64-bit, see "
                  "-cpu help", words[0]);
        return false;
    }
    cpu->long_mode_capable = wide;
    g_auto(GStrv) list = g_strsplit(cpu->model->features, " ", -1);
    for (char **w = list; *w; w++) {
        const Feature *f = **w ? find_feature(*w) : NULL;
        if (f && (wide || !g_str_equal(f->name, "lm"))) {
            set_feature(cpu, f, true);
        }
    }
    for (char **w = words + 1; *w; w++) {
        if (!apply_word(cpu, text, *w, errp)) {
            return false;
        }
    }
    return true;
}

/* --- questions ------------------------------------------------------------------- */

uint32_t x86_feature_word(const X86Cpu *cpu, unsigned word)
{
    return cpu->features[word];
}

static bool has(const X86Cpu *cpu, unsigned word, unsigned bit)
{
    return cpu->features[word] & (1u << bit);
}

bool cpuid_has_long_mode(const X86Cpu *cpu)
{
    return has(cpu, FEAT_80000001_EDX, 29);
}

bool cpuid_has_syscall(const X86Cpu *cpu)
{
    return has(cpu, FEAT_80000001_EDX, 11);
}

bool cpuid_has_nx(const X86Cpu *cpu)
{
    return has(cpu, FEAT_80000001_EDX, 20);
}

bool cpuid_is_amd(const X86Cpu *cpu)
{
    return g_str_equal(cpu->model->vendor, "AuthenticAMD");
}

bool cpuid_has_gib_pages(const X86Cpu *cpu)
{
    return has(cpu, FEAT_80000001_EDX, 26);
}

unsigned cpuid_phys_bits(const X86Cpu *cpu)
{
    bool pae = has(cpu, FEAT_1_EDX, 6), pse36 = has(cpu, FEAT_1_EDX, 17);
    return cpuid_has_long_mode(cpu) ? 40 : pae || pse36 ? 36 : 32;
}

bool cpuid_has_ffxsr(const X86Cpu *cpu)
{
    return has(cpu, FEAT_80000001_EDX, 25);
}

bool cpuid_has_fdp_excptn_only(const X86Cpu *cpu)
{
    return has(cpu, FEAT_7_EBX, 6);
}

bool cpuid_has_zero_fcs_fds(const X86Cpu *cpu)
{
    return has(cpu, FEAT_7_EBX, 13);
}

uint32_t cpuid_signature(const X86Cpu *cpu)
{
    return model_of(cpu)->signature;
}
