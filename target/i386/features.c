/*
 * The features of cpuid.def as a table, and how they are spelled.
 */
#include "cpu-model.h"

#include <string.h>

static const Feature features[] = {
#define FEATURE(word, bit, name, status) { name, FEAT_##word, bit, status },
#include "cpuid.def"
};

typedef struct Pair {
    const char *name, *other;
} Pair;

static const Pair aliases[] = {
#define ALIAS(name, feature) { name, feature },
#include "cpuid.def"
};

static const Pair needs[] = {
#define NEEDS(feature, other) { feature, other },
#include "cpuid.def"
};

/* ORDER x86-feat */
static const char *const words[FEAT_WORDS] = {
    [FEAT_1_EDX] = "01H:EDX", [FEAT_1_ECX] = "01H:ECX",
    [FEAT_7_EBX] = "07H:EBX", [FEAT_80000001_EDX] = "80000001H:EDX",
    [FEAT_80000001_ECX] = "80000001H:ECX", [FEAT_7_ECX] = "07H:ECX",
    [FEAT_D_1_EAX] = "0DH:EAX", [FEAT_7_EDX] = "07H:EDX",
    [FEAT_6_EAX] = "06H:EAX", [FEAT_80000007_EDX] = "80000007H:EDX",
    [FEAT_80000008_EBX] = "80000008H:EBX",
};

static const Feature *find_name(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(features); i++) {
        if (g_str_equal(features[i].name, name)) {
            return &features[i];
        }
    }
    return NULL;
}

const Feature *feature_find(const char *text)
{
    g_autofree char *name = g_strdup(text);
    g_strdelimit(name, "_", '-');
    for (size_t i = 0; i < G_N_ELEMENTS(aliases); i++) {
        if (g_str_equal(aliases[i].name, name)) {
            return find_name(aliases[i].other);
        }
    }
    return find_name(name);
}

const Feature *feature_at(size_t n)
{
    return n < G_N_ELEMENTS(features) ? &features[n] : NULL;
}

bool feature_is_on(const X86Cpu *cpu, const Feature *f)
{
    return cpu->features[f->word] >> f->bit & 1;
}

void feature_set(X86Cpu *cpu, const Feature *f, bool on)
{
    uint32_t bit = 1u << f->bit;
    cpu->features[f->word] = on ? cpu->features[f->word] | bit
                                : cpu->features[f->word] & ~bit;
}

char *feature_text(const Feature *f)
{
    return g_strdup_printf("CPUID.%s.%s [bit %u]", words[f->word], f->name,
                           f->bit);
}

const Feature *feature_need(const Feature *f, size_t n)
{
    for (size_t i = 0; i < G_N_ELEMENTS(needs); i++) {
        if (g_str_equal(needs[i].name, f->name) && n-- == 0) {
            return find_name(needs[i].other);
        }
    }
    return NULL;
}
