#!/usr/bin/env python3
"""Tensor stores of libdogbreed and of smdebug, each read by the other. Usage: record.py RECORD_TOOL read|write|golden|strict

read    smdebug reads what the library writes with record_crc=smdebug
write   the library reads what smdebug writes
golden  smdebug writes the committed store again: the same bytes
strict  TensorBoard reads every event of a store with record_crc=payload, and refuses the other one
"""
import contextlib
import filecmp
import io
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

TOOL, PART = os.path.abspath(sys.argv[1]), sys.argv[2]
GOLDEN = pathlib.Path(os.environ["DOGBREED_TEST_SOURCE"], "record", "golden", "smdebug")
# types that smdebug's own reader has a name for; int8 it takes for uint8
READS = {"bool", "float16", "float32", "float64", "int32", "int64", "uint8", "complex128"}
WRITES = sorted(READS | {"int8", "int16", "uint16", "complex64"})


def write_ours(folder, crc):
    subprocess.run([TOOL, "write", folder, crc], check=True)


def arrays(step):
    """What smdebug is to write at a step: name to array."""
    import numpy
    random = numpy.random.RandomState(step)  # a stream that never changes
    found = {"CrossEntropyLoss_output_0": numpy.array(1 / (step + 1), dtype="float32"),
             "Net_fc.weight": random.standard_normal((3, 4)).astype("float32"),
             "gradient/Net_fc.weight": random.standard_normal((3, 4)).astype("float32")}
    if step == 0:
        for kind in WRITES:
            found[f"types/{kind}"] = (random.standard_normal((2, 3)) * 50).astype(kind)
        found["types/text"] = numpy.array(["Hund", "犬", ""])
    return found


