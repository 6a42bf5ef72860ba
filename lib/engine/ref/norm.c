// norm.c - batch norm (Ioffe and Szegedy 2015) with torch.nn.BatchNorm2d's semantics: biased
// variance for normalising, unbiased for the running statistics.
#include "engine/ref/ref.h"

#include "core/error.h"

#include <math.h>

typedef struct norm {
    int64_t channels;
    int64_t plane; // values of one sample and channel
    const float *weight;
    const float *bias;
    float *mean; // running
    float *var;
} norm;

static norm describe(const dogb_ref_pass *pass, int32_t index) {
    const dogb_node *node = &pass->graph->nodes[index];
    norm n = {node->channels_in,
              node->shape[1] * node->shape[2],
              dogb_ref_param(pass, index, DOGB_ROLE_WEIGHT),
              dogb_ref_param(pass, index, DOGB_ROLE_BIAS),
              dogb_ref_param(pass, index, DOGB_ROLE_RUNNING_MEAN),
              dogb_ref_param(pass, index, DOGB_ROLE_RUNNING_VAR)};
    return n;
}

static void batch_statistics(const dogb_ref_pass *pass, const norm *n, const float *x,
                             int64_t channel, double *mean, double *var) {
    double sum = 0;
    double squares = 0;
    double total = (double)pass->count * (double)n->plane;
    for (int64_t s = 0; s < pass->count; s++) {
        const float *from = x + (s * n->channels + channel) * n->plane;
        for (int64_t i = 0; i < n->plane; i++) {
            sum += (double)from[i];
        }
    }
    *mean = sum / total;
    for (int64_t s = 0; s < pass->count; s++) {
        const float *from = x + (s * n->channels + channel) * n->plane;
        for (int64_t i = 0; i < n->plane; i++) {
            double difference = (double)from[i] - *mean;
            squares += difference * difference;
        }
    }
    *var = squares / total;
}

static void update_running(const dogb_ref_pass *pass, const norm *n, int64_t channel,
                           double momentum, double mean, double var) {
    double total = (double)pass->count * (double)n->plane;
    double unbiased = var * total / (total - 1);
    n->mean[channel] = (float)((1 - momentum) * (double)n->mean[channel] + momentum * mean);
    n->var[channel] = (float)((1 - momentum) * (double)n->var[channel] + momentum * unbiased);
}

// saved: mean and 1 / deviation of each channel, for backward.
int dogb_ref_norm_forward(dogb_ref_pass *pass, int32_t index) {
    const dogb_node *node = &pass->graph->nodes[index];
    norm n = describe(pass, index);
    const float *x = dogb_ref_input(pass, index, 0);
    float *saved = pass->saved == NULL ? NULL : pass->saved[index];
    if (pass->norm && pass->count * n.plane == 1) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "node %s: batch norm in training needs more than one value per channel, "
                         "use a larger batch or input",
                         node->name);
    }
    for (int64_t c = 0; c < n.channels; c++) {
        double mean = (double)n.mean[c];
        double var = (double)n.var[c];
        if (pass->norm) {
            batch_statistics(pass, &n, x, c, &mean, &var);
            update_running(pass, &n, c, node->momentum, mean, var);
        }
        double scale = 1 / sqrt(var + node->eps);
        if (saved != NULL) {
            saved[c] = (float)mean;
            saved[n.channels + c] = (float)scale;
        }
        scale *= (double)n.weight[c];
        float factor = (float)scale;
        float shift = (float)((double)n.bias[c] - mean * scale);
        for (int64_t s = 0; s < pass->count; s++) {
            int64_t at = (s * n.channels + c) * n.plane;
            for (int64_t i = at; i < at + n.plane; i++) {
                pass->values[index][i] = x[i] * factor + shift;
            }
        }
    }
    if (pass->norm) {
        int64_t *counter = (int64_t *)pass->params[node->first_param + DOGB_ROLE_COUNTER];
        ++*counter;
    }
    return DOGBREED_OK;
}

// Sums of the gradient, and of gradient times normalised input, over one channel.
static void channel_sums(const dogb_ref_pass *pass, const norm *n, int32_t index, int64_t channel,
                         double *sum, double *product) {
    const float *x = dogb_ref_input(pass, index, 0);
    const float *gradient = pass->grads[index];
    double mean = (double)pass->saved[index][channel];
    *sum = 0;
    *product = 0;
    for (int64_t s = 0; s < pass->count; s++) {
        int64_t at = (s * n->channels + channel) * n->plane;
        for (int64_t i = at; i < at + n->plane; i++) {
            *sum += (double)gradient[i];
            *product += (double)gradient[i] * ((double)x[i] - mean);
        }
    }
    *product *= (double)pass->saved[index][n->channels + channel];
}

int dogb_ref_norm_backward(dogb_ref_pass *pass, int32_t index) {
    norm n = describe(pass, index);
    const float *x = dogb_ref_input(pass, index, 0);
    const float *gradient = pass->grads[index];
    float *to = dogb_ref_input_grad(pass, index, 0);
    float *weight = dogb_ref_param_grad(pass, index, DOGB_ROLE_WEIGHT);
    float *bias = dogb_ref_param_grad(pass, index, DOGB_ROLE_BIAS);
    double total = (double)pass->count * (double)n.plane;
    for (int64_t c = 0; c < n.channels; c++) {
        double sum;
        double product;
        double mean = (double)pass->saved[index][c];
        double inverse = (double)pass->saved[index][n.channels + c];
        channel_sums(pass, &n, index, c, &sum, &product);
        if (weight != NULL) {
            weight[c] += (float)product;
        }
        if (bias != NULL) {
            bias[c] += (float)sum;
        }
        // With the batch's statistics, mean and variance depend on the input too.
        double drift = pass->norm ? sum / total : 0;
        double pull = pass->norm ? product / total * inverse : 0;
        double scale = (double)n.weight[c] * inverse;
        for (int64_t s = 0; to != NULL && s < pass->count; s++) {
            int64_t at = (s * n.channels + c) * n.plane;
            for (int64_t i = at; i < at + n.plane; i++) {
                to[i] +=
                    (float)(((double)gradient[i] - drift - ((double)x[i] - mean) * pull) * scale);
            }
        }
    }
    return DOGBREED_OK;
}
