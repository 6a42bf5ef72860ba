#!/bin/sh
# Every public header alone, as C99 and as C++11, without padding in any struct and without a warning.
set -eu
include=$1
bad=0
for header in "$include"/dogbreed/*.h; do
    name=dogbreed/$(basename "$header")
    for compiler in "${CC:-cc} -x c -std=c99" "${CXX:-c++} -x c++ -std=c++11"; do
        if ! echo "#include <$name>" | $compiler -Wall -Wextra -Wpedantic -Wpadded -Werror -I"$include" -fsyntax-only -
        then
            echo "$name: $compiler"
            bad=1
        fi
    done
done
exit $bad
