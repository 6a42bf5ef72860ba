// The tables of docs/debug.md say what the table of rules says. A failure prints what has to stand
// there.
#include "rule_test.h"

#include "debug/rule_params.h"

static void add_parameter(FILE *out, const char *rule, const dogb_option *option) {
    char range[128] = "";
    if (option->type == DOGBREED_TYPE_INT64 || option->type == DOGBREED_TYPE_DOUBLE) {
        int bounded = option->minimum > -INFINITY || option->maximum < INFINITY;
        (void)snprintf(range, sizeof range, bounded ? "%.10g to %.10g" : "any", option->minimum,
                       option->maximum);
    } else if (option->type == DOGBREED_TYPE_CHOICE) {
        (void)snprintf(range, sizeof range, "%s", option->choices);
    } else if (option->type == DOGBREED_TYPE_SWITCH) {
        (void)snprintf(range, sizeof range, "on, off");
    }
    char value[128];
    size_t used = 0;
    for (const char *at = option->default_value; *at != '\0' && used + 2 < sizeof value; at++) {
        if (*at == '|') { // ends a cell
            value[used++] = '\\';
        }
        value[used++] = *at;
    }
    value[used] = '\0';
    (void)fprintf(out, "| %s | `%s` | %s%s%s | %s%s%s | %s |\n", rule, option->name,
                  *value == '\0' ? "" : "`", value, *value == '\0' ? "" : "`", range,
                  *range == '\0' || *option->unit == '\0' ? "" : " ", option->unit, option->help);
}

static char *tables(void) {
    char *text = NULL;
    size_t size = 0;
    const dogb_rule *rule;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    (void)fprintf(out, "\n| rule | a hit means | advice | on by default |\n|---|---|---|---|\n");
    for (int32_t i = 0; (rule = dogb_rule_row(i)) != NULL; i++) {
        const char *on = rule->required != NULL               ? "needs a parameter"
                         : (rule->flags & DOGB_RULE_OFF) != 0 ? "no"
                                                              : "yes";
        (void)fprintf(out, "| %s | %s | %s | %s |\n", rule->name, rule->summary, rule->advice, on);
    }
    (void)fprintf(out,
                  "\n| rule | parameter | default | values | meaning |\n|---|---|---|---|---|\n");
    for (int32_t i = 0; (rule = dogb_rule_row(i)) != NULL; i++) {
        for (uint32_t k = 0; k < rule->params->count; k++) {
            const dogb_option *option = &rule->params->options[k];
            int common = option->offset < sizeof(dogb_rule_common); // stands once
            if (!common || i == 0) {
                add_parameter(out, common ? "every rule" : rule->name, option);
            }
        }
    }
    (void)fprintf(out, "\n");
    assert_int_equal(fclose(out), 0);
    return text;
}

static void the_page_has_the_tables(void **state) {
    (void)state;
    static const char begin[] = "<!-- rules -->\n";
    char page[65536];
    FILE *file = fopen(test_file("../docs/debug.md"), "r");
    assert_non_null(file);
    size_t length = fread(page, 1, sizeof page - 1, file);
    page[length] = '\0';
    assert_int_equal(fclose(file), 0);
    char *expected = tables();
    char *from = strstr(page, begin);
    char *to = strstr(page, "<!-- end of rules -->");
    if (from == NULL || to == NULL ||
        (size_t)(to - from) - (sizeof begin - 1) != strlen(expected) ||
        memcmp(from + sizeof begin - 1, expected, strlen(expected)) != 0) {
        print_error("docs/debug.md, between the lines <!-- rules --> and <!-- end of rules -->:\n");
        (void)fputs(expected, stderr); // cmocka cuts long lines
        free(expected);
        fail();
    }
    free(expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_has_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
