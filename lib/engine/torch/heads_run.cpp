// heads_run.cpp - training and judging a bank. A run becomes stacks; what a stack needs goes to the
// device before its first step, and what it leaves comes back after the last one: on a GPU nothing
// in between waits for the host.
#include "engine/torch/heads.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstring>

namespace dogb_torch {

static const int64_t judged_rows = 256;                 // of a batch of heads_eval
static const int64_t gathered_bytes = (int64_t)1 << 28; // of a stack's batch, at most

// --- data

struct Data {
    at::Tensor features; // [rows, features]
    at::Tensor labels;   // [rows]
};

static Data on_device(dogb_heads *bank, const dogb_heads_data *data) {
    at::Tensor features =
        at::from_blob(const_cast<float *>(data->features), {data->rows, bank->shape.features},
                      {data->stride, 1}, at::TensorOptions(at::kFloat));
    at::Tensor labels =
        at::from_blob(const_cast<int32_t *>(data->labels), {data->rows}, at::kInt).to(at::kLong);
    if (!bank->stacked) {
        return {features, labels};
    }
    if (data->key != 0 && data->key == bank->key && bank->features.sizes() == features.sizes()) {
        return {bank->features, bank->labels};
    }
    Data copy = {features.contiguous().to(bank->device, at::kFloat, false, true),
                 labels.to(bank->device)};
    if (data->key != 0) {
        bank->key = data->key;
        bank->features = copy.features;
        bank->labels = copy.labels;
    }
    return copy;
}

// --- stacks

typedef std::vector<const dogb_heads_work *> Works;

static bool fit_together(const dogb_heads *bank, const dogb_heads_work *a,
                         const dogb_heads_work *b) {
    const Head &x = bank->heads[(size_t)a->head], &y = bank->heads[(size_t)b->head];
    return bank->stacked && a->batch == b->batch && a->samples == b->samples &&
           (x.optim.kind == DOGB_OPTIM_SGD) == (y.optim.kind == DOGB_OPTIM_SGD) &&
           x.slots == y.slots;
}

static std::vector<Works> group(const dogb_heads *bank, const dogb_heads_work *work,
                                int32_t count) {
    std::vector<Works> groups;
    for (int32_t i = 0; i < count; i++) {
        int64_t rows = std::min<int64_t>(work[i].batch, work[i].samples);
        size_t limit = (size_t)(gathered_bytes / (4 * bank->shape.features * (rows + 1)) + 1);
        auto found = std::find_if(groups.begin(), groups.end(), [&](const Works &works) {
            return fit_together(bank, works[0], &work[i]) && works.size() < limit;
        });
        if (found == groups.end()) {
            groups.emplace_back();
            found = groups.end() - 1;
        }
        found->push_back(&work[i]);
    }
    return groups;
}

static std::vector<Head *> heads_of(dogb_heads *bank, const Works &works) {
    std::vector<Head *> heads;
    for (const dogb_heads_work *work : works) {
        heads.push_back(&bank->heads[(size_t)work->head]);
    }
    return heads;
}

// Rows in the order of their use, [K, samples].
static at::Tensor orders_of(const dogb_heads *bank, const Works &works) {
    int64_t samples = works[0]->samples;
    at::Tensor orders = at::empty({(int64_t)works.size(), samples}, at::kLong);
    for (size_t k = 0; k < works.size(); k++) {
        int64_t *to = orders.mutable_data_ptr<int64_t>() + (int64_t)k * samples;
        for (int64_t i = 0; i < samples; i++) {
            to[i] = works[k]->order == nullptr ? i : works[k]->order[i];
        }
    }
    return orders.to(bank->device);
}

// --- training

// Labels that are among the `limit` largest logits, the lowest index first among equals; those
// whose logit is not a number are not.
static at::Tensor hits(const at::Tensor &ranks, int64_t limit) {
    return ranks.lt(limit).sum(1);
}

static at::Tensor ranks_of(const dogb_heads *bank, const at::Tensor &logits,
                           const at::Tensor &labels) {
    at::Tensor label = labels.unsqueeze(2);
    at::Tensor own = logits.gather(2, label);
    at::Tensor before = logits.eq(own).logical_and_(bank->classes.lt(label));
    at::Tensor ahead = logits.le(own).logical_not_().logical_or_(before);
    return ahead.sum(2); // of one that is not a number, all are ahead
}

// All steps of one stack.
struct Run {
    Run(dogb_heads *bank, const Data &from, const Works &of)
        : works(of), data(from), stack(bank, heads_of(bank, of)), entropy(stack),
          steps((of[0]->samples + of[0]->batch - 1) / of[0]->batch), rules(stack, of, steps) {
        orders = orders_of(bank, works);
        labels = data.labels.index_select(0, orders.view(-1)).view(orders.sizes());
        for (int32_t layer = 0; layer < stack.layers(); layer++) {
            masks.emplace_back(stack, works, layer);
        }
        for (const dogb_heads_work *work : works) {
            wanted = wanted || work->losses != nullptr;
            counted = counted || work->hits != nullptr;
        }
        if (counted) {
            found = at::empty({steps, 2, stack.count()}, orders.options());
        }
        if (wanted) {
            losses = at::empty({steps, stack.count()}, orders.options().dtype(at::kDouble));
        }
    }

