// service.h - temporary keys from the service of a container or of a machine in the cloud.
#ifndef DOGB_STORE_SERVICE_H
#define DOGB_STORE_SERVICE_H

#include "store/credentials.h"

// Both leave *out alone and return 0 when there is no such service here (the environment says so).
// FORMAT: an answer that has no keys; INVALID_ARGUMENT: an address that keys must not come from;
// what conf->fetch returns.
int dogb_service_container(dogb_credentials *out, dogb_arena *arena,
                           const dogb_credentials_conf *conf);
int dogb_service_machine(dogb_credentials *out, dogb_arena *arena,
                         const dogb_credentials_conf *conf); // IMDSv2

#endif
