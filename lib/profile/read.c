// read.c - see read.h. Both files are read line by line; a last line without its end is left out.
#include "profile/read.h"

#include "core/error.h"
#include "core/file.h"

#include <math.h>
#include <string.h>

enum { THREADS_MAX = 4096, COLUMNS_MAX = 8192 };
static const double TIME_MAX = 1e15; // microseconds: 30 years
static const size_t FILE_MAX = (size_t)1 << 33;
static const uint64_t BASE = 1000; // of times, none of which is 0

typedef struct line_reader {
    const char *text;
    size_t size;
    size_t at;
    int64_t number;
    const char *what;
} line_reader;

// Next whole line without its end; NULL: there is none.
static const char *next_line(line_reader *reader, size_t *length) {
    const char *line = reader->text + reader->at;
    const char *end =
        reader->at < reader->size ? memchr(line, '\n', reader->size - reader->at) : NULL;
    if (end == NULL) {
        return NULL;
    }
    *length = (size_t)(end - line);
    reader->at += *length + 1;
    reader->number++;
    return line;
}

static int bad_line(const line_reader *reader, const char *expected) {
    return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: line %lld: expected %s", reader->what,
                     (long long)reader->number, expected);
}

static int parse(json_t **out, dogb_arena *arena, const line_reader *reader, const char *line,
                 size_t length) {
    int rc = dogb_json_parse(out, arena, line, length, reader->what);
    return rc == DOGBREED_ERROR_NO_MEMORY ? rc
           : rc < 0                       ? bad_line(reader, "a JSON object")
                                          : DOGBREED_OK;
}

// --- the trace

typedef struct event_list {
    dogb_arena arena;
    dogb_span_event *ends; // in order of the file
    size_t count;
    size_t capacity;
    uint64_t last;
} event_list;

