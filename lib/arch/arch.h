// arch.h - the architectures: one C file per family fills a graph; one table row per network.
// Adding one needs that file and that row.
#ifndef DOGB_ARCH_ARCH_H
#define DOGB_ARCH_ARCH_H

#include "graph/graph.h"

#include <stdint.h>

typedef struct dogb_arch_options {
    const char *head; // "original", "linear", "mlp:<hidden>[:<dropout>]"
    int32_t classes;
    int32_t input_size; // side of the square input; 0: the row's
} dogb_arch_options;

typedef struct dogb_arch {
    const char *name;
    const char *family;
    const char *stages; // names that `freeze` accepts, in order, comma-separated
    int32_t input_size; // crop
    int32_t resize;     // short side before the crop
    int32_t filter;     // DOGBREED_FILTER_BILINEAR, ...
    int32_t variant;    // for the family's builder: depth, version
    // Fills a graph up to the features and its own classifier ("original" head); see arch_head for
    // the others.
    int (*build)(dogb_graph *graph, const struct dogb_arch *arch, const dogb_arch_options *options);
} dogb_arch;

int32_t dogb_arch_count(void);
const dogb_arch *dogb_arch_at(int32_t index);                // NULL: out of range
int dogb_arch_find(const dogb_arch **out, const char *name); // NOT_FOUND with the nearest name

// Builds the whole graph with a head. INVALID_ARGUMENT for a wrong head text or size.
// `linear` on every network: pooled features [D], then one linear layer under the name of the
// network's own classifier ("fc", "classifier.1"), preceded by what the network has there
// (mobilenet_v2: dropout "classifier.0"). `mlp:<hidden>[:<dropout>]`: linear, relu, dropout,
// linear, named <classifier>.0, .1, .2, .3 as a torch Sequential in that place would name them.
int dogb_arch_build(dogb_graph **out, const dogb_arch *arch, const dogb_arch_options *options);

// For builders: appends the head behind `features` (rank 1). `classifier`: module name of the last
// layer.
int32_t dogb_arch_head(dogb_graph *graph, int32_t features, const char *classifier, double dropout,
                       const dogb_arch_options *options, int32_t init, double scale,
                       int32_t init_bias);

#endif