def moment(step):
    """(mode, mode step): behind two steps of training one of evaluation."""
    return ("EVAL", step // 3) if step % 3 == 2 else ("TRAIN", step - step // 3)


def write_smdebug(folder, steps=7, checksum=False):
    from smdebug.core.access_layer.utils import training_has_ended
    from smdebug.core.collection_manager import CollectionManager
    from smdebug.core.modes import ModeKeys
    from smdebug.core.reduction_config import ReductionConfig
    from smdebug.core.reductions import get_numpy_reduction, get_reduction_tensor_name
    from smdebug.core.save_config import SaveConfig
    from smdebug.core.writer import FileWriter
    collections = CollectionManager()
    for name, pattern in (("weights", "^(?!gradient).*weight"), ("gradients", "^gradient"), ("losses", "[Ll]oss.*output")):
        collections.get(name).include(pattern)
        collections.get(name).save_config = SaveConfig(save_interval=1, end_step=50)
    collections.get("weights").add_tensor_name("Net_fc.weight")
    collections.get("biases").reduction_config = ReductionConfig(reductions=["mean"], abs_norms=["l2"], save_shape=True)
    collections.export(folder, "worker_0_collections.json")
    for step in range(steps):
        mode, mode_step = moment(step)
        writer = FileWriter(trial_dir=folder, worker="worker_0", step=step, mode=ModeKeys[mode], write_checksum=checksum)
        for name, array in arrays(step).items():
            writer.write_tensor(tdata=array, tname=name, mode=ModeKeys[mode], mode_step=mode_step, timestamp=1700000000.25 + step)
        for reduction, absolute in (("mean", False), ("l2", True)):
            value = get_numpy_reduction(reduction, arrays(step)["Net_fc.weight"], absolute)
            writer.write_tensor(tdata=value, tname=get_reduction_tensor_name("Net_fc.bias", reduction, absolute), mode=ModeKeys[mode],
                                mode_step=mode_step, timestamp=1700000000.25 + step)
        writer.write_shape("Net_fc.bias", (4,), ModeKeys[mode], mode_step, original_name="bias:0")
        writer.close()
    training_has_ended(folder)


def read(folder):
    """smdebug, and the library itself, on the library's store."""
    import dogbreed
    import numpy
    from smdebug import modes
    from smdebug.trials import create_trial
    write_ours(folder, "smdebug")
    trial = create_trial(folder)
    count = 0
    with dogbreed.Record(folder) as ours:
        assert trial.steps() == ours.steps() == list(range(12)), trial.steps()
        assert trial.steps(mode=modes.EVAL) == ours.steps("eval") == [0, 1]
        assert trial.workers() == ours.describe()["workers"] == ["worker_0"]
        assert sorted(trial.tensor_names(step=0)) == ours.names(step=0), trial.tensor_names(step=0)
        assert set(trial.collections()) == set(ours.describe()["collections"]) == {"losses", "biases"}
        assert trial.tensor_names(step=0, collection="losses") == ours.names(step=0, collection="losses") == ["CrossEntropyLoss_output_0"]
        saved = trial.collection("biases")
        assert sorted(saved.reduction_config.reductions + saved.reduction_config.norms) == ["l2", "mean"], saved
        assert saved.reduction_config.abs_reductions == ["max"] and saved.reduction_config.save_shape
        each = saved.save_config.get_save_config(modes.TRAIN)
        assert [step for step in range(60) if each.should_save_step(step)] == [1, 5, 10, 20, 30, 40, 50], each
        assert saved.save_config.mode_save_configs[modes.EVAL] is None
        for step in trial.steps():
            for name in trial.tensor_names(step=step):
                if name == "fc.bias" or name.startswith("types/") and name[6:] not in READS | {"text"}:
                    continue
                theirs, mine = trial.tensor(name).value(step), ours.read(name, step)
                assert numpy.array_equal(theirs, mine), (name, step, theirs, mine)
                assert name.endswith("text") or theirs.dtype == mine.dtype, (name, theirs.dtype, mine.dtype)
                count += 1
            assert trial.mode_modestep(step) == ((modes.EVAL, step // 5) if step % 5 == 4 else (modes.TRAIN, step - step // 5))
        for step in trial.tensor("fc.bias").steps():
            assert trial.tensor("fc.bias").shape(step) == ours.tensor("fc.bias", step)["shape"] == (6,)
            values = trial.tensor("fc.weight").value(step).ravel().astype("float64")
            stored = trial.tensor("fc.bias").reduction_values(step)
            for (name, absolute), value in stored.items():
                if name in ("median", "nan_count", "inf_count"):
                    continue
                from smdebug.core.reductions import get_numpy_reduction
                wanted = get_numpy_reduction(name, values, absolute)
                assert math.isclose(value, wanted, rel_tol=1e-14, abs_tol=1e-14), (step, name, value, wanted)
                count += 1
    print(f"{count} values")


def same(ours, name, step, wanted):
    import numpy
    found = ours.read(name, step)
    if isinstance(found, list):
        return found == list(wanted)
    return found.dtype == wanted.dtype and found.shape == wanted.shape and numpy.array_equal(found, wanted) and found.tobytes() == wanted.tobytes()


def write(folder):
    """The library on smdebug's store, with each of smdebug's two checksums."""
    import dogbreed
    for checksum in (False, True):
        path = os.path.join(folder, str(checksum))
        write_smdebug(path, checksum=checksum)
        count = 0
        with dogbreed.Record(path) as ours:
            assert ours.describe()["finished"] and ours.steps() == list(range(7))
            assert ours.steps("TRAIN") == [0, 1, 2, 3, 4] and ours.steps("EVAL") == [0, 1]
            for step in range(7):
                mode, mode_step = moment(step)
                for name, wanted in arrays(step).items():
                    assert same(ours, name, step, wanted), (name, step)
                    assert name.startswith("types/") or (ours.read(name, mode_step, mode) == wanted).all()
                    count += 1
                weight = arrays(step)["Net_fc.weight"]
                assert ours.reduction("Net_fc.bias", step, "mean") == float(weight.mean())
                # smdebug takes the norm of a matrix here: of that its own value is stored
                assert math.isclose(ours.reduction("Net_fc.weight", step, "mean"), weight.mean(dtype="float64"), rel_tol=1e-12)
                assert ours.tensor("Net_fc.bias", step)["shape"] == (4,)
                assert ours.tensor("Net_fc.bias", step)["original"] == "bias:0"
            result = ours.check()
            assert result["problems"] == [] and result["records"] == count + 14, result
            assert result["checksums"] == {"payload": result["records"] * checksum, "constant": result["records"] * (not checksum)}, result
            assert ours.names(collection="gradients") == ["gradient/Net_fc.weight"]
            assert ours.names(collection="weights") == ["Net_fc.weight"]  # by the names: POSIX has no lookahead
        print(f"checksum {checksum}: {count} tensors, {result['bytes']} bytes")


def golden(folder):
    write_smdebug(folder, steps=3)
    found = sorted(str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*") if path.is_file())
    committed = sorted(str(path.relative_to(GOLDEN)) for path in GOLDEN.rglob("*") if path.is_file())
    assert found == committed, (found, committed)
    different = [name for name in found if not filecmp.cmp(os.path.join(folder, name), GOLDEN / name, shallow=False)]
    assert not different, different
    print(f"{len(found)} files")


def strict(folder):
    from tensorboard.backend.event_processing import event_file_loader
    from tensorboard.util import tensor_util
    counts = {}
    for crc in ("payload", "smdebug"):
        path = os.path.join(folder, crc)
        write_ours(path, crc)
        counts[crc] = 0
        for file in sorted(pathlib.Path(path).rglob("*.tfevents")):
            index = json.loads(next(pathlib.Path(path, "index").rglob(f"{file.stem}.json")).read_text())
            names = [entry["tensorname"] for entry in index["tensor_payload"]]
            with contextlib.redirect_stderr(io.StringIO()):
                events = list(event_file_loader.EventFileLoader(str(file)).Load())
            counts[crc] += len(events)
            if crc == "payload":
                assert [event.summary.value[0].tag for event in events] == names, file
                assert {event.step for event in events} == {int(file.stem[:12])}
                loss = tensor_util.make_ndarray(events[0].summary.value[0].tensor)
                assert math.isclose(float(loss), 2 / (events[0].step + 1), rel_tol=1e-6), loss
    assert counts["payload"] > 100 and counts["smdebug"] == 0, counts
    print(f"{counts['payload']} events; none of those without a checksum")


def main():
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        {"read": read, "write": write, "golden": golden, "strict": strict}[PART](folder)


if __name__ == "__main__":
    main()
