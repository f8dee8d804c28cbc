/* The same for eight points at a time, which compilers make vectors of. */
#include "corpus.h"

enum { WIDTH = 64, LIMIT = 50, LANES = 8 };

static void escape(const float *cr, float ci, int *count)
{
    float r[LANES] = { 0 }, i[LANES] = { 0 };
    for (int n = 0; n < LIMIT; n++) {
        for (int k = 0; k < LANES; k++) {
            float rr = r[k] * r[k], ii = i[k] * i[k];
            float t = rr - ii + cr[k];
            int in = rr + ii < 4.0f;
            i[k] = in ? 2 * r[k] * i[k] + ci : i[k];
            r[k] = in ? t : r[k];
            count[k] += in;
        }
    }
}

uint32_t mandel8(uint32_t size)
{
    uint32_t sum = 0;
    for (uint32_t y = 0; y < size * 8; y++) {
        for (uint32_t x = 0; x < WIDTH; x += LANES) {
            float cr[LANES];
            int count[LANES] = { 0 };
            for (int k = 0; k < LANES; k++) {
                cr[k] = (x + k) * (3.0f / WIDTH) - 2.2f;
            }
            escape(cr, (y % 61) * (2.4f / 61) - 1.2f, count);
            sum = mix_bytes(sum, count, sizeof count);
        }
    }
    return sum;
}
