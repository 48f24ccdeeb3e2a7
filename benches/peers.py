"""Other gateways, as the benchmark of the proxy runs them: each as a plain proxy, without caches, retries, logs in a database or reports to its makers.

    python3 benches/peers.py [--into target/peers]    installs them

They come from the public registries, at the versions below. None of them has a memory.
"""
import argparse
import dataclasses
import pathlib
import subprocess
import sys
import typing

from ways import PATH

LITER_LLM = """
[general]
master_key = "none"
max_retries = 0

[security]
# Its default refuses backends on loopback.
outbound_policy = "off"

[[models]]
name = "static"
provider_model = "openai/static"
api_key = "none"
base_url = "http://127.0.0.1:{backend}/v1"
"""

TENSORZERO = """
[gateway]
observability.enabled = false

[models.static]
routing = ["static"]

[models.static.providers.static]
type = "openai"
model_name = "static"
api_base = "http://127.0.0.1:{backend}/v1/"
api_key_location = "none"
"""
# The registries have TensorZero's gateway as a part of its Python package only. It serves from threads of its own, and takes a port of its own.
TENSORZERO_LAUNCHER = """
import sys, signal, tensorzero
gateway = tensorzero._start_http_gateway(
    config_file=sys.argv[1], clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=False)
print("listening on", gateway.base_url, flush=True)
signal.pause()
"""

LITELLM = """
model_list:
  - model_name: static
    litellm_params: {{model: openai/static, api_base: "http://127.0.0.1:{backend}/v1", api_key: none}}
litellm_settings: {{num_retries: 0, telemetry: false}}
"""


@dataclasses.dataclass(frozen=True)
class Peer:
    """A gateway: how it is installed below a folder of its own, and how it is started there."""
    name: str
    folder: str
    install: tuple
    program: str
    # With the program, the port of the backend, its own port and a folder for its files: the command.
    command: typing.Callable
    path: str = PATH
    headers: typing.Callable = lambda backend: {}
    model: str = "static"
    environment: dict = dataclasses.field(default_factory=dict)
    # It takes a port of its own and says which.
    says_its_port: bool = False


def write(path, text):
    path.write_text(text)
    return path


PEERS = (
    Peer("liter-llm 2.4", "liter-llm", (("cargo", "install", "liter-llm-cli", "--version", "2.4.4", "--locked", "--root", "."),), "bin/liter-llm",
         lambda program, backend, port, folder: [
             program, "api", "--host", "127.0.0.1", "--port", port, "--config", write(folder / "liter-llm.toml", LITER_LLM.format(backend=backend))]),
    Peer("TensorZero 2026.6", "tensorzero", ((sys.executable, "-m", "venv", "."), ("bin/pip", "install", "--quiet", "tensorzero==2026.6.0")), "bin/python",
         lambda program, backend, port, folder: [
             program, "-c", TENSORZERO_LAUNCHER, write(folder / "tensorzero.toml", TENSORZERO.format(backend=backend))],
         path="/openai" + PATH, model="tensorzero::model_name::static",
         environment={"TENSORZERO_DISABLE_PSEUDONYMOUS_USAGE_ANALYTICS": "1"}, says_its_port=True),
    # With a newer server library than this its streams end in "TypeError: immutable".
    Peer("Portkey 1.15", "portkey", (("npm", "init", "--yes", "--silent"), ("npm", "pkg", "set", "overrides.@hono/node-server=1.13.8"),
                                     ("npm", "install", "--no-fund", "--no-audit", "@portkey-ai/gateway@1.15.2")),
         "node_modules/@portkey-ai/gateway/build/start-server.js",
         lambda program, backend, port, folder: ["node", program, f"--port={port}", "--headless"],
         headers=lambda backend: {"x-portkey-provider": "openai", "x-portkey-custom-host": f"http://127.0.0.1:{backend}/v1"}),
    Peer("LiteLLM 1.106", "litellm", ((sys.executable, "-m", "venv", "."), ("bin/pip", "install", "--quiet", "litellm[proxy]==1.106.*")), "bin/litellm",
         lambda program, backend, port, folder: [
             program, "--host", "127.0.0.1", "--port", port, "--num_workers", "1",
             "--config", write(folder / "litellm.yaml", LITELLM.format(backend=backend))],
         environment={"LITELLM_LOG": "ERROR", "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"}),
)


def installed(folder):
    return [peer for peer in PEERS if (folder / peer.folder / peer.program).exists()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", default="target/peers", type=pathlib.Path)
    arguments = parser.parse_args()
    failed = False
    for peer in PEERS:
        folder = arguments.into / peer.folder
        if (folder / peer.program).exists():
            print(f"{peer.name} is installed")
            continue
        folder.mkdir(parents=True, exist_ok=True)
        print(f"installing {peer.name} into {folder}", flush=True)
        for command in peer.install:
            if subprocess.run(command, cwd=folder).returncode:
                print(f"error: {peer.name} could not be installed: {' '.join(command)}", file=sys.stderr)
                failed = True
                break
    return failed


if __name__ == "__main__":
    sys.exit(main())
