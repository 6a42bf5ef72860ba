// list.c - the table of rules as JSON, for help texts and documentation.
#include "core/error.h"
#include "debug/debug_internal.h"

static const char *type_name(int32_t type) {
    return type == DOGBREED_TYPE_SWITCH   ? "switch"
           : type == DOGBREED_TYPE_STRING ? "text"
           : type == DOGBREED_TYPE_CHOICE ? "choice"
                                          : "number";
}

static int add_param(json_t *list, const dogb_option *row) {
    json_t *object = json_object();
    int rc = dogb_json_set_text(object, "name", row->name);
    rc = rc < 0 ? rc : dogb_json_set_text(object, "type", type_name(row->type));
    rc = rc < 0 ? rc : dogb_json_set_text(object, "default", row->default_value);
    rc = rc < 0 ? rc : dogb_json_set_text(object, "unit", row->unit);
    rc = rc < 0 ? rc : dogb_json_set_text(object, "help", row->help);
    if (rc < 0) {
        json_decref(object);
        return rc;
    }
    return dogb_json_add(list, object);
}

static int describe(json_t *object, const dogb_rule *rule) {
    int off = (rule->flags & DOGB_RULE_OFF) != 0 || rule->required != NULL;
    json_t *list = json_array();
    int rc = dogb_json_set(object, "parameters", list);
    rc = rc < 0 ? rc : dogb_json_set_text(object, "name", rule->name);
    rc = rc < 0 ? rc : dogb_json_set_text(object, "summary", rule->summary);
    rc = rc < 0 ? rc : dogb_json_set_text(object, "advice", rule->advice);
    rc = rc < 0 ? rc : dogb_json_set_bool(object, "default", !off);
    for (uint32_t i = 0; rc == DOGBREED_OK && i < rule->params->count; i++) {
        rc = add_param(list, &rule->params->options[i]);
    }
    return rc;
}

int dogbreed_debug_rule_info(char **json, int32_t index) {
    dogb_arena scratch = {0};
    DOGB_CHECK(json != NULL, "json: is NULL");
    *json = NULL;
    const dogb_rule *rule = index < 0 ? NULL : dogb_rule_row(index);
    if (rule == NULL) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "index: there is no rule %d", (int)index);
    }
    json_t *object = dogb_json_object(&scratch);
    int rc = object == NULL ? DOGBREED_ERROR_NO_MEMORY : describe(object, rule);
    rc = rc < 0 ? rc : dogb_json_text_out(json, object, 0);
    dogb_arena_free(&scratch);
    return rc;
}
