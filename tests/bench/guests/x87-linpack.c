/*
 * Linear equations as in LINPACK: a matrix of long doubles is factored with
 * partial pivoting, and the system solved. Mostly y[i] += a * x[i] over columns.
 */
#include "x87.h"

enum { N = 100 };

typedef long double Column[N];

static void axpy(unsigned n, long double a, const long double *x,
                 long double *y)
{
    for (unsigned i = 0; i < n; i++) {
        y[i] += a * x[i];
    }
}

static unsigned largest(unsigned n, const long double *x)
{
    unsigned at = 0;
    for (unsigned i = 1; i < n; i++) {
        if (__builtin_fabsl(x[i]) > __builtin_fabsl(x[at])) {
            at = i;
        }
    }
    return at;
}

static void swap(long double *a, long double *b)
{
    long double t = *a;
    *a = *b;
    *b = t;
}

static void factor(Column *m, unsigned *pivot)
{
    for (unsigned k = 0; k < N - 1; k++) {
        unsigned p = pivot[k] = k + largest(N - k, &m[k][k]);
        swap(&m[k][p], &m[k][k]);
        for (unsigned i = k + 1; i < N; i++) {
            m[k][i] = -m[k][i] / m[k][k];
        }
        for (unsigned j = k + 1; j < N; j++) {
            swap(&m[j][p], &m[j][k]);
            axpy(N - k - 1, m[j][k], &m[k][k + 1], &m[j][k + 1]);
        }
    }
}

static void solve(Column *m, const unsigned *pivot, long double *b)
{
    for (unsigned k = 0; k < N - 1; k++) {
        swap(&b[pivot[k]], &b[k]);
        axpy(N - k - 1, b[k], &m[k][k + 1], &b[k + 1]);
    }
    for (unsigned k = N; k-- > 0;) {
        b[k] /= m[k][k];
        axpy(k, -b[k], m[k], b);
    }
}

uint32_t workload(uint32_t size)
{
    Column *m = heap();
    long double *b = m[N];
    unsigned *pivot = (unsigned *)m[N + 1];
    uint32_t sum = 0, seed = 1325;
    x87_start();
    for (uint32_t round = 0; round < size; round++) {
        for (unsigned i = 0; i < N * N; i++) {
            m[i / N][i % N] = random_long(&seed);
        }
        for (unsigned i = 0; i < N; i++) {
            b[i] = random_long(&seed);
        }
        factor(m, pivot);
        solve(m, pivot, b);
        for (unsigned i = 0; i < N; i++) {
            sum = mix_long(sum, b[i]);
        }
    }
    return sum;
}
