// data.c - see data.h.
#include "profile/data.h"

#include "core/error.h"

#include <string.h>

int64_t dogb_profile_label_add(dogb_profile_data *data, const char *name, const char *op) {
    for (size_t i = 0; i < data->label_count; i++) {
        if (strcmp(data->labels[i].name, name) == 0 && strcmp(data->labels[i].op, op) == 0) {
            return (int64_t)i;
        }
    }
    dogb_profile_label label = {dogb_strdup(&data->arena, name), dogb_strdup(&data->arena, op)};
    if (label.name == NULL || label.op == NULL ||
        dogb_grow(&data->arena, &data->labels, &data->label_capacity, data->label_count,
                  sizeof *data->labels) < 0) {
        return -1;
    }
    data->labels[data->label_count] = label;
    return (int64_t)data->label_count++;
}

double dogb_profile_seconds(const dogb_profile_data *data) {
    return 1e-9 * (double)dogb_account_total(&data->account);
}

static const json_t *fact(const dogb_profile_data *data, const char *group, const char *name) {
    return json_object_get(json_object_get(data->facts, group), name);
}

double dogb_profile_fact(const dogb_profile_data *data, const char *group, const char *name) {
    const json_t *value = fact(data, group, name);
    return json_is_boolean(value) ? (double)json_is_true(value) : json_number_value(value);
}

const char *dogb_profile_fact_text(const dogb_profile_data *data, const char *group,
                                   const char *name) {
    const char *text = json_string_value(fact(data, group, name));
    return text == NULL ? "" : text;
}

void dogb_profile_data_free(dogb_profile_data *data) {
    dogb_account_free(&data->account);
    dogb_series_free(&data->series);
    dogb_arena_free(&data->arena);
    memset(data, 0, sizeof *data);
}
