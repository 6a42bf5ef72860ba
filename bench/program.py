"""Our side of a benchmark: a program that answers lines, so that peers can take turns with it."""
import subprocess


class Program:
    def __init__(self, *arguments):
        self.process = subprocess.Popen(list(map(str, arguments)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        """The words of its answer."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if not answer:
            raise SystemExit("our program ended")
        return answer

    def numbers(self, line):
        return tuple(map(float, self.ask(line)))

    def close(self):
        self.process.stdin.close()
        self.process.wait()
