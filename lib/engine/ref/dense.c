// dense.c - linear layers. Rows of weights stay in the cache while all samples pass by: heads on
// features train here.
#include "engine/ref/ref.h"

#include <string.h>

typedef struct dense {
    dogb_ref_pass *pass;
    const dogb_node *node;
    int32_t index;
    int32_t reserved;
    int64_t in;
    int64_t out;
} dense;

enum { BLOCK = 16 }; // outputs, or samples, of one part

static dense describe(dogb_ref_pass *pass, int32_t index) {
    const dogb_node *node = &pass->graph->nodes[index];
    dense d = {pass, node, index, 0, node->channels_in, node->channels_out};
    return d;
}

static int64_t end_of(int64_t index, int64_t count) {
    return (index + 1) * BLOCK < count ? (index + 1) * BLOCK : count;
}

static int forward_part(int64_t index, void *userdata) {
    const dense *d = userdata;
    const float *weights = dogb_ref_param(d->pass, d->index, DOGB_ROLE_WEIGHT);
    const float *bias = dogb_ref_param(d->pass, d->index, DOGB_ROLE_BIAS);
    const float *input = dogb_ref_input(d->pass, d->index, 0);
    float *to = d->pass->values[d->index];
    for (int64_t o = index * BLOCK; o < end_of(index, d->out); o++) {
        for (int64_t n = 0; n < d->pass->count; n++) {
            float sum = dogb_ref_dot(input + n * d->in, weights + o * d->in, d->in);
            to[n * d->out + o] = bias == NULL ? sum : sum + bias[o];
        }
    }
    return 0;
}

int dogb_ref_linear_forward(dogb_ref_pass *pass, int32_t index) {
    dense d = describe(pass, index);
    double work = (double)pass->count * (double)(d.in * d.out);
    int rc = dogb_ref_loop(pass, (d.out + BLOCK - 1) / BLOCK, work, forward_part, &d);
    if (rc == 0) {
        dogb_ref_activate(pass, index);
    }
    return rc;
}

static int weights_part(int64_t index, void *userdata) {
    const dense *d = userdata;
    const float *gradient = d->pass->grads[d->index];
    const float *input = dogb_ref_input(d->pass, d->index, 0);
    float *weights = dogb_ref_param_grad(d->pass, d->index, DOGB_ROLE_WEIGHT);
    for (int64_t o = index * BLOCK; o < end_of(index, d->out); o++) {
        for (int64_t n = 0; n < d->pass->count; n++) {
            dogb_ref_axpy(weights + o * d->in, gradient[n * d->out + o], input + n * d->in, d->in);
        }
    }
    return 0;
}

static int input_part(int64_t index, void *userdata) {
    const dense *d = userdata;
    const float *gradient = d->pass->grads[d->index];
    const float *weights = dogb_ref_param(d->pass, d->index, DOGB_ROLE_WEIGHT);
    float *to = dogb_ref_input_grad(d->pass, d->index, 0);
    for (int64_t o = 0; o < d->out; o++) {
        for (int64_t n = index * BLOCK; n < end_of(index, d->pass->count); n++) {
            dogb_ref_axpy(to + n * d->in, gradient[n * d->out + o], weights + o * d->in, d->in);
        }
    }
    return 0;
}

int dogb_ref_linear_backward(dogb_ref_pass *pass, int32_t index) {
    dense d = describe(pass, index);
    double work = (double)pass->count * (double)(d.in * d.out);
    float *bias = dogb_ref_param_grad(pass, index, DOGB_ROLE_BIAS);
    int rc = 0;
    dogb_ref_activate_backward(pass, index);
    for (int64_t o = 0; bias != NULL && o < d.out; o++) {
        double sum = 0;
        for (int64_t n = 0; n < pass->count; n++) {
            sum += (double)pass->grads[index][n * d.out + o];
        }
        bias[o] += (float)sum;
    }
    if (dogb_ref_param_grad(pass, index, DOGB_ROLE_WEIGHT) != NULL) {
        rc = dogb_ref_loop(pass, (d.out + BLOCK - 1) / BLOCK, work, weights_part, &d);
    }
    if (rc == 0 && dogb_ref_input_grad(pass, index, 0) != NULL) {
        rc = dogb_ref_loop(pass, (pass->count + BLOCK - 1) / BLOCK, work, input_part, &d);
    }
    return rc;
}
