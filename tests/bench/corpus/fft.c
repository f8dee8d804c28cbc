/*
 * Cooley and Tukey's transform in place, of complex doubles, there and back.
 */
#include "corpus.h"

enum { BITS = 10, N = 1 << BITS };

typedef struct Complex {
    double re, im;
} Complex;

static Complex times(Complex a, Complex b)
{
    return (Complex){ a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re };
}

/* exp(2 pi i k / N) by products of square roots of the first: no sine. */
static void make_roots(Complex *w)
{
    Complex power[BITS];
    /* cos and sin of 2 pi / 1024 */
    power[0] = (Complex){ 0.99998117528260110909, 0.0061358846491544753 };
    for (int k = 1; k < BITS; k++) {
        power[k] = times(power[k - 1], power[k - 1]);
    }
    for (int n = 0; n < N; n++) {
        w[n] = (Complex){ 1, 0 };
        for (int k = 0; k < BITS; k++) {
            w[n] = n >> k & 1 ? times(w[n], power[k]) : w[n];
        }
    }
}

static void reorder(Complex *x)
{
    for (unsigned i = 0, j = 0; i < N; i++) {
        if (i < j) {
            Complex t = x[i];
            x[i] = x[j];
            x[j] = t;
        }
        unsigned bit = N >> 1;
        while (j & bit) {
            j ^= bit;
            bit >>= 1;
        }
        j |= bit;
    }
}

static void transform(Complex *x, const Complex *w, double sign)
{
    reorder(x);
    for (int half = 1; half < N; half *= 2) {
        for (int at = 0; at < N; at += 2 * half) {
            for (int k = 0; k < half; k++) {
                Complex r = w[k * (N / 2 / half)];
                r.im *= sign;
                Complex t = times(r, x[at + half + k]);
                Complex u = x[at + k];
                x[at + k] = (Complex){ u.re + t.re, u.im + t.im };
                x[at + half + k] = (Complex){ u.re - t.re, u.im - t.im };
            }
        }
    }
}

uint32_t fft(uint32_t size)
{
    Complex *x = (Complex *)corpus_heap, *w = x + N;
    uint32_t seed = 9, sum = 0;
    make_roots(w);
    for (int i = 0; i < N; i++) {
        x[i] = (Complex){ random_unit(&seed), random_unit(&seed) };
    }
    for (uint32_t round = 0; round < size; round++) {
        transform(x, w, 1);
        sum = mix_double(sum, x[round % N].re);
        transform(x, w, -1);
        for (int i = 0; i < N; i++) {
            x[i].re *= 1.0 / N;
            x[i].im *= 1.0 / N;
        }
    }
    for (int i = 0; i < N; i++) {
        sum = mix_double(mix_double(sum, x[i].re), x[i].im);
    }
    return sum;
}
