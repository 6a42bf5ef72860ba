#!/bin/sh
# Makes ROOT/opt/ml as a training container finds it, with a folder of pictures as channel training.
# Usage: tree.sh ROOT PICTURES [NAME=VALUE...]
set -eu
[ $# -ge 2 ] || { echo "usage: $0 ROOT PICTURES [NAME=VALUE...]" >&2; exit 2; }
root=$1/opt/ml
pictures=$(cd "$2" && pwd)
shift 2
mkdir -p "$root/input/config" "$root/input/data" "$root/model" "$root/output"
ln -sfn "$pictures" "$root/input/data/training"
params=
for word in "$@"; do
    params="$params${params:+, }\"${word%%=*}\": \"${word#*=}\""
done
echo "{$params}" > "$root/input/config/hyperparameters.json"
echo '{"training": {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}}' \
    > "$root/input/config/inputdataconfig.json"
echo '{"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0"}' \
    > "$root/input/config/resourceconfig.json"
echo "$root"
