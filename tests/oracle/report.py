"""Reports in a browser and a PDF reader: report.py TOOL page|pdf. Chromium without a window opens the page of a run at
several widths, light and dark: no message in its console, no request, nothing wider than the screen; tables sort and
can be searched. poppler reads the PDF. Needs playwright (its own browsers are not needed) and the programs chromium,
pdftotext, pdftoppm, pdfinfo."""
import contextlib
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

from browser import BROWSER, check_layout, launched, new_page

TOOL, PART = os.path.abspath(sys.argv[1]), sys.argv[2]
NAMES = ["<b>bold", "собака & \"кот\"", "犬", "plain"]


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def run(*command, **kwargs):
    return subprocess.run(command, check=True, capture_output=True, text=True, **kwargs).stdout


def make_run(folder):
    """A study and a training of drawn pictures whose classes have names that have to be escaped."""
    data, out = folder / "data", folder / "run"
    run(TOOL, "synth", str(data), "--classes", "4", "--per-class", "14", "--size", "48", "--seed", "3")
    for split in data.iterdir():
        for old, name in zip(sorted(split.iterdir()), NAMES):
            old.rename(split / name)
    run(TOOL, "run", str(data), "--arch", "tiny", "--freeze", "none", "--engine", "ref", "--trials", "6", "--search", "learning_rate=log:1e-3:1e-1",
        "--search", "epochs=1..3", "--input-size", "32", "--resize", "32", "--out", str(out), "--seed", "1", "--quiet", "--no-tensorboard",
        env=dict(os.environ, DOGBREED_CACHE=str(folder / "cache")))
    (out / "debug").mkdir()
    (out / "profile").mkdir()
    source = pathlib.Path(os.environ["DOGBREED_TEST_SOURCE"]) / "fuzz" / "corpus" / "report_document"
    for name, to in (("debug_findings", "debug/findings.json"), ("profile_summary", "profile/summary.json")):
        (out / to).write_bytes((source / name).read_bytes()[1:])
    print(run(TOOL, "report", str(out), "--pdf", "--json", "--check", "--quiet"))
    run(TOOL, "compare", str(out), str(out), "--html", str(folder / "compare.html"))
    return out


def make_many(folder):
    """An evaluation of 130 classes, of which each is often taken for one far from it."""
    count, out = 130, folder / "many"
    out.mkdir()
    rows = [[[i, 5], [(i + 65) % count, 2], [(7 * i + 1) % count, 1]] for i in range(count)]
    classes = [{"class": f"{i:03}.Old_English_sheepdog_and_more", "count": 8, "correct": 5, "predicted": 8, "precision": 0.625, "recall": 0.625}
               for i in range(count)]
    (out / "evaluation.json").write_text(json.dumps({
        "format": "dogbreed.evaluation", "version": 1, "split": "test", "count": 8 * count, "correct": 5 * count, "top1": 0.625,
        "loss": 1.5, "classes": classes, "confusion": {"rows": rows}, "predictions": []}))
    run(TOOL, "report", str(out), "--json", "--pdf", "--quiet")
    document = json.loads((out / "report.json").read_text())
    order = document["confusion"]["order"]
    place = {label: at for at, label in enumerate(order)}
    assert sorted(order) == list(range(count))
    assert all(abs(place[i] - place[i + 65]) == 1 for i in range(65)), order
    assert sorted(sorted(group) for group in document["confusion"]["groups"]) == [[i, i + 65] for i in range(65)]


