#!/bin/bash
# The main job from nothing: sets everything up, tunes, trains the winner, tests it, predicts,
# reports.
#
#   scripts/demo.sh                              on a small set of shapes that the tool draws itself
#   scripts/demo.sh IMAGES [--weights FILE] ...  on a folder of images; further words are options of
#                                                `dogbreed run` (see build/dogbreed help run)
#
# No libtorch is fetched or needed: with --weights the backbone stays frozen and its head trains on
# engine native, 160 trials unless --trials says otherwise. Whole networks (--freeze none, or no weights) train on engine torch when
# `scripts/setup.sh --torch` has built it, else on ref, which is slow beyond small ones.
#
# IMAGES holds {train,valid,test}/CLASS/*.jpg, or CLASS/*.jpg (then it is split).
set -euo pipefail
start=$PWD
root=$(cd "$(dirname "$0")/.." && pwd)

absolute() { # a path as it was given, from wherever the script goes
    case $1 in
    /* | *://*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$start/$1" ;;
    esac
}

images=
options=()
weights=no
network=no
while [ $# -gt 0 ]; do
    case $1 in
    --weights)
        [ $# -ge 2 ] || {
            echo "demo.sh: --weights: a file is missing" >&2
            exit 2
        }
        options+=(--weights "$(absolute "$2")")
        weights=yes
        shift
        ;;
    --weights=*)
        options+=(--weights "$(absolute "${1#*=}")")
        weights=yes
        ;;
    --arch | --arch=* | --architecture | --architecture=* | --freeze | --freeze=*)
        network=yes
        options+=("$1")
        ;;
    -*) options+=("$1") ;;
    *)
        if [ -z "$images" ] && [ ${#options[@]} -eq 0 ]; then
            images=$(absolute "$1")
        else
            options+=("$1")
        fi
        ;;
    esac
    shift
done

cd "$root"
scripts/setup.sh
tool=build/dogbreed

number=1
while [ -e "runs/demo-$number" ]; do
    number=$((number + 1))
done
run=runs/demo-$number

# Whole networks take a training for each trial; heads on stored features train side by side.
few=(--trials 2 --search "learning_rate=0.005,0.01")
# What engine ref learns in a minute; the same numbers whatever engines there are.
shapes=(--engine ref --arch tiny --freeze none --epochs 40 --batch-size 16 --seed 1 "${few[@]}")
if [ -z "$images" ]; then
    images=$root/build/demo-shapes
    [ -d "$images/train" ] || "$tool" synth "$images" --classes 8 --per-class 60 --seed 1
    [ "$network" = yes ] || [ "$weights" = yes ] || options=("${shapes[@]}" "${options[@]}")
elif [ "$weights" = no ] && [ "$network" = no ]; then
    # Without pretrained weights the whole network has to learn.
    options=(--arch tiny --freeze none --epochs 30 --batch-size 16 "${few[@]}" "${options[@]}")
elif [ "$network" = no ]; then
    options=(--trials 160 "${options[@]}")
fi

echo
echo "== tune, train, test"
"$tool" run "$images" "${options[@]}" --debug --profile --out "$run"

# A few pictures of the test split, of different classes.
folder=$images
for name in test valid train; do
    if [ -d "$images/$name" ]; then
        folder=$images/$name
        break
    fi
done
mapfile -t photos < <(find "$folder" -mindepth 2 -maxdepth 2 -type f \( -iname '*.jpg' -o -iname '*.jpeg' -o -iname '*.png' \) |
    LC_ALL=C sort | awk -F/ '!seen[$(NF-1)]++' | head -n 3)
echo
echo "== predict"
"$tool" predict "$run" "${photos[@]}" --top-k 3
echo
echo "== report"
"$tool" report "$run" --pdf
printf '%-15s %s\n' "run directory" "$run"
printf '%-15s %s\n' "predict" "$tool predict $run '${photos[0]}' --top-k 5"
