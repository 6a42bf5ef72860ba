// views.c - the optimiser's state as tensors of STEP_END: momentum, averages of gradients. Their
// names are those of checkpoints.
#include "core/error.h"
#include "trainer/checkpoint.h"
#include "trainer/state.h"

#include <string.h>

typedef struct view {
    const dogbreed_trainer *trainer;
    int32_t param; // of the net
    int32_t slot;  // of the optimiser
} view;

static int read_state(float *out, const dogb_bus_array *array) {
    const view *of = array->data;
    const dogb_engine *engine = of->trainer->engine;
    size_t count = 1;
    for (int32_t i = 0; i < array->rank; i++) {
        count *= (size_t)array->shape[i];
    }
    int rc = engine->optim_read(of->trainer->session->optim, of->param, of->slot, out,
                                count * sizeof *out);
    return dogb_engine_result(engine, rc, array->name);
}

static int add(dogb_session *session, const dogbreed_trainer *trainer, const dogb_slot *slot,
               int32_t k) {
    const dogb_param *param = &trainer->graph->params[slot->net_param];
    dogb_bus_array *array = &session->views[session->view_count];
    view *of = dogb_alloc(&session->arena, 1, sizeof *of);
    const char *name = dogb_checkpoint_slot_name(&session->arena, trainer, slot, k);
    if (of == NULL || name == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    *of = (view){trainer, slot->net_param, k};
    *array = (dogb_bus_array){.name = name,
                              .what = DOGBREED_TENSOR_OPTIMIZER,
                              .rank = param->rank,
                              .read = read_state,
                              .data = of};
    memcpy(array->shape, param->shape, (size_t)param->rank * sizeof param->shape[0]);
    session->view_count++;
    return DOGBREED_OK;
}

int dogb_views_create(dogbreed_trainer *trainer) {
    dogb_session *session = trainer->session;
    int32_t count = session->optim == NULL ? 0 : trainer->engine->optim_slots(session->optim);
    if (session->views != NULL || count <= 0) {
        return DOGBREED_OK;
    }
    session->views =
        dogb_alloc(&session->arena, (size_t)(trainer->slot_count * count), sizeof *session->views);
    int rc = session->views == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < trainer->slot_count; i++) {
        const dogb_slot *slot = &trainer->slots[i];
        for (int32_t k = 0; rc == DOGBREED_OK && slot->trainable && k < count; k++) {
            rc = add(session, trainer, slot, k);
        }
    }
    return rc;
}

int dogb_trainer_views(const dogb_bus_array **out, int32_t *count, dogbreed_trainer *trainer) {
    int rc = dogb_views_create(trainer);
    *out = trainer->session->views;
    *count = rc < 0 ? 0 : trainer->session->view_count;
    return rc;
}
