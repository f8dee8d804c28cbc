/*
 * Sorting: the same random numbers by quicksort and by heap sort. Branches
 * that cannot be foreseen, and neighbouring loads and stores.
 */
#include "bench.h"

enum { COUNT = 1 << 16, SMALL = 12 };

static void insertion_sort(int32_t *v, int n)
{
    for (int i = 1; i < n; i++) {
        int32_t x = v[i];
        int j = i;
        for (; j > 0 && v[j - 1] > x; j--) {
            v[j] = v[j - 1];
        }
        v[j] = x;
    }
}

/* Hoare's partition around the middle element. */
static int partition(int32_t *v, int n)
{
    int32_t pivot = v[(n - 1) / 2];
    int i = -1, j = n;

    for (;;) {
        do {
            i++;
        } while (v[i] < pivot);
        do {
            j--;
        } while (v[j] > pivot);
        if (i >= j) {
            return j + 1;
        }
        int32_t t = v[i];
        v[i] = v[j];
        v[j] = t;
    }
}

static void quicksort(int32_t *v, int n)
{
    while (n > SMALL) {
        int left = partition(v, n);
        quicksort(v, left);
        v += left;
        n -= left;
    }
    insertion_sort(v, n);
}

static void sift_down(int32_t *v, int at, int n)
{
    int32_t x = v[at];

    for (int child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && v[child + 1] > v[child]) {
            child++;
        }
        if (v[child] <= x) {
            break;
        }
        v[at] = v[child];
    }
    v[at] = x;
}

static void heap_sort(int32_t *v, int n)
{
    for (int i = n / 2 - 1; i >= 0; i--) {
        sift_down(v, i, n);
    }
    while (--n > 0) {
        int32_t t = v[0];
        v[0] = v[n];
        v[n] = t;
        sift_down(v, 0, n);
    }
}

uint32_t workload(uint32_t size)
{
    int32_t *a = heap(), *b = a + COUNT;
    uint32_t state = hide(362436069u), sum = 0;

    for (uint32_t round = 0; round < size; round++) {
        for (int i = 0; i < COUNT; i++) {
            a[i] = b[i] = random_next(&state);
        }
        quicksort(a, COUNT);
        heap_sort(b, COUNT);
        for (int i = 0; i < COUNT; i++) {
            sum = mix(sum, a[i]);
            sum += a[i] != b[i];
        }
    }
    return sum;
}
