/*
 * Bodies that attract each other, by a leapfrog of fixed steps. Scalar doubles
 * with a square root and a division in the innermost loop.
 */
#include <immintrin.h>

#include "corpus.h"

enum { BODIES = 5, STEPS = 100 };

typedef struct Body {
    double x[3], v[3], mass;
} Body;

static double root(double v)
{
    __m128d x = _mm_set_sd(v);
    return _mm_cvtsd_f64(_mm_sqrt_sd(x, x));
}

static void attract(Body *a, Body *b, double dt)
{
    double d[3], square = 0;
    for (int k = 0; k < 3; k++) {
        d[k] = a->x[k] - b->x[k];
        square += d[k] * d[k];
    }
    double pull = dt / (square * root(square));
    for (int k = 0; k < 3; k++) {
        a->v[k] -= d[k] * b->mass * pull;
        b->v[k] += d[k] * a->mass * pull;
    }
}

static void step(Body *body, double dt)
{
    for (int i = 0; i < BODIES; i++) {
        for (int j = i + 1; j < BODIES; j++) {
            attract(&body[i], &body[j], dt);
        }
    }
    for (int i = 0; i < BODIES; i++) {
        for (int k = 0; k < 3; k++) {
            body[i].x[k] += dt * body[i].v[k];
        }
    }
}

uint32_t nbody(uint32_t size)
{
    Body body[BODIES];
    uint32_t seed = 77, sum = 0;
    for (int i = 0; i < BODIES; i++) {
        body[i].mass = i ? 0.01 * random_unit(&seed) : 39.5;
        for (int k = 0; k < 3; k++) {
            body[i].x[k] = 10 * i * (random_unit(&seed) - 0.5);
            body[i].v[k] = i ? random_unit(&seed) - 0.5 : 0;
        }
    }
    for (uint32_t n = 0; n < size * STEPS; n++) {
        step(body, 0.01);
    }
    for (int i = 0; i < BODIES; i++) {
        for (int k = 0; k < 3; k++) {
            sum = mix_double(mix_double(sum, body[i].x[k]), body[i].v[k]);
        }
    }
    return sum;
}
