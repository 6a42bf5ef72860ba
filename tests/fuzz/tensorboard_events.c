// tensorboard_events.c - fuzz target: an event file, and, as checksums keep a fuzzer out, the same
// bytes as one event. Everything that is found lies in the bytes, and cutting the file loses
// nothing before the cut.
#include "fuzz.h"

#include "tensorboard/reader.h"

#include <stdlib.h>
#include <string.h>

static uint64_t sum; // of all bytes that were handed out: sanitizers look at each

static void touch(dogb_span span) {
    for (size_t i = 0; i < span.size; i++) {
        sum += span.data[i];
    }
}

static void use_tensor(dogb_event_tensor *tensor) {
    dogb_span text;
    int64_t texts = 0;
    touch(tensor->content);
    touch(tensor->floats);
    touch(tensor->doubles);
    while (dogb_event_text_next(&text, tensor) == 1) {
        touch(text);
        texts++;
    }
    if (tensor->rank < 0 || tensor->rank > DOGB_EVENT_RANK_MAX + 1 || texts != tensor->text_count) {
        abort();
    }
}

static void use_event(dogb_event *event) {
    dogb_event_value value;
    touch(event->bytes);
    while (dogb_event_value_next(&value, event) == 1) {
        touch(value.tag);
        touch(value.plugin);
        touch(value.content);
        touch(value.bytes);
        use_tensor(&value.tensor);
    }
}

static int64_t count(const uint8_t *data, size_t size) {
    dogb_event_file file = {.map = {data, size}, .path = "fuzz"};
    dogb_event event;
    int64_t events = 0;
    while (dogb_event_file_next(&event, &file) == 1) {
        use_event(&event);
        events++;
    }
    if (file.at > size) {
        abort();
    }
    return events;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dogb_event event;
    int64_t whole = count(data, size);
    if (count(data, size / 2) > whole || (size > 0 && count(data, size - 1) > whole)) {
        abort();
    }
    if (dogb_event_parse(&event, (dogb_span){data, size})) {
        use_event(&event);
    }
    return 0;
}
