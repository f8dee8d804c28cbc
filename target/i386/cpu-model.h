/*
 * Features by name, for cpu-model.c and -cpu help.
 */
#ifndef TARGET_I386_CPU_MODEL_H
#define TARGET_I386_CPU_MODEL_H

#include "cpu.h"

/* cpuid.def. */
typedef enum FeatureStatus { LACK, HAVE, ASKED } FeatureStatus;

typedef struct Feature {
    const char *name;
    uint8_t word, bit;
    uint8_t status;        /* FeatureStatus */
} Feature;

/* A feature by its name or another spelling; NULL: there is none. */
const Feature *feature_find(const char *name);
/* The nth, NULL behind the last. */
const Feature *feature_at(size_t n);
bool feature_is_on(const X86Cpu *cpu, const Feature *f);
void feature_set(X86Cpu *cpu, const Feature *f, bool on);
/* "CPUID.07H:EBX.avx2 [bit 5]". The caller frees. */
char *feature_text(const Feature *f);
/* What f needs, the nth; NULL behind the last. */
const Feature *feature_need(const Feature *f, size_t n);

#endif
