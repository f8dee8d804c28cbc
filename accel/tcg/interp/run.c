/*
 * The dispatch: every operation jumps to the next one's label. See interp.h.
 */
#include <string.h>

#include "interp.h"
#include "ir/ir-sem.h"

#define A REG(p->a)
#define B REG(p->b)
#define D REG(p->d)
#define NEXT goto *(++p)->label

#define SETCOND(cc, bits)                                                  \
    L_SETCOND##bits##_##cc: D = cond_##cc##bits(A, B); NEXT;
#define SELECT(cc, bits)                                                   \
    L_SELECT##bits##_##cc:                                                 \
        D = cond_##cc##bits(A, B) ? REG(p->c) : REG(p->e); NEXT;
#define EXIT_IF(cc, bits)                                                  \
    L_EXIT_IF##bits##_##cc: if (cond_##cc##bits(A, B)) { goto leave; } NEXT;

#define LOAD(name, size, T, result)                                        \
    L_##name: {                                                            \
        uint64_t va = A;                                                   \
        const T *host = tlb_host(cpu, va, size, MMU_LOAD, p->mode);        \
        T v;                                                               \
        if (G_LIKELY(host)) {                                              \
            memcpy(&v, host, size);                                        \
        } else {                                                           \
            cpu->fault_insn = p->insn;                                     \
            v = tlb_load_slow(cpu, va, size, p->mode);                     \
        }                                                                  \
        D = result & p->imm;                                               \
    } NEXT;
#define STORE(name, size, T)                                               \
    L_##name: {                                                            \
        uint64_t va = A;                                                   \
        T *host = tlb_host(cpu, va, size, MMU_STORE, p->mode);             \
        T v = B;                                                           \
        if (G_LIKELY(host)) {                                              \
            cpu_note_line(cpu, va);                                        \
            memcpy(host, &v, size);                                        \
        } else {                                                           \
            cpu->fault_insn = p->insn;                                     \
            tlb_store_slow(cpu, va, v, size, p->mode);                     \
        }                                                                  \
    } NEXT;

#define FN(...) ((uint64_t (*)(Cpu * __VA_ARGS__))(uintptr_t)p->imm)
#define U , uint64_t
#define CALL(n, type, ...)                                                 \
    L_CALL##n: cpu->fault_insn = p->insn; D = (type)(cpu __VA_ARGS__); NEXT;

/* With tb NULL: exports the label table through *last. */
TbExit interp_run(Cpu *cpu, Tb *tb, Tb **last, int *slot)
{
    static const void *const labels[] = {
#define INTERP_OP(name) &&L_##name,
#include "interp-ops.def"
    };
    const Code *p;
    if (!tb) {
        *last = (Tb *)labels;
        return TB_EXIT_LOOP;
    }

enter:
    cpu->tb = tb;
    cpu->budget -= tb->insn_count;
    p = tb->code;
    goto *p->label;

    L_MOV: D = A; NEXT;
    L_CONST: D = p->imm; NEXT;
    L_GET32: D = REG32(p->a); NEXT;
    L_SET32: REG32(p->d) = A; NEXT;

#define IR_OP(name, text, args, result, flags, meaning)
#define IR_PURE(name, text, args, result, flags, k, value)                 \
    L_##name##32: D = sem_##name##32(A, B, p->imm); NEXT;                  \
    L_##name##64: D = sem_##name##64(A, B, p->imm); NEXT;
#include "vm/ir-ops.def"

#define IR_COND(name, text, holds)                                         \
    SETCOND(name, 32) SETCOND(name, 64) SELECT(name, 32) SELECT(name, 64)  \
    EXIT_IF(name, 32) EXIT_IF(name, 64)
#include "vm/ir-conds.def"

    LOAD(LD8, 1, uint8_t, (uint64_t)v)
    LOAD(LD16, 2, uint16_t, (uint64_t)v)
    LOAD(LD32, 4, uint32_t, (uint64_t)v)
    LOAD(LD64, 8, uint64_t, (uint64_t)v)
    LOAD(LDS8, 1, uint8_t, (uint64_t)(int64_t)(int8_t)v)
    LOAD(LDS16, 2, uint16_t, (uint64_t)(int64_t)(int16_t)v)
    LOAD(LDS32, 4, uint32_t, (uint64_t)(int64_t)(int32_t)v)
    STORE(ST8, 1, uint8_t)
    STORE(ST16, 2, uint16_t)
    STORE(ST32, 4, uint32_t)
    STORE(ST64, 8, uint64_t)

    L_LDENV8: D = *(uint8_t *)&REG(p->a); NEXT;
    L_LDENV16: D = *(uint16_t *)&REG(p->a); NEXT;
    L_LDENV32: D = REG32(p->a); NEXT;
    L_LDENV64: D = A; NEXT;
    L_STENV8: *(uint8_t *)&D = A; NEXT;
    L_STENV16: *(uint16_t *)&D = A; NEXT;
    L_STENV32: REG32(p->d) = A; NEXT;
    L_STENV64: D = A; NEXT;

    L_VMOV: memmove(&D, &A, sizeof(V128)); NEXT;
    L_VCONST: D = (&D)[1] = p->imm; NEXT;
    L_VLD: big_load_vec(cpu, p); NEXT;
    L_VST: big_store_vec(cpu, p); NEXT;
    L_VEC:
    L_FVECX: big_vec(cpu, p); NEXT;
    L_XLD: big_load_x80(cpu, p); NEXT;
    L_XST: big_store_x80(cpu, p); NEXT;
    L_X80: big_x80(cpu, p); NEXT;

    CALL(0, FN())
    CALL(1, FN(U), , A)
    CALL(2, FN(U U), , A, B)
    CALL(3, FN(U U U), , A, B, REG(p->c))
    CALL(4, FN(U U U U), , A, B, REG(p->c), REG(p->e))
    CALL(5, FN(U U U U U), , A, B, REG(p->c), REG(p->e), REG(p->f))

    L_CANON:
        if (G_UNLIKELY((uint64_t)bits_sext(A, p->imm) != A)) {
            cpu->fault_insn = p->insn;
            cpu_bad_target(cpu, A);
        }
        NEXT;

    L_EXIT:
leave:
    D = p->mode ? p->imm : REG(p->c);
    cpu->budget += tb->insn_count - p->retired;
    if (p->how == IR_EXIT_LOOP) {
        return TB_EXIT_LOOP;
    }
    *last = tb;
    if (p->how == IR_EXIT_STALE) {
        return TB_EXIT_STALE;
    }
    *slot = p->how <= IR_EXIT_CHAIN1 ? p->how : -1;
    if (*slot >= 0 && tb->chain[*slot]) {
        tb = tb->chain[*slot];
        if (tb->insn_count <= cpu->budget) {
            goto enter;
        }
        return TB_EXIT_BUDGET;
    }
    return TB_EXIT_LOOKUP;
}

const void *const *interp_labels(void)
{
    Tb *labels;
    interp_run(NULL, NULL, &labels, NULL);
    return (const void *const *)labels;
}
