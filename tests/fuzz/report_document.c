// report_document.c - fuzz target: a document of a run directory, any of them (the first byte says
// which), makes a page. Names from it stay text: the page has one script, its own.
#include "fuzz.h"

#include "core/error.h"
#include "report/section.h"

#include <stdlib.h>
#include <string.h>

static void make(dogb_arena *arena, dogb_source *source) {
    dogbreed_report_options options;
    dogb_page page = {.arena = arena, .title = "", .subtitle = "", .date = "", .no_pictures = 1};
    dogb_buffer events = {.arena = arena};
    dogb_buffer html = {.arena = arena};
    json_t *json = dogb_json_document(arena, "report", 1);
    if (json == NULL || dogbreed_report_options_init(&options, sizeof options) < 0) {
        abort();
    }
    options.gallery = 0;
    dogb_report r = {
        .arena = arena, .options = &options, .source = source, .page = &page, .json = json};
    if (dogb_report_fill(&r) < 0 || dogb_page_html(&html, &page) < 0 ||
        dogb_report_board(&events, &r) < 0) {
        abort();
    }
    const char *script = strstr(html.data, "<script");
    if (script == NULL || strstr(script + 1, "<script") != NULL) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dogb_arena arena = {0};
    dogb_source source = {.run = "/nowhere"};
    json_t *json = NULL;
    if (size > 1 && dogb_json_parse(&json, &arena, (const char *)data + 1, size - 1, "x") == 0) {
        source.documents[data[0] % DOGB_FILE_COUNT] = json;
        make(&arena, &source);
    }
    dogb_arena_free(&arena);
    return 0;
}