// The first line begins the document; what closes it stands in the last one.
static int take_header(dogb_profile_data *data, line_reader *reader) {
    static const char tail[] = "]}";
    dogb_arena scratch = {0};
    size_t length = 0;
    const char *line = next_line(reader, &length);
    json_t *root = NULL;
    if (line == NULL) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: has no first line of a trace", reader->what);
    }
    char *text = dogb_alloc_raw(&scratch, length + sizeof tail, 1);
    int rc = text == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK) {
        memcpy(text, line, length);
        memcpy(text + length, tail, sizeof tail);
        rc = parse(&root, &scratch, reader, text, length + sizeof tail - 1);
    }
    json_t *facts = rc < 0 ? NULL : json_object_get(root, "otherData");
    const char *format = json_string_value(json_object_get(facts, "format"));
    if (rc == DOGBREED_OK && (format == NULL || strcmp(format, "dogbreed.trace") != 0)) {
        rc = bad_line(reader, "the header of a profile's trace (otherData.format dogbreed.trace)");
    } else if (rc == DOGBREED_OK && json_integer_value(json_object_get(facts, "version")) > 1) {
        rc =
            dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "%s: is of a newer version than 1", reader->what);
    } else if (rc == DOGBREED_OK) {
        data->facts = dogb_json_object(&data->arena);
        rc = data->facts == NULL || json_object_update(data->facts, facts) != 0
                 ? DOGBREED_ERROR_NO_MEMORY
                 : DOGBREED_OK;
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int is_time(double value) {
    return isfinite(value) && value >= 0.0 && value < TIME_MAX;
}

// Kind of "cat": "engine,forward".
static int32_t kind_of(const json_t *event) {
    const char *text = json_string_value(json_object_get(event, "cat"));
    const char *comma = text == NULL ? NULL : strrchr(text, ',');
    return comma == NULL ? -1 : dogb_span_kind(comma + 1);
}

// The one number of its arguments, or a layer's label.
static int take_value_of(dogb_profile_data *data, dogb_span_event *end, json_t *args) {
    const char *key = NULL;
    json_t *value = NULL;
    if (end->kind == DOGB_SPAN_LAYER_FORWARD || end->kind == DOGB_SPAN_LAYER_BACKWARD) {
        const char *name = json_string_value(json_object_get(args, "layer"));
        const char *op = json_string_value(json_object_get(args, "op"));
        int named = name != NULL && op != NULL;
        end->value = named ? dogb_profile_label_add(data, name, op) : -1;
        return named && end->value < 0 ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    }
    json_object_foreach(args, key, value) {
        if (json_is_integer(value)) {
            end->value = json_integer_value(value);
        }
    }
    return DOGBREED_OK;
}

// "cat": "activity,kernel". They stand in the order in which they were told.
static int take_activity(dogb_profile_data *data, const line_reader *reader, const json_t *event) {
    static const char group[] = "activity,";
    const char *cat = json_string_value(json_object_get(event, "cat"));
    const char *name = json_string_value(json_object_get(event, "name"));
    const json_t *args = json_object_get(event, "args");
    double begin = json_number_value(json_object_get(event, "ts"));
    double length = json_number_value(json_object_get(event, "dur"));
    int32_t kind = cat == NULL || strncmp(cat, group, sizeof group - 1) != 0
                       ? -1
                       : dogb_activity_kind(cat + sizeof group - 1);
    if (kind < 0) { // of a later version
        return DOGBREED_OK;
    }
    if (!is_time(begin) || !is_time(length) || name == NULL) {
        return bad_line(reader, "a name, and ts and dur of at least 0");
    }
    dogb_activity one = {.name = name, .kind = kind};
    one.device = (int32_t)json_integer_value(json_object_get(args, "device"));
    one.lane = json_integer_value(json_object_get(args, "lane"));
    one.begin = BASE + (uint64_t)llround(begin * 1e3);
    one.end = one.begin + (uint64_t)llround(length * 1e3);
    return dogb_activities_add(&data->activities, &data->arena, &one);
}

static int take_span(dogb_profile_data *data, event_list *list, const line_reader *reader,
                     json_t *event) {
    double begin = json_number_value(json_object_get(event, "ts"));
    double length = json_number_value(json_object_get(event, "dur"));
    json_int_t thread = json_integer_value(json_object_get(event, "tid"));
    int32_t kind = kind_of(event);
    if (kind < 0) {
        return take_activity(data, reader, event);
    }
    if (!is_time(begin) || !is_time(length) || thread < 1 || thread > THREADS_MAX) {
        return bad_line(reader, "ts and dur of at least 0, tid from 1 to 4096");
    }
    if (dogb_grow(&list->arena, &list->ends, &list->capacity, list->count, sizeof *list->ends) <
        0) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_span_event *end = &list->ends[list->count++];
    *end = (dogb_span_event){.kind = kind, .thread = (int32_t)thread - 1};
    end->begin = BASE + (uint64_t)llround(begin * 1e3);
    end->time = end->begin + (uint64_t)llround(length * 1e3);
    list->last = end->time > list->last ? end->time : list->last;
    return take_value_of(data, end, json_object_get(event, "args"));
}

// What is said once.
static void take_note(dogb_profile_data *data, const json_t *event) {
    const char *name = json_string_value(json_object_get(event, "name"));
    json_t *args = json_object_get(event, "args");
    if (name != NULL && strcmp(name, "activities") == 0) {
        data->activities.steps = json_integer_value(json_object_get(args, "steps"));
    }
    if (name != NULL && strcmp(name, "profile_end") == 0 && json_is_object(args)) {
        data->dropped = json_integer_value(json_object_get(args, "dropped"));
        data->unwritten = json_integer_value(json_object_get(args, "unwritten"));
        data->missed = json_integer_value(json_object_get(args, "missed"));
        data->collector_ns = json_integer_value(json_object_get(args, "collector_ns"));
        data->finished = 1;
    }
}

static int take_event(dogb_profile_data *data, event_list *list, const line_reader *reader,
                      const char *line, size_t length) {
    dogb_arena scratch = {0};
    json_t *event = NULL;
    if (length == 0 || (length == 2 && memcmp(line, "]}", 2) == 0)) {
        return DOGBREED_OK;
    }
    length -= line[length - 1] == ','; // of this event's line, in front of the next one
    int rc = parse(&event, &scratch, reader, line, length);
    if (rc == DOGBREED_OK) {
        const char *phase = json_string_value(json_object_get(event, "ph"));
        if (phase == NULL) {
            rc = bad_line(reader, "an event with ph");
        } else if (strcmp(phase, "X") == 0) {
            rc = take_span(data, list, reader, event);
        } else if (strcmp(phase, "i") == 0) {
            take_note(data, event);
        }
    }
    dogb_arena_free(&scratch);
    return rc;
}

// Ends become begins and ends in order of time. Of two that begin together the one that ends later
// stands later in the file and is outside: begins are made from the end of the file.
static int replay(dogb_profile_data *data, event_list *list) {
    size_t count = 2 * list->count;
    dogb_span_event *events = dogb_alloc_raw(&list->arena, count + 2, sizeof *events);
    dogb_span_event *scratch = dogb_alloc_raw(&list->arena, count + 2, sizeof *events);
    int has_run = 0;
    if (events == NULL || scratch == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < list->count; i++) {
        const dogb_span_event *end = &list->ends[list->count - 1 - i];
        events[i] = (dogb_span_event){.time = end->begin, .kind = end->kind, .thread = end->thread};
        events[list->count + i] = list->ends[i];
        has_run |= end->kind == DOGB_SPAN_RUN && end->thread == 0;
    }
    if (!has_run) { // it was cut off: the run lasts as long as anything in it
        dogb_span_event begin = {.time = BASE, .kind = DOGB_SPAN_RUN};
        dogb_account_event(&data->account, &begin, data->gpus);
    }
    dogb_account_sort(events, scratch, count);
    for (size_t i = 0; i < count; i++) {
        dogb_account_event(&data->account, &events[i], data->gpus);
    }
    dogb_account_advance(&data->account, list->last);
    return data->account.lost > 0 ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

static void take_facts(dogb_profile_data *data) {
    data->wall_zero = dogb_profile_fact(data, "machine", "wall_zero");
    data->cores = (int32_t)dogb_profile_fact(data, "machine", "cores");
    data->allowed = (int32_t)dogb_profile_fact(data, "machine", "allowed");
    data->gpus = (int32_t)dogb_profile_fact(data, "machine", "gpu_count");
}

int dogb_profile_read_trace(dogb_profile_data *data, const char *text, size_t size,
                            const char *what) {
    line_reader reader = {.text = text, .size = size, .what = what};
    event_list list = {.last = BASE};
    size_t length = 0;
    int rc = take_header(data, &reader);
    if (rc == DOGBREED_OK) {
        take_facts(data);
    }
    for (const char *line = NULL;
         rc == DOGBREED_OK && (line = next_line(&reader, &length)) != NULL;) {
        rc = take_event(data, &list, &reader, line, length);
    }
    rc = rc < 0 ? rc : replay(data, &list);
    dogb_arena_free(&list.arena);
    return rc;
}

// --- the samples

static int take_value(dogb_profile_data *data, const line_reader *reader, const json_t *value,
                      int64_t *row) {
    const char *type = json_string_value(json_object_get(value, "Type"));
    const char *name = json_string_value(json_object_get(value, "Name"));
    const char *dimension = json_string_value(json_object_get(value, "Dimension"));
    const json_t *number = json_object_get(value, "Value");
    double time = json_number_value(json_object_get(value, "Timestamp"));
    if (type == NULL || name == NULL || dimension == NULL || !json_is_number(number) ||
        !is_time(time)) {
        return bad_line(reader, "Type, Name, Dimension, Value and Timestamp");
    }
    int64_t microseconds = (int64_t)llround(time * 1e6) - (int64_t)llround(data->wall_zero * 1e6);
    if (microseconds < *row) {
        return bad_line(reader, "a Timestamp that is not before the last one");
    }
    if (microseconds > *row) {
        *row = microseconds;
        data->skipped = !dogb_series_row(&data->series, 1e-6 * (double)microseconds);
    }
    if (data->series.column_count >= COLUMNS_MAX &&
        dogb_series_find(&data->series, type, name, dimension) == NULL) {
        return bad_line(reader, "no more than 8192 kinds of values");
    }
    if (!data->skipped) {
        dogb_series_put(&data->series, type, name, dimension, json_number_value(number));
    }
    return DOGBREED_OK;
}

int dogb_profile_read_system(dogb_profile_data *data, const char *text, size_t size,
                             const char *what) {
    line_reader reader = {.text = text, .size = size, .what = what};
    int64_t row = INT64_MIN;
    size_t length = 0;
    int rc = DOGBREED_OK;
    for (const char *line = NULL;
         rc == DOGBREED_OK && (line = next_line(&reader, &length)) != NULL;) {
        dogb_arena scratch = {0};
        json_t *value = NULL;
        rc = parse(&value, &scratch, &reader, line, length);
        rc = rc < 0 ? rc : take_value(data, &reader, value, &row);
        dogb_arena_free(&scratch);
    }
    return rc < 0 ? rc : data->series.lost > 0 ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

int dogb_profile_read(dogb_profile_data *data, const char *directory) {
    dogb_arena scratch = {0};
    dogb_map map;
    int rc = DOGBREED_ERROR_NO_MEMORY;
    const char *path = dogb_path_join(&scratch, directory, "trace.json");
    if (path != NULL && !dogb_file_exists(path)) {
        rc = dogb_fail(DOGBREED_ERROR_NOT_FOUND,
                       "%s: not found; a training that is profiled leaves it", path);
        goto out;
    }
    if (path == NULL || (rc = dogb_map_open(&map, &scratch, path, FILE_MAX)) < 0 ||
        (rc = dogb_profile_read_trace(data, (const char *)map.data, map.size, path)) < 0) {
        goto out;
    }
    path = dogb_path_join(&scratch, directory, "system.jsonl");
    rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK && dogb_file_exists(path) &&
        (rc = dogb_map_open(&map, &scratch, path, FILE_MAX)) == DOGBREED_OK) {
        rc = dogb_profile_read_system(data, (const char *)map.data, map.size, path);
    }
out:
    dogb_arena_free(&scratch);
    return rc;
}
