"""The image of examples/sagemaker cannot be built without a registry. What can be known of it without one: its words, that
what it copies is there, that its packages exist and are those of scripts/setup.sh, that nothing is missing at run time."""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import unittest

import tool

FOLDER = tool.SOURCE / "examples" / "sagemaker"
# build-essential is more than an image needs: its parts stand for it.
PARTS = {"gcc": "build-essential", "libc6-dev": "build-essential"}
BUILD = None
OPENED = {"libmicrohttpd.so.12": "libmicrohttpd12", "libcurl.so.4": "libcurl4"}  # by the library, when they are needed


def steps():
    """[(instruction, words)], lines that go on joined."""
    text = re.sub(r"^#.*\n", "", (FOLDER / "Dockerfile").read_text(), flags=re.M).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


def stages():
    """The steps of each image, by its number."""
    found = []
    for name, words in steps():
        if name == "FROM":
            found.append([])
        found[-1].append((name, words))
    return found


def commands(stage):
    """Of its RUN steps, in words."""
    found = []
    for name, text in stage:
        if name == "RUN":
            found += [shlex.split(part) for part in re.split(r"&&|;", text)]
    return found


def packages(stage):
    return [word for words in commands(stage) if words[:2] == ["apt-get", "install"] for word in words[2:] if word[0] != "-"]


def setup_words(name):
    """An array of scripts/setup.sh."""
    text = (tool.SOURCE / "scripts" / "setup.sh").read_text()
    return re.search(rf"^{name}=\(([^)]*)\)", text, re.M)[1].split()


def introspect(name):
    return json.loads((BUILD / "meson-info" / f"intro-{name}.json").read_text())


class Image(tool.Folder):
    @classmethod
    def setUpClass(cls):
        """The build folder, as the image has it but for its place; nothing is compiled."""
        global BUILD
        super().setUpClass()
        BUILD = cls.folder / "build"
        meson = next(words for words in commands(stages()[0]) if words[0] == "meson")
        places = {"/build": str(BUILD), "/source": str(tool.SOURCE)}
        subprocess.run([places.get(word, word) for word in meson], check=True, capture_output=True)

    def test_words(self):
        self.assertLessEqual({name for name, _ in steps()}, {"FROM", "RUN", "COPY", "ENV", "ENTRYPOINT"})
        self.assertEqual(len(stages()), 2)
        base = {words.split()[0] for name, words in steps() if name == "FROM"}
        self.assertEqual(base, {"debian:12-slim"})
        for stage in stages():
            for words in commands(stage):
                self.assertIn(words[0], ("apt-get", "rm", "meson", "ninja", "DESTDIR=/image"))

    @unittest.skipUnless(shutil.which("apt-cache"), "no Debian")
    def test_packages_are_known(self):
        for stage in stages():
            for package in packages(stage):
                with self.subTest(package=package):
                    done = subprocess.run(["apt-cache", "show", package], capture_output=True, text=True)
                    if not done.stdout and not any(pathlib.Path("/var/lib/apt/lists").glob("*_Packages*")):
                        self.skipTest("apt has no lists here")
                    self.assertIn(f"Package: {package}\n", done.stdout)

    def test_it_builds_with_what_the_setup_installs(self):
        wanted = setup_words("packages")
        for package in packages(stages()[0]):
            self.assertIn(PARTS.get(package, package), wanted)
        # Whatever meson.build cannot do without.
        for name in re.findall(r"dependency\('([a-z0-9]+)'(?!.*required)", (tool.SOURCE / "meson.build").read_text()):
            if name != "threads":
                stem = {"zlib": "zlib1g", "libcrypto": "libssl", "libjpeg": "libjpeg62-turbo"}.get(name, name)
                self.assertTrue(any(stem in package for package in packages(stages()[0])), name)

    def test_it_builds_as_the_setup_does(self):
        build = {words[0]: words for words in commands(stages()[0])}
        setup = (tool.SOURCE / "scripts" / "setup.sh").read_text()
        self.assertEqual(build["ninja"][-1:], setup_words("targets"))
        self.assertIn("-Dengine_torch=disabled", build["meson"])
        self.assertIn("options+=(-Dengine_torch=disabled)", setup)
        known = {option["name"] for option in introspect("buildoptions")}
        for word in build["meson"]:
            if word.startswith("-D"):
                self.assertIn(word[2:].split("=")[0], known)
        self.assertEqual(build["DESTDIR=/image"][1:3], ["meson", "install"])

    def test_what_is_copied_is_there(self):
        copies = [words.split() for name, words in steps() if name == "COPY"]
        installed = introspect("installed").values()
        self.assertIn("/usr/bin/dogbreed", installed)
        self.assertIn("/usr/lib/libdogbreed.so.0", installed)
        for *source, _ in copies:
            if source[0].startswith("--from="):
                place = source[1].removeprefix("/image")
                self.assertTrue(any(path.startswith(place + "/") for path in installed), place)
            else:
                self.assertTrue((tool.SOURCE / source[0]).exists(), source)
        product = set(subprocess.run(["ninja", "-C", BUILD, "-t", "query", "product"], capture_output=True, text=True,
                                     check=True).stdout.split())
        for path in introspect("installed"):  # of what is built: install must not find a hole
            name = os.path.relpath(path, BUILD) if path.startswith(str(BUILD)) else path
            if not name.startswith(("/", "meson-private")) and name != "libdogbreed.so":
                self.assertIn(name, product)

    @unittest.skipUnless(shutil.which("readelf") and shutil.which("dpkg-query"), "no Debian")
    def test_nothing_is_missing_at_run_time(self):
        there = packages(stages()[1])
        for program in (tool.TOOL, pathlib.Path(tool.TOOL).parent / "libdogbreed.so.0"):
            text = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True).stdout
            for library in re.findall(r"\(NEEDED\).*\[(.*)\]", text):
                if library.startswith(("libc.", "libm.", "ld-linux", "libdogbreed")):
                    continue  # of every Debian, or our own
                owner = subprocess.run(["dpkg-query", "-S", f"*/{library}"], capture_output=True, text=True).stdout.split(":")[0]
                self.assertIn(owner, there, library)
        source = "".join(path.read_text() for path in (tool.SOURCE / "lib").rglob("*.c"))
        for library, package in OPENED.items():
            self.assertIn(f'"{library}"', source)
            self.assertIn(package, there)

    def test_the_entry(self):
        entry = json.loads(dict(steps())["ENTRYPOINT"])
        self.assertEqual(entry, ["dogbreed"])
        self.assertEqual(dict(words.split("=", 1) for name, words in steps() if name == "ENV"), {"DOGBREED_CACHE": "/tmp/dogbreed"})


if __name__ == "__main__":
    tool.main()
