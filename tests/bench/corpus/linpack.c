/*
 * Gaussian elimination with partial pivoting, column by column as LINPACK's
 * dgefa and dgesl do it (Dongarra et al., LINPACK Users' Guide, chapter 1).
 */
#include "corpus.h"

enum { N = 100, LDA = 104 };

typedef double Column[LDA];

static void axpy(int n, double a, const double *x, double *y)
{
    for (int i = 0; i < n; i++) {
        y[i] += a * x[i];
    }
}

static int largest(int n, const double *x)
{
    int best = 0;
    for (int i = 1; i < n; i++) {
        if (__builtin_fabs(x[i]) > __builtin_fabs(x[best])) {
            best = i;
        }
    }
    return best;
}

static void swap(double *x, double *y)
{
    double t = *x;
    *x = *y;
    *y = t;
}

static void factor(Column *a, int *pivot)
{
    for (int k = 0; k < N - 1; k++) {
        int l = k + largest(N - k, &a[k][k]);
        pivot[k] = l;
        swap(&a[k][l], &a[k][k]);
        double t = -1.0 / a[k][k];
        for (int i = k + 1; i < N; i++) {
            a[k][i] *= t;
        }
        for (int j = k + 1; j < N; j++) {
            swap(&a[j][l], &a[j][k]);
            axpy(N - k - 1, a[j][k], &a[k][k + 1], &a[j][k + 1]);
        }
    }
}

static void solve(Column *a, const int *pivot, double *b)
{
    for (int k = 0; k < N - 1; k++) {
        swap(&b[pivot[k]], &b[k]);
        axpy(N - k - 1, b[k], &a[k][k + 1], &b[k + 1]);
    }
    for (int k = N; k-- > 0;) {
        b[k] /= a[k][k];
        axpy(k, -b[k], a[k], b);
    }
}

uint32_t linpack(uint32_t size)
{
    Column *a = (Column *)corpus_heap;
    double b[N];
    int pivot[N];
    uint32_t seed = 1325, sum = 0;
    for (uint32_t round = 0; round < size; round++) {
        for (int j = 0; j < N; j++) {
            b[j] = random_unit(&seed);
            for (int i = 0; i < N; i++) {
                a[j][i] = random_unit(&seed) - 0.5;
            }
        }
        factor(a, pivot);
        solve(a, pivot, b);
        for (int i = 0; i < N; i++) {
            sum = mix_double(sum, b[i]);
        }
    }
    return sum;
}