    void step(int64_t index) {
        int64_t first = index * works[0]->batch;
        int64_t rows = std::min<int64_t>(works[0]->batch, works[0]->samples - first);
        int64_t features = data.features.size(1);
        if (!x.defined() || x.size(1) != rows) {
            x = at::empty({stack.count(), rows, features}, data.features.options());
        }
        at::Tensor flat = x.view({-1, features});
        at::index_select_out(flat, data.features, 0, orders.narrow(1, first, rows).reshape(-1));
        at::Tensor mask = masks[0].draw(rows, index);
        if (mask.defined()) {
            x.mul_(mask);
        }
        mask = stack.layers() > 1 ? masks[1].draw(rows, index) : at::Tensor();
        at::Tensor loss, logits = stack.forward(x, mask);
        if (counted) {
            at::Tensor ranks = ranks_of(stack.bank, logits, labels.narrow(1, first, rows));
            found.select(0, index).select(0, 0).copy_(hits(ranks, 1));
            found.select(0, index).select(0, 1).copy_(hits(ranks, 5));
        }
        at::Tensor gradient =
            entropy.gradient(logits, labels.narrow(1, first, rows), wanted ? &loss : nullptr);
        std::vector<at::Tensor> gradients = stack.backward(x, mask, gradient);
        rules.step(stack, gradients, index);
        if (wanted) {
            losses.select(0, index).copy_(loss);
        }
    }

    void finish() {
        stack.store();
        at::Tensor host = wanted ? losses.cpu() : losses;
        at::Tensor counts = counted ? found.cpu() : found;
        for (size_t k = 0; k < works.size(); k++) {
            stack.heads[k]->steps += steps;
            for (int64_t i = 0; works[k]->losses != nullptr && i < steps; i++) {
                works[k]->losses[i] = host.const_data_ptr<double>()[i * stack.count() + (int64_t)k];
            }
            for (int64_t i = 0; works[k]->hits != nullptr && i < 2 * steps; i++) {
                works[k]->hits[i] =
                    (int32_t)counts.const_data_ptr<int64_t>()[i * stack.count() + (int64_t)k];
            }
        }
    }

