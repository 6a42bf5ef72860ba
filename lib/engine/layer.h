// layer.h - the time of one node, for a profiler that asks for it.
#ifndef DOGB_ENGINE_LAYER_H
#define DOGB_ENGINE_LAYER_H

#include "core/span.h"
#include "engine/engine.h"

// 0: nobody wants to know.
static inline uint64_t dogb_layer_begin(int32_t kind) {
    return dogb_span_layers() ? dogb_span_begin(kind) : 0;
}
void dogb_layer_end(int32_t kind, uint64_t begin, const dogb_node *node);

// For plug-ins.
extern const dogb_engine_listener dogb_engine_spans;

#endif
