// libpq.h - the functions of PostgreSQL's client library that are used here, as a table that is
// filled by dlopen: a program without PostgreSQL needs no libpq. Its interface (libpq.so.5) has not
// changed since 2006; a test compares these types with libpq-fe.h.
#ifndef DOGB_STUDY_LIBPQ_H
#define DOGB_STUDY_LIBPQ_H

typedef struct pg_conn PGconn;
typedef struct pg_result PGresult;
typedef void (*PQnoticeProcessor)(void *, const char *);

enum { DOGB_PQ_CONNECTION_OK = 0, DOGB_PQ_COMMAND_OK = 1, DOGB_PQ_TUPLES_OK = 2 };
enum { DOGB_PQ_DIAG_SQLSTATE = 'C', DOGB_PQ_DIAG_MESSAGE = 'M' };

// FUNCTION(result, name, arguments). Enumerations come as the unsigned numbers they are.
#define DOGB_LIBPQ(FUNCTION)                                                                       \
    FUNCTION(PGconn *, PQconnectdbParams, (const char *const *, const char *const *, int))         \
    FUNCTION(void, PQfinish, (PGconn *))                                                           \
    FUNCTION(void, PQreset, (PGconn *))                                                            \
    FUNCTION(unsigned, PQstatus, (const PGconn *))                                                 \
    FUNCTION(char *, PQerrorMessage, (const PGconn *))                                             \
    FUNCTION(char *, PQdb, (const PGconn *))                                                       \
    FUNCTION(char *, PQhost, (const PGconn *))                                                     \
    FUNCTION(PQnoticeProcessor, PQsetNoticeProcessor, (PGconn *, PQnoticeProcessor, void *))       \
    FUNCTION(PGresult *, PQexec, (PGconn *, const char *))                                         \
    FUNCTION(PGresult *, PQprepare, (PGconn *, const char *, const char *, int, const unsigned *)) \
    FUNCTION(PGresult *, PQexecPrepared,                                                           \
             (PGconn *, const char *, int, const char *const *, const int *, const int *, int))    \
    FUNCTION(unsigned, PQresultStatus, (const PGresult *))                                         \
    FUNCTION(char *, PQresultErrorField, (const PGresult *, int))                                  \
    FUNCTION(int, PQntuples, (const PGresult *))                                                   \
    FUNCTION(int, PQgetisnull, (const PGresult *, int, int))                                       \
    FUNCTION(char *, PQgetvalue, (const PGresult *, int, int))                                     \
    FUNCTION(void, PQclear, (PGresult *))

#define DOGB_LIBPQ_MEMBER(RESULT, NAME, ARGUMENTS) RESULT(*NAME) ARGUMENTS;
typedef struct dogb_libpq {
    DOGB_LIBPQ(DOGB_LIBPQ_MEMBER)
} dogb_libpq;

// Loaded once per process. UNSUPPORTED: it is not installed.
int dogb_libpq_load(const dogb_libpq **out);

#endif
