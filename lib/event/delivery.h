// delivery.h - what event->context points to while an event is being delivered; shared by bus.c and
// event.c only.
#ifndef DOGB_EVENT_DELIVERY_H
#define DOGB_EVENT_DELIVERY_H

#include "event/bus.h"

typedef struct dogb_delivery {
    const dogb_bus *bus;
    const dogb_bus_source *source; // NULL: the event offers no tensors
    int32_t tensor_count;          // of the net, then the arrays
    int32_t net_count;
} dogb_delivery;

const char *dogb_event_name(int32_t kind); // "EPOCH_END"; "UNKNOWN"

#endif
