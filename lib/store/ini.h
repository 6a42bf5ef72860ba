// ini.h - the files ~/.aws/credentials and ~/.aws/config: sections, keys, values.
#ifndef DOGB_STORE_INI_H
#define DOGB_STORE_INI_H

#include <stddef.h>

// Calls entry(section, NULL, NULL) for each "[section]" and entry(section, key, value) for each
// value behind it: keys in lower case, lines that are further indented than their key as part of
// its value, behind a '\n'. The rules are those of Python's configparser, which the AWS tools use.
// text[size] must be writable: the text is changed, and what entry gets lies in it. Whatever but 0
// entry returns ends the reading and is returned. FORMAT: `name` and the line.
int dogb_ini_read(const char *name, char *text, size_t size,
                  int (*entry)(const char *section, const char *key, const char *value,
                               void *userdata),
                  void *userdata);

#endif
