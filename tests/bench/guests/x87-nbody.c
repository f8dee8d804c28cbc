/*
 * Five bodies that attract each other, in doubles: additions, products, a
 * division and a square root for each pair, with many values at a time.
 */
#include "x87.h"

enum { BODIES = 5 };

typedef struct Body {
    double at[3], speed[3], mass;
} Body;

static void attract(Body *a, Body *b, double dt)
{
    double d[3], square = 0;
    for (unsigned k = 0; k < 3; k++) {
        d[k] = a->at[k] - b->at[k];
        square += d[k] * d[k];
    }
    double force = dt / (square * __builtin_sqrtl(square));
    for (unsigned k = 0; k < 3; k++) {
        a->speed[k] -= d[k] * b->mass * force;
        b->speed[k] += d[k] * a->mass * force;
    }
}

static void step(Body *body, double dt)
{
    for (unsigned i = 0; i < BODIES; i++) {
        for (unsigned j = i + 1; j < BODIES; j++) {
            attract(&body[i], &body[j], dt);
        }
    }
    for (unsigned i = 0; i < BODIES; i++) {
        for (unsigned k = 0; k < 3; k++) {
            body[i].at[k] += dt * body[i].speed[k];
        }
    }
}

uint32_t workload(uint32_t size)
{
    Body *body = heap();
    uint32_t sum = 0, seed = 99;
    x87_start();
    for (unsigned i = 0; i < BODIES; i++) {
        for (unsigned k = 0; k < 3; k++) {
            body[i].at[k] = 10 * random_long(&seed);
            body[i].speed[k] = random_long(&seed);
        }
        body[i].mass = 1.5L + random_long(&seed);
    }
    for (uint32_t n = 0; n < size; n++) {
        step(body, 0.001);
    }
    for (unsigned i = 0; i < BODIES; i++) {
        for (unsigned k = 0; k < 3; k++) {
            sum = mix_long(mix_long(sum, body[i].at[k]), body[i].speed[k]);
        }
    }
    return sum;
}
