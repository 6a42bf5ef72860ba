// cluster.h - classes in an order in which those that are taken for each other stand side by side.
#ifndef DOGB_REPORT_CLUSTER_H
#define DOGB_REPORT_CLUSTER_H

#include "core/arena.h"
#include "plot/chart.h"

typedef struct dogb_clusters {
    size_t *order;      // positions in the matrix
    dogb_cells *groups; // of `order`: one is often taken for another
    size_t group_count;
} dogb_clusters;

// counts: [count][count], rows are what is true. The same matrix gives the same order. NO_MEMORY.
int dogb_cluster_classes(dogb_clusters *out, dogb_arena *arena, const double *counts, size_t count);

#endif
