"""The examples, run as they stand."""

import subprocess
import sys

import pytest

from support import backend as scripted
from support.processes import ROOT, clean_environment


class ChattingBackend(scripted.ScriptedBackend):
    """One model, which says the same to everything."""

    def take(self, key, request):
        del key
        if request.path.endswith("/models"):
            return scripted.Reply(body=b'{"object": "list", "data": [{"id": "m1", "object": "model"}]}')
        return scripted.stream(["I ", "see."])


@pytest.fixture
def chatting_backend():
    server = ChattingBackend()
    yield server
    server.stop()


def test_a_conversation_with_memory_in_python(start_maia, chatting_backend):
    maia = start_maia(chatting_backend.url, MAIA_SECURITY_API_KEY="key-of-the-example")
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "memory.py"],
        env={**clean_environment(), "MAIA_URL": maia.url, "MAIA_KEY": "key-of-the-example", "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "> I am vegetarian, and my dog is called Biscuit.",
        "I see.",
        "  (0 memories used)",
        "> Suggest something for dinner.",
        "I see.",
        "  (3 memories used)",
        "  pinned   User prefers short answers",
        "  profile  User's dog is called Biscuit",
        "  profile  User is vegetarian",
        "  user       User prefers short answers",
        "  extracted  User's dog is called Biscuit",
        "  extracted  User is vegetarian",
    ]
