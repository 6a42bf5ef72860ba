// place.c - where values live: one block of memory for an image, which they share by the time in
// which they are needed.
#include "engine/native/plan.h"

static void shape_value(dogb_plan *p, int32_t index) {
    int32_t count = p->graph->node_count;
    const dogb_node *node = &p->graph->nodes[index % count];
    dogb_value *value = &p->net->values[index];
    int image = node->rank == 3;
    value->channels = (int32_t)node->shape[0];
    value->height = image ? (int32_t)node->shape[1] : 1;
    value->width = image ? (int32_t)node->shape[2] : 1;
    if (index == 0 && p->net->step_count > 0 && p->net->steps[0].joined) {
        const dogb_node *conv = p->net->steps[0].part[0];
        value->border = conv->padding[0] > conv->padding[1] ? conv->padding[0] : conv->padding[1];
    }
    value->stride = value->channels;
    value->pitch = (value->width + 2 * (int64_t)value->border) * value->stride;
    value->elements = index >= count || dogb_plan_is_elements(p, index);
    value->bytes = value->elements ? p->net->element_bytes : (int32_t)sizeof(float);
    value->zero = value->elements ? node->zero : 0;
    p->size[index] = (value->pitch * (value->height + 2 * (int64_t)value->border) * value->bytes +
                      (int64_t)sizeof(float) - 1) /
                     (int64_t)sizeof(float);
}

// A concatenation whose operands nobody else reads is written by those who make them.
static void place_operands(dogb_plan *p, int32_t index) {
    const dogb_node *node = &p->graph->nodes[index];
    const dogb_value *whole = &p->net->values[index];
    int32_t channel = 0;
    for (int32_t k = 0; k < node->input_count; k++) {
        int32_t input = node->inputs[k];
        dogb_value *part = &p->net->values[input];
        if (p->uses[input] == 1 && input > 0 && p->owner[input] == input &&
            p->graph->nodes[input].op != DOGB_OP_CAT) {
            p->owner[input] = index;
            part->offset = channel;
            part->stride = whole->stride;
            part->pitch = whole->pitch;
        }
        channel += part->channels;
    }
}

static void live(dogb_plan *p, int32_t node, int32_t step) {
    int32_t owner = p->owner[node];
    p->birth[owner] = step < p->birth[owner] ? step : p->birth[owner];
    p->death[owner] = step > p->death[owner] ? step : p->death[owner];
}

static void find_lives(dogb_plan *p) {
    const dogb_net *net = p->net;
    for (int32_t i = 0; i < dogb_plan_values(p); i++) {
        p->birth[i] = INT32_MAX;
        p->death[i] = -1;
    }
    live(p, 0, -1);
    for (int32_t s = 0; s < net->step_count; s++) {
        const dogb_step *step = &net->steps[s];
        const dogb_node *node = step->part[0];
        live(p, step->output, s);
        live(p, step->input, s);
        if (step->residual >= 0) {
            live(p, step->residual, s);
        }
        int joins = step->run == dogb_step_simple && node->op == DOGB_OP_CAT;
        for (int32_t k = 0; joins && k < node->input_count; k++) {
            live(p, node->inputs[k], s);
        }
    }
    live(p, p->graph->output, net->step_count);
    if (net->tail > 0 && net->tail < net->step_count) {
        live(p, net->steps[net->tail].input, net->step_count);
    }
}

// Lowest place where a value fits beside those that live at the same time.
static int64_t find_place(const dogb_plan *p, int32_t index) {
    int64_t place = 0;
    for (int32_t i = 0; i < index; i++) {
        int64_t start = p->place[i];
        int apart = p->owner[i] != i || p->death[i] < p->birth[index] ||
                    p->birth[i] > p->death[index] || p->birth[i] == INT32_MAX;
        if (!apart && start < place + p->size[index] && place < start + p->size[i]) {
            place = (start + p->size[i] + 15) / 16 * 16; // a cache line
            i = -1;                                      // look at all of them again
        }
    }
    return place;
}

void dogb_plan_place(dogb_plan *p) {
    dogb_net *net = p->net;
    int32_t count = dogb_plan_values(p);
    for (int32_t i = 0; i < count; i++) {
        shape_value(p, i);
        p->owner[i] = i;
    }
    for (int32_t i = 1; i < p->graph->node_count; i++) {
        if (p->graph->nodes[i].op == DOGB_OP_CAT) {
            place_operands(p, i);
        }
    }
    find_lives(p);
    for (int32_t i = 0; i < count; i++) {
        dogb_value *value = &net->values[i];
        if (p->owner[i] == i && p->birth[i] != INT32_MAX) {
            p->place[i] = find_place(p, i);
            int64_t end = p->place[i] + p->size[i];
            value->offset = p->place[i] * (int64_t)sizeof(float) / value->bytes +
                            value->border * (value->pitch + value->stride);
            net->value_floats = end > net->value_floats ? end : net->value_floats;
        }
    }
    for (int32_t i = 0; i < count; i++) {
        if (p->owner[i] != i) {
            net->values[i].offset += net->values[p->owner[i]].offset;
        }
    }
}
