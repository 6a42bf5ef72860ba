// page.h - files that the server gives out as they are, strings of the library
// (core/scripts/embed.py).
#ifndef DOGB_SERVE_PAGE_H
#define DOGB_SERVE_PAGE_H

extern const char dogb_serve_page[];    // page.html with its style and script: needs nothing else
extern const char dogb_serve_openapi[]; // openapi.json

#endif
