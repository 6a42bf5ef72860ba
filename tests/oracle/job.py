"""Hyperparameters decoded by the sagemaker-training toolkit and by the library: drawn files and the original project's.
Usage: job.py JOB_TOOL. The Python is one with sagemaker-training."""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

FIXED = [
    {"lr": '"0.001"', "batch-size": '"32"', "epochs": "5", "_tuning_objective_metric": '"val_accuracy"'},
    {"a": "0.1", "b": "1e-05", "c": "true", "d": "null", "e": '"x y"', "f": "plain text", "g": "", "h": '""', "i": "-3",
     "j": ' 7 ', "k": '"\\"32\\""', "l": "[1", "m": "0x10", "n": "01", "o": "+1", "p": ".5", "q": '"\\u00e9"', "r": "é"},
]


def draw(random):
    letters = 'ab1.-e"\\ {}[],:tnulé'
    found = {}
    for index in range(20):
        kind = random.randrange(5)
        value = (random.uniform(-1, 1), random.randrange(-10**12, 10**12), random.choice([True, False, None]),
                 "".join(random.choices(letters, k=random.randrange(8))), random.choice(["tiny", "resnet18", "0.5"]))[kind]
        text = json.dumps(value) if random.random() < 0.7 else str(value)
        found[f"p{index}"] = text
    return found


def expected(environment, mapping, name, value):
    """What the toolkit's script arguments would be, in the words of options."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (dict, list)):
        return ...
    text = mapping.to_cmd_args({"xx": value})[1]
    return {"True": "on", "False": "off"}.get(text, text)


def main():
    with tempfile.TemporaryDirectory() as folder:
        base = pathlib.Path(folder, "opt", "ml")
        config = base / "input" / "config"
        config.mkdir(parents=True)
        os.environ["SAGEMAKER_BASE_DIR"] = str(base)
        from sagemaker_training import environment, mapping
        generator = random.Random(1)
        cases = FIXED + [draw(generator) for _ in range(200)]
        count = 0
        for case in cases:
            (config / "hyperparameters.json").write_text(json.dumps(case), encoding="utf-8")
            theirs = environment.read_hyperparameters()
            done = subprocess.run([sys.argv[1], folder], capture_output=True, check=True)
            ours = json.loads(done.stdout)
            assert sorted(ours) == sorted(theirs), case
            for name, value in theirs.items():
                wanted = expected(environment, mapping, name, value)
                found = ours[name]
                if wanted is ...:
                    continue
                same = found == wanted
                if not same and isinstance(value, (int, float)) and found is not None:
                    same = float(found) == float(value)  # a number stays as it was written
                assert same, (name, case[name], value, found)
                count += 1
        print(f"{count} hyperparameters as the toolkit has them")


main()
