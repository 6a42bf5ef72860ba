// reader.c - see reader.h. Numbers of fields: as in events.c. Fields of other kinds than expected
// are passed over, as those that are not known.
#include "tensorboard/reader.h"

#include "core/error.h"

#include <string.h>

int dogb_event_parse(dogb_event *out, dogb_span bytes) {
    dogb_wire_field field;
    int more = 0;
    *out = (dogb_event){.kind = DOGB_EVENT_NONE};
    while ((more = dogb_wire_next(&field, &bytes)) == 1) {
        if (field.number == 1 && field.kind == DOGB_WIRE_FIXED64) {
            out->time = dogb_wire_to_double(field.value);
        } else if (field.number == 2 && field.kind == DOGB_WIRE_VARINT) {
            out->step = (int64_t)field.value;
        } else if (field.kind == DOGB_WIRE_BYTES &&
                   (field.number == DOGB_EVENT_VERSION || field.number == DOGB_EVENT_SUMMARY ||
                    field.number == DOGB_EVENT_SESSION)) {
            out->kind = (int32_t)field.number;
            out->bytes = field.bytes;
        }
    }
    dogb_span session = out->bytes;
    while (more == 0 && out->kind == DOGB_EVENT_SESSION && session.size > 0) {
        more = dogb_wire_next(&field, &session);
        if (more == 1) {
            out->status = field.number == 1 ? (int32_t)field.value : out->status;
            more = 0;
        }
    }
    return more == 0;
}

// --- tensors

static int parse_dimension(int64_t *out, dogb_span bytes) {
    dogb_wire_field field;
    int more = 0;
    *out = 0;
    while ((more = dogb_wire_next(&field, &bytes)) == 1) {
        if (field.number == 1 && field.kind == DOGB_WIRE_VARINT) {
            *out = (int64_t)field.value;
        }
    }
    return more;
}

static int parse_shape(dogb_event_tensor *out, dogb_span bytes) {
    dogb_wire_field field;
    int more = 0;
    while ((more = dogb_wire_next(&field, &bytes)) == 1) {
        if (field.number != 2 || field.kind != DOGB_WIRE_BYTES) {
            continue;
        }
        int64_t size = 0;
        if (parse_dimension(&size, field.bytes) < 0) {
            return -1;
        }
        if (out->rank < DOGB_EVENT_RANK_MAX) {
            out->shape[out->rank] = size;
        }
        out->rank += out->rank <= DOGB_EVENT_RANK_MAX;
    }
    return more;
}

static int parse_tensor(dogb_event_tensor *out, dogb_span bytes) {
    dogb_wire_field field;
    int more = 0;
    *out = (dogb_event_tensor){.texts = bytes};
    while ((more = dogb_wire_next(&field, &bytes)) == 1) {
        if (field.number == 1 && field.kind == DOGB_WIRE_VARINT) {
            out->dtype = (int32_t)field.value;
        }
        if (field.kind != DOGB_WIRE_BYTES) {
            continue;
        }
        if (field.number == 2 && parse_shape(out, field.bytes) < 0) {
            return -1;
        }
        out->content = field.number == 4 ? field.bytes : out->content;
        out->floats = field.number == 5 ? field.bytes : out->floats;
        out->doubles = field.number == 6 ? field.bytes : out->doubles;
        out->text_count += field.number == 8;
    }
    return more;
}

int dogb_event_text_next(dogb_span *out, dogb_event_tensor *tensor) {
    dogb_wire_field field;
    while (dogb_wire_next(&field, &tensor->texts) == 1) {
        if (field.number == 8 && field.kind == DOGB_WIRE_BYTES) {
            *out = field.bytes;
            return 1;
        }
    }
    return 0;
}

// --- values

static int64_t decimal(dogb_span text) {
    int64_t number = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || i == 18) {
            return -1;
        }
        number = number * 10 + (text.data[i] - '0');
    }
    return text.size == 0 ? -1 : number;
}

