/*
 * CPU models for those who ask what there is: which ones this program has, and
 * what each consists of.
 */
#include "cpu-model.h"
#include "cpuid.h"

static const char *const names[] = {
#define CPU_MODEL(name, parent, vendor, family, model, stepping, level, \
                  xlevel, model_id, changes) name,
#include "cpu-models.def"
#define CPU_VARIANT(name, parent, changes) name,
#include "cpu-models.def"
};

/* A CPU of no machine, of this model; NULL with an error. It is not the first
 * one, so that nobody is warned of what it lacks. */
static X86Cpu *cpu_of_model(const CpuClass *cls, const char *model,
                            Error **errp)
{
    X86Cpu *cpu = g_new0(X86Cpu, 1);
    cpu->parent.cls = cls;
    cpu->parent.index = 1;
    if (!cpuid_set_model(&cpu->parent, model, errp)) {
        g_clear_pointer(&cpu, g_free);
    }
    return cpu;
}

void cpuid_models(const CpuClass *cls, CpuModelFn *fn, void *opaque)
{
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        Error *err = NULL;
        g_autofree X86Cpu *cpu = cpu_of_model(cls, names[i], &err);
        error_free(err); /* of the other program's */
        if (cpu) {
            fn(opaque, names[i]);
        }
    }
}

bool cpuid_expand(const CpuClass *cls, const char *model, CpuFeatureFn *fn,
                  void *opaque, Error **errp)
{
    const Feature *f;
    g_autofree X86Cpu *cpu = cpu_of_model(cls, model, errp);
    for (size_t i = 0; cpu && (f = feature_at(i)); i++) {
        fn(opaque, f->name, feature_is_on(cpu, f));
    }
    return cpu != NULL;
}
