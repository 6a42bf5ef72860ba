"""The small teaching programs run; the README's program is one that compiles."""
import os
import pathlib
import re
import shlex
import subprocess

import tool

FOLDER = pathlib.Path(os.environ["DOGBREED_EXAMPLES"])


class Programs(tool.Case):
    def program(self, name, *words):
        done = subprocess.run([FOLDER / f"example-{name}", *map(str, words)], cwd=self.folder, capture_output=True,
                              text=True, timeout=120, env=tool.ENVIRONMENT)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_events(self):
        out = self.program("events", self.shapes, "ref")
        self.assertRegex(out, r"(?m)^epoch 1: loss \d+\.\d+, validation accuracy \d+\.\d %, largest gradient \S+ in \S+$")
        self.assertNotIn("largest gradient 0 ", out)

    def test_rule(self):
        out = self.program("rule", self.shapes, "ref")
        self.assertRegex(out, r"(?m)^epoch 1: LargeWeight at step \d+: \S+: a weight of \d\S*, limit is 0\.2$")
        self.assertRegex(out, r'(?s)\[.*"LargeWeight".*"IssuesFound".*\]')
        self.assertNotIn('"Error"', out)

    def test_minimal_then_embed(self):
        photo = sorted((self.shapes / "test").glob("*/*"))[0]
        out = self.program("minimal", self.shapes, photo)
        self.assertRegex(out, r"test accuracy \d+\.\d % \(\d+\.\d to \d+\.\d\) of 12 images")
        out = self.program("embed", self.folder / "model.safetensors", photo, "ref")
        self.assertRegex(out, rf"{re.escape(str(photo))}: \S+ \(\d+\.\d %\)\nramp: \S+ \(\d+\.\d %\)\n")

    def test_usage(self):
        for name in ("minimal", "events", "rule", "embed"):
            done = subprocess.run([FOLDER / f"example-{name}"], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2)
            self.assertIn("usage:", done.stderr)

    def test_the_program_of_the_readme_compiles(self):
        text = (tool.SOURCE / "README.md").read_text()
        program = re.search(r"```c\n(.*?)```", text, re.S).group(1)
        source = self.folder / "readme.c"
        source.write_text(program)
        compiler = shlex.split(os.environ.get("CC", "cc"))
        subprocess.run([*compiler, "-std=c99", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                        f"-I{tool.SOURCE / 'include'}", source], check=True)


if __name__ == "__main__":
    tool.main()
