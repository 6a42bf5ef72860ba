// hparams.c - what page HPARAMS shows: it stands in the metadata of values that hold nothing.
// Numbers of fields: tensorboard's plugins/hparams/api.proto and plugin_data.proto.
#include "tensorboard/events.h"

#include "core/wire.h"
#include "tensorboard/messages.h"

static const char HPARAMS[] = "hparams";

// An event up to the plugin's own data; what stands around them.
typedef struct around {
    dogb_value_marks value;
    size_t metadata;
    size_t data;
    size_t content;
    size_t one; // of the kinds of content
} around;

static around begin(dogb_buffer *out, double time, const char *tag, uint32_t kind) {
    around a = {.value = dogb_value_open(out, time, 0, tag)};
    a.metadata = dogb_metadata_open(out, HPARAMS, &a.data);
    a.content = dogb_wire_open(out, 2);
    a.one = dogb_wire_open(out, kind);
    return a;
}

static void end(dogb_buffer *out, around a) {
    static const char empty[] = {0x08, 0x01, 0x12, 0x04, 0x12, 0x02, 0x08, 0x00}; // floats, [0]
    dogb_wire_close(out, a.one);
    dogb_wire_close(out, a.content);
    dogb_metadata_close(out, a.metadata, a.data, DOGB_CLASS_TENSOR);
    dogb_wire_bytes(out, 8, empty, sizeof empty);
    dogb_value_close(out, a.value);
}

static void put_value(dogb_buffer *out, uint32_t field, const dogb_hparam_value *value) {
    size_t at = dogb_wire_open(out, field);
    if (value->kind == DOGB_HPARAM_TEXT) {
        dogb_wire_text(out, 3, value->text);
    } else if (value->kind == DOGB_HPARAM_BOOL) {
        dogb_wire_integer(out, 4, value->number != 0);
    } else {
        dogb_wire_double(out, 2, value->number);
    }
    dogb_wire_close(out, at);
}

// --- the study

static void put_domain(dogb_buffer *out, const dogb_hparam *param) {
    size_t at = dogb_wire_open(out, param->count > 0 ? 5 : 6);
    for (size_t i = 0; i < param->count; i++) {
        put_value(out, 1, &param->values[i]);
    }
    if (param->count == 0) {
        dogb_wire_double(out, 1, param->low);
        dogb_wire_double(out, 2, param->high);
    }
    dogb_wire_close(out, at);
}

// TensorBoard shows those that differ first.
static void put_param(dogb_buffer *out, const dogb_hparam *param) {
    size_t at = dogb_wire_open(out, 4);
    dogb_wire_text(out, 1, param->name);
    dogb_wire_integer(out, 4, param->kind);
    put_domain(out, param);
    dogb_wire_integer(out, 7, param->count > 0 ? param->count > 1 : param->low < param->high);
    dogb_wire_close(out, at);
}

static void put_metric(dogb_buffer *out, const dogb_hparam_metric *metric) {
    size_t at = dogb_wire_open(out, 5);
    size_t name = dogb_wire_open(out, 1);
    dogb_wire_text(out, 2, metric->tag);
    dogb_wire_close(out, name);
    dogb_wire_text(out, 3, metric->name);
    dogb_wire_close(out, at);
}

void dogb_board_experiment(dogb_buffer *out, const dogb_experiment *e) {
    around a = begin(out, e->time, "_hparams_/experiment", 2);
    dogb_wire_double(out, 3, e->time);
    for (size_t i = 0; i < e->param_count; i++) {
        put_param(out, &e->params[i]);
    }
    for (size_t i = 0; i < e->metric_count; i++) {
        put_metric(out, &e->metrics[i]);
    }
    dogb_wire_text(out, 6, e->name);
    end(out, a);
}

// --- its trials

void dogb_board_session(dogb_buffer *out, const dogb_hparam_session *session) {
    around a = begin(out, session->time, "_hparams_/session_start_info", 3);
    for (size_t i = 0; i < session->count; i++) {
        size_t entry = dogb_wire_open(out, 1);
        dogb_wire_text(out, 1, session->settings[i].name);
        put_value(out, 2, &session->settings[i].value);
        dogb_wire_close(out, entry);
    }
    if (*session->group != '\0') {
        dogb_wire_text(out, 4, session->group);
    }
    dogb_wire_double(out, 5, session->time);
    end(out, a);
}

void dogb_board_session_end(dogb_buffer *out, double time, int32_t status) {
    around a = begin(out, time, "_hparams_/session_end_info", 4);
    dogb_wire_integer(out, 1, status);
    dogb_wire_double(out, 2, time);
    end(out, a);
}
