/*
 * Indirect calls: through a table by a random index, through objects' method
 * tables, and a callback for each element of an array.
 */
#include "bench.h"

#define CALLED __attribute__((noinline, noclone))

typedef uint32_t Op(uint32_t a, uint32_t b);

#define OP(name, expression) \
    static CALLED uint32_t name(uint32_t a, uint32_t b) { return expression; }
OP(op_add, a + b)
OP(op_sub, a - b)
OP(op_xor, a ^ b)
OP(op_and, (a & b) + 1)
OP(op_or, (a | b) - 1)
OP(op_mul, a * (b | 1))
OP(op_shl, a << (b & 31))
OP(op_shr, a + (b >> (a & 31)))
OP(op_min, a < b ? a : b ^ 5)
OP(op_max, a > b ? a : b + 3)
OP(op_not, ~a + b)
OP(op_neg, b - a)
OP(op_mix, mix(a, b))
OP(op_rol, (a << 9 | a >> 23) ^ b)
OP(op_odd, a & 1 ? a * 3 + b : a >> 1)
OP(op_swap, __builtin_bswap32(a) + b)

/* Not static: the compiler must believe that others write here. */
extern Op *table[16];
Op *table[16] = {
    op_add, op_sub, op_xor, op_and, op_or, op_mul, op_shl, op_shr,
    op_min, op_max, op_not, op_neg, op_mix, op_rol, op_odd, op_swap,
};

typedef struct Shape Shape;
struct Shape {
    uint32_t (*const *methods)(Shape *s);
    uint32_t a, b;
};

static CALLED uint32_t grow_a(Shape *s)
{
    return s->a += s->b;
}

static CALLED uint32_t grow_b(Shape *s)
{
    return s->b += s->a >> 3;
}

static CALLED uint32_t turn(Shape *s)
{
    uint32_t a = s->a;
    s->a = s->b;
    return s->b = a;
}

typedef uint32_t (*const Methods[2])(Shape *s);
extern Methods kinds[3];
Methods kinds[3] = { { grow_a, turn }, { grow_b, grow_a }, { turn, grow_b } };

static CALLED uint32_t fold(const uint32_t *v, int n, uint32_t sum, Op *op)
{
    for (int i = 0; i < n; i++) {
        sum = op(sum, v[i]);
    }
    return sum;
}

uint32_t workload(uint32_t size)
{
    static Shape shapes[64];
    uint32_t values[16], state = hide(521288629u), sum = 0;

    for (int i = 0; i < 64; i++) {
        shapes[i] = (Shape){ kinds[random_next(&state) % 3], i, ~i };
    }
    for (uint32_t round = 0; round < size; round++) {
        for (int i = 0; i < 16; i++) {
            uint32_t r = random_next(&state);
            sum = values[i] = table[r >> 28](sum, r);
        }
        for (int i = 0; i < 64; i++) {
            sum += shapes[i].methods[i & 1](&shapes[i]);
        }
        sum = fold(values, 16, sum, table[round & 15]);
    }
    return sum;
}