@contextlib.contextmanager
def served(folder):
    """Over HTTP, so that the page's policy and its own requests are as on a server."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *_):
            asked.append(self.path)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()


def look(browser, address, asked, path, width, scheme):
    page, messages = new_page(browser, width, scheme)
    asked.clear()
    page.goto(f"{address}/{path}")
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_timeout(100)
    assert messages == [], messages
    assert asked == [f"/{path}"], asked
    check_layout(page, width, scheme)
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    return page


def check_table(page):
    cells = "[...document.querySelectorAll('#classes tbody tr:not([hidden]) td:nth-child({})')].map(cell => cell.{})"
    assert sorted(page.evaluate(cells.format(1, "textContent"))) == sorted(NAMES)
    button = page.locator("#classes th button", has_text="Recognised")
    for turn in range(2):
        button.click()
        values = [float(value) for value in page.evaluate(cells.format(3, "dataset.v"))]
        assert values == sorted(values, reverse=turn == 0), values
    search = page.locator("#reproduce .search").first
    search.fill("learning_r")
    rows = page.evaluate("[...document.querySelectorAll('#reproduce tbody tr:not([hidden])')].map(row => row.textContent)")
    assert any("learning_rate" in row for row in rows) and not any("optimizer" in row for row in rows), rows


def check_page(folder, out):
    with served(folder) as (address, asked), launched() as browser:
        for width in (360, 800, 1400):
            for scheme in ("light", "dark"):
                page = look(browser, address, asked, "run/report.html", width, scheme)
                assert page.evaluate("document.querySelectorAll('script').length") == 1
                assert page.evaluate("document.querySelectorAll('#classes b, #confusion b').length") == 0
                if (width, scheme) == (1400, "light"):
                    check_table(page)
                    printed = folder / "printed.pdf"
                    page.pdf(path=str(printed), format="A4")
                    text = run("pdftotext", str(printed), "-")
                    assert all(name in text for name in NAMES), text[:2000]
                look(browser, address, asked, "compare.html", width, scheme)
                page = look(browser, address, asked, "many/report.html", width, scheme)
                box = page.locator("#confusion figure svg:visible").first.bounding_box()
                assert box["width"] <= width and box["height"] > 200, box


def check_pdf(folder, out):
    text = run("pdftotext", "-layout", str(out / "report.pdf"), "-")
    for part in NAMES + ["Summary", "Learning curves", "Calibration", "Reproduce", "learning_rate", "Expected calibration error"]:
        assert part in text, part
    info = run("pdfinfo", str(out / "report.pdf"))
    pages = int(info.split("Pages:")[1].split()[0])
    assert 3 < pages < 30 and "A4" in info, info
    run("pdftoppm", "-r", "40", "-gray", str(out / "report.pdf"), str(folder / "page"))
    pictures = sorted(folder.glob("page-*.pgm"))
    assert len(pictures) == pages
    for picture in pictures:  # something is on every page, and its margins are white
        header, body = picture.read_bytes().split(b"\n255\n", 1)
        width = int(header.split()[1])
        assert sum(byte < 200 for byte in body) > 30, picture
        rows = [body[i:i + width] for i in range(0, len(body), width)]
        assert all(min(row[:20]) > 250 and min(row[-20:]) > 250 for row in rows), picture
    before = (out / "report.pdf").read_bytes()
    for _ in range(2):
        env = dict(os.environ, SOURCE_DATE_EPOCH="1700000000")
        run(TOOL, "report", str(out), "--pdf", env=env)
        after, before = before, (out / "report.pdf").read_bytes()
    assert after == before
    assert "2023" in run("pdfinfo", str(out / "report.pdf")).split("CreationDate:")[1].split("\n")[0]


def main():
    if PART == "page" and BROWSER is None:
        skip("chromium is not installed")
    if any(shutil.which(name) is None for name in ("pdftotext", "pdftoppm", "pdfinfo")):
        skip("poppler-utils is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        out = make_run(folder)
        make_many(folder)
        {"page": check_page, "pdf": check_pdf}[PART](folder, out)
        document = json.loads((out / "report.json").read_text(encoding="utf-8"))
        assert [row["class"] for row in document["evaluation"]["classes"]] == sorted(NAMES), document["evaluation"]["classes"]
    return 0


sys.exit(main())
