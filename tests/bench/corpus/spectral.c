/* The spectral norm of a matrix whose elements are computed when wanted: a
 * conversion from integers and a division for each. */
#include "corpus.h"

enum { N = 96 };

static double element(int i, int j)
{
    return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1);
}

static void multiply(const double *v, double *out, int transposed)
{
    for (int i = 0; i < N; i++) {
        double s = 0;
        for (int j = 0; j < N; j++) {
            s += (transposed ? element(j, i) : element(i, j)) * v[j];
        }
        out[i] = s;
    }
}

uint32_t spectral(uint32_t size)
{
    double u[N], v[N], t[N];
    uint32_t sum = 0;
    for (int i = 0; i < N; i++) {
        u[i] = 1;
    }
    for (uint32_t round = 0; round < size; round++) {
        multiply(u, t, 0);
        multiply(t, v, 1);
        multiply(v, t, 0);
        multiply(t, u, 1);
        double norm = 0;
        for (int i = 0; i < N; i++) {
            norm = norm < u[i] ? u[i] : norm;
        }
        for (int i = 0; i < N; i++) {
            u[i] /= norm;
        }
        sum = mix_double(sum, norm);
    }
    for (int i = 0; i < N; i++) {
        sum = mix_double(mix_double(sum, u[i]), v[i]);
    }
    return sum;
}
