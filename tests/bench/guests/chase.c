/*
 * Following pointers through 8 MiB in random order: almost every load misses
 * the host's near caches and the emulator's TLB.
 */
#include "bench.h"

typedef struct Node {
    struct Node *next;
} Node;

enum { NODES = (8 << 20) / sizeof(Node) };

/* One cycle through all nodes (Sattolo's shuffle). */
static void make_cycle(Node *nodes)
{
    uint32_t state = hide(88172645u);

    for (uint32_t i = 0; i < NODES; i++) {
        nodes[i].next = &nodes[i];
    }
    for (uint32_t i = NODES - 1; i > 0; i--) {
        uint32_t j = random_next(&state) % i;
        Node *next = nodes[i].next;
        nodes[i].next = nodes[j].next;
        nodes[j].next = next;
    }
}

uint32_t workload(uint32_t size)
{
    Node *nodes = heap(), *at = nodes;
    uint32_t sum = 0;

    make_cycle(nodes);
    for (uint32_t i = 0; i < size; i++) {
        for (int j = 0; j < 16; j++) {
            at = at->next;
            sum += (uint32_t)(uintptr_t)at >> 3;
        }
        sum = mix(sum, i);
    }
    return sum;
}
