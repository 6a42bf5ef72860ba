// state.c - state.json of a watched run. The store's layout is the original's; what it has no place
// for stands here.
#include "core/error.h"
#include "core/file.h"
#include "debug/stored.h"

static int add_tensor(json_t *list, const dogb_rule_tensor *t) {
    json_t *object = json_object();
    int rc = dogb_json_set_text(object, "name", t->name);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "what", t->what);
    rc = rc < 0 || *t->node == '\0' ? rc : dogb_json_set_text(object, "node", t->node);
    rc = rc < 0 || t->op == 0 ? rc : dogb_json_set_int(object, "op", t->op);
    rc = rc < 0 || !t->is_input ? rc : dogb_json_set_bool(object, "is_input", 1);
    rc = rc < 0 ? rc : dogb_json_set_bool(object, "trainable", t->trainable);
    rc = rc < 0 ? rc : dogb_json_set_bool(object, "fresh", t->fresh);
    if (rc < 0) {
        json_decref(object);
        return rc;
    }
    return dogb_json_add(list, object);
}

static int add_tensors(json_t *document, const dogbreed_debug *debug) {
    json_t *list = json_array();
    int rc = dogb_json_set(document, "tensors", list);
    for (int32_t i = 0; rc == DOGBREED_OK && i < debug->subjects.count; i++) {
        rc = add_tensor(list, &debug->subjects.items[i].tensor);
    }
    return rc;
}

static int add_classes(json_t *document, const dogbreed_debug *debug) {
    json_t *list = json_array();
    int rc = dogb_json_set(document, "classes", list);
    for (int32_t i = 0; rc == DOGBREED_OK && i < debug->class_count; i++) {
        rc = dogb_json_add(list, dogb_json_text(debug->classes[i]));
    }
    return rc;
}

int dogb_state_write(const dogbreed_debug *debug, dogb_arena *scratch) {
    json_t *document = dogb_json_document(scratch, "debug", 1);
    char *path = dogb_path_join(scratch, debug->directory, "state.json");
    int rc = document == NULL || path == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    rc =
        rc < 0 ? rc : dogb_json_set_int(document, "steps_per_epoch", debug->moment.steps_per_epoch);
    rc = rc < 0 ? rc : dogb_json_set_int(document, "steps_per_evaluation", debug->eval_steps);
    rc = rc < 0 ? rc : add_classes(document, debug);
    rc = rc < 0 ? rc : add_tensors(document, debug);
    rc = rc < 0 ? rc : dogb_json_set(document, "epochs", json_incref(debug->epochs));
    return rc < 0 ? rc : dogb_debug_put(scratch, path, document);
}

void dogb_debug_remember(dogbreed_debug *debug, const dogb_rule_epoch *epoch) {
    json_t *object = json_object();
    int rc = dogb_json_set_int(object, "epoch", epoch->epoch);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "step", epoch->step);
    rc = rc < 0 ? rc : dogb_json_set_real(object, "train_loss", epoch->train_loss);
    rc = rc < 0 ? rc : dogb_json_set_real(object, "train_accuracy", epoch->train_accuracy);
    rc = rc < 0 ? rc : dogb_json_set_real(object, "val_loss", epoch->val_loss);
    rc = rc < 0 ? rc : dogb_json_set_real(object, "val_accuracy", epoch->val_accuracy);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "train_count", epoch->train_count);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "val_count", epoch->val_count);
    if (rc < 0) {
        json_decref(object);
    } else {
        (void)dogb_json_add(debug->epochs, object);
    }
}
