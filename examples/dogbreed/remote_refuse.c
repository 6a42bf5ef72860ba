// remote_refuse.c - an s3:// path where none is understood would be taken for a local one: a folder
// called "s3:".
#include "remote.h"

int remote_refuse(const tool *t) {
    const command *c = t->command;
    for (int i = 0; i < t->word_count; i++) {
        if (is_remote(t->words[i]) && c->remote_words >= 0 && i >= c->remote_words &&
            i + 1 != c->remote_word) {
            return usage_error(t, "%s: expected a local path here; dogbreed s3 copies",
                               t->words[i]);
        }
    }
    const char *out = value_of(t, "out");
    return is_remote(out) && (c->remote_out == 0 || c->remote_flag != NULL)
               ? usage_error(t, "--out %s: expected a local path; dogbreed s3 copies", out)
               : TOOL_OK;
}

int remote_refuse_options(tool *t) {
    const command *c = t->command;
    for (size_t k = 0; c->kinds[k] != 0; k++) {
        dogbreed_option_info info = {.struct_size = sizeof info};
        const void *options = settings_of(&t->settings, c->kinds[k]);
        for (uint32_t i = 0; dogbreed_options_describe(&info, c->kinds[k], i) == DOGBREED_OK; i++) {
            char *text = NULL;
            char name[96] = "";
            if (info.type != DOGBREED_TYPE_STRING ||
                dogbreed_options_get(&text, options, info.name) < 0) {
                continue;
            }
            int exit_code = TOOL_OK;
            if (is_remote(text)) {
                for (size_t n = 0; info.name[n] != '\0' && n + 1 < sizeof name; n++) {
                    name[n] = info.name[n] == '_' ? '-' : info.name[n];
                }
                exit_code = usage_error(t, "--%s %s: expected a local path; dogbreed s3 copies",
                                        name, text);
            }
            dogbreed_free(text);
            if (exit_code != TOOL_OK) {
                return exit_code;
            }
        }
    }
    return TOOL_OK;
}
