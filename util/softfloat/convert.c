/*
 * Between formats: unpack from the one, round to the other (IEEE 754-2019,
 * 5.4.2). A NaN keeps its first payload bits.
 */
#include "formats.h"

/* FST: an unmasked overflow or underflow forbids the store, and nothing is
 * said of its rounding (SDM vol. 1, 8.5.4, 8.5.5). A denormal register raises
 * no #D (SDM vol. 2, FST). */
static void parts_store(Parts *p, const SfFormat *to, SfEnv *env)
{
    SfEnv trial = *env;
    trial.flags = 0;
    parts_round(p, to, &trial);
    if (trial.flags & trial.unmasked & (SF_OVERFLOW | SF_UNDERFLOW)) {
        trial.flags &= ~(SF_INEXACT | SF_ROUNDED_UP);
    }
    env->flags |= trial.flags;
}

static Parts parts_convert(Parts p, const SfFormat *from, const SfFormat *to,
                           SfEnv *env)
{
    if (parts_is_nan(&p)) {
        return parts_nan1(&p, env);
    }
    if (from->x87) {
        parts_store(&p, to, env);
    } else {
        parts_note_denormal(&p, env);
        if (p.denormal && to == &sf16_format &&
            (env->unmasked & SF_UNDERFLOW)) {
            /* VCVTPS2PH tells of it even if the unbounded result is exact. */
            env->flags |= SF_INEXACT;
        }
        parts_round(&p, to, env);
    }
    return p;
}

#define SF_DEFINE(T, p, U, q)                                                  \
    U p##_to_##q(T a, SfEnv *env)                                              \
    {                                                                          \
        Parts r =                                                              \
            parts_convert(p##_unpack(a, env), &p##_format, &q##_format, env);  \
        return q##_pack(&r);                                                   \
    }
SF_CONVERSIONS(SF_DEFINE)
