// view.c - what views of a net show: everything lies in memory already.
#include "engine/engine_internal.h"
#include "engine/ref/ref.h"

static const float *place_of(const dogb_net *net, int32_t what, int32_t place) {
    return what == DOGBREED_TENSOR_GRADIENT     ? net->grads_param[place]
           : what == DOGBREED_TENSOR_ACTIVATION ? net->values[place]
                                                : net->params[place];
}

static int has(const dogb_net *net, int32_t what, int32_t place) {
    return (what != DOGBREED_TENSOR_ACTIVATION || net->count > 0) &&
           place_of(net, what, place) != NULL;
}

static int data(const float **out, dogb_net *net, int32_t what, int32_t place) {
    *out = place_of(net, what, place);
    return DOGBREED_OK;
}

static dogb_views views_of(dogb_net *net) {
    return (dogb_views){.net = net,
                        .graph = net->graph,
                        .watch = net->watch,
                        .samples = net->count,
                        .has = has,
                        .data = data};
}

int dogb_ref_watch(dogb_net *net, uint32_t mask) {
    int rc = dogb_ref_check_train(net);
    if (rc == DOGBREED_OK) {
        net->watch = mask;
    }
    return rc;
}

int32_t dogb_ref_tensor_count(dogb_net *net, int32_t what) {
    dogb_views views = views_of(net);
    return dogb_views_count(&views, what);
}

int dogb_ref_tensor_describe(dogb_net *net, int32_t what, int32_t index, dogbreed_tensor *out) {
    dogb_views views = views_of(net);
    return dogb_views_describe(&views, what, index, out);
}

int dogb_ref_tensor_read(dogb_net *net, int32_t what, int32_t index, float *out, size_t count) {
    dogb_views views = views_of(net);
    return dogb_views_read(&views, what, index, out, count);
}

int dogb_ref_tensor_stats(dogb_net *net, int32_t what, int32_t index, dogbreed_tensor_stats *out) {
    dogb_views views = views_of(net);
    return dogb_views_stats(&views, what, index, out);
}
