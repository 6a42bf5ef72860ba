// architecture.c - the public list of networks.
#include "core/error.h"
#include "model/model_struct.h"

#include <string.h>

int32_t dogbreed_architecture_count(void) {
    return dogb_arch_count();
}

// Size of the feature vector under a linear head.
static int feature_size(int32_t *out, const dogb_arch *arch) {
    dogb_arch_options options = {.head = "linear", .classes = 1000, .input_size = 0};
    dogb_graph *graph = NULL;
    int rc = dogb_arch_build(&graph, arch, &options);
    if (rc < 0) {
        return rc;
    }
    *out = graph->feature < 0 ? 0 : (int32_t)graph->nodes[graph->feature].shape[0];
    dogb_graph_destroy(graph);
    return DOGBREED_OK;
}

int dogbreed_architecture_info(dogbreed_architecture *out, int32_t index) {
    DOGB_CHECK(out != NULL, "architecture info: out is NULL");
    DOGB_CHECK(out->struct_size >= 8 && out->struct_size <= (1U << 20),
               "architecture info: struct_size is not set");
    const dogb_arch *arch = dogb_arch_at(index);
    if (arch == NULL) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "architecture info: there is no number %d",
                         (int)index);
    }
    dogbreed_architecture full = {.struct_size = out->struct_size,
                                  .input_size = arch->input_size,
                                  .name = arch->name,
                                  .family = arch->family,
                                  .stages = arch->stages,
                                  .resize = arch->resize};
    dogb_arch_options options = {.head = "original", .classes = 1000, .input_size = 0};
    dogb_graph *graph = NULL;
    int rc = dogb_arch_build(&graph, arch, &options);
    if (rc < 0) {
        return rc;
    }
    full.parameter_count = dogb_graph_parameter_total(graph);
    full.multiply_add_count = dogb_graph_multiply_adds(graph, -1);
    dogb_graph_destroy(graph);
    if ((rc = feature_size(&full.feature_size, arch)) < 0) {
        return rc;
    }
    memset(out, 0, out->struct_size);
    memcpy(out, &full, full.struct_size < sizeof full ? full.struct_size : sizeof full);
    return DOGBREED_OK;
}
