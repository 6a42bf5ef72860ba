// graph.cpp - an own copy of the network, with the two facts about each node that the interpreter
// needs: how many nodes read it, and which one reads it last.
#include "engine/torch/internal.h"

#include <algorithm>

namespace dogb_torch {

Graph::Graph(const dogb_graph *from)
    : nodes(from->nodes, from->nodes + from->node_count),
      params(from->params, from->params + from->param_count),
      consumers((size_t)from->node_count, 0), last_use((size_t)from->node_count, 0),
      output(from->output) {
    std::copy(from->mean, from->mean + 3, mean);
    std::copy(from->deviation, from->deviation + 3, deviation);
    for (size_t i = 0; i < nodes.size(); i++) {
        dogb_node &node = nodes[i];
        node.name = names_.emplace_back(node.name == nullptr ? "" : node.name).c_str();
        if (node.input_count > 0) {
            node.inputs = inputs_.emplace_back(node.inputs, node.inputs + node.input_count).data();
        }
        for (int32_t j = 0; j < node.input_count; j++) {
            consumers[(size_t)node.inputs[j]]++;
            last_use[(size_t)node.inputs[j]] = (int32_t)i;
        }
    }
    for (dogb_param &param : params) {
        param.name = names_.emplace_back(param.name == nullptr ? "" : param.name).c_str();
    }
    consumers[(size_t)output]++;
    last_use[(size_t)output] = from->node_count;
}

} // namespace dogb_torch
