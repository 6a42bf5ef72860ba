// doctor.h - a report of doctor while it is written.
#ifndef DOGB_OPTIONS_DOCTOR_H
#define DOGB_OPTIONS_DOCTOR_H

#include "core/arena.h"
#include "core/json.h"

enum { DOGB_DOCTOR_OK = 0, DOGB_DOCTOR_WARNING = 1, DOGB_DOCTOR_ERROR = 2 };

typedef struct dogb_doctor {
    dogb_arena arena;
    json_t *findings;
    int worst; // DOGB_DOCTOR_
} dogb_doctor;

// value and advice NULL: out of memory while they were made.
int dogb_doctor_add(dogb_doctor *doctor, const char *group, const char *name, int status,
                    const char *value, const char *advice);

// doctor_speed.c: which engines "auto" takes (quick), and how fast this machine is (a second).
int dogb_doctor_engines(dogb_doctor *doctor);
int dogb_doctor_speed(dogb_doctor *doctor);

#endif
