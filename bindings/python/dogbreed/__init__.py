"""libdogbreed: folders of images to tested models. Thin ctypes over the C library.

    import dogbreed
    data = dogbreed.Dataset("dogs")
    model = dogbreed.Model(data, architecture="mobilenet_v2", weights="mobilenet_v2.safetensors")
    trainer = dogbreed.Trainer(model, data.split("train"), data.split("valid"), epochs=7)
    trainer.run()
    print(dogbreed.evaluate(model, data.split("test")))
"""
from . import debug, event, job, options, profile, run, weights
from .common import DogbreedError, build_info, doctor, set_log, version
from .dataset import Dataset, synthesize
from .debug import Debugger, Rule
from .evaluate import Evaluation, evaluate
from .event import Event, STOP
from .job import Job
from .model import Model, architectures
from .predictor import Predictor
from .profile import Profile
from .quantize import quantize
from .record import Record
from .report import Report, compare
from .serve import Server, scores_json
from .store import Store
from .trainer import Trainer
from .tuner import Trial, Tuner

__all__ = ["Dataset", "DogbreedError", "Evaluation", "Event", "Job", "Model", "Predictor", "Profile", "Record", "Report",
           "STOP", "Server", "Store", "Trainer", "Trial", "Tuner", "architectures", "build_info", "compare", "doctor", "evaluate",
           "event", "job", "options", "profile", "quantize", "run", "scores_json", "set_log",
           "synthesize", "version", "weights"]
__version__ = version()
