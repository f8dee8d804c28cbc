/*
 * What JPEG does with a block of 8 × 8 pixels: the cosine transform (by integers
 * of 16 bits and by floats), quantisation, zigzag, and the way back. ITU-T T.81,
 * A.3.3 to A.3.6.
 */
#include "corpus.h"

enum { N = 8, BLOCKS = 16, SCALE = 12 };

typedef float FloatBlock[N][N];
typedef int16_t Block[N][N];

/* cos((2 x + 1) u pi / 16) / 2, the first column / sqrt(2): by cosines of
 * multiples of pi / 16. */
static const float cosines[N + 1] = {
    1, 0.98078528f, 0.92387953f, 0.83146961f, 0.70710678f, 0.55557023f,
    0.38268343f, 0.19509032f, 0,
};

static float cosine(int n)
{
    n &= 31;
    n = n > 16 ? 32 - n : n;
    return n > 8 ? -cosines[16 - n] : cosines[n];
}

typedef struct Tables {
    FloatBlock f, f_back;
    Block i;
    uint16_t quantum[N][N];
    uint8_t zigzag[N * N];
} Tables;

static void make_tables(Tables *t)
{
    int x = 0, y = 0, up = 1;
    for (int u = 0; u < N; u++) {
        for (int k = 0; k < N; k++) {
            float c = cosine((2 * k + 1) * u) * (u ? 0.5f : 0.35355339f);
            t->f[u][k] = t->f_back[k][u] = c;
            t->i[u][k] = c * (1 << SCALE);
            t->quantum[u][k] = 3 + 2 * (u + k);
        }
    }
    for (int n = 0; n < N * N; n++) {
        t->zigzag[n] = y * N + x;
        if (up ? (x == N - 1 || !y) : (y == N - 1 || !x)) {
            int along = up ? x == N - 1 : y == N - 1;
            x += up ? !along : along;
            y += up ? along : !along;
            up = !up;
        } else {
            x += up ? 1 : -1;
            y += up ? -1 : 1;
        }
    }
}

/* out = transpose of (c × in). Twice makes the transform of both directions. */
static void pass_floats(FloatBlock out, FloatBlock c, FloatBlock in)
{
    for (int u = 0; u < N; u++) {
        for (int x = 0; x < N; x++) {
            float s = 0;
            for (int k = 0; k < N; k++) {
                s += c[u][k] * in[k][x];
            }
            out[x][u] = s;
        }
    }
}

static void pass_ints(Block out, Block c, Block in)
{
    for (int u = 0; u < N; u++) {
        for (int x = 0; x < N; x++) {
            int s = 1 << (SCALE - 1);
            for (int k = 0; k < N; k++) {
                s += c[u][k] * in[k][x];
            }
            out[x][u] = s >> SCALE;
        }
    }
}

static uint32_t block_floats(Tables *t, const uint8_t *pixels, uint32_t sum)
{
    FloatBlock a, b;
    for (int n = 0; n < N * N; n++) {
        a[n / N][n % N] = pixels[n] - 128.0f;
    }
    pass_floats(b, t->f, a);
    pass_floats(a, t->f, b);
    for (int n = 0; n < N * N; n++) {
        float v = a[n / N][n % N];
        int quantum = t->quantum[n / N][n % N];
        int q = v / quantum + (v < 0 ? -0.5f : 0.5f);
        a[n / N][n % N] = q * quantum;
    }
    pass_floats(b, t->f_back, a);
    pass_floats(a, t->f_back, b);
    for (int n = 0; n < N; n++) {
        sum = mix_float(sum, a[n][n]);
    }
    return sum;
}

static uint32_t block_ints(Tables *t, const uint8_t *pixels, uint32_t sum)
{
    Block a, b;
    int run = 0;
    for (int n = 0; n < N * N; n++) {
        a[n / N][n % N] = pixels[n] - 128;
    }
    pass_ints(b, t->i, a);
    pass_ints(a, t->i, b);
    for (int n = 0; n < N * N; n++) {
        int at = t->zigzag[n];
        int q = a[at / N][at % N] / t->quantum[at / N][at % N];
        if (q) {
            sum = mix(sum, run << 16 | (q & 0xffff));
        }
        run = q ? 0 : run + 1;
    }
    return sum;
}

uint32_t dct(uint32_t size)
{
    Tables *t = (Tables *)corpus_heap;
    uint8_t *pixels = corpus_heap + sizeof *t;
    uint32_t seed = 3, sum = 0;
    make_tables(t);
    for (int n = 0; n < BLOCKS * N * N; n++) {
        pixels[n] = 128 + 60 * cosine(n) + (random_next(&seed) & 31);
    }
    for (uint32_t round = 0; round < size; round++) {
        for (int k = 0; k < BLOCKS; k++) {
            sum = block_floats(t, pixels + k * N * N, sum);
            sum = block_ints(t, pixels + k * N * N, sum);
        }
        pixels[round % (BLOCKS * N * N)] ^= 8;
    }
    return sum;
}
