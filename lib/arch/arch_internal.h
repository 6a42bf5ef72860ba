// arch_internal.h - the families' builders, for the table, and the number format of names.
#ifndef DOGB_ARCH_ARCH_INTERNAL_H
#define DOGB_ARCH_ARCH_INTERNAL_H

#include "arch/arch.h"

// A name made of a prefix and a part: "layer1.0" and "conv1" give "layer1.0.conv1". Names stay far
// below 128 bytes.
typedef struct dogb_arch_name {
    char text[128];
} dogb_arch_name;
dogb_arch_name dogb_arch_join(const char *prefix, const char *part);
dogb_arch_name dogb_arch_join_index(const char *prefix, int32_t index);

int dogb_arch_resnet(dogb_graph *graph, const dogb_arch *arch, const dogb_arch_options *options);
int dogb_arch_mobilenet_v2(dogb_graph *graph, const dogb_arch *arch,
                           const dogb_arch_options *options);
int dogb_arch_squeezenet(dogb_graph *graph, const dogb_arch *arch,
                         const dogb_arch_options *options);
int dogb_arch_tiny(dogb_graph *graph, const dogb_arch *arch, const dogb_arch_options *options);

#endif
