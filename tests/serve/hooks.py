"""What schemathesis has to be told: how bodies that are no JSON are sent."""
import schemathesis


def as_bytes(value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@schemathesis.serializer("image/jpeg", "image/png", "application/x-image", "application/x-npy", "text/csv")
def raw(_, value):
    return as_bytes(value)
