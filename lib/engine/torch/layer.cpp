// layer.cpp - how long the gradients of each node take, when somebody wants to know: hooks around
// autograd's functions look at the clock. On a device these run on a thread of autograd's, so what
// they saw is told behind the backward pass, by the thread that called it.
#include "engine/torch/internal.h"

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>

#include <unordered_set>

namespace dogb_torch {

namespace autograd = torch::autograd;

struct LayerTimes {
    struct Item {
        int32_t node;
        uint64_t begin;
        uint64_t end; // 0: its gradient was not wanted
    };

    explicit LayerTimes(at::Device where) : device(where) {
    }
    at::Device device;
    std::deque<Item> items; // made before the pass: hooks ask for no memory
    std::unordered_set<const autograd::Node *> known;
};

namespace {
struct Mark {
    Mark(const std::shared_ptr<LayerTimes> &all, LayerTimes::Item *own) : times(all), item(own) {
    }
    uint64_t now() const { // a device works on while the host goes on
        device_synchronize(times->device);
        return listener->now();
    }
    std::shared_ptr<LayerTimes> times;
    LayerTimes::Item *item;
};

struct Before : autograd::FunctionPreHook {
    explicit Before(const Mark &from) : mark(from) {
    }
    autograd::variable_list operator()(const autograd::variable_list &gradients) override {
        mark.item->begin = mark.now();
        return gradients;
    }
    Mark mark;
};

struct After : autograd::FunctionPostHook {
    explicit After(const Mark &from) : mark(from) {
    }
    autograd::variable_list operator()(const autograd::variable_list &outputs,
                                       const autograd::variable_list &) override {
        mark.item->end = mark.now();
        return outputs;
    }
    Mark mark;
};
} // namespace

// The functions that a node has left behind: those from its output back to what was known before,
// or to a parameter, whose function only puts the gradient away.
static void attach(const std::shared_ptr<LayerTimes> &times, int32_t node, autograd::Node *fn) {
    if (fn->next_edges().empty() || !times->known.insert(fn).second) {
        return;
    }
    times->items.push_back({node, 0, 0});
    Mark mark(times, &times->items.back());
    fn->add_pre_hook(std::make_unique<Before>(mark));
    fn->add_post_hook(std::make_unique<After>(mark));
    for (const autograd::Edge &edge : fn->next_edges()) {
        if (edge.is_valid()) {
            attach(times, node, edge.function.get());
        }
    }
}

bool layers_wanted() noexcept {
    return listener != nullptr && listener->layers() != 0;
}

void layers_begin(dogb_net *net, bool training) {
    net->times.reset();
    if (training && layers_wanted()) {
        net->times = std::make_shared<LayerTimes>(net->device);
    }
}

void layer_watch(dogb_net *net, int32_t node, const at::Tensor &output) {
    if (net->times && output.grad_fn()) {
        attach(net->times, node, output.grad_fn().get());
    }
}

void layers_tell(dogb_net *net) {
    std::shared_ptr<LayerTimes> times;
    times.swap(net->times);
    if (!times) {
        return;
    }
    for (const LayerTimes::Item &item : times->items) {
        if (item.end != 0) {
            listener->layer(DOGB_SPAN_LAYER_BACKWARD, item.begin, item.end,
                            &net->graph.nodes[(size_t)item.node]);
        }
    }
}

} // namespace dogb_torch
