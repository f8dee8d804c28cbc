/* Products of square matrices: doubles, floats, and bytes whose sums are 32
 * bits. */
#include "corpus.h"

enum { N = 64 };

typedef struct Matrices {
    double da[N][N], db[N][N], dc[N][N];
    float fa[N][N], fb[N][N], fc[N][N];
    int8_t ba[N][N], bb[N][N];
    int32_t bc[N][N];
} Matrices;

static void doubles(Matrices *m)
{
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < N; k++) {
            for (int j = 0; j < N; j++) {
                m->dc[i][j] += m->da[i][k] * m->db[k][j];
            }
        }
    }
}

static void singles(Matrices *m)
{
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < N; k++) {
            for (int j = 0; j < N; j++) {
                m->fc[i][j] += m->fa[i][k] * m->fb[k][j];
            }
        }
    }
}

/* The second matrix lies there transposed. */
static void bytes(Matrices *m)
{
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            int32_t s = 0;
            for (int k = 0; k < N; k++) {
                s += m->ba[i][k] * m->bb[j][k];
            }
            m->bc[i][j] += s;
        }
    }
}

uint32_t matmul(uint32_t size)
{
    Matrices *m = (Matrices *)corpus_heap;
    uint32_t seed = 5, sum = 0;
    __builtin_memset(m, 0, sizeof *m);
    for (int n = 0; n < N * N; n++) {
        int i = n / N, j = n % N;
        m->da[i][j] = random_unit(&seed) - 0.5;
        m->db[i][j] = random_unit(&seed) - 0.5;
        m->fa[i][j] = random_unit(&seed) - 0.5;
        m->fb[i][j] = random_unit(&seed) - 0.5;
        m->ba[i][j] = random_next(&seed);
        m->bb[i][j] = random_next(&seed);
    }
    for (uint32_t round = 0; round < size; round++) {
        doubles(m);
        singles(m);
        bytes(m);
    }
    for (int n = 0; n < N * N; n++) {
        int i = n / N, j = n % N;
        sum = mix_double(sum, m->dc[i][j]);
        sum = mix_float(sum, m->fc[i][j]);
        sum = mix(sum, m->bc[i][j]);
    }
    return sum;
}
