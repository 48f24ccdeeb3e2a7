// Running maia, a real model, and a backend that answers from a script, for the tests in this folder.
import { spawn } from "node:child_process";
import { mkdtempSync, openSync, closeSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const BINARY = path.resolve(process.env.TEST_BINARY || path.join(ROOT, "target/debug/maia"));
const PYTHON = path.join(ROOT, ".venv/bin/python");

/** Asks until the answer is truthy, and returns it. */
export async function eventually(question, what, deadline = 15_000) {
  const end = performance.now() + deadline;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (performance.now() > end) throw new Error(`not within ${deadline} ms: ${what}`);
    await new Promise((resume) => setTimeout(resume, 50));
  }
}

/** A program; what it prints and what it logs go to a file each. `stop` ends it with `signal` and returns its exit code. */
class Child {
  constructor(command, args, { env = {}, stdin = "ignore" } = {}) {
    this.folder = mkdtempSync(path.join(os.tmpdir(), "maia-e2e-"));
    this.logPath = path.join(this.folder, "log");
    this.outputPath = path.join(this.folder, "output");
    const files = [openSync(this.outputPath, "w"), openSync(this.logPath, "w")];
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("MAIA_"));
    this.process = spawn(command, args, {
      cwd: this.folder,
      env: { ...Object.fromEntries(inherited), NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1", ...env },
      stdio: [stdin, ...files],
    });
    for (const file of files) closeSync(file);
    this.ended = new Promise((resolve) => {
      this.process.once("exit", (code, signal) => resolve(code ?? signal));
      this.process.once("error", resolve);
    });
    this.over = false;
    this.ended.then(() => (this.over = true));
    this.killer = () => this.process.kill("SIGKILL");
    process.once("exit", this.killer);
  }

  get output() {
    return readFileSync(this.outputPath, "utf8");
  }

  get log() {
    return readFileSync(this.logPath, "utf8");
  }

  async ready(url, what) {
    try {
      return await eventually(async () => {
        if (this.over) throw new Error(`${what} ended with ${await this.ended}:\n${this.log}`);
        return url(this);
      }, `${what} is ready`, 60_000);
    } catch (error) {
      await this.stop("SIGKILL");
      throw error;
    }
  }

  async stop(signal = "SIGTERM") {
    this.process.kill(signal);
    const code = await this.ended;
    process.removeListener("exit", this.killer);
    rmSync(this.folder, { recursive: true, force: true });
    return code;
  }
}

const answers = (url) => fetch(url).then((response) => response.ok, () => false);

/** Starts maia on a free port, with its database in a temporary folder. */
export async function startMaia(backend, env = {}) {
  const child = new Child(BINARY, ["serve"], {
    env: { MAIA_SERVER_HOST: "127.0.0.1", MAIA_SERVER_PORT: "0", MAIA_STORAGE_PATH: "maia.db", MAIA_PROXY_BACKEND: backend, ...env },
  });
  // The log names the backend's address too, which is not the one looked for.
  const url = await child.ready(async ({ log }) => {
    for (const [found] of log.matchAll(/http:\/\/127\.0\.0\.1:\d+/g)) {
      if (!backend.startsWith(found) && (await answers(`${found}/ready`))) return found;
    }
    return undefined;
  }, "maia");
  return { url, stop: () => child.stop() };
}

/** Starts the small real model. */
export async function startModel() {
  const child = new Child(PYTHON, [path.join(ROOT, "tests/e2e/support/model_server.py")], { stdin: "pipe" });
  const url = await child.ready(async ({ output }) => {
    const [found] = output.match(/^http:\/\/127\.0\.0\.1:\d+$/m) ?? [];
    return found && (await answers(`${found}/health`)) && `${found}/v1`;
  }, "the model server");
  return { url, model: "smollm2-135m", stop: () => child.stop("SIGKILL") };
}

/** A backend that answers a request by its `model`, and keeps what it received. A script is a function of (request body, response). */
export async function startBackend() {
  const scripts = new Map();
  const received = new Map();
  const server = http.createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      const body = JSON.parse(Buffer.concat(parts).toString("utf8") || "{}");
      const key = body.model ?? request.url;
      received.set(key, [...(received.get(key) ?? []), { url: request.url, headers: request.headers, body }]);
      const script = scripts.get(key) ?? fails(404, { message: `The model ${key} does not exist`, code: "model_not_found" });
      script(response);
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/v1`,
    on: (model, script) => scripts.set(model, script),
    last: (model) => received.get(model)?.at(-1),
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

export const says = (text) => (response) => {
  response.setHeader("Content-Type", "application/json");
  response.end(
    JSON.stringify({
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 1_700_000_000,
      model: "scripted",
      choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
      usage: { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 },
    }),
  );
};

export const streams = (pieces) => (response) => {
  const event = (choices, more = {}) =>
    `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_700_000_000, model: "scripted", choices, ...more })}\n\n`;
  response.setHeader("Content-Type", "text/event-stream");
  response.write(event([{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }]));
  for (const piece of pieces) response.write(event([{ index: 0, delta: { content: piece }, finish_reason: null }]));
  response.write(event([{ index: 0, delta: {}, finish_reason: "stop" }]));
  response.write(event([], { usage: { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 } }));
  response.end("data: [DONE]\n\n");
};

export const fails = (status, error, headers = {}) => (response) => {
  response.writeHead(status, { "Content-Type": "application/json", ...headers });
  response.end(JSON.stringify({ error: { type: "scripted_error", param: null, code: null, ...error } }));
};

export const breaks = (status) => (response) => {
  response.writeHead(status, { "Content-Type": "text/html" });
  response.end("<html><body>It broke</body></html>");
};
