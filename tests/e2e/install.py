"""Installs what the end-to-end tests and the demo run with, into the project's own `.venv` and `node_modules` and nowhere else.

    python3 tests/e2e/install.py [openai] [clients] [openai3] [description] [model] [node]

Each part leaves a stamp that holds its pinned requirements, so that a second run takes no time and a changed pin is noticed.
"""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OPENAI3 = VENV / "openai3"
DESCRIPTION = VENV / "description"
NODE_TESTS = HERE / "node"
OLDEST_PYTHON = (3, 10)
# What numpy asks for, which LlamaIndex brings along.
OLDEST_PYTHON_OF_CLIENTS = (3, 11)
# What the pinned `openai` package for Node asks for.
OLDEST_NODE = 22


def fail(message):
    sys.exit(f"error: {message}")


def run(what, *command, **options):
    """Runs a command quietly, and ends the program with the command's output where it fails."""
    print(f"installing {what}", flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    if done.returncode != 0:
        fail(f"{what} could not be installed ({' '.join(map(str, command[:3]))} … ended with {done.returncode}):\n{done.stdout.strip()}")


def step(name, needs, present, install):
    """Calls `install` unless it was done before with the same `needs` and its result is still `present`."""
    digest = hashlib.sha256("\n".join([sys.version, str(ROOT), *needs]).encode()).hexdigest()
    stamp = VENV / f"installed-{name}"
    if stamp.exists() and stamp.read_text() == digest and present():
        return
    stamp.unlink(missing_ok=True)
    install()
    stamp.write_text(digest)


def pip(what, *arguments):
    run(what, PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", *arguments)


def requirements(part, *options):
    name = "requirements.txt" if part == "openai" else f"requirements-{part}.txt"
    path = HERE / name
    pins = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    what = ", ".join(pins) if len(pins) <= 3 else f"{len(pins)} Python packages ({path.name})"
    step(part, [path.read_text(), *options], lambda: True, lambda: pip(what, *options, "-r", path))


def venv():
    if sys.version_info < OLDEST_PYTHON:
        fail(f"Python {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed, and this is {sys.version.split()[0]}.")

    def usable():
        probe = [PYTHON, "-c", "import sys; print(sys.version)"]
        try:
            return subprocess.run(probe, capture_output=True, text=True, check=True).stdout.strip() == sys.version.strip()
        except (OSError, subprocess.SubprocessError):
            return False

    def create():
        try:
            import ensurepip  # noqa: F401  Debian packs it apart from Python.
        except ImportError:
            fail("this Python cannot create virtual environments. On Debian and Ubuntu: apt-get install python3-venv")
        shutil.rmtree(VENV, ignore_errors=True)
        run("a virtual environment in .venv", sys.executable, "-m", "venv", VENV)

    if VENV.exists() and usable() and (VENV / "installed-venv").exists():
        return
    create()
    (VENV / "installed-venv").write_text("")


def system_node():
    """Whether the machine's own Node can run the tests."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm or node.startswith(str(VENV)):
        return False
    try:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
        subprocess.run([npm, "--version"], capture_output=True, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    major = re.match(r"v(\d+)\.", version)
    return bool(major) and int(major[1]) >= OLDEST_NODE


def node():
    if not system_node():
        requirements("node")
    environment = {**os.environ, "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
    files = [(NODE_TESTS / name).read_text() for name in ("package.json", "package-lock.json")]
    step(
        "npm",
        files,
        (NODE_TESTS / "node_modules" / "openai").is_dir,
        lambda: run("the Node packages", "npm", "ci", "--ignore-scripts", cwd=NODE_TESTS, env=environment),
    )


def clients():
    if sys.version_info < OLDEST_PYTHON_OF_CLIENTS:
        wanted = ".".join(map(str, OLDEST_PYTHON_OF_CLIENTS))
        fail(f"the pinned clients need Python {wanted} or newer, and this is {sys.version.split()[0]}. Another one: make e2e PYTHON=python{wanted}")
    requirements("openai")
    requirements("clients")


PARTS = {
    "openai": lambda: requirements("openai"),
    "clients": clients,
    # Beside the older major version, not over it: PYTHONPATH chooses.
    "openai3": lambda: requirements("openai3", "--upgrade", "--target", str(OPENAI3)),
    # Beside the others too: one of the judges would take part in every run of pytest.
    "description": lambda: requirements("description", "--upgrade", "--target", str(DESCRIPTION)),
    "model": lambda: requirements("model", "--no-deps"),
    "node": node,
}


def main(parts):
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        fail(f"unknown: {', '.join(unknown)}. Known: {', '.join(PARTS)}")
    venv()
    for part in parts or PARTS:
        PARTS[part]()


if __name__ == "__main__":
    main(sys.argv[1:])
