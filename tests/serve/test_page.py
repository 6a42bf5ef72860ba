"""The page of a server in a browser. Photos get in on every way there is, are looked at in part, and what is
shown is what the library says of the same file; bad files and a missing token are told; nothing is asked of another server.
DOGBREED_TEST_SCREENSHOTS=DIR keeps pictures of it."""
import base64
import json
import os
import pathlib
import struct
import sys
import tempfile
import urllib.parse
import urllib.request

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "oracle"))
from browser import BROWSER, check_layout, launched, new_page  # noqa: E402
from endpoint import run, serving, train  # noqa: E402

CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
# How browsers hand over a file that a person drops or pastes.
HAND_OVER = """([kind, name, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(bytes), c => c.charCodeAt(0))], name));
  dispatchEvent(kind === 'paste' ? new ClipboardEvent('paste', {clipboardData: data})
    : new DragEvent('drop', {dataTransfer: data, cancelable: true}));
}"""


# Keeps what the page sends: browsers do not tell the bytes of a file.
RECORD = """() => {
  const send = window.fetch;
  window.sent = [];
  window.fetch = async (address, options) => {
    const bytes = new Uint8Array(await options.body.arrayBuffer());
    window.sent.push(btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join('')));
    return send(address, options);
  };
}"""


class Visit:
    """A page, and everything that it asked for."""

    def __init__(self, browser, address, width, scheme, **more):
        self.page, self.messages = new_page(browser, width, scheme, **more)
        self.address, self.asked = address, []
        self.page.on("request", lambda request: self.asked.append(request))
        self.page.add_init_script(f"({RECORD})()")
        self.page.goto(address + "/")

    def answered(self, act):
        """The address that `act` makes the page ask, when the answer is drawn."""
        with self.page.expect_response(lambda response: "/v1/predict" in response.url) as waited:
            act()
        self.until("!/Looking/.test(document.getElementById('status').textContent)")
        return waited.value.url

    def sent(self):
        return base64.b64decode(self.page.evaluate("sent.at(-1)"))

    def until(self, condition):
        """playwright's own wait_for_function evaluates text in the page, which its policy forbids."""
        for _ in range(500):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(condition)

    def choose(self, path):
        return self.answered(lambda: self.page.set_input_files("#file", path))

    def rows(self):
        return [tuple(row.split("\n")) for row in self.page.locator("#bars li").all_inner_texts()]

    def status(self):
        return self.page.locator("#status").inner_text()

    def check(self, width, scheme, messages=()):
        check_layout(self.page, width, scheme)
        assert [m for m in self.messages if not any(part in m for part in messages)] == [], self.messages
        strangers = [r.url for r in self.asked if not r.url.startswith((self.address + "/", f"blob:{self.address}/", "data:,"))]
        assert strangers == [], strangers

    def picture(self, name):
        if "DOGBREED_TEST_SCREENSHOTS" in os.environ:
            self.page.screenshot(path=f"{os.environ['DOGBREED_TEST_SCREENSHOTS']}/{name}.png", full_page=True)

    def close(self):
        self.page.context.close()


def expected(model, photo, crop=None):
    """What the command line says of the same file, as the page writes it."""
    words = ["--crop", ",".join(map(str, crop))] if crop else []
    lines = run("predict", str(model), str(photo), "--top-k", "5", "--json", *words).splitlines()
    best = json.loads(lines[0])["predictions"]
    return [(p["class"].replace("_", " "), p["probability"]) for p in best]


def check_rows(rows, best):
    assert [row[0] for row in rows] == [name for name, _ in best], (rows, best)
    for (_, text), (_, probability) in zip(rows, best):
        shown = 0.05 if text.startswith("<") else float(text.rstrip(" %"))
        assert abs(shown - 100 * probability) <= 0.051, (rows, best)


def size_of_jpeg(data):
    at = 2
    while not 0xC0 <= data[at + 1] <= 0xC3:
        at += 2 + struct.unpack(">H", data[at + 2:at + 4])[0]
    height, width = struct.unpack(">HH", data[at + 5:at + 9])
    return width, height


def turned(jpeg):
    """The same file with the remark that it lies on its side (Exif orientation 6)."""
    exif = b"Exif\0\0" + b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x112, 3, 1, 6, 0, 0)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def drag(visit, begin, end):
    """Over the photo; ends are shares of its width and height."""
    box = visit.page.locator("#view").bounding_box()
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (begin, end)]
    visit.page.mouse.move(*points[0])
    visit.page.mouse.down()
    visit.page.mouse.move(*[(a + b) / 2 for a, b in zip(*points)])
    visit.page.mouse.move(*points[1])
    visit.page.mouse.up()


