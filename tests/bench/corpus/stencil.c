/* Filters of three by three over an image of floats and one of bytes. */
#include "corpus.h"

enum { W = 128, H = 32 };

typedef struct Images {
    float f[2][H][W];
    uint8_t b[2][H][W];
} Images;

static void blur_floats(float (*restrict to)[W], float (*restrict from)[W])
{
    for (int y = 1; y < H - 1; y++) {
        for (int x = 1; x < W - 1; x++) {
            float s = from[y][x] * 4 + (from[y - 1][x] + from[y + 1][x]) * 2 +
                      (from[y][x - 1] + from[y][x + 1]) * 2 +
                      from[y - 1][x - 1] + from[y - 1][x + 1] +
                      from[y + 1][x - 1] + from[y + 1][x + 1];
            to[y][x] = s * 0.0625f;
        }
    }
}

static void sharpen_bytes(uint8_t (*restrict to)[W], uint8_t (*restrict from)[W])
{
    for (int y = 1; y < H - 1; y++) {
        for (int x = 1; x < W - 1; x++) {
            int s = 5 * from[y][x] - from[y - 1][x] - from[y + 1][x] -
                    from[y][x - 1] - from[y][x + 1];
            to[y][x] = s < 0 ? 0 : s > 255 ? 255 : s;
        }
    }
}

uint32_t stencil(uint32_t size)
{
    Images *m = (Images *)corpus_heap;
    uint32_t seed = 31, sum = 0;
    for (int i = 0; i < H * W; i++) {
        int y = i / W, x = i % W;
        m->f[0][y][x] = m->f[1][y][x] = random_unit(&seed) * 256;
        m->b[0][y][x] = m->b[1][y][x] = random_next(&seed);
    }
    for (uint32_t round = 0; round < size; round++) {
        blur_floats(m->f[1], m->f[0]);
        blur_floats(m->f[0], m->f[1]);
        sharpen_bytes(m->b[1], m->b[0]);
        sharpen_bytes(m->b[0], m->b[1]);
        m->b[0][round % H][round % W] ^= round;
        m->f[0][round % H][round % W] += 1;
    }
    for (int i = 0; i < H * W; i++) {
        int y = i / W, x = i % W;
        sum = mix(mix_float(sum, m->f[0][y][x]), m->b[0][y][x]);
    }
    return sum;
}
