// store_xml.c - fuzz target: the XML of stores. Paths are those of elements that are open, texts
// are UTF-8, and the same document gives the same elements again.
#include "fuzz.h"

#include "core/json.h"
#include "store/xml.h"

#include <stdlib.h>
#include <string.h>

typedef struct seen {
    size_t count;
    size_t bytes;
    int root; // has ended
} seen;

static int on_element(const char *path, const char *text, void *userdata) {
    seen *s = userdata;
    size_t depth = 1;
    for (const char *at = path; (at = strchr(at, '/')) != NULL; at++) {
        depth++;
    }
    if (s->root || depth > DOGB_XML_DEPTH_MAX || strlen(path) > DOGB_XML_PATH_MAX ||
        !dogb_text_valid(text, strlen(text))) {
        abort();
    }
    s->root = depth == 1;
    s->count++;
    s->bytes += strlen(text);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    seen first = {0}, second = {0};
    int rc = dogb_xml_read((const char *)data, size, on_element, &first);
    int again = dogb_xml_read((const char *)data, size, on_element, &second);
    if (rc != again || first.count != second.count || first.bytes > size) {
        abort();
    }
    if (rc == 0 && !first.root) {
        abort();
    }
    return 0;
}