def check_looks(browser, address, model, photo):
    """Every width, light and dark: a photo, then a part of it."""
    whole = expected(model, photo)
    for width in (360, 800, 1400):
        for scheme in ("light", "dark"):
            visit = Visit(browser, address, width, scheme)
            visit.check(width, scheme)
            visit.picture(f"empty-{width}-{scheme}")
            visit.choose(photo)
            assert visit.sent() == photo.read_bytes()
            check_rows(visit.rows(), whole)
            asked = visit.answered(lambda: drag(visit, (0.75, 0.875), (0.25, 0.125)))
            crop = [int(side) for side in urllib.parse.parse_qs(urllib.parse.urlsplit(asked).query)["crop"][0].split(",")]
            size = visit.page.evaluate("[document.getElementById('view').naturalWidth, document.getElementById('view').naturalHeight]")
            for side, share, length in zip(crop, (0.25, 0.125, 0.75, 0.875), size * 2):
                assert abs(side - share * length) <= 1, (crop, size)
            check_rows(visit.rows(), expected(model, photo, crop))
            assert "part" in visit.status()
            frame, marked = visit.page.locator("#view").bounding_box(), visit.page.locator("#crop").bounding_box()
            assert abs(marked["width"] - frame["width"] / 2) <= 3 and abs(marked["x"] - frame["x"] - frame["width"] / 4) <= 3, marked
            visit.check(width, scheme)
            visit.picture(f"crop-{width}-{scheme}")
            asked = visit.answered(lambda: visit.page.keyboard.press("Escape"))
            assert "crop" not in asked and not visit.page.locator("#crop").is_visible()
            check_rows(visit.rows(), whole)
            visit.close()


def check_ways(browser, address, model, photo):
    """Dropped, pasted, from the camera."""
    best = expected(model, photo)
    for kind in ("drop", "paste"):
        visit = Visit(browser, address, 800, "light")
        content = [kind, photo.name, base64.b64encode(photo.read_bytes()).decode()]
        visit.answered(lambda: visit.page.evaluate(HAND_OVER, content))
        assert visit.sent() == photo.read_bytes()
        check_rows(visit.rows(), best)
        visit.check(800, "light")
        visit.close()
    visit = Visit(browser, address, 360, "dark")
    visit.page.click("#camera")
    visit.page.wait_for_selector("#shoot")
    visit.until("document.getElementById('live').videoWidth > 0")
    visit.check(360, "dark")
    visit.picture("camera")
    visit.answered(lambda: visit.page.click("#shoot"))
    assert size_of_jpeg(visit.sent())[0] >= 320
    assert len(visit.rows()) == len(best) and not visit.page.locator("#live").is_visible()
    assert visit.page.evaluate("stream") is None
    visit.check(360, "dark")
    visit.close()


def check_turned(browser, address, folder, photo):
    jpeg = photo.read_bytes()
    path = folder / "turned.jpg"
    path.write_bytes(turned(jpeg))
    visit = Visit(browser, address, 800, "light")
    visit.choose(path)
    sent = visit.sent()
    width, height = size_of_jpeg(jpeg)
    assert size_of_jpeg(sent) == (height, width), size_of_jpeg(sent)
    assert "upright" in visit.page.locator("#note").inner_text()
    answer = json.loads(urllib.request.urlopen(urllib.request.Request(
        f"{address}/v1/predict", sent, {"Content-Type": "image/jpeg"})).read())
    assert answer["warnings"] == [], answer
    check_rows(visit.rows(), [(p["label"].replace("_", " "), p["probability"]) for p in answer["predictions"]])
    visit.close()


def check_bad(browser, address, folder, photo):
    """What the browser cannot show is not sent; what it shows half and the server refuses is told in the server's words."""
    visit = Visit(browser, address, 360, "light")
    (folder / "bad.jpg").write_text("no picture", encoding="utf-8")
    visit.page.set_input_files("#file", folder / "bad.jpg")
    visit.page.wait_for_selector("#status.bad")
    assert "not a picture" in visit.status() and not any("/v1/" in r.url for r in visit.asked)
    visit.check(360, "light")
    visit.picture("bad")
    (folder / "half.jpg").write_bytes(photo.read_bytes()[:len(photo.read_bytes()) // 2])
    visit.choose(folder / "half.jpg")
    assert visit.page.locator("#status.bad").count() == 1 and visit.rows() == [], visit.status()
    print("half a file:", visit.status())
    visit.check(360, "light", messages=("422",))
    visit.choose(photo)
    assert len(visit.rows()) == 3 and visit.page.locator("#status.bad").count() == 0
    visit.close()


def check_token(browser, model, folder, photo):
    (folder / "tokens").write_text("correct-horse-battery-staple-0123456789\n", encoding="utf-8")
    (folder / "tokens").chmod(0o600)
    with serving(model, "--tokens", str(folder / "tokens")) as address:
        visit = Visit(browser, address, 360, "dark")
        visit.choose(photo)
        assert visit.page.locator("#access").is_visible() and visit.rows() == []
        visit.check(360, "dark", messages=("401",))
        visit.picture("token")
        visit.page.fill("#token", "correct-horse-battery-staple-0123456789")
        visit.answered(lambda: visit.page.keyboard.press("Enter"))
        assert len(visit.rows()) == 3 and not visit.page.locator("#access").is_visible()
        visit.close()


def main():
    if BROWSER is None:
        print("skipped: chromium is not installed")
        return 77
    with tempfile.TemporaryDirectory() as name, launched(*CAMERA) as browser:
        folder = pathlib.Path(name)
        model, photos = train(folder)
        photo = photos[0]
        with serving(model) as address:
            reply = urllib.request.urlopen(address + "/")
            assert reply.headers["X-Frame-Options"] == "DENY" and reply.headers["Content-Type"].startswith("text/html")
            check_looks(browser, address, model, photo)
            check_ways(browser, address, model, photo)
            check_turned(browser, address, folder, photo)
            check_bad(browser, address, folder, photo)
        check_token(browser, model, folder, photo)
    return 0


if __name__ == "__main__":
    sys.exit(main())
