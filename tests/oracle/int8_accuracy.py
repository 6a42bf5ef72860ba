"""What int8 costs on photos of 120 breeds: a head is trained on a few pictures of each, the model quantised on the
validation split, and both models measured there and on the test split. Usage: int8_accuracy.py DOGBREED"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

TOOL = sys.argv[1]
DATA = os.environ.get("DOGBREED_TEST_DATA", "")
PHOTOS = os.path.join(DATA, "dogs120")
WEIGHTS = os.path.join(DATA, "weights/mobilenet_v2-imagenet.safetensors")
EACH = 12  # pictures of a breed to train on
LIMIT = {"valid": 0.005, "test": 0.01}  # of top-1 that may be lost; nothing was chosen on the test split


def run(*arguments):
    done = subprocess.run([TOOL, *arguments, "--json", "--quiet"], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"dogbreed {arguments[0]} returned {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1]) if arguments[0] == "train" else json.loads(done.stdout)


def copy_photos(folder):
    for breed in sorted(os.listdir(os.path.join(PHOTOS, "train"))):
        os.makedirs(os.path.join(folder, "train", breed))
        for name in sorted(os.listdir(os.path.join(PHOTOS, "train", breed)))[:EACH]:
            shutil.copy(os.path.join(PHOTOS, "train", breed, name), os.path.join(folder, "train", breed))
    for split in ("valid", "test"):
        shutil.copytree(os.path.join(PHOTOS, split), os.path.join(folder, split))


def accuracy(model, folder, split, dtype):
    found = run("evaluate", model, "--data", folder, "--split", split, "--dtype", dtype, "--feature-cache", "off")
    return found["top1"]


def main():
    for path in (PHOTOS, WEIGHTS):
        if not os.path.exists(path):
            print(f"skipped: {path} is not here")
            sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        photos, plain, small = (os.path.join(folder, name) for name in ("photos", "run", "small.safetensors"))
        copy_photos(photos)
        run("train", photos, "--arch", "mobilenet_v2", "--weights", WEIGHTS, "--epochs", "6", "--engine", "native",
            "--cache-dir", os.path.join(folder, "cache"), "--out", plain)
        report = run("model", "quantize", plain, "--out", small)
        top1 = {"valid": (report["before"]["top1"], report["after"]["top1"]),
                "test": tuple(accuracy(model, photos, "test", dtype)
                              for model, dtype in ((plain, "f32"), (small, "int8")))}
    failed = False
    for split, (before, after) in top1.items():
        lost = before - after
        print(f"{split}: {100 * before:.2f} % -> {100 * after:.2f} %, at most {100 * LIMIT[split]:.1f} points may be lost")
        failed |= lost > LIMIT[split] or before < 0.5  # a head that learned nothing has nothing to lose
    sys.exit(1 if failed else 0)


main()
