// heads.cpp - banks of heads: creation, and what goes in and out of them.
#include "engine/torch/heads.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

// Heads are stacked where a step of one head would not fill the device. On the CPU the variable
// asks for it, so that this code can be tested without a GPU.
static bool wants_stacks(const at::Device &device) {
    const char *how = getenv("DOGBREED_TORCH_HEADS");
    return !device.is_cpu() || (how != nullptr && strcmp(how, "stacked") == 0);
}

dogb_heads::dogb_heads(const dogb_heads_conf *conf, at::Device where)
    : shape{conf->count, conf->features, conf->classes, conf->hidden, nullptr},
      ended((size_t)conf->count), device(where),
      threads(conf->threads < 1 ? 1 : conf->threads), nodes{conf->dropout_nodes[0],
                                                            conf->dropout_nodes[1]},
      stacked(wants_stacks(where)), key(0) {
    shape.ended = ended.data();
    classes = at::arange(conf->classes, at::TensorOptions(at::kLong).device(device));
    if (conf->class_weights != nullptr) {
        class_weights = at::from_blob(const_cast<float *>(conf->class_weights), {conf->classes})
                            .to(at::kDouble)
                            .to(device);
    }
}

namespace dogb_torch {

static Head make_head(const dogb_heads *bank, const dogb_heads_conf *conf, int32_t i) {
    Head head = {};
    head.optim = conf->optim[i];
    head.slots = optim_slot_count(head.optim);
    head.smoothing = conf->label_smoothing[i];
    head.dropout[0] = conf->dropout_features == nullptr ? 0 : conf->dropout_features[i];
    head.dropout[1] = conf->dropout[i];
    head.seed = conf->seeds[i];
    for (int32_t param = 0; param < dogb_heads_params(&bank->shape); param++) {
        int64_t outputs = dogb_heads_param_count(&bank->shape, param | 1);
        int64_t count = dogb_heads_param_count(&bank->shape, param);
        for (int32_t i_tensor = 0; i_tensor <= head.slots; i_tensor++) {
            head.tensors[i_tensor].push_back(
                at::zeros({outputs, count / outputs}, at::TensorOptions(bank->device)));
        }
    }
    return head;
}

int heads_create(dogb_heads **out, const dogb_heads_conf *conf) noexcept {
    *out = nullptr;
    return guard([&]() -> int {
        char line[DOGB_HEADS_TEXT];
        at::Device device(at::kCPU);
        int rc = dogb_heads_check_conf(line, conf);
        if (rc < 0) {
            return fail(rc, "%s", line);
        }
        if ((rc = device_parse(device, conf->device == nullptr ? "cpu" : conf->device)) < 0) {
            return rc;
        }
        at::NoGradGuard no_grad;
        std::unique_ptr<dogb_heads> bank(new dogb_heads(conf, device));
        for (int32_t i = 0; i < conf->count; i++) {
            bank->heads.push_back(make_head(bank.get(), conf, i));
        }
        *out = bank.release();
        return DOGBREED_OK;
    });
}

// What one head needs beside its tensors while it takes steps: gradients, an optimiser's
// intermediate values, and the values of a batch: of inputs and their mask, around the hidden
// layer, and around the loss.
static int64_t step_floats(const dogb_heads_conf *conf, int32_t i, int64_t params, int64_t batch) {
    bool drops = conf->dropout_features != nullptr && conf->dropout_features[i] != 0;
    int64_t inputs = (int64_t)conf->features * (drops ? 2 : 1);
    int64_t hidden = (int64_t)conf->hidden * (conf->dropout[i] != 0 ? 5 : 3);
    int64_t optim = conf->optim[i].kind == DOGB_OPTIM_SGD ? 1 : 3;
    return params * optim + batch * (inputs + hidden + 6 * (int64_t)conf->classes + 4);
}

int64_t heads_bytes(const dogb_heads_conf *conf, const int32_t *batches, int64_t rows) noexcept {
    dogb_heads_shape shape = {conf->count, conf->features, conf->classes, conf->hidden, nullptr};
    at::Device device(at::kCPU);
    int rc = device_parse(device, conf->device == nullptr ? "cpu" : conf->device);
    if (rc < 0) {
        return rc;
    }
    bool stacked = wants_stacks(device);
    int64_t params = 0, kept = 0, most = 0, all = 0;
    for (int32_t param = 0; param < dogb_heads_params(&shape); param++) {
        params += dogb_heads_param_count(&shape, param);
    }
    for (int32_t i = 0; i < conf->count; i++) {
        int64_t tensors = params * (1 + optim_slot_count(conf->optim[i]));
        int64_t step = step_floats(conf, i, params, std::min<int64_t>(batches[i], rows));
        kept += tensors;
        all += step + tensors; // of a stack, which has its own tensors
        most = std::max(most, step);
    }
    int64_t floats = kept + (stacked ? all : std::min(conf->threads, conf->count) * most);
    int64_t table = rows * (stacked ? 4 * (int64_t)conf->features + 8 : 8);
    return 4 * floats + table + 16 * rows * (stacked ? conf->count : 1); // orders and their labels
}

void heads_destroy(dogb_heads *heads) noexcept {
    (void)guard([&]() -> int {
        delete heads;
        return DOGBREED_OK;
    });
}

static int find(const dogb_heads *heads, int32_t head) {
    char line[DOGB_HEADS_TEXT];
    int rc = dogb_heads_check_head(line, &heads->shape, head);
    return rc < 0 ? fail(rc, "%s", line) : rc;
}

int heads_end(dogb_heads *heads, int32_t head) noexcept {
    return guard([&]() -> int {
        int rc = find(heads, head);
        if (rc < 0) {
            return rc;
        }
        for (std::vector<at::Tensor> &tensors : heads->heads[(size_t)head].tensors) {
            tensors.clear();
        }
        heads->ended[(size_t)head] = 1;
        return DOGBREED_OK;
    });
}

// --- values. slot -1: the parameter itself

static int check_param(const dogb_heads *heads, int32_t head, int32_t param, size_t size) {
    char line[DOGB_HEADS_TEXT];
    int rc = dogb_heads_check_param(line, &heads->shape, head, param, size);
    return rc < 0 ? fail(rc, "%s", line) : rc;
}

static int check_slot(const dogb_heads *heads, int32_t head, int32_t param, int32_t slot,
                      size_t size) {
    char line[DOGB_HEADS_TEXT];
    bool there = head >= 0 && head < heads->shape.count;
    int32_t slots = there ? heads->heads[(size_t)head].slots : 0;
    int rc = dogb_heads_check_slot(line, &heads->shape, head, param, slot, slots, size);
    return rc < 0 ? fail(rc, "%s", line) : rc;
}

static int read(const dogb_heads *heads, int32_t head, int32_t param, int32_t slot, float *out) {
    tensor_to_host(out, heads->heads[(size_t)head].tensors[1 + slot][(size_t)param]);
    return DOGBREED_OK;
}

static int write(dogb_heads *heads, int32_t head, int32_t param, int32_t slot, const float *data) {
    at::NoGradGuard no_grad;
    at::Tensor &to = heads->heads[(size_t)head].tensors[1 + slot][(size_t)param];
    to.copy_(at::from_blob(const_cast<float *>(data), to.sizes(), at::kFloat));
    return DOGBREED_OK;
}

int heads_read(dogb_heads *heads, int32_t head, int32_t param, float *out, size_t size) noexcept {
    return guard([&]() -> int {
        int rc = check_param(heads, head, param, size);
        return rc < 0 ? rc : read(heads, head, param, -1, out);
    });
}

int heads_write(dogb_heads *heads, int32_t head, int32_t param, const float *data,
                size_t size) noexcept {
    return guard([&]() -> int {
        int rc = check_param(heads, head, param, size);
        return rc < 0 ? rc : write(heads, head, param, -1, data);
    });
}

int heads_slot_read(dogb_heads *heads, int32_t head, int32_t param, int32_t slot, float *out,
                    size_t size) noexcept {
    return guard([&]() -> int {
        int rc = check_slot(heads, head, param, slot, size);
        return rc < 0 ? rc : read(heads, head, param, slot, out);
    });
}

int heads_slot_write(dogb_heads *heads, int32_t head, int32_t param, int32_t slot,
                     const float *data, size_t size) noexcept {
    return guard([&]() -> int {
        int rc = check_slot(heads, head, param, slot, size);
        return rc < 0 ? rc : write(heads, head, param, slot, data);
    });
}

int64_t heads_steps(dogb_heads *heads, int32_t head) noexcept {
    int rc = find(heads, head);
    return rc < 0 ? rc : heads->heads[(size_t)head].steps;
}

int heads_set_steps(dogb_heads *heads, int32_t head, int64_t steps) noexcept {
    char line[DOGB_HEADS_TEXT];
    int rc = dogb_heads_check_steps(line, &heads->shape, head, steps);
    if (rc < 0) {
        return fail(rc, "%s", line);
    }
    heads->heads[(size_t)head].steps = steps;
    return DOGBREED_OK;
}

} // namespace dogb_torch