    Works works;
    Data data;
    Stack stack;
    Entropy entropy;
    int64_t steps;
    Rules rules;
    std::vector<Masks> masks;
    at::Tensor orders, labels, losses, found, x;
    bool wanted = false;
    bool counted = false;
};

// Stacks on a device come one after the other; heads on the CPU are shared out.
static int for_each_stack(dogb_heads *bank, const std::vector<Works> &groups,
                          const std::function<void(const Works &)> &work) {
    accel_use(bank->device, 1, true);
    return share(bank->stacked ? 1 : bank->threads, (int64_t)groups.size(), [&](int64_t i) -> int {
        at::NoGradGuard no_grad;
        work(groups[(size_t)i]);
        return DOGBREED_OK;
    });
}

int heads_run(dogb_heads *heads, const dogb_heads_data *data, const dogb_heads_work *work,
              int32_t count) noexcept {
    return guard([&]() -> int {
        char line[DOGB_HEADS_TEXT];
        int rc = dogb_heads_check_run(line, &heads->shape, data, work, count);
        if (rc < 0) {
            return fail(rc, "%s", line);
        }
        Data ready = on_device(heads, data);
        return for_each_stack(heads, group(heads, work, count), [&](const Works &works) {
            if (works[0]->samples == 0) {
                return;
            }
            Run run(heads, ready, works);
            for (int64_t i = 0; i < run.steps; i++) {
                run.step(i);
            }
            run.finish();
        });
    });
}

static dogb_heads_data plain_data(const dogb_heads *heads, const float *features,
                                  const int32_t *labels, int32_t count) {
    return {features, labels, count, heads->shape.features, 0};
}

int heads_step(dogb_heads *heads, const float *features, const int32_t *labels, int32_t count,
               const double *learning_rates, int64_t step, double *losses) noexcept {
    return guard([&]() -> int {
        dogb_heads_data data = plain_data(heads, features, labels, count);
        std::vector<dogb_heads_work> work((size_t)heads->shape.count);
        int32_t items =
            dogb_heads_one_step(work.data(), &heads->shape, count, learning_rates, step, losses);
        return heads_run(heads, &data, work.data(), items);
    });
}

// --- judging

static void judge(dogb_heads *heads, const Data &data, const Works &works, dogb_loss *out) {
    Stack stack(heads, heads_of(heads, works));
    Entropy entropy(stack);
    int64_t rows = data.labels.size(0);
    at::Tensor total = at::zeros({4, stack.count()}, data.features.options().dtype(at::kDouble));
    for (int64_t first = 0; first < rows; first += judged_rows) {
        int64_t count = std::min(judged_rows, rows - first);
        at::Tensor x = data.features.narrow(0, first, count).unsqueeze(0);
        at::Tensor labels = data.labels.narrow(0, first, count).expand({stack.count(), count});
        at::Tensor logits = stack.forward(x.expand({stack.count(), -1, -1}), at::Tensor());
        at::Tensor loss, weight, ranks = ranks_of(heads, logits, labels);
        entropy.sums(at::log_softmax(logits, 2), labels, loss, weight);
        total.select(0, 0).add_(loss);
        total.select(0, 1).add_(weight);
        total.select(0, 2).add_(hits(ranks, 1));
        total.select(0, 3).add_(hits(ranks, 5));
    }
    at::Tensor host = total.cpu();
    const double *sums = host.const_data_ptr<double>();
    for (int64_t k = 0, n = stack.count(); k < n; k++) {
        out[works[(size_t)k]->head] = {sums[k] / sums[n + k], (int64_t)sums[2 * n + k],
                                       (int64_t)sums[3 * n + k]};
    }
}

int heads_eval(dogb_heads *heads, const float *features, const int32_t *labels, int32_t count,
               dogb_loss *out) noexcept {
    return guard([&]() -> int {
        char line[DOGB_HEADS_TEXT];
        int rc = dogb_heads_check_labels(line, &heads->shape, labels, count);
        if (rc < 0) {
            return fail(rc, "%s", line);
        }
        dogb_heads_data data = plain_data(heads, features, labels, count);
        std::vector<dogb_heads_work> work;
        for (int32_t i = 0; i < heads->shape.count; i++) {
            out[i] = {0, 0, 0};
            if (!heads->ended[(size_t)i]) {
                work.push_back(
                    {i, (int32_t)judged_rows, nullptr, count, nullptr, nullptr, 0, nullptr});
            }
        }
        Data ready = on_device(heads, &data);
        return for_each_stack(heads, group(heads, work.data(), (int32_t)work.size()),
                              [&](const Works &works) { judge(heads, ready, works, out); });
    });
}

} // namespace dogb_torch
