/*
 * Floating-point environments from the control registers of x86, RISC-V and
 * Arm.
 */
#include "base/softfloat.h"

/* MXCSR (SDM vol. 1, 10.2.3): flags 0..5, DAZ 6, masks 7..12, RC 13, FTZ 15. */
SfEnv sf_env_sse(uint32_t mxcsr)
{
    bool flush = mxcsr & 0x8000, zero = mxcsr & 0x40;
    return (SfEnv){
        .unmasked = ~(mxcsr >> 7) & SF_ALL,
        .rounding = mxcsr >> 13 & 3,
        .nan_rule = SF_NAN_SSE,
        .denormal_in = zero ? SF_IN_ZERO : SF_IN_FLAG,
        .denormal_out = flush ? SF_OUT_ZERO_AFTER : SF_OUT_KEEP,
        .nan_negative = true,
    };
}

/* The x87 control word (SDM vol. 1, 8.1.5): masks 0..5, PC 8, RC 10. */
SfEnv sf_env_x87(uint16_t control)
{
    /* PC 01 is reserved; processors take it for 64 bits. */
    static const uint8_t precision[] = { 24, 64, 53, 64 };
    return (SfEnv){
        .unmasked = ~control & SF_ALL,
        .rounding = control >> 10 & 3,
        .nan_rule = SF_NAN_X87,
        .denormal_in = SF_IN_FLAG,
        .precision = precision[control >> 8 & 3],
        .nan_negative = true,
    };
}

SfEnv sf_env_riscv(unsigned rm)
{
    static const uint8_t modes[] = { SF_NEAREST_EVEN, SF_ZERO, SF_DOWN, SF_UP,
                                     SF_NEAREST_AWAY };
    g_assert(rm < G_N_ELEMENTS(modes));
    return (SfEnv){ .rounding = modes[rm], .nan_rule = SF_NAN_DEFAULT };
}

SfEnv sf_env_arm(uint32_t fpcr, bool half)
{
    static const uint8_t modes[] = { SF_NEAREST_EVEN, SF_UP, SF_DOWN, SF_ZERO };
    bool flush = fpcr & (half ? 1u << 19 : 1u << 24);
    return (SfEnv){
        .rounding = modes[fpcr >> 22 & 3],
        .nan_rule = fpcr & (1u << 25) ? SF_NAN_DEFAULT : SF_NAN_ARM,
        /* FZ16 raises no input denormal (shared/functions/float/fpunpack). */
        .denormal_in = !flush ? SF_IN_KEEP
                       : half ? SF_IN_ZERO
                              : SF_IN_ZERO_FLAG,
        .denormal_out = flush ? SF_OUT_ZERO_BEFORE : SF_OUT_KEEP,
        .tiny_before = true,
    };
}

unsigned sf_flags_told(const SfEnv *env)
{
    const unsigned before = SF_INVALID | SF_DENORMAL | SF_DIV_ZERO;
    bool stopped = env->flags & env->unmasked & before;
    return env->flags & (stopped ? before : SF_ALL);
}
