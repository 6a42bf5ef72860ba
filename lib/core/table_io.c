// table_io.c - options structs as a whole: defaults, import across versions, JSON.
#include "core/table.h"
#include "core/error.h"
#include "core/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

uint32_t dogb_option_size(const dogb_option *option) {
    switch (option->type) {
    case DOGBREED_TYPE_INT64:
    case DOGBREED_TYPE_UINT64:
    case DOGBREED_TYPE_DOUBLE:
        return 8;
    case DOGBREED_TYPE_STRING:
        return sizeof(const char *);
    default:
        return 4;
    }
}

int dogb_table_init(const dogb_table *table, void *options, size_t struct_size) {
    // A full struct of this library, cut to what the caller has.
    union {
        uint32_t words[2];
        max_align_t align;
        char bytes[1024];
    } full;
    DOGB_CHECK(options != NULL, "%s options: the struct is NULL", table->name);
    DOGB_CHECK(struct_size >= 8 && struct_size <= (1u << 20),
               "%s options: struct_size %zu is impossible", table->name, struct_size);
    if (table->size > sizeof full.bytes) {
        return dogb_fail(DOGBREED_ERROR_INTERNAL, "%s options: table too large", table->name);
    }
    memset(&full, 0, sizeof full);
    for (uint32_t i = 0; i < table->count; i++) {
        const dogb_option *option = &table->options[i];
        if (option->type == DOGBREED_TYPE_STRING) {
            memcpy(full.bytes + option->offset, &option->default_value,
                   sizeof option->default_value); // static text
        } else {
            int rc = dogb_table_set(table, full.bytes, option->name, option->default_value, NULL);
            if (rc < 0) {
                return rc;
            }
        }
    }
    full.words[0] = (uint32_t)struct_size;
    full.words[1] = table->kind;
    memset(options, 0, struct_size);
    memcpy(options, full.bytes, struct_size < table->size ? struct_size : table->size);
    return DOGBREED_OK;
}

static int check_header(const dogb_table *table, const void *options, uint32_t *size) {
    uint32_t words[2];
    memcpy(words, options, sizeof words);
    DOGB_CHECK(words[0] >= 8 && words[0] <= (1u << 20) && words[1] == table->kind,
               "%s options: not initialised with dogbreed_%s_options_init", table->name,
               table->name);
    for (uint32_t i = table->size; i < words[0]; i++) {
        if (((const char *)options)[i] != 0) {
            return dogb_fail(
                DOGBREED_ERROR_UNSUPPORTED,
                "%s options: byte %u is set, but this library (%s) knows only %u bytes",
                table->name, i, dogbreed_version(), table->size);
        }
    }
    *size = words[0] < table->size ? words[0] : table->size;
    return DOGBREED_OK;
}

// Validates a field that came as a number by way of its text form, so that there is one set of
// rules.
static int check_field(const dogb_table *table, void *options, const dogb_option *option,
                       dogb_arena *arena) {
    char *text = NULL;
    int rc = dogb_table_get(&text, table, options, option->name);
    if (rc == DOGBREED_OK) {
        if (option->type == DOGBREED_TYPE_SWITCH) {
            int32_t value = 0;
            memcpy(&value, (char *)options + option->offset, sizeof value);
            if (value != 0 && value != 1) {
                rc = dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "%s: %d is neither 0 nor 1",
                               option->name, (int)value);
            }
        }
        if (rc == DOGBREED_OK) {
            rc = dogb_table_set(table, options, option->name, text, arena);
        }
    }
    dogb_free(text);
    return rc;
}

int dogb_table_import(void *out, const dogb_table *table, const void *options, dogb_arena *arena) {
    uint32_t size = 0;
    int rc = dogb_table_init(table, out, table->size);
    if (rc < 0) {
        return rc;
    }
    if (options != NULL) {
        if ((rc = check_header(table, options, &size)) < 0) {
            return rc;
        }
        for (uint32_t i = 0; i < table->count; i++) {
            const dogb_option *option = &table->options[i];
            if (option->offset + dogb_option_size(option) <= size) {
                memcpy((char *)out + option->offset, (const char *)options + option->offset,
                       dogb_option_size(option));
            }
        }
    }
    for (uint32_t i = 0; i < table->count; i++) {
        if ((rc = check_field(table, out, &table->options[i], arena)) < 0) {
            return rc;
        }
    }
    return DOGBREED_OK;
}

int dogb_table_to_json(json_t *object, const dogb_table *table, const void *options) {
    for (uint32_t i = 0; i < table->count; i++) {
        const dogb_option *option = &table->options[i];
        const char *field = (const char *)options + option->offset;
        char *text = NULL;
        int32_t small = 0;
        int64_t big = 0;
        double real = 0.0;
        int rc = dogb_table_get(&text, table, options, option->name);
        if (rc < 0) {
            return rc;
        }
        switch (option->type) {
        case DOGBREED_TYPE_INT32:
            memcpy(&small, field, sizeof small);
            rc = dogb_json_set_int(object, option->name, small);
            break;
        case DOGBREED_TYPE_INT64:
        case DOGBREED_TYPE_UINT64:
            memcpy(&big, field, sizeof big);
            // JSON integers of jansson are signed: a larger seed is kept as text.
            rc = option->type == DOGBREED_TYPE_UINT64 && big < 0
                     ? dogb_json_set_text(object, option->name, text)
                     : dogb_json_set_int(object, option->name, big);
            break;
        case DOGBREED_TYPE_DOUBLE:
            memcpy(&real, field, sizeof real);
            rc = dogb_json_set_real(object, option->name, real);
            break;
        case DOGBREED_TYPE_SWITCH:
            memcpy(&small, field, sizeof small);
            rc = dogb_json_set_bool(object, option->name, small);
            break;
        default:
            rc = dogb_json_set_text(object, option->name, text);
            break;
        }
        dogb_free(text);
        if (rc < 0) {
            return rc;
        }
    }
    return DOGBREED_OK;
}

int dogb_table_from_json(const dogb_table *table, void *options, const json_t *object,
                         dogb_arena *arena) {
    for (uint32_t i = 0; i < table->count; i++) {
        const dogb_option *option = &table->options[i];
        const json_t *member = json_object_get(object, option->name);
        char number[64];
        const char *text = number;
        if (member == NULL) {
            continue;
        }
        if (json_is_string(member)) {
            text = json_string_value(member);
        } else if (json_is_boolean(member)) {
            text = json_is_true(member) ? "on" : "off";
        } else if (json_is_integer(member)) {
            (void)snprintf(number, sizeof number, "%lld", (long long)json_integer_value(member));
        } else if (json_is_real(member)) {
            dogb_number_text(number, json_real_value(member));
        } else {
            return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                             "%s: expected a number, a string or true/false", option->name);
        }
        int rc = dogb_table_set(table, options, option->name, text, arena);
        if (rc < 0) {
            return rc;
        }
    }
    return DOGBREED_OK;
}
