/*
 * Vector operations as a back end calls them: in memory, one at a time.
 */
#include "tb.h"

void tcg_vec_checked(Cpu *cpu, VecOp op, VecArgs *v)
{
    SfEnv env = cpu->fp;
    env.flags = 0;
    vec_ops[op].fn(v, &env);
    /* The rows themselves leave out what an unmasked exception hides: only they
     * know in which of their steps it came. */
    cpu->fp.flags |= env.flags;
    if (env.flags & env.unmasked) {
        cpu->cls->fp_trap(cpu, env.flags);
        cpu_raise(cpu);
    }
}