// smdebug declares plugins repeated and names a mode and a step by two of them.
static int parse_plugin(dogb_event_value *out, dogb_span bytes) {
    dogb_wire_field field;
    int more = 0;
    while ((more = dogb_wire_next(&field, &bytes)) == 1) {
        if (field.kind == DOGB_WIRE_BYTES) {
            out->plugin = field.number == 1 ? field.bytes : out->plugin;
            out->content = field.number == 2 ? field.bytes : out->content;
        }
    }
    if (dogb_span_is(out->plugin, "mode_step")) {
        out->mode_step = decimal(out->content);
    } else if (dogb_span_is(out->plugin, "mode")) {
        out->mode = decimal(out->content);
    }
    return more;
}

static int parse_metadata(dogb_event_value *out, dogb_span bytes) {
    dogb_wire_field field;
    int more = 0;
    while ((more = dogb_wire_next(&field, &bytes)) == 1) {
        if (field.number == 1 && field.kind == DOGB_WIRE_BYTES &&
            parse_plugin(out, field.bytes) < 0) {
            return -1;
        }
        if (field.number == 4 && field.kind == DOGB_WIRE_VARINT) {
            out->data_class = (int32_t)field.value;
        }
    }
    return more;
}

static int parse_value(dogb_event_value *out, dogb_span bytes) {
    dogb_wire_field field;
    int more = 0;
    *out = (dogb_event_value){.mode = -1, .mode_step = -1};
    while ((more = dogb_wire_next(&field, &bytes)) == 1) {
        int inner = 0;
        if (field.number == DOGB_VALUE_NUMBER && field.kind == DOGB_WIRE_FIXED32) {
            out->kind = DOGB_VALUE_NUMBER;
            out->number = dogb_wire_to_float(field.value);
        } else if (field.kind == DOGB_WIRE_BYTES && field.number == 1) {
            out->tag = field.bytes;
        } else if (field.kind == DOGB_WIRE_BYTES && field.number == 9) {
            inner = parse_metadata(out, field.bytes);
        } else if (field.kind == DOGB_WIRE_BYTES && field.number == DOGB_VALUE_TENSOR) {
            out->kind = DOGB_VALUE_TENSOR;
            inner = parse_tensor(&out->tensor, field.bytes);
        } else if (field.kind == DOGB_WIRE_BYTES &&
                   (field.number == DOGB_VALUE_IMAGE || field.number == DOGB_VALUE_HISTOGRAM)) {
            out->kind = (int32_t)field.number;
            out->bytes = field.bytes;
        }
        if (inner < 0) {
            return -1;
        }
    }
    return more;
}

int dogb_event_value_next(dogb_event_value *out, dogb_event *event) {
    dogb_wire_field field;
    int more = 0;
    if (event->kind != DOGB_EVENT_SUMMARY) {
        return 0;
    }
    while ((more = dogb_wire_next(&field, &event->bytes)) == 1) {
        if (field.number == 1 && field.kind == DOGB_WIRE_BYTES) {
            return parse_value(out, field.bytes) < 0 ? -1 : 1;
        }
    }
    return more;
}

// --- files

int dogb_event_file_open(dogb_event_file *out, dogb_arena *arena, const char *path) {
    *out = (dogb_event_file){.path = path};
    return dogb_map_open(&out->map, arena, path, SIZE_MAX);
}

int dogb_event_file_next(dogb_event *out, dogb_event_file *file) {
    dogb_frame frame;
    int rc = dogb_frame_read(&frame, file->map.data + file->at, file->map.size - file->at,
                             file->path, file->at);
    if (rc <= 0) {
        return rc;
    }
    if (!dogb_event_parse(out, (dogb_span){frame.event, frame.length})) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: damaged at byte %zu: no event", file->path,
                         file->at);
    }
    file->at += frame.size;
    file->constants += frame.constant;
    return 1;
}
