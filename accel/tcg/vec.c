/*
 * Vector operations as a back end calls them: in memory, one at a time.
 */
#include "tb.h"

void tcg_vec_checked(Cpu *cpu, VecOp op, VecArgs *v)
{
    SfEnv env = cpu->fp;
    env.flags = 0;
    vec_ops[op].fn(v, &env);
    unsigned told = sf_flags_told(&env);
    cpu->fp.flags |= told;
    if (told & env.unmasked) {
        cpu->cls->fp_trap(cpu, told);
        cpu_raise(cpu);
    }
}
