// plan.h - a plan while it is made: between plan.c (steps) and place.c (where values live).
#ifndef DOGB_ENGINE_NATIVE_PLAN_H
#define DOGB_ENGINE_NATIVE_PLAN_H

#include "engine/native/native.h"

typedef struct dogb_plan {
    dogb_net *net;
    const dogb_graph *graph;
    const void *const *weights;
    dogb_arena scratch;
    int32_t *uses;   // by node: how often it is read; the output counts
    int32_t *inside; // by node: the projection whose step computes it, -1
    int32_t *whole;  // by node: its step computes with elements
    int32_t *wanted; // by node: how often such steps read it
    int32_t *owner;  // by value: the one whose memory holds it: itself, or a concatenation's
    int64_t *size;   // by value: floats
    int64_t *place;  // by value: floats from the start of the block
    int32_t *birth;  // by owner: first step that writes it (-1: the input), and last that reads it
    int32_t *death;
} dogb_plan;

// 1 when the value of a node is held as elements: made and read by such layers alone.
static inline int dogb_plan_is_elements(const dogb_plan *p, int32_t node) {
    return p->wanted[node] == p->uses[node] && p->uses[node] > 0 && (node == 0 || p->whole[node]);
}

// Nodes, and in a net of elements those made of their floats.
static inline int32_t dogb_plan_values(const dogb_plan *p) {
    return p->net->element_bytes == 0 ? p->graph->node_count : 2 * p->graph->node_count;
}

// place.c: the memory of every value, when all steps are known.
void dogb_plan_place(dogb_plan *p);

#endif
