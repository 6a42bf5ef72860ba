"""What schemathesis has to be told: the model's name, and how bodies that are no JSON are sent."""
import schemathesis


@schemathesis.hook
def map_path_parameters(_, parameters):
    """Half of the drawn names are those that exist."""
    if parameters and len(str(parameters.get("m", ""))) % 2 == 0:
        return {**parameters, "m": "dogs", **({"v": "1"} if "v" in parameters else {})}
    return parameters


def as_bytes(value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@schemathesis.serializer("image/jpeg", "image/png", "application/x-image", "application/x-npy", "text/csv")
def raw(_, value):
    return as_bytes(value)
